/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the overlay app share: its stages, tables, priorities and
 * relations.  docs/pipeline.md describes the tables. */

#ifndef APPS_OVERLAY_H
#define APPS_OVERLAY_H 1

#include "vmn/app.h"

enum overlay_stage {
    STAGE_ADMIT,
    STAGE_SERVICE,
    STAGE_LOCATE,
    STAGE_DELIVER,
    STAGE_DESTINATION,          /* Is the frame's destination the packet's? */
};

enum overlay_handler {
    HANDLER_OVERSIZED,          /* Sends ICMP errors to senders of packets that
                                 * are too large. */
    HANDLER_GUEST,              /* A guest runs where its port migrates to. */
    HANDLER_ANNOUNCE,           /* A port has come to another host. */
    HANDLER_PATH,               /* Probes of paths, for vmnd. */
};

/* How much of a packet HANDLER_GUEST gets: nobody looks at it. */
#define GUEST_QUOTED_MAX 64

/* Tables of STAGE_ADMIT. */
enum {
    ADMIT_CLASSIFY,             /* Input port -> network, or tunnel. */
    ADMIT_TUNNEL,               /* From a tunnel: VNI -> network. */
    ADMIT_SOURCE,               /* From a tunnel: source -> identity. */
    ADMIT_GUARD,                /* From a port: is its source address
                                 * allowed? */
    ADMIT_ND,                   /* From a port: so with neighbour discovery? */
    ADMIT_HOLDER,               /* Is a link-local address another port's? */
    ADMIT_N_TABLES
};
enum {
    CLASSIFY_TRUNK = 230,       /* Between a sub-port and its parent. */
    CLASSIFY_EXTERNAL = 220,    /* From an external network, restarted. */
    CLASSIFY_PROVIDER_AGAIN = 215, /* From a physical network, restarted
                                    * without its tag. */
    CLASSIFY_PROVIDER = 210,
    CLASSIFY_PROVIDER_OTHER = 205,
    CLASSIFY_PRIORITY_TAG = 201,
    CLASSIFY_VLAN = 200,
    CLASSIFY_ROUTED = 150,      /* Routed, and restarted. */
    CLASSIFY_MIGRATING = 110,   /* From where a port migrates to. */
    CLASSIFY_PORT = 100,
    CLASSIFY_SECOND_TUNNEL = 99, /* By the host's second tunnel address. */
    CLASSIFY_UNKNOWN_HOST = 50, /* From a tunnel, not of a known host. */
    CLASSIFY_BFD = 40,          /* The switch's own, by a peer's port. */

    TUNNEL_ASKED_TO = 130,      /* Sent to a port, from the other host that
                                 * it has while it migrates, */
    TUNNEL_TOLD_TO = 125,       /* or back from there; */
    TUNNEL_TOLD = 120,          /* sent by it, the same, */
    TUNNEL_ASKED = 110,         /* or from there. */
    TUNNEL_NETWORK = 100,

    SOURCE_SNOOPED = 515,       /* A host's message about its members. */
    SOURCE_GATEWAY = 510,       /* From an external network, by a gateway. */
    SOURCE_OWN_FLOOD = 505,     /* A local port's flood that comes back. */
    SOURCE_SPOOFED = 500,       /* From a physical network, with a local port's
                                 * MAC. */
    SOURCE_PAIR = 300,          /* Plus the prefix length. */
    SOURCE_OWN = 280,
    SOURCE_OWN_EXTERNAL = 279,  /* An external port's link-local address. */
    SOURCE_DHCP = 270,          /* A DHCP client without an address. */
    SOURCE_ROUTED_PAIR = 20,    /* Plus twice the prefix length, plus 1 in the
                                 * network of a port that is isolated. */
    SOURCE_MAC = 15,            /* By its MAC address: whether it is
                                 * isolated. */
    SOURCE_EXTERNAL_LINK_LOCAL = 11, /* Any other from a physical network,
                                      * from such an address. */
    SOURCE_EXTERNAL = 10,       /* Any other from a physical network. */
    SOURCE_ARP = 5,             /* Any other ARP from another host. */

