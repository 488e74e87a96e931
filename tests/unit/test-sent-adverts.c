/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of withdrawals of router advertisements
 * (fabric/packets/sent-adverts.h). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "controller/engine/packet-handler.h"
#include "controller/fabric/packets/sent-adverts.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"
#include "vmn/packet.h"

static const struct engine_handler routers = { .index = 1 };
static const struct engine_handler querier = { .index = 2 };

/* A router's advertisement. */
struct advert_of {
    uint8_t router;             /* The last byte of its MAC. */
    uint16_t router_s;
    uint8_t prefix;             /* Of fd00:PREFIX::/64; 0: none. */
    uint32_t prefix_s;
    uint8_t dns;                /* Of fd00::DNS; 0: none. */
    uint32_t dns_s;
};

static size_t
build(const struct advert_of *advert, uint8_t *frame, size_t room)
{
    const struct vmn_mac mac = { { 0x0e, [5] = advert->router } };
    const struct vmn_ra_prefix prefix = {
        .prefix = { { 6, { 0xfd, [3] = advert->prefix } }, 64 },
        .autonomous = true,
    };
    const struct vmn_ip dns = { 6, { 0xfd, [15] = advert->dns } };
    const struct vmn_ra ra = {
        .eth_src = mac, .eth_dst = { { 0x33, 0x33, [5] = 1 } },
        .ip_src = vmn_link_local(mac), .ip_dst = { 6, { 0xff, 2, [15] = 1 } },
        .router_s = advert->router_s, .mtu = 1400,
        .valid_s = advert->prefix_s, .preferred_s = advert->prefix_s,
        .n_prefixes = advert->prefix ? 1 : 0, .prefixes = &prefix,
        .dns_s = advert->dns_s, .n_dns = advert->dns ? 1 : 0, .dns = &dns,
    };

    return vmn_ra_build(&ra, frame, room);
}

/* Has the handler send 'now' (of router 0: nothing) to the port, and compares
 * what goes out before it with 'withdrawal' (NULL: nothing). */
static void
check(struct sent_adverts *sent, struct vmn_packets_out *out,
      const struct advert_of *now, const struct advert_of *withdrawal)
{
    uint8_t frame[1500];
    size_t size;

    out->n = 0;
    ofpbuf_clear(&out->bytes);
    if (now->router) {
        vmn_send_back(out, frame, build(now, frame, sizeof frame));
    }
    sent_adverts_note(sent, "a", &routers, true, out);
    assert_int_equal(out->n, (now->router != 0) + (withdrawal != NULL));
    for (size_t i = 0; i < out->n; i++) {
        const struct engine_send *send = &out->sends[i];

        size = build(withdrawal && !i ? withdrawal : now, frame,
                     sizeof frame);
        assert_int_equal(send->to, ENGINE_SEND_BACK);
        assert_int_equal(send->size, size);
        assert_memory_equal((const uint8_t *) out->bytes.data + send->ofs,
                            frame, size);
    }
}

static void
former_advertisements_are_withdrawn_three_times(void **state OVS_UNUSED)
{
    static const struct {
        struct advert_of before, after, withdrawal;
        bool none;              /* There is nothing to withdraw. */
    } cases[] = {
        { { 1, 1800, 1, 600, 3, 600 }, { 1, 1800, 1, 600, 3, 600 },
          .none = true },
        /* Another prefix, another resolver, another router, none. */
        { { 1, 1800, 1, 600, 3, 600 }, { 1, 1800, 2, 600, 3, 600 },
          { 1, 1800, 1, 0, 3, 600 }, false },
        { { 1, 1800, 1, 600, 3, 600 }, { 1, 1800, 1, 600, 4, 600 },
          { 1, 1800, 1, 600, 3, 0 }, false },
        { { 1, 1800, 1, 600, 3, 600 }, { 2, 1800, 1, 600, 3, 600 },
          { 1, 0, 1, 600, 3, 600 }, false },
        { { 1, 1800, 1, 600, 3, 600 }, { 1, 0, 1, 600, 3, 600 },
          { 1, 0, 1, 600, 3, 600 }, false },
        { { 1, 1800, 1, 600, 3, 600 }, { 0 }, { 1, 0, 1, 0, 3, 0 }, false },
        /* More is advertised, and nothing less. */
        { { 1, 1800, 1, 600, 0, 0 }, { 1, 1800, 1, 600, 3, 600 },
          .none = true },
        { { 1, 0, 1, 600, 0, 0 }, { 2, 1800, 1, 600, 0, 0 }, .none = true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sent_adverts *sent = sent_adverts_create(NULL);
        struct vmn_packets_out out;

        memset(&out, 0, sizeof out);
        engine_packets_out_init(&out);
        check(sent, &out, &cases[i].before, NULL);
        check(sent, &out, &cases[i].before, NULL);
        for (int j = 0; j < 5; j++) {
            check(sent, &out, &cases[i].after,
                  j < 3 && !cases[i].none ? &cases[i].withdrawal : NULL);
        }
        engine_packets_out_uninit(&out);
        sent_adverts_destroy(sent);
    }
}

/* An answer to something else, and the packets of another handler, withdraw
 * nothing; nor does another port's. */
static void
only_advertisements_of_the_port_withdraw(void **state OVS_UNUSED)
{
    static const struct advert_of advert = { 1, 1800, 1, 600, 3, 600 };
    struct sent_adverts *sent = sent_adverts_create(NULL);
    struct vmn_packets_out out;

    memset(&out, 0, sizeof out);
    engine_packets_out_init(&out);
    check(sent, &out, &advert, NULL);
    out.n = 0;
    sent_adverts_note(sent, "a", &routers, false, &out);
    assert_int_equal(out.n, 0);
    sent_adverts_note(sent, "a", &querier, true, &out);
    assert_int_equal(out.n, 0);
    sent_adverts_note(sent, "b", &routers, true, &out);
    assert_int_equal(out.n, 0);
    engine_packets_out_uninit(&out);
    sent_adverts_destroy(sent);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(former_advertisements_are_withdrawn_three_times),
        cmocka_unit_test(only_advertisements_of_the_port_withdraw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
