/* SPDX-License-Identifier: Apache-2.0
 *
 * Live traces; see fabric-live-trace.h.  A trace has its flows put into all of
 * its hosts' switches, waits for their barriers, puts the packet in, gathers
 * copies, and deletes the flows.  It ends by its own time limits at the
 * latest, and if vmnd ends before, the switches' (hard_timeout) deletes the
 * flows. */

#include <config.h>

#include "controller/fabric/packets/live-trace.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/fabric/fabric-live-trace.h"
#include "controller/fabric/fabric-private.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/live-trace-flows.h"
#include "controller/fabric/session/host-openflow-state.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/trace-copy.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "proto/openflow/ofpacket.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(live_trace);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* How much longer than the trace may take its flows may be there. */
#define FLOWS_EXTRA_S 2

struct live_host {
    char *name;
    struct fabric_switch *sw;   /* NULL: it has disconnected. */
    uint32_t xid;               /* Of its barrier. */
    bool ready;                 /* It has acknowledged the flows. */
};

/* Where a packet that has crossed a physical network is put in. */
struct live_crossing {
    size_t to;                  /* Index of the host. */
    uint32_t in_port;
    uint32_t vni;
    bool done;
};

struct fabric_live {
    struct ovs_list node;       /* In the fabric's 'live_traces'. */
    struct live_trace_flows flows;
    struct event *timer;        /* The time limit, or the end. */
    int ready_ms;               /* Within which all hosts are to be ready: the
                                 * packet is not put in later, */
    int64_t ready_by_ms;        /* which is at this time_msec(). */
    int timeout_ms;             /* From when the packet is put in. */
    bool sent;                  /* It is. */
    const struct fabric_live_callbacks *cbs;
    void *aux;
    struct ofpbuf packet;       /* The packet-out. */
    size_t n_copies;
    bool ended;
    char *reason;               /* Why it has ended too early, or NULL. */
    size_t n_hosts;
    struct live_host hosts[FABRIC_LIVE_HOSTS_MAX];
    size_t n_crossings;
    struct live_crossing crossings[FABRIC_LIVE_WAYS_MAX];
};

/* Ends.  ------------------------------------------------------------------ */

static void
live_destroy(struct fabric_live *live)
{
    struct ofpbuf b;

    ofpbuf_init(&b, 128);
    for (size_t i = 0; i < live->n_hosts; i++) {
        struct live_host *host = &live->hosts[i];

        if (host->sw) {
            ofpbuf_clear(&b);
            live_trace_flows_append_delete(live->flows.trace, &b);
            ofconn_send(host->sw->conn, b.data, b.size);
        }
        free(host->name);
    }
    ofpbuf_uninit(&b);
    ovs_list_remove(&live->node);
    event_free(live->timer);
    ofpbuf_uninit(&live->packet);
    free(live->reason);
    free(live);
}

void
fabric_live_cancel(struct fabric_live *live)
{
    if (live) {
        live_destroy(live);
    }
}

/* Has the trace end in the loop, and never inside of a caller's function. */
static void
end_soon(struct fabric_live *live, const char *reason)
{
    static const struct timeval at_once = { 0, 0 };

    if (!live->ended) {
        live->ended = true;
        live->reason = nullable_xstrdup(reason);
        event_add(live->timer, &at_once);
    }
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *live_)
{
    struct fabric_live *live = live_;
    const struct fabric_live_callbacks *cbs = live->cbs;
    char *reason = (live->reason || live->sent ? live->reason
                    : xasprintf("not all of its hosts' switches have taken "
                                "its flows within %d ms", live->ready_ms));
    void *aux = live->aux;

    live->reason = NULL;
    live_destroy(live);
    cbs->done(aux, reason);
    free(reason);
}

/* Beginning.  ------------------------------------------------------------- */

bool
fabric_live_is_busy(const struct fabric *f)
{
    return ovs_list_size(&f->live_traces) >= TRACES_MAX;
}

bool
fabric_live_is_behind(const struct fabric *f, const char *name)
{
    const struct fabric_host *host = fabric_find_host(f, name);

    return (!host || !host->sw->conn
            || switch_acked(host->sw) < switch_desired_revision(host->sw));
}

/* Returns the switch of a host that can be asked, or NULL with '*reason'. */
static struct fabric_switch *
find_switch(const struct fabric *f, const char *name, const char **reason)
{
    const struct fabric_host *host = fabric_find_host(f, name);

    if (!host) {
        *reason = "there is no such host";
    } else if (!host->sw->conn) {
        host_openflow_state_name(host->sw, reason);
        *reason = *reason ? *reason : "its switch is not connected";
    } else if (host->sw->state != SWITCH_LIVE
               && host->sw->state != SWITCH_OBSERVED) {
        *reason = "its flows are being compared with the desired ones";
    } else {
        return host->sw;
    }
    return NULL;
}

