/* SPDX-License-Identifier: Apache-2.0
 *
 * A switch for tests, its connection and what it does with messages; see
 * fake-switch.h. */

#include <config.h>

#include "tests/unit/fake-switch-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "openflow/openflow-1.1.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "unaligned.h"
#include "util.h"

void
fake_switch_init(struct fake_switch *fs, uint64_t datapath_id)
{
    memset(fs, 0, sizeof *fs);
    fs->datapath_id = datapath_id;
    fs->fd = -1;
    ofpbuf_init(&fs->in, 0);
    ofpbuf_init(&fs->out, 0);
    ovs_list_init(&fs->flows);
    ovs_list_init(&fs->groups);
    ovs_list_init(&fs->bundle);
    ovs_list_init(&fs->held);
    ds_init(&fs->order);
}

void
fake_drop_list(struct ovs_list *list)
{
    struct ofpbuf *b;

    LIST_FOR_EACH_POP (b, list_node, list) {
        ofpbuf_delete(b);
    }
}

void
fake_switch_uninit(struct fake_switch *fs)
{
    fake_switch_disconnect(fs);
    fake_clear_tables(&fs->flows, &fs->groups);
    ofpbuf_uninit(&fs->in);
    ofpbuf_uninit(&fs->out);
    ds_destroy(&fs->order);
    ofpbuf_delete(fs->packet_out);
}

void
fake_switch_connect(struct fake_switch *fs, const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    fake_switch_disconnect(fs);
    ovs_strlcpy(un.sun_path, path, sizeof un.sun_path);
    fs->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fs->fd, (struct sockaddr *) &un, sizeof un)) {
        ovs_fatal(errno, "%s", path);
    }
    fcntl(fs->fd, F_SETFL, O_NONBLOCK);
    fake_switch_send(fs, ofputil_encode_hello(1u << OFP15_VERSION));
}

void
fake_switch_disconnect(struct fake_switch *fs)
{
    if (fs->fd >= 0) {
        close(fs->fd);
        fs->fd = -1;
    }
    fs->open = false;
    fake_drop_list(&fs->bundle);
    fake_drop_list(&fs->held);
    ofpbuf_clear(&fs->in);
    ofpbuf_clear(&fs->out);
}

/* Sends what the socket takes of what waits. */
static void
flush(struct fake_switch *fs)
{
    while (fs->fd >= 0 && fs->out.size) {
        ssize_t n = write(fs->fd, fs->out.data, fs->out.size);

        if (n < 0) {
            break;              /* Full, or the controller is gone. */
        }
        ofpbuf_pull(&fs->out, n);
    }
}

void
fake_switch_send(struct fake_switch *fs, struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);
    ofpbuf_put(&fs->out, msg->data, msg->size);
    ofpbuf_delete(msg);
    flush(fs);
}

void
fake_send_error(struct fake_switch *fs, enum ofperr error,
                const struct ofp_header *oh)
{
    fake_switch_send(fs, ofperr_encode_reply(error, oh));
}

void
fake_send_list(struct fake_switch *fs, struct ovs_list *list)
{
    struct ofpbuf *b;

    LIST_FOR_EACH_POP (b, list_node, list) {
        fake_switch_send(fs, b);
    }
}

/* Messages.  ------------------------------------------------------------- */

static void
tell_features(struct fake_switch *fs, const struct ofp_header *oh)
{
    const struct ofputil_switch_features features = {
        .datapath_id = fs->datapath_id, .n_tables = 254,
    };

    fake_switch_send(fs, ofputil_encode_switch_features(
                         &features, OFPUTIL_P_OF15_OXM, oh->xid));
}

/* Ports 2 and 1, each in a message of its own. */
static void
tell_ports(struct fake_switch *fs, const struct ofp_header *oh)
{
    struct ofputil_port_stats ps = { .duration_sec = UINT32_MAX };
    struct ovs_list replies;
    struct ofpbuf *reply;

    if (fs->refuse_ports) {
        fake_send_error(fs, OFPERR_OFPBRC_BAD_STAT, oh);
        return;
    }
    for (int port = 2; port >= 1; port--) {
        memset(&ps.stats, 0xff, sizeof ps.stats);
        ps.port_no = (OVS_FORCE ofp_port_t) port;
        if (port == 1) {
            ps.stats.rx_bytes = fs->port_bytes;
            ps.stats.tx_bytes = fs->port_bytes / 10;
        }
        ofpmp_init(&replies, oh);
        ofputil_append_port_stat(&replies, &ps);
        reply = ofpbuf_from_list(ovs_list_pop_front(&replies));
        if (port == 2) {
            /* The flags are behind the header and a type (OpenFlow 1.5.1,
             * section 7.3.5). */
            put_unaligned_be16((ovs_be16 *) ((uint8_t *) reply->data + 10),
                               htons(OFPSF_REPLY_MORE));
        }
        fake_switch_send(fs, reply);
    }
}

/* Outside of bundles there are the flows of sampling and of packet-in meters,
 * and what takes the marker away. */
static void
flow_mod(struct fake_switch *fs, const struct ofp_header *oh)
{
    const struct ofp11_flow_mod *ofm = (const void *) (oh + 1);
    struct ofpbuf *mod;

    if (punt_is_table(ofm->table_id)) {
        fs->n_packet_in_meter_flows++;
    } else if (ofm->table_id != SAMPLE_TABLE) {
        fs->n_unmarks++;
    } else {
        fs->n_sampling_flows++;
        if (fs->refuse_meters) {
            fake_send_error(fs, OFPERR_OFPMMFC_INVALID_METER, oh);
            return;
        }
    }
    mod = ofpbuf_clone_data(oh, ntohs(oh->length));
    fake_apply_flow_mod(fs, mod);
    ofpbuf_delete(mod);
}

