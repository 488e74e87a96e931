/* SPDX-License-Identifier: Apache-2.0
 *
 * See sent-adverts.h.  Advertisements are read as guests read them (RFC 4861,
 * sections 4.2 and 6.3.4; RFC 8106), so it does not matter which app has made
 * them. */

#include <config.h>

#include "controller/fabric/packets/sent-adverts.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/packet-handler.h"
#include "controller/model/model.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "packets.h"
#include "timeval.h"
#include "util.h"
#include "vmn/packet.h"

/* Most advertisements; how long after a sweep, which looks at all of them,
 * there is no other; and those of a port. */
#define ADVERTS_MAX 400000
#define SWEEP_MS (60 * 1000)
#define ADVERTS_OF_PORT VMN_SENDS_MAX
/* Withdrawals (MAX_FINAL_RTR_ADVERTISEMENTS of RFC 4861, section 10). */
#define N_FINAL 3

/* Offsets in a frame. */
enum {
    OFS_SRC = 6,
    OFS_IP = 14,
    OFS_IP_DST = 38,
    OFS_TYPE = 54,
    OFS_CHECKSUM = 56,
    OFS_FLAGS = 58,
    OFS_LIFETIME = 60,
    OFS_OPTIONS = 70,
};

enum { OPTION_PREFIX = 3, OPTION_RDNSS = 25, OPTION_DNSSL = 31 };

struct advert {
    struct hmap_node node;      /* By 'port'. */
    char *port;
    int64_t created_ms;         /* When the port was created. */
    const struct engine_handler *handler;
    unsigned n_final;           /* It was withdrawn so often. */
    size_t size;
    uint8_t bytes[];
};

struct sent_adverts {
    const struct model *model;
    struct hmap adverts;
    int64_t swept_ms;           /* time_msec(). */
};

/* Frames.  ---------------------------------------------------------------- */

static bool
is_advert(const uint8_t *frame, size_t size)
{
    return (size >= OFS_OPTIONS && frame[12] == 0x86 && frame[13] == 0xdd
            && frame[OFS_IP + 6] == VMN_IP_PROTO_ICMPV6
            && frame[OFS_TYPE] == VMN_ND_ROUTER_ADVERT);
}

/* Returns the next advertisement among the packets that go back, from '*i' on,
 * or NULL; advances '*i'. */
static const uint8_t *
next_advert(const struct vmn_packets_out *out, size_t *i, size_t *size)
{
    while (*i < out->n) {
        const struct engine_send *send = &out->sends[(*i)++];
        const uint8_t *frame = (const uint8_t *) out->bytes.data + send->ofs;

        if (send->to == ENGINE_SEND_BACK && is_advert(frame, send->size)) {
            *size = send->size;
            return frame;
        }
    }
    return NULL;
}

/* Returns the next option of a frame at '*ofs', or NULL; advances '*ofs'. */
static const uint8_t *
next_option(const uint8_t *frame, size_t size, size_t *ofs)
{
    const uint8_t *option = frame + *ofs;

    if (*ofs + 8 > size || !option[1] || *ofs + option[1] * 8u > size) {
        return NULL;
    }
    *ofs += option[1] * 8u;
    return option;
}

/* Returns true if the advertisements differ in their receiver alone. */
static bool
is_same(const struct advert *advert, const uint8_t *frame, size_t size)
{
    return (advert->size == size
            && !memcmp(advert->bytes + OFS_SRC, frame + OFS_SRC,
                       OFS_IP_DST - OFS_SRC)
            && !memcmp(advert->bytes + OFS_FLAGS, frame + OFS_FLAGS,
                       size - OFS_FLAGS));
}

static bool
is_sent(const struct advert *advert, const struct vmn_packets_out *out)
{
    const uint8_t *frame;
    size_t i = 0, size;

    while ((frame = next_advert(out, &i, &size))) {
        if (is_same(advert, frame, size)) {
            return true;
        }
    }
    return false;
}

