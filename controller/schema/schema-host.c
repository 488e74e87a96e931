/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts; see schema.h. */

#include <config.h>

#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "util.h"

static const struct schema_struct provider_bridge = {
    .name = "bridge", .size = sizeof(struct vmn_provider_bridge),
    .fields = FIELDS {
        { .name = "physical", .type = SCHEMA_STRING,
          AT(vmn_provider_bridge, physical),
          .flags = SCHEMA_REQUIRED | SCHEMA_KEY, .max = VALUE_PHYSICAL_LEN,
          .check = value_check_physical,
          .doc = "The physical network: a name that hosts share, 1 to 32 of "
                 "`a-z 0-9 . -`." },
        { .name = "bridge", .type = SCHEMA_STRING,
          AT(vmn_provider_bridge, bridge), .flags = SCHEMA_REQUIRED,
          .max = 15, .check = value_check_bridge,
          .doc = "The bridge of the host's Open vSwitch that the network's "
                 "interface is in; made by the host's operator." },
        { .name = NULL },
    },
};

static const struct schema_struct capacity = {
    .name = "capacity", .size = sizeof(struct vmn_resources),
    .fields = FIELDS {
        { .name = "vms", .type = SCHEMA_U32, AT(vmn_resources, vms),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = VALUE_VMS_MAX,
          .absent = "any number",
          .doc = "How many VMs." },
        { .name = "vcpus", .type = SCHEMA_U32, AT(vmn_resources, vcpus),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = VALUE_RESOURCE_MAX,
          .absent = "any number",
          .doc = "Virtual CPUs of all of them; more than the host has where "
                 "it shares them out (OpenStack: cpu_allocation_ratio)." },
        { .name = "memory_mb", .type = SCHEMA_U32,
          AT(vmn_resources, memory_mb),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = VALUE_RESOURCE_MAX,
          .absent = "any amount",
          .doc = "Memory of all of them, in MiB." },
        { .name = "disk_gb", .type = SCHEMA_U32, AT(vmn_resources, disk_gb),
          .flags = SCHEMA_HIDE_DEFAULT, .min = 1, .max = VALUE_RESOURCE_MAX,
          .absent = "any amount",
          .doc = "Local disk of all of them, in GiB." },
        { .name = NULL },
    },
};

static void
finish_host(void *host_, const json_t *json OVS_UNUSED,
                   const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_host *host = host_;

    for (size_t i = 0; i < host->n_provider_bridges; i++) {
        const char *bridge = host->provider_bridges[i].bridge;

        if (!strcmp(bridge, host->bridge)) {
            add_error(errors, pointer, "provider_bridges",
                      "must not name the integration bridge: \"%s\"", bridge);
        }
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(bridge, host->provider_bridges[j].bridge)) {
                add_error(errors, pointer, "provider_bridges",
                          "must name each \"bridge\" once: \"%s\" appears "
                          "twice", bridge);
            }
        }
    }
}

static const struct schema_example examples[] = {
    EXAMPLE("hv1", {
        "ovsdb": "ssl:192.0.2.11:6640", "tunnel_ip": "192.0.2.11",
        "encap": "geneve",
        "provider_bridges": [{"physical": "dc", "bridge": "br-ex"}]}),
    { .name = NULL },
};

