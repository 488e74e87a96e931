/* SPDX-License-Identifier: Apache-2.0
 *
 * See health.h.  Who is told of a change, of a row, a host or a port, only
 * says where to refresh.  That is done in a quiescent state: while a group is
 * being committed its rows are not durable yet, and the engine may have
 * backends of it, or of a plan. */

#include <config.h>

#include "controller/health/health-private.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/engine/balancer-members.h"
#include "controller/engine/engine.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/health/health-commit.h"
#include "controller/health/standby-watch.h"
#include "controller/model/model.h"
#include "controller/model/packet-owner.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Interval between checks of drains, in milliseconds. */
#define DRAINS_MS 1000
/* Balancers refreshed between two groups. */
#define REFRESHES_MAX 64

static void refresh_cb(void *h);

void
health_schedule_refresh(struct health *h)
{
    if (h->begun && !h->refresh_due) {
        h->refresh_due = true;
        commit_when_quiescent(h->commit, refresh_cb, h);
    }
}

static void
set_timer(struct health *h)
{
    int64_t next_us = prober_next(&h->prober);

    if (next_us != INT64_MAX) {
        int64_t in_us = MAX(next_us - time_usec(), 0);
        const struct timeval in = { in_us / 1000000, in_us % 1000000 };

        event_add(h->timer, &in);
    } else {
        event_del(h->timer);
    }
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *h_)
{
    struct health *h = h_;

    prober_run(&h->prober, time_usec());
    set_timer(h);
}

static const struct timeval drains_each = { DRAINS_MS / 1000, 0 };

static void
drains_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *h_)
{
    struct health *h = h_;
    struct fabric_stats stats;

    /* What disconnected hosts have sent is not known. */
    fabric_get_stats(h->fabric, &stats);
    if (stats.n_away
        || stats.n_counter_failures != h->n_count_failures) {
        h->n_count_failures = stats.n_counter_failures;
        h->known_us = time_usec();
    }
    if (prober_end_drains(&h->prober, time_usec())) {
        event_add(h->drains, &drains_each);
    }
}

/* Starts periodic checks of drains if there are any.  What was sent before is
 * not known. */
static void
watch_drains(struct health *h)
{
    if (!event_pending(h->drains, EV_TIMEOUT, NULL)) {
        h->known_us = time_usec();
        event_add(h->drains, &drains_each);
    }
}

/* What the prober wants.  ------------------------------------------------- */

static bool
send_cb(void *h_, const char *host, uint32_t ofport, const void *frame,
        size_t size)
{
    struct health *h = h_;

    return fabric_send_frame(h->fabric, host, ofport, frame, size);
}

static void
probe_host_cb(void *h_, const char *host)
{
    struct health *h = h_;

    fabric_probe_host(h->fabric, host);
}

static bool
heard_since_cb(void *h_, const char *host, int64_t since_us)
{
    const struct health *h = h_;

    return fabric_host_heard_since(h->fabric, host, since_us);
}

static void
changed_cb(void *h_, struct backend *b, bool gone)
{
    struct health *h = h_;

    health_commit_update(h->rows, b->lb->name, b->port);
    if (!gone && b->lb->name[0] == PROBER_TARGET) {
        health_monitor_tell(h, b);
    }
    if (!gone && h->watch && h->watch->backend
        && b->lb->name[0] != PROBER_TARGET) {
        h->watch->backend(h->watch_aux, b->lb->name, b->port, b->shown,
                          b->reason);
    }
}

/* A host may have come back since, of whose guests nothing was known. */
static void
probed_cb(void *h_, struct backend *b)
{
    struct health *h = h_;

    if (b->lb->name[0] == PROBER_TARGET) {
        health_monitor_tell(h, b);
    }
}

/* A standby_watch_cb. */
static void
standby_cb(void *h_, const char *balancer, const char *port, bool serves,
           const char *reason)
{
    struct health *h = h_;

    if (h->watch && h->watch->standby) {
        h->watch->standby(h->watch_aux, balancer, port, serves, reason);
    }
}

