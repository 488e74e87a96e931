/* SPDX-License-Identifier: Apache-2.0
 *
 * Receives, limits and queues packet-ins, and has them handled
 * (packet-in-handling.c) when there is time; see packet-in-queue.h. */

#include <config.h>

#include "controller/fabric/packets/packet-in-queue.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/engine/packet-handler.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/captured-packets.h"
#include "controller/fabric/packets/leases-told.h"
#include "controller/fabric/packets/live-trace.h"
#include "controller/fabric/packets/packet-in-meters.h"
#include "controller/fabric/packets/packet-in-http.h"
#include "controller/fabric/packets/arrived-ports.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/packets/packet-sampling.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/punt-action.h"
#include "controller/model/packet-owner.h"
#include "hash.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(packet_in_queue);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* Packets of a host that are handled before the next host's. */
#define BATCH 32
/* Maximum number of a host's senders with rate limiters. */
#define PORTS_MAX 4096
/* Tokens per packet: token_bucket.h's unit of tokens per millisecond then is
 * packets per second. */
#define TOKENS 1000

const char *
packet_drop_text(enum packet_drop why)
{
    static const char *const texts[N_PACKET_DROPS] = {
        [PACKET_DROP_MALFORMED] = "malformed message",
        [PACKET_DROP_NO_HANDLER] = "no such handler",
        [PACKET_DROP_PORT_RATE] = "port's rate",
        [PACKET_DROP_HOST_RATE] = "host's rate",
        [PACKET_DROP_TOO_MANY_PORTS] = "too many ports",
        [PACKET_DROP_WAITING] = "queue is full",
        [PACKET_DROP_DISCONNECTED] = "switch disconnected",
        [PACKET_DROP_FAILED] = "handler failed",
        [PACKET_DROP_NO_VIF] = "not from a VIF",
        [PACKET_DROP_NO_PORT] = "reply's port is not on this host",
        [PACKET_DROP_UNREAD] = "switch is congested",
        [PACKET_DROP_REFUSED] = "switch rejected it",
    };

    return texts[why];
}

/* Ports.  ---------------------------------------------------------------- */

static void
bucket_init(struct token_bucket *bucket, unsigned rate_pps)
{
    token_bucket_init(bucket, rate_pps, rate_pps * TOKENS);
}

static bool
bucket_take(struct token_bucket *bucket, unsigned rate_pps)
{
    return !rate_pps || token_bucket_withdraw(bucket, TOKENS);
}

static void
port_free(struct packets_of_switch *ps, struct packet_port *port)
{
    hmap_remove(&ps->ports, &port->node);
    free(port->vif_name);
    free(port->port_name);
    free(port);
}

/* Removes senders that were silent for a second, once a second: a switch may
 * name any port; their buckets are full, so nothing is lost. */
static void
forget_silent_ports(struct packets_of_switch *ps, int64_t now_ms)
{
    struct packet_port *port, *next;

    if (now_ms - ps->forgot_ms < 1000) {
        return;
    }
    ps->forgot_ms = now_ms;
    HMAP_FOR_EACH_SAFE (port, next, node, &ps->ports) {
        if (!port->n_waiting && now_ms - port->rate.start_ms > 2000) {
            port_free(ps, port);
        }
    }
}

static struct packet_port *
get_port(struct packets_of_switch *ps, uint32_t in_port, uint32_t identity,
         int64_t now_ms)
{
    uint32_t hash = hash_int(in_port, identity);
    struct packet_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node, hash, &ps->ports) {
        if (port->in_port == in_port && port->identity == identity) {
            return port;
        }
    }
    if (hmap_count(&ps->ports) >= PORTS_MAX) {
        forget_silent_ports(ps, now_ms);
        if (hmap_count(&ps->ports) >= PORTS_MAX) {
            return NULL;
        }
    }
    port = xzalloc(sizeof *port);
    port->in_port = in_port;
    port->identity = identity;
    bucket_init(&port->bucket, ps->packets->fabric->packet_port_rate);
    hmap_insert(&ps->ports, &port->node, hash);
    return port;
}

struct packet_port *
packets_sender(struct packets_of_switch *ps, uint32_t in_port)
{
    return get_port(ps, in_port, 0, time_msec());
}

