/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices that standbys of balancers begin to serve, since fewer others do
 * than "min_serving", and that they stand by again.  Not for deciding which of
 * them serve (the loadbalancer app), nor that a backend is up or down
 * (backend-up-down.c). */

#ifndef CONTROLLER_HEALTH_STANDBY_WATCH_H
#define CONTROLLER_HEALTH_STANDBY_WATCH_H 1

#include <stdbool.h>
#include <stddef.h>

#include "vmn/rows.h"

/* Standby 'port' of a balancer serves, or stands by, for 'reason'. */
typedef void standby_watch_cb(void *aux, const char *balancer,
                              const char *port, bool serves,
                              const char *reason);

struct standby_watch;

struct standby_watch *standby_watch_create(standby_watch_cb *, void *aux);
void standby_watch_destroy(struct standby_watch *);

/* Updates which standbys of balancer 'name' serve, by its 'n' backends, which
 * are sorted by port; 'lb' is NULL if there is no such balancer.  With 'tell',
 * calls the callback for each that has changed; without it, what they do
 * counts as known. */
void standby_watch_update(struct standby_watch *, const char *name,
                          const struct vmn_loadbalancer *lb,
                          const struct vmn_lb_member *members, size_t n,
                          bool tell);

#endif /* controller/health/standby-watch.h */
