/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenFlow session of one host: handles connections, and passes messages
 * and events to its parts (switch-part.h).  No part is named here. */

#include <config.h>

#include "controller/fabric/session/switch.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/receipts.h"
#include "controller/fabric/session/switch-part.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(switch);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 60);

/* For how long a host's new master waits for what the former one has sent. */
#define SETTLE_MS 250
/* How long a switch that was asked for a role is quiet before that is news;
 * and when a role is asked for again that another controller has taken. */
#define TAKE_MS 1000

static void stall_cb(evutil_socket_t, short, void *sw);
static void take_cb(evutil_socket_t, short, void *sw);
static void take_later(struct fabric_switch *, int ms);

/* Parts.  ---------------------------------------------------------------- */

struct fabric_switch *
switch_create(struct fabric_host *host)
{
    const struct switch_part_class *const *parts
        = host->fabric->switch_parts;
    struct fabric_switch *sw = xzalloc(sizeof *sw);
    size_t n = 0;

    sw->host = host;
    sw->since_ms = time_wall_msec();
    sw->offline_ms = time_msec();
    sw->stall = evtimer_new(host->fabric->base, stall_cb, sw);
    sw->take = evtimer_new(host->fabric->base, take_cb, sw);
    while (parts[n]) {
        n++;
    }
    sw->part_states = xcalloc(n, sizeof *sw->part_states);
    for (size_t i = 0; i < n; i++) {
        sw->part_states[i] = xzalloc(MAX(parts[i]->state_size, 1));
    }
    SWITCH_CALL_PARTS(sw, init);
    return sw;
}

void
switch_set_live(struct fabric_switch *sw)
{
    sw->state = SWITCH_LIVE;
    fabric_host_changed(sw->host);
    sw->host->fabric->callbacks->switch_changed(sw->host);
    SWITCH_CALL_PARTS(sw, live);
}

void
switch_reset(struct fabric_switch *sw, enum switch_state state,
             const char *reason)
{
    SWITCH_CALL_PARTS(sw, reset, reason);
    sw->state = state;
    fabric_host_changed(sw->host);
}

void
switch_set_aside(struct fabric_switch *sw)
{
    SWITCH_CALL_PARTS(sw, disconnected);
    event_del(sw->stall);
    event_del(sw->take);
    sw->state = SWITCH_EMPTYING;
}

void
switch_put_status(const struct fabric_switch *sw, struct arena *arena,
                  struct status_host *status)
{
    SWITCH_CALL_PARTS(sw, put_status, arena, status);
}

/* Stalling.  ------------------------------------------------------------- */

static bool
is_owed(const struct fabric_switch *sw)
{
    const struct switch_part_class *part;
    const void *state;

    SWITCH_FOR_EACH_PART (part, state, sw) {
        if (part->is_owed && part->is_owed(sw, state)) {
            return true;
        }
    }
    return false;
}

void
switch_stalled(struct fabric_switch *sw, const char *reason)
{
    char *text = xasprintf("stalled: %s", reason);

    sw->host->fabric->stats.n_stalls++;
    sw->n_stalls++;
    switch_detach(sw, text);
    SWITCH_CALL_PARTS(sw, given_up, text);
    free(text);
}

/* Not restarted with each reply: it checks when the last reply was
 * received. */
static void
stall_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *sw_)
{
    struct fabric_switch *sw = sw_;
    int64_t silent_ms = time_msec() - sw->progress_ms;
    int limit = sw->host->fabric->stall_ms;
    struct ofconn *conn = sw->conn;
    char *reason;

    if (!is_owed(sw)) {
        return;
    } else if (silent_ms < limit) {
        const int64_t ms = limit - silent_ms;
        const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

        event_add(sw->stall, &tv);
        return;
    }
    reason = xasprintf("no acknowledgement for %d ms", limit);
    VLOG_WARN_RL(&rl, "%s: disconnected: %s", sw->host->name, reason);
    switch_stalled(sw, reason);
    free(reason);
    ofconn_set_aux(conn, NULL);
    ofconn_close(conn);
}

