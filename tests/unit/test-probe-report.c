/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the form of what members of a cluster tell each other of
 * probes.  Who takes what of it is in test-health-members.c. */

#include <config.h>

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/health/probe-report.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* What was read, as text. */
static void
report_cb(void *ds, const struct probe_report *r, const struct sset *hosts)
{
    ds_put_format(ds, "%"PRIu64" %"PRIu64" %"PRIu64" %d %d %"PRIuSIZE"\n",
                  r->run, r->seq, r->revision, r->more, r->has_hosts,
                  sset_count(hosts));
}

static void
backend_cb(void *ds, const struct probe_report_backend *b)
{
    ds_put_format(ds, "%s %s %s %"PRIu64" %"PRIu64" %"PRIu64" %d %"PRIu32
                  " %"PRId64" %"PRId64" (%s)\n", b->host, b->balancer, b->port,
                  b->id, b->n_ok, b->n_failed, b->ok, b->n, b->ago_ms,
                  b->latency_us, b->reason);
}

static const struct probe_report_ops ops = { report_cb, backend_cb };

static void
check(const char *text, const char *wanted)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *fault = probe_report_read(text, strlen(text), &ops, &ds);

    ds_put_cstr(&ds, fault ? fault : "");
    assert_string_equal(ds_cstr(&ds), wanted);
    ds_destroy(&ds);
}

static void
reports_are_read_as_they_were_written(void **state OVS_UNUSED)
{
    const struct probe_report_backend down = {
        .host = "h1", .balancer = "@m.p", .port = "p", .id = 3, .n_ok = 7,
        .n_failed = 9, .n = 4, .ago_ms = INT64_MAX, .latency_us = 250,
        .reason = "no answer",
    };
    const struct probe_report_backend up = {
        .host = "h2", .balancer = "lb", .port = "q", .id = 4, .n_ok = 5,
        .ok = true, .n = 5, .reason = "\xff",
    };
    struct probe_report report = {
        .run = 11, .seq = 12, .revision = INT64_MAX, .has_hosts = true,
    };
    struct probe_report_out *out = probe_report_begin();
    char *text;

    probe_report_put_host(out, "h1");
    probe_report_put_host(out, "h2");
    probe_report_put_backend(out, &down);
    probe_report_put_backend(out, &up);
    text = probe_report_end(out, &report);
    check(text, "11 12 9223372036854775807 0 1 2\n"
                "h1 @m.p p 3 7 9 0 4 86400000 250 (no answer)\n"
                "h2 lb q 4 5 0 1 5 0 0 ()\n");
    free(text);

    /* No list is not an empty one. */
    report = (struct probe_report) { .run = 1, .more = true };
    out = probe_report_begin();
    probe_report_put_host(out, "h1");
    text = probe_report_end(out, &report);
    check(text, "1 0 0 1 0 0\n");
    free(text);
}

/* What later versions add is no fault. */
static void
unknown_fields_are_ignored(void **state OVS_UNUSED)
{
    check("{\"run\":1,\"seq\":0,\"revision\":0,\"new\":{},\"backends\":[["
          "\"h\",\"l\",\"p\",1,0,1,-1,0,0,\"r\",\"new\"]]}",
          "1 0 0 0 0 0\nh l p 1 0 1 0 1 0 0 (r)\n");
}

#define HEAD "{\"run\":1,\"seq\":2,\"revision\":3,"

static void
bad_reports_are_refused(void **state OVS_UNUSED)
{
    static const struct { const char *text, *fault; } bad[] = {
        { "", "it is no JSON object" },
        { "[]", "it is no JSON object" },
        { "{}", "'run', 'seq' or 'revision' is out of range" },
        { "{\"run\":0,\"seq\":2,\"revision\":3}",
          "'run', 'seq' or 'revision' is out of range" },
        { "{\"run\":1,\"seq\":-2,\"revision\":3}",
          "'run', 'seq' or 'revision' is out of range" },
        { HEAD "\"a\":1}", "'backends' is no list, or too long" },
        { HEAD "\"hosts\":1,\"backends\":[]}",
          "'hosts' is no list, or too long" },
        { HEAD "\"hosts\":[\"\"],\"backends\":[]}",
          "'hosts' has what is no name of a host" },
        { HEAD "\"backends\":[1]}", "a backend has too few fields" },
        { HEAD "\"backends\":[[\"h\",\"l\",\"p\",1,0,1,-1,0,0]]}",
          "a backend has too few fields" },
        { HEAD "\"backends\":[[\"h\",\"\",\"p\",1,0,1,-1,0,0,\"\"]]}",
          "a name or the reason of a backend is none" },
        { HEAD "\"backends\":[[\"h\",\"l\",\"p\",1,0,1,-1,0,0,null]]}",
          "a name or the reason of a backend is none" },
        { HEAD "\"backends\":[[\"h\",\"l\",\"p\",-1,0,1,-1,0,0,\"\"]]}",
          "a number of a backend is out of range" },
        { HEAD "\"backends\":[[\"h\",\"l\",\"p\",1,0,1,-1,86400001,0,"
          "\"\"]]}", "a number of a backend is out of range" },
        { HEAD "\"backends\":[[\"h\",\"l\",\"p\",1,0,1,-1,0,86400000001,"
          "\"\"]]}", "a number of a backend is out of range" },
        { HEAD "\"backends\":[[\"h\",\"l\",\"p\",1,0,1,0,0,0,\"\"]]}",
          "a backend has no results in a row" },
        { HEAD "\"backends\":[[\"h\",\"l\",\"p\",1,0,1,"
          "-9223372036854775808,0,0,\"\"]]}",
          "a backend has no results in a row" },
        { HEAD "\"backends\":[[\"h\",\"l\",\"p\",1,9,1,-2,0,0,\"\"]]}",
          "a backend has more results in a row than results" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        check(bad[i].text, bad[i].fault);
    }
}

static void
questions(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "", "[]", "{}", "{\"epoch\":1,\"run\":1}",
        "{\"epoch\":1,\"run\":1,\"after\":-1}",
        "{\"epoch\":\"1\",\"run\":1,\"after\":1}",
    };
    struct probe_ask ask = { 1, INT64_MAX, 3 }, read;
    char *text = probe_ask_print(&ask);

    assert_null(probe_ask_read(text, strlen(text), &read));
    assert_memory_equal(&ask, &read, sizeof ask);
    free(text);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_non_null(probe_ask_read(bad[i], strlen(bad[i]), &read));
    }
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_read_as_they_were_written),
        cmocka_unit_test(unknown_fields_are_ignored),
        cmocka_unit_test(bad_reports_are_refused),
        cmocka_unit_test(questions),
    };

    set_program_name(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
