/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS zones and their records; see schema.h. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/value.h"
#include "util.h"
#include "vmn/dns.h"

static bool
is_name(const char *text)
{
    return !value_check_lower_domain(text, NULL);
}

/* Returns true if 'text' is an address of 'family' (0: of any). */
static bool
is_address(const char *text, uint8_t family)
{
    struct vmn_ip ip;

    return (!value_parse_ip(text, &ip, NULL)
            && (!family || ip.family == family));
}

/* Returns true for "PRIORITY WEIGHT PORT NAME", separated by single spaces. */
static bool
is_service(const char *text)
{
    unsigned priority, weight, port;
    char rest[VALUE_DOMAIN_LEN + 2];
    char *again;
    bool ok;

    if (sscanf(text, "%5u %5u %5u %254s", &priority, &weight, &port, rest)
        != 4) {
        return false;
    }
    again = xasprintf("%u %u %u %s", priority, weight, port, rest);
    ok = (!strcmp(again, text) && priority <= UINT16_MAX
          && weight <= UINT16_MAX && port <= UINT16_MAX && is_name(rest));
    free(again);
    return ok;
}

static const struct {
    const char *what;
    bool one;                   /* A name can have only one. */
} types[] = {
    [VMN_DNS_TYPE_A] = { "an IPv4 address", false },
    [VMN_DNS_TYPE_AAAA] = { "an IPv6 address", false },
    [VMN_DNS_TYPE_CNAME] = { "a fully qualified name, in lower case", true },
    [VMN_DNS_TYPE_SRV] = { "\"PRIORITY WEIGHT PORT NAME\"", false },
    [VMN_DNS_TYPE_PTR] = { "a fully qualified name, in lower case", false },
};

static bool
is_value(enum vmn_dns_type type, const char *value)
{
    switch (type) {
    case VMN_DNS_TYPE_A: return is_address(value, 4);
    case VMN_DNS_TYPE_AAAA: return is_address(value, 6);
    case VMN_DNS_TYPE_SRV: return is_service(value);
    case VMN_DNS_TYPE_CNAME:
    case VMN_DNS_TYPE_PTR:
    default: return is_name(value);
    }
}

static void
finish_dns_record(void *record_, const json_t *json OVS_UNUSED,
                         const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_dns_record *record = record_;

    if (record->type == VMN_DNS_TYPE_PTR) {
        if (!is_address(record->name, 0)) {
            add_error(errors, pointer, "name",
                      "must be an address: the one whose name the record "
                      "gives");
        }
    } else if (strcmp(record->name, "@") && !is_name(record->name)) {
        add_error(errors, pointer, "name", "must be \"@\" or a name, in lower "
                                           "case, without the zone's domain");
    }
    for (size_t i = 0; i < record->n_values; i++) {
        if (!is_value(record->type, record->values[i])) {
            char *field = xasprintf("values/%"PRIuSIZE, i);

            add_error(errors, pointer, field, "must be %s",
                      types[record->type].what);
            free(field);
        }
    }
    if (types[record->type].one && record->n_values > 1) {
        add_error(errors, pointer, "values", "must be one");
    }
}

/* So names below a name are found next to it; those of PTR records are
 * addresses. */
static int
compare_dns_records(const void *a_, const void *b_)
{
    const struct vmn_dns_record *a = a_, *b = b_;
    int cmp = ((a->type == VMN_DNS_TYPE_PTR)
               - (b->type == VMN_DNS_TYPE_PTR));

    return (cmp || !a->name || !b->name ? cmp
            : vmn_dns_compare_names(a->name, b->name));
}

/* Checks two records, 'b' right after 'a'.  Records are sorted by name, then
 * type, so a CNAME is next to whatever else its name has. */
static void
check_neighbours(const struct vmn_dns_record *a,
                 const struct vmn_dns_record *b, const char *pointer,
                 struct vmn_errors *errors)
{
    if (strcmp(a->name, b->name)) {
        return;
    } else if (a->type == b->type) {
        add_error(errors, pointer, "records",
                  "must name \"%s\" once for each type", a->name);
    } else if (a->type == VMN_DNS_TYPE_CNAME
               || b->type == VMN_DNS_TYPE_CNAME) {
        add_error(errors, pointer, "records",
                  "\"%s\" has a CNAME, so it can have nothing else "
                  "(RFC 1034, section 3.6.2)", a->name);
    }
}

