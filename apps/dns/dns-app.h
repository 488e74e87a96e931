/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the dns app share: who it is to guests, and how it looks
 * names up. */

#ifndef APPS_DNS_APP_H
#define APPS_DNS_APP_H 1

#include "vmn/app.h"
#include "vmn/dns.h"
#include "vmn/requests.h"

enum { STAGE_DNS };

enum { HANDLER_QUERY, HANDLER_STREAM, HANDLER_REFUSE };

/* The server's address in networks with a zone.  Link-local, in the part that
 * hosts do not assign themselves (RFC 3927, section 2.1).  The MAC is locally
 * administered, as guests' are, but with a reserved prefix. */
#define SERVER_MAC VMN_SERVER_MAC(VMN_DNS_PORT)
#define SERVER_IP { 4, { 169, 254, 0, VMN_DNS_PORT } }

/* The result of a lookup. */
enum found {
    FOUND_NOT_OURS,             /* Another server may know the name. */
    FOUND_NO_NAME,              /* The name does not exist. */
    FOUND_NAME,                 /* The name exists; the reply has its records,
                                 * if any. */
};

/* dns-lookup.c: looks the question up for ports of 'network', and adds its
 * records to the reply.  Sets '*zone' to the zone that decided, or NULL. */
enum found find_answer(struct vmn_view *, const char *network,
                       struct vmn_dns_answer *,
                       const struct vmn_dns_zone **zone);

void eval_addresses(struct vmn_view *, const char *key, struct vmn_value *);

/* dns-query.c */
void handle_query(struct vmn_view *, const struct vmn_packet_in *,
                  struct vmn_packets_out *);
/* The same of a query by TCP. */
void handle_stream(struct vmn_view *, const struct vmn_packet_in *,
                   struct vmn_packets_out *);

#endif /* apps/dns/dns-app.h */
