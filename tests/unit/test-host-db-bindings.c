/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers: which host a port is bound
 * to, through migrations, silence and restarts, and what is reported of
 * interfaces. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>

#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/host-db-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

/* A port that may be on both hosts, and is to be on 'host'. */
static void
put_port_on_both(const char *name, const char *host)
{
    change(VMN_TABLE_PORT, name,
           json_pack("{s:s, s:s, s:[s, s]}", "network", "net", "host", host,
                     "hosts", "hv1", "hv2"));
}

static uint64_t
revision_of(enum vmn_table table, const char *name)
{
    struct model_meta meta;

    assert_non_null(model_get_durable(toy.model, table, name, &meta));
    return meta.revision;
}

/* Bindings.  ------------------------------------------------------------- */

static void
port_is_bound_whichever_comes_first(void **state OVS_UNUSED)
{
    start_hosts();
    assert_true(port_state_is("p1", "unbound"));
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL) && get_vif("hv1/p1"));
    assert_int_equal(get_vif("hv1/p1")->ofport, 5);
    assert_string_equal(get_vif("hv1/p1")->iface, "tap1");
    assert_true(get_vif("hv1/p1")->link_up);
    /* No switch has its flows. */
    assert_true(port_state_is("p1", "pending"));

    add_vif(0, "tap2", "uuid-2", 6);
    UNTIL(get_vif("hv1/uuid-2"));
    put_port("p2", NULL, "uuid-2");
    UNTIL(bound("p2", "hv1", NULL));

    VSCTL(0, "set Interface tap1 link_state=down");
    UNTIL(port_state_is("p1", "down"));
    assert_true(bound("p1", "hv1", NULL));

    /* Another iface-id is another interface. */
    put_port("p2", NULL, "uuid-3");
    UNTIL(bound("p2", NULL, NULL));
    put_port("p2", NULL, "uuid-2");
    UNTIL(bound("p2", "hv1", NULL));

    /* Gone and there again. */
    change(VMN_TABLE_PORT, "p2", NULL);
    UNTIL(bound("p2", NULL, NULL));
    put_port("p2", NULL, "uuid-2");
    UNTIL(bound("p2", "hv1", NULL));
    VSCTL(0, "del-port tap1");
    UNTIL(bound("p1", NULL, NULL) && !get_vif("hv1/p1"));
}

/* A row that takes a port from its host, or gives it another interface, does
 * so in its own revision, and nothing follows. */
static void
row_unbinds_in_its_own_revision(void **state OVS_UNUSED)
{
    uint64_t before;

    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    host_db_settle();
    before = model_durable_revision(toy.model);
    put_port("p1", "hv2", NULL);
    assert_true(bound("p1", NULL, NULL));
    host_db_settle();
    assert_int_equal(model_durable_revision(toy.model), before + 1);

    put_port("p1", NULL, NULL);
    UNTIL(bound("p1", "hv1", NULL));
    host_db_settle();
    before = model_durable_revision(toy.model);
    put_port("p1", NULL, "other");
    assert_true(bound("p1", NULL, NULL));
    host_db_settle();
    assert_int_equal(model_durable_revision(toy.model), before + 1);

    /* The host that has the other interface gets it, just so. */
    put_port("p1", NULL, NULL);
    UNTIL(bound("p1", "hv1", NULL));
    add_vif(1, "tap2", "other", 6);
    UNTIL(get_vif("hv2/other"));
    host_db_settle();
    before = model_durable_revision(toy.model);
    put_port("p1", NULL, "other");
    assert_true(bound("p1", "hv2", NULL));
    host_db_settle();
    assert_int_equal(model_durable_revision(toy.model), before + 1);
}

/* A host that reports while the row's revision is under way ends where the
 * row says. */
static void
report_that_crosses_a_row_does_not_win(void **state OVS_UNUSED)
{
    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    for (int i = 0; i < 20; i++) {
        VSCTL(0, "del-port tap1");
        put_port("p1", i % 2 ? "hv1" : "hv2", NULL);
        add_vif(0, "tap1", "p1", 5);
        put_port("p1", i % 2 ? "hv2" : "hv1", NULL);
    }
    host_db_settle();
    UNTIL(bound("p1", NULL, NULL));
    host_db_settle();
    assert_true(bound("p1", NULL, NULL));
    put_port("p1", "hv1", NULL);
    UNTIL(bound("p1", "hv1", NULL));
}

