/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the dhcp app: questions in, answers out, on the real engine,
 * by the RFCs' tables of what is to be answered in which state. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/packet-handler.h"
#include "controller/model/model.h"
#include "openvswitch/vlog.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"
#include "vmn/app.h"
#include "vmn/dhcp.h"

static const char *const apps[] = {
    "apps/overlay/.libs/overlay.so",
    "apps/dhcp/.libs/dhcp.so",
    NULL,
};

/* Two ports in a network with a subnet of each family that has DHCP, one that
 * guests make their addresses in, and one that is left to itself. */
#define ROWS                                                                \
    "'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"          \
    "'networks/shop': {'vni': 100, 'mtu': 1400, 'subnets': ["               \
    "  {'cidr': '10.0.0.0/22', 'gateway': '10.0.0.1', 'dhcp': true,"        \
    "   'dhcp_options': {'domain': 'sub.example'}},"                        \
    "  {'cidr': '10.9.0.0/24'},"                                            \
    "  {'cidr': 'fd00::/64', 'dhcp': true},"                                \
    "  {'cidr': 'fd01::/64', 'slaac': true}],"                              \
    " 'dhcp_options': {'lease_time': 1000, 'domain': 'net.example',"        \
    "   'dns': ['10.0.0.53', 'fd00::53'], 'ntp': ['10.0.0.123',"            \
    "   'fd00::123'], 'boot_server': '10.0.0.69', 'boot_file': 'boot'}},"   \
    "'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01',"            \
    " 'ips': ['10.0.1.1', '10.9.0.1', 'fd00::1',"                           \
    "         'fd01::ff:fe00:1']}," \
    "'ports/b': {'network': 'shop', 'mac': '02:00:00:00:00:02',"            \
    " 'ips': ['10.0.1.2'], 'dhcp_options': {'lease_time': 2000,"            \
    "   'hostname': 'bee.example'}},"                                       \
    "'ports/none': {'network': 'shop', 'mac': '02:00:00:00:00:03',"         \
    " 'ips': ['10.9.0.3']},"                                                \
    "'bindings/a': {'host': 'h1'}, 'bindings/b': {'host': 'h1'}"

static const struct vmn_ip server = { 4, { 169, 254, 0, 67 } };
static const struct vmn_ip everyone = { 4, { 255, 255, 255, 255 } };
static const struct vmn_ip nobody = { .family = 4 };

struct fixture {
    struct apps_fixture *apps;
    struct vmn_packets_out out;
    uint8_t frame[VMN_FRAME_MAX]; /* The answer. */
    size_t size;
    struct vmn_udp udp;
};

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    f->apps = apps_fixture_create(apps);
    apps_fixture_apply(f->apps, "{" ROWS "}");
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

/* Has the handler answer a frame of 'port'; returns why it did not, or NULL
 * with the answer in 'f'. */
static const char *
ask(struct fixture *f, const char *handler, const char *port,
    const uint8_t *frame, size_t size)
{
    struct vmn_packet_in in = {
        .host = "h1", .in_port = 1, .bytes = frame, .size = size,
        .full_size = size,
        .port = (port ? model_get_durable(apps_fixture_model(f->apps),
                                          VMN_TABLE_PORT, port, NULL) : NULL),
    };

    apps_fixture_handle(f->apps, handler, &in, &f->out);
    if (!f->out.n) {
        return f->out.reason ? f->out.reason : "nothing to say";
    }
    assert_int_equal(f->out.n, 1);
    assert_int_equal(f->out.sends[0].to, ENGINE_SEND_BACK);
    f->size = f->out.sends[0].size;
    memcpy(f->frame, f->out.bytes.data, f->size);
    return NULL;
}

static struct vmn_mac
mac_of(const char *port)
{
    struct vmn_mac mac = { { 2, 0, 0, 0, 0, port[0] - 'a' + 1 } };

    return *port == 'n' ? (struct vmn_mac) { { 2, 0, 0, 0, 0, 3 } } : mac;
}

static struct vmn_ip
ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct vmn_ip) { 4, { a, b, c, d } };
}

/* DHCPv4.  ---------------------------------------------------------------- */

/* A question: what may be different in it. */
struct ask4 {
    const char *port;
    uint8_t type;
    struct vmn_ip ciaddr, requested, server, giaddr;
    bool broadcast;
    const char *wanted;         /* Codes; NULL: no list. */
    const char *client_id;
    uint16_t max_size;
    const uint8_t *more;        /* Raw, behind the options. */
    size_t more_size;
};

static size_t
make4(const struct ask4 *q, uint8_t *frame, size_t room)
{
    uint8_t data[2048];
    struct vmn_bytes b = vmn_bytes(data, sizeof data);
    const struct vmn_dhcp4 dhcp = {
        .type = q->type, .xid = 0x12345678, .broadcast = q->broadcast,
        .ciaddr = q->ciaddr, .giaddr = q->giaddr, .chaddr = mac_of(q->port),
    };
    struct vmn_udp udp = {
        .eth_src = mac_of(q->port),
        .eth_dst = { { 255, 255, 255, 255, 255, 255 } },
        .ip_src = q->ciaddr.family ? q->ciaddr : nobody,
        .ip_dst = everyone, .ttl = 64, .src_port = 68, .dst_port = 67,
    };
    uint16_t max_size = htons(q->max_size);

    assert_true(vmn_dhcp4_start(&b, &dhcp, NULL));
    if (q->requested.family) {
        vmn_dhcp4_put(&b, 50, q->requested.addr, 4);
    }
    if (q->server.family) {
        vmn_dhcp4_put(&b, 54, q->server.addr, 4);
    }
    if (q->wanted) {
        vmn_dhcp4_put(&b, 55, q->wanted, strlen(q->wanted));
    }
    if (q->client_id) {
        vmn_dhcp4_put(&b, 61, q->client_id, strlen(q->client_id));
    }
    if (q->max_size) {
        vmn_dhcp4_put(&b, 57, &max_size, 2);
    }
    vmn_put(&b, q->more, q->more_size);
    vmn_dhcp4_end(&b);
    udp.payload = data;
    udp.payload_size = b.size;
    return vmn_udp_build(&udp, frame, room);
}

