/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a database connects to, in the one form in which such targets are
 * compared and told to hosts.  Not for passive ones, nor for whether anybody
 * is there. */

#include <config.h>

#include "proto/ovsdb/ovsdb.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "packets.h"
#include "socket-util.h"
#include "util.h"

/* What a target without a port has (ovsdb-server(1)). */
#define DEFAULT_PORT 6640

/* Returns the address in its shortest form, or a name in lower case; NULL if
 * it is neither.  The caller frees it. */
static char *
normalize_host(char *host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ip6;
    ovs_be32 ip4;

    if (strchr(host, ':')) {
        char *scope = strchr(host, '%');

        if (scope) {
            *scope++ = '\0';
        }
        if (!ipv6_parse(host, &ip6)
            || (scope && (!*scope || strpbrk(scope, ":%[]/")))) {
            return NULL;
        }
        inet_ntop(AF_INET6, &ip6, text, sizeof text);
        return xasprintf("[%s%s%s]", text, scope ? "%" : "",
                         scope ? scope : "");
    } else if (ip_parse(host, &ip4)) {
        return xasprintf(IP_FMT, IP_ARGS(ip4));
    } else if (!isalnum((unsigned char) *host) || strpbrk(host, "%[]/")) {
        return NULL;
    }
    for (char *p = host; *p; p++) {
        *p = (char) tolower((unsigned char) *p);
    }
    return xstrdup(host);
}

char *
ovsdb_target_normalize(const char *target)
{
    char *copy, *host, *port, *address = NULL, *result = NULL;
    unsigned number = DEFAULT_PORT;
    size_t n = strlen(target);

    if (n <= 4 || n > OVSDB_TARGET_MAX
        || (strncmp(target, "tcp:", 4) && strncmp(target, "ssl:", 4))
        || target[strspn(target, "abcdefghijklmnopqrstuvwxyz"
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         ":.[]%_-")]) {
        return NULL;
    }
    copy = xstrdup(target + 4);
    inet_parse_host_port_tokens(copy, &host, &port);
    if (!port || (port[strspn(port, "0123456789")] == '\0'
                  && str_to_uint(port, 10, &number)
                  && number && number <= 65535)) {
        address = normalize_host(host);
    }
    if (address) {
        result = xasprintf("%.4s%s:%u", target, address, number);
    }
    free(address);
    free(copy);
    return result;
}
