/* SPDX-License-Identifier: Apache-2.0
 *
 * Describes the members of replies about packets: drops, and packets that
 * matched rules with a log; see openapi-operations.h. */

#include <config.h>

#include "controller/northbound/openapi-operations.h"

#include "controller/northbound/replies.h"
#include "controller/schema/schema-rule.h"
#include "controller/schema/schema-shown.h"

const struct schema_struct nb_object_ref = SHOWN_KEPT(
    "ObjectRef", status_object,
    SHOWN_OF(status_object, type, STRING, ALWAYS, "The type of an object."),
    SHOWN_OF(status_object, name, STRING, ALWAYS, "Its name."));

/* Describes the owner of a flow: the member 'owner' of 'struct KEPT'. */
#define OWNER(KEPT)                                                     \
    SHOWN("owner", STRING, ALWAYS | OR_NULL,                            \
          "App, unit and object whose flow it is.",                     \
          SHOWN_AT(KEPT, owner.owner, sizeof(const char *))),           \
    SHOWN("object", STRUCT, ALWAYS | OR_NULL | POINTER,                 \
          "The object that it is for; null: none in particular.",       \
          SHOWN_AT(KEPT, owner.object, sizeof(void *)),                 \
          .nested = &nb_object_ref),                                    \
    SHOWN("rule", I64, HIDE, "Which rule of that policy, from 0.",      \
          SHOWN_AT(KEPT, owner.rule, sizeof(int64_t)), .def = -1)

/* And, of a drop, where no rule is why. */
#define ISOLATION(KEPT)                                                 \
    SHOWN("direction", ENUM, 0,                                         \
          "If its port is isolated: in which direction.",               \
          .names = schema_direction_names,                              \
          SHOWN_AT(KEPT, isolation.direction, sizeof(const char *))),   \
    SHOWN("isolated_by", STRING, LIST,                                  \
          "The policies that isolate it, all of them: none of their "   \
          "rules allows this.  Of a sample as of `cause_revision`; of "  \
          "a counter, those that now isolate ports of its network, or of all that routers join to it; absent "  \
          "where these are too many to look at, and for accounts with " \
          "a scope.",                                                   \
          SHOWN_AT(KEPT, isolation.by, sizeof(const char **)),          \
          .n_offset = offsetof(struct KEPT, isolation.n_by)),           \
    SHOWN("quarantined_by", STRING, LIST,                               \
          "If it is `quarantined`: the quarantines that hold its "      \
          "port, and the port itself if its own `quarantined` does, "   \
          "as `TYPE/NAME`.  Of a sample as of `cause_revision`; of a "   \
          "counter, those of ports of its network now, or of all that routers join to it, at most 100; absent as "  \
          "`isolated_by` is.",                                          \
          SHOWN_AT(KEPT, isolation.held_by, sizeof(const char **)),     \
          .n_offset = offsetof(struct KEPT, isolation.n_held_by))

static const struct schema_struct end = SHOWN_KEPT(
    "PacketEnd", nb_packet_end,
    SHOWN_OF(nb_packet_end, port, STRING, ALWAYS | OR_NULL,
             "The port; null: none of that address."),
    SHOWN_OF(nb_packet_end, mac, MAC, ALWAYS, "Its MAC address."),
    SHOWN_OF(nb_packet_end, ip, STRING, 0, "Its address."),
    SHOWN_OF(nb_packet_end, l4_port, I64, HIDE,
             "Its port of TCP, UDP or SCTP.", .def = -1));

static const struct schema_struct connection_end = SHOWN_KEPT(
    "ConnectionEnd", nb_connection_end,
    SHOWN_OF(nb_connection_end, ip, STRING, ALWAYS, "The address."),
    SHOWN_OF(nb_connection_end, l4_port, I64, ALWAYS,
             "The port of TCP, UDP or SCTP."));

static const struct schema_struct neighbour = SHOWN_KEPT(
    "Neighbour", nb_neighbour,
    SHOWN_OF(nb_neighbour, ip, STRING, ALWAYS, "The address."),
    SHOWN_OF(nb_neighbour, mac, MAC, ALWAYS, "Its MAC address."));

