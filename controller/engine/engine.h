/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine: computes, for every app and object, the flows that the current
 * state requires.  It records what each computation reads, recomputes what a
 * change has made stale, and returns the difference.  Called by commit-group.c
 * after each model_apply(); the fabric reads the desired state of hosts.  Not
 * for durability (commit/), sending (fabric/), or loading apps (apphost/).
 *
 * The desired state is a set of items (flows and OpenFlow groups), each in one
 * scope.  The desired state of a host consists of the items of all its
 * scopes. */

#ifndef CONTROLLER_ENGINE_ENGINE_H
#define CONTROLLER_ENGINE_ENGINE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/flow/flow-item.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "vmn/app.h"

struct ds;
struct engine;
struct engine_scope;
struct match;
struct pipeline;
struct pipeline_app;
struct schema_struct;
struct siphash_key;
struct status_app;

/* Scopes.  --------------------------------------------------------------- */

/* Returns "all", "host:hv1" or "overlay.network-hosts:shop". */
const char *engine_scope_name(const struct engine_scope *);

/* Calls 'cb' for every host that is in 'scope' (hosts that have a row). */
void engine_scope_hosts(const struct engine *, const struct engine_scope *,
                        void (*cb)(void *aux, const char *host), void *aux);

/* Calls 'cb' for every scope of 'host' that has items. */
void engine_host_scopes(const struct engine *, const char *host,
                        void (*cb)(void *aux, const struct engine_scope *),
                        void *aux);

/* Calls 'cb' for every desired group of 'host', or for every desired item,
 * groups before flows. */
void engine_host_group_items(const struct engine *, const char *host,
                             void (*cb)(void *aux, const struct flow_item *),
                             void *aux);
void engine_host_items(const struct engine *, const char *host,
                       void (*cb)(void *aux, const struct flow_item *),
                       void *aux);

/* Returns the desired flow of 'host' with this key, or NULL.  For
 * reconciliation. */
const struct flow_item *engine_find_flow(const struct engine *,
                                         const char *host, uint8_t table,
                                         uint16_t priority,
                                         const struct match *);
/* Does the same by the match as OpenFlow 1.5 encodes it (struct
 * ofp11_match_header and what follows, padded), which is faster.  A match that
 * is encoded differently from libopenvswitch's encoding is not found. */
const struct flow_item *engine_find_encoded_flow(
    const struct engine *, const char *host, uint8_t table, uint16_t priority,
    const void *match, size_t match_size);
const struct flow_item *engine_find_group(const struct engine *,
                                          const char *host,
                                          uint32_t group_id);

/* Returns the sum of the digests of the items of a scope, or of all desired
 * items of 'host': equal sums mean equal items, in any order, and in any
 * process with the same key.  The latter function visits every scope.
 *
 * Users choose some of the bytes.  A sum of digests is safe from them because
 * they know neither the key nor any digest: each attempt to make two sums
 * equal then succeeds with a probability of 2^-64.  Given known digests, a
 * subset with a required sum is found quickly (Wagner, "A generalized birthday
 * problem").  So neither digests nor sums leave vmnd, not even to hosts. */
uint64_t engine_scope_digest(const struct engine_scope *);
uint64_t engine_host_digest(const struct engine *, const char *host);

/* Returns the item with this xid, for a switch's error, or NULL if it no
 * longer exists. */
const struct flow_item *engine_find_xid(const struct engine *,
                                        uint32_t xid);

/* Return true if a flow or a group that a host has, although it is not
 * desired, is to stay: it is of an app that could not be loaded, or of a unit
 * that has failed since the start. */
bool engine_keeps_flow(const struct engine *, uint8_t table, uint64_t cookie);
bool engine_keeps_group(const struct engine *, uint32_t group_id);
/* Returns true if what app 'app' wants of hosts is not known, for one of these
 * reasons: its flows stay, or those of one of its units of such a class; the
 * last one is NULL. */
bool engine_keeps_units(const struct engine *, const char *app,
                        const char *const units[]);
