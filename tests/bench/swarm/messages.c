/* SPDX-License-Identifier: Apache-2.0
 *
 * What a switch answers to its controller; bundles are for bundle.c. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <string.h>

#include "byte-order.h"
#include "openflow/openflow-1.1.h"
#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "timeval.h"
#include "util.h"

static void
send_list(struct of_conn *conn, struct ovs_list *replies)
{
    struct ofpbuf *msg;

    LIST_FOR_EACH_POP (msg, list_node, replies) {
        switch_send(conn, msg);
    }
}

/* Which flows a request asks for. */
struct filter {
    uint8_t table;
    uint64_t cookie, cookie_mask;
    const uint8_t *match;
    size_t match_size;
};

static bool
filter_decode(struct filter *filter, const struct ofp_header *oh)
{
    struct ofpbuf b = ofpbuf_const_initializer(oh, ntohs(oh->length));
    const struct ofp11_flow_stats_request *request;
    enum ofpraw raw;

    if (ofpraw_pull(&raw, &b)) {
        return false;
    }
    request = ofpbuf_try_pull(&b, sizeof *request);
    if (!request || b.size < 8) {
        return false;
    }
    filter->table = request->table_id;
    filter->cookie = ntohll(request->cookie);
    filter->cookie_mask = ntohll(request->cookie_mask);
    filter->match = b.data;
    filter->match_size = b.size;
    return true;
}

static bool
filter_takes(const struct filter *filter, const struct body *body)
{
    return ((filter->table == OFPTT_ALL || filter->table == body_table(body))
            && !((filter->cookie ^ body_cookie(body)) & filter->cookie_mask)
            && body_matches(body, filter->match, filter->match_size));
}

static void
put_records(const struct host *host, const struct table *table,
            const struct filter *filter, struct ovs_list *replies)
{
    int64_t age_ms = time_msec() - host->swarm->start_ms;
    struct body *body;
    size_t i;

    TABLE_FOR_EACH (body, i, table) {
        if (!filter || filter_takes(filter, body)) {
            uint8_t *record = ofpmp_append(replies, body_record_size(body));
            uint64_t n = guests_packets(host->swarm, body);

            body_put_record(body, record);
            if (n && !body->is_group) {
                body_put_packets(body, record, age_ms / 1000, n);
            }
        }
    }
}

static void
dump_flows(struct of_conn *conn, const struct ofp_header *oh)
{
    struct host *host = conn->host;
    struct ovs_list replies;
    struct filter filter;

    if (!filter_decode(&filter, oh)) {
        switch_send_error(conn, OFPERR_OFPBRC_BAD_LEN, oh);
        return;
    }
    host->counters.dumps++;
    ofpmp_init(&replies, oh);
    put_records(host, &host->flows, &filter, &replies);
    send_list(conn, &replies);
}

static void
dump_groups(struct of_conn *conn, const struct ofp_header *oh)
{
    struct host *host = conn->host;
    struct ovs_list replies;

    ofpmp_init(&replies, oh);
    put_records(host, &host->groups, NULL, &replies);
    send_list(conn, &replies);
}

static void
aggregate(struct of_conn *conn, const struct ofp_header *oh)
{
    struct host *host = conn->host;
    struct ofputil_aggregate_stats stats = { .flow_count = 0 };
    struct filter filter;
    struct body *body;
    size_t i;

    if (!filter_decode(&filter, oh)) {
        switch_send_error(conn, OFPERR_OFPBRC_BAD_LEN, oh);
        return;
    }
    TABLE_FOR_EACH (body, i, &host->flows) {
        stats.flow_count += filter_takes(&filter, body);
    }
    switch_send(conn, ofputil_encode_aggregate_stats_reply(&stats, oh));
}

static void
features(struct of_conn *conn, const struct ofp_header *oh)
{
    const struct ofputil_switch_features sf = {
        .datapath_id = conn->host->datapath_id, .n_tables = 254,
    };

    switch_send(conn, ofputil_encode_switch_features(
                    &sf, OFPUTIL_P_OF15_OXM, oh->xid));
}

/* Whether it is refused if it comes from a slave (OpenFlow 1.5, section
 * 6.3.7). */
static bool
changes_something(enum ofptype type)
{
    return (type == OFPTYPE_FLOW_MOD || type == OFPTYPE_GROUP_MOD
            || type == OFPTYPE_METER_MOD || type == OFPTYPE_PORT_MOD
            || type == OFPTYPE_TABLE_MOD || type == OFPTYPE_PACKET_OUT
            || type == OFPTYPE_BUNDLE_CONTROL
            || type == OFPTYPE_BUNDLE_ADD_MESSAGE);
}

static void
answer(struct of_conn *conn, enum ofptype type, const struct ofp_header *oh)
{
    switch ((int) type) {
    case OFPTYPE_HELLO:
    case OFPTYPE_SET_CONFIG:
    case OFPTYPE_ECHO_REPLY:
    case OFPTYPE_ERROR:
        break;
    case OFPTYPE_PACKET_OUT:
        guests_receive(conn, oh);
        break;
    case OFPTYPE_FEATURES_REQUEST:
        features(conn, oh);
        break;
    case OFPTYPE_ECHO_REQUEST:
        switch_send(conn, ofputil_encode_echo_reply(oh));
        break;
    case OFPTYPE_BARRIER_REQUEST:
        switch_send(conn, ofpraw_alloc_reply(OFPRAW_OFPT11_BARRIER_REPLY, oh,
                                             0));
        break;
    case OFPTYPE_ROLE_REQUEST:
        role_request(conn, oh);
        break;
    case OFPTYPE_SET_ASYNC_CONFIG:
        role_set_async(conn, oh);
        break;
    case OFPTYPE_FLOW_STATS_REQUEST:
        dump_flows(conn, oh);
        break;
    case OFPTYPE_AGGREGATE_STATS_REQUEST:
        aggregate(conn, oh);
        break;
    case OFPTYPE_GROUP_DESC_STATS_REQUEST:
        dump_groups(conn, oh);
        break;
    case OFPTYPE_FLOW_MONITOR_STATS_REQUEST:
        monitor_request(conn, oh);
        break;
    case OFPTYPE_BUNDLE_CONTROL:
        bundle_control(conn, oh);
        break;
    case OFPTYPE_BUNDLE_ADD_MESSAGE:
        bundle_add(conn, oh);
        break;
    case OFPTYPE_FLOW_MOD:
    case OFPTYPE_GROUP_MOD:
        bundle_single(conn, oh);
        break;
    default:
        switch_send_error(conn, OFPERR_OFPBRC_BAD_TYPE, oh);
        break;
    }
}

void
switch_handle(struct of_conn *conn, const struct ofp_header *oh)
{
    enum ofptype type;
    enum ofperr error = ofptype_decode(&type, oh);

    if (error) {
        switch_send_error(conn, error, oh);
        return;
    }
    conn->is_known |= type == OFPTYPE_FLOW_STATS_REQUEST;
    if (hostile_answer(conn, type, oh)) {
        return;
    }
    if (conn->role == OFPCR12_ROLE_SECONDARY && changes_something(type)) {
        switch_send_error(conn, OFPERR_OFPBRC_IS_SECONDARY, oh);
        return;
    }
    answer(conn, type, oh);
}
