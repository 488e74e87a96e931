/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the ports that a selector may match by the label index, rather than by
 * reading all ports. */

#include <config.h>

#include "controller/model/model.h"

#include <stdlib.h>

#include "util.h"

/* Returns the key of the label index that has all ports which 'term' can
 * match, or NULL if there is none.  The caller frees it. */
static char *
term_key(const struct vmn_selector_term *term)
{
    if (term->op == VMN_SEL_IN && term->n_values == 1) {
        return xasprintf("%s=%s", term->key, term->values[0]);
    }
    return (term->op == VMN_SEL_IN || term->op == VMN_SEL_EXISTS
            ? xstrdup(term->key) : NULL);
}

struct vmn_names
model_selector_candidates(const struct model *model,
                          const struct vmn_selector *selector)
{
    struct vmn_names best = model_lookup(model, VMN_INDEX_PORT_BY_LABEL, "");

    for (size_t i = 0; i < selector->n_terms; i++) {
        char *key = term_key(&selector->terms[i]);

        if (key) {
            struct vmn_names found = model_lookup(
                model, VMN_INDEX_PORT_BY_LABEL, key);

            if (found.n < best.n) {
                best = found;
            }
            free(key);
        }
    }
    return best;
}
