/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with what apps want: units that failed, units that want
 * different things at the same flow key or group, and flows of equal priority
 * that overlap with different results.  Found when asked for; nothing here is
 * on the way of a change. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/overlap.h"
#include "hash.h"
#include "openvswitch/match.h"
#include "util.h"

/* At most so many problems of a kind are listed; of a change, so many are
 * looked for, so that what was there before can be told from what is new. */
#define PROBLEMS_MAX 100
#define DELTA_PROBLEMS_MAX 10000

/* 'packet' is one that shows the problem, or NULL. */
static void
add_problem(json_t *problems, const char *kind, const char *first,
            const char *second, const char *text, const struct match *match)
{
    char *packet = match ? overlap_packet(match) : NULL;
    json_t *units = json_pack("[s]", first);

    if (second) {
        json_array_append_new(units, json_string(second));
    }
    json_array_append_new(problems, json_pack(
        "{s:s, s:o, s:s, s:s*}", "kind", kind, "units", units, "text", text,
        "packet", packet));
    free(packet);
}

static void
failed_units(const struct engine *engine, json_t *problems, size_t max)
{
    const struct unit_node *unit;
    size_t n = 0;

    LIST_FOR_EACH (unit, problem_node, &engine->problems) {
        if (n++ >= max) {
            break;
        }
        add_problem(problems, "failed", unit->name, NULL, unit->problem,
                    NULL);
    }
}

static void
conflicting_slots(const struct engine *engine, json_t *problems, size_t max)
{
    const struct slot *slot;
    size_t n = 0;

    LIST_FOR_EACH (slot, conflict_node, &engine->wanted.conflicts) {
        if (n++ >= max) {
            break;
        }

        const char *first = slot->entries[0]->unit->name;
        const char *second = slot->entries[slot->n_entries - 1]->unit->name;
        char *text = slot->kind == ENGINE_GROUP
            ? xasprintf("both want group %u; the first has it",
                        slot->group_id)
            : xasprintf("both want the same match in table %u at priority "
                        "%u; the first has it", slot->table, slot->priority);

        if (slot->kind == ENGINE_FLOW && slot->n_active) {
            struct match match;

            overlap_decode(&slot->active[0]->pub, &match);
            add_problem(problems, "conflict", first, second, text, &match);
        } else {
            add_problem(problems, "conflict", first, second, text, NULL);
        }
        free(text);
    }
}

/* Overlaps.  ------------------------------------------------------------- */

/* A plain flow of one (table, priority), with its match spread out. */
struct candidate {
    const struct slot *slot;
    struct match match;
    uint32_t mask_hash;
};

static bool
is_plain_flow(const struct slot *slot)
{
    return (slot->kind == ENGINE_FLOW && slot->n_active == 1
            && slot->n_entries && slot->entries[0]->item);
}

static int
compare_slots(const void *a_, const void *b_)
{
    const struct slot *a = *(const struct slot *const *) a_;
    const struct slot *b = *(const struct slot *const *) b_;

    return (a->table != b->table ? a->table - b->table
            : a->priority != b->priority ? a->priority - b->priority
            : strcmp(a->entries[0]->unit->name, b->entries[0]->unit->name));
}

static void
candidate_init(struct candidate *c, const struct slot *slot)
{
    c->slot = slot;
    overlap_decode(&slot->active[0]->pub, &c->match);
    c->mask_hash = hash_bytes(&c->match.wc, sizeof c->match.wc, 0);
}

static void
add_overlap(json_t *problems, const struct slot *slot, const char *first,
            const char *second, const struct match *both)
{
    char *text = xasprintf("overlapping matches in table %u at priority %u "
                           "with different results", slot->table,
                           slot->priority);

    add_problem(problems, "overlap", first, second, text, both);
    free(text);
}

