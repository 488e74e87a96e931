/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: OpenFlow framing, handshake, and the replies that are decoded
 * (flow and group dumps, bundle replies, errors).  The input is what a switch
 * sends; its first byte says how it is cut into segments (7 bits), and whether
 * it is known whose switch it is. */

#include <config.h>

#include <event2/event.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "openvswitch/ofp-flow.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofdump.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct state {
    bool identified;
    struct ofconn *conn;
    struct ofdump *dump;
};

static void
flow_cb(void *aux OVS_UNUSED, const struct ofputil_flow_stats *fs,
        const void *instructions, size_t size)
{
    free(xmemdup(instructions, size));
    free(xmemdup(fs->ofpacts, fs->ofpacts_len));
}

static void
group_cb(void *aux OVS_UNUSED, const struct ofputil_group_desc *gd OVS_UNUSED)
{
}

static void
done_cb(void *aux OVS_UNUSED, const char *error OVS_UNUSED)
{
}

static const struct ofdump_callbacks dump_callbacks = {
    .flow = flow_cb, .group = group_cb, .done = done_cb,
};

static void
connected_cb(void *s_, struct ofconn *conn,
             const struct ofconn_features *features OVS_UNUSED)
{
    struct state *s = s_;

    s->conn = conn;
    if (s->identified) {
        ofconn_set_identified(conn);
    }
    s->dump = ofdump_create(conn, &(struct ofdump_budget) {
                                .records = 1000, .bytes = 100000,
                                .exempt = 100, .rest = 100000,
                            }, &dump_callbacks, s);
}

static void
message_cb(void *s_, struct ofconn *conn OVS_UNUSED, enum ofptype type,
           const struct ofp_header *oh)
{
    struct state *s = s_;
    uint32_t bundle_id;
    uint16_t kind;

    if (ofdump_message(s->dump, type, oh)) {
        return;
    }
    if (type == OFPTYPE_BUNDLE_CONTROL) {
        ofmsg_decode_bundle_reply(oh, &kind, &bundle_id);
    } else if (type == OFPTYPE_ERROR) {
        ofmsg_error_xid(oh);
        ofmsg_error_name(oh);
    }
}

static void
closed_cb(void *s_, struct ofconn *conn OVS_UNUSED,
          const char *reason OVS_UNUSED)
{
    struct state *s = s_;

    s->conn = NULL;
}

static const struct ofconn_callbacks callbacks = {
    .connected = connected_cb, .message = message_cb, .closed = closed_cb,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct event_base *base;
    struct ofserver *server;
    struct state s = { .conn = NULL };
    int fds[2];
    char *text;

    if (!size || size > 65536) {
        return 0;
    }
    if (!base) {
        if (!getenv("FUZZ_LOG")) {
            vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
        }
        signal(SIGPIPE, SIG_IGN);
        base = event_base_new();
    }
    s.identified = !(data[0] & 0x80);
    size_t step = data[0] & 0x7f ? (data[0] & 0x7f) * 16 : 1;
    if (size / step > 512) {
        step = size;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds)) {
        return 0;
    }
    ofserver_create(base, NULL, NULL, &ofconn_options_default, &callbacks, &s,
                    &server, &text);
    ofserver_adopt(server, fds[1], "fuzz");
    for (size_t ofs = 1; ofs < size; ofs += step) {
        if (write(fds[0], data + ofs, MIN(step, size - ofs)) < 0) {
            break;
        }
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    close(fds[0]);
    for (int i = 0; i < 4; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    ofserver_destroy(server);
    ofdump_destroy(s.dump);
    return 0;
}
