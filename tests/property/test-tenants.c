/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test of scoped accounts: whatever a random request of a random
 * account is granted, packets between ports that are not the account's, and
 * are in networks that are not, go where they went before.  What is asked for
 * goes through the real model with the account's rights, and what becomes of
 * packets is what the simulator says of the compiled flows.  Nor are packets
 * of ports that are not the account's copied by other mirrors than before, or
 * to others.  In networks that are not the account's, its ports are to others
 * what the network says, or what somebody else has made them.  Ports that are
 * not the account's meet the limits that they met, and networks that are not
 * are snooped and counted as before; and no port is put onto a host.
 *
 * Some of it is asked for by way of a draft, which is written and then made,
 * with the same rights; and a draft that an administrator writes is seen by no
 * tenant if it changes what is another's.
 *
 * The world is made by an administrator, who goes on changing it in between
 * without regard to scopes: labels, groups, policies and routers of some refer
 * to those of others.
 *
 * At the end the same is done without rights, and has to be noticed: else the
 * test would be blind.
 *
 * Usage: test-tenants [SEED [GRANTED]].  The seed is printed. */

#include <config.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/flow/pipeline.h"
#include "controller/model/draft-contents.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema.h"
#include "controller/schema/selector.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "tests/property/setup.h"
#include "tests/property/tenants-world.h"
#include "tests/unit/app-loader.h"
#include "util.h"

/* Requests for one that is granted, at most. */
#define N_TRIES 200

/* Requests.  ------------------------------------------------------------- */

/* What administrators add, and change, as it comes: some of it is refused for
 * what it contradicts. */
static void
administer(struct world *world)
{
    struct model_request request;

    asker = N_OWNERS;
    model_request_init(&request, "admin");
    add_random(&request);
    apply_request(world->model, &request);
    model_request_uninit(&request);
}

static void
populate(struct world *world)
{
    struct model_request request;

    asker = N_OWNERS;
    model_request_init(&request, "admin");
    for (unsigned i = 0; i < N_HOSTS; i++) {
        char *name = xasprintf("h%u", i);

        model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, name, json_pack(
            "{s:s, s:o, s:s}", "ovsdb", "inbound", "tunnel_ip",
            json_sprintf("192.0.2.%u", 1 + i), "datapath", "netdev"));
        free(name);
    }
    model_request_add(&request, MODEL_PUT, VMN_TABLE_FQDN, NOBODY_FQDN,
                      json_pack("{s:s, s:[s]}", "state", "resolved", "ips",
                                NOBODY_IP));
    for (unsigned i = 0; i < N_OWNERS * N_NETWORKS; i++) {
        add_network(&request, i / N_NETWORKS, i % N_NETWORKS);
    }
    ovs_assert(apply_request(world->model, &request));
    model_request_uninit(&request);
    for (unsigned i = 0; i < 250; i++) {
        administer(world);
    }
}

/* The property.  --------------------------------------------------------- */

/* What is within a scope: bits of ports, by themselves or by their network,
 * and of routers. */
struct inside {
    uint32_t ports, routers;
    uint32_t networks;
    uint32_t own_ports;         /* Those by themselves alone; */
    uint32_t in_own_networks;   /* by their network. */
    bool nobody;                /* Nobody's address is a balancer's. */
};

static void
find_inside(const struct world *world, const struct vmn_selector *scope,
            struct inside *inside)
{
    for (unsigned i = 0; i < ALL_PORTS; i++) {
        const struct vmn_port *port = world_port(world, i);
        const struct vmn_network *network = port ? model_get(
            world->model, VMN_TABLE_NETWORK, port->network) : NULL;

        if (port && (vmn_selector_matches(scope, &port->labels)
                     || vmn_selector_matches(scope, &network->labels))) {
            inside->ports |= 1u << i;
        }
        if (port && vmn_selector_matches(scope, &port->labels)) {
            inside->own_ports |= 1u << i;
        }
        if (port && vmn_selector_matches(scope, &network->labels)) {
            inside->in_own_networks |= 1u << i;
        }
    }
    for (unsigned i = 0; i < ALL_NETWORKS; i++) {
        const struct vmn_network *network = world_network(world, i);

        if (network && vmn_selector_matches(scope, &network->labels)) {
            inside->networks |= 1u << i;
        }
    }
    for (unsigned i = 0; i < ALL_ROUTERS; i++) {
        const struct vmn_router *router = world_router(world, i);

        if (router && vmn_selector_matches(scope, &router->labels)) {
            inside->routers |= 1u << i;
        }
    }
}

