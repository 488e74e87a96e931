/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports by what flows make of them; see port-classes.h.
 *
 * What flows match of addresses are patterns: a field, a mask, a value.  A
 * port's signature lists the patterns that its addresses fit.  A port's own
 * flows (those of a unit named as the port) match its addresses exactly, and
 * are left out: but for the addresses, all ports have the same ones, as long
 * as nothing is peculiar about the port. */

#include <config.h>

#include "controller/simulator/port-classes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

#define FLOWS_PER_PAUSE 64

/* Fields that hold a port's addresses. */
enum holds { MAC, IPV4, IPV6 };
static const struct {
    enum mf_field_id id;
    enum holds holds;
} fields[] = {
    { MFF_ETH_SRC, MAC }, { MFF_ETH_DST, MAC },
    { MFF_IPV4_SRC, IPV4 }, { MFF_IPV4_DST, IPV4 },
    { MFF_CT_NW_SRC, IPV4 }, { MFF_CT_NW_DST, IPV4 },
    { MFF_IPV6_SRC, IPV6 }, { MFF_IPV6_DST, IPV6 },
    { MFF_CT_IPV6_SRC, IPV6 }, { MFF_CT_IPV6_DST, IPV6 },
};

/* A field and mask that flows match, with the values. */
struct pattern {
    struct hmap_node node;      /* By field and mask. */
    size_t field;               /* In 'fields'. */
    union mf_value mask;
    struct hmap values;         /* Of struct value. */
};

struct value {
    struct hmap_node node;
    union mf_value value;
};

struct search {
    struct engine *engine;
    const struct model *model;
    struct hmap patterns;
    struct sset scopes;         /* Names of those that were read. */
    unsigned n_read;
};

/* Patterns.  ------------------------------------------------------------- */

static struct value *
find_value(const struct pattern *pattern, const union mf_value *value,
           size_t size, uint32_t hash)
{
    struct value *v;

    HMAP_FOR_EACH_WITH_HASH (v, node, hash, &pattern->values) {
        if (!memcmp(&v->value, value, size)) {
            return v;
        }
    }
    return NULL;
}

static struct pattern *
get_pattern(struct search *search, size_t field, const union mf_value *mask,
            size_t size)
{
    uint32_t hash = hash_bytes(mask, size, field);
    struct pattern *pattern;

    HMAP_FOR_EACH_WITH_HASH (pattern, node, hash, &search->patterns) {
        if (pattern->field == field
            && !memcmp(&pattern->mask, mask, size)) {
            return pattern;
        }
    }
    pattern = xzalloc(sizeof *pattern);
    pattern->field = field;
    memcpy(&pattern->mask, mask, size);
    hmap_init(&pattern->values);
    hmap_insert(&search->patterns, &pattern->node, hash);
    return pattern;
}

static void
add_pattern(struct search *search, size_t field, const union mf_value *value,
            const union mf_value *mask)
{
    size_t size = mf_from_id(fields[field].id)->n_bytes;
    struct pattern *pattern = get_pattern(search, field, mask, size);
    uint32_t hash = hash_bytes(value, size, 0);

    if (!find_value(pattern, value, size, hash)) {
        struct value *v = xzalloc(sizeof *v);

        memcpy(&v->value, value, size);
        hmap_insert(&pattern->values, &v->node, hash);
    }
}

