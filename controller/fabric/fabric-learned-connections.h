/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the connections of a network that its hosts' switches have learned
 * (vmn_act_learn_connection()). */

#ifndef CONTROLLER_FABRIC_FABRIC_LEARNED_CONNECTIONS_H
#define CONTROLLER_FABRIC_FABRIC_LEARNED_CONNECTIONS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct learned_connection;
struct fabric;
struct vmn_names;

/* The connections of a network that hosts have learned. */
struct fabric_connections {
    size_t n_hosts;             /* The hosts of the request, in order. */
    struct fabric_connections_host {
        const char *name;
        const char *missing;    /* Why it did not reply, or NULL. */
        size_t n;               /* Connections. */
        bool full;              /* The limit was reached: there may be more. */
    } *hosts;
    size_t n_connections;
    const struct learned_connection *connections;
    const uint32_t *where;      /* Index in 'hosts' of each connection. */
};

/* Reads the connections of the network with VNI 'vni' that 'hosts' have
 * learned, except for those older than 'since_ms' (wall clock).  Calls 'cb'
 * once, from the loop: when all hosts have answered or cannot answer, or at
 * the time-out.  Its argument is valid until it returns. */
#define FABRIC_CONNECTIONS_TIMEOUT_MS (10 * 1000)
#define FABRIC_CONNECTIONS_MAX 200000   /* Of all hosts together. */
struct fabric_connections_reading;
typedef void fabric_connections_cb(void *aux,
                                   const struct fabric_connections *);
struct fabric_connections_reading *fabric_read_connections(
    struct fabric *, uint32_t vni, const struct vmn_names *hosts,
    int64_t since_ms, fabric_connections_cb *, void *aux);
/* Cancels the reading; 'cb' is not called.  NULL is none. */
void fabric_connections_cancel(struct fabric_connections_reading *);

#endif /* controller/fabric/fabric-learned-connections.h */
