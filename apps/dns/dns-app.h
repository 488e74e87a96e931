/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the dns app share: who it is to guests, and how it looks
 * names up. */

#ifndef APPS_DNS_APP_H
#define APPS_DNS_APP_H 1

#include "vmn/app.h"
#include "vmn/dns.h"

enum { STAGE_DNS };

enum { HANDLER_QUERY };

/* Where guests ask in networks that have a zone.  Link-local, so that it is
 * nobody's; of the part that no host may give itself (RFC 3927, section 2.1).
 * The MAC is locally administered, as guests' are, but none is given out with
 * these first bytes. */
#define SERVER_MAC VMN_SERVER_MAC(VMN_DNS_PORT)
#define SERVER_IP { 4, { 169, 254, 0, VMN_DNS_PORT } }

/* What we know of a question. */
enum found {
    FOUND_NOT_OURS,             /* Somebody else may know. */
    FOUND_NO_NAME,              /* There is no such name. */
    FOUND_NAME,                 /* There is; the answer says the rest. */
};

/* resolver.c: writes what ports of 'network' are answered; '*zone' is of that,
 * or NULL. */
enum found find_answer(struct vmn_view *, const char *network,
                       struct vmn_dns_answer *,
                       const struct vmn_dns_zone **zone);

#endif /* apps/dns/dns-app.h */
