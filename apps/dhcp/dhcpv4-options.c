/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the options of DHCPv4 replies, such as routers, resolvers, routes and
 * PXE's boot server and file: RFC 2132; RFC 3397 (search list), 3442 (routes).
 * Not for the values that a port gets (dhcp-options.c), nor for which message
 * is sent (dhcpv4.c). */

#include "dhcpv4-options.h"

#include <arpa/inet.h>

static void
put_ips(struct vmn_bytes *b, uint8_t code, const struct vmn_ip *ips, size_t n)
{
    uint8_t data[64];
    struct vmn_bytes list = vmn_bytes(data, sizeof data);

    for (size_t i = 0; i < n; i++) {
        if (ips[i].family == 4) {
            vmn_put_ip(&list, &ips[i]);
        }
    }
    if (list.size) {
        vmn_dhcp4_put(b, code, data, list.size);
    }
}

static void
put_text(struct vmn_bytes *b, uint8_t code, const char *text)
{
    if (text) {
        vmn_dhcp4_put(b, code, text, strlen(text));
    }
}

static void
put_u16(struct vmn_bytes *b, uint8_t code, uint16_t value)
{
    value = htons(value);
    vmn_dhcp4_put(b, code, &value, sizeof value);
}

void
dhcpv4_put_u32(struct vmn_bytes *b, uint8_t code, uint32_t value)
{
    value = htonl(value);
    vmn_dhcp4_put(b, code, &value, sizeof value);
}

/* Appends a subnet's mask, or its broadcast address. */
static void
put_of_cidr(struct vmn_bytes *b, uint8_t code, const struct vmn_prefix *cidr)
{
    uint32_t mask = cidr->len ? UINT32_MAX << (32 - cidr->len) : 0;
    uint32_t first;

    memcpy(&first, cidr->ip.addr, sizeof first);
    dhcpv4_put_u32(b, code, code == OPTION_MASK ? mask : ntohl(first) | ~mask);
}

/* As a gateway, "0.0.0.0" means the link itself (RFC 3442). */
static const struct vmn_ip on_link = { .family = 4 };

static void
put_route(struct vmn_bytes *b, const struct vmn_prefix *to,
          const struct vmn_ip *via)
{
    vmn_put_u8(b, to->len);
    vmn_put(b, to->ip.addr, (to->len + 7) / 8);
    vmn_put_ip(b, via);
}

/* Appends the route to where guests are told who they are, which is on the
 * link, unless they are told another one. */
static void
put_metadata(struct vmn_bytes *b, const struct vmn_dhcp_options *options)
{
    static const struct vmn_prefix server = { { 4, { 169, 254, 169, 254 } },
                                              32 };

    for (size_t i = 0; i < options->n_routes; i++) {
        const struct vmn_prefix *to
            = &vmn_dhcp_route_at(options, i)->destination;

        if (to->len == server.len && vmn_ip_equal(&to->ip, &server.ip)) {
            return;
        }
    }
    put_route(b, &server, &on_link);
}

/* Appends routes to resolvers with link-local addresses, for clients without
 * another route to them. */
static void
put_link_local(struct vmn_bytes *b, const struct vmn_dhcp_options *options)
{
    for (size_t i = 0; i < options->n_dns; i++) {
        const struct vmn_ip *ip = &options->dns[i];

        if (ip->family == 4 && ip->addr[0] == 169 && ip->addr[1] == 254) {
            put_route(b, &(struct vmn_prefix) { *ip, 32 }, &on_link);
        }
    }
}

/* Appends classless static routes.  A client that accepts these ignores the
 * router option, so the default route is among them (RFC 3442). */
static void
put_routes(struct vmn_bytes *b, uint8_t code, const struct dhcpv4_values *ctx)
{
    static const struct vmn_prefix everything = { { .family = 4 }, 0 };
    uint8_t data[42 * 9];       /* 32 routes, 8 resolvers, and two more. */
    struct vmn_bytes list = vmn_bytes(data, sizeof data);
    bool have_default = false;

    for (size_t i = 0; i < ctx->options.n_routes; i++) {
        const struct vmn_dhcp_route *route
            = vmn_dhcp_route_at(&ctx->options, i);

        have_default |= !route->destination.len;
        put_route(&list, &route->destination, &route->via);
    }
    if (ctx->has_metadata) {
        put_metadata(&list, &ctx->options);
    }
    if (!ctx->subnet->gateway.family && !have_default) {
        put_link_local(&list, &ctx->options);
    } else if (list.size && !have_default) {
        put_route(&list, &everything, &ctx->subnet->gateway);
    }
    if (list.size && !list.full) {
        vmn_dhcp4_put(b, code, data, list.size);
    }
}

static void
put_search(struct vmn_bytes *b, const struct vmn_dhcp_options *options)
{
    uint8_t data[1024];
    struct vmn_bytes list = vmn_bytes(data, sizeof data);

    for (size_t i = 0; i < options->n_search; i++) {
        vmn_put_name(&list, options->search[i]);
    }
    if (list.size) {
        vmn_dhcp4_put(b, OPTION_SEARCH, data, list.size);
    }
}

