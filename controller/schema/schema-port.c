/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports; see schema.h. */

#include <config.h>

#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-dhcp.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "util.h"

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

static const struct schema_struct migration = {
    .name = "port migration", .size = sizeof(struct vmn_port_migration),
    .fields = FIELDS {
        { .name = "to", .type = SCHEMA_REF, AT(vmn_port_migration, to),
          .flags = SCHEMA_REQUIRED, .ref = VMN_TABLE_HOST,
          .reach = SCHEMA_PLACES,
          .doc = "The host that it migrates to: it may be bound there as "
                 "well, and is its candidate there once the host has its "
                 "interface." },
        { .name = "activated", .type = SCHEMA_BOOL,
          AT(vmn_port_migration, activated), .flags = SCHEMA_HIDE_DEFAULT,
          .doc = "Whether its VM runs there now, for those who do not want to "
                 "wait until its switch sees that." },
        { .name = NULL },
    },
};

static const struct schema_struct resources = {
    .name = "resources", .size = sizeof(struct vmn_resources),
    .fields = FIELDS {
        { .name = "vcpus", .type = SCHEMA_U32, AT(vmn_resources, vcpus),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = VALUE_RESOURCE_MAX,
          .absent = "none",
          .doc = "Virtual CPUs." },
        { .name = "memory_mb", .type = SCHEMA_U32,
          AT(vmn_resources, memory_mb),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = VALUE_RESOURCE_MAX,
          .absent = "none",
          .doc = "Memory, in MiB." },
        { .name = "disk_gb", .type = SCHEMA_U32, AT(vmn_resources, disk_gb),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = VALUE_RESOURCE_MAX,
          .absent = "none",
          .doc = "Local disk, in GiB." },
        { .name = NULL },
    },
};

static bool
needs_resources(const struct vmn_port *port)
{
    return (port->resources.vcpus || port->resources.memory_mb
            || port->resources.disk_gb);
}

/* Checks a sub-port, which is bound where its parent is. */
static void
finish_sub_port(const struct vmn_port *port, const char *pointer,
                struct vmn_errors *errors)
{
    if (!port->parent && port->vlan) {
        add_error(errors, pointer, "vlan",
                  "is only for a sub-port, which has a \"parent\"");
    } else if (port->parent && !port->vlan) {
        add_error(errors, pointer, "vlan", "is required with \"parent\"");
    }
    if (port->parent && port->host) {
        add_error(errors, pointer, "host",
                  "cannot be combined with \"parent\": a sub-port is where "
                  "its parent is");
    }
    if (port->parent && port->n_hosts) {
        add_error(errors, pointer, "hosts",
                  "cannot be combined with \"parent\": a sub-port is where "
                  "its parent is");
    }
    if (port->parent && port->migration.to) {
        add_error(errors, pointer, "migration",
                  "cannot be combined with \"parent\": a sub-port goes where "
                  "its parent goes");
    }
    if (port->parent && port->external) {
        add_error(errors, pointer, "external",
                  "cannot be combined with \"parent\"");
    }
    if (port->parent && needs_resources(port)) {
        add_error(errors, pointer, "resources",
                  "cannot be combined with \"parent\": a sub-port is of its "
                  "parent's VM, of which the parent says that");
    }
}

/* Returns true if 'host' is NULL, or one of 'hosts', or there are none of
 * these. */
static bool
may_be_on(const struct vmn_port *port, const char *host)
{
    bool found = !host || !port->n_hosts;

    for (size_t i = 0; !found && i < port->n_hosts; i++) {
        found = !strcmp(port->hosts[i], host);
    }
    return found;
}

/* Checks the fields that say where the port may be bound. */
static void
finish_hosts(const struct vmn_port *port, const char *pointer,
             struct vmn_errors *errors)
{
    if (!may_be_on(port, port->host)) {
        add_error(errors, pointer, "host",
                  "must be one of \"hosts\": \"%s\" is not", port->host);
    }
    if (!may_be_on(port, port->migration.to)) {
        add_error(errors, pointer, "migration/to",
                  "must be one of \"hosts\": \"%s\" is not",
                  port->migration.to);
    }
    if (port->failover && !port->n_hosts) {
        add_error(errors, pointer, "failover",
                  "is only for a port with \"hosts\": it says whether another "
                  "of them takes over");
    }
}

