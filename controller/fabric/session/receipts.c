/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps the receipts of revisions in memory; see receipts.h.  Not for queries
 * (receipt-status.c).  A receipt is kept per group of revisions, since a group
 * is sent as one bundle per host. */

#include <config.h>

#include "controller/fabric/session/receipts.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/receipts-private.h"
#include "controller/fabric/session/switch.h"
#include "controller/model/id-pools.h"
#include "openvswitch/list.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

static void check_cb(evutil_socket_t, short, void *fabric);
static void free_numbers(void *fabric);

void
receipts_create(struct fabric *f)
{
    struct fabric_receipts *r = xzalloc(sizeof *r);

    sset_init(&r->names);
    ovs_list_init(&r->waits);
    r->check = event_new(f->base, -1, 0, check_cb, f);
    f->receipts = r;
    receipt_history_init(f);
}

static void
receipt_destroy(struct receipt *receipt)
{
    for (size_t i = 0; i < receipt->n_hosts; i++) {
        free(receipt->hosts[i].reason);
    }
    for (size_t i = 0; i < receipt->n_apps; i++) {
        free(receipt->apps[i].name);
    }
    free(receipt->hosts);
    free(receipt->apps);
    free(receipt);
}

void
receipts_destroy(struct fabric *f)
{
    struct fabric_receipts *r = f->receipts;

    if (!r) {
        return;
    }
    receipt_waits_cancel(f);
    for (uint64_t seq = r->begin; seq < r->end; seq++) {
        receipt_destroy(receipt_at(r, seq));
    }
    commit_cancel_when_quiescent(f->commit, free_numbers, f);
    receipt_history_uninit(f);
    event_free(r->check);
    sset_destroy(&r->names);
    free(r);
    f->receipts = NULL;
}

/* Making.  --------------------------------------------------------------- */

static void
copy_apps(struct receipt *receipt, const struct engine_delta *delta)
{
    receipt->apps = xcalloc(MAX(delta->n_apps, 1), sizeof *receipt->apps);
    for (size_t i = 0; i < delta->n_apps; i++) {
        const struct engine_delta_app *app = &delta->apps[i];

        if (app->added || app->changed || app->removed) {
            receipt->apps[receipt->n_apps++] = (struct receipt_app) {
                .name = xstrdup(app->name), .added = app->added,
                .changed = app->changed, .removed = app->removed,
            };
        }
    }
}

struct receipt *
receipts_open(struct fabric *f, const struct commit_group *group)
{
    struct receipt *receipt;

    if (group->last_revision < group->first_revision) {
        return NULL;            /* The group compiled at the start. */
    }
    receipt = xzalloc(sizeof *receipt);
    receipt->all = f->receipts;
    ovs_list_init(&receipt->unsaved_node);
    receipt->of_people = group->of_people;
    receipt->first = group->first_revision;
    receipt->last = group->last_revision;
    receipt->time_ms = group->time_ms;
    receipt->begin_us = group->begin_us;
    copy_apps(receipt, group->delta);
    return receipt;
}

void
receipts_add_host(struct receipt *receipt, const struct fabric_host *host)
{
    struct sset *names = &receipt->all->names;
    struct sset_node *name;

    if (host->cleanup || (host->lost && !host->sw->conn)) {
        return;                 /* Nobody waits for it. */
    }
    if (receipt->n_hosts >= receipt->allocated_hosts) {
        receipt->hosts = x2nrealloc(receipt->hosts,
                                    &receipt->allocated_hosts,
                                    sizeof *receipt->hosts);
    }
    name = sset_find(names, host->name);
    if (!name) {
        name = sset_add(names, host->name);
    }
    receipt->hosts[receipt->n_hosts++] = (struct receipt_host) {
        .name = name->name, .time_ms = receipt->time_ms,
    };
    receipt->n_missing++;
}

/* Counts 'receipt', and notifies watchers, if it has just become complete.
 * One that concerns no host has no latency. */
static void
check_complete(const struct fabric *f, const struct receipt *receipt)
{
    if (receipt->n_missing) {
        return;
    }
    if (receipt->n_hosts) {
        histogram_add(&f->receipts->installed,
                      time_usec() - receipt->begin_us);
    }
    FABRIC_NOTIFY(f, installed, (aux, receipt->first, receipt->last,
                               receipt->n_hosts))
}

int
receipt_compare_hosts(const void *a_, const void *b_)
{
    const struct receipt_host *a = a_;
    const struct receipt_host *b = b_;

    return strcmp(a->name, b->name);
}

void
receipts_close(struct fabric *f, struct receipt *receipt)
{
    struct fabric_receipts *r = f->receipts;

    if (!receipt) {
        return;
    }
    if (receipt->n_hosts) {
        qsort(receipt->hosts, receipt->n_hosts, sizeof *receipt->hosts,
              receipt_compare_hosts);
    }
    while (r->begin < r->end
           && (r->end - r->begin >= FABRIC_RECEIPTS_MAX
               || receipt_at(r, r->begin)->last + FABRIC_RECEIPTS_MAX
                  <= receipt->last)) {
        receipt_forget(f, receipt_at(r, r->begin));
        receipt_destroy(receipt_at(r, r->begin++));
    }
    r->ring[r->end++ % FABRIC_RECEIPTS_MAX] = receipt;
    receipt_changed(f, receipt);
    check_complete(f, receipt);
    receipts_acked_changed(f);
}

