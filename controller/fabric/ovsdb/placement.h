/* SPDX-License-Identifier: Apache-2.0
 *
 * On which hosts a port may be bound, by its row: its 'host' or 'hosts', and
 * its labels, which hosts may select ports by.  A copy of these members of the
 * newest durable row.  Not for choosing between the hosts that claim the port
 * (binding-decision.h). */

#ifndef CONTROLLER_FABRIC_OVSDB_PLACEMENT_H
#define CONTROLLER_FABRIC_OVSDB_PLACEMENT_H 1

#include <stdbool.h>
#include <stddef.h>

#include "vmn/types.h"

struct vmn_port;

struct placement {
    char *host;                 /* The host that it belongs on, or NULL. */
    size_t n_hosts;             /* 0: 'host' alone, or any if that is NULL. */
    char **hosts;               /* Sorted. */
    char *to;                   /* Where it migrates to, as its row asks for;
                                 * or NULL. */
    bool activated;             /* And runs there, as its row says. */
    bool failover;              /* Another host takes over from a silent
                                 * one. */
    struct vmn_labels labels;   /* Owned. */
};

void placement_init(struct placement *);
void placement_uninit(struct placement *);

/* Copies the members from 'row'.  A sub-port's hosts are those of its 'parent'
 * (NULL for other ports); its labels are its own.  Returns true if anything
 * has changed. */
bool placement_set(struct placement *, const struct vmn_port *row,
                   const struct vmn_port *parent);

/* Returns true if the port names hosts where it stays. */
bool placement_is_pinned(const struct placement *);

/* Returns the host that is to have the port, which 'now' has (NULL: nobody);
 * or NULL: that is as it comes. */
const char *placement_required(const struct placement *, const char *now);

/* Returns true if the port's row asks for its migration to 'host'. */
bool placement_migrates_to(const struct placement *, const char *host);

/* Returns true if the row says that the port's VM runs on 'host': what others
 * see of it is of no matter. */
bool placement_decides(const struct placement *, const char *host);

/* Returns NULL if the port may be bound on 'host', which accepts the ports
 * that 'accepts' selects (all, if its text is NULL); else the reason, which
 * the caller frees. */
char *placement_refuses(const struct placement *, const char *host,
                        const struct vmn_selector *accepts);

/* Returns the host that the port belongs on instead of where it is claimed, or
 * NULL if the port names none. */
const char *placement_expected(const struct placement *);

#endif /* controller/fabric/ovsdb/placement.h */
