/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of balancers; a part of vmn/rows.h, which includes it. */

#ifndef VMN_ROWS_BALANCERS_H
#define VMN_ROWS_BALANCERS_H 1

#include "vmn/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A service of a virtual IP. */
struct vmn_lb_port {
    uint16_t port;              /* On the VIP. */
    uint16_t target;            /* On the backend; 0: the same as on the VIP,
                                 * of a range. */
    uint16_t end_port;          /* The last of a range that begins at 'port';
                                 * 0: 'port' alone. */
};

/* Returns the last of its ports. */
static inline uint16_t
vmn_lb_port_last(const struct vmn_lb_port *port)
{
    return port->end_port ? port->end_port : port->port;
}

/* A port that serves behind a virtual IP. */
struct vmn_backend {
    const char *port;           /* A port's name. */
    uint32_t weight;            /* 0 (none) to 100. */
    bool standby;               /* Serves only where others are too few. */
    bool drain;                 /* Gets no new connections; its open ones may
                                 * end by themselves. */
};

/* How backends are looked after. */
enum vmn_probe {
    VMN_PROBE_NONE = 0,
    VMN_PROBE_TCP = 1,
    VMN_PROBE_HTTP = 2,
    VMN_PROBE_UDP = 3,
    VMN_PROBE_PING = 4,
    VMN_PROBE_THROUGH = 5,      /* Of what forwards: see vmn/probes.h. */
    VMN_PROBE_NEIGHBOUR = 6,    /* ARP or neighbour discovery: the same. */
};

/* By which probes backends are looked after, and what follows from their
 * answers. */
struct vmn_lb_health {
    enum vmn_probe type;        /* NONE: not at all. */
    uint16_t port;              /* 0: the target of the first of 'ports'. */
    uint32_t interval_ms, timeout_ms; /* The latter is not the longer one. */
    uint32_t healthy_after;     /* Successes in a row, at least 1. */
    uint32_t unhealthy_after;   /* Failures in a row, at least 1. */
    const char *path;           /* HTTP: "/...". */
    const char *host;           /* HTTP: or NULL, the backend's address. */
    size_t n_expect;            /* HTTP: status codes, sorted and merged; none:
                                 * 200 to 399. */
    const struct vmn_port_range *expect;
    const char *send;           /* UDP: or NULL, which awaits no answer. */
    void *reserved[2];          /* NULL. */
};

/* Whether backends on the client's own host come first, or alone serve. */
enum vmn_locality { VMN_LOCALITY_ANY = 0, VMN_LOCALITY_PREFER = 1,
                    VMN_LOCALITY_REQUIRE = 2 };

/* What becomes of the open connections of a backend that fails its probes. */
enum vmn_when_down { VMN_DOWN_KEEP = 0, VMN_DOWN_CUT = 1 };

/* What a balancer's load is measured by. */
enum vmn_scale_metric { VMN_SCALE_NONE = 0, VMN_SCALE_CONNECTIONS = 1,
                        VMN_SCALE_PACKETS = 2, VMN_SCALE_BYTES = 3 };

/* Thresholds of load, which somebody is told of.  Nothing that apps do follows
 * from it. */
struct vmn_lb_scale {
    enum vmn_scale_metric metric; /* A second, of a backend that serves; NONE:
                                   * no thresholds. */
    uint32_t high, low;
    uint32_t for_s;             /* So long above or below, in seconds. */
    uint32_t cooldown_s;        /* So long nobody is told again. */
    const char *webhook;        /* A URL, or NULL. */
    void *reserved[2];          /* NULL. */
};

/* How many different limits of clients all balancers have at most. */
#define VMN_LB_LIMITS_MAX 128

/* How often a fallback may lead on to another. */
#define VMN_LB_FALLBACKS_MAX 4

/* A virtual IP. */
struct vmn_loadbalancer {
    struct vmn_row row;
    const char *description;
    struct vmn_labels labels;
    struct vmn_ip vip;
    size_t n_networks;          /* Where it is offered. */
    const char *const *networks;
    enum vmn_protocol protocol; /* TCP or UDP. */
    size_t n_ports;             /* No two overlap. */
    VMN_ELEMENTS(vmn_lb_port) ports;
    size_t n_backends;
    VMN_ELEMENTS(vmn_backend) backends;
    struct vmn_selector selector; /* More backends, of weight 1. */
    struct vmn_lb_health health;
    uint32_t affinity_s;        /* A client stays with its backend until it was
                                 * away for so long; 0: it does not. */
    enum vmn_locality locality; /* Backends on the client's own host. */
    uint32_t min_serving;       /* Standbys serve when there are fewer others;
                                 * at least 1. */
    const char *fallback;       /* The balancer that serves when nobody does,
                                 * or NULL. */
    uint32_t drain_s;           /* How long a drain may take at most. */
    enum vmn_when_down when_down; /* Open connections of a backend that fails
                                   * its probes. */
    struct vmn_lb_scale scale;
    struct vmn_lb_client_limit client_limit;
    uint32_t unheard_s;         /* How long a backend keeps its state while its
                                 * host is not heard. */
};
VMN_ELEMENT_READER(vmn_lb_port_at, vmn_loadbalancer, ports,
                   vmn_lb_port, VMN_ELEMENT_LB_PORT)
VMN_ELEMENT_READER(vmn_backend_at, vmn_loadbalancer, backends,
                   vmn_backend, VMN_ELEMENT_BACKEND)

/* Returns true if the virtual IP is offered in that network. */
static inline bool
vmn_lb_is_offered_in(const struct vmn_loadbalancer *lb, const char *network)
{
    for (size_t i = 0; i < lb->n_networks; i++) {
        if (!strcmp(lb->networks[i], network)) {
            return true;
        }
    }
    return false;
}

#ifdef __cplusplus
}
#endif

#endif /* vmn/rows-balancers.h */
