/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups, quarantines and policies of ports, before and after a request; see
 * policy-verdict.h.  Not for what they decide (policy-verdict.c). */

#include <config.h>

#include "controller/model/policy-verdict.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/txn.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* So many steps are done at a time. */
#define STEPS_UNPAUSED 4096

/* Steps that it takes to find a port, and of which kind it is. */
#define PORT_STEPS 4

/* Rows.  ------------------------------------------------------------------ */

bool
judge_step(struct judge *judge, size_t n)
{
    if (judge->steps < n) {
        judge->steps = 0;
        judge->is_partial = true;
        return false;
    }
    judge->steps -= n;
    judge->n_unpaused += n;
    if (judge->n_unpaused >= STEPS_UNPAUSED) {
        judge->n_unpaused = 0;
        model_yield(judge->txn->model);
    }
    return true;
}

static const void *
row_at(const struct judge *judge, const struct entry *entry, enum moment at)
{
    const struct version *version
        = (!entry ? NULL : at == BEFORE && entry->touched ? entry->before
           : model_is_put_back(judge->txn->model) && entry->touched
           ? entry->after : entry->cur);

    return version ? version->row : NULL;
}

const void *
judge_row(const struct judge *judge, enum vmn_table table, const char *name,
          enum moment at)
{
    return row_at(judge, model_find(judge->txn->model, table, name), at);
}

/* Adds the names at 'key' of the index, which has the current rows. */
static void
add_found(struct judge *judge, enum vmn_index index, const char *key,
          struct sset *names)
{
    struct vmn_names found = model_lookup(judge->txn->model, index, key);

    if (judge_step(judge, 1 + found.n)) {
        for (size_t i = 0; i < found.n; i++) {
            sset_add(names, found.names[i]);
        }
    }
}

/* Adds the names of the rows whose selectors may select the labels. */
static void
add_anchored(struct judge *judge, enum vmn_index index,
             const struct vmn_labels *labels, struct sset *names)
{
    add_found(judge, index, "", names);
    for (size_t i = 0; i < labels->n; i++) {
        const struct vmn_label *label = &labels->labels[i];
        char *key = xasprintf("%s=%s", label->key, label->value);

        add_found(judge, index, key, names);
        add_found(judge, index, label->key, names);
        free(key);
    }
}

/* Adds the rows of the table that the request has changed: indexes do not have
 * them as they were before. */
static void
add_touched(struct judge *judge, enum vmn_table table, struct sset *names)
{
    const struct svec *touched = &judge->touched[table];

    if (judge_step(judge, touched->n)) {
        for (size_t i = 0; i < touched->n; i++) {
            sset_add(names, touched->names[i]);
        }
    }
}

/* Returns true if 'name' is among the names, which are a set of a row, and so
 * sorted. */
static bool
names_it(const char *const *names, size_t n, const char *name)
{
    size_t first = 0;

    while (first < n) {
        size_t middle = first + (n - first) / 2;
        int order = strcmp(names[middle], name);

        if (!order) {
            return true;
        } else if (order < 0) {
            first = middle + 1;
        } else {
            n = middle;
        }
    }
    return false;
}

static bool
selects(const struct vmn_selector *selector, const struct vmn_port *port)
{
    return selector->text && vmn_selector_matches(selector, &port->labels);
}

/* Groups of a port.  ------------------------------------------------------ */

/* Adds the group, and those that contain it.  As deep as groups are nested. */
static void
add_group(struct judge *judge, const char *name, enum moment at,
          struct sset *groups)
{
    struct sset outer = SSET_INITIALIZER(&outer);
    struct vmn_names found = model_referrers(
        judge->txn->model, VMN_TABLE_GROUP, name, VMN_TABLE_GROUP);
    const char *other;

    if (!sset_add(groups, name)) {
        return;
    }
    for (size_t i = 0; i < found.n; i++) {
        sset_add(&outer, found.names[i]);
    }
    add_touched(judge, VMN_TABLE_GROUP, &outer);
    SSET_FOR_EACH (other, &outer) {
        const struct vmn_group *group = judge_row(judge, VMN_TABLE_GROUP,
                                                  other, at);

        if (group && judge_step(judge, 1)
            && names_it(group->groups, group->n_groups, name)) {
            add_group(judge, other, at, groups);
        }
    }
    sset_destroy(&outer);
}

