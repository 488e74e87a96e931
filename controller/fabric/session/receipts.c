/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts of revisions; see receipts.h and fabric-receipts.h.
 *
 * A receipt is kept per group of revisions, since a group is sent as one
 * bundle per host.  An older revision than the oldest receipt, or one from
 * before the start, concerns all hosts as far as is known: it is installed
 * when all have acknowledged something as new. */

#include <config.h>

#include "controller/fabric/session/receipts.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch.h"
#include "controller/model/id-pools.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "proto/loop/loop.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

enum receipt_state { RECEIPT_OPEN, RECEIPT_CONFIRMED, RECEIPT_FAILED };

struct receipt_host {
    const char *name;           /* In 'names'. */
    enum receipt_state state;
    int64_t time_ms;            /* Wall clock, of the last change. */
    char *reason;               /* If it failed.  Owned. */
};

struct receipt_app {
    char *name;
    unsigned added, changed, removed;
};

struct receipt {
    struct fabric_receipts *all;
    uint64_t first, last;       /* Revisions. */
    int64_t time_ms, begin_us;  /* The commit_group's. */
    size_t n_apps;
    struct receipt_app *apps;
    size_t n_hosts, allocated_hosts;
    struct receipt_host *hosts; /* Sorted by name once closed. */
    size_t n_missing;           /* Hosts that are not CONFIRMED. */
    int64_t confirmed_us;       /* time_usec() of the last that is, or 0. */
};

struct fabric_receipts {
    struct receipt *ring[FABRIC_RECEIPTS_MAX]; /* By sequence number. */
    uint64_t begin, end;        /* Sequence numbers held. */
    struct sset names;          /* Of hosts; grows only. */
    struct ovs_list waits;      /* struct fabric_wait. */
    struct event *check;        /* Looks at waits and at numbers. */
    uint64_t freed;             /* The last one of id_pools_acked(). */
    uint64_t free_up_to;        /* The next one, once quiescent. */
    struct histogram installed; /* Of receipts that have become complete. */
};

struct fabric_wait {
    struct ovs_list node;
    struct fabric *fabric;
    uint64_t revision;
    struct event *timer;
    fabric_wait_cb *cb;
    void *aux;
};

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

static struct receipt *
receipt_at(const struct fabric_receipts *r, uint64_t seq)
{
    return r->ring[seq % FABRIC_RECEIPTS_MAX];
}

void
receipts_destroy(struct fabric *f)
{
    struct fabric_receipts *r = f->receipts;

    if (!r) {
        return;
    }
    while (!ovs_list_is_empty(&r->waits)) {
        fabric_wait_cancel(CONTAINER_OF(ovs_list_front(&r->waits),
                                        struct fabric_wait, node));
    }
    for (uint64_t seq = r->begin; seq < r->end; seq++) {
        receipt_destroy(receipt_at(r, seq));
    }
    commit_cancel_when_quiescent(f->commit, free_numbers, f);
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
        return NULL;            /* What was compiled at the start. */
    }
    receipt = xzalloc(sizeof *receipt);
    receipt->all = f->receipts;
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

/* Counts 'receipt', and notifies who watches, if it has just become complete.
 * One that concerns no host took no time. */
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

static int
compare_hosts(const void *a_, const void *b_)
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
              compare_hosts);
    }
    while (r->begin < r->end
           && (r->end - r->begin >= FABRIC_RECEIPTS_MAX
               || receipt_at(r, r->begin)->last + FABRIC_RECEIPTS_MAX
                  <= receipt->last)) {
        receipt_destroy(receipt_at(r, r->begin++));
    }
    r->ring[r->end++ % FABRIC_RECEIPTS_MAX] = receipt;
    check_complete(f, receipt);
    receipts_acked_changed(f);
}

/* Finding and changing.  ------------------------------------------------- */

/* The sequence number of the first receipt that ends at or after 'revision';
 * 'end' if there is none. */
