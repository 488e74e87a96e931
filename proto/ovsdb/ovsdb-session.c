/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's database session: connects, runs the OVSDB client behind a relay,
 * takes snapshots, and maintains the desired configuration; see ovsdb.h.  A
 * client exists as long as one connection: it does not control reconnects. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "proto/loop/loop.h"
#include "proto/text/quoted-text.h"
#include "stream.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ovsdb_session);

/* Milliseconds between two attempts, at first and at most. */
#define SESSION_BACKOFF_MIN_MS 1000
#define SESSION_BACKOFF_MAX_MS 8000
/* Milliseconds that a host may send nothing before its first snapshot is
 * complete, and that the snapshot may take altogether: a large database on a
 * slow link, or a controller that is busy, is no host that does not reply. */
#define SESSION_CONNECT_MS 20000
#define SESSION_SNAPSHOT_MS 120000
/* Milliseconds between two attempts for a host that has exceeded its budget.
 * If it has not for the last of these, it starts with the first again. */
#define SESSION_BUDGET_BACKOFF_MIN_MS 5000
#define SESSION_BUDGET_BACKOFF_MAX_MS (300 * 1000)
#define SESSION_BUDGET_CALM_MS (1800 * 1000)
/* Most memory that a byte from the host may need: in a row that has only
 * defaults. */
#define SESSION_BUDGET_PER_BYTE 64
/* A desired configuration is written this often in a row without delay, and
 * once more for each slice of IPsec's peers; then once in
 * SESSION_WRITE_PACE_MS, in case someone else keeps reverting it. */
#define SESSION_WRITE_BURST 5
#define SESSION_WRITE_PACE_MS 1000
#define SESSION_WRITE_CALM_MS 10000
/* Milliseconds until the next write after the database has rejected one. */
#define SESSION_WRITE_RETRY_MS 5000

struct ovsdb_session {
    struct loop *loop;
    struct ovsdb_schemas *schemas; /* Borrowed. */
    struct loop_task *task;
    char *name;
    char *remote;               /* NULL: inbound. */
    void (*changed)(void *aux);
    void *aux;

    enum ovsdb_state state;
    int64_t since_ms;
    char *error;                /* Why the last connection ended, or NULL. */
    int64_t deadline_ms;        /* CONNECTING: for the snapshot.  WAITING, if
                                 * dialled: when to connect again. */
    int64_t dropped_ms;         /* When the last attempt ended; an attempt that
                                 * fails at once is no change of state. */
    int backoff_ms;

    struct stream *stream;      /* Until it is connected; then the relay owns
                                 * it. */
    struct ovsdb_relay *relay;
    struct ovsdb_idl *idl;
    bool reads_zone_limits;     /* The client reads these columns. */
    size_t (*get_budget)(void *aux); /* NULL: OVSDB_BUDGET. */
    size_t budget;              /* Bytes for the client's rows. */
    size_t used;                /* Bytes that they used when last checked, */
    uint64_t used_received;     /* after this many bytes from the host. */
    uint64_t n_over_budget;     /* How often the host was dropped for its
                                 * budget, */
    bool over_budget;           /* and whether it was the last time. */
    int64_t over_budget_ms;     /* When that was; INT64_MIN: never. */
    int budget_backoff_ms;
    unsigned int seqno;         /* The client's, at the last snapshot. */
    struct ovsdb_snapshot *snapshot;

    struct ovsdb_desired *desired;    /* Deep copy, or NULL. */
    enum ovsdb_config_state config_state;
    char *config_reason;
    char *zone_limit_reason;    /* Why the limit is not set, or NULL. */
    bool config_due;              /* Must be compared with the database. */
    struct ovsdb_idl_txn *txn;  /* The pending transaction, or NULL. */
    int64_t write_ms;           /* Earliest time of the next write. */
    int64_t written_ms;         /* Time of the last write. */
    int n_writes;               /* In a row. */
    int max_writes;             /* Writes in a row before they are delayed. */