/* Returns true if one of the advertisements has the same source and is of a
 * router. */
static bool
is_router(const struct vmn_packets_out *out, const uint8_t *source)
{
    const uint8_t *frame;
    size_t i = 0, size;

    while ((frame = next_advert(out, &i, &size))) {
        if (!memcmp(frame + OFS_SRC, source, 6)
            && (frame[OFS_LIFETIME] || frame[OFS_LIFETIME + 1])) {
            return true;
        }
    }
    return false;
}

/* Returns true if one of the advertisements has the option. */
static bool
has_option(const struct vmn_packets_out *out, const uint8_t *wanted)
{
    const uint8_t *frame, *option;
    size_t i = 0, size;

    while ((frame = next_advert(out, &i, &size))) {
        size_t ofs = OFS_OPTIONS;

        while ((option = next_option(frame, size, &ofs))) {
            if (option[1] == wanted[1]
                && !memcmp(option, wanted, option[1] * 8u)) {
                return true;
            }
        }
    }
    return false;
}

/* Sets lifetimes in 'frame', a former advertisement, to 0 where none of those
 * in 'out' has the same.  Returns false if there are none. */
static bool
expire(uint8_t *frame, size_t size, const struct vmn_packets_out *out)
{
    const uint8_t *option;
    size_t ofs = OFS_OPTIONS;
    bool expires = false;

    if ((frame[OFS_LIFETIME] || frame[OFS_LIFETIME + 1])
        && !is_router(out, frame + OFS_SRC)) {
        memset(frame + OFS_LIFETIME, 0, 2);
        expires = true;
    }
    for (size_t start = ofs; (option = next_option(frame, size, &ofs));
         start = ofs) {
        /* A prefix has two, behind each other. */
        size_t lifetimes = (option[0] == OPTION_PREFIX ? 8
                            : option[0] == OPTION_RDNSS
                              || option[0] == OPTION_DNSSL ? 4 : 0);

        if (lifetimes && start + 4 + lifetimes <= size
            && !has_option(out, option)) {
            memset(frame + start + 4, 0, lifetimes);
            expires = true;
        }
    }
    return expires;
}

/* Puts the withdrawal of a former advertisement in front of what is sent.
 * Returns false if there is nothing to withdraw. */
static bool
withdraw(const struct advert *advert, struct vmn_packets_out *out)
{
    static const uint8_t all_nodes_mac[] = { 0x33, 0x33, 0, 0, 0, 1 };
    static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
    size_t ofs = out->bytes.size;
    uint8_t *frame;
    ovs_be16 sum;

    if (out->n == VMN_SENDS_MAX) {
        return true;
    }
    frame = xmemdup(advert->bytes, advert->size);
    if (!expire(frame, advert->size, out)) {
        free(frame);
        return false;
    }
    memcpy(frame, all_nodes_mac, sizeof all_nodes_mac);
    memcpy(frame + OFS_IP_DST, all_nodes, sizeof all_nodes);
    memset(frame + OFS_CHECKSUM, 0, 2);
    sum = packet_csum_upperlayer6((const void *) (frame + OFS_IP),
                                  frame + OFS_TYPE, IPPROTO_ICMPV6,
                                  (uint16_t) (advert->size - OFS_TYPE));
    memcpy(frame + OFS_CHECKSUM, &sum, sizeof sum);
    ofpbuf_put(&out->bytes, frame, advert->size);
    free(frame);
    memmove(out->sends + 1, out->sends, out->n * sizeof *out->sends);
    out->n++;
    out->sends[0] = (struct engine_send) {
        .to = ENGINE_SEND_BACK, .ofs = ofs, .size = advert->size,
    };
    return true;
}

/* What was sent.  --------------------------------------------------------- */

static void
advert_free(struct sent_adverts *sent, struct advert *advert)
{
    hmap_remove(&sent->adverts, &advert->node);
    free(advert->port);
    free(advert);
}

