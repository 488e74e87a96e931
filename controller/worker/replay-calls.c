/* SPDX-License-Identifier: Apache-2.0
 *
 * Replays call logs; see replay-calls.h.  Here is the walk over a log, with
 * flows, groups, facts and packets; actions are in replay-actions.c.
 *
 * What the arguments may be is up to the functions that are called, but for
 * what a wrong app cannot give them: flows that do not exist, and texts or
 * addresses that are none.  */

#include <config.h>

#include "controller/worker/replay-calls.h"
#include "controller/flow/lasting-text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "controller/worker/replay-private.h"
#include "util.h"

/* Calls that are replayed between two pauses. */
#define PAUSE_CALLS 256

/* Reasons.  --------------------------------------------------------------- */

void
replay_texts_init(struct replay_texts *texts)
{
    sset_init(&texts->texts);
}

void
replay_texts_uninit(struct replay_texts *texts)
{
    sset_destroy(&texts->texts);
}

static bool
is_reason(const char *s)
{
    size_t n = 0;

    for (; s[n]; n++) {
        if (n >= REPLAY_TEXT_LEN || s[n] < 0x20 || s[n] > 0x7e) {
            return false;
        }
    }
    return n > 0;
}

const char *
replay_take_reason(struct replay *r)
{
    const char *text = call_take_text(&r->in), *lasting;

    if (!text || !replay_is_good(r)) {
        return NULL;
    }
    if (sset_contains(&r->texts->texts, text)) {
        return lasting_text(text);
    }
    if (!is_reason(text)) {
        replay_fail(r, "%s(): a reason is of 1 to %d ASCII characters",
                    r->function, REPLAY_TEXT_LEN);
        return NULL;
    }
    lasting = (sset_count(&r->texts->texts) < REPLAY_TEXTS_MAX
               ? lasting_text(text) : NULL);
    if (!lasting) {
        replay_fail(r, "%s(): the app has more than %d different reasons",
                    r->function, REPLAY_TEXTS_MAX);
        return NULL;
    }
    sset_add(&r->texts->texts, text);
    return lasting;
}

/* What arguments have in common.  ----------------------------------------- */

void
replay_fail(struct replay *r, const char *format, ...)
{
    va_list args;

    if (!r->problem) {
        va_start(args, format);
        r->problem = xvasprintf(format, args);
        va_end(args);
    }
}

/* Says that there is no flow, group or bucket 'number'. */
static void
fail_number(struct replay *r, const char *what, uint32_t number)
{
    if (!r->in.bad) {
        replay_fail(r, "%s() of %s %"PRIu32", which was not added",
                    r->function, what, number);
    }
}

static struct vmn_flow *
take_flow(struct replay *r)
{
    uint32_t number = call_take_u32(&r->in);

    if (number >= r->n_flows) {
        fail_number(r, "flow", number);
        return NULL;
    }
    return r->flows[number];
}

struct vmn_group_msg *
replay_take_group(struct replay *r)
{
    uint32_t number = call_take_u32(&r->in);

    if (number >= r->n_groups) {
        fail_number(r, "group", number);
        return NULL;
    }
    return r->groups[number];
}

struct vmn_actions *
replay_take_actions(struct replay *r)
{
    uint32_t number = call_take_u32(&r->in);
    uint32_t bucket = number & ~CALL_BUCKET;
    struct vmn_actions *a = NULL;

    if (!(number & CALL_BUCKET)) {
        if (number < r->n_flows) {
            a = vmn_flow_actions(r->flows[number]);
        } else {
            fail_number(r, "flow", number);
        }
    } else if (bucket < r->n_buckets) {
        a = r->buckets[bucket];
    } else {
        fail_number(r, "bucket", bucket);
    }
    r->actions = a;
    r->actions_before = a ? a->ofpacts.size : 0;
    return a;
}

