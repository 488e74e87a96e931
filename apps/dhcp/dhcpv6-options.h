/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of DHCPv6 replies, as bytes.  Not for the values that a port gets
 * (dhcp-options.c). */

#ifndef APPS_DHCPV6_OPTIONS_H
#define APPS_DHCPV6_OPTIONS_H 1

#include "dhcp-app.h"

/* Types of messages. */
enum {
    SOLICIT = 1,
    ADVERTISE,
    REQUEST,
    CONFIRM,
    RENEW,
    REBIND,
    REPLY,
    RELEASE,
    DECLINE,
    INFORMATION_REQUEST = 11,
};

enum {
    OPTION_CLIENT_ID = 1,
    OPTION_SERVER_ID = 2,
    OPTION_ORO = 6,
    OPTION_PREFERENCE = 7,
    OPTION_STATUS = 13,
    OPTION_RAPID_COMMIT = 14,
    OPTION_VENDOR_CLASS = 16,
    OPTION_DNS = 23,
    OPTION_SEARCH = 24,
    OPTION_SNTP = 31,
    OPTION_REFRESH_TIME = 32,
    OPTION_NTP = 56,
    OPTION_BOOT_FILE = 59,
};

/* Appends the options that 'request' asks for, each at most once, even if the
 * client's list repeats some. */
void dhcpv6_put_requested(struct vmn_bytes *,
                          const struct vmn_dhcp6 *request,
                          const struct vmn_dhcp_options *);

#endif /* apps/dhcp/dhcpv6-options.h */
