/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of what hosts have reported, and of the ports that it may
 * concern; see facts.h. */

#include <config.h>

#include "controller/fabric/ovsdb/facts.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/claims.h"
#include "controller/schema/selector.h"
#include "hash.h"
#include "svec.h"
#include "util.h"

/* Ports.  ---------------------------------------------------------------- */

static struct fact_port *
find_port(const struct facts *facts, const char *name)
{
    struct fact_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, name_node, hash_string(name, 0),
                             &facts->ports) {
        if (!strcmp(port->name, name)) {
            return port;
        }
    }
    return NULL;
}

const struct fact_port *
facts_find_port(const struct facts *facts, const char *name)
{
    return find_port(facts, name);
}

/* Any port whose active host is 'host', or NULL. */
static struct fact_port *
find_active(const struct facts *facts, const char *host)
{
    struct fact_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, active_node, hash_string(host, 0),
                             &facts->by_active) {
        if (!strcmp(port->active, host)) {
            return port;
        }
    }
    return NULL;
}

/* The same of candidates. */
static struct fact_port *
find_candidate(const struct facts *facts, const char *host)
{
    struct fact_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, candidate_node, hash_string(host, 0),
                             &facts->by_candidate) {
        if (!strcmp(port->candidate, host)) {
            return port;
        }
    }
    return NULL;
}

/* Tells who watches that the port's status may be another one now. */
static void
tell_watch(const struct facts *facts, const struct fact_port *port)
{
    FABRIC_NOTIFY(facts->fabric, port, (aux, port->name))
}

void
facts_port_due(struct facts *facts, struct fact_port *port, const char *cause)
{
    if (ovs_list_is_empty(&port->due_node)) {
        ovs_list_push_back(&facts->due, &port->due_node);
        port->cause = nullable_xstrdup(cause);
    }
    tell_watch(facts, port);
    facts_schedule(facts);
}

void
facts_port_set_moving(struct facts *facts, struct fact_port *port,
                      bool moving)
{
    ovs_list_remove(&port->moving_node);
    ovs_list_init(&port->moving_node);
    if (moving) {
        ovs_list_push_back(&facts->moving, &port->moving_node);
    }
}

static void
set_part(struct hmap *index, struct hmap_node *node, char **part,
         const char *host)
{
    char *new_part = nullable_xstrdup(host); /* May be the old one. */

    if (*part) {
        hmap_remove(index, node);
        free(*part);
    }
    *part = new_part;
    if (new_part) {
        hmap_insert(index, node, hash_string(new_part, 0));
    }
}

/* Looks again at the sub-ports of 'port', which are only where it is. */
static void
sub_ports_due(struct facts *facts, const struct fact_port *port)
{
    struct fact_port *sub;

    HMAP_FOR_EACH_WITH_HASH (sub, parent_node, hash_string(port->name, 0),
                             &facts->by_parent) {
        if (!strcmp(sub->parent, port->name)) {
            facts_port_due(facts, sub, NULL);
        }
    }
}

/* The hosts that have a part in 'port' look at its sub-ports, if it has some. */
static void
trunk_due(struct facts *facts, const struct fact_port *port)
{
    if (hmap_first_with_hash(&facts->by_parent, hash_string(port->name, 0))) {
        if (port->active) {
            facts->trunks_cb(facts->fabric, port->active);
        }
        if (port->candidate) {
            facts->trunks_cb(facts->fabric, port->candidate);
        }
    }
}

/* Makes 'port' a sub-port of 'parent', or of none if that is NULL. */
static void
port_set_parent(struct facts *facts, struct fact_port *port,
                const char *parent)
{
    const char *const parents[] = { port->parent, parent };

    for (int i = 0; i < 2; i++) {
        const struct fact_port *p = (parents[i]
                                     ? find_port(facts, parents[i]) : NULL);

        if (p && p->active) {
            facts->trunks_cb(facts->fabric, p->active);
        }
        if (p && p->candidate) {
            facts->trunks_cb(facts->fabric, p->candidate);
        }
    }
    set_part(&facts->by_parent, &port->parent_node, &port->parent, parent);
}

