/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of packets that go up to handlers: what a handler sees, where its
 * answers go, and what is done with too many of them.  The real engine and
 * fabric, an app made for the purpose, fake switches. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "controller/engine/packet-handler.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/packets/packets.h"
#include "controller/fabric/session/host-state.h"
#include "controller/flow/pipeline.h"
#include "controller/flow/punt-action.h"
#include "controller/model/id-pools.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofpacket.h"
#include "tests/unit/fake-switch.h"
#include "timeval.h"
#include "util.h"

#define N_HOSTS 2
#define PORT_RATE 10
#define HOST_RATE 25

/* The app.  Its handler does what the argument says. --------------------- */

enum what {
    ECHO,                       /* Sends the packet back. */
    TO_PORT,                    /* To the port whose name is in the packet. */
    TO_STAGE,
    TO_NEXT,
    TO_HOOK,                    /* Of the second stage, from another port. */
    NOTHING,                    /* "unwanted". */
    SILENT,                     /* Neither a packet nor a reason. */
    TWICE,
    TOO_MANY,                   /* Mistakes from here on. */
    TOO_SHORT,
    TOO_LONG,
    TO_NO_STAGE,
    TO_NO_TABLE,
    TO_LAST_NEXT,
    TO_NO_PORT,
    QUERY_CIRCLE,
    NO_NUMBER,
    N_WHATS,
    SLOW = 100,                 /* Takes 3 ms. */
};

static struct {
    unsigned n;
    struct vmn_packet_in in;    /* Pointers are of no use any more. */
    char port[64], vif[64], host[64], text[64];
    char row[64];               /* Label "punt" of port a, as read. */
    char query[64];             /* Value of toy.about at a. */
    size_t n_facts;             /* Of toy.names at "k". */
    size_t n_names;             /* Ports of network red. */
} seen;

static const char *
punt_of(struct vmn_view *view, const struct vmn_port *port)
{
    return vmn_labels_get(vmn_labels_of(view, &port->row), "punt");
}

static void
note(struct vmn_view *view, const struct vmn_packet_in *in)
{
    const struct vmn_port *port = vmn_read_port(view, "a");
    const char *query;
    size_t size;

    seen.n++;
    seen.in = *in;
    ovs_strlcpy(seen.port, in->port ? in->port->row.name : "",
                sizeof seen.port);
    ovs_strlcpy(seen.vif, in->vif ? in->vif->row.name : "", sizeof seen.vif);
    ovs_strlcpy(seen.host, in->host, sizeof seen.host);
    ovs_strlcpy(seen.text, (const char *) in->bytes,
                MIN(sizeof seen.text, in->size));
    ovs_strlcpy(seen.row, port ? punt_of(view, port) : "none",
                sizeof seen.row);
    query = vmn_query(view, "toy.about", "a", &size);
    ovs_strlcpy(seen.query, query ? query : "none", sizeof seen.query);
    seen.n_facts = vmn_relation_values(view, "toy.names", "k").n;
    seen.n_facts += vmn_relation_values(view, "toy.nobody-publishes", "k").n;
    seen.n_names = vmn_lookup(view, VMN_INDEX_PORT_BY_NETWORK, "red").n;
}

static void
handle(struct vmn_view *view, const struct vmn_packet_in *in,
       struct vmn_packets_out *out)
{
    uint32_t regs[VMN_N_REGS] = { 0 };
    int64_t end_us;
    size_t size;

    note(view, in);
    switch (in->arg) {
    case ECHO:
        vmn_send_back(out, in->bytes, in->size);
        break;
    case TO_PORT:
        vmn_send_to_port(out, (const char *) in->bytes, in->bytes, in->size);
        break;
    case TO_STAGE:
        vmn_send_to_stage(out, 1, 1, in->bytes, in->size);
        break;
    case TO_NEXT:
        vmn_send_to_next(out, 0, in->bytes, in->size);
        break;
    case TO_HOOK:
        memcpy(regs, in->regs, sizeof regs);
        regs[15] = 0x1515;
        vmn_send_to_hook(out, VMN_HOOK_SERVICE, 2, regs, in->bytes, in->size);
        break;
    case TO_NO_PORT:
        vmn_send_to_hook(out, VMN_HOOK_SERVICE, 0xff00, regs, in->bytes,
                         in->size);
        break;
    case NOTHING:
        vmn_send_nothing(out, "unwanted");
        break;
    case SILENT:
        break;
    case TWICE:
        vmn_send_back(out, in->bytes, in->size);
        vmn_send_back(out, in->bytes, in->size / 2);
        break;
    case TOO_MANY:
        for (int i = 0; i <= VMN_SENDS_MAX; i++) {
            vmn_send_back(out, in->bytes, in->size);
        }
        break;
    case TOO_SHORT:
        vmn_send_back(out, in->bytes, VMN_FRAME_MIN - 1);
        break;
    case TOO_LONG:
        vmn_send_back(out, vmn_alloc(view, VMN_FRAME_MAX + 1),
                      VMN_FRAME_MAX + 1);
        break;
    case TO_NO_STAGE:
        vmn_send_to_stage(out, 2, 0, in->bytes, in->size);
        break;
    case TO_NO_TABLE:
        vmn_send_to_stage(out, 1, 2, in->bytes, in->size);
        break;
    case TO_LAST_NEXT:
        vmn_send_to_next(out, 1, in->bytes, in->size);
        break;
    case QUERY_CIRCLE:
        vmn_query(view, "toy.circle", "x", &size);
        vmn_send_back(out, in->bytes, in->size);
        break;
    case NO_NUMBER:
        vmn_id_of(view, "toy.number", "nobody's");
        vmn_send_back(out, in->bytes, in->size);
        break;
    case SLOW:
        end_us = time_usec() + 3000;
        while (time_usec() < end_us) {
            continue;
        }
        vmn_send_back(out, in->bytes, in->size);
        break;
    }
}

