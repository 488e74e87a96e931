/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of objects, as structs, which schema-status.c describes member by
 * member: the rooms that know them fill them in, and schema-struct.h prints
 * them.  A new member is added here, to the description, and to the function
 * that fills it in.  Members are called as in JSON.  Times are milliseconds
 * since 1970, 0: none.  What a member points to is in the arena of the
 * function that filled in the struct, or borrowed until the next iteration of
 * the loop. */

#ifndef CONTROLLER_SCHEMA_STATUS_H
#define CONTROLLER_SCHEMA_STATUS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/types.h"

struct schema_struct;

/* How far a host is behind. */
extern const struct schema_struct schema_lag;
extern const struct schema_struct schema_audit_owner, schema_status_audit;
extern const struct schema_struct schema_app_flows;
extern const struct schema_struct schema_count;
/* The status of an object of each type: descriptions of the structs. */
extern const struct schema_struct schema_status_cluster;
extern const struct schema_struct schema_status_host;
extern const struct schema_struct schema_status_network;
extern const struct schema_struct schema_status_port;
extern const struct schema_struct schema_status_group;
extern const struct schema_struct schema_status_tier;
extern const struct schema_struct schema_status_policy;
extern const struct schema_struct schema_status_quarantine;
extern const struct schema_struct schema_status_loadbalancer;
extern const struct schema_struct schema_status_observation;
extern const struct schema_struct schema_status_draft;
extern const struct schema_struct schema_status_app;
extern const struct schema_struct schema_status_type;
/* Of objects of the types that apps declare. */
extern const struct schema_struct schema_status_object;
/* The same without what it counts. */
extern const struct schema_struct schema_status_app_scoped;
extern const struct schema_struct schema_status_router;
extern const struct schema_struct schema_status_telemetry;

/* Hosts.  ---------------------------------------------------------------- */

/* A reference to an object. */
struct status_object {
    const char *type, *name;
};

/* How far a host is behind. */
struct status_lag {
    uint64_t revisions;
    uint64_t ms;
};

struct status_openflow {
    const char *state;
    int64_t since;
    const char *peer;           /* Or NULL, as what follows. */
    const char *error;
    uint64_t outstanding_bundles, outstanding_bytes;
    uint64_t queued_bytes;
    uint64_t backlog;
    uint64_t rejected;
    uint64_t stalls;
};

struct status_ovsdb {
    const char *state;
    int64_t since;
    const char *error;          /* Or NULL. */
    bool no_listener;
};

struct status_underlay {
    const char *interface;
    int64_t mtu;                /* 0: unknown, as are the following. */
    int64_t network_mtu;        /* -1: unknown. */
    const char *reason;         /* Or NULL. */
};

/* Of a host in maintenance: what is left on it. */
struct status_maintenance {
    const char *state;          /* A constant. */
    size_t n_routers;
    const char **routers;       /* Whose gateway it is. */
    uint64_t ports;
    size_t n_port_names;        /* The first ones. */
    const char **port_names;
    uint64_t migrating;         /* Of ports that are bound elsewhere, those
                                 * that have it as their other host. */
    size_t n_migrating_names;   /* The first ones. */
    const char **migrating_names;
    uint64_t draining;          /* Backends. */
};

struct status_provider_bridge {
    const char *physical;
    const char *bridge;
    uint32_t ofport;            /* 0: none. */
    const char *reason;         /* Or NULL. */
};

/* An interface by which packets leave a host, with queues. */
struct status_uplink {
    const char *interface;
    uint32_t max_kbps;
    bool active;
    const char *reason;         /* Or NULL. */
};

/* Of a host that others watch by BFD, and that watches them. */
struct status_bfd {
    uint64_t sessions;
    size_t n_down;
    const char **down;          /* The other hosts of those that are. */
    bool cut_off;               /* Those others do not reach it. */
    const char *reason;         /* Or NULL. */
};

struct status_samples {
    bool active;
    const char *reason;         /* Or NULL. */
};

struct status_packet_in_meters {
    bool installed;
    const char *reason;         /* Or NULL. */
    uint64_t dropped;
};

/* An audit's findings for an app, "unknown" or "vmnd". */
struct status_audit_owner {
    const char *name;
    uint64_t missing, altered, unknown, rejected;
};

/* The findings of an audit. */
struct status_audit {
    int64_t time;
    uint64_t flows, groups;     /* Installed ones, without the marker. */
    uint64_t missing;           /* Desired, not installed. */
    uint64_t altered;           /* Installed with other contents. */
    uint64_t unknown;         /* Installed, not desired. */
    uint64_t rejected;           /* Desired, and rejected by the switch. */
    uint64_t skipped;           /* Changed meanwhile: not compared. */
    size_t n_owners;
    struct status_audit_owner *owners;
    size_t n_differences;       /* The first ones, as text. */
    char **differences;
    bool repaired;              /* And the host is synced since. */
};

