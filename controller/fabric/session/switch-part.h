/* SPDX-License-Identifier: Apache-2.0
 *
 * A part of a switch's session: something that is done with each connected
 * switch (reconciling it, reading its counters, ...).  The session (switch.c)
 * knows no part by name: it iterates over the table of all parts
 * (switch-parts.c) and calls their functions.  Not for calls between parts:
 * those are in the parts' own headers. */

#ifndef CONTROLLER_FABRIC_SESSION_SWITCH_PART_H
#define CONTROLLER_FABRIC_SESSION_SWITCH_PART_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct arena;
struct fabric_switch;
struct flow_item;
struct ofputil_flow_stats;
struct status_host;

/* Reports that, of a part's own flows in 'table', 'n_missing' are missing, and
 * that there are 'n_unknown' others.  'what' describes these flows, in the
 * plural. */
typedef void switch_audit_cb(void *aux, uint8_t table, const char *what,
                             size_t n_missing, size_t n_unknown);

/* A flow that is deleted: of the item with this 'xid' and 'key_hash'. */
struct deleted_flow {
    uint32_t key_hash, xid;
};

/* Result of a part for a message. */
enum switch_message {
    SWITCH_MESSAGE_OTHER,       /* It belongs to another part. */
    SWITCH_MESSAGE_TAKEN,       /* The part has handled it. */
    SWITCH_MESSAGE_ANSWER,      /* The same, and it proves that the switch
                                 * replies: it is not stalled. */
};

/* Functions that are NULL do nothing.  'state' is the part's state of the
 * switch. */
struct switch_part_class {
    const char *name;
    size_t state_size;          /* Bytes.  The session allocates and frees it;
                                 * it is all zeros before 'init'. */

    /* The host was created.  Its switch is not connected. */
    void (*init)(struct fabric_switch *, void *state);

    /* The switch has connected.  A part may send now, but the switch may have
     * anything installed. */
    void (*connected)(struct fabric_switch *, void *state);

    /* The switch has connected to a standby of a cluster, which is its slave
     * and changes nothing there. */
    void (*observed)(struct fabric_switch *, void *state);

    /* The switch's master is about to become its slave, as another controller
     * is the master now: it receives no replies any more to messages that it
     * has sent.  Before 'disconnected'. */
    void (*released)(struct fabric_switch *, void *state);

    /* The switch has its desired state installed, or will once it has
     * committed the bundle that was sent: it is sent each revision from now
     * on. */
    void (*live)(struct fabric_switch *, void *state);

    /* The switch has acknowledged a bundle whole: it holds flows that it did
     * not hold before, or lacks some. */
    void (*installed)(struct fabric_switch *, void *state);

    /* A live switch is about to be sent a bundle, or an observed one will be
     * by its master: first, for each item that is withdrawn or replaced, with
     * 'added' false; then for each that is new, or replaces another, with
     * 'added' true.  Only groups with counted buckets.  What a part sends a
     * live one now, it handles before the bundle. */
    void (*group_changes)(struct fabric_switch *, void *state,
                          const struct flow_item *, bool added);

    /* A live switch is about to be sent a bundle that deletes, and does not
     * replace, 'n' counted flows.  May be called several times for one bundle,
     * and is not for what a reconciliation or an audit deletes. */
    void (*flows_deleted)(struct fabric_switch *, void *state,
                          const struct deleted_flow *, size_t n);

    /* The switch is not live any more, for 'reason': it is being reconciled,
     * or waits for that.  Not called when it disconnects. */
    void (*reset)(struct fabric_switch *, void *state, const char *reason);

    /* The switch has disconnected: the part drops its requests and outstanding
     * replies.  The session's state is still the previous one.  Also called,
     * once more, before 'destroy'. */
    void (*disconnected)(struct fabric_switch *, void *state);

    /* Called after 'disconnected', if the session has closed the connection
     * because the switch misbehaves or does not reply. */
    void (*given_up)(struct fabric_switch *, void *state, const char *reason);

    /* The host is removed.  Frees what 'state' owns. */
    void (*destroy)(struct fabric_switch *, void *state);

    /* Handles a message that no part before this one has handled. */
    enum switch_message (*message)(struct fabric_switch *, void *state,
                                   enum ofptype, const struct ofp_header *);

    /* Returns true if a reply of the switch is outstanding (see
     * switch_expect()). */
    bool (*is_owed)(const struct fabric_switch *, const void *state);

    /* Fills in the part's members of the host's status, with what they own in
     * 'arena'. */
    void (*put_status)(const struct fabric_switch *, const void *state,
                       struct arena *arena, struct status_host *status);

    /* Audits of a part's own flows: those that it installs outside of bundles,
     * in tables of its own, and that the engine does not know.  A part has all
     * four or none.  An audit begins to read the switch. */
    void (*audit_begin)(struct fabric_switch *, void *state);
    /* The audit has read a flow.  Returns true if it is in one of the part's
     * tables. */
    bool (*audit_flow)(struct fabric_switch *, void *state,
                       const struct ofputil_flow_stats *);
    /* The audit has read all flows.  Calls 'cb' for each of the part's tables
     * that differs from the desired one. */
    void (*audit_compare)(struct fabric_switch *, void *state,
                          switch_audit_cb *cb, void *aux);
    /* Repairs what audit_compare() has just reported, if anything. */
    void (*audit_repair)(struct fabric_switch *, void *state);
};

/* Iterates over the parts of SW: PART is each one's class, and STATE its
 * state. */
#define SWITCH_FOR_EACH_PART(PART, STATE, SW)                           \
    for (size_t i_ = 0;                                                 \
         ((PART) = (SW)->host->fabric->switch_parts[i_])                \
         && ((STATE) = (SW)->part_states[i_], true);                    \
         i_++)

/* Calls SLOT of each part of SW that has it, with its state and the arguments
 * in parentheses. */
#define SWITCH_CALL_PARTS(SW, SLOT, ...)                                \
    do {                                                                \
        const struct switch_part_class *part_;                          \
        void *state_;                                                   \
                                                                        \
        SWITCH_FOR_EACH_PART (part_, state_, SW) {                      \
            if (part_->SLOT) {                                          \
                part_->SLOT(SW, state_, ##__VA_ARGS__);                 \
            }                                                           \
        }                                                               \
    } while (0)

/* All parts, in the order in which they are called, terminated by NULL. */
extern const struct switch_part_class *const switch_parts[];

/* Returns a part's state of the switch. */
void *switch_part_state(const struct fabric_switch *,
                        const struct switch_part_class *);

#endif /* controller/fabric/session/switch-part.h */
