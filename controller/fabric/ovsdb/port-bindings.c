/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides the bindings of ports when a report, a row or an acknowledgement may
 * have changed them: collects the hosts' claims, calls binding-decision.c, and
 * submits the result.  Also records which hosts claim a port that they must
 * not have. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/binding-decision.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/ovsdb/rejected-claims.h"
#include "controller/fabric/session/switch.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(port_bindings);

/* Minimum number of ports that are decided in one iteration of the loop. */
#define DECIDE_STEPS 16

/* Returns true if the switch of 'host' has acknowledged the flows of a
 * candidate. */
static bool
is_ready(const struct observed_state *state, const struct observed_port *port,
         const char *host)
{
    const struct fabric_host *fh = fabric_find_host(state->fabric, host);
    struct model_meta meta;
    const struct vmn_binding *row = model_get_durable(
        state->fabric->model, VMN_TABLE_BINDING, port->name, &meta);

    return (fh && row && nullable_string_is_equal(row->candidate, host)
            && switch_acked(fh->sw) >= meta.revision);
}

void
observed_acked(struct observed_state *state)
{
    struct observed_port *port;

    LIST_FOR_EACH (port, moving_node, &state->moving) {
        if (port->candidate && is_ready(state, port, port->candidate)) {
            observed_port_due(state, port, port->candidate);
        }
    }
}

bool
fabric_db_port_binding(const struct fabric *f, const char *name,
                       uint64_t *revision)
{
    const struct observed_port *port
        = observed_find_port(f->db->observed, name);
    struct model_meta meta;
    const struct vmn_binding *row = model_get_durable(
        f->model, VMN_TABLE_BINDING, name, &meta);

    *revision = row ? meta.revision : 0;
    return (!port
            || (ovs_list_is_empty(&port->due_node)
                && nullable_string_is_equal(row ? row->host : NULL,
                                            port->active)
                && nullable_string_is_equal(row ? row->candidate : NULL,
                                            port->candidate)));
}

static int
compare_claims(const void *a_, const void *b_)
{
    const struct binding_claim *a = a_;
    const struct binding_claim *b = b_;

    return strcmp(a->host, b->host);
}

/* Returns true if 'port' may be bound on 'host'.  If not, sets '*reason',
 * which the caller frees; NULL if the host is not at fault: a sub-port whose
 * parent is unbound is unbound, too. */
static bool
is_allowed(const struct observed_state *state,
           const struct observed_port *port,
           const struct observed_host *host, char **reason)
{
    const struct observed_port *parent
        = port->parent ? observed_find_port(state, port->parent) : NULL;

    *reason = placement_refuses(&port->placement, host->name, &host->accepts);
    if (!*reason && parent && parent->active
        && strcmp(parent->active, host->name)
        && !nullable_string_is_equal(parent->candidate, host->name)) {
        *reason = xasprintf("its parent \"%s\" is on \"%s\"", parent->name,
                            parent->active);
    }
    return !*reason && (!parent || parent->active);
}

/* Adds the claim of host 'name', which is in a binding but does not report the
 * interface, to 'claims', if the host exists. */
static void
add_silent_claim(const struct observed_state *state, const char *name,
                 const struct observed_port *port,
                 struct binding_claim *claims, size_t *n)
{
    const struct observed_host *host
        = name ? observed_find_host(state, name) : NULL;
    char *reason;

    if (host && !observed_host_find_vif(host, port->iface_id)) {
        claims[(*n)++] = (struct binding_claim) {
            .host = host->name,
            .allowed = is_allowed(state, port, host, &reason),
            .report = host->known ? BINDING_ABSENT : BINDING_UNREPORTED,
            .silent = host->silent,
        };
        free(reason);
    }
}

/* Returns the hosts' claims for 'port', sorted by host.  The caller frees
 * it. */
static struct binding_claim *
collect_claims(const struct observed_state *state,
               const struct observed_port *port, size_t *np)
{
    size_t allocated = 4;       /* Room for the two parts below. */
    struct binding_claim *claims = xmalloc(allocated * sizeof *claims);
    const struct observed_vif *vif;
    char *reason;
    size_t n = 0;

    add_silent_claim(state, port->active, port, claims, &n);
    add_silent_claim(state, port->candidate, port, claims, &n);
    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &state->vifs) {
        if (strcmp(vif->iface_id, port->iface_id)) {
            continue;
        }
        if (n >= allocated) {
            claims = x2nrealloc(claims, &allocated, sizeof *claims);
        }
        claims[n++] = (struct binding_claim) {
            .host = vif->host->name,
            .allowed = is_allowed(state, port, vif->host, &reason),
            .report = BINDING_PRESENT,
            .silent = vif->host->silent,
            .ready = is_ready(state, port, vif->host->name),
        };
        free(reason);
    }
    qsort(claims, n, sizeof *claims, compare_claims);
    *np = n;
    return claims;
}

/* Records which hosts have the interface of 'port' but must not have the port,
 * and counts and notifies of new ones.  The active host, which may be about to
 * lose the port, is not one of them. */
static void
report_refused(struct observed_state *state, const struct observed_port *port)
{
    const char *expected = placement_expected(&port->placement);
    struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &state->vifs) {
        char *reason = NULL;
        bool is_new;

        if (strcmp(vif->iface_id, port->iface_id)) {
            continue;
        }
        if (!nullable_string_is_equal(port->active, vif->host->name)) {
            is_allowed(state, port, vif->host, &reason);
        }
        is_new = reason && !vif->refused;
        free(vif->refused);
        vif->refused = reason;
        if (is_new) {
            rejected_claims_add(state->rejected_claims, port->name,
                                vif->host->name,
                                expected ? expected : port->active, reason);
        }
    }
}

/* Decides the binding of 'port'. */
static void
decide(struct observed_state *state, struct observed_port *port)
{
    struct binding now = { port->active, port->candidate, false };
    struct observed_host *host = port->cause ? observed_find_host(state,
                                                                  port->cause)
                                         : NULL;
    struct binding_claim *claims;
    struct binding next;
    size_t n;

    claims = collect_claims(state, port, &n);
    /* A VM that is not tied to a host may be restarted on any. */
    next = binding_decide(port->placement.host,
                          port->placement.failover
                          || !placement_is_pinned(&port->placement),
                          now, claims, n);
    observed_port_set_moving(state, port, next.moving);
    if (!nullable_string_is_equal(next.active, now.active)
        || !nullable_string_is_equal(next.candidate, now.candidate)) {
        VLOG_INFO("port %s: on %s%s%s", port->name,
                  next.active ? next.active : "no host",
                  next.candidate ? ", candidate " : "",
                  next.candidate ? next.candidate : "");
        observed_submit_binding(state, host, port->name, &next);
        observed_port_set_binding(state, port, next.active,
                                  next.candidate);
    }
    free(claims);
    report_refused(state, port);
}

bool
observed_decide_due(struct observed_state *state)
{
    for (int n = 1; !ovs_list_is_empty(&state->due); n++) {
        struct observed_port *port
            = CONTAINER_OF(ovs_list_pop_front(&state->due),
                           struct observed_port,
                           due_node);

        ovs_list_init(&port->due_node);
        decide(state, port);
        free(port->cause);
        port->cause = NULL;
        if (n % DECIDE_STEPS == 0
            && loop_turn_is_over(state->fabric->loop)) {
            break;
        }
    }
    state->fabric->callbacks->bindings_decided(state->fabric);
    return ovs_list_is_empty(&state->due);
}
