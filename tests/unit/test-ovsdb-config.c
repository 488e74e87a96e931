/* SPDX-License-Identifier: Apache-2.0
 *
 * What a session makes of a real database when it is told what is desired of
 * it: bridge, tunnels, controller, and what belongs to others. */

#include <config.h>

#include "tests/unit/ovsdb-fixture.h"

#include <string.h>
#include <sys/stat.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Of the database's log: each transaction that changes anything adds to it. */
static off_t
database_size(const struct ovsdb_fixture *f)
{
    char *path = xasprintf("%s/conf.db", f->sb.dir);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    free(path);
    return st.st_size;
}

static void
config_makes_bridge_tunnel_and_controller(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    off_t size;

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "secure", "get-fail-mode br-int");
    ASSERT_VSCTL(f, "netdev", "get Bridge br-int datapath_type");
    ASSERT_VSCTL(f, "\"true\"", "get Bridge br-int "
                 "other_config:disable-in-band");
    ASSERT_VSCTL(f, "vmnd", "get Bridge br-int external_ids:vmn-owner");
    ASSERT_VSCTL(f, "[OpenFlow10, OpenFlow11, OpenFlow12, OpenFlow13, "
                 "OpenFlow14, OpenFlow15]", "get Bridge br-int protocols");
    ASSERT_VSCTL(f, "vmn-vxlan", "list-ports br-int");
    ASSERT_VSCTL(f, "{key=flow, local_ip=\"192.0.2.1\", remote_ip=flow}",
                 "get Interface vmn-vxlan options");
    ASSERT_VSCTL(f, "40000", "get Interface vmn-vxlan ofport_request");
    ASSERT_VSCTL(f, "tcp:192.0.2.9:6653", "get-controller br-int");
    ASSERT_VSCTL(f, "out-of-band\n1000\n30000",
                 "get Controller br-int connection_mode max_backoff "
                 "inactivity_probe");
    ASSERT_VSCTL(f, "internal", "get Interface br-int type");
    ASSERT_VSCTL(f, "service", "get Controller br-int type");

    /* A row that is there already keeps its type: a change of it would have
     * the bridge delete its flows. */
    ASSERT_VSCTL(f, "", "clear Controller br-int type");
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "[]", "get Controller br-int type");

    ASSERT_VSCTL(f, "[]\n[]", "get Controller br-int controller_rate_limit "
                 "controller_burst_limit");

    /* Again: nothing is written. */
    size = database_size(f);
    ovsdb_session_destroy(f->session);
    f->session = open_session(f, "hv1", f->sb.remote);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_int_equal(database_size(f), size);
    ovsdb_fixture_close(f);
}

static void
config_limits_what_the_controller_is_sent(void **state OVS_UNUSED)
{
    static const struct {
        int rate;
        const char *row;
    } rates[] = {
        { 2000, "2000\n500" }, { 1, "100\n25" }, { 0, "[]\n[]" },
    };
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");

    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        desired.controller_rate_pps = rates[i].rate;
        configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
        ASSERT_VSCTL(f, rates[i].row, "get Controller br-int "
                     "controller_rate_limit controller_burst_limit");
    }
    ovsdb_fixture_close(f);
}

/* "TABLE=FIELDS ..." of all tables of br-int that have a row, sorted. */
static void
assert_prefixes(struct ovsdb_fixture *f, const char *want)
{
    struct ds got = DS_EMPTY_INITIALIZER;

    for (int table = 0; table < 255; table++) {
        char *row = ovs_sandbox_vsctl(&f->sb, "--if-exists get Bridge br-int "
                                      "flow_tables:%d", table);

        if (*row) {
            char *fields = ovs_sandbox_vsctl(&f->sb, "get Flow_Table %s "
                                             "prefixes", row);

            ds_put_format(&got, "%s%d=%s", got.length ? " " : "", table,
                          fields);
            free(fields);
        }
        free(row);
    }
    assert_string_equal(ds_cstr(&got), want);
    ds_destroy(&got);
}

#define OUR_ROWS \
    "--bare --columns=prefixes find Flow_Table external_ids:vmn-owner=vmnd"

