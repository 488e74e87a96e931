/* SPDX-License-Identifier: Apache-2.0
 *
 * What has ovs-monitor-ipsec encrypt, as a session writes it into the database
 * of a real ovsdb-server: in slices, and nothing of others is touched. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/ovsdb/ovsdb.h"
#include "tests/unit/ovs-sandbox.h"
#include "tests/unit/turn-until.h"
#include "timeval.h"
#include "util.h"

/* More than the writes that a session makes in a row without IPsec. */
#define N_PEERS (12 * OVSDB_PEERS_SLICE + 7)

static struct loop *loop;
static struct ovsdb_schemas *schemas; /* Of all cases. */

struct fixture {
    struct ovs_sandbox sb;
    struct ovsdb_session *session;
    struct ovsdb_desired desired;
    struct ovsdb_peers peers;
    size_t n_interfaces;        /* As last seen, */
    size_t largest_step;        /* and by how much that changed at most. */
};

static struct ovsdb_status
status_of(const struct fixture *f)
{
    struct ovsdb_status status;

    ovsdb_session_get_status(f->session, &status);
    return status;
}

static void
changed(void *fixture_)
{
    struct fixture *f = fixture_;
    const struct ovsdb_snapshot *s = ovsdb_session_snapshot(f->session);
    size_t n = s ? s->n_interfaces : 0;

    if (f->n_interfaces) {
        f->largest_step = MAX(f->largest_step, (n > f->n_interfaces
                                                ? n - f->n_interfaces
                                                : f->n_interfaces - n));
    }
    f->n_interfaces = n;
}

#define WAIT_FOR(EXPRESSION) TURN_LOOP_UNTIL(loop, EXPRESSION)

/* Asserts what ovs-vsctl prints for a command. */
#define ASSERT_VSCTL(F, EXPECTED, ...)                                  \
    do {                                                                \
        char *output = ovs_sandbox_vsctl(&(F)->sb, __VA_ARGS__);        \
                                                                        \
        assert_string_equal(output, EXPECTED);                          \
        free(output);                                                   \
    } while (0)

/* Runs the loop until ovs-vsctl prints EXPECTED: the session learns of what
 * others wrote some turns later, and shows no state of its own until then. */
#define WAIT_FOR_VSCTL(F, EXPECTED, COMMAND) \
    WAIT_FOR(prints(F, EXPECTED, COMMAND))

static bool
prints(const struct fixture *f, const char *expected, const char *command)
{
    char *output = ovs_sandbox_vsctl(&f->sb, "%s", command);
    bool as_expected = !strcmp(output, expected);

    free(output);
    return as_expected;
}

static const struct ovsdb_peers *
get_peers(void *fixture_)
{
    struct fixture *f = fixture_;

    return &f->peers;
}

static void
add_peers(struct fixture *f, size_t n, const char *psk)
{
    for (size_t i = 0; i < n; i++) {
        char *name = xasprintf("vmnv%"PRIuSIZE, i);
        struct ovsdb_peer peer = {
            .type = "vxlan",
            .remote_ip = xasprintf("192.0.%"PRIuSIZE".%"PRIuSIZE, i / 256,
                                   i % 256),
            .local_ip = "192.0.2.1",
            .remote_name = "hv2",
            .psk = psk,
        };

        shash_add_nocopy(&f->peers.peers, name, xmemdup(&peer, sizeof peer));
    }
}

static void
remove_peers(struct fixture *f)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &f->peers.peers) {
        struct ovsdb_peer *peer = node->data;

        free(CONST_CAST(char *, peer->remote_ip));
    }
    shash_clear_free_data(&f->peers.peers);
}

static void
configure_and_wait(struct fixture *f)
{
    ovsdb_session_set_desired(f->session, &f->desired);
    WAIT_FOR(status_of(f).config == OVSDB_CONFIG_DONE);
}