/* Describes the members of a sample; the arguments are those of its kind. */
#define SAMPLE(...)                                                     \
    SHOWN_OF(nb_sample, id, U64, ALWAYS, "Its ID, which grows."),       \
    SHOWN_OF(nb_sample, time, STRING, ALWAYS | TIME,                    \
             "When it was received."),                                  \
    SHOWN_OF(nb_sample, host, STRING, ALWAYS, "Where."),                \
    SHOWN_OF(nb_sample, network, STRING, ALWAYS | OR_NULL,              \
             "In which network."),                                      \
    SHOWN_STRUCT_OF(nb_sample, src, ALWAYS, "The sender.", &end),       \
    SHOWN_STRUCT_OF(nb_sample, dst, ALWAYS, "The receiver.", &end),     \
    SHOWN_STRUCT_OF(nb_sample, connection_dst, POINTER,                 \
                    "What the client had connected to, where NAT has "  \
                    "changed that: a virtual IP or a floating address. " \
                    "Absent for accounts with a scope.",                \
                    &connection_end),                                   \
    SHOWN_STRUCT_OF(nb_sample, announced, POINTER,                      \
                    "What ARP or neighbour discovery announces, if it "  \
                    "is not the sender's address at the sender's MAC "  \
                    "address.", &neighbour),                            \
    SHOWN_OF(nb_sample, protocol, STRING, ALWAYS,                       \
             "Such as `tcp`, or a number; without IP `arp` or 0x and "  \
             "its Ethernet type."),                                     \
    SHOWN_OF(nb_sample, size, U64, ALWAYS, "Its bytes."),               \
    SHOWN_OF(nb_sample, icmp_type, I64, HIDE, "Of ICMP.", .def = -1),   \
    SHOWN_OF(nb_sample, icmp_code, I64, HIDE, "Of ICMP.", .def = -1),   \
    __VA_ARGS__, OWNER(nb_sample),                                      \
    SHOWN_OF(nb_sample, count, U64, ALWAYS,                             \
             "How many equal packets came in a row."),                  \
    SHOWN_OF(nb_sample, suppressed, U64, ALWAYS,                        \
             "How many others were not kept since the previous sample.")

/* Drops.  ---------------------------------------------------------------- */

#define BACKGROUND                                                       \
    "True if such drops are normal; they are shown only on request."

static const struct schema_struct drop = SHOWN_KEPT(
    "drop", nb_drop,
    SHOWN_OF(nb_drop, host, STRING, ALWAYS, "Where."),
    SHOWN_OF(nb_drop, app, STRING, ALWAYS,
             "The app; `vmn` for meters of packets to the controller."),
    SHOWN_OF(nb_drop, reason, STRING, ALWAYS, "Why."),
    SHOWN_OF(nb_drop, hint, STRING, 0,
             "A likely cause on that host, where one is known."),
    SHOWN_OF(nb_drop, background, BOOL, HIDE, BACKGROUND), OWNER(nb_drop),
    ISOLATION(nb_drop),
    SHOWN_COUNT(nb_drop, count.));

const struct schema_struct nb_sample_drop = SHOWN_KEPT(
    "Sample", nb_sample,
    SAMPLE(SHOWN_OF(nb_sample, reason, STRING, ALWAYS,
                    "Why it was dropped."),
           SHOWN_OF(nb_sample, background, BOOL, HIDE, BACKGROUND),
           ISOLATION(nb_sample),
           SHOWN_OF(nb_sample, cause_revision, U64, HIDE,
                    "As of which revision `isolated_by` and "
                    "`quarantined_by` are: that of when it was sampled, "
                    "if they were looked up by then.")));

static const struct schema_struct drops_hidden = SHOWN_KEPT(
    "DropsHidden", nb_drops_hidden,
    SHOWN_OF(nb_drops_hidden, counters, U64, ALWAYS, "Number of counters."),
    SHOWN_OF(nb_drops_hidden, packets, U64, ALWAYS,
             "Number of their packets."),
    SHOWN_OF(nb_drops_hidden, samples, U64, ALWAYS, "Number of samples."));

const struct schema_struct nb_reply_drops = SHOWN_KEPT(
    "Drops", nb_reply_drops,
    SHOWN_LIST_OF(nb_reply_drops, counters, n_counters, STRUCT, ALWAYS,
                  "The newest first.", .nested = &drop),
    SHOWN_OF(nb_reply_drops, matching, SIZE, ALWAYS,
             "How many counters there are in all."),
    SHOWN_LIST_OF(nb_reply_drops, samples, n_samples, STRUCT, ALWAYS,
                  "Some of the packets, the oldest first.",
                  .nested = &nb_sample_drop),
    SHOWN_OF(nb_reply_drops, samples_matching, SIZE, ALWAYS,
             "How many samples there are in all."),
    SHOWN_STRUCT_OF(nb_reply_drops, hidden, ALWAYS,
                    "What was left out as background.", &drops_hidden),
    SHOWN_READINGS(nb_reply_drops),
    SHOWN_OF(nb_reply_drops, newest, U64, ALWAYS,
             "The value of `after` for the next request."));

