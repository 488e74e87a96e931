/* SPDX-License-Identifier: Apache-2.0
 *
 * What an app can do for clients that are to keep what was chosen for them:
 * vmn_act_learn_client(), vmn_act_find_client() and vmn_group_hash_client(),
 * by an app made for it, the fabric and a real ovs-vswitchd (dummy datapath),
 * which gets real packets.
 *
 * What needs Open vSwitch is left out where that is not installed. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/session/host-openflow-state.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

#define SCHEMA "/usr/share/openvswitch/vswitch.ovsschema"
#define DPID 0x100
#define IDLE_S 60
#define N_BUCKETS 256

/* The app.  -------------------------------------------------------------- */

/* By its input port a packet is of a service in a domain: */
enum { DOMAIN = 11, OTHER_DOMAIN, SERVICE = 21, OTHER_SERVICE, GROUP_SERVICE };
/* p1 finds its client, or learns it; p2 and p3 differ from it in the service
 * and in the domain; p4 learns without having looked; p5 learns what a group
 * says. */
static const uint32_t domains[] = {
    DOMAIN, DOMAIN, OTHER_DOMAIN, DOMAIN, DOMAIN,
};
static const uint32_t services[] = {
    SERVICE, OTHER_SERVICE, SERVICE, SERVICE, GROUP_SERVICE,
};
enum { TABLE_ENTER, TABLE_CHOOSE, TABLE_GROUP, N_TABLES };

static const unsigned families[] = { 4, 6 };

static struct vmn_flow *
flow_add(struct vmn_emit *emit, unsigned table, uint16_t priority,
         unsigned family)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host("h1"), 0, table,
                                         priority);

    vmn_match(flow, VMN_F_ETH_TYPE,
              family == 4 ? VMN_ETH_IPV4 : VMN_ETH_IPV6);
    return flow;
}

static void
learn(struct vmn_flow *flow, unsigned family)
{
    vmn_act_learn_client(vmn_flow_actions(flow), &(struct vmn_client) {
        .eth_type = family == 4 ? VMN_ETH_IPV4 : VMN_ETH_IPV6,
        .idle_s = IDLE_S,
        .from = VMN_F_REG10,
    });
}

static const struct vmn_group_msg *
group_add(struct vmn_view *view, struct vmn_emit *emit, unsigned family)
{
    struct vmn_group_msg *group = vmn_group_add(
        emit, vmn_scope_host("h1"), VMN_GROUP_SELECT,
        vmn_printf(view, "clients/%u", family));

    vmn_group_hash_client(group, family);
    for (unsigned i = 0; i < N_BUCKETS; i++) {
        struct vmn_actions *actions = vmn_bucket_add(group, i, 1);

        vmn_act_set(actions, VMN_F_REG10, i + 1);
        vmn_act_resubmit(actions, 0, TABLE_GROUP);
    }
    return group;
}

static void
emit_family(struct vmn_view *view, struct vmn_emit *emit, unsigned family,
            uint32_t value)
{
    struct vmn_actions *actions;
    struct vmn_flow *flow;

    for (unsigned i = 0; i < ARRAY_SIZE(services); i++) {
        flow = flow_add(emit, TABLE_ENTER, 100, family);
        vmn_match(flow, VMN_F_IN_PORT, i + 1);
        actions = vmn_flow_actions(flow);
        vmn_act_set(actions, VMN_REG_ZONE, domains[i]);
        vmn_act_set(actions, VMN_REG_CLIENT_SERVICE, services[i]);
        vmn_act_set(actions, VMN_F_REG10, value);
        if (i == 3) {
            learn(flow, family);
        } else if (i == 4) {
            vmn_act_group(actions, group_add(view, emit, family));
        } else {
            vmn_act_find_client(actions);
            vmn_act_goto(actions, 0, TABLE_CHOOSE);
        }
    }
    flow = flow_add(emit, TABLE_CHOOSE, 100, family);
    vmn_match(flow, VMN_REG_CLIENT_VALUE, 0);
    learn(flow, family);
    flow = flow_add(emit, TABLE_CHOOSE, 50, family);
    vmn_act_set(vmn_flow_actions(flow), VMN_F_REG13, 1);
    learn(flow_add(emit, TABLE_GROUP, 100, family), family);
}

