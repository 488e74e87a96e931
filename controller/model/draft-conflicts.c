/* SPDX-License-Identifier: Apache-2.0
 *
 * Conflicts of a draft with what came after it; see draft-conflicts.h. */

#include <config.h>

#include "controller/model/draft-conflicts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/draft-contents.h"
#include "controller/model/model.h"
#include "controller/model/request.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Returns 'spec', of which it takes ownership, with defaults and in the order
 * and form of printed rows; unchanged if it is not valid. */
static json_t *
normalize(const struct model *model, const struct vmn_draft_change *change,
          json_t *spec)
{
    const struct schema_table *table = schema_find_table(change->type);
    struct vmn_errors errors;
    struct vmn_row *row;
    struct arena arena;

    table = table ? model_table(model, table->id) : NULL;
    if (!table) {
        return spec;
    }
    arena_init(&arena);
    vmn_errors_init(&errors);
    row = schema_row_parse(table, change->name, spec, "", &arena, &errors);
    if (row) {
        json_decref(spec);
        spec = schema_row_spec(row);
    }
    vmn_errors_uninit(&errors);
    arena_uninit(&arena);
    return spec;
}

/* Returns what the change makes of 'now' (NULL: there is no object), which the
 * caller owns; NULL: it deletes the object. */
static json_t *
draft_result(const struct model *model, const struct vmn_draft_change *change,
             const json_t *now)
{
    json_t *spec = draft_spec(change);

    if (change->op == VMN_DRAFT_PATCH) {
        json_t *merged = spec_merge_patch(json_deep_copy(now), spec);

        json_decref(spec);
        spec = merged;
    }
    return spec ? normalize(model, change, spec) : NULL;
}

#define LABELS "/spec/labels"

/* A comparison of one object's versions. */
struct comparison {
    draft_conflict_cb *cb;
    void *aux;
    size_t change;
    bool deletes;
    uint64_t revision;
    bool labels;                /* One about labels was reported. */
    struct ds path;
};

static bool
is_same(const json_t *a, const json_t *b)
{
    return (!a && !b) || (a && b && json_equal(a, b));
}

static void
report(struct comparison *c, const json_t *base, const json_t *now,
       const json_t *wanted)
{
    const struct draft_conflict conflict = {
        c->change, ds_cstr(&c->path), base, now, wanted, c->revision,
    };

    c->labels |= !strncmp(conflict.path, LABELS, strlen(LABELS));
    c->cb(c->aux, &conflict);
}

static bool
is_object_or_none(const json_t *json)
{
    return !json || json_is_object(json);
}

static void compare(struct comparison *, const json_t *patch,
                    const json_t *base, const json_t *now,
                    const json_t *wanted);

/* Compares the members of three objects whose names are those of 'names'. */
static void
compare_members(struct comparison *c, const json_t *names, bool patches,
                const json_t *base, const json_t *now, const json_t *wanted)
{
    const char *name;
    json_t *value;

    json_object_foreach (CONST_CAST(json_t *, names), name, value) {
        size_t length = c->path.length;

        ds_put_char(&c->path, '/');
        for (const char *p = name; *p; p++) {
            if (*p == '~' || *p == '/') {
                ds_put_cstr(&c->path, *p == '~' ? "~0" : "~1");
            } else {
                ds_put_char(&c->path, *p);
            }
        }
        compare(c, patches ? value : NULL, json_object_get(base, name),
                json_object_get(now, name), json_object_get(wanted, name));
        ds_truncate(&c->path, length);
    }
}

/* Reports where 'now' differs from both others; with 'patch', of what that
 * names alone. */
static void
compare(struct comparison *c, const json_t *patch, const json_t *base,
        const json_t *now, const json_t *wanted)
{
    if (is_same(base, now) || (!c->deletes && is_same(now, wanted))) {
        return;
    }
    if (json_is_object(patch) && is_object_or_none(base)
        && is_object_or_none(now)) {
        compare_members(c, patch, true, base, now, wanted);
    } else if (!patch && json_is_object(base) && json_is_object(now)) {
        json_t *names = json_copy(CONST_CAST(json_t *, base));

        json_object_update(names, CONST_CAST(json_t *, now));
        compare_members(c, names, false, base, now, wanted);
        json_decref(names);
    } else {
        report(c, base, now, wanted);
    }
}