/* Asks; returns why there is no answer, or NULL with it in '*answer'. */
static const char *
ask4(struct fixture *f, const struct ask4 *q, struct vmn_dhcp4 *answer)
{
    uint8_t frame[2048];
    size_t size = make4(q, frame, sizeof frame);
    const char *why = ask(f, "dhcp.v4", q->port, frame, size);

    if (!why) {
        assert_true(vmn_udp_parse(f->frame, f->size, &f->udp));
        assert_true(vmn_dhcp4_parse(f->udp.payload, f->udp.payload_size,
                                    answer));
        assert_true(f->udp.payload_size >= 300);
        assert_true(answer->is_reply);
        assert_int_equal(answer->xid, 0x12345678);
        assert_int_equal(f->udp.src_port, 67);
        assert_int_equal(f->udp.dst_port, 68);
        assert_memory_equal(&f->udp.ip_src, &server, sizeof server);
    }
    return why;
}

static void
assert_option(const struct vmn_dhcp4 *dhcp, uint8_t code, const void *data,
              size_t size)
{
    uint8_t buffer[512];
    int n = vmn_dhcp4_get(dhcp, code, buffer, sizeof buffer);

    if (n != (int) size || memcmp(buffer, data, size)) {
        fail_msg("option %u has %d bytes, not the %"PRIuSIZE" expected ones",
                 code, n, size);
    }
}
#define ASSERT_OPTION(DHCP, CODE, ...) \
    assert_option(DHCP, CODE, (const uint8_t[]) { __VA_ARGS__ }, \
                  sizeof((const uint8_t[]) { __VA_ARGS__ }))

static void
assert_no_option(const struct vmn_dhcp4 *dhcp, uint8_t code)
{
    if (vmn_dhcp4_get(dhcp, code, NULL, 0) >= 0) {
        fail_msg("option %u is there", code);
    }
}

/* What a client that looks for an address is told. */
static void
v4_discover_is_offered_the_ports_address(void **state)
{
    static const struct ask4 q = { .port = "a", .type = VMN_DHCP4_DISCOVER };
    struct fixture *f = *state;
    struct vmn_ip own = ip4(10, 0, 1, 1);
    struct vmn_dhcp4 answer;

    assert_null(ask4(f, &q, &answer));
    assert_int_equal(answer.type, VMN_DHCP4_OFFER);
    assert_memory_equal(&answer.yiaddr, &own, sizeof own);
    assert_memory_equal(&f->udp.ip_dst, &own, sizeof own);
    assert_int_equal(answer.ciaddr.family, 0);
    ASSERT_OPTION(&answer, 54, 169, 254, 0, 67);
    ASSERT_OPTION(&answer, 51, 0, 0, 1000 >> 8, 1000 & 255);
    ASSERT_OPTION(&answer, 58, 0, 0, 500 >> 8, 500 & 255);
    ASSERT_OPTION(&answer, 59, 0, 0, 875 >> 8, 875 & 255);
    ASSERT_OPTION(&answer, 1, 255, 255, 252, 0);
    ASSERT_OPTION(&answer, 3, 10, 0, 0, 1);
    ASSERT_OPTION(&answer, 6, 10, 0, 0, 53);
    ASSERT_OPTION(&answer, 26, 1400 >> 8, 1400 & 255);
    assert_option(&answer, 12, "a", 1);
    assert_option(&answer, 15, "sub.example", 11);
}

static void
v4_answers_go_where_the_client_hears_them(void **state)
{
    struct ask4 q = { .port = "a", .type = VMN_DHCP4_DISCOVER,
                      .broadcast = true };
    struct fixture *f = *state;
    struct vmn_dhcp4 answer;

    assert_null(ask4(f, &q, &answer));
    assert_memory_equal(&f->udp.ip_dst, &everyone, sizeof everyone);
    assert_int_equal(f->udp.eth_dst.ea[0], 255);

    /* It has an address: the answer goes there, whatever it hears. */
    q.type = VMN_DHCP4_REQUEST;
    q.ciaddr = ip4(10, 0, 1, 1);
    assert_null(ask4(f, &q, &answer));
    assert_memory_equal(&f->udp.ip_dst, &q.ciaddr, sizeof q.ciaddr);
    assert_int_equal(f->udp.eth_dst.ea[0], 2);

    /* But a refusal reaches one that has a wrong one. */
    q.ciaddr = ip4(10, 0, 1, 7);
    q.broadcast = false;
    assert_null(ask4(f, &q, &answer));
    assert_int_equal(answer.type, VMN_DHCP4_NAK);
    assert_memory_equal(&f->udp.ip_dst, &everyone, sizeof everyone);
}

/* The four states of RFC 2131, section 4.3.2, and the address that is right or
 * is not. */