/* Checks the records, which are sorted by name, then type. */
static void
finish_dns_zone(void *zone_, const json_t *json OVS_UNUSED,
                       const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_dns_zone *zone = zone_;

    for (size_t i = 0; i < zone->n_records; i++) {
        const struct vmn_dns_record *a = &zone->records[i];

        if (a->type != VMN_DNS_TYPE_PTR
            && strlen(a->name) + 1 + strlen(zone->domain)
               > VALUE_DOMAIN_LEN) {
            add_error(errors, pointer, "records",
                      "\"%s\" is too long with the zone's domain", a->name);
        }
        if (i) {
            check_neighbours(a - 1, a, pointer, errors);
        }
    }
}

static const struct schema_struct dns_record = {
    .name = "record", .size = sizeof(struct vmn_dns_record),
    .fields = FIELDS {
        { .name = "name", .type = SCHEMA_STRING, AT(vmn_dns_record, name),
          .flags = SCHEMA_REQUIRED, .max = VALUE_DOMAIN_LEN,
          .doc = "A name in the zone, \"@\" for the zone itself; of PTR an "
                 "address." },
        { .name = "type", .type = SCHEMA_ENUM, AT(vmn_dns_record, type),
          .flags = SCHEMA_REQUIRED,
          .names = NAMES("A", "AAAA", "CNAME", "SRV", "PTR"),
          .doc = "The type of the record." },
        { .name = "ttl", .type = SCHEMA_U32, AT(vmn_dns_record, ttl),
          .flags = SCHEMA_HIDE_DEFAULT, .max = 604800,
          .doc = "Its TTL, in seconds; the zone's when absent." },
        { .name = "values", .type = SCHEMA_STRING, .flags = SCHEMA_LIST
          | SCHEMA_REQUIRED, LIST_AT(vmn_dns_record, values),
          .min_items = 1, .max_items = 64, .max = 512,
          .doc = "Addresses, a fully qualified name, or \"PRIORITY WEIGHT "
                 "PORT NAME\"." },
        { .name = NULL },
    },
    .finish = finish_dns_record,
    .compare = compare_dns_records,
};

static const struct schema_field fields[] = {
    COMMON(vmn_dns_zone),
    { .name = "domain", .type = SCHEMA_STRING, AT(vmn_dns_zone, domain),
      .flags = SCHEMA_NAME_DEFAULT, .max = VALUE_DOMAIN_LEN,
      .check = value_check_lower_domain,
      .doc = "The domain; the zone's own name when absent." },
    { .name = "networks", .type = SCHEMA_REF,
      .flags = SCHEMA_SET | SCHEMA_REQUIRED, LIST_AT(vmn_dns_zone, networks),
      .min_items = 1, .max_items = 1000, .ref = VMN_TABLE_NETWORK,
      .reach = SCHEMA_ACTS,
      .doc = "The networks whose ports it answers." },
    { .name = "ports", .type = SCHEMA_BOOL, AT(vmn_dns_zone, ports),
      .def = true,
      .doc = "Whether ports and balancers of these networks have records in "
             "it, by their own names." },
    { .name = "ttl", .type = SCHEMA_U32, AT(vmn_dns_zone, ttl), .min = 1,
      .max = 604800, .def = 30,
      .doc = "The TTL of answers, in seconds." },
    { .name = "records", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
      LIST_AT(vmn_dns_zone, records), .max_items = 10000,
      .nested = &dns_record, .doc = "Other names." },
    { .name = NULL },
};

static const struct schema_column columns[] = {
    { .heading = "NAME", .path = "/name" },
    { .heading = "DOMAIN", .path = "/spec/domain" },
    { .heading = "NETWORKS", .path = "/spec/networks" },
    { .heading = "PORTS", .path = "/spec/ports" },
    { .heading = "RECORDS", .path = "/spec/records/*/name", .wide = true },
    { .heading = "DESCRIPTION", .path = "/spec/description", .wide = true },
    { .heading = NULL },
};

static const struct schema_example examples[] = {
    EXAMPLE("shop.internal", {
        "networks": ["shop"],
        "records": [{"name": "db", "type": "CNAME",
                     "values": ["db-1.shop.internal"]}]}),
    { .name = NULL },
};

const struct schema_table schema_dns_zone = {
    .id = VMN_TABLE_DNS_ZONE, .row_type = VMN_ROW_DNS_ZONE,
    .plural = "dns-zones",
    .singular = "dns-zone", .kind = "DnsZone", .stored = true,
    .max_rows = 1000, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .examples = examples,
    .doc = "Names for the ports of some networks, and of others.",
    .columns = columns,
    .row = {
        .name = "dns-zone", .size = sizeof(struct vmn_dns_zone),
        .fields = fields,
        .finish = finish_dns_zone,
    },
};
