/* SPDX-License-Identifier: Apache-2.0
 *
 * What the status of a port says of the guest behind it: whether it answers,
 * and, when one port is asked for, which addresses it uses, what DHCP gave it,
 * and what was dropped of its packets.  Not for asking its switch
 * (guest-look.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-guests.h"
#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/northbound/packet-scope.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "util.h"

/* Reasons of a port that are told. */
#define DROPS_MAX 32

/* The drops of a port, by reason. */
struct port_drops {
    const struct nb_status_query *q;
    const char *port;
    int64_t since_ms;           /* Before, there was another port of that
                                 * name, or none. */
    struct packet_scope scope;  /* If the client has one. */
    bool scoped;
    struct status_port *status;
};

/* Returns the entry of 'reason' and 'direction', a constant or NULL; or NULL:
 * there are too many. */
static struct status_port_drop *
drop_of(struct port_drops *drops, const char *reason, const char *direction)
{
    struct status_port *status = drops->status;

    for (size_t i = 0; i < status->n_drops; i++) {
        if (!strcmp(status->drops[i].reason, reason)
            && status->drops[i].direction == direction) {
            return &status->drops[i];
        }
    }
    if (status->n_drops >= DROPS_MAX) {
        return NULL;
    }
    if (!status->drops) {
        status->drops = arena_alloc(drops->q->arena,
                                    DROPS_MAX * sizeof *status->drops);
    }
    status->drops[status->n_drops] = (struct status_port_drop) {
        .reason = arena_strdup(drops->q->arena, reason),
        .direction = direction,
    };
    return &status->drops[status->n_drops++];
}

/* A fabric_part_cb.  Background is what a sound guest does. */
static void
counter_cb(void *drops_, uint32_t part OVS_UNUSED, const char *reason,
           const struct fabric_load *load)
{
    struct port_drops *drops = drops_;
    struct status_port_drop *drop;

    if (!reason || !load->packets
        || engine_is_background(drops->q->nb->engine, reason)) {
        return;
    }
    drop = drop_of(drops, reason, NULL);
    if (drop) {
        drop->packets += load->packets;
        drop->last = MAX(drop->last, load->last_ms);
    }
}

/* A fabric_sample_cb. */
static void
sample_cb(void *drops_, const struct fabric_sample *sample)
{
    struct port_drops *drops = drops_;
    struct status_port_drop *drop;
    static const char *const directions[] = { "sent", "received" };
    struct fabric_sample told = *sample;
    bool no_src, no_dst, sent;

    if ((drops->scoped
         && !packet_scope_restrict(&drops->scope, FABRIC_SAMPLE_DROP, &told,
                                   &no_src, &no_dst))
        || told.background || !told.reason
        || told.time_ms < drops->since_ms) {
        return;
    }
    sent = !strcmp(told.src_port, drops->port);
    if (!sent && strcmp(told.dst_port, drops->port)) {
        return;
    }
    drop = drop_of(drops, told.reason, sent ? directions[0]
                   : directions[1]);
    if (drop) {
        drop->samples += told.n;
        drop->last = MAX(drop->last, told.time_ms);
    }
}

static void
fill_drops(const struct nb_status_query *q, const char *port,
           struct status_port *status)
{
    struct port_drops drops = {
        .q = q, .port = port, .status = status,
        .scoped = packet_scope_applies(q->rights),
    };
    struct model_meta meta;

    if (!model_get_durable(q->nb->model, VMN_TABLE_PORT, port, &meta)) {
        return;
    }
    drops.since_ms = meta.created_ms;
    fabric_parts(q->nb->fabric, VMN_TABLE_PORT, port, counter_cb, &drops);
    if (drops.scoped) {
        packet_scope_init(&drops.scope, q->nb, q->rights);
    }
    fabric_samples(q->nb->fabric, FABRIC_SAMPLE_DROP, 0, sample_cb, &drops);
    if (drops.scoped) {
        packet_scope_uninit(&drops.scope);
    }
}

void
nb_fill_guest(const struct nb_status_query *q, const char *port,
              struct status_port *status)
{
    struct status_monitor monitor;

    if (q->one) {
        fabric_guest_status(q->nb->fabric, port, q->arena, status);
        fill_drops(q, port, status);
        nb_fill_paths(q, port, status);
    }
    if (health_monitor_status(q->nb->health, port, q->one, q->arena,
                              &monitor)) {
        status->monitor = arena_alloc(q->arena, sizeof monitor);
        *status->monitor = monitor;
    }
}
