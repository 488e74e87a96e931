/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses the body of POST /v1/trace; see trace-body.h. */

#include <config.h>

#include "controller/northbound/trace-body.h"

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/request-body.h"
#include "controller/schema/error.h"
#include "controller/simulator/trace-request.h"
#include "util.h"

/* Members that are only valid with some protocols. */
enum {
    TCP = 1 << TRACE_TCP,
    PORTS = TCP | 1 << TRACE_UDP | 1 << TRACE_SCTP,
    ICMP = 1 << TRACE_ICMP | 1 << TRACE_ICMPV6,
};

static const struct {
    const char *pointer;        /* "/" and the name. */
    unsigned int protocols;
    bool required;              /* With these protocols. */
} members[] = {
    { "/port", PORTS, true },
    { "/source_port", PORTS, false },
    { "/icmp_type", ICMP, false },
    { "/icmp_code", ICMP, false },
    { "/tcp_flags", TCP, false },
};

/* Checks that the members of 'body' suit the protocol. */
static void
check_protocol(const json_t *body, const struct trace_request *request,
               struct vmn_errors *errors)
{
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const char *pointer = members[i].pointer;
        bool is_there = json_object_get(body, pointer + 1) != NULL;
        bool may = members[i].protocols & 1u << request->protocol;

        if (is_there && !may) {
            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "cannot be combined with %s",
                           trace_protocol_names[request->protocol]);
        } else if (!is_there && may && members[i].required) {
            vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "is required");
        }
    }
    if (request->source_ip.family
        && !trace_protocol_has(request->protocol,
                               request->source_ip.family)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/source_ip",
                       "must be an IPv6 address, as icmpv6 takes");
    }
}

bool
nb_trace_body_read(const json_t *body, struct arena *arena,
                   struct trace_request *request, struct vmn_errors *errors)
{
    trace_request_init(request);
    if (json_is_object(body)) {
        nb_body_read(body, &nb_body_trace, arena, request, errors);
        check_protocol(body, request, errors);
    } else {
        vmn_errors_add(errors, VMN_ERR_INVALID, "", "must be an object: "
                       "{\"from\", \"to\", \"protocol\", ...}");
    }
    return !errors->n;
}
