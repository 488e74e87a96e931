/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces from and to whoever is outside; see trace-outside.h. */

#include <config.h>

#include "controller/simulator/trace-outside.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "controller/schema/value.h"
#include "controller/simulator/trace-outside-private.h"
#include "controller/simulator/trace-request.h"
#include "svec.h"
#include "util.h"

const uint8_t outside_families[2] = { 4, 6 };

const struct vmn_mac trace_outside_mac
    = { { 0x00, 0x00, 0x5e, 0x00, 0x53, 0x01 } };

void
outside_refuse(const struct outside *search, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    vmn_error_set(search->error, VMN_ERR_CONFLICT, "/to", "%s", text);
    free(text);
}

/* Families and networks.  ------------------------------------------------ */

bool
outside_sees(const struct outside *search, const struct vmn_network *network)
{
    return model_sees(search->request->rights, &network->row);
}

bool
outside_is_family(const struct trace_request *request, uint8_t family)
{
    uint8_t given = request->source_ip.family;

    return ((!given || given == family)
            && trace_protocol_has(request->protocol, family));
}

const struct vmn_network *
outside_find_provider(const struct outside *search, const char *name)
{
    const struct vmn_network *network
        = name ? model_get(search->model, VMN_TABLE_NETWORK, name) : NULL;
    const char *wanted = search->request->network;

    return (network && network->provider.physical
            && (!wanted || !strcmp(wanted, name)) ? network : NULL);
}

const struct vmn_network *
outside_network_of(const struct outside *search,
                   const struct vmn_router *router)
{
    return (router ? outside_find_provider(search, router->external.network)
            : NULL);
}

struct routers_found {
    const struct outside *search;
    struct svec *routers;
};

static void
add_routers_of(void *found_, const struct vmn_network *network)
{
    struct routers_found *found = found_;
    const struct model *model = found->search->model;
    struct vmn_names names = model_lookup(model, VMN_INDEX_ROUTER_BY_NETWORK,
                                          network->row.name);

    for (size_t i = 0; i < names.n; i++) {
        if (outside_network_of(found->search, model_get(
                model, VMN_TABLE_ROUTER, names.names[i]))) {
            svec_add(found->routers, names.names[i]);
        }
    }
}

void
outside_add_routers(const struct outside *search, const char *network,
                    struct svec *routers)
{
    struct routers_found found = { search, routers };
    size_t before = routers->n;

    model_routed_networks(search->model, network, 1, add_routers_of, &found);
    if (routers->n == before) {
        model_routed_networks(search->model, network, SIZE_MAX,
                              add_routers_of, &found);
    }
    svec_sort_unique(routers);
}

/* Returns the gateway's address of 'family' in the network, or NULL. */
static const struct vmn_ip *
gateway_of(const struct vmn_network *network, uint8_t family)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (network->subnets[i].gateway.family == family) {
            return &network->subnets[i].gateway;
        }
    }
    return NULL;
}

bool
trace_outside_check(const struct model *model,
                    const struct trace_request *request, bool outside,
                    struct vmn_error *error)
{
    const struct vmn_network *network;
    char *guess;

    if (!request->network) {
        return true;
    }
    if (!outside) {
        vmn_error_set(error, VMN_ERR_INVALID, "/network", "requires \""
                      TRACE_OUTSIDE"\" as \"from\" or \"to\"");
        return false;
    }
    network = model_get(model, VMN_TABLE_NETWORK, request->network);
    if (network && network->provider.physical
        && model_sees(request->rights, &network->row)) {
        return true;
    }
    if (network && model_sees(request->rights, &network->row)) {
        vmn_error_set(error, VMN_ERR_INVALID, "/network", "\"%s\" is no "
                      "provider network", request->network);
        return false;
    }
    guess = model_suggestion(model, MODEL_CURRENT, request->rights,
                             VMN_TABLE_NETWORK, request->network);
    vmn_error_set(error, VMN_ERR_INVALID, "/network", "network \"%s\" not "
                  "found%s", request->network, guess);
    free(guess);
    return false;
}

/* Sources.  -------------------------------------------------------------- */

/* Sets the sender's address: the network's gateway, by which comes what is
 * from further away, unless one is given. */
static bool
find_source_ip(const struct outside *search)
{
    struct packet_ends *ends = &search->who->ends;
    uint8_t family = ends->destination_ip.family;
    const struct vmn_network *network = search->who->from.outside;
    const struct vmn_ip *given = &search->request->source_ip;
    const struct vmn_ip *gateway = gateway_of(network, family);

    if (!trace_protocol_has(search->request->protocol, family)) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/to", "must have an "
                      "IPv6 address, as icmpv6 takes");
    } else if (given->family && given->family != family) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/source_ip", "must be "
                      "an IPv%u address, as that of \"to\" is", family);
    } else if (!given->family && !outside_sees(search, network)) {
        /* The gateway would be told. */
        vmn_error_set(search->error, VMN_ERR_INVALID, "/source_ip", "is "
                      "required: the external network is not within what "
                      "this account sees");
    } else if (!given->family && !gateway) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/source_ip", "is "
                      "required: network \"%s\" has no IPv%u gateway to send "
                      "from", network->row.name, family);
    } else {
        ends->source_ip = given->family ? *given : *gateway;
        return true;
    }
    return false;
}

