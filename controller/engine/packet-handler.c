/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls the apps' handlers; see packet-handler.h.  Also implements the sending
 * functions of include/vmn/packet.h. */

#include <config.h>

#include "controller/engine/packet-handler.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/engine-private.h"
#include "controller/engine/ownership.h"
#include "controller/flow/punt-action.h"
#include "controller/model/id-pools.h"
#include "flow.h"
#include "proto/guest/guest-request.h"
#include "proto/watchdog/watchdog.h"
#include "timeval.h"
#include "unaligned.h"
#include "util.h"

/* Names.  ---------------------------------------------------------------- */

const struct engine_handler *
engine_find_handler(const struct engine *engine, uint64_t id)
{
    const struct engine_handler *handler;

    HMAP_FOR_EACH_WITH_HASH (handler, node, (uint32_t) id,
                             &engine->handlers) {
        if (handler->id == id) {
            return handler->gone ? NULL : handler;
        }
    }
    return NULL;
}

size_t
engine_n_handlers(const struct engine *engine)
{
    return hmap_count(&engine->handlers);
}

const struct engine_handler *
engine_get_handler(const struct engine *engine, size_t index)
{
    const struct engine_handler *handler;

    HMAP_FOR_EACH (handler, node, &engine->handlers) {
        if (handler->index == index) {
            return handler;
        }
    }
    return NULL;
}

/* Returns the handler with this ID, which is new if there never was one. */
static struct engine_handler *
get_handler(struct engine *engine, const char *app, const char *name)
{
    uint64_t id = punt_handler_id(app, name);
    struct engine_handler *handler;

    HMAP_FOR_EACH_WITH_HASH (handler, node, (uint32_t) id,
                             &engine->handlers) {
        if (handler->id == id) {
            return handler;
        }
    }
    handler = xzalloc(sizeof *handler);
    handler->id = id;
    handler->name = xasprintf("%s.%s", app, name);
    handler->index = hmap_count(&engine->handlers);
    hmap_insert(&engine->handlers, &handler->node, (uint32_t) id);
    return handler;
}

void
packet_handlers_add(struct engine *engine, const struct pipeline_app *app)
{
    const struct vmn_handler_class *class_ = app->class_->handlers;

    for (size_t i = 0; class_ && class_[i].name; i++) {
        struct engine_handler *handler = get_handler(
            engine, app->class_->name, class_[i].name);

        handler->app = app;
        handler->class_ = class_[i];
        handler->number = i;
        handler->gone = false;
        free(handler->failure); /* Of another version. */
        handler->failure = NULL;
        handler->n_failed = 0;
    }
}

void
packet_handlers_remove(struct engine *engine, const struct pipeline_app *app)
{
    struct engine_handler *handler;

    HMAP_FOR_EACH (handler, node, &engine->handlers) {
        handler->gone |= handler->app == app;
    }
}

void
packet_handlers_init(struct engine *engine)
{
    const struct pipeline *pipeline = engine->pipeline;

    hmap_init(&engine->handlers);
    handler_counts_init(&engine->handler_counts);
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        packet_handlers_add(engine, &pipeline->apps[i]);
    }
}

void
packet_handlers_uninit(struct engine *engine)
{
    struct engine_handler *handler;

    HMAP_FOR_EACH_POP (handler, node, &engine->handlers) {
        free(handler->name);
        free(handler->failure);
        free(handler);
    }
    hmap_destroy(&engine->handlers);
    handler_counts_uninit(&engine->handler_counts);
}

/* Calling.  -------------------------------------------------------------- */

void
engine_packets_out_init(struct vmn_packets_out *out)
{
    memset(out, 0, sizeof *out);
    ofpbuf_init(&out->bytes, 2048);
    ofpbuf_init(&out->http.body, 0);
}

void
engine_packets_out_uninit(struct vmn_packets_out *out)
{
    ofpbuf_uninit(&out->bytes);
    ofpbuf_uninit(&out->http.body);
    free(out->arena);
}

/* Takes note of what came of a packet that a host has sent up. */
static void
note_result(struct engine *engine, const struct engine_handler *handler_,
            const struct vmn_packet_in *in, const struct vmn_packets_out *out,
            const char *problem)
{
    struct engine_handler *handler
        = CONST_CAST(struct engine_handler *, handler_);

    if (out->simulated || out->later) {
        return;
    }
    if (problem) {
        handler->n_failed++;
        free(handler->failure);
        handler->failure = xstrdup(problem);
        handler->failed_ms = time_wall_msec();
    } else {
        handler_counts_add(engine, handler->app, in->full_size, out->counts,
                           out->n_counts);
    }
}

