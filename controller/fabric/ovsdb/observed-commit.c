/* SPDX-License-Identifier: Apache-2.0
 *
 * How observed state gets into the model: what changed in a turn is submitted
 * at its end, a request for each host that reported (and one for what no
 * host's report caused).  Requests are applied in the order in which they are
 * submitted, so memory is what the model will be.  If one fails after all,
 * memory and model are compared once the others are through. */

#include <config.h>

#include "controller/fabric/ovsdb/observed-state.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/bindings.h"
#include "controller/fabric/ovsdb/claims.h"
#include "controller/fabric/session/switch.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(observed_state);

/* Operations in a request; well below the model's bound. */
#define REQUEST_OPS_MAX 4096
/* So many ports are decided at least before the turn may end. */
#define DECIDE_STEPS 16
/* Between a failure and the comparison, at first and at most. */
#define RESYNC_MIN_MS 100
#define RESYNC_MAX_MS 5000

struct submission {
    struct ovs_list node;       /* In struct observed_state's 'submitted'. */
    struct observed_state *state;        /* NULL once they are gone. */
    char *host;                 /* Or NULL. */
};

/* Submitting.  ----------------------------------------------------------- */

/* Announces once that all that 'host' reports for a start is in the model, if
 * that is so. */
static void
announce_reported(struct observed_host *host)
{
    if (!host->announced && host->known && !host->n_submitted
        && !host->request.n_ops && !host->state->resyncing
        && ovs_list_is_empty(&host->state->due)) {
        struct fabric_host *fh = fabric_find_host(host->state->fabric,
                                                  host->name);

        host->announced = true;
        if (fh) {
            fabric_host_set_reported(fh);
        }
    }
}

static void
submitted_cb(void *submission_, const struct commit_result *result)
{
    struct submission *submission = submission_;
    struct observed_state *state = submission->state;
    struct observed_host *host;

    if (state) {
        ovs_list_remove(&submission->node);
        host = submission->host ? observed_find_host(state, submission->host)
                                : NULL;
        if (host && host->n_submitted) {
            host->n_submitted--;
        }
        if (result->ok) {
            state->resync_ms = RESYNC_MIN_MS;
        } else {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 10);

            VLOG_WARN_RL(&rl, "%s: the report was not taken: %s; trying again",
                         submission->host ? submission->host : "vmnd",
                         result->errors->n ? result->errors->errors[0].text
                         : "no reason given");
            observed_resync(state);
        }
        if (host) {
            announce_reported(host);
        }
    }
    free(submission->host);
    free(submission);
}

/* Submits 'request' and makes it empty. */
static void
submit(struct observed_state *state, struct model_request *request,
       struct observed_host *host)
{
    struct submission *submission = xmalloc(sizeof *submission);
    char *who = xstrdup(request->who);

    submission->state = state;
    submission->host = host ? xstrdup(host->name) : NULL;
    ovs_list_push_back(&state->submitted, &submission->node);
    if (host) {
        host->n_submitted++;
    }
    commit_submit(state->fabric->commit, request, submitted_cb, submission);
    model_request_init(request, who);
    free(who);
}

static void
add_op__(struct observed_state *state, struct observed_host *host,
         enum model_op_kind kind, enum vmn_table table, const char *name,
         json_t *spec)
{
    struct model_request *request = host ? &host->request : &state->request;
    struct model_op *op;

    if (request->n_ops >= REQUEST_OPS_MAX) {
        submit(state, request, host);
    }
    op = model_request_add(request, kind, table, name, spec);
    op->missing_ok = kind == MODEL_DELETE;
    observed_commit_schedule(state);
}

/* Adds an operation to the request of 'host' (NULL: of none).  Takes
 * ownership of 'spec'. */
static void
add_op(struct observed_state *state, struct observed_host *host,
       enum model_op_kind kind,
       enum vmn_table table, const char *name, json_t *spec)
{
    if (!state->resyncing) {
        add_op__(state, host, kind, table, name, spec);
        return;
    }
    json_decref(spec);          /* The comparison finds it. */
    if (host) {
        host->differs = true;
    }
}

