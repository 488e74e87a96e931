/* SPDX-License-Identifier: Apache-2.0
 *
 * Learned flows; see learned-flows.h.  A test has a few of them, so they are a
 * list.  Modifications, limits and timeouts are those of ofproto/ofproto.c. */

#include <config.h>

#include "controller/simulator/learned-flows.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/engine/engine.h"
#include "controller/flow/flow-item.h"
#include "controller/flow/learn-action.h"
#include "learn.h"
#include "openvswitch/list.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

struct learned_flow {
    struct ovs_list node;       /* In 'known' or 'pending'. */
    char *host;
    uint8_t table;
    uint16_t priority;
    ovs_be64 cookie;
    uint32_t limit;             /* Of flows in the table with the cookie; 0:
                                 * none. */
    uint16_t idle_s, hard_s;    /* 0: none. */
    int64_t used_s, learned_s;
    struct minimatch match;
    struct ofpbuf ofpacts;
};

struct learned_flows {
    int64_t now_s;
    struct ovs_list known;
    struct ovs_list pending;    /* Learned since learned_flows_commit(). */
};

struct learned_flows *
learned_flows_create(void)
{
    struct learned_flows *flows = xzalloc(sizeof *flows);

    ovs_list_init(&flows->known);
    ovs_list_init(&flows->pending);
    return flows;
}

static void
forget(struct learned_flow *flow)
{
    ovs_list_remove(&flow->node);
    minimatch_destroy(&flow->match);
    ofpbuf_uninit(&flow->ofpacts);
    free(flow->host);
    free(flow);
}

static void
forget_all(struct ovs_list *list)
{
    struct learned_flow *flow;

    LIST_FOR_EACH_SAFE (flow, node, list) {
        forget(flow);
    }
}

void
learned_flows_destroy(struct learned_flows *flows)
{
    if (flows) {
        forget_all(&flows->known);
        forget_all(&flows->pending);
        free(flows);
    }
}

struct learned_flows *
learned_flows_clone(const struct learned_flows *flows)
{
    struct learned_flows *copy;
    const struct learned_flow *flow;

    if (!flows) {
        return NULL;
    }
    copy = learned_flows_create();
    copy->now_s = flows->now_s;
    LIST_FOR_EACH (flow, node, &flows->known) {
        struct learned_flow *one = xmemdup(flow, sizeof *flow);

        one->host = xstrdup(flow->host);
        minimatch_clone(&one->match, &flow->match);
        ofpbuf_init(&one->ofpacts, flow->ofpacts.size);
        ofpbuf_put(&one->ofpacts, flow->ofpacts.data, flow->ofpacts.size);
        ovs_list_push_back(&copy->known, &one->node);
    }
    return copy;
}

/* Forgetting.  ------------------------------------------------------------ */

void
learned_flows_set_time(struct learned_flows *flows, int64_t now_s)
{
    struct learned_flow *flow;

    flows->now_s = now_s;
    LIST_FOR_EACH_SAFE (flow, node, &flows->known) {
        if ((flow->idle_s && now_s - flow->used_s >= flow->idle_s)
            || (flow->hard_s && now_s - flow->learned_s >= flow->hard_s)) {
            forget(flow);
        }
    }
}

/* A search for a flow that teaches. */
struct teacher {
    const struct learned_flow *flow;
    bool found;
};

/* Returns true if a flow of the engine's learns in 'table'. */
static bool
learns(const struct flow_item *item, uint8_t table)
{
    struct ofputil_flow_mod fm;
    const struct ofpact *a;
    struct ofpbuf ofpacts;
    bool found = false;

    ofpbuf_init(&ofpacts, 128);
    if (!ofputil_decode_flow_mod(&fm, flow_item_message(item),
                                 OFPUTIL_P_OF15_OXM, NULL, NULL, &ofpacts,
                                 OFPP_MAX, 255)) {
        OFPACT_FOR_EACH_FLATTENED (a, fm.ofpacts, fm.ofpacts_len) {
            found = found || (a->type == OFPACT_LEARN
                              && ofpact_get_LEARN(a)->table_id == table);
        }
        minimatch_destroy(&fm.match);
    }
    ofpbuf_uninit(&ofpacts);
    return found;
}

