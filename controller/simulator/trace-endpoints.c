/* SPDX-License-Identifier: Apache-2.0
 *
 * Who sends a traced packet, and to whom; see trace-endpoints.h. */

#include <config.h>

#include "controller/simulator/trace-endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "controller/schema/schema.h"
#include "controller/schema/value.h"
#include "controller/simulator/trace-outside.h"
#include "controller/simulator/trace-request.h"
#include "util.h"

struct search {
    const struct model *model;
    const struct trace_request *request;
    struct trace_endpoints *who;
    struct vmn_error *error;
};

/* Finds a port that who asks may see: any other is as if it were not
 * there. */
static bool
find_port(const struct search *search, const char *name,
          struct endpoint *endpoint)
{
    if (endpoint_find(search->model, name, endpoint)
        && model_sees(search->request->rights, &endpoint->port->row)) {
        return true;
    }
    *endpoint = (struct endpoint) { .port = NULL };
    return false;
}

/* Returns true if 'name' is that of who is outside, and not of a port. */
static bool
is_outside(const struct search *search, const char *name)
{
    struct endpoint port;

    return !strcmp(name, TRACE_OUTSIDE) && !find_port(search, name, &port);
}

/* Finds the one port that has the sender's address.  Returns false with an
 * error if there is none, or there are several in different networks. */
static bool
find_port_of_ip(struct search *search, const struct vmn_ip *ip)
{
    struct vmn_names networks = model_names(search->model, VMN_TABLE_NETWORK);
    struct endpoint *from = &search->who->from, found;
    char text[VALUE_IP_SIZE];

    value_format_ip(ip, text);
    for (size_t i = 0; i < networks.n; i++) {
        char *key = xasprintf("%s/%s", networks.names[i], text);
        struct vmn_names ports = model_lookup(search->model,
                                              VMN_INDEX_PORT_BY_IP, key);

        free(key);
        if (!ports.n || !find_port(search, ports.names[0], &found)) {
            continue;
        }
        if (from->port) {
            vmn_error_set(search->error, VMN_ERR_CONFLICT, "/from", "ports "
                          "\"%s\" and \"%s\" of different networks have "
                          "address %s: give the name", from->port->row.name,
                          found.port->row.name, text);
            return false;
        }
        *from = found;
    }
    if (!from->port) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/from", "no port has "
                      "address %s; what somebody outside sends is from "
                      "\"outside\", with that as \"source_ip\"", text);
    }
    return from->port != NULL;
}

/* Returns the type of an object that is called 'name' and that the client
 * sees, or NULL: what is no port cannot send, and the name may be misread. */
static const struct schema_table *
find_other_type(const struct search *search, const char *name)
{
    static const enum vmn_table tables[] = {
        VMN_TABLE_NETWORK, VMN_TABLE_GROUP, VMN_TABLE_LOADBALANCER,
        VMN_TABLE_ROUTER, VMN_TABLE_FLOATING_IP, VMN_TABLE_HOST,
    };

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        const struct vmn_row *row = model_get(search->model, tables[i], name);

        if (row && model_sees(search->request->rights, row)) {
            return schema_tables[tables[i]];
        }
    }
    return NULL;
}

/* Finds the port of the request's "from", by its name or address. */
static bool
find_sender(struct search *search)
{
    const struct trace_request *request = search->request;
    const struct schema_table *other;
    struct vmn_ip ip;
    char *guess;

    if (find_port(search, request->from, &search->who->from)) {
        return true;
    }
    if (!value_parse_ip(request->from, &ip, NULL)) {
        return find_port_of_ip(search, &ip);
    }
    other = find_other_type(search, request->from);
    if (other) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/from", "\"%s\" is a "
                      "%s, which sends nothing: give a port, its address, or "
                      "\"outside\"", request->from, other->singular);
        return false;
    }
    /* The current rows: of a trace after a change, that is applied. */
    guess = model_suggestion(search->model, MODEL_CURRENT, request->rights,
                             VMN_TABLE_PORT, request->from);
    vmn_error_set(search->error, VMN_ERR_INVALID, "/from",
                  "port \"%s\" not found%s", request->from, guess);
    free(guess);
    return false;
}

static bool
find_source(struct search *search)
{
    const struct trace_request *request = search->request;

    if (!find_sender(search)) {
        return false;
    }
    if (!model_in_scope(request->rights, &search->who->from.port->row)) {
        vmn_error_set(search->error, VMN_ERR_FORBIDDEN, "/from",
                      "port \"%s\" is not within this account's scope",
                      request->from);
        return false;
    }
    if (!search->who->from.ofport) {
        vmn_error_set(search->error, VMN_ERR_CONFLICT, "/from",
                      "port \"%s\" is on no host that is known to have its "
                      "interface", request->from);
        return false;
    }
    search->who->ends.source_mac = (value_mac_is_none(request->source_mac)
                               ? search->who->from.port->mac
                               : request->source_mac);
    return true;
}