static void
config_sets_which_prefixes_tables_track(void **state OVS_UNUSED)
{
    static const struct ovsdb_prefixes prefixes[] = {
        { 2, 2, { "nw_src", "ipv6_src" } },
        { 3, 2, { "nw_src", "ipv6_src" } },
        { 7, 1, { "ct_nw_dst" } },
    };
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    off_t size;

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_prefixes(f, "");
    /* Somebody's own row stays. */
    free(ovs_sandbox_vsctl(&f->sb, "--id=@t create Flow_Table flow_limit=9 -- "
                           "set Bridge br-int flow_tables:7=@t"));
    desired.prefixes = prefixes;
    desired.n_prefixes = ARRAY_SIZE(prefixes);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_prefixes(f, "2=[ipv6_src, nw_src] 3=[ipv6_src, nw_src] 7=[]");
    /* One row is for all tables alike. */
    ASSERT_VSCTL(f, "ipv6_src nw_src", OUR_ROWS);

    /* Again: nothing is written. */
    size = database_size(f);
    ovsdb_session_destroy(f->session);
    f->session = open_session(f, "hv1", f->sb.remote);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_int_equal(database_size(f), size);

    /* What is changed, and what is not desired any more. */
    free(ovs_sandbox_vsctl(&f->sb, "remove Bridge br-int flow_tables 3 7"));
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_WORKING);
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_DONE);
    assert_prefixes(f, "2=[ipv6_src, nw_src] 3=[ipv6_src, nw_src] "
                    "7=[ct_nw_dst]");
    desired.prefixes = prefixes + 2;
    desired.n_prefixes = 1;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_prefixes(f, "7=[ct_nw_dst]");
    ASSERT_VSCTL(f, "ct_nw_dst", OUR_ROWS);
    ovsdb_fixture_close(f);
}

static void
config_mends_what_is_changed(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    static const char *const harm[] = {
        "set Bridge br-int fail_mode=standalone",
        "remove Bridge br-int other_config disable-in-band",
        "set Bridge br-int protocols=OpenFlow13",
        "set Bridge br-int datapath_type=system",
        "del-port vmn-vxlan",
        "set Interface vmn-vxlan options:key=5",
        "set Interface vmn-vxlan ofport_request=5",
        "set Controller br-int connection_mode=in-band max_backoff=8000",
        "del-controller br-int",
        "del-br br-int",
    };

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    for (size_t i = 0; i < ARRAY_SIZE(harm); i++) {
        free(ovs_sandbox_vsctl(&f->sb, "%s", harm[i]));
        WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_WORKING);
        WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_DONE);
        ASSERT_VSCTL(f, "secure\nnetdev", "get Bridge br-int fail_mode "
                     "datapath_type");
        ASSERT_VSCTL(f, "40000\n{key=flow, local_ip=\"192.0.2.1\", "
                     "remote_ip=flow}", "get Interface vmn-vxlan "
                     "ofport_request options");
        ASSERT_VSCTL(f, "out-of-band\n1000", "get Controller br-int "
                     "connection_mode max_backoff");
    }
    ovsdb_fixture_close(f);
}

static void
config_refuses_what_is_not_ours_unless_it_may_adopt(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    char *before, *after;

    free(ovs_sandbox_vsctl(
             &f->sb, "add-br br-int -- set-controller br-int tcp:192.0.2.8 "
             "-- set Bridge br-int protocols=OpenFlow13 "
             "external_ids:mine=1 other_config:hwaddr=02:00:00:00:00:01 "
             "datapath_type=netdev -- add-port br-int vif1"));
    before = ovs_sandbox_vsctl(&f->sb, "list Bridge");
    configure_and_wait(f, &desired, OVSDB_CONFIG_REFUSED);
    assert_non_null(strstr(status_of(f->session).config_reason, "adopt"));
    after = ovs_sandbox_vsctl(&f->sb, "list Bridge");
    assert_string_equal(before, after);
    free(before);
    free(after);

    desired.adopt = true;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "[OpenFlow13, OpenFlow15]\n{mine=\"1\", vmn-owner=vmnd}",
                 "get Bridge br-int protocols external_ids");
    ASSERT_VSCTL(f, "{disable-in-band=\"true\", "
                 "hwaddr=\"02:00:00:00:00:01\"}",
                 "get Bridge br-int other_config");
    ASSERT_VSCTL(f, "tcp:192.0.2.8\ntcp:192.0.2.9:6653",
                 "get-controller br-int");
    ASSERT_VSCTL(f, "vif1\nvmn-vxlan", "list-ports br-int");
    ovsdb_fixture_close(f);
}

