/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules of policies and quarantines, and the protocols and ports of
 * services. */

#include <config.h>

#include "controller/schema/schema-rule.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/value.h"
#include "util.h"

const char *const schema_protocol_names[] = {
    [VMN_PROTO_ANY] = "any",
    [VMN_PROTO_TCP] = "tcp",
    [VMN_PROTO_UDP] = "udp",
    [VMN_PROTO_ICMP] = "icmp",
    [VMN_PROTO_SCTP] = "sctp",
    [VMN_PROTO_ICMPV6] = "icmpv6",
    NULL,
};

const char *const schema_action_names[] = {
    [VMN_ALLOW] = "allow",
    [VMN_DENY] = "deny",
    [VMN_PASS] = "pass",
    [VMN_REJECT] = "reject",
    NULL,
};

const char *const schema_direction_names[] = {
    [VMN_INGRESS] = "ingress",
    [VMN_EGRESS] = "egress",
    NULL,
};

static void
finish_service_entry(void *entry_, const json_t *json OVS_UNUSED,
                            const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_service_entry *entry = entry_;

    bool is_icmp = entry->protocol == VMN_PROTO_ICMP
                   || entry->protocol == VMN_PROTO_ICMPV6;

    if (entry->n_ports && (is_icmp || entry->protocol == VMN_PROTO_ANY)) {
        add_error(errors, pointer, "ports",
                  "is only for the protocols \"tcp\", \"udp\" and \"sctp\"");
    }
    if (entry->icmp_type >= 0 && !is_icmp) {
        add_error(errors, pointer, "icmp_type",
                  "is only for the protocols \"icmp\" and \"icmpv6\"");
    }
    if (entry->icmp_code >= 0 && entry->icmp_type < 0) {
        add_error(errors, pointer, "icmp_code", "needs \"icmp_type\"");
    }
}

/* A protocol with its ports or type, at MEMBER of STRUCT ("" for the struct
 * itself). */
#define SERVICE_ENTRY(STRUCT, PREFIX, UNLESS)                           \
    { .name = "protocol", .type = SCHEMA_ENUM,                          \
      AT(STRUCT, PREFIX protocol), .flags = SCHEMA_REQUIRED,            \
      .names = schema_protocol_names, .unless = UNLESS,                 \
      .doc = "The protocol." },                                         \
    { .name = "ports", .type = SCHEMA_RANGE, .flags = SCHEMA_SET,       \
      AT(STRUCT, PREFIX ports),                                         \
      .n_offset = offsetof(struct STRUCT, PREFIX n_ports),              \
      .min_items = 1, .max_items = 64, .absent = "all ports",           \
      .unless = UNLESS,                                                 \
      .doc = "Ports and ranges of ports (TCP, UDP, SCTP); all when "        \
             "absent." },                                                   \
    { .name = "icmp_type", .type = SCHEMA_INT,                          \
      AT(STRUCT, PREFIX icmp_type), .flags = SCHEMA_HIDE_DEFAULT,       \
      .max = 255, .def = -1, .unless = UNLESS,                          \
      .doc = "The type of message (ICMP, ICMPv6); all when absent." },    \
    { .name = "icmp_code", .type = SCHEMA_INT,                          \
      AT(STRUCT, PREFIX icmp_code), .flags = SCHEMA_HIDE_DEFAULT,       \
      .max = 255, .def = -1, .unless = UNLESS,                          \
      .doc = "The code of messages of that type; all when absent." }

const struct schema_struct schema_service_entry = {
    .name = "entry", .size = sizeof(struct vmn_service_entry),
    .fields = FIELDS {
        SERVICE_ENTRY(vmn_service_entry, , NULL),
        { .name = NULL },
    },
    .finish = finish_service_entry,
};

static void
finish_peer(void *peer_, const json_t *json OVS_UNUSED,
                   const char *pointer, struct vmn_errors *errors)
{
    const struct vmn_peer *peer = peer_;
    char buf[VALUE_PREFIX_SIZE];

    if (peer->n_except && !peer->cidr.ip.family) {
        add_error(errors, pointer, "except", "needs \"cidr\"");
        return;
    }
    for (size_t i = 0; i < peer->n_except; i++) {
        const struct vmn_prefix *except = &peer->except[i];

        if (!value_prefix_overlaps(&peer->cidr, except)
            || except->len <= peer->cidr.len) {
            add_error(errors, pointer, "except",
                      "must be inside of \"cidr\", and not all of it: %s is "
                      "not", value_format_prefix(except, buf));
        }
    }
}

/* The fields of a peer but for its name in DNS.  'THIRD' is the third field
 * that may take their place, or NULL. */