static void
migration_moves_when_the_source_lets_go(void **state OVS_UNUSED)
{
    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    add_vif(1, "tap1", "p1", 9);
    UNTIL(bound("p1", "hv1", "hv2"));
    VSCTL(0, "del-port tap1");
    UNTIL(bound("p1", "hv2", NULL));

    /* By the port's row, not before the target's switch is ready: here there
     * is none. */
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv2", "hv1"));
    put_port_on_both("p1", "hv1");
    host_db_settle();
    assert_true(bound("p1", "hv2", "hv1"));
    VSCTL(1, "del-port tap1");
    UNTIL(bound("p1", "hv1", NULL));
}

/* Longer than a busy machine needs to see that there is one. */
#define FORMER_MS 3000

static const char *
former_host_of(const char *port)
{
    const struct vmn_binding *row = model_get_durable(
        toy.model, VMN_TABLE_BINDING, port, NULL);

    return row ? row->former : NULL;
}

static void
migrate_p1(int from, int to)
{
    const char *const hosts[] = { "hv1", "hv2" };

    add_vif(to, "tap1", "p1", 6);
    UNTIL(bound("p1", hosts[from], hosts[to]));
    VSCTL(from, "del-port tap1");
    UNTIL(bound("p1", hosts[to], NULL));
}

/* Over a restart of vmnd, until it is deleted, or silent, or its time is
 * over. */
static void
former_host_is_named_for_a_while(void **state OVS_UNUSED)
{
    uint64_t before;

    options.migration_grace_s = 3600;
    fabric->migration_grace_ms = 3600 * 1000;
    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    assert_null(former_host_of("p1"));
    migrate_p1(0, 1);
    assert_string_equal(former_host_of("p1"), "hv1");
    before = revision_of(VMN_TABLE_BINDING, "p1");

    stop_vmnd();
    start_vmnd();
    UNTIL(reported("hv1") && reported("hv2"));
    host_db_settle();
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), before);
    fabric->silent_ms = fabric->silent_inbound_ms = 100;
    ovs_sandbox_stop_server(&sandboxes[0]);
    UNTIL(!former_host_of("p1"));
    fabric->silent_ms = fabric->silent_inbound_ms = INT_MAX;
    ovs_sandbox_start_server(&sandboxes[0]);
    UNTIL(!observed_find_host(fabric->db->observed, "hv1")->silent);
    assert_null(former_host_of("p1"));

    migrate_p1(1, 0);
    assert_string_equal(former_host_of("p1"), "hv2");
    change(VMN_TABLE_HOST, "hv2", NULL);
    assert_null(former_host_of("p1"));
    host_db_settle();
    assert_true(bound("p1", "hv1", NULL));
    assert_null(former_host_of("p1"));
}

/* Of each of two ports, which have left one after the other. */
static void
former_hosts_time_is_over(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    add_vif(0, "tap2", "p2", 6);
    UNTIL(bound("p1", "hv1", NULL) && bound("p2", "hv1", NULL));
    fabric->migration_grace_ms = FORMER_MS;
    migrate_p1(0, 1);
    add_vif(1, "tap2", "p2", 7);
    UNTIL(bound("p2", "hv1", "hv2"));
    VSCTL(0, "del-port tap2");
    UNTIL(former_host_of("p2"));
    UNTIL(!former_host_of("p1") && !former_host_of("p2"));
    assert_true(bound("p1", "hv2", NULL) && bound("p2", "hv2", NULL));
}

static void
silent_host_keeps_its_bindings(void **state OVS_UNUSED)
{
    uint64_t before;

    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    add_vif(0, "tap2", "p2", 6);
    UNTIL(bound("p1", "hv1", NULL) && bound("p2", "hv1", NULL));
    before = revision_of(VMN_TABLE_BINDING, "p1");
    fabric->silent_ms = 500;
    ovs_sandbox_stop_server(&sandboxes[0]);
    UNTIL(observed_find_host(fabric->db->observed, "hv1")->silent);
    host_db_settle();
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), before);
    assert_non_null(get_vif("hv1/p1"));

    /* A VM that was started again elsewhere is followed; the old host is the
     * candidate when it comes back, and no more. */
    add_vif(1, "tap2", "p2", 7);
    UNTIL(bound("p2", "hv2", "hv1"));
    ovs_sandbox_start_server(&sandboxes[0]);
    UNTIL(!observed_find_host(fabric->db->observed, "hv1")->silent);
    host_db_settle();
    assert_true(bound("p1", "hv1", NULL));
    assert_true(bound("p2", "hv2", "hv1"));
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), before);
}

