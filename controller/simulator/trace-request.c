/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trace is asked for; see trace-request.h. */

#include <config.h>

#include "controller/simulator/trace-request.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/value.h"
#include "packets.h"
#include "util.h"

/* What a guest's kernel might pick. */
#define SOURCE_PORT_DEFAULT 40000

/* A member being read. */
struct field {
    const char *name;
    const json_t *value;
    struct vmn_errors *errors;
};

static void OVS_PRINTF_FORMAT(2, 3)
refuse(const struct field *field, const char *format, ...)
{
    char *pointer = xasprintf("/%s", field->name);
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    vmn_errors_add(field->errors, VMN_ERR_INVALID, pointer, "%s", text);
    free(text);
    free(pointer);
}

static const char *
read_text(const struct field *field)
{
    const char *text = json_string_value(field->value);

    if (!text || !*text || strlen(text) > 255) {
        refuse(field, "must be a string of 1 to 255 characters");
        return NULL;
    }
    return text;
}

static bool
read_number(const struct field *field, json_int_t min, json_int_t max,
            json_int_t *number)
{
    *number = json_integer_value(field->value);
    if (!json_is_integer(field->value) || *number < min || *number > max) {
        refuse(field, "must be a number from %"JSON_INTEGER_FORMAT" to %"
               JSON_INTEGER_FORMAT, min, max);
        return false;
    }
    return true;
}

static bool
find_word(const struct field *field, const char *const names[], int *which)
{
    const char *text = json_string_value(field->value);

    for (int i = 0; text && names[i]; i++) {
        if (!strcmp(text, names[i])) {
            *which = i;
            return true;
        }
    }
    return false;
}

/* Members.  -------------------------------------------------------------- */

static void
read_from(const struct field *field, struct trace_request *request)
{
    request->from = nullable_xstrdup(read_text(field));
}

static void
read_to(const struct field *field, struct trace_request *request)
{
    request->to = nullable_xstrdup(read_text(field));
}

static const char *const protocols[] = {
    [TRACE_TCP] = "tcp", [TRACE_UDP] = "udp", [TRACE_ICMP] = "icmp",
    [TRACE_SCTP] = "sctp", [TRACE_ICMPV6] = "icmpv6", NULL
};

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
    for (int i = 0; protocols[i]; i++) {
        if (!strcmp(text, protocols[i])) {
            *protocol = i;
            return true;
        }
    }
    return false;
}

static void
read_protocol(const struct field *field, struct trace_request *request)
{
    const char *text = json_string_value(field->value);

    if (!text || !trace_protocol_parse(text, &request->protocol)) {
        refuse(field, "must be \"tcp\", \"udp\", \"sctp\", \"icmp\" or "
               "\"icmpv6\"");
    }
}

static void
read_port(const struct field *field, struct trace_request *request)
{
    json_int_t number;

    if (read_number(field, 1, UINT16_MAX, &number)) {
        request->port = number;
    }
}

static void
read_source_port(const struct field *field, struct trace_request *request)
{
    json_int_t number;

    if (read_number(field, 1, UINT16_MAX, &number)) {
        request->source_port = number;
    }
}

static void
read_icmp_type(const struct field *field, struct trace_request *request)
{
    json_int_t number;

    if (read_number(field, 0, UINT8_MAX, &number)) {
        request->icmp_type = number;
    }
}

static void
read_icmp_code(const struct field *field, struct trace_request *request)
{
    json_int_t number;

    if (read_number(field, 0, UINT8_MAX, &number)) {
        request->icmp_code = number;
    }
}

static void
read_tcp_flags(const struct field *field, struct trace_request *request)
{
    static const char *const names[] = { "syn", "syn-ack", "ack", NULL };
    static const uint16_t flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK };
    int which;

    if (find_word(field, names, &which)) {
        request->tcp_flags = flags[which];
    } else {
        refuse(field, "must be \"syn\", \"syn-ack\" or \"ack\"");
    }
}

static void
read_size(const struct field *field, struct trace_request *request)
{
    json_int_t number;

    if (read_number(field, 1, UINT16_MAX - ETH_HEADER_LEN, &number)) {
        request->size = number;
    }
}

