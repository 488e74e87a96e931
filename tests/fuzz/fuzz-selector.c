/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes the selector's syntax: whatever is accepted has a canonical form that
 * is accepted and is its own, and matching it agrees with a plain reading of
 * its terms. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct vmn_label labels[] = {
    { "a", "" }, { "env", "prod" }, { "role", "web" },
};
static const struct vmn_labels labelled = { ARRAY_SIZE(labels), labels };

/* What a term says, read plainly. */
static bool
term_holds(const struct vmn_selector_term *term)
{
    const char *value = NULL;
    bool listed = false;

    for (size_t i = 0; i < labelled.n; i++) {
        if (!strcmp(labels[i].key, term->key)) {
            value = labels[i].value;
        }
    }
    for (size_t i = 0; value && i < term->n_values; i++) {
        listed |= !strcmp(value, term->values[i]);
    }
    switch (term->op) {
    case VMN_SEL_IN: return listed;
    case VMN_SEL_NOT_IN: return !listed;
    case VMN_SEL_EXISTS: return value != NULL;
    case VMN_SEL_NOT_EXISTS: return value == NULL;
    }
    abort();
}

static void
check(const struct vmn_selector *selector, struct arena *arena)
{
    struct vmn_selector again;
    bool holds = true;

    ovs_assert(!selector_parse(selector->text, strlen(selector->text), arena,
                               &again, NULL));
    ovs_assert(!strcmp(selector->text, again.text));
    ovs_assert(selector->n_terms == again.n_terms);
    for (size_t i = 0; i < selector->n_terms; i++) {
        holds &= term_holds(&selector->terms[i]);
    }
    ovs_assert(vmn_selector_matches(selector, &labelled) == holds);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vmn_selector selector;
    struct arena arena;
    struct vmn_error error = VMN_ERROR_INIT;

    arena_init(&arena);
    if (!selector_parse((const char *) data, size, &arena, &selector,
                        &error)) {
        check(&selector, &arena);
    }
    vmn_error_uninit(&error);
    arena_uninit(&arena);
    return 0;
}
