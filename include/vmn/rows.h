/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that apps read: what was asked for (desired tables) and what hosts
 * report (observed tables).  A row never changes: a change makes a new row, so
 * a pointer read during a compile stays valid until that compile ends.
 *
 * Apps read 'labels' by vmn_labels_of() only, and 'description' not at all: a
 * change of these alone does not call them again.
 *
 * Members only get added, at the end of a row or of an element of an array
 * (VMN_ELEMENTS()), or in place of what is reserved in a struct that rows
 * hold. */

#ifndef VMN_ROWS_H
#define VMN_ROWS_H 1

#include "vmn/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Types of rows.  The values of those that hosts report begin at 128, so that
 * there is room for more of those that are asked for.  0 is none. */
enum vmn_row_type {
    /* Desired. */
    VMN_ROW_HOST = 1,
    VMN_ROW_NETWORK = 2,
    VMN_ROW_PORT = 3,
    VMN_ROW_GROUP = 4,
    VMN_ROW_SERVICE = 5,
    VMN_ROW_TIER = 6,
    VMN_ROW_POLICY = 7,
    VMN_ROW_QUARANTINE = 8,
    VMN_ROW_LOADBALANCER = 9,
    VMN_ROW_ROUTER = 10,
    VMN_ROW_FLOATING_IP = 11,
    VMN_ROW_DNS_ZONE = 12,
    VMN_ROW_OBSERVATION = 13,   /* Named as the network. */
    /* Observed. */
    VMN_ROW_BINDING = 128,      /* Named as the port. */
    VMN_ROW_UNDERLAY = 129,     /* Named as the host. */
    VMN_ROW_HEALTH = 130,       /* Named BALANCER/PORT, or @TARGET/PORT. */
    VMN_ROW_VIF = 131,          /* Named HOST/IFACE-ID. */
    VMN_ROW_FQDN = 132,         /* Named as what was resolved. */
    VMN_ROW_WITHDRAWAL = 133,   /* Named networks/NETWORK or ports/PORT. */
};

/* Head of every row. */
struct vmn_row {
    const char *name;
    uint32_t table;             /* The controller's own. */
};

/* Hosts and networks.  ---------------------------------------------------- */

/* In which encapsulation a host receives tunnelled packets. */
enum vmn_encap { VMN_ENCAP_VXLAN = 0, VMN_ENCAP_GENEVE = 1 };
/* Whose datapath a bridge is on: the kernel's, or the userspace one. */
enum vmn_datapath { VMN_DATAPATH_SYSTEM = 0, VMN_DATAPATH_NETDEV = 1 };
/* Which DSCP a host gives packets of tunnels (RFC 2983): 0, or that of what
 * they carry. */
enum vmn_tunnel_dscp { VMN_TUNNEL_DSCP_ZERO = 0, VMN_TUNNEL_DSCP_INHERIT = 1 };

/* By which bridge of a host a physical network is reached. */
struct vmn_provider_bridge {
    const char *physical;       /* The physical network's name. */
    const char *bridge;         /* Made by the host's operator. */
};

/* New connections of one client of a balancer, or of one port. */
struct vmn_lb_client_limit {
    uint32_t rate;              /* A second, at each host; 0: any number. */
    uint32_t burst;             /* At once, after a rest; 0: as many. */
};

/* Returns how many connections may be opened at once. */
static inline uint32_t
vmn_lb_burst(const struct vmn_lb_client_limit *limit)
{
    return limit->burst ? limit->burst : limit->rate;
}

/* What a host has for VMs (0: any amount), or one of these needs of its host
 * (0: nothing).  VMN enforces none of it: advice goes by it. */
struct vmn_resources {
    uint32_t vms;               /* Of hosts only: how many. */
    uint32_t vcpus;
    uint32_t memory_mb;         /* MiB. */
    uint32_t disk_gb;           /* GiB. */
    uint32_t reserved[4];       /* 0. */
};

