/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/usage and what the status says of quotas: how much of each limit is
 * used.  That limits hold is test-usage.c's. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* Expects a limit of the first quota: 'used' of 'limit'. */
static void
assert_limit(struct fixture *f, const char *name, int used, int limit,
             bool exceeded)
{
    const json_t *one;
    size_t i;

    json_array_foreach (at(f, "items.0.limits"), i, one) {
        if (!strcmp(json_string_value(json_object_get(one, "name")), name)) {
            assert_int_equal(json_integer_value(json_object_get(one, "used")),
                             used);
            assert_int_equal(json_integer_value(json_object_get(one,
                                                                "limit")),
                             limit);
            assert_int_equal(json_is_true(json_object_get(one, "exceeded")),
                             exceeded);
            return;
        }
    }
    fail_msg("no limit of %s", name);
}

static void
all_limits_of_a_quota_are_told(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/ports/mine",
                PORT("\"project\": \"x\""));
    assert_call(f, 200, "GET", "/v1/usage", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);

    assert_call(f, 201, "PUT", "/v1/quotas/q", "{\"spec\": {\"scope\":"
                " \"project=x\", \"ports\": 2, \"policies\": 0,"
                " \"requests\": 50}}");
    assert_call(f, 200, "GET", "/v1/usage", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_text(f, "items.0.quota", "q");
    assert_limit(f, "ports", 1, 2, false);
    assert_limit(f, "policies", 0, 0, false);
    assert_int_equal(json_integer_value(at(f, "items.0.requests")), 50);

    /* What there is already may be more than a quota that comes later. */
    assert_call(f, 200, "PUT", "/v1/quotas/q", "{\"spec\": {\"scope\":"
                " \"project=x\", \"ports\": 0}}");
    assert_call(f, 200, "GET", "/v1/usage", NULL);
    assert_limit(f, "ports", 1, 0, true);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_text(f, "problems.0.kind", "quota");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_limits_of_a_quota_are_told, setup,
                                        teardown),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
