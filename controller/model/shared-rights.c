/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits of accounts with a scope on their own objects that others depend on:
 * what somebody else's policy, group or router refers to must keep its
 * meaning, and labels must not add objects to selectors of others.  For
 * virtual IPs see overlapping-addresses.c, for everything else rights.c. */

#include <config.h>

#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/rights.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/selector.h"
#include "util.h"

/* Labels.  ---------------------------------------------------------------- */

/* Only accounts without a scope may set labels with this prefix. */
#define ADMIN_PREFIX "admin/"

/* Returns the next label with ADMIN_PREFIX from '*i' on, or NULL. */
static const struct vmn_label *
next_admin_label(const struct vmn_labels *labels, size_t *i)
{
    while (labels && *i < labels->n) {
        const struct vmn_label *label = &labels->labels[(*i)++];

        if (!strncmp(label->key, ADMIN_PREFIX, strlen(ADMIN_PREFIX))) {
            return label;
        }
    }
    return NULL;
}

static bool
same_admin_labels(const struct vmn_labels *a, const struct vmn_labels *b)
{
    const struct vmn_label *x, *y;
    size_t i = 0, j = 0;

    do {
        x = next_admin_label(a, &i);
        y = next_admin_label(b, &j);
    } while (x && y && !strcmp(x->key, y->key)
             && !strcmp(x->value, y->value));
    return !x && !y;
}

/* Returns true if no labels match both selectors. */
static bool
are_disjoint(const struct vmn_selector *a, const struct vmn_selector *b)
{
    for (size_t i = 0; i < a->n_terms; i++) {
        const struct vmn_selector_term *x = &a->terms[i];

        for (size_t j = 0; x->op == VMN_SEL_IN && j < b->n_terms; j++) {
            const struct vmn_selector_term *y = &b->terms[j];
            bool common = strcmp(x->key, y->key) || y->op != VMN_SEL_IN;

            for (size_t k = 0; !common && k < x->n_values; k++) {
                for (size_t l = 0; !common && l < y->n_values; l++) {
                    common = !strcmp(x->values[k], y->values[l]);
                }
            }
            if (!common) {
                return true;
            }
        }
    }
    return false;
}

/* Lists the scopes of other accounts with write access that overlap the
 * account's scope, but neither contain it nor are contained in it. */
static void
list_scopes(const struct txn *txn)
{
    const struct vmn_selector *scope = &txn->request->rights->scope;
    struct vmn_names names = model_names(txn->model, VMN_TABLE_ACCOUNT);
    struct rights_memo *memo = txn->memo;

    memo->has_scopes = true;
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_account *account = model_get(
            txn->model, VMN_TABLE_ACCOUNT, names.names[i]);
        const struct vmn_selector *other = &account->scope;

        if (!other->text || account->role != VMN_ROLE_OPERATOR
            || are_disjoint(other, scope) || selector_is_within(other, scope)
            || selector_is_within(scope, other)) {
            continue;
        }
        if (memo->n_scopes >= memo->allocated_scopes) {
            memo->scopes = x2nrealloc(memo->scopes, &memo->allocated_scopes,
                                      sizeof *memo->scopes);
        }
        memo->scopes[memo->n_scopes++] = other;
    }
}

/* Returns true if 'labels' are within one of these scopes, and 'was' (or NULL)
 * is not. */
static bool
are_of_another(const struct txn *txn, const struct vmn_labels *labels,
               const struct vmn_labels *was)
{
    const struct rights_memo *memo = txn->memo;

    if (!memo->has_scopes) {
        list_scopes(txn);
    }
    for (size_t i = 0; i < memo->n_scopes; i++) {
        if (vmn_selector_matches(memo->scopes[i], labels)
            && !(was && vmn_selector_matches(memo->scopes[i], was))) {
            return true;
        }
    }
    return false;
}

static void
check_labels(struct txn *txn, const struct entry *entry)
{
    const struct vmn_labels *is = schema_row_labels(entry->cur->row);
    const struct vmn_labels *was = entry->before
        ? schema_row_labels(entry->before->row) : NULL;

    if (entry->before && schema_row_same_labels(entry->before->row,
                                                entry->cur->row)) {
        return;
    }
    if (!same_admin_labels(is, was)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/labels",
                  "those that begin with \""ADMIN_PREFIX"\" are only for "
                  "accounts without a scope to change");
    }
    if (is && are_of_another(txn, is, was)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/labels",
                  "must not be within the scope of another account, too");
    }
}

