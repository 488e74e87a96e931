/* SPDX-License-Identifier: Apache-2.0
 *
 * Timed handlers: packet handlers that set an interval are called
 * periodically, for each port on a host, without a packet, for unsolicited
 * messages to guests.  Apps stay pure: the timer is here.  Hosts are spread
 * over the interval, and a host's ports over some seconds, so that there is
 * never much to do at once.  Calls are queued with the packets
 * (packet-in-queue.c), but do not count against a port's rate.
 *
 * Handlers for ports to physical networks are also called as soon as the
 * switch has acknowledged a bundle: it may have taken over from a gateway that
 * has died, and the network outside sends to that one until it receives an
 * announcement.  And again soon after, four times within two seconds: a last
 * packet from the former gateway may have undone the first, or a switch that
 * caches what it decides, as Open vSwitch does, accounts for that one late.  A
 * host that comes back has several acknowledgements in quick succession, the
 * last of which makes it the gateway: so these four follow the last one,
 * however many there were before it. */

#include <config.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/packet-handler.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/arrived-ports.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/session/switch.h"
#include "hash.h"
#include "openvswitch/token-bucket.h"
#include "timeval.h"
#include "util.h"

/* Calls for the ports to physical networks as soon as flows are acknowledged:
 * one per second on average and so many at once. */
#define PROVIDER_CALL_MS 1000
#define PROVIDER_BURST 6
/* When they are repeated, in ms after the last acknowledgement; also that for
 * which no call is made at once.  They begin anew with each, so there are ten
 * a second at most. */
static const int64_t repeats_ms[] = { 100, 400, 1000, 2000 };
#define N_REPEATS ARRAY_SIZE(repeats_ms)
/* Ports of a host per second; those queued are a fraction of the queue's
 * limit. */
#define PORTS_PER_TICK 64
BUILD_ASSERT_DECL(PORTS_PER_TICK < PACKETS_WAITING_MAX / 4);

struct timed_state {
    int64_t due_ms;
    char *after;                /* The last port called, or NULL. */
    /* Of handlers for ports to physical networks: */
    uint32_t n_calls;
    struct token_bucket calls;  /* A token per ms; see PROVIDER_CALL_MS. */
    int64_t installed_ms;       /* When flows were acknowledged last. */
    size_t n_repeats;           /* Since then. */
};

static int64_t
interval_ms(const struct engine_handler *handler)
{
    return handler->class_.interval_s * INT64_C(1000);
}

void
packet_in_timers_call(struct packets_of_switch *ps,
                      const struct engine_handler *handler, uint32_t arg,
                      const char *name)
{
    const struct fabric_host *host = ps->sw->host;
    const struct model *model = host->fabric->model;
    const struct vmn_port *port = model_get_durable(model, VMN_TABLE_PORT,
                                                    name, NULL);
    const struct vmn_vif *vif;
    char *vif_name;

    if (!port) {
        return;
    }
    vif_name = xasprintf("%s/%s", host->name, port->iface_id);
    vif = model_get_durable(model, VMN_TABLE_VIF, vif_name, NULL);
    free(vif_name);
    if (vif && port->enabled) {
        packets_queue_timed(ps, handler, arg, vif->ofport);
    }
}

/* Queues calls of 'handler' for the ports to physical networks. */
static void
call_for_wires(struct packets_of_switch *ps,
               const struct engine_handler *handler,
               struct timed_state *state)
{
    const struct fabric_host *host = ps->sw->host;
    const struct model *model = host->fabric->model;
    const struct vmn_host *row = model_get_durable(model, VMN_TABLE_HOST,
                                                   host->name, NULL);

    for (size_t i = 0; row && i < row->n_provider_bridges; i++) {
        char *name = xasprintf("%s/@%s", host->name,
                               row->provider_bridges[i].physical);
        const struct vmn_vif *vif = model_get_durable(model, VMN_TABLE_VIF,
                                                      name, NULL);

        if (vif) {
            packets_queue_timed(ps, handler, state->n_calls, vif->ofport);
        }
        free(name);
    }
    state->n_calls++;
}