static void
host_begin(struct fabric_live *live, const struct fabric_live_request *request,
           size_t i, struct fabric_switch *sw)
{
    struct live_host *host = &live->hosts[i];
    struct ofpbuf b;

    host->name = xstrdup(request->hosts[i].name);
    host->sw = sw;
    host->xid = ofconn_next_xid(sw->conn);
    ofpbuf_init(&b, 32768);
    live_trace_flows_append(&live->flows, request, i, &b);
    ofmsg_put_barrier(&b, host->xid);
    switch_expect(sw);
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
}

struct fabric_live *
fabric_live_begin(struct fabric *f,
                  const struct fabric_live_request *request,
                  const struct fabric_live_callbacks *cbs, void *aux,
                  const char **host, const char **reason)
{
    struct fabric_switch *switches[FABRIC_LIVE_HOSTS_MAX];
    const struct timeval limit = { request->ready_ms / 1000,
                                   request->ready_ms % 1000 * 1000 };
    struct fabric_live *live;

    ovs_assert(request->n_hosts && request->n_hosts <= FABRIC_LIVE_HOSTS_MAX
               && request->n_crossings <= FABRIC_LIVE_WAYS_MAX);
    *host = NULL;
    if (fabric_live_is_busy(f)) {
        *reason = "others are in progress";
        return NULL;
    }
    for (size_t i = 0; i < request->n_hosts; i++) {
        switches[i] = find_switch(f, request->hosts[i].name, reason);
        if (!switches[i]) {
            *host = request->hosts[i].name;
            return NULL;
        }
    }
    live = xzalloc(sizeof *live);
    live->cbs = cbs;
    live->aux = aux;
    live->flows = (struct live_trace_flows) {
        .trace = ++f->last_live_trace,
        .hard_timeout_s = ((request->ready_ms + request->timeout_ms) / 1000
                           + FLOWS_EXTRA_S),
    };
    live->timeout_ms = request->timeout_ms;
    live->ready_ms = request->ready_ms;
    live->ready_by_ms = time_msec() + request->ready_ms;
    live->timer = event_new(f->base, -1, 0, timer_cb, live);
    event_add(live->timer, &limit);
    ofpbuf_init(&live->packet, 512);
    ovs_list_push_back(&f->live_traces, &live->node);
    live->n_hosts = request->n_hosts;
    for (size_t i = 0; i < live->n_hosts; i++) {
        host_begin(live, request, i, switches[i]);
    }
    live_trace_flows_append_packet(request->in_port, request->first_vni,
                                   request->frame, request->size,
                                   &live->packet);
    live->n_crossings = request->n_crossings;
    for (size_t i = 0; i < live->n_crossings; i++) {
        live->crossings[i] = (struct live_crossing) {
            .to = request->crossings[i].to,
            .in_port = request->crossings[i].in_port,
            .vni = live_trace_crossing_vni(request, i),
        };
    }
    return live;
}

/* Replies.  --------------------------------------------------------------- */

/* Returns the trace that waits for a reply with this xid, or NULL, and sets
 * '*host'. */
static struct fabric_live *
find_waiting(const struct fabric_switch *sw, uint32_t xid,
             struct live_host **host)
{
    struct fabric_live *live;

    LIST_FOR_EACH (live, node, &sw->host->fabric->live_traces) {
        for (size_t i = 0; i < live->n_hosts; i++) {
            if (live->hosts[i].sw == sw && live->hosts[i].xid == xid) {
                *host = &live->hosts[i];
                return live;
            }
        }
    }
    return NULL;
}

/* Puts the packet in.  Not if vmnd was stopped for so long that the flows may
 * have gone by themselves. */
static void
send_packet(struct fabric_live *live)
{
    const struct timeval limit = { live->timeout_ms / 1000,
                                   live->timeout_ms % 1000 * 1000 };
    const char *reason;

    if (live->ended || !live->hosts[0].sw) {
        return;
    }
    reason = (time_msec() > live->ready_by_ms
              ? "its flows came too late" : live->cbs->send(live->aux));
    if (reason) {
        end_soon(live, reason);
        return;
    }
    ofconn_send(live->hosts[0].sw->conn, live->packet.data,
                live->packet.size);
    live->sent = true;
    event_add(live->timer, &limit);
}

