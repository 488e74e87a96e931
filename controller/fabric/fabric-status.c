/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of hosts, and statistics of the fabric; see fabric-status.h and
 * fabric-stats.h.  Changes nothing. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/counters.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/host-overall-state.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/host-bfd.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/packets/packet-sampling.h"
#include "controller/fabric/session/host-openflow-state.h"
#include "controller/fabric/session/receipts.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-listener.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "proto/openflow/ofconn.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

/* Status.  --------------------------------------------------------------- */

bool
fabric_host_status(const struct fabric *f, const char *name,
                   struct arena *arena, struct status_host *status)
{
    struct fabric_host *host = fabric_find_host(f, name);
    struct host_overall_state overall;
    uint64_t n_items, n_groups;

    *status = (struct status_host) { .ports = -1 };
    if (!host) {
        return false;
    }
    host_overall_state_get(host, arena, &overall);
    status->state = overall.state;
    status->since = overall.since_ms;
    status->reason = overall.reason;
    n_items = engine_host_total(f->engine, name);
    n_groups = engine_host_groups(f->engine, name);
    status->flows = n_items - n_groups;
    status->groups = n_groups;
    status->revision = switch_acked(host->sw);
    status->sent_revision = (host->sw->state == SWITCH_OBSERVED
                             ? status->revision
                             : host->sw->bundles.sent_revision);
    status->lag = receipts_lag(host);
    host_openflow_status(host->sw, &status->openflow);
    switch_put_status(host->sw, arena, status);
    fabric_db_host_status(host, arena, status);
    return true;
}

bool
fabric_host_state(const struct fabric *f, const char *name,
                  const char **state, struct status_lag *lag)
{
    struct fabric_host *host = fabric_find_host(f, name);

    if (!host) {
        return false;
    }
    *state = host_overall_state_name(host);
    *lag = receipts_lag(host);
    return true;
}

bool
fabric_host_is_connected(const struct fabric *f, const char *name)
{
    const struct fabric_host *host = fabric_find_host(f, name);

    return host && host->sw->state != SWITCH_OFFLINE;
}

bool
fabric_host_is_live(const struct fabric *f, const char *name)
{
    const struct fabric_host *host = fabric_find_host(f, name);

    return host && (host->sw->state == SWITCH_LIVE
                    || host->sw->state == SWITCH_OBSERVED);
}

uint64_t
fabric_host_acked(const struct fabric *f, const char *name)
{
    const struct fabric_host *host = fabric_find_host(f, name);

    return host ? switch_acked(host->sw) : 0;
}

/* How long a host may take to acknowledge a revision, in ms, before it is said
 * that it has not. */
#define STALE_MS 1000

char *
fabric_host_stale_reason(const struct fabric *f, const char *name)
{
    struct fabric_host *host = fabric_find_host(f, name);
    char *text = fabric_host_unheard_reason(f, name);
    struct host_overall_state overall;
    struct status_lag lag;
    struct arena arena;

    if (!host || text) {
        return text;
    }
    arena_init(&arena);
    host_overall_state_get(host, &arena, &overall);
    lag = receipts_lag(host);
    if (strcmp(overall.state, "synced")) {
        text = xasprintf("host \"%s\" is %s%s%s", name, overall.state,
                         overall.reason ? ": " : "",
                         overall.reason ? overall.reason : "");
    } else if (lag.ms >= STALE_MS) {
        text = xasprintf("host \"%s\" has not acknowledged the last %"PRIu64
                         " revisions, for %"PRId64" s", name, lag.revisions,
                         lag.ms / 1000);
    }
    arena_uninit(&arena);
    return text;
}

char *
fabric_host_unreachable_reason(const struct fabric *f, const char *name)
{
    const struct fabric_host *host = fabric_find_host(f, name);
    char *unheard, *text = NULL;

    if (!host || host->lost) {
        return host ? xasprintf("host \"%s\" is lost", name) : NULL;
    } else if (host->sw->state != SWITCH_OFFLINE) {
        return NULL;
    }
    unheard = fabric_host_unheard_reason(f, name);
    if (unheard) {
        text = xasprintf("host \"%s\" is unreachable: %s%s", name, unheard,
                         fabric_host_switch_is_dead(f, name) ? ""
                         : ", or only its connection to vmnd is down");
        free(unheard);
    }
    return text;
}

/* Behind.  --------------------------------------------------------------- */

/* Sorts the longest lag first. */
static int
compare_behind(const void *a_, const void *b_)
{
    const struct fabric_behind *a = a_;
    const struct fabric_behind *b = b_;

    return (a->lag.ms != b->lag.ms ? (a->lag.ms < b->lag.ms ? 1 : -1)
            : strcmp(a->host, b->host));
}

