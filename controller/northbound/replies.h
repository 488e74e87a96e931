/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies of calls, as structs that handlers fill in.  openapi-replies.c,
 * openapi-events.c and openapi-packets.c describe their members, and they are
 * printed by these descriptions (schema-struct.h).  Not for the status of
 * objects (schema/status.h), nor for structs that lower rooms describe
 * themselves.
 *
 * Members have the names that they have in JSON.  Times are milliseconds since
 * the epoch, 0: none.  What a member points to is owned by the arena that was
 * used to fill in the struct, or is borrowed until it is printed. */

#ifndef CONTROLLER_NORTHBOUND_REPLIES_H
#define CONTROLLER_NORTHBOUND_REPLIES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/schema-diff.h"
#include "controller/schema/schema-log.h"
#include "controller/schema/status.h"
#include "vmn/types.h"

struct activity_item;
struct engine_problem;
struct fabric_behind;
struct model_warning;
struct schema_entry;

/* Changes.  -------------------------------------------------------------- */

/* The outcome of a change of one object.  Members that are NULL are
 * omitted. */
struct nb_change_end {
    const char *kind;           /* "change": tells it from a plan. */
    const char *outcome;
    const char *secret;
    size_t n_also_changed;
    struct schema_changed *also_changed;
    uint64_t revision;
    struct schema_diff diff;    /* Of an update. */
    size_t n_warnings;
    struct model_warning *warnings;
};

/* An app that has failed for an object; see engine_find_failure(). */
struct nb_failure {
    const char *app;
    const char *unit;           /* NULL: not for the client. */
    uint64_t units;             /* 0: the same. */
    const char *detail;
};
struct nb_object_failure {
    const char *type, *name;
    struct nb_failure failure;
};
extern const struct schema_struct nb_object_failure;

/* What the status of objects of all types may have. */
struct nb_common_status {
    const struct nb_failure *failed; /* Or NULL. */
};
extern const struct schema_struct nb_common_status;

/* The same for a list of objects. */
struct nb_apply_end {
    const char *kind;
    bool changed;
    size_t n_also_changed;
    struct schema_changed *also_changed;
    uint64_t revision;
    size_t n_warnings;
    struct model_warning *warnings;
};

struct nb_apply_result {
    const char *type, *name, *outcome;
    uint64_t revision;
    struct schema_diff diff;    /* Of an update. */
};

extern const struct schema_struct nb_change_end, nb_apply_end,
    nb_apply_result;

/* What a revision made of an object. */
struct nb_logged {
    const char *type, *name;
    const char *before, *after; /* JSON; NULL: there was or is none. */
    struct schema_diff diff;
};
extern const struct schema_struct nb_logged;

/* Packets.  -------------------------------------------------------------- */

/* The owner of a flow. */
struct nb_flow_owner {
    const char *owner;
    struct status_object *object; /* NULL: not for a single object. */
    int64_t rule;               /* Of a policy, from 0; -1: none. */
};

/* Which policies isolate the port of a packet that was dropped for that. */
struct nb_isolation {
    const char *direction;      /* NULL: that is not why, or not known. */
    size_t n_by;
    const char **by;            /* Names of policies. */
    size_t n_held_by;           /* Of a drop as "quarantined": */
    const char **held_by;       /* "quarantines/NAME", "ports/NAME"; or
                                 * NULL. */
};

struct nb_drop {
    const char *host, *app, *reason;
    const char *hint;           /* What may be the cause, or NULL. */
    bool background;
    struct nb_flow_owner owner;
    struct nb_isolation isolation;
    struct status_count count;
};

struct nb_packet_end {
    const char *port;           /* Or NULL. */
    struct vmn_mac mac;
    const char *ip;             /* Or NULL. */
    int64_t l4_port;            /* -1: it has none. */
};

/* What a connection was for when it began. */
struct nb_connection_end {
    const char *ip;
    int64_t l4_port;
};

