/* SPDX-License-Identifier: Apache-2.0
 *
 * Commits observed state to the model: what changed in an iteration of the
 * loop is submitted at its end, one request for each host that reported (and
 * one for changes that no report caused).  Requests are applied in the order
 * of submission, so the state in memory is what the model will be.  If a
 * request fails, memory and model are compared once the others are
 * complete. */

#include <config.h>

#include "controller/fabric/ovsdb/observed-state.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/binding-decision.h"
#include "controller/fabric/ovsdb/startup-barrier.h"
#include "controller/schema/schema-origin.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(observed_state);

/* Operations per request; well below the model's limit. */
#define REQUEST_OPS_MAX 4096
/* Delay between a failure and the comparison: initial and maximum. */
#define RESYNC_MIN_MS 100
#define RESYNC_MAX_MS 5000

static void observed_resync(struct observed_state *);

struct submission {
    struct ovs_list node;       /* In struct observed_state's 'submitted'. */
    struct observed_state *state;        /* NULL once it was destroyed. */
    char *host;                 /* Or NULL. */
};

/* Returns true if nothing of what 'host' reports is submitted yet: it is
 * loaded, or compared, as a whole. */
static bool
is_awaited(const struct observed_host *host)
{
    return (host->state->in_barrier || host->state->warm) && !host->loaded;
}

bool
observed_is_committed(const struct observed_host *host)
{
    return (host->known && !is_awaited(host) && !host->n_submitted
            && !host->request.n_ops);
}

/* Submitting.  ----------------------------------------------------------- */

/* Notifies once that the model contains the complete first report of 'host',
 * if that is so. */
static void
announce_reported(struct observed_host *host)
{
    if (host->state->gathering) {
        startup_barrier_check(host->state->fabric->db);
    } else if (!host->announced && observed_is_committed(host)
               && !host->state->resyncing
               && ovs_list_is_empty(&host->state->due)) {
        struct fabric_host *fh = fabric_find_host(host->state->fabric,
                                                  host->name);

        host->announced = true;
        if (fh) {
            fabric_host_set_reported(fh);
            host->state->announced_cb(host->state->fabric, host->name);
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

            VLOG_WARN_RL(&rl, "%s: the report was not committed: %s; trying "
                              "again",
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

/* Submits 'request' and clears it. */
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
    if (!state->resyncing && !fabric_stands_by(state->fabric)) {
        add_op__(state, host, kind, table, name, spec);
        return;
    }
    json_decref(spec);          /* The comparison will submit it. */
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

static bool
is_cut_off(const struct observed_vif *vif)
{
    return vif->iface_id[0] == '@' && vif->host->cut_off;
}

static json_t *
vif_spec(const struct observed_vif *vif)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:b, s:I, s:b}",
                     "host", vif->host->name,
                     "iface_id", vif->iface_id, "iface", vif->iface,
                     "ofport", (json_int_t) vif->ofport,
                     "link_up", vif->link_up,
                     "tag_ofport", (json_int_t) vif->tag_ofport,
                     "cut_off", is_cut_off(vif));
}

/* Returns true if the interface belongs in the model: none of a lost host, and
 * one that leads to a physical network only while its host is heard and its
 * switch runs, since other hosts replace it. */
static bool
is_visible(const struct observed_vif *vif)
{
    const struct observed_host *host = vif->host;

    return (!host->lost
            && (vif->iface_id[0] != '@'
                || (!host->silent && !host->switch_dead)));
}

void
observed_submit_vif(struct observed_vif *vif)
{
    struct observed_host *host = vif->host;
    char *name;

    host->n_changes++;
    if (is_awaited(host) || !is_visible(vif)) {
        return;                 /* observed_load() submits it, or the
                                 * comparison. */
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

/* A request names a row once: what it has of the host's underlay is
 * replaced. */
void
observed_submit_underlay(struct observed_host *host)
{
    host->n_changes++;
    for (size_t i = 0; i < host->request.n_ops; i++) {
        struct model_op *op = &host->request.ops[i];

        if (op->table == VMN_TABLE_UNDERLAY) {
            json_decref(op->spec);
            op->spec = underlay_spec(host);
            return;
        }
    }
    add_op(host->state, host, MODEL_PUT, VMN_TABLE_UNDERLAY, host->name,
           underlay_spec(host));
}

void
observed_submit_vif_delete(struct observed_vif *vif)
{
    char *name;

    vif->host->n_changes++;
    if (is_awaited(vif->host)) {
        return;                 /* As above. */
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
        /* Whatever rejects it logs the reason. */
        add_op(state, vif->host, MODEL_PUT, VMN_TABLE_VIF, name,
               json_incref(spec));
    }
    vmn_errors_uninit(&errors);
    json_decref(spec);
    free(name);
}

/* Loads what the host has reported so far.  While it yields, the host may
 * report again: that is submitted, and applied after everything that is
 * loaded. */
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

    /* Hosts are added and removed with groups of revisions, and none has
     * begun. */
    HMAP_FOR_EACH (host, node, &state->hosts) {
        load_host(state, host);
    }
    state->in_barrier = false;
    observed_commit_schedule(state);
}

/* Bindings.  ------------------------------------------------------------- */

json_t *
observed_binding_spec(const struct binding *binding)
{
    json_t *spec;

    if (!binding->active) {
        return NULL;
    }
    spec = json_pack("{s:s, s:s*}", "host", binding->active, "candidate",
                     binding->candidate);
    if (binding->activated) {
        json_object_set_new(spec, "activated", json_true());
    }
    if (binding->former) {
        json_object_set_new(spec, "former", json_string(binding->former));
    }
    return spec;
}

struct binding
observed_binding_of_row(const struct vmn_binding *row)
{
    return (struct binding) {
        .active = row ? row->host : NULL,
        .candidate = row ? row->candidate : NULL,
        .activated = row && row->activated,
        .former = row ? row->former : NULL,
    };
}

void
observed_submit_binding(struct observed_state *state,
                        struct observed_host *cause, const char *port,
                        const struct binding *binding)
{
    add_op(state, cause, binding->active ? MODEL_PUT : MODEL_DELETE,
           VMN_TABLE_BINDING, port, observed_binding_spec(binding));
}

static void
flush_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *state_)
{
    static const struct timeval at_once = { 0, 0 };
    struct observed_state *state = state_;
    struct observed_host *host;

    if (state->resyncing || state->in_barrier
        || fabric_stands_by(state->fabric)) {
        return;
    }
    if (!observed_decide_due(state)) {
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

/* Returns true if 'host' does not have the row's interface any more.  Those
 * that lead to physical networks are gone with a silent host, whatever it has
 * reported. */
static bool
is_stale(const struct observed_host *host, const struct vmn_vif *row)
{
    const struct observed_vif *vif = observed_host_find_vif(host,
                                                            row->iface_id);

    if (vif) {
        return !is_visible(vif);
    }
    return (host->known || host->lost
            || (row->iface_id[0] == '@'
                && (host->silent || host->switch_dead)));
}

/* Calls 'delete_' for rows of VIFs that 'host' no longer has.  They are named
 * "HOST/ID". */
static void
each_stale(struct observed_host *host,
           void (*delete_)(struct observed_state *, struct observed_host *,
                           enum model_op_kind, enum vmn_table,
                           const char *name, json_t *spec))
{
    const struct model *model = host->state->fabric->model;
    char *prefix = xasprintf("%s/", host->name);
    const char *after = prefix;
    const struct vmn_vif *row;

    while ((row = model_next_durable(model, VMN_TABLE_VIF, after, NULL))
           && !strncmp(row->row.name, prefix, strlen(prefix))) {
        if (is_stale(host, row)) {
            delete_(host->state, host, MODEL_DELETE, VMN_TABLE_VIF,
                    row->row.name, NULL);
        }
        after = row->row.name;
    }
    free(prefix);
}

void
observed_submit_stale(struct observed_host *host)
{
    each_stale(host, add_op);
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
                || row->tag_ofport != vif->tag_ofport
                || row->cut_off != is_cut_off(vif))) {
            add_op__(host->state, host, MODEL_PUT, VMN_TABLE_VIF, name,
                     vif_spec(vif));
        }
        free(name);
    }
}

