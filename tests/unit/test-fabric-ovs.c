/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OpenFlow side against a real ovs-vswitchd (dummy datapath),
 * with the built apps: whatever they emit must be accepted, come back from a
 * dump as what was meant, and survive a restart on either side.
 *
 * Skipped where Open vSwitch is not installed. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-flush.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/session/host-state.h"
#include "controller/fabric/session/marker.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/tls/tls.h"
#include "tests/unit/listening.h"
#include "util.h"

#define SCHEMA "/usr/share/openvswitch/vswitch.ovsschema"
#define DPID 0x100

static const char *const modules[] = {
    "overlay",
    "firewall",
    "loadbalancer",
    NULL,
};

static char dir[] = "/tmp/test-fabric-ovs-XXXXXX";
static pid_t db_pid, vswitchd_pid;
static char *target;            /* Where the fabric listens. */

/* Open vSwitch.  --------------------------------------------------------- */

static void OVS_PRINTF_FORMAT(1, 2)
run(const char *format, ...)
{
    va_list args;
    char *command;

    va_start(args, format);
    command = xvasprintf(format, args);
    va_end(args);
    if (system(command)) {
        fail_msg("%s", command);
    }
    free(command);
}

static char *OVS_PRINTF_FORMAT(1, 2)
output_of(const char *format, ...)
{
    char buf[4096];
    va_list args;
    char *command;
    size_t n;
    FILE *f;

    va_start(args, format);
    command = xvasprintf(format, args);
    va_end(args);
    f = popen(command, "r");
    assert_non_null(f);
    n = fread(buf, 1, sizeof buf - 1, f);
    buf[n] = '\0';
    pclose(f);
    free(command);
    return xstrdup(buf);
}

static pid_t
spawn(const char *program, ...)
{
    char *argv[16];
    int n = 0;
    va_list args;
    pid_t pid;

    argv[n++] = CONST_CAST(char *, program);
    va_start(args, program);
    while (n < 15 && (argv[n] = va_arg(args, char *))) {
        n++;
    }
    argv[n] = NULL;
    va_end(args);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        int fd = open("/dev/null", O_RDWR);

        dup2(fd, 1);
        dup2(fd, 2);
        setenv("OVS_RUNDIR", dir, 1);
        setenv("OVS_LOGDIR", dir, 1);
        setenv("OVS_DBDIR", dir, 1);
        execv(program, argv);
        _exit(127);
    }
    return pid;
}

static void
stop(pid_t *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
        *pid = 0;
    }
}

static void
start_vswitchd(void)
{
    char *db = xasprintf("unix:%s/db.sock", dir);

    vswitchd_pid = spawn("/usr/sbin/ovs-vswitchd", db, "--disable-system",
                         "--enable-dummy", "--no-chdir",
                         "-vconsole:off", NULL);
    free(db);
}

static void
start_ovs(void)
{
    char *conf = xasprintf("%s/conf.db", dir);
    char *remote = xasprintf("--remote=punix:%s/db.sock", dir);
    char *socket_path = xasprintf("%s/db.sock", dir);

    run("ovsdb-tool create %s " SCHEMA, conf);
    db_pid = spawn("/usr/sbin/ovsdb-server", conf, remote, "-vconsole:off",
                   NULL);
    FIXTURE_TURN_UNTIL(fixture_turn, !access(socket_path, F_OK));
    start_vswitchd();
    run("ovs-vsctl --retry -t 20 --no-wait --db=unix:%s -- add-br br-int"
        " -- set bridge br-int datapath_type=dummy protocols=OpenFlow15"
        " fail-mode=secure other-config:datapath-id=%016x"
        " other-config:disable-in-band=true"
        " -- set-controller br-int %s"
        " -- set controller br-int max_backoff=1000"
        " connection_mode=out-of-band", socket_path, DPID, target);
    free(conf);
    free(remote);
    free(socket_path);
}

static int
remove_cb(const char *name, const struct stat *s OVS_UNUSED,
          int flag OVS_UNUSED, struct FTW *ftw OVS_UNUSED)
{
    return remove(name);
}