static uint64_t
find_seq(const struct fabric_receipts *r, uint64_t revision)
{
    uint64_t low = r->begin, high = r->end;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (receipt_at(r, middle)->last < revision) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct receipt *
find_receipt(const struct fabric_receipts *r, uint64_t revision)
{
    uint64_t seq = find_seq(r, revision);
    struct receipt *receipt = seq < r->end ? receipt_at(r, seq) : NULL;

    return receipt && receipt->first <= revision ? receipt : NULL;
}

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
                 sizeof *receipt->hosts, compare_hosts);
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

/* For all groups that end with 'first' to 'last'. */
static void
set_states(struct fabric *f, const struct fabric_host *host, uint64_t first,
           uint64_t last, enum receipt_state state, const char *reason)
{
    const struct fabric_receipts *r = f->receipts;

    for (uint64_t seq = find_seq(r, first); seq < r->end; seq++) {
        struct receipt *receipt = receipt_at(r, seq);

        if (receipt->last > last) {
            break;
        }
        if (receipt->n_missing) {
            set_state(receipt, host->name, state, reason);
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
                        sizeof *receipt->hosts, compare_hosts) : NULL);
        if (rh && rh->state != RECEIPT_CONFIRMED) {
            size_t after = receipt->hosts + receipt->n_hosts - (rh + 1);

            free(rh->reason);
            memmove(rh, rh + 1, after * sizeof *rh);
            receipt->n_hosts--;
            receipt->n_missing--;
            check_complete(f, receipt);
        }
    }
    receipts_acked_changed(f);
}

/* The newest revision that all hosts have acknowledged. */
static uint64_t
acked_by_all(const struct fabric *f)
{
    const struct fabric_host *host;
    uint64_t revision = f->last_revision;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        revision = MIN(revision, switch_acked(host->sw));
    }
    return revision;
}

/* Returns whether the host has all up to a revision without a receipt. */
static enum receipt_state
host_state(const struct fabric_host *host, uint64_t revision)
{
    return (switch_acked(host->sw) < revision ? RECEIPT_OPEN
            : host->sw->faults.partial ? RECEIPT_FAILED : RECEIPT_CONFIRMED);
}

static bool
all_have(const struct fabric *f, uint64_t revision)
{
    const struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (host_state(host, revision) != RECEIPT_CONFIRMED) {
            return false;
        }
    }
    return true;
}

static bool
is_installed(const struct fabric *f, uint64_t revision)
{
    const struct receipt *receipt = find_receipt(f->receipts, revision);

    return receipt ? !receipt->n_missing : all_have(f, revision);
}

/* Showing.  Receipts of many hosts are requested with each change, hence text
 * and no tree. */

/* Appends ',"KEY":"TEXT"'; text from outside may be no UTF-8, and is then left
 * out. */
static void
append_outer(struct ds *ds, const char *key, const char *text)
{
    json_t *json = text ? json_string(text) : NULL;

    if (json) {
        ds_put_format(ds, ",\"%s\":", key);
        schema_print_string(ds, text);
    }
    json_decref(json);
}

/* Appends '{"host", ...}', behind a comma unless it is the first. */
static void
append_host(struct ds *ds, const struct fabric *f, const char *name,
            enum receipt_state state, int64_t time_ms, const char *reason)
{
    const struct fabric_host *host = fabric_find_host(f, name);
    const char *word = "confirmed";

    if (state == RECEIPT_FAILED) {
        word = "failed";
    } else if (state == RECEIPT_OPEN) {
        word = host && host->sw->conn ? "pending" : "offline";
        if (host) {
            switch_state_name(host->sw, &reason);
        }
    } else {
        reason = NULL;
    }
    ds_put_format(ds, "%s{\"host\":\"%s\",\"state\":\"%s\",\"time\":\"",
                  ds_last(ds) == '[' ? "" : ",", name, word);
    ds_put_strftime_msec(ds, "%Y-%m-%dT%H:%M:%S.###Z", time_ms, true);
    ds_put_char(ds, '"');
    append_outer(ds, "reason", reason);
    ds_put_char(ds, '}');
}

