/* SPDX-License-Identifier: Apache-2.0
 *
 * What a live trace has met, beside what was predicted; see live-comparison.h.
 *
 * Copies of one host come in order, those of several hosts do not; so hosts
 * are compared one by one, in the order of the prediction. */

#include <config.h>

#include "controller/simulator/live-comparison.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/engine/engine.h"
#include "controller/flow/sample-action.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/simulator/simulator.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "packets.h"
#include "util.h"
#include "vmn/flow.h"
#include "vmn/rows.h"

/* What is compared: the packet, conntrack's view of it, and the registers that
 * are not a stage's own. */
static const enum mf_field_id compared[] = {
    MFF_ETH_SRC, MFF_ETH_DST, MFF_ETH_TYPE, MFF_IPV4_SRC, MFF_IPV4_DST,
    MFF_IPV6_SRC, MFF_IPV6_DST, MFF_IP_PROTO, MFF_IP_DSCP_SHIFTED, MFF_IP_TTL,
    MFF_TCP_SRC, MFF_TCP_DST, MFF_UDP_SRC, MFF_UDP_DST, MFF_SCTP_SRC,
    MFF_SCTP_DST, MFF_ICMPV4_TYPE, MFF_ICMPV4_CODE, MFF_ICMPV6_TYPE,
    MFF_ICMPV6_CODE, MFF_CT_STATE, MFF_REG0, MFF_REG1, MFF_REG2, MFF_REG3,
    MFF_REG4, MFF_REG5, MFF_REG6, MFF_REG7, MFF_REG8, MFF_REG9,
};

struct comparison {
    const struct live_prediction *p;
    const struct live_way *way;
    const struct result_names *names;
    const struct live_sight *sight;
    struct arena *arena;
    struct live_trace *result;
    size_t n_same;              /* Stages as predicted, up to the first that
                                 * is not. */
};

/* Fields.  ---------------------------------------------------------------- */

static bool
has_field(const struct mf_field *mf, const struct flow *flow)
{
    struct flow_wildcards wc;

    flow_wildcards_init_catchall(&wc);
    return mf_are_prereqs_ok(mf, flow, &wc);
}

static void
format_field(const struct mf_field *mf, const struct flow *flow, struct ds *ds)
{
    union mf_value value;

    if (has_field(mf, flow)) {
        mf_get_value(mf, flow, &value);
        mf_format(mf, &value, NULL, NULL, ds);
    } else {
        ds_put_cstr(ds, "none");
    }
}

static bool
same_field(const struct mf_field *mf, const struct flow *a,
           const struct flow *b)
{
    union mf_value va, vb;

    if (!has_field(mf, a) || !has_field(mf, b)) {
        return has_field(mf, a) == has_field(mf, b);
    }
    mf_get_value(mf, a, &va);
    mf_get_value(mf, b, &vb);
    return !memcmp(&va, &vb, mf->n_bytes);
}

/* Not of the packet itself. */
static bool
is_internal(enum mf_field_id id)
{
    return id == MFF_CT_STATE || (id >= MFF_REG0 && id <= MFF_REG15);
}

/* What switches decide by what they alone know.  ------------------------- */

static bool
is_neighbour(const struct flow *flow)
{
    static const struct eth_addr neighbour = SIM_NEIGHBOUR_MAC;

    return eth_addr_equals(flow->dl_dst, neighbour);
}

/* Returns true if a switch has looked for the next hop's address, and has not
 * found it (include/vmn/flow.h). */
static bool
lacks_neighbour(const struct flow *flow)
{
    const struct vmn_mac asked = VMN_NEIGHBOUR_INCOMPLETE;

    return (eth_addr_is_zero(flow->dl_dst)
            || !memcmp(&flow->dl_dst, &asked, sizeof asked));
}

static bool
is_source_port(enum mf_field_id id)
{
    return id == MFF_TCP_SRC || id == MFF_UDP_SRC || id == MFF_SCTP_SRC;
}

/* Returns true if a field of a stage is as predicted.  Any neighbour's address
 * is; and any port that source NAT has chosen. */
static bool
is_field_as_predicted(const struct mf_field *mf,
                      const struct live_visit *visit, const struct flow *seen)
{
    const struct flow *predicted = &visit->flow;

    if (mf->id == MFF_ETH_DST && is_neighbour(predicted)) {
        return !lacks_neighbour(seen);
    }
    if (is_source_port(mf->id) && visit->any_port && has_field(mf, predicted)
        && has_field(mf, seen) && live_flow_has_source_of(predicted, seen)) {
        return true;
    }
    return same_field(mf, predicted, seen);
}