/* Coming and going.  ----------------------------------------------------- */

/* Frees everything that belongs to a connection. */
static void
disconnected(struct fabric_switch *sw)
{
    SWITCH_CALL_PARTS(sw, disconnected);
    event_del(sw->stall);
    event_del(sw->take);
    sw->state = SWITCH_OFFLINE;
    sw->since_ms = time_wall_msec();
    sw->offline_ms = time_msec();
    fabric_host_changed(sw->host);
    sw->host->fabric->callbacks->switch_changed(sw->host);
}

void
switch_detach(struct fabric_switch *sw, const char *reason)
{
    struct fabric *f = sw->host->fabric;

    disconnected(sw);
    sw->conn = NULL;
    f->stats.n_connected--;
    free(sw->error);
    sw->error = xstrdup(reason);
    receipts_acked_changed(f);
    if (sw->host->lost) {
        receipts_remove_host(f, sw->host);
    }
}

void
switch_set_error(struct fabric_switch *sw, const char *format, ...)
{
    va_list args;

    if (!sw->conn) {
        free(sw->error);
        va_start(args, format);
        sw->error = xvasprintf(format, args);
        va_end(args);
        fabric_host_changed(sw->host);
    }
}

void
switch_disconnect(struct fabric_switch *sw, const char *reason)
{
    struct ofconn *conn = sw->conn;

    if (conn) {
        VLOG_INFO_RL(&rl, "%s: closing its switch's connection: %s",
                     sw->host->name, reason);
        switch_detach(sw, reason);
        ofconn_set_aux(conn, NULL);
        ofconn_close(conn);
    }
}

void
switch_give_up(struct fabric_switch *sw, const char *reason)
{
    char *text = xstrdup(reason);   /* 'reason' may belong to a part. */

    switch_disconnect(sw, text);
    SWITCH_CALL_PARTS(sw, given_up, text);
    free(text);
}

void
switch_attach(struct fabric_switch *sw, struct ofconn *conn)
{
    /* A switch has one connection: an older one is dead, or was not its. */
    switch_disconnect(sw, "replaced by a newer connection");
    sw->conn = conn;
    sw->asks_role = false;
    ofconn_set_aux(conn, sw);
    ofconn_set_identified(conn);
    sw->state = (ofconn_role(conn) == OFCONN_SLAVE
                 ? SWITCH_OBSERVED : SWITCH_WAITING);
    sw->since_ms = time_wall_msec();
    fabric_host_changed(sw->host);
    sw->host->fabric->callbacks->switch_changed(sw->host);
    sw->host->fabric->stats.n_connected++;
    sw->host->fabric->stats.n_openflow_opened++;
    free(sw->error);
    sw->error = NULL;
    event_del(sw->take);
    if (sw->demoted && ofconn_role(conn) != switch_desired_role(sw)) {
        take_later(sw, TAKE_MS);
    }
    sw->demoted = false;
    if (sw->state == SWITCH_OBSERVED) {
        SWITCH_CALL_PARTS(sw, observed);
    } else {
        SWITCH_CALL_PARTS(sw, connected);
    }
}

/* Roles.  ---------------------------------------------------------------- */

enum ofconn_role
switch_desired_role(const struct fabric_switch *sw)
{
    static const enum ofconn_role roles[] = {
        [FABRIC_ALONE] = OFCONN_ALONE,
        [FABRIC_STANDBY] = OFCONN_SLAVE,
        [FABRIC_WRITER] = OFCONN_MASTER,
    };

    return roles[sw->host->fabric->role];
}

static void
take_later(struct fabric_switch *sw, int ms)
{
    const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    event_add(sw->take, &tv);
}

/* Nobody is told that it is offline, unless it does not answer: the connection
 * is there. */
