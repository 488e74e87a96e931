/* SPDX-License-Identifier: Apache-2.0
 *
 * "Did you mean" for paths that the API does not have: the plural of a type
 * whose singular, or a slip of either, the path begins with, or another call.
 * Not for names of objects (model_suggestion()). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema.h"
#include "util.h"

#define ROOT "/v1/"

/* Returns what of the path is below the root; "" if it is not. */
static const char *
below_root(const char *path)
{
    return strncmp(path, ROOT, strlen(ROOT)) ? "" : path + strlen(ROOT);
}

/* The paths of one name below the root, then the types' singulars; "", which
 * is near nothing, in place of what is neither. */
static const char *
candidate(const void *nb_, size_t i)
{
    const struct northbound *nb = nb_;

    if (i < nb->n_routes) {
        const char *name = below_root(nb->routes[i].pattern);

        return strchr(name, '/') ? "" : name;
    }
    i -= nb->n_routes;
    return (i >= VMN_N_TABLES ? NULL
            : schema_tables[i]->observed ? "" : schema_tables[i]->singular);
}

char *
nb_suggest_path(const char *path, void *nb)
{
    const char *rest = below_root(path);
    char *name = xmemdup0(rest, strcspn(rest, "/"));
    const char *guess = schema_suggest(name, candidate, nb);
    const struct schema_table *table;
    bool same;

    table = guess ? schema_find_table(guess) : NULL;
    guess = table ? table->plural : guess;
    /* What follows may be wrong instead. */
    same = guess && !strcmp(guess, name);
    free(name);
    return (guess && !same ? xasprintf("; did you mean \""ROOT"%s\"?", guess)
            : xstrdup(""));
}