    GUARD_NO_MESSAGE = 170,     /* As if of a host, about its members. */
    GUARD_SERVED = 160,         /* For a server in the controller. */
    GUARD_SERVED_CHOSEN = 159,  /* From an address that the guest chose. */
    GUARD_DHCP_SERVER = 158,    /* From a port with 'dhcp_server'... */
    GUARD_DHCP_SERVER_UNKNOWN = 151, /* ...and guests behind it. */
    GUARD_UNSUPPORTED = 150,    /* ICMPv6 that has no receiver here. */
    GUARD_SERVER = 150,         /* What only servers send. */
    GUARD_OWN = 100,
    GUARD_FUNCTION_THROUGH = 49, /* A probe that has passed through it. */
    GUARD_FUNCTION_ND = 48,
    GUARD_FUNCTION = 47,        /* Forwarded by a service function. */
    GUARD_UNKNOWN_OWN = 45,     /* With a MAC of the port's. */
    GUARD_UNKNOWN = 40,         /* From a guest behind the port. */
    GUARD_LINK_LOCAL = 35,      /* Chosen by a guest with IPv6. */
    GUARD_PORT = 30,            /* Anything else of a port with IPv6. */
    GUARD_RESERVED = 26,        /* Addresses that no guest makes up. */
    GUARD_FORMER = 25,          /* For a server, from any address. */
    GUARD_UNADDRESSED = 24,     /* From a guest without address. */
    GUARD_SPOOFED = 20,

    ND_MALFORMED = 1700,        /* Without a target. */
    ND_CLAIMED_MAC = 1600,      /* From a guest behind a port, with a claimed
                                 * MAC. */
    ND_CLAIMED_TARGET = 1300,   /* Plus twice the prefix length, plus 1 if the
                                 * port is allowed it. */
    ND_CLAIMED = 1000,          /* Plus the same. */
    ND_UNKNOWN = 210,
    ND_OWN = 100,
    ND_LINK_LOCAL = 90,         /* Of an address that a guest chose. */
    ND_SPOOFED = 20,

    HOLDER_LEARNED = 400,       /* The switch remembers the holder. */
    HOLDER_KNOWN = 395,         /* It does so already, and no more. */
    HOLDER_TOO_MANY = 390,
    HOLDER_RESERVED = 300,      /* Another's, whether that uses it or not. */
    HOLDER_FIXED = 290,         /* Nothing is remembered of it. */
    HOLDER_FREE = 200,          /* No one's, or the sender's. */
    HOLDER_OUTSIDE = 150,       /* A machine's on the physical network. */
    HOLDER_OTHER = 100,

    PRIORITY_LAST = 1,          /* Matches all other packets, in any table. */
};

/* Priorities in STAGE_DESTINATION. */
enum {
    DESTINATION_GROUP = 100,
    DESTINATION_UNICAST = 50,
};

/* Tables of STAGE_SERVICE, which answers ARP and neighbour discovery. */
enum {
    SERVICE_REQUEST,
    SERVICE_ND_REPLY,           /* Turns a solicitation into a reply. */
    SERVICE_N_TABLES
};
enum {
    SERVICE_THROUGH = 320,      /* A probe through a function. */
    SERVICE_PROVIDER = 310,     /* The guests reply. */
    SERVICE_REMOTE = 300,       /* The sender's host has replied. */
    SERVICE_SELF = 200,         /* For an address of its own. */
    SERVICE_QUARANTINE_DIRECT = 160,
    SERVICE_DIRECT = 150,       /* Unicast, to one neighbour. */
    SERVICE_ANSWER = 100,
    SERVICE_ISOLATED = 99,      /* Not for the one that asks. */
    SERVICE_QUARANTINE = 70,
    SERVICE_FLOOD = 50,         /* Only the guests know the address. */
    SERVICE_REPLY = 50,
    SERVICE_EXTERNAL = 20,      /* Flooded to the physical network, too. */
    SERVICE_UNKNOWN = 10,

    ND_REPLY_SELF = 200,        /* As SERVICE_SELF. */
    ND_REPLY_DAD = 100,         /* Duplicate address detection. */
    ND_REPLY_NO_LLADDR = 95,    /* Without link-layer address. */
    ND_REPLY_SOLICITED = 90,
};

