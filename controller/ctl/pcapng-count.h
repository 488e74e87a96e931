/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts packets in a stream of pcapng as vmnd writes it (GET /v1/packets),
 * and what it says was left out.  Not a reader of pcapng: what is not in the
 * machine's byte order, or makes no sense, is not counted. */

#ifndef CONTROLLER_CTL_PCAPNG_COUNT_H
#define CONTROLLER_CTL_PCAPNG_COUNT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is the beginning. */
struct pcapng_count {
    uint64_t n_packets;
    uint64_t n_dropped;         /* As the statistics say. */
    bool has_statistics;        /* So it is whole: they are at its end. */
    bool is_bad;                /* It is no pcapng from here on. */

    /* The block that is being received: its beginning, how much of it has
     * come, and how long it is (0: not known yet). */
    uint8_t block[256];
    uint32_t received, size;
};

/* Counts the next 'size' bytes. */
void pcapng_count(struct pcapng_count *, const void *bytes, size_t size);

#endif /* controller/ctl/pcapng-count.h */
