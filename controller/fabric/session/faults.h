/* SPDX-License-Identifier: Apache-2.0
 *
 * What a switch has rejected, and when that is repaired; see faults.c. */

#ifndef CONTROLLER_FABRIC_SESSION_FAULTS_H
#define CONTROLLER_FABRIC_SESSION_FAULTS_H 1

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

/* An item that the switch has rejected, or that is left out because of what it
 * has rejected (dependency-filter.h).  It is reported until the switch has
 * taken what came in its place. */
struct rejected_item {
    struct hmap_node node;      /* In 'rejected', by xid. */
    uint32_t xid;
    bool full;                  /* Its table was full. */
    char *key;                  /* Of the unit that wants it, or NULL if that
                                 * is not known yet.  Owned. */
    bool gone;                  /* Not desired any more, as of ... */
    uint64_t gone_in;           /* ... this revision. */
};

struct switch_faults {
    struct hmap rejected;       /* struct rejected_item. */
    size_t n_gone;              /* Of these. */
    struct sset dependents;     /* Keys of the units that want these, */
    bool dependents_known;      /* if this is set. */
    bool partial;               /* It has rejected something, and has not been
                                 * whole since. */
    char *text;                 /* The last fault, or NULL.  Owned. */
    struct event *backoff;      /* Runs while backing off after a fault. */
    bool backing_off;
    int backoff_ms;             /* The last one's length; 0: none yet. */
    struct event *pause;        /* Runs before it is repaired again. */
    int64_t repaired_ms;        /* When that last began (time_msec()), */
    int64_t read_ms;            /* How long the last reading took. */
    unsigned n_tries;           /* Commits that failed in it. */
};

extern const struct switch_part_class faults_part;

/* Sets the last fault's text, a copy of 'text' (which may be the one of
 * before). */
void faults_set_text(struct fabric_switch *, const char *text);
/* The same, with the name of the item with this xid: it was rejected with the
 * error in 'oh'. */
void faults_name(struct fabric_switch *, uint32_t xid,
                 const struct ofp_header *oh);
/* Does that, and leaves the item out from now on. */
void faults_reject(struct fabric_switch *, uint32_t xid,
                   const struct ofp_header *oh);
/* Leaves the item out: it was not rejected itself. */
void faults_leave_out(struct fabric_switch *, const struct flow_item *);

/* Forgets what is no longer desired: at once, or when the switch has taken
 * what is desired instead.  At a settled moment.  Not while it is checked:
 * what is left out then is reported with the revision that made it desired. */
void faults_prune(struct fabric_switch *);
/* Forgets what was to wait for that: switch_acked() has grown. */
void faults_prune_acked(struct fabric_switch *);
void faults_clear(struct fabric_switch *);
/* The switch holds all that it has not rejected: if that is everything, all is
 * well, else backs off before the next try. */
void faults_reconciled(struct fabric_switch *);

/* Returns true if the switch holds all that units of this key (a port's name,
 * say) want of it up to 'revision'. */
bool faults_serves(struct fabric_switch *, const char *key,
                   uint64_t revision);

/* Reconciles a live switch: now, if it is not too soon. */
void faults_repair(struct fabric_switch *);
/* The commit of a reconciling was rejected: tries again if something was
 * 'learned' that can be left out, else after backing off. */
void faults_try_again(struct fabric_switch *, bool learned);
/* Reconciles now and tries all that was rejected, without backing off.
 * Returns false if that cannot be. */
bool faults_retry(struct fabric_switch *);

#endif /* controller/fabric/session/faults.h */