/* An interface of a VM that no port claims. */
struct status_unclaimed {
    const char *iface_id;
    const char *interface;
    const char *mac;            /* Or NULL. */
    int64_t since;
};

/* Most that the status of a host lists. */
#define STATUS_UNCLAIMED_MAX 100

struct status_host {
    const char *state;
    int64_t since;
    const char *reason;         /* Or NULL. */
    uint64_t flows, groups;
    int64_t ports;              /* -1: the host has no database session, and no
                                 * database status. */
    uint64_t unclaimed;         /* Of these. */
    size_t n_unclaimed_interfaces; /* The first ones. */
    struct status_unclaimed *unclaimed_interfaces; /* NULL: none. */
    uint64_t revision, sent_revision;
    struct status_lag lag;
    struct status_openflow openflow;
    struct status_ovsdb *ovsdb; /* Or NULL, as all that follows. */
    const char *bridge;
    const char *datapath_id;
    const char *ovs_version;
    struct status_underlay *underlay;
    size_t n_provider_bridges;
    struct status_provider_bridge *provider_bridges;
    size_t n_uplinks;
    struct status_uplink *uplinks;
    struct status_bfd *bfd;
    struct status_samples *samples;
    struct status_packet_in_meters *packet_in_meters;
    const struct status_audit *audit;
    size_t n_warnings;
    const char **warnings;      /* NULL: none. */
    struct status_maintenance *maintenance;
};

/* Ports.  ---------------------------------------------------------------- */

struct status_traffic {
    uint64_t sent_packets, sent_bytes;
    uint64_t sent_bytes_per_s;      /* Per second. */
    uint64_t received_packets, received_bytes;
    uint64_t received_bytes_per_s;
};

/* A port that two hosts have. */
struct status_migration {
    const char *state;
    const char *from, *to;
    int64_t since;
    const char *reason;         /* Or NULL. */
};

/* An address that a port's guest has sent from. */
struct status_seen {
    struct vmn_ip ip;
    int64_t last;
    uint64_t packets;
};

/* What a port's guest was told by DHCP. */
struct status_lease {
    struct vmn_ip ip;
    int64_t given;
    int64_t until;              /* 0: for ever. */
};

/* A path to another host that a port's packets take, and that is in
 * trouble. */
struct status_port_path {
    const char *host;
    const char *state;          /* A constant. */
    int64_t since;
    const char *reason;
};

/* What was dropped of a port's packets. */
struct status_port_drop {
    const char *reason;
    const char *direction;      /* Of samples; else NULL. */
    uint64_t packets;           /* By flows of the port itself. */
    uint64_t samples;           /* Of these and others. */
    int64_t last;
};

struct status_backend_change;

/* Whether a port's guest answers. */
struct status_monitor {
    const char *state;
    int64_t since;
    const char *reason;         /* Or NULL. */
    int64_t checked;            /* 0: never, or not since vmnd's start. */
    int64_t latency_us;         /* Of the last answer; 0: not known. */
    uint64_t answered, unanswered;
    size_t n_history;           /* The oldest first. */
    struct status_backend_change *history;
};

struct status_port {
    const char *state;          /* Or NULL, as all texts. */
    int64_t since;              /* Of "unknown"; else 0. */
    const char *reason;
    const char *host;
    const char *candidate;
    struct status_migration *migration; /* Or NULL. */
    size_t n_rejected_claims;
    const char **rejected_claims; /* NULL: none. */
    uint32_t ofport;            /* 0: none. */
    const char *interface;
    const char *link;           /* A constant. */
    struct status_traffic *traffic; /* Or NULL. */
    size_t n_drops;             /* When one is asked for, as the next. */
    struct status_port_drop *drops;
    size_t n_seen;
    struct status_seen *seen;
    size_t n_leases;
    struct status_lease *leases;
    struct status_monitor *monitor; /* Or NULL. */
    size_t n_paths;             /* When one is asked for. */
    struct status_port_path *paths;
    bool quarantined;           /* By anything, also what is not named: */
    size_t n_quarantines;
    const char **quarantines;   /* NULL: none. */
    const char *quarantined_parent; /* Or NULL. */
};

/* Networks and routers.  -------------------------------------------------- */

/* The usage of a subnet, in addresses. */
struct status_subnet {
    struct vmn_prefix cidr;
    uint64_t size, used, free;
};

struct status_network {
    size_t ports;
    uint32_t mtu;               /* 0: not known. */
    size_t n_subnets;
    struct status_subnet *subnets;
};

