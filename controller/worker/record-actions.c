/* SPDX-License-Identifier: Apache-2.0
 *
 * Recording actions, as apps emit them in an app's worker; see record-calls.h.
 * Not for flows and groups, whose actions they are, nor for matches
 * (record-calls.c). */

#include <config.h>

#include "controller/worker/record-calls.h"

#include "controller/worker/record-private.h"
#include "vmn/app.h"

#define PLAIN_ACTION(NAME, CALL)                \
    void                                        \
    NAME(struct vmn_actions *a)                 \
    {                                           \
        record_action(a, CALL);                 \
    }
PLAIN_ACTION(vmn_act_dec_ttl, CALL_ACT_DEC_TTL)
PLAIN_ACTION(vmn_act_output_in_port, CALL_ACT_OUTPUT_IN_PORT)
PLAIN_ACTION(vmn_act_clear_in_port, CALL_ACT_CLEAR_IN_PORT)
PLAIN_ACTION(vmn_act_pop_queue, CALL_ACT_POP_QUEUE)
PLAIN_ACTION(vmn_act_next, CALL_ACT_NEXT)
PLAIN_ACTION(vmn_act_resubmit_next, CALL_ACT_RESUBMIT_NEXT)
PLAIN_ACTION(vmn_act_clone_next, CALL_ACT_CLONE_NEXT)
PLAIN_ACTION(vmn_act_restart, CALL_ACT_RESTART)
PLAIN_ACTION(vmn_act_find_neighbour, CALL_ACT_FIND_NEIGHBOUR)
PLAIN_ACTION(vmn_act_find_mac, CALL_ACT_FIND_MAC)
PLAIN_ACTION(vmn_act_find_client, CALL_ACT_FIND_CLIENT)
PLAIN_ACTION(vmn_act_find_holder, CALL_ACT_FIND_HOLDER)
PLAIN_ACTION(vmn_act_find_member, CALL_ACT_FIND_MEMBER)

/* Actions with arguments: the type of each, and what records it. */
#define ACTION_1(NAME, CALL, A, PUT_A)                                  \
    void                                                                \
    NAME(struct vmn_actions *actions, A a)                              \
    {                                                                   \
        PUT_A(record_action(actions, CALL), a);                         \
    }
#define ACTION_2(NAME, CALL, A, PUT_A, B, PUT_B)                        \
    void                                                                \
    NAME(struct vmn_actions *actions, A a, B b)                         \
    {                                                                   \
        struct call_log *log = record_action(actions, CALL);            \
                                                                        \
        PUT_A(log, a);                                                  \
        PUT_B(log, b);                                                  \
    }
#define ACTION_3(NAME, CALL, A, PUT_A, B, PUT_B, C, PUT_C)              \
    void                                                                \
    NAME(struct vmn_actions *actions, A a, B b, C c)                    \
    {                                                                   \
        struct call_log *log = record_action(actions, CALL);            \
                                                                        \
        PUT_A(log, a);                                                  \
        PUT_B(log, b);                                                  \
        PUT_C(log, c);                                                  \
    }
#define FIELD enum vmn_field, call_put_u32
#define UNSIGNED unsigned, call_put_u32
#define U8 uint8_t, call_put_u8
#define U16 uint16_t, call_put_u16
#define U32 uint32_t, call_put_u32
#define U64 uint64_t, call_put_u64
#define TEXT const char *, call_put_text
#define RECORD_1(NAME, CALL, ...) ACTION_1(NAME, CALL, __VA_ARGS__)
#define RECORD_2(NAME, CALL, ...) ACTION_2(NAME, CALL, __VA_ARGS__)
#define RECORD_3(NAME, CALL, ...) ACTION_3(NAME, CALL, __VA_ARGS__)
RECORD_1(vmn_act_output, CALL_ACT_OUTPUT, U32)
RECORD_1(vmn_act_output_field, CALL_ACT_OUTPUT_FIELD, FIELD)
RECORD_1(vmn_act_set_queue, CALL_ACT_SET_QUEUE, U32)
RECORD_1(vmn_act_goto_hook, CALL_ACT_GOTO_HOOK, enum vmn_hook, call_put_u32)
RECORD_1(vmn_act_group_id, CALL_ACT_GROUP_ID, U32)
RECORD_1(vmn_act_learn_neighbour, CALL_ACT_LEARN_NEIGHBOUR,
         enum vmn_neighbour, call_put_u32)
