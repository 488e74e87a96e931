/* SPDX-License-Identifier: Apache-2.0
 *
 * Replays the calls of a log that add actions; see replay-calls.h.  Not for
 * what the actions are of, nor for the log as a whole (replay-calls.c). */

#include <config.h>

#include "controller/worker/replay-private.h"

/* Actions without arguments. */
#define PLAIN_ACTION(NAME)                                      \
    static void                                                 \
    replay_##NAME(struct replay *r)                             \
    {                                                           \
        struct vmn_actions *a = replay_take_actions(r);         \
                                                                \
        if (replay_is_good(r)) {                                \
            vmn_act_##NAME(a);                                  \
        }                                                       \
    }
PLAIN_ACTION(dec_ttl)
PLAIN_ACTION(output_in_port)
PLAIN_ACTION(clear_in_port)
PLAIN_ACTION(pop_queue)
PLAIN_ACTION(next)
PLAIN_ACTION(resubmit_next)
PLAIN_ACTION(clone_next)
PLAIN_ACTION(restart)
PLAIN_ACTION(find_neighbour)
PLAIN_ACTION(find_mac)
PLAIN_ACTION(find_client)
PLAIN_ACTION(find_member)
#undef PLAIN_ACTION

static void
replay_set(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_field field = call_take_u32(&r->in);
    uint64_t value = call_take_u64(&r->in);

    if (replay_is_good(r)) {
        vmn_act_set(a, field, value);
    }
}

static void
replay_set_masked(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_field field = call_take_u32(&r->in);
    uint64_t value = call_take_u64(&r->in);
    uint64_t mask = call_take_u64(&r->in);

    if (replay_is_good(r)) {
        vmn_act_set_masked(a, field, value, mask);
    }
}

static void
replay_set_mac(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_field field = call_take_u32(&r->in);
    struct vmn_mac mac = call_take_mac(&r->in);

    if (replay_is_good(r)) {
        vmn_act_set_mac(a, field, mac);
    }
}

static void
replay_set_ip(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_field field = call_take_u32(&r->in);
    struct vmn_ip ip = call_take_ip(&r->in);

    if (replay_is_good(r)) {
        vmn_act_set_ip(a, field, &ip);
    }
}

static void
replay_move(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_field from = call_take_u32(&r->in);
    enum vmn_field to = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_move(a, from, to);
    }
}

static void
replay_move_bits(struct replay *r)
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

static void
replay_swap(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_field x = call_take_u32(&r->in);
    enum vmn_field y = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_swap(a, x, y);
    }
}

static void
replay_output(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t ofport = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_output(a, ofport);
    }
}

static void
replay_output_field(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_field reg = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_output_field(a, reg);
    }
}

static void
replay_set_queue(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t queue = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_set_queue(a, queue);
    }
}

static void
replay_group(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_group_msg *group = replay_take_group(r);

    if (replay_is_good(r)) {
        vmn_act_group(a, group);
    }
}

static void
replay_group_id(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t group_id = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_group_id(a, group_id);
    }
}

static void
replay_goto(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t stage = call_take_u32(&r->in);
    uint32_t table = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_goto(a, stage, table);
    }
}

static void
replay_resubmit(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t stage = call_take_u32(&r->in);
    uint32_t table = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_resubmit(a, stage, table);
    }
}

static void
replay_clone(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t stage = call_take_u32(&r->in);
    uint32_t table = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_clone(a, stage, table);
    }
}

static void
replay_goto_hook(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_hook hook = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_goto_hook(a, hook);
    }
}

static void
replay_jump(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t stage = call_take_u32(&r->in);
    uint32_t table = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_jump(a, stage, table);
    }
}

static void
replay_drop(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    const char *reason = replay_take_reason(r);

    if (replay_is_good(r)) {
        vmn_act_drop(a, reason);
    }
}

static void
replay_drop_background(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    const char *reason = replay_take_reason(r);

    if (replay_is_good(r)) {
        vmn_act_drop_background(a, reason);
    }
}

static void
replay_arp_reply(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_mac mac = call_take_mac(&r->in);
    struct vmn_ip ip = call_take_ip(&r->in);

    if (replay_is_good(r)) {
        vmn_act_arp_reply(a, mac, &ip);
    }
}

static void
replay_punt(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t handler = call_take_u32(&r->in);
    uint32_t arg = call_take_u32(&r->in);
    uint16_t max_size = call_take_u16(&r->in);

    if (replay_is_good(r)) {
        vmn_act_punt(a, handler, arg, max_size);
    }
}