    bool notify;                /* 'changed' must be called. */
};

static void session_run(void *);
static void session_wait(void *);

/* The desired configuration.
 * ------------------------------------------------------------- */

/* Takes ownership of 'reason'. */
static void
session_set_config_state(struct ovsdb_session *s,
                         enum ovsdb_config_state state, char *reason)
{
    text_restrict(reason);      /* It may have text of the host. */
    if (s->config_state != state
        || !nullable_string_is_equal(s->config_reason, reason)) {
        s->notify = true;
        if (reason) {
            VLOG_WARN("%s: %s", s->name, reason);
        }
    }
    s->config_state = state;
    free(s->config_reason);
    s->config_reason = reason;
}

/* Sets one of the session's reasons.  Takes ownership of 'reason', which may
 * be NULL. */
static void
session_set_reason(struct ovsdb_session *s, char **reasonp, char *reason)
{
    text_restrict(reason);
    s->notify |= !nullable_string_is_equal(*reasonp, reason);
    free(*reasonp);
    *reasonp = reason;
}

/* Handles the end of 's->txn' with 'status'. */
static void
session_txn_done(struct ovsdb_session *s, enum ovsdb_idl_txn_status status,
                 int64_t now_ms)
{
    switch (status) {
    case TXN_SUCCESS:
    case TXN_UNCHANGED:
        s->config_due = true;     /* Checks that the database has it now. */
        break;

    case TXN_TRY_AGAIN:
        s->config_due = true;
        s->write_ms = MAX(s->write_ms, now_ms + SESSION_WRITE_PACE_MS);
        break;

    case TXN_UNCOMMITTED:
    case TXN_INCOMPLETE:
    case TXN_ABORTED:
    case TXN_NOT_LOCKED:
    case TXN_ERROR:
    default:
        session_set_config_state(
            s, OVSDB_CONFIG_FAILED,
            xasprintf("the database rejected its configuration: %.200s",
                      ovsdb_idl_txn_get_error(s->txn)));
        s->config_due = true;
        s->write_ms = now_ms + SESSION_WRITE_RETRY_MS;
        break;
    }
    ovsdb_idl_txn_destroy(s->txn);
    s->txn = NULL;
}

/* Returns how many writes in a row may be needed if nobody interferes: peers'
 * ports are written and removed in slices. */
static int
session_max_writes(const struct ovsdb_session *s)
{
    const struct ovsdb_peers *peers
        = (s->desired->peers ? s->desired->peers(s->desired->peers_aux)
                             : NULL);
    size_t n_peers = ((peers ? shash_count(&peers->peers) : 0)
                      + s->snapshot->n_interfaces);

    return SESSION_WRITE_BURST + (int) (n_peers / OVSDB_PEERS_SLICE);
}

/* Sets when the next write may be, after one. */
static void
session_pace_writes(struct ovsdb_session *s, int64_t now_ms)
{
    if (now_ms >= s->written_ms + SESSION_WRITE_CALM_MS) {
        s->n_writes = s->max_writes = 0;
    }
    s->written_ms = now_ms;
    s->max_writes = MAX(s->max_writes, session_max_writes(s));
    if (++s->n_writes > s->max_writes) {
        s->write_ms = now_ms + SESSION_WRITE_PACE_MS;
    }
}

/* Compares the desired configuration with the database, and starts to write
 * what differs. */
