/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the multicast app share: its type, stages, tables and
 * priorities, what switches remember, and for how long.
 *
 * Switches themselves remember who is a member of which group
 * (vmn_act_learn_member()), from reports, each for a time.  So nothing of it
 * is state of the controller's: joins and leaves change no row and no unit,
 * and restarts and takeovers of vmnd lose none of it.
 *
 * vmnd's part is to ask (querier.c) and to take apart those reports that a
 * switch cannot (IGMPv3, MLDv2, leaves): it sends on what it has found in
 * messages of one group each, which the switch learns from as from those of
 * IGMPv2 and MLDv1.  Since the queries are of these versions, guests answer
 * them in these.
 *
 * Not so where sources are told apart: queries are of IGMPv3 and MLDv2, and
 * what guests answer goes up.  Of a group a port has then either nothing, or
 * all, or a list of sources: VALUE_ALL is what goes for those that are not in
 * it.  The list has a number, and its sources are remembered under that; so
 * one that takes its place is in effect at once, and what is left of the
 * former is never found, until it is forgotten.  Sources under the number 0
 * come on top of any list, and so do those of other hosts. */

#ifndef APPS_MULTICAST_H
#define APPS_MULTICAST_H 1

#include "vmn/app.h"

/* The app's type. */
#define ROW_NETWORK VMN_ROW_OWN(0)

/* overlay's: NETWORK|HOST -> port that is there, or whose candidate the host
 * is. */
#define REL_LOCAL "overlay.local"
/* Relations: network -> objects that are for it; */
#define REL_SETTINGS "multicast.settings"
/* port with flows of its own -> its network; */
#define REL_PORTS "multicast.ports"
/* VNI -> provider network of an object, as handlers find it of what comes from
 * the physical network; */
#define REL_WIRES "multicast.wires"
/* object -> whether it is in effect, and not another one of its network. */
#define REL_IN_EFFECT "multicast.in-effect"

/* An object of type "multicast-networks". */
struct multicast_network {
    struct vmn_object object;
    const char *network;
    bool flood_unregistered;
    int idle_timeout;           /* Seconds. */
    struct vmn_ip querier_ip;   /* Family 0: nobody's. */
    size_t n_routers;
    const char *const *routers; /* Ports that lead to one. */
    bool learn_routers;         /* So does any that sends queries. */
    bool source_filtering;      /* Guests may say from whom they want a
                                 * group's packets. */
};

enum stage {
    STAGE_SNOOP,                /* Reports and queries of local ports, and what
                                 * other hosts say of theirs. */
    STAGE_RELAY,                /* What is said to other hosts. */
    STAGE_FILTER,               /* Copies of a flood for local ports. */
    STAGE_SEND,                 /* Those for several, and for other hosts. */
};

enum handler {
    HANDLER_REPORT,             /* What the switch does not take apart. */
    HANDLER_QUERIER,
};

/* Tables of all stages but STAGE_RELAY, which has one.  Hooks have few tables,
 * so what a packet goes through is steps in one table, told apart by a
 * register, and those of detours, from which it comes back, in another.
 * STAGE_SNOOP alone has the last one, for detours of detours. */
enum { TABLE_IN, TABLE_STEPS, TABLE_DETOURS, N_TABLES, TABLE_TO_ROUTER = 3 };

enum step {
    /* Of STAGE_SNOOP: */
    STEP_IGMP = 1,              /* Of a group: a report, or a query of a
                                 * router. */
    STEP_LEARN,                 /* A message of a local port. */
    STEP_UNWANTED,              /* A source is not wanted: of which list? */
    STEP_LEARNED,               /* Was there room for it? */
    STEP_RELAY,                 /* To other hosts? */
    STEP_LEFT,                  /* Is another port here a member... */
    STEP_LAST_LEFT,             /* ...or was it the last one? */
    STEP_TICK,                  /* Queries are being sent... */
    STEP_HOLD,                  /* ...for long enough? */
    STEP_TELL,                  /* Are other hosts to be told? */
    /* Of STAGE_FILTER and STAGE_SEND: */
    STEP_ACTIVE,                /* Are members known? */
    STEP_REGISTERED,            /* Has the group any? */
    STEP_TO,                    /* To whom the copy is. */
    STEP_OUT,
    /* Detours.  In STAGE_SNOOP and STAGE_FILTER: is REG_MEMBER a member, then
     * REG_ANY becomes 1. */
    DETOUR_CHECK,
    DETOUR_SEEN,
    DETOUR_LISTED,              /* Is the source one of the list? */
    DETOUR_HOST,                /* In STAGE_SEND: are a host's members... */
    DETOUR_KNOWN,               /* ...known? */
    /* In STAGE_SNOOP: a message to each port here, in REG_ANY, that leads to a
     * router. */
    DETOUR_ROUTERS,
    DETOUR_OVER,                /* The same: there was no room. */
    DETOUR_WIRE,                /* To the physical network. */
    DETOUR_TO_ROUTER,
};

