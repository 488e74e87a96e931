/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/openflow: bundles as they are written, and dumps of flows and groups.
 *  */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <unistd.h>

#include "byte-order.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofdump.h"
#include "proto/openflow/ofmsg.h"
#include "tests/unit/openflow-fixture.h"
#include "util.h"

/* Messages and dumps.  --------------------------------------------------- */

static void
bundle_messages_decode_to_what_was_meant(void **state OVS_UNUSED)
{
    struct ofputil_bundle_add_msg add;
    struct ofputil_bundle_ctrl_msg ctrl;
    struct ofp_header *oh;
    struct ofpbuf b, inner;
    enum ofptype type;

    ofpbuf_init(&b, 0);
    ofpbuf_init(&inner, 0);
    ofmsg_put_bundle_open(&b, 1, 0x80000001);
    assert_int_equal(ofputil_decode_bundle_ctrl(b.data, &ctrl), 0);
    assert_int_equal(ctrl.type, OFPBCT_OPEN_REQUEST);
    assert_int_equal(ctrl.bundle_id, 1);
    assert_int_equal(ctrl.flags, OFPBF_ATOMIC | OFPBF_ORDERED);
    oh = b.data;
    assert_int_equal(ntohl(oh->xid), 0x80000001);

    struct ofputil_flow_mod fm = {
        .command = OFPFC_ADD, .buffer_id = UINT32_MAX, .out_port = OFPP_ANY,
        .out_group = OFPG_ANY, .priority = 7,
    };
    struct match match;
    struct ofpbuf *msg;

    match_init_catchall(&match);
    minimatch_init(&fm.match, &match);
    msg = ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM);
    ((struct ofp_header *) msg->data)->xid = htonl(42);
    ofpbuf_clear(&b);
    ofmsg_put_bundle_add(&b, 1, msg->data);
    oh = b.data;
    assert_int_equal(ntohl(oh->xid), 42);
    assert_int_equal(ofputil_decode_bundle_add(oh, &add, &type), 0);
    assert_int_equal(type, OFPTYPE_FLOW_MOD);
    assert_memory_equal(add.msg, msg->data, msg->size);
    minimatch_destroy(&fm.match);
    ofpbuf_delete(msg);
    ofpbuf_uninit(&inner);
    ofpbuf_uninit(&b);
}

static void
dump_flow_cb(void *f_, const struct ofputil_flow_stats *fs,
             const void *instructions, size_t instructions_size)
{
    struct fixture *f = f_;
    struct ofpbuf b = ofpbuf_const_initializer(instructions,
                                               instructions_size);
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 0);
    assert_int_equal(ofpacts_pull_openflow_instructions(
                         &b, instructions_size, OFP15_VERSION, NULL, NULL,
                         &ofpacts), 0);
    assert_true(ofpacts_equal(ofpacts.data, ofpacts.size, fs->ofpacts,
                              fs->ofpacts_len));
    assert_int_equal(ofpacts.size > 0, 1);
    ofpbuf_uninit(&ofpacts);
    ofdump_charge(f->dump, f->charge);
    assert_int_equal(fs->priority, 1000 + f->n_flows);
    assert_int_equal(ntohll(fs->cookie), 5000 + f->n_flows);
    f->n_flows++;
}

static void
dump_group_cb(void *f_, const struct ofputil_group_desc *gd)
{
    struct fixture *f = f_;

    assert_int_equal(gd->group_id, 10 + f->n_groups);
    f->n_groups++;
}

static void
dump_done_cb(void *f_, const char *error)
{
    struct fixture *f = f_;

    f->n_done++;
    f->dump_error = nullable_xstrdup(error);
}

static const struct ofdump_callbacks dump_callbacks = {
    .flow = dump_flow_cb,
    .group = dump_group_cb,
    .done = dump_done_cb,
};

/* Encodes a reply of 'n' flows to 'request'. */
static void
flow_replies(const struct ofp_header *request, int n, struct ovs_list *out)
{
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 0);
    ofpact_put_OUTPUT(&ofpacts)->port = 3;
    ofpact_put_GOTO_TABLE(&ofpacts)->table_id = 9;
    ofpmp_init(out, request);
    for (int i = 0; i < n; i++) {
        struct ofputil_flow_stats fs = {
            .priority = 1000 + i, .cookie = htonll(5000 + i),
            .ofpacts = ofpacts.data, .ofpacts_len = ofpacts.size,
            .idle_age = -1, .hard_age = -1,
        };

        match_init_catchall(&fs.match);
        match_set_reg(&fs.match, 0, i);
        match_set_dl_type(&fs.match, htons(0x0800));
        match_set_nw_dst_masked(&fs.match, htonl(i << 8), htonl(0xffffff00));
        ofputil_append_flow_stats_reply(&fs, out, NULL);
    }
    ofpbuf_uninit(&ofpacts);
}

