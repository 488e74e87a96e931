/* SPDX-License-Identifier: Apache-2.0
 *
 * Answering packets.  A flow sends a packet up with vmn_act_punt(), naming one
 * of the app's handlers; the handler says what is to be sent for it.
 *
 * A handler is as pure as the other functions of an app.  It reads rows
 * through the view, but nothing is recorded: what it answers is no state, and
 * is not made again when something changes.  It sees the durable version of
 * each row, while a look-up, a fact or a query may be ahead of that by the
 * change that is being written; a name may thus have no row yet, or none any
 * more.  vmn_id_of() tells only numbers that are given out already.
 *
 * A handler is called for a packet at a time, at most as often as vmnd's
 * limits say, and must be quick: everything else waits. */

#ifndef VMN_PACKET_H
#define VMN_PACKET_H 1

#include "vmn/flow.h"
#include "vmn/rows.h"
#include "vmn/types.h"
#include "vmn/vocabulary.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmn_view;

#define VMN_N_REGS 16           /* Registers of a packet. */
#define VMN_PACKET_KEY_SIZE 16  /* Bytes. */

/* A packet that came up.  All of it lives until the handler returns. */
struct vmn_packet_in {
    const char *host;           /* Where. */
    uint32_t in_port;           /* The OpenFlow port it came in by. */
    const struct vmn_vif *vif;  /* What that port is, or NULL: it is no VIF, or
                                 * none any more. */
    const struct vmn_port *port; /* Whose VIF it is, or NULL: nobody's who is
                                  * bound to this host. */
    uint32_t arg;               /* As given to vmn_act_punt(). */
    uint32_t regs[VMN_N_REGS];  /* Registers 0 to 15 at that moment. */
    const uint8_t *bytes;       /* The packet, from the Ethernet header on. */
    size_t size;                /* Of 'bytes'... */
    size_t full_size;           /* ...and of the packet before it was cut. */

    int64_t now_s;              /* When it came up, in seconds since 1970
                                 * (UTC); "vmn-app test" sets it by the 'time'
                                 * of a step. */
    /* Of a handler with VMN_HANDLER_HTTP (vmn/requests.h), for which 'bytes'
     * are a request; else zeros.  It is of the app's name, of the port,
     * and of the member of a cluster: the same over restarts, and another one
     * for a port that is deleted and made anew under its name.  An app that
     * is loaded in place of one of the same name has its keys.  No guest may
     * see it. */
    uint8_t key[VMN_PACKET_KEY_SIZE];

    /* Counts the packets of the host that handlers are called for, from any
     * number on and over UINT32_MAX to 0: who sends something for two packets
     * that are alike tells it apart by this.  0 in a trace. */
    uint32_t number;

    /* The destination before NAT: that of the original tuple of the packet's
     * connection (ct_nw_dst and ct_tp_dst in ovs-fields(7)), by the last
     * vmn_act_ct().  Family 0: conntrack has not seen the packet, or it is a
     * reply. */
    struct vmn_ip sent_to;
    uint16_t sent_to_port;
};

/* Returns the value of register 'reg', VMN_REG_NETWORK for instance; 0 of what
 * is no register. */
static inline uint32_t
vmn_packet_reg(const struct vmn_packet_in *in, enum vmn_field reg)
{
    return (reg >= VMN_F_REG0 && reg <= VMN_F_REG15
            ? in->regs[reg - VMN_F_REG0] : 0);
}

/* Collects what is to be sent for a packet: VMN_SENDS_MAX packets at most,
 * each of 14 (VMN_FRAME_MIN) to VMN_FRAME_MAX bytes, which are copied.  A
 * mistake marks the packet as failed: nothing is sent for it, and the app's
 * status has the reason. */
struct vmn_packets_out;
#define VMN_SENDS_MAX 16
#define VMN_FRAME_MIN 14
#define VMN_FRAME_MAX 9216

/* Sends a packet out of the VIF that the packet came from.  One that came from
 * elsewhere, or whose VIF is gone, gets no answer. */
void vmn_send_back(struct vmn_packets_out *, const void *bytes, size_t size);

/* Sends a packet out of the VIF of 'port' on the same host.  If it is not
 * there, nothing is sent. */
