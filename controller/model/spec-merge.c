/* SPDX-License-Identifier: Apache-2.0
 *
 * The complete spec that an operation requests: a merge patch is applied to
 * what is there, labels follow from the account's scope, and an app's row
 * keeps its own fields.  Nothing is checked here. */

#include <config.h>

#include "controller/model/request.h"

#include "controller/model/model-private.h"
#include "controller/model/rights.h"
#include "controller/schema/schema-row.h"
#include "util.h"

json_t *
spec_merge_patch(json_t *target, json_t *patch)
{
    const char *key;
    json_t *value;

    if (!json_is_object(patch)) {
        json_decref(target);
        return json_incref(patch);
    }
    if (!json_is_object(target)) {
        json_decref(target);
        target = json_object();
    }
    json_object_foreach (patch, key, value) {
        if (json_is_null(value)) {
            json_object_del(target, key);
        } else {
            json_object_set_new(target, key, spec_merge_patch(
                json_incref(json_object_get(target, key)), value));
        }
    }
    return target;
}

/* Keeps the description and labels of an app's row, which are the app's own,
 * unless the user gives others. */
static void
keep_app_fields(json_t *spec, const struct version *old)
{
    static const char *const fields[] = { "description", "labels" };
    json_t *base = schema_row_spec(old->row);

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        json_t *value = json_object_get(base, fields[i]);

        if (value && !json_object_get(spec, fields[i])) {
            json_object_set(spec, fields[i], value);
        }
    }
    json_decref(base);
}

/* Restores what is vmnd's alone of an app, and comes along with what users
 * have exported. */
static void
restore_module(json_t *spec, const struct version *old)
{
    json_t *base = schema_row_spec(old->row);

    static const char *const fields[] = { "module", "code" };

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        json_t *value = json_object_get(base, fields[i]);

        json_object_del(spec, fields[i]);
        if (value) {
            json_object_set(spec, fields[i], value);
        }
    }
    json_decref(base);
}

/* Returns true if the account with 'rights' has a scope and may make objects
 * of the table, and 'spec' gives no labels. */
static bool
gets_labels(enum vmn_table table, const struct model_rights *rights,
            const json_t *spec)
{
    const json_t *labels = json_object_get(spec, "labels");

    return (rights && rights->scope.text
            && rights_have_table(rights, table)
            && json_is_object(spec) && (!labels || json_is_null(labels)));
}

/* Gives the labels that 'scope' names: a term with one value.  Of other terms
 * ("k in (a,b)", "k") it does not follow which value is meant.  It is just as
 * if the client had sent them: what it may do is checked afterwards. */
static void
add_scope_labels(json_t *spec, const struct vmn_selector *scope)
{
    json_t *labels = json_object();

    for (size_t i = 0; i < scope->n_terms; i++) {
        const struct vmn_selector_term *term = vmn_selector_term_at(scope, i);

        if (term->op == VMN_SEL_IN && term->n_values == 1) {
            json_object_set_new(labels, term->key,
                                json_string(term->values[0]));
        }
    }
    if (json_object_size(labels)) {
        json_object_set(spec, "labels", labels);
    }
    json_decref(labels);
}

json_t *
spec_with_scope_labels(enum vmn_table table, const struct model_rights *rights,
                       json_t *spec)
{
    json_t *copy;

    if (!gets_labels(table, rights, spec)) {
        return json_incref(spec);
    }
    copy = json_copy(spec);
    add_scope_labels(copy, &rights->scope);
    return copy;
}

json_t *
spec_of_op(const struct model_op *op, const struct version *old,
           const struct model_rights *rights, bool is_daemon)
{
    bool of_user = op->table == VMN_TABLE_APP && !is_daemon && old;
    json_t *spec;

    if (op->kind == MODEL_PATCH) {
        spec = spec_merge_patch(schema_row_spec(old->row), op->spec);
        if (of_user && json_is_object(spec)) {
            restore_module(spec, old);
        }
        return spec;
    }
    if (!op->spec) {
        return json_object();
    }
    if (gets_labels(op->table, rights, op->spec)) {
        return spec_with_scope_labels(op->table, rights, op->spec);
    }
    if (!of_user || !json_is_object(op->spec)) {
        return json_incref(op->spec);
    }
    spec = json_copy(op->spec);
    keep_app_fields(spec, old);
    restore_module(spec, old);
    return spec;
}
