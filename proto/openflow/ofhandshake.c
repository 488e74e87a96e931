/* SPDX-License-Identifier: Apache-2.0
 *
 * The handshake of an OpenFlow 1.5 connection: versions, features, the role
 * of this controller if there are others, and which asynchronous messages are
 * wanted.  Not for TLS's (ofstream.c), nor for what comes before
 * and after (ofconn.c). */

#include <config.h>

#include <inttypes.h>

#include "byte-order.h"
#include "openflow/openflow-1.2.h"
#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn-private.h"
#include "proto/openflow/ofstream.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ofhandshake);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 60);

/* The peer speaks no OpenFlow 1.5: says so, and closes once that is out. */
static void
refuse_version(struct ofconn *conn, const struct ofp_header *oh,
               uint32_t theirs)
{
    char *text = xasprintf("OpenFlow 1.5 (0x06) is needed; versions offered: "
                           "bitmap 0x%"PRIx32, theirs);

    ofconn_send_buf(conn, ofperr_encode_hello(OFPERR_OFPHFC_INCOMPATIBLE,
                                       MIN(oh->version, OFP15_VERSION),
                                       text));
    VLOG_WARN_RL(&rl, "%s: rejected: %s", conn->peer, text);
    if (conn->server->callbacks->rejected) {
        conn->server->callbacks->rejected(conn->server->aux, conn->peer, text);
    }
    free(text);
    conn->server->stats.n_failed++;
    conn->state = OFCONN_LINGER;
    ofstream_stop_input(conn->stream);
}

void
ofconn_handle_hello(struct ofconn *conn, const struct ofp_header *oh)
{
    uint32_t theirs;

    if (oh->type != OFCONN_TYPE_HELLO
        || ntohs(oh->length) > OFCONN_HELLO_MAX) {
        ofconn_fail(conn, "the first message is no OpenFlow hello");
        return;
    }
    if (oh->version < OFP10_VERSION) {
        ofconn_fail(conn, "hello of an unknown OpenFlow version");
        return;
    }
    /* False means that some element was not understood, which is not an
     * error (OpenFlow 1.5, section 7.5.1). */
    ofputil_decode_hello(oh, &theirs);
    if (!(theirs & (1u << OFP15_VERSION))) {
        refuse_version(conn, oh, theirs);
        return;
    }
    conn->state = OFCONN_FEATURES;
    ofconn_send_buf(conn, ofpraw_alloc_xid(OFPRAW_OFPT_FEATURES_REQUEST,
                                    OFP15_VERSION,
                                    htonl(ofconn_next_xid(conn)), 0));
}

/* Open vSwitch sends a service controller (ovs-vswitchd.conf.db(5),
 * Controller, type) no packets, unless it wants some of those that no flow
 * matches.  None of these is sent with OpenFlow 1.5, however long they may
 * be. */
#define MISS_SEND_LEN 128

/* Of asynchronous messages a switch is to send only packets that flows send up
 * by an action, and these only if they are wanted; and, if there are other
 * controllers, that another one is the master. */
static void
set_async(struct ofconn *conn)
{
    static const struct ofputil_switch_config config = {
        .frag = OFPUTIL_FRAG_NORMAL,
        .invalid_ttl_to_controller = -1,
        .miss_send_len = MISS_SEND_LEN,
    };
    struct ofputil_async_cfg cfg = OFPUTIL_ASYNC_CFG_INIT;
    struct ofpbuf *msg;

    if (conn->server->options.packet_ins && conn->role != OFCONN_SLAVE) {
        msg = ofputil_encode_set_config(&config, OFP15_VERSION);
        ((struct ofp_header *) msg->data)->xid = htonl(OFCONN_XID_PACKETS);
        ofconn_send_buf(conn, msg);
        cfg.primary[OAM_PACKET_IN] = 1u << OFPR_ACTION;
        cfg.secondary[OAM_PACKET_IN] = 1u << OFPR_ACTION;
        msg = ofputil_encode_set_packet_in_format(OFP15_VERSION,
                                                  OFPUTIL_PACKET_IN_NXT2);
        ((struct ofp_header *) msg->data)->xid = htonl(OFCONN_XID_PACKETS);
        ofconn_send_buf(conn, msg);
    }
    if (conn->role == OFCONN_MASTER) {
        uint32_t reasons = (1u << OFPCRR_PRIMARY_REQUEST
                            | 1u << OFPCRR_CONFIG
                            | 1u << OFPCRR_EXPERIMENTER);

        cfg.primary[OAM_ROLE_STATUS] = reasons;
        cfg.secondary[OAM_ROLE_STATUS] = reasons;
    }
    ofconn_send_buf(conn, ofputil_encode_set_async_config(
                 &cfg, (1u << OAM_N_TYPES) - 1, OFP15_VERSION));
}

