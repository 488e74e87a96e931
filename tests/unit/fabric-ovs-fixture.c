/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric and a real ovs-vswitchd; see fabric-ovs-fixture.h. */

#include <config.h>

#include "tests/unit/fabric-ovs-fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/fabric/session/marker.h"
#include "openvswitch/vlog.h"
#include "util.h"

#define SCHEMA "/usr/share/openvswitch/vswitch.ovsschema"

const char *const ovs_modules[] = {
    "overlay",
    "firewall",
    "loadbalancer",
    NULL,
};

char ovs_dir[] = "/tmp/test-fabric-ovs-XXXXXX";
char *ovs_target;
pid_t vswitchd_pid;

static pid_t db_pid;

/* Open vSwitch.  --------------------------------------------------------- */

void
shell(const char *format, ...)
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

char *
shell_output(const char *format, ...)
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
        setenv("OVS_RUNDIR", ovs_dir, 1);
        setenv("OVS_LOGDIR", ovs_dir, 1);
        setenv("OVS_DBDIR", ovs_dir, 1);
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

void
stop_vswitchd(void)
{
    stop(&vswitchd_pid);
}

void
start_vswitchd(void)
{
    char *db = xasprintf("unix:%s/db.sock", ovs_dir);

    vswitchd_pid = spawn("/usr/sbin/ovs-vswitchd", db, "--disable-system",
                         "--enable-dummy", "--no-chdir",
                         "-vconsole:off", NULL);
    free(db);
}

