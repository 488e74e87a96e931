/* SPDX-License-Identifier: Apache-2.0
 *
 * Which address routers tell senders from what became of their packets.  What
 * such an answer looks like is test-reject-message.c's; which packets get one,
 * test-router.c's. */

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
#include "openvswitch/vlog.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"
#include "vmn/packet.h"

/* Of apps/router/router.h. */
#define REG_ROUTER VMN_F_REG10
#define REG_FROM VMN_F_REG12
enum { TTL, NO_ROUTE, NO_NEIGHBOUR, NO_SERVICE };

static const char *const apps[] = {
    "overlay",
    "firewall",
    "loadbalancer",
    "router",
    NULL,
};

/* The router has an address in each subnet of "a", of VNI 1, and one in "b",
 * of VNI 2. */
static const char rows[] =
    "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"
    "'networks/a': {'vni': 1, 'subnets': ["
    " {'cidr': '10.0.1.0/24', 'gateway': '10.0.1.1'},"
    " {'cidr': '10.0.2.0/24', 'gateway': '10.0.2.1'},"
    " {'cidr': 'fd01::/64', 'gateway': 'fd01::1'},"
    " {'cidr': 'fd02::/64', 'gateway': 'fd02::1'}]},"
    "'networks/b': {'vni': 2, 'subnets': ["
    " {'cidr': '10.0.3.0/24', 'gateway': '10.0.3.1'}]},"
    "'networks/c': {'vni': 3, 'subnets': ["
    " {'cidr': 'fd03::/64', 'gateway': 'fd03::1'}]},"
    "'ports/p': {'network': 'a', 'ips': ['10.0.2.5', 'fd02::5']},"
    "'bindings/p': {'host': 'h1'},"
    "'vifs/h1/p': {'host': 'h1', 'iface_id': 'p', 'iface': 'tap',"
    " 'ofport': 5},"
    "'routers/r': {'mac': '0e:00:00:00:00:01', 'interfaces': ["
    " {'network': 'a'}, {'network': 'b'}]}}";

struct fixture {
    struct apps_fixture *apps;
    struct vmn_packets_out out;
};

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    f->apps = apps_fixture_create(apps);
    apps_fixture_apply(f->apps, rows);
    apps_fixture_check(f->apps);
    engine_packets_out_init(&f->out);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    engine_packets_out_uninit(&f->out);
    apps_fixture_destroy(f->apps);
    free(f);
    return 0;
}

static struct vmn_ip
ip_of(const char *text)
{
    struct vmn_ip ip = { .family = 0 };

    assert_true(vmn_ip_from_text(text, &ip));
    return ip;
}

/* A UDP packet of port "p" from 'source' to 203.0.113.9, or 2001:db8::9. */
static size_t
make_packet(const char *source, uint8_t *frame, size_t room)
{
    struct vmn_ip from = ip_of(source);
    const struct vmn_udp udp = {
        .eth_src = { { 2, 0, 0, 0, 0, 5 } },
        .eth_dst = { { 0x0e, 0, 0, 0, 0, 1 } },
        .ip_src = from,
        .ip_dst = ip_of(from.family == 4 ? "203.0.113.9" : "2001:db8::9"),
        .ttl = 1, .src_port = 4660, .dst_port = 33434,
        .payload = (const uint8_t *) "payload", .payload_size = 7,
    };

    return vmn_udp_build(&udp, frame, room);
}

/* Has the router tell port "p", which has sent from 'source' by the network
 * with 'vni', of 'error'.  Fails unless it says it from 'from'; NULL: says
 * nothing. */
static void
expect(struct fixture *f, const char *source, uint32_t vni, uint32_t error,
       const char *from)
{
    struct model *model = apps_fixture_model(f->apps);
    uint8_t frame[256], *answer;
    struct vmn_packet_in in = {
        .host = "h1", .in_port = 5, .arg = error, .bytes = frame,
        .size = make_packet(source, frame, sizeof frame),
        .port = model_get_durable(model, VMN_TABLE_PORT, "p", NULL),
    };
    bool v6 = ip_of(source).family == 6;

    in.full_size = in.size;
    in.regs[REG_ROUTER - VMN_F_REG0] = id_pools_peek(model_id_pools(model),
                                                     "router.router", "r");
    /* One of the two does not tell by which it came. */
    in.regs[REG_FROM - VMN_F_REG0] = error == NO_NEIGHBOUR ? vni : 77;
    in.regs[VMN_REG_NETWORK - VMN_F_REG0] = error == NO_NEIGHBOUR ? 77 : vni;
    apps_fixture_handle(f->apps, "router.icmp-error", &in, &f->out);
    if (!from) {
        assert_int_equal(f->out.n, 0);
        return;
    }
    assert_int_equal(f->out.n, 1);
    assert_int_equal(f->out.sends[0].to, ENGINE_SEND_BACK);
    answer = (uint8_t *) f->out.bytes.data + f->out.sends[0].ofs;
    if (memcmp(answer + (v6 ? 22 : 26), ip_of(from).addr, v6 ? 16 : 4)) {
        fail_msg("%s in %u: not from %s", source, vni, from);
    }
    assert_memory_equal(answer + (v6 ? 38 : 30), ip_of(source).addr,
                        v6 ? 16 : 4);
}

static void
it_is_told_from_the_senders_subnet(void **state)
{
    for (uint32_t error = TTL; error <= NO_NEIGHBOUR; error++) {
        expect(*state, "10.0.1.5", 1, error, "10.0.1.1");
        expect(*state, "10.0.2.5", 1, error, "10.0.2.1");
        expect(*state, "fd01::5", 1, error, "fd01::1");
        expect(*state, "fd02::5", 1, error, "fd02::1");
        expect(*state, "10.0.3.5", 2, error, "10.0.3.1");
    }
}

/* As from any address of that network; or of another, where it has none of
 * the family there. */
static void
it_is_told_from_some_address_if_there_is_no_such(void **state)
{
    expect(*state, "192.0.2.5", 1, TTL, "10.0.1.1");
    expect(*state, "192.0.2.5", 2, TTL, "10.0.3.1");
    expect(*state, "10.0.2.5", 2, TTL, "10.0.3.1");
    expect(*state, "fd02::5", 2, TTL, "fd02::1");
    expect(*state, "10.0.2.5", 9, NO_ROUTE, "10.0.2.1");
}

/* The answer to what is for the router itself is as from there. */
static void
it_is_told_from_where_it_was_sent(void **state)
{
    expect(*state, "10.0.2.5", 1, NO_SERVICE, "203.0.113.9");
    expect(*state, "fd02::5", 1, NO_SERVICE, "2001:db8::9");
}

static void
without_an_address_nothing_is_told(void **state)
{
    struct fixture *f = *state;

    apps_fixture_apply(f->apps, "{'routers/r': {'mac': '0e:00:00:00:00:01', "
                       "'interfaces': [{'network': 'c'}]}}");
    expect(f, "10.0.2.5", 1, TTL, NULL);
    assert_string_equal(f->out.reason,
                        "router has no address to answer from");
    expect(f, "fd02::5", 1, TTL, "fd03::1");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(it_is_told_from_the_senders_subnet),
        T(it_is_told_from_some_address_if_there_is_no_such),
        T(it_is_told_from_where_it_was_sent),
        T(without_an_address_nothing_is_told),
#undef T
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