/* State.  ---------------------------------------------------------------- */

static json_t *
parse(const char *text)
{
    char *copy = xstrdup(text);
    json_t *json;

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    json = json_loads(copy, 0, NULL);
    assert_non_null(json);
    free(copy);
    return json;
}

static void
put(enum vmn_table table, const char *name, const char *spec)
{
    fixture_edit(table, name, spec ? parse(spec) : NULL, fixture_turn);
}

static void
put_port(int n, const char *host, const char *tier)
{
    char name[16], vif[32], spec[256];

    snprintf(name, sizeof name, "p%d", n);
    snprintf(spec, sizeof spec, "{'network': 'shop', 'ips': ['10.0.0.%d'],"
             " 'labels': {'tier': '%s'}}", n, tier);
    put(VMN_TABLE_PORT, name, spec);
    snprintf(spec, sizeof spec, "{'host': '%s'}", host);
    put(VMN_TABLE_BINDING, name, spec);
    snprintf(vif, sizeof vif, "%s/%s", host, name);
    snprintf(spec, sizeof spec, "{'host': '%s', 'iface_id': '%s',"
             " 'iface': 'tap', 'ofport': %d}", host, name, n);
    put(VMN_TABLE_VIF, vif, spec);
}

/* A shop with all that the apps know. */
static void
fill(void)
{
    put(VMN_TABLE_HOST, "h1",
        "{'ovsdb': 'inbound', 'tunnel_ip': '192.0.2.1'}");
    put(VMN_TABLE_HOST, "h2",
        "{'ovsdb': 'inbound', 'tunnel_ip': '192.0.2.2'}");
    put(VMN_TABLE_NETWORK, "shop",
        "{'subnets': [{'cidr': '10.0.0.0/24'}], 'default': 'deny'}");
    for (int i = 1; i <= 12; i++) {
        put_port(i, i % 2 ? "h1" : "h2", i % 3 ? "web" : "db");
    }
    put(VMN_TABLE_GROUP, "web", "{'selector': 'tier=web'}");
    put(VMN_TABLE_GROUP, "db", "{'selector': 'tier=db'}");
    put(VMN_TABLE_SERVICE, "sql",
        "{'entries': [{'protocol': 'tcp', 'ports': ['5432', '6000-6100']}]}");
    put(VMN_TABLE_POLICY, "p",
        "{'applies_to': ['db'], 'rules': ["
        " {'direction': 'ingress', 'action': 'allow',"
        "  'peers': [{'group': 'web'}], 'services': [{'service': 'sql'}]},"
        " {'direction': 'ingress', 'action': 'deny',"
        "  'peers': [{'cidr': '10.0.0.128/25'}]}]}");
    put(VMN_TABLE_LOADBALANCER, "vip",
        "{'vip': '10.0.0.200', 'networks': ['shop'], 'protocol': 'tcp',"
        " 'ports': [{'port': 80, 'target': 8080}], 'selector': 'tier=web'}");
}

static struct fabric_host *
h1(void)
{
    return fabric_find_host(fabric, "h1");
}

static bool
is_state(const char *state)
{
    const char *reason;
    const char *now = host_state_name(h1()->sw, &reason);

    if (strcmp(state, "diverged") && !strcmp(now, "diverged")) {
        fail_msg("%s", reason);
    }
    return !strcmp(now, state);
}

/* The switch's marker is that of what it is to hold. */
static void
check_marker(void)
{
    char *s = output_of("ovs-ofctl -O OpenFlow15 dump-flows"
                        " unix:%s/br-int.mgmt table=253", dir);
    char *cookie = xasprintf("cookie=0x%"PRIx64",", switch_marker_of(
        h1()->sw, engine_host_digest(toy.engine, "h1")));

    assert_non_null(strstr(s, cookie));
    free(s);
    free(cookie);
}