static bool
is_flow_as_predicted(const struct live_visit *visit, const struct flow *seen)
{
    for (size_t i = 0; i < ARRAY_SIZE(compared); i++) {
        if (!is_field_as_predicted(mf_from_id(compared[i]), visit, seen)) {
            return false;
        }
    }
    return true;
}

/* Returns the first visit that has a neighbour's address, or NULL. */
static const struct live_visit *
find_neighbour(const struct live_way *way)
{
    for (size_t i = 0; i < way->n_visits; i++) {
        if (is_neighbour(&way->visits[i].flow)) {
            return &way->visits[i];
        }
    }
    return NULL;
}

/* Lists.  ---------------------------------------------------------------- */

/* Lists the fields in which two packets differ.  'visit': 'a' is what was
 * predicted of that, and 'b' what was seen, registers and conntrack included;
 * NULL: one packet before and after. */
static size_t
list_fields(struct arena *arena, const struct live_visit *visit,
            const struct flow *a, const struct flow *b, const char ***list)
{
    bool all = visit != NULL;
    const char *texts[ARRAY_SIZE(compared)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(compared); i++) {
        const struct mf_field *mf = mf_from_id(compared[i]);

        if (visit ? !is_field_as_predicted(mf, visit, b)
            : !same_field(mf, a, b) && !is_internal(mf->id)) {
            struct ds from = DS_EMPTY_INITIALIZER;
            struct ds to = DS_EMPTY_INITIALIZER;

            format_field(mf, a, &from);
            format_field(mf, b, &to);
            texts[n++] = arena_printf(arena, "%s%s%s%s%s", mf->name,
                                      all ? ": predicted " : " ",
                                      ds_cstr(&from), all ? ", seen " : " -> ",
                                      ds_cstr(&to));
            ds_destroy(&from);
            ds_destroy(&to);
        }
    }
    *list = n ? arena_alloc(arena, n * sizeof **list) : NULL;
    if (n) {
        memcpy(*list, texts, n * sizeof **list);
    }
    return n;
}

/* Stages.  ---------------------------------------------------------------- */

static bool
is_visit(const struct trace_copy *copy, const char *host)
{
    return ((copy->kind == TRACE_COPY_STAGE || copy->kind == TRACE_COPY_LAST)
            && !strcmp(copy->host, host));
}

/* Returns the 'n'th visit of 'host', from 0, or NULL. */
static const struct trace_copy *
nth_seen(const struct live_sight *sight, const char *host, size_t n)
{
    for (size_t i = 0; i < sight->n; i++) {
        if (is_visit(&sight->copies[i], host) && !n--) {
            return &sight->copies[i];
        }
    }
    return NULL;
}

static const struct live_visit *
nth_predicted(const struct live_way *way, const char *host, size_t n)
{
    for (size_t i = 0; i < way->n_visits; i++) {
        if (!strcmp(way->visits[i].host, host) && !n--) {
            return &way->visits[i];
        }
    }
    return NULL;
}

static struct live_stage *
add_stage(struct comparison *c, const char *host, uint8_t table,
          const char *result)
{
    struct live_stage *stage = &c->result->stages[c->result->n_stages++];

    *stage = (struct live_stage) {
        .host = host, .table = table, .result = result,
        .stage = result_stage_name(c->names, table, c->arena),
    };
    return stage;
}

static void
set_difference(struct comparison *c, const char *text)
{
    if (!c->result->difference) {
        c->result->difference = text;
    }
}

/* Returns true if they differ in that the connection, to be a new one, is
 * not: a source port that is in use was asked for, for instance. */
static bool
knows_connection(const struct flow *predicted, const struct flow *seen)
{
    return (predicted->ct_state & CS_NEW && seen->ct_state & CS_TRACKED
            && !(seen->ct_state & CS_NEW));
}

static void
compare_stage(struct comparison *c, const struct live_visit *predicted,
              const struct trace_copy *seen, const struct flow *before)
{
    struct live_stage *stage = add_stage(c, predicted->host, predicted->table,
                                         "same");

    if (before) {
        stage->n_changes = list_fields(c->arena, NULL, before, &seen->flow,
                                       &stage->changes);
    }
    stage->n_differences = list_fields(c->arena, predicted, &predicted->flow,
                                       &seen->flow, &stage->differences);
    if (stage->n_differences) {
        stage->result = "differs";
        set_difference(c, arena_printf(
            c->arena, "at stage %s on %s: %s%s",
            stage->stage ? stage->stage : "?", stage->host,
            stage->differences[0],
            knows_connection(&predicted->flow, &seen->flow)
            ? " (conntrack has this connection from before)" : ""));
    } else if (!c->result->difference) {
        c->n_same++;
    }
}

