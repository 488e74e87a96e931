/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker that says what no worker should, in place of vmn-app-worker: the
 * module that it is given is a text that says what. */

#include <config.h>

#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/worker/app-description.h"
#include "controller/worker/worker-sandbox.h"
#include "controller/worker/worker-wire.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

static void
send_bytes(const void *bytes, size_t size)
{
    if (send(WORKER_FD, bytes, size, MSG_NOSIGNAL) != (ssize_t) size) {
        _exit(0);
    }
}

static void
send_message(struct ofpbuf *message)
{
    wire_end(message);
    send_bytes(message->data, message->size);
}

static void
wait_message(void)
{
    char bytes[65536];

    if (recv(WORKER_FD, bytes, sizeof bytes, 0) <= 0) {
        _exit(0);
    }
}

/* vmnd sees that there is a filter of system calls, and not what it lets
 * pass. */
static void
filter_nothing(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (!filter || seccomp_rule_add(filter, SCMP_ACT_KILL, SCMP_SYS(reboot), 0)
        || seccomp_load(filter)) {
        _exit(1);
    }
    seccomp_release(filter);
}

/* Starts as a worker does.  One that is "open" never closes its sandbox. */
static void
start(const char *what, struct ofpbuf *message)
{
    wait_message();
    filter_nothing();
    if (!strcmp(what, "own")) {
        filter_nothing();
    }
    wire_begin(message, WORKER_CLOSES);
    send_message(message);
    wait_message();
    if (strcmp(what, "open")) {
        filter_nothing();
    }
    ofpbuf_clear(message);
}

static void
describe(struct ofpbuf *message)
{
    const struct vmn_app_class app = {
        VMN_APP_HEAD, .name = "fake",
        .description = "two\nlines\x1b[2J\xe2\x80\xae",
    };

    wire_begin(message, WORKER_LOADED);
    app_description_put(message, &app);
    send_message(message);
}

/* A whole message, a byte at a time, so slowly that it never ends. */
static void
trickle(void)
{
    const struct worker_head head = { .size = 1 << 20, .type = WORKER_DONE };

    send_bytes(&head, sizeof head);
    for (;;) {
        usleep(2000);
        send_bytes("", 1);
    }
}

static void
send_head(uint32_t size, uint16_t type)
{
    const struct worker_head head = { .size = size, .type = type };

    send_bytes(&head, sizeof head);
}

/* Says that it has used 'n' things, of which it names none. */
static void
send_done(struct ofpbuf *message, uint32_t n)
{
    ofpbuf_clear(message);
    wire_begin(message, WORKER_DONE);
    wire_put_u32(message, n);
    wire_put_block(message, NULL, 0);
    wire_put_block(message, NULL, 0);
    send_message(message);
}

static void
ask(struct ofpbuf *message, const struct worker_read *read)
{
    ofpbuf_clear(message);
    wire_begin(message, WORKER_READ);
    wire_put_read(message, read);
    send_message(message);
}

/* Sends questions with a key of 'n' bytes: vmnd keeps them while the
 * computation may be late. */
static void
ask_long(struct ofpbuf *message, size_t n)
{
    char *key = xmalloc(n + 1);
    const struct worker_read read = { WORKER_READ_QUERY, 0, key, key };

    memset(key, 'z', n);
    key[n] = '\0';
    for (;;) {
        ask(message, &read);
        wait_message();
    }
}

/* Sends a question with 'n' bytes behind it. */
static void
ask_padded(struct ofpbuf *message, const struct worker_read *read, size_t n)
{
    wire_begin(message, WORKER_READ);
    wire_put_read(message, read);
    ofpbuf_put_zeros(message, n);
    send_message(message);
}

static void
misbehave(const char *what, struct ofpbuf *message)
{
    const struct worker_read read = { WORKER_READ_QUERY, 0, "x.y", "z" };

    if (!strcmp(what, "trickle")) {
        trickle();
    } else if (!strcmp(what, "huge")) {
        send_head(1u << 31, WORKER_DONE);
    } else if (!strcmp(what, "small")) {
        send_head(4, WORKER_DONE);
    } else if (!strcmp(what, "odd")) {
        send_head(sizeof(struct worker_head), 99);
    } else if (!strcmp(what, "used")) {
        send_done(message, UINT32_MAX);
    } else if (!strcmp(what, "control")) {
        wire_begin(message, WORKER_REFUSED);
        wire_put_text(message, "two\nlines");
        send_message(message);
    } else if (!strcmp(what, "questions")) {
        for (;;) {
            ask(message, &read);
            wait_message();
        }
    } else if (!strcmp(what, "long-questions")) {
        ask_long(message, WORKER_TEXT_MAX);
    } else if (!strcmp(what, "padded")) {
        ask_padded(message, &read, WORKER_MESSAGE_MIN);
    } else if (!strcmp(what, "nothing")) {
        pause();
    } else if (!strcmp(what, "closed")) {
        close(WORKER_FD);
        pause();
    } else if (!strcmp(what, "killed")) {
        raise(SIGKILL);
    } else if (!strcmp(what, "slow")) {
        usleep(100 * 1000);
        send_done(message, 0);
    } else if (!strcmp(what, "slow-always")) {
        for (;;) {
            usleep(100 * 1000);
            send_done(message, 0);
            wait_message();
        }
    } else if (!strcmp(what, "slow-question")) {
        usleep(100 * 1000);
        ask(message, &read);
        wait_message();
        usleep(100 * 1000);
        send_done(message, 0);
    }
}

int
main(void)
{
    char what[32] = "";
    struct ofpbuf message;

    if (pread(WORKER_MODULE_FD, what, sizeof what - 1, 0) < 0) {
        return 1;
    }
    ofpbuf_init(&message, 0);
    start(what, &message);
    describe(&message);
    wait_message();
    misbehave(what, &message);
    wait_message();
    return 0;
}
