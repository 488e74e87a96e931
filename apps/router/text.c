/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses as text, for keys of relations and indexes. */

#include "router.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const char *
ip_to_text(struct vmn_view *view, const struct vmn_ip *ip)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(ip->family == 6 ? AF_INET6 : AF_INET, ip->addr, text,
              sizeof text);
    return vmn_printf(view, "%s", text);
}

const char *
prefix_to_text(struct vmn_view *view, const struct vmn_prefix *prefix)
{
    return vmn_printf(view, "%s/%u", ip_to_text(view, &prefix->ip),
                      prefix->len);
}

bool
prefix_from_text(const char *text, struct vmn_prefix *prefix)
{
    size_t len = strcspn(text, "/");
    char address[INET6_ADDRSTRLEN];
    bool v6 = strchr(text, ':') != NULL;

    if (len >= sizeof address) {
        return false;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    memset(prefix, 0, sizeof *prefix);
    prefix->ip.family = v6 ? 6 : 4;
    return (inet_pton(v6 ? AF_INET6 : AF_INET, address, prefix->ip.addr) == 1
            && sscanf(text + len, "/%hhu", &prefix->len) == 1);
}

const char *
mac_to_text(struct vmn_view *view, struct vmn_mac mac)
{
    return vmn_printf(view, "%02x:%02x:%02x:%02x:%02x:%02x", mac.ea[0],
                      mac.ea[1], mac.ea[2], mac.ea[3], mac.ea[4], mac.ea[5]);
}

bool
mac_from_text(const char *text, struct vmn_mac *mac)
{
    uint8_t *ea = mac->ea;

    return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &ea[0], &ea[1],
                  &ea[2], &ea[3], &ea[4], &ea[5]) == 6;
}