static void
bindings_survive_a_restart_of_vmnd(void **state OVS_UNUSED)
{
    uint64_t p1, p2;

    start_hosts();
    put_port("p2", NULL, NULL);
    put_port("p3", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    add_vif(0, "tap3", "p3", 8);
    UNTIL(bound("p1", "hv1", NULL));
    add_vif(1, "tap1", "p1", 6);
    add_vif(1, "tap2", "p2", 7);
    UNTIL(bound("p1", "hv1", "hv2") && bound("p2", "hv2", NULL)
          && bound("p3", "hv1", NULL));
    p1 = revision_of(VMN_TABLE_BINDING, "p1");
    p2 = revision_of(VMN_TABLE_BINDING, "p2");

    /* One host is away while vmnd starts, and the other has lost a VM. */
    stop_vmnd();
    ovs_sandbox_stop_server(&sandboxes[1]);
    VSCTL(0, "del-port tap3");
    start_vmnd();
    assert_false(reported("hv1"));
    UNTIL(reported("hv1"));
    assert_non_null(get_vif("hv1/p1"));
    UNTIL(bound("p3", NULL, NULL));
    host_db_settle();
    assert_false(reported("hv2"));
    assert_true(bound("p2", "hv2", NULL));
    assert_true(port_state_is("p2", "pending"));
    ovs_sandbox_start_server(&sandboxes[1]);
    UNTIL(reported("hv2"));
    host_db_settle();
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), p1);
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p2"), p2);
}

/* Returns true once all is compiled.  A host that sends nothing for half a
 * second is not waited for; here it is. */
static bool
is_loaded_with_reports(void)
{
    fabric->db->n_barrier_quiet = 0;
    return commit_is_quiescent(commit);
}

/* What hosts report at a start belongs to what is compiled first, and is no
 * revision. */
static void
first_reports_are_loaded(void **state OVS_UNUSED)
{
    uint64_t before;

    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    add_vif(1, "tap2", "p2", 7);
    UNTIL(bound("p1", "hv1", NULL) && bound("p2", "hv2", NULL));
    restart_vmnd();
    before = model_durable_revision(toy.model);
    assert_false(commit_is_quiescent(commit));
    fabric->db->barrier_until_ms = INT64_MAX;
    UNTIL(is_loaded_with_reports());
    assert_true(reported("hv1") && reported("hv2"));
    assert_int_equal(get_vif("hv1/p1")->ofport, 5);
    assert_int_equal(get_vif("hv2/p2")->ofport, 7);
    host_db_settle();
    assert_int_equal(model_durable_revision(toy.model), before);

    /* A host that is away is not waited for.  What another has lost or got
     * since then is seen. */
    ovs_sandbox_stop_server(&sandboxes[1]);
    VSCTL(0, "set Interface tap1 ofport=6");
    restart_vmnd();
    UNTIL(commit_is_quiescent(commit));
    UNTIL(reported("hv1"));
    assert_false(reported("hv2"));
    assert_int_equal(get_vif("hv1/p1")->ofport, 6);
    assert_int_equal(model_durable_revision(toy.model), before + 2);
    VSCTL(0, "del-port tap1");
    UNTIL(bound("p1", NULL, NULL) && !get_vif("hv1/p1"));
    ovs_sandbox_start_server(&sandboxes[1]);
    UNTIL(reported("hv2") && get_vif("hv2/p2"));
}

/* A report that a test makes up.  The host's database is not there. */
struct made_up {
    size_t n;
    struct vif_report *reports;
};

static void
made_up_init(struct made_up *m, size_t n)
{
    m->n = n;
    m->reports = xcalloc(n, sizeof *m->reports);
    for (size_t i = 0; i < n; i++) {
        m->reports[i] = (struct vif_report) {
            .iface_id = xasprintf("i%"PRIuSIZE, i), .iface = "tap",
            .ofport = 1 + i, .link_up = true,
        };
    }
}

static void
made_up_uninit(struct made_up *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(CONST_CAST(char *, m->reports[i].iface_id));
    }
    free(m->reports);
}

/* One comes, one goes, one has another number. */
static void
made_up_change(struct made_up *m, int i)
{
    struct vif_report *other = &m->reports[m->n / 2 + 7 * i];

    free(CONST_CAST(char *, m->reports[i].iface_id));
    m->reports[i].iface_id = xasprintf("new%d", i);
    other->ofport = 30000 + i;
}

