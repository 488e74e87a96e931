/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries of receipts: which hosts have installed a revision, how far behind a
 * host is.  Changes nothing; see receipts.h and fabric-receipts.h.
 *
 * Of a revision older than the oldest receipt, or from before the start, only
 * what was recorded is known (receipt-history.c).  A wait for one concerns all
 * hosts: it is installed when all have acknowledged a revision at least as
 * new. */

#include <config.h>

#include "controller/fabric/session/receipts.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/receipts-private.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/arena.h"
#include "openvswitch/list.h"
#include "timeval.h"
#include "util.h"

/* Finding.  -------------------------------------------------------------- */

struct receipt *
receipt_at(const struct fabric_receipts *r, uint64_t seq)
{
    return r->ring[seq % FABRIC_RECEIPTS_MAX];
}

uint64_t
receipt_find_seq(const struct fabric_receipts *r, uint64_t revision)
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

struct receipt *
receipt_find(const struct fabric_receipts *r, uint64_t revision)
{
    uint64_t seq = receipt_find_seq(r, revision);
    struct receipt *receipt = seq < r->end ? receipt_at(r, seq) : NULL;

    return receipt && receipt->first <= revision ? receipt : NULL;
}

static uint64_t
acked_by_all(const struct fabric *f, bool lost_too)
{
    const struct fabric_host *host;
    uint64_t revision = f->last_revision;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (lost_too || !host->lost) {
            revision = MIN(revision, switch_acked(host->sw));
        }
    }
    return revision;
}

/* Also by lost hosts: their switches may have flows with numbers that others
 * must not get before these are removed. */
uint64_t
receipts_acked_by_all(const struct fabric *f)
{
    return acked_by_all(f, true);
}

/* Returns true if the host has installed everything up to a revision without a
 * receipt. */
static enum receipt_state
host_state(const struct fabric_host *host, uint64_t revision)
{
    return (switch_acked(host->sw) < revision ? RECEIPT_OPEN
            : host->sw->rejected.partial ? RECEIPT_FAILED : RECEIPT_CONFIRMED);
}

static bool
all_have(const struct fabric *f, uint64_t revision)
{
    const struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (!host->lost
            && host_state(host, revision) != RECEIPT_CONFIRMED) {
            return false;
        }
    }
    return true;
}

bool
receipt_is_installed(const struct fabric *f, uint64_t revision)
{
    const struct receipt *receipt = receipt_find(f->receipts, revision);

    return (!engine_late_app(f->engine, revision)
            && (receipt ? !receipt->n_missing
                : revision <= f->last_revision && all_have(f, revision)));
}

/* Receipts as structs.  -------------------------------------------------- */

/* Fills in the state of a host that has not acknowledged the revision: it
 * follows from the state of the host that users see elsewhere. */
static void
show_open(struct fabric_host *host, struct arena *arena,
          struct fabric_receipt_host *shown)
{
    const char *state = host->fabric->callbacks->host_state(host, arena,
                                                            &shown->reason);

    shown->state = (!host->sw->conn ? "offline"
                    : !strcmp(state, "unheard") ? "unheard" : "pending");
    if (!shown->reason) {
        shown->reason = "its switch has not acknowledged it yet";
    }
}

/* Returns the state of a host, with texts in 'arena' or borrowed; 'reason' is
 * that of a failure. */
static struct fabric_receipt_host
show_host(const struct fabric *f, const char *name, enum receipt_state state,
          int64_t time_ms, const char *reason, struct arena *arena)
{
    struct fabric_host *host = fabric_find_host(f, name);
    struct fabric_receipt_host shown = {
        .host = name, .state = "confirmed", .time = time_ms,
    };

    if (state == RECEIPT_FAILED) {
        shown.state = "failed";
        shown.reason = reason;
    } else if (state == RECEIPT_OPEN && host) {
        show_open(host, arena, &shown);
    } else if (state == RECEIPT_OPEN) {
        shown.state = "offline";
        shown.reason = reason;
    }
    return shown;
}

