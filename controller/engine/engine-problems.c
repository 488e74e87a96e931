/* SPDX-License-Identifier: Apache-2.0
 *
 * Problems of apps' desired state: units that failed, units that want
 * different items at the same flow key or group, and flows of equal priority
 * that overlap with different results.  Computed on request only; changes do
 * not wait for this. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/late-nodes.h"
#include "controller/flow/match-overlap.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-shown.h"
#include "flow.h"
#include "hash.h"
#include "hmapx.h"
#include "openvswitch/match.h"
#include "util.h"

/* Maximum number of problems of each kind in a list.  Of a change more are
 * searched for, so that existing ones can be told from new ones. */
#define PROBLEMS_MAX 100
#define DELTA_PROBLEMS_MAX 10000

const struct schema_struct engine_problem_shown = SHOWN_KEPT(
    "Issue", engine_problem,
    SHOWN_OF(engine_problem, kind, STRING, ALWAYS,
             "Such as `app`, `failed`, `late`, `conflict`, `overlap`, "
             "`unchecked`, `store`, `certificates`, `quota`, `paths`, `lag`, "
             "`disk`."),
    SHOWN_LIST_OF(engine_problem, units, n_units, STRING, ALWAYS,
                  "The units concerned."),
    SHOWN_OF(engine_problem, detail, STRING, ALWAYS, "What it is."),
    SHOWN_OF(engine_problem, packet, STRING, 0,
             "A packet for which it happens, as an argument of "
             "`ofproto/trace`."));

static struct engine_problems *
engine_problems_create(void)
{
    struct engine_problems *problems = xzalloc(sizeof *problems);

    arena_init(&problems->arena);
    return problems;
}

void
engine_problems_destroy(struct engine_problems *problems)
{
    if (problems) {
        arena_uninit(&problems->arena);
        free(problems->problems);
        free(problems);
    }
}

/* Adds a problem of one unit, of two, or of none (NULL), for packets like
 * those that 'match' (or NULL) matches. */
static void
add_problem(struct engine_problems *problems, const char *kind,
            const char *first, const char *second, const char *detail,
            const struct match *match)
{
    struct arena *arena = &problems->arena;
    char *packet = match ? match_example_packet(match) : NULL;
    const char **units = arena_alloc(arena, 2 * sizeof *units);

    if (problems->n >= problems->allocated) {
        problems->problems = x2nrealloc(problems->problems,
                                        &problems->allocated,
                                        sizeof *problems->problems);
    }
    units[0] = first ? arena_strdup(arena, first) : NULL;
    units[1] = second ? arena_strdup(arena, second) : NULL;
    problems->problems[problems->n++] = (struct engine_problem) {
        .kind = kind, .n_units = !!first + !!second, .units = units,
        .detail = arena_strdup(arena, detail),
        .packet = packet ? arena_strdup(arena, packet) : NULL,
    };
    free(packet);
}

static void
failed_units(const struct engine *engine, struct engine_problems *problems,
             size_t max)
{
    const struct unit_node *unit;
    size_t n = 0;

    LIST_FOR_EACH (unit, problem_node, &engine->problems) {
        if (n++ >= max) {
            break;
        }
        add_problem(problems, unit->late ? "late" : "failed", unit->name, NULL,
                    unit->problem, NULL);
    }
}

/* Queries that are late: what reads them is not, yet. */
static void
late_queries(const struct engine *engine, struct engine_problems *problems,
             size_t max)
{
    const struct late *late;
    size_t n = 0;

    LIST_FOR_EACH (late, engine_node, &engine->late) {
        if (late->node->kind == NODE_QUERY && n++ < max) {
            char *name = xasprintf(
                "%s/%s", engine->query_classes[late->node->id].name,
                late->node->key);

            add_problem(problems, "late", name, NULL, "its worker is not done "
                        "with it", NULL);
            free(name);
        }
    }
}

static void
conflicting_slots(const struct engine *engine,
                  struct engine_problems *problems, size_t max)
{
    const struct desired_state *desired = &engine->desired;
    const struct entry_array *array;
    size_t n = 0;

