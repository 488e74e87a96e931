/* SPDX-License-Identifier: Apache-2.0
 *
 * How facts get into the model: what changed in a turn is submitted at its
 * end, a request for each host that reported (and one for what no host's
 * report caused).  Requests are applied in the order in which they are
 * submitted, so memory is what the model will be.  If one fails after all,
 * memory and model are compared once the others are through. */

#include <config.h>

#include "controller/fabric/ovsdb/facts.h"

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

VLOG_DEFINE_THIS_MODULE(facts);

/* Operations in a request; well below the model's bound. */
#define REQUEST_OPS_MAX 4096
/* So many ports are decided at least before the turn may end. */
#define DECIDE_STEPS 16
/* Between a failure and the comparison, at first and at most. */
#define RESYNC_MIN_MS 100
#define RESYNC_MAX_MS 5000

struct submission {
    struct ovs_list node;       /* In struct facts's 'submitted'. */
    struct facts *facts;        /* NULL once they are gone. */
    char *host;                 /* Or NULL. */
};

/* Submitting.  ----------------------------------------------------------- */

/* If all that 'host' has to say for a start is in the model, tells so. */
static void
check_told(struct fact_host *host)
{
    if (!host->told && host->known && !host->n_submitted
        && !host->request.n_ops && !host->facts->resyncing
        && ovs_list_is_empty(&host->facts->due)) {
        struct fabric_host *fh = fabric_find_host(host->facts->fabric,
                                                  host->name);

        host->told = true;
        if (fh) {
            fabric_host_set_reported(fh);
        }
    }
}

static void
submitted_cb(void *submission_, const struct commit_result *result)
{
    struct submission *submission = submission_;
    struct facts *facts = submission->facts;
    struct fact_host *host;

    if (facts) {
        ovs_list_remove(&submission->node);
        host = submission->host ? facts_find_host(facts, submission->host)
                                : NULL;
        if (host && host->n_submitted) {
            host->n_submitted--;
        }
        if (result->ok) {
            facts->resync_ms = RESYNC_MIN_MS;
        } else {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 10);

            VLOG_WARN_RL(&rl, "%s: the report was not taken: %s; trying again",
                         submission->host ? submission->host : "vmnd",
                         result->errors->n ? result->errors->errors[0].text
                         : "no reason given");
            facts_resync(facts);
        }
        if (host) {
            check_told(host);
        }
    }
    free(submission->host);
    free(submission);
}

/* Submits 'request' and makes it empty. */
static void
submit(struct facts *facts, struct model_request *request,
       struct fact_host *host)
{
    struct submission *submission = xmalloc(sizeof *submission);
    char *who = xstrdup(request->who);

    submission->facts = facts;
    submission->host = host ? xstrdup(host->name) : NULL;
    ovs_list_push_back(&facts->submitted, &submission->node);
    if (host) {
        host->n_submitted++;
    }
    commit_submit(facts->fabric->commit, request, submitted_cb, submission);
    model_request_init(request, who);
    free(who);
}

static void
add_op__(struct facts *facts, struct fact_host *host,
         enum model_op_kind kind, enum vmn_table table, const char *name,
         json_t *spec)
{
    struct model_request *request = host ? &host->request : &facts->request;
    struct model_op *op;

    if (request->n_ops >= REQUEST_OPS_MAX) {
        submit(facts, request, host);
    }
    op = model_request_add(request, kind, table, name, spec);
    op->missing_ok = kind == MODEL_DELETE;
    facts_schedule(facts);
}

/* Adds an operation to what 'host' (NULL: nobody) has to submit.  Takes
 * ownership of 'spec'. */
static void
add_op(struct facts *facts, struct fact_host *host, enum model_op_kind kind,
       enum vmn_table table, const char *name, json_t *spec)
{
    if (!facts->resyncing) {
        add_op__(facts, host, kind, table, name, spec);
        return;
    }
    json_decref(spec);          /* The comparison finds it. */
    if (host) {
        host->differs = true;
    }
}