/* A hypervisor. */
struct vmn_host {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *ovsdb;          /* "tcp:..", "ssl:..", "unix:..", "inbound". */
    struct vmn_ip tunnel_ip;    /* VTEP address. */
    enum vmn_encap encap;       /* In which others send to it. */
    const char *bridge;         /* Integration bridge. */
    enum vmn_datapath datapath;
    bool adopt;                 /* May take over a bridge it did not make. */
    struct vmn_ip second_tunnel_ip; /* Of the other family, or none. */
    const char *tunnel_interface; /* Its name, or NULL: not told. */
    size_t n_provider_bridges;
    VMN_ELEMENTS(vmn_provider_bridge) provider_bridges; /* Each bridge once. */
    struct vmn_selector port_selector; /* Ports that may be bound here; text
                                        * NULL: all. */
    /* Of each port that is on it, on its own. */
    struct vmn_lb_client_limit connection_limit;
    uint32_t zone_limit;        /* Connections that each conntrack zone there
                                 * may hold; 0: any number. */
    bool maintenance;           /* Others take over what they can. */
    bool lost;                  /* It is taken to be off: nothing is on it, and
                                 * no flow is for it. */
    enum vmn_tunnel_dscp tunnel_dscp; /* Of what it sends. */
    struct vmn_resources capacity;
};
VMN_ELEMENT_READER(vmn_provider_bridge_at, vmn_host, provider_bridges,
                   vmn_provider_bridge, VMN_ELEMENT_PROVIDER_BRIDGE)

/* Addresses from 'start' to 'end', both of them included. */
struct vmn_ip_range {
    struct vmn_ip start;
    struct vmn_ip end;          /* Perhaps the same. */
};

/* An address that is kept for a port, which there may not be yet. */
struct vmn_reservation {
    struct vmn_ip ip;
    const char *port;           /* Its name. */
};

/* Where to send what is for 'destination'. */
struct vmn_dhcp_route {
    struct vmn_prefix destination;
    struct vmn_ip via;
};

/* A DHCPv4 option as bytes. */
struct vmn_dhcp_option {
    uint32_t code;              /* 1 to 254. */
    const char *hex;            /* Its content: 1 to 255 bytes, as pairs of
                                 * hexadecimal digits. */
};

/* What hosts are told besides their addresses.  A network, its subnets and
 * their ports may each say some of it; the narrower one has the last word,
 * member by member.  Absent: as the wider one says. */
struct vmn_dhcp_options {
    uint32_t lease_time;        /* In seconds; 0: absent. */
    size_t n_dns;               /* Resolvers, the first one first. */
    const struct vmn_ip *dns;
    const char *domain;
    size_t n_search;            /* Domains to look names up in. */
    const char *const *search;
    size_t n_ntp;
    const struct vmn_ip *ntp;
    size_t n_routes;
    VMN_ELEMENTS(vmn_dhcp_route) routes;
    struct vmn_ip boot_server;
    const char *boot_file;
    const char *hostname;       /* Of ports only. */
    size_t n_options;           /* Sorted by code, each code once. */
    VMN_ELEMENTS(vmn_dhcp_option) options;
};
VMN_ELEMENT_READER(vmn_dhcp_route_at, vmn_dhcp_options, routes,
                   vmn_dhcp_route, VMN_ELEMENT_DHCP_ROUTE)
VMN_ELEMENT_READER(vmn_dhcp_option_at, vmn_dhcp_options, options,
                   vmn_dhcp_option, VMN_ELEMENT_DHCP_OPTION)

