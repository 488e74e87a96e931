/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of what hosts report, and of what else is found out: a part of
 * vmn/rows.h, which includes it. */

#ifndef VMN_ROWS_OBSERVED_H
#define VMN_ROWS_OBSERVED_H 1

#include "vmn/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a port is.  Stored, since other hosts' flows read it. */
struct vmn_binding {
    struct vmn_row row;         /* Named as the port. */
    const char *host;           /* Active: where its packets go. */
    const char *candidate;      /* Also claims it, or NULL. */
    bool activated;             /* Its guest has moved here from the candidate,
                                 * which still has the interface. */
    const char *former;         /* Its guest has moved here from that host,
                                 * which has dropped the interface; or NULL.
                                 * For a while: what only its switch knows can
                                 * be asked for. */
};

/* An interface on a host that carries an iface-id.  Concerns that host
 * alone, so it is not stored.
 *
 * "HOST/@PHYSICAL" is the integration bridge's end of what leads to the host's
 * bridge for that physical network.  No port has such an iface-id. */
struct vmn_vif {
    struct vmn_row row;         /* HOST/IFACE-ID. */
    const char *host;
    const char *iface_id;
    const char *iface;          /* The Interface's name. */
    uint32_t ofport;            /* OpenFlow port number, never 0. */
    bool link_up;
    uint32_t tag_ofport;        /* Of a sub-port: the number of the other end,
                                 * where its parent's tagged frames go; else
                                 * 0. */
    bool cut_off;               /* Of one to a physical network: the hosts that
                                 * watch this one (VMN_REL_WATCHED_HOSTS) do
                                 * not reach it. */
};

/* What a host has last reported of the interface that its tunnels go by, if
 * its row names one. */
struct vmn_underlay {
    struct vmn_row row;
    uint32_t mtu;               /* In bytes; 0: not known. */
    const char *datapath_id;    /* Of its bridge, 16 hexadecimal digits; or
                                 * NULL: not known. */
};

/* What is known of a backend by probing and by what it still has to do; or of
 * what an app has probed (vmn/probes.h).  One that has no such row and is
 * probed has not answered yet. */
enum vmn_health_state {
    VMN_HEALTH_UP = 0,
    VMN_HEALTH_DOWN = 1,
    VMN_HEALTH_DRAINED = 2,     /* Its drain is over. */
};

/* The row that says so. */
struct vmn_health {
    struct vmn_row row;         /* BALANCER/PORT, or @TARGET/PORT. */
    const char *loadbalancer;   /* NULL: it is of a target. */
    const char *port;
    enum vmn_health_state state;
    const char *target;         /* A key of VMN_REL_PROBE_TARGETS, or NULL. */
};

/* What came of asking DNS for the addresses of a name. */
enum vmn_fqdn_state {
    VMN_FQDN_RESOLVED = 0,
    VMN_FQDN_NO_ADDRESS = 1,    /* The name has none. */
    VMN_FQDN_NO_NAME = 2,       /* There is no such name. */
    VMN_FQDN_FAILING = 3,       /* No answer, or one that cannot be used; what
                                 * was known is kept. */
    VMN_FQDN_LIMITED = 4,       /* It has more addresses than are kept. */
};

/* A name in DNS that a rule has as a peer, and its addresses.  There is no row
 * before the first answer. */
struct vmn_fqdn {
    struct vmn_row row;         /* Lower case, without a dot at the end. */
    enum vmn_fqdn_state state;
    size_t n_ips;
    const struct vmn_ip *ips;   /* Sorted. */
    size_t n_names;             /* Of a wildcard: which of its names guests */
    const char *const *names;   /* have asked for.  Sorted. */
};

/* Seconds for which what routers advertise is valid: the maximum for routers
 * (RFC 8319) and what comes with them, so that guests keep it without vmnd;
 * prefixes (RFC 4861, section 6.2.1). */
#define VMN_ROUTER_LIFETIME 65535
#define VMN_PREFIX_LIFETIME (30 * 24 * 3600)

/* What routers advertised in a network, or to a port, before that was changed,
 * and may advertise still. */
struct vmn_withdrawal {
    struct vmn_row row;         /* networks/NETWORK or ports/PORT. */
    const char *network, *port; /* One of them; the other is NULL. */
    size_t n_items;             /* "UNTIL|VALUE", the newest first: a router's
                                 * MAC, a prefix, a resolver or a search
                                 * domain, which guests have until then, in
                                 * seconds since 1970.  With "|slaac", a prefix
                                 * of which they form addresses. */
    const char *const *items;
};

/* What a backend does by now, as VMN_QUERY_BACKENDS has it. */
enum vmn_lb_state {
    VMN_LB_SERVING = 0,         /* Gets new connections. */
    VMN_LB_STANDBY = 1,         /* Would, if there were too few. */
    VMN_LB_CHECKING = 2,        /* Has not answered a probe yet. */
    VMN_LB_DOWN = 3,            /* Fails its probes. */
    VMN_LB_DRAINING = 4,        /* Its open connections may end. */
    VMN_LB_DRAINED = 5,         /* They have, or were cut. */
    VMN_LB_IDLE = 6,            /* Cannot serve: see 'reason'. */
    VMN_N_LB_STATES
};

/* The value of VMN_QUERY_BACKENDS: this, then the members, each of them so
 * long.  Who was built with later headers than the app that provides it holds
 * the offset of a member that is new to him against 'size'. */
struct vmn_lb_members {
    uint32_t n;
    uint32_t size;
};

/* A port that may be a backend, and what it does by now.  Without padding: it
 * is compared by its bytes. */
struct vmn_lb_member {
    char port[VMN_NAME_LEN + 1];
    char network[VMN_NAME_LEN + 1]; /* The port's. */
    char host[VMN_NAME_LEN + 1]; /* Where it is bound; "": nowhere. */
    char reason[VMN_NAME_LEN + 1]; /* Why it does not serve; "": it does. */
    uint32_t weight;
    uint32_t state;             /* enum vmn_lb_state. */
    uint32_t part;              /* Of the balancer's flows that count what it
                                 * is given (VMN_LB_PART_BACKENDS). */
    struct vmn_ip ip;           /* Family 0: it has none of the VIP's. */
    struct vmn_mac mac;
    struct vmn_mac vip_mac;     /* That of the VIP, in this network. */
    bool keeps;                 /* Its open connections may go on. */
    bool probed;                /* It could serve, or will, and is to be asked
                                 * how it is. */
    bool drains;                /* 'drain', and not drained yet. */
};

/* Returns member 'i' of 'members', from 0. */
static inline const struct vmn_lb_member *
vmn_lb_member_at(const struct vmn_lb_members *members, size_t i)
{
    return (const struct vmn_lb_member *) ((const char *) (members + 1)
                                           + i * members->size);
}

#ifdef __cplusplus
}
#endif

#endif /* vmn/rows-observed.h */