void
ovs_start(void)
{
    char *conf = xasprintf("%s/conf.db", ovs_dir);
    char *remote = xasprintf("--remote=punix:%s/db.sock", ovs_dir);
    char *socket_path = xasprintf("%s/db.sock", ovs_dir);

    shell("ovsdb-tool create %s " SCHEMA, conf);
    db_pid = spawn("/usr/sbin/ovsdb-server", conf, remote, "-vconsole:off",
                   NULL);
    FIXTURE_TURN_UNTIL(fixture_turn, !access(socket_path, F_OK));
    start_vswitchd();
    shell("ovs-vsctl --retry -t 60 --no-wait --db=unix:%s -- add-br br-int"
          " -- set bridge br-int datapath_type=dummy protocols=OpenFlow15"
          " fail-mode=secure other-config:datapath-id=%016x"
          " other-config:disable-in-band=true"
          " -- set-controller br-int %s"
          " -- set controller br-int max_backoff=1000"
          " connection_mode=out-of-band", socket_path, OVS_DPID, ovs_target);
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

void
put_row(enum vmn_table table, const char *name, const char *spec)
{
    fixture_edit(table, name, spec ? parse(spec) : NULL, fixture_turn);
}

void
put_shop_port(int n, const char *host, const char *tier)
{
    char name[16], vif[32], spec[256];

    snprintf(name, sizeof name, "p%d", n);
    snprintf(spec, sizeof spec, "{'network': 'shop', 'ips': ['10.0.0.%d'],"
             " 'labels': {'tier': '%s'}}", n, tier);
    put_row(VMN_TABLE_PORT, name, spec);
    snprintf(spec, sizeof spec, "{'host': '%s'}", host);
    put_row(VMN_TABLE_BINDING, name, spec);
    snprintf(vif, sizeof vif, "%s/%s", host, name);
    snprintf(spec, sizeof spec, "{'host': '%s', 'iface_id': '%s',"
             " 'iface': 'tap', 'ofport': %d}", host, name, n);
    put_row(VMN_TABLE_VIF, vif, spec);
}

void
fill_shop(void)
{
    put_row(VMN_TABLE_HOST, "h1",
            "{'ovsdb': 'inbound', 'tunnel_ip': '192.0.2.1'}");
    put_row(VMN_TABLE_HOST, "h2",
            "{'ovsdb': 'inbound', 'tunnel_ip': '192.0.2.2'}");
    put_row(VMN_TABLE_NETWORK, "shop",
            "{'subnets': [{'cidr': '10.0.0.0/24'}], 'default': 'deny'}");
    for (int i = 1; i <= 12; i++) {
        put_shop_port(i, i % 2 ? "h1" : "h2", i % 3 ? "web" : "db");
    }
    put_row(VMN_TABLE_GROUP, "web", "{'selector': 'tier=web'}");
    put_row(VMN_TABLE_GROUP, "db", "{'selector': 'tier=db'}");
    put_row(VMN_TABLE_SERVICE, "sql",
            "{'entries': [{'protocol': 'tcp',"
            " 'ports': ['5432', '6000-6100']}]}");
    put_row(VMN_TABLE_POLICY, "p",
            "{'applies_to': ['db'], 'rules': ["
            " {'direction': 'ingress', 'action': 'allow',"
            "  'peers': [{'group': 'web'}], 'services': [{'service': 'sql'}]},"
            " {'direction': 'ingress', 'action': 'deny',"
            "  'peers': [{'cidr': '10.0.0.128/25'}]}]}");
    put_row(VMN_TABLE_LOADBALANCER, "vip",
            "{'vip': '10.0.0.200', 'networks': ['shop'], 'protocol': 'tcp',"
            " 'ports': [{'port': 80, 'target': 8080}],"
            " 'selector': 'tier=web'}");
}

struct fabric_host *
h1(void)
{
    return fabric_find_host(fabric, "h1");
}

bool
is_state(const char *state)
{
    const char *reason;
    const char *now = host_openflow_state_name(h1()->sw, &reason);

    if (strcmp(state, "diverged") && !strcmp(now, "diverged")) {
        fail_msg("%s", reason);
    }
    return !strcmp(now, state);
}

/* The switch's marker is that of what it is to hold. */
static void
check_marker(void)
{
    char *s = shell_output("ovs-ofctl -O OpenFlow15 dump-flows"
                           " unix:%s/br-int.mgmt table=253", ovs_dir);
    char *cookie = xasprintf("cookie=0x%"PRIx64",", switch_marker_of(
        h1()->sw, engine_host_digest(toy.engine, "h1")));

    assert_non_null(strstr(s, cookie));
    free(s);
    free(cookie);
}

void
until_synced(void)
{
    fabric_host_set_datapath(h1(), OVS_DPID);
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

void
check_counts(void)
{
    struct counts counts = { 0, 0 };
    char *s;

    engine_host_items(toy.engine, "h1", count_cb, &counts);
    assert_true(counts.flows > 50);
    assert_true(counts.groups > 0);
    s = shell_output("ovs-ofctl -O OpenFlow15 dump-flows unix:%s/br-int.mgmt"
                     " | grep cookie= | grep -c -v -E 'table=(24[67]|25)'",
                     ovs_dir);
    assert_int_equal(atoi(s), counts.flows);
    free(s);
    s = shell_output("ovs-ofctl -O OpenFlow15 dump-groups unix:%s/br-int.mgmt"
                     " | grep -c group_id=", ovs_dir);
    assert_int_equal(atoi(s), counts.groups);
    free(s);
}

/* Cases.  ---------------------------------------------------------------- */

void
ovs_make_dir(void)
{
    strcpy(ovs_dir, "/tmp/test-fabric-ovs-XXXXXX");
    assert_non_null(mkdtemp(ovs_dir));
}

int
ovs_setup(void **state OVS_UNUSED)
{
    ovs_make_dir();
    ovs_target = xasprintf("unix:%s/openflow", ovs_dir);
    fixture_start(ovs_target, NULL, NULL, ovs_modules);
    fill_shop();
    ovs_start();
    return 0;
}

int
ovs_teardown(void **state OVS_UNUSED)
{
    stop_vswitchd();
    stop(&db_pid);
    fixture_stop();
    nftw(ovs_dir, remove_cb, 8, FTW_DEPTH | FTW_PHYS);
    free(ovs_target);
    return 0;
}

int
ovs_run_all(char *argv[], const struct CMUnitTest *tests, size_t n)
{
    if (access("/usr/sbin/ovs-vswitchd", X_OK) || access(SCHEMA, R_OK)) {
        return 77;              /* Skipped. */
    }
    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argv[1]) {
        cmocka_set_test_filter(argv[1]);
    }
    return _cmocka_run_group_tests("fabric-ovs", tests, n, NULL, NULL);
}
