/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks and their subnets; see schema.h. */

#include <config.h>

#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-dhcp.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "sset.h"
#include "util.h"

#define IPV6_MTU_MIN 1280

static void
finish_ip_range(void *range_, const json_t *json OVS_UNUSED,
                       const char *pointer, struct vmn_errors *errors)
{
    struct vmn_ip_range *range = range_;

    if (!range->end.family) {
        range->end = range->start;
    } else if (range->end.family != range->start.family) {
        add_error(errors, pointer, "end",
                  "must be of the family of \"start\"");
    } else if (memcmp(&range->end, &range->start, sizeof range->end) < 0) {
        add_error(errors, pointer, "end", "must not come before \"start\"");
    }
}

static const struct schema_struct ip_range = {
    .name = "range", .size = sizeof(struct vmn_ip_range),
    .fields = FIELDS {
        { .name = "start", .type = SCHEMA_IP, AT(vmn_ip_range, start),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY,
          .doc = "The first address." },
        { .name = "end", .type = SCHEMA_IP, AT(vmn_ip_range, end),
          .doc = "The last one; the first when absent." },
        { .name = NULL },
    },
    .finish = finish_ip_range,
};

static const struct schema_struct reservation = {
    .name = "reservation", .size = sizeof(struct vmn_reservation),
    .fields = FIELDS {
        { .name = "ip", .type = SCHEMA_IP, AT(vmn_reservation, ip),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY | SCHEMA_UNSERVED,
          .doc = "The address." },
        { .name = "port", .type = SCHEMA_STRING, AT(vmn_reservation, port),
          .flags = SCHEMA_REQUIRED, .max = VMN_NAME_LEN,
          .check = value_check_name,
          .doc = "The name of the port that it is for, which need not exist "
                 "yet." },
        { .name = NULL },
    },
};

/* Checks a subnet's prefix.  A prefix of "/8" or longer is within one class of
 * addresses; in IPv6, all that begins with 0 has other uses.  Ports are
 * assigned addresses from it, which must be unicast. */
static void
check_subnet_cidr(const struct vmn_prefix *cidr, const char *pointer,
                  struct vmn_errors *errors)
{
    bool v6 = cidr->ip.family == 6;

    if (cidr->len < 8 || cidr->len > (v6 ? 127 : 31)) {
        add_error(errors, pointer, "cidr",
                  v6 ? "must have a length from \"/8\" to \"/127\""
                  : "must have a length from \"/8\" to \"/31\"");
    } else if (v6 ? !cidr->ip.addr[0] || cidr->ip.addr[0] == 0xff
               : !value_ip_is_unicast(&cidr->ip)) {
        add_error(errors, pointer, "cidr",
                  "must be a prefix of unicast addresses");
    } else if (!v6 && cidr->ip.addr[0] == 127) {
        add_error(errors, pointer, "cidr",
                  "must not have loopback addresses (127.0.0.0/8)");
    } else if (v6 && cidr->ip.addr[0] == 0xfe
               && (cidr->len < 10 || (cidr->ip.addr[1] & 0xc0) == 0x80)) {
        add_error(errors, pointer, "cidr",
                  "must not have link-local addresses (fe80::/10): each port "
                  "with IPv6 has one by itself");
    }
}

static void
check_subnet_dhcp(const struct vmn_subnet *subnet, const char *pointer,
                  struct vmn_errors *errors)
{
    const struct vmn_ip *ip = &subnet->cidr.ip;

    if (subnet->slaac && (ip->family != 6 || subnet->cidr.len != 64)) {
        add_error(errors, pointer, "slaac",
                  "is only for subnets of IPv6 with a length of \"/64\"");
    }
    if (subnet->slaac && subnet->n_pools) {
        add_error(errors, pointer, "pools",
                  "cannot be combined with \"slaac\": addresses follow from "
                  "MACs");
    }
    if (subnet->dhcp && ip->family == 4 && ip->addr[0] == 169
        && ip->addr[1] == 254) {
        add_error(errors, pointer, "dhcp",
                  "is not for link-local addresses (169.254.0.0/16): the "
                  "server itself has one");
    }
}

/* Checks for overlaps of ranges, which are sorted by their start. */
static void
check_ranges(const struct vmn_subnet *subnet, const char *name,
             const struct vmn_ip_range *ranges, size_t n,
             const char *pointer, struct vmn_errors *errors)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t index;

        if (!value_prefix_contains(&subnet->cidr, &ranges[i].start)
            || !value_prefix_contains(&subnet->cidr, &ranges[i].end)) {
            add_error(errors, pointer, name,
                      "must have addresses of the subnet only");
            return;
        } else if (!value_prefix_index(&subnet->cidr, &ranges[i].end,
                                       &index)) {
            add_error(errors, pointer, name,
                      "must be among the first 2^63 addresses of the subnet");
            return;
        } else if (i && memcmp(&ranges[i].start, &ranges[i - 1].end,
                               sizeof ranges[i].start) <= 0) {
            add_error(errors, pointer, name,
                      "must not have ranges that overlap");
            return;
        }
    }
}

