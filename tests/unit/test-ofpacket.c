/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what packets go through on their way: packet-ins and
 * packet-outs (proto/openflow/ofpacket.h), and UDP (vmn/packet.h). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofpacket.h"
#include "util.h"
#include "vmn/packet.h"

/* OpenFlow.  ------------------------------------------------------------- */

/* Of a connection with such an original tuple, of 'family'; 0: untracked. */
static void
add_connection(int family, struct match *match)
{
    static const struct in6_addr vip = { .s6_addr = { 0xfd, [15] = 9 } };

    if (family) {
        match_set_ct_state(match, CS_TRACKED | CS_ESTABLISHED);
        match_set_dl_type(match, htons(family == 4 ? ETH_TYPE_IP
                                       : ETH_TYPE_IPV6));
        match_set_ct_nw_proto(match, IPPROTO_TCP);
        match_set_ct_tp_dst(match, htons(80));
    }
    if (family == 4) {
        match_set_ct_nw_dst(match, htonl(0x0a000064));
    } else if (family == 6) {
        match_set_ct_ipv6_dst(match, &vip);
    }
}

static struct ofpbuf *
packet_in_of(uint32_t in_port, const char *userdata, size_t size, int family)
{
    static uint8_t bytes[2000];
    struct ofputil_packet_in_private pin = {
        .base = {
            .packet = bytes,
            .packet_len = size,
            .flow_metadata = MATCH_CATCHALL_INITIALIZER,
            .reason = OFPR_ACTION,
            .userdata = CONST_CAST(uint8_t *, (const uint8_t *) userdata),
            .userdata_len = strlen(userdata),
        },
    };
    struct ofpbuf *msg;

    match_set_in_port(&pin.base.flow_metadata, u16_to_ofp(in_port));
    match_set_reg(&pin.base.flow_metadata, 0, in_port * 10);
    match_set_reg(&pin.base.flow_metadata, 15, 15);
    add_connection(family, &pin.base.flow_metadata);
    msg = ofputil_encode_packet_in_private(&pin, OFPUTIL_P_OF15_OXM,
                                           OFPUTIL_PACKET_IN_NXT2);
    ofpmsg_update_length(msg);
    return msg;
}

static struct ofpbuf *
packet_in(uint32_t in_port, const char *userdata, size_t size)
{
    return packet_in_of(in_port, userdata, size, 0);
}

/* More ports than the cache has room for, again and again. */
static void
packet_ins_are_decoded_with_and_without_the_cache(void **state)
{
    struct ofpacket_cache *cache = xzalloc(sizeof *cache);

    for (uint32_t i = 1; i < 1000; i++) {
        uint32_t in_port = i % 100 + 1;
        struct ofpbuf *msg = packet_in(in_port, "somebody", 60 + i);
        struct ofpacket_in in;

        assert_int_equal(ofpacket_decode(msg->data, cache, &in), 0);
        assert_int_equal(in.in_port, in_port);
        assert_int_equal(in.regs[0], in_port * 10);
        assert_int_equal(in.regs[1], 0);
        assert_int_equal(in.regs[15], 15);
        assert_int_equal(in.userdata_size, 8);
        assert_memory_equal(in.userdata, "somebody", 8);
        assert_int_equal(in.size, 60 + i);
        assert_int_equal(in.full_size, 60 + i);
        ofpbuf_delete(msg);
    }
    ofpacket_cache_uninit(cache);
    free(cache);
}

/* What the connection was for when it began, decoded or out of the cache. */
static void
packet_ins_say_what_their_connection_was_for(void **state)
{
    static const uint8_t vips[2][16] = {
        { 10, 0, 0, 100 }, { 0xfd, [15] = 9 },
    };
    struct ofpacket_cache *cache = xzalloc(sizeof *cache);

    for (unsigned i = 0; i < 6; i++) {
        int family = (int[]) { 0, 4, 6 }[i % 3];
        struct ofpbuf *msg = packet_in_of(3, "somebody", 60, family);
        struct ofpacket_in in;

        assert_int_equal(ofpacket_decode(msg->data, cache, &in), 0);
        assert_int_equal(in.ct.family, family);
        if (family) {
            assert_memory_equal(in.ct.dst, vips[family == 6], 16);
            assert_int_equal(in.ct.dst_port, 80);
        }
        ofpbuf_delete(msg);
    }
    ofpacket_cache_uninit(cache);
    free(cache);
}

