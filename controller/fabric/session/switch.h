/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenFlow side of the fabric: one session per host, and how its parts
 * (switch.c, faults.c, send.c, reconcile.c) work together.  Not for anyone
 * outside. */

#ifndef CONTROLLER_FABRIC_SESSION_SWITCH_H
#define CONTROLLER_FABRIC_SESSION_SWITCH_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/commit/commit.h"
#include "controller/fabric/packets/punts.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/audit.h"
#include "controller/fabric/session/backlog.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/ofp-msgs.h"
#include "sset.h"

struct counters_of_switch;
struct event;
struct fabric;
struct fabric_host;
struct fabric_options;
struct flush_queue;
struct ofconn;
struct ofpbuf;
struct ofserver;
struct packets_of_switch;
struct reconcile;
struct scope_diff;

/*    OFFLINE  --connected--> WAITING  --reported, not resting--> READING
 *    READING  --all flows and groups read, state settled-->
 *        LIVE, if nothing differs, else CHECKING
 *    CHECKING --barrier without an error--> LIVE (the commit goes out)
 *    LIVE     --a bundle failed--> READING, or WAITING if that is too often */
enum switch_state {
    SWITCH_OFFLINE,
    SWITCH_WAITING,             /* For its host's first report, or resting or
                                 * pausing. */
    SWITCH_READING,             /* The dump, then a settled moment. */
    SWITCH_CHECKING,            /* The difference is sent, not committed. */
    SWITCH_LIVE,                /* Gets each revision's bundle. */
};

/* A bundle whose commit was sent and not answered.  They are answered in
 * order. */
struct sent_bundle {
    struct ovs_list node;
    uint64_t first, revision;   /* Acknowledged with it: of merged groups the
                                 * first and the last, else equal. */
    uint64_t before;            /* Acknowledged without it. */
    uint32_t commit_xid;
    size_t size;                /* Bytes. */
    bool reconcile;
    bool makes_room;            /* Deletes flows, where a table was full. */
    size_t n_refusals;          /* Known when it was made. */
    char *failed;               /* Why, or NULL.  Owned. */
};

/* An item that the switch has refused, or that is left out because of what it
 * has refused (dependency-filter.h).  It is reported until the switch has
 * taken what came in its place. */
struct refusal {
    struct hmap_node node;      /* In 'refusals', by xid. */
    uint32_t xid;
    bool full;                  /* Its table was full. */
    char *key;                  /* Of the unit that wants it, or NULL if that
                                 * is not known yet.  Owned. */
    bool gone;                  /* Not wanted any more, as of ... */
    uint64_t gone_in;           /* ... this revision. */
};

struct fabric_switch {
    struct fabric_host *host;
    struct ofconn *conn;        /* NULL if offline. */
    enum switch_state state;
    int64_t since_ms;           /* Wall clock: when conn came or went. */
    char *error;                /* Why it went, or NULL.  Owned. */

    struct ovs_list sent;       /* struct sent_bundle, oldest first. */
    size_t n_sent, sent_bytes;  /* Of these. */
    struct backlog backlog;     /* What is not sent while it owes answers. */
    bool flushing;              /* That goes out at the next settled moment. */
    uint64_t sent_revision;
    uint64_t digest;            /* Of all that it is to hold, if known. */
    bool digest_known;
    bool unmarkable;            /* It refuses the marker, and gets none. */
    bool doubtful;              /* A bundle may have been refused unseen: its
                                 * marker is not to be trusted. */
    uint64_t acked;             /* If 'frozen'; see switch_acked(). */
    bool frozen;                /* Not known to hold all up to a bundle. */

    struct reconcile *reconcile; /* While READING or CHECKING. */

    struct audit *audit;        /* While LIVE, or NULL. */
    struct audit_result audited; /* The last one. */
    int64_t audit_due_ms;       /* time_msec() of the next, or 0. */

    struct event *stall;        /* Runs while it owes answers. */
    int64_t progress_ms;        /* When it last gave one (time_msec()). */
    unsigned n_stalls;          /* Times that it was cut off. */
    unsigned n_over_budget;     /* Times that it was, for sending too much, */
    int64_t over_budget_ms;     /* when the last was (time_msec(); 0: never) */
    int over_budget_rest_ms;    /* and how long it rested then, at least. */
    uint64_t most_wanted;       /* Flows and groups of it, ever. */
    int64_t anew_ms;            /* When it was last installed anew
                                 * (time_msec(); 0: never). */