/* An administrator may have let others reach that balancer since. */
static bool
serves_nobody(const struct world *world, const struct vmn_selector *scope)
{
    struct vmn_names names = model_names(world->model,
                                         VMN_TABLE_LOADBALANCER);
    ovs_be32 nobody = inet_addr(NOBODY_IP);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_loadbalancer *lb = model_get(
            world->model, VMN_TABLE_LOADBALANCER, names.names[i]);

        if (vmn_selector_matches(scope, &lb->labels)
            && !memcmp(lb->vip.addr, &nobody, sizeof nobody)) {
            return true;
        }
    }
    return false;
}

/* Holds what becomes of packets now against what became of them before.
 * Returns false if some that are not of the account go elsewhere. */
static bool
is_same_outside(struct world *world, const struct world *was,
                const struct inside *inside)
{
    for (unsigned i = 0; i < ALL_PORTS; i++) {
        for (unsigned j = 0; j <= ALL_PORTS; j++) {
            uint32_t ports = 1u << i | (j < ALL_PORTS ? 1u << j : 0);

            for (unsigned k = 0; k < N_KINDS * (1 + ALL_ROUTERS); k++) {
                unsigned kind = k % N_KINDS, r = k / N_KINDS;

                if (inside->ports & ports
                    || (j == ALL_PORTS && inside->nobody)
                    || (r && inside->routers & 1u << (r - 1))) {
                    continue;
                }
                world->n_compared++;
                if (world->ends[i][j][kind][r] != was->ends[i][j][kind][r]) {
                    printf("# from port %u to %u, kind %u, router %u: %s\n",
                           i, j, kind, r,
                           !was->ends[i][j][kind][r] ? "arrives now"
                           : !world->ends[i][j][kind][r] ? "is lost now"
                           : "goes elsewhere now");
                    return false;
                }
            }
        }
    }
    return true;
}

/* The same of what is copied: it is of the ports alone, whoever has their
 * network.  A mirror that is the account's own may copy less. */
static bool
is_copied_as_before(struct world *world, const struct world *was,
                    const struct inside *inside)
{
    for (unsigned m = 0; m < ALL_MIRRORS; m++) {
        uint32_t more = world->mirrored[m] & ~was->mirrored[m];
        uint32_t to = world->copied_to[m] & ~was->copied_to[m];

        world->n_compared++;
        if ((more | to) & ~inside->own_ports) {
            printf("# mirror %u: copies %#x now, not %#x; to %#x, not %#x\n",
                   m, world->mirrored[m], was->mirrored[m],
                   world->copied_to[m], was->copied_to[m]);
            return false;
        }
    }
    return true;
}

/* Whether ports in others' networks are as isolated as before; new ones say
 * nothing of it. */
static bool
is_isolated_as_before(const struct world *world, const struct world *was,
                      const struct inside *inside)
{
    for (unsigned i = 0; i < ALL_PORTS; i++) {
        if (world_port(world, i) && !(inside->in_own_networks & 1u << i)
            && (world->isolation[i] != was->isolation[i]
                || (was->community[i]
                    && world->community[i] != was->community[i]))) {
            printf("# port %u: isolation %d now, not %d\n", i,
                   world->isolation[i], was->isolation[i]);
            return false;
        }
    }
    return true;
}

/* Whether ports are where they were to be, and go where they were to go, or
 * say nothing of it: no host is a tenant's. */
