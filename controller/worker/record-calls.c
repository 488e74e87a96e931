/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions by which apps emit and send, as they are in an app's worker;
 * see record-calls.h.  Of their arguments only what cannot be recorded is
 * looked at here: vmnd checks them, as those of apps of its own. */

#include <config.h>

#include "controller/worker/record-calls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util.h"
#include "vmn/app.h"

/* What apps point to.  --------------------------------------------------- */

struct vmn_actions {
    struct recorder *recorder;
    uint32_t number;            /* Of the flow, or bucket with CALL_BUCKET. */
};

struct vmn_flow {
    struct vmn_actions actions;
};

struct vmn_group_msg {
    struct recorder *recorder;
    uint32_t number;
};

union handle {
    struct vmn_flow flow;
    struct vmn_actions bucket;
    struct vmn_group_msg group;
};

struct handles {
    struct handles *next;
    size_t n;
    union handle handles[512];
};

static union handle *
handle_create(struct recorder *r)
{
    struct handles *last = r->handles;

    if (r->log.closed && last && last->n) {
        return &last->handles[0]; /* Nothing is recorded any more. */
    }
    if (!last || last->n >= ARRAY_SIZE(last->handles)) {
        last = xmalloc(sizeof *last);
        last->next = r->handles;
        last->n = 0;
        r->handles = last;
    }
    return &last->handles[last->n++];
}

/* Frees all but the oldest 'n_kept' of them. */
static void
handles_free(struct recorder *r, size_t n_kept)
{
    while (r->handles && (!n_kept || r->handles->next)) {
        struct handles *next = r->handles->next;

        free(r->handles);
        r->handles = next;
    }
    if (r->handles) {
        r->handles->n = 0;
    }
}

/* A computation.  --------------------------------------------------------- */

void
recorder_init(struct recorder *r)
{
    memset(r, 0, sizeof *r);
    call_log_init(&r->log);
    r->emit.recorder = r->packets.recorder = r;
}

void
recorder_uninit(struct recorder *r)
{
    handles_free(r, 0);
    call_log_uninit(&r->log);
}

void
record_begin(struct recorder *r)
{
    call_log_clear(&r->log);
    handles_free(r, 1);
    r->n_flows = r->n_groups = r->n_buckets = 0;
}

const void *
record_end(struct recorder *r, size_t *size)
{
    if (r->log.too_long) {
        call_log_clear(&r->log);
        call_put_u8(&r->log, CALL_FAIL);
        call_put_text(&r->log, "what is emitted is more than 64 MiB");
    }
    *size = r->log.size;
    return r->log.data;
}

/* Recording a call.  ------------------------------------------------------ */

static struct call_log *
begin(struct recorder *r, enum call call)
{
    call_put_u8(&r->log, call);
    return &r->log;
}

static struct call_log *
begin_numbered(struct recorder *r, enum call call, uint32_t number)
{
    uint8_t head[5] = { call };

    memcpy(head + 1, &number, sizeof number);
    call_put(&r->log, head, sizeof head);
    return &r->log;
}

static struct call_log *
begin_flow(const struct vmn_flow *flow, enum call call)
{
    return begin_numbered(flow->actions.recorder, call, flow->actions.number);
}

static struct call_log *
begin_actions(const struct vmn_actions *a, enum call call)
{
    return begin_numbered(a->recorder, call, a->number);
}

static struct call_log *
begin_group(const struct vmn_group_msg *group, enum call call)
{
    return begin_numbered(group->recorder, call, group->number);
}

/* Fails the unit: what comes after that matters to nobody. */
static void
record_failure(struct recorder *r, const char *text)
{
    call_put_text(begin(r, CALL_FAIL), text);
    call_log_close(&r->log);
}

/* Returns true for an argument that is NULL, where the real function would
 * crash. */
static bool
is_missing(struct recorder *r, const void *argument, const char *function)
{
    char text[100];

    if (argument) {
        return false;
    }
    snprintf(text, sizeof text, "%s() was given NULL", function);
    record_failure(r, text);
    return true;
}

