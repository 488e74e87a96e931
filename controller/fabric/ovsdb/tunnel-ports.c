/* SPDX-License-Identifier: Apache-2.0
 *
 * The tunnel port of each encapsulation; see host-db.h. */

#include <config.h>

#include "controller/fabric/ovsdb/host-db.h"

#include "vmn/vocabulary.h"

/* By enum vmn_encap. */
const struct host_db_tunnel host_db_tunnels[OVSDB_TUNNELS_MAX] = {
    [VMN_ENCAP_VXLAN] = { "vmn-vxlan", "vxlan", VMN_TUNNEL_OFPORT },
    [VMN_ENCAP_GENEVE] = { "vmn-geneve", "geneve", VMN_GENEVE_OFPORT },
};
