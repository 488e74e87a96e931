/* SPDX-License-Identifier: Apache-2.0
 *
 * The flows and groups of emulated switches, kept as the bytes in which they
 * came.  Entries that are equal on several switches are stored once.  Not a
 * classifier: no packet is ever looked up. */

#ifndef TESTS_BENCH_SWARM_TABLE_H
#define TESTS_BENCH_SWARM_TABLE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"

struct ofp_header;
struct ofpbuf;

/* A flow or a group: what follows the header of the message that added it.
 * Immutable, counted, and in 'bodies' of struct store. */
struct body {
    struct hmap_node node;
    unsigned n_refs;
    uint32_t key_hash;          /* Of what identifies it on a switch. */
    uint64_t digest;            /* Of what a dump would show of it. */
    uint16_t size;
    uint16_t match_size;        /* Flow: with padding. */
    bool is_group;
    bool uses_groups;           /* Flow: one of its actions names a group. */
    _Alignas(8) uint8_t bytes[];
};

struct store {
    struct hmap bodies;
};

/* Returns NULL if 'oh', a flow mod or group mod, makes no sense. */
struct body *body_from_message(struct store *, const struct ofp_header *oh);
struct body *body_ref(struct body *);
void body_unref(struct store *, struct body *);
/* A flow's copy whose instructions are gone, or, if it had none, whose cookie
 * is another. */
struct body *body_spoil(struct store *, const struct body *);

uint64_t body_cookie(const struct body *);
uint8_t body_table(const struct body *);
uint32_t body_group_id(const struct body *);
bool body_same_key(const struct body *, const struct body *);
/* Whether one of a flow's actions sends packets to the group. */
bool body_names_group(const struct body *, uint32_t group_id);
/* Calls 'cb' for each group that a flow's actions name until it returns
 * false; returns false then. */
bool body_each_group(const struct body *,
                     bool (*cb)(void *aux, uint32_t group_id), void *aux);
/* Whether each field of 'match' (an ofp11_match_header and OXM fields) is in
 * the flow's match as it stands there. */
bool body_matches(const struct body *, const uint8_t *match, size_t size);

/* What a dump shows of it, as one record. */
size_t body_record_size(const struct body *);
void body_put_record(const struct body *, uint8_t *record);
/* Has a flow's record say that it is there for so many seconds, and that so
 * many packets, of 100 bytes each, have hit it. */
void body_put_packets(const struct body *, uint8_t *record, uint32_t seconds,
                      uint64_t n);

/* A switch's flows, or its groups: a hash table by key. */
struct table {
    struct body **slots;        /* Or NULL. */
    size_t n_slots;             /* A power of 2, or 0. */
    size_t n;
};

struct body *table_find(const struct table *, const struct body *key);
/* Puts 'body' in; the entry with its key, or NULL, is the caller's now. */
struct body *table_put(struct table *, struct body *);
/* Takes out the entry with that key, which is the caller's now, or NULL. */
struct body *table_take(struct table *, const struct body *key);
void table_clear(struct table *, struct store *);
/* The sum of the digests. */
uint64_t table_digest(const struct table *);

#define TABLE_FOR_EACH(BODY, INDEX, TABLE) \
    for ((INDEX) = 0; (INDEX) < (TABLE)->n_slots; (INDEX)++) \
        if (((BODY) = (TABLE)->slots[INDEX]))

#endif /* tests/bench/swarm/table.h */
