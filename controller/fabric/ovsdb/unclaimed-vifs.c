/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps, of each host, a list of the interfaces that no port claims, as ports
 * and reports change, so that neither counts nor lists read all interfaces;
 * see unclaimed-vifs.h. */

#include <config.h>

#include "controller/fabric/ovsdb/unclaimed-vifs.h"

#include <inttypes.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "hash.h"
#include "openvswitch/types.h"
#include "packets.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

static bool
has_port(const struct observed_state *state, const char *iface_id)
{
    const struct observed_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, id_node, hash_string(iface_id, 0),
                             &state->ports_by_id) {
        if (!strcmp(port->iface_id, iface_id)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the interface is a VM's.  vmnd makes those that lead to
 * physical networks and to other hosts, those by which copies leave
 * (VMN_VIF_COPY_TUNNEL), and those of sub-ports, which it removes in a moment
 * when their port is deleted; those that are given copies
 * (VMN_COPY_INTERFACE) somebody has attached as what they are, and
 * VMN_VIF_QUEUES is none. */
static bool
is_of_vm(const struct observed_vif *vif)
{
    return !strchr("@=>+~", vif->iface_id[0]) && !vif->tag_ofport;
}

void
unclaimed_vifs_remove(struct observed_vif *vif)
{
    if (vif->unclaimed_ms) {
        vif->unclaimed_ms = 0;
        ovs_list_remove(&vif->unclaimed_node);
        vif->host->n_unclaimed--;
        vif->host->state->n_unclaimed--;
    }
}

void
unclaimed_vifs_update(struct observed_vif *vif)
{
    struct observed_host *host = vif->host;

    if (!is_of_vm(vif) || has_port(host->state, vif->iface_id)) {
        unclaimed_vifs_remove(vif);
    } else if (!vif->unclaimed_ms) {
        vif->unclaimed_ms = time_wall_msec();
        ovs_list_push_back(&host->unclaimed, &vif->unclaimed_node);
        host->n_unclaimed++;
        host->state->n_unclaimed++;
    }
}

void
unclaimed_vifs_port_changed(struct observed_state *state, const char *iface_id)
{
    struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(iface_id, 0),
                             &state->vifs) {
        if (!strcmp(vif->iface_id, iface_id)) {
            unclaimed_vifs_update(vif);
        }
    }
}

/* Status.  --------------------------------------------------------------- */

void
unclaimed_vifs_status(const struct observed_host *host, struct arena *arena,
                      struct status_host *status)
{
    size_t n_max = MIN(host->n_unclaimed, STATUS_UNCLAIMED_MAX);
    const struct observed_vif *vif;

    status->unclaimed = host->n_unclaimed;
    if (!n_max) {
        return;
    }
    status->unclaimed_interfaces = arena_alloc(
        arena, n_max * sizeof *status->unclaimed_interfaces);
    LIST_FOR_EACH (vif, unclaimed_node, &host->unclaimed) {
        struct status_unclaimed *to
            = &status->unclaimed_interfaces[status->n_unclaimed_interfaces];

        *to = (struct status_unclaimed) {
            .iface_id = arena_strdup(arena, vif->iface_id),
            .interface = arena_strdup(arena, vif->iface),
            .since = vif->unclaimed_ms,
        };
        if (!eth_addr_is_zero(vif->mac)) {
            to->mac = arena_printf(arena, ETH_ADDR_FMT,
                                   ETH_ADDR_ARGS(vif->mac));
        }
        if (++status->n_unclaimed_interfaces >= n_max) {
            break;
        }
    }
}

size_t
fabric_unclaimed_interfaces(const struct fabric *fabric, struct svec *hosts)
{
    const struct observed_state *state = fabric->db->observed;
    const struct observed_host *host;

    if (hosts && state->n_unclaimed) {
        HMAP_FOR_EACH (host, node, &state->hosts) {
            if (host->n_unclaimed) {
                svec_add(hosts, host->name);
            }
        }
        svec_sort(hosts);
    }
    return state->n_unclaimed;
}