/* Continues with the ports of a host; returns true at the end. */
static bool
go_on(struct packets_of_switch *ps, const struct engine_handler *handler,
      struct timed_state *state)
{
    const struct fabric_host *host = ps->sw->host;
    struct vmn_names names = model_lookup(host->fabric->model,
                                          VMN_INDEX_PORT_BY_HOST, host->name);
    size_t low = 0, high = names.n, end;

    if (handler->class_.provider_ports) {
        call_for_wires(ps, handler, state);
        return true;
    }
    while (state->after && low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(names.names[middle], state->after) > 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    end = MIN(names.n, low + PORTS_PER_TICK);
    for (size_t i = low; i < end; i++) {
        packet_in_timers_call(ps, handler, 0, names.names[i]);
    }
    free(state->after);
    state->after = end < names.n ? xstrdup(names.names[end - 1]) : NULL;
    return !state->after;
}

/* Creates the states of a switch, spread over the interval. */
static void
make_states(struct packets_of_switch *ps, int64_t now_ms)
{
    const struct fabric_packets *packets = ps->packets;

    if (ps->timed) {
        return;
    }
    ps->timed = xcalloc(packets->n_timed, sizeof *ps->timed);
    for (size_t i = 0; i < packets->n_timed; i++) {
        ps->timed[i].due_ms = now_ms + hash_string(ps->sw->host->name, i)
                                       % interval_ms(packets->timed[i]);
        ps->timed[i].n_repeats = N_REPEATS;
        token_bucket_init(&ps->timed[i].calls, 1,
                          PROVIDER_BURST * PROVIDER_CALL_MS);
    }
}

/* Calls again, soon after flows were acknowledged, what is called then.
 * Returns when to look again, or INT64_MAX. */
static int64_t
repeat(struct packets_of_switch *ps, const struct engine_handler *handler,
       struct timed_state *state, int64_t now_ms)
{
    if (state->n_repeats < N_REPEATS
        && now_ms >= state->installed_ms + repeats_ms[state->n_repeats]) {
        call_for_wires(ps, handler, state);
        state->n_repeats++;
    }
    return (state->n_repeats < N_REPEATS
            ? state->installed_ms + repeats_ms[state->n_repeats] : INT64_MAX);
}

/* Returns when the host is due next. */
static int64_t
tick_switch(struct fabric_switch *sw, int64_t now_ms, int64_t *repeat_ms)
{
    struct packets_of_switch *ps = packets_of(sw);
    const struct fabric_packets *packets = ps->packets;
    int64_t next_ms = arrived_ports_tick(ps, now_ms);

    make_states(ps, now_ms);
    for (size_t i = 0; i < packets->n_timed; i++) {
        const struct engine_handler *handler = packets->timed[i];
        struct timed_state *state = &ps->timed[i];

        if (now_ms >= state->due_ms
            && ps->n_waiting < PACKETS_WAITING_MAX / 2
            && go_on(ps, handler, state)) {
            state->due_ms = now_ms + interval_ms(handler);
        }
        next_ms = MIN(next_ms, state->due_ms);
        *repeat_ms = MIN(*repeat_ms, repeat(ps, handler, state, now_ms));
    }
    return next_ms;
}

/* Schedules the tick for 'at_ms', or in a second if that is later, or for
 * 'repeat_ms'; never later than it is scheduled already.  So due calls
 * continue once a second, and there are no other wakeups. */
static void
tick_at(struct fabric_packets *packets, int64_t at_ms, int64_t repeat_ms)
{
    int64_t now_ms = time_msec();
    int64_t ms = MIN(MAX(at_ms - now_ms, 1000), MAX(repeat_ms - now_ms, 1));
    const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    if (!event_pending(packets->tick, EV_TIMEOUT, NULL)
        || now_ms + ms < packets->tick_ms) {
        packets->tick_ms = now_ms + ms;
        event_add(packets->tick, &tv);
    }
}

static void
tick_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fabric *f = f_;
    struct fabric_host *host;
    int64_t now_ms = time_msec(), next_ms = INT64_MAX, repeat_ms = INT64_MAX;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (host->sw->conn && host->sw->state == SWITCH_LIVE) {
            next_ms = MIN(next_ms, tick_switch(host->sw, now_ms, &repeat_ms));
        }
    }
    if (next_ms != INT64_MAX) {
        tick_at(f->packets, next_ms, repeat_ms);
    }
}

