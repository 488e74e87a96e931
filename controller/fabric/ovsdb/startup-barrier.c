/* SPDX-License-Identifier: Apache-2.0
 *
 * Collects the hosts' first reports at a start before anything is compiled:
 * half of a port's flows depend on its interface, and would be compiled twice.
 * The same for a member of a cluster that has become the writer and whose
 * state has no interfaces, as that of a cluster that was just made.  A host
 * that does not reply delays nothing for long: it is waited for only while
 * messages of it arrive.  Not for processing reports (observed-state.c). */

#include <config.h>

#include "controller/fabric/ovsdb/startup-barrier.h"

#include <event2/event.h>

#include "controller/commit/commit.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(startup_barrier);

/* Interval of the checks whether hosts that have not reported have sent
 * anything, and how many consecutive checks may find nothing.  On an
 * overloaded machine the checks are late, too. */
#define BARRIER_CHECK_MS 50
#define BARRIER_QUIET_CHECKS 10
/* Maximum duration. */
#define BARRIER_MAX_MS 10000

static bool
has_reported(const struct fabric_host *host)
{
    const struct observed_host *observed = host->db->observed;

    return (host->lost              /* Its report does not count. */
            || (observed->state->gathering ? observed_is_committed(observed)
                : observed->known));
}

/* Counts the hosts that have not reported, up to 'max'. */
static size_t
count_missing(const struct fabric *fabric, size_t max)
{
    const struct fabric_host *host;
    size_t n = 0;

    HMAP_FOR_EACH (host, name_node, &fabric->hosts) {
        n += !has_reported(host);
        if (n >= max) {
            break;
        }
    }
    return n;
}

/* Returns true if a host that has not reported has sent anything since
 * 'since_ms'. */
static bool
is_any_heard(const struct fabric *fabric, int64_t since_ms)
{
    const struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &fabric->hosts) {
        if (!has_reported(host)
            && ovsdb_session_heard_ms(host->db->session) >= since_ms) {
            return true;
        }
    }
    return false;
}

void
startup_barrier_uninit(struct fabric_db *db)
{
    if (db->barrier) {
        event_free(db->barrier);
        db->barrier = NULL;
    }
}

static void
finish(struct fabric_db *db)
{
    size_t n = count_missing(db->fabric, SIZE_MAX);

    VLOG_INFO("%"PRIuSIZE" of %"PRIuSIZE" hosts have reported",
              hmap_count(&db->fabric->hosts) - n,
              hmap_count(&db->fabric->hosts));
    startup_barrier_uninit(db);
    if (db->observed->gathering) {
        db->observed->gathering = false;
        observed_commit_schedule(db->observed);
    } else {
        commit_begin(db->fabric->commit, observed_load, db->observed);
    }
}

static void
check_later(struct fabric_db *db)
{
    static const struct timeval tv = { .tv_usec = BARRIER_CHECK_MS * 1000 };

    db->barrier_checked_ms = loop_now_ms(db->fabric->loop);
    event_add(db->barrier, &tv);
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *db_)
{
    struct fabric_db *db = db_;

    if (is_any_heard(db->fabric, db->barrier_checked_ms)) {
        db->n_barrier_quiet = 0;
    } else {
        db->n_barrier_quiet++;
    }
    if (loop_now_ms(db->fabric->loop) >= db->barrier_until_ms
        || db->n_barrier_quiet >= BARRIER_QUIET_CHECKS) {
        finish(db);
    } else {
        check_later(db);
    }
}

void
startup_barrier_hold(struct fabric_db *db)
{
    db->observed->in_barrier = commit_hold(db->fabric->commit);
}

void
startup_barrier_begin(struct fabric_db *db)
{
    struct fabric *fabric = db->fabric;

    if (!db->observed->in_barrier && !db->observed->gathering) {
        return;
    }
    if (count_missing(fabric, 1)) {
        db->barrier_until_ms = loop_now_ms(fabric->loop) + BARRIER_MAX_MS;
        db->barrier = evtimer_new(fabric->base, timer_cb, db);
        check_later(db);
    } else {
        finish(db);
    }
}

void
startup_barrier_check(struct fabric_db *db)
{
    if (db->barrier && !count_missing(db->fabric, 1)) {
        finish(db);
    }
}