static void
v4_requests_are_answered_by_state(void **state)
{
    const struct vmn_ip none = { .family = 0 };
    const struct vmn_ip own = ip4(10, 0, 1, 1), wrong = ip4(10, 0, 1, 2);
    const struct vmn_ip stranger = ip4(10, 0, 0, 2);
    const struct {
        struct vmn_ip ciaddr, requested, server;
        uint8_t type;           /* Of the answer; 0: none... */
        const char *why;        /* ...because. */
    } cases[] = {
        /* Selecting. */
        { none, own, server, VMN_DHCP4_ACK, NULL },
        { none, wrong, server, VMN_DHCP4_NAK, NULL },
        { none, own, stranger, 0, "another server's" },
        { none, none, server, 0, "no address in request" },
        /* After a start. */
        { none, own, none, VMN_DHCP4_ACK, NULL },
        { none, wrong, none, VMN_DHCP4_NAK, NULL },
        /* Renewing, rebinding. */
        { own, none, none, VMN_DHCP4_ACK, NULL },
        { wrong, none, none, VMN_DHCP4_NAK, NULL },
        /* The port's, but no one of DHCP. */
        { none, ip4(10, 9, 0, 1), server, VMN_DHCP4_NAK, NULL },
        { none, none, none, 0, "no address in request" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct ask4 q = {
            .port = "a", .type = VMN_DHCP4_REQUEST, .client_id = "me",
            .ciaddr = cases[i].ciaddr, .requested = cases[i].requested,
            .server = cases[i].server,
        };
        struct vmn_dhcp4 answer = { .type = 0 };
        const char *why = ask4(f, &q, &answer);

        if (answer.type != cases[i].type) {
            fail_msg("case %"PRIuSIZE": answer %u", i, answer.type);
        }
        if (cases[i].why) {
            assert_string_equal(why, cases[i].why);
            continue;
        }
        assert_option(&answer, 61, "me", 2);
        if (answer.type == VMN_DHCP4_ACK) {
            assert_memory_equal(&answer.yiaddr, &own, sizeof own);
            assert_memory_equal(&answer.ciaddr, &q.ciaddr, sizeof own);
        } else {
            assert_int_equal(answer.yiaddr.family, 0);
            assert_no_option(&answer, 51);
            assert_no_option(&answer, 1);
        }
    }
}

static void
v4_inform_gets_options_and_no_lease(void **state)
{
    struct ask4 q = { .port = "a", .type = VMN_DHCP4_INFORM,
                      .ciaddr = ip4(10, 0, 1, 1) };
    struct fixture *f = *state;
    struct vmn_dhcp4 answer;

    assert_null(ask4(f, &q, &answer));
    assert_int_equal(answer.type, VMN_DHCP4_ACK);
    assert_int_equal(answer.yiaddr.family, 0);
    assert_no_option(&answer, 51);
    assert_no_option(&answer, 58);
    ASSERT_OPTION(&answer, 3, 10, 0, 0, 1);
    q.ciaddr = ip4(10, 0, 1, 2);
    assert_string_equal(ask4(f, &q, &answer), "not its address");
}

static void
v4_what_changes_nothing_is_counted(void **state)
{
    static const struct {
        uint8_t type;
        const char *why;
    } cases[] = {
        { VMN_DHCP4_DECLINE, "declined" },
        { VMN_DHCP4_RELEASE, "released" },
        { VMN_DHCP4_OFFER, "not a client's" },
        { VMN_DHCP4_ACK, "not a client's" },
        { VMN_DHCP4_NAK, "not a client's" },
        { 9, "not a client's" },
        { 255, "not a client's" },
    };
    struct fixture *f = *state;
    struct vmn_dhcp4 answer;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct ask4 q = { .port = "a", .type = cases[i].type,
                                .requested = ip4(10, 0, 1, 1),
                                .server = server };

        assert_string_equal(ask4(f, &q, &answer), cases[i].why);
    }

    const struct ask4 no_address = { .port = "none",
                                     .type = VMN_DHCP4_DISCOVER };
    assert_string_equal(ask4(f, &no_address, &answer), "no address");

    const struct ask4 relayed = { .port = "a", .type = VMN_DHCP4_DISCOVER,
                                  .giaddr = ip4(10, 0, 0, 9) };
    assert_string_equal(ask4(f, &relayed, &answer), "relayed");
}

/* Neither the frame's nor the message's may be another's. */
static void
v4_with_anothers_mac_is_not_answered(void **state)
{
    const struct ask4 q = { .port = "b", .type = VMN_DHCP4_DISCOVER };
    struct fixture *f = *state;
    uint8_t frame[2048];
    size_t size = make4(&q, frame, sizeof frame);

    assert_string_equal(ask(f, "dhcp.v4", "a", frame, size), "not its MAC");
    memcpy(frame + 6, mac_of("a").ea, 6);
    assert_string_equal(ask(f, "dhcp.v4", "a", frame, size), "not its MAC");
    assert_null(ask(f, "dhcp.v4", "b", frame, size) ? NULL : "answered");
    assert_string_equal(ask(f, "dhcp.v4", NULL, frame, size),
                        "from no port");
}

static void
v4_the_clients_list_decides(void **state)
{
    /* The router before the mask: they are turned. */
    const struct ask4 q = { .port = "b", .type = VMN_DHCP4_DISCOVER,
                            .wanted = "\x03\x2a\x01\x0c\x42\x43\x1c\x03" };
    struct fixture *f = *state;
    struct vmn_dhcp4 answer;
    const uint8_t *mask, *router;

    assert_null(ask4(f, &q, &answer));
    ASSERT_OPTION(&answer, 1, 255, 255, 252, 0);
    ASSERT_OPTION(&answer, 3, 10, 0, 0, 1);
    ASSERT_OPTION(&answer, 42, 10, 0, 0, 123);
    ASSERT_OPTION(&answer, 28, 10, 0, 3, 255);
    assert_option(&answer, 12, "bee.example", 11);
    assert_option(&answer, 66, "10.0.0.69", 9);
    assert_option(&answer, 67, "boot", 4);
    assert_no_option(&answer, 6);
    assert_no_option(&answer, 15);
    assert_no_option(&answer, 26);
    ASSERT_OPTION(&answer, 51, 0, 0, 2000 >> 8, 2000 & 255);
    mask = memmem(answer.areas[0], answer.area_sizes[0],
                  "\x01\x04\xff\xff", 4);
    router = memmem(answer.areas[0], answer.area_sizes[0],
                    "\x03\x04\x0a\x00", 4);
    assert_true(mask && router && mask < router);
    /* Where a machine without a disk looks. */
    assert_memory_equal(f->udp.payload + 108, "boot", 5);
    ASSERT_OPTION(&answer, 54, 169, 254, 0, 67);
}

static void
v4_routes_say_the_default_too(void **state)
{
    const struct ask4 q = { .port = "a", .type = VMN_DHCP4_DISCOVER,
                            .wanted = "\x79\x03\xf9" };
    struct fixture *f = *state;
    struct vmn_dhcp4 answer;

    assert_null(ask4(f, &q, &answer));
    assert_no_option(&answer, 121);
    apps_fixture_apply(f->apps, "{'ports/a': {'network': 'shop', "
        "'mac': '02:00:00:00:00:01', 'ips': ['10.0.1.1'], 'dhcp_options': "
        "{'routes': [{'destination': '172.16.0.0/12', 'via': '10.0.0.2'}, "
        "{'destination': '10.8.1.128/25', 'via': '10.0.0.3'}]}}}");
    assert_null(ask4(f, &q, &answer));
    ASSERT_OPTION(&answer, 121, 25, 10, 8, 1, 128, 10, 0, 0, 3,
                  12, 172, 16, 10, 0, 0, 2, 0, 10, 0, 0, 1);
    ASSERT_OPTION(&answer, 249, 25, 10, 8, 1, 128, 10, 0, 0, 3,
                  12, 172, 16, 10, 0, 0, 2, 0, 10, 0, 0, 1);
    apps_fixture_apply(f->apps, "{'ports/a': {'network': 'shop', "
        "'mac': '02:00:00:00:00:01', 'ips': ['10.0.1.1'], 'dhcp_options': "
        "{'routes': [{'destination': '0.0.0.0/0', 'via': '10.0.0.2'}]}}}");
    assert_null(ask4(f, &q, &answer));
    ASSERT_OPTION(&answer, 121, 0, 10, 0, 0, 2);
}

