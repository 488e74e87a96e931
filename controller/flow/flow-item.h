/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups in the form in which they are sent to switches: as
 * messages, by their key on a switch, and by transaction ID.  Not for which
 * units want them, nor for which hosts (engine/). */

#ifndef CONTROLLER_FLOW_FLOW_ITEM_H
#define CONTROLLER_FLOW_FLOW_ITEM_H 1

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/sharded-hmap.h"
#include "controller/siphash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/ofpbuf.h"

struct engine_scope;            /* Opaque here. */
struct match;
struct ofp_header;
struct ofpact;
struct ofputil_group_mod;
struct quota_set;

enum flow_item_kind { FLOW_ITEM_GROUP, FLOW_ITEM_FLOW };

/* What a flow is to a conjunction (ovs-fields(7), conj_id). */
enum flow_item_role {
    FLOW_ITEM_NO_CONJUNCTION,   /* Nothing, or a group. */
    FLOW_ITEM_CLAUSE,           /* Has conjunction actions. */
    FLOW_ITEM_VERDICT,          /* Matches conj_id. */
};

/* A flow or a group as it is sent to switches.  Immutable and
 * reference-counted: keeping a pointer beyond the call requires a reference.
 *
 * 'add' is a complete OpenFlow 1.5 OFPT_BUNDLE_ADD_MESSAGE with bundle id
 * FLOW_ITEM_BUNDLE_ID, flags OFPBF_ATOMIC|OFPBF_ORDERED, and 'xid' as xid
 * inside and out: the same bytes for every host, at any time.
 *
 * 'send' is what is sent to a switch: 'add', preceded, if the flow has a
 * limit, by messages that create its meter.  Meter mods are not allowed in
 * bundles, so these take effect at once: two OFPT_METER_MODs with the same
 * xid, ADD, which a switch that has the meter rejects with
 * OFPMMFC_METER_EXISTS, and MODIFY. */
#define FLOW_ITEM_BUNDLE_ID 1

/* The bit of a cookie that marks a counted flow: all such flows of a switch
 * can be requested at once.  The other bits identify its owner. */
#define FLOW_COOKIE_COUNTED (UINT64_C(1) << 63)

/* All bits of a cookie that identify the owner.  The cookie mask of deletions:
 * they leave flows of others alone, and Open vSwitch finds the flow by its
 * match.  With a mask of all ones it walks all flows of that cookie, for each
 * of them that is deleted (collect_rules_strict() in ofproto/ofproto.c). */
#define FLOW_COOKIE_OWNER (~FLOW_COOKIE_COUNTED)

static inline uint64_t
flow_cookie_owner(uint64_t cookie)
{
    return cookie & FLOW_COOKIE_OWNER;
}

/* IDs of the meters of flows with a limit. */
#define FLOW_LIMIT_FIRST_METER 30001
#define FLOW_LIMIT_N_METERS 32768
/* Prefix of the ID pool's keys for such meters: rate and burst follow. */
#define FLOW_LIMIT_KEY "%"PRIu32"|%"PRIu32"|"
#define FLOW_LIMIT_KBPS_KEY "%"PRIu32"k|%"PRIu32"|"

struct flow_item {
    enum flow_item_kind kind;
    uint32_t xid;               /* Unique to this item. */
    uint64_t digest;            /* Of its entire contents on a switch, with the
                                 * engine's key. */
    uint64_t cookie;            /* Identifies the unit (or clause), and whether
                                 * it, or buckets of the group, are counted.
                                 * Of a group that is not: 0. */
    uint8_t table;              /* Flow. */
    bool log;                   /* Flow: its decisions are logged. */
    uint16_t priority;          /* Flow. */
    uint32_t group_id;          /* Group. */
    uint32_t key_hash;          /* Of its key on a switch: the low half of
                                 * flow_item_flow_key(), on all machines. */
    uint32_t meter;             /* Flow: of its limit, or 0. */
    uint32_t send_size, add_size;
    const struct engine_scope *scope; /* Counted. */
    const uint8_t *send, *add;
    const char *drop_reason;    /* Static string of the app, or NULL. */

    /* The rest is for flow-item.c and the engine only. */
    unsigned n_refs;
    uint16_t app;               /* Index in the pipeline. */
    uint8_t role;               /* enum flow_item_role; anybody may read it. */
    struct flow_item_registry *registry;
    struct hmap_node xid_node;
    struct ovs_list scope_node; /* In the scope's items, while wanted. */
    struct quota_set *quotas;   /* Flow quotas that count it while it is
                                 * wanted; NULL: none.  Counted. */
    uint64_t bytes[];           /* What 'send' points to. */
};

/* Returns true for a group with buckets that are counted
 * (vmn_bucket_count_part()). */
static inline bool
flow_item_is_counted_group(const struct flow_item *item)
{
    return (item->kind == FLOW_ITEM_GROUP
            && item->cookie & FLOW_COOKIE_COUNTED);
}

/* Returns true for a flow that is counted (vmn_flow_count()), or drops. */
static inline bool
flow_item_is_counted_flow(const struct flow_item *item)
{
    return (item->kind == FLOW_ITEM_FLOW
            && item->cookie & FLOW_COOKIE_COUNTED);
}

struct flow_item *flow_item_ref(const struct flow_item *);
void flow_item_unref(struct flow_item *);

/* Returns true if both have the same key on a switch: a flow's table, priority
 * and match, or a group's ID, whatever their contents. */