void
facts_port_set_binding(struct facts *facts, struct fact_port *port,
                       const char *active, const char *candidate)
{
    /* Either may be what the other was. */
    char *new_candidate = nullable_xstrdup(candidate);

    trunk_due(facts, port);

    set_part(&facts->by_active, &port->active_node, &port->active, active);
    set_part(&facts->by_candidate, &port->candidate_node, &port->candidate,
             new_candidate);
    free(new_candidate);
    tell_watch(facts, port);
    trunk_due(facts, port);
    sub_ports_due(facts, port);
}

/* Looks again at the port whose interface has 'iface_id'. */
static void
iface_due(struct facts *facts, const char *iface_id, const char *cause)
{
    struct fact_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, id_node, hash_string(iface_id, 0),
                             &facts->ports_by_id) {
        if (!strcmp(port->iface_id, iface_id)) {
            facts_port_due(facts, port, cause);
        }
    }
}

/* Tells who watches of the port whose interface has 'iface_id'. */
static void
iface_told(const struct facts *facts, const char *iface_id)
{
    const struct fact_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, id_node, hash_string(iface_id, 0),
                             &facts->ports_by_id) {
        if (!strcmp(port->iface_id, iface_id)) {
            tell_watch(facts, port);
        }
    }
}

/* Looks again at each port that 'host' has a part in. */
static void
host_ports_due(struct fact_host *host, const char *cause)
{
    uint32_t hash = hash_string(host->name, 0);
    struct facts *facts = host->facts;
    struct fact_port *port;
    struct fact_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (port, active_node, hash, &facts->by_active) {
        if (!strcmp(port->active, host->name)) {
            facts_port_due(facts, port, cause);
        }
    }
    HMAP_FOR_EACH_WITH_HASH (port, candidate_node, hash,
                             &facts->by_candidate) {
        if (!strcmp(port->candidate, host->name)) {
            facts_port_due(facts, port, cause);
        }
    }
    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        iface_due(facts, vif->iface_id, cause);
    }
}

static void
port_destroy(struct facts *facts, struct fact_port *port)
{
    hmap_remove(&facts->ports, &port->name_node);
    hmap_remove(&facts->ports_by_id, &port->id_node);
    ovs_list_remove(&port->due_node);
    ovs_list_remove(&port->moving_node);
    facts_port_set_binding(facts, port, NULL, NULL);
    port_set_parent(facts, port, NULL);
    free(port->name);
    free(port->iface_id);
    placement_uninit(&port->placement);
    free(port->cause);
    free(port);
}

/* The iface-id of its interface; "", which none has, if there is to be none. */
static const char *
iface_id_of(const struct vmn_port *row)
{
    return row->external ? "" : row->iface_id;
}

static struct fact_port *
port_create(struct facts *facts, const struct vmn_port *row)
{
    struct fact_port *port = xzalloc(sizeof *port);

    port->name = xstrdup(row->row.name);
    port->iface_id = xstrdup(iface_id_of(row));
    placement_init(&port->placement);
    ovs_list_init(&port->due_node);
    ovs_list_init(&port->moving_node);
    hmap_insert(&facts->ports, &port->name_node, hash_string(port->name, 0));
    hmap_insert(&facts->ports_by_id, &port->id_node,
                hash_string(port->iface_id, 0));
    return port;
}

/* Takes in where the row allows it to be: a sub-port is where its parent is.
 * Returns true if that is different now. */
static bool
set_placement(const struct facts *facts, struct fact_port *port,
              const struct vmn_port *row)
{
    const struct vmn_port *parent
        = (row->parent ? model_get(facts->fabric->model, VMN_TABLE_PORT,
                                   row->parent) : NULL);

    return placement_set(&port->placement, row, parent);
}

