/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as a switch reports them, and whether they equal items of
 * the engine.  For reconcile.c and the audit. */

#ifndef CONTROLLER_FABRIC_SESSION_REPORTED_FLOWS_H
#define CONTROLLER_FABRIC_SESSION_REPORTED_FLOWS_H 1

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
/* Returns the approximate memory of a flow_record with instructions of this
 * many bytes. */
size_t flow_record_size(size_t instructions_size);

/* Records of flows that no desired item equals.  All zeros: none. */
struct flow_records {
    size_t n, allocated;
    struct flow_record **records; /* Owned. */
};
void flow_records_add(struct flow_records *, const struct ofputil_flow_stats *,
                      const void *instructions, size_t instructions_size);
/* Frees the newest one, of at least one. */
void flow_records_drop_last(struct flow_records *);
void flow_records_uninit(struct flow_records *);

/* Returns true if the flow, which has the item's key, equals the item in
 * everything else. */
bool flow_record_equals(const struct flow_record *,
                        const struct flow_item *);
/* Returns the desired item of 'host' that equals the flow, or NULL. */
const struct flow_item *flow_stats_find(const struct engine *,
                                        const char *host,
                                        const struct ofputil_flow_stats *,
                                        const void *instructions,
                                        size_t instructions_size);
/* Returns the desired item of 'host' that equals a flow of a dump byte by
 * byte, or NULL.  Most flows have one; the others are decoded and compared by
 * the functions above. */
const struct flow_item *flow_record_find(const struct engine *,
                                         const char *host,
                                         const struct ofdump_raw *);
/* Returns true if both lists of actions do the same. */
bool ofmessage_same_actions(const struct ofpact *a, size_t a_len,
                            const struct ofpact *b, size_t b_len);
/* Appends the OFPT_BUNDLE_ADD_MESSAGE that deletes the flow. */
void flow_record_append_delete(const struct flow_record *, uint32_t xid,
                               struct ofpbuf *);

/* Appends the messages that delete all flows of a table, and all groups with
 * the flows that use them. */
void ofmessage_append_delete_table(uint8_t table, uint32_t xid,
                                   struct ofpbuf *);
void ofmessage_append_delete_groups(uint32_t xid, struct ofpbuf *);

/* Returns the approximate memory of a struct group_record of this. */
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

/* Returns the message inside of an item's bundle message. */
const struct ofp_header *ofmessage_inner(const struct flow_item *);

/* Decodes a flow item into 'fm', with its actions in 'ofpacts' (initialized).
 * The caller destroys fm->match.  Returns false if it cannot be. */
bool ofmessage_decode_flow(const struct flow_item *,
                           struct ofputil_flow_mod *fm,
                           struct ofpbuf *ofpacts);

/* Returns the desired item of 'host' with the same key, or NULL. */
const struct flow_item *ofmessage_find_desired(const struct engine *,
                                                const char *host,
                                                const struct flow_item *);

#endif /* controller/fabric/session/reported-flows.h */
