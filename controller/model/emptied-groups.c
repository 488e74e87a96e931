/* SPDX-License-Identifier: Apache-2.0
 *
 * See emptied-groups.h. */

#include <config.h>

#include "controller/model/emptied-groups.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "util.h"

/* Adds those whose selector has the anchor 'key'. */
static void
add_anchored(const struct model *model, struct model_request *request,
             const char *key, const struct vmn_port *before,
             const struct vmn_port *now)
{
    struct vmn_names names = model_lookup(model, VMN_INDEX_GROUP_BY_ANCHOR,
                                          key);

    for (size_t i = 0; i < names.n
         && request->emptied_groups.n < EMPTIED_GROUPS_MAX; i++) {
        const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP,
                                                  names.names[i]);

        if (group && group->selector.text
            && vmn_selector_matches(&group->selector, &before->labels)
            && !(now && vmn_selector_matches(&group->selector, &now->labels))
            && !svec_contains_unsorted(&request->emptied_groups,
                                       names.names[i])) {
            svec_add(&request->emptied_groups, names.names[i]);
        }
    }
}

static bool
same_labels(const struct vmn_labels *a, const struct vmn_labels *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; i < a->n && same; i++) {
        same = (!strcmp(a->labels[i].key, b->labels[i].key)
                && !strcmp(a->labels[i].value, b->labels[i].value));
    }
    return same;
}

void
emptied_groups_add_of_port(const struct model *model,
                           struct model_request *request,
                           const struct vmn_port *before,
                           const struct vmn_port *now)
{
    if (now && same_labels(&before->labels, &now->labels)) {
        return;                 /* Most changes: there may be thousands of
                                 * groups. */
    }
    for (size_t i = 0; i < before->labels.n
         && request->emptied_groups.n < EMPTIED_GROUPS_MAX; i++) {
        const struct vmn_label *label = &before->labels.labels[i];
        char *key = xasprintf("%s=%s", label->key, label->value);

        add_anchored(model, request, key, before, now);
        add_anchored(model, request, label->key, before, now);
        free(key);
    }
    add_anchored(model, request, "", before, now);
}

void
emptied_groups_add(struct model_request *request,
                   const struct vmn_group *before,
                   const struct vmn_group *now)
{
    if (before->n_ports && !now->n_ports
        && request->emptied_groups.n < EMPTIED_GROUPS_MAX
        && !svec_contains_unsorted(&request->emptied_groups, now->row.name)) {
        svec_add(&request->emptied_groups, now->row.name);
    }
}