/* The neighbour that ARP or neighbour discovery announces. */
struct nb_neighbour {
    const char *ip;
    struct vmn_mac mac;
};

/* A sampled packet: a dropped one, or one that matched a rule with a log. */
struct nb_sample {
    uint64_t id;
    int64_t time;
    const char *host;
    const char *network;        /* Or NULL. */
    struct nb_packet_end src, dst;
    const struct nb_connection_end *connection_dst; /* Or NULL. */
    const struct nb_neighbour *announced; /* Or NULL. */
    const char *protocol;
    uint64_t size;
    int64_t icmp_type, icmp_code; /* -1: it is not ICMP. */
    const char *reason;         /* Of a drop, like the next. */
    bool background;
    const char *verdict;        /* Of a log. */
    bool shadow, isolated;      /* Of a log. */
    struct nb_flow_owner owner;
    struct nb_isolation isolation; /* Of a drop. */
    uint64_t cause_revision;    /* As of which 'isolation' is; 0: there is
                                 * none. */
    uint64_t count, suppressed;
};
/* Describe the sample of a dropped packet, and of one that was logged. */
extern const struct schema_struct nb_sample_drop, nb_sample_log;

/* What was omitted because it is background. */
struct nb_drops_hidden {
    uint64_t counters, packets; /* The packets of these counters. */
    uint64_t samples;
};

struct nb_reply_drops {
    size_t n_counters;
    struct nb_drop *counters;
    size_t matching;
    size_t n_samples;
    struct nb_sample *samples;
    size_t samples_matching;
    struct nb_drops_hidden hidden;
    uint64_t unread_hosts;
    int64_t counted;            /* 0: not known. */
    uint64_t newest;
};

struct nb_log_rule {
    struct status_log log;
    const char *policy;
    size_t rule;
};

struct nb_reply_logs {
    size_t n_items;
    struct nb_sample *items;
    uint64_t newest;
    size_t n_rules;
    struct nb_log_rule *rules;
};

/* Traffic.  -------------------------------------------------------------- */

struct nb_traffic_pair {
    const char *src, *dst;
    bool src_deleted, dst_deleted;
    const char *src_host, *dst_host; /* Of ports; or NULL: not known. */
    uint64_t packets, bytes, uncertain_bytes, cross_host_bytes;
};

struct nb_traffic_talker {
    const char *name;
    bool deleted;
    uint64_t sent_bytes, received_bytes;
};

struct nb_reply_traffic {
    const char *group_by, *label; /* 'label' NULL: by no label. */
    int64_t since;              /* 0: nothing is there. */
    uint64_t packets, bytes;
    uint64_t same_host_bytes, cross_host_bytes, other_bytes;
    double cross_host_share;
    size_t n_pairs;
    struct nb_traffic_pair *pairs;
    size_t matching;
    size_t n_talkers;
    struct nb_traffic_talker *talkers;
    uint64_t unlisted_bytes, full_hosts;
    uint64_t unread_hosts;
    int64_t counted;            /* 0: not known. */
};

struct nb_placement_move {
    size_t step;                /* From 1. */
    size_t n_ports;
    const char **ports;
    const char *from, *to;
    int64_t saved_bytes;
};

/* Of these there is too little. */
struct nb_placement_missing {
    uint64_t vms, vcpus, memory_mb, disk_gb;
};

struct nb_placement_no_room {
    size_t n_ports;
    const char **ports;
    const char *from, *to;
    int64_t saved_bytes;
    struct nb_placement_missing missing;
};

