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
    TRACK_SEND,                 /* Sends packets through conntrack. */
    TRACK_STATE,                /* By their conntrack state. */
    TRACK_SOURCE,               /* Whether rules may name the packet's port.
                                 * Looks up the source's identity, */
    TRACK_DESTINATION,          /* the destination's, */
    TRACK_VERDICT,              /* and restarts packets with a stale one. */
    TRACK_KNOWN,                /* Known identities. */
    TRACK_N_TABLES
};

/* Tables of STAGE_POLICY: for egress, then for ingress, a table for each
 * position of a tier, and after the first (emergency) one for quarantine.  A
 * position without a tier has no flows, and the tier before continues after
 * it. */
#define POLICY_DIRECTION_TABLES (VMN_TIER_POSITIONS + 1)
enum {
    POLICY_EGRESS = 0,
    POLICY_INGRESS = POLICY_EGRESS + POLICY_DIRECTION_TABLES,
    POLICY_DEFAULT = POLICY_INGRESS + POLICY_DIRECTION_TABLES,
    POLICY_ACCEPT,
    POLICY_DONE,                /* Continues with the next stage. */
    POLICY_SHADOW,              /* Detours: for each direction, a table for
                                 * each position but the first. */
    POLICY_LIMITS = POLICY_SHADOW + 2 * (VMN_TIER_POSITIONS - 1),
                                /* A detour: the limits of what rules let
                                 * through. */
    POLICY_N_TABLES
};

/* Priorities in the tables of tiers; rules are in between. */
enum {
    POLICY_SKIP = 65500,        /* The direction's side is on another host. */
    POLICY_RETAINED = 65400,    /* Retained connections. */
    POLICY_RULE_MAX = 65300,
    POLICY_ALLOWED = 110,       /* Allowed by a quarantine. */
    POLICY_NO_RULE = 100,       /* Quarantine, isolation, and default deny. */
    POLICY_WOULD_ISOLATE = 50,  /* Isolation by policies in shadow mode; with
                                 * 1 more, of what opens connections. */
    POLICY_NEXT_TIER = 1,
};

/* Priorities in TRACK_SEND. */
enum {
    SEND_QUESTION = 120,        /* Of DNS: a copy comes up. */
    SEND_STATELESS = 110,
    SEND_TRACKED = 100,
};

/* Priorities in TRACK_SOURCE. */
enum {
    SOURCE_ANY_BLOCK = 110,     /* It is not the packet's port that counts. */
    SOURCE_BLOCK = 100,
    SOURCE_NO_BLOCK = 1,
};

/* Priorities in TRACK_VERDICT, below those of stale-identity.c. */
enum {
    VERDICT_STATELESS = 60,
    VERDICT_LIMIT = 50,         /* A port's limit of new connections. */
};

/* Priorities in POLICY_ACCEPT that more than one file uses. */
enum {
    ACCEPT_LEARN_PROTOCOL = 130,
    ACCEPT_LEARN = 120,
    ACCEPT_STATELESS = 115,
    ACCEPT_LATER_FRAGMENT = 110,
    ACCEPT_NEW = 100,
    ACCEPT_REPLY = 90,
};

/* The position of the tier that allowed the packet by a rule of a policy that
 * retains connections, in 8 bits for each direction, or 0.  It becomes the
 * connection's mark. */
#define REG_KEEP VMN_F_REG12
#define KEEP_BITS(DIRECTION) ((DIRECTION) == VMN_EGRESS ? 0 : 8)

/* In the application tier, the ID of the shadow policy that would isolate the
 * packet's port and has no matching rule, or 0. */
#define REG_SHADOW VMN_F_REG13

/* The limit that the packet is to meet in POLICY_LIMITS (VMN_REL_LIMITS). */
#define REG_LIMIT VMN_F_REG14

/* Parts of a policy's rules in a domain, each compiled by itself; at most
 * 32. */
#define POLICY_BUCKETS 16

static inline unsigned
policy_first(enum vmn_direction direction)
{
    return direction == VMN_EGRESS ? POLICY_EGRESS : POLICY_INGRESS;
}

/* "ingress" and "egress". */
extern const char *const direction_names[VMN_N_DIRECTIONS];

/* Stands for a tier's position, between the first and the others. */
#define POSITION_QUARANTINE 0

