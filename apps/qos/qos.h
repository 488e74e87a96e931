/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the qos app share: its types, and whom an object is
 * for. */

#ifndef APPS_QOS_H
#define APPS_QOS_H 1

#include "vmn/app.h"

/* The app's types. */
#define ROW_POLICY VMN_ROW_OWN(0)
#define ROW_UPLINK VMN_ROW_OWN(1)

/* Relation: "port NAME", "group NAME", "network NAME", "label KEY",
 * "label KEY=VALUE", "host NAME" or "any" -> policies that may be for such
 * ports. */
#define REL_POLICIES "qos.policies"
/* Relation: "" -> "", while there is a policy with groups: which ones a port
 * is in is not asked for else. */
#define REL_BY_GROUP "qos.by-group"
/* Relation: policy with shared limits or filters -> hosts with ports of it, or
 * on which its rules decide; as its status has it. */
#define REL_HOSTS VMN_REL_LIMIT_HOSTS
/* Relation: the firewall's policy -> policies that limit what its rules let
 * through. */
#define REL_OF_RULES "qos.of-rules"
/* Relation: the firewall's policy -> numbers of rules that more policies limit
 * than may, or CROWDED_ALL. */
#define REL_CROWDED "qos.crowded"
#define CROWDED_ALL "all"
/* Relation: policy -> "POLICY: REASON", what it names of the firewall's and
 * does not limit, or "HOST: REASON", where too many limit a port; as its
 * status has it. */
#define REL_UNLIMITED "qos.unlimited"
/* Relation: port -> hosts on which it has limits of its own. */
#define REL_LIMITED "qos.limited"

/* Relation: "host NAME" or "any" -> uplinks of such hosts. */
#define REL_UPLINKS_FOR "qos.uplinks-for"
/* Relation: policy with a 'shared_min_kbps' -> the number of its queue. */
#define REL_NUMBER "qos.number"
/* Relation: host -> "KEY QUEUE KBPS POLICY", the guaranteed rates of what is
 * on it: whose, "port/NAME" or "policy/NAME"; the number of its queue, 0 for
 * none; and which policy's it is. */
#define REL_GUARANTEES "qos.guarantees"
/* Relation: policy -> "HOST: REASON", where its guaranteed rate does not hold;
 * as its status has it. */
#define REL_UNGUARANTEED "qos.unguaranteed"
/* Relation: uplink -> "HOST: REASON", where its interface guarantees nothing;
 * as its status has it. */
#define REL_UNQUEUED "qos.unqueued"
/* Relation: policy -> "NETWORK: REASON", where its priority of VLAN tags has
 * no tag; as its status has it. */
#define REL_UNTAGGED "qos.untagged"

/* Of policies with a 'shared_min_kbps'. */
#define POOL_QUEUE "qos.queue"
#define QUEUE_ID_MAX 4095
/* Of a host.  Open vSwitch configures all queues of all uplinks anew whenever
 * one of its bridges changes. */
#define QUEUES_MAX 250
#define UPLINKS_MAX 4

/* Numbers of policies with shared limits or filters, which packets carry while
 * they meet these.  0: what all others of the port come to. */
#define POOL_POLICY "qos.policy"
#define POLICY_NUMBER_MAX 65535
/* Policies with shared limits or filters that a port may have, and of these
 * policies with filters and limits, which take meters of the port's own.  With
 * more no IP packet gets through: a limit that is not met would be none. */
#define POLICIES_OF_PORT_MAX 32
#define FILTERED_OF_PORT_MAX 4
/* Of more, how many are told; any number may be for a port. */
#define TOLD_OF_PORT_MAX 256
#define FILTERS_MAX 8
/* The firewall's policies that one may name, and of each how many rules. */
#define RULE_POLICIES_MAX 16
#define RULES_MAX 64
#define RULE_MAX 999            /* A policy of the firewall has 1,000. */
/* How many may limit a rule, and rules of one of the firewall's policies.
 * With more nothing of the rule, or of the policy, gets through. */