static void
eval_about(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_port *port = vmn_read_port(view, key);

    if (port) {
        const char *punt = punt_of(view, port);

        vmn_value_set(value, punt, strlen(punt) + 1);
    }
}

static void
eval_circle(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    size_t size;

    vmn_query(view, "toy.circle", key, &size);
    vmn_value_set(value, "x", 1);
}

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), 0, 0, 100);
    const struct vmn_port *port = vmn_read_port(view, key);

    vmn_match(flow, VMN_F_REG0, key[0]);
    vmn_act_punt(vmn_flow_actions(flow), atoi(punt_of(view, port)), 77,
                 128);
    vmn_publish(emit, "toy.names", "k", key);
}

static const struct vmn_app_class toy_app = {
    VMN_APP_HEAD, .name = "toy",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "one", .hook = VMN_HOOK_ADMIT, .n_tables = 1 },
        { .name = "two", .hook = VMN_HOOK_DELIVER, .n_tables = 2 },
        { .name = NULL },
    },
    .queries = (const struct vmn_query_class[]) {
        { .name = "about", .eval = eval_about },
        { .name = "circle", .eval = eval_circle },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "toy.number", 100 }, { NULL, 0 },
    },
    .handlers = (const struct vmn_handler_class[]) {
        { .name = "do", .handle = handle },
        { .name = "told", .handle = handle, .to_controller = true },
        { .name = NULL },
    },
};

/* The fixture.  Ports a and b of network red are on host h0 as OpenFlow ports
 * 1 and 2, port c on h1 as 1. --------------------------------------------- */

static struct fake_switch switches[N_HOSTS];
static char dir[] = "/tmp/test-packets-XXXXXX";
static char *path;

static struct fabric_host *
host(int i)
{
    char name[16];

    snprintf(name, sizeof name, "h%d", i);
    return fabric_find_host(fabric, name);
}

static void
turn(void)
{
    fixture_turn();
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_run(&switches[i]);
    }
}

#define TURN_UNTIL(CONDITION) FIXTURE_TURN_UNTIL(turn, CONDITION)

static void
edit(enum vmn_table table, const char *name, json_t *spec)
{
    fixture_edit(table, name, spec, turn);
}

static void
edit_port(const char *name, const char *punt)
{
    edit(VMN_TABLE_PORT, name, json_pack("{s:s, s:{s:s}}", "network", "red",
                                         "labels", "punt", punt));
}

static void
plug(const char *name, const char *on, int ofport)
{
    char *vif = xasprintf("%s/%s", on, name);

    edit(VMN_TABLE_VIF, vif,
         json_pack("{s:s, s:s, s:s, s:i, s:b}", "host", on, "iface_id", name,
                   "iface", name, "ofport", ofport, "link_up", 1));
    edit(VMN_TABLE_BINDING, name, json_pack("{s:s}", "host", on));
    free(vif);
}

static bool
is_synced(int i)
{
    const char *reason;

    return !strcmp(host_state_name(host(i)->sw, &reason), "synced");
}

static int
setup_with(struct fabric_options *options)
{
    memset(&seen, 0, sizeof seen);
    strcpy(dir, "/tmp/test-packets-XXXXXX");
    assert_non_null(mkdtemp(dir));
    path = xasprintf("unix:%s/openflow", dir);
    options->openflow_listen = path;
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_init(&switches[i], 0x100 + i);
    }
    fixture_start_with(options, &toy_app, NULL);
    edit(VMN_TABLE_NETWORK, "red", toy_network());
    for (int i = 0; i < N_HOSTS; i++) {
        char name[16];

        snprintf(name, sizeof name, "h%d", i);
        edit(VMN_TABLE_HOST, name, toy_host(i + 1));
        fabric_host_set_datapath(host(i), switches[i].datapath_id);
        fabric_host_set_reported(host(i));
        fake_switch_connect(&switches[i], path + strlen("unix:"));
        TURN_UNTIL(is_synced(i));
    }
    edit_port("a", "0");
    edit_port("b", "0");
    edit_port("c", "0");
    plug("a", "h0", 1);
    plug("b", "h0", 2);
    plug("c", "h1", 1);
    return 0;
}

