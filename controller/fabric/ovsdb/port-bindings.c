/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides the bindings of ports when a report, a row or an acknowledgement may
 * have changed them: collects the hosts' claims, calls binding-decision.c, and
 * submits the result.  Where a change of rows concerns a port that is bound,
 * the model has it decided while the change is applied, so that both are one
 * revision.  Also records which hosts claim a port that they must not
 * have. */

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
is_ready(const struct observed_state *state, const char *port,
         const char *host)
{
    const struct fabric_host *fh = fabric_find_host(state->fabric, host);
    struct model_meta meta;
    const struct vmn_binding *row = model_get_durable(
        state->fabric->model, VMN_TABLE_BINDING, port, &meta);

    return (fh && row && nullable_string_is_equal(row->candidate, host)
            && switch_acked(fh->sw) >= meta.revision);
}

void
observed_acked(struct observed_state *state)
{
    struct observed_port *port;

    LIST_FOR_EACH (port, moving_node, &state->moving) {
        if (port->candidate && is_ready(state, port->name, port->candidate)) {
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
    /* Nobody waits for the end of a former host. */
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

/* A port whose binding is to be decided. */
struct subject {
    const char *name;
    const char *iface_id;
    const struct placement *placement;
    const char *parent;         /* Of a sub-port; else NULL. */
    struct binding parent_binding;
    struct binding now;
    bool applying;              /* Its rows, and those of hosts, are the
                                 * model's current ones; else those in
                                 * memory. */
    bool rebound;               /* What was seen of its guest was seen before
                                 * 'now'. */
};

static struct binding
binding_of_port(const struct observed_port *port)
{
    return (struct binding) {
        .active = port->active, .candidate = port->candidate,
        .activated = port->activated, .former = port->former,
    };
}

static struct subject
subject_of_port(const struct observed_state *state,
                const struct observed_port *port)
{
    const struct observed_port *parent
        = port->parent ? observed_find_port(state, port->parent) : NULL;
    struct subject subject = {
        .name = port->name, .iface_id = port->iface_id,
        .placement = &port->placement,
        .now = binding_of_port(port),
    };

    if (parent) {
        subject.parent = parent->name;
        subject.parent_binding = binding_of_port(parent);
    }
    return subject;
}

/* Returns which ports 'host' accepts, or NULL if it is being deleted, or is
 * lost: it claims nothing. */
static const struct vmn_selector *
accepted_by(const struct observed_state *state, const struct subject *subject,
            const struct observed_host *host)
{
    const struct vmn_host *row;

    if (!subject->applying) {
        return host->lost ? NULL : &host->accepts;
    }
    row = model_get(state->fabric->model, VMN_TABLE_HOST, host->name);
    return row && !row->lost ? &row->port_selector : NULL;
}

/* Returns true if the port may be bound on 'host', which accepts the ports
 * that 'accepts' selects.  If not, sets '*reason', which the caller frees;
 * NULL if the host is not at fault: a sub-port whose parent is unbound is
 * unbound, too. */
static bool
is_allowed(const struct subject *subject, const char *host,
           const struct vmn_selector *accepts, char **reason)
{
    const struct binding *parent = &subject->parent_binding;

    *reason = placement_refuses(subject->placement, host, accepts);
    if (!*reason && parent->active && strcmp(parent->active, host)
        && !nullable_string_is_equal(parent->candidate, host)) {
        *reason = xasprintf("its parent \"%s\" is on \"%s\"",
                            subject->parent, parent->active);
    }
    return !*reason && (!subject->parent || parent->active);
}

/* Adds the claim of host 'name', which is in a binding but does not report the
 * interface, to 'claims', if the host exists. */
static void
add_silent_claim(const struct observed_state *state, const char *name,
                 const struct subject *subject,
                 struct binding_claim *claims, size_t *n)
{
    const struct observed_host *host
        = name ? observed_find_host(state, name) : NULL;
    const struct vmn_selector *accepts
        = host ? accepted_by(state, subject, host) : NULL;
    char *reason;

    if (accepts && !observed_host_find_vif(host, subject->iface_id)) {
        claims[(*n)++] = (struct binding_claim) {
            .host = host->name,
            .allowed = is_allowed(subject, host->name, accepts, &reason),
            .report = host->known ? BINDING_ABSENT : BINDING_UNREPORTED,
            .silent = host->silent,
            .named = placement_migrates_to(subject->placement, host->name),
        };
        free(reason);
    }
}

/* Returns when the guest of 'vif' was seen, in their order.  That of a
 * sub-port is where its parent's is. */
static uint64_t
guest_seen(const struct subject *subject, const struct observed_vif *vif)
{
    const struct binding *parent = &subject->parent_binding;

    return (nullable_string_is_equal(parent->active, vif->host->name)
            ? UINT64_MAX : subject->rebound ? 0 : vif->guest_seen);
}

/* Returns true if the guest of 'vif' is not the port's (guest-seen.c), as far
 * as there is another one, and the port's row does not name its host. */
static bool
is_contradicted(const struct subject *subject, const struct observed_vif *vif)
{
    return (vif->contradicted
            && !placement_decides(subject->placement, vif->host->name));
}

/* Rejects claims of hosts whose guest is not the port's. */
static void
reject_contradicted(const struct observed_state *state,
                    const struct subject *subject,
                    struct binding_claim *claims, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct observed_host *host = observed_find_host(
            state, claims[i].host);
        const struct observed_vif *vif = observed_host_find_vif(
            host, subject->iface_id);

        if (vif && is_contradicted(subject, vif)) {
            claims[i].allowed = false;
        }
    }
}

/* Returns the hosts' claims for the port, sorted by host.  The caller frees
 * it. */
static struct binding_claim *
collect_claims(const struct observed_state *state,
               const struct subject *subject, size_t *np)
{
    size_t allocated = 4;       /* Room for the three parts below. */
    struct binding_claim *claims = xmalloc(allocated * sizeof *claims);
    const struct observed_vif *vif;
    size_t n_contradicted = 0, n_others = 0;
    char *reason;
    size_t n = 0;

    add_silent_claim(state, subject->now.active, subject, claims, &n);
    add_silent_claim(state, subject->now.candidate, subject, claims, &n);
    add_silent_claim(state, subject->now.former, subject, claims, &n);
    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(subject->iface_id, 0),
                             &state->vifs) {
        const struct vmn_selector *accepts
            = accepted_by(state, subject, vif->host);

        if (!accepts || strcmp(vif->iface_id, subject->iface_id)) {
            continue;
        }
        if (n >= allocated) {
            claims = x2nrealloc(claims, &allocated, sizeof *claims);
        }
        claims[n++] = (struct binding_claim) {
            .host = vif->host->name,
            .allowed = is_allowed(subject, vif->host->name, accepts, &reason),
            .report = BINDING_PRESENT,
            .silent = vif->host->silent,
            .leaving = vif->host->leaving,
            .named = placement_migrates_to(subject->placement,
                                           vif->host->name),
            .ready = is_ready(state, subject->name, vif->host->name),
            .seen = guest_seen(subject, vif),
        };
        free(reason);
        n_contradicted += vif->contradicted;
        n_others += (claims[n - 1].allowed && !vif->contradicted
                     && !vif->host->silent);
    }
    if (n_contradicted && n_others) {
        reject_contradicted(state, subject, claims, n);
    }
    qsort(claims, n, sizeof *claims, compare_claims);
    *np = n;
    return claims;
}

/* Returns why the host of 'vif' must not have 'port', whose interface it is,
 * which the caller frees; or NULL.  The active host, which may be about to
 * lose the port, may. */
static char *
why_refused(const struct observed_port *port, const struct subject *subject,
            const struct observed_vif *vif)
{
    char *reason = NULL;

    if (vif->host->lost) {
        reason = xstrdup("the host is declared lost");
    } else if (!nullable_string_is_equal(port->active, vif->host->name)) {
        is_allowed(subject, vif->host->name, &vif->host->accepts, &reason);
        if (!reason && port->active && is_contradicted(subject, vif)) {
            reason = xasprintf("its guest runs on \"%s\"", port->active);
        }
    }
    return reason;
}

void
observed_find_refused(const struct observed_state *state,
                      const struct observed_port *port, struct svec *hosts)
{
    const struct subject subject = subject_of_port(state, port);
    const struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &state->vifs) {
        char *reason = (strcmp(vif->iface_id, port->iface_id) ? NULL
                        : why_refused(port, &subject, vif));

        if (reason) {
            svec_add(hosts, vif->host->name);
            free(reason);
        }
    }
    svec_sort(hosts);
}