static void
replay_learn_connection(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint16_t eth_type = call_take_u16(&r->in);
    uint8_t ip_proto = call_take_u8(&r->in);

    if (replay_is_good(r)) {
        vmn_act_learn_connection(a, eth_type, ip_proto);
    }
}

static void
replay_count_pair(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint16_t eth_type = call_take_u16(&r->in);
    bool by_source = call_take_u8(&r->in) != 0;

    if (replay_is_good(r)) {
        vmn_act_count_pair(a, eth_type, by_source);
    }
}

static void
replay_learn_neighbour(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    enum vmn_neighbour from = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_learn_neighbour(a, from);
    }
}

static void
replay_learn_mac(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t value = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_learn_mac(a, value);
    }
}

static void
replay_learn_client(struct replay *r)
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
replay_learn_member(struct replay *r)
{
    replay_member(r, vmn_act_learn_member);
}

static void
replay_learn_source(struct replay *r)
{
    replay_member(r, vmn_act_learn_source);
}

static void
replay_check_size(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t mtu = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_check_size(a, mtu);
    }
}

static void
replay_hash_client(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint16_t basis = call_take_u16(&r->in);
    enum vmn_field reg = call_take_u32(&r->in);
    uint32_t n = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_hash_client(a, basis, reg, n);
    }
}

static void
replay_hash_connection(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint16_t basis = call_take_u16(&r->in);
    enum vmn_field reg = call_take_u32(&r->in);
    uint32_t n = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_hash_connection(a, basis, reg, n);
    }
}

static void
replay_limit_by(struct replay *r, void (*act)(struct vmn_actions *,
                                              const char *, uint32_t,
                                              uint32_t))
{
    struct vmn_actions *a = replay_take_actions(r);
    const char *key = call_take_text(&r->in);
    uint32_t rate = call_take_u32(&r->in);
    uint32_t burst = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        act(a, key, rate, burst);
    }
}

static void
replay_limit(struct replay *r)
{
    replay_limit_by(r, vmn_act_limit);
}

static void
replay_limit_kbps(struct replay *r)
{
    replay_limit_by(r, vmn_act_limit_kbps);
}

static void
replay_copy(struct replay *r)
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
replay_copy_to_port(struct replay *r)
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
replay_copy_to_tunnel(struct replay *r)
{
    copy_to_tunnel(r, vmn_act_copy_to_tunnel);
}

static void
replay_copy_to_same_family(struct replay *r)
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
replay_ct(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_ct ct = take_ct(r);

    if (replay_is_good(r)) {
        vmn_act_ct(a, &ct);
    }
}

static void
replay_ct_snat_ports(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    struct vmn_ct ct = take_ct(r);
    uint16_t first = call_take_u16(&r->in);
    uint16_t last = call_take_u16(&r->in);

    if (replay_is_good(r)) {
        vmn_act_ct_snat_ports(a, &ct, first, last);
    }
}

static void
replay_conjunction(struct replay *r)
{
    struct vmn_actions *a = replay_take_actions(r);
    uint32_t id = call_take_u32(&r->in);
    uint32_t clause = call_take_u32(&r->in);
    uint32_t n_clauses = call_take_u32(&r->in);

    if (replay_is_good(r)) {
        vmn_act_conjunction(a, id, clause, n_clauses);
    }
}

