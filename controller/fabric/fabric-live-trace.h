/* SPDX-License-Identifier: Apache-2.0
 *
 * Has a packet go through hosts' switches, and gives the caller the copies
 * that they send up of it (controller/flow/trace-copy.h).  Not for what they
 * mean: the caller knows what is to be expected. */

#ifndef CONTROLLER_FABRIC_FABRIC_LIVE_TRACE_H
#define CONTROLLER_FABRIC_FABRIC_LIVE_TRACE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/flow/trace-copy.h"

struct fabric;

/* Limits of a trace. */
#define FABRIC_LIVE_HOSTS_MAX 16
#define FABRIC_LIVE_TABLES_MAX 40 /* Each takes a resubmit, of 64 inside of
                                   * each other (ofproto-dpif-xlate). */
#define FABRIC_LIVE_RESUBMITS_MAX 52 /* With those from one stage to the next.
                                      * Apps have detours of their own. */
#define FABRIC_LIVE_WAYS_MAX 64 /* 'onward' of a host, hops, and crossings. */
#define FABRIC_LIVE_COPIES_MAX 256

/* What a host is to do with the packet. */
struct fabric_live_host {
    const char *name;
    /* The packet as it may come to the last stage and go on: its addresses,
     * and registers 0, 4, 6 and 7.  What comes otherwise goes no further,
     * unless 'deliver'. */
    size_t n_onward;
    const struct flow *onward;
    bool leaves;                /* With 'deliver' it may leave for outside by a
                                 * physical network here.  Else what is to go
                                 * there ends, but for crossings. */
};

/* A way by a tunnel.  Switches keep in mind what they have made of packets,
 * for a while, and what is in the tables now does not count: so in a tunnel
 * the packet has a VNI that no other packet has, nor had lately. */
struct fabric_live_hop {
    size_t from, to;            /* Index in 'hosts'. */
    uint8_t table;              /* In which it goes into the tunnel, */
    uint64_t tun_id;            /* with this, and */
    uint32_t dst_host;          /* that in register 6.  What has something
                                 * else there does not. */
};

/* A way by a physical network, which knows no VNI.  Only what is to be
 * delivered is sent on that, from an Ethernet address of the trace's, by which
 * the other host knows it and gives it its own again.  All else ends where it
 * would leave, and goes on when the caller puts it in at the other host. */
struct fabric_live_crossing {
    size_t from, to;            /* Index in 'hosts'. */
    uint32_t in_port;           /* At which it comes to 'to', */
    uint16_t vlan;              /* with this VLAN, or 0. */
    bool any_port;              /* NAT may have chosen another source port. */
    const struct flow *flow;    /* As it comes to the last stage of 'from':
                                 * its addresses, protocol and ports, and
                                 * registers 0 and 6. */
};

struct fabric_live_request {
    size_t n_hosts;
    const struct fabric_live_host *hosts; /* The first is where it begins, */
    uint32_t in_port;           /* at this port. */
    size_t n_hops;
    const struct fabric_live_hop *hops;
    size_t n_crossings;
    const struct fabric_live_crossing *crossings;
    uint32_t first_vni;         /* From here on 'n_hops' + 'n_crossings' + 1
                                 * are unused. */
    const uint8_t *frame;
    size_t size;
    size_t n_tables;
    const uint8_t *tables;      /* Of which copies come, */
    uint8_t last_table;         /* and the last stage's, */
    uint8_t n_last_tables;      /* which has so many; it goes from the first
                                 * one to a port, from others into a tunnel. */
    bool deliver;               /* A port gets the packet, or a physical
                                 * network. */
    int ready_ms;               /* Until the packet is put in. */
    int timeout_ms;             /* From when the packet is put in. */
};

struct fabric_live_callbacks {
    /* All hosts can follow the packet, which is put in if this returns NULL;
     * otherwise why not, a constant. */
    const char *(*send)(void *aux);
    /* A copy has come.  Returns true if all is known. */
    bool (*copy)(void *aux, const struct trace_copy *);
    /* The trace has ended: all is known, or no more came within the time
     * limit, or too many copies did.  Or 'reason' says why the hosts could not
     * follow the packet; it always does if that was not put in.  Called once,
     * from the loop; the trace is gone. */
    void (*done)(void *aux, const char *reason);
};

/* Returns true if so many traces run that no other one may begin. */
bool fabric_live_is_busy(const struct fabric *);
/* Begins a trace: has the hosts' switches take the flows for it, and then puts
 * the packet in.  All of the request is copied.  Returns NULL with '*reason',
 * a constant or borrowed until the next iteration of the loop, and '*host',
 * the name in the request, if a host cannot be asked now; or with '*host'
 * NULL, if it is no host's fault. */
struct fabric_live *fabric_live_begin(struct fabric *,
                                      const struct fabric_live_request *,
                                      const struct fabric_live_callbacks *,
                                      void *aux, const char **host,
                                      const char **reason);
/* Puts a packet in where crossing 'i' of the request comes to a host, once for
 * each; from the callback for a copy.  Not of a trace with 'deliver'. */
void fabric_live_put_in(struct fabric_live *, size_t i, const uint8_t *frame,
                        size_t size);
/* Ends it without a callback.  NULL is none. */
void fabric_live_cancel(struct fabric_live *);
/* Returns true if the host has not confirmed all that it is to hold. */
bool fabric_live_is_behind(const struct fabric *, const char *host);

#endif /* controller/fabric/fabric-live-trace.h */
