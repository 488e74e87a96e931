/* SPDX-License-Identifier: Apache-2.0
 *
 * Replays the calls of a log that add actions; see replay-calls.h.  Not for
 * what the actions are of, nor for the log as a whole (replay-calls.c). */

#include <config.h>

#include "controller/worker/replay-private.h"

REPLAY_1(vmn_act_dec_ttl, REPLAY_ACTIONS)
REPLAY_1(vmn_act_output_in_port, REPLAY_ACTIONS)
REPLAY_1(vmn_act_clear_in_port, REPLAY_ACTIONS)
REPLAY_1(vmn_act_pop_queue, REPLAY_ACTIONS)
REPLAY_1(vmn_act_next, REPLAY_ACTIONS)
REPLAY_1(vmn_act_resubmit_next, REPLAY_ACTIONS)
REPLAY_1(vmn_act_clone_next, REPLAY_ACTIONS)
REPLAY_1(vmn_act_restart, REPLAY_ACTIONS)
REPLAY_1(vmn_act_find_neighbour, REPLAY_ACTIONS)
REPLAY_1(vmn_act_find_mac, REPLAY_ACTIONS)
REPLAY_1(vmn_act_find_client, REPLAY_ACTIONS)
REPLAY_1(vmn_act_find_holder, REPLAY_ACTIONS)
REPLAY_1(vmn_act_find_member, REPLAY_ACTIONS)
REPLAY_3(vmn_act_set, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U64)
REPLAY_4(vmn_act_set_masked, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U64,
         REPLAY_U64)
REPLAY_3(vmn_act_set_mac, REPLAY_ACTIONS, REPLAY_U32, REPLAY_MAC)

static void
replay_vmn_act_set_ip(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_field field = call_take_u32(&r->in);
    struct vmn_ip ip = call_take_ip(&r->in);

    if (replay_is_good(r)) {
        vmn_act_set_ip(a, field, &ip);
    }
}

REPLAY_3(vmn_act_move, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U32)

static void
replay_vmn_act_move_bits(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_field from = call_take_u32(&r->in);
    uint32_t from_bit = call_take_u32(&r->in);
    enum vmn_field to = call_take_u32(&r->in);
    uint32_t to_bit = call_take_u32(&r->in);
    uint32_t n_bits = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_move_bits(a, from, from_bit, to, to_bit, n_bits);
    }
}