/* Records which hosts have the interface of 'port' but must not have the port,
 * and counts and notifies of new ones. */
static void
report_refused(struct observed_state *state, const struct observed_port *port)
{
    const char *expected = placement_expected(&port->placement);
    const struct subject subject = subject_of_port(state, port);
    struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &state->vifs) {
        char *reason;
        bool is_new;

        if (strcmp(vif->iface_id, port->iface_id)) {
            continue;
        }
        reason = why_refused(port, &subject, vif);
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

/* Returns where the port is to be bound.  The strings are those of hosts. */
static struct binding
decide_subject(const struct observed_state *state,
               const struct subject *subject)
{
    const struct placement *placement = subject->placement;
    struct binding_claim *claims;
    struct binding next;
    size_t n;

    claims = collect_claims(state, subject, &n);
    /* A VM that is not tied to a host may be restarted on any. */
    next = binding_decide(placement_required(placement, subject->now.active),
                          placement->failover
                          || !placement_is_pinned(placement),
                          subject->now, claims, n);
    free(claims);
    return next;
}

json_t *
observed_bind(void *state_, const struct vmn_port *row,
              const struct vmn_binding *binding)
{
    const struct observed_state *state = state_;
    const struct model *model = state->fabric->model;
    const struct vmn_port *parent
        = row->parent ? model_get(model, VMN_TABLE_PORT, row->parent) : NULL;
    const struct vmn_binding *parent_binding
        = parent ? model_get(model, VMN_TABLE_BINDING, row->parent) : NULL;
    struct placement placement;
    struct subject subject = {
        .name = row->row.name, .iface_id = observed_iface_id(row),
        .placement = &placement, .parent = parent ? row->parent : NULL,
        .now = observed_binding_of_row(binding),
        .applying = true,
    };
    const struct observed_port *port = observed_find_port(state,
                                                          row->row.name);
    struct binding next;

    /* Another request of the same group may have bound it. */
    subject.rebound = port && !nullable_string_is_equal(port->active,
                                                        subject.now.active);
    subject.parent_binding = observed_binding_of_row(parent_binding);
    placement_init(&placement);
    placement_set(&placement, row, parent);
    next = decide_subject(state, &subject);
    placement_uninit(&placement);
    if (port && (!binding || !binding->candidate)
        && !nullable_string_is_equal(port->former, next.former)) {
        next.former = NULL;     /* Its time is over; that is not stored yet. */
    } else if (port) {
        next.former = former_host_until_over(state, port, next.former);
    }
    return observed_binding_spec(&next);
}

/* A host that has the port is not to lose it by what was once seen there. */
static void
forget_contradiction(const struct observed_state *state,
                     const struct observed_port *port)
{
    struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &state->vifs) {
        if (!strcmp(vif->iface_id, port->iface_id)
            && !strcmp(vif->host->name, port->active)) {
            vif->contradicted = false;
        }
    }
}

