/* SPDX-License-Identifier: Apache-2.0
 *
 * What the OVSDB side of the fabric offers to the fabric as a whole.  Its own
 * parts have host-db.h. */

#ifndef CONTROLLER_FABRIC_OVSDB_OVSDB_SIDE_H
#define CONTROLLER_FABRIC_OVSDB_OVSDB_SIDE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/types.h"

struct admission_stats;
struct arena;
struct commit_group;
struct fabric;
struct fabric_db;
struct fabric_host;
struct fabric_options;
struct status_host;
struct vmn_error;
struct vmn_host;

/* Creates it, and listens if the options say so.  Called before any host
 * exists.  Returns 0, or a positive errno and sets the error: then the caller
 * calls fabric_db_destroy(). */
int fabric_db_create(struct fabric *, const struct fabric_options *,
                     struct vmn_error *);
/* Reads the files with certificates anew. */
void fabric_db_set_certificates(const struct fabric_db *);
/* Waits for first reports: called when the hosts of the start are made. */
void fabric_db_begin(struct fabric *);
/* Called after the last fabric_db_host_destroy(). */
void fabric_db_destroy(struct fabric *);

/* Sets which encapsulations (by enum vmn_encap) hosts receive in.  Returns
 * true if they are others than before: then all hosts are to be updated. */
bool fabric_db_set_uses(struct fabric *, const bool uses[]);
/* Takes in the rows of 'names', whom each host is to encrypt tunnels with.
 * Returns as above. */
bool fabric_db_set_peers(struct fabric *, struct vmn_names names);
/* Returns how many interfaces each host has for that at most. */
size_t fabric_db_n_ipsec(const struct fabric *);
/* Follows the durable row of 'host', which is 'row': called when the host has
 * just been made and whenever its row changes.  Sets host->db. */
void fabric_db_host_update(struct fabric_host *, const struct vmn_host *row);
/* Returns how often the session with the host's database was dropped since it
 * sent too much. */
uint64_t fabric_db_n_over_budget(const struct fabric_host *);
/* Follows the session of the host's switch, which has come, is gone, or is
 * reconciled. */
void fabric_db_switch_changed(struct fabric_host *);
/* Ends the session, since the row is gone.  Clears host->db. */
void fabric_db_host_destroy(struct fabric_host *);

/* Fills in the listener's.  Returns false if there is none. */
bool fabric_db_get_admission(const struct fabric *, struct admission_stats *);

/* Fills in what of a host's status is of its database; and if the host cannot
 * be used for a reason that is there, its state and reason. */
void fabric_db_host_status(const struct fabric_host *, struct arena *arena,
                           struct status_host *status);

/* Follows a durable group, after the OpenFlow side has sent it. */
void fabric_db_group(struct fabric *, const struct commit_group *);

/* Moves on ports that wait for a host, since some have acknowledged more. */
void fabric_db_acked(struct fabric *);
/* As 'port_binding' of struct fabric_callbacks. */
bool fabric_db_port_binding(const struct fabric *, const char *port,
                            uint64_t *revision);
/* Returns how many ports have a candidate beside their host. */
size_t fabric_db_n_candidates(const struct fabric *);

#endif /* controller/fabric/ovsdb/ovsdb-side.h */
