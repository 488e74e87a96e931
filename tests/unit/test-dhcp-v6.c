/* SPDX-License-Identifier: Apache-2.0
 *
 * The app dhcp: DHCPv6 and router advertisements. */

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
    const uint8_t *class_;      /* Of the vendor; or NULL. */
    size_t class_size;
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
    if (q->class_) {
        vmn_dhcp6_put(&b, 16, q->class_, q->class_size);
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
    size_t head = ia == VMN_DHCP6_IA_TA ? 4 : 12;

    if (ia) {
        return vmn_dhcp6_find(answer->options, answer->options_size, ia,
                              option)
               && vmn_dhcp6_find(option->data + head, option->size - head,
                                 code, option);
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

/* Questions, and what is answered. */
static const struct answer_case {
    struct ask6 q;
    int type;               /* 0: none... */
    const char *why;        /* ...because. */
    int status, ia_status;  /* -1: none. */
    int own, other;         /* Lifetimes; -1: not there. */
} answer_cases[] = {
    { { .type = SOLICIT, .ia = 3 }, ADVERTISE, NULL, -1, -1, 1000, -1 },
    { { .type = SOLICIT, .ia = 3, .rapid = true }, REPLY, NULL, -1, -1,
      1000, -1 },
    { { .type = SOLICIT, .ia = 3, .ips = { &b6 } }, ADVERTISE, NULL, -1,
      -1, 1000, -1 },
    { .q = { .type = SOLICIT, .ia = 3, .server = "ours" },
      .why = "names a server" },
    { .q = { .type = SOLICIT, .ia = 3, .no_client = true },
      .why = "no client identifier" },
    { { .type = REQUEST, .ia = 3, .server = "ours", .ips = { &a6 } },
      REPLY, NULL, -1, -1, 1000, -1 },
    { .q = { .type = REQUEST, .ia = 3, .server = "theirs" },
      .why = "for another server" },
    { .q = { .type = REQUEST, .ia = 3 }, .why = "names no server" },
    { { .type = CONFIRM, .ia = 3, .ips = { &a6 } }, REPLY, NULL, 0, -1,
      -1, -1 },
    { { .type = CONFIRM, .ia = 3, .ips = { &a6, &b6 } }, REPLY, NULL, 4,
      -1, -1, -1 },
    { .q = { .type = CONFIRM, .ia = 3 }, .why = "no address in confirm" },
    { { .type = RENEW, .ia = 3, .server = "ours", .ips = { &a6 } }, REPLY,
      NULL, -1, -1, 1000, -1 },
    { { .type = RENEW, .ia = 3, .server = "ours", .ips = { &b6 } }, REPLY,
      NULL, -1, -1, 1000, 0 },
    { .q = { .type = RENEW, .ia = 3, .ips = { &a6 } },
      .why = "names no server" },
    { { .type = REBIND, .ia = 3, .ips = { &a6, &b6 } }, REPLY, NULL, -1,
      -1, 1000, 0 },
    { .q = { .type = REBIND, .ia = 3, .server = "ours" },
      .why = "names a server" },
    { { .type = RELEASE, .ia = 3, .server = "ours", .ips = { &a6 } },
      REPLY, NULL, 0, -1, -1, -1 },
    { { .type = RELEASE, .ia = 3, .server = "ours", .ips = { &b6 } },
      REPLY, NULL, 0, 3, -1, -1 },
    { { .type = DECLINE, .ia = 3, .server = "ours", .ips = { &a6 } },
      REPLY, NULL, 0, -1, -1, -1 },
    { { .type = INFORMATION_REQUEST }, REPLY, NULL, -1, -1, -1, -1 },
    { { .type = INFORMATION_REQUEST, .no_client = true }, REPLY, NULL, -1,
      -1, -1, -1 },
    { .q = { .type = INFORMATION_REQUEST, .server = "theirs" },
      .why = "for another server" },
    { .q = { .type = INFORMATION_REQUEST, .ia = 3 }, .why = "malformed" },
    { .q = { .type = ADVERTISE, .server = "ours" },
      .why = "not a client message" },
    { .q = { .type = REPLY }, .why = "not a client message" },
    { .q = { .type = 10 }, .why = "not a client message" },
    { .q = { .type = 12 }, .why = "malformed" },
    { .q = { .type = 0 }, .why = "not a client message" },
};

static void
v6_messages_are_answered_by_type(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(answer_cases); i++) {
        const struct answer_case *c = &answer_cases[i];
        struct vmn_dhcp6 answer;
        const char *why = ask6(f, &c->q, &answer);

        if (answer.type != c->type) {
            fail_msg("case %"PRIuSIZE": answer %u (%s)", i, answer.type,
                     why ? why : "");
        }
        if (c->why) {
            assert_string_equal(why, c->why);
            continue;
        }
        if (status_of(&answer, 0) != c->status
            || status_of(&answer, 3) != c->ia_status
            || lifetime_of(&answer, &a6) != c->own
            || lifetime_of(&answer, &b6) != c->other) {
            fail_msg("case %"PRIuSIZE": status %d, %d; lifetimes %d, %d", i,
                     status_of(&answer, 0), status_of(&answer, 3),
                     lifetime_of(&answer, &a6), lifetime_of(&answer, &b6));
        }
    }
}

/* Addresses that the port has no longer expire at once, where it has none
 * left as well, and in any association (RFC 8415, sections 18.3.4 and
 * 18.3.5). */
static void
v6_lost_leases_expire(void **state)
{
    static const char *const changes[] = {
        "{'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01', "
        "'ips': ['fd00::9']}}",
        "{'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01', "
        "'ips': ['fd01::ff:fe00:1']}}",
        "{'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01', "
        "'ips': ['10.0.1.1']}}",
        "{'networks/away': {'vni': 200, 'subnets': [{'cidr': 'fd00::/64'}]}, "
        "'ports/a': {'network': 'away', 'mac': '02:00:00:00:00:01', "
        "'ips': ['fd00::1']}}",
    };
    static const struct ask6 questions[] = {
        { .type = RENEW, .ia = 3, .server = "ours", .ips = { &a6 },
          .two_ias = true },
        { .type = REBIND, .ia = 3, .ips = { &a6 }, .two_ias = true },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2 * ARRAY_SIZE(changes); i++) {
        struct vmn_dhcp6_option option, inner;
        struct vmn_dhcp6 answer;
        const uint8_t *rest;
        size_t size, n = 0;

        apps_fixture_apply(f->apps, changes[i / 2]);
        apps_fixture_check(f->apps);
        assert_null(ask6(f, &questions[i % 2], &answer));
        assert_int_equal(answer.type, REPLY);
        assert_int_equal(lifetime_of(&answer, &a6), 0);
        rest = answer.options;
        size = answer.options_size;
        while (vmn_dhcp6_next(&rest, &size, &option)) {
            if (option.code == VMN_DHCP6_IA_NA) {
                n++;
                assert_true(vmn_dhcp6_find(option.data + 12, option.size - 12,
                                           VMN_DHCP6_IAADDR, &inner));
                assert_false(vmn_dhcp6_find(option.data + 12,
                                            option.size - 12, 13, &inner));
            }
        }
        assert_int_equal(n, 2);
    }
}

/* Firmware that boots by HTTP takes answers of its own class only. */
static void
v6_http_clients_are_answered_with_their_class(void **state)
{
    static const uint8_t class_[] = "\0\0\1\x57\0\x15HTTPClient:Arch:00016";
    static const char *const files[] = { "http://[fd00::69]/x", "x" };
    struct fixture *f = *state;

    for (size_t i = 0; i < 4; i++) {
        const struct ask6 q = { .type = SOLICIT, .ia = 3, .wanted = 59,
                                .class_ = i < 2 ? class_ : NULL,
                                .class_size = sizeof class_ - 1 };
        struct vmn_dhcp6_option option;
        struct vmn_dhcp6 answer;
        char *row = xasprintf("{'ports/a': {'network': 'shop', "
            "'mac': '02:00:00:00:00:01', 'ips': ['fd00::1'], "
            "'dhcp_options': {'boot_file': '%s'}}}", files[i % 2]);

        apps_fixture_apply(f->apps, row);
        free(row);
        assert_null(ask6(f, &q, &answer));
        assert_int_equal(find6(&answer, 0, 16, &option), i == 0);
        if (!i) {
            assert_int_equal(option.size, 16);
            assert_memory_equal(option.data, "\0\0\1\x57\0\x0aHTTPClient",
                                16);
        }
    }
}

static void
v6_only_the_first_association_has_addresses(void **state)
{
    const struct ask6 q = { .type = SOLICIT, .ia = 3, .two_ias = true };
    const struct ask6 prefix = { .type = SOLICIT, .ia = 25 };
    const struct ask6 temporary = { .type = SOLICIT,
                                    .ia = VMN_DHCP6_IA_TA };
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
    assert_null(ask6(f, &temporary, &answer));
    assert_int_equal(status_of(&answer, VMN_DHCP6_IA_TA), 2);
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

/* Who asks for an answer at once is told that it is one (RFC 8415, section
 * 18.3.1); nobody else is. */
static void
v6_a_rapid_commit_says_so(void **state)
{
    struct ask6 q = { .type = SOLICIT, .ia = 3, .rapid = true };
    struct vmn_dhcp6_option option;
    struct fixture *f = *state;
    struct vmn_dhcp6 answer;

    assert_null(ask6(f, &q, &answer));
    assert_int_equal(answer.type, REPLY);
    assert_true(find6(&answer, 0, 14, &option));
    q.rapid = false;
    assert_null(ask6(f, &q, &answer));
    assert_int_equal(answer.type, ADVERTISE);
    assert_false(find6(&answer, 0, 14, &option));
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
    assert_string_equal(ask(f, "dhcp.v6", "a", frame, size),
                        "not the port's MAC");
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

/* Option 'kind' of the advertisement in 'f' that begins with 'start' behind
 * its length. */
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
                        "nothing to say");
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
                        "not the port's MAC");
    /* Its guest chooses its link-local address. */
    memcpy(frame + 6, mac_of("a").ea, 6);
    assert_null(ask(f, "dhcp.routers", "a", frame, size));
    assert_string_equal(ask(f, "dhcp.routers", NULL, frame, size),
                        "not from a port");
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

int
main(void)
{
#define CASE(TEST) \
    cmocka_unit_test_setup_teardown(TEST, dhcp_setup, dhcp_teardown)
    const struct CMUnitTest tests[] = {
        CASE(v6_messages_are_answered_by_type),
        CASE(v6_lost_leases_expire),
        CASE(v6_http_clients_are_answered_with_their_class),
        CASE(v6_only_the_first_association_has_addresses),
        CASE(v6_the_clients_list_decides),
        CASE(v6_answers_are_no_longer_than_the_network_takes),
        CASE(v6_a_rapid_commit_says_so),
        CASE(v6_rubbish_is_not_answered),
        CASE(ra_says_how_the_port_gets_its_addresses),
        CASE(ra_comes_from_the_router_that_has_the_gateway),
        CASE(ra_is_said_unasked_to_ports_with_ipv6),
        CASE(ra_is_for_the_port_alone),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
