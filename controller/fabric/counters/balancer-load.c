/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums up the load of balancers and of their backends from the hits of counted
 * flows; see fabric-counters.h.  Not for notifications about load
 * (load-monitor/). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-private.h"
#include "hash.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* A backend, identified by the part of its flows. */
struct backend {
    struct hmap_node node;
    uint32_t part;
    struct fabric_balancer_load *load;
};

struct sums {
    struct hmap backends;
    struct fabric_balancer_load *load;
    uint64_t requested, admitted; /* Of connections, where there is a
                                   * limit. */
};

static void
add_connections(struct fabric_balancer_load *to,
                const struct fabric_load *load)
{
    to->connections += load->packets;
    to->connections_per_s += load->packets_per_s;
    to->last_ms = MAX(to->last_ms, load->last_ms);
}

static void
add_packets(struct fabric_balancer_load *to, const struct fabric_load *load)
{
    to->packets += load->packets;
    to->bytes += load->bytes;
    to->packets_per_s += load->packets_per_s;
    to->bytes_per_s += load->bytes_per_s;
}

static void
balancer_cb(void *sums_, uint32_t part, const char *reason,
            const struct fabric_load *load)
{
    struct sums *sums = sums_;
    struct backend *backend;

    if (reason) {
        sums->load->dropped += load->packets;
    } else if (part == VMN_LB_PART_CONNECTIONS) {
        add_connections(sums->load, load);
    } else if (part == VMN_LB_PART_ADMITTED) {
        add_connections(sums->load, load);
        sums->admitted += load->packets;
    } else if (part == VMN_LB_PART_ATTEMPTS) {
        sums->requested += load->packets;
    } else if (part == VMN_LB_PART_PACKETS) {
        add_packets(sums->load, load);
    } else {
        HMAP_FOR_EACH_WITH_HASH (backend, node, hash_int(part, 0),
                                 &sums->backends) {
            if (backend->part == part) {
                add_connections(backend->load, load);
            }
        }
    }
}

static void
port_cb(void *load_, uint32_t part, const char *reason,
        const struct fabric_load *load)
{
    if (part == VMN_LB_PART_PACKETS && !reason) {
        add_packets(load_, load);
    }
}

void
fabric_balancer_load(const struct fabric *f, const char *balancer,
                     const struct vmn_lb_member *members, size_t n,
                     struct fabric_balancer_load *load,
                     struct fabric_balancer_load *loads)
{
    struct backend *backends = xcalloc(MAX(n, 1), sizeof *backends);
    struct sums sums = { .load = load };

    memset(load, 0, sizeof *load);
    hmap_init(&sums.backends);
    for (size_t i = 0; i < n; i++) {
        memset(&loads[i], 0, sizeof loads[i]);
        backends[i].part = members[i].part;
        backends[i].load = &loads[i];
        hmap_insert(&sums.backends, &backends[i].node,
                    hash_int(members[i].part, 0));
        fabric_parts(f, VMN_TABLE_PORT, members[i].port, port_cb, &loads[i]);
    }
    fabric_parts(f, VMN_TABLE_LOADBALANCER, balancer, balancer_cb, &sums);
    /* A switch may have reported the admitted ones, but not yet the requested
     * ones. */
    load->limited = sums.requested - MIN(sums.requested, sums.admitted);
    hmap_destroy(&sums.backends);
    free(backends);
}
