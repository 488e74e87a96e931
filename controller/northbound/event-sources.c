/* SPDX-License-Identifier: Apache-2.0
 *
 * The sources of events: groups of revisions that are durable; hosts, ports,
 * acknowledgements and packets, as the fabric reports them; and the load of
 * balancers.
 *
 * The states of hosts and ports are level-triggered, and derived from several
 * inputs: a notification only marks the object.  It is examined later in the
 * iteration, once for all notifications, and an event is appended if what
 * users see differs from the last event. */

#include <config.h>

#include "controller/northbound/event-log.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-log.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "openvswitch/shash.h"
#include "proto/loop/loop.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

/* The ports of a host that come up once it has acknowledged a revision. */
struct waiting {
    struct sset ports;
    uint64_t acked;             /* Acknowledged when the ports were examined
                                 * last. */
};

/* More are rare: hosts answer in milliseconds.  Those that are forgotten get
 * an event "installed" without need. */
#define UNTOLD_MAX 64

struct event_sources {
    struct northbound *nb;
    struct event *check;         /* Examines what was marked. */
    struct sset hosts, ports;   /* Marked: their state may have changed. */
    bool acked;                 /* Some host has acknowledged a revision. */
    struct shash last_hosts;    /* By name: the text of the last event. */
    struct shash last_ports;
    struct sset unheard;        /* Hosts whose ports are unknown, as told. */
    struct shash waiting;       /* By host: struct waiting. */
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
};

static void
push(struct event_sources *es, enum event_kind kind, struct ds *data,
     struct ds *about, bool about_all)
{
    uint64_t durable = model_durable_revision(es->nb->model);

    event_log_note_revision(es->nb->event_log, durable, durable);
    event_log_push(es->nb->event_log, kind, data, about, about_all);
    event_readers_wake(es->nb->event_readers);
}

/* Appends an event of which 'shown' describes the data. */
static void
push_struct(struct event_sources *es, enum event_kind kind,
            const struct schema_struct *shown, const void *event,
            struct ds *about)
{
    struct ds data = DS_EMPTY_INITIALIZER;

    schema_struct_print(shown, event, &data);
    push(es, kind, &data, about, false);
}

uint64_t
event_sources_start(const struct event_sources *es)
{
    /* While a group is being committed its events may already be in the log,
     * but users do not see the state yet. */
    return (commit_is_quiescent(es->nb->commit) ? es->nb->event_log->next
            : MAX(es->group_first, es->nb->event_log->oldest));
}

static void
schedule_check(struct event_sources *es)
{
    event_active(es->check, EV_TIMEOUT, 1);
}

/* Revisions.  ------------------------------------------------------------ */

/* Appends the objects that a revision changed to 'about'.  Returns true if
 * there are too many to name.  Goes by the summary, as the changes of the
 * log's entry lack objects that define who may use the API. */
static bool
name_changes(const struct event_sources *es, const char *summary,
             struct ds *about)
{
    const struct model *model = es->nb->model;
    json_t *changes = json_loads(summary, 0, NULL), *change;
    bool more = false;
    size_t i;

    json_array_foreach (changes, i, change) {
        const char *type = json_string_value(json_object_get(change, "type"));
        const char *name = json_string_value(json_object_get(change, "name"));
        const struct schema_table *table = type ? schema_find_table(type)
                                                : NULL;

        if (!table || !name) {
            more = true;
            continue;
        }
        event_about(about, table->id, name);
        if (table->authenticates) {
            event_readers_recheck(es->nb->event_readers);
        }
        if (table->id == VMN_TABLE_PORT) {
            /* As it was before the change, if it was deleted. */
            const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                                    name);

            port = port ? port : model_get_durable(model, VMN_TABLE_PORT,
                                                   name, NULL);
            event_about(about, VMN_TABLE_NETWORK, port ? port->network
                        : NULL);
        }
    }
    json_decref(changes);
    return more;
}

