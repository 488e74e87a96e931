/* SPDX-License-Identifier: Apache-2.0
 *
 * See fqdn-rows.h.  If a request fails, its rows are tried again in smaller
 * ones, and what fails alone is tried again by a clock of its own: what one
 * name is said to have must not hold up those of others, say by more flows
 * than a host may have. */

#include <config.h>

#include "controller/fqdn/fqdn-rows.h"

#include <event2/event.h>
#include <stdlib.h>

#include "controller/commit/commit.h"
#include "controller/model/model.h"
#include "controller/schema/schema-origin.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(fqdn_rows);

/* Rows in a request, well below the model's bound. */
#define OPS_MAX 1024
/* For how long changes are gathered, in milliseconds: each request is stored
 * by itself. */
#define GATHER_MS 200
/* The same of what somebody waits for. */
#define GATHER_SOON_MS 5
/* First and longest delay of what has failed alone. */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000

struct fqdn_rows {
    struct model *model;
    struct commit *commit;
    fqdn_rows_cb *desired;
    void *aux;
    struct sset due;            /* Names of rows. */
    struct smap failed;         /* Those that failed alone, and why. */
    size_t n_max;               /* Rows in a request. */
    struct event *flush;        /* Of 'due'. */
    struct event *retry;        /* Of 'failed'. */
    struct rows_request *sent;  /* The pending request, or NULL. */
    int retry_ms;
    int64_t flush_ms;           /* When 'flush' is; of time_msec(). */
    int64_t begun_ms;           /* When the last request was made. */
};

struct rows_request {
    struct fqdn_rows *owner;
    struct sset names;
};

static void
event_in(struct event *event, int ms)
{
    const struct timeval in = { ms / 1000, ms % 1000 * 1000 };

    if (!event_pending(event, EV_TIMEOUT, NULL)) {
        event_add(event, &in);
    }
}

/* Has the rows be flushed at 'at', unless they are before. */
static void
flush_by(struct fqdn_rows *rows, int64_t at)
{
    if (!event_pending(rows->flush, EV_TIMEOUT, NULL)
        || at < rows->flush_ms) {
        event_del(rows->flush);
        event_in(rows->flush, (int) MAX(at - time_msec(), 0));
        rows->flush_ms = at;
    }
}

void
fqdn_rows_update(struct fqdn_rows *rows, const char *name)
{
    sset_add(&rows->due, name);
    if (!rows->sent) {
        flush_by(rows, time_msec() + GATHER_MS);
    }
}

void
fqdn_rows_update_soon(struct fqdn_rows *rows, const char *name)
{
    sset_add(&rows->due, name);
    if (!rows->sent) {
        flush_by(rows, MAX(time_msec() + GATHER_SOON_MS,
                           rows->begun_ms + GATHER_MS));
    }
}

const char *
fqdn_rows_fault(const struct fqdn_rows *rows, const char *name)
{
    return smap_get(&rows->failed, name);
}

static void
request_free(struct rows_request *sent)
{
    sset_destroy(&sent->names);
    free(sent);
}

/* Takes back the rows of a request that failed. */
static void
take_back(struct fqdn_rows *rows, const struct rows_request *sent,
          const char *why)
{
    size_t n = sset_count(&sent->names);
    const char *name;

    SSET_FOR_EACH (name, &sent->names) {
        if (n > 1) {
            sset_add(&rows->due, name);
        } else {
            smap_replace(&rows->failed, name, why);
        }
    }
    rows->n_max = MAX(n / 2, 1);
}

/* Takes note of rows that are stored. */
static void
take_stored(struct fqdn_rows *rows, const struct rows_request *sent)
{
    const char *name;

    SSET_FOR_EACH (name, &sent->names) {
        smap_remove(&rows->failed, name);
    }
    rows->n_max = MIN(rows->n_max * 2, OPS_MAX);
}