static void
find_groups(struct judge *judge, struct judged_kind *kind, const char *port,
            const struct vmn_port *row, enum moment at)
{
    struct sset names = SSET_INITIALIZER(&names);
    const char *name;

    add_anchored(judge, VMN_INDEX_GROUP_BY_ANCHOR, &row->labels, &names);
    add_found(judge, VMN_INDEX_GROUP_BY_PORT, port, &names);
    add_touched(judge, VMN_TABLE_GROUP, &names);
    SSET_FOR_EACH (name, &names) {
        const struct vmn_group *group = judge_row(judge, VMN_TABLE_GROUP,
                                                  name, at);

        if (group && judge_step(judge, 1)
            && (selects(&group->selector, row)
                || names_it(group->ports, group->n_ports, port))) {
            add_group(judge, name, at, &kind->groups[at]);
        }
    }
    sset_destroy(&names);
}

/* Quarantines of a port.  ------------------------------------------------- */

static void
find_quarantines(struct judge *judge, struct judged_kind *kind, const char
                 *name, const struct vmn_port *row, enum moment at)
{
    struct sset names = SSET_INITIALIZER(&names);
    const char *found;

    add_anchored(judge, VMN_INDEX_QUARANTINE_BY_ANCHOR, &row->labels, &names);
    add_found(judge, VMN_INDEX_QUARANTINE_BY_PORT, name, &names);
    add_touched(judge, VMN_TABLE_QUARANTINE, &names);
    SSET_FOR_EACH (found, &names) {
        const struct vmn_quarantine *quarantine = judge_row(
            judge, VMN_TABLE_QUARANTINE, found, at);

        if (quarantine && judge_step(judge, 1)
            && (selects(&quarantine->selector, row)
                || names_it(quarantine->ports, quarantine->n_ports, name))) {
            sset_add(&kind->quarantines[at], found);
        }
    }
    kind->is_quarantined[at] |= (row->quarantined
                                 || !sset_is_empty(&kind->quarantines[at]));
    sset_destroy(&names);
}

/* Policies of a port.  ---------------------------------------------------- */

static int
compare_placed(const void *a_, const void *b_)
{
    const struct placed_rule *a = a_, *b = b_;

    return (a->position != b->position ? (a->position < b->position ? -1 : 1)
            : a->priority != b->priority
            ? (a->priority < b->priority ? -1 : 1)
            : a->level != b->level ? (a->level < b->level ? -1 : 1)
            : a->order < b->order ? -1 : a->order > b->order);
}

/* Adds the rules of a policy. */
static void
place_rules(struct judge *judge, struct judged_kind *kind,
            const struct vmn_policy *policy, const struct vmn_tier *tier,
            enum moment at)
{
    struct vmn_level levels[VMN_N_DIRECTIONS] = { { .started = false } };
    bool united = tier->position == VMN_TIER_APPLICATION;

    for (size_t i = 0; i < policy->n_rules && judge_step(judge, 1); i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(policy, i);
        struct placed_rules *rules = &kind->rules[at][rule->direction];
        struct vmn_level *level = &levels[rule->direction];

        if (!vmn_level_next(level, united, rule->action,
                            policy->on_change == VMN_KEEP)) {
            return;
        }
        if (rules->n >= rules->allocated) {
            rules->rules = x2nrealloc(rules->rules, &rules->allocated,
                                      sizeof *rules->rules);
        }
        rules->rules[rules->n++] = (struct placed_rule) {
            tier->position, policy->priority, level->level, rules->n, rule,
            policy,
        };
    }
}

/* Adds the policies that apply to a group of the port. */
static void
find_policies(struct judge *judge, const struct judged_kind *kind,
              enum moment at, struct sset *names)
{
    const char *group;

