/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the services by which somebody is reached; see open-services.h. */

#include <config.h>

#include "controller/simulator/open-services.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/schema.h"
#include "controller/schema/value.h"
#include "controller/simulator/desired-hosts.h"
#include "controller/simulator/endpoint.h"
#include "controller/simulator/isolation.h"
#include "controller/simulator/open-bounds.h"
#include "controller/simulator/open-senders.h"
#include "controller/simulator/trace-outside.h"
#include "controller/simulator/trace.h"
#include "sset.h"
#include "util.h"

static const enum trace_protocol protocols[OPEN_N_PROTOCOLS] = {
    [OPEN_TCP] = TRACE_TCP, [OPEN_UDP] = TRACE_UDP, [OPEN_SCTP] = TRACE_SCTP,
};

/* What lets packets in. */
struct way_in {
    const char *verdict;
    struct result_owner by;
};

struct search {
    struct result_names names;
    struct simulator *sim;
    const struct open_request *request;
    struct arena *arena;
    struct open_services *found;
    size_t allocated;
    struct open_senders senders; /* Of one family. */
    size_t n_ways;
    struct way_in *ways;        /* All that were met, as often as senders. */
    size_t allocated_ways;
    size_t n_packets;
};

/* Packets.  -------------------------------------------------------------- */

/* Simulates a packet of 'sender', in a scratch arena: a trace takes more than
 * what is kept of it.  Returns false with '*error' if it cannot be sent;
 * '*trace' is valid as long as the arena. */
static bool
send_packet(const struct search *search, const struct open_sender *sender,
            enum trace_protocol protocol, uint16_t port,
            struct arena *scratch, const struct trace **trace,
            struct vmn_error *error)
{
    struct result_names names = search->names;
    struct trace_request what;

    names.isolations = arena_alloc(scratch, sizeof *names.isolations);
    trace_request_init(&what);
    what.from = sender->from;
    what.to = search->request->to;
    what.network = search->request->network;
    what.protocol = protocol;
    what.port = port;
    what.source_ip = sender->ip;
    what.reply = false;
    what.brief = true;
    *trace = trace_run(search->sim, &names, &what, scratch, error);
    engine_yield(search->names.engine);
    return *trace != NULL;
}

static bool
same_way(const struct way_in *a, const struct way_in *b)
{
    const struct status_object *x = a->by.object, *y = b->by.object;

    return (!strcmp(a->verdict, b->verdict) && a->by.rule == b->by.rule
            && (!x || !y ? x == y
                : !strcmp(x->type, y->type) && !strcmp(x->name, y->name)));
}

/* Returns true if 'rule' lets in, and not out of the sender alone. */
static bool
lets_in(const struct search *search, const struct rule *rule)
{
    bool shadow;
    const struct vmn_rule *row = result_policy_rule(&search->names, rule,
                                                    &shadow);

    return rule && !(row && row->direction == VMN_EGRESS);
}

/* Returns whose 'rule' decided: a policy's; if none lets in, the network of
 * 'port' (NULL: not known), by its default. */
static struct result_owner
find_decider(const struct search *search, const struct rule *rule,
             const char *port)
{
    const struct vmn_port *row = (port ? model_get(search->names.model,
                                                   VMN_TABLE_PORT, port)
                                  : NULL);
    struct result_owner by = result_no_owner();

    if (lets_in(search, rule)) {
        return result_owner_of(&search->names, rule, search->arena);
    }
    if (row) {
        struct status_object *object = arena_alloc(search->arena,
                                                   sizeof *object);

        object->type = schema_tables[VMN_TABLE_NETWORK]->plural;
        object->name = arena_strdup(search->arena, row->network);
        by.object = object;
    }
    return by;
}

/* Returns the rule by which the first outcome is not dropped, or NULL. */
static const struct rule *
get_rule(const struct trace *trace)
{
    for (size_t i = 0; i < trace->n_outcomes; i++) {
        if (strcmp(trace->outcomes[i].verdict, "dropped")) {
            return trace->outcomes[i].rule;
        }
    }
    return NULL;
}

/* Returns the index in 'ways' of what lets the sender in, from 1 on; 0:
 * nothing does. */
static size_t
find_way(struct search *search, const struct open_sender *sender,
         enum trace_protocol protocol, uint16_t port)
{
    struct vmn_error error = VMN_ERROR_INIT;
    struct way_in way = { .verdict = "dropped" };
    const struct trace *trace;
    struct arena scratch;
    size_t i = 0;