static struct fixture *
fixture_open(void)
{
    struct fixture *f = xzalloc(sizeof *f);

    shash_init(&f->peers.peers);
    f->desired = (struct ovsdb_desired) {
        .owner = "vmnd",
        .bridge = "br-int",
        .datapath_type = "netdev",
        .protocol = "OpenFlow15",
        .peers = get_peers,
        .peers_aux = f,
    };
    ovs_sandbox_create(&f->sb, "hv1");
    f->session = ovsdb_session_create(loop, schemas, "hv1", f->sb.remote,
                                      changed, f);
    WAIT_FOR(status_of(f).state == OVSDB_CONNECTED);
    configure_and_wait(f);
    return f;
}

static void
fixture_close(struct fixture *f)
{
    ovsdb_session_destroy(f->session);
    ovs_sandbox_destroy(&f->sb);
    remove_peers(f);
    shash_destroy(&f->peers.peers);
    free(f);
}

/* Cases.  ---------------------------------------------------------------- */

/* Without the allowance for slices this takes seconds more, since a session
 * that writes again and again is slowed down; nothing here measures that. */
static void
many_peers_come_and_go_in_slices(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
    size_t n = f->n_interfaces;

    add_peers(f, N_PEERS, "a-key-of-two");
    configure_and_wait(f);
    assert_int_equal(f->n_interfaces, n + N_PEERS);
    assert_int_equal(f->largest_step, OVSDB_PEERS_SLICE);

    remove_peers(f);
    configure_and_wait(f);
    assert_int_equal(f->n_interfaces, n);
    assert_int_equal(f->largest_step, OVSDB_PEERS_SLICE);
    fixture_close(f);
}

static void
peer_has_a_key_or_a_name(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();

    add_peers(f, 1, "a-key-of-two");
    configure_and_wait(f);
    ASSERT_VSCTL(f, "{key=\"0\", local_ip=\"192.0.2.1\", psk=a-key-of-two, "
                 "remote_ip=\"192.0.0.0\"}", "get interface vmnv0 options");
    remove_peers(f);
    add_peers(f, 1, NULL);
    configure_and_wait(f);
    ASSERT_VSCTL(f, "{key=\"0\", local_ip=\"192.0.2.1\", "
                 "remote_ip=\"192.0.0.0\", remote_name=hv2}",
                 "get interface vmnv0 options");
    fixture_close(f);
}

/* By the port that IPsec has, or by one of its own. */
static void
peer_is_watched(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();

    for (int encrypted = 0; encrypted < 2; encrypted++) {
        struct ovsdb_peer *peer;

        add_peers(f, 1, encrypted ? "a-key-of-two" : NULL);
        peer = shash_find_data(&f->peers.peers, "vmnv0");
        peer->remote_name = encrypted ? "hv2" : NULL;
        peer->bfd = true;
        peer->ofport = 41007;
        configure_and_wait(f);
        ASSERT_VSCTL(f, "{enable=\"true\", min_rx=\"200\", "
                     "min_tx=\"200\"}\n41007",
                     "get interface vmnv0 bfd ofport_request");
        ASSERT_VSCTL(f, encrypted
                     ? "{key=\"0\", local_ip=\"192.0.2.1\", "
                       "psk=a-key-of-two, remote_ip=\"192.0.0.0\"}"
                     : "{key=\"0\", local_ip=\"192.0.2.1\", "
                       "remote_ip=\"192.0.0.0\"}",
                     "get interface vmnv0 options");

        ASSERT_VSCTL(f, encrypted ? "{}" : "{transient=\"true\"}",
                     "get port vmnv0 other_config");

        /* Somebody turns it off; an earlier version has left it at boot. */
        free(ovs_sandbox_vsctl(&f->sb, "clear interface vmnv0 bfd "
                               "-- clear port vmnv0 other_config"));
        WAIT_FOR_VSCTL(f, encrypted ? "{enable=\"true\", min_rx=\"200\", "
                       "min_tx=\"200\"}\n{}"
                       : "{enable=\"true\", min_rx=\"200\", "
                       "min_tx=\"200\"}\n{transient=\"true\"}",
                       "get interface vmnv0 bfd "
                       "-- get port vmnv0 other_config");
        peer->bfd = false;
        configure_and_wait(f);
        ASSERT_VSCTL(f, "{}\n{}", "get interface vmnv0 bfd "
                     "-- get port vmnv0 other_config");
        remove_peers(f);
        configure_and_wait(f);
    }
    fixture_close(f);
}