bool flow_item_same_key(const struct flow_item *,
                        const struct flow_item *);
/* Returns true if both have the same contents on switches, byte for byte
 * except the xid.  Equal digests are not considered sufficient. */
bool flow_item_equal(const struct flow_item *,
                     const struct flow_item *);

/* Returns the message inside of 'add': an OFPT_FLOW_MOD or an OFPT_GROUP_MOD.
 */
const struct ofp_header *flow_item_message(const struct flow_item *);

/* Appends to 'b' the OFPT_BUNDLE_ADD_MESSAGE that withdraws the item: a
 * DELETE_STRICT with its cookie, or a group delete.  Same xid. */
void flow_item_put_delete(const struct flow_item *, struct ofpbuf *b);

/* Returns the reason given to vmn_act_drop(), or NULL if the flow drops
 * nothing. */
const char *flow_item_drop_reason(const struct flow_item *);

/* Returns true if the flow's decisions are logged (vmn_flow_log()). */
bool flow_item_has_log(const struct flow_item *);

/* Returns the part of its owner's flows that a flow belongs to for users: the
 * ID of the conjunction that it matches, or the value of
 * vmn_flow_count_part(), or 0. */
uint32_t flow_item_part(const struct flow_item *);

/* Making items.  --------------------------------------------------------- */

/* Finds items by xid.  Counted: items outlive the engine that made them. */
struct flow_item_registry {
    struct shards by_xid;
    uint32_t next_xid;
    bool xids_wrapped;          /* Some may be in use again. */
    size_t n_bytes;             /* Of all 'send' together. */
    struct siphash_key key;     /* For digests. */
    void (*scope_unref)(struct engine_scope *);
    unsigned n_refs;
};
/* Makes a registry.  'scope_unref' drops an item's reference to its scope. */
struct flow_item_registry *flow_item_registry_create(
    void (*scope_unref)(struct engine_scope *));
void flow_item_registry_unref(struct flow_item_registry *);

/* Of a flow: 'rate' packets per second, with a burst of 'burst'; with 'kbps' 1
 * kilobits.  Without padding: digests are of all of it. */
struct flow_limit {
    uint32_t meter;             /* 0: none. */
    uint32_t rate, burst;
    uint32_t kbps;              /* 0 or 1. */
};

/* Returns the flags of its meter (OpenFlow 1.5.1, section 7.3.4.4). */
uint16_t flow_limit_flags(const struct flow_limit *);

/* An item that is encoded but not created yet: most drafts turn out to equal
 * an existing item.  It must not be copied. */
struct flow_draft {
    enum flow_item_kind kind;
    enum flow_item_role role;
    uint8_t table;
    uint16_t priority;
    bool log;                   /* Set by the caller before */
    struct flow_limit limit;    /* flow_draft_actions(). */
    uint64_t cookie;
    uint32_t group_id;
    uint64_t key;               /* Strong hash of its key. */
    uint64_t digest;            /* As in struct flow_item. */
    struct ofpbuf msg;          /* Without the xid. */
    uint64_t stub[64];          /* Large enough for most messages. */
};

/* Begins a flow with this key.  'matched' is oxm_put()'s; the other function
 * takes an encoded match. */
void flow_draft_match(struct flow_draft *, uint8_t table, uint16_t priority,
                      const struct match *, uint64_t matched);
void flow_draft_encoded_match(struct flow_draft *, uint8_t table,
                              uint16_t priority, const uint8_t *match,
                              size_t match_size);
/* Completes a flow. */
void flow_draft_actions(struct flow_draft *, const struct flow_item_registry *,
                        uint64_t cookie, const struct ofpact *,
                        size_t ofpacts_len);
/* Drafts a whole group.  Sets the command of 'gm'.  'cookie' is not sent: it
 * is the item's. */
void flow_draft_group(struct flow_draft *, const struct flow_item_registry *,
                      uint64_t cookie, struct ofputil_group_mod *gm);
void flow_draft_uninit(struct flow_draft *);

/* Returns the match (of a flow) inside of a draft, encoded. */
const uint8_t *flow_draft_get_match(const struct flow_draft *, size_t *size);

/* Creates the item.  Takes ownership of a reference to 'scope'. */
struct flow_item *flow_item_create(struct flow_item_registry *,
                                   struct engine_scope *,
                                   const struct flow_draft *);

/* Returns true if the item equals what flow_item_create() would make of
 * 'draft' in the item's scope, byte for byte except the xid. */
bool flow_item_is_of_draft(const struct flow_item *,
                           const struct flow_draft *);

/* Returns the encoded match of a flow item. */
const uint8_t *flow_item_match(const struct flow_item *, size_t *size);

/* Returns a strong hash of the key of a flow or group on a switch.  A merged
 * flow's cookie is that of a flow, so it has no FLOW_COOKIE_COUNTED. */
uint64_t flow_item_flow_key(uint8_t table, uint16_t priority, const void
                            *match, size_t match_size);
uint64_t flow_item_group_key(uint32_t group_id);

/* Returns the hash of such a key, or of a 'key_hash' or a cookie, for a table
 * in this process: the others are public. */
uint32_t flow_key_hash(uint64_t key);

/* Returns the cookie of unit "APP.UNIT/KEY". */
uint64_t flow_owner_cookie(const char *name);

#endif /* controller/flow/flow-item.h */