/* Returns the hosts of 'receipt', in 'arena': all, or those that have not
 * confirmed. */
static struct fabric_receipt_host *
show_hosts(const struct fabric *f, const struct receipt *receipt, bool all,
           struct arena *arena, size_t *n)
{
    size_t size = all ? receipt->n_hosts : receipt->n_missing;
    struct fabric_receipt_host *shown = arena_alloc(arena,
                                                    size * sizeof *shown);

    *n = 0;
    for (size_t i = 0; i < receipt->n_hosts && *n < size; i++) {
        const struct receipt_host *rh = &receipt->hosts[i];

        if (all || rh->state != RECEIPT_CONFIRMED) {
            shown[(*n)++] = show_host(f, rh->name, rh->state, rh->time_ms,
                                      rh->reason, arena);
        }
    }
    return shown;
}

bool
receipt_show_late_host(const struct fabric *f, const char *name,
                       uint64_t revision, int64_t time_ms, const char *reason,
                       struct arena *arena, struct fabric_receipt_host *shown)
{
    const struct fabric_host *host = fabric_find_host(f, name);
    enum receipt_state state;

    if (!host || host->lost) {
        return false;
    }
    state = host_state(host, revision);
    *shown = show_host(f, name, state == RECEIPT_OPEN && reason
                                ? RECEIPT_FAILED : state,
                       state == RECEIPT_CONFIRMED ? 0 : time_ms,
                       reason ? reason : host->sw->rejected.text, arena);
    return true;
}

/* Returns all hosts, for a revision without a receipt. */
static struct fabric_receipt_host *
show_all_hosts(const struct fabric *f, uint64_t revision,
               struct arena *arena, size_t *n)
{
    struct vmn_names names = model_names(f->model, VMN_TABLE_HOST);
    struct fabric_receipt_host *shown = arena_alloc(arena,
                                                    names.n * sizeof *shown);

    *n = 0;
    for (size_t i = 0; i < names.n; i++) {
        const struct fabric_host *host = fabric_find_host(f, names.names[i]);

        if (host && !host->lost) {
            shown[(*n)++] = show_host(f, host->name,
                                      host_state(host, revision), 0,
                                      host->sw->rejected.text, arena);
        }
    }
    return shown;
}

static struct status_app_flows *
show_flows(const struct receipt *receipt, struct arena *arena)
{
    struct status_app_flows *shown
        = arena_alloc(arena, receipt->n_apps * sizeof *shown);

    for (size_t i = 0; i < receipt->n_apps; i++) {
        const struct receipt_app *app = &receipt->apps[i];

        shown[i] = (struct status_app_flows) {
            .app = app->name, .added = app->added, .changed = app->changed,
            .removed = app->removed,
        };
    }
    return shown;
}

bool
fabric_get_receipt(const struct fabric *f, uint64_t revision,
                   struct arena *arena, struct fabric_receipt *shown)
{
    const struct receipt *receipt = receipt_find(f->receipts, revision);

    memset(shown, 0, sizeof *shown);
    if (revision > f->last_revision) {
        return false;
    }
    shown->revision = revision;
    shown->installed = receipt_is_installed(f, revision);
    shown->late = engine_late_app(f->engine, revision);
    if (receipt) {
        shown->hosts = show_hosts(f, receipt, true, arena, &shown->n_hosts);
        shown->flows = show_flows(receipt, arena);
        shown->n_flows = receipt->n_apps;
        shown->recorded = true;
    } else if (!receipt_history_get(f, revision, arena, shown)) {
        shown->hosts = show_all_hosts(f, revision, arena, &shown->n_hosts);
    }
    return true;
}

void
receipts_get_status(const struct fabric *f, size_t max, struct arena *arena,
                    struct receipts_status *status)
{
    const struct fabric_receipts *r = f->receipts;
    struct receipt_incomplete *list = arena_alloc(
        arena, MIN(max, FABRIC_RECEIPTS_MAX) * sizeof *list);

