/* SPDX-License-Identifier: Apache-2.0
 *
 * A trace; see trace.h.  A leg is one packet from where it comes in to all its
 * ends; an outcome is the legs of one exchange.  Where a group chooses among
 * backends there is an outcome for each. */

#include <config.h>

#include "controller/simulator/trace.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "controller/schema/value.h"
#include "controller/simulator/endpoint.h"
#include "controller/simulator/engine-net.h"
#include "controller/simulator/guest-packet.h"
#include "controller/simulator/handler-reply.h"
#include "controller/simulator/result-json.h"
#include "controller/simulator/verdict.h"
#include "flow.h"
#include "packets.h"
#include "util.h"

#define OUTCOMES_MAX 64

struct trace {
    struct result_names names;
    const struct trace_request *request;
    struct simulator *sim;
    struct endpoint from;
    struct endpoint to;         /* 'port' is NULL of an address. */
    struct packet_ends ends;
    struct vmn_errors *errors;
};

/* Who and where.  -------------------------------------------------------- */

static bool
find_source(struct trace *trace)
{
    const struct trace_request *request = trace->request;

    if (!endpoint_find(trace->names.model, request->from, &trace->from)) {
        vmn_errors_add(trace->errors, VMN_ERR_INVALID, "/from",
                       "port \"%s\" not found", request->from);
        return false;
    }
    if (!trace->from.ofport) {
        vmn_errors_add(trace->errors, VMN_ERR_CONFLICT, "/from",
                       "port \"%s\" is on no host that is known to have its "
                       "interface", request->from);
        return false;
    }
    trace->ends.source_mac = (request->has_source_mac ? request->source_mac
                              : trace->from.port->mac);
    return true;
}

/* The address of a family that both ports have. */
static bool
find_common(struct trace *trace)
{
    static const uint8_t families[] = { 4, 6 };

    enum trace_protocol protocol = trace->request->protocol;
    uint8_t given = trace->request->source_ip.family;

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        const struct vmn_ip *to = endpoint_ip(&trace->to, families[i]);

        if (to && trace_protocol_has(protocol, families[i])
            && (given ? given == families[i]
                : endpoint_ip(&trace->from, families[i]) != NULL)) {
            trace->ends.destination_ip = *to;
            return true;
        }
    }
    if (given) {
        vmn_errors_add(trace->errors, VMN_ERR_CONFLICT, "/to", "port \"%s\" "
                       "has no IPv%d address, as source_ip is",
                       trace->request->to, given);
        return false;
    }
    vmn_errors_add(trace->errors, VMN_ERR_CONFLICT, "/to", "ports \"%s\" and "
                   "\"%s\" %s", trace->request->from, trace->request->to,
                   trace_protocol_has(protocol, 4)
                   ? "have no addresses of one family"
                   : "do not both have an IPv6 address, as icmpv6 takes");
    return false;
}

/* The address that 'to' is, or that of a balancer. */
static bool
find_address(struct trace *trace)
{
    const struct trace_request *request = trace->request;
    struct vmn_error error = VMN_ERROR_INIT;
    const struct vmn_loadbalancer *lb;

    lb = model_get(trace->names.model, VMN_TABLE_LOADBALANCER, request->to);
    if (lb) {
        trace->ends.destination_ip = lb->vip;
        return true;
    }
    if (value_parse_ip(request->to, &trace->ends.destination_ip, &error)) {
        vmn_errors_add(trace->errors, VMN_ERR_INVALID, "/to", "\"%s\" is "
                       "neither a port nor a loadbalancer, and no address: "
                       "%s", request->to, error.text);
        vmn_error_uninit(&error);
        return false;
    }
    return true;
}

static bool
find_destination(struct trace *trace)
{
    const struct trace_request *request = trace->request;

    if (endpoint_find(trace->names.model, request->to, &trace->to)) {
        return find_common(trace);
    }
    if (!find_address(trace)) {
        return false;
    }
    if (!trace_protocol_has(request->protocol,
                            trace->ends.destination_ip.family)) {
        vmn_errors_add(trace->errors, VMN_ERR_INVALID, "/to",
                       "must have an IPv6 address, as icmpv6 takes");
        return false;
    }
    return true;
}

static bool
find_source_ip(struct trace *trace)
{
    uint8_t family = trace->ends.destination_ip.family;
    const struct vmn_ip *own = endpoint_ip(&trace->from, family);

    if (trace->request->source_ip.family) {
        trace->ends.source_ip = trace->request->source_ip;
        if (trace->ends.source_ip.family != family) {
            vmn_errors_add(trace->errors, VMN_ERR_INVALID, "/source_ip",
                           "must be an IPv%d address, as that of \"to\" is",
                           family);
            return false;
        }
    } else if (own) {
        trace->ends.source_ip = *own;
    } else {
        vmn_errors_add(trace->errors, VMN_ERR_CONFLICT, "/from", "port "
                       "\"%s\" has no IPv%d address to send from",
                       trace->request->from, family);
        return false;
    }
    return true;
}

