/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels of objects against selectors; see object-labels.h. */

#include <config.h>

#include "controller/ctl/object-labels.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "util.h"

static int
compare_labels(const void *a_, const void *b_)
{
    const struct vmn_label *a = a_, *b = b_;

    return strcmp(a->key, b->key);
}

bool
ctl_is_selected(const struct vmn_selector *selector, const json_t *object)
{
    json_t *json = json_object_get(json_object_get(object, "spec"), "labels");
    struct vmn_label *labels = xcalloc(MAX(json_object_size(json), 1),
                                       sizeof *labels);
    struct vmn_labels all = { 0, labels };
    const char *key;
    json_t *value;
    bool matches;

    json_object_foreach (json, key, value) {
        labels[all.n].key = key;
        labels[all.n++].value = json_string_value(value)
                                ? json_string_value(value) : "";
    }
    qsort(labels, all.n, sizeof *labels, compare_labels);
    matches = vmn_selector_matches(selector, &all);
    free(labels);
    return matches;
}

bool
ctl_labels_match(const char *text, const json_t *object)
{
    struct vmn_selector selector;
    struct arena arena;
    bool matches;

    arena_init(&arena);
    matches = (!selector_parse(text, strlen(text), &arena, &selector, NULL)
               && ctl_is_selected(&selector, object));
    arena_uninit(&arena);
    return matches;
}