static void
done_cb(void *sent_, const struct commit_result *result)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 10);
    struct rows_request *sent = sent_;
    struct fqdn_rows *rows = sent->owner;

    rows->sent = NULL;
    if (result->ok) {
        take_stored(rows, sent);
    } else {
        const char *why = (result->errors->n ? result->errors->errors[0].text
                           : "no reason given");

        VLOG_WARN_RL(&rl, "addresses of %s%s were not stored: %s; trying "
                     "again", SSET_FIRST(&sent->names),
                     sset_count(&sent->names) > 1 ? " and others" : "", why);
        take_back(rows, sent, why);
    }
    request_free(sent);
    if (!sset_is_empty(&rows->due)) {
        flush_by(rows, time_msec() + GATHER_MS);
    }
    if (smap_is_empty(&rows->failed)) {
        rows->retry_ms = RETRY_MIN_MS;
    } else if (!event_pending(rows->retry, EV_TIMEOUT, NULL)) {
        event_in(rows->retry, rows->retry_ms);
        rows->retry_ms = MIN(rows->retry_ms * 2, RETRY_MAX_MS);
    }
}

/* Whatever comes of it, each that is still refused arms this again. */
static void
retry_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *rows_)
{
    struct fqdn_rows *rows = rows_;
    struct smap_node *node;

    SMAP_FOR_EACH (node, &rows->failed) {
        fqdn_rows_update(rows, node->key);
    }
}

static void
flush_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *rows_)
{
    struct fqdn_rows *rows = rows_;
    struct model_request request;
    struct rows_request *sent;

    if (rows->sent) {
        return;                 /* done_cb() continues. */
    }
    sent = xzalloc(sizeof *sent);
    sent->owner = rows;
    sset_init(&sent->names);
    /* Not a person's change: the log keeps it as such. */
    model_request_init(&request, ORIGIN_NAME_VMND);
    while (!sset_is_empty(&rows->due) && request.n_ops < rows->n_max) {
        char *name = sset_pop(&rows->due);
        json_t *spec;

        if (!rows->desired(rows->aux, name, &spec)) {
            smap_remove(&rows->failed, name);
            free(name);
            continue;
        }
        if (spec) {
            model_request_add(&request, MODEL_PUT, VMN_TABLE_FQDN, name,
                              spec);
        } else if (model_get(rows->model, VMN_TABLE_FQDN, name)) {
            model_request_add(&request, MODEL_DELETE, VMN_TABLE_FQDN, name,
                              NULL)->missing_ok = true;
        } else {
            smap_remove(&rows->failed, name);
            free(name);
            continue;
        }
        sset_add_and_free(&sent->names, name);
    }
    if (request.n_ops) {
        rows->sent = sent;
        rows->begun_ms = time_msec();
        commit_submit(rows->commit, &request, done_cb, sent);
    } else {
        request_free(sent);
    }
    model_request_uninit(&request);
}

struct fqdn_rows *
fqdn_rows_create(struct event_base *base, struct model *model,
                 struct commit *commit, fqdn_rows_cb *desired, void *aux)
{
    struct fqdn_rows *rows = xzalloc(sizeof *rows);

    rows->model = model;
    rows->commit = commit;
    rows->desired = desired;
    rows->aux = aux;
    rows->retry_ms = RETRY_MIN_MS;
    rows->n_max = OPS_MAX;
    sset_init(&rows->due);
    smap_init(&rows->failed);
    rows->flush = event_new(base, -1, 0, flush_cb, rows);
    rows->retry = event_new(base, -1, 0, retry_cb, rows);
    return rows;
}

void
fqdn_rows_destroy(struct fqdn_rows *rows)
{
    if (rows) {
        if (rows->sent) {
            /* Its callback is not called any more: see commit_stop(). */
            request_free(rows->sent);
        }
        event_free(rows->flush);
        event_free(rows->retry);
        sset_destroy(&rows->due);
        smap_destroy(&rows->failed);
        free(rows);
    }
}
