/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs; see webhook-url.h. */

#include <config.h>

#include "proto/webhook/webhook-url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "util.h"

/* Characters of a name, and of a label (RFC 1035, section 2.3.4). */
#define NAME_MAX_LEN 253
#define LABEL_MAX_LEN 63

#define DIGITS "0123456789"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz" DIGITS "-_"

/* The host.  -------------------------------------------------------------- */

/* Returns true if 'host' is a name.  What some programs read as a number must
 * be a valid address. */
static bool
is_name(const char *host)
{
    const char *label = host;
    size_t len;

    if (strlen(host) > NAME_MAX_LEN) {
        return false;
    }
    for (;; label += len + 1) {
        len = strspn(label, NAME_CHARS);
        if (!len || len > LABEL_MAX_LEN || label[0] == '-') {
            return false;
        }
        if (!label[len]) {
            break;
        }
        if (label[len] != '.') {
            return false;
        }
    }
    return !isdigit((unsigned char) label[0]);
}

/* Sets the host from 'len' characters without port and brackets.  Returns
 * NULL, or what is wrong. */
static char *
set_host(struct webhook_url *url, const char *text, size_t len, bool ipv6)
{
    char *host = xmemdup0(text, len);
    char bytes[sizeof(struct in6_addr)];
    char shown[INET6_ADDRSTRLEN];

    for (char *p = host; *p; p++) {
        *p = (char) tolower((unsigned char) *p);
    }
    url->host = host;
    url->is_ipv6 = ipv6;
    if (inet_pton(ipv6 ? AF_INET6 : AF_INET, host, bytes) == 1) {
        /* The canonical form of the address, for comparisons. */
        inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes, shown, sizeof shown);
        free(host);
        url->host = xstrdup(shown);
        url->is_address = true;
        return NULL;
    }
    if (ipv6) {
        return xstrdup("what is in brackets is no IPv6 address");
    }
    return (is_name(host) ? NULL
            : xstrdup("its host is neither a name nor an address"));
}

static char *
set_port(struct webhook_url *url, const char *text, size_t len)
{
    char *port = xmemdup0(text, len);
    unsigned number = 0;
    bool ok = (len && len <= 5 && strspn(port, DIGITS) == len
               && str_to_uint(port, 10, &number)
               && number && number <= UINT16_MAX);

    free(port);
    url->port = ok ? (uint16_t) number : 0;
    return ok ? NULL : xstrdup("its port is not a number from 1 to 65535");
}

/* Sets host and port from the 'len' characters between the two slashes and the
 * path.  Returns NULL, or what is wrong. */
static char *
set_authority(struct webhook_url *url, const char *text, size_t len)
{
    const char *end = text + len, *host_end;
    bool ipv6 = len && *text == '[';
    char *fault;

    if (memchr(text, '@', len)) {
        return xstrdup("it names a user, which is not supported");
    }
    if (ipv6) {
        host_end = memchr(text, ']', len);
        if (!host_end || (host_end + 1 < end && host_end[1] != ':')) {
            return xstrdup("its brackets are not in order");
        }
        fault = set_host(url, text + 1, host_end - text - 1, true);
        host_end++;
    } else {
        host_end = memchr(text, ':', len);
        host_end = host_end ? host_end : end;
        fault = set_host(url, text, host_end - text, false);
    }
    if (fault || host_end == end) {
        return fault;
    }
    return set_port(url, host_end + 1, end - host_end - 1);
}

/* The path.  -------------------------------------------------------------- */

/* Decodes the byte at 'p' into '*c'.  Returns how many characters it takes, or
 * 0 if it is invalid. */
static size_t
decoded(const char *p, const char *end, char *c)
{
    int hi, lo;

    if (*p != '%') {
        *c = *p;
        return 1;
    }
    if (end - p < 3) {
        return 0;
    }
    hi = hexit_value(p[1]);
    lo = hexit_value(p[2]);
    if (hi < 0 || lo < 0) {
        return 0;
    }
    *c = (char) (hi * 16 + lo);
    return 3;
}

/* Checks the path.  Segments of dots, and for some servers an encoded slash,
 * could lead out of an allowed prefix.  Returns NULL, or what is wrong. */