/* The text becomes what can be recorded: of a limited length, without control
 * characters. */
void
vmn_fail(struct vmn_emit *emit, const char *format, ...)
{
    char text[CALL_TEXT_MAX + 1];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length >= (int) sizeof text) {
        size_t n = sizeof text - 1;

        /* Not in the midst of a character. */
        while (n && (uint8_t) text[n - 1] >= 0x80) {
            n--;
        }
        text[n] = '\0';
    }
    for (char *p = text; *p; p++) {
        if ((uint8_t) *p < 0x20 || *p == 0x7f) {
            *p = ' ';
        }
    }
    record_failure(emit->recorder, text);
}

static void
put_scope(struct call_log *log, const struct vmn_scope *scope)
{
    call_put_u32(log, scope->kind);
    call_put_text(log, scope->relation);
    call_put_text(log, scope->key);
}

/* Flows and groups.  ------------------------------------------------------ */

struct vmn_flow *
vmn_flow_add(struct vmn_emit *emit, struct vmn_scope scope, unsigned stage,
             unsigned table, uint16_t priority)
{
    struct recorder *r = emit->recorder;
    struct vmn_flow *flow = &handle_create(r)->flow;
    struct call_log *log = begin(r, CALL_FLOW_ADD);

    put_scope(log, &scope);
    call_put_u32(log, stage);
    call_put_u32(log, table);
    call_put_u16(log, priority);
    flow->actions.recorder = r;
    flow->actions.number = r->n_flows++;
    return flow;
}

struct vmn_actions *
vmn_flow_actions(struct vmn_flow *flow)
{
    return &flow->actions;
}

void
vmn_flow_count(struct vmn_flow *flow)
{
    begin_flow(flow, CALL_FLOW_COUNT);
}

void
vmn_flow_count_part(struct vmn_flow *flow, uint32_t part)
{
    call_put_u32(begin_flow(flow, CALL_FLOW_COUNT_PART), part);
}

void
vmn_flow_log(struct vmn_flow *flow)
{
    begin_flow(flow, CALL_FLOW_LOG);
}

struct vmn_group_msg *
vmn_group_add(struct vmn_emit *emit, struct vmn_scope scope,
              enum vmn_group_type type, const char *key)
{
    struct recorder *r = emit->recorder;
    struct vmn_group_msg *group = &handle_create(r)->group;
    struct call_log *log = begin(r, CALL_GROUP_ADD);

    put_scope(log, &scope);
    call_put_u32(log, type);
    call_put_text(log, key);
    group->recorder = r;
    group->number = r->n_groups++;
    return group;
}

struct vmn_actions *
vmn_bucket_add(struct vmn_group_msg *group, uint32_t bucket_id,
               uint16_t weight)
{
    struct recorder *r = group->recorder;
    struct vmn_actions *bucket = &handle_create(r)->bucket;
    struct call_log *log = begin_group(group, CALL_BUCKET_ADD);

    call_put_u32(log, bucket_id);
    call_put_u16(log, weight);
    bucket->recorder = r;
    bucket->number = CALL_BUCKET | r->n_buckets++;
    return bucket;
}

void
vmn_bucket_count_part(struct vmn_actions *bucket, uint32_t part)
{
    call_put_u32(begin_actions(bucket, CALL_BUCKET_COUNT_PART), part);
}

void
vmn_bucket_watch(struct vmn_actions *bucket, uint32_t ofport)
{
    call_put_u32(begin_actions(bucket, CALL_BUCKET_WATCH), ofport);
}

void
vmn_group_hash_client(struct vmn_group_msg *group, unsigned family)
{
    call_put_u32(begin_group(group, CALL_GROUP_HASH_CLIENT), family);
}

void
vmn_publish(struct vmn_emit *emit, const char *relation, const char *key,
            const char *value)
{
    struct call_log *log = begin(emit->recorder, CALL_PUBLISH);

    call_put_text(log, relation);
    call_put_text(log, key);
    call_put_text(log, value);
}