static void
look_at(void *teacher_, const struct flow_item *item)
{
    struct teacher *teacher = teacher_;
    uint64_t cookie = ntohll(teacher->flow->cookie);

    if (!teacher->found && item->kind == FLOW_ITEM_FLOW
        && flow_cookie_owner(item->cookie) == flow_cookie_owner(cookie)) {
        teacher->found = learns(item, teacher->flow->table);
    }
}

void
learned_flows_follow(struct learned_flows *flows, const struct engine *engine)
{
    struct learned_flow *flow;

    LIST_FOR_EACH_SAFE (flow, node, &flows->known) {
        struct teacher teacher = { flow, false };

        engine_host_items(engine, flow->host, look_at, &teacher);
        if (!teacher.found) {
            forget(flow);
        }
    }
}

/* Learning.  -------------------------------------------------------------- */

bool
learned_flows_has_table(uint8_t table)
{
    return (table == MAC_TABLE || table == CLIENT_TABLE
            || table == MEMBER_TABLE || table == HOLDER_TABLE);
}

static bool
is_of(const struct learned_flow *flow, const char *host, uint8_t table)
{
    return flow->table == table && !strcmp(flow->host, host);
}

/* Returns true if a switch takes 'flow' up, beside those that are known: it is
 * one of them, or their limit allows it.  Sets '*same' to that of the same
 * match, or to NULL. */
static bool
is_taken(const struct learned_flows *flows, const struct learned_flow *flow,
         struct learned_flow **same)
{
    struct learned_flow *known;
    size_t n = 0;

    *same = NULL;
    LIST_FOR_EACH (known, node, &flows->known) {
        if (is_of(known, flow->host, flow->table)) {
            n += known->cookie == flow->cookie;
            if (known->priority == flow->priority
                && minimatch_equal(&known->match, &flow->match)) {
                *same = known;
            }
        }
    }
    return ((*same && ofpbuf_equal(&(*same)->ofpacts, &flow->ofpacts))
            || !flow->limit || n < flow->limit);
}

bool
learned_flows_learn(struct learned_flows *flows, const char *host,
                    const struct ofpact_learn *learn,
                    const struct flow *packet)
{
    struct learned_flow *flow = xzalloc(sizeof *flow), *same;
    struct ofputil_flow_mod fm;

    ofpbuf_init(&flow->ofpacts, 64);
    learn_execute(learn, packet, &fm, &flow->ofpacts);
    minimatch_move(&flow->match, &fm.match);
    flow->host = xstrdup(host);
    flow->table = learn->table_id;
    flow->priority = learn->priority;
    flow->cookie = learn->cookie;
    flow->limit = learn->limit;
    flow->idle_s = learn->idle_timeout;
    flow->hard_s = learn->hard_timeout;
    flow->used_s = flow->learned_s = flows->now_s;
    ovs_list_push_back(&flows->pending, &flow->node);
    return is_taken(flows, flow, &same);
}

/* Takes a flow up as a MODIFY_STRICT: one that is known keeps its timeouts,
 * and when it was used. */
static void
commit(struct learned_flows *flows, struct learned_flow *flow)
{
    struct learned_flow *known;

    if (!is_taken(flows, flow, &known)) {
        forget(flow);
    } else {
        if (known) {
            flow->idle_s = known->idle_s;
            flow->hard_s = known->hard_s;
            flow->used_s = known->used_s;
            forget(known);
        }
        ovs_list_remove(&flow->node);
        ovs_list_push_back(&flows->known, &flow->node);
    }
}

void
learned_flows_commit(struct learned_flows *flows)
{
    struct learned_flow *flow;

    LIST_FOR_EACH_SAFE (flow, node, &flows->pending) {
        commit(flows, flow);
    }
}

const struct ofpact *
learned_flows_find(struct learned_flows *flows, const char *host,
                   uint8_t table, const struct flow *packet, size_t *len)
{
    struct learned_flow *flow, *best = NULL;

    LIST_FOR_EACH (flow, node, &flows->known) {
        if (is_of(flow, host, table)
            && (!best || flow->priority > best->priority)
            && minimatch_matches_flow(&flow->match, packet)) {
            best = flow;
        }
    }
    if (!best) {
        return NULL;
    }
    best->used_s = flows->now_s;
    *len = best->ofpacts.size;
    return best->ofpacts.data;
}