static char *
check_path(const char *path, size_t len)
{
    const char *end = path + len;
    size_t n_chars = 0, n_dots = 0, n;

    for (const char *p = path; p < end; p += n) {
        char c = '\0';

        n = decoded(p, end, &c);
        if (!n) {
            return xstrdup("its path has a % without two hexadecimal digits");
        }
        if (n > 1 && (c == '/' || c == '\\' || !c)) {
            return xstrdup("its path has an encoded slash, backslash or "
                           "zero");
        }
        if (c == '/') {
            n_chars = n_dots = 0;
        } else {
            n_chars++;
            n_dots += c == '.';
        }
        bool at_end = p + n >= end || p[n] == '/' || p[n] == ';';
        if (at_end && n_chars && n_chars == n_dots && n_chars <= 2) {
            return xstrdup("its path has a segment \".\" or \"..\"");
        }
    }
    return NULL;
}

char *
webhook_url_parse(struct webhook_url *url, const char *text)
{
    const char *rest;
    size_t len;
    char *fault;

    memset(url, 0, sizeof *url);
    if (strlen(text) > WEBHOOK_URL_MAX) {
        return xasprintf("it is longer than %d bytes", WEBHOOK_URL_MAX);
    }
    for (const char *p = text; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || strchr("\\\"<>^`{|}#", *p)) {
            return xstrdup("it has a character that no URL to be called "
                           "has (a space, a quote, a backslash, '#', ...)");
        }
    }
    if (!strncasecmp(text, "https://", 8)) {
        url->tls = true;
        url->port = 443;
        rest = text + 8;
    } else if (!strncasecmp(text, "http://", 7)) {
        url->port = 80;
        rest = text + 7;
    } else {
        return xstrdup("it begins with neither http:// nor https://");
    }

    len = strcspn(rest, "/?");
    fault = set_authority(url, rest, len);
    if (fault) {
        return fault;
    }
    rest += len;
    url->target = xasprintf("%s%s", *rest == '/' ? "" : "/", rest);
    url->path_len = strcspn(url->target, "?");
    return check_path(url->target, url->path_len);
}

void
webhook_url_uninit(struct webhook_url *url)
{
    free(url->host);
    free(url->target);
}

char *
webhook_url_authority(const struct webhook_url *url)
{
    const char *open = url->is_ipv6 ? "[" : "", *close = *open ? "]" : "";

    return (url->port == (url->tls ? 443 : 80)
            ? xasprintf("%s%s%s", open, url->host, close)
            : xasprintf("%s%s%s:%u", open, url->host, close, url->port));
}

char *
webhook_proxy_check(const char *text)
{
    struct webhook_url url;
    char *fault = webhook_url_parse(&url, text);

    if (!fault && url.tls) {
        fault = xstrdup("a proxy is reached by http:// (https passes through "
                        "it encrypted)");
    }
    if (!fault && strcmp(url.target, "/")) {
        fault = xstrdup("a proxy has neither a path nor a query");
    }
    webhook_url_uninit(&url);
    return fault;
}

/* Addresses of names.  ---------------------------------------------------- */

/* Returns true for addresses of this machine and its links.  'address' is in
 * host byte order. */
static bool
is_local_ipv4(uint32_t address)
{
    return (address >> 24 == 0 || address >> 24 == IN_LOOPBACKNET
            || address >> 16 == 0xa9fe      /* 169.254.0.0/16. */
            || IN_MULTICAST(address) || address == INADDR_BROADCAST);
}

/* Sets '*ipv4', in host byte order, to the IPv4 address that a mapped or
 * compatible address, one of NAT64 (RFC 6052, RFC 8215) or one of 6to4 (RFC
 * 3056) leads to.  Returns false if it is none of these. */
static bool
get_inner_ipv4(const struct in6_addr *address, uint32_t *ipv4)
{
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    static const uint8_t local_nat64[6] = { 0x00, 0x64, 0xff, 0x9b, 0, 1 };
    const uint8_t *b = address->s6_addr;

    if (b[0] == 0x20 && b[1] == 0x02) {
        b += 2;
    } else if (IN6_IS_ADDR_V4MAPPED(address) || IN6_IS_ADDR_V4COMPAT(address)
               || !memcmp(b, nat64, sizeof nat64)
               || !memcmp(b, local_nat64, sizeof local_nat64)) {
        b += 12;
    } else {
        return false;
    }
    *ipv4 = (uint32_t) b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    return true;
}

static bool
is_local_ipv6(const struct in6_addr *address)
{
    return (IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_LOOPBACK(address)
            || IN6_IS_ADDR_LINKLOCAL(address)
            || IN6_IS_ADDR_MULTICAST(address));
}