    arena_init(&scratch);
    search->n_packets++;
    if (send_packet(search, sender, protocol, port, &scratch, &trace, &error)
        && strcmp(trace->verdict, "dropped")) {
        way.verdict = trace->verdict;   /* It is a constant. */
        way.by = find_decider(search, get_rule(trace), trace->to.port);
        while (i < search->n_ways && !same_way(&search->ways[i], &way)) {
            i++;
        }
        if (i == search->n_ways) {
            if (i >= search->allocated_ways) {
                search->ways = x2nrealloc(search->ways,
                                          &search->allocated_ways,
                                          sizeof *search->ways);
            }
            search->ways[search->n_ways++] = way;
        }
        i++;
    }
    vmn_error_uninit(&error);
    arena_uninit(&scratch);
    return i;
}

/* Services.  ------------------------------------------------------------- */

static void
add_service(struct search *search, enum trace_protocol protocol, int first,
            int last, const size_t *ways, size_t way)
{
    struct open_services *found = search->found;
    const struct open_senders *senders = &search->senders;
    const char **sources = arena_alloc(search->arena,
                                       OPEN_LISTED_MAX * sizeof *sources);
    struct open_service *service;

    if (found->n_services >= search->allocated) {
        found->services = x2nrealloc(found->services, &search->allocated,
                                     sizeof *found->services);
    }
    service = &found->services[found->n_services++];
    *service = (struct open_service) {
        .protocol = trace_protocol_names[protocol],
        .port = first, .end_port = last > first ? last : -1,
        .verdict = search->ways[way - 1].verdict,
        .by = search->ways[way - 1].by,
    };
    for (size_t i = 0; i < senders->n; i++) {
        if (ways[i] == way && service->n_sources++ < OPEN_LISTED_MAX) {
            sources[service->n_listed++] = arena_strdup(
                search->arena, senders->senders[i].text);
        }
    }
    service->all = service->n_sources == senders->n;
    if (service->all) {
        service->n_sources = service->n_listed = 0;
    }
    service->sources = service->n_listed ? sources : NULL;
}

/* Adds a row for each way by which the ports 'first' to 'last' are reached. */
static void
add_services(struct search *search, enum trace_protocol protocol, int first,
             int last, const size_t *ways)
{
    for (size_t way = 1; way <= search->n_ways; way++) {
        for (size_t i = 0; i < search->senders.n; i++) {
            if (ways[i] == way) {
                add_service(search, protocol, first, last, ways, way);
                break;
            }
        }
    }
}

/* Finds the ports of a protocol.  Ranges with the same ways are one. */
static void
search_ports(struct search *search, const struct open_bounds *bounds,
             int protocol)
{
    size_t size = search->senders.n * sizeof(size_t);
    size_t *ways = xmalloc(MAX(size, 1)), *before = xzalloc(MAX(size, 1));
    uint32_t first = 1, begin = 1;

    while (first <= UINT16_MAX) {
        for (size_t i = 0; i < search->senders.n; i++) {
            ways[i] = find_way(search, &search->senders.senders[i],
                               protocols[protocol], first);
        }
        if (memcmp(ways, before, size)) {
            add_services(search, protocols[protocol], begin, first - 1,
                         before);
            memcpy(before, ways, size);
            begin = first;
        }
        first = open_bounds_last(bounds, protocol, first) + 1;
    }
    add_services(search, protocols[protocol], begin, UINT16_MAX, before);
    free(before);
    free(ways);
}

static void
search_ping(struct search *search)
{
    size_t *ways = xcalloc(MAX(search->senders.n, 1), sizeof *ways);

    for (size_t i = 0; i < search->senders.n; i++) {
        ways[i] = find_way(search, &search->senders.senders[i], TRACE_ICMP,
                           0);
    }
    add_services(search, TRACE_ICMP, -1, -1, ways);
    free(ways);
}

/* One family.  ----------------------------------------------------------- */

/* Returns what tells the ways to 'port' (NULL: to what is none) apart. */
static struct open_bounds *
find_bounds(const struct search *search, const char *port)
{
    struct engine *engine = search->names.engine;
    const struct model *model = search->names.model;
    const struct vmn_port *row = (port ? model_get(model, VMN_TABLE_PORT,
                                                   port) : NULL);
    struct sset groups = SSET_INITIALIZER(&groups);
    bool quarantined = row && port_is_quarantined(engine, row);
    struct open_bounds *bounds;

    if (row) {
        isolation_groups_of_port(engine, model, port, &groups);
        for (size_t i = 0; i < search->senders.n; i++) {
            const struct open_sender *sender = &search->senders.senders[i];

            if (sender->is_port) {
                const struct vmn_port *from = model_get(
                    model, VMN_TABLE_PORT, sender->from);

                isolation_groups_of_port(engine, model, sender->from,
                                         &groups);
                quarantined |= from && port_is_quarantined(engine, from);
            }
        }
    }
    bounds = open_bounds_create(engine, model, row ? &groups : NULL,
                                quarantined);
    sset_destroy(&groups);
    return bounds;
}

