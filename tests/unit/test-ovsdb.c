/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions with a real ovsdb-server, dialled and accepted, and with peers that
 * send rubbish. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/ovsdb/ovsdb-private.h"
#include "stream-ssl.h"
#include "tests/unit/listening.h"
#include "tests/unit/loop-help.h"
#include "tests/unit/ovs-sandbox.h"
#include "timeval.h"
#include "util.h"

/* What openssl-req(1) makes in no time; RSA takes seconds under load. */
#define NEW_KEY "ec -pkeyopt ec_paramgen_curve:P-256"

/* Longest that a test waits for something that must happen. */
#define PATIENCE_MS 60000

static struct loop *loop;
static struct ovsdb_schemas *schemas; /* Of all cases. */

struct fixture {
    struct ovs_sandbox sb;
    struct ovsdb_session *session;
    int n_changes;
    size_t budget;              /* What budget_of() says. */
};

static void
changed(void *fixture_)
{
    struct fixture *f = fixture_;

    f->n_changes++;
}

static struct ovsdb_status
status_of(const struct ovsdb_session *session)
{
    struct ovsdb_status status;

    ovsdb_session_get_status(session, &status);
    return status;
}

/* Runs the loop until EXPRESSION holds. */
#define WAIT_FOR(EXPRESSION)                                            \
    do {                                                                \
        long long int deadline = time_msec() + PATIENCE_MS;             \
                                                                        \
        while (!(EXPRESSION)) {                                         \
            if (time_msec() > deadline) {                               \
                fail_msg("in vain: %s", #EXPRESSION);                   \
            }                                                           \
            loop_turn(loop, 100);                                       \
        }                                                               \
    } while (0)

#define IS_UP(F) (status_of((F)->session).state == OVSDB_CONNECTED)

static struct ovsdb_desired
set_desired(const char *bridge)
{
    return (struct ovsdb_desired) {
        .owner = "vmnd",
        .bridge = bridge,
        .datapath_type = "netdev",
        .protocol = "OpenFlow15",
        .tunnels = {
            { "vmn-vxlan", "vxlan", 40000, true },
            { "vmn-geneve", "geneve", 40001, false },
        },
        .tunnel_local_ip = "192.0.2.1",
        .controller = "tcp:192.0.2.9:6653",
        .controller_max_backoff_ms = 1000,
        .controller_probe_ms = 30000,
    };
}

static struct fixture *
fixture_open(void)
{
    struct fixture *f = xzalloc(sizeof *f);

    ovs_sandbox_create(&f->sb, "hv1");
    f->session = ovsdb_session_create(loop, schemas, "hv1", f->sb.remote,
                                      changed, f);
    WAIT_FOR(IS_UP(f));
    return f;
}

static void
fixture_close(struct fixture *f)
{
    ovsdb_session_destroy(f->session);
    ovs_sandbox_destroy(&f->sb);
    free(f);
}

/* Asserts what ovs-vsctl prints for a command. */
#define ASSERT_VSCTL(F, EXPECTED, ...)                                  \
    do {                                                                \
        char *output = ovs_sandbox_vsctl(&(F)->sb, __VA_ARGS__);        \
                                                                        \
        assert_string_equal(output, EXPECTED);                          \
        free(output);                                                   \
    } while (0)

static void
configure_and_wait(struct fixture *f, const struct ovsdb_desired *desired,
                   enum ovsdb_config_state state)
{
    ovsdb_session_set_desired(f->session, desired);
    assert_int_equal(status_of(f->session).config, OVSDB_CONFIG_WORKING);
    WAIT_FOR(status_of(f->session).config == state);
}

/* Dialled sessions.  ----------------------------------------------------- */

static const struct ovsdb_interface *
find_interface(const struct fixture *f, const char *name)
{
    const struct ovsdb_snapshot *s = ovsdb_session_snapshot(f->session);

    for (size_t i = 0; s && i < s->n_interfaces; i++) {
        if (!strcmp(s->interfaces[i].name, name)) {
            return &s->interfaces[i];
        }
    }
    return NULL;
}

static void
snapshot_follows_the_database(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
    const struct ovsdb_interface *iface;

    assert_string_equal(ovsdb_session_snapshot(f->session)->system_id, "hv1");
    assert_int_equal(ovsdb_session_snapshot(f->session)->n_bridges, 0);

    free(ovs_sandbox_vsctl(
             &f->sb, "add-br br0 -- set Bridge br0 "
             "external_ids:vmn-owner=somebody -- add-port br0 vif1 -- "
             "set Interface vif1 external_ids:iface-id=vm1 ofport=7 "
             "link_state=up -- set Open_vSwitch . ovs_version=3.1.0 "
             "other_config:flow-restore-wait=true"));
    WAIT_FOR((iface = find_interface(f, "vif1")) != NULL);
    assert_string_equal(iface->bridge, "br0");
    assert_string_equal(iface->iface_id, "vm1");
    assert_string_equal(iface->type, "");
    assert_null(iface->error);
    assert_int_equal(iface->ofport, 7);
    assert_int_equal(iface->link, OVSDB_LINK_UP);

    const struct ovsdb_snapshot *s = ovsdb_session_snapshot(f->session);

    assert_int_equal(s->n_bridges, 1);
    assert_string_equal(s->bridges[0].datapath_type, "system");
    assert_string_equal(s->bridges[0].owner, "somebody");
    assert_string_equal(s->ovs_version, "3.1.0");
    assert_true(s->flow_restore_wait);

    free(ovs_sandbox_vsctl(&f->sb, "set Interface vif1 ofport=-1 "
                           "link_state=down error=gone"));
    WAIT_FOR(find_interface(f, "vif1")->ofport == -1);
    assert_int_equal(find_interface(f, "vif1")->link, OVSDB_LINK_DOWN);
    assert_string_equal(find_interface(f, "vif1")->error, "gone");

    free(ovs_sandbox_vsctl(&f->sb, "del-port vif1"));
    WAIT_FOR(!find_interface(f, "vif1"));
    fixture_close(f);
}

static size_t
budget_of(void *f_)
{
    const struct fixture *f = f_;

    return f->budget;
}

/* Rows that nothing refers to count as well, and columns that are not asked
 * for do not come. */
static void
session_is_dropped_when_rows_are_too_much(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
    char *large = xzalloc(40001);
    char *command;

    memset(large, 'x', 40000);
    f->budget = 1 << 20;
    ovsdb_session_set_budget(f->session, budget_of);
    command = xasprintf("add-br br0 -- set Bridge br0 external_ids:a=%s",
                        large);
    free(ovs_sandbox_vsctl(&f->sb, "%s", command));
    free(command);
    WAIT_FOR(ovsdb_session_snapshot(f->session)
             && ovsdb_session_snapshot(f->session)->n_bridges == 1);
    assert_int_equal(status_of(f->session).n_over_budget, 0);

    f->budget = 64 << 10;
    free(ovs_sandbox_vsctl(&f->sb, "set Bridge br0 external_ids:b=c"));
    WAIT_FOR(!IS_UP(f));
    assert_true(status_of(f->session).over_budget);
    assert_int_equal(status_of(f->session).n_over_budget, 1);
    assert_non_null(strstr(status_of(f->session).error, "too much"));

    /* With enough it comes back, when its time has come. */
    f->budget = 1 << 20;
    WAIT_FOR(IS_UP(f));
    assert_false(status_of(f->session).over_budget);
    free(large);
    fixture_close(f);
}

static void
session_comes_back_after_the_server(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();

    for (int i = 0; i < 2; i++) {
        ovs_sandbox_stop_server(&f->sb);
        WAIT_FOR(!IS_UP(f));
        assert_null(ovsdb_session_snapshot(f->session));
        assert_non_null(status_of(f->session).error);
        ovs_sandbox_start_server(&f->sb);
        WAIT_FOR(IS_UP(f));
        assert_null(status_of(f->session).error);
    }
    fixture_close(f);
}

static void
session_waits_for_a_server_that_is_not_there_yet(void **state OVS_UNUSED)
{
    struct fixture *f = xzalloc(sizeof *f);

    ovs_sandbox_create(&f->sb, "hv1");
    ovs_sandbox_stop_server(&f->sb);
    f->session = ovsdb_session_create(loop, schemas, "hv1", f->sb.remote,
                                      changed, f);
    WAIT_FOR(status_of(f->session).error);
    ovs_sandbox_start_server(&f->sb);
    WAIT_FOR(IS_UP(f));
    fixture_close(f);
}

static void
idle_session_does_not_run(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
    long long int deadline = time_msec() + 1000;
    uint64_t n_turns;
    int n_changes;

    for (int i = 0; i < 20; i++) {
        loop_turn(loop, 10);
    }
    n_changes = f->n_changes;
    n_turns = turns_of(loop);
    while (time_msec() < deadline) {
        loop_turn(loop, 1000);
    }
    assert_int_equal(f->n_changes, n_changes);
    assert_true(turns_of(loop) - n_turns <= 3);
    fixture_close(f);
}

/* Wishes.  --------------------------------------------------------------- */

/* Of the database's log: each transaction that changes anything adds to it. */
static off_t
database_size(const struct fixture *f)
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
    struct fixture *f = fixture_open();
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

    ASSERT_VSCTL(f, "[]\n[]", "get Controller br-int controller_rate_limit "
                 "controller_burst_limit");

    /* Again: nothing is written. */
    size = database_size(f);
    ovsdb_session_destroy(f->session);
    f->session = ovsdb_session_create(loop, schemas, "hv1", f->sb.remote,
                                      changed, f);
    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    assert_int_equal(database_size(f), size);
    fixture_close(f);
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
    struct fixture *f = fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");

    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        desired.controller_rate_pps = rates[i].rate;
        configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
        ASSERT_VSCTL(f, rates[i].row, "get Controller br-int "
                     "controller_rate_limit controller_burst_limit");
    }
    fixture_close(f);
}