/* A host that a router lists as a gateway. */
struct status_gateway {
    const char *host;
    const char *state;
    const char *reason;         /* Or NULL. */
};

/* What a router has forwarded. */
struct status_forwarded {
    uint64_t packets, bytes;
    double packets_per_s, bytes_per_s;
    int64_t last;               /* To the second; 0: nothing. */
};

struct status_router {
    const char *domain, *gateway; /* Or NULL. */
    const char *reason;         /* Why there is no 'gateway', or NULL. */
    size_t n_gateways, n_standby;
    struct status_gateway *gateways;
    struct status_forwarded *traffic; /* Or NULL: not of one, or not known. */
    uint64_t unread_hosts;
    int64_t counted;            /* 0: not known. */
};

/* Policies, and what they are about.  ------------------------------------- */

/* Hits on all hosts. */
struct status_count {
    uint64_t packets, bytes;
    int64_t last;               /* To the second. */
};

/* Events of a rule with a log. */
struct status_log {
    uint64_t events, logged, suppressed;
};

struct status_rule {
    struct status_count count;
    struct status_log *log;     /* Or NULL. */
    bool outside;               /* Of its windows. */
};

/* Ports that an object has, sorted by name. */
struct status_members {
    size_t n_listed;
    const char **members;       /* NULL: they are not listed. */
    int64_t n_members;          /* -1: they were not counted. */
    int64_t n_unknown;          /* Of these, on unheard hosts; 0: none, or not
                                 * counted. */
};

struct status_group {
    struct status_members members;
};

struct status_tier {
    struct status_count retained;
    uint64_t unread_hosts;
    int64_t counted;            /* 0: not known. */
};

/* A name in DNS that rules have. */
struct status_fqdn {
    const char *name;
    const char *state;          /* As the row has it, or "pending". */
    size_t n_ips;
    const struct vmn_ip *ips;
    int64_t answered;           /* 0: not known. */
    const char *reason;         /* Or NULL. */
    size_t n_names;
    const char **names;         /* Of a wildcard: those learned.  NULL:
                                 * none. */
};

struct status_policy {
    struct status_count count;
    uint64_t unread_hosts;
    int64_t counted;            /* 0: not known. */
    size_t n_rules;
    struct status_rule *rules;  /* NULL: they are not listed. */
    size_t n_fqdns;
    struct status_fqdn *fqdns;  /* The same. */
    struct status_count *would_isolate; /* Or NULL, as the next. */
    struct status_count *isolated;
};

struct status_quarantine {
    struct status_members members;
    struct status_count count;
    uint64_t unread_hosts;
    int64_t counted;            /* 0: not known. */
    size_t n_allow;
    struct status_count *allow; /* NULL: they are not listed. */
};

/* A field that a draft changes and that has become another one since. */
struct status_draft_conflict {
    uint64_t change;            /* The index of the change. */
    const char *type, *name;
    const char *path;           /* Of the field; "": of the object as such. */
    const char *base, *now, *draft; /* JSON; NULL: absent, or left out. */
    bool left_out;              /* Some, or members of them, are: they are too
                                 * long, or secret. */
    uint64_t revision;          /* That made it so; 0: not known. */
    const char *who;            /* NULL: not known. */
    int64_t time;
};

struct status_draft {
    uint64_t changes;
    uint64_t n_all;             /* Conflicts; those listed are the first. */
    size_t n_conflicts;
    struct status_draft_conflict *conflicts;
};

struct status_observation {
    int64_t expires;
};

/* Telemetries.  ----------------------------------------------------------- */

struct status_telemetry_host {
    const char *host;
    const char *sflow, *ipfix;  /* Or NULL. */
    const char *reason;         /* Or NULL. */
};

struct status_telemetry {
    size_t n_hosts, n_active;
    size_t n_listed;
    struct status_telemetry_host *hosts; /* NULL: they are not listed. */
};

/* An app's flows and groups in a change. */
struct status_app_flows {
    const char *app;
    uint32_t added, changed, removed;
};

/* Apps.  ----------------------------------------------------------------- */

struct status_stage {
    const char *name;
    int first_table, tables;
};

/* The process that an app runs in. */
struct status_app_worker {
    const char *state;          /* "running", "pausing", "suspended" or
                                 * "absent". */
    int64_t pid;                /* 0: there is none. */
    uint64_t ends;
    const char *failure;        /* Or NULL, as what follows. */
    const char *computed;
    int64_t failed;
};

/* A handler of an app that has failed since vmnd started. */
struct status_handler {
    const char *handler;
    uint64_t failures;          /* Packets. */
    const char *failure;        /* The last reason, */
    int64_t failed;             /* and when. */
};

