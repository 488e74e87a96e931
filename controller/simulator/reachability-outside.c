/* SPDX-License-Identifier: Apache-2.0
 *
 * Who reaches addresses that are no port's, and who is outside; see
 * reachability-matrix.h.  Each is a trace of a request and its reply, of which
 * the verdict alone is kept: so it holds what a trace holds, the choices of a
 * balancer and questions for addresses, too. */

#include <config.h>

#include "controller/simulator/reachability-matrix.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/schema.h"
#include "controller/schema/value.h"
#include "controller/simulator/trace-outside.h"
#include "controller/simulator/trace.h"
#include "util.h"

struct search {
    struct simulator *sim;
    const struct result_names *names;
    const struct model *model;  /* That of 'names'. */
    const struct reach_request *request;
    struct reach_matrix *matrix;
    struct arena *arena;
};

/* Copies what a trace found: the verdict on all its outcomes, and why not of
 * the first that is not delivered. */
static void
fill_verdict(const struct trace *trace, struct reach_verdict *verdict)
{
    *verdict = (struct reach_verdict) { .verdict = trace->verdict,
                                        .by = result_no_owner() };
    for (size_t i = 0; i < trace->n_outcomes; i++) {
        const struct trace_outcome *outcome = &trace->outcomes[i];

        if (strcmp(outcome->verdict, "delivered")) {
            verdict->packet = outcome->packet;
            verdict->reason = (outcome->at.reason ? outcome->at.reason
                               : "it leaves by another port");
            verdict->by = outcome->at.by;
            return;
        }
    }
}

/* Adds the way of 'what', from its ends to object 'name' of 'type'.  Of a
 * packet that cannot be sent the refusal is the reason. */
static void
add_way(struct search *search, struct trace_request *what, size_t n_ports,
        enum vmn_table type, const char *name)
{
    struct reach_matrix *matrix = search->matrix;
    struct vmn_error error = VMN_ERROR_INIT;
    struct reach_way *way;
    struct trace *trace;

    if (matrix->n_ways >= REACH_WAYS_MAX) {
        matrix->more_ways = true;
        return;
    }
    what->protocol = search->request->protocol;
    what->port = search->request->port;
    what->reply = true;
    what->brief = true;
    what->underlay = search->request->underlay;
    trace = trace_run(search->sim, search->names, what, search->arena,
                      &error);
    way = &matrix->ways[matrix->n_ways++];
    way->from = arena_strdup(search->arena, what->from);
    way->n_ports = n_ports;
    way->type = schema_tables[type]->plural;
    way->name = arena_strdup(search->arena, name);
    if (trace) {
        way->source = trace->from.ip;
        way->destination = trace->to.ip;
        fill_verdict(trace, &way->verdict);
    } else {
        way->verdict = (struct reach_verdict) {
            .verdict = "dropped", .packet = "request",
            .reason = arena_strdup(search->arena, error.text),
            .by = result_no_owner(),
        };
    }
    vmn_error_uninit(&error);
    engine_yield(search->names->engine);
}

/* Returns true if the request is about the network. */
static bool
is_asked(const struct search *search, const char *network)
{
    return (!search->request->network
            || !strcmp(search->request->network, network));
}

/* Returns true if the floating address leads to a network of the request. */
static bool
leads_to_asked(const struct search *search,
               const struct vmn_floating_ip *floating)
{
    const struct vmn_port *port
        = (floating->port ? model_get(search->model, VMN_TABLE_PORT,
                                      floating->port) : NULL);
    const struct vmn_loadbalancer *lb
        = (floating->load_balancer
           ? model_get(search->model, VMN_TABLE_LOADBALANCER,
                       floating->load_balancer) : NULL);

    for (size_t i = 0; lb && i < lb->n_networks; i++) {
        if (is_asked(search, lb->networks[i])) {
            return true;
        }
    }
    return port && is_asked(search, port->network);
}

/* Adds the ways from outside to floating addresses. */
static void
add_from_outside(struct search *search)
{
    struct vmn_names names = model_names(search->model,
                                         VMN_TABLE_FLOATING_IP);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_floating_ip *floating = model_get(
            search->model, VMN_TABLE_FLOATING_IP, names.names[i]);
        const struct vmn_router *router
            = (floating ? model_get(search->model, VMN_TABLE_ROUTER,
                                    floating->router) : NULL);
        struct trace_request what;
        char ip[VALUE_IP_SIZE];

        if (!router || !router->external.network
            || !leads_to_asked(search, floating)) {
            continue;
        }
        trace_request_init(&what);
        what.from = TRACE_OUTSIDE;
        what.to = value_format_ip(&floating->ip, ip);
        what.network = router->external.network;
        add_way(search, &what, 0, VMN_TABLE_FLOATING_IP,
                floating->row.name);
    }
}

/* Returns true if the balancer has clients in 'domain'. */
static bool
is_in_domain(const struct search *search, const struct vmn_loadbalancer *lb,
             const char *domain)
{
    bool is = false;

    for (size_t i = 0; i < lb->n_networks && !is; i++) {
        char *own = engine_domain_of(search->names->engine, lb->networks[i]);

        is = !strcmp(own, domain);
        free(own);
    }
    return is;
}

/* Adds the ways of a class of ports, as its first one: to virtual IPs, and
 * outside. */
static void
add_of_class(struct search *search, const struct reach_class *class_)
{
    struct vmn_names names = model_names(search->model,
                                         VMN_TABLE_LOADBALANCER);
    struct trace_request what;
    char ip[VALUE_IP_SIZE];

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_loadbalancer *lb = model_get(
            search->model, VMN_TABLE_LOADBALANCER, names.names[i]);

        if (lb && is_in_domain(search, lb, class_->domain)) {
            trace_request_init(&what);
            what.from = class_->ports[0];
            what.to = value_format_ip(&lb->vip, ip);
            add_way(search, &what, class_->n_ports, VMN_TABLE_LOADBALANCER,
                    lb->row.name);
        }
    }
    names = model_lookup(search->model, VMN_INDEX_ROUTER_BY_NETWORK,
                         class_->network);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_router *router = model_get(
            search->model, VMN_TABLE_ROUTER, names.names[i]);

        if (router && router->external.network) {
            trace_request_init(&what);
            what.from = class_->ports[0];
            what.to = TRACE_OUTSIDE;
            what.network = router->external.network;
            add_way(search, &what, class_->n_ports, VMN_TABLE_NETWORK,
                    router->external.network);
        }
    }
}

void
reach_add_outside(struct simulator *sim, const struct result_names *names,
                  const struct reach_request *request, struct arena *arena,
                  struct reach_matrix *matrix)
{
    struct search search = { sim, names, names->model, request, matrix,
                             arena };

    matrix->ways = arena_alloc(arena, REACH_WAYS_MAX * sizeof *matrix->ways);
    add_from_outside(&search);
    for (size_t i = 0; i < matrix->n_classes; i++) {
        add_of_class(&search, &matrix->classes[i]);
    }
}
