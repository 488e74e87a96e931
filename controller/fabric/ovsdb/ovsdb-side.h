/* SPDX-License-Identifier: Apache-2.0
 *
 * The interface of the fabric's OVSDB side to the rest of the fabric.  Its own
 * parts use host-db.h. */

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
struct fabric_others;
struct status_host;
struct vmn_error;
struct vmn_host;

/* Creates the OVSDB side, and listens if the options say so.  Called before
 * any host exists.  Returns 0, or a positive errno and sets the error: the
 * caller must then call fabric_db_destroy(). */
int fabric_db_create(struct fabric *, const struct fabric_options *,
                     struct vmn_error *);
/* Reloads the certificate files. */
void fabric_db_set_certificates(const struct fabric_db *);
/* Holds commits: called before the initial hosts are created, some of which
 * may be connected already. */
void fabric_db_hold(struct fabric *);
/* The fabric's part of fabric_manage(). */
void fabric_db_manage(struct fabric *, const struct fabric_others *);
/* Waits for first reports: called when the initial hosts have been created. */
void fabric_db_begin(struct fabric *);
/* Called after the last fabric_db_host_destroy(). */
void fabric_db_destroy(struct fabric *);

/* Sets which encapsulations (by enum vmn_encap) hosts receive.  Returns true
 * if they have changed: then all hosts must be updated. */
bool fabric_db_set_uses(struct fabric *, const bool uses[]);
/* Updates the IPsec peers from the rows of 'names'.  Returns as above. */
bool fabric_db_set_peers(struct fabric *, struct vmn_names names);
/* Returns the maximum number of interfaces that each host has for IPsec. */
size_t fabric_db_n_ipsec(const struct fabric *);
/* Applies the durable row of 'host', which is 'row': called when the host was
 * created and whenever its row changes.  Sets host->db. */
void fabric_db_host_update(struct fabric_host *, const struct vmn_host *row);
/* Returns how often the session with the host's database was dropped for
 * exceeding its budget. */
uint64_t fabric_db_n_over_budget(const struct fabric_host *);
/* Handles a change of the host's switch session: it connected, disconnected,
 * or was reconciled. */
void fabric_db_switch_changed(struct fabric_host *);
/* Ends the session, since the row was deleted.  Clears host->db. */
void fabric_db_host_destroy(struct fabric_host *);

/* Fills in the listener's statistics.  Returns false if there is none. */
bool fabric_db_get_admission(const struct fabric *, struct admission_stats *);

/* Returns what the database contributes to the host's state: "rejected"; or
 * "unheard", if it has been away for longer than a reconnect takes; or
 * NULL. */
const char *fabric_db_state(const struct fabric_host *);
/* Returns why that is so, in 'arena' or borrowed.  Of "unheard", sets
 * '*since_ms' to when the host was last heard, by the wall clock. */
const char *fabric_db_state_reason(const struct fabric_host *,
                                   struct arena *arena, int64_t *since_ms);
/* Returns why the host's port to physical network 'physical' does not work,
 * borrowed until the next iteration of the loop; NULL if it does, or if
 * nothing is known of it. */
const char *fabric_db_provider_reason(const struct fabric_host *,
                                      const char *physical);
/* Sets '*reason', that of a state which is not "unheard", to what the
 * database's session, or its last report, has to say of it; in 'arena' or
 * borrowed. */
void fabric_db_blame(const struct fabric_host *, const char *state,
                     struct arena *arena, const char **reason);
/* Fills in the host's status from its database; and without a reason of its
 * state, another fault that is found there. */
void fabric_db_host_status(const struct fabric_host *, struct arena *arena,
                           struct status_host *status);

/* Handles a durable group, after the OpenFlow side has sent it.
 * 'hosts_changed': with rows of hosts. */
void fabric_db_group(struct fabric *, const struct commit_group *,
                     bool hosts_changed);

/* Decides ports that wait for a host, since hosts have acknowledged newer
 * revisions. */
void fabric_db_acked(struct fabric *);
/* As 'guests_expected' and 'guest_seen' of struct fabric_callbacks. */
void fabric_db_guests_expected(const struct fabric *, const char *host,
                               fabric_guest_cb *cb, void *aux);
void fabric_db_guest_seen(struct fabric *, const char *host,
                          const char *iface_id);
/* As 'port_binding' of struct fabric_callbacks. */
bool fabric_db_port_binding(const struct fabric *, const char *port,
                            uint64_t *revision);
/* Returns how many ports have a candidate besides their active host. */
size_t fabric_db_n_candidates(const struct fabric *);

#endif /* controller/fabric/ovsdb/ovsdb-side.h */