/* Its texts are in the log. */
static struct vmn_scope
take_scope(struct replay *r)
{
    struct vmn_scope scope;

    scope.kind = call_take_u32(&r->in);
    scope.relation = call_take_text(&r->in);
    scope.key = call_take_text(&r->in);
    return scope;
}

/* Flows, groups and facts.  ----------------------------------------------- */

static void
replay_vmn_fail(struct replay *r)
{
    const char *text = call_take_text(&r->in);

    if (replay_is_good(r)) {
        replay_fail(r, "%s", text && *text ? text : "for no reason");
    }
}

static void
replay_vmn_flow_add(struct replay *r)
{
    struct vmn_scope scope = take_scope(r);
    uint32_t stage = call_take_u32(&r->in);
    uint32_t table = call_take_u32(&r->in);
    uint16_t priority = call_take_u16(&r->in);

    if (replay_is_good(r)) {
        if (r->n_flows >= r->allocated_flows) {
            r->flows = x2nrealloc(r->flows, &r->allocated_flows,
                                  sizeof *r->flows);
        }
        r->flows[r->n_flows++] = vmn_flow_add(r->emit, scope, stage, table,
                                              priority);
    }
}

static void
replay_vmn_group_add(struct replay *r)
{
    struct vmn_scope scope = take_scope(r);
    enum vmn_group_type type = call_take_u32(&r->in);
    const char *key = call_take_text(&r->in);

    if (r->n_groups >= REPLAY_GROUPS_MAX) {
        replay_fail(r, "more than %d groups", REPLAY_GROUPS_MAX);
    }
    if (replay_is_good(r)) {
        if (r->n_groups >= r->allocated_groups) {
            r->groups = x2nrealloc(r->groups, &r->allocated_groups,
                                   sizeof *r->groups);
        }
        r->groups[r->n_groups++] = vmn_group_add(r->emit, scope, type, key);
    }
}

REPLAY_4(vmn_publish, r->emit, REPLAY_TEXT, REPLAY_TEXT, REPLAY_TEXT)

static void
replay_vmn_arp_nd_respond(struct replay *r)
{
    struct vmn_arp_nd_responder by;
    struct vmn_ip ip;

    by.scope = take_scope(r);
    by.stage = call_take_u32(&r->in);
    by.table = call_take_u32(&r->in);
    by.priority = call_take_u16(&r->in);
    by.vni = call_take_u32(&r->in);
    by.mac = call_take_mac(&r->in);
    by.handler = call_take_u32(&r->in);
    by.arg = call_take_u32(&r->in);
    ip = call_take_ip(&r->in);
    if (replay_is_good(r)) {
        vmn_arp_nd_respond(r->emit, &by, &ip);
    }
}

static void
replay_vmn_bucket_add(struct replay *r)
{
    struct vmn_group_msg *group = replay_take_group(r);
    uint32_t bucket_id = call_take_u32(&r->in);
    uint16_t weight = call_take_u16(&r->in);

    if (r->n_buckets >= REPLAY_BUCKETS_MAX) {
        replay_fail(r, "more than %d buckets", REPLAY_BUCKETS_MAX);
    }
    if (replay_is_good(r)) {
        if (r->n_buckets >= r->allocated_buckets) {
            r->buckets = x2nrealloc(r->buckets, &r->allocated_buckets,
                                    sizeof *r->buckets);
        }
        r->buckets[r->n_buckets++] = vmn_bucket_add(group, bucket_id, weight);
    }
}

