/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of northbound share.  Not for other rooms. */

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
#include "controller/store/store.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"
#include "proto/http/http.h"

struct arena;
struct fabric_count;
struct fabric_log;
struct nb_health;
struct nb_problems;
struct nb_sample;
struct schema_struct;
struct status_log;
struct status_members;

struct northbound {
    struct event_base *base;
    const struct loop *loop;        /* Or NULL. */
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    struct fabric *fabric;
    struct health *health;          /* Or NULL. */
    struct audit_log *audit_log;    /* Or NULL. */
    struct webhook *webhook;        /* Or NULL. */
    struct load_monitor *load;              /* Or NULL. */
    const struct store_class *store_class;
    struct store *store;
    const struct apphost *apphost;
    struct http_server *http;
    size_t n_routes;
    struct http_route *routes;      /* Owned, with their patterns and
                                     * queries. */
    char *openapi;                  /* Owned: their description. */
    struct ovs_list changes;        /* Of struct change, in flight. */
    struct shash sets;              /* uint64_t: the revision that changed a
                                     * set that prunes last; change-wait.c. */
    struct ovs_list looks;          /* Of struct look, that wait. */
    struct ovs_list trials;         /* Of struct trial, that wait. */
    size_t n_looks;
    struct http_request *backup;    /* That waits for its copy, or NULL. */
    struct event *observations;     /* Looks for those that are over. */
    struct nb_auth *auth;           /* Owned. */
    struct tls *tls;                /* Owned; or NULL. */
    struct event_log *event_log; /* Owned, as the next two; see event-log.h. */
    struct event_sources *event_sources;
    struct event_readers *event_readers;
    struct metrics_objects *metrics_objects; /* Owned; see metrics.h. */
    bool ready;
    int64_t started_ms;             /* Wall clock. */
};

/* Bounds of this interface. */
#define NB_LIMIT_MAX 1000           /* Items of a page. */
#define NB_LIMIT_DEFAULT 100
#define NB_MEMBERS_MAX 1000         /* Ports that a status lists. */
#define NB_TIMEOUT_MAX_MS (300 * 1000)
#define NB_TIMEOUT_DEFAULT_MS (10 * 1000)

/* northbound.c */
/* The table of routes; what it has is owned.  nb_routes_destroy() frees it. */
struct http_route *nb_routes_make(size_t *n);
void nb_routes_destroy(struct http_route *, size_t n);

/* query-parameters.c: parameters of a query.  On error they answer the request
 * and return false. */
struct nb_wait {
    bool installed;                 /* ?wait=installed */
    int timeout_ms;
    bool plan;                      /* ?dry_run=plan: for nothing at all. */
};
bool nb_query_wait(struct http_request *, struct nb_wait *);
bool nb_query_number(struct http_request *, const char *name, uint64_t min,
                     uint64_t max, uint64_t def, uint64_t *value);
bool nb_query_bool(struct http_request *, const char *name, bool *value);
/* The parameter 'name' in '*value', which must name an object in 'table'; NULL
 * if it is not given. */
bool nb_query_object(struct http_request *, const struct northbound *,
                     const char *name, enum vmn_table table,
                     const char **value);
/* The same of the parameter "app", which must name one that is loaded. */
bool nb_query_app(struct http_request *, const struct northbound *,
                  const char **app);
