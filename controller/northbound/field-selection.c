/* SPDX-License-Identifier: Apache-2.0
 *
 * Selection of fields of objects; see field-selection.h. */

#include <config.h>

#include "controller/northbound/field-selection.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/northbound-private.h"
#include "controller/northbound/openapi-operations.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Parsing.  --------------------------------------------------------------- */

/* The fields that an object may have at a place. */
struct level {
    const struct schema_struct *fields; /* Or NULL. */
    const struct schema_struct *assigned; /* Of these, the fields that are
                                           * assigned; or NULL. */
};

static const struct schema_field object_fields[] = {
    { .name = "type", .type = SCHEMA_STRING },
    { .name = "name", .type = SCHEMA_STRING },
    { .name = "metadata", .type = SCHEMA_STRUCT,
      .nested = &nb_reply_metadata },
    { .name = "spec", .type = SCHEMA_STRUCT },
    { .name = "status", .type = SCHEMA_STRUCT },
    { .name = NULL },
};
static const struct schema_struct object = { .fields = object_fields };

static const struct schema_field *
find_field(const struct level *level, const char *name)
{
    const struct schema_field *f = (level->fields
        ? schema_find_field(level->fields, name) : NULL);

    if (!f && level->assigned) {
        f = schema_find_field(level->assigned, name);
        f = f && f->flags & SCHEMA_ASSIGNED ? f : NULL;
    }
    return f;
}

/* Returns the level of the members of 'f', which is at 'level'. */
static struct level
level_of(const struct schema_table *table, const struct level *level,
         const struct schema_field *f)
{
    if (level->fields == &object && !strcmp(f->name, "spec")) {
        return (struct level) { &table->row, NULL };
    } else if (level->fields == &object && !strcmp(f->name, "status")) {
        return (struct level) { table->status, &table->row };
    }
    return (struct level) { f->nested, NULL };
}

static const char *
candidate(const void *level_, size_t i)
{
    const struct level *level = level_;
    const struct schema_field *f = level->fields ? level->fields->fields
                                   : NULL;

    for (; f && f->name; f++) {
        if (!i--) {
            return f->name;
        }
    }
    for (f = level->assigned ? level->assigned->fields : NULL; f && f->name;
         f++) {
        if (f->flags & SCHEMA_ASSIGNED && !i--) {
            return f->name;
        }
    }
    return NULL;
}

/* Returns the path that is probably meant by 'name' after the first 'len'
 * bytes of 'path', or NULL.  The caller frees it. */
static char *
suggest(const struct schema_table *table, const struct level *level,
        const char *path, size_t len, const char *name)
{
    const char *guess;

    for (const struct schema_field *f = object_fields;
         level->fields == &object && f->name; f++) {
        const struct level in = level_of(table, level, f);

        if (find_field(&in, name)) {
            return xasprintf("%s.%s", f->name, name);
        }
    }
    guess = schema_suggest(name, candidate, level);
    return guess ? xasprintf("%.*s%s", (int) len, path, guess) : NULL;
}

/* Returns the member 'name' of 'node', which is added if it has none. */
static struct field_node *
get_node(struct field_selection *selection, struct field_node *node,
         const char *name)
{
    struct field_node **end = &node->in;

    while (*end && strcmp((*end)->name, name)) {
        end = &(*end)->next;
    }
    if (!*end) {
        *end = arena_alloc(&selection->arena, sizeof **end);
        **end = (struct field_node) {
            .name = arena_strdup(&selection->arena, name),
        };
    }
    return *end;
}

/* Returns true if the members of 'f' have names that no description has. */
static bool
has_any_members(const struct schema_field *f)
{
    return f->type == SCHEMA_LABELS || f->flags & (SCHEMA_MAP | SCHEMA_ANY);
}