/* A subnet of a network. */
struct vmn_subnet {
    struct vmn_prefix cidr;
    struct vmn_ip gateway;      /* Kept free by address management; family 0:
                                 * none. */
    size_t n_pools;             /* What is given out; none: all of it. */
    const struct vmn_ip_range *pools; /* Sorted, apart from each other. */
    size_t n_exclude;           /* What of that is not. */
    const struct vmn_ip_range *exclude; /* The same. */
    size_t n_reservations;
    VMN_ELEMENTS(vmn_reservation) reservations; /* Sorted. */
    bool dhcp;                  /* Its addresses go out by DHCP. */
    bool slaac;                 /* IPv6: they follow from MACs. */
    struct vmn_dhcp_options dhcp_options;
};
VMN_ELEMENT_READER(vmn_reservation_at, vmn_subnet, reservations,
                   vmn_reservation, VMN_ELEMENT_RESERVATION)

/* What becomes of packets to ports of a network about which no policy has
 * decided. */
enum vmn_default { VMN_DEFAULT_ALLOW = 0, VMN_DEFAULT_DENY = 1 };

/* What ports of a network are to each other (private VLANs, RFC 5517). */
enum vmn_isolation {
    VMN_ISOLATION_NONE = 0,     /* Of a network: nothing is asked; of a port:
                                 * as the network says. */
    VMN_PROMISCUOUS = 1,        /* Talks with all. */
    VMN_ISOLATED = 2,           /* Only with promiscuous ones. */
    VMN_COMMUNITY = 3,          /* With these, and those of its community.  Not
                                 * of a network. */
};

/* The part of a physical network that is a network here. */
struct vmn_provider {
    const char *physical;       /* As hosts name it, or NULL: none. */
    uint32_t vlan;              /* 1 to 4094, or 0: without a tag. */
    void *reserved[1];          /* NULL. */
};

/* The MTU of an overlay network that says none, where nothing is known of
 * underlays: what VXLAN and Geneve leave of 1500 bytes of IPv4.  See
 * vmn_mtu_of(). */
#define VMN_MTU_DEFAULT 1450

/* The MTU of a provider network that says none: that of Ethernet (RFC 894),
 * which other machines on the physical network have as well.  No tunnel takes
 * the network's own packets.  See vmn_mtu_of(). */
#define VMN_MTU_PROVIDER 1500

/* An isolated layer-2 segment: an overlay, or a provider network, which is on
 * a physical network that others are on, too. */
struct vmn_network {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    uint32_t want_vni;          /* As asked for; 0: give one out. */
    uint32_t vni;               /* In effect, 1 to 2^24-1. */
    size_t n_subnets;
    VMN_ELEMENTS(vmn_subnet) subnets;
    uint32_t mtu;               /* In bytes, as asked for; 0: vmn_mtu_of(). */
    enum vmn_default default_action;
    struct vmn_dhcp_options dhcp_options;
    struct vmn_provider provider; /* 'physical' NULL: it is an overlay. */
    enum vmn_isolation isolation; /* What its ports are that do not say; what
                                   * they say counts only if this is not
                                   * VMN_ISOLATION_NONE. */
};
VMN_ELEMENT_READER(vmn_subnet_at, vmn_network, subnets,
                   vmn_subnet, VMN_ELEMENT_SUBNET)

/* An address pair that a port may also use as its source. */
struct vmn_address_pair {
    struct vmn_prefix ip;
    struct vmn_mac mac;         /* None: the port's own. */
};