/* What does not fit into what the client takes is left out whole. */
static void
v4_answers_are_no_longer_than_asked(void **state)
{
    static const char wanted[] = "\x77\x0f\x01\x03";
    struct ask4 q = { .port = "a", .type = VMN_DHCP4_DISCOVER,
                      .wanted = wanted };
    struct fixture *f = *state;
    struct ds rows = DS_EMPTY_INITIALIZER;
    struct vmn_dhcp4 answer;
    uint8_t buffer[1500];

    ds_put_cstr(&rows, "{'ports/a': {'network': 'shop', "
                "'mac': '02:00:00:00:00:01', 'ips': ['10.0.1.1'], "
                "'dhcp_options': {'search': [");
    for (int i = 0; i < 8; i++) {
        ds_put_format(&rows, "%s'%0*d.example'", i ? ", " : "", 60, i);
    }
    ds_put_cstr(&rows, "]}}}");
    apps_fixture_apply(f->apps, ds_cstr(&rows));
    ds_destroy(&rows);

    assert_null(ask4(f, &q, &answer));
    assert_no_option(&answer, 119);
    assert_option(&answer, 15, "sub.example", 11);
    assert_true(f->size <= 14 + 576);
    q.max_size = 1400;
    assert_null(ask4(f, &q, &answer));
    /* Several parts, as it is longer than 255 bytes. */
    assert_int_equal(vmn_dhcp4_get(&answer, 119, buffer, sizeof buffer),
                     8 * (1 + 60 + 1 + 7 + 1));
    assert_true(f->size <= 14 + 1400);
    q.max_size = 65535;
    assert_null(ask4(f, &q, &answer));
    assert_true(f->size <= 14 + 1400);

    /* Nor than the network takes, whatever the client says. */
    apps_fixture_apply(f->apps, "{'networks/shop': {'vni': 100, 'mtu': 600, "
                       "'subnets': [{'cidr': '10.0.0.0/22', 'dhcp': true}, "
                       "{'cidr': '10.9.0.0/24'}]}}");
    assert_null(ask4(f, &q, &answer));
    assert_no_option(&answer, 119);
    ASSERT_OPTION(&answer, 1, 255, 255, 252, 0);
    assert_true(f->size <= 14 + 600);
}

/* Truncated, with options that end outside, of another kind of network, and
 * with any byte changed: never a crash, and an answer only to the port's own
 * MAC. */
static void
v4_rubbish_is_not_answered(void **state)
{
    const struct ask4 q = { .port = "a", .type = VMN_DHCP4_DISCOVER,
                            .wanted = "\x01\x03\x06", .client_id = "me" };
    struct fixture *f = *state;
    uint8_t frame[2048], payload[600];
    size_t size = make4(&q, frame, sizeof frame);
    struct vmn_udp udp, original;

    assert_true(vmn_udp_parse(frame, size, &original));
    memcpy(payload, original.payload, original.payload_size);
    original.payload = payload;
    for (size_t n = 0; n < original.payload_size; n++) {
        uint8_t cut[2048];
        bool whole = n >= 240 + 3 + 5 + 4; /* Up to the end of options. */
        const char *why;

        udp = original;
        udp.payload_size = n;
        size = vmn_udp_build(&udp, cut, sizeof cut);
        why = ask(f, "dhcp.v4", "a", cut, size);
        if (!whole && !why) {
            struct vmn_dhcp4 dhcp;

            /* It ends between two options. */
            assert_true(vmn_dhcp4_parse(payload, n, &dhcp));
        } else if (!whole) {
            assert_true(!strcmp(why, "malformed") || !strcmp(why, "BOOTP"));
        }
    }
    for (size_t i = 0; i < original.payload_size * 8; i++) {
        uint8_t changed[2048];

        payload[i / 8] ^= 1 << i % 8;
        udp = original;
        size = vmn_udp_build(&udp, changed, sizeof changed);
        if (!ask(f, "dhcp.v4", "a", changed, size)) {
            assert_memory_equal(f->frame + 42 + 28, mac_of("a").ea, 6);
        }
        payload[i / 8] ^= 1 << i % 8;
    }
}

/* DHCPv6.  ---------------------------------------------------------------- */

enum { SOLICIT = 1, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE,
       DECLINE, INFORMATION_REQUEST = 11 };

static const uint8_t our_id[] = { 0, 3, 0, 1, 0x0e, 0x56, 0x4d, 0xff, 0, 67 };
static const struct vmn_ip a6 = { 6, { 0xfd, [15] = 1 } };
static const struct vmn_ip b6 = { 6, { 0xfd, [15] = 2 } };

struct ask6 {
    uint8_t type;
    bool no_client, rapid;
    const char *server;         /* "ours", "theirs", or NULL: none. */
    int ia;                     /* An association's code, or 0. */
    const struct vmn_ip *ips[2]; /* In it. */
    bool two_ias;
    uint16_t wanted;
};

static void
put_ia(struct vmn_bytes *b, const struct ask6 *q, uint8_t iaid)
{
    size_t ia = vmn_dhcp6_open(b, q->ia);

    vmn_put_u32(b, iaid);
    vmn_put_zeros(b, q->ia == VMN_DHCP6_IA_TA ? 0 : 8);
    for (int i = 0; i < 2 && q->ips[i]; i++) {
        size_t address = vmn_dhcp6_open(b, VMN_DHCP6_IAADDR);

        vmn_put_ip(b, q->ips[i]);
        vmn_put_zeros(b, 8);
        assert_true(vmn_dhcp6_close(b, address));
    }
    assert_true(vmn_dhcp6_close(b, ia));
}

