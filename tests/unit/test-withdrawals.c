/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what is withdrawn of router advertisements: the rows that
 * requests make (model/withdrawals.h), and what the app dhcp sends of them. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/packet-handler.h"
#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "tests/unit/dhcp-fixture.h"
#include "util.h"
#include "vmn/packet.h"

#define CHANGED_S 1000          /* When the tests change something. */

#define SUBNET_0 "{'cidr': 'fd00::/64', 'slaac': true, 'gateway': 'fd00::9'}"
#define SUBNET_1 "{'cidr': 'fd01::/64', 'slaac': true}"
#define OPTIONS "'dhcp_options': {'dns': ['fd00::53'], 'domain': 'a.example'}"
#define NETWORK(SUBNETS, OPTIONS) \
    "'networks/shop': {'vni': 100, 'subnets': [" SUBNETS "]" OPTIONS "}"
#define ROUTER(MAC) \
    "'routers/r': {'mac': '" MAC "', 'interfaces': [{'network': 'shop'}]}"
#define PORT(MORE) \
    "'ports/a': {'network': 'shop', 'mac': '02:00:00:00:00:01', " MORE "}"

static void
start(struct fixture *f)
{
    apps_fixture_apply(f->apps, "{'ports/a': null, 'ports/b': null, "
                       "'ports/none': null}");
    apps_fixture_apply(f->apps, "{'networks/shop': null}");
    apps_fixture_apply(f->apps, "{"
        NETWORK(SUBNET_0 "," SUBNET_1 ", {'cidr': '10.0.0.0/22'}, "
                "{'cidr': '10.9.0.0/24'}", ", " OPTIONS) ","
        ROUTER("0e:00:00:00:00:11") ","
        "'networks/other': {'vni': 101, 'subnets': ["
        " {'cidr': 'fd02::/64', 'slaac': true}]},"
        PORT("'ips': ['fd00::ff:fe00:1', 'fd01::ff:fe00:1', '10.0.1.1']") "}");
}

/* Appends what a frame says: "11" is the last byte of its router's MAC, then
 * are its lifetime, if it has one ("r"), and the options with lifetime 0. */
static void
put_frame(struct ds *ds, const uint8_t *frame, size_t size)
{
    ds_put_format(ds, "%s%02x%s", ds->length ? " " : "", frame[11],
                  frame[60] | frame[61] ? "r" : "");
    for (size_t ofs = 70; ofs + 8 <= size; ofs += frame[ofs + 1] * 8) {
        const uint8_t *option = frame + ofs;

        assert_true(option[1] > 0);
        if (memcmp(option + 4, "\0\0\0\0", 4)) {
            continue;
        } else if (option[0] == 3) {
            assert_memory_equal(option + 8, "\0\0\0\0", 4);
            ds_put_format(ds, ",%s%x", option[3] == 0x40 ? "a" : "l",
                          option[17]);
        } else if (option[0] == 25) {
            ds_put_format(ds, ",d%02x", option[8 + 15]);
        } else if (option[0] == 31) {
            ds_put_format(ds, ",s%c", option[9]);
        }
    }
}

/* Compares what port 'a' is sent unasked at 'now_s' with 'expected'. */
static void
check(struct fixture *f, int64_t now_s, const char *expected)
{
    struct vmn_packet_in in = {
        .host = "h1", .in_port = 1, .now_s = now_s,
        .port = model_get_durable(apps_fixture_model(f->apps),
                                  VMN_TABLE_PORT, "a", NULL),
    };
    struct ds ds = DS_EMPTY_INITIALIZER;

    apps_fixture_handle(f->apps, "dhcp.routers", &in, &f->out);
    for (size_t i = 0; i < f->out.n; i++) {
        const struct engine_send *send = &f->out.sends[i];

        assert_int_equal(send->to, ENGINE_SEND_BACK);
        put_frame(&ds, (const uint8_t *) f->out.bytes.data + send->ofs,
                  send->size);
    }
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
}

static void
change(struct fixture *f, const char *rows)
{
    apps_fixture_apply_at(f->apps, rows, CHANGED_S * 1000);
}

/* What is lost by each change is sent with lifetimes of 0 as long as a guest
 * may have it, by all that may have advertised it, behind what is
 * advertised. */
