/* SPDX-License-Identifier: Apache-2.0
 *
 * The descriptions of the simulator's structs, by which request bodies are
 * parsed (request-body.h), replies are printed (schema-struct.h) and both are
 * documented; see openapi-operations.h. */

#include <config.h>

#include "controller/northbound/draft-effects.h"
#include "controller/northbound/openapi-operations.h"

#include "controller/schema/schema-rule.h"
#include "controller/schema/schema-shown.h"
#include "controller/schema/schema-struct.h"
#include "controller/simulator/live-comparison.h"
#include "controller/simulator/open-services.h"
#include "controller/simulator/reachability-matrix.h"
#include "controller/simulator/trace.h"

#define AFTER(FLAGS)                                                    \
    SHOWN("after", STRUCT, LIST | FLAGS,                                \
          "As if these objects had been applied.",                      \
          .nested = &nb_any_operation, .max_items = 20000)

/* The rule that decided: member 'IN' of 'struct KEPT' ("by."). */
#define RULE(KEPT, IN)                                                  \
    SHOWN("owner", STRING, OR_NULL,                                     \
          "App, unit and object whose flow decided.",                   \
          SHOWN_AT(KEPT, IN owner, sizeof(const char *))),              \
    SHOWN("object", STRUCT, POINTER, "The object that this is about.",  \
          SHOWN_AT(KEPT, IN object, sizeof(void *)),                    \
          .nested = &nb_object_ref),                                    \
    SHOWN("rule", INT, HIDE, "Which rule of that policy, from 0.",      \
          SHOWN_AT(KEPT, IN rule, sizeof(int)), .def = -1)

/* And, where no rule is why, which policies isolate the port, or what holds it
 * in quarantine. */
#define ISOLATION(KEPT, IN)                                             \
    SHOWN("direction", ENUM, 0,                                         \
          "If a port is isolated: in which direction.",                 \
          .names = schema_direction_names,                              \
          SHOWN_AT(KEPT, IN direction, sizeof(const char *))),          \
    SHOWN("isolated_by", STRING, LIST,                                  \
          "The policies that isolate it, all of them: none of their "   \
          "rules allows this.",                                         \
          SHOWN_AT(KEPT, IN isolated_by, sizeof(const char **)),        \
          .n_offset = offsetof(struct KEPT, IN n_isolated_by)),         \
    SHOWN("quarantined_by", STRING, LIST,                               \
          "If a port is quarantined: by what, `quarantines/NAME` or "   \
          "`ports/NAME`.",                                              \
          SHOWN_AT(KEPT, IN quarantined_by, sizeof(const char **)),     \
          .n_offset = offsetof(struct KEPT, IN n_quarantined_by))

/* Traces.  --------------------------------------------------------------- */

