/* SPDX-License-Identifier: Apache-2.0
 *
 * The app dhcp: DHCPv4, and which packets reach it at all. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/dhcp-fixture.h"
#include "util.h"
#include "vmn/dhcp.h"

static const struct vmn_ip server = { 4, { 169, 254, 0, 67 } };
static const struct vmn_ip everyone = { 4, { 255, 255, 255, 255 } };
static const struct vmn_ip nobody = { .family = 4 };

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
        { none, own, stranger, 0, "for another server" },
        { none, none, server, 0, "no address in request" },
        /* After a start. */
        { none, own, none, VMN_DHCP4_ACK, NULL },
        { none, wrong, none, VMN_DHCP4_NAK, NULL },
        /* Renewing, rebinding. */
        { own, none, none, VMN_DHCP4_ACK, NULL },
        { wrong, none, none, VMN_DHCP4_NAK, NULL },
        { own, none, server, VMN_DHCP4_ACK, NULL },
        { wrong, none, server, VMN_DHCP4_NAK, NULL },
        { wrong, own, none, VMN_DHCP4_NAK, NULL },
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
    assert_string_equal(ask4(f, &q, &answer), "not the port's address");
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
        { VMN_DHCP4_OFFER, "not a client message" },
        { VMN_DHCP4_ACK, "not a client message" },
        { VMN_DHCP4_NAK, "not a client message" },
        { 9, "not a client message" },
        { 255, "not a client message" },
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

    assert_string_equal(ask(f, "dhcp.v4", "a", frame, size),
                        "not the port's MAC");
    memcpy(frame + 6, mac_of("a").ea, 6);
    assert_string_equal(ask(f, "dhcp.v4", "a", frame, size),
                        "not the port's MAC");
    assert_null(ask(f, "dhcp.v4", "b", frame, size) ? NULL : "answered");
    assert_string_equal(ask(f, "dhcp.v4", NULL, frame, size),
                        "not from a port");
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

#define PORT_A(OPTIONS)                                                     \
    "{'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01', "          \
    "'ips': ['10.0.1.1', 'fd00::1'], 'dhcp_options': {" OPTIONS "}}}"
#define URL "http://10.0.0.69/boot.efi"

/* Firmware that boots by HTTP takes offers of its own class only. */
static void
v4_http_clients_are_answered_with_their_class(void **state)
{
    static const uint8_t http[] = "\x3c\x15HTTPClient:Arch:00016";
    static const uint8_t pxe[] = "\x3c\x14PXEClient:Arch:00007";
    const struct {
        const uint8_t *class_;
        size_t size;
        const char *port;       /* Its row. */
        const char *answer;     /* NULL: no option 60. */
    } cases[] = {
        { http, sizeof http - 1, PORT_A("'boot_file': '" URL "'"),
          "HTTPClient" },
        { http, sizeof http - 1, PORT_A("'boot_file': 'https://b/x'"),
          "HTTPClient" },
        { pxe, sizeof pxe - 1, PORT_A("'boot_file': '" URL "'"), NULL },
        { NULL, 0, PORT_A("'boot_file': '" URL "'"), NULL },
        { http, sizeof http - 1, PORT_A("'boot_file': 'x'"), NULL },
        { http, sizeof http - 1, PORT_A("'boot_file': '" URL "', "
          "'options': [{'code': 60, 'hex': '4d45'}]"), "ME" },
    };
    static const uint8_t types[] = { VMN_DHCP4_DISCOVER, VMN_DHCP4_REQUEST };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        struct ask4 q = { .port = "a", .type = types[i % 2],
                          .requested = ip4(10, 0, 1, 1),
                          .wanted = "\x01\x03\x3c\x43",
                          .more = cases[i / 2].class_,
                          .more_size = cases[i / 2].size };
        const char *text = cases[i / 2].answer;
        struct vmn_dhcp4 answer;

        apps_fixture_apply(f->apps, cases[i / 2].port);
        assert_null(ask4(f, &q, &answer));
        if (text) {
            assert_option(&answer, 60, text, strlen(text));
        } else {
            assert_no_option(&answer, 60);
        }
    }
}

/* A boot file that the header has no room for is in option 67, whether the
 * client lists that or not; and nothing else is lost by it. */