/* Takes in a row that is there.  Its iface-id may be another one now. */
static void
port_set(struct facts *facts, const struct vmn_port *row)
{
    struct fact_port *port = find_port(facts, row->row.name);
    const char *iface_id = iface_id_of(row);
    bool is_new = !port;
    bool changed;

    if (is_new) {
        port = port_create(facts, row);
    }
    changed = set_placement(facts, port, row);
    if (!is_new && !changed && !strcmp(port->iface_id, iface_id)
        && nullable_string_is_equal(port->parent, row->parent)) {
        return;
    }
    if (strcmp(port->iface_id, iface_id)) {
        hmap_remove(&facts->ports_by_id, &port->id_node);
        free(port->iface_id);
        port->iface_id = xstrdup(iface_id);
        hmap_insert(&facts->ports_by_id, &port->id_node,
                    hash_string(port->iface_id, 0));
    }
    port_set_parent(facts, port, row->parent);
    facts_port_due(facts, port, NULL);
}

/* The same for those that follow it. */
static void
sub_ports_set(struct facts *facts, const char *parent)
{
    struct fact_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, parent_node, hash_string(parent, 0),
                             &facts->by_parent) {
        const struct vmn_port *row = model_get(facts->fabric->model,
                                               VMN_TABLE_PORT, port->name);

        if (row && !strcmp(port->parent, parent)
            && set_placement(facts, port, row)) {
            facts_port_due(facts, port, NULL);
        }
    }
}

void
facts_port_update(struct facts *facts, const char *name, bool anew)
{
    const struct vmn_port *row = model_get(facts->fabric->model,
                                           VMN_TABLE_PORT, name);
    struct fact_port *port = find_port(facts, name);

    if (port && (anew || !row)) {
        port_destroy(facts, port);
    }
    if (row) {
        port_set(facts, row);
        sub_ports_set(facts, name);
    }
}

void
facts_update_all_ports(struct facts *facts)
{
    const struct model *model = facts->fabric->model;
    struct vmn_names names = model_names(model, VMN_TABLE_PORT);
    struct fact_port *port, *next;

    HMAP_FOR_EACH_SAFE (port, next, name_node, &facts->ports) {
        if (!model_get(model, VMN_TABLE_PORT, port->name)) {
            port_destroy(facts, port);
        }
        commit_yield(facts->fabric->commit);
    }
    for (size_t i = 0; i < names.n; i++) {
        port_set(facts, model_get(model, VMN_TABLE_PORT, names.names[i]));
        commit_yield(facts->fabric->commit);
    }
}

/* Hosts.  ---------------------------------------------------------------- */

static struct fact_vif *
find_vif(const struct fact_host *host, const char *iface_id)
{
    struct fact_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, host_node, hash_string(iface_id, 0),
                             &host->vifs) {
        if (!strcmp(vif->iface_id, iface_id)) {
            return vif;
        }
    }
    return NULL;
}

/* Adds to 'iface_ids' those of the sub-ports of 'parent'. */
static void
add_sub_ports(const struct facts *facts, const struct fact_port *parent,
              struct svec *iface_ids)
{
    const struct fact_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, parent_node, hash_string(parent->name, 0),
                             &facts->by_parent) {
        if (!strcmp(port->parent, parent->name)) {
            svec_add(iface_ids, port->iface_id);
        }
    }
}

void
facts_host_subports(const struct fact_host *host, struct svec *iface_ids)
{
    const struct facts *facts = host->facts;
    uint32_t hash = hash_string(host->name, 0);
    const struct fact_port *port;

    if (hmap_is_empty(&facts->by_parent)) {
        return;
    }
    HMAP_FOR_EACH_WITH_HASH (port, active_node, hash, &facts->by_active) {
        if (!strcmp(port->active, host->name)) {
            add_sub_ports(facts, port, iface_ids);
        }
    }
    HMAP_FOR_EACH_WITH_HASH (port, candidate_node, hash,
                             &facts->by_candidate) {
        if (!strcmp(port->candidate, host->name)) {
            add_sub_ports(facts, port, iface_ids);
        }
    }
}

const struct fact_vif *
facts_host_vif(const struct fact_host *host, const char *iface_id)
{
    return find_vif(host, iface_id);
}

static void
vif_destroy(struct fact_vif *vif)
{
    hmap_remove(&vif->host->vifs, &vif->host_node);
    hmap_remove(&vif->host->facts->vifs, &vif->id_node);
    free(vif->iface_id);
    free(vif->iface);
    free(vif->refused);
    free(vif);
}

