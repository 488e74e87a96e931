/* SPDX-License-Identifier: Apache-2.0
 *
 * The database of a host whose row was deleted: what vmnd has there is removed
 * from it.  Not for when that is to be (controller/fabric/deleted-hosts.h). */

#ifndef CONTROLLER_FABRIC_OVSDB_DELETED_HOST_DB_H
#define CONTROLLER_FABRIC_OVSDB_DELETED_HOST_DB_H 1

#include <stdbool.h>

struct fabric_host;

enum deleted_host_db {
    DELETED_HOST_DB_AWAY,       /* It is not connected. */
    DELETED_HOST_DB_WORKING,
    DELETED_HOST_DB_CLEAN,
    DELETED_HOST_DB_REFUSED,    /* Another controller has the bridge. */
};

/* Returns true if a session with the host's database is up. */
bool deleted_host_db_is_connected(const struct fabric_host *);
/* The row was deleted: nothing that the database has counts any more, and what
 * vmnd has there stays as it is until deleted_host_db_clean(). */
void deleted_host_db_leave(struct fabric_host *);
/* Removes it. */
void deleted_host_db_clean(struct fabric_host *);
/* Returns how far that is, and sets '*reason' to why not further, or NULL:
 * borrowed until the next iteration of the loop. */
enum deleted_host_db deleted_host_db_state(const struct fabric_host *,
                                           const char **reason);

#endif /* controller/fabric/ovsdb/deleted-host-db.h */
