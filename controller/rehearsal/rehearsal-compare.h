/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between two states, by what hosts are to do: flows, what cannot
 * be compiled, and who can reach whom.  Not for objects and their fields: a
 * dry run of a restore lists these. */

#ifndef CONTROLLER_REHEARSAL_REHEARSAL_COMPARE_H
#define CONTROLLER_REHEARSAL_REHEARSAL_COMPARE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/simulator/reachability-matrix.h"
#include "controller/store/store-file.h"

struct arena;
struct rehearsal_world;

/* A host; its names before and after, one of which may be NULL: there is none
 * then. */
struct rehearsal_host {
    const char *before, *after;
    uint64_t n_before, n_after; /* Flows and groups. */
};

/* What cannot be compiled, or conflicts. */
struct rehearsal_problem {
    const char *kind;           /* As of struct engine_problem. */
    const char *units;          /* Separated by spaces. */
    const char *detail;
    bool is_new;                /* It is there after alone. */
    bool is_gone;               /* It was there before alone. */
};

/* Who reaches whom on a service. */
struct rehearsal_service {
    const char *service;        /* "tcp/443". */
    const char *error;          /* Why it was not compared, or NULL. */
    size_t n_changes;
    const struct reach_change *changes;
};

struct rehearsal {
    size_t n_hosts;
    struct rehearsal_host *hosts;
    size_t n_problems;
    struct rehearsal_problem *problems;
    size_t n_services;
    struct rehearsal_service *services;
    uint64_t n_more_services;   /* For which there was no room. */
    /* Ports that are on a host, and enabled ones that are on none. */
    uint64_t n_placed_before, n_placed_after;
    uint64_t n_unplaced_before, n_unplaced_after;
};

/* Compares two worlds that have been run, in 'arena'. 'maps' has the 'n' hosts
 * whose place other machines take. The result is in the arena, and refers to
 * both worlds. */
struct rehearsal *rehearsal_compare(const struct rehearsal_world *before,
                                    const struct rehearsal_world *after,
                                    const struct store_host_map maps[],
                                    size_t n, struct arena *);

/* Returns true if hosts have as many flows as before, problems are the same,
 * and who reaches whom is as it was, of all services. */
bool rehearsal_is_same(const struct rehearsal *);

#endif /* controller/rehearsal/rehearsal-compare.h */