/* Tables of STAGE_LOCATE. */
enum {
    LOCATE_DESTINATION,         /* Destination -> local port or host. */
    LOCATE_LEARNED,             /* Does the same with learned MACs. */
    LOCATE_COPY,                /* Each copy of a flood for a local port, and
                                 * all that is for one that not everybody may
                                 * talk with. */
    LOCATE_N_TABLES
};
enum {
    LOCATE_ROUTER = 410,        /* For a router itself, or an external
                                 * network. */
    LOCATE_GROUP_TUNNEL = 400,  /* Multicast from a tunnel. */
    LOCATE_GROUP = 390,         /* Multicast from a local port. */
    LOCATE_LOCAL = 300,
    LOCATE_LOCAL_PAIR = 280,
    LOCATE_SHARED_TUNNEL = 270, /* A MAC that several ports may use. */
    LOCATE_UNKNOWN_REMOTE = 260, /* As LOCATE_UNKNOWN, from another host. */
    LOCATE_NOT_HERE = 250,      /* Never from tunnel to tunnel. */
    LOCATE_REMOTE = 200,
    LOCATE_SHARED = 195,
    LOCATE_REMOTE_PAIR = 190,
    LOCATE_UNKNOWN = 3,         /* Perhaps for a guest behind a port. */
    LOCATE_EXTERNAL = 2,        /* To the physical network. */

    LEARNED_PART = 420,         /* A part of a flood. */
    LEARNED_PART_REST = 410,    /* The same of what is not IP. */
    LEARNED_MIGRATED = 360,     /* To a guest that runs where its port
                                 * migrates to. */
    LEARNED_MIGRATING_REMOTE = 350, /* It does not run there yet. */
    LEARNED_MIGRATING = 340,
    LEARNED_OWN = 330,          /* Belongs to a port after all. */
    LEARNED_HERE_TUNNEL = 320,  /* From a tunnel. */
    LEARNED_HERE = 300,
    LEARNED_MISS_REMOTE = 260,  /* From another host, and not learned: to all
                                 * local ports with 'unknown'. */
    LEARNED_NOT_HERE = 250,
    LEARNED_ELSEWHERE = 200,
    LEARNED_MISS_LOCAL = 100,   /* To the same, and to other hosts. */
    LEARNED_MISS = 50,

    COPY_PART = 120,            /* A part of a flood: back to LEARNED_PART. */
    COPY_HAIRPIN = 110,
    COPY_TO_SENDER = 100,
    COPY_PROMISCUOUS = 95,
    COPY_COMMUNITY = 90,
    COPY_ISOLATED_GROUP = 85,   /* Of a broadcast or multicast. */
    COPY_ISOLATED = 80,
};

/* Tables of STAGE_DELIVER. */
enum {
    DELIVER_OUT,                /* Local port, flood, or tunnel. */
    DELIVER_TUNNEL,             /* Host number -> tunnel. */
    DELIVER_N_TABLES
};
enum {
    OUT_FUNCTION_HERE = 330,    /* To the port of a service function. */
    OUT_COPY_CHECKED = 325,     /* A copy for a port on another host. */
    OUT_FUNCTION = 320,         /* As OUT_FUNCTION_HERE, on another host. */
    OUT_PATH_REFERENCE = 316,   /* A probe of a path, at once back. */
    OUT_PATH_PROBE = 315,       /* The same to another host. */
    OUT_COPIES = 310,           /* A flood's copy for several ports. */
    OUT_HAIRPIN = 300,
    OUT_PROVIDER_HERE = 255,    /* For a port here, as if from there. */
    OUT_PROVIDER = 250,
    OUT_NO_PROVIDER = 240,
    OUT_BOTH_REMOTE = 220,      /* Another host has made the copies. */
    OUT_BOTH_EXTERNAL = 215,    /* As below, what comes from outside. */
    OUT_BOTH_HERE = 210,        /* To the port, and where it migrates to. */
    OUT_LOCAL = 200,
    OUT_BOTH = 150,             /* To both hosts of a port that migrates. */
    OUT_UNKNOWN_FLOOD = 110,    /* With its port's VNI. */
    OUT_FLOOD = 100,
    OUT_FLOOD_ONE_HOST = 50,    /* A flood of which no other host is a part. */
    OUT_UNKNOWN = 20,           /* With its port's VNI. */
    OUT_CHECK_SIZE = 10,        /* Is it small enough for the tunnel? */