static int
setup(void **state OVS_UNUSED)
{
    struct fabric_options options = { .max_bundles = 0 };

    return setup_with(&options);
}

static int
setup_limited(void **state OVS_UNUSED)
{
    struct fabric_options options = {
        .packet_port_rate = PORT_RATE, .packet_host_rate = HOST_RATE,
    };

    return setup_with(&options);
}

static int
teardown(void **state OVS_UNUSED)
{
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_uninit(&switches[i]);
    }
    fixture_stop();
    rmdir(dir);
    free(path);
    return 0;
}

/* Sends packet 'text' of 'size' bytes up from port 'in_port' of host 'i', to
 * 'handler'. */
static void
send_up_of(const char *handler, int i, uint32_t in_port, uint32_t identity,
           enum what what, const char *text, size_t size)
{
    uint8_t userdata[PUNT_USERDATA_SIZE];
    struct ofputil_packet_in_private pin = {
        .base = {
            .packet = xzalloc(size),
            .packet_len = size,
            .flow_metadata = MATCH_CATCHALL_INITIALIZER,
            .reason = OFPR_ACTION,
            .userdata = userdata,
            .userdata_len = sizeof userdata,
        },
    };

    ovs_strlcpy(pin.base.packet, text, size);
    punt_put_userdata(userdata, "toy", handler, what);
    match_set_in_port(&pin.base.flow_metadata, u16_to_ofp(in_port));
    match_set_reg(&pin.base.flow_metadata, 0, 0x77);
    match_set_reg(&pin.base.flow_metadata, 1, identity);
    match_set_reg(&pin.base.flow_metadata, 9, 0x99);
    fake_switch_send(&switches[i], ofputil_encode_packet_in_private(
                         &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_NXT2));
    free(pin.base.packet);
}

static void
send_up_to(const char *handler, int i, uint32_t in_port, enum what what,
           const char *text, size_t size)
{
    send_up_of(handler, i, in_port, 0, what, text, size);
}

/* As of a source with that identity. */
static void
send_up_as(int i, uint32_t in_port, uint32_t identity, enum what what,
           const char *text, size_t size)
{
    send_up_of("do", i, in_port, identity, what, text, size);
}

static void
send_up(int i, uint32_t in_port, enum what what, const char *text,
        size_t size)
{
    send_up_to("do", i, in_port, what, text, size);
}

struct find_drop {
    const char *who, *reason;
    uint64_t n;
};

static void
find_drop_cb(void *find_, const char *who, const char *reason, uint64_t n)
{
    struct find_drop *find = find_;

    if ((!find->who || !strcmp(find->who, who))
        && (!find->reason || !strcmp(find->reason, reason))) {
        find->n += n;
    }
}

/* How many were dropped for 'reason'; NULL for any. */
static unsigned
dropped(const char *who, const char *reason)
{
    struct find_drop find = { who, reason, 0 };

    fabric_packet_drops(fabric, find_drop_cb, &find);
    return find.n;
}

/* The last packet-out of host 'i'. */
static void
get_packet_out(int i, struct ofputil_packet_out *po, struct ofpbuf *ofpacts)
{
    ofpbuf_init(ofpacts, 64);
    assert_non_null(switches[i].packet_out);
    assert_int_equal(ofputil_decode_packet_out(
                         po, switches[i].packet_out->data, NULL, ofpacts), 0);
}

static void
assert_output(int i, uint32_t ofport, const char *text)
{
    struct ofputil_packet_out po;
    struct ofpbuf ofpacts;

    get_packet_out(i, &po, &ofpacts);
    assert_int_equal(po.ofpacts->type, OFPACT_OUTPUT);
    assert_int_equal(ofp_to_u16(ofpact_get_OUTPUT(po.ofpacts)->port),
                     ofport);
    assert_string_equal(po.packet, text);
    ofpbuf_uninit(&ofpacts);
}

static void
assert_resubmit(int i, uint8_t table, uint32_t in_port)
{
    struct ofputil_packet_out po;
    struct ofpbuf ofpacts;

    get_packet_out(i, &po, &ofpacts);
    assert_int_equal(po.ofpacts->type, OFPACT_RESUBMIT);
    assert_int_equal(ofpact_get_RESUBMIT(po.ofpacts)->table_id, table);
    assert_int_equal(ofp_to_u16(po.flow_metadata.flow.in_port.ofp_port),
                     in_port);
    assert_int_equal(po.flow_metadata.flow.regs[0], 0x77);
    assert_int_equal(po.flow_metadata.flow.regs[9], 0x99);
    ofpbuf_uninit(&ofpacts);
}

/* What a handler sees.  --------------------------------------------------- */

