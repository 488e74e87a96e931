/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples: packets of which a copy came up, and the logs of rules. */

#ifndef CONTROLLER_FABRIC_FABRIC_PACKET_SAMPLING_H
#define CONTROLLER_FABRIC_FABRIC_PACKET_SAMPLING_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/types.h"
#include "vmn/rows.h"

struct fabric;

/* A packet of which a copy came up, with its names of that moment; names that
 * are not known are empty.  The others are constants, or NULL. */
enum fabric_sample_kind { FABRIC_SAMPLE_DROP, FABRIC_SAMPLE_LOG };
struct fabric_sample {
    uint64_t id;                /* From 1 on, of its kind. */
    int64_t time_ms;            /* Wall clock. */
    uint64_t n;                 /* Times that it came, in a row. */
    uint64_t n_suppressed;      /* Of the same rule or reason, that came since
                                 * the one before and were not kept. */
    uint64_t cookie;            /* Of the flow's owner. */
    uint32_t part;
    char host[VMN_NAME_LEN + 1];
    char network[VMN_NAME_LEN + 1];
    char src_port[VMN_NAME_LEN + 1], dst_port[VMN_NAME_LEN + 1];
    const char *reason;         /* Why it was dropped, or NULL: it was not. */
    bool background;            /* engine_is_background(). */
    enum vmn_action verdict;    /* Of a log: what its rule decided, */
    bool shadow;                /* or would have. */
    bool isolated;              /* Of a log: no rule decided.  The policy would
                                 * isolate the port. */
    char owner[200];            /* "APP.UNIT/KEY", cut off if need be. */
    const char *type;           /* Of struct engine_flow_owner, as the next. */
    char name[VMN_NAME_LEN + 1];
    int rule;
    uint32_t size;              /* Of the packet, in bytes. */
    uint16_t eth_type;
    struct eth_addr eth_src, eth_dst;
    int family;                 /* 4, 6 or 0; of ARP, 4. */
    uint8_t src[16], dst[16];   /* Network order. */
    uint8_t protocol;           /* Of IP; 0 of others. */
    uint16_t tp_src, tp_dst;    /* Host order; type and code of ICMP. */
};

/* Calls 'cb' for those that are kept of a kind, the oldest first, from the one
 * behind id 'after' on.  Returns the newest one's id. */
#define FABRIC_SAMPLES_MAX 1024
typedef void fabric_sample_cb(void *aux, const struct fabric_sample *);
uint64_t fabric_samples(const struct fabric *, enum fabric_sample_kind,
                        uint64_t after, fabric_sample_cb *, void *aux);

#endif /* controller/fabric/fabric-packet-sampling.h */