REPLAY_3(vmn_act_swap, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U32)
REPLAY_2(vmn_act_output, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_2(vmn_act_output_field, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_2(vmn_act_set_queue, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_2(vmn_act_group, REPLAY_ACTIONS, replay_take_group(r))
REPLAY_2(vmn_act_group_id, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_3(vmn_act_goto, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U32)
REPLAY_3(vmn_act_resubmit, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U32)
REPLAY_3(vmn_act_clone, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U32)
REPLAY_2(vmn_act_goto_hook, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_3(vmn_act_jump, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U32)
REPLAY_2(vmn_act_drop, REPLAY_ACTIONS, REPLAY_REASON)
REPLAY_2(vmn_act_drop_background, REPLAY_ACTIONS, REPLAY_REASON)

static void
replay_vmn_act_arp_reply(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_mac mac = call_take_mac(&r->in);
    struct vmn_ip ip = call_take_ip(&r->in);

    if (replay_is_good(r)) {
        vmn_act_arp_reply(a, mac, &ip);
    }
}

REPLAY_4(vmn_act_punt, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U32, REPLAY_U16)
REPLAY_3(vmn_act_learn_connection, REPLAY_ACTIONS, REPLAY_U16, REPLAY_U8)
REPLAY_3(vmn_act_count_pair, REPLAY_ACTIONS, REPLAY_U16, REPLAY_U8)
REPLAY_2(vmn_act_learn_neighbour, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_2(vmn_act_learn_mac, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_2(vmn_act_learn_holder, REPLAY_ACTIONS, REPLAY_U32)

static void
replay_vmn_act_learn_client(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_client client;

    client.eth_type = call_take_u16(&r->in);
    client.idle_s = call_take_u16(&r->in);
    client.from = call_take_u32(&r->in);
    if (replay_is_good(r)) {
        vmn_act_learn_client(a, &client);
    }
}

static void
replay_member(struct replay *r,
              void (*learn)(struct vmn_actions *, const struct vmn_member *))
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_member member;

    member.eth_type = call_take_u16(&r->in);
    member.hard_s = call_take_u16(&r->in);
    member.limit = call_take_u32(&r->in);
    member.from = call_take_u32(&r->in);
    if (replay_is_good(r)) {
        learn(a, &member);
    }
}

static void
replay_vmn_act_learn_member(struct replay *r)
{
    replay_member(r, vmn_act_learn_member);
}

static void
replay_vmn_act_learn_source(struct replay *r)
{
    replay_member(r, vmn_act_learn_source);
}

REPLAY_2(vmn_act_check_size, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_4(vmn_act_hash_client, REPLAY_ACTIONS, REPLAY_U16, REPLAY_U32,
         REPLAY_U32)
REPLAY_4(vmn_act_hash_connection, REPLAY_ACTIONS, REPLAY_U16, REPLAY_U32,
         REPLAY_U32)
REPLAY_4(vmn_act_limit, REPLAY_ACTIONS, REPLAY_TEXT, REPLAY_U32, REPLAY_U32)
REPLAY_4(vmn_act_limit_kbps, REPLAY_ACTIONS, REPLAY_TEXT, REPLAY_U32,
         REPLAY_U32)

static void
replay_vmn_act_copy(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_copy copy;

    copy.key = call_take_text(&r->in);
    copy.rate = call_take_u32(&r->in);
    copy.burst = call_take_u32(&r->in);
    copy.to = call_take_u32(&r->in);
    copy.stage = call_take_u32(&r->in);
    copy.table = call_take_u32(&r->in);
    copy.type = call_take_u32(&r->in);
    copy.name = call_take_text(&r->in);
    copy.max_size = call_take_u16(&r->in);
    if (replay_is_good(r)) {
        vmn_act_copy(a, &copy);
    }
}

static struct vmn_copy
take_copy_out(struct replay *r)
{
    struct vmn_copy copy = { .to = VMN_COPY_TO_TABLE };

    copy.key = call_take_text(&r->in);
    copy.rate = call_take_u32(&r->in);
    copy.burst = call_take_u32(&r->in);
    copy.max_size = call_take_u16(&r->in);
    return copy;
}

static void
replay_vmn_act_copy_to_port(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_copy copy = take_copy_out(r);
    uint32_t ofport = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_copy_to_port(a, &copy, ofport);
    }
}

static void
copy_to_tunnel(struct replay *r,
               void (*act)(struct vmn_actions *, const struct vmn_copy *,
                           const struct vmn_copy_tunnel *))
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_copy copy = take_copy_out(r);
    struct vmn_copy_tunnel tunnel;

    tunnel.encap = call_take_u32(&r->in);
    tunnel.remote = call_take_ip(&r->in);
    tunnel.key = call_take_u32(&r->in);
    tunnel.erspan_ver = call_take_u8(&r->in);
    tunnel.erspan_idx = call_take_u32(&r->in);
    tunnel.erspan_hwid = call_take_u8(&r->in);
    if (replay_is_good(r)) {
        act(a, &copy, &tunnel);
    }
}

static void
replay_vmn_act_copy_to_tunnel(struct replay *r)
{
    copy_to_tunnel(r, vmn_act_copy_to_tunnel);
}

static void
replay_vmn_act_copy_to_same_family(struct replay *r)
{
    copy_to_tunnel(r, vmn_act_copy_to_same_family);
}

static struct vmn_ct
take_ct(struct replay *r)
{
    struct vmn_ct ct;

    ct.commit = call_take_bool(&r->in);
    ct.zone = call_take_u32(&r->in);
    ct.nat = call_take_bool(&r->in);
    ct.dnat = call_take_ip(&r->in);
    ct.dnat_port = call_take_u16(&r->in);
    ct.snat = call_take_ip(&r->in);
    ct.snat_last = call_take_ip(&r->in);
    ct.then = call_take_u32(&r->in);
    ct.stage = call_take_u32(&r->in);
    ct.table = call_take_u32(&r->in);
    ct.mark = call_take_bool(&r->in);
    ct.mark_from = call_take_u32(&r->in);
    return ct;
}

static void
replay_vmn_act_ct(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_ct ct = take_ct(r);

    if (replay_is_good(r)) {
        vmn_act_ct(a, &ct);
    }
}

static void
replay_vmn_act_ct_snat_ports(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_ct ct = take_ct(r);
    uint16_t first = call_take_u16(&r->in);
    uint16_t last = call_take_u16(&r->in);

    if (replay_is_good(r)) {
        vmn_act_ct_snat_ports(a, &ct, first, last);
    }
}

REPLAY_4(vmn_act_conjunction, REPLAY_ACTIONS, REPLAY_U32, REPLAY_U32,
         REPLAY_U32)

const struct replay_call replay_action_calls[CALL_N] = {
    REPLAY_CALL(CALL_ACT_SET, vmn_act_set),
    REPLAY_CALL(CALL_ACT_SET_MASKED, vmn_act_set_masked),
    REPLAY_CALL(CALL_ACT_SET_MAC, vmn_act_set_mac),
    REPLAY_CALL(CALL_ACT_SET_IP, vmn_act_set_ip),
    REPLAY_CALL(CALL_ACT_MOVE, vmn_act_move),
    REPLAY_CALL(CALL_ACT_MOVE_BITS, vmn_act_move_bits),
    REPLAY_CALL(CALL_ACT_SWAP, vmn_act_swap),
    REPLAY_CALL(CALL_ACT_DEC_TTL, vmn_act_dec_ttl),
    REPLAY_CALL(CALL_ACT_OUTPUT, vmn_act_output),
    REPLAY_CALL(CALL_ACT_OUTPUT_FIELD, vmn_act_output_field),
    REPLAY_CALL(CALL_ACT_OUTPUT_IN_PORT, vmn_act_output_in_port),
    REPLAY_CALL(CALL_ACT_CLEAR_IN_PORT, vmn_act_clear_in_port),
    REPLAY_CALL(CALL_ACT_SET_QUEUE, vmn_act_set_queue),
    REPLAY_CALL(CALL_ACT_POP_QUEUE, vmn_act_pop_queue),
    REPLAY_CALL(CALL_ACT_GROUP, vmn_act_group),
    REPLAY_CALL(CALL_ACT_GROUP_ID, vmn_act_group_id),
    REPLAY_CALL(CALL_ACT_NEXT, vmn_act_next),
    REPLAY_CALL(CALL_ACT_GOTO, vmn_act_goto),
    REPLAY_CALL(CALL_ACT_RESUBMIT_NEXT, vmn_act_resubmit_next),
    REPLAY_CALL(CALL_ACT_RESUBMIT, vmn_act_resubmit),
    REPLAY_CALL(CALL_ACT_CLONE_NEXT, vmn_act_clone_next),
    REPLAY_CALL(CALL_ACT_CLONE, vmn_act_clone),
    REPLAY_CALL(CALL_ACT_GOTO_HOOK, vmn_act_goto_hook),
    REPLAY_CALL(CALL_ACT_JUMP, vmn_act_jump),
    REPLAY_CALL(CALL_ACT_RESTART, vmn_act_restart),
    REPLAY_CALL(CALL_ACT_DROP, vmn_act_drop),
    REPLAY_CALL(CALL_ACT_DROP_BACKGROUND, vmn_act_drop_background),
    REPLAY_CALL(CALL_ACT_ARP_REPLY, vmn_act_arp_reply),
    REPLAY_CALL(CALL_ACT_PUNT, vmn_act_punt),
    REPLAY_CALL(CALL_ACT_LEARN_CONNECTION, vmn_act_learn_connection),
    REPLAY_CALL(CALL_ACT_LEARN_NEIGHBOUR, vmn_act_learn_neighbour),
    REPLAY_CALL(CALL_ACT_FIND_NEIGHBOUR, vmn_act_find_neighbour),
    REPLAY_CALL(CALL_ACT_LEARN_MAC, vmn_act_learn_mac),
    REPLAY_CALL(CALL_ACT_FIND_MAC, vmn_act_find_mac),
    REPLAY_CALL(CALL_ACT_LEARN_CLIENT, vmn_act_learn_client),
    REPLAY_CALL(CALL_ACT_FIND_CLIENT, vmn_act_find_client),
    REPLAY_CALL(CALL_ACT_LEARN_HOLDER, vmn_act_learn_holder),
    REPLAY_CALL(CALL_ACT_FIND_HOLDER, vmn_act_find_holder),
    REPLAY_CALL(CALL_ACT_LEARN_MEMBER, vmn_act_learn_member),
    REPLAY_CALL(CALL_ACT_LEARN_SOURCE, vmn_act_learn_source),
    REPLAY_CALL(CALL_ACT_FIND_MEMBER, vmn_act_find_member),
    REPLAY_CALL(CALL_ACT_COUNT_PAIR, vmn_act_count_pair),
    REPLAY_CALL(CALL_ACT_CHECK_SIZE, vmn_act_check_size),
    REPLAY_CALL(CALL_ACT_HASH_CLIENT, vmn_act_hash_client),
    REPLAY_CALL(CALL_ACT_HASH_CONNECTION, vmn_act_hash_connection),
    REPLAY_CALL(CALL_ACT_LIMIT, vmn_act_limit),
    REPLAY_CALL(CALL_ACT_LIMIT_KBPS, vmn_act_limit_kbps),
    REPLAY_CALL(CALL_ACT_COPY, vmn_act_copy),
    REPLAY_CALL(CALL_ACT_COPY_TO_PORT, vmn_act_copy_to_port),
    REPLAY_CALL(CALL_ACT_COPY_TO_TUNNEL, vmn_act_copy_to_tunnel),
    REPLAY_CALL(CALL_ACT_COPY_TO_SAME_FAMILY, vmn_act_copy_to_same_family),
    REPLAY_CALL(CALL_ACT_CT, vmn_act_ct),
    REPLAY_CALL(CALL_ACT_CT_SNAT_PORTS, vmn_act_ct_snat_ports),
    REPLAY_CALL(CALL_ACT_CONJUNCTION, vmn_act_conjunction),
};
