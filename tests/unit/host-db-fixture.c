/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the fabric's OVSDB side share; see host-db-fixture.h. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "proto/ovsdb/ovsdb.h"
#include "tests/unit/host-db-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

struct ovs_sandbox sandboxes[N_HOSTS]; /* "hv1", "hv2". */
struct fabric_options options;
const char *const *host_db_copies;
static char *target;

/* Its tunnel_interface is an uplink, which carries twice as much in
 * maintenance. */
static void
compile_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_host *host = vmn_read_host(view, key);
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(key), 0, 0, 10);

    vmn_match(flow, VMN_F_REG0, 1);
    for (const char *const *copy = host_db_copies; copy && *copy; copy++) {
        vmn_publish(emit, VMN_REL_COPY_TUNNELS, key, *copy);
    }
    if (host && host->tunnel_interface) {
        vmn_publish(emit, VMN_REL_UPLINKS, key,
                    vmn_printf(view, "%s/%d", host->tunnel_interface,
                               host->maintenance ? 2000 : 1000));
        vmn_publish(emit, VMN_REL_QUEUES, key, "32775/200");
        vmn_publish(emit, VMN_REL_QUEUES, key, "32777/300");
        /* The same number once more, and what are no numbers. */
        vmn_publish(emit, VMN_REL_QUEUES, key, "32777/400");
        vmn_publish(emit, VMN_REL_QUEUES, key, "9/100");
        vmn_publish(emit, VMN_REL_QUEUES, key, "61440/100");
    }
}

/* One with an interface on its host has a queue there, if there are any. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_binding *binding
        = port ? vmn_read_binding(view, key) : NULL;
    const struct vmn_host *host
        = binding ? vmn_read_host(view, binding->host) : NULL;

    if (host && host->tunnel_interface
        && vmn_read_vif(view, binding->host, port->iface_id)) {
        vmn_publish(emit, VMN_REL_QUEUES, binding->host, "32779/100");
    }
}

/* Named as the one that may say which queues hosts have. */
static const struct vmn_app_class app = {
    VMN_APP_HEAD, .name = "qos",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 1,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "host", .each = VMN_EACH_ROW, .row_type = VMN_ROW_HOST,
          .compile = compile_host },
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
};

/* Edits.  ---------------------------------------------------------------- */

void
change(enum vmn_table table, const char *name, json_t *spec)
{
    fixture_edit(table, name, spec, fixture_turn);
}

void
put_host(int i, const char *bridge, bool adopt)
{
    char *ip = xasprintf("192.0.2.%d", i + 1);

    change(VMN_TABLE_HOST, i ? "hv2" : "hv1",
           json_pack("{s:s, s:s, s:s, s:s, s:b}", "ovsdb", sandboxes[i].remote,
                     "tunnel_ip", ip, "bridge", bridge, "datapath", "netdev",
                     "adopt", adopt));
    free(ip);
}

void
put_port(const char *name, const char *host, const char *iface_id)
{
    change(VMN_TABLE_PORT, name,
           json_pack("{s:s, s:s*, s:s*}", "network", "net", "host", host,
                     "iface_id", iface_id));
}

/* Adds an interface with an iface-id and the number that a switch would have
 * given it. */
void
add_vif(int i, const char *iface, const char *iface_id, int ofport)
{
    VSCTL(i, "add-port br-int %s -- set Interface %s external_ids:iface-id=%s "
          "ofport=%d link_state=up", iface, iface, iface_id, ofport);
}

/* Looks.  ---------------------------------------------------------------- */

bool
bound(const char *port, const char *active, const char *candidate)
{
    const struct vmn_binding *b = model_get_durable(
        toy.model, VMN_TABLE_BINDING, port, NULL);

    return (active ? b && !strcmp(b->host, active)
            && nullable_string_is_equal(b->candidate, candidate) : !b);
}

const struct vmn_vif *
get_vif(const char *name)
{
    return model_get_durable(toy.model, VMN_TABLE_VIF, name, NULL);
}

bool
reported(const char *host)
{
    const struct fabric_host *h = fabric_find_host(fabric, host);

    return h && h->reported;
}

bool
has_interface(int i, const char *name)
{
    char *found = ovs_sandbox_vsctl(&sandboxes[i], "--bare --columns=name "
                                    "find Interface name=%s", name);
    bool has = found[0] != '\0';

    free(found);
    return has;
}

/* Is string 'key' of the host's status 'value'? */
bool
status_is(const char *host, const char *key, const char *value)
{
    json_t *status = fixture_host_status(host);
    const char *s = json_string_value(json_object_get(status, key));
    bool equal = nullable_string_is_equal(s, value);

    json_decref(status);
    return equal;
}

