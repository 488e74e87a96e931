/* SPDX-License-Identifier: Apache-2.0
 *
 * What gateways say unasked on the wire of an external network: which
 * addresses, in which packets, and that all have their turn.  That it is said
 * at all, and heard, is tests/system/test_gateway.py's. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/engine/packet-handler.h"
#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"
#include "vmn/packet.h"
#include "vmn/vocabulary.h"

/* Of apps/gateway/gateway.h. */
#define REG_TRANSIT VMN_F_REG11

static const char *const apps[] = {
    "overlay",
    "firewall",
    "loadbalancer",
    "router",
    "gateway",
    NULL,
};

/* h1 is on two physical networks, "dc" by VLAN 7 and "lab" without a tag. */
#define BASE                                                                \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1',"           \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'},"          \
    " {'physical': 'lab', 'bridge': 'br-lab'}]},"                           \
    "'vifs/h1/@dc': {'host': 'h1', 'iface_id': '@dc',"                      \
    " 'iface': 'vmn-to-br-ex', 'ofport': 41},"                              \
    "'vifs/h1/@lab': {'host': 'h1', 'iface_id': '@lab',"                    \
    " 'iface': 'vmn-to-br-lab', 'ofport': 42},"                             \
    "'networks/out': {'vni': 9, 'provider': {'physical': 'dc', 'vlan': 7}," \
    " 'subnets': [{'cidr': '10.9.0.0/24', 'gateway': '10.9.0.1'},"          \
    " {'cidr': 'fd09::/64', 'gateway': 'fd09::1'}]},"                       \
    "'networks/lab': {'vni': 8, 'provider': {'physical': 'lab'},"           \
    " 'subnets': [{'cidr': '10.8.0.0/24', 'gateway': '10.8.0.1'}]}"
/* Router I with an address outside, and a network of its own inside. */
#define ROUTER                                                              \
    ",'networks/n%d': {'subnets': [{'cidr': '10.0.%d.0/24',"                \
    " 'gateway': '10.0.%d.1'}]},"                                           \
    "'routers/r%d': {'mac': '0e:00:00:00:00:%02x',"                         \
    " 'interfaces': [{'network': 'n%d'}], 'external': {"                    \
    " 'network': '%s', 'addresses': ['%s%d'],"                              \
    " 'gateways': [{'host': 'h1'}]}}"

static void
put_routers(struct apps_fixture *f, int n, const char *network,
            const char *prefix)
{
    struct ds rows = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&rows, "{" BASE);
    for (int i = 1; i <= n; i++) {
        ds_put_format(&rows, ROUTER, i, i, i, i, i, i, network, prefix,
                      100 + i);
    }
    ds_put_char(&rows, '}');
    apps_fixture_apply(f, ds_cstr(&rows));
    apps_fixture_check(f);
    ds_destroy(&rows);
}

/* Has the gateways of h1 say what they do the 'nth' time on 'vif'. */
static void
announce(struct apps_fixture *f, const char *vif, uint32_t nth,
         struct vmn_packets_out *out)
{
    const struct vmn_packet_in in = {
        .host = "h1", .arg = nth, .vif = model_get_durable(
            apps_fixture_model(f), VMN_TABLE_VIF, vif, NULL),
    };

    assert_non_null(in.vif);
    apps_fixture_handle(f, "gateway.announce", &in, out);
}

/* More than are said at once: 16 each time, and all within two times, wherever
 * the count begins. */
static void
all_have_their_turn(void **state OVS_UNUSED)
{
    enum { N = 20 };
    struct apps_fixture *f = apps_fixture_create(apps);
    struct vmn_packets_out out;

    put_routers(f, N, "out", "10.9.0.");
    engine_packets_out_init(&out);
    for (uint32_t nth = 0; nth < 6; nth++) {
        int times[N + 1] = { 0 };

        for (uint32_t i = nth; i < nth + 2; i++) {
            bool now[N + 1] = { false };

            announce(f, "h1/@dc", i, &out);
            assert_int_equal(out.n, VMN_SENDS_MAX);
            for (size_t j = 0; j < out.n; j++) {
                const uint8_t *frame = (const uint8_t *) out.bytes.data
                                       + out.sends[j].ofs;
                int router = frame[31] - 100;

                assert_in_range(router, 1, N);
                assert_false(now[router]);
                now[router] = true;
                times[router]++;
            }
        }
        for (int router = 1; router <= N; router++) {
            assert_in_range(times[router], 1, 2);
        }
    }
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);
}

