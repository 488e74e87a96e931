/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that attack their controller.  Each sends as fast as it is read, and
 * begins again on each new connection:
 *
 *     rows    inserts rows of its database that no bridge owns
 *     values  one database message of very many small values
 *     names   a bridge with a long name and many interfaces
 *     dump    answers each request for flows with flows, and never ends
 *     parts   the same, with parts that are empty
 *     meters  the same for the request for meters
 *     echo    sends echo requests, and reads nothing
 *     flap    plugs and unplugs one interface
 *     mtu     changes the MTU of one interface
 *
 * Faults that a host may have without intent are for control.c. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openflow/openflow-1.5.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-util.h"
#include "util.h"

static const char *const kinds[] = {
    [HOSTILE_NONE] = "none",
    [HOSTILE_ROWS] = "rows",
    [HOSTILE_VALUES] = "values",
    [HOSTILE_NAMES] = "names",
    [HOSTILE_DUMP] = "dump",
    [HOSTILE_PARTS] = "parts",
    [HOSTILE_METERS] = "meters",
    [HOSTILE_ECHO] = "echo",
    [HOSTILE_FLAP] = "flap",
    [HOSTILE_MTU] = "mtu",
};

/* Bytes of one database row, and rows of one update. */
#define ROW_SIZE 16384
#define ROWS 32
/* Output actions of a flow in an endless dump. */
#define DUMP_ACTIONS 400
/* Values of a message that is full of them. */
#define VALUES 2500000
#define NAME_SIZE (1024 * 1024)
#define NAME_INTERFACES 4000
/* Between two changes of an interface, in microseconds. */
#define FLAP_US 500
/* A large MTU and a small one. */
#define MTU_HIGH 9000
#define MTU_LOW 1600

struct hostile {
    enum hostile_kind kind;
    char *iface_id;             /* Of "flap" and "mtu".  Owned. */
    struct event *timer;        /* Of these. */
    bool on;                    /* What it was turned to last. */
    uint64_t n_rows;            /* Sent, for their UUIDs. */
    struct ofpbuf part;         /* Of an endless reply; else empty. */
};

/* The database.  --------------------------------------------------------- */

static void
put_uuid(struct ds *ds, uint64_t n)
{
    ds_put_format(ds, "%08"PRIx32"-0000-4000-8000-%012"PRIx64,
                  (uint32_t) (n >> 32), n & UINT64_C(0xffffffff));
}