/* Cut at any place, it is an error or lacks something, and nothing is read
 * beyond its end. */
static void
packet_in_cut_short_is_an_error(void **state)
{
    struct ofpacket_cache *cache = xzalloc(sizeof *cache);
    struct ofpbuf *msg = packet_in(7, "somebody", 100);
    size_t whole = msg->size;

    for (size_t size = sizeof(struct ofp_header); size < whole; size++) {
        struct ofp_header *oh = xmemdup(msg->data, size);
        struct ofpacket_in in;

        oh->length = htons(size);
        if (!ofpacket_decode(oh, cache, &in)) {
            assert_true(in.size && in.size <= 100);
            assert_true(in.userdata_size == 0 || in.userdata_size == 8);
        }
        free(oh);
    }
    ofpbuf_delete(msg);
    ofpacket_cache_uninit(cache);
    free(cache);
}

static void
packet_outs_say_where_to(void **state)
{
    static const uint32_t regs[OFPACKET_REGS] = { 7, [9] = 9 };
    static const uint8_t bytes[64];
    struct ofputil_packet_out po;
    struct ofpacket_out out;
    struct ofpbuf b, ofpacts;
    const struct ofp_header *oh;

    ofpbuf_init(&b, 0);
    ofpbuf_init(&ofpacts, 0);
    ofpacket_make_output(&out, 3);
    ofpacket_put(&b, &out, bytes, sizeof bytes);
    oh = b.data;
    assert_int_equal(ntohl(oh->xid), OFCONN_XID_PACKETS);
    assert_int_equal(ntohs(oh->length), b.size);
    assert_int_equal(ofputil_decode_packet_out(&po, oh, NULL, &ofpacts), 0);
    assert_int_equal(po.packet_len, sizeof bytes);
    assert_int_equal(po.ofpacts->type, OFPACT_OUTPUT);
    assert_int_equal(ofp_to_u16(ofpact_get_OUTPUT(po.ofpacts)->port), 3);

    ofpbuf_clear(&b);
    ofpacket_make_resubmit(&out, 18, 5, regs);
    ofpacket_put(&b, &out, bytes, sizeof bytes);
    oh = b.data;
    assert_int_equal(ofputil_decode_packet_out(&po, oh, NULL, &ofpacts), 0);
    assert_int_equal(ofp_to_u16(po.flow_metadata.flow.in_port.ofp_port), 5);
    assert_int_equal(po.flow_metadata.flow.regs[0], 7);
    assert_int_equal(po.flow_metadata.flow.regs[9], 9);
    assert_int_equal(po.ofpacts->type, OFPACT_RESUBMIT);
    assert_int_equal(ofpact_get_RESUBMIT(po.ofpacts)->table_id, 18);

    /* All registers there are, and the same head for another packet. */
    uint32_t all[OFPACKET_REGS];
    for (size_t i = 0; i < OFPACKET_REGS; i++) {
        all[i] = i + 1;
    }
    ofpacket_make_resubmit(&out, 18, 40000, all);
    ofpbuf_clear(&b);
    ofpacket_put(&b, &out, bytes, 15);
    ofpacket_put(&b, &out, bytes, sizeof bytes);
    ofpbuf_pull(&b, out.size + 15);
    oh = xmemdup(b.data, b.size);
    assert_int_equal(ntohs(oh->length), b.size);
    assert_int_equal(ofputil_decode_packet_out(&po, oh, NULL, &ofpacts), 0);
    assert_int_equal(po.packet_len, sizeof bytes);
    assert_int_equal(po.flow_metadata.flow.regs[15], 16);
    free(CONST_CAST(struct ofp_header *, oh));
    ofpbuf_uninit(&b);
    ofpbuf_uninit(&ofpacts);
}

/* UDP.  ------------------------------------------------------------------ */

static const struct vmn_udp question = {
    .eth_src = { { 2, 0, 0, 0, 0, 1 } },
    .eth_dst = { { 2, 0, 0, 0, 0, 2 } },
    .ip_src = { 4, { 10, 0, 0, 1 } },
    .ip_dst = { 4, { 10, 0, 0, 2 } },
    .ttl = 64,
    .src_port = 1000,
    .dst_port = 53,
    .payload = (const uint8_t *) "hello, world!",
    .payload_size = 13,
};
#define QUESTION_SIZE (VMN_UDP_HEADERS + 13)