/* Returns true if what the unit of this name, "APP.UNIT/KEY", wants is not
 * known, since it has failed since the start. */
bool engine_keeps_unit(const struct engine *, const char *name);
/* Returns true if some of that is not to stay any more, since the last call:
 * hosts are to be compared again.  To be called when what has been computed is
 * durable: what is kept of apps that have changed stays until then. */
bool engine_take_released(struct engine *);

/* Says whether another member of the cluster allocates IDs, and frees them. */
void engine_set_following(struct engine *, bool following);

/* Names.  ---------------------------------------------------------------- */

/* Returns the "APP.UNIT/KEY" that owns the cookie, or NULL if it is unknown.
 * Valid until the next engine_run(). */
const char *engine_cookie_name(const struct engine *, uint64_t cookie);

/* Returns the same for an item, including groups; for a merged clause, one of
 * its units. */
const char *engine_item_owner(const struct engine *,
                              const struct flow_item *);

/* The owner of a flow, by its cookie and flow_item_part(). */
struct engine_flow_owner {
    const char *owner;          /* "APP.UNIT/KEY", or NULL: unknown, and the
                                 * rest is not set.  Valid until the next
                                 * engine_run(). */
    const char *app;
    const char *type;           /* "policies", or NULL: of no single object. */
    char name[VMN_NAME_LEN + 1]; /* Of that object. */
    int rule;                   /* Index of a policy's rule; -1: none. */
};
void engine_get_flow_owner(struct engine *, uint64_t cookie, uint32_t part,
                           struct engine_flow_owner *);

/* Has the app of 'type' look at 'object', which is of it and is about to be
 * written, and adds what is wrong to 'faults', with pointers into it; or
 * VMN_ERR_BUSY, if the app's worker is late: another check of the same object
 * takes the result.  Sets '*checked' if nothing is wrong; a check of the same
 * object with that number does nothing. */
void engine_check_object(struct engine *, const struct vmn_type_row *type,
                         const struct vmn_row *object, uint64_t *checked,
                         struct vmn_errors *faults);
/* Has workers forget late checks: no write waits for them. */
void engine_end_checks(const struct engine *);

/* Gets the limit that a meter is for.  Returns false if it is for none; then
 * no host has a flow with it. */
bool engine_get_limit(const struct engine *, uint32_t meter,
                      struct flow_limit *);

/* Returns the reason for a drop by the hash in register SAMPLE_KIND_REG of a
 * sampled packet (flow/sample-action.h), or NULL. */
const char *engine_find_drop_reason(const struct engine *, uint32_t kind);

/* Returns true if 'reason', one of a flow, is background
 * (vmn_act_drop_background()). */
bool engine_is_background(const struct engine *, const char *reason);

/* Returns a copy of the value of query "APP.QUERY" at 'key', '*size' bytes,
 * which the caller frees; NULL if there is none.  No dependency is
 * recorded. */
void *engine_peek(struct engine *, const char *query, const char *key,
                  size_t *size);

/* Returns the first table at 'hook' or behind it, or -1. */
int engine_table_of_hook(const struct engine *, enum vmn_hook hook);

/* Returns the key of the routing domain of 'network': its own name if no
 * router connects it.  The caller frees it. */
char *engine_domain_of(struct engine *, const char *network);

/* Query: target of VMN_REL_PROBE_TARGETS -> its value, a text with its final
 * null. */
#define ENGINE_QUERY_PROBE_TARGET "vmn.probe-target"

/* Query: host -> those that it is to watch, VMN_REL_WATCHED_HOSTS, the first
 * ones, each as "NAME/NUMBER", by name, with commas and a final null. */
#define ENGINE_QUERY_WATCHED_HOSTS "vmn.watched-hosts"

/* Query: host -> types of tunnels that it has for copies, and the names of
 * interfaces, VMN_REL_COPY_TUNNELS, with commas and a final null. */
#define ENGINE_QUERY_COPY_TUNNELS "vmn.copy-tunnels"
/* Query: host -> its VMN_REL_UPLINKS and VMN_REL_QUEUES, each with commas,
 * between them a semicolon, and a final null.  No value: no uplinks. */
