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
};

/* Tables of STAGE_ADMIT. */
enum {
    ADMIT_CLASSIFY,             /* Input port -> network, or tunnel. */
    ADMIT_TUNNEL,               /* Out of a tunnel: VNI -> network. */
    ADMIT_SOURCE,               /* Out of a tunnel: source -> identity. */
    ADMIT_GUARD,                /* Local: is the sender who it says? */
    ADMIT_N_TABLES
};
enum {
    CLASSIFY_VLAN = 200,
    CLASSIFY_PORT = 100,
    CLASSIFY_STRANGER = 50,     /* A tunnel packet of no known host. */

    TUNNEL_NETWORK = 100,

    SOURCE_PAIR = 200,          /* Plus the prefix length. */
    SOURCE_OWN = 100,

    GUARD_OWN = 100,
    GUARD_SPOOFED = 20,

    PRIORITY_LAST = 1,          /* Catches the rest, in any table. */
};

/* Priorities in STAGE_SERVICE, whose one table answers ARP. */
enum {
    SERVICE_REMOTE = 300,       /* Answered where it came from. */
    SERVICE_SELF = 200,         /* Asks for an address of its own. */
    SERVICE_ANSWER = 100,
    SERVICE_QUARANTINE = 70,
    SERVICE_FLOOD = 50,         /* Only the guests know. */
    SERVICE_REPLY = 50,
    SERVICE_UNKNOWN = 10,
};

/* Priorities in STAGE_LOCATE. */
enum {
    LOCATE_GROUP_TUNNEL = 400,  /* Multicast out of a tunnel. */
    LOCATE_GROUP = 390,         /* Multicast of a local port. */
    LOCATE_LOCAL = 300,
    LOCATE_LOCAL_PAIR = 280,
    LOCATE_SHARED_TUNNEL = 270, /* A MAC that several ports may use. */
    LOCATE_NOT_HERE = 250,      /* Never from tunnel to tunnel. */
    LOCATE_REMOTE = 200,
    LOCATE_SHARED = 195,
    LOCATE_REMOTE_PAIR = 190,
};

/* Tables of STAGE_DELIVER. */
enum {
    DELIVER_OUT,                /* Local port, flood, or tunnel. */
    DELIVER_TUNNEL,             /* Host number -> tunnel. */
    DELIVER_N_TABLES
};
enum {
    OUT_HAIRPIN = 300,
    OUT_LOCAL = 200,
    OUT_FLOOD = 100,
    OUT_ALONE = 50,             /* A flood without another host. */

    TUNNEL_OWN = 110,
    TUNNEL_HOST = 100,
};

/* Relations. */
#define REL_LOCAL "overlay.local"       /* NETWORK|HOST -> port. */
#define REL_ASKED "overlay.asked"       /* NETWORK|PREFIX -> port. */
#define REL_ASKS "overlay.asks"         /* NETWORK -> "", if ARP crosses it. */
#define REL_PAIR "overlay.pair"         /* NETWORK|PREFIX|MAC -> port. */
#define REL_MAC "overlay.mac"           /* NETWORK|MAC -> port. */
#define REL_SHARED "overlay.shared"     /* NETWORK -> MAC of several. */

/* What the flows of a port need to know. */
struct site {
    const struct vmn_port *port;
    const struct vmn_network *network;
    uint32_t identity;          /* 0: none. */
    const char *host;           /* Where it is, or NULL. */
    uint32_t ofport;            /* Its number there, or 0. */
    const char *candidate;      /* Where it may be next, or NULL. */
    uint32_t candidate_ofport;  /* Its number there, or 0. */
};

/* Fills in 'site' for port 'name'; false if the port can have no flows. */
bool site_read(struct vmn_view *, const char *name, struct site *);
/* Emits what takes packets for 'mac' to the port. */
void site_locate(struct vmn_view *, struct vmn_emit *, const struct site *,
                 struct vmn_mac mac, bool is_own);

/* The MAC that goes with an allowed address. */
struct vmn_mac pair_mac(const struct vmn_port *,
                        const struct vmn_address_pair *);
/* False if the port may use its allowed address 'i' anyway, or if it is not
 * IPv4. */
bool pair_is_new(const struct vmn_port *, size_t i);
/* True if no allowed address before 'i' has the same MAC, and neither has the
 * port itself. */
bool pair_has_new_mac(const struct vmn_port *, size_t i);
/* Sets '*prefixes' to all that the port may send from with 'mac', in the
 * fewest prefixes; returns how many. */
size_t port_prefixes(struct vmn_view *, const struct vmn_port *,
                     struct vmn_mac mac, struct vmn_prefix **prefixes);
void publish_pairs(struct vmn_view *, struct vmn_emit *, const struct site *);

/* Network-wide registers of a packet that has just come in. */
void network_registers(struct vmn_view *, struct vmn_actions *,
                       const struct vmn_network *);

/* Matches the network, as every flow after the admit stage must that concerns
 * one. */
static inline void
match_network(struct vmn_flow *flow, const struct vmn_network *network)
{
    vmn_match(flow, VMN_REG_NETWORK, network->vni);
}

/* The flow's only action: a drop. */
static inline void
drop(struct vmn_flow *flow, const char *reason)
{
    vmn_act_drop(vmn_flow_actions(flow), reason);
}

/* text.c: keys of relations. */
const char *mac_to_text(struct vmn_view *, struct vmn_mac);
bool mac_from_text(const char *, struct vmn_mac *);
const char *prefix_to_text(struct vmn_view *, const struct vmn_prefix *);
bool prefix_from_text(const char *, struct vmn_prefix *);
/* Cuts a copy of 'key' at each '|'; false unless there are 'n' parts. */
bool key_split(struct vmn_view *, const char *key, const char *parts[],
               size_t n);
bool mac_is_none(struct vmn_mac);
bool mac_equal(struct vmn_mac, struct vmn_mac);

/* Units. */
void compile_base(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_host(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_network(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_port(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_flood(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_asked(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_pair(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_mac(struct vmn_view *, const char *key, struct vmn_emit *);

#endif /* apps/overlay/overlay.h */