/* Returns since when the backend has sent nothing.  Counters are as old as
 * their host's last reading. */
static int64_t
quiet_since_cb(void *h_, struct backend *b, int64_t now_us)
{
    struct health *h = h_;
    struct vmn_lb_member member = { .part = 0 };
    struct fabric_balancer_load all, load;
    int64_t interval_s = fabric_count_interval(h->fabric);

    if (!interval_s) {
        return INT64_MAX;
    }
    ovs_strlcpy(member.port, b->port, sizeof member.port);
    fabric_balancer_load(h->fabric, b->lb->name, &member, 1, &all, &load);
    if (load.packets != b->n_sent || !b->sent_us) {
        b->n_sent = load.packets;
        b->sent_us = now_us;
    }
    return MAX(b->sent_us, h->known_us) + 2 * interval_s * 1000000;
}

static const struct prober_ops prober_ops = {
    .send = send_cb,
    .probe_host = probe_host_cb,
    .heard_since = heard_since_cb,
    .changed = changed_cb, .probed = probed_cb,
    .quiet_since = quiet_since_cb,
};

static void
sink_cb(void *h_, const char *host, uint32_t in_port, const uint8_t *frame,
        size_t size)
{
    struct health *h = h_;

    prober_receive(&h->prober, host, in_port, frame, size, time_usec());
    set_timer(h);
}

/* A health_commit_desired_cb. */
static const char *
desired_cb(void *h_, const char *balancer, const char *port)
{
    const struct health *h = h_;
    const struct backend *b = prober_find(&h->prober, balancer, port);

    return (b && (b->shown == BACKEND_UP || b->shown == BACKEND_DOWN
                  || b->shown == BACKEND_DRAINED)
            ? backend_state_names[b->shown] : NULL);
}

/* What is to be probed.  -------------------------------------------------- */

enum probe_type
health_probe_type(enum vmn_probe probe)
{
    return (probe == VMN_PROBE_HTTP ? PROBE_HTTP
            : probe == VMN_PROBE_UDP ? PROBE_UDP
            : probe == VMN_PROBE_PING ? PROBE_PING
            : probe == VMN_PROBE_THROUGH ? PROBE_THROUGH
            : probe == VMN_PROBE_NEIGHBOUR ? PROBE_NEIGHBOUR : PROBE_TCP);
}

/* Reads the balancer's settings.  Strings are borrowed from the row. */
static void
read_settings(const struct vmn_loadbalancer *lb,
              const struct model_meta *meta, struct prober_settings *s)
{
    const struct vmn_lb_health *health = &lb->health;
    const struct vmn_lb_port *first = &lb->ports[0];

    *s = (struct prober_settings) {
        .probes = health->type != VMN_PROBE_NONE,
        .type = health_probe_type(health->type),
        .vip = lb->vip,
        .port = health->port ? health->port
                : first->target ? first->target : first->port,
        .interval_ms = health->interval_ms,
        .timeout_ms = health->timeout_ms,
        .healthy_after = health->healthy_after,
        .unhealthy_after = health->unhealthy_after,
        .path = health->path,
        .host = health->host,
        .n_expect = MIN(health->n_expect, PROBE_EXPECT_MAX),
        .send = health->send,
        .unheard_ms = lb->unheard_s * INT64_C(1000),
        .drain_ms = lb->drain_s * INT64_C(1000),
        .edited_ms = meta->updated_ms,
    };
    for (size_t i = 0; i < s->n_expect; i++) {
        s->expect[i].first = health->expect[i].first;
        s->expect[i].last = health->expect[i].last;
    }
}

/* Returns true if the member's connections are to end, or have. */
static bool
drains(const struct vmn_lb_member *member)
{
    return member->drains || member->state == VMN_LB_DRAINED;
}

