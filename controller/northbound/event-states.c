/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of the states of hosts and ports.  These are level-triggered, and
 * derived from several inputs: a notification only marks the object.  It is
 * examined later, once for all notifications, and an event is appended if what
 * users see differs from the last event.  Ports are examined in a quiescent
 * state: users see durable rows, and those of a group are not while others are
 * told of it.  Not for what is told as it happens (event-sources.c). */

#include <config.h>

#include "controller/northbound/event-log.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/model/migration-end.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/shash.h"
#include "proto/loop/loop.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

/* What no name ends with. */
#define ACTIVATED "!"

/* The ports of a host that come up once it has acknowledged a revision. */
struct waiting {
    struct sset ports;
    uint64_t acked;             /* Acknowledged when the ports were examined
                                 * last. */
};

struct event_states {
    struct northbound *nb;
    int64_t started_ms;         /* Wall clock: since when it tells. */
    struct event *check;        /* Examines hosts that were marked. */
    bool ports_due;             /* Ports are when the state is quiescent. */
    struct sset hosts, ports;   /* Marked: their state may have changed. */
    bool acked;                 /* Some host has acknowledged a revision. */
    struct shash last_hosts;    /* By name: the text of the last event. */
    struct shash last_ports;
    struct sset unheard;        /* Hosts whose ports are unknown, as told. */
    struct shash waiting;       /* By host: struct waiting. */
};

static void ports_cb(void *es);

static void
schedule_check(struct event_states *es)
{
    event_active(es->check, EV_TIMEOUT, 1);
}

static void
schedule_ports(struct event_states *es)
{
    if (!es->ports_due) {
        es->ports_due = true;
        commit_when_quiescent(es->nb->commit, ports_cb, es);
    }
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

/* Ports.  ---------------------------------------------------------------- */

static void
port_cb(void *es_, const char *port)
{
    struct event_states *es = es_;

    sset_add(&es->ports, port);
    schedule_ports(es);
}

/* Has the port examined again when 'host' has acknowledged another
 * revision. */
static void
wait_for(struct event_states *es, const char *host, const char *port)
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
mark_waiting_ports(struct event_states *es)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &es->waiting) {
        struct waiting *w = node->data;
        const char *port;

        if (fabric_host_acked(es->nb->fabric, node->name) != w->acked) {
            SSET_FOR_EACH (port, &w->ports) {
                port_cb(es, port);
            }
            shash_delete(&es->waiting, node);
            waiting_destroy(w);
        }
    }
}

/* Returns "HOST CANDIDATE STATE", as last_ports has it; CANDIDATE ends with
 * ACTIVATED if the guest has come from there.  The caller frees it. */
static char *
port_text(const char *host, const char *candidate, bool activated,
          const char *state)
{
    return xasprintf("%s %s%s %s", host ? host : "",
                     candidate ? candidate : "",
                     candidate && activated ? ACTIVATED : "", state);
}

/* Returns that of the last event of 'port'.  If this process has appended
 * none, a binding of before its start counts as up.  The caller frees the
 * text. */
static char *
last_port_text(const struct event_states *es, const char *port)
{
    struct model_meta meta;
    const struct vmn_binding *binding = model_get_durable(
        es->nb->model, VMN_TABLE_BINDING, port, &meta);

    return (!binding ? xstrdup("  unbound")
            : meta.updated_ms >= es->started_ms ? NULL
            : port_text(binding->host, binding->candidate,
                        binding->activated, "up"));
}

/* Returns true if 'a' and 'b', texts as above, have the same host and
 * candidate. */
static bool
same_place(const char *a, const char *b)
{
    size_t len = strrchr(a, ' ') - a;

    return !strncmp(a, b, len + 1);
}

/* Notes how 'port' was told to be, if that is not noted yet. */
static void
note_last_port(struct event_states *es, const char *port)
{
    if (!shash_find(&es->last_ports, port)) {
        char *before = last_port_text(es, port);

        if (before) {
            shash_add(&es->last_ports, port, before);
        }
    }
}

/* Returns the host of the last event of 'port', if that is not 'host' (NULL:
 * none); the caller frees it.  NULL: the port has left none. */
static char *
left_host(const struct event_states *es, const char *port, const char *host)
{
    const char *text = shash_find_data(&es->last_ports, port);
    size_t len = text ? strcspn(text, " ") : 0;
    char *from = len ? xmemdup0(text, len) : NULL;

    if (from && nullable_string_is_equal(from, host)) {
        free(from);
        return NULL;
    }
    return from;
}