bool
reason_has(const char *host, const char *part)
{
    json_t *status = fixture_host_status(host);
    const char *s = json_string_value(json_object_get(status, "reason"));
    bool has = s && strstr(s, part);

    json_decref(status);
    return has;
}

bool
port_state_is(const char *port, const char *state)
{
    json_t *status = fixture_port_status(port);
    bool equal;

    assert_non_null(status);
    equal = !strcmp(json_string_value(json_object_get(status, "state")),
                    state);
    json_decref(status);
    return equal;
}

/* Has the fabric read this of the host's database, which it reads in order? */
static bool
has_read_version(const char *name, const char *version)
{
    const struct fabric_host *host = fabric_find_host(fabric, name);
    const struct ovsdb_snapshot *snapshot
        = ovsdb_session_snapshot(host->db->session);

    return (snapshot
            && nullable_string_is_equal(snapshot->ovs_version, version));
}

/* Waits until the fabric has read all that is in the host's database by now,
 * with what its switch makes of that, if they run. */
static void
wait_until_read(int i)
{
    static unsigned n;
    const char *name = i ? "hv2" : "hv1";
    const struct fabric_host *host = fabric_find_host(fabric, name);
    char *version;

    if (!host || !host->db || !sandboxes[i].server) {
        return;
    }
    version = xasprintf("settled-%u", ++n);
    free(ovs_sandbox_shell(&sandboxes[i], "ovs-vsctl %s --db=%s set "
                           "Open_vSwitch . ovs_version=%s",
                           sandboxes[i].vswitchd ? "" : "--no-wait",
                           sandboxes[i].remote, version));
    UNTIL(has_read_version(name, version));
    free(version);
}

/* Is all decided that follows from what was read, and durable? */
static bool
is_decided(void)
{
    const struct observed_state *observed = fabric->db->observed;

    return (commit_is_quiescent(commit) && !observed->resyncing
            && !observed->comparing && ovs_list_is_empty(&observed->due)
            && ovs_list_is_empty(&observed->submitted)
            && !event_pending(observed->flush, EV_TIMEOUT, NULL));
}

/* Waits until the fabric has done what it does about what there is.  What it
 * writes to a host's database by the end of the first round is read in the
 * second one. */
void
host_db_settle(void)
{
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N_HOSTS; i++) {
            wait_until_read(i);
        }
        fixture_turn();
        UNTIL(is_decided());
    }
}

/* Fixture.  -------------------------------------------------------------- */

int
host_db_setup(void **state OVS_UNUSED)
{
    for (int i = 0; i < N_HOSTS; i++) {
        ovs_sandbox_create(&sandboxes[i], i ? "hv2" : "hv1");
    }
    target = xasprintf("unix:%s/of.sock", sandboxes[0].dir);
    options = (struct fabric_options) {
        .openflow_listen = target,
        .openflow_target = target,
    };
    fixture_store_errors = 0;
    fixture_start_with(&options, &app, NULL);
    fabric->silent_ms = fabric->silent_inbound_ms = INT_MAX;
    change(VMN_TABLE_NETWORK, "net", json_object());
    return 0;
}

int
host_db_teardown(void **state OVS_UNUSED)
{
    fixture_stop();
    for (int i = 0; i < N_HOSTS; i++) {
        ovs_sandbox_destroy(&sandboxes[i]);
    }
    free(target);
    return 0;
}

/* Both hosts, set up and reported; port "p1". */
void
start_hosts(void)
{
    for (int i = 0; i < N_HOSTS; i++) {
        put_host(i, "br-int", false);
        UNTIL(reported(i ? "hv2" : "hv1"));
    }
    put_port("p1", NULL, NULL);
}

/* vmnd ends, and is started again by start_vmnd(): VIF rows are not stored. */
void
stop_vmnd(void)
{
    const struct vmn_vif *row;

    fixture_stop_fabric();
    while ((row = model_next_durable(toy.model, VMN_TABLE_VIF, "", NULL))) {
        char *name = xstrdup(row->row.name);

        change(VMN_TABLE_VIF, name, NULL);
        free(name);
    }
}

void
start_vmnd(void)
{
    fixture_start_fabric(&options);
    fabric->silent_ms = fabric->silent_inbound_ms = INT_MAX;
}

/* vmnd starts again, with a commit of its own, which has compiled nothing. */
void
restart_vmnd(void)
{
    stop_vmnd();
    commit_destroy(commit);
    fixture_start_commit();
    start_vmnd();
}

/* Asserts what ovs-vsctl answers for "get ...". */
void
assert_got(const char *get, const char *expected)
{
    char *output = ovs_sandbox_vsctl(&sandboxes[0], "get %s", get);

    assert_string_equal(output, expected);
    free(output);
}
