/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of ports in buckets of time; see pair-log.h. */

#include <config.h>

#include "controller/fabric/counters/pair-log.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/hmap.h"
#include "util.h"

/* A name of a port or a host, which entries share. */
struct pair_name {
    struct hmap_node node;      /* In 'names', unless it is retired. */
    size_t n_refs;
    int64_t created_ms;         /* Of a port. */
    bool retired;               /* The port was deleted. */
    char text[];
};

/* A pair. */
struct entry {
    struct hmap_node node;      /* In its bucket's 'entries'. */
    size_t position;            /* In the bucket's heap. */
    struct pair_name *src, *dst, *src_host, *dst_host; /* References, or
                                                        * NULL. */
    int64_t last_ms;            /* When something was added. */
    uint64_t packets;           /* Since it is here. */
    uint64_t count;             /* Its bytes, and what it began at: */
    uint64_t error;             /* that much. */
};

struct bucket {
    int64_t start_ms;           /* 0: it is empty. */
    struct hmap entries;
    struct entry **heap;        /* Of all entries, least 'count' first. */
    size_t n, allocated;
    bool full;                  /* A pair has lost its place. */
    struct fabric_pair_sums sums;
};

struct pair_log {
    size_t n_buckets, max_pairs;
    int64_t bucket_ms;
    int64_t newest_ms;          /* Start of the newest bucket; 0: none. */
    struct bucket *buckets;     /* By start_ms / bucket_ms % n_buckets. */
    struct hmap ports, hosts;   /* struct pair_name. */
    struct fabric_pair_sums sums;
    size_t n_pairs;
};

/* Names.  ----------------------------------------------------------------- */

static struct pair_name *
name_find(const struct hmap *names, const char *text)
{
    struct pair_name *name;

    HMAP_FOR_EACH_WITH_HASH (name, node, hash_string(text, 0), names) {
        if (!strcmp(name->text, text)) {
            return name;
        }
    }
    return NULL;
}

/* Returns a new reference, or NULL for NULL. */
static struct pair_name *
name_ref(struct hmap *names, const char *text)
{
    struct pair_name *name;

    if (!text) {
        return NULL;
    }
    name = name_find(names, text);
    if (!name) {
        size_t size = strlen(text) + 1;

        name = xzalloc(sizeof *name + size);
        memcpy(name->text, text, size);
        hmap_insert(names, &name->node, hash_string(text, 0));
    }
    name->n_refs++;
    return name;
}

static void
name_unref(struct hmap *names, struct pair_name *name)
{
    if (name && !--name->n_refs) {
        if (!name->retired) {
            hmap_remove(names, &name->node);
        }
        free(name);
    }
}

static void
retire(struct pair_log *log, struct pair_name *name)
{
    hmap_remove(&log->ports, &name->node);
    name->retired = true;
}

struct pair_name *
pair_log_ref_name(struct pair_log *log, const char *port, int64_t created_ms)
{
    struct pair_name *name = name_find(&log->ports, port);

    if (name && name->created_ms != created_ms) {
        retire(log, name);
    }
    name = name_ref(&log->ports, port);
    name->created_ms = created_ms;
    return name;
}

void
pair_log_unref_name(struct pair_log *log, struct pair_name *name)
{
    name_unref(&log->ports, name);
}

bool
pair_name_is(const struct pair_name *name, const char *port,
             int64_t created_ms)
{
    return (!name->retired && name->created_ms == created_ms
            && !strcmp(name->text, port));
}

const char *
pair_name_text(const struct pair_name *name)
{
    return name->text;
}

static struct pair_name *
port_ref(struct pair_log *log, const struct pair_end *end)
{
    if (end->name) {
        end->name->n_refs++;
        return end->name;
    }
    return end->port ? pair_log_ref_name(log, end->port, 0) : NULL;
}

/* Buckets.  --------------------------------------------------------------- */

static void
entry_unref_names(struct pair_log *log, struct entry *entry)
{
    name_unref(&log->ports, entry->src);
    name_unref(&log->ports, entry->dst);
    name_unref(&log->hosts, entry->src_host);
    name_unref(&log->hosts, entry->dst_host);
}

static void
bucket_clear(struct pair_log *log, struct bucket *bucket)
{
    struct entry *entry, *next;

    HMAP_FOR_EACH_SAFE (entry, next, node, &bucket->entries) {
        hmap_remove(&bucket->entries, &entry->node);
        entry_unref_names(log, entry);
        free(entry);
    }
    free(bucket->heap);
    bucket->heap = NULL;
    log->n_pairs -= bucket->n;
    bucket->n = bucket->allocated = 0;
    bucket->start_ms = 0;
    bucket->full = false;
    memset(&bucket->sums, 0, sizeof bucket->sums);
}

