/* SPDX-License-Identifier: Apache-2.0
 *
 * Open calls of an app's worker, and the messages that vmnd exchanges with the
 * worker for them.  Not for making a call (app-worker-calls.c), nor for the
 * encoding of values (worker-wire.c). */

#include <config.h>

#include "controller/worker/app-worker-private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Maximum number of characters of a worker's text that is shown to users. */
#define REFUSAL_LEN 200

/* Open calls.  ------------------------------------------------------------ */

struct open_call *
app_worker_open_call(struct app_worker *worker, const struct ofpbuf *message,
                     const struct app_worker_client *client)
{
    struct open_call *call = xzalloc(sizeof *call);
    bool limited = client->urgent || client->check;

    call->what = xstrdup(client->what);
    call->who = client->who;
    call->owner = client->owner;
    call->urgent = client->urgent;
    call->check = client->check;
    call->resumable = !client->urgent;
    ofpbuf_init(&call->in, 0);
    ofpbuf_init(&call->answer, 0);
    ofpbuf_init(&call->asked, 0);
    app_worker_start_talk(&call->talk, message, &call->in);
    worker_timer_start(&call->timer,
                       limited ? WORKER_URGENT_CPU_MS : WORKER_CPU_MS,
                       limited ? WORKER_URGENT_WAIT_MS : WORKER_WAIT_MS, 0);
    worker->open[worker->n_open++] = call;
    worker->n_calls++;
    return call;
}

void
app_worker_free_call(struct open_call *call)
{
    if (call) {
        ofpbuf_delete(call->message);
        ofpbuf_uninit(&call->in);
        ofpbuf_uninit(&call->answer);
        ofpbuf_uninit(&call->asked);
        free(call->what);
        free(call);
    }
}

void
app_worker_close_call(struct app_worker *worker, unsigned i)
{
    app_worker_free_call(worker->open[i]);
    worker->n_open--;
    memmove(&worker->open[i], &worker->open[i + 1],
            (worker->n_open - i) * sizeof *worker->open);
}

void
app_worker_close_late(struct app_worker *worker)
{
    worker->n_processes++;
    while (worker->n_open > worker->n_active) {
        app_worker_close_call(worker, worker->n_open - 1);
    }
}

void
app_worker_forget_failed(struct app_worker *worker)
{
    app_worker_free_call(worker->failed);
    worker->failed = NULL;
    free(worker->failed_problem);
    worker->failed_problem = NULL;
}

/* Messages.  -------------------------------------------------------------- */

void
app_worker_start_talk(struct worker_talk *talk, const struct ofpbuf *out,
                      struct ofpbuf *in)
{
    ofpbuf_clear(in);
    *talk = (struct worker_talk) { .out = out, .in = in, .max = talk->max };
}

bool
app_worker_same_contents(const struct ofpbuf *a, const struct ofpbuf *b)
{
    const size_t ofs = sizeof(struct worker_head);

    return (a->size == b->size
            && !memcmp((const char *) a->data + ofs,
                       (const char *) b->data + ofs, a->size - ofs));
}

char *
app_worker_take_refusal(const struct ofpbuf *in)
{
    struct wire_reader reader;

    wire_reader_init(&reader, in->data, in->size);
    wire_take(&reader, sizeof(struct worker_head));
    return app_text_clean(wire_take_text(&reader), REFUSAL_LEN);
}

char *
app_worker_take_log(struct app_worker *worker, const struct ofpbuf *in,
                    bool quiet, struct ofpbuf *out)
{
    struct wire_reader reader;
    const char *text;

    wire_reader_init(&reader, in->data, in->size);
    wire_take(&reader, sizeof(struct worker_head));
    text = wire_take_text(&reader);
    if (reader.bad) {
        return xstrdup("sent what is no line");
    }
    if (!quiet) {
        app_log_add(&worker->log, worker->what, text);
    }
    ofpbuf_clear(out);
    wire_begin(out, WORKER_ANSWER);
    wire_end(out);
    return NULL;
}

bool
app_worker_make_answer(const void *message, size_t size, struct ofpbuf *out,
                       const struct app_worker_client *client)
{
    struct wire_reader reader;
    struct worker_read read;

    wire_reader_init(&reader, message, size);
    wire_take(&reader, sizeof(struct worker_head));
    wire_take_read(&reader, &read);
    ofpbuf_clear(out);
    wire_begin(out, WORKER_ANSWER);
    if (!reader.bad) {
        client->answer(client->aux, &read, out);
    }
    wire_end(out);
    return !reader.bad;
}

/* The head is excluded, since it has the number of a processor. */
uint64_t
app_worker_digest(const struct app_worker *worker, uint64_t digest,
                  const struct ofpbuf *message)
{
    const size_t ofs = sizeof(struct worker_head);

    return siphash24(&worker->key, digest, (const char *) message->data + ofs,
                     message->size - ofs);
}