/* Returns true if the claim of 'host' is one of those that are rejected. */
static bool
is_rejected(const struct status_port *status, const char *host)
{
    for (size_t i = 0; i < status->n_rejected_claims; i++) {
        if (!strcmp(status->rejected_claims[i], host)) {
            return true;
        }
    }
    return false;
}

/* Returns how the migration of 'port' has ended since its last event, now that
 * its status is 'status', and sets '*reason', which the caller frees; or NULL.
 * The rows may be behind the status. */
static const char *
migration_of_event(const struct event_states *es, const char *port,
                   const struct status_port *status, char **reason)
{
    const char *text = shash_find_data(&es->last_ports, port);
    const struct vmn_binding now = {
        .host = status->host, .candidate = status->candidate,
    };
    struct vmn_binding before = { .host = NULL };
    char *copy = text ? xstrdup(text) : NULL;
    char *gap = copy ? strchr(copy, ' ') : NULL;
    const char *ended = NULL, *left;

    *reason = NULL;
    if (status->host && gap && gap[1] != ' ') {
        char *end = gap + 1 + strcspn(gap + 1, ACTIVATED " ");

        before.host = copy;
        before.candidate = gap + 1;
        before.activated = *end == *ACTIVATED;
        *gap = *end = '\0';
        ended = migration_ended(&before, &now, &left);
        if (ended) {
            *reason = migration_end_reason(es->nb->model, port, left,
                                           now.candidate,
                                           is_rejected(status, left));
        }
    }
    free(copy);
    return ended;
}

/* Notes how the ports of a group were: its bindings are not settled yet. */
static void
group_cb(void *es_, const struct commit_group *group OVS_UNUSED)
{
    struct event_states *es = es_;
    struct model_pending pending;

    model_get_pending(es->nb->model, &pending);
    for (size_t i = 0; i < pending.n_writes; i++) {
        const struct model_write *write = &pending.writes[i];

        if (write->table == VMN_TABLE_BINDING
            && model_get_durable(es->nb->model, VMN_TABLE_BINDING,
                                 write->name, NULL)) {
            note_last_port(es, write->name);
        }
    }
}

/* A port that stays where it is and waits for its host gets no event: its host
 * has one.  Nor does one whose host is not heard: see push_ports(). */
static void
append_binding(struct event_states *es, const struct vmn_port *port,
               const struct status_port *status)
{
    const char *name = port->row.name;
    const char *host = status->host;
    bool pending = !strcmp(status->state, "pending");
    bool unknown = !strcmp(status->state, "unknown");
    bool activated = (status->migration
                      && !strcmp(status->migration->state, "activated"));
    char *text = port_text(host, status->candidate, activated,
                           status->state);
    struct ds about = DS_EMPTY_INITIALIZER;
    const char *ended;
    char *from, *reason;

    note_last_port(es, name);
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
    from = left_host(es, name, host);
    ended = migration_of_event(es, name, status, &reason);
    if (!keep_last(&es->last_ports, name, text)) {
        free(from);
        free(reason);
        return;
    }
    event_about(&about, VMN_TABLE_PORT, name);
    event_about(&about, VMN_TABLE_NETWORK, port->network);
    event_about(&about, VMN_TABLE_HOST, host);
    event_push(es->nb, EVENT_BINDING, &nb_event_binding,
               &(const struct nb_event_binding) {
                   .port = name, .network = port->network,
                   .time = time_wall_msec(), .host = host,
                   .from = from,
                   .candidate = status->candidate,
                   .activated = activated,
                   .migration = ended, .migration_reason = reason,
                   .state = status->state,
                   .reason = status->reason,
               }, &about, false);
    free(from);
    free(reason);
}

static void
check_port(struct event_states *es, const char *name)
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
    struct event_states *es = es_;

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
push_ports(struct event_states *es, struct nb_event_ports *event,
           struct vmn_names names)
{
    struct ds about = DS_EMPTY_INITIALIZER;
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
    event_push(es->nb, EVENT_PORTS, &nb_event_ports, event, &about, about_all);
    free(event->ports);
}

/* Marks all ports of a host that is heard again. */
static void
mark_ports(struct event_states *es, struct vmn_names names)
{
    for (size_t i = 0; i < names.n; i++) {
        port_cb(es, names.names[i]);
    }
}

/* Appends an event of the ports of 'host' if it is unheard and was not, or the
 * reverse. */
static void
check_silence(struct event_states *es, const char *host)
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
host_cb(void *es_, const char *host)
{
    struct event_states *es = es_;

    sset_add(&es->hosts, host);
    schedule_check(es);
}

