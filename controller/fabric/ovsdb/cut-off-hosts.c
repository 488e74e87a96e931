/* SPDX-License-Identifier: Apache-2.0
 *
 * See cut-off-hosts.h.  A host is cut off if those that should reach it do
 * not, and do reach others:
 *
 * - a witness is a host that vmnd hears, database and switch, and that has a
 *   session with some third host which both of them call up.  One that is cut
 *   off itself says that everybody is down, and is no witness; nor is one that
 *   has died, and whose database still says what was.
 * - a host is cut off if there is a witness, and all witnesses that have
 *   reached it before call their sessions with it down.
 * - it stays so until its switch is known to hold its flows, however early
 *   its sessions are up; and longer each time that it is cut off again soon:
 *   connections are not to move back and forth with it.
 *
 * So one host that has lost its link, or one path that is broken, moves
 * nothing; and of two hosts that watch nobody else neither can tell.
 *
 * A session is blind if its host calls a peer down that others reach: the path
 * between the two is broken.  That takes a while to say, in which the peer may
 * turn out to be cut off. */

#include <config.h>

#include "controller/fabric/ovsdb/cut-off-hosts.h"

#include <event2/event.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cut_off_hosts);

/* For how long a session contradicts others before it is blind, in ms.  What
 * all see at the same time is here within a second. */
#define BLIND_AFTER_MS 2000
/* One that is cut off within AGAIN_MS of its return is to be reached for
 * HOLD_MIN_MS before it returns again, and twice as long each further time, up
 * to HOLD_MAX_MS. */
#define AGAIN_MS (10 * 60 * 1000)
#define HOLD_MIN_MS 5000
#define HOLD_MAX_MS 60000

static const struct fabric_host_db *
find_db(const struct fabric *f, const char *name)
{
    const struct fabric_host *host = fabric_find_host(f, name);

    return host ? host->db : NULL;
}

static bool
calls_up(const struct fabric_host_db *db, const char *name)
{
    const struct watch *watch = host_bfd_find(db, name);

    return watch && watch->state == OVSDB_BFD_UP;
}

/* Returns true if 'db' is a witness of whether host 'of' is reached. */
static bool
is_witness(const struct fabric_host_db *db, const char *of)
{
    if (!db->connected || !db->switch_connected) {
        return false;
    }
    for (size_t i = 0; i < db->watches.n; i++) {
        const struct watch *watch = &db->watches.watches[i];
        const struct fabric_host_db *third;

        if (watch->state != OVSDB_BFD_UP || !strcmp(watch->name, of)) {
            continue;
        }
        third = find_db(db->host->fabric, watch->name);
        if (third && third->connected
            && calls_up(third, db->host->name)) {
            return true;
        }
    }
    return false;
}

static bool
is_cut_off(const struct fabric_host_db *db)
{
    const char *name = db->host->name;
    bool any = false;

    for (size_t i = 0; i < db->watches.n; i++) {
        const struct fabric_host_db *peer
            = find_db(db->host->fabric, db->watches.watches[i].name);
        const struct watch *watch = peer ? host_bfd_find(peer, name) : NULL;

        if (watch && watch->was_up && is_witness(peer, name)) {
            if (watch->state == OVSDB_BFD_UP) {
                return false;
            }
            any = true;
        }
    }
    return any;
}

/* Returns true if a host that is heard reaches this one. */
static bool
is_reached(const struct fabric_host_db *db)
{
    for (size_t i = 0; i < db->watches.n; i++) {
        const struct fabric_host_db *peer
            = find_db(db->host->fabric, db->watches.watches[i].name);

        if (peer && peer->connected && peer->switch_connected
            && calls_up(peer, db->host->name)) {
            return true;
        }
    }
    return false;
}

/* Returns for how long the host has to be reached before it is back, in ms. */
static int64_t
hold_ms(const struct cut_off_history *history)
{
    int64_t ms = history->n_again ? HOLD_MIN_MS : 0;

    for (unsigned i = 1; i < history->n_again && ms < HOLD_MAX_MS; i++) {
        ms *= 2;
    }
    return MIN(ms, HOLD_MAX_MS);
}

/* Returns true if a host that counts as cut off is not any more; if that
 * depends on time alone, sets '*next_ms' to the earliest of it and when that
 * will be. */
static bool
is_back(struct fabric_host_db *db, int64_t now_ms, int64_t *next_ms)
{
    const struct fabric_switch *sw = db->host->sw;
    struct cut_off_history *history = &db->watches.history;
    int64_t due_ms;

    if (!db->watches.n) {
        return true;            /* Nobody watches it any more. */
    }
    /* That a witness has gone brings nobody back; and one that is reached may
     * be without flows. */
    if (!is_reached(db) || (sw->state != SWITCH_LIVE
                            && sw->state != SWITCH_OBSERVED)) {
        history->reached_ms = 0;
        return false;
    }
    if (!history->reached_ms) {
        history->reached_ms = now_ms;
    }
    due_ms = history->reached_ms + hold_ms(history);
    if (now_ms < due_ms) {
        *next_ms = MIN(*next_ms, due_ms);
        return false;
    }
    return true;
}

