/* SPDX-License-Identifier: Apache-2.0
 *
 * What the changes of a draft say; see draft-contents.h. */

#include <config.h>

#include "controller/model/draft-contents.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/request.h"
#include "controller/model/rights.h"
#include "controller/schema/schema-row.h"
#include "util.h"

bool
draft_may_have(const struct schema_table *table)
{
    return (!table->observed && !table->authenticates && !table->of_daemon
            && !table->unlogged && !rights_have_secrets(&table->row));
}

/* The text was printed by json_dumpb(). */
static json_t *
parse(const char *text)
{
    return text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
}

json_t *
draft_spec(const struct vmn_draft_change *change)
{
    return parse(change->spec);
}

json_t *
draft_base_spec(const struct vmn_draft_change *change)
{
    return parse(change->base_spec);
}

static int
compare_keys(const void *a_, const void *b_)
{
    const struct vmn_label *a = a_, *b = b_;

    return strcmp(a->key, b->key);
}

/* Returns true if the selector matches the labels of 'spec'. */
static bool
selects(const struct vmn_selector *selector, const json_t *spec)
{
    json_t *json = json_object_get(spec, "labels"), *value;
    struct vmn_label *labels = xcalloc(MAX(json_object_size(json), 1),
                                       sizeof *labels);
    struct vmn_labels list = { 0, labels };
    const char *key;
    bool matches;

    json_object_foreach (json, key, value) {
        if (json_is_string(value)) {
            labels[list.n++] = (struct vmn_label) {
                key, json_string_value(value),
            };
        }
    }
    qsort(labels, list.n, sizeof *labels, compare_keys);
    matches = vmn_selector_matches(selector, &list);
    free(labels);
    return matches;
}

/* What concerns the whole installation is not within a scope, whatever its
 * labels: nobody with a scope changes it, or is shown all of it.  Of a type
 * that has gone, with its app, it is not known whether it does, and nobody can
 * apply the draft. */
static bool
change_is_within(const struct vmn_draft_change *change,
                 const struct vmn_selector *selector)
{
    const struct schema_table *table = schema_find_table(change->type);
    json_t *was = draft_base_spec(change), *spec = draft_spec(change);
    bool within = (table && !table->unscoped
                   && (!was || selects(selector, was)));

    if (within && spec) {
        json_t *becomes = change->op == VMN_DRAFT_PATCH
                          ? spec_merge_patch(json_deep_copy(was), spec)
                          : json_incref(spec);

        within = selects(selector, becomes);
        json_decref(becomes);
    }
    json_decref(was);
    json_decref(spec);
    return within;
}

bool
draft_is_within(const struct vmn_draft *draft,
                const struct vmn_selector *selector)
{
    for (size_t i = 0; i < draft->n_changes; i++) {
        if (!change_is_within(&draft->changes[i], selector)) {
            return false;
        }
    }
    return true;
}