    SSET_FOR_EACH (group, &kind->groups[at]) {
        add_found(judge, VMN_INDEX_POLICY_BY_GROUP, group, names);
    }
    add_touched(judge, VMN_TABLE_POLICY, names);
}

static bool
applies_to(const struct vmn_policy *policy, const struct sset *groups)
{
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        if (sset_contains(groups, policy->applies_to[i])) {
            return true;
        }
    }
    return false;
}

static void
find_rules(struct judge *judge, struct judged_kind *kind, enum moment at)
{
    struct sset names = SSET_INITIALIZER(&names);
    const char *name;

    find_policies(judge, kind, at, &names);
    SSET_FOR_EACH (name, &names) {
        const struct vmn_policy *policy = judge_row(judge, VMN_TABLE_POLICY,
                                                    name, at);
        const struct vmn_tier *tier
            = (policy ? judge_row(judge, VMN_TABLE_TIER, policy->tier, at)
               : NULL);

        if (!tier || policy->mode != VMN_ENFORCE || !judge_step(judge, 1)
            || !applies_to(policy, &kind->groups[at])) {
            continue;
        }
        for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
            kind->isolates[at][d] |= (tier->position == VMN_TIER_APPLICATION
                                      && policy->isolates[d]);
        }
        place_rules(judge, kind, policy, tier, at);
    }
    for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
        struct placed_rules *rules = &kind->rules[at][d];

        if (rules->n) {
            qsort(rules->rules, rules->n, sizeof *rules->rules,
                  compare_placed);
        }
    }
    sset_destroy(&names);
}

/* Ports.  ----------------------------------------------------------------- */

static void
put_set(struct ds *ds, const struct sset *set)
{
    const char **names = sset_sort(set);

    for (size_t i = 0; i < sset_count(set); i++) {
        ds_put_format(ds, "%s,", names[i]);
    }
    ds_put_char(ds, '|');
    free(names);
}

/* Returns what tells ports of the kind apart from others. */
static char *
make_key(const struct judged_port *port, const struct judged_kind *kind)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int at = BEFORE; at < N_MOMENTS; at++) {
        ds_put_format(&ds, "%s|%d", port->row[at] ? port->row[at]->network
                      : "", kind->is_quarantined[at]);
        put_set(&ds, &kind->groups[at]);
        put_set(&ds, &kind->quarantines[at]);
    }
    return ds_steal_cstr(&ds);
}

/* Returns true if no group and no quarantine names the port, and the request
 * has changed neither it nor these: its labels and network decide its kind. */
static bool
is_plain(const struct judge *judge, const struct judged_port *port)
{
    const struct model *model = judge->txn->model;

    return (port->row[AFTER] && port->row[BEFORE] == port->row[AFTER]
            && !port->row[AFTER]->parent
            && !judge->touched[VMN_TABLE_GROUP].n
            && !judge->touched[VMN_TABLE_QUARANTINE].n
            && ((judge->knows_selectors && !judge->names_ports)
                || (!model_lookup(model, VMN_INDEX_GROUP_BY_PORT,
                                  port->name).n
                    && !model_lookup(model, VMN_INDEX_QUARANTINE_BY_PORT,
                                     port->name).n)));
}

/* Learns the keys of labels that groups and quarantines name, and whether they
 * name ports, if they are no more than the ports that were judged: other
 * labels decide nothing. */
static void
learn_selectors(struct judge *judge)
{
    const struct model *model = judge->txn->model;
    struct vmn_names groups = model_names(model, VMN_TABLE_GROUP);
    struct vmn_names quarantines = model_names(model, VMN_TABLE_QUARANTINE);

    judge->knows_selectors = (groups.n + quarantines.n
                              <= shash_count(&judge->ports));
    for (size_t i = 0; i < groups.n + quarantines.n && judge->knows_selectors;
         i++) {
        const struct vmn_group *group = i < groups.n ? model_get(
            model, VMN_TABLE_GROUP, groups.names[i]) : NULL;
        const struct vmn_quarantine *quarantine = group ? NULL : model_get(
            model, VMN_TABLE_QUARANTINE, quarantines.names[i - groups.n]);
        const struct vmn_selector *selector = group ? &group->selector
                                              : &quarantine->selector;

        judge->names_ports |= (group ? group->n_ports
                               : quarantine->n_ports) > 0;
        for (size_t j = 0; j < selector->n_terms; j++) {
            sset_add(&judge->keys, selector->terms[j].key);
        }
    }
}

