/* SPDX-License-Identifier: Apache-2.0
 *
 * Having hosts forget connections. */

#ifndef CONTROLLER_FABRIC_FABRIC_FLUSH_H
#define CONTROLLER_FABRIC_FABRIC_FLUSH_H 1

#include <stddef.h>
#include <stdint.h>

#include "vmn/rows.h"

struct fabric;
struct vmn_names;

/* Connections that hosts are to forget.  What is zero matches all. */
struct fabric_flush {
    uint16_t zone;              /* Of conntrack.  Not 0. */
    enum vmn_protocol protocol; /* TCP, UDP or SCTP. */
    struct vmn_ip vip;          /* Where they were addressed to, before any */
    uint16_t port;              /* translation. */
    struct vmn_ip backend;      /* Who answers.  Not zero. */
    uint16_t backend_port;
};

/* Has 'hosts' forget connections: each of them once it has acknowledged
 * 'after_revision' (0: at once), which is to be the one that withdrew the
 * flows that would make such a connection anew.  A host is sent the request
 * twice, the second time FABRIC_FLUSH_AGAIN_MS after the first: its datapath
 * may have gone by what it had cached of these flows for a moment.
 *
 * It does not fail.  One that is not connected is sent it when it has come
 * back, if that is within FABRIC_FLUSH_KEEP_MS; one whose switch cannot (Open
 * vSwitch before 3.1) is passed over.  Each member of 'flushes' has a switch
 * walk through all of its connections, so one with a port of 0 is cheaper than
 * many.  Of more than FABRIC_FLUSHES_MAX that some host has yet to be sent,
 * the oldest are given up.  All is copied. */
#define FABRIC_FLUSHES_MAX 65536
#define FABRIC_FLUSH_AGAIN_MS 2000
#define FABRIC_FLUSH_KEEP_MS (600 * 1000)
void fabric_flush(struct fabric *, const struct vmn_names *hosts,
                  const struct fabric_flush *flushes, size_t n,
                  uint64_t after_revision);
/* The same on all hosts of a domain (VMN_QUERY_DOMAIN; for a network that no
 * router joins, its name), as of now. */
void fabric_flush_domain(struct fabric *, const char *domain,
                         const struct fabric_flush *flushes, size_t n,
                         uint64_t after_revision);
/* Gives up requests that are equal to this one in all members: who answers is
 * desired again. */
void fabric_flush_cancel(struct fabric *, const struct fabric_flush *);

#endif /* controller/fabric/fabric-flush.h */
