/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of an IP source and a local port, as a switch counts them in tables of
 * their own (flow/count-pair.h): what was added since it was last seen goes to
 * the log, under the names of both ends.  Flows there have the mark of all
 * that are counted, so they come with the other counters, and nothing is asked
 * of a switch that has none.
 *
 * A pair that is silent for longer than VMN_PAIR_IDLE_S is forgotten by the
 * switch, after readings that had all of it, as long as these come more often
 * than that.  What is added goes to the log as it arrives, so a reading that
 * fails half way has logged that half, and the next one goes on from there.
 *
 * When a switch has learned a pair is known as an interval: its age is of the
 * moment at which the switch answered, some time between request and arrival
 * of that. */

#include <config.h>

#include "controller/fabric/counters/pair-reading.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/fabric/counters/pair-log.h"
#include "controller/flow/count-pair.h"
#include "hash.h"
#include "openvswitch/ofp-flow.h"
#include "proto/openflow/ofdump.h"
#include "util.h"
#include "vmn/flow.h"

/* Pairs of all switches together, and of one; what is beyond that is not
 * counted, and the host is full. */
#define SEEN_MAX (512 * 1024)
#define SEEN_PER_SWITCH_MAX (64 * 1024)
/* Units and tables of a switch of which it is known whether they are full. */
#define OWNERS_MAX 4096
/* Ages are the switch's, by its own clock: so much they may be off. */
#define JITTER_MS 500

/* A pair as it was last seen. */
struct seen_pair {
    struct hmap_node node;      /* In 'seen', by its key. */
    struct counted_pair key;
    uint64_t packets, bytes;
    int64_t learned_ms;         /* time_msec() when the switch had learned it,
                                 * at the latest; INT64_MAX: not known. */
    int64_t seen_ms;            /* time_msec() of the last request that had
                                 * it. */
    uint64_t revision;          /* Of the names: */
    struct pair_name *src, *dst; /* References, or NULL. */
    uint32_t round;
};

/* A unit's pairs in one table: a switch learns so many of each. */
struct pair_owner {
    struct hmap_node node;      /* In 'owners'. */
    uint64_t cookie;
    uint8_t table;
    size_t n;
};

void
pair_readings_init(struct pair_readings *readings)
{
    memset(readings, 0, sizeof *readings);
    readings->log = pair_log_create(FABRIC_PAIR_BUCKETS,
                                    FABRIC_PAIR_BUCKET_S * INT64_C(1000),
                                    FABRIC_PAIRS_PER_BUCKET);
    pair_domains_init(&readings->domains);
}

void
pair_readings_uninit(struct pair_readings *readings)
{
    pair_domains_uninit(&readings->domains);
    pair_log_destroy(readings->log);
}

void
pairs_of_switch_init(struct pairs_of_switch *pairs)
{
    memset(pairs, 0, sizeof *pairs);
    hmap_init(&pairs->seen);
    hmap_init(&pairs->owners);
    host_ports_init(&pairs->ports);
}

static void
forget(struct pairs_of_switch *pairs, struct pair_readings *readings,
       struct seen_pair *seen)
{
    hmap_remove(&pairs->seen, &seen->node);
    pair_log_unref_name(readings->log, seen->src);
    pair_log_unref_name(readings->log, seen->dst);
    free(seen);
    readings->n_seen--;
}

static void
clear_owners(struct pairs_of_switch *pairs)
{
    struct pair_owner *owner;

    HMAP_FOR_EACH_POP (owner, node, &pairs->owners) {
        free(owner);
    }
}

static void
set_full(struct pairs_of_switch *pairs, struct pair_readings *readings,
         bool full)
{
    readings->n_full_hosts += full;
    readings->n_full_hosts -= pairs->full;
    pairs->full = full;
}

void
pairs_of_switch_disconnected(struct pairs_of_switch *pairs,
                             struct pair_readings *readings)
{
    set_full(pairs, readings, false);
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
    clear_owners(pairs);
    hmap_destroy(&pairs->owners);
    host_ports_uninit(&pairs->ports);
    set_full(pairs, readings, false);
}

/* Pairs.  ----------------------------------------------------------------- */

static void
count_owner(struct pairs_of_switch *pairs, uint64_t cookie, uint8_t table)
{
    uint32_t hash = hash_bytes(&cookie, sizeof cookie, table);
    struct pair_owner *owner;

    HMAP_FOR_EACH_WITH_HASH (owner, node, hash, &pairs->owners) {
        if (owner->cookie == cookie && owner->table == table) {
            break;
        }
    }
    if (!owner) {
        if (hmap_count(&pairs->owners) >= OWNERS_MAX) {
            return;
        }
        owner = xzalloc(sizeof *owner);
        owner->cookie = cookie;
        owner->table = table;
        hmap_insert(&pairs->owners, &owner->node, hash);
    }
    if (++owner->n >= VMN_PAIRS_MAX) {
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
        pairs->is_full = true;
        return NULL;
    }
    readings->n_seen++;
    seen = xzalloc(sizeof *seen);
    seen->key = *key;
    hmap_insert(&pairs->seen, &seen->node, hash);
    return seen;
}

/* Names.  ----------------------------------------------------------------- */

/* Has '*name', a reference, be that of 'port'.  Returns false if it was
 * another port's, or nobody's. */