static void
handler_is_told_who_sent_the_packet(void **state)
{
    send_up(0, 1, ECHO, "hello from port a", 60);
    TURN_UNTIL(switches[0].n_packet_outs == 1);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.host, "h0");
    assert_string_equal(seen.port, "a");
    assert_string_equal(seen.vif, "h0/a");
    assert_string_equal(seen.text, "hello from port a");
    assert_int_equal(seen.in.in_port, 1);
    assert_int_equal(seen.in.size, 60);
    assert_int_equal(seen.in.full_size, 60);
    assert_int_equal(vmn_packet_reg(&seen.in, VMN_F_REG0), 0x77);
    assert_int_equal(vmn_packet_reg(&seen.in, VMN_F_REG9), 0x99);
    assert_int_equal(vmn_packet_reg(&seen.in, VMN_F_REG1), 0);
    assert_output(0, 1, "hello from port a");

    send_up(1, 1, ECHO, "hello from port c", 60);
    TURN_UNTIL(switches[1].n_packet_outs == 1);
    assert_string_equal(seen.host, "h1");
    assert_string_equal(seen.port, "c");
}

static void
handler_reads_rows_facts_queries_and_look_ups(void **state)
{
    struct engine_stats before, after;

    engine_get_stats(toy.engine, &before);
    send_up(0, 1, ECHO, "", 60);
    TURN_UNTIL(seen.n == 1);
    assert_string_equal(seen.row, "0");
    assert_string_equal(seen.query, "0");
    assert_int_equal(seen.n_facts, 3);
    assert_int_equal(seen.n_names, 3);

    /* Nothing is left of it: nobody reads the port but its own unit. */
    engine_get_stats(toy.engine, &after);
    assert_int_equal(after.n_queries, before.n_queries);
    assert_int_equal(after.n_units_computed, before.n_units_computed);
    edit_port("a", "00");
    engine_get_stats(toy.engine, &after);
    assert_int_equal(after.n_units_computed, before.n_units_computed + 1);
    assert_int_equal(after.n_queries_computed, before.n_queries_computed);
    assert_int_equal(id_pools_peek(model_id_pools(toy.model), "toy.number",
                                  "nobody's"), 0);
}

/* A change that is not durable yet is not seen. */
static void
handler_reads_durable_rows(void **state)
{
    const struct engine_handler *handler = engine_get_handler(toy.engine, 0);
    struct vmn_packet_in in = { .host = "h0", .arg = ECHO,
                                .bytes = (const uint8_t *) "12345678901234",
                                .size = 14, .full_size = 14 };
    struct vmn_packets_out out;

    engine_packets_out_init(&out);
    toy_edit(&toy, VMN_TABLE_PORT, "a",
             json_pack("{s:s, s:{s:s}}", "network", "red", "labels", "punt",
                       "0-not-durable"));
    assert_null(engine_handle_packet(toy.engine, handler, &in, &out));
    assert_string_equal(seen.row, "0");
    assert_string_equal(seen.query, "0");
    engine_delta_destroy(engine_run(toy.engine));
    assert_null(engine_handle_packet(toy.engine, handler, &in, &out));
    assert_string_equal(seen.row, "0");
    model_settle(toy.model);
    assert_null(engine_handle_packet(toy.engine, handler, &in, &out));
    assert_string_equal(seen.row, "0-not-durable");
    assert_string_equal(seen.query, "0-not-durable");
    engine_packets_out_uninit(&out);
}

static void
port_follows_what_the_rows_say(void **state)
{
    unsigned n = 0;

#define SEE(IN_PORT, VIF, PORT)                         \
    send_up(0, IN_PORT, ECHO, "", 60);                  \
    n++;                                                \
    TURN_UNTIL(seen.n == n);                            \
    assert_string_equal(seen.vif, VIF);                 \
    assert_string_equal(seen.port, PORT)

    SEE(1, "h0/a", "a");
    SEE(7, "", "");
    plug("a", "h0", 7);         /* It is plugged anew. */
    SEE(1, "", "");
    SEE(7, "h0/a", "a");
    plug("b", "h0", 1);         /* Another takes its number. */
    SEE(1, "h0/b", "b");
    edit(VMN_TABLE_BINDING, "a", json_pack("{s:s}", "host", "h1"));
    SEE(7, "h0/a", "");         /* It is bound elsewhere. */
    edit(VMN_TABLE_VIF, "h0/a", NULL);
    SEE(7, "", "");
    edit(VMN_TABLE_BINDING, "b", NULL);
    edit(VMN_TABLE_PORT, "b", NULL);
    SEE(1, "h0/b", "");
#undef SEE
}

/* Where answers go.  ------------------------------------------------------ */

static void
answer_goes_to_a_port_of_the_same_host(void **state)
{
    send_up(0, 1, TO_PORT, "b", 60);
    TURN_UNTIL(switches[0].n_packet_outs == 1);
    assert_output(0, 2, "b");
    send_up(0, 1, TO_PORT, "c", 60);
    send_up(0, 1, TO_PORT, "nobody", 60);
    TURN_UNTIL(dropped("vmn", "answer's port is not here") == 2);
    assert_int_equal(switches[0].n_packet_outs, 1);
}