/* VIFs.  ----------------------------------------------------------------- */

static char *
vif_name(const struct observed_vif *vif)
{
    return xasprintf("%s/%s", vif->host->name, vif->iface_id);
}

static json_t *
vif_spec(const struct observed_vif *vif)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:b, s:I}",
                     "host", vif->host->name,
                     "iface_id", vif->iface_id, "iface", vif->iface,
                     "ofport", (json_int_t) vif->ofport,
                     "link_up", vif->link_up,
                     "tag_ofport", (json_int_t) vif->tag_ofport);
}

/* Returns true if the interface is to be in the model: one that leads to a
 * physical network only as long as its host is heard, since others stand in
 * for it. */
static bool
is_visible(const struct observed_vif *vif)
{
    return vif->iface_id[0] != '@' || !vif->host->silent;
}

void
observed_submit_vif(struct observed_vif *vif)
{
    struct observed_host *host = vif->host;
    char *name;

    host->n_changes++;
    if ((host->state->in_barrier && !host->loaded) || !is_visible(vif)) {
        return;                 /* observed_load() will, or who hears it. */
    }
    name = vif_name(vif);
    add_op(host->state, host, MODEL_PUT, VMN_TABLE_VIF, name, vif_spec(vif));
    free(name);
}

static json_t *
underlay_spec(const struct observed_host *host)
{
    json_t *spec = json_pack("{s:I}", "mtu", (json_int_t) host->underlay_mtu);

    if (host->datapath_id) {
        char id[17];

        snprintf(id, sizeof id, "%016"PRIx64, host->datapath_id);
        json_object_set_new(spec, "datapath_id", json_string(id));
    }
    return spec;
}

void
observed_submit_underlay(struct observed_host *host)
{
    host->n_changes++;
    add_op(host->state, host, MODEL_PUT, VMN_TABLE_UNDERLAY, host->name,
           underlay_spec(host));
}

void
observed_submit_vif_delete(struct observed_vif *vif)
{
    char *name;

    vif->host->n_changes++;
    if (vif->host->state->in_barrier && !vif->host->loaded) {
        return;                 /* The model does not have it yet. */
    }
    name = vif_name(vif);
    add_op(vif->host->state, vif->host, MODEL_DELETE, VMN_TABLE_VIF, name,
           NULL);
    free(name);
}

/* Loads the row of 'vif'. */
static void
load_vif(struct observed_state *state, const struct observed_vif *vif)
{
    struct model *model = state->fabric->model;
    int64_t now_ms = time_wall_msec();
    const struct model_meta meta = {
        .revision = model_revision(model),
        .created_ms = now_ms,
        .updated_ms = now_ms,
    };
    char *name = vif_name(vif);
    json_t *spec = vif_spec(vif);
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    if (model_load_row(model, VMN_TABLE_VIF, name, spec, NULL, &meta,
                       &errors)) {
        /* Whoever refuses it says why. */
        add_op(state, vif->host, MODEL_PUT, VMN_TABLE_VIF, name,
               json_incref(spec));
    }
    vmn_errors_uninit(&errors);
    json_decref(spec);
    free(name);
}

/* Loads what the host has by now.  While it yields, the host may report anew:
 * that is
 * submitted, and applied behind all that is loaded. */
static void
load_host(struct observed_state *state, struct observed_host *host)
{
    struct svec names = SVEC_EMPTY_INITIALIZER;
    const struct observed_vif *vif;
    const char *iface_id;
    size_t i;

    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        svec_add(&names, vif->iface_id);
    }
    host->loaded = true;
    SVEC_FOR_EACH (i, iface_id, &names) {
        vif = observed_host_find_vif(host, iface_id);
        if (vif && is_visible(vif)) {
            load_vif(state, vif);
        }
        commit_yield(state->fabric->commit);
    }
    svec_destroy(&names);
}

void
observed_load(void *state_)
{
    struct observed_state *state = state_;
    struct observed_host *host;

    /* Hosts come and go with groups, and none has begun. */
    HMAP_FOR_EACH (host, node, &state->hosts) {
        load_host(state, host);
    }
    state->in_barrier = false;
    observed_commit_schedule(state);
}

