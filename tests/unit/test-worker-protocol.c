/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker that breaks the protocol (fake-worker.c) is ended, within its
 * limits, and vmnd goes on. */

#include <config.h>

#include "controller/worker/app-worker.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/worker/app-description.h"
#include "controller/worker/worker-wire.h"
#include "openvswitch/ofpbuf.h"
#include "timeval.h"
#include "util.h"

static long long int warp_ms;   /* The clock is ahead by this. */
static long long int frozen_ms; /* It stands at this; 0: it goes on. */

long long int __real_time_msec(void);
long long int __wrap_time_msec(void);

long long int
__wrap_time_msec(void)
{
    return frozen_ms ? frozen_ms : __real_time_msec() + warp_ms;
}

static struct app_worker *
start(const char *what)
{
    char path[] = "/tmp/vmn-test-fake-XXXXXX";
    struct vmn_error error = VMN_ERROR_INIT;
    struct app_worker *worker;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, what, strlen(what)), strlen(what));
    close(fd);
    worker = app_worker_create("./tests/unit/programs/fake-worker", path,
                               &error);
    unlink(path);
    if (!worker) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(app_worker_description(worker)->class_.name, "fake");
    /* People read it in terminals. */
    assert_string_equal(app_worker_description(worker)->class_.description,
                        "two\nlines\\u001b[2J\\u202e");
    return worker;
}

struct answers {
    size_t n;                   /* Questions that were answered... */
    char value;                 /* ...with this. */
};

static void
answer_cb(void *answers_, const struct worker_read *read,
          struct ofpbuf *out)
{
    struct answers *answers = answers_;

    if (strlen(read->key) < WORKER_TEXT_MAX) {
        assert_string_equal(read->name, "x.y");
    }
    answers->n++;
    wire_put_block(out, &answers->value, 1);
}

/* The outcome of a call of 'type'. */
static enum app_worker_outcome
call_with(struct app_worker *worker, enum worker_message type,
          struct app_worker_client client, char **problem)
{
    struct app_worker_result result = { .problem = NULL };
    enum app_worker_outcome outcome;
    struct ofpbuf message;

    client.what = "a test";
    client.answer = answer_cb;
    ofpbuf_init(&message, 0);
    wire_begin(&message, type);
    wire_end(&message);
    outcome = app_worker_call(worker, &message, &client, &result);
    if (outcome == APP_WORKER_DONE) {
        app_worker_release(worker);
    }
    ofpbuf_uninit(&message);
    *problem = result.problem;
    return outcome;
}

/* The same of one that is waited for. */
static enum app_worker_outcome
call(struct app_worker *worker, char **problem)
{
    struct answers answers = { 0, 0 };
    const struct app_worker_client client = {
        .urgent = true, .wait_ms = 2 * WORKER_WAIT_MS, .aux = &answers };

    return call_with(worker, WORKER_COMPILE, client, problem);
}

static void
check_as(const char *what, const char *expected, bool urgent)
{
    struct app_worker *worker = start(what);
    struct answers answers = { 0, 0 };
    const struct app_worker_client client = {
        .urgent = urgent, .wait_ms = 2 * WORKER_WAIT_MS, .aux = &answers };
    struct app_worker_status status;
    char *problem;

    assert_int_equal(call_with(worker, WORKER_COMPILE, client, &problem),
                     APP_WORKER_FAILED);
    if (!strstr(problem, expected)) {
        fail_msg("%s: \"%s\" in place of \"%s\"", what, problem, expected);
    }
    free(problem);
    app_worker_get_status(worker, &status);
    assert_int_equal(status.n_ends, 1);
    assert_int_equal(status.pid, 0);
    /* And once more, in another process. */
    assert_int_equal(call(worker, &problem), APP_WORKER_FAILED);
    free(problem);
    app_worker_destroy(worker);
}

static void
check(const char *what, const char *expected)
{
    check_as(what, expected, true);
}

static void
test_broken_messages(void **state OVS_UNUSED)
{
    check("huge", "its worker sent what is no message");
    check("small", "its worker sent what is no message");
    check("odd", "its worker sent what is no answer");
    check("used", "its worker sent what is no result");
    /* It takes several reads: under ASan the start alone exceeds the limit of
     * an urgent call. */
    check_as("padded", "its worker sent what is no question", false);
    check("control", "its worker two?lines");
}

