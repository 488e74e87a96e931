/* SPDX-License-Identifier: Apache-2.0
 *
 * Which connections a real ovs-vswitchd (dummy datapath) forgets when it is
 * told to.
 *
 * Skipped where Open vSwitch is not installed. */

#include <config.h>

#include "tests/unit/fabric-ovs-fixture.h"

#include <string.h>

#include "controller/fabric/fabric-flush.h"
#include "controller/fabric/fabric.h"
#include "util.h"

/* In a bridge beside ours, which has the same conntrack, flows translate what
 * clients send by their source port.  Addresses are known by their last
 * byte, below 10. */
static const struct client {
    int port;
    int dst, dst_port;          /* Where it sends to. */
    int backend;                /* Where that goes to, at port 8080. */
    int zone;
} clients[] = {
    { 1001, 9, 80, 1, 7 },
    { 1002, 9, 80, 2, 7 },
    { 1003, 9, 80, 1, 8 },
    { 1004, 1, 8080, 1, 7 },    /* Not by way of the virtual IP. */
    { 1005, 9, 81, 1, 7 },
};

static char *
address_of(bool v6, int last)
{
    return xasprintf(v6 ? "fd00::%d" : "10.0.0.%d", last);
}

static void
start_balancing(void)
{
    shell("ovs-vsctl -t 60 --db=unix:%s/db.sock -- add-br br-test"
          " -- set bridge br-test datapath_type=dummy fail-mode=secure"
          " -- add-port br-test t1 -- set interface t1 type=dummy", ovs_dir);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        const struct client *c = &clients[i];

        for (int kind = 0; kind < 4; kind++) {
            const char *l4 = kind % 2 ? "udp" : "tcp";
            bool v6 = kind >= 2;
            char *backend = address_of(v6, c->backend);

            shell("ovs-ofctl add-flow unix:%s/br-test.mgmt '%s%s,%s_src=%d,"
                  "actions=ct(commit,zone=%d,nat(dst=%s%s%s:8080))'", ovs_dir,
                  l4, v6 ? "6" : "", l4, c->port, c->zone, v6 ? "[" : "",
                  backend, v6 ? "]" : "");
            free(backend);
        }
    }
}

static void
send_packet(const struct client *c, bool v6, bool udp)
{
    char *dst = address_of(v6, c->dst);

    shell("ovs-appctl -t %s/ovs-vswitchd.%d.ctl netdev-dummy/receive t1"
          " 'in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),"
          "eth_type(%s),ipv%d(src=%s,dst=%s,proto=%d,%s=64,frag=no),"
          "%s(src=%d,dst=%d)%s'", ovs_dir, (int) vswitchd_pid,
          v6 ? "0x86dd" : "0x0800", v6 ? 6 : 4, v6 ? "fd00::99" : "10.0.0.99",
          dst, udp ? 17 : 6, v6 ? "hlimit" : "ttl", udp ? "udp" : "tcp",
          c->port, c->dst_port, udp ? "" : ",tcp_flags(0x2)");
    free(dst);
}

/* As in "tcp4 1001 1002, udp4 1001". */
static const char *
connections(void)
{
    char *all = shell_output("ovs-appctl -t %s/ovs-vswitchd.%d.ctl"
                             " dpctl/dump-conntrack", ovs_dir,
                             (int) vswitchd_pid);
    static char text[256];
    size_t n = 0;

    text[0] = '\0';
    for (int kind = 0; kind < 4; kind++) {
        bool v6 = kind >= 2, udp = kind % 2;

        n += snprintf(text + n, sizeof text - n, "%s%s%d", kind ? ", " : "",
                      udp ? "udp" : "tcp", v6 ? 6 : 4);
        for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
            const struct client *c = &clients[i];
            char *dst = address_of(v6, c->dst);
            char *orig = xasprintf("%s,orig=(src=%s,dst=%s,sport=%d,",
                                   udp ? "udp" : "tcp",
                                   v6 ? "fd00::99" : "10.0.0.99", dst,
                                   c->port);

            if (strstr(all, orig)) {
                n += snprintf(text + n, sizeof text - n, " %d", c->port);
            }
            free(orig);
            free(dst);
        }
    }
    free(all);
    return text;
}

static struct vmn_ip
ip_of(bool v6, uint8_t last)
{
    return (v6 ? (struct vmn_ip) { 6, { 0xfd, [15] = last } }
            : (struct vmn_ip) { 4, { 10, 0, 0, last } });
}

static void
switch_forgets_those_connections_and_no_others(void **state OVS_UNUSED)
{
    struct fabric_flush flush = {
        .zone = 7, .protocol = VMN_PROTO_TCP,
        .vip = ip_of(false, 9), .port = 80,
        .backend = ip_of(false, 1), .backend_port = 8080,
    };

    until_synced();
    start_balancing();
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        for (int kind = 0; kind < 4; kind++) {
            send_packet(&clients[i], kind >= 2, kind % 2);
        }
    }
    FIXTURE_TURN_UNTIL(fixture_turn, !strcmp(
        connections(),
        "tcp4 1001 1002 1003 1004 1005, udp4 1001 1002 1003 1004 1005, "
        "tcp6 1001 1002 1003 1004 1005, udp6 1001 1002 1003 1004 1005"));

    fabric_flush_domain(fabric, "shop", &flush, 1, fabric->last_revision);
    FIXTURE_TURN_UNTIL(fixture_turn, fabric->stats.n_flushes == 1);
    assert_string_equal(
        connections(),
        "tcp4 1002 1003 1004 1005, udp4 1001 1002 1003 1004 1005, "
        "tcp6 1001 1002 1003 1004 1005, udp6 1001 1002 1003 1004 1005");

    /* To any port of the virtual IP, by any port of the backend. */
    flush = (struct fabric_flush) {
        .zone = 7, .protocol = VMN_PROTO_UDP,
        .vip = ip_of(true, 9), .backend = ip_of(true, 1),
    };
    fabric_flush_domain(fabric, "shop", &flush, 1, 0);
    FIXTURE_TURN_UNTIL(fixture_turn, fabric->stats.n_flushes == 2);
    assert_string_equal(
        connections(),
        "tcp4 1002 1003 1004 1005, udp4 1001 1002 1003 1004 1005, "
        "tcp6 1001 1002 1003 1004 1005, udp6 1002 1003 1004");

    /* To whatever address. */
    flush = (struct fabric_flush) {
        .zone = 7, .protocol = VMN_PROTO_TCP,
        .backend = ip_of(true, 1), .backend_port = 8080,
    };
    fabric_flush_domain(fabric, "shop", &flush, 1, 0);
    FIXTURE_TURN_UNTIL(fixture_turn, fabric->stats.n_flushes == 3);
    assert_string_equal(
        connections(),
        "tcp4 1002 1003 1004 1005, udp4 1001 1002 1003 1004 1005, "
        "tcp6 1002 1003, udp6 1002 1003 1004");
    assert_int_equal(fabric->stats.n_flushes_refused, 0);
    assert_true(is_state("synced"));

    /* It is on a host of the domain that this happens. */
    fabric_flush_domain(fabric, "nowhere", &flush, 1, 0);
    fixture_turn();
    assert_int_equal(fabric->stats.n_flushes, 3);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
        cmocka_unit_test_setup_teardown(NAME, ovs_setup, ovs_teardown)
        T(switch_forgets_those_connections_and_no_others),
#undef T
    };

    return ovs_run_all(argv, tests, ARRAY_SIZE(tests));
}