static void
until_synced(void)
{
    fabric_host_set_datapath(h1(), DPID);
    fabric_host_set_reported(h1());
    FIXTURE_TURN_UNTIL(fixture_turn, is_state("synced"));
    FIXTURE_TURN_UNTIL(fixture_turn,
                       switch_acked(h1()->sw) >= fabric->last_revision);
    check_marker();
}

struct counts {
    int flows, groups;
};

static void
count_cb(void *counts_, const struct flow_item *item)
{
    struct counts *counts = counts_;

    *(item->kind == FLOW_ITEM_FLOW ? &counts->flows : &counts->groups) += 1;
}

/* The switch has as many flows and groups as it should, by its own count. */
static void
check_counts(void)
{
    struct counts counts = { 0, 0 };
    char *s;

    engine_host_items(toy.engine, "h1", count_cb, &counts);
    assert_true(counts.flows > 50);
    assert_true(counts.groups > 0);
    s = output_of("ovs-ofctl -O OpenFlow15 dump-flows unix:%s/br-int.mgmt"
                  " | grep cookie= | grep -c -v table=25", dir);
    assert_int_equal(atoi(s), counts.flows);
    free(s);
    s = output_of("ovs-ofctl -O OpenFlow15 dump-groups unix:%s/br-int.mgmt"
                  " | grep -c group_id=", dir);
    assert_int_equal(atoi(s), counts.groups);
    free(s);
}

static uint64_t
n_sent(void)
{
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    return (stats.n_flow_adds + stats.n_flow_deletes + stats.n_group_mods
            + stats.n_bundles);
}

static int
setup(void **state OVS_UNUSED)
{
    strcpy(dir, "/tmp/test-fabric-ovs-XXXXXX");
    assert_non_null(mkdtemp(dir));
    target = xasprintf("unix:%s/openflow", dir);
    fixture_start(target, NULL, NULL, modules);
    fill();
    start_ovs();
    return 0;
}

/* What openssl-req(1) makes in no time; RSA takes seconds under load. */
#define NEW_KEY "ec -pkeyopt ec_paramgen_curve:P-256"

/* A CA, unless there is one already, and a certificate of it for both sides,
 * of host 'cn'; with names that begin with 'prefix'. */
static void
make_pki(const char *prefix, const char *cn)
{
    run("cd %s && { [ -e %sca.pem ] || openssl req -x509 -newkey " NEW_KEY
        " -nodes -days 2 -subj /CN=ca -keyout %scakey.pem -out %sca.pem"
        " 2>/dev/null; }"
        " && openssl req -newkey " NEW_KEY " -nodes -subj /CN=%s"
        " -keyout new-key.pem -out req.pem 2>/dev/null"
        " && openssl x509 -req -in req.pem -CA %sca.pem -CAkey %scakey.pem"
        " -CAcreateserial -days 2 -out new-cert.pem 2>/dev/null"
        " && mv new-cert.pem %scert.pem && mv new-key.pem %skey.pem", dir,
        prefix, prefix, prefix, cn, prefix, prefix, prefix, prefix);
}

static int
setup_tls(void **state OVS_UNUSED)
{
    strcpy(dir, "/tmp/test-fabric-ovs-XXXXXX");
    assert_non_null(mkdtemp(dir));
    make_pki("", "h1");
    make_pki("other", "h1");
    run("cp %s/ca.pem %s/wrongca.pem; cp %s/cakey.pem %s/wrongcakey.pem", dir,
        dir, dir, dir);
    make_pki("wrong", "h2");
    fixture_start("ssl:127.0.0.1:0", dir, NULL, modules);
    target = xasprintf("ssl:127.0.0.1:%u", listening_port());
    fill();
    start_ovs();
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    stop(&vswitchd_pid);
    stop(&db_pid);
    fixture_stop();
    nftw(dir, remove_cb, 8, FTW_DEPTH | FTW_PHYS);
    free(target);
    return 0;
}

/* Cases.  ---------------------------------------------------------------- */

