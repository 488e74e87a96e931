/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine: keeps, for every app and object, the flows that the current
 * state asks for.  It records what each computation reads, recomputes what a
 * change made stale, and yields the difference.
 *
 * Who calls it: commit-group.c after each model_apply(); the fabric reads what
 * a host is to hold.  Not for: deciding when something is durable (commit/),
 * sending (fabric/), loading apps (apphost/).
 *
 * What is desired is a set of items (flows and OpenFlow groups), each in one
 * scope.  A host is to hold the items of all the scopes it is in. */

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
struct schema_struct;
struct siphash_key;
struct status_app;

/* Scopes.  --------------------------------------------------------------- */

/* Returns "all", "host:hv1" or "overlay.network-hosts:shop". */
const char *engine_scope_name(const struct engine_scope *);

/* Calls 'cb' for every host that is in 'scope' (hosts that have a row). */
void engine_scope_hosts(const struct engine *, const struct engine_scope *,
                        void (*cb)(void *aux, const char *host), void *aux);

/* Calls 'cb' for every scope that 'host' is in and that has items. */
void engine_host_scopes(const struct engine *, const char *host,
                        void (*cb)(void *aux, const struct engine_scope *),
                        void *aux);

/* Calls 'cb' for every desired item of 'host', groups before flows. */
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
 * ofp11_match_header and what follows, padded), which is faster.  One that was
 * encoded in another way than libopenvswitch does is not found. */
const struct flow_item *engine_find_encoded_flow(
    const struct engine *, const char *host, uint8_t table, uint16_t priority,
    const void *match, size_t match_size);
const struct flow_item *engine_find_group(const struct engine *,
                                          const char *host,
                                          uint32_t group_id);

/* Returns the sum of the digests of the items of a scope, or of all that
 * 'host' is to hold: equal sums mean equal items, in whichever order they came
 * to be, and in whichever process that has the same key.  The latter looks at
 * every scope.
 *
 * Users choose some of the bytes.  A sum of digests is safe from them because
 * they know neither the key nor any digest: each try to have two sums equal
 * then succeeds with a probability of 2^-64.  Of digests that are known, some
 * with the sum that is needed are soon found (Wagner, "A generalized birthday
 * problem").  So neither these nor sums leave vmnd, to hosts either. */
uint64_t engine_scope_digest(const struct engine_scope *);
uint64_t engine_host_digest(const struct engine *, const char *host);

/* Returns the item with this xid, for a switch's error, or NULL if it is gone.
 */
const struct flow_item *engine_find_xid(const struct engine *,
                                        uint32_t xid);

/* Names.  ---------------------------------------------------------------- */

/* Returns the "APP.UNIT/KEY" that owns the cookie, or NULL if it is unknown.
 * Valid until the next engine_run(). */
const char *engine_cookie_name(const struct engine *, uint64_t cookie);

/* Returns the same for an item, groups too; of a merged clause, one of its
 * units. */
const char *engine_item_owner(const struct engine *,
                              const struct flow_item *);

/* What a flow stands for, by its cookie and flow_item_part(). */
struct engine_flow_owner {
    const char *owner;          /* "APP.UNIT/KEY", or NULL: nobody's, and the
                                 * rest is not set.  Valid until the next
                                 * engine_run(). */
    const char *app;
    const char *key;            /* In 'owner'. */
    const char *type;           /* "policies", or NULL: no one object's. */
    char name[VMN_NAME_LEN + 1]; /* Of that object. */
    int rule;                   /* Of a policy, from 0; -1: none. */
};
void engine_get_flow_owner(struct engine *, uint64_t cookie, uint32_t part,
                           struct engine_flow_owner *);

/* Gets the limit that a meter is for: packets a second, and at once.  Returns
 * false if it is for none; then no host holds a flow with it. */
bool engine_get_limit(const struct engine *, uint32_t meter, uint32_t *rate,
                      uint32_t *burst);

/* Returns the reason for a drop by the hash in register SAMPLE_KIND_REG of a
 * sampled packet (flow/sample-action.h), or NULL. */
const char *engine_find_drop_reason(const struct engine *, uint32_t kind);

/* Returns true if 'reason', one that a flow gave, is for background
 * (vmn_act_drop_background()). */
bool engine_is_background(const struct engine *, const char *reason);

/* Returns a copy of the value of query "APP.QUERY" at 'key', '*size' bytes,
 * which the caller frees; NULL if there is none.  Nothing is recorded. */
void *engine_peek(struct engine *, const char *query, const char *key,
                  size_t *size);

/* Returns the key of the routing domain that 'network' is in: its own name
 * where no router joins it.  The caller frees it. */
char *engine_domain_of(struct engine *, const char *network);

/* From now on, records the keys at which query "APP.QUERY" has another
 * value, or none any more, as long as somebody reads it there.  Returns false
 * if no loaded app has such a query. */
bool engine_watch(struct engine *, const char *query);
/* Moves the keys that were recorded since the last call to 'keys'.  What a
 * dry run has undone may be among them. */
struct sset;
void engine_take_changed(struct engine *, const char *query,
                         struct sset *keys);

/* Differences.  ---------------------------------------------------------- */

struct engine_change {
    bool added;                 /* Else withdrawn. */
    bool replaced;              /* For another of the same key and scope. */
    const struct flow_item *item;
};
struct engine_member {
    const struct engine_scope *scope;
    const char *host;
    bool joined;                /* Else left. */
};

/* What one run changed.  An item that joins and leaves within the run does not
 * show.  Membership is as of the end of the run: a host that joined a scope
 * needs all of the scope's items (not only those in 'changes'); one that left
 * must lose what it held of it, which is the scope's present items plus those
 * withdrawn in 'changes'.  Holds references. */
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