/* As many as fit are said each time. */
static void
few_are_said_each_time(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    struct vmn_packets_out out;
    uint8_t first = 0;

    put_routers(f, VMN_SENDS_MAX, "out", "10.9.0.");
    engine_packets_out_init(&out);
    for (uint32_t nth = 0; nth < 3; nth++) {
        announce(f, "h1/@dc", nth, &out);
        assert_int_equal(out.n, VMN_SENDS_MAX);
        first = nth ? first : ((uint8_t *) out.bytes.data)[31];
        assert_int_equal(((uint8_t *) out.bytes.data)[31], first);
    }
    announce(f, "h1/@lab", 0, &out);
    assert_int_equal(out.n, 0);
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);
}

/* The host to which a floating address migrates asks for the gateways of both
 * families as itself: with what it announces that is no more than it may send
 * at once, and all have their turn. */
static void
who_asks_as_host_is_not_too_much(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    struct vmn_packets_out out;
    bool asked[2] = { false, false };

    put_routers(f, VMN_SENDS_MAX - 1, "out", "10.9.0.");
    apps_fixture_apply(
        f, "{'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2',"
        " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"
        "'vifs/h2/@dc': {'host': 'h2', 'iface_id': '@dc',"
        " 'iface': 'vmn-to-br-ex', 'ofport': 41},"
        "'ports/p': {'network': 'n1', 'mac': '02:00:00:00:00:01',"
        " 'ips': ['10.0.1.9']},"
        "'vifs/h1/p': {'host': 'h1', 'iface_id': 'p', 'iface': 'tap1',"
        " 'ofport': 11, 'link_up': true},"
        "'vifs/h2/p': {'host': 'h2', 'iface_id': 'p', 'iface': 'tap2',"
        " 'ofport': 12, 'link_up': true},"
        "'floating-ips/f': {'router': 'r1', 'ip': '10.9.0.21',"
        " 'port': 'p'},"
        "'bindings/p': {'host': 'h2', 'candidate': 'h1'}}");
    apps_fixture_check(f);
    engine_packets_out_init(&out);
    for (uint32_t nth = 0; nth < 2; nth++) {
        announce(f, "h1/@dc", nth, &out);
        assert_int_equal(out.n, VMN_SENDS_MAX);
        for (size_t i = 0; i < out.n; i++) {
            const uint8_t *frame = (const uint8_t *) out.bytes.data
                                   + out.sends[i].ofs;

            if (!memcmp(frame + 6, (uint8_t[]) { 0x0e, 0x56, 0x4d }, 3)) {
                asked[frame[12] == 0x86] = true;
            }
        }
    }
    assert_true(asked[0] && asked[1]);
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);
}

/* In IPv4 the gateway is asked for, by which it learns who asks. */
static void
ipv4_asks_for_the_gateway(void **state OVS_UNUSED)
{
    static const uint8_t request[] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0e, 0, 0, 0, 0, 1,
        0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1,
        0x0e, 0, 0, 0, 0, 1, 10, 8, 0, 101, 0, 0, 0, 0, 0, 0, 10, 8, 0, 1,
    };
    struct apps_fixture *f = apps_fixture_create(apps);
    struct vmn_packets_out out;
    const uint8_t *frame;

    put_routers(f, 1, "lab", "10.8.0.");
    engine_packets_out_init(&out);
    announce(f, "h1/@lab", 0, &out);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.sends[0].to, ENGINE_SEND_AS_IF);
    assert_true(out.sends[0].size >= sizeof request);
    frame = (const uint8_t *) out.bytes.data + out.sends[0].ofs;
    assert_memory_equal(frame, request, sizeof request);
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);

    /* The same in a VLAN, whose tag the pipeline adds. */
    f = apps_fixture_create(apps);
    put_routers(f, 1, "out", "10.9.0.");
    engine_packets_out_init(&out);
    announce(f, "h1/@dc", 0, &out);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.sends[0].regs[VMN_REG_NETWORK - VMN_F_REG0], 9);
    assert_int_equal(out.sends[0].regs[VMN_REG_DST_HOST - VMN_F_REG0],
                     VMN_DST_HOST_PROVIDER);
    frame = (const uint8_t *) out.bytes.data + out.sends[0].ofs;
    assert_memory_equal(frame, request, 26);
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);
}

/* In IPv6 all nodes are told, without having asked (RFC 4861, section 4.4),
 * and the gateway is asked for. */
