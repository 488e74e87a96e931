/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of an IP source and a local port, as a switch counts them in tables of
 * their own (flow/count-pair.h): what was added since the last reading goes to
 * the log, under the names that both ends have now.  Flows there have the mark
 * of all that are counted, so they come with the other counters, and nothing
 * is asked of a switch that has none.
 *
 * A pair that is silent for longer than VMN_PAIR_IDLE_S is forgotten by the
 * switch, after readings that had all of it, as long as these come more often
 * than that. */

#include <config.h>

#include "controller/fabric/counters/pair-reading.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/fabric/counters/pair-log.h"
#include "controller/fabric/fabric-private.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-senders.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/count-pair.h"
#include "controller/model/model.h"
#include "hash.h"
#include "openvswitch/ofp-flow.h"
#include "proto/openflow/ofdump.h"
#include "util.h"
#include "vmn/flow.h"

/* Pairs of all switches together, and of one; what is beyond that is not
 * counted. */
#define SEEN_MAX (512 * 1024)
#define SEEN_PER_SWITCH_MAX (64 * 1024)
/* Units of a switch of which it is known whether they are full. */
#define OWNERS_MAX 256
/* A flow that is younger than the last reading by more than this was learned
 * since: ages are the switch's, by its own clock. */
#define SLACK_MS 2000

/* A pair as of the last reading. */
struct seen_pair {
    struct hmap_node node;      /* In 'seen', by its key. */
    struct counted_pair key;
    uint64_t packets, bytes;
    uint32_t round;
};

void
pair_readings_init(struct pair_readings *readings)
{
    memset(readings, 0, sizeof *readings);
    readings->log = pair_log_create(FABRIC_PAIR_BUCKETS,
                                    FABRIC_PAIR_BUCKET_S * INT64_C(1000),
                                    FABRIC_PAIRS_PER_BUCKET);
}

void
pair_readings_uninit(struct pair_readings *readings)
{
    pair_log_destroy(readings->log);
}

void
pairs_of_switch_init(struct pairs_of_switch *pairs)
{
    memset(pairs, 0, sizeof *pairs);
    hmap_init(&pairs->seen);
}

static void
forget(struct pairs_of_switch *pairs, struct pair_readings *readings,
       struct seen_pair *seen)
{
    hmap_remove(&pairs->seen, &seen->node);
    free(seen);
    readings->n_seen--;
}

void
pairs_of_switch_uninit(struct pairs_of_switch *pairs,
                       struct pair_readings *readings)
{
    struct seen_pair *seen, *next;

    HMAP_FOR_EACH_SAFE (seen, next, node, &pairs->seen) {
        forget(pairs, readings, seen);
    }
    hmap_destroy(&pairs->seen);
    free(pairs->owners);
    readings->n_full_hosts -= pairs->full;
}

/* Reading.  --------------------------------------------------------------- */

void
pair_reading_begin(struct pairs_of_switch *pairs)
{
    pairs->n_owners = 0;
    pairs->is_full = false;
}

void
pair_reading_stand_by(struct pairs_of_switch *pairs)
{
    pairs->is_read = false;
}

/* Counts the pairs of each unit: a switch learns so many of each.  Those of a
 * unit mostly follow each other. */
static void
count_owner(struct pairs_of_switch *pairs, uint64_t cookie)
{
    size_t i = pairs->n_owners;

    while (i && pairs->owners[i - 1].cookie != cookie) {
        i--;
    }
    if (!i) {
        if (pairs->n_owners >= OWNERS_MAX) {
            return;
        }
        if (pairs->n_owners >= pairs->allocated) {
            pairs->owners = x2nrealloc(pairs->owners, &pairs->allocated,
                                       sizeof *pairs->owners);
        }
        pairs->owners[pairs->n_owners++] = (struct pair_owner) { cookie, 0 };
        i = pairs->n_owners;
    }
    if (++pairs->owners[i - 1].n >= VMN_PAIRS_MAX) {
        pairs->is_full = true;
    }
}

static struct seen_pair *
find_seen(const struct pairs_of_switch *pairs, const struct counted_pair *key,
          uint32_t hash)
{
    struct seen_pair *seen;

    HMAP_FOR_EACH_WITH_HASH (seen, node, hash, &pairs->seen) {
        if (!memcmp(&seen->key, key, sizeof *key)) {
            return seen;
        }
    }
    return NULL;
}

