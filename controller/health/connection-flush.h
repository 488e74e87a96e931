/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections of backends that are gone.  Those of TCP end by themselves: their
 * client is told by a reset, which conntrack sees as well.  UDP has no such
 * thing: as long as a client sends, conntrack keeps what it knows of it, and so
 * it would never get another backend.  So hosts are told to forget it.
 *
 * What happens while vmnd is away is not known here. */

#ifndef CONTROLLER_HEALTH_CONNECTION_FLUSH_H
#define CONTROLLER_HEALTH_CONNECTION_FLUSH_H 1

#include <stddef.h>

#include "vmn/rows.h"

struct engine;
struct fabric;
struct connection_flush;
struct model;

/* Nothing that is passed in is owned; all of it has to outlive the result. */
struct connection_flush *
connection_flush_create(struct model *, struct engine *, struct fabric *);
void connection_flush_destroy(struct connection_flush *);

/* 'lb' (NULL: balancer 'name' is no more) has these 'n' members now: has the
 * connections forgotten of those of which it kept some, and no longer does. */
void connection_flush_update(struct connection_flush *, const char *name,
                             const struct vmn_loadbalancer *lb,
                             const struct vmn_lb_member *members, size_t n);

#endif /* controller/health/connection-flush.h */
