/* SPDX-License-Identifier: Apache-2.0
 *
 * Which sets of a network's ports can be named: by a group that there is, by a
 * selector, or, where labels do not tell, by the names of ports.
 *
 * Ports of equal labels are one port class, and are in a selector together.  A
 * candidate never selects a port that is elsewhere.  Not for which candidates
 * a rule takes (recommend.c). */

#ifndef CONTROLLER_RECOMMEND_CANDIDATE_SELECTORS_H
#define CONTROLLER_RECOMMEND_CANDIDATE_SELECTORS_H 1

#include "controller/recommend/recommend.h"

struct candidate_selector {
    enum recommend_by by;
    const char *text;           /* The group's name, or the selector; NULL for
                                 * names of ports. */
    unsigned cost;              /* What is read with less effort costs less. */
    unsigned long *port_classes; /* A bitmap of port classes. */
    bool inside;                /* It has none that is near only. */
};

struct candidate_selectors {
    size_t n_inside;            /* Port classes in the network, which come
                                 * first, */
    size_t n_port_classes;      /* and those near as well. */
    size_t *n_ports;            /* Of each port class. */
    size_t *class_of_port;      /* Of each port; SIZE_MAX of one elsewhere. */
    size_t n, allocated;
    struct candidate_selector *selectors; /* Each set of port classes once.
                                           * Those of a single port class come
                                           * first, by port class. */
    bool all;                   /* False: there are more than are kept. */
};

/* Selectors that are kept, and sets of ports that are tried for them. */
#define CANDIDATE_SELECTORS_MAX 1000

/* Texts live in 'arena' or belong to the request. */
void candidate_selectors_init(struct candidate_selectors *,
                              const struct recommend_request *,
                              struct arena *);
void candidate_selectors_uninit(struct candidate_selectors *);

#endif /* controller/recommend/candidate-selectors.h */
