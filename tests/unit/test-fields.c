/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields and actions of include/vmn/flow.h, by an app made for it: what flows
 * do by the simulator is what a real ovs-vswitchd (dummy datapath) does with
 * them, packet by packet (ofproto/trace); and what is wrong is said in the
 * words of the header.
 *
 * What needs Open vSwitch is left out where that is not installed. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/session/host-openflow-state.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "tests/unit/ovs-sandbox.h"
#include "tests/unit/simulator-fixture.h"
#include "util.h"

#define SCHEMA "/usr/share/openvswitch/vswitch.ovsschema"
#define DPID 0x100
#define N_PORTS 6
#define N_SEEDS 5
#define N_PACKETS 40            /* Of a seed. */

/* The app.  -------------------------------------------------------------- */

enum { TABLE_FIRST, TABLE_LAST = 3, N_TABLES };
enum { FLOWS_OF_TABLE = 12 };

/* Few values, so that flows match what others have set. */
static const uint8_t dscps[] = { 0, VMN_DSCP_CS(1), VMN_DSCP_EF, 63 };
static const uint32_t labels[] = { 0, 1, 0x12345, 0xfffff };
static const uint8_t ttls[] = { 1, 64, 255 };
static const uint16_t tcp_flags[] = {
    VMN_TCP_SYN, VMN_TCP_SYN | VMN_TCP_ACK, VMN_TCP_ACK | VMN_TCP_PSH,
    VMN_TCP_RST, VMN_TCP_FIN | VMN_TCP_ACK | VMN_TCP_URG,
    VMN_TCP_SYN | VMN_TCP_ECE | VMN_TCP_CWR,
};
#define ANY_OF(ARRAY) (ARRAY)[random_range(ARRAY_SIZE(ARRAY))]

static void
match_something(struct vmn_flow *flow, bool v6)
{
    switch (random_range(7)) {
    case 0: vmn_match(flow, VMN_F_IP_DSCP, ANY_OF(dscps)); break;
    case 1: vmn_match_masked(flow, VMN_F_IP_DSCP, ANY_OF(dscps), 0x3f); break;
    case 2: vmn_match(flow, VMN_F_IP_ECN, random_range(4)); break;
    case 3: vmn_match(flow, VMN_F_IP_TTL, ANY_OF(ttls)); break;
    case 4: vmn_match_masked(flow, VMN_F_TCP_FLAGS, ANY_OF(tcp_flags),
                             VMN_TCP_SYN | VMN_TCP_ACK); break;
    case 5: vmn_match(flow, VMN_F_IN_PORT, 1 + random_range(2)); break;
    default:
        if (v6) {
            vmn_match_masked(flow, VMN_F_IPV6_LABEL, ANY_OF(labels), 0xf000f);
        }
        break;
    }
}

static void
do_something(struct vmn_actions *a, unsigned table, bool v6)
{
    unsigned later = table + 1 + random_range(TABLE_LAST - table);

    switch (random_range(11)) {
    case 0: case 1: vmn_act_set(a, VMN_F_IP_DSCP, ANY_OF(dscps)); break;
    case 2: vmn_act_set(a, VMN_F_IP_ECN, random_range(4)); break;
    case 3: vmn_act_set(a, VMN_F_IP_TTL, ANY_OF(ttls)); break;
    case 4: vmn_act_set(a, VMN_F_REG10, random_range(3)); break;
    case 5: vmn_act_move_bits(a, VMN_F_IP_DSCP, 0, VMN_F_REG10, 0, 2); break;
    case 6: vmn_act_set_queue(a, random_range(100)); break;
    case 7: vmn_act_pop_queue(a); break;
    case 8: vmn_act_resubmit(a, 0, later); break;
    case 9: vmn_act_clone(a, 0, later); break;
    default:
        if (v6) {
            vmn_act_set_masked(a, VMN_F_IPV6_LABEL, ANY_OF(labels), 0xff0ff);
        }
        break;
    }
}

/* Flow 'i' of any table but the last.  Each has a priority of its own; the
 * first two have all packets that others do not match, of a family each. */