/* Forgets those of ports that are gone. */
static void
sweep(struct sent_adverts *sent)
{
    struct advert *advert, *next;

    if (sent->swept_ms && time_msec() < sent->swept_ms + SWEEP_MS) {
        return;
    }
    sent->swept_ms = time_msec();
    HMAP_FOR_EACH_SAFE (advert, next, node, &sent->adverts) {
        if (!model_get_durable(sent->model, VMN_TABLE_PORT, advert->port,
                               NULL)) {
            advert_free(sent, advert);
        }
    }
}

/* Sets 'found' to what the handler has sent to the port.  Returns how many. */
static size_t
find(const struct sent_adverts *sent, const char *port,
     const struct engine_handler *handler,
     struct advert *found[ADVERTS_OF_PORT])
{
    struct advert *advert;
    size_t n = 0;

    HMAP_FOR_EACH_WITH_HASH (advert, node, hash_string(port, 0),
                             &sent->adverts) {
        if (advert->handler == handler && !strcmp(advert->port, port)
            && n < ADVERTS_OF_PORT) {
            found[n++] = advert;
        }
    }
    return n;
}

static void
add(struct sent_adverts *sent, const char *port, int64_t created_ms,
    const struct engine_handler *handler, const uint8_t *frame, size_t size)
{
    struct advert *advert, *found[ADVERTS_OF_PORT];
    size_t n = find(sent, port, handler, found);

    for (size_t i = 0; i < n; i++) {
        if (is_same(found[i], frame, size)) {
            return;
        }
    }
    if (hmap_count(&sent->adverts) >= ADVERTS_MAX) {
        sweep(sent);
    }
    if (n == ADVERTS_OF_PORT || hmap_count(&sent->adverts) >= ADVERTS_MAX) {
        return;
    }
    advert = xmalloc(sizeof *advert + size);
    advert->port = xstrdup(port);
    advert->created_ms = created_ms;
    advert->handler = handler;
    advert->n_final = 0;
    advert->size = size;
    memcpy(advert->bytes, frame, size);
    hmap_insert(&sent->adverts, &advert->node, hash_string(port, 0));
}

void
sent_adverts_note(struct sent_adverts *sent, const char *port,
                  const struct engine_handler *handler, bool all,
                  struct vmn_packets_out *out)
{
    struct advert *found[ADVERTS_OF_PORT];
    size_t first = 0, size, n_sent = out->n, n;
    struct model_meta meta = { .created_ms = 0 };
    const uint8_t *frame;

    if (sent->model) {
        model_get_durable(sent->model, VMN_TABLE_PORT, port, &meta);
    }
    if (!next_advert(out, &first, &size) && !all) {
        return;
    }
    n = find(sent, port, handler, found);
    for (size_t i = 0; i < n; i++) {
        if (found[i]->created_ms != meta.created_ms) {
            advert_free(sent, found[i]);    /* Of a former port. */
        } else if (is_sent(found[i], out)) {
            found[i]->n_final = 0;
        } else if (!withdraw(found[i], out)
                   || ++found[i]->n_final == N_FINAL) {
            advert_free(sent, found[i]);
        }
    }
    first = out->n - n_sent;    /* Behind the withdrawals. */
    while ((frame = next_advert(out, &first, &size))) {
        add(sent, port, meta.created_ms, handler, frame, size);
    }
}

struct sent_adverts *
sent_adverts_create(const struct model *model)
{
    struct sent_adverts *sent = xzalloc(sizeof *sent);

    sent->model = model;
    hmap_init(&sent->adverts);
    return sent;
}

void
sent_adverts_destroy(struct sent_adverts *sent)
{
    struct advert *advert, *next;

    HMAP_FOR_EACH_SAFE (advert, next, node, &sent->adverts) {
        advert_free(sent, advert);
    }
    hmap_destroy(&sent->adverts);
    free(sent);
}