const struct schema_table schema_host = {
    .id = VMN_TABLE_HOST, .row_type = VMN_ROW_HOST,
    .plural = "hosts", .singular = "host",
    .kind = "Host", .stored = true, .unscoped = true, .max_rows = 3000,
    .named_as = VMN_N_TABLES, .check_name = value_check_name,
    .everyone_sees = true,
    .for_admins = true,
    .examples = examples,
    .doc = "A hypervisor that runs Open vSwitch.",
    .status = &schema_status_host,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "STATE", .path = "/status/state" },
        { .heading = "TUNNEL-IP", .path = "/spec/tunnel_ip" },
        { .heading = "PORTS", .path = "/status/ports" },
        { .heading = "UNCLAIMED", .path = "/status/unclaimed",
          .wide = true },
        { .heading = "FLOWS", .path = "/status/flows" },
        { .heading = "GROUPS", .path = "/status/groups", .wide = true },
        { .heading = "REVISION", .path = "/status/revision" },
        { .heading = "BEHIND", .path = "/status/lag" },
        { .heading = "OUTSTANDING", .path = "/status/openflow" },
        { .heading = "BACKLOG", .path = "/status/openflow/backlog" },
        { .heading = "AUDITED", .path = "/status/audit/time" },
        { .heading = "DRIFT", .path = "/status/audit" },
        { .heading = "OVSDB", .path = "/spec/ovsdb", .wide = true },
        { .heading = "BRIDGE", .path = "/spec/bridge", .wide = true },
        { .heading = "MAINTENANCE", .path = "/status/maintenance/state",
          .wide = true },
        { .heading = "REASON", .path = "/status/reason" },
        { .heading = NULL },
    },
    .row = {
        .name = "host", .size = sizeof(struct vmn_host),
        .fields = FIELDS {
            COMMON(vmn_host),
            { .name = "ovsdb", .type = SCHEMA_STRING,
              AT(vmn_host, ovsdb), .flags = SCHEMA_REQUIRED, .max = 300,
              .check = value_check_ovsdb,
              .doc = "How its database is reached: tcp:HOST:PORT, "
                     "ssl:HOST:PORT, unix:/PATH, or inbound when the "
                     "host connects here, which opens no port on it.  No two "
                     "hosts are reached at the same address." },
            { .name = "tunnel_ip", .type = SCHEMA_IP,
              AT(vmn_host, tunnel_ip), .flags = SCHEMA_REQUIRED,
              .doc = "Where other hosts send tunnelled packets: a unicast "
                     "address, and of IPv6 none that is link-local.  Those "
                     "of 127.0.0.0/8 are taken, for several switches of one "
                     "machine; no other machine reaches them." },
            { .name = "second_tunnel_ip", .type = SCHEMA_IP,
              AT(vmn_host, second_tunnel_ip),
              .doc = "A second address, for hosts that have only one of the "
                     "other family: IPv6 if tunnel_ip is IPv4, and the other "
                     "way round." },
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
            { .name = "tunnel_dscp", .type = SCHEMA_ENUM,
              AT(vmn_host, tunnel_dscp), .flags = SCHEMA_HIDE_DEFAULT,
              .names = NAMES("zero", "inherit"),
              .doc = "The DSCP of tunnel packets that it sends: 0, or that "
                     "of the packets in them (OVN: ovn-encap-tos)." },
            { .name = "bridge", .type = SCHEMA_STRING,
              AT(vmn_host, bridge), .max = 15, .def_text = "br-int",
              .check = value_check_bridge,
              .doc = "The integration bridge." },
            { .name = "datapath", .type = SCHEMA_ENUM,
              AT(vmn_host, datapath),
              .names = NAMES("system", "netdev"),
              .doc = "The bridge's datapath: the kernel's, or ovs-vswitchd's "
                     "own.  With netdev, VMs compute checksums "
                     "themselves (libvirt: csum='off'): TCP and UDP "
                     "without are dropped as \"invalid state\"." },
            { .name = "adopt", .type = SCHEMA_BOOL, AT(vmn_host, adopt),
              .doc = "Take over a bridge that already exists." },
            { .name = "provider_bridges", .type = SCHEMA_STRUCT,
              .flags = SCHEMA_SET, LIST_AT(vmn_host, provider_bridges),
              .max_items = 16, .nested = &provider_bridge,
              .doc = "Bridges to physical networks (OVN: bridge mappings)." },
            { .name = "port_selector", .type = SCHEMA_SELECTOR,
              AT(vmn_host, port_selector),
              .reach = SCHEMA_ACTS,
              .doc = "The ports that may be bound on it, by their "
                     "labels; all when absent." },
            { .name = "connection_limit", .type = SCHEMA_STRUCT,
              AT(vmn_host, connection_limit),
              .nested = &schema_client_limit,
              .doc = "How many connections each port on it may open; "
                     "unlimited when absent." },
            { .name = "zone_limit", .type = SCHEMA_U32,
              AT(vmn_host, zone_limit), .flags = SCHEMA_HIDE_DEFAULT,
              .min = 1, .max = UINT32_MAX,
              .absent = "no limit",
              .doc = "How many connections may be open at a time in each "
                     "of its conntrack zones, such as that of a routing "
                     "domain; needs Open vSwitch 3.3." },
            { .name = "maintenance", .type = SCHEMA_BOOL,
              AT(vmn_host, maintenance), .flags = SCHEMA_HIDE_DEFAULT,
              .doc = "It is being emptied: another host of a router's "
                     "gateways takes over, and backends on it drain while "
                     "others serve.  Its VMs are the VM manager's to move; "
                     "the status says what is left." },
            { .name = "lost", .type = SCHEMA_BOOL,
              AT(vmn_host, lost), .flags = SCHEMA_HIDE_DEFAULT,
              .doc = "It is declared lost: its ports are bound on it no "
                     "longer, so that others may have them at once, nothing "
                     "is sent to it, and if it comes back it gets no flow, "
                     "whatever runs on it." },
            { .name = "capacity", .type = SCHEMA_STRUCT,
              AT(vmn_host, capacity), .nested = &capacity,
              .doc = "What it has for VMs: advice on where these are to be "
                     "keeps to it." },
            { .name = NULL },
        },
        .finish = finish_host,
    },
};
