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

#include "flow.h"
#include "hash.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* At most so many problems of a kind are listed. */
#define PROBLEMS_MAX 100

static void
add_problem(json_t *problems, const char *kind, const char *first,
            const char *second, const char *text)
{
    json_t *units = json_pack("[s]", first);

    if (second) {
        json_array_append_new(units, json_string(second));
    }
    json_array_append_new(problems, json_pack("{s:s, s:o, s:s}", "kind", kind,
                                              "units", units, "text", text));
}

static void
failed_units(const struct engine *engine, json_t *problems)
{
    const struct unit_node *unit;
    size_t n = 0;

    HMAP_FOR_EACH (unit, cookie_node, &engine->cookies) {
        if (unit->problem && n++ < PROBLEMS_MAX) {
            add_problem(problems, "failed", unit->name, NULL, unit->problem);
        }
    }
}

static void
conflicting_slots(const struct engine *engine, json_t *problems)
{
    const struct slot *slot;
    size_t n = 0;

    LIST_FOR_EACH (slot, conflict_node, &engine->wanted.conflicts) {
        if (n++ >= PROBLEMS_MAX) {
            break;
        }

        const char *first = slot->entries[0]->unit->name;
        const char *second = slot->entries[slot->n_entries - 1]->unit->name;
        char *text = slot->kind == ENGINE_GROUP
            ? xasprintf("both want group %u; the first has it",
                        slot->group_id)
            : xasprintf("both want the same match in table %u at priority "
                        "%u; the first has it", slot->table, slot->priority);

        add_problem(problems, "conflict", first, second, text);
        free(text);
    }
}

/* Overlaps.  ------------------------------------------------------------- */

/* A plain flow of one (table, priority), with its match spread out. */
struct candidate {
    const struct slot *slot;
    struct flow flow;
    struct flow_wildcards wc;
    uint32_t mask_hash;         /* Of 'wc'. */
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
    struct ofpbuf b = ofpbuf_const_initializer(slot->match,
                                               slot->match_size);
    struct match match;
    uint16_t padded;

    c->slot = slot;
    if (ofputil_pull_ofp11_match(&b, NULL, NULL, &match, &padded)) {
        match_init_catchall(&match);
    }
    c->flow = match.flow;
    c->wc = match.wc;
    c->mask_hash = hash_bytes(&c->wc, sizeof c->wc, 0);
}

static bool
same_result(const struct slot *a, const struct slot *b)
{
    const struct engine_item *x = &a->active[0]->pub;
    const struct engine_item *y = &b->active[0]->pub;
    size_t x_match, y_match;
    const uint8_t *x_end = item_match(x, &x_match);
    const uint8_t *y_end = item_match(y, &y_match);
    size_t x_size, y_size;

    x_end += x_match;
    y_end += y_match;
    x_size = x->add + x->add_size - x_end;
    y_size = y->add + y->add_size - y_end;
    return x_size == y_size && !memcmp(x_end, y_end, x_size);
}

/* True if some packet matches both. */
static bool
overlap(const struct candidate *a, const struct candidate *b)
{
    const uint64_t *af = (const uint64_t *) &a->flow;
    const uint64_t *bf = (const uint64_t *) &b->flow;
    const uint64_t *am = (const uint64_t *) &a->wc.masks;
    const uint64_t *bm = (const uint64_t *) &b->wc.masks;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        if ((af[i] ^ bf[i]) & am[i] & bm[i]) {
            return false;
        }
    }
    return true;
}

static void
check_pair(const struct candidate *a, const struct candidate *b,
           json_t *problems)
{
    if (a->slot->entries[0]->unit == b->slot->entries[0]->unit
        || !scope_may_meet(a->slot->active[0]->pub.scope,
                           b->slot->active[0]->pub.scope)
        || !overlap(a, b) || same_result(a->slot, b->slot)) {
        return;
    }

    char *text = xasprintf("overlapping matches in table %u at priority %u "
                           "with different results", a->slot->table,
                           a->slot->priority);

    add_problem(problems, "overlap", a->slot->entries[0]->unit->name,
                b->slot->entries[0]->unit->name, text);
    free(text);
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

    failed_units(engine, problems);
    conflicting_slots(engine, problems);
    overlapping_flows(engine, problems);
    return problems;
}