static void
check_reservations(const struct vmn_subnet *subnet, const char *pointer,
                   struct vmn_errors *errors)
{
    struct sset ports = SSET_INITIALIZER(&ports);

    for (size_t i = 0; i < subnet->n_reservations; i++) {
        const struct vmn_reservation *r = &subnet->reservations[i];
        char buf[VALUE_IP_SIZE];

        value_format_ip(&r->ip, buf);
        if (!value_prefix_contains(&subnet->cidr, &r->ip)) {
            add_error(errors, pointer, "reservations",
                      "%s is no address of the subnet", buf);
        } else if (value_prefix_is_reserved(&subnet->cidr, &r->ip)
                   || !memcmp(&r->ip, &subnet->gateway, sizeof r->ip)) {
            add_error(errors, pointer, "reservations",
                      "%s cannot be an address of a port", buf);
        } else if (!sset_add(&ports, r->port)) {
            add_error(errors, pointer, "reservations",
                      "port \"%s\" has two addresses of one subnet", r->port);
        }
    }
    sset_destroy(&ports);
}

static void
finish_subnet(void *subnet_, const json_t *json OVS_UNUSED,
                     const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_subnet *subnet = subnet_;

    check_subnet_cidr(&subnet->cidr, pointer, errors);
    check_ranges(subnet, "pools", subnet->pools, subnet->n_pools, pointer,
                 errors);
    check_ranges(subnet, "exclude", subnet->exclude, subnet->n_exclude,
                 pointer, errors);
    check_reservations(subnet, pointer, errors);
    check_subnet_dhcp(subnet, pointer, errors);
    if (!subnet->gateway.family) {
        return;
    }
    if (!value_prefix_contains(&subnet->cidr, &subnet->gateway)) {
        add_error(errors, pointer, "gateway",
                  "must be an address of the subnet");
    } else if (subnet->cidr.ip.family == 4
               && value_prefix_is_reserved(&subnet->cidr, &subnet->gateway)) {
        add_error(errors, pointer, "gateway",
                  "must not be the subnet's first or last address");
    }
}

