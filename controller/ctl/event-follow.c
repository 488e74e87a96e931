/* SPDX-License-Identifier: Apache-2.0
 *
 * A client of event streams: parses them (HTML standard, section 9.2.6, as far
 * as vmnd uses it), and resumes when the connection was lost. */

#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/api-call.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* vmnd sends at least a heartbeat every 15 s. */
#define IDLE_TIMEOUT_MS (60 * 1000)
/* Delay before a reconnect. */
#define AGAIN_MS 1000
/* Maximum size of an event, in bytes. */
#define EVENT_SIZE_MAX (16 * 1024 * 1024)

struct listener {
    struct ctl *ctl;
    ctl_event_cb *cb;
    void *aux;
    struct ds text;             /* Of the event being received. */
    char *id;                   /* Of the last event, or NULL. */
    enum ctl_exit status;       /* CTL_DONE: continue. */
    bool ended;                 /* The server has sent all. */
    bool disconnected;          /* The server cannot be reached, and that was
                                 * printed. */
};

/* Handles the event in 'text', lines of "FIELD: VALUE". */
static void
handle_event(struct listener *l, char *text)
{
    const char *kind = NULL, *data = NULL;
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (!strncmp(line, "id: ", 4)) {
            free(l->id);
            l->id = xstrdup(line + 4);
        } else if (!strncmp(line, "event: ", 7)) {
            kind = line + 7;
        } else if (!strncmp(line, "data: ", 6)) {
            data = line + 6;
        }
    }
    if (kind && !strcmp(kind, "end")) {
        l->ended = true;
    } else if (kind && data) {
        json_t *json = json_loads(data, 0, NULL);

        l->status = l->cb(l->ctl, kind, l->id ? l->id : "", json, l->aux);
        json_decref(json);
        fflush(l->ctl->out);
    }
}

/* Handles received data; returns false to end the stream. */
static bool
data_cb(void *l_, const char *data, size_t size)
{
    struct listener *l = l_;
    char *end;

    if (l->text.length + size > EVENT_SIZE_MAX) {
        fprintf(l->ctl->err, "vmnctl: an event is longer than %d bytes\n",
                EVENT_SIZE_MAX);
        l->status = CTL_REFUSED;
    } else {
        ds_put_buffer(&l->text, data, size);
    }
    while (!l->status && !l->ended
           && (end = strstr(ds_cstr(&l->text), "\n\n"))) {
        size_t n = end - l->text.string;
        char *event = xmemdup0(l->text.string, n);

        memmove(l->text.string, end + 2, l->text.length - n - 2 + 1);
        l->text.length -= n + 2;
        handle_event(l, event);
        free(event);
    }
    l->disconnected = false;
    return !l->status && !l->ended;
}

static void
pause_a_bit(void)
{
    const struct timespec again = { AGAIN_MS / 1000,
                                    AGAIN_MS % 1000 * 1000000L };

    nanosleep(&again, NULL);
}

/* Listens until the stream ends. */
static enum ctl_exit
listen_once(struct listener *l, const char *query)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, "events", NULL);
    ds_put_cstr(&path, query);
    if (l->id) {
        ctl_append_query(&path, "after", l->id);
    }
    ds_clear(&l->text);
    status = ctl_stream(l->ctl, ds_cstr(&path), IDLE_TIMEOUT_MS, data_cb, l,
                        l->id != NULL);
    ds_destroy(&path);
    return status;
}

enum ctl_exit
ctl_follow_events(struct ctl *ctl, const char *query, ctl_event_cb *cb,
                  void *aux)
{
    struct listener l = { .ctl = ctl, .cb = cb, .aux = aux };
    enum ctl_exit status;

    for (;;) {
        status = listen_once(&l, query);
        status = l.ended ? CTL_DONE : l.status ? l.status : status;
        /* A server that could never be reached is not waited for. */
        if (l.ended || l.status || status == CTL_REFUSED || status == CTL_USAGE
            || !l.id) {
            break;
        }
        if (!l.disconnected) {
            fprintf(ctl->err, "vmnctl: the connection is lost; this goes on "
                    "when a server replies\n");
            l.disconnected = true;
        }
        pause_a_bit();
    }
    ds_destroy(&l.text);
    free(l.id);
    return status;
}