/* VIFs.  ----------------------------------------------------------------- */

static char *
vif_name(const struct fact_vif *vif)
{
    return xasprintf("%s/%s", vif->host->name, vif->iface_id);
}

static json_t *
vif_spec(const struct fact_vif *vif)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:b, s:I}",
                     "host", vif->host->name,
                     "iface_id", vif->iface_id, "iface", vif->iface,
                     "ofport", (json_int_t) vif->ofport,
                     "link_up", vif->link_up,
                     "tag_ofport", (json_int_t) vif->tag_ofport);
}

/* A port that leads to a physical network is there as long as its host is heard:
 * others stand in for it. */
static bool
is_told(const struct fact_vif *vif)
{
    return vif->iface_id[0] != '@' || !vif->host->silent;
}

void
facts_put_vif(struct fact_vif *vif)
{
    struct fact_host *host = vif->host;
    char *name;

    host->n_changes++;
    if ((host->facts->gathering && !host->loaded) || !is_told(vif)) {
        return;                 /* facts_load() will, or who hears it. */
    }
    name = vif_name(vif);
    add_op(host->facts, host, MODEL_PUT, VMN_TABLE_VIF, name, vif_spec(vif));
    free(name);
}

static json_t *
underlay_spec(const struct fact_host *host)
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
facts_put_underlay(struct fact_host *host)
{
    host->n_changes++;
    add_op(host->facts, host, MODEL_PUT, VMN_TABLE_UNDERLAY, host->name,
           underlay_spec(host));
}

void
facts_delete_vif(struct fact_vif *vif)
{
    char *name;

    vif->host->n_changes++;
    if (vif->host->facts->gathering && !vif->host->loaded) {
        return;                 /* The model does not have it yet. */
    }
    name = vif_name(vif);
    add_op(vif->host->facts, vif->host, MODEL_DELETE, VMN_TABLE_VIF, name,
           NULL);
    free(name);
}

/* Loads the row of 'vif'. */
static void
load_vif(struct facts *facts, const struct fact_vif *vif)
{
    struct model *model = facts->fabric->model;
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
        add_op(facts, vif->host, MODEL_PUT, VMN_TABLE_VIF, name,
               json_incref(spec));
    }
    vmn_errors_uninit(&errors);
    json_decref(spec);
    free(name);
}

/* Loads what the host has by now.  In a pause it may report anew: that is
 * submitted, and applied behind all that is loaded. */
static void
load_host(struct facts *facts, struct fact_host *host)
{
    struct svec names = SVEC_EMPTY_INITIALIZER;
    const struct fact_vif *vif;
    const char *iface_id;
    size_t i;

    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        svec_add(&names, vif->iface_id);
    }
    host->loaded = true;
    SVEC_FOR_EACH (i, iface_id, &names) {
        vif = facts_host_vif(host, iface_id);
        if (vif && is_told(vif)) {
            load_vif(facts, vif);
        }
        commit_yield(facts->fabric->commit);
    }
    svec_destroy(&names);
}

void
facts_load(void *facts_)
{
    struct facts *facts = facts_;
    struct fact_host *host;

    /* Hosts come and go with groups, and none has begun. */
    HMAP_FOR_EACH (host, node, &facts->hosts) {
        load_host(facts, host);
    }
    facts->gathering = false;
    facts_schedule(facts);
}

/* Bindings.  ------------------------------------------------------------- */

/* Whether the switch of 'host' has acknowledged the flows of a candidate. */
static bool
is_ready(const struct facts *facts, const struct fact_port *port,
         const char *host)
{
    const struct fabric_host *fh = fabric_find_host(facts->fabric, host);
    struct model_meta meta;
    const struct vmn_binding *row = model_get_durable(
        facts->fabric->model, VMN_TABLE_BINDING, port->name, &meta);

    return (fh && row && nullable_string_is_equal(row->candidate, host)
            && switch_acked(fh->sw) >= meta.revision);
}

