/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of packets that switches send up for readers (vmn_act_copy()).  Not
 * for samples (fabric-packet-sampling.h), nor for what handlers answer. */

#ifndef CONTROLLER_FABRIC_FABRIC_CAPTURES_H
#define CONTROLLER_FABRIC_FABRIC_CAPTURES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fabric;

/* A copy.  All is borrowed, and is what the host says. */
struct fabric_captured {
    const char *host;
    const char *object;         /* "TYPE/NAME", whose flow has made it; */
    size_t object_len;          /* without a final null. */
    uint32_t ofport;            /* Of the port on the host whose it is. */
    bool is_sent;               /* That has sent it; else it is given it. */
    const uint8_t *bytes;       /* The packet, or its beginning. */
    size_t size;                /* Of 'bytes'. */
    size_t full_size;           /* Of the packet. */
};
typedef void fabric_captured_cb(void *aux, const struct fabric_captured *);

/* Sets the callback for copies; NULL: they are dropped.  In a cluster it is
 * called at the writer, with those of all hosts. */
void fabric_set_capture(struct fabric *, fabric_captured_cb *, void *aux);

#endif /* controller/fabric/fabric-captures.h */