    TUNNEL_LARGE = 120,
    TUNNEL_LARGE_ANY = 115,
    TUNNEL_OWN_FLOOD = 112,     /* A flood's bucket for the host itself. */
    TUNNEL_OWN = 110,
    TUNNEL_SECONDARY = 105,     /* To a host's second address. */
    TUNNEL_HOST = 100,
};

/* Relations. */
/* NETWORK|HOST -> port that is there, or whose candidate the host is. */
#define REL_LOCAL "overlay.local"
#define REL_ARP_FLOODED "overlay.arp-flooded" /* NETWORK|PREFIX -> port. */
/* NETWORK -> "", where ARP requests are flooded. */
#define REL_FLOODS_ARP "overlay.floods-arp"
#define REL_FLOODS_ND "overlay.floods-nd" /* The same for solicitations. */
#define REL_PAIR "overlay.address-pair" /* NETWORK|PREFIX|MAC -> port. */
/* DOMAIN|PREFIX -> port. */
#define REL_ROUTED_PAIR "overlay.routed-address-pair"
#define REL_MAC "overlay.allowed-mac"   /* NETWORK|MAC -> port. */
#define REL_SHARED "overlay.shared"     /* NETWORK -> MAC of several ports. */
#define REL_PROVIDER "overlay.provider" /* NETWORK|HOST -> port.  Of provider
                                         * networks, and also on hosts that are
                                         * a port's candidate. */
#define REL_EXTERNAL "overlay.external" /* DOMAIN -> router that leads to an
                                         * external network. */
#define REL_TRANSIT "overlay.transit"   /* ROUTER|HOST -> "", where its transit
                                         * network is let in. */
/* "4" or "6" -> hosts with tunnel addresses of that family only. */
#define REL_TUNNEL_FAMILY "overlay.tunnel-family"
/* FAMILY|RANK -> hosts whose first, RANK 1, or second, 2, tunnel address is of
 * that family; those of them that receive Geneve. */
#define REL_TUNNEL_RANK "overlay.tunnel-rank"
#define REL_GENEVE_RANK "overlay.geneve-rank"
/* "" -> the largest packet that the tunnels of a host carry. */
#define REL_HOST_MTU "overlay.host-mtu"
/* Of ports with 'unknown' that are on a host. */
#define REL_UNKNOWN "overlay.unknown"   /* NETWORK -> "". */
#define REL_UNKNOWN_HOSTS "overlay.unknown-hosts" /* NETWORK -> host. */
#define REL_UNKNOWN_PORTS "overlay.unknown-ports" /* NETWORK -> port; overlay
                                                   * networks. */
#define REL_CLAIM_HOSTS "overlay.claim-hosts" /* NETWORK -> host, where
                                               * claims are checked. */
#define REL_GENEVE "overlay.geneve"     /* "" -> hosts that receive Geneve. */
/* NETWORK -> community with ports, or ISOLATED_PORTS; of networks with
 * isolation. */
#define REL_ISOLATED "overlay.isolated"
#define ISOLATED_PORTS ""

/* NETWORK -> port with 'dhcp_server'. */
#define REL_DHCP_SERVERS "overlay.dhcp-servers"

/* ID pool of what VMN_QUERY_ISOLATION says: NETWORK|COMMUNITY, or
 * NETWORK|ISOLATED_PORTS. */
#define ID_POOL_ISOLATION "overlay.isolation"

/* What the flows of a port need. */
struct port_ctx {
    const struct vmn_port *port;
    const struct vmn_network *network;
    const char *domain;         /* The network's. */
    uint32_t zone;              /* The domain's, if needed. */
    uint32_t identity;          /* 0: none. */
    uint32_t isolation;         /* As VMN_QUERY_ISOLATION has it. */
    const char *host;           /* Where it is bound, or NULL. */
    uint32_t ofport;            /* Its OpenFlow number there, or 0. */
    const char *candidate;      /* The host that it migrates to, or NULL. */
    uint32_t candidate_ofport;  /* Its OpenFlow number there, or 0. */
    const char *former;         /* The host that it has migrated from, which
                                 * has no interface of it any more, or
                                 * NULL. */
    bool activated;             /* Its guest has migrated from there. */
};