/* Tells that 'stage' is missing, behind 'before' (NULL: none) on its host. */
static void
set_missing(struct comparison *c, const struct live_stage *stage,
            const struct live_visit *before)
{
    const char *name = stage->stage ? stage->stage : "?";

    set_difference(c, before
                   ? arena_printf(c->arena, "it came to stage %s on %s, but "
                                  "not to the next one, %s",
                                  result_stage_name(c->names, before->table,
                                                    c->arena),
                                  stage->host, name)
                   : arena_printf(c->arena, "it did not come to %s, whose "
                                  "first stage is %s", stage->host, name));
}

static void
compare_rest(struct comparison *c, const char *host, size_t i)
{
    const struct live_visit *predicted;
    const struct trace_copy *seen;
    const struct live_stage *stage;

    for (size_t j = i; (seen = nth_seen(c->sight, host, j)) != NULL; j++) {
        stage = add_stage(c, host, seen->table, "unexpected");
        set_difference(c, arena_printf(
            c->arena, "it came to stage %s on %s, which was not predicted",
            stage->stage ? stage->stage : "?", host));
    }
    for (size_t j = i; (predicted = nth_predicted(c->way, host, j)) != NULL;
         j++) {
        set_missing(c, add_stage(c, host, predicted->table, "missing"),
                    j ? nth_predicted(c->way, host, j - 1) : NULL);
    }
}

static void
compare_host(struct comparison *c, const char *host)
{
    const struct flow *before = NULL;
    size_t i = 0;

    for (;; i++) {
        const struct live_visit *predicted = nth_predicted(c->way, host, i);
        const struct trace_copy *seen = nth_seen(c->sight, host, i);

        if (!predicted || !seen || predicted->table != seen->table) {
            break;
        }
        compare_stage(c, predicted, seen, before);
        before = &seen->flow;
    }
    compare_rest(c, host, i);
}

static void
compare_stages(struct comparison *c)
{
    const struct live_way *way = c->way;

    c->result->stages = arena_alloc(c->arena, (way->n_visits + c->sight->n)
                                              * sizeof *c->result->stages);
    for (size_t i = 0; i < way->n_visits; i++) {
        const char *host = way->visits[i].host;

        if (nth_predicted(way, host, 0) == &way->visits[i]) {
            compare_host(c, host);
        }
    }
}

/* Ends.  ------------------------------------------------------------------ */

/* Returns true if the packet has left for a physical network there. */
static bool
leaves(const struct trace_copy *copy)
{
    return copy->kind == TRACE_COPY_LAST && live_flow_leaves(&copy->flow);
}

/* Returns true if by 'way' a packet that leaves 'copy's host for a physical
 * network is to come to another host. */
static bool
crosses(const struct live_way *way, const struct trace_copy *copy)
{
    for (size_t i = 1; i < way->n_visits; i++) {
        if (way->visits[i].crossed
            && !strcmp(way->visits[i - 1].host, copy->host)) {
            return true;
        }
    }
    return false;
}

/* Returns the copy that shows the packet's end, or NULL: it has not ended as
 * far as is known. */
static const struct trace_copy *
find_last(const struct live_way *way, const struct live_sight *sight)
{
    const struct trace_copy *found = NULL, *left = NULL;

    for (size_t i = 0; i < sight->n; i++) {
        const struct trace_copy *copy = &sight->copies[i];
        const uint32_t *regs = copy->flow.regs;

        if (leaves(copy)) {
            left = crosses(way, copy) ? left : copy;
        } else if (copy->kind == TRACE_COPY_DROP
                   ? (regs[SAMPLE_KIND_REG] & SAMPLE_DROP) != 0
                   : copy->kind == TRACE_COPY_LAST ? regs[4] == 1
                   : copy->kind == TRACE_COPY_PUNT && !found) {
            found = copy;
        }
    }
    return found ? found : left;
}

static const char *
drop_reason(const struct result_names *names, const struct trace_copy *copy)
{
    return engine_find_drop_reason(names->engine,
                                   copy->flow.regs[SAMPLE_KIND_REG]);
}

static const char *
drop_owner(const struct result_names *names, const struct trace_copy *copy)
{
    return engine_cookie_name(names->engine, ntohll(copy->flow.metadata));
}

