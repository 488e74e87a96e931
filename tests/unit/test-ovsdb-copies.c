/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnel ports by which copies leave, as a session writes them into a real
 * database: made when desired, kept while that is not known, taken away, and
 * nothing of others is touched. */

#include <config.h>

#include "tests/unit/ovsdb-fixture.h"

#include <string.h>

#include "util.h"

static const struct ovsdb_copy_tunnel gre = { "vmn-gre", "gre", 40004 };
static const struct ovsdb_copy_tunnel erspan6
    = { "vmn-ip6erspan", "ip6erspan", 40007 };

static struct ovsdb_desired
both(void)
{
    struct ovsdb_desired desired = set_desired("br-int");

    desired.n_copy_tunnels = 2;
    desired.copy_tunnels[0] = gre;
    desired.copy_tunnels[1] = erspan6;
    return desired;
}

static void
they_are_made_and_taken_away(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = both();

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-gre\nvmn-ip6erspan\nvmn-vxlan", "list-ports br-int");
    ASSERT_VSCTL(f, "gre\n40004\n{df_default=\"false\", key=flow, "
                 "remote_ip=flow}",
                 "get Interface vmn-gre type ofport_request options");
    ASSERT_VSCTL(f, "ip6erspan\n40007\n{df_default=\"false\", "
                 "erspan_ver=flow, key=flow, remote_ip=flow}",
                 "get Interface vmn-ip6erspan type ofport_request options");
    ASSERT_VSCTL(f, "vmnd", "get Port vmn-gre external_ids:vmn-owner");

    /* One of them alone. */
    desired.n_copy_tunnels = 1;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-gre\nvmn-vxlan", "list-ports br-int");

    /* It is not known which: what is there stays, but nowhere else. */
    desired.n_copy_tunnels = 0;
    desired.keep_copy_tunnels = true;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-gre\nvmn-vxlan", "list-ports br-int");

    desired.keep_copy_tunnels = false;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-vxlan", "list-ports br-int");
    ovsdb_fixture_close(f);
}

static void
what_others_change_is_put_right(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = both();

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "", "set Interface vmn-gre options:key=7 "
                 "ofport_request=9 type=vxlan");
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "gre\n40004\n{df_default=\"false\", key=flow, "
                 "remote_ip=flow}",
                 "get Interface vmn-gre type ofport_request options");
    ASSERT_VSCTL(f, "", "del-port vmn-gre");
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-gre\nvmn-ip6erspan\nvmn-vxlan", "list-ports br-int");
    ovsdb_fixture_close(f);
}

/* All else of the host is configured as if there were none. */
static void
ports_of_others_stay(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = both();

    ASSERT_VSCTL(f, "", "add-br br-ex -- add-port br-ex vmn-gre -- set "
                 "Interface vmn-gre type=internal -- add-port br-ex gre0 -- "
                 "set Interface gre0 type=gre options:remote_ip=192.0.2.3");
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-ip6erspan\nvmn-vxlan", "list-ports br-int");
    ASSERT_VSCTL(f, "gre0\nvmn-gre", "list-ports br-ex");
    ASSERT_VSCTL(f, "internal", "get Interface vmn-gre type");

    desired.n_copy_tunnels = 0;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-vxlan", "list-ports br-int");
    ASSERT_VSCTL(f, "gre0\nvmn-gre", "list-ports br-ex");
    ovsdb_fixture_close(f);
}

static void
they_go_with_the_host_and_from_other_bridges(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = both(), removed;

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    /* As of a host whose row names another bridge now. */
    removed = both();
    removed.bridge = "br-new";
    configure_and_wait(f, &removed, OVSDB_CONFIG_DONE);
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "", "list-ports br-int");
    ASSERT_VSCTL(f, "vmn-gre\nvmn-ip6erspan\nvmn-vxlan",
                 "list-ports br-new");
    removed.removed = true;
    configure_and_wait(f, &removed, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "", "list-ports br-new");
    ovsdb_fixture_close(f);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_made_and_taken_away),
        cmocka_unit_test(what_others_change_is_put_right),
        cmocka_unit_test(ports_of_others_stay),
        cmocka_unit_test(they_go_with_the_host_and_from_other_bridges),
    };

    return session_run_all(argv, tests, ARRAY_SIZE(tests));
}
