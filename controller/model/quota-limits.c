/* SPDX-License-Identifier: Apache-2.0
 *
 * What a scope may hold at most.  Checked at the end of each request, plans
 * included, against all that is there, whoever made it: so requests of one
 * group, and accounts that share a scope, share what is left.  Administrators
 * and other accounts without a scope are not bound. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/model/quota-usage.h"
#include "controller/schema/schema-row.h"
#include "util.h"

/* The limits of a quota, in the order in which they are shown. */
static const struct limit {
    const char *name;
    enum vmn_table table;       /* Objects of that, or VMN_N_TABLES: */
    size_t used_offset;         /* in struct model_usage. */
    size_t offset;              /* In struct vmn_quota. */
} limits[] = {
#define OBJECTS(TABLE, MEMBER)                                          \
    { #MEMBER, TABLE, 0, offsetof(struct vmn_quota, MEMBER) }
#define AMOUNT(MEMBER)                                                  \
    { #MEMBER, VMN_N_TABLES, offsetof(struct model_usage, MEMBER),      \
      offsetof(struct vmn_quota, MEMBER) }
    OBJECTS(VMN_TABLE_NETWORK, networks),
    OBJECTS(VMN_TABLE_PORT, ports),
    OBJECTS(VMN_TABLE_GROUP, groups),
    OBJECTS(VMN_TABLE_SERVICE, services),
    OBJECTS(VMN_TABLE_POLICY, policies),
    OBJECTS(VMN_TABLE_QUARANTINE, quarantines),
    OBJECTS(VMN_TABLE_LOADBALANCER, loadbalancers),
    OBJECTS(VMN_TABLE_ROUTER, routers),
    OBJECTS(VMN_TABLE_FLOATING_IP, floating_ips),
    OBJECTS(VMN_TABLE_DNS_ZONE, dns_zones),
    OBJECTS(VMN_TABLE_OBSERVATION, observations),
    AMOUNT(addresses),
    AMOUNT(members),
    AMOUNT(rules),
};

static int64_t
get_used(const struct model_usage *usage, const struct limit *limit)
{
    return (limit->table != VMN_N_TABLES ? usage->objects[limit->table]
            : *(const int64_t *) (const void *)
              ((const char *) usage + limit->used_offset));
}

static int
get_limit(const struct vmn_quota *quota, const struct limit *limit)
{
    return *(const int *) (const void *)
           ((const char *) quota + limit->offset);
}

/* What the request adds to what 'quota' is about. */
static void
get_added(const struct txn *txn, const struct vmn_quota *quota,
          struct model_usage *added)
{
    static const struct vmn_labels none = { 0, NULL };

    *added = (struct model_usage) { .addresses = 0 };
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];
        const struct version *versions[] = { entry->before, entry->cur };

        if (!entry_is_changed(entry) || schema_tables[entry->table].observed
            || schema_tables[entry->table].unscoped) {
            continue;
        }
        for (int j = 0; j < 2; j++) {
            const struct vmn_labels *labels
                = versions[j] ? schema_row_labels(versions[j]->row) : NULL;

            if (versions[j]
                && vmn_selector_matches(&quota->scope,
                                        labels ? labels : &none)) {
                usage_add(added, versions[j]->row, j ? 1 : -1);
            }
        }
        model_yield(txn->model);
    }
}

static void
check_quota(struct txn *txn, const struct vmn_quota *quota)
{
    const struct model_usage *used = usage_get(txn->model->usage,
                                               quota->row.name);
    struct model_usage added;

    if (!used) {
        return;                 /* The request brings it. */
    }
    get_added(txn, quota, &added);
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        const struct limit *limit = &limits[i];
        int64_t more = get_used(&added, limit);
        int64_t total = get_used(used, limit) + more;
        int max = get_limit(quota, limit);

        if (max >= 0 && more > 0 && total > max) {
            vmn_errors_add(txn->errors, VMN_ERR_TOO_LARGE, "",
                           "quota \"%s\" has at most %d %s, and this would "
                           "make %"PRId64, quota->row.name, max, limit->name,
                           total);
        }
    }
}

static bool
have_common_value(const struct vmn_selector_term *a,
                  const struct vmn_selector_term *b)
{
    for (size_t i = 0; i < a->n_values; i++) {
        for (size_t j = 0; j < b->n_values; j++) {
            if (!strcmp(a->values[i], b->values[j])) {
                return true;
            }
        }
    }
    return false;
}

/* Returns false if no object can be within both scopes; true if one may. */
static bool
may_meet(const struct vmn_selector *a, const struct vmn_selector *b)
{
    for (size_t i = 0; i < a->n_terms; i++) {
        for (size_t j = 0; j < b->n_terms; j++) {
            const struct vmn_selector_term *s = &a->terms[i];
            const struct vmn_selector_term *t = &b->terms[j];

            if (s->op == VMN_SEL_IN && t->op == VMN_SEL_IN
                && !strcmp(s->key, t->key) && !have_common_value(s, t)) {
                return false;
            }
        }
    }
    return true;
}

bool
model_quota_binds(const struct vmn_quota *quota,
                  const struct model_rights *rights)
{
    return (rights && rights->scope.text
            && may_meet(&quota->scope, &rights->scope));
}

void
check_quotas(struct txn *txn)
{
    const struct model_rights *rights = txn->request->rights;
    struct vmn_names names;

    if (!rights || !rights->scope.text) {
        return;
    }
    names = model_names(txn->model, VMN_TABLE_QUOTA);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_quota *quota = model_get(
            txn->model, VMN_TABLE_QUOTA, names.names[i]);

        if (model_quota_binds(quota, rights)) {
            check_quota(txn, quota);
        }
    }
}

/* For others.  ------------------------------------------------------------ */

void
model_quota_each(const struct model *model, const struct vmn_quota *quota,
                 model_quota_cb *cb, void *aux)
{
    const struct model_usage *used = usage_get(model->usage,
                                               quota->row.name);

    for (size_t i = 0; used && i < ARRAY_SIZE(limits); i++) {
        cb(aux, limits[i].name, get_used(used, &limits[i]),
           get_limit(quota, &limits[i]));
    }
}

void
model_quotas_of(const struct model *model, const struct vmn_row *row,
                void (*cb)(void *aux, const char *quota), void *aux)
{
    usage_each_of(model->usage, row, cb, aux);
}