/* The same, and sets what it says. */
static const struct trace_copy *
find_end(const struct comparison *c, struct live_end *end)
{
    const struct trace_copy *found = find_last(c->way, c->sight);

    *end = (struct live_end) { .verdict = "lost" };
    if (!found) {
        return NULL;
    }
    end->host = found->host;
    if (found->kind == TRACE_COPY_LAST) {
        end->verdict = "delivered";
        if (leaves(found)) {
            end->where = "outside";
            end->leaves_as = live_between_whom(&found->flow, c->arena);
        }
    } else if (found->kind == TRACE_COPY_PUNT) {
        end->verdict = "punted";
        end->reason = "it goes to an app of the controller";
    } else {
        const char *owner = drop_owner(c->names, found);

        end->verdict = "dropped";
        end->reason = drop_reason(c->names, found);
        end->owner = owner ? arena_strdup(c->arena, owner) : NULL;
    }
    return found;
}

static bool
same_text(const char *a, const char *b)
{
    return !a || !b ? a == b : !strcmp(a, b);
}

/* Returns "@PHYSICAL", where packets of the network with this VNI leave; or
 * NULL. */
static const char *
find_physical(struct comparison *c, uint32_t vni)
{
    const struct model *model = c->names->model;
    struct vmn_names names = model_names(model, VMN_TABLE_NETWORK);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_network *network = model_get(
            model, VMN_TABLE_NETWORK, names.names[i]);

        if (network && network->vni == vni && network->provider.physical) {
            return arena_printf(c->arena, "@%s", network->provider.physical);
        }
    }
    return NULL;
}

/* Names the port that the packet has come to. */
static void
name_port(struct comparison *c, const struct trace_copy *at,
          struct live_end *seen)
{
    uint32_t ofport = at->flow.regs[7];
    const char *port;

    if (seen->where) {
        seen->port = find_physical(c, at->flow.regs[0]);
        return;
    }
    if (c->way->kind == LIVE_END_PORT && c->way->port == ofport
        && !strcmp(at->host, c->way->end.host)) {
        seen->port = c->way->end.port;
        return;
    }
    port = result_port_name(c->names, at->host, ofport);
    seen->port = (port ? arena_strdup(c->arena, port)
                  : arena_printf(c->arena, "number %u", ofport));
}

/* Returns true if it ended where it was to. */
static bool
same_end(const struct result_names *names, const struct live_way *way,
         const struct trace_copy *at)
{
    bool same_host = at && same_text(at->host, way->end.host);
    const char *owner;

    switch (way->kind) {
    case LIVE_END_PORT:
        if (!way->in_last) {
            return !at;
        }
        if (!same_host || at->kind != TRACE_COPY_LAST
            || leaves(at) != way->leaves) {
            return false;
        }
        return (way->leaves
                ? at->flow.regs[0]
                  == way->visits[way->n_visits - 1].flow.regs[0]
                : at->flow.regs[7] == way->port);
    case LIVE_END_DROP:
        if (!same_host || at->kind != TRACE_COPY_DROP) {
            return false;
        }
        owner = drop_owner(names, at);
        return (same_text(drop_reason(names, at), way->end.reason)
                && (!owner || same_text(owner, way->end.owner)));
    case LIVE_END_PUNT:
        return same_host && at->kind == TRACE_COPY_PUNT;
    case LIVE_END_LOST:
        return !at;
    case LIVE_END_UNKNOWN:      /* Refused by live_prediction_check(). */
    default:
        return true;
    }
}

static const char *
describe(struct comparison *c, const struct live_end *end)
{
    if (end->where) {
        return arena_printf(c->arena, "leaves by %s on %s as %s",
                            end->port ? end->port : "?", end->host,
                            end->leaves_as);
    }
    return arena_printf(c->arena, "%s%s%s%s%s%s%s", end->verdict,
                        end->port ? " to " : "", end->port ? end->port : "",
                        end->host ? " on " : "", end->host ? end->host : "",
                        end->reason ? ": " : "",
                        end->reason ? end->reason : "");
}

/* Returns true if the first difference is that a switch did not know the next
 * hop's address where it was to: the packet was dropped at once, in the name
 * of whoever sends it on ('at'); or, from a port that migrates, it went to the
 * port's other host, which may know. */