/* Returns true if an interface of this machine has the address, an IPv4 one if
 * 'address' is NULL; or if that cannot be found out. */
static bool
is_of_interface(const struct in6_addr *address, uint32_t ipv4)
{
    struct ifaddrs *all, *ifa;
    bool found = false;

    if (getifaddrs(&all)) {
        return true;
    }
    for (ifa = all; ifa && !found; ifa = ifa->ifa_next) {
        const struct sockaddr_in6 *sin6 = ALIGNED_CAST(const void *,
                                                       ifa->ifa_addr);
        const struct sockaddr_in *sin = ALIGNED_CAST(const void *,
                                                     ifa->ifa_addr);

        if (ifa->ifa_addr && ifa->ifa_addr->sa_family == AF_INET6) {
            found = address && IN6_ARE_ADDR_EQUAL(&sin6->sin6_addr, address);
        } else if (ifa->ifa_addr && ifa->ifa_addr->sa_family == AF_INET) {
            found = !address && ntohl(sin->sin_addr.s_addr) == ipv4;
        }
    }
    freeifaddrs(all);
    return found;
}

static bool
is_localhost(const char *host)
{
    static const char tail[] = ".localhost";
    size_t len = strlen(host), tail_len = sizeof tail - 1;

    return (!strcmp(host, tail + 1)
            || (len > tail_len && !strcmp(host + len - tail_len, tail)));
}

bool
webhook_url_may_reach(const struct webhook_url *url,
                      const struct sockaddr *address)
{
    const struct sockaddr_in6 *sin6 = ALIGNED_CAST(const void *, address);
    const struct sockaddr_in *sin = ALIGNED_CAST(const void *, address);
    uint32_t ipv4;

    if (url->is_address || is_localhost(url->host)) {
        return true;
    }
    if (address->sa_family == AF_INET) {
        ipv4 = ntohl(sin->sin_addr.s_addr);
    } else if (address->sa_family != AF_INET6) {
        return false;
    } else if (!get_inner_ipv4(&sin6->sin6_addr, &ipv4)) {
        return (!is_local_ipv6(&sin6->sin6_addr)
                && !is_of_interface(&sin6->sin6_addr, 0));
    }
    return !is_local_ipv4(ipv4) && !is_of_interface(NULL, ipv4);
}

/* Prefixes.  -------------------------------------------------------------- */

static char *
add_prefix(struct webhook_allow *allow, const char *text)
{
    struct webhook_url *prefix = &allow->prefixes[allow->n++];
    char *fault = webhook_url_parse(prefix, text);

    if (!fault && prefix->target[prefix->path_len]) {
        fault = xstrdup("a prefix has no query");
    }
    if (fault) {
        char *sentence = xasprintf("\"%s\": %s", text, fault);

        free(fault);
        fault = sentence;
    }
    return fault;
}

char *
webhook_allow_parse(struct webhook_allow *allow, const char *text)
{
    char *copy, *save, *fault = NULL;

    memset(allow, 0, sizeof *allow);
    if (!text) {
        return NULL;
    }
    allow->prefixes = xcalloc(WEBHOOK_ALLOW_MAX, sizeof *allow->prefixes);
    copy = xstrdup(text);
    save = copy;
    while (save && !fault) {
        const char *prefix = strsep(&save, ",");

        fault = (allow->n < WEBHOOK_ALLOW_MAX
                 ? add_prefix(allow, prefix)
                 : xasprintf("there are more than %d", WEBHOOK_ALLOW_MAX));
    }
    free(copy);
    return fault;
}

void
webhook_allow_uninit(struct webhook_allow *allow)
{
    for (size_t i = 0; i < allow->n; i++) {
        webhook_url_uninit(&allow->prefixes[i]);
    }
    free(allow->prefixes);
}

static bool
is_below(const struct webhook_url *prefix, const struct webhook_url *url)
{
    size_t len = prefix->path_len;

    if (prefix->tls != url->tls || prefix->port != url->port
        || prefix->is_ipv6 != url->is_ipv6
        || strcmp(prefix->host, url->host) || url->path_len < len
        || memcmp(prefix->target, url->target, len)) {
        return false;
    }
    return (url->path_len == len || prefix->target[len - 1] == '/'
            || url->target[len] == '/');
}

bool
webhook_allow_matches(const struct webhook_allow *allow,
                      const struct webhook_url *url)
{
    for (size_t i = 0; i < allow->n; i++) {
        if (is_below(&allow->prefixes[i], url)) {
            return true;
        }
    }
    return false;
}