#define PEER_ADDRESSES(THIRD)                                           \
    { .name = "group", .type = SCHEMA_REF, AT(vmn_peer, group),         \
      .ref = VMN_TABLE_GROUP, .flags = SCHEMA_REQUIRED,                 \
      .unless = "cidr", .third = THIRD, .reach = SCHEMA_MENTIONS,       \
      .doc = "A group of ports and addresses." },                       \
    { .name = "cidr", .type = SCHEMA_PREFIX, AT(vmn_peer, cidr),        \
      .flags = SCHEMA_REQUIRED, .unless = "group", .third = THIRD,      \
      .doc = "A prefix: whoever has an address in it, VMs of any "      \
             "network included." },                                     \
    { .name = "except", .type = SCHEMA_PREFIX, .flags = SCHEMA_SET,     \
      LIST_AT(vmn_peer, except), .max_items = 256, .unless = "group",   \
      .doc = "Prefixes inside of it that are excluded." }

static const struct schema_struct peer = {
    .name = "peer", .size = sizeof(struct vmn_peer),
    .fields = FIELDS {
        PEER_ADDRESSES("fqdn"),
        { .name = "fqdn", .type = SCHEMA_STRING, AT(vmn_peer, fqdn),
          .max = VALUE_DOMAIN_LEN, .check = value_check_fqdn,
          .doc = "A name in DNS: whoever has an address that it has there. "
                 "In egress rules that allow or pass." },
        { .name = NULL },
    },
    .finish = finish_peer,
};

/* Of a quarantine: what a guest must not change by its own DNS. */
static const struct schema_struct peer_allowed = {
    .name = "peer", .size = sizeof(struct vmn_peer),
    .fields = FIELDS {
        PEER_ADDRESSES(NULL),
        { .name = NULL },
    },
    .finish = finish_peer,
};

/* Sets a number, or, so that the field is named by an error, a text that is
 * none. */
static void
set_number(json_t *json, const char *name, const char *text)
{
    int number;

    if (text) {
        json_object_set_new(json, name, str_to_int(text, 10, &number)
                            ? json_integer(number) : json_string(text));
    }
}

/* "tcp/80", "udp/53-60" and "icmp/8/0" are no names: they stand for a protocol
 * with its ports or type. */
static json_t *
expand_rule_service(const json_t *json)
{
    const char *text = json_string_value(json_object_get(json, "service"));
    json_t *expanded;
    char *copy, *rest;

    if (!text || !strchr(text, '/') || json_object_size(json) > 1) {
        return NULL;
    }
    expanded = json_object();
    copy = rest = xstrdup(text);
    json_object_set_new(expanded, "protocol",
                        json_string(strsep(&rest, "/")));
    if (!strncmp(text, "icmp", 4)) {
        set_number(expanded, "icmp_type", strsep(&rest, "/"));
        set_number(expanded, "icmp_code", rest);
    } else {
        json_object_set_new(expanded, "ports", json_pack("[s]", rest));
    }
    free(copy);
    return expanded;
}

static void
finish_rule_service(void *service_, const json_t *json,
                           const char *pointer, struct vmn_errors *errors)
{
    struct vmn_rule_service *service = service_;

    if (!service->service) {
        finish_service_entry(&service->inline_entry, json, pointer,
                                    errors);
    }
}

static const struct schema_struct rule_service = {
    .name = "service", .size = sizeof(struct vmn_rule_service),
    .fields = FIELDS {
        { .name = "service", .type = SCHEMA_REF,
          AT(vmn_rule_service, service), .ref = VMN_TABLE_SERVICE,
          .flags = SCHEMA_REQUIRED, .unless = "protocol",
          .reach = SCHEMA_MENTIONS,
          .pattern = "^((tcp|udp|sctp)/[0-9]{1,5}(-[0-9]{1,5})?"
                     "|icmp(v6)?/[0-9]{1,3}(/[0-9]{1,3})?)$",
          .doc = "A named service; or `tcp/80`, `udp/53-60`, `icmp/8/0`, "
                 "which stand for a `protocol` with `ports`, or type and "
                 "code." },
        SERVICE_ENTRY(vmn_rule_service, inline_entry., "service"),
        { .name = NULL },
    },
    .expand = expand_rule_service,
    .finish = finish_rule_service,
};

static void
finish_window(void *window_, const json_t *json, const char *pointer,
              struct vmn_errors *errors)
{
    struct vmn_window *window = window_;
    const json_t *days = json_object_get(json, "days");

    if (!days || json_is_null(days)) {
        for (size_t i = 0; i < VMN_N_DAYS; i++) {
            window->days[i] = true;
        }
    } else if (!json_array_size(days)) {
        add_error(errors, pointer, "days", "must have at least one day");
    }
    if (!strcmp(window->start, "24:00")) {
        add_error(errors, pointer, "start", "must be before \"24:00\"");
    } else if (!strcmp(window->start, window->end)) {
        add_error(errors, pointer, "end",
                  "must not be \"start\": a whole day is from \"00:00\" to "
                  "\"24:00\"");
    }
    if (window->not_before && window->not_after
        && strcmp(window->not_before, window->not_after) >= 0) {
        add_error(errors, pointer, "not_after",
                  "must be later than \"not_before\"");
    }
}