/* Returns the sender of a packet: of tunnel packets by identity, so that a
 * port that floods from another host does not use up the rate of other ports
 * there. */
static struct packet_port *
get_sender(struct packets_of_switch *ps, const struct ofpacket_in *in,
           int64_t now_ms)
{
    bool tunnel = in->in_port == VMN_TUNNEL_OFPORT;

    return get_port(ps, in->in_port,
                    tunnel ? in->regs[VMN_REG_SRC_ID - VMN_F_REG0] : 0,
                    now_ms);
}

/* Taking in.  ------------------------------------------------------------ */

struct packets_of_switch *
packets_of(struct fabric_switch *sw)
{
    struct packets_of_switch *ps = switch_part_state(sw, &packets_part);

    if (!ps->packets) {
        ps->packets = sw->host->fabric->packets;
        ps->sw = sw;
        fair_rate_init(&ps->rates, sw->host->fabric->packet_host_rate, 1);
        hmap_init(&ps->ports);
        packet_lanes_init(&ps->waiting);
        ovs_list_init(&ps->later);
    }
    return ps;
}

const struct packets_of_switch *
packets_find(const struct fabric_switch *sw)
{
    const struct packets_of_switch *ps = switch_part_state(sw, &packets_part);

    return ps->packets ? ps : NULL;
}

static void
schedule(struct packets_of_switch *ps)
{
    struct fabric_packets *packets = ps->packets;

    if (!ps->is_due) {
        ps->is_due = true;
        ovs_list_push_back(&packets->due, &ps->due_node);
    }
    if (!event_pending(packets->drain, EV_TIMEOUT, NULL)) {
        /* After all other work of this iteration. */
        event_active(packets->drain, EV_TIMEOUT, 0);
    }
}

/* Most packets are small: buffers of that size are reused. */
#define SPARE_ROOM 512
#define SPARE_MAX 1024

static struct waiting_packet *
packet_create(struct fabric_packets *packets, size_t size)
{
    size_t room = MAX(size, SPARE_ROOM);
    struct waiting_packet *packet;

    if (room == SPARE_ROOM && packets->n_spare) {
        packets->n_spare--;
        return CONTAINER_OF(ovs_list_pop_front(&packets->spare),
                            struct waiting_packet, node);
    }
    packet = xmalloc(sizeof *packet + room);
    packet->room = room;
    return packet;
}

static void
packet_free(struct packets_of_switch *ps, struct waiting_packet *packet)
{
    struct fabric_packets *packets = ps->packets;

    packet->port->n_waiting--;
    ps->n_waiting--;
    ps->waiting_bytes -= packet->size;
    if (packet->room == SPARE_ROOM && packets->n_spare < SPARE_MAX) {
        packets->n_spare++;
        ovs_list_push_front(&packets->spare, &packet->node);
    } else {
        free(packet);
    }
}

/* Makes room for a packet of 'size' bytes of an owner.  Returns false if most
 * of the queued packets are that owner's. */
static bool
make_room(struct packets_of_switch *ps, uint32_t owner, size_t size)
{
    for (;;) {
        bool full = ps->n_waiting >= PACKETS_WAITING_MAX;
        struct waiting_packet *packet;

        if (!full && ps->waiting_bytes + size <= PACKETS_WAITING_BYTES) {
            return true;
        }
        packet = packet_lanes_pop_longest(&ps->waiting, owner, !full);
        packets_count_drop(ps, PACKET_DROP_WAITING);
        if (!packet) {
            return false;
        }
        packet_free(ps, packet);
    }
}

static void
enqueue(struct packets_of_switch *ps, const struct engine_handler *handler,
        uint32_t arg, struct packet_port *port, uint32_t owner,
        const struct ofpacket_in *in)
{
    struct waiting_packet *packet;

    if (!make_room(ps, owner, in->size)) {
        return;
    }
    packet = packet_create(ps->packets, in->size);
    packet->handler = handler;
    packet->arg = arg;
    packet->port = port;
    packet->owner = owner;
    memcpy(packet->regs, in->regs, sizeof packet->regs);
    packet->ct = in->ct;
    packet->size = in->size;
    packet->full_size = in->full_size;
    if (in->size) {
        memcpy(packet->bytes, in->bytes, in->size);
    }
    packet_lanes_push(&ps->waiting, packet);
    port->n_waiting++;
    ps->n_waiting++;
    ps->waiting_bytes += in->size;
    schedule(ps);
}

