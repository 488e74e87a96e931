/* SPDX-License-Identifier: Apache-2.0
 *
 * Indexes over current rows: those that apps read (enum vmn_index), and those
 * that checks need.  One function, emit_row(), says which keys a row is at.
 *
 * Names are kept in sorted arrays: insertion moves 8 bytes a name, which at
 * 20,000 names is some microseconds, and readers get them without a copy. */

#include <config.h>

#include "controller/model/model-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct index_node {
    struct hmap_node node;
    int index;
    char *key;
    struct name_set set;
};

/* The first position whose name is not less than 'name'. */
static size_t
name_set_lower(const struct name_set *set, const char *name)
{
    size_t low = 0, high = set->n;

    /* Loading comes in order: look at the end first. */
    if (high && strcmp(set->names[high - 1], name) < 0) {
        return high;
    }
    while (low < high) {
        size_t mid = (low + high) / 2;

        if (strcmp(set->names[mid], name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

size_t
name_set_upper(const struct name_set *set, const char *name)
{
    size_t i = name_set_lower(set, name);

    return i < set->n && !strcmp(set->names[i], name) ? i + 1 : i;
}

bool
name_set_add(struct name_set *set, const char *name)
{
    size_t i = name_set_lower(set, name);

    if (i < set->n && !strcmp(set->names[i], name)) {
        return false;
    }
    if (set->n >= set->allocated) {
        set->names = x2nrealloc(set->names, &set->allocated,
                                sizeof *set->names);
    }
    memmove(set->names + i + 1, set->names + i,
            (set->n - i) * sizeof *set->names);
    set->names[i] = name;
    set->n++;
    return true;
}

bool
name_set_remove(struct name_set *set, const char *name)
{
    size_t i = name_set_lower(set, name);

    if (i >= set->n || strcmp(set->names[i], name)) {
        return false;
    }
    set->n--;
    memmove(set->names + i, set->names + i + 1,
            (set->n - i) * sizeof *set->names);
    return true;
}

static struct index_node *
find_node(const struct model *model, int index, const char *key,
          uint32_t *hash)
{
    struct index_node *node;

    *hash = hash_string(key, index);
    HMAP_FOR_EACH_WITH_HASH (node, node, *hash, &model->index) {
        if (node->index == index && !strcmp(node->key, key)) {
            return node;
        }
    }
    return NULL;
}

const struct name_set *
index_get(const struct model *model, int index, const char *key)
{
    static const struct name_set empty;
    uint32_t hash;
    const struct index_node *node = find_node(model, index, key, &hash);

    return node ? &node->set : &empty;
}

static void
node_destroy(struct model *model, struct index_node *node)
{
    hmap_remove(&model->index, &node->node);
    free(node->set.names);
    free(node->key);
    free(node);
}

/* 'name' must live as long as it is in the index: an entry's. */
void
index_put(struct model *model, int index, const char *key, const char *name,
          bool add)
{
    uint32_t hash;
    struct index_node *node = find_node(model, index, key, &hash);

    if (add) {
        if (!node) {
            node = xzalloc(sizeof *node);
            node->index = index;
            node->key = xstrdup(key);
            hmap_insert(&model->index, &node->node, hash);
        }
        name_set_add(&node->set, name);
    } else if (node) {
        name_set_remove(&node->set, name);
        if (!node->set.n) {
            node_destroy(model, node);
        }
    }
}

void
index_destroy(struct model *model)
{
    struct index_node *node;

    HMAP_FOR_EACH_SAFE (node, node, &model->index) {
        node_destroy(model, node);
    }
    hmap_destroy(&model->index);
}

/* Which keys a row is at.  ------------------------------------------------ */

typedef void emit_cb(void *aux, int index, const char *key);

struct emitter {
    emit_cb *cb;
    void *aux;
    const struct vmn_row *row;
};

/* A key is one text, or several with something between them.  Every change of
 * a row has all of its keys made four times, so this does without printf(). */
static void
emit(const struct emitter *e, int index, const char *key)
{
    e->cb(e->aux, index, key);
}

static void
emit_joined(const struct emitter *e, int index, const char *a, char between,
            const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    char buf[512];              /* Names and labels are shorter. */
    char *key = a_len + b_len + 2 <= sizeof buf ? buf
                : xmalloc(a_len + b_len + 2);

    memcpy(key, a, a_len);
    key[a_len] = between;
    memcpy(key + a_len + 1, b, b_len + 1);
    emit(e, index, key);
    if (key != buf) {
        free(key);
    }
}

static void
emit_network(const struct emitter *e, const struct vmn_network *network)
{
    const struct vmn_provider *provider = &network->provider;
    char vlan[12];

    if (provider->physical) {
        snprintf(vlan, sizeof vlan, "%"PRIu32, provider->vlan);
        emit_joined(e, INDEX_PROVIDER, provider->physical, '/', vlan);
    }
}

static void
emit_pairs(const struct emitter *e, const struct vmn_port *port)
{
    char buf[VALUE_IP_SIZE];

    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = &port->allowed_addresses[i];

        if (pair->ip.len == vmn_ip_bits(&pair->ip.ip)) {
            emit_joined(e, INDEX_ALLOWED, port->network, '/',
                        value_format_ip(&pair->ip.ip, buf));
        }
        if (!value_mac_is_none(pair->mac)) {
            emit_joined(e, INDEX_ALLOWED, port->network, '/',
                        value_format_mac(pair->mac, buf));
        }
    }
}

static void
emit_port(const struct emitter *e, const struct vmn_port *port)
{
    char buf[VALUE_IP_SIZE];

    emit(e, VMN_INDEX_PORT_BY_NETWORK, port->network);
    emit(e, VMN_INDEX_PORT_BY_LABEL, "");
    for (size_t i = 0; i < port->labels.n; i++) {
        const struct vmn_label *label = &port->labels.labels[i];

        emit(e, VMN_INDEX_PORT_BY_LABEL, label->key);
        emit_joined(e, VMN_INDEX_PORT_BY_LABEL, label->key, '=',
                    label->value);
    }
    if (!value_mac_is_none(port->mac)) {
        emit_joined(e, INDEX_MAC, port->network, '/',
                    value_format_mac(port->mac, buf));
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        emit_joined(e, VMN_INDEX_PORT_BY_IP, port->network, '/',
                    value_format_ip(&port->ips[i], buf));
    }
    emit_pairs(e, port);
    emit(e, INDEX_IFACE_ID, port->iface_id);
    if (port->parent) {
        char vlan[8];

        snprintf(vlan, sizeof vlan, "%"PRIu32, port->vlan);
        emit(e, VMN_INDEX_PORT_BY_PARENT, port->parent);
        emit_joined(e, INDEX_PORT_VLAN, port->parent, '/', vlan);
    }
}

/* How well a term narrows down the ports that can match: see app.h. */
static int
anchor_rank(const struct vmn_selector_term *term)
{
    bool asks = term->op == VMN_SEL_IN || term->op == VMN_SEL_EXISTS;

    return !asks ? 0 : term->n_values == 1 ? 2 : 1;
}

static void
emit_anchor(const struct emitter *e, int index,
            const struct vmn_selector *selector)
{
    const struct vmn_selector_term *best = NULL;

    for (size_t i = 0; i < selector->n_terms; i++) {
        const struct vmn_selector_term *term = &selector->terms[i];

        if (anchor_rank(term) > (best ? anchor_rank(best) : 0)) {
            best = term;
        }
    }
    if (!best) {
        emit(e, index, "");
    } else if (best->n_values == 1) {
        emit_joined(e, index, best->key, '=', best->values[0]);
    } else {
        emit(e, index, best->key);
    }
}

static void
emit_group(const struct emitter *e, const struct vmn_group *group)
{
    for (size_t i = 0; i < group->n_ports; i++) {
        emit(e, VMN_INDEX_GROUP_BY_PORT, group->ports[i]);
    }
    if (group->selector.text) {
        emit_anchor(e, VMN_INDEX_GROUP_BY_ANCHOR, &group->selector);
    }
}

static void
emit_quarantine(const struct emitter *e,
                const struct vmn_quarantine *quarantine)
{
    for (size_t i = 0; i < quarantine->n_ports; i++) {
        emit(e, VMN_INDEX_QUARANTINE_BY_PORT, quarantine->ports[i]);
    }
    if (quarantine->selector.text) {
        emit(e, VMN_INDEX_QUARANTINE_SELECTS, "");
        emit_anchor(e, VMN_INDEX_QUARANTINE_BY_ANCHOR,
                    &quarantine->selector);
    }
}

static void
emit_loadbalancer(const struct emitter *e,
                  const struct vmn_loadbalancer *lb)
{
    char vip[VALUE_IP_SIZE];

    value_format_ip(&lb->vip, vip);
    for (size_t i = 0; i < lb->n_networks; i++) {
        const char *network = lb->networks[i];

        emit(e, VMN_INDEX_LB_BY_NETWORK, network);
        emit_joined(e, INDEX_VIP_IP, network, '/', vip);
    }
}

static void
emit_external(const struct emitter *e, const struct vmn_router *router,
              const char *mac)
{
    const struct vmn_external *external = &router->external;
    char ip[VALUE_IP_SIZE];

    emit(e, VMN_INDEX_ROUTER_BY_EXTERNAL, external->network);
    if (!value_mac_is_none(router->mac)) {
        emit_joined(e, INDEX_ROUTER_MAC, external->network, '/', mac);
    }
    for (size_t i = 0; i < external->n_addresses; i++) {
        value_format_ip(&external->addresses[i], ip);
        emit_joined(e, INDEX_EXTERNAL_IP, external->network, '/', ip);
    }
}

static void
emit_floating_ip(const struct emitter *e,
                 const struct vmn_floating_ip *floating)
{
    char ip[VALUE_IP_SIZE];

    value_format_ip(&floating->ip, ip);
    emit(e, VMN_INDEX_FLOATING_BY_ROUTER, floating->router);
    if (floating->port) {
        emit(e, VMN_INDEX_FLOATING_BY_PORT, floating->port);
    } else {
        emit(e, INDEX_FLOATING_BY_LB, floating->load_balancer);
    }
    emit_joined(e, INDEX_FLOATING_IP, floating->router, '/', ip);
}

static void
emit_router(const struct emitter *e, const struct vmn_router *router)
{
    char mac[VALUE_MAC_SIZE];

    value_format_mac(router->mac, mac);
    for (size_t i = 0; i < router->n_interfaces; i++) {
        const char *network = router->interfaces[i].network;

        emit(e, VMN_INDEX_ROUTER_BY_NETWORK, network);
        if (!value_mac_is_none(router->mac)) {
            emit_joined(e, INDEX_ROUTER_MAC, network, '/', mac);
        }
    }
    if (router->external.network) {
        emit_external(e, router, mac);
    }
}

static void
emit_zone(const struct emitter *e, const struct vmn_dns_zone *zone)
{
    for (size_t i = 0; i < zone->n_networks; i++) {
        emit(e, VMN_INDEX_ZONE_BY_NETWORK, zone->networks[i]);
    }
}

static void
emit_ref(void *e_, enum vmn_table target, const char *name,
         const struct schema_field *f OVS_UNUSED,
         const char *pointer OVS_UNUSED)
{
    const struct emitter *e = e_;

    emit(e, index_refs(target, e->row->table), name);
}

static void
emit_version(const struct version *version, emit_cb *cb, void *aux)
{
    const struct vmn_row *row = version->row;
    struct emitter e = { cb, aux, row };
    char buf[VALUE_IP_SIZE];

    if (row->table == VMN_TABLE_HOST) {
        const struct vmn_host *host = (const struct vmn_host *) row;

        emit(&e, VMN_INDEX_ALL_HOSTS, "");
        emit(&e, INDEX_TUNNEL_IP, value_format_ip(&host->tunnel_ip, buf));
        if (host->second_tunnel_ip.family) {
            emit(&e, INDEX_TUNNEL_IP,
                 value_format_ip(&host->second_tunnel_ip, buf));
        } else {
            emit(&e, INDEX_TUNNEL_FAMILY,
                 host->tunnel_ip.family == 6 ? "6" : "4");
        }
    } else if (row->table == VMN_TABLE_NETWORK) {
        emit_network(&e, (const struct vmn_network *) row);
    } else if (row->table == VMN_TABLE_PORT) {
        emit_port(&e, (const struct vmn_port *) row);
    } else if (row->table == VMN_TABLE_GROUP) {
        emit_group(&e, (const struct vmn_group *) row);
    } else if (row->table == VMN_TABLE_TIER) {
        const struct vmn_tier *tier = (const struct vmn_tier *) row;

        snprintf(buf, sizeof buf, "%u", tier->position);
        emit(&e, VMN_INDEX_ALL_TIERS, "");
        emit(&e, INDEX_POSITION, buf);
    } else if (row->table == VMN_TABLE_POLICY) {
        const struct vmn_policy *policy = (const struct vmn_policy *) row;

        for (size_t i = 0; i < policy->n_applies_to; i++) {
            emit(&e, VMN_INDEX_POLICY_BY_GROUP, policy->applies_to[i]);
        }
        snprintf(buf, sizeof buf, "%u", policy->priority);
        emit_joined(&e, INDEX_PRIORITY, policy->tier, '/', buf);
    } else if (row->table == VMN_TABLE_QUARANTINE) {
        emit_quarantine(&e, (const struct vmn_quarantine *) row);
    } else if (row->table == VMN_TABLE_LOADBALANCER) {
        emit_loadbalancer(&e, (const struct vmn_loadbalancer *) row);
    } else if (row->table == VMN_TABLE_ROUTER) {
        emit_router(&e, (const struct vmn_router *) row);
    } else if (row->table == VMN_TABLE_FLOATING_IP) {
        emit_floating_ip(&e, (const struct vmn_floating_ip *) row);
    } else if (row->table == VMN_TABLE_DNS_ZONE) {
        emit_zone(&e, (const struct vmn_dns_zone *) row);
    } else if (row->table == VMN_TABLE_BINDING) {
        emit(&e, VMN_INDEX_PORT_BY_HOST,
             ((const struct vmn_binding *) row)->host);
    } else if (row->table == VMN_TABLE_VIF) {
        emit(&e, INDEX_VIF_IFACE_ID, ((const struct vmn_vif *) row)->iface_id);
    }
    if (version->meta.set) {
        emit(&e, INDEX_SET + row->table, version->meta.set);
    }
    schema_row_refs(row, emit_ref, &e);
}

struct putter {
    struct model *model;
    const char *name;           /* The entry's. */
    bool add;
};

static void
put_key(void *putter_, int index, const char *key)
{
    const struct putter *putter = putter_;

    index_put(putter->model, index, key, putter->name, putter->add);
}

void
index_version(struct model *model, const struct entry *entry,
              const struct version *version, bool add)
{
    struct putter putter = { model, entry->name, add };

    emit_version(version, put_key, &putter);
}

/* What changed.  ---------------------------------------------------------- */

struct index_key {
    int index;
    char *key;
};

struct index_keys {
    size_t n, allocated;
    struct index_key *keys;
};

static void
collect_key(void *keys_, int index, const char *key)
{
    struct index_keys *keys = keys_;

    if (index < VMN_N_INDEXES) {
        if (keys->n >= keys->allocated) {
            keys->keys = x2nrealloc(keys->keys, &keys->allocated,
                                    sizeof *keys->keys);
        }
        keys->keys[keys->n].index = index;
        keys->keys[keys->n++].key = xstrdup(key);
    }
}

static int
compare_keys(const void *a_, const void *b_)
{
    const struct index_key *a = a_;
    const struct index_key *b = b_;

    return a->index != b->index ? (a->index < b->index ? -1 : 1)
                                : strcmp(a->key, b->key);
}

static void
collect_keys(const struct version *version, struct index_keys *keys)
{
    *keys = (struct index_keys) { 0, 0, NULL };
    if (version) {
        emit_version(version, collect_key, keys);
    }
    if (keys->n) {
        qsort(keys->keys, keys->n, sizeof *keys->keys, compare_keys);
    }
}

static void
free_keys(struct index_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        free(keys->keys[i].key);
    }
    free(keys->keys);
}

void
index_note_changes(struct model *model, const struct version *a,
                   const struct version *b)
{
    struct index_keys as, bs;
    size_t i = 0, j = 0;

    collect_keys(a, &as);
    collect_keys(b, &bs);
    while (i < as.n || j < bs.n) {
        int cmp = i >= as.n ? 1 : j >= bs.n ? -1
                  : compare_keys(&as.keys[i], &bs.keys[j]);
        const struct index_key *key = cmp <= 0 ? &as.keys[i] : &bs.keys[j];

        if (cmp) {
            model_note_index(model, key->index, key->key);
        }
        i += cmp <= 0;
        j += cmp >= 0;
    }
    free_keys(&as);
    free_keys(&bs);
}