/* A migration that is asked for; how far it is is observed. */
struct vmn_port_migration {
    const char *to;             /* The host that the VM is to go to, which may
                                 * have the port besides 'host'; or NULL. */
    bool activated;             /* The VM runs there. */
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
    bool quarantined;           /* See vmn_is_quarantined(). */
    size_t n_allowed_addresses;
    VMN_ELEMENTS(vmn_address_pair) allowed_addresses;
    const char *host;           /* Where it is to run, or NULL: any of 'hosts',
                                 * or anywhere if there are none of these. */
    const char *iface_id;       /* external_ids:iface-id on the host. */
    struct vmn_dhcp_options dhcp_options;
    bool external;              /* A machine on the physical network of its
                                 * provider network: on no host, ever. */
    const char *parent;         /* Of a sub-port: whose interface carries it,
                                 * with a VLAN tag; or NULL. */
    uint32_t vlan;              /* That tag's, 1 to 4094; else 0. */
    bool unknown;               /* There may be others behind it, with
                                 * addresses that no row names. */
    size_t n_hosts;             /* Where alone it may be bound; see 'host'. */
    const char *const *hosts;
    bool failover;              /* To another of 'hosts' when its host is
                                 * silent. */
    struct vmn_port_migration migration;
    enum vmn_isolation isolation; /* See VMN_QUERY_ISOLATION. */
    const char *community;      /* Of VMN_COMMUNITY: its name; else NULL. */
    struct vmn_resources resources; /* Which its VM needs; 'vms' is 0. */
    bool dhcp_server;           /* Its guest may be a DHCP server. */
    /* Of this and that of its host the lower one holds. */
    struct vmn_lb_client_limit connection_limit;
};
VMN_ELEMENT_READER(vmn_address_pair_at, vmn_port, allowed_addresses,
                   vmn_address_pair, VMN_ELEMENT_ADDRESS_PAIR)

/* Policies.  -------------------------------------------------------------- */

/* A set of ports and addresses. */
struct vmn_group {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_selector selector;
    size_t n_groups;            /* Whose members are its own, too. */
    const char *const *groups;
    size_t n_ports;
    const char *const *ports;
    size_t n_cidrs;
    const struct vmn_prefix *cidrs;
    size_t n_except;            /* Left out of 'cidrs'. */
    const struct vmn_prefix *except;
};

/* Protocols of services. */
enum vmn_protocol {
    VMN_PROTO_ANY = 0,
    VMN_PROTO_TCP = 1,
    VMN_PROTO_UDP = 2,
    VMN_PROTO_ICMP = 3,
    VMN_PROTO_SCTP = 4,
    VMN_PROTO_ICMPV6 = 5,
};

/* A protocol with ports (TCP, UDP, SCTP; none: all), or a type and perhaps a
 * code (ICMP of both families). */
struct vmn_service_entry {
    enum vmn_protocol protocol;
    size_t n_ports;             /* Sorted, merged. */
    const struct vmn_port_range *ports;
    int icmp_type;              /* 0 to 255, or -1 for any. */
    int icmp_code;              /* The same. */
    void *reserved[1];          /* NULL. */
};

/* A named set of protocols and ports. */
struct vmn_service {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    size_t n_entries;
    VMN_ELEMENTS(vmn_service_entry) entries;
};
VMN_ELEMENT_READER(vmn_service_entry_at, vmn_service, entries,
                   vmn_service_entry, VMN_ELEMENT_SERVICE_ENTRY)

/* Positions of tiers: of those that are always there, and the last. */
enum {
    VMN_TIER_EMERGENCY = 1,
    VMN_TIER_SECURITY = 5,
    VMN_TIER_PLATFORM = 9,
    VMN_TIER_APPLICATION = 13,
    VMN_TIER_BASELINE = 17,
    VMN_TIER_POSITIONS = 17,
};

/* A step in which policies are evaluated. */
struct vmn_tier {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    uint32_t position;          /* 1 (evaluated first) to VMN_TIER_POSITIONS;
                                 * no two tiers have the same. */
};

/* To the ports that a policy applies to, and from them. */
enum vmn_direction { VMN_INGRESS = 0, VMN_EGRESS = 1, VMN_N_DIRECTIONS };

/* What a rule decides. */
enum vmn_action {
    VMN_ALLOW = 0,
    VMN_DENY = 1,
    VMN_PASS = 2,               /* The next tier decides. */
    VMN_REJECT = 3,             /* Denies, and tells the sender. */
};

/* The other side of a rule: a group, a prefix with exceptions, or a name in
 * DNS. */
struct vmn_peer {
    const char *group;
    struct vmn_prefix cidr;     /* family 0: none. */
    size_t n_except;            /* Inside of 'cidr'. */
    const struct vmn_prefix *except;
    const char *fqdn;           /* For vmn_read_fqdn(); or NULL. */
};