static void
session_start_txn(struct ovsdb_session *s, int64_t now_ms)
{
    char *refusal;

    s->config_due = false;
    s->txn = ovsdb_idl_txn_create(s->idl);
    ovsdb_idl_txn_add_comment(s->txn, "vmnd: %s host %s",
                              s->desired->removed ? "clean up" : "set up",
                              s->name);
    if (ovsdb_config_apply(s->idl, s->txn, s->desired, &refusal)) {
        if (s->config_state == OVSDB_CONFIG_DONE) {
            VLOG_INFO("%s: the database was changed; configuring it again",
                      s->name);
        }
        if (s->config_state != OVSDB_CONFIG_FAILED) {
            session_set_config_state(s, OVSDB_CONFIG_WORKING, NULL);
        }
        session_pace_writes(s, now_ms);
        return;
    }
    ovsdb_idl_txn_abort(s->txn);
    ovsdb_idl_txn_destroy(s->txn);
    s->txn = NULL;
    session_set_reason(
        s, &s->zone_limit_reason,
        refusal ? NULL : ovsdb_zone_limit_reason(s->idl, s->desired));
    session_set_config_state(
        s, refusal ? OVSDB_CONFIG_REFUSED : OVSDB_CONFIG_DONE, refusal);
}

static void
session_run_config(struct ovsdb_session *s, int64_t now_ms)
{
    if (!s->txn && s->desired && s->config_due && s->state == OVSDB_CONNECTED
        && now_ms >= s->write_ms) {
        session_start_txn(s, now_ms);
    }
    if (s->txn) {
        enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit(s->txn);

        if (status != TXN_INCOMPLETE) {
            session_txn_done(s, status, now_ms);
        }
    }
}

/* The connection.  ------------------------------------------------------- */

static void
session_set_state(struct ovsdb_session *s, enum ovsdb_state state)
{
    if (s->state != state) {
        s->state = state;
        s->since_ms = loop_now_ms(s->loop);
        s->notify = true;
    }
}

/* Ends the connection, if any. */
static void
session_close(struct ovsdb_session *s)
{
    if (s->txn) {
        ovsdb_idl_txn_destroy(s->txn);
        s->txn = NULL;
    }
    ovsdb_idl_destroy(s->idl);
    s->idl = NULL;
    s->reads_zone_limits = false;
    ovsdb_relay_destroy(s->relay);
    s->relay = NULL;
    stream_close(s->stream);
    s->stream = NULL;
    s->seqno = 0;
    s->used = s->used_received = 0;
    ovsdb_snapshot_destroy(s->snapshot);
    s->snapshot = NULL;
}

/* Closes the connection for 'reason', and schedules the next attempt. */
static void
session_drop(struct ovsdb_session *s, const char *reason)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);
    int64_t now_ms = loop_now_ms(s->loop);
    char *error = text_restrict(xstrdup(reason));

    if (!nullable_string_is_equal(s->error, error)
        || s->state == OVSDB_CONNECTED) {
        VLOG_WARN_RL(&rl, "%s: database session: %s", s->name, error);
    }
    free(s->error);
    s->error = error;
    s->over_budget = false;
    session_close(s);
    session_set_state(s, OVSDB_WAITING);
    session_set_config_state(s, OVSDB_CONFIG_WORKING, NULL);
    s->notify = true;
    s->dropped_ms = now_ms;
    s->deadline_ms = now_ms + s->backoff_ms;
    s->backoff_ms = MIN(2 * s->backoff_ms, SESSION_BACKOFF_MAX_MS);
}

/* Does the same to a host that uses too much of our memory; its delay doubles
 * each time. */
static void
session_drop_over_budget(struct ovsdb_session *s, const char *reason)
{
    int64_t now_ms = loop_now_ms(s->loop);
    bool calm = (s->over_budget_ms == INT64_MIN
                 || now_ms - s->over_budget_ms > SESSION_BUDGET_CALM_MS);

    session_drop(s, reason);
    s->budget_backoff_ms = (calm ? SESSION_BUDGET_BACKOFF_MIN_MS
                            : MIN(2 * s->budget_backoff_ms,
                                  SESSION_BUDGET_BACKOFF_MAX_MS));
    s->deadline_ms = now_ms + s->budget_backoff_ms;
    s->over_budget_ms = now_ms;
    s->over_budget = true;
    s->n_over_budget++;
}

