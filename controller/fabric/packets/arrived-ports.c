/* SPDX-License-Identifier: Apache-2.0
 *
 * See arrived-ports.h.  A port that is bound to another host is announced by
 * apps where others have learned where it was: physical switches, and the
 * bridge of the host that it has left.  A guest that migrates is announced by
 * its hypervisor, but not one that was started anew, nor by all of them, and
 * the announcement may have come before the port's flows.
 *
 * The calls begin with the first acknowledgement after the port was bound,
 * which may be that of earlier flows; so there are some. */

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

struct arrived_port {
    unsigned n_calls;
    int64_t due_ms;             /* INT64_MAX: once flows are acknowledged. */
};

static bool
handles_arrivals(const struct engine_handler *handler)
{
    return (handler->class_.options & VMN_HANDLER_ARRIVALS
            && !handler->gone);
}

static bool
any_handles_arrivals(const struct fabric *f)
{
    for (size_t i = 0; i < engine_n_handlers(f->engine); i++) {
        if (handles_arrivals(engine_get_handler(f->engine, i))) {
            return true;
        }
    }
    return false;
}

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
note(struct fabric *f, const char *port, const char *host_name)
{
    const struct fabric_host *host = fabric_find_host(f, host_name);
    struct packets_of_switch *ps;
    struct arrived_port *arrived;

    if (!host || host->sw->state != SWITCH_LIVE) {
        return;                 /* Another member's, or away. */
    }
    ps = packets_of(host->sw);
    if (!ps->arrived) {
        ps->arrived = xmalloc(sizeof *ps->arrived);
        shash_init(ps->arrived);
    }
    arrived = shash_find_data(ps->arrived, port);
    if (!arrived && shash_count(ps->arrived) < ARRIVED_MAX) {
        arrived = xmalloc(sizeof *arrived);
        shash_add(ps->arrived, port, arrived);
    }
    if (arrived) {
        *arrived = (struct arrived_port) { .due_ms = INT64_MAX };
    }
}

void
arrived_ports_group(struct fabric *f)
{
    struct model_pending pending;

    model_get_pending(f->model, &pending);
    if (!model_pending_has(&pending, VMN_TABLE_BINDING)
        || !any_handles_arrivals(f)) {
        return;
    }
    for (size_t i = 0; i < pending.n_writes; i++) {
        const struct model_write *write = &pending.writes[i];
        const struct vmn_binding *binding = (const void *) write->row;

        if (write->table == VMN_TABLE_BINDING && is_settled(binding)
            && has_arrived(f, binding)) {
            note(f, write->name, binding->host);
        }
    }
}

/* Calls the handlers for port 'name'.  Returns false if it is not bound here
 * any more. */
static bool
call(struct packets_of_switch *ps, const char *name)
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

        if (handles_arrivals(handler)) {
            packet_in_timers_call(ps, handler, name);
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
            if (!call(ps, node->name) || ++arrived->n_calls == N_CALLS) {
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

int64_t
arrived_ports_installed(struct packets_of_switch *ps)
{
    int64_t now_ms = time_msec();
    struct shash_node *node;

    if (!ps->arrived) {
        return INT64_MAX;
    }
    SHASH_FOR_EACH (node, ps->arrived) {
        struct arrived_port *arrived = node->data;

        if (!arrived->n_calls) {
            arrived->due_ms = now_ms;
        }
    }
    return arrived_ports_tick(ps, now_ms);
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