static void
config_mends_what_is_changed(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
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
    fixture_close(f);
}

static void
config_refuses_what_is_not_ours_unless_it_may_adopt(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
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
    fixture_close(f);
}

static void
config_refuses_a_tunnel_port_of_others(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");

    free(ovs_sandbox_vsctl(&f->sb, "add-br br0 -- add-port br0 vmn-vxlan"));
    configure_and_wait(f, &desired, OVSDB_CONFIG_REFUSED);
    assert_non_null(strstr(status_of(f->session).config_reason, "vmn-vxlan"));
    /* It goes on by itself once that is out of the way. */
    free(ovs_sandbox_vsctl(&f->sb, "del-port vmn-vxlan"));
    WAIT_FOR(status_of(f->session).config == OVSDB_CONFIG_DONE);
    fixture_close(f);
}

static void
config_that_changes_takes_along_only_what_is_ours(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    free(ovs_sandbox_vsctl(
             &f->sb, "-- --id=@c create Controller target=\"tcp:192.0.2.8\" "
             "-- add Bridge br-int controller @c"));
    desired.controller = "tcp:192.0.2.10:6653";
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
    fixture_close(f);
}

static void
config_does_not_fight_without_end(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
    struct ovsdb_desired desired = set_desired("br-int");
    int n_fights = 0;

    configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
    for (long long int end = time_msec() + 2500; time_msec() < end;) {
        free(ovs_sandbox_vsctl(&f->sb, "set Bridge br-int "
                               "fail_mode=standalone"));
        for (int i = 0; i < 5; i++) {
            loop_turn(loop, 2);
        }
        char *mode = ovs_sandbox_vsctl(&f->sb, "get-fail-mode br-int");
        n_fights += !strcmp(mode, "secure");
        free(mode);
    }
    /* A burst, then about one in a second. */
    assert_in_range(n_fights, 1, 10);
    fixture_close(f);
}

