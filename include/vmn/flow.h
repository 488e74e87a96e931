/* SPDX-License-Identifier: Apache-2.0
 *
 * Building flows and groups inside of an app's compile function.
 *
 * Values are in host byte order unless they are a struct of vmn/types.h.  A
 * flow belongs to the emitter; pointers to flows, actions and groups die with
 * the compile call.  A mistake (a field that takes no mask, a table that the
 * app does not own) marks the unit as failed, with a message that names it;
 * its previous flows then stay. */

#ifndef VMN_FLOW_H
#define VMN_FLOW_H 1

#include "vmn/types.h"
#include "vmn/vocabulary.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmn_emit;                /* Collects what one unit wants. */

/* Marks the unit as failed for a reason that the app found, as a mistake
 * does: what it emits now is not used.  The first problem is kept. */
void vmn_fail(struct vmn_emit *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct vmn_flow;                /* An OpenFlow flow. */

struct vmn_actions;             /* Of a flow, or of a bucket. */

struct vmn_group_msg;           /* An OpenFlow group. */

/* Packet and metadata fields. */
enum vmn_field {
    VMN_F_IN_PORT = 0,
    VMN_F_ETH_SRC = 1,
    VMN_F_ETH_DST = 2,
    VMN_F_ETH_TYPE = 3,
    VMN_F_VLAN_TCI = 4,
    VMN_F_ARP_OP = 5,
    VMN_F_ARP_SPA = 6,
    VMN_F_ARP_TPA = 7,
    VMN_F_ARP_SHA = 8,
    VMN_F_ARP_THA = 9,
    VMN_F_IP_PROTO = 10,
    VMN_F_IP_FRAG = 11,         /* VMN_FRAG_*. */
    VMN_F_IP_TTL = 12,
    VMN_F_IPV4_SRC = 13,
    VMN_F_IPV4_DST = 14,
    VMN_F_TCP_SRC = 15,
    VMN_F_TCP_DST = 16,
    VMN_F_UDP_SRC = 17,
    VMN_F_UDP_DST = 18,
    VMN_F_ICMPV4_TYPE = 19,
    VMN_F_ICMPV4_CODE = 20,
    VMN_F_TUN_ID = 21,
    VMN_F_TUN_SRC = 22,
    VMN_F_TUN_DST = 23,
    VMN_F_CT_STATE = 24,        /* VMN_CT_*. */
    VMN_F_CT_MARK = 25,
    VMN_F_CT_NW_PROTO = 26,     /* Original tuple. */
    VMN_F_CT_NW_SRC = 27,
    VMN_F_CT_NW_DST = 28,
    VMN_F_CT_TP_SRC = 29,
    VMN_F_CT_TP_DST = 30,
    VMN_F_CONJ_ID = 31,
    VMN_F_REG0 = 32, VMN_F_REG1 = 33, VMN_F_REG2 = 34, VMN_F_REG3 = 35,
    VMN_F_REG4 = 36, VMN_F_REG5 = 37, VMN_F_REG6 = 38, VMN_F_REG7 = 39,
    VMN_F_REG8 = 40, VMN_F_REG9 = 41, VMN_F_REG10 = 42, VMN_F_REG11 = 43,
    VMN_F_REG12 = 44, VMN_F_REG13 = 45, VMN_F_REG14 = 46, VMN_F_REG15 = 47,
    VMN_F_SCTP_SRC = 48,
    VMN_F_SCTP_DST = 49,
    VMN_F_IPV6_SRC = 50,
    VMN_F_IPV6_DST = 51,
    VMN_F_ICMPV6_TYPE = 52,
    VMN_F_ICMPV6_CODE = 53,
    VMN_F_ND_TARGET = 54,       /* Those of neighbour discovery want an */
    VMN_F_ND_SLL = 55,          /* ICMPv6 type as well: solicitation or */
    VMN_F_ND_TLL = 56,          /* advertisement; SLL and TLL are of one.
                                 * They imply ICMPv6 code 0. */
    VMN_F_CT_IPV6_SRC = 57,     /* Original tuple. */
    VMN_F_CT_IPV6_DST = 58,
    VMN_F_TUN_IPV6_SRC = 59,    /* Of tunnels over IPv6, where TUN_SRC and */
    VMN_F_TUN_IPV6_DST = 60,    /* TUN_DST are 0. */
    VMN_F_TCP_FLAGS = 61,       /* VMN_TCP_*. */
    VMN_F_IP_DSCP = 62,         /* Of both families, 0 to 63: the traffic */
    VMN_F_IP_ECN = 63,          /* class without its lowest two bits, which
                                 * are VMN_ECN_*.  Matched as a whole. */
    VMN_F_IPV6_LABEL = 64,      /* Flow label, 20 bits. */
    VMN_N_FIELDS
};

/* Bits of VMN_F_CT_STATE (ovs-fields(7)). */
#define VMN_CT_NEW 0x01
#define VMN_CT_EST 0x02
#define VMN_CT_REL 0x04
#define VMN_CT_RPL 0x08
#define VMN_CT_INV 0x10
#define VMN_CT_TRK 0x20
#define VMN_CT_SNAT 0x40        /* The packet's source was translated, */
#define VMN_CT_DNAT 0x80        /* its destination, by the last ct(). */

/* Bits of VMN_F_IP_FRAG. */
#define VMN_FRAG_ANY 0x01
#define VMN_FRAG_LATER 0x02

/* Bits of VMN_F_TCP_FLAGS (RFC 9293, section 3.1). */
#define VMN_TCP_FIN 0x01
#define VMN_TCP_SYN 0x02
#define VMN_TCP_RST 0x04
#define VMN_TCP_PSH 0x08
#define VMN_TCP_ACK 0x10
#define VMN_TCP_URG 0x20
#define VMN_TCP_ECE 0x40
#define VMN_TCP_CWR 0x80

/* Some values of VMN_F_IP_DSCP: the class selector of a precedence, 0 to 7
 * (RFC 2474, section 4.2.2), and expedited forwarding (RFC 3246). */
#define VMN_DSCP_CS(PRECEDENCE) ((PRECEDENCE) << 3)
#define VMN_DSCP_EF 46

/* Values of VMN_F_IP_ECN (RFC 3168, section 5). */
#define VMN_ECN_NONE 0
#define VMN_ECN_ECT1 1
#define VMN_ECN_ECT0 2
#define VMN_ECN_CE 3

/* Ethernet types. */
#define VMN_ETH_IPV4 0x0800
#define VMN_ETH_ARP 0x0806
#define VMN_ETH_IPV6 0x86dd

/* Protocols, as VMN_F_IP_PROTO and VMN_F_CT_NW_PROTO have them. */
#define VMN_IP_PROTO_ICMP 1
#define VMN_IP_PROTO_TCP 6
#define VMN_IP_PROTO_UDP 17
#define VMN_IP_PROTO_FRAGMENT 44 /* Of later fragments of IPv6. */
#define VMN_IP_PROTO_ICMPV6 58
#define VMN_IP_PROTO_SCTP 132

/* Types of ICMP (RFC 792). */
#define VMN_ICMP_ECHO_REPLY 0
#define VMN_ICMP_UNREACHABLE 3
#define VMN_ICMP_ECHO 8

/* Types of ICMPv6 (RFC 4443, sections 3 and 4; RFC 4861, section 4). */
#define VMN_ICMPV6_UNREACHABLE 1
#define VMN_ICMPV6_TOO_BIG 2
#define VMN_ICMPV6_ECHO 128
#define VMN_ICMPV6_ECHO_REPLY 129
#define VMN_ND_ROUTER_SOLICIT 133
#define VMN_ND_ROUTER_ADVERT 134
#define VMN_ND_SOLICIT 135
#define VMN_ND_ADVERT 136

/* Returns the Ethernet type of a family of IP, 4 or 6. */
static inline uint16_t
vmn_eth_type_of(uint8_t family)
{
    return family == 6 ? VMN_ETH_IPV6 : VMN_ETH_IPV4;
}

/* Each returns the field of that name of a family of IP, 4 or 6. */
static inline enum vmn_field
vmn_field_ip_src(uint8_t family)
{
    return family == 6 ? VMN_F_IPV6_SRC : VMN_F_IPV4_SRC;
}
static inline enum vmn_field
vmn_field_ip_dst(uint8_t family)
{
    return family == 6 ? VMN_F_IPV6_DST : VMN_F_IPV4_DST;
}
static inline enum vmn_field
vmn_field_icmp_type(uint8_t family)
{
    return family == 6 ? VMN_F_ICMPV6_TYPE : VMN_F_ICMPV4_TYPE;
}

/* Flows.  ----------------------------------------------------------------- */

/* Which hosts get a flow. */
enum vmn_scope_kind {
    VMN_SCOPE_ALL = 0,          /* Every host. */
    VMN_SCOPE_HOST = 1,         /* The host 'key'. */
    VMN_SCOPE_RELATION = 2,     /* The hosts that 'relation' has at 'key'. */
};

/* The hosts that get a flow or a group, as the functions below make it.  Its
 * texts are copied when it is used. */
struct vmn_scope {
    enum vmn_scope_kind kind;
    const char *relation;       /* Of VMN_SCOPE_RELATION; any app's. */
    const char *key;            /* Not of VMN_SCOPE_ALL. */
};

/* Returns the scope of every host. */
static inline struct vmn_scope
vmn_scope_all(void)
{
    return (struct vmn_scope) { VMN_SCOPE_ALL, NULL, NULL };
}

/* Returns the scope of one host, by its name.  Until there is a host of that
 * name nobody gets the flow. */
static inline struct vmn_scope
vmn_scope_host(const char *host)
{
    return (struct vmn_scope) { VMN_SCOPE_HOST, NULL, host };
}

/* Returns the scope of the hosts whose names 'relation' has at 'key'. */
static inline struct vmn_scope
vmn_scope_relation(const char *relation, const char *key)
{
    return (struct vmn_scope) { VMN_SCOPE_RELATION, relation, key };
}

/* Returns the scope of the hosts of a network (VMN_REL_NETWORK_HOSTS). */
static inline struct vmn_scope
vmn_scope_network(const char *network)
{
    return vmn_scope_relation(VMN_REL_NETWORK_HOSTS, network);
}

/* Returns true if routers join the networks of the domain with key 'domain'
 * (vmn_domain_of()). */
static inline bool
vmn_domain_is_routed(const char *domain)
{
    return domain[0] == '@';
}

/* Returns the scope of the hosts of the domain with key 'domain'. */
static inline struct vmn_scope
vmn_scope_domain(const char *domain)
{
    return vmn_scope_relation(vmn_domain_is_routed(domain)
                                  ? VMN_REL_DOMAIN_HOSTS
                                  : VMN_REL_NETWORK_HOSTS,
                              domain);
}

/* Adds a flow to table 'table' (0 is the first) of the app's stage 'stage'
 * (its index in the app's array).  'priority' is 1 to 65535; 0 belongs to the
 * stage's miss.  A flow that gets no action drops.  Never NULL: what is wrong
 * with the arguments fails the unit, as do more than 200,000 flows of it. */
struct vmn_flow *vmn_flow_add(struct vmn_emit *, struct vmn_scope,
                              unsigned stage, unsigned table,
                              uint16_t priority);

/* Has the flow counted: its packets, bytes and last hit, summed up over hosts,
 * are shown under the object that it belongs to.  It costs no other flow.
 * What drops is counted anyway; a flow with clauses cannot be. */
void vmn_flow_count(struct vmn_flow *);
/* Has the flow counted apart from other flows of the unit: 'part', not 0,
 * tells which of them it is, as the app likes (for vmn_flow_owner_fn, too).
 * Flows with equal parts are counted together; a flow has the same one as long
 * as it matches the same.  Not for one that drops, is logged, or matches
 * VMN_F_CONJ_ID. */
void vmn_flow_count_part(struct vmn_flow *, uint32_t part);

/* Has what the flow decides told as events, within a budget: of a flow that
 * drops all packets, of another those that open a connection, as far as
 * conntrack has said so by then.  It changes nothing about what becomes of
 * them. */
void vmn_flow_log(struct vmn_flow *);

/* Each has the flow match a field: all of 'value', or its bits that are 1 in
 * 'mask'.  A value that does not fit the field, a mask that it does not take,
 * and a field without the one that it depends on fail the unit. */
void vmn_match(struct vmn_flow *, enum vmn_field, uint64_t value);
void vmn_match_masked(struct vmn_flow *, enum vmn_field, uint64_t value,
                      uint64_t mask);
/* Matches an Ethernet address, of a field that has one. */
void vmn_match_mac(struct vmn_flow *, enum vmn_field, struct vmn_mac);
/* Matches the lowest 'n_bits' of a field (up to 32; 0: nothing): they must be
 * those of 'value'.  So one of 2, 4, 8... flows is for a host, by its
 * address. */
void vmn_match_low_bits(struct vmn_flow *, enum vmn_field, uint32_t value,
                        unsigned n_bits);
/* Match a prefix or an address, whose family must be the field's.  They imply
 * the field's Ethernet type, as every match on a field of one protocol
 * does. */
void vmn_match_prefix(struct vmn_flow *, enum vmn_field,
                      const struct vmn_prefix *);
void vmn_match_ip(struct vmn_flow *, enum vmn_field, const struct vmn_ip *);

/* Returns the flow's actions, which are done in the order in which they are
 * added.  Never NULL. */
struct vmn_actions *vmn_flow_actions(struct vmn_flow *);

/* Actions.  --------------------------------------------------------------- */

/* Each sets a field, or of its bits those that are 1 in 'mask'.  A field that
 * cannot be set, a value that does not fit, and a register that the stage may
 * not write (struct vmn_stage_class) fail the unit. */
void vmn_act_set(struct vmn_actions *, enum vmn_field, uint64_t value);
void vmn_act_set_masked(struct vmn_actions *, enum vmn_field, uint64_t value,
                        uint64_t mask);
void vmn_act_set_mac(struct vmn_actions *, enum vmn_field, struct vmn_mac);
void vmn_act_set_ip(struct vmn_actions *, enum vmn_field,
                    const struct vmn_ip *);
/* Copies field 'from' to field 'to', as many of the lowest bits as both
 * have. */
void vmn_act_move(struct vmn_actions *, enum vmn_field from,
                  enum vmn_field to);
/* Copies 'n_bits' bits, from bit 'from_bit' of one and 'to_bit' of the other
 * up (0 is the lowest), which both must have. */
void vmn_act_move_bits(struct vmn_actions *, enum vmn_field from,
                       unsigned from_bit, enum vmn_field to, unsigned to_bit,
                       unsigned n_bits);
/* Exchanges two fields of the same width. */
void vmn_act_swap(struct vmn_actions *, enum vmn_field, enum vmn_field);

/* Makes the TTL or hop limit one less.  It must be more than 1: match those
 * that are not first. */
void vmn_act_dec_ttl(struct vmn_actions *);

/* Sends a copy out of OpenFlow port 'ofport', 1 to 65279, or out of the one
 * that register 'reg' holds; the actions go on.  A switch sends nothing back
 * out of the port by which it came in. */
void vmn_act_output(struct vmn_actions *, uint32_t ofport);
void vmn_act_output_field(struct vmn_actions *, enum vmn_field reg);
/* Sends a copy back out of the port by which it came in. */
void vmn_act_output_in_port(struct vmn_actions *);
/* Forgets the input port, so that output to it is not suppressed. */
void vmn_act_clear_in_port(struct vmn_actions *);

/* Has the packet leave by queue 'queue' (0 to VMN_QUEUE_MAX) of whichever
 * interface it leaves by: a VIF, or what a host's tunnels go by.  Queues are
 * the host's (QoS and Queue of its database, vswitchd.conf.db(5)); where the
 * interface has none of that number, its default serves.  The kernel's
 * datapath knows queues below 61,440, the userspace datapath none.  It holds
 * on this host until it is set again or taken back. */
#define VMN_QUEUE_MAX 0xfffffffe
void vmn_act_set_queue(struct vmn_actions *, uint32_t queue);
/* Takes the queue back that was set since the packet came in, or since the
 * last vmn_act_ct() that it went on behind. */
void vmn_act_pop_queue(struct vmn_actions *);

/* Has a group do what it says: one of the unit's, or the one with a number of
 * VMN_ID_POOL_GROUP.  The actions go on with the packet as it was. */
void vmn_act_group(struct vmn_actions *, const struct vmn_group_msg *);
void vmn_act_group_id(struct vmn_actions *, uint32_t group_id);

/* Goes on at the first table of the next stage; ends the actions. */
void vmn_act_next(struct vmn_actions *);
/* Goes on at a later table of the app's own; ends the actions. */
void vmn_act_goto(struct vmn_actions *, unsigned stage, unsigned table);
/* Goes on at the first stage at a later hook, or behind it; ends the actions.
 * What is between is left out: see to it that the packet does not need it. */
void vmn_act_goto_hook(struct vmn_actions *, enum vmn_hook);
/* Each sends the packet itself on a detour, to the next stage or to a later
 * table of the app's own; then the actions go on with what has become of it:
 * registers and other fields that the detour has set stay set. */
void vmn_act_resubmit_next(struct vmn_actions *);
void vmn_act_resubmit(struct vmn_actions *, unsigned stage, unsigned table);
/* Each sends a copy of the packet there, and the actions go on with the packet
 * as it was: nothing that is set in the detour comes back, but for what NAT by
 * vmn_act_ct() makes of the packet.  Not in a bucket, which has a copy. */
void vmn_act_clone_next(struct vmn_actions *);
void vmn_act_clone(struct vmn_actions *, unsigned stage, unsigned table);

/* Goes on at any table of the app's own, also an earlier one or that of the
 * flow; ends the actions.  The switch gives up a packet that does so 64 times
 * (a group counts, too): see to it that it does not get there. */
void vmn_act_jump(struct vmn_actions *, unsigned stage, unsigned table);

/* Sends the packet through the pipeline anew, from the first table, as if it
 * had just come in; ends the actions.  Registers are zero, but for its
 * network, zones and flags, which say where one with VMN_FLAG_ROUTED is.  For
 * packets that will not come here again then: the switch drops those that go
 * in circles. */
void vmn_act_restart(struct vmn_actions *);

/* Drops, for a reason that operators are shown.  'reason' must be a string
 * literal, such as "spoofed".  Must be the only action, but for vmn_act_punt()
 * before it, and groups, which are to have copies for others. */
void vmn_act_drop(struct vmn_actions *, const char *reason);

/* Drops background, which nobody misses: what is dropped all the time where
 * all is well, and concerns none of ours.  It is counted as other drops
 * are, but shown only to those who ask for it.  A reason is background, or it
 * is not: give it by the same function everywhere. */
void vmn_act_drop_background(struct vmn_actions *, const char *reason);

/* Turns an ARP request into the reply "ip is at mac" and sends it back. */
void vmn_act_arp_reply(struct vmn_actions *, struct vmn_mac,
                       const struct vmn_ip *);

/* Sends a copy of the packet, as it is by then, up to the app's handler
 * 'handler' (its index in the app's array; vmn/packet.h), with 'arg' for its
 * use.  Of a longer packet only the first 'max_size' bytes come.
 *
 * Each costs the switch time in its slow path, so its datapath lets through
 * what vmnd takes in from one sender in a second: from a port, or of what
 * comes by a tunnel from an identity.  Of what is more there is no copy; that
 * changes nothing about what becomes of the packet. */
#define VMN_PUNT_ALL 65535
void vmn_act_punt(struct vmn_actions *, unsigned handler, uint32_t arg,
                  uint16_t max_size);

/* Has the switch remember the connection that the packet belongs to, once: its
 * network, the original tuple's addresses, protocol and port (of ICMP type and
 * code) and the local port it goes to.  It changes nothing about what becomes
 * of the packet, but the datapath's cache tells such connections apart from
 * then on.  Each host remembers at most VMN_CONNECTIONS_MAX connections for a
 * unit, as long as that has flows with this action; the controller reads them
 * (GET /v1/recommendations).
 *
 * The flow must match 'eth_type' (of IP), a valid VMN_F_CT_STATE, and, if it
 * is not 0, 'ip_proto': those of ICMP, of either family, and SCTP are learned
 * well only by flows of their own. */
#define VMN_CONNECTIONS_MAX 4096
void vmn_act_learn_connection(struct vmn_actions *, uint16_t eth_type,
                              uint8_t ip_proto);

/* Has the switch count the packet for a pair: its network and the local port
 * that it goes to (VMN_REG_NETWORK, VMN_REG_OUT_PORT), with the packet's IP
 * source; or, unless 'by_source', with all sources for which that is not
 * asked.  It changes nothing about what becomes of the packet, but the
 * datapath's cache tells such pairs apart from then on.  A pair is counted
 * from when the switch has learned it: not its very first packets, and then
 * all.  It is forgotten when it was silent for VMN_PAIR_IDLE_S seconds or the
 * unit has no flow left that counts pairs; of a unit at most VMN_PAIRS_MAX by
 * source and as many of other kind are counted on a host, and what is beyond
 * that is not.  There each new flow of the datapath's cache has the switch
 * look through what it has learned: so ask for 'by_source' only where
 * something bounds how many sources there are.  The controller reads pairs
 * (GET /v1/traffic).
 *
 * The flow must match 'eth_type', VMN_ETH_IPV4 or VMN_ETH_IPV6. */
#define VMN_PAIR_IDLE_S 300
#define VMN_PAIRS_MAX 2048
void vmn_act_count_pair(struct vmn_actions *, uint16_t eth_type,
                        bool by_source);

/* Has the switch learn neighbours in a provider network, which the app does
 * not know of, from their packets.  An ARP packet tells its sender's address,
 * a neighbour advertisement with a link-layer address its target, a
 * solicitation with one its sender: the flow must match that much
 * (VMN_F_ARP_OP, or the type and VMN_F_ND_TLL or VMN_F_ND_SLL in full or
 * masked with 0).  It is remembered for the packet's network
 * (VMN_REG_NETWORK), until it was not looked for in VMN_NEIGHBOUR_IDLE_S
 * seconds or the unit has no flow left that learns; of a unit at most
 * VMN_NEIGHBOURS_MAX on a host.  Another packet replaces its Ethernet address
 * at once.  For VMN_NEIGHBOUR_REACHABLE_S seconds after each the neighbour is
 * reachable, and then stale (RFC 4861, section 7.3.2): a flow that uses a
 * stale entry learns that it is probed, which makes it reachable for
 * VMN_NEIGHBOUR_RETRY_S seconds, and has a handler probe it
 * (vmn_neighbour_is_probed()). */
#define VMN_NEIGHBOUR_IDLE_S 300
#define VMN_NEIGHBOUR_REACHABLE_S 30
#define VMN_NEIGHBOUR_RETRY_S 1
#define VMN_NEIGHBOURS_MAX 4096
enum vmn_neighbour {
    VMN_NEIGHBOUR_ARP = 0,
    VMN_NEIGHBOUR_ADVERT = 1,
    VMN_NEIGHBOUR_SOLICIT = 2,
    VMN_NEIGHBOUR_PROBED = 3,   /* That of VMN_REG_NEIGHBOUR6 is probed. */
};
void vmn_act_learn_neighbour(struct vmn_actions *, enum vmn_neighbour);
/* Looks for a neighbour of the packet's network: its address is from
 * VMN_REG_NEIGHBOUR6 on in four registers, the first one holding its first
 * four bytes; that of IPv4 is in the last one, VMN_REG_NEIGHBOUR4, and the
 * others are 0.  The packet's Ethernet destination becomes the neighbour's, or
 * zero where it is not known, and VMN_REG_NEIGHBOUR_STATE becomes bits of
 * VMN_NEIGHBOUR_*, below; then the actions go on. */
#define VMN_REG_NEIGHBOUR4 VMN_F_REG15
#define VMN_REG_NEIGHBOUR6 VMN_F_REG12
#define VMN_REG_NEIGHBOUR_STATE VMN_F_REG10
#define VMN_NEIGHBOUR_REACHABLE 1u /* Or probed within the last second. */
#define VMN_NEIGHBOUR_PROBE 2u  /* It is probed, and expires soon. */
void vmn_act_find_neighbour(struct vmn_actions *);
/* What it becomes in place of zero, where a handler has said that the
 * neighbour is being asked for (vmn_neighbour_is_incomplete()). */
#define VMN_NEIGHBOUR_INCOMPLETE \
    ((struct vmn_mac) { { 0x0e, 0x56, 0x4d, 0xff, 0x00, 0x0f } })

/* Has the switch learn Ethernet addresses, which the app does not know of,
 * from packets: their sender's is remembered for the packet's network, with
 * 'value' (not 0), until it was not heard for VMN_MAC_AGE_S seconds, or
 * elsewhere, or the unit has no flow left that learns; of a unit at most
 * VMN_MACS_MAX on a host, and what is beyond that is not remembered. */
#define VMN_MAC_AGE_S 300
#define VMN_MACS_MAX 1024
void vmn_act_learn_mac(struct vmn_actions *, uint32_t value);
/* As 'value', with the OpenFlow number of an interface: the guest of the port
 * whose MAC address it is runs here, by that interface, though the port is
 * bound to another host.  Of a switch that it has not heard for a while, vmnd
 * reads that, as if a handler with 'tells_guest' had got the packet. */
#define VMN_MAC_OF_GUEST UINT32_C(0x80000000)
/* Sets VMN_REG_MAC_VALUE to what is remembered of the packet's Ethernet
 * destination, or to 0; then the actions go on. */
#define VMN_REG_MAC_VALUE VMN_F_REG11
void vmn_act_find_mac(struct vmn_actions *);

/* Has the switch remember that the packet's Ethernet source holds an address
 * of IPv6 in the packet's network (VMN_REG_NETWORK): the one in
 * VMN_REG_HOLDER6 and the three registers after it, of which the first has its
 * first four bytes.  It is remembered until it was not learned for
 * VMN_HOLDER_AGE_S seconds or the unit has no flow left that learns; of a unit
 * at most 'limit' addresses on a host.  The lowest bit of
 * VMN_REG_HOLDER_LEARNED says whether it is remembered now, and its others
 * become 0.  Several may hold an address: to find first whether another one
 * does is up to the app. */
#define VMN_HOLDER_AGE_S 65535
#define VMN_HOLDERS_MAX 4096
#define VMN_REG_HOLDER6 VMN_F_REG12
#define VMN_REG_HOLDER_LEARNED VMN_F_REG10
void vmn_act_learn_holder(struct vmn_actions *, uint32_t limit);
/* Sets VMN_REG_HOLDER to which sender holds the address in VMN_REG_HOLDER6, as
 * far as the switch remembers; then the actions go on. */
#define VMN_REG_HOLDER VMN_F_REG11
#define VMN_HOLDER_NONE 0u
#define VMN_HOLDER_OTHER 1u     /* Others than the packet's sender. */
#define VMN_HOLDER_SENDER 2u    /* The packet's sender. */
void vmn_act_find_holder(struct vmn_actions *);

/* Has the switch remember clients of a service, which are to keep what was
 * chosen for them: a value for (VMN_REG_ZONE, VMN_REG_CLIENT_SERVICE, the
 * packet's IP source), until it was not looked for in 'idle_s' seconds or the
 * unit has no flow left that learns; of a unit at most VMN_CLIENTS_MAX on a
 * host.  Learning it again changes the value, but not the seconds.  At
 * VMN_CLIENTS_MAX neither a new client nor another value is remembered.  So
 * what is found may be 0, or name what is no more: the app chooses anew then.
 *
 * Of clients, Ethernet addresses, members and neighbours an app finds only
 * what it has learned itself: the daemon adds a number of the app to their
 * keys.  So numbers that an app chooses need to be unique only within it.
 *
 * The flow must match 'eth_type'. */
#define VMN_CLIENTS_MAX 8192
#define VMN_REG_CLIENT_SERVICE VMN_F_REG12 /* A number of the app. */
struct vmn_client {
    uint16_t eth_type;          /* VMN_ETH_IPV4 or VMN_ETH_IPV6. */
    uint16_t idle_s;            /* Not 0. */
    enum vmn_field from;        /* The register that holds the value, which is
                                 * not 0. */
};
void vmn_act_learn_client(struct vmn_actions *, const struct vmn_client *);
/* Sets VMN_REG_CLIENT_VALUE to what is remembered for the packet's domain,
 * service and IP source, or to 0; then the actions go on. */
#define VMN_REG_CLIENT_VALUE VMN_F_REG11
void vmn_act_find_client(struct vmn_actions *);

/* Has the switch remember that a member of a multicast group is there: a value
 * for (VMN_REG_NETWORK, VMN_REG_MEMBER, the packet's IP destination), until it
 * was not learned for 'hard_s' seconds or the unit has no flow left that
 * learns.  What a member is the app says: a port, a host, whoever asks for all
 * groups.  Learning it again changes the value, and starts the time over;
 * packets for the group do not.  Of a unit at most 'limit' members are
 * remembered on a host, of flows with different ones each up to its own: what
 * is beyond that is not.  The lowest bit of VMN_REG_MEMBER_LEARNED says
 * whether it is, and its others become 0. */
#define VMN_MEMBERS_MAX 16384
#define VMN_REG_MEMBER VMN_F_REG12
#define VMN_REG_MEMBER_LEARNED VMN_F_REG10
struct vmn_member {
    uint16_t eth_type;          /* VMN_ETH_IPV4 or VMN_ETH_IPV6, which the flow
                                 * must match; 0: of any destination. */
    uint16_t hard_s;            /* Not 0. */
    uint32_t limit;             /* 1 to VMN_MEMBERS_MAX. */
    enum vmn_field from;        /* The register that holds the value. */
};
void vmn_act_learn_member(struct vmn_actions *, const struct vmn_member *);
/* Does the same with a value for one source alone (RFC 3376): for these, the
 * packet's IP source, and VMN_REG_MEMBER_LIST, by which the app tells lists of
 * sources apart.  'eth_type' is not 0. */
#define VMN_REG_MEMBER_LIST VMN_F_REG13
void vmn_act_learn_source(struct vmn_actions *, const struct vmn_member *);
/* Sets VMN_REG_MEMBER_VALUE to what is remembered of (VMN_REG_NETWORK,
 * VMN_REG_MEMBER) and any destination; or else of these, the packet's IP
 * source and destination, and VMN_REG_MEMBER_LIST; or else of these and the
 * packet's IP destination; then the actions go on.  Where nothing is
 * remembered the register is as it was: so several may be asked for, one after
 * the other.  Packets are told apart by their source only where something of
 * one is remembered; whoever learns sources sets VMN_REG_MEMBER_LIST before,
 * to UINT32_MAX, say, where no list has this number and none is asked for. */
#define VMN_REG_MEMBER_VALUE VMN_F_REG11
void vmn_act_find_member(struct vmn_actions *);

/* Sets or clears VMN_FLAG_LARGE: whether the IP packet has more than 'mtu'
 * bytes.  Of one that the guest leaves to be cut up (TCP segmentation
 * offload), what it is cut into counts.  Switches do this for each packet, so
 * it belongs only where something depends on it, and as late as may be. */
void vmn_act_check_size(struct vmn_actions *, uint32_t mtu);

/* Sets the lowest bits of register 'reg', as many as that takes, to one of 0
 * to 'n' - 1 by a hash of the packet's IP source: the same one for a client
 * each time.  With another 'basis' clients fall together otherwise.  The
 * datapath's cache has an entry for each client then.  Not in a bucket. */
#define VMN_HASH_CLIENT_MAX 65536
void vmn_act_hash_client(struct vmn_actions *, uint16_t basis,
                         enum vmn_field reg, uint32_t n);
/* Does the same by a hash of the packet's IP addresses and, of TCP, UDP and
 * SCTP, ports, which is that of both directions of a connection, on whichever
 * host ("symmetric_l3l4+udp" of ovs-actions(7)).  Where one of the 'n' goes
 * that is the last one, no others change; where one is added, one in 'n' + 1
 * of the connections gets it.  Later fragments have no ports, and other values
 * than the first.  The cache has an entry for each connection then.
 *
 * All apps have the same hash for the same 'basis': of connections that one
 * has spread by it another that chooses some by it may choose none, or all.
 * So who chooses some (to look at them) sets bit VMN_HASH_SAMPLE of 'basis',
 * and who spreads them leaves it clear. */
#define VMN_HASH_SAMPLE 0x8000
void vmn_act_hash_connection(struct vmn_actions *, uint16_t basis,
                             enum vmn_field reg, uint32_t n);

/* Lets 'rate' packets a second through, and up to 'burst' at once after a
 * rest, and drops what is more: nobody is told, but the actions after this one
 * are not done.  'key' names the limit, with its rate and burst; flows of the
 * app with equal ones share it, on each host for itself.  Switches do this for
 * each packet.  A flow has at most one, a bucket none. */
#define VMN_LIMIT_MAX 1000000
void vmn_act_limit(struct vmn_actions *, const char *key, uint32_t rate,
                   uint32_t burst);
/* Does the same by size: 'rate' kilobits (1,000 bits) a second, and up to
 * 'burst' kilobits at once.  A packet counts with its Ethernet header and
 * without its FCS, of a tunnel or VLAN tag only what it has here.  A burst
 * that is less than a packet lets none of that size through. */
#define VMN_LIMIT_KBPS_MAX 400000000
void vmn_act_limit_kbps(struct vmn_actions *, const char *key, uint32_t rate,
                        uint32_t burst);

/* Copies.  ---------------------------------------------------------------- */

/* Where a copy of a packet goes. */
enum vmn_copy_to {
    VMN_COPY_TO_TABLE = 0,      /* To a later table of the app's own. */
    VMN_COPY_TO_READERS = 1,    /* Up, to those who read the packets of an
                                 * object (GET /v1/packets). */
};

/* How copies go to an address outside, as Ethernet frames: in GRE, RFC 2784
 * with the key of RFC 2890 and protocol 0x6558; or in ERSPAN
 * (draft-foschiano-erspan-03). */
enum vmn_copy_encap { VMN_COPY_GRE = 0, VMN_COPY_ERSPAN = 1 };

/* The tunnel, with what ovs-fields(7) says of tun_erspan_idx and its kin.  The
 * direction, of version 2, is as the switch's port sees it: 0, ingress, of
 * what its guest sends, and 1, egress, of what that gets, by VMN_COPIED_TO of
 * VMN_REG_COPIED. */
struct vmn_copy_tunnel {
    enum vmn_copy_encap encap;
    struct vmn_ip remote;
    uint32_t key;               /* Of ERSPAN the session, 0 to 1023. */
    uint8_t erspan_ver;         /* 1: type II; 2: type III. */
    uint32_t erspan_idx;        /* Of version 1, 20 bits. */
    uint8_t erspan_hwid;        /* Of version 2, 6 bits. */
};
#define VMN_COPY_SESSION_MAX 1023
#define VMN_COPY_INDEX_MAX 0xfffff
#define VMN_COPY_HWID_MAX 63

/* What vmn_act_copy() and its kin do. */
struct vmn_copy {
    /* At most 'rate' copies a second, and 'burst' at once after a rest: as of
     * vmn_act_limit(), with whose key, rate and burst they may share it.  With
     * VMN_COPY_TO_TABLE there is none yet, and 'key' is NULL. */
    const char *key;
    uint32_t rate, burst;
    enum vmn_copy_to to;
    /* VMN_COPY_TO_TABLE. */
    unsigned stage, table;
    /* VMN_COPY_TO_READERS: those of object 'name' of the app's own type
     * 'type', its place in 'types' of struct vmn_app_class.  VMN_REG_COPIED
     * says whose packet it is. */
    unsigned type;
    const char *name;
    /* But for VMN_COPY_TO_TABLE: of a longer packet its first bytes. */
    uint16_t max_size;          /* VMN_COPY_SIZE_MIN to VMN_PUNT_ALL. */
};
#define VMN_COPY_SIZE_MIN 64
/* The most copies a second, of an object, that go up. */
#define VMN_COPY_RATE_MAX 2000

/* Of a copy for readers: the OpenFlow number of the port that has sent the
 * packet, or, with VMN_COPIED_TO, of the one that gets it. */
#define VMN_REG_COPIED VMN_F_REG11
#define VMN_COPIED_TO UINT32_C(0x80000000)

/* Sends a copy of the packet, as it is by then; the actions go on with the
 * packet as it was, whatever becomes of the copy.  To readers it is the flow's
 * only limit.  At a table the copy has come by no port, as by
 * vmn_act_clear_in_port(); a limit there is the copy's alone.  Not in a
 * bucket. */
void vmn_act_copy(struct vmn_actions *, const struct vmn_copy *);
/* Each is for such a table, as a flow's first action, and sends the copy out:
 * by OpenFlow port 'ofport', 1 to 65279, which is no patch port; or to an
 * address outside, from hosts that have the tunnel that VMN_REL_COPY_TUNNELS
 * has asked for: from others nothing leaves.  Of 'struct vmn_copy', 'key',
 * 'rate', 'burst' and 'max_size' count.  It is the flow's only limit: what is
 * more ends there. */
void vmn_act_copy_to_port(struct vmn_actions *, const struct vmn_copy *,
                          uint32_t ofport);
void vmn_act_copy_to_tunnel(struct vmn_actions *, const struct vmn_copy *,
                            const struct vmn_copy_tunnel *);
/* The same where all tunnels between hosts have addresses of the family of
 * 'remote' (VMN_REL_TUNNEL_FAMILIES).  Then those of the tunnel by which a
 * packet has come need not be cleared, and the kernel's datapath has a flow
 * for what is copied (see vmn_forget_tunnel()). */
void vmn_act_copy_to_same_family(struct vmn_actions *,
                                 const struct vmn_copy *,
                                 const struct vmn_copy_tunnel *);

/* Connections.  ----------------------------------------------------------- */

/* Where a packet goes on after connection tracking. */
enum vmn_ct_then { VMN_CT_STOP = 0, VMN_CT_NEXT = 1, VMN_CT_TABLE = 2 };

/* What vmn_act_ct() does. */
struct vmn_ct {
    bool commit;                /* The connection is remembered. */
    enum vmn_field zone;        /* A register whose low 16 bits hold it. */
    bool nat;                   /* Apply NAT that the connection has. */
    /* With commit and nat, what becomes of the connection: its destination is
     * 'dnat' (and 'dnat_port', if that is not 0), or its source is one of
     * 'snat' to 'snat_last' (family 0: 'snat' alone) with a port of the
     * switch's choosing, its own if that is free.  Family 0: neither. */
    struct vmn_ip dnat;
    uint16_t dnat_port;
    struct vmn_ip snat;
    struct vmn_ip snat_last;
    enum vmn_ct_then then;      /* STOP: the actions go on, untracked. */
    unsigned stage;             /* For VMN_CT_TABLE, the app's own. */
    unsigned table;
    bool mark;                  /* With commit: the connection's mark becomes
                                 * what register 'mark_from' holds. */
    enum vmn_field mark_from;
};

/* Sends the packet through connection tracking, which sets VMN_F_CT_STATE and
 * the other fields of the connection for the flows behind it.  Ends the
 * actions, unless 'then' is VMN_CT_STOP.  What contradicts itself (both NATs,
 * a zone that is no register, a mark without a commit) fails the unit; so does
 * a commit in VMN_REG_ZONE at a hook before VMN_HOOK_UNBALANCE, unless the app
 * is one of VMN's own: what is there the policies have let in. */
void vmn_act_ct(struct vmn_actions *, const struct vmn_ct *);
/* Does what vmn_act_ct() does, which commits and has a 'snat': the
 * connection's source port is its own if that is one of 'first' to 'last', and
 * else one of these of the switch's choosing.  'first' is not 0, and 'last'
 * not less. */
void vmn_act_ct_snat_ports(struct vmn_actions *, const struct vmn_ct *,
                           uint16_t first, uint16_t last);

/* Contributes clause 'clause' (1 to n_clauses, 2 or 3) of conjunction 'id'.  A
 * flow with such actions has no others, and may be emitted by several units:
 * the switch gets one flow with all of their clauses.  A conjunction needs a
 * flow that matches its conj_id: of packets that match all clauses of one
 * without it, a switch finds no flow with a match of these at any priority. */
void vmn_act_conjunction(struct vmn_actions *, uint32_t id, unsigned clause,
                         unsigned n_clauses);

/* Groups.  ---------------------------------------------------------------- */

/* What a group does: each of its buckets, with a copy of the packet; or one of
 * them, by a hash (SELECT), or the first one whose port is up (FAILOVER,
 * fast_failover of OpenFlow 1.5, section 5.10). */
enum vmn_group_type {
    VMN_GROUP_ALL = 0,
    VMN_GROUP_SELECT = 1,
    VMN_GROUP_FAILOVER = 2
};

/* Adds a group.  'key' names it among the app's groups: the group's number is
 * that of (VMN_ID_POOL_GROUP, key).  One unit only may emit it.  Never
 * NULL. */
struct vmn_group_msg *vmn_group_add(struct vmn_emit *, struct vmn_scope,
                                    enum vmn_group_type, const char *key);
/* Adds a bucket, and returns its actions; a group has 4,096 at most.
 * 'bucket_id' is another one for each of the group.  'weight' matters in a
 * SELECT group, which hashes the 5-tuple by dp_hash, or what
 * vmn_group_hash_client() says. */
struct vmn_actions *vmn_bucket_add(struct vmn_group_msg *, uint32_t bucket_id,
                                   uint16_t weight);
/* Counts the packets that take the bucket as part 'part' (not 0) of the unit's
 * flows, as vmn_flow_count_part() those that match a flow; several buckets may
 * be of one part.  A change of the group ends what switches count for its
 * buckets: packets of about the last second before it are not counted. */
void vmn_bucket_count_part(struct vmn_actions *bucket, uint32_t part);
/* Has the bucket of a FAILOVER group be taken only while the port with number
 * 'ofport' is up; each of its buckets needs one.  That is for instance
 * VMN_PEER_OFPORT() of a host that is watched by BFD, so that the switch
 * itself goes over to the next bucket when that host fails, or
 * VMN_TUNNEL_OFPORT, which is up always.  A port that is not there is
 * down. */
void vmn_bucket_watch(struct vmn_actions *bucket, uint32_t ofport);
/* Has a SELECT group hash the IP source alone, of packets of 'family' (4 or 6;
 * all others get one and the same bucket).  So a client gets the same bucket
 * whatever it opens, as long as that is there and weights stay: where a bucket
 * goes, only its own clients get others.  Unlike dp_hash it takes no further
 * pass through the datapath, but an entry in its cache for each client. */
void vmn_group_hash_client(struct vmn_group_msg *, unsigned family);

/* Answers for addresses that are in switches only.  ----------------------- */

/* Where, and for whom: local senders of network 'vni' are told 'mac' by flows
 * of priorities from 'priority' to 'priority' + 20.  Solicitations of IPv6
 * that ask whether the one that has 'mac' is still there go to 'handler' with
 * 'arg': it answers them by vmn_nd_advert_build(). */
struct vmn_arp_nd_responder {
    struct vmn_scope scope;
    unsigned stage;
    unsigned table;
    uint16_t priority;
    uint32_t vni;
    struct vmn_mac mac;
    unsigned handler;
    uint32_t arg;
};
/* Has ARP and neighbour discovery for 'ip' answered. */
void vmn_arp_nd_respond(struct vmn_emit *, const struct vmn_arp_nd_responder *,
                        const struct vmn_ip *ip);

#ifdef __cplusplus
}
#endif

#endif /* vmn/flow.h */