RECORD_1(vmn_act_learn_mac, CALL_ACT_LEARN_MAC, U32)
RECORD_1(vmn_act_learn_holder, CALL_ACT_LEARN_HOLDER, U32)
RECORD_1(vmn_act_check_size, CALL_ACT_CHECK_SIZE, U32)
RECORD_1(vmn_act_drop, CALL_ACT_DROP, TEXT)
RECORD_1(vmn_act_drop_background, CALL_ACT_DROP_BACKGROUND, TEXT)
RECORD_2(vmn_act_goto, CALL_ACT_GOTO, UNSIGNED, UNSIGNED)
RECORD_2(vmn_act_resubmit, CALL_ACT_RESUBMIT, UNSIGNED, UNSIGNED)
RECORD_2(vmn_act_clone, CALL_ACT_CLONE, UNSIGNED, UNSIGNED)
RECORD_2(vmn_act_jump, CALL_ACT_JUMP, UNSIGNED, UNSIGNED)
RECORD_2(vmn_act_move, CALL_ACT_MOVE, FIELD, FIELD)
RECORD_2(vmn_act_swap, CALL_ACT_SWAP, FIELD, FIELD)
RECORD_2(vmn_act_set, CALL_ACT_SET, FIELD, U64)
RECORD_2(vmn_act_set_mac, CALL_ACT_SET_MAC, FIELD, struct vmn_mac,
         call_put_mac)
RECORD_2(vmn_act_learn_connection, CALL_ACT_LEARN_CONNECTION, U16, U8)
RECORD_2(vmn_act_count_pair, CALL_ACT_COUNT_PAIR, U16, bool, call_put_u8)
RECORD_3(vmn_act_set_masked, CALL_ACT_SET_MASKED, FIELD, U64, U64)
RECORD_3(vmn_act_punt, CALL_ACT_PUNT, UNSIGNED, U32, U16)
RECORD_3(vmn_act_hash_client, CALL_ACT_HASH_CLIENT, U16, FIELD, U32)
RECORD_3(vmn_act_hash_connection, CALL_ACT_HASH_CONNECTION, U16, FIELD, U32)
RECORD_3(vmn_act_limit, CALL_ACT_LIMIT, TEXT, U32, U32)
RECORD_3(vmn_act_limit_kbps, CALL_ACT_LIMIT_KBPS, TEXT, U32, U32)
RECORD_3(vmn_act_conjunction, CALL_ACT_CONJUNCTION, U32, UNSIGNED, UNSIGNED)

void
vmn_act_set_ip(struct vmn_actions *a, enum vmn_field field,
               const struct vmn_ip *ip)
{
    struct call_log *log;

    if (!record_is_missing(a->recorder, ip, __func__)) {
        log = record_action(a, CALL_ACT_SET_IP);
        call_put_u32(log, field);
        call_put_ip(log, ip);
    }
}

void
vmn_act_move_bits(struct vmn_actions *a, enum vmn_field from,
                  unsigned from_bit, enum vmn_field to, unsigned to_bit,
                  unsigned n_bits)
{
    struct call_log *log = record_action(a, CALL_ACT_MOVE_BITS);

    call_put_u32(log, from);
    call_put_u32(log, from_bit);
    call_put_u32(log, to);
    call_put_u32(log, to_bit);
    call_put_u32(log, n_bits);
}

void
vmn_act_group(struct vmn_actions *a, const struct vmn_group_msg *group)
{
    if (!record_is_missing(a->recorder, group, __func__)) {
        call_put_u32(record_action(a, CALL_ACT_GROUP), group->number);
    }
}

void
vmn_act_arp_reply(struct vmn_actions *a, struct vmn_mac mac,
                  const struct vmn_ip *ip)
{
    struct call_log *log;

    if (!record_is_missing(a->recorder, ip, __func__)) {
        log = record_action(a, CALL_ACT_ARP_REPLY);
        call_put_mac(log, mac);
        call_put_ip(log, ip);
    }
}

void
vmn_act_learn_client(struct vmn_actions *a, const struct vmn_client *client)
{
    struct call_log *log;

    if (!record_is_missing(a->recorder, client, __func__)) {
        log = record_action(a, CALL_ACT_LEARN_CLIENT);
        call_put_u16(log, client->eth_type);
        call_put_u16(log, client->idle_s);
        call_put_u32(log, client->from);
    }
}

static void
put_member(struct vmn_actions *a, const struct vmn_member *member,
           enum call call, const char *function)
{
    struct call_log *log;

