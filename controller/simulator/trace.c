/* SPDX-License-Identifier: Apache-2.0
 *
 * A trace; see trace.h.  A leg is one packet from where it comes in to all its
 * ends; an outcome is the legs of one exchange.  Where a group chooses among
 * backends there is an outcome for each. */

#include <config.h>

#include "controller/simulator/trace.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "controller/simulator/desired-hosts.h"
#include "controller/simulator/guest-packet.h"
#include "controller/simulator/learned-flows.h"
#include "controller/simulator/live-comparison.h"
#include "controller/simulator/packet-in-reply.h"
#include "controller/simulator/trace-endpoints.h"
#include "controller/simulator/trace-judge.h"
#include "controller/simulator/trace-outside.h"
#include "controller/simulator/trace-scope.h"
#include "controller/simulator/trace-steps.h"
#include "controller/simulator/verdict.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "unicode.h"
#include "util.h"

#define OUTCOMES_MAX 64

/* What is needed to make a trace. */
struct tracer {
    struct result_names names;
    const struct trace_request *request;
    struct simulator *sim;
    struct trace_endpoints who;
    struct arena *arena;
};

/* Legs.  ----------------------------------------------------------------- */

/* Adds a leg for 'packet', which was run last. */
static void
add_leg(const struct tracer *tracer, const char *kind,
        const struct sim_packet *packet, struct trace_outcome *outcome)
{
    if (tracer->request->brief) {
        return;
    }
    ovs_assert(outcome->n_legs < TRACE_LEGS_MAX);
    trace_leg_fill(&tracer->names, tracer->sim, kind, packet, tracer->arena,
                   &outcome->legs[outcome->n_legs++]);
}

/* Runs the sender's question for the MAC of 'target'.  Returns true if it is
 * answered, and sets the MAC. */
static bool
solicit(struct tracer *tracer, const struct vmn_ip *target,
        struct sim_packet *packet)
{
    struct trace_endpoints *who = &tracer->who;
    const struct sim_end *ends;
    size_t n;

