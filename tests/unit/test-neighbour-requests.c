/* SPDX-License-Identifier: Apache-2.0
 *
 * Which neighbours are said not to answer, of those that were asked for. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "controller/fabric/packets/neighbour-requests.h"

#define S 1000

static const struct vmn_ip somebody = { 4, { 192, 0, 2, 1 } };

/* Requests 'ip' of network 7 at each of 'n' times, in ms. */
static void
request(struct neighbour_requests **requests, const struct vmn_ip *ip,
        const int64_t *times, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        neighbour_requests_note(requests, 7, ip, times[i]);
    }
}

static void
one_that_is_requested_over_and_over_has_not_answered(void **state)
{
    static const int64_t times[] = { 5 * S, 6 * S, 8 * S };
    struct neighbour_requests *requests = NULL;
    const struct neighbour_request *found;

    (void) state;
    assert_null(neighbour_requests_in_vain(NULL, 7, &somebody, 0));
    request(&requests, &somebody, times, 2);
    assert_null(neighbour_requests_in_vain(requests, 7, &somebody, 6 * S));
    request(&requests, &somebody, times + 2, 1);
    found = neighbour_requests_in_vain(requests, 7, &somebody, 9 * S);
    assert_non_null(found);
    assert_int_equal(found->n, 3);
    assert_int_equal(found->first_ms, 5 * S);
    assert_int_equal(found->last_ms, 8 * S);
    assert_null(neighbour_requests_in_vain(requests, 8, &somebody, 9 * S));
    free(requests);
}

static void
it_is_told_for_a_while(void **state)
{
    static const int64_t times[] = { S, 2 * S, 3 * S };
    const int64_t end = 3 * S + NEIGHBOUR_REQUESTS_KEPT_MS;
    struct neighbour_requests *requests = NULL;

    (void) state;
    request(&requests, &somebody, times, 3);
    assert_non_null(neighbour_requests_in_vain(requests, 7, &somebody, end));
    assert_null(neighbour_requests_in_vain(requests, 7, &somebody, end + 1));
    free(requests);
}

/* In between, it may have been known. */
static void
a_later_request_begins_anew(void **state)
{
    static const int64_t times[] = {
        S, 2 * S, 2 * S + NEIGHBOUR_REQUESTS_SERIES_MS + 1,
    };
    struct neighbour_requests *requests = NULL;

    (void) state;
    request(&requests, &somebody, times, 3);
    assert_null(neighbour_requests_in_vain(requests, 7, &somebody, times[2]));
    request(&requests, &somebody, &times[2], 1);
    request(&requests, &somebody, &times[2], 1);
    assert_int_equal(neighbour_requests_in_vain(requests, 7, &somebody,
                                                times[2])->first_ms,
                     times[2]);
    free(requests);
}

/* A guest that scans a network makes the list no longer. */
static void
the_longest_silent_makes_place(void **state)
{
    static const int64_t times[] = { 10 * S, 11 * S, 12 * S };
    struct neighbour_requests *requests = NULL;
    struct vmn_ip other = { 4, { 198, 51, 100, 0 } };

    (void) state;
    for (int i = 0; i < NEIGHBOUR_REQUESTS_MAX - 1; i++) {
        other.addr[3] = i;
        neighbour_requests_note(&requests, 7, &other, S + i);
    }
    request(&requests, &somebody, times, 3);
    for (int i = 0; i < NEIGHBOUR_REQUESTS_MAX - 1; i++) {
        other.addr[2] = 101;
        other.addr[3] = i;
        request(&requests, &other, times, 3);
    }
    assert_non_null(neighbour_requests_in_vain(requests, 7, &somebody,
                                               13 * S));
    assert_non_null(neighbour_requests_in_vain(requests, 7, &other, 13 * S));
    other.addr[2] = 100;
    assert_null(neighbour_requests_in_vain(requests, 7, &other, 13 * S));
    free(requests);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_requested_over_and_over_has_not_answered),
        cmocka_unit_test(it_is_told_for_a_while),
        cmocka_unit_test(a_later_request_begins_anew),
        cmocka_unit_test(the_longest_silent_makes_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