static void
assert_loaded(const struct made_up *m)
{
    assert_int_equal(model_names(toy.model, VMN_TABLE_VIF).n, m->n);
    for (size_t i = 0; i < m->n; i++) {
        char *name = xasprintf("hv1/%s", m->reports[i].iface_id);
        const struct vmn_vif *vif = get_vif(name);

        assert_non_null(vif);
        assert_int_equal(vif->ofport, m->reports[i].ofport);
        free(name);
    }
}

/* Loading many interfaces takes several turns, in which hosts may report. */
static void
report_in_the_middle_of_loading_counts(void **state OVS_UNUSED)
{
    struct observed_host *observed;
    struct made_up m;
    int n = 0;

    ovs_sandbox_stop_server(&sandboxes[0]);
    put_host(0, "br-int", false);
    restart_vmnd();
    observed = observed_find_host(fabric->db->observed, "hv1");
    assert_true(observed->state->in_barrier);
    made_up_init(&m, 20000);
    observed_host_report(observed, m.reports, m.n);
    fabric->db->barrier_until_ms = 0;
    event_active(fabric->db->barrier, EV_TIMEOUT, 1);
    UNTIL(observed->loaded);
    for (; observed->state->in_barrier; n++) {
        /* The slower the machine, the more turns. */
        if (n < 100) {
            made_up_change(&m, n);
            observed_host_report(observed, m.reports, m.n);
        }
        loop_turn(loop, 0);
    }
    assert_true(n > 1);
    UNTIL(commit_is_quiescent(commit)
          && ovs_list_is_empty(&observed->state->submitted)
          && !observed->request.n_ops);
    assert_loaded(&m);
    made_up_uninit(&m);
}

static void
deleted_host_takes_its_bindings_along(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    add_vif(0, "tap2", "p2", 6);
    UNTIL(bound("p1", "hv1", NULL) && bound("p2", "hv1", NULL));
    add_vif(1, "tap1", "p1", 9);
    UNTIL(bound("p1", "hv1", "hv2"));
    change(VMN_TABLE_HOST, "hv1", NULL);
    UNTIL(bound("p1", "hv2", NULL) && bound("p2", NULL, NULL));
    assert_null(get_vif("hv1/p1"));
    /* It comes back as any host. */
    put_host(0, "br-int", false);
    UNTIL(bound("p1", "hv2", "hv1") && bound("p2", "hv1", NULL));
}

/* Numbers.  -------------------------------------------------------------- */

static void
number_that_vanishes_for_a_moment_is_kept(void **state OVS_UNUSED)
{
    uint64_t vif, binding;

    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    vif = revision_of(VMN_TABLE_VIF, "hv1/p1");
    binding = revision_of(VMN_TABLE_BINDING, "p1");
    fabric->retained_ms = INT_MAX;  /* However slow the machine is. */
    VSCTL(0, "clear Interface tap1 ofport");
    host_db_settle();
    VSCTL(0, "clear Interface tap1 link_state");
    host_db_settle();
    VSCTL(0, "set Interface tap1 ofport=-1");
    host_db_settle();
    VSCTL(0, "set Interface tap1 ofport=5 link_state=up");
    host_db_settle();
    assert_int_equal(revision_of(VMN_TABLE_VIF, "hv1/p1"), vif);
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), binding);

    /* Another one is taken over at once. */
    VSCTL(0, "set Interface tap1 ofport=6");
    UNTIL(get_vif("hv1/p1")->ofport == 6);
    assert_int_equal(revision_of(VMN_TABLE_BINDING, "p1"), binding);

    /* A device that stays away is gone in the end. */
    fabric->retained_ms = 500;
    VSCTL(0, "set Interface tap1 ofport=-1");
    UNTIL(bound("p1", NULL, NULL) && !get_vif("hv1/p1"));
    VSCTL(0, "set Interface tap1 ofport=6");
    UNTIL(bound("p1", "hv1", NULL));
}

static void
number_that_another_interface_has_is_given_up(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    VSCTL(0, "set Interface tap1 ofport=-1 -- add-port br-int tap2 -- "
          "set Interface tap2 ofport=5 external_ids:iface-id=p2");
    UNTIL(bound("p2", "hv1", NULL));
    assert_null(get_vif("hv1/p1"));
    assert_true(bound("p1", NULL, NULL));
}

