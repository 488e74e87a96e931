/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test of the firewall: for random labels, groups, tiers, policies
 * and packets, what the simulator says of the compiled flows is what a plain
 * reading of the policies says (policy-text.c): of new connections, and of one
 * that has been open since before some edits.  Who is rejected is told.
 * Networks are joined by routers that come, go, and join others; where there
 * is a way, that makes no difference to policies.
 *
 * Usage: test-policy [SEED [CASES]].  The seed is printed. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/simulator/desired-hosts.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "tests/property/policy-connections.h"
#include "tests/property/setup.h"
#include "util.h"

/* Packets between two edits, and connections that are open meanwhile. */
#define N_PACKETS 100
#define N_HELD 20

static bool
is_rejection(const char *reason)
{
    return !strcmp(reason, "rejected by rule");
}

struct tally {
    unsigned n, n_allowed, n_routed;
};

/* Checks the answer to 'packet', which was let through: it is as welcome, but
 * where its own rules decide.  Returns whether both agree. */
static bool
check_answer(const struct world *world, struct simulator *sim,
             const struct text_packet *text, struct sim_packet *packet)
{
    struct text_packet back = {
        .src = text->dst, .dst = text->src, .src_ip = text->dst_ip,
        .dst_ip = text->src_ip, .protocol = text->protocol,
        .port = ntohs(packet->tp_src),
    };
    bool here = is_stateless(world, text->src, text->protocol);
    bool there = is_stateless(world, text->dst, text->protocol);
    unsigned kept[VMN_N_DIRECTIONS];
    char why[TEXT_WHY] = "an answer";
    const char *reason;
    bool want = ((!here && !there)
                 || verdict_of(world, &back, why, kept) == TEXT_ALLOWED);
    bool found;

    turn_packet(packet);
    set_macs(world, packet, text->dst, text->src);
    found = arrives(world, sim, text->dst, text->src, packet, &reason);
    if (want == found || (!want && here != there)) {
        return true;            /* (One host's rules let it through.) */
    }
    printf("# answer of %s to %s, protocol %u, %u: to be %s (%s), is not "
           "(%s)\n", text->dst->row.name, text->src->row.name,
           text->protocol, text->port, want ? "let through" : "dropped", why,
           reason ? reason : "-");
    return false;
}

/* One case.  Returns whether both agree. */
static bool
check_packet(const struct world *world, struct simulator *sim,
             struct tally *tally)
{
    struct text_packet text = { .port = 0 };
    struct sim_packet packet;
    const char *reason;
    char why[TEXT_WHY];
    unsigned kept[VMN_N_DIRECTIONS];

    random_packet(world, &text);
    make_packet(world, &text, &packet);
    simulator_begin(sim);

    enum text_verdict verdict = verdict_of(world, &text, why, kept);
    bool want = verdict == TEXT_ALLOWED;
    bool found = arrives(world, sim, text.src, text.dst, &packet, &reason);

    tally->n++;
    tally->n_allowed += want;
    tally->n_routed += want && network_index(text.src)
                               != network_index(text.dst);
    /* (Without a way, it may be for somebody else of that address.) */
    if (!found && has_way(world, &text)
        && is_rejection(reason) != (verdict == TEXT_REJECTED)) {
        printf("# %s to %s, protocol %u, %u: %s, to be %s (%s)\n",
               text.src->row.name, text.dst->row.name, text.protocol,
               text.port, reason, verdict == TEXT_REJECTED ? "rejected"
               : "dropped", why);
        return false;
    }
    if (verdict == TEXT_REJECTED && !is_told(world, sim, &text)) {
        return false;
    }
    if (want != found) {
        printf("# %s to %s, protocol %u, %u: to be %s (%s), is not (%s)\n",
               text.src->row.name, text.dst->row.name, text.protocol,
               text.port, want ? "let through" : "dropped", why,
               reason ? reason : "-");
        return false;
    }
    return !want || check_answer(world, sim, &text, &packet);
}

static unsigned
run(struct world *world, unsigned n_cases)
{
    unsigned n_wrong = 0;
    struct tally tally = { 0, 0, 0 };
    struct held held[N_HELD];

    memset(held, 0, sizeof held);
    while (tally.n < n_cases && !n_wrong) {
        struct desired_hosts *net;
        struct sim_net hosts;
        struct simulator *sim;

        n_wrong += !edit(world);
        net = desired_hosts_create(world->engine, world->model);
        desired_hosts_get(net, &hosts);
        sim = simulator_create(&hosts);
        for (int i = 0; i < N_PACKETS; i++) {
            n_wrong += !check_packet(world, sim, &tally);
        }
        for (int i = 0; i < N_HELD; i++) {
            n_wrong += !check_held(world, &held[i], &hosts);
        }
        if (n_wrong) {
            world_print(world);
        }
        simulator_destroy(sim);
        desired_hosts_destroy(net);
    }
    for (int i = 0; i < N_HELD; i++) {
        held_close(&held[i]);
    }
    printf("# %u packets, %u to be let through, %u of them routed; %u edits "
           "refused\n", tally.n, tally.n_allowed, tally.n_routed,
           world->n_refused);
    return n_wrong;
}

int
main(int argc, char *argv[])
{
    unsigned seed = argc > 1 ? atoi(argv[1]) : 1;
    unsigned n_cases = argc > 2 ? atoi(argv[2]) : 100000;
    struct world world = { .apphost = load_apps(), .model = model_create() };
    unsigned n_wrong;

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    printf("# seed %u, %u cases\n", seed, n_cases);
    seed_random(seed);
    world.engine = engine_create(world.model,
                                 apphost_pipeline(world.apphost));
    engine_delta_destroy(engine_run(world.engine));
    while (!populate(&world)) {
        continue;               /* Groups in a loop, by chance. */
    }
    n_wrong = run(&world, n_cases);
    engine_destroy(world.engine);
    model_destroy(world.model);
    apphost_destroy(world.apphost);
    printf("%s\n", n_wrong ? "not ok" : "ok");
    return n_wrong != 0;
}