static void
set_cut_off(struct fabric_host_db *db, bool cut_off, int64_t now_ms)
{
    struct cut_off_history *history = &db->watches.history;

    VLOG_INFO(cut_off ? "%s: cut off: no host that watches it by BFD reaches "
              "it" : "%s: not cut off any more", db->host->name);
    if (!cut_off) {
        history->returned_ms = now_ms;
    } else if (history->returned_ms
               && now_ms - history->returned_ms < AGAIN_MS) {
        history->n_again = MIN(history->n_again + 1, 16);
    } else {
        history->n_again = 0;
    }
    history->reached_ms = 0;
    observed_host_set_cut_off(db->observed, cut_off);
    fabric_host_changed(db->host);
}

/* Finds out whether the host is cut off. */
static void
check_host(struct fabric_host_db *db, int64_t now_ms, int64_t *next_ms)
{
    bool was = db->observed->cut_off;

    if (is_cut_off(db)) {
        db->watches.history.reached_ms = 0;
        if (!was) {
            set_cut_off(db, true, now_ms);
        }
    } else if (was && is_back(db, now_ms, next_ms)) {
        set_cut_off(db, false, now_ms);
    }
}

/* Returns true if the host's session 'watch' calls a peer down that others
 * reach. */
static bool
contradicts(const struct fabric_host_db *db, const struct watch *watch)
{
    const struct fabric_host_db *peer;

    if (watch->state == OVSDB_BFD_UP || !watch->was_up || !db->connected) {
        return false;
    }
    peer = find_db(db->host->fabric, watch->name);
    return (peer && peer->observed && !peer->observed->cut_off
            && is_reached(peer));
}

/* Finds out whether a session is blind.  Once it is, only what says that it is
 * not ends that: the peer may be silent for a while. */
static void
check_session(const struct fabric_host_db *db, struct watch *watch,
              int64_t now_ms, int64_t *next_ms)
{
    const struct fabric_host_db *peer;

    if (contradicts(db, watch)) {
        if (!watch->blind_since_ms) {
            watch->blind_since_ms = now_ms;
        }
        if (now_ms >= watch->blind_since_ms + BLIND_AFTER_MS) {
            watch->blind = true;
        } else {
            *next_ms = MIN(*next_ms, watch->blind_since_ms + BLIND_AFTER_MS);
        }
        return;
    }
    peer = find_db(db->host->fabric, watch->name);
    watch->blind_since_ms = 0;
    if (watch->state == OVSDB_BFD_UP || !watch->was_up || !peer
        || !peer->observed || peer->observed->cut_off) {
        watch->blind = false;
    }
}

static void
check_sessions(struct fabric_host_db *db, int64_t now_ms, int64_t *next_ms)
{
    bool changed = false;

    for (size_t i = 0; i < db->watches.n; i++) {
        struct watch *watch = &db->watches.watches[i];
        bool was = watch->blind;

        check_session(db, watch, now_ms, next_ms);
        if (watch->blind != was) {
            VLOG_INFO(watch->blind ? "%s: does not see host %s by BFD, which "
                      "others do: the path between them is broken"
                      : "%s: what it says of host %s counts again",
                      db->host->name, watch->name);
            changed = true;
        }
    }
    if (changed) {
        host_db_desired_changed(db);
    }
}

static void
due_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fabric *f = f_;
    int64_t now_ms = loop_now_ms(f->loop), next_ms = INT64_MAX;
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (host->db && host->db->observed
            && (host->db->watches.n || host->db->observed->cut_off)) {
            check_host(host->db, now_ms, &next_ms);
        }
    }
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        if (host->db && host->db->observed) {
            check_sessions(host->db, now_ms, &next_ms);
        }
    }
    if (next_ms != INT64_MAX) {
        const struct timeval tv = { (next_ms - now_ms) / 1000,
                                    (next_ms - now_ms) % 1000 * 1000 };

        event_add(f->db->bfd_due, &tv);
    }
}

void
cut_off_hosts_due(const struct fabric_host_db *db)
{
    const struct fabric_db *all = db->host->fabric->db;

    if (all && all->bfd_due
        && (db->watches.n || (db->observed && db->observed->cut_off))) {
        event_active(all->bfd_due, EV_TIMEOUT, 0);
    }
}

const char *
cut_off_hosts_reason(const struct fabric_host_db *db)
{
    return (db->watches.history.reached_ms
            ? "reached by BFD again, but not for as long yet as is asked of "
            "one that was cut off several times in ten minutes"
            : "no host that watches it by BFD reaches it");
}

void
cut_off_hosts_create(struct fabric *f)
{
    f->db->bfd_due = event_new(f->base, -1, 0, due_cb, f);
}

void
cut_off_hosts_destroy(struct fabric *f)
{
    if (f->db->bfd_due) {
        event_free(f->db->bfd_due);
        f->db->bfd_due = NULL;
    }
}
