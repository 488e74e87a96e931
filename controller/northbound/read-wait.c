/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads that wait until the state that they are of has the revision that the
 * client asks for: ?at_least=REVISION.  Not for waits for hosts
 * (change-wait.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/list.h"
#include "timeval.h"
#include "util.h"

/* How long a read waits, in milliseconds. */
#define WAIT_MS NB_TIMEOUT_DEFAULT_MS
/* Of NB_DIGITS_MAX digits. */
#define AT_LEAST_MAX UINT64_C(999999999999999999)

struct read_waits {
    struct northbound *nb;
    struct ovs_list waits;      /* Of struct read_wait. */
    struct event *timer;        /* For the first whose time is over. */
    bool due;                   /* check_cb() is called once the commit is
                                 * quiescent. */
    bool active;                /* The timer is: check_cb() comes. */
};

struct read_wait {
    struct ovs_list node;
    struct read_waits *all;
    struct http_request *req;
    uint64_t at_least;          /* The revision. */
    long long int end_ms;
};

static struct http_request *
end_wait(struct read_wait *wait)
{
    struct http_request *req = wait->req;

    ovs_list_remove(&wait->node);
    free(wait);
    return req;
}

static void
client_left(void *wait)
{
    http_request_drop(end_wait(wait));
}

/* Has the request handled. */
static void
admit(struct read_wait *wait)
{
    struct http_request *req = end_wait(wait);

    http_request_set_close_cb(req, NULL, NULL);
    http_request_handle(req);
}

/* The time of the request is over. */
static void
give_up(struct read_wait *wait)
{
    struct northbound *nb = wait->all->nb;
    uint64_t at_least = wait->at_least;
    struct http_request *req = end_wait(wait);

    http_request_set_close_cb(req, NULL, NULL);
    http_reply_problem(req, 504, "behind", json_pack("[o]", http_query_error(
        "at_least", "revision %"PRIu64" is not there, %d s after the request",
        at_least, WAIT_MS / 1000)), "There is no revision %"PRIu64" yet; the "
                       "newest is %"PRIu64, at_least,
                       model_durable_revision(nb->model));
}

static void
set_timer(struct read_waits *all)
{
    const struct read_wait *wait;
    long long int ms = LLONG_MAX;

    if (all->active) {
        return;                 /* To add it would undo that. */
    }
    LIST_FOR_EACH (wait, node, &all->waits) {
        ms = MIN(ms, MAX(wait->end_ms - time_msec(), 0) + 1);
    }
    if (ms != LLONG_MAX) {
        const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

        event_add(all->timer, &tv);
    }
}

static void
check_now(struct read_waits *all)
{
    all->active = true;
    event_active(all->timer, EV_TIMEOUT, 1);
}

/* A reply may have the next request of its connection wait: that goes to the
 * end of the list. */
static void
check_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *all_)
{
    struct read_waits *all = all_;
    size_t n = ovs_list_size(&all->waits);

    all->active = false;
    while (n-- && !ovs_list_is_empty(&all->waits)) {
        struct read_wait *wait = CONTAINER_OF(
            ovs_list_pop_front(&all->waits), struct read_wait, node);

        ovs_list_push_back(&all->waits, &wait->node);
        if (wait->at_least <= model_durable_revision(all->nb->model)) {
            admit(wait);
        } else if (wait->end_ms <= time_msec()) {
            give_up(wait);
        }
    }
    set_timer(all);
}

static void
quiescent_cb(void *all_)
{
    struct read_waits *all = all_;

    all->due = false;
    check_now(all);
}

/* What a group has made is shown once it is settled. */
static void
group_cb(void *all_, const struct commit_group *group OVS_UNUSED)
{
    struct read_waits *all = all_;

    if (!all->due && !ovs_list_is_empty(&all->waits)) {
        all->due = true;
        commit_when_quiescent(all->nb->commit, quiescent_cb, all);
    }
}

bool
nb_hold_read(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct read_waits *all = nb->read_waits;
    struct read_wait *wait;
    uint64_t at_least;

    if (!nb_query_number(req, "at_least", 1, AT_LEAST_MAX, 0, &at_least)) {
        return true;
    }
    if (!strcmp(http_request_method(req), "GET")
        || !strcmp(http_request_method(req), "HEAD")) {
        nb_mark_age(nb, req);
    }
    if (at_least <= model_durable_revision(nb->model)) {
        return false;
    }
    wait = xmalloc(sizeof *wait);
    *wait = (struct read_wait) {
        .all = all, .req = req, .at_least = at_least,
        .end_ms = time_msec() + WAIT_MS,
    };
    ovs_list_push_back(&all->waits, &wait->node);
    http_request_set_close_cb(req, client_left, wait);
    set_timer(all);
    return true;
}

struct read_waits *
read_waits_create(struct northbound *nb)
{
    struct read_waits *all = xzalloc(sizeof *all);

    all->nb = nb;
    ovs_list_init(&all->waits);
    all->timer = evtimer_new(nb->base, check_cb, all);
    commit_add_watch(nb->commit, group_cb, all);
    return all;
}

void
read_waits_destroy(struct read_waits *all)
{
    if (all) {
        commit_remove_watch(all->nb->commit, group_cb, all);
        commit_cancel_when_quiescent(all->nb->commit, quiescent_cb, all);
        event_free(all->timer);
        free(all);
    }
}