    struct packets_of_switch *packets; /* Or NULL (packets.h). */
    struct counters_of_switch *counters; /* Owned. */
    struct sampling_meters sampling_meters;
    struct punts punts;
    struct ovs_list notes;      /* Readings of them (learned-connections.c). */
    struct flush_queue *flushes; /* Owned, or NULL (conntrack-flush.c). */

    struct hmap refusals;       /* struct refusal. */
    size_t n_gone;              /* Of these. */
    struct sset lacking;        /* Keys of the units that want these, */
    bool lacking_known;         /* if this is set. */
    bool partial;               /* It has refused something, and has not been
                                 * whole since. */
    char *trouble;              /* What was refused last, or NULL.  Owned. */
    struct event *rest;         /* Runs while resting after trouble. */
    bool resting;
    int rest_ms;                /* The next rest's length; 0: none yet. */
    struct event *pause;        /* Runs before it is mended again. */
    int64_t mended_ms;          /* When that last began (time_msec()), */
    int64_t read_ms;            /* How long the last reading took. */
    unsigned n_tries;           /* Commits that failed in it. */

    /* While a group is being sent (send.c). */
    size_t n_diffs, allocated_diffs;
    struct scope_diff **diffs;
    bool concerned;             /* Its turn is still to come. */
};

/* switch-listener.c.  --------------------------------------------------- */

int switch_listener_create(struct fabric *, const struct fabric_options *,
                    char **text);
/* After the last switch_destroy(). */
void switch_listener_destroy(struct fabric *);
/* Gives 'conn', which is from the host as far as can be known, to its switch;
 * or closes it. */
void switch_listener_attach(struct fabric_host *, struct ofconn *conn);
/* The connection of a switch that waits for the host to report its datapath
 * id, or NULL.  It is the caller's from then on. */
struct ofconn *switch_listener_take_stray(const struct fabric_host *);
struct ofserver *switch_listener_server(const struct fabric *);

/* switch.c.  ------------------------------------------------------------- */

