/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets that apps handle: what handlers are told, and what becomes of their
 * answers and their mistakes. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <netinet/in.h>
#include <signal.h>

#include "controller/engine/packet-handler.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/learn-mac.h"
#include "controller/flow/pipeline.h"
#include "controller/flow/punt-action.h"
#include "controller/model/id-pools.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-ct.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofpacket.h"
#include "tests/unit/fake-db.h"
#include "tests/unit/fake-switch.h"
#include "tests/unit/packets-fixture.h"
#include "timeval.h"
#include "util.h"

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
    TURN_UNTIL(fakes[0].n_packet_outs == 1);
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
    TURN_UNTIL(fakes[1].n_packet_outs == 1);
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
    edit_port_row("a", "00");
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
    plug_host("a", "h0", 7);         /* It is plugged anew. */
    SEE(1, "", "");
    SEE(7, "h0/a", "a");
    plug_host("b", "h0", 1);         /* Another takes its number. */
    SEE(1, "h0/b", "b");
    edit_row(VMN_TABLE_BINDING, "a", json_pack("{s:s}", "host", "h1"));
    SEE(7, "h0/a", "");         /* It is bound elsewhere. */
    edit_row(VMN_TABLE_VIF, "h0/a", NULL);
    SEE(7, "", "");
    edit_row(VMN_TABLE_BINDING, "b", NULL);
    edit_row(VMN_TABLE_PORT, "b", NULL);
    SEE(1, "h0/b", "");
#undef SEE
}

/* Where answers go.  ------------------------------------------------------ */

static void
answer_goes_to_a_port_of_the_same_host(void **state)
{
    send_up(0, 1, TO_PORT, "b", 60);
    TURN_UNTIL(fakes[0].n_packet_outs == 1);
    assert_output(0, 2, "b");
    send_up(0, 1, TO_PORT, "c", 60);
    send_up(0, 1, TO_PORT, "nobody", 60);
    TURN_UNTIL(dropped("vmn", "reply's port is not on this host") == 2);
    assert_int_equal(fakes[0].n_packet_outs, 1);
}

static void
answer_goes_on_through_the_pipeline(void **state)
{
    const struct pipeline_stage *stages
        = apphost_pipeline(toy.apphost)->apps[0].stages;
    struct ofputil_packet_out po;
    struct ofpbuf ofpacts;

    send_up(0, 1, TO_STAGE, "on", 60);
    TURN_UNTIL(fakes[0].n_packet_outs == 1);
    assert_resubmit(0, stages[1].first_table + 1, 1);
    send_up(0, 1, TO_NEXT, "on", 60);
    TURN_UNTIL(fakes[0].n_packet_outs == 2);
    assert_resubmit(0, stages[1].first_table, 1);

    /* As if it had come in otherwise, at the first hook that has a stage. */
    send_up(0, 1, TO_HOOK, "on", 60);
    TURN_UNTIL(fakes[0].n_packet_outs == 3);
    assert_resubmit(0, stages[1].first_table, 2);
    get_packet_out(0, &po, &ofpacts);
    assert_int_equal(po.flow_metadata.flow.regs[15], 0x1515);
    ofpbuf_uninit(&ofpacts);
}

static void
one_packet_may_have_several_answers_or_none(void **state)
{
    uint32_t number;

    send_up(0, 1, TWICE, "two", 60);
    TURN_UNTIL(fakes[0].n_packet_outs == 2);
    number = seen.in.number;
    send_up(0, 1, NOTHING, "none", 60);
    send_up(0, 1, NOTHING, "none", 60);
    send_up(0, 1, SILENT, "none", 60);
    TURN_UNTIL(seen.n == 4);
    packets_turn();
    /* Each has a number, also where two are alike. */
    assert_int_equal(seen.in.number, number + 3);
    assert_int_equal(dropped("toy.do", "unwanted"), 2);
    assert_int_equal(dropped("toy.do", "unanswered"), 1);
    assert_int_equal(fakes[0].n_packet_outs, 2);
}

/* Of a connection that nothing justifies, even if there is no answer to the
 * packet. */
