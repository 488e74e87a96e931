/* SPDX-License-Identifier: Apache-2.0
 *
 * See loosening.h.  First the objects are found whose change may open
 * something, and from these the ports concerned; most requests have none.
 * Then the state of each such port is compared, and, for ports that nothing
 * tells apart once, what becomes of their connections (loosened-access.c). */

#include <config.h>

#include "controller/model/loosening.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/alike-ports.h"
#include "controller/model/loosening-private.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Rows and rules that are read for a request: for 20,000 it takes about a
 * millisecond. */
#define STEPS_BOUNDED 20000
#define STEPS_FULL 2000000

/* Who is concerned.  ------------------------------------------------------ */

/* Adds the ports that policies apply to, before or after. */
static void
add_subjects(struct search *search, const struct sset *policies)
{
    const char *name, *port;

    SSET_FOR_EACH (name, policies) {
        for (int at = BEFORE; at < N_MOMENTS; at++) {
            const struct vmn_policy *policy = judge_row(
                &search->judge, VMN_TABLE_POLICY, name, at);

            for (size_t i = 0; loosening_is_enforced(policy)
                 && i < policy->n_applies_to; i++) {
                SSET_FOR_EACH (port, judge_group_ports(
                    &search->judge, policy->applies_to[i], at)) {
                    sset_add(&search->subjects, port);
                }
            }
        }
        model_yield(search->txn->model);
    }
}

/* Returns true if a peer of the rule has some of the former and new addresses
 * of a port, and not all: before that there may have been none. */
static bool
concern_addresses(struct search *search, const struct vmn_rule *rule)
{
    const char *name;

    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct vmn_peer *peer = vmn_peer_at(rule, i);

        SSET_FOR_EACH (name, &search->readdressed) {
            bool has_all = true, has_some = false;

            for (int at = BEFORE; at < N_MOMENTS && !peer->fqdn; at++) {
                const struct vmn_port *port = judge_row(
                    &search->judge, VMN_TABLE_PORT, name, at);
                struct vmn_ip ip;
                bool any = false;

                for (size_t j = 0; judge_address(port, j, &ip); j++) {
                    bool has = judge_peer_has_ip(&search->judge, peer, at,
                                                 &ip);

                    any = true;
                    has_some |= has;
                    has_all &= has;
                }
                has_all &= any;
            }
            if (has_some && !has_all) {
                return true;
            }
        }
    }
    return false;
}

/* Finds the policies, and the ports of the quarantines, whose rules tell the
 * former addresses of ports from the new ones. */
static void
find_readdressed(struct search *search)
{
    const struct model *model = search->txn->model;
    struct vmn_names names = model_names(model, VMN_TABLE_POLICY);
    struct judge *judge = &search->judge;

    if (sset_is_empty(&search->readdressed)) {
        return;
    }
    for (size_t i = 0; i < names.n && judge_step(judge, 1); i++) {
        const struct vmn_policy *policy = judge_row(
            judge, VMN_TABLE_POLICY, names.names[i], AFTER);
        bool concerns = false;

        for (size_t j = 0; loosening_is_enforced(policy)
             && j < policy->n_rules && !concerns; j++) {
            concerns = concern_addresses(search, vmn_policy_rule_at(policy,
                                                                    j));
        }
        if (concerns) {
            sset_add(&search->peered, names.names[i]);
        }
    }
    names = model_names(model, VMN_TABLE_QUARANTINE);
    for (size_t i = 0; i < names.n && judge_step(judge, 1); i++) {
        const struct vmn_quarantine *quarantine = judge_row(
            judge, VMN_TABLE_QUARANTINE, names.names[i], AFTER);
        bool concerns = false;

        for (size_t j = 0; quarantine && j < quarantine->n_allow && !concerns;
             j++) {
            concerns = concern_addresses(search, vmn_quarantine_rule_at(
                quarantine, j));
        }
        if (concerns) {
            judge_add_selected(judge, &quarantine->selector,
                               quarantine->ports, quarantine->n_ports, AFTER,
                               &search->subjects);
        }
    }
}

/* Returns true if the port is to policies and quarantines what it was: labels
 * that no selector tells apart have changed. */