/* A switch with the datapath id of the host has connected, or is gone. */
void switch_attach(struct fabric_switch *, struct ofconn *);
void switch_detach(struct fabric_switch *, const char *reason);
/* Says why no switch is connected, if none is. */
void switch_set_error(struct fabric_switch *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void switch_message(struct fabric_switch *, enum ofptype,
                    const struct ofp_header *);

struct fabric_switch *switch_create(struct fabric_host *);
/* Closes its connection, if any, for 'reason'. */
void switch_destroy(struct fabric_switch *, const char *reason);

/* The host's datapath id has changed: takes a connected switch that has it,
 * and lets go of one that has not. */
void switch_rematch(struct fabric_switch *);
/* Reconciles if all that it takes is there. */
void switch_start(struct fabric_switch *);
/* Closes the connection for 'reason' and rests before the next reconciling:
 * the switch does what it should not. */
void switch_give_up(struct fabric_switch *, const char *reason);

/* switch-budget.c and over-budget.c.  ------------------------------------ */

/* A switch that has not sent too much for so long is trusted again. */
#define SWITCH_CALM_MS (1800 * 1000)

struct ofdump_budget;
/* Keeps in mind how much is wanted of the host now: the switch may hold that
 * much later, when it is not wanted any more. */
void budget_note_wanted(struct fabric_switch *);
/* What may be read of the switch's flows and groups in one go. */
struct ofdump_budget budget_of_dump(struct fabric_switch *);
/* The same for reconciling: if the switch may be installed anew, more may come
 * and is dropped unread. */
struct ofdump_budget budget_of_reconcile(struct fabric_switch *);
/* The same of a table that holds 'records' at most. */
struct ofdump_budget budget_of_table(const struct fabric_switch *,
                                     size_t records);
/* The switch sent more: as switch_give_up(), and it rests longer each time. */
void switch_over_budget(struct fabric_switch *, const char *reason);

/* switch.c, once more.  -------------------------------------------------- */

/* The newest revision that the switch is known to have taken, withdrawals
 * included: it holds all of it but for what it has refused, see 'partial'. */
uint64_t switch_acked(const struct fabric_switch *);
/* From now on that does not grow until switch_reconciled(). */
void switch_freeze(struct fabric_switch *);

/* The marker's cookie for what the switch is to hold: MARKER_NONE if it
 * refuses something. */
uint64_t switch_marker(const struct fabric_switch *);
/* The one for items of this sum, whatever it refuses. */
uint64_t switch_marker_of(const struct fabric_switch *, uint64_t digest);
/* Sets the marker to MARKER_NONE: something was refused. */
void switch_unmark(struct fabric_switch *);

/* The switch did not read, or not answer: its connection is gone already, and
 * it rests as after switch_give_up(). */
void switch_stalled(struct fabric_switch *, const char *reason);
/* It owes an answer from now on: it is given up if none comes. */
void switch_expect(struct fabric_switch *);

/* A bundle is sent, with its commit. */
struct sent_bundle *switch_new_bundle(struct fabric_switch *,
                                      uint64_t first, uint64_t revision,
                                      uint64_t before, uint32_t commit_xid,
                                      size_t size);
/* True if it owes so many answers that it gets no more for now. */
bool switch_is_busy(const struct fabric_switch *);
/* Sends the backlog once that can be. */
void switch_flush(struct fabric_switch *);

/* The reconciling is over: the switch holds all of 'revision', but for what
 * it has refused. */
void switch_reconciled(struct fabric_switch *, uint64_t revision);

/* One word of fabric_host_status()'s "state", and why. */
const char *switch_state_name(const struct fabric_switch *,
                              const char **reason);
json_t *switch_status(const struct fabric_switch *);

/* faults.c.  ------------------------------------------------------------ */

void trouble_init(struct fabric_switch *);
void trouble_uninit(struct fabric_switch *);

/* Names the item with this xid in 'trouble': it was refused with the error in
 * 'oh'. */
void switch_name_refusal(struct fabric_switch *, uint32_t xid,
                         const struct ofp_header *oh);
/* Does that, and leaves the item out from now on. */
void switch_note_refusal(struct fabric_switch *, uint32_t xid,
                         const struct ofp_header *oh);
/* Leaves the item out: it was not refused itself. */
void switch_leave_out(struct fabric_switch *, const struct flow_item *);
/* Forgets what is no longer wanted: at once, or when the switch has taken what
 * is wanted instead.  At a settled moment.  Not while it is checked: what is
 * left out then is told of the revision that wanted it. */
void switch_prune_refusals(struct fabric_switch *);
/* Forgets what was to wait for that: switch_acked() has grown. */
void switch_drop_refusals(struct fabric_switch *);
const struct refusal *switch_find_refusal(const struct fabric_switch *,
                                          uint32_t xid);
bool switch_has_refused(const struct fabric_switch *, uint32_t xid);
/* True if something was refused because its table was full. */
bool switch_lacks_room(const struct fabric_switch *);
void switch_clear_refusals(struct fabric_switch *);
/* True if it holds all that units of this key (a port's name, say) want of it
 * up to 'revision'. */
bool switch_serves(struct fabric_switch *, const char *key,
                   uint64_t revision);

/* Reconciles a live switch: now, if it is not too soon. */
void switch_mend(struct fabric_switch *);
/* Rests before the next try, longer each time. */
void switch_start_rest(struct fabric_switch *);
/* The commit of a reconciling was refused: tries again if something was
 * 'learned' that can be left out, else after a rest. */
void switch_try_again(struct fabric_switch *, bool learned);
bool switch_is_pausing(const struct fabric_switch *);
/* Reconciles now and tries all that was refused, without resting.  False if
 * that cannot be. */
bool switch_retry(struct fabric_switch *);
/* Closes its connection, if any, for 'reason': it may connect anew. */
void switch_disconnect(struct fabric_switch *, const char *reason);

/* send.c.  --------------------------------------------------------------- */

/* Sends the difference of a group to all hosts concerned. */
void send_group(struct fabric *, const struct commit_group *);

/* Sends a host the net difference of its backlog as one bundle.  For
 * commit_when_quiescent(). */
void send_backlog(void *sw);

/* The item of the same key that 'host' is to hold, or NULL. */
const struct flow_item *send_find_wanted(const struct engine *,
                                         const char *host,
                                         const struct flow_item *);

/* reconcile.c.  ---------------------------------------------------------- */

/* Reads all. */
void reconcile_start(struct fabric_switch *);
/* Reads the marker, and all else only if need be. */
void reconcile_request_marker(struct fabric_switch *);
void reconcile_stop(struct fabric_switch *);
/* True if it waits for the switch. */
bool reconcile_is_owed(const struct fabric_switch *);
/* Takes a message that belongs to it (and returns true). */
bool reconcile_message(struct fabric_switch *, enum ofptype,
                       const struct ofp_header *);

#endif /* controller/fabric/session/switch.h */