struct nb_reply_placement {
    int64_t since;              /* 0: nothing was counted. */
    size_t vms;
    size_t hosts;               /* Where VMs may go; 0: not told, too. */
    size_t capacity;            /* Of hosts that do not say it. */
    size_t hosts_with_capacity; /* 0: not told, too. */
    size_t pairs;
    uint64_t cross_host_bytes, predicted_bytes;
    size_t n_moves;
    struct nb_placement_move *moves;
    size_t n_no_room;
    struct nb_placement_no_room *no_room;
    size_t all_no_room;
    bool optimal;
    size_t not_selected, pinned, many_sets, migrating, unsynced;
    size_t unsized;
    size_t n_unused_labels;
    const char **unused_labels; /* Of VMs. */
    const char *unused_capacity_label; /* Or NULL. */
    uint64_t unlisted_bytes, full_hosts, unread_hosts;
    int64_t counted;            /* 0: not known. */
};

/* Usage.  ---------------------------------------------------------------- */

struct nb_usage_limit {
    const char *name;
    int64_t used;
    int64_t limit;              /* -1: there is none. */
    const char *host;           /* Or NULL. */
    bool exceeded;
};

struct nb_usage_quota {
    const char *quota, *scope;
    int64_t requests;           /* -1: unlimited. */
    size_t n_limits;
    struct nb_usage_limit *limits;
};

struct nb_reply_usage {
    size_t n_items;
    struct nb_usage_quota *items;
};

/* Paths between hosts.  --------------------------------------------------- */

struct nb_path {
    const char *host, *peer;
    const char *state;
    const char *reason;         /* Or NULL. */
    int64_t since, checked;     /* 0: it has not been. */
    int64_t latency_us;         /* -1: not known. */
    uint64_t lost, probes;
    uint64_t mtu;
    uint64_t ports;             /* Of all that it concerns, if it is in
                                 * trouble. */
    size_t n_port_names;
    const char **port_names;
};

struct nb_reply_paths {
    bool measured;
    const char *reason;         /* Why not, or NULL. */
    uint64_t total, unmeasured;
    size_t n_items;
    struct nb_path *items;
};

/* Identities.  ----------------------------------------------------------- */

struct nb_identity {
    uint32_t number;
    const char *network;        /* Or NULL: of several. */
    const char *router;         /* Or NULL: no routers join its network. */
    size_t n_groups;
    const char **groups;
    bool quarantined;
    size_t n_quarantines;
    const char **quarantines;
    size_t n_ports;             /* All of them. */
    size_t n_listed;
    const char **ports;
};

struct nb_reply_identities {
    size_t n_items;
    struct nb_identity *items;
    uint64_t revision;
    const char *next;           /* Or NULL: there are no more. */
};

/* Activity.  -------------------------------------------------------------- */

struct nb_host_counts {
    uint64_t configured, connected, synced, lost;
};

struct nb_activity_hosts {
    struct nb_host_counts counts;
    size_t n_behind;
    size_t n_listed;
    struct fabric_behind *behind;
};

struct nb_activity_class {
    const char *app, *kind, *class;
    uint64_t computed;
};

struct nb_reply_activity {
    uint64_t uptime_s;
    uint64_t revision;
    struct nb_activity_hosts hosts;
    size_t n_classes;
    struct nb_activity_class *classes;
    size_t n_items;
    struct activity_item *items;
};

/* Events.  --------------------------------------------------------------- */

/* The first event of a stream, or the last. */
struct nb_event_stream {
    uint64_t revision;
    int64_t kept_since;         /* 0: it does not matter. */
    uint64_t hidden;            /* Drops; 0: none. */
};

struct nb_event_installed {
    uint64_t first_revision, revision;
    int64_t time;
    uint64_t hosts;
};

struct nb_event_host {
    const char *host;
    int64_t time;
    const char *state;
    const char *reason;         /* Or NULL. */
};

struct nb_event_binding {
    const char *port, *network;
    int64_t time;
    const char *host, *from, *candidate; /* Or NULL. */
    bool activated;
    /* How a migration has ended with it, and why; or NULL. */
    const char *migration, *migration_reason;
    const char *state;
    const char *reason;         /* Or NULL. */
};

