/* SPDX-License-Identifier: Apache-2.0
 *
 * See arrived-ports.h.  A port that is bound to another host is announced by
 * apps where others have learned where it was: physical switches, and the
 * bridge of the host that it has left.  A guest that migrates is announced by
 * its hypervisor, but not one that was started anew, nor by all of them, and
 * the announcement may have come before the port's flows.
 *
 * The calls begin with the first acknowledgement after the port was bound,
 * which may be that of earlier flows; so there are some.
 *
 * The same calls follow when a port gets other addresses.  And the handlers
 * with an interval are called at once when a port, its network or a router of
 * that has changed, as rows of withdrawals say: routers are advertised as they
 * are now.
 *
 * Calls for a host that is offline wait for it.  Those that a restart forgets
 * follow from the rows' times of change (arrived_ports_live()). */

#include <config.h>

#include "controller/fabric/packets/arrived-ports.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/packet-handler.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/session/switch.h"
#include "controller/model/model.h"
#include "openvswitch/shash.h"
#include "timeval.h"
#include "util.h"

/* Calls for a port: at once, and then after these times, in ms. */
static const int64_t pauses_ms[] = { 1000, 2000, 4000 };
#define N_CALLS (ARRAY_SIZE(pauses_ms) + 1)
/* Ports of a host that are waiting for calls.  Those beyond have what their
 * guests send. */
#define ARRIVED_MAX 4096
/* Ports that are called for at once. */
#define PORTS_PER_TURN 64
/* A change this long before the host was last offline, or vmnd started, may
 * lack calls; in ms. */
#define RECENT_MS (600 * 1000)

/* Which handlers are called for a port. */
enum {
    CALL_ARRIVALS = 1 << 0,     /* Those with VMN_HANDLER_ARRIVALS. */
    CALL_TIMED = 1 << 1,        /* Those with an interval. */
};

struct arrived_port {
    unsigned calls;             /* CALL_*. */
    unsigned n_calls;
    int64_t due_ms;             /* INT64_MAX: once flows are acknowledged. */
};

/* Returns true if the guest is where the port is bound, as far as is known:
 * while it migrates, what its new host sends in its name would be too early,
 * and the former one's too late. */
static bool
is_settled(const struct vmn_binding *binding)
{
    return (binding && binding->host
            && (!binding->candidate || binding->activated));
}

/* Returns false if the port was where 'binding', which is not durable yet, has
 * it: it has ceased to have a former host. */
static bool
has_arrived(const struct fabric *f, const struct vmn_binding *binding)
{
    const struct vmn_binding *before = model_get_durable(
        f->model, VMN_TABLE_BINDING, binding->row.name, NULL);

    return (!before || !before->former || binding->former
            || strcmp(before->host, binding->host));
}

static void
note(struct fabric *f, const char *port, const char *host_name,
     unsigned calls, int64_t due_ms)
{
    const struct fabric_host *host = fabric_find_host(f, host_name);
    struct packets_of_switch *ps;
    struct arrived_port *arrived;

    if (!host || fabric_stands_by(f)) {
        return;
    }
    ps = packets_of(host->sw);
    if (!ps->arrived) {
        ps->arrived = xmalloc(sizeof *ps->arrived);
        shash_init(ps->arrived);
    }
    arrived = shash_find_data(ps->arrived, port);
    if (!arrived && shash_count(ps->arrived) < ARRIVED_MAX) {
        arrived = xzalloc(sizeof *arrived);
        shash_add(ps->arrived, port, arrived);
    }
    if (arrived) {
        *arrived = (struct arrived_port) {
            .calls = arrived->calls | calls, .due_ms = due_ms,
        };
        if (due_ms != INT64_MAX) {
            packet_in_timers_changed(f);
        }
    }
}

/* Notes that a port, or what is advertised to it, has changed. */
static void
note_changed(struct fabric *f, const char *port, unsigned calls)
{
    const struct vmn_binding *binding = model_get_durable(
        f->model, VMN_TABLE_BINDING, port, NULL);

    if (binding && binding->host) {
        note(f, port, binding->host, calls, time_msec());
    }
}

/* Returns true if the durable row is of 'since_ms', wall clock, or later. */
static bool
is_recent(const struct fabric *f, enum vmn_table table, const char *name,
          int64_t since_ms)
{
    struct model_meta meta;

    return (model_get_durable(f->model, table, name, &meta)
            && meta.updated_ms >= since_ms);
}

/* Returns true if the network, or a router of it, has changed since. */
static bool
is_recent_network(const struct fabric *f, const char *network,
                  int64_t since_ms)
{
    char *name = xasprintf("networks/%s", network);
    bool recent = is_recent(f, VMN_TABLE_WITHDRAWAL, name, since_ms);

    free(name);
    return recent;
}

static void
note_network(struct fabric *f, const char *network)
{
    struct vmn_names ports = model_lookup(f->model, VMN_INDEX_PORT_BY_NETWORK,
                                          network);

    for (size_t i = 0; i < ports.n; i++) {
        note_changed(f, ports.names[i], CALL_TIMED);
    }
}

static bool
has_other_addresses(const struct vmn_port *a, const struct vmn_port *b)
{
    return (strcmp(a->network, b->network)
            || !vmn_mac_equal(a->mac, b->mac) || a->n_ips != b->n_ips
            || (a->n_ips
                && memcmp(a->ips, b->ips, a->n_ips * sizeof *a->ips)));
}

