/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotas: limits of the objects in a scope.  Checked at the end of each
 * request, plans included, against all existing objects, whoever created them:
 * so requests of one group, and accounts that share a scope, share the quota.
 * Administrators and other accounts without a scope are not limited. */

#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/request-author.h"
#include "controller/model/row-checks.h"
#include "controller/model/txn.h"
#include "controller/model/quota-usage.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "util.h"

/* A limit of a quota, and its usage. */
struct limit {
    const char *name;
    int64_t used;
    int max;                    /* Negative: no limit. */
};

/* Amounts with a limit, beside the number of objects of each table. */
static const struct amount {
    const char *name;
    size_t used_offset;         /* In struct model_usage. */
    size_t max_offset;          /* In struct vmn_quota. */
} amounts[] = {
#define AMOUNT(MEMBER)                                                  \
    { #MEMBER, offsetof(struct model_usage, MEMBER),                    \
      offsetof(struct vmn_quota, MEMBER) }
    AMOUNT(addresses),
    AMOUNT(members),
    AMOUNT(rules),
    AMOUNT(object_labels),
    AMOUNT(bytes),
    AMOUNT(memberships),
};
#define LIMITS_MAX (VMN_N_TABLES + ARRAY_SIZE(amounts))

static int
get_max(const struct vmn_quota *quota, size_t offset)
{
    return *(const int *) (const void *) ((const char *) quota + offset);
}

/* Fills in 'limits' in the order in which they are shown.  Returns how many
 * there are. */
static size_t
get_limits(const struct model *model, const struct vmn_quota *quota,
           const struct model_usage *usage, struct limit limits[LIMITS_MAX])
{
    size_t n = 0;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct model_class *class = model->classes[i];

        if (class->limit) {
            limits[n++] = (struct limit) {
                class->limit, usage->objects[i],
                get_max(quota, class->limit_offset),
            };
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(amounts); i++) {
        limits[n++] = (struct limit) {
            amounts[i].name,
            *(const int64_t *) (const void *)
            ((const char *) usage + amounts[i].used_offset),
            get_max(quota, amounts[i].max_offset),
        };
    }
    return n;
}

/* Sums up what the request adds to the objects that 'quota' counts. */
static void
get_added(const struct txn *txn, const struct vmn_quota *quota,
          struct model_usage *added)
{
    static const struct vmn_labels none = { 0, NULL };

    *added = (struct model_usage) { .addresses = 0 };
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];
        const struct version *versions[] = { entry->before, entry->cur };

        if (!entry_is_changed(entry) || schema_tables[entry->table]->observed
            || schema_tables[entry->table]->unscoped) {
            continue;
        }
        for (int j = 0; j < 2; j++) {
            const struct vmn_labels *labels
                = versions[j] ? schema_row_labels(versions[j]->row) : NULL;

            if (versions[j]
                && vmn_selector_matches(&quota->scope,
                                        labels ? labels : &none)) {
                usage_add(txn->model->usage, added, versions[j]->row,
                          j ? 1 : -1);
            }
        }
        model_yield(txn->model);
    }
}

/* The addresses of names in DNS come by nobody's request, so a quota of flows
 * could not refuse them then.  So the flows that names may come to must be
 * within it when the rules are made: one for each address of each name, in as
 * many routing domains as there can be. */
static void
check_fqdn_flows(struct txn *txn, const struct vmn_quota *quota,
                 const struct model_usage *used,
                 const struct model_usage *added)
{
    int64_t n_fqdns = used->fqdns + added->fqdns;
    int64_t n_networks = MAX(used->objects[VMN_TABLE_NETWORK]
                             + added->objects[VMN_TABLE_NETWORK], 1);
    int64_t flows = n_fqdns * VALUE_FQDN_IPS_MAX * n_networks;

    if (quota->flows_per_host > 0 && n_fqdns && flows > quota->flows_per_host
        && (added->fqdns > 0 || added->objects[VMN_TABLE_NETWORK] > 0)) {
        vmn_errors_add(txn->errors, VMN_ERR_QUOTA, "",
                       "quota \"%s\" exceeded: names in DNS of its rules may "
                       "need %"PRId64" of %d flows_per_host: %"PRId64" of %d "
                       "addresses in %"PRId64" network%s",
                       quota->row.name, flows, quota->flows_per_host, n_fqdns,
                       VALUE_FQDN_IPS_MAX, n_networks,
                       n_networks == 1 ? "" : "s");
    }
}

