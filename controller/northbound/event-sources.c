/* SPDX-License-Identifier: Apache-2.0
 *
 * The sources of events that are told as they happen: groups of revisions that
 * are durable, what the fabric reports of hosts and packets, backends' health,
 * standbys that serve, and the load of balancers.  Not for the states of hosts
 * and ports (event-states.c). */

#include <config.h>

#include "controller/northbound/event-log.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/northbound/drop-isolation.h"
#include "controller/northbound/event-scope.h"
#include "controller/northbound/replies.h"
#include "controller/northbound/sample-causes.h"
#include "controller/northbound/volatile-revisions.h"
#include "controller/paths/paths.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-log.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/token-bucket.h"
#include "timeval.h"
#include "util.h"

/* More are rare: hosts answer in milliseconds.  Those that are forgotten get
 * an event "installed" without need. */
#define UNTOLD_MAX 64

/* Samples that wait for a quiescent state.  They come a few a second, and a
 * commit takes milliseconds; of more, the cause is not noted. */
#define WAITING_MAX 64

/* Events of monitored ports a second, and at once.  An event takes so many
 * tokens, of which the bucket gets MONITORS_PER_S each millisecond. */
#define MONITORS_PER_S 100
#define MONITORS_BURST 1000
#define TOKENS 1000
/* The same of paths between hosts. */
#define PATHS_PER_S 10
#define PATHS_BURST 20

struct event_sources {
    struct northbound *nb;
    struct token_bucket monitors, paths;
    uint64_t last_revision;     /* The newest, told or not. */
    /* The last revisions of groups that no event told of, as all of it is of
     * hosts' interfaces, and that are not installed yet, the oldest first:
     * that they are is not told either. */
    uint64_t untold[UNTOLD_MAX];
    size_t n_untold;
    uint64_t group_first;       /* The event id at which the last group
                                 * began. */
    /* The group that was installed before its own event was appended, as one
     * that concerns no host may be; 'early_last' is 0 if there is none. */
    uint64_t early_first, early_last;
    size_t n_waiting;           /* Samples of drops whose cause is looked for
                                 * in the next quiescent state. */
    struct fabric_sample waiting[WAITING_MAX];
};

static void
push(struct northbound *nb, enum event_kind kind,
     const struct schema_struct *shown, const void *event, struct ds *about,
     bool about_all, bool background, int64_t made_ms)
{
    uint64_t durable = model_durable_revision(nb->model);
    struct ds data = DS_EMPTY_INITIALIZER;
    int64_t *created;
    size_t n;

    schema_struct_print(shown, event, &data);
    event_log_note_revision(nb->event_log, durable, durable);
    created = event_scope_created(nb, kind, about, &n);
    event_log_push(nb->event_log, kind, &data, about, about_all, background);
    event_log_set_created(nb->event_log, created, n);
    event_log_set_made(nb->event_log, made_ms);
    event_readers_wake(nb->event_readers);
}

void
event_push(struct northbound *nb, enum event_kind kind,
           const struct schema_struct *shown, const void *event,
           struct ds *about, bool about_all)
{
    push(nb, kind, shown, event, about, about_all, false, time_wall_msec());
}

uint64_t
event_sources_start(const struct event_sources *es)
{
    /* While a group is being committed its events may already be in the log,
     * but users do not see the state yet. */
    return (commit_is_quiescent(es->nb->commit) ? es->nb->event_log->next
            : MAX(es->group_first, es->nb->event_log->oldest));
}

/* Revisions.  ------------------------------------------------------------ */

static void
append_revision(struct event_sources *es, const struct model_log *log)
{
    struct northbound *nb = es->nb;
    struct ds about = DS_EMPTY_INITIALIZER;
    bool authenticates;
    bool more = event_about_changes(nb, log->summary, &about, &authenticates);

    if (authenticates) {
        event_readers_recheck(nb->event_readers);
    }
    event_log_note_revision(nb->event_log, log->revision,
                            model_durable_revision(nb->model));
    push(nb, EVENT_REVISION, &schema_log_entry_shown,
         &(const struct schema_log_entry) {
             .revision = log->revision, .time = log->time_ms,
             .who = log->who, .comment = log->comment,
             .undoes = log->undoes, .draft = log->draft,
             .draft_author = log->draft_author,
             .changes = log->summary,
         }, &about, more, false, log->time_ms);
}