size_t
fabric_behind(const struct fabric *f, struct arena *arena,
              struct fabric_behind **list)
{
    struct fabric_behind *behind = xcalloc(MAX(hmap_count(&f->hosts), 1),
                                           sizeof *behind);
    struct fabric_host *host;
    size_t n = 0;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct fabric_behind *b = &behind[n];
        struct host_overall_state overall;

        if (host->lost) {
            continue;
        }
        host_overall_state_get(host, arena, &overall);
        b->host = host->name;
        b->state = overall.state;
        b->reason = overall.reason;
        b->lag = receipts_lag(host);
        n += strcmp(b->state, "synced") || b->lag.revisions;
    }
    qsort(behind, n, sizeof *behind, compare_behind);
    *list = behind;
    return n;
}

/* Statistics.  ----------------------------------------------------------- */

#define FABRIC_SYNCED 0
#define FABRIC_UNHEARD 6
#define FABRIC_LOST 7

const char *const fabric_states[FABRIC_N_STATES] = {
    [FABRIC_SYNCED] = "synced", "diverged", "reconciling", "connecting",
    "offline", "rejected", [FABRIC_UNHEARD] = "unheard",
    [FABRIC_LOST] = "lost",
};

/* Returns the index of the host's state. */
static size_t
find_state(const struct fabric_host *host)
{
    const char *state = host_overall_state_name(host);

    for (size_t i = 0; i < FABRIC_N_STATES; i++) {
        if (!strcmp(fabric_states[i], state)) {
            return i;
        }
    }
    OVS_NOT_REACHED();
}

void
fabric_unsynced_hosts(const struct fabric *f, struct svec *hosts)
{
    const struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        const char *state = fabric_states[find_state(host)];

        if (strcmp(state, "synced") && strcmp(state, "lost")) {
            svec_add_nocopy(hosts, xasprintf("%s (%s)", host->name, state));
        }
    }
    svec_sort(hosts);
}

bool
fabric_get_admission(const struct fabric *f, enum fabric_listener which,
                     struct admission_stats *stats)
{
    if (which == FABRIC_OVSDB) {
        return fabric_db_get_admission(f, stats);
    }
    ofserver_get_admission(switch_listener_server(f), stats);
    return true;
}

size_t
fabric_n_connected(const struct fabric *f)
{
    const struct fabric_host *host;
    size_t n = 0;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        n += host->sw->conn != NULL;
    }
    return n;
}

void
fabric_get_stats(const struct fabric *f, struct fabric_stats *stats)
{
    const struct fabric_host *host;
    struct ofserver_stats conns;
    int64_t since_ms;

    *stats = f->stats;
    stats->n_hosts = hmap_count(&f->hosts);
    packets_get_stats(f, stats);
    counters_get_stats(f, stats);
    ofserver_get_stats(switch_listener_server(f), &conns);
    stats->n_conns_refused = conns.n_refused;
    stats->n_conns_failed = conns.n_failed;
    stats->n_conns_bad = conns.n_bad;
    stats->n_conns_silent = conns.n_silent;
    sampling_get_stats(f, stats);
    receipts_get_stats(f, stats);
    stats->n_candidates = fabric_db_n_candidates(f);
    stats->n_unclaimed = fabric_unclaimed_interfaces(f, NULL);
    stats->n_rejected = fabric_n_rejected_hosts(f);
    stats->n_diverged = stats->n_ovsdb_sessions = 0;
    stats->n_ports_unknown = stats->n_heard = stats->n_away = 0;
    stats->n_bfd_sessions = stats->n_bfd_down = stats->n_cut_off = 0;
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        size_t state = find_state(host);

        stats->n_in_state[state]++;
        stats->n_away += !host->lost && host->sw->state == SWITCH_OFFLINE;
        stats->n_heard += (host->sw->state != SWITCH_OFFLINE
                           && state != FABRIC_UNHEARD
                           && state != FABRIC_LOST);
        stats->n_ovsdb_sessions += host->db && host->db->connected;
        if (host->db) {
            host_bfd_get_stats(host->db, stats);
        }
        if (fabric_host_is_unheard(f, host->name, &since_ms)) {
            stats->n_ports_unknown += model_lookup(
                f->model, VMN_INDEX_PORT_BY_HOST, host->name).n;
        }
        stats->n_diverged += (host->sw->conn
                              && (host->sw->rejected.partial
                                  || switch_is_backing_off(host->sw)));
    }
    stats->n_synced = stats->n_in_state[FABRIC_SYNCED];
    stats->n_lost = stats->n_in_state[FABRIC_LOST];
}

void
fabric_over_budget(const struct fabric *f, fabric_over_budget_cb *cb,
                   void *aux)
{
    const struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        uint64_t n = fabric_db_n_over_budget(host);

        if (n) {
            cb(aux, host->name, "ovsdb", n);
        }
        if (switch_budget_of(host->sw)->n_over) {
            cb(aux, host->name, "openflow",
               switch_budget_of(host->sw)->n_over);
        }
    }
}