static void
v4_long_boot_files_are_an_option(void **state)
{
    static const size_t sizes[] = { 1, 127, 128, 255 };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        const struct ask4 q = { .port = "a", .type = VMN_DHCP4_DISCOVER,
                                .wanted = "\x01\x03", .max_size = 1400 };
        bool is_long = sizes[i] > 127;
        struct vmn_dhcp4 answer;
        char file[256], *row;

        memset(file, 'f', sizes[i]);
        file[sizes[i]] = '\0';
        row = xasprintf(PORT_A("'boot_file': '%s'"), file);
        apps_fixture_apply(f->apps, row);
        free(row);
        assert_null(ask4(f, &q, &answer));
        ASSERT_OPTION(&answer, 3, 10, 0, 0, 1);
        if (is_long) {
            assert_option(&answer, 67, file, sizes[i]);
            assert_int_equal(f->udp.payload[108], 0);
        } else {
            assert_no_option(&answer, 67);
            assert_memory_equal(f->udp.payload + 108, file, sizes[i] + 1);
        }
    }
}

/* Options as bytes are sent unasked, and in place of VMN's own. */
static void
v4_options_as_bytes_are_sent(void **state)
{
    const struct ask4 q = { .port = "a", .type = VMN_DHCP4_DISCOVER,
                            .wanted = "\x01\x77" };
    struct fixture *f = *state;
    struct vmn_dhcp4 answer;

    apps_fixture_apply(f->apps, PORT_A(
        "'options': [{'code': 119, 'hex': '0161C000'}, "
        "{'code': 43, 'hex': 'ff00'}]"));
    assert_null(ask4(f, &q, &answer));
    ASSERT_OPTION(&answer, 119, 1, 'a', 0xc0, 0);
    ASSERT_OPTION(&answer, 43, 0xff, 0);
    ASSERT_OPTION(&answer, 1, 255, 255, 252, 0);
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

/* Options are there whole, and what ends a message has room, or they are not
 * there at all. */
static void
options_need_their_room(void **state OVS_UNUSED)
{
    static const size_t sizes[] = { 0, 1, 4, 254, 255, 256, 510, 511 };
    uint8_t data[600], option[511] = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t size = sizes[i];
        size_t n_parts = size <= 255 ? 1 : size <= 510 ? 2 : 3;
        size_t needed = size + 2 * n_parts + 1;
        struct vmn_bytes b = vmn_bytes(data, needed - 1);

        assert_false(vmn_dhcp4_put(&b, 12, option, size));
        assert_int_equal(b.size, 0);
        assert_false(b.full);
        b = vmn_bytes(data, needed);
        assert_true(vmn_dhcp4_put(&b, 12, option, size));
        assert_int_equal(b.size, needed - 1);

        b = vmn_bytes(data, size + 3);
        assert_false(vmn_dhcp6_put(&b, 12, option, size));
        assert_int_equal(b.size, 0);
        assert_false(b.full);
        b = vmn_bytes(data, size + 4);
        assert_true(vmn_dhcp6_put(&b, 12, option, size));
        assert_int_equal(b.size, size + 4);
    }
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

/* A lease is refused as soon as its address is not the port's, or not leased
 * any more, whatever has changed. */
static void
v4_lost_leases_are_refused(void **state)
{
    static const char *const changes[] = {
        PORT_A("'lease_time': 100"), /* Another address beside its own. */
        "{'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01', "
        "'ips': ['10.0.1.9']}}",
        "{'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01', "
        "'ips': ['10.9.0.1']}}",
        "{'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01', "
        "'ips': ['fd00::1']}}",
        "{'networks/away': {'vni': 200, 'subnets': [{'cidr': '10.0.0.0/22', "
        "'dhcp': true}]}, 'ports/a': {'network': 'away', "
        "'mac': '02:00:00:00:00:01', 'ips': ['10.0.1.9']}}",
        "{'networks/away': {'vni': 200, 'subnets': [{'cidr': '10.0.0.0/22'}]},"
        "'ports/a': {'network': 'away', 'mac': '02:00:00:00:00:01', "
        "'ips': ['10.0.1.1']}}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        const struct ask4 q = { .port = "a", .type = VMN_DHCP4_REQUEST,
                                .ciaddr = ip4(10, 0, 1, 1) };
        struct vmn_dhcp4 answer;

        apps_fixture_apply(f->apps, changes[i]);
        apps_fixture_check(f->apps);
        assert_null(ask4(f, &q, &answer));
        if (answer.type != (i ? VMN_DHCP4_NAK : VMN_DHCP4_ACK)) {
            fail_msg("change %"PRIuSIZE": answer %u", i, answer.type);
        }
    }
}

/* What a guest may ask before it has an address, or with a former one; and it
 * is no server, served or not. */