/* Checks what the port says of whom it talks with. */
static void
finish_isolation(const struct vmn_port *port, const char *pointer,
                 struct vmn_errors *errors)
{
    if (port->isolation == VMN_COMMUNITY && !port->community) {
        add_error(errors, pointer, "community",
                  "is required with \"isolation\": \"community\"");
    } else if (port->isolation != VMN_COMMUNITY && port->community) {
        add_error(errors, pointer, "community",
                  "is only for a port with \"isolation\": \"community\"");
    }
    if (port->external && (port->isolation == VMN_ISOLATED
                           || port->isolation == VMN_COMMUNITY)) {
        add_error(errors, pointer, "isolation",
                  "must be \"promiscuous\", or absent, with \"external\": on "
                  "the physical network nothing keeps such a port from "
                  "others");
    }
}

static void
finish_port(void *port_, const json_t *json, const char *pointer,
                   struct vmn_errors *errors)
{
    static const char *const members[] = { "host", "iface_id", "hosts",
                                           "migration", "resources" };
    const struct vmn_port *port = port_;

    for (size_t i = 0; port->external && i < ARRAY_SIZE(members); i++) {
        const json_t *value = json_object_get(json, members[i]);

        /* The second one has a default, its name, which is shown. */
        if (value && !json_is_null(value)
            && (i != 1
                || strcmp(json_string_value(value), port->row.name))) {
            add_error(errors, pointer, members[i],
                      "cannot be combined with \"external\": such a port is "
                      "on no host");
        }
    }
    if (port->external && port->unknown) {
        add_error(errors, pointer, "unknown",
                  "cannot be combined with \"external\": whoever is on a "
                  "physical network is known there");
    }
    finish_sub_port(port, pointer, errors);
    finish_hosts(port, pointer, errors);
    finish_isolation(port, pointer, errors);
}

static const struct schema_example examples[] = {
    EXAMPLE("web-1", {
        "network": "shop", "labels": {"role": "web"}}),
    EXAMPLE("db-1", {
        "network": "shop", "labels": {"role": "db"},
        "ips": ["10.0.0.20"], "mac": "02:00:00:00:00:20"}),
    { .name = NULL },
};