/* Calls the app's function. */
static void
call_handler(struct engine *engine, const struct engine_handler *handler,
             const struct vmn_packet_in *in, struct vmn_packets_out *out)
{
    struct vmn_packet_in timed = *in;
    struct watchdog_mark mark;

    timed.now_s = in->now_s ? in->now_s : engine->clock();
    watchdog_begin(&mark, "handler", handler->name, NULL);
    if (handler->app->worker) {
        worker_handle(out->view, handler, &timed, out);
    } else {
        handler->class_.handle(out->view, &timed, out);
    }
    watchdog_end(&mark);
}

char *
engine_handle_packet(struct engine *engine,
                     const struct engine_handler *handler,
                     const struct vmn_packet_in *in,
                     struct vmn_packets_out *out)
{
    struct vmn_view view;
    char *problem;

    if (handler->gone) {
        out->n = 0;
        return xstrdup("its app is not loaded any more");
    }
    view_init_handler(&view, engine, handler->app, &out->arena);
    view.rows_only = out->rows_only;
    out->view = &view;
    out->app = handler->app;
    out->n = 0;
    out->reason = NULL;
    out->n_counts = 0;
    out->incomplete_network = 0;
    memset(&out->http.reply, 0, sizeof out->http.reply);
    ofpbuf_clear(&out->bytes);
    call_handler(engine, handler, in, out);
    out->view = NULL;
    problem = view.problem;
    view.problem = NULL;
    out->later = view.refused;
    if (problem) {
        out->n = 0;
        out->incomplete_network = 0;
        out->http.reply.status = 0;
    }
    note_result(engine, handler, in, out, problem);
    view_uninit_handler(&view, &out->arena);
    return problem;
}

/* What handlers call.  --------------------------------------------------- */

static void OVS_PRINTF_FORMAT(2, 3)
fail(struct vmn_packets_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    view_fail(out->view, format, args);
    va_end(args);
}

static struct engine_send *
send_bytes(struct vmn_packets_out *out, const void *bytes, size_t size)
{
    struct engine_send *send;

    if (out->n >= VMN_SENDS_MAX) {
        fail(out, "more than %d packets for one", VMN_SENDS_MAX);
        return NULL;
    }
    if (size < VMN_FRAME_MIN || size > VMN_FRAME_MAX) {
        fail(out, "a packet of %"PRIuSIZE" bytes is not one of %d to %d",
             size, VMN_FRAME_MIN, VMN_FRAME_MAX);
        return NULL;
    }
    send = &out->sends[out->n++];
    send->ofs = out->bytes.size;
    send->size = size;
    ofpbuf_put(&out->bytes, bytes, size);
    return send;
}

void
vmn_send_back(struct vmn_packets_out *out, const void *bytes, size_t size)
{
    struct engine_send *send = send_bytes(out, bytes, size);

    if (send) {
        send->to = ENGINE_SEND_BACK;
    }
}

void
vmn_send_to_port(struct vmn_packets_out *out, const char *port,
                 const void *bytes, size_t size)
{
    struct engine_send *send;

    if (!port || strlen(port) > VMN_NAME_LEN) {
        fail(out, "a packet is sent to a port without a name");
        return;
    }
    send = send_bytes(out, bytes, size);
    if (send) {
        send->to = ENGINE_SEND_PORT;
        ovs_strlcpy(send->port, port, sizeof send->port);
    }
}

static void
send_to_table(struct vmn_packets_out *out, unsigned stage, unsigned table,
              bool next, const void *bytes, size_t size)
{
    const struct pipeline_stage *s;
    struct engine_send *send;

    if (stage >= out->app->n_stages) {
        fail(out, "app %s has no stage %u", out->app->class_->name, stage);
        return;
    }
    s = &out->app->stages[stage];
    if (next ? s->next_table < 0 : table >= s->class_->n_tables) {
        fail(out, "a packet is sent to a table that stage %s does not have",
             s->class_->name);
        return;
    }
    send = send_bytes(out, bytes, size);
    if (send) {
        send->to = ENGINE_SEND_TABLE;
        send->table = next ? (unsigned) s->next_table
                      : s->first_table + table;
    }
}