/* Accepted sessions.  ---------------------------------------------------- */

struct inbound {
    struct ovsdb_listener *listener;
    struct fixture hosts[2];    /* "hv1", "hv2". */
    int n_unknown;
};

static struct ovsdb_session *
find_host(void *inbound_, const char *system_id)
{
    struct inbound *in = inbound_;

    if (!strcmp(system_id, "hv1")) {
        return in->hosts[0].session;
    } else if (!strcmp(system_id, "hv2")) {
        return in->hosts[1].session;
    }
    in->n_unknown++;
    return NULL;
}

static struct inbound *
inbound_open(void)
{
    struct inbound *in = xzalloc(sizeof *in);
    char *text;

    assert_int_equal(ovsdb_listener_open(loop, "tcp:127.0.0.1:0", find_host,
                                         in, &in->listener, &text), 0);
    for (int i = 0; i < 2; i++) {
        struct fixture *f = &in->hosts[i];

        ovs_sandbox_create(&f->sb, i ? "hv2" : "hv1");
        f->session = ovsdb_session_create(loop, schemas, i ? "hv2" : "hv1",
                                          NULL, changed, f);
    }
    return in;
}

static void
inbound_close(struct inbound *in)
{
    ovsdb_listener_close(in->listener);
    for (int i = 0; i < 2; i++) {
        ovsdb_session_destroy(in->hosts[i].session);
        ovs_sandbox_destroy(&in->hosts[i].sb);
    }
    free(in);
}