static void
emit_random_flow(struct vmn_emit *emit, unsigned table, unsigned i)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host("h1"), 0, table,
                                         100 + i);
    struct vmn_actions *a = vmn_flow_actions(flow);
    bool v6 = i < 2 ? i == 1 : random_range(2) == 1;

    vmn_match(flow, VMN_F_ETH_TYPE, v6 ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
    for (int n = i < 2 ? 0 : 1 + random_range(2); n > 0; n--) {
        match_something(flow, v6);
    }
    for (int n = 1 + random_range(4); n > 0; n--) {
        do_something(a, table, v6);
    }
    if (!random_range(6)) {
        vmn_act_clone_next(a);
    } else {
        vmn_act_goto(a, 0, table + 1);
    }
}

/* The last table shows by ports what a packet has become. */
static void
emit_last_table(struct vmn_emit *emit)
{
    for (unsigned i = 0; i < FLOWS_OF_TABLE; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host("h1"), 0,
                                             TABLE_LAST, 100 + i);
        bool v6 = i % 2;

        vmn_match(flow, VMN_F_ETH_TYPE, v6 ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
        if (i > 1) {
            vmn_match(flow, VMN_F_REG10, random_range(3));
            match_something(flow, v6);
        }
        vmn_act_output(vmn_flow_actions(flow), 1 + random_range(N_PORTS));
    }
}

static void
emit_random(struct vmn_emit *emit, uint32_t seed)
{
    random_set_seed(seed);
    for (unsigned table = TABLE_FIRST; table < TABLE_LAST; table++) {
        for (unsigned i = 0; i < FLOWS_OF_TABLE; i++) {
            emit_random_flow(emit, table, i);
        }
    }
    emit_last_table(emit);
}

/* Each is wrong in one respect. */
static void
make_mistake(struct vmn_emit *emit, const char *mistake)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), 0, 1, 1);
    struct vmn_actions *a = vmn_flow_actions(flow);
    struct vmn_group_msg *group;

    if (!strcmp(mistake, "no-family")) {
        vmn_match(flow, VMN_F_IP_DSCP, 1);
    } else if (!strcmp(mistake, "mask")) {
        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
        vmn_match_masked(flow, VMN_F_IP_DSCP, 8, 0x38);
    } else if (!strcmp(mistake, "large")) {
        vmn_match(flow, VMN_F_IP_DSCP, 64);
    } else if (!strcmp(mistake, "protocol")) {
        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_UDP);
        vmn_match(flow, VMN_F_TCP_DST, 80);
    } else if (!strcmp(mistake, "state")) {
        vmn_match(flow, VMN_F_CT_NW_SRC, 1);
    } else if (!strcmp(mistake, "set")) {
        vmn_act_set(a, VMN_F_IP_DSCP, 1);
    } else if (!strcmp(mistake, "move")) {
        vmn_act_move_bits(a, VMN_F_IP_ECN, 0, VMN_F_REG10, 0, 2);
    } else if (!strcmp(mistake, "read-only")) {
        vmn_act_set(a, VMN_F_TCP_FLAGS, VMN_TCP_SYN);
    } else if (!strcmp(mistake, "mark")) {
        vmn_act_set(a, VMN_F_CT_MARK, 1);
    } else if (!strcmp(mistake, "bits")) {
        vmn_act_move_bits(a, VMN_F_REG1, 0, VMN_F_IP_DSCP, 0, 8);
    } else if (!strcmp(mistake, "queue")) {
        vmn_act_set_queue(a, UINT32_MAX);
    } else if (!strcmp(mistake, "back")) {
        vmn_act_clone(a, 0, 1);
    } else if (!strcmp(mistake, "hook")) {
        vmn_act_goto_hook(a, VMN_HOOK_ADMIT);
    } else if (!strcmp(mistake, "no-hook")) {
        vmn_act_goto_hook(a, VMN_HOOK_DELIVER);
    } else if (!strcmp(mistake, "drop")) {
        vmn_act_clone(a, 0, 2);
        vmn_act_drop(a, "cloned");
    } else {
        group = vmn_group_add(emit, vmn_scope_all(), VMN_GROUP_ALL, "g");
        vmn_act_clone(vmn_bucket_add(group, 0, 0), 0, 2);
    }
}

