/* SPDX-License-Identifier: Apache-2.0
 *
 * What was seen, in the terms in which rules are looked for: sources are port
 * classes, and after them classes of addresses that were seen to do the same.
 * Services that were seen between the same port classes are one service
 * class.  A cell is a source, a port class and a service class that were seen
 * together: rules must cover all of them. */

#ifndef CONTROLLER_RECOMMEND_OBSERVED_CONNECTIONS_H
#define CONTROLLER_RECOMMEND_OBSERVED_CONNECTIONS_H 1

#include "controller/recommend/recommend.h"
#include "controller/recommend/step-counter.h"

struct candidate_selectors;

/* A connection, each once. */
struct observed_connection {
    size_t src_port;            /* Or SIZE_MAX: 'src_ip'. */
    struct vmn_ip src_ip;
    size_t dst_port;
    struct recommend_service service;
    size_t src, dst;            /* A source, and a port class. */
    size_t service_class;
};

/* The port classes to which a source speaks a service class. */
struct cell_row {
    unsigned long *dst;
    size_t first;               /* Of its cells, which go on by port class. */
};

struct observed_connections {
    struct step_counter *steps;
    size_t n_connections;
    struct observed_connection *connections; /* By source port, address,
                                              * destination port, service. */
    size_t n_port_classes, n_sources;
    size_t n_service_classes;
    size_t *n_in_service_class; /* Services. */
    size_t n_rows;
    struct cell_row *rows;
    size_t *row_of;             /* [class * n_sources + source]; SIZE_MAX:
                                 * none. */
    size_t n_cells;
};

/* Returns false if there is too much; it is to be freed then, too. */
bool observed_init(struct observed_connections *,
                   const struct recommend_request *,
                   const struct candidate_selectors *, struct step_counter *);
void observed_uninit(struct observed_connections *);

/* Returns the connection of the same ends and service, or NULL. */
const struct observed_connection *observed_find(
    const struct observed_connections *, const struct observed_connection *);

#endif /* controller/recommend/observed-connections.h */
