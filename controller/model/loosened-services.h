/* SPDX-License-Identifier: Apache-2.0
 *
 * Services, cut into pieces that no rule tells apart, and which of these are
 * loosened, as text.  Only for loosened-access.c. */

#ifndef CONTROLLER_MODEL_LOOSENED_SERVICES_H
#define CONTROLLER_MODEL_LOOSENED_SERVICES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/rows.h"

struct ds;

/* Ports of a protocol that rules do not tell apart. */
struct piece {
    enum vmn_protocol protocol;
    uint16_t first, last;
    bool is_loosened;
};

/* Protocols that have ports or types, and cuts of one at most. */
#define SERVICE_PROTOCOLS 5
#define SERVICE_CUTS_MAX 256

/* Where the ports of a protocol are cut: the first of each piece. */
struct cuts {
    size_t n;
    uint32_t firsts[SERVICE_CUTS_MAX];
};

/* All zeros is a valid state. */
struct services {
    struct cuts cuts[SERVICE_PROTOCOLS];
    bool is_partial;            /* There were more cuts. */
    size_t n_pieces;
    struct piece *pieces;
};

/* Cuts where the entry begins and ends. */
void services_cut(struct services *, const struct vmn_service_entry *);
/* Makes the pieces, of all services. */
void services_divide(struct services *);
/* Appends the pieces that are loosened: neighbours as one. */
void services_put(const struct services *, struct ds *);
void services_uninit(struct services *);

#endif /* controller/model/loosened-services.h */
