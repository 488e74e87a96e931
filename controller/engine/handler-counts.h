/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers of apps have counted for objects of their own types
 * (vmn_count()), since vmnd started.  Not for what flows count (fabric). */

#ifndef CONTROLLER_ENGINE_HANDLER_COUNTS_H
#define CONTROLLER_ENGINE_HANDLER_COUNTS_H 1

#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"

struct engine;
struct engine_handler_count;
struct pipeline_app;

/* The most counts, an object and a part of it each, of an app. */
#define HANDLER_COUNTS_MAX 16384

/* What handlers have counted for an object and one of its parts. */
struct handler_count {
    struct hmap_node node;      /* By its object. */
    int table;
    uint32_t part;              /* 0: none. */
    int64_t created_ms;         /* Of the object. */
    uint64_t packets, bytes;
    int64_t last_ms;            /* Of the last packet, since 1970. */
    char name[];                /* Of the object. */
};

void handler_counts_init(struct hmap *);
void handler_counts_uninit(struct hmap *);

/* Counts a packet of 'size' bytes, which a handler of 'app' was called for, as
 * often as 'counts' says. */
void handler_counts_add(struct engine *, const struct pipeline_app *app,
                        size_t size, const struct engine_handler_count *counts,
                        size_t n);

#endif /* controller/engine/handler-counts.h */
