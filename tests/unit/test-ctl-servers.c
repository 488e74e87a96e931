/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl with a list of servers, of which each plays back a script. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ctl-fixture.h"
#include "util.h"

#define END { NULL, NULL, 0, NULL }
#define GET_A "GET /v1/ports?limit=250", NULL
#define PORT_A 200, "{\"items\": [{\"type\": \"ports\", \"name\": \"a\"}]}"
#define PATCH_A "PATCH /v1/ports/a", "{\"spec\": {\"x\": 1}}"
#define UPDATED 200, "{\"outcome\": \"updated\"}"
#define PROBLEM(TYPE) "{\"type\": \"urn:vmn:problem:" TYPE "\", "          \
                      "\"detail\": \"no writer\"}"
#define GET_LINE "get ports -o name"
#define PATCH_LINE "patch port a -p {\"spec\":{\"x\":1}}"
#define AWAY_TEXT "  cannot reach vmnd at unix:/nonexistent/vmnd.sock: No " \
                  "such file or directory\n"

static const struct step nothing[] = { END };

/* Runs 'line' with two servers. */
static void
assert_pair(const struct step *a, const struct step *b, const char *line,
            int status, const char *out, const char *err)
{
    const struct step *scripts[] = { a, b };
    struct run result;

    play_several(&result, scripts, 2, "", line);
    assert_string_equal(result.out, out);
    if (err) {
        assert_string_equal(result.err, err);
    }
    assert_int_equal(result.status, status);
    run_uninit(&result);
}

static void
first_server_that_replies_is_used(void **state OVS_UNUSED)
{
    static const struct step get[] = { { GET_A, PORT_A }, END };
    static const struct step patch[] = { { PATCH_A, UPDATED }, END };

    assert_pair(get, nothing, GET_LINE, CTL_DONE, "a\n", "");
    assert_pair(NULL, get, GET_LINE, CTL_DONE, "a\n", "");
    assert_pair(NULL, patch, PATCH_LINE, CTL_DONE, "ports/a updated\n", "");
}

/* The fixture checks that it is the same request, with the same key. */
static void
lost_request_goes_to_another_server(void **state OVS_UNUSED)
{
    static const struct step lost_get[] = { { GET_A, 0, NULL }, END };
    static const struct step get[] = { { GET_A, PORT_A }, END };
    static const struct step lost_patch[] = { { PATCH_A, 0, NULL }, END };
    static const struct step unknown[] = {
        { PATCH_A, 503, PROBLEM("uncertain") }, END,
    };
    static const struct step patch[] = { { PATCH_A, UPDATED }, END };

    assert_pair(lost_get, get, GET_LINE, CTL_DONE, "a\n", "");
    assert_pair(lost_patch, patch, PATCH_LINE, CTL_DONE, "ports/a updated\n",
                "");
    assert_pair(unknown, patch, PATCH_LINE, CTL_DONE, "ports/a updated\n",
                "");
}

/* The server that stops is not called again while the other one replies. */
static void
server_that_replies_is_kept(void **state OVS_UNUSED)
{
    static const struct step a[] = {
        { "GET /v1/ports?limit=250", NULL, 0, NULL }, END,
    };
    static const struct step b[] = {
        { "GET /v1/ports?limit=250", NULL, 200, "{\"items\": [{\"type\":"
          " \"ports\", \"name\": \"a\"}], \"next\": \"a\"}" },
        { "GET /v1/ports?limit=250&after=a", NULL, 200, "{\"items\":"
          " [{\"type\": \"ports\", \"name\": \"b\"}]}" },
        END,
    };

    assert_pair(a, b, GET_LINE, CTL_DONE, "a\nb\n", "");
}

/* A cluster without a writer: every server is called, then all of them once
 * more after Retry-After. */
static void
a_writer_is_waited_for(void **state OVS_UNUSED)
{
    static const struct step a[] = {
        { PATCH_A, 503, PROBLEM("standby") },
        { PATCH_A, UPDATED },
        END,
    };
    static const struct step b[] = {
        { PATCH_A, 503, PROBLEM("unavailable") }, END,
    };
    static const struct step reads[] = {
        { GET_A, 503, PROBLEM("unavailable") },
        { GET_A, PORT_A },
        END,
    };

    assert_pair(a, b, PATCH_LINE, CTL_DONE, "ports/a updated\n", "");
    assert_pair(reads, NULL, GET_LINE, CTL_DONE, "a\n", "");
}

