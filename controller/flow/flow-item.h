/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups in the form in which switches get them; the private side of
 * struct engine_item.  Not for who wants them (wanted.h). */

#ifndef CONTROLLER_FLOW_FLOW_ITEM_H
#define CONTROLLER_FLOW_FLOW_ITEM_H 1

#include "controller/engine/engine.h"
#include "controller/sharded-hmap.h"
#include "controller/siphash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/ofpbuf.h"

struct ofpact;
struct ofputil_group_mod;
struct quota_set;

/* Finds items by xid.  Counted: items outlive the engine that made them. */
struct item_registry {
    struct shards by_xid;
    uint32_t next_xid;
    bool xids_wrapped;          /* Some may be in use again. */
    size_t n_bytes;             /* Of all 'add' together. */
    struct siphash_key key;     /* For digests. */
    unsigned n_refs;
};
struct item_registry *item_registry_create(void);
void item_registry_unref(struct item_registry *);

struct item {
    struct engine_item pub;     /* First. */
    unsigned n_refs;
    uint16_t app;               /* Index in the pipeline. */
    bool log;                   /* What it decides is told. */
    struct item_registry *registry;
    struct hmap_node xid_node;
    struct ovs_list scope_node; /* In the scope's items, while wanted. */
    const char *drop_reason;    /* Static string of the app, or NULL. */
    struct quota_set *quotas;   /* That it counts for while it is wanted; NULL:
                                 * none.  Counted. */
    uint64_t bytes[];           /* What 'pub.send' points to. */
};

static inline struct item *
item_cast(const struct engine_item *pub)
{
    return CONTAINER_OF(pub, struct item, pub);
}

/* Of a flow: 'rate' packets a second, and 'burst' at once. */
struct item_limit {
    uint32_t meter;             /* 0: none. */
    uint32_t rate, burst;
};

/* An item that is encoded but not yet made: most drafts turn out to be equal
 * to what is there already.  It may not be copied. */
struct item_draft {
    enum engine_item_kind kind;
    uint8_t table;
    uint16_t priority;
    bool log;                   /* For the one who drafts it to set; the same */
    struct item_limit limit;    /* before item_draft_actions(). */
    uint64_t cookie;
    uint32_t group_id;
    uint64_t key;               /* Strong hash of what identifies it. */
    uint64_t digest;            /* As in struct engine_item. */
    struct ofpbuf msg;          /* But for the xid. */
    uint64_t stub[64];          /* Where most messages fit. */
};

/* Begins a flow: that much identifies it.  'matched' is oxm_put()'s; the other
 * one takes a match as it is encoded. */
void item_draft_match(struct item_draft *, uint8_t table, uint16_t priority,
                      const struct match *, uint64_t matched);
void item_draft_encoded_match(struct item_draft *, uint8_t table,
                              uint16_t priority, const uint8_t *match,
                              size_t match_size);
/* Completes a flow. */
void item_draft_actions(struct item_draft *, const struct item_registry *,
                        uint64_t cookie, const struct ofpact *,
                        size_t ofpacts_len);
/* A whole group.  'gm' gets its command here. */
void item_draft_group(struct item_draft *, const struct item_registry *,
                      struct ofputil_group_mod *gm);
void item_draft_uninit(struct item_draft *);

/* The match (of a flow) inside of a draft, encoded. */
const uint8_t *item_draft_get_match(const struct item_draft *, size_t *size);

/* Makes the item.  Holds a reference to 'scope'. */
struct item *item_create(struct item_registry *, struct engine_scope *,
                         const struct item_draft *);

/* Whether the item is what item_create() would make of 'draft' in the item's
 * scope, byte for byte but for the xid. */
bool item_is_of_draft(const struct item *, const struct item_draft *);

/* The encoded match of a flow item. */
const uint8_t *item_match(const struct engine_item *, size_t *size);

/* Strong hash of what identifies a flow or group on a switch.  The low half is
 * the item's 'key_hash'.  A merged flow's cookie is that of a flow, so it has
 * no ENGINE_COOKIE_COUNTED. */
uint64_t item_flow_key(uint8_t table, uint16_t priority, const void *match,
                       size_t match_size);
uint64_t item_group_key(uint32_t group_id);

/* The cookie of unit "APP.UNIT/KEY". */
uint64_t item_owner_cookie(const char *name);

/* 64 bits of a hash, stable over versions and machines.  Whoever chooses the
 * content can make two of one hash. */
uint64_t item_hash64(const void *, size_t size, uint32_t basis);

#endif /* controller/flow/flow-item.h */