#define POLICIES_OF_RULE_MAX 32
#define POLICIES_OF_FIREWALL_MAX 128

/* Stages and their tables. */
enum { STAGE_EGRESS, STAGE_INGRESS, N_STAGES };
enum {
    TABLE_PORT,                 /* What a port's packets are to meet... */
    TABLE_LIMITS,               /* ...a meter for each of it, and whether
                                 * filters match. */
    N_TABLES
};
enum { PRIORITY_NONE = 1, PRIORITY_LIMITED = 10, PRIORITY_NEIGHBOURS = 20 };
_Static_assert(PRIORITY_LIMITED + FILTERS_MAX <= PRIORITY_NEIGHBOURS,
               "each filter has a priority of its own");

enum protocol {
    PROTOCOL_ANY, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP, PROTOCOL_ICMP,
    PROTOCOL_ICMPV6, N_PROTOCOLS
};

#define PRIORITY_MAX 1000
#define PRIORITY_DEFAULT (PRIORITY_MAX / 2)
#define DSCP_KEPT (-1)
/* Of a VLAN tag (PCP, IEEE 802.1Q): none is said, and what the DSCP says. */
#define PCP_KEPT (-1)
#define PCP_MAX 7
#define PCP_OF_DSCP (PCP_MAX + 1)

enum direction { DIRECTION_EGRESS, DIRECTION_INGRESS, N_DIRECTIONS };

/* A burst that is less than a frame lets no frame through. */
#define BURST_KB_LEAST 100
/* Open vSwitch guarantees a frame a second at least, of up to 9,000 bytes. */
#define MIN_KBPS_LEAST 100

/* How much a port, or all of a policy on a host, may send or get.  0: any, and
 * a burst that follows from the rate. */
struct qos_limit {
    int direction;              /* enum direction. */
    int max_kbps, burst_kb;
    int max_pps, burst_packets;
};

/* The two that a limit may have. */
enum limit_kind { LIMIT_KBPS, LIMIT_PPS, N_LIMIT_KINDS };

/* Rules of the firewall, as in the mirrors app. */
struct qos_rules {
    const char *policy;
    size_t n_rules;
    const int *rules;           /* Their places, from 0; none: all. */
};

/* Which packets: those that are all of this, as in the mirrors app. */
struct qos_filter {
    int protocol;               /* enum protocol. */
    struct vmn_prefix prefix;   /* Either address; family 0: any. */
    struct vmn_port_range ports; /* Either port; 'last' 0: any. */
};

/* An object of type "qos-policies". */
struct qos_policy {
    struct vmn_object object;
    size_t n_ports;
    const char *const *ports;
    struct vmn_selector selector;
    const char *network;
    size_t n_groups;
    const char *const *groups;
    size_t n_hosts;
    const char *const *hosts;
    size_t n_policies;
    const struct qos_rules *policies;
    int priority;
    size_t n_filters;
    const struct qos_filter *filters;
    size_t n_limits;
    const struct qos_limit *limits;
    size_t n_shared_limits;
    const struct qos_limit *shared_limits;
    int dscp;                   /* Or DSCP_KEPT. */
    int pcp;                    /* Or PCP_KEPT. */
    bool pcp_from_dscp;
    int min_kbps;               /* Of each port... */
    int shared_min_kbps;        /* ...of all on a host together; 0: none. */
};

/* An object of type "qos-uplinks". */
struct qos_uplink {
    struct vmn_object object;
    size_t n_hosts;             /* 0: all. */
    const char *const *hosts;
    const char *interface;
    int max_kbps;
};

/* qos-policy.c */
extern const struct vmn_type_class qos_types[];
/* Publishes for which ports policy 'key' may be. */
void qos_publish_policy(struct vmn_view *, const char *key, struct vmn_emit *);

