/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows to be looked up; see flow-lookup.h.  A set has its flows by table and,
 * in a table, by mask: each mask takes one look into a hash table, as in Open
 * vSwitch's classifier.  That one cannot be used itself, since the clauses of
 * a conjunction and the flow that it leads to may be in different sets. */

#include <config.h>

#include "controller/simulator/flow-lookup.h"

#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "hash.h"
#include "openvswitch/list.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

#define N_TABLES 256
#define FREED_PER_YIELD 256

struct subtable {
    struct ovs_list node;       /* In a table of the set. */
    struct minimask *mask;      /* A copy of its rules' mask. */
    struct hmap rules;
};

struct rule_set {
    struct ovs_list *tables[N_TABLES]; /* Of struct subtable, or NULL. */
};

struct rule_set *
rule_set_create(void)
{
    return xzalloc(sizeof(struct rule_set));
}

static void
rule_free(struct rule *rule)
{
    minimatch_destroy(&rule->match);
    free(rule->ofpacts);
    free(rule);
}

static void
subtable_free(struct subtable *subtable, void (*yield)(void *aux), void *aux)
{
    struct rule *rule;
    unsigned n = 0;

    HMAP_FOR_EACH_POP (rule, node, &subtable->rules) {
        rule_free(rule);
        if (yield && ++n % FREED_PER_YIELD == 0) {
            yield(aux);
        }
    }
    hmap_destroy(&subtable->rules);
    free(subtable->mask);
    free(subtable);
}

void
rule_set_destroy(struct rule_set *set, void (*yield)(void *aux), void *aux)
{
    if (!set) {
        return;
    }
    for (int i = 0; i < N_TABLES; i++) {
        struct subtable *subtable;

        if (set->tables[i]) {
            LIST_FOR_EACH_POP (subtable, node, set->tables[i]) {
                subtable_free(subtable, yield, aux);
            }
            free(set->tables[i]);
        }
    }
    free(set);
}

static struct subtable *
subtable_get(struct rule_set *set, uint8_t table, const struct minimask *mask)
{
    struct subtable *subtable;

    if (!set->tables[table]) {
        set->tables[table] = xmalloc(sizeof *set->tables[table]);
        ovs_list_init(set->tables[table]);
    }
    LIST_FOR_EACH (subtable, node, set->tables[table]) {
        if (minimask_equal(subtable->mask, mask)) {
            return subtable;
        }
    }

    struct flow_wildcards wc;

    minimask_expand(mask, &wc);
    subtable = xmalloc(sizeof *subtable);
    subtable->mask = minimask_create(&wc);
    hmap_init(&subtable->rules);
    ovs_list_push_back(set->tables[table], &subtable->node);
    return subtable;
}

/* Returns the hash of the bits of 'flow' that 'mask' has. */
static uint32_t
masked_hash(const struct flow *flow, const struct minimask *mask)
{
    const uint64_t *masks = miniflow_get_values(&mask->masks);
    const uint64_t *all = (const uint64_t *) flow;
    uint64_t values[FLOW_U64S];
    size_t n = 0, i;

    FLOWMAP_FOR_EACH_INDEX(i, mask->masks.map) {
        values[n] = all[i] & masks[n];
        n++;
    }
    return hash_bytes(values, n * sizeof *values, 0);
}

struct rule *
rule_set_add(struct rule_set *set, uint8_t table, uint16_t priority,
             const struct match *match, const struct ofpact *ofpacts,
             size_t ofpacts_len)
{
    struct rule *rule = xzalloc(sizeof *rule);
    struct subtable *subtable;

    rule->priority = priority;
    rule->soft = ofpacts_len && ofpacts->type == OFPACT_CONJUNCTION;
    minimatch_init(&rule->match, match);
    rule->ofpacts = ofpacts_len ? xmemdup(ofpacts, ofpacts_len) : NULL;
    rule->ofpacts_len = ofpacts_len;
    subtable = subtable_get(set, table, rule->match.mask);
    hmap_insert(&subtable->rules, &rule->node,
                masked_hash(&match->flow, subtable->mask));
    return rule;
}

/* Looking up.  ----------------------------------------------------------- */

/* All rules that match a packet and may affect the result. */
struct matches {
    size_t n, allocated;
    const struct rule **rules;
    const struct rule *stub[64];
};

static void
matches_add(struct matches *m, const struct rule *rule)
{
    if (m->n >= m->allocated) {
        size_t size = m->allocated * sizeof *m->rules;

        m->allocated *= 2;
        m->rules = (m->rules == m->stub ? xmemdup(m->stub, 2 * size)
                    : xrealloc(m->rules, 2 * size));
    }
    m->rules[m->n++] = rule;
}