/* Makes an engine.  Neither model nor pipeline are owned; both outlive it.
 * The pipeline (apphost/) names the apps and numbers their tables. */
struct engine *engine_create(struct model *, const struct pipeline *);
void engine_destroy(struct engine *);

/* Sets the secret key of digests, before the first run.  Until then it is one
 * that everybody knows. */
void engine_set_key(struct engine *, const struct siphash_key *);
const struct siphash_key *engine_key(const struct engine *);

/* Has 'yield' called at points of a run, and of other long work, at which
 * others may read the engine, whose answers are of the moment.  Nothing may
 * change the engine or the model from there. */
void engine_set_yield(struct engine *, void (*yield)(void *aux), void *aux);
void engine_yield(const struct engine *);

/* Takes model_take_changes() and recomputes what is stale.  The first run
 * compiles everything.  Never fails; a unit that fails keeps its flows and is
 * listed by engine_problems().  The caller owns the delta. */
struct engine_delta *engine_run(struct engine *);

/* Returns true if IDs have become free (id_pools_acked()) in a pool that had
 * none left for some units or queries: the next run computes these again, and
 * is not to be undone.  Costs nothing where no pool was exhausted. */
bool engine_take_freed_ids(struct engine *);

/* Does what engine_run() does, after the change that gave 'undone' was taken
 * back: what it withdrew comes back, the same items and not merely equal ones.
 */
struct engine_delta *engine_roll_back(struct engine *,
                                      const struct engine_delta *undone);

/* Begins or ends a dry run: one for a state that is then undone, and
 * engine_roll_back().  It leaves the engine as it was.  A unit that had failed
 * before keeps the entries of its last success, which no computation would
 * restore; it is left alone.  engine_dry_run_fault() names one to which
 * something would have happened, or returns NULL.  Valid until the end. */
void engine_begin_dry_run(struct engine *);
const char *engine_dry_run_fault(const struct engine *);
void engine_end_dry_run(struct engine *);

/* Returns how many items 'host' is to hold. */
uint64_t engine_host_total(const struct engine *, const char *host);
/* Returns how many of them are groups. */
uint64_t engine_host_groups(const struct engine *, const char *host);

/* Sets how many items a host is to hold at most; 0 for any number.  It is for
 * the caller of engine_run() to ask engine_exceeded() and to undo: it returns
 * a host that the last run has brought above it, with its total, or NULL. */
void engine_set_max_items(struct engine *, uint64_t max);
uint64_t engine_max_items(const struct engine *);
const char *engine_exceeded(const struct engine *, uint64_t *total);

/* Gets how many items the objects of quota 'name' cause on the host where
 * these are most, '*host', which is NULL if they cause none.  An item is
 * caused by the row of the unit that wants it, and by the rows of those that
 * publish what it is for.  Returns false if no such quota has a limit of
 * them.  Valid until the next run. */
bool engine_quota_flows(const struct engine *, const char *name,
                        const char **host, uint64_t *n);
/* Calls 'cb' for each quota that the last run has brought above its limit on a
 * host, with the worst one.  It is for the caller of engine_run() to undo. */
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
    const char **units;         /* That it is about. */
    const char *detail;
    const char *packet;         /* One that two flows both match, as ovs-ofctl
                                 * writes it; or NULL. */
};
extern const struct schema_struct engine_problem_shown;

struct engine_problems {
    size_t n, allocated;
    struct engine_problem *problems;
    struct arena arena;         /* What they point to. */
};
void engine_problems_destroy(struct engine_problems *);

/* What there is of them now, good until the loop's next turn.  With many flows
 * the search after a run takes long, and yields; in the middle of a run or a
 * dry run, the last answer is given. */
const struct engine_problems *engine_problems(const struct engine *);

/* The same at no cost to speak of, for who asks often: overlaps are those that
 * engine_problems() found when it was last called.  The caller destroys it. */
struct engine_problems *engine_known_problems(const struct engine *);

/* The same after a run, for what may be due to it: of the overlaps those with
 * a flow that 'delta' has added.  Costs a look at each flow's key.  The caller
 * destroys it. */
struct engine_problems *engine_delta_problems(const struct engine *,
                                              const struct engine_delta *);

/* Fills in what there is of an app but its description, in 'arena'.  Returns
 * false if it is not loaded. */
bool engine_app_status(const struct engine *, const char *app,
                       struct arena *arena, struct status_app *);

/* Compiles the current state from nothing beside the live one, and compares.
 * Appends a line per difference to 'ds'; returns how many. */
size_t engine_verify(const struct engine *, struct ds *);

struct engine_stats {
    uint64_t n_runs;
    uint64_t n_units, n_queries, n_relation_values;
    uint64_t n_flows, n_groups, n_scopes;
    uint64_t n_units_computed, n_queries_computed; /* Since the start. */
    uint64_t n_queries_unchanged; /* Recomputed to an equal value. */
    uint64_t n_bytes;           /* Of encoded messages. */
};
void engine_get_stats(const struct engine *, struct engine_stats *);

/* A class of units or queries of an app, by a number below
 * engine_n_classes(), and how often one of it was computed since the start. */
struct engine_class {
    const char *app;            /* Lives as long as the pipeline. */
    const char *name;
    bool is_query;
    uint64_t n_computed;
};
size_t engine_n_classes(const struct engine *);
struct engine_class engine_get_class(const struct engine *, size_t i);

/* Registers "engine/..." commands with unixctl. */
void engine_unixctl_init(struct engine *);

#endif /* controller/engine/engine.h */