static void
read_fragment(const struct field *field, struct trace_request *request)
{
    static const char *const names[] = { "first", "later", NULL };
    int which;

    if (find_word(field, names, &which)) {
        request->fragment = TRACE_FIRST + which;
    } else {
        refuse(field, "must be \"first\" or \"later\"");
    }
}

static void
read_reply(const struct field *field, struct trace_request *request)
{
    request->reply = json_is_true(field->value);
    if (!json_is_boolean(field->value)) {
        refuse(field, "must be true or false");
    }
}

static void
read_source_ip(const struct field *field, struct trace_request *request)
{
    const char *text = read_text(field);
    struct vmn_error error = VMN_ERROR_INIT;

    if (text && value_parse_ip(text, &request->source_ip, &error)) {
        refuse(field, "%s", error.text);
        vmn_error_uninit(&error);
    }
}

static bool
read_mac(const struct field *field, struct vmn_mac *mac)
{
    const char *text = read_text(field);
    struct vmn_error error = VMN_ERROR_INIT;

    if (text && value_parse_mac(text, mac, &error)) {
        refuse(field, "%s", error.text);
        vmn_error_uninit(&error);
        return false;
    }
    return text != NULL;
}

static void
read_source_mac(const struct field *field, struct trace_request *request)
{
    request->has_source_mac = read_mac(field, &request->source_mac);
}

static void
read_destination_mac(const struct field *field,
                     struct trace_request *request)
{
    request->has_destination_mac = read_mac(field,
                                            &request->destination_mac);
}

/* Who may have a member. */
enum {
    PORTS = 1 << TRACE_TCP | 1 << TRACE_UDP | 1 << TRACE_SCTP,
    ICMP = 1 << TRACE_ICMP | 1 << TRACE_ICMPV6,
    ALL = PORTS | ICMP,
};

static const struct member {
    const char *name;
    void (*read)(const struct field *, struct trace_request *);
    unsigned protocols;
    bool required;
} members[] = {
    { "from", read_from, ALL, true },
    { "to", read_to, ALL, true },
    { "protocol", read_protocol, ALL, true },
    { "port", read_port, PORTS, true },
    { "source_port", read_source_port, PORTS, false },
    { "icmp_type", read_icmp_type, ICMP, false },
    { "icmp_code", read_icmp_code, ICMP, false },
    { "tcp_flags", read_tcp_flags, 1 << TRACE_TCP, false },
    { "size", read_size, ALL, false },
    { "fragment", read_fragment, ALL, false },
    { "reply", read_reply, ALL, false },
    { "source_ip", read_source_ip, ALL, false },
    { "source_mac", read_source_mac, ALL, false },
    { "destination_mac", read_destination_mac, ALL, false },
};

static const struct member *
find_member(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (!strcmp(name, members[i].name)) {
            return &members[i];
        }
    }
    return NULL;
}

/* What goes with which protocol. */
static void
check_protocol(const json_t *body, const struct trace_request *request,
               struct vmn_errors *errors)
{
    unsigned bit = 1u << request->protocol;

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const struct member *member = &members[i];
        struct field field = { member->name,
                               json_object_get(body, member->name), errors };

        if (field.value && !(member->protocols & bit)) {
            refuse(&field, "cannot be combined with %s",
                   protocols[request->protocol]);
        } else if (!field.value && member->required
                   && member->protocols & bit) {
            refuse(&field, "is required");
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
trace_request_parse(const json_t *body, struct trace_request *request,
                    struct vmn_errors *errors)
{
    const char *name;
    json_t *value;

    memset(request, 0, sizeof *request);
    request->source_port = SOURCE_PORT_DEFAULT;
    request->icmp_type = -1;
    request->tcp_flags = TCP_SYN;
    if (!json_is_object(body)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "", "must be an object: "
                       "{\"from\", \"to\", \"protocol\", ...}");
        return false;
    }
    json_object_foreach (CONST_CAST(json_t *, body), name, value) {
        const struct member *member = find_member(name);
        struct field field = { name, value, errors };

        if (member) {
            member->read(&field, request);
        } else if (strcmp(name, "after")) {
            char *pointer = xasprintf("/%s", name);

            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "unknown field");
            free(pointer);
        }
    }
    check_protocol(body, request, errors);
    return !errors->n;
}

void
trace_request_uninit(struct trace_request *request)
{
    free(request->from);
    free(request->to);
}