/* What all policies of a port come to. */
struct qos_effect {
    struct qos_limit limits[N_DIRECTIONS]; /* Of those without filters; 0:
                                            * none. */
    int dscp;                   /* Or DSCP_KEPT. */
    int pcp;                    /* Or PCP_KEPT, or PCP_OF_DSCP... */
    const struct qos_policy *tagging; /* ...and whose it is, or NULL. */
    const struct qos_policy *min; /* Whose 'min_kbps' counts, or NULL; */
    const struct qos_policy *shared_min; /* and 'shared_min_kbps', if not. */
    /* Those with shared limits or filters, the narrowest first; see
     * qos_has_too_many(). */
    size_t n, n_filtered;
    const struct qos_policy *policies[POLICIES_OF_PORT_MAX];
};

/* Returns true if the port has more policies than it may have; then
 * 'policies' has not all of them. */
bool qos_has_too_many(const struct qos_effect *);

/* Says so, to each of the policies that are too many. */
void qos_publish_too_many(struct vmn_view *, const struct vmn_port *,
                          const char *host, struct vmn_emit *);

/* Fills in 'effect' for a port on one of its hosts.  Returns false if there is
 * none. */
bool qos_effect_on(struct vmn_view *, const struct vmn_port *,
                   const char *host, struct qos_effect *);

/* qos-rule.c */
extern const struct vmn_struct_class qos_rules_class;
/* Checks the rules that the policy is for, which are in place of ports. */
void qos_check_rules(const struct qos_policy *, struct vmn_check *);
/* Publishes of which of the firewall's policies it is. */
void qos_publish_rules(struct vmn_view *, const struct qos_policy *,
                       struct vmn_emit *);
/* Units: of each policy, for what is of rules; of each whose number is in the
 * firewall's flows; and of each of the firewall's policies that is named. */
void qos_compile_limited(struct vmn_view *, const char *key,
                         struct vmn_emit *);
void qos_compile_held(struct vmn_view *, const char *key, struct vmn_emit *);
void qos_compile_rules(struct vmn_view *, const char *key, struct vmn_emit *);

/* qos.c */
/* Returns the rate of a limit, 0 if it has none of that kind, and sets
 * '*burst' to what may come at once. */
uint32_t qos_rate(const struct qos_limit *, enum limit_kind, uint32_t *burst);
/* Returns the number of a policy with shared limits or filters; 0: there is
 * none left, and the unit fails. */
uint32_t qos_number(struct vmn_view *, const struct qos_policy *);

/* qos-uplink.c */
extern const struct vmn_struct_class qos_uplink_class;
extern const struct vmn_field_class qos_uplink_status[];
void qos_check_uplink(const void *row, struct vmn_check *);
/* Returns the number of the queue by which what a port sends is to leave its
 * host; 0: whichever others leave by. */
uint32_t qos_queue_of(struct vmn_view *, const char *host, uint32_t ofport,
                      const struct qos_effect *);
/* Publishes the guaranteed rate that a port has on a host. */
void qos_publish_guarantee(struct vmn_view *, const struct vmn_port *,
                           const char *host, uint32_t ofport,
                           const struct qos_effect *, struct vmn_emit *);
/* Units: of each policy, of each uplink, and three of each host. */
void qos_compile_number(struct vmn_view *, const char *key, struct vmn_emit *);
void qos_compile_uplink(struct vmn_view *, const char *key, struct vmn_emit *);
void qos_compile_uplinks(struct vmn_view *, const char *key,
                         struct vmn_emit *);
void qos_compile_queues(struct vmn_view *, const char *key, struct vmn_emit *);
void qos_compile_unqueued(struct vmn_view *, const char *key,
                          struct vmn_emit *);

/* qos-filter.c */
extern const struct vmn_struct_class qos_filter_class;
/* Checks the policy's filters. */
void qos_check_filters(const struct qos_policy *, struct vmn_check *);
/* Calls 'add' for each flow that it takes to match what one of the filters
 * lets through: it adds a flow of 'priority', with actions, which gets the
 * match. */
struct qos_filtered {
    struct vmn_flow *(*add)(uint16_t priority, const void *aux);
    const void *aux;
};
void qos_add_filtered(const struct qos_policy *, const struct qos_filtered *);

#endif /* apps/qos/qos.h */
