/* SPDX-License-Identifier: Apache-2.0
 *
 * Which sets of a network's ports can be named: by a group that there is, by a
 * selector, or, where labels do not tell, by the names of ports.
 *
 * Ports of equal labels are one kind, and are in a pick together.  A pick
 * never has a port that is elsewhere.  Not for which picks a rule is about
 * (recommend.c). */

#ifndef CONTROLLER_RECOMMEND_CANDIDATE_SELECTORS_H
#define CONTROLLER_RECOMMEND_CANDIDATE_SELECTORS_H 1

#include "controller/recommend/recommend.h"

struct pick {
    enum recommend_by by;
    const char *text;           /* The group's name, or the selector; NULL for
                                 * names of ports. */
    unsigned cost;              /* What is read with less effort costs less. */
    unsigned long *kinds;       /* A bitmap of kinds. */
    bool inside;                /* It has none that is near only. */
};

struct picks {
    size_t n_inside;            /* Kinds in the network, which come first, */
    size_t n_kinds;             /* and those near as well. */
    size_t *n_ports;            /* Of each kind. */
    size_t *kind_of;            /* Of each port; SIZE_MAX of one elsewhere. */
    size_t n, allocated;
    struct pick *picks;         /* Each set of kinds once.  Those of a single
                                 * kind come first, by kind. */
    bool all;                   /* False: there are more than are kept. */
};

/* Picks that are kept, and sets of ports that are tried for them. */
#define PICKS_MAX 1000

/* Texts live in 'arena' or belong to the request. */
void picks_init(struct picks *, const struct recommend_request *,
                struct arena *);
void picks_uninit(struct picks *);

#endif /* controller/recommend/candidate-selectors.h */
