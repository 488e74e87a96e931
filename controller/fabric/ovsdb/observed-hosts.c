/* SPDX-License-Identifier: Apache-2.0
 *
 * The reports of hosts, in memory: interfaces, the underlay, whether a host is
 * silent; see observed-state.h.  Not for ports and their bindings
 * (observed-state.c, port-bindings.c). */

#include <config.h>

#include "controller/fabric/ovsdb/observed-state.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/binding-decision.h"
#include "controller/fabric/ovsdb/rejected-claims.h"
#include "controller/fabric/ovsdb/unclaimed-vifs.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-origin.h"
#include "controller/schema/selector.h"
#include "hash.h"
#include "svec.h"
#include "util.h"

static struct observed_vif *
find_vif(const struct observed_host *host, const char *iface_id)
{
    struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, host_node, hash_string(iface_id, 0),
                             &host->vifs) {
        if (!strcmp(vif->iface_id, iface_id)) {
            return vif;
        }
    }
    return NULL;
}

/* Adds the iface-ids of the sub-ports of 'parent' to 'iface_ids'. */
static void
add_sub_ports(const struct observed_state *state,
              const struct observed_port *parent,
              struct svec *iface_ids)
{
    const struct observed_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, parent_node, hash_string(parent->name, 0),
                             &state->by_parent) {
        if (!strcmp(port->parent, parent->name)) {
            svec_add(iface_ids, port->iface_id);
        }
    }
}

void
observed_host_subports(const struct observed_host *host,
                       struct svec *iface_ids)
{
    const struct observed_state *state = host->state;
    uint32_t hash = hash_string(host->name, 0);
    const struct observed_port *port;

    if (hmap_is_empty(&state->by_parent)) {
        return;
    }
    HMAP_FOR_EACH_WITH_HASH (port, active_node, hash, &state->by_active) {
        if (!strcmp(port->active, host->name)) {
            add_sub_ports(state, port, iface_ids);
        }
    }
    HMAP_FOR_EACH_WITH_HASH (port, candidate_node, hash,
                             &state->by_candidate) {
        if (!strcmp(port->candidate, host->name)) {
            add_sub_ports(state, port, iface_ids);
        }
    }
}

const struct observed_vif *
observed_host_find_vif(const struct observed_host *host, const char *iface_id)
{
    return find_vif(host, iface_id);
}

static void
vif_destroy(struct observed_vif *vif)
{
    unclaimed_vifs_remove(vif);
    hmap_remove(&vif->host->vifs, &vif->host_node);
    hmap_remove(&vif->host->state->vifs, &vif->id_node);
    free(vif->iface_id);
    free(vif->iface);
    free(vif->refused);
    free(vif);
}

static struct observed_vif *
vif_create(struct observed_host *host, const char *iface_id)
{
    struct observed_vif *vif = xzalloc(sizeof *vif);
    uint32_t hash = hash_string(iface_id, 0);

    vif->host = host;
    vif->iface_id = xstrdup(iface_id);
    hmap_insert(&host->vifs, &vif->host_node, hash);
    hmap_insert(&host->state->vifs, &vif->id_node, hash);
    observed_iface_due(host->state, iface_id, host->name);
    return vif;
}

/* Handles the report of an interface. */
static void
update_vif(struct observed_host *host, const struct vif_report *report)
{
    struct observed_vif *vif = find_vif(host, report->iface_id);

    if (!vif) {
        vif = vif_create(host, report->iface_id);
    }
    vif->seen = true;
    vif->mac = report->mac;
    if (vif->ofport != report->ofport
        && (vif->guest_seen || vif->contradicted)) {
        vif->guest_seen = 0;    /* It was plugged again. */
        vif->contradicted = false;
        observed_iface_due(host->state, vif->iface_id, host->name);
    }
    if (vif->iface && !strcmp(vif->iface, report->iface)
        && vif->ofport == report->ofport && vif->link_up == report->link_up
        && vif->tag_ofport == report->tag_ofport) {
        return;
    }
    free(vif->iface);
    vif->iface = xstrdup(report->iface);
    vif->ofport = report->ofport;
    vif->link_up = report->link_up;
    vif->tag_ofport = report->tag_ofport;
    unclaimed_vifs_update(vif);
    observed_submit_vif(vif);
    observed_notify_iface(host->state, vif->iface_id);
}

/* Handles that an interface is not there any more. */
static void
delete_vif(struct observed_vif *vif)
{
    observed_submit_vif_delete(vif);
    observed_iface_due(vif->host->state, vif->iface_id, vif->host->name);
    vif_destroy(vif);
}

void
observed_host_report(struct observed_host *host,
                     const struct vif_report *reports, size_t n)
{
    struct observed_vif *vif, *next;

    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        vif->seen = false;
    }
    for (size_t i = 0; i < n; i++) {
        update_vif(host, &reports[i]);
    }
    HMAP_FOR_EACH_SAFE (vif, next, host_node, &host->vifs) {
        if (!vif->seen) {
            delete_vif(vif);
        }
    }
    if (!host->known) {
        /* Bindings from before the start may have lost their interface. */
        host->known = true;
        observed_host_ports_due(host, host->name);
        observed_compare_first(host);
        observed_commit_schedule(host->state);
    }
}

void
observed_host_report_one(struct observed_host *host,
                         const struct vif_report *report)
{
    update_vif(host, report);
    if (!host->known) {
        observed_compare_first(host);
    }
}

void
observed_host_report_gone(struct observed_host *host, const char *iface_id)
{
    struct observed_vif *vif = find_vif(host, iface_id);

    if (vif) {
        delete_vif(vif);
    }
}

