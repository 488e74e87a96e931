/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller's tables, and the rows that are its own: no app reads
 * accounts, tokens with their hashes, quotas, telemetries, or which apps are
 * on.  Rows that apps read are in vmn/rows.h, whose numbers of types are the
 * plugin ABI's; those here are free to change (schema_table_of()). */

#ifndef CONTROLLER_SCHEMA_TABLES_H
#define CONTROLLER_SCHEMA_TABLES_H 1

#include "vmn/rows.h"

enum vmn_table {
    /* Desired. */
    VMN_TABLE_HOST,
    VMN_TABLE_NETWORK,
    VMN_TABLE_PORT,
    VMN_TABLE_GROUP,
    VMN_TABLE_SERVICE,
    VMN_TABLE_TIER,
    VMN_TABLE_POLICY,
    VMN_TABLE_QUARANTINE,
    VMN_TABLE_LOADBALANCER,
    VMN_TABLE_APP,
    VMN_TABLE_ROUTER,
    VMN_TABLE_FLOATING_IP,
    VMN_TABLE_DNS_ZONE,
    VMN_TABLE_OBSERVATION,      /* Named as the network. */
    VMN_TABLE_ACCOUNT,
    VMN_TABLE_TOKEN,
    VMN_TABLE_TELEMETRY,
    VMN_TABLE_QUOTA,
    /* Observed. */
    VMN_TABLE_BINDING,          /* Named as the port.  Stored. */
    VMN_TABLE_UNDERLAY,         /* Named as the host.  Stored. */
    VMN_TABLE_HEALTH,           /* Named BALANCER/PORT.  Stored. */
    VMN_TABLE_VIF,              /* Named HOST/IFACE-ID.  Volatile. */
    VMN_N_TABLES
};

/* Who is told of packets by sFlow; nobody if there is no target.  Of the
 * numbers, 0 is what Open vSwitch does by itself. */
struct vmn_sflow {
    size_t n_targets;
    const char *const *targets; /* "ADDRESS:PORT". */
    const char *agent;          /* An interface of the host, or NULL. */
    uint32_t sampling;          /* One packet in so many. */
    uint32_t polling;           /* Seconds between counters. */
    uint32_t header;            /* Bytes of a packet. */
};

/* The same by IPFIX. */
struct vmn_ipfix {
    size_t n_targets;
    const char *const *targets;
    uint32_t sampling;
    uint32_t obs_domain_id, obs_point_id;
    uint32_t cache_active_timeout; /* Seconds; 0: no cache. */
    uint32_t cache_max_flows;
};

/* What hosts tell collectors of the packets on their integration bridges. */
struct vmn_telemetry {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_selector selector; /* Of hosts; none: all. */
    struct vmn_sflow sflow;
    struct vmn_ipfix ipfix;
};

enum vmn_role { VMN_ROLE_VIEWER, VMN_ROLE_OPERATOR, VMN_ROLE_ADMIN };

/* Who may use the API. */
struct vmn_account {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    enum vmn_role role;
    bool enabled;
    bool certificate;           /* Proven by a client certificate. */
    struct vmn_selector scope;  /* Of what it sees and changes; text NULL:
                                 * everything. */
    struct vmn_selector reads;  /* What it sees besides; text NULL: nothing. */
    /* Of an account with a scope: the tiers that its policies may be in (none:
     * "application"), and how iface_ids of its ports begin (NULL: they are the
     * ports' names). */
    size_t n_tiers;
    const char *const *tiers;
    const char *iface_ids;
};

/* What objects with some labels may be at most, of which accounts with a scope
 * make more.  -1: no limit. */
struct vmn_quota {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_selector scope;  /* Of the objects that count. */
    int networks, ports, groups, services, policies, quarantines;
    int loadbalancers, routers, floating_ips, dns_zones, observations;
    int addresses;              /* Of ports and balancers, and floating. */
    int members;                /* Of groups, quarantines and balancers;
                                 * records of zones, entries of services,
                                 * forwards of routers. */
    int rules;                  /* With their peers and services; routes. */
    int requests;               /* A second, of all accounts within 'scope'. */
    int flows_per_host;         /* And groups, that the objects cause there. */
};

/* What proves an account. */
struct vmn_token {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    const char *account;
    const char *expires;        /* As RFC 3339 writes it, or NULL: never. */
    const char *sha256;         /* Of the whole token, in hexadecimal. */
};

/* A loaded app.  Every app has such a row. */
struct vmn_app_row {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    bool enabled;
};

#endif /* controller/schema/tables.h */
