/* SPDX-License-Identifier: Apache-2.0
 *
 * What the loop's thread is said to be busy with.  The thread that looks does
 * so when it gets to it: the work here goes on until it was seen. */

#include <config.h>

#include "proto/watchdog/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "timeval.h"
#include "util.h"

/* How long what is waited for may take, in ms. */
#define PATIENCE_MS 60000

/* Returns what this iteration is said to be spent on, which the caller
 * frees. */
static char *
spent(struct watchdog *w)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    watchdog_turn_was_long(w, 1234, &ds);
    return ds_steal_cstr(&ds);
}

/* Waits, with the marks as they are, until 'text' is in what was seen. */
static void
wait_seen(struct watchdog *w, const char *text)
{
    long long int end = time_msec() + PATIENCE_MS;
    char *now = spent(w);

    while (!strstr(now, text)) {
        if (time_msec() > end) {
            fail_msg("no \"%s\" in \"%s\"", text, now);
        }
        usleep(5000);
        free(now);
        now = spent(w);
    }
    free(now);
}

static void
test_marks(void **state OVS_UNUSED)
{
    struct watchdog *w = watchdog_create();
    struct watchdog_mark outer, inner;

    watchdog_turn(w);
    watchdog_begin(&outer, "GET", "/v1/drops", NULL);
    wait_seen(w, "s GET /v1/drops");
    watchdog_begin(&inner, "unit", "firewall.policy", "web");
    wait_seen(w, "s unit firewall.policy of \"web\"");
    watchdog_end(&inner);
    watchdog_end(&outer);

    /* The next iteration begins with nothing. */
    watchdog_turn(w);
    char *now = spent(w);
    assert_string_equal(now, "");
    free(now);
    watchdog_begin(&inner, "query", "router.domain", "a");
    wait_seen(w, "s query router.domain of \"a\"");
    now = spent(w);
    assert_null(strstr(now, "drops"));
    free(now);
    watchdog_end(&inner);
    watchdog_destroy(w);
}

/* Computing without a mark is other work; sleeping is none. */
static void
test_other_work(void **state OVS_UNUSED)
{
    struct watchdog *w = watchdog_create();
    long long int end = time_msec() + PATIENCE_MS;
    bool seen = false;

    watchdog_turn(w);
    while (!seen && time_msec() < end) {
        char *now;

        for (volatile int i = 0; i < 10000000; i++) {
            continue;
        }
        now = spent(w);
        seen = strstr(now, "s other work") != NULL;
        free(now);
    }
    assert_true(seen);
    watchdog_destroy(w);
}

/* Returns how many seconds are said in all. */
static double
sum_of(const char *text)
{
    double sum = 0;

    while (text) {
        sum += strtod(text, NULL);
        text = strstr(text, ", ");
        text = text ? text + 2 : NULL;
    }
    return sum;
}

/* More kinds of work than are kept: the rest is other work, and each counts
 * in the sum. */
static void
test_many(void **state OVS_UNUSED)
{
    struct watchdog *w = watchdog_create();
    char name[] = "u0";
    double sum = 0;

    watchdog_turn(w);
    for (int i = 0; i < 12; i++) {
        long long int end = time_msec() + PATIENCE_MS;
        struct watchdog_mark mark;
        double before = sum;

        watchdog_begin(&mark, "unit", name, NULL);
        while (sum <= before + .05) {
            char *now = spent(w);

            sum = sum_of(now);
            assert_true((strstr(now, "other work") != NULL) >= (i > 8));
            free(now);
            assert_true(time_msec() < end);
            usleep(5000);
        }
        watchdog_end(&mark);
        name[1]++;
    }
    watchdog_destroy(w);
}

/* Marks that point at what is not there, or at long texts: nothing breaks. */
static void
test_bad_marks(void **state OVS_UNUSED)
{
    struct watchdog *w = watchdog_create();
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    struct watchdog_mark mark;
    char *gone = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *text = gone + page - 3;

    assert_true(gone != MAP_FAILED);
    memcpy(text, "abcdef", 7);
    watchdog_turn(w);
    watchdog_begin(&mark, "unit", "over two pages", text);
    wait_seen(w, "of \"abcdef\"");
    watchdog_end(&mark);
    memset(text, 'x', 500);
    watchdog_begin(&mark, "unit", "long", text);
    wait_seen(w, "unit long of \"xxx");
    watchdog_end(&mark);
    munmap(gone, 2 * page);
    watchdog_begin(&mark, "unit", "gone", text);
    wait_seen(w, "unit gone");
    watchdog_end(&mark);
    watchdog_destroy(w);
}

/* What takes long is shown and logged by the loop, with its task's name: the
 * task takes longer each time, until it was seen. */
static void
slow_run(void *ms_)
{
    int *ms = ms_;
    long long int end = time_msec() + *ms;

    while (time_msec() < end) {
        continue;
    }
    *ms *= 2;
}

static void
slow_wait(void *ms OVS_UNUSED)
{
    poll_immediate_wake();
}

static void
test_loop(void **state OVS_UNUSED)
{
    char file[] = "/tmp/test-watchdog.XXXXXX";
    int fd = mkstemp(file);
    struct loop *loop = loop_create();
    int ms = 1100;
    char text[4096] = "";
    struct loop_task *task = loop_task_create(loop, "the slow one", slow_run,
                                              slow_wait, &ms);

    assert_true(fd >= 0);
    assert_int_equal(vlog_set_log_file(file), 0);
    while (!strstr(text, "s task the slow one")) {
        assert_true(ms < PATIENCE_MS);
        loop_turn(loop, 1000);
        ignore(pread(fd, text, sizeof text - 1, 0) < 0);
    }
    assert_non_null(strstr(text, "an iteration of the loop took "));
    loop_task_destroy(task);
    loop_destroy(loop);
    close(fd);
    unlink(file);
}

/* What does not end is told while it goes on; 'show' has the last ones. */
static void
test_stuck(void **state OVS_UNUSED)
{
    char file[] = "/tmp/test-watchdog.XXXXXX";
    int fd = mkstemp(file);
    struct watchdog *w = watchdog_create();
    long long int end = time_msec() + PATIENCE_MS;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct watchdog_mark mark;
    char text[4096] = "";

    assert_true(fd >= 0);
    assert_int_equal(vlog_set_log_file(file), 0);
    watchdog_turn(w);
    watchdog_begin(&mark, "unit", "app.endless", "x");
    while (!strstr(text, "an iteration of the loop goes on: ")
           || !strstr(text, "s unit app.endless of \"x\"")) {
        assert_true(time_msec() < end);
        usleep(10000);
        ignore(pread(fd, text, sizeof text - 1, 0) < 0);
    }
    watchdog_end(&mark);
    for (int i = 0; i < 12; i++) {
        watchdog_turn_was_long(w, 1000 + i, &ds);
    }
    ds_clear(&ds);
    watchdog_show(w, &ds);
    assert_non_null(strstr(ds_cstr(&ds), " UTC: 1011 ms: "));
    assert_non_null(strstr(ds_cstr(&ds), " UTC: 1004 ms: "));
    assert_null(strstr(ds_cstr(&ds), "1003 ms"));
    ds_destroy(&ds);
    watchdog_destroy(w);
    close(fd);
    unlink(file);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_other_work),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_bad_marks),
        cmocka_unit_test(test_loop),
        cmocka_unit_test(test_stuck),
    };

    ovs_set_program_name("test-watchdog", "0");
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
