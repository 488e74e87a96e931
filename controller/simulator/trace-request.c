/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trace is asked for; see trace-request.h. */

#include <config.h>

#include "controller/simulator/trace-request.h"

#include <stddef.h>
#include <string.h>

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
