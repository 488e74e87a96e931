/* SPDX-License-Identifier: Apache-2.0
 *
 * See health-commit.h.  What a row is to say is asked when its request is
 * made, so one that changes often while another request is on its way costs
 * nothing more.  If a request fails, its rows are looked at again a while
 * later. */

#include <config.h>

#include "controller/health/health-commit.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/health/prober.h"
#include "controller/model/model.h"
#include "controller/schema/schema-origin.h"
#include "openvswitch/vlog.h"
#include "sset.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(health_commit);

/* Rows in a request, well below the model's bound. */
#define OPS_MAX 4096
/* First and longest delay after a failure, in milliseconds. */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000

struct health_commit {
    struct model *model;
    struct commit *commit;
    health_commit_desired_cb *desired;
    void *aux;
    struct sset due;            /* Names of rows. */
    struct event *flush;
    struct health_request *sent; /* The pending request, or NULL. */
    int retry_ms;
};

struct health_request {
    struct health_commit *owner;
    struct sset names;
};

static void
flush_in(struct health_commit *hc, int ms)
{
    const struct timeval in = { ms / 1000, ms % 1000 * 1000 };

    event_add(hc->flush, &in);
}

void
health_commit_update(struct health_commit *hc, const char *balancer,
                     const char *port)
{
    char *name = xasprintf("%s/%s", balancer, port);

    sset_add_and_free(&hc->due, name);
    if (!hc->sent && !event_pending(hc->flush, EV_TIMEOUT, NULL)) {
        event_active(hc->flush, EV_TIMEOUT, 1);
    }
}

static void
request_free(struct health_request *sent)
{
    sset_destroy(&sent->names);
    free(sent);
}

static void
done_cb(void *sent_, const struct commit_result *result)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 10);
    struct health_request *sent = sent_;
    struct health_commit *hc = sent->owner;
    const char *name;

    hc->sent = NULL;
    if (result->ok) {
        hc->retry_ms = RETRY_MIN_MS;
        if (!sset_is_empty(&hc->due)) {
            flush_in(hc, 0);
        }
    } else {
        VLOG_WARN_RL(&rl, "states of backends were not stored: %s; trying "
                     "again", result->errors->n
                     ? result->errors->errors[0].text : "no reason given");
        SSET_FOR_EACH (name, &sent->names) {
            sset_add(&hc->due, name);
        }
        flush_in(hc, hc->retry_ms);
        hc->retry_ms = MIN(hc->retry_ms * 2, RETRY_MAX_MS);
    }
    request_free(sent);
}

/* Adds the operation that row 'name' needs, if any. */
static void
add_row(struct health_commit *hc, struct model_request *request,
        const char *name)
{
    static const char *const words[] = {
        [VMN_HEALTH_UP] = "up", [VMN_HEALTH_DOWN] = "down",
        [VMN_HEALTH_DRAINED] = "drained",
    };
    const struct vmn_health *row = model_get(hc->model, VMN_TABLE_HEALTH,
                                             name);
    size_t len = strcspn(name, "/");
    char *balancer = xmemdup0(name, len);
    bool is_target = name[0] == PROBER_TARGET;
    const char *port = name + len + 1;
    const char *desired = hc->desired(hc->aux, balancer, port);

    /* Rows are deleted with the objects that they are about. */
    if ((!is_target && !model_get(hc->model, VMN_TABLE_LOADBALANCER, balancer))
        || !model_get(hc->model, VMN_TABLE_PORT, port)) {
        desired = NULL;
    }
    if (!desired && row) {
        model_request_add(request, MODEL_DELETE, VMN_TABLE_HEALTH, name,
                          NULL)->missing_ok = true;
    } else if (desired && (!row || strcmp(words[row->state], desired))) {
        model_request_add(request, MODEL_PUT, VMN_TABLE_HEALTH, name,
                          json_pack("{s:s, s:s, s:s}",
                                    is_target ? "target" : "loadbalancer",
                                    balancer + is_target, "port", port,
                                    "state", desired));
    }
    free(balancer);
}

static void
flush_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *hc_)
{
    struct health_commit *hc = hc_;
    struct model_request request;
    struct health_request *sent;

    if (hc->sent) {
        return;                 /* done_cb() continues. */
    }
    sent = xzalloc(sizeof *sent);
    sent->owner = hc;
    sset_init(&sent->names);
    model_request_init(&request, ORIGIN_NAME_HEALTH);
    while (!sset_is_empty(&hc->due) && request.n_ops < OPS_MAX) {
        char *name = sset_pop(&hc->due);

        add_row(hc, &request, name);
        sset_add_and_free(&sent->names, name);
    }
    if (request.n_ops) {
        hc->sent = sent;
        commit_submit(hc->commit, &request, done_cb, sent);
    } else {
        request_free(sent);
    }
    model_request_uninit(&request);
}

struct health_commit *
health_commit_create(struct event_base *base, struct model *model,
                     struct commit *commit, health_commit_desired_cb *desired,
                     void *aux)
{
    struct health_commit *hc = xzalloc(sizeof *hc);

    hc->model = model;
    hc->commit = commit;
    hc->desired = desired;
    hc->aux = aux;
    hc->retry_ms = RETRY_MIN_MS;
    sset_init(&hc->due);
    hc->flush = event_new(base, -1, 0, flush_cb, hc);
    return hc;
}

void
health_commit_destroy(struct health_commit *hc)
{
    if (hc) {
        if (hc->sent) {
            /* Its callback is not called any more: see commit_stop(). */
            request_free(hc->sent);
        }
        event_free(hc->flush);
        sset_destroy(&hc->due);
        free(hc);
    }
}
