/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers: ports that follow their
 * guests, which switches have seen, through migrations that are asked for,
 * cancelled and over.  Not for what switches see (test-packets.c).  hv1 may
 * have a switch; hv2 has none, and so is never ready. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <stdlib.h>

#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "openvswitch/vlog.h"
#include "tests/unit/host-db-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

/* What the OpenFlow side says of packets by 'host'. */
static void
guest_is_seen(const char *host, const char *iface_id)
{
    fabric->callbacks->guest_seen(fabric, host, iface_id);
}

static void
guest_that_is_seen_has_its_port_follow(void **state OVS_UNUSED)
{
    const struct vmn_binding *row;

    start_hosts();
    add_vif(1, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv2", NULL));
    /* Nobody else has the port: of no matter. */
    guest_is_seen("hv2", "p1");
    guest_is_seen("hv1", "p1");
    guest_is_seen("hv9", "p9");
    VSCTL(0, "add-port br-int tap1 -- set Interface tap1 type=dummy "
          "external_ids:iface-id=p1 ofport_request=6 ofport=6 "
          "link_state=up");
    UNTIL(bound("p1", "hv2", "hv1"));
    guest_is_seen("hv2", "p1");
    host_db_settle();
    assert_true(bound("p1", "hv2", "hv1"));

    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(status_is("hv1", "state", "synced") && bound("p1", "hv2", "hv1"));
    host_db_settle();
    guest_is_seen("hv1", "p1");
    UNTIL(bound("p1", "hv1", "hv2"));
    row = model_get_durable(toy.model, VMN_TABLE_BINDING, "p1", NULL);
    assert_true(row->activated);

    /* What was late there is no other guest. */
    guest_is_seen("hv2", "p1");
    host_db_settle();
    assert_true(bound("p1", "hv1", "hv2"));
    VSCTL(1, "del-port tap1");
    UNTIL(bound("p1", "hv1", NULL));
    row = model_get_durable(toy.model, VMN_TABLE_BINDING, "p1", NULL);
    assert_false(row->activated);
}

/* A port whose row has it on 'host', and migrate to 'to'. */
static void
put_port_to(const char *name, const char *host, const char *to, bool activated)
{
    change(VMN_TABLE_PORT, name,
           json_pack("{s:s, s:s, s:{s:s, s:b}}", "network", "net", "host",
                     host, "migration", "to", to, "activated", activated));
}

/* Adds the interface of p1 to hv1, whose switch gives it its number. */
static void
plug_target(void)
{
    VSCTL(0, "add-port br-int tap1 -- set Interface tap1 type=dummy "
          "external_ids:iface-id=p1 ofport_request=6 ofport=6 "
          "link_state=up");
}

/* Returns true if p1 is to go to its candidate, once that is ready: the switch
 * of hv2, which there is none of, is not. */
static bool
is_moving(void)
{
    return !ovs_list_is_empty(&fabric->db->observed->moving);
}

/* What was seen in a migration that was cancelled says nothing of the next
 * one, though the interface was there all the while. */
static void
guest_of_the_migration_before_is_forgotten(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p1", "hv2", NULL);
    add_vif(1, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv2", NULL));
    put_port_to("p1", "hv2", "hv1", false);
    plug_target();
    UNTIL(bound("p1", "hv2", "hv1"));
    guest_is_seen("hv1", "p1");
    UNTIL(is_moving());
    put_port("p1", "hv2", NULL);
    UNTIL(bound("p1", "hv2", NULL) && !is_moving());

    put_port_to("p1", "hv2", "hv1", false);
    UNTIL(bound("p1", "hv2", "hv1"));
    assert_false(is_moving());
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(status_is("hv1", "state", "synced"));
    host_db_settle();
    assert_true(bound("p1", "hv2", "hv1"));
    guest_is_seen("hv1", "p1");
    UNTIL(bound("p1", "hv1", "hv2"));
}

/* Nor does it that two guests were told apart in that one: it was asked for
 * again, and the claim of the host that it is to go to was rejected. */
static void
claim_of_the_migration_before_is_not_rejected(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p1", "hv2", NULL);
    add_vif(1, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv2", NULL));
    put_port_to("p1", "hv2", "hv1", false);
    plug_target();
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(status_is("hv1", "state", "synced") && bound("p1", "hv2", "hv1"));
    host_db_settle();
    guest_is_seen("hv1", "p1");
    UNTIL(bound("p1", "hv1", "hv2") && !is_moving());
    /* It goes on where it was, for more than three seconds. */
    UNTIL((guest_is_seen("hv2", "p1"), is_moving()));
    put_port("p1", "hv2", NULL);
    host_db_settle();
    assert_true(is_moving());

    put_port_to("p1", "hv2", "hv1", false);
    UNTIL(!is_moving());
    assert_true(bound("p1", "hv1", "hv2"));
}

/* A port is not thrown back by its row's end of a migration, as nobody was
 * seen where it is, and its guest was seen once where it was. */
static void
port_that_its_row_has_moved_stays(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p1", "hv1", NULL);
    plug_target();
    UNTIL(bound("p1", "hv1", NULL));
    put_port_to("p1", "hv1", "hv2", false);
    add_vif(1, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", "hv2"));
    guest_is_seen("hv2", "p1");
    UNTIL(is_moving());
    VSCTL(0, "del-port tap1");
    UNTIL(bound("p1", "hv2", NULL));
    put_port("p1", "hv2", NULL);

    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    plug_target();
    put_port_to("p1", "hv2", "hv1", true);
    UNTIL(bound("p1", "hv1", "hv2"));
    put_port("p1", NULL, NULL);
    host_db_settle();
    assert_true(bound("p1", "hv1", "hv2"));
    assert_false(is_moving());
}

/* A guest may go back before that is over for its row. */
static void
guest_that_goes_back_is_followed(void **state OVS_UNUSED)
{
    start_hosts();
    put_port("p1", "hv2", NULL);
    add_vif(1, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv2", NULL));
    put_port_to("p1", "hv2", "hv1", false);
    plug_target();
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(status_is("hv1", "state", "synced") && bound("p1", "hv2", "hv1"));
    guest_is_seen("hv1", "p1");
    UNTIL(bound("p1", "hv1", "hv2"));
    VSCTL(1, "del-port tap1");
    UNTIL(bound("p1", "hv1", NULL));
    add_vif(1, "tap1", "p1", 5);
    UNTIL(bound("p1", "hv1", "hv2"));
    assert_false(is_moving());
    guest_is_seen("hv2", "p1");
    UNTIL(is_moving());
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, host_db_setup, host_db_teardown)
        T(guest_that_is_seen_has_its_port_follow),
        T(guest_of_the_migration_before_is_forgotten),
        T(claim_of_the_migration_before_is_not_rejected),
        T(port_that_its_row_has_moved_stays),
        T(guest_that_goes_back_is_followed),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
