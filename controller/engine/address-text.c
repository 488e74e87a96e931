/* SPDX-License-Identifier: Apache-2.0
 *
 * include/vmn/text.h.  The forms are those of controller/schema/value.h. */

#include <config.h>

#include "vmn/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/value.h"
#include "vmn/app.h"

const char *
vmn_mac_text(struct vmn_view *view, struct vmn_mac mac)
{
    return value_format_mac(mac, vmn_alloc(view, VALUE_MAC_SIZE));
}

const char *
vmn_ip_text(struct vmn_view *view, const struct vmn_ip *ip)
{
    return value_format_ip(ip, vmn_alloc(view, VALUE_IP_SIZE));
}

const char *
vmn_prefix_text(struct vmn_view *view, const struct vmn_prefix *prefix)
{
    char ip[VALUE_IP_SIZE];

    return vmn_printf(view, "%s/%u", value_format_ip(&prefix->ip, ip),
                      prefix->len);
}

size_t
vmn_key_split(struct vmn_view *view, const char *key, const char *parts[],
              size_t n)
{
    char *rest = vmn_printf(view, "%s", key);
    size_t i = 0;

    while (rest && i < n) {
        char *bar = i < n - 1 ? strchr(rest, '|') : NULL;

        if (bar) {
            *bar++ = '\0';
        }
        parts[i++] = rest;
        rest = bar;
    }
    return i;
}

bool
vmn_mac_from_text(const char *text, struct vmn_mac *mac)
{
    return !value_parse_mac(text, mac, NULL);
}

bool
vmn_ip_from_text(const char *text, struct vmn_ip *ip)
{
    bool v6 = strchr(text, ':') != NULL;
    struct vmn_ip result = { .family = v6 ? 6 : 4 };

    if (inet_pton(v6 ? AF_INET6 : AF_INET, text, result.addr) != 1) {
        return false;
    }
    *ip = result;
    return true;
}

bool
vmn_prefix_from_text(const char *text, struct vmn_prefix *prefix)
{
    size_t len = strcspn(text, "/");
    char address[VALUE_IP_SIZE];
    struct vmn_ip ip;
    unsigned bits;
    char more;

    if (len >= sizeof address) {
        return false;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    if (!vmn_ip_from_text(address, &ip)
        || sscanf(text + len, "/%3u%c", &bits, &more) != 1
        || bits > vmn_ip_bits(&ip)) {
        return false;
    }
    *prefix = (struct vmn_prefix) { .ip = ip, .len = bits };
    return true;
}

bool
vmn_time_from_text(const char *text, int64_t *seconds)
{
    if (value_check_time(text, NULL)) {
        return false;
    }
    *seconds = value_parse_time(text);
    return true;
}