void
fabric_live_put_in(struct fabric_live *live, size_t i, const uint8_t *frame,
                   size_t size)
{
    struct live_crossing *crossing = &live->crossings[i];
    const struct live_host *host = &live->hosts[crossing->to];
    struct ofpbuf b;

    if (live->ended || crossing->done || !host->sw) {
        return;
    }
    crossing->done = true;
    ofpbuf_init(&b, 512);
    live_trace_flows_append_packet(crossing->in_port, crossing->vni, frame,
                                   size, &b);
    ofconn_send(host->sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
}

/* Returns true if packets have been put in at a switch. */
static bool
is_put_in_at(const struct fabric_live *live, const struct fabric_switch *sw)
{
    for (size_t i = 0; i < live->n_crossings; i++) {
        if (live->crossings[i].done
            && live->hosts[live->crossings[i].to].sw == sw) {
            return true;
        }
    }
    return live->sent && live->hosts[0].sw == sw;
}

/* All hosts have to be ready for the packet. */
static void
host_ready(struct fabric_live *live, struct live_host *host)
{
    host->ready = true;
    for (size_t i = 0; i < live->n_hosts; i++) {
        if (!live->hosts[i].ready) {
            return;
        }
    }
    send_packet(live);
}

/* A switch has refused a flow, or the packet, maybe of a trace that has
 * ended. */
static void
handle_error(struct fabric_switch *sw, const struct ofp_header *oh)
{
    uint64_t cookie = 0;
    bool is_flow = ofmsg_error_get_cookie(oh, &cookie);
    struct fabric_live *live;

    VLOG_WARN_RL(&rl, "%s: a live trace was refused: %s", sw->host->name,
                 ofmsg_error_name(oh));
    LIST_FOR_EACH (live, node, &sw->host->fabric->live_traces) {
        if (is_flow ? cookie == (TRACE_COOKIE | live->flows.trace)
            : is_put_in_at(live, sw)) {
            end_soon(live, "a switch has refused to follow it");
        }
    }
}

static enum switch_message
message(struct fabric_switch *sw, void *state OVS_UNUSED, enum ofptype type,
        const struct ofp_header *oh)
{
    struct fabric_live *live;
    struct live_host *host;

    if (type == OFPTYPE_ERROR
        && ofmsg_error_xid(oh) == OFCONN_XID_TRACES) {
        handle_error(sw, oh);
        return SWITCH_MESSAGE_ANSWER;
    }
    live = (type == OFPTYPE_BARRIER_REPLY
            ? find_waiting(sw, ntohl(oh->xid), &host) : NULL);
    if (!live) {
        return SWITCH_MESSAGE_OTHER;
    }
    host_ready(live, host);
    return SWITCH_MESSAGE_ANSWER;
}

/* Copies.  ---------------------------------------------------------------- */

static struct fabric_live *
find_trace(const struct fabric *f, uint32_t trace)
{
    struct fabric_live *live;

    LIST_FOR_EACH (live, node, &f->live_traces) {
        if (live->flows.trace == trace) {
            return live;
        }
    }
    return NULL;
}

bool
live_trace_receive(struct fabric_switch *sw, const struct ofp_header *oh,
                   const struct ofpacket_in *in)
{
    struct trace_copy copy = { .host = sw->host->name };
    struct fabric_live *live;
    uint32_t trace;

    if (!trace_copy_parse(in->userdata, in->userdata_size, &trace, &copy.kind,
                          &copy.table)) {
        return false;
    }
    live = find_trace(sw->host->fabric, trace);
    if (!live || live->ended) {
        return true;            /* It comes too late, or to another member. */
    }
    if (++live->n_copies > FABRIC_LIVE_COPIES_MAX) {
        end_soon(live, NULL);
    } else if (ofpacket_get_flow(oh, &copy.flow)
               && live->cbs->copy(live->aux, &copy)) {
        end_soon(live, NULL);
    }
    return true;
}

/* As a part of the session.  ---------------------------------------------- */

static void
disconnected(struct fabric_switch *sw, void *state OVS_UNUSED)
{
    struct fabric_live *live;

    LIST_FOR_EACH (live, node, &sw->host->fabric->live_traces) {
        for (size_t i = 0; i < live->n_hosts; i++) {
            if (live->hosts[i].sw == sw) {
                char *reason = xasprintf("host \"%s\" on its way has "
                                         "disconnected", live->hosts[i].name);

                live->hosts[i].sw = NULL;
                end_soon(live, reason);
                free(reason);
            }
        }
    }
}

static bool
is_owed(const struct fabric_switch *sw, const void *state OVS_UNUSED)
{
    const struct fabric_live *live;

    LIST_FOR_EACH (live, node, &sw->host->fabric->live_traces) {
        for (size_t i = 0; i < live->n_hosts; i++) {
            if (live->hosts[i].sw == sw && !live->hosts[i].ready) {
                return true;
            }
        }
    }
    return false;
}

/* Traces' flows are no difference while they are there. */
static bool
audit_flow(struct fabric_switch *sw OVS_UNUSED, void *state OVS_UNUSED,
           const struct ofputil_flow_stats *fs)
{
    return trace_copy_is_flow(ntohll(fs->cookie), fs->priority,
                              fs->hard_timeout, &fs->match);
}

static void
audit_begin(struct fabric_switch *sw OVS_UNUSED, void *state OVS_UNUSED)
{
}

static void
audit_compare(struct fabric_switch *sw OVS_UNUSED, void *state OVS_UNUSED,
              switch_audit_cb *cb OVS_UNUSED, void *aux OVS_UNUSED)
{
}

static void
audit_repair(struct fabric_switch *sw OVS_UNUSED, void *state OVS_UNUSED)
{
}

const struct switch_part_class live_trace_part = {
    .name = "live traces",
    .disconnected = disconnected,
    .message = message,
    .is_owed = is_owed,
    .audit_begin = audit_begin,
    .audit_flow = audit_flow,
    .audit_compare = audit_compare,
    .audit_repair = audit_repair,
};
