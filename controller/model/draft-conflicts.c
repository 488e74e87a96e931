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

/* As draft_result(), of what has a webhook that is not shown: "redacted" is no
 * URL, so the result is made without one. */
static json_t *
result_without_webhook(const struct model *model,
                       const struct vmn_draft_change *change,
                       const json_t *now)
{
    json_t *copy = json_deep_copy(now), *spec = draft_spec(change), *wanted;

    json_object_del(json_object_get(copy, "scale"), "webhook");
    wanted = draft_result(model, change, copy);
    if (change->op == VMN_DRAFT_PATCH
        && !json_object_get(json_object_get(spec, "scale"), "webhook")) {
        json_object_set_new(json_object_get(wanted, "scale"), "webhook",
                            json_string(SCHEMA_REDACTED));
    }
    json_decref(copy);
    json_decref(spec);
    return wanted;
}

#define LABELS "/spec/labels"

/* A comparison of one object's versions. */
struct comparison {
    draft_conflict_cb *cb;
    void *aux;
    size_t change;
    bool deletes;
    uint64_t revision;
    const char *hidden;         /* The webhook of the object as it is now, if
                                 * it is not shown... */
    bool guesses;               /* ...to who may have guessed it. */
    bool labels;                /* One about labels was reported. */
    struct ds path;
};

static bool
is_same(const json_t *a, const json_t *b)
{
    return (!a && !b) || (a && b && json_equal(a, b));
}

/* Redacts the webhook of 'spec' where it is 'url': who has no scope and is not
 * shown it has not written what is compared, and is told if that is right. */
static void
redact_same(json_t *spec, const char *url)
{
    json_t *scale = json_object_get(spec, "scale");

    if (nullable_string_is_equal(
            json_string_value(json_object_get(scale, "webhook")), url)) {
        json_object_set_new(scale, "webhook", json_string(SCHEMA_REDACTED));
    }
}

static void
report(struct comparison *c, const json_t *base, const json_t *now,
       const json_t *wanted)
{
    const struct draft_conflict conflict = {
        .change = c->change, .path = ds_cstr(&c->path), .base = base,
        .now = now, .wanted = wanted, .revision = c->revision,
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
    json_t *wanted = (c->hidden
                      ? result_without_webhook(model, change, now)
                      : draft_result(model, change, now));

    base = base ? normalize(model, change, base) : NULL;
    if (c->hidden && !c->guesses) {
        redact_same(base, c->hidden);
        redact_same(wanted, c->hidden);
    }

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

/* Returns the webhook of 'row' if it has one that these rights are not shown:
 * it was within the scope when the draft was written, say, and is only read
 * now. */
static const char *
hidden_webhook(const struct model_rights *rights, const struct vmn_row *row)
{
    return (row && row->table == VMN_TABLE_LOADBALANCER
            && !model_shows_secrets(rights, row)
            ? ((const struct vmn_loadbalancer *) row)->scale.webhook : NULL);
}

/* Returns what is told of the object as it is now, which the caller owns. */
static json_t *
spec_now(const struct vmn_row *row, bool hides)
{
    json_t *spec = schema_row_spec(row);

    if (hides) {
        json_object_set_new(json_object_get(spec, "scale"), "webhook",
                            json_string(SCHEMA_REDACTED));
    }
    return spec;
}

/* Reports that drafts do not change such objects any more: the type has got a
 * secret field since.  Nothing is compared, or told of what they say. */
static void
refuse_type(struct comparison *c)
{
    const struct draft_conflict conflict = {
        .change = c->change, .path = "", .revision = c->revision,
        .left_out = true,
    };

    c->cb(c->aux, &conflict);
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
            .cb = cb, .aux = aux, .change = i,
            .deletes = change->op == VMN_DRAFT_DELETE,
            .revision = sees ? meta.revision : 0,
            .hidden = sees ? hidden_webhook(rights, row) : NULL,
            .guesses = rights && rights->scope.text,
            .path = DS_EMPTY_INITIALIZER,
        };

        if (table && !draft_may_have(table)) {
            refuse_type(&c);
        } else if (!is_unchanged(change, sees, meta.revision)) {
            json_t *now = sees ? spec_now(row, c.hidden) : NULL;

            compare_object(&c, model, change, now, meta.created_ms);
            json_decref(now);
        }
        ds_destroy(&c.path);
    }
}
