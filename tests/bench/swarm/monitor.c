/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow monitors (OpenFlow 1.5, section 7.3.5.18): a controller, a slave too,
 * is told of changes of flows.  Each connection has one, of a whole table or
 * of all, without what flows do, for as long as it lasts; what else may be
 * asked for is refused. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include "openflow/openflow-1.1.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofp-monitor.h"
#include "openvswitch/ofp-msgs.h"
#include "util.h"

#define FLAGS (OFPFMF_INITIAL | OFPFMF_ADD | OFPFMF_REMOVED | OFPFMF_MODIFY)

static bool
takes(const struct of_conn *conn, const struct body *body)
{
    return (conn->monitors && !body->is_group
            && (conn->monitored_table == OFPTT_ALL
                || conn->monitored_table == body_table(body)));
}

static void
append(struct ovs_list *replies, const struct body *body,
       enum ofp_flow_update_event event)
{
    const struct ofp11_flow_mod *fm = (const void *) body->bytes;
    struct ofpbuf b = ofpbuf_const_initializer(fm + 1, body->match_size);
    struct ofputil_flow_update update = {
        .event = event,
        .reason = OFPRR_DELETE,
        .table_id = fm->table_id,
        .priority = ntohs(fm->priority),
        .cookie = fm->cookie,
    };

    if (ofputil_pull_ofp11_match(&b, NULL, NULL, &update.match, NULL)) {
        match_init_catchall(&update.match); /* Which is none of vmnd's. */
    }
    ofputil_append_flow_update(&update, replies, NULL);
}

static void
send_all(struct of_conn *conn, struct ovs_list *replies)
{
    struct ofpbuf *msg;

    LIST_FOR_EACH_POP (msg, list_node, replies) {
        switch_send(conn, msg);
    }
}

static void
send_initial(struct of_conn *conn, const struct ofp_header *oh)
{
    struct ovs_list replies;
    struct body *body;
    size_t i;

    ofpmp_init(&replies, oh);
    TABLE_FOR_EACH (body, i, &conn->host->flows) {
        if (takes(conn, body)) {
            append(&replies, body, OFPFME_INITIAL);
        }
    }
    send_all(conn, &replies);
}

void
monitor_request(struct of_conn *conn, const struct ofp_header *oh)
{
    struct ofpbuf b = ofpbuf_const_initializer(oh, ntohs(oh->length));
    struct ofputil_flow_monitor_request request;
    int error = ofputil_decode_flow_monitor_request(&request, &b);

    if (!error && request.command == OFPFMC_DELETE) {
        error = OFPERR_OFPMOFC_BAD_COMMAND;
    } else if (!error && request.command == OFPFMC_ADD && conn->monitors) {
        error = OFPERR_OFPMOFC_MONITOR_EXISTS;
    } else if (!error && request.command == OFPFMC_MODIFY && !conn->monitors) {
        error = OFPERR_OFPMOFC_UNKNOWN_MONITOR;
    } else if (!error && (request.out_port != OFPP_NONE
                          || request.out_group != OFPG_ANY)) {
        error = OFPERR_OFPMOFC_BAD_OUT;
    } else if (!error && !flow_wildcards_is_catchall(&request.match.wc)) {
        error = OFPERR_OFPBMC_BAD_FIELD;
    } else if (!error && request.flags != FLAGS) {
        error = OFPERR_OFPMOFC_BAD_FLAGS;
    }
    if (error) {
        switch_send_error(conn, error == EOF ? OFPERR_OFPBRC_BAD_LEN : error,
                          oh);
        return;
    }
    conn->monitors = true;
    conn->monitored_table = request.table_id;
    send_initial(conn, oh);
}

/* Tells one controller; of its own changes only that they are made. */
static void
report(struct of_conn *conn, const struct undo *done, size_t n, bool own,
       ovs_be32 xid)
{
    struct ovs_list replies;
    bool any = false;

    ofputil_start_flow_update(&replies, OFPUTIL_P_OF15_OXM);
    for (size_t i = 0; i < n && !(own && any); i++) {
        const struct undo *u = &done[i];
        const struct body *body = u->put ? u->put : u->taken;

        if (!body || !takes(conn, body)) {
            continue;
        }
        any = true;
        if (own) {
            const struct ofputil_flow_update update = {
                .event = OFPFME_ABBREV, .xid = xid,
            };

            ofputil_append_flow_update(&update, &replies, NULL);
        } else {
            /* A flow that replaces another has been added, too. */
            append(&replies, body, u->put ? OFPFME_ADDED : OFPFME_REMOVED);
        }
    }
    if (any) {
        send_all(conn, &replies);
    } else {
        ofpbuf_list_delete(&replies);
    }
}

void
monitor_report(struct host *host, const struct undo *done, size_t n,
               const struct of_conn *by, ovs_be32 xid)
{
    struct of_conn *conn;

    LIST_FOR_EACH (conn, node, &host->of_conns) {
        if (conn->monitors) {
            report(conn, done, n, conn == by, xid);
        }
    }
}
