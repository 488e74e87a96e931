/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes since the last query: rows, and keys of indexes, each once and in
 * order. */

#include <config.h>

#include "controller/model/changes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "hash.h"
#include "util.h"

struct change_node {
    struct hmap_node node;      /* In model's 'changes'. */
    struct ovs_list list_node;  /* In model's 'change_list'. */
    struct model_change change; /* 'key' is owned. */
};

void
changes_add(struct model *model, enum model_change_kind kind, int id,
            const char *key)
{
    uint32_t hash = hash_string(key, hash_2words(kind, id));
    struct change_node *node;

    HMAP_FOR_EACH_WITH_HASH (node, node, hash, &model->changes) {
        if (node->change.kind == kind && node->change.id == id
            && !strcmp(node->change.key, key)) {
            return;
        }
    }
    node = xmalloc(sizeof *node);
    node->change = (struct model_change) { kind, id, xstrdup(key) };
    hmap_insert(&model->changes, &node->node, hash);
    ovs_list_push_back(&model->change_list, &node->list_node);
}

void
model_take_changes(struct model *model, struct model_changes *changes)
{
    struct change_node *node;

    changes->n = 0;
    changes->changes = xmalloc(MAX(hmap_count(&model->changes), 1)
                               * sizeof *changes->changes);
    LIST_FOR_EACH_POP (node, list_node, &model->change_list) {
        changes->changes[changes->n++] = node->change;
        hmap_remove(&model->changes, &node->node);
        free(node);
        model_yield(model);
    }
}

void
model_changes_uninit(struct model_changes *changes)
{
    while (changes->n) {
        free(CONST_CAST(char *, changes->changes[--changes->n].key));
    }
    free(changes->changes);
    changes->changes = NULL;
}