void vmn_send_to_port(struct vmn_packets_out *, const char *port,
                      const void *bytes, size_t size);

/* Sends a packet on through the pipeline, from a table of the app's own on,
 * with the input port and the registers of the packet that came up.  It must
 * not come up again. */
void vmn_send_to_stage(struct vmn_packets_out *, unsigned stage,
                       unsigned table, const void *bytes, size_t size);
/* Does the same from the first table of the stage that follows 'stage' on. */
void vmn_send_to_next(struct vmn_packets_out *, unsigned stage,
                      const void *bytes, size_t size);

/* Sends a packet on through the pipeline from the first stage at 'hook', or
 * the first behind it, as if it had come in by OpenFlow port 'in_port' of this
 * host with these registers.  It must not come up again. */
void vmn_send_to_hook(struct vmn_packets_out *, enum vmn_hook hook,
                      uint32_t in_port, const uint32_t regs[VMN_N_REGS],
                      const void *bytes, size_t size);

/* Sends an answer as from whom the packet was for, which goes the way that an
 * answer of that one's would: back through balancing, and routed back if the
 * packet was routed; but no policy judges it on this host.  'in_port' is where
 * it seems to come in. */
static inline void
vmn_send_as_answer(const struct vmn_packet_in *in, uint32_t in_port,
                   struct vmn_packets_out *out, const void *bytes,
                   size_t size)
{
    const enum vmn_field kept[] = { VMN_REG_NETWORK, VMN_REG_ZONE,
                                    VMN_REG_BALANCE_ZONE };
    uint32_t regs[VMN_N_REGS] = { 0 };

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        regs[kept[i] - VMN_F_REG0] = vmn_packet_reg(in, kept[i]);
    }
    regs[VMN_REG_SRC_LOCAL - VMN_F_REG0] = 1;
    regs[VMN_REG_FLAGS - VMN_F_REG0] = VMN_FLAG_HAIRPIN;
    vmn_send_to_hook(out, VMN_HOOK_ROUTE, in_port, regs, bytes, size);
}

/* Says why the packet gets no answer, for statistics.  'reason' must be a
 * string literal, such as "malformed". */
void vmn_send_nothing(struct vmn_packets_out *, const char *reason);

/* Counts the packet in the status of object 'name' of the app's own type
 * 'type', VMN_ROW_OWN(): in the sum of the object, and of its part 'part' (as
 * that of vmn_flow_count_part(); 0: none).  An object that does not exist
 * counts nothing, nor does a packet that has failed or a trace.  A packet that
 * is counted more than VMN_COUNTS_MAX times fails; of an object no more than
 * VMN_COUNT_PARTS_MAX parts are counted, of an app no more than 16,384.
 * Counts are of one vmnd, from its start on. */
#define VMN_COUNTS_MAX 16
#define VMN_COUNT_PARTS_MAX 64
void vmn_count(struct vmn_packets_out *, enum vmn_row_type type,
               const char *name, uint32_t part);

/* Says that neighbour 'ip' of 'network' (a VNI), which
 * vmn_act_find_neighbour() has looked for in vain on this host, is being asked
 * for: its entry is incomplete (RFC 4861, section 7.3.2).  For
 * VMN_NEIGHBOUR_RETRY_S seconds vmn_act_find_neighbour() makes the Ethernet
 * destination of packets to it VMN_NEIGHBOUR_INCOMPLETE, unless the neighbour
 * is learned.  So one that does not answer need not be asked for each packet.
 * The last call of a handler counts. */
void vmn_neighbour_is_incomplete(struct vmn_packets_out *, uint32_t network,
                                 const struct vmn_ip *ip);
/* Reports that it has found the neighbour, with Ethernet address 'mac', and
 * that the handler probes it since it is stale: the entry is used for
 * VMN_NEIGHBOUR_PROBE_S seconds more, and then expires unless the neighbour is
 * learned again (RFC 4861, section 7.3.3). */
#define VMN_NEIGHBOUR_PROBE_S 3
void vmn_neighbour_is_probed(struct vmn_packets_out *, uint32_t network,
                             const struct vmn_ip *ip, struct vmn_mac mac);

/* UDP over IPv4 and IPv6.  ----------------------------------------------- */

