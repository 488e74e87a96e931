/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the port statistics of a switch; see port-stats.h. */

#include <config.h>

#include "controller/fabric/counters/port-stats.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch.h"
#include "include/vmn/vocabulary.h"
#include "netdev.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofconn.h"
#include "timeval.h"
#include "util.h"

void
port_stats_request(struct port_stats_of_switch *traffic, struct ofconn *conn)
{
    struct ofpbuf *request;

    if (traffic->xid || traffic->unsupported) {
        return;
    }
    traffic->xid = ofconn_next_xid(conn);
    traffic->asked_ms = time_msec();
    traffic->n_next = 0;
    request = ofputil_encode_dump_ports_request(OFP15_VERSION, OFPP_ANY);
    ofpmsg_update_length(request);
    ((struct ofp_header *) request->data)->xid = htonl(traffic->xid);
    ofconn_send(conn, request->data, request->size);
    ofpbuf_delete(request);
}

static int
compare_ports(const void *a_, const void *b_)
{
    const struct port_stats *a = a_, *b = b_;

    return a->ofport < b->ofport ? -1 : a->ofport > b->ofport;
}

const struct port_stats *
port_stats_find(const struct port_stats_of_switch *traffic, uint32_t ofport)
{
    struct port_stats key = { .ofport = ofport };

    return traffic->n ? bsearch(&key, traffic->ports, traffic->n, sizeof key,
                                compare_ports) : NULL;
}

/* UINT64_MAX means that the switch does not support the counter. */
static uint64_t
known(uint64_t n)
{
    return n == UINT64_MAX ? 0 : n;
}

static void
add_port(struct port_stats_of_switch *traffic,
         const struct ofputil_port_stats *ps)
{
    if (traffic->n_next >= PORT_STATS_MAX) {
        return;
    }
    if (traffic->n_next >= traffic->allocated_next) {
        traffic->next = x2nrealloc(traffic->next, &traffic->allocated_next,
                                   sizeof *traffic->next);
    }
    traffic->next[traffic->n_next++] = (struct port_stats) {
        .ofport = ofp_to_u16(ps->port_no),
        .rx_packets = known(ps->stats.rx_packets),
        .rx_bytes = known(ps->stats.rx_bytes),
        .tx_packets = known(ps->stats.tx_packets),
        .tx_bytes = known(ps->stats.tx_bytes),
    };
}

/* A lower count means another port, or that the port was added again. */
static double
rate(uint64_t now, uint64_t before, int64_t ms)
{
    return now > before ? (now - before) * 1000.0 / ms : 0;
}

/* The reply is complete. */
static void
finish(struct port_stats_of_switch *traffic)
{
    int64_t ms = traffic->asked_ms - traffic->before_ms;

    if (traffic->n_next) {
        qsort(traffic->next, traffic->n_next, sizeof *traffic->next,
              compare_ports);
    }
    for (size_t i = 0; i < traffic->n_next && traffic->before_ms; i++) {
        struct port_stats *port = &traffic->next[i];
        const struct port_stats *before = port_stats_find(traffic,
                                                          port->ofport);

        if (before && ms > 0) {
            port->rx_bytes_per_s = rate(port->rx_bytes, before->rx_bytes, ms);
            port->tx_bytes_per_s = rate(port->tx_bytes, before->tx_bytes, ms);
        }
    }
    free(traffic->ports);
    traffic->ports = traffic->next;
    traffic->n = traffic->n_next;
    traffic->next = NULL;
    traffic->n_next = traffic->allocated_next = 0;
    traffic->before_ms = traffic->asked_ms;
    traffic->xid = 0;
}

bool
port_stats_message(struct port_stats_of_switch *traffic, enum ofptype type,
                   const struct ofp_header *oh)
{
    struct ofpbuf msg = ofpbuf_const_initializer(oh, ntohs(oh->length));
    struct ofputil_port_stats ps;
    bool more;
    int error;

    if (!traffic->xid || ntohl(oh->xid) != traffic->xid) {
        return false;
    }
    if (type != OFPTYPE_PORT_STATS_REPLY) {
        traffic->unsupported = true;
        traffic->xid = 0;
        return true;
    }
    more = ofpmp_more(oh);
    while (!(error = ofputil_decode_port_stats(&ps, &msg))) {
        add_port(traffic, &ps);
        netdev_free_custom_stats_counters(&ps.custom_stats);
    }
    if (!more || error != EOF) {
        finish(traffic);
    }
    return true;
}

void
port_stats_forget(struct port_stats_of_switch *traffic)
{
    free(traffic->ports);
    free(traffic->next);
    memset(traffic, 0, sizeof *traffic);
}