/* Legs.  ----------------------------------------------------------------- */

static void
add_leg(const struct trace *trace, const char *what,
        const struct sim_packet *packet, json_t *legs)
{
    char *text = flow_to_string(&packet->flow, NULL);

    json_array_append_new(legs, json_pack(
        "{s:s, s:s, s:o, s:o}", "kind", what, "packet", text,
        "steps", result_steps_to_json(&trace->names, trace->sim),
        "ends", result_ends_to_json(&trace->names, trace->sim)));
    free(text);
}

/* Has the guest ask for its neighbour's MAC.  True if it has it; else what
 * became of the question is in 'result'. */
static bool
ask(struct trace *trace, json_t *legs, struct sim_verdict *result)
{
    const struct vmn_ip *target = endpoint_next_hop(
        trace->names.model, &trace->from, &trace->ends.destination_ip);
    const struct sim_end *ends;
    struct sim_packet packet;
    size_t n;

    if (trace->request->has_destination_mac) {
        trace->ends.destination_mac = trace->request->destination_mac;
        return true;
    }
    if (!target) {
        target = &trace->ends.destination_ip;
    }
    packet_solicit(&trace->ends, target, &packet);
    simulator_begin(trace->sim);
    simulator_run(trace->sim, trace->from.host, trace->from.ofport, &packet);
    n = simulator_ends(trace->sim, &ends);
    for (size_t i = 0; i < n; i++) {
        if (sim_end_is_at(&ends[i], &trace->from)
            && packet_is_advertisement(&ends[i].packet, target,
                                       &trace->ends.destination_mac)) {
            return true;
        }
    }
    verdict_get(trace->sim, trace->to.port ? &trace->to : NULL, result);
    if (result->verdict == VERDICT_DELIVERED && trace->to.port) {
        /* The guest there answers. */
        trace->ends.destination_mac = trace->to.port->mac;
        return true;
    }
    if (result->verdict == VERDICT_DELIVERED) {
        result->verdict = VERDICT_UNKNOWN;
        result->end.kind = SIM_UNKNOWN;
        result->end.text = "guests are asked who has the address: give "
                           "destination_mac for one that answers";
    }
    add_leg(trace, target->family == 4 ? "arp" : "nd", &packet, legs);
    return false;
}

/* Outcomes.  ------------------------------------------------------------- */

static json_t *
outcome_json(const struct trace *trace, const struct sim_verdict *result,
             const char *what, double share, json_t *legs)
{
    json_t *json = json_pack("{s:f, s:s, s:s, s:o}", "share", share,
                             "verdict", verdict_name(result->verdict),
                             "packet", what,
                             "at", result_end_to_json(&trace->names,
                                                      &result->end));

    json_object_set_new(json, "legs", legs);
    return json;
}

/* Who answers into another network asks its own gateway, which need not be who
 * has sent it the request. */
static void
take_way_back(const struct trace *trace, const struct sim_end *at,
              struct sim_packet *reply)
{
    const char *name = result_port_name(&trace->names, at->host, at->port);
    struct endpoint endpoint;
    struct vmn_mac mac;
    struct vmn_ip ip;

    packet_get_destination(reply, &ip);
    if (name && endpoint_find(trace->names.model, name, &endpoint)
        && endpoint_next_router(trace->names.model, &endpoint, &ip, &mac)
        == NEXT_ROUTER) {
        packet_set_next_hop(reply, mac);
    }
}

/* What the sender is told by an app that has had a packet sent up, on its way
 * back, or NULL if there is none such. */
static json_t *
run_answer(struct trace *trace, const struct endpoint *sender, json_t *legs)
{
    const struct sim_end *ends;
    size_t n = simulator_ends(trace->sim, &ends);
    struct handler_reply answer;
    struct sim_verdict result;
    json_t *json;
    char *text;
    size_t i = 0;

    while (i < n && ends[i].kind != SIM_PUNT) {
        i++;
    }
    if (i >= n || !handler_reply_run(trace->names.engine, trace->names.model,
                                     trace->sim, &ends[i], &answer)) {
        return NULL;
    }
    text = handler_reply_to_string(&answer);
    json = json_pack("{s:s}", "message", text);
    free(text);
    if (!answer.why_not) {
        add_leg(trace, "answer", &answer.packet, legs);
        verdict_get(trace->sim, sender, &result);
        json_object_set_new(json, "verdict",
                            json_string(verdict_name(result.verdict)));
        json_object_set_new(json, "at",
                            result_end_to_json(&trace->names, &result.end));
    }
    return json;
}

