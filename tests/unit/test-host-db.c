/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers: hosts that are set up, and
 * what is wrong with those that are not. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/fabric/fabric-watch.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/table-prefixes.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/pipeline.h"
#include "openvswitch/vlog.h"
#include "proto/ovsdb/ovsdb.h"
#include "socket-util.h"
#include "tests/unit/host-db-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

/* Hosts.  ---------------------------------------------------------------- */

static void
host_is_set_up_and_synced(void **state OVS_UNUSED)
{
    char *output;

    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "synced"));
    output = ovs_sandbox_vsctl(&sandboxes[0], "get Interface vmn-vxlan "
                               "ofport error options:local_ip");
    assert_string_equal(output, "40000\n[]\n\"192.0.2.1\"");
    free(output);
    output = ovs_sandbox_vsctl(&sandboxes[0], "get Bridge br-int "
                               "datapath_id");
    char *quoted = xasprintf("\"%016"PRIx64"\"",
                             fabric_find_host(fabric, "hv1")->datapath_id);
    assert_string_equal(output, quoted);
    free(quoted);
    free(output);
    assert_true(status_is("hv1", "reason", NULL));
}

/* As the schema of 3.1 is. */
static void
host_without_zone_limits_says_so(void **state OVS_UNUSED)
{
    if (ovs_sandbox_schema_has("ct_zone_default_limit")) {
        skip();                 /* Open vSwitch 3.3 and later has them. */
    }
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "synced"));
    assert_true(status_is("hv1", "reason", NULL));
    change(VMN_TABLE_HOST, "hv1",
           json_pack("{s:s, s:s, s:s, s:i}", "ovsdb", sandboxes[0].remote,
                     "tunnel_ip", "192.0.2.1", "datapath", "netdev",
                     "zone_limit", 5000));
    UNTIL(reason_has("hv1", "has no zone limits"));
    assert_true(status_is("hv1", "state", "synced"));
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "reason", NULL));
}

/* Of 1 or 2 Mbit/s, see host-db-fixture.c; NULL: none. */
static void
put_uplink(const char *uplink, int mbps)
{
    change(VMN_TABLE_HOST, "hv1",
           json_pack("{s:s, s:s, s:s, s:b, s:s*}", "ovsdb",
                     sandboxes[0].remote, "tunnel_ip", "192.0.2.1", "datapath",
                     "netdev", "maintenance", mbps == 2, "tunnel_interface",
                     uplink));
}

/* Returns true if uplink eth1 has a queue with such a rate. */
static bool
has_queue(int number, const char *config)
{
    char *qos = ovs_sandbox_vsctl(&sandboxes[0],
                                  "--bare get Port eth1 qos");
    char *queue = (strchr(qos, '-')
                   ? ovs_sandbox_vsctl(&sandboxes[0],
                                       "--if-exists get QoS %s queues:%d", qos,
                                       number)
                   : xstrdup(""));
    char *found = (strchr(queue, '-')
                   ? ovs_sandbox_vsctl(&sandboxes[0],
                                       "get Queue %s other_config:min-rate",
                                       queue)
                   : xstrdup(""));
    bool has = !strcmp(found, config);

    free(found);
    free(queue);
    free(qos);
    return has;
}

/* Returns which rows uplink eth1 has. */
static char *
queue_rows(void)
{
    char *qos = ovs_sandbox_vsctl(&sandboxes[0], "get Port eth1 qos");
    char *queues = ovs_sandbox_vsctl(&sandboxes[0], "get QoS %s queues", qos);
    char *rows = xasprintf("%s %s", qos, queues);

    free(queues);
    free(qos);
    return rows;
}

static void
host_has_the_queues_that_apps_want(void **state OVS_UNUSED)
{
    char *before, *after;

    VSCTL(0, "add-br br-ex -- add-port br-ex eth1");
    put_uplink("eth1", 1);
    UNTIL(reported("hv1"));
    UNTIL(has_queue(32777, "\"300000\""));
    assert_true(has_queue(32775, "\"200000\""));
    assert_true(has_queue(0, "\"500000\""));
    assert_true(has_queue(9, ""));
    assert_true(has_queue(61440, ""));
    assert_false(reason_has("hv1", "eth1"));

    /* They stay while vmnd is away and when it comes back: the rows are the
     * same, not others like them. */
    before = queue_rows();
    stop_vmnd();
    start_vmnd();
    UNTIL(reported("hv1"));
    put_uplink("eth1", 2);
    UNTIL(has_queue(0, "\"1500000\""));
    put_uplink("eth1", 1);
    UNTIL(has_queue(0, "\"500000\""));
    after = queue_rows();
    assert_string_equal(before, after);
    free(before);
    free(after);

    /* Where nobody wants them any more they go. */
    put_uplink("nowhere", 2);
    UNTIL(reason_has("hv1", "\"nowhere\" is no port of a bridge"));
    UNTIL(has_queue(0, ""));
    put_uplink(NULL, 0);
    UNTIL(!reason_has("hv1", "nowhere"));
}