#define ENGINE_QUERY_UPLINKS "vmn.uplinks"

/* Starts recording the keys at which the value of query "APP.QUERY" has
 * changed or disappeared, while it has readers there; with those at which
 * there is one already.  Returns false if no loaded app has such a query. */
bool engine_watch(struct engine *, const char *query);
/* Moves the keys that were recorded since the last call to 'keys'.  They may
 * include some that a dry run has rolled back. */
struct sset;
void engine_take_changed(struct engine *, const char *query,
                         struct sset *keys);

/* Differences.  ---------------------------------------------------------- */

struct engine_change {
    bool added;                 /* Otherwise it was withdrawn. */
    bool replaced;              /* By, or of, another item with the same key
                                 * and scope. */
    const struct flow_item *item;
};
struct engine_member {
    const struct engine_scope *scope;
    const char *host;
    bool joined;                /* Otherwise it left. */
};

/* The most flows and groups that a live switch is sent as one bundle, which
 * holds its main thread for some 0.05 s (tests/bench/switch-sizes).  Of a
 * larger difference it gets several, one after the other. */
#define ENGINE_BUNDLE_ITEMS 16384

/* The changes of one run.  An item that is added and withdrawn within the run
 * is not included.  Membership is as of the end of the run: a host that joined
 * a scope needs all of the scope's items (not only those in 'changes'); one
 * that left must remove its items of the scope, which are the scope's current
 * items plus those withdrawn in 'changes'.  Holds references. */
struct engine_delta {
    size_t n_changes;
    struct engine_change *changes;
    size_t n_members;
    struct engine_member *members;
    /* Statistics, by app in pipeline order, for receipts. */
    size_t n_apps;
    struct engine_delta_app {
        const char *name;
        unsigned added, changed, removed;
        unsigned units;         /* Recomputed. */
    } *apps;
    const struct engine *engine; /* It must outlive its differences. */
};
void engine_delta_destroy(struct engine_delta *);

/* Life.  ----------------------------------------------------------------- */

/* Creates an engine.  Neither model nor pipeline are owned; both must outlive
 * it.  The pipeline (apphost/) has the apps and the numbers of their
 * tables. */
struct engine *engine_create(struct model *, const struct pipeline *);
void engine_destroy(struct engine *);

/* An app of the pipeline goes, or has come, between two runs: the next one
 * withdraws what it has, or computes it, with all else that leads to other
 * tables then.  A change that is rolled back is undone by the opposite, before
 * engine_roll_back(). */
void engine_remove_app(struct engine *, const struct pipeline_app *);
void engine_add_app(struct engine *, const struct pipeline_app *);
/* The same for stages of apps that have got other tables. */
void engine_apps_moved(struct engine *);

/* Sets the secret key of digests, before the first run.  Until then a default
 * key is used, which is public. */
void engine_set_key(struct engine *, const struct siphash_key *);
const struct siphash_key *engine_key(const struct engine *);

/* Sets a function that is called during a run, and during other long work,
 * when others may read the engine, whose results then are those of the moment.
 * It must not change the engine or the model. */
void engine_set_yield(struct engine *, void (*yield)(void *aux), void *aux);
void engine_yield(const struct engine *);

/* Sets for how long a run may wait for the workers of all apps together, and
 * what else computes in one (a packet, a check), each time.  0: until they are
 * done, or exceed a limit of their own.
 *
 * A unit that is not done then is late: it keeps its flows, is listed by
 * engine_problems(), and is computed by the run that follows
 * engine_take_ready_workers(). */
#define ENGINE_WORKER_WAIT_MS 100
void engine_set_worker_wait(struct engine *, int ms);
/* Returns the name of the app of a unit or query that is late, and that
 * 'revision' may have changed: what that results in is not complete.  NULL:
 * there is none. */
const char *engine_late_app(const struct engine *, uint64_t revision);

/* Processes model_take_changes() and recomputes what is stale.  The first run
 * compiles everything.  Never fails; a unit that fails keeps its flows and is
 * listed by engine_problems().  The caller owns the delta. */
