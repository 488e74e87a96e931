/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts into which prefixes cut a range of addresses, such that each
 * prefix contains all addresses of a part or none; and for each part an
 * address that can send.  A pure function: not for where prefixes come from
 * (open-bounds.h). */

#ifndef CONTROLLER_SIMULATOR_ADDRESS_CELLS_H
#define CONTROLLER_SIMULATOR_ADDRESS_CELLS_H 1

#include <stddef.h>

#include "vmn/types.h"

struct address_cell {
    struct vmn_ip first, last;
    struct vmn_ip sender;       /* One of them. */
};

/* Cuts 'range' by those of the 'n' prefixes that are of its family.
 * 'preferred' (family 0: none) is the sender of the part that it is in; others
 * avoid what cannot send, such as multicast, and parts that have nothing else
 * are left out.  Returns the parts in the order of addresses, which the caller
 * frees, and sets '*n_cells'. */
struct address_cell *address_cells_cut(const struct vmn_prefix *range,
                                       const struct vmn_prefix *prefixes,
                                       size_t n, struct vmn_ip preferred,
                                       size_t *n_cells);

#endif /* controller/simulator/address-cells.h */