/* A service of a rule: 'service' names one, or 'inline_entry' is it. */
struct vmn_rule_service {
    const char *service;
    struct vmn_service_entry inline_entry;
};

/* Days of the week. */
enum vmn_day { VMN_MONDAY = 0, VMN_SUNDAY = 6, VMN_N_DAYS = 7 };

/* A time of the week. */
struct vmn_window {
    bool days[VMN_N_DAYS];      /* On which it begins. */
    const char *start;          /* "08:00". */
    const char *end;            /* "18:00", or "24:00"; on the day after that
                                 * if it is not later than 'start'. */
    const char *not_before;     /* For vmn_time_from_text(); or NULL. */
    const char *not_after;      /* The same: from then on it is over. */
    const char *timezone;       /* Of 'days', 'start' and 'end', for
                                 * vmn_time_in_zone(); NULL: UTC. */
};

/* A rule of a policy, or of what a quarantine allows. */
struct vmn_rule {
    enum vmn_direction direction;
    enum vmn_action action;
    size_t n_peers;             /* None: everyone. */
    VMN_ELEMENTS(vmn_peer) peers;
    size_t n_services;          /* None: everything. */
    VMN_ELEMENTS(vmn_rule_service) services;
    bool log;                   /* What it decides is told as events. */
    size_t n_windows;           /* None: it is always valid. */
    VMN_ELEMENTS(vmn_window) windows; /* It is valid in each of them. */
};
VMN_ELEMENT_READER(vmn_peer_at, vmn_rule, peers,
                   vmn_peer, VMN_ELEMENT_PEER)
VMN_ELEMENT_READER(vmn_rule_service_at, vmn_rule, services,
                   vmn_rule_service, VMN_ELEMENT_RULE_SERVICE)
VMN_ELEMENT_READER(vmn_window_at, vmn_rule, windows,
                   vmn_window, VMN_ELEMENT_WINDOW)

/* Whether a policy decides, or only counts what it would decide. */
enum vmn_mode { VMN_ENFORCE = 0, VMN_SHADOW = 1 };

/* What becomes of open connections where something changes. */
enum vmn_on_change {
    VMN_RECHECK = 0,            /* They are judged anew. */
    VMN_KEEP = 1,               /* They go on. */
};

/* An ordered list of rules for the ports of some groups. */
struct vmn_policy {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *tier;           /* A tier's name. */
    uint32_t priority;          /* 0 (evaluated first) to 999. */
    size_t n_applies_to;        /* Groups. */
    const char *const *applies_to;
    bool isolates[VMN_N_DIRECTIONS]; /* From 'directions'. */
    size_t n_rules;
    VMN_ELEMENTS(vmn_rule) rules;
    enum vmn_on_change on_change; /* Of open connections that it allowed. */
    enum vmn_mode mode;
};
VMN_ELEMENT_READER(vmn_policy_rule_at, vmn_policy, rules,
                   vmn_rule, VMN_ELEMENT_RULE)

/* Where a policy's rules of one direction stand, one after the other.  Levels
 * are dealt out in turns; in each there is one for denials and rejections, and
 * one for what is let through.  In the tier application, whose policies of
 * equal priority are united, there are five: for denials, rejections,
 * permissions, permissions whose connections are kept, and passes.  A rule
 * stays on the level of the one before it if both have the same action, and
 * else goes on to the next of its kind.  The lower level decides. */
#define VMN_POLICY_LEVELS 65

/* Where the rules are that vmn_level_next() has counted; zeros before the
 * first. */
struct vmn_level {
    bool started;
    enum vmn_action action;     /* Of the rule before. */
    unsigned level;
};

