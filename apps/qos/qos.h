/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the qos app share: its type, and whom an object is for. */

#ifndef APPS_QOS_H
#define APPS_QOS_H 1

#include "vmn/app.h"

/* The app's type. */
#define ROW_POLICY VMN_ROW_OWN(0)

/* Relation: "port NAME", "network NAME", "label KEY", "label KEY=VALUE" or
 * "any" -> policies that may be for such ports. */
#define REL_POLICIES "qos.policies"

#define PRIORITY_MAX 1000
#define DSCP_KEPT (-1)

enum direction { DIRECTION_EGRESS, DIRECTION_INGRESS, N_DIRECTIONS };

/* A burst that is less than a frame lets no frame through. */
#define BURST_KB_LEAST 100

/* How much a port may send, or get.  0: any, and a burst that follows from the
 * rate. */
struct qos_limit {
    int direction;              /* enum direction. */
    int max_kbps, burst_kb;
    int max_pps, burst_packets;
};

/* An object of type "qos-policies". */
struct qos_policy {
    struct vmn_object object;
    size_t n_ports;
    const char *const *ports;
    const char *network;
    struct vmn_selector selector;
    int priority;
    size_t n_limits;
    const struct qos_limit *limits;
    int dscp;                   /* Or DSCP_KEPT. */
};

/* qos-policy.c */
extern const struct vmn_type_class qos_types[];
void compile_policy(struct vmn_view *, const char *key, struct vmn_emit *);

/* What all policies of a port come to. */
struct qos_effect {
    struct qos_limit limits[N_DIRECTIONS]; /* 0: none. */
    int dscp;                   /* Or DSCP_KEPT. */
};

/* Fills in 'effect' for a port.  Returns false if there is none. */
bool qos_effect_on(struct vmn_view *, const struct vmn_port *,
                   struct qos_effect *);

#endif /* apps/qos/qos.h */
