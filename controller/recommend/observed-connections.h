/* SPDX-License-Identifier: Apache-2.0
 *
 * What was seen, in the terms in which rules are looked for: sources are kinds
 * of ports, and behind them kinds of addresses, which were seen to do the
 * same.  Services that were seen between the same kinds are one class.  An
 * element is a source, a kind and a class that were seen together: rules must
 * cover all of them. */

#ifndef CONTROLLER_RECOMMEND_OBSERVED_CONNECTIONS_H
#define CONTROLLER_RECOMMEND_OBSERVED_CONNECTIONS_H 1

#include "controller/recommend/recommend.h"
#include "controller/recommend/step-counter.h"

struct picks;

/* A connection, each once. */
struct conn {
    size_t src_port;            /* Or SIZE_MAX: 'src_ip'. */
    struct vmn_ip src_ip;
    size_t dst_port;
    struct recommend_service service;
    size_t src, dst;            /* A source, and a kind. */
    size_t class;
};

/* The kinds to which a source speaks a class of services. */
struct row {
    unsigned long *dst;
    size_t first;               /* Of its elements, which go on by kind. */
};

struct seen {
    struct pacer *pacer;
    size_t n_conns;
    struct conn *conns;         /* By source port, address, destination port,
                                 * service. */
    size_t n_kinds, n_sources;
    size_t n_classes;
    size_t *n_in_class;         /* Services. */
    size_t n_rows;
    struct row *rows;
    size_t *row_of;             /* [class * n_sources + source], or SIZE_MAX. */
    size_t n_elements;
};

/* Returns false if there is too much; it is to be freed then, too. */
bool seen_init(struct seen *, const struct recommend_request *,
               const struct picks *, struct pacer *);
void seen_uninit(struct seen *);

/* The connection of the same ends and service, or NULL. */
const struct conn *seen_find(const struct seen *, const struct conn *);

#endif /* controller/recommend/observed-connections.h */
