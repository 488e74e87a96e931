/* SPDX-License-Identifier: Apache-2.0
 *
 * The state, and edits of it; see policy-world.h. */

#include <config.h>

#include "tests/property/policy-world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "tests/property/setup.h"
#include "util.h"

/* Applies a request and compiles.  Says so if it is refused. */
static bool
apply(struct world *world, struct model_request *request)
{
    bool ok = apply_request(world->model, request);

    model_request_uninit(request);
    if (ok && model_is_unsettled(world->model)) {
        engine_delta_destroy(engine_run(world->engine));
        model_settle(world->model);
    }
    return ok;
}

static void
put(struct model_request *request, enum vmn_table table, const char *prefix,
    unsigned i, json_t *spec)
{
    char *name = xasprintf("%s%u", prefix, i);

    model_request_add(request, MODEL_PUT, table, name, spec);
    free(name);
}

static void
plug(struct model_request *request, unsigned i)
{
    char *host = xasprintf("h%u", rnd(N_HOSTS));
    char *vif = xasprintf("%s/p%u", host, i);

    model_request_add(request, MODEL_PUT, VMN_TABLE_VIF, vif, json_pack(
        "{s:s, s:o, s:o, s:i, s:b}", "host", host, "iface_id",
        json_sprintf("p%u", i), "iface", json_sprintf("v%u", i), "ofport",
        (int) (1 + i), "link_up", 1));
    put(request, VMN_TABLE_BINDING, "p", i, json_pack("{s:s}", "host", host));
    free(vif);
    free(host);
}

/* Routers.  --------------------------------------------------------------- */

/* Where both routers are, the gateway is the first one. */
static void
add_interface(json_t *interfaces, unsigned network, bool is_gateway)
{
    unsigned ip = network_base(network) + 6;
    json_t *interface = json_pack("{s:o}", "network",
                                  json_sprintf("n%u", network));

    if (!is_gateway) {
        json_object_set_new(interface, "addresses", json_pack(
            "[o, o]", json_sprintf("10.0.0.%u", ip),
            json_sprintf("2001:db8::%x", ip)));
    }
    json_array_append_new(interfaces, interface);
}

/* To 'network', by way of the other router in network 'shared'. */
static void
add_routes(json_t *routes, unsigned network, unsigned shared, bool to_gateway)
{
    unsigned base = network_base(network);
    unsigned via = network_base(shared) + (to_gateway ? 1 : 6);

    json_array_append_new(routes, json_pack(
        "{s:o, s:[o]}", "destination", json_sprintf("10.0.0.%u/29", base),
        "via", json_sprintf("10.0.0.%u", via)));
    json_array_append_new(routes, json_pack(
        "{s:o, s:[o]}", "destination", json_sprintf("2001:db8::%x/125", base),
        "via", json_sprintf("2001:db8::%x", via)));
}

static json_t *
spec_router(const unsigned joins[N_ROUTERS], unsigned i)
{
    unsigned shared = joins[0] & joins[1];
    json_t *interfaces = json_array(), *routes = json_array();

    for (unsigned n = 0; n < N_ROUTED; n++) {
        unsigned bit = 1u << n;

        if (joins[i] & bit) {
            add_interface(interfaces, n, !i || !(shared & bit));
        } else if (shared && joins[!i] & bit) {
            add_routes(routes, n, raw_ctz(shared), i);
        }
    }
    return json_pack("{s:o, s:o}", "interfaces", interfaces, "routes",
                     routes);
}

/* The routers join other networks than before.  If these have addresses in
 * common, that is to be refused. */
static bool
edit_routers(struct world *world)
{
    unsigned common = 1u | 1u << (N_ROUTED - 1);
    unsigned joins[N_ROUTERS];
    struct model_request request;
    bool overlap, ok;

    for (int i = 0; i < N_ROUTERS; i++) {
        joins[i] = (chance(15) ? 0 : chance(50)
                    ? world->joins[i] ^ 1u << rnd(N_ROUTED - 1)
                    : rnd(1 << (chance(90) ? N_ROUTED - 1 : N_ROUTED)));
    }
    overlap = ((joins[0] & common) == common || (joins[1] & common) == common
               || (joins[0] & joins[1]
                   && ((joins[0] | joins[1]) & common) == common));
    model_request_init(&request, "test");
    for (unsigned i = 0; i < N_ROUTERS; i++) {
        char name[16];

        snprintf(name, sizeof name, "x%u", i);
        if (joins[i]) {
            model_request_add(&request, MODEL_PUT, VMN_TABLE_ROUTER, name,
                              spec_router(joins, i));
        } else {
            model_request_add(&request, MODEL_DELETE, VMN_TABLE_ROUTER, name,
                              NULL)->missing_ok = true;
        }
    }
    ok = apply(world, &request);
    if (ok == overlap) {
        printf("# routers of %x and %x are %s\n", joins[0], joins[1],
               ok ? "taken" : "refused");
        return false;
    }
    if (ok) {
        memcpy(world->joins, joins, sizeof joins);
    }
    world->n_refused += !ok;
    return true;
}

