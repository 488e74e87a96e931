/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of controller/simulator share: hosts with flows and groups of
 * the test's, and packets that run through them. */

#ifndef TESTS_UNIT_SIMULATOR_FIXTURE_H
#define TESTS_UNIT_SIMULATOR_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "controller/simulator/simulator.h"
#include "openvswitch/ofp-group.h"

/* A net of two hosts.  ---------------------------------------------------- */

#define N_HOSTS 2

struct net {
    struct rule_set *sets[N_HOSTS];
    size_t n_groups;
    struct ofputil_group_mod groups[8]; /* Of all hosts. */
    struct simulator *sim;
};

void add_flow(struct net *net, const char *host, const char *text);
struct net *net_create(void);
void net_destroy(struct net *net);
void make_packet(const char *text, struct sim_packet *packet);
void run_packet(struct net *net, const char *host, uint32_t port,
                const struct sim_packet *packet, const char *expected);
void pass(struct net *net, uint32_t port, const char *packet_text,
          const char *expected);
const struct flow *end_flow(const struct net *net);

#define TCP "tcp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1000,tp_dst=80," \
            "tcp_flags=+syn"
#define UDP "udp,nw_src=192.0.2.1,nw_dst=192.0.2.2,tp_src=1000,tp_dst=53"

#endif /* tests/unit/simulator-fixture.h */