/* Traffic.  -------------------------------------------------------------- */

static const struct schema_struct traffic_pair = SHOWN_KEPT(
    "TrafficPair", nb_traffic_pair,
    SHOWN_OF(nb_traffic_pair, src, STRING, ALWAYS,
             "Who sends: the port, or what it is grouped by; `(no port)`: an "
             "address that no port has."),
    SHOWN_OF(nb_traffic_pair, dst, STRING, ALWAYS, "Who gets it."),
    SHOWN_OF(nb_traffic_pair, src_deleted, BOOL, HIDE,
             "True if that port was deleted."),
    SHOWN_OF(nb_traffic_pair, dst_deleted, BOOL, HIDE,
             "The same of the other one."),
    SHOWN_OF(nb_traffic_pair, src_host, STRING, 0,
             "Of ports: where the sender was the last time."),
    SHOWN_OF(nb_traffic_pair, dst_host, STRING, 0,
             "Of ports: where the receiver was the last time."),
    SHOWN_OF(nb_traffic_pair, packets, U64, ALWAYS,
             "How many packets were counted."),
    SHOWN_OF(nb_traffic_pair, bytes, U64, ALWAYS,
             "How many bytes these had: Ethernet frames.  Between groups, "
             "also of those that count for other groups as well."),
    SHOWN_OF(nb_traffic_pair, uncertain_bytes, U64, HIDE,
             "How many more there may have been, at most, beside "
             "`unlisted_bytes`."),
    SHOWN_OF(nb_traffic_pair, cross_host_bytes, U64, ALWAYS,
             "Of `bytes`, those from one host to another."));

static const struct schema_struct traffic_talker = SHOWN_KEPT(
    "TrafficTalker", nb_traffic_talker,
    SHOWN_OF(nb_traffic_talker, name, STRING, ALWAYS,
             "The port, or what it is grouped by."),
    SHOWN_OF(nb_traffic_talker, deleted, BOOL, HIDE,
             "True if the port was deleted."),
    SHOWN_OF(nb_traffic_talker, sent_bytes, U64, ALWAYS,
             "What it has sent, as `src` of pairs."),
    SHOWN_OF(nb_traffic_talker, received_bytes, U64, ALWAYS,
             "What it has got, as `dst` of pairs."));

const struct schema_struct nb_reply_traffic = SHOWN_KEPT(
    "Traffic", nb_reply_traffic,
    SHOWN_OF(nb_reply_traffic, group_by, STRING, ALWAYS,
             "What pairs are of."),
    SHOWN_OF(nb_reply_traffic, label, STRING, 0, "The label's key."),
    SHOWN_OF(nb_reply_traffic, since, STRING, ALWAYS | TIME | OR_NULL,
             "From when on: the start of five minutes; null: nothing was "
             "counted."),
    SHOWN_OF(nb_reply_traffic, packets, U64, ALWAYS,
             "Packets of all pairs, each once."),
    SHOWN_OF(nb_reply_traffic, bytes, U64, ALWAYS,
             "Their bytes.  These sums are exact, unless a network or a port "
             "was asked for, or the account has a scope."),
    SHOWN_OF(nb_reply_traffic, same_host_bytes, U64, ALWAYS,
             "Of these, what stayed on one host."),
    SHOWN_OF(nb_reply_traffic, cross_host_bytes, U64, ALWAYS,
             "Of these, what went from one host to another."),
    SHOWN_OF(nb_reply_traffic, other_bytes, U64, ALWAYS,
             "Of these, what came from no port, or from one that was on no "
             "host."),
    SHOWN_OF(nb_reply_traffic, cross_host_share, DOUBLE, ALWAYS | EXACT,
             "`cross_host_bytes` as a share of both between hosts and on "
             "one, 0 to 1."),
    SHOWN_LIST_OF(nb_reply_traffic, pairs, n_pairs, STRUCT, ALWAYS,
                  "Who sends to whom, as sorted.", .nested = &traffic_pair),
    SHOWN_OF(nb_reply_traffic, matching, SIZE, ALWAYS,
             "How many pairs there are in all."),
    SHOWN_LIST_OF(nb_reply_traffic, talkers, n_talkers, STRUCT, ALWAYS,
                  "Who sends and gets most, both together.",
                  .nested = &traffic_talker),
    SHOWN_OF(nb_reply_traffic, unlisted_bytes, U64, HIDE,
             "What a pair of ports may have at most that was not among the "
             "heaviest of their five minutes; absent: all pairs are there."),
    SHOWN_OF(nb_reply_traffic, full_hosts, U64, HIDE,
             "Hosts that have so many pairs, of a routing domain or in all, "
             "that they count no new ones; absent: none."),
    SHOWN_READINGS(nb_reply_traffic));