    LIST_FOR_EACH (array, conflict_node, &desired->conflicts) {
        if (n++ >= max) {
            break;
        }

        const struct slot *slot = array->slot;
        struct slot_range range = slot_get_conflict(desired, slot);
        const char *first = slot_entry(desired, slot, range.first)->unit->name;
        const char *second = slot_entry(desired, slot, range.end - 1)
                             ->unit->name;
        char *text = slot->kind == FLOW_ITEM_GROUP
            ? xasprintf("both desire group %u; that of the first is installed",
                        slot->group_id)
            : xasprintf("both desire the same match in table %u at priority "
                        "%u; that of the first is installed", slot->table,
                        slot->priority);

        if (slot->kind == FLOW_ITEM_FLOW && slot->n_active) {
            struct match match;

            flow_item_decode_match(slot_active(slot)[0], &match);
            add_problem(problems, "conflict", first, second, text, &match);
        } else {
            add_problem(problems, "conflict", first, second, text, NULL);
        }
        free(text);
    }
}

/* Overlaps.  ------------------------------------------------------------- */

/* Limits of the cost of a search: some tenths of a second. */
#define DECODES_MAX 200000
#define PAIRS_MAX 1000000

struct search {
    const struct engine *engine;
    struct engine_problems *problems;
    size_t max;                 /* Maximum number of problems. */
    size_t n_found;
    size_t n_decoded;
    size_t n_pairs;
    bool cut_short;
};

/* Returns the unit of 'item', or NULL if several contribute to it. */
static const struct unit_node *
unit_of(const struct engine *engine, const struct flow_item *item)
{
    return engine_find_unit(engine, flow_cookie_owner(item->cookie));
}

/* Adds a problem if some packet matches both flows, which have one priority,
 * if a host may have both, and if their actions differ. */
static void
check_items(struct search *search, const struct flow_item *a,
            const struct flow_item *b)
{
    struct match a_match, b_match, both;

    if (flow_cookie_owner(a->cookie) == flow_cookie_owner(b->cookie)
        || !scope_may_meet(a->scope, b->scope)
        || match_is_disjoint(a, b) || flow_item_same_actions(a, b)
        || (flow_item_drop_reason(a) && flow_item_drop_reason(b))) {
        return;
    }

    const struct unit_node *x = unit_of(search->engine, a);
    const struct unit_node *y = unit_of(search->engine, b);

    flow_item_decode_match(a, &a_match);
    flow_item_decode_match(b, &b_match);
    if (x && y && match_intersect(&a_match, &b_match, &both)
        && search->n_found++ < search->max) {
        bool in_order = strcmp(x->name, y->name) < 0;
        char *text = xasprintf("overlapping matches in table %u at priority "
                               "%u with different results", a->table,
                               a->priority);

        add_problem(search->problems, "overlap",
                    in_order ? x->name : y->name,
                    in_order ? y->name : x->name, text, &both);
        free(text);
    }
}

/* Checks two slots that are by host: on each host it has one item of each. */
static void
check_hosts(struct search *search, const struct slot *a, const struct slot *b)
{
    for (size_t i = 0, j = 0; i < a->n_active && j < b->n_active; ) {
        const struct flow_item *x = slot_active(a)[i];
        const struct flow_item *y = slot_active(b)[j];

        if (x->scope == y->scope) {
            check_items(search, x, y);
        }
        i += x->scope <= y->scope;
        j += y->scope <= x->scope;
    }
    search->n_pairs += MIN(a->n_active, b->n_active);
}

static void
check_slots(struct search *search, const struct slot *a, const struct slot *b)
{
    if (a->by_host && b->by_host) {
        check_hosts(search, a, b);
        return;
    }
    for (size_t i = 0; i < a->n_active; i++) {
        for (size_t j = 0; j < b->n_active; j++) {
            check_items(search, slot_active(a)[i],
                        slot_active(b)[j]);
        }
    }
    search->n_pairs += a->n_active * b->n_active;
}

/* A slot of one shape, by its values in the bits that another shape matches as
 * well. */
struct joined {
    struct hmap_node node;
    const struct slot *slot;
};