void
packets_queue_timed(struct packets_of_switch *ps,
                    const struct engine_handler *handler, uint32_t arg,
                    uint32_t in_port)
{
    static const struct ofpacket_in none;
    struct packet_port *port = get_port(ps, in_port, 0, time_msec());

    if (port) {
        enqueue(ps, handler, arg, port, 0, &none);
    }
}

/* Returns the handler of a packet-in and what else its flow says of it; or
 * NULL. */
static const struct engine_handler *
find_handler(const struct fabric *f, const struct ofpacket_in *in,
             struct punt *punt)
{
    *punt = punt_parse(in->tun_id, in->metadata);
    return (punt_is_userdata(in->userdata, in->userdata_size,
                             PUNT_USERDATA_HANDLER)
            ? engine_find_handler(f->engine, punt->handler_id) : NULL);
}

/* Takes a packet that no handler is called for: a sample, or one of a capture
 * or a live trace.  Returns true if it was one. */
static bool
take_observed(struct fabric_switch *sw, const struct ofp_header *oh,
              const struct ofpacket_in *in)
{
    struct packets_of_switch *ps = packets_of(sw);

    if (!punt_is_userdata(in->userdata, in->userdata_size,
                          PUNT_USERDATA_SAMPLE)) {
        return captured_receive(ps, in) || live_trace_receive(sw, oh, in);
    }
    sampling_receive(ps, in);
    return true;
}

/* The port's limit comes first: a port that floods does not use up the host's
 * rate of the others.  What no guest has sent is not of that rate, and does
 * not wait in the queue: a probe must not be lost since others flood. */
static void
receive(struct fabric_switch *sw, const struct ofp_header *oh)
{
    const struct fabric *f = sw->host->fabric;
    struct packets_of_switch *ps = packets_of(sw);
    const struct engine_handler *handler;
    struct packet_port *port;
    struct ofpacket_in in;
    int64_t now_ms = time_msec();
    enum ofperr error;
    struct punt punt;
    uint32_t owner;

    error = ofpacket_decode(oh, &ps->cache, &in);
    if (!error && take_observed(sw, oh, &in)) {
        return;
    }
    handler = error ? NULL : find_handler(f, &in, &punt);
    ps->packets->n_in++;
    ps->n_in++;
    rate_count(&ps->rate, now_ms);
    if (error) {
        VLOG_WARN_RL(&rl, "%s: packet-in: %s", sw->host->name,
                     ofperr_to_string(error));
        packets_count_drop(ps, PACKET_DROP_MALFORMED);
        return;
    }
    if (!handler) {
        packets_count_drop(ps, PACKET_DROP_NO_HANDLER);
        return;
    }
    port = get_sender(ps, &in, now_ms);
    if (!port) {
        packets_count_drop(ps, PACKET_DROP_TOO_MANY_PORTS);
        return;
    }
    port->n_in++;
    rate_count(&port->rate, now_ms);
    if (!bucket_take(&port->bucket, f->packet_port_rate)) {
        port->n_limited++;
        packets_count_drop(ps, PACKET_DROP_PORT_RATE);
        return;
    }
    owner = packet_owner(f->model, in.regs[VMN_REG_NETWORK - VMN_F_REG0]);
    if (!packet_port_is_path(port) && !fair_rate_take(&ps->rates, owner)) {
        packets_count_drop(ps, PACKET_DROP_HOST_RATE);
    } else {
        if (punt.max_size < PUNT_SIZE_ALL) {
            in.size = MIN(in.size, punt.max_size);
        }
        if (packet_port_is_path(port) && handler->class_.to_controller) {
            packets_give_to_sink(ps, handler, port, in.bytes, in.size);
        } else {
            enqueue(ps, handler, punt.arg, port, owner, &in);
        }
    }
}