void
vmn_arp_nd_respond(struct vmn_emit *emit,
                   const struct vmn_arp_nd_responder *by,
                   const struct vmn_ip *ip)
{
    struct call_log *log;

    if (is_missing(emit->recorder, by, __func__)
        || is_missing(emit->recorder, ip, __func__)) {
        return;
    }
    log = begin(emit->recorder, CALL_ARP_ND_RESPOND);
    put_scope(log, &by->scope);
    call_put_u32(log, by->stage);
    call_put_u32(log, by->table);
    call_put_u16(log, by->priority);
    call_put_u32(log, by->vni);
    call_put_mac(log, by->mac);
    call_put_u32(log, by->handler);
    call_put_u32(log, by->arg);
    call_put_ip(log, ip);
}

/* Matches.  --------------------------------------------------------------- */

void
vmn_match(struct vmn_flow *flow, enum vmn_field field, uint64_t value)
{
    struct call_log *log = begin_flow(flow, CALL_MATCH);

    call_put_u32(log, field);
    call_put_u64(log, value);
}

void
vmn_match_masked(struct vmn_flow *flow, enum vmn_field field, uint64_t value,
                 uint64_t mask)
{
    struct call_log *log = begin_flow(flow, CALL_MATCH_MASKED);

    call_put_u32(log, field);
    call_put_u64(log, value);
    call_put_u64(log, mask);
}

void
vmn_match_mac(struct vmn_flow *flow, enum vmn_field field, struct vmn_mac mac)
{
    struct call_log *log = begin_flow(flow, CALL_MATCH_MAC);

    call_put_u32(log, field);
    call_put_mac(log, mac);
}

void
vmn_match_low_bits(struct vmn_flow *flow, enum vmn_field field,
                   uint32_t value, unsigned n_bits)
{
    struct call_log *log = begin_flow(flow, CALL_MATCH_LOW_BITS);

    call_put_u32(log, field);
    call_put_u32(log, value);
    call_put_u32(log, n_bits);
}

void
vmn_match_prefix(struct vmn_flow *flow, enum vmn_field field,
                 const struct vmn_prefix *prefix)
{
    struct call_log *log;

    if (!is_missing(flow->actions.recorder, prefix, __func__)) {
        log = begin_flow(flow, CALL_MATCH_PREFIX);
        call_put_u32(log, field);
        call_put_prefix(log, prefix);
    }
}

void
vmn_match_ip(struct vmn_flow *flow, enum vmn_field field,
             const struct vmn_ip *ip)
{
    struct call_log *log;

    if (!is_missing(flow->actions.recorder, ip, __func__)) {
        log = begin_flow(flow, CALL_MATCH_IP);
        call_put_u32(log, field);
        call_put_ip(log, ip);
    }
}

/* Actions.  --------------------------------------------------------------- */