struct engine_delta *engine_run(struct engine *);

/* Returns true if IDs were freed (id_pools_acked()) in a pool that was
 * exhausted for some units or queries: the next run computes these again, and
 * must not be rolled back.  Costs nothing if no pool was exhausted. */
bool engine_take_freed_ids(struct engine *);

/* Does the same of computations that failed since too much memory is kept for
 * their app (app-memory.h), if there is room by now. */
bool engine_take_freed_memory(struct engine *);

/* Does the same of computations that have asked whether a time has passed
 * (vmn_is_past()), if it has by now: the engine's own time stands still
 * between two calls. */
bool engine_take_past_times(struct engine *);
/* Returns the first time that one waits for, in seconds since 1970, or
 * INT64_MAX. */
int64_t engine_next_time(const struct engine *);
/* Sets where the engine has the time from, in seconds since 1970, before the
 * first run: otherwise it is the machine's. */
void engine_set_clock(struct engine *, int64_t (*get_time)(void));

/* Does the same of computations that found the worker of their app absent, if
 * it is worth another try; and of units of apps with VMN_APP_WITHDRAW whose
 * app has been suspended, or is not any more. */
bool engine_take_ready_workers(struct engine *);

/* Does what engine_run() does, after the change that resulted in 'undone' was
 * rolled back: withdrawn items are reused, and not just replaced by equal
 * ones. */
struct engine_delta *engine_roll_back(struct engine *,
                                      const struct engine_delta *undone);

/* Begins or ends a dry run: one for a state that is then rolled back, followed
 * by engine_roll_back().  It leaves the engine unchanged.  A unit that had
 * failed before keeps the entries of its last success, which no computation
 * could restore; it is skipped. engine_dry_run_skipped() names a skipped unit
 * that would have changed, or returns NULL.  Valid until the end.  The same
 * does engine_dry_run_late() for one that is late. */
void engine_begin_dry_run(struct engine *);
const char *engine_dry_run_skipped(const struct engine *);
const char *engine_dry_run_late(const struct engine *);
void engine_end_dry_run(struct engine *);

/* Returns the number of desired items of 'host'. */
uint64_t engine_host_total(const struct engine *, const char *host);
/* Returns how many of them are groups. */
uint64_t engine_host_groups(const struct engine *, const char *host);

/* Sets the maximum number of items of a host; 0: unlimited.  The caller of
 * engine_run() must check engine_exceeded() and roll back: it returns a host
 * that the last run has brought above the limit, with its total, or NULL. */
void engine_set_max_items(struct engine *, uint64_t max);
uint64_t engine_max_items(const struct engine *);
const char *engine_exceeded(const struct engine *, uint64_t *total);

/* Gets how many items the objects of quota 'name' cause on the host with the
 * most of them, '*host', which is NULL if they cause none.  An item is caused
 * by the row of the unit that wants it, and by the rows of the units that
 * publish the relation value that it is for.  Returns false if there is no
 * such quota with a limit of flows.  Valid until the next run. */
bool engine_quota_flows(const struct engine *, const char *name,
                        const char **host, uint64_t *n);
/* Returns how many flows, groups and relation values are kept for the objects
 * of quota 'name'. */
uint64_t engine_quota_kept(const struct engine *, const char *name);
/* Has the next run keep to what quotas that bind 'rights' limit in all, also
 * to those of earlier calls.  Without rights (NULL) or a scope none do.
 * 'rights' must live until the run ends. */
void engine_bind_quotas(struct engine *, const struct model_rights *);
/* Calls 'cb' for each quota that the last run has brought above its limit on a
 * host, with the host that exceeds it most, and for each one that it would
 * have brought above its limit in all, with 'host' NULL.  The caller of
 * engine_run() must roll back. */
typedef void engine_exceeded_cb(void *aux, const char *quota,
                                const char *host, uint64_t n, uint64_t max);
void engine_exceeded_quotas(const struct engine *, engine_exceeded_cb *,
                            void *aux);

