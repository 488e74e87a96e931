/* SPDX-License-Identifier: Apache-2.0
 *
 * Packet sampling: copies of packets that switches sent, and the logs of
 * rules. */

#ifndef CONTROLLER_FABRIC_FABRIC_PACKET_SAMPLING_H
#define CONTROLLER_FABRIC_FABRIC_PACKET_SAMPLING_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/types.h"
#include "vmn/rows.h"

struct fabric;

/* A sampled packet, with the names of its ports at that time; unknown names
 * are empty.  Other strings are constants, or NULL. */
enum fabric_sample_kind { FABRIC_SAMPLE_DROP, FABRIC_SAMPLE_LOG };
struct fabric_sample {
    uint64_t id;                /* From 1 on, counted per kind. */
    int64_t time_ms;            /* Wall clock. */
    uint64_t n;                 /* Number of equal packets in a row. */
    uint64_t n_suppressed;      /* Packets of the same rule or reason since the
                                 * previous sample that were not kept. */
    uint64_t cookie;            /* Of the flow's owner. */
    uint32_t part;
    char host[VMN_NAME_LEN + 1];
    char network[VMN_NAME_LEN + 1];
    char src_port[VMN_NAME_LEN + 1], dst_port[VMN_NAME_LEN + 1];
    const char *reason;         /* Why it was dropped; NULL: it was not. */
    bool background;            /* engine_is_background(). */
    enum vmn_action verdict;    /* Of a log: the rule's verdict, */
    bool shadow;                /* or that of a shadow policy. */
    bool isolated;              /* Of a log: no rule matched.  The policy would
                                 * isolate the port. */
    char owner[200];            /* "APP.UNIT/KEY", truncated if necessary. */
    const char *type;           /* Of struct engine_flow_owner, as the next. */
    char name[VMN_NAME_LEN + 1];
    int rule;
    uint32_t size;              /* Of the packet, in bytes. */
    uint16_t eth_type;
    struct eth_addr eth_src, eth_dst;
    int family;                 /* 4, 6 or 0; 4 for ARP. */
    uint8_t src[16], dst[16];   /* Network order. */
    bool announces;             /* ARP or neighbour discovery that announces
                                 * another neighbour than its sender, */
    struct eth_addr announced_mac; /* which has these: */
    uint8_t announced[16];      /* an address of 'family'. */
    uint8_t protocol;           /* IP protocol; 0 for others. */
    uint16_t tp_src, tp_dst;    /* Host order; type and code for ICMP. */
    int ct_family;              /* 4 or 6 if NAT has changed what the client
                                 * had connected to, otherwise 0; */
    uint8_t ct_dst[16];         /* and what that was. */
    uint16_t ct_tp_dst;
};

/* Calls 'cb' for the samples of a kind that are kept, with ids greater than
 * 'after', the oldest first.  Returns the newest id. */
#define FABRIC_SAMPLES_MAX 1024
typedef void fabric_sample_cb(void *aux, const struct fabric_sample *);
uint64_t fabric_samples(const struct fabric *, enum fabric_sample_kind,
                        uint64_t after, fabric_sample_cb *, void *aux);

#endif /* controller/fabric/fabric-packet-sampling.h */
