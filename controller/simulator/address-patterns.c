/* SPDX-License-Identifier: Apache-2.0
 *
 * What flows match of addresses; see address-patterns.h. */

#include <config.h>

#include "controller/simulator/address-patterns.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/simulator/endpoint.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofpbuf.h"
#include "sset.h"
#include "util.h"

#define FLOWS_PER_YIELD 64

/* Kinds of fields that hold a port's addresses. */
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

/* A field and a mask that flows match, with the values. */
struct pattern {
    struct hmap_node node;      /* By field and mask. */
    size_t field;               /* Index in 'fields'. */
    union mf_value mask;
    struct hmap values;         /* Of struct value. */
};

struct value {
    struct hmap_node node;
    union mf_value value;
};

struct address_patterns {
    struct engine *engine;
    const struct model *model;
    struct hmap patterns;
    struct sset scopes;         /* Names of the scopes that were read. */
    unsigned n_read;
};

struct address_patterns *
address_patterns_create(struct engine *engine, const struct model *model)
{
    struct address_patterns *all = xzalloc(sizeof *all);

    all->engine = engine;
    all->model = model;
    hmap_init(&all->patterns);
    sset_init(&all->scopes);
    return all;
}

void
address_patterns_destroy(struct address_patterns *all)
{
    struct pattern *pattern;
    struct value *value;

    if (!all) {
        return;
    }
    HMAP_FOR_EACH_POP (pattern, node, &all->patterns) {
        HMAP_FOR_EACH_POP (value, node, &pattern->values) {
            free(value);
        }
        hmap_destroy(&pattern->values);
        free(pattern);
    }
    hmap_destroy(&all->patterns);
    sset_destroy(&all->scopes);
    free(all);
}

/* Flows.  ---------------------------------------------------------------- */

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
get_pattern(struct address_patterns *all, size_t field,
            const union mf_value *mask, size_t size)
{
    uint32_t hash = hash_bytes(mask, size, field);
    struct pattern *pattern;

    HMAP_FOR_EACH_WITH_HASH (pattern, node, hash, &all->patterns) {
        if (pattern->field == field
            && !memcmp(&pattern->mask, mask, size)) {
            return pattern;
        }
    }
    pattern = xzalloc(sizeof *pattern);
    pattern->field = field;
    memcpy(&pattern->mask, mask, size);
    hmap_init(&pattern->values);
    hmap_insert(&all->patterns, &pattern->node, hash);
    return pattern;
}

static void
add_pattern(struct address_patterns *all, size_t field,
            const union mf_value *value, const union mf_value *mask)
{
    size_t size = mf_from_id(fields[field].id)->n_bytes;
    struct pattern *pattern = get_pattern(all, field, mask, size);
    uint32_t hash = hash_bytes(value, size, 0);

    if (!find_value(pattern, value, size, hash)) {
        struct value *v = xzalloc(sizeof *v);

        memcpy(&v->value, value, size);
        hmap_insert(&pattern->values, &v->node, hash);
    }
}

/* Returns true if 'bytes' are one of the port's own addresses. */
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

/* Returns true if the flow belongs to the very port whose address it
 * matches. */
static bool
is_own(const struct address_patterns *all, const struct flow_item *item,
       size_t field, const union mf_value *value, const union mf_value *mask)
{
    const struct mf_field *mf = mf_from_id(fields[field].id);
    const char *owner = engine_item_owner(all->engine, item);
    const char *slash = owner ? strchr(owner, '/') : NULL;
    const struct vmn_port *port = (slash
                                   ? model_get(all->model, VMN_TABLE_PORT,
                                               slash + 1) : NULL);

    return (port && is_all_ones(mask, mf->n_bytes)
            && is_address_of(port, fields[field].holds, value));
}

static void
read_item(void *all_, const struct flow_item *item)
{
    struct address_patterns *all = all_;
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    struct match match;

    if (item->kind != FLOW_ITEM_FLOW) {
        return;
    }
    if (++all->n_read % FLOWS_PER_YIELD == 0) {
        engine_yield(all->engine);
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
            if (!is_own(all, item, i, &value, &mask)) {
                add_pattern(all, i, &value, &mask);
            }
        }
    }
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}

static void
read_scope(void *all_, const struct engine_scope *scope)
{
    struct address_patterns *all = all_;

    if (sset_add(&all->scopes, engine_scope_name(scope))) {
        engine_scope_items(all->engine, scope, read_item, all);
    }
}

void
address_patterns_read_host(struct address_patterns *all, const char *host)
{
    engine_host_scopes(all->engine, host, read_scope, all);
}

/* Ports.  ---------------------------------------------------------------- */

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

void
address_patterns_put_fits(const struct address_patterns *all,
                          const struct endpoint *endpoint, struct ds *ds)
{
    const struct pattern *pattern;

    HMAP_FOR_EACH (pattern, node, &all->patterns) {
        const void *bytes = bytes_of(endpoint, fields[pattern->field].holds);

        if (bytes) {
            put_fit(pattern, bytes, ds);
        }
    }
}