/* A UDP packet, from the Ethernet header on. */
struct vmn_udp {
    struct vmn_mac eth_src, eth_dst;
    struct vmn_ip ip_src, ip_dst; /* Of one family. */
    uint8_t ttl;                /* IPv6: the hop limit. */
    uint16_t src_port, dst_port;
    const uint8_t *payload;     /* Borrowed. */
    size_t payload_size;
};

/* Takes a packet apart.  'payload' is in 'bytes'.  Returns false, with nothing
 * filled in, unless it is a whole and correct one: untagged Ethernet, IPv4
 * with or without options or IPv6 without extension headers, no fragment, UDP,
 * lengths that agree, and right checksums (that of UDP over IPv4 may be
 * absent). */
bool vmn_udp_parse(const uint8_t *bytes, size_t size, struct vmn_udp *);

/* Exchanges source and destination of all layers. */
void vmn_udp_swap(struct vmn_udp *);

/* Writes the packet with all checksums to 'buffer' of 'size' bytes, which may
 * hold the payload.  Returns its length, or 0 if it does not fit. */
#define VMN_UDP_HEADERS 42      /* Over IPv4... */
#define VMN_UDP6_HEADERS 62     /* ...and over IPv6. */
size_t vmn_udp_build(const struct vmn_udp *, uint8_t *buffer, size_t size);

/* Rejection.  ------------------------------------------------------------ */

/* Writes the message that tells the sender of 'bytes', an Ethernet frame, that
 * the packet was rejected, with all checksums, to 'buffer', as if its
 * destination had sent it: for TCP a reset, else an ICMP error (destination
 * unreachable, communication administratively prohibited) that quotes at most
 * the first VMN_REJECT_QUOTED_MAX bytes.  Returns its length; or 0, with the
 * reason why none is to be sent in '*why', a string literal: "ICMP error",
 * "reset", "multicast", "later fragment", "malformed" and so on. */
#define VMN_REJECT_QUOTED_MAX 1246
#define VMN_REJECT_SIZE_MAX 1294
size_t vmn_reject_build(const uint8_t *bytes, size_t size,
                        uint8_t buffer[VMN_REJECT_SIZE_MAX], const char **why);

/* Why a packet is rejected. */
enum vmn_reject_reason {
    VMN_REJECT_PROHIBITED = 0, /* TCP is told by a reset. */
    VMN_REJECT_NO_PORT = 1,     /* Nobody listens there; the same. */
    VMN_REJECT_NO_HOST = 2,     /* Nobody has that address. */
    VMN_REJECT_NO_ROUTE = 3,
    VMN_REJECT_TTL = 4,         /* It has gone too far. */
    VMN_REJECT_TOO_BIG = 5,     /* And may not be cut up. */
};

/* How a packet is rejected: see vmn_reject_build_as(). */
struct vmn_reject {
    enum vmn_reject_reason reason;
    struct vmn_ip from;         /* Who says so, of the packet's family; family
                                 * 0: whom it was for. */
    uint16_t mtu;               /* VMN_REJECT_TOO_BIG: what would not be. */
};

/* Does what vmn_reject_build() does for other reasons, and as from others. */
size_t vmn_reject_build_as(const struct vmn_reject *, const uint8_t *bytes,
                           size_t size, uint8_t buffer[VMN_REJECT_SIZE_MAX],
                           const char **why);

/* Handles packets for a server of the app's that are for no service of it:
 * their sender, which would try again for minutes, is notified
 * (VMN_REJECT_NO_PORT).  Flows send VMN_REJECT_QUOTED_MAX bytes of them up. */
static inline void
vmn_handle_no_port(struct vmn_view *view, const struct vmn_packet_in *in,
                   struct vmn_packets_out *out)
{
    const struct vmn_reject reject = { .reason = VMN_REJECT_NO_PORT };
    uint8_t answer[VMN_REJECT_SIZE_MAX];
    const char *why;
    size_t size = vmn_reject_build_as(&reject, in->bytes, in->size, answer,
                                      &why);

    (void) view;
    if (size) {
        vmn_send_back(out, answer, size);
    } else {
        vmn_send_nothing(out, why);
    }
}

/* Address resolution.  ---------------------------------------------------- */

