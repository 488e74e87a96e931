/* SPDX-License-Identifier: Apache-2.0
 *
 * Who can reach whom; see reachability-matrix.h.  A cell is a request of a
 * port of one class to one of another, and the answer.  Where there are such
 * pairs, it is tried on one host and across two. */

#include <config.h>

#include "controller/simulator/reachability-matrix.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "controller/simulator/engine-net.h"
#include "controller/simulator/guest-packet.h"
#include "controller/simulator/port-classes.h"
#include "controller/simulator/result-json.h"
#include "controller/simulator/verdict.h"
#include "packets.h"
#include "simap.h"
#include "util.h"

struct reach {
    struct result_names names;
    const struct reach_request *request;
    struct simulator *sim;
    struct port_classes classes;
};

void
reach_request_uninit(struct reach_request *request)
{
    free(request->network);
}

/* Cells.  ---------------------------------------------------------------- */

/* Two ports of two classes. */
struct pair {
    const struct endpoint *from, *to;
};

/* Two ports of the classes that are not on one host; false if there are none.
 */
static bool
find_apart(const struct port_class *a, const struct port_class *b, struct pair
           *pair)
{
    const struct endpoint *first = a->by_host[0], *last = a->by_host[a->n - 1];
    const struct endpoint *to = b->by_host[0];

    if (!strcmp(first->host, to->host)) {
        if (strcmp(last->host, to->host)) {
            first = last;
        } else {
            to = b->by_host[b->n - 1];
        }
    }
    *pair = (struct pair) { first, to };
    return strcmp(first->host, to->host);
}

/* Two on one host. */
static bool
find_together(const struct port_class *a, const struct port_class *b,
              struct pair *pair)
{
    size_t i = 0, j = 0;

    while (i < a->n && j < b->n) {
        const struct endpoint *from = a->by_host[i], *to = b->by_host[j];
        int order = strcmp(from->host, to->host);

        if (!order && from->port == to->port) {
            /* Of one class, the next one may be here as well. */
            order = -1;
            if (i + 1 < a->n && !strcmp(a->by_host[i + 1]->host, to->host)) {
                from = a->by_host[i + 1];
                order = 0;
            }
        }
        if (!order) {
            *pair = (struct pair) { from, to };
            return true;
        }
        i += order < 0;
        j += order > 0;
    }
    return false;
}

/* The addresses of a packet between the two on one link. */
static bool
find_ends(const struct pair *pair, uint8_t family, struct packet_ends *ends)
{
    const struct vmn_ip *from = endpoint_ip(pair->from, family);
    const struct vmn_ip *to = endpoint_ip(pair->to, family);

    if (!from || !to) {
        return false;
    }
    *ends = (struct packet_ends) {
        .source_mac = pair->from->port->mac,
        .destination_mac = pair->to->port->mac,
        .source_ip = *from,
        .destination_ip = *to,
    };
    return true;
}

/* Returns the unit whose rule led on last, of those with conjunctions; or
 * NULL. */
static const struct rule *
deciding_rule(const struct simulator *sim)
{
    const struct sim_step *steps;

    for (size_t i = simulator_steps(sim, &steps); i-- > 0; ) {
        if (steps[i].kind == SIM_LOOKUP && steps[i].number) {
            return steps[i].rule;
        }
    }
    return NULL;
}

/* What becomes of one that cannot be sent. */
static json_t *
unroutable_json(const char *which)
{
    return json_pack("{s:s, s:s, s:s}", "verdict", "dropped", "packet", which,
                     "reason", "no router at its gateway");
}

/* Has 'packet' of 'endpoint' go by its router, if it is for another link.
 * False if there is none. */
static bool
set_next_hop(const struct reach *reach, const struct endpoint *endpoint,
             struct sim_packet *packet)
{
    struct vmn_mac mac;
    struct vmn_ip ip;
    enum next_hop_kind next;

    packet_get_destination(packet, &ip);
    next = endpoint_next_router(reach->names.model, endpoint, &ip, &mac);
    if (next == NEXT_ROUTER) {
        packet_set_next_hop(packet, mac);
    }
    return next != NEXT_NONE;
}

/* {"verdict", "packet", ...} of an exchange between 'ends'. */
static json_t *
run_exchange(struct reach *reach, const struct pair *pair,
             const struct packet_ends *ends)
{
    const struct trace_request what = {
        .protocol = reach->request->protocol,
        .port = reach->request->port,
        .source_port = 40000,
        .icmp_type = -1,
        .tcp_flags = TCP_SYN,
    };
    struct sim_packet packet, reply;
    struct sim_verdict result;
    const struct rule *rule;
    const char *which = "request";
    json_t *json;

    packet_request(ends, &what, &packet);
    if (!set_next_hop(reach, pair->from, &packet)) {
        return unroutable_json(which);
    }
    simulator_begin(reach->sim);
    simulator_run(reach->sim, pair->from->host, pair->from->ofport, &packet);
    verdict_get(reach->sim, pair->to, &result);
    rule = deciding_rule(reach->sim);
    if (result.verdict == VERDICT_DELIVERED
        && packet_reply(&result.end.packet, &reply)) {
        which = "reply";
        if (!set_next_hop(reach, pair->to, &reply)) {
            return unroutable_json(which);
        }
        simulator_run(reach->sim, pair->to->host, pair->to->ofport, &reply);
        verdict_get(reach->sim, pair->from, &result);
    }
    json = json_pack("{s:s}", "verdict", verdict_name(result.verdict));
    if (result.verdict != VERDICT_DELIVERED) {
        json_object_set_new(json, "packet", json_string(which));
        json_object_set_new(json, "reason",
                            json_string(result_reason(&result.end)));
        result_add_rule(&reach->names, result.end.rule, json);
    } else if (rule) {
        result_add_rule(&reach->names, rule, json);
    }
    return json;
}

