/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of where ports may be bound, and what is said of where they may
 * not.  That hosts which claim them are refused is tests/system's
 * (test_attacks_placement.py). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/ovsdb/placement.h"
#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "util.h"
#include "vmn/rows.h"

static const struct vmn_selector anybody;

/* Fails unless 'p' is refused on 'host' with 'text'; NULL: is not. */
static void
check(const struct placement *p, const char *host,
      const struct vmn_selector *accepts, const char *text)
{
    char *reason = placement_refuses(p, host, accepts);

    if (text) {
        assert_non_null(reason);
        assert_string_equal(reason, text);
    } else {
        assert_null(reason);
    }
    free(reason);
}

static void
a_port_without_hosts_may_be_anywhere(void **state OVS_UNUSED)
{
    const struct vmn_port row = { .row.name = "p" };
    struct placement p;

    placement_init(&p);
    placement_set(&p, &row, NULL);
    assert_false(placement_is_pinned(&p));
    check(&p, "h1", &anybody, NULL);
    placement_uninit(&p);
}

static void
a_port_of_one_host_is_refused_elsewhere(void **state OVS_UNUSED)
{
    const struct vmn_port row = { .row.name = "p", .host = "h1" };
    struct placement p;

    placement_init(&p);
    assert_true(placement_set(&p, &row, NULL));
    assert_true(placement_is_pinned(&p));
    check(&p, "h1", &anybody, NULL);
    check(&p, "h2", &anybody, "the port may be bound only on \"h1\"");
    placement_uninit(&p);
}

static void
a_port_of_some_hosts_is_refused_elsewhere(void **state OVS_UNUSED)
{
    const char *hosts[] = { "h1", "h3", "h5" };
    const struct vmn_port row = { .row.name = "p", .n_hosts = 3,
                                  .hosts = hosts };
    struct placement p;

    placement_init(&p);
    assert_true(placement_set(&p, &row, NULL));
    assert_false(placement_set(&p, &row, NULL));
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        check(&p, hosts[i], &anybody, NULL);
    }
    check(&p, "h2", &anybody,
          "the port may be bound only on \"h1\", \"h3\", \"h5\"");
    placement_uninit(&p);
}

/* Where the row has it, and where it has it migrate to: which of the two its
 * guest says, or the row. */
static void
a_port_that_migrates_may_be_on_both_hosts(void **state OVS_UNUSED)
{
    struct vmn_port row = { .row.name = "p", .host = "h1",
                            .migration.to = "h2" };
    struct placement p;

    placement_init(&p);
    assert_true(placement_set(&p, &row, NULL));
    check(&p, "h1", &anybody, NULL);
    check(&p, "h2", &anybody, NULL);
    check(&p, "h3", &anybody, "the port may be bound only on \"h1\"");
    assert_true(placement_is_pinned(&p));
    assert_true(placement_migrates_to(&p, "h2"));
    assert_false(placement_migrates_to(&p, "h1"));
    assert_null(placement_required(&p, "h1"));
    assert_string_equal(placement_required(&p, NULL), "h1");
    assert_string_equal(placement_expected(&p), "h1");
    assert_false(placement_decides(&p, "h1"));
    assert_false(placement_decides(&p, "h2"));

    row.migration.activated = true;
    assert_true(placement_set(&p, &row, NULL));
    assert_false(placement_set(&p, &row, NULL));
    assert_string_equal(placement_required(&p, "h1"), "h2");
    assert_string_equal(placement_required(&p, NULL), "h2");
    assert_string_equal(placement_expected(&p), "h2");
    assert_true(placement_decides(&p, "h2"));
    assert_false(placement_decides(&p, "h1"));

    row.migration.to = NULL;
    row.migration.activated = false;
    row.host = NULL;
    assert_true(placement_set(&p, &row, NULL));
    assert_false(placement_is_pinned(&p));
    assert_false(placement_decides(&p, "h1"));
    placement_uninit(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_without_hosts_may_be_anywhere),
        cmocka_unit_test(a_port_of_one_host_is_refused_elsewhere),
        cmocka_unit_test(a_port_of_some_hosts_is_refused_elsewhere),
        cmocka_unit_test(a_port_that_migrates_may_be_on_both_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
