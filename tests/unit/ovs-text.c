/* SPDX-License-Identifier: Apache-2.0
 *
 * See ovs-text.h. */

#include <config.h>

#include "tests/unit/ovs-text.h"

#include <stdlib.h>
#include <string.h>

#include "controller/flow/flow-item.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

/* Returns NULL if 'msg', which it frees, is 'oh' but for its transaction ID,
 * else 'text' with what 'msg' says. */
static char *
compare(const struct ofp_header *oh, struct ofpbuf *msg, const char *text)
{
    struct ofp_header *parsed;
    char *difference = NULL;

    ofpmsg_update_length(msg);
    parsed = msg->data;
    parsed->xid = oh->xid;
    if (msg->size != ntohs(oh->length) || memcmp(parsed, oh, msg->size)) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_format(&ds, "%s\n", text);
        ds_put_hex_dump(&ds, oh, ntohs(oh->length), 0, false);
        ds_put_cstr(&ds, "\ncomes back as\n");
        ds_put_hex_dump(&ds, msg->data, msg->size, 0, false);
        difference = ds_steal_cstr(&ds);
    }
    ofpbuf_delete(msg);
    return difference;
}

/* As "ovs-ofctl dump-flows --no-stats" prints it. */
static char *
flow_to_text(const struct ofp_header *oh)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ofputil_flow_stats fs;
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 256);
    ovs_assert(!ofputil_decode_flow_mod(&fm, oh, OFPUTIL_P_OF15_OXM, NULL,
                                        NULL, &ofpacts, OFPP_MAX, 255));
    fs = (struct ofputil_flow_stats) {
        .cookie = fm.new_cookie,
        .ofpacts = fm.ofpacts,
        .ofpacts_len = fm.ofpacts_len,
        .table_id = fm.table_id,
        .priority = fm.priority,
        .flags = fm.flags,
    };
    minimatch_expand(&fm.match, &fs.match);
    fs.match.flow.tunnel.metadata.tab = NULL;
    ofputil_flow_stats_format(&ds, &fs, NULL, NULL, false);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
    return ds_steal_cstr(&ds);
}

static char *
check_flow(const struct ofp_header *oh)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    char *text = flow_to_text(oh);
    char *error;

    error = parse_ofp_str(&fm, OFPFC_ADD, text, NULL, NULL, &usable);
    if (error) {
        char *what = xasprintf("%s: %s", text, error);

        free(error);
        error = what;
    } else {
        error = compare(oh, ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM),
                        text);
        free(CONST_CAST(struct ofpact *, fm.ofpacts));
        minimatch_destroy(&fm.match);
    }
    free(text);
    return error;
}

/* As "ovs-ofctl dump-groups" prints it. */
static char *
group_to_text(const struct ofp_header *oh)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ofputil_group_desc gd;
    struct ofputil_group_mod gm;
    struct ovs_list replies;
    struct ofpbuf *request, *reply;
    char *text;

    ovs_assert(!ofputil_decode_group_mod(oh, &gm));
    memset(&gd, 0, sizeof gd);
    gd.type = gm.type;
    gd.group_id = gm.group_id;
    gd.props = gm.props;
    request = ofputil_encode_group_desc_request(OFP15_VERSION, OFPG_ALL);
    ofpmp_init(&replies, request->data);
    ofputil_append_group_desc_reply(&gd, &gm.buckets, &replies);
    reply = ofpbuf_from_list(ovs_list_front(&replies));
    ofpmsg_update_length(reply);
    ovs_assert(!ofputil_group_desc_format(&ds, reply->data, NULL, NULL));
    ofpbuf_list_delete(&replies);
    ofpbuf_delete(request);
    ofputil_uninit_group_mod(&gm);
    text = ds_steal_cstr(&ds);
    /* A line begins with a newline and a blank. */
    memmove(text, text + strspn(text, "\n "),
            strlen(text + strspn(text, "\n ")) + 1);
    return text;
}

static char *
check_group(const struct ofp_header *oh)
{
    enum ofputil_protocol usable;
    struct ofputil_group_mod gm;
    char *text = group_to_text(oh);
    char *error;

    error = parse_ofp_group_mod_str(&gm, OFPGC11_ADD_OR_MOD, text, NULL, NULL,
                                    &usable);
    if (error) {
        char *what = xasprintf("%s: %s", text, error);

        free(error);
        error = what;
    } else {
        error = compare(oh, ofputil_encode_group_mod(OFP15_VERSION, &gm, NULL,
                                                     -1), text);
        ofputil_uninit_group_mod(&gm);
    }
    free(text);
    return error;
}

char *
ovs_text_check(const struct flow_item *item)
{
    const struct ofp_header *oh = flow_item_message(item);

    return (item->kind == FLOW_ITEM_FLOW ? check_flow(oh) : check_group(oh));
}
