/* SPDX-License-Identifier: Apache-2.0
 *
 * Which VMs to move so that fewer bytes go from host to host.  A pure
 * function: northbound asks, with what the fabric has counted.
 *
 * It begins where VMs are, and improves that by moves, by exchanges of two VMs
 * where a host is full, and by having two VMs that talk meet on a third host,
 * as Fiduccia and Mattheyses do for graphs: the best one that there is, be it
 * a loss, each VM once a round, and then back to the best state that was
 * passed.  Where there are few VMs all placements are tried after that, by
 * branch and bound.  The result depends on the request alone.
 *
 * Constraints bind VMs that move.  What is violated already is neither
 * repaired nor made worse: a host takes no VM that needs what it has no more
 * of, and a VM goes to no host where one is that it is to be apart from.  A VM
 * that talks with none moves in exchange for another one alone.
 *
 * Not for where VMs, capacities and bytes come from (northbound/). */

#ifndef CONTROLLER_ADVICE_ADVICE_H
#define CONTROLLER_ADVICE_ADVICE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a host has, and VMs need of it. */
enum advice_kind {
    ADVICE_VMS,                 /* Places: each VM needs one. */
    ADVICE_VCPUS,
    ADVICE_MEMORY,              /* In any unit. */
    ADVICE_DISK,
    ADVICE_N_KINDS
};
#define ADVICE_NEED_MAX UINT32_MAX

struct advice_host {
    bool target;                /* VMs may go there. */
    uint64_t capacity[ADVICE_N_KINDS]; /* For all VMs there; UINT64_MAX: any
                                        * amount. */
};

struct advice_vm {
    size_t host;                /* Where it is: an index. */
    bool fixed;                 /* It stays there. */
    const unsigned long *hosts; /* Of all hosts those where it may go, if they
                                 * are targets: a bitmap (OVS's bitmap.h); or
                                 * NULL: all. */
    uint64_t needs[ADVICE_N_KINDS]; /* Each at most ADVICE_NEED_MAX. */
    size_t n_apart;             /* Sets that it is in, ascending, each once. */
    const size_t *apart;        /* VMs of a set are to be on different hosts;
                                 * any numbers. */
};

/* What two VMs send each other.  In any order, any times. */
struct advice_pair {
    size_t a, b;
    uint64_t bytes;
};

struct advice_request {
    size_t n_hosts;
    const struct advice_host *hosts;
    size_t n_vms;
    const struct advice_vm *vms;
    size_t n_pairs;
    const struct advice_pair *pairs;
    uint64_t move_cost;         /* Bytes that each move must save on average,
                                 * at most ADVICE_COST_MAX; 0 counts as
                                 * 1. */
    size_t max_moves;
    size_t max_steps;           /* After so many no change is looked for: what
                                 * was found is put in order, which takes some
                                 * for each pair of moves, and what lacks room
                                 * is looked for, which takes some for each VM
                                 * and its peers. */
};
#define ADVICE_COST_MAX (UINT64_C(1) << 53)

/* Bounds of the work, in steps of 10 to 30 ns: what a caller may set as
 * 'max_steps', and those that are added to try all placements, if at most so
 * many VMs may move. */
#define ADVICE_STEPS_MAX 60000000
#define ADVICE_EXACT_STEPS_MAX 5000000
#define ADVICE_EXACT_VMS_MAX 24

struct advice_move {
    size_t step;                /* From 0.  In the order of steps each
                                 * constraint holds after each of them; moves
                                 * of one step are to be made together, since
                                 * one waits for the other's place. */
    size_t vm;
    size_t from, to;            /* Hosts. */
    int64_t saved_bytes;        /* Once those before it are made; negative if
                                 * it costs some, for the sake of others. */
};

/* A move that would save more than it costs, and is not advised for want of
 * room alone: nor because of 'max_moves'. */
struct advice_lack {
    size_t vm;
    size_t from;                /* Where it is once all moves are made. */
    size_t to;                  /* Where it would save most. */
    int64_t saved_bytes;
    uint64_t missing[ADVICE_N_KINDS]; /* What the host would have too little
                                       * of, and how much; 0: enough. */
};
#define ADVICE_LACKS_MAX 20

struct advice_answer {
    uint64_t cross_bytes;       /* Between hosts, now, */
    uint64_t after_cross_bytes; /* and after the moves. */
    size_t n_moves;
    const struct advice_move *moves; /* The search's. */
    size_t n_lacks;             /* At most ADVICE_LACKS_MAX: those that would
                                 * save most, */
    const struct advice_lack *lacks; /* in that order; the search's. */
    size_t n_all_lacks;         /* Of VMs, those that are not listed, too. */
    size_t n_pairs;             /* Different ones, of two VMs. */
    bool optimal;               /* No placement is better, the cost of moves
                                 * included. */
};

/* A search.  The request, and all that it points to, is borrowed until it is
 * destroyed. */
struct advice *advice_create(const struct advice_request *);
void advice_destroy(struct advice *);

/* Searches on for about 'steps' steps.  Returns true once it has ended. */
bool advice_run(struct advice *, size_t steps);
/* Fills in '*answer', once it has ended. */
void advice_answer(const struct advice *, struct advice_answer *);

#endif /* controller/advice/advice.h */