static bool
is_unmoved(const struct search *search, const struct judged_port *port)
{
    const struct judged_kind *kind = port->kind;
    const struct vmn_port *before = port->row[BEFORE];
    const struct vmn_port *now = port->row[AFTER];

    return (before && now && !strcmp(before->network, now->network)
            && !sset_contains(&search->readdressed, port->name)
            && sset_equals(&kind->groups[BEFORE], &kind->groups[AFTER])
            && kind->is_quarantined[BEFORE] == kind->is_quarantined[AFTER]
            && sset_equals(&kind->quarantines[BEFORE],
                           &kind->quarantines[AFTER]));
}

/* Returns true if a rule of the policy may open something to a port that has
 * joined the group, or, unless 'joined', left it. */
static bool
may_open(const struct vmn_policy *policy, const char *group, bool joined)
{
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(policy, i);
        bool may = (rule->action == VMN_PASS
                    || (rule->action == VMN_ALLOW) == joined);

        for (size_t j = 0; j < rule->n_peers && may; j++) {
            if (nullable_string_is_equal(vmn_peer_at(rule, j)->group,
                                         group)) {
                return true;
            }
        }
    }
    return false;
}

/* Finds the policies and quarantines that may open something to ports which
 * have joined the groups, or left them. */
static void
find_peered(struct search *search, const struct sset *groups, bool joined)
{
    const char *name, *policy;

    SSET_FOR_EACH (name, groups) {
        struct sset users = SSET_INITIALIZER(&users);

        loosening_add_users(search, VMN_TABLE_GROUP, name, &users);
        SSET_FOR_EACH (policy, &users) {
            const struct vmn_policy *row = judge_row(
                &search->judge, VMN_TABLE_POLICY, policy, AFTER);

            if (row && judge_step(&search->judge, row->n_rules)
                && may_open(row, name, joined)) {
                sset_add(&search->peered, policy);
            }
        }
        sset_destroy(&users);
    }
}

/* Finds all ports that may be open to more than before. */
static void
find_subjects(struct search *search)
{
    struct sset joined = SSET_INITIALIZER(&joined);
    struct sset left = SSET_INITIALIZER(&left);
    const char *name, *next;

    SSET_FOR_EACH_SAFE (name, next, &search->moved) {
        const struct judged_port *port = judge_port(&search->judge, name);

        if (!port) {
            break;
        }
        if (is_unmoved(search, port)) {
            sset_find_and_delete(&search->moved, name);
            continue;
        }
        loosening_add_missing(&joined, &port->kind->groups[AFTER],
                              &port->kind->groups[BEFORE]);
        loosening_add_missing(&left, &port->kind->groups[BEFORE],
                              &port->kind->groups[AFTER]);
        sset_add(&search->subjects, name);
        model_yield(search->txn->model);
    }
    find_peered(search, &joined, true);
    find_peered(search, &left, false);
    find_readdressed(search);
    add_subjects(search, &search->peered);
    add_subjects(search, &search->policies);
    sset_destroy(&left);
    sset_destroy(&joined);
}

/* The state of ports.  ---------------------------------------------------- */

static void
put_state(struct search *search, const char *kind, struct svec *ports,
          const char *rest)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (ports->n) {
        svec_sort(ports);
        loosening_put_ports(search, ports, &ds);
        loosening_put(search, kind, VMN_TABLE_PORT, ports->names[0], NULL,
                      "%s %s %s", ds_cstr(&ds), ports->n == 1 ? "is" : "are",
                      rest);
    }
    ds_destroy(&ds);
}

static void
add_names(struct svec *to, const struct svec *names)
{
    for (size_t i = 0; i < names->n; i++) {
        svec_add(to, names->names[i]);
    }
}

/* Says which ports are isolated or quarantined no more. */
static void
compare_states(struct search *search, const struct alike_ports *subjects)
{
    struct svec released = SVEC_EMPTY_INITIALIZER;
    struct svec open[VMN_N_DIRECTIONS] = { SVEC_EMPTY_INITIALIZER,
                                           SVEC_EMPTY_INITIALIZER };

    for (size_t i = 0; i < subjects->n; i++) {
        const struct svec *names = &subjects->all[i]->names;
        const struct judged_port *port = judge_port(&search->judge,
                                                    names->names[0]);
        const struct judged_kind *kind;

        if (!port) {
            break;
        }
        kind = port->kind;
        if (kind->is_quarantined[BEFORE] && !kind->is_quarantined[AFTER]) {
            add_names(&released, names);
        }
        for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
            if (kind->isolates[BEFORE][d] && !kind->isolates[AFTER][d]) {
                add_names(&open[d], names);
            }
        }
        model_yield(search->txn->model);
    }
    put_state(search, "quarantine", &released, "not quarantined any more");
    put_state(search, "isolation", &open[VMN_INGRESS],
              "not isolated any more (ingress)");
    put_state(search, "isolation", &open[VMN_EGRESS],
              "not isolated any more (egress)");
    svec_destroy(&released);
    for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
        svec_destroy(&open[d]);
    }
}

