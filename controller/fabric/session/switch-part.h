/* SPDX-License-Identifier: Apache-2.0
 *
 * A part of a switch's session: something that is done with each switch that
 * is connected (reconciling it, reading its counters, ...).  The session
 * (switch.c) knows no part by name: it walks the table of all parts
 * (switch-parts.c) and calls what each has to say at a moment.  Not for what
 * parts offer each other: that is in their own headers. */

#ifndef CONTROLLER_FABRIC_SESSION_SWITCH_PART_H
#define CONTROLLER_FABRIC_SESSION_SWITCH_PART_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct arena;
struct fabric_switch;
struct ofputil_flow_stats;
struct status_host;

/* Reports that, of a part's own flows in 'table', 'n_missing' are missing and
 * 'n_unknown' others are there.  'what' names these flows, in the plural. */
typedef void switch_audit_cb(void *aux, uint8_t table, const char *what,
                             size_t n_missing, size_t n_unknown);

/* What a part says of a message. */
enum switch_message {
    SWITCH_MESSAGE_OTHER,       /* It is not for this part. */
    SWITCH_MESSAGE_TAKEN,       /* The part has taken it. */
    SWITCH_MESSAGE_ANSWER,      /* The same, and it shows that the switch
                                 * answers: it is not stalled. */
};

/* Each function may be NULL, which is to do nothing.  'state' is what the part
 * keeps of the switch. */
struct switch_part_class {
    const char *name;
    size_t state_size;          /* Bytes.  The session makes and frees it; it
                                 * is all zeros before 'init'. */

    /* The host has come to be.  Its switch is not connected. */
    void (*init)(struct fabric_switch *, void *state);

    /* The switch has connected.  A part may send now, but the switch may hold
     * anything. */
    void (*connected)(struct fabric_switch *, void *state);

    /* The switch holds what it is to hold, or will once it has committed the
     * bundle that is on its way: it is sent each revision from now on. */
    void (*live)(struct fabric_switch *, void *state);

    /* The switch is not live any more, for 'reason': it is being reconciled,
     * or waits for that.  Not called when its connection goes. */
    void (*reset)(struct fabric_switch *, void *state, const char *reason);

    /* The connection is gone: the part forgets what it has requested, owes
     * nobody an answer and is owed none.  The session's state is still what it
     * was.  Also called, once more, before 'destroy'. */
    void (*disconnected)(struct fabric_switch *, void *state);

    /* After 'disconnected': the session has closed the connection since the
     * switch does what it should not, or nothing. */
    void (*given_up)(struct fabric_switch *, void *state, const char *reason);

    /* The host is gone.  Frees what 'state' owns. */
    void (*destroy)(struct fabric_switch *, void *state);

    /* A message has come, which no part before this one has taken. */
    enum switch_message (*message)(struct fabric_switch *, void *state,
                                   enum ofptype, const struct ofp_header *);

    /* Returns true if the switch owes an answer (see switch_expect()). */
    bool (*is_owed)(const struct fabric_switch *, const void *state);

    /* Fills in the part's members of the host's status, with what they own in
     * 'arena'. */
    void (*put_status)(const struct fabric_switch *, const void *state,
                       struct arena *arena, struct status_host *status);

    /* Audits of a part's own flows: those that it installs outside of bundles,
     * in tables that hold nothing else, and that the engine does not know.  A
     * part has all four or none.
     *
     * An audit begins to read the switch. */
    void (*audit_begin)(struct fabric_switch *, void *state);
    /* The audit has read a flow.  Returns true if it is in one of the part's
     * tables. */
    bool (*audit_flow)(struct fabric_switch *, void *state,
                       const struct ofputil_flow_stats *);
    /* The audit has read all flows.  Calls 'cb' for each of the part's tables
     * that differs from what it is to hold. */
    void (*audit_compare)(struct fabric_switch *, void *state,
                          switch_audit_cb *cb, void *aux);
    /* Repairs what audit_compare() has just reported, if anything. */
    void (*audit_repair)(struct fabric_switch *, void *state);
};

/* Goes through the parts of SW: PART is each one's class, and STATE what it
 * keeps. */
#define SWITCH_FOR_EACH_PART(PART, STATE, SW)                           \
    for (size_t i_ = 0;                                                 \
         ((PART) = (SW)->host->fabric->switch_parts[i_])                \
         && ((STATE) = (SW)->part_states[i_], true);                    \
         i_++)

/* Calls SLOT of each part of SW that has it, with what follows its state in
 * brackets. */
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

/* All parts, in the order in which they are called; the last is NULL. */
extern const struct switch_part_class *const switch_parts[];

/* Returns what a part keeps of the switch. */
void *switch_part_state(const struct fabric_switch *,
                        const struct switch_part_class *);

#endif /* controller/fabric/session/switch-part.h */