static struct fact_vif *
vif_create(struct fact_host *host, const char *iface_id)
{
    struct fact_vif *vif = xzalloc(sizeof *vif);
    uint32_t hash = hash_string(iface_id, 0);

    vif->host = host;
    vif->iface_id = xstrdup(iface_id);
    hmap_insert(&host->vifs, &vif->host_node, hash);
    hmap_insert(&host->facts->vifs, &vif->id_node, hash);
    iface_due(host->facts, iface_id, host->name);
    return vif;
}

/* Takes in one interface that the host has. */
static void
vif_report(struct fact_host *host, const struct fact_report *report)
{
    struct fact_vif *vif = find_vif(host, report->iface_id);

    if (!vif) {
        vif = vif_create(host, report->iface_id);
    }
    vif->seen = true;
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
    facts_put_vif(vif);
    iface_told(host->facts, vif->iface_id);
}

void
facts_host_report(struct fact_host *host, const struct fact_report *reports,
                  size_t n)
{
    struct fact_vif *vif, *next;

    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        vif->seen = false;
    }
    for (size_t i = 0; i < n; i++) {
        vif_report(host, &reports[i]);
    }
    HMAP_FOR_EACH_SAFE (vif, next, host_node, &host->vifs) {
        if (!vif->seen) {
            facts_delete_vif(vif);
            iface_due(host->facts, vif->iface_id, host->name);
            vif_destroy(vif);
        }
    }
    if (!host->known) {
        /* Bindings of before the start may have lost their interface. */
        host->known = true;
        host_ports_due(host, host->name);
        facts_schedule(host->facts);
    }
}

void
facts_host_underlay(struct fact_host *host, uint32_t mtu)
{
    mtu = MIN(mtu, UINT16_MAX);
    if (mtu && mtu != host->underlay_mtu) {
        host->underlay_mtu = mtu;
        facts_put_underlay(host);
    }
}

void
facts_host_datapath(struct fact_host *host, uint64_t id)
{
    if (id && id != host->datapath_id) {
        host->datapath_id = id;
        facts_put_underlay(host);
    }
}

/* What leads to physical networks comes and goes with that. */
static void
host_wires_changed(struct fact_host *host)
{
    struct fact_vif *vif;

    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        if (vif->iface_id[0] != '@') {
            continue;
        }
        if (host->silent) {
            facts_delete_vif(vif);
        } else {
            facts_put_vif(vif);
        }
    }
}

void
facts_host_set_silent(struct fact_host *host, bool silent)
{
    if (host->silent != silent) {
        host->silent = silent;
        host_ports_due(host, NULL);
        host_wires_changed(host);
    }
}

void
facts_host_set_accepts(struct fact_host *host,
                       const struct vmn_selector *accepts)
{
    if (nullable_string_is_equal(host->accepts.text, accepts->text)) {
        return;
    }
    arena_uninit(&host->accepts_arena);
    arena_init(&host->accepts_arena);
    memset(&host->accepts, 0, sizeof host->accepts);
    if (accepts->text) {
        /* It was well-formed in the row. */
        free(selector_parse(accepts->text, strlen(accepts->text),
                            &host->accepts_arena, &host->accepts));
    }
    host_ports_due(host, NULL);
}

void
facts_refused_hosts(const struct facts *facts, const struct fact_port *port,
                    struct svec *hosts)
{
    const struct fact_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (vif, id_node, hash_string(port->iface_id, 0),
                             &facts->vifs) {
        if (vif->refused && !strcmp(vif->iface_id, port->iface_id)) {
            svec_add(hosts, vif->host->name);
        }
    }
    svec_sort(hosts);
}

size_t
facts_n_candidates(const struct facts *facts)
{
    return hmap_count(&facts->by_candidate);
}

struct fact_host *
facts_find_host(const struct facts *facts, const char *name)
{
    struct fact_host *host;

    HMAP_FOR_EACH_WITH_HASH (host, node, hash_string(name, 0),
                             &facts->hosts) {
        if (!strcmp(host->name, name)) {
            return host;
        }
    }
    return NULL;
}

