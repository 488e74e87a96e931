/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices when another host is a router's gateway, or none is any more: counts
 * how often it became another host, for /metrics, and appends events. */

#ifndef CONTROLLER_NORTHBOUND_GATEWAY_CHANGES_H
#define CONTROLLER_NORTHBOUND_GATEWAY_CHANGES_H 1

#include <stdint.h>

struct gateway_changes;
struct northbound;

/* Borrows the northbound, whose commit is there. */
struct gateway_changes *gateway_changes_create(struct northbound *);
void gateway_changes_destroy(struct gateway_changes *);

/* Returns how often the router's gateway became another host, since the start
 * of this process. */
uint64_t gateway_changes_of(const struct gateway_changes *,
                            const char *router);

#endif /* controller/northbound/gateway-changes.h */
