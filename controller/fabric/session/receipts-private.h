/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that receipts.c, receipt-status.c and receipt-waits.c share:
 * the receipts in memory.  Not for other files. */

#ifndef CONTROLLER_FABRIC_SESSION_RECEIPTS_PRIVATE_H
#define CONTROLLER_FABRIC_SESSION_RECEIPTS_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/histogram.h"
#include "openvswitch/list.h"
#include "sset.h"

struct arena;
struct event;

/* The state of a revision on a host. */
enum receipt_state { RECEIPT_OPEN, RECEIPT_CONFIRMED, RECEIPT_FAILED };

struct receipt_host {
    const char *name;           /* In 'names'. */
    enum receipt_state state;
    int64_t time_ms;            /* Wall clock, of the last change. */
    char *reason;               /* If it failed.  Owned. */
};

/* Changes of an app's flows and groups. */
struct receipt_app {
    char *name;
    unsigned added, changed, removed;
};

/* The receipt of a group of revisions. */
struct receipt {
    struct fabric_receipts *all;
    struct ovs_list unsaved_node; /* In 'unsaved', or empty. */
    uint64_t first, last;       /* Revisions. */
    bool of_people;             /* As in struct commit_group. */
    int64_t time_ms, begin_us;  /* The commit_group's. */
    size_t n_apps;
    struct receipt_app *apps;
    size_t n_hosts, allocated_hosts;
    struct receipt_host *hosts; /* Sorted by name once closed. */
    size_t n_missing;           /* Hosts that are not CONFIRMED. */
    int64_t confirmed_us;       /* time_usec() of the last that is, or 0. */
};

struct fabric_receipts {
    struct receipt *ring[FABRIC_RECEIPTS_MAX]; /* By sequence number. */
    uint64_t begin, end;        /* Sequence numbers held. */
    struct sset names;          /* Of hosts; grows only. */
    struct ovs_list waits;      /* struct fabric_wait. */
    struct ovs_list unsaved;    /* struct receipt: changed since it was
                                 * stored. */
    size_t n_unsaved;
    struct event *save;         /* Stores them, after a delay. */
    struct event *check;        /* At the end of this iteration: checks waits
                                 * and ID pools. */
    uint64_t freed;             /* Last passed to id_pools_acked(). */
    uint64_t free_up_to;        /* To be passed to it once quiescent. */
    struct histogram installed; /* Latency of complete receipts. */
};

/* receipts.c.  ----------------------------------------------------------- */

/* Compares two struct receipt_host by name. */
int receipt_compare_hosts(const void *, const void *);

/* receipt-status.c.  ----------------------------------------------------- */

/* Returns the receipt with sequence number 'seq', which must be in memory. */
struct receipt *receipt_at(const struct fabric_receipts *, uint64_t seq);
/* Returns the sequence number of the first receipt that ends at or after
 * 'revision'; 'end' if there is none. */
uint64_t receipt_find_seq(const struct fabric_receipts *, uint64_t revision);
/* Returns the receipt of 'revision', or NULL if it is not in memory. */
struct receipt *receipt_find(const struct fabric_receipts *,
                             uint64_t revision);
/* Returns true if all hosts concerned have acknowledged 'revision', and no app
 * is late with it. */
bool receipt_is_installed(const struct fabric *, uint64_t revision);
/* Returns the newest revision that all hosts have acknowledged. */
uint64_t receipts_acked_by_all(const struct fabric *);

/* Fills in a host that had not confirmed 'revision' when the receipt was
 * recorded; it had rejected a part of it for 'reason', or NULL.  Returns false
 * if the host no longer exists. */
bool receipt_show_late_host(const struct fabric *, const char *name,
                            uint64_t revision, int64_t time_ms,
                            const char *reason, struct arena *,
                            struct fabric_receipt_host *shown);

/* receipt-history.c.  ---------------------------------------------------- */

void receipt_history_init(struct fabric *);
void receipt_history_uninit(struct fabric *);
/* Schedules the receipt to be stored, since it has changed. */
void receipt_changed(struct fabric *, struct receipt *);
/* Stores it now, if that is due, since it is about to be freed. */
void receipt_forget(struct fabric *, struct receipt *);
/* Fills in the recorded receipt of 'revision'; returns false if there is
 * none. */
bool receipt_history_get(const struct fabric *, uint64_t revision,
                         struct arena *, struct fabric_receipt *);
bool receipt_history_progress(const struct fabric *, uint64_t revision,
                              struct fabric_progress *);

/* receipt-waits.c.  ------------------------------------------------------ */

/* Completes the waits that are fulfilled, until this iteration of the loop has
 * used up its time.  Returns true if some are left for the next one.  'before'
 * is called with the fabric after they were found and before any callback. */
bool receipt_waits_answer(struct fabric *, void (*before)(struct fabric *));
/* Cancels all waits without callbacks. */
void receipt_waits_cancel(struct fabric *);

#endif /* controller/fabric/session/receipts-private.h */
