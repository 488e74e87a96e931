/* SPDX-License-Identifier: Apache-2.0
 *
 * libcurl's "multi" interface on libevent; see loop-curl.h. */

#include <config.h>

#include "proto/loop/loop-curl.h"

#include <event2/event.h>
#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(loop_curl);

struct loop_curl {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;        /* When libcurl wants to be called next. */
    size_t n_transfers;
};

/* Calls 'done' of the transfers that have ended. */
static void
take_ended(struct loop_curl *lc)
{
    const CURLMsg *msg;
    int n_left;

    while ((msg = curl_multi_info_read(lc->multi, &n_left)) != NULL) {
        struct loop_curl_transfer *transfer;
        CURLcode result = msg->data.result;

        if (msg->msg == CURLMSG_DONE) {
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &transfer);
            loop_curl_remove(lc, transfer);
            transfer->done(transfer->aux, result);
        }
    }
}

static void
act(struct loop_curl *lc, curl_socket_t fd, int what)
{
    int n_running;
    CURLMcode error = curl_multi_socket_action(lc->multi, fd, what,
                                               &n_running);

    if (error) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_ERR_RL(&rl, "%s", curl_multi_strerror(error));
    }
    take_ended(lc);
}

static void
fd_cb(evutil_socket_t fd, short what, void *lc)
{
    act(lc, fd, (what & EV_READ ? CURL_CSELECT_IN : 0)
                | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *lc)
{
    act(lc, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl's CURLMOPT_SOCKETFUNCTION: waits for 'what' of 'fd' from now on.
 * 'event_' was set by curl_multi_assign(), or is NULL. */
static int
watch_fd(CURL *easy OVS_UNUSED, curl_socket_t fd, int what, void *lc_,
         void *event_)
{
    struct event *event = event_;
    struct loop_curl *lc = lc_;

    if (event) {
        event_free(event);
        event = NULL;
    }
    if (what != CURL_POLL_REMOVE) {
        event = event_new(lc->base, fd,
                          EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0)
                          | (what & CURL_POLL_OUT ? EV_WRITE : 0), fd_cb, lc);
        event_add(event, NULL);
    }
    curl_multi_assign(lc->multi, fd, event);
    return 0;
}

/* libcurl's CURLMOPT_TIMERFUNCTION: sets the timeout after which libcurl is to
 * be called, or none (-1).  libcurl does not allow to be called from here. */
static int
watch_time(CURLM *multi OVS_UNUSED, long ms, void *lc_)
{
    struct loop_curl *lc = lc_;

    if (ms < 0) {
        event_del(lc->timer);
    } else {
        struct timeval tv = { .tv_sec = ms / 1000,
                              .tv_usec = ms % 1000 * 1000 };

        event_add(lc->timer, &tv);
    }
    return 0;
}

struct loop_curl *
loop_curl_create(struct event_base *base)
{
    struct loop_curl *lc = xzalloc(sizeof *lc);

    lc->base = base;
    lc->timer = evtimer_new(base, timer_cb, lc);
    if (curl_global_init(CURL_GLOBAL_DEFAULT)
        || !(lc->multi = curl_multi_init())) {
        VLOG_FATAL("libcurl cannot be used: no memory or no sockets");
    }
    curl_multi_setopt(lc->multi, CURLMOPT_SOCKETFUNCTION, watch_fd);
    curl_multi_setopt(lc->multi, CURLMOPT_SOCKETDATA, lc);
    curl_multi_setopt(lc->multi, CURLMOPT_TIMERFUNCTION, watch_time);
    curl_multi_setopt(lc->multi, CURLMOPT_TIMERDATA, lc);
    return lc;
}

void
loop_curl_destroy(struct loop_curl *lc)
{
    if (lc) {
        ovs_assert(!lc->n_transfers);
        curl_multi_cleanup(lc->multi);
        curl_global_cleanup();
        event_free(lc->timer);
        free(lc);
    }
}

void
loop_curl_add(struct loop_curl *lc, struct loop_curl_transfer *transfer)
{
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_QUICK_EXIT, 1L);
    /* A signal handler of libcurl's would be one for all of the process. */
    curl_easy_setopt(transfer->easy, CURLOPT_NOSIGNAL, 1L);
    if (curl_multi_add_handle(lc->multi, transfer->easy)) {
        out_of_memory();
    }
    lc->n_transfers++;
}

void
loop_curl_remove(struct loop_curl *lc, struct loop_curl_transfer *transfer)
{
    curl_multi_remove_handle(lc->multi, transfer->easy);
    lc->n_transfers--;
}