/* Answers that parameter 'name' is wrong; returns false. */
bool nb_query_reject(struct http_request *, const char *name,
                     const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A bare decimal number, or false. */
bool nb_parse_number(const char *text, uint64_t *value);

/* problem-details.c */
/* What the pointers of errors start at. */
enum nb_pointers {
    NB_POINT_AT_BODY,               /* The body: they are told as they are. */
    NB_POINT_AT_SPEC,               /* The "spec" of the one object. */
    NB_POINT_AT_LIST,               /* "/INDEX" in "objects", then its spec. */
    NB_POINT_AT_AFTER,              /* The same in "after". */
};
/* Answers with all of 'errors'. */
void nb_reply_errors(struct http_request *, const struct vmn_errors *,
                     enum nb_pointers);
void nb_reply_no_object(struct http_request *, const struct schema_table *,
                        const char *name);

/* envelope.c: what is around a spec in a request. */
/* Takes the "spec" out of 'body'.  'name' is that of the address, or NULL: the
 * body must then have one.  Borrowed; NULL with 'errors' that start with
 * 'pointer'.  'complete' says that the spec is a whole one, to be checked even
 * where the envelope is wrong. */
json_t *nb_envelope_spec(const json_t *body, const struct schema_table *,
                         const char *name, const char *pointer,
                         bool complete, struct vmn_errors *);
/* "POINTER/KEY", escaped as RFC 6901 says.  The caller frees it. */
char *nb_pointer(const char *pointer, const char *key);
const char *nb_outcome_name(enum model_outcome);

/* change.c: a transaction on its way: submitted, durable, installed. */
/* Submits 'request' (taken over) and answers 'req' when it is done. 'table'
 * and 'name' are the one object that it is about; NULL for a list.
 * 'secret' is told in the reply if the object was changed, or NULL. */
void nb_change_submit(struct northbound *, struct http_request *req,
                      struct model_request *request,
                      const struct schema_table *table, const char *name,
                      const struct nb_wait *, const char *secret);
/* Lets go of those that the commit still has. */
void nb_changes_abandon(struct northbound *);

/* api-status.c: has lists of revisions tell how far each is installed. */
void nb_revisions_init(struct northbound *);
void nb_revisions_uninit(struct northbound *);

/* change-wait.c: which revisions a change is waited for. */
void nb_sets_init(struct northbound *);
void nb_sets_uninit(struct northbound *);
/* Notes that a durable change has changed the set that it prunes. */
void nb_note_set(struct northbound *, const struct commit_result *);
/* Returns the revision to tell of a change: its own, or, if it changed
 * nothing, the newest of those that made things as they are. */
uint64_t nb_change_revision(const struct northbound *,
                            const struct commit_result *);
/* Waits until the change is installed; see fabric_wait(). */
struct fabric_wait *nb_wait_installed(struct northbound *,
                                      const struct commit_result *,
                                      int timeout_ms, fabric_wait_cb *,
                                      void *aux);

/* api-apply.c */
/* Adds what is asked of 'object', {"op", "type", "name", "spec"}, which is at
 * 'pointer' of the body; or adds to the errors. */
void nb_add_object(struct model_request *, const json_t *object,
                   const char *pointer, struct vmn_errors *);

/* simulation.c: what the simulator is asked for, of now or of after a change.
 */
struct nb_simulation {
    /* Returns what is found in the model's current state, in 'arena'; or NULL
     * with '*error', whose pointer is into the body.  May pause. */
    const void *(*run)(struct northbound *, void *aux, struct arena *arena,
                       struct vmn_error *error);
    /* Returns the reply, in 'arena', of what was found before and after a
     * change; NULL: it is the one after.  May pause. */
    const void *(*compare)(struct northbound *, const void *before,
                           const void *after, struct arena *arena);
    const struct schema_struct *reply; /* Describes it. */
    void (*destroy)(void *aux);
    void *aux;
};
/* Answers 'req', at a settled moment.  Takes over 'question'; 'after' (a list
 * of objects as of POST /v1/apply, or NULL) is borrowed. */
void nb_simulate(struct northbound *, struct http_request *req,
                 const struct nb_simulation *, const json_t *after);
/* Lets go of those that the commit still has. */
void nb_trials_abandon(struct northbound *);

/* object-json.c */
/* Appends the object as the API shows it to who has 'rights', without its last
 * brace.  'one' adds what takes longer to find out than a list may take. */
void nb_append_object(const struct northbound *, const struct model_rights *,
                      const struct vmn_row *, const struct model_meta *,
                      bool one, struct ds *);

/* object-status.c */
/* For whom, and how much of, the status of an object is looked up. */
struct nb_status_query {
    const struct northbound *nb;
    const struct model_rights *rights; /* NULL: everything. */
    bool one;                       /* Also what takes longer to find out than
                                     * a list may take. */
    struct arena *arena;            /* For what the status points to. */
};
/* Appends what is observed of 'row', if anything, to an object that has no
 * last brace. */
void nb_print_status(const struct northbound *, const struct model_rights *,
                     const struct vmn_row *, bool one, struct ds *);
struct status_count nb_count_status(const struct fabric_count *);
struct status_log nb_log_status(const struct fabric_log *);
/* Returns what cuts the port off, as VMN_QUERY_QUARANTINE has it, or NULL.
 * The caller frees it. */
char *nb_port_quarantine(const struct northbound *, const char *port);

/* reply-struct.c */
/* Replies 200 with 'reply', which 'shown' describes. */
void nb_reply_struct(struct http_request *, const struct schema_struct *shown,
                     const void *reply);

/* api-activity.c */
/* Appends the member "duration_us", what the revision took step by step, to an
 * object that has no last brace; nothing if that is not known any more, nor
 * recorded in 'receipt', which may be NULL. */
void nb_append_revision_us(const struct northbound *, uint64_t revision,
                           const struct fabric_receipt *receipt, struct ds *);

/* api-drops.c */
/* Returns what 'owner' is, of object 'type' and 'name' (NULL: of none) and of
 * rule 'rule' (-1: of none).  Copies 'name' alone. */
struct nb_flow_owner nb_flow_owner(const char *owner, const char *type,
                                   const char *name, int rule,
                                   struct arena *);
/* Fills in a packet, as the replies to GET /v1/drops and GET /v1/logs have it.
 * It points into the fabric's. */
void nb_fill_sample(const struct fabric_sample *, enum fabric_sample_kind,
                    struct arena *, struct nb_sample *);

/* system-health.c */
struct nb_host_counts nb_count_hosts(const struct northbound *);
/* Problems while they are gathered: begins with zeros and 'arena'. */
struct nb_problems {
    size_t n, allocated;
    struct engine_problem *problems; /* The caller frees it. */
    struct arena *arena;        /* For their texts. */
};
/* Adds one to those that GET /v1/status shows.  'kind' is a constant. */
void nb_problems_add(struct nb_problems *, const char *kind,
                     const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Gathers all that an operator should look at, with what the engine has
 * found. */
void nb_find_problems(const struct northbound *,
                      const struct engine_problems *, struct nb_problems *);
/* Whether all is well, by these problems; in their arena. */
void nb_find_health(const struct northbound *, const struct nb_problems *,
                    struct nb_health *);

/* What the state of health goes by, beside problems. */
struct nb_health_facts {
    bool ready;
    struct nb_host_counts hosts;
    const char *unsynced;       /* Hosts that are not synced, as text. */
};
/* The rule: see docs/monitoring.md. */
void nb_judge_health(const struct nb_health_facts *,
                     const struct nb_problems *, struct nb_health *);

/* group-ports.c */
/* Names of the ports that may satisfy 'selector': a sorted superset of those
 * that do.  The caller frees it with free(). */
const char **nb_selector_candidates(const struct model *,
                                    const struct vmn_selector *, size_t *n);

/* Returns the ports that 'group' itself has, sorted, each once; those of the
 * groups inside as well; or those that a quarantine cuts off.  The caller
 * frees the array, whose names are borrowed. */
const char **nb_group_ports(const struct model *, const struct vmn_group *,
                            size_t *n);
const char **nb_group_members(const struct model *, const struct vmn_group *,
                              size_t *n);
const char **nb_quarantine_ports(const struct model *,
                                 const struct vmn_quarantine *, size_t *n);
/* Fills in how many these are; with 'list' the first NB_MEMBERS_MAX as well, in
 * 'arena'. */
void nb_fill_members(const char *const *names, size_t n, bool list,
                     struct arena *arena, struct status_members *);

/* balancer-status.c: those that may be backends of a balancer, which the
 * caller frees, or NULL; how many there are. */
extern const char *const nb_backend_states[];
struct vmn_lb_member *nb_balancer_members(const struct northbound *,
                                          const char *name, size_t *n);
void nb_balancer_count(const struct northbound *, const char *name,
                       size_t *n_backends, size_t *n_serving);
/* Fills in the struct status_loadbalancer 'status'.  Returns true. */
bool nb_fill_balancer(const struct nb_status_query *, const struct vmn_row *,
                      void *status);

/* certificates.c */
struct northbound_options;
/* Loads the API's into 'nb->tls'.  Returns 0, or a positive errno with an
 * error in '*why'. */
int nb_certificates_load(struct northbound *,
                         const struct northbound_options *,
                         struct vmn_error *why);
/* Logs what is wrong with the CAs that are believed. */
void nb_certificates_check(struct northbound *);
/* Adds the same to what GET /v1/status shows. */
void nb_certificates_add_problems(const struct northbound *,
                                  struct nb_problems *);
/* Returns what is wrong with the trusted CAs, or NULL.  The caller frees
 * it. */
char *nb_certificates_fault(const struct northbound *);
/* metrics-certificates.c: appends its part of /metrics. */
void nb_certificates_append_metrics(const struct northbound *, struct ds *);

/* observation-expiry.c */
/* When it ends, by the wall clock. */
int64_t nb_observation_expiry(const struct vmn_observation *,
                            const struct model_meta *);
/* Deletes those that are over. */
void nb_delete_expired_observations(struct northbound *, int64_t now_ms);
/* Has observations looked at by the clock, if there are any. */
void nb_start_observation_timer(struct northbound *);
void nb_observations_init(struct northbound *);
void nb_observations_uninit(struct northbound *);

/* Handlers. */
http_handler nb_get_list, nb_get_one, nb_put, nb_patch, nb_delete;
http_handler nb_apply;
/* deferred-reply.c: has the request answered at the next settled moment, where
 * the answer may take its time and pause; or soon, once engine_problems() is
 * found. */
typedef void nb_deferred_cb(struct http_request *, struct northbound *);
void nb_when_quiescent(struct northbound *, struct http_request *,
                       nb_deferred_cb *);
void nb_when_problems_known(struct northbound *, struct http_request *,
                            nb_deferred_cb *);

http_handler nb_get_index, nb_get_openapi, nb_get_status, nb_get_health;
http_handler nb_get_ready;
http_handler nb_get_flows, nb_post_audit;
http_handler nb_get_revision, nb_get_revisions;
http_handler nb_get_activity;
http_handler nb_get_identities, nb_get_usage;
/* api-usage.c: adds quotas of which more is used than there may be. */
void nb_add_quota_problems(const struct northbound *, struct nb_problems *);
http_handler nb_get_drops, nb_get_logs;
http_handler nb_get_metrics, nb_get_backup;
http_handler nb_get_page, nb_get_page_file;
http_handler nb_get_summary, nb_get_port_policies;
http_handler nb_get_recommendations;
http_handler nb_post_trace, nb_get_reachability, nb_post_reachability;

#endif /* controller/northbound/northbound-private.h */