/* Returns true if apps read that 'uplink' alone guarantees something, and
 * there is no reason against it; or that nothing does, for a reason that
 * begins like that. */
static bool
uplink_is(const char *uplink, const char *reason)
{
    const struct vmn_vif *vif = get_vif("hv1/" VMN_VIF_QUEUES);
    char *text = xasprintf("uplink \"%s\" %s", uplink, reason ? reason : "");
    char *active = xasprintf(",%s,", uplink);
    bool is = vif && (reason ? (!strcmp(vif->iface, ",")
                                && reason_has("hv1", text))
                      : (!strcmp(vif->iface, active)
                         && !reason_has("hv1", "uplink")));

    free(active);
    free(text);
    return is;
}

static void
uplink_that_guarantees_nothing_is_told(void **state OVS_UNUSED)
{
    const struct {
        const char *harm, *mend, *reason;
    } faults[] = {
        { "set Port eth1 qos=@q -- --id=@q create QoS type=linux-htb",
          "clear Port eth1 qos", "has a QoS that was not made by vmnd" },
        { "set Port eth1 qos=@q -- --id=@q create QoS type=linux-htb "
          "external_ids:vmn-owner=other", "clear Port eth1 qos",
          "has a QoS that was not made by vmnd" },
        { "set Interface eth1 type=gre", "set Interface eth1 type=system",
          "is of type gre: nothing" },
        { "set Bridge br-ex datapath_type=netdev",
          "set Bridge br-ex datapath_type=system",
          "is on datapath \"netdev\"" },
        { "set Interface eth1 ofport=-1", "set Interface eth1 ofport=1",
          "could not be opened by the switch (no reason" },
        { "set Interface eth1 error=gone", "clear Interface eth1 error",
          "could not be opened by the switch (gone)" },
        { "set Open_vSwitch . other_config:hw-offload=true",
          "set Open_vSwitch . other_config:hw-offload=false", "may be given" },
        { "del-port eth1", "add-port br-ex eth1", "is no port of a bridge" },
    };

    VSCTL(0, "add-br br-ex -- add-port br-ex eth1");
    fabric->retained_ms = 1;
    put_uplink("eth1", 1);
    UNTIL(reported("hv1"));
    UNTIL(uplink_is("eth1", NULL));
    /* It is no interface, as the one that no port claims is, and none passes
     * for it. */
    VSCTL(0, "add-port br-int tapq -- set Interface tapq ofport=7 "
          "external_ids:iface-id=%s", VMN_VIF_QUEUES);
    add_vif(0, "tap1", "p1", 1);
    UNTIL(get_vif("hv1/p1"));
    assert_int_equal(get_vif("hv1/" VMN_VIF_QUEUES)->ofport,
                     VMN_QUEUES_OFPORT);
    UNTIL(fabric_unclaimed_interfaces(fabric, NULL) == 1);
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        VSCTL(0, "%s", faults[i].harm);
        UNTIL(uplink_is("eth1", faults[i].reason));
        VSCTL(0, "%s", faults[i].mend);
        UNTIL(uplink_is("eth1", NULL));
    }
    put_uplink(NULL, 0);
    UNTIL(!get_vif("hv1/" VMN_VIF_QUEUES) && !reason_has("hv1", "uplink"));
}

/* Returns true if the status of host hv1 has uplink eth1 alone, says that it
 * is 'active', or not, and has a reason that begins like that; NULL: none. */
static bool
eth1_is(bool active, const char *reason)
{
    json_t *status = fixture_host_status("hv1");
    const json_t *uplinks = json_object_get(status, "uplinks");
    const json_t *uplink = json_array_get(uplinks, 0);
    const json_t *is_active = json_object_get(uplink, "active");
    const char *s = json_string_value(json_object_get(uplink, "reason"));
    bool is = (json_array_size(uplinks) == 1 && json_is_boolean(is_active)
               && json_is_true(is_active) == active
               && (reason ? s && !strncmp(s, reason, strlen(reason)) : !s));

    json_decref(status);
    return is;
}

