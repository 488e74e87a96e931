/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of packet-ins, for /metrics and ovs-appctl; and neighbours that
 * do not answer. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/neighbour-requests.h"
#include "controller/fabric/packets/packet-in-http.h"
#include "controller/fabric/packets/packet-in-meters.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/dynamic-string.h"
#include "proto/guest/guest-http.h"
#include "timeval.h"
#include "util.h"

void
fabric_packet_drops(const struct fabric *f, fabric_packet_drop_cb *cb,
                    void *aux)
{
    const struct fabric_packets *packets = f->packets;

    for (int i = 0; i < N_PACKET_DROPS; i++) {
        cb(aux, "vmn", packet_drop_text(i), packets->drops[i]);
    }
    for (size_t i = 0; i < engine_n_handlers(f->engine); i++) {
        const struct handler_stats *stats = &packets->handlers[i];
        const char *name = engine_get_handler(f->engine, i)->name;

        for (size_t j = 0; j < ARRAY_SIZE(stats->reasons); j++) {
            if (stats->reasons[j].text) {
                cb(aux, name, stats->reasons[j].text, stats->reasons[j].n);
            }
        }
        if (stats->n_other) {
            cb(aux, name, "other reasons", stats->n_other);
        }
    }
}

void
packets_get_stats(const struct fabric *f, struct fabric_stats *stats)
{
    struct guest_http_stats http;

    packet_in_http_get_stats(f, &http);
    stats->n_guest_connections = http.n_connections;
    stats->n_guest_connections_opened = http.n_opened;
    stats->n_guest_connections_given_up = http.n_given_up;
    stats->n_guest_requests = http.n_requests;
    stats->n_guest_requests_limited = http.n_limited;
    stats->n_packet_ins = f->packets->n_in;
    stats->n_packet_outs = f->packets->n_out;
    stats->n_packets_answered = f->packets->n_answered;
    stats->n_packets_limited = (f->packets->drops[PACKET_DROP_PORT_RATE]
                                + f->packets->drops[PACKET_DROP_HOST_RATE]);
}

bool
fabric_neighbour_unanswered(const struct fabric *f, const char *name,
                            uint32_t network, const struct vmn_ip *ip,
                            struct fabric_unanswered *asked)
{
    const struct fabric_host *host = fabric_find_host(f, name);
    const struct packets_of_switch *ps = host ? packets_find(host->sw) : NULL;
    int64_t now_ms = time_msec();
    const struct neighbour_request *request
        = (ps ? neighbour_requests_in_vain(ps->neighbours, network, ip, now_ms)
           : NULL);

    if (!request) {
        return false;
    }
    *asked = (struct fabric_unanswered) {
        .n = request->n,
        .within_ms = request->last_ms - request->first_ms,
        .ago_ms = now_ms - request->last_ms,
    };
    return true;
}

static unsigned
rate_now(const struct rate *rate, int64_t now_ms)
{
    struct rate copy = *rate;

    rate_count(&copy, now_ms);
    return copy.per_s;
}

static int
compare_ports(const void *a_, const void *b_)
{
    const struct packet_port *a = *(const struct packet_port *const *) a_;
    const struct packet_port *b = *(const struct packet_port *const *) b_;

    return (a->in_port != b->in_port ? (a->in_port < b->in_port ? -1 : 1)
            : a->identity < b->identity ? -1 : a->identity > b->identity);
}

static void
show_ports(const struct packets_of_switch *ps, int64_t now_ms, struct ds *ds)
{
    size_t n = 0;
    const struct packet_port **ports, *port;

    ports = xcalloc(MAX(hmap_count(&ps->ports), 1), sizeof *ports);
    HMAP_FOR_EACH (port, node, &ps->ports) {
        ports[n++] = port;
    }
    qsort(ports, n, sizeof *ports, compare_ports);
    for (size_t i = 0; i < n; i++) {
        port = ports[i];
        ds_put_format(ds, "  port %"PRIu32, port->in_port);
        if (port->in_port == VMN_TUNNEL_OFPORT) {
            ds_put_format(ds, " (tunnel, identity %"PRIu32")",
                          port->identity);
        } else {
            ds_put_format(ds, " (%s)", port->port_name ? port->port_name
                          : "unknown");
        }
        ds_put_format(ds, ": %u/s, %"PRIu64" in, %"PRIu64" over its rate\n",
                      rate_now(&port->rate, now_ms), port->n_in,
                      port->n_limited);
    }
    free(ports);
}

static void
show_limit(struct ds *ds, const char *what, unsigned rate)
{
    ds_put_format(ds, "limit of a %s: ", what);
    if (rate) {
        ds_put_format(ds, "%u/s\n", rate);
    } else {
        ds_put_cstr(ds, "none\n");
    }
}

static void
show_drop(void *ds, const char *who, const char *reason, uint64_t n)
{
    if (n) {
        ds_put_format(ds, "dropped by %s, %s: %"PRIu64"\n", who, reason, n);
    }
}

static int
compare_hosts(const void *a, const void *b)
{
    return strcmp((*(const struct fabric_host *const *) a)->name,
                  (*(const struct fabric_host *const *) b)->name);
}

void
packets_show(const struct fabric *f, const char *name, struct ds *ds)
{
    const struct fabric_packets *packets = f->packets;
    const struct fabric_host *host, **hosts;
    int64_t now_ms = time_msec();
    size_t n = 0;

    show_limit(ds, "port", f->packet_port_rate);
    show_limit(ds, "host", f->packet_host_rate);
    ds_put_format(ds, "packets in: %"PRIu64", out: %"PRIu64"\n",
                  packets->n_in, packets->n_out);
    fabric_packet_drops(f, show_drop, ds);

    hosts = xcalloc(MAX(hmap_count(&f->hosts), 1), sizeof *hosts);
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (packets_find(host->sw) && (!name || !strcmp(name, host->name))) {
            hosts[n++] = host;
        }
    }
    qsort(hosts, n, sizeof *hosts, compare_hosts);
    for (size_t i = 0; i < n; i++) {
        const struct packets_of_switch *ps = packets_find(hosts[i]->sw);

        ds_put_format(ds, "host %s: %u/s, %"PRIu64" in, %"PRIu64" out, "
                      "%"PRIu64" dropped, %"PRIuSIZE" wait, %"PRIu64
                      " dropped by its meters\n",
                      hosts[i]->name, rate_now(&ps->rate, now_ms), ps->n_in,
                      ps->n_out, ps->n_dropped, ps->n_waiting,
                      packet_in_meter_drops_total(hosts[i]->sw));
        show_ports(ps, now_ms, ds);
    }
    free(hosts);
}