static void
append_installed(struct event_sources *es, uint64_t first, uint64_t last,
                 size_t n_hosts)
{
    const struct nb_event_installed event = {
        first, last, time_wall_msec(), n_hosts,
    };
    struct ds about = DS_EMPTY_INITIALIZER;

    event_push(es->nb, EVENT_INSTALLED, &nb_event_installed, &event, &about,
               false);
}

/* Notes that no event tells of the group that ends with 'last'. */
static void
add_untold(struct event_sources *es, uint64_t last)
{
    if (es->n_untold >= UNTOLD_MAX) {
        memmove(es->untold, es->untold + 1,
                --es->n_untold * sizeof *es->untold);
    }
    es->untold[es->n_untold++] = last;
}

/* Returns true if no event told of the group, and forgets it. */
static bool
take_untold(struct event_sources *es, uint64_t last)
{
    for (size_t i = 0; i < es->n_untold; i++) {
        if (es->untold[i] == last) {
            memmove(es->untold + i, es->untold + i + 1,
                    (--es->n_untold - i) * sizeof *es->untold);
            return true;
        }
    }
    return false;
}

static void
installed_cb(void *es_, uint64_t first, uint64_t last, size_t n_hosts)
{
    struct event_sources *es = es_;

    if (last > es->last_revision) {
        es->early_first = first;
        es->early_last = last;
    } else if (!take_untold(es, last)) {
        append_installed(es, first, last, n_hosts);
    }
}

static void
group_cb(void *es_, const struct commit_group *group)
{
    struct event_sources *es = es_;
    struct model_pending pending;
    bool told = false;

    es->group_first = es->nb->event_log->next;
    model_get_pending(es->nb->model, &pending);
    for (size_t i = 0; i < pending.n_logs; i++) {
        /* Revisions that are not stored are of hosts' interfaces, which have
         * events of their own: "binding". */
        if (pending.logs[i].stored) {
            append_revision(es, &pending.logs[i]);
            told = true;
        } else {
            volatile_revisions_add(es->nb->volatile_revisions,
                                   &pending.logs[i]);
        }
    }
    es->last_revision = MAX(es->last_revision, group->last_revision);
    if (!told && pending.n_logs) {
        add_untold(es, group->last_revision);
    }
    if (es->early_last && es->early_last <= es->last_revision) {
        if (!take_untold(es, es->early_last)) {
            append_installed(es, es->early_first, es->early_last, 0);
        }
        es->early_last = 0;
    }
}

/* Hosts.  ---------------------------------------------------------------- */

static void
audited_cb(void *es_, const char *host, size_t n_missing, size_t n_altered,
           size_t n_unknown)
{
    const struct nb_event_audit event = {
        host, time_wall_msec(), n_missing, n_altered, n_unknown,
    };
    struct event_sources *es = es_;
    struct ds about = DS_EMPTY_INITIALIZER;

    event_about(&about, VMN_TABLE_HOST, host);
    event_push(es->nb, EVENT_AUDIT, &nb_event_audit, &event, &about, false);
}

static void
host_deleted_cb(void *es_, const char *host, const char *text)
{
    const struct nb_event_host event = {
        host, time_wall_msec(), "deleted", text,
    };
    struct event_sources *es = es_;
    struct ds about = DS_EMPTY_INITIALIZER;

    event_about(&about, VMN_TABLE_HOST, host);
    event_push(es->nb, EVENT_HOST, &nb_event_host, &event, &about, false);
}

/* Appends an event: a host has the interface of a port that may not be bound
 * there. */
static void
claim_rejected_cb(void *es_, const char *name, const char *host,
                  const char *expected, const char *reason)
{
    struct event_sources *es = es_;
    const struct vmn_port *port = model_get_durable(
        es->nb->model, VMN_TABLE_PORT, name, NULL);
    struct ds about = DS_EMPTY_INITIALIZER;

    if (!port) {
        return;
    }
    event_about(&about, VMN_TABLE_PORT, name);
    event_about(&about, VMN_TABLE_NETWORK, port->network);
    event_about(&about, VMN_TABLE_HOST, host);
    event_about(&about, VMN_TABLE_HOST, expected);
    event_push(es->nb, EVENT_CLAIM, &nb_event_claim,
               &(const struct nb_event_claim) {
                   name, port->network, time_wall_msec(), host, expected,
                   reason,
               }, &about, false);
}

