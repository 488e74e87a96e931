/* SPDX-License-Identifier: Apache-2.0
 *
 * Which hosts are cut off from the others, and which sessions of BFD say of a
 * peer what is not so, by what all hosts report of their sessions
 * (host-bfd.h).  Not for what follows from it (apps). */

#ifndef CONTROLLER_FABRIC_OVSDB_CUT_OFF_HOSTS_H
#define CONTROLLER_FABRIC_OVSDB_CUT_OFF_HOSTS_H 1

#include <stdint.h>

struct fabric;
struct fabric_host_db;

/* How often a host was cut off, and since when it is not.  Times are of
 * loop_now_ms(), 0: never. */
struct cut_off_history {
    unsigned n_again;           /* Each soon after it had come back. */
    int64_t returned_ms;        /* When it came back last. */
    int64_t reached_ms;         /* While it counts as cut off: since when it
                                 * is reached again; 0: it is not. */
};

void cut_off_hosts_create(struct fabric *);
void cut_off_hosts_destroy(struct fabric *);

/* Has the next turn of the loop find out which hosts are cut off, if this one
 * has sessions: something has changed that it depends on. */
void cut_off_hosts_due(const struct fabric_host_db *);

/* Returns why a host that is cut off is taken for that, a constant. */
const char *cut_off_hosts_reason(const struct fabric_host_db *);

#endif /* controller/fabric/ovsdb/cut-off-hosts.h */
