/* SPDX-License-Identifier: Apache-2.0
 *
 * Measures what becomes of packets, copies, limits and more; see
 * tenants-world.h. */

#include <config.h>

#include "tests/property/tenants-world.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/flow/flow-item.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema.h"
#include "controller/simulator/desired-hosts.h"
#include "controller/simulator/simulator.h"
#include "hash.h"
#include "packets.h"
#include "tests/property/setup.h"
#include "util.h"

/* Objects.  -------------------------------------------------------------- */

const struct vmn_port *
world_port(const struct world *world, unsigned i)
{
    char *name = make_name(i / N_PORTS, "port", i % N_PORTS);
    const struct vmn_port *port = model_get(world->model, VMN_TABLE_PORT,
                                            name);

    free(name);
    return port;
}

const struct vmn_network *
world_network(const struct world *world, unsigned i)
{
    char *name = make_name(i / N_NETWORKS, "network", i % N_NETWORKS);
    const struct vmn_network *network = model_get(world->model,
                                                  VMN_TABLE_NETWORK, name);

    free(name);
    return network;
}

const struct vmn_router *
world_router(const struct world *world, unsigned i)
{
    char *name = make_name(i / N_ROUTERS, "router", i % N_ROUTERS);
    const struct vmn_router *router = model_get(world->model,
                                                VMN_TABLE_ROUTER, name);

    free(name);
    return router;
}

uint32_t
world_hash(const char *text, uint32_t basis)
{
    return text ? hash_string(text, basis) : hash_int(0, basis);
}

/* Has each port that is on no host plugged in on one. */
static void
plug_all(struct world *world)
{
    struct model_request request;

    model_request_init(&request, "vmnd");
    for (unsigned i = 0; i < ALL_PORTS; i++) {
        char *name = make_name(i / N_PORTS, "port", i % N_PORTS);
        char *vif = xasprintf("h%u/%s", host_of(i / N_PORTS, i % N_PORTS),
                              name);
        char *host = xasprintf("h%u", host_of(i / N_PORTS, i % N_PORTS));

        if (model_get(world->model, VMN_TABLE_PORT, name)
            && !model_get(world->model, VMN_TABLE_BINDING, name)) {
            model_request_add(&request, MODEL_PUT, VMN_TABLE_VIF, vif,
                              json_pack("{s:s, s:s, s:o, s:i, s:b}", "host",
                                        host, "iface_id", name, "iface",
                                        json_sprintf("v%u", i), "ofport",
                                        (int) (1 + i), "link_up", 1));
            model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, name,
                              json_pack("{s:s}", "host", host));
        }
        free(host);
        free(vif);
        free(name);
    }
    ovs_assert(apply_request(world->model, &request));
    model_request_uninit(&request);
}

/* Packets.  -------------------------------------------------------------- */

/* The number of all ends that 'packet' has. */
static uint32_t
find_ends(struct simulator *sim, const char *host, uint32_t ofport,
          const struct sim_packet *packet)
{
    const struct sim_end *ends;
    uint32_t sum = 0;
    size_t n;

    simulator_begin(sim);
    simulator_run(sim, host, ofport, packet);
    n = simulator_ends(sim, &ends);
    for (size_t i = 0; i < n; i++) {
        if (ends[i].kind == SIM_OUTPUT) {
            sum += hash_string(ends[i].host, ends[i].port);
        }
    }
    return sum;
}

static bool
joins(const struct vmn_router *router, const char *network)
{
    for (size_t i = 0; router && i < router->n_interfaces; i++) {
        if (!strcmp(router->interfaces[i].network, network)) {
            return true;
        }
    }
    return false;
}

/* Where packets of port 'i' to port 'j', or to nobody, end up. */
static void
shoot(struct world *world, struct simulator *sim, unsigned i, unsigned j,
      const struct vmn_port *src, const struct vmn_port *dst)
{
    bool near = dst && !strcmp(src->network, dst->network);
    ovs_be32 nobody = inet_addr(NOBODY_IP);
    char *host = xasprintf("h%u", i % N_HOSTS);

    for (unsigned r = 0; r <= ALL_ROUTERS; r++) {
        const struct vmn_router *router
            = r ? world_router(world, r - 1) : NULL;
        const struct vmn_mac *mac = near ? &dst->mac
                                    : router ? &router->mac : NULL;

        for (unsigned kind = 0; kind < N_KINDS; kind++) {
            struct sim_packet packet;
            struct flow *flow = &packet.flow;

            world->ends[i][j][kind][r] = 0;
            if (near ? r : !joins(router, src->network)) {
                continue;
            }
            memset(&packet, 0, sizeof packet);
            memcpy(flow->dl_src.ea, src->mac.ea, ETH_ADDR_LEN);
            memcpy(flow->dl_dst.ea, mac->ea, ETH_ADDR_LEN);
            flow->dl_type = htons(ETH_TYPE_IP);
            memcpy(&flow->nw_src, src->ips[0].addr, sizeof flow->nw_src);
            flow->nw_dst = nobody;
            if (dst) {
                memcpy(&flow->nw_dst, dst->ips[0].addr, sizeof flow->nw_dst);
            }
            flow->nw_ttl = 64;
            flow->nw_proto = IPPROTO_TCP;
            flow->tp_src = packet.tp_src = htons(40000);
            flow->tp_dst = packet.tp_dst = htons(kind ? 443 : 80);
            flow->tcp_flags = packet.tcp_flags = htons(TCP_SYN);
            world->ends[i][j][kind][r] = find_ends(sim, host, 1 + i, &packet);
        }
    }
    free(host);
}

