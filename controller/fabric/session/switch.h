/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenFlow session of one host: the connection, its state, and what all
 * parts of the session (switch-part.h) share.  Not for anything outside of the
 * fabric. */

#ifndef CONTROLLER_FABRIC_SESSION_SWITCH_H
#define CONTROLLER_FABRIC_SESSION_SWITCH_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/session/bundle-acks.h"
#include "controller/fabric/session/rejected-items.h"
#include "openvswitch/ofp-msgs.h"
#include "proto/openflow/ofconn.h"

struct arena;
struct event;
struct fabric_host;
struct status_host;

/*    OFFLINE  --connected--> OBSERVED, unless this member is its master
 *    OFFLINE  --connected--> WAITING  --reported, not backing off--> READING
 *    READING  --all flows and groups read, state settled-->
 *        LIVE, if nothing differs, else CHECKING
 *    READING  --its marker read, which is known--> LIVE
 *    CHECKING --barrier without an error--> LIVE (the commit goes out)
 *    LIVE     --a bundle failed--> READING, or WAITING if that is too often
 *    LIVE     --its host was deleted--> EMPTYING */
enum switch_state {
    SWITCH_OFFLINE,
    SWITCH_EMPTYING,            /* Its host was deleted, and only
                                 * switch-cleanup.c uses it. */
    SWITCH_OBSERVED,            /* Only what it has installed is watched. */
    SWITCH_WAITING,             /* For its host's first report, or for the next
                                 * retry. */
    SWITCH_READING,             /* Reading the dump, then waiting for a
                                 * quiescent state. */
    SWITCH_CHECKING,            /* The difference was sent, not committed. */
    SWITCH_LIVE,                /* It is sent each revision's bundle. */
};

struct fabric_switch {
    struct fabric_host *host;
    struct ofconn *conn;        /* NULL if offline. */
    enum switch_state state;
    int64_t since_ms;           /* Wall clock: when it connected or
                                 * disconnected. */
    int64_t offline_ms;         /* The same, of the latter, by time_msec(). */
    char *error;                /* Why it disconnected, or NULL.  Owned. */

    struct event *take;         /* When to ask for another role, or to say
                                 * that one that was asked for has not been
                                 * given. */
    bool asks_role;             /* It was asked for another role: 'conn' is
                                 * NULL until it has answered. */
    bool demoted;               /* Another controller became its master. */
    struct event *stall;        /* Runs while replies are outstanding. */
    int64_t progress_ms;        /* The last reply (time_msec()). */
    unsigned n_stalls;          /* Times that it was disconnected for that. */

    /* Written by the parts of the same names; read by all. */
    struct switch_bundles bundles;
    struct rejected_items rejected;

    void **part_states;         /* By index in the table of parts.  Owned. */
};

/* switch.c.  ------------------------------------------------------------- */

struct fabric_switch *switch_create(struct fabric_host *);
/* Closes its connection, if any, for 'reason'. */
void switch_destroy(struct fabric_switch *, const char *reason);

/* Handles a switch with the datapath ID of the host that connects or
 * disconnects. */
void switch_attach(struct fabric_switch *, struct ofconn *);
void switch_detach(struct fabric_switch *, const char *reason);
/* Asks the switch, if it is connected, for this role, with which it then comes
 * as one that connects. */
void switch_change_role(struct fabric_switch *, enum ofconn_role,
                        uint64_t epoch);
/* Another controller has become the switch's master, in this epoch. */
void switch_demoted(struct fabric_switch *, uint64_t epoch);
/* The role of this member, or the epoch, may have changed. */
void switch_check_role(struct fabric_switch *);
/* An observed switch has what is desired of it: if this member is the writer
 * by now, the former one has sent all that it had to send. */
void switch_settled(struct fabric_switch *);
/* Returns the role that this member is to have. */
enum ofconn_role switch_desired_role(const struct fabric_switch *);
/* Sets why no switch is connected, if none is. */
void switch_set_error(struct fabric_switch *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void switch_message(struct fabric_switch *, enum ofptype,
                    const struct ofp_header *);

/* Closes its connection, if any, for 'reason': it may reconnect. */
void switch_disconnect(struct fabric_switch *, const char *reason);
/* Closes the connection for 'reason' and backs off before the next
 * reconciling: the switch misbehaves. */
void switch_give_up(struct fabric_switch *, const char *reason);
/* The switch did not read, or not reply: its connection is closed already, and
 * it is backed off as after switch_give_up(). */
void switch_stalled(struct fabric_switch *, const char *reason);

/* The switch becomes live, or stops being live for 'reason', while it stays
 * connected: sets the state to 'state', and notifies all parts. */
void switch_set_live(struct fabric_switch *);
void switch_reset(struct fabric_switch *, enum switch_state state,
                  const char *reason);

/* Ends what all parts do with a connected switch, of a deleted host, as if it
 * had disconnected: it is EMPTYING. */
void switch_set_aside(struct fabric_switch *);

/* Fills in the members of all parts in the host's status. */
void switch_put_status(const struct fabric_switch *, struct arena *arena,
                       struct status_host *status);

/* switch-queries.c.  ------------------------------------------------------ */

/* Starts to expect a reply of the switch: it is disconnected if there is
 * none. */
void switch_expect(struct fabric_switch *);

/* Returns the bundle with the next reply, or NULL. */
struct sent_bundle *switch_oldest_bundle(const struct fabric_switch *);
/* Returns the revision of what is desired of it: while a group is being sent
 * to one host after another, the former one, until it is this one's turn. */
uint64_t switch_desired_revision(const struct fabric_switch *);
/* Returns the newest revision that the switch has acknowledged, withdrawals
 * included: it has installed all of it except what it has rejected, see
 * 'partial'. */
uint64_t switch_acked(const struct fabric_switch *);
/* Returns true if it has so many outstanding replies that nothing is sent to
 * it for now. */
bool switch_is_busy(const struct fabric_switch *);

/* Returns the marker's cookie for the switch's desired state: MARKER_NONE if
 * it rejects something. */
uint64_t switch_marker(const struct fabric_switch *);
/* Returns the cookie for items with this sum, whatever it rejects. */
uint64_t switch_marker_of(const struct fabric_switch *, uint64_t digest);

/* Returns the rejected item with this xid, or NULL. */
struct rejected_item *switch_find_rejected(const struct fabric_switch *,
                                           uint32_t xid);
bool switch_has_rejected(const struct fabric_switch *, uint32_t xid);
/* Returns true if something was rejected because its table was full. */
bool switch_lacks_room(const struct fabric_switch *);
/* Returns true if it is not reconciled now because that has failed, or would
 * be too soon. */
bool switch_is_backing_off(const struct fabric_switch *);

#endif /* controller/fabric/session/switch.h */
