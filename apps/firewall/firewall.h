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

/* Tables of STAGE_POLICY: for egress, then for ingress, a table for each
 * position that a tier can have, and after the first (emergency) one for
 * quarantine.  Where no tier is, there are no flows, and the tier before goes
 * on at the next one. */
#define POLICY_DIRECTION_TABLES (VMN_TIER_POSITIONS + 1)
enum {
    POLICY_EGRESS = 0,
    POLICY_INGRESS = POLICY_EGRESS + POLICY_DIRECTION_TABLES,
    POLICY_DEFAULT = POLICY_INGRESS + POLICY_DIRECTION_TABLES,
    POLICY_ACCEPT,
    POLICY_DONE,                /* Whatever comes here goes on. */
    POLICY_SHADOW,              /* Detours: for each direction, a table for
                                 * each position but the first. */
    POLICY_N_TABLES = POLICY_SHADOW + 2 * (VMN_TIER_POSITIONS - 1)
};

/* Priorities in the tier tables: rules are between. */
enum {
    POLICY_SKIP = 65500,        /* The direction does not concern this host. */
    POLICY_RETAINED = 65400,    /* Connections that a rule had allowed. */
    POLICY_RULE_MAX = 65300,
    POLICY_ALLOWED = 110,       /* In quarantine, all the same. */
    POLICY_NO_RULE = 100,       /* Quarantine, isolation, default. */
    POLICY_WOULD_ISOLATE = 50,  /* Isolation, if policies were no shadows. */
    POLICY_NEXT_TIER = 1,
};

/* Priorities in TRACK_SEND. */
enum {
    SEND_STATELESS = 110,
    SEND_TRACKED = 100,
};

/* Priorities in TRACK_VERDICT behind those of stale-identity.c. */
enum {
    VERDICT_STATELESS = 60,
    VERDICT_LIMIT = 50,         /* A port's, of new connections. */
};

/* Priorities in POLICY_ACCEPT that more than one file uses. */
enum {
    ACCEPT_NOTE_PROTOCOL = 130,
    ACCEPT_NOTE = 120,
    ACCEPT_STATELESS = 115,
    ACCEPT_LATER_FRAGMENT = 110,
    ACCEPT_NEW = 100,
    ACCEPT_REPLY = 90,
};

/* The position of the tier that allowed a packet by a rule whose policy keeps
 * connections, in 8 bits for each direction, or 0.  It becomes the mark of the
 * connection. */
#define REG_KEEP VMN_F_REG12
#define KEEP_BITS(DIRECTION) ((DIRECTION) == VMN_EGRESS ? 0 : 8)

/* In the application tier, the number of the shadow policy that would isolate
 * the packet's port and has no rule for the packet, or 0. */
#define REG_SHADOW VMN_F_REG13

/* Parts in which a domain has a policy's rules; at most 32. */
#define POLICY_BUCKETS 16

static inline unsigned
policy_first(enum vmn_direction direction)
{
    return direction == VMN_EGRESS ? POLICY_EGRESS : POLICY_INGRESS;
}

/* "ingress" and "egress". */
extern const char *const direction_names[VMN_N_DIRECTIONS];

/* In place of a tier's position: between the first and the others. */
#define POSITION_QUARANTINE 0

/* The table of a tier's direction, by its position. */
static inline unsigned
policy_table(enum vmn_direction direction, unsigned position)
{
    return policy_first(direction)
           + (position == VMN_TIER_EMERGENCY ? 0
              : position == POSITION_QUARANTINE ? 1 : position);
}

/* The table of shadow policies of a tier, which are not in the first. */
static inline unsigned
shadow_table(enum vmn_direction direction, unsigned position)
{
    return POLICY_SHADOW + position - VMN_TIER_EMERGENCY - 1
           + (direction == VMN_EGRESS ? 0 : VMN_TIER_POSITIONS - 1);
}

/* Numbers. */
#define ID_POOL_IDENTITY "firewall.identity"
#define ID_POOL_CONJUNCTION "firewall.conj"