/* Returns true if the relation has 'value' at 'key'. */
static bool
has_value(const struct world *world, const char *relation, const char *key,
          const char *value)
{
    struct vmn_names names = engine_relation_values(world->engine, relation,
                                                    key);

    for (size_t i = 0; i < names.n; i++) {
        if (!strcmp(names.names[i], value)) {
            return true;
        }
    }
    return false;
}

static void
note_destination(void *name_, enum vmn_table table OVS_UNUSED,
                 const char *name, const struct schema_field *f,
                 const char *field OVS_UNUSED)
{
    const char **destination = name_;

    if (f && !strcmp(f->name, "to_port")) {
        *destination = name;
    }
}

/* Finds whose packets are copied, and to whom. */
static void
find_mirrored(struct world *world)
{
    for (unsigned m = 0; m < ALL_MIRRORS; m++) {
        char *mirror = make_name(m / N_OBJECTS, "mirror", m % N_OBJECTS);
        const struct vmn_row *row = model_get(
            world->model, schema_find_table("mirrors")->id, mirror);
        const char *to = NULL;

        if (row) {
            schema_row_refs(row, note_destination, &to);
        }
        world->mirrored[m] = world->copied_to[m] = 0;
        for (unsigned i = 0; i < ALL_PORTS; i++) {
            char *port = make_name(i / N_PORTS, "port", i % N_PORTS);

            if (has_value(world, "mirrors.ports", mirror, port)) {
                world->mirrored[m] |= 1u << i;
            }
            if (to && !strcmp(to, port)) {
                world->copied_to[m] |= 1u << i;
            }
            free(port);
        }
        free(mirror);
    }
}

/* Objects of apps.  ------------------------------------------------------ */

/* Returns the number of "a-port-1" among those of its kind, or SIZE_MAX. */
static size_t
number_of(const char *name, const char *what, unsigned n)
{
    for (unsigned i = 0; i < N_OWNERS * n; i++) {
        char *other = make_name(i / n, what, i % n);
        bool same = !strcmp(name, other);

        free(other);
        if (same) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Whose flows are added up. */
struct flow_sums {
    struct world *world;
    unsigned host;
};

/* Adds the flow to the sum of what it is for, if it is of one of the units
 * that are looked at. */
static void
add_flow(void *sums_, const struct flow_item *item)
{
    static const struct unit {
        const char *owner;
        bool of_port, counts;
    } units[] = {
        { "qos.port/", true, false }, { "qos.limits/", true, false },
        { "qos.filtered/", true, false },
        { "multicast.network/", false, false },
        { "traffic.network/", false, true },
    };
    const struct flow_sums *sums = sums_;
    struct world *world = sums->world;
    const char *owner = (item->kind == FLOW_ITEM_FLOW
                         ? engine_item_owner(world->engine, item) : NULL);

    /* Groups have the hosts of a network, and so follow its ports. */
    for (size_t i = 0; owner && i < ARRAY_SIZE(units); i++) {
        const struct unit *unit = &units[i];
        size_t len = strlen(unit->owner), number;

        if (strncmp(owner, unit->owner, len)) {
            continue;
        }
        number = (unit->of_port ? number_of(owner + len, "port", N_PORTS)
                  : number_of(owner + len, "network", N_NETWORKS));
        if (number != SIZE_MAX) {
            *(unit->of_port ? &world->limits[number]
              : unit->counts ? &world->counted[number][sums->host]
              : &world->snooped[number][sums->host]) += item->digest;
        }
    }
}

static void
add_up_flows(struct world *world)
{
    memset(world->limits, 0, sizeof world->limits);
    memset(world->snooped, 0, sizeof world->snooped);
    memset(world->counted, 0, sizeof world->counted);
    for (unsigned i = 0; i < N_HOSTS; i++) {
        struct flow_sums sums = { world, i };
        char *host = xasprintf("h%u", i);

        engine_host_items(world->engine, host, add_flow, &sums);
        for (unsigned j = 0; j < ALL_NETWORKS; j++) {
            char *network = make_name(j / N_NETWORKS, "network",
                                      j % N_NETWORKS);

            world->is_there[j][i] = has_value(
                world, "overlay.network-hosts", network, host);
            free(network);
        }
        free(host);
    }
}

void
world_measure(struct world *world)
{
    struct desired_hosts *net;
    struct sim_net hosts;
    struct simulator *sim;

    plug_all(world);
    if (model_is_unsettled(world->model)) {
        engine_delta_destroy(engine_run(world->engine));
        model_settle(world->model);
    }
    find_mirrored(world);
    add_up_flows(world);
    net = desired_hosts_create(world->engine, world->model);
    desired_hosts_get(net, &hosts);
    sim = simulator_create(&hosts);
    memset(world->ends, 0, sizeof world->ends);
    for (unsigned i = 0; i < ALL_PORTS; i++) {
        const struct vmn_port *src = world_port(world, i);

        world->isolation[i] = src ? src->isolation : VMN_ISOLATION_NONE;
        world->community[i] = src ? world_hash(src->community, 0) : 0;
        world->host[i] = src ? world_hash(src->host, 0) : 0;
        world->to[i] = src ? world_hash(src->migration.to, 0) : 0;
        for (unsigned j = 0; src && src->n_ips && j <= ALL_PORTS; j++) {
            const struct vmn_port *dst = j < ALL_PORTS
                                         ? world_port(world, j) : NULL;

            if (j == ALL_PORTS || (j != i && dst && dst->n_ips)) {
                shoot(world, sim, i, j, src, dst);
            }
        }
    }
    simulator_destroy(sim);
    desired_hosts_destroy(net);
}