static void
answer_goes_on_through_the_pipeline(void **state)
{
    const struct pipeline_stage *stages
        = apphost_pipeline(toy.apphost)->apps[0].stages;
    struct ofputil_packet_out po;
    struct ofpbuf ofpacts;

    send_up(0, 1, TO_STAGE, "on", 60);
    TURN_UNTIL(switches[0].n_packet_outs == 1);
    assert_resubmit(0, stages[1].first_table + 1, 1);
    send_up(0, 1, TO_NEXT, "on", 60);
    TURN_UNTIL(switches[0].n_packet_outs == 2);
    assert_resubmit(0, stages[1].first_table, 1);

    /* As if it had come in otherwise, at the first hook that has a stage. */
    send_up(0, 1, TO_HOOK, "on", 60);
    TURN_UNTIL(switches[0].n_packet_outs == 3);
    assert_resubmit(0, stages[1].first_table, 2);
    get_packet_out(0, &po, &ofpacts);
    assert_int_equal(po.flow_metadata.flow.regs[15], 0x1515);
    ofpbuf_uninit(&ofpacts);
}

static void
one_packet_may_have_several_answers_or_none(void **state)
{
    send_up(0, 1, TWICE, "two", 60);
    TURN_UNTIL(switches[0].n_packet_outs == 2);
    send_up(0, 1, NOTHING, "none", 60);
    send_up(0, 1, NOTHING, "none", 60);
    send_up(0, 1, SILENT, "none", 60);
    TURN_UNTIL(seen.n == 4);
    turn();
    assert_int_equal(dropped("toy.do", "unwanted"), 2);
    assert_int_equal(dropped("toy.do", "unanswered"), 1);
    assert_int_equal(switches[0].n_packet_outs, 2);
}

static void
answer_to_what_is_no_vif_is_dropped(void **state)
{
    send_up(0, 40000, ECHO, "out of a tunnel", 60);
    TURN_UNTIL(dropped("vmn", "not from a VIF") == 1);
    assert_int_equal(switches[0].n_packet_outs, 0);
}

/* The controller's own.  -------------------------------------------------- */

struct told {
    unsigned n;
    char host[16], text[64];
    uint32_t in_port;
};

static void
told_cb(void *told_, const char *on, uint32_t in_port, const uint8_t *frame,
        size_t size)
{
    struct told *told = told_;

    told->n++;
    told->in_port = in_port;
    ovs_strlcpy(told->host, on, sizeof told->host);
    ovs_strlcpy(told->text, (const char *) frame, MIN(size, 64));
}

static void
packets_for_the_controller_go_to_the_sink(void **state)
{
    struct told told = { .n = 0 };

    send_up_to("told", 0, 1, ECHO, "nobody asked", 60);
    TURN_UNTIL(dropped("toy.told", "nobody is there for it") == 1);
    fabric_set_sink(fabric, told_cb, &told);
    send_up_to("told", 1, 7, ECHO, "an answer", 60);
    TURN_UNTIL(told.n == 1);
    assert_string_equal(told.host, "h1");
    assert_string_equal(told.text, "an answer");
    assert_int_equal(told.in_port, 7);
    /* Its handler is not called; those of others are. */
    assert_int_equal(seen.n, 0);
    send_up(0, 1, ECHO, "another's", 60);
    TURN_UNTIL(switches[0].n_packet_outs == 1);
    assert_int_equal(told.n, 1);
    fabric_set_sink(fabric, NULL, NULL);
}

static void
told_packets_are_limited_as_others(void **state)
{
    struct told told = { .n = 0 };

    fabric_set_sink(fabric, told_cb, &told);
    for (int i = 0; i < PORT_RATE + 5; i++) {
        send_up_to("told", 0, 1, ECHO, "flood", 60);
    }
    TURN_UNTIL(told.n + dropped("vmn", "port's rate") == PORT_RATE + 5);
    assert_in_range(told.n, PORT_RATE, PORT_RATE + 2);
    fabric_set_sink(fabric, NULL, NULL);
}

static void
frames_are_sent_to_hosts_that_are_there(void **state)
{
    static const uint8_t frame[64] = "a frame of the controller's";

    assert_true(fabric_host_is_connected(fabric, "h0"));
    assert_true(fabric_send_frame(fabric, "h0", 9, frame, sizeof frame));
    TURN_UNTIL(switches[0].n_packet_outs == 1);
    assert_output(0, 9, (const char *) frame);
    assert_false(fabric_send_frame(fabric, "h0", 9, frame, 13));
    assert_false(fabric_send_frame(fabric, "h9", 9, frame, sizeof frame));
    assert_false(fabric_host_is_connected(fabric, "h9"));
    fake_switch_disconnect(&switches[0]);
    TURN_UNTIL(!fabric_host_is_connected(fabric, "h0"));
    assert_false(fabric_send_frame(fabric, "h0", 9, frame, sizeof frame));
}

/* Faults.  ---------------------------------------------------------------- */