static bool
has_drains(const struct vmn_lb_member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (drains(&members[i])) {
            return true;
        }
    }
    return false;
}

/* Returns true if the balancer's row has the port drain. */
static bool
is_asked_to_drain(const struct vmn_loadbalancer *lb, const char *port)
{
    for (size_t i = 0; i < lb->n_backends; i++) {
        if (lb->backends[i].drain && !strcmp(lb->backends[i].port, port)) {
            return true;
        }
    }
    return false;
}

void
health_read_row(struct health *h, const char *balancer,
                struct prober_member *m)
{
    static const enum backend_state states[] = {
        [VMN_HEALTH_UP] = BACKEND_UP, [VMN_HEALTH_DOWN] = BACKEND_DOWN,
        [VMN_HEALTH_DRAINED] = BACKEND_DRAINED,
    };
    char *name = xasprintf("%s/%s", balancer, m->port);
    struct model_meta meta;
    const struct vmn_health *row = model_get_durable(
        h->model, VMN_TABLE_HEALTH, name, &meta);

    m->owner = packet_owner_of(h->model, VMN_TABLE_PORT, m->port);
    m->row = row ? states[row->state] : BACKEND_CHECKING;
    m->row_ms = row ? meta.updated_ms : 0;
    free(name);
}

static void
read_member(struct health *h, const struct vmn_loadbalancer *lb,
            const struct vmn_lb_member *of, struct prober_member *m)
{
    *m = (struct prober_member) {
        .port = of->port, .host = of->host,
        .ip = of->ip, .mac = of->mac, .vip_mac = of->vip_mac,
        .drain = drains(of),
        .leaves = drains(of) && !is_asked_to_drain(lb, of->port),
    };
    health_read_row(h, lb->row.name, m);
    if (m->idle) {
        return;
    }
    if (!of->probed) {
        m->idle = of->reason[0] ? of->reason : "it is not probed";
    } else {
        health_look_at_host(h, lb->unheard_s * INT64_C(1000), m);
    }
}

/* It may have been being deleted when the backend came back. */
void
health_check_row(struct health *h, const char *balancer,
                 const struct prober_member *m)
{
    const struct backend *b = prober_find(&h->prober, balancer, m->port);

    if (b && (b->shown == BACKEND_IDLE ? BACKEND_CHECKING : b->shown)
             != m->row) {
        health_commit_update(h->rows, balancer, m->port);
    }
}

/* What else follows from the backends of a balancer, or of none. */
static void
tell_of_members(struct health *h, const char *name,
                const struct vmn_loadbalancer *lb,
                const struct vmn_lb_member *of, size_t n)
{
    /* At the start, which standbys serve is no news. */
    standby_watch_update(h->standbys, name, lb, of, n, h->rows_known);
}

static void
refresh_balancer(struct health *h, const char *name)
{
    struct model_meta meta;
    const struct vmn_loadbalancer *lb = model_get_durable(
        h->model, VMN_TABLE_LOADBALANCER, name, &meta);
    struct vmn_lb_member *of = NULL;
    struct prober_settings settings;
    struct prober_member *members;
    size_t n = 0;

    of = lb ? engine_balancer_members(h->engine, name, &n) : NULL;
    tell_of_members(h, name, lb, of, n);
    if (!lb || (!lb->health.type && !has_drains(of, n))) {
        prober_remove(&h->prober, name);
        free(of);
        return;
    }
    members = xcalloc(MAX(n, 1), sizeof *members);
    for (size_t i = 0; i < n; i++) {
        read_member(h, lb, &of[i], &members[i]);
    }
    read_settings(lb, &meta, &settings);
    if (has_drains(of, n)) {
        watch_drains(h);
    }
    prober_set(&h->prober, name, &settings, members, n, time_usec());
    for (size_t i = 0; i < n; i++) {
        health_check_row(h, name, &members[i]);
    }
    free(members);
    free(of);
}

/* Returns true if the backend's interface is among 'vifs', which are on
 * 'hosts'. */
