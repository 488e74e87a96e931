/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files of northbound share.  Not for other rooms. */

#ifndef CONTROLLER_NORTHBOUND_NORTHBOUND_PRIVATE_H
#define CONTROLLER_NORTHBOUND_NORTHBOUND_PRIVATE_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/apphost/apphost.h"
#include "controller/commit/commit.h"
#include "controller/engine/engine.h"
#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/health/health.h"
#include "controller/load-monitor/load-monitor.h"
#include "controller/model/model.h"
#include "controller/northbound/northbound.h"
#include "controller/northbound/replies.h"
#include "controller/schema/error.h"
#include "controller/schema/schema.h"
#include "controller/simulator/simulator.h"
#include "controller/simulator/trace-request.h"
#include "controller/store/store.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"
#include "proto/http/http.h"

struct arena;
struct fabric_count;
struct fabric_log;
struct model_warnings;
struct nb_health;
struct nb_problems;
struct nb_sample;
struct packet_streams;
struct read_waits;
struct schema_struct;
struct status_log;
struct status_members;
struct trace;

struct northbound {
    struct event_base *base;
    const struct loop *loop;        /* Or NULL. */
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    struct fabric *fabric;
    struct cluster *cluster;        /* Or NULL. */
    struct health *health;          /* Or NULL. */
    struct paths *paths;            /* Or NULL, as the next. */
    struct fqdns *fqdns;
    struct audit_log *audit_log;    /* Or NULL. */
    struct webhook *webhook;        /* Or NULL. */
    struct load_monitor *load;              /* Or NULL. */
    const struct store_class *store_class;
    struct store *store;
    struct apphost *apphost;
    struct http_server *http;
    size_t n_routes;
    struct http_route *routes;      /* Owned, with their patterns and query
                                     * strings. */
    char *openapi;                  /* Owned: the OpenAPI document as text. */
    uint32_t openapi_types;         /* Which types of apps it has. */
    struct ovs_list changes;        /* Of struct change: submitted, not
                                     * replied. */
    struct shash sets;              /* uint64_t, by the name of a set: the last
                                     * revision whose prune changed it;
                                     * change-wait.c. */
    struct ovs_list audit_waits;    /* Of struct audit_wait; api-flows.c. */
    size_t n_audit_waits;
    struct ovs_list placements;     /* Advice under way; api-placement.c. */
    struct ovs_list tallies;        /* Of pairs, not read; api-traffic.c. */
    int64_t tally_ms;               /* The turn that has read one last. */
    struct ovs_list dry_runs;       /* Of struct dry_run; simulation.c. */
    struct http_request *backup;    /* Waits for the copy of the database; or
                                     * NULL. */
    uint64_t backup_revision;       /* The state that it has. */
    struct event *observations;     /* Timer for the expiry of observations. */
    struct event *ended_objects;    /* The same of objects of apps' types... */
    size_t ended_turn;              /* ...and which of many go next. */
    struct packet_streams *packet_streams; /* Owned. */
    struct live_limits *live_limits; /* Owned. */
    struct nb_auth *auth;           /* Owned. */
    struct tls *tls;                /* Owned; or NULL. */
    struct event_log *event_log; /* Owned, as the next two; see
                                  * event-log.h. */
    struct event_sources *event_sources;
    struct volatile_revisions *volatile_revisions; /* Owned. */
    struct sample_causes *sample_causes; /* Of dropped packets. */
    struct event_states *event_states;
    struct event_readers *event_readers;
    struct metrics_object_counters *object_counters; /* Owned; see
                                                      * metrics.h. */
    struct gateway_changes *gateway_changes; /* Owned. */
    struct app_changes *app_changes; /* Owned. */
    struct read_waits *read_waits;  /* Owned. */
    struct nb_drains *drains;       /* Owned; see host-maintenance.c. */
    bool following;                 /* A standby of a cluster, until
                                     * northbound_lead(). */
    unsigned metrics_series;        /* Hosts, and ports, with series of their
                                     * own. */
    bool ready;
    int64_t started_ms;             /* Wall clock. */
};