/* Returns the table of a tier's direction, by its position. */
static inline unsigned
policy_table(enum vmn_direction direction, unsigned position)
{
    return policy_first(direction)
           + (position == VMN_TIER_EMERGENCY ? 0
              : position == POSITION_QUARANTINE ? 1 : position);
}

/* Returns the table of a tier's shadow policies, which the first cannot
 * have. */
static inline unsigned
shadow_table(enum vmn_direction direction, unsigned position)
{
    return POLICY_SHADOW + position - VMN_TIER_EMERGENCY - 1
           + (direction == VMN_EGRESS ? 0 : VMN_TIER_POSITIONS - 1);
}

/* ID pools. */
#define ID_POOL_IDENTITY "firewall.identity"
#define ID_POOL_CONJUNCTION "firewall.conj"

/* Query without a key: struct tiers. */
#define QUERY_TIERS "firewall.tiers"

/* Query of a port: "g1,g2", its groups, sorted. */
#define QUERY_GROUPS VMN_QUERY_GROUPS

/* Query without a key: bool, whether any quarantine has a selector. */
#define QUERY_SELECTS "firewall.quarantine-selects"

/* Queries of a group. */
#define QUERY_NESTED VMN_QUERY_NESTED_GROUPS
#define QUERY_ADDRESSES "firewall.addresses" /* Its own prefixes, merged. */

/* Queries of a policy. */
#define QUERY_APPLIES "firewall.applies" /* struct applies. */
#define QUERY_RULES "firewall.rules"    /* All rules, packed. */
#define QUERY_BUCKET "firewall.bucket"  /* POLICY|BUCKET: the rules in it. */
#define QUERY_BUCKETS "firewall.buckets" /* uint32_t: bits of the buckets in
                                          * use. */
#define QUERY_BLOCKS "firewall.blocks"  /* struct service_block[], sorted. */
#define QUERY_ZONED "firewall.zoned"    /* POLICY|DOMAIN: "A,B", networks whose
                                         * zones decide what names are. */
#define QUERY_WILD "firewall.wild"      /* Any value: rules of the policy have
                                         * names with wildcards. */
#define QUERY_NAMED "firewall.named"    /* POLICY|DOMAIN|NAME in DNS:
                                         * struct vmn_ip[]. */

/* Relations.  An identity is in decimal; a DOMAIN is a key of
 * vmn_domain_of(). */
#define REL_MEMBERS "firewall.members"  /* DOMAIN|GROUP -> identity. */
#define REL_IDENTITIES "firewall.identities" /* DOMAIN|identity -> "". */
#define REL_DOMAINS "firewall.domains"  /* GROUP -> domain with members. */
#define REL_APPLIED "firewall.applied"  /* POLICY|DOMAIN -> "". */
#define REL_BUCKETS "firewall.buckets"  /* POLICY|DOMAIN|BUCKET -> "". */
#define REL_BLOCKS "firewall.blocks"    /* DOMAIN|block of ports -> "". */
#define REL_HOSTS VMN_REL_POLICY_HOSTS  /* POLICY -> host that needs it. */
#define REL_ISOLATED "firewall.isolated" /* DOMAIN|DIRECTION -> identity. */
#define REL_SHADOWED "firewall.shadowed" /* ... -> identity/shadow policy. */
#define REL_SHADOWS "firewall.shadows"  /* "all" -> tiers with shadows. */
#define REL_QUARANTINED "firewall.quarantined" /* DOMAIN -> identity. */
/* QUARANTINE|DOMAIN -> identity. */
#define REL_QUARANTINE_IDS "firewall.quarantine-identities"
#define REL_DENIED "firewall.denied"    /* DOMAIN -> identity. */
/* DOMAIN|identity -> network of its ports, in domains of several. */
#define REL_NETWORKS "firewall.networks"
#define REL_ASKED "firewall.asked"      /* DOMAIN -> identity, of whose
                                         * questions of DNS vmnd takes note. */
/* DOMAIN -> network with subnets that are not private. */
#define REL_PUBLIC "firewall.public"
#define REL_SCTP_STATELESS "firewall.sctp-stateless" /* "" -> host. */

/* A sorted set of identities, or of other numbers. */
struct ids {
    size_t n, allocated;
    uint32_t *ids;
};
void ids_add(struct vmn_view *, struct ids *, uint32_t id);
/* Adds the identities of 'group' in 'domain'. */
void ids_add_group(struct vmn_view *, struct ids *, const char *domain,
                   const char *group);

