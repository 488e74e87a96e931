/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as a switch reports them, and whether they are what an
 * item of the engine asks for.  For reconcile.c and fabric-status.c. */

#ifndef CONTROLLER_FABRIC_SESSION_OPENFLOW_MESSAGE_H
#define CONTROLLER_FABRIC_SESSION_OPENFLOW_MESSAGE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/engine/engine.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"

struct ofdump_raw;
struct ofpact;

struct flow_record {
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

struct flow_record *flow_record_create(const struct ofputil_flow_stats *,
                                       const void *instructions,
                                       size_t instructions_size);
void flow_record_destroy(struct flow_record *);
/* About how many bytes one takes, with so many bytes of instructions. */
size_t flow_record_size(size_t instructions_size);

/* Returns true if the flow, which has the item's key, is the item in all else.
 * */
bool flow_record_equals(const struct flow_record *,
                        const struct flow_item *);
/* The same without making one. */
bool flow_stats_equal(const struct ofputil_flow_stats *,
                      const void *instructions, size_t instructions_size,
                      const struct flow_item *);
/* The item that 'host' is to hold and that a flow of a dump is, byte by byte,
 * or NULL.  Most flows are one; whether the others are is for the above to
 * say, once they are decoded. */
const struct flow_item *flow_record_find(const struct engine *,
                                         const char *host,
                                         const struct ofdump_raw *);
/* Returns true if both lists of actions do the same. */
bool ofmessage_same_actions(const struct ofpact *a, size_t a_len,
                            const struct ofpact *b, size_t b_len);
/* Appends the OFPT_BUNDLE_ADD_MESSAGE that deletes the flow. */
void flow_record_append_delete(const struct flow_record *, uint32_t xid,
                               struct ofpbuf *);

/* Appends those that delete all flows of a table, and all groups with what
 * goes through them. */
void ofmessage_append_delete_table(uint8_t table, uint32_t xid,
                                   struct ofpbuf *);
void ofmessage_append_delete_groups(uint32_t xid, struct ofpbuf *);

/* About how many bytes a struct group_record of this takes. */
size_t group_record_size(const struct ofputil_group_desc *);

struct group_record {
    struct ofputil_group_desc desc; /* Owned. */
};

struct group_record *group_record_create(const struct ofputil_group_desc *);
void group_record_destroy(struct group_record *);
bool group_record_equals(const struct group_record *,
                         const struct flow_item *);
void group_record_append_delete(const struct group_record *, uint32_t xid,
                                struct ofpbuf *);

/* The message inside of an item's bundle message. */
const struct ofp_header *ofmessage_inner(const struct flow_item *);

/* Decodes a flow item into 'fm', with its actions in 'ofpacts' (initialized).
 * The caller destroys fm->match.  Returns false if it cannot be. */
bool ofmessage_decode_flow(const struct flow_item *,
                           struct ofputil_flow_mod *fm,
                           struct ofpbuf *ofpacts);

/* The item of the same key that 'host' is to hold, or NULL. */
const struct flow_item *ofmessage_find_desired(const struct engine *,
                                                const char *host,
                                                const struct flow_item *);

#endif /* controller/fabric/session/openflow-message.h */
