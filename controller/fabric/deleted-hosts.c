/* SPDX-License-Identifier: Apache-2.0
 *
 * See deleted-hosts.h. */

#include <config.h>

#include "controller/fabric/deleted-hosts.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-watch.h"
#include "controller/fabric/host-overall-state.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/deleted-host-db.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/session/receipts.h"
#include "controller/fabric/session/reconcile.h"
#include "controller/fabric/session/switch.h"
#include "controller/fabric/switch-cleanup.h"
#include "controller/schema/tables.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(deleted_hosts);

/* Of what is not connected, without a reason. */
#define AWAY "it is not connected"

struct host_cleanup {
    struct fabric_host *host;
    struct event *timer;
    int64_t began_ms;           /* Of loop_now_ms(). */
    enum { CLEANUP_NEW, CLEANUP_SWITCH, CLEANUP_DATABASE } step;
    bool was_away;              /* It could not be reached when it was
                                 * deleted. */
    char *switch_fault;         /* Why its switch still has something; */
    char *database_fault;       /* its database.  NULL: it has not. */

    /* As its row was. */
    char *ovsdb, *bridge;
    struct vmn_ip tunnel_ips[2];
};

/* Texts.  ---------------------------------------------------------------- */

/* Appends what is left on the host, and what removes it. */
static void
put_left(const struct host_cleanup *c, struct ds *ds)
{
    ds_put_cstr(ds, "left on it are ");
    if (c->switch_fault) {
        ds_put_format(ds, "the flows, groups and meters of bridge \"%s\" "
                      "(its switch: %s)", c->bridge, c->switch_fault);
    }
    if (c->database_fault) {
        ds_put_format(ds, "%swhat vmnd has in its database: controllers, "
                      "tunnel and patch ports (its database: %s)",
                      c->switch_fault ? ", and " : "", c->database_fault);
    }
    ds_put_format(ds, "; \"ovs-vsctl --if-exists del-br %s\" there removes "
                  "the bridge with all that is in it, and the handbook, "
                  "remove-host.md, tells how the bridge stays", c->bridge);
}

/* Returns what became of it, as a sentence that the caller frees. */
static char *
describe(const struct host_cleanup *c)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct switch_cleanup_result result;

    switch_cleanup_get_result(c->host->sw, &result);
    if (c->switch_fault && c->database_fault) {
        ds_put_cstr(&ds, "its bridge was not cleaned up: ");
        put_left(c, &ds);
    } else if (c->switch_fault || c->database_fault) {
        ds_put_cstr(&ds, "its bridge was cleaned up in part: ");
        put_left(c, &ds);
    } else {
        ds_put_format(&ds, "its bridge \"%s\" was cleaned up", c->bridge);
        if (result.n_flows || result.n_groups) {
            ds_put_format(&ds, "; %"PRIuSIZE" flows and %"PRIuSIZE" groups "
                          "that are not vmnd's are still in it",
                          result.n_flows, result.n_groups);
        }
    }
    return ds_steal_cstr(&ds);
}

/* Ends.  ----------------------------------------------------------------- */

static void
cleanup_free(struct host_cleanup *c)
{
    if (c) {
        event_free(c->timer);
        free(c->switch_fault);
        free(c->database_fault);
        free(c->ovsdb);
        free(c->bridge);
        free(c);
    }
}

void
fabric_host_destroy(struct fabric_host *host, const char *reason)
{
    struct fabric *f = host->fabric;

    fabric_db_host_destroy(host);
    if (host->cleanup) {
        ovs_list_remove(&host->deleted_node);
    } else {
        hmap_remove(&f->hosts, &host->name_node);
    }
    fabric_host_set_claim(host, 0);
    switch_destroy(host->sw, reason);
    receipts_remove_host(f, host);
    cleanup_free(host->cleanup);
    free(host->name);
    free(host);
}

static void
tell(const struct host_cleanup *c)
{
    struct fabric *f = c->host->fabric;
    char *text = describe(c);

    if (c->switch_fault || c->database_fault) {
        VLOG_WARN("host \"%s\" was deleted: %s", c->host->name, text);
    } else {
        VLOG_INFO("host \"%s\" was deleted: %s", c->host->name, text);
    }
    FABRIC_NOTIFY(f, host_deleted, (aux, c->host->name, text))
    free(text);
}

void
deleted_hosts_supersede(struct fabric *f, const struct vmn_host *row)
{
    struct fabric_host *host, *next;

    LIST_FOR_EACH_SAFE (host, next, deleted_node, &f->deleted) {
        const struct host_cleanup *c = host->cleanup;
        bool same = (!strcmp(host->name, row->row.name)
                     || (!strcmp(c->ovsdb, row->ovsdb)
                         && strcmp(row->ovsdb, "inbound")));

        for (size_t i = 0; i < ARRAY_SIZE(c->tunnel_ips); i++) {
            const struct vmn_ip *ip = &c->tunnel_ips[i];

            same |= ip->family && (!memcmp(ip, &row->tunnel_ip, sizeof *ip)
                                   || !memcmp(ip, &row->second_tunnel_ip,
                                              sizeof *ip));
        }
        if (same) {
            VLOG_INFO("host \"%s\" was deleted: its bridge is that of host "
                      "\"%s\" now, and not cleaned up any further",
                      host->name, row->row.name);
            fabric_host_destroy(host, "its host was removed");
        }
    }
}

void
deleted_hosts_destroy(struct fabric *f)
{
    struct fabric_host *host, *next;

    LIST_FOR_EACH_SAFE (host, next, deleted_node, &f->deleted) {
        VLOG_WARN("host \"%s\" was deleted: vmnd ends before its bridge was "
                  "cleaned up", host->name);
        fabric_host_destroy(host, "shutting down");
    }
}