static void
switch_forgets_the_connection_of_a_packet(void **state)
{
    const struct ofp_ct_match *flush = &fakes[0].flush;
    struct in6_addr src, dst;

    send_up_to("forget", 0, 1, NOTHING, "x", 60);
    TURN_UNTIL(fakes[0].n_flushes == 1);
    in6_addr_set_mapped_ipv4(&src, htonl(0x0a000001));
    in6_addr_set_mapped_ipv4(&dst, htonl(0x0a000009));
    assert_int_equal(fakes[0].flush_zone, 7);
    assert_int_equal(flush->ip_proto, IPPROTO_UDP);
    assert_memory_equal(&flush->tuple_orig.src, &src, sizeof src);
    assert_memory_equal(&flush->tuple_orig.dst, &dst, sizeof dst);
    assert_int_equal(ntohs(flush->tuple_orig.src_port), 1001);
    assert_int_equal(ntohs(flush->tuple_orig.dst_port), 53);
    assert_true(ipv6_is_zero(&flush->tuple_reply.src));

    /* Behind the answer. */
    send_up_to("forget", 0, 1, ECHO, "x", 60);
    TURN_UNTIL(fakes[0].n_flushes == 2);
    assert_int_equal(fakes[0].n_packet_outs, 1);
    send_up_to("do", 0, 1, ECHO, "x", 60);
    TURN_UNTIL(fakes[0].n_packet_outs == 2);
    assert_int_equal(fakes[0].n_flushes, 2);
    assert_int_equal(fabric->stats.n_forgotten, 2);
}

static void
answer_to_what_is_no_vif_is_dropped(void **state)
{
    send_up(0, 40000, ECHO, "out of a tunnel", 60);
    TURN_UNTIL(dropped("vmn", "not from a VIF") == 1);
    assert_int_equal(fakes[0].n_packet_outs, 0);
}

static void
packets_for_the_controller_go_to_the_sink(void **state)
{
    struct told told = { .n = 0 };

    send_up_to("told", 0, 1, ECHO, "nobody asked", 60);
    TURN_UNTIL(dropped("toy.told", "no receiver") == 1);
    fabric_set_sink(fabric, told_cb, &told);
    send_up_to("told", 1, 7, ECHO, "an answer", 60);
    TURN_UNTIL(told.n == 1);
    assert_string_equal(told.host, "h1");
    assert_string_equal(told.text, "an answer");
    assert_int_equal(told.in_port, 7);
    /* Its handler is not called; those of others are. */
    assert_int_equal(seen.n, 0);
    send_up(0, 1, ECHO, "another's", 60);
    TURN_UNTIL(fakes[0].n_packet_outs == 1);
    assert_int_equal(told.n, 1);
    fabric_set_sink(fabric, NULL, NULL);
}

/* A probe of a path passes by what waits for slow handlers, and is not dropped
 * when the queue is full. */
static void
probes_of_paths_do_not_wait(void **state)
{
    struct told told = { .n = 0 };

    fabric_set_path_sink(fabric, told_cb, &told);
    for (int i = 0; i < 1000; i++) {
        send_up(0, 1, SLOW, "a flood", 60);
    }
    send_up_of("told", 0, VMN_TUNNEL_OFPORT, VMN_PATH_SRC_ID, ECHO, "a probe",
               60);
    TURN_UNTIL(told.n == 1);
    assert_string_equal(told.text, "a probe");
    assert_true(dropped("vmn", "queue is full") > 0);
    assert_true(seen.n < 500);
    fabric_set_path_sink(fabric, NULL, NULL);
}

/* It is told of by where it came in, also if the port is bound elsewhere; its
 * handler is not called. */
static void
guests_that_are_seen_are_told_of(void **state)
{
    send_up_to("guest", 0, 9, ECHO, "of no interface", 60);
    TURN_UNTIL(dropped("toy.guest", "no interface") == 1);
    assert_null(fake_db_guest_seen);
    send_up_to("guest", 0, 2, ECHO, "here I am", 60);
    TURN_UNTIL(fake_db_guest_seen);
    assert_string_equal(fake_db_guest_seen, "h0/b");
    assert_int_equal(seen.n, 0);
    assert_int_equal(fakes[0].n_packet_outs, 0);
    free(fake_db_guest_seen);
    fake_db_guest_seen = NULL;
}

/* Has the switch of h0, where port "b" may come by interface 2, connect again,
 * with a flow of the table in which it remembers addresses, of the network's
 * number with 'more' digits. */