#define PLAIN_ACTION(NAME, CALL)                \
    void                                        \
    NAME(struct vmn_actions *a)                 \
    {                                           \
        begin_actions(a, CALL);                 \
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
PLAIN_ACTION(vmn_act_find_member, CALL_ACT_FIND_MEMBER)

#define U32_ACTION(NAME, CALL, TYPE)                    \
    void                                                \
    NAME(struct vmn_actions *a, TYPE argument)          \
    {                                                   \
        call_put_u32(begin_actions(a, CALL), argument); \
    }
U32_ACTION(vmn_act_output, CALL_ACT_OUTPUT, uint32_t)
U32_ACTION(vmn_act_output_field, CALL_ACT_OUTPUT_FIELD, enum vmn_field)
U32_ACTION(vmn_act_set_queue, CALL_ACT_SET_QUEUE, uint32_t)
U32_ACTION(vmn_act_goto_hook, CALL_ACT_GOTO_HOOK, enum vmn_hook)
U32_ACTION(vmn_act_group_id, CALL_ACT_GROUP_ID, uint32_t)
U32_ACTION(vmn_act_learn_neighbour, CALL_ACT_LEARN_NEIGHBOUR,
           enum vmn_neighbour)
U32_ACTION(vmn_act_learn_mac, CALL_ACT_LEARN_MAC, uint32_t)
U32_ACTION(vmn_act_check_size, CALL_ACT_CHECK_SIZE, uint32_t)

#define TABLE_ACTION(NAME, CALL)                                        \
    void                                                                \
    NAME(struct vmn_actions *a, unsigned stage, unsigned table)         \
    {                                                                   \
        struct call_log *log = begin_actions(a, CALL);                  \
                                                                        \
        call_put_u32(log, stage);                                       \
        call_put_u32(log, table);                                       \
    }
TABLE_ACTION(vmn_act_goto, CALL_ACT_GOTO)
TABLE_ACTION(vmn_act_resubmit, CALL_ACT_RESUBMIT)
TABLE_ACTION(vmn_act_clone, CALL_ACT_CLONE)
TABLE_ACTION(vmn_act_jump, CALL_ACT_JUMP)

#define TWO_FIELDS_ACTION(NAME, CALL)                                   \
    void                                                                \
    NAME(struct vmn_actions *a, enum vmn_field x, enum vmn_field y)     \
    {                                                                   \
        struct call_log *log = begin_actions(a, CALL);                  \
                                                                        \
        call_put_u32(log, x);                                           \
        call_put_u32(log, y);                                           \
    }
TWO_FIELDS_ACTION(vmn_act_move, CALL_ACT_MOVE)
TWO_FIELDS_ACTION(vmn_act_swap, CALL_ACT_SWAP)

#define REASON_ACTION(NAME, CALL)                       \
    void                                                \
    NAME(struct vmn_actions *a, const char *reason)     \
    {                                                   \
        call_put_text(begin_actions(a, CALL), reason);  \
    }
REASON_ACTION(vmn_act_drop, CALL_ACT_DROP)
REASON_ACTION(vmn_act_drop_background, CALL_ACT_DROP_BACKGROUND)

void
vmn_act_set(struct vmn_actions *a, enum vmn_field field, uint64_t value)
{
    struct call_log *log = begin_actions(a, CALL_ACT_SET);

    call_put_u32(log, field);
    call_put_u64(log, value);
}

void
vmn_act_set_masked(struct vmn_actions *a, enum vmn_field field,
                   uint64_t value, uint64_t mask)
{
    struct call_log *log = begin_actions(a, CALL_ACT_SET_MASKED);

    call_put_u32(log, field);
    call_put_u64(log, value);
    call_put_u64(log, mask);
}

void
vmn_act_set_mac(struct vmn_actions *a, enum vmn_field field,
                struct vmn_mac mac)
{
    struct call_log *log = begin_actions(a, CALL_ACT_SET_MAC);

    call_put_u32(log, field);
    call_put_mac(log, mac);
}

void
vmn_act_set_ip(struct vmn_actions *a, enum vmn_field field,
               const struct vmn_ip *ip)
{
    struct call_log *log;

    if (!is_missing(a->recorder, ip, __func__)) {
        log = begin_actions(a, CALL_ACT_SET_IP);
        call_put_u32(log, field);
        call_put_ip(log, ip);
    }
}

void
vmn_act_move_bits(struct vmn_actions *a, enum vmn_field from,
                  unsigned from_bit, enum vmn_field to, unsigned to_bit,
                  unsigned n_bits)
{
    struct call_log *log = begin_actions(a, CALL_ACT_MOVE_BITS);

    call_put_u32(log, from);
    call_put_u32(log, from_bit);
    call_put_u32(log, to);
    call_put_u32(log, to_bit);
    call_put_u32(log, n_bits);
}

void
vmn_act_group(struct vmn_actions *a, const struct vmn_group_msg *group)
{
    if (!is_missing(a->recorder, group, __func__)) {
        call_put_u32(begin_actions(a, CALL_ACT_GROUP), group->number);
    }
}

void
vmn_act_arp_reply(struct vmn_actions *a, struct vmn_mac mac,
                  const struct vmn_ip *ip)
{
    struct call_log *log;

    if (!is_missing(a->recorder, ip, __func__)) {
        log = begin_actions(a, CALL_ACT_ARP_REPLY);
        call_put_mac(log, mac);
        call_put_ip(log, ip);
    }
}

void
vmn_act_punt(struct vmn_actions *a, unsigned handler, uint32_t arg,
             uint16_t max_size)
{
    struct call_log *log = begin_actions(a, CALL_ACT_PUNT);

    call_put_u32(log, handler);
    call_put_u32(log, arg);
    call_put_u16(log, max_size);
}

void
vmn_act_learn_connection(struct vmn_actions *a, uint16_t eth_type,
                         uint8_t ip_proto)
{
    struct call_log *log = begin_actions(a, CALL_ACT_LEARN_CONNECTION);

    call_put_u16(log, eth_type);
    call_put_u8(log, ip_proto);
}

void
vmn_act_learn_client(struct vmn_actions *a, const struct vmn_client *client)
{
    struct call_log *log;

    if (!is_missing(a->recorder, client, __func__)) {
        log = begin_actions(a, CALL_ACT_LEARN_CLIENT);
        call_put_u16(log, client->eth_type);
        call_put_u16(log, client->idle_s);
        call_put_u32(log, client->from);
    }
}

void
vmn_act_learn_member(struct vmn_actions *a, const struct vmn_member *member)
{
    struct call_log *log;

    if (!is_missing(a->recorder, member, __func__)) {
        log = begin_actions(a, CALL_ACT_LEARN_MEMBER);
        call_put_u16(log, member->eth_type);
        call_put_u16(log, member->hard_s);
        call_put_u32(log, member->limit);
        call_put_u32(log, member->from);
    }
}

static void
put_hash(struct call_log *log, uint16_t basis, enum vmn_field reg, uint32_t n)
{
    call_put_u16(log, basis);
    call_put_u32(log, reg);
    call_put_u32(log, n);
}

void
vmn_act_hash_client(struct vmn_actions *a, uint16_t basis, enum vmn_field reg,
                    uint32_t n)
{
    put_hash(begin_actions(a, CALL_ACT_HASH_CLIENT), basis, reg, n);
}

void
vmn_act_hash_connection(struct vmn_actions *a, uint16_t basis,
                        enum vmn_field reg, uint32_t n)
{
    put_hash(begin_actions(a, CALL_ACT_HASH_CONNECTION), basis, reg, n);
}

#define LIMIT_ACTION(NAME, CALL)                                        \
    void                                                                \
    NAME(struct vmn_actions *a, const char *key, uint32_t rate,         \
         uint32_t burst)                                                \
    {                                                                   \
        struct call_log *log = begin_actions(a, CALL);                  \
                                                                        \
        call_put_text(log, key);                                        \
        call_put_u32(log, rate);                                        \
        call_put_u32(log, burst);                                       \
    }
LIMIT_ACTION(vmn_act_limit, CALL_ACT_LIMIT)
LIMIT_ACTION(vmn_act_limit_kbps, CALL_ACT_LIMIT_KBPS)

void
vmn_act_copy(struct vmn_actions *a, const struct vmn_copy *copy)
{
    struct call_log *log;

    if (!is_missing(a->recorder, copy, __func__)) {
        log = begin_actions(a, CALL_ACT_COPY);
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
    if (!is_missing(a->recorder, ct, __func__)) {
        put_ct(begin_actions(a, CALL_ACT_CT), ct);
    }
}

void
vmn_act_ct_snat_ports(struct vmn_actions *a, const struct vmn_ct *ct,
                      uint16_t first, uint16_t last)
{
    struct call_log *log;

    if (!is_missing(a->recorder, ct, __func__)) {
        log = begin_actions(a, CALL_ACT_CT_SNAT_PORTS);
        put_ct(log, ct);
        call_put_u16(log, first);
        call_put_u16(log, last);
    }
}

void
vmn_act_conjunction(struct vmn_actions *a, uint32_t id, unsigned clause,
                    unsigned n_clauses)
{
    struct call_log *log = begin_actions(a, CALL_ACT_CONJUNCTION);

    call_put_u32(log, id);
    call_put_u32(log, clause);
    call_put_u32(log, n_clauses);
}

/* Packets.  --------------------------------------------------------------- */

/* Of a packet that is too large only the size is recorded: it fails for
 * that. */
static void
put_bytes(struct call_log *log, const void *bytes, size_t size, size_t max)
{
    call_put_u64(log, size);
    if (size <= max && size) {
        call_put(log, bytes, size);
    }
}

static void
put_packet(struct call_log *log, const void *bytes, size_t size)
{
    put_bytes(log, bytes, size, VMN_FRAME_MAX);
}

void
vmn_send_back(struct vmn_packets_out *out, const void *bytes, size_t size)
{
    if (!is_missing(out->recorder, bytes, __func__)) {
        put_packet(begin(out->recorder, CALL_SEND_BACK), bytes, size);
    }
}

void
vmn_send_to_port(struct vmn_packets_out *out, const char *port,
                 const void *bytes, size_t size)
{
    struct call_log *log;

    if (!is_missing(out->recorder, bytes, __func__)) {
        log = begin(out->recorder, CALL_SEND_TO_PORT);
        call_put_text(log, port);
        put_packet(log, bytes, size);
    }
}

void
vmn_send_to_stage(struct vmn_packets_out *out, unsigned stage,
                  unsigned table, const void *bytes, size_t size)
{
    struct call_log *log;

    if (!is_missing(out->recorder, bytes, __func__)) {
        log = begin(out->recorder, CALL_SEND_TO_STAGE);
        call_put_u32(log, stage);
        call_put_u32(log, table);
        put_packet(log, bytes, size);
    }
}

void
vmn_send_to_next(struct vmn_packets_out *out, unsigned stage,
                 const void *bytes, size_t size)
{
    struct call_log *log;

    if (!is_missing(out->recorder, bytes, __func__)) {
        log = begin(out->recorder, CALL_SEND_TO_NEXT);
        call_put_u32(log, stage);
        put_packet(log, bytes, size);
    }
}

void
vmn_send_to_hook(struct vmn_packets_out *out, enum vmn_hook hook,
                 uint32_t in_port, const uint32_t regs[VMN_N_REGS],
                 const void *bytes, size_t size)
{
    struct call_log *log;

    if (!is_missing(out->recorder, bytes, __func__)
        && !is_missing(out->recorder, regs, __func__)) {
        log = begin(out->recorder, CALL_SEND_TO_HOOK);
        call_put_u32(log, hook);
        call_put_u32(log, in_port);
        call_put(log, regs, VMN_N_REGS * sizeof *regs);
        put_packet(log, bytes, size);
    }
}

void
vmn_send_nothing(struct vmn_packets_out *out, const char *reason)
{
    call_put_text(begin(out->recorder, CALL_SEND_NOTHING), reason);
}

void
vmn_neighbour_is_incomplete(struct vmn_packets_out *out, uint32_t network,
                            const struct vmn_ip *ip)
{
    struct call_log *log;

    if (!is_missing(out->recorder, ip, __func__)) {
        log = begin(out->recorder, CALL_NEIGHBOUR_IS_INCOMPLETE);
        call_put_u32(log, network);
        call_put_ip(log, ip);
    }
}

void
vmn_send_http(struct vmn_packets_out *out, const struct vmn_http_reply *reply)
{
    struct call_log *log;

    if (!is_missing(out->recorder, reply, __func__)
        && (!reply->body_size
            || !is_missing(out->recorder, reply->body, __func__))) {
        log = begin(out->recorder, CALL_SEND_HTTP);
        call_put_u32(log, reply->status);
        call_put_u32(log, reply->ttl);
        call_put_text(log, reply->type);
        call_put_text(log, reply->field_name);
        call_put_text(log, reply->field_value);
        put_bytes(log, reply->body, reply->body_size, VMN_HTTP_REPLY_MAX);
    }
}
