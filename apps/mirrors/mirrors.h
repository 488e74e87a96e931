/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the mirrors app share: its type, its stages, and what its
 * units tell each other. */

#ifndef APPS_MIRRORS_H
#define APPS_MIRRORS_H 1

#include "vmn/app.h"

/* The app's type. */
enum { TYPE_MIRRORS };
#define ROW_MIRROR VMN_ROW_OWN(TYPE_MIRRORS)
#define TYPE_NAME "mirrors"

/* Relation: "port NAME", "group NAME", "network NAME", "label KEY", "label
 * KEY=VALUE" or "any" -> mirrors that may be of such ports. */
#define REL_SOURCES "mirrors.sources"
/* Relation: "POLICY|WHICH" -> mirrors of what rules of it decide; WHICH is as
 * VMN_REL_RULE_GROUPS has it. */
#define REL_DECIDED "mirrors.decided"
/* Relation: policy -> mirrors of what rules of it decide that have a bucket
 * for that.  Relation: mirror -> such a policy. */
#define REL_COPIED "mirrors.copied"
#define REL_COPIES "mirrors.copies"
/* Relation: mirror -> "POLICY|WHICH" whose place others have, all
 * MIRRORS_OF_PORT_MAX. */
#define REL_LEFT_OUT "mirrors.left-out"
/* Relation: group -> mirrors of what rules decide of its ports. */
#define REL_DECIDED_PORTS "mirrors.decided-ports"
/* Relation: mirror -> hosts with ports of it, which copy; as its status has
 * it. */
#define REL_HOSTS "mirrors.hosts"
/* Relations of the status: mirror -> its ports; whether it copies anything;
 * and what is wrong with where it sends copies. */
#define REL_PORTS "mirrors.ports"
#define REL_ACTIVE "mirrors.active"
#define REL_PROBLEM "mirrors.problem"
/* Relations of mirrors with to_remote or to_interface: mirror -> hosts with
 * ports of it that have the tunnel or the interface for its copies; and those
 * that do not. */
#define REL_SENDERS "mirrors.senders"
#define REL_WAITING "mirrors.waiting"
/* Relation of those with to_interface: "HOST MIRROR" -> "", if the host has
 * ports of it. */
#define REL_AT_HOST "mirrors.at-host"
/* Relations of those with to_remote: address -> mirrors that send copies
 * there; "" -> hosts that send any;
 * and address -> the floating IP that it is. */
#define REL_REMOTES "mirrors.remotes"
#define REL_ALL_SENDERS "mirrors.all-senders"
#define REL_FLOATING "mirrors.floating"

/* Numbers of mirrors, which packets carry while they are copied. */
#define POOL_MIRROR "mirrors.mirror"
#define MIRROR_NUMBER_MAX 65535
/* In that register of those with to_remote, so that a flow can be of all. */
#define MIRROR_REMOTE (UINT32_C(1) << 16)
/* In that register until it is known whose the packet is that a rule has
 * decided on: the rule is one of ingress. */
#define MIRROR_INGRESS_RULE (UINT32_C(1) << 17)
#define REG_MIRROR VMN_F_REG10
/* Of one that samples: which one of so many the packet's connection is; the
 * first one, 0, is copied. */
#define REG_SAMPLE VMN_F_REG12

/* Stages and their tables. */
enum { STAGE_EGRESS, STAGE_INGRESS };
enum {
    EGRESS_SELECT,              /* What a port sends: its mirrors. */
    EGRESS_RULE,                /* What a rule has decided on, from the
                                 * policies' tables: whose it is. */
    EGRESS_N_TABLES
};
enum {
    INGRESS_SELECT,             /* What a port is given: its mirrors. */
    INGRESS_COPY,               /* Of either stage: what matches is copied. */
    INGRESS_SAMPLE,             /* Of these, of a mirror that samples, what is
                                 * of a connection that is chosen. */
    INGRESS_HAND,               /* The copy leaves, if its limit lets it. */
    INGRESS_N_TABLES
};

enum {
    PRIORITY_NONE = 1, PRIORITY_SOURCE = 10, PRIORITY_FILTER = 100,
    PRIORITY_COPY_AGAIN = 200
};

enum direction { DIRECTION_BOTH, DIRECTION_EGRESS, DIRECTION_INGRESS };

/* As 'protocols' of mirror-type.c has them. */
enum protocol {
    PROTOCOL_ANY, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP, PROTOCOL_ICMP,
    PROTOCOL_ICMPV6, PROTOCOL_ARP
};

/* Which packets: those that are all of this. */
struct mirror_filter {
    int protocol;               /* enum protocol. */
    struct vmn_prefix prefix;   /* Either address; family 0: any. */
    struct vmn_port_range ports; /* Either port; 'last' 0: any. */
};

