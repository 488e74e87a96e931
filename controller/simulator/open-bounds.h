/* SPDX-License-Identifier: Apache-2.0
 *
 * What policies, balancers and port forwards tell apart: at which ports of
 * each protocol, and at which prefixes, what becomes of a packet may change.
 * All else is decided for whole ranges.  For open-services.c; not for what
 * then becomes of it (simulator.h). */

#ifndef CONTROLLER_SIMULATOR_OPEN_BOUNDS_H
#define CONTROLLER_SIMULATOR_OPEN_BOUNDS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sset.h"
#include "vmn/types.h"

struct engine;
struct model;

enum { OPEN_TCP, OPEN_UDP, OPEN_SCTP, OPEN_N_PROTOCOLS };

struct open_bounds {
    bool starts[OPEN_N_PROTOCOLS][UINT16_MAX + 2]; /* A range of ports begins
                                                    * here; from 1 on. */
    size_t n_prefixes, allocated;
    struct vmn_prefix *prefixes;
    bool too_many;              /* There are more than OPEN_PREFIXES_MAX. */
    struct sset groups;         /* Whose prefixes are among them; */
    struct sset fqdns;          /* names in DNS of which the same is so, */
    struct sset ips;            /* and addresses of such. */
};

/* Maximum number of prefixes that are kept. */
#define OPEN_PREFIXES_MAX 10000

/* Returns the bounds of the policies that apply to any of 'groups', or of all
 * if that is NULL: then those of balancers and port forwards, too.
 * 'quarantined': also what quarantines let through.  Pauses. */
struct open_bounds *open_bounds_create(struct engine *, const struct model *,
                                       const struct sset *groups,
                                       bool quarantined);
void open_bounds_destroy(struct open_bounds *);

/* Returns the number of ranges of ports of the protocol. */
size_t open_bounds_count(const struct open_bounds *, int protocol);
/* Returns the last port of the range that begins at 'first'. */
uint16_t open_bounds_last(const struct open_bounds *, int protocol,
                          uint16_t first);

#endif /* controller/simulator/open-bounds.h */