static uint32_t
common_hash(const struct slot *slot, const struct match *a,
            const struct match *b)
{
    const uint64_t *am = (const uint64_t *) &a->wc.masks;
    const uint64_t *bm = (const uint64_t *) &b->wc.masks;
    const uint64_t *flow;
    uint64_t common[FLOW_U64S];
    struct match match;
    size_t n = 0;

    flow_item_decode_match(slot_active(slot)[0], &match);
    flow = (const uint64_t *) &match.flow;
    for (size_t i = 0; i < FLOW_U64S; i++) {
        if (am[i] & bm[i]) {
            common[n++] = flow[i] & am[i] & bm[i];
        }
    }
    return hash_bytes(common, n * sizeof *common, 0);
}

/* Returns a flow of 'shape': all of them match the same fields and masks. */
static const struct flow_item *
example_of(const struct match_shape *shape)
{
    const struct slot *slot = CONTAINER_OF(ovs_list_front(&shape->slots),
                                           struct slot, shape_node);

    return slot_active(slot)[0];
}

/* Finds pairs of flows of two shapes that agree in the bits that both match,
 * by a hash join. */
static void
check_shapes(struct search *search, const struct match_shape *small,
             const struct match_shape *large)
{
    struct hmap values = HMAP_INITIALIZER(&values);
    struct joined *joined;
    struct match a, b;
    const struct slot *slot;

    if (search->n_decoded + small->n + large->n > DECODES_MAX) {
        search->cut_short = true;
        return;
    }
    search->n_decoded += small->n + large->n;
    flow_item_decode_match(example_of(small), &a);
    flow_item_decode_match(example_of(large), &b);
    LIST_FOR_EACH (slot, shape_node, &small->slots) {
        joined = xmalloc(sizeof *joined);
        joined->slot = slot;
        hmap_insert(&values, &joined->node, common_hash(slot, &a, &b));
        engine_yield(search->engine);
    }
    LIST_FOR_EACH (slot, shape_node, &large->slots) {
        HMAP_FOR_EACH_WITH_HASH (joined, node, common_hash(slot, &a, &b),
                                 &values) {
            if (search->n_pairs < PAIRS_MAX) {
                check_slots(search, joined->slot, slot);
            } else {
                search->cut_short = true;
            }
        }
        engine_yield(search->engine);
    }
    HMAP_FOR_EACH_POP (joined, node, &values) {
        free(joined);
    }
    hmap_destroy(&values);
}

static void
check_level(struct search *search, const struct overlap_level *level)
{
    const struct match_shape *a, *b;

    HMAP_FOR_EACH (a, node, &level->shapes) {
        HMAP_FOR_EACH (b, node, &level->shapes) {
            /* Each pair of shapes is compared once. */
            if (a->key < b->key && shapes_may_overlap(a, b)) {
                check_shapes(search, a->n < b->n ? a : b,
                             a->n < b->n ? b : a);
            }
        }
    }
}

static void
add_cut_short(const struct search *search)
{
    if (search->cut_short) {
        add_problem(search->problems, "unchecked", NULL, NULL,
                    "there are too many flows to check all for "
                    "overlaps", NULL);
    }
}

static void
overlapping_flows(const struct engine *engine,
                  struct engine_problems *problems)
{
    struct search search = { .engine = engine, .problems = problems,
                             .max = PROBLEMS_MAX };
    const struct overlap_level *level;

    LIST_FOR_EACH (level, mixed_node, &engine->desired.overlap_levels.mixed) {
        check_level(&search, level);
    }
    add_cut_short(&search);
}

/* Returns the problems found last.  They are kept until the next run, since
 * monitoring requests them often; during a run, they are those of the previous
 * one. */
const struct engine_problems *
engine_problems(const struct engine *engine)
{
    static const struct engine_problems none = { .n = 0 };
    struct problems_cache *cache = engine->problems_cache;
    struct engine_problems *problems;

    if (engine->running || engine->dry_run.running) {
        return cache->problems ? cache->problems : &none;
    }
    if (!cache->problems || cache->run != engine->stats.n_runs) {
        problems = engine_problems_create();
        failed_units(engine, problems, PROBLEMS_MAX);
        late_queries(engine, problems, PROBLEMS_MAX);
        conflicting_slots(engine, problems, PROBLEMS_MAX);
        overlapping_flows(engine, problems);
        engine_problems_destroy(cache->problems);
        cache->problems = problems;
        cache->run = engine->stats.n_runs;
    }
    return cache->problems;
}