static void
what_is_lost_is_withdrawn_for_its_lifetime(void **state)
{
    static const struct {
        const char *rows, *sent, *later, *last;
    } cases[] = {
        /* Another prefix, none any more, and one without addresses. */
        { "{" NETWORK(SUBNET_0 ", {'cidr': '10.0.0.0/22'}, "
                      "{'cidr': '10.9.0.0/24'}", ", " OPTIONS) ","
          PORT("'ips': ['fd00::ff:fe00:1', '10.0.1.1']") "}",
          "11r 11r,l1,a1 43,l1,a1", "11r 11r,l1,a1 43,l1,a1", "11r" },
        { "{" PORT("'ips': ['fd00::ff:fe00:1', 'fd01::7']") "}",
          "11r 11r,a1 43,a1", "11r 11r,a1 43,a1", "11r" },
        /* Another resolver and search domain. */
        { "{" NETWORK(SUBNET_0 "," SUBNET_1 ", {'cidr': '10.0.0.0/22'}, "
                      "{'cidr': '10.9.0.0/24'}",
                      ", 'dhcp_options': {'dns': ['fd00::54'],"
                      " 'domain': 'b.example'}") "}",
          "11r 11r,d53,sa 43,d53,sa", "11r", "11r" },
        { "{" PORT("'dhcp_options': {'dns': ['fd00::54']}, 'ips': "
                   "['fd00::ff:fe00:1', 'fd01::ff:fe00:1']") "}",
          "11r 11r,d53 43,d53", "11r", "11r" },
        /* Another router, one that is no default router any more, none. */
        { "{" ROUTER("0e:00:00:00:00:22") "}", "22r 11", "22r", "22r" },
        { "{'routers/r': {'mac': '0e:00:00:00:00:11', 'interfaces': ["
          " {'network': 'shop', 'addresses': ['fd00::8']}]}}",
          "43 11", "43", "43" },
        { "{'routers/r': null}", "43 11", "43", "43" },
        /* No address, and another network. */
        { "{" PORT("'ips': ['10.0.1.1']") "}", "11,l0,a0,l1,a1,d53,sa "
          "43,l0,a0,l1,a1,d53,sa", "43,l0,a0,l1,a1", "" },
        { "{'ports/a': {'network': 'other', 'mac': '02:00:00:00:00:01'}}",
          "43 11,l0,a0,l1,a1,d53,sa 43,l0,a0,l1,a1,d53,sa",
          "43 43,l0,a0,l1,a1", "43" },
        /* More, and nothing less. */
        { "{'routers/s': {'mac': '0e:00:00:00:00:22', 'interfaces': ["
          " {'network': 'shop', 'addresses': ['fd00::8']}]},"
          PORT("'ips': ['fd00::ff:fe00:1', 'fd01::ff:fe00:1', '10.0.1.1', "
               "'10.9.0.1']") "}", "11r", "11r", "11r" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture *f;

        if (i) {
            dhcp_teardown(state);
            dhcp_setup(state);
        }
        f = *state;
        start(f);
        check(f, 1, "11r");
        change(f, cases[i].rows);
        check(f, CHANGED_S, cases[i].sent);
        check(f, CHANGED_S + VMN_ROUTER_LIFETIME - 1, cases[i].sent);
        check(f, CHANGED_S + VMN_ROUTER_LIFETIME, cases[i].later);
        check(f, CHANGED_S + VMN_PREFIX_LIFETIME, cases[i].last);
    }
}

static void
what_comes_back_is_advertised(void **state)
{
    struct fixture *f = *state;

    start(f);
    change(f, "{'routers/r': null}");
    check(f, CHANGED_S, "43 11");
    change(f, "{" ROUTER("0e:00:00:00:00:11") "}");
    check(f, CHANGED_S, "11r");
    change(f, "{" ROUTER("0e:00:00:00:00:22") "}");
    change(f, "{" ROUTER("0e:00:00:00:00:33") "}");
    check(f, CHANGED_S, "33r 22 11");
}

static const struct vmn_withdrawal *
row_of(const struct fixture *f, const char *name)
{
    return model_get_durable(apps_fixture_model(f->apps),
                             VMN_TABLE_WITHDRAWAL, name, NULL);
}

/* Rows go with their objects, and what is over with the next change. */
static void
rows_end(void **state)
{
    struct fixture *f = *state;

    start(f);
    assert_null(row_of(f, "ports/none"));
    change(f, "{'routers/r': null}");
    change(f, "{" PORT("'ips': ['fd00::1', '10.0.1.1']") "}");
    assert_non_null(row_of(f, "ports/a"));
    assert_non_null(row_of(f, "networks/shop"));
    assert_int_equal(row_of(f, "ports/a")->n_items, 7);
    apps_fixture_apply_at(f->apps, "{" PORT("'ips': ['10.0.1.1']") "}",
                          (CHANGED_S + VMN_ROUTER_LIFETIME) * INT64_C(1000));
    assert_int_equal(row_of(f, "ports/a")->n_items, 6);
    change(f, "{'ports/a': null}");
    assert_null(row_of(f, "ports/a"));
    change(f, "{'networks/shop': null}");
    assert_null(row_of(f, "networks/shop"));
}

/* As many as fit, and what is advertised in any case. */
static void
many_former_routers_leave_room(void **state)
{
    struct fixture *f = *state;
    struct ds ds = DS_EMPTY_INITIALIZER;

    start(f);
    for (int i = 0; i < 100; i++) {
        char *rows = xasprintf("{" ROUTER("0e:00:00:00:01:%02x") "}", i);

        change(f, rows);
        free(rows);
    }
    assert_int_equal(row_of(f, "networks/shop")->n_items, 64);
    ds_put_cstr(&ds, "63r");
    for (int i = 0x62; i > 0x62 - 13; i--) {
        ds_put_format(&ds, " %02x", i);
    }
    check(f, CHANGED_S, ds_cstr(&ds));
    ds_destroy(&ds);
}

int
main(void)
{
#define CASE(TEST) \
    cmocka_unit_test_setup_teardown(TEST, dhcp_setup, dhcp_teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_is_lost_is_withdrawn_for_its_lifetime),
        CASE(what_comes_back_is_advertised),
        CASE(rows_end),
        CASE(many_former_routers_leave_room),
    };
#undef CASE

    return cmocka_run_group_tests(tests, NULL, NULL);
}