/* Goes on to the next rule.  Returns false if it is beyond the last level. */
static inline bool
vmn_level_next(struct vmn_level *level, bool united, enum vmn_action action,
               bool keep)
{
    unsigned n_kinds = united ? 5 : 2;
    unsigned kind = (action == VMN_DENY ? 0
                     : action == VMN_REJECT ? united
                     : !united ? 1 : action == VMN_PASS ? 4 : keep ? 3 : 2);

    if (!level->started) {
        level->level = kind;
    } else if (action != level->action) {
        do {
            level->level++;
        } while (level->level % n_kinds != kind);
    }
    level->started = true;
    level->action = action;
    return level->level < VMN_POLICY_LEVELS;
}

/* Ports that are cut off, but for what 'allow' lists. */
struct vmn_quarantine {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_selector selector;
    size_t n_ports;             /* More of them, by name. */
    const char *const *ports;
    size_t n_allow;
    VMN_ELEMENTS(vmn_rule) allow; /* All of them allow. */
};
VMN_ELEMENT_READER(vmn_quarantine_rule_at, vmn_quarantine, allow,
                   vmn_rule, VMN_ELEMENT_RULE)

#include "vmn/rows-balancers.h"

/* Routers.  --------------------------------------------------------------- */

/* A router in one of its networks. */
struct vmn_router_interface {
    const char *network;
    size_t n_addresses;         /* None: vmn_interface_addresses(). */
    const struct vmn_ip *addresses;
};

/* Where a router sends what is for 'destination' (and from 'source', where
 * that is given).  The longest destination wins, then the longest source. */
struct vmn_route {
    struct vmn_prefix destination;
    struct vmn_prefix source;   /* Family 0: everybody. */
    size_t n_via;               /* Next hops; several share the connections. */
    const struct vmn_ip *via;
    bool blackhole;             /* Nowhere; 'via' is empty. */
};

/* A host by which a router reaches its external network. */
struct vmn_gateway {
    const char *host;
    uint32_t priority;          /* 0 to 999; the lowest that is there. */
};

/* What is sent to one port of an external address comes to a port. */
struct vmn_forward {
    struct vmn_ip address;      /* Of the router's; family 0: the first. */
    enum vmn_protocol protocol; /* TCP or UDP. */
    uint16_t port;
    const char *to;             /* The port's name. */
    uint16_t target;            /* There. */
};

/* How a router reaches what is outside. */
struct vmn_external {
    const char *network;        /* A provider network, or NULL: not at all. */
    size_t n_addresses;         /* Its own there; those of IPv4 are first. */
    const struct vmn_ip *addresses;
    size_t n_gateways;          /* Each host once. */
    VMN_ELEMENTS(vmn_gateway) gateways;
    bool routed;                /* What goes out keeps its source; else it is
                                 * from the first of 'addresses' that is of
                                 * its family... */
    size_t n_exempt;            /* ...unless it goes to one of these. */
    const struct vmn_prefix *exempt;
    size_t n_forwards;          /* Each address, protocol and port once. */
    VMN_ELEMENTS(vmn_forward) forwards;
    uint32_t port_shares;       /* Parts of the source ports below 32768 that
                                 * NAT gives out, of which each sender has one:
                                 * 2, 4, ...; 1: they are not divided; 0:
                                 * VMN_PORT_SHARES_DEFAULT. */
    bool strict_port_shares;    /* Those from 32768 on are divided, too. */
    void *reserved[4];          /* NULL. */
};
VMN_ELEMENT_READER(vmn_gateway_at, vmn_external, gateways,
                   vmn_gateway, VMN_ELEMENT_GATEWAY)
VMN_ELEMENT_READER(vmn_forward_at, vmn_external, forwards,
                   vmn_forward, VMN_ELEMENT_FORWARD)

/* The most port shares that a router may ask for, and how many it has
 * otherwise. */
#define VMN_PORT_SHARES_MAX 64
#define VMN_PORT_SHARES_DEFAULT 16

/* Returns the address that a forward is for. */
static inline const struct vmn_ip *
vmn_forward_address(const struct vmn_external *external,
                    const struct vmn_forward *forward)
{
    return (forward->address.family ? &forward->address
            : &external->addresses[0]);
}

