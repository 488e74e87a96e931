/* SPDX-License-Identifier: Apache-2.0
 *
 * The tunnel port of each encapsulation; see tunnel-ports.h. */

#include <config.h>

#include "controller/fabric/ovsdb/tunnel-ports.h"

#include "vmn/rows.h"
#include "vmn/vocabulary.h"

/* By enum vmn_encap. */
const struct tunnel_port tunnel_ports[OVSDB_TUNNELS_MAX] = {
    [VMN_ENCAP_VXLAN] = { "vmn-vxlan", "vxlan", VMN_TUNNEL_OFPORT },
    [VMN_ENCAP_GENEVE] = { "vmn-geneve", "geneve", VMN_GENEVE_OFPORT },
};