static void
append_revision(struct event_sources *es, const struct model_log *log)
{
    struct ds data = DS_EMPTY_INITIALIZER;
    struct ds about = DS_EMPTY_INITIALIZER;
    bool more = name_changes(es, log->summary, &about);

    schema_struct_print(&schema_log_entry_shown,
                        &(const struct schema_log_entry) {
                            log->revision, log->time_ms, log->who,
                            log->comment, log->summary,
                        }, &data);
    event_log_note_revision(es->nb->event_log, log->revision,
                            model_durable_revision(es->nb->model));
    push(es, EVENT_REVISION, &data, &about, more);
}

static void
append_installed(struct event_sources *es, uint64_t first, uint64_t last,
                 size_t n_hosts)
{
    const struct nb_event_installed event = {
        first, last, time_wall_msec(), n_hosts,
    };
    struct ds about = DS_EMPTY_INITIALIZER;

    push_struct(es, EVENT_INSTALLED, &nb_event_installed, &event, &about);
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
host_cb(void *es_, const char *host)
{
    struct event_sources *es = es_;

    sset_add(&es->hosts, host);
    schedule_check(es);
}

/* Keeps 'text' (NULL: none), of which it takes ownership, as the last event of
 * 'name'.  Returns true if it differs from the one before. */
static bool
keep_last(struct shash *last, const char *name, char *text)
{
    struct shash_node *node = shash_find(last, name);
    bool same = (node ? text && !strcmp(node->data, text) : !text);

    if (same) {
        free(text);
        return false;
    }
    if (node) {
        free(node->data);
        node->data = text;
        if (!text) {
            shash_delete(last, node);
        }
    } else {
        shash_add(last, name, text);
    }
    return true;
}

static void
audited_cb(void *es, const char *host, size_t n_missing, size_t n_altered,
           size_t n_unknown)
{
    const struct nb_event_audit event = {
        host, time_wall_msec(), n_missing, n_altered, n_unknown,
    };
    struct ds about = DS_EMPTY_INITIALIZER;

    event_about(&about, VMN_TABLE_HOST, host);
    push_struct(es, EVENT_AUDIT, &nb_event_audit, &event, &about);
}

/* Ports.  ---------------------------------------------------------------- */

static void
port_cb(void *es_, const char *port)
{
    struct event_sources *es = es_;

    sset_add(&es->ports, port);
    schedule_check(es);
}

/* Has the port examined again when 'host' has acknowledged another
 * revision. */
static void
wait_for(struct event_sources *es, const char *host, const char *port)
{
    struct waiting *w = shash_find_data(&es->waiting, host);

    if (!w) {
        w = xzalloc(sizeof *w);
        sset_init(&w->ports);
        shash_add(&es->waiting, host, w);
    }
    w->acked = fabric_host_acked(es->nb->fabric, host);
    sset_add(&w->ports, port);
}

static void
waiting_destroy(struct waiting *w)
{
    sset_destroy(&w->ports);
    free(w);
}

/* Marks ports whose hosts have acknowledged a revision. */
static void
mark_waiting_ports(struct event_sources *es)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &es->waiting) {
        struct waiting *w = node->data;
        const char *port;

        if (fabric_host_acked(es->nb->fabric, node->name) != w->acked) {
            SSET_FOR_EACH (port, &w->ports) {
                sset_add(&es->ports, port);
            }
            shash_delete(&es->waiting, node);
            waiting_destroy(w);
        }
    }
}

/* Returns "HOST CANDIDATE STATE" of the last event of 'port'.  If this process
 * has appended none, a binding of before its start counts as up.  The caller
 * frees the text. */
static char *
last_port_text(const struct event_sources *es, const char *port)
{
    struct model_meta meta;
    const struct vmn_binding *binding = model_get_durable(
        es->nb->model, VMN_TABLE_BINDING, port, &meta);

    return (!binding ? xstrdup("  unbound")
            : meta.updated_ms >= es->nb->started_ms ? NULL
            : xasprintf("%s %s up", binding->host,
                        binding->candidate ? binding->candidate : ""));
}

