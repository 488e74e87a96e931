/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether all is well: the rule, each of its reasons once; and that the status
 * and the metrics go by it.  What vmnctl and the page make of it is in
 * test-ctl-diagnose.c and tests/system/page-scenes.mjs. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "controller/northbound/conditions.h"
#include "controller/northbound/northbound-private.h"
#include "controller/schema/arena.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* The rule.  ------------------------------------------------------------- */

/* What nb_judge_health() makes of 'facts' and of a problem of each of 'kinds',
 * as "STATE REASON:STATE ...".  The caller frees it. */
static char *
judge(const struct nb_health_facts *facts, const char *const *kinds, size_t n)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct arena arena;
    struct nb_problems problems = { .arena = &arena };
    struct nb_health health;

    arena_init(&arena);
    for (size_t i = 0; i < n; i++) {
        nb_problems_add(&problems, kinds[i], "detail %d", (int) i);
    }
    nb_judge_health(facts, &problems, &health);
    ds_put_cstr(&ds, health.state);
    for (size_t i = 0; i < health.n_reasons; i++) {
        ds_put_format(&ds, " %s:%s", health.reasons[i].reason,
                      health.reasons[i].state);
        assert_true(strlen(health.reasons[i].detail) > 0);
    }
    free(problems.problems);
    arena_uninit(&arena);
    return ds_steal_cstr(&ds);
}

#define ASSERT_JUDGED(WANT, FACTS, ...)                                 \
    do {                                                                \
        const char *const kinds_[] = { __VA_ARGS__ };                   \
        char *judged_ = judge(FACTS, kinds_, ARRAY_SIZE(kinds_) - 1);   \
                                                                        \
        assert_string_equal(judged_, WANT);                             \
        free(judged_);                                                  \
    } while (0)

static const struct nb_health_facts well = {
    .ready = true, .hosts = { 3, 3, 3 }, .unsynced = "",
};

static void
nothing_wrong_is_ok(void **state OVS_UNUSED)
{
    static const struct nb_health_facts empty = {
        .ready = true, .unsynced = "",
    };

    ASSERT_JUDGED("ok", &well, NULL);
    ASSERT_JUDGED("ok", &empty, NULL);
}

static void
start_and_store_are_failures(void **state OVS_UNUSED)
{
    struct nb_health_facts starting = well;

    starting.ready = false;
    ASSERT_JUDGED("failing starting:failing", &starting, NULL);
    ASSERT_JUDGED("failing store:failing", &well, "store", NULL);
}

static void
without_a_writer_changes_wait(void **state OVS_UNUSED)
{
    struct nb_health_facts facts = well;

    facts.lost_writer = "why";
    ASSERT_JUDGED("failing writer:failing", &facts, NULL);
    ASSERT_JUDGED("failing writer:failing quota:degraded", &facts, "quota",
                  NULL);
}

static void
hosts_degrade_unless_none_is_there(void **state OVS_UNUSED)
{
    static const struct nb_health_facts one_missing = {
        .ready = true, .hosts = { 3, 2, 2 }, .unsynced = "hv3 (offline)",
    };
    static const struct nb_health_facts diverged = {
        .ready = true, .hosts = { 1, 1, 0 }, .unsynced = "hv1 (diverged)",
    };
    static const struct nb_health_facts alone = {
        .ready = true, .hosts = { 3, 0, 0 }, .unsynced = "hv1 (offline)",
    };

    ASSERT_JUDGED("degraded hosts:degraded", &one_missing, NULL);
    ASSERT_JUDGED("degraded hosts:degraded", &diverged, NULL);
    ASSERT_JUDGED("failing hosts:failing", &alone, NULL);
}

static void
each_kind_of_problem_degrades(void **state OVS_UNUSED)
{
    static const char *const kinds[] = {
        NB_CONDITIONS(NB_CONDITION_NAME)
    };

    /* After "starting", "writer", "store" and "hosts". */
    for (size_t i = 4; i < ARRAY_SIZE(kinds); i++) {
        char *want = xasprintf("degraded %s:degraded", kinds[i]);

        ASSERT_JUDGED(want, &well, kinds[i], kinds[i], NULL);
        free(want);
    }
}

static void
failures_come_first(void **state OVS_UNUSED)
{
    static const struct nb_health_facts facts = {
        .ready = false, .hosts = { 3, 2, 2 }, .unsynced = "hv3 (offline)",
    };

    ASSERT_JUDGED("failing starting:failing store:failing hosts:degraded "
                  "failed:degraded quota:degraded", &facts, "quota", "failed",
                  "store", NULL);
}

/* All who ask.  ---------------------------------------------------------- */

/* Has the status and the metrics tell 'state', and of the reasons 'reason'
 * alone (NULL: none). */
static void
assert_told(struct fixture *f, const char *state, const char *reason)
{
    char *state_line = xasprintf("\nvmn_health{state=\"%s\"} 1\n", state);
    char *line = xasprintf("\nvmn_health_reason{reason=\"%s\"} 1\n",
                           reason ? reason : "");

    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_text(f, "health.state", state);
    assert_int_equal(json_array_size(at(f, "health.reasons")), !!reason);
    if (reason) {
        assert_text(f, "health.reasons.0.reason", reason);
    }
    assert_call(f, 200, "GET", "/metrics", NULL);
    assert_has(&f->client.body, state_line);
    if (reason) {
        assert_has(&f->client.body, line);
    }
    free(state_line);
    free(line);
}