static const struct schema_struct subnet = {
    .name = "subnet", .size = sizeof(struct vmn_subnet),
    .fields = FIELDS {
        { .name = "cidr", .type = SCHEMA_PREFIX, AT(vmn_subnet, cidr),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY,
          .doc = "The addresses, as a prefix." },
        { .name = "gateway", .type = SCHEMA_IP, AT(vmn_subnet, gateway),
          .flags = SCHEMA_UNSERVED,
          .doc = "An address that is never allocated." },
        { .name = "pools", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
          LIST_AT(vmn_subnet, pools), .min_items = 1, .max_items = 64,
          .absent = "all addresses", .nested = &ip_range,
          .doc = "What is allocated to ports that request no address; all of "
                 "the subnet when absent." },
        { .name = "exclude", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
          LIST_AT(vmn_subnet, exclude), .max_items = 64,
          .nested = &ip_range,
          .doc = "Addresses that are not allocated automatically. Ports may "
                 "still request them." },
        { .name = "reservations", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
          LIST_AT(vmn_subnet, reservations), .max_items = 1024,
          .nested = &reservation,
          .doc = "Addresses reserved for ports, by name." },
        { .name = "dhcp", .type = SCHEMA_BOOL, AT(vmn_subnet, dhcp),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether ports get their addresses of it by DHCP (DHCPv6)." },
        { .name = "slaac", .type = SCHEMA_BOOL, AT(vmn_subnet, slaac),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether ports configure the address that follows from their "
                 "MAC themselves (SLAAC; IPv6, `/64`)." },
        { .name = "dhcp_options", .type = SCHEMA_STRUCT,
          AT(vmn_subnet, dhcp_options), .nested = &schema_dhcp_options,
          .doc = "DHCP options of ports in it, which override those of the "
                 "network." },
        { .name = NULL },
    },
    .finish = finish_subnet,
};

static const struct schema_struct provider = {
    .name = "provider", .size = sizeof(struct vmn_provider),
    .fields = FIELDS {
        { .name = "physical", .type = SCHEMA_STRING,
          AT(vmn_provider, physical), .flags = SCHEMA_REQUIRED,
          .max = VALUE_PHYSICAL_LEN, .check = value_check_physical,
          .doc = "The physical network, as hosts name it in "
                 "`provider_bridges`." },
        { .name = "vlan", .type = SCHEMA_U32, AT(vmn_provider, vlan),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 4094,
          .doc = "Its VLAN there; untagged when absent." },
        { .name = NULL },
    },
};

static void
finish_network(void *network_, const json_t *json OVS_UNUSED,
                      const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_network *network = network_;

    for (size_t i = 0; i < network->n_subnets; i++) {
        if (network->subnets[i].cidr.ip.family == 6
            && network->mtu && network->mtu < IPV6_MTU_MIN) {
            add_error(errors, pointer, "mtu",
                      "must be at least 1280 in a network with IPv6 (RFC "
                      "8200, section 5)");
            break;
        }
    }

    /* Subnets are sorted, so only neighbours can overlap. */
    for (size_t i = 1; i < network->n_subnets; i++) {
        const struct vmn_prefix *a = &network->subnets[i - 1].cidr;
        const struct vmn_prefix *b = &network->subnets[i].cidr;

        if (value_prefix_overlaps(a, b)) {
            char buf_a[VALUE_PREFIX_SIZE], buf_b[VALUE_PREFIX_SIZE];

            add_error(errors, pointer, "subnets",
                      "must not overlap: %s and %s do",
                      value_format_prefix(a, buf_a),
                      value_format_prefix(b, buf_b));
        }
    }
}

static const struct schema_example examples[] = {
    EXAMPLE("shop", {
        "subnets": [{"cidr": "10.0.0.0/24", "gateway": "10.0.0.1",
                     "dhcp": true}],
        "dhcp_options": {"dns": ["10.0.0.53"]}, "default": "deny"}),
    EXAMPLE("internet", {
        "provider": {"physical": "dc", "vlan": 7},
        "subnets": [{"cidr": "198.51.100.0/24",
                     "gateway": "198.51.100.1"}]}),
    { .name = NULL },
};

const struct schema_table schema_network = {
    .id = VMN_TABLE_NETWORK, .row_type = VMN_ROW_NETWORK,
    .plural = "networks",
    .singular = "network", .kind = "Network", .stored = true,
    .max_rows = 20000, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .examples = examples,
    .doc = "An isolated layer-2 segment.",
    .status = &schema_status_network,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "VNI", .path = "/status/vni" },
        { .heading = "SUBNETS", .path = "/spec/subnets" },
        { .heading = "FREE", .path = "/status/subnets/*/free" },
        { .heading = "DEFAULT", .path = "/spec/default" },
        { .heading = "MTU", .path = "/status/mtu", .wide = true },
        { .heading = "ISOLATION", .path = "/spec/isolation", .wide = true },
        { .heading = NULL },
    },
    .row = {
        .name = "network", .size = sizeof(struct vmn_network),
        .fields = FIELDS {
            COMMON(vmn_network),
            { .name = "vni", .type = SCHEMA_U32, .flags = SCHEMA_ASSIGNED,
              AT(vmn_network, want_vni), ASSIGNED_AT(vmn_network, vni),
              .min = 1, .max = 16777215,
              .writers = SCHEMA_ADMINISTRATORS,
              .doc = "Its VNI in tunnels; allocated when absent." },
            { .name = "subnets", .type = SCHEMA_STRUCT,
              .flags = SCHEMA_SET, LIST_AT(vmn_network, subnets),
              .max_items = 16, .nested = &subnet,
              .doc = "Its addresses." },
            { .name = "mtu", .type = SCHEMA_U32, AT(vmn_network, mtu),
              .flags = SCHEMA_HIDE_DEFAULT, .min = 576, .max = 9216,
              .absent = "1500 with `provider`, else what fits into tunnels",
              .doc = "Its MTU in bytes." },
            { .name = "default", .type = SCHEMA_ENUM,
              AT(vmn_network, default_action),
              .names = NAMES("allow", "deny"),
              .doc = "What happens to packets that no policy decides." },
            { .name = "dhcp_options", .type = SCHEMA_STRUCT,
              AT(vmn_network, dhcp_options),
              .nested = &schema_dhcp_options,
              .doc = "The options that its ports get by DHCP and by router "
                     "advertisements." },
            { .name = "provider", .type = SCHEMA_STRUCT,
              AT(vmn_network, provider), .nested = &provider,
              .writers = SCHEMA_ADMINISTRATORS,
              .doc = "The physical network that it is on; an overlay when "
                     "absent." },
            { .name = "isolation", .type = SCHEMA_ENUM,
              AT(vmn_network, isolation), .flags = SCHEMA_HIDE_DEFAULT,
              .names = NAMES("none", "promiscuous", "isolated"),
              .doc = "What its ports are to each other that do not say "
                     "(a private VLAN, RFC 5517); with `none` all talk with "
                     "all." },
            { .name = NULL },
        },
        .finish = finish_network,
    },
};
