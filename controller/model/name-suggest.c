/* SPDX-License-Identifier: Apache-2.0
 *
 * "Did you mean": the existing object that a name which nothing has is
 * probably a slip of.  Not for names of fields and types, which are few
 * (schema_suggest()). */

#include <config.h>

#include "controller/model/model-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/error.h"
#include "controller/schema/schema.h"
#include "util.h"

/* Names that are compared on each side of where the name would stand: enough
 * for all of a small table, and little work in a large one. */
#define NEAR 200

struct candidates {
    size_t n;
    const char *names[2 * NEAR + 1];
};

static const char *
candidate(const void *candidates_, size_t i)
{
    const struct candidates *candidates = candidates_;

    return i < candidates->n ? candidates->names[i] : NULL;
}

/* Returns the index of the first of 'names' that is not less than 'name'. */
static size_t
lower_bound(const struct vmn_names *names, const char *name)
{
    size_t low = 0, high = names->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(names->names[middle], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Returns true if the names differ in digits alone: web-7 is another object
 * than web-1, not a slip of it. */
static bool
is_another_number(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, "0123456789");
        b += strspn(b, "0123456789");
        if (*a != *b) {
            return false;
        }
        if (!*a) {
            return true;
        }
        a++;
        b++;
    }
}

char *
model_suggestion(const struct model *model, enum model_state state,
                 const struct model_rights *rights, enum vmn_table table,
                 const char *name)
{
    const struct name_set *all = &model->tables[table].all;
    struct vmn_names names = { all->n, (const char *const *) all->names };
    size_t at = lower_bound(&names, name);
    struct candidates candidates = { .n = 0 };
    const char *guess;

    for (size_t i = at > NEAR ? at - NEAR : 0;
         i < names.n && i < at + NEAR; i++) {
        const struct vmn_row *row
            = (state == MODEL_CURRENT
               ? model_get(model, table, names.names[i])
               : model_get_durable(model, table, names.names[i], NULL));

        if (row && model_sees(rights, row)
            && !is_another_number(names.names[i], name)) {
            candidates.names[candidates.n++] = names.names[i];
        }
    }
    guess = schema_suggest(name, candidate, &candidates);
    return guess ? xasprintf("; did you mean \"%s\"?", guess) : xstrdup("");
}

char *
model_suggestion_for(const struct vmn_errors *errors,
                     const struct model *model, enum model_state state,
                     const struct model_rights *rights, enum vmn_table table,
                     const char *name)
{
    return (errors->n < VMN_ERRORS_MAX
            ? model_suggestion(model, state, rights, table, name)
            : xstrdup(""));
}