static void
ipv6_tells_all_nodes(void **state OVS_UNUSED)
{
    static const uint8_t to[] = { 0xff, 2, [15] = 1 };
    static const uint8_t from[] = { 0xfd, 9, [14] = 1, [15] = 1 };
    struct apps_fixture *f = apps_fixture_create(apps);
    struct vmn_packets_out out;
    size_t n_told = 0, n_asked = 0;

    put_routers(f, 1, "out", "fd09::");
    engine_packets_out_init(&out);
    announce(f, "h1/@dc", 0, &out);
    assert_int_equal(out.n, 2);
    for (size_t i = 0; i < out.n; i++) {
        const uint8_t *frame = (const uint8_t *) out.bytes.data
                               + out.sends[i].ofs;
        const uint8_t *ip = frame + 14, *icmp = ip + 40;

        assert_int_equal(frame[11], 1);
        assert_memory_equal(ip + 8, from, sizeof from);
        assert_int_equal(ip[7], 255);
        if (icmp[0] == 136) {
            assert_memory_equal(ip + 24, to, sizeof to);
            assert_memory_equal(icmp + 8, from, sizeof from);
            n_told++;
        } else if (icmp[0] == 135) {
            assert_int_equal(icmp[8 + 15], 1);  /* fd09::1 */
            n_asked++;
        }
    }
    assert_int_equal(n_told, 1);
    assert_int_equal(n_asked, 1);
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);
}

/* A packet to whom nobody knows: whom it is for is asked for, as from the
 * router's address of that family, or as from the floating address that the
 * packet is from, if the router has any. */
static void
unknown_neighbours_are_asked_for(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);
    struct vmn_packets_out out;
    uint8_t packet[64] = { [12] = 0x08, [26] = 10, 9, 0, 77 };
    struct vmn_packet_in in = {
        .host = "h1", .bytes = packet, .size = sizeof packet,
        .full_size = sizeof packet,
    };
    const uint8_t *frame;

    put_routers(f, 1, "out", "10.9.0.");
    engine_packets_out_init(&out);
    in.regs[VMN_REG_NETWORK - VMN_F_REG0] = 9;
    in.regs[VMN_REG_NEIGHBOUR4 - VMN_F_REG0] = 10 << 24 | 9 << 16 | 5;

    /* By a transit that is nobody's. */
    in.regs[REG_TRANSIT - VMN_F_REG0] = 0x7fff;
    apps_fixture_handle(f, "gateway.resolve", &in, &out);
    assert_int_equal(out.n, 0);
    assert_string_equal(out.reason, "router has no external network");

    in.regs[REG_TRANSIT - VMN_F_REG0] = id_pools_peek(
        model_id_pools(apps_fixture_model(f)), VMN_ID_POOL_VNI, "router/r1");
    apps_fixture_handle(f, "gateway.resolve", &in, &out);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.sends[0].to, ENGINE_SEND_AS_IF);
    frame = (const uint8_t *) out.bytes.data + out.sends[0].ofs;
    assert_memory_equal(frame + 6, ((uint8_t[]) { 0x0e, 0, 0, 0, 0, 1 }), 6);
    assert_memory_equal(frame + 28, ((uint8_t[]) { 10, 9, 0, 101 }), 4);
    assert_memory_equal(frame + 38, ((uint8_t[]) { 10, 9, 0, 5 }), 4);
    assert_int_equal(out.incomplete_network, 9);
    assert_int_equal(out.incomplete.addr[3], 5);

    /* A floating address has a MAC address of its own. */
    in.arg = 3;
    apps_fixture_handle(f, "gateway.resolve", &in, &out);
    assert_int_equal(out.n, 1);
    frame = (const uint8_t *) out.bytes.data + out.sends[0].ofs;
    assert_memory_not_equal(frame + 6,
                            ((uint8_t[]) { 0x0e, 0, 0, 0, 0, 1 }), 6);
    assert_memory_equal(frame + 28, ((uint8_t[]) { 10, 9, 0, 77 }), 4);

    /* A host to which it migrates asks as itself, and says of nobody that he
     * is there. */
    in.arg |= 1u << 31;
    apps_fixture_handle(f, "gateway.resolve", &in, &out);
    assert_int_equal(out.n, 1);
    frame = (const uint8_t *) out.bytes.data + out.sends[0].ofs;
    assert_memory_equal(frame + 6, ((uint8_t[]) { 0x0e, 0x56, 0x4d }), 3);
    assert_memory_equal(frame + 28, ((uint8_t[]) { 0, 0, 0, 0 }), 4);
    assert_memory_equal(frame + 38, ((uint8_t[]) { 10, 9, 0, 5 }), 4);
    assert_int_equal(out.incomplete.addr[3], 5);
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);
}