/* The mistakes with members of groups, which are remembered in the same
 * way. */
static void
member_mistake(struct vmn_group_msg *group, struct vmn_actions *actions,
               const char *mistake)
{
    struct vmn_member member = { VMN_ETH_IPV4, 1, 1, VMN_F_REG10 };

    if (!strcmp(mistake, "bucket")) {
        actions = vmn_bucket_add(group, 0, 1);
    } else if (!strcmp(mistake, "arp")) {
        member.eth_type = VMN_ETH_ARP;
    } else if (!strcmp(mistake, "other")) {
        member.eth_type = VMN_ETH_IPV6;
    } else if (!strcmp(mistake, "time")) {
        member.hard_s = 0;
    } else if (!strcmp(mistake, "limit")) {
        member.limit = VMN_MEMBERS_MAX + 1;
    } else if (!strcmp(mistake, "source")) {
        member.eth_type = 0;
        vmn_act_learn_source(actions, &member);
        return;
    } else {
        member.from = VMN_F_CT_MARK;
    }
    vmn_act_learn_member(actions, &member);
}

static void
emit_mistake(struct vmn_view *view, struct vmn_emit *emit,
             const char *mistake)
{
    struct vmn_client client = { VMN_ETH_IPV4, IDLE_S, VMN_F_REG10 };
    struct vmn_flow *flow = flow_add(emit, TABLE_ENTER, 1, 4);
    bool all = !strcmp(mistake, "all");
    struct vmn_group_msg *group = vmn_group_add(
        emit, vmn_scope_all(), all ? VMN_GROUP_ALL : VMN_GROUP_SELECT,
        vmn_printf(view, "mistake"));
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (!strncmp(mistake, "member-", 7)) {
        member_mistake(group, actions, mistake + 7);
        return;
    } else if (all) {
        vmn_group_hash_client(group, 4);
    } else if (!strcmp(mistake, "family")) {
        vmn_group_hash_client(group, 5);
    } else if (!strcmp(mistake, "bucket")) {
        actions = vmn_bucket_add(group, 0, 1);
    } else if (!strcmp(mistake, "spread")) {
        vmn_act_hash_client(vmn_bucket_add(group, 0, 1), 0, VMN_F_REG10,
                            2);
    } else if (!strcmp(mistake, "part")) {
        vmn_bucket_count_part(vmn_bucket_add(group, 0, 1), 0);
    } else if (!strcmp(mistake, "count")) {
        vmn_bucket_count_part(actions, 17);
    } else if (!strcmp(mistake, "limit")) {
        vmn_act_limit(vmn_bucket_add(group, 0, 1), "x", 1, 1);
    } else if (!strcmp(mistake, "limits")) {
        vmn_act_limit(actions, "x", 1, 1);
        vmn_act_limit(actions, "y", 1, 1);
    } else if (!strcmp(mistake, "none")) {
        vmn_act_limit(actions, "x", 0, 1);
    } else if (!strcmp(mistake, "arp")) {
        client.eth_type = VMN_ETH_ARP;
    } else if (!strcmp(mistake, "other")) {
        client.eth_type = VMN_ETH_IPV6;
    } else if (!strcmp(mistake, "idle")) {
        client.idle_s = 0;
    } else {
        client.from = VMN_F_CT_MARK;
    }
    vmn_act_learn_client(actions, &client);
}

/* Each network's unit has all of it; labels say the value, or which mistake is
 * made. */