static void
config_of_an_earlier_epoch_gives_way(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");

    desired.epoch = 7;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "\"7\"", "get Bridge br-int external_ids:vmn-epoch");
    /* A later one comes. */
    free(ovs_sandbox_vsctl(&f->sb, "set Bridge br-int external_ids:vmn-epoch="
                           "8 -- set-controller br-int tcp:192.0.2.8 -- set "
                           "Controller br-int external_ids:vmn-owner=vmnd"));
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_REFUSED);
    assert_non_null(strstr(status_of(f->session).config_reason,
                           "a later epoch, 8"));
    ASSERT_VSCTL(f, "tcp:192.0.2.8", "get-controller br-int");
    /* It is we: what was of the other is replaced. */
    desired.epoch = 9;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "\"9\"", "get Bridge br-int external_ids:vmn-epoch");
    ASSERT_VSCTL(f, "tcp:192.0.2.9:6653", "get-controller br-int");
    /* Who has no epoch is alone. */
    desired.epoch = 0;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "{vmn-owner=vmnd}", "get Bridge br-int external_ids");
    ovsdb_fixture_close(f);
}

static void
config_refuses_a_tunnel_port_of_others(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");

    free(ovs_sandbox_vsctl(&f->sb, "add-br br0 -- add-port br0 vmn-vxlan"));
    configure_and_wait(f, &desired, OVSDB_CONFIG_REFUSED);
    assert_non_null(strstr(status_of(f->session).config_reason, "vmn-vxlan"));
    /* It goes on by itself once that is out of the way. */
    free(ovs_sandbox_vsctl(&f->sb, "del-port vmn-vxlan"));
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_DONE);
    ovsdb_fixture_close(f);
}

static void
config_that_changes_takes_along_only_what_is_ours(void **state OVS_UNUSED)
{
    static const char *const controllers[] = { "tcp:192.0.2.10:6653" };
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    free(ovs_sandbox_vsctl(
             &f->sb, "-- --id=@c create Controller target=\"tcp:192.0.2.8\" "
             "-- add Bridge br-int controller @c"));
    desired.controllers = controllers;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "tcp:192.0.2.10:6653\ntcp:192.0.2.8",
                 "get-controller br-int");

    /* Another encapsulation, beside the first and in its place. */
    desired.tunnels[1].desired = true;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-geneve\nvmn-vxlan", "list-ports br-int");
    ASSERT_VSCTL(f, "geneve\n40001\n{key=flow, local_ip=\"192.0.2.1\", "
                 "remote_ip=flow}", "get Interface vmn-geneve type "
                 "ofport_request options");
    desired.tunnels[0].desired = false;
    desired.tunnel_local_ip = NULL;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-geneve", "list-ports br-int");
    ASSERT_VSCTL(f, "{key=flow, remote_ip=flow}",
                 "get Interface vmn-geneve options");
    desired.tunnel_dscp_inherit = true;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "{key=flow, remote_ip=flow, tos=inherit}",
                 "get Interface vmn-geneve options");
    desired.tunnel_dscp_inherit = false;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "{key=flow, remote_ip=flow}",
                 "get Interface vmn-geneve options");
    desired.tunnels[0].desired = true;
    desired.tunnels[1].desired = false;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-vxlan", "list-ports br-int");

    /* One that is not desired may be somebody else's. */
    free(ovs_sandbox_vsctl(&f->sb, "add-port br-int vmn-geneve"));
    desired.tunnel_local_ip = "192.0.2.7";
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "vmn-geneve\nvmn-vxlan", "list-ports br-int");
    free(ovs_sandbox_vsctl(&f->sb, "del-port vmn-geneve"));

    /* Another bridge: the tunnel port moves, and the old bridge no longer
     * asks for us. */
    desired.bridge = "br-two";
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "tcp:192.0.2.8", "get-controller br-int");
    ASSERT_VSCTL(f, "", "list-ports br-int");
    ASSERT_VSCTL(f, "vmn-vxlan", "list-ports br-two");
    ASSERT_VSCTL(f, "tcp:192.0.2.10:6653", "get-controller br-two");
    ovsdb_fixture_close(f);
}

