/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes packets as pcapng (draft-ietf-opsawg-pcapng), which tcpdump and
 * Wireshark read: one section, in the machine's byte order, with an interface
 * for each port.  Not for who gets which packets (packet-streams.c). */

#ifndef CONTROLLER_NORTHBOUND_PCAPNG_H
#define CONTROLLER_NORTHBOUND_PCAPNG_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ofpbuf;

/* Each appends a block to 'b'. */

/* The beginning.  'application' is what writes it. */
void pcapng_put_section(struct ofpbuf *b, const char *application);

/* An interface, which gets the next number, from 0 on; of Ethernet, its times
 * in microseconds.  'description' may be NULL. */
void pcapng_put_interface(struct ofpbuf *b, const char *name,
                          const char *description);

struct pcapng_packet {
    uint32_t interface;
    int64_t time_us;            /* Since 1970. */
    bool outbound;              /* Sent by who has the interface; or it is
                                 * given it. */
    const uint8_t *bytes;
    uint32_t size;              /* Of 'bytes'. */
    uint32_t full_size;         /* Of the packet. */
};
void pcapng_put_packet(struct ofpbuf *b, const struct pcapng_packet *);

/* What came of an interface, and how many of it were left out before they were
 * written. */
struct pcapng_statistics {
    uint32_t interface;
    int64_t start_us, end_us;
    uint64_t n_received, n_dropped;
};
void pcapng_put_statistics(struct ofpbuf *b, const struct pcapng_statistics *);

#endif /* controller/northbound/pcapng.h */