static void
of_equal_iface_ids_the_one_that_has_it_counts(void **state OVS_UNUSED)
{
    start_hosts();
    add_vif(0, "tap3", "p1", 3);
    UNTIL(get_vif("hv1/p1"));
    add_vif(0, "tap2", "p1", 2);
    add_vif(0, "tap4", "p1", 4);
    host_db_settle();
    assert_string_equal(get_vif("hv1/p1")->iface, "tap3");
    /* One without a number does not stand in the way. */
    VSCTL(0, "add-port br-int tap1 -- set Interface tap1 "
          "external_ids:iface-id=p1");
    host_db_settle();
    assert_string_equal(get_vif("hv1/p1")->iface, "tap3");
    VSCTL(0, "del-port tap3");
    UNTIL(!strcmp(get_vif("hv1/p1")->iface, "tap2"));
    /* What is left behind by a VM that is gone gives way. */
    VSCTL(0, "set Interface tap2 link_state=down");
    UNTIL(!strcmp(get_vif("hv1/p1")->iface, "tap4"));
}

static void
what_is_not_a_vif_is_ignored(void **state OVS_UNUSED)
{
    start_hosts();
    VSCTL(0, "add-br br-ex -- add-port br-ex tap1 -- set Interface tap1 "
          "ofport=1 external_ids:iface-id=p1");
    add_vif(0, "tap2", "\"a/b\"", 2);
    add_vif(0, "tap3", "\"x,y\"", 3);
    add_vif(0, "tap4", "0123456789012345678901234567890123456789"
            "012345678901234567890123456789", 4);
    add_vif(0, "tap5", "good", 5);
    UNTIL(get_vif("hv1/good"));
    assert_int_equal(model_names(toy.model, VMN_TABLE_VIF).n, 1);
    assert_true(bound("p1", NULL, NULL));
}

static void
many_interfaces_are_one_transaction(void **state OVS_UNUSED)
{
    struct ds script = DS_EMPTY_INITIALIZER;
    uint64_t before;

    start_hosts();
    for (int i = 0; i < 6; i++) {
        char *name = xasprintf("many-%d", i);

        put_port(name, NULL, NULL);
        free(name);
    }
    for (int i = 0; i < 6; i++) {
        ds_put_format(&script, "%sadd-port br-int tap%d -- set Interface "
                      "tap%d external_ids:iface-id=many-%d ofport=%d",
                      i ? " -- " : "", i, i, i, i + 1);
    }
    before = model_durable_revision(toy.model);
    VSCTL(0, "%s", ds_cstr(&script));
    ds_destroy(&script);
    UNTIL(bound("many-5", "hv1", NULL));
    host_db_settle();
    assert_int_equal(model_durable_revision(toy.model), before + 1);
    for (int i = 0; i < 6; i++) {
        char *name = xasprintf("many-%d", i);

        assert_true(bound(name, "hv1", NULL));
        free(name);
    }
}

static void
refused_report_is_sent_again(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p2", NULL, NULL);
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    fixture_store_errors = 2;
    VSCTL(0, "del-port tap1");
    add_vif(0, "tap2", "p2", 6);
    add_vif(1, "tap2", "p2", 6);
    UNTIL(!fixture_store_errors && bound("p1", NULL, NULL)
          && get_vif("hv1/p2") && get_vif("hv2/p2")
          && !bound("p2", NULL, NULL));
    assert_null(get_vif("hv1/p1"));
    host_db_settle();

    const struct observed_port *port
        = observed_find_port(fabric->db->observed, "p2");
    assert_true(bound("p2", port->active, port->candidate));
    assert_non_null(port->candidate);
}

static void
port_made_anew_in_one_group_is_bound_again(void **state OVS_UNUSED)
{
    struct model_request gone, anew;
    uint64_t before;

    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    before = revision_of(VMN_TABLE_BINDING, "p1");
    model_request_init(&gone, "test");
    model_request_add(&gone, MODEL_DELETE, VMN_TABLE_PORT, "p1", NULL);
    model_request_init(&anew, "test");
    model_request_add(&anew, MODEL_PUT, VMN_TABLE_PORT, "p1",
                      json_pack("{s:s}", "network", "net"));
    commit_submit(commit, &gone, NULL, NULL);
    fixture_submit(&anew, fixture_turn);
    UNTIL(bound("p1", "hv1", NULL));
    assert_true(revision_of(VMN_TABLE_BINDING, "p1") > before);
}

