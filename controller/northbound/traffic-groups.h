/* SPDX-License-Identifier: Apache-2.0
 *
 * Which groups ports are in, for sums of their traffic by group: directly or
 * through other groups, as far as an account sees them.  Ports that are in the
 * same groups are one class, so what many ports send each other is that of few
 * classes.  Not for the members of one group (group-ports.c). */

#ifndef CONTROLLER_NORTHBOUND_TRAFFIC_GROUPS_H
#define CONTROLLER_NORTHBOUND_TRAFFIC_GROUPS_H 1

#include <stddef.h>

#include "openvswitch/hmap.h"

struct arena;
struct model;
struct model_rights;
struct vmn_port;

/* Groups that are looked at for all ports together, at most. */
#define TRAFFIC_GROUPS_LOOKS_MAX 100000

/* Ports that are in the same groups. */
struct traffic_class {
    struct hmap_node node;
    const char *direct;         /* The groups that they are in directly, "A,B":
                                 * by these it is found. */
    const char *text;           /* All of them, the same way; no group's name
                                 * has a comma. */
    size_t n;
    const char **groups;        /* All of them, by name; borrowed of the
                                 * model. */
};

struct traffic_groups {
    const struct model *model;
    const struct model_rights *rights; /* Groups that these do not let see are
                                        * left out; NULL: none. */
    struct arena *arena;        /* Of what is found. */
    struct hmap classes;        /* Of struct traffic_class. */
    size_t n_looks;             /* Groups that were looked at. */
};

/* 'arena' and 'rights' are borrowed. */
void traffic_groups_init(struct traffic_groups *, const struct model *,
                         const struct model_rights *, struct arena *);
void traffic_groups_uninit(struct traffic_groups *);

/* Returns the class of the port, whose 'n' is 0 if it is in no group that is
 * seen; or NULL if so many groups would be looked at for all ports that it
 * would take long.  Valid until the caller returns to the loop. */
const struct traffic_class *traffic_groups_of(struct traffic_groups *,
                                              const struct vmn_port *);

#endif /* controller/northbound/traffic-groups.h */