/* What others refer to.  -------------------------------------------------- */

/* Returns true if an object that the account may not change refers to the
 * object, or to a group that contains it. */
static bool
is_used_by_others(const struct txn *txn, enum vmn_table table,
                  const char *name, struct sset *seen, unsigned depth)
{
    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct name_set *names = index_get(
            txn->model, index_refs(table, i), name);

        for (size_t j = 0; !schema_tables[i]->observed && j < names->n; j++) {
            const struct vmn_row *row = rights_row(txn, i, names->names[j]);

            if (depth >= RIGHTS_DEPTH_MAX || !rights_may_change(txn, row)) {
                return true;
            }
            if (schema_tables[i]->contains
                && !sset_contains(&txn->memo->unused, row->name)
                && sset_add(seen, row->name)
                && is_used_by_others(txn, i, row->name, seen, depth + 1)) {
                return true;
            }
        }
    }
    return false;
}

/* Returns true if objects of others depend on a group or service. */
static bool
others_depend_on(const struct txn *txn, const struct entry *entry)
{
    struct sset seen = SSET_INITIALIZER(&seen);
    bool used = is_used_by_others(txn, entry->table, entry->name, &seen, 0);
    const char *name;

    SSET_FOR_EACH (name, &seen) {
        if (!used) {
            sset_add(&txn->memo->unused, name);
        }
    }
    sset_destroy(&seen);
    return used;
}

/* Returns true if a router that is not the account's has an interface in the
 * network, or uses it as its external network: the network's subnets decide
 * where it sends packets. */
static bool
is_routed_by_others(const struct txn *txn, const char *network)
{
    static const int indexes[] = { VMN_INDEX_ROUTER_BY_NETWORK,
                                   VMN_INDEX_ROUTER_BY_EXTERNAL };

    for (size_t i = 0; i < ARRAY_SIZE(indexes); i++) {
        const struct name_set *names = index_get(txn->model, indexes[i],
                                                 network);

        for (size_t j = 0; j < names->n; j++) {
            if (!rights_own(txn->request->rights,
                            rights_row(txn, VMN_TABLE_ROUTER,
                                       names->names[j]))) {
                return true;
            }
        }
    }
    return false;
}

static bool
same_prefixes(const struct vmn_network *a, const struct vmn_network *b)
{
    bool same = a->n_subnets == b->n_subnets;

    for (size_t i = 0; same && i < a->n_subnets; i++) {
        same = !memcmp(&a->subnets[i].cidr, &b->subnets[i].cidr,
                       sizeof a->subnets[i].cidr)
               && !memcmp(&a->subnets[i].gateway, &b->subnets[i].gateway,
                          sizeof a->subnets[i].gateway);
    }
    return same;
}

void
check_routed_subnets(struct txn *txn, const struct entry *network)
{
    const struct vmn_network *was
        = (const struct vmn_network *) network->before->row;

    if (!same_prefixes(was, entry_row(network))
        && is_routed_by_others(txn, network->name)) {
        txn_error(txn, network, VMN_ERR_FORBIDDEN, "/subnets",
                  "must keep their prefixes and gateways: a router that "
                  "is not within this account's scope joins network "
                  "\"%s\"", network->name);
    }
}

void
check_meaning_is_kept(struct txn *txn, const struct entry *entry)
{
    if (!schema_row_same_meaning(entry->before->row, entry_row(entry))
        && others_depend_on(txn, entry)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "",
                  "%s \"%s\" is used by objects that this account must not "
                  "change: only its description and labels can be changed",
                  schema_tables[entry->table]->singular, entry->name);
    }
}

void
check_shared_rights(struct txn *txn, const struct entry *entry)
{
    if (entry->cur) {
        check_labels(txn, entry);
    }
    if (entry->cur && entry->before
        && txn->model->classes[entry->table]->check_users) {
        txn->model->classes[entry->table]->check_users(txn, entry);
    }
}