static void
check_pair(const struct candidate *a, const struct candidate *b,
           json_t *problems)
{
    const struct unit_node *a_unit = a->slot->entries[0]->unit;
    const struct unit_node *b_unit = b->slot->entries[0]->unit;
    const struct engine_item *x = &a->slot->active[0]->pub;
    const struct engine_item *y = &b->slot->active[0]->pub;
    struct match both;

    if (a_unit != b_unit && scope_may_meet(x->scope, y->scope)
        && overlap_intersect(&a->match, &b->match, &both)
        && !overlap_same_result(x, y)) {
        add_overlap(problems, a->slot, a_unit->name, b_unit->name, &both);
    }
}

/* Flows with the same mask cannot overlap, since their keys differ; most
 * groups have one mask only, and cost nothing more. */
static void
check_group(const struct slot *const *slots, size_t n, json_t *problems)
{
    struct candidate *c = xmalloc(n * sizeof *c);

    for (size_t i = 0; i < n; i++) {
        candidate_init(&c[i], slots[i]);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            if (json_array_size(problems) < 3 * PROBLEMS_MAX
                && c[i].mask_hash != c[j].mask_hash) {
                check_pair(&c[i], &c[j], problems);
            }
        }
    }
    free(c);
}

/* A group of one (table, priority) larger than this is looked at in part, so
 * that the question stays cheap. */
#define GROUP_MAX 2000

static void
overlapping_flows(const struct engine *engine, json_t *problems)
{
    const struct slot **slots = xmalloc((engine->wanted.n_flows + 1)
                                        * sizeof *slots);
    const struct slot *slot;
    size_t n = 0;

    HMAP_FOR_EACH (slot, hmap_node, &engine->wanted.slots) {
        if (is_plain_flow(slot) && n <= engine->wanted.n_flows) {
            slots[n++] = slot;
        }
    }
    qsort(slots, n, sizeof *slots, compare_slots);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && slots[j]->table == slots[i]->table
             && slots[j]->priority == slots[i]->priority; j++) {
            continue;
        }
        if (j - i > 1) {
            check_group(&slots[i], MIN(j - i, GROUP_MAX), problems);
        }
    }
    free(slots);
}

json_t *
engine_problems(const struct engine *engine)
{
    json_t *problems = json_array();

    failed_units(engine, problems, PROBLEMS_MAX);
    conflicting_slots(engine, problems, PROBLEMS_MAX);
    overlapping_flows(engine, problems);
    return problems;
}

/* Overlaps with what a change has added.  -------------------------------- */

/* Most pairs of flows that are compared: some tenths of a second.  Pairs
 * whose bytes exclude each other cost next to nothing. */
#define PAIRS_MAX 4000000

/* The flows of one (table, priority) that were added. */
struct added {
    struct hmap_node node;
    uint8_t table;
    uint16_t priority;
    size_t n, allocated;
    const struct item **items;
};

struct search {
    const struct engine *engine;
    struct hmap added;          /* Of struct added. */
    size_t n_pairs;
    size_t n_left_out;
    size_t n_found;
    json_t *problems;
};

static struct added *
find_added(const struct search *search, uint8_t table, uint16_t priority)
{
    struct added *added;

    HMAP_FOR_EACH_WITH_HASH (added, node, hash_2words(table, priority),
                             &search->added) {
        if (added->table == table && added->priority == priority) {
            return added;
        }
    }
    return NULL;
}

static void
note_added(struct search *search, const struct engine_item *item)
{
    struct added *added = find_added(search, item->table, item->priority);

    if (!added) {
        added = xzalloc(sizeof *added);
        added->table = item->table;
        added->priority = item->priority;
        hmap_insert(&search->added, &added->node,
                    hash_2words(item->table, item->priority));
    }
    if (added->n >= added->allocated) {
        added->items = x2nrealloc(added->items, &added->allocated,
                                  sizeof *added->items);
    }
    added->items[added->n++] = item_cast(item);
}

static bool
was_added(const struct added *added, const struct item *item)
{
    for (size_t i = 0; i < added->n; i++) {
        if (added->items[i] == item) {
            return true;
        }
    }
    return false;
}