static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    const struct vmn_labels *labels;
    const char *value, *mistake;

    if (!network) {
        return;
    }
    labels = vmn_labels_of(view, &network->row);
    value = vmn_labels_get(labels, "value");
    mistake = vmn_labels_get(labels, "mistake");
    for (size_t i = 0; value && i < ARRAY_SIZE(families); i++) {
        emit_family(view, emit, families[i], atoi(value));
    }
    if (mistake) {
        emit_mistake(view, emit, mistake);
    }
}

static const struct vmn_stage_class stages[] = {
    { .name = "clients", .hook = VMN_HOOK_ADMIT, .n_tables = N_TABLES,
      .miss = VMN_MISS_DROP,
      .scratch = (VMN_SCRATCH(VMN_F_REG10)
                  | VMN_SCRATCH(VMN_REG_CLIENT_VALUE)
                  | VMN_SCRATCH(VMN_REG_CLIENT_SERVICE)
                  | VMN_SCRATCH(VMN_F_REG13)) },
    { .name = NULL },
};

static const struct vmn_app_class app = {
    VMN_APP_HEAD,
    .name = "loadbalancer",     /* Sets what only VMN's own apps may. */
    .stages = stages,
    .units = (const struct vmn_unit_class[]) {
        { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
          .compile = compile_network },
        { .name = NULL },
    },
};

/* State.  ---------------------------------------------------------------- */

static struct ovs_sandbox sb;
static char *target;            /* Where the fabric listens. */

static json_t *
labelled(const char *label, const char *value)
{
    return json_pack("{s:[{s:s}],s:{s:s}}", "subnets", "cidr", "10.0.0.0/16",
                     "labels", label, value);
}

/* The network has one label alone. */
static void
put(const char *label, const char *value)
{
    fixture_edit(VMN_TABLE_NETWORK, "shop", labelled(label, value),
                 fixture_turn);
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
until_synced(void)
{
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
    put("value", "5");
    ovs_sandbox_start_vswitchd(&sb);
    free(ovs_sandbox_vsctl(
        &sb, "add-br br-int -- set bridge br-int datapath_type=dummy "
        "protocols=OpenFlow15 fail-mode=secure "
        "other-config:datapath-id=%016x other-config:disable-in-band=true "
        "-- set-controller br-int %s "
        "-- set controller br-int max_backoff=1000 inactivity_probe=0 "
        "connection_mode=out-of-band", DPID, target));
    for (unsigned i = 1; i <= ARRAY_SIZE(services); i++) {
        free(ovs_sandbox_vsctl(
            &sb, "add-port br-int p%u -- set interface p%u type=dummy "
            "ofport_request=%u", i, i, i));
    }
    until_synced();
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

/* The switch.  ----------------------------------------------------------- */

static char *
dump(unsigned table)
{
    return ovs_sandbox_shell(
        &sb, "ovs-ofctl -O OpenFlow15 dump-flows unix:%s/br-int.mgmt "
        "table=%u", sb.dir, table);
}

static unsigned
count(const char *text, const char *part)
{
    unsigned n = 0;

    for (; (text = strstr(text, part)); text += strlen(part)) {
        n++;
    }
    return n;
}

static unsigned
n_groups(const char *part)
{
    char *s = ovs_sandbox_shell(
        &sb, "ovs-ofctl -O OpenFlow15 dump-groups "
        "unix:%s/br-int.mgmt", sb.dir);
    unsigned n = count(s, part);

    free(s);
    return n;
}

static void OVS_PRINTF_FORMAT(1, 2)
appctl(const char *format, ...)
{
    va_list args;
    char *command;

    va_start(args, format);
    command = xvasprintf(format, args);
    va_end(args);
    free(ovs_sandbox_shell(
        &sb, "ovs-appctl -t %s/vs.ctl %s", sb.dir, command));
    free(command);
}

/* From the 'n'th client, with a source port. */
static void
format_packet(struct ds *ds, unsigned family, unsigned n, unsigned port)
{
    ds_put_format(ds, " 'in_port(1),eth(src=02:00:00:00:00:01,"
                  "dst=02:00:00:00:00:02),eth_type(0x%04x),",
                  family == 4 ? VMN_ETH_IPV4 : VMN_ETH_IPV6);
    if (family == 4) {
        ds_put_format(ds, "ipv4(src=10.0.%u.%u,dst=10.0.255.1,proto=6,tos=0,"
                      "ttl=64,frag=no)", n / 256, n % 256);
    } else {
        ds_put_format(ds, "ipv6(src=fd00::%x,dst=fd00::ffff,label=0,proto=6,"
                      "tclass=0,hlimit=64,frag=no)", n);
    }
    ds_put_format(ds, ",tcp(src=%u,dst=80)'", port);
}

/* From 'n' clients on, the first one being 'first', one packet each.  A dummy
 * port holds up to 100. */
static void
send_from(unsigned in_port, unsigned family, unsigned first, unsigned n,
          unsigned port)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (unsigned i = first; i < first + n; i++) {
        format_packet(&ds, family, i, port);
    }
    appctl("netdev-dummy/receive p%u%s", in_port, ds_cstr(&ds));
    ds_destroy(&ds);
}

static bool
has_learned(unsigned n, const char *part)
{
    char *s = dump(248);
    bool has = count(s, part) == n;

    free(s);
    return has;
}

/* There are to be 'n' learned flows with 'part' in their text. */
#define UNTIL_LEARNED(N, PART) \
    FIXTURE_TURN_UNTIL(fixture_turn, has_learned(N, PART))

/* Packets whose client was found. */
static unsigned
n_found(void)
{
    unsigned n = 0;
    char *s, *p;

    appctl("revalidator/purge"); /* What the datapath has counted is told. */
    s = p = dump(TABLE_CHOOSE);
    while ((p = strstr(p, "n_packets="))) {
        unsigned packets = atoi(p + strlen("n_packets="));
        const char *end = strchrnul(p, '\n');
        const char *priority = strstr(p, "priority=50,");

        n += priority && priority < end ? packets : 0;
        p++;
    }
    free(s);
    return n;
}

static uint64_t
n_sent(void)
{
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_errors, 0);
    return (stats.n_flow_adds + stats.n_flow_deletes + stats.n_group_mods
            + stats.n_bundles);
}

