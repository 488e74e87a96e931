/* SPDX-License-Identifier: Apache-2.0
 *
 * The resources, field by field; schema.h says what each member means.  Fields
 * of what joins networks are in schema-tables-net.c; what contradicts within one
 * object is in schema-finish.c. */

#include <config.h>

#include "controller/schema/schema.h"

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-dhcp.h"
#include "controller/schema/schema-finish.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"

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
    .finish = schema_finish_ip_range,
};

static const struct schema_struct reservation = {
    .name = "reservation", .size = sizeof(struct vmn_reservation),
    .fields = FIELDS {
        { .name = "ip", .type = SCHEMA_IP, AT(vmn_reservation, ip),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY,
          .doc = "The address." },
        { .name = "port", .type = SCHEMA_STRING, AT(vmn_reservation, port),
          .flags = SCHEMA_REQUIRED, .max = VMN_NAME_LEN,
          .check = value_check_name,
          .doc = "The name of the port that it is for, which need not be there "
                 "yet." },
        { .name = NULL },
    },
};

static const struct schema_struct subnet = {
    .name = "subnet", .size = sizeof(struct vmn_subnet),
    .fields = FIELDS {
        { .name = "cidr", .type = SCHEMA_PREFIX, AT(vmn_subnet, cidr),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY,
          .doc = "The addresses, as a prefix." },
        { .name = "gateway", .type = SCHEMA_IP, AT(vmn_subnet, gateway),
          .doc = "An address that is never allocated." },
        { .name = "pools", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
          LIST_AT(vmn_subnet, pools), .min_items = 1, .max_items = 64,
          .absent = "all addresses", .nested = &ip_range,
          .doc = "What is allocated to ports that request no address; all of "
                 "the subnet when absent." },
        { .name = "exclude", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
          LIST_AT(vmn_subnet, exclude), .max_items = 64,
          .nested = &ip_range,
          .doc = "What of that is not allocated automatically. Ports may "
                 "still request it." },
        { .name = "reservations", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
          LIST_AT(vmn_subnet, reservations), .max_items = 1024,
          .nested = &reservation,
          .doc = "Addresses that are kept for ports of a name." },
        { .name = "dhcp", .type = SCHEMA_BOOL, AT(vmn_subnet, dhcp),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether ports get their addresses of it by DHCP (DHCPv6)." },
        { .name = "slaac", .type = SCHEMA_BOOL, AT(vmn_subnet, slaac),
          .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether ports get the address that follows from their MAC, "
                 "and make it themselves (IPv6, `/64`)." },
        { .name = "dhcp_options", .type = SCHEMA_STRUCT,
          AT(vmn_subnet, dhcp_options), .nested = &schema_dhcp_options,
          .doc = "What ports in it are told; before what the network says." },
        { .name = NULL },
    },
    .finish = schema_finish_subnet,
};

static const struct schema_struct address_pair = {
    .name = "address", .size = sizeof(struct vmn_address_pair),
    .fields = FIELDS {
        { .name = "ip", .type = SCHEMA_PREFIX, AT(vmn_address_pair, ip),
          .flags = SCHEMA_REQUIRED | SCHEMA_BARE_ADDRESS,
          .doc = "An address or prefix." },
        { .name = "mac", .type = SCHEMA_MAC, AT(vmn_address_pair, mac),
          .doc = "Its MAC address; the port's own when absent." },
        { .name = NULL },
    },
};

/* A protocol with its ports or type, at MEMBER of STRUCT ("" for the struct
 * itself). */
#define SERVICE_ENTRY(STRUCT, PREFIX, UNLESS)                           \
    { .name = "protocol", .type = SCHEMA_ENUM,                          \
      AT(STRUCT, PREFIX protocol), .flags = SCHEMA_REQUIRED,            \
      .names = schema_protocol_names, .unless = UNLESS,                 \
      .doc = "The protocol." },                                         \
    { .name = "ports", .type = SCHEMA_RANGE, .flags = SCHEMA_SET,       \
      AT(STRUCT, PREFIX ports),                                         \
      .n_offset = offsetof(struct STRUCT, PREFIX n_ports),              \
      .min_items = 1, .max_items = 64, .absent = "all ports",           \
      .unless = UNLESS,                                                 \
      .doc = "Ports and ranges of ports (TCP, UDP, SCTP); all when "        \
             "absent." },                                                   \
    { .name = "icmp_type", .type = SCHEMA_INT,                          \
      AT(STRUCT, PREFIX icmp_type), .flags = SCHEMA_HIDE_DEFAULT,       \
      .max = 255, .def = -1, .unless = UNLESS,                          \
      .doc = "The type of message (ICMP, ICMPv6); all when absent." },    \
    { .name = "icmp_code", .type = SCHEMA_INT,                          \
      AT(STRUCT, PREFIX icmp_code), .flags = SCHEMA_HIDE_DEFAULT,       \
      .max = 255, .def = -1, .unless = UNLESS,                          \
      .doc = "The code of messages of that type; all when absent." }

static const struct schema_struct service_entry = {
    .name = "entry", .size = sizeof(struct vmn_service_entry),
    .fields = FIELDS {
        SERVICE_ENTRY(vmn_service_entry, , NULL),
        { .name = NULL },
    },
    .finish = schema_finish_service_entry,
};

static const struct schema_struct peer = {
    .name = "peer", .size = sizeof(struct vmn_peer),
    .fields = FIELDS {
        { .name = "group", .type = SCHEMA_REF, AT(vmn_peer, group),
          .ref = VMN_TABLE_GROUP, .flags = SCHEMA_REQUIRED, .unless = "cidr",
          .reach = SCHEMA_MENTIONS,
          .doc = "A group of ports and addresses." },
        { .name = "cidr", .type = SCHEMA_PREFIX, AT(vmn_peer, cidr),
          .flags = SCHEMA_REQUIRED, .unless = "group",
          .doc = "A prefix." },
        { .name = "except", .type = SCHEMA_PREFIX, .flags = SCHEMA_SET,
          LIST_AT(vmn_peer, except), .max_items = 256,
          .unless = "group", .doc = "Prefixes inside of it that it is "
                                    "without." },
        { .name = NULL },
    },
    .finish = schema_finish_peer,
};

static const struct schema_struct rule_service = {
    .name = "service", .size = sizeof(struct vmn_rule_service),
    .fields = FIELDS {
        { .name = "service", .type = SCHEMA_REF,
          AT(vmn_rule_service, service), .ref = VMN_TABLE_SERVICE,
          .flags = SCHEMA_REQUIRED, .unless = "protocol",
          .reach = SCHEMA_MENTIONS,
          .doc = "A named service." },
        SERVICE_ENTRY(vmn_rule_service, inline_entry., "service"),
        { .name = NULL },
    },
    .finish = schema_finish_rule_service,
};

/* A rule, but for its action. */
#define RULE_DIRECTION                                                  \
    { .name = "direction", .type = SCHEMA_ENUM,                         \
      AT(vmn_rule, direction), .flags = SCHEMA_REQUIRED,                \
      .names = schema_direction_names,                                  \
      .doc = "As seen from the ports that it applies to." }
#define RULE_PEERS_SERVICES                                             \
    { .name = "peers", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,      \
      LIST_AT(vmn_rule, peers), .min_items = 1, .max_items = 256,       \
      .absent = "everyone", .nested = &peer,                            \
      .doc = "The other side; everyone when absent." },                 \
    { .name = "services", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,   \
      LIST_AT(vmn_rule, services), .min_items = 1, .max_items = 64,     \
      .absent = "everything", .nested = &rule_service,                  \
      .doc = "What is spoken; everything when absent." }

static const struct schema_struct rule = {
    .name = "rule", .size = sizeof(struct vmn_rule),
    .fields = FIELDS {
        RULE_DIRECTION,
        { .name = "action", .type = SCHEMA_ENUM, AT(vmn_rule, action),
          .flags = SCHEMA_REQUIRED, .names = schema_action_names,
          .doc = "What happens; reject denies and tells the sender, pass "
                 "leaves the rest of the tier." },
        RULE_PEERS_SERVICES,
        { .name = "log", .type = SCHEMA_BOOL, AT(vmn_rule, log),
          .doc = "Whether connections that it lets open, and packets that it "
                 "denies, are told as events." },
        { .name = NULL },
    },
};

/* Its action is the first, which is to allow. */
static const struct schema_struct allowed = {
    .name = "rule", .size = sizeof(struct vmn_rule),
    .fields = FIELDS {
        RULE_DIRECTION,
        RULE_PEERS_SERVICES,
        { .name = NULL },
    },
};

/* The positions are those of vmn/rows.h. */
#define BUILTIN_TIER(NAME, POSITION, DESCRIPTION)                       \
    { .name = NAME, .spec = "{\"position\": " #POSITION                 \
                            ", \"description\": \"" DESCRIPTION "\"}" }

static const struct schema_example builtin_tiers[] = {
    BUILTIN_TIER("emergency", 1, "Before all else, even quarantine"),
    BUILTIN_TIER("security", 5, "What nobody below may undo"),
    BUILTIN_TIER("platform", 9, "What all need: DNS, backup, metrics"),
    BUILTIN_TIER("application", 13,
                 "Closes what it selects, as Kubernetes does"),
    BUILTIN_TIER("baseline", 17, "For what nobody else decides"),
    { .name = NULL },
};
_Static_assert(VMN_TIER_EMERGENCY == 1 && VMN_TIER_SECURITY == 5
               && VMN_TIER_PLATFORM == 9 && VMN_TIER_APPLICATION == 13
               && VMN_TIER_BASELINE == 17, "positions of built-in tiers");

const struct schema_table schema_tables[VMN_N_TABLES] = {
    [VMN_TABLE_HOST] = {
        .id = VMN_TABLE_HOST, .row_type = VMN_ROW_HOST,
        .plural = "hosts", .singular = "host",
        .kind = "Host", .stored = true, .unscoped = true, .max_rows = 2000,
        .named_as = VMN_N_TABLES, .check_name = value_check_name,
        .everyone_sees = true,
        .doc = "A hypervisor that runs Open vSwitch.",
        .status = &schema_status_host,
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "STATE", .path = "/status/state" },
            { .heading = "TUNNEL-IP", .path = "/spec/tunnel_ip" },
            { .heading = "PORTS", .path = "/status/ports" },
            { .heading = "FLOWS", .path = "/status/flows" },
            { .heading = "GROUPS", .path = "/status/groups", .wide = true },
            { .heading = "REVISION", .path = "/status/revision" },
            { .heading = "BEHIND", .path = "/status/lag" },
            { .heading = "OUTSTANDING", .path = "/status/openflow" },
            { .heading = "BACKLOG", .path = "/status/openflow/merging" },
            { .heading = "AUDITED", .path = "/status/audit/time" },
            { .heading = "DRIFT", .path = "/status/audit" },
            { .heading = "OVSDB", .path = "/spec/ovsdb", .wide = true },
            { .heading = "BRIDGE", .path = "/spec/bridge", .wide = true },
            { .heading = "REASON", .path = "/status/reason" },
            { .heading = NULL },
        },
        .row = {
            .name = "host", .size = sizeof(struct vmn_host),
            .later = NAMES("maintenance"),
            .fields = FIELDS {
                COMMON(vmn_host),
                { .name = "ovsdb", .type = SCHEMA_STRING,
                  AT(vmn_host, ovsdb), .flags = SCHEMA_REQUIRED, .max = 300,
                  .check = value_check_ovsdb,
                  .doc = "How its database is reached: tcp:HOST:PORT, "
                         "ssl:HOST:PORT, unix:/PATH, or inbound when the "
                         "host connects here, which opens no port on it." },
                { .name = "tunnel_ip", .type = SCHEMA_IP,
                  AT(vmn_host, tunnel_ip), .flags = SCHEMA_REQUIRED,
                  .doc = "Where other hosts send tunnelled packets." },
                { .name = "second_tunnel_ip", .type = SCHEMA_IP,
                  AT(vmn_host, second_tunnel_ip),
                  .doc = "The same for hosts that have only an address of "
                         "the other family: IPv6 if tunnel_ip is IPv4, and "
                         "the other way round." },
                { .name = "tunnel_interface", .type = SCHEMA_STRING,
                  AT(vmn_host, tunnel_interface), .max = 15,
                  .check = value_check_interface,
                  .doc = "The interface that has these addresses, if it is "
                         "one of the host's Open vSwitch: its MTU is then "
                         "known." },
                { .name = "encap", .type = SCHEMA_ENUM,
                  AT(vmn_host, encap), .names = NAMES("vxlan", "geneve"),
                  .doc = "The encapsulation in which other hosts send to "
                         "it." },
                { .name = "bridge", .type = SCHEMA_STRING,
                  AT(vmn_host, bridge), .max = 15, .def_text = "br-int",
                  .check = value_check_bridge,
                  .doc = "The integration bridge." },
                { .name = "datapath", .type = SCHEMA_ENUM,
                  AT(vmn_host, datapath),
                  .names = NAMES("system", "netdev"),
                  .doc = "The bridge's datapath." },
                { .name = "adopt", .type = SCHEMA_BOOL, AT(vmn_host, adopt),
                  .doc = "Take over a bridge that already exists." },
                { .name = "provider_bridges", .type = SCHEMA_STRUCT,
                  .flags = SCHEMA_SET, LIST_AT(vmn_host, provider_bridges),
                  .max_items = 16, .nested = &schema_provider_bridge,
                  .doc = "Bridges that lead to physical networks." },
                { .name = "port_selector", .type = SCHEMA_SELECTOR,
                  AT(vmn_host, port_selector),
                  .reach = SCHEMA_ACTS,
                  .doc = "The ports that may be bound on it, by their "
                         "labels; all when absent." },
                { .name = "connection_limit", .type = SCHEMA_STRUCT,
                  AT(vmn_host, connection_limit),
                  .nested = &schema_client_limit,
                  .doc = "How many connections each port on it may open; any "
                         "number when absent." },
                { .name = "zone_limit", .type = SCHEMA_U32,
                  AT(vmn_host, zone_limit), .flags = SCHEMA_HIDE_DEFAULT,
                  .min = 1, .max = UINT32_MAX,
                  .absent = "any number",
                  .doc = "How many connections may be open at a time in each "
                         "of its conntrack zones, such as that of a routing "
                         "domain; needs Open vSwitch 3.3." },
                { .name = NULL },
            },
            .finish = schema_finish_host,
        },
    },
    [VMN_TABLE_NETWORK] = {
        .id = VMN_TABLE_NETWORK, .row_type = VMN_ROW_NETWORK,
        .plural = "networks",
        .singular = "network", .kind = "Network", .stored = true,
        .max_rows = 20000, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .doc = "An isolated layer-2 segment.",
        .status = &schema_status_network,
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "VNI", .path = "/status/vni" },
            { .heading = "SUBNETS", .path = "/spec/subnets" },
            { .heading = "FREE", .path = "/status/subnets/*/free" },
            { .heading = "DEFAULT", .path = "/spec/default" },
            { .heading = "MTU", .path = "/status/mtu", .wide = true },
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
                  .doc = "Its number in tunnels; allocated when absent." },
                { .name = "subnets", .type = SCHEMA_STRUCT,
                  .flags = SCHEMA_SET, LIST_AT(vmn_network, subnets),
                  .max_items = 16, .nested = &subnet,
                  .doc = "Its addresses." },
                { .name = "mtu", .type = SCHEMA_U32, AT(vmn_network, mtu),
                  .flags = SCHEMA_HIDE_DEFAULT, .min = 576, .max = 9216,
                  .absent = "follows from the underlay",
                  .doc = "Its MTU in bytes." },
                { .name = "default", .type = SCHEMA_ENUM,
                  AT(vmn_network, default_action),
                  .names = NAMES("allow", "deny"),
                  .doc = "What happens to packets that no policy judges." },
                { .name = "dhcp_options", .type = SCHEMA_STRUCT,
                  AT(vmn_network, dhcp_options),
                  .nested = &schema_dhcp_options,
                  .doc = "What its ports are told by DHCP and by router "
                         "advertisements." },
                { .name = "provider", .type = SCHEMA_STRUCT,
                  AT(vmn_network, provider), .nested = &schema_provider,
                  .writers = SCHEMA_ADMINISTRATORS,
                  .doc = "The physical network that it is on; an overlay when "
                         "absent." },
                { .name = NULL },
            },
            .finish = schema_finish_network,
        },
    },
    [VMN_TABLE_PORT] = {
        .id = VMN_TABLE_PORT, .row_type = VMN_ROW_PORT,
        .plural = "ports", .singular = "port",
        .kind = "Port", .stored = true, .max_rows = 100000,
        .named_as = VMN_N_TABLES, .check_name = value_check_name,
        .doc = "A VM's interface in a network.",
        .status = &schema_status_port,
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "NETWORK", .path = "/spec/network" },
            { .heading = "IPS", .path = "/status/ips" },
            { .heading = "MAC", .path = "/status/mac" },
            { .heading = "HOST", .path = "/status/host" },
            { .heading = "STATE", .path = "/status/state" },
            { .heading = "LABELS", .path = "/spec/labels" },
            { .heading = "IFACE-ID", .path = "/spec/iface_id",
              .wide = true },
            { .heading = "CANDIDATE", .path = "/status/candidate",
              .wide = true },
            { .heading = "QUARANTINED", .path = "/spec/quarantined",
              .wide = true },
            { .heading = NULL },
        },
        .row = {
            .name = "port", .size = sizeof(struct vmn_port),
            .fields = FIELDS {
                COMMON(vmn_port),
                { .name = "network", .type = SCHEMA_REF,
                  AT(vmn_port, network), .flags = SCHEMA_REQUIRED,
                  .ref = VMN_TABLE_NETWORK,
                  .reach = SCHEMA_MENTIONS,
                  .doc = "Its network." },
                { .name = "mac", .type = SCHEMA_MAC, .flags = SCHEMA_ASSIGNED,
                  AT(vmn_port, want_mac), ASSIGNED_AT(vmn_port, mac),
                  .writers = SCHEMA_NETWORK_OWNERS,
                  .doc = "Its MAC address; allocated when absent." },
                { .name = "ips", .type = SCHEMA_IP,
                  .flags = SCHEMA_SET | SCHEMA_ASSIGNED,
                  LIST_AT(vmn_port, want_ips), ASSIGNED_AT(vmn_port, ips),
                  .assigned_n_offset = offsetof(struct vmn_port, n_ips),
                  .max_items = 64,
                  .doc = "Its addresses; when absent, one of each subnet is "
                         "allocated." },
                { .name = "enabled", .type = SCHEMA_BOOL,
                  AT(vmn_port, enabled), .def = true,
                  .doc = "Whether it forwards." },
                { .name = "quarantined", .type = SCHEMA_BOOL,
                  AT(vmn_port, quarantined),
                  .writers = SCHEMA_ADMINISTRATORS,
                  .doc = "Cut off, open connections included; a quarantine "
                         "without a list." },
                { .name = "allowed_addresses", .type = SCHEMA_STRUCT,
                  .flags = SCHEMA_SET, LIST_AT(vmn_port, allowed_addresses),
                  .max_items = 64, .nested = &address_pair,
                  .writers = SCHEMA_NETWORK_OWNERS,
                  .doc = "What it may use as its source besides its own." },
                { .name = "host", .type = SCHEMA_REF, AT(vmn_port, host),
                  .ref = VMN_TABLE_HOST,
                  .reach = SCHEMA_PLACES,
                  .doc = "The host that it is to be on: bound nowhere else, "
                         "unless `hosts` names others; it moves there once "
                         "the host has its interface and its switch is "
                         "ready." },
                { .name = "hosts", .type = SCHEMA_REF, .flags = SCHEMA_SET,
                  LIST_AT(vmn_port, hosts), .min_items = 1, .max_items = 64,
                  .absent = "`host` alone, or any host",
                  .ref = VMN_TABLE_HOST,
                  .reach = SCHEMA_PLACES,
                  .doc = "The hosts that it may be bound on; claims of others "
                         "are refused." },
                { .name = "failover", .type = SCHEMA_BOOL,
                  AT(vmn_port, failover), .flags = SCHEMA_HIDE_DEFAULT,
                  .doc = "Whether another of `hosts` that has its interface "
                         "takes over when its host is silent." },
                { .name = "iface_id", .type = SCHEMA_STRING,
                  AT(vmn_port, iface_id), .flags = SCHEMA_NAME_DEFAULT,
                  .max = VMN_NAME_LEN, .check = value_check_iface_id,
                  .doc = "external_ids:iface-id of its interface, 1 to 63 "
                         "of `A-Z a-z 0-9 . _ -`; its name when absent." },
                { .name = "dhcp_options", .type = SCHEMA_STRUCT,
                  AT(vmn_port, dhcp_options),
                  .nested = &schema_port_dhcp_options,
                  .doc = "What it is told; before what its subnet and its "
                         "network say." },
                { .name = "external", .type = SCHEMA_BOOL,
                  AT(vmn_port, external), .flags = SCHEMA_HIDE_DEFAULT,
                  .writers = SCHEMA_NETWORK_OWNERS,
                  .doc = "Whether it is a machine on the physical network of "
                         "its provider network, and so on no host." },
                { .name = "parent", .type = SCHEMA_REF,
                  AT(vmn_port, parent), .ref = VMN_TABLE_PORT,
                  .flags = SCHEMA_BELONGS,
                  .reach = SCHEMA_ACTS,
                  .doc = "Of a sub-port: the port whose interface carries it "
                         "with a VLAN tag; it is where that one is." },
                { .name = "vlan", .type = SCHEMA_U32, AT(vmn_port, vlan),
                  .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = 4094,
                  .doc = "The VLAN of a sub-port on its parent's interface." },
                { .name = "unknown", .type = SCHEMA_BOOL,
                  AT(vmn_port, unknown), .flags = SCHEMA_HIDE_DEFAULT,
                  .writers = SCHEMA_NETWORK_OWNERS,
                  .doc = "Whether others may be behind it, with addresses that "
                         "nobody has told; switches learn these." },
                { .name = NULL },
            },
            .finish = schema_finish_port,
        },
    },
    [VMN_TABLE_GROUP] = {
        .id = VMN_TABLE_GROUP, .row_type = VMN_ROW_GROUP,
        .plural = "groups", .singular = "group",
        .kind = "Group", .stored = true, .max_rows = 10000,
        .named_as = VMN_N_TABLES, .check_name = value_check_name,
        .passes_on = true, .contains = true,
        .doc = "A set of ports and addresses.",
        .status = &schema_status_group,
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "SELECTOR", .path = "/spec/selector" },
            { .heading = "GROUPS", .path = "/spec/groups" },
            { .heading = "PORTS", .path = "/spec/ports" },
            { .heading = "CIDRS", .path = "/spec/cidrs" },
            { .heading = "EXCEPT", .path = "/spec/except", .wide = true },
            { .heading = NULL },
        },
        .row = {
            .name = "group", .size = sizeof(struct vmn_group),
            .fields = FIELDS {
                COMMON(vmn_group),
                { .name = "selector", .type = SCHEMA_SELECTOR,
                  AT(vmn_group, selector),
                  .reach = SCHEMA_ACTS,
                  .doc = "Ports by their labels; \"\" selects all, absent "
                         "none." },
                { .name = "groups", .type = SCHEMA_REF, .flags = SCHEMA_SET,
                  LIST_AT(vmn_group, groups), .max_items = 256,
                  .ref = VMN_TABLE_GROUP,
                  .reach = SCHEMA_ACTS,
                  .doc = "Groups whose ports and addresses are its own, too; "
                         "at most 8 inside of each other." },
                { .name = "ports", .type = SCHEMA_REF, .flags = SCHEMA_SET,
                  LIST_AT(vmn_group, ports), .max_items = 10000,
                  .ref = VMN_TABLE_PORT,
                  .reach = SCHEMA_ACTS,
                  .doc = "Ports by name." },
                { .name = "cidrs", .type = SCHEMA_PREFIX,
                  .flags = SCHEMA_SET, LIST_AT(vmn_group, cidrs),
                  .max_items = 10000, .doc = "Prefixes." },
                { .name = "except", .type = SCHEMA_PREFIX,
                  .flags = SCHEMA_SET, LIST_AT(vmn_group, except),
                  .max_items = 10000,
                  .doc = "Prefixes that are left out of `cidrs`." },
                { .name = NULL },
            },
            .finish = schema_finish_group,
        },
    },
    [VMN_TABLE_SERVICE] = {
        .id = VMN_TABLE_SERVICE, .row_type = VMN_ROW_SERVICE,
        .plural = "services",
        .singular = "service", .kind = "Service", .stored = true,
        .max_rows = 10000, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .doc = "A named set of protocols and ports.",
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "ENTRIES", .path = "/spec/entries" },
            { .heading = NULL },
        },
        .row = {
            .name = "service", .size = sizeof(struct vmn_service),
            .fields = FIELDS {
                COMMON(vmn_service),
                { .name = "entries", .type = SCHEMA_STRUCT,
                  .flags = SCHEMA_SET | SCHEMA_REQUIRED,
                  LIST_AT(vmn_service, entries), .min_items = 1,
                  .max_items = 64, .nested = &service_entry,
                  .doc = "Protocols with their ports." },
                { .name = NULL },
            },
        },
    },
    [VMN_TABLE_TIER] = {
        .id = VMN_TABLE_TIER, .row_type = VMN_ROW_TIER,
        .plural = "tiers", .singular = "tier",
        .kind = "Tier", .stored = true, .unscoped = true,
        .builtin = builtin_tiers,
        .max_rows = VMN_TIER_POSITIONS, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .everyone_sees = true,
        .doc = "A step in which policies are evaluated.",
        .status = &schema_status_tier,
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "POSITION", .path = "/spec/position" },
            { .heading = "RETAINED", .path = "/status/kept/packets",
              .wide = true },
            { .heading = "DESCRIPTION", .path = "/spec/description" },
            { .heading = NULL },
        },
        .row = {
            .name = "tier", .size = sizeof(struct vmn_tier),
            .fields = FIELDS {
                COMMON(vmn_tier),
                { .name = "position", .type = SCHEMA_U32,
                  AT(vmn_tier, position), .flags = SCHEMA_REQUIRED,
                  .min = 1, .max = VMN_TIER_POSITIONS,
                  .doc = "Tiers are evaluated in this order; each has its "
                         "own." },
                { .name = NULL },
            },
        },
    },
    [VMN_TABLE_POLICY] = {
        .id = VMN_TABLE_POLICY, .row_type = VMN_ROW_POLICY,
        .plural = "policies", .singular = "policy",
        .kind = "Policy", .stored = true, .max_rows = 10000,
        .named_as = VMN_N_TABLES, .check_name = value_check_name,
        .doc = "Rules for the ports of some groups.",
        .status = &schema_status_policy,
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "TIER", .path = "/spec/tier" },
            { .heading = "PRIORITY", .path = "/spec/priority" },
            { .heading = "APPLIES-TO", .path = "/spec/applies_to" },
            { .heading = "DIRECTIONS", .path = "/spec/directions" },
            { .heading = "MODE", .path = "/spec/mode" },
            { .heading = "RULES", .path = "/spec/rules" },
            { .heading = "PACKETS", .path = "/status/packets", .wide = true },
            { .heading = "BYTES", .path = "/status/bytes", .wide = true },
            { .heading = "LAST-HIT", .path = "/status/last", .wide = true },
            { .heading = NULL },
        },
        .row = {
            .name = "policy", .size = sizeof(struct vmn_policy),
            .fields = FIELDS {
                COMMON(vmn_policy),
                { .name = "tier", .type = SCHEMA_REF, AT(vmn_policy, tier),
                  .ref = VMN_TABLE_TIER, .def_text = "application",
                  .reach = SCHEMA_MENTIONS,
                  .doc = "The tier in which it is evaluated." },
                { .name = "priority", .type = SCHEMA_U32,
                  AT(vmn_policy, priority), .max = 999, .def = 500,
                  .doc = "Inside the tier; 0 is evaluated first." },
                { .name = "applies_to", .type = SCHEMA_REF,
                  .flags = SCHEMA_SET | SCHEMA_REQUIRED,
                  LIST_AT(vmn_policy, applies_to), .min_items = 1,
                  .max_items = 256, .ref = VMN_TABLE_GROUP,
                  .reach = SCHEMA_ACTS,
                  .doc = "The groups whose ports it protects." },
                { .name = "directions", .type = SCHEMA_ENUM_SET,
                  AT(vmn_policy, isolates), .names = schema_direction_names,
                  .doc = "Where what no rule allows is denied (application "
                         "tier); those of its rules when absent, or ingress "
                         "without rules." },
                { .name = "mode", .type = SCHEMA_ENUM, AT(vmn_policy, mode),
                  .names = NAMES("enforce", "shadow"),
                  .doc = "Whether it decides, or only counts what it would "
                         "decide." },
                { .name = "on_change", .type = SCHEMA_ENUM,
                  AT(vmn_policy, on_change),
                  .names = NAMES("recheck", "keep"),
                  .doc = "Whether connections that its rules have allowed "
                         "are judged anew when something changes, or go on." },
                { .name = "rules", .type = SCHEMA_STRUCT,
                  .flags = SCHEMA_LIST, LIST_AT(vmn_policy, rules),
                  .max_items = 1000, .nested = &rule,
                  .doc = "The first that matches decides." },
                { .name = NULL },
            },
            .finish = schema_finish_policy,
        },
    },
    [VMN_TABLE_QUARANTINE] = {
        .id = VMN_TABLE_QUARANTINE, .row_type = VMN_ROW_QUARANTINE,
        .plural = "quarantines",
        .singular = "quarantine", .kind = "Quarantine", .stored = true,
        .max_rows = 1000, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .doc = "Ports that are cut off.",
        .status = &schema_status_quarantine,
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "SELECTOR", .path = "/spec/selector" },
            { .heading = "PORTS", .path = "/spec/ports" },
            { .heading = "MEMBERS", .path = "/status/n_members" },
            { .heading = "ALLOW", .path = "/spec/allow" },
            { .heading = "PACKETS", .path = "/status/packets", .wide = true },
            { .heading = "BYTES", .path = "/status/bytes", .wide = true },
            { .heading = "LAST-HIT", .path = "/status/last", .wide = true },
            { .heading = "DESCRIPTION", .path = "/spec/description" },
            { .heading = NULL },
        },
        .row = {
            .name = "quarantine", .size = sizeof(struct vmn_quarantine),
            .fields = FIELDS {
                COMMON(vmn_quarantine),
                { .name = "selector", .type = SCHEMA_SELECTOR,
                  AT(vmn_quarantine, selector),
                  .reach = SCHEMA_ACTS,
                  .doc = "Ports by their labels; \"\" selects all, absent "
                         "none." },
                { .name = "ports", .type = SCHEMA_REF, .flags = SCHEMA_SET,
                  LIST_AT(vmn_quarantine, ports), .max_items = 10000,
                  .ref = VMN_TABLE_PORT,
                  .reach = SCHEMA_ACTS,
                  .doc = "Ports by name." },
                { .name = "allow", .type = SCHEMA_STRUCT,
                  .flags = SCHEMA_LIST, LIST_AT(vmn_quarantine, allow),
                  .max_items = 64, .nested = &allowed,
                  .doc = "What they may do and what may be done with them "
                         "all the same." },
                { .name = NULL },
            },
        },
    },
    [VMN_TABLE_LOADBALANCER] = {
        .id = VMN_TABLE_LOADBALANCER, .row_type = VMN_ROW_LOADBALANCER,
        .plural = "loadbalancers",
        .singular = "loadbalancer", .kind = "LoadBalancer", .stored = true,
        .max_rows = 10000, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .passes_on = true,
        .doc = "A virtual IP in front of ports.",
        .status = &schema_status_loadbalancer,
        .columns = schema_loadbalancer_columns,
        .row = {
            .name = "loadbalancer", .size = sizeof(struct vmn_loadbalancer),
            .fields = schema_loadbalancer_fields,
            .finish = schema_finish_loadbalancer,
        },
    },
    [VMN_TABLE_OBSERVATION] = {
        .id = VMN_TABLE_OBSERVATION, .row_type = VMN_ROW_OBSERVATION,
        .plural = "observations",
        .singular = "observation", .kind = "Observation", .stored = true,
        .max_rows = 100, .named_as = VMN_TABLE_NETWORK,
        .check_name = value_check_name,
        .doc = "Has the connections of the network of its name noted.",
        .status = &schema_status_observation,
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "MINUTES", .path = "/spec/minutes" },
            { .heading = "ENDS", .path = "/status/ends" },
            { .heading = "DESCRIPTION", .path = "/spec/description" },
            { .heading = NULL },
        },
        .row = {
            .name = "observation", .size = sizeof(struct vmn_observation),
            .fields = FIELDS {
                COMMON(vmn_observation),
                { .name = "minutes", .type = SCHEMA_U32,
                  AT(vmn_observation, minutes), .min = 1, .max = 43200,
                  .def = 1440,
                  .doc = "After so many since it was made it is deleted, "
                         "with all that was noted." },
                { .name = NULL },
            },
        },
    },
    [VMN_TABLE_TELEMETRY] = {
        .id = VMN_TABLE_TELEMETRY, .plural = "telemetries",
        .singular = "telemetry", .kind = "Telemetry", .stored = true,
        .unscoped = true, .max_rows = 100, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .doc = "Has hosts tell collectors of packets, by sFlow and IPFIX.",
        .status = &schema_status_telemetry,
        .columns = schema_telemetry_columns,
        .row = {
            .name = "telemetry", .size = sizeof(struct vmn_telemetry),
            .fields = schema_telemetry_fields,
            .finish = schema_finish_telemetry,
        },
    },
    [VMN_TABLE_QUOTA] = {
        .id = VMN_TABLE_QUOTA, .plural = "quotas", .singular = "quota",
        .kind = "Quota", .stored = true, .unscoped = true,
        .max_rows = 1000, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .doc = "What a scope may hold at most.",
        .columns = schema_quota_columns,
        .row = {
            .name = "quota", .size = sizeof(struct vmn_quota),
            .fields = schema_quota_fields,
        },
    },
    [VMN_TABLE_APP] = {
        .id = VMN_TABLE_APP, .plural = "apps", .singular = "app",
        .kind = "App", .stored = true, .unscoped = true, .max_rows = 64,
        .named_as = VMN_N_TABLES, .check_name = value_check_name,
        .everyone_sees = true, .of_daemon = true,
        .doc = "An app that is loaded.",
        .status = &schema_status_app,
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "ENABLED", .path = "/spec/enabled" },
            { .heading = "UNITS", .path = "/status/units" },
            { .heading = "FLOWS", .path = "/status/flows" },
            { .heading = "DESCRIPTION", .path = "/spec/description" },
            { .heading = NULL },
        },
        .row = {
            .name = "app", .size = sizeof(struct vmn_app_row),
            .later = NAMES("config"),
            .fields = FIELDS {
                COMMON(vmn_app_row),
                { .name = "enabled", .type = SCHEMA_BOOL,
                  AT(vmn_app_row, enabled), .def = true,
                  .doc = "Whether its flows are installed." },
                { .name = NULL },
            },
        },
    },
    [VMN_TABLE_ROUTER] = {
        .id = VMN_TABLE_ROUTER, .row_type = VMN_ROW_ROUTER,
        .plural = "routers", .singular = "router",
        .kind = "Router", .stored = true, .max_rows = 10000,
        .named_as = VMN_N_TABLES, .check_name = value_check_name,
        .passes_on = true,
        .doc = "What joins networks.",
        .status = &schema_status_router,
        .columns = schema_router_columns,
        .row = {
            .name = "router", .size = sizeof(struct vmn_router),
            .fields = schema_router_fields,
            .finish = schema_finish_router,
        },
    },
    [VMN_TABLE_FLOATING_IP] = {
        .id = VMN_TABLE_FLOATING_IP, .row_type = VMN_ROW_FLOATING_IP,
        .plural = "floating-ips",
        .singular = "floating-ip", .kind = "FloatingIp", .stored = true,
        .max_rows = 20000, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .doc = "A port's address in an external network.",
        .columns = schema_floating_ip_columns,
        .row = {
            .name = "floating-ip", .size = sizeof(struct vmn_floating_ip),
            .fields = schema_floating_ip_fields,
        },
    },
    [VMN_TABLE_DNS_ZONE] = {
        .id = VMN_TABLE_DNS_ZONE, .row_type = VMN_ROW_DNS_ZONE,
        .plural = "dns-zones",
        .singular = "dns-zone", .kind = "DnsZone", .stored = true,
        .max_rows = 1000, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .doc = "Names for the ports of some networks, and of others.",
        .columns = schema_dns_zone_columns,
        .row = {
            .name = "dns-zone", .size = sizeof(struct vmn_dns_zone),
            .fields = schema_dns_zone_fields,
            .finish = schema_finish_dns_zone,
        },
    },
    [VMN_TABLE_ACCOUNT] = {
        .id = VMN_TABLE_ACCOUNT, .plural = "accounts",
        .singular = "account", .kind = "Account", .stored = true,
        .unscoped = true, .max_rows = 10000, .named_as = VMN_N_TABLES,
        .check_name = value_check_name,
        .doc = "Who may use the API, and for what.",
        .columns = schema_account_columns,
        .row = {
            .name = "account", .size = sizeof(struct vmn_account),
            .fields = schema_account_fields,
            .finish = schema_finish_account,
        },
    },
    [VMN_TABLE_TOKEN] = {
        .id = VMN_TABLE_TOKEN, .plural = "tokens", .singular = "token",
        .kind = "Token", .stored = true, .unscoped = true, .max_rows = 100000,
        .named_as = VMN_N_TABLES, .check_name = value_check_name,
        .doc = "What proves an account.",
        .columns = schema_token_columns,
        .row = {
            .name = "token", .size = sizeof(struct vmn_token),
            .fields = schema_token_fields,
        },
    },
    [VMN_TABLE_BINDING] = {
        .id = VMN_TABLE_BINDING, .row_type = VMN_ROW_BINDING,
        .plural = "bindings",
        .singular = "binding", .kind = "Binding", .observed = true,
        .stored = true, .max_rows = 100000, .named_as = VMN_TABLE_PORT,
        .check_name = value_check_name,
        .doc = "Where a port is, as hosts report.",
        .columns = COLUMNS {
            { .heading = "PORT", .path = "/name" },
            { .heading = "HOST", .path = "/spec/host" },
            { .heading = "CANDIDATE", .path = "/spec/candidate" },
            { .heading = NULL },
        },
        .row = {
            .name = "binding", .size = sizeof(struct vmn_binding),
            .fields = FIELDS {
                { .name = "host", .type = SCHEMA_REF,
                  AT(vmn_binding, host), .ref = VMN_TABLE_HOST,
                  .flags = SCHEMA_REQUIRED,
                  .doc = "Where its packets go." },
                { .name = "candidate", .type = SCHEMA_REF,
                  AT(vmn_binding, candidate), .ref = VMN_TABLE_HOST,
                  .doc = "Another host that claims it." },
                { .name = NULL },
            },
        },
    },
    [VMN_TABLE_VIF] = {
        .id = VMN_TABLE_VIF, .row_type = VMN_ROW_VIF,
        .plural = "vifs", .singular = "vif",
        .kind = "Vif", .observed = true, .max_rows = 200000,
        .named_as = VMN_N_TABLES, .check_name = value_check_vif_name,
        .doc = "An interface on a host that carries an iface-id.",
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "INTERFACE", .path = "/spec/iface" },
            { .heading = "OFPORT", .path = "/spec/ofport" },
            { .heading = "LINK-UP", .path = "/spec/link_up" },
            { .heading = NULL },
        },
        .row = {
            .name = "vif", .size = sizeof(struct vmn_vif),
            .fields = FIELDS {
                { .name = "host", .type = SCHEMA_REF, AT(vmn_vif, host),
                  .ref = VMN_TABLE_HOST, .flags = SCHEMA_REQUIRED,
                  .doc = "The host." },
                { .name = "iface_id", .type = SCHEMA_STRING,
                  AT(vmn_vif, iface_id), .flags = SCHEMA_REQUIRED,
                  .max = VMN_NAME_LEN, .check = value_check_vif_iface_id,
                  .doc = "external_ids:iface-id." },
                { .name = "iface", .type = SCHEMA_STRING,
                  AT(vmn_vif, iface), .flags = SCHEMA_REQUIRED, .max = 255,
                  .doc = "The interface's name." },
                { .name = "ofport", .type = SCHEMA_U32,
                  AT(vmn_vif, ofport), .flags = SCHEMA_REQUIRED, .min = 1,
                  .max = 65535, .doc = "Its OpenFlow port number." },
                { .name = "link_up", .type = SCHEMA_BOOL,
                  AT(vmn_vif, link_up), .doc = "Whether it has a link." },
                { .name = "tag_ofport", .type = SCHEMA_U32,
                  AT(vmn_vif, tag_ofport), .flags = SCHEMA_HIDE_DEFAULT,
                  .max = 65535,
                  .doc = "Of a sub-port: the number of the port that takes "
                         "its parent's tagged frames to it." },
                { .name = NULL },
            },
        },
    },
    [VMN_TABLE_UNDERLAY] = {
        .id = VMN_TABLE_UNDERLAY, .row_type = VMN_ROW_UNDERLAY,
        .plural = "underlays",
        .singular = "underlay", .kind = "Underlay", .observed = true,
        .stored = true, .max_rows = 10000, .named_as = VMN_TABLE_HOST,
        .check_name = value_check_name,
        .doc = "What a host has for its tunnels, and its datapath id, as it "
               "has last reported.",
        .columns = COLUMNS {
            { .heading = "HOST", .path = "/name" },
            { .heading = "MTU", .path = "/spec/mtu" },
            { .heading = NULL },
        },
        .row = {
            .name = "underlay", .size = sizeof(struct vmn_underlay),
            .fields = FIELDS {
                { .name = "mtu", .type = SCHEMA_U32, AT(vmn_underlay, mtu),
                  .max = 65535,
                  .doc = "The MTU of the interface that its tunnels go by; "
                         "0: not known." },
                { .name = "datapath_id", .type = SCHEMA_STRING,
                  AT(vmn_underlay, datapath_id), .max = 16,
                  .check = value_check_datapath_id,
                  .doc = "That of its bridge, which no other host may have." },
                { .name = NULL },
            },
        },
    },
    [VMN_TABLE_HEALTH] = {
        .id = VMN_TABLE_HEALTH, .row_type = VMN_ROW_HEALTH,
        .plural = "healths", .singular = "health",
        .kind = "Health", .observed = true, .stored = true,
        .max_rows = 1000000, .named_as = VMN_N_TABLES,
        .check_name = value_check_health_name,
        .doc = "What is known of a balancer's backend.",
        .columns = COLUMNS {
            { .heading = "NAME", .path = "/name" },
            { .heading = "STATE", .path = "/spec/state" },
            { .heading = NULL },
        },
        .row = {
            .name = "health", .size = sizeof(struct vmn_health),
            .fields = FIELDS {
                { .name = "loadbalancer", .type = SCHEMA_REF,
                  AT(vmn_health, loadbalancer), .flags = SCHEMA_REQUIRED,
                  .ref = VMN_TABLE_LOADBALANCER, .doc = "The balancer." },
                { .name = "port", .type = SCHEMA_REF, AT(vmn_health, port),
                  .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_PORT,
                  .doc = "Its backend." },
                { .name = "state", .type = SCHEMA_ENUM,
                  AT(vmn_health, state), .flags = SCHEMA_REQUIRED,
                  .names = NAMES("up", "down", "drained"),
                  .doc = "Its state." },
                { .name = NULL },
            },
        },
    },
};