static void
reconnect_with(const char *more, const char *number)
{
    const struct vmn_port *port = model_get_durable(
        toy.model, VMN_TABLE_PORT, "b", NULL);
    const struct vmn_network *network = model_get_durable(
        toy.model, VMN_TABLE_NETWORK, port->network, NULL);
    char *match = xasprintf("reg0=%s%"PRIu32",dl_dst="ETH_ADDR_FMT,
                            more, network->vni,
                            ETH_ADDR_BYTES_ARGS(port->mac.ea));
    char *flow = xasprintf("table=%d,priority=4321,%s,actions=load:%s->"
                           "NXM_NX_REG11[]", MAC_TABLE, match, number);
    unsigned before = fakes[0].n_questions;

    fake_switch_disconnect(&fakes[0]);
    TURN_UNTIL(!new_host(0)->sw->conn);
    fake_switch_remove(&fakes[0], 4321);
    fake_switch_add_flow(&fakes[0], flow);
    fake_switch_connect(&fakes[0], path + strlen("unix:"));
    TURN_UNTIL(new_host(0)->sw->state == SWITCH_LIVE
               && fakes[0].n_questions
                  == before + 1 + (fake_db_guest_expected != NULL));
    for (int i = 0; i < 5; i++) {
        packets_turn();
    }
    free(match);
    free(flow);
}

/* By what the switch remembers, which nobody was there to hear. */
static void
guests_that_came_before_are_told_of(void **state OVS_UNUSED)
{
    reconnect_with("", "0x80000002");
    packets_turn();
    assert_null(fake_db_guest_seen);
    fake_db_guest_expected = "b";
    reconnect_with("", "0x80000003");
    reconnect_with("8", "0x80000002");
    reconnect_with("", "2");
    assert_null(fake_db_guest_seen);
    /* It is plugged again as the switch is asked. */
    fake_db_guest_next_ofport = 3;
    reconnect_with("", "0x80000002");
    assert_null(fake_db_guest_seen);
    fake_db_guest_ofport = fake_db_guest_next_ofport = 2;
    reconnect_with("", "0x80000002");
    TURN_UNTIL(fake_db_guest_seen);
    assert_string_equal(fake_db_guest_seen, "h0/b");
    free(fake_db_guest_seen);
    fake_db_guest_seen = NULL;
    fake_db_guest_expected = NULL;
}

/* What has come of packets while a change was tried. */
struct trial {
    unsigned n_outs, n_told;
    const struct told *told;
    bool done;
};

static void
inspect_cb(void *trial_)
{
    struct trial *trial = trial_;

    send_up(0, 1, ECHO, "a question", 60);
    send_up_to("told", 0, 1, ECHO, "an answer", 60);
    for (int i = 0; i < 100; i++) {
        commit_yield(commit);
    }
    trial->n_outs = fakes[0].n_packet_outs;
    trial->n_told = trial->told->n;
}

static void
tried_cb(void *trial_, const struct commit_result *result)
{
    struct trial *trial = trial_;

    assert_true(result->ok);
    trial->done = true;
}

/* Handlers that read more than rows would answer by what is only tried. */
static void
handlers_wait_while_a_change_is_tried(void **state)
{
    struct told told = { .n = 0 };
    struct trial trial = { .told = &told };
    struct model_request request;

    edit_port_row("a", "now");
    fabric_set_sink(fabric, told_cb, &told);
    commit_set_max_yields(commit, 1);
    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_PORT, "a", json_pack(
                          "{s:s, s:{s:s}}", "network", "red", "labels",
                          "punt", "never"));
    commit_dry_run(commit, &request, inspect_cb, tried_cb, &trial);
    model_request_uninit(&request);
    TURN_UNTIL(trial.done);
    assert_int_equal(trial.n_outs, 0);
    assert_int_equal(trial.n_told, 1);
    TURN_UNTIL(fakes[0].n_packet_outs == 1);
    assert_string_equal(seen.query, "now");
    assert_int_equal(dropped("toy", "handler failed"), 0);
    fabric_set_sink(fabric, NULL, NULL);
}