/* Drops the connection and returns false if the client's rows exceed the
 * host's budget.  Computes their size only if the bytes received since the
 * last time may have exceeded it. */
static bool
session_check_budget(struct ovsdb_session *s)
{
    uint64_t received = ovsdb_relay_received(s->relay);
    uint64_t most = (s->used + (received - s->used_received)
                     * SESSION_BUDGET_PER_BYTE);

    if (most <= s->budget) {
        return true;
    }
    s->used = ovsdb_budget_used(s->idl, s->budget);
    s->used_received = received;
    if (s->used > s->budget) {
        session_drop_over_budget(s, "its database exceeds the host's memory "
                                    "budget (vmnd --host-memory)");
        return false;
    }
    return true;
}

/* Updates the budget, which depends on what is desired of the host. */
static void
session_note_budget(struct ovsdb_session *s)
{
    s->budget = s->get_budget ? s->get_budget(s->aux) : OVSDB_BUDGET;
    ovsdb_relay_set_budget(s->relay, s->budget);
}

/* Starts the OVSDB client on 'stream', which is connected, and of which
 * 'early' (or NULL) was read already. */
static void
session_start(struct ovsdb_session *s, struct stream *stream,
              const struct ofpbuf *early)
{
    int error;

    s->relay = ovsdb_relay_create(s->name, s->schemas, stream, early,
                                  loop_now_ms(s->loop));
    if (!s->relay) {
        session_drop(s, "the host sends what is not JSON-RPC");
        return;
    }
    session_note_budget(s);
    s->idl = ovsdb_relay_open_idl(s->relay, &error);
    if (!s->idl) {
        session_drop(s, ovs_strerror(error));
    }
}

static void
session_dial(struct ovsdb_session *s)
{
    int error = stream_open(s->remote, &s->stream, DSCP_DEFAULT);

    s->deadline_ms = loop_now_ms(s->loop) + SESSION_SNAPSHOT_MS;
    if (error) {
        session_drop(s, ovs_strerror(error));
    } else {
        session_set_state(s, OVSDB_CONNECTING);
    }
}

/* Returns true if the certificate is another host's. */
static bool
is_other_host(const struct ovsdb_session *s)
{
    const char *peer = stream_get_peer_id(s->stream);

    return (!strncmp(s->remote, "ssl:", 4)
            && (!peer || strcmp(peer, s->name)));
}

static void
session_connect(struct ovsdb_session *s)
{
    int error;

    stream_run(s->stream);
    error = stream_connect(s->stream);
    if (!error && is_other_host(s)) {
        session_drop(s, "its certificate is not this host's");
    } else if (!error) {
        struct stream *stream = s->stream;

        s->stream = NULL;
        session_start(s, stream, NULL);
    } else if (error != EAGAIN) {
        session_drop(s, ovs_strerror(error));
    }
}

/* Processes what the client has received. */
static void
session_update(struct ovsdb_session *s)
{
    const char *error;

    if (!ovsdb_idl_has_ever_connected(s->idl)
        || ovsdb_idl_get_seqno(s->idl) == s->seqno) {
        return;
    }
    s->seqno = ovsdb_idl_get_seqno(s->idl);
    if (s->state != OVSDB_CONNECTED && !ovsdb_snapshot_possible(s->idl)) {
        return;                 /* The database is still being set up. */
    }
    ovsdb_snapshot_destroy(s->snapshot);
    s->snapshot = ovsdb_snapshot_take(s->idl, &error);
    if (!s->snapshot) {
        session_drop(s, error);
        return;
    }
    if (s->state != OVSDB_CONNECTED) {
        VLOG_INFO("%s: database session is up", s->name);
        s->backoff_ms = SESSION_BACKOFF_MIN_MS;
        s->over_budget = false;
        free(s->error);
        s->error = NULL;
        session_set_state(s, OVSDB_CONNECTED);
    }
    s->notify = true;
    s->config_due = true;
}

