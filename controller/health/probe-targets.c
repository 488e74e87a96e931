/* SPDX-License-Identifier: Apache-2.0
 *
 * What apps want to have probed (vmn/probes.h), as balancers of one backend
 * whose names begin with PROBER_TARGET.  Part of health.c, which says when. */

#include <config.h>

#include "controller/health/health-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/probe-target.h"
#include "controller/model/model.h"
#include "controller/model/packet-owner.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(probe_targets);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

/* How long a port keeps its state while its host is not connected: as long as
 * backends do by default. */
#define UNHEARD_MS (60 * 1000)

/* The ports that a target has, known by name: so it is seen again when
 * something becomes of these, also while it is not probed. */
struct target {
    char *port, *out;           /* 'out' may be NULL. */
    uint32_t owner;             /* Of 'port': packet_owner_of(). */
    bool monitors;
};

static void
target_free(struct target *target)
{
    if (target) {
        free(target->port);
        free(target->out);
        free(target);
    }
}

/* Has a target be refreshed. */
static void
schedule(struct health *h, const char *name)
{
    sset_add_and_free(&h->balancers, xasprintf("%c%s", PROBER_TARGET, name));
}

/* The target monitors its port no more.  Another one may. */
static void
unmonitor(struct health *h, const char *name, const struct target *target)
{
    const struct shash_node *node;

    if (!target->monitors || !health_monitor_unset(h, name, target->port)) {
        return;
    }
    SHASH_FOR_EACH (node, &h->targets) {
        const struct target *other = node->data;

        if (other != target && other->monitors
            && !strcmp(other->port, target->port)) {
            health_monitor_set(h, node->name, other->port);
        }
    }
}

/* Forgets a target, which makes room for those that had none. */
static void
forget(struct health *h, const char *name)
{
    struct target *target = shash_find_and_delete(&h->targets, name);
    const char *other;

    sset_find_and_delete(&h->refused, name);
    if (target) {
        unmonitor(h, name, target);
        target_free(target);
        SSET_FOR_EACH (other, &h->refused) {
            schedule(h, other);
        }
        sset_clear(&h->refused);
    }
}

/* Targets of an app whose ports are a tenant's. */
#define TENANT_MAX (VMN_PROBE_TARGETS_MAX / 2)

/* Returns true if there is room for another target of its app. */
static bool
has_room(const struct health *h, const char *name, const char *port)
{
    uint32_t owner = packet_owner_of(h->model, VMN_TABLE_PORT, port);
    size_t len = strcspn(name, ".") + 1, n = 0, n_own = 0;
    const struct shash_node *node;

    if (shash_count(&h->targets) < TENANT_MAX) {
        return true;
    }
    SHASH_FOR_EACH (node, &h->targets) {
        const struct target *target = node->data;

        if (!strncmp(node->name, name, len)) {
            n++;
            n_own += owner && target->owner == owner;
        }
    }
    return n < VMN_PROBE_TARGETS_MAX && n_own < TENANT_MAX;
}

static void
remember(struct health *h, const char *name,
         const struct probe_target_text *text)
{
    const struct vmn_probe_target *t = &text->target;
    struct target *target = shash_find_data(&h->targets, name);

    if (target && target->monitors
        && (!text->monitors || strcmp(target->port, t->port))) {
        unmonitor(h, name, target);
    }
    if (target) {
        free(target->port);
        free(target->out);
    } else {
        target = xmalloc(sizeof *target);
        shash_add(&h->targets, name, target);
    }
    target->port = xstrdup(t->port);
    target->out = nullable_xstrdup(t->out);
    target->owner = packet_owner_of(h->model, VMN_TABLE_PORT, t->port);
    target->monitors = text->monitors;
    if (text->monitors) {
        health_monitor_set(h, name, t->port);
    }
}

void
health_free_targets(struct health *h)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &h->targets) {
        target_free(node->data);
        shash_delete(&h->targets, node);
    }
    shash_destroy(&h->targets);
    sset_destroy(&h->refused);
    sset_destroy(&h->moved);
}

static const char *
host_of(const struct health *h, const char *port)
{
    const struct vmn_binding *binding = model_get_durable(
        h->model, VMN_TABLE_BINDING, port, NULL);

    return binding ? binding->host : NULL;
}