/* More than the log names. */
static void
ports_of_a_large_request_are_followed(void **state OVS_UNUSED)
{
    struct model_request request;

    start_hosts();
    add_vif(0, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", NULL));
    add_vif(0, "tap2", "p2", 6);
    model_request_init(&request, "test");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_PORT, "p1", NULL);
    for (int i = 0; i < 1100; i++) {
        char *name = xasprintf("n%d", i);

        model_request_add(&request, MODEL_PUT, VMN_TABLE_NETWORK, name,
                          json_object());
        free(name);
    }
    model_request_add(&request, MODEL_PUT, VMN_TABLE_PORT, "p2",
                      json_pack("{s:s}", "network", "net"));
    fixture_submit(&request, fixture_turn);
    assert_null(observed_find_port(fabric->db->observed, "p1"));
    assert_false(fabric->db->observed->resyncing);
    UNTIL(bound("p2", "hv1", NULL));
}

/* Real switches.  -------------------------------------------------------- */

static void
switch_that_restarts_changes_nothing(void **state OVS_UNUSED)
{
    uint64_t bindings[3], vifs[3];
    char name[24];

    fabric->retained_ms = INT_MAX;  /* However slowly it starts. */
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "synced"));
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "vm%d", i);
        put_port(name, NULL, NULL);
        VSCTL(0, "add-port br-int %s -- set Interface %s type=dummy "
              "external_ids:iface-id=%s", name, name, name);
        UNTIL(bound(name, "hv1", NULL));
    }
    /* So that numbers given anew would be others. */
    VSCTL(0, "del-port vm0");
    UNTIL(bound("vm0", NULL, NULL));
    host_db_settle();
    for (int i = 1; i < 3; i++) {
        snprintf(name, sizeof name, "vm%d", i);
        bindings[i] = revision_of(VMN_TABLE_BINDING, name);
        snprintf(name, sizeof name, "hv1/vm%d", i);
        vifs[i] = revision_of(VMN_TABLE_VIF, name);
    }
    for (int round = 0; round < 2; round++) {
        ovs_sandbox_stop_vswitchd(&sandboxes[0]);
        UNTIL(!status_is("hv1", "state", "synced"));
        host_db_settle();
        ovs_sandbox_start_vswitchd(&sandboxes[0]);
        UNTIL(status_is("hv1", "state", "synced"));
        host_db_settle();
    }
    for (int i = 1; i < 3; i++) {
        snprintf(name, sizeof name, "vm%d", i);
        assert_int_equal(revision_of(VMN_TABLE_BINDING, name), bindings[i]);
        snprintf(name, sizeof name, "hv1/vm%d", i);
        assert_int_equal(revision_of(VMN_TABLE_VIF, name), vifs[i]);
    }
}

static void
migration_moves_once_the_target_is_ready(void **state OVS_UNUSED)
{
    start_hosts();
    add_vif(1, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv2", NULL));

    /* The target has the interface, but its switch does not answer yet. */
    put_port_on_both("p1", "hv1");
    VSCTL(0, "add-port br-int tap1 -- set Interface tap1 type=dummy "
          "external_ids:iface-id=p1 ofport_request=7 ofport=7 "
          "link_state=up");
    UNTIL(bound("p1", "hv2", "hv1"));
    host_db_settle();
    assert_true(bound("p1", "hv2", "hv1"));
    assert_int_equal(get_vif("hv1/p1")->ofport, 7);

    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(bound("p1", "hv1", "hv2"));
    assert_true(status_is("hv1", "state", "synced"));
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, host_db_setup, host_db_teardown)
        T(port_is_bound_whichever_comes_first),
        T(row_unbinds_in_its_own_revision),
        T(report_that_crosses_a_row_does_not_win),
        T(migration_moves_when_the_source_lets_go),
        T(former_host_is_named_for_a_while),
        T(former_hosts_time_is_over),
        T(silent_host_keeps_its_bindings),
        T(bindings_survive_a_restart_of_vmnd),
        T(first_reports_are_loaded),
        T(report_in_the_middle_of_loading_counts),
        T(deleted_host_takes_its_bindings_along),
        T(number_that_vanishes_for_a_moment_is_kept),
        T(number_that_another_interface_has_is_given_up),
        T(of_equal_iface_ids_the_one_that_has_it_counts),
        T(what_is_not_a_vif_is_ignored),
        T(many_interfaces_are_one_transaction),
        T(refused_report_is_sent_again),
        T(port_made_anew_in_one_group_is_bound_again),
        T(ports_of_a_large_request_are_followed),
        T(switch_that_restarts_changes_nothing),
        T(migration_moves_once_the_target_is_ready),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