static bool
is_placed_as_before(const struct world *world, const struct world *was)
{
    for (unsigned i = 0; i < ALL_PORTS; i++) {
        const struct vmn_port *port = world_port(world, i);

        if (port
            && ((port->host && world->host[i] != was->host[i])
                || (port->migration.to && world->to[i] != was->to[i]))) {
            printf("# port %u: on host %s, to %s\n", i,
                   port->host ? port->host : "-",
                   port->migration.to ? port->migration.to : "-");
            return false;
        }
    }
    return true;
}

/* Whether others' ports meet the limits that they met, and others' networks
 * are snooped and counted as before. */
static bool
is_served_as_before(struct world *world, const struct world *was,
                    const struct inside *inside)
{
    for (unsigned i = 0; i < ALL_PORTS; i++) {
        world->n_limited += was->limits[i] != 0;
        if (!(inside->own_ports & 1u << i)
            && world->limits[i] != was->limits[i]) {
            printf("# port %u: has other limits\n", i);
            return false;
        }
    }
    for (unsigned k = 0; k < ALL_NETWORKS * N_HOSTS; k++) {
        unsigned i = k / N_HOSTS, host = k % N_HOSTS;

        world->n_snooped += was->snooped[i][host] != 0;
        world->n_counted += was->counted[i][host] != 0;
        if (!(inside->networks & 1u << i)
            && was->is_there[i][host] && world->is_there[i][host]
            && (world->snooped[i][host] != was->snooped[i][host]
                || world->counted[i][host] != was->counted[i][host])) {
            printf("# network %u, host %u: is %s otherwise\n", i, host,
                   world->counted[i][host] != was->counted[i][host]
                   ? "counted" : "snooped");
            return false;
        }
    }
    return true;
}

/* Prints what was granted, and all there was before. */
static void
show(const struct model_request *request)
{
    printf("# granted to tenant %c:\n", owners[asker]);
    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];
        char *spec = op->spec ? json_dumps(op->spec, 0) : NULL;

        printf("# %s %s%s %s\n", op->kind == MODEL_PUT ? "put" : "delete",
               op->name, op->cascade ? " (cascade)" : "", spec ? spec : "");
        free(spec);
    }
}

static struct model_rights *
make_rights(struct vmn_selector *scope, struct arena *arena)
{
    static const char *const tiers[][2] = {
        { "application", "baseline" }, { "platform", "application" },
        { "emergency", "application" },
    };
    struct vmn_account account = { .role = VMN_ROLE_OPERATOR,
                                   .iface_ids = chance(80) ? "" : NULL };
    char *text = xasprintf("project=%c", owners[asker]);

    selector_parse(text, strlen(text), arena, scope, NULL);
    free(text);
    account.scope = *scope;
    if (chance(80)) {
        const char *reads = chance(50) ? "shared=yes" : "";

        selector_parse(reads, strlen(reads), arena, &account.reads, NULL);
    }
    if (chance(40)) {
        account.tiers = PICK(tiers);
        account.n_tiers = 2;
    }
    return model_rights_create(UINT64_MAX, &account);
}

/* Drafts.  ---------------------------------------------------------------- */

/* Returns a draft of what 'request' does. */
static json_t *
make_draft(const struct model_request *request)
{
    json_t *changes = json_array();

    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];
        json_t *change = json_pack(
            "{s:s, s:s, s:s, s:O*}", "op",
            op->kind == MODEL_DELETE ? "delete" : "put", "type",
            schema_tables[op->table]->plural, "name", op->name, "spec",
            op->spec);

        if (op->cascade) {
            json_object_set_new(change, "cascade", json_true());
        }
        json_array_append_new(changes, change);
    }
    return json_pack("{s:o}", "changes", changes);
}

/* Writes draft "d", with 'labels' unless NULL, as 'rights' allow. */
static bool
write_draft(struct world *world, const struct model_request *from,
            json_t *labels, const struct model_rights *rights)
{
    struct model_request request;
    json_t *spec = make_draft(from);
    bool ok;

    if (labels) {
        json_object_set_new(spec, "labels", labels);
    }
    model_request_init(&request, "writer");
    request.rights = model_rights_clone(rights);
    model_request_add(&request, MODEL_PUT, VMN_TABLE_DRAFT, "d", spec);
    ok = apply_request(world->model, &request);
    model_request_uninit(&request);
    return ok;
}