/* Time for the reply of a switch that is connected: it comes after all that it
 * was sent before. */
#define ROLE_MS (60 * 1000)

static void
request_role(struct ofconn *conn)
{
    static const uint32_t roles[] = {
        [OFCONN_SLAVE] = OFPCR12_ROLE_SECONDARY,
        [OFCONN_MASTER] = OFPCR12_ROLE_PRIMARY,
    };
    struct ofp12_role_request *request;
    struct ofpbuf *msg;

    conn->role_xid = ofconn_next_xid(conn);
    msg = ofpraw_alloc_xid(OFPRAW_OFPT12_ROLE_REQUEST, OFP15_VERSION,
                           htonl(conn->role_xid), 0);
    request = ofpbuf_put_zeros(msg, sizeof *request);
    request->role = htonl(roles[conn->role]);
    request->generation_id = htonll(conn->generation);
    ofconn_send_buf(conn, msg);
    conn->state = OFCONN_ROLE;
}

enum ofconn_role
ofconn_role(const struct ofconn *conn)
{
    return conn->role;
}

uint64_t
ofconn_generation(const struct ofconn *conn)
{
    return conn->generation;
}

void
ofconn_set_role(struct ofconn *conn, enum ofconn_role role,
                uint64_t generation)
{
    if (conn->dead || (conn->state != OFCONN_UP
                       && conn->state != OFCONN_ROLE)) {
        return;                 /* It is about to be freed. */
    }
    conn->aux = NULL;
    conn->role = role;
    conn->generation = generation;
    request_role(conn);
    ofconn_set_timer(conn, ROLE_MS);
}

static void
finish(struct ofconn *conn)
{
    set_async(conn);
    conn->state = OFCONN_UP;
    ofconn_set_timer(conn, conn->server->options.probe_ms);
    VLOG_INFO_RL(&rl, "%s: switch %016"PRIx64" connected", conn->peer,
                 conn->features.datapath_id);
    conn->server->callbacks->connected(conn->server->aux, conn,
                                       &conn->features);
}

void
ofconn_handle_role(struct ofconn *conn, enum ofptype type,
                   const struct ofp_header *oh)
{
    if (ntohl(oh->xid) != conn->role_xid) {
        return;                 /* Of what was asked before. */
    }
    if (type == OFPTYPE_ERROR) {
        struct ofpbuf payload;
        enum ofperr error = ofperr_decode_msg(oh, &payload);

        ofconn_fail(conn, (error == OFPERR_OFPRRFC_STALE
                           ? "the switch has a controller of a later "
                             "generation" : "the switch refused a role"));
        if (error) {
            ofpbuf_uninit(&payload);
        }
    } else if (type == OFPTYPE_ROLE_REPLY) {
        finish(conn);
    }
}

void
ofconn_handle_role_status(struct ofconn *conn, const struct ofp_header *oh)
{
    struct ofputil_role_status status;

    if (conn->role == OFCONN_MASTER
        && !ofputil_decode_role_status(oh, &status)
        && status.role == OFPCR12_ROLE_SECONDARY) {
        if (conn->server->callbacks->demoted) {
            conn->role = OFCONN_SLAVE;
            conn->server->callbacks->demoted(conn->server->aux, conn,
                                             status.generation_id);
        } else {
            ofconn_fail(conn, "another controller has become the switch's "
                        "master");
        }
    }
}

void
ofconn_handle_features(struct ofconn *conn, enum ofptype type,
                const struct ofp_header *oh)
{
    struct ofputil_switch_features sf;
    struct ofpbuf b;

    if (type == OFPTYPE_ERROR) {
        ofconn_fail(conn, "the switch refused the features request");
        return;
    } else if (type != OFPTYPE_FEATURES_REPLY) {
        return;                 /* Port status and the like. */
    }
    b = ofpbuf_const_initializer(oh, ntohs(oh->length));
    if (ofputil_pull_switch_features(&b, &sf)) {
        ofconn_fail(conn, "malformed features reply");
        return;
    }
    if (sf.auxiliary_id) {
        ofconn_fail(conn, "auxiliary connections are not supported");
        return;
    }
    conn->features = (struct ofconn_features) {
        .datapath_id = sf.datapath_id,
        .n_tables = sf.n_tables,
        .capabilities = sf.capabilities,
    };
    if (!conn->server->options.shared) {
        finish(conn);
    } else if (!conn->server->options.generation) {
        ofconn_fail(conn, "the generation of the switch's master is not known "
                    "yet");
    } else {
        conn->role = OFCONN_SLAVE;
        conn->generation = conn->server->options.generation;
        request_role(conn);
    }
}