/* Returns false with '*error' if that would be too many prefixes. */
static bool
check_prefixes(const struct open_bounds *bounds, struct vmn_error *error)
{
    if (bounds->too_many) {
        vmn_error_set(error, VMN_ERR_TOO_LARGE, "", "policies name more than "
                      "%d prefixes: ask for one service, or from one address",
                      OPEN_PREFIXES_MAX);
    }
    return !bounds->too_many;
}

/* Returns false with '*error' if that would be too many packets. */
static bool
check_count(const struct search *search, const struct open_bounds *bounds,
            struct vmn_error *error)
{
    size_t n = 1;

    for (int i = 0; i < OPEN_N_PROTOCOLS; i++) {
        n += open_bounds_count(bounds, i);
    }
    n *= search->senders.n;
    if (search->n_packets + n > OPEN_PACKETS_MAX) {
        vmn_error_set(error, VMN_ERR_TOO_LARGE, "", "policies tell so many "
                      "ranges of ports and addresses apart that it takes %"
                      PRIuSIZE" packets, and at most %d are simulated: ask "
                      "for one service, or from one address", n,
                      OPEN_PACKETS_MAX);
        return false;
    }
    return true;
}

static void
add_address(struct search *search, const struct vmn_ip *ip)
{
    char text[VALUE_IP_SIZE];

    search->found->addresses[search->found->n_addresses++]
        = arena_strdup(search->arena, value_format_ip(ip, text));
}

/* Has senders outside send as the gateway of the network by which they come
 * in, where it tells none of them apart and there is one. */
static void
prefer_gateway(struct search *search, const struct vmn_ip *to,
               struct arena *scratch)
{
    struct open_sender sender = search->senders.senders[0];
    struct vmn_error error = VMN_ERROR_INIT;
    const struct trace *trace;

    sender.ip.family = 0;
    if (!sender.is_port && !strcmp(search->request->from, TRACE_OUTSIDE)
        && send_packet(search, &sender, TRACE_TCP, 1, scratch, &trace, &error)
        && !memcmp(&trace->to.ip, to, sizeof *to)) {
        search->senders.gateway = trace->from.ip;
    }
    vmn_error_uninit(&error);
}

/* Sends a first packet, which tells who is sent to: the port's name, in the
 * arena, or NULL; and who sends by itself outside.  Returns false with
 * '*error' if none can be sent. */
static bool
find_destination(struct search *search, uint8_t family, const char **port,
                 struct vmn_error *error)
{
    const struct open_sender *sender = &search->senders.senders[0];
    const struct trace *trace;
    struct arena scratch;
    bool sent;

    arena_init(&scratch);
    sent = (send_packet(search, sender, TRACE_TCP, 1, &scratch, &trace, error)
            && trace->to.ip.family == family);
    if (sent) {
        *port = (trace->to.port ? arena_strdup(search->arena, trace->to.port)
                 : NULL);
        search->found->port = *port;
        search->senders.gateway = trace->from.ip;
        add_address(search, &trace->to.ip);
        prefer_gateway(search, &trace->to.ip, &scratch);
    }
    arena_uninit(&scratch);
    return sent;
}

/* Warns that nothing is told by a family, of which the port that is sent to
 * has an address. */
static void
warn_left_out(struct search *search, uint8_t family,
              const struct vmn_error *why)
{
    struct open_services *found = search->found;
    struct endpoint to;

    if (why->text && endpoint_find(search->names.model, search->request->to,
                                   &to)
        && endpoint_ip(&to, family)) {
        found->warnings[found->n_warnings++] = arena_printf(
            search->arena, "nothing is told of IPv%u: %s", family, why->text);
    }
}

static bool
same_service(const struct open_service *a, const struct open_service *b)
{
    const struct way_in x = { a->verdict, a->by }, y = { b->verdict, b->by };
    bool same = (!strcmp(a->protocol, b->protocol) && a->port == b->port
                 && a->end_port == b->end_port && a->all == b->all
                 && a->n_sources == b->n_sources && same_way(&x, &y));

    for (size_t i = 0; same && i < a->n_listed; i++) {
        same = !strcmp(a->sources[i], b->sources[i]);
    }
    return same;
}