static void
group_replies(const struct ofp_header *request, int n, struct ovs_list *out)
{
    ofpmp_init(out, request);
    for (int i = 0; i < n; i++) {
        struct ofputil_group_desc gd = { .type = 0, .group_id = 10 + i };

        ovs_list_init(&gd.buckets);
        ofputil_append_group_desc_reply(&gd, &gd.buckets, out);
    }
}

static void
send_list(struct fixture *f, struct ovs_list *list)
{
    struct ofpbuf *msg;

    LIST_FOR_EACH_POP (msg, list_node, list) {
        /* In steps: the socket's buffer is smaller than all of it. */
        ofpmsg_update_length(msg);
        for (size_t ofs = 0; ofs < msg->size; ) {
            ssize_t n = write(f->fd, (char *) msg->data + ofs,
                              msg->size - ofs);

            if (n > 0) {
                ofs += n;
            } else {
                assert_int_equal(errno, EAGAIN);
            }
            of_turn(f);
        }
        ofpbuf_delete(msg);
    }
}

/* Of what is read of a switch, if it does not matter. */
static const struct ofdump_budget budget = {
    .records = 100000, .bytes = 1 << 20,
};

/* Gives a dump with this budget a reply of 'n' flows, or, if that is negative,
 * so many empty parts, each with another to follow; returns its error (the
 * fixture's). */
static const char *
dump_with_budget(struct fixture *f, size_t records, size_t bytes, int n)
{
    const struct ofdump_budget small = {
        .records = records, .bytes = bytes, .rest = f->rest,
    };
    struct ofp_header *groups, *flows;
    struct ovs_list list;
    struct ofpbuf *msg;

    free(f->dump_error);
    f->dump_error = NULL;
    f->n_done = f->n_flows = 0;
    f->dump = ofdump_create(f->conn, &small, &dump_callbacks, f);
    groups = receive(f);
    flows = receive(f);
    flow_replies(flows, MAX(n, 0), &list);
    for (int i = 0; i < -n && !f->n_done; i++) {
        msg = ofpbuf_from_list(ovs_list_front(&list));
        ofpmsg_update_length(msg);
        ((uint8_t *) msg->data)[sizeof(struct ofp_header) + 3] = 1;
        ofdump_message(f->dump, OFPTYPE_FLOW_STATS_REPLY, msg->data);
    }
    LIST_FOR_EACH_POP (msg, list_node, &list) {
        ofpmsg_update_length(msg);
        ofdump_message(f->dump, OFPTYPE_FLOW_STATS_REPLY, msg->data);
        ofpbuf_delete(msg);
    }
    group_replies(groups, 0, &list);
    LIST_FOR_EACH_POP (msg, list_node, &list) {
        ofpmsg_update_length(msg);
        ofdump_message(f->dump, OFPTYPE_GROUP_DESC_STATS_REPLY, msg->data);
        ofpbuf_delete(msg);
    }
    assert_int_equal(f->n_done, 1);
    assert_int_equal(ofdump_is_too_much(f->dump), f->dump_error != NULL);
    f->dump_whole = ofdump_is_whole(f->dump);
    ofdump_destroy(f->dump);
    f->dump = NULL;
    free(groups);
    free(flows);
    return f->dump_error;
}

static void
dump_ends_when_its_budget_does(void **state)
{
    struct fixture *f = *state;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    /* Each of two messages counts for one. */
    assert_null(dump_with_budget(f, 102, 0, 100));
    assert_string_equal(dump_with_budget(f, 101, 0, 100), OFDUMP_TOO_MUCH);
    assert_string_equal(dump_with_budget(f, 102, 0, -103), OFDUMP_TOO_MUCH);
    /* The callback keeps some of what it is given. */
    f->charge = 10;
    assert_null(dump_with_budget(f, 102, 1000, 100));
    assert_string_equal(dump_with_budget(f, 102, 999, 100), OFDUMP_TOO_MUCH);
    assert_false(f->dump_whole);
    /* The rest may come, but not without end. */
    f->rest = 100000;
    assert_string_equal(dump_with_budget(f, 10, 1000, 100), OFDUMP_TOO_MUCH);
    assert_true(f->dump_whole);
    assert_string_equal(dump_with_budget(f, 10, 1000, -100000),
                        OFDUMP_TOO_MUCH);
    assert_false(f->dump_whole);
}

static void
dump_reads_flows_and_groups_of_many_parts(void **state)
{
    struct fixture *f = *state;
    struct ofp_header *groups, *flows;
    struct ovs_list list;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    f->dump = ofdump_create(f->conn, &budget, &dump_callbacks, f);
    groups = receive(f);
    flows = receive(f);
    flow_replies(flows, 3000, &list);
    assert_true(ovs_list_size(&list) > 3);
    send_list(f, &list);
    assert_int_equal(f->n_done, 0);
    group_replies(groups, 5, &list);
    send_list(f, &list);
    TURN_UNTIL(f, f->n_done);
    assert_null(f->dump_error);
    assert_int_equal(f->n_flows, 3000);
    assert_int_equal(f->n_groups, 5);
    free(groups);
    free(flows);
}