static void
session_run_client(struct ovsdb_session *s, int64_t now_ms)
{
    const char *error;

    session_note_budget(s);
    error = ovsdb_relay_run(s->relay, now_ms);
    if (!error) {
        /* Before the client receives the schema and requests the rows. */
        if (!s->reads_zone_limits && ovsdb_relay_has_zone_limits(s->relay)) {
            s->reads_zone_limits = true;
            ovsdb_zone_limit_register(s->idl);
        }
        ovsdb_idl_run(s->idl);
        if (!session_check_budget(s)) {
            return;
        }
        session_update(s);
        if (!s->idl) {
            return;             /* It was dropped. */
        }
        session_run_config(s, now_ms);
        error = ovsdb_relay_run(s->relay, now_ms);
    }
    if (error && ovsdb_relay_is_over_budget(s->relay)) {
        char *reason = xasprintf("its database exceeds a limit: %s", error);

        session_drop_over_budget(s, reason);
        free(reason);
    } else if (error) {
        session_drop(s, error);
    }
}

/* While a session is CONNECTING: when it is given up. */
static int64_t
session_connect_deadline(const struct ovsdb_session *s)
{
    int64_t heard_ms = s->since_ms;

    if (s->relay) {
        heard_ms = MAX(heard_ms, ovsdb_relay_heard_ms(s->relay));
    }
    return MIN(s->deadline_ms, heard_ms + SESSION_CONNECT_MS);
}

static void
session_run(void *session)
{
    struct ovsdb_session *s = session;
    int64_t now_ms = loop_now_ms(s->loop);

    if (s->state == OVSDB_WAITING) {
        if (s->remote && now_ms >= s->deadline_ms) {
            session_dial(s);
        }
    } else if (s->state == OVSDB_CONNECTING
               && now_ms >= session_connect_deadline(s)) {
        session_drop(s, "the host did not reply in time");
    }
    if (s->stream) {
        session_connect(s);
    }
    if (s->relay) {
        session_run_client(s, now_ms);
    }
    if (s->notify) {
        s->notify = false;
        s->changed(s->aux);
    }
}

static void
session_wait_until(int64_t when_ms, int64_t now_ms)
{
    poll_timer_wait(when_ms > now_ms ? when_ms - now_ms : 0);
}

static void
session_wait(void *session)
{
    struct ovsdb_session *s = session;
    int64_t now_ms = loop_now_ms(s->loop);

    if (s->state == OVSDB_CONNECTING) {
        session_wait_until(session_connect_deadline(s), now_ms);
    } else if (s->state == OVSDB_WAITING && s->remote) {
        session_wait_until(s->deadline_ms, now_ms);
    }
    if (s->stream) {
        stream_run_wait(s->stream);
        stream_connect_wait(s->stream);
    }
    if (s->relay) {
        ovsdb_relay_wait(s->relay, now_ms);
        ovsdb_idl_wait(s->idl);
        if (s->txn) {
            ovsdb_idl_txn_wait(s->txn);
        } else if (s->desired && s->config_due && s->snapshot) {
            session_wait_until(s->write_ms, now_ms);
        }
    }
    if (s->notify) {
        poll_immediate_wake();
    }
}

/* Public.  --------------------------------------------------------------- */

struct ovsdb_session *
ovsdb_session_create(struct loop *loop, struct ovsdb_schemas *schemas,
                     const char *name, const char *remote,
                     void (*changed)(void *aux), void *aux)
{
    struct ovsdb_session *s = xzalloc(sizeof *s);

    s->loop = loop;
    s->schemas = schemas;
    s->name = xstrdup(name);
    s->remote = nullable_xstrdup(remote);
    s->changed = changed;
    s->aux = aux;
    s->state = OVSDB_WAITING;
    s->since_ms = s->deadline_ms = s->dropped_ms = loop_now_ms(loop);
    s->written_ms = s->since_ms - SESSION_WRITE_CALM_MS;
    s->backoff_ms = SESSION_BACKOFF_MIN_MS;
    s->over_budget_ms = INT64_MIN;
    s->task = loop_task_create(loop, s->name, session_run, session_wait, s);
    return s;
}

