/* SPDX-License-Identifier: Apache-2.0
 *
 * See draft-warnings.h. */

#include <config.h>

#include "controller/model/draft-warnings.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/draft-contents.h"
#include "controller/model/model.h"
#include "controller/model/request.h"
#include "controller/model/warnings.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "util.h"

/* A change whose references are looked at. */
struct check {
    struct model_warnings *warnings;
    const struct vmn_draft *draft;
    size_t i;
};

/* Returns true if the draft leaves such an object behind. */
static bool
is_made(const struct vmn_draft *draft, enum vmn_table table, const char *name)
{
    for (size_t i = 0; i < draft->n_changes; i++) {
        const struct vmn_draft_change *change = &draft->changes[i];

        if (change->op != VMN_DRAFT_DELETE && !strcmp(change->name, name)
            && !strcmp(change->type, schema_tables[table]->plural)) {
            return true;
        }
    }
    return false;
}

static void
check_ref(void *check_, enum vmn_table table, const char *name,
          const struct schema_field *f, const char *field)
{
    const struct check *check = check_;
    struct model_warnings *w = check->warnings;
    const struct vmn_row *row = model_get(w->model, table, name);
    char *pointer;

    if ((row && model_sees(w->rights, row))
        || (f && f->flags & SCHEMA_BELONGS)
        || is_made(check->draft, table, name)) {
        return;
    }
    pointer = xasprintf("/changes/%"PRIuSIZE"/spec%s", check->i, field);
    model_warnings_put(w, &check->draft->row, pointer, "%s \"%s\" does not "
                       "exist, and the draft does not create it",
                       schema_singular(table), name);
    free(pointer);
}

static void
check_change(struct check *check)
{
    const struct vmn_draft_change *change = &check->draft->changes[check->i];
    const struct schema_table *table = schema_find_table(change->type);
    json_t *spec = draft_spec(change);
    struct vmn_errors errors;
    struct vmn_row *row;
    struct arena arena;

    table = table ? model_table(check->warnings->model, table->id) : NULL;
    if (table && spec) {
        if (change->op == VMN_DRAFT_PATCH) {
            json_t *patch = spec;

            spec = spec_merge_patch(draft_base_spec(change), patch);
            json_decref(patch);
        }
        arena_init(&arena);
        vmn_errors_init(&errors);
        row = schema_row_parse(table, change->name, spec, "", &arena,
                               &errors);
        if (row) {
            schema_row_refs(row, check_ref, check);
        }
        vmn_errors_uninit(&errors);
        arena_uninit(&arena);
    }
    json_decref(spec);
}

void
draft_warn(struct model_warnings *warnings, const struct vmn_draft *draft)
{
    struct check check = { warnings, draft, 0 };

    for (; check.i < draft->n_changes; check.i++) {
        check_change(&check);
    }
}
