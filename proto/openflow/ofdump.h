/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads all flows and groups of a switch: sends the requests and hands over
 * the replies record by record, as they come.  Used by the fabric to
 * reconcile.  Not for comparing. */

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

/* A flow as the switch encoded it, cut into its parts. */
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
    /* One flow, before it is decoded, which costs more than all else.  Returns
     * true if that will not be needed.  May be NULL. */
    bool (*raw)(void *aux, const struct ofdump_raw *);
    /* One flow.  'instructions' are its instructions as the switch encoded
     * them; 'fs' has them decoded.  All live until the return. */
    void (*flow)(void *aux, const struct ofputil_flow_stats *fs,
                 const void *instructions, size_t instructions_size);
    void (*group)(void *aux, const struct ofputil_group_desc *);
    /* The end: all is read, or, with 'error', a sentence part, it failed: the
     * switch refused, or its reply made no sense.  May destroy the dump. */
    void (*done)(void *aux, const char *error);
};

/* What a flow was hit by. */
struct ofdump_counts {
    uint64_t packets, bytes;
    uint32_t idle_s;            /* Since the last hit, or since it was added;
                                 * UINT32_MAX if the switch does not say. */
    int64_t age_ms;             /* Since it was added; 0 if the switch does
                                 * not say. */
};
/* False if the flow's statistics make no sense; the flow then does not
 * either. */
bool ofdump_get_counts(const struct ofdump_raw *, struct ofdump_counts *);

/* What a switch may answer.  Beyond it the dump ends with OFDUMP_TOO_MUCH as
 * its error: at once, or, with 'rest', when all has come or 'rest' is used up
 * too. */
struct ofdump_budget {
    size_t records;             /* Flows and groups; a message is one more. */
    size_t bytes;               /* As counted by ofdump_charge(). */
    size_t exempt;              /* Records for ofdump_exempt(). */
    size_t rest;                /* Bytes of messages that are dropped unread
                                 * after the above is used up. */
};
#define OFDUMP_TOO_MUCH                                             \
    "too much for what is wanted of the host (vmnd --host-memory)"

/* Sends the requests. */
struct ofdump *ofdump_create(struct ofconn *, const struct ofdump_budget *,
                             const struct ofdump_callbacks *, void *aux);
/* The same for the flows of one table alone, without groups; and of those, if
 * 'match' is not NULL, the ones that match all of it and perhaps more. */
struct ofdump *ofdump_create_table(struct ofconn *,
                                   const struct ofdump_budget *,
                                   uint8_t table, const struct match *match,
                                   const struct ofdump_callbacks *,
                                   void *aux);
/* The same for the flows whose cookies have all bits of 'cookie_bits'. */
struct ofdump *ofdump_create_marked(struct ofconn *,
                                    const struct ofdump_budget *,
                                    uint64_t cookie_bits,
                                    const struct ofdump_callbacks *,
                                    void *aux);
/* At any time, also from 'done'; replies still under way are then the
 * caller's to ignore. */
void ofdump_destroy(struct ofdump *);

/* From a callback: what it was given makes the caller keep so many bytes. */
void ofdump_charge(struct ofdump *, size_t bytes);
/* From 'raw': the record is taken off 'exempt' rather than 'records', as long
 * as that has some. */
void ofdump_exempt(struct ofdump *);
/* True if the dump has ended with OFDUMP_TOO_MUCH. */
bool ofdump_is_too_much(const struct ofdump *);
/* True if the switch has sent all of its answer. */
bool ofdump_is_whole(const struct ofdump *);

/* Takes a message if it belongs to the dump (and returns true). */
bool ofdump_message(struct ofdump *, enum ofptype, const struct ofp_header *);

#endif /* proto/openflow/ofdump.h */
