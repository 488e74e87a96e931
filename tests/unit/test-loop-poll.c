/* SPDX-License-Identifier: Apache-2.0
 *
 * What libopenvswitch's own poll_block() does for its parts, and the loop must
 * do as well: signals, RCU, coverage, sequence numbers, other threads.  Each
 * test fails without its part in proto/loop. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coverage.h"
#include "fatal-signal.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "proto/loop/loop.h"
#include "seq.h"
#include "tests/unit/loop-help.h"
#include "unixctl.h"
#include "util.h"

COVERAGE_DEFINE(test_loop_event);

/* How long a parent waits for a child that should die, in ms.  Only a failing
 * test takes it. */
#define CHILD_MS 30000

struct idle {
    struct loop *loop;
    uint64_t n_turns;           /* When the timer fired. */
};

static void
idle_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *idle_)
{
    struct idle *idle = idle_;

    idle->n_turns = turns_of(idle->loop);
}

static void
probe_wait(void *aux OVS_UNUSED)
{
    poll_timer_wait(30000);
}

/* Idle for longer than coverage's interval: not one turn in between, and
 * coverage is still taken at the end. */
static void
idle_costs_no_turn_and_coverage_is_kept(void **state OVS_UNUSED)
{
    struct idle idle = { .loop = loop_create() };
    uint64_t n_idle = 0;
    struct loop_task *task = loop_task_create(idle.loop, "idle", count_run,
                                              probe_wait, &n_idle);
    struct event *timer = evtimer_new(loop_base(idle.loop), idle_cb, &idle);
    struct timeval tv = { 1, 100000 };

    settle(idle.loop);
    COVERAGE_INC(test_loop_event);
    uint64_t total = counter_test_loop_event.total;
    uint64_t n_turns = turns_of(idle.loop);
    uint64_t n_runs = n_idle;

    event_add(timer, &tv);
    while (!idle.n_turns) {
        loop_turn(idle.loop, -1);
    }
    assert_int_equal(idle.n_turns, n_turns);
    assert_int_equal(n_idle, n_runs);
    assert_int_equal(counter_test_loop_event.total, total + 1);

    event_free(timer);
    loop_task_destroy(task);
    loop_destroy(idle.loop);
}

static void
count_cb(void *n_)
{
    int *n = n_;

    ++*n;
}

static void
postponed_frees_run(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    int n = 0;

    for (int i = 0; i < 1000; i++) {
        ovsrcu_postpone(count_cb, &n);
    }
    settle(loop);
    assert_int_equal(n, 1000);
    loop_destroy(loop);
}

struct seq_task {
    struct loop_task *task;
    struct seq *seq;
    uint64_t seen;
    int n_changes;
    int n_runs;
};

static void
seq_run(void *st_)
{
    struct seq_task *st = st_;
    uint64_t now = seq_read(st->seq);

    st->n_runs++;
    if (now != st->seen) {
        st->seen = now;
        st->n_changes++;
    }
}

static void
seq_wait_cb(void *st_)
{
    struct seq_task *st = st_;

    seq_wait(st->seq, st->seen);
}

static void
seq_changes_wake_their_tasks_and_then_rest(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct seq_task a = { .seq = seq_create() }, b = { .seq = seq_create() };

    a.seen = seq_read(a.seq);
    b.seen = seq_read(b.seq);
    a.task = loop_task_create(loop, "a", seq_run, seq_wait_cb, &a);
    b.task = loop_task_create(loop, "b", seq_run, seq_wait_cb, &b);
    settle(loop);

    for (int i = 1; i <= 3; i++) {
        seq_change(a.seq);
        settle(loop);
        assert_int_equal(a.n_changes, i);
        seq_change(b.seq);
        settle(loop);
        assert_int_equal(b.n_changes, i);
    }

    /* The latch has been drained: nothing runs any more. */
    int n_runs = a.n_runs;
    settle(loop);
    assert_int_equal(a.n_runs, n_runs);

    loop_task_destroy(a.task);
    loop_task_destroy(b.task);
    loop_destroy(loop);
    seq_destroy(a.seq);
    seq_destroy(b.seq);
}

static void
broken_pipe_is_an_error_not_a_signal(void **state OVS_UNUSED)
{
    int fds[2];

    signal(SIGPIPE, SIG_DFL);
    struct loop *loop = loop_create();
    make_pipe(fds);
    close(fds[0]);
    assert_int_equal(write(fds[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(fds[1]);
    loop_destroy(loop);
}

/* Children.  -------------------------------------------------------------- */

/* Waits for 'pid' to die and returns its status; kills it and fails when it
 * does not. */
static int
await_child(pid_t pid)
{
    int status;

    for (int ms = 0; ms < CHILD_MS; ms += 10) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return status;
        }
        poll(NULL, 0, 10);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    fail_msg("the child did not die");
    return status;
}

/* Reads all of 'fd' into 's' (of 'size' bytes) until its writers are gone. */
static void
read_all(int fd, char *s, size_t size)
{
    size_t n = 0;
    ssize_t retval;

    while (n + 1 < size && (retval = read(fd, s + n, size - 1 - n)) > 0) {
        n += retval;
    }
    s[n] = '\0';
}

static int hook_fd;

static void
hook_cb(void *aux OVS_UNUSED)
{
    ignore(write(hook_fd, "hook", 4));
}

static void
ready_run(void *aux OVS_UNUSED)
{
    ignore(write(hook_fd, "ready ", 6));
}

static void
die_by_signal(int sig_nr)
{
    char text[64];
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (!pid) {
        close(fds[0]);
        hook_fd = fds[1];
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
        fatal_signal_add_hook(hook_cb, NULL, NULL, false);
        struct loop *loop = loop_create();
        loop_task_create(loop, "ready", ready_run, wait_nothing, NULL);
        loop_run(loop);
        _exit(1);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], text, 6), 6);
    kill(pid, sig_nr);
    int status = await_child(pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), sig_nr);
    read_all(fds[0], text, sizeof text);
    assert_string_equal(text, "hook");
    close(fds[0]);
}

