/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of DHCPv4 replies, as bytes.  Not for the values that a port gets
 * (dhcp-options.c). */

#ifndef APPS_DHCPV4_OPTIONS_H
#define APPS_DHCPV4_OPTIONS_H 1

#include "dhcp-app.h"

enum {
    OPTION_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_DNS = 6,
    OPTION_HOSTNAME = 12,
    OPTION_DOMAIN = 15,
    OPTION_MTU = 26,
    OPTION_BROADCAST = 28,
    OPTION_NTP = 42,
    OPTION_REQUESTED_IP = 50,
    OPTION_LEASE_TIME = 51,
    OPTION_SERVER_ID = 54,
    OPTION_PARAMETER_LIST = 55,
    OPTION_MAX_SIZE = 57,
    OPTION_T1 = 58,
    OPTION_T2 = 59,
    OPTION_CLASS = 60,          /* Of the vendor. */
    OPTION_CLIENT_ID = 61,
    OPTION_TFTP_SERVER = 66,
    OPTION_BOOT_FILE = 67,
    OPTION_SEARCH = 119,
    OPTION_ROUTES = 121,
    OPTION_ROUTES_MS = 249,     /* The same, Microsoft's code. */
};

/* What options are made from. */
struct dhcpv4_values {
    uint32_t mtu;
    const struct vmn_subnet *subnet;
    struct vmn_dhcp_options options;
    bool has_metadata;          /* The network has a metadata server. */
};

void dhcpv4_put_u32(struct vmn_bytes *, uint8_t code, uint32_t value);

/* Appends the requested options in the client's order; the mask comes before
 * the router in any case (RFC 2132, section 3.3). */
void dhcpv4_put_requested(struct vmn_bytes *, const struct vmn_dhcp4 *,
                          const struct dhcpv4_values *);

#endif /* apps/dhcp/dhcpv4-options.h */