static void
copy_problem(struct engine_problems *problems,
             const struct engine_problem *problem)
{
    add_problem(problems, problem->kind,
                problem->n_units > 0 ? problem->units[0] : NULL,
                problem->n_units > 1 ? problem->units[1] : NULL,
                problem->detail, NULL);
}

struct engine_problems *
engine_known_problems(const struct engine *engine)
{
    const struct engine_problems *last = engine->problems_cache->problems;
    struct engine_problems *problems = engine_problems_create();
    bool busy = engine->running || engine->dry_run.running;

    if (!busy) {
        failed_units(engine, problems, PROBLEMS_MAX);
        late_queries(engine, problems, PROBLEMS_MAX);
        conflicting_slots(engine, problems, PROBLEMS_MAX);
    }
    for (size_t i = 0; last && i < last->n; i++) {
        const char *kind = last->problems[i].kind;

        if (busy || (strcmp(kind, "failed") && strcmp(kind, "late")
                     && strcmp(kind, "conflict"))) {
            copy_problem(problems, &last->problems[i]);
        }
    }
    return problems;
}

/* Overlaps with what a change has added.  -------------------------------- */

/* Checks 'item' with another unless that is in 'added', too, and before it:
 * each pair of new flows is checked once. */
static void
check_new(struct search *search, const struct flow_item *item,
          const struct flow_item *other, const struct hmapx *added)
{
    if (!hmapx_contains(added, other) || other->xid > item->xid) {
        check_items(search, item, other);
    }
}

static void
check_with_slot(struct search *search, const struct flow_item *item,
                const struct slot *slot, const struct hmapx *added)
{
    if (slot->by_host && item->scope->kind == VMN_SCOPE_HOST) {
        const struct flow_item *other = slot_item_of(slot, item->scope);

        search->n_pairs++;
        if (other) {
            check_new(search, item, other, added);
        }
        return;
    }
    search->n_pairs += slot->n_active;
    for (size_t i = 0; i < slot->n_active; i++) {
        check_new(search, item, slot_active(slot)[i], added);
    }
}

static void
check_added(struct search *search, const struct flow_item *item,
            const struct hmapx *added)
{
    const struct overlap_level *level
        = overlap_index_find(&search->engine->desired.overlap_levels,
                             item->table, item->priority);
    struct match_shape like;
    const struct match_shape *shape;
    const struct slot *slot;

    if (!level || hmap_count(&level->shapes) < 2) {
        return;
    }
    like.key = match_shape_of_item(item, &like.eth_type, &like.ip_proto);
    HMAP_FOR_EACH (shape, node, &level->shapes) {
        if (shape->key == like.key || !shapes_may_overlap(shape, &like)) {
            continue;
        }
        LIST_FOR_EACH (slot, shape_node, &shape->slots) {
            if (search->n_pairs >= PAIRS_MAX) {
                search->cut_short = true;
                return;
            }
            check_with_slot(search, item, slot, added);
            engine_yield(search->engine);
        }
    }
}

static void
added_overlaps(const struct engine *engine, const struct engine_delta *delta,
               struct engine_problems *problems)
{
    struct search search = { .engine = engine, .problems = problems,
                             .max = DELTA_PROBLEMS_MAX };
    struct hmapx added = HMAPX_INITIALIZER(&added);

    for (size_t i = 0; i < delta->n_changes; i++) {
        const struct engine_change *change = &delta->changes[i];

        if (change->added && change->item->kind == FLOW_ITEM_FLOW) {
            hmapx_add(&added, CONST_CAST(struct flow_item *, change->item));
        }
    }
    for (size_t i = 0; i < delta->n_changes; i++) {
        const struct engine_change *change = &delta->changes[i];

        if (change->added && change->item->kind == FLOW_ITEM_FLOW) {
            check_added(&search, change->item, &added);
        }
    }
    hmapx_destroy(&added);
    add_cut_short(&search);
}

struct engine_problems *
engine_delta_problems(const struct engine *engine,
                      const struct engine_delta *delta)
{
    struct engine_problems *problems = engine_problems_create();

    failed_units(engine, problems, DELTA_PROBLEMS_MAX);
    conflicting_slots(engine, problems, DELTA_PROBLEMS_MAX);
    added_overlaps(engine, delta, problems);
    return problems;
}