void
facts_acked(struct facts *facts)
{
    struct fact_port *port;

    LIST_FOR_EACH (port, moving_node, &facts->moving) {
        if (port->candidate && is_ready(facts, port, port->candidate)) {
            facts_port_due(facts, port, port->candidate);
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

/* Whether 'port' may be bound on 'host'.  If not, sets '*reason', which the
 * caller frees, to the reason why; NULL if the host is not to blame: a sub-port
 * whose parent is on no host is on none either. */
static bool
is_allowed(const struct facts *facts, const struct fact_port *port,
           const struct fact_host *host, char **reason)
{
    const struct fact_port *parent
        = port->parent ? facts_find_port(facts, port->parent) : NULL;

    *reason = placement_refuses(&port->placement, host->name, &host->accepts);
    if (!*reason && parent && parent->active
        && strcmp(parent->active, host->name)
        && !nullable_string_is_equal(parent->candidate, host->name)) {
        *reason = xasprintf("its parent \"%s\" is on \"%s\"", parent->name,
                            parent->active);
    }
    return !*reason && (!parent || parent->active);
}

/* Adds to 'claims' the host 'name', which has part in a binding but says
 * nothing of the interface, if there is such a host. */
static void
add_silent_part(const struct facts *facts, const char *name,
                const struct fact_port *port, struct binding_claim *claims,
                size_t *n)
{
    const struct fact_host *host = name ? facts_find_host(facts, name) : NULL;
    char *reason;

    if (host && !facts_host_vif(host, port->iface_id)) {
        claims[(*n)++] = (struct binding_claim) {
            .host = host->name,
            .allowed = is_allowed(facts, port, host, &reason),
            .says = host->known ? BINDING_SAYS_NO : BINDING_SAYS_NOTHING,
            .silent = host->silent,
        };
        free(reason);
    }
}

/* What hosts say of 'port', sorted by host.  The caller frees it. */
static struct binding_claim *
gather_claims(const struct facts *facts, const struct fact_port *port,
              size_t *np)
{
    size_t allocated = 4;       /* Room for the two parts below. */
    struct binding_claim *claims = xmalloc(allocated * sizeof *claims);
    const struct fact_vif *vif;
    char *reason;
    size_t n = 0;

    add_silent_part(facts, port->active, port, claims, &n);
    add_silent_part(facts, port->candidate, port, claims, &n);
    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &facts->vifs) {
        if (strcmp(vif->iface_id, port->iface_id)) {
            continue;
        }
        if (n >= allocated) {
            claims = x2nrealloc(claims, &allocated, sizeof *claims);
        }
        claims[n++] = (struct binding_claim) {
            .host = vif->host->name,
            .allowed = is_allowed(facts, port, vif->host, &reason),
            .says = BINDING_SAYS_YES,
            .silent = vif->host->silent,
            .ready = is_ready(facts, port, vif->host->name),
        };
        free(reason);
    }
    qsort(claims, n, sizeof *claims, compare_claims);
    *np = n;
    return claims;
}

/* Notes which hosts have the interface of 'port' and may not, and reports those
 * that are new.  The active host, which may be about to lose it, is none. */
static void
report_refused(struct facts *facts, const struct fact_port *port)
{
    const char *expected = placement_expected(&port->placement);
    struct fact_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &facts->vifs) {
        char *reason = NULL;
        bool is_new;

        if (strcmp(vif->iface_id, port->iface_id)) {
            continue;
        }
        if (!nullable_string_is_equal(port->active, vif->host->name)) {
            is_allowed(facts, port, vif->host, &reason);
        }
        is_new = reason && !vif->refused;
        free(vif->refused);
        vif->refused = reason;
        if (is_new) {
            claims_refused(facts->claims, port->name, vif->host->name,
                           expected ? expected : port->active, reason);
        }
    }
}

/* Decides the binding of 'port' anew. */
static void
decide(struct facts *facts, struct fact_port *port)
{
    struct binding now = { port->active, port->candidate, false };
    struct fact_host *host = port->cause ? facts_find_host(facts, port->cause)
                                         : NULL;
    struct binding_claim *claims;
    struct binding next;
    size_t n;

    claims = gather_claims(facts, port, &n);
    /* A VM without a host of its own may be started again on any. */
    next = binding_decide(port->placement.host,
                          port->placement.failover
                          || !placement_is_pinned(&port->placement),
                          now, claims, n);
    facts_port_set_moving(facts, port, next.moving);
    if (!nullable_string_is_equal(next.active, now.active)
        || !nullable_string_is_equal(next.candidate, now.candidate)) {
        VLOG_INFO("port %s: on %s%s%s", port->name,
                  next.active ? next.active : "no host",
                  next.candidate ? ", candidate " : "",
                  next.candidate ? next.candidate : "");
        if (next.active) {
            add_op(facts, host, MODEL_PUT, VMN_TABLE_BINDING, port->name,
                   json_pack("{s:s, s:s*}", "host", next.active, "candidate",
                             next.candidate));
        } else {
            add_op(facts, host, MODEL_DELETE, VMN_TABLE_BINDING, port->name,
                   NULL);
        }
        facts_port_set_binding(facts, port, next.active,
                               next.candidate);
    }
    free(claims);
    report_refused(facts, port);
}

/* Returns false if some are left for the next turn. */
static bool
decide_due(struct facts *facts)
{
    for (int n = 1; !ovs_list_is_empty(&facts->due); n++) {
        struct fact_port *port
            = CONTAINER_OF(ovs_list_pop_front(&facts->due), struct fact_port,
                           due_node);

        ovs_list_init(&port->due_node);
        decide(facts, port);
        free(port->cause);
        port->cause = NULL;
        if (n % DECIDE_STEPS == 0
            && loop_turn_is_over(facts->fabric->loop)) {
            break;
        }
    }
    return ovs_list_is_empty(&facts->due);
}

static void
flush_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *facts_)
{
    static const struct timeval at_once = { 0, 0 };
    struct facts *facts = facts_;
    struct fact_host *host;

    if (facts->resyncing || facts->gathering) {
        return;
    }
    if (!decide_due(facts)) {
        event_add(facts->flush, &at_once);
        return;
    }
    HMAP_FOR_EACH (host, node, &facts->hosts) {
        if (host->request.n_ops) {
            submit(facts, &host->request, host);
        }
    }
    if (facts->request.n_ops) {
        submit(facts, &facts->request, NULL);
    }
    HMAP_FOR_EACH (host, node, &facts->hosts) {
        check_told(host);
    }
}

