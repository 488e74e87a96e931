/* SPDX-License-Identifier: Apache-2.0
 *
 * What a fake switch does for a controller that observes it: it agrees to any
 * role, and tells of its marker when the test says so. */

#include <config.h>

#include "tests/unit/fake-switch-private.h"

#include "byte-order.h"
#include "controller/fabric/session/marker.h"
#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-monitor.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

void
fake_tell_role(struct fake_switch *fs, const struct ofp_header *oh)
{
    struct ofputil_role_request request;

    if (ofputil_decode_role_message(oh, &request)) {
        ovs_fatal(0, "the controller asks for a role that is none");
    }
    fs->role = request.role;
    fs->generation_id = request.generation_id;
    fake_switch_send(fs, ofputil_encode_role_reply(oh, &request));
}

void
fake_monitor(struct fake_switch *fs, const struct ofp_header *oh)
{
    if (fs->refuse_monitor) {
        fake_send_error(fs, OFPERR_OFPBRC_BAD_STAT, oh);
    } else {
        fs->monitored = true;
    }
}

void
fake_switch_tell_marker(struct fake_switch *fs, uint64_t cookie)
{
    const struct ofputil_flow_update update = {
        .event = cookie ? OFPFME_MODIFIED : OFPFME_REMOVED,
        .table_id = MARKER_TABLE,
        .priority = MARKER_PRIORITY,
        .cookie = htonll(cookie),
        .match = MATCH_CATCHALL_INITIALIZER,
    };
    struct ovs_list replies;

    ovs_list_init(&replies);
    ofputil_start_flow_update(&replies, OFPUTIL_P_OF15_OXM);
    ofputil_append_flow_update(&update, &replies, NULL);
    fake_send_list(fs, &replies);
}