/* Has gateway.resolve probe a neighbour at 02:00:00:00:00:05 that 'state' says
 * is stale or was probed already, and compares the frame's destination. */
static void
probe(struct apps_fixture *f, struct vmn_packets_out *out, uint32_t state,
      const uint8_t to[6])
{
    uint8_t packet[64] = { 2, [5] = 5, [12] = 0x08, [26] = 10, 9, 0, 77 };
    struct vmn_packet_in in = {
        .host = "h1", .bytes = packet, .size = sizeof packet,
        .full_size = sizeof packet,
    };

    in.regs[VMN_REG_NETWORK - VMN_F_REG0] = 9;
    in.regs[VMN_REG_NEIGHBOUR4 - VMN_F_REG0] = 10 << 24 | 9 << 16 | 5;
    in.regs[VMN_REG_NEIGHBOUR_STATE - VMN_F_REG0] = state;
    in.regs[REG_TRANSIT - VMN_F_REG0] = id_pools_peek(
        model_id_pools(apps_fixture_model(f)), VMN_ID_POOL_VNI, "router/r1");
    apps_fixture_handle(f, "gateway.resolve", &in, out);
    assert_int_equal(out->n, 1);
    assert_memory_equal((const uint8_t *) out->bytes.data + out->sends[0].ofs,
                        to, 6);
}

/* RFC 4861, section 7.3.3: first at its address, and then whoever has it. */
static void
stale_neighbour_is_probed(void **state OVS_UNUSED)
{
    const uint8_t known[6] = { 2, [5] = 5 };
    const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    struct apps_fixture *f = apps_fixture_create(apps);
    struct vmn_packets_out out;

    put_routers(f, 1, "out", "10.9.0.");
    engine_packets_out_init(&out);
    probe(f, &out, 0, known);
    assert_int_equal(out.incomplete_network, 9);
    assert_memory_equal(&out.incomplete_known, known, sizeof known);

    /* That the entry expires is certain by now. */
    probe(f, &out, VMN_NEIGHBOUR_PROBE, all);
    assert_int_equal(out.incomplete_network, 0);
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);
}

/* Router r1 of hosts h1 and h2, h1 first or alone; h2's port to outside, which
 * may be cut off. */
#define TWO_GATEWAYS "{'host': 'h1', 'priority': 1}," \
    " {'host': 'h2', 'priority': 2}"
#define PUT_R1(GATEWAYS)                                                    \
    "{'hosts/h2': {'ovsdb': 'unix:/h2', 'tunnel_ip': '10.99.0.2',"          \
    " 'provider_bridges': [{'physical': 'dc', 'bridge': 'br-ex'}]},"        \
    "'routers/r1': {'mac': '0e:00:00:00:00:01',"                            \
    " 'interfaces': [{'network': 'n1'}], 'external': {"                     \
    " 'network': 'out', 'addresses': ['10.9.0.101', 'fd09::101'],"          \
    " 'gateways': [" GATEWAYS "]}}}"
#define PUT_H2(MORE)                                                        \
    "{'vifs/h2/@dc': {'host': 'h2', 'iface_id': '@dc',"                     \
    " 'iface': 'vmn-to-br-ex', 'ofport': 41" MORE "}}"

/* How often h1 asks for the neighbour of a packet of either family with
 * 'flags'.  First it asks as the router; then as the host, and from nobody's
 * address. */