struct nb_event_ports {
    const char *host;
    int64_t time;
    const char *state;
    int64_t since;              /* 0: their states are known. */
    const char *reason;         /* Or NULL. */
    size_t n_ports;             /* All of them. */
    size_t n_listed;
    const char **ports;
};

struct nb_event_claim {
    const char *port, *network;
    int64_t time;
    const char *host;
    const char *expected;       /* Or NULL. */
    const char *reason;
};

struct nb_event_audit {
    const char *host;
    int64_t time;
    uint64_t missing, altered, unknown;
};

struct nb_event_health {
    const char *loadbalancer, *port;
    int64_t time;
    const char *state;
    const char *reason;         /* Or NULL. */
};

struct nb_event_monitor {
    const char *port, *network;
    int64_t time;
    const char *state;
    const char *reason;         /* Or NULL. */
};

struct nb_event_path {
    const char *host, *peer;
    int64_t time;
    const char *state;
    const char *reason;         /* Or NULL. */
    uint64_t ports;
};

struct nb_event_standby {
    const char *loadbalancer, *port;
    int64_t time;
    const char *state;
    const char *reason;
};

struct nb_event_gateway {
    const char *router;
    int64_t time;
    const char *state;
    const char *host;           /* NULL: none. */
    const char *before;
    const char *reason;         /* Why there is none, or NULL. */
};

/* An app's process, as in the app's status. */
struct nb_event_app {
    const char *app;
    int64_t time;
    const char *state;
    uint64_t ends;
    const char *failure;        /* Or NULL, as what follows. */
    const char *computed;
};

/* What became of a packet of POST /v1/live-trace is not what was
 * predicted. */
struct nb_event_trace {
    const char *from;
    const char *to_port;        /* NULL: no port's address. */
    struct vmn_ip to_ip;
    int64_t time;
    const char *packet;
    const char *difference;
};
extern const struct schema_struct nb_event_stream, nb_event_installed,
    nb_event_host, nb_event_binding, nb_event_ports, nb_event_claim,
    nb_event_audit, nb_event_health, nb_event_monitor, nb_event_standby,
    nb_event_gateway, nb_event_path, nb_event_app, nb_event_trace;

/* Flows.  ---------------------------------------------------------------- */

/* The beginning of a host's reply, before its groups and flows. */
struct nb_host_flows {
    const char *host;
    size_t n_flows, n_groups;
};
extern const struct schema_struct nb_host_flows_begin;

/* Summary.  --------------------------------------------------------------- */

struct nb_summary_ports {
    size_t up, pending, down, unknown, unbound, external;
    size_t quarantined, disabled;
};

struct nb_summary_host {
    const char *name, *state;
    const char *reason;         /* Or NULL. */
    size_t ports, up, unknown, external;
    size_t disabled;            /* Neither up nor external. */
    uint64_t lag;               /* In revisions. */
    uint64_t bytes_per_s, tunnel_bytes_per_s;
};

struct nb_summary_network {
    const char *name;
    size_t ports, up, unknown, external;
    size_t disabled;            /* Neither up nor external. */
    uint64_t bytes_per_s;
};

/* Shown as an array. */
struct nb_summary_placement {
    int host;                   /* Index in the list; -1: on none. */
    int network;                /* Index in the list. */
    size_t ports;
    uint64_t bytes_per_s;
};

struct nb_summary_balancer {
    const char *name;
    size_t backends, serving;
    size_t unknown;             /* Of those that serve. */
    size_t drained;             /* Or draining: by request. */
    size_t standby;
};

struct nb_summary_balancers {
    size_t total, partial, idle;
    size_t n_degraded;
    struct nb_summary_balancer *degraded;
};

struct nb_reply_summary {
    uint64_t revision;
    struct nb_summary_ports ports;
    size_t n_hosts;
    struct nb_summary_host *hosts;
    size_t n_networks;          /* Of all. */
    size_t n_listed;
    struct nb_summary_network *networks;
    size_t n_placements;
    struct nb_summary_placement *placements;
    struct nb_summary_balancers balancers;
};

