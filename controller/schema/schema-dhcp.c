/* SPDX-License-Identifier: Apache-2.0
 *
 * The description of vmn_dhcp_options; see schema-dhcp.h. */

#include <config.h>

#include "controller/schema/schema-dhcp.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/value.h"
#include "util.h"

#define YEAR (366 * 24 * 3600)
#define WIDER "the inherited value"

static void
finish_route(void *route_, const json_t *json OVS_UNUSED, const char *pointer,
             struct vmn_errors *errors)
{
    const struct vmn_dhcp_route *route = route_;

    if (route->destination.ip.family != 4) {
        char *where = xasprintf("%s/destination", pointer);

        vmn_errors_add(errors, VMN_ERR_INVALID, where,
                       "must be IPv4: DHCPv6 has no routes");
        free(where);
    }
}

static const struct schema_struct route = {
    .name = "route", .size = sizeof(struct vmn_dhcp_route),
    .fields = FIELDS {
        { .name = "destination", .type = SCHEMA_PREFIX,
          AT(vmn_dhcp_route, destination),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY,
          .doc = "The destination; IPv4." },
        { .name = "via", .type = SCHEMA_IP, AT(vmn_dhcp_route, via),
          .flags = SCHEMA_REQUIRED | SCHEMA_IPV4,
          .doc = "The next hop; IPv4." },
        { .name = NULL },
    },
    .finish = finish_route,
};

/* Options as bytes.  ------------------------------------------------------ */

#define OPTION_BYTES_MAX 255    /* Of the content (RFC 2132, section 2). */
/* Bytes of all options of an object with their heads: a reply of 1,280 bytes,
 * the least MTU, has room for them. */
#define OPTIONS_BYTES_MAX 512

/* Why code 'from' to 'to' is refused: another field sets it, or VMN does. */
static const struct refused_code {
    uint8_t from, to;
    const char *field;          /* NULL: VMN sets it. */
} refused_codes[] = {
    { 1, 1, NULL },             /* Subnet mask. */
    { 3, 3, "gateway" },
    { 6, 6, "dns" },
    { 12, 12, "hostname" },
    { 15, 15, "domain" },
    { 26, 26, "mtu" },
    { 28, 28, NULL },           /* Broadcast address. */
    { 42, 42, "ntp" },
    { 50, 50, NULL },           /* Requested address. */
    { 51, 51, "lease_time" },
    { 52, 59, NULL },           /* Overload, type, server, ..., T2. */
    { 61, 61, NULL },           /* Client identifier. */
    { 66, 66, "boot_server" },
    { 67, 67, "boot_file" },
    { 82, 82, NULL },           /* Of relays. */
    { 90, 90, NULL },           /* Authentication. */
    { 121, 121, "routes" },
    { 249, 249, "routes" },
};

/* Codes from 'from' to 'to' whose content has 'size' bytes, or a multiple of
 * it (RFC 2132). */
static const struct code_size {
    uint8_t from, to, size;
    bool several;
} code_sizes[] = {
    { 2, 2, 4, false }, { 4, 5, 4, true }, { 7, 11, 4, true },
    { 13, 13, 2, false }, { 16, 16, 4, false }, { 19, 20, 1, false },
    { 21, 21, 8, true }, { 22, 22, 2, false }, { 23, 23, 1, false },
    { 24, 24, 4, false }, { 25, 25, 2, true }, { 27, 27, 1, false },
    { 29, 31, 1, false }, { 32, 32, 4, false }, { 33, 33, 8, true },
    { 34, 34, 1, false }, { 35, 35, 4, false }, { 36, 37, 1, false },
    { 38, 38, 4, false }, { 39, 39, 1, false }, { 41, 41, 4, true },
    { 44, 45, 4, true }, { 46, 46, 1, false }, { 48, 49, 4, true },
    { 65, 65, 4, true }, { 69, 76, 4, true }, { 116, 116, 1, false },
    { 150, 150, 4, true },
};

/* Reports that the code is one of 'refused_codes'. */
static void
check_code(uint32_t code, const char *pointer, struct vmn_errors *errors)
{
    char *where = xasprintf("%s/code", pointer);

    for (size_t i = 0; i < ARRAY_SIZE(refused_codes); i++) {
        const struct refused_code *refused = &refused_codes[i];

        if (code < refused->from || code > refused->to) {
            continue;
        }
        if (refused->field) {
            vmn_errors_add(errors, VMN_ERR_INVALID, where, "option %"PRIu32
                           " is set by a field of its own: `%s`", code,
                           refused->field);
        } else {
            vmn_errors_add(errors, VMN_ERR_INVALID, where, "option %"PRIu32
                           " is set by VMN itself", code);
        }
    }
    free(where);
}

static void
check_size(uint32_t code, size_t size, const char *pointer,
           struct vmn_errors *errors)
{
    for (size_t i = 0; i < ARRAY_SIZE(code_sizes); i++) {
        const struct code_size *known = &code_sizes[i];
        bool fits = (known->several ? size && size % known->size == 0
                     : size == known->size);

        if (code >= known->from && code <= known->to && !fits) {
            vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "option %"PRIu32
                           " has %s%u bytes, not %"PRIuSIZE, code,
                           known->several ? "a multiple of " : "",
                           known->size, size);
        }
    }
}