unsigned
domain_of(const struct world *world, unsigned network)
{
    for (unsigned i = 0; i < N_ROUTERS; i++) {
        if (world->joins[i] >> network & 1) {
            return world->joins[0] & world->joins[1] ? 1 : 1 + i;
        }
    }
    return 0;
}

int
find_way(const struct world *world, unsigned from, unsigned to,
         const char *way[N_ROUTERS])
{
    static const char *const names[N_ROUTERS] = { "x0", "x1" };
    unsigned first = !(world->joins[0] >> from & 1);

    if (from == to) {
        return 0;
    }
    way[0] = names[first];
    way[1] = names[!first];
    if (!domain_of(world, from)) {
        way[0] = NULL;
        return -1;
    }
    return (world->joins[first] >> to & 1 ? 1
            : world->joins[0] & world->joins[1]
              && world->joins[!first] >> to & 1 ? 2 : -1);
}

/* Edits.  ----------------------------------------------------------------- */

static const struct {
    enum vmn_table table;
    const char *prefix;
    unsigned n;
    unsigned share;             /* Of the edits. */
} tables[] = {
    { VMN_TABLE_NETWORK, "n", N_NETWORKS, 3 },
    { VMN_TABLE_PORT, "p", N_PORTS, 22 },
    { VMN_TABLE_GROUP, "g", N_GROUPS, 20 },
    { VMN_TABLE_SERVICE, "s", N_SERVICES, 10 },
    { VMN_TABLE_TIER, "t", N_TIERS, 5 },
    { VMN_TABLE_POLICY, "r", N_POLICIES, 32 },
    { VMN_TABLE_QUARANTINE, "q", N_QUARANTINES, 6 },
    { VMN_TABLE_OBSERVATION, "n", N_NETWORKS, 2 },
};

bool
populate(struct world *world)
{
    struct model_request request;

    model_request_init(&request, "test");
    for (unsigned i = 0; i < N_HOSTS; i++) {
        bool both = chance(50);

        put(&request, VMN_TABLE_HOST, "h", i, json_pack(
            "{s:s, s:o, s:o*, s:s, s:s}", "ovsdb", "inbound", "tunnel_ip",
            json_sprintf(both ? "fd99::%u" : "192.0.2.%u", 1 + i),
            "second_tunnel_ip",
            both ? json_sprintf("192.0.2.%u", 1 + i) : NULL, "encap",
            chance(50) ? "geneve" : "vxlan", "datapath",
            i % 2 ? "system" : "netdev"));
    }
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        for (unsigned i = 0; i < tables[t].n; i++) {
            if (tables[t].table != VMN_TABLE_POLICY
                && tables[t].table != VMN_TABLE_QUARANTINE) {
                put(&request, tables[t].table, tables[t].prefix, i,
                    random_spec(tables[t].table, i));
            }
        }
    }
    for (unsigned i = 0; i < N_PORTS; i++) {
        plug(&request, i);
    }
    return apply(world, &request);
}

bool
edit(struct world *world)
{
    struct model_request request;
    unsigned n = rnd(100);
    size_t t = 0;

    if (chance(12)) {
        return edit_routers(world);
    }
    while (n >= tables[t].share) {
        n -= tables[t++].share;
    }

    unsigned i = rnd(tables[t].n);

    model_request_init(&request, "test");
    if ((tables[t].table == VMN_TABLE_POLICY && chance(20))
        || (tables[t].table == VMN_TABLE_QUARANTINE && chance(50))
        || (tables[t].table == VMN_TABLE_OBSERVATION && chance(50))) {
        char *name = xasprintf("%s%u", tables[t].prefix, i);

        model_request_add(&request, MODEL_DELETE, tables[t].table, name,
                          NULL)->missing_ok = true;
        free(name);
    } else {
        put(&request, tables[t].table, tables[t].prefix, i,
            random_spec(tables[t].table, i));
    }
    if (chance(10)) {
        plug(&request, rnd(N_PORTS));
    }
    world->n_refused += !apply(world, &request);
    return true;
}

void
world_print(const struct world *world)
{
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        struct vmn_names names = model_names(world->model, tables[t].table);

        for (size_t i = 0; i < names.n; i++) {
            const struct vmn_row *row = model_get(
                world->model, tables[t].table, names.names[i]);
            struct ds ds = DS_EMPTY_INITIALIZER;

            model_row_print(row, &(struct model_meta) { .revision = 1 }, &ds);
            printf("# %s\n", ds_cstr(&ds));
            ds_destroy(&ds);
        }
    }
}
