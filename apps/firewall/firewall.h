/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the firewall app share: its stages, tables, priorities
 * and relations.  docs/pipeline.md describes the tables. */

#ifndef APPS_FIREWALL_H
#define APPS_FIREWALL_H 1

#include "vmn/app.h"

enum firewall_stage { STAGE_TRACK, STAGE_POLICY };

/* Tables of STAGE_TRACK. */
enum {
    TRACK_SEND,                 /* Into conntrack. */
    TRACK_STATE,                /* By what conntrack said. */
    TRACK_SOURCE,               /* Looks the source's identity up... */
    TRACK_DESTINATION,          /* ...and the destination's... */
    TRACK_VERDICT,              /* ...for packets that have a former one. */
    TRACK_KNOWN,                /* Identities that there are. */
    TRACK_N_TABLES
};

/* Tables of STAGE_POLICY: all tiers' egress, then all tiers' ingress. */
enum {
    POLICY_EGRESS = 0,                          /* Plus the tier. */
    POLICY_INGRESS = POLICY_EGRESS + VMN_N_TIERS,
    POLICY_ACCEPT = POLICY_INGRESS + VMN_N_TIERS,
    POLICY_DONE,                /* Empty: whatever comes here goes on. */
    POLICY_N_TABLES
};

/* Priorities in the tier tables: rules are between. */
enum {
    POLICY_SKIP = 65000,        /* The direction does not concern this host. */
    POLICY_RULE_MAX = 60000,
    POLICY_REST = 100,          /* Quarantine, isolation, default. */
    POLICY_NEXT_TIER = 1,
};
/* What a policy's priority (0 to 999) is worth, and so how many changes of
 * action its rules may have in one direction. */
#define POLICY_LEVELS 50

/* Parts in which a network has a policy's rules; at most 32. */
#define POLICY_BUCKETS 16

/* The first table of a tier's direction, and where it goes on after it. */
static inline unsigned
policy_table(enum vmn_direction direction, unsigned tier)
{
    return (direction == VMN_EGRESS ? POLICY_EGRESS : POLICY_INGRESS) + tier;
}

/* Numbers. */
#define NUMBER_IDENTITY "firewall.identity"
#define NUMBER_CONJUNCTION "firewall.conj"

/* Query of a port: "g1,g2", its groups, sorted. */
#define QUERY_GROUPS "firewall.groups"

/* Queries of a policy. */
#define QUERY_APPLIES "firewall.applies" /* struct applies. */
#define QUERY_RULES "firewall.rules"    /* All rules, packed. */
#define QUERY_BUCKET "firewall.bucket"  /* POLICY|BUCKET: those in it. */
#define QUERY_BUCKETS "firewall.buckets" /* uint32_t: bits of those in use. */

/* Relations.  An identity is in decimal. */
#define REL_MEMBERS "firewall.members"  /* NETWORK|GROUP -> identity. */
#define REL_KNOWN "firewall.known"      /* NETWORK|identity -> "". */
#define REL_NETWORKS "firewall.networks" /* GROUP -> network with members. */
#define REL_APPLIED "firewall.applied"  /* POLICY|NETWORK -> "". */
#define REL_BUCKETS "firewall.buckets"  /* POLICY|NETWORK|BUCKET -> "". */
#define REL_HOSTS "firewall.policy-hosts" /* POLICY -> host that needs it. */
#define REL_ISOLATED "firewall.isolated" /* NETWORK|DIRECTION -> identity. */
#define REL_QUARANTINED "firewall.quarantined" /* NETWORK -> identity. */

/* A sorted set of identities, or of anything. */
struct ids {
    size_t n, allocated;
    uint32_t *ids;
};
void ids_add(struct vmn_view *, struct ids *, uint32_t id);
/* Adds the identities that 'group' has in 'network'. */
void ids_add_group(struct vmn_view *, struct ids *, const char *network,
                   const char *group);

/* Cuts "A|B" in two in a copy; false if there is no '|'. */
bool key_split(struct vmn_view *, const char *key, const char **a,
               const char **b);
bool id_from_text(const char *, uint32_t *id);

/* identity.c */
void eval_groups(struct vmn_view *, const char *key, struct vmn_value *);
void eval_identity(struct vmn_view *, const char *key, struct vmn_value *);
void compile_member(struct vmn_view *, const char *key, struct vmn_emit *);

/* known.c */
void known_base(struct vmn_emit *);
void compile_known(struct vmn_view *, const char *key, struct vmn_emit *);

/* What a rule says of services: a port and its mask, a type of ICMP, or all of
 * a protocol. */
enum service_what { SERVICE_ALL, SERVICE_PORTS, SERVICE_ICMP_TYPE };
struct service_match {
    uint8_t ip_proto;
    uint8_t what;
    uint16_t value;
    uint16_t mask;
};

/* A rule in the value of a query: this, then its services, prefixes and groups,
 * filled up to 8 bytes.  Without padding of its own. */
struct rule_head {
    uint32_t size;              /* Of all of it. */
    uint32_t conj;
    uint32_t n_services;
    uint32_t n_prefixes;        /* Of peers. */
    uint32_t n_groups;          /* Peers. */
    uint16_t priority;
    uint8_t table;              /* Of STAGE_POLICY. */
    uint8_t direction;
    uint8_t action;
    uint8_t bucket;
    uint8_t has_peers;          /* Else everyone. */
    uint8_t has_services;       /* Else everything. */
    uint8_t any_service;        /* Also everything: its services say so. */
    uint8_t unused[3];
};
struct rule {
    const struct rule_head *head;
    const struct service_match *services;
    const struct vmn_prefix *prefixes;
    const char *groups;         /* One after the other, each with its null. */
};

/* rules.c */
void eval_rules(struct vmn_view *, const char *key, struct vmn_value *);
void eval_bucket(struct vmn_view *, const char *key, struct vmn_value *);
void eval_buckets(struct vmn_view *, const char *key, struct vmn_value *);
/* Finds the parts of the rule at 'at'; returns where the next one is. */
const struct rule_head *rule_read(const void *at, struct rule *);

/* What of a policy does not depend on its rules, as the value of a query. */
struct applies {
    uint32_t n_groups;
    bool isolates[VMN_N_DIRECTIONS]; /* Only in the application tier. */
    char groups[];              /* As in struct rule. */
};

/* policy.c */
void eval_applies(struct vmn_view *, const char *key, struct vmn_value *);
void compile_policy(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_applied(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_verdicts(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_bucket(struct vmn_view *, const char *key, struct vmn_emit *);

/* Where rules are compiled: a policy in a network. */
struct place {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_network *network;
    struct ids own;             /* Identities that the policy applies to. */
};
/* clause.c */
void emit_rule(const struct place *, const struct rule *);
void emit_verdict(struct vmn_emit *, const char *policy,
                  const struct rule_head *);

/* What the services of a rule come to. */
struct ranges {
    size_t n, allocated;
    struct vmn_port_range *ranges; /* Merged. */
};
struct spoken {
    bool anything;              /* The rest does not matter. */
    struct ranges tcp, udp;
    bool all_icmp;
    bool icmp_types[UINT8_MAX + 1];
};
/* service.c */
void spoken_read(struct vmn_view *, const struct vmn_rule *, struct spoken *);

/* rest.c: what holds where no rule decides. */
void compile_network(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_isolated(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_quarantined(struct vmn_view *, const char *key,
                         struct vmn_emit *);

#endif /* apps/firewall/firewall.h */
