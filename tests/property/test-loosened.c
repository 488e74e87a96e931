/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test of what requests loosen (controller/model/loosening.h): where
 * a plain reading of policies (policy-text.c) denies a packet before a random
 * edit and allows it after, the request says that it loosens something.
 *
 * Usage: test-loosened [SEED [EDITS]].  The seed is printed. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/model/loosening.h"
#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "openvswitch/vlog.h"
#include "tests/property/policy-packets.h"
#include "tests/property/policy-world.h"
#include "tests/property/setup.h"
#include "util.h"

/* Packets that are judged before and after an edit. */
#define N_PACKETS 300

struct sample {
    struct text_packet packet;
    char src[16], dst[16];
    bool is_denied;
};

struct tally {
    unsigned n, n_refused, n_loosened, n_seen, n_access, n_unseen;
};

static bool
is_denied(const struct world *world, const struct text_packet *packet,
          char why[TEXT_WHY])
{
    unsigned kept[VMN_N_DIRECTIONS];

    return policy_text_verdict(world->model, packet, why, kept)
           != TEXT_ALLOWED;
}

static void
take_samples(const struct world *world, struct sample samples[N_PACKETS])
{
    for (int i = 0; i < N_PACKETS; i++) {
        struct sample *sample = &samples[i];
        char why[TEXT_WHY];

        memset(sample, 0, sizeof *sample);
        random_packet(world, &sample->packet);
        ovs_strzcpy(sample->src, sample->packet.src->row.name,
                    sizeof sample->src);
        ovs_strzcpy(sample->dst, sample->packet.dst->row.name,
                    sizeof sample->dst);
        sample->is_denied = is_denied(world, &sample->packet, why);
    }
}

/* Sets '*ip' to the port's address of its family: ports have one of each.
 * Returns false if there is none. */
static bool
renew_ip(const struct vmn_port *port, struct vmn_ip *ip)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == ip->family) {
            *ip = port->ips[i];
            return true;
        }
    }
    return false;
}

/* Returns true if the packet was denied and is allowed. */
static bool
is_opened(const struct world *world, struct sample *sample,
          char why[TEXT_WHY])
{
    struct text_packet *packet = &sample->packet;

    packet->src = model_get(world->model, VMN_TABLE_PORT, sample->src);
    packet->dst = model_get(world->model, VMN_TABLE_PORT, sample->dst);
    return (sample->is_denied && packet->src && packet->dst
            && renew_ip(packet->src, &packet->src_ip)
            && renew_ip(packet->dst, &packet->dst_ip)
            && !is_denied(world, packet, why));
}

static const struct {
    enum vmn_table table;
    const char *prefix;
    unsigned n, share, deleted; /* Percent. */
} tables[] = {
    { VMN_TABLE_NETWORK, "n", N_NETWORKS, 4, 0 },
    { VMN_TABLE_PORT, "p", N_PORTS, 22, 0 },
    { VMN_TABLE_GROUP, "g", N_GROUPS, 20, 0 },
    { VMN_TABLE_SERVICE, "s", N_SERVICES, 10, 0 },
    { VMN_TABLE_TIER, "t", N_TIERS, 6, 0 },
    { VMN_TABLE_POLICY, "r", N_POLICIES, 30, 20 },
    { VMN_TABLE_QUARANTINE, "q", N_QUARANTINES, 8, 50 },
};

/* Gives the port another address in its subnet, which another port may
 * have. */
static void
readdress(const struct world *world, const char *name, json_t *spec)
{
    const struct vmn_port *port = model_get(world->model, VMN_TABLE_PORT,
                                            name);
    json_t *ips = json_array();

    for (size_t i = 0; i < port->n_ips; i++) {
        struct vmn_ip ip = port->ips[i];
        uint8_t *last = &ip.addr[ip.family == 6 ? 15 : 3];
        char buf[VALUE_IP_SIZE];

        *last = (uint8_t) ((*last & ~7) + 2 + rnd(6));
        json_array_append_new(ips, json_string(value_format_ip(&ip, buf)));
    }
    json_object_set_new(spec, "ips", ips);
}