/* Changing.  ------------------------------------------------------------- */

static void
set_state(struct receipt *receipt, const char *name, enum receipt_state state,
          const char *reason)
{
    const struct receipt_host key = { .name = name };
    struct receipt_host *rh;

    if (!receipt->n_hosts) {
        return;
    }
    rh = bsearch(&key, receipt->hosts, receipt->n_hosts,
                 sizeof *receipt->hosts, receipt_compare_hosts);
    if (!rh || rh->state == RECEIPT_CONFIRMED) {
        return;
    }
    free(rh->reason);
    rh->reason = nullable_xstrdup(reason);
    rh->state = state;
    rh->time_ms = time_wall_msec();
    if (state == RECEIPT_CONFIRMED) {
        receipt->n_missing--;
        receipt->confirmed_us = time_usec();
    }
}

/* Does so for all groups that end with 'first' to 'last'. */
static void
set_states(struct fabric *f, const struct fabric_host *host, uint64_t first,
           uint64_t last, enum receipt_state state, const char *reason)
{
    const struct fabric_receipts *r = f->receipts;

    for (uint64_t seq = receipt_find_seq(r, first); seq < r->end; seq++) {
        struct receipt *receipt = receipt_at(r, seq);

        if (receipt->last > last) {
            break;
        }
        if (receipt->n_missing) {
            set_state(receipt, host->name, state, reason);
            receipt_changed(f, receipt);
            check_complete(f, receipt);
        }
    }
}

void
receipts_confirm(struct fabric *f, const struct fabric_host *host,
                 uint64_t first, uint64_t last)
{
    set_states(f, host, first, last, RECEIPT_CONFIRMED, NULL);
    receipts_acked_changed(f);
}

void
receipts_fail(struct fabric *f, const struct fabric_host *host,
              uint64_t first, uint64_t last, const char *reason)
{
    set_states(f, host, first, last, RECEIPT_FAILED, reason);
}

void
receipts_confirm_all(struct fabric *f, const struct fabric_host *host,
                     uint64_t revision, const char *reason)
{
    set_states(f, host, 0, revision,
               reason ? RECEIPT_FAILED : RECEIPT_CONFIRMED, reason);
    receipts_acked_changed(f);
}

void
receipts_remove_host(struct fabric *f, const struct fabric_host *host)
{
    const struct fabric_receipts *r = f->receipts;
    const struct receipt_host key = { .name = host->name };

    for (uint64_t seq = r->begin; seq < r->end; seq++) {
        struct receipt *receipt = receipt_at(r, seq);
        struct receipt_host *rh;

        rh = (receipt->n_missing
              ? bsearch(&key, receipt->hosts, receipt->n_hosts,
                        sizeof *receipt->hosts, receipt_compare_hosts) : NULL);
        if (rh && rh->state != RECEIPT_CONFIRMED) {
            size_t after = receipt->hosts + receipt->n_hosts - (rh + 1);

            free(rh->reason);
            memmove(rh, rh + 1, after * sizeof *rh);
            receipt->n_hosts--;
            receipt->n_missing--;
            receipt_changed(f, receipt);
            check_complete(f, receipt);
        }
    }
    receipts_acked_changed(f);
}

/* Once a turn.  ---------------------------------------------------------- */

static void
free_numbers(void *f_)
{
    struct fabric *f = f_;
    struct fabric_receipts *r = f->receipts;

    r->freed = r->free_up_to;
    id_pools_acked(model_id_pools(f->model), r->freed);
    f->callbacks->numbers_freed(f);
}

static void
notify_acked(struct fabric *f)
{
    f->callbacks->acked(f);
    FABRIC_NOTIFY(f, acked, (aux))
}

/* Completes the waits that are fulfilled, frees IDs, and has ports decided
 * that wait for hosts.  Runs once per iteration of the loop, however many
 * hosts have replied in it. */
static void
check_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fabric *f = f_;
    struct fabric_receipts *r = f->receipts;
    uint64_t acked = receipts_acked_by_all(f);
    static const struct timeval at_once = { 0, 0 };

    /* The writer frees IDs. */
    if (acked > r->free_up_to && !fabric_stands_by(f)) {
        /* Not while a group is being written: its IDs are copied then. */
        commit_cancel_when_quiescent(f->commit, free_numbers, f);
        r->free_up_to = acked;
        commit_when_quiescent(f->commit, free_numbers, f);
    }
    if (receipt_waits_answer(f, notify_acked)) {
        event_add(r->check, &at_once);
    }
}

void
receipts_acked_changed(struct fabric *f)
{
    event_active(f->receipts->check, EV_TIMEOUT, 1);
}
