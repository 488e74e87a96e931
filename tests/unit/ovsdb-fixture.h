/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions with a real ovsdb-server, for the tests of proto/ovsdb: one loop
 * and the schemas for all cases of a program, and a database and a session for
 * each. */

#ifndef TESTS_UNIT_OVSDB_FIXTURE_H
#define TESTS_UNIT_OVSDB_FIXTURE_H 1

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proto/loop/loop.h"
#include "proto/ovsdb/ovsdb-private.h"
#include "tests/unit/ovs-sandbox.h"
#include "tests/unit/turn-until.h"

extern struct loop *session_loop; /* Of all cases. */

struct ovsdb_fixture {
    struct ovs_sandbox sb;
    struct ovsdb_session *session;
    int n_changes;
    size_t budget;              /* For a test's ovsdb_session_set_budget(). */
};

/* A database, "hv1", and a session with it that is up. */
struct ovsdb_fixture *ovsdb_fixture_open(void);
void ovsdb_fixture_close(struct ovsdb_fixture *);
/* Returns a new session of host 'name' that dials 'remote', or waits for the
 * host if that is NULL, and counts its changes in the fixture. */
struct ovsdb_session *open_session(struct ovsdb_fixture *, const char *name,
                                   const char *remote);

struct ovsdb_status status_of(const struct ovsdb_session *);
/* What is desired of a host: a bridge, two tunnels, a controller. */
struct ovsdb_desired set_desired(const char *bridge);
/* Sets it, and waits until that has come to 'state'. */
void configure_and_wait(struct ovsdb_fixture *, const struct ovsdb_desired *,
                        enum ovsdb_config_state);

/* Runs the loop until EXPRESSION holds. */
#define WAIT_FOR(EXPRESSION) TURN_LOOP_UNTIL(session_loop, EXPRESSION)

#define IS_UP(F) \
    (status_of((F)->session).state == OVSDB_CONNECTED)

/* Asserts what ovs-vsctl prints for a command. */
#define ASSERT_VSCTL(F, EXPECTED, ...)                                  \
    do {                                                                \
        char *output = ovs_sandbox_vsctl(&(F)->sb, __VA_ARGS__);        \
                                                                        \
        assert_string_equal(output, EXPECTED);                          \
        free(output);                                                   \
    } while (0)

/* For main(): the case argv[1], or all 'n' tests.  Returns how many failed. */
int session_run_all(char *argv[], const struct CMUnitTest *tests, size_t n);

#endif /* tests/unit/ovsdb-fixture.h */