/* Writes to 'buffer' the question who has 'to', from 'from' at 'mac' (RFC
 * 826).  Both are of IPv4. */
#define VMN_ARP_SIZE 42
void vmn_arp_request_build(struct vmn_mac mac, const struct vmn_ip *from,
                           const struct vmn_ip *to,
                           uint8_t buffer[VMN_ARP_SIZE]);

/* Neighbour discovery.  --------------------------------------------------- */

/* Writes the answer to 'bytes', a neighbour solicitation that came from one
 * neighbour, to 'buffer': "'mac' has the address, and is a router" (if
 * 'is_router').  Returns false unless it is a whole and correct solicitation
 * (RFC 4861, section 7.1.1) of somebody who has an address. */
#define VMN_ND_ADVERT_SIZE 86
bool vmn_nd_advert_build(const uint8_t *bytes, size_t size,
                         struct vmn_mac mac, bool is_router,
                         uint8_t buffer[VMN_ND_ADVERT_SIZE]);

/* Sends the port that asks such an answer, if it asks. */
static inline void
vmn_send_nd_advert(const struct vmn_packet_in *in, struct vmn_mac mac,
                   bool is_router, struct vmn_packets_out *out)
{
    uint8_t answer[VMN_ND_ADVERT_SIZE];

    if (vmn_nd_advert_build(in->bytes, in->size, mac, is_router, answer)) {
        vmn_send_back(out, answer, sizeof answer);
    } else {
        vmn_send_nothing(out, "malformed");
    }
}

/* Writes to 'buffer' the question who has 'target' (section 4.3), from 'from',
 * which has 'mac', to those who may have it.  Both addresses are of IPv6. */
#define VMN_ND_SOLICIT_SIZE 86
void vmn_nd_solicit_build(struct vmn_mac mac, const struct vmn_ip *from,
                          const struct vmn_ip *target,
                          uint8_t buffer[VMN_ND_SOLICIT_SIZE]);

/* Writes to 'buffer', for all on the link, what nobody has asked for: "'mac'
 * has 'ip' (of IPv6) by now, and is a router" (if 'is_router'; section
 * 7.2.6). */
void vmn_nd_announce_build(struct vmn_mac mac, const struct vmn_ip *ip,
                           bool is_router,
                           uint8_t buffer[VMN_ND_ADVERT_SIZE]);

/* Router discovery (RFC 4861).  ------------------------------------------ */

/* A solicitation: somebody asks for routers. */
struct vmn_rs {
    struct vmn_mac eth_src;
    struct vmn_ip ip_src;       /* "::": it has no address yet. */
};

/* Takes a packet apart.  Returns false, with nothing filled in, unless it is a
 * solicitation as RFC 4861, section 6.1.1, has it. */
bool vmn_rs_parse(const uint8_t *bytes, size_t size, struct vmn_rs *);

/* A prefix that a router advertises. */
struct vmn_ra_prefix {
    struct vmn_prefix prefix;
    bool autonomous;            /* Hosts may make their addresses of it; with
                                 * lifetimes of 0, only this is withdrawn. */
};

/* A router advertisement.  Arrays are borrowed. */
struct vmn_ra {
    struct vmn_mac eth_src, eth_dst;
    struct vmn_ip ip_src, ip_dst; /* Of IPv6. */
    bool managed;               /* Addresses come by DHCPv6... */
    bool other;                 /* ...or other things do. */
    uint16_t router_s;          /* For how long it is a router; 0: not one. */
    uint32_t mtu;               /* In bytes; 0: not said. */
    uint32_t valid_s, preferred_s; /* Of prefixes. */
    size_t n_prefixes;          /* On the link. */
    const struct vmn_ra_prefix *prefixes;
    uint32_t dns_s;             /* Of what follows (RFC 8106). */
    size_t n_dns;
    const struct vmn_ip *dns;   /* Of IPv6. */
    size_t n_search;
    const char *const *search;  /* Domains; of these, those that fit. */
};

/* Writes an advertisement to 'buffer' of 'size' bytes.  Returns its length, or
 * 0 if it does not fit. */
size_t vmn_ra_build(const struct vmn_ra *, uint8_t *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* vmn/packet.h */