/* Returns true if the host was there before this process, which has told
 * nothing of it yet. */
static bool
is_from_before(const struct event_states *es, const char *name)
{
    struct model_meta meta;

    return (!shash_find(&es->last_hosts, name)
            && model_get_durable(es->nb->model, VMN_TABLE_HOST, name, &meta)
            && meta.created_ms < es->started_ms);
}

/* Returns true if a host in 'state' is on its way to "synced", in the time
 * that this takes after a start. */
static bool
is_on_its_way(const struct event_states *es, const char *name,
              const char *state)
{
    int64_t since_ms;

    return ((!strcmp(state, "offline") || !strcmp(state, "connecting")
             || !strcmp(state, "reconciling"))
            && !fabric_host_is_unheard(es->nb->fabric, name, &since_ms));
}

/* Returns true if there is an event of the host's state.  Of a host of before
 * this process there is none for what is no change: its state of then is not
 * stored, and is taken to be "synced". */
static bool
is_told(struct event_states *es, const char *name,
        const struct status_host *status)
{
    bool from_before = is_from_before(es, name);

    if (from_before && is_on_its_way(es, name, status->state)) {
        return false;
    }
    return (keep_last(&es->last_hosts, name, xasprintf(
                   "%s %s", status->state,
                   status->reason ? status->reason : ""))
            && !(from_before && !strcmp(status->state, "synced")));
}

static void
check_host(struct event_states *es, const char *name)
{
    struct status_host status;
    struct ds about = DS_EMPTY_INITIALIZER;
    struct arena arena;

    arena_init(&arena);
    if (!fabric_host_status(es->nb->fabric, name, &arena, &status)) {
        keep_last(&es->last_hosts, name, NULL);
        sset_find_and_delete(&es->unheard, name);
    } else if (is_told(es, name, &status)) {
        event_about(&about, VMN_TABLE_HOST, name);
        event_push(es->nb, EVENT_HOST, &nb_event_host,
                   &(const struct nb_event_host) {
                       name, time_wall_msec(), status.state, status.reason,
                   }, &about, false);
    }
    arena_uninit(&arena);
    check_silence(es, name);
}

/* Checks.  ---------------------------------------------------------------- */

/* Ports examined between two groups. */
#define PORTS_MAX 256

/* Examines the ports that were marked; called in a quiescent state. */
static void
ports_cb(void *es_)
{
    struct event_states *es = es_;

    es->ports_due = false;
    for (int i = 0; i < PORTS_MAX && !sset_is_empty(&es->ports); i++) {
        char *name = sset_pop(&es->ports);

        check_port(es, name);
        free(name);
        commit_yield(es->nb->commit);
    }
    if (!sset_is_empty(&es->ports)) {
        schedule_ports(es);
    }
}

/* Examines the hosts that were marked, until the iteration's time is over. */
static void
check_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *es_)
{
    static const struct timeval at_once = { 0, 0 };
    struct event_states *es = es_;

    if (es->acked) {
        es->acked = false;
        mark_waiting_ports(es);
    }
    while (!sset_is_empty(&es->hosts)) {
        char *name = sset_pop(&es->hosts);

        check_host(es, name);
        free(name);
        if (es->nb->loop && loop_turn_is_over(es->nb->loop)) {
            event_add(es->check, &at_once);
            return;
        }
    }
}

/* Creation and destruction.  ---------------------------------------------- */

static const struct fabric_watch fabric_watch = {
    .host = host_cb,
    .port = port_cb,
    .acked = acked_cb,
};

struct event_states *
event_states_create(struct northbound *nb)
{
    struct event_states *es = xzalloc(sizeof *es);

    es->nb = nb;
    es->started_ms = nb->started_ms;
    es->check = event_new(nb->base, -1, 0, check_cb, es);
    sset_init(&es->hosts);
    sset_init(&es->ports);
    shash_init(&es->last_hosts);
    shash_init(&es->last_ports);
    sset_init(&es->unheard);
    shash_init(&es->waiting);
    if (nb->fabric) {
        fabric_add_watch(nb->fabric, &fabric_watch, es);
        commit_add_watch(nb->commit, group_cb, es);
    }
    return es;
}

void
event_states_destroy(struct event_states *es)
{
    struct shash_node *node;

    if (!es) {
        return;
    }
    if (es->nb->fabric) {
        fabric_remove_watch(es->nb->fabric, &fabric_watch, es);
        commit_remove_watch(es->nb->commit, group_cb, es);
        commit_cancel_when_quiescent(es->nb->commit, ports_cb, es);
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