static void
frames_are_sent_to_hosts_that_are_there(void **state)
{
    static const uint8_t frame[64] = "a frame of the controller's";
    int64_t since_us;

    assert_true(fabric_host_is_connected(fabric, "h0"));
    assert_true(fabric_send_frame(fabric, "h0", 9, frame, sizeof frame));
    TURN_UNTIL(fakes[0].n_packet_outs == 1);
    assert_output(0, 9, (const char *) frame);
    assert_false(fabric_send_frame(fabric, "h0", 9, frame, 13));
    assert_false(fabric_send_frame(fabric, "h9", 9, frame, sizeof frame));
    assert_false(fabric_host_is_connected(fabric, "h9"));
    /* A switch that is asked for a sign of life gives one. */
    since_us = time_usec();
    fabric_probe_host(fabric, "h9");
    assert_false(fabric_host_heard_since(fabric, "h9", since_us));
    fabric_probe_host(fabric, "h0");
    TURN_UNTIL(fabric_host_heard_since(fabric, "h0", since_us));
    /* Which of them it has answered is known. */
    assert_true(fabric_host_is_live(fabric, "h0"));
    TURN_UNTIL(fabric_host_answered_since(fabric, "h0", since_us));
    assert_false(fabric_host_answered_since(fabric, "h0", time_usec() + 1));
    assert_false(fabric_host_answered_since(fabric, "h9", 0));
    fake_switch_disconnect(&fakes[0]);
    TURN_UNTIL(!fabric_host_is_connected(fabric, "h0"));
    assert_false(fabric_send_frame(fabric, "h0", 9, frame, sizeof frame));
}

/* Not by the clock alone: the switch may have just become a gateway.  And some
 * times: what others have cached may undo the first. */
static void
physical_networks_hear_of_flows_that_changed(void **state OVS_UNUSED)
{
    json_t *host = toy_host(1);
    unsigned before;

    json_object_set_new(host, "provider_bridges",
                        json_pack("[{s:s, s:s}]", "physical", "dc",
                                  "bridge", "br-ex"));
    edit_row(VMN_TABLE_HOST, "h0", host);
    edit_row(VMN_TABLE_VIF, "h0/@dc",
             json_pack("{s:s, s:s, s:s, s:i, s:b}", "host", "h0", "iface_id",
                       "@dc", "iface", "patch", "ofport", 9, "link_up", 1));
    for (int i = 1; i <= 2; i++) {
        before = n_announced;
        edit_port_row("a", i % 2 ? "1" : "0");
        TURN_UNTIL(n_announced > before);
        if (i == 1) {
            TURN_UNTIL(n_announced >= before + 5);
        }
    }

    /* However much was said before, it is said four times after the last
     * change: how soon is not seen here. */
    for (int i = 0; i < 10; i++) {
        edit_port_row("a", i % 2 ? "0" : "1");
        TURN_UNTIL(has_synced(0));
    }
    before = n_announced;
    TURN_UNTIL(n_announced >= before + 4);
}

/* Whose packets are expected on the host that a port has left. */
static void
apps_hear_of_ports_that_have_come(void **state OVS_UNUSED)
{
    arrivals[0] = '\0';
    plug_host("b", "h1", 2);
    edit_port_row("b", "1");
    TURN_UNTIL(strstr(arrivals, "b on h1\n"));
    TURN_UNTIL(strlen(arrivals) >= 2 * strlen("b on h1\n"));

    /* While it migrates its guest may be on either host. */
    arrivals[0] = '\0';
    edit_row(VMN_TABLE_BINDING, "b", json_pack(
        "{s:s, s:s}", "host", "h1", "candidate", "h0"));
    plug_host("a", "h1", 3);
    edit_port_row("a", "1");
    TURN_UNTIL(strstr(arrivals, "a on h1\n"));
    assert_null(strstr(arrivals, "b on"));
}

static size_t
n_calls_for(const char *port)
{
    size_t n = 0;

    for (const char *p = arrivals; (p = strstr(p, port)); p++) {
        n++;
    }
    return n;
}

/* One that ceases to have a former host has not come: the four calls for it do
 * not begin anew. */
static void
apps_hear_nothing_of_the_end_of_a_former_host(void **state OVS_UNUSED)
{
    plug_host("b", "h1", 2);
    edit_row(VMN_TABLE_BINDING, "b", json_pack(
        "{s:s, s:s}", "host", "h1", "former", "h0"));
    arrivals[0] = '\0';
    edit_port_row("b", "1");
    TURN_UNTIL(n_calls_for("b on h1"));
    arrivals[0] = '\0';
    edit_row(VMN_TABLE_BINDING, "b", json_pack("{s:s}", "host", "h1"));
    plug_host("a", "h1", 3);
    edit_port_row("a", "1");
    TURN_UNTIL(n_calls_for("a on h1") >= 4);
    assert_true(n_calls_for("b on h1") <= 3);
}

/* Faults.  ---------------------------------------------------------------- */

