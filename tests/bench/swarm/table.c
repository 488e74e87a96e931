/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as bytes; see table.h. */

#include <config.h>

#include "tests/bench/swarm/table.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "hash.h"
#include "openflow/openflow-1.1.h"
#include "openflow/openflow-1.5.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "unaligned.h"
#include "util.h"

#define INSTRUCTION_WRITE_ACTIONS 3
#define INSTRUCTION_APPLY_ACTIONS 4
#define ACTION_GROUP 22
#define TYPE_GROUP_MOD 15

static const struct ofp11_flow_mod *
flow_mod(const struct body *body)
{
    return (const void *) body->bytes;
}

static const struct ofp15_group_mod *
group_mod(const struct body *body)
{
    return (const void *) body->bytes;
}

static size_t
match_ofs(void)
{
    return sizeof(struct ofp11_flow_mod);
}

static size_t
instructions_ofs(const struct body *body)
{
    return match_ofs() + body->match_size;
}

static uint16_t
be16_at(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

/* Groups that a flow names.  --------------------------------------------- */

static bool
each_group_of_actions(const uint8_t *p, size_t size,
                      bool (*cb)(void *aux, uint32_t group_id), void *aux)
{
    while (size >= 8) {
        size_t length = be16_at(p + 2);

        if (length < 8 || length > size) {
            break;
        }
        if (be16_at(p) == ACTION_GROUP
            && !cb(aux, (uint32_t) be16_at(p + 4) << 16 | be16_at(p + 6))) {
            return false;
        }
        p += length;
        size -= length;
    }
    return true;
}

bool
body_each_group(const struct body *body,
                bool (*cb)(void *aux, uint32_t group_id), void *aux)
{
    size_t ofs = instructions_ofs(body);

    while (ofs + 8 <= body->size) {
        const uint8_t *p = body->bytes + ofs;
        size_t length = be16_at(p + 2);
        int type = be16_at(p);

        if (length < 8 || ofs + length > body->size) {
            break;
        }
        if ((type == INSTRUCTION_WRITE_ACTIONS
             || type == INSTRUCTION_APPLY_ACTIONS)
            && !each_group_of_actions(p + 8, length - 8, cb, aux)) {
            return false;
        }
        ofs += length;
    }
    return true;
}

static bool
never(void *aux OVS_UNUSED, uint32_t group_id OVS_UNUSED)
{
    return false;
}

static bool
differs(void *wanted, uint32_t group_id)
{
    return *(const uint32_t *) wanted != group_id;
}

bool
body_names_group(const struct body *body, uint32_t group_id)
{
    return body->uses_groups && !body_each_group(body, differs, &group_id);
}

/* Records.  -------------------------------------------------------------- */

/* Statistics: for how long the flow is there (for 1 s), its idle time, packets
 * and bytes (none); OpenFlow 1.5, section 7.2.4. */
static const uint8_t oxs[] = {
    0, 0, 0, 52,
    0x80, 0x02, 0 << 1, 8, 0, 0, 0, 1, 0, 0, 0, 0,
    0x80, 0x02, 1 << 1, 8, 0, 0, 0, 0, 0, 0, 0, 0,
    0x80, 0x02, 4 << 1, 8, 0, 0, 0, 0, 0, 0, 0, 0,
    0x80, 0x02, 5 << 1, 8, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0,
};

size_t
body_record_size(const struct body *body)
{
    if (body->is_group) {
        return (sizeof(struct ofp15_group_desc_stats)
                + body->size - sizeof(struct ofp15_group_mod));
    }
    return (sizeof(struct ofp15_flow_desc) + body->match_size + sizeof oxs
            + body->size - instructions_ofs(body));
}

static void
put_group(const struct body *body, uint8_t *record)
{
    const struct ofp15_group_mod *gm = group_mod(body);
    struct ofp15_group_desc_stats desc = {
        .length = htons(body_record_size(body)),
        .type = gm->type,
        .group_id = gm->group_id,
        .bucket_list_len = gm->bucket_array_len,
    };

    memcpy(record, &desc, sizeof desc);
    memcpy(record + sizeof desc, body->bytes + sizeof *gm,
           body->size - sizeof *gm);
}

void
body_put_record(const struct body *body, uint8_t *record)
{
    const struct ofp11_flow_mod *fm = flow_mod(body);

    if (body->is_group) {
        put_group(body, record);
        return;
    }

    struct ofp15_flow_desc desc = {
        .length = htons(body_record_size(body)),
        .table_id = fm->table_id,
        .priority = fm->priority,
        .idle_timeout = fm->idle_timeout,
        .hard_timeout = fm->hard_timeout,
        .flags = fm->flags,
        .importance = fm->importance,
        .cookie = fm->cookie,
    };

    memcpy(record, &desc, sizeof desc);
    record += sizeof desc;
    memcpy(record, body->bytes + match_ofs(), body->match_size);
    record += body->match_size;
    memcpy(record, oxs, sizeof oxs);
    memcpy(record + sizeof oxs, body->bytes + instructions_ofs(body),
           body->size - instructions_ofs(body));
}

void
body_put_packets(const struct body *body, uint8_t *record, uint32_t seconds,
                 uint64_t n)
{
    const ovs_be64 packets = htonll(n), bytes = htonll(n * 100);
    const ovs_be32 duration = htonl(seconds);

    record += sizeof(struct ofp15_flow_desc) + body->match_size;
    memcpy(record + 8, &duration, sizeof duration);
    memcpy(record + 32, &packets, sizeof packets);
    memcpy(record + 44, &bytes, sizeof bytes);
}

/* Bodies.  --------------------------------------------------------------- */

static uint32_t
key_hash(const struct body *body)
{
    if (body->is_group) {
        return hash_int((OVS_FORCE uint32_t) group_mod(body)->group_id, 0);
    }
    return hash_bytes(body->bytes + match_ofs(), body->match_size,
                      flow_mod(body)->table_id << 16
                      | ntohs(flow_mod(body)->priority));
}

/* Of what a dump shows but for its length and statistics.  vmnd makes the same
 * of what it wants: "ovs-appctl fabric/digest". */
static uint64_t
digest(const struct body *body)
{
    size_t size = body_record_size(body);
    uint8_t *record = xmalloc(size);
    ovs_u128 hash;

    body_put_record(body, record);
    record[0] = record[1] = 0;
    if (!body->is_group) {
        size_t ofs = sizeof(struct ofp15_flow_desc) + body->match_size;

        size -= sizeof oxs;
        memmove(record + ofs, record + ofs + sizeof oxs, size - ofs);
    }
    hash_bytes128(record, size, 0, &hash);
    free(record);
    return hash.u64.lo;
}

/* Fills in what follows from the bytes.  False if they make no sense. */
static bool
body_finish(struct body *body)
{
    if (body->is_group) {
        if (body->size < sizeof(struct ofp15_group_mod)) {
            return false;
        }
    } else {
        size_t match_size;

        if (body->size < match_ofs() + 8) {
            return false;
        }
        match_size = ROUND_UP(be16_at(body->bytes + match_ofs() + 2), 8);
        if (match_size < 8 || match_ofs() + match_size > body->size) {
            return false;
        }
        body->match_size = match_size;
        body->uses_groups = !body_each_group(body, never, NULL);
    }
    body->key_hash = key_hash(body);
    body->digest = digest(body);
    return true;
}

/* The body with these bytes, which may be an older one. */
static struct body *
body_intern(struct store *store, const uint8_t *bytes, size_t size,
            bool is_group)
{
    uint32_t hash = hash_bytes(bytes, size, is_group);
    struct body *body;

    HMAP_FOR_EACH_WITH_HASH (body, node, hash, &store->bodies) {
        if (body->size == size && body->is_group == is_group
            && !memcmp(body->bytes, bytes, size)) {
            return body_ref(body);
        }
    }
    body = xzalloc(sizeof *body + size);
    body->n_refs = 1;
    body->size = size;
    body->is_group = is_group;
    memcpy(body->bytes, bytes, size);
    if (!body_finish(body)) {
        free(body);
        return NULL;
    }
    hmap_insert(&store->bodies, &body->node, hash);
    return body;
}

struct body *
body_from_message(struct store *store, const struct ofp_header *oh)
{
    return body_intern(store, (const uint8_t *) (oh + 1),
                       ntohs(oh->length) - sizeof *oh,
                       oh->type == TYPE_GROUP_MOD);
}

struct body *
body_ref(struct body *body)
{
    body->n_refs++;
    return body;
}

void
body_unref(struct store *store, struct body *body)
{
    if (body && !--body->n_refs) {
        hmap_remove(&store->bodies, &body->node);
        free(body);
    }
}

struct body *
body_spoil(struct store *store, const struct body *body)
{
    uint8_t *bytes = xmemdup(body->bytes, body->size);
    size_t size = instructions_ofs(body);
    struct body *spoiled;

    if (size == body->size) {
        bytes[0] ^= 1;          /* The cookie's highest byte. */
    }
    spoiled = body_intern(store, bytes, size, false);
    free(bytes);
    return spoiled;
}

uint64_t
body_cookie(const struct body *body)
{
    return ntohll(flow_mod(body)->cookie);
}

uint8_t
body_table(const struct body *body)
{
    return flow_mod(body)->table_id;
}

uint32_t
body_group_id(const struct body *body)
{
    return ntohl(group_mod(body)->group_id);
}

bool
body_same_key(const struct body *a, const struct body *b)
{
    if (a->is_group) {
        return group_mod(a)->group_id == group_mod(b)->group_id;
    }
    return (flow_mod(a)->table_id == flow_mod(b)->table_id
            && flow_mod(a)->priority == flow_mod(b)->priority
            && a->match_size == b->match_size
            && !memcmp(a->bytes + match_ofs(), b->bytes + match_ofs(),
                       a->match_size));
}

/* Whether the field of 'size' bytes is among the fields at 'p'. */
static bool
has_field(const uint8_t *p, const uint8_t *end, const uint8_t *field,
          size_t size)
{
    while (p + 4 <= end) {
        size_t length = 4 + p[3];

        if (length == size && p + length <= end && !memcmp(p, field, size)) {
            return true;
        }
        p += length;
    }
    return false;
}

bool
body_matches(const struct body *body, const uint8_t *match, size_t size)
{
    const uint8_t *own = body->bytes + match_ofs();
    const uint8_t *end = match + MIN(size, be16_at(match + 2));

    for (const uint8_t *p = match + 4; p + 4 <= end; p += 4 + p[3]) {
        if (p + 4 + p[3] > end
            || !has_field(own + 4, own + be16_at(own + 2), p, 4 + p[3])) {
            return false;
        }
    }
    return true;
}

/* Tables.  --------------------------------------------------------------- */

/* The slot that holds 'key', or the empty one where it would be. */
static size_t
table_slot(const struct table *table, const struct body *key)
{
    size_t i = key->key_hash & (table->n_slots - 1);

    while (table->slots[i]
           && (table->slots[i]->key_hash != key->key_hash
               || !body_same_key(table->slots[i], key))) {
        i = (i + 1) & (table->n_slots - 1);
    }
    return i;
}

struct body *
table_find(const struct table *table, const struct body *key)
{
    return table->n ? table->slots[table_slot(table, key)] : NULL;
}

static void
table_grow(struct table *table)
{
    struct table old = *table;
    struct body *body;
    size_t i;

    table->n_slots = MAX(16, 2 * old.n_slots);
    table->slots = xcalloc(table->n_slots, sizeof *table->slots);
    TABLE_FOR_EACH (body, i, &old) {
        table->slots[table_slot(table, body)] = body;
    }
    free(old.slots);
}

struct body *
table_put(struct table *table, struct body *body)
{
    struct body *old;
    size_t i;

    if (4 * (table->n + 1) > 3 * table->n_slots) {
        table_grow(table);
    }
    i = table_slot(table, body);
    old = table->slots[i];
    table->slots[i] = body;
    table->n += !old;
    return old;
}

struct body *
table_take(struct table *table, const struct body *key)
{
    size_t mask = table->n_slots - 1;
    struct body *found;
    size_t hole;

    if (!table->n) {
        return NULL;
    }
    hole = table_slot(table, key);
    found = table->slots[hole];
    if (!found) {
        return NULL;
    }
    /* Moves back what a search would no longer reach. */
    for (size_t i = (hole + 1) & mask; table->slots[i]; i = (i + 1) & mask) {
        size_t home = table->slots[i]->key_hash & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole] = NULL;
    table->n--;
    return found;
}

void
table_clear(struct table *table, struct store *store)
{
    struct body *body;
    size_t i;

    TABLE_FOR_EACH (body, i, table) {
        body_unref(store, body);
    }
    free(table->slots);
    memset(table, 0, sizeof *table);
}

uint64_t
table_digest(const struct table *table)
{
    uint64_t sum = 0;
    struct body *body;
    size_t i;

    TABLE_FOR_EACH (body, i, table) {
        sum += body->digest;
    }
    return sum;
}