/* Balancers.  ------------------------------------------------------------ */

static void
scale_cb(void *es_, const struct load_event *event)
{
    struct event_sources *es = es_;
    struct ds about = DS_EMPTY_INITIALIZER;

    event_about(&about, VMN_TABLE_LOADBALANCER, event->loadbalancer);
    event_push(es->nb, EVENT_SCALE, &load_event_shown, event, &about, false);
}

/* Packets.  -------------------------------------------------------------- */

/* Makes an event of a sample; with 'cause', of what isolates or quarantines
 * its port, too, which must be a quiescent state's. */
static void
push_sample(struct event_sources *es, enum fabric_sample_kind kind,
            const struct fabric_sample *sample, bool cause)
{
    bool is_drop = kind == FABRIC_SAMPLE_DROP;
    struct ds about = DS_EMPTY_INITIALIZER;
    const struct status_object *object;
    struct nb_sample shown;
    struct arena arena;

    event_about(&about, VMN_TABLE_HOST, sample->host);
    event_about(&about, VMN_TABLE_NETWORK, sample->network);
    event_about(&about, VMN_TABLE_PORT, sample->src_port);
    event_about(&about, VMN_TABLE_PORT, sample->dst_port);
    arena_init(&arena);
    nb_fill_sample(sample, kind, &arena, &shown);
    if (is_drop && cause) {
        sample_causes_note(es->nb->sample_causes, es->nb, sample);
        sample_causes_fill(es->nb->sample_causes, es->nb, &arena, &shown);
    }
    object = shown.owner.object;
    if (object && !strcmp(object->type, "policies")) {
        event_about(&about, VMN_TABLE_POLICY, object->name);
    }
    push(es->nb, is_drop ? EVENT_DROP : EVENT_LOG,
         is_drop ? &nb_sample_drop : &nb_sample_log, &shown, &about, false,
         is_drop && sample->background, time_wall_msec());
    arena_uninit(&arena);
}

static void
quiescent_cb(void *es_)
{
    struct event_sources *es = es_;
    size_t n = es->n_waiting;

    es->n_waiting = 0;
    for (size_t i = 0; i < n; i++) {
        push_sample(es, FABRIC_SAMPLE_DROP, &es->waiting[i], true);
    }
}

/* Between two slices of a commit the engine has queries of what is not durable
 * yet, or of a plan, and of it all or a part: so what isolates a port waits
 * for its end. */
static void
sample_cb(void *es_, enum fabric_sample_kind kind,
          const struct fabric_sample *sample)
{
    struct event_sources *es = es_;
    bool waits = (kind == FABRIC_SAMPLE_DROP
                  && drop_isolation_concerns(sample->reason, sample->owner)
                  && !commit_is_quiescent(es->nb->commit));

    if (waits && es->n_waiting < WAITING_MAX) {
        if (!es->n_waiting) {
            commit_when_quiescent(es->nb->commit, quiescent_cb, es);
        }
        es->waiting[es->n_waiting++] = *sample;
    } else {
        push_sample(es, kind, sample, !waits);
    }
}

/* Backends.  ------------------------------------------------------------- */

/* Appends what an event of a balancer's backend is about. */
static void
about_backend(const struct event_sources *es, const char *balancer,
              const char *port, struct ds *about)
{
    const struct vmn_port *row = model_get_durable(
        es->nb->model, VMN_TABLE_PORT, port, NULL);

    event_about(about, VMN_TABLE_PORT, port);
    event_about(about, VMN_TABLE_LOADBALANCER, balancer);
    event_about(about, VMN_TABLE_NETWORK, row ? row->network : NULL);
}

static void
backend_cb(void *es_, const char *balancer, const char *port,
           enum backend_state state, const char *reason)
{
    struct event_sources *es = es_;
    struct ds about = DS_EMPTY_INITIALIZER;

    about_backend(es, balancer, port, &about);
    event_push(es->nb, EVENT_HEALTH, &nb_event_health,
               &(const struct nb_event_health) {
                   balancer, port, time_wall_msec(),
                   backend_state_names[state], reason[0] ? reason : NULL,
               }, &about, false);
}