static void
mistakes_of_a_handler_send_nothing(void **state)
{
    for (enum what what = TOO_MANY; what < N_WHATS; what++) {
        send_up(0, 1, what, "mistake", 60);
        TURN_UNTIL(dropped("vmn", "handler failed") == what - TOO_MANY + 1);
    }
    assert_int_equal(fakes[0].n_packet_outs, 0);
    send_up(0, 1, ECHO, "and then", 60);
    TURN_UNTIL(fakes[0].n_packet_outs == 1);
}

static void
punt_to_no_handler_fails_the_unit(void **state)
{
    const struct engine_problems *problems;

    edit_port_row("a", "6");
    problems = engine_problems(toy.engine);
    assert_int_equal(problems->n, 1);
    assert_non_null(strstr(problems->problems[0].detail, "no handler 6"));
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

    fake_switch_send(&fakes[0], ofputil_encode_packet_in_private(
                      &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_NXT2));
    punt_put_userdata(userdata, PUNT_USERDATA_HANDLER);
    match_set_tun_id(&pin.base.flow_metadata,
                     htonll(punt_handler_id("toy", "former")));
    pin.base.userdata = userdata;
    pin.base.userdata_len = sizeof userdata;
    fake_switch_send(&fakes[0], ofputil_encode_packet_in_private(
                      &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_NXT2));
    TURN_UNTIL(dropped("vmn", "no such handler") == 2);

    /* In the standard's form, which nobody asked for. */
    fake_switch_send(&fakes[0], ofputil_encode_packet_in_private(
                      &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_STD));
    TURN_UNTIL(dropped("vmn", "malformed message") == 1);
    assert_int_equal(seen.n, 0);
    assert_true(has_synced(0));
}

/* A switch that keeps to the protocol sends a slave none. */
static void
standby_takes_no_packets(void **state OVS_UNUSED)
{
    static const char *const handlers[] = { "do", "told", "guest", "forget" };
    struct fabric_stats stats;

    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
        send_up_to(handlers[i], 0, 1, ECHO, "to a slave", 60);
    }
    for (int i = 0; i < 20; i++) {
        packets_turn();
    }
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_packet_ins, 0);
    assert_int_equal(seen.n, 0);
    assert_int_equal(fakes[0].n_packet_outs, 0);
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

    fakes[0].hold = true;
    edit_port_row("d", "0");
    TURN_UNTIL(new_host(0)->sw->bundles.n_sent);
    ofpbuf_init(&b, 0);
    ofpacket_make_output(&out, 1);
    ofpacket_put(&b, &out, "12345678901234", 14);
    fake_switch_send(&fakes[0], ofperr_encode_reply(OFPERR_OFPBRC_BAD_PORT,
                                                    b.data));
    ofpbuf_uninit(&b);
    TURN_UNTIL(dropped("vmn", "switch rejected it") == 1);
    assert_true(new_host(0)->sw->bundles.n_sent > 0);
    fake_switch_release(&fakes[0]);
    TURN_UNTIL(switch_acked(new_host(0)->sw) >= fabric->last_revision);
    assert_true(has_synced(0));
    assert_int_equal(fabric->stats.n_errors, n_errors);
    assert_int_equal(fabric->stats.n_reconciles, n_reconciles);
}

/* A network whose packets fill the queue delays those of another by one, and
 * makes room for them. */
static void
networks_take_turns(void **state)
{
    for (int i = 0; i < 1000; i++) {
        send_up_in(7, "do", 0, 1, 0, SLOW, "a flood", 60);
    }
    TURN_UNTIL(dropped("vmn", "queue is full") > 0);
    for (unsigned i = 0; i < 5; i++) {
        unsigned n = seen.n;

        send_up_in(8, "do", 0, 2, 0, ECHO, "another", 60);
        TURN_UNTIL(fakes[0].n_packet_outs > i);
        assert_true(seen.n < n + 100);
    }
    assert_true(seen.n < 500);
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
        packets_turn();
        assert_true(seen.n <= last + 1);
        last = seen.n;
    }
    send_up(1, 1, ECHO, "quick", 60);
    TURN_UNTIL(fakes[1].n_packet_outs == 1);
    edit_port_row("b", "0000");
    assert_true(revision > before);
    TURN_UNTIL(dropped("vmn", "queue is full") > 0);
    assert_true(seen.n < 500);

    /* Nothing is done for a switch that is gone. */
    fake_switch_disconnect(&fakes[0]);
    TURN_UNTIL(!new_host(0)->sw->conn);
    assert_true(dropped("vmn", "switch disconnected") > 0);
    for (unsigned last = seen.n, i = 0; i < 5; i++) {
        packets_turn();
        assert_int_equal(seen.n, last);
    }
}