struct status_unit {
    const char *unit;
    struct status_count count;
};
struct status_app {
    const char *description;    /* NULL: it is not loaded, or has none. */
    size_t n_stages;
    struct status_stage *stages; /* NULL: it is not loaded. */
    uint64_t units, flows, groups;
    uint64_t problems;          /* Units that failed. */
    size_t n_handlers;
    struct status_handler *handlers; /* Those that have failed. */
    uint64_t memory_bytes;      /* Kept for it, */
    uint64_t max_memory_bytes;  /* and at most; 0: no limit. */
    size_t n_counts;
    struct status_unit *counts; /* Of units with counted flows; NULL: there
                                 * are none. */
    uint64_t unread_hosts;
    struct status_app_worker *worker; /* NULL: it runs in vmnd. */
};

/* The last lines that an app has written. */
struct status_app_line {
    int64_t time;
    const char *what;
    const char *text;
};
struct status_app_log {
    size_t n_items;
    struct status_app_line *items;
    uint64_t dropped;
    uint64_t total;             /* Lines so far; not shown. */
};

struct status_type {
    size_t objects;
    bool served;
    const char *reason;         /* NULL: it is. */
};

struct status_part {
    uint32_t part;              /* vmn_flow_count_part(), or 0. */
    const char *name;           /* What the app calls it, or NULL. */
    const char *reason;         /* Of a drop, or NULL. */
    struct status_count count;
};
struct status_own_object {
    const char *unserved;       /* Why; NULL: its app is there. */
    struct status_count count;
    uint64_t unread_hosts;
    int64_t counted;            /* 0: not known. */
    size_t n_parts;
    struct status_part *parts;  /* NULL: they are not listed. */
};

/* Load balancers.  -------------------------------------------------------- */

/* The load of a balancer, or of one of its backends. */
struct status_load {
    uint64_t connections;       /* New ones. */
    double connections_per_s;       /* Per second. */
    uint64_t packets;
    double packets_per_s;
    uint64_t bytes;
    double bytes_per_s;
    int64_t last;               /* Of a connection. */
};

struct status_backend_change {
    int64_t time;
    const char *state;
    const char *reason;         /* Or NULL. */
};

struct status_backend_health {
    const char *state;
    int64_t since;
    const char *reason;         /* Or NULL. */
    int64_t checked;
    int64_t latency_us;         /* Of the last success; 0: none. */
    uint64_t ok, failed;        /* Probes. */
    int64_t kept_until;         /* Not shown here. */
    size_t n_history;           /* The oldest first. */
    struct status_backend_change *history;
};

struct status_backend_drain {
    int64_t since;              /* Wall clock, in ms, as all of these. */
    int64_t quiet_since;        /* 0: not known. */
    int64_t earliest, latest;
};

struct status_backend {
    const char *port;
    const char *port_state;     /* Or NULL. */
    unsigned int weight;
    const char *state;
    bool serving;
    bool unprobed;              /* It serves, whether it answers or not. */
    bool kept;
    int64_t kept_until;
    double share;               /* In percent; NaN: none. */
    const char *host;           /* Or NULL, as what follows. */
    const char *reason;
    struct status_backend_health *health;
    struct status_backend_drain *drain;
    const char *drain_result;
    struct status_load load;
};

struct status_webhook {
    const char *result;
    int64_t time;
    unsigned int attempts;
    const char *delivery;
    const char *reason;         /* Or NULL. */
};

struct status_scale_last {
    int64_t time;
    const char *direction;
    struct status_webhook *webhook; /* Or NULL. */
};

struct status_scale {
    const char *state;
    int64_t since;
    double value;               /* NaN: unknown. */
    const char *reason;         /* Or NULL. */
    struct status_scale_last *last; /* Or NULL. */
};

struct status_loadbalancer {
    size_t n_backends, n_serving, n_unknown;
    struct status_load load;
    uint64_t unread_hosts;
    int64_t limited;            /* Packets; -1: its clients are not. */
    size_t n_listed;
    struct status_backend *backends; /* NULL: they are not listed. */
    struct status_scale *scale; /* Or NULL. */
};

/* A cluster, as a member sees it. */
struct status_cluster_member {
    const char *name, *role, *version;
    const char *address, *ovsdb; /* Or NULL. */
    int64_t behind, hosts;
    int64_t database_disk;      /* Percent; 0: not known. */
    double heard;               /* Seconds ago. */
};

struct status_cluster {
    const char *member;         /* NULL: this vmnd is of none. */
    const char *role;
    bool connected;
    const char *problem;        /* Or NULL. */
    const char *writer;         /* Or NULL. */
    int64_t epoch, batch, stored;
    uint64_t revision;
    size_t unknown_fields;
    size_t n_members;
    struct status_cluster_member *members;
};

#endif /* controller/schema/status.h */