/* Returns true if a host has a way to the sender's physical network. */
static bool
find_host(const struct outside *search)
{
    const struct vmn_network *network = search->who->from.outside;
    struct vmn_names hosts = model_names(search->model, VMN_TABLE_HOST);

    for (size_t i = 0; i < hosts.n; i++) {
        if (provider_ofport_of(search->model, hosts.names[i],
                               network->provider.physical)) {
            return true;
        }
    }
    if (outside_sees(search, network)) {
        vmn_error_set(search->error, VMN_ERR_CONFLICT, "/from", "no host is "
                      "known to have a bridge to physical network \"%s\", by "
                      "which those outside come in",
                      network->provider.physical);
    } else {
        vmn_error_set(search->error, VMN_ERR_CONFLICT, "/from", "no host is "
                      "known by which those outside come in");
    }
    return false;
}

bool
trace_from_outside(const struct model *model,
                   const struct trace_request *request,
                   struct trace_endpoints *who, struct vmn_error *error)
{
    const struct outside search = { model, request, who, error };

    if (!value_mac_is_none(request->destination_mac)) {
        vmn_error_set(error, VMN_ERR_INVALID, "/destination_mac", "cannot be "
                      "combined with \"from\": \""TRACE_OUTSIDE"\"");
        return false;
    }
    who->ends.source_mac = (value_mac_is_none(request->source_mac)
                            ? trace_outside_mac : request->source_mac);
    return (outside_find_destination(&search) && find_source_ip(&search)
            && find_host(&search));
}

/* Ways out.  ------------------------------------------------------------- */

/* Provider networks that lead outside. */
struct ways_out {
    const struct vmn_network *one, *other; /* That the account sees. */
    bool hidden;                /* There are others. */
};

static void
add_way_out(const struct outside *search, const struct vmn_network *network,
            struct ways_out *ways)
{
    if (network && !model_sees(search->request->rights, &network->row)) {
        ways->hidden = true;
    } else if (network && ways->one && network != ways->one) {
        ways->other = network;
    } else if (network) {
        ways->one = network;
    }
}

/* Finds the one provider network by which packets of who->from leave: its own,
 * or that of a router.  Not one that the account does not see, whose name and
 * gateway a trace would tell. */
static const struct vmn_network *
find_way_out(const struct outside *search)
{
    const char *own = search->who->from.port->network;
    struct svec routers = SVEC_EMPTY_INITIALIZER;
    struct ways_out ways = { .one = NULL };

    add_way_out(search, outside_find_provider(search, own), &ways);
    outside_add_routers(search, own, &routers);
    for (size_t i = 0; i < routers.n; i++) {
        add_way_out(search, outside_network_of(search, model_get(
            search->model, VMN_TABLE_ROUTER, routers.names[i])), &ways);
    }
    svec_destroy(&routers);
    if (ways.other) {
        outside_refuse(search, "networks \"%s\" and \"%s\" both lead "
                       "outside: say by \"network\" which is meant",
                       ways.one->row.name, ways.other->row.name);
    } else if (ways.hidden) {
        outside_refuse(search, "network \"%s\" leads outside by what is out "
                       "of this account's scope: give an address%s", own,
                       ways.one ? ", or \"network\"" : "");
    } else if (!ways.one) {
        outside_refuse(search, "no router of network \"%s\" has an external "
                       "network", own);
    }
    return ways.other || ways.hidden ? NULL : ways.one;
}

bool
trace_to_outside(const struct model *model,
                 const struct trace_request *request,
                 struct trace_endpoints *who, struct vmn_error *error)
{
    const struct outside search = { model, request, who, error };
    const struct vmn_network *network = find_way_out(&search);

    if (!network) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(outside_families); i++) {
        const struct vmn_ip *gateway = gateway_of(network,
                                                  outside_families[i]);

        if (gateway && outside_is_family(request, outside_families[i])
            && (request->source_ip.family
                || endpoint_ip(&who->from, outside_families[i]))) {
            who->to = (struct endpoint) { .outside = network };
            who->ends.destination_ip = *gateway;
            return true;
        }
    }
    outside_refuse(&search, "network \"%s\" has no gateway of the family to "
                   "send to: give an address", network->row.name);
    return false;
}
