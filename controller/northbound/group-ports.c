/* SPDX-License-Identifier: Apache-2.0
 *
 * Which ports a selector means, by the label index rather than by going
 * through all of them. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* The key of the label index at which all ports are that 'term' can match, or
 * NULL if there is none.  The caller frees it. */
static char *
term_key(const struct vmn_selector_term *term)
{
    if (term->op == VMN_SEL_IN && term->n_values == 1) {
        return xasprintf("%s=%s", term->key, term->values[0]);
    }
    return (term->op == VMN_SEL_IN || term->op == VMN_SEL_EXISTS
            ? xstrdup(term->key) : NULL);
}

const char **
nb_selector_candidates(const struct model *model,
                       const struct vmn_selector *selector, size_t *n)
{
    struct vmn_names best = model_lookup(model, VMN_INDEX_PORT_BY_LABEL, "");
    const char **names;

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
    /* A copy: the index may move while rows are read. */
    *n = best.n;
    names = xmalloc(MAX(best.n, 1) * sizeof *names);
    if (best.n) {       /* Otherwise 'best.names' may be NULL. */
        memcpy(names, best.names, best.n * sizeof *names);
    }
    return names;
}