static uint64_t
queues_revision(void)
{
    struct model_meta meta;

    assert_non_null(model_get_durable(toy.model, VMN_TABLE_VIF,
                                      "hv1/" VMN_VIF_QUEUES, &meta));
    return meta.revision;
}

/* Returns what the last report had of uplink eth1 of host hv1. */
static const struct host_uplink *
eth1_state(void)
{
    const struct host_queues *q = &fabric_find_host(fabric,
                                                    "hv1")->db->queues;

    assert_int_equal(q->n_uplinks, 1);
    return &q->states[0];
}

/* A device that is away for a moment is no change. */
static void
uplink_whose_device_comes_and_goes_stays_active(void **state OVS_UNUSED)
{
    uint64_t before;

    VSCTL(0, "add-br br-ex -- add-port br-ex eth1");
    put_uplink("eth1", 1);
    UNTIL(reported("hv1"));
    UNTIL(uplink_is("eth1", NULL));
    before = queues_revision();
    fabric->retained_ms = INT_MAX;  /* However slow the machine is. */
    for (int i = 0; i < 3; i++) {
        VSCTL(0, "set Interface eth1 ofport=-1 error=gone");
        UNTIL(eth1_state()->retained_ms);
        assert_true(eth1_is(true, NULL) && !reason_has("hv1", "eth1"));
        VSCTL(0, "set Interface eth1 ofport=1 -- "
              "clear Interface eth1 error");
        UNTIL(!eth1_state()->retained_ms);
    }
    UNTIL(commit_is_quiescent(commit));
    assert_int_equal(queues_revision(), before);

    /* One that stays away is told in the end, with no change of the
     * database. */
    fabric->retained_ms = 500;
    VSCTL(0, "set Interface eth1 ofport=-1 error=gone");
    UNTIL(uplink_is("eth1", "could not be opened by the switch (gone)"));
    assert_true(eth1_is(false, "could not be opened"));
    /* And each new fault of it at once, until it holds again. */
    fabric->retained_ms = INT_MAX;
    VSCTL(0, "set Interface eth1 error=broken");
    UNTIL(uplink_is("eth1", "could not be opened by the switch (broken)"));
    VSCTL(0, "set Interface eth1 ofport=1 -- clear Interface eth1 error");
    UNTIL(uplink_is("eth1", NULL));
}

/* What a host has said of an uplink stays when something else is wanted of it:
 * that says nothing new. */
static void
uplink_stays_as_it_is_when_more_is_wanted(void **state OVS_UNUSED)
{
    struct report_limit *limit;
    int64_t until_ms;

    VSCTL(0, "add-br br-ex -- add-port br-ex eth1");
    put_uplink("eth1", 1);
    UNTIL(reported("hv1"));
    UNTIL(uplink_is("eth1", NULL));

    /* No change that the host has made: it may make as many as before.  A
     * bucket of rate 0 is never filled.  Nothing else changes here: eth1 is
     * as it is to be, and what was said of it is committed. */
    UNTIL(commit_is_quiescent(commit));
    limit = &fabric_find_host(fabric, "hv1")->db->limit;
    limit->rate = 1;
    limit->bucket = (struct token_bucket) { .tokens = 9000, .burst = 9000 };
    put_uplink("eth1", 2);
    UNTIL(has_queue(0, "\"1500000\""));
    assert_true(eth1_is(true, NULL));
    assert_int_equal(limit->bucket.tokens, 9000);
    limit->rate = 0;

    /* Nor has a device that is away come back and gone since. */
    fabric->retained_ms = INT_MAX;
    VSCTL(0, "set Interface eth1 ofport=-1 error=gone");
    UNTIL(eth1_state()->retained_ms);
    until_ms = eth1_state()->retained_ms;
    fabric->retained_ms = 1;        /* From now on. */
    put_uplink("eth1", 1);
    UNTIL(has_queue(0, "\"500000\""));
    assert_true(eth1_is(true, NULL) && !reason_has("hv1", "eth1"));
    assert_int_equal(eth1_state()->retained_ms, until_ms);
}

static void
host_cb(void *n_, const char *host)
{
    unsigned *n = n_;

    *n += !strcmp(host, "hv1");
}