/* Appends what decides the kind of the port. */
static void
put_deciding(struct judge *judge, const struct judged_port *port,
             struct ds *ds)
{
    const struct vmn_labels *labels;

    if (!is_plain(judge, port)) {
        ds_put_cstr(ds, port->name);
        return;
    }
    if (!judge->knows_selectors) {
        learn_selectors(judge);
    }
    labels = &port->row[AFTER]->labels;
    ds_put_char(ds, port->row[AFTER]->quarantined ? '!' : '/');
    ds_put_cstr(ds, port->row[AFTER]->network);
    for (size_t i = 0; i < labels->n; i++) {
        const struct vmn_label *label = &labels->labels[i];

        if (!judge->knows_selectors
            || sset_contains(&judge->keys, label->key)) {
            ds_put_format(ds, ",%s=%s", label->key, label->value);
        }
    }
}

/* Returns the kind of the port, which is the first of it. */
static struct judged_kind *
make_kind(struct judge *judge, const struct judged_port *port)
{
    struct judged_kind *kind = xzalloc(sizeof *kind);

    for (int at = BEFORE; at < N_MOMENTS; at++) {
        const struct vmn_port *row = port->row[at];
        const struct vmn_port *parent
            = (row && row->parent ? judge_row(judge, VMN_TABLE_PORT,
                                              row->parent, at) : NULL);

        sset_init(&kind->groups[at]);
        sset_init(&kind->quarantines[at]);
        if (row) {
            find_groups(judge, kind, port->name, row, at);
            find_quarantines(judge, kind, port->name, row, at);
            find_rules(judge, kind, at);
        }
        if (parent) {
            find_quarantines(judge, kind, row->parent, parent, at);
        }
    }
    kind->key = make_key(port, kind);
    return kind;
}

/* Returns true if steps were missing: the last kind is known in part. */
static bool
is_exhausted(const struct judge *judge)
{
    return judge->is_partial && !judge->steps;
}

const struct judged_port *
judge_port(struct judge *judge, const char *name)
{
    struct judged_port *port = shash_find_data(&judge->ports, name);
    struct ds deciding = DS_EMPTY_INITIALIZER;
    const struct entry *entry;
    struct judged_kind *kind;

    if (port || !judge_step(judge, PORT_STEPS)) {
        return is_exhausted(judge) ? NULL : port;
    }
    port = xzalloc(sizeof *port);
    port->name = xstrdup(name);
    entry = model_find(judge->txn->model, VMN_TABLE_PORT, name);
    for (int at = BEFORE; at < N_MOMENTS; at++) {
        port->row[at] = row_at(judge, entry, at);
    }
    put_deciding(judge, port, &deciding);
    kind = shash_find_data(&judge->kinds, ds_cstr(&deciding));
    if (!kind) {
        kind = make_kind(judge, port);
        shash_add(&judge->kinds, ds_cstr(&deciding), kind);
    }
    port->kind = kind;
    ds_destroy(&deciding);
    shash_add(&judge->ports, name, port);
    return is_exhausted(judge) ? NULL : port;
}

static void
kind_destroy(struct judged_kind *kind)
{
    for (int at = BEFORE; at < N_MOMENTS; at++) {
        sset_destroy(&kind->groups[at]);
        sset_destroy(&kind->quarantines[at]);
        for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
            free(kind->rules[at][d].rules);
        }
    }
    free(kind->key);
    free(kind);
}

/* Returns true if the selector selects the port at the moment; N_MOMENTS: at
 * any. */
static bool
selects_at(const struct vmn_selector *selector,
           const struct judged_port *port, enum moment at)
{
    bool is_selected = false;

    for (int i = BEFORE; i < N_MOMENTS; i++) {
        is_selected |= ((at == N_MOMENTS || (int) at == i) && port->row[i]
                        && selects(selector, port->row[i]));
    }
    return is_selected;
}

