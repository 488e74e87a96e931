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
#include "openvswitch/ofpbuf.h"
#include "util.h"

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

static void
answer_cb(void *n_questions_, const struct worker_read *read,
          struct ofpbuf *out)
{
    size_t *n_questions = n_questions_;

    assert_string_equal(read->name, "x.y");
    ++*n_questions;
    wire_put_block(out, "", 1);
}

/* The outcome of a call. */
static enum app_worker_outcome
call(struct app_worker *worker, char **problem)
{
    size_t n_questions = 0;
    const struct app_worker_client client = {
        .what = "a test", .urgent = true, .answer = answer_cb,
        .aux = &n_questions };
    struct app_worker_result result = { .problem = NULL };
    enum app_worker_outcome outcome;
    struct ofpbuf message;

    ofpbuf_init(&message, 0);
    wire_begin(&message, WORKER_COMPILE);
    wire_end(&message);
    outcome = app_worker_call(worker, &message, &client, &result);
    ofpbuf_uninit(&message);
    *problem = result.problem;
    return outcome;
}

static void
check(const char *what, const char *expected)
{
    struct app_worker *worker = start(what);
    struct app_worker_status status;
    char *problem;

    assert_int_equal(call(worker, &problem), APP_WORKER_FAILED);
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
test_broken_messages(void **state OVS_UNUSED)
{
    check("huge", "its worker sent what is no message");
    check("small", "its worker sent what is no message");
    check("odd", "its worker sent what is no answer");
    check("used", "its worker sent what is no result");
    check("control", "its worker two?lines");
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
    struct app_worker *worker = start("killed");
    struct app_worker_status status;
    char *problem;

    assert_int_equal(call(worker, &problem), APP_WORKER_AWAY);
    assert_non_null(strstr(problem, "was ended by signal 9 (Killed)"));
    free(problem);
    app_worker_get_status(worker, &status);
    assert_int_equal(status.n_ends, 2);
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

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_messages),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_ended_idle),
        cmocka_unit_test(test_barred),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