/* Returns true if 'a' and 'b', texts as above, have the same host and
 * candidate. */
static bool
same_place(const char *a, const char *b)
{
    size_t len = strrchr(a, ' ') - a;

    return !strncmp(a, b, len + 1);
}

/* A port that stays where it is and waits for its host gets no event: its host
 * has one.  Nor does one whose host is not heard: see push_ports(). */
static void
append_binding(struct event_sources *es, const struct vmn_port *port,
               const struct status_port *status)
{
    const char *name = port->row.name;
    const char *host = status->host;
    bool pending = !strcmp(status->state, "pending");
    bool unknown = !strcmp(status->state, "unknown");
    char *text = xasprintf("%s %s %s", host ? host : "",
                           status->candidate ? status->candidate : "",
                           status->state);
    struct ds about = DS_EMPTY_INITIALIZER;

    if (!shash_find(&es->last_ports, name)) {
        char *before = last_port_text(es, name);

        if (before) {
            shash_add(&es->last_ports, name, before);
        }
    }
    if (pending || unknown) {
        const char *before = shash_find_data(&es->last_ports, name);

        if (pending) {
            wait_for(es, host, name);
        }
        if (before && same_place(text, before)) {
            free(text);
            return;
        }
    }
    if (!keep_last(&es->last_ports, name, text)) {
        return;
    }
    event_about(&about, VMN_TABLE_PORT, name);
    event_about(&about, VMN_TABLE_NETWORK, port->network);
    event_about(&about, VMN_TABLE_HOST, host);
    push_struct(es, EVENT_BINDING, &nb_event_binding,
                &(const struct nb_event_binding) {
                    .port = name, .network = port->network,
                    .time = time_wall_msec(), .host = host,
                    .candidate = status->candidate, .state = status->state,
                    .reason = status->reason,
                }, &about);
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
    push_struct(es, EVENT_CLAIM, &nb_event_claim,
                &(const struct nb_event_claim) {
                    name, port->network, time_wall_msec(), host, expected,
                    reason,
                }, &about);
}

static void
check_port(struct event_sources *es, const char *name)
{
    const struct vmn_port *port = model_get_durable(
        es->nb->model, VMN_TABLE_PORT, name, NULL);
    struct status_port status;
    struct arena arena;

    arena_init(&arena);
    if (port && fabric_port_status(es->nb->fabric, name, &arena, &status)) {
        append_binding(es, port, &status);
    } else {
        keep_last(&es->last_ports, name, NULL);
    }
    arena_uninit(&arena);
}

static void
acked_cb(void *es_)
{
    struct event_sources *es = es_;

    if (!shash_is_empty(&es->waiting)) {
        es->acked = true;
        schedule_check(es);
    }
}

/* Hosts and their ports.  ------------------------------------------------ */

/* Ports that an event names, and those that it is about: it is about any port
 * where a host has more. */
#define PORTS_NAMED 100
#define PORTS_ABOUT 2000

/* Appends an event: the ports 'names' of a host are unknown, or known
 * again: one for all of them, however many a host has. */
static void
push_ports(struct event_sources *es, struct nb_event_ports *event,
           struct vmn_names names)
{
    struct ds about = DS_EMPTY_INITIALIZER;
    struct ds data = DS_EMPTY_INITIALIZER;
    bool about_all = names.n > PORTS_ABOUT;

    event->n_ports = names.n;
    event->n_listed = MIN(names.n, PORTS_NAMED);
    event->ports = xcalloc(event->n_listed, sizeof *event->ports);
    event_about(&about, VMN_TABLE_HOST, event->host);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = model_get_durable(
            es->nb->model, VMN_TABLE_PORT, names.names[i], NULL);