uint64_t
facts_parse_datapath(const char *text)
{
    unsigned long long int id;

    return text && str_to_ullong(text, 16, &id) ? id : 0;
}

struct fact_host *
facts_host_add(struct facts *facts, const char *name)
{
    const struct vmn_underlay *underlay = model_get(
        facts->fabric->model, VMN_TABLE_UNDERLAY, name);
    struct fact_host *host = xzalloc(sizeof *host);
    char *who = xasprintf("host:%s", name);

    host->facts = facts;
    host->name = xstrdup(name);
    if (underlay) {
        host->underlay_mtu = underlay->mtu;
        host->datapath_id = facts_parse_datapath(underlay->datapath_id);
    }
    arena_init(&host->accepts_arena);
    hmap_init(&host->vifs);
    model_request_init(&host->request, who);
    free(who);
    hmap_insert(&facts->hosts, &host->node, hash_string(name, 0));
    return host;
}

static void
host_destroy(struct fact_host *host)
{
    struct fact_vif *vif, *next;

    HMAP_FOR_EACH_SAFE (vif, next, host_node, &host->vifs) {
        vif_destroy(vif);
    }
    hmap_remove(&host->facts->hosts, &host->node);
    hmap_destroy(&host->vifs);
    model_request_uninit(&host->request);
    arena_uninit(&host->accepts_arena);
    free(host->name);
    free(host);
}

void
facts_host_remove(struct fact_host *host)
{
    struct facts *facts = host->facts;
    struct fact_port *port;

    host_ports_due(host, NULL);
    /* With the host's row, the model has dropped these. */
    while ((port = find_active(facts, host->name))) {
        facts_port_set_binding(facts, port, NULL, NULL);
    }
    while ((port = find_candidate(facts, host->name))) {
        facts_port_set_binding(facts, port, port->active, NULL);
    }
    claims_forget_host(facts->claims, host->name);
    host_destroy(host);
}

/* All.  ------------------------------------------------------------------ */

struct facts *
facts_create(struct fabric *fabric, facts_trunks_cb *trunks_cb)
{
    struct facts *facts = xzalloc(sizeof *facts);
    struct fact_port *port;

    facts->fabric = fabric;
    facts->trunks_cb = trunks_cb;
    facts->claims = claims_create(fabric);
    hmap_init(&facts->hosts);
    hmap_init(&facts->vifs);
    hmap_init(&facts->ports);
    hmap_init(&facts->ports_by_id);
    hmap_init(&facts->by_active);
    hmap_init(&facts->by_candidate);
    hmap_init(&facts->by_parent);
    ovs_list_init(&facts->due);
    ovs_list_init(&facts->moving);
    facts_commit_init(facts);
    facts_update_all_ports(facts);
    HMAP_FOR_EACH (port, name_node, &facts->ports) {
        const struct vmn_binding *row = model_get(fabric->model,
                                                  VMN_TABLE_BINDING,
                                                  port->name);

        if (row) {
            facts_port_set_binding(facts, port, row->host, row->candidate);
        }
    }
    /* There is nothing to decide by until hosts report. */
    LIST_FOR_EACH_SAFE (port, due_node, &facts->due) {
        ovs_list_remove(&port->due_node);
        ovs_list_init(&port->due_node);
    }
    return facts;
}

void
facts_destroy(struct facts *facts)
{
    struct fact_port *port, *next_port;
    struct fact_host *host, *next_host;

    if (!facts) {
        return;
    }
    facts_commit_uninit(facts);
    HMAP_FOR_EACH_SAFE (port, next_port, name_node, &facts->ports) {
        port_destroy(facts, port);
    }
    HMAP_FOR_EACH_SAFE (host, next_host, node, &facts->hosts) {
        host_destroy(host);
    }
    hmap_destroy(&facts->hosts);
    hmap_destroy(&facts->vifs);
    hmap_destroy(&facts->ports);
    hmap_destroy(&facts->ports_by_id);
    hmap_destroy(&facts->by_active);
    hmap_destroy(&facts->by_candidate);
    hmap_destroy(&facts->by_parent);
    claims_destroy(facts->claims);
    free(facts);
}