/* Appends the hosts, but for those that have confirmed unless 'all'. */
static void
append_hosts_of(struct ds *ds, const struct fabric *f,
                const struct receipt *receipt, bool all)
{
    for (size_t i = 0; i < receipt->n_hosts; i++) {
        const struct receipt_host *rh = &receipt->hosts[i];

        if (all || rh->state != RECEIPT_CONFIRMED) {
            append_host(ds, f, rh->name, rh->state, rh->time_ms, rh->reason);
        }
    }
}

/* Appends all hosts, for a revision without a receipt. */
static void
append_all_hosts(struct ds *ds, const struct fabric *f, uint64_t revision)
{
    struct vmn_names names = model_names(f->model, VMN_TABLE_HOST);

    for (size_t i = 0; i < names.n; i++) {
        const struct fabric_host *host = fabric_find_host(f, names.names[i]);

        if (host) {
            append_host(ds, f, host->name,
                        host_state(host, revision), host->sw->since_ms,
                        host->sw->faults.text);
        }
    }
}

static void
append_flows(struct ds *ds, const struct receipt *receipt)
{
    for (size_t i = 0; receipt && i < receipt->n_apps; i++) {
        const struct receipt_app *app = &receipt->apps[i];

        ds_put_format(ds, "%s{\"app\":\"%s\",\"added\":%u,\"changed\":%u,"
                      "\"removed\":%u}", i ? "," : "", app->name,
                      (unsigned) app->added, (unsigned) app->changed,
                      (unsigned) app->removed);
    }
}

bool
fabric_append_receipt(const struct fabric *f, uint64_t revision, struct ds *ds)
{
    const struct receipt *receipt = find_receipt(f->receipts, revision);

    if (revision > f->last_revision) {
        return false;
    }
    ds_put_format(ds, "{\"installed\":%s,\"hosts\":[",
                  is_installed(f, revision) ? "true" : "false");
    if (receipt) {
        append_hosts_of(ds, f, receipt, true);
    } else {
        append_all_hosts(ds, f, revision);
    }
    ds_put_cstr(ds, "],\"flows\":[");
    append_flows(ds, receipt);
    ds_put_cstr(ds, "]}");
    return true;
}

/* The hosts that have not confirmed. */
static json_t *
missing_of(const struct fabric *f, const struct receipt *receipt)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char(&ds, '[');
    append_hosts_of(&ds, f, receipt, false);
    ds_put_char(&ds, ']');
    json_t *missing = json_loads(ds_cstr(&ds), 0, NULL);
    ds_destroy(&ds);
    return missing;
}

json_t *
receipts_to_json(const struct fabric *f, size_t max)
{
    const struct fabric_receipts *r = f->receipts;
    json_t *incomplete = json_array();
    size_t n_incomplete = 0;

    for (uint64_t seq = r->end; seq > r->begin; seq--) {
        const struct receipt *receipt = receipt_at(r, seq - 1);

        if (receipt->n_missing && n_incomplete++ < max) {
            char *time = xastrftime_msec("%Y-%m-%dT%H:%M:%S.###Z",
                                         receipt->time_ms, true);

            json_array_append_new(incomplete, json_pack(
                "{s:I, s:I, s:s, s:I, s:o}",
                "first_revision", (json_int_t) receipt->first,
                "revision", (json_int_t) receipt->last,
                "time", time,
                "confirmed", (json_int_t) (receipt->n_hosts
                                           - receipt->n_missing),
                "missing", missing_of(f, receipt)));
            free(time);
        }
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}",
                     "receipts", (json_int_t) (r->end - r->begin),
                     "first_revision",
                     (json_int_t) (r->begin < r->end
                                   ? receipt_at(r, r->begin)->first : 0),
                     "revision", (json_int_t) f->last_revision,
                     "waits", (json_int_t) ovs_list_size(&r->waits),
                     "n_incomplete", (json_int_t) n_incomplete,
                     "incomplete", incomplete);
}