/* Callbacks that take anything, and read all of it. */
static void
any_flow_cb(void *f_, const struct ofputil_flow_stats *fs,
            const void *instructions, size_t instructions_size)
{
    struct fixture *f = f_;
    void *copy = xmemdup(instructions, instructions_size);
    void *ofpacts = xmemdup(fs->ofpacts, fs->ofpacts_len);

    free(copy);
    free(ofpacts);
    f->n_flows++;
}

static void
any_group_cb(void *f_, const struct ofputil_group_desc *gd OVS_UNUSED)
{
    struct fixture *f = f_;

    f->n_groups++;
}

static const struct ofdump_callbacks any_callbacks = {
    .flow = any_flow_cb,
    .group = any_group_cb,
    .done = dump_done_cb,
};

/* Gives a dump a reply of one flow in which the bytes at 'ofs' are changed,
 * and returns its error (the fixture's). */
static const char *
dump_with_change(struct fixture *f, size_t ofs, const void *bytes,
                 size_t size)
{
    struct ofp_header *groups, *flows;
    struct ofpbuf *msg;
    struct ovs_list list;

    free(f->dump_error);
    f->dump_error = NULL;
    f->n_done = 0;
    f->dump = ofdump_create(f->conn, &budget, &any_callbacks, f);
    groups = receive(f);
    flows = receive(f);
    flow_replies(flows, 2, &list);
    msg = ofpbuf_from_list(ovs_list_pop_front(&list));
    ofpmsg_update_length(msg);
    if (ofs + size <= msg->size) {
        memcpy((char *) msg->data + ofs, bytes, size);
    }
    ofdump_message(f->dump, OFPTYPE_FLOW_STATS_REPLY, msg->data);
    if (!f->n_done) {
        group_replies(groups, 0, &list);
        struct ofpbuf *reply = ofpbuf_from_list(ovs_list_pop_front(&list));

        ofpmsg_update_length(reply);
        ofdump_message(f->dump, OFPTYPE_GROUP_DESC_STATS_REPLY, reply->data);
        ofpbuf_delete(reply);
    }
    assert_int_equal(f->n_done, 1);
    ofdump_destroy(f->dump);
    f->dump = NULL;
    ofpbuf_delete(msg);
    free(groups);
    free(flows);
    return f->dump_error;
}

static void
dump_refuses_records_that_lie(void **state)
{
    struct fixture *f = *state;
    /* Offsets in the message: 16 bytes of headers, 24 of the flow's head, then
     * its match, its statistics, its instructions. */
    static const struct {
        size_t ofs;
        uint8_t bytes[2];
    } cases[] = {
        { 16, { 0, 0 } },           /* Length 0. */
        { 16, { 0, 8 } },           /* Shorter than its head. */
        { 16, { 0, 99 } },          /* Not a multiple of 8. */
        { 16, { 0xff, 0xf8 } },     /* Past the end. */
        { 16, { 0, 48 } },          /* Ends within the match. */
        { 40, { 0, 9 } },           /* Match of an unknown type. */
        { 42, { 0, 0 } },           /* Match shorter than its head. */
        { 42, { 0xff, 0xff } },     /* Match past the end. */
    };

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    assert_null(dump_with_change(f, 0, "", 0));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_non_null(dump_with_change(f, cases[i].ofs, cases[i].bytes, 2));
    }
}

static void
dump_of_random_changes_never_crashes(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 7;

    print_message("seed %"PRIu32"\n", seed);
    start(f, NULL, &ofconn_options_default);
    handshake(f);
    for (int i = 0; i < 3000; i++) {
        uint8_t byte;

        seed = seed * 1103515245 + 12345;
        byte = seed >> 24;
        dump_with_change(f, 16 + (seed >> 8) % 250, &byte, 1);
    }
}

static void
dump_ends_when_the_switch_refuses(void **state)
{
    struct fixture *f = *state;
    struct ofp_header *groups, *flows;

    start(f, NULL, &ofconn_options_default);
    handshake(f);
    f->dump = ofdump_create(f->conn, &budget, &dump_callbacks, f);
    groups = receive(f);
    flows = receive(f);
    send_msg(f, ofperr_encode_reply(OFPERR_OFPBRC_EPERM, flows));
    TURN_UNTIL(f, f->n_done);
    assert_string_equal(f->dump_error, "OFPBRC_EPERM");
    free(groups);
    free(flows);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, openflow_setup, openflow_teardown)
        T(bundle_messages_decode_to_what_was_meant),
        T(dump_ends_when_its_budget_does),
        T(dump_reads_flows_and_groups_of_many_parts),
        T(dump_refuses_records_that_lie),
        T(dump_of_random_changes_never_crashes),
        T(dump_ends_when_the_switch_refuses),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
