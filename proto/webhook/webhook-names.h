/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of names, by libunbound on a thread of its own: nothing waits for
 * it.  As resolv.conf and the file of hosts say; when they change, what is
 * asked from then on goes by them.  Only for proto/webhook.
 *
 * libopenvswitch's dns_resolve() would give one address, does not tell a name
 * that has none from one that is being looked for, and asks again each time
 * that it is called. */

#ifndef PROTO_WEBHOOK_WEBHOOK_NAMES_H
#define PROTO_WEBHOOK_WEBHOOK_NAMES_H 1

#include <stddef.h>
#include <sys/socket.h>

struct event_base;
struct webhook_lookup;
struct webhook_names;

/* Addresses of a name that are used: of IPv4, then of IPv6. */
#define WEBHOOK_ADDRESSES_MAX 4

/* 'resolv_conf' and 'hosts' are paths, or NULL for the system's. */
struct webhook_names *webhook_names_create(struct event_base *,
                                           const char *resolv_conf,
                                           const char *hosts);
/* After all of its lookups. */
void webhook_names_destroy(struct webhook_names *);

/* With 'n' addresses without a port, or with none and a sentence in 'fault'.
 * The lookup is gone. */
typedef void webhook_found(void *aux, const struct sockaddr_storage *addresses,
                           size_t n, const char *fault);

/* Looks for 'name'.  'found' is called once, later; unless the lookup is
 * cancelled before, or could not begin: then it returns NULL. */
struct webhook_lookup *webhook_names_ask(struct webhook_names *,
                                         const char *name,
                                         webhook_found *found, void *aux);
void webhook_lookup_cancel(struct webhook_lookup *);

#endif /* proto/webhook/webhook-names.h */