void
packet_in_timers_begin(struct fabric_switch *sw)
{
    struct fabric_packets *packets = sw->host->fabric->packets;

    if (packets && packets->tick) {
        arrived_ports_live(sw);
        tick_at(packets, 0, INT64_MAX);
    }
}

void
packet_in_timers_installed(struct fabric_switch *sw)
{
    struct fabric_packets *packets = sw->host->fabric->packets;
    struct packets_of_switch *ps;
    int64_t now_ms = time_msec(), next_ms;
    const struct vmn_host *row;

    if (!packets || !packets->tick || sw->state != SWITCH_LIVE) {
        return;
    }
    if (packets_find(sw) && packets_find(sw)->arrived) {
        next_ms = arrived_ports_installed(packets_of(sw));
        if (next_ms != INT64_MAX) {
            tick_at(packets, next_ms, INT64_MAX);
        }
    }
    /* Most hosts have none, and each revision is acknowledged by many. */
    row = model_get_durable(sw->host->fabric->model, VMN_TABLE_HOST,
                            sw->host->name, NULL);
    if (!row || !row->n_provider_bridges) {
        return;
    }
    ps = packets_of(sw);
    make_states(ps, now_ms);
    next_ms = INT64_MAX;
    for (size_t i = 0; i < packets->n_timed; i++) {
        const struct engine_handler *handler = packets->timed[i];
        struct timed_state *state = &ps->timed[i];

        if (!handler->class_.provider_ports) {
            continue;
        }
        if (token_bucket_withdraw(&state->calls, PROVIDER_CALL_MS)) {
            call_for_wires(ps, handler, state);
        }
        state->installed_ms = now_ms;
        state->n_repeats = 0;
        next_ms = MIN(next_ms, state->due_ms);
    }
    if (next_ms != INT64_MAX) {
        tick_at(packets, next_ms, now_ms + repeats_ms[0]);
    }
}

void
packet_in_timers_changed(struct fabric *f)
{
    tick_at(f->packets, INT64_MAX, time_msec());
}

void
packet_in_timers_now(struct fabric *f, const char *name)
{
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        const struct packets_of_switch *ps = packets_find(host->sw);

        for (size_t i = 0; ps && ps->timed && i < f->packets->n_timed
             && (!name || !strcmp(host->name, name)); i++) {
            ps->timed[i].due_ms = 1;
        }
    }
    if (f->packets->tick) {
        tick_at(f->packets, 0, INT64_MAX);
    }
}

/* Lists the handlers with an interval. */
static void
list_timed(struct fabric *f)
{
    struct fabric_packets *packets = f->packets;
    size_t n = engine_n_handlers(f->engine);
    bool any = false;

    packets->n_timed = 0;
    packets->timed = xrealloc(packets->timed,
                              MAX(n, 1) * sizeof *packets->timed);
    for (size_t i = 0; i < n; i++) {
        const struct engine_handler *handler = engine_get_handler(f->engine,
                                                                  i);

        if (handler->class_.interval_s && !handler->gone) {
            packets->timed[packets->n_timed++] = handler;
        }
        any |= (handler->class_.options & VMN_HANDLER_ARRIVALS) != 0;
    }
    if ((packets->n_timed || any) && !packets->tick) {
        packets->tick = event_new(f->base, -1, 0, tick_cb, f);
    }
}

void
packet_in_timers_create(struct fabric *f)
{
    list_timed(f);
}

void
packet_in_timers_apps_changed(struct fabric *f)
{
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (packets_find(host->sw)) {
            packet_in_timers_forget(packets_of(host->sw));
        }
    }
    list_timed(f);
    if (f->packets->n_timed) {
        tick_at(f->packets, 0, INT64_MAX);
    }
}

void
packet_in_timers_destroy(struct fabric *f)
{
    if (f->packets->tick) {
        event_free(f->packets->tick);
    }
    free(f->packets->timed);
}

void
packet_in_timers_forget(struct packets_of_switch *ps)
{
    for (size_t i = 0; ps->timed && i < ps->packets->n_timed; i++) {
        free(ps->timed[i].after);
    }
    free(ps->timed);
    ps->timed = NULL;
}