/* What is said of an uplink is of the same report as the host's reason, and is
 * told to those that watch the host by itself. */
static void
uplinks_are_told_with_the_rest(void **state OVS_UNUSED)
{
    static const struct fabric_watch watch = { .host = host_cb };
    struct fabric_host_db *db;
    struct report_limit *limit;
    uint64_t n_delayed;
    unsigned n = 0;

    VSCTL(0, "add-br br-ex -- add-port br-ex eth1");
    put_uplink("eth1", 1);
    UNTIL(reported("hv1"));
    UNTIL(uplink_is("eth1", NULL));
    db = fabric_find_host(fabric, "hv1")->db;
    limit = &db->limit;

    /* The host may report nothing for a while: a bucket of rate 0 is never
     * filled. */
    n_delayed = fabric->stats.n_reports_delayed;
    limit->rate = 1;
    limit->bucket = (struct token_bucket) { .tokens = 0 };
    VSCTL(0, "set Open_vSwitch . other_config:hw-offload=true");
    UNTIL(fabric->stats.n_reports_delayed > n_delayed
          && ovsdb_session_snapshot(db->session)->hw_offload);
    assert_int_not_equal(limit->due_ms, INT64_MAX);
    assert_true(eth1_is(true, NULL) && !reason_has("hv1", "eth1"));
    limit->rate = 0;
    UNTIL(uplink_is("eth1", "may be given"));
    assert_true(eth1_is(false, "may be given"));

    /* The host's reason is another one, and stays. */
    VSCTL(0, "set Interface vmn-vxlan ofport=-1 error=broken");
    UNTIL(reason_has("hv1", "broken"));
    fabric_add_watch(fabric, &watch, &n);
    VSCTL(0, "remove Open_vSwitch . other_config hw-offload");
    UNTIL(eth1_is(true, NULL));
    assert_true(reason_has("hv1", "broken"));
    assert_int_not_equal(n, 0);
    fabric_remove_watch(fabric, &watch, &n);
}

/* Returns true if apps read that none of host hv1's uplinks holds, and its
 * status says no more of the only one. */
static bool
none_holds(void)
{
    const struct vmn_vif *vif = get_vif("hv1/" VMN_VIF_QUEUES);

    return vif && !strcmp(vif->iface, ",") && eth1_is(false, NULL);
}

/* For whatever reason: nothing of it is taken in, and nothing that it has said
 * before counts. */
static void
rejected_host_has_no_uplinks_that_hold(void **state OVS_UNUSED)
{
    static const struct {
        const char *harm, *mend;
    } faults[] = {
        { "set Interface vmn-vxlan ofport=100",
          "set Interface vmn-vxlan ofport=40000" },
        { "set Bridge br-int datapath_id=\"00000000000000aa\"",
          "set Bridge br-int datapath_id=\"00000000000000bb\"" },
        { "set Bridge br-int external_ids:vmn-owner=other",
          "set Bridge br-int external_ids:vmn-owner=vmnd" },
    };

    put_host(1, "br-int", false);
    UNTIL(reported("hv2"));
    VSCTL(1, "set Bridge br-int datapath_id=\"00000000000000aa\"");
    UNTIL(fabric_find_host(fabric, "hv2")->datapath_id == 0xaa);
    VSCTL(0, "add-br br-ex -- add-port br-ex eth1");
    put_uplink("eth1", 1);
    UNTIL(reported("hv1"));
    add_vif(0, "tap1", "p1", 1);
    UNTIL(get_vif("hv1/p1"));
    fabric->retained_ms = INT_MAX;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        UNTIL(uplink_is("eth1", NULL));
        VSCTL(0, "%s", faults[i].harm);
        UNTIL(status_is("hv1", "state", "rejected"));
        UNTIL(none_holds());
        assert_non_null(get_vif("hv1/p1"));

        /* That it was active before retains nothing. */
        VSCTL(0, "set Interface eth1 ofport=-1 error=gone -- %s",
              faults[i].mend);
        UNTIL(uplink_is("eth1", "could not be opened"));
        VSCTL(0, "%s", faults[i].harm);
        UNTIL(status_is("hv1", "state", "rejected"));
        UNTIL(none_holds());
        VSCTL(0, "set Interface eth1 ofport=1 -- "
              "clear Interface eth1 error -- %s", faults[i].mend);
    }
    UNTIL(uplink_is("eth1", NULL));

    /* One that it is not to have any more meanwhile, or from now on. */
    VSCTL(0, "set Bridge br-int external_ids:vmn-owner=other");
    UNTIL(none_holds());
    put_uplink(NULL, 0);
    UNTIL(!get_vif("hv1/" VMN_VIF_QUEUES));
    assert_non_null(get_vif("hv1/p1"));
    put_uplink("eth1", 1);
    UNTIL(none_holds());
}