/* Query without a key: struct tiers. */
#define QUERY_TIERS "firewall.tiers"

/* Query of a port: "g1,g2", its groups, sorted. */
#define QUERY_GROUPS VMN_QUERY_GROUPS

/* Query without a key: bool, whether any quarantine has a selector. */
#define QUERY_SELECTS "firewall.quarantine-selects"

/* Queries of a group. */
#define QUERY_NESTED "firewall.nested"  /* Names: itself, those inside. */
#define QUERY_ADDRESSES "firewall.addresses" /* Its own prefixes, merged. */

/* Queries of a policy. */
#define QUERY_APPLIES "firewall.applies" /* struct applies. */
#define QUERY_RULES "firewall.rules"    /* All rules, packed. */
#define QUERY_BUCKET "firewall.bucket"  /* POLICY|BUCKET: those in it. */
#define QUERY_BUCKETS "firewall.buckets" /* uint32_t: bits of those in use. */

/* Relations.  An identity is in decimal; a DOMAIN is a key of
 * vmn_domain_of(). */
#define REL_MEMBERS "firewall.members"  /* DOMAIN|GROUP -> identity. */
#define REL_IDENTITIES "firewall.identities" /* DOMAIN|identity -> "". */
#define REL_DOMAINS "firewall.domains"  /* GROUP -> domain with members. */
#define REL_APPLIED "firewall.applied"  /* POLICY|DOMAIN -> "". */
#define REL_BUCKETS "firewall.buckets"  /* POLICY|DOMAIN|BUCKET -> "". */
#define REL_HOSTS "firewall.policy-hosts" /* POLICY -> host that needs it. */
#define REL_ISOLATED "firewall.isolated" /* DOMAIN|DIRECTION -> identity. */
#define REL_SHADOWED "firewall.shadowed" /* ... -> identity/shadow policy. */
#define REL_SHADOWS "firewall.shadows"  /* "all" -> tiers with shadows. */
#define REL_QUARANTINED "firewall.quarantined" /* DOMAIN -> identity. */
/* QUARANTINE|DOMAIN -> identity. */
#define REL_QUARANTINE_IDS "firewall.quarantine-identities"
#define REL_DENIED "firewall.denied"    /* DOMAIN -> identity. */
#define REL_SCTP_STATELESS "firewall.sctp-stateless" /* "" -> host. */

/* A sorted set of identities, or of anything. */
struct ids {
    size_t n, allocated;
    uint32_t *ids;
};
void ids_add(struct vmn_view *, struct ids *, uint32_t id);
/* Adds the identities that 'group' has in 'domain'. */
void ids_add_group(struct vmn_view *, struct ids *, const char *domain,
                   const char *group);

/* A list of names. */
struct names {
    size_t n, allocated;
    const char **names;
};
/* 'name' must live as long. */
void names_add(struct vmn_view *, struct names *, const char *name);
/* Sorts them, and leaves each once. */
void names_sort(struct names *);
/* Returns "A,B" of at least one, as they stand. */
const char *names_list(struct vmn_view *, const struct names *);
/* The same, sorted first. */
const char *names_join(struct vmn_view *, struct names *);

/* group.c */
void eval_nested(struct vmn_view *, const char *key, struct vmn_value *);
void eval_addresses(struct vmn_view *, const char *key, struct vmn_value *);
/* Adds 'group' and the groups inside of it; nothing if there is none. */
void names_add_nested(struct vmn_view *, struct names *, const char *group);

/* A set of prefixes. */
struct prefixes {
    size_t n, allocated;
    struct vmn_prefix *prefixes;
};
/* Adds what is left of the 'n' in 'from' without those of 'except'. */
void prefixes_add(struct vmn_view *, struct prefixes *,
                  const struct vmn_prefix *from, size_t n,
                  const struct vmn_prefix *except, size_t n_except);
/* Adds the addresses of 'group', without those inside of it. */
void prefixes_add_group(struct vmn_view *, struct prefixes *,
                        const char *group);