/* Fills in 'ctx' for port 'name'.  Returns false if the port can have no
 * flows. */
bool port_ctx_read(struct vmn_view *, const char *name, struct port_ctx *);
/* Emits flows that deliver packets for 'mac' to the port. */
void locate_port(struct vmn_view *, struct vmn_emit *, const struct port_ctx *,
                 struct vmn_mac mac, bool is_own);

/* Returns the MAC of an allowed address. */
struct vmn_mac pair_mac(const struct vmn_port *,
                        const struct vmn_address_pair *);
/* Returns false if the port may use its allowed address 'i' anyway. */
bool pair_is_new(const struct vmn_port *, size_t i);
/* Returns true if neither the port itself nor an allowed address before 'i'
 * has the same MAC. */
bool pair_has_new_mac(const struct vmn_port *, size_t i);
/* Sets '*prefixes' to all that the port may send from with 'mac', in the
 * fewest prefixes.  Returns how many. */
size_t port_prefixes(struct vmn_view *, const struct vmn_port *,
                     struct vmn_mac mac, struct vmn_prefix **prefixes);
void publish_pairs(struct vmn_view *, struct vmn_emit *,
                   const struct port_ctx *);

/* Returns true if the port may use any IPv6 address. */
bool port_has_ipv6(const struct vmn_port *);
/* Sets '*ips' to the port's own addresses: its 'ips', and the link-local one
 * of a port that has IPv6.  Returns how many. */
size_t port_ips(struct vmn_view *, const struct vmn_port *,
                struct vmn_ip **ips);

/* Matches the network, as every flow after the admit stage must that belongs
 * to one. */
static inline void
match_network(struct vmn_flow *flow, const struct vmn_network *network)
{
    vmn_match(flow, VMN_REG_NETWORK, network->vni);
}

/* Matches the domain instead, if routers make no difference. */
static inline void
match_domain(struct vmn_flow *flow, uint32_t zone)
{
    vmn_match(flow, VMN_REG_ZONE, zone);
}

#define ETH_RARP 0x8035
#define RARP_REQUEST 3          /* "Request reverse". */

/* Of an Ethernet address: it is a group's, not one neighbour's. */
#define GROUP_BIT (UINT64_C(1) << 40)

/* Drops the packet, as the flow's only action. */
static inline void
drop(struct vmn_flow *flow, const char *reason)
{
    vmn_act_drop(vmn_flow_actions(flow), reason);
}

/* Of what comes from a physical network for none of ours. */
#define REASON_OTHERS "for others on the physical network"

/* Of a flood's copies that would go back to the port, or the host, that it
 * comes from. */
#define REASON_TO_SENDER "copy of a flood to its sender"
/* The same where no port gets copies: those that there are are quarantined,
 * say, or excepted. */
#define REASON_NOBODY "flood that no port here gets"

/* The same of background. */
static inline void
drop_background(struct vmn_flow *flow, const char *reason)
{
    vmn_act_drop_background(vmn_flow_actions(flow), reason);
}

/* transit.c: emits what a domain needs for a router's external network. */
void external_of_domain(struct vmn_view *, struct vmn_emit *,
                        const char *domain);

/* trunk.c: emits flows between a sub-port and its parent, on 'ctx->host'. */
void trunk_of_port(struct vmn_view *, struct vmn_emit *,
                   const struct port_ctx *);

/* migration.c: a port that has a candidate, or a former host. */
/* Emits flows that send what is for the port to both of its hosts. */
void copies_of_migration(struct vmn_view *, struct vmn_emit *,
                         const struct port_ctx *);
/* Has 'flow', which classifies packets from the candidate's interface, match
 * those that say that the guest runs there; and tell so, and learn it if it
 * was not there before. */
void classify_migrating(const struct port_ctx *, struct vmn_flow *);
/* Emits flows that deliver packets to the port on the candidate, where its
 * guest was not before, once it is learned that it runs there. */