/* Also where vmnd knows it no other way: whether the host's configuration is
 * at fault, of which nothing is taken in, or its switch. */
static void
host_rejected_from_the_start_has_no_uplinks_that_hold(void **state OVS_UNUSED)
{
    VSCTL(0, "add-br br-ex -- add-port br-ex eth1");
    put_uplink("eth1", 1);
    UNTIL(reported("hv1"));
    UNTIL(uplink_is("eth1", NULL));
    VSCTL(0, "set Bridge br-int external_ids:vmn-owner=other");
    UNTIL(none_holds());
    restart_vmnd();
    assert_null(get_vif("hv1/" VMN_VIF_QUEUES));
    UNTIL(none_holds());
    assert_true(status_is("hv1", "state", "rejected"));
    assert_false(reported("hv1"));

    /* That was no report. */
    VSCTL(0, "set Bridge br-int external_ids:vmn-owner=vmnd");
    UNTIL(uplink_is("eth1", NULL));
    UNTIL(reported("hv1"));
    VSCTL(0, "set Interface vmn-vxlan ofport=100");
    UNTIL(none_holds());
    restart_vmnd();
    UNTIL(none_holds());
    assert_true(status_is("hv1", "state", "rejected"));
}

/* Its queues are on each of its members. */
static void
uplink_may_be_a_bond(void **state OVS_UNUSED)
{
    VSCTL(0, "add-br br-ex -- add-bond br-ex bond0 eth1 eth2");
    fabric->retained_ms = 1;
    put_uplink("bond0", 1);
    UNTIL(reported("hv1"));
    UNTIL(uplink_is("bond0", NULL));
    VSCTL(0, "set Interface eth2 ofport=-1 error=gone");
    UNTIL(uplink_is("bond0", "could not be opened by the switch (gone)"));
    VSCTL(0, "set Interface eth2 ofport=2 -- clear Interface eth2 error");
    UNTIL(uplink_is("bond0", NULL));
}

/* Its queues follow from its interfaces, which are not stored. */
static void
host_that_reports_late_keeps_its_queues(void **state OVS_UNUSED)
{
    char *before, *after;

    VSCTL(0, "add-br br-ex -- add-port br-ex eth1");
    put_uplink("eth1", 1);
    UNTIL(reported("hv1"));
    put_port("p1", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    UNTIL(has_queue(32779, "\"100000\""));
    before = queue_rows();

    /* vmnd starts, and computes what is desired, while it is away. */
    ovs_sandbox_stop_server(&sandboxes[0]);
    restart_vmnd();
    UNTIL(fabric_find_host(fabric, "hv1")->db->queues.known);
    assert_false(reported("hv1"));
    ovs_sandbox_start_server(&sandboxes[0]);
    UNTIL(reported("hv1"));
    put_uplink("eth1", 2);
    UNTIL(has_queue(0, "\"1400000\""));
    after = queue_rows();
    assert_string_equal(before, after);
    free(before);
    free(after);

    /* Then it has what is desired: this one's interface is gone. */
    VSCTL(0, "del-port tap1");
    UNTIL(has_queue(32779, ""));
}

static void
inbound_host_is_taken_in(void **state OVS_UNUSED)
{
    char *listen = xasprintf("unix:%s/in.sock", sandboxes[0].dir);

    /* As if vmnd had been started with that option. */
    stop_vmnd();
    options.ovsdb_listen = listen;
    start_vmnd();
    for (int i = 0; i < N_HOSTS; i++) {
        change(VMN_TABLE_HOST, i ? "hv2" : "hv1",
               json_pack("{s:s, s:s, s:s}", "ovsdb", "inbound", "tunnel_ip",
                         i ? "192.0.2.2" : "192.0.2.1", "datapath", "netdev"));
        VSCTL(i, "set-manager %s", listen);
    }
    UNTIL(reported("hv1") && reported("hv2"));
    options.ovsdb_listen = NULL;
    free(listen);
}

static void
bridge_of_others_is_refused_until_adopted(void **state OVS_UNUSED)
{
    VSCTL(0, "add-br br-int");
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "rejected"));
    assert_true(reason_has("hv1", "adopt"));
    assert_false(reported("hv1"));
    put_host(0, "br-int", true);
    UNTIL(reported("hv1") && !status_is("hv1", "state", "rejected"));
    assert_false(reason_has("hv1", "adopt"));
}