static void
only_what_is_served_gets_through(void **state)
{
    static const char *const ask4 =
        "overlay.admit/3 160 udp,reg0=0x64,nw_src=0.0.0.0,"
        "nw_dst=255.255.255.255,tp_src=68,tp_dst=67";
    static const char *const former4 =
        "overlay.admit/3 25 udp,reg0=0x64,nw_dst=255.255.255.255,tp_src=68,"
        "tp_dst=67";
    static const char *const unicast4 =
        "overlay.admit/3 25 udp,nw_dst=169.254.0.67,tp_src=68,tp_dst=67";
    static const char *const arp =
        "overlay.admit/3 25 arp,arp_tpa=169.254.0.67,arp_op=1";
    static const char *const ask6 =
        "overlay.admit/3 160 udp6,reg0=0x64,ipv6_dst=ff02::1:2,tp_src=546,"
        "tp_dst=547";
    static const char *const server4 =
        "overlay.admit/3 150 udp,tp_dst=68 "
        "actions=drop (DHCP server)";
    static const char *const server6 =
        "overlay.admit/3 150 udp6,tp_dst=546";
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
        assert_int_equal(has_flow(f, former4), cases[i].v4);
        assert_int_equal(has_flow(f, ask6), cases[i].v6);
        assert_true(has_flow(f, unicast4));
        assert_true(has_flow(f, arp));
        assert_true(has_flow(f, server4));
        assert_true(has_flow(f, server6));
        assert_int_equal(has_flow(f, rs), cases[i].routers);
        free(rows);
    }
}

/* On a physical network another server may answer. */
static void
clients_on_physical_networks_reach_servers(void **state)
{
    struct fixture *f = *state;

    apps_fixture_apply(f->apps, "{'ports/b': null, 'ports/none': null, "
        "'bindings/b': null, 'networks/shop': {'vni': 100, 'provider': "
        "{'physical': 'p'}, 'subnets': [{'cidr': '10.0.0.0/16'}]}, "
        "'ports/a': {'network': 'shop', "
        "'mac': '02:00:00:00:00:01', 'ips': ['10.0.1.1']}, 'vifs/h1/a': "
        "{'host': 'h1', 'iface_id': 'a', 'iface': 'tap', 'ofport': 1}}");
    apps_fixture_check(f->apps);
    assert_false(has_flow(f, "overlay.admit/3 160 udp,reg0=0x64,nw_src="));
    assert_true(has_flow(f, "overlay.admit/3 160 udp,reg0=0x64,in_port=1,"
                         "dl_src=02:00:00:00:00:01,nw_src=0.0.0.0,"
                         "nw_dst=255.255.255.255,tp_src=68,tp_dst=67"));
    assert_false(has_flow(f, "overlay.admit/3 25 udp,reg0=0x64"));
}

/* A client resolves the router on its way to the server. */
static void
routers_are_resolved_from_former_addresses(void **state)
{
    static const char *const reply = "overlay.admit/3 25 arp,reg0=0x64,"
                                     "arp_tpa=10.0.0.1,arp_op=1";
    struct fixture *f = *state;

    assert_false(has_flow(f, reply));
    apps_fixture_apply(f->apps, "{'routers/r': {'mac': '0e:00:00:00:00:11', "
                       "'interfaces': [{'network': 'shop'}]}}");
    apps_fixture_check(f->apps);
    assert_true(has_flow(f, reply));
}

int
main(void)
{
#define CASE(TEST) \
    cmocka_unit_test_setup_teardown(TEST, dhcp_setup, dhcp_teardown)
    const struct CMUnitTest tests[] = {
        CASE(v4_discover_is_offered_the_ports_address),
        CASE(v4_answers_go_where_the_client_hears_them),
        CASE(v4_requests_are_answered_by_state),
        CASE(v4_inform_gets_options_and_no_lease),
        CASE(v4_what_changes_nothing_is_counted),
        CASE(v4_with_anothers_mac_is_not_answered),
        CASE(v4_the_clients_list_decides),
        CASE(v4_routes_say_the_default_too),
        CASE(v4_http_clients_are_answered_with_their_class),
        CASE(v4_long_boot_files_are_an_option),
        CASE(v4_options_as_bytes_are_sent),
        CASE(v4_answers_are_no_longer_than_asked),
        CASE(options_need_their_room),
        CASE(v4_rubbish_is_not_answered),
        CASE(v4_lost_leases_are_refused),
        CASE(only_what_is_served_gets_through),
        CASE(clients_on_physical_networks_reach_servers),
        CASE(routers_are_resolved_from_former_addresses),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