/* Limits of requests and replies. */
#define NB_LIMIT_MAX 1000           /* Items on a page of a list. */
#define NB_LIMIT_DEFAULT 100
#define NB_MEMBERS_MAX 1000         /* Ports listed in a status. */
#define NB_TIMEOUT_MAX_MS (300 * 1000)
#define NB_TIMEOUT_DEFAULT_MS (10 * 1000)

/* northbound.c */
/* Returns the table of routes with '*n' elements.  The caller frees it with
 * nb_routes_destroy(). */
struct http_route *nb_routes_make(size_t *n);
void nb_routes_destroy(struct http_route *, size_t n);

/* path-suggest.c: for http_options.no_such_path; 'nb' is a northbound. */
char *nb_suggest_path(const char *path, void *nb);

/* query-parameters.c: query parameters.  These functions return false, after
 * they have replied 400, if a parameter is invalid. */
struct nb_wait {
    bool installed;                 /* ?wait=installed */
    int timeout_ms;
    bool plan;                      /* ?dry_run=plan: nothing is changed. */
    bool refuse_loosening;          /* ?refuse_loosening=true */
};
/* Checks the comment on a change, too. */
bool nb_query_wait(struct http_request *, struct nb_wait *);
bool nb_query_number(struct http_request *, const char *name, uint64_t min,
                     uint64_t max, uint64_t def, uint64_t *value);
/* Sets '*limit' to the parameter "limit", at most 'max', or to 'def' if the
 * request does not have it. */
bool nb_query_limit(struct http_request *, uint64_t max, uint64_t def,
                    uint64_t *limit);
bool nb_query_bool(struct http_request *, const char *name, bool *value);
/* Sets '*since_ms' to the parameter "since", a time, in milliseconds since
 * 1970, or to INT64_MIN if the request does not have it. */
bool nb_query_since(struct http_request *, int64_t *since_ms);
/* Sets '*value' to the parameter 'name', which must name an object in 'table',
 * or to NULL if the request does not have it. */
bool nb_query_object(struct http_request *, const struct northbound *,
                     const char *name, enum vmn_table table,
                     const char **value);
/* Gets the parameter "type" as a type's plural; NULL when absent.  Replies and
 * returns false if there is no such type. */
bool nb_query_type(struct http_request *, const char **type);
/* The same for the parameter "app", which must name a loaded app. */
bool nb_query_app(struct http_request *, const struct northbound *,
                  const char **app);