/* A port of others is in the way of what is encrypted, and of nothing else. */
static void
port_of_others_stays(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();
    struct ovsdb_peer *peer;

    free(ovs_sandbox_vsctl(&f->sb, "add-port br-int vmnv0"));
    add_peers(f, 2, NULL);
    for (int i = 0; i < 2; i++) {
        peer = shash_find_data(&f->peers.peers, i ? "vmnv1" : "vmnv0");
        peer->remote_name = NULL;
        peer->bfd = true;
        peer->ofport = 41007 + i;
    }
    configure_and_wait(f);
    ASSERT_VSCTL(f, "{}", "get interface vmnv0 bfd");
    ASSERT_VSCTL(f, "41008", "get interface vmnv1 ofport_request");
    peer = shash_find_data(&f->peers.peers, "vmnv0");
    peer->psk = "a-key-of-two";
    ovsdb_session_set_desired(f->session, &f->desired);
    WAIT_FOR(status_of(f).config == OVSDB_CONFIG_REFUSED);
    fixture_close(f);
}

static void
certificate_is_set_and_taken_back(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();

    free(ovs_sandbox_vsctl(&f->sb, "set open_vswitch . other_config:x=y "
                           "external_ids:vmn-ipsec-certificate=/c "
                           "external_ids:vmn-ipsec-private-key=/k"));
    f->peers.certificates = true;
    configure_and_wait(f);           /* One of three is missing. */
    ASSERT_VSCTL(f, "{x=y}", "get open_vswitch . other_config");
    assert_int_equal(ovsdb_session_snapshot(f->session)->n_ipsec_files, 0);

    free(ovs_sandbox_vsctl(&f->sb, "set open_vswitch . "
                           "external_ids:vmn-ipsec-ca-cert=/a"));
    WAIT_FOR_VSCTL(f, "{ca_cert=\"/a\", certificate=\"/c\", "
                   "private_key=\"/k\", x=y}",
                   "get open_vswitch . other_config");

    /* A new certificate, and somebody who takes it away. */
    free(ovs_sandbox_vsctl(&f->sb, "set open_vswitch . "
                           "external_ids:vmn-ipsec-certificate=/d -- "
                           "remove open_vswitch . other_config ca_cert"));
    WAIT_FOR_VSCTL(f, "{ca_cert=\"/a\", certificate=\"/d\", "
                   "private_key=\"/k\", x=y}",
                   "get open_vswitch . other_config");
    WAIT_FOR(ovsdb_session_snapshot(f->session)->n_ipsec_files == 3
             && status_of(f).config == OVSDB_CONFIG_DONE);

    f->peers.certificates = false;
    configure_and_wait(f);
    ASSERT_VSCTL(f, "{x=y}", "get open_vswitch . other_config");
    fixture_close(f);
}

static void
certificate_of_others_stays(void **state OVS_UNUSED)
{
    struct fixture *f = fixture_open();

    free(ovs_sandbox_vsctl(&f->sb, "set open_vswitch . "
                           "other_config:certificate=/own "
                           "other_config:private_key=/own "
                           "external_ids:vmn-ipsec-private-key=/k"));
    for (int i = 0; i < 2; i++) {
        f->peers.certificates = !i;
        configure_and_wait(f);
        ASSERT_VSCTL(f, "{certificate=\"/own\", private_key=\"/own\"}",
                     "get open_vswitch . other_config");
    }
    f->desired.peers = NULL;
    configure_and_wait(f);
    ASSERT_VSCTL(f, "{certificate=\"/own\", private_key=\"/own\"}",
                 "get open_vswitch . other_config");
    assert_int_equal(ovsdb_session_snapshot(f->session)->n_ipsec_files, 2);
    fixture_close(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_peers_come_and_go_in_slices),
        cmocka_unit_test(peer_has_a_key_or_a_name),
        cmocka_unit_test(peer_is_watched),
        cmocka_unit_test(port_of_others_stays),
        cmocka_unit_test(certificate_is_set_and_taken_back),
        cmocka_unit_test(certificate_of_others_stays),
    };
    int n_failed;

    set_program_name("test-ovsdb-peers");
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