static bool
has_vif_among(const struct health *h, const struct backend *b,
              const struct sset *hosts)
{
    const struct vmn_port *port;
    bool is_there;
    char *name;

    if (!sset_contains(hosts, b->host)) {
        return false;
    }
    port = model_get_durable(h->model, VMN_TABLE_PORT, b->port, NULL);
    if (!port) {
        return false;
    }
    name = xasprintf("%s/%s", b->host, port->iface_id);
    is_there = sset_contains(&h->vifs, name);
    free(name);
    return is_there;
}

/* Adds the hosts of 'vifs' to 'hosts'. */
static void
find_vif_hosts(const struct health *h, struct sset *hosts)
{
    const char *name;

    SSET_FOR_EACH (name, &h->vifs) {
        sset_add_and_free(hosts, xmemdup0(name, strcspn(name, "/")));
    }
}

/* Adds the balancers with a backend on one of 'hosts', among 'ports', or at
 * one of 'vifs' to 'balancers', and empties these three. */
static void
find_concerned(struct health *h)
{
    struct sset vif_hosts = SSET_INITIALIZER(&vif_hosts);
    const struct balancer *lb;
    const struct backend *b;

    health_find_targets(h);
    if (sset_is_empty(&h->hosts) && sset_is_empty(&h->ports)
        && sset_is_empty(&h->vifs)) {
        return;
    }
    find_vif_hosts(h, &vif_hosts);
    HMAP_FOR_EACH (lb, node, &h->prober.balancers) {
        HMAP_FOR_EACH (b, node, &lb->backends) {
            if (sset_contains(&h->hosts, b->host)
                || sset_contains(&h->ports, b->port)
                || has_vif_among(h, b, &vif_hosts)) {
                sset_add(&h->balancers, lb->name);
                break;
            }
        }
    }
    sset_clear(&h->hosts);
    sset_clear(&h->ports);
    sset_clear(&h->vifs);
    sset_destroy(&vif_hosts);
}

/* Schedules rows of backends that are not checked any more. */
static void
refresh_rows(struct health *h)
{
    const struct vmn_health *row;
    const char *after = "";

    while ((row = model_next_durable(h->model, VMN_TABLE_HEALTH, after,
                                     NULL))) {
        char *balancer = xmemdup0(row->row.name, strcspn(row->row.name, "/"));

        if (!prober_find(&h->prober, balancer, row->port)) {
            health_commit_update(h->rows, balancer, row->port);
        }
        free(balancer);
        after = row->row.name;
    }
}

/* Called in a quiescent state. */
static void
refresh_cb(void *h_)
{
    struct health *h = h_;

    h->refresh_due = false;
    engine_take_changed(h->engine, VMN_QUERY_BACKENDS, &h->balancers);
    health_take_targets(h);
    find_concerned(h);
    for (int i = 0; i < REFRESHES_MAX && !sset_is_empty(&h->balancers); i++) {
        char *name = sset_pop(&h->balancers);

        if (name[0] == PROBER_TARGET) {
            health_refresh_target(h, name);
        } else {
            refresh_balancer(h, name);
        }
        free(name);
    }
    if (!sset_is_empty(&h->balancers)) {
        health_schedule_refresh(h);
    } else if (!h->rows_known) {
        h->rows_known = true;
        refresh_rows(h);
    }
    set_timer(h);
}

/* Who tells.  ------------------------------------------------------------- */

static void
balancer_cb(void *h_, const char *name)
{
    struct health *h = h_;

    sset_add(&h->balancers, name);
}

static void
vif_cb(void *h_, const char *name)
{
    struct health *h = h_;

    sset_add(&h->vifs, name);
}

static void
binding_cb(void *h_, const char *port)
{
    struct health *h = h_;

    sset_add(&h->moved, port);
}

