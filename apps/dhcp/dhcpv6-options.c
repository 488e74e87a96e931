/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the options of DHCPv6 replies, such as resolvers, time servers and
 * PXE's boot file: RFC 3646, 4075, 5908, 5970.  Not for addresses (dhcpv6.c),
 * nor for the values that a port gets (dhcp-options.c). */

#include "dhcpv6-options.h"

#include <arpa/inet.h>

#define NTP_SERVER_ADDRESS 1    /* A suboption of OPTION_NTP. */
#define REFRESH_MIN 600         /* Seconds (RFC 8415, section 21.23). */

static void
put_ips(struct vmn_bytes *b, uint16_t code, const struct vmn_ip *ips,
        size_t n)
{
    size_t opened = vmn_dhcp6_open(b, code), none = b->size;

    for (size_t i = 0; i < n; i++) {
        if (ips[i].family == 6) {
            if (code == OPTION_NTP) {
                vmn_put_u16(b, NTP_SERVER_ADDRESS);
                vmn_put_u16(b, 16);
            }
            vmn_put_ip(b, &ips[i]);
        }
    }
    if (b->size == none) {
        b->size = opened;
    } else {
        vmn_dhcp6_close(b, opened);
    }
}

static void
put_search(struct vmn_bytes *b, const struct vmn_dhcp_options *options)
{
    size_t opened = vmn_dhcp6_open(b, OPTION_SEARCH), none = b->size;

    for (size_t i = 0; i < options->n_search; i++) {
        vmn_put_name(b, options->search[i]);
    }
    if (!options->n_search && options->domain) {
        vmn_put_name(b, options->domain);
    }
    if (b->size == none) {
        b->size = opened;
    } else {
        vmn_dhcp6_close(b, opened);
    }
}

static void
put_option(struct vmn_bytes *b, uint16_t code,
           const struct vmn_dhcp6 *request,
           const struct vmn_dhcp_options *options)
{
    uint32_t s;

    switch (code) {
    case OPTION_DNS: put_ips(b, code, options->dns, options->n_dns); break;
    case OPTION_SNTP:
    case OPTION_NTP: put_ips(b, code, options->ntp, options->n_ntp); break;
    case OPTION_SEARCH: put_search(b, options); break;
    case OPTION_BOOT_FILE:
        if (options->boot_file) {
            vmn_dhcp6_put(b, code, options->boot_file,
                          strlen(options->boot_file));
        }
        break;
    case OPTION_REFRESH_TIME:
        if (request->type == INFORMATION_REQUEST) {
            s = htonl(options->lease_time > REFRESH_MIN ? options->lease_time
                      : REFRESH_MIN);
            vmn_dhcp6_put(b, code, &s, sizeof s);
        }
        break;
    default: break;
    }
}

/* Answers the vendor class of firmware that boots by HTTP with the same one
 * (UEFI, section 24.7.3): the enterprise number, then a class with its length
 * (RFC 8415, section 21.16). */
static void
put_http_class(struct vmn_bytes *b, const struct vmn_dhcp6 *request)
{
    static const size_t len = sizeof HTTP_CLIENT - 1;
    struct vmn_dhcp6_option class;
    size_t opened;

    if (!vmn_dhcp6_find(request->options, request->options_size,
                        OPTION_VENDOR_CLASS, &class)
        || class.size < 6 + len || memcmp(class.data + 6, HTTP_CLIENT, len)) {
        return;
    }
    opened = vmn_dhcp6_open(b, OPTION_VENDOR_CLASS);
    vmn_put(b, class.data, 4);
    vmn_put_u16(b, (uint16_t) len);
    vmn_put(b, HTTP_CLIENT, len);
    vmn_dhcp6_close(b, opened);
}

void
dhcpv6_put_requested(struct vmn_bytes *b, const struct vmn_dhcp6 *request,
                     const struct vmn_dhcp_options *options)
{
    static const uint16_t known[] = {
        OPTION_DNS, OPTION_SEARCH, OPTION_SNTP, OPTION_NTP, OPTION_BOOT_FILE,
        OPTION_REFRESH_TIME,
    };
    struct vmn_dhcp6_option list;
    bool listed = vmn_dhcp6_find(request->options, request->options_size,
                                 OPTION_ORO, &list);

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        bool wanted = !listed && (known[i] == OPTION_DNS
                                  || known[i] == OPTION_SEARCH);

        for (size_t j = 0; listed && j + 1 < list.size; j += 2) {
            wanted |= (list.data[j] << 8 | list.data[j + 1]) == known[i];
        }
        if (wanted) {
            put_option(b, known[i], request, options);
        }
    }
    if (dhcp_is_http(options->boot_file)) {
        put_http_class(b, request);
    }
}