/* Every server would say that. */
static void
refusals_are_final(void **state OVS_UNUSED)
{
    static const struct step busy[] = {
        { GET_A, 503, PROBLEM("busy") }, END,
    };
    static const struct step stale[] = {
        { PATCH_A, 412, PROBLEM("stale") }, END,
    };
    static const struct step token[] = {
        { GET_A, 401, "{\"detail\": \"bad token\"}" }, END,
    };
    const struct step *scripts[] = { token, nothing };
    struct run result;

    assert_pair(busy, nothing, GET_LINE, CTL_REFUSED, "",
                "vmnctl: no writer (HTTP 503)\n");
    assert_pair(NULL, stale, PATCH_LINE, CTL_REFUSED, "",
                "vmnctl: no writer (HTTP 412)\n");
    play_several(&result, scripts, 2, "", GET_LINE);
    assert_int_equal(result.status, CTL_REFUSED);
    assert_non_null(strstr(result.err, "bad token (HTTP 401 from unix:/tmp/"));
    run_uninit(&result);
}

/* A call that could be carried out twice. */
static void
transfer_is_not_sent_twice(void **state OVS_UNUSED)
{
    static const struct step lost[] = {
        { "POST /v1/cluster/transfer?to=b", NULL, 0, NULL }, END,
    };

    assert_pair(lost, nothing, "cluster transfer b", CTL_UNREACHABLE, "",
                NULL);
}

static void
errors_name_every_server(void **state OVS_UNUSED)
{
    static const struct step lost[] = {
        { GET_A, 0, NULL }, END,
    };
    const struct step *scripts[] = { NULL, lost };
    struct run result;

    assert_pair(NULL, NULL, GET_LINE, CTL_UNREACHABLE, "",
                "vmnctl: no server replied\n" AWAY_TEXT AWAY_TEXT);
    play_several(&result, scripts, 2, "", GET_LINE);
    assert_int_equal(result.status, CTL_UNREACHABLE);
    assert_non_null(strstr(result.err, "vmnctl: no server replied\n" AWAY_TEXT
                           "  the call to vmnd at unix:/tmp/"));
    run_uninit(&result);
}

#define EVENT(ID, KIND, DATA) "id: " ID "\nevent: " KIND "\ndata: " DATA "\n\n"
#define EVENTS "GET /v1/events?kinds=revision,binding,ports&type=ports"

static void
watch_goes_on_at_another_server(void **state OVS_UNUSED)
{
    static const struct step a[] = {
        { EVENTS, NULL, 200, EVENT("7", "start", "{\"revision\": 5}") },
        { "GET /v1/ports?limit=250", NULL, 200, "{\"items\": []}" },
        { EVENTS "&after=7", NULL, 503, PROBLEM("standby") },
        { "GET /v1/ports/a", NULL, 200,
          "{\"type\": \"ports\", \"name\": \"a\"}" },
        { EVENTS "&after=8", NULL, 503, PROBLEM("standby") },
        END,
    };
    static const struct step b[] = {
        { EVENTS "&after=7", NULL, 200,
          EVENT("8", "binding", "{\"port\": \"a\"}") },
        { EVENTS "&after=8", NULL, 404, "{\"detail\": \"no more\"}" },
        END,
    };

    assert_pair(a, b, "get ports --watch -o name", CTL_REFUSED, "a\n", NULL);
}

static void
lists_are_checked(void **state OVS_UNUSED)
{
    struct run result;
    static const struct { const char *list, *fault; } wrong[] = {
        { "unix:/a,", "not \"\"" },
        { "unix:/a,h:8443", "not \"h:8443\"" },
        { "ssl:a:1,ssl:b:1,,", "not \"\"" },
        { "unix:1,unix:2,unix:3,unix:4,unix:5,unix:6,unix:7,unix:8,unix:9,"
          "unix:10,unix:11,unix:12,unix:13,unix:14,unix:15,unix:16,unix:17",
          "more than 16 servers" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        run(&result, wrong[i].list, "", GET_LINE);
        assert_int_equal(result.status, CTL_USAGE);
        assert_non_null(strstr(result.err, wrong[i].fault));
        run_uninit(&result);
    }
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_server_that_replies_is_used),
        cmocka_unit_test(lost_request_goes_to_another_server),
        cmocka_unit_test(server_that_replies_is_kept),
        cmocka_unit_test(a_writer_is_waited_for),
        cmocka_unit_test(refusals_are_final),
        cmocka_unit_test(transfer_is_not_sent_twice),
        cmocka_unit_test(errors_name_every_server),
        cmocka_unit_test(watch_goes_on_at_another_server),
        cmocka_unit_test(lists_are_checked),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