/* Replaces the operations of 'request' by those of draft "d", which goes. */
static void
take_draft(struct world *world, struct model_request *request)
{
    const struct vmn_draft *draft = model_get(world->model, VMN_TABLE_DRAFT,
                                              "d");

    while (model_request_drop_last(request)) {
        continue;
    }
    for (size_t i = 0; i < draft->n_changes; i++) {
        const struct vmn_draft_change *change = &draft->changes[i];

        model_request_add(request, change->op == VMN_DRAFT_DELETE
                          ? MODEL_DELETE : MODEL_PUT,
                          schema_find_table(change->type)->id, change->name,
                          draft_spec(change))->cascade = change->cascade;
    }
    model_request_add(request, MODEL_DELETE, VMN_TABLE_DRAFT, "d", NULL);
}

/* Has the draft gone that was written and not made. */
static void
drop_draft(struct world *world)
{
    struct model_request request;

    model_request_init(&request, "admin");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_DRAFT, "d", NULL)
        ->missing_ok = true;
    ovs_assert(apply_request(world->model, &request));
    model_request_uninit(&request);
}

/* An administrator writes a draft, as if it was of a tenant's project.
 * Returns false if the tenant sees it and not all that it changes. */
static bool
draft_for_tenant(struct world *world, const struct model_rights *rights)
{
    struct model_request from;
    char project[] = { owners[asker], '\0' };
    unsigned tenant = asker;
    bool ok = true;

    model_request_init(&from, "admin");
    asker = N_OWNERS;
    for (unsigned n = 1 + rnd(3); n; n--) {
        add_random(&from);
    }
    asker = tenant;
    if (write_draft(world, &from, json_pack("{s:s}", "project", project),
                    NULL)) {
        const struct vmn_draft *draft = model_get(world->model,
                                                  VMN_TABLE_DRAFT, "d");
        bool sees = model_sees(rights, &draft->row);

        for (size_t i = 0; i < draft->n_changes && sees; i++) {
            const struct vmn_draft_change *change = &draft->changes[i];
            const struct vmn_row *row = model_get(
                world->model, schema_find_table(change->type)->id,
                change->name);

            ok &= !row || model_in_scope(rights, row);
        }
        world->n_seen += sees;
        world->n_hidden += !sees;
        drop_draft(world);
    }
    model_request_uninit(&from);
    return ok;
}

/* A tenant asks for something; without regard to its rights unless 'limited'.
 * Returns false if it is granted what it must not be. */
static bool
ask(struct world *world, bool limited)
{
    struct inside inside = { .ports = 0 };
    struct vmn_selector scope;
    struct model_request request;
    struct world *was;
    struct arena arena;
    bool ok = true, drafted, refused = false;

    asker = rnd(N_TENANTS);
    arena_init(&arena);
    model_request_init(&request, "tenant");
    request.rights = make_rights(&scope, &arena);
    if (!limited) {
        model_rights_destroy(request.rights);
        request.rights = NULL;
    }
    for (unsigned n = 1 + rnd(3) * chance(30); n; n--) {
        add_random(&request);
    }
    find_inside(world, &scope, &inside);
    inside.nobody = serves_nobody(world, &scope);
    if (limited && chance(20) && !draft_for_tenant(world, request.rights)) {
        printf("# tenant %c sees a draft of what is another's\n",
               owners[asker]);
        ok = false;
    }
    drafted = chance(40);
    if (drafted && write_draft(world, &request, NULL, request.rights)) {
        take_draft(world, &request);
    } else if (drafted) {
        refused = true;
    }
    if (!ok || refused || !apply_request(world->model, &request)) {
        world->n_refused++;
        drop_draft(world);
    } else if (model_is_unsettled(world->model)) {
        was = xmemdup(world, sizeof *world);
        find_inside(world, &scope, &inside);
        world_measure(world);
        ok = (is_same_outside(world, was, &inside)
              && is_copied_as_before(world, was, &inside)
              && is_placed_as_before(world, was)
              && is_served_as_before(world, was, &inside)
              && is_isolated_as_before(world, was, &inside));
        world->n_granted++;
        world->n_drafted += drafted;
        if (!ok && limited) {
            show(&request);
        }
        free(was);
    }
    model_request_uninit(&request);
    arena_uninit(&arena);
    return ok;
}