/* What is kept of a computation that may be late is bounded. */
static void
test_long_questions(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("long-questions");
    struct answers answers = { 0, 0 };
    const struct app_worker_client client = {
        .wait_ms = 10 * WORKER_WAIT_MS, .aux = &answers };
    char *problem;

    assert_int_equal(call_with(worker, WORKER_COMPILE, client, &problem),
                     APP_WORKER_FAILED);
    assert_string_equal(problem, "its worker read things whose names have "
                        "more than 16 MiB");
    assert_true(answers.n < 10000);
    free(problem);
    app_worker_destroy(worker);
}

static void
test_limits(void **state OVS_UNUSED)
{
    check("trickle", "its worker took more than ");
    check("nothing", "its worker took more than 1000 ms");
    check("questions", "its worker ");
}

/* It is tried once more, and then when it is there again. */
static void
test_killed(void **state OVS_UNUSED)
{
    /* One that closes its socket is killed at once: vmnd waits for no end. */
    static const char *const whats[] = { "killed", "closed" };

    for (size_t i = 0; i < ARRAY_SIZE(whats); i++) {
        struct app_worker *worker = start(whats[i]);
        struct app_worker_status status;
        char *problem;

        assert_int_equal(call(worker, &problem), APP_WORKER_AWAY);
        assert_non_null(strstr(problem, "was ended by signal 9 (Killed)"));
        free(problem);
        app_worker_get_status(worker, &status);
        assert_int_equal(status.n_ends, 2);
        app_worker_destroy(worker);
    }
}

/* Checks of what is written that end the process suspend no app, but pause
 * it. */
static void
test_checks_do_not_suspend(void **state OVS_UNUSED)
{
    const struct app_worker_client client = {
        .check = true, .wait_ms = WORKER_WAIT_MS };
    struct app_worker *worker = start("odd");
    struct app_worker_status status;
    char *problem;

    frozen_ms = __real_time_msec();
    for (int i = 0; i < 2 * WORKER_ENDS_MAX; i++) {
        assert_int_equal(call_with(worker, WORKER_CHECK, client, &problem),
                         APP_WORKER_FAILED);
        free(problem);
        if (i) {
            assert_int_equal(call_with(worker, WORKER_CHECK, client, &problem),
                             APP_WORKER_AWAY);
            assert_non_null(strstr(problem, "pauses"));
            free(problem);
            frozen_ms += WORKER_PACE_MS;
        }
        app_worker_get_status(worker, &status);
        assert_int_equal(status.n_ends, i + 1);
        assert_int_equal(status.state, APP_WORKER_PAUSING);
    }
    frozen_ms = 0;
    app_worker_destroy(worker);
}

/* One that ends while nobody has it compute is noticed. */
static void
test_ended_idle(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("idle");
    struct app_worker_status before, after;

    app_worker_get_status(worker, &before);
    assert_int_equal(kill(before.pid, SIGKILL), 0);
    for (int i = 0; ; i++) {
        app_worker_look(worker);
        app_worker_get_status(worker, &after);
        if (after.n_ends && after.state == APP_WORKER_RUNNING) {
            break;
        }
        assert_true(i < 30000);
        usleep(1000);
    }
    assert_true(after.pid != before.pid);
    assert_string_equal(after.computed, "nothing");
    app_worker_destroy(worker);
}

static void
test_barred(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("idle");

    assert_false(app_worker_is_barred(worker, 1, 1));
    for (uint32_t i = 0; i <= WORKER_BARRED_MAX; i++) {
        app_worker_bar(worker, i, i);
    }
    assert_false(app_worker_is_barred(worker, 0, 0));
    assert_true(app_worker_is_barred(worker, 1, 1));
    assert_true(app_worker_is_barred(worker, WORKER_BARRED_MAX, 0));

    /* Of an owner several of whose guests are, all are. */
    for (uint32_t i = 1; i <= WORKER_BARRED_OF_OWNER_MAX; i++) {
        assert_false(app_worker_is_barred(worker, 1000, 7000));
        app_worker_bar(worker, 1000 + i, 7000);
    }
    assert_true(app_worker_is_barred(worker, 1000, 7000));
    assert_false(app_worker_is_barred(worker, 1000, 7001));
    app_worker_destroy(worker);
}