static void
mistakes_of_a_handler_send_nothing(void **state)
{
    for (enum what what = TOO_MANY; what < N_WHATS; what++) {
        send_up(0, 1, what, "mistake", 60);
        TURN_UNTIL(dropped("vmn", "handler failed") == what - TOO_MANY + 1);
    }
    assert_int_equal(switches[0].n_packet_outs, 0);
    send_up(0, 1, ECHO, "and then", 60);
    TURN_UNTIL(switches[0].n_packet_outs == 1);
}

static void
punt_to_no_handler_fails_the_unit(void **state)
{
    const struct engine_problems *problems;

    edit_port("a", "2");
    problems = engine_problems(toy.engine);
    assert_int_equal(problems->n, 1);
    assert_non_null(strstr(problems->problems[0].detail, "no handler 2"));
}

static void
packets_of_nobody_are_counted(void **state)
{
    struct ofputil_packet_in_private pin = {
        .base = {
            .packet = CONST_CAST(char *, "12345678901234"),
            .packet_len = 14,
            .flow_metadata = MATCH_CATCHALL_INITIALIZER,
            .reason = OFPR_ACTION,
        },
    };
    uint8_t userdata[PUNT_USERDATA_SIZE];

    fake_switch_send(&switches[0], ofputil_encode_packet_in_private(
                         &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_NXT2));
    punt_put_userdata(userdata, "toy", "former", 0);
    pin.base.userdata = userdata;
    pin.base.userdata_len = sizeof userdata;
    fake_switch_send(&switches[0], ofputil_encode_packet_in_private(
                         &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_NXT2));
    TURN_UNTIL(dropped("vmn", "no such handler") == 2);

    /* In the standard's form, which nobody asked for. */
    fake_switch_send(&switches[0], ofputil_encode_packet_in_private(
                         &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_STD));
    TURN_UNTIL(dropped("vmn", "malformed message") == 1);
    assert_int_equal(seen.n, 0);
    assert_true(is_synced(0));
}

/* A refused packet is not taken for a refused flow of the bundle that is under
 * way. */
static void
refused_packet_fails_no_bundle(void **state)
{
    uint64_t n_errors = fabric->stats.n_errors;
    uint64_t n_reconciles = fabric->stats.n_reconciles;
    struct ofpacket_out out;
    struct ofpbuf b;

    switches[0].hold = true;
    edit_port("d", "0");
    TURN_UNTIL(host(0)->sw->bundles.n_sent);
    ofpbuf_init(&b, 0);
    ofpacket_make_output(&out, 1);
    ofpacket_put(&b, &out, "12345678901234", 14);
    fake_switch_send(&switches[0], ofperr_encode_reply(OFPERR_OFPBRC_BAD_PORT,
                                                       b.data));
    ofpbuf_uninit(&b);
    TURN_UNTIL(dropped("vmn", "switch refused it") == 1);
    assert_true(host(0)->sw->bundles.n_sent > 0);
    fake_switch_release(&switches[0]);
    TURN_UNTIL(switch_acked(host(0)->sw) >= fabric->last_revision);
    assert_true(is_synced(0));
    assert_int_equal(fabric->stats.n_errors, n_errors);
    assert_int_equal(fabric->stats.n_reconciles, n_reconciles);
}

/* Limits.  ---------------------------------------------------------------- */

/* What a limit may let through since 'start_ms', a bucket of a second. */
static unsigned
allowed(unsigned rate, int64_t start_ms)
{
    return rate + rate * (time_msec() - start_ms + 1) / 1000 + 1;
}

static void
port_over_its_rate_takes_nothing_from_others(void **state)
{
    int64_t start_ms = time_msec();

    for (int i = 0; i < 100; i++) {
        send_up(0, 1, ECHO, "flood", 60);
    }
    TURN_UNTIL(seen.n + dropped("vmn", "port's rate") == 100);
    assert_true(seen.n >= PORT_RATE);
    assert_true(seen.n <= allowed(PORT_RATE, start_ms));
    send_up(0, 2, ECHO, "another port", 60);
    send_up(1, 1, ECHO, "another host", 60);
    TURN_UNTIL(switches[1].n_packet_outs == 1);
    TURN_UNTIL(switches[0].n_packet_outs == seen.n - 1);
    assert_output(0, 2, "another port");
}

/* What comes by a tunnel is of whom its identity says. */
static void
identity_over_its_rate_takes_nothing_from_others(void **state)
{
    int64_t start_ms = time_msec();
    unsigned n;

    for (int i = 0; i < 100; i++) {
        send_up_as(0, VMN_TUNNEL_OFPORT, 7, NOTHING, "flood", 60);
    }
    TURN_UNTIL(seen.n + dropped("vmn", "port's rate") == 100);
    assert_true(seen.n <= allowed(PORT_RATE, start_ms));
    n = seen.n;
    send_up_as(0, VMN_TUNNEL_OFPORT, 8, NOTHING, "another", 60);
    TURN_UNTIL(seen.n == n + 1);
    assert_string_equal(seen.text, "another");

    /* Of one that is at a port it does not matter. */
    for (int i = 0; i < 100; i++) {
        send_up_as(1, 1, i, NOTHING, "flood", 60);
    }
    TURN_UNTIL(seen.n + dropped("vmn", "port's rate") == 201);
    assert_true(seen.n <= n + 1 + allowed(PORT_RATE, start_ms));
}