/* Returns how many requests were granted that must not be: 0 or 1. */
static unsigned
run(struct world *world, unsigned n_granted, bool limited)
{
    for (unsigned i = 0; i < n_granted * N_TRIES
                         && world->n_granted < n_granted; i++) {
        if (chance(3)) {
            administer(world);
            world_measure(world);
        }
        if (!ask(world, limited)) {
            return 1;
        }
    }
    return 0;
}

/* Has the model know the types of an app, as when it is loaded. */
static void
declare_types(struct world *world, const char *name)
{
    const struct pipeline_app *app = pipeline_find(
        apphost_pipeline(world->apphost), name);
    struct model_declared declared[VMN_APP_TYPES_MAX];
    struct model_request request;

    for (size_t i = 0; i < app->n_types; i++) {
        declared[i] = (struct model_declared) {
            app->types[i].class_->name, app->types[i].spec,
        };
    }
    model_show_types(world->model);
    model_request_init(&request, "test");
    request.loads = true;
    model_request_set_types(&request, world->model, name, declared,
                            app->n_types);
    ovs_assert(apply_request(world->model, &request));
    model_request_uninit(&request);
}

static unsigned
run_world(struct apphost *apphost, unsigned n_granted, bool limited)
{
    struct world *world = xzalloc(sizeof *world);
    unsigned n_wrong;

    world->apphost = apphost;
    world->model = model_create();
    for (size_t i = 0; tenants_apps[i]; i++) {
        declare_types(world, tenants_apps[i]);
    }
    world->engine = engine_create(world->model, apphost_pipeline(apphost));
    engine_delta_destroy(engine_run(world->engine));
    populate(world);
    world_measure(world);
    n_wrong = run(world, n_granted, limited);
    printf("# %s rights: %u requests granted, %u of them drafted, %u refused, "
           "%u packets compared; %u drafts of others seen, %u not\n",
           limited ? "with" : "without", world->n_granted, world->n_drafted,
           world->n_refused, world->n_compared, world->n_seen,
           world->n_hidden);
    if (limited && (!world->n_drafted || !world->n_hidden)) {
        printf("# no drafts were looked at\n");
        n_wrong = 1;
    }
    if (limited && (!world->n_limited || !world->n_snooped
                    || !world->n_counted)) {
        printf("# no limits, snooping or counting was looked at: %u %u %u\n",
               world->n_limited, world->n_snooped, world->n_counted);
        n_wrong = 1;
    }
    engine_destroy(world->engine);
    model_destroy(world->model);
    free(world);
    return n_wrong;
}

int
main(int argc, char *argv[])
{
    unsigned seed = argc > 1 ? atoi(argv[1]) : 1;
    unsigned n_granted = argc > 2 ? atoi(argv[2]) : 200;
    struct apphost *apphost = apphost_create(NULL, false);
    struct vmn_error error = VMN_ERROR_INIT;
    unsigned n_wrong;

    for (size_t i = 0; tenants_apps[i]; i++) {
        if (load_built_app(apphost, tenants_apps[i], &error)) {
            printf("# %s\n", error.text);
            return 1;
        }
    }

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    printf("# seed %u, %u requests to be granted\n", seed, n_granted);
    seed_random(seed);
    n_wrong = run_world(apphost, n_granted, true);
    if (!n_wrong && !run_world(apphost, n_granted, false)) {
        printf("# nothing was noticed without rights\n");
        n_wrong = 1;
    }
    apphost_destroy(apphost);
    printf("%s\n", n_wrong ? "not ok" : "ok");
    return n_wrong != 0;
}