/* Those of a cluster: each row stays as it is while it is desired. */
static void
config_has_several_controllers(void **state OVS_UNUSED)
{
    static const char *const three[] = {
        "tcp:192.0.2.1:6653", "tcp:192.0.2.2:6653", "tcp:192.0.2.3:6653",
    };
    static const char second[] = "--columns=_uuid,type,connection_mode find "
        "Controller target=\"tcp:192.0.2.2:6653\"";
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    char *before, *after;

    desired.controllers = three;
    desired.n_controllers = 3;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "tcp:192.0.2.1:6653\ntcp:192.0.2.2:6653\n"
                 "tcp:192.0.2.3:6653", "get-controller br-int");
    before = ovs_sandbox_vsctl(&f->sb, "%s", second);
    assert_non_null(strstr(before, "service"));
    assert_non_null(strstr(before, "out-of-band"));

    desired.controllers = three + 1;
    desired.n_controllers = 2;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "tcp:192.0.2.2:6653\ntcp:192.0.2.3:6653",
                 "get-controller br-int");
    after = ovs_sandbox_vsctl(&f->sb, "%s", second);
    assert_string_equal(before, after);
    free(before);
    free(after);

    /* One that somebody takes away is back; one that somebody made is not
     * made twice, and stays. */
    free(ovs_sandbox_vsctl(
             &f->sb, "del-controller br-int -- --id=@c create Controller "
             "target=\"tcp:192.0.2.3:6653\" -- add Bridge br-int controller "
             "@c"));
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_WORKING);
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "tcp:192.0.2.2:6653\ntcp:192.0.2.3:6653",
                 "get-controller br-int");
    desired.n_controllers = 0;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "tcp:192.0.2.3:6653", "get-controller br-int");
    ovsdb_fixture_close(f);
}

/* Asserts that queue 'number' of the port's QoS has these rates. */
static void
assert_queue(const struct ovsdb_fixture *f, const char *port, int number,
             const char *expected)
{
    char *qos = ovs_sandbox_vsctl(&f->sb, "get Port %s qos", port);
    char *queue = ovs_sandbox_vsctl(&f->sb, "get QoS %s queues:%d", qos,
                                    number);
    char *config = ovs_sandbox_vsctl(&f->sb, "get Queue %s other_config",
                                     queue);

    assert_string_equal(config, expected);
    free(config);
    free(queue);
    free(qos);
}

/* Others' QoS stays, and so has no queue of ours; what is no port cannot. */
static void
uplinks_without_queues(struct ovsdb_fixture *f, struct ovsdb_desired *desired,
                       struct ovsdb_uplink *uplinks)
{
    uplinks[0].port = "eth3";
    configure_and_wait(f, desired, OVSDB_CONFIG_DONE);
    assert_queue(f, "eth3", 7, "{}");
    uplinks[0].port = "eth9";
    configure_and_wait(f, desired, OVSDB_CONFIG_DONE);
}

/* What is left when a host has no uplinks, or is not ours, any more. */
static void
queues_are_cleaned_up(struct ovsdb_fixture *f, struct ovsdb_desired *desired,
                      struct ovsdb_uplink *uplinks)
{
    /* No row of ours is left. */
    desired->n_uplinks = desired->n_queues = 0;
    configure_and_wait(f, desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "", "--columns=_uuid find QoS "
                 "external_ids:vmn-owner=vmnd");
    ASSERT_VSCTL(f, "", "--columns=_uuid find Queue "
                 "external_ids:vmn-owner=vmnd");
    assert_queue(f, "eth3", 7, "{}");

    /* Nor of a host that is not ours any more. */
    uplinks[0].port = "eth1";
    desired->n_uplinks = 1;
    configure_and_wait(f, desired, OVSDB_CONFIG_DONE);
    assert_queue(f, "eth1", 0, "{max-rate=\"100000000\", "
                 "min-rate=\"100000000\"}");
    desired->removed = true;
    configure_and_wait(f, desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "[]", "get Port eth1 qos");
    ASSERT_VSCTL(f, "", "--columns=_uuid find Queue "
                 "external_ids:vmn-owner=vmnd");
}

