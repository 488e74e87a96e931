/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as a switch reports them, and whether they are what an
 * item of the engine asks for.  For reconcile.c and show.c. */

#ifndef CONTROLLER_FABRIC_SESSION_WIRE_H
#define CONTROLLER_FABRIC_SESSION_WIRE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/engine/engine.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"

struct ofdump_raw;
struct ofpact;

struct wire_flow {
    struct minimatch match;
    uint64_t cookie;
    uint8_t table;
    uint16_t priority;
    uint16_t idle_timeout;      /* Seconds, as the next. */
    uint16_t hard_timeout;
    uint16_t importance;
    enum ofputil_flow_mod_flags flags;
    size_t instructions_size;
    uint64_t *instructions;     /* As encoded by the switch.  Owned. */
};

struct wire_flow *wire_flow_create(const struct ofputil_flow_stats *,
                                   const void *instructions,
                                   size_t instructions_size);
void wire_flow_destroy(struct wire_flow *);
/* About how many bytes one takes, with so many bytes of instructions. */
size_t wire_flow_size(size_t instructions_size);

/* True if the flow, which has the item's key, is the item in all else. */
bool wire_flow_is(const struct wire_flow *, const struct engine_item *);
/* The same without making one. */
bool wire_stats_are(const struct ofputil_flow_stats *,
                    const void *instructions, size_t instructions_size,
                    const struct engine_item *);
/* The item that 'host' is to hold and that a flow of a dump is, byte by byte,
 * or NULL.  Most flows are one; whether the others are is for the above to
 * say, once they are decoded. */
const struct engine_item *wire_find_equal(const struct engine *,
                                          const char *host,
                                          const struct ofdump_raw *);
/* True if both lists of actions do the same. */
bool wire_same_actions(const struct ofpact *a, size_t a_len,
                       const struct ofpact *b, size_t b_len);
/* Appends the OFPT_BUNDLE_ADD_MESSAGE that deletes the flow. */
void wire_flow_put_delete(const struct wire_flow *, uint32_t xid,
                          struct ofpbuf *);

/* Appends those that delete all flows of a table, and all groups with what
 * goes through them. */
void wire_put_delete_table(uint8_t table, uint32_t xid, struct ofpbuf *);
void wire_put_delete_groups(uint32_t xid, struct ofpbuf *);

/* About how many bytes a struct wire_group of this takes. */
size_t wire_group_size(const struct ofputil_group_desc *);

struct wire_group {
    struct ofputil_group_desc desc; /* Owned. */
};

struct wire_group *wire_group_create(const struct ofputil_group_desc *);
void wire_group_destroy(struct wire_group *);
bool wire_group_is(const struct wire_group *, const struct engine_item *);
void wire_group_put_delete(const struct wire_group *, uint32_t xid,
                           struct ofpbuf *);

/* The message inside of an item's bundle message. */
const struct ofp_header *wire_inner(const struct engine_item *);

/* Decodes a flow item into 'fm', with its actions in 'ofpacts' (initialized).
 * The caller destroys fm->match.  False if it cannot be. */
bool wire_decode_flow(const struct engine_item *, struct ofputil_flow_mod *fm,
                      struct ofpbuf *ofpacts);

#endif /* controller/fabric/session/wire.h */