enum {
    PRIORITY_WIRE = 210,        /* From the physical network, before all that
                                 * is of ports: some of those are external. */
    PRIORITY_MESSAGE = 200,     /* Between hosts, and of vmnd. */
    PRIORITY_QUERY = 150,
    PRIORITY_LINK = 120,        /* Groups of the link: always flooded. */
    PRIORITY_PUNT = 110,
    PRIORITY_PORT = 100,
    PRIORITY_FIRST = 60,
    PRIORITY_NETWORK = 50,
    PRIORITY_REST = 10,
};

/* Registers of all stages.  What find_member() asks for, and what it finds: */
#define REG_MEMBER VMN_REG_MEMBER       /* 12 */
#define REG_IS_MEMBER VMN_REG_MEMBER_VALUE /* 11 */
#define REG_LEARNED VMN_REG_MEMBER_LEARNED /* 10 */
#define REG_VALUE VMN_F_REG13           /* What is learned. */
#define REG_LIST VMN_REG_MEMBER_LIST    /* 13 as well: of which list. */
#define REG_ANY VMN_F_REG14             /* One of several is a member; or the
                                         * port that a copy is for. */
#define REG_STEP VMN_F_REG15
#define SCRATCH (VMN_SCRATCH(VMN_F_REG10) | VMN_SCRATCH(VMN_F_REG11)    \
                 | VMN_SCRATCH(VMN_F_REG12) | VMN_SCRATCH(VMN_F_REG13)  \
                 | VMN_SCRATCH(VMN_F_REG14) | VMN_SCRATCH(VMN_F_REG15))

/* Members, of a group or of all.  A port is its OpenFlow number, a host its
 * number and this: */
#define MEMBER_HOST 0x40000000u
/* a port that leads to a router is there with this as well; and a host with
 * the second one while its members are known: */
#define MEMBER_ROUTER 0x20000000u
#define MEMBER_KNOWN 0x10000000u
/* Nobody: where a step or detour goes on with some of many ports, from this
 * and the first one's place on; and how a detour gets there. */
#define PART_FROM 0x08000000u
#define PART_TO 0x04000000u
/* These are not members, but the network's: it is known who they are here; for
 * how long has that been asked; a group has some; and other hosts were told
 * the first. */
#define MEMBER_ACTIVE 0x80000001u
#define MEMBER_ASKED 0x80000002u
#define MEMBER_HOLD 0x80000003u
#define MEMBER_REGISTERED 0x80000004u
#define MEMBER_TOLD 0x80000005u

/* What is remembered of a port and a group: whether it gets the packets of
 * any source, or those of who is in no list; and whether there is a list, the
 * number of which is in the bits from LIST_SHIFT on, this one among them. */
#define VALUE_ALL 1u
#define VALUE_LISTED 0x80000000u
#define LIST_SHIFT 8
#define LIST_BITS 24
/* No list has it. */
#define LIST_NONE UINT32_MAX

/* Each port is asked so often, and answers within so many tenths of a second
 * (RFC 2236, section 8: query interval, and query response interval). */
#define QUERY_S 30
#define RESPONSE_DS 20
/* How many times others say again what may get lost (RFC 3376, section
 * 8.1). */
#define ROBUSTNESS 2
/* Queries go on: at most one was left out, as when another vmnd takes over. */
#define ASKED_S 65
/* From the first query on, until each member has been heard. */
#define HOLD_S 40
/* When queries end, a member was asked ASKED_S ago at most.  All is flooded
 * again before it could be forgotten.  That is no matter of the object's
 * idle_timeout: what has been learned keeps its time-out where that changes
 * (OFPFC_MODIFY). */