static void
switch_that_does_not_read_gets_no_more_packets(void **state)
{
    unsigned n = 0;

    fakes[0].deaf = true;
    while (!dropped("vmn", "switch is congested")) {
        send_up(0, 1, ECHO, "unread", 8000);
        n++;
        packets_turn();
        assert_true(n < 10000);
    }
    /* That alone is no reason to cut it off. */
    assert_non_null(new_host(0)->sw->conn);
    fakes[0].deaf = false;
    TURN_UNTIL(fakes[0].n_packet_outs
               + dropped("vmn", "switch is congested") == n);
    send_up(0, 1, ECHO, "read again", 60);
    TURN_UNTIL(fakes[0].packet_out->size < 1000);
    assert_output(0, 1, "read again");
}

/* Sends the switch 'n' echo requests of 32 KiB. */
static void
send_much(struct fabric_switch *sw, int n)
{
    static uint8_t message[32 * 1024];
    const struct ofp_header head = {
        .version = OFP15_VERSION, .type = 2, /* OFPT_ECHO_REQUEST. */
        .length = htons(sizeof message),
    };

    memcpy(message, &head, sizeof head);
    for (int i = 0; i < n; i++) {
        ofconn_send(sw->conn, message, sizeof message);
    }
}

/* A large change of one app takes no answers of another. */
static void
waiting_bundle_drops_no_packet_outs(void **state)
{
    struct fabric_switch *sw = new_host(0)->sw;
    const int n = 128;

    fakes[0].deaf = true;
    send_much(sw, n);
    sw->bundles.sent_bytes += n * 32 * 1024;
    send_up(0, 1, ECHO, "behind it", 60);
    TURN_UNTIL(seen.n == 1);
    assert_true(ofconn_queued(sw->conn) > PACKETS_UNREAD_MAX);
    assert_int_equal(dropped("vmn", "switch is congested"), 0);
    fakes[0].deaf = false;
    TURN_UNTIL(fakes[0].n_packet_outs == 1);
    assert_output(0, 1, "behind it");
    sw->bundles.sent_bytes -= n * 32 * 1024;
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
    cmocka_unit_test_setup_teardown(NAME, SETUP, packets_teardown)
        T(handler_is_told_who_sent_the_packet, packets_setup),
        T(handler_reads_rows_facts_queries_and_look_ups, packets_setup),
        T(handler_reads_durable_rows, packets_setup),
        T(port_follows_what_the_rows_say, packets_setup),
        T(answer_goes_to_a_port_of_the_same_host, packets_setup),
        T(answer_goes_on_through_the_pipeline, packets_setup),
        T(one_packet_may_have_several_answers_or_none, packets_setup),
        T(switch_forgets_the_connection_of_a_packet, packets_setup),
        T(answer_to_what_is_no_vif_is_dropped, packets_setup),
        T(packets_for_the_controller_go_to_the_sink, packets_setup),
        T(probes_of_paths_do_not_wait, packets_setup),
        T(guests_that_are_seen_are_told_of, packets_setup),
        T(guests_that_came_before_are_told_of, packets_setup),
        T(handlers_wait_while_a_change_is_tried, packets_setup),
        T(frames_are_sent_to_hosts_that_are_there, packets_setup),
        T(physical_networks_hear_of_flows_that_changed, packets_setup),
        T(apps_hear_of_ports_that_have_come, packets_setup),
        T(apps_hear_nothing_of_the_end_of_a_former_host, packets_setup),
        T(mistakes_of_a_handler_send_nothing, packets_setup),
        T(punt_to_no_handler_fails_the_unit, packets_setup),
        T(packets_of_nobody_are_counted, packets_setup),
        T(standby_takes_no_packets, packets_setup_standby),
        T(refused_packet_fails_no_bundle, packets_setup),
        T(networks_take_turns, packets_setup),
        T(slow_handlers_leave_the_loop_to_others, packets_setup),
        T(switch_that_does_not_read_gets_no_more_packets, packets_setup),
        T(waiting_bundle_drops_no_packet_outs, packets_setup),
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