/* The network's labels say which flows. */
static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    const struct vmn_labels *row_labels;
    const char *seed, *mistake;

    if (!network) {
        return;
    }
    row_labels = vmn_labels_of(view, &network->row);
    seed = vmn_labels_get(row_labels, "seed");
    mistake = vmn_labels_get(row_labels, "mistake");
    if (seed) {
        emit_random(emit, atoi(seed));
    }
    if (mistake) {
        make_mistake(emit, mistake);
    }
}

static const struct vmn_app_class app = {
    VMN_APP_HEAD,
    .name = "fields",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "fields", .hook = VMN_HOOK_ADMIT, .n_tables = N_TABLES,
          .miss = VMN_MISS_DROP, .scratch = VMN_SCRATCH(VMN_F_REG10) },
        { .name = "end", .hook = VMN_HOOK_LOCATE, .n_tables = 1,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
          .compile = compile_network },
        { .name = NULL },
    },
};

/* The switch.  ----------------------------------------------------------- */

static struct ovs_sandbox sb;
static char *target;            /* Where the fabric listens. */

static json_t *
labelled(const char *label, const char *value)
{
    return json_pack("{s:[{s:s}],s:{s:s}}", "subnets", "cidr", "10.0.0.0/16",
                     "labels", label, value);
}

static struct fabric_host *
h1(void)
{
    return fabric_find_host(fabric, "h1");
}

static bool
is_synced(void)
{
    const char *reason, *state = host_openflow_state_name(h1()->sw, &reason);

    if (!strcmp(state, "diverged")) {
        fail_msg("%s", reason);
    }
    return (!strcmp(state, "synced")
            && switch_acked(h1()->sw) >= fabric->last_revision);
}

static void
put_seed(unsigned seed)
{
    char text[16];

    snprintf(text, sizeof text, "%u", seed);
    fixture_edit(VMN_TABLE_NETWORK, "shop", labelled("seed", text),
                 fixture_turn);
    fabric_host_set_datapath(h1(), DPID);
    fabric_host_set_reported(h1());
    FIXTURE_TURN_UNTIL(fixture_turn, is_synced());
}

static int
setup(void **state OVS_UNUSED)
{
    ovs_sandbox_create(&sb, "h1");
    target = xasprintf("unix:%s/openflow", sb.dir);
    fixture_start(target, NULL, &app, NULL);
    fixture_edit(VMN_TABLE_HOST, "h1",
                 json_pack("{s:s,s:s}", "ovsdb", "inbound", "tunnel_ip",
                           "192.0.2.1"), fixture_turn);
    ovs_sandbox_start_vswitchd(&sb);
    free(ovs_sandbox_vsctl(
        &sb, "add-br br-int -- set bridge br-int datapath_type=dummy "
        "protocols=OpenFlow15 fail-mode=secure "
        "other-config:datapath-id=%016x other-config:disable-in-band=true "
        "-- set-controller br-int %s "
        "-- set controller br-int max_backoff=1000 inactivity_probe=0 "
        "connection_mode=out-of-band", DPID, target));
    for (unsigned i = 1; i <= N_PORTS; i++) {
        free(ovs_sandbox_vsctl(
            &sb, "add-port br-int p%u -- set interface p%u type=dummy "
            "ofport_request=%u", i, i, i));
    }
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    ovs_sandbox_stop_vswitchd(&sb);
    fixture_stop();
    ovs_sandbox_destroy(&sb);
    free(target);
    return 0;
}

/* The datapath's numbers of ports, by OpenFlow's. */
static void
read_port_numbers(unsigned numbers[N_PORTS + 1])
{
    char *s = ovs_sandbox_shell(
        &sb, "ovs-appctl -t %s/vs.ctl dpif/show",
        sb.dir);

    for (unsigned i = 1; i <= N_PORTS; i++) {
        char name[16], *p;

        snprintf(name, sizeof name, " p%u %u/", i, i);
        p = strstr(s, name);
        assert_non_null(p);
        numbers[i] = strtoul(p + strlen(name), NULL, 10);
    }
    free(s);
}