/* Makes one of the services that are the same by IPv4, of which there are
 * 'n_ipv4', and by IPv6; others have their family. */
static void
unite_families(struct open_services *found, size_t n_ipv4)
{
    size_t n = n_ipv4;

    for (size_t i = 0; i < found->n_services; i++) {
        found->services[i].family = i < n_ipv4 ? 4 : 6;
    }
    for (size_t i = n_ipv4; i < found->n_services; i++) {
        bool twice = false;

        for (size_t j = 0; j < n_ipv4 && !twice; j++) {
            twice = same_service(&found->services[i], &found->services[j]);
            if (twice) {
                found->services[j].family = 0;
            }
        }
        if (!twice) {
            found->services[n++] = found->services[i];
        }
    }
    found->n_services = n;
}

/* Returns false with '*error' if nothing can be told. */
static bool
search_family(struct search *search, uint8_t family, struct vmn_error *error)
{
    const struct result_names *names = &search->names;
    struct open_bounds *bounds = NULL;
    const char *port;
    bool ok;

    memset(&search->senders, 0, sizeof search->senders);
    ok = (open_senders_find(names->engine, names->model, search->request,
                            family, NULL, &search->senders, error)
          && find_destination(search, family, &port, error));
    if (!ok && search->senders.n) {
        warn_left_out(search, family, error);
    }
    if (ok) {
        /* Of these senders' ports the groups count, and what applies to them
         * cuts those outside. */
        bounds = find_bounds(search, port);
        open_senders_uninit(&search->senders);
        ok = (check_prefixes(bounds, error)
              && open_senders_find(names->engine, names->model,
                                   search->request, family, bounds,
                                   &search->senders, error)
              && check_count(search, bounds, error));
    }
    if (ok) {
        for (int i = 0; i < OPEN_N_PROTOCOLS; i++) {
            search_ports(search, bounds, i);
        }
        search_ping(search);
    }
    open_bounds_destroy(bounds);
    open_senders_uninit(&search->senders);
    return ok;
}

struct open_services *
open_services_find(struct engine *engine, const struct model *model,
                   const struct pipeline *pipeline,
                   const struct open_request *request, struct arena *arena,
                   struct vmn_error *error)
{
    static const uint8_t families[] = { 4, 6 };
    struct desired_hosts *net = desired_hosts_create(engine, model);
    struct search search = {
        .names = { engine, model, pipeline, NULL },
        .request = request, .arena = arena,
        .found = arena_alloc(arena, sizeof *search.found),
    };
    struct open_service *services;
    struct sim_net sim_net;
    size_t n_ipv4 = 0, n_families = 0;
    bool too_large = false;

    desired_hosts_get(net, &sim_net);
    search.sim = simulator_create(&sim_net);
    search.found->from = request->from ? request->from : request->group;
    search.found->to = request->to;
    search.found->addresses = arena_alloc(arena, ARRAY_SIZE(families)
                                                 * sizeof(const char *));
    search.found->warnings = arena_alloc(arena, ARRAY_SIZE(families)
                                                * sizeof(const char *));
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct vmn_error why = VMN_ERROR_INIT;
        bool ok = search_family(&search, families[i], &why);

        n_families += ok;
        n_ipv4 = families[i] == 4 ? search.found->n_services : n_ipv4;
        if (!ok && why.text
            && (!error->text || why.code == VMN_ERR_TOO_LARGE)) {
            too_large |= why.code == VMN_ERR_TOO_LARGE;
            vmn_error_uninit(error);
            vmn_error_set(error, why.code, why.pointer ? why.pointer : "",
                          "%s", why.text);
        }
        vmn_error_uninit(&why);
    }
    /* What is open by one family alone would say too little. */
    n_families = too_large ? 0 : n_families;
    simulator_destroy(search.sim);
    desired_hosts_destroy(net);
    if (n_families > 1) {
        unite_families(search.found, n_ipv4);
    }
    services = search.found->services;
    search.found->services = arena_alloc(arena, search.found->n_services
                                                * sizeof *services);
    if (services) {
        memcpy(search.found->services, services,
               search.found->n_services * sizeof *services);
    }
    free(services);
    free(search.ways);
    if (n_families) {
        vmn_error_uninit(error);
    }
    return n_families ? search.found : NULL;
}