static void
packet_out(struct fake_switch *fs, const struct ofp_header *oh)
{
    fs->n_packet_outs++;
    ofpbuf_delete(fs->packet_out);
    fs->packet_out = ofpbuf_clone_data(oh, ntohs(oh->length));
}

static void
ct_flush(struct fake_switch *fs, const struct ofp_header *oh)
{
    bool with_zone = false;

    fs->n_flushes++;
    memset(&fs->flush, 0, sizeof fs->flush);
    if (ofp_ct_match_decode(&fs->flush, &with_zone, &fs->flush_zone, oh)
        || !with_zone) {
        ovs_fatal(0, "the controller sent a flush that is none");
    }
}

static void
answer_barrier(struct fake_switch *fs, const struct ofp_header *oh)
{
    fake_switch_send(fs, ofpraw_alloc_reply(OFPRAW_OFPT11_BARRIER_REPLY, oh,
                                            0));
}

static void
answer_echo(struct fake_switch *fs, const struct ofp_header *oh)
{
    fake_switch_send(fs, ofputil_encode_echo_reply(oh));
}

/* What it does with a message; others are passed over. */
static const struct handler {
    enum ofptype type;
    void (*handle)(struct fake_switch *, const struct ofp_header *);
} handlers[] = {
    { OFPTYPE_FEATURES_REQUEST, tell_features },
    { OFPTYPE_PORT_STATS_REQUEST, tell_ports },
    { OFPTYPE_METER_FEATURES_STATS_REQUEST, fake_tell_meter_features },
    { OFPTYPE_METER_CONFIG_STATS_REQUEST, fake_tell_meters },
    { OFPTYPE_METER_MOD, fake_meter_mod },
    { OFPTYPE_FLOW_MOD, flow_mod },
    { OFPTYPE_FLOW_STATS_REQUEST, fake_dump_flows },
    { OFPTYPE_GROUP_DESC_STATS_REQUEST, fake_dump_groups },
    { OFPTYPE_GROUP_STATS_REQUEST, fake_tell_group_stats },
    { OFPTYPE_BUNDLE_CONTROL, fake_bundle_control },
    { OFPTYPE_BUNDLE_ADD_MESSAGE, fake_bundle_add },
    { OFPTYPE_BARRIER_REQUEST, answer_barrier },
    { OFPTYPE_ECHO_REQUEST, answer_echo },
    { OFPTYPE_PACKET_OUT, packet_out },
    { OFPTYPE_CT_FLUSH, ct_flush },
    { OFPTYPE_ROLE_REQUEST, fake_tell_role },
    { OFPTYPE_FLOW_MONITOR_STATS_REQUEST, fake_monitor },
};

static bool
is_held(const struct fake_switch *fs, enum ofptype type)
{
    return fs->hold && (type == OFPTYPE_BARRIER_REQUEST
                        || type == OFPTYPE_BUNDLE_CONTROL
                        || !ovs_list_is_empty(&fs->held));
}

static void
handle(struct fake_switch *fs, const struct ofp_header *oh)
{
    enum ofptype type;

    if (ofptype_decode(&type, oh)) {
        ovs_fatal(0, "the controller sent rubbish");
    }
    if (is_held(fs, type)) {
        struct ofpbuf *copy = ofpbuf_clone_data(oh, ntohs(oh->length));

        ovs_list_push_back(&fs->held, &copy->list_node);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
        if (handlers[i].type == type) {
            handlers[i].handle(fs, oh);
        }
    }
}

bool
fake_switch_run(struct fake_switch *fs)
{
    char buf[65536];
    ssize_t n;

    if (fs->fd < 0) {
        return false;
    }
    if (fs->deaf) {
        return true;
    }
    flush(fs);
    while ((n = read(fs->fd, buf, sizeof buf)) > 0) {
        ofpbuf_put(&fs->in, buf, n);
    }
    while (fs->in.size >= sizeof(struct ofp_header)) {
        const uint8_t *bytes = fs->in.data;
        size_t length = bytes[2] << 8 | bytes[3];
        struct ofp_header *oh;

        if (fs->in.size < length) {
            break;
        }
        /* Behind one with a packet of any length it is not aligned. */
        oh = xmemdup(bytes, length);
        ofpbuf_pull(&fs->in, length);
        handle(fs, oh);
        free(oh);
    }
    if (!n || (n < 0 && errno != EAGAIN)) {
        fake_switch_disconnect(fs);
        return false;
    }
    return true;
}

void
fake_switch_release_one(struct fake_switch *fs)
{
    bool hold = fs->hold;

    fs->hold = false;
    if (!ovs_list_is_empty(&fs->held)) {
        struct ofpbuf *msg = CONTAINER_OF(ovs_list_pop_front(&fs->held),
                                          struct ofpbuf, list_node);

        handle(fs, msg->data);
        ofpbuf_delete(msg);
    }
    fs->hold = hold;
}

void
fake_switch_release(struct fake_switch *fs)
{
    struct ovs_list held;
    struct ofpbuf *msg;

    fs->hold = false;
    ovs_list_init(&held);
    ovs_list_push_back_all(&held, &fs->held);
    LIST_FOR_EACH_POP (msg, list_node, &held) {
        handle(fs, msg->data);
        ofpbuf_delete(msg);
    }
}
