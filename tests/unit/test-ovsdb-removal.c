/* SPDX-License-Identifier: Apache-2.0
 *
 * What a session takes out of a real database when the host is not the
 * controller's any more, and what it leaves there. */

#include <config.h>

#include "tests/unit/ovsdb-fixture.h"

#include <string.h>

#include "openvswitch/shash.h"
#include "util.h"

#define COUNT_OF_VMNDS(TABLE) \
    "--bare --columns=_uuid find " TABLE " external_ids:vmn-owner=vmnd"

static const struct ovsdb_prefixes prefixes[] = {
    { 2, 2, { "nw_src", "ipv6_src" } },
};

static const struct ovsdb_patch patches[] = {
    { "br-ex", "patch-a", "@dc", "patch-b" },
};

static const char *const targets[] = { "192.0.2.7:6343" };

/* Of N_PEERS: more than one transaction takes. */
#define N_PEERS (2 * OVSDB_PEERS_SLICE + 1)

static const struct ovsdb_peers *
get_ipsec(void *ipsec)
{
    return ipsec;
}

static void
add_peers(struct ovsdb_peers *ipsec)
{
    static const struct ovsdb_peer peer = {
        .type = "vxlan", .remote_ip = "192.0.2.50", .remote_name = "hv2",
        .psk = "a-key",
    };

    shash_init(&ipsec->peers);
    for (size_t i = 0; i < N_PEERS; i++) {
        char *name = xasprintf("ipsec%"PRIuSIZE, i);

        shash_add(&ipsec->peers, name, CONST_CAST(void *, (const void *)
                                                  &peer));
        free(name);
    }
}

/* All that there may be. */
static struct ovsdb_desired
everything(struct ovsdb_peers *ipsec)
{
    struct ovsdb_desired desired = set_desired("br-int");

    desired.n_prefixes = ARRAY_SIZE(prefixes);
    desired.prefixes = prefixes;
    desired.n_patches = ARRAY_SIZE(patches);
    desired.patches = patches;
    desired.sflow.n_targets = 1;
    desired.sflow.targets = targets;
    desired.ipfix.n_targets = 1;
    desired.ipfix.targets = targets;
    desired.peers = get_ipsec;
    desired.peers_aux = ipsec;
    desired.epoch = 3;
    return desired;
}

static struct ovsdb_desired
removed(void)
{
    return (struct ovsdb_desired) {
        .owner = "vmnd", .removed = true, .bridge = "br-int",
        .datapath_type = "netdev", .protocol = "OpenFlow15",
        .tunnels = { { .name = "vmn-vxlan", .type = "vxlan" },
                     { .name = "vmn-geneve", .type = "geneve" } },
        .epoch = 3,
    };
}

static void
removal_leaves_the_bridge_and_what_is_others(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_peers ipsec = { .certificates = false };
    struct ovsdb_desired desired = everything(&ipsec);

    add_peers(&ipsec);
    free(ovs_sandbox_vsctl(&f->sb, "add-br br-ex -- set Bridge br-ex "
                           "datapath_type=netdev -- add-port br-ex eth0"));
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    free(ovs_sandbox_vsctl(
        &f->sb, "add-port br-int vif1 -- --id=@c create Controller "
        "target=\"tcp:192.0.2.8\" -- add Bridge br-int controller @c -- "
        "--id=@t create Flow_Table flow_limit=9 -- "
        "set Bridge br-int flow_tables:7=@t"));
    ASSERT_VSCTL(f, "tcp:192.0.2.8\ntcp:192.0.2.9:6653",
                 "get-controller br-int");
    ASSERT_VSCTL(f, "eth0\npatch-b", "list-ports br-ex");

    desired = removed();
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "tcp:192.0.2.8", "get-controller br-int");
    ASSERT_VSCTL(f, "vif1", "list-ports br-int");
    ASSERT_VSCTL(f, "eth0", "list-ports br-ex");
    ASSERT_VSCTL(f, "", COUNT_OF_VMNDS("Flow_Table"));
    ASSERT_VSCTL(f, "[]\n[]", "get Bridge br-int sflow ipfix");
    /* Nobody is bridged, and who adds the host again need not adopt. */
    ASSERT_VSCTL(f, "secure\n{vmn-owner=vmnd}", "get Bridge br-int fail_mode "
                 "external_ids");
    desired = everything(&ipsec);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "tcp:192.0.2.8\ntcp:192.0.2.9:6653",
                 "get-controller br-int");
    shash_destroy(&ipsec.peers);
    ovsdb_fixture_close(f);
}

static void
removal_gives_an_adopted_bridge_back(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");

    free(ovs_sandbox_vsctl(&f->sb, "add-br br-int -- set Bridge br-int "
                           "datapath_type=netdev external_ids:a=b"));
    desired.adopt = true;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    desired = removed();
    desired.adopt = true;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "{a=b}", "get Bridge br-int external_ids");
    ASSERT_VSCTL(f, "", "list-ports br-int");
    ovsdb_fixture_close(f);
}

static void
removal_makes_nothing(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = removed();

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "", "list-br");
    /* Somebody's bridge of that name is not touched. */
    free(ovs_sandbox_vsctl(&f->sb, "add-br br-int -- set Bridge br-int "
                           "datapath_type=netdev external_ids:a=b -- "
                           "add-port br-int vmn-vxlan"));
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-vxlan", "list-ports br-int");
    ASSERT_VSCTL(f, "[]\n{a=b}", "get Bridge br-int fail_mode external_ids");
    ovsdb_fixture_close(f);
}

static void
removal_by_an_earlier_epoch_is_refused(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");

    desired.epoch = 4;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    desired = removed();
    configure_and_wait(f, &desired, OVSDB_CONFIG_REFUSED);
    assert_non_null(strstr(status_of(f->session).config_reason,
                           "a later epoch, 4"));
    ASSERT_VSCTL(f, "tcp:192.0.2.9:6653", "get-controller br-int");
    ASSERT_VSCTL(f, "vmn-vxlan", "list-ports br-int");
    ovsdb_fixture_close(f);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removal_leaves_the_bridge_and_what_is_others),
        cmocka_unit_test(removal_gives_an_adopted_bridge_back),
        cmocka_unit_test(removal_makes_nothing),
        cmocka_unit_test(removal_by_an_earlier_epoch_is_refused),
    };

    return session_run_all(argv, tests, ARRAY_SIZE(tests));
}