static const struct schema_struct placement_move = SHOWN_KEPT(
    "PlacementMove", nb_placement_move,
    SHOWN_OF(nb_placement_move, step, SIZE, ALWAYS,
             "Steps are made in order, and what binds VMs holds after each. "
             "Moves of one step are to be made together: none of them has "
             "room before others of it are made."),
    SHOWN_LIST_OF(nb_placement_move, ports, n_ports, STRING, ALWAYS,
                  "The VM's ports; sub-ports go with them."),
    SHOWN_OF(nb_placement_move, from, STRING, ALWAYS, "The host it is on."),
    SHOWN_OF(nb_placement_move, to, STRING, ALWAYS, "Where it is to go."),
    SHOWN_OF(nb_placement_move, saved_bytes, I64, ALWAYS,
             "How much less would have gone between hosts, after the moves "
             "before it; negative of one that makes room for others, or that "
             "others follow."));

static const struct schema_struct placement_missing = SHOWN_KEPT(
    "missing", nb_placement_missing,
    SHOWN_OF(nb_placement_missing, vms, U64, HIDE, "Places for VMs."),
    SHOWN_OF(nb_placement_missing, vcpus, U64, HIDE, "Virtual CPUs."),
    SHOWN_OF(nb_placement_missing, memory_mb, U64, HIDE, "Memory, in MiB."),
    SHOWN_OF(nb_placement_missing, disk_gb, U64, HIDE,
             "Local disk, in GiB."));

static const struct schema_struct placement_no_room = SHOWN_KEPT(
    "PlacementWithoutRoom", nb_placement_no_room,
    SHOWN_LIST_OF(nb_placement_no_room, ports, n_ports, STRING, ALWAYS,
                  "The VM's ports."),
    SHOWN_OF(nb_placement_no_room, from, STRING, ALWAYS,
             "The host it is on, once all moves are made."),
    SHOWN_OF(nb_placement_no_room, to, STRING, ALWAYS,
             "Where it would save most."),
    SHOWN_OF(nb_placement_no_room, saved_bytes, I64, ALWAYS,
             "How much less would go between hosts."),
    SHOWN_STRUCT_OF(nb_placement_no_room, missing, ALWAYS,
                    "What of the host's capacity it would take too much of, "
                    "and by how much.", &placement_missing));

