/* SPDX-License-Identifier: Apache-2.0
 *
 * The items that a switch has rejected, and their repair; see
 * rejected-items.c. */

#ifndef CONTROLLER_FABRIC_SESSION_REJECTED_ITEMS_H
#define CONTROLLER_FABRIC_SESSION_REJECTED_ITEMS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "sset.h"

struct flow_item;
struct event;
struct fabric_switch;
struct ofp_header;
struct switch_part_class;

/* An item that the switch has rejected, or that is left out because of a
 * rejected one (dependency-filter.h).  It is reported until the switch has
 * acknowledged what replaced it. */
struct rejected_item {
    struct hmap_node node;      /* In 'rejected', by xid. */
    uint32_t xid;
    bool full;                  /* Its table was full. */
    char *key;                  /* Of the unit that wants it, or NULL if
                                 * unknown yet.  Owned. */
    bool gone;                  /* Not desired any more, as of */
    uint64_t gone_in;           /* this revision. */
};

struct rejected_items {
    struct hmap items;          /* struct rejected_item. */
    size_t n_gone;              /* Of these. */
    struct sset dependents;     /* Keys of the units that want these, */
    bool dependents_known;      /* valid if this is set. */
    bool partial;               /* It has rejected something, and has not been
                                 * fully installed since. */
    char *text;                 /* The last error, or NULL.  Owned. */
    struct event *backoff;      /* Runs while backing off after an error. */
    bool backing_off;
    int backoff_ms;             /* Its last duration; 0: none yet. */
    struct event *pause;        /* Delays the next repair. */
    int64_t repaired_ms;        /* Start of the last repair (time_msec()), */
    int64_t read_ms;            /* the duration of its reading, */
    unsigned n_tries;           /* and its failed commits. */
};

extern const struct switch_part_class rejected_items_part;

/* Sets the last error's text to a copy of 'text' (which may be the current
 * one). */
void rejected_items_set_text(struct fabric_switch *, const char *text);
/* The same, with the name of the item with this xid, which was rejected with
 * the error in 'oh'. */
void rejected_items_set_name(struct fabric_switch *, uint32_t xid,
                             const struct ofp_header *oh);
/* The same, and leaves the item out from now on. */
void rejected_items_add(struct fabric_switch *, uint32_t xid,
                        const struct ofp_header *oh);
/* Leaves an item out that was not rejected itself. */
void rejected_items_leave_out(struct fabric_switch *,
                              const struct flow_item *);

/* Removes items that are no longer desired: at once, or when the switch has
 * acknowledged what is desired instead.  To be called while the state is
 * quiescent and the switch is not being reconciled: what is left out then is
 * reported with the revision that made it desired. */
void rejected_items_prune(struct fabric_switch *);
/* Removes those that waited for that: switch_acked() has grown. */
void rejected_items_prune_acked(struct fabric_switch *);
void rejected_items_clear(struct fabric_switch *);
/* The switch has installed everything that it has not rejected: if that is the
 * whole desired state, clears the fault, else backs off before a retry. */
void rejected_items_reconciled(struct fabric_switch *);

/* Returns true if the switch has installed everything that units with this key
 * (a port's name, for example) want of it up to 'revision'. */
bool rejected_items_served(struct fabric_switch *, const char *key,
                           uint64_t revision);

/* Reconciles a live switch: at once, unless that is too soon. */
void rejected_items_repair(struct fabric_switch *);
/* The commit of a reconciling was rejected: retries if something was 'learned'
 * that can be left out, else after backing off. */
void rejected_items_try_again(struct fabric_switch *, bool learned);
/* Reconciles now and retries all rejected items, without backing off.  Returns
 * false if that is not possible. */
bool rejected_items_retry(struct fabric_switch *);

#endif /* controller/fabric/session/rejected-items.h */