static void
check_quota(struct txn *txn, const struct vmn_quota *quota)
{
    const struct model_usage *used = usage_get(txn->model->usage,
                                               quota->row.name);
    struct limit limits[LIMITS_MAX], more[LIMITS_MAX];
    struct model_usage added;
    size_t n;

    if (!used) {
        return;                 /* The request creates the quota. */
    }
    get_added(txn, quota, &added);
    check_fqdn_flows(txn, quota, used, &added);
    check_quota_memberships(txn, quota);
    n = get_limits(txn->model, quota, used, limits);
    get_limits(txn->model, quota, &added, more);
    for (size_t i = 0; i < n; i++) {
        int64_t total = limits[i].used + more[i].used;
        int max = limits[i].max;

        if (max >= 0 && more[i].used > 0 && total > max) {
            vmn_errors_add_excess(txn->errors, &(const struct vmn_excess) {
                .quota = quota->row.name, .resource = limits[i].name,
                .limit = max, .used = limits[i].used, .requested = total,
            });
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

/* Returns false if no object can be within both scopes. */
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

static void
set_max(struct vmn_quota *quota, size_t offset, int max)
{
    *(int *) (void *) ((char *) quota + offset) = max;
}

/* Sets '*quota' to the default limits of an account with a scope. */
static void
fill_default(const struct vmn_account *account, struct vmn_quota *quota,
             const char *name)
{
    const struct schema_field *f
        = schema_tables[VMN_TABLE_QUOTA]->row.fields;

    *quota = (struct vmn_quota) {
        .row = { .table = VMN_TABLE_QUOTA, .name = name },
        .scope = account->scope,
    };
    for (; f->name; f++) {
        if (f->type == SCHEMA_INT) {
            set_max(quota, f->offset, f->def);
        }
    }
}

bool
model_default_quota(const struct model *model,
                    const struct vmn_account *account,
                    struct vmn_quota *quota,
                    char name[MODEL_DEFAULT_QUOTA_SIZE])
{
    struct vmn_names names = model_names(model, VMN_TABLE_QUOTA);

    if (!account->scope.text) {
        return false;
    }
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_quota *other = model_get(model, VMN_TABLE_QUOTA,
                                                  names.names[i]);

        if (may_meet(&other->scope, &account->scope)) {
            return false;
        }
    }
    usage_account_name(name, account->row.name);
    fill_default(account, quota, name);
    return true;
}

bool
model_find_quota(const struct model *model, const char *name,
                 struct vmn_quota *quota)
{
    const char *slash = strchr(name, '/');
    const struct vmn_quota *row = model_get(model, VMN_TABLE_QUOTA, name);
    const struct vmn_account *account
        = slash ? model_get(model, VMN_TABLE_ACCOUNT, slash + 1) : NULL;

    if (row) {
        *quota = *row;
    } else if (account && account->scope.text) {
        fill_default(account, quota, name);
    }
    return row || (account && account->scope.text);
}

/* An account that no quota binds has default limits. */
static void
check_default_quota(struct txn *txn)
{
    const struct model_author *author = txn->request->author;
    const struct vmn_account *account
        = author ? model_get(txn->model, VMN_TABLE_ACCOUNT, author->account)
                 : NULL;
    char name[MODEL_DEFAULT_QUOTA_SIZE];
    struct vmn_quota quota;

    if (account && model_default_quota(txn->model, account, &quota, name)) {
        check_quota(txn, &quota);
    }
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
    check_default_quota(txn);
}

/* For others.  ------------------------------------------------------------ */

void
model_quota_each(const struct model *model, const struct vmn_quota *quota,
                 model_quota_cb *cb, void *aux)
{
    const struct model_usage *used;
    struct limit limits[LIMITS_MAX];
    size_t n;

    usage_count_memberships(model->usage, model);
    used = usage_get(model->usage, quota->row.name);
    n = used ? get_limits(model, quota, used, limits) : 0;

    for (size_t i = 0; i < n; i++) {
        cb(aux, limits[i].name, limits[i].used, limits[i].max);
    }
}

void
model_quotas_of(const struct model *model, const struct vmn_row *row,
                void (*cb)(void *aux, const char *quota), void *aux)
{
    usage_each_of(model->usage, row, cb, aux);
}
