/* SPDX-License-Identifier: Apache-2.0
 *
 * Dumps flows and groups of a switch: sends the multipart requests and calls a
 * callback for each record of the replies, as they arrive.  Used by the fabric
 * to reconcile.  Not for comparing. */

#ifndef PROTO_OPENFLOW_OFDUMP_H
#define PROTO_OPENFLOW_OFDUMP_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct ofconn;
struct match;
struct ofdump;
struct ofp15_flow_desc;
struct ofputil_flow_stats;
struct ofputil_group_desc;

/* A flow as the switch encoded it, split into its parts. */
struct ofdump_raw {
    const struct ofp15_flow_desc *desc;
    const void *match;          /* struct ofp11_match_header and what follows,
                                 * padded to a multiple of eight. */
    size_t match_size;
    const void *stats;          /* struct ofp_oxs_stat and what follows. */
    uint32_t stats_size;
    const void *instructions;
    size_t instructions_size;
};

struct ofdump_callbacks {
    /* Called for a flow before it is decoded, which costs more than all else.
     * Returns true if decoding is not needed.  May be NULL. */
    bool (*raw)(void *aux, const struct ofdump_raw *);
    /* Called for a flow.  'instructions' are its instructions as the switch
     * encoded them; 'fs' has them decoded.  All are valid until the return. */
    void (*flow)(void *aux, const struct ofputil_flow_stats *fs,
                 const void *instructions, size_t instructions_size);
    void (*group)(void *aux, const struct ofputil_group_desc *);
    /* Called at the end: all was read, or, with 'error', a phrase, the dump
     * has failed: the switch has replied with an error, or its reply was
     * malformed.  May destroy the dump. */
    void (*done)(void *aux, const char *error);
};

/* Statistics of a flow. */
struct ofdump_counts {
    uint64_t packets, bytes;
    uint32_t idle_s;            /* Since the last hit, or since it was added;
                                 * UINT32_MAX if the switch does not say. */
    int64_t age_ms;             /* Since it was added; 0 if the switch does
                                 * not say. */
};
/* Decodes the statistics of a flow.  Returns false if they are malformed. */
bool ofdump_get_counts(const struct ofdump_raw *, struct ofdump_counts *);

/* Limits of the replies.  Beyond them the dump ends with OFDUMP_TOO_MUCH as
 * its error: at once, or, with 'rest', when all replies have arrived or 'rest'
 * is exceeded, too. */
struct ofdump_budget {
    size_t records;             /* Flows and groups; a message is one more. */
    size_t bytes;               /* As counted by ofdump_charge(). */
    size_t exempt;              /* Records for ofdump_exempt(). */
    size_t rest;                /* Bytes of messages that are discarded after
                                 * the above is exceeded. */
};
#define OFDUMP_TOO_MUCH                                             \
    "larger than the host's memory budget (vmnd --host-memory)"

/* Starts a dump of all flows and groups. */
struct ofdump *ofdump_create(struct ofconn *, const struct ofdump_budget *,
                             const struct ofdump_callbacks *, void *aux);
/* Starts a dump of the flows of one table, without groups; if 'match' is not
 * NULL, of those whose match is at least as specific. */
struct ofdump *ofdump_create_table(struct ofconn *,
                                   const struct ofdump_budget *,
                                   uint8_t table, const struct match *match,
                                   const struct ofdump_callbacks *,
                                   void *aux);
/* Starts a dump of the flows whose cookies have all bits of 'cookie_bits'. */
struct ofdump *ofdump_create_marked(struct ofconn *,
                                    const struct ofdump_budget *,
                                    uint64_t cookie_bits,
                                    const struct ofdump_callbacks *,
                                    void *aux);
/* May be called at any time, also from 'done'; the caller must ignore replies
 * that arrive afterwards. */
void ofdump_destroy(struct ofdump *);

/* To be called from a callback: charges the dump for 'bytes' that the caller
 * keeps of the record. */
void ofdump_charge(struct ofdump *, size_t bytes);
/* To be called from 'raw': charges the record to 'exempt' rather than
 * 'records', while that is not exceeded. */
void ofdump_exempt(struct ofdump *);
/* Returns true if the dump has ended with OFDUMP_TOO_MUCH. */
bool ofdump_is_too_much(const struct ofdump *);
/* Returns true if the switch has sent all of its replies. */
bool ofdump_is_whole(const struct ofdump *);

/* Handles a message if it belongs to the dump.  Returns true if it does. */
bool ofdump_message(struct ofdump *, enum ofptype, const struct ofp_header *);

#endif /* proto/openflow/ofdump.h */