/* Sets where answers come from, by the port 'out'. */
static void
look_at_out(const struct health *h, const char *out, struct prober_member *m)
{
    const char *host = host_of(h, out);

    if (!host || strcmp(host, m->host)) {
        m->out = (host ? "its other port is on another host"
                  : "its other port is on no host");
        m->out_us = 0;
    } else if (!m->waits && !m->out) {
        const struct vmn_vif *vif = health_find_vif(h, out, host);

        m->out_ofport = vif ? vif->ofport : 0;
        m->waits = !vif;
        m->out = (!vif || vif->link_up ? NULL
                  : "the link of its other port is down");
    }
}

/* Probes the target at its port, which is on 'host'. */
static void
set_target(struct health *h, const char *balancer,
           const struct probe_target_text *text, const char *host)
{
    const struct vmn_probe_target *t = &text->target;
    const struct prober_settings settings = {
        .probes = true, .type = health_probe_type(t->type),
        .vip = t->source, .port = t->number,
        .interval_ms = t->interval_ms, .timeout_ms = t->timeout_ms,
        .healthy_after = t->healthy_after,
        .unhealthy_after = t->unhealthy_after,
        .path = t->type == VMN_PROBE_HTTP ? "/" : NULL,
        .unheard_ms = UNHEARD_MS,
    };
    struct prober_member m = {
        .port = t->port, .host = host, .ip = t->ip, .mac = t->mac,
        .vip_mac = t->source_mac,
    };

    health_read_row(h, balancer, &m);
    if (text->monitors) {
        health_monitor_begin(h, &m);
    }
    health_look_at_host(h, UNHEARD_MS, &m);
    if (t->out) {
        look_at_out(h, t->out, &m);
    }
    prober_set(&h->prober, balancer, &settings, &m, 1, time_usec());
    health_check_row(h, balancer, &m);
}

void
health_refresh_target(struct health *h, const char *balancer)
{
    const char *name = balancer + 1;
    struct probe_target_text text;
    const char *host;

    if (!engine_probe_target(h->engine, name, &text)) {
        forget(h, name);
        prober_remove(&h->prober, balancer);
        return;
    }
    if (!shash_find(&h->targets, name)
        && !has_room(h, name, text.target.port)) {
        VLOG_WARN_RL(&rl, "probe target %s is not probed: its app has %d "
                     "others, or %d of its tenant", name,
                     VMN_PROBE_TARGETS_MAX, TENANT_MAX);
        sset_add(&h->refused, name);
        return;
    }
    remember(h, name, &text);
    host = host_of(h, text.port);
    if (host) {
        set_target(h, balancer, &text, host);
    } else {
        prober_remove(&h->prober, balancer);
    }
    if (text.monitors) {
        /* The prober tells of what probes find alone. */
        health_monitor_look(h, name, text.target.port);
    }
}

/* Returns true if the interface of the port, or the host that it is on, is
 * among those to be refreshed. */
static bool
has_place_among(const struct health *h, const char *port)
{
    const char *host = host_of(h, port);
    const struct vmn_port *row = model_get_durable(h->model, VMN_TABLE_PORT,
                                                   port, NULL);
    bool concerned;
    char *vif;

    if (!host || !row || sset_contains(&h->hosts, host)) {
        return host && row;
    }
    vif = xasprintf("%s/%s", host, row->iface_id);
    concerned = sset_contains(&h->vifs, vif);
    free(vif);
    return concerned;
}

static bool
is_concerned(const struct health *h, const char *port, bool by_place)
{
    return port && (sset_contains(&h->ports, port)
                    || sset_contains(&h->moved, port)
                    || (by_place && has_place_among(h, port)));
}

void
health_find_targets(struct health *h)
{
    bool by_place = !sset_is_empty(&h->hosts) || !sset_is_empty(&h->vifs);
    struct shash_node *node;

    if (!by_place && sset_is_empty(&h->ports) && sset_is_empty(&h->moved)) {
        return;
    }
    SHASH_FOR_EACH (node, &h->targets) {
        const struct target *target = node->data;

        if (is_concerned(h, target->port, by_place)
            || is_concerned(h, target->out, by_place)) {
            schedule(h, node->name);
        }
    }
    sset_clear(&h->moved);
}

void
health_take_targets(struct health *h)
{
    struct sset names = SSET_INITIALIZER(&names);
    const char *name;

    engine_take_changed(h->engine, ENGINE_QUERY_PROBE_TARGET, &names);
    SSET_FOR_EACH (name, &names) {
        schedule(h, name);
    }
    sset_destroy(&names);
}
