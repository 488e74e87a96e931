/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions with a real ovsdb-server; see ovsdb-fixture.h. */

#include <config.h>

#include "tests/unit/ovsdb-fixture.h"

#include "openvswitch/vlog.h"
#include "util.h"

struct loop *session_loop;
static struct ovsdb_schemas *schemas; /* Of all cases. */

static void
changed(void *fixture_)
{
    struct ovsdb_fixture *f = fixture_;

    f->n_changes++;
}

struct ovsdb_session *
open_session(struct ovsdb_fixture *f, const char *name, const char *remote)
{
    return ovsdb_session_create(session_loop, schemas, name, remote, changed,
                                f);
}

struct ovsdb_status
status_of(const struct ovsdb_session *session)
{
    struct ovsdb_status status;

    ovsdb_session_get_status(session, &status);
    return status;
}

struct ovsdb_desired
set_desired(const char *bridge)
{
    static const char *const controllers[] = { "tcp:192.0.2.9:6653" };

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
        .n_controllers = 1,
        .controllers = controllers,
        .controller_max_backoff_ms = 1000,
        .controller_probe_ms = 30000,
    };
}

void
configure_and_wait(struct ovsdb_fixture *f,
                   const struct ovsdb_desired *desired,
                   enum ovsdb_config_state state)
{
    ovsdb_session_set_desired(f->session, desired);
    assert_int_equal(status_of(f->session).config, OVSDB_CONFIG_WORKING);
    WAIT_FOR(status_of(f->session).config == state);
}

struct ovsdb_fixture *
ovsdb_fixture_open(void)
{
    struct ovsdb_fixture *f = xzalloc(sizeof *f);

    ovs_sandbox_create(&f->sb, "hv1");
    f->session = open_session(f, "hv1", f->sb.remote);
    WAIT_FOR(IS_UP(f));
    return f;
}

void
ovsdb_fixture_close(struct ovsdb_fixture *f)
{
    ovsdb_session_destroy(f->session);
    ovs_sandbox_destroy(&f->sb);
    free(f);
}

int
session_run_all(char *argv[], const struct CMUnitTest *tests, size_t n)
{
    int n_failed;

    set_program_name(argv[0]);
    if (!getenv("TEST_VERBOSE")) {
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    }
    if (argv[1]) {
        cmocka_set_test_filter(argv[1]);
    }
    session_loop = loop_create();
    schemas = ovsdb_schemas_create();
    n_failed = _cmocka_run_group_tests("ovsdb", tests, n, NULL, NULL);
    ovsdb_schemas_destroy(schemas);
    loop_destroy(session_loop);
    return n_failed;
}
