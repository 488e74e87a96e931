/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the dhcp app share: who it is to guests, and what a guest
 * is to be told. */

#ifndef APPS_DHCP_APP_H
#define APPS_DHCP_APP_H 1

#include <string.h>

#include "vmn/app.h"
#include "vmn/dhcp.h"

enum { STAGE_DHCP, STAGE_SERVERS };

enum { HANDLER_V4, HANDLER_V6, HANDLER_ROUTERS };

/* The server is the same in all networks, and on all hosts, so that an answer
 * depends on nothing but rows.  Locally administered, as guests' MACs are, but
 * none is given out with these first bytes. */
static const struct vmn_mac server_mac
    = VMN_SERVER_MAC(VMN_DHCP4_SERVER_PORT);

/* Link-local, so that it is nobody's; of the part that no host may give itself
 * (RFC 3927, section 2.1). */
static const struct vmn_ip server_ip = { 4, { 169, 254, 0, 67 } };

#define LEASE_TIME_DEFAULT 86400

/* For how long what a router says holds: as long as can be said (RFC 8319), so
 * that guests go on without vmnd. */
#define ROUTER_LIFETIME 65535
/* How often it is said unasked (RFC 4861, section 6.2.1).  Guests ask when
 * they start; this is for what has changed since, and for those that would
 * forget. */
#define ROUTER_INTERVAL 600
/* Those of prefixes are RFC 4861's, section 6.2.1. */
#define PREFIX_VALID (30 * 24 * 3600)
#define PREFIX_PREFERRED (7 * 24 * 3600)

/* Room for an answer, of which a network's MTU may leave less. */
#define REPLY_MAX 1514

/* dhcp-options.c */

/* The address of a /64 that follows from a MAC (RFC 4291, appendix A). */
struct vmn_ip ip_of_mac(const struct vmn_ip *prefix, struct vmn_mac);
/* The subnet of the network that has 'ip', or NULL. */
const struct vmn_subnet *find_subnet(const struct vmn_network *,
                                     const struct vmn_ip *ip);
/* The port's address that goes out by DHCP: 'wanted' if it is one, or any of
 * 'family' if that is NULL.  NULL if there is none. */
const struct vmn_ip *find_lease(const struct vmn_network *,
                                const struct vmn_port *, uint8_t family,
                                const struct vmn_ip *wanted);
/* True if the port makes 'ip' itself, after a router's advertisement. */
bool is_slaac(const struct vmn_subnet *, const struct vmn_port *,
              const struct vmn_ip *ip);
/* What the port is told, where it has an address of 'subnet' (or NULL); with
 * defaults. */
struct vmn_dhcp_options dhcp_options_of(struct vmn_view *,
                                        const struct vmn_network *,
                                        const struct vmn_subnet *,
                                        const struct vmn_port *);

/* True if the router has the gateway of a subnet of IPv6 in the network:
 * guests are told that it is their router. */
bool is_default_router(const struct vmn_router *, const struct vmn_network *);

/* True if guests of the network hear router advertisements: where there is
 * something for them to learn. */
bool answers_solicitations(struct vmn_view *, const struct vmn_network *);

/* Handlers. */
void handle_v4(struct vmn_view *, const struct vmn_packet_in *,
               struct vmn_packets_out *);
void handle_v6(struct vmn_view *, const struct vmn_packet_in *,
               struct vmn_packets_out *);
void handle_routers(struct vmn_view *, const struct vmn_packet_in *,
                    struct vmn_packets_out *);

#endif /* apps/dhcp/dhcp-app.h */
