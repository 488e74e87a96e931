/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trace is asked for; see trace-request.h. */

#include <config.h>

#include "controller/simulator/trace-request.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

const char *const trace_protocol_names[] = {
    [TRACE_TCP] = "tcp", [TRACE_UDP] = "udp", [TRACE_SCTP] = "sctp",
    [TRACE_ICMP] = "icmp", [TRACE_ICMPV6] = "icmpv6", NULL
};

void
trace_request_init(struct trace_request *request)
{
    *request = (struct trace_request) {
        .source_port = TRACE_SOURCE_PORT_DEFAULT,
        .icmp_type = -1,
        .fragment = TRACE_WHOLE,
    };
}

/* Parses a number from 'min' to 'max'. */
static bool
parse_number(const char *text, int min, int max, int *number)
{
    return (text[strspn(text, "0123456789")] == '\0'
            && str_to_int(text, 10, number) && *number >= min
            && *number <= max);
}

bool
trace_service_parse(const char *text, struct trace_request *request)
{
    char *copy = xstrdup(text), *rest = copy;
    bool ok = trace_protocol_parse(strsep(&rest, "/"), &request->protocol);
    int port = 0;

    if (ok && trace_protocol_is_icmp(request->protocol)) {
        if (rest) {
            ok = parse_number(strsep(&rest, "/"), 0, 255,
                              &request->icmp_type);
        }
        if (ok && rest) {
            ok = parse_number(rest, 0, 255, &request->icmp_code);
        }
    } else if (ok) {
        ok = rest && parse_number(rest, 1, UINT16_MAX, &port);
        request->port = (uint16_t) port;
    }
    free(copy);
    return ok;
}

bool
trace_protocol_is_icmp(enum trace_protocol protocol)
{
    return protocol == TRACE_ICMP || protocol == TRACE_ICMPV6;
}

bool
trace_protocol_has(enum trace_protocol protocol, uint8_t family)
{
    return protocol != TRACE_ICMPV6 || family == 6;
}

bool
trace_protocol_parse(const char *text, enum trace_protocol *protocol)
{
    for (int i = 0; trace_protocol_names[i]; i++) {
        if (!strcmp(text, trace_protocol_names[i])) {
            *protocol = i;
            return true;
        }
    }
    return false;
}