/* Meters.  --------------------------------------------------------------- */

static json_t *
meters_of(int i)
{
    json_t *status = fixture_host_status(host(i)->name);
    json_t *meters = json_incref(json_object_get(status,
                                                 "packet_in_meters"));

    json_decref(status);
    return meters;
}

static void
connect_with_meters(int i)
{
    fake_switch_disconnect(&switches[i]);
    TURN_UNTIL(!host(i)->sw->conn);
    switches[i].meters = true;
    fake_switch_connect(&switches[i], path + strlen("unix:"));
    TURN_UNTIL(is_synced(i));
}

static void
meters_of_senders_are_put_there_once(void **state)
{
    json_t *meters;

    connect_with_meters(0);
    TURN_UNTIL(punts_are_on(host(0)->sw));
    assert_int_equal(switches[0].n_punts, PUNTS_FLOWS);
    assert_int_equal(switches[0].n_limits, PUNTS_METERS);
    for (unsigned i = 0; i < PUNTS_METERS; i++) {
        assert_int_equal(switches[0].limits[i].rate, PORT_RATE);
        assert_int_equal(switches[0].limits[i].burst, PORT_RATE);
    }
    meters = meters_of(0);
    assert_true(json_is_true(json_object_get(meters, "installed")));
    json_decref(meters);

    /* The next connection finds all there, the flows too; but a meter that is
     * another is made right. */
    connect_with_meters(0);
    edit_port("a", "0");
    send_up(0, 1, ECHO, "later", 60);
    TURN_UNTIL(switches[0].n_packet_outs);
    TURN_UNTIL(punts_are_on(host(0)->sw));
    assert_int_equal(switches[0].n_punts, PUNTS_FLOWS);
    switches[0].limits[3].rate++;
    connect_with_meters(0);
    TURN_UNTIL(switches[0].limits[3].rate == PORT_RATE);
    TURN_UNTIL(punts_are_on(host(0)->sw));
    assert_int_equal(switches[0].n_punts, PUNTS_FLOWS);
    assert_int_equal(switches[0].n_limits, PUNTS_METERS);
}

/* The flow with 'cookie' in a table of punts. */
static struct fake_flow *
find_punt(int i, uint8_t table, uint64_t cookie)
{
    struct fake_flow *flow;

    LIST_FOR_EACH (flow, node, &switches[i].flows) {
        if (flow->table == table && flow->cookie == cookie) {
            return flow;
        }
    }
    return NULL;
}

static void
flows_to_meters_are_put_back_by_a_connect(void **state)
{
    struct fake_flow *flow;

    connect_with_meters(0);
    TURN_UNTIL(punts_are_on(host(0)->sw));
    flow = find_punt(0, PUNT_TABLE, 1);
    assert_non_null(flow);
    ovs_list_remove(&flow->node);
    connect_with_meters(0);
    TURN_UNTIL(find_punt(0, PUNT_TABLE, 1));
    TURN_UNTIL(punts_are_on(host(0)->sw));
    ofpbuf_delete(flow->mod);
    free(flow);
}

static void
switch_without_meters_sends_packets_up(void **state)
{
    static const char *const reasons[] = { "lacks meters",
                                           "OFPMMFC_OUT_OF_METERS" };
    for (int i = 0; i < N_HOSTS; i++) {
        json_t *meters;

        if (i) {
            switches[i].refuse_meters = true;
            connect_with_meters(i);
        }
        TURN_UNTIL(punts_of(host(i)->sw)->state == PUNTS_OFF);
        meters = meters_of(i);
        assert_true(json_is_false(json_object_get(meters, "installed")));
        assert_non_null(strstr(json_string_value(json_object_get(
            meters, "reason")), reasons[i]));
        json_decref(meters);
        send_up(i, 1, ECHO, "all the same", 60);
        TURN_UNTIL(switches[i].n_packet_outs == 1);
    }
}

static void
host_has_a_rate_as_well(void **state)
{
    int64_t start_ms = time_msec();

    for (int port = 1; port <= 5; port++) {
        for (int i = 0; i < PORT_RATE; i++) {
            send_up(0, port, ECHO, "flood", 60);
        }
    }
    TURN_UNTIL(seen.n + dropped("vmn", "host's rate") == 5 * PORT_RATE);
    assert_true(seen.n >= HOST_RATE);
    assert_true(seen.n <= allowed(HOST_RATE, start_ms));
}

/* A switch may make up ports. */
static void
ports_that_are_remembered_are_bounded(void **state)
{
    for (uint32_t port = 1; port < 5000; port++) {
        send_up(0, port, NOTHING, "", 60);
        if (port % 200 == 0) {
            turn();
        }
    }
    TURN_UNTIL(seen.n + dropped("vmn", "too many ports")
               + dropped("vmn", "host's rate") == 4999);
}