/* Bindings.  ------------------------------------------------------------- */

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

static int
compare_claims(const void *a_, const void *b_)
{
    const struct binding_claim *a = a_;
    const struct binding_claim *b = b_;

    return strcmp(a->host, b->host);
}

/* Returns true if 'port' may be bound on 'host'.  If not, sets '*reason',
 * which the caller frees, to the reason why; NULL if the host is not to blame:
 * a sub-port whose parent is on no host is on none either. */
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

/* Adds to 'claims' the host 'name', which is in a binding but does not report
 * the interface, if there is such a host. */
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

/* Returns what hosts report of 'port', sorted by host.  The caller frees it.
 * */
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

/* Marks which hosts have the interface of 'port' and may not, and counts and
 * announces those that are new.  The active host, which may be about to lose
 * it, is none. */
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
            claims_refused(state->claims, port->name, vif->host->name,
                           expected ? expected : port->active, reason);
        }
    }
}

/* Decides the binding of 'port' anew. */
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
    /* A VM without a host of its own may be started again on any. */
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
        if (next.active) {
            add_op(state, host, MODEL_PUT, VMN_TABLE_BINDING, port->name,
                   json_pack("{s:s, s:s*}", "host", next.active, "candidate",
                             next.candidate));
        } else {
            add_op(state, host, MODEL_DELETE, VMN_TABLE_BINDING, port->name,
                   NULL);
        }
        observed_port_set_binding(state, port, next.active,
                                  next.candidate);
    }
    free(claims);
    report_refused(state, port);
}

/* Decides the bindings of ports that are due.  Returns false if some are left
 * for the next turn. */
static bool
decide_due(struct observed_state *state)
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
    return ovs_list_is_empty(&state->due);
}

static void
flush_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *state_)
{
    static const struct timeval at_once = { 0, 0 };
    struct observed_state *state = state_;
    struct observed_host *host;

    if (state->resyncing || state->in_barrier) {
        return;
    }
    if (!decide_due(state)) {
        event_add(state->flush, &at_once);
        return;
    }
    HMAP_FOR_EACH (host, node, &state->hosts) {
        if (host->request.n_ops) {
            submit(state, &host->request, host);
        }
    }
    if (state->request.n_ops) {
        submit(state, &state->request, NULL);
    }
    HMAP_FOR_EACH (host, node, &state->hosts) {
        announce_reported(host);
    }
}

void
observed_commit_schedule(struct observed_state *state)
{
    if (state->flush) {
        event_active(state->flush, EV_TIMEOUT, 1);
    }
}

/* Comparing.  ------------------------------------------------------------ */

/* Deletes VIF rows that 'host' no longer has.  They are named "HOST/ID". */
static void
resync_rows(struct observed_host *host)
{
    const struct model *model = host->state->fabric->model;
    char *prefix = xasprintf("%s/", host->name);
    const char *after = prefix;
    const struct vmn_vif *row;

    while ((row = model_next_durable(model, VMN_TABLE_VIF, after, NULL))
           && !strncmp(row->row.name, prefix, strlen(prefix))) {
        const struct observed_vif *vif
            = observed_host_find_vif(host, row->iface_id);

        if (host->known && (!vif || !is_visible(vif))) {
            add_op__(host->state, host, MODEL_DELETE, VMN_TABLE_VIF,
                     row->row.name, NULL);
        }
        after = row->row.name;
    }
    free(prefix);
}

/* Adds the rows that 'host' has and the model does not. */
static void
resync_vifs(struct observed_host *host)
{
    struct observed_vif *vif;

    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        char *name = xasprintf("%s/%s", host->name, vif->iface_id);
        const struct vmn_vif *row = model_get_durable(
            host->state->fabric->model, VMN_TABLE_VIF, name, NULL);

        if (is_visible(vif)
            && (!row || strcmp(row->iface, vif->iface)
                || row->ofport != vif->ofport
                || row->link_up != vif->link_up
                || row->tag_ofport != vif->tag_ofport)) {
            add_op__(host->state, host, MODEL_PUT, VMN_TABLE_VIF, name,
                     vif_spec(vif));
        }
        free(name);
    }
}