/* The unit that wants 'item', or NULL if several contribute to it. */
static const struct unit_node *
unit_of(const struct engine *engine, const struct engine_item *item)
{
    const struct unit_node *unit;

    HMAP_FOR_EACH_WITH_HASH (unit, cookie_node, item->cookie,
                             &engine->cookies) {
        if (unit->cookie == item->cookie) {
            return unit;
        }
    }
    return NULL;
}

static void
check_overlap(struct search *search, const struct added *added,
              const struct slot *slot, const struct item *a,
              const struct item *b)
{
    const struct unit_node *a_unit = unit_of(search->engine, &a->pub);
    const struct unit_node *b_unit = unit_of(search->engine, &b->pub);
    struct match a_match, b_match, both;

    if (!a_unit || !b_unit
        /* Of two that were added one comes first. */
        || (a->pub.xid > b->pub.xid && was_added(added, b))) {
        return;
    }
    overlap_decode(&a->pub, &a_match);
    overlap_decode(&b->pub, &b_match);
    if (overlap_intersect(&a_match, &b_match, &both)
        && search->n_found++ < DELTA_PROBLEMS_MAX) {
        bool in_order = strcmp(a_unit->name, b_unit->name) < 0;

        add_overlap(search->problems, slot,
                    in_order ? a_unit->name : b_unit->name,
                    in_order ? b_unit->name : a_unit->name, &both);
    }
}

static void
check_against_added(struct search *search, const struct slot *slot,
                    const struct item *item)
{
    const struct added *added = find_added(search, slot->table,
                                           slot->priority);

    for (size_t i = 0; added && i < added->n; i++) {
        const struct item *a = added->items[i];

        if (search->n_pairs >= PAIRS_MAX) {
            search->n_left_out += added->n - i;
            break;
        }
        search->n_pairs++;
        if (a->pub.cookie != item->pub.cookie
            && scope_may_meet(a->pub.scope, item->pub.scope)
            && !overlap_is_excluded(&a->pub, &item->pub)
            && !overlap_same_result(&a->pub, &item->pub)) {
            check_overlap(search, added, slot, a, item);
        }
    }
}

static void
search_uninit(struct search *search)
{
    struct added *added;

    HMAP_FOR_EACH_POP (added, node, &search->added) {
        free(added->items);
        free(added);
    }
    hmap_destroy(&search->added);
}

static void
added_overlaps(const struct engine *engine, const struct engine_delta *delta,
               json_t *problems)
{
    struct search search = { .engine = engine, .problems = problems };
    const struct slot *slot;

    hmap_init(&search.added);
    for (size_t i = 0; i < delta->n_changes; i++) {
        const struct engine_change *change = &delta->changes[i];

        if (change->added && change->item->kind == ENGINE_FLOW) {
            note_added(&search, change->item);
        }
    }
    if (!hmap_is_empty(&search.added)) {
        HMAP_FOR_EACH (slot, hmap_node, &engine->wanted.slots) {
            for (size_t i = 0; slot->kind == ENGINE_FLOW
                 && i < slot->n_active; i++) {
                check_against_added(&search, slot, slot->active[i]);
            }
        }
    }
    if (search.n_left_out) {
        char *text = xasprintf("so many flows change that %"PRIuSIZE" pairs "
                               "of flows were not looked at for overlaps",
                               search.n_left_out);

        json_array_append_new(problems, json_pack(
            "{s:s, s:[], s:s}", "kind", "unchecked", "units", "text", text));
        free(text);
    }
    search_uninit(&search);
}

json_t *
engine_delta_problems(const struct engine *engine,
                      const struct engine_delta *delta)
{
    json_t *problems = json_array();

    failed_units(engine, problems, DELTA_PROBLEMS_MAX);
    conflicting_slots(engine, problems, DELTA_PROBLEMS_MAX);
    added_overlaps(engine, delta, problems);
    return problems;
}
