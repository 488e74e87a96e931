/* SPDX-License-Identifier: Apache-2.0
 *
 * The descriptor of an app that cannot be loaded; see absent-class.h. */

#include <config.h>

#include "controller/apphost/absent-class.h"

#include "controller/flow/lasting-text.h"
#include "controller/schema/arena.h"
#include "controller/schema/tables.h"
#include "util.h"
#include "vmn/app.h"

struct absent_class {
    struct vmn_app_class class_;
    struct arena arena;         /* Owns what 'class_' points to. */
};

const struct vmn_app_class *
absent_class_create(const char *name, const struct vmn_module *before)
{
    struct absent_class *absent = xzalloc(sizeof *absent);
    const char *lasting = lasting_text(name);
    size_t n = before ? before->n_stages : 0;
    struct vmn_stage_class *stages;

    arena_init(&absent->arena);
    stages = arena_alloc(&absent->arena, (n + 1) * sizeof *stages);
    for (size_t i = 0; i < n; i++) {
        const struct vmn_module_stage *stage = &before->stages[i];

        stages[i] = (struct vmn_stage_class) {
            .name = arena_strdup(&absent->arena, stage->name),
            .hook = stage->hook, .order = stage->order,
            .n_tables = stage->tables, .miss = stage->miss,
            .scratch = stage->scratch, .keeps = stage->keeps,
        };
    }
    absent->class_ = (struct vmn_app_class) {
        VMN_APP_HEAD,
        .name = lasting ? lasting : arena_strdup(&absent->arena, name),
        .stages = stages,
        .options = ((before && before->withdraw ? VMN_APP_WITHDRAW : 0)
                    | (before && before->denies ? VMN_APP_DENIES : 0)),
    };
    return &absent->class_;
}

void
absent_class_destroy(const struct vmn_app_class *class_)
{
    if (class_) {
        struct absent_class *absent = CONTAINER_OF(
            CONST_CAST(struct vmn_app_class *, class_), struct absent_class,
            class_);

        arena_uninit(&absent->arena);
        free(absent);
    }
}