static void
clear(struct pair_log *log)
{
    for (size_t i = 0; i < log->n_buckets; i++) {
        bucket_clear(log, &log->buckets[i]);
    }
    log->newest_ms = 0;
}

/* Returns the bucket of 'now_ms', cleared if it was an older one's place. */
static struct bucket *
bucket_get(struct pair_log *log, int64_t now_ms)
{
    int64_t start_ms = MAX(now_ms, log->bucket_ms);
    struct bucket *bucket;

    start_ms -= start_ms % log->bucket_ms;
    if (start_ms < log->newest_ms) {
        if (start_ms >= log->newest_ms - log->bucket_ms) {
            start_ms = log->newest_ms;
        } else {
            clear(log);
        }
    }
    log->newest_ms = start_ms;
    bucket = &log->buckets[start_ms / log->bucket_ms % log->n_buckets];
    if (bucket->start_ms != start_ms) {
        bucket_clear(log, bucket);
        bucket->start_ms = start_ms;
    }
    return bucket;
}

/* The heap.  -------------------------------------------------------------- */

static void
put(struct bucket *bucket, size_t position, struct entry *entry)
{
    bucket->heap[position] = entry;
    entry->position = position;
}

static void
sift_up(struct bucket *bucket, struct entry *entry)
{
    size_t i = entry->position;

    while (i && bucket->heap[(i - 1) / 2]->count > entry->count) {
        put(bucket, i, bucket->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(bucket, i, entry);
}

/* Restores the order after the entry's count has grown. */
static void
sift_down(struct bucket *bucket, struct entry *entry)
{
    size_t i = entry->position, child;

    while ((child = 2 * i + 1) < bucket->n) {
        if (child + 1 < bucket->n
            && bucket->heap[child + 1]->count < bucket->heap[child]->count) {
            child++;
        }
        if (bucket->heap[child]->count >= entry->count) {
            break;
        }
        put(bucket, i, bucket->heap[child]);
        i = child;
    }
    put(bucket, i, entry);
}

/* Adding.  ---------------------------------------------------------------- */

static uint32_t
hash_names(const struct entry *entry)
{
    uint32_t hash = hash_pointer(entry->src, 0);

    hash = hash_pointer(entry->dst, hash);
    hash = hash_pointer(entry->src_host, hash);
    return hash_pointer(entry->dst_host, hash);
}

static struct entry *
entry_find(const struct bucket *bucket, const struct entry *like)
{
    struct entry *entry;

    HMAP_FOR_EACH_WITH_HASH (entry, node, hash_names(like),
                             &bucket->entries) {
        if (entry->src == like->src && entry->dst == like->dst
            && entry->src_host == like->src_host
            && entry->dst_host == like->dst_host) {
            return entry;
        }
    }
    return NULL;
}

/* Returns the entry that has the place of 'like', whose references it takes:
 * a new one, or the one with least, as one of the new pair. */
static struct entry *
entry_add(struct pair_log *log, struct bucket *bucket,
          const struct entry *like)
{
    struct entry *entry;

    if (bucket->n < log->max_pairs) {
        entry = xzalloc(sizeof *entry);
        if (bucket->n >= bucket->allocated) {
            bucket->heap = x2nrealloc(bucket->heap, &bucket->allocated,
                                      sizeof *bucket->heap);
        }
        entry->position = bucket->n++;
        log->n_pairs++;
    } else {
        entry = bucket->heap[0];
        hmap_remove(&bucket->entries, &entry->node);
        entry_unref_names(log, entry);
        bucket->full = true;
    }
    entry->src = like->src;
    entry->dst = like->dst;
    entry->src_host = like->src_host;
    entry->dst_host = like->dst_host;
    entry->packets = 0;
    entry->error = entry->count;
    hmap_insert(&bucket->entries, &entry->node, hash_names(entry));
    sift_up(bucket, entry);
    return entry;
}

/* What switches say is no more than these can hold; a broken one may. */
static void
add(uint64_t *sum, uint64_t n)
{
    *sum = n > UINT64_MAX - *sum ? UINT64_MAX : *sum + n;
}

static void
sums_add(struct fabric_pair_sums *sums, enum fabric_pair_way way,
         uint64_t packets, uint64_t bytes)
{
    add(&sums->packets[way], packets);
    add(&sums->bytes[way], bytes);
}

void
pair_log_add(struct pair_log *log, int64_t now_ms, const struct pair_end *src,
             const struct pair_end *dst, uint64_t packets, uint64_t bytes)
{
    struct bucket *bucket = bucket_get(log, now_ms);
    struct entry like = {
        .src = port_ref(log, src),
        .dst = port_ref(log, dst),
        .src_host = name_ref(&log->hosts, src->host),
        .dst_host = name_ref(&log->hosts, dst->host),
    };
    struct entry *entry = entry_find(bucket, &like);
    enum fabric_pair_way way
        = (!like.src || !like.src_host || !like.dst_host ? FABRIC_PAIR_OTHERS
           : like.src_host == like.dst_host ? FABRIC_PAIR_SAME_HOST
           : FABRIC_PAIR_CROSS_HOST);

    if (entry) {
        entry_unref_names(log, &like);
    } else {
        entry = entry_add(log, bucket, &like);
    }
    add(&entry->packets, packets);
    add(&entry->count, bytes);
    entry->last_ms = now_ms;
    sift_down(bucket, entry);
    sums_add(&bucket->sums, way, packets, bytes);
    sums_add(&log->sums, way, packets, bytes);
}

void
pair_log_forget_port(struct pair_log *log, const char *port)
{
    struct pair_name *name = name_find(&log->ports, port);

    if (name) {
        retire(log, name);
    }
}

void
pair_log_forget_ports(struct pair_log *log, pair_log_port_cb *is_there,
                      const void *aux)
{
    struct pair_name *name, *next;

    HMAP_FOR_EACH_SAFE (name, next, node, &log->ports) {
        if (!is_there(aux, name->text)) {
            retire(log, name);
        }
    }
}

/* Reading.  --------------------------------------------------------------- */

static const char *
text_or_null(const struct pair_name *name)
{
    return name ? name->text : NULL;
}

static void
read_bucket(const struct pair_log *log, const struct bucket *bucket,
            fabric_pair_cb *cb, void *aux, struct fabric_pair_totals *totals)
{
    if (!totals->since_ms) {
        totals->since_ms = bucket->start_ms;
    }
    add(&totals->unlisted_bytes, bucket->full ? bucket->heap[0]->count : 0);
    for (int way = 0; way < FABRIC_PAIR_N_WAYS; way++) {
        sums_add(&totals->sums, way, bucket->sums.packets[way],
                 bucket->sums.bytes[way]);
    }
    for (size_t i = 0; i < bucket->n; i++) {
        const struct entry *entry = bucket->heap[i];

        cb(aux, &(struct fabric_pair) {
            .src = text_or_null(entry->src),
            .dst = text_or_null(entry->dst),
            .src_host = text_or_null(entry->src_host),
            .dst_host = text_or_null(entry->dst_host),
            .src_gone = entry->src && entry->src->retired,
            .dst_gone = entry->dst && entry->dst->retired,
            .src_created_ms = entry->src ? entry->src->created_ms : 0,
            .dst_created_ms = entry->dst ? entry->dst->created_ms : 0,
            .last_ms = entry->last_ms,
            .packets = entry->packets,
            .bytes = entry->count - entry->error,
            .uncertain_bytes = entry->error,
        });
    }
}

void
pair_log_read(const struct pair_log *log, int64_t since_ms,
              fabric_pair_cb *cb, void *aux,
              struct fabric_pair_totals *totals)
{
    int64_t oldest_ms = log->newest_ms
                        - ((int64_t) log->n_buckets - 1) * log->bucket_ms;

    memset(totals, 0, sizeof *totals);
    for (int64_t ms = MAX(0, oldest_ms); ms <= log->newest_ms;
         ms += log->bucket_ms) {
        const struct bucket *bucket
            = &log->buckets[ms / log->bucket_ms % log->n_buckets];

        if (ms && bucket->start_ms == ms && ms + log->bucket_ms > since_ms) {
            read_bucket(log, bucket, cb, aux, totals);
        }
    }
}

const struct fabric_pair_sums *
pair_log_sums(const struct pair_log *log)
{
    return &log->sums;
}

size_t
pair_log_size(const struct pair_log *log)
{
    return log->n_pairs;
}

/* Life.  ------------------------------------------------------------------ */

struct pair_log *
pair_log_create(size_t n_buckets, int64_t bucket_ms, size_t max_pairs)
{
    struct pair_log *log = xzalloc(sizeof *log);

    log->n_buckets = n_buckets;
    log->bucket_ms = bucket_ms;
    log->max_pairs = max_pairs;
    log->buckets = xcalloc(n_buckets, sizeof *log->buckets);
    for (size_t i = 0; i < n_buckets; i++) {
        hmap_init(&log->buckets[i].entries);
    }
    hmap_init(&log->ports);
    hmap_init(&log->hosts);
    return log;
}

void
pair_log_destroy(struct pair_log *log)
{
    if (log) {
        clear(log);
        for (size_t i = 0; i < log->n_buckets; i++) {
            hmap_destroy(&log->buckets[i].entries);
        }
        hmap_destroy(&log->ports);
        hmap_destroy(&log->hosts);
        free(log->buckets);
        free(log);
    }
}
