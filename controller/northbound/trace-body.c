/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses the body of POST /v1/trace; see trace-body.h. */

#include <config.h>

#include "controller/northbound/trace-body.h"

#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/request-body.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/value.h"
#include "controller/simulator/trace-request.h"
#include "util.h"

/* Members that are only valid with some protocols. */
enum {
    TCP = 1 << TRACE_TCP,
    UDP = 1 << TRACE_UDP,
    PORTS = TCP | UDP | 1 << TRACE_SCTP,
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
    { "/payload", TCP | UDP, false },
    { "/payload_hex", TCP | UDP, false },
};

/* Checks that the members of 'body' suit the protocol. */
static void
check_protocol(const json_t *body, const struct trace_request *request,
               struct vmn_errors *errors)
{
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const char *pointer = members[i].pointer;
        bool is_there = (json_object_get(body, pointer + 1) != NULL
                         || (request->service && members[i].required
                             && request->port));
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

/* Sets what "service" stands for, if it is there.  Returns false if it is
 * wrong. */
static bool
read_service(const json_t *body, struct trace_request *request,
             struct vmn_errors *errors)
{
    static const char *const others[] = {
        "protocol", "port", "icmp_type", "icmp_code",
    };

    for (size_t i = 0; request->service && i < ARRAY_SIZE(others); i++) {
        if (json_object_get(body, others[i])) {
            vmn_errors_add(errors, VMN_ERR_INVALID, "/service",
                           "cannot be combined with %s", others[i]);
            return false;
        }
    }
    if (request->service && !trace_service_parse(request->service, request)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/service",
                       "must be tcp/PORT, udp/PORT, sctp/PORT, icmp, "
                       "icmp/TYPE, icmp/TYPE/CODE or the same of icmpv6");
        return false;
    }
    return true;
}

/* Checks the sender's address: that of a guest, or of one that has none
 * yet. */
static void
check_source_ip(const struct vmn_ip *ip, struct vmn_errors *errors)
{
    if (ip->family && !value_ip_is_unicast(ip) && !value_ip_is_zero(ip)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/source_ip",
                       "must be a unicast address, 0.0.0.0 or ::");
    }
}

/* Decodes "payload_hex".  Returns NULL if it is not hexadecimal. */
static const uint8_t *
decode_hex(const char *hex, size_t n, struct arena *arena)
{
    uint8_t *bytes = arena_alloc(arena, n + 1);

    for (size_t i = 0; i < n; i++) {
        bool ok;

        bytes[i] = (uint8_t) hexits_value(&hex[2 * i], 2, &ok);
        if (!ok) {
            return NULL;
        }
    }
    return bytes;
}

/* Sets 'request->data' to what the datagram carries. */
static void
read_payload(struct trace_request *request, struct arena *arena,
             struct vmn_errors *errors)
{
    const char *hex = request->payload_hex;

    if ((request->payload || hex) && request->fragment == TRACE_LATER) {
        vmn_errors_add(errors, VMN_ERR_INVALID,
                       hex ? "/payload_hex" : "/payload",
                       "cannot be combined with fragment \"later\", which has "
                       "no ports");
    } else if (request->payload && hex) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/payload_hex",
                       "cannot be combined with payload");
    } else if (request->payload) {
        request->data = (const uint8_t *) request->payload;
        request->data_size = strlen(request->payload);
    } else if (hex) {
        request->data_size = strlen(hex) / 2;
        request->data = (strlen(hex) % 2 ? NULL
                         : decode_hex(hex, request->data_size, arena));
        if (!request->data) {
            vmn_errors_add(errors, VMN_ERR_INVALID, "/payload_hex",
                           "must be hexadecimal, two digits for each byte");
        }
    }
}

bool
nb_trace_body_read(const json_t *body, struct arena *arena,
                   struct trace_request *request, struct vmn_errors *errors)
{
    trace_request_init(request);
    if (json_is_object(body)) {
        nb_body_read(body, &nb_body_trace, arena, request, errors);
        if (read_service(body, request, errors)) {
            check_protocol(body, request, errors);
        }
        check_source_ip(&request->source_ip, errors);
        read_payload(request, arena, errors);
    } else {
        vmn_errors_add(errors, VMN_ERR_INVALID, "", "must be an object: "
                       "{\"from\", \"to\", \"protocol\", ...}");
    }
    return !errors->n;
}

bool
nb_live_trace_body_read(const json_t *body, struct arena *arena,
                        struct trace_request *request,
                        struct vmn_errors *errors)
{
    trace_request_init(request);
    request->source_port = 0;   /* One that is not in use. */
    request->timeout = LIVE_TIMEOUT_DEFAULT_S;
    if (json_is_object(body)) {
        nb_body_read(body, &nb_body_live_trace, arena, request, errors);
        if (read_service(body, request, errors)) {
            check_protocol(body, request, errors);
        }
        check_source_ip(&request->source_ip, errors);
    } else {
        vmn_errors_add(errors, VMN_ERR_INVALID, "", "must be an object: "
                       "{\"from\", \"to\", \"protocol\", ...}");
    }
    return !errors->n;
}