static void
send_rows(struct host *host, struct db_conn *conn)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "{\"Interface\":{");
    for (int i = 0; i < ROWS; i++) {
        ds_put_cstr(&ds, i ? ",\"" : "\"");
        put_uuid(&ds, host->hostile->n_rows++);
        ds_put_cstr(&ds, "\":{\"insert\":{\"name\":\"x\",\"external_ids\":"
                    "[\"map\",[[\"a\",\"");
        ds_put_char_multiple(&ds, 'x', ROW_SIZE);
        ds_put_cstr(&ds, "\"]]]}}");
    }
    ds_put_cstr(&ds, "}}");
    server_send_update(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

static void
send_values(struct db_conn *conn)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "{\"Interface\":[");
    for (int i = 0; i < VALUES; i++) {
        ds_put_cstr(&ds, i ? ",{}" : "{}");
    }
    ds_put_cstr(&ds, "]}");
    server_send_update(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

/* An update that gives the host's root a bridge whose name is long, with many
 * interfaces. */
static void
send_names(const struct host *host, struct db_conn *conn)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct row *row;

    ds_put_cstr(&ds, "{\"Open_vSwitch\":{");
    ROWS_FOR_EACH (row, &host->rows,
                   schema_find_table(host->rows.schema, "Open_vSwitch")) {
        ds_put_format(&ds, "\""UUID_FMT"\":{\"modify\":{\"bridges\":[\"set\","
                      "[[\"uuid\",\"", UUID_ARGS(&row->uuid));
        break;
    }
    put_uuid(&ds, 1);
    ds_put_cstr(&ds, "\"]]]}}},\"Bridge\":{\"");
    put_uuid(&ds, 1);
    ds_put_cstr(&ds, "\":{\"insert\":{\"name\":\"");
    ds_put_char_multiple(&ds, 'n', NAME_SIZE);
    ds_put_cstr(&ds, "\",\"ports\":[\"set\",[");
    for (int i = 0; i < NAME_INTERFACES; i++) {
        ds_put_cstr(&ds, i ? ",[\"uuid\",\"" : "[\"uuid\",\"");
        put_uuid(&ds, 2 + i);
        ds_put_cstr(&ds, "\"]");
    }
    ds_put_cstr(&ds, "]]}}},\"Port\":{");
    for (int i = 0; i < NAME_INTERFACES; i++) {
        ds_put_cstr(&ds, i ? ",\"" : "\"");
        put_uuid(&ds, 2 + i);
        ds_put_format(&ds, "\":{\"insert\":{\"name\":\"p%d\",\"interfaces\":"
                      "[\"uuid\",\"", i);
        put_uuid(&ds, 2 + NAME_INTERFACES + i);
        ds_put_cstr(&ds, "\"]}}");
    }
    ds_put_cstr(&ds, "},\"Interface\":{");
    for (int i = 0; i < NAME_INTERFACES; i++) {
        ds_put_cstr(&ds, i ? ",\"" : "\"");
        put_uuid(&ds, 2 + NAME_INTERFACES + i);
        ds_put_format(&ds, "\":{\"insert\":{\"name\":\"p%d\"}}", i);
    }
    ds_put_cstr(&ds, "}}");
    server_send_update(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
hostile_db_drained(struct host *host, struct db_conn *conn, bool *attacked)
{
    switch (host->hostile->kind) {
    case HOSTILE_ROWS:
        send_rows(host, conn);
        break;
    case HOSTILE_VALUES:
        send_values(conn);
        break;
    case HOSTILE_NAMES:
        if (!*attacked) {
            *attacked = true;
            send_names(host, conn);
        }
        break;
    case HOSTILE_NONE:
    case HOSTILE_DUMP:
    case HOSTILE_PARTS:
    case HOSTILE_METERS:
    case HOSTILE_ECHO:
    case HOSTILE_FLAP:
    case HOSTILE_MTU:
    default:
        break;
    }
}

/* The switch.  ----------------------------------------------------------- */

/* A record of a flow that nobody wants. */
static void
put_flow_record(struct host *host, struct ofpbuf *part)
{
    struct ofputil_flow_mod fm = {
        .priority = 7, .table_id = 1, .command = OFPFC_ADD,
        .buffer_id = UINT32_MAX, .out_port = OFPP_ANY, .out_group = OFPG_ANY,
    };
    struct match match = MATCH_CATCHALL_INITIALIZER;
    struct ofpbuf ofpacts;
    struct ofpbuf *msg;
    struct body *body;
    uint8_t *record;

    ofpbuf_init(&ofpacts, 0);
    for (int i = 0; i < DUMP_ACTIONS; i++) {
        ofpact_put_OUTPUT(&ofpacts)->port = OFP_PORT_C(1);
    }
    fm.ofpacts = ofpacts.data;
    fm.ofpacts_len = ofpacts.size;
    minimatch_init(&fm.match, &match);
    msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    ofpmsg_update_length(msg);
    body = body_from_message(&host->swarm->store, msg->data);
    record = xmalloc(body_record_size(body));
    body_put_record(body, record);
    while (part->size + body_record_size(body) <= UINT16_MAX) {
        ofpbuf_put(part, record, body_record_size(body));
    }
    free(record);
    body_unref(&host->swarm->store, body);
    ofpbuf_delete(msg);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}

/* A record of a meter that no flow has: struct ofp13_meter_config with one
 * band. */
static void
put_meter_records(struct ofpbuf *part)
{
    for (uint32_t id = 1; part->size + 24 <= UINT16_MAX; id++) {
        const uint8_t record[24] = {
            0, 24, 0, 5, 0, (60000 + id) >> 16, ((60000 + id) >> 8) & 0xff,
            (60000 + id) & 0xff, 0, 1, 0, 16, 0, 0, 0, 1,
        };

        ofpbuf_put(part, record, sizeof record);
    }
}

/* There are meters, which is asked before which. */
static void
answer_meter_features(struct of_conn *conn, const struct ofp_header *oh)
{
    const struct ofputil_meter_features mf = {
        .max_meters = 200000, .max_bands = 1,
        .band_types = 1u << OFPMBT13_DROP,
        .capabilities = OFPMF13_PKTPS | OFPMF13_BURST,
    };

    switch_send(conn, ofputil_encode_meter_features_reply(&mf, oh));
}

bool
hostile_answer(struct of_conn *conn, enum ofptype type,
               const struct ofp_header *oh)
{
    struct host *host = conn->host;
    struct hostile *h = host->hostile;
    bool flows = type == OFPTYPE_FLOW_STATS_REQUEST;
    struct ofp_header *header;
    struct ofpbuf *reply;

    if (type == OFPTYPE_METER_FEATURES_STATS_REQUEST
        && h->kind == HOSTILE_METERS) {
        answer_meter_features(conn, oh);
        return true;
    }
    if (!(flows && (h->kind == HOSTILE_DUMP || h->kind == HOSTILE_PARTS))
        && !(type == OFPTYPE_METER_CONFIG_STATS_REQUEST
             && h->kind == HOSTILE_METERS)) {
        return false;
    }
    reply = ofpraw_alloc_stats_reply(oh, 0);
    ofpbuf_clear(&h->part);
    ofpbuf_put(&h->part, reply->data, reply->size);
    ofpbuf_delete(reply);
    if (h->kind == HOSTILE_DUMP) {
        put_flow_record(host, &h->part);
    } else if (h->kind == HOSTILE_METERS) {
        put_meter_records(&h->part);
    }
    header = h->part.data;
    header->length = htons(h->part.size);
    /* OFPMPF_REPLY_MORE, behind the header and the type. */
    ((uint8_t *) h->part.data)[sizeof *header + 3] = 1;
    hostile_of_drained(conn);
    return true;
}

static void
send_echo(struct of_conn *conn)
{
    static const uint8_t zeros[60000];

    if (!conn->stalled) {
        switch_stall_one(conn, true);
    }
    switch_send(conn, ofputil_encode_echo_request(OFP15_VERSION));
    for (int i = 0; i < 4; i++) {
        struct ofpbuf *msg = ofpraw_alloc(OFPRAW_OFPT_ECHO_REQUEST,
                                          OFP15_VERSION, sizeof zeros);

        ofpbuf_put(msg, zeros, sizeof zeros);
        switch_send(conn, msg);
    }
}

void
hostile_of_connected(struct host *host)
{
    ofpbuf_clear(&host->hostile->part);
}

void
hostile_of_drained(struct of_conn *conn)
{
    struct hostile *h = conn->host->hostile;

    if (h->kind == HOSTILE_ECHO && conn->is_known) {
        send_echo(conn);
    }
    if (h->part.size) {
        size_t n = MAX(1, 262144 / h->part.size);

        for (size_t i = 0; i < n && conn->bev; i++) {
            bufferevent_write(conn->bev, h->part.data, h->part.size);
            conn->host->counters.bytes_out += h->part.size;
        }
    }
}

/* Interfaces.  ----------------------------------------------------------- */

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *host_)
{
    static const struct timeval tv = { 0, FLAP_US };
    struct host *host = host_;
    struct hostile *h = host->hostile;

    h->on = !h->on;
    host->counters.flaps++;
    if (h->kind == HOSTILE_MTU) {
        vswitchd_set_mtu(host, h->iface_id, h->on ? MTU_HIGH : MTU_LOW);
    } else if (h->on) {
        vswitchd_plug(host, &h->iface_id, 1);
    } else {
        vswitchd_unplug(host, &h->iface_id, 1);
    }
    event_add(h->timer, &tv);
}

/* Life.  ----------------------------------------------------------------- */

void
hostile_init(struct host *host)
{
    host->hostile = xzalloc(sizeof *host->hostile);
    host->hostile->timer = evtimer_new(host->swarm->base, timer_cb, host);
    ofpbuf_init(&host->hostile->part, 0);
}

void
hostile_uninit(struct host *host)
{
    event_free(host->hostile->timer);
    ofpbuf_uninit(&host->hostile->part);
    free(host->hostile->iface_id);
    free(host->hostile);
}

const char *
hostile_set(struct host *host, const char *kind, const char *iface_id)
{
    struct hostile *h = host->hostile;
    size_t i = 0;

    while (i < ARRAY_SIZE(kinds) && strcmp(kinds[i], kind)) {
        i++;
    }
    if (i >= ARRAY_SIZE(kinds)) {
        return "there is no such attack";
    }
    if ((i == HOSTILE_FLAP || i == HOSTILE_MTU) != (iface_id != NULL)) {
        return "an iface-id is needed for \"flap\" and \"mtu\", and no other";
    }
    h->kind = i;
    free(h->iface_id);
    h->iface_id = nullable_xstrdup(iface_id);
    ofpbuf_clear(&h->part);
    event_del(h->timer);
    if (iface_id) {
        event_active(h->timer, EV_TIMEOUT, 0);
    }
    /* Those that answer begin with the next connection. */
    switch_drop(host);
    server_drained(host);
    return NULL;
}
