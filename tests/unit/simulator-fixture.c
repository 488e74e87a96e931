/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of controller/simulator share; see simulator-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "controller/simulator/flow-lookup.h"
#include "controller/simulator/simulator.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "packets.h"
#include "tests/unit/simulator-fixture.h"
#include "util.h"

static const char *const host_names[N_HOSTS] = { "h1", "h2" };
static const char *const host_ips[N_HOSTS] = { "10.0.0.1", "10.0.0.2" };

static int
host_index(const char *host)
{
    for (int i = 0; i < N_HOSTS; i++) {
        if (!strcmp(host_names[i], host)) {
            return i;
        }
    }
    fail_msg("no host %s", host);
    return -1;
}

static struct rule_set *const *
get_sets(void *net_, const char *host, uint8_t table, size_t *n)
{
    struct net *net = net_;

    (void) table;
    *n = 1;
    return &net->sets[host_index(host)];
}

static const struct ofputil_group_mod *
get_group(void *net_, const char *host, uint32_t id)
{
    struct net *net = net_;

    (void) host;
    for (size_t i = 0; i < net->n_groups; i++) {
        if (net->groups[i].group_id == id) {
            return &net->groups[i];
        }
    }
    return NULL;
}

static bool
get_tunnel_ip(void *net, const char *host, bool v6, struct in6_addr *ip)
{
    ovs_be32 v4;

    (void) net;
    if (v6) {
        return false;
    }
    assert_true(ip_parse(host_ips[host_index(host)], &v4));
    in6_addr_set_mapped_ipv4(ip, v4);
    return true;
}

static const char *
get_host_at(void *net, const struct in6_addr *ip)
{
    for (int i = 0; i < N_HOSTS; i++) {
        struct in6_addr own;

        get_tunnel_ip(net, host_names[i], false, &own);
        if (ipv6_addr_equals(&own, ip)) {
            return host_names[i];
        }
    }
    return NULL;
}

void
add_flow(struct net *net, const char *host, const char *text)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    struct match match;
    char *error = parse_ofp_flow_mod_str(&fm, text, NULL, NULL, OFPFC_ADD,
                                         &usable);

    if (error) {
        fail_msg("%s: %s", text, error);
    }
    minimatch_expand(&fm.match, &match);
    match.flow.tunnel.metadata.tab = NULL;
    match.wc.masks.tunnel.metadata.tab = NULL;
    rule_set_add(net->sets[host_index(host)], fm.table_id, fm.priority,
                 &match, fm.ofpacts, fm.ofpacts_len);
    free(CONST_CAST(struct ofpact *, fm.ofpacts));
    minimatch_destroy(&fm.match);
}

struct net *
net_create(void)
{
    struct net *net = xzalloc(sizeof *net);
    struct sim_net sim_net = {
        .aux = net,
        .sets = get_sets,
        .group = get_group,
        .host_at = get_host_at,
        .tunnel_ip = get_tunnel_ip,
    };

    for (int i = 0; i < N_HOSTS; i++) {
        net->sets[i] = rule_set_create();
    }
    net->sim = simulator_create(&sim_net);
    simulator_keep_flows(net->sim, true);
    simulator_begin(net->sim);
    return net;
}

void
net_destroy(struct net *net)
{
    simulator_destroy(net->sim);
    for (int i = 0; i < N_HOSTS; i++) {
        rule_set_destroy(net->sets[i], NULL, NULL);
    }
    for (size_t i = 0; i < net->n_groups; i++) {
        ofputil_uninit_group_mod(&net->groups[i]);
    }
    free(net);
}

/* The packet that 'text' matches, all of whose other bits are 0.  Of a later
 * fragment, the whole packet has the ports. */
void
make_packet(const char *text, struct sim_packet *packet)
{
    const char *frag = strstr(text, ",nw_frag=later");
    char *flow_text = xasprintf("%.*s actions=drop",
                                (int) (frag ? frag - text
                                       : (int) strlen(text)), text);
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    struct match match;
    char *error = parse_ofp_flow_mod_str(&fm, flow_text, NULL, NULL,
                                         OFPFC_ADD, &usable);

    if (error) {
        fail_msg("%s: %s", text, error);
    }
    free(flow_text);
    minimatch_expand(&fm.match, &match);
    memset(packet, 0, sizeof *packet);
    packet->flow = match.flow;
    packet->flow.tunnel.metadata.tab = NULL;
    packet->tp_src = packet->flow.tp_src;
    packet->tp_dst = packet->flow.tp_dst;
    packet->tcp_flags = packet->flow.tcp_flags;
    if (frag) {
        packet->flow.nw_frag = FLOW_NW_FRAG_ANY | FLOW_NW_FRAG_LATER;
        packet->flow.tp_src = packet->flow.tp_dst = 0;
    }
    free(CONST_CAST(struct ofpact *, fm.ofpacts));
    minimatch_destroy(&fm.match);
}

static const char *const end_names[] = {
    [SIM_OUTPUT] = "output", [SIM_DROP] = "drop", [SIM_PUNT] = "up",
    [SIM_LOST] = "lost", [SIM_UNKNOWN] = "unknown",
};

/* "output h1 2 | drop h2/5 ...": where it ends, in order. */
static char *
ends(const struct net *net)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct sim_end *list;
    size_t n = simulator_ends(net->sim, &list);

    for (size_t i = 0; i < n; i++) {
        const struct sim_end *end = &list[i];

        ds_put_format(&ds, "%s%s %s", i ? " | " : "", end_names[end->kind],
                      end->host);
        if (end->kind == SIM_OUTPUT) {
            ds_put_format(&ds, " %u", end->port);
        } else {
            ds_put_format(&ds, "/%u", end->table);
        }
        if (end->text) {
            ds_put_format(&ds, ": %s", end->text);
        }
    }
    return ds_steal_cstr(&ds);
}

void
run_packet(struct net *net, const char *host, uint32_t port,
           const struct sim_packet *packet, const char *expected)
{
    char *text;

    simulator_run(net->sim, host, port, packet);
    text = ends(net);
    assert_string_equal(text, expected);
    free(text);
}

/* Has a packet come in at h1, and compares where it ends. */
void
pass(struct net *net, uint32_t port, const char *packet_text,
     const char *expected)
{
    struct sim_packet packet;

    make_packet(packet_text, &packet);
    run_packet(net, "h1", port, &packet, expected);
}

const struct flow *
end_flow(const struct net *net)
{
    const struct sim_end *list;

    assert_true(simulator_ends(net->sim, &list));
    return &list[0].packet.flow;
}
