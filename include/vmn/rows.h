/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that apps read: what was asked for (desired tables) and what hosts
 * report (observed tables).  A row never changes: a change makes a new row, so
 * a pointer read during a compile stays valid until that compile ends.
 *
 * Members only get added, at the end of a struct. */

#ifndef VMN_ROWS_H
#define VMN_ROWS_H 1

#include "vmn/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum vmn_table {
    /* Desired. */
    VMN_TABLE_HOST,
    VMN_TABLE_NETWORK,
    VMN_TABLE_PORT,
    VMN_TABLE_GROUP,
    VMN_TABLE_SERVICE,
    VMN_TABLE_POLICY,
    VMN_TABLE_LOADBALANCER,
    VMN_TABLE_APP,
    /* Observed. */
    VMN_TABLE_BINDING,          /* Named as the port. Stored. */
    VMN_TABLE_VIF,              /* Named HOST/IFACE-ID.  Volatile. */
    VMN_N_TABLES
};

/* Head of every row. */
struct vmn_row {
    const char *name;
    enum vmn_table table;
};

enum vmn_encap { VMN_ENCAP_VXLAN };
enum vmn_datapath { VMN_DATAPATH_SYSTEM, VMN_DATAPATH_NETDEV };

/* A hypervisor. */
struct vmn_host {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *ovsdb;          /* "tcp:..", "ssl:..", "unix:..", "inbound". */
    struct vmn_ip tunnel_ip;    /* VTEP address. */
    enum vmn_encap encap;
    const char *bridge;         /* Integration bridge. */
    enum vmn_datapath datapath;
    bool adopt;                 /* May take over a bridge it did not make. */
};

struct vmn_subnet {
    struct vmn_prefix cidr;
    struct vmn_ip gateway;      /* Kept free by address management. */
};

enum vmn_default { VMN_DEFAULT_ALLOW, VMN_DEFAULT_DENY };

/* An isolated layer-2 segment. */
struct vmn_network {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    uint32_t want_vni;          /* As asked for; 0: give one out. */
    uint32_t vni;               /* In effect, 1 to 2^24-1. */
    size_t n_subnets;
    const struct vmn_subnet *subnets;
    uint32_t mtu;               /* In bytes. */
    enum vmn_default default_action;
};

/* An address pair that a port may also use as its source. */
struct vmn_address_pair {
    struct vmn_prefix ip;
    struct vmn_mac mac;         /* None: the port's own. */
};

/* A VM's interface. */
struct vmn_port {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *network;
    struct vmn_mac want_mac;    /* As asked for, or none. */
    struct vmn_mac mac;         /* In effect. */
    size_t n_want_ips;          /* As asked for. */
    const struct vmn_ip *want_ips;
    size_t n_ips;               /* In effect. */
    const struct vmn_ip *ips;
    bool enabled;
    bool quarantined;
    size_t n_allowed_addresses;
    const struct vmn_address_pair *allowed_addresses;
    const char *host;           /* Where it is to run, or NULL: anywhere. */
    const char *iface_id;       /* external_ids:iface-id on the host. */
};

/* A set of ports and addresses. */
struct vmn_group {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_selector selector;
    size_t n_ports;
    const char *const *ports;
    size_t n_cidrs;
    const struct vmn_prefix *cidrs;
};

enum vmn_protocol {
    VMN_PROTO_ANY,
    VMN_PROTO_TCP,
    VMN_PROTO_UDP,
    VMN_PROTO_ICMP,
};

/* A protocol with ports (TCP, UDP; none: all) or a type (ICMP). */
struct vmn_service_entry {
    enum vmn_protocol protocol;
    size_t n_ports;             /* Sorted, merged. */
    const struct vmn_port_range *ports;
    int icmp_type;              /* 0 to 255, or -1 for any. */
};

struct vmn_service {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    size_t n_entries;
    const struct vmn_service_entry *entries;
};

enum vmn_tier {
    VMN_TIER_EMERGENCY,
    VMN_TIER_SECURITY,
    VMN_TIER_PLATFORM,
    VMN_TIER_APPLICATION,
    VMN_TIER_BASELINE,
    VMN_N_TIERS
};

enum vmn_direction { VMN_INGRESS, VMN_EGRESS, VMN_N_DIRECTIONS };
enum vmn_action { VMN_ALLOW, VMN_DENY, VMN_PASS };

/* The other side of a rule: exactly one of the members is set. */
struct vmn_peer {
    const char *group;
    struct vmn_prefix cidr;     /* family 0: none. */
};

/* A service of a rule: 'service' names one, or 'inline_entry' is it. */
struct vmn_rule_service {
    const char *service;
    struct vmn_service_entry inline_entry;
};

struct vmn_rule {
    enum vmn_direction direction;
    enum vmn_action action;
    size_t n_peers;             /* None: everyone. */
    const struct vmn_peer *peers;
    size_t n_services;          /* None: everything. */
    const struct vmn_rule_service *services;
};

/* An ordered list of rules for the ports of some groups. */
struct vmn_policy {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    enum vmn_tier tier;
    uint32_t priority;          /* 0 (evaluated first) to 999. */
    size_t n_applies_to;        /* Groups. */
    const char *const *applies_to;
    bool isolates[VMN_N_DIRECTIONS]; /* From 'directions'. */
    size_t n_rules;
    const struct vmn_rule *rules;
};

struct vmn_lb_port {
    uint16_t port;              /* On the VIP. */
    uint16_t target;            /* On the backend. */
};

struct vmn_backend {
    const char *port;           /* A port's name. */
    uint32_t weight;            /* 0 (none) to 100. */
};

/* A virtual IP. */
struct vmn_loadbalancer {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_ip vip;
    size_t n_networks;          /* Where it is offered. */
    const char *const *networks;
    enum vmn_protocol protocol; /* TCP or UDP. */
    size_t n_ports;
    const struct vmn_lb_port *ports;
    size_t n_backends;
    const struct vmn_backend *backends;
    struct vmn_selector selector; /* More backends, of weight 1. */
};

/* A loaded app.  Every app has such a row. */
struct vmn_app_row {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    bool enabled;
};

/* Where a port is.  Stored, since other hosts' flows read it. */
struct vmn_binding {
    struct vmn_row row;         /* Named as the port. */
    const char *host;           /* Active: where its packets go. */
    const char *candidate;      /* Also claims it, or NULL. */
};

/* An interface on a host that carries an iface-id.  Concerns that host
 * alone, so it is not stored. */
struct vmn_vif {
    struct vmn_row row;         /* HOST/IFACE-ID. */
    const char *host;
    const char *iface_id;
    const char *iface;          /* The Interface's name. */
    uint32_t ofport;            /* OpenFlow port number, never 0. */
    bool link_up;
};

#ifdef __cplusplus
}
#endif

#endif /* vmn/rows.h */