static void
standby_cb(void *es_, const char *balancer, const char *port, bool serves,
           const char *reason)
{
    struct event_sources *es = es_;
    struct ds about = DS_EMPTY_INITIALIZER;

    about_backend(es, balancer, port, &about);
    event_push(es->nb, EVENT_STANDBY, &nb_event_standby,
               &(const struct nb_event_standby) {
                   balancer, port, time_wall_msec(),
                   nb_backend_states[serves ? VMN_LB_SERVING
                                     : VMN_LB_STANDBY], reason,
               }, &about, false);
}

/* So many ports may be on hosts that are lost that the events of others would
 * not be kept: what is more than that a second is in their status alone. */
static void
monitor_cb(void *es_, const char *port, enum health_monitor_state state,
           const char *reason)
{
    struct event_sources *es = es_;
    const struct vmn_port *row = model_get_durable(
        es->nb->model, VMN_TABLE_PORT, port, NULL);
    struct ds about = DS_EMPTY_INITIALIZER;

    if (!row || !token_bucket_withdraw(&es->monitors, TOKENS)) {
        return;
    }
    event_about(&about, VMN_TABLE_PORT, port);
    event_about(&about, VMN_TABLE_NETWORK, row->network);
    event_push(es->nb, EVENT_MONITOR, &nb_event_monitor,
               &(const struct nb_event_monitor) {
                   port, row->network, time_wall_msec(),
                   health_monitor_names[state], reason,
               }, &about, false);
}

/* A paths_changed_cb.  As many paths may break as there are hosts: of what is
 * more than that a second is told later, if it still holds.  That a path is
 * well again is told at once: that it was not has been. */
static bool
path_cb(void *es_, const struct paths_path *path)
{
    struct event_sources *es = es_;
    struct ds about = DS_EMPTY_INITIALIZER;
    struct nb_event_path event = {
        .host = path->host, .peer = path->peer,
        .time = time_wall_msec(),
        .state = path_state_names[path->state],
        .reason = path->reason[0] ? path->reason : NULL,
    };

    if (path->state > PATH_UP && !token_bucket_withdraw(&es->paths, TOKENS)) {
        return false;
    }
    event.ports = paths_count_ports(es->nb->paths, path);
    event_about(&about, VMN_TABLE_HOST, path->host);
    event_about(&about, VMN_TABLE_HOST, path->peer);
    event_push(es->nb, EVENT_PATH, &nb_event_path, &event, &about, false);
    return true;
}

static const struct health_watch health_watch = {
    .backend = backend_cb,
    .standby = standby_cb,
    .monitor = monitor_cb,
};

/* Creation and destruction.  ---------------------------------------------- */

static const struct fabric_watch fabric_watch = {
    .claim_rejected = claim_rejected_cb,
    .installed = installed_cb,
    .sample = sample_cb,
    .audited = audited_cb,
    .host_deleted = host_deleted_cb,
};

struct event_sources *
event_sources_create(struct northbound *nb)
{
    struct event_sources *es = xzalloc(sizeof *es);

    es->nb = nb;
    token_bucket_init(&es->monitors, MONITORS_PER_S,
                      MONITORS_BURST * TOKENS);
    token_bucket_init(&es->paths, PATHS_PER_S, PATHS_BURST * TOKENS);
    es->last_revision = model_durable_revision(nb->model);
    es->group_first = nb->event_log->next;
    commit_add_watch(nb->commit, group_cb, es);
    if (nb->fabric) {
        fabric_add_watch(nb->fabric, &fabric_watch, es);
    }
    if (nb->health) {
        health_set_watch(nb->health, &health_watch, es);
    }
    if (nb->paths) {
        paths_set_watch(nb->paths, path_cb, es);
    }
    if (nb->load) {
        load_monitor_set_watch(nb->load, scale_cb, es);
    }
    return es;
}

void
event_sources_destroy(struct event_sources *es)
{
    if (!es) {
        return;
    }
    commit_cancel_when_quiescent(es->nb->commit, quiescent_cb, es);
    commit_remove_watch(es->nb->commit, group_cb, es);
    if (es->nb->fabric) {
        fabric_remove_watch(es->nb->fabric, &fabric_watch, es);
    }
    if (es->nb->health) {
        health_set_watch(es->nb->health, NULL, NULL);
    }
    if (es->nb->paths) {
        paths_set_watch(es->nb->paths, NULL, NULL);
    }
    if (es->nb->load) {
        load_monitor_set_watch(es->nb->load, NULL, NULL);
    }
    free(es);
}