/* Cases.  ---------------------------------------------------------------- */

static void
client_is_learned_found_and_forgotten(void **state OVS_UNUSED)
{
    for (unsigned i = 0; i < ARRAY_SIZE(families); i++) {
        unsigned family = families[i], before = n_found();

        send_from(1, family, 1, 1, 1000);
        UNTIL_LEARNED(1, family == 4 ? "nw_src=10.0.0.1 "
                      : "ipv6_src=fd00::1 ");
        UNTIL_LEARNED(1, family == 4
                      ? "ip,reg5=0xb,reg12=0x15,in_port=1,nw_src="
                      : "ipv6,reg5=0xb,reg12=0x15,in_port=1,ipv6_src=");
        UNTIL_LEARNED(4 * i + 1, "actions=set_field:0x5->reg11");
        UNTIL_LEARNED(4 * i + 1, "idle_timeout=60,");
        assert_int_equal(n_found(), before);
        send_from(1, family, 1, 1, 1001);
        FIXTURE_TURN_UNTIL(fixture_turn, n_found() == before + 1);

        /* Another client, service or domain is somebody else. */
        send_from(1, family, 2, 1, 1000);
        UNTIL_LEARNED(2 * i + 2, "reg5=0xb,reg12=0x15,");
        send_from(2, family, 1, 1, 1000);
        UNTIL_LEARNED(i + 1, "reg5=0xb,reg12=0x16,");
        send_from(3, family, 1, 1, 1000);
        UNTIL_LEARNED(i + 1, "reg5=0xc,reg12=0x15,");
        assert_int_equal(n_found(), before + 1);
    }

    /* What remains of the unit learns no more. */
    put("nothing", "here");
    until_synced();
    UNTIL_LEARNED(0, "cookie=");
}

