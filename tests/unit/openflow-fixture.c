/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of proto/openflow share; see openflow-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofdump.h"
#include "tests/unit/openflow-fixture.h"
#include "util.h"

static void
connected_cb(void *f_, struct ofconn *conn,
             const struct ofconn_features *features)
{
    struct fixture *f = f_;

    f->conn = conn;
    f->features = *features;
    f->n_connected++;
    if (!f->unidentified) {
        ofconn_set_identified(conn);
    }
}

static void
message_cb(void *f_, struct ofconn *conn, enum ofptype type,
           const struct ofp_header *oh)
{
    struct fixture *f = f_;

    f->n_messages++;
    f->last_type = type;
    f->last_xid = ntohl(oh->xid);
    if (f->dump && ofdump_message(f->dump, type, oh)) {
        return;
    }
    if (f->close_in_message) {
        ofconn_close(conn);
        f->conn = NULL;
    }
}

static void
closed_cb(void *f_, struct ofconn *conn OVS_UNUSED, const char *reason)
{
    struct fixture *f = f_;

    f->conn = NULL;
    f->n_closed++;
    free(f->reason);
    f->reason = xstrdup(reason);
}

const struct ofconn_callbacks callbacks = {
    .connected = connected_cb,
    .message = message_cb,
    .closed = closed_cb,
};

void
start(struct fixture *f, const char *target,
      const struct ofconn_options *options)
{
    start_with(f, target, options, &callbacks);
}

void
start_with(struct fixture *f, const char *target,
           const struct ofconn_options *options,
           const struct ofconn_callbacks *own)
{
    char *text;
    int error;

    error = ofserver_create(f->base, target, NULL, options, own, f,
                            &f->server, &text);
    assert_int_equal(error, 0);
    assert_null(text);
}

/* Gives the server one end of a socketpair. */
void
plug(struct fixture *f)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    if (f->fd >= 0) {
        close(f->fd);
    }
    f->fd = fds[0];
    ofpbuf_clear(&f->in);
    ofserver_adopt(f->server, fds[1], "test");
}

int
openflow_setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    f->loop = loop_create();
    f->base = loop_base(f->loop);
    f->fd = -1;
    ofpbuf_init(&f->in, 0);
    *state = f;
    return 0;
}

int
openflow_teardown(void **state)
{
    struct fixture *f = *state;

    ofdump_destroy(f->dump);
    ofserver_destroy(f->server);
    loop_destroy(f->loop);
    if (f->fd >= 0) {
        close(f->fd);
    }
    ofpbuf_uninit(&f->in);
    free(f->reason);
    free(f->dump_error);
    free(f);
    return 0;
}

/* Turns the loop once, and reads what has come for the switch.  Returns false
 * at the end of its stream. */
bool
of_turn(struct fixture *f)
{
    char buf[4096];
    ssize_t n;

    loop_turn(f->loop, 2);
    while (f->fd >= 0 && (n = read(f->fd, buf, sizeof buf)) >= 0) {
        if (!n) {
            return false;
        }
        ofpbuf_put(&f->in, buf, n);
    }
    return f->fd < 0 || errno == EAGAIN;
}

/* Turns until the switch sees the end of its stream. */
void
until_eof(struct fixture *f)
{
    time_t give_up = time(NULL) + GIVE_UP_S;

    while (of_turn(f)) {
        assert_true(time(NULL) < give_up);
    }
}

/* True if a whole message has come for the switch; its size then. */
bool
whole(const struct fixture *f, size_t *size)
{
    struct ofp_header oh;

    if (f->in.size >= sizeof oh) {
        memcpy(&oh, f->in.data, sizeof oh);
        *size = ntohs(oh.length);
        return f->in.size >= *size;
    }
    return false;
}

/* The next whole message the switch has got.  The caller frees it. */
struct ofp_header *
receive(struct fixture *f)
{
    struct ofp_header *oh;
    size_t size;

    TURN_UNTIL(f, whole(f, &size));
    oh = xmemdup(f->in.data, size);
    ofpbuf_pull(&f->in, size);
    return oh;
}

/* Receives a message and checks its type; returns its xid. */
ovs_be32
expect(struct fixture *f, enum ofptype desired)
{
    struct ofp_header *oh = receive(f);
    ovs_be32 xid = oh->xid;
    enum ofptype type;

    assert_int_equal(ofptype_decode(&type, oh), 0);
    assert_int_equal(type, desired);
    free(oh);
    return xid;
}

void
send_bytes(struct fixture *f, const void *bytes, size_t size)
{
    assert_int_equal(write(f->fd, bytes, size), size);
}

void
send_msg(struct fixture *f, struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);
    send_bytes(f, msg->data, msg->size);
    ofpbuf_delete(msg);
}

struct ofpbuf *
features_reply(ovs_be32 xid, uint8_t auxiliary_id)
{
    const struct ofputil_switch_features sf = {
        .datapath_id = 0x1234,
        .n_tables = 254,
        .auxiliary_id = auxiliary_id,
        .capabilities = OFPUTIL_C_FLOW_STATS,
    };

    return ofputil_encode_switch_features(&sf, OFPUTIL_P_OF15_OXM, xid);
}

void
handshake(struct fixture *f)
{
    unsigned before = f->n_connected;
    ovs_be32 xid;

    plug(f);
    send_msg(f, ofputil_encode_hello(1u << OFP15_VERSION));
    expect(f, OFPTYPE_HELLO);
    xid = expect(f, OFPTYPE_FEATURES_REQUEST);
    send_msg(f, features_reply(xid, 0));
    expect(f, OFPTYPE_SET_ASYNC_CONFIG);
    assert_int_equal(f->n_connected, before + 1);
}