static void
all_is_accepted_and_comes_back_as_meant(void **state OVS_UNUSED)
{
    struct fabric_stats stats;
    uint64_t sent;

    until_synced();
    check_counts();
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_errors, 0);

    /* The dump of it all compares equal. */
    sent = n_sent();
    reconcile_start(h1()->sw);
    until_synced();
    assert_int_equal(n_sent(), sent);

    /* So it does for a controller that has started anew. */
    fixture_stop();
    fixture_start(target, NULL, NULL, modules);
    fill();
    until_synced();
    assert_int_equal(n_sent(), 0);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_reconciles, 1);
    assert_int_equal(stats.n_fingerprints_equal, 1);

    /* It goes on from there by differences. */
    put_port(13, "h1", "web");
    until_synced();
    check_counts();
    assert_true(n_sent() > 0);
}

static void
edits_end_in_what_is_desired(void **state OVS_UNUSED)
{
    struct fabric_stats stats;

    until_synced();
    put_port(3, "h1", "web");
    put_port(5, "h1", "db");
    put(VMN_TABLE_LOADBALANCER, "vip",
        "{'vip': '10.0.0.201', 'networks': ['shop'], 'protocol': 'udp',"
        " 'ports': [{'port': 53, 'target': 5353}],"
        " 'backends': [{'port': 'p1', 'weight': 3}, {'port': 'p2'}]}");
    put(VMN_TABLE_POLICY, "p", NULL);
    put(VMN_TABLE_VIF, "h1/p7", NULL);
    put(VMN_TABLE_BINDING, "p7", NULL);
    until_synced();
    check_counts();

    /* What was sent step by step is what a dump compares equal to. */
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_errors, 0);
    reconcile_start(h1()->sw);
    until_synced();
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_reconciles_unchanged, 1);
}

static void
restarted_switch_is_filled_again(void **state OVS_UNUSED)
{
    until_synced();
    stop(&vswitchd_pid);
    FIXTURE_TURN_UNTIL(fixture_turn, is_state("offline"));
    put_port(13, "h1", "web");
    start_vswitchd();
    until_synced();
    check_counts();
}

static void
drift_is_mended(void **state OVS_UNUSED)
{
    until_synced();
    run("ovs-ofctl -O OpenFlow15 add-flow unix:%s/br-int.mgmt"
        " 'table=3,priority=5,ip,actions=drop'", dir);
    run("ovs-ofctl -O OpenFlow15 add-group unix:%s/br-int.mgmt"
        " 'group_id=99999,type=all,bucket=output:1'", dir);
    run("ovs-ofctl -O OpenFlow15 del-flows unix:%s/br-int.mgmt table=0", dir);
    reconcile_start(h1()->sw);
    until_synced();
    check_counts();
}

static struct status_audit found; /* By the last audit, its numbers alone. */

static void
audit_cb(void *aux OVS_UNUSED, const struct fabric_audit_result *result,
         const char *reason)
{
    if (!result) {
        fail_msg("%s", reason);
    }
    found = result->found;
}

static const struct status_audit *
audit(void)
{
    memset(&found, 0, sizeof found);
    assert_null(fabric_audit(fabric, "h1", NULL, audit_cb, NULL));
    FIXTURE_TURN_UNTIL(fixture_turn, found.time);
    return &found;
}

/* Flows and groups of which no one may be kept to compare, in one bundle. */
static void
switch_with_too_much_is_installed_anew(void **state OVS_UNUSED)
{
    struct fabric_stats stats;

    until_synced();
    fabric->host_memory = 65536;
    run("ovs-ofctl -O OpenFlow15 add-group unix:%s/br-int.mgmt"
        " 'group_id=99999,type=all,bucket=output:1'", dir);
    run("for i in $(seq 1 6000); do"
        " echo table=3,priority=$i,ip,actions=group:99999;"
        " done | ovs-ofctl -O OpenFlow15 add-flows unix:%s/br-int.mgmt -",
        dir);
    reconcile_start(h1()->sw);
    until_synced();
    assert_true(switch_budget_of(h1()->sw)->anew_ms > 0);
    assert_int_equal(switch_budget_of(h1()->sw)->n_over, 0);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_errors, 0);
    check_counts();
    assert_int_equal(audit()->missing, 0);
    assert_int_equal(audit()->altered, 0);
    assert_int_equal(audit()->unknown, 0);
}