/* Notes the ports that a write concerns.  The durable row is the former
 * one. */
static void
note_write(struct fabric *f, const struct model_write *write)
{
    const void *row = write->row, *former = model_get_durable(
        f->model, write->table, write->name, NULL);
    const struct vmn_binding *binding = row;
    const struct vmn_withdrawal *withdrawal = row;

    switch ((int) write->table) {
    case VMN_TABLE_BINDING:
        if (is_settled(binding) && has_arrived(f, binding)) {
            note(f, write->name, binding->host, CALL_ARRIVALS, INT64_MAX);
        }
        break;
    case VMN_TABLE_PORT:
        if (row && former && has_other_addresses(row, former)) {
            note_changed(f, write->name, CALL_ARRIVALS | CALL_TIMED);
        }
        break;
    case VMN_TABLE_WITHDRAWAL:
        if (withdrawal && withdrawal->network) {
            note_network(f, withdrawal->network);
        } else if (withdrawal) {
            note_changed(f, withdrawal->port, CALL_TIMED);
        }
        break;
    default:
        break;
    }
}

void
arrived_ports_group(struct fabric *f)
{
    struct model_pending pending;

    if (!f->packets || !f->packets->tick) {
        return;                 /* No handler is called unasked. */
    }
    model_get_pending(f->model, &pending);
    for (size_t i = 0; i < pending.n_writes; i++) {
        note_write(f, &pending.writes[i]);
    }
}

static bool
is_called(const struct engine_handler *handler, unsigned calls)
{
    return (!handler->gone
            && ((calls & CALL_ARRIVALS
                 && handler->class_.options & VMN_HANDLER_ARRIVALS)
                || (calls & CALL_TIMED && handler->class_.interval_s
                    && !handler->class_.provider_ports)));
}

/* Calls the handlers for port 'name'.  Returns false if it is not bound here
 * any more. */
static bool
call(struct packets_of_switch *ps, const char *name,
     const struct arrived_port *arrived)
{
    const struct fabric_host *host = ps->sw->host;
    const struct fabric *f = host->fabric;
    const struct vmn_binding *binding = model_get_durable(
        f->model, VMN_TABLE_BINDING, name, NULL);

    if (!is_settled(binding) || strcmp(binding->host, host->name)) {
        return false;
    }
    for (size_t i = 0; i < engine_n_handlers(f->engine); i++) {
        const struct engine_handler *handler = engine_get_handler(f->engine,
                                                                  i);

        if (is_called(handler, arrived->calls)) {
            packet_in_timers_call(ps, handler, arrived->n_calls, name);
        }
    }
    return true;
}

int64_t
arrived_ports_tick(struct packets_of_switch *ps, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    struct shash_node *node, *after;
    size_t n = 0;

    if (!ps->arrived) {
        return INT64_MAX;
    }
    SHASH_FOR_EACH_SAFE (node, after, ps->arrived) {
        struct arrived_port *arrived = node->data;

        if (now_ms >= arrived->due_ms && n < PORTS_PER_TURN) {
            n++;
            if (!call(ps, node->name, arrived)
                || ++arrived->n_calls == N_CALLS) {
                free(arrived);
                shash_delete(ps->arrived, node);
                continue;
            }
            arrived->due_ms = now_ms + pauses_ms[arrived->n_calls - 1];
        }
        next_ms = MIN(next_ms, arrived->due_ms);
    }
    if (shash_is_empty(ps->arrived)) {
        arrived_ports_forget(ps);
    }
    return next_ms;
}

/* Has the calls begin that wait for flows. */
static void
begin(struct packets_of_switch *ps)
{
    struct shash_node *node;

    if (ps->arrived) {
        SHASH_FOR_EACH (node, ps->arrived) {
            struct arrived_port *arrived = node->data;

            if (!arrived->n_calls) {
                arrived->due_ms = time_msec();
            }
        }
    }
}

int64_t
arrived_ports_installed(struct packets_of_switch *ps)
{
    begin(ps);
    return arrived_ports_tick(ps, time_msec());
}

void
arrived_ports_live(struct fabric_switch *sw)
{
    struct fabric *f = sw->host->fabric;
    struct vmn_names ports = model_lookup(f->model, VMN_INDEX_PORT_BY_HOST,
                                          sw->host->name);
    int64_t since_ms = (time_wall_msec() - RECENT_MS
                        - (time_msec() - sw->offline_ms));

    for (size_t i = 0; i < ports.n; i++) {
        const char *name = ports.names[i];
        const struct vmn_port *port = model_get_durable(
            f->model, VMN_TABLE_PORT, name, NULL);

        if (is_recent(f, VMN_TABLE_PORT, name, since_ms)
            || is_recent(f, VMN_TABLE_BINDING, name, since_ms)) {
            note_changed(f, name, CALL_ARRIVALS | CALL_TIMED);
        } else if (port && is_recent_network(f, port->network, since_ms)) {
            note_changed(f, name, CALL_TIMED);
        }
    }
    begin(packets_of(sw));
}

void
arrived_ports_forget(struct packets_of_switch *ps)
{
    if (ps->arrived) {
        shash_destroy_free_data(ps->arrived);
        free(ps->arrived);
        ps->arrived = NULL;
    }
}