/* Answering.  ------------------------------------------------------------ */

/* Has packets that could not be answered while a plan was applied wait as
 * others do. */
static void
resume_cb(void *f_)
{
    struct fabric *f = f_;
    struct fabric_host *host;

    f->packets->resumes = false;
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct packets_of_switch *ps = switch_part_state(host->sw,
                                                         &packets_part);

        if (!ps->packets || ovs_list_is_empty(&ps->later)) {
            continue;
        }
        while (!ovs_list_is_empty(&ps->later)) {
            packet_lanes_push_front(&ps->waiting, CONTAINER_OF(
                ovs_list_pop_back(&ps->later), struct waiting_packet, node));
        }
        schedule(ps);
    }
}

static void
answer_later(struct packets_of_switch *ps, struct waiting_packet *packet)
{
    struct fabric *f = ps->packets->fabric;

    ovs_list_push_back(&ps->later, &packet->node);
    if (!ps->packets->resumes) {
        ps->packets->resumes = true;
        commit_when_quiescent(f->commit, resume_cb, f);
    }
}

/* Handles some of a host's packets; the replies are sent together. */
static void
answer_batch(struct packets_of_switch *ps, int64_t end_us)
{
    struct ofpbuf *b = &ps->packets->batch;

    ofpbuf_clear(b);
    for (int i = 0; i < BATCH && !packet_lanes_are_empty(&ps->waiting); i++) {
        struct waiting_packet *packet = packet_lanes_pop(&ps->waiting);

        if (packets_answer(ps, packet, b)) {
            packet_free(ps, packet);
        } else {
            answer_later(ps, packet);
        }
        if (time_usec() >= end_us) {
            break;
        }
    }
    if (b->size) {
        ofconn_send(ps->sw->conn, b->data, b->size);
    }
}

static void
drain_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *packets_)
{
    struct fabric_packets *packets = packets_;
    const struct timeval at_once = { 0, 0 };
    int64_t end_us = time_usec() + PACKETS_BUDGET_US;

    while (!ovs_list_is_empty(&packets->due)) {
        struct packets_of_switch *ps
            = CONTAINER_OF(ovs_list_pop_front(&packets->due),
                           struct packets_of_switch, due_node);

        answer_batch(ps, end_us);
        if (!packet_lanes_are_empty(&ps->waiting)) {
            ovs_list_push_back(&packets->due, &ps->due_node);
        } else {
            ps->is_due = false;
        }
        if (time_usec() >= end_us) {
            break;
        }
    }
    if (!ovs_list_is_empty(&packets->due)) {
        /* In the next iteration, so that other work is done in between. */
        event_add(packets->drain, &at_once);
    }
}

/* Life.  ----------------------------------------------------------------- */

/* Makes room for the statistics of all handlers. */
static void
grow_handlers(struct fabric_packets *packets)
{
    size_t old = packets->n_handlers;
    size_t n = engine_n_handlers(packets->fabric->engine);

    packets->handlers = xrealloc(packets->handlers,
                                 MAX(n, 1) * sizeof *packets->handlers);
    memset(&packets->handlers[old], 0,
           (n - old) * sizeof *packets->handlers);
    packets->n_handlers = n;
}

void
packets_apps_changed(struct fabric *f)
{
    bool had = f->packets->n_handlers;

    grow_handlers(f->packets);
    packet_in_timers_apps_changed(f);
    if (!had && f->packets->n_handlers) {
        struct fabric_host *host;

        HMAP_FOR_EACH (host, name_node, &f->hosts) {
            if (host->sw->state == SWITCH_LIVE) {
                packet_in_meters_complete(host->sw);
            }
        }
    }
}

void
packets_create(struct fabric *f, const struct fabric_options *options)
{
    struct fabric_packets *packets = xzalloc(sizeof *packets);

    packets->fabric = f;
    f->packet_port_rate = MIN(options->packet_port_rate,
                              FABRIC_PACKET_RATE_MAX);
    f->packet_host_rate = MIN(options->packet_host_rate,
                              FABRIC_PACKET_RATE_MAX);
    grow_handlers(packets);
    packets->drain = event_new(f->base, -1, 0, drain_cb, packets);
    ovs_list_init(&packets->due);
    ovs_list_init(&packets->spare);
    ofpbuf_init(&packets->batch, 16384);
    ofpbuf_init(&packets->frame, 2048);
    engine_packets_out_init(&packets->out);
    f->packets = packets;
    packets->leases = leases_told_create(f->model);
    packet_in_timers_create(f);
}