static uint64_t
n_ends(const struct app_worker *worker)
{
    struct app_worker_status status;

    app_worker_get_status(worker, &status);
    return status.n_ends;
}

/* The more guests of an owner are barred, the longer the next one is. */
static void
test_bars_of_an_owner_grow(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("idle");

    app_worker_bar(worker, 1, 7000);
    app_worker_bar(worker, 2, 7000);
    app_worker_bar(worker, 3, 7001);
    warp_ms += WORKER_BAR_MS + 1000;
    assert_false(app_worker_is_barred(worker, 1, 7000));
    assert_true(app_worker_is_barred(worker, 2, 7000));
    assert_false(app_worker_is_barred(worker, 3, 7001));
    warp_ms += WORKER_BAR_MS;
    assert_false(app_worker_is_barred(worker, 2, 7000));
    app_worker_destroy(worker);
}

static struct app_worker_status
status_of(const struct app_worker *worker)
{
    struct app_worker_status status;

    app_worker_get_status(worker, &status);
    return status;
}

/* Looks after a worker that has ended, until it runs again. */
static void
wait_running(struct app_worker *worker)
{
    for (int i = 0; !app_worker_run(worker); i++) {
        assert_true(i < 30000);
        usleep(1000);
    }
}

/* Another program may end it as often as it likes, as the kernel does for lack
 * of memory: the app is not suspended, and restarts are paced. */
static void
test_ended_by_others(void **state OVS_UNUSED)
{
    static const int signals[] = { SIGKILL, SIGTERM, SIGINT };
    struct app_worker *worker = start("idle");

    frozen_ms = time_msec();
    for (unsigned i = 0; i <= WORKER_ENDS_MAX; i++) {
        assert_int_equal(kill(status_of(worker).pid,
                              signals[i % ARRAY_SIZE(signals)]), 0);
        for (int j = 0; n_ends(worker) == i; j++) {
            assert_true(j < 30000);
            usleep(1000);
            app_worker_look(worker);
        }
        assert_false(app_worker_is_suspended(worker));
        if (i) {
            app_worker_look(worker);
            assert_int_equal(status_of(worker).pid, 0);
            assert_false(app_worker_is_busy(worker));
            frozen_ms += WORKER_PACE_MS;
        }
        wait_running(worker);
    }
    frozen_ms = 0;
    app_worker_destroy(worker);
}

/* The same for guests, once as many are barred as can be. */
static void
test_ends_by_many_guests_are_paced(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("odd");
    struct answers answers = { 0, 0 };
    const struct app_worker_client client = {
        .urgent = true, .wait_ms = 2 * WORKER_WAIT_MS, .who = 1, .owner = 1,
        .aux = &answers };
    char *problem;

    for (unsigned i = 0; i < 2 * WORKER_ENDS_MAX; i++) {
        assert_int_equal(call_with(worker, WORKER_HANDLE, client, &problem),
                         APP_WORKER_FAILED);
        free(problem);
        assert_false(app_worker_is_suspended(worker));
    }
    for (uint32_t i = 0; i < WORKER_BARRED_MAX; i++) {
        app_worker_bar(worker, i, i);
    }
    wait_running(worker);
    frozen_ms = time_msec();
    assert_int_equal(call_with(worker, WORKER_HANDLE, client, &problem),
                     APP_WORKER_FAILED);
    free(problem);
    app_worker_run(worker);
    assert_false(app_worker_is_busy(worker));
    assert_int_equal(status_of(worker).state, APP_WORKER_PAUSING);
    frozen_ms += WORKER_PACE_MS;
    wait_running(worker);
    frozen_ms = 0;
    app_worker_destroy(worker);
}

/* Looks after the worker until what was left is worth another try. */
static void
wait_ready(struct app_worker *worker)
{
    uint64_t n_ready = app_worker_n_ready(worker);

    for (int i = 0; app_worker_n_ready(worker) == n_ready; i++) {
        assert_true(i < 30000);
        usleep(1000);
        app_worker_look(worker);
    }
    app_worker_offer(worker);
}