/* The sums were worked out by hand. */
static void
udp_is_built_with_right_checksums(void **state)
{
    uint8_t bytes[QUESTION_SIZE];

    assert_int_equal(vmn_udp_build(&question, bytes, sizeof bytes),
                     QUESTION_SIZE);
    assert_int_equal(bytes[14 + 10] << 8 | bytes[14 + 11], 0x26c2);
    assert_int_equal(bytes[34 + 6] << 8 | bytes[34 + 7], 0x8658);
    assert_int_equal(vmn_udp_build(&question, bytes, sizeof bytes - 1), 0);
    assert_int_equal(vmn_udp_build(&question, bytes, 10), 0);
}

static void
udp_comes_apart_as_it_was_put_together(void **state)
{
    /* Ethernet pads short frames. */
    for (size_t padding = 0; padding < 10; padding++) {
        uint8_t bytes[QUESTION_SIZE + 10] = { 0 };
        struct vmn_udp udp, back;

        vmn_udp_build(&question, bytes, sizeof bytes);
        assert_true(vmn_udp_parse(bytes, QUESTION_SIZE + padding, &udp));
        assert_memory_equal(&udp.eth_src, &question.eth_src, 6);
        assert_memory_equal(&udp.ip_src, &question.ip_src, sizeof udp.ip_src);
        assert_int_equal(udp.src_port, 1000);
        assert_int_equal(udp.payload_size, question.payload_size);
        assert_memory_equal(udp.payload, question.payload, udp.payload_size);

        back = udp;
        vmn_udp_swap(&back);
        assert_memory_equal(&back.eth_dst, &udp.eth_src, 6);
        assert_memory_equal(&back.ip_dst, &udp.ip_src, sizeof udp.ip_src);
        assert_int_equal(back.dst_port, 1000);
        assert_int_equal(back.src_port, 53);
    }
}

/* The answer may be written over the question. */
static void
udp_payload_may_be_in_the_buffer(void **state)
{
    uint8_t bytes[QUESTION_SIZE];
    struct vmn_udp udp;

    vmn_udp_build(&question, bytes, sizeof bytes);
    assert_true(vmn_udp_parse(bytes, sizeof bytes, &udp));
    vmn_udp_swap(&udp);
    assert_int_equal(vmn_udp_build(&udp, bytes, sizeof bytes), sizeof bytes);
    assert_true(vmn_udp_parse(bytes, sizeof bytes, &udp));
    assert_int_equal(udp.dst_port, 1000);
    assert_memory_equal(udp.payload, question.payload, udp.payload_size);
}

/* Each bit of the packet that is covered by a checksum or says how long
 * something is. */
static void
udp_with_any_bit_wrong_is_refused(void **state)
{
    uint8_t bytes[QUESTION_SIZE];
    struct vmn_udp udp;

    vmn_udp_build(&question, bytes, sizeof bytes);
    for (size_t bit = 12 * 8; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= 1 << bit % 8;
        if (vmn_udp_parse(bytes, sizeof bytes, &udp)) {
            fail_msg("with bit %"PRIuSIZE" wrong", bit);
        }
        bytes[bit / 8] ^= 1 << bit % 8;
    }
    assert_true(vmn_udp_parse(bytes, sizeof bytes, &udp));
    bytes[34 + 6] = bytes[34 + 7] = 0; /* No checksum. */
    assert_true(vmn_udp_parse(bytes, sizeof bytes, &udp));
}

/* In memory that ends where the packet does. */
static void
udp_cut_short_is_refused(void **state)
{
    uint8_t bytes[QUESTION_SIZE];

    vmn_udp_build(&question, bytes, sizeof bytes);
    for (size_t size = 0; size < sizeof bytes; size++) {
        uint8_t *copy = malloc(size + !size);
        struct vmn_udp udp;

        memcpy(copy, bytes, size);
        assert_false(vmn_udp_parse(copy, size, &udp));
        free(copy);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_ins_are_decoded_with_and_without_the_cache),
        cmocka_unit_test(packet_ins_say_what_their_connection_was_for),
        cmocka_unit_test(packet_in_cut_short_is_an_error),
        cmocka_unit_test(packet_outs_say_where_to),
        cmocka_unit_test(udp_is_built_with_right_checksums),
        cmocka_unit_test(udp_comes_apart_as_it_was_put_together),
        cmocka_unit_test(udp_payload_may_be_in_the_buffer),
        cmocka_unit_test(udp_with_any_bit_wrong_is_refused),
        cmocka_unit_test(udp_cut_short_is_refused),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