/* The answer of who got the request, to who sent it. */
static bool
run_reply(struct trace *trace, const struct sim_end *at, json_t *legs,
          struct sim_verdict *result, json_t **answer)
{
    struct sim_packet packet;
    const char *host = at->host;
    uint32_t port = at->port;

    if (!packet_reply(&at->packet, &packet)) {
        return false;
    }
    take_way_back(trace, at, &packet);
    simulator_run(trace->sim, host, port, &packet);
    verdict_get(trace->sim, &trace->from, result);
    add_leg(trace, "reply", &packet, legs);
    if (result->verdict != VERDICT_DELIVERED) {
        *answer = run_answer(trace, NULL, legs);
    }
    return true;
}

static json_t *
run_exchange(struct trace *trace, enum verdict *verdict)
{
    const char *what = "request";
    json_t *legs = json_array();
    json_t *answer = NULL, *json;
    struct sim_packet packet;
    struct sim_verdict result;

    packet_request(&trace->ends, trace->request, &packet);
    simulator_run(trace->sim, trace->from.host, trace->from.ofport, &packet);
    verdict_get(trace->sim, trace->to.port ? &trace->to : NULL, &result);
    add_leg(trace, "request", &packet, legs);
    if (result.verdict != VERDICT_DELIVERED) {
        answer = run_answer(trace, &trace->from, legs);
    } else if (trace->request->reply) {
        struct sim_verdict reply;

        if (run_reply(trace, &result.end, legs, &reply, &answer)
            && reply.verdict != VERDICT_DELIVERED) {
            what = "reply";
            result = reply;
        }
    }
    *verdict = result.verdict;
    json = outcome_json(trace, &result, what, simulator_share(trace->sim),
                        legs);
    if (answer) {
        json_object_set_new(json, "answer", answer);
    }
    return json;
}

/* "delivered" and so on, or "some" where outcomes differ. */
static json_t *
summary_json(const struct trace *trace, json_t *outcomes, bool all_same,
             enum verdict verdict, bool complete)
{
    char from[VALUE_IP_SIZE], to[VALUE_IP_SIZE];

    value_format_ip(&trace->ends.source_ip, from);
    value_format_ip(&trace->ends.destination_ip, to);
    return json_pack("{s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s?}, s:o, s:b}",
                     "verdict", all_same ? verdict_name(verdict) : "some",
                     "from", "port", trace->from.port->row.name,
                     "host", trace->from.host, "ip", from,
                     "to", "ip", to, "port",
                     trace->to.port ? trace->to.port->row.name : NULL,
                     "outcomes", outcomes, "complete", (int) complete);
}

static json_t *
run_trace(struct trace *trace)
{
    json_t *outcomes = json_array();
    json_t *legs = json_array();
    enum verdict first = VERDICT_DROPPED;
    bool all_same = true, more = false;
    struct sim_verdict result;

    if (!ask(trace, legs, &result)) {
        json_array_append_new(outcomes, outcome_json(
            trace, &result, "question for the address", 1, legs));
        return summary_json(trace, outcomes, true, result.verdict, true);
    }
    json_decref(legs);
    simulator_begin(trace->sim);
    do {
        enum verdict verdict;

        json_array_append_new(outcomes, run_exchange(trace, &verdict));
        if (json_array_size(outcomes) == 1) {
            first = verdict;
        }
        all_same &= verdict == first;
        more = simulator_next(trace->sim);
    } while (more && json_array_size(outcomes) < OUTCOMES_MAX);
    return summary_json(trace, outcomes, all_same, first, !more);
}

json_t *
trace_make(struct engine *engine, const struct model *model,
           const struct pipeline *pipeline,
           const struct trace_request *request, struct vmn_errors *errors)
{
    struct trace trace = {
        .names = { engine, model, pipeline },
        .request = request,
        .errors = errors,
    };
    struct engine_net *net;
    struct sim_net sim_net;
    json_t *json;

    if (!find_source(&trace) || !find_destination(&trace)
        || !find_source_ip(&trace)) {
        return NULL;
    }
    net = engine_net_create(engine, model);
    engine_net_get(net, &sim_net);
    trace.sim = simulator_create(&sim_net);
    simulator_keep_flows(trace.sim, true);
    json = run_trace(&trace);
    simulator_destroy(trace.sim);
    engine_net_destroy(net);
    return json;
}
