/* SPDX-License-Identifier: Apache-2.0
 *
 * Flushes the UDP connections of backends that are gone.  Those of TCP end by
 * themselves, with a reset that conntrack sees as well; but as long as a
 * client sends UDP, conntrack keeps the connection, and the client would never
 * get another backend.
 *
 * Backends that go while vmnd is not running are not noticed. */

#ifndef CONTROLLER_HEALTH_CONNECTION_FLUSH_H
#define CONTROLLER_HEALTH_CONNECTION_FLUSH_H 1

#include <stddef.h>

#include "vmn/rows.h"

struct engine;
struct fabric;
struct connection_flush;
struct model;

/* Borrows all arguments, which must outlive the result. */
struct connection_flush *
connection_flush_create(struct model *, struct engine *, struct fabric *);
void connection_flush_destroy(struct connection_flush *);

/* Updates the members of 'lb' (NULL: balancer 'name' is gone), and flushes the
 * connections of members that it had before and has no longer. */
void connection_flush_update(struct connection_flush *, const char *name,
                             const struct vmn_loadbalancer *lb,
                             const struct vmn_lb_member *members, size_t n);

#endif /* controller/health/connection-flush.h */