const struct schema_table schema_port = {
    .id = VMN_TABLE_PORT, .row_type = VMN_ROW_PORT,
    .plural = "ports", .singular = "port",
    .kind = "Port", .stored = true, .max_rows = 100000,
    .named_as = VMN_N_TABLES, .check_name = value_check_name,
    .examples = examples,
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
        { .heading = "LINK", .path = "/status/link", .wide = true },
        { .heading = "ANSWERS", .path = "/status/monitor/state",
          .wide = true },
        { .heading = "CANDIDATE", .path = "/status/candidate",
          .wide = true },
        { .heading = "MIGRATION", .path = "/status/migration/state",
          .wide = true },
        { .heading = "REASON", .path = "/status/reason",
          .wide = true },
        { .heading = "QUARANTINED", .path = "/spec/quarantined",
          .wide = true },
        { .heading = "ISOLATION", .path = "/spec/isolation", .wide = true },
        { .heading = "COMMUNITY", .path = "/spec/community", .wide = true },
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
              .flags = SCHEMA_SET | SCHEMA_ASSIGNED | SCHEMA_UNSERVED,
              LIST_AT(vmn_port, want_ips), ASSIGNED_AT(vmn_port, ips),
              .assigned_n_offset = offsetof(struct vmn_port, n_ips),
              .max_items = 64,
              .doc = "Its addresses; when absent, one of each subnet is "
                     "allocated." },
            { .name = "enabled", .type = SCHEMA_BOOL,
              AT(vmn_port, enabled), .def = true,
              .doc = "Whether it may send and receive packets." },
            { .name = "quarantined", .type = SCHEMA_BOOL,
              AT(vmn_port, quarantined),
              .writers = SCHEMA_ADMINISTRATORS,
              .doc = "Whether it is cut off, open connections included: a "
                     "quarantine that allows nothing." },
            { .name = "allowed_addresses", .type = SCHEMA_STRUCT,
              .flags = SCHEMA_SET, LIST_AT(vmn_port, allowed_addresses),
              .max_items = 64, .nested = &address_pair,
              .writers = SCHEMA_NETWORK_OWNERS,
              .doc = "Source addresses that it may use besides its own." },
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
              .doc = "The hosts that it may be bound on; claims of others are "
                     "rejected." },
            { .name = "failover", .type = SCHEMA_BOOL,
              AT(vmn_port, failover), .flags = SCHEMA_HIDE_DEFAULT,
              .doc = "Whether another of `hosts` that has its interface "
                     "takes over when its host is silent." },
            { .name = "migration", .type = SCHEMA_STRUCT,
              AT(vmn_port, migration), .nested = &migration,
              .doc = "A migration of its VM that is asked for; when it is "
                     "over, this goes." },
            { .name = "iface_id", .type = SCHEMA_STRING,
              AT(vmn_port, iface_id), .flags = SCHEMA_NAME_DEFAULT,
              .max = VMN_NAME_LEN, .check = value_check_iface_id,
              .doc = "external_ids:iface-id of its interface, 1 to 63 "
                     "of `A-Z a-z 0-9 . _ -`; its name when absent.  On a "
                     "host whose datapath is netdev, the interface is one "
                     "whose VM computes checksums itself." },
            { .name = "dhcp_options", .type = SCHEMA_STRUCT,
              AT(vmn_port, dhcp_options),
              .nested = &schema_port_dhcp_options,
              .doc = "Its DHCP options, which override those of its subnet "
                     "and its network." },
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
              .doc = "Whether unknown addresses may be behind it, which "
                     "switches learn." },
            { .name = "dhcp_server", .type = SCHEMA_BOOL,
              AT(vmn_port, dhcp_server), .flags = SCHEMA_HIDE_DEFAULT,
              .writers = SCHEMA_NETWORK_OWNERS,
              .doc = "Whether its guest may be a DHCP or DHCPv6 server.  "
                     "Requests of its network's guests that have no address "
                     "reach it." },
            { .name = "isolation", .type = SCHEMA_ENUM,
              AT(vmn_port, isolation), .flags = SCHEMA_HIDE_DEFAULT,
              .names = NAMES("network", "promiscuous", "isolated",
                             "community"),
              .writers = SCHEMA_NETWORK_OWNERS,
              .doc = "With which ports of its network it talks, where that "
                     "has `isolation`: all (`promiscuous`), promiscuous ones "
                     "alone (`isolated`), these and those of its community; "
                     "`network`: as the network says." },
            { .name = "community", .type = SCHEMA_STRING,
              AT(vmn_port, community), .max = VMN_NAME_LEN,
              .check = value_check_name,
              .writers = SCHEMA_NETWORK_OWNERS,
              .doc = "The name of its community, of ports of its network." },
            { .name = "connection_limit", .type = SCHEMA_STRUCT,
              AT(vmn_port, connection_limit),
              .nested = &schema_client_limit,
              .absent = "500 a second and 1,000 at once for a port that an "
                        "account with a scope makes, else none",
              .doc = "How many connections its guest may open; of this and "
                     "its host's the lower one holds.  Accounts with a scope "
                     "can lower it, and raise it up to the default." },
            { .name = "resources", .type = SCHEMA_STRUCT,
              AT(vmn_port, resources), .nested = &resources,
              .doc = "What its VM needs of its host's `capacity`; of a VM "
                     "with several ports one says it, or each says all of "
                     "it." },
            { .name = NULL },
        },
        .finish = finish_port,
    },
};