static size_t
make6(const struct ask6 *q, uint8_t *frame, size_t room)
{
    uint8_t data[2048];
    struct vmn_bytes b = vmn_bytes(data, sizeof data);
    struct vmn_udp udp = {
        .eth_src = mac_of("a"), .eth_dst = { { 0x33, 0x33, 0, 1, 0, 2 } },
        .ip_src = { 6, { 0xfe, 0x80, [11] = 0xff, 0xfe, [15] = 1 } },
        .ip_dst = { 6, { 0xff, 2, [13] = 1, [15] = 2 } },
        .ttl = 1, .src_port = 546, .dst_port = 547,
    };
    uint16_t wanted = htons(q->wanted);

    vmn_dhcp6_start(&b, q->type, 0xabcdef);
    if (!q->no_client) {
        vmn_dhcp6_put(&b, 1, "client", 6);
    }
    if (q->server) {
        vmn_dhcp6_put(&b, 2, *q->server == 'o' ? our_id
                      : (const uint8_t *) "otherserve", 10);
    }
    if (q->rapid) {
        vmn_dhcp6_put(&b, 14, NULL, 0);
    }
    if (q->ia) {
        put_ia(&b, q, 7);
    }
    if (q->two_ias) {
        put_ia(&b, q, 8);
    }
    if (q->wanted) {
        vmn_dhcp6_put(&b, 6, &wanted, 2);
    }
    udp.payload = data;
    udp.payload_size = b.size;
    return vmn_udp_build(&udp, frame, room);
}

static const char *
ask6(struct fixture *f, const struct ask6 *q, struct vmn_dhcp6 *answer)
{
    uint8_t frame[2048];
    size_t size = make6(q, frame, sizeof frame);
    struct vmn_dhcp6_option option;
    const char *why = ask(f, "dhcp.v6", "a", frame, size);

    memset(answer, 0, sizeof *answer);
    if (!why) {
        assert_true(vmn_udp_parse(f->frame, f->size, &f->udp));
        assert_true(vmn_dhcp6_parse(f->udp.payload, f->udp.payload_size,
                                    answer));
        assert_int_equal(answer->xid, 0xabcdef);
        assert_int_equal(f->udp.dst_port, 546);
        assert_true(vmn_dhcp6_find(answer->options, answer->options_size, 2,
                                   &option));
        assert_int_equal(option.size, sizeof our_id);
        assert_memory_equal(option.data, our_id, sizeof our_id);
        assert_true(q->no_client
                    || (vmn_dhcp6_find(answer->options, answer->options_size,
                                       1, &option)
                        && option.size == 6
                        && !memcmp(option.data, "client", 6)));
    }
    return why;
}

/* The first option 'code' of the answer, or of its association 'ia'. */
static bool
find6(const struct vmn_dhcp6 *answer, int ia, uint16_t code,
      struct vmn_dhcp6_option *option)
{
    if (ia) {
        return vmn_dhcp6_find(answer->options, answer->options_size, ia,
                              option)
               && vmn_dhcp6_find(option->data + 12, option->size - 12, code,
                                 option);
    }
    return vmn_dhcp6_find(answer->options, answer->options_size, code,
                          option);
}

static int
status_of(const struct vmn_dhcp6 *answer, int ia)
{
    struct vmn_dhcp6_option option;

    return find6(answer, ia, 13, &option) ? option.data[1] : -1;
}

/* The lifetime of 'ip' in the answer's association, or -1 without it. */
static int
lifetime_of(const struct vmn_dhcp6 *answer, const struct vmn_ip *ip)
{
    struct vmn_dhcp6_option ia, option;
    const uint8_t *rest;
    size_t size;

    if (!find6(answer, 0, VMN_DHCP6_IA_NA, &ia)) {
        return -1;
    }
    rest = ia.data + 12;
    size = ia.size - 12;
    while (vmn_dhcp6_next(&rest, &size, &option)) {
        if (option.code == VMN_DHCP6_IAADDR
            && !memcmp(option.data, ip->addr, 16)) {
            return option.data[22] << 8 | option.data[23];
        }
    }
    return -1;
}