void
facts_schedule(struct facts *facts)
{
    if (facts->flush) {
        event_active(facts->flush, EV_TIMEOUT, 1);
    }
}

/* Comparing.  ------------------------------------------------------------ */

/* Deletes VIF rows that 'host' no longer has.  They are named "HOST/ID". */
static void
resync_rows(struct fact_host *host)
{
    const struct model *model = host->facts->fabric->model;
    char *prefix = xasprintf("%s/", host->name);
    const char *after = prefix;
    const struct vmn_vif *row;

    while ((row = model_next_durable(model, VMN_TABLE_VIF, after, NULL))
           && !strncmp(row->row.name, prefix, strlen(prefix))) {
        const struct fact_vif *vif = facts_host_vif(host, row->iface_id);

        if (host->known && (!vif || !is_told(vif))) {
            add_op__(host->facts, host, MODEL_DELETE, VMN_TABLE_VIF,
                     row->row.name, NULL);
        }
        after = row->row.name;
    }
    free(prefix);
}

/* Puts what 'host' has and the model does not. */
static void
resync_vifs(struct fact_host *host)
{
    struct fact_vif *vif;

    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        char *name = xasprintf("%s/%s", host->name, vif->iface_id);
        const struct vmn_vif *row = model_get_durable(
            host->facts->fabric->model, VMN_TABLE_VIF, name, NULL);

        if (is_told(vif)
            && (!row || strcmp(row->iface, vif->iface)
                || row->ofport != vif->ofport
                || row->link_up != vif->link_up
                || row->tag_ofport != vif->tag_ofport)) {
            add_op__(host->facts, host, MODEL_PUT, VMN_TABLE_VIF, name,
                     vif_spec(vif));
        }
        free(name);
    }
}