void
ovsdb_session_destroy(struct ovsdb_session *s)
{
    if (s) {
        loop_task_destroy(s->task);
        session_close(s);
        ovsdb_desired_destroy(s->desired);
        free(s->config_reason);
        free(s->zone_limit_reason);
        free(s->error);
        free(s->remote);
        free(s->name);
        free(s);
    }
}

void
ovsdb_session_retry(struct ovsdb_session *s)
{
    int64_t now_ms = loop_now_ms(s->loop);

    if (s->state == OVSDB_WAITING && s->remote && !s->over_budget
        && s->deadline_ms > now_ms) {
        s->deadline_ms = MIN(s->deadline_ms,
                             MAX(now_ms, s->dropped_ms
                                         + SESSION_BACKOFF_MIN_MS));
        s->backoff_ms = SESSION_BACKOFF_MIN_MS;
        loop_task_kick(s->task);
    }
}

void
ovsdb_session_set_desired(struct ovsdb_session *s,
                          const struct ovsdb_desired *desired)
{
    ovsdb_desired_destroy(s->desired);
    s->desired = desired ? ovsdb_desired_clone(desired) : NULL;
    s->config_due = true;
    s->write_ms = 0;
    session_set_config_state(s, OVSDB_CONFIG_WORKING, NULL);
    loop_task_kick(s->task);
}

void
ovsdb_session_set_budget(struct ovsdb_session *s,
                         size_t (*budget)(void *aux))
{
    s->get_budget = budget;
}

const struct ovsdb_snapshot *
ovsdb_session_snapshot(const struct ovsdb_session *s)
{
    return s->state == OVSDB_CONNECTED ? s->snapshot : NULL;
}

int64_t
ovsdb_session_heard_ms(const struct ovsdb_session *s)
{
    return s->relay ? ovsdb_relay_heard_ms(s->relay) : INT64_MIN;
}

void
ovsdb_session_probe(struct ovsdb_session *s)
{
    if (s->relay) {
        ovsdb_relay_probe(s->relay, loop_now_ms(s->loop));
        loop_task_kick(s->task);
    }
}

void
ovsdb_session_get_status(const struct ovsdb_session *s,
                         struct ovsdb_status *status)
{
    status->state = s->state;
    status->since_ms = s->since_ms;
    status->error = s->error;
    status->over_budget = s->over_budget;
    status->n_over_budget = s->n_over_budget;
    status->config = s->config_state;
    status->config_reason = s->config_reason;
    status->zone_limit_reason = s->zone_limit_reason;
}

bool
ovsdb_session_accept(struct ovsdb_session *s, struct stream *stream,
                     const struct ofpbuf *early)
{
    int64_t now_ms = loop_now_ms(s->loop);

    if (s->relay) {
        session_run_client(s, now_ms); /* The end of the old connection may not
                                        * have been noticed yet. */
    }
    if (s->over_budget && now_ms < s->deadline_ms) {
        stream_close(stream);
        return false;
    }
    if (s->state != OVSDB_WAITING) {
        /* A live connection is never replaced; a dead one is detected by a
         * probe. */
        if (s->relay) {
            ovsdb_relay_probe(s->relay, now_ms);
            loop_task_kick(s->task);
        }
        stream_close(stream);
        return false;
    }
    s->deadline_ms = now_ms + SESSION_SNAPSHOT_MS;
    session_set_state(s, OVSDB_CONNECTING);
    session_start(s, stream, early);
    loop_task_kick(s->task);
    return true;
}