static void
finish_option(void *option_, const json_t *json OVS_UNUSED,
              const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_dhcp_option *option = option_;
    char *where = xasprintf("%s/hex", pointer);
    size_t len = strlen(option->hex);

    check_code(option->code, pointer, errors);
    if (len % 2 || strspn(option->hex, "0123456789abcdefABCDEF") != len) {
        vmn_errors_add(errors, VMN_ERR_INVALID, where,
                       "must be pairs of hexadecimal digits");
    } else {
        check_size(option->code, len / 2, where, errors);
    }
    free(where);
}

static const struct schema_struct option = {
    .name = "option", .size = sizeof(struct vmn_dhcp_option),
    .fields = FIELDS {
        { .name = "code", .type = SCHEMA_U32, AT(vmn_dhcp_option, code),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY, .min = 1, .max = 254,
          .doc = "The option's code (RFC 2132)." },
        { .name = "hex", .type = SCHEMA_STRING, AT(vmn_dhcp_option, hex),
          .flags = SCHEMA_REQUIRED, .max = 2 * OPTION_BYTES_MAX,
          .doc = "Its content as hexadecimal digits: 1 to 255 bytes." },
        { .name = NULL },
    },
    .finish = finish_option,
};

static void
finish_options(void *options_, const json_t *json OVS_UNUSED,
               const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_dhcp_options *options = options_;
    size_t size = 0;

    for (size_t i = 0; i < options->n_options; i++) {
        size += 2 + strlen(options->options[i].hex) / 2;
    }
    if (size > OPTIONS_BYTES_MAX) {
        char *where = xasprintf("%s/options", pointer);

        vmn_errors_add(errors, VMN_ERR_INVALID, where,
                       "options have %"PRIuSIZE" bytes (at most %d)", size,
                       OPTIONS_BYTES_MAX);
        free(where);
    }
}

#define OPTIONS                                                             \
    { .name = "lease_time", .type = SCHEMA_U32,                             \
      AT(vmn_dhcp_options, lease_time), .flags = SCHEMA_HIDE_DEFAULT,       \
      .min = 60, .max = YEAR,                                               \
      .doc = "The lease time, in seconds; 86400 if set nowhere." },         \
    { .name = "dns", .type = SCHEMA_IP, .flags = SCHEMA_LIST,               \
      LIST_AT(vmn_dhcp_options, dns), .min_items = 1, .max_items = 8,       \
      .absent = WIDER,                                                      \
      .doc = "DNS servers, of both families, in order of preference." },    \
    { .name = "domain", .type = SCHEMA_STRING,                              \
      AT(vmn_dhcp_options, domain), .max = VALUE_DOMAIN_LEN,                \
      .check = value_check_domain, .doc = "The domain of clients." },       \
    { .name = "search", .type = SCHEMA_STRING, .flags = SCHEMA_LIST,        \
      LIST_AT(vmn_dhcp_options, search), .min_items = 1, .max_items = 8,    \
      .max = VALUE_DOMAIN_LEN, .check = value_check_domain,                 \
      .absent = WIDER,                                                      \
      .doc = "The search list of domains; `domain` if set nowhere." },      \
    { .name = "ntp", .type = SCHEMA_IP, .flags = SCHEMA_LIST,               \
      LIST_AT(vmn_dhcp_options, ntp), .min_items = 1, .max_items = 8,       \
      .absent = WIDER, .doc = "NTP servers, of both families." },           \
    { .name = "routes", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,         \
      LIST_AT(vmn_dhcp_options, routes), .min_items = 1, .max_items = 32,   \
      .absent = WIDER, .nested = &route,                                    \
      .doc = "Classless static routes, by DHCPv4 (RFC 3442)." },            \
    { .name = "boot_server", .type = SCHEMA_IP,                             \
      AT(vmn_dhcp_options, boot_server), .flags = SCHEMA_IPV4,              \
      .doc = "The server that a client boots from (PXE); IPv4." },          \
    { .name = "boot_file", .type = SCHEMA_STRING,                           \
      AT(vmn_dhcp_options, boot_file), .max = 255,                          \
      .doc = "The boot file there: a path, or a URL." },                    \
    { .name = "options", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,        \
      LIST_AT(vmn_dhcp_options, options), .min_items = 1, .max_items = 64,  \
      .absent = WIDER, .nested = &option,                                   \
      .doc = "Other DHCPv4 options, as code and bytes; sent to all "        \
             "clients." }

const struct schema_struct schema_dhcp_options = {
    .name = "dhcp_options", .size = sizeof(struct vmn_dhcp_options),
    .fields = FIELDS {
        OPTIONS,
        { .name = NULL },
    },
    .finish = finish_options,
};

const struct schema_struct schema_port_dhcp_options = {
    .name = "dhcp_options", .size = sizeof(struct vmn_dhcp_options),
    .fields = FIELDS {
        OPTIONS,
        { .name = "hostname", .type = SCHEMA_STRING,
          AT(vmn_dhcp_options, hostname), .max = VALUE_DOMAIN_LEN,
          .check = value_check_domain,
          .doc = "Its host name; the port's name when absent." },
        { .name = NULL },
    },
    .finish = finish_options,
};