void
judge_add_selected(struct judge *judge, const struct vmn_selector *selector,
                   const char *const *names, size_t n_names, enum moment at,
                   struct sset *ports)
{
    const struct svec *touched = &judge->touched[VMN_TABLE_PORT];
    struct vmn_names found = { 0, NULL };

    if (selector->text) {
        found = model_selector_candidates(judge->txn->model, selector);
    }
    for (size_t i = 0; i < n_names && judge_step(judge, 1); i++) {
        sset_add(ports, names[i]);
    }
    for (size_t i = 0; i < found.n + touched->n && selector->text
         && judge_step(judge, 1); i++) {
        const char *name = (i < found.n ? found.names[i]
                            : touched->names[i - found.n]);
        const struct judged_port *port = judge_port(judge, name);

        if (port && selects_at(selector, port, at)) {
            sset_add(ports, name);
        }
    }
}

static void
add_names(struct sset *to, const struct sset *names)
{
    const char *name;

    SSET_FOR_EACH (name, names) {
        sset_add(to, name);
    }
}

enum moment
judge_group_moment(const struct judge *judge, enum moment at)
{
    return judge->touched[VMN_TABLE_GROUP].n ? at : N_MOMENTS;
}

const struct sset *
judge_group_ports(struct judge *judge, const char *name, enum moment at)
{
    enum moment moment = judge_group_moment(judge, at);
    struct shash *known = &judge->members[moment];
    const struct vmn_group *group = judge_row(judge, VMN_TABLE_GROUP, name,
                                              at);
    struct sset *ports = shash_find_data(known, name);

    if (ports) {
        return ports;
    }
    ports = xmalloc(sizeof *ports);
    sset_init(ports);
    shash_add(known, name, ports);
    if (group && judge_step(judge, 1)) {
        judge_add_selected(judge, &group->selector, group->ports,
                           group->n_ports, moment, ports);
        for (size_t i = 0; i < group->n_groups; i++) {
            add_names(ports, judge_group_ports(judge, group->groups[i], at));
        }
    }
    return ports;
}

bool
judge_address(const struct vmn_port *port, size_t i, struct vmn_ip *ip)
{
    if (i < port->n_ips) {
        *ip = port->ips[i];
    } else if (i - port->n_ips < port->n_allowed_addresses) {
        *ip = vmn_address_pair_at(port, i - port->n_ips)->ip.ip;
    } else {
        return false;
    }
    return true;
}

/* The judge.  ------------------------------------------------------------- */

void
judge_init(struct judge *judge, const struct txn *txn, size_t steps)
{
    memset(judge, 0, sizeof *judge);
    judge->txn = txn;
    judge->steps = steps;
    shash_init(&judge->ports);
    shash_init(&judge->kinds);
    sset_init(&judge->keys);
    for (int at = BEFORE; at <= N_MOMENTS; at++) {
        shash_init(&judge->members[at]);
    }
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];

        if (entry_is_changed(entry)
            && (entry->table == VMN_TABLE_GROUP
                || entry->table == VMN_TABLE_POLICY
                || entry->table == VMN_TABLE_PORT
                || entry->table == VMN_TABLE_QUARANTINE)) {
            svec_add(&judge->touched[entry->table], entry->name);
        }
    }
}

void
judge_uninit(struct judge *judge)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &judge->kinds) {
        kind_destroy(node->data);
    }
    shash_destroy(&judge->kinds);
    sset_destroy(&judge->keys);
    SHASH_FOR_EACH (node, &judge->ports) {
        struct judged_port *port = node->data;

        free(port->name);
        free(port);
    }
    shash_destroy(&judge->ports);
    for (int at = BEFORE; at <= N_MOMENTS; at++) {
        SHASH_FOR_EACH (node, &judge->members[at]) {
            sset_destroy(node->data);
        }
        shash_destroy_free_data(&judge->members[at]);
    }
    for (int i = 0; i < VMN_N_TABLES; i++) {
        svec_destroy(&judge->touched[i]);
    }
}