static void
new_value_takes_the_place_of_the_old_one(void **state OVS_UNUSED)
{
    char *s;

    send_from(4, 4, 1, 1, 1000);
    UNTIL_LEARNED(1, "actions=set_field:0x5->reg11");
    send_from(4, 4, 2, 1, 1000);
    UNTIL_LEARNED(2, "actions=set_field:0x5->reg11");
    put("value", "6");
    until_synced();
    /* Other flows that learn took the place of those that did. */
    UNTIL_LEARNED(2, "actions=set_field:0x5->reg11");
    send_from(4, 4, 1, 1, 1001);
    UNTIL_LEARNED(1, "nw_src=10.0.0.1 actions=set_field:0x6->reg11");
    UNTIL_LEARNED(1, "nw_src=10.0.0.2 actions=set_field:0x5->reg11");
    UNTIL_LEARNED(2, "cookie=");

    s = dump(TABLE_CHOOSE);
    assert_int_equal(count(s, "learn(table=248,idle_timeout=60,priority=1,"
                           "delete_learned,cookie="), 2);
    assert_int_equal(count(s, ",limit=8192,in_port="), 2);
    free(s);
}

static void
being_found_keeps_a_client(void **state OVS_UNUSED)
{
    appctl("time/stop");
    send_from(1, 4, 1, 1, 1000);
    send_from(1, 4, 2, 1, 1000);
    UNTIL_LEARNED(2, "cookie=");
    for (unsigned i = 1; i <= 3; i++) {
        appctl("time/warp %u 5000", IDLE_S * 1000 / 3);
        send_from(1, 4, 1, 1, 1000 + i);
        FIXTURE_TURN_UNTIL(fixture_turn, n_found() == i);
    }
    appctl("time/warp 5000 5000");
    UNTIL_LEARNED(1, "cookie=");
    UNTIL_LEARNED(1, "nw_src=10.0.0.1 ");
    appctl("time/warp %u 5000", IDLE_S * 1000);
    UNTIL_LEARNED(0, "cookie=");
}

static bool audited;

static void
audit_cb(void *aux OVS_UNUSED, const struct fabric_audit_result *result,
         const char *reason)
{
    assert_null(reason);
    assert_int_equal(result->found.missing, 0);
    assert_int_equal(result->found.altered, 0);
    assert_int_equal(result->found.unknown, 0);
    audited = true;
}

static void
check_audit(void)
{
    audited = false;
    assert_null(fabric_audit(fabric, "h1", NULL, audit_cb, NULL));
    FIXTURE_TURN_UNTIL(fixture_turn, audited);
}

/* Groups that hash an address come back as meant, and what was learned is
 * passed by. */
static void
audit_and_reconciling_change_nothing(void **state OVS_UNUSED)
{
    uint64_t sent = n_sent();

    send_from(1, 6, 1, 1, 1000);
    UNTIL_LEARNED(1, "cookie=");
    check_audit();
    reconcile_start(h1()->sw);
    until_synced();
    assert_int_equal(n_sent(), sent);

    /* Groups that hash something else are other groups. */
    free(ovs_sandbox_shell(
        &sb, "cd %s && ovs-ofctl -O OpenFlow15 dump-groups "
        "unix:br-int.mgmt | sed -n 's/_src,/_dst,/; "
        "s/^ *group_id/group_id/p' >groups && "
        "while read -r group; do ovs-ofctl -O OpenFlow15 mod-group "
        "unix:br-int.mgmt \"$group\" || exit 1; done <groups",
        sb.dir));
    assert_int_equal(n_groups("_src,bucket="), 0);
    reconcile_start(h1()->sw);
    until_synced();
    assert_int_equal(n_sent(), sent + 3); /* Two groups, in a bundle. */
    assert_int_equal(n_groups("selection_method=hash,fields=ip_src,bucket="),
                     1);
    assert_int_equal(n_groups("selection_method=hash,fields=ipv6_src,bucket="),
                     1);
}

