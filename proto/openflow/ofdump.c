/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads all flows and groups of a switch.  Multipart replies are decoded part
 * by part, so that memory does not grow with the switch's tables.  A reply
 * that does not end is cut off by the dump's budget.
 *
 * Each record is cut out by its own length before it is decoded, so that a
 * record which lies about its insides cannot shift those behind it. */

#include <config.h>

#include "proto/openflow/ofdump.h"

#include "openflow/openflow-1.5.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "ox-stat.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

/* What a message beyond the budget costs at least, in bytes. */
#define SKIP_MIN 256

struct ofdump {
    const struct ofdump_callbacks *callbacks;
    void *aux;
    uint32_t flow_xid;
    uint32_t group_xid;
    struct ofdump_budget left;
    bool too_much;
    bool whole;                 /* All has come. */
    bool flows_done;
    bool groups_done;
    struct ofpbuf ofpacts;      /* Scratch. */
};

static struct ofdump *
create(struct ofconn *conn, const struct ofdump_budget *budget, uint8_t table,
       uint64_t cookie_bits, const struct match *match, bool groups,
       const struct ofdump_callbacks *callbacks, void *aux)
{
    struct ofdump *dump = xzalloc(sizeof *dump);
    struct ofpbuf b;

    dump->left = *budget;
    dump->callbacks = callbacks;
    dump->aux = aux;
    dump->flow_xid = ofconn_next_xid(conn);
    dump->group_xid = ofconn_next_xid(conn);
    dump->groups_done = !groups;
    ofpbuf_init(&dump->ofpacts, 1024);

    ofpbuf_init(&b, 128);
    if (groups) {
        ofmsg_put_group_request(&b, dump->group_xid);
    }
    ofmsg_put_flow_request(&b, table, cookie_bits, match, dump->flow_xid);
    ofconn_send(conn, b.data, b.size);
    ofpbuf_uninit(&b);
    return dump;
}

struct ofdump *
ofdump_create(struct ofconn *conn, const struct ofdump_budget *budget,
              const struct ofdump_callbacks *callbacks, void *aux)
{
    return create(conn, budget, OFMSG_ALL_TABLES, 0, NULL, true, callbacks,
                  aux);
}

struct ofdump *
ofdump_create_table(struct ofconn *conn, const struct ofdump_budget *budget,
                    uint8_t table, const struct match *match,
                    const struct ofdump_callbacks *callbacks, void *aux)
{
    return create(conn, budget, table, 0, match, false, callbacks, aux);
}

struct ofdump *
ofdump_create_marked(struct ofconn *conn, const struct ofdump_budget *budget,
                     uint64_t cookie_bits,
                     const struct ofdump_callbacks *callbacks, void *aux)
{
    return create(conn, budget, OFMSG_ALL_TABLES, cookie_bits, NULL, false,
                  callbacks, aux);
}

bool
ofdump_get_counts(const struct ofdump_raw *raw, struct ofdump_counts *counts)
{
    struct ofpbuf b = ofpbuf_const_initializer(raw->stats, raw->stats_size);
    struct oxs_stats stats;
    uint16_t size;

    if (oxs_pull_stat(&b, &stats, &size, NULL)) {
        return false;
    }
    counts->packets = stats.packet_count == UINT64_MAX ? 0
                      : stats.packet_count;
    counts->bytes = stats.byte_count == UINT64_MAX ? 0 : stats.byte_count;
    counts->idle_s = stats.idle_age;
    counts->age_ms = stats.duration_sec == UINT32_MAX ? 0
                     : stats.duration_sec * INT64_C(1000);
    return true;
}

/* Takes one record off the budget.  Returns false if none is left. */
static bool
take_record(struct ofdump *dump)
{
    if (!dump->left.records) {
        dump->too_much = true;
        return false;
    }
    dump->left.records--;
    return true;
}

void
ofdump_charge(struct ofdump *dump, size_t bytes)
{
    if (bytes > dump->left.bytes) {
        dump->too_much = true;
    } else {
        dump->left.bytes -= bytes;
    }
}

void
ofdump_exempt(struct ofdump *dump)
{
    if (dump->left.exempt) {
        dump->left.exempt--;
        dump->left.records++;
    }
}

bool
ofdump_is_too_much(const struct ofdump *dump)
{
    return dump->too_much;
}

bool
ofdump_is_whole(const struct ofdump *dump)
{
    return dump->whole;
}

void
ofdump_destroy(struct ofdump *dump)
{
    if (dump) {
        ofpbuf_uninit(&dump->ofpacts);
        free(dump);
    }
}

/* Cuts up 'record', a struct ofp15_flow_desc with what follows it.  Returns
 * false if the lengths in it do not add up. */
static bool
cut_flow(const void *record, size_t size, struct ofdump_raw *raw)
{
    const uint8_t *p = record;
    size_t ofs = sizeof *raw->desc;
    /* Both have a 16-bit type, or two reserved bytes, then a length. */
    const ovs_be16 *omh, *oxs;

    if (size < ofs + 8) {
        return false;
    }
    omh = (const void *) (p + ofs);
    raw->desc = record;
    raw->match = omh;
    raw->match_size = ROUND_UP(ntohs(omh[1]), 8);
    ofs += raw->match_size;
    if (!raw->match_size || size < ofs + 8) {
        return false;
    }
    oxs = (const void *) (p + ofs);
    raw->stats = oxs;
    raw->stats_size = ROUND_UP(ntohs(oxs[1]), 8);
    ofs += raw->stats_size;
    raw->instructions = p + ofs;
    raw->instructions_size = size - ofs;
    return size >= ofs;
}