/* Policies of a port.  ---------------------------------------------------- */

struct nb_port_policy {
    const char *name, *tier;
    uint32_t position;          /* Of the tier. */
    uint32_t priority;
    const char *mode;
};

struct nb_reply_port_policies {
    const char *port;
    size_t n_groups;
    const char **groups;
    size_t n_policies;
    struct nb_port_policy *policies; /* In the order of evaluation. */
    /* Of these, and MODEL_OUT_OF_SCOPE for all that the client does not see,
     * those that isolate the port; by direction. */
    size_t n_isolated[VMN_N_DIRECTIONS];
    const char **isolated[VMN_N_DIRECTIONS];
};

/* Lists of objects.  ------------------------------------------------------ */

/* What follows the items. */
struct nb_list_end {
    uint64_t revision;
    const char *next;           /* Or NULL: there are no more. */
};
extern const struct schema_struct nb_list_end;

/* Recommendations.  ------------------------------------------------------- */

struct nb_seen_host {
    const char *host;
    uint64_t connections;
    bool truncated;
    const char *reason;         /* Or NULL: its connections are included. */
};

struct nb_uncovered {
    const char *from, *to, *service, *host, *reason;
};

struct nb_extra {
    const char *from, *to, *service;
};

struct nb_recommended_rule {
    const char *policy;
    const char *from;           /* JSON: a group's name, or prefixes. */
    const char *to;
    size_t n_services;
    const char **services;
    uint64_t observed, extra;
    size_t n_extras;
    struct nb_extra *extras;
};

/* An object, as POST /v1/apply takes it. */
struct nb_any_object {
    const char *type, *name;
    const char *spec;           /* JSON. */
};

struct nb_reply_recommendations {
    const char *network;
    int64_t since;
    size_t n_hosts;
    struct nb_seen_host *hosts;
    uint64_t connections;
    uint64_t n_uncovered;       /* All of them. */
    size_t n_uncovered_listed;
    struct nb_uncovered *uncovered;
    bool optimal;
    size_t n_rules;
    struct nb_recommended_rule *rules;
    size_t n_objects;
    struct nb_any_object *objects;
    uint64_t n_unselected;      /* All of them. */
    size_t n_unselected_listed;
    const char **unselected;
    size_t n_kept;
    const char **kept;
};

/* The daemon.  ----------------------------------------------------------- */

struct nb_reply_health {
    const char *status, *version;
};

struct nb_reply_ready {
    const char *status;
};

struct nb_index_type {
    const char *type, *singular, *path, *description;
};

struct nb_index_call {
    const char *call, *query;
};

struct nb_reply_index {
    const char *version;
    size_t n_types;
    struct nb_index_type *types;
    size_t n_calls;
    struct nb_index_call *calls;
};

/* A reason for a state of health other than "ok"; see system-health.c. */
struct nb_health_reason {
    const char *reason, *state, *detail;
};

struct nb_health {
    const char *state;
    size_t n_reasons;
    struct nb_health_reason *reasons;
};

struct nb_reply_rejected {
    size_t n_items;
    struct fabric_rejected_host *items;
};

struct nb_reply_status {
    const char *version;
    bool ready;
    struct nb_health health;
    uint64_t uptime_s;
    uint64_t revision;
    size_t n_objects;
    struct schema_entry *objects; /* Numbers of objects by type. */
    struct nb_host_counts hosts;
    size_t n_problems;
    struct engine_problem *problems;
    size_t n_warnings;
    struct model_warning *warnings;
    /* Of an account with a scope, else NULL. */
    const char *scope;
    struct nb_summary_ports *ports;
};
/* What of it is printed for all, and for an account with a scope. */
extern const struct schema_struct nb_status_whole, nb_status_scoped;

#endif /* controller/northbound/replies.h */