void
switch_change_role(struct fabric_switch *sw, enum ofconn_role role,
                   uint64_t epoch)
{
    struct ofconn *conn = sw->conn;

    event_del(sw->take);
    if (conn) {
        sw->asks_role = true;
        if (ofconn_role(conn) == OFCONN_MASTER) {
            SWITCH_CALL_PARTS(sw, released);
        }
        SWITCH_CALL_PARTS(sw, disconnected);
        event_del(sw->stall);
        sw->state = SWITCH_OFFLINE;
        sw->since_ms = time_wall_msec();
        sw->offline_ms = time_msec();
        sw->conn = NULL;
        sw->host->fabric->stats.n_connected--;
        free(sw->error);
        sw->error = xstrdup("its switch has not answered yet that this "
                            "member of the cluster has another role");
        ofconn_set_role(conn, role, epoch);
        take_later(sw, TAKE_MS);
    }
}

/* Asked for again at once, the role would change all the time if the other one
 * does not belong to the cluster. */
void
switch_demoted(struct fabric_switch *sw, uint64_t epoch)
{
    VLOG_INFO_RL(&rl, "%s: another controller has become its switch's master, "
                 "of epoch %"PRIu64" (this member knows %"PRId64")",
                 sw->host->name, epoch, sw->host->fabric->epoch);
    sw->demoted = true;
    switch_change_role(sw, OFCONN_SLAVE, epoch);
}

static void
change_to_desired(struct fabric_switch *sw)
{
    switch_change_role(sw, switch_desired_role(sw),
                       sw->host->fabric->epoch);
}

static void
take_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *sw_)
{
    struct fabric_switch *sw = sw_;

    if (!sw->conn) {
        fabric_host_changed(sw->host);
        sw->host->fabric->callbacks->switch_changed(sw->host);
    } else if (ofconn_role(sw->conn) != switch_desired_role(sw)) {
        change_to_desired(sw);
    }
}

/* A former master asks for its new role after all that it has sent, which the
 * switch carries out in that order.  A new one waits for the marker of that,
 * since it need send nothing then; but not for long, since one that is dead
 * sends nothing more. */
void
switch_check_role(struct fabric_switch *sw)
{
    if (!sw->conn) {
        return;                 /* It will come. */
    } else if (ofconn_role(sw->conn) == switch_desired_role(sw)) {
        event_del(sw->take);
    } else if (sw->state == SWITCH_OBSERVED && sw->bundles.frozen) {
        take_later(sw, SETTLE_MS);
    } else {
        change_to_desired(sw);
    }
}

void
switch_settled(struct fabric_switch *sw)
{
    if (event_pending(sw->take, EV_TIMEOUT, NULL)) {
        event_active(sw->take, EV_TIMEOUT, 1);
    }
}

void
switch_destroy(struct fabric_switch *sw, const char *reason)
{
    const struct switch_part_class *part;
    void *state;

    if (sw) {
        switch_disconnect(sw, reason);
        disconnected(sw);
        SWITCH_FOR_EACH_PART (part, state, sw) {
            if (part->destroy) {
                part->destroy(sw, state);
            }
            free(state);
        }
        event_free(sw->stall);
        event_free(sw->take);
        free(sw->part_states);
        free(sw->error);
        free(sw);
    }
}

/* Messages.  ------------------------------------------------------------- */

void
switch_message(struct fabric_switch *sw, enum ofptype type,
               const struct ofp_header *oh)
{
    const struct switch_part_class *part;
    void *state;

    SWITCH_FOR_EACH_PART (part, state, sw) {
        enum switch_message taken
            = (part->message ? part->message(sw, state, type, oh)
               : SWITCH_MESSAGE_OTHER);

        if (taken == SWITCH_MESSAGE_ANSWER) {
            sw->progress_ms = time_msec();
        }
        if (taken != SWITCH_MESSAGE_OTHER) {
            return;
        }
    }
}