/* Items of one scope, in the order of engine_host_items(). */
void engine_scope_items(const struct engine *, const struct engine_scope *,
                        void (*cb)(void *aux, const struct flow_item *),
                        void *aux);

/* A conflict, or a unit that has failed. */
struct engine_problem {
    const char *kind;           /* "failed", "conflict", "overlap" or
                                 * "unchecked". */
    size_t n_units;
    const char **units;         /* The units concerned. */
    const char *detail;
    const char *packet;         /* A packet that both flows match, as ovs-ofctl
                                 * formats it; or NULL. */
};
extern const struct schema_struct engine_problem_shown;

struct engine_problems {
    size_t n, allocated;
    struct engine_problem *problems;
    struct arena arena;         /* Owns what they point to. */
};
void engine_problems_destroy(struct engine_problems *);

/* Returns the current problems, valid until the next iteration of the loop.
 * With many flows the search after a run takes long, and yields; during a run
 * or a dry run, the previous result is returned. */
const struct engine_problems *engine_problems(const struct engine *);

/* The same at negligible cost, for frequent callers: overlaps are those of the
 * last call of engine_problems().  The caller destroys it. */
struct engine_problems *engine_known_problems(const struct engine *);

/* The same after a run, for problems that it may have caused: overlaps only
 * include those with a flow that 'delta' has added.  Visits each flow's key.
 * The caller destroys it. */
struct engine_problems *engine_delta_problems(const struct engine *,
                                              const struct engine_delta *);

/* Units that have failed for an object: the first one by name. */
struct engine_failure {
    size_t n_units;
    const char *app, *unit;     /* Borrowed until the engine runs. */
    const char *detail;
};
/* Finds the units that have failed and have read the object's row, or are of
 * it: what was computed before stays in effect.  Returns false if there are
 * none. */
bool engine_find_failure(const struct engine *, enum vmn_table,
                         const char *name, struct engine_failure *);

/* Fills in the status of an app except its description, in 'arena'.  Returns
 * false if it is not loaded. */
bool engine_app_status(const struct engine *, const char *app,
                       struct arena *arena, struct status_app *);

/* Fills in the last lines that an app has written (vmn_log()), in 'arena'.
 * Returns false if it is not loaded. */
struct status_app_log;
bool engine_app_log(const struct engine *, const char *app, struct arena *,
                    struct status_app_log *);

/* Calls 'cb' for each part of an object that handlers have counted packets
 * for (vmn_count()). */
struct handler_count;
typedef void engine_handler_counts_cb(void *aux, const struct handler_count *);
void engine_handler_counts(const struct engine *, int table, const char *name,
                           engine_handler_counts_cb *, void *aux);

/* Compiles the current state from scratch in parallel to the live one, and
 * compares.  Appends a line per difference to 'ds'; returns their number. */
size_t engine_verify(const struct engine *, struct ds *);
/* The same by the apps of another pipeline, of the same apps loaded in the
 * same order: by other processes (kit/). */
size_t engine_verify_with(const struct engine *, const struct pipeline *,
                          struct ds *);

struct engine_stats {
    uint64_t n_runs;
    uint64_t n_units, n_queries, n_relation_values;
    uint64_t n_flows, n_groups, n_scopes;
    uint64_t n_units_computed, n_queries_computed; /* Since the start. */
    uint64_t n_queries_unchanged; /* Recomputed to an equal value. */
    uint64_t n_bytes;           /* Of encoded messages. */
};
void engine_get_stats(const struct engine *, struct engine_stats *);

/* A class of units or queries of an app, by a number below engine_n_classes(),
 * and how many of it were computed since the start.  Numbers stay the same
 * when apps come and go. */
struct engine_class {
    const char *app;            /* Valid as long as the pipeline. */
    const char *name;
    bool is_query;
    uint64_t n_computed;
};
size_t engine_n_classes(const struct engine *);
struct engine_class engine_get_class(const struct engine *, size_t i);

/* Registers "engine/..." commands with unixctl. */
void engine_unixctl_init(struct engine *);

#endif /* controller/engine/engine.h */