    packet_solicit(&who->ends, target, packet);
    if (who->from.outside) {
        packet_set_vlan(packet, who->from.outside->provider.vlan);
    }
    simulator_begin(tracer->sim);
    simulator_run(tracer->sim, who->from.host, who->from.ofport, packet);
    n = simulator_ends(tracer->sim, &ends);
    for (size_t i = 0; i < n; i++) {
        if (sim_end_is_at(&ends[i], &who->from)
            && packet_is_advertisement(&ends[i].packet, target,
                                       &who->ends.destination_mac)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the question that was run last has come to the port that the
 * packet is for, or outside, where one replies itself; sets '*result' to what
 * became of the question, and the MAC. */
static bool
guest_replies(struct tracer *tracer, struct sim_verdict *result)
{
    struct trace_endpoints *who = &tracer->who;

    verdict_get(tracer->sim, trace_goal(who), result);
    if (result->verdict != VERDICT_DELIVERED || !trace_goal(who)) {
        return false;
    }
    who->ends.destination_mac = (who->to.port ? who->to.port->mac
                                 : trace_outside_mac);
    return true;
}

/* Has who is outside resolve its next hop, and finds the host that lets its
 * packets in: the one that answers.  As ask(), which calls it. */
static bool
ask_from_outside(struct tracer *tracer, struct trace_outcome *outcome,
                 struct sim_verdict *result)
{
    const struct model *model = tracer->names.model;
    struct trace_endpoints *who = &tracer->who;
    const struct vmn_network *network = who->from.outside;
    const struct vmn_port *to = who->to.port;
    bool is_there = to && !strcmp(to->network, network->row.name);
    struct vmn_names hosts = model_names(model, VMN_TABLE_HOST);
    struct sim_packet packet;

    for (size_t i = 0; i < hosts.n; i++) {
        uint32_t ofport = provider_ofport_of(model, hosts.names[i],
                                             network->provider.physical);

        if (!ofport) {
            continue;
        }
        who->from.host = hosts.names[i];
        who->from.ofport = ofport;
        if (solicit(tracer, &who->next_hop, &packet)
            || (is_there && guest_replies(tracer, result))) {
            return true;
        }
    }
    verdict_get(tracer->sim, NULL, result);
    result->verdict = VERDICT_DROPPED;
    result->end.kind = SIM_LOST;
    result->end.rule = NULL;
    result->end.text
        = (is_there && port_is_quarantined(tracer->names.engine, to)
           ? "the port is quarantined: nobody answers for its address"
           : "nobody answers for the address in the external network");
    add_leg(tracer, who->next_hop.family == 4 ? "arp" : "nd", &packet,
            outcome);
    who->from.host = NULL;
    return false;
}

/* Has the sender's guest resolve its next hop.  Returns true if it gets a MAC;
 * otherwise sets 'result' to what became of its request, which is in
 * 'outcome', too. */
static bool
ask(struct tracer *tracer, struct trace_outcome *outcome,
    struct sim_verdict *result)
{
    struct trace_endpoints *who = &tracer->who;
    const struct vmn_ip *target;
    struct sim_packet packet;

    if (who->from.outside) {
        return ask_from_outside(tracer, outcome, result);
    }
    if (!value_mac_is_none(tracer->request->destination_mac)) {
        who->ends.destination_mac = tracer->request->destination_mac;
        return true;
    }
    if (endpoint_is_group(tracer->names.model, &who->from,
                          &who->ends.destination_ip)) {
        who->ends.destination_mac = packet_group_mac(
            &who->ends.destination_ip);
        return true;
    }
    target = endpoint_next_hop(tracer->names.model, &who->from,
                               &who->ends.destination_ip);
    if (!target) {
        target = &who->ends.destination_ip;
    }
    if (solicit(tracer, target, &packet) || guest_replies(tracer, result)) {
        return true;
    }
    if (result->verdict == VERDICT_DELIVERED) {
        result->verdict = VERDICT_UNKNOWN;
        result->end.kind = SIM_UNKNOWN;
        result->end.text = "guests resolve the address: give destination_mac "
                           "for one that answers";
    }
    add_leg(tracer, target->family == 4 ? "arp" : "nd", &packet, outcome);
    return false;
}

/* Outcomes.  ------------------------------------------------------------- */

/* Adds an empty outcome. */
static struct trace_outcome *
add_outcome(struct tracer *tracer, struct trace *trace)
{
    struct trace_outcome *outcome = &trace->outcomes[trace->n_outcomes++];

    outcome->legs = arena_alloc(tracer->arena,
                                TRACE_LEGS_MAX * sizeof *outcome->legs);
    return outcome;
}

/* Returns the app of stage "APP.STAGE", in the arena; NULL of NULL. */
static const char *
app_of(const struct tracer *tracer, const char *stage)
{
    return (stage ? arena_printf(tracer->arena, "%.*s",
                                 (int) strcspn(stage, "."), stage) : NULL);
}

/* Returns the app that has dropped the packet which was run last, if it has
 * asked before for what the switch has learned; else NULL. */
static const char *
find_learner(const struct tracer *tracer, const struct trace_end *at)
{
    const char *app = app_of(tracer, at->stage);
    const struct sim_step *steps;
    size_t n = app ? simulator_steps(tracer->sim, &steps) : 0;

    for (size_t i = 0; i < n; i++) {
        const char *other
            = (steps[i].asks_learned
               ? app_of(tracer, result_stage_name(&tracer->names,
                                                  steps[i].table,
                                                  tracer->arena)) : NULL);

        if (other && !strcmp(app, other)) {
            return app;
        }
    }
    return NULL;
}

static void
fill_outcome(const struct tracer *tracer, const struct sim_verdict *result,
             const char *packet, double share, struct trace_outcome *outcome)
{
    outcome->share = share;
    outcome->verdict = verdict_name(result->verdict);
    outcome->packet = packet;
    trace_end_fill(&tracer->names, &result->end, tracer->arena, &outcome->at);
    outcome->asks_learned = (result->verdict == VERDICT_DROPPED
                             ? find_learner(tracer, &outcome->at) : NULL);
}

/* Addresses a reply to another network to the replying guest's own gateway,
 * which need not be the router by which the request came. */
static void
take_way_back(const struct tracer *tracer, const struct sim_end *at,
              struct sim_packet *reply)
{
    const char *name = result_port_name(&tracer->names, at->host, at->port);
    struct endpoint endpoint;
    struct vmn_mac mac;
    struct vmn_ip ip;

    packet_get_destination(reply, &ip);
    if (name && endpoint_find(tracer->names.model, name, &endpoint)
        && endpoint_next_router(tracer->names.model, &endpoint, &ip, &mac)
        == NEXT_ROUTER) {
        packet_set_next_hop(reply, mac);
    }
}

/* Says what a handler's reply carries: as text, if it is that. */
static void
put_payload(const struct tracer *tracer, const struct packet_in_reply *reply,
            struct trace_answer *answer)
{
    const char *bytes = (const char *) reply->payload;
    size_t n = reply->payload_size;
    struct ds hex = DS_EMPTY_INITIALIZER;
    char *text, *problem;

    if (!bytes) {
        return;
    }
    text = arena_memdup0(tracer->arena, bytes, n);
    problem = utf8_validate(text, NULL);
    if (strlen(text) == n && !problem) {
        answer->payload = text;
    } else {
        for (size_t i = 0; i < n; i++) {
            ds_put_format(&hex, "%02x", reply->payload[i]);
        }
        answer->payload_hex = arena_strdup(tracer->arena, ds_cstr(&hex));
    }
    ds_destroy(&hex);
    free(problem);
}

/* Returns true if whoever asks may read what an app tells the guest of the
 * port.  A reply to a request may have what is secret: only who may change the
 * port, and so could have its guest ask. */
static bool
may_read(const struct tracer *tracer, const struct endpoint *sender,
         const struct packet_in_reply *reply)
{
    return (!reply->http_status
            || (sender && sender->port
                && model_may_change(tracer->request->rights,
                                    &sender->port->row)));
}

/* What a handler did with a packet. */
enum handled {
    HANDLED_NOT,                /* No handler was called, or its packets do not
                                 * arrive, or refuse the packet. */
    HANDLED_ANSWERED,           /* The sender gets an answer. */
    HANDLED_PASSED_ON,          /* Its destination gets the packet. */
};

/* Returns the fate of the packets that a handler sent for a packet from
 * 'sender' to 'goal' (NULL for either: any port), and sets '*result' to it. */
static enum handled
judge_answer(const struct tracer *tracer, const struct endpoint *sender,
             const struct endpoint *goal, const struct packet_in_reply *reply,
             struct sim_verdict *result)
{
    if (sender) {
        verdict_get(tracer->sim, sender, result);
        if (result->verdict == VERDICT_DELIVERED) {
            return reply->refuses ? HANDLED_NOT : HANDLED_ANSWERED;
        }
    }
    verdict_get(tracer->sim, goal, result);
    return (result->verdict == VERDICT_DELIVERED ? HANDLED_PASSED_ON
            : HANDLED_NOT);
}

/* If a handler was called with a packet for 'goal', which was run last, adds
 * what it sends; 'sender' is whose request it is, NULL: the packet is a
 * guest's reply, and has no payload.  Sets '*result' to what became of it
 * unless that is HANDLED_NOT. */
static enum handled
run_answer(struct tracer *tracer, const struct endpoint *sender,
           const struct endpoint *goal, struct trace_outcome *outcome,
           struct sim_verdict *result)
{
    const struct trace_request *request = tracer->request;
    const struct sim_end *ends;
    size_t n = simulator_ends(tracer->sim, &ends);
    enum handled handled = HANDLED_NOT;
    struct packet_in_reply reply;
    struct trace_answer *answer;
    struct sim_verdict sent;
    char *text;
    size_t i = 0;

    while (i < n && ends[i].kind != SIM_PUNT) {
        i++;
    }
    if (i >= n
        || !packet_in_reply_run(tracer->names.engine, tracer->names.model,
                                tracer->sim, &ends[i], request->data,
                                sender ? request->data_size : 0, &reply)) {
        return HANDLED_NOT;
    }
    outcome->asked_at_sender = sender && !strcmp(ends[i].host, sender->host);
    answer = outcome->answer = arena_alloc(tracer->arena, sizeof *answer);
    text = packet_in_reply_to_string(&reply);
    answer->message = arena_strdup(tracer->arena, text);
    free(text);
    if (!reply.why_not) {
        if (may_read(tracer, sender, &reply)) {
            put_payload(tracer, &reply, answer);
        }
        add_leg(tracer, "answer", &reply.packet, outcome);
        handled = judge_answer(tracer, sender, goal, &reply, &sent);
        answer->verdict = verdict_name(sent.verdict);
        answer->at = arena_alloc(tracer->arena, sizeof *answer->at);
        trace_end_fill(&tracer->names, &sent.end, tracer->arena, answer->at);
    }
    packet_in_reply_uninit(&reply);
    if (handled != HANDLED_NOT) {
        *result = sent;
    }
    return handled;
}

/* Returns true unless a reply to who is outside, which knows of no NAT, comes
 * from elsewhere than where 'request' went. */
static bool
answers_request(const struct sim_packet *request,
                const struct sim_packet *reply)
{
    const struct flow *a = &request->flow, *b = &reply->flow;

    return (a->nw_dst == b->nw_src
            && ipv6_addr_equals(&a->ipv6_dst, &b->ipv6_src)
            && a->nw_src == b->nw_dst
            && ipv6_addr_equals(&a->ipv6_src, &b->ipv6_dst)
            && (a->nw_proto == IPPROTO_ICMP || a->nw_proto == IPPROTO_ICMPV6
                || (request->tp_dst == reply->tp_src
                    && request->tp_src == reply->tp_dst)));
}

/* Runs the reply to the request.  Returns false if the guest sends none. */
static bool
run_reply(struct tracer *tracer, const struct sim_packet *request,
          const struct sim_end *at, struct trace_outcome *outcome,
          struct sim_verdict *result)
{
    struct sim_packet packet;
    const char *host = at->host;
    uint32_t port = at->port;

    if (!packet_reply(&at->packet, &packet)) {
        return false;
    }
    take_way_back(tracer, at, &packet);
    simulator_run(tracer->sim, host, port, &packet);
    verdict_get(tracer->sim, &tracer->who.from, result);
    add_leg(tracer, "reply", &packet, outcome);
    if (result->verdict == VERDICT_DELIVERED && tracer->who.from.outside
        && !answers_request(request, &result->end.packet)) {
        result->verdict = VERDICT_DROPPED;
        result->end.kind = SIM_LOST;
        result->end.rule = NULL;
        result->end.text = "it comes from an address or port that the "
                           "request was not for";
    } else if (result->verdict != VERDICT_DELIVERED) {
        run_answer(tracer, NULL, &tracer->who.from, outcome, result);
    }
    return true;
}

static void
run_exchange(struct tracer *tracer, struct trace_outcome *outcome)
{
    const struct trace_endpoints *who = &tracer->who;
    const char *what = "request";
    enum handled handled = HANDLED_NOT;
    struct sim_packet packet;
    struct sim_verdict result;

    packet_request(&who->ends, tracer->request, &packet);
    if (who->from.outside) {
        packet_set_vlan(&packet, who->from.outside->provider.vlan);
    }
    simulator_run(tracer->sim, who->from.host, who->from.ofport, &packet);
    verdict_get(tracer->sim, trace_goal(who), &result);
    outcome->rule = verdict_rule(tracer->sim, &tracer->names);
    add_leg(tracer, "request", &packet, outcome);
    if (tracer->request->prediction) {
        live_prediction_add(tracer->request->prediction, &tracer->names,
                            tracer->sim, &who->from, &packet, &result.end);
    }
    if (result.verdict != VERDICT_DELIVERED) {
        handled = run_answer(tracer, &who->from, trace_goal(who), outcome,
                             &result);
    }
    if (result.verdict == VERDICT_DELIVERED && tracer->request->reply
        && handled != HANDLED_ANSWERED) {
        struct sim_verdict reply;

        if (run_reply(tracer, &packet, &result.end, outcome, &reply)
            && reply.verdict != VERDICT_DELIVERED) {
            what = "reply";
            result = reply;
        }
    }
    trace_judge(&tracer->names, tracer->request, who, tracer->arena, &result);
    fill_outcome(tracer, &result, what, simulator_share(tracer->sim),
                 outcome);
}

static const char *
copy_name(const struct tracer *tracer, const char *name)
{
    return name ? arena_strdup(tracer->arena, name) : NULL;
}

/* Fills in between whom the packet is. */
static void
fill_endpoints(const struct tracer *tracer, struct trace *trace)
{
    const struct trace_endpoints *who = &tracer->who;
    const struct endpoint *from = &who->from, *to = &who->to;

    trace->from = (struct trace_from) {
        .port = copy_name(tracer, from->port ? from->port->row.name : NULL),
        .network = copy_name(tracer, from->outside ? from->outside->row.name
                             : NULL),
        .host = copy_name(tracer, from->host),
        .ip = who->ends.source_ip,
    };
    trace->to = (struct trace_to) {
        .ip = who->ends.destination_ip,
        .port = copy_name(tracer, to->port ? to->port->row.name : NULL),
        .network = copy_name(tracer, to->outside ? to->outside->row.name
                             : NULL),
    };
}

/* Returns the verdict on all outcomes: "delivered" and so on, or "mixed" if
 * they differ. */
static const char *
sum_up(const struct trace *trace)
{
    const char *first = trace->outcomes[0].verdict;

    for (size_t i = 1; i < trace->n_outcomes; i++) {
        if (strcmp(trace->outcomes[i].verdict, first)) {
            return "mixed";
        }
    }
    return first;
}

/* Runs another choice of the exchange, with the learned flows from before it:
 * of all choices, switches remember the first. */
static void
run_alternative(struct tracer *tracer, const struct learned_flows *before,
                struct trace_outcome *outcome)
{
    struct learned_flows *learned = learned_flows_clone(before);

    simulator_set_learned(tracer->sim, learned);
    run_exchange(tracer, outcome);
    simulator_set_learned(tracer->sim, NULL);
    learned_flows_destroy(learned);
}

static struct trace *
run_outcomes(struct tracer *tracer)
{
    struct trace *trace = arena_alloc(tracer->arena, sizeof *trace);
    struct trace_outcome *outcome;
    struct learned_flows *before;
    struct sim_verdict result;
    bool more = false;

    trace->outcomes = arena_alloc(tracer->arena,
                                  OUTCOMES_MAX * sizeof *trace->outcomes);
    outcome = add_outcome(tracer, trace);
    /* Flows alone say by which host a packet from outside comes in. */
    simulator_set_underlay(tracer->sim, NULL);
    simulator_set_learned(tracer->sim, tracer->request->learned);
    if (!ask(tracer, outcome, &result)) {
        fill_outcome(tracer, &result,
                     trace_judge_absence(&tracer->who, tracer->arena, &result)
                     ? "request" : "question for the address", 1, outcome);
    } else {
        simulator_set_underlay(tracer->sim, tracer->request->underlay);
        before = learned_flows_clone(tracer->request->learned);
        simulator_begin(tracer->sim);
        run_exchange(tracer, outcome);
        more = simulator_next(tracer->sim);
        while (more && trace->n_outcomes < OUTCOMES_MAX) {
            run_alternative(tracer, before, add_outcome(tracer, trace));
            more = simulator_next(tracer->sim);
        }
        learned_flows_destroy(before);
    }
    fill_endpoints(tracer, trace);
    trace->verdict = sum_up(trace);
    trace->complete = !more;
    return trace;
}

struct trace *
trace_run(struct simulator *sim, const struct result_names *names,
          const struct trace_request *request, struct arena *arena,
          struct vmn_error *error)
{
    struct tracer tracer = {
        .names = *names, .request = request, .sim = sim, .arena = arena,
    };

    return (trace_endpoints_find(names->model, request, &tracer.who, error)
            ? run_outcomes(&tracer) : NULL);
}

struct trace *
trace_make(struct engine *engine, const struct model *model,
           const struct pipeline *pipeline,
           const struct trace_request *request, struct arena *arena,
           struct vmn_error *error)
{
    struct tracer tracer = {
        .names = { engine, model, pipeline,
                   arena_alloc(arena, sizeof(struct isolation_memo *)) },
        .request = request,
        .arena = arena,
    };
    struct desired_hosts *net;
    struct sim_net sim_net;
    struct trace *trace;

    if (!trace_endpoints_find(model, request, &tracer.who, error)) {
        return NULL;
    }
    net = desired_hosts_create(engine, model);
    desired_hosts_get(net, &sim_net);
    tracer.sim = simulator_create(&sim_net);
    simulator_keep_flows(tracer.sim, true);
    trace = run_outcomes(&tracer);
    trace_restrict(trace, model, request, &tracer.who, arena);
    simulator_destroy(tracer.sim);
    desired_hosts_destroy(net);
    return trace;
}