/* Interface.  ------------------------------------------------------------- */

static bool
has_any(const struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        if (loosening_may(txn->touched[i])) {
            return true;
        }
    }
    return false;
}

/* Finds what policies and quarantines decide otherwise.  The judge knows the
 * rows before and after, whichever are current: so where it may take long the
 * former ones are, and others may read meanwhile. */
static void
find_opened(struct search *search, bool is_long)
{
    struct alike_ports subjects;

    if (is_long) {
        txn_put_back(search->txn, true);
    }
    find_subjects(search);
    alike_ports_init(&subjects, search, &search->subjects);
    compare_states(search, &subjects);
    loosening_compare_access(search, &subjects);
    alike_ports_uninit(&subjects);
    if (is_long) {
        txn_put_back(search->txn, false);
    }
}

struct loosened *
loosening_find(struct txn *txn)
{
    bool full = txn->request->loosening != MODEL_LOOSENING_BOUNDED;
    struct search search = { .txn = txn };
    struct loosened *found;

    if (!model_is_of_people(txn->request->who) || !has_any(txn)) {
        return NULL;
    }
    found = search.found = xzalloc(sizeof *found);
    arena_init(&found->arena);
    judge_init(&search.judge, txn, full ? STEPS_FULL : STEPS_BOUNDED);
    sset_init(&search.moved);
    sset_init(&search.readdressed);
    sset_init(&search.policies);
    sset_init(&search.peered);
    sset_init(&search.subjects);
    sset_init(&search.said);
    for (size_t i = 0; i < txn->n_touched; i++) {
        if (loosening_may(txn->touched[i])) {
            loosening_find_change(&search, txn->touched[i]);
            model_yield(txn->model);
        }
    }
    loosening_compare_interfaces(&search);
    find_opened(&search, full);
    loosening_compare_guards(&search);
    found->is_partial = search.judge.is_partial;
    sset_destroy(&search.said);
    sset_destroy(&search.subjects);
    sset_destroy(&search.peered);
    sset_destroy(&search.policies);
    sset_destroy(&search.readdressed);
    sset_destroy(&search.moved);
    judge_uninit(&search.judge);
    if (!found->n && !found->is_partial) {
        loosened_destroy(found);
        return NULL;
    }
    return found;
}

/* Returns the pointer to the item's field in the request; "" if the request
 * does not name the object.  The caller frees it. */
static char *
item_pointer(const struct txn *txn, const struct loosened_item *item)
{
    const struct schema_table *table
        = item->type ? schema_find_table(item->type) : NULL;
    const struct entry *entry
        = table ? model_find(txn->model, table->id, item->name) : NULL;
    const char *field = item->pointer ? item->pointer : "";

    return txn_pointer(txn, entry, *field ? field + strlen("/spec") : "");
}

void
loosening_refuse(struct txn *txn, const struct loosened *loosened)
{
    for (size_t i = 0; i < loosened->n; i++) {
        char *pointer = item_pointer(txn, &loosened->items[i]);

        vmn_errors_add(txn->errors, VMN_ERR_CONFLICT, pointer,
                       "would loosen: %s", loosened->items[i].text);
        free(pointer);
    }
    if (loosened->n_more) {
        vmn_errors_add(txn->errors, VMN_ERR_CONFLICT, "",
                       "would loosen: %"PRIu64" more statements are not "
                       "listed", loosened->n_more);
    }
    if (loosened->is_partial) {
        vmn_errors_add(txn->errors, VMN_ERR_CONFLICT, "",
                       "concerns too many ports and rules to be sure that it "
                       "loosens nothing: split it into smaller changes");
    }
}

void
loosened_destroy(struct loosened *loosened)
{
    if (loosened) {
        arena_uninit(&loosened->arena);
        free(loosened);
    }
}