static void
hosts_set(uint64_t n_connected, uint64_t n_synced)
{
    fake_fabric.n_connected = n_connected;
    fake_fabric.n_synced = n_synced;
}

static void
status_and_metrics_go_by_the_rule(void **state)
{
    struct fixture *f = *state;

    hosts_set(3, 3);
    assert_told(f, "failing", "starting");
    northbound_set_ready(f->nb, true);
    assert_told(f, "ok", NULL);
    hosts_set(3, 2);
    assert_told(f, "degraded", "hosts");
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_text(f, "health.reasons.0.detail",
                "1 of 3 hosts is not synced: hv3 (offline)");
    hosts_set(0, 0);
    assert_told(f, "failing", "hosts");
    hosts_set(3, 3);
    assert_told(f, "ok", NULL);
}

static void
quota_that_is_exceeded_is_told(void **state)
{
    struct fixture *f = *state;

    hosts_set(3, 3);
    northbound_set_ready(f->nb, true);
    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/quotas/q", "{\"spec\": {\"scope\":"
                " \"role in (web,db)\", \"ports\": 1}}");
    assert_told(f, "degraded", "quota");
}

/* No app elects one here. */
static void
router_without_a_gateway_is_told(void **state)
{
    static const char *const routers[] = { "r1", "r2", "r3", "r4", "r5" };
    struct fixture *f = *state;

    hosts_set(3, 3);
    northbound_set_ready(f->nb, true);
    assert_call(f, 201, "PUT", "/v1/hosts/hv1", "{\"spec\": {\"tunnel_ip\":"
                " \"10.0.0.1\", \"ovsdb\": \"tcp:10.0.0.1:6640\"}}");
    assert_call(f, 201, "PUT", "/v1/networks/out", "{\"spec\":"
                " {\"provider\": {\"physical\": \"dc\"}, \"subnets\":"
                " [{\"cidr\": \"192.0.2.0/24\","
                " \"gateway\": \"192.0.2.1\"}]}}");
    for (size_t i = 0; i < ARRAY_SIZE(routers); i++) {
        char *path = xasprintf("/v1/routers/%s", routers[i]);
        char *body = xasprintf("{\"spec\": {\"external\": {\"network\":"
                               " \"out\", \"addresses\": [\"192.0.2.%d\"],"
                               " \"gateways\": [{\"host\": \"hv1\"}]}}}",
                               (int) i + 10);

        assert_call(f, 201, "PUT", path, body);
        free(path);
        free(body);
        assert_told(f, "degraded", "gateways");
        if (!i) {
            assert_call(f, 200, "GET", "/v1/status", NULL);
            assert_text(f, "health.reasons.0.detail",
                        "router r1 has no active gateway");
        }
    }
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_text(f, "health.reasons.0.detail", "5 problems; the first: "
                "router r1 has no active gateway");
}

static void
store_that_fails_is_told(void **state)
{
    struct fixture *f = *state;

    hosts_set(3, 3);
    northbound_set_ready(f->nb, true);
    f->store.error = ENOSPC;
    assert_call(f, 503, "PUT", "/v1/networks/shop", NET);
    assert_told(f, "failing", "store");
    f->store.error = 0;
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_told(f, "ok", NULL);
    f->store.corrupt = true;
    assert_told(f, "failing", "store");
}

static void
full_disk_is_told(void **state)
{
    struct fixture *f = *state;

    hosts_set(3, 3);
    northbound_set_ready(f->nb, true);
    f->store.disk_free = 99 << 20;
    assert_told(f, "degraded", "disk");
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_text(f, "health.reasons.0.detail", "the file system of the "
                "database has 99 MiB free, less than 10 %: once it is full, "
                "changes are rejected");
    f->store.disk_free = 101 << 20;
    assert_told(f, "ok", NULL);
}

static void
synced_host_that_lags_is_told(void **state)
{
    struct fixture *f = *state;

    hosts_set(3, 3);
    northbound_set_ready(f->nb, true);
    fake_fabric.lag_ms = 31 * 1000;
    assert_told(f, "degraded", "lag");
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_text(f, "health.reasons.0.detail", "host hv1 has not acknowledged "
                "a revision for 31 s: it has older flows");
    fake_fabric.lag_ms = 30 * 1000;
    assert_told(f, "ok", NULL);
}

static void
open_files_that_run_out_are_reported(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, low;
    int fds[40];

    hosts_set(3, 3);
    northbound_set_ready(f->nb, true);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = dup(STDERR_FILENO);
        assert_true(fds[i] >= 0);
    }
    low = before;
    low.rlim_cur = fds[ARRAY_SIZE(fds) - 1] + 6;
    assert_told(f, "ok", NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        close(fds[i]);
    }
    assert_text(f, "health.reasons.0.reason", "files");
    assert_told(f, "ok", NULL);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_wrong_is_ok),
        cmocka_unit_test(start_and_store_are_failures),
        cmocka_unit_test(without_a_writer_changes_wait),
        cmocka_unit_test(hosts_degrade_unless_none_is_there),
        cmocka_unit_test(each_kind_of_problem_degrades),
        cmocka_unit_test(failures_come_first),
        TEST(status_and_metrics_go_by_the_rule),
        TEST(quota_that_is_exceeded_is_told),
        TEST(router_without_a_gateway_is_told),
        TEST(store_that_fails_is_told),
        TEST(full_disk_is_told),
        TEST(synced_host_that_lags_is_told),
        TEST(open_files_that_run_out_are_reported),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
