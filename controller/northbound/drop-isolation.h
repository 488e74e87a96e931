/* SPDX-License-Identifier: Apache-2.0
 *
 * Which policies isolate the ports of packets that were dropped as "isolated",
 * and what holds those that were "quarantined": the flow that drops them is
 * that of all of them, and names none.  For api-drops.c; not for traces
 * (controller/simulator/isolation.h). */

#ifndef CONTROLLER_NORTHBOUND_DROP_ISOLATION_H
#define CONTROLLER_NORTHBOUND_DROP_ISOLATION_H 1

#include <stdbool.h>

#include "openvswitch/shash.h"

struct arena;
struct nb_flow_owner;
struct nb_isolation;
struct nb_sample;
struct northbound;

/* What was found for one reply. */
struct drop_isolation {
    const struct northbound *nb;
    struct arena *arena;
    struct shash domains;       /* By network: its domain, or NULL; owned. */
    struct shash found;         /* By "DOMAIN|DIRECTION": a struct sset of
                                 * policies. */
    struct shash held;          /* By domain: a struct sset of what holds ports
                                 * in quarantine. */
    bool read, read_held;       /* All ports were read, for either. */
};

/* Returns true if that is why the flow of 'owner' drops for 'reason'. */
bool drop_isolation_concerns(const char *reason, const char *owner);

/* 'arena' is for what is found. */
void drop_isolation_init(struct drop_isolation *, const struct northbound *,
                         struct arena *);
void drop_isolation_uninit(struct drop_isolation *);

/* Returns the direction in which the flow of 'owner', which drops for
 * 'reason', isolates, or -1; and sets '*key' to "DOMAIN|DIRECTION" in it. */
int drop_isolation_direction(const char *reason, const char *owner,
                             const char **key);

/* If packets were dropped for 'reason' by the flow of 'owner' since their
 * ports are isolated, fills in in which direction, and by which policies; and
 * what quarantines them if that is why. */
void drop_isolation_of_counter(struct drop_isolation *, const char *reason,
                               const char *owner, struct nb_isolation *);
/* Has 'owner' name the object that somebody made and that 'isolation' tells
 * of, in place of the network or router whose routing domain the flow is of:
 * none, if these are several, as 'isolation' has all of them. */
void drop_isolation_name_object(struct drop_isolation *,
                                const struct nb_isolation *isolation,
                                struct nb_flow_owner *owner);
/* Does both for the port of a sample. */
void drop_isolation_of_sample(struct drop_isolation *, struct nb_sample *);

#endif /* controller/northbound/drop-isolation.h */
