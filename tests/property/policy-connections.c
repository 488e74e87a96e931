/* SPDX-License-Identifier: Apache-2.0
 *
 * Open connections; see policy-connections.h. */

#include <config.h>

#include "tests/property/policy-connections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "packets.h"
#include "tests/property/setup.h"
#include "util.h"

/* The hosts of now, for a simulator that outlives edits. */
static struct rule_set *const *
now_sets(void *now, const char *host, uint8_t table, size_t *n)
{
    const struct sim_net *net = now;

    return net->sets(net->aux, host, table, n);
}

static const struct ofputil_group_mod *
now_group(void *now, const char *host, uint32_t group_id)
{
    const struct sim_net *net = now;

    return net->group(net->aux, host, group_id);
}

static const char *
now_host_at(void *now, const struct in6_addr *ip)
{
    const struct sim_net *net = now;

    return net->host_at(net->aux, ip);
}

static bool
now_tunnel_ip(void *now, const char *host, bool v6, struct in6_addr *ip)
{
    const struct sim_net *net = now;

    return net->tunnel_ip(net->aux, host, v6, ip);
}

void
held_close(struct held *held)
{
    simulator_destroy(held->sim);
    held->sim = NULL;
}

/* Opens a connection, if it is let through. */
static void
held_open(const struct world *world, struct held *held)
{
    const struct sim_net now = {
        .aux = &held->now,
        .sets = now_sets,
        .group = now_group,
        .host_at = now_host_at,
        .tunnel_ip = now_tunnel_ip,
    };
    struct text_packet *text = &held->text;
    unsigned kept[VMN_N_DIRECTIONS];
    const char *reason;
    char why[TEXT_WHY];

    memset(text, 0, sizeof *text);
    random_packet(world, text);
    if (verdict_of(world, text, why, kept) != TEXT_ALLOWED
        || is_stateless(world, text->src, text->protocol)
        || is_stateless(world, text->dst, text->protocol)) {
        return;
    }
    memcpy(text->kept, kept, sizeof kept);
    make_packet(world, text, &held->there);
    held->back = held->there;
    turn_packet(&held->back);
    set_macs(world, &held->back, text->dst, text->src);
    held->domains[0] = domain_of(world, network_index(text->src));
    held->domains[1] = domain_of(world, network_index(text->dst));
    held->sim = simulator_create(&now);
    simulator_begin(held->sim);
    ovs_strlcpy(held->names[0], text->src->row.name, 16);
    ovs_strlcpy(held->names[1], text->dst->row.name, 16);
    ovs_strlcpy(held->hosts[0], find_vif(world, text->src)->host, 16);
    ovs_strlcpy(held->hosts[1], find_vif(world, text->dst)->host, 16);
    held->n_left = 1 + rnd(6);
    if (!arrives(world, held->sim, text->src, text->dst, &held->there,
                 &reason)
        || !arrives(world, held->sim, text->dst, text->src, &held->back,
                    &reason)) {
        printf("# does not open\n");
        abort();
    }
    if (held->there.tcp_flags) {
        held->there.flow.tcp_flags = htons(TCP_ACK);
        held->there.tcp_flags = htons(TCP_ACK);
    }
}

static bool
held_agrees(const struct world *world, struct held *held)
{
    struct text_packet *text = &held->text;
    unsigned kept[VMN_N_DIRECTIONS];
    const char *reason;
    char why[TEXT_WHY];
    bool want = verdict_of(world, text, why, kept) == TEXT_ALLOWED;
    bool there, back;

    /* The way may be another by now. */
    set_macs(world, &held->there, text->src, text->dst);
    set_macs(world, &held->back, text->dst, text->src);
    there = arrives(world, held->sim, text->src, text->dst, &held->there,
                    &reason);
    back = arrives(world, held->sim, text->dst, text->src, &held->back,
                   &reason);

    if (want != there || want != back) {
        printf("# open, %s to %s, protocol %u, %u, kept %u, %u: to be %s "
               "(%s), is %s there and %s back (%s)\n", text->src->row.name,
               text->dst->row.name, text->protocol, text->port,
               text->kept[VMN_EGRESS], text->kept[VMN_INGRESS],
               want ? "let through" : "dropped", why, there ? "let through"
               : "dropped", back ? "let through" : "dropped", reason);
    }
    return want == there && want == back;
}

/* A port that has moved takes no connection along, nor does a network into
 * another domain. */
static bool
has_moved(const struct world *world, const struct held *held)
{
    const struct vmn_port *const ports[2] = { held->text.src,
                                              held->text.dst };

    for (int i = 0; i < 2; i++) {
        if (strcmp(find_vif(world, ports[i])->host, held->hosts[i])
            || domain_of(world, network_index(ports[i]))
               != held->domains[i]) {
            return true;
        }
    }
    return false;
}

bool
check_held(const struct world *world, struct held *held,
           const struct sim_net *now)
{
    bool ok = true;

    held->now = *now;
    if (held->sim) {
        struct text_packet *text = &held->text;

        text->src = model_get(world->model, VMN_TABLE_PORT, held->names[0]);
        text->dst = model_get(world->model, VMN_TABLE_PORT, held->names[1]);
        if (has_moved(world, held)) {
            held_close(held);
        } else {
            ok = held_agrees(world, held);
            if (!held->n_left--) {
                held_close(held);
            }
        }
    }
    if (ok && !held->sim) {
        held_open(world, held);
    }
    return ok;
}