/* Handlers that take 3 ms each hold no turn for longer than the budget and
 * one of them, what is more than can wait is dropped, and everything else goes
 * on. */
static void
slow_handlers_leave_the_loop_to_others(void **state)
{
    uint64_t before = revision;

    /* They come in several turns, as much as can be read in one. */
    for (int i = 0; i < 1000; i++) {
        send_up(0, 1, SLOW, "slow", 60);
    }
    TURN_UNTIL(seen.n);
    for (unsigned last = seen.n, i = 0; i < 20; i++) {
        turn();
        assert_true(seen.n <= last + 1);
        last = seen.n;
    }
    send_up(1, 1, ECHO, "quick", 60);
    TURN_UNTIL(switches[1].n_packet_outs == 1);
    edit_port("b", "0000");
    assert_true(revision > before);
    TURN_UNTIL(dropped("vmn", "too many wait") > 0);
    assert_true(seen.n < 500);

    /* Nothing is done for a switch that is gone. */
    fake_switch_disconnect(&switches[0]);
    TURN_UNTIL(!host(0)->sw->conn);
    assert_true(dropped("vmn", "switch is gone") > 0);
    for (unsigned last = seen.n, i = 0; i < 5; i++) {
        turn();
        assert_int_equal(seen.n, last);
    }
}

static void
switch_that_does_not_read_gets_no_more_packets(void **state)
{
    unsigned n = 0;

    switches[0].deaf = true;
    while (!dropped("vmn", "switch does not read")) {
        send_up(0, 1, ECHO, "unread", 8000);
        n++;
        turn();
        assert_true(n < 10000);
    }
    /* That alone is no reason to cut it off. */
    assert_non_null(host(0)->sw->conn);
    switches[0].deaf = false;
    TURN_UNTIL(switches[0].n_packet_outs
               + dropped("vmn", "switch does not read") == n);
    send_up(0, 1, ECHO, "read again", 60);
    TURN_UNTIL(switches[0].packet_out->size < 1000);
    assert_output(0, 1, "read again");
}

static void
what_there_is_is_shown(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int i = 0; i < 100; i++) {
        send_up(0, 1, ECHO, "flood", 60);
    }
    send_up(0, 40000, NOTHING, "", 60);
    TURN_UNTIL(seen.n + dropped("vmn", "port's rate") == 101);
    packets_show(fabric, NULL, &ds);
    assert_non_null(strstr(ds_cstr(&ds), "limit of a port: 10/s\n"));
    assert_non_null(strstr(ds_cstr(&ds), "packets in: 101, out: "));
    assert_non_null(strstr(ds_cstr(&ds), "dropped by vmn, port's rate: "));
    assert_non_null(strstr(ds_cstr(&ds), "dropped by toy.do, unwanted: 1\n"));
    assert_non_null(strstr(ds_cstr(&ds), "\nhost h0: "));
    assert_non_null(strstr(ds_cstr(&ds), "\n  port 1 (a): "));
    assert_non_null(strstr(ds_cstr(&ds),
                           "\n  port 40000 (tunnel, identity 0): "));
    ds_clear(&ds);
    packets_show(fabric, "h1", &ds);
    assert_null(strstr(ds_cstr(&ds), "host h0"));
    ds_destroy(&ds);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) cmocka_unit_test_setup_teardown(NAME, SETUP, teardown)
        T(handler_is_told_who_sent_the_packet, setup),
        T(handler_reads_rows_facts_queries_and_look_ups, setup),
        T(handler_reads_durable_rows, setup),
        T(port_follows_what_the_rows_say, setup),
        T(answer_goes_to_a_port_of_the_same_host, setup),
        T(answer_goes_on_through_the_pipeline, setup),
        T(one_packet_may_have_several_answers_or_none, setup),
        T(answer_to_what_is_no_vif_is_dropped, setup),
        T(packets_for_the_controller_go_to_the_sink, setup),
        T(told_packets_are_limited_as_others, setup_limited),
        T(frames_are_sent_to_hosts_that_are_there, setup),
        T(mistakes_of_a_handler_send_nothing, setup),
        T(punt_to_no_handler_fails_the_unit, setup),
        T(packets_of_nobody_are_counted, setup),
        T(refused_packet_fails_no_bundle, setup),
        T(port_over_its_rate_takes_nothing_from_others, setup_limited),
        T(identity_over_its_rate_takes_nothing_from_others, setup_limited),
        T(meters_of_senders_are_put_there_once, setup_limited),
        T(flows_to_meters_are_put_back_by_a_connect, setup_limited),
        T(switch_without_meters_sends_packets_up, setup_limited),
        T(host_has_a_rate_as_well, setup_limited),
        T(ports_that_are_remembered_are_bounded, setup_limited),
        T(slow_handlers_leave_the_loop_to_others, setup),
        T(switch_that_does_not_read_gets_no_more_packets, setup),
        T(what_there_is_is_shown, setup_limited),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