/* Returns true if 'bytes' are an address of the port's own. */
static bool
is_address_of(const struct vmn_port *port, enum holds holds,
              const union mf_value *bytes)
{
    if (holds == MAC) {
        return !memcmp(bytes, port->mac.ea, sizeof port->mac.ea);
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        uint8_t family = holds == IPV4 ? 4 : 6;

        if (port->ips[i].family == family
            && !memcmp(bytes, port->ips[i].addr, family == 4 ? 4 : 16)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the flow is there for the very port whose address it
 * matches. */
static bool
is_own(const struct search *search, const struct flow_item *item,
       size_t field, const union mf_value *value, const union mf_value *mask)
{
    const struct mf_field *mf = mf_from_id(fields[field].id);
    const char *owner = engine_item_owner(search->engine, item);
    const char *slash = owner ? strchr(owner, '/') : NULL;
    const struct vmn_port *port = (slash
                                   ? model_get(search->model, VMN_TABLE_PORT,
                                               slash + 1) : NULL);

    return (port && is_all_ones(mask, mf->n_bytes)
            && is_address_of(port, fields[field].holds, value));
}

static void
read_item(void *search_, const struct flow_item *item)
{
    struct search *search = search_;
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    struct match match;

    if (item->kind != FLOW_ITEM_FLOW) {
        return;
    }
    if (++search->n_read % FLOWS_PER_PAUSE == 0) {
        engine_yield(search->engine);
    }
    ofpbuf_init(&ofpacts, 128);
    if (ofputil_decode_flow_mod(&fm, flow_item_message(item),
                                OFPUTIL_P_OF15_OXM, NULL, NULL, &ofpacts,
                                OFPP_MAX, 255)) {
        ofpbuf_uninit(&ofpacts);
        return;
    }
    minimatch_expand(&fm.match, &match);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const struct mf_field *mf = mf_from_id(fields[i].id);
        union mf_value value, mask;

        if (!mf_is_all_wild(mf, &match.wc)) {
            mf_get(mf, &match, &value, &mask);
            if (!is_own(search, item, i, &value, &mask)) {
                add_pattern(search, i, &value, &mask);
            }
        }
    }
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}

static void
read_scope(void *search_, const struct engine_scope *scope)
{
    struct search *search = search_;

    if (sset_add(&search->scopes, engine_scope_name(scope))) {
        engine_scope_items(search->engine, scope, read_item, search);
    }
}

static void
search_uninit(struct search *search)
{
    struct pattern *pattern;
    struct value *value;

    HMAP_FOR_EACH_POP (pattern, node, &search->patterns) {
        HMAP_FOR_EACH_POP (value, node, &pattern->values) {
            free(value);
        }
        hmap_destroy(&pattern->values);
        free(pattern);
    }
    hmap_destroy(&search->patterns);
    sset_destroy(&search->scopes);
}

/* Signatures.  ----------------------------------------------------------- */

static const void *
bytes_of(const struct endpoint *endpoint, enum holds holds)
{
    const struct vmn_ip *ip;

    if (holds == MAC) {
        return endpoint->port->mac.ea;
    }
    ip = endpoint_ip(endpoint, holds == IPV4 ? 4 : 6);
    return ip ? ip->addr : NULL;
}

static void
put_fit(const struct pattern *pattern, const void *bytes, struct ds *ds)
{
    size_t size = mf_from_id(fields[pattern->field].id)->n_bytes;
    union mf_value value;

    memset(&value, 0, sizeof value);
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *) &value)[i] = (((const uint8_t *) bytes)[i]
                                   & ((const uint8_t *) &pattern->mask)[i]);
    }
    if (find_value(pattern, &value, size, hash_bytes(&value, size, 0))) {
        ds_put_format(ds, "|%"PRIuSIZE":", pattern->field);
        ds_put_hex(ds, &pattern->mask, size);
        ds_put_char(ds, '=');
        ds_put_hex(ds, &value, size);
    }
}

static uint32_t
identity_of(const struct search *search, const char *port)
{
    uint32_t identity = 0;
    size_t size;
    void *value = engine_peek(search->engine, VMN_QUERY_IDENTITY, port,
                              &size);

    if (value && size == sizeof identity) {
        memcpy(&identity, value, size);
    }
    free(value);
    return identity;
}

/* "a,b", which the caller frees. */
static char *
groups_of(const struct search *search, const char *port)
{
    size_t size;
    char *value = engine_peek(search->engine, VMN_QUERY_GROUPS, port, &size);

    if (!value || !size || value[size - 1]) {
        free(value);
        return xstrdup("");
    }
    return value;
}

static bool
is_quarantined(const struct search *search, const struct vmn_port *port)
{
    size_t size;
    void *value = engine_peek(search->engine, VMN_QUERY_QUARANTINE,
                              port->row.name, &size);

    free(value);
    return port->quarantined || value;
}

/* Which gateways the port sends to, if there are routers. */
static void
put_gateways(const struct search *search, const struct endpoint *endpoint,
             struct ds *ds)
{
    static const uint8_t families[] = { 4, 6 };

    if (!model_lookup(search->model, VMN_INDEX_ROUTER_BY_NETWORK,
                      endpoint->port->network).n) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        const struct vmn_ip *ip = endpoint_gateway(search->model, endpoint,
                                                   families[i]);
        char buf[VALUE_IP_SIZE];

        if (ip) {
            ds_put_format(ds, "|%s", value_format_ip(ip, buf));
        }
    }
}

/* What tells the port's class. */
static char *
signature(const struct search *search, const struct endpoint *endpoint,
          const char *groups)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct vmn_port *port = endpoint->port;
    const struct pattern *pattern;

    ds_put_format(&ds, "%s|%u|%d|%d|%s", port->network,
                  identity_of(search, port->row.name),
                  endpoint_ip(endpoint, 4) != NULL,
                  endpoint_ip(endpoint, 6) != NULL,
                  groups);
    put_gateways(search, endpoint, &ds);
    /* What is peculiar about a port makes it a class of its own. */
    if (port->n_allowed_addresses || is_quarantined(search, port)) {
        ds_put_format(&ds, "|%s", port->row.name);
    }
    HMAP_FOR_EACH (pattern, node, &search->patterns) {
        const void *bytes = bytes_of(endpoint, fields[pattern->field].holds);

        if (bytes) {
            put_fit(pattern, bytes, &ds);
        }
    }
    return ds_steal_cstr(&ds);
}

