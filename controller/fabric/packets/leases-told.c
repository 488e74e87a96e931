/* SPDX-License-Identifier: Apache-2.0
 *
 * See leases-told.h.  Answers are read as their receiver reads them, so it
 * does not matter which app, in which process, has made them. */

#include <config.h>

#include "controller/fabric/packets/leases-told.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "timeval.h"
#include "util.h"
#include "vmn/dhcp.h"
#include "vmn/packet.h"

/* Most leases, and those of a port; and how long after a sweep, which looks at
 * all of them, there is no other. */
#define LEASES_MAX 400000
#define SWEEP_MS (60 * 1000)
#define LEASES_OF_PORT 16

#define DHCP4_LEASE_TIME 51     /* RFC 2132, section 9.2. */
#define DHCP6_REPLY 7           /* RFC 8415, section 7.3. */
#define FOR_EVER UINT32_MAX     /* RFC 2131, section 3.3; RFC 8415, 7.7. */

struct lease {
    struct hmap_node node;      /* By 'port'. */
    char *port;
    struct vmn_ip ip;
    int64_t given_ms;           /* Wall clock. */
    int64_t until_ms;           /* 0: for ever. */
};

struct leases_told {
    const struct model *model;
    struct hmap leases;
    int64_t swept_ms;           /* time_msec(). */
};

static void
lease_free(struct leases_told *told, struct lease *lease)
{
    hmap_remove(&told->leases, &lease->node);
    free(lease->port);
    free(lease);
}

/* Forgets those of ports that are gone. */
static void
sweep(struct leases_told *told)
{
    struct lease *lease, *next;

    if (told->swept_ms && time_msec() < told->swept_ms + SWEEP_MS) {
        return;
    }
    told->swept_ms = time_msec();
    HMAP_FOR_EACH_SAFE (lease, next, node, &told->leases) {
        if (!model_get_durable(told->model, VMN_TABLE_PORT, lease->port,
                               NULL)) {
            lease_free(told, lease);
        }
    }
}

/* Returns the port's lease of 'ip', or else one that has ended or is one too
 * many, to be written anew; or NULL. */
static struct lease *
find_lease(struct leases_told *told, const char *port,
           const struct vmn_ip *ip, int64_t now_ms)
{
    struct lease *lease, *ended = NULL, *oldest = NULL;
    size_t n = 0;

    HMAP_FOR_EACH_WITH_HASH (lease, node, hash_string(port, 0),
                             &told->leases) {
        if (strcmp(lease->port, port)) {
            continue;
        }
        if (vmn_ip_equal(&lease->ip, ip)) {
            return lease;
        }
        n++;
        if (lease->until_ms && lease->until_ms <= now_ms) {
            ended = lease;
        }
        if (!oldest || lease->given_ms < oldest->given_ms) {
            oldest = lease;
        }
    }
    return ended ? ended : n >= LEASES_OF_PORT ? oldest : NULL;
}

static void
give(struct leases_told *told, const char *port, const struct vmn_ip *ip,
     uint32_t seconds)
{
    int64_t now_ms = time_wall_msec();
    struct lease *lease = find_lease(told, port, ip, now_ms);

    if (!lease) {
        if (hmap_count(&told->leases) >= LEASES_MAX) {
            sweep(told);
        }
        if (hmap_count(&told->leases) >= LEASES_MAX) {
            return;
        }
        lease = xzalloc(sizeof *lease);
        lease->port = xstrdup(port);
        hmap_insert(&told->leases, &lease->node, hash_string(port, 0));
    }
    lease->ip = *ip;
    lease->given_ms = now_ms;
    lease->until_ms = (seconds == FOR_EVER ? 0
                       : now_ms + seconds * INT64_C(1000));
}