    if (!record_is_missing(a->recorder, member, function)) {
        log = record_action(a, call);
        call_put_u16(log, member->eth_type);
        call_put_u16(log, member->hard_s);
        call_put_u32(log, member->limit);
        call_put_u32(log, member->from);
    }
}

void
vmn_act_learn_member(struct vmn_actions *a, const struct vmn_member *member)
{
    put_member(a, member, CALL_ACT_LEARN_MEMBER, __func__);
}

void
vmn_act_learn_source(struct vmn_actions *a, const struct vmn_member *member)
{
    put_member(a, member, CALL_ACT_LEARN_SOURCE, __func__);
}

void
vmn_act_copy(struct vmn_actions *a, const struct vmn_copy *copy)
{
    struct call_log *log;

    if (!record_is_missing(a->recorder, copy, __func__)) {
        log = record_action(a, CALL_ACT_COPY);
        call_put_text(log, copy->key);
        call_put_u32(log, copy->rate);
        call_put_u32(log, copy->burst);
        call_put_u32(log, copy->to);
        call_put_u32(log, copy->stage);
        call_put_u32(log, copy->table);
        call_put_u32(log, copy->type);
        call_put_text(log, copy->name);
        call_put_u16(log, copy->max_size);
    }
}

static void
put_copy_out(struct call_log *log, const struct vmn_copy *copy)
{
    call_put_text(log, copy->key);
    call_put_u32(log, copy->rate);
    call_put_u32(log, copy->burst);
    call_put_u16(log, copy->max_size);
}

void
vmn_act_copy_to_port(struct vmn_actions *a, const struct vmn_copy *copy,
                     uint32_t ofport)
{
    struct call_log *log;

    if (!record_is_missing(a->recorder, copy, __func__)) {
        log = record_action(a, CALL_ACT_COPY_TO_PORT);
        put_copy_out(log, copy);
        call_put_u32(log, ofport);
    }
}

static void
copy_to_tunnel(struct vmn_actions *a, const struct vmn_copy *copy,
               const struct vmn_copy_tunnel *tunnel, unsigned call,
               const char *name)
{
    struct call_log *log;

    if (!record_is_missing(a->recorder, copy, name)
        && !record_is_missing(a->recorder, tunnel, name)) {
        log = record_action(a, call);
        put_copy_out(log, copy);
        call_put_u32(log, tunnel->encap);
        call_put_ip(log, &tunnel->remote);
        call_put_u32(log, tunnel->key);
        call_put_u8(log, tunnel->erspan_ver);
        call_put_u32(log, tunnel->erspan_idx);
        call_put_u8(log, tunnel->erspan_hwid);
    }
}

void
vmn_act_copy_to_tunnel(struct vmn_actions *a, const struct vmn_copy *copy,
                       const struct vmn_copy_tunnel *tunnel)
{
    copy_to_tunnel(a, copy, tunnel, CALL_ACT_COPY_TO_TUNNEL, __func__);
}

void
vmn_act_copy_to_same_family(struct vmn_actions *a,
                            const struct vmn_copy *copy,
                            const struct vmn_copy_tunnel *tunnel)
{
    copy_to_tunnel(a, copy, tunnel, CALL_ACT_COPY_TO_SAME_FAMILY, __func__);
}

static void
put_ct(struct call_log *log, const struct vmn_ct *ct)
{
    call_put_u8(log, ct->commit);
    call_put_u32(log, ct->zone);
    call_put_u8(log, ct->nat);
    call_put_ip(log, &ct->dnat);
    call_put_u16(log, ct->dnat_port);
    call_put_ip(log, &ct->snat);
    call_put_ip(log, &ct->snat_last);
    call_put_u32(log, ct->then);
    call_put_u32(log, ct->stage);
    call_put_u32(log, ct->table);
    call_put_u8(log, ct->mark);
    call_put_u32(log, ct->mark_from);
}

void
vmn_act_ct(struct vmn_actions *a, const struct vmn_ct *ct)
{
    if (!record_is_missing(a->recorder, ct, __func__)) {
        put_ct(record_action(a, CALL_ACT_CT), ct);
    }
}

void
vmn_act_ct_snat_ports(struct vmn_actions *a, const struct vmn_ct *ct,
                      uint16_t first, uint16_t last)
{
    struct call_log *log;

    if (!record_is_missing(a->recorder, ct, __func__)) {
        log = record_action(a, CALL_ACT_CT_SNAT_PORTS);
        put_ct(log, ct);
        call_put_u16(log, first);
        call_put_u16(log, last);
    }
}
