/* SPDX-License-Identifier: Apache-2.0
 *
 * Waits until a revision is installed on all hosts that it concerns; see
 * fabric-receipts.h. */

#include <config.h>

#include "controller/fabric/fabric-receipts.h"

#include <event2/event.h>
#include <stdlib.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/receipts-private.h"
#include "controller/schema/arena.h"
#include "openvswitch/list.h"
#include "proto/loop/loop.h"
#include "util.h"

struct fabric_wait {
    struct ovs_list node;       /* In struct fabric_receipts' 'waits'. */
    struct fabric *fabric;
    uint64_t revision;
    struct event *timer;        /* The time-out. */
    fabric_wait_cb *cb;
    void *aux;
};

static void
answer_wait(struct fabric_wait *wait, bool installed)
{
    struct fabric_receipt receipt;
    fabric_wait_cb *cb = wait->cb;
    void *aux = wait->aux;
    struct arena arena;
    bool known;

    arena_init(&arena);
    known = fabric_get_receipt(wait->fabric, wait->revision, &arena, &receipt);
    fabric_wait_cancel(wait);
    cb(aux, installed, known ? &receipt : NULL);
    arena_uninit(&arena);
}

static void
timeout_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *wait_)
{
    struct fabric_wait *wait = wait_;

    answer_wait(wait, receipt_is_installed(wait->fabric, wait->revision));
}

struct fabric_wait *
fabric_wait(struct fabric *f, uint64_t revision, int timeout_ms,
            fabric_wait_cb *cb, void *aux)
{
    struct fabric_wait *wait = xzalloc(sizeof *wait);
    struct timeval tv;

    timeout_ms = MAX(timeout_ms, 0);
    tv.tv_sec = timeout_ms / 1000;
    tv.tv_usec = (timeout_ms % 1000) * 1000;
    wait->fabric = f;
    wait->revision = revision;
    wait->cb = cb;
    wait->aux = aux;
    wait->timer = event_new(f->base, -1, 0, timeout_cb, wait);
    event_add(wait->timer, &tv);
    ovs_list_push_back(&f->receipts->waits, &wait->node);
    if (receipt_is_installed(f, revision)) {
        event_active(f->receipts->check, EV_TIMEOUT, 1);
    }
    return wait;
}

void
fabric_wait_cancel(struct fabric_wait *wait)
{
    if (wait) {
        ovs_list_remove(&wait->node);
        event_free(wait->timer);
        free(wait);
    }
}

void
receipt_waits_cancel(struct fabric *f)
{
    struct fabric_receipts *r = f->receipts;

    while (!ovs_list_is_empty(&r->waits)) {
        fabric_wait_cancel(CONTAINER_OF(ovs_list_front(&r->waits),
                                        struct fabric_wait, node));
    }
}

bool
receipt_waits_answer(struct fabric *f, void (*before)(struct fabric *))
{
    struct fabric_receipts *r = f->receipts;
    struct fabric_wait *wait;
    struct ovs_list ready;

    ovs_list_init(&ready);
    LIST_FOR_EACH_SAFE (wait, node, &r->waits) {
        if (receipt_is_installed(f, wait->revision)) {
            ovs_list_remove(&wait->node);
            ovs_list_push_back(&ready, &wait->node);
        }
    }
    before(f);
    while (!ovs_list_is_empty(&ready)) {
        answer_wait(CONTAINER_OF(ovs_list_front(&ready), struct fabric_wait,
                                 node), true);
        if (loop_turn_is_over(f->loop)) {
            break;
        }
    }
    if (ovs_list_is_empty(&ready)) {
        return false;
    }
    ovs_list_push_back_all(&r->waits, &ready);
    return true;
}