static void
v6_messages_are_answered_by_type(void **state)
{
    const struct {
        struct ask6 q;
        int type;               /* 0: none... */
        const char *why;        /* ...because. */
        int status, ia_status;  /* -1: none. */
        int own, other;         /* Lifetimes; -1: not there. */
    } cases[] = {
        { { .type = SOLICIT, .ia = 3 }, ADVERTISE, NULL, -1, -1, 1000, -1 },
        { { .type = SOLICIT, .ia = 3, .rapid = true }, REPLY, NULL, -1, -1,
          1000, -1 },
        { { .type = SOLICIT, .ia = 3, .ips = { &b6 } }, ADVERTISE, NULL, -1,
          -1, 1000, -1 },
        { .q = { .type = SOLICIT, .ia = 3, .server = "ours" }, .why = "names a server" },
        { .q = { .type = SOLICIT, .ia = 3, .no_client = true }, .why = "no client identifier" },
        { { .type = REQUEST, .ia = 3, .server = "ours", .ips = { &a6 } }, REPLY,
          NULL, -1, -1, 1000, -1 },
        { .q = { .type = REQUEST, .ia = 3, .server = "theirs" }, .why = "another server's" },
        { .q = { .type = REQUEST, .ia = 3 }, .why = "names no server" },
        { { .type = CONFIRM, .ia = 3, .ips = { &a6 } }, REPLY, NULL, 0, -1,
          -1, -1 },
        { { .type = CONFIRM, .ia = 3, .ips = { &a6, &b6 } }, REPLY, NULL, 4,
          -1, -1, -1 },
        { .q = { .type = CONFIRM, .ia = 3 }, .why = "no address in confirm" },
        { { .type = RENEW, .ia = 3, .server = "ours", .ips = { &a6 } }, REPLY, NULL,
          -1, -1, 1000, -1 },
        { { .type = RENEW, .ia = 3, .server = "ours", .ips = { &b6 } }, REPLY, NULL,
          -1, -1, 1000, 0 },
        { .q = { .type = RENEW, .ia = 3, .ips = { &a6 } }, .why = "names no server" },
        { { .type = REBIND, .ia = 3, .ips = { &a6, &b6 } }, REPLY, NULL, -1,
          -1, 1000, 0 },
        { .q = { .type = REBIND, .ia = 3, .server = "ours" }, .why = "names a server" },
        { { .type = RELEASE, .ia = 3, .server = "ours", .ips = { &a6 } }, REPLY,
          NULL, 0, -1, -1, -1 },
        { { .type = RELEASE, .ia = 3, .server = "ours", .ips = { &b6 } }, REPLY,
          NULL, 0, 3, -1, -1 },
        { { .type = DECLINE, .ia = 3, .server = "ours", .ips = { &a6 } }, REPLY,
          NULL, 0, -1, -1, -1 },
        { { .type = INFORMATION_REQUEST }, REPLY, NULL, -1, -1, -1, -1 },
        { { .type = INFORMATION_REQUEST, .no_client = true }, REPLY, NULL, -1,
          -1, -1, -1 },
        { .q = { .type = INFORMATION_REQUEST, .server = "theirs" }, .why = "another server's" },
        { .q = { .type = INFORMATION_REQUEST, .ia = 3 }, .why = "malformed" },
        { .q = { .type = ADVERTISE, .server = "ours" }, .why = "not a client's" },
        { .q = { .type = REPLY }, .why = "not a client's" },
        { .q = { .type = 10 }, .why = "not a client's" },
        { .q = { .type = 12 }, .why = "malformed" },
        { .q = { .type = 0 }, .why = "not a client's" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vmn_dhcp6 answer;
        const char *why = ask6(f, &cases[i].q, &answer);

        if (answer.type != cases[i].type) {
            fail_msg("case %"PRIuSIZE": answer %u (%s)", i, answer.type,
                     why ? why : "");
        }
        if (cases[i].why) {
            assert_string_equal(why, cases[i].why);
            continue;
        }
        if (status_of(&answer, 0) != cases[i].status
            || status_of(&answer, 3) != cases[i].ia_status
            || lifetime_of(&answer, &a6) != cases[i].own
            || lifetime_of(&answer, &b6) != cases[i].other) {
            fail_msg("case %"PRIuSIZE": status %d, %d; lifetimes %d, %d", i,
                     status_of(&answer, 0), status_of(&answer, 3),
                     lifetime_of(&answer, &a6), lifetime_of(&answer, &b6));
        }
    }
}

static void
v6_only_the_first_association_has_addresses(void **state)
{
    const struct ask6 q = { .type = SOLICIT, .ia = 3, .two_ias = true };
    const struct ask6 prefix = { .type = SOLICIT, .ia = 25 };
    struct vmn_dhcp6_option option;
    struct fixture *f = *state;
    struct vmn_dhcp6 answer;
    const uint8_t *rest;
    size_t size, n = 0;

    assert_null(ask6(f, &q, &answer));
    rest = answer.options;
    size = answer.options_size;
    while (vmn_dhcp6_next(&rest, &size, &option)) {
        struct vmn_dhcp6_option inner;

        if (option.code == VMN_DHCP6_IA_NA) {
            assert_int_equal(option.data[3], 7 + n);
            assert_true(vmn_dhcp6_find(option.data + 12, option.size - 12,
                                       n++ ? 13 : 5, &inner));
        }
    }
    assert_int_equal(n, 2);

    assert_null(ask6(f, &prefix, &answer));
    assert_int_equal(status_of(&answer, 25), 6);
}

static void
v6_the_clients_list_decides(void **state)
{
    static const struct {
        uint16_t code;
        const char *data;
        size_t size;
    } cases[] = {
        { 23, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x53", 16 },
        { 24, "\3net\7example", 13 },
        { 31, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x23", 16 },
        { 56, "\0\1\0\x10\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x23", 20 },
        { 59, "boot", 4 },
        { 32, "\0\0\3\xe8", 4 },
    };
    struct fixture *f = *state;
    struct vmn_dhcp6_option option;
    struct vmn_dhcp6 answer;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct ask6 q = { .type = INFORMATION_REQUEST,
                                .wanted = cases[i].code };

        assert_null(ask6(f, &q, &answer));
        for (size_t j = 0; j < ARRAY_SIZE(cases); j++) {
            assert_int_equal(find6(&answer, 0, cases[j].code, &option),
                             i == j);
        }
        assert_true(find6(&answer, 0, cases[i].code, &option));
        assert_int_equal(option.size, cases[i].size);
        assert_memory_equal(option.data, cases[i].data, cases[i].size);
    }
}

/* Has port a look for names in five domains of 253 characters each, in a
 * network with this MTU. */
static void
search_much(struct fixture *f, int mtu)
{
    struct ds rows = DS_EMPTY_INITIALIZER;

    ds_put_format(&rows, "{'networks/shop': {'vni': 100, 'mtu': %d, "
                  "'subnets': [{'cidr': '10.0.0.0/22'}, "
                  "{'cidr': '10.9.0.0/24'}, "
                  "{'cidr': 'fd00::/64', 'dhcp': true}]}, 'ports/a': "
                  "{'network': 'shop', 'mac': '02:00:00:00:00:01', 'ips': "
                  "['fd00::1'], 'dhcp_options': {'lease_time': 1000, "
                  "'search': [", mtu);
    for (int i = 0; i < 5; i++) {
        ds_put_format(&rows, "%s'%0*d.%0*d.%0*d.%0*d'", i ? ", " : "", 63, i,
                      63, 0, 63, 0, 61, 0);
    }
    ds_put_cstr(&rows, "]}}}");
    apps_fixture_apply(f->apps, ds_cstr(&rows));
    ds_destroy(&rows);
}

/* What does not fit into what the network takes is left out whole. */
static void
v6_answers_are_no_longer_than_the_network_takes(void **state)
{
    static const struct ask6 q = { .type = SOLICIT, .ia = 3, .wanted = 24 };
    struct vmn_dhcp6_option option;
    struct fixture *f = *state;
    struct vmn_dhcp6 answer;

    search_much(f, 1500);
    assert_null(ask6(f, &q, &answer));
    assert_true(find6(&answer, 0, 24, &option));
    assert_int_equal(option.size, 5 * 255);

    search_much(f, 1280);
    assert_null(ask6(f, &q, &answer));
    assert_false(find6(&answer, 0, 24, &option));
    assert_int_equal(lifetime_of(&answer, &a6), 1000);
    assert_true(f->size <= 14 + 1280);
}

static void
v6_rubbish_is_not_answered(void **state)
{
    const struct ask6 q
        = { .type = SOLICIT, .ia = 3, .ips = { &a6 }, .wanted = 23 };
    struct fixture *f = *state;
    uint8_t frame[2048], payload[600], built[2048];
    size_t size = make6(&q, frame, sizeof frame);
    struct vmn_udp original, udp;

    assert_true(vmn_udp_parse(frame, size, &original));
    memcpy(payload, original.payload, original.payload_size);
    original.payload = payload;
    for (size_t n = 0; n < original.payload_size; n++) {
        struct vmn_dhcp6 dhcp;
        const char *why;

        udp = original;
        udp.payload_size = n;
        size = vmn_udp_build(&udp, built, sizeof built);
        why = ask(f, "dhcp.v6", "a", built, size);
        if (!vmn_dhcp6_parse(payload, n, &dhcp)) {
            assert_string_equal(why, "malformed");
        }
    }
    for (size_t i = 0; i < original.payload_size * 8; i++) {
        payload[i / 8] ^= 1 << i % 8;
        udp = original;
        size = vmn_udp_build(&udp, built, sizeof built);
        ask(f, "dhcp.v6", "a", built, size);
        payload[i / 8] ^= 1 << i % 8;
    }
    size = make6(&q, frame, sizeof frame);
    frame[6] ^= 4;
    assert_string_equal(ask(f, "dhcp.v6", "a", frame, size), "not its MAC");
}

/* Router advertisements.  ------------------------------------------------- */

/* A solicitation of the port, from its address on the link or nobody's. */
static size_t
make_rs(const char *port, bool from_nobody, uint8_t *frame)
{
    static const uint8_t head[] = {
        0x33, 0x33, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd,
        0x60, 0, 0, 0, 0, 8, 58, 255,
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1,
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
        133, 0, 0, 0, 0, 0, 0, 0,
    };
    uint32_t sum = 8 + 58;

    memcpy(frame, head, sizeof head);
    memcpy(frame + 6, mac_of(port).ea, 6);
    frame[37] = mac_of(port).ea[5];
    if (from_nobody) {
        memset(frame + 22, 0, 16);
    }
    for (size_t i = 22; i < sizeof head; i += 2) {
        sum += frame[i] << 8 | frame[i + 1];
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    frame[56] = ~sum >> 8;
    frame[57] = ~sum;
    return sizeof head;
}

/* Option 'kind' of the advertisement in 'f' that begins with 'start' behind its
 * length. */
static const uint8_t *
ra_option(const struct fixture *f, uint8_t kind, const void *start,
          size_t start_size)
{
    for (size_t ofs = 70; ofs < f->size; ofs += f->frame[ofs + 1] * 8) {
        assert_int_not_equal(f->frame[ofs + 1], 0);
        if (f->frame[ofs] == kind
            && !memcmp(f->frame + ofs + 2, start, start_size)) {
            return f->frame + ofs;
        }
    }
    return NULL;
}

/* The option of prefix fd0N::/64. */
static const uint8_t *
ra_prefix(const struct fixture *f, uint8_t n)
{
    for (size_t ofs = 70; ofs < f->size; ofs += f->frame[ofs + 1] * 8) {
        if (f->frame[ofs] == 3 && f->frame[ofs + 16] == 0xfd
            && f->frame[ofs + 17] == n) {
            return f->frame + ofs;
        }
    }
    return NULL;
}

static void
ra_says_how_the_port_gets_its_addresses(void **state)
{
    struct fixture *f = *state;
    uint8_t frame[128];
    size_t size = make_rs("a", true, frame);

    assert_null(ask(f, "dhcp.routers", "a", frame, size));
    assert_int_equal(f->frame[54], 134);
    assert_int_equal(f->frame[21], 255);
    assert_memory_equal(f->frame + 38, "\xff\2", 2);
    /* Managed and other; no router; the MTU. */
    assert_int_equal(f->frame[59], 0xc0);
    assert_int_equal(f->frame[60] << 8 | f->frame[61], 0);
    assert_non_null(ra_option(f, 5, "\0\0\0\0\5\x78", 6));
    assert_non_null(ra_option(f, 1, "\x0e\x56\x4d\xff\0\x43", 6));
    /* On the link, both; to make an address of, where that is the port's. */
    assert_non_null(ra_prefix(f, 0));
    assert_int_equal(ra_prefix(f, 0)[2], 64);
    assert_int_equal(ra_prefix(f, 0)[3], 0x80);
    assert_non_null(ra_prefix(f, 1));
    assert_int_equal(ra_prefix(f, 1)[3], 0xc0);
    assert_non_null(ra_option(f, 25, "\0\0\0\0\xff\xff\xfd", 7));
    assert_non_null(ra_option(f, 31, "\0\0\0\0\xff\xff\3net\7example", 19));

    /* To whom it is. */
    size = make_rs("a", false, frame);
    assert_null(ask(f, "dhcp.routers", "a", frame, size));
    assert_memory_equal(f->frame + 38, frame + 22, 16);
    assert_memory_equal(f->frame, mac_of("a").ea, 6);

    /* Another address there: DHCPv6 has none of it, and none is made. */
    apps_fixture_apply(f->apps, "{'ports/a': {'network': 'shop', "
                       "'mac': '02:00:00:00:00:01', 'ips': ['fd01::7']}}");
    assert_null(ask(f, "dhcp.routers", "a", frame, size));
    assert_int_equal(f->frame[59], 0x40);
    assert_int_equal(ra_prefix(f, 1)[3], 0x80);
}

/* From the address that follows from its MAC, for as long as can be said. */
static void
ra_comes_from_the_router_that_has_the_gateway(void **state)
{
    struct fixture *f = *state;
    uint8_t frame[128];
    size_t size = make_rs("a", true, frame);

    apps_fixture_apply(f->apps, "{"
        "'networks/shop': {'vni': 100, 'subnets': [{'cidr': '10.0.0.0/22'},"
        " {'cidr': 'fd00::/64', 'gateway': 'fd00::ffff'},"
        " {'cidr': '10.9.0.0/24'}, {'cidr': 'fd01::/64'}]},"
        "'routers/r': {'mac': '0e:00:00:00:00:11', 'interfaces': ["
        "  {'network': 'shop'}]},"
        "'routers/side': {'mac': '0e:00:00:00:00:22', 'interfaces': ["
        "  {'network': 'shop', 'addresses': ['fd00::fffe']}]}}");
    apps_fixture_check(f->apps);
    assert_null(ask(f, "dhcp.routers", "a", frame, size));
    assert_memory_equal(f->frame + 6, "\x0e\0\0\0\0\x11", 6);
    assert_memory_equal(f->frame + 22, "\xfe\x80\0\0\0\0\0\0\x0c\0\0\xff"
                        "\xfe\0\0\x11", 16);
    assert_int_equal(f->frame[60] << 8 | f->frame[61], 65535);
    assert_int_equal(f->frame[59], 0);
    assert_int_equal(ra_prefix(f, 0)[3], 0x80);
}

static void
ra_is_said_unasked_to_ports_with_ipv6(void **state)
{
    struct fixture *f = *state;

    assert_null(ask(f, "dhcp.routers", "a", NULL, 0));
    assert_int_equal(f->frame[54], 134);
    assert_memory_equal(f->frame, "\x33\x33\0\0\0\1", 6);
    assert_string_equal(ask(f, "dhcp.routers", "b", NULL, 0),
                        "no IPv6 address");
    apps_fixture_apply(f->apps, "{'networks/shop': {'vni': 100, 'subnets': ["
                       "{'cidr': '10.0.0.0/8'}, {'cidr': 'fd00::/15'}]}}");
    assert_string_equal(ask(f, "dhcp.routers", "a", NULL, 0),
                        "nothing to say");
}

static void
ra_is_for_the_port_alone(void **state)
{
    struct fixture *f = *state;
    uint8_t frame[128];
    size_t size = make_rs("b", false, frame);

    assert_string_equal(ask(f, "dhcp.routers", "a", frame, size),
                        "not its MAC");
    memcpy(frame + 6, mac_of("a").ea, 6);
    assert_string_equal(ask(f, "dhcp.routers", "a", frame, size),
                        "not its address");
    assert_string_equal(ask(f, "dhcp.routers", NULL, frame, size),
                        "from no port");
    make_rs("a", false, frame);
    for (size_t n = 1; n < size; n++) {
        assert_string_equal(ask(f, "dhcp.routers", "a", frame, n),
                            "malformed");
    }
    for (size_t i = 12 * 8; i < size * 8; i++) {
        /* Traffic class and flow label may be any. */
        if (i >= 14 * 8 && i < 18 * 8 && (i < 14 * 8 + 4 || i >= 15 * 8)) {
            continue;
        }
        frame[i / 8] ^= 1 << i % 8;
        if (!ask(f, "dhcp.routers", "a", frame, size)) {
            fail_msg("answered with bit %"PRIuSIZE" wrong", i);
        }
        frame[i / 8] ^= 1 << i % 8;
    }
    assert_null(ask(f, "dhcp.routers", "a", frame, size));
}

/* Flows.  ----------------------------------------------------------------- */

static bool
has_flow(struct fixture *f, const char *text)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    bool found;

    apps_fixture_flows(f->apps, "h1", false, &flows);
    found = strstr(ds_cstr(&flows), text) != NULL;
    ds_destroy(&flows);
    return found;
}

/* What a guest may ask before it has an address, and what it may not be. */
static void
only_what_is_served_gets_through(void **state)
{
    static const char *const ask4 =
        "overlay.admit/3 160 udp,reg0=0x64,nw_src=0.0.0.0,"
        "nw_dst=255.255.255.255,tp_src=68,tp_dst=67";
    static const char *const server4 =
        "overlay.admit/3 150 udp,reg0=0x64,tp_dst=68 "
        "actions=drop (DHCP server)";
    static const char *const server6 =
        "overlay.admit/3 150 udp6,reg0=0x64,tp_dst=546";
    static const char *const rs =
        "overlay.admit/3 160 icmp6,reg0=0x64,icmp_type=133";
    static const struct {
        const char *subnets;
        bool v4, v6, routers;
    } cases[] = {
        { "{'cidr': '10.0.0.0/16', 'dhcp': true},"
          "{'cidr': 'fd00::/64', 'dhcp': true}", true, true, true },
        { "{'cidr': '10.0.0.0/16'}, {'cidr': 'fd00::/64'}", false, false,
          false },
        { "{'cidr': '10.0.0.0/16', 'dhcp': true}, {'cidr': 'fd00::/64'}",
          true, false, false },
        { "{'cidr': '10.0.0.0/16'}, {'cidr': 'fd00::/64', 'slaac': true}",
          false, false, true },
    };
    struct fixture *f = *state;

    apps_fixture_apply(f->apps, "{'ports/b': null, 'ports/none': null, "
        "'bindings/b': null, 'ports/a': {'network': 'shop', "
        "'mac': '02:00:00:00:00:01', 'ips': ['10.0.1.1', 'fd00::1']}}");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *rows = xasprintf("{'networks/shop': {'vni': 100, 'subnets': "
                               "[%s]}}", cases[i].subnets);

        apps_fixture_apply(f->apps, rows);
        apps_fixture_check(f->apps);
        assert_int_equal(has_flow(f, ask4), cases[i].v4);
        assert_int_equal(has_flow(f, server4), cases[i].v4);
        assert_int_equal(has_flow(f, server6), cases[i].v6);
        assert_int_equal(has_flow(f, rs), cases[i].routers);
        free(rows);
    }
}

int
main(void)
{
#define CASE(TEST) cmocka_unit_test_setup_teardown(TEST, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(v4_discover_is_offered_the_ports_address),
        CASE(v4_answers_go_where_the_client_hears_them),
        CASE(v4_requests_are_answered_by_state),
        CASE(v4_inform_gets_options_and_no_lease),
        CASE(v4_what_changes_nothing_is_counted),
        CASE(v4_with_anothers_mac_is_not_answered),
        CASE(v4_the_clients_list_decides),
        CASE(v4_routes_say_the_default_too),
        CASE(v4_answers_are_no_longer_than_asked),
        CASE(v4_rubbish_is_not_answered),
        CASE(v6_messages_are_answered_by_type),
        CASE(v6_only_the_first_association_has_addresses),
        CASE(v6_the_clients_list_decides),
        CASE(v6_answers_are_no_longer_than_the_network_takes),
        CASE(v6_rubbish_is_not_answered),
        CASE(ra_says_how_the_port_gets_its_addresses),
        CASE(ra_comes_from_the_router_that_has_the_gateway),
        CASE(ra_is_said_unasked_to_ports_with_ipv6),
        CASE(ra_is_for_the_port_alone),
        CASE(only_what_is_served_gets_through),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
