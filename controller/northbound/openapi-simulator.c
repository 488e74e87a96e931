/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulator is asked, and what it answers; see openapi-operations.h.
 */

#include <config.h>

#include "controller/northbound/openapi-operations.h"

#include "controller/schema/schema-shown.h"

#define AFTER(FLAGS)                                                    \
    SHOWN("after", STRUCT, LIST | FLAGS,                                \
          "As if these objects had been applied.",                      \
          .nested = &nb_any_object, .max_items = 20000)

/* Whose rule it is. */
#define RULE(FLAGS)                                                     \
    SHOWN("owner", STRING, FLAGS | OR_NULL,                             \
          "App, unit and object whose flow decided."),                  \
    SHOWN("object", STRUCT, 0, "The object that this is about.",        \
          .nested = &nb_object_ref),                                    \
    SHOWN("rule", INT, 0, "Which rule of that policy, from 0.")

/* Traces.  --------------------------------------------------------------- */

const struct schema_struct nb_body_trace = SHOWN_STRUCT(
    "TraceRequest",
    SHOWN("from", REF, ALWAYS,
          "The port that sends; on a host that has reported its interface.",
          .ref = VMN_TABLE_PORT),
    SHOWN("to", STRING, ALWAYS, "A port, a loadbalancer, or an address."),
    SHOWN("protocol", ENUM, ALWAYS,
          "What is spoken; `icmp` is of either family, `icmpv6` by IPv6 "
          "addresses alone.",
          SHOWN_NAMES("tcp", "udp", "icmp", "sctp", "icmpv6")),
    SHOWN("port", INT, 0, "To which port; required of all but ICMP.",
          .min = 1, .max = 65535),
    SHOWN("source_port", INT, 0, "From which port; of all but ICMP.",
          .min = 1, .max = 65535, .def = 40000),
    SHOWN("icmp_type", INT, 0, "The type; a ping's by default.", .max = 255,
          .absent = "a ping's"),
    SHOWN("icmp_code", INT, 0, "The code; a ping's by default.", .max = 255,
          .absent = "a ping's"),
    SHOWN("tcp_flags", ENUM, 0, "Which packet of a TCP connection.",
          SHOWN_NAMES("syn", "syn-ack", "ack")),
    SHOWN("size", INT, 0,
          "Bytes of the IP packet, if it matters; it fits anywhere when "
          "absent.", .min = 1, .max = 65521),
    SHOWN("fragment", ENUM, 0, "Of a packet in fragments: which.",
          SHOWN_NAMES("first", "later"), .absent = "all of it"),
    SHOWN("source_ip", IP, 0, "In place of the port's own."),
    SHOWN("source_mac", MAC, 0, "In place of the port's own."),
    SHOWN("destination_mac", MAC, 0, "In place of what a neighbour answers."),
    SHOWN("reply", BOOL, 0,
          "If the request is delivered, what becomes of its answer as well."),
    AFTER(0));

#define PLACE                                                           \
    SHOWN("host", STRING, ALWAYS, "On which host."),                    \
    SHOWN("stage", STRING, ALWAYS | OR_NULL,                            \
          "In which stage; null: no app's."),                           \
    SHOWN("table", INT, ALWAYS, "In which table.")

static const struct schema_struct step = SHOWN_STRUCT(
    "step",
    SHOWN("kind", ENUM, ALWAYS, "What happens.",
          SHOWN_NAMES("lookup", "conntrack", "group", "tunnel", "wire")),
    PLACE, SHOWN("copy", INT, 0, "Which copy of the packet, from 0."),
    RULE(0),
    SHOWN("priority", INT, 0, "Of the flow."),
    SHOWN("match", STRING, 0, "Of the flow."),
    SHOWN("actions", STRING, 0, "Of the flow."),
    SHOWN("reason", STRING, 0, "Why the flow drops, if it does."),
    SHOWN("conjunction", INT, 0, "If a rule's clauses led there."),
    SHOWN("zone", INT, 0, "Conntrack's."),
    SHOWN("commit", BOOL, 0, "Whether conntrack remembers the connection."),
    SHOWN("state", STRING, 0, "What conntrack says of the packet."),
    SHOWN("group", INT, 0, "The group."),
    SHOWN("bucket", INT, 0, "Which of its choices."),
    SHOWN("to", STRING, 0, "To which host it goes."),
    SHOWN("changes", STRING, MAP | ANY,
          "What is rewritten before the next step: [BEFORE, AFTER]."));

static const struct schema_struct place = SHOWN_STRUCT(
    "TraceEnd",
    SHOWN("kind", ENUM, ALWAYS, "What becomes of the packet.",
          SHOWN_NAMES("delivered", "dropped", "up", "unknown")),
    PLACE, RULE(0),
    SHOWN("port", STRING, OR_NULL, "The port that gets it."),
    SHOWN("ofport", INT, 0, "Its number in its host's bridge."),
    SHOWN("reason", STRING, 0, "Why it is not delivered."));

static const struct schema_struct leg = SHOWN_STRUCT(
    "leg",
    SHOWN("kind", ENUM, ALWAYS, "Which packet.",
          SHOWN_NAMES("request", "reply", "answer", "arp", "nd")),
    SHOWN("packet", STRING, ALWAYS, "The packet."),
    SHOWN("steps", STRUCT, ALWAYS | LIST, "What happens to it, in turn.",
          .nested = &step),
    SHOWN("ends", STRUCT, ALWAYS | LIST, "Where its copies end.",
          .nested = &place));

static const struct schema_struct answer = SHOWN_STRUCT(
    "answer",
    SHOWN("message", STRING, ALWAYS,
          "Such as `TCP reset`; `nothing`, and why."),
    SHOWN("verdict", STRING, 0, "What becomes of it."),
    SHOWN("at", STRUCT, 0, "Where it ends.", .nested = &place));