void
observed_host_set_underlay(struct observed_host *host, uint32_t mtu)
{
    mtu = MIN(mtu, UINT16_MAX);
    if (mtu && mtu != host->underlay_mtu) {
        host->underlay_mtu = mtu;
        observed_submit_underlay(host);
    }
}

void
observed_host_set_datapath(struct observed_host *host, uint64_t id)
{
    if (id && id != host->datapath_id) {
        host->datapath_id = id;
        observed_submit_underlay(host);
    }
}

/* Submits the interfaces that lead to physical networks, which depend on
 * whether the host is silent or its switch dead. */
static void
host_provider_vifs_changed(struct observed_host *host)
{
    struct observed_vif *vif;

    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        if (vif->iface_id[0] != '@') {
            continue;
        }
        if (host->silent || host->switch_dead) {
            observed_submit_vif_delete(vif);
        } else {
            observed_submit_vif(vif);
        }
    }
    if (host->state->warm && !host->known) {
        observed_submit_stale(host);
    }
}

void
observed_host_set_silent(struct observed_host *host, bool silent)
{
    if (host->silent != silent) {
        host->silent = silent;
        observed_host_ports_due(host, NULL);
        host_provider_vifs_changed(host);
    }
}

void
observed_host_set_leaving(struct observed_host *host, bool leaving)
{
    if (host->leaving != leaving) {
        host->leaving = leaving;
        observed_host_ports_due(host, NULL);
    }
}

void
observed_host_set_lost(struct observed_host *host, bool lost)
{
    struct observed_vif *vif;

    if (host->lost == lost) {
        return;
    }
    host->lost = lost;
    observed_host_ports_due(host, NULL);
    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        if (lost) {
            observed_submit_vif_delete(vif);
        } else {
            observed_submit_vif(vif);
        }
    }
    if (host->state->warm && !host->known) {
        observed_submit_stale(host);
        observed_compare_first(host);
    }
}

void
observed_host_set_switch_dead(struct observed_host *host, bool dead)
{
    if (host->switch_dead != dead) {
        host->switch_dead = dead;
        host_provider_vifs_changed(host);
    }
}

void
observed_host_set_cut_off(struct observed_host *host, bool cut_off)
{
    if (host->cut_off != cut_off) {
        host->cut_off = cut_off;
        if (!host->silent && !host->switch_dead) {
            host_provider_vifs_changed(host);
        }
    }
}

void
observed_host_set_accepts(struct observed_host *host,
                       const struct vmn_selector *accepts)
{
    if (nullable_string_is_equal(host->accepts.text, accepts->text)) {
        return;
    }
    arena_uninit(&host->accepts_arena);
    arena_init(&host->accepts_arena);
    memset(&host->accepts, 0, sizeof host->accepts);
    if (accepts->text) {
        /* The model has validated it. */
        selector_parse(accepts->text, strlen(accepts->text),
                       &host->accepts_arena, &host->accepts, NULL);
    }
    observed_host_ports_due(host, NULL);
}

void
observed_refused_hosts(const struct observed_state *state,
                       const struct observed_port *port,
                    struct svec *hosts)
{
    const struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &state->vifs) {
        if (vif->refused && !strcmp(vif->iface_id, port->iface_id)) {
            svec_add(hosts, vif->host->name);
        }
    }
    svec_sort(hosts);
}

size_t
observed_n_candidates(const struct observed_state *state)
{
    return hmap_count(&state->by_candidate);
}

struct observed_host *
observed_find_host(const struct observed_state *state, const char *name)
{
    struct observed_host *host;

    HMAP_FOR_EACH_WITH_HASH (host, node, hash_string(name, 0),
                             &state->hosts) {
        if (!strcmp(host->name, name)) {
            return host;
        }
    }
    return NULL;
}

uint64_t
observed_parse_datapath(const char *text)
{
    unsigned long long int id;

    return text && str_to_ullong(text, 16, &id) ? id : 0;
}

struct observed_host *
observed_host_add(struct observed_state *state, const char *name)
{
    const struct vmn_underlay *underlay = model_get(
        state->fabric->model, VMN_TABLE_UNDERLAY, name);
    struct observed_host *host = xzalloc(sizeof *host);
    char *who = schema_origin_name_host(name);

    host->state = state;
    host->name = xstrdup(name);
    if (underlay) {
        host->underlay_mtu = underlay->mtu;
        host->datapath_id = observed_parse_datapath(underlay->datapath_id);
    }
    arena_init(&host->accepts_arena);
    hmap_init(&host->vifs);
    ovs_list_init(&host->unclaimed);
    model_request_init(&host->request, who);
    free(who);
    hmap_insert(&state->hosts, &host->node, hash_string(name, 0));
    return host;
}

void
observed_host_destroy(struct observed_host *host)
{
    struct observed_vif *vif, *next;

    HMAP_FOR_EACH_SAFE (vif, next, host_node, &host->vifs) {
        vif_destroy(vif);
    }
    hmap_remove(&host->state->hosts, &host->node);
    hmap_destroy(&host->vifs);
    model_request_uninit(&host->request);
    arena_uninit(&host->accepts_arena);
    free(host->name);
    free(host);
}

void
observed_host_remove(struct observed_host *host)
{
    struct observed_state *state = host->state;
    struct observed_port *port;

    observed_host_ports_due(host, NULL);
    /* The model has deleted these with the host's row. */
    while ((port = observed_find_active(state, host->name))) {
        const struct binding binding = { .active = NULL };

        observed_port_set_binding(state, port, &binding);
    }
    while ((port = observed_find_candidate(state, host->name))) {
        const struct binding binding = { .active = port->active };

        observed_port_set_binding(state, port, &binding);
    }
    rejected_claims_forget_host(state->rejected_claims, host->name);
    observed_host_destroy(host);
}