const struct leases_told *
packets_leases(const struct fabric *f)
{
    return f->packets->leases;
}

void
packets_destroy(struct fabric *f)
{
    struct fabric_packets *packets = f->packets;
    struct waiting_packet *packet;

    if (packets) {
        LIST_FOR_EACH_POP (packet, node, &packets->spare) {
            free(packet);
        }
        packet_in_timers_destroy(f);
        packet_in_http_destroy(f);
        commit_cancel_when_quiescent(f->commit, resume_cb, f);
        event_free(packets->drain);
        ofpbuf_uninit(&packets->batch);
        ofpbuf_uninit(&packets->frame);
        engine_packets_out_uninit(&packets->out);
        leases_told_destroy(packets->leases);
        free(packets->handlers);
        free(packets);
        f->packets = NULL;
    }
}

/* As a part of the session.  --------------------------------------------- */

static void
live(struct fabric_switch *sw, void *ps OVS_UNUSED)
{
    packet_in_timers_begin(sw);
}

static void
observed(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    packet_in_http_observed(sw);
}

static void
installed(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    packet_in_timers_installed(sw);
}

static void
disconnected(struct fabric_switch *sw OVS_UNUSED, void *ps_)
{
    struct packets_of_switch *ps = ps_;
    struct waiting_packet *packet;

    if (!ps->packets) {
        return;
    }
    /* The next connection may be to a switch that has learned nothing. */
    free(ps->neighbours);
    ps->neighbours = NULL;
    while (!packet_lanes_are_empty(&ps->waiting)) {
        packet = packet_lanes_pop(&ps->waiting);
        ovs_list_push_back(&ps->later, &packet->node);
    }
    LIST_FOR_EACH_POP (packet, node, &ps->later) {
        packets_count_drop(ps, PACKET_DROP_DISCONNECTED);
        packet_free(ps, packet);
    }
    if (ps->is_due) {
        ovs_list_remove(&ps->due_node);
        ps->is_due = false;
    }
}

static void
destroy(struct fabric_switch *sw OVS_UNUSED, void *ps_)
{
    struct packets_of_switch *ps = ps_;
    struct packet_port *port, *next;

    if (ps->packets) {
        HMAP_FOR_EACH_SAFE (port, next, node, &ps->ports) {
            port_free(ps, port);
        }
        hmap_destroy(&ps->ports);
        packet_lanes_uninit(&ps->waiting);
        fair_rate_uninit(&ps->rates);
        ofpacket_cache_uninit(&ps->cache);
        packet_in_timers_forget(ps);
        arrived_ports_forget(ps);
        free(ps->neighbours);
    }
}

static enum switch_message
message(struct fabric_switch *sw, void *ps OVS_UNUSED, enum ofptype type,
        const struct ofp_header *oh)
{
    if (type == OFPTYPE_PACKET_IN) {
        /* A slave has asked for none: its switch misbehaves. */
        if (sw->state != SWITCH_OBSERVED) {
            receive(sw, oh);
        }
        return SWITCH_MESSAGE_TAKEN;
    } else if (type == OFPTYPE_ERROR
               && ofmsg_error_xid(oh) == OFCONN_XID_PACKETS) {
        VLOG_WARN_RL(&rl, "%s: a packet-out was rejected with "
                          "%s", sw->host->name,
                     ofmsg_error_name(oh));
        packets_count_drop(packets_of(sw), PACKET_DROP_REFUSED);
        return SWITCH_MESSAGE_TAKEN;
    }
    return SWITCH_MESSAGE_OTHER;
}

const struct switch_part_class packets_part = {
    .name = "packets",
    .state_size = sizeof(struct packets_of_switch),
    .observed = observed,
    .live = live,
    .installed = installed,
    .disconnected = disconnected,
    .destroy = destroy,
    .message = message,
};