/* Classes.  -------------------------------------------------------------- */

static void
add_absent(struct port_classes *classes, const char *name)
{
    if (classes->n_absent >= classes->allocated_absent) {
        classes->absent = x2nrealloc(classes->absent,
                                     &classes->allocated_absent, sizeof
                                     *classes->absent);
    }
    classes->absent[classes->n_absent++] = name;
}

static void
add_endpoint(struct shash *by_signature, const struct search *search,
             const struct endpoint *endpoint)
{
    char *groups = groups_of(search, endpoint->port->row.name);
    char *text = signature(search, endpoint, groups);
    struct port_class *class_ = shash_find_data(by_signature, text);

    if (!class_) {
        class_ = xzalloc(sizeof *class_);
        class_->network = endpoint->port->network;
        class_->domain = engine_domain_of(search->engine, class_->network);
        class_->groups = groups;
        groups = NULL;
        shash_add(by_signature, text, class_);
    }
    if (class_->n >= class_->allocated) {
        class_->endpoints = x2nrealloc(class_->endpoints, &class_->allocated,
                                       sizeof *class_->endpoints);
    }
    class_->endpoints[class_->n++] = *endpoint;
    free(groups);
    free(text);
}

static int
compare_hosts(const void *a_, const void *b_)
{
    const struct endpoint *const *a = a_, *const *b = b_;
    int order = strcmp((*a)->host, (*b)->host);

    return order ? order : strcmp((*a)->port->row.name,
                                  (*b)->port->row.name);
}

static void
sort_by_host(struct port_class *class_)
{
    class_->by_host = xmalloc(class_->n * sizeof *class_->by_host);
    for (size_t i = 0; i < class_->n; i++) {
        class_->by_host[i] = &class_->endpoints[i];
    }
    qsort(class_->by_host, class_->n, sizeof *class_->by_host, compare_hosts);
}

static int
compare_classes(const void *a_, const void *b_)
{
    const struct port_class *a = a_, *b = b_;
    int order = strcmp(a->network, b->network);

    return order ? order : strcmp(a->endpoints[0].port->row.name,
                                  b->endpoints[0].port->row.name);
}

static void
take_classes(struct port_classes *classes, struct shash *by_signature)
{
    struct shash_node *node;

    classes->classes = xmalloc(MAX(shash_count(by_signature), 1)
                               * sizeof *classes->classes);
    SHASH_FOR_EACH (node, by_signature) {
        struct port_class *class_ = node->data;

        sort_by_host(class_);
        classes->classes[classes->n++] = *class_;
        free(class_);
    }
    qsort(classes->classes, classes->n, sizeof *classes->classes,
          compare_classes);
    shash_destroy(by_signature);
}

void
port_classes_find(struct port_classes *classes, struct engine *engine,
                  const struct model *model, const char *network)
{
    struct search search = { .engine = engine, .model = model };
    struct shash by_signature = SHASH_INITIALIZER(&by_signature);
    struct sset hosts = SSET_INITIALIZER(&hosts);
    struct vmn_names names = (network
                              ? model_lookup(model, VMN_INDEX_PORT_BY_NETWORK,
                                             network)
                              : model_names(model, VMN_TABLE_PORT));
    struct endpoint *endpoints = xmalloc(MAX(names.n, 1) * sizeof *endpoints);
    const char *host;
    size_t n = 0;

    memset(classes, 0, sizeof *classes);
    hmap_init(&search.patterns);
    sset_init(&search.scopes);
    for (size_t i = 0; i < names.n; i++) {
        if (endpoint_find(model, names.names[i], &endpoints[n])
            && endpoints[n].ofport && endpoints[n].port->enabled) {
            sset_add(&hosts, endpoints[n++].host);
        } else {
            add_absent(classes, names.names[i]);
        }
        engine_yield(engine);
    }
    SSET_FOR_EACH (host, &hosts) {
        engine_host_scopes(engine, host, read_scope, &search);
    }
    for (size_t i = 0; i < n; i++) {
        add_endpoint(&by_signature, &search, &endpoints[i]);
        engine_yield(engine);
    }
    take_classes(classes, &by_signature);
    search_uninit(&search);
    sset_destroy(&hosts);
    free(endpoints);
}

void
port_classes_uninit(struct port_classes *classes)
{
    for (size_t i = 0; i < classes->n; i++) {
        free(classes->classes[i].domain);
        free(classes->classes[i].groups);
        free(classes->classes[i].endpoints);
        free(classes->classes[i].by_host);
    }
    free(classes->classes);
    free(classes->absent);
}