REPLAY_2(vmn_bucket_count_part, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_2(vmn_bucket_watch, REPLAY_ACTIONS, REPLAY_U32)
REPLAY_2(vmn_group_hash_client, replay_take_group(r), REPLAY_U32)
REPLAY_1(vmn_flow_count, take_flow(r))
REPLAY_2(vmn_flow_count_part, take_flow(r), REPLAY_U32)
REPLAY_1(vmn_flow_log, take_flow(r))

/* Matches.  --------------------------------------------------------------- */

REPLAY_3(vmn_match, take_flow(r), REPLAY_U32, REPLAY_U64)
REPLAY_4(vmn_match_masked, take_flow(r), REPLAY_U32, REPLAY_U64, REPLAY_U64)
REPLAY_3(vmn_match_mac, take_flow(r), REPLAY_U32, REPLAY_MAC)
REPLAY_4(vmn_match_low_bits, take_flow(r), REPLAY_U32, REPLAY_U32, REPLAY_U32)

static void
replay_vmn_match_prefix(struct replay *r)
{
    struct vmn_flow *flow = take_flow(r);
    enum vmn_field field = call_take_u32(&r->in);
    struct vmn_prefix prefix = call_take_prefix(&r->in);

    if (replay_is_good(r)) {
        vmn_match_prefix(flow, field, &prefix);
    }
}

static void
replay_vmn_match_ip(struct replay *r)
{
    struct vmn_flow *flow = take_flow(r);
    enum vmn_field field = call_take_u32(&r->in);
    struct vmn_ip ip = call_take_ip(&r->in);

    if (replay_is_good(r)) {
        vmn_match_ip(flow, field, &ip);
    }
}

/* What a flow and so on take in vmnd, in bytes (docs/deploying.md). */
#define KEPT_FLOW 704
#define KEPT_GROUP 512
#define KEPT_BUCKET 128
#define KEPT_FACT 512

static const struct replay_call emit_calls[CALL_N] = {
    REPLAY_CALL(CALL_FAIL, vmn_fail),
    [CALL_FLOW_ADD] = { "vmn_flow_add", replay_vmn_flow_add, KEPT_FLOW },
    [CALL_GROUP_ADD] = { "vmn_group_add", replay_vmn_group_add, KEPT_GROUP },
    [CALL_PUBLISH] = { "vmn_publish", replay_vmn_publish, KEPT_FACT },
    [CALL_ARP_ND_RESPOND] = { "vmn_arp_nd_respond", replay_vmn_arp_nd_respond,
                              KEPT_FLOW },
    [CALL_BUCKET_ADD] = { "vmn_bucket_add", replay_vmn_bucket_add,
                          KEPT_BUCKET },
    REPLAY_CALL(CALL_GROUP_HASH_CLIENT, vmn_group_hash_client),
    REPLAY_CALL(CALL_FLOW_COUNT, vmn_flow_count),
    REPLAY_CALL(CALL_FLOW_COUNT_PART, vmn_flow_count_part),
    REPLAY_CALL(CALL_FLOW_LOG, vmn_flow_log),
    REPLAY_CALL(CALL_MATCH, vmn_match),
    REPLAY_CALL(CALL_MATCH_MASKED, vmn_match_masked),
    REPLAY_CALL(CALL_MATCH_MAC, vmn_match_mac),
    REPLAY_CALL(CALL_MATCH_LOW_BITS, vmn_match_low_bits),
    REPLAY_CALL(CALL_MATCH_PREFIX, vmn_match_prefix),
    REPLAY_CALL(CALL_MATCH_IP, vmn_match_ip),
    REPLAY_CALL(CALL_BUCKET_COUNT_PART, vmn_bucket_count_part),
    REPLAY_CALL(CALL_BUCKET_WATCH, vmn_bucket_watch),
};

/* Packets.  --------------------------------------------------------------- */

/* Of one that is too large there are no bytes: that function fails before it
 * looks at them. */
static const void *
take_bytes(struct replay *r, size_t *size, size_t max)
{
    *size = call_take_u64(&r->in);
    return *size <= max ? call_take_bytes(&r->in, *size) : NULL;
}

static const void *
take_packet(struct replay *r, size_t *size)
{
    return take_bytes(r, size, VMN_FRAME_MAX);
}

static void
replay_vmn_send_back(struct replay *r)
{
    size_t size;
    const void *bytes = take_packet(r, &size);

    if (replay_is_good(r)) {
        vmn_send_back(r->out, bytes, size);
    }
}

static void
replay_vmn_send_to_port(struct replay *r)
{
    size_t size;
    const char *port = call_take_text(&r->in);
    const void *bytes = take_packet(r, &size);

    if (replay_is_good(r)) {
        vmn_send_to_port(r->out, port, bytes, size);
    }
}

static void
replay_vmn_send_to_stage(struct replay *r)
{
    size_t size;
    uint32_t stage = call_take_u32(&r->in);
    uint32_t table = call_take_u32(&r->in);
    const void *bytes = take_packet(r, &size);

    if (replay_is_good(r)) {
        vmn_send_to_stage(r->out, stage, table, bytes, size);
    }
}

static void
replay_vmn_send_to_next(struct replay *r)
{
    size_t size;
    uint32_t stage = call_take_u32(&r->in);
    const void *bytes = take_packet(r, &size);

    if (replay_is_good(r)) {
        vmn_send_to_next(r->out, stage, bytes, size);
    }
}

static void
replay_vmn_send_to_hook(struct replay *r)
{
    size_t size;
    uint32_t regs[VMN_N_REGS];
    enum vmn_hook hook = call_take_u32(&r->in);
    uint32_t in_port = call_take_u32(&r->in);

    call_take(&r->in, regs, sizeof regs);

    const void *bytes = take_packet(r, &size);

    if (replay_is_good(r)) {
        vmn_send_to_hook(r->out, hook, in_port, regs, bytes, size);
    }
}

REPLAY_2(vmn_send_nothing, r->out, REPLAY_REASON)
REPLAY_4(vmn_count, r->out, REPLAY_U32, REPLAY_TEXT, REPLAY_U32)

static void
replay_vmn_neighbour_is_incomplete(struct replay *r)
{
    uint32_t network = call_take_u32(&r->in);
    struct vmn_ip ip = call_take_ip(&r->in);

    if (replay_is_good(r)) {
        vmn_neighbour_is_incomplete(r->out, network, &ip);
    }
}

static void
replay_vmn_neighbour_is_probed(struct replay *r)
{
    uint32_t network = call_take_u32(&r->in);
    struct vmn_ip ip = call_take_ip(&r->in);
    struct vmn_mac mac = call_take_mac(&r->in);

    if (replay_is_good(r)) {
        vmn_neighbour_is_probed(r->out, network, &ip, mac);
    }
}

static void
replay_vmn_send_http(struct replay *r)
{
    struct vmn_http_reply reply;

    memset(&reply, 0, sizeof reply);
    reply.status = call_take_u32(&r->in);
    reply.ttl = call_take_u32(&r->in);
    reply.type = call_take_text(&r->in);
    reply.field_name = call_take_text(&r->in);
    reply.field_value = call_take_text(&r->in);
    reply.body = take_bytes(r, &reply.body_size, VMN_HTTP_REPLY_MAX);
    if (replay_is_good(r)) {
        vmn_send_http(r->out, &reply);
    }
}

static const struct replay_call packet_calls[CALL_N] = {
    REPLAY_CALL(CALL_FAIL, vmn_fail),
    REPLAY_CALL(CALL_SEND_BACK, vmn_send_back),
    REPLAY_CALL(CALL_SEND_TO_PORT, vmn_send_to_port),
    REPLAY_CALL(CALL_SEND_TO_STAGE, vmn_send_to_stage),
    REPLAY_CALL(CALL_SEND_TO_NEXT, vmn_send_to_next),
    REPLAY_CALL(CALL_SEND_TO_HOOK, vmn_send_to_hook),
    REPLAY_CALL(CALL_SEND_NOTHING, vmn_send_nothing),
    REPLAY_CALL(CALL_NEIGHBOUR_IS_INCOMPLETE, vmn_neighbour_is_incomplete),
    REPLAY_CALL(CALL_NEIGHBOUR_IS_PROBED, vmn_neighbour_is_probed),
    REPLAY_CALL(CALL_SEND_HTTP, vmn_send_http),
    REPLAY_CALL(CALL_COUNT, vmn_count),
};

/* The log.  --------------------------------------------------------------- */

static struct replay
replay_begin(const void *log, size_t size, struct replay_texts *texts)
{
    return (struct replay) {
        .in = { .p = log, .end = (const uint8_t *) log + size },
        .texts = texts,
    };
}

/* Charges the app for what is kept.  Returns false if there is no room. */
static bool
charge(struct replay *r, size_t n)
{
    return !r->emit || r->emit->services->charge(r->emit->view, n);
}

/* Does the next call, which is one of 'calls', or says why it is none. */
static void
replay_next(struct replay *r, const struct replay_call *call, uint8_t number)
{
    const uint8_t *start;

    if (!call || !call->name) {
        replay_fail(r, "the worker has sent call %u, which does not exist "
                    "here", number);
        return;
    }
    r->function = call->name;
    r->actions = NULL;
    if (!charge(r, call->kept)) {
        return;
    }
    start = r->in.p;
    call->replay(r);
    charge(r, r->in.p - start);
    if (r->in.bad_text) {
        replay_fail(r, "%s(): a text is of at most %d bytes of UTF-8, without "
                    "control characters", r->function, CALL_TEXT_MAX);
    } else if (r->in.bad) {
        replay_fail(r, "the worker has sent malformed arguments of %s()",
                    r->function);
    } else if (r->actions) {
        size_t n = r->actions->ofpacts.size - r->actions_before;

        charge(r, n);
        r->actions_size += n;
        if (r->actions_size > REPLAY_ACTIONS_SIZE_MAX) {
            replay_fail(r, "actions of more than %d MiB",
                        REPLAY_ACTIONS_SIZE_MAX / 1024 / 1024);
        }
    }
}

static const struct replay_call *
find_emit_call(uint8_t number)
{
    return number >= CALL_N ? NULL
           : emit_calls[number].name ? &emit_calls[number]
           : &replay_action_calls[number];
}

void
replay_emit(const void *log, size_t size, struct vmn_emit *emit,
            struct replay_texts *texts, void (*pause)(void *aux), void *aux)
{
    struct replay r = replay_begin(log, size, texts);
    size_t n = 0;

    r.emit = emit;
    while (r.in.p < r.in.end && !r.problem && !emit_has_failed(emit)) {
        uint8_t number = call_take_u8(&r.in);

        replay_next(&r, find_emit_call(number), number);
        if (pause && ++n % PAUSE_CALLS == 0) {
            pause(aux);
        }
    }
    if (r.problem) {
        emit_fail(emit, "%s", r.problem);
        free(r.problem);
    }
    free(r.flows);
    free(r.groups);
    free(r.buckets);
}

char *
replay_packets(const void *log, size_t size, struct vmn_packets_out *out,
               struct replay_texts *texts)
{
    struct replay r = replay_begin(log, size, texts);

    r.out = out;
    for (int i = 0; r.in.p < r.in.end && !r.problem; i++) {
        uint8_t number = call_take_u8(&r.in);

        if (i >= REPLAY_PACKET_CALLS_MAX) {
            replay_fail(&r, "more than %d calls for a packet",
                        REPLAY_PACKET_CALLS_MAX);
            break;
        }
        replay_next(&r, number < CALL_N ? &packet_calls[number] : NULL,
                    number);
    }
    return r.problem;
}

char *
replay_query(const void *log, size_t size)
{
    struct replay r = replay_begin(log, size, NULL);

    if (size) {
        uint8_t number = call_take_u8(&r.in);

        replay_next(&r, number == CALL_FAIL ? &packet_calls[number] : NULL,
                    number);
    }
    return r.problem;
}