static bool
reject_field(struct http_request *req, const struct schema_table *table,
             const struct level *level, const char *path, size_t len,
             const char *name)
{
    char *guess = (level->fields || level->assigned
                   ? suggest(table, level, path, len, name) : NULL);

    if (guess) {
        nb_query_reject(req, "fields", "unknown field \"%s\" of %s; did you "
                        "mean \"%s\"?", path, table->plural, guess);
        free(guess);
    } else if (level->fields || level->assigned) {
        nb_query_reject(req, "fields", "unknown field \"%s\" of %s", path,
                        table->plural);
    } else {
        nb_query_reject(req, "fields", "unknown field \"%s\" of %s: \"%.*s\" "
                        "has no fields", path, table->plural, (int) len - 1,
                        path);
    }
    return false;
}

/* Adds the field at 'path', such as "spec.rules.peers".  Replies 400 and
 * returns false if there is none. */
static bool
add_path(struct field_selection *selection, struct http_request *req,
         const struct schema_table *table, const char *path)
{
    struct field_node *node = &selection->root;
    struct level level = { &object, NULL };
    const char *rest = path;
    bool any = false;

    for (;;) {
        size_t len = any ? strlen(rest) : strcspn(rest, ".");
        char *name = xmemdup0(rest, len);
        const struct schema_field *f = any ? NULL : find_field(&level, name);

        if (!len || (!any && !f)) {
            reject_field(req, table, &level, path, rest - path, name);
            free(name);
            return false;
        }
        node = get_node(selection, node, name);
        free(name);
        if (!rest[len]) {
            node->whole = true;
            return true;
        }
        rest += len + 1;
        any = has_any_members(f);
        level = level_of(table, &level, f);
    }
}

bool
field_selection_init(struct field_selection *selection,
                     struct http_request *req,
                     const struct schema_table *table)
{
    const char *text = http_request_query(req, "fields");
    bool ok;

    *selection = (struct field_selection) { .root.whole = !text };
    arena_init(&selection->arena);
    if (!text) {
        return true;
    }
    get_node(selection, &selection->root, "type")->whole = true;
    get_node(selection, &selection->root, "name")->whole = true;
    for (;;) {
        size_t len = strcspn(text, ",");
        char *path = xmemdup0(text, len);

        ok = (len ? add_path(selection, req, table, path)
              : nb_query_reject(req, "fields", "must be fields separated by "
                                "commas, such as spec.labels,status"));
        free(path);
        if (!ok || !text[len]) {
            break;              /* The request may be gone, with the text. */
        }
        text += len + 1;
    }
    if (!ok) {
        field_selection_uninit(selection);
    }
    return ok;
}

void
field_selection_uninit(struct field_selection *selection)
{
    arena_uninit(&selection->arena);
}

/* Selection.  ------------------------------------------------------------- */

static const struct field_node *
find_node(const struct field_node *nodes, const char *name)
{
    while (nodes && strcmp(nodes->name, name)) {
        nodes = nodes->next;
    }
    return nodes;
}

/* Removes the members that 'node' does not select. */
static void
select_value(const struct field_node *node, json_t *value)
{
    const struct field_node *member;
    const char *name;
    json_t *inner;
    void *next;
    size_t i;

    if (node->whole) {
        return;
    }
    json_array_foreach (value, i, inner) {
        select_value(node, inner);
    }
    json_object_foreach_safe (value, next, name, inner) {
        member = find_node(node->in, name);
        if (member) {
            select_value(member, inner);
        } else {
            json_object_del(value, name);
        }
    }
}

void
field_selection_apply(const struct field_selection *selection, size_t start,
                      struct ds *ds)
{
    if (!selection->root.whole) {
        json_t *shown = json_loads(ds_cstr(ds) + start, JSON_ALLOW_NUL, NULL);
        char *text;

        select_value(&selection->root, shown);
        text = json_dumps(shown, JSON_COMPACT | JSON_REAL_PRECISION(15));
        ds_truncate(ds, start);
        ds_put_cstr(ds, text);
        free(text);
        json_decref(shown);
    }
}