/* Makes a call of 'type' that is not waited for, and returns its outcome. */
static enum app_worker_outcome
try(struct app_worker *worker, enum worker_message type,
    struct answers *answers)
{
    const struct app_worker_client client = { .aux = answers };
    enum app_worker_outcome outcome;
    char *problem;

    outcome = call_with(worker, type, client, &problem);
    free(problem);
    return outcome;
}

/* What is not done in time is left, and its result taken later. */
static void
test_late(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("slow");
    struct answers answers = { 0, 0 };

    assert_int_equal(try(worker, WORKER_COMPILE, &answers), APP_WORKER_AWAY);
    assert_int_equal(try(worker, WORKER_EVAL, &answers), APP_WORKER_AWAY);
    wait_ready(worker);
    assert_int_equal(try(worker, WORKER_EVAL, &answers), APP_WORKER_AWAY);
    assert_int_equal(try(worker, WORKER_COMPILE, &answers), APP_WORKER_DONE);
    assert_false(app_worker_has_left(worker));
    assert_int_equal(n_ends(worker), 0);
    app_worker_destroy(worker);
}

/* What was read is read again, and the worker is not asked for it twice. */
static void
test_late_question(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("slow-question");
    struct answers answers = { 0, 0 };

    assert_int_equal(try(worker, WORKER_COMPILE, &answers), APP_WORKER_AWAY);
    wait_ready(worker);
    assert_int_equal(try(worker, WORKER_COMPILE, &answers), APP_WORKER_AWAY);
    assert_int_equal(answers.n, 1);
    wait_ready(worker);
    assert_int_equal(try(worker, WORKER_COMPILE, &answers), APP_WORKER_DONE);
    assert_int_equal(answers.n, 2);
    app_worker_destroy(worker);
}

/* Where that is otherwise by now, or nobody asks for the result, another
 * process begins anew: no fault of the app. */
static void
test_late_stale(void **state OVS_UNUSED)
{
    for (int i = 0; i < 2; i++) {
        struct app_worker *worker = start("slow-question");
        struct answers answers = { 0, 0 };

        assert_int_equal(try(worker, WORKER_COMPILE, &answers),
                         APP_WORKER_AWAY);
        wait_ready(worker);
        if (i) {
            assert_int_equal(try(worker, WORKER_COMPILE, &answers),
                             APP_WORKER_AWAY);
            answers.value = 1;
            wait_ready(worker);
            assert_int_equal(try(worker, WORKER_COMPILE, &answers),
                             APP_WORKER_AWAY);
        }
        app_worker_end_offer(worker);
        assert_false(app_worker_has_left(worker));
        assert_int_equal(n_ends(worker), 0);
        wait_ready(worker);
        assert_true(app_worker_run(worker));
        app_worker_destroy(worker);
    }
}

/* A process that is stopped is not the fault of what it computes, however long
 * that takes. */
static void
test_stopped(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("slow");
    struct answers answers = { 0, 0 };
    const struct app_worker_client client = {
        .urgent = true, .wait_ms = 10, .who = 7, .aux = &answers };
    struct app_worker_status status;
    char *problem;

    app_worker_get_status(worker, &status);
    assert_int_equal(kill(status.pid, SIGSTOP), 0);
    assert_int_equal(call_with(worker, WORKER_HANDLE, client, &problem),
                     APP_WORKER_AWAY);
    free(problem);
    for (int i = 0; i < 3 * WORKER_URGENT_WAIT_MS / 2; i++) {
        app_worker_look(worker);
        usleep(1000);
    }
    assert_int_equal(n_ends(worker), 0);
    assert_false(app_worker_is_barred(worker, 7, 0));
    assert_int_equal(kill(status.pid, SIGCONT), 0);
    wait_ready(worker);
    assert_int_equal(n_ends(worker), 0);
    assert_false(app_worker_is_barred(worker, 7, 0));
    app_worker_destroy(worker);
}

/* One that sleeps, or ends its process, while nobody waits for it any more is
 * barred as any other. */
static void
test_late_failure(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("nothing");
    struct answers answers = { 0, 0 };
    const struct app_worker_client client = {
        .urgent = true, .wait_ms = 10, .who = 7, .aux = &answers };
    char *problem;

    assert_int_equal(call_with(worker, WORKER_HANDLE, client, &problem),
                     APP_WORKER_AWAY);
    free(problem);
    wait_ready(worker);
    assert_int_equal(n_ends(worker), 1);
    assert_true(app_worker_is_barred(worker, 7, 0));
    app_worker_destroy(worker);
}