static void
group_cb(void *h_, const struct commit_group *group OVS_UNUSED)
{
    struct health *h = h_;

    if (!shash_is_empty(&h->targets)) {
        model_each_unsettled(h->model, VMN_TABLE_BINDING, binding_cb, h);
        model_each_unsettled(h->model, VMN_TABLE_PORT, binding_cb, h);
    }
    model_each_unsettled(h->model, VMN_TABLE_LOADBALANCER, balancer_cb, h);
    model_each_unsettled(h->model, VMN_TABLE_VIF, vif_cb, h);
    health_schedule_refresh(h);
}

static void
host_cb(void *h_, const char *host)
{
    struct health *h = h_;

    sset_add(&h->hosts, host);
    health_schedule_refresh(h);
}

static void
port_cb(void *h_, const char *port)
{
    struct health *h = h_;

    sset_add(&h->ports, port);
    health_schedule_refresh(h);
}

static const struct fabric_watch fabric_watch = {
    .host = host_cb,
    .port = port_cb,
};

static void
refresh_all(struct health *h)
{
    struct vmn_names names = model_names(h->model, VMN_TABLE_LOADBALANCER);

    for (size_t i = 0; i < names.n; i++) {
        sset_add(&h->balancers, names.names[i]);
    }
    refresh_cb(h);
}

/* Called when the first compile is done. */
static void
begin_cb(void *h_)
{
    struct health *h = h_;

    h->begun = true;
    refresh_all(h);
}

/* For others.  ------------------------------------------------------------ */

void
health_set_watch(struct health *h, const struct health_watch *watch,
                 void *aux)
{
    h->watch = watch;
    h->watch_aux = aux;
}

/* Life.  ------------------------------------------------------------------ */

struct health *
health_create(struct event_base *base, struct model *model,
              struct engine *engine, struct commit *commit,
              struct fabric *fabric)
{
    struct health *h = xzalloc(sizeof *h);

    h->base = base;
    h->model = model;
    h->engine = engine;
    h->commit = commit;
    h->fabric = fabric;
    prober_init(&h->prober, &prober_ops, h);
    h->timer = event_new(base, -1, 0, timer_cb, h);
    h->drains = event_new(base, -1, 0, drains_cb, h);
    sset_init(&h->balancers);
    sset_init(&h->hosts);
    sset_init(&h->ports);
    sset_init(&h->vifs);
    shash_init(&h->seen_hosts);
    shash_init(&h->targets);
    sset_init(&h->refused);
    sset_init(&h->moved);
    shash_init(&h->monitored);
    h->started_us = h->known_us = time_usec();
    h->standbys = standby_watch_create(standby_cb, h);
    h->rows = health_commit_create(h->base, h->model, h->commit, desired_cb,
                                   h);
    engine_watch(engine, VMN_QUERY_BACKENDS);
    engine_watch(engine, ENGINE_QUERY_PROBE_TARGET);
    commit_add_watch(commit, group_cb, h);
    fabric_add_watch(fabric, &fabric_watch, h);
    fabric_set_sink(fabric, sink_cb, h);
    commit_when_quiescent(commit, begin_cb, h);
    return h;
}

void
health_destroy(struct health *h)
{
    if (!h) {
        return;
    }
    commit_cancel_when_quiescent(h->commit, begin_cb, h);
    commit_cancel_when_quiescent(h->commit, refresh_cb, h);
    commit_remove_watch(h->commit, group_cb, h);
    fabric_remove_watch(h->fabric, &fabric_watch, h);
    fabric_set_sink(h->fabric, NULL, NULL);
    prober_uninit(&h->prober);
    health_commit_destroy(h->rows);
    standby_watch_destroy(h->standbys);
    event_free(h->timer);
    event_free(h->drains);
    sset_destroy(&h->balancers);
    sset_destroy(&h->hosts);
    sset_destroy(&h->ports);
    sset_destroy(&h->vifs);
    shash_destroy_free_data(&h->seen_hosts);
    health_free_targets(h);
    health_monitor_free(h);
    free(h);
}