/* Cleaning up.  ---------------------------------------------------------- */

static int64_t
elapsed_ms(const struct host_cleanup *c)
{
    return loop_now_ms(c->host->fabric->loop) - c->began_ms;
}

/* Returns true if the switch has been cleaned up, or is not going to be:
 * then sets 'switch_fault'. */
static bool
switch_is_over(struct host_cleanup *c)
{
    struct fabric_switch *sw = c->host->sw;
    struct switch_cleanup_result result;

    switch_cleanup_start(sw);
    switch_cleanup_get_result(sw, &result);
    if (result.over) {
        c->switch_fault = nullable_xstrdup(result.fault);
    } else if (elapsed_ms(c) >= DELETED_HOST_MAX_MS) {
        c->switch_fault = xstrdup("it has not answered in time");
    } else if (!sw->conn && !sw->asks_role
               && elapsed_ms(c) >= DELETED_HOST_AWAY_MS) {
        c->switch_fault = xstrdup(sw->error ? sw->error : AWAY);
    } else {
        return false;
    }
    return true;
}

/* The same of the database. */
static bool
database_is_over(struct host_cleanup *c)
{
    const char *fault;
    enum deleted_host_db state = deleted_host_db_state(c->host, &fault);

    if (state == DELETED_HOST_DB_CLEAN) {
        return true;
    }
    if (state == DELETED_HOST_DB_REFUSED
        || elapsed_ms(c) >= DELETED_HOST_MAX_MS
        || (state == DELETED_HOST_DB_AWAY
            && elapsed_ms(c) >= DELETED_HOST_AWAY_MS)) {
        c->database_fault = xstrdup(fault ? fault
                                    : state == DELETED_HOST_DB_AWAY ? AWAY
                                    : "it has not answered in time");
        return true;
    }
    return false;
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *c_)
{
    struct host_cleanup *c = c_;
    int64_t left_ms = (elapsed_ms(c) < DELETED_HOST_AWAY_MS
                       ? DELETED_HOST_AWAY_MS : DELETED_HOST_MAX_MS)
                      - elapsed_ms(c);

    if (c->step == CLEANUP_SWITCH && switch_is_over(c)) {
        /* However long the switch took, the database has its own time; but
         * whether it is connected has been waited for. */
        c->step = CLEANUP_DATABASE;
        c->began_ms = MAX(c->began_ms, (loop_now_ms(c->host->fabric->loop)
                                        - DELETED_HOST_AWAY_MS));
        deleted_host_db_clean(c->host);
    }
    if (c->step == CLEANUP_DATABASE && database_is_over(c)) {
        tell(c);
        fabric_host_destroy(c->host, "its host was removed");
    } else if (c->step != CLEANUP_NEW) {
        const struct timeval tv = {
            .tv_sec = MAX(left_ms, 1) / 1000,
            .tv_usec = MAX(left_ms, 1) % 1000 * 1000,
        };

        event_add(c->timer, &tv);
    }
}

void
deleted_host_cleanup_changed(struct fabric_host *host)
{
    event_active(host->cleanup->timer, EV_TIMEOUT, 0);
}

void
deleted_hosts_add(struct fabric_host *host)
{
    struct fabric *f = host->fabric;
    struct host_cleanup *c = xzalloc(sizeof *c);

    c->host = host;
    c->timer = evtimer_new(f->base, timer_cb, c);
    c->ovsdb = xstrdup(host->row->ovsdb);
    c->bridge = xstrdup(host->row->bridge);
    c->tunnel_ips[0] = host->row->tunnel_ip;
    c->tunnel_ips[1] = host->row->second_tunnel_ip;
    hmap_remove(&f->hosts, &host->name_node);
    ovs_list_push_back(&f->deleted, &host->deleted_node);
    host->cleanup = c;
    host->row = NULL;
    c->was_away = !host->sw->conn || !deleted_host_db_is_connected(host);
    if (host->lost && !host->sw->conn && !deleted_host_db_is_connected(host)) {
        fabric_db_host_destroy(host); /* It must not be contacted. */
    } else {
        host->lost = false;
        deleted_host_db_leave(host);
    }
    fabric_host_set_claim(host, 0);
    receipts_remove_host(f, host);
}

void
deleted_hosts_begin(struct fabric *f)
{
    struct fabric_host *host;

    LIST_FOR_EACH (host, deleted_node, &f->deleted) {
        struct host_cleanup *c = host->cleanup;

        if (c->step == CLEANUP_NEW) {
            c->step = CLEANUP_SWITCH;
            c->began_ms = loop_now_ms(f->loop);
            reconcile_start_if_ready(host->sw);
            deleted_host_cleanup_changed(host);
        }
    }
}

/* Warnings.  ------------------------------------------------------------- */

char *
fabric_host_left(const void *f_, const char *name)
{
    const struct fabric *f = f_;
    const struct fabric_host *host = fabric_find_host(f, name), *deleted;
    bool away = host && (!host->sw->conn
                         || !deleted_host_db_is_connected(host));

    LIST_FOR_EACH (deleted, deleted_node, &f->deleted) {
        if (!host && !strcmp(deleted->name, name)) {
            away = deleted->cleanup->was_away;
            host = deleted;
        }
    }
    return (!away ? NULL
            : xstrdup(host->lost
                      ? "it is declared lost, and away: what vmnd has put "
                      "there stays on it"
                      : "it cannot be reached now: unless it can in the next "
                      "seconds, what vmnd has put there stays on it, and an "
                      "event says what that is"));
}