bool id_from_text(const char *, uint32_t *id);
/* Returns the first name of a copied list "A,B", and moves '*list' behind it;
 * NULL at the end. */
const char *list_next(char **list);

/* identity.c */
void eval_groups(struct vmn_view *, const char *key, struct vmn_value *);
void eval_identity(struct vmn_view *, const char *key, struct vmn_value *);
void compile_member(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_limit(struct vmn_view *, const char *key, struct vmn_emit *);

/* stale-identity.c */
void known_base(struct vmn_emit *);
void compile_identity(struct vmn_view *, const char *key, struct vmn_emit *);

/* sctp.c */
void compile_host(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_sctp(struct vmn_view *, const char *key, struct vmn_emit *);


/* What a rule says of services: a port and its mask, a type of ICMP with all
 * of its codes or one, or all of a protocol. */
enum service_what {
    SERVICE_ALL,
    SERVICE_PORTS,
    SERVICE_ICMP_TYPE,
    SERVICE_ICMP_CODE,
};
struct service_match {
    uint8_t ip_proto;
    uint8_t what;
    uint16_t value;             /* Of ICMP: 256 x the type + the code. */
    uint16_t mask;              /* Of a port. */
};

/* A rule in the value of a query: this, then its services, prefixes and
 * groups, filled up to 8 bytes.  Without padding of its own. */
struct rule_head {
    uint32_t size;              /* Of all of it. */
    uint32_t conj;
    uint32_t n_services;
    uint32_t n_prefixes;        /* Of peers that are no groups. */
    uint32_t n_groups;          /* Peers, and those inside of them. */
    uint16_t priority;
    uint8_t position;           /* Of the tier. */
    uint8_t direction;
    uint8_t action;
    uint8_t bucket;
    uint8_t has_peers;          /* Else everyone. */
    uint8_t has_services;       /* Else everything. */
    uint8_t any_service;        /* Also everything: its services say so. */
    uint8_t keep;               /* Connections that it allows. */
    uint8_t log;
    uint8_t shadow;             /* Only counts. */
};
static inline unsigned
rule_table(const struct rule_head *rule)
{
    return (rule->shadow ? shadow_table(rule->direction, rule->position)
            : policy_table(rule->direction, rule->position));
}
struct rule {
    const struct rule_head *head;
    const struct service_match *services;
    const struct vmn_prefix *prefixes;
    const char *groups;         /* One after the other, each with its null. */
};

/* conjunction-id.c */
/* Returns a hash of a rule's meaning, independent of the order of its lists
 * and of how prefixes and ranges are divided. */
uint64_t rule_hash(struct vmn_view *, const struct vmn_rule *);
/* Returns the conjunction ID of rule 'i' of 'owner', a policy or a quarantine
 * in a domain; 0 if the pool is exhausted.  'hashes' are those of its rules up
 * to this one. */
uint32_t conjunction_id(struct vmn_view *, const char *owner,
                        const uint64_t hashes[], size_t i);

/* policy-rules.c */
void eval_rules(struct vmn_view *, const char *key, struct vmn_value *);
void eval_bucket(struct vmn_view *, const char *key, struct vmn_value *);
void eval_buckets(struct vmn_view *, const char *key, struct vmn_value *);
/* Finds the parts of the rule at 'at'; returns where the next one is. */
const struct rule_head *rule_read(const void *at, struct rule *);
/* Packs what a quarantine allows in a domain, one rule behind the other:
 * '*size' bytes in the view's memory. */
const char *rules_pack_allowed(struct vmn_view *,
                               const struct vmn_quarantine *,
                               const char *domain, size_t *size);

/* tier.c */
void eval_tiers(struct vmn_view *, const char *key, struct vmn_value *);
void compile_tiers(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_retained(struct vmn_view *, const char *key, struct vmn_emit *);
/* Lets a packet through in 'direction'; its connection is kept by the tier at
 * 'keep', or not (0). */
void act_allow(struct vmn_actions *, enum vmn_direction, unsigned keep);

/* Which rule of policy 'key' has this conjunction, from 0, or -1. */
int rule_index(struct vmn_view *, const char *key, uint32_t conj);

/* What of a policy does not depend on its rules, as the value of a query. */
struct applies {
    uint32_t n_groups;
    bool isolates[VMN_N_DIRECTIONS]; /* Only in the application tier. */
    bool shadow;
    uint8_t position;           /* Of its tier. */
    char groups[];              /* As in struct rule. */
};

/* Tiers by their positions: bit P stands for the tier at position P. */
struct tiers {
    uint32_t present;
    uint32_t shadowed;          /* Have shadow policies. */
};
/* Has a packet go on behind the tier at 'position'. */
void act_pass(struct vmn_view *, struct vmn_actions *, enum vmn_direction,
              unsigned position);

/* shadow.c */
void shadow_base(struct vmn_emit *, const struct tiers *);
void compile_shadowed(struct vmn_view *, const char *key, struct vmn_emit *);
/* Counts what a shadow policy would isolate. */
void emit_would_isolate(struct vmn_view *, struct vmn_emit *,
                        const char *policy, const struct applies *);

/* policy.c */
void eval_applies(struct vmn_view *, const char *key, struct vmn_value *);
void compile_policy(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_applied(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_verdicts(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_bucket(struct vmn_view *, const char *key, struct vmn_emit *);

/* Where rules are compiled: a policy in a domain. */
struct policy_ctx {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const char *domain;
    uint32_t zone;              /* As in VMN_REG_ZONE. */
    struct ids own;             /* Identities that the policy applies to. */
};
/* conjunction.c */
void emit_rule(const struct policy_ctx *, const struct rule *);
void emit_verdict(struct vmn_view *, struct vmn_emit *, const char *policy,
                  const struct rule_head *);

/* What the services of a rule come to. */
struct ranges {
    size_t n, allocated;
    struct vmn_port_range *ranges; /* Merged. */
};
struct service_set {
    bool anything;              /* The rest does not matter. */
    struct ranges tcp, udp, sctp; /* Of ports. */
    struct ranges icmp, icmpv6; /* Of 256 x type + code. */
};
/* service.c */
void service_set_read(struct vmn_view *, const struct vmn_rule *,
                      struct service_set *);

/* quarantine.c */
void eval_quarantine(struct vmn_view *, const char *key, struct vmn_value *);
void eval_quarantine_selects(struct vmn_view *, const char *key,
                             struct vmn_value *);
/* Says that identity 'id' (as text) of 'domain' is in the quarantines that are
 * in 'list', the value of VMN_QUERY_QUARANTINE. */
void quarantine_publish(struct vmn_view *, struct vmn_emit *,
                        const char *list, const char *domain,
                        const char *id);
void compile_quarantined(struct vmn_view *, const char *key,
                         struct vmn_emit *);
void compile_quarantine(struct vmn_view *, const char *key, struct vmn_emit *);
/* Which rule of "QUARANTINE|DOMAIN" has this conjunction, from 0, or -1. */
int allowed_index(struct vmn_view *, const char *key, uint32_t conj);

/* reject.c */
enum firewall_handler { HANDLER_REJECT };
/* Drops a packet, and has its sender told. */
void act_reject(struct vmn_actions *);
void handle_reject(struct vmn_view *, const struct vmn_packet_in *,
                   struct vmn_packets_out *);

/* observation.c */
void compile_observation(struct vmn_view *, const char *key,
                         struct vmn_emit *);
/* firewall.c: commits a connection, with its mark. */
void act_commit(struct vmn_actions *, bool with_mark);

/* defaults.c: what holds where no rule decides. */
void compile_network(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_denied(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_isolated(struct vmn_view *, const char *key, struct vmn_emit *);
/* Drops what the identities of a fact send (egress) or get (ingress). */
void drop_identities(struct vmn_emit *, struct vmn_names ids,
                     const char *domain, enum vmn_direction, unsigned table,
                     const char *reason);

#endif /* apps/firewall/firewall.h */
