/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of the overlay app's relations: parts between '|', which names cannot
 * contain, with MACs and prefixes as text. */

#include "overlay.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

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

const char *
prefix_to_text(struct vmn_view *view, const struct vmn_prefix *prefix)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(prefix->ip.family == 6 ? AF_INET6 : AF_INET, prefix->ip.addr,
              text, sizeof text);
    return vmn_printf(view, "%s/%u", text, prefix->len);
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

bool
key_split(struct vmn_view *view, const char *key, const char *parts[],
          size_t n)
{
    char *copy = vmn_printf(view, "%s", key);

    for (size_t i = 0; i < n; i++) {
        char *bar = strchr(copy, '|');

        parts[i] = copy;
        if (!bar) {
            return i == n - 1;
        }
        *bar = '\0';
        copy = bar + 1;
    }
    return false;
}

bool
mac_is_none(struct vmn_mac mac)
{
    return mac_equal(mac, (struct vmn_mac) { { 0 } });
}

bool
mac_equal(struct vmn_mac a, struct vmn_mac b)
{
    return !memcmp(a.ea, b.ea, sizeof a.ea);
}