const struct schema_struct nb_reply_placement = SHOWN_KEPT(
    "PlacementAdvice", nb_reply_placement,
    SHOWN_OF(nb_reply_placement, since, STRING, ALWAYS | TIME | OR_NULL,
             "From when on: the start of five minutes; null: nothing was "
             "counted."),
    SHOWN_OF(nb_reply_placement, vms, SIZE, ALWAYS,
             "How many VMs are on hosts."),
    SHOWN_OF(nb_reply_placement, hosts, SIZE, HIDE,
             "How many hosts VMs may go to; absent: none, or the account has "
             "a scope."),
    SHOWN_OF(nb_reply_placement, capacity, SIZE, ALWAYS,
             "How many VMs a host may have that says neither by its label "
             "nor by its `capacity` what it has; as the request says, or the "
             "fullest host has.  By the request it binds hosts that say "
             "other things than `vms`, too."),
    SHOWN_OF(nb_reply_placement, hosts_with_capacity, SIZE, HIDE,
             "How many of `hosts` say by their `capacity` what they have; "
             "absent: none, or the account has a scope."),
    SHOWN_OF(nb_reply_placement, pairs, SIZE, ALWAYS,
             "How many pairs of VMs have sent each other anything."),
    SHOWN_OF(nb_reply_placement, cross_host_bytes, U64, ALWAYS,
             "How much of that would have gone between hosts, had VMs been "
             "where they are now."),
    SHOWN_OF(nb_reply_placement, predicted_bytes, U64, ALWAYS,
             "The same after all moves."),
    SHOWN_LIST_OF(nb_reply_placement, moves, n_moves, STRUCT, ALWAYS,
                  "What to move, in order.", .nested = &placement_move),
    SHOWN_LIST_OF(nb_reply_placement, no_room, n_no_room, STRUCT, HIDE,
                  "Moves that would save more than they cost once all moves "
                  "are made, and would break a host's capacity: those of the "
                  "20 VMs that would save most, each without the others; "
                  "absent: none.",
                  .nested = &placement_no_room),
    SHOWN_OF(nb_reply_placement, all_no_room, SIZE, HIDE,
             "Of how many VMs there are such moves; absent: none."),
    SHOWN_OF(nb_reply_placement, optimal, BOOL, HIDE,
             "True if it is known that no other moves are better, what they "
             "cost included; absent: it is not known."),
    SHOWN_OF(nb_reply_placement, not_selected, SIZE, HIDE,
             "VMs that stay, as they are not selected; absent: none."),
    SHOWN_OF(nb_reply_placement, pinned, SIZE, HIDE,
             "Others that stay, as a port says its `host`; absent: none."),
    SHOWN_OF(nb_reply_placement, many_sets, SIZE, HIDE,
             "Others that stay, as they are to be apart by more than 64 "
             "values; absent: none."),
    SHOWN_OF(nb_reply_placement, migrating, SIZE, HIDE,
             "Others that stay, as they are on the move already; absent: "
             "none."),
    SHOWN_OF(nb_reply_placement, unsynced, SIZE, HIDE,
             "Others that stay, as their host is neither `synced` nor "
             "`reconciling`; absent: none."),
    SHOWN_OF(nb_reply_placement, unsized, SIZE, HIDE,
             "VMs that do not say how many vCPUs or how much memory they need "
             "where a host says what it has of that, or say nothing at all "
             "where one says something; absent: none."),
    SHOWN_LIST_OF(nb_reply_placement, unused_labels, n_unused_labels, STRING,
                  HIDE, "Keys of labels in `apart` and `together` that no VM "
                  "has that counts here, so that they change nothing; absent: "
                  "none."),
    SHOWN_OF(nb_reply_placement, unused_capacity_label, STRING, HIDE,
             "The `capacity_label`, if no host has it, so that it changes "
             "nothing; absent: one has it, or none was given."),
    SHOWN_OF(nb_reply_placement, unlisted_bytes, U64, HIDE,
             "What a pair of ports may have at most that was not among the "
             "heaviest of their five minutes, and does not count here; "
             "absent: all pairs do."),
    SHOWN_OF(nb_reply_placement, full_hosts, U64, HIDE,
             "Hosts that are connected and count so many pairs already "
             "that they count no new ones; absent: none."),
    SHOWN_READINGS(nb_reply_placement));

/* Logs.  ----------------------------------------------------------------- */

const struct schema_struct nb_sample_log = SHOWN_KEPT(
    "LogEvent", nb_sample,
    SAMPLE(SHOWN_OF(nb_sample, verdict, ENUM, ALWAYS,
                    "The verdict of the rule.", .names = schema_action_names),
           SHOWN_OF(nb_sample, shadow, BOOL, HIDE,
                    "True if the policy did not decide then: the verdict is "
                    "what it would have been."),
           SHOWN_OF(nb_sample, isolated, BOOL, HIDE,
                    "True if no rule matched: the policy would isolate the "
                    "port.")));

static const struct schema_struct log_rule = SHOWN_KEPT(
    "rule", nb_log_rule,
    SHOWN("events", U64, ALWAYS, "How many events there were.",
          SHOWN_AT(nb_log_rule, log.events, sizeof(uint64_t))),
    SHOWN("logged", U64, ALWAYS, "How many of these were logged.",
          SHOWN_AT(nb_log_rule, log.logged, sizeof(uint64_t))),
    SHOWN("suppressed", U64, ALWAYS, "How many were not.",
          SHOWN_AT(nb_log_rule, log.suppressed, sizeof(uint64_t))),
    SHOWN_OF(nb_log_rule, policy, STRING, ALWAYS, "The policy."),
    SHOWN_OF(nb_log_rule, rule, SIZE, ALWAYS,
             "Which of its rules, from 0."));

const struct schema_struct nb_reply_logs = SHOWN_KEPT(
    "Logs", nb_reply_logs,
    SHOWN_LIST_OF(nb_reply_logs, items, n_items, STRUCT, ALWAYS,
                  "Events, the oldest first.", .nested = &nb_sample_log),
    SHOWN_OF(nb_reply_logs, newest, U64, ALWAYS,
             "The value of `after` for the next request."),
    SHOWN_LIST_OF(nb_reply_logs, rules, n_rules, STRUCT, ALWAYS,
                  "Each rule with a log that has decided something.",
                  .nested = &log_rule));