static void
host_dial(const struct inbound *in, const struct fixture *f)
{
    free(ovs_sandbox_vsctl(&f->sb, "set-manager tcp:127.0.0.1:%u",
                           listening_port()));
}

static void
several_hosts_dial_in_on_one_port(void **state OVS_UNUSED)
{
    struct inbound *in = inbound_open();
    struct ovsdb_desired desired = set_desired("br-int");

    for (int i = 0; i < 2; i++) {
        host_dial(in, &in->hosts[i]);
    }
    for (int i = 0; i < 2; i++) {
        struct fixture *f = &in->hosts[i];

        WAIT_FOR(IS_UP(f));
        assert_string_equal(ovsdb_session_snapshot(f->session)->system_id,
                            i ? "hv2" : "hv1");
        configure_and_wait(f, &desired, OVSDB_CONFIG_DONE);
        ASSERT_VSCTL(f, "secure", "get-fail-mode br-int");
    }

    /* One comes back after its server was restarted; the other stays. */
    int64_t since_ms = status_of(in->hosts[1].session).since_ms;
    ovs_sandbox_stop_server(&in->hosts[0].sb);
    WAIT_FOR(!IS_UP(&in->hosts[0]));
    ovs_sandbox_start_server(&in->hosts[0].sb);
    WAIT_FOR(IS_UP(&in->hosts[0]));
    assert_int_equal(status_of(in->hosts[1].session).since_ms, since_ms);
    inbound_close(in);
}

static void
unknown_host_is_closed(void **state OVS_UNUSED)
{
    struct inbound *in = inbound_open();

    free(ovs_sandbox_vsctl(&in->hosts[0].sb, "set Open_vSwitch . "
                           "external_ids:system-id=stranger"));
    host_dial(in, &in->hosts[0]);
    WAIT_FOR(in->n_unknown > 0);
    assert_int_equal(status_of(in->hosts[0].session).state, OVSDB_WAITING);
    /* It is let in once it has the right name. */
    free(ovs_sandbox_vsctl(&in->hosts[0].sb, "set Open_vSwitch . "
                           "external_ids:system-id=hv1"));
    WAIT_FOR(IS_UP(&in->hosts[0]));
    inbound_close(in);
}

