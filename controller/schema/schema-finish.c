/* SPDX-License-Identifier: Apache-2.0
 *
 * What depends on other fields of the same object; see schema-finish.h. */

#include <config.h>

#include "controller/schema/schema-finish.h"

#include <stdlib.h>

#include "controller/schema/value.h"
#include "util.h"

/* A policy's flows have 50 priorities, one for each run of rules with the
 * same action. */
#define POLICY_LEVELS_MAX 50

const char *const schema_protocol_names[] = {
    [VMN_PROTO_ANY] = "any",
    [VMN_PROTO_TCP] = "tcp",
    [VMN_PROTO_UDP] = "udp",
    [VMN_PROTO_ICMP] = "icmp",
    NULL,
};

const char *const schema_direction_names[] = {
    [VMN_INGRESS] = "ingress",
    [VMN_EGRESS] = "egress",
    NULL,
};

/* Reports a fault in 'field' of the object at 'pointer'. */
static void
fault(struct vmn_errors *errors, const char *pointer, const char *field,
      const char *text)
{
    char *where = xasprintf("%s/%s", pointer, field);

    vmn_errors_add(errors, VMN_ERR_INVALID, where, "%s", text);
    free(where);
}

void
schema_finish_subnet(void *subnet_, const json_t *json OVS_UNUSED,
                     const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_subnet *subnet = subnet_;

    /* A prefix of "/8" or longer is in one class as a whole.  Ports are given
     * addresses of it, and no port may have one of another class. */
    if (!value_ip_is_unicast(&subnet->cidr.ip)) {
        fault(errors, pointer, "cidr",
              "must be a prefix of unicast addresses");
    }
    if (!subnet->gateway.family) {
        return;
    }
    if (!value_prefix_contains(&subnet->cidr, &subnet->gateway)) {
        fault(errors, pointer, "gateway", "must be an address of the subnet");
    } else if (value_prefix_is_reserved(&subnet->cidr, &subnet->gateway)) {
        fault(errors, pointer, "gateway",
              "must not be the subnet's first or last address");
    }
}

void
schema_finish_network(void *network_, const json_t *json OVS_UNUSED,
                      const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_network *network = network_;

    /* They are sorted, so only neighbours can overlap. */
    for (size_t i = 1; i < network->n_subnets; i++) {
        const struct vmn_prefix *a = &network->subnets[i - 1].cidr;
        const struct vmn_prefix *b = &network->subnets[i].cidr;

        if (value_prefix_overlaps(a, b)) {
            char *where = xasprintf("%s/subnets", pointer);
            char buf_a[VALUE_PREFIX_SIZE], buf_b[VALUE_PREFIX_SIZE];

            vmn_errors_add(errors, VMN_ERR_INVALID, where,
                           "must not overlap: %s and %s do",
                           value_format_prefix(a, buf_a),
                           value_format_prefix(b, buf_b));
            free(where);
        }
    }
}

void
schema_finish_service_entry(void *entry_, const json_t *json OVS_UNUSED,
                            const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_service_entry *entry = entry_;

    if (entry->n_ports && entry->protocol != VMN_PROTO_TCP
        && entry->protocol != VMN_PROTO_UDP) {
        fault(errors, pointer, "ports",
              "is only for the protocols \"tcp\" and \"udp\"");
    }
    if (entry->icmp_type >= 0 && entry->protocol != VMN_PROTO_ICMP) {
        fault(errors, pointer, "icmp_type",
              "is only for the protocol \"icmp\"");
    }
}

void
schema_finish_rule_service(void *service_, const json_t *json,
                           const char *pointer, struct vmn_errors *errors)
{
    struct vmn_rule_service *service = service_;

    if (!service->service) {
        schema_finish_service_entry(&service->inline_entry, json, pointer,
                                    errors);
    }
}

void
schema_finish_policy(void *policy_, const json_t *json, const char *pointer,
                     struct vmn_errors *errors)
{
    struct vmn_policy *policy = policy_;
    const json_t *directions = json_object_get(json, "directions");
    unsigned n_levels = 1;

    if (!directions || json_is_null(directions)) {
        for (size_t i = 0; i < policy->n_rules; i++) {
            policy->isolates[policy->rules[i].direction] = true;
        }
        if (!policy->n_rules) {
            policy->isolates[VMN_INGRESS] = true;
        }
    }

    for (size_t i = 1; i < policy->n_rules; i++) {
        n_levels += policy->rules[i].action != policy->rules[i - 1].action;
    }
    if (n_levels > POLICY_LEVELS_MAX) {
        fault(errors, pointer, "rules",
              "must not change between actions more than 49 times: split the "
              "policy");
    }
}

void
schema_finish_lb_port(void *port_, const json_t *json OVS_UNUSED,
                      const char *pointer OVS_UNUSED,
                      struct vmn_errors *errors OVS_UNUSED)
{
    struct vmn_lb_port *port = port_;

    if (!port->target) {
        port->target = port->port;
    }
}
