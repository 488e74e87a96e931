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
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/simulator/desired-hosts.h"
#include "controller/simulator/guest-packet.h"
#include "controller/simulator/isolation.h"
#include "controller/simulator/port-classes.h"
#include "controller/simulator/verdict.h"
#include "packets.h"
#include "simap.h"
#include "util.h"

struct reach {
    struct result_names names;
    const struct reach_request *request;
    struct simulator *sim;
    struct port_classes classes;
    struct arena *arena;
};

/* Cells.  ---------------------------------------------------------------- */

/* A port of each of two classes. */
struct pair {
    const struct endpoint *from, *to;
};

/* Finds ports of the two classes on different hosts.  Returns false if there
 * are none. */
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

/* Finds ports of the two classes on one host.  Returns false if there are
 * none. */
static bool
find_together(const struct port_class *a, const struct port_class *b,
              struct pair *pair)
{
    size_t i = 0, j = 0;

    while (i < a->n && j < b->n) {
        const struct endpoint *from = a->by_host[i], *to = b->by_host[j];
        int order = strcmp(from->host, to->host);

        if (!order && from->port == to->port) {
            /* Within one class, the next port may be on the same host. */
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

/* Finds the addresses of a packet between the two ports.  Returns false if
 * they have none of 'family'. */
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

/* Returns the verdict on a packet for which there is no route. */
static struct reach_verdict
unroutable(const char *packet)
{
    return (struct reach_verdict) {
        .verdict = "dropped",
        .packet = packet,
        .reason = "no router at its gateway",
        .by = result_no_owner(),
    };
}

/* Addresses 'packet' to the router of 'endpoint' if its destination is not on
 * the link.  Returns false if there is no router. */
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

/* Returns the verdict on 'packet' of 'pair', "request" or "reply", which was
 * run last.
 * 'rule' decided the request. */
static struct reach_verdict
describe(const struct reach *reach, const struct pair *pair,
         const struct sim_verdict *result, const char *packet,
         const struct rule *rule)
{
    struct reach_verdict verdict = {
        .verdict = verdict_name(result->verdict),
        .by = result_no_owner(),
    };

    if (result->verdict != VERDICT_DELIVERED) {
        verdict.packet = packet;
        verdict.reason = arena_strdup(reach->arena,
                                      result_reason(&result->end));
        verdict.by = result_owner_of(&reach->names, result->end.rule,
                                     reach->arena);
        isolation_fill(&reach->names, &result->end, reach->arena,
                       &verdict.by);
        quarantine_fill(&reach->names, &result->end,
                        pair->from->port->row.name, pair->to->port->row.name,
                        reach->arena, &verdict.by);
    } else if (rule) {
        verdict.by = result_owner_of(&reach->names, rule, reach->arena);
    }
    return verdict;
}

/* Returns the verdict on an exchange between 'ends'. */
static struct reach_verdict
run_exchange(struct reach *reach, const struct pair *pair,
             const struct packet_ends *ends)
{
    struct trace_request what;
    struct sim_packet packet, reply;
    struct sim_verdict result;
    const struct rule *rule;
    const char *which = "request";

    trace_request_init(&what);
    what.protocol = reach->request->protocol;
    what.port = reach->request->port;
    packet_request(ends, &what, &packet);
    if (!set_next_hop(reach, pair->from, &packet)) {
        return unroutable(which);
    }
    simulator_begin(reach->sim);
    simulator_run(reach->sim, pair->from->host, pair->from->ofport, &packet);
    verdict_get(reach->sim, pair->to, &result);
    rule = verdict_rule(reach->sim, &reach->names);
    if (result.verdict == VERDICT_DELIVERED
        && packet_reply(&result.end.packet, &reply)) {
        which = "reply";
        if (!set_next_hop(reach, pair->to, &reply)) {
            return unroutable(which);
        }
        simulator_run(reach->sim, pair->to->host, pair->to->ofport, &reply);
        verdict_get(reach->sim, pair->from, &result);
    }
    return describe(reach, pair, &result, which, rule);
}

bool
reach_same(const struct reach_verdict *a, const struct reach_verdict *b)
{
    if (!a || !b) {
        return a == b;
    }
    return (!strcmp(a->verdict, b->verdict)
            && reach_same(a->across_hosts, b->across_hosts)
            && reach_same(a->same_host, b->same_host)
            && reach_same(a->ipv4, b->ipv4)
            && reach_same(a->ipv6, b->ipv6));
}

/* Verdicts of two alternatives. */
struct found {
    bool has[2];
    struct reach_verdict verdicts[2];
};

/* Unites the verdicts of two alternatives into '*verdict': the first if both
 * agree or one is absent; otherwise "mixed", with copies of both in '*first'
 * and '*second'.  Returns false if both are absent. */
static bool
unite(const struct reach *reach, const struct found *found,
      struct reach_verdict *verdict, const struct reach_verdict **first,
      const struct reach_verdict **second)
{
    if (!found->has[0] && !found->has[1]) {
        return false;
    }
    if (!found->has[0] || !found->has[1]
        || reach_same(&found->verdicts[0], &found->verdicts[1])) {
        *verdict = found->verdicts[found->has[0] ? 0 : 1];
    } else {
        struct reach_verdict *copies = arena_alloc(reach->arena,
                                                   sizeof found->verdicts);

        memcpy(copies, found->verdicts, sizeof found->verdicts);
        *verdict = (struct reach_verdict) {
            .verdict = REACH_MIXED,
            .by = result_no_owner(),
        };
        *first = &copies[0];
        *second = &copies[1];
    }
    return true;
}

/* Returns the verdict on exchanges of a pair, over the families that both
 * ports have. */
static struct reach_verdict
run_pair(struct reach *reach, const struct pair *pair)
{
    static const uint8_t families[] = { 4, 6 };

    enum trace_protocol protocol = reach->request->protocol;
    struct found found = { .has = { false, false } };
    struct reach_verdict verdict;

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct packet_ends ends;

        if (trace_protocol_has(protocol, families[i])
            && find_ends(pair, families[i], &ends)) {
            found.has[i] = true;
            found.verdicts[i] = run_exchange(reach, pair, &ends);
        }
    }
    if (!unite(reach, &found, &verdict, &verdict.ipv4, &verdict.ipv6)) {
        verdict = (struct reach_verdict) {
            .verdict = "dropped",
            .reason = (trace_protocol_has(protocol, 4)
                       ? "no addresses of one family"
                       : "no IPv6 addresses"),
            .by = result_no_owner(),
        };
    }
    return verdict;
}

/* Fills in a cell, for pairs on one host and on two.  Returns false if there
 * are no such pairs. */
static bool
run_cell(struct reach *reach, size_t from, size_t to, struct reach_cell *cell)
{
    const struct port_class *a = &reach->classes.classes[from];
    const struct port_class *b = &reach->classes.classes[to];
    struct found found = { .has = { false, false } };
    struct reach_verdict *verdict = &cell->verdict;
    struct pair pair;

    if (find_apart(a, b, &pair)) {
        found.has[0] = true;
        found.verdicts[0] = run_pair(reach, &pair);
    }
    if (find_together(a, b, &pair)) {
        found.has[1] = true;
        found.verdicts[1] = run_pair(reach, &pair);
    }
    cell->from = from;
    cell->to = to;
    return unite(reach, &found, verdict, &verdict->across_hosts,
                 &verdict->same_host);
}

/* The matrix.  ----------------------------------------------------------- */

static void
fill_class(const struct reach *reach, size_t id, struct reach_class *result)
{
    const struct port_class *class_ = &reach->classes.classes[id];
    struct arena *arena = reach->arena;

    result->id = id;
    result->network = arena_strdup(arena, class_->network);
    result->domain = arena_strdup(arena, class_->domain);
    result->groups = arena_strdup(arena, class_->groups);
    result->n_ports = class_->n;
    result->ports = arena_alloc(arena, class_->n * sizeof *result->ports);
    for (size_t i = 0; i < class_->n; i++) {
        result->ports[i] = arena_strdup(arena,
                                        class_->endpoints[i].port->row.name);
    }
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

static void
fill_absent(const struct reach *reach, struct reach_matrix *matrix)
{
    const struct port_classes *classes = &reach->classes;

    matrix->n_absent = classes->n_absent;
    matrix->absent = arena_alloc(reach->arena,
                                 classes->n_absent * sizeof *matrix->absent);
    for (size_t i = 0; i < classes->n_absent; i++) {
        matrix->absent[i] = arena_strdup(reach->arena, classes->absent[i]);
    }
}

/* Returns the matrix, of at most 'n_pairs' cells, in the arena. */
static struct reach_matrix *
fill_matrix(struct reach *reach, size_t n_pairs)
{
    const struct port_classes *classes = &reach->classes;
    struct arena *arena = reach->arena;
    struct reach_matrix *matrix = arena_alloc(arena, sizeof *matrix);

    matrix->n_classes = classes->n;
    matrix->classes = arena_alloc(arena,
                                  classes->n * sizeof *matrix->classes);
    matrix->cells = arena_alloc(arena, n_pairs * sizeof *matrix->cells);
    for (size_t i = 0; i < classes->n; i++) {
        fill_class(reach, i, &matrix->classes[i]);
        for (size_t j = 0; j < classes->n; j++) {
            matrix->n_cells += (same_domain(classes, i, j)
                                && run_cell(reach, i, j,
                                            &matrix->cells[matrix->n_cells]));
        }
        engine_yield(reach->names.engine);
    }
    fill_absent(reach, matrix);
    return matrix;
}

struct reach_matrix *
reach_make(struct engine *engine, const struct model *model,
           const struct pipeline *pipeline,
           const struct reach_request *request, struct arena *arena,
           struct vmn_error *error)
{
    struct reach reach = {
        .names = { engine, model, pipeline,
                   arena_alloc(arena, sizeof(struct isolation_memo *)) },
        .request = request,
        .arena = arena,
    };
    struct reach_matrix *matrix = NULL;
    size_t n;

    port_classes_find(&reach.classes, engine, model, request->network,
                      request->underlay);
    n = count_pairs(&reach.classes);
    if (n > REACH_PAIRS_MAX || reach.classes.n > REACH_CLASSES_MAX) {
        vmn_error_set(error, VMN_ERR_TOO_LARGE, "", "ports are of %"
                      PRIuSIZE" kinds, which makes %"PRIuSIZE" pairs, and at "
                      "most %d and %d are looked at: ask for one network, "
                      "or trace single pairs", reach.classes.n, n,
                      REACH_CLASSES_MAX, REACH_PAIRS_MAX);
    } else {
        struct desired_hosts *net = desired_hosts_create(engine, model);
        struct sim_net sim_net;

        desired_hosts_get(net, &sim_net);
        reach.sim = simulator_create(&sim_net);
        simulator_set_underlay(reach.sim, request->underlay);
        matrix = fill_matrix(&reach, n);
        if (request->ways) {
            reach_add_outside(reach.sim, &reach.names, request, arena, matrix);
        }
        simulator_destroy(reach.sim);
        desired_hosts_destroy(net);
    }
    port_classes_uninit(&reach.classes);
    return matrix;
}
