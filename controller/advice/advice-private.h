/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a search for a placement, which its phases share: where each VM
 * is in it, and what follows from that. */

#ifndef CONTROLLER_ADVICE_ADVICE_PRIVATE_H
#define CONTROLLER_ADVICE_ADVICE_PRIVATE_H 1

#include "controller/advice/advice.h"
#include "heap.h"
#include "openvswitch/hmap.h"

#define NOWHERE SIZE_MAX        /* No host, or no VM. */

struct peer {
    size_t vm;
    int64_t bytes;
};

/* How many VMs of a set are on a host. */
struct occupancy {
    struct hmap_node node;
    size_t set, host;
    size_t n, n_entered;        /* All; those that are not from there. */
    struct occupancy *next_unused; /* Of those where nobody is. */
};

struct place {
    uint64_t used[ADVICE_N_KINDS]; /* By all VMs there; */
    uint64_t entered[ADVICE_N_KINDS]; /* by those that are not from there. */
    size_t first;               /* VM, or NOWHERE. */
};

struct spot {
    struct heap_node node;      /* In 'candidates', by what is gained. */
    bool queued;
    bool locked;                /* It has moved in this round. */
    size_t host;                /* Or NOWHERE, in the exact search. */
    size_t next, prev;          /* On the host. */
    size_t n_peers;
    struct peer *peers;         /* Sorted, each VM once. */
};

/* Steps of a look at how many of a set are on a host. */
#define STEPS_OF_SET 4

/* One or two moves; 'gain' is what they save, costs deducted. */
struct change {
    size_t vm, to;
    size_t other, other_to;     /* NOWHERE: one move. */
    int64_t gain;
};

enum advice_phase {
    PHASE_LINK,                 /* VMs get to know their peers, */
    PHASE_BEGIN,                /* and are put where they are. */
    PHASE_QUEUE,                /* Of a round: VMs are evaluated, */
    PHASE_CLIMB,                /* changes made, */
    PHASE_UNDO,                 /* and those after its best state undone. */
    PHASE_EXACT,
    PHASE_ORDER,
    PHASE_LACKS,
    PHASE_DONE,
};

struct advice {
    const struct advice_request *request;
    int64_t move_cost;
    uint64_t mean_needs[ADVICE_N_KINDS]; /* Of VMs that may move, rounded up;
                                          * 0: none needs any. */
    size_t steps;               /* Done. */
    enum advice_phase phase;
    size_t n_pairs;
    struct peer *peers;         /* NULL: they are counted still. */
    bool entered;               /* All pairs, into it. */
    struct spot *spots;         /* Of VMs. */
    struct place *places;       /* Of hosts. */
    struct hmap occupancies;    /* Where anybody is; in 'pool', which has room
                                 * for one of each set of each VM. */
    struct occupancy *pool;
    size_t n_pool;              /* That have been used. */
    struct occupancy *unused;   /* Of these. */
    size_t n_moved;             /* VMs that are not where they were. */
    int64_t cost;               /* Bytes between hosts, and of moves; of VMs
                                 * that are somewhere. */
    int64_t first_cost;
    size_t *best;               /* Hosts of VMs, */
    int64_t best_cost;          /* of the best state so far. */
    bool optimal;

    /* Of a round. */
    struct heap candidates;
    size_t next;                /* VM to be queued; of other phases, too. */
    size_t n_log, allocated_log;
    struct undo {
        size_t vm, from;
    } *log;
    int64_t round_cost;         /* The least of the round, */
    size_t n_log_best;          /* and how long the log was then. */
    size_t n_vain;              /* Changes since. */
    size_t n_stale;             /* VMs that are to be evaluated again: a */
    size_t *stale;              /* stack, which may have one twice. */
    size_t allocated_stale;
    int64_t *sums;              /* Of hosts, 0: scratch. */
    size_t *touched;            /* Hosts whose sum is not: scratch. */
    size_t n_roomy;             /* Hosts with most room, at the start of the
                                 * round. */
    size_t roomy[4];

    struct exact *exact;        /* Or NULL. */

    /* The order. */
    bool *left;                 /* VMs whose move is not listed yet. */
    size_t n_left;
    size_t n_waiting;           /* VMs that move, ascending. */
    struct waiting {
        size_t vm;
        int64_t saved;          /* By the move, as it is now. */
    } *waiting;
    size_t *places_waiting;     /* Of VMs that move, in 'waiting'. */
    size_t next_together;       /* Move that others are to be made with. */
    size_t origin;              /* The host that the first of these leaves. */
    size_t n_steps;
    size_t n_moves;
    struct advice_move *moves;

    size_t next_lack;           /* VM that is looked at next. */
    size_t n_lacks, n_all_lacks;
    struct advice_lack lacks[ADVICE_LACKS_MAX];
};

/* advice.c */

/* Puts the VM on 'host', or nowhere, and counts the cost of it. */
void advice_place(struct advice *, size_t vm, size_t host);
/* Returns what the VM and those on 'host' send each other. */
int64_t advice_bytes_to(struct advice *, size_t vm, size_t host);
/* Returns how many VMs of the set are on the host, or of those that came there
 * alone. */
size_t advice_n_of_set(struct advice *, size_t set, size_t host,
                       bool entered);
/* Returns true if the VM may ever be on the host. */
bool advice_may_be_on(const struct advice *, size_t vm, size_t host);
/* Returns true if 'host' has what the VM needs, if 'leaving' (NOWHERE: none)
 * has left it. */
bool advice_has_room(const struct advice *, size_t vm, size_t host,
                     size_t leaving);
/* Returns true if none is on 'host' that the VM is to be apart from, if
 * 'leaving' has left it. */
bool advice_is_apart(struct advice *, size_t vm, size_t host, size_t leaving);
/* Returns true if the VM is in the set. */
bool advice_is_in_set(const struct advice_vm *, size_t set);
/* Returns true if VM 'vm' may go to 'host' now, if 'leaving' (NOWHERE: none)
 * has left it. */
bool advice_may_enter(struct advice *, size_t vm, size_t host,
                      size_t leaving);

/* advice-peers.c: one step of work; true: the phase has ended. */
bool advice_link(struct advice *);

/* advice-climb.c: one step of work; true: the phase has ended. */
bool advice_queue(struct advice *);
bool advice_climb(struct advice *);
bool advice_undo(struct advice *);
/* Adds to 'sums' what the VM has with each host, and sets 'touched' to these.
 * Returns their number. */
size_t advice_sum_up(struct advice *, size_t vm);

/* advice-exact.c: the same.  'best' is what it has to beat. */
bool advice_exact(struct advice *);
void advice_exact_destroy(struct exact *);

/* advice-order.c: the same, from the first state to 'best'. */
bool advice_order(struct advice *);

/* advice-lacks.c: the same, once all are where they are best. */
bool advice_lacks(struct advice *);

#endif /* controller/advice/advice-private.h */