static const struct schema_struct outcome = SHOWN_STRUCT(
    "outcome",
    SHOWN("share", DOUBLE, ALWAYS,
          "Of how many connections, of 1."),
    SHOWN("verdict", ENUM, ALWAYS, "What becomes of the packet.",
          SHOWN_NAMES("delivered", "dropped", "unknown")),
    SHOWN("packet", STRING, ALWAYS, "Which packet that is about."),
    SHOWN("at", STRUCT, ALWAYS, "Where it ends.", .nested = &place),
    SHOWN("answer", STRUCT, 0, "What an app tells the sender.",
          .nested = &answer),
    SHOWN("legs", STRUCT, ALWAYS | LIST, "Each packet.", .nested = &leg));

static const struct schema_struct from = SHOWN_STRUCT(
    "from",
    SHOWN("port", STRING, ALWAYS, "The port."),
    SHOWN("host", STRING, ALWAYS, "The host that it is on."),
    SHOWN("ip", IP, ALWAYS, "Its address."));

static const struct schema_struct to = SHOWN_STRUCT(
    "to",
    SHOWN("ip", IP, ALWAYS, "The address."),
    SHOWN("port", STRING, ALWAYS | OR_NULL, "The port, if one has it."));

const struct schema_struct nb_reply_trace = SHOWN_STRUCT(
    "Trace",
    SHOWN("verdict", ENUM, ALWAYS,
          "What becomes of the packet; `some` if outcomes differ.",
          SHOWN_NAMES("delivered", "dropped", "unknown", "some")),
    SHOWN("from", STRUCT, ALWAYS, "Who sends.", .nested = &from),
    SHOWN("to", STRUCT, ALWAYS, "Who is to get it.", .nested = &to),
    SHOWN("outcomes", STRUCT, ALWAYS | LIST,
          "One for each choice of a balancer, at most 64.",
          .nested = &outcome),
    SHOWN("complete", BOOL, ALWAYS, "Whether these are all."));

/* Reachability.  --------------------------------------------------------- */

/* It has others of its kind inside. */
static const struct schema_struct verdict;

#define VERDICT                                                         \
    SHOWN("verdict", ENUM, ALWAYS,                                      \
          "`some` where families, or places of the ports, differ; "     \
          "`absent` where a port is not there.",                        \
          SHOWN_NAMES("delivered", "dropped", "unknown", "some",        \
                      "absent")),                                       \
    SHOWN("packet", STRING, 0,                                          \
          "Which packet does not arrive: `request` or `reply`."),       \
    SHOWN("reason", STRING, 0, "Why not."), RULE(0),                    \
    SHOWN("across_hosts", STRUCT, 0, "Of ports on two hosts.",          \
          .nested = &verdict),                                          \
    SHOWN("same_host", STRUCT, 0, "Of ports on one host.",            \
          .nested = &verdict),                                          \
    SHOWN("ipv4", STRUCT, 0, "By IPv4.", .nested = &verdict),           \
    SHOWN("ipv6", STRUCT, 0, "By IPv6.", .nested = &verdict)

static const struct schema_struct verdict = SHOWN_STRUCT("Verdict", VERDICT);

static const struct schema_struct cell = SHOWN_STRUCT(
    "cell",
    SHOWN("from", INT, ALWAYS, "The `id` of the kind that asks."),
    SHOWN("to", INT, ALWAYS, "The `id` of the kind that is asked."), VERDICT);

static const struct schema_struct kind = SHOWN_STRUCT(
    "kind",
    SHOWN("id", INT, ALWAYS, "Its number."),
    SHOWN("network", STRING, ALWAYS, "The network."),
    SHOWN("groups", STRING, ALWAYS, "Groups, with commas between them."),
    SHOWN("ports", STRING, ALWAYS | LIST, "The ports."));

#define ABSENT                                                          \
    SHOWN("absent", STRING, ALWAYS | LIST,                              \
          "Ports that are on no host, or disabled.")

const struct schema_struct nb_reply_matrix = SHOWN_STRUCT(
    "Matrix",
    SHOWN("classes", STRUCT, ALWAYS | LIST,
          "Ports that nothing tells apart.", .nested = &kind),
    SHOWN("cells", STRUCT, ALWAYS | LIST, "Pairs of kinds.",
          .nested = &cell), ABSENT);

static const struct schema_struct group_cell = SHOWN_STRUCT(
    "cell",
    SHOWN("from", STRING, ALWAYS, "The group that asks."),
    SHOWN("to", STRING, ALWAYS, "The group that is asked."), VERDICT);

const struct schema_struct nb_reply_groups = SHOWN_STRUCT(
    "GroupMatrix",
    SHOWN("groups", STRING, ALWAYS | LIST,
          "All names; `-` is ports of no group."),
    SHOWN("cells", STRUCT, ALWAYS | LIST, "Pairs of groups.",
          .nested = &group_cell), ABSENT);

const struct schema_struct nb_body_after = SHOWN_STRUCT(
    "After", AFTER(ALWAYS));

static const struct schema_struct reach_change = SHOWN_STRUCT(
    "change",
    SHOWN("from", STRING, ALWAYS | LIST, "Ports that ask."),
    SHOWN("to", STRING, ALWAYS | LIST, "Ports that are asked."),
    SHOWN("before", STRUCT, ALWAYS, "What is.", .nested = &verdict),
    SHOWN("after", STRUCT, ALWAYS, "What would be.", .nested = &verdict));

const struct schema_struct nb_reply_reach_change = SHOWN_STRUCT(
    "ReachabilityChange",
    SHOWN("changes", STRUCT, ALWAYS | LIST,
          "Each about all pairs of the ports that it lists.",
          .nested = &reach_change));
