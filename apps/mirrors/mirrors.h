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
/* Relation: mirror -> hosts with ports of it, which copy; as its status has
 * it. */
#define REL_HOSTS "mirrors.hosts"
/* Relations of the status: mirror -> its ports; whether it copies anything;
 * and what is wrong with where it sends copies. */
#define REL_PORTS "mirrors.ports"
#define REL_ACTIVE "mirrors.active"
#define REL_PROBLEM "mirrors.problem"

/* Numbers of mirrors, which packets carry while they are copied. */
#define POOL_MIRROR "mirrors.mirror"
#define MIRROR_NUMBER_MAX 65535
#define REG_MIRROR VMN_F_REG10

/* Stages and their tables. */
enum { STAGE_EGRESS, STAGE_INGRESS };
enum {
    INGRESS_SELECT,             /* What a port is given: its mirrors. */
    INGRESS_COPY,               /* Of either stage: what matches is copied. */
    INGRESS_HAND,               /* The copy is sent to a port. */
    INGRESS_N_TABLES
};

enum { PRIORITY_NONE = 1, PRIORITY_SOURCE = 10, PRIORITY_FILTER = 100 };

enum direction { DIRECTION_BOTH, DIRECTION_EGRESS, DIRECTION_INGRESS };

/* As 'protocols' of mirror.c has them. */
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
    int direction;              /* enum direction. */
    size_t n_filters;
    const struct mirror_filter *filters;
    const char *to_port;        /* NULL: to readers. */
    int max_pps;
    int max_size;               /* Bytes. */
    const char *until;          /* NULL: for good. */
};

#define MAX_PPS_DEFAULT 1000
#define MAX_SIZE_DEFAULT 65535
#define FILTERS_MAX 16
/* Mirrors that a port has at a time.  Those with a label whose key begins so
 * come first. */
#define MIRRORS_OF_PORT_MAX 16
#define ADMIN_PREFIX "admin/"

/* mirror.c */
extern const struct vmn_type_class mirrors_types[];
void compile_mirror(struct vmn_view *, const char *key, struct vmn_emit *);
/* Returns mirror 'name' if its time is not over, or NULL. */
const struct mirror *read_mirror(struct vmn_view *, const char *name);
/* Returns true if it has a label that no account with a scope may give it. */
bool mirror_is_operators(struct vmn_view *, const struct mirror *);
/* Returns the number of a mirror; 0: there is none left. */
uint32_t mirror_number(struct vmn_view *, const char *name);

/* mirrored-port.c */
void compile_port(struct vmn_view *, const char *key, struct vmn_emit *);

#endif /* apps/mirrors/mirrors.h */