    *status = (struct receipts_status) {
        .receipts = r->end - r->begin,
        .first_revision = r->begin < r->end ? receipt_at(r, r->begin)->first
                                            : 0,
        .revision = f->last_revision,
        .waits = ovs_list_size(&r->waits),
        .incomplete = list,
    };
    for (uint64_t seq = r->end; seq > r->begin; seq--) {
        const struct receipt *receipt = receipt_at(r, seq - 1);
        struct receipt_incomplete *shown = &list[status->n_listed];

        if (receipt->n_missing && status->n_incomplete++ < max) {
            status->n_listed++;
            *shown = (struct receipt_incomplete) {
                .first_revision = receipt->first,
                .revision = receipt->last,
                .time = receipt->time_ms,
                .confirmed = receipt->n_hosts - receipt->n_missing,
            };
            shown->missing = show_hosts(f, receipt, false, arena,
                                        &shown->n_missing);
        }
    }
}

/* How far hosts are behind.  --------------------------------------------- */

/* Begins to count what 'host' has not acknowledged: revisions before the
 * receipts in memory. */
static void
start_count(struct fabric_host *host, uint64_t acked)
{
    const struct fabric_receipts *r = host->fabric->receipts;
    uint64_t last = host->fabric->last_revision;
    uint64_t seq = receipt_find_seq(r, acked + 1);
    uint64_t first = seq < r->end ? receipt_at(r, seq)->first : last + 1;

    host->behind = (struct host_behind) { .acked = acked, .seq = seq };
    if (acked + 1 < first && seq == r->begin) {
        host->behind.n = first - (acked + 1);
        host->behind.first_ms = (seq < r->end ? receipt_at(r, seq)->time_ms
                                 : time_wall_msec());
    }
}

/* Counts each receipt once for a host, however often this is called. */
struct status_lag
receipts_lag(struct fabric_host *host)
{
    const struct fabric_receipts *r = host->fabric->receipts;
    const struct receipt_host key = { .name = host->name };
    struct host_behind *behind = &host->behind;
    uint64_t acked = switch_acked(host->sw);

    if (host->lost) {
        *behind = (struct host_behind) { .seq = 0 };
        return (struct status_lag) { .revisions = 0 };
    }
    if (behind->acked != acked || !behind->seq || behind->seq < r->begin) {
        start_count(host, acked);
    }
    for (; behind->seq < r->end; behind->seq++) {
        const struct receipt *receipt = receipt_at(r, behind->seq);

        if (receipt->n_hosts
            && bsearch(&key, receipt->hosts, receipt->n_hosts,
                       sizeof *receipt->hosts, receipt_compare_hosts)) {
            behind->n += receipt->last - MAX(acked, receipt->first - 1);
            behind->first_ms = behind->first_ms ? : receipt->time_ms;
        }
    }
    return (struct status_lag) {
        .revisions = behind->n,
        .ms = (behind->n ? MAX(0, time_wall_msec() - behind->first_ms) : 0),
    };
}

void
receipts_get_stats(const struct fabric *f, struct fabric_stats *stats)
{
    struct fabric_host *host;

    stats->installed = f->receipts->installed;
    stats->installed_revision = acked_by_all(f, false);
    stats->lag_ms = 0;
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (host->sw->conn) {
            stats->lag_ms = MAX(stats->lag_ms, receipts_lag(host).ms);
        }
    }
}

bool
fabric_progress(const struct fabric *f, uint64_t revision,
                struct fabric_progress *progress)
{
    const struct receipt *receipt = receipt_find(f->receipts, revision);

    if (receipt) {
        progress->n_hosts = receipt->n_hosts;
        progress->n_confirmed = receipt->n_hosts - receipt->n_missing;
        progress->confirmed_us = receipt->confirmed_us;
        return true;
    }
    return receipt_history_progress(f, revision, progress);
}
