/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose packets are simulated to know who is let in (open-services.h): of
 * those outside one for each part of the addresses that policies tell apart,
 * of a group's ports one for each class. */

#ifndef CONTROLLER_SIMULATOR_OPEN_SENDERS_H
#define CONTROLLER_SIMULATOR_OPEN_SENDERS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/types.h"

struct engine;
struct model;
struct open_bounds;
struct open_request;
struct vmn_error;

struct open_sender {
    const char *from;           /* As in struct trace_request.  Borrowed. */
    bool is_port;               /* Or who is outside. */
    struct vmn_ip ip;           /* Family 0: the gateway outside. */
    char *text;                 /* The port, or "FIRST-LAST".  Owned. */
};

struct open_senders {
    struct vmn_ip gateway;      /* The caller's: who sends by itself. */
    size_t n;
    struct open_sender *senders;
};

/* Finds the senders of a family, cut by the prefixes of 'bounds' (NULL: not
 * cut).  Returns false with '*error' if there are none, or too many.
 * Pauses. */
bool open_senders_find(struct engine *, const struct model *,
                       const struct open_request *, uint8_t family,
                       const struct open_bounds *, struct open_senders *,
                       struct vmn_error *error);
/* Frees the list; 'gateway' stays. */
void open_senders_uninit(struct open_senders *);

#endif /* controller/simulator/open-senders.h */