static void
put_boot_server(struct vmn_bytes *b, const struct vmn_ip *ip)
{
    char text[INET_ADDRSTRLEN];

    if (ip->family && inet_ntop(AF_INET, ip->addr, text, sizeof text)) {
        put_text(b, OPTION_TFTP_SERVER, text);
    }
}

/* Appends option 'code', if it has a value. */
static void
put_option(struct vmn_bytes *b, uint8_t code, const struct dhcpv4_values *ctx)
{
    const struct vmn_dhcp_options *options = &ctx->options;

    switch (code) {
    case OPTION_MASK:
    case OPTION_BROADCAST:
        put_of_cidr(b, code, &ctx->subnet->cidr);
        break;
    case OPTION_ROUTER:
        put_ips(b, code, &ctx->subnet->gateway, 1);
        break;
    case OPTION_DNS: put_ips(b, code, options->dns, options->n_dns); break;
    case OPTION_NTP: put_ips(b, code, options->ntp, options->n_ntp); break;
    case OPTION_HOSTNAME: put_text(b, code, options->hostname); break;
    case OPTION_DOMAIN: put_text(b, code, options->domain); break;
    case OPTION_MTU: put_u16(b, code, ctx->mtu); break;
    case OPTION_TFTP_SERVER: put_boot_server(b, &options->boot_server); break;
    case OPTION_BOOT_FILE: put_text(b, code, options->boot_file); break;
    case OPTION_SEARCH: put_search(b, options); break;
    case OPTION_ROUTES:
    case OPTION_ROUTES_MS: put_routes(b, code, ctx); break;
    default: break;
    }
}

static uint8_t
hexit(char digit)
{
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

static bool
is_configured(const struct vmn_dhcp_options *options, uint8_t code)
{
    for (size_t i = 0; i < options->n_options; i++) {
        if (vmn_dhcp_option_at(options, i)->code == code) {
            return true;
        }
    }
    return false;
}

/* Appends the options that are configured as bytes. */
static void
put_configured(struct vmn_bytes *b, const struct vmn_dhcp_options *options)
{
    for (size_t i = 0; i < options->n_options; i++) {
        const struct vmn_dhcp_option *option = vmn_dhcp_option_at(options, i);
        uint8_t data[255];
        size_t size = strlen(option->hex) / 2;

        for (size_t j = 0; j < size && j < sizeof data; j++) {
            data[j] = hexit(option->hex[2 * j]) << 4
                      | hexit(option->hex[2 * j + 1]);
        }
        vmn_dhcp4_put(b, (uint8_t) option->code, data,
                      size < sizeof data ? size : sizeof data);
    }
}

/* Appends what a client that boots needs without a request: firmware that
 * boots by HTTP ignores servers of another class (UEFI, section 24.7.3), and
 * the header has no room for a long name. */
static void
put_boot(struct vmn_bytes *b, const struct vmn_dhcp4 *dhcp,
         const struct vmn_dhcp_options *options, bool has_file)
{
    char class[sizeof HTTP_CLIENT - 1];
    const char *file = options->boot_file;

    if (dhcp_is_http(file) && !is_configured(options, OPTION_CLASS)
        && vmn_dhcp4_get(dhcp, OPTION_CLASS, (uint8_t *) class,
                         sizeof class) >= (int) sizeof class
        && !memcmp(class, HTTP_CLIENT, sizeof class)) {
        vmn_dhcp4_put(b, OPTION_CLASS, HTTP_CLIENT, sizeof class);
    }
    if (file && strlen(file) > VMN_DHCP4_FILE_MAX && !has_file) {
        put_text(b, OPTION_BOOT_FILE, file);
    }
}

void
dhcpv4_put_requested(struct vmn_bytes *b, const struct vmn_dhcp4 *dhcp,
                     const struct dhcpv4_values *ctx)
{
    static const uint8_t usual[] = {
        OPTION_MASK, OPTION_ROUTER, OPTION_DNS, OPTION_HOSTNAME,
        OPTION_DOMAIN, OPTION_MTU, OPTION_NTP, OPTION_SEARCH, OPTION_ROUTES,
    };
    uint8_t list[255];
    const uint8_t *wanted = list;
    bool done[256] = { false };
    int n = vmn_dhcp4_get(dhcp, OPTION_PARAMETER_LIST, list, sizeof list);

    if (n < 0) {
        wanted = usual;
        n = sizeof usual;
    } else if (n > (int) sizeof list) {
        n = sizeof list;
    }
    if (memchr(wanted, OPTION_MASK, n)) {
        put_option(b, OPTION_MASK, ctx);
        done[OPTION_MASK] = true;
    }
    for (int i = 0; i < n; i++) {
        if (!done[wanted[i]] && !is_configured(&ctx->options, wanted[i])) {
            done[wanted[i]] = true;
            put_option(b, wanted[i], ctx);
        }
    }
    put_boot(b, dhcp, &ctx->options, done[OPTION_BOOT_FILE]);
    put_configured(b, &ctx->options);
}