static void
audit_mends_what_nobody_told(void **state OVS_UNUSED)
{
    uint64_t sent;

    until_synced();
    sent = n_sent();
    assert_int_equal(audit()->missing, 0);
    assert_int_equal(audit()->altered, 0);
    assert_int_equal(audit()->unknown, 0);
    assert_int_equal(n_sent(), sent);

    run("ovs-ofctl -O OpenFlow15 add-flow unix:%s/br-int.mgmt"
        " 'table=3,priority=5,ip,actions=drop'", dir);
    run("ovs-ofctl -O OpenFlow15 add-group unix:%s/br-int.mgmt"
        " 'group_id=99999,type=all,bucket=output:1'", dir);
    assert_int_equal(audit()->unknown, 2);
    until_synced();
    run("ovs-ofctl -O OpenFlow15 del-flows unix:%s/br-int.mgmt table=0", dir);
    assert_true(audit()->missing > 0);
    until_synced();
    run("ovs-ofctl -O OpenFlow15 mod-flows unix:%s/br-int.mgmt"
        " table=64,actions=drop", dir);
    assert_true(audit()->altered > 0);
    until_synced();
    check_counts();
    assert_int_equal(audit()->altered, 0);
}

/* Connections.  ---------------------------------------------------------- */

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
    run("ovs-vsctl -t 20 --db=unix:%s/db.sock -- add-br br-test"
        " -- set bridge br-test datapath_type=dummy fail-mode=secure"
        " -- add-port br-test t1 -- set interface t1 type=dummy", dir);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        const struct client *c = &clients[i];

        for (int kind = 0; kind < 4; kind++) {
            const char *l4 = kind % 2 ? "udp" : "tcp";
            bool v6 = kind >= 2;
            char *backend = address_of(v6, c->backend);

            run("ovs-ofctl add-flow unix:%s/br-test.mgmt '%s%s,%s_src=%d,"
                "actions=ct(commit,zone=%d,nat(dst=%s%s%s:8080))'", dir, l4,
                v6 ? "6" : "", l4, c->port, c->zone, v6 ? "[" : "", backend,
                v6 ? "]" : "");
            free(backend);
        }
    }
}

static void
send_packet(const struct client *c, bool v6, bool udp)
{
    char *dst = address_of(v6, c->dst);

    run("ovs-appctl -t %s/ovs-vswitchd.%d.ctl netdev-dummy/receive t1"
        " 'in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),"
        "eth_type(%s),ipv%d(src=%s,dst=%s,proto=%d,%s=64,frag=no),"
        "%s(src=%d,dst=%d)%s'", dir, (int) vswitchd_pid,
        v6 ? "0x86dd" : "0x0800", v6 ? 6 : 4, v6 ? "fd00::99" : "10.0.0.99",
        dst, udp ? 17 : 6, v6 ? "hlimit" : "ttl", udp ? "udp" : "tcp",
        c->port, c->dst_port, udp ? "" : ",tcp_flags(0x2)");
    free(dst);
}