/* Does the same for its underlay, which is never withdrawn. */
static void
resync_underlay(struct observed_host *host)
{
    const struct vmn_underlay *row = model_get_durable(
        host->state->fabric->model, VMN_TABLE_UNDERLAY, host->name, NULL);

    if ((host->underlay_mtu || host->datapath_id)
        && (!row || row->mtu != host->underlay_mtu
            || observed_parse_datapath(row->datapath_id)
               != host->datapath_id)) {
        add_op__(host->state, host, MODEL_PUT, VMN_TABLE_UNDERLAY, host->name,
                 underlay_spec(host));
    }
}

/* Forgets what waits to be submitted. */
static void
clear_request(struct model_request *request)
{
    char *who = xstrdup(request->who);

    model_request_uninit(request);
    model_request_init(request, who);
    free(who);
}

/* Sets the ports and bindings in memory to those of the model. */
static void
resync_ports(struct observed_state *state)
{
    struct observed_port *port;

    observed_update_all_ports(state);
    HMAP_FOR_EACH (port, name_node, &state->ports) {
        const struct vmn_binding *row = model_get_durable(
            state->fabric->model, VMN_TABLE_BINDING, port->name, NULL);

        observed_port_set_binding(state, port, row ? row->host : NULL,
                                  row ? row->candidate : NULL);
        observed_port_due(state, port, NULL);
        commit_yield(state->fabric->commit);
    }
}

/* Compares the hosts that differ.  While it yields, one may report; then it is
 * compared once more.  Returns false if there was none. */
static bool
resync_hosts(struct observed_state *state)
{
    struct observed_host *host;
    bool any = false;

    HMAP_FOR_EACH (host, node, &state->hosts) {
        if (host->differs) {
            host->differs = false;
            any = true;
            clear_request(&host->request);
            resync_rows(host);
            resync_vifs(host);
            resync_underlay(host);
            commit_yield(state->fabric->commit);
        }
    }
    return any;
}

/* Compares memory and model, and submits what differs.  Called when the state
 * is quiescent: ports and hosts come and go with groups only. */
static void
resync(void *state_)
{
    struct observed_state *state = state_;
    struct observed_host *host;

    clear_request(&state->request);
    resync_ports(state);
    HMAP_FOR_EACH (host, node, &state->hosts) {
        host->differs = true;
    }
    while (resync_hosts(state)) {
        continue;
    }
    state->resyncing = false;
    observed_commit_schedule(state);
}

static void
resync_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *state_)
{
    struct observed_state *state = state_;

    if (!ovs_list_is_empty(&state->submitted)) {
        observed_resync(state);
    } else {
        commit_when_quiescent(state->fabric->commit, resync, state);
    }
}

void
observed_resync(struct observed_state *state)
{
    struct timeval tv = {
        .tv_sec = state->resync_ms / 1000,
        .tv_usec = state->resync_ms % 1000 * 1000,
    };

    if (!event_pending(state->resync, EV_TIMEOUT, NULL)) {
        state->resyncing = true;
        event_add(state->resync, &tv);
        state->resync_ms = MIN(2 * state->resync_ms, RESYNC_MAX_MS);
    }
}

/* Life.  ----------------------------------------------------------------- */

void
observed_commit_init(struct observed_state *state)
{
    state->flush = event_new(state->fabric->base, -1, 0, flush_cb, state);
    state->resync = evtimer_new(state->fabric->base, resync_cb, state);
    state->resync_ms = RESYNC_MIN_MS;
    model_request_init(&state->request, "vmnd");
    ovs_list_init(&state->submitted);
}

void
observed_commit_uninit(struct observed_state *state)
{
    struct submission *submission;

    /* Their answers are still to come. */
    LIST_FOR_EACH_POP (submission, node, &state->submitted) {
        submission->state = NULL;
    }
    commit_cancel_when_quiescent(state->fabric->commit, resync, state);
    model_request_uninit(&state->request);
    event_free(state->resync);
    event_free(state->flush);
    state->flush = NULL;        /* What is destroyed schedules nothing. */
}
