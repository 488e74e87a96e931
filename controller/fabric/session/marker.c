/* SPDX-License-Identifier: Apache-2.0
 *
 * The marker flow; see marker.h. */

#include <config.h>

#include "controller/fabric/session/marker.h"

#include <string.h>

#include "byte-order.h"
#include "controller/engine/engine.h"
#include "controller/flow/pipeline.h"
#include "controller/siphash.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

BUILD_ASSERT_DECL(PIPELINE_N_TABLES <= MARKER_TABLE);

/* A version, which changes when the meaning of the digests changes, so that a
 * controller of another version reads all flows instead of trusting the
 * marker. */
#define MARKER_PURPOSE "marker 2"

void
marker_key_init(struct siphash_key *key, const struct siphash_key *engine)
{
    siphash_key_derive(key, engine, MARKER_PURPOSE);
}

uint64_t
marker_cookie(const struct siphash_key *key, const char *host,
              uint64_t digest)
{
    /* The marker itself is not included. */
    uint64_t cookie = flow_cookie_owner(siphash24(key, digest, host,
                                                  strlen(host)));

    return cookie == MARKER_NONE ? 1 : cookie;
}

static struct ofpbuf *
make_flow_mod(uint32_t xid, enum ofp_flow_mod_command command, int priority,
              uint64_t cookie)
{
    struct ofputil_flow_mod fm = {
        .priority = priority,
        .new_cookie = htonll(cookie),
        .table_id = MARKER_TABLE,
        .command = command,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct match match;
    struct ofpbuf *msg;

    match_init_catchall(&match);
    minimatch_init(&fm.match, &match);
    msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    minimatch_destroy(&fm.match);
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    return msg;
}

void
marker_append_flow_mod(struct ofpbuf *b, uint32_t xid, uint64_t cookie)
{
    struct ofpbuf *msg = make_flow_mod(xid, OFPFC_ADD, MARKER_PRIORITY,
                                       cookie);

    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
}

static void
append_to_bundle(struct ofpbuf *b, struct ofpbuf *msg)
{
    ofmsg_put_bundle_add(b, FLOW_ITEM_BUNDLE_ID, msg->data);
    ofpbuf_delete(msg);
}

void
marker_append_add(struct ofpbuf *b, uint32_t xid, uint64_t cookie)
{
    append_to_bundle(b, make_flow_mod(xid, OFPFC_ADD, MARKER_PRIORITY,
                                      cookie));
}

void
marker_append_note(struct ofpbuf *b, uint32_t xid, bool add)
{
    append_to_bundle(b, make_flow_mod(xid, add ? OFPFC_ADD
                                      : OFPFC_DELETE_STRICT,
                                      MARKER_NOTE_PRIORITY, 0));
}

static bool
is_own(const struct ofputil_flow_stats *fs, int priority)
{
    return (fs->table_id == MARKER_TABLE && fs->priority == priority
            && flow_wildcards_is_catchall(&fs->match.wc));
}

bool
marker_is_note(const struct ofputil_flow_stats *fs)
{
    return is_own(fs, MARKER_NOTE_PRIORITY);
}

bool
marker_is(const struct ofputil_flow_stats *fs)
{
    return is_own(fs, MARKER_PRIORITY);
}