/* A list of names. */
struct names {
    size_t n, allocated;
    const char **names;
};
/* Adds 'name', which must live as long as the list. */
void names_add(struct vmn_view *, struct names *, const char *name);
/* Sorts the names, and removes duplicates. */
void names_sort(struct names *);
/* Returns "A,B" of at least one name, sorted. */
const char *names_join(struct vmn_view *, struct names *);

/* group.c */
void eval_nested(struct vmn_view *, const char *key, struct vmn_value *);
void eval_addresses(struct vmn_view *, const char *key, struct vmn_value *);
/* Adds 'group' and the groups nested in it, or nothing if it does not
 * exist. */
void names_add_nested(struct vmn_view *, struct names *, const char *group);

/* A set of prefixes. */
struct prefixes {
    size_t n, allocated;
    struct vmn_prefix *prefixes;
};
/* Adds the 'n' prefixes in 'from', without those of 'except'. */
void prefixes_add(struct vmn_view *, struct prefixes *,
                  const struct vmn_prefix *from, size_t n,
                  const struct vmn_prefix *except, size_t n_except);
/* Adds the addresses of 'group' itself, without nested groups. */
void prefixes_add_group(struct vmn_view *, struct prefixes *,
                        const char *group);

/* identity.c */
bool id_from_text(const char *, uint32_t *id);
/* Returns the first name of a copied list "A,B", and advances '*list'; NULL at
 * the end. */
const char *list_next(char **list);
void eval_groups(struct vmn_view *, const char *key, struct vmn_value *);
void eval_identity(struct vmn_view *, const char *key, struct vmn_value *);
void compile_member(struct vmn_view *, const char *key, struct vmn_emit *);

/* connection-limit.c */
void compile_limit(struct vmn_view *, const char *key, struct vmn_emit *);

/* stale-identity.c */
void known_base(struct vmn_emit *);
/* Looks up the source's identity, and goes on.  'named' sets
 * VMN_FLAG_NAMED. */
void act_look_up_source(struct vmn_actions *, bool named);
void compile_identity(struct vmn_view *, const char *key, struct vmn_emit *);