static uint32_t
get_u32(const uint8_t *p)
{
    return ((uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
            | (uint32_t) p[2] << 8 | p[3]);
}

static void
note_v4(struct leases_told *told, const char *port, const struct vmn_udp *udp)
{
    struct vmn_dhcp4 dhcp;
    uint8_t seconds[4];

    if (vmn_dhcp4_parse(udp->payload, udp->payload_size, &dhcp)
        && dhcp.is_reply && dhcp.type == VMN_DHCP4_ACK && dhcp.yiaddr.family
        && vmn_dhcp4_get(&dhcp, DHCP4_LEASE_TIME, seconds, 4) == 4) {
        give(told, port, &dhcp.yiaddr, get_u32(seconds));
    }
}

/* The addresses of one identity association. */
static void
note_ia(struct leases_told *told, const char *port,
        const struct vmn_dhcp6_option *ia)
{
    const uint8_t *rest = ia->data + VMN_DHCP6_IA_NA_SIZE;
    size_t size = ia->size - VMN_DHCP6_IA_NA_SIZE;
    struct vmn_dhcp6_option option;

    while (vmn_dhcp6_next(&rest, &size, &option)) {
        struct vmn_ip ip = { .family = 6 };
        uint32_t valid_s;

        if (option.code != VMN_DHCP6_IAADDR
            || option.size < VMN_DHCP6_IAADDR_SIZE) {
            continue;
        }
        memcpy(ip.addr, option.data, 16);
        valid_s = get_u32(option.data + 20);
        if (valid_s) {
            give(told, port, &ip, valid_s);
        }
    }
}

static void
note_v6(struct leases_told *told, const char *port, const struct vmn_udp *udp)
{
    struct vmn_dhcp6_option option;
    struct vmn_dhcp6 dhcp;
    const uint8_t *rest;
    size_t size;

    if (!vmn_dhcp6_parse(udp->payload, udp->payload_size, &dhcp)
        || dhcp.type != DHCP6_REPLY) {
        return;
    }
    rest = dhcp.options;
    size = dhcp.options_size;
    while (vmn_dhcp6_next(&rest, &size, &option)) {
        if (option.code == VMN_DHCP6_IA_NA
            && option.size >= VMN_DHCP6_IA_NA_SIZE) {
            note_ia(told, port, &option);
        }
    }
}

void
leases_told_note(struct leases_told *told, const char *port,
                 const uint8_t *frame, size_t size)
{
    struct vmn_udp udp;

    if (!vmn_udp_parse(frame, size, &udp)) {
        return;
    }
    if (udp.src_port == VMN_DHCP4_SERVER_PORT
        && udp.dst_port == VMN_DHCP4_CLIENT_PORT) {
        note_v4(told, port, &udp);
    } else if (udp.src_port == VMN_DHCP6_SERVER_PORT
               && udp.dst_port == VMN_DHCP6_CLIENT_PORT) {
        note_v6(told, port, &udp);
    }
}

static int
compare_leases(const void *a, const void *b)
{
    return memcmp(&((const struct status_lease *) a)->ip,
                  &((const struct status_lease *) b)->ip,
                  sizeof(struct vmn_ip));
}

/* What was given before the port was made was another one's of its name. */
void
leases_told_put(const struct leases_told *told, const char *port,
                struct arena *arena, struct status_port *status)
{
    struct model_meta meta;
    const struct lease *lease;

    if (!model_get_durable(told->model, VMN_TABLE_PORT, port, &meta)) {
        return;
    }
    HMAP_FOR_EACH_WITH_HASH (lease, node, hash_string(port, 0),
                             &told->leases) {
        if (strcmp(lease->port, port) || lease->given_ms < meta.created_ms) {
            continue;
        }
        if (!status->leases) {
            status->leases = arena_alloc(
                arena, LEASES_OF_PORT * sizeof *status->leases);
        }
        if (status->n_leases < LEASES_OF_PORT) {
            status->leases[status->n_leases++] = (struct status_lease) {
                .ip = lease->ip, .given = lease->given_ms,
                .until = lease->until_ms,
            };
        }
    }
    if (status->n_leases) {
        qsort(status->leases, status->n_leases, sizeof *status->leases,
              compare_leases);
    }
}

struct leases_told *
leases_told_create(const struct model *model)
{
    struct leases_told *told = xzalloc(sizeof *told);

    told->model = model;
    hmap_init(&told->leases);
    return told;
}

void
leases_told_destroy(struct leases_told *told)
{
    struct lease *lease, *next;

    HMAP_FOR_EACH_SAFE (lease, next, node, &told->leases) {
        lease_free(told, lease);
    }
    hmap_destroy(&told->leases);
    free(told);
}
