/* SPDX-License-Identifier: Apache-2.0
 *
 * Detects that a host is silent, or unheard; see host-liveness.h. */

#include <config.h>

#include "controller/fabric/ovsdb/host-liveness.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/dynamic-string.h"
#include "proto/loop/loop.h"
#include "timeval.h"
#include "util.h"

static int64_t
now_ms(const struct fabric_host_db *db)
{
    return loop_now_ms(db->host->fabric->loop);
}

/* Sessions.  ------------------------------------------------------------- */

static void
session_update(const struct fabric_host_db *db,
               struct liveness_session *session, bool alive)
{
    if (alive) {
        *session = (struct liveness_session) { .lost = false };
    } else if (!session->lost && !session->due_ms) {
        const struct fabric *fabric = db->host->fabric;

        session->away_ms = session->away_ms ? : time_wall_msec();
        session->due_ms = now_ms(db) + (strcmp(db->remote, "inbound")
                                        ? fabric->silent_ms
                                        : fabric->silent_inbound_ms);
    }
}

/* The same of the switch's session.  A host whose switch was connected and no
 * longer is counts as unheard at once, as that is when it is offline: only
 * what is done about it waits for the time-out.  Neither is over before the
 * switch is known to hold its flows. */
static void
switch_session_update(struct fabric_host_db *db)
{
    const struct fabric_switch *sw = db->host->sw;
    struct liveness_session *session = &db->switch_session;
    bool connected = sw->state != SWITCH_OFFLINE;

    if (!connected && db->switch_connected) {
        session->gone = true;
    }
    if (!connected || !(session->gone || session->lost)) {
        session_update(db, session, connected);
    } else if (sw->state == SWITCH_LIVE || sw->state == SWITCH_OBSERVED) {
        session_update(db, session, true);
    } else {
        session->due_ms = 0;
    }
    db->switch_connected = connected;
}

static void
session_check(const struct fabric_host_db *db,
              struct liveness_session *session)
{
    if (session->due_ms && now_ms(db) >= session->due_ms) {
        session->due_ms = 0;
        session->lost = true;
    }
}

static int64_t
session_deadline(const struct liveness_session *session)
{
    return session->due_ms ? session->due_ms : INT64_MAX;
}

/* A dead switch.  -------------------------------------------------------- */

/* Interval between checks for a reply of the database. */
#define DEAD_CHECK_MS 250

/* Starts or stops checking whether the switch is dead: the database is probed,
 * and its reply proves that only the switch is down. */
static void
dead_update(struct fabric_host_db *db)
{
    bool is_due = (db->switch_session.lost && !db->database_session.away_ms
                   && db->session);

    if (!is_due) {
        db->switch_dead = false;
        db->switch_lost_ms = 0;
    } else if (!db->switch_dead && !db->switch_lost_ms) {
        db->switch_lost_ms = db->dead_check_ms = now_ms(db);
        ovsdb_session_probe(db->session);
    }
}

static void
dead_check(struct fabric_host_db *db)
{
    dead_update(db);
    if (db->switch_lost_ms && now_ms(db) >= db->dead_check_ms) {
        if (ovsdb_session_heard_ms(db->session) > db->switch_lost_ms) {
            db->switch_dead = true;
            db->switch_lost_ms = 0;
        } else {
            db->dead_check_ms = now_ms(db) + DEAD_CHECK_MS;
        }
    }
}

static int64_t
dead_deadline(const struct fabric_host_db *db)
{
    return db->switch_lost_ms ? db->dead_check_ms : INT64_MAX;
}

/* The host.  ------------------------------------------------------------- */

/* What watchers are notified of: whether the host is unheard, why (see
 * host_liveness_reason()), and whether its switch is dead. */
struct liveness {
    bool unheard, database_silent, dead;
    bool database_away, switch_away; /* Of an unheard host. */
};

static struct liveness
get_liveness(const struct fabric_host_db *db)
{
    int64_t since_ms;
    bool unheard = host_liveness_is_unheard(db, &since_ms);

    return (struct liveness) {
        .unheard = unheard,
        .database_silent = db->database_session.lost,
        .dead = db->switch_dead,
        .database_away = unheard && db->database_session.away_ms,
        .switch_away = unheard && db->switch_session.away_ms,
    };
}

/* Notifies watchers if the liveness differs from what it 'was'. */
static void
notify(const struct fabric_host_db *db, const struct liveness *was)
{
    struct liveness now = get_liveness(db);

    if (now.unheard != was->unheard || now.dead != was->dead
        || now.database_silent != was->database_silent
        || now.database_away != was->database_away
        || now.switch_away != was->switch_away) {
        fabric_host_changed(db->host);
    }
}

/* Passes on what decides where ports are bound and which host is a gateway. */
static void
report(const struct fabric_host_db *db)
{
    observed_host_set_silent(db->observed, db->database_session.lost);
    observed_host_set_switch_dead(db->observed, db->switch_dead);
}

void
host_liveness_update(struct fabric_host_db *db, bool alive)
{
    struct liveness was = get_liveness(db);

    session_update(db, &db->database_session, alive);
    dead_check(db);
    report(db);
    notify(db, &was);
}

void
host_liveness_switch_update(struct fabric_host_db *db)
{
    const struct fabric_switch *sw = db->host->sw;
    struct liveness was = get_liveness(db);
    bool connected = sw->state != SWITCH_OFFLINE;

    /* Once: this is also called when the database was dialled in vain. */
    if (connected && !db->switch_connected) {
        ovsdb_session_retry(db->session);
    }
    switch_session_update(db);
    dead_check(db);
    report(db);
    notify(db, &was);
}

int64_t
host_liveness_deadline(const struct fabric_host_db *db)
{
    return MIN(dead_deadline(db), MIN(session_deadline(&db->database_session),
                                      session_deadline(&db->switch_session)));
}

void
host_liveness_check(struct fabric_host_db *db)
{
    struct liveness was = get_liveness(db);

    session_check(db, &db->database_session);
    session_check(db, &db->switch_session);
    dead_check(db);
    report(db);
    notify(db, &was);
}

/* Unheard.  -------------------------------------------------------------- */

bool
host_liveness_is_unheard(const struct fabric_host_db *db, int64_t *since_ms)
{
    const struct liveness_session *database = &db->database_session;
    const struct liveness_session *of_switch = &db->switch_session;

    *since_ms = (database->away_ms && of_switch->away_ms
                 ? MIN(database->away_ms, of_switch->away_ms)
                 : MAX(database->away_ms, of_switch->away_ms));
    return (database->lost || of_switch->lost || of_switch->gone
            || (db->refused && database->away_ms));
}

char *
host_liveness_reason(const struct fabric_host_db *db)
{
    /* Both, even if only one has timed out yet. */
    bool database = db->database_session.away_ms;
    struct ds ds = DS_EMPTY_INITIALIZER;
    int64_t since_ms;

    if (!host_liveness_is_unheard(db, &since_ms)) {
        return NULL;
    }
    if (database && db->refused) {
        ds_put_format(&ds, "host \"%s\" is rejected", db->host->name);
    } else {
        ds_put_format(&ds, "%shost \"%s\" has not been heard",
                      !database ? "the switch of "
                      : !db->switch_session.away_ms ? "the database of " : "",
                      db->host->name);
    }
    ds_put_strftime_msec(&ds, " since %Y-%m-%dT%H:%M:%SZ", since_ms, true);
    if (!database && db->host->sw->conn) {
        ds_put_cstr(&ds, ", and what it holds is not known yet");
    }
    return ds_steal_cstr(&ds);
}
