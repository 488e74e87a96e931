/* SPDX-License-Identifier: Apache-2.0
 *
 * Flushes conntrack entries on hosts. */

#ifndef CONTROLLER_FABRIC_FABRIC_FLUSH_H
#define CONTROLLER_FABRIC_FABRIC_FLUSH_H 1

#include <stddef.h>
#include <stdint.h>

#include "vmn/rows.h"

struct fabric;
struct vmn_names;

/* Connections to flush.  A zero member matches all. */
struct fabric_flush {
    uint16_t zone;              /* Conntrack zone.  Not 0. */
    enum vmn_protocol protocol; /* TCP, UDP or SCTP. */
    struct vmn_ip vip;          /* Original destination, before any */
    uint16_t port;              /* translation. */
    struct vmn_ip backend;      /* The backend that replies.  Not zero. */
    uint16_t backend_port;
};

/* Flushes connections on 'hosts': on each one once it has acknowledged
 * 'after_revision' (0: at once), which should be the revision that withdrew
 * the flows that create such connections.  A host is sent the request twice,
 * the second time FABRIC_FLUSH_AGAIN_MS after the first: its datapath may
 * still have used cached flows for a moment.  Never fails.  A host that is not
 * connected is sent the request when it connects within FABRIC_FLUSH_KEEP_MS;
 * a switch that does not support it (Open vSwitch before 3.1) is skipped.  For
 * each member of 'flushes' a switch walks through all of its connections, so
 * one with a port of 0 is cheaper than many.  If more than FABRIC_FLUSHES_MAX
 * are pending, the oldest are dropped.  Everything is copied. */
#define FABRIC_FLUSHES_MAX 65536
#define FABRIC_FLUSH_AGAIN_MS 2000
#define FABRIC_FLUSH_KEEP_MS (600 * 1000)
void fabric_flush(struct fabric *, const struct vmn_names *hosts,
                  const struct fabric_flush *flushes, size_t n,
                  uint64_t after_revision);
/* The same on all hosts of a routing domain (VMN_QUERY_DOMAIN; for a network
 * without a router, its name), as of now. */
void fabric_flush_domain(struct fabric *, const char *domain,
                         const struct fabric_flush *flushes, size_t n,
                         uint64_t after_revision);
/* Cancels requests that equal this one in all members: the backend is desired
 * again. */
void fabric_flush_cancel(struct fabric *, const struct fabric_flush *);

#endif /* controller/fabric/fabric-flush.h */
