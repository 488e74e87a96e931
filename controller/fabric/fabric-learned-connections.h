/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what hosts have noted of a network's connections. */

#ifndef CONTROLLER_FABRIC_FABRIC_LEARNED_CONNECTIONS_H
#define CONTROLLER_FABRIC_FABRIC_LEARNED_CONNECTIONS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct learned_connection;
struct fabric;
struct vmn_names;

/* What hosts have noted of a network (vmn_act_note()). */
struct fabric_connections {
    size_t n_hosts;             /* Those that were asked for, in order. */
    struct fabric_connections_host {
        const char *name;
        const char *missing;    /* Why it has not answered, or NULL. */
        size_t n;               /* Notes. */
        bool full;              /* There may have been more to note. */
    } *hosts;
    size_t n_notes;
    const struct learned_connection *notes;
    const uint32_t *where;      /* Of each note, the host's index. */
};

/* Reads the notes that 'hosts' have of the network with this number, but for
 * those that are older than 'since_ms' (wall clock), and calls 'cb' once, from
 * the loop: when all have answered, or cannot, or at the time-out.  What it is
 * shown is good until it returns. */
#define FABRIC_CONNECTIONS_TIMEOUT_MS (10 * 1000)
#define FABRIC_CONNECTIONS_MAX 200000   /* Of all hosts together. */
struct fabric_connections_reading;
typedef void fabric_connections_cb(void *aux,
                                   const struct fabric_connections *);
struct fabric_connections_reading *fabric_read_connections(
    struct fabric *, uint32_t vni, const struct vmn_names *hosts,
    int64_t since_ms, fabric_connections_cb *, void *aux);
/* Forgets about it; 'cb' is not called. */
void fabric_connections_cancel(struct fabric_connections_reading *);

#endif /* controller/fabric/fabric-learned-connections.h */