static void
config_has_queues_of_uplinks(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    struct ovsdb_uplink uplinks[] = {
        { "eth1", 100000 }, { "eth2", 5000000 },
    };
    struct ovsdb_queue queues[] = { { 7, 20000 }, { 61439, 30000 } };
    off_t size;

    free(ovs_sandbox_vsctl(&f->sb, "add-br br-ex -- add-port br-ex eth1 -- "
                           "add-port br-ex eth2 -- add-port br-ex eth3"));
    free(ovs_sandbox_vsctl(
             &f->sb, "set Port eth3 qos=@q -- --id=@q create QoS "
             "type=linux-htb queues:7=@a -- --id=@a create Queue dscp=1"));
    desired.n_uplinks = ARRAY_SIZE(uplinks);
    desired.uplinks = uplinks;
    desired.n_queues = ARRAY_SIZE(queues);
    desired.queues = queues;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_queue(f, "eth1", 0, "{max-rate=\"100000000\", "
                 "min-rate=\"50000000\"}");
    assert_queue(f, "eth1", 7, "{max-rate=\"100000000\", "
                 "min-rate=\"20000000\"}");
    assert_queue(f, "eth2", 61439, "{max-rate=\"5000000000\", "
                 "min-rate=\"30000000\"}");

    /* Again: nothing is written.  While it is not known what is desired, what
     * is there stays. */
    size = database_size(f);
    ovsdb_session_destroy(f->session);
    f->session = open_session(f, "hv1", f->sb.remote);
    desired.n_uplinks = desired.n_queues = 0;
    desired.keep_queues = true;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    desired.n_uplinks = ARRAY_SIZE(uplinks);
    desired.n_queues = ARRAY_SIZE(queues);
    desired.keep_queues = false;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_int_equal(database_size(f), size);

    /* What changes, what others change, and what goes. */
    queues[0].min_kbps = 60000;
    desired.n_queues = 1;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_queue(f, "eth1", 0, "{max-rate=\"100000000\", "
                 "min-rate=\"40000000\"}");
    assert_queue(f, "eth1", 7, "{max-rate=\"100000000\", "
                 "min-rate=\"60000000\"}");
    free(ovs_sandbox_vsctl(&f->sb, "clear Port eth1 qos"));
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_WORKING);
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_DONE);
    assert_queue(f, "eth1", 7, "{max-rate=\"100000000\", "
                 "min-rate=\"60000000\"}");
    desired.n_uplinks = 1;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    ASSERT_VSCTL(f, "[]", "get Port eth2 qos");

    uplinks_without_queues(f, &desired, uplinks);
    queues_are_cleaned_up(f, &desired, uplinks);
    ovsdb_fixture_close(f);
}

/* Asserts that so many rows of a table are vmnd's. */
static void
assert_n_ours(const struct ovsdb_fixture *f, const char *table, int n)
{
    char *found = ovs_sandbox_vsctl(&f->sb, "--bare --columns=external_ids "
                                    "find %s external_ids:vmn-owner=vmnd",
                                    table);
    int n_found = 0;

    for (const char *s = found; (s = strstr(s, "vmn-owner")); s++) {
        n_found++;
    }
    assert_int_equal(n_found, n);
    free(found);
}

/* Whoever has the host may write anything into its database, with vmnd's
 * mark. */