static const struct schema_struct window = {
    .name = "window", .size = sizeof(struct vmn_window),
    .fields = FIELDS {
        { .name = "days", .type = SCHEMA_ENUM_SET, AT(vmn_window, days),
          .names = NAMES("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
          .doc = "The days on which it begins; all when absent." },
        { .name = "start", .type = SCHEMA_STRING, AT(vmn_window, start),
          .min = VALUE_TIME_OF_DAY_LEN, .max = VALUE_TIME_OF_DAY_LEN,
          .check = value_check_time_of_day, .def_text = "00:00",
          .doc = "When it begins." },
        { .name = "end", .type = SCHEMA_STRING, AT(vmn_window, end),
          .min = VALUE_TIME_OF_DAY_LEN, .max = VALUE_TIME_OF_DAY_LEN,
          .check = value_check_time_of_day, .def_text = "24:00",
          .doc = "When it ends; on the next day if that is before "
                 "`start`." },
        { .name = "not_before", .type = SCHEMA_STRING,
          AT(vmn_window, not_before), .min = VALUE_TIME_LEN,
          .max = VALUE_TIME_LEN, .check = value_check_time,
          .doc = "Not before this time, in UTC: \"2027-01-31T12:00:00Z\"." },
        { .name = "not_after", .type = SCHEMA_STRING,
          AT(vmn_window, not_after), .min = VALUE_TIME_LEN,
          .max = VALUE_TIME_LEN, .check = value_check_time,
          .doc = "Not from this time on." },
        { .name = "timezone", .type = SCHEMA_STRING,
          AT(vmn_window, timezone), .min = 1, .max = VALUE_TIME_ZONE_LEN_MAX,
          .check = value_check_time_zone, .absent = "UTC",
          .doc = "Of `days`, `start` and `end`: a zone of the IANA database, "
                 "\"Europe/Berlin\". Summer time is heeded." },
        { .name = NULL },
    },
    .finish = finish_window,
};

/* A rule that allows too little by a name fails closed.  One that denies would
 * let through what DNS does not tell, or what a guest addresses without it. */
static void
finish_rule(void *rule_, const json_t *json OVS_UNUSED, const char *pointer,
            struct vmn_errors *errors)
{
    const struct vmn_rule *rule = rule_;

    for (size_t i = 0; i < rule->n_peers; i++) {
        char *field = rule->peers[i].fqdn
                      ? xasprintf("peers/%"PRIuSIZE"/fqdn", i) : NULL;

        if (field && rule->direction != VMN_EGRESS) {
            add_error(errors, pointer, field, "is only for egress: who sends "
                      "is not known by a name");
        } else if (field && rule->action != VMN_ALLOW
                   && rule->action != VMN_PASS) {
            add_error(errors, pointer, field, "is only for rules that allow "
                      "or pass: whoever knows an address that DNS did not "
                      "tell would get around one that denies");
        }
        free(field);
    }
}

/* A rule, but for its action. */
#define RULE_DIRECTION                                                  \
    { .name = "direction", .type = SCHEMA_ENUM,                         \
      AT(vmn_rule, direction), .flags = SCHEMA_REQUIRED,                \
      .names = schema_direction_names,                                  \
      .doc = "As seen from the ports that it applies to." }
#define RULE_PEERS_SERVICES(PEER)                                       \
    { .name = "peers", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,      \
      LIST_AT(vmn_rule, peers), .min_items = 1, .max_items = 256,       \
      .absent = "everyone", .nested = PEER,                             \
      .doc = "The peers; everyone when absent." },                 \
    { .name = "services", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,   \
      LIST_AT(vmn_rule, services), .min_items = 1, .max_items = 64,     \
      .absent = "everything", .nested = &rule_service,                  \
      .doc = "The services; all traffic when absent." }

const struct schema_struct schema_rule = {
    .name = "rule", .size = sizeof(struct vmn_rule),
    .fields = FIELDS {
        RULE_DIRECTION,
        { .name = "action", .type = SCHEMA_ENUM, AT(vmn_rule, action),
          .flags = SCHEMA_REQUIRED, .names = schema_action_names,
          .doc = "The action; reject denies and notifies the sender, pass "
                 "skips the rest of the tier." },
        RULE_PEERS_SERVICES(&peer),
        { .name = "log", .type = SCHEMA_BOOL, AT(vmn_rule, log),
          .doc = "Whether connections that it allows, and packets that it "
                 "denies, are logged as events." },
        { .name = "windows", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
          LIST_AT(vmn_rule, windows), .min_items = 1, .max_items = 16,
          .absent = "always", .nested = &window,
          .doc = "When it is valid: at other times it is as if it were not "
                 "there. Always when absent." },
        { .name = NULL },
    },
    .finish = finish_rule,
};

/* Its action is the first of the names, "allow". */
const struct schema_struct schema_rule_allowed = {
    .name = "rule", .size = sizeof(struct vmn_rule),
    .fields = FIELDS {
        RULE_DIRECTION,
        RULE_PEERS_SERVICES(&peer_allowed),
        { .name = NULL },
    },
};