/* Decides the binding of 'port'. */
static void
decide(struct observed_state *state, struct observed_port *port)
{
    const struct subject subject = subject_of_port(state, port);
    struct binding now = subject.now;
    struct observed_host *host = port->cause ? observed_find_host(state,
                                                                  port->cause)
                                         : NULL;
    struct binding next = decide_subject(state, &subject);

    next.former = former_host_until_over(state, port, next.former);
    observed_port_set_moving(state, port, next.moving);
    if (port->submit_again
        || !nullable_string_is_equal(next.active, now.active)
        || !nullable_string_is_equal(next.candidate, now.candidate)
        || !nullable_string_is_equal(next.former, now.former)) {
        VLOG_INFO("port %s: on %s%s%s%s%s%s", port->name,
                  next.active ? next.active : "no host",
                  next.candidate ? ", candidate " : "",
                  next.candidate ? next.candidate : "",
                  next.activated ? ", activated" : "",
                  next.former ? ", formerly " : "",
                  next.former ? next.former : "");
        port->submit_again = false;
        observed_submit_binding(state, host, port->name, &next);
        observed_port_set_binding(state, port, &next);
    }
    if (!next.moving) {
        observed_guests_forget(state, port, next.active, false);
    }
    if (next.active && !next.moving) {
        forget_contradiction(state, port);
    }
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
