/* SPDX-License-Identifier: Apache-2.0
 *
 * Where guests run whose ports two hosts have: switches tell of what such a
 * guest sends by the host that its port is not bound to, and, when they were
 * not heard for a while, what they remember of it (guest-read.c).  It counts
 * for the next decision only: once the port is bound, elsewhere or as before,
 * the guest is to be heard anew.  Not for what follows from it
 * (binding-decision.c).
 *
 * It is a migration if one guest stops and the other goes on.  A VM that was
 * started with another one's iface-id is none: both send.  So a guest that
 * goes on where the port was, though it has been activated elsewhere, gets the
 * port back, and the claim of the other host is rejected until its interface
 * is plugged again or is the only one, or a migration there is asked for.
 * What a guest had sent before it stopped may be late, so it is heard twice,
 * some time apart. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/ovsdb/observed-state.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(guest_seen);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* How long after an activation a guest must send something to contradict it,
 * and when again: what it had sent before it stopped waits for a switch that
 * gets no processor for no longer than that. */
#define CONTRADICTS_AFTER_MS 2000
#define CONTRADICTS_AGAIN_MS 1000
#define CONTRADICTS_UNTIL_MS 10000

static struct observed_vif *
find_vif(const struct observed_state *state, const char *host,
         const char *iface_id)
{
    struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(iface_id, 0),
                             &state->vifs) {
        if (!strcmp(vif->iface_id, iface_id)
            && !strcmp(vif->host->name, host)) {
            return vif;
        }
    }
    return NULL;
}

/* Handles that the guest of 'port' goes on where the port was before it was
 * activated. */
static void
contradict(struct observed_state *state, struct observed_port *port)
{
    struct observed_vif *vif = find_vif(state, port->active, port->iface_id);
    int64_t now_ms = time_msec();

    if (!vif || vif->contradicted
        || placement_decides(&port->placement, port->active)
        || now_ms < port->activated_ms + CONTRADICTS_AFTER_MS) {
        return;
    }
    if (!port->contradicted_ms
        || now_ms > port->contradicted_ms + CONTRADICTS_UNTIL_MS) {
        port->contradicted_ms = now_ms;
        return;
    }
    if (now_ms < port->contradicted_ms + CONTRADICTS_AGAIN_MS) {
        return;
    }
    VLOG_WARN_RL(&rl, "port %s: guests with iface-id %s run on %s and %s: it "
                 "stays on %s", port->name, port->iface_id, port->candidate,
                 port->active, port->candidate);
    vif->contradicted = true;
    observed_port_due(state, port, port->candidate);
}

void
observed_guests_expected(const struct observed_state *state, const char *host,
                         fabric_guest_cb *cb, void *aux)
{
    const struct observed_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, candidate_node, hash_string(host, 0),
                             &state->by_candidate) {
        const struct observed_vif *vif
            = (strcmp(port->candidate, host) || port->activated || port->parent
               ? NULL : find_vif(state, host, port->iface_id));

        if (vif) {
            cb(aux, port->name, port->iface_id, vif->ofport);
        }
    }
}

void
observed_guests_forget(const struct observed_state *state,
                       const struct observed_port *port, const char *active,
                       bool of_silent)
{
    struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &state->vifs) {
        if (!strcmp(vif->iface_id, port->iface_id)
            && !nullable_string_is_equal(vif->host->name, active)
            && (of_silent || !vif->host->silent)) {
            vif->guest_seen = 0;
        }
    }
}

void
observed_guest_expected_at(const struct observed_state *state,
                           const struct observed_port *port, const char *host)
{
    struct observed_vif *vif = find_vif(state, host, port->iface_id);

    if (vif) {
        vif->contradicted = false;
    }
}

void
observed_guest_seen(struct observed_state *state, const char *host,
                    const char *iface_id)
{
    struct observed_vif *vif = find_vif(state, host, iface_id);
    struct observed_port *port;

    if (!vif) {
        return;
    }
    HMAP_FOR_EACH_WITH_HASH (port, id_node, hash_string(iface_id, 0),
                             &state->ports_by_id) {
        /* A sub-port is where its parent is. */
        if (strcmp(port->iface_id, iface_id) || port->parent
            || !nullable_string_is_equal(port->candidate, host)) {
            continue;
        }
        if (port->activated) {
            contradict(state, port);
        } else if (!vif->guest_seen) {
            vif->guest_seen = ++state->n_guests_seen;
            observed_port_due(state, port, host);
        }
    }
}