static size_t
questions(struct apps_fixture *f, bool v6, uint32_t flags)
{
    uint8_t packet[64] = {
        [12] = v6 ? 0x86 : 0x08, [13] = v6 ? 0xdd : 0, [26] = 10, 9, 0, 77,
    };
    struct vmn_packet_in in = {
        .host = "h1", .bytes = packet, .size = sizeof packet,
        .full_size = sizeof packet,
    };
    struct vmn_packets_out out;
    size_t n;

    in.regs[VMN_REG_NETWORK - VMN_F_REG0] = 9;
    in.regs[VMN_REG_FLAGS - VMN_F_REG0] = flags;
    if (v6) {
        in.regs[VMN_REG_NEIGHBOUR6 - VMN_F_REG0] = 0xfd090000;
        in.regs[VMN_REG_NEIGHBOUR6 + 3 - VMN_F_REG0] = 5;
    } else {
        in.regs[VMN_REG_NEIGHBOUR4 - VMN_F_REG0] = 10 << 24 | 9 << 16 | 5;
    }
    in.regs[REG_TRANSIT - VMN_F_REG0] = id_pools_peek(
        model_id_pools(apps_fixture_model(f)), VMN_ID_POOL_VNI, "router/r1");
    engine_packets_out_init(&out);
    apps_fixture_handle(f, "gateway.resolve", &in, &out);
    assert_true(out.n > 0);
    for (size_t i = 0; i < out.n; i++) {
        static const uint8_t router[] = { 0x0e, 0, 0, 0, 0, 1 };
        static const uint8_t host[] = { 0x0e, 0x56, 0x4d };
        static const uint8_t nobody[4];
        static const uint8_t link_local[] = { 0xfe, 0x80 };
        const uint8_t *frame = (const uint8_t *) out.bytes.data
                               + out.sends[i].ofs;

        assert_memory_equal(frame + 6, i ? host : router, i ? 3 : 6);
        assert_int_equal(frame[v6 ? 14 + 40 + 8 + 15 : 41], 5);
        if (i && v6) {
            assert_memory_equal(frame + 14 + 8, link_local, 2);
        } else if (i) {
            assert_memory_equal(frame + 28, nobody, 4);
        }
    }
    assert_int_equal(out.incomplete.addr[v6 ? 15 : 3], 5);
    n = out.n;
    engine_packets_out_uninit(&out);
    return n;
}

static void
assert_questions(struct apps_fixture *f, uint32_t flags, size_t n)
{
    assert_int_equal(questions(f, false, flags), n);
    assert_int_equal(questions(f, true, flags), n);
}

/* Counts the flows of h1 that learn from answers to what the host asks as
 * itself. */
static int
learners(struct apps_fixture *f)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int n = 0;

    apps_fixture_flows(f, "h1", false, &ds);
    for (const char *p = ds_cstr(&ds);
         (p = strstr(p, "dl_dst=0e:56:4d:00:")); p++) {
        n++;
    }
    ds_destroy(&ds);
    return n;
}

/* How many of the frames that h1 announces by have the host's MAC address. */
static int
frames_from_host(struct apps_fixture *f)
{
    struct vmn_packets_out out;
    int n = 0;

    engine_packets_out_init(&out);
    announce(f, "h1/@dc", 0, &out);
    for (size_t i = 0; i < out.n; i++) {
        const uint8_t *frame = (const uint8_t *) out.bytes.data
                               + out.sends[i].ofs;

        n += !memcmp(frame + 6, (uint8_t[]) { 0x0e, 0x56, 0x4d }, 3);
    }
    engine_packets_out_uninit(&out);
    return n;
}

/* A gateway that has taken over asks as itself as well: the answer to what it
 * asks as the router may go to the former one.  Otherwise it does not: its
 * question is taken for that of another who wants to have the address. */
static void
gateway_that_has_taken_over_asks_twice(void **state OVS_UNUSED)
{
    struct apps_fixture *f = apps_fixture_create(apps);

    put_routers(f, 1, "out", "10.9.0.");
    apps_fixture_apply(f, PUT_R1("{'host': 'h1'}"));
    apps_fixture_apply(f, PUT_H2(", 'cut_off': true"));
    assert_questions(f, 0, 1);
    assert_int_equal(learners(f), 0);

    apps_fixture_apply(f, PUT_R1(TWO_GATEWAYS));
    assert_int_equal(learners(f), 3);   /* ARP; ND with a MAC and without. */
    assert_questions(f, 0, 2);
    apps_fixture_apply(f, PUT_H2(""));
    assert_questions(f, 0, 1);

    /* The next hop, as which no host is to be, the active one asks for as
     * itself each time: it may have just come back. */
    assert_int_equal(frames_from_host(f), 2);
    apps_fixture_apply(f, PUT_R1("{'host': 'h1'}"));
    assert_int_equal(frames_from_host(f), 0);
    apps_fixture_apply(f, PUT_R1(TWO_GATEWAYS));

    /* By flows alone. */
    assert_questions(f, VMN_FLAG_STANDS_IN, 2);
    apps_fixture_destroy(f);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_have_their_turn),
        cmocka_unit_test(few_are_said_each_time),
        cmocka_unit_test(who_asks_as_host_is_not_too_much),
        cmocka_unit_test(ipv4_asks_for_the_gateway),
        cmocka_unit_test(ipv6_tells_all_nodes),
        cmocka_unit_test(unknown_neighbours_are_asked_for),
        cmocka_unit_test(stale_neighbour_is_probed),
        cmocka_unit_test(gateway_that_has_taken_over_asks_twice),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