/* A member of the body; see schema.h for how it is stored. */
#define ASKED(MEMBER, TYPE, FLAGS, DOC, ...)                            \
    SHOWN(#MEMBER, TYPE, FLAGS, DOC,                                    \
          SHOWN_AT(trace_request, MEMBER, ASKED_SIZE_##TYPE), __VA_ARGS__)
#define ASKED_SIZE_BOOL SHOWN_SIZE_BOOL
#define ASKED_SIZE_INT SHOWN_SIZE_INT
#define ASKED_SIZE_U16 SHOWN_SIZE_U16
#define ASKED_SIZE_U32 SHOWN_SIZE_U32
#define ASKED_SIZE_ENUM sizeof(int)
#define ASKED_SIZE_STRING SHOWN_SIZE_STRING
#define ASKED_SIZE_REF SHOWN_SIZE_REF
#define ASKED_SIZE_IP SHOWN_SIZE_IP
#define ASKED_SIZE_MAC SHOWN_SIZE_MAC

/* Members of both requests. */
#define ASKED_DESTINATION                                               \
    ASKED(to, STRING, ALWAYS,                                           \
          "A port, a loadbalancer, a floating-ip, an address, or "      \
          "`outside`: the gateway of the provider network."),           \
    ASKED(network, REF, 0,                                              \
          "The provider network of `outside`; required if the other "   \
          "end does not determine it.", .ref = VMN_TABLE_NETWORK),      \
    ASKED(protocol, ENUM, ALWAYS,                                       \
          "The protocol; `icmp` is of either family, `icmpv6` by IPv6 " \
          "addresses alone.", .names = trace_protocol_names,            \
          .unless = "service"),                                         \
    ASKED(service, STRING, ALWAYS,                                      \
          "The protocol with its port, or type and code: `tcp/80`, "    \
          "`icmp`, `icmpv6/128/0`.", .unless = "protocol",              \
          .max = TRACE_SERVICE_LEN, .pattern = TRACE_SERVICE_PATTERN),  \
    ASKED(port, U16, 0, "The destination port; required for all but ICMP.", \
          .min = 1, .max = 65535)
#define ASKED_PACKET                                                    \
    ASKED(icmp_type, INT, 0, "The type; a ping's by default.", .max = 255, \
          .absent = "a ping's"),                                        \
    ASKED(icmp_code, INT, 0, "The code; a ping's by default.", .max = 255, \
          .absent = "a ping's"),                                        \
    ASKED(tcp_flags, ENUM, 0, "Which packet of a TCP connection.",      \
          SHOWN_NAMES("syn", "syn-ack", "ack"))
#define ASKED_ADDRESSES                                                 \
    ASKED(source_ip, IP, 0,                                             \
          "In place of the port's own; from `outside`, of the address " \
          "of the provider network's gateway."),                        \
    ASKED(source_mac, MAC, 0, "In place of the port's own."),           \
    ASKED(destination_mac, MAC, 0, "In place of what a neighbour answers.")

const struct schema_struct nb_body_trace = SHOWN_KEPT(
    "TraceRequest", trace_request,
    ASKED(from, STRING, ALWAYS,
          "The port that sends, or its address; on a host that has reported "
          "its interface. Or `outside`: who is in a provider network, or "
          "behind it."),
    ASKED_DESTINATION,
    ASKED(source_port, U16, 0, "The source port; not for ICMP.",
          .min = 1, .max = 65535, .def = TRACE_SOURCE_PORT_DEFAULT),
    ASKED_PACKET,
    ASKED(dscp, U16, 0, "The packet's DSCP; that of its answer is 0.",
          .max = 63),
    ASKED(size, U32, 0,
          "The size of the IP packet, if it matters; it fits any MTU when "
          "absent.", .min = 1, .max = 65521),
    ASKED(payload, STRING, 0,
          "What a UDP datagram carries, or a connection of TCP as its first "
          "request, for an app that answers it; up to 1400 bytes.",
          .max = TRACE_PAYLOAD_MAX),
    ASKED(payload_hex, STRING, 0,
          "The same in hexadecimal, in place of `payload`.",
          .max = 2 * TRACE_PAYLOAD_MAX),
    ASKED(fragment, ENUM, 0, "Of a packet in fragments: which.",
          SHOWN_NAMES("first", "later"), .absent = "all of it"),
    ASKED_ADDRESSES,
    ASKED(reply, BOOL, 0,
          "If the request is delivered, what becomes of its answer as well."),
    AFTER(0));

/* Fewer members: what fits into one small packet. */
const struct schema_struct nb_body_live_trace = SHOWN_KEPT(
    "LiveTraceRequest", trace_request,
    ASKED(from, STRING, ALWAYS,
          "The port as whose guest the packet is sent, or its address. Or "
          "`outside`: it is put in as if it had come in by the provider link "
          "of the host that lets in what is from there."),
    ASKED_DESTINATION,
    ASKED(source_port, U16, 0, "The source port; not for ICMP.",
          .min = 1, .max = 65535, .absent = "one at random"),
    ASKED_PACKET,
    ASKED(dscp, U16, 0, "The packet's DSCP.", .max = 63),
    ASKED_ADDRESSES,
    ASKED(deliver, BOOL, 0,
          "The guest that it is for gets the packet, or the physical network "
          "that it leaves for, or its sender an answer of the network "
          "itself."),
    ASKED(timeout, U32, 0,
          "Seconds until a packet counts as lost; it is as soon as it has "
          "ended as predicted that the reply comes.", .min = 1, .max = 30,
          .def = LIVE_TIMEOUT_DEFAULT_S));

#define PLACE(KEPT)                                                     \
    SHOWN_OF(KEPT, host, STRING, ALWAYS, "The host."),                  \
    SHOWN_OF(KEPT, stage, STRING, ALWAYS | OR_NULL,                     \
             "The stage; null: not of an app."),                        \
    SHOWN_OF(KEPT, table, INT, ALWAYS, "The table.")

static const struct schema_struct step = SHOWN_KEPT(
    "step", trace_step,
    SHOWN_OF(trace_step, kind, ENUM, ALWAYS, "What happens.",
             SHOWN_NAMES("lookup", "conntrack", "group", "tunnel",
                         "provider", "function")),
    PLACE(trace_step),
    SHOWN_OF(trace_step, copy, U32, HIDE,
             "Which copy of the packet, from 0."),
    RULE(trace_step, by.),
    SHOWN_OF(trace_step, priority, I64, HIDE, "Of the flow.", .def = -1),
    SHOWN_OF(trace_step, match, STRING, 0, "Of the flow."),
    SHOWN_OF(trace_step, actions, STRING, 0, "Of the flow."),
    SHOWN_OF(trace_step, reason, STRING, 0,
             "Why the flow drops, if it does."),
    SHOWN_OF(trace_step, conjunction, U32, HIDE,
             "If a rule's clauses led there."),
    SHOWN_OF(trace_step, rule_action, ENUM, 0,
             "What the `rule` does; one that passes leaves it to others.",
             .names = schema_action_names),
    SHOWN_OF(trace_step, shadow, BOOL, HIDE,
             "Whether it only would: its policy is in shadow mode.  Without "
             "a `rule`, it would isolate."),
    SHOWN_OF(trace_step, zone, I64, HIDE, "Conntrack's.", .def = -1),
    SHOWN("commit", BOOL, POINTER,
          "Whether conntrack commits the connection.",
          SHOWN_AT(trace_step, commit, sizeof(void *))),
    SHOWN_OF(trace_step, state, STRING, 0,
             "The packet's conntrack state."),
    SHOWN_OF(trace_step, group, I64, HIDE, "The group.", .def = -1),
    SHOWN_OF(trace_step, bucket, I64, HIDE, "Which of its choices.",
             .def = -1),
    SHOWN_OF(trace_step, to, STRING, 0,
             "To which host it goes; of function, through the guest of which "
             "port."),
    SHOWN_MAP_OF(trace_step, changes, n_changes, STRING, LIST,
                 "What is rewritten before the next step: "
                 "[BEFORE, AFTER]."));

static const struct schema_struct end = SHOWN_KEPT(
    "TraceEnd", trace_end,
    SHOWN_OF(trace_end, kind, ENUM, ALWAYS, "What becomes of the packet.",
             SHOWN_NAMES("delivered", "dropped", "punted", "unreachable",
                         "unknown")),
    SHOWN_OF(trace_end, host, STRING, ALWAYS | OR_NULL,
             "The host; null if the account may not see it."),
    SHOWN_OF(trace_end, stage, STRING, ALWAYS | OR_NULL,
             "The stage; null if it is no app's, or with `host`."),
    SHOWN_OF(trace_end, table, INT, HIDE,
             "The table; absent if `host` is null.", .def = -1),
    RULE(trace_end, by.), ISOLATION(trace_end, by.),
    SHOWN_OF(trace_end, port, STRING, OR_NULL, "The port that it is delivered "
                                               "to."),
    SHOWN_OF(trace_end, ofport, I64, HIDE,
             "Its number in its host's bridge.", .def = -1),
    SHOWN_OF(trace_end, where, ENUM, 0,
             "`outside` if `port` is a physical network: it is sent there, and "
             "what is beyond is not known.", SHOWN_NAMES("outside")),
    SHOWN_OF(trace_end, reason, STRING, 0, "Why it is not delivered."));

static const struct schema_struct leg = SHOWN_KEPT(
    "leg", trace_leg,
    SHOWN_OF(trace_leg, kind, ENUM, ALWAYS, "Which packet.",
             SHOWN_NAMES("request", "reply", "answer", "arp", "nd")),
    SHOWN_OF(trace_leg, packet, STRING, ALWAYS, "The packet."),
    SHOWN_LIST_OF(trace_leg, steps, n_steps, STRUCT, ALWAYS,
                  "What happens to it, in turn.", .nested = &step),
    SHOWN_LIST_OF(trace_leg, ends, n_ends, STRUCT, ALWAYS,
                  "Where its copies end.", .nested = &end));

static const struct schema_struct answer = SHOWN_KEPT(
    "answer", trace_answer,
    SHOWN_OF(trace_answer, message, STRING, ALWAYS,
             "Such as `TCP reset`, `HTTP 200`; `nothing`, and why."),
    SHOWN_OF(trace_answer, payload, STRING, 0,
             "What it carries, if it is a UDP datagram of text, or a reply "
             "of HTTP; of the latter only for who may change the port."),
    SHOWN_OF(trace_answer, payload_hex, STRING, 0,
             "The same in hexadecimal, where it is no text."),
    SHOWN_OF(trace_answer, verdict, STRING, 0, "What becomes of it."),
    SHOWN_STRUCT_OF(trace_answer, at, POINTER, "Where it ends.", &end));

static const struct schema_struct outcome = SHOWN_KEPT(
    "outcome", trace_outcome,
    SHOWN_OF(trace_outcome, share, DOUBLE, ALWAYS | OR_NULL | EXACT,
             "Of how many connections, of 1; null: not for this account to "
             "know."),
    SHOWN_OF(trace_outcome, verdict, ENUM, ALWAYS,
             "What becomes of the packet.",
             SHOWN_NAMES("delivered", "dropped", "unreachable",
                         "unknown")),
    SHOWN_OF(trace_outcome, packet, STRING, ALWAYS,
             "Which packet that is about."),
    SHOWN_STRUCT_OF(trace_outcome, at, ALWAYS, "Where it ends.", &end),
    SHOWN_LIST_OF(trace_outcome, legs, n_legs, STRUCT, ALWAYS,
                  "Each packet.", .nested = &leg),
    SHOWN_STRUCT_OF(trace_outcome, answer, POINTER,
                    "The reply of an app to the sender.", &answer));

static const struct schema_struct from = SHOWN_KEPT(
    "from", trace_from,
    SHOWN_OF(trace_from, port, STRING, ALWAYS | OR_NULL,
             "The port; null: `outside`."),
    SHOWN_OF(trace_from, network, STRING, 0,
             "The provider network of who is outside."),
    SHOWN_OF(trace_from, host, STRING, ALWAYS | OR_NULL,
             "The host that it is on, or that lets in what is from outside; "
             "null: none does."),
    SHOWN_OF(trace_from, ip, IP, ALWAYS, "Its address."));

static const struct schema_struct to = SHOWN_KEPT(
    "to", trace_to,
    SHOWN_OF(trace_to, ip, IP, ALWAYS, "The address."),
    SHOWN_OF(trace_to, port, STRING, ALWAYS | OR_NULL,
             "The port, if one has it."),
    SHOWN_OF(trace_to, network, STRING, 0,
             "The provider network, if it is `outside`."));

const struct schema_struct nb_reply_trace = SHOWN_KEPT(
    "Trace", trace,
    SHOWN_OF(trace, verdict, ENUM, ALWAYS,
             "What becomes of the packet; `mixed` if outcomes differ.",
             SHOWN_NAMES("delivered", "dropped", "unreachable",
                         "unknown", "mixed")),
    SHOWN_STRUCT_OF(trace, from, ALWAYS, "Who sends.", &from),
    SHOWN_STRUCT_OF(trace, to, ALWAYS, "The destination.", &to),
    SHOWN_LIST_OF(trace, outcomes, n_outcomes, STRUCT, ALWAYS,
                  "One for each choice of a balancer, at most 64.",
                  .nested = &outcome),
    SHOWN_OF(trace, complete, BOOL, ALWAYS, "Whether these are all."),
    SHOWN_LIST_OF(trace, warnings, n_warnings, STRING, 0,
                  "What the flows do not show: hosts on the way that are not "
                  "heard, whose forwarding is not known, or on which VMs have "
                  "to compute checksums themselves."));

/* Live traces.  ---------------------------------------------------------- */

static const struct schema_struct live_stage = SHOWN_KEPT(
    "stage", live_stage,
    SHOWN_OF(live_stage, host, STRING, ALWAYS, "The host."),
    SHOWN_OF(live_stage, stage, STRING, ALWAYS | OR_NULL, "The stage."),
    SHOWN_OF(live_stage, table, INT, ALWAYS, "Its first table."),
    SHOWN_OF(live_stage, result, ENUM, ALWAYS,
             "`missing`: predicted, but the packet was not seen there; "
             "`unexpected`: the opposite; `differs`: the packet or its "
             "registers were others there.",
             SHOWN_NAMES("same", "differs", "missing", "unexpected")),
    SHOWN_LIST_OF(live_stage, changes, n_changes, STRING, 0,
                  "How the packet as it was seen has changed since the stage "
                  "before on the same host."),
    SHOWN_LIST_OF(live_stage, differences, n_differences, STRING, 0,
                  "What differs, with what was predicted and what was "
                  "seen."));

static const struct schema_struct live_end = SHOWN_KEPT(
    "liveEnd", live_end,
    SHOWN_OF(live_end, verdict, ENUM, ALWAYS,
             "`delivered`: it has come to the port, or to where it leaves for "
             "a physical network, which gets it if `deliver` says so; "
             "`punted`: to an app of the controller, which is not called; "
             "`lost`: it was not seen to end.",
             SHOWN_NAMES("delivered", "dropped", "punted", "lost",
                         "unknown")),
    SHOWN_OF(live_end, host, STRING, 0, "The host."),
    SHOWN_OF(live_end, port, STRING, 0,
             "The port; that to a physical network is `@` and its name."),
    SHOWN_OF(live_end, where, ENUM, 0,
             "It leaves for a physical network, and what is beyond is not "
             "known.", SHOWN_NAMES("outside")),
    SHOWN_OF(live_end, leaves_as, STRING, 0,
             "Between which addresses (and ports) it leaves so, as NAT has "
             "made them."),
    SHOWN_OF(live_end, reason, STRING, 0, "Why it is not delivered."),
    SHOWN_OF(live_end, owner, STRING, 0,
             "App, unit and object whose flow dropped it."));

const struct schema_struct nb_reply_live_trace = SHOWN_KEPT(
    "LiveTrace", live_trace,
    SHOWN_OF(live_trace, agrees, BOOL, ALWAYS,
             "Whether all that was seen is as predicted."),
    SHOWN_OF(live_trace, difference, STRING, 0, "The first difference."),
    SHOWN_STRUCT_OF(live_trace, from, ALWAYS, "Who sends.", &from),
    SHOWN_STRUCT_OF(live_trace, to, ALWAYS, "The destination.", &to),
    SHOWN_OF(live_trace, packet, STRING, 0, "The packet as it was put in."),
    SHOWN_OF(live_trace, delivered, BOOL, ALWAYS,
             "Whether it was let through to a port, or to a physical "
             "network, as seen."),
    SHOWN_OF(live_trace, changing, BOOL, ALWAYS,
             "Something has changed, or a host has not confirmed yet what it "
             "is to hold: a difference may be of that, and is no event."),
    SHOWN_OF(live_trace, next_hop_unknown, BOOL, ALWAYS,
             "The difference is that a switch did not know the Ethernet "
             "address of the next hop outside, which a trace takes for "
             "known: that is no event."),
    SHOWN_STRUCT_OF(live_trace, predicted, ALWAYS, "Where it was to end.",
                    &live_end),
    SHOWN_STRUCT_OF(live_trace, seen, ALWAYS, "Where it has ended.",
                    &live_end),
    SHOWN_LIST_OF(live_trace, stages, n_stages, STRUCT, ALWAYS,
                  "All stages of each host on its way, as they were met.",
                  .nested = &live_stage),
    SHOWN_LIST_OF(live_trace, warnings, n_warnings, STRING, 0,
                  "As of a trace that is not live; and that the packet was "
                  "not sent over a physical network between hosts."));

/* Reachability.  --------------------------------------------------------- */

/* Nested in itself. */
static const struct schema_struct verdict;

/* The struct reach_verdict that is member 'IN' of 'struct KEPT' ("verdict.";
 * nothing: that is one itself). */
#define VERDICT(KEPT, IN)                                               \
    SHOWN("verdict", ENUM, ALWAYS,                                      \
          "`mixed` where families, or places of the ports, differ; "    \
          "`absent` where a port is not there.",                        \
          SHOWN_NAMES("delivered", "dropped", "unreachable", "unknown", \
                      "mixed", "absent"),                               \
          SHOWN_AT(KEPT, IN verdict, sizeof(const char *))),            \
    SHOWN("packet", STRING, 0,                                          \
          "Which packet does not arrive: `request` or `reply`.",        \
          SHOWN_AT(KEPT, IN packet, sizeof(const char *))),             \
    SHOWN("reason", STRING, 0, "Why not.",                              \
          SHOWN_AT(KEPT, IN reason, sizeof(const char *))),             \
    RULE(KEPT, IN by.), ISOLATION(KEPT, IN by.),                        \
    PART(KEPT, IN, across_hosts, "Of ports on two hosts."),             \
    PART(KEPT, IN, same_host, "Of ports on one host."),                 \
    PART(KEPT, IN, ipv4, "By IPv4."),                                   \
    PART(KEPT, IN, ipv6, "By IPv6.")
#define PART(KEPT, IN, MEMBER, DOC)                                     \
    SHOWN(#MEMBER, STRUCT, POINTER, DOC,                                \
          SHOWN_AT(KEPT, IN MEMBER, sizeof(void *)), .nested = &verdict)

static const struct schema_struct verdict = SHOWN_KEPT(
    "Verdict", reach_verdict, VERDICT(reach_verdict, ));

static const struct schema_struct cell = SHOWN_KEPT(
    "cell", reach_cell, VERDICT(reach_cell, verdict.),
    SHOWN_OF(reach_cell, from, SIZE, ALWAYS,
             "The `id` of the source's kind."),
    SHOWN_OF(reach_cell, to, SIZE, ALWAYS,
             "The `id` of the destination's kind."));

static const struct schema_struct kind = SHOWN_KEPT(
    "kind", reach_class,
    SHOWN_OF(reach_class, id, SIZE, ALWAYS, "Its number."),
    SHOWN_OF(reach_class, network, STRING, ALWAYS, "The network."),
    SHOWN_OF(reach_class, groups, STRING, ALWAYS,
             "Groups, with commas between them."),
    SHOWN_LIST_OF(reach_class, ports, n_ports, STRING, ALWAYS,
                  "The ports."));

#define ABSENT(KEPT)                                                    \
    SHOWN_LIST_OF(KEPT, absent, n_absent, STRING, ALWAYS,               \
                  "Ports that are on no host or on one that is "        \
                  "unreachable, or disabled.")

static const struct schema_struct way = SHOWN_KEPT(
    "way", reach_way, VERDICT(reach_way, verdict.),
    SHOWN_OF(reach_way, from, STRING, ALWAYS,
             "The first of ports that are alike, or `outside`."),
    SHOWN_OF(reach_way, n_ports, SIZE, HIDE,
             "How many ports these are; absent: outside."),
    SHOWN_OF(reach_way, source, IP, 0, "The sender's address."),
    SHOWN_OF(reach_way, type, STRING, ALWAYS,
             "`floating-ips`, `loadbalancers`, or `networks`: outside."),
    SHOWN_OF(reach_way, name, STRING, ALWAYS, "The name of that object."),
    SHOWN_OF(reach_way, destination, IP, 0, "The address that is sent to."));

#define WAYS(KEPT)                                                      \
    SHOWN_LIST_OF(KEPT, ways, n_ways, STRUCT, 0,                        \
                  "From outside to floating addresses, and from each class " \
                  "to virtual IPs and outside, at most 500.",           \
                  .nested = &way),                                      \
    SHOWN_OF(KEPT, more_ways, BOOL, HIDE, "Whether there are more.")

#define UNHEARD(KEPT)                                                   \
    SHOWN_LIST_OF(KEPT, warnings, n_warnings, STRING, 0,                \
                  "Hosts of these ports that are not heard: it is not known " \
                  "how they forward.")

const struct schema_struct nb_reply_matrix = SHOWN_KEPT(
    "Matrix", reach_matrix,
    SHOWN_LIST_OF(reach_matrix, classes, n_classes, STRUCT, ALWAYS,
                  "Ports that no flow distinguishes.", .nested = &kind),
    SHOWN_LIST_OF(reach_matrix, cells, n_cells, STRUCT, ALWAYS,
                  "Pairs of kinds.", .nested = &cell),
    WAYS(reach_matrix), ABSENT(reach_matrix), UNHEARD(reach_matrix));

/* The struct reach_group_pair that is member 'WHERE'. */
#define GROUP_PAIR(WHERE, FLAGS)                                         \
    SHOWN("from", STRING, FLAGS, "The source group.",                    \
          SHOWN_AT(reach_group_cell, WHERE.from, sizeof(const char *))), \
    SHOWN("to", STRING, FLAGS, "The destination group.",                 \
          SHOWN_AT(reach_group_cell, WHERE.to, sizeof(const char *)))

static const struct schema_struct exception = SHOWN_KEPT(
    "exception", reach_exception,
    SHOWN_OF(reach_exception, reason, STRING, ALWAYS, "Why not."),
    SHOWN_OF(reach_exception, from, STRING, ALWAYS,
             "A port that does not reach the other."),
    SHOWN_OF(reach_exception, to, STRING, ALWAYS, "The other."),
    SHOWN_OF(reach_exception, n_pairs, U64, ALWAYS,
             "Of how many pairs of ports that is so."),
    RULE(reach_exception, by.), ISOLATION(reach_exception, by.));

static const struct schema_struct group_cell = SHOWN_KEPT(
    "cell", reach_group_cell, GROUP_PAIR(before, ALWAYS),
    VERDICT(reach_group_cell, verdict.), GROUP_PAIR(after, 0),
    SHOWN_LIST_OF(reach_group_cell, exceptions, n_exceptions, STRUCT, 0,
                  "Of ports that do not reach others, where some do, or that "
                  "has several reasons: the reasons, at most 9.",
                  .nested = &exception));

static const struct schema_struct group_pair = SHOWN_KEPT(
    "pair", reach_group_pair,
    SHOWN_OF(reach_group_pair, from, STRING, ALWAYS, "The source group."),
    SHOWN_OF(reach_group_pair, to, STRING, ALWAYS, "The destination group."));

const struct schema_struct nb_reply_groups = SHOWN_KEPT(
    "GroupMatrix", reach_groups,
    SHOWN_LIST_OF(reach_groups, groups, n_groups, STRING, ALWAYS,
                  "All names; `-` is ports of no group."),
    SHOWN_LIST_OF(reach_groups, cells, n_cells, STRUCT, ALWAYS,
                  "Pairs of groups.", .nested = &group_cell),
    SHOWN_LIST_OF(reach_groups, alone, n_alone, STRUCT, 0,
                  "Pairs of groups that have one and the same port alone. "
                  "Others without a cell are apart: no router joins their "
                  "networks.", .nested = &group_pair),
    SHOWN_OF(reach_groups, n_ungrouped, SIZE, HIDE,
             "How many ports are in no group."),
    SHOWN_LIST_OF(reach_groups, ungrouped, n_named, STRING, 0,
                  "The first 100 of these."),
    WAYS(reach_groups), ABSENT(reach_groups), UNHEARD(reach_groups));

const struct schema_struct nb_body_after = SHOWN_STRUCT(
    "After", AFTER(ALWAYS));

static const struct schema_struct reach_change = SHOWN_KEPT(
    "change", reach_change,
    SHOWN_LIST_OF(reach_change, to, n_to, STRING, ALWAYS,
                  "The ports at the destination."),
    SHOWN_STRUCT_OF(reach_change, before, ALWAYS | POINTER, "What is.",
                    &verdict),
    SHOWN_STRUCT_OF(reach_change, after, ALWAYS | POINTER, "The result after "
                                                           "the change.",
                    &verdict),
    SHOWN_LIST_OF(reach_change, from, n_from, STRING, ALWAYS,
                  "The ports at the source."));

const struct schema_struct nb_reply_reach_change = SHOWN_KEPT(
    "ReachabilityChange", reach_difference,
    SHOWN_LIST_OF(reach_difference, changes, n_changes, STRUCT, ALWAYS,
                  "Each about all pairs of the ports that it lists.",
                  .nested = &reach_change), UNHEARD(reach_difference));

static const struct schema_struct effect_change = SHOWN_KEPT(
    "ServiceChange", effect_change,
    SHOWN_OF(effect_change, service, STRING, ALWAYS,
             "The service, such as `tcp/443`."),
    SHOWN_LIST_OF(effect_change, changes, n_changes, STRUCT, ALWAYS,
                  "Each about all pairs of the ports that it lists; empty: it "
                  "is as before.", .nested = &reach_change));

static const struct schema_struct effect_ended = SHOWN_KEPT(
    "EndedConnection", effect_ended,
    SHOWN_OF(effect_ended, from, STRING, ALWAYS, "The port that opened it."),
    SHOWN_OF(effect_ended, to, STRING, ALWAYS, "The port that accepted it."),
    SHOWN_OF(effect_ended, service, STRING, ALWAYS,
             "The service, such as `tcp/443`."),
    SHOWN_STRUCT_OF(effect_ended, before, ALWAYS | POINTER,
                    "What becomes of a new one.", &verdict),
    SHOWN_STRUCT_OF(effect_ended, after, POINTER,
                    "What would; absent: a port would be gone.", &verdict));

static const struct schema_struct effect_connections = SHOWN_KEPT(
    "DraftConnections", effect_connections,
    SHOWN_LIST_OF(effect_connections, networks, n_networks, STRING, ALWAYS,
                  "The networks that are observed: of connections elsewhere "
                  "nothing is known."),
    SHOWN_OF(effect_connections, observed, U64, ALWAYS,
             "How many connections were observed there; some may have ended "
             "since."),
    SHOWN_OF(effect_connections, unchecked, U64, HIDE,
             "Of them, those that were not compared: not between two ports, "
             "or of a service that is not among `services`."),
    SHOWN_LIST_OF(effect_connections, unread, n_unread, STRING, 0,
                  "Hosts that could not be read, or that have recorded no "
                  "more than they may."),
    SHOWN_OF(effect_connections, more_networks, U64, HIDE,
             "How many more there was no time for."),
    SHOWN("n_ended", U64, ALWAYS,
          "How many would not be let through any more.",
          SHOWN_AT(effect_connections, n_all, sizeof(uint64_t))),
    SHOWN_LIST_OF(effect_connections, ended, n_ended, STRUCT, ALWAYS,
                  "The first 100 of them.", .nested = &effect_ended));

const struct schema_struct nb_reply_effects = SHOWN_KEPT(
    "DraftEffects", draft_effects,
    SHOWN_OF(draft_effects, etag, STRING, ALWAYS,
             "Of the draft that this is about."),
    SHOWN_OF(draft_effects, revision, U64, ALWAYS,
             "The state that this is based on."),
    SHOWN_LIST_OF(draft_effects, services, n_services, STRUCT, ALWAYS,
                  "The services that were compared, at most 16: pings, those "
                  "that the draft names, those that were observed, and those "
                  "of policies; of a range its first port.",
                  .nested = &effect_change),
    SHOWN_OF(draft_effects, more_services, U64, HIDE,
             "How many others were met, and not compared."),
    SHOWN_STRUCT_OF(draft_effects, connections, ALWAYS,
                    "What is known of connections.", &effect_connections),
    UNHEARD(draft_effects));

/* Open services.  --------------------------------------------------------- */

static const struct schema_struct open_service = SHOWN_KEPT(
    "OpenService", open_service,
    SHOWN_OF(open_service, protocol, ENUM, ALWAYS,
             "The protocol; of `icmp` it is a ping.",
             SHOWN_NAMES("tcp", "udp", "sctp", "icmp")),
    SHOWN_OF(open_service, port, INT, HIDE, "The port, or the first of a "
             "range.", .def = -1),
    SHOWN_OF(open_service, end_port, INT, HIDE, "The last of a range.",
             .def = -1),
    SHOWN_OF(open_service, family, INT, HIDE,
             "4 or 6: by that family of addresses alone."),
    SHOWN_OF(open_service, verdict, ENUM, ALWAYS,
             "What becomes of a request: `mixed` if outcomes differ.",
             SHOWN_NAMES("delivered", "mixed", "unknown")),
    RULE(open_service, by.),
    SHOWN_OF(open_service, all, BOOL, ALWAYS,
             "Whether all senders are let in."),
    SHOWN_OF(open_service, n_sources, SIZE, HIDE,
             "If not: how many parts of the addresses, or classes of ports, "
             "are."),
    SHOWN_LIST_OF(open_service, sources, n_listed, STRING, 0,
                  "The first of them: `FIRST-LAST` or an address; or a port "
                  "of the class."));

const struct schema_struct nb_reply_open_services = SHOWN_KEPT(
    "OpenServices", open_services,
    SHOWN_OF(open_services, from, STRING, ALWAYS, "Who sends."),
    SHOWN_OF(open_services, to, STRING, ALWAYS, "Who is sent to."),
    SHOWN_OF(open_services, port, STRING, 0, "The port that it leads to."),
    SHOWN_LIST_OF(open_services, addresses, n_addresses, STRING, ALWAYS,
                  "The addresses that are sent to."),
    SHOWN_LIST_OF(open_services, services, n_services, STRUCT, ALWAYS,
                  "The services.", .nested = &open_service),
    SHOWN_LIST_OF(open_services, warnings, n_warnings, STRING, 0,
                  "A family of addresses of the port of which nothing is told, "
                  "and why; hosts that are not heard: it is not known how they "
                  "forward."));