/* Returns one cell of what was found in two ways: if they agree, or one was
 * not there (NULL), the first; else both, by these names.  Takes both. */
static json_t *
unite(json_t *first, const char *first_name, json_t *second,
      const char *second_name)
{
    if (!first || !second) {
        return first ? first : second;
    }
    if (reach_same(first, second)) {
        json_decref(second);
        return first;
    }
    return json_pack("{s:s, s:o, s:o}", "verdict", "some", first_name, first,
                     second_name, second);
}

/* Returns the exchanges of a pair, by each family that both have. */
static json_t *
run_pair(struct reach *reach, const struct pair *pair)
{
    enum trace_protocol protocol = reach->request->protocol;
    struct packet_ends ends;
    json_t *found4 = (trace_protocol_has(protocol, 4)
                      && find_ends(pair, 4, &ends)
                      ? run_exchange(reach, pair, &ends) : NULL);
    json_t *found6 = (trace_protocol_has(protocol, 6)
                      && find_ends(pair, 6, &ends)
                      ? run_exchange(reach, pair, &ends) : NULL);

    return (found4 || found6 ? unite(found4, "ipv4", found6, "ipv6")
            : json_pack("{s:s, s:s}", "verdict", "dropped", "reason",
                        trace_protocol_has(protocol, 4)
                        ? "no addresses of one family"
                        : "no IPv6 addresses"));
}

/* Of the two ways that a pair may be placed. */
static json_t *
run_cell(struct reach *reach, size_t from, size_t to)
{
    const struct port_class *a = &reach->classes.classes[from];
    const struct port_class *b = &reach->classes.classes[to];
    struct pair pair;
    json_t *apart = find_apart(a, b, &pair) ? run_pair(reach, &pair) : NULL;
    json_t *together = (find_together(a, b, &pair)
                        ? run_pair(reach, &pair) : NULL);
    json_t *cell = unite(apart, "across_hosts", together, "same_host");

    if (cell) {
        json_object_set_new(cell, "from", json_integer(from));
        json_object_set_new(cell, "to", json_integer(to));
    }
    return cell;
}

/* The matrix.  ----------------------------------------------------------- */

static json_t *
class_json(const struct port_class *class_, size_t id)
{
    json_t *ports = json_array();

    for (size_t i = 0; i < class_->n; i++) {
        json_array_append_new(ports, json_string(
            class_->endpoints[i].port->row.name));
    }
    return json_pack("{s:i, s:s, s:s, s:o}", "id", (int) id, "network",
                     class_->network, "groups", class_->groups, "ports",
                     ports);
}

static bool
same_domain(const struct port_classes *classes, size_t a, size_t b)
{
    return !strcmp(classes->classes[a].domain, classes->classes[b].domain);
}

static size_t
count_pairs(const struct port_classes *classes)
{
    struct simap of_domain = SIMAP_INITIALIZER(&of_domain);
    const struct simap_node *node;
    size_t n = 0;

    for (size_t i = 0; i < classes->n; i++) {
        simap_increase(&of_domain, classes->classes[i].domain, 1);
    }
    SIMAP_FOR_EACH (node, &of_domain) {
        n += (size_t) node->data * node->data;
    }
    simap_destroy(&of_domain);
    return n;
}

static json_t *
matrix_json(struct reach *reach)
{
    const struct port_classes *classes = &reach->classes;
    json_t *list = json_array(), *cells = json_array();
    json_t *absent = json_array();

    for (size_t i = 0; i < classes->n; i++) {
        json_array_append_new(list, class_json(&classes->classes[i], i));
        for (size_t j = 0; j < classes->n; j++) {
            json_t *cell = (same_domain(classes, i, j)
                            ? run_cell(reach, i, j) : NULL);

            if (cell) {
                json_array_append_new(cells, cell);
            }
        }
        engine_yield(reach->names.engine);
    }
    for (size_t i = 0; i < classes->n_absent; i++) {
        json_array_append_new(absent, json_string(classes->absent[i]));
    }
    return json_pack("{s:o, s:o, s:o}", "classes", list, "cells", cells,
                     "absent", absent);
}

json_t *
reach_make(struct engine *engine, const struct model *model,
           const struct pipeline *pipeline,
           const struct reach_request *request, struct vmn_errors *errors)
{
    struct reach reach = {
        .names = { engine, model, pipeline },
        .request = request,
    };
    json_t *matrix = NULL;
    size_t n;

    port_classes_find(&reach.classes, engine, model, request->network);
    n = count_pairs(&reach.classes);
    if (n > REACH_PAIRS_MAX || reach.classes.n > REACH_CLASSES_MAX) {
        vmn_errors_add(errors, VMN_ERR_TOO_LARGE, "", "ports are of %"
                       PRIuSIZE" kinds, which makes %"PRIuSIZE" pairs, and at "
                       "most %d and %d are looked at: ask for one network, "
                       "or trace single pairs", reach.classes.n, n,
                       REACH_CLASSES_MAX, REACH_PAIRS_MAX);
    } else {
        struct engine_net *net = engine_net_create(engine, model);
        struct sim_net sim_net;

        engine_net_get(net, &sim_net);
        reach.sim = simulator_create(&sim_net);
        matrix = matrix_json(&reach);
        simulator_destroy(reach.sim);
        engine_net_destroy(net);
    }
    port_classes_uninit(&reach.classes);
    return matrix;
}