static void
make_edit(const struct world *world, struct model_request *request)
{
    unsigned n = rnd(100), i;
    size_t t = 0;
    char *name;

    while (n >= tables[t].share) {
        n -= tables[t++].share;
    }
    i = rnd(tables[t].n);
    name = xasprintf("%s%u", tables[t].prefix, i);
    if (chance(tables[t].deleted)) {
        model_request_add(request, MODEL_DELETE, tables[t].table, name, NULL)
            ->missing_ok = true;
    } else {
        json_t *spec = random_spec(tables[t].table, i);

        if (tables[t].table == VMN_TABLE_PORT && chance(30)) {
            readdress(world, name, spec);
        }
        model_request_add(request, MODEL_PUT, tables[t].table, name, spec);
    }
    free(name);
}

static bool
has_access_alone(const struct loosened *loosened)
{
    for (size_t i = 0; i < loosened->n; i++) {
        if (strcmp(loosened->items[i].kind, "access")) {
            return false;
        }
    }
    return true;
}

static void
print(const struct model_request *request, const struct sample *sample,
      const char *why)
{
    const struct model_op *op = &request->ops[0];
    char *spec = op->spec ? json_dumps(op->spec, 0) : NULL;

    printf("# %s %s %s\n# opens %s to %s, protocol %u, %u (%s), and is not "
           "known to\n", op->kind == MODEL_DELETE ? "delete" : "put",
           op->name, spec ? spec : "", sample->src, sample->dst,
           sample->packet.protocol, sample->packet.port, why);
    free(spec);
}

/* One edit.  Returns false if it opens something and does not say so. */
static bool
check_edit(struct world *world, struct tally *tally)
{
    static struct sample samples[N_PACKETS];
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;
    bool ok = true;
    int n_opened = 0;

    take_samples(world, samples);
    model_request_init(&request, "test");
    vmn_errors_init(&errors);
    request.loosening = MODEL_LOOSENING_FULL;
    make_edit(world, &request);
    tally->n++;
    if (model_apply(world->model, &request, 1, &revision, &errors)) {
        tally->n_refused++;
    } else {
        for (int i = 0; i < N_PACKETS && ok; i++) {
            char why[TEXT_WHY];

            if (is_opened(world, &samples[i], why)) {
                n_opened++;
                ok = request.loosened != NULL;
                if (!ok) {
                    print(&request, &samples[i], why);
                    world_print(world);
                }
            }
        }
        tally->n_loosened += request.loosened != NULL;
        tally->n_seen += n_opened > 0;
        if (request.loosened && has_access_alone(request.loosened)) {
            tally->n_access++;
            tally->n_unseen += !n_opened;
        }
    }
    model_settle(world->model);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    return ok;
}

int
main(int argc, char *argv[])
{
    unsigned seed = argc > 1 ? atoi(argv[1]) : 1;
    unsigned n_edits = argc > 2 ? atoi(argv[2]) : 500;
    struct world world = { .apphost = load_apps(), .model = model_create() };
    struct tally tally = { 0, 0, 0, 0, 0, 0 };
    bool ok = true;

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    printf("# seed %u, %u edits\n", seed, n_edits);
    seed_random(seed);
    world.engine = engine_create(world.model,
                                 apphost_pipeline(world.apphost));
    engine_delta_destroy(engine_run(world.engine));
    while (!populate(&world)) {
        continue;
    }
    while (ok && tally.n < n_edits) {
        ok = check_edit(&world, &tally);
    }
    printf("# %u edits, %u refused, %u loosen something, of which packets "
           "show %u; of %u that open connections alone packets show all but "
           "%u\n",
           tally.n, tally.n_refused, tally.n_loosened, tally.n_seen,
           tally.n_access, tally.n_unseen);
    engine_destroy(world.engine);
    model_destroy(world.model);
    apphost_destroy(world.apphost);
    printf("%s\n", ok ? "ok" : "not ok");
    return !ok;
}