/* The next urgent call after a late one is waited for less long. */
static void
test_wait_shrinks(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("slow-always");
    struct answers answers = { 0, 0 };
    struct app_worker_client client = {
        .urgent = true, .wait_ms = WORKER_PATIENCE_MIN_MS, .aux = &answers };
    char *problem;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(call_with(worker, WORKER_HANDLE, client, &problem),
                         APP_WORKER_AWAY);
        assert_non_null(strstr(problem, "is computing"));
        free(problem);
        wait_ready(worker);
        warp_ms += WORKER_QUIET_MS;
        client.wait_ms = 2 * WORKER_WAIT_MS;
    }
    app_worker_resume(worker);
    assert_int_equal(call_with(worker, WORKER_HANDLE, client, &problem),
                     APP_WORKER_DONE);
    app_worker_destroy(worker);
}

/* Guests of one owner do not take all of vmnd's time by packets that each are
 * within the limits, nor the share of others. */
static void
test_share_of_an_owner(void **state OVS_UNUSED)
{
    struct app_worker *worker = start("slow-always");
    struct answers answers = { 0, 0 };
    struct app_worker_client client = {
        .urgent = true, .wait_ms = WORKER_WAIT_MS - 1, .who = 1, .owner = 1,
        .aux = &answers };
    enum app_worker_outcome outcome;
    char *problem = NULL;
    int n = 0;

    frozen_ms = time_msec();
    do {
        free(problem);
        outcome = call_with(worker, WORKER_HANDLE, client, &problem);
        assert_true(++n < 10);
    } while (outcome == APP_WORKER_DONE);
    assert_int_equal(outcome, APP_WORKER_AWAY);
    assert_non_null(strstr(problem, "share of vmnd's time"));
    free(problem);
    assert_true(n > 1);
    client.owner = 2;
    assert_int_equal(call_with(worker, WORKER_HANDLE, client, &problem),
                     APP_WORKER_DONE);
    client.owner = 1;
    warp_ms += 10000;
    frozen_ms += 10000;
    assert_int_equal(call_with(worker, WORKER_HANDLE, client, &problem),
                     APP_WORKER_DONE);
    frozen_ms = 0;
    app_worker_destroy(worker);
}

/* vmnd sees which filters of system calls a process has. */
static void
test_filters(void **state OVS_UNUSED)
{
    static const char *const whats[] = { "own", "open" };

    for (size_t i = 0; i < ARRAY_SIZE(whats); i++) {
        struct vmn_error error = VMN_ERROR_INIT;

        assert_null(app_worker_create_from(
            "./tests/unit/programs/fake-worker", "fake", whats[i],
            strlen(whats[i]), &error));
        assert_string_equal(error.text, "has other filters of system calls "
                            "than its sandbox");
        vmn_error_uninit(&error);
    }
}

/* A message of many long texts is not copied for each of them. */
static void
test_growth_of_messages(void **state)
{
    struct ofpbuf out;
    unsigned n_grown = 0;
    char text[901];

    (void) state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ofpbuf_init(&out, 0);
    for (int i = 0; i < 4096; i++) {
        uint32_t allocated = out.allocated;

        wire_put_text(&out, text);
        n_grown += out.allocated != allocated;
    }
    assert_int_equal(out.size, 4096 * (sizeof(uint32_t) + sizeof text));
    assert_in_range(n_grown, 1, 24);
    ofpbuf_uninit(&out);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_messages),
        cmocka_unit_test(test_long_questions),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_checks_do_not_suspend),
        cmocka_unit_test(test_ended_idle),
        cmocka_unit_test(test_barred),
        cmocka_unit_test(test_bars_of_an_owner_grow),
        cmocka_unit_test(test_ended_by_others),
        cmocka_unit_test(test_ends_by_many_guests_are_paced),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_late_question),
        cmocka_unit_test(test_late_stale),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_late_failure),
        cmocka_unit_test(test_wait_shrinks),
        cmocka_unit_test(test_share_of_an_owner),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_growth_of_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