/* Does the same for its underlay, which is never deleted. */
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

/* Drops the pending submissions. */
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
        const struct binding binding = observed_binding_of_row(row);

        observed_port_set_binding(state, port, &binding);
        observed_port_due(state, port, NULL);
        commit_yield(state->fabric->commit);
    }
}

static void
resync_host(struct observed_host *host)
{
    each_stale(host, add_op__);
    resync_vifs(host);
    resync_underlay(host);
}

/* Compares the hosts that differ.  While it yields, a host may report; it is
 * then compared again.  Returns false if there was none. */
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
            resync_host(host);
            commit_yield(state->fabric->commit);
        }
    }
    return any;
}

/* Compares memory and model, and submits the difference.  Called when the
 * state is quiescent: ports and hosts are added and removed with groups of
 * revisions only. */
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

/* Compares hosts that have reported for the first time, and what is known of
 * those that have not (observed_host_report_one()): that may change until
 * they do.  What was decided of ports meanwhile stays in their requests.
 * Called when the state is quiescent: hosts are added and removed with groups
 * of revisions only. */
static void
compare_first(void *state_)
{
    struct observed_state *state = state_;
    struct observed_host *host;

    state->comparing = false;
    HMAP_FOR_EACH (host, node, &state->hosts) {
        if (host->known && !host->loaded) {
            host->loaded = true;
            resync_host(host);
            commit_yield(state->fabric->commit);
        } else if (!host->known) {
            resync_vifs(host);
        }
    }
    observed_commit_schedule(state);
}

void
observed_compare_first(struct observed_host *host)
{
    struct observed_state *state = host->state;

    if (state->warm && !host->loaded && !state->comparing
        && !fabric_stands_by(state->fabric)) {
        state->comparing = true;
        commit_when_quiescent(state->fabric->commit, compare_first, state);
    }
}

void
observed_manage(struct observed_state *state)
{
    struct observed_host *host;

    state->gathering = !model_names(state->fabric->model, VMN_TABLE_VIF).n;
    HMAP_FOR_EACH (host, node, &state->hosts) {
        if (!host->known) {
            observed_submit_stale(host);
        }
        observed_compare_first(host);
    }
    former_hosts_check(state);
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

/* Schedules a comparison of memory and model for when no request is in
 * progress; it submits the difference. */
static void
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
    state->warm = fabric_stands_by(state->fabric);
    former_hosts_init(state);
    model_request_init(&state->request, ORIGIN_NAME_VMND);
    ovs_list_init(&state->submitted);
    model_set_bind(state->fabric->model, observed_bind, state);
}

void
observed_commit_uninit(struct observed_state *state)
{
    struct submission *submission;

    model_set_bind(state->fabric->model, NULL, NULL);
    /* Their results are outstanding. */
    LIST_FOR_EACH_POP (submission, node, &state->submitted) {
        submission->state = NULL;
    }
    commit_cancel_when_quiescent(state->fabric->commit, resync, state);
    commit_cancel_when_quiescent(state->fabric->commit, compare_first, state);
    model_request_uninit(&state->request);
    former_hosts_uninit(state);
    event_free(state->resync);
    event_free(state->flush);
    state->flush = NULL;        /* Nothing is scheduled during destruction. */
}