void
vmn_send_to_stage(struct vmn_packets_out *out, unsigned stage, unsigned table,
                  const void *bytes, size_t size)
{
    send_to_table(out, stage, table, false, bytes, size);
}

void
vmn_send_to_next(struct vmn_packets_out *out, unsigned stage,
                 const void *bytes, size_t size)
{
    send_to_table(out, stage, 0, true, bytes, size);
}

void
vmn_send_to_hook(struct vmn_packets_out *out, enum vmn_hook hook,
                 uint32_t in_port, const uint32_t regs[VMN_N_REGS],
                 const void *bytes, size_t size)
{
    int table = pipeline_table_of_hook(out->view->engine->pipeline, hook);
    struct engine_send *send;

    if (table < 0) {
        fail(out, "no stage is at hook %d, nor behind it", hook);
        return;
    }
    if (!in_port || in_port >= ofp_to_u16(OFPP_MAX)) {
        fail(out, "%"PRIu32" is no port number", in_port);
        return;
    }
    send = send_bytes(out, bytes, size);
    if (send) {
        send->to = ENGINE_SEND_AS_IF;
        send->table = table;
        send->in_port = in_port;
        memcpy(send->regs, regs, sizeof send->regs);
    }
}

void
vmn_count(struct vmn_packets_out *out, enum vmn_row_type type,
          const char *name, uint32_t part)
{
    int table = pipeline_table_of(out->app, type);
    struct engine_handler_count *count;

    if (table < 0) {
        fail(out, "a packet is counted for an object of type %u, which is "
             "none of app %s", (unsigned) type, out->app->class_->name);
    } else if (!name || strlen(name) > VMN_NAME_LEN) {
        fail(out, "a packet is counted for an object without a name");
    } else if (out->n_counts >= VMN_COUNTS_MAX) {
        fail(out, "a packet is counted more than %d times", VMN_COUNTS_MAX);
    } else {
        count = &out->counts[out->n_counts++];
        count->table = table;
        count->part = part;
        ovs_strlcpy(count->name, name, sizeof count->name);
    }
}

static void
note_neighbour(struct vmn_packets_out *out, uint32_t network,
               const struct vmn_ip *ip, struct vmn_mac known)
{
    if (!network || !ip->family) {
        fail(out, "a neighbour needs a network and an address");
        return;
    }
    /* 0: the app has no flow that looks for neighbours. */
    out->incomplete_app = id_pools_peek(
        model_id_pools(out->view->engine->model), PIPELINE_ID_POOL_APP,
        ownership_id_key(out->view, PIPELINE_ID_POOL_APP,
                         out->app->class_->name));
    out->incomplete_network = network;
    out->incomplete = *ip;
    out->incomplete_known = known;
}

void
vmn_neighbour_is_incomplete(struct vmn_packets_out *out, uint32_t network,
                            const struct vmn_ip *ip)
{
    note_neighbour(out, network, ip, (struct vmn_mac) { { 0 } });
}

void
vmn_neighbour_is_probed(struct vmn_packets_out *out, uint32_t network,
                        const struct vmn_ip *ip, struct vmn_mac mac)
{
    if (vmn_mac_is_none(mac)) {
        fail(out, "a neighbour that is probed needs an Ethernet address");
        return;
    }
    note_neighbour(out, network, ip, mac);
}

void
vmn_send_nothing(struct vmn_packets_out *out, const char *reason)
{
    out->reason = reason;
    out->http.reply.status = 0;
}

/* Copies a text of a reply to 'text', which has room for it, and has '*member'
 * point there. */
static void
keep_text(const char **member, char text[256])
{
    if (*member) {
        ovs_strlcpy(text, *member, 256);
        *member = text;
    }
}

void
vmn_send_http(struct vmn_packets_out *out, const struct vmn_http_reply *reply)
{
    struct engine_http_reply *http = &out->http;

    if (!guest_reply_is_valid(reply)) {
        fail(out, "what is sent is no reply of HTTP: see vmn/requests.h");
        return;
    }
    http->reply = *reply;
    keep_text(&http->reply.type, http->type);
    keep_text(&http->reply.field_name, http->field_name);
    keep_text(&http->reply.field_value, http->field_value);
    ofpbuf_clear(&http->body);
    if (reply->body_size) {
        ofpbuf_put(&http->body, reply->body, reply->body_size);
    }
    http->reply.body = http->body.data;
}
