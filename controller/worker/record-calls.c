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
#include <string.h>

#include "controller/worker/record-private.h"
#include "openvswitch/dynamic-string.h"
#include "proto/text/quoted-text.h"
#include "util.h"
#include "vmn/app.h"

/* What apps point to.  --------------------------------------------------- */

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

struct call_log *
record_action(const struct vmn_actions *a, enum call call)
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

bool
record_is_missing(struct recorder *r, const void *argument,
                  const char *function)
{
    char text[100];

    if (argument) {
        return false;
    }
    snprintf(text, sizeof text, "%s() was given NULL", function);
    record_failure(r, text);
    return true;
}

/* The text becomes what can be recorded: quoted, since it may have bytes of a
 * packet, and of a limited length. */
void
vmn_fail(struct vmn_emit *emit, const char *format, ...)
{
    struct ds quoted = DS_EMPTY_INITIALIZER;
    char text[CALL_TEXT_MAX + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_put_quoted(&quoted, text, strlen(text), "");
    if (quoted.length > CALL_TEXT_MAX) {
        size_t n = CALL_TEXT_MAX;

        /* Not in the midst of a character. */
        while ((quoted.string[n] & 0xc0) == 0x80) {
            n--;
        }
        ds_truncate(&quoted, n);
    }
    record_failure(emit->recorder, ds_cstr(&quoted));
    ds_destroy(&quoted);
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
    call_put_u32(record_action(bucket, CALL_BUCKET_COUNT_PART), part);
}

void
vmn_bucket_watch(struct vmn_actions *bucket, uint32_t ofport)
{
    call_put_u32(record_action(bucket, CALL_BUCKET_WATCH), ofport);
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

    if (record_is_missing(emit->recorder, by, __func__)
        || record_is_missing(emit->recorder, ip, __func__)) {
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

    if (!record_is_missing(flow->actions.recorder, prefix, __func__)) {
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

    if (!record_is_missing(flow->actions.recorder, ip, __func__)) {
        log = begin_flow(flow, CALL_MATCH_IP);
        call_put_u32(log, field);
        call_put_ip(log, ip);
    }
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
    if (!record_is_missing(out->recorder, bytes, __func__)) {
        put_packet(begin(out->recorder, CALL_SEND_BACK), bytes, size);
    }
}

void
vmn_send_to_port(struct vmn_packets_out *out, const char *port,
                 const void *bytes, size_t size)
{
    struct call_log *log;

    if (!record_is_missing(out->recorder, bytes, __func__)) {
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

    if (!record_is_missing(out->recorder, bytes, __func__)) {
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

    if (!record_is_missing(out->recorder, bytes, __func__)) {
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

    if (!record_is_missing(out->recorder, bytes, __func__)
        && !record_is_missing(out->recorder, regs, __func__)) {
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
vmn_count(struct vmn_packets_out *out, enum vmn_row_type type,
          const char *name, uint32_t part)
{
    struct call_log *log = begin(out->recorder, CALL_COUNT);

    call_put_u32(log, type);
    call_put_text(log, name);
    call_put_u32(log, part);
}

void
vmn_neighbour_is_incomplete(struct vmn_packets_out *out, uint32_t network,
                            const struct vmn_ip *ip)
{
    struct call_log *log;

    if (!record_is_missing(out->recorder, ip, __func__)) {
        log = begin(out->recorder, CALL_NEIGHBOUR_IS_INCOMPLETE);
        call_put_u32(log, network);
        call_put_ip(log, ip);
    }
}

void
vmn_neighbour_is_probed(struct vmn_packets_out *out, uint32_t network,
                        const struct vmn_ip *ip, struct vmn_mac mac)
{
    struct call_log *log;

    if (!record_is_missing(out->recorder, ip, __func__)) {
        log = begin(out->recorder, CALL_NEIGHBOUR_IS_PROBED);
        call_put_u32(log, network);
        call_put_ip(log, ip);
        call_put_mac(log, mac);
    }
}

void
vmn_send_http(struct vmn_packets_out *out, const struct vmn_http_reply *reply)
{
    struct call_log *log;

    if (!record_is_missing(out->recorder, reply, __func__)
        && (!reply->body_size
            || !record_is_missing(out->recorder, reply->body, __func__))) {
        log = begin(out->recorder, CALL_SEND_HTTP);
        call_put_u32(log, reply->status);
        call_put_u32(log, reply->ttl);
        call_put_text(log, reply->type);
        call_put_text(log, reply->field_name);
        call_put_text(log, reply->field_value);
        put_bytes(log, reply->body, reply->body_size, VMN_HTTP_REPLY_MAX);
    }
}