void locate_on_candidate(struct vmn_view *, struct vmn_emit *,
                         const struct port_ctx *);
/* Has each of both hosts take what the other one asks, and what comes back
 * (VMN_REL_ASKING_PORTS). */
void ask_other_host(struct vmn_view *, struct vmn_emit *,
                    const struct port_ctx *);
/* Lets the announcement of the guest on to an app that takes it on the host of
 * 'ctx' (VMN_REL_RARP_PORTS). */
void guard_announcement(struct vmn_view *, struct vmn_emit *,
                        const struct port_ctx *);

/* isolated-ports.c: ports that not all of their network may talk with. */
/* In STAGE_LOCATE, for LOCATE_COPY: what VMN_QUERY_ISOLATION says of the port
 * that the packet, or the copy, is for.  Nobody asks for what was learned by
 * then. */
#define REG_DST_ISOLATION VMN_REG_MAC_VALUE
/* Returns what VMN_QUERY_ISOLATION says of the port. */
uint32_t isolation_of_port(struct vmn_view *, const struct vmn_port *,
                           const struct vmn_network *);
/* Returns the number of whichever of the ports in the network has sent what
 * any of them may send: what bound ones have in common, or that of isolated
 * ports, which may talk with the fewest. */
uint32_t isolation_of_any(struct vmn_view *, struct vmn_names ports,
                          const struct vmn_network *);
static inline bool
has_isolation(const struct vmn_network *network)
{
    return network->isolation != VMN_ISOLATION_NONE;
}

/* Publishes what the port has in common with others. */
void isolation_publish(struct vmn_emit *, const struct port_ctx *);
/* Says of the packet's source what is said of the port, if that is
 * anything. */
void isolation_of_source(struct vmn_actions *, const struct port_ctx *);
/* Says that nobody's source is isolated, where one of the port was. */
void isolation_of_nobody(struct vmn_actions *, const struct port_ctx *);
/* Has a packet for the port, whose registers say so, go on, unless its sender
 * may not talk with the port.  Ends the actions of LOCATE_DESTINATION or
 * LOCATE_LEARNED. */
void isolation_next(struct vmn_actions *, const struct port_ctx *);
/* Returns how many kinds of senders may talk with the port. */
int isolation_n_askers(const struct port_ctx *);
/* Matches those of kind 'i', from 0; for a port with whom all may talk,
 * everybody. */
void isolation_match_asker(struct vmn_flow *, const struct port_ctx *, int i);
/* Drops what others ask. */
void isolation_refuse_askers(struct vmn_flow *);
/* Has what 'flow' matches, of nobody's address, be for promiscuous ports
 * alone. */
void isolation_of_probes(struct vmn_view *, struct vmn_flow *,
                         const struct vmn_network *);
/* Emits a flow that identifies the sender by a MAC address, if nothing else
 * has: in overlays of ARP alone. */
void isolation_of_mac(struct vmn_emit *, const struct port_ctx *,
                      struct vmn_mac);
void eval_isolation(struct vmn_view *, const char *key, struct vmn_value *);
void compile_isolated(struct vmn_view *, const char *key, struct vmn_emit *);

/* tunnels.c */
/* Sets the registers of a packet that has just arrived; 'zone' is that of the
 * network's domain. */
void network_registers(struct vmn_view *, struct vmn_actions *,
                       const struct vmn_network *, uint32_t zone);
/* Emits flows that send packets whose VMN_REG_DST_HOST is 'to' to all of
 * 'hosts'. */
void flood_add(struct vmn_view *, struct vmn_emit *,
               const struct vmn_network *, uint32_t to,
               struct vmn_names hosts);

/* flood.c: drops the copy of a flood that goes back to its sender, the port,
 * which is on 'ctx->host'. */
void flood_to_sender(struct vmn_emit *, const struct port_ctx *);

/* flood.c: after local copies, forwards a packet from a local port to the
 * physical network of a provider network; of others, to the hosts that
 * VMN_REG_DST_HOST means by 'hosts'. */
void flood_forward(struct vmn_actions *, const struct vmn_network *,
                   uint32_t hosts);

