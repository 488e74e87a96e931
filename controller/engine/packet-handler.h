/* SPDX-License-Identifier: Apache-2.0
 *
 * Handlers: apps' functions for packets that their flows punt.  Finds the
 * handler that a packet names, calls it, and collects what it sends.  For the
 * fabric; not for limits, nor for sending. */

#ifndef CONTROLLER_ENGINE_PACKET_HANDLER_H
#define CONTROLLER_ENGINE_PACKET_HANDLER_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/ofpbuf.h"
#include "vmn/app.h"

struct arena_chunk;
struct engine;
struct pipeline;
struct pipeline_app;

/* A handler of an app.  Valid as long as the engine, even if its app goes. */
struct engine_handler {
    struct hmap_node node;      /* In the engine's 'handlers', by id. */
    uint64_t id;                /* A hash of the name, the same in every
                                 * process: it is stored in switches. */
    const struct pipeline_app *app;
    struct vmn_handler_class class_; /* Its name is not to be used. */
    size_t number;              /* In the app's array. */
    bool gone;                  /* Its app is not loaded any more. */
    char *name;                 /* "APP.HANDLER". */
    size_t index;               /* From 0 on, unique in an engine. */
    uint64_t n_failed;          /* Packets that it has failed for. */
    char *failure;              /* Why it failed the last time, or NULL, */
    int64_t failed_ms;          /* and when, since 1970. */
};

/* Returns the handler with this punt_handler_id(), or NULL. */
const struct engine_handler *engine_find_handler(const struct engine *,
                                                 uint64_t id);
size_t engine_n_handlers(const struct engine *);
/* Returns a handler by its 'index'. */
const struct engine_handler *engine_get_handler(const struct engine *,
                                                size_t index);

/* Calling.  -------------------------------------------------------------- */

enum engine_send_to {
    ENGINE_SEND_BACK,           /* The VIF that the packet came from. */
    ENGINE_SEND_PORT,           /* The VIF of 'port' on the same host. */
    ENGINE_SEND_TABLE,          /* The pipeline, from 'table' on. */
    ENGINE_SEND_AS_IF,          /* The same, with another input port. */
};

struct engine_send {
    enum engine_send_to to;
    uint8_t table;
    uint32_t in_port;           /* Of ENGINE_SEND_AS_IF. */
    uint32_t regs[VMN_N_REGS];  /* The same. */
    char port[VMN_NAME_LEN + 1];
    size_t ofs, size;           /* In 'bytes' of struct vmn_packets_out. */
};

/* A reply of a handler to an HTTP request: 'reply' has its texts and its body
 * in what follows. */
struct engine_http_reply {
    struct vmn_http_reply reply;
    char type[256], field_name[256], field_value[256];
    struct ofpbuf body;
};

/* Packets that a handler sends.  Reused. */
struct vmn_packets_out {
    bool simulated;             /* Set by the caller: nobody has sent the
                                 * packet. */
    bool rows_only;             /* Set by the caller: the engine is of a state
                                 * that is not to be (commit_is_trying()). */
    bool later;                 /* With 'rows_only', the handler has asked for
                                 * more than rows: it is to be called later. */

    struct vmn_view *view;      /* While the handler runs. */
    const struct pipeline_app *app;
    size_t n;
    struct engine_send sends[VMN_SENDS_MAX];
    struct ofpbuf bytes;
    const char *reason;         /* Why nothing is sent, or NULL. */
    size_t n_counts;
    struct engine_handler_count {
        int table;
        uint32_t part;
        char name[VMN_NAME_LEN + 1];
    } counts[VMN_COUNTS_MAX];   /* vmn_count(). */
    uint32_t incomplete_network; /* vmn_neighbour_is_incomplete(),
                                  * vmn_neighbour_is_probed(); or 0. */
    uint16_t incomplete_app;    /* Number of the app (pipeline.h). */
    struct vmn_ip incomplete;
    struct vmn_mac incomplete_known; /* Of the latter; or zero. */
    struct engine_http_reply http; /* Status 0: none. */
    struct arena_chunk *arena;  /* Memory of the handlers. */
};
void engine_packets_out_init(struct vmn_packets_out *);
void engine_packets_out_uninit(struct vmn_packets_out *);

/* Returns true if the handler is given requests in place of packets. */
static inline bool
engine_handler_is_http(const struct engine_handler *handler)
{
    return handler->class_.options & VMN_HANDLER_HTTP;
}

/* Fills in what a handler of requests is told besides (request-input.c). */
void engine_fill_http(const struct engine *, const struct engine_handler *,
                      struct vmn_packet_in *);

/* Calls the handler.  If it makes a mistake, nothing must be sent, and the
 * result is an error message, which the caller frees; else NULL. */
char *engine_handle_packet(struct engine *, const struct engine_handler *,
                           const struct vmn_packet_in *,
                           struct vmn_packets_out *);

/* For the engine's own files.  ------------------------------------------- */

void packet_handlers_init(struct engine *);
void packet_handlers_add(struct engine *, const struct pipeline_app *);
void packet_handlers_remove(struct engine *, const struct pipeline_app *);
void packet_handlers_uninit(struct engine *);

#endif /* controller/engine/packet-handler.h */