static void
wrong_tunnel_number_is_refused(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "set Interface vmn-vxlan ofport=100 -- "
          "set Bridge br-int datapath_id=\"0000000000000001\"");
    UNTIL(status_is("hv1", "state", "rejected"));
    assert_true(reason_has("hv1", "40000"));
    assert_int_equal(fabric_find_host(fabric, "hv1")->datapath_id, 0);
    VSCTL(0, "set Interface vmn-vxlan ofport=40000");
    UNTIL(fabric_find_host(fabric, "hv1")->datapath_id == 1);
    assert_false(status_is("hv1", "state", "rejected"));

    /* One that could not be made is told, but harms no local traffic. */
    VSCTL(0, "set Interface vmn-vxlan ofport=-1 error=broken");
    UNTIL(reason_has("hv1", "broken"));
    assert_int_equal(fabric_find_host(fabric, "hv1")->datapath_id, 1);
}

/* All hosts get the port that one host is sent to by. */
static void
tunnel_ports_are_those_that_some_host_receives_by(void **state OVS_UNUSED)
{
    start_hosts();
    change(VMN_TABLE_HOST, "hv2",
           json_pack("{s:s, s:s, s:s, s:s}", "ovsdb", sandboxes[1].remote,
                     "tunnel_ip", "192.0.2.2", "datapath", "netdev", "encap",
                     "geneve"));
    for (int i = 0; i < N_HOSTS; i++) {
        UNTIL(has_interface(i, "vmn-geneve"));
        assert_true(has_interface(i, "vmn-vxlan"));
    }
    VSCTL(0, "set Interface vmn-geneve ofport=100");
    UNTIL(status_is("hv1", "state", "rejected"));
    assert_true(reason_has("hv1", "\"vmn-geneve\" got number 100 instead of "
                           "40001"));
    change(VMN_TABLE_HOST, "hv2", NULL);
    UNTIL(!has_interface(0, "vmn-geneve"));
    UNTIL(!status_is("hv1", "state", "rejected"));
    assert_true(has_interface(0, "vmn-vxlan"));
}

static void
same_datapath_id_twice_is_refused(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "set Bridge br-int datapath_id=\"00000000000000aa\"");
    UNTIL(fabric_find_host(fabric, "hv1")->datapath_id == 0xaa);
    VSCTL(1, "set Bridge br-int datapath_id=\"00000000000000aa\"");
    UNTIL(status_is("hv2", "state", "rejected"));
    assert_true(reason_has("hv2", "host \"hv1\""));
}

static void
what_else_is_wrong_is_told(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "set Open_vSwitch . other_config:flow-restore-wait=true");
    UNTIL(reason_has("hv1", "flow-restore-wait"));
    VSCTL(0, "remove Open_vSwitch . other_config flow-restore-wait");
    UNTIL(!reason_has("hv1", "flow-restore-wait"));
    VSCTL(0, "set Open_vSwitch . datapath_types=system");
    UNTIL(reason_has("hv1", "datapath of type"));
}

static void
host_that_is_not_there_has_a_status(void **state OVS_UNUSED)
{
    change(VMN_TABLE_HOST, "gone",
           json_pack("{s:s, s:s}", "ovsdb", "unix:/nonexistent", "tunnel_ip",
                     "192.0.2.7"));
    json_t *status = fixture_host_status("gone");
    json_t *ovsdb = json_object_get(status, "ovsdb");

    assert_string_not_equal(json_string_value(json_object_get(ovsdb,
                                                              "state")),
                            "connected");
    json_decref(status);
    UNTIL(reason_has("gone", "no connection to its database: "));
    change(VMN_TABLE_HOST, "gone", NULL);
    assert_null(fixture_host_status("gone"));
    assert_null(fixture_port_status("no-port"));
}