static void
find_in_set(const struct rule_set *set, uint8_t table,
            const struct flow *flow, struct matches *m)
{
    const struct subtable *subtable;

    if (!set->tables[table]) {
        return;
    }
    LIST_FOR_EACH (subtable, node, set->tables[table]) {
        uint32_t hash = masked_hash(flow, subtable->mask);
        const struct rule *rule;

        HMAP_FOR_EACH_WITH_HASH (rule, node, hash, &subtable->rules) {
            if (minimatch_matches_flow(&rule->match, flow)) {
                matches_add(m, rule);
            }
        }
    }
}

static int
compare_rules(const void *a_, const void *b_)
{
    const struct rule *a = *(const struct rule *const *) a_;
    const struct rule *b = *(const struct rule *const *) b_;

    return (a->priority != b->priority
            ? (a->priority < b->priority ? 1 : -1)
            : a->soft - b->soft);
}

/* Sets '*m' to the rules that match, by descending priority; those of equal
 * priority with plain flows first. */
static void
find_all(struct rule_set *const sets[], size_t n, uint8_t table,
         const struct flow *flow, struct matches *m)
{
    m->n = 0;
    m->allocated = ARRAY_SIZE(m->stub);
    m->rules = m->stub;
    for (size_t i = 0; i < n; i++) {
        find_in_set(sets[i], table, flow, m);
    }
    if (m->n > 1) {
        qsort(m->rules, m->n, sizeof *m->rules, compare_rules);
    }
}

static void
matches_uninit(struct matches *m)
{
    if (m->rules != m->stub) {
        free(m->rules);
    }
}

/* Compares fields, since libopenvswitch does not initialise the padding behind
 * value and mask (ofpact_put_set_field()). */
static bool
same_set_field(const struct ofpact_set_field *a,
               const struct ofpact_set_field *b)
{
    size_t n = a->field->n_bytes;

    return (a->field == b->field && !memcmp(a->value, b->value, n)
            && !memcmp(ofpact_set_field_mask(a), ofpact_set_field_mask(b),
                       n));
}

static bool
same_action(const struct ofpact *a, const struct ofpact *b)
{
    if (a->type != b->type || a->len != b->len) {
        return false;
    }
    return (a->type == OFPACT_SET_FIELD
            ? same_set_field(ofpact_get_SET_FIELD(a), ofpact_get_SET_FIELD(b))
            : ofpacts_equal(a, a->len, b, b->len)
              || ofpacts_equal_stringwise(a, a->len, b, b->len));
}

bool
rule_same_actions(const struct ofpact *a, size_t a_len,
                  const struct ofpact *b, size_t b_len)
{
    const struct ofpact *end = ofpact_end(a, a_len);

    if (a_len != b_len) {
        return false;
    }
    for (; a < end; a = ofpact_next(a), b = ofpact_next(b)) {
        if (!same_action(a, b)) {
            return false;
        }
    }
    return true;
}

/* Returns true if both do the same with a packet.  All drops are equal,
 * whatever their owner, and whether they are reported. */
static bool
same_result(const struct rule *a, const struct rule *b)
{
    return (a->drop_reason && b->drop_reason)
           || rule_same_actions(a->ofpacts, a->ofpacts_len, b->ofpacts,
                                b->ofpacts_len);
}

/* Sets 'hit' to the plain flow at 'i', and to a conflicting one of equal
 * priority. */
static void
match_hard(const struct matches *m, size_t i, struct rule_hit *hit)
{
    hit->rule = m->rules[i];
    for (size_t j = i + 1; j < m->n; j++) {
        const struct rule *next = m->rules[j];

        if (next->soft || next->priority != hit->rule->priority) {
            break;
        }
        if (!same_result(hit->rule, next)) {
            hit->other = next;
            break;
        }
    }
}

/* Conjunctions.  --------------------------------------------------------- */

/* A conjunction of which a packet matches some clauses. */
struct conj_match {
    uint32_t id;
    uint64_t clauses;           /* A 1-bit for each that matches, and for
                                 * each from its number of clauses on. */
};

struct conj_matches {
    size_t n, allocated;
    struct conj_match *matches;
};

static void
conj_match_add(struct conj_matches *conjs,
               const struct ofpact_conjunction *action)
{
    struct conj_match *conj = NULL;

    for (size_t i = 0; i < conjs->n && !conj; i++) {
        conj = conjs->matches[i].id == action->id ? &conjs->matches[i] : NULL;
    }
    if (!conj) {
        if (conjs->n >= conjs->allocated) {
            conjs->matches = x2nrealloc(conjs->matches, &conjs->allocated,
                                        sizeof *conjs->matches);
        }
        conj = &conjs->matches[conjs->n++];
        conj->id = action->id;
        conj->clauses = UINT64_MAX << (action->n_clauses & 63);
    }
    conj->clauses |= UINT64_C(1) << (action->clause & 63);
}