/* Takes all flows of the switch over into the simulator's net. */
static struct net *
read_flows(void)
{
    struct net *net = net_create();
    char *s = ovs_sandbox_shell(
        &sb, "ovs-ofctl -O OpenFlow15 --no-stats dump-flows "
        "unix:%s/br-int.mgmt", sb.dir);
    char *save = NULL;

    for (char *line = strtok_r(s, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *flow = strstr(line, "cookie=");

        if (flow) {
            /* Of table 0 the number is left out. */
            char *text = xasprintf("%s%s", strstr(flow, " table=")
                                   ? "" : "table=0,", strchr(flow, ',') + 1);

            add_flow(net, "h1", text);
            free(text);
        }
    }
    free(s);
    return net;
}

/* A packet that the flows may match, in the words of both; the caller frees
 * it. */
static char *
random_packet(void)
{
    bool v6 = random_range(2);
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "%s,tp_src=1000,tp_dst=80,tcp_flags=%#x,nw_tos=%u,"
                  "nw_ecn=%u,nw_ttl=%u", v6
                  ? "tcp6,ipv6_src=2001:db8::1,ipv6_dst=2001:db8::2"
                  : "tcp,nw_src=192.0.2.1,nw_dst=192.0.2.2",
                  ANY_OF(tcp_flags), ANY_OF(dscps) << 2, random_range(4),
                  ANY_OF(ttls));
    if (v6) {
        ds_put_format(&ds, ",ipv6_label=%#x", ANY_OF(labels));
    }
    return ds_steal_cstr(&ds);
}

/* "2 5 ": ports by which a packet leaves, in order. */
static char *
simulated(struct net *net, unsigned in_port, const char *text)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct sim_end *ends;
    struct sim_packet packet;
    size_t n;

    make_packet(text, &packet);
    simulator_run(net->sim, "h1", in_port, &packet);
    n = simulator_ends(net->sim, &ends);
    for (size_t i = 0; i < n; i++) {
        assert_int_not_equal(ends[i].kind, SIM_UNKNOWN);
        if (ends[i].kind == SIM_OUTPUT) {
            ds_put_format(&ds, "%u ", ends[i].port);
        }
    }
    return ds_steal_cstr(&ds);
}

/* The same of ofproto/trace: among the datapath's actions, plain numbers are
 * ports. */
static char *
traced(const unsigned numbers[N_PORTS + 1], unsigned in_port,
       const char *text)
{
    char *s = ovs_sandbox_shell(
        &sb, "ovs-appctl -t %s/vs.ctl ofproto/trace "
        "br-int in_port=%u,%s", sb.dir, in_port, text);
    char *p = strstr(s, "Datapath actions: ");
    struct ds ds = DS_EMPTY_INITIALIZER;
    int depth = 0;

    assert_non_null(p);
    p += strlen("Datapath actions: ");
    for (bool first = true; *p && *p != '\n'; p++) {
        depth += (*p == '(') - (*p == ')');
        if (first && !depth && isdigit((unsigned char) *p)) {
            unsigned number = strtoul(p, &p, 10), port = 1;

            while (port <= N_PORTS && numbers[port] != number) {
                port++;
            }
            ds_put_format(&ds, "%u ", port);
            p--;
        }
        first = *p == ',';
    }
    free(s);
    return ds_steal_cstr(&ds);
}