/* Replies 400 with an error for the parameter 'name'.  Returns false. */
bool nb_query_reject(struct http_request *, const char *name,
                     const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Parses 'text' as a decimal number without sign or spaces.  Returns false if
 * it is not one, or has more than NB_DIGITS_MAX digits. */
#define NB_DIGITS_MAX 18
bool nb_parse_number(const char *text, uint64_t *value);
/* Parses "revision" of the path.  Replies 400 and returns false if it is no
 * number. */
bool nb_param_revision(struct http_request *, uint64_t *revision);

/* standby.c */
/* For http_options. */
bool nb_passes_on(const struct http_request *, const struct http_route *,
                  const struct http_peer *, void *nb);
void nb_pass_on(struct http_request *, const struct http_peer *, void *nb);
/* Adds to the reply of a read that the state may be old, if another member of
 * the cluster may have a newer one: NB_MAY_BE_OLD, and Age (RFC 9111, section
 * 5.1), the seconds since the writer was heard. */
void nb_mark_age(const struct northbound *, struct http_request *);
#define NB_MAY_BE_OLD "Vmn-May-Be-Old"

/* read-wait.c */
struct read_waits *read_waits_create(struct northbound *);
void read_waits_destroy(struct read_waits *);
/* For http_options. */
bool nb_hold_read(struct http_request *, void *nb);

/* problem-details.c */
/* What the pointers of errors are relative to. */
enum nb_pointers {
    NB_POINT_AT_BODY,               /* The body: they are sent unchanged. */
    NB_POINT_AT_SPEC,               /* The "spec" of the request's object. */
    NB_POINT_AT_LIST,               /* "/INDEX" in "objects", then its spec. */
    NB_POINT_AT_AFTER,              /* The same in "after". */
    NB_POINT_AT_DRAFT,              /* "/0" is a draft, "/INDEX + 1" is in
                                     * its "changes". */
};
/* Replies with all of 'errors'. */
void nb_reply_errors(struct http_request *, const struct vmn_errors *,
                     enum nb_pointers);
void nb_reply_no_revision(const struct northbound *, struct http_request *,
                          uint64_t revision);
void nb_reply_no_object(const struct northbound *, struct http_request *,
                        const struct schema_table *, const char *name);

/* object-envelope.c: the members around a spec in a request. */
/* Returns the "spec" of 'body', borrowed, or NULL with 'errors', whose
 * pointers begin with 'pointer'.  'name' is the name in the path, or NULL if
 * 'body' must have the name.  'complete' is true for a whole spec, as opposed
 * to a merge patch: its errors are then reported along with those of the
 * envelope. */
json_t *nb_envelope_spec(const json_t *body, const struct schema_table *,
                         const char *name, const char *pointer,
                         bool complete, struct vmn_errors *);
/* Returns "POINTER/KEY", with 'key' escaped as in RFC 6901, section 3.  The
 * caller frees it. */
char *nb_pointer(const char *pointer, const char *key);
const char *nb_outcome_name(enum model_outcome);

/* change.c: a transaction from its submission until it is installed. */
/* Submits 'request', of which it takes ownership, and replies to 'req' when it
 * is done.  'table' and 'name' are those of the request's one object; NULL for
 * a list.  'secret', unless NULL, is included in the reply if the object was
 * changed. */
void nb_change_submit(struct northbound *, struct http_request *req,
                      struct model_request *request,
                      const struct schema_table *table, const char *name,
                      const struct nb_wait *, const char *secret);
/* Detaches the changes that are still being committed: they take effect, and
 * nobody is replied to. */
void nb_changes_abandon(struct northbound *);

/* request-key.c */
/* Sets 'request->key' and its digest to those of the header Idempotency-Key,
 * if there is one; it counts for changes, not for plans.  Replies 400 and
 * returns false if it is invalid.  Yields: the client may disconnect, and the
 * request must be answered all the same. */
bool nb_take_key(const struct northbound *, struct http_request *,
                 const struct nb_wait *, struct model_request *request);
/* Sets the outcomes of a repeated request to what the log says of 'revision',
 * which it has made: of what the log does not name, MODEL_UNCHANGED.  Of an
 * undo, what it left out has no operation any more. */
void nb_recall_outcomes(const struct northbound *, struct model_request *,
                        uint64_t revision);

/* api-revisions.c: has lists of revisions include how far each is
 * installed. */
void nb_revisions_init(struct northbound *);
void nb_revisions_uninit(struct northbound *);

/* change-wait.c: the revisions that a change waits for. */
void nb_sets_init(struct northbound *);
void nb_sets_uninit(struct northbound *);
/* Records that a durable change has changed the set that it prunes. */
void nb_note_set(struct northbound *, const struct commit_result *);
/* Returns the revision to report for a change: its own, or, if it changed
 * nothing, the newest of its objects' revisions and of the last one that
 * pruned its set. */
uint64_t nb_change_revision(const struct northbound *,
                            const struct commit_result *);
/* Starts waiting until the change is installed; see fabric_wait(). */
struct fabric_wait *nb_wait_installed(struct northbound *,
                                      const struct commit_result *,
                                      int timeout_ms, fabric_wait_cb *,
                                      void *aux);

/* api-apply.c */
/* Adds the operation of 'object', {"op", "type", "name", "spec"}, to the
 * request, or its errors to 'errors'.  'pointer' is the object's JSON pointer
 * in the body. */
void nb_add_object(struct model_request *, const json_t *object,
                   const char *pointer, struct vmn_errors *);

/* simulation.c: requests to the simulator, about the current state or the one
 * after a change. */
struct nb_simulation {
    /* Returns the result for the model's current state, in 'arena'; or NULL
     * with '*error', whose pointer is relative to the body.  May yield. */
    const void *(*run)(struct northbound *, void *aux, struct arena *arena,
                       struct vmn_error *error);
    /* Returns the reply, in 'arena', made of the results before and after a
     * change; NULL: the reply is the result after it.  May yield. */
    const void *(*compare)(struct northbound *, void *aux, const void *before,
                           const void *after, struct arena *arena);
    const struct schema_struct *reply; /* Describes it. */
    void (*destroy)(void *aux);
    void *aux;
};
/* Replies to 'req' when the commit is quiescent.  Takes ownership of the
 * simulation.  'after' is borrowed: a list of objects as in POST /v1/apply, or
 * NULL. */
void nb_simulate(struct northbound *, struct http_request *req,
                 const struct nb_simulation *, const json_t *after);
/* The same of the state after 'request', of which it takes the contents;
 * 'pointers' is what errors of that are relative to. */
void nb_simulate_request(struct northbound *, struct http_request *req,
                         const struct nb_simulation *,
                         struct model_request *request,
                         enum nb_pointers pointers);
/* Detaches the simulations that are still waiting for the commit. */
void nb_simulations_abandon(struct northbound *);

/* entity-tag.c */
/* Sets the tag of a reply to a read: of an object with 'revision', and of the
 * items of a list, as they are shown. */
void nb_tag_object(struct http_request *, uint64_t revision,
                   const struct ds *shown);
void nb_tag_list(struct http_request *, const struct ds *items);
/* As http_request_if_match(), with the revision alone of a tag. */
bool nb_if_match(struct http_request *, char **etag, bool *creates);

/* object-json.c */
/* Returns true if a client with 'rights' (NULL: all) is shown the names and
 * the states of hosts alone, as those with a scope are. */
bool nb_hides_hosts(const struct model_rights *);
/* Appends the object's JSON text as a client with 'rights' sees it, without
 * the closing brace.  'one' is true for a single object: its status then has
 * members that are too expensive for lists. */
void nb_append_object(const struct northbound *, const struct model_rights *,
                      const struct vmn_row *, const struct model_meta *,
                      bool one, struct ds *);
/* Returns true if the client is shown a secret of the object. */
bool nb_shows_secret(const struct model_rights *, const struct vmn_row *);
/* Hides the URL of a webhook in the spec of a balancer.  Returns true if there
 * is one. */
bool nb_hide_webhook(json_t *spec);

/* object-status.c */
/* The client and the extent of a status. */
struct nb_status_query {
    const struct northbound *nb;
    const struct model_rights *rights; /* NULL: unrestricted. */
    bool one;                       /* Includes members that are too expensive
                                     * for lists. */
    struct arena *arena;            /* Owns what the status points to. */
};
/* Appends the status of 'row', if it has one, to the text of an object that
 * lacks its closing brace. */
void nb_print_status(const struct northbound *, const struct model_rights *,
                     const struct vmn_row *, bool one, struct ds *);
struct status_count nb_count_status(const struct fabric_count *);
struct status_log nb_log_status(const struct fabric_log *);
/* Returns the value of VMN_QUERY_QUARANTINE for the port: what isolates it;
 * NULL if nothing does.  The caller frees it. */
char *nb_port_quarantine(const struct northbound *, const char *port);

/* reply-struct.c */
/* Replies 200 with 'reply', which 'shown' describes. */
void nb_reply_struct(struct http_request *, const struct schema_struct *shown,
                     const void *reply);

/* undo-log.c */
/* Returns what the revisions from 'first' to 'last' have made of objects, as
 * nb_log_contents() has it of one; of several each object has the last
 * "revision" that changed it.  The caller's; NULL after a reply. */
json_t *nb_undo_contents(const struct northbound *, struct http_request *,
                         uint64_t first, uint64_t last);

/* revision-contents.c */
/* Gets what the store keeps of what the revision made of objects, which the
 * caller owns.  Returns 0, ENOENT without an error, or a positive errno with
 * an error in '*why'. */
int nb_log_contents(const struct northbound *, uint64_t revision,
                    json_t **contents, struct vmn_error *why);
/* The same; adds the bytes that it has in the store to '*n_bytes'. */
int nb_read_contents(const struct northbound *, uint64_t revision,
                     json_t **contents, size_t *n_bytes,
                     struct vmn_error *why);
/* Appends it, as the members "contents" and "left_out", to an object that has
 * no last brace; nothing if nothing is kept. */
int nb_append_contents(const struct northbound *, const struct model_rights *,
                       uint64_t revision,
                       struct ds *, struct vmn_error *why);
/* Adds the same, of the object 'name' of 'type' (a plural), to entries of the
 * log, '*items', as text with commas between them, oldest first.  It stops at
 * a bounded amount: older entries are then left out, and '*next' is the
 * revision before which they are. */
int nb_add_contents(const struct northbound *, const struct model_rights *,
                    const char *type,
                    const char *name, struct ds *items, uint64_t *next,
                    struct vmn_error *why);

/* api-activity.c */
/* Appends the member "duration_us", the duration of each step of the
 * revision's commit, to the text of an object that lacks its closing brace;
 * nothing if it is no longer kept, nor recorded in 'receipt', which may be
 * NULL. */
void nb_append_revision_us(const struct northbound *, uint64_t revision,
                           const struct fabric_receipt *receipt, struct ds *);

/* api-revisions.c */
/* Appends the member "receipt" to the text of an object that lacks its closing
 * brace: 'receipt', or null if that is NULL.  A client with a scope gets it
 * without flows, which are of a group of revisions, of which some may be
 * others', and without the reasons of hosts. */
void nb_append_receipt(const struct http_request *,
                       const struct fabric_receipt *receipt, struct ds *);

/* Returns true if the client sees the revision: those with a scope see their
 * own.  Else replies, just as if there were none.  A list has the same filter,
 * but for the revision (restrict_span()). */
bool nb_sees_revision(const struct northbound *, struct http_request *,
                      uint64_t revision);
/* Replies 503: the log could not be read, which must not look like a log that
 * ends.  Releases '*why'. */
void nb_reply_unreadable_log(struct http_request *, struct vmn_error *why);

/* policy-fqdns.c.  Fills in the names in DNS that the policy's rules have. */
void nb_fill_fqdns(const struct nb_status_query *, const struct vmn_policy *,
                   struct status_policy *);

/* port-paths.c.  Fills in which paths between hosts that packets of a port
 * take are in trouble. */
void nb_fill_paths(const struct nb_status_query *, const char *port,
                   struct status_port *);

/* api-drops.c */
/* Returns the owner of a flow: 'owner', for the object 'name' of 'type' (NULL:
 * for none), and rule 'rule' (-1: none).  Copies 'name' only. */
struct nb_flow_owner nb_flow_owner(const char *owner, const char *type,
                                   const char *name, int rule,
                                   struct arena *);
/* Fills in a sampled packet, as in the replies of GET /v1/drops and GET
 * /v1/logs.  It points into the fabric's sample. */
void nb_fill_sample(const struct fabric_sample *, enum fabric_sample_kind,
                    struct arena *, struct nb_sample *);

/* problems.c */
/* Problems while they are collected; initialized to zero, except 'arena'. */
struct nb_problems {
    size_t n, allocated;
    struct engine_problem *problems; /* The caller frees it. */
    struct arena *arena;        /* For their texts. */
};
/* Adds a problem to those of GET /v1/status; its strings are not copied. */
void nb_problems_append(struct nb_problems *, const struct engine_problem *);
/* Adds a problem to those of GET /v1/status.  'kind' is a constant, and not
 * copied. */
void nb_problems_add(struct nb_problems *, const char *kind,
                     const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* system-health.c */
struct nb_host_counts nb_count_hosts(const struct northbound *);
struct object_states;
/* Collects the problems that need an operator's attention, those of the engine
 * and of objects (metrics-object-states.h) included. */
void nb_find_problems(const struct northbound *,
                      const struct engine_problems *,
                      const struct object_states *, struct nb_problems *);
/* Whether all is well, by these problems; in their arena. */
void nb_find_health(const struct northbound *, const struct nb_problems *,
                    struct nb_health *);

/* What the state of health goes by, beside problems. */
struct nb_health_facts {
    bool ready;
    struct nb_host_counts hosts;
    const char *unsynced;       /* Hosts that are not synced, as text. */
    const char *lost_writer;    /* Why this standby of a cluster hears no
                                 * writer; or NULL. */
};
/* The rule: see docs/monitoring.md. */
void nb_judge_health(const struct nb_health_facts *,
                     const struct nb_problems *, struct nb_health *);

/* group-ports.c */
/* Returns the names of ports that may match 'selector', sorted: all that do
 * match are among them.  The caller frees the array. */
const char **nb_selector_candidates(const struct model *,
                                    const struct vmn_selector *, size_t *n);

/* Return names of ports, sorted and distinct: those that 'group' itself
 * contains; with those of nested groups; and those that a quarantine isolates.
 * The caller frees the array, whose elements are borrowed. */
const char **nb_group_ports(const struct model *, const struct vmn_group *,
                            size_t *n);
const char **nb_group_members(const struct model *, const struct vmn_group *,
                              size_t *n);
const char **nb_quarantine_ports(const struct model *,
                                 const struct vmn_quarantine *, size_t *n);
/* Sets the number of members to 'n'; with 'list', also the names of the first
 * NB_MEMBERS_MAX, in 'arena'. */
void nb_fill_members(const char *const *names, size_t n, bool list,
                     struct arena *arena, struct status_members *);

/* failed-objects.c */
/* Finds an app that has failed for the object, as a client with 'rights' is
 * shown it; texts are borrowed until the engine runs.  Returns false if there
 * is none. */
struct nb_failure;
bool nb_find_failure(const struct northbound *, const struct model_rights *,
                     enum vmn_table, const char *name, struct nb_failure *);
/* Appends ',"failures":[...]' of these objects; nothing if no app has failed
 * for one.  Returns true if one has. */
struct nb_object_name {
    enum vmn_table table;
    char *name;
};
bool nb_append_failures(const struct northbound *,
                        const struct model_rights *,
                        const struct nb_object_name *, size_t n, struct ds *);
/* The same of the objects that 'entry' lists, which is one of the log without
 * its last brace. */
bool nb_append_entry_failures(const struct northbound *,
                              const struct model_rights *, struct ds *entry);

/* underlay.c: what is known of hosts and paths beside flows. */
struct nb_underlay {
    struct sim_underlay sim;
    const struct northbound *nb;
    struct arena *arena;        /* Has the texts. */
};
/* 'with_paths': also of paths that are down.  Borrows what it is given. */
void nb_underlay_init(struct nb_underlay *, const struct northbound *,
                      bool with_paths, struct arena *);
/* Returns, in 'arena', that the path is down and why; the second one NULL if
 * that between the two hosts is not known to be. */
struct paths_path;
const char *nb_describe_path(const struct paths_path *, struct arena *arena);
const char *nb_path_problem(const struct northbound *, const char *host,
                            const char *peer, struct arena *arena);

/* unheard-hosts.c */
/* Returns how many of these ports are on hosts that are not heard. */
size_t nb_count_unknown(const struct northbound *, const char *const *ports,
                        size_t n);
/* Warns in the trace, which is in 'arena' and of a packet of 'protocol', of
 * paths to its end that are down, and of hosts on the way that are not heard,
 * or whose VMs may leave checksums to them that they do not compute.  A client
 * with a scope is told their states alone. */
void nb_warn_of_hosts(const struct northbound *,
                      const struct model_rights *rights,
                      enum trace_protocol protocol, struct trace *,
                      struct arena *arena);

/* Returns warnings of hosts that are not heard and have ports of 'network'
 * (NULL: of any), and of paths between such that are down, in 'arena', and
 * sets '*n'; NULL if there are none.  Yields. */
const char **nb_unheard_warnings(const struct northbound *,
                                 const char *network, struct arena *arena,
                                 size_t *n);

/* balancer-status.c: the ports that may be backends of a balancer, which the
 * caller frees (or NULL), and their number; and all of '*count' but its
 * name. */
extern const char *const nb_backend_states[];
struct vmn_lb_member *nb_balancer_members(const struct northbound *,
                                          const char *name, size_t *n);
struct nb_summary_balancer;
void nb_balancer_count(const struct northbound *, const char *name,
                       struct nb_summary_balancer *count);
/* Warns if none of the balancer's backends serves, and some should; or if some
 * are on hosts that are not heard, and nothing probes them. */
void nb_warn_of_balancer(const struct northbound *,
                         const struct vmn_loadbalancer *,
                         struct model_warnings *);
/* Fills in the struct status_loadbalancer 'status'.  Returns true. */
bool nb_fill_balancer(const struct nb_status_query *, const struct vmn_row *,
                      void *status);

/* host-maintenance.c */
struct nb_drains *nb_drains_create(void);
void nb_drains_destroy(struct nb_drains *);
/* Returns what is left on a host in maintenance, in 'arena' or borrowed; NULL
 * of any other host. */
struct status_maintenance *nb_host_maintenance(const struct northbound *,
                                               const struct vmn_host *,
                                               struct arena *);

/* Fill in a struct status_type, and what the table's 'status' describes of an
 * object whose type an app declares.  Return true. */
bool nb_fill_type(const struct nb_status_query *, const struct vmn_row *,
                  void *status);
bool nb_fill_own_object(const struct nb_status_query *,
                        const struct vmn_row *, void *status);
/* Returns why the app of the objects of 'table' does nothing with them, in
 * 'arena'; NULL: it does, or it is no app's type.  Sets '*app' to its name. */
const char *nb_object_unserved(const struct northbound *, enum vmn_table,
                               struct arena *, const char **app);
/* api-drafts.c */
/* Returns the draft, and its revision; NULL after replying 404. */
const struct vmn_draft *nb_get_draft(const struct northbound *,
                                     struct http_request *, const char *name,
                                     uint64_t *revision);
/* Adds what the draft, which is of 'revision', does to 'request', its own
 * deletion included.  Returns false with errors, whose pointers are into the
 * draft, if others have changed the same. */
bool nb_draft_request(const struct northbound *, struct http_request *,
                      const struct vmn_draft *, uint64_t revision,
                      struct model_request *request, struct vmn_errors *);

/* draft-status.c */
/* Returns when that of an entry of the log was made, in milliseconds since
 * 1970; 0: that is not known. */
int64_t nb_log_entry_ms(const json_t *entry);
/* Returns the log's entry of a revision (0: the last one that names the
 * object), which the caller owns; NULL: there is none, or an error, which is
 * logged. */
json_t *nb_find_log_entry(const struct northbound *, uint64_t revision,
                          const char *type, const char *name);
/* Fills in the struct status_draft 'status'.  Returns true. */
bool nb_fill_draft(const struct nb_status_query *, const struct vmn_row *,
                   void *status);
struct draft_conflict;
/* Fills in a conflict, the 'i'th of the draft from 0 on; and who made the
 * present object, or deleted it, as far as that is known and the client may
 * know it.  'last' is the one before it, or NULL: of the same object it is not
 * looked up again. */
struct status_draft_conflict;
void nb_fill_draft_conflict(const struct nb_status_query *,
                            const struct vmn_draft *,
                            const struct draft_conflict *, size_t i,
                            const struct status_draft_conflict *last,
                            struct status_draft_conflict *);

/* certificates.c */
struct northbound_options;
/* Loads the API's into 'nb->tls'.  Returns 0, or a positive errno with an
 * error in '*why'. */
int nb_certificates_load(struct northbound *,
                         const struct northbound_options *,
                         struct vmn_error *why);
/* Logs what is wrong with the trusted CAs. */
void nb_certificates_check(struct northbound *);
/* The certificates for one use. */
struct nb_certificates {
    const char *use;            /* "api", "hosts", "members". */
    const struct tls *tls;
};
#define NB_CERTIFICATES_MAX 3
/* Sets 'all' to those that there are.  Returns their number. */
size_t nb_certificates_list(const struct northbound *,
                            struct nb_certificates all[NB_CERTIFICATES_MAX]);
/* Adds the same, and certificates that expire within days, to the problems of
 * GET /v1/status. */
void nb_certificates_add_problems(const struct northbound *,
                                  struct nb_problems *);
/* Returns what is wrong with the trusted CAs, or NULL.  The caller frees
 * it. */
char *nb_certificates_fault(const struct northbound *);
/* metrics-certificates.c: appends the metrics of certificates to /metrics. */
void nb_certificates_append_metrics(const struct northbound *, struct ds *);

/* observation-expiry.c */
/* Returns when the observation expires: milliseconds since the epoch. */
int64_t nb_observation_expiry(const struct vmn_observation *,
                            const struct model_meta *);
/* Submits the deletion of observations that have expired. */
void nb_delete_expired_observations(struct northbound *, int64_t now_ms);
/* Starts the timer for the expiry of observations, if there are any. */
void nb_start_observation_timer(struct northbound *);
void nb_observations_init(struct northbound *);
void nb_observations_uninit(struct northbound *);

/* ended-objects.c */
/* Deletes the objects whose time is over, as far as apps have said so. */
void nb_delete_ended_objects(struct northbound *);
void nb_ended_objects_init(struct northbound *);
void nb_ended_objects_uninit(struct northbound *);

/* HTTP handlers. */
http_handler nb_get_list, nb_get_one, nb_put, nb_patch, nb_delete;
http_handler nb_apply, nb_apply_draft, nb_get_draft_effects;
/* deferred-reply.c: has the callback reply when the commit is quiescent; it
 * may then yield.  The second function waits for a second at most, and the
 * third for engine_problems() as well, but no longer. */
typedef void nb_deferred_cb(struct http_request *, struct northbound *);
void nb_when_quiescent(struct northbound *, struct http_request *,
                       nb_deferred_cb *);
void nb_when_quiescent_or_late(struct northbound *, struct http_request *,
                               nb_deferred_cb *);
void nb_when_problems_known(struct northbound *, struct http_request *,
                            nb_deferred_cb *);
/* Has it reply at once; while a plan is applied, when that is over. */
void nb_unless_trying(struct northbound *, struct http_request *,
                      nb_deferred_cb *);

/* guest-status.c: fills in what the status of a port says of its guest. */
struct status_port;
void nb_fill_guest(const struct nb_status_query *, const char *port,
                   struct status_port *);

/* guest-look.c: has it reply once the switch of the port has said what it
 * knows of the guest, or could not. */
void nb_when_guest_looked_at(struct northbound *, struct http_request *,
                             const char *port, nb_deferred_cb *);

/* reply-in-parts.c: a reply that may take several iterations of the loop to
 * read, none of them while a plan is applied.  The functions get the 'aux'
 * that nb_reply_in_parts() takes ownership of. */
struct nb_parts_class {
    /* Reads until all is read, or the iteration's time is over; then returns
     * false. */
    bool (*read)(void *aux);
    /* Replies to the request, once all is read. */
    void (*reply)(void *aux);
    /* Frees 'aux'; without a reply before if the client has disconnected. */
    void (*destroy)(void *aux);
};
void nb_reply_in_parts(const struct northbound *, struct http_request *,
                       const struct nb_parts_class *, void *aux);

/* api-status-scoped.c: replies to GET /v1/status by a client with a scope. */
nb_deferred_cb nb_send_scoped_status;

http_handler nb_get_index, nb_get_openapi, nb_get_status, nb_get_health;
http_handler nb_get_ready;
http_handler nb_get_flows, nb_post_audit;
http_handler nb_get_revision, nb_get_revisions, nb_post_undo;
http_handler nb_put_app_code, nb_delete_app_code, nb_get_app_logs;
http_handler nb_get_activity;
http_handler nb_get_identities, nb_get_paths, nb_get_usage;
http_handler nb_get_rejected_hosts;
/* api-usage.c: adds quotas of which more is used than there may be. */
void nb_add_quota_problems(const struct northbound *, struct nb_problems *);
http_handler nb_get_drops, nb_get_logs, nb_get_packets, nb_get_traffic;
http_handler nb_get_placement;
http_handler nb_get_metrics, nb_get_backup;
http_handler nb_get_page, nb_get_page_file;
http_handler nb_get_cluster, nb_post_cluster_transfer;
http_handler nb_delete_cluster_member;
http_handler nb_get_summary, nb_get_port_policies;
http_handler nb_get_recommendations;
http_handler nb_post_trace, nb_post_live_trace, nb_get_reachability,
    nb_post_reachability;
http_handler nb_get_open_services;

#endif /* controller/northbound/northbound-private.h */