/* Decodes one flow of 'size' bytes.  Returns a sentence part or NULL. */
static const char *
take_flow(struct ofdump *dump, struct ofpbuf *msg, size_t size)
{
    struct ofpbuf record = ofpbuf_const_initializer(msg->data,
                                                    (uint32_t) size);
    struct ofputil_flow_stats fs;
    struct ofdump_raw raw;
    bool cut = cut_flow(msg->data, size, &raw);

    if (cut && dump->callbacks->raw
        && dump->callbacks->raw(dump->aux, &raw)) {
        return NULL;
    }
    record.header = msg->header;
    if (ofputil_decode_flow_stats_reply(&fs, &record, false,
                                        &dump->ofpacts)
        || record.size || !cut) {
        return "a flow in its reply is malformed";
    }
    dump->callbacks->flow(dump->aux, &fs, raw.instructions,
                          raw.instructions_size);
    return NULL;
}

static const char *
take_group(struct ofdump *dump, struct ofpbuf *msg, size_t size)
{
    struct ofpbuf record = ofpbuf_const_initializer(msg->data,
                                                    (uint32_t) size);
    struct ofputil_group_desc gd;

    record.header = msg->header;
    if (ofputil_decode_group_desc_reply(&gd, &record, OFP15_VERSION)) {
        return "a group in its reply is malformed";
    }
    if (record.size) {
        ofputil_uninit_group_desc(&gd);
        return "a group in its reply is malformed";
    }
    dump->callbacks->group(dump->aux, &gd);
    ofputil_uninit_group_desc(&gd);
    return NULL;
}

/* Goes through the records of one part.  Both kinds begin with a 16-bit
 * length of the whole record. */
static const char *
take_part(struct ofdump *dump, bool flows, const struct ofp_header *oh)
{
    struct ofpbuf msg = ofpbuf_const_initializer(oh, ntohs(oh->length));
    enum ofpraw raw;

    if (ofpraw_pull(&raw, &msg)
        || raw != (flows ? OFPRAW_OFPST15_FLOW_REPLY
                   : OFPRAW_OFPST11_GROUP_DESC_REPLY)) {
        return "its reply is malformed";
    }
    if (!take_record(dump)) {
        return OFDUMP_TOO_MUCH; /* Parts may be empty, and have no end. */
    }
    while (msg.size) {
        const ovs_be16 *length = msg.data;
        const char *error;
        size_t size;

        if (msg.size < sizeof *length
            || (size = ntohs(*length)) < 2 * sizeof(ovs_be64)
            || size > msg.size || size % 8) {
            return "a record in its reply has a wrong length";
        }
        if (!take_record(dump)) {
            return OFDUMP_TOO_MUCH;
        }
        error = (flows ? take_flow : take_group)(dump, &msg, size);
        if (error || dump->too_much) {
            return error ? error : OFDUMP_TOO_MUCH;
        }
        ofpbuf_pull(&msg, size);
    }
    return NULL;
}

/* Takes a part off what may come beyond the budget.  Returns false if that is
 * used up. */
static bool
skip_part(struct ofdump *dump, const struct ofp_header *oh)
{
    size_t size = MAX(ntohs(oh->length), SKIP_MIN);

    if (size > dump->left.rest) {
        return false;
    }
    dump->left.rest -= size;
    return true;
}

static void
finish(struct ofdump *dump, const char *error)
{
    dump->flows_done = dump->groups_done = true;
    dump->callbacks->done(dump->aux, error);
}

bool
ofdump_message(struct ofdump *dump, enum ofptype type,
               const struct ofp_header *oh)
{
    uint32_t xid = ntohl(oh->xid);
    bool flows = xid == dump->flow_xid;
    const char *error;

    if ((!flows || dump->flows_done)
        && (xid != dump->group_xid || dump->groups_done)) {
        return false;
    }
    if (type == OFPTYPE_ERROR) {
        finish(dump, ofmsg_error_name(oh));
        return true;
    }
    if (type != (flows ? OFPTYPE_FLOW_STATS_REPLY
                 : OFPTYPE_GROUP_DESC_STATS_REPLY)) {
        return false;
    }
    error = dump->too_much ? OFDUMP_TOO_MUCH : take_part(dump, flows, oh);
    if (error && (!dump->too_much || !skip_part(dump, oh))) {
        finish(dump, error);
        return true;
    }
    if (!(ofpmp_flags(oh) & OFPSF_REPLY_MORE)) {
        *(flows ? &dump->flows_done : &dump->groups_done) = true;
        if (dump->flows_done && dump->groups_done) {
            dump->whole = true;
            dump->callbacks->done(dump->aux,
                                  dump->too_much ? OFDUMP_TOO_MUCH : NULL);
        }
    }
    return true;
}
