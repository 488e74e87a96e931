/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows and groups as text; see flow-text.h. */

#include <config.h>

#include "controller/flow/flow-text.h"

#include <string.h>

#include "controller/flow/flow-item.h"
#include "controller/flow/sample-action.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

char *
flow_text_match(const struct minimatch *minimatch)
{
    struct match match;

    minimatch_expand(minimatch, &match);
    return match_to_string(&match, NULL, OFP_DEFAULT_PRIORITY);
}

char *
flow_text_actions(const struct ofpact *ofpacts, size_t ofpacts_len)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    sample_action_format(ofpacts, ofpacts_len, &s);
    return ds_steal_cstr(&s);
}

char *
flow_text_group(uint8_t type, const struct ovs_list *buckets,
                const struct ofputil_group_props *props)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ofputil_group_mod gm = { .command = OFPGC11_ADD, .type = type };
    const char *start;
    char *text;

    ovs_list_init(&gm.buckets);
    ofputil_bucket_clone_list(&gm.buckets, buckets, NULL);
    ofputil_group_properties_copy(&gm.props, props);
    ofputil_group_mod_format__(&ds, OFP15_VERSION, &gm, NULL, NULL);
    ofputil_uninit_group_mod(&gm);
    start = strstr(ds_cstr(&ds), "type=");
    text = xstrdup(start ? start : ds_cstr(&ds));
    ds_destroy(&ds);
    return text;
}

void
flow_text_of_flow(const struct flow_item *item, char **match, char **actions)
{
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 256);
    if (!ofputil_decode_flow_mod(&fm, flow_item_message(item),
                                 OFPUTIL_P_OF15_OXM, NULL, NULL, &ofpacts,
                                 OFPP_MAX, 255)) {
        *match = flow_text_match(&fm.match);
        *actions = flow_text_actions(fm.ofpacts, fm.ofpacts_len);
        minimatch_destroy(&fm.match);
    } else {
        *match = xstrdup("?");
        *actions = xstrdup("?");
    }
    ofpbuf_uninit(&ofpacts);
}

char *
flow_text_of_group(const struct flow_item *item)
{
    struct ofputil_group_mod gm;
    char *text;

    if (ofputil_decode_group_mod(flow_item_message(item), &gm)) {
        return xstrdup("?");
    }
    text = flow_text_group(gm.type, &gm.buckets, &gm.props);
    ofputil_uninit_group_mod(&gm);
    return text;
}