        if (i < event->n_listed) {
            event->ports[i] = names.names[i];
        }
        if (!about_all) {
            event_about(&about, VMN_TABLE_PORT, names.names[i]);
            event_about(&about, VMN_TABLE_NETWORK, port ? port->network
                        : NULL);
        }
    }
    schema_struct_print(&nb_event_ports, event, &data);
    push(es, EVENT_PORTS, &data, &about, about_all);
    free(event->ports);
}

/* Marks all ports of a host that is heard again. */
static void
mark_ports(struct event_sources *es, struct vmn_names names)
{
    for (size_t i = 0; i < names.n; i++) {
        sset_add(&es->ports, names.names[i]);
    }
}

/* Appends an event of the ports of 'host' if it is unheard and was not, or the
 * reverse. */
static void
check_silence(struct event_sources *es, const char *host)
{
    struct vmn_names names = model_lookup(es->nb->model,
                                          VMN_INDEX_PORT_BY_HOST, host);
    struct nb_event_ports event = { .host = host, .time = time_wall_msec() };
    bool unheard = fabric_host_is_unheard(es->nb->fabric, host,
                                          &event.since);
    char *reason;

    if (unheard == sset_contains(&es->unheard, host)) {
        return;
    }
    reason = fabric_host_unheard_reason(es->nb->fabric, host);
    event.state = unheard ? "unknown" : "known";
    event.reason = reason;
    if (unheard) {
        sset_add(&es->unheard, host);
    } else {
        event.since = 0;
        sset_find_and_delete(&es->unheard, host);
        mark_ports(es, names);
    }
    if (names.n) {
        push_ports(es, &event, names);
    }
    free(reason);
}

static void
check_host(struct event_sources *es, const char *name)
{
    struct status_host status;
    struct ds about = DS_EMPTY_INITIALIZER;
    struct arena arena;

    arena_init(&arena);
    if (!fabric_host_status(es->nb->fabric, name, &arena, &status)) {
        keep_last(&es->last_hosts, name, NULL);
        sset_find_and_delete(&es->unheard, name);
    } else if (keep_last(&es->last_hosts, name, xasprintf(
                   "%s %s", status.state,
                   status.reason ? status.reason : ""))) {
        event_about(&about, VMN_TABLE_HOST, name);
        push_struct(es, EVENT_HOST, &nb_event_host,
                    &(const struct nb_event_host) {
                        name, time_wall_msec(), status.state, status.reason,
                    }, &about);
    }
    arena_uninit(&arena);
    check_silence(es, name);
}

/* Checks.  ---------------------------------------------------------------- */

/* Calls the callback for each of 'names', and removes it; returns false if the
 * iteration's time is over before that. */
static bool
check_all(struct event_sources *es, struct sset *names,
          void (*check)(struct event_sources *, const char *))
{
    while (!sset_is_empty(names)) {
        char *name = sset_pop(names);

        check(es, name);
        free(name);
        if (es->nb->loop && loop_turn_is_over(es->nb->loop)) {
            return false;
        }
    }
    return true;
}

static void
check_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *es_)
{
    static const struct timeval at_once = { 0, 0 };
    struct event_sources *es = es_;

    if (es->acked) {
        es->acked = false;
        mark_waiting_ports(es);
    }
    if (!check_all(es, &es->hosts, check_host)
        || !check_all(es, &es->ports, check_port)) {
        event_add(es->check, &at_once);
    }
}

/* Balancers.  ------------------------------------------------------------ */

static void
scale_cb(void *es, const struct load_event *event)
{
    struct ds about = DS_EMPTY_INITIALIZER;

    event_about(&about, VMN_TABLE_LOADBALANCER, event->loadbalancer);
    push_struct(es, EVENT_SCALE, &load_event_shown, event, &about);
}

/* Packets.  -------------------------------------------------------------- */

