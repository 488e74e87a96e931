/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of who may begin a live trace.  Replies are noted here, in the place
 * of proto/http. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "controller/flow/trace-copy.h"
#include "controller/northbound/live-trace-limits.h"
#include "proto/http/http.h"
#include "util.h"

/* So many calls take less time than rates allow them in. */
#define MANY 2000

static int status;              /* Of the last reply. */
static bool retry_after;        /* It says when to ask again. */

void
http_reply_header(struct http_request *req OVS_UNUSED, const char *name,
                  const char *value OVS_UNUSED)
{
    retry_after = !strcmp(name, "Retry-After");
}

void
http_reply_problem(struct http_request *req OVS_UNUSED, int status_,
                   const char *kind OVS_UNUSED, json_t *errors OVS_UNUSED,
                   const char *format OVS_UNUSED, ...)
{
    status = status_;
}

/* Returns 0 if the account may begin one, or the status of the reply. */
static int
take(struct live_limits *limits, const char *who, bool scoped)
{
    retry_after = false;
    if (live_limits_take(limits, NULL, who, scoped)) {
        return 0;
    }
    assert_true(retry_after);
    return status;
}

static void
one_account_does_not_take_all(void **state)
{
    struct live_limits *limits = live_limits_create();

    (void) state;
    assert_int_equal(take(limits, "a", true), 0);
    assert_int_equal(take(limits, "a", true), 429);
    assert_int_equal(take(limits, "b", true), 0);
    assert_int_equal(take(limits, "c", true), 0);
    /* The last one is left to those without a scope. */
    assert_int_equal(take(limits, "d", true), 503);
    assert_int_equal(take(limits, "root", false), 0);
    assert_int_equal(take(limits, "root", false), 503);
    live_limits_release(limits, "b", true);
    assert_int_equal(take(limits, "d", true), 503);
    assert_int_equal(take(limits, "root", false), 0);
    live_limits_destroy(limits);
}

/* Returns how many of MANY traces, one after the other, may begin. */
static int
count(const char *who, bool scoped)
{
    struct live_limits *limits = live_limits_create();
    int n = 0;

    for (int i = 0; i < MANY; i++) {
        char *name = xasprintf("%s%d", who, i);
        int reply = take(limits, scoped ? who : name, scoped);

        assert_true(!reply || reply == 429);
        if (!reply) {
            live_limits_release(limits, scoped ? who : name, scoped);
            n++;
        }
        free(name);
    }
    live_limits_destroy(limits);
    return n;
}

static void
few_begin_in_a_second(void **state)
{
    int of_account = count("a", true), of_all = count("a", false);

    (void) state;
    assert_in_range(of_account, 1, MANY / 4);
    assert_in_range(of_all, 20, MANY / 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_account_does_not_take_all),
        cmocka_unit_test(few_begin_in_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