static bool
set_name(const struct pair_reading *reading, struct pair_name **name,
         const char *port, int64_t created_ms)
{
    struct pair_log *log = reading->all->log;
    struct pair_name *before = *name;

    if (before && pair_name_is(before, port, created_ms)) {
        return true;
    }
    *name = pair_log_ref_name(log, port, created_ms);
    pair_log_unref_name(log, before);
    return false;
}

/* Looks up who the ends are.  A port that is gone stays one until there is
 * another in its place: what it had last is its own, and what has its network
 * is not that of a port of another one.  Returns false if an end is another
 * one than when the pair was last seen, so nobody knows whose what has come in
 * between is. */
static bool
look_up(const struct pair_reading *reading, struct seen_pair *seen)
{
    const struct counted_pair *key = &seen->key;
    const struct pair_port *to = host_ports_find(&reading->pairs->ports,
                                                 key->ofport);
    const char *from = NULL;
    int64_t created_ms;
    bool same = true;

    if (!to || to->vni != key->vni) {
        return true;
    }
    if (key->by_source) {
        from = pair_domains_find(&reading->all->domains, reading->model,
                                 to->network, &key->src, &created_ms);
    }
    if (from) {
        same = set_name(reading, &seen->src, from, created_ms);
    }
    return set_name(reading, &seen->dst, to->name, to->created_ms) && same;
}

/* Adds to the log, unless nobody knows any more which port it was. */
static void
log_pair(const struct pair_reading *reading, const struct seen_pair *seen,
         uint64_t packets, uint64_t bytes)
{
    struct pair_end src = { .name = seen->src };

    if (seen->dst) {
        if (src.name) {
            src.host = pair_host_of(reading->model,
                                    pair_name_text(seen->src));
        }
        pair_log_add(reading->all->log, reading->wall_ms, &src,
                     &(struct pair_end) { .host = reading->host,
                                          .name = seen->dst },
                     packets, bytes);
    }
}

/* Reading.  --------------------------------------------------------------- */

void
pair_reading_begin(const struct pair_reading *reading)
{
    clear_owners(reading->pairs);
    reading->pairs->is_full = false;
    reading->pairs->has_names = false;
}

/* Names are looked up as of the first pair: most switches have none. */
static void
read_names(const struct pair_reading *reading)
{
    if (!reading->pairs->has_names) {
        reading->pairs->has_names = true;
        host_ports_read(&reading->pairs->ports, reading->model,
                        reading->host);
    }
}

/* Returns true if the switch has forgotten the pair since it was last seen,
 * and learned it again: its counters began anew. */
static bool
is_anew(const struct pair_reading *reading, const struct seen_pair *seen,
        const struct ofdump_counts *counts)
{
    return (counts->packets < seen->packets || counts->bytes < seen->bytes
            || (counts->age_ms && seen->learned_ms != INT64_MAX
                && reading->now_ms - counts->age_ms - JITTER_MS
                   > seen->learned_ms
                && reading->arrived_ms - counts->age_ms + JITTER_MS
                   >= seen->seen_ms));
}

/* Returns true if what a pair has that was not seen before has come since the
 * last reading.  Of what the first reading has, nobody knows that; nor of what
 * was there before the last one, which had no room for it. */
static bool
is_new(const struct pair_reading *reading, const struct ofdump_counts *counts)
{
    return (reading->pairs->is_read && counts->age_ms
            && reading->arrived_ms - counts->age_ms + JITTER_MS
               >= reading->pairs->read_ms);
}

/* Logs what has been added to the pair, from when it was learned ('anew') or
 * last seen. */
static void
log_added(const struct pair_reading *reading, struct seen_pair *seen,
          bool anew, const struct ofdump_counts *counts)
{
    uint64_t revision = reading->pairs->ports.revision;
    bool same = true;

    if (seen->revision != revision) {
        same = look_up(reading, seen);
        /* Subnets may be those of before: then it is looked up once more. */
        seen->revision = MIN(revision, reading->all->domains.revision);
    }
    if (same || anew) {
        log_pair(reading, seen, counts->packets - (anew ? 0 : seen->packets),
                 counts->bytes - (anew ? 0 : seen->bytes));
    }
}

static void
take(const struct pair_reading *reading, struct seen_pair *seen, bool first,
     const struct ofdump_counts *counts)
{
    bool anew = first ? is_new(reading, counts)
                : is_anew(reading, seen, counts);

    if (first && !anew) {
        look_up(reading, seen);
    } else if (anew || counts->packets > seen->packets) {
        log_added(reading, seen, anew, counts);
    }
    seen->packets = counts->packets;
    seen->bytes = counts->bytes;
    seen->seen_ms = reading->now_ms;
    seen->learned_ms = (counts->age_ms ? reading->arrived_ms - counts->age_ms
                        : INT64_MAX);
    seen->round = reading->round;
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
    bool first;

    if (!counted_pair_parse(&fs->match, &pair)) {
        return;
    }
    count_owner(pairs, ntohll(fs->cookie), fs->table_id);
    hash = hash_bytes(&pair, sizeof pair, 0);
    seen = find_seen(pairs, &pair, hash);
    first = !seen;
    seen = seen ? seen : add_seen(pairs, reading->all, &pair, hash);
    if (seen) {
        read_names(reading);
        take(reading, seen, first, counts);
    }
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
    set_full(pairs, reading->all, pairs->is_full);
    pairs->is_read = true;
    pairs->read_ms = reading->now_ms;
}