/* mac-learning.c: ports with 'unknown', and the guests behind them. */
/* Returns the VNI of what is behind the port (VMN_PORT_VNI_KEY). */
uint32_t port_vni(struct vmn_view *, const struct vmn_port *);
bool has_unknown(struct vmn_view *, const struct vmn_network *);
void unknown_of_port(struct vmn_view *, struct vmn_emit *,
                     const struct port_ctx *);
/* Does the same for flows on 'ctx->host'. */
void unknown_of_port_here(struct vmn_view *, struct vmn_emit *,
                          const struct port_ctx *);
/* Lets the flow learn the sender's MAC as behind the port, and continue. */
void unknown_learn(struct vmn_view *, const struct port_ctx *,
                   struct vmn_flow *);
void unknown_of_network(struct vmn_view *, struct vmn_emit *,
                        const struct vmn_network *);
void unknown_of_provider(struct vmn_view *, struct vmn_emit *,
                         const struct vmn_network *, const char *host,
                         uint32_t uplink);
/* After local copies, forwards a packet for a MAC that was not learned to
 * other hosts. */
void unknown_forward(struct vmn_actions *, const struct vmn_network *);
/* Sends floods of such guests through 'group', too, where VMN_REG_DST_HOST is
 * 'to'. */
void unknown_flood(struct vmn_view *, struct vmn_emit *,
                   const struct vmn_network *, uint32_t to,
                   struct vmn_group_msg *group);

/* claimed-addresses.c: addresses with a meaning, and who may not use them. */
/* In REG_CHECK: what of a packet is checked. */
#define REG_CHECK VMN_F_REG10   /* A scratch register in STAGE_ADMIT. */
#define CHECK_ANNOUNCED 1u      /* The address that ARP or ND announces. */
#define CHECK_IP 2u             /* The source address. */
#define CHECK_MAC 4u            /* The source MAC. */
/* Returns true if the port is allowed a prefix, which may include addresses of
 * others. */
bool port_has_prefix(const struct vmn_port *);
/* Has claims checked on the port's host, if the port could violate any. */
void claims_are_checked(struct vmn_emit *, const struct port_ctx *);
void claims_of_port(struct vmn_view *, struct vmn_emit *, const char *name);
void claims_of_network(struct vmn_view *, struct vmn_emit *,
                       const struct vmn_network *);
/* Emits what the port, and guests behind it, are allowed on 'ctx->host' in
 * spite of claims. */
void claims_but_for_port(struct vmn_view *, struct vmn_emit *,
                         const struct port_ctx *);

/* provider.c: provider networks. */
static inline bool
is_provider(const struct vmn_network *network)
{
    return network->provider.physical != NULL;
}

void provider_of_host(struct vmn_view *, struct vmn_emit *,
                      const struct vmn_host *);
void provider_of_network(struct vmn_emit *, const struct vmn_network *);
void provider_guard_port(struct vmn_view *, struct vmn_emit *,
                         const struct port_ctx *);
void provider_return(struct vmn_view *, struct vmn_emit *,
                     const struct port_ctx *, struct vmn_mac);
void provider_self(struct vmn_emit *, const struct port_ctx *,
                   const struct vmn_ip *);

/* tunnel-mtu.c: packets that are too large for tunnels. */
void tunnel_mtu_base(struct vmn_view *, struct vmn_emit *);
void tunnel_mtu_of_vni(struct vmn_view *, struct vmn_emit *,
                       const char *domain, uint32_t vni, uint32_t mtu);
/* What the tunnels of a host can carry, and the query of the minimum. */
void tunnel_mtu_of_host(struct vmn_view *, struct vmn_emit *,
                        const struct vmn_host *);
void eval_mtu(struct vmn_view *, const char *key, struct vmn_value *);
void handle_announce(struct vmn_view *, const struct vmn_packet_in *,
                     struct vmn_packets_out *);
void handle_oversized(struct vmn_view *, const struct vmn_packet_in *,
                      struct vmn_packets_out *);

/* arp-responder.c: ARP. */
void arp_of_address(struct vmn_emit *, const struct port_ctx *,
                    const struct vmn_ip *);