static void
terminating_signals_run_the_hooks_and_end_it(void **state OVS_UNUSED)
{
    die_by_signal(SIGTERM);
    die_by_signal(SIGINT);
}

static void
block_run(void *aux OVS_UNUSED)
{
    poll_timer_wait(1);
    poll_block();
}

static void
blocking_in_a_task_aborts_with_its_name(void **state OVS_UNUSED)
{
    char text[8192];
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (!pid) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        signal(SIGABRT, SIG_DFL);
        struct loop *loop = loop_create();
        loop_task_create(loop, "blocker", block_run, wait_nothing, NULL);
        loop_run(loop);
        _exit(1);
    }
    close(fds[1]);
    int status = await_child(pid);
    read_all(fds[0], text, sizeof text);
    close(fds[0]);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "task \"blocker\""));
    assert_non_null(strstr(text, "test-loop-poll.c:"));
    assert_non_null(strstr(text, "called from"));
}

/* Other threads.  --------------------------------------------------------- */

struct blocker {
    int fd;
    int n_turns;
};

/* Waits for its fd as a program of libopenvswitch would. */
static void *
blocker_main(void *blocker_)
{
    struct blocker *blocker = blocker_;
    char byte;

    while (read(blocker->fd, &byte, 1) != 1) {
        poll_fd_wait(blocker->fd, POLLIN);
        poll_block();
        blocker->n_turns++;
    }
    return NULL;
}

static void
other_threads_block_in_poll(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct blocker blocker;
    int fds[2];

    make_pipe(fds);
    blocker = (struct blocker) { .fd = fds[0] };
    pthread_t thread = ovs_thread_create("blocker", blocker_main, &blocker);
    settle(loop);
    put_byte(fds[1]);
    xpthread_join(thread, NULL);
    assert_true(blocker.n_turns <= 1);
    loop_destroy(loop);
    close(fds[0]);
    close(fds[1]);
}

static void
unixctl_run_cb(void *server_)
{
    unixctl_server_run(server_);
}

static void
unixctl_wait_cb(void *server_)
{
    unixctl_server_wait(server_);
}

struct client {
    const char *path;
    int done_fd;
    char reply[256];
};

/* Calls ovs-appctl, on a thread of its own. */
static void *
client_main(void *client_)
{
    struct client *client = client_;
    char *command = xasprintf("ovs-appctl -t %s version", client->path);
    FILE *said = popen(command, "r");

    if (said) {
        size_t n = fread(client->reply, 1, sizeof client->reply - 1, said);

        client->reply[n] = '\0';
        pclose(said);
    }
    free(command);
    put_byte(client->done_fd);
    return NULL;
}

static void
unixctl_is_served_on_the_loop(void **state OVS_UNUSED)
{
    struct loop *loop = loop_create();
    struct reader done = { .fd = -1 };
    struct unixctl_server *server;
    char dir[] = "/tmp/test-loop.XXXXXX";
    int fds[2];

    assert_non_null(mkdtemp(dir));
    char *path = xasprintf("%s/ctl", dir);
    assert_int_equal(unixctl_server_create(path, &server), 0);
    struct loop_task *task = loop_task_create(loop, "unixctl", unixctl_run_cb,
                                              unixctl_wait_cb, server);
    make_pipe(fds);
    done.fd = fds[0];
    done.task = loop_task_create(loop, "done", reader_run, reader_wait, &done);

    struct client client = { .path = path, .done_fd = fds[1] };
    pthread_t thread = ovs_thread_create("client", client_main, &client);
    while (!done.n_bytes) {
        loop_turn(loop, -1);
    }
    xpthread_join(thread, NULL);
    assert_non_null(strstr(client.reply, "test-loop-poll"));

    loop_task_destroy(done.task);
    loop_task_destroy(task);
    unixctl_server_destroy(server);
    loop_destroy(loop);
    rmdir(dir);
    free(path);
    close(fds[0]);
    close(fds[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_costs_no_turn_and_coverage_is_kept),
        cmocka_unit_test(postponed_frees_run),
        cmocka_unit_test(seq_changes_wake_their_tasks_and_then_rest),
        cmocka_unit_test(broken_pipe_is_an_error_not_a_signal),
        /* These fork, so come before threads are made. */
        cmocka_unit_test(terminating_signals_run_the_hooks_and_end_it),
        cmocka_unit_test(blocking_in_a_task_aborts_with_its_name),
        cmocka_unit_test(other_threads_block_in_poll),
        cmocka_unit_test(unixctl_is_served_on_the_loop),
    };

    /* A shell has what it runs in the background ignore that one. */
    signal(SIGINT, SIG_DFL);
    ovs_set_program_name("test-loop-poll", "0");
    return cmocka_run_group_tests_name("loop-poll", tests, NULL, NULL);
}
