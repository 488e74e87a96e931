/* SPDX-License-Identifier: Apache-2.0
 *
 * On which hosts a port may be bound, as far as its row says: its 'host' or
 * 'hosts', and the labels that hosts select ports by.  A copy of what matters
 * of the row, as of the newest durable revision.  Not for which of the hosts
 * that claim the port has it (binding-decision.h). */

#ifndef CONTROLLER_FABRIC_OVSDB_PLACEMENT_H
#define CONTROLLER_FABRIC_OVSDB_PLACEMENT_H 1

#include <stdbool.h>
#include <stddef.h>

#include "vmn/types.h"

struct vmn_port;

struct placement {
    char *host;                 /* Where the port is to be, or NULL. */
    size_t n_hosts;             /* 0: 'host' alone, or any if that is NULL. */
    char **hosts;               /* Sorted. */
    bool failover;              /* Another one takes over from a silent one. */
    struct vmn_labels labels;   /* Owned. */
};

void placement_init(struct placement *);
void placement_uninit(struct placement *);

/* Copies what 'row' says.  A sub-port's hosts are those of its 'parent', which
 * is NULL for others; its labels are its own.  Returns true if something is
 * different now. */
bool placement_set(struct placement *, const struct vmn_port *row,
                   const struct vmn_port *parent);

/* Returns true if the port names hosts. */
bool placement_is_pinned(const struct placement *);

/* Returns NULL if the port may be bound on 'host', which accepts the ports
 * that 'accepts' selects (all, if its text is NULL); else the reason why not,
 * which the caller frees. */
char *placement_refuses(const struct placement *, const char *host,
                        const struct vmn_selector *accepts);

/* Returns the host that the port is to be on rather than where it is claimed,
 * or NULL if the port names none. */
const char *placement_expected(const struct placement *);

#endif /* controller/fabric/ovsdb/placement.h */
