/* SPDX-License-Identifier: Apache-2.0
 *
 * Waits until revisions are installed on all hosts that they concern, and with
 * them the bindings that follow from them; see fabric-receipts.h. */

#include <config.h>

#include "controller/fabric/fabric-receipts.h"

#include <event2/event.h>
#include <stdlib.h>

#include "controller/engine/engine.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/receipts-private.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/arena.h"
#include "openvswitch/list.h"
#include "proto/loop/loop.h"
#include "svec.h"
#include "util.h"

struct fabric_wait {
    struct ovs_list node;       /* In struct fabric_receipts' 'waits'. */
    struct fabric *fabric;
    uint64_t newest;            /* Of all revisions of the wait. */
    uint64_t missing;           /* One that was not installed at the last
                                 * check. */
    size_t n_revisions;         /* Not known to be installed yet; ascending. */
    uint64_t *revisions;
    uint64_t change;            /* The newest of 'revisions' as given. */
    bool late;                  /* An app was late with one at some check. */
    struct svec ports;          /* Not checked successfully yet. */
    struct event *timer;        /* The time-out. */
    fabric_wait_cb *cb;
    void *aux;
};

static bool
is_installed(struct fabric_wait *wait, uint64_t revision)
{
    bool installed = receipt_is_installed(wait->fabric, revision);

    if (!installed) {
        wait->missing = revision;
        wait->late |= engine_late_app(wait->fabric->engine, revision) != NULL;
    }
    return installed;
}

/* Returns true once all revisions are installed; each is checked until it is.
 * For revisions without a receipt, only the newest is checked. */
static bool
revisions_are_installed(struct fabric_wait *wait)
{
    while (wait->n_revisions) {
        uint64_t revision = wait->revisions[wait->n_revisions - 1];

        if (!is_installed(wait, revision)) {
            return false;
        }
        if (receipt_find(wait->fabric->receipts, revision)) {
            wait->n_revisions--;
        } else {
            wait->n_revisions = 0;
        }
    }
    return true;
}

/* Returns true once the bindings that follow from reports made before the
 * change are installed, too.  Older bindings follow from other changes. */
static bool
bindings_are_installed(struct fabric_wait *wait)
{
    const struct fabric *f = wait->fabric;

    while (wait->ports.n) {
        const char *port = wait->ports.names[wait->ports.n - 1];
        uint64_t revision;

        wait->missing = wait->change;
        if (!f->callbacks->port_binding(f, port, &revision)) {
            return false;
        }
        if (revision > wait->change) {
            if (!is_installed(wait, revision)) {
                return false;
            }
            wait->newest = MAX(wait->newest, revision);
        }
        free(wait->ports.names[--wait->ports.n]);
    }
    return true;
}

/* Returns true once hosts have what an app has computed late: that has no
 * revision, so all that was sent them is waited for. */
static bool
late_flows_are_installed(const struct fabric_wait *wait)
{
    const struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &wait->fabric->hosts) {
        if (wait->late && host->sw->conn
            && (host->sw->bundles.n_sent
                || !backlog_is_empty(&host->sw->bundles.backlog))) {
            return false;
        }
    }
    return true;
}

/* Checks the newest revision once more: the answer has its receipt, and an app
 * may be late with it only since it was installed, as when a worker is started
 * again. */
static bool
is_fulfilled(struct fabric_wait *wait)
{
    return (revisions_are_installed(wait) && bindings_are_installed(wait)
            && is_installed(wait, wait->newest)
            && late_flows_are_installed(wait));
}

static void
answer_wait(struct fabric_wait *wait, bool installed)
{
    struct fabric_receipt receipt;
    fabric_wait_cb *cb = wait->cb;
    void *aux = wait->aux;
    struct arena arena;
    bool known;

    arena_init(&arena);
    known = fabric_get_receipt(wait->fabric,
                               installed ? wait->newest : wait->missing,
                               &arena, &receipt);
    receipt.installed &= installed;
    fabric_wait_cancel(wait);
    cb(aux, installed, known ? &receipt : NULL);
    arena_uninit(&arena);
}

static void
timeout_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *wait_)
{
    struct fabric_wait *wait = wait_;

    answer_wait(wait, is_fulfilled(wait));
}

struct fabric_wait *
fabric_wait(struct fabric *f, const struct fabric_wait_for *what,
            int timeout_ms, fabric_wait_cb *cb, void *aux)
{
    struct fabric_wait *wait = xzalloc(sizeof *wait);
    struct timeval tv;

    timeout_ms = MAX(timeout_ms, 0);
    tv.tv_sec = timeout_ms / 1000;
    tv.tv_usec = (timeout_ms % 1000) * 1000;
    wait->fabric = f;
    wait->n_revisions = what->n_revisions;
    wait->revisions = xmemdup(what->revisions,
                              what->n_revisions * sizeof *wait->revisions);
    wait->newest = wait->change = what->revisions[what->n_revisions - 1];
    svec_init(&wait->ports);
    for (size_t i = 0; i < what->n_ports; i++) {
        svec_add(&wait->ports, what->ports[i]);
    }
    wait->cb = cb;
    wait->aux = aux;
    wait->timer = event_new(f->base, -1, 0, timeout_cb, wait);
    event_add(wait->timer, &tv);
    ovs_list_push_back(&f->receipts->waits, &wait->node);
    if (is_fulfilled(wait)) {
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
        svec_destroy(&wait->ports);
        free(wait->revisions);
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
        if (is_fulfilled(wait)) {
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
