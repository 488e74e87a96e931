/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses that guests make of their MACs.  For controller/model
 * alone. */

#ifndef CONTROLLER_MODEL_SLAAC_H
#define CONTROLLER_MODEL_SLAAC_H 1

#include "vmn/types.h"

/* Returns the address of 'prefix', an IPv6 "/64", that follows from a MAC: its
 * modified EUI-64 (RFC 4291, appendix A). */
struct vmn_ip slaac_address(const struct vmn_prefix *prefix, struct vmn_mac);

#endif /* controller/model/slaac.h */