static void
second_connection_of_a_host_displaces_no_live_one(void **state OVS_UNUSED)
{
    struct inbound *in = inbound_open();
    struct fixture *f = &in->hosts[0];
    int n_changes;

    host_dial(in, f);
    WAIT_FOR(IS_UP(f));
    free(ovs_sandbox_vsctl(&in->hosts[1].sb, "set Open_vSwitch . "
                           "external_ids:system-id=hv1 external_ids:fake=1"));
    n_changes = f->n_changes;
    host_dial(in, &in->hosts[1]);
    for (int i = 0; i < 100; i++) {
        loop_turn(loop, 20);
    }
    assert_true(IS_UP(f));
    assert_int_equal(f->n_changes, n_changes);
    /* The real one leaves; the other, which goes on trying, gets in. */
    ovs_sandbox_stop_server(&f->sb);
    WAIT_FOR(!IS_UP(f));
    WAIT_FOR(IS_UP(f));
    inbound_close(in);
}

static int
dial(uint16_t port)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *) &sin, sizeof sin), 0);
    return fd;
}

/* Returns true once the other side has closed 'fd'. */
static bool
is_closed(int fd)
{
    char chunk[4096];
    ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);

    return !n || (n < 0 && errno != EAGAIN);
}

static void
send_and_expect_close(struct inbound *in, const char *data, size_t size)
{
    int fd = dial(listening_port());
    size_t sent = 0;

    WAIT_FOR(is_closed(fd) || ({
        ssize_t n = sent < size ? send(fd, data + sent, size - sent,
                                       MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        sent += n > 0 ? n : 0;
        false;
    }));
    close(fd);
}

/* Makes DIR/NAME-key.pem and DIR/NAME-cert.pem, for common name 'cn', and the
 * authority that signs them if there is none yet. */
static void
make_certificate(const char *dir, const char *name, const char *cn)
{
    char *command = xasprintf(
        "cd %s && { [ -e ca.pem ] || openssl req -x509 -newkey " NEW_KEY " "
        "-nodes -subj /CN=ca -days 2 -keyout ca-key.pem -out ca.pem; } && "
        "openssl req -newkey " NEW_KEY " -nodes -subj /CN=%s "
        "-keyout %s-key.pem -out req.pem && openssl x509 -req -in req.pem -CA ca.pem -CAkey "
        "ca-key.pem -CAcreateserial -days 2 -out %s-cert.pem",
        dir, cn, name, name);
    char sh[] = "sh", c[] = "-c";
    char *argv[] = { sh, c, command, NULL };
    struct ovs_sandbox nowhere = { .dir = CONST_CAST(char *, dir) };

    assert_int_equal(ovs_sandbox_exec(&nowhere, argv, NULL), 0);
    free(command);
}

static void
host_set_ssl(const struct fixture *f, const char *dir, const char *name)
{
    free(ovs_sandbox_vsctl(&f->sb, "set-ssl %s/%s-key.pem %s/%s-cert.pem "
                           "%s/ca.pem", dir, name, dir, name, dir));
}

static void
certificate_must_name_the_host(void **state OVS_UNUSED)
{
    struct inbound *in = inbound_open();
    const char *dir = in->hosts[0].sb.dir;
    char *key = xasprintf("%s/vmnd-key.pem", dir);
    char *cert = xasprintf("%s/vmnd-cert.pem", dir);
    char *ca = xasprintf("%s/ca.pem", dir);
    char *text;

    make_certificate(dir, "vmnd", "vmnd");
    make_certificate(dir, "hv1", "hv1");
    stream_ssl_set_key_and_cert(key, cert);
    stream_ssl_set_ca_cert_file(ca, false);
    ovsdb_listener_close(in->listener);
    assert_int_equal(ovsdb_listener_open(loop, "ssl:127.0.0.1:0", find_host,
                                         in, &in->listener, &text), 0);

    /* "hv2" has the certificate of "hv1". */
    for (int i = 0; i < 2; i++) {
        host_set_ssl(&in->hosts[i], dir, "hv1");
        free(ovs_sandbox_vsctl(&in->hosts[i].sb,
                               "set-manager ssl:127.0.0.1:%u -- "
                               "set Manager . max_backoff=1000",
                               listening_port()));
    }
    WAIT_FOR(IS_UP(&in->hosts[0]));
    for (int i = 0; i < 150; i++) {
        loop_turn(loop, 20);
    }
    assert_int_equal(in->hosts[1].n_changes, 0);

    make_certificate(dir, "hv2", "hv2");
    host_set_ssl(&in->hosts[1], dir, "hv2");
    WAIT_FOR(IS_UP(&in->hosts[1]));

    /* And without TLS nobody gets in there. */
    send_and_expect_close(in, "{}", 2);
    free(key);
    free(cert);
    free(ca);
    inbound_close(in);
}

/* Rubbish.  -------------------------------------------------------------- */

static void
rubbish_is_closed_and_harms_nobody(void **state OVS_UNUSED)
{
    static const char *const rubbish[] = {
        "x", "[]", "]", "\"", "{]", "{}", "{}{}", "{\"id\":1}",
        "{\"id\":\"vmn-id\",\"error\":null,\"result\":[]}",
        "{\"id\":\"vmn-id\",\"error\":null,\"result\":[{\"rows\":7}]}",
        "{\"id\":\"vmn-id\",\"error\":{},\"result\":null}",
        "{\"id\":\"vmn-id\",\"error\":null,\"result\":[{\"rows\":["
        "{\"external_ids\":[\"map\",[[\"system-id\",\"stranger\"]]]}]}]}",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "{\"method\":\"echo\",\"params\":[],\"id\":null}}",
        "{\"a\":\"\xff\xfe\"}",
    };
    struct inbound *in = inbound_open();
    struct fixture *f = &in->hosts[0];
    size_t size = OVSDB_ID_MAX_MESSAGE + 100;
    char *large = xmalloc(size);
    char *deep = xmalloc(1000);
    int n_changes;

    host_dial(in, f);
    WAIT_FOR(IS_UP(f));
    n_changes = f->n_changes;
    for (size_t i = 0; i < ARRAY_SIZE(rubbish); i++) {
        send_and_expect_close(in, rubbish[i], strlen(rubbish[i]));
    }
    memset(large, 'a', size);
    memcpy(large, "{\"", 2);
    send_and_expect_close(in, large, size);
    memset(deep, '[', 1000);
    deep[0] = '{';
    send_and_expect_close(in, deep, 1000);
    free(large);
    free(deep);

    /* Endless small messages. */
    char *many = xzalloc(4000);

    for (int i = 0; i < OVSDB_ID_MAX_MESSAGES + 1; i++) {
        strcat(many, "{\"id\":null,\"method\":\"update\",\"params\":[]}");
    }
    send_and_expect_close(in, many, strlen(many));
    free(many);

    /* The one that was there has seen nothing of it, and works. */
    assert_true(IS_UP(f));
    assert_int_equal(f->n_changes, n_changes);
    free(ovs_sandbox_vsctl(&f->sb, "add-br br0"));
    WAIT_FOR(ovsdb_session_snapshot(f->session)->n_bridges == 1);
    inbound_close(in);
}

/* A host that answers who it is, and then sends 'data'. */
static void
known_host_sends(struct inbound *in, const char *data, size_t size)
{
    static const char answer[] =
        "{\"id\":\"vmn-id\",\"error\":null,\"result\":[{\"rows\":["
        "{\"external_ids\":[\"map\",[[\"system-id\",\"hv2\"]]]}]}]}";
    char *both = xmalloc(sizeof answer - 1 + size);
    int n_changes = in->hosts[1].n_changes;

    memcpy(both, answer, sizeof answer - 1);
    memcpy(both + sizeof answer - 1, data, size);
    send_and_expect_close(in, both, sizeof answer - 1 + size);
    free(both);
    WAIT_FOR(status_of(in->hosts[1].session).state == OVSDB_WAITING
             && in->hosts[1].n_changes > n_changes);
    assert_non_null(status_of(in->hosts[1].session).error);
}

static void
known_host_that_sends_rubbish_is_dropped(void **state OVS_UNUSED)
{
    static const char *const rubbish[] = {
        "x", "]", "{\"id\":1}", "{}", "{\"method\":5}",
        "{\"id\":0,\"error\":null,\"result\":[]}"
        "{\"id\":1,\"error\":null,\"result\":[]}"
        "{\"id\":2,\"error\":null,\"result\":7} }",
        "{\"id\":null,\"method\":\"update3\",\"params\":[[\"monid\"],7]} }",
    };
    struct inbound *in = inbound_open();
    size_t size = OVSDB_MAX_MESSAGE + 100000;
    char *large = xmalloc(size);

    for (size_t i = 0; i < ARRAY_SIZE(rubbish); i++) {
        known_host_sends(in, rubbish[i], strlen(rubbish[i]));
    }
    memset(large, 'a', size);
    memcpy(large, "{\"", 2);
    known_host_sends(in, large, size);
    if (!strstr(status_of(in->hosts[1].session).error, "too large")) {
        fail_msg("%s", status_of(in->hosts[1].session).error);
    }
    free(large);

    /* The real one is welcome afterwards. */
    host_dial(in, &in->hosts[1]);
    WAIT_FOR(IS_UP(&in->hosts[1]));
    inbound_close(in);
}

static void
listeners_of_wrong_form_are_refused(void **state OVS_UNUSED)
{
    static const char *const listeners[] = {
        "", "tcp", "tcp:", "tcp:6640", "tcp::6640", "tcp:127.0.0.1:",
        "tcp:127.0.0.1:port", "tcp:300.0.0.1:6640", "udp:127.0.0.1:6640",
        "unix:", "ptcp:6640",
    };
    struct ovsdb_listener *listener;
    char *text;

    for (size_t i = 0; i < ARRAY_SIZE(listeners); i++) {
        assert_int_not_equal(ovsdb_listener_open(loop, listeners[i],
                                                 find_host, NULL, &listener,
                                                 &text), 0);
        assert_non_null(text);
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_follows_the_database),
        cmocka_unit_test(session_is_dropped_when_rows_are_too_much),
        cmocka_unit_test(session_comes_back_after_the_server),
        cmocka_unit_test(session_waits_for_a_server_that_is_not_there_yet),
        cmocka_unit_test(idle_session_does_not_run),
        cmocka_unit_test(config_makes_bridge_tunnel_and_controller),
        cmocka_unit_test(config_limits_what_the_controller_is_sent),
        cmocka_unit_test(config_mends_what_is_changed),
        cmocka_unit_test(config_refuses_what_is_not_ours_unless_it_may_adopt),
        cmocka_unit_test(config_refuses_a_tunnel_port_of_others),
        cmocka_unit_test(config_that_changes_takes_along_only_what_is_ours),
        cmocka_unit_test(config_does_not_fight_without_end),
        cmocka_unit_test(several_hosts_dial_in_on_one_port),
        cmocka_unit_test(unknown_host_is_closed),
        cmocka_unit_test(second_connection_of_a_host_displaces_no_live_one),
        cmocka_unit_test(certificate_must_name_the_host),
        cmocka_unit_test(rubbish_is_closed_and_harms_nobody),
        cmocka_unit_test(known_host_that_sends_rubbish_is_dropped),
        cmocka_unit_test(listeners_of_wrong_form_are_refused),
    };
    int n_failed;

    set_program_name("test-ovsdb");
    if (!getenv("TEST_VERBOSE")) {
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    }
    loop = loop_create();
    schemas = ovsdb_schemas_create();
    n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    ovsdb_schemas_destroy(schemas);
    loop_destroy(loop);
    return n_failed;
}