/* Rules whose packets are copied. */
struct mirror_policy {
    const char *policy;
    size_t n_rules;
    const int *rules;           /* Their places, from 0; none: all. */
};

/* An object of type "mirrors". */
struct mirror {
    struct vmn_object object;
    size_t n_ports;
    const char *const *ports;
    size_t n_groups;
    const char *const *groups;
    struct vmn_selector selector;
    const char *network;
    size_t n_networks;
    const char *const *networks;
    size_t n_policies;
    const struct mirror_policy *policies;
    int direction;              /* enum direction. */
    size_t n_filters;
    const struct mirror_filter *filters;
    const char *to_port;        /* NULL, as the next two are none: to
                                 * readers. */
    const char *to_interface;
    struct vmn_ip to_remote;    /* Family 0: none. */
    int encap;                  /* enum vmn_copy_encap.  Of a 'to_remote', as
                                 * what follows. */
    int key;
    int erspan_ver, erspan_idx, erspan_hwid;
    int sampling;               /* One connection of so many; 1: all. */
    int max_pps;
    int max_size;               /* Bytes. */
    const char *until;          /* NULL: for good. */
};

#define MAX_PPS_DEFAULT 1000
#define MAX_SIZE_DEFAULT 65535
#define ERSPAN_VER_DEFAULT 1
#define FILTERS_MAX 16
#define POLICIES_MAX 16
#define RULES_MAX 64
#define RULE_MAX 999            /* A policy has 1,000. */
#define SAMPLING_MAX 1000
/* Mirrors that a port has at a time, and a rule, or a direction of a policy.
 * Those with a label whose key begins so come first. */
#define MIRRORS_OF_PORT_MAX 16
#define ADMIN_PREFIX "admin/"

/* mirror-type.c */
extern const struct vmn_type_class mirrors_types[];

static inline bool
mirror_filter_has_ports(const struct mirror_filter *filter)
{
    return filter->ports.last != 0;
}

static inline bool
mirror_is_for_readers(const struct mirror *row)
{
    return !row->to_port && !row->to_interface && !row->to_remote.family;
}

/* mirror.c */
void compile_mirror(struct vmn_view *, const char *key, struct vmn_emit *);
/* Returns mirror 'name' if its time is not over, or NULL. */
const struct mirror *read_mirror(struct vmn_view *, const char *name);
/* Returns true if it has a label that no account with a scope may give it. */
bool mirror_is_operators(struct vmn_view *, const struct mirror *);
/* Returns the type of the tunnel by which its copies leave, borrowed; NULL:
 * they do not go to an address outside. */
const char *mirror_tunnel(const struct mirror *);
/* Returns what its copies have in common, wherever they go: the limit of each
 * host, and how much of a packet is wanted. */
struct vmn_copy mirror_copy(struct vmn_view *, const struct mirror *);
/* Returns what REG_MIRROR has while a packet is looked up for a mirror: its
 * number, 0 if there is none left, and MIRROR_REMOTE. */
uint32_t mirror_number(struct vmn_view *, const struct mirror *);

/* copied-copies.c */
void compile_remote(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_floating_ip(struct vmn_view *, const char *key,
                         struct vmn_emit *);
/* Returns why no copies can be sent to the address, or NULL. */
const char *remote_fault(struct vmn_view *, const struct vmn_ip *);

/* host-interface.c */
void compile_at_host(struct vmn_view *, const char *key, struct vmn_emit *);

/* mirrored-port.c */
void compile_port(struct vmn_view *, const char *key, struct vmn_emit *);

/* mirrored-rule.c */
void compile_rule(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_rule_group(struct vmn_view *, const char *key,
                        struct vmn_emit *);
void compile_copied(struct vmn_view *, const char *key, struct vmn_emit *);
/* Says of which rules the mirror is. */
void mirror_publish_rules(struct vmn_view *, struct vmn_emit *,
                          const struct mirror *);
/* Emits the flows of EGRESS_RULE for the mirror with REG_MIRROR 'number', on
 * the hosts that relation 'hosts' has of it. */
void mirror_emit_rules(struct vmn_view *, struct vmn_emit *,
                       const struct mirror *, uint32_t number,
                       const char *hosts);
/* Returns true if it has copies of what rules decide, of some at least. */
bool mirror_copies_rules(struct vmn_view *, const struct mirror *);
/* Returns what the mirror names of policies that is not there, or of which it
 * has no copies; or NULL. */
const char *mirror_rule_fault(struct vmn_view *, const struct mirror *);

#endif /* apps/mirrors/mirrors.h */