/* Finds addresses of a family that both ports have. */
static bool
find_common(struct search *search)
{
    static const uint8_t families[] = { 4, 6 };

    enum trace_protocol protocol = search->request->protocol;
    uint8_t given = search->request->source_ip.family;

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        const struct vmn_ip *to = endpoint_ip(&search->who->to, families[i]);

        if (to && trace_protocol_has(protocol, families[i])
            && (given ? given == families[i]
                : endpoint_ip(&search->who->from, families[i]) != NULL)) {
            search->who->ends.destination_ip = *to;
            return true;
        }
    }
    if (given) {
        vmn_error_set(search->error, VMN_ERR_CONFLICT, "/to", "port \"%s\" "
                      "has no IPv%d address, as source_ip is",
                      search->request->to, given);
        return false;
    }
    vmn_error_set(search->error, VMN_ERR_CONFLICT, "/to", "ports \"%s\" and "
                  "\"%s\" %s", search->request->from, search->request->to,
                  trace_protocol_has(protocol, 4)
                  ? "have no addresses of one family"
                  : "do not both have an IPv6 address, as icmpv6 takes");
    return false;
}

/* Checks a destination that no row has. */
static bool
check_address(struct search *search)
{
    const struct vmn_ip *to = &search->who->ends.destination_ip;

    if (!value_ip_is_unicast(to) && !value_ip_is_group(to)) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/to", "must be a "
                      "unicast or multicast address, or 255.255.255.255");
        return false;
    }
    return true;
}

/* Finds the destination address: 'to' itself, a balancer's, or a floating
 * one. */
static bool
find_address(struct search *search)
{
    const struct trace_request *request = search->request;
    struct vmn_error error = VMN_ERROR_INIT;
    const struct vmn_floating_ip *floating;
    const struct vmn_loadbalancer *lb;

    lb = model_get(search->model, VMN_TABLE_LOADBALANCER, request->to);
    if (lb && model_sees(request->rights, &lb->row)) {
        search->who->ends.destination_ip = lb->vip;
        return true;
    }
    floating = model_get(search->model, VMN_TABLE_FLOATING_IP, request->to);
    if (floating && model_sees(request->rights, &floating->row)) {
        search->who->ends.destination_ip = floating->ip;
        return true;
    }
    if (value_parse_any_ip(request->to, &search->who->ends.destination_ip,
                           &error)) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/to", "\"%s\" is "
                      "no port, loadbalancer or floating-ip, nor \"outside\", "
                      "and no address: %s", request->to, error.text);
        vmn_error_uninit(&error);
        return false;
    }
    return check_address(search);
}

static bool
find_destination(struct search *search)
{
    const struct trace_request *request = search->request;

    if (find_port(search, request->to, &search->who->to)) {
        return find_common(search);
    }
    if (is_outside(search, request->to)) {
        return trace_to_outside(search->model, request, search->who,
                                search->error);
    }
    if (!find_address(search)) {
        return false;
    }
    if (!trace_protocol_has(request->protocol,
                            search->who->ends.destination_ip.family)) {
        vmn_error_set(search->error, VMN_ERR_INVALID, "/to",
                      "must have an IPv6 address, as icmpv6 takes");
        return false;
    }
    return true;
}

static bool
find_source_ip(struct search *search)
{
    uint8_t family = search->who->ends.destination_ip.family;
    const struct vmn_ip *own = endpoint_ip(&search->who->from, family);

    if (search->request->source_ip.family) {
        search->who->ends.source_ip = search->request->source_ip;
        if (search->who->ends.source_ip.family != family) {
            vmn_error_set(search->error, VMN_ERR_INVALID, "/source_ip",
                          "must be an IPv%d address, as that of \"to\" is",
                          family);
            return false;
        }
    } else if (own) {
        search->who->ends.source_ip = *own;
    } else {
        vmn_error_set(search->error, VMN_ERR_CONFLICT, "/from", "port "
                      "\"%s\" has no IPv%d address to send from",
                      search->request->from, family);
        return false;
    }
    return true;
}

bool
trace_endpoints_find(const struct model *model,
                     const struct trace_request *request,
                     struct trace_endpoints *who, struct vmn_error *error)
{
    struct search search = { model, request, who, error };

    *who = (struct trace_endpoints) { .from = { .port = NULL } };
    if (!trace_outside_check(model, request, is_outside(&search, request->from)
                             || is_outside(&search, request->to), error)) {
        return false;
    }
    if (is_outside(&search, request->from)) {
        return trace_from_outside(model, request, who, error);
    }
    return (find_source(&search) && find_destination(&search)
            && find_source_ip(&search));
}