static bool
is_next_hop_unknown(const struct comparison *c, const struct trace_copy *at)
{
    const struct live_visit *visit = find_neighbour(c->way);
    const struct live_stage *stage
        = (c->n_same < c->result->n_stages ? &c->result->stages[c->n_same]
           : NULL);

    if (!visit || !stage || stage->table != visit->table
        || strcmp(stage->host, visit->host)) {
        return false;
    }
    if (!strcmp(stage->result, "missing")) {
        return (at && at->kind == TRACE_COPY_DROP
                && !strcmp(at->host, visit->host)
                && live_flow_leaves(&at->flow)
                && lacks_neighbour(&at->flow));
    }
    for (size_t i = 0; i < c->sight->n; i++) {
        const struct trace_copy *copy = &c->sight->copies[i];

        if (is_visit(copy, visit->host) && copy->table == visit->table
            && lacks_neighbour(&copy->flow)
            && !live_flow_leaves(&copy->flow)) {
            return !strcmp(stage->result, "differs");
        }
    }
    return false;
}

/* That is nobody's fault: the switch learns the address when a guest's packet
 * asks for it. */
static void
excuse_next_hop(struct comparison *c, const struct trace_copy *at)
{
    if (is_next_hop_unknown(c, at)) {
        c->result->next_hop_unknown = true;
        c->result->difference = arena_printf(
            c->arena, "%s (%s: the switch does not know the next hop's "
            "address yet, which a trace takes for known)",
            c->result->difference,
            c->result->seen.reason ? c->result->seen.reason
            : c->result->seen.verdict);
    }
}

/* Nothing shows how a packet ends that no flow drops; then it has ended as
 * predicted if all before that is so. */
static void
compare_ends(struct comparison *c, const struct trace_copy *at)
{
    struct live_trace *result = c->result;

    if (at && at->kind == TRACE_COPY_LAST) {
        name_port(c, at, &result->seen);
    }
    if (!same_end(c->names, c->way, at)) {
        set_difference(c, arena_printf(c->arena, "predicted: %s; seen: %s",
                                       describe(c, &result->predicted),
                                       describe(c, &result->seen)));
    } else if (!at && !result->difference) {
        result->seen = c->way->end;
    }
    result->agrees = !result->difference;
    if (!result->agrees) {
        excuse_next_hop(c, at);
    }
}

/* Compares with one outcome. */
static bool
compare_way(struct comparison *c)
{
    const struct trace_copy *at;

    c->n_same = 0;
    c->result->n_stages = 0;
    c->result->difference = NULL;
    c->result->next_hop_unknown = false;
    c->result->predicted = c->way->end;
    compare_stages(c);
    at = find_end(c, &c->result->seen);
    compare_ends(c, at);
    return at != NULL;
}

/* Compares with all outcomes, and at last with the one that is the most like
 * what was seen. */
static void
compare_ways(struct comparison *c)
{
    const struct live_way *best = NULL;
    size_t most = 0;

    for (size_t i = 0; i < c->p->n_ways; i++) {
        bool ended;

        c->way = &c->p->ways[i];
        ended = compare_way(c);
        if (c->result->agrees && ended) {
            return;
        }
        if (!best || c->n_same > most
            || (c->result->agrees && c->n_same == most)) {
            best = c->way;
            most = c->n_same;
        }
    }
    c->way = best;
    compare_way(c);
}

void
live_compare(const struct live_prediction *p, const struct result_names *names,
             const struct live_sight *sight, struct arena *arena,
             struct live_trace *result)
{
    struct comparison c = { .p = p, .names = names, .sight = sight,
                            .arena = arena, .result = result };

    compare_ways(&c);
}

/* Returns true if all that was seen is as one outcome says.  No texts are made
 * of it: it is asked while the packet is on its way. */
static bool
is_as_predicted(const struct live_way *way, const struct live_sight *sight)
{
    bool met[LIVE_VISITS_MAX] = { false };
    size_t n_met = 0;

    for (size_t i = 0; i < sight->n; i++) {
        const struct trace_copy *copy = &sight->copies[i];
        const struct live_visit *visit;
        size_t next = 0;

        if (copy->kind != TRACE_COPY_STAGE && copy->kind != TRACE_COPY_LAST) {
            continue;
        }
        while (next < way->n_visits
               && (met[next] || strcmp(way->visits[next].host, copy->host))) {
            next++;
        }
        visit = &way->visits[next];
        if (next == way->n_visits || visit->table != copy->table
            || !is_flow_as_predicted(visit, &copy->flow)) {
            return false;
        }
        met[next] = true;
        n_met++;
    }
    return n_met == way->n_visits;
}

bool
live_is_complete(const struct live_prediction *p,
                 const struct result_names *names,
                 const struct live_sight *sight)
{
    for (size_t i = 0; i < p->n_ways; i++) {
        const struct live_way *way = &p->ways[i];
        const struct trace_copy *at = find_last(way, sight);

        if (at && same_end(names, way, at) && is_as_predicted(way, sight)) {
            return true;
        }
    }
    return false;
}