static int
compare_conj_matches(const void *a_, const void *b_)
{
    const struct conj_match *a = a_;
    const struct conj_match *b = b_;

    return a->id < b->id ? -1 : a->id > b->id;
}

/* Returns true if a flow with the same match and higher priority has clauses:
 * a switch that searches for plain flows only does not see the one at 'i'
 * behind it. */
static bool
is_hidden(const struct matches *m, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (m->rules[j]->soft
            && minimatch_equal(&m->rules[j]->match, &m->rules[i]->match)) {
            return true;
        }
    }
    return false;
}

/* Removes what a switch does not find that searches for plain flows only. */
static void
remove_soft(struct matches *m)
{
    size_t n = 0;

    for (size_t i = m->n; i--; ) {
        if (m->rules[i]->soft || is_hidden(m, i)) {
            m->rules[i] = NULL;
        }
    }
    for (size_t i = 0; i < m->n; i++) {
        if (m->rules[i]) {
            m->rules[n++] = m->rules[i];
        }
    }
    m->n = n;
}

/* Adds to 'hit' the plain flow that matches the packet with conjunction
 * 'id'. */
static void
find_conjunction(struct rule_set *const sets[], size_t n, uint8_t table,
                 const struct flow *flow, uint32_t id, struct rule_hit *hit)
{
    struct flow with_id = *flow;
    struct rule_hit found;
    struct matches m;

    with_id.conj_id = id;
    find_all(sets, n, table, &with_id, &m);
    remove_soft(&m);
    if (m.n) {
        found = (struct rule_hit) { .conj_id = id };
        match_hard(&m, 0, &found);
        if (!hit->rule) {
            *hit = found;
        } else if (!same_result(found.rule, hit->rule)) {
            hit->other = found.rule;
        }
    }
    matches_uninit(&m);
}

/* Adds to 'conjs' the clauses of the rules from 'i' on that have its priority,
 * and sorts them by conjunction.  As in a switch, fewer rules than a
 * conjunction has clauses never match it. */
static void
conj_match_collect(const struct matches *m, size_t i,
                   struct conj_matches *conjs)
{
    size_t end = i;

    while (end < m->n && m->rules[end]->priority == m->rules[i]->priority) {
        end++;
    }
    for (size_t j = i; j < end; j++) {
        const struct rule *rule = m->rules[j];
        const struct ofpact *a;

        OFPACT_FOR_EACH (a, rule->ofpacts, rule->ofpacts_len) {
            if (a->type == OFPACT_CONJUNCTION
                && ofpact_get_CONJUNCTION(a)->n_clauses <= end - i) {
                conj_match_add(conjs, ofpact_get_CONJUNCTION(a));
            }
        }
    }
    if (conjs->n > 1) {
        qsort(conjs->matches, conjs->n, sizeof *conjs->matches,
              compare_conj_matches);
    }
}

/* Looks up the conjunctions of which all clauses are among the rules from 'i'
 * on that have its priority.  Sets 'hit->rule' to the flow that one of them
 * leads to.  Returns false if there is none. */
static bool
match_soft(struct rule_set *const sets[], size_t n, uint8_t table,
           const struct flow *flow, const struct matches *m, size_t i,
           struct rule_hit *hit)
{
    struct conj_matches conjs = { 0, 0, NULL };

    conj_match_collect(m, i, &conjs);
    for (size_t j = 0; j < conjs.n && !hit->other; j++) {
        if (conjs.matches[j].clauses == UINT64_MAX) {
            find_conjunction(sets, n, table, flow, conjs.matches[j].id, hit);
        }
    }
    free(conjs.matches);
    return hit->rule != NULL;
}

void
rule_sets_lookup(struct rule_set *const sets[], size_t n, uint8_t table,
                 const struct flow *flow, struct rule_hit *hit)
{
    struct matches m;

    memset(hit, 0, sizeof *hit);
    find_all(sets, n, table, flow, &m);
    for (size_t i = 0; i < m.n; ) {
        uint16_t priority = m.rules[i]->priority;

        if (!m.rules[i]->soft) {
            match_hard(&m, i, hit);
            break;
        }
        if (match_soft(sets, n, table, flow, &m, i, hit)) {
            break;
        }
        while (i < m.n && m.rules[i]->priority == priority) {
            i++;
        }
    }
    matches_uninit(&m);
}