const struct replay_call replay_action_calls[CALL_N] = {
    [CALL_ACT_SET] = { "vmn_act_set", replay_set },
    [CALL_ACT_SET_MASKED] = { "vmn_act_set_masked", replay_set_masked },
    [CALL_ACT_SET_MAC] = { "vmn_act_set_mac", replay_set_mac },
    [CALL_ACT_SET_IP] = { "vmn_act_set_ip", replay_set_ip },
    [CALL_ACT_MOVE] = { "vmn_act_move", replay_move },
    [CALL_ACT_MOVE_BITS] = { "vmn_act_move_bits", replay_move_bits },
    [CALL_ACT_SWAP] = { "vmn_act_swap", replay_swap },
    [CALL_ACT_DEC_TTL] = { "vmn_act_dec_ttl", replay_dec_ttl },
    [CALL_ACT_OUTPUT] = { "vmn_act_output", replay_output },
    [CALL_ACT_OUTPUT_FIELD] = { "vmn_act_output_field", replay_output_field },
    [CALL_ACT_OUTPUT_IN_PORT] = { "vmn_act_output_in_port",
                                  replay_output_in_port },
    [CALL_ACT_CLEAR_IN_PORT] = { "vmn_act_clear_in_port",
                                 replay_clear_in_port },
    [CALL_ACT_SET_QUEUE] = { "vmn_act_set_queue", replay_set_queue },
    [CALL_ACT_POP_QUEUE] = { "vmn_act_pop_queue", replay_pop_queue },
    [CALL_ACT_GROUP] = { "vmn_act_group", replay_group },
    [CALL_ACT_GROUP_ID] = { "vmn_act_group_id", replay_group_id },
    [CALL_ACT_NEXT] = { "vmn_act_next", replay_next },
    [CALL_ACT_GOTO] = { "vmn_act_goto", replay_goto },
    [CALL_ACT_RESUBMIT_NEXT] = { "vmn_act_resubmit_next",
                                 replay_resubmit_next },
    [CALL_ACT_RESUBMIT] = { "vmn_act_resubmit", replay_resubmit },
    [CALL_ACT_CLONE_NEXT] = { "vmn_act_clone_next", replay_clone_next },
    [CALL_ACT_CLONE] = { "vmn_act_clone", replay_clone },
    [CALL_ACT_GOTO_HOOK] = { "vmn_act_goto_hook", replay_goto_hook },
    [CALL_ACT_JUMP] = { "vmn_act_jump", replay_jump },
    [CALL_ACT_RESTART] = { "vmn_act_restart", replay_restart },
    [CALL_ACT_DROP] = { "vmn_act_drop", replay_drop },
    [CALL_ACT_DROP_BACKGROUND] = { "vmn_act_drop_background",
                                   replay_drop_background },
    [CALL_ACT_ARP_REPLY] = { "vmn_act_arp_reply", replay_arp_reply },
    [CALL_ACT_PUNT] = { "vmn_act_punt", replay_punt },
    [CALL_ACT_LEARN_CONNECTION] = { "vmn_act_learn_connection",
                                    replay_learn_connection },
    [CALL_ACT_LEARN_NEIGHBOUR] = { "vmn_act_learn_neighbour",
                                   replay_learn_neighbour },
    [CALL_ACT_FIND_NEIGHBOUR] = { "vmn_act_find_neighbour",
                                  replay_find_neighbour },
    [CALL_ACT_LEARN_MAC] = { "vmn_act_learn_mac", replay_learn_mac },
    [CALL_ACT_FIND_MAC] = { "vmn_act_find_mac", replay_find_mac },
    [CALL_ACT_LEARN_CLIENT] = { "vmn_act_learn_client", replay_learn_client },
    [CALL_ACT_FIND_CLIENT] = { "vmn_act_find_client", replay_find_client },
    [CALL_ACT_LEARN_MEMBER] = { "vmn_act_learn_member", replay_learn_member },
    [CALL_ACT_LEARN_SOURCE] = { "vmn_act_learn_source", replay_learn_source },
    [CALL_ACT_FIND_MEMBER] = { "vmn_act_find_member", replay_find_member },
    [CALL_ACT_COUNT_PAIR] = { "vmn_act_count_pair", replay_count_pair },
    [CALL_ACT_CHECK_SIZE] = { "vmn_act_check_size", replay_check_size },
    [CALL_ACT_HASH_CLIENT] = { "vmn_act_hash_client", replay_hash_client },
    [CALL_ACT_HASH_CONNECTION] = { "vmn_act_hash_connection",
                                   replay_hash_connection },
    [CALL_ACT_LIMIT] = { "vmn_act_limit", replay_limit },
    [CALL_ACT_LIMIT_KBPS] = { "vmn_act_limit_kbps", replay_limit_kbps },
    [CALL_ACT_COPY] = { "vmn_act_copy", replay_copy },
    [CALL_ACT_COPY_TO_PORT] = { "vmn_act_copy_to_port", replay_copy_to_port },
    [CALL_ACT_COPY_TO_TUNNEL] = { "vmn_act_copy_to_tunnel",
                                  replay_copy_to_tunnel },
    [CALL_ACT_COPY_TO_SAME_FAMILY] = { "vmn_act_copy_to_same_family",
                                       replay_copy_to_same_family },
    [CALL_ACT_CT] = { "vmn_act_ct", replay_ct },
    [CALL_ACT_CT_SNAT_PORTS] = { "vmn_act_ct_snat_ports",
                                 replay_ct_snat_ports },
    [CALL_ACT_CONJUNCTION] = { "vmn_act_conjunction", replay_conjunction },
};