static void
config_gives_each_row_of_queues_one_place(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    struct ovsdb_uplink uplinks[] = { { "eth1", 1000 }, { "eth2", 2000 } };
    struct ovsdb_queue queues[] = { { 7, 100 }, { 8, 200 }, { 9, 300 } };
    char *qos, *queue;

    free(ovs_sandbox_vsctl(&f->sb, "add-br br-ex -- add-port br-ex eth1 -- "
                           "add-port br-ex eth2"));
    desired.n_uplinks = ARRAY_SIZE(uplinks);
    desired.uplinks = uplinks;
    desired.n_queues = ARRAY_SIZE(queues);
    desired.queues = queues;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_n_ours(f, "QoS", 2);
    assert_n_ours(f, "Queue", 8);

    /* One QoS of two ports. */
    qos = ovs_sandbox_vsctl(&f->sb, "get Port eth1 qos");
    free(ovs_sandbox_vsctl(&f->sb, "set Port eth2 qos=%s", qos));
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_WORKING);
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_DONE);
    assert_queue(f, "eth1", 8, "{max-rate=\"1000000\", "
                 "min-rate=\"200000\"}");
    assert_queue(f, "eth2", 8, "{max-rate=\"2000000\", "
                 "min-rate=\"200000\"}");
    assert_n_ours(f, "QoS", 2);
    assert_n_ours(f, "Queue", 8);

    /* One queue with two numbers, one of others', and one that nothing has. */
    queue = ovs_sandbox_vsctl(&f->sb, "get QoS %s queues:7", qos);
    free(ovs_sandbox_vsctl(&f->sb, "set QoS %s queues:9=%s queues:8=@a -- "
                           "--id=@a create Queue dscp=1 -- create Queue "
                           "external_ids:vmn-owner=vmnd", qos, queue));
    free(queue);
    free(qos);
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_WORKING);
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_DONE);
    for (size_t i = 0; i < ARRAY_SIZE(queues); i++) {
        char *expected = xasprintf("{max-rate=\"1000000\", "
                                   "min-rate=\"%u000\"}",
                                   queues[i].min_kbps);

        assert_queue(f, "eth1", queues[i].number, expected);
        free(expected);
    }
    assert_n_ours(f, "Queue", 8);
    ASSERT_VSCTL(f, "1", "--bare --columns=dscp find Queue dscp=1");

    /* Fewer. */
    desired.n_queues = 1;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_queue(f, "eth2", 0, "{max-rate=\"2000000\", "
                 "min-rate=\"1900000\"}");
    assert_n_ours(f, "Queue", 4);
    ASSERT_VSCTL(f, "1", "--bare --columns=dscp find Queue dscp=1");
    ovsdb_fixture_close(f);
}

static void
config_gives_no_queues_to_what_is_no_device(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    struct ovsdb_uplink uplinks[] = { { "p1", 1000 }, { "br-ex", 1000 },
                                      { "eth1", 1000 } };

    free(ovs_sandbox_vsctl(&f->sb, "add-br br-ex -- add-port br-ex p1 -- "
                           "set Interface p1 type=patch -- add-port br-ex "
                           "eth1"));
    desired.n_uplinks = ARRAY_SIZE(uplinks);
    desired.uplinks = uplinks;
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_n_ours(f, "QoS", 1);
    ASSERT_VSCTL(f, "[]", "get Port p1 qos");
    ASSERT_VSCTL(f, "[]", "get Port br-ex qos");
    ovsdb_fixture_close(f);
}

static void
config_does_not_fight_without_end(void **state OVS_UNUSED)
{
    struct ovsdb_fixture *f = ovsdb_fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    int n_fights = 0;

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    for (long long int end = time_msec() + 2500; time_msec() < end;) {
        free(ovs_sandbox_vsctl(&f->sb, "set Bridge br-int "
                               "fail_mode=standalone"));
        for (int i = 0; i < 5; i++) {
            loop_turn(session_loop, 2);
        }
        char *mode = ovs_sandbox_vsctl(&f->sb, "get-fail-mode br-int");
        n_fights += !strcmp(mode, "secure");
        free(mode);
    }
    /* A burst, then about one in a second. */
    assert_in_range(n_fights, 1, 10);
    ovsdb_fixture_close(f);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_makes_bridge_tunnel_and_controller),
        cmocka_unit_test(config_limits_what_the_controller_is_sent),
        cmocka_unit_test(config_sets_which_prefixes_tables_track),
        cmocka_unit_test(config_mends_what_is_changed),
        cmocka_unit_test(config_refuses_what_is_not_ours_unless_it_may_adopt),
        cmocka_unit_test(config_of_an_earlier_epoch_gives_way),
        cmocka_unit_test(config_refuses_a_tunnel_port_of_others),
        cmocka_unit_test(config_that_changes_takes_along_only_what_is_ours),
        cmocka_unit_test(config_has_several_controllers),
        cmocka_unit_test(config_has_queues_of_uplinks),
        cmocka_unit_test(config_gives_each_row_of_queues_one_place),
        cmocka_unit_test(config_gives_no_queues_to_what_is_no_device),
        cmocka_unit_test(config_does_not_fight_without_end),
    };

    return session_run_all(argv, tests, ARRAY_SIZE(tests));
}