/* The same of its underlay, which is never withdrawn. */
static void
resync_underlay(struct fact_host *host)
{
    const struct vmn_underlay *row = model_get_durable(
        host->facts->fabric->model, VMN_TABLE_UNDERLAY, host->name, NULL);

    if ((host->underlay_mtu || host->datapath_id)
        && (!row || row->mtu != host->underlay_mtu
            || facts_parse_datapath(row->datapath_id)
               != host->datapath_id)) {
        add_op__(host->facts, host, MODEL_PUT, VMN_TABLE_UNDERLAY, host->name,
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

/* Sets what 'facts' knows of ports to what the model says. */
static void
resync_ports(struct facts *facts)
{
    struct fact_port *port;

    facts_update_all_ports(facts);
    HMAP_FOR_EACH (port, name_node, &facts->ports) {
        const struct vmn_binding *row = model_get_durable(
            facts->fabric->model, VMN_TABLE_BINDING, port->name, NULL);

        facts_port_set_binding(facts, port, row ? row->host : NULL,
                               row ? row->candidate : NULL);
        facts_port_due(facts, port, NULL);
        commit_yield(facts->fabric->commit);
    }
}

/* Compares the hosts that differ.  In a pause one may report; then it is
 * compared once more.  Returns false if there was none. */
static bool
resync_hosts(struct facts *facts)
{
    struct fact_host *host;
    bool any = false;

    HMAP_FOR_EACH (host, node, &facts->hosts) {
        if (host->differs) {
            host->differs = false;
            any = true;
            clear_request(&host->request);
            resync_rows(host);
            resync_vifs(host);
            resync_underlay(host);
            commit_yield(facts->fabric->commit);
        }
    }
    return any;
}

/* At a settled moment: ports and hosts come and go with groups only. */
static void
resync(void *facts_)
{
    struct facts *facts = facts_;
    struct fact_host *host;

    clear_request(&facts->request);
    resync_ports(facts);
    HMAP_FOR_EACH (host, node, &facts->hosts) {
        host->differs = true;
    }
    while (resync_hosts(facts)) {
        continue;
    }
    facts->resyncing = false;
    facts_schedule(facts);
}

static void
resync_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *facts_)
{
    struct facts *facts = facts_;

    if (!ovs_list_is_empty(&facts->submitted)) {
        facts_resync(facts);
    } else {
        commit_when_quiescent(facts->fabric->commit, resync, facts);
    }
}

void
facts_resync(struct facts *facts)
{
    struct timeval tv = {
        .tv_sec = facts->resync_ms / 1000,
        .tv_usec = facts->resync_ms % 1000 * 1000,
    };

    if (!event_pending(facts->resync, EV_TIMEOUT, NULL)) {
        facts->resyncing = true;
        event_add(facts->resync, &tv);
        facts->resync_ms = MIN(2 * facts->resync_ms, RESYNC_MAX_MS);
    }
}

/* Life.  ----------------------------------------------------------------- */

void
facts_commit_init(struct facts *facts)
{
    facts->flush = event_new(facts->fabric->base, -1, 0, flush_cb, facts);
    facts->resync = evtimer_new(facts->fabric->base, resync_cb, facts);
    facts->resync_ms = RESYNC_MIN_MS;
    model_request_init(&facts->request, "vmnd");
    ovs_list_init(&facts->submitted);
}

void
facts_commit_uninit(struct facts *facts)
{
    struct submission *submission;

    /* Their answers are still to come. */
    LIST_FOR_EACH_POP (submission, node, &facts->submitted) {
        submission->facts = NULL;
    }
    commit_cancel_when_quiescent(facts->fabric->commit, resync, facts);
    model_request_uninit(&facts->request);
    event_free(facts->resync);
    event_free(facts->flush);
    facts->flush = NULL;        /* What is destroyed schedules nothing. */
}
