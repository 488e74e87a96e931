/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the dhcp app share: who it is to guests, and what a guest
 * is to be told. */

#ifndef APPS_DHCP_APP_H
#define APPS_DHCP_APP_H 1

#include <string.h>

#include "vmn/app.h"
#include "vmn/dhcp.h"

enum { STAGE_DHCP };

enum { HANDLER_V4, HANDLER_V6, HANDLER_ROUTERS };

/* The server has the same MAC in all networks and on all hosts, so that a
 * reply depends on rows only.  Locally administered, as guests' MACs are, but
 * with a reserved prefix. */
static const struct vmn_mac server_mac
    = VMN_SERVER_MAC(VMN_DHCP4_SERVER_PORT);

/* Link-local, in the part that hosts do not assign themselves (RFC 3927,
 * section 2.1). */
static const struct vmn_ip server_ip = { 4, { 169, 254, 0, 67 } };

#define LEASE_TIME_DEFAULT 86400

/* Seconds between periodic advertisements (RFC 4861, section 6.2.1).  Guests
 * solicit one when they start; these are for changes since, and for guests
 * that would forget. */
#define ROUTER_INTERVAL 600
/* For which prefixes are preferred, in seconds (RFC 4861, section 6.2.1). */
#define PREFIX_PREFERRED (7 * 24 * 3600)

/* Most bytes of a reply; a network's MTU may allow less. */
#define REPLY_MAX 1514

/* The vendor class of firmware that boots by HTTP (UEFI, section 24.7.2). */
#define HTTP_CLIENT "HTTPClient"

/* Returns true if the boot file is a URL of HTTP.  'file' may be NULL. */
static inline bool
dhcp_is_http(const char *file)
{
    return file && (!strncmp(file, "http://", 7)
                    || !strncmp(file, "https://", 8));
}

/* dhcp-lease.c */

/* Returns the subnet of the network that contains 'ip', or NULL. */
const struct vmn_subnet *find_subnet(const struct vmn_network *,
                                     const struct vmn_ip *ip);
/* Returns the port's address to assign by DHCP: 'wanted' if it is one of them,
 * or if that is NULL, any of 'family'.  Returns NULL if there is none. */
const struct vmn_ip *find_lease(const struct vmn_network *,
                                const struct vmn_port *, uint8_t family,
                                const struct vmn_ip *wanted);
/* Returns true if the port configures 'ip' itself, by SLAAC. */
bool is_slaac(const struct vmn_subnet *, const struct vmn_port *,
              const struct vmn_ip *ip);

/* dhcp-options.c */

/* Returns the options for the port's address in 'subnet' (or NULL), with
 * defaults. */
struct vmn_dhcp_options dhcp_options_of(struct vmn_view *,
                                        const struct vmn_network *,
                                        const struct vmn_subnet *,
                                        const struct vmn_port *);

/* router-advert.c */

/* Returns true if the network has router advertisements: there is something to
 * advertise. */
bool answers_solicitations(struct vmn_view *, const struct vmn_network *);
void handle_routers(struct vmn_view *, const struct vmn_packet_in *,
                    struct vmn_packets_out *);

/* dhcpv4.c */
void handle_v4(struct vmn_view *, const struct vmn_packet_in *,
               struct vmn_packets_out *);

/* dhcpv6.c */
void handle_v6(struct vmn_view *, const struct vmn_packet_in *,
               struct vmn_packets_out *);

#endif /* apps/dhcp/dhcp-app.h */