static void
simulator_does_as_the_switch_does(void **state OVS_UNUSED)
{
    unsigned numbers[N_PORTS + 1], n_delivered = 0, n_several = 0;

    put_seed(1);
    read_port_numbers(numbers);
    for (unsigned seed = 1; seed <= N_SEEDS; seed++) {
        struct net *net;

        put_seed(seed);
        net = read_flows();
        random_set_seed(1000 + seed);
        for (int i = 0; i < N_PACKETS; i++) {
            unsigned in_port = 1 + random_range(2);
            char *text = random_packet();
            char *expected = traced(numbers, in_port, text);
            char *found = simulated(net, in_port, text);

            if (strcmp(expected, found)) {
                fail_msg("seed %u: in_port=%u,%s: \"%s\" in place of \"%s\"",
                         seed, in_port, text, found, expected);
            }
            n_delivered += *found != '\0';
            n_several += strlen(found) > 2;
            free(found);
            free(expected);
            free(text);
        }
        net_destroy(net);
    }
    print_message("%u of %u packets delivered, %u of them several times\n",
                  n_delivered, N_SEEDS * N_PACKETS, n_several);
    assert_true(n_delivered > N_SEEDS * N_PACKETS / 3);
    assert_true(n_several > N_SEEDS * N_PACKETS / 10);
}

/* How much has been sent to switches. */
static uint64_t
n_sent(void)
{
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_errors, 0);
    return stats.n_flow_adds + stats.n_flow_deletes + stats.n_bundles;
}

/* What the switch reports of such flows is what it was sent. */
static void
reconciling_changes_nothing(void **state OVS_UNUSED)
{
    uint64_t sent;

    for (unsigned seed = 1; seed <= N_SEEDS; seed++) {
        put_seed(seed);
        sent = n_sent();
        reconcile_start(h1()->sw);
        FIXTURE_TURN_UNTIL(fixture_turn, is_synced());
        assert_int_equal(n_sent(), sent);
    }
}

/* Without a switch.  ----------------------------------------------------- */

static void
mistakes_are_said_in_the_words_of_the_header(void **state OVS_UNUSED)
{
    static const struct {
        const char *mistake, *text;
    } mistakes[] = {
        { "no-family", "matching VMN_F_IP_DSCP needs a match of "
          "VMN_F_ETH_TYPE VMN_ETH_IPV4 or VMN_ETH_IPV6" },
        { "mask", "VMN_F_IP_DSCP takes no mask" },
        { "large", "value 0x40 does not fit VMN_F_IP_DSCP, which has 6 bits" },
        { "protocol", "matching VMN_F_TCP_DST needs a match of VMN_F_IP_PROTO "
          "VMN_IP_PROTO_TCP (6)" },
        { "state", "matching VMN_F_CT_NW_SRC needs a match of a "
          "VMN_F_CT_STATE of a connection" },
        { "set", "setting VMN_F_IP_DSCP needs a match of VMN_F_ETH_TYPE" },
        { "move", "moving VMN_F_IP_ECN needs a match of VMN_F_ETH_TYPE" },
        { "read-only", "VMN_F_TCP_FLAGS cannot be set" },
        { "mark", "VMN_F_CT_MARK cannot be set, but by vmn_act_ct()" },
        { "bits", "VMN_F_IP_DSCP has no bits 0 to 7, but 0 to 5" },
        { "queue", "4294967295 is no queue" },
        { "back", "table 1, leads to stage fields, table 1" },
        { "hook", "a flow in table 1 cannot go on at hook 0" },
        { "no-hook", "no stage is at hook 8, nor behind it" },
        { "drop", "a drop must be the only action" },
        { "bucket", "a bucket cannot clone" },
    };

    toy_init(&toy, &app, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        const struct engine_problems *problems;
        const char *text;

        toy_edit(&toy, VMN_TABLE_NETWORK, "shop",
                 labelled("mistake", mistakes[i].mistake));
        engine_delta_destroy(toy_run(&toy));
        problems = engine_problems(toy.engine);
        assert_int_equal(problems->n, 1);
        text = problems->problems[0].detail;
        if (!strstr(text, mistakes[i].text)) {
            fail_msg("%s: %s", mistakes[i].mistake, text);
        }
    }
    toy_uninit(&toy);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_said_in_the_words_of_the_header),
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(simulator_does_as_the_switch_does),
        T(reconciling_changes_nothing),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    } else if (access("/usr/sbin/ovs-vswitchd", X_OK)
               || access(SCHEMA, R_OK)) {
        cmocka_set_test_filter("mistakes_*");
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