/* sctp.c */
void compile_host(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_sctp(struct vmn_view *, const char *key, struct vmn_emit *);

/* What a rule's service matches: a port and its mask, an ICMP type with all of
 * its codes or one, or all of a protocol. */
enum service_what {
    SERVICE_ALL,
    SERVICE_PORTS,
    SERVICE_ICMP_TYPE,
    SERVICE_ICMP_CODE,
};
struct service_match {
    uint8_t ip_proto;
    uint8_t what;
    uint16_t value;             /* ICMP: 256 x type + code. */
    uint16_t mask;              /* The port's. */
};

/* A rule in the value of a query: the head, then its services, prefixes,
 * groups and names, padded to 8 bytes.  It has no padding of its own. */
struct rule_head {
    uint32_t size;              /* Bytes of all of it. */
    uint32_t conj;
    uint32_t n_services;
    uint32_t n_prefixes;        /* Of peers that are not groups. */
    uint32_t n_excepts;         /* What these peers except. */
    uint32_t n_groups;          /* Peers, and groups nested in them. */
    uint32_t n_fqdns;           /* Peers that are names in DNS. */
    uint16_t priority;
    uint8_t position;           /* The tier's. */
    uint8_t direction;
    uint8_t action;
    uint8_t bucket;
    uint8_t has_peers;          /* Otherwise, it matches everyone. */
    uint8_t has_services;       /* Otherwise, it matches everything. */
    uint8_t any_service;        /* Its services match everything. */
    uint8_t keep;               /* Retains the connections that it allows. */
    uint8_t log;
    uint8_t shadow;             /* In shadow mode: only counts. */
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
    const struct vmn_prefix *prefixes, *excepts;
    const char *groups;         /* Null-terminated, one after the other, and
                                 * names in DNS behind them. */
};

/* conjunction-id.c */
/* Returns a hash of a rule's meaning, independent of the order of its lists
 * and of how prefixes and ranges are divided. */
uint64_t rule_hash(struct vmn_view *, const struct vmn_rule *);

/* rule-window.c */
/* Whether it is the time of one of the windows of 'rule', or it has none.
 * Whoever asks is computed again when that changes. */
bool rule_is_valid(struct vmn_view *, const struct vmn_rule *);
/* Returns the conjunction ID of rule 'i' of 'owner', a policy or a quarantine
 * in a domain; 0 if the pool is exhausted.  'hashes' are those of its rules up
 * to this one. */
uint32_t conjunction_id(struct vmn_view *, const char *owner,
                        const uint64_t hashes[], size_t i);

/* policy-rules.c */
void eval_rules(struct vmn_view *, const char *key, struct vmn_value *);
void eval_bucket(struct vmn_view *, const char *key, struct vmn_value *);
void eval_buckets(struct vmn_view *, const char *key, struct vmn_value *);
/* Sets the members of a rule from its packed form at 'at'.  Returns where the
 * next one starts. */
const struct rule_head *rule_read(const void *at, struct rule *);
/* Packs the rules of a quarantine in a domain: '*size' bytes in the view's
 * memory. */
const char *rules_pack_allowed(struct vmn_view *,
                               const struct vmn_quarantine *,
                               const char *domain, size_t *size);
/* Returns which rule of policy 'key' has this conjunction ID, from 0, or
 * -1. */
int rule_index(struct vmn_view *, const char *key, uint32_t conj);

/* tier.c */
void eval_tiers(struct vmn_view *, const char *key, struct vmn_value *);
void compile_tiers(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_retained(struct vmn_view *, const char *key, struct vmn_emit *);
/* Lets a packet through in 'direction'.  'keep' is the position of the tier
 * that retains its connection, or 0. */
void act_allow(struct vmn_actions *, enum vmn_direction, unsigned keep);

/* What does not depend on a policy's rules, as the value of a query. */
struct applies {
    uint32_t n_groups;
    bool isolates[VMN_N_DIRECTIONS]; /* Only in the application tier. */
    bool shadow;
    uint8_t position;           /* Of its tier. */
    char groups[];              /* As in struct rule. */
};

/* Which positions have tiers: bit P is that of position P. */
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
/* Reads the identities in a domain that the policy applies to.  Returns NULL
 * if there is no such policy. */
const struct applies *policy_read_own(struct vmn_view *, const char *policy,
                                      const char *domain, struct ids *own);
void compile_policy(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_applied(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_verdicts(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_bucket(struct vmn_view *, const char *key, struct vmn_emit *);

/* Where rules are compiled: a policy in a domain. */
struct policy_ctx {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const char *domain;
    const char *policy;         /* NULL: a quarantine's rules. */
    uint32_t zone;              /* As in VMN_REG_ZONE. */
    struct ids own;             /* Identities that the policy applies to. */
};
/* peer-fqdn.c */
void eval_zoned(struct vmn_view *, const char *key, struct vmn_value *);
void eval_named(struct vmn_view *, const char *key, struct vmn_value *);
/* Adds the addresses that name 'fqdn' has by now. */
void prefixes_add_fqdn(const struct policy_ctx *, struct prefixes *,
                       const char *fqdn);
/* peer-vip.c */
/* Adds the backends of virtual IPs that are among the addresses of an egress
 * rule, which vmn_prefixes_merge() has merged, and merges them again. */
void prefixes_add_served(const struct policy_ctx *, const struct rule *,
                         struct prefixes *);
/* conjunction.c */
void emit_rule(const struct policy_ctx *, const struct rule *);
/* Groups through which what a policy's rules decide goes
 * (VMN_REL_RULE_GROUPS), by their numbers. */
struct rule_group {
    unsigned rule;
    uint32_t id;
};
struct rule_groups {
    size_t n;                   /* Of single rules, in their order. */
    struct rule_group *groups;
    uint32_t ids[VMN_N_DIRECTIONS]; /* Of all of a direction; 0: none. */
};
/* Sets 'groups' to those of the policy, which its unit holds from here on. */
void rule_groups_hold(struct vmn_view *, struct vmn_emit *,
                      const char *policy, struct rule_groups *groups);
/* Limits that what a policy's rules let through meets (VMN_REL_RULE_LIMITS),
 * in the order of the rules. */
struct rule_limit {
    unsigned rule;              /* Its number, or all of a direction. */
    uint32_t limit;             /* 0: too many. */
};
struct rule_limits {
    size_t n;
    struct rule_limit *limits;
};
/* What a packet goes through before what a policy's rules say becomes of
 * it. */
struct detours {
    struct rule_groups groups;
    struct rule_limits limits;
};
/* 'number' says which rule of the policy it is, from 0. */
void emit_verdict(struct vmn_view *, struct vmn_emit *, const char *policy,
                  const struct rule_head *, unsigned number,
                  const struct detours *);

/* rule-limit.c */
/* Sets 'limits' to those of the policy, whose numbers its unit holds from here
 * on. */
void rule_limits_hold(struct vmn_view *, struct vmn_emit *,
                      const char *policy, struct rule_limits *limits);
/* Returns true if what rule 'number' lets through is dropped, as it would meet
 * too many. */
bool rule_limits_too_many(const struct rule_limits *, unsigned number,
                          enum vmn_direction);
/* Has the packet meet those of rule 'number'.  Returns false if it gets
 * through none: then it is dropped. */
bool act_limits(struct vmn_actions *, const struct rule_limits *,
                unsigned number, enum vmn_direction);
void compile_rule_limit(struct vmn_view *, const char *key,
                        struct vmn_emit *);

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
void ranges_add(struct vmn_view *, struct ranges *,
                const struct vmn_port_range *, size_t n);
void service_set_read(struct vmn_view *, const struct vmn_rule *,
                      struct service_set *);
/* Matches a service in the original tuple of the packet's connection. */
void match_service(struct vmn_flow *, const struct service_match *);
/* Matches ports of SCTP, for flow 'i' of SERVICE_SCTP_FLOWS: both families,
 * requests and replies.  These are the packet's own ports, which are swapped
 * in a reply, since conntrack of the userspace datapath does not know them. */
#define SERVICE_SCTP_FLOWS 4
void match_sctp_ports(struct vmn_flow *, const struct service_match *, int i);

/* service-blocks.c */

/* Sets or clears VMN_FLAG_NAMED, and matches packets that have it. */
void act_set_named(struct vmn_actions *, bool);
/* Sends a packet through conntrack, for the first time. */
void act_track(struct vmn_actions *);

/* dns-question.c */
void eval_wild(struct vmn_view *, const char *key, struct vmn_value *);
void compile_asked(struct vmn_view *, const char *key, struct vmn_emit *);
void handle_names(struct vmn_view *, const struct vmn_packet_in *,
                  struct vmn_packets_out *);
void match_named(struct vmn_flow *);

/* What one flow can match: ports, or a type of ICMP. */
struct service_block {
    uint16_t value;
    uint16_t mask;
    uint16_t ip_proto;
};
/* Adds the blocks of what a rule names.  Of ICMP, 'set' has types only. */
void service_blocks_add(struct vmn_view *, struct service_set *set,
                        const struct rule *);
/* Returns what 'set' comes to: '*n' blocks in the view's memory. */
struct service_block *service_blocks(struct vmn_view *, struct service_set *,
                                     size_t *n);
/* Says that rules of 'domain' name ports in these blocks. */
void service_blocks_publish(struct vmn_view *, struct vmn_emit *,
                            const char *domain, const struct service_block *,
                            size_t n);
void eval_blocks(struct vmn_view *, const char *key, struct vmn_value *);
void compile_block(struct vmn_view *, const char *key, struct vmn_emit *);

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
enum firewall_handler { HANDLER_REJECT, HANDLER_NAMES };
/* Drops a packet, and rejects it to its sender. */
void act_reject(struct vmn_actions *);
void handle_reject(struct vmn_view *, const struct vmn_packet_in *,
                   struct vmn_packets_out *);

/* observation.c */
void compile_observation(struct vmn_view *, const char *key,
                         struct vmn_emit *);

/* connection-tracking.c */
void tracking_base(struct vmn_emit *);
/* Commits a connection, with its mark. */
void act_commit(struct vmn_actions *, bool with_mark);

/* default-deny.c: what applies where no rule matches. */
void compile_network(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_denied(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_isolated(struct vmn_view *, const char *key, struct vmn_emit *);
/* Drops what these identities send (egress) or receive (ingress). */
void drop_identities(struct vmn_emit *, struct vmn_names ids,
                     const char *domain, enum vmn_direction, unsigned table,
                     const char *reason);

#endif /* apps/firewall/firewall.h */