/* How many clients got each bucket. */
static void
read_buckets(unsigned n[N_BUCKETS])
{
    char *s = dump(248), *p = s;

    memset(n, 0, N_BUCKETS * sizeof *n);
    while ((p = strstr(p, "actions=set_field:"))) {
        unsigned long bucket;

        p += strlen("actions=set_field:");
        bucket = strtoul(p, NULL, 0);
        assert_true(bucket >= 1 && bucket <= N_BUCKETS);
        n[bucket - 1]++;
    }
    free(s);
}

#define N_CLIENTS 512
#define N_AT_ONCE 64

static void
clients_spread_over_buckets_and_stay(void **state OVS_UNUSED)
{
    for (unsigned f = 0; f < ARRAY_SIZE(families); f++) {
        unsigned n[N_BUCKETS], again[N_BUCKETS], max = 0, n_used = 0;

        for (unsigned i = 0; i < N_CLIENTS; i += N_AT_ONCE) {
            send_from(5, families[f], i + 1, N_AT_ONCE, 1000);
            UNTIL_LEARNED(i + N_AT_ONCE, "cookie=");
        }
        read_buckets(n);
        for (unsigned i = 0; i < N_BUCKETS; i++) {
            n_used += n[i] != 0;
            max = MAX(max, n[i]);
        }
        print_message("IPv%u: %u of %u buckets, at most %u clients\n",
                      families[f], n_used, N_BUCKETS, max);
        assert_true(n_used > N_BUCKETS * 3 / 4); /* 221 by chance. */
        assert_true(max < 12);

        /* The first ones again, from other ports: a marker says when they are
         * done. */
        send_from(5, families[f], 1, N_AT_ONCE, 2000);
        send_from(5, families[f], N_CLIENTS + 1, 1, 1000);
        UNTIL_LEARNED(N_CLIENTS + 1, "cookie=");
        read_buckets(again);
        n_used = 0;
        for (unsigned i = 0; i < N_BUCKETS; i++) {
            n_used += again[i] != n[i];
        }
        assert_int_equal(n_used, 1);

        put("nothing", "here");
        until_synced();
        UNTIL_LEARNED(0, "cookie=");
        put("value", "5");
        until_synced();
    }
}

/* Without a switch.  ----------------------------------------------------- */

static void
mistakes_are_said(void **state OVS_UNUSED)
{
    static const struct {
        const char *mistake, *text;
    } mistakes[] = {
        { "all", "a group that does not select hashes nothing" },
        { "family", "a client's address is of family 4 or 6, not 5" },
        { "bucket", "a bucket cannot learn" },
        { "spread", "a bucket cannot multipath" },
        { "part", "a bucket is counted as a part that is not 0" },
        { "count", "not a bucket: a flow is counted by itself" },
        { "limit", "a bucket cannot have a limit" },
        { "limits", "a flow has only one limit" },
        { "none", "a limit is of 1 to 1000000 packets a second" },
        { "arp", "only clients of IP are learned" },
        { "other", "a switch refuses the actions of a flow in table 0" },
        { "idle", "a client is remembered for at least one second" },
        { "from", "a client's value comes from a register" },
        { "member-bucket", "a bucket cannot learn" },
        { "member-arp", "only groups of IP have members" },
        { "member-other", "a switch refuses the actions of a flow" },
        { "member-time", "a member is remembered for at least one second" },
        { "member-limit", "and 1 to 16384 are" },
        { "member-source", "a source is one of IP" },
        { "member-from", "a member's value comes from a register" },
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
        cmocka_unit_test(mistakes_are_said),
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(client_is_learned_found_and_forgotten),
        T(new_value_takes_the_place_of_the_old_one),
        T(being_found_keeps_a_client),
        T(audit_and_reconciling_change_nothing),
        T(clients_spread_over_buckets_and_stay),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    } else if (access("/usr/sbin/ovs-vswitchd", X_OK)
               || access(SCHEMA, R_OK)) {
        cmocka_set_test_filter("mistakes_are_said");
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