/* As in "tcp4 1001 1002, udp4 1001". */
static const char *
connections(void)
{
    char *all = output_of("ovs-appctl -t %s/ovs-vswitchd.%d.ctl"
                          " dpctl/dump-conntrack", dir, (int) vswitchd_pid);
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

/* Faults.  --------------------------------------------------------------- */

static int
n_in_table(int table)
{
    char *s = output_of("ovs-ofctl -O OpenFlow15 dump-flows"
                        " unix:%s/br-int.mgmt table=%d | grep -c cookie=",
                        dir, table);
    int n = atoi(s);

    free(s);
    return n;
}

/* What h1's entry in the receipt of the newest revision says, or "". */
static const char *
receipt_word(void)
{
    json_t *receipt = fixture_receipt(fabric->last_revision);
    static char word[16];
    json_t *entry;
    size_t i;

    word[0] = '\0';
    json_array_foreach (json_object_get(receipt, "hosts"), i, entry) {
        if (!strcmp("h1", json_string_value(json_object_get(entry,
                                                            "host")))) {
            ovs_strlcpy(word, json_string_value(json_object_get(entry,
                                                                "state")),
                        sizeof word);
        }
    }
    json_decref(receipt);
    return word;
}

/* Until what is refused is known, and all else is there. */
static const char *
until_diverged(void)
{
    const char *reason;

    FIXTURE_TURN_UNTIL(fixture_turn, is_state("diverged")
                       && h1()->sw->state == SWITCH_LIVE
                       && hmap_count(&h1()->sw->faults.rejected));
    host_state_name(h1()->sw, &reason);
    return reason;
}

static void
full_table_takes_what_fits(void **state OVS_UNUSED)
{
    int n;

    until_synced();
    n = n_in_table(0);
    run("ovs-vsctl -t 20 --db=unix:%s/db.sock"
        " -- --id=@t create Flow_Table flow_limit=%d overflow_policy=refuse"
        " -- set bridge br-int flow_tables:0=@t >/dev/null", dir, n + 1);
    h1()->sw->faults.backoff_ms = 100000;
    for (int i = 13; i <= 19; i += 2) {
        put_port(i, "h1", "web");   /* Each has a flow in table 0. */
    }
    FIXTURE_TURN_UNTIL(fixture_turn, is_state("diverged"));
    assert_non_null(strstr(until_diverged(), "OFPFMFC_TABLE_FULL"));
    assert_int_equal(n_in_table(0), n + 1);
    FIXTURE_TURN_UNTIL(fixture_turn, !strcmp(receipt_word(), "failed"));

    run("ovs-vsctl -t 20 --db=unix:%s/db.sock clear bridge br-int"
        " flow_tables", dir);
    assert_true(faults_retry(h1()->sw));
    until_synced();
    assert_int_equal(n_in_table(0), n + 4);
    assert_string_equal(receipt_word(), "confirmed");
    check_counts();
}

static void
group_that_a_stranger_deleted_comes_back(void **state OVS_UNUSED)
{
    until_synced();
    put(VMN_TABLE_LOADBALANCER, "vip",
        "{'vip': '10.0.0.200', 'networks': ['shop'], 'protocol': 'tcp',"
        " 'ports': [{'port': 80, 'target': 8080}], 'selector': 'tier=web'}");
    until_synced();
    /* A switch deletes the flows that go through a group as well. */
    run("ovs-ofctl -O OpenFlow15 del-groups unix:%s/br-int.mgmt", dir);
    assert_true(audit()->missing > 1);
    until_synced();
    assert_int_equal(audit()->missing, 0);
    check_counts();
}

static void
stopped_switch_is_cut_off_and_mended(void **state OVS_UNUSED)
{
    const char *reason;

    fabric->stall_ms = 2000;
    until_synced();
    kill(vswitchd_pid, SIGSTOP);
    put_port(13, "h1", "web");
    assert_string_equal(receipt_word(), "pending");
    FIXTURE_TURN_UNTIL(fixture_turn, !h1()->sw->conn);
    assert_string_equal(host_state_name(h1()->sw, &reason), "offline");
    assert_non_null(strstr(reason, "stalled: no answer"));
    assert_string_equal(receipt_word(), "offline");
    /* What comes meanwhile reaches it as one difference. */
    put_port(15, "h1", "db");
    put(VMN_TABLE_PORT, "p3", NULL);
    kill(vswitchd_pid, SIGCONT);
    FIXTURE_TURN_UNTIL(fixture_turn,
                       !strcmp(receipt_word(), "confirmed"));
    until_synced();
    check_counts();
}

/* Gives the switch the certificate whose names begin with 'prefix'. */
static void
set_ssl(const char *prefix)
{
    run("ovs-vsctl --no-wait --db=unix:%s/db.sock"
        " set-ssl %s/%skey.pem %s/%scert.pem %s/ca.pem", dir, dir, prefix,
        dir, prefix, dir);
}

static void
tls_takes_certificates_of_its_ca_only(void **state OVS_UNUSED)
{
    struct fabric_stats stats;
    uint64_t n_failed;

    fabric_host_set_datapath(h1(), DPID);
    fabric_host_set_reported(h1());
    set_ssl("other");
    fabric_get_stats(fabric, &stats);
    n_failed = stats.n_conns_failed;
    do {
        fixture_turn();
        fabric_get_stats(fabric, &stats);
    } while (stats.n_conns_failed < n_failed + 2 && !h1()->sw->conn);
    assert_null(h1()->sw->conn);

    set_ssl("");
    until_synced();
    check_counts();
    assert_int_equal(strncmp(ofconn_peer(h1()->sw->conn), "ssl:", 4), 0);
}

static uint64_t
n_accepted(void)
{
    struct ofserver_stats stats;

    ofserver_get_stats(switch_listener_server(fabric), &stats);
    return stats.n_accepted;
}

static void
certificate_speaks_for_its_host_alone(void **state OVS_UNUSED)
{
    uint64_t before = n_accepted();

    fabric_host_set_datapath(h1(), DPID);
    fabric_host_set_reported(h1());
    set_ssl("wrong");
    FIXTURE_TURN_UNTIL(fixture_turn, n_accepted() > before + 2);
    assert_null(h1()->sw->conn);

    set_ssl("");
    until_synced();
}

static void
certificates_are_renewed_without_a_restart(void **state OVS_UNUSED)
{
    struct tls_info info, first;

    set_ssl("");
    until_synced();
    tls_get_info(fabric_tls(fabric), &first);
    assert_int_equal(first.n_loads, 1);
    assert_true(first.expires_s > time(NULL));

    make_pki("", "h1");
    FIXTURE_TURN_UNTIL(fixture_turn, (tls_get_info(fabric_tls(fabric), &info),
                                      info.n_loads == 2));
    /* Half of what belongs together, and rubbish, change nothing. */
    run("cp %s/otherkey.pem %s/key.pem", dir, dir);
    FIXTURE_TURN_UNTIL(fixture_turn, (tls_get_info(fabric_tls(fabric), &info),
                                      info.n_failures == 1));
    run("echo rubbish >%s/cert.pem", dir);
    FIXTURE_TURN_UNTIL(fixture_turn, (tls_get_info(fabric_tls(fabric), &info),
                                      info.n_failures == 2));
    assert_non_null(strstr(info.error, "cert.pem"));
    assert_int_equal(info.n_loads, 2);
    /* The switch's own files are the same. */
    make_pki("", "h1");
    FIXTURE_TURN_UNTIL(fixture_turn, (tls_get_info(fabric_tls(fabric), &info),
                                      info.n_loads == 3));
    switch_disconnect(h1()->sw, "as a test");
    until_synced();
    assert_null(info.error);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(all_is_accepted_and_comes_back_as_meant),
        T(edits_end_in_what_is_desired),
        T(restarted_switch_is_filled_again),
        T(drift_is_mended),
        T(switch_with_too_much_is_installed_anew),
        T(audit_mends_what_nobody_told),
        T(switch_forgets_those_connections_and_no_others),
        T(full_table_takes_what_fits),
        T(group_that_a_stranger_deleted_comes_back),
        T(stopped_switch_is_cut_off_and_mended),
        cmocka_unit_test_setup_teardown(tls_takes_certificates_of_its_ca_only,
                                        setup_tls, teardown),
        cmocka_unit_test_setup_teardown(
            certificate_speaks_for_its_host_alone, setup_tls, teardown),
        cmocka_unit_test_setup_teardown(
            certificates_are_renewed_without_a_restart, setup_tls, teardown),
    };

    if (access("/usr/sbin/ovs-vswitchd", X_OK) || access(SCHEMA, R_OK)) {
        return 77;              /* Skipped. */
    }
    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