static void
taken_tunnel_number_is_found_out(void **state OVS_UNUSED)
{
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    VSCTL(0, "add-br br-int -- set Bridge br-int datapath_type=dummy "
          "-- add-port br-int taken -- set Interface taken type=dummy "
          "ofport_request=40000");
    UNTIL(({
        char *output = ovs_sandbox_vsctl(&sandboxes[0], "get Interface taken "
                                         "ofport");
        bool done = !strcmp(output, "40000");
        free(output);
        done;
    }));
    put_host(0, "br-int", true);
    UNTIL(status_is("hv1", "state", "rejected"));
    assert_true(reason_has("hv1", "40000"));
}

/* Listens in place of the database of host 0, which is stopped. */
static int
listen_for_dials(void)
{
    int fd;

    ovs_sandbox_stop_server(&sandboxes[0]);
    fd = make_unix_socket(SOCK_STREAM, true,
                          sandboxes[0].remote + strlen("unix:"), NULL);
    assert_true(fd >= 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* Ends what has connected, and returns since when the session waits to dial
 * again, by the loop's clock; 0 while it does not. */
static int64_t
refuse_dials(int fd)
{
    struct ovsdb_status status;
    int dial = accept(fd, NULL, NULL);

    if (dial >= 0) {
        close(dial);
    }
    ovsdb_session_get_status(fabric_find_host(fabric, "hv1")->db->session,
                             &status);
    return status.state == OVSDB_WAITING ? status.since_ms : 0;
}

/* That the switch is there helps once: a database that is away for longer is
 * dialled less and less often, as that of any host. */
static void
database_is_dialled_less_often_beside_its_switch(void **state OVS_UNUSED)
{
    int64_t since_ms[4] = { 0 };
    int fd;

    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "synced"));
    fd = listen_for_dials();
    for (size_t i = 1; i < ARRAY_SIZE(since_ms); i++) {
        UNTIL((since_ms[i] = refuse_dials(fd)) > since_ms[i - 1]);
    }
    /* After a second, then after two. */
    assert_true(since_ms[3] - since_ms[2] >= 2000);
    assert_non_null(fabric_find_host(fabric, "hv1")->sw->conn);
    close(fd);
}

static void
tables_track_the_prefixes_that_stages_have(void **state OVS_UNUSED)
{
    const struct vmn_stage_class class_ = { .n_tables = 2 };
    const uint32_t prefixes[] = {
        0, VMN_PREFIX_CT_NW_DST | VMN_PREFIX_CT_IPV6_DST | VMN_PREFIX_NW_SRC,
    };
    struct pipeline_stage stages[] = {
        { .class_ = &class_, .first_table = 0 },
        { .class_ = &class_, .first_table = 96, .prefixes = prefixes },
    };
    struct pipeline_app app = { .n_stages = 2, .stages = stages };
    const struct pipeline pipeline = { .n_apps = 1, .apps = &app };
    struct ovsdb_prefixes *found;
    size_t n;

    assert_null(table_prefixes(NULL, &n));
    assert_int_equal(n, 0);
    found = table_prefixes(&pipeline, &n);
    assert_int_equal(n, 1);
    assert_int_equal(found->table, 97);
    assert_int_equal(found->n_fields, 3);
    assert_string_equal(found->fields[0], "nw_src");
    assert_string_equal(found->fields[1], "ct_nw_dst");
    assert_string_equal(found->fields[2], "ct_ipv6_dst");
    free(found);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, host_db_setup, host_db_teardown)
        T(host_is_set_up_and_synced),
        T(host_without_zone_limits_says_so),
        T(host_has_the_queues_that_apps_want),
        T(uplink_that_guarantees_nothing_is_told),
        T(uplink_whose_device_comes_and_goes_stays_active),
        T(uplink_stays_as_it_is_when_more_is_wanted),
        T(uplinks_are_told_with_the_rest),
        T(rejected_host_has_no_uplinks_that_hold),
        T(host_rejected_from_the_start_has_no_uplinks_that_hold),
        T(uplink_may_be_a_bond),
        T(host_that_reports_late_keeps_its_queues),
        T(inbound_host_is_taken_in),
        T(bridge_of_others_is_refused_until_adopted),
        T(wrong_tunnel_number_is_refused),
        T(tunnel_ports_are_those_that_some_host_receives_by),
        T(same_datapath_id_twice_is_refused),
        T(what_else_is_wrong_is_told),
        T(host_that_is_not_there_has_a_status),
        T(taken_tunnel_number_is_found_out),
        cmocka_unit_test(tables_track_the_prefixes_that_stages_have),
        T(database_is_dialled_less_often_beside_its_switch),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