/* Joins networks. */
struct vmn_router {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_mac want_mac;    /* As asked for, or none. */
    struct vmn_mac mac;         /* In effect, in all of its networks. */
    size_t n_interfaces;        /* Each network once. */
    VMN_ELEMENTS(vmn_router_interface) interfaces;
    size_t n_routes;            /* Each destination and source once. */
    VMN_ELEMENTS(vmn_route) routes;
    struct vmn_external external;
};
VMN_ELEMENT_READER(vmn_router_interface_at, vmn_router, interfaces,
                   vmn_router_interface, VMN_ELEMENT_ROUTER_INTERFACE)
VMN_ELEMENT_READER(vmn_route_at, vmn_router, routes,
                   vmn_route, VMN_ELEMENT_ROUTE)

/* An address of a router's external network that is a port's: what is sent
 * there comes to the port, and what the port sends out comes from there.  Or
 * that is a balancer's virtual IP. */
struct vmn_floating_ip {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *router;
    struct vmn_ip ip;
    const char *port;           /* One of a family at most; or NULL... */
    const char *load_balancer;  /* ...and it is this one's. */
};

/* Most addresses of an interface, and most subnets of a network. */
#define VMN_ADDRESSES_MAX 16

/* Copies the addresses of an interface whose network is 'network' to
 * 'addresses': those that it lists, or if it lists none, the gateways of the
 * subnets.  Returns how many. */
static inline size_t
vmn_interface_addresses(const struct vmn_router_interface *interface,
                        const struct vmn_network *network,
                        struct vmn_ip addresses[VMN_ADDRESSES_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < interface->n_addresses && i < VMN_ADDRESSES_MAX;
         i++) {
        addresses[n++] = interface->addresses[i];
    }
    if (n) {
        return n;
    }
    for (size_t i = 0; i < network->n_subnets && i < VMN_ADDRESSES_MAX; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        if (subnet->gateway.family) {
            addresses[n++] = subnet->gateway;
        }
    }
    return n;
}

/* Names and observations.  ------------------------------------------------ */

/* Types of records of a zone. */
enum vmn_dns_type {
    VMN_DNS_TYPE_A = 0,
    VMN_DNS_TYPE_AAAA = 1,
    VMN_DNS_TYPE_CNAME = 2,
    VMN_DNS_TYPE_SRV = 3,
    VMN_DNS_TYPE_PTR = 4,
};

/* Records of one name and type. */
struct vmn_dns_record {
    const char *name;           /* In the zone, "@" for the zone itself; of PTR
                                 * an address. */
    enum vmn_dns_type type;
    uint32_t ttl;               /* In seconds; 0: the zone's. */
    size_t n_values;            /* Checked as to the type: addresses, a name,
                                 * or "PRIORITY WEIGHT PORT NAME". */
    const char *const *values;
};

/* Names for the ports of some networks. */
struct vmn_dns_zone {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *domain;         /* In small letters. */
    size_t n_networks;          /* Whose ports may ask, and have names. */
    const char *const *networks;
    bool ports;                 /* Whether they have names, and balancers. */
    uint32_t ttl;               /* In seconds. */
    size_t n_records;
    VMN_ELEMENTS(vmn_dns_record) records; /* In the order of
                                 * vmn_dns_compare_names(), PTR at the end. */
};
VMN_ELEMENT_READER(vmn_dns_record_at, vmn_dns_zone, records,
                   vmn_dns_record, VMN_ELEMENT_DNS_RECORD)

/* The connections in a network are learned for some time
 * (vmn_act_learn_connection()). */
struct vmn_observation {
    struct vmn_row row;         /* Named as the network. */
    const char *description;
    struct vmn_labels labels;
    uint32_t minutes;           /* Since it was made; then it is deleted. */
};

#include "vmn/rows-observed.h"

#ifdef __cplusplus
}
#endif

#endif /* vmn/rows.h */