static struct seen_pair *
add_seen(struct pairs_of_switch *pairs, struct pair_readings *readings,
         const struct counted_pair *key, uint32_t hash)
{
    struct seen_pair *seen;

    if (readings->n_seen >= SEEN_MAX
        || hmap_count(&pairs->seen) >= SEEN_PER_SWITCH_MAX) {
        return NULL;
    }
    readings->n_seen++;
    seen = xzalloc(sizeof *seen);
    seen->key = *key;
    hmap_insert(&pairs->seen, &seen->node, hash);
    return seen;
}

static const char *
host_of(const struct fabric *f, const char *port)
{
    const struct vmn_binding *binding = model_get_durable(
        f->model, VMN_TABLE_BINDING, port, NULL);

    return binding ? binding->host : NULL;
}

/* Adds to the log, unless nobody knows any more which port it was. */
static void
log_pair(const struct pair_reading *reading, const struct counted_pair *pair,
         uint64_t packets, uint64_t bytes)
{
    struct fabric_switch *sw = reading->sw;
    const struct fabric *f = sw->host->fabric;
    const struct vmn_port *to = packet_sender_port_of(sw, pair->ofport);
    struct pair_end src = { NULL, NULL };
    char text[INET6_ADDRSTRLEN];

    if (!to) {
        return;
    }
    if (pair->by_source
        && inet_ntop(pair->src.family == 4 ? AF_INET : AF_INET6,
                     pair->src.addr, text, sizeof text)) {
        src.port = model_find_routed_address(f->model, to->network, text);
    }
    if (src.port) {
        src.host = host_of(f, src.port);
    }
    pair_log_add(reading->all->log, reading->wall_ms, &src,
                 &(struct pair_end) { to->row.name, sw->host->name },
                 packets, bytes);
}

/* Returns true if the switch has forgotten the pair since the last reading,
 * and learned it again: its counters began anew. */
static bool
is_anew(const struct pair_reading *reading, const struct seen_pair *seen,
        const struct ofdump_counts *counts)
{
    return (counts->packets < seen->packets || counts->bytes < seen->bytes
            || (counts->age_ms && counts->age_ms + SLACK_MS
                                  < reading->now_ms
                                    - reading->pairs->read_ms));
}

void
pair_reading_add(const struct pair_reading *reading,
                 const struct ofputil_flow_stats *fs,
                 const struct ofdump_counts *counts)
{
    struct pairs_of_switch *pairs = reading->pairs;
    struct counted_pair pair;
    struct seen_pair *seen;
    uint32_t hash;

    if (!counted_pair_parse(&fs->match, &pair)) {
        return;
    }
    count_owner(pairs, ntohll(fs->cookie));
    hash = hash_bytes(&pair, sizeof pair, 0);
    seen = find_seen(pairs, &pair, hash);
    seen = seen ? seen : add_seen(pairs, reading->all, &pair, hash);
    if (!seen) {
        return;
    }
    seen->round = reading->round;
    /* Of what the first reading has, nobody knows when it came. */
    if (pairs->is_read) {
        bool anew = is_anew(reading, seen, counts);

        if (anew || counts->packets > seen->packets) {
            log_pair(reading, &pair,
                     counts->packets - (anew ? 0 : seen->packets),
                     counts->bytes - (anew ? 0 : seen->bytes));
        }
    }
    seen->packets = counts->packets;
    seen->bytes = counts->bytes;
}

void
pair_reading_end(const struct pair_reading *reading)
{
    struct pairs_of_switch *pairs = reading->pairs;
    struct seen_pair *seen, *next;

    HMAP_FOR_EACH_SAFE (seen, next, node, &pairs->seen) {
        if (seen->round != reading->round) {
            forget(pairs, reading->all, seen);
        }
    }
    reading->all->n_full_hosts += pairs->is_full;
    reading->all->n_full_hosts -= pairs->full;
    pairs->full = pairs->is_full;
    pairs->is_read = true;
    pairs->read_ms = reading->now_ms;
}
