/* SPDX-License-Identifier: Apache-2.0
 *
 * The services on which reachability is compared for a draft; see
 * draft-effects.h.  Whatever has a protocol and ports in a spec, be it a rule
 * of a policy or an entry of a service, names some. */

#include <config.h>

#include "controller/northbound/draft-effects.h"

#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/draft-contents.h"
#include "controller/northbound/northbound-private.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "timeval.h"
#include "util.h"

/* Specs may be nested as deeply as a body. */
#define DEPTH_MAX 16

void
effect_services_add(struct effect_services *services,
                    enum trace_protocol protocol, uint16_t port)
{
    for (size_t i = 0; i < services->n; i++) {
        if (services->list[i].protocol == protocol
            && services->list[i].port == port) {
            return;
        }
    }
    if (services->n < EFFECT_SERVICES_MAX) {
        services->list[services->n++] = (struct effect_service) {
            protocol, port,
        };
    } else {
        services->n_more++;
    }
}

/* Adds the first port of an element of "ports". */
static void
add_port(struct effect_services *services, enum trace_protocol protocol,
         const json_t *value)
{
    struct vmn_port_range range = { 0, 0 };
    const char *text = json_string_value(value);

    if (json_is_integer(value) && json_integer_value(value) > 0
        && json_integer_value(value) <= UINT16_MAX) {
        range.first = json_integer_value(value);
    } else if (!text || value_parse_range(text, &range, NULL)) {
        return;
    }
    if (range.first) {
        effect_services_add(services, protocol, range.first);
    }
}

static void add_json(struct effect_services *, const struct model *,
                     const json_t *, int depth);

static void
add_named(struct effect_services *services, const struct model *model,
          const char *name, int depth)
{
    const struct vmn_row *row = model_get_durable(model, VMN_TABLE_SERVICE,
                                                  name, NULL);

    if (row) {
        json_t *spec = schema_row_spec(row);

        add_json(services, model, spec, depth);
        json_decref(spec);
    }
}

static void
add_object(struct effect_services *services, const struct model *model,
           const json_t *json, int depth)
{
    const char *protocol = json_string_value(json_object_get(json,
                                                             "protocol"));
    const char *service = json_string_value(json_object_get(json,
                                                            "service"));
    enum trace_protocol parsed;
    const char *key;
    json_t *value;
    size_t i;

    if (service) {
        add_named(services, model, service, depth + 1);
    }
    if (protocol && trace_protocol_parse(protocol, &parsed)) {
        if (trace_protocol_is_icmp(parsed)) {
            effect_services_add(services, parsed, 0);
        }
        json_array_foreach (json_object_get(json, "ports"), i, value) {
            if (!trace_protocol_is_icmp(parsed)) {
                add_port(services, parsed, value);
            }
        }
    }
    json_object_foreach (CONST_CAST(json_t *, json), key, value) {
        add_json(services, model, value, depth + 1);
    }
}

static void
add_json(struct effect_services *services, const struct model *model,
         const json_t *json, int depth)
{
    json_t *value;
    size_t i;

    if (depth > DEPTH_MAX) {
        return;
    }
    if (json_is_object(json)) {
        add_object(services, model, json, depth);
    }
    json_array_foreach (json, i, value) {
        add_json(services, model, value, depth + 1);
    }
}

void
effect_services_of(struct effect_services *services,
                   const struct model *model, const struct vmn_draft *draft)
{
    effect_services_add(services, TRACE_ICMP, 0);
    for (size_t i = 0; i < draft->n_changes; i++) {
        json_t *spec = draft_spec(&draft->changes[i]);
        json_t *base = draft_base_spec(&draft->changes[i]);

        add_json(services, model, spec, 0);
        add_json(services, model, base, 0);
        json_decref(spec);
        json_decref(base);
    }
}

void
effect_services_of_policies(struct effect_services *services,
                            const struct northbound *nb,
                            long long int end_ms)
{
    const struct vmn_row *row;
    char *after = xstrdup("");

    while (services->n < EFFECT_SERVICES_MAX && time_msec() < end_ms
           && (row = model_next_durable(nb->model, VMN_TABLE_POLICY, after,
                                        NULL))) {
        json_t *spec = schema_row_spec(row);

        free(after);
        after = xstrdup(row->name);
        add_json(services, nb->model, spec, 0);
        json_decref(spec);
        commit_yield(nb->commit);
    }
    free(after);
}

void
effect_services_of_model(struct effect_services *services,
                         const struct model *model)
{
    struct vmn_names names = model_names(model, VMN_TABLE_POLICY);

    effect_services_add(services, TRACE_ICMP, 0);
    for (size_t i = 0; i < names.n; i++) {
        json_t *spec = schema_row_spec(model_get(model, VMN_TABLE_POLICY,
                                                 names.names[i]));

        add_json(services, model, spec, 0);
        json_decref(spec);
    }
}

char *
effect_service_text(const struct effect_service *service)
{
    const char *protocol = trace_protocol_names[service->protocol];

    return (trace_protocol_is_icmp(service->protocol) ? xstrdup(protocol)
            : xasprintf("%s/%d", protocol, service->port));
}

bool
effect_service_of(const struct learned_connection *connection,
                  struct effect_service *service)
{
    *service = (struct effect_service) { TRACE_ICMP, connection->port };
    switch (connection->protocol) {
    case IPPROTO_TCP:
        service->protocol = TRACE_TCP;
        return true;
    case IPPROTO_UDP:
        service->protocol = TRACE_UDP;
        return true;
    case IPPROTO_SCTP:
        service->protocol = TRACE_SCTP;
        return true;
    case IPPROTO_ICMP:
        service->port = 0;
        return connection->icmp_type == 8; /* An echo request: RFC 792. */
    default:
        return false;
    }
}