/* Drops what a guest asks for its own address, on its host. */
void arp_base(struct vmn_emit *);
void arp_self(struct vmn_view *, struct vmn_emit *, const struct port_ctx *,
              const struct vmn_ip *);

/* port-security.c: what the port may send from, on its host. */
void port_security(struct vmn_view *, struct vmn_emit *,
                   const struct port_ctx *);

/* nd-responder.c: answers of neighbour discovery. */
void nd_base(struct vmn_emit *);
struct vmn_flow *nd_flow_add(struct vmn_emit *, unsigned stage, unsigned table,
                             uint16_t priority, uint8_t type);
void nd_of_address(struct vmn_emit *, const struct port_ctx *,
                   const struct vmn_ip *);
void nd_of_network(struct vmn_view *, struct vmn_emit *,
                   const struct vmn_network *);
void nd_of_port(struct vmn_view *, struct vmn_emit *,
                const struct port_ctx *);
void nd_of_quarantined(struct vmn_emit *, const struct port_ctx *);

/* nd-port-security.c: what a port may say in neighbour discovery. */
void nd_security_base(struct vmn_emit *);
void nd_security_target(struct vmn_emit *, const struct port_ctx *,
                        struct vmn_mac, const struct vmn_prefix *);
void nd_security_mac(struct vmn_emit *, const struct port_ctx *,
                     struct vmn_mac);
void nd_security_port(struct vmn_emit *, const struct port_ctx *);

/* dhcp-ra-guard.c */
void dhcp_guard_base(struct vmn_view *, struct vmn_emit *);
void match_dhcp_server(struct vmn_flow *, uint8_t family);
void served_of_network(struct vmn_view *, struct vmn_emit *,
                       const struct vmn_network *);
void dhcp_client_of_port(struct vmn_view *, struct vmn_emit *,
                         const struct port_ctx *);
void dhcp_client_source(struct vmn_view *, struct vmn_emit *,
                        const struct port_ctx *);

/* group-frames.c */
void group_frames_base(struct vmn_emit *);
void group_frames_of_network(struct vmn_emit *, const struct vmn_network *);

/* multicast-guard.c */
void snooped_of_network(struct vmn_view *, struct vmn_emit *,
                        const struct vmn_network *);

/* unaddressed.c: guests that have no address, or made one up. */
void unaddressed_base(struct vmn_emit *);

/* link-local.c: link-local addresses that guests choose. */
extern const struct vmn_prefix link_local_prefix;
/* Find the holder of a packet's source, of its target, or of the target of
 * duplicate address detection, for ADMIT_HOLDER, where the packet goes next or
 * by way of ADMIT_ND. */
void link_local_check_source(struct vmn_actions *);
void link_local_check_target(struct vmn_actions *);
void link_local_check_dad(struct vmn_actions *);
void link_local_base(struct vmn_emit *);
/* Keeps guests of the network from choosing 'prefix', if it is an address that
 * one might choose. */
void link_local_reserve(struct vmn_emit *, const struct vmn_network *,
                        const struct vmn_prefix *);
/* Has the hosts of the network remember what the port's guest chooses. */
void link_local_of_port(struct vmn_emit *, const struct port_ctx *);
/* Lets the port use what its guest chooses, on 'ctx->host'. */
void link_local_security(struct vmn_emit *, const struct port_ctx *);

/* Units. */
void compile_base(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_host(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_path_probes(struct vmn_view *, const char *key,
                         struct vmn_emit *);
void compile_watching_host(struct vmn_view *, const char *key,
                           struct vmn_emit *);
void compile_network(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_port(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_flood(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_external(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_floating_ip(struct vmn_view *, const char *key,
                         struct vmn_emit *);
void compile_transit(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_provider(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_claimed(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_arp_flooded(struct vmn_view *, const char *key,
                         struct vmn_emit *);
void compile_pair(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_routed_pair(struct vmn_view *, const char *key,
                         struct vmn_emit *);
void compile_domain(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_mac(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_handed_port(struct vmn_view *, const char *key,
                         struct vmn_emit *);
void compile_function_port(struct vmn_view *, const char *key,
                           struct vmn_emit *);

#endif /* apps/overlay/overlay.h */