int64_t
receipts_lag_ms(const struct fabric *f, uint64_t acked)
{
    const struct fabric_receipts *r = f->receipts;
    uint64_t seq = find_seq(r, acked + 1);

    return (seq >= r->end ? 0
            : MAX(0, time_wall_msec() - receipt_at(r, seq)->time_ms));
}

struct status_lag
receipts_lag(const struct fabric *f, uint64_t acked)
{
    return (struct status_lag) {
        .revisions = f->last_revision - MIN(acked, f->last_revision),
        .ms = receipts_lag_ms(f, acked),
    };
}

void
receipts_get_stats(const struct fabric *f, struct fabric_stats *stats)
{
    const struct fabric_host *host;

    stats->installed = f->receipts->installed;
    stats->installed_revision = acked_by_all(f);
    stats->lag_ms = 0;
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (host->sw->conn) {
            stats->lag_ms = MAX(stats->lag_ms, (uint64_t) receipts_lag_ms(
                f, switch_acked(host->sw)));
        }
    }
}

bool
fabric_progress(const struct fabric *f, uint64_t revision,
                struct fabric_progress *progress)
{
    const struct receipt *receipt = find_receipt(f->receipts, revision);

    if (receipt) {
        progress->n_hosts = receipt->n_hosts;
        progress->n_confirmed = receipt->n_hosts - receipt->n_missing;
        progress->confirmed_us = receipt->confirmed_us;
    }
    return receipt != NULL;
}

/* Waiting.  -------------------------------------------------------------- */

static void
answer_wait(struct fabric_wait *wait, bool installed)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    bool known = fabric_append_receipt(wait->fabric, wait->revision, &ds);
    fabric_wait_cb *cb = wait->cb;
    void *aux = wait->aux;

    fabric_wait_cancel(wait);
    cb(aux, installed, known ? ds_cstr(&ds) : NULL);
    ds_destroy(&ds);
}

static void
timeout_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *wait_)
{
    struct fabric_wait *wait = wait_;

    answer_wait(wait, is_installed(wait->fabric, wait->revision));
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
    if (is_installed(f, revision)) {
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

static void
free_numbers(void *f_)
{
    struct fabric *f = f_;
    struct fabric_receipts *r = f->receipts;

    r->freed = r->free_up_to;
    id_pools_acked(model_id_pools(f->model), r->freed);
    f->callbacks->numbers_freed(f);
}

/* Answers the waits that are fulfilled, frees numbers, and has ports move on.
 * Once a turn of the loop, however many hosts have answered in it. */
static void
check_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fabric *f = f_;
    struct fabric_receipts *r = f->receipts;
    uint64_t acked = acked_by_all(f);
    static const struct timeval at_once = { 0, 0 };
    struct fabric_wait *wait;
    struct ovs_list ready;

    if (acked > r->free_up_to) {
        /* Not while a group is being written: its numbers are copied
         * then. */
        commit_cancel_when_quiescent(f->commit, free_numbers, f);
        r->free_up_to = acked;
        commit_when_quiescent(f->commit, free_numbers, f);
    }

    ovs_list_init(&ready);
    LIST_FOR_EACH_SAFE (wait, node, &r->waits) {
        if (is_installed(f, wait->revision)) {
            ovs_list_remove(&wait->node);
            ovs_list_push_back(&ready, &wait->node);
        }
    }
    f->callbacks->acked(f);
    FABRIC_NOTIFY(f, acked, (aux))
    while (!ovs_list_is_empty(&ready)) {
        answer_wait(CONTAINER_OF(ovs_list_front(&ready), struct fabric_wait,
                                 node), true);
        if (loop_turn_is_over(f->loop)) {
            break;
        }
    }
    if (!ovs_list_is_empty(&ready)) {
        ovs_list_push_back_all(&r->waits, &ready);
        event_add(r->check, &at_once);
    }
}

void
receipts_acked_changed(struct fabric *f)
{
    event_active(f->receipts->check, EV_TIMEOUT, 1);
}