#define KNOWN_S (IDLE_MIN_S - ASKED_S - 5)
/* Other hosts are told no more often. */
#define TOLD_S 20
/* Who gets all groups (RFC 3376, section 8.5, is 255 s). */
#define ALL_S 300
#define IDLE_MIN_S 150
#define IDLE_MAX_S 3600

/* Groups of a port, and of all other hosts, that a host remembers; and how
 * much it does with what is not about one group. */
#define PORT_GROUPS_MAX 256
#define PORT_MEMBERS_MAX 400
/* Of a port: so many sources, if it is in no group; there is room for some
 * groups beside them. */
#define PORT_SOURCES_MAX 256
#define PORT_LISTED_MAX 384     /* Groups, where there are sources. */
#define HOST_GROUPS_MAX 8192
#define HOST_MEMBERS_MAX VMN_MEMBERS_MAX

/* The network's object that is in effect, or NULL: groups are flooded.
 * 'network' is filled in. */
const struct multicast_network *settings_of(struct vmn_view *,
                                            const char *name,
                                            const struct vmn_network **);

/* Whether the network is on a physical one: hosts say nothing to each other,
 * and what guests say goes there. */
static inline bool
is_on_wire(const struct vmn_network *network)
{
    return network->provider.physical;
}

/* Whether the network may have a router, that hears reports: else nobody looks
 * for one. */
static inline bool
may_have_routers(const struct multicast_network *row)
{
    return row->n_routers || row->learn_routers;
}

static const uint8_t families[] = { 4, 6 };
#define N_FAMILIES (sizeof families / sizeof families[0])

/* Of messages that guests send, and of copies that nobody here wants. */
#define REASON_SNOOPED "IGMP or MLD, snooped"
#define REASON_NO_MEMBER "multicast without a member here"
/* Of messages that say so. */
#define REASON_OVER "multicast groups or sources without room"

static const struct vmn_prefix all_groups4 = { { 4, { 224 } }, 4 };
static const struct vmn_prefix all_groups6 = { { 6, { 0xff } }, 8 };

/* 224.0.0.0/24 and ff02::/16: groups of the link (RFC 4541, sections 2.1.2 and
 * 3). */
static inline struct vmn_prefix
link_groups(uint8_t family)
{
    static const struct vmn_prefix v4 = { { 4, { 224 } }, 24 };
    static const struct vmn_prefix v6 = { { 6, { 0xff, 0x02 } }, 16 };

    return family == 6 ? v6 : v4;
}

/* Adds a flow of a network, on its hosts. */
static inline struct vmn_flow *
network_flow(struct vmn_emit *emit, const struct vmn_network *network,
             unsigned stage, unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), stage, table, priority);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    return flow;
}

static inline unsigned
table_of(enum step step)
{
    return (step < DETOUR_CHECK ? TABLE_STEPS
            : step < DETOUR_TO_ROUTER ? TABLE_DETOURS : TABLE_TO_ROUTER);
}

/* Adds the flow of a step, or of a detour's. */
static inline struct vmn_flow *
step_flow(struct vmn_emit *emit, const struct vmn_network *network,
          unsigned stage, enum step step, uint16_t priority)
{
    struct vmn_flow *flow = network_flow(emit, network, stage,
                                         table_of(step), priority);

    vmn_match(flow, REG_STEP, step);
    return flow;
}

/* Goes on with a step; ends the actions. */
static inline void
go_on(struct vmn_actions *actions, unsigned stage, enum step step)
{
    vmn_act_set(actions, REG_STEP, step);
    vmn_act_jump(actions, stage, table_of(step));
}

/* Is a step's end: nothing becomes of the packet, or of a detour. */
static inline void
stop(struct vmn_actions *actions)
{
    vmn_act_set(actions, REG_STEP, 0);
}

/* Is the end of a message that has been taken in.  It is dropped, unless
 * copies of it have gone elsewhere. */
static inline void
taken(struct vmn_actions *actions, bool copied)
{
    if (copied) {
        stop(actions);
    } else {
        vmn_act_drop_background(actions, REASON_SNOOPED);
    }
}

/* Has the actions look for 'member'; what was found before is forgotten. */
static inline void
look_for(struct vmn_actions *actions, uint32_t member)
{
    vmn_act_set(actions, REG_IS_MEMBER, 0);
    vmn_act_set(actions, REG_MEMBER, member);
    vmn_act_find_member(actions);
}