static void
sample_cb(void *es_, enum fabric_sample_kind kind,
          const struct fabric_sample *sample)
{
    struct event_sources *es = es_;
    bool is_drop = kind == FABRIC_SAMPLE_DROP;
    struct ds about = DS_EMPTY_INITIALIZER;
    struct nb_sample shown;
    struct arena arena;

    event_about(&about, VMN_TABLE_HOST, sample->host);
    event_about(&about, VMN_TABLE_NETWORK, sample->network);
    event_about(&about, VMN_TABLE_PORT, sample->src_port);
    event_about(&about, VMN_TABLE_PORT, sample->dst_port);
    if (sample->type && !strcmp(sample->type, "policies")) {
        event_about(&about, VMN_TABLE_POLICY, sample->name);
    }
    arena_init(&arena);
    nb_fill_sample(sample, kind, &arena, &shown);
    push_struct(es, is_drop ? EVENT_DROP : EVENT_LOG,
                is_drop ? &nb_sample_drop : &nb_sample_log, &shown, &about);
    arena_uninit(&arena);
}

/* Backends.  ------------------------------------------------------------- */

static void
health_cb(void *es_, const char *balancer, const char *port,
          enum backend_state state, const char *reason)
{
    struct event_sources *es = es_;
    const struct vmn_port *row = model_get_durable(
        es->nb->model, VMN_TABLE_PORT, port, NULL);
    struct ds about = DS_EMPTY_INITIALIZER;

    event_about(&about, VMN_TABLE_PORT, port);
    event_about(&about, VMN_TABLE_LOADBALANCER, balancer);
    event_about(&about, VMN_TABLE_NETWORK, row ? row->network : NULL);
    push_struct(es, EVENT_HEALTH, &nb_event_health,
                &(const struct nb_event_health) {
                    balancer, port, time_wall_msec(),
                    backend_state_names[state], reason[0] ? reason : NULL,
                }, &about);
}

/* Creation and destruction.  ---------------------------------------------- */

static const struct fabric_watch fabric_watch = {
    .host = host_cb,
    .port = port_cb,
    .claim_rejected = claim_rejected_cb,
    .acked = acked_cb,
    .installed = installed_cb,
    .sample = sample_cb,
    .audited = audited_cb,
};

struct event_sources *
event_sources_create(struct northbound *nb)
{
    struct event_sources *es = xzalloc(sizeof *es);

    es->nb = nb;
    es->check = event_new(nb->base, -1, 0, check_cb, es);
    sset_init(&es->hosts);
    sset_init(&es->ports);
    shash_init(&es->last_hosts);
    shash_init(&es->last_ports);
    sset_init(&es->unheard);
    shash_init(&es->waiting);
    es->last_revision = model_durable_revision(nb->model);
    es->group_first = nb->event_log->next;
    commit_add_watch(nb->commit, group_cb, es);
    if (nb->fabric) {
        fabric_add_watch(nb->fabric, &fabric_watch, es);
    }
    if (nb->health) {
        health_set_watch(nb->health, health_cb, es);
    }
    if (nb->load) {
        load_monitor_set_watch(nb->load, scale_cb, es);
    }
    return es;
}

void
event_sources_destroy(struct event_sources *es)
{
    struct shash_node *node;

    if (!es) {
        return;
    }
    commit_remove_watch(es->nb->commit, group_cb, es);
    if (es->nb->fabric) {
        fabric_remove_watch(es->nb->fabric, &fabric_watch, es);
    }
    if (es->nb->health) {
        health_set_watch(es->nb->health, NULL, NULL);
    }
    if (es->nb->load) {
        load_monitor_set_watch(es->nb->load, NULL, NULL);
    }
    SHASH_FOR_EACH (node, &es->waiting) {
        waiting_destroy(node->data);
    }
    shash_destroy(&es->waiting);
    shash_destroy_free_data(&es->last_hosts);
    shash_destroy_free_data(&es->last_ports);
    sset_destroy(&es->hosts);
    sset_destroy(&es->ports);
    sset_destroy(&es->unheard);
    event_free(es->check);
    free(es);
}