/* Reports, unless that has been, that the object has other labels than it had,
 * which say whose it is: neither those of the base, nor those that the draft
 * makes of these. */
static void
compare_labels(struct comparison *c, const struct model *model,
               const struct vmn_draft_change *change, const json_t *base,
               const json_t *now, const json_t *wanted)
{
    const json_t *was = json_object_get(base, "labels");
    const json_t *is = json_object_get(now, "labels");
    json_t *made = draft_result(model, change, base);

    if (!c->labels && !is_same(was, is)
        && (!made || !is_same(json_object_get(made, "labels"), is))) {
        ds_clear(&c->path);
        ds_put_cstr(&c->path, LABELS);
        report(c, was, is, json_object_get(wanted, "labels"));
    }
    json_decref(made);
}

/* Compares what one change is of. */
static void
compare_object(struct comparison *c, const struct model *model,
               const struct vmn_draft_change *change, const json_t *now,
               uint64_t created_ms)
{
    json_t *base = draft_base_spec(change), *spec = draft_spec(change);
    json_t *wanted = draft_result(model, change, now);

    base = base ? normalize(model, change, base) : NULL;

    ds_put_cstr(&c->path, base && now ? "/spec" : "");
    if (!base != !now) {
        /* It has come or gone since. */
        if (!is_same(now, wanted)) {
            report(c, base, now, wanted);
        }
    } else if (base && change->base_created
               && change->base_created != created_ms) {
        ds_clear(&c->path);     /* It is another object of that name. */
        report(c, base, now, wanted);
    } else {
        compare(c, change->op == VMN_DRAFT_PATCH ? spec : NULL, base, now,
                wanted);
        if (base) {
            compare_labels(c, model, change, base, now, wanted);
        }
    }
    json_decref(base);
    json_decref(spec);
    json_decref(wanted);
}

/* Returns true if the object is as it was at the base, by its ETag. */
static bool
is_unchanged(const struct vmn_draft_change *change, bool sees,
             uint64_t revision)
{
    char etag[24];

    snprintf(etag, sizeof etag, "%"PRIu64, revision);
    return (change->base
            && !strcmp(change->base, sees ? etag : VMN_DRAFT_NONE));
}

/* Returns what is told of the object as it is now, which the caller owns.  One
 * that was within the scope when the draft was written, and is only read now,
 * is told of as one that is read (model_shows_secrets()); no other secrets are
 * in drafts. */
static json_t *
spec_now(const struct model_rights *rights, const struct vmn_row *row)
{
    json_t *spec = schema_row_spec(row);
    json_t *scale = json_object_get(spec, "scale");

    if (row->table == VMN_TABLE_LOADBALANCER && !model_in_scope(rights, row)
        && json_object_get(scale, "webhook")) {
        json_object_set_new(scale, "webhook", json_string(SCHEMA_REDACTED));
    }
    return spec;
}

void
draft_conflicts(const struct model *model, const struct model_rights *rights,
                const struct vmn_draft *draft, draft_conflict_cb *cb,
                void *aux)
{
    for (size_t i = 0; i < draft->n_changes; i++) {
        const struct vmn_draft_change *change = &draft->changes[i];
        const struct schema_table *table = schema_find_table(change->type);
        struct model_meta meta = { .revision = 0 };
        const struct vmn_row *row
            = table ? model_get_durable(model, table->id, change->name, &meta)
              : NULL;
        bool sees = row && model_sees(rights, row);
        struct comparison c = {
            cb, aux, i, change->op == VMN_DRAFT_DELETE,
            sees ? meta.revision : 0, false, DS_EMPTY_INITIALIZER,
        };

        if (!is_unchanged(change, sees, meta.revision)) {
            json_t *now = sees ? spec_now(rights, row) : NULL;

            compare_object(&c, model, change, now, meta.created_ms);
            json_decref(now);
        }
        ds_destroy(&c.path);
    }
}