/* What is said of lists must not come late, which a message does that a switch
 * has in its cache.  So each is another one there: these fields have its
 * number (group_frame_build()). */
static inline void
tell_apart(struct vmn_actions *actions, uint16_t eth_type)
{
    vmn_act_move_bits(actions, VMN_F_IP_TTL, 0, REG_IS_MEMBER, 0, 8);
    vmn_act_move_bits(actions, eth_type == VMN_ETH_IPV6 ? VMN_F_IPV6_SRC
                      : VMN_F_IPV4_SRC, 0, REG_IS_MEMBER, 8, 16);
}

/* Looks at the sources of the list that was found of a port and a group. */
static inline void
look_at_list(struct vmn_actions *actions)
{
    vmn_act_move(actions, REG_IS_MEMBER, REG_LIST);
    vmn_act_set_masked(actions, REG_LIST, 0, (1u << LIST_SHIFT) - 1);
}

/* snooping.c */
/* Says to other hosts whose message it is: that of the host 'number'. */
void sign(struct vmn_actions *, uint32_t number);
void learn_own(struct vmn_actions *, uint32_t member, uint32_t hard_s);
void learn_all(struct vmn_actions *, uint32_t limit);
void learn_message(struct vmn_actions *, const struct multicast_network *,
                   uint16_t eth_type, uint32_t limit);
void learn_listed(struct vmn_actions *, const struct multicast_network *,
                  uint16_t eth_type, uint32_t limit);
void take_list(struct vmn_actions *);
void learn_source(struct vmn_actions *, const struct multicast_network *,
                  uint16_t eth_type, uint32_t limit);
/* Tells routers on this host a message, if there may be any: which port leads
 * to one is asked of each.  Returns false if there are none. */
bool clone_to_routers(struct vmn_actions *, const struct multicast_network *);
/* Gives a packet the Ethernet destination of its group. */
void group_mac(struct vmn_actions *, uint8_t family);
/* Has vmnd take a message apart, of which copies may have gone elsewhere; ends
 * the actions. */
void punt(struct vmn_flow *, bool copied);
void compile_settings(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_routers(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_network(struct vmn_view *, const char *key, struct vmn_emit *);

/* members.c: the ports of a network on one host, and one of them. */
void compile_host(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_port(struct vmn_view *, const char *key, struct vmn_emit *);

/* physical-network.c: provider networks. */
/* Sends a copy of what a guest has said to the physical network.  Returns
 * false if its network is on none. */
bool clone_to_wire(struct vmn_actions *, const struct vmn_network *);
void wire_of_network(struct vmn_view *, struct vmn_emit *,
                     const struct vmn_network *);
/* Emits what becomes of messages from the physical network on a host. */
void wire_on_host(struct vmn_view *, struct vmn_emit *,
                  const struct multicast_network *,
                  const struct vmn_network *, const char *host);
/* Emits how a port's messages leave for it. */
void wire_of_port(struct vmn_emit *, const struct vmn_network *,
                  const char *host, const struct vmn_port *, uint32_t ofport);
/* Returns the provider network from which a packet has come, with its object;
 * NULL if it has not come from a physical network. */
const struct multicast_network *wire_of_packet(struct vmn_view *,
                                               const struct vmn_packet_in *,
                                               const struct vmn_network **);

/* copies.c */
/* A port on a host that gets copies of floods. */
struct receiver {
    uint32_t ofport;            /* Never 0. */
    uint32_t identity;
    uint32_t isolation;         /* As VMN_QUERY_ISOLATION has it. */
};
void copies_of_network(struct vmn_view *, struct vmn_emit *,
                       const struct multicast_network *,
                       const struct vmn_network *);
/* 'to' is sorted by isolation and identity. */
void copies_on_host(struct vmn_emit *, const struct vmn_network *,
                    const char *host, const struct receiver *to, size_t n);
/* Emits the detour DETOUR_CHECK of a stage. */
void detour_check(struct vmn_emit *, const struct vmn_network *,
                  unsigned stage);

/* querier.c */
void handle_report(struct vmn_view *, const struct vmn_packet_in *,
                   struct vmn_packets_out *);
void handle_querier(struct vmn_view *, const struct vmn_packet_in *,
                    struct vmn_packets_out *);

#endif /* apps/multicast/multicast.h */
