/* SPDX-License-Identifier: Apache-2.0
 *
 * What a revision made of objects, as the log keeps it: for GET
 * /v1/revisions/{revision}, and for taking it back.  Not for the entries of
 * the log (api-revisions.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "util.h"

int
nb_read_contents(const struct northbound *nb, uint64_t revision,
                 json_t **contents, size_t *n_bytes, struct vmn_error *why)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int error = nb->store_class->log_contents(nb->store, revision, &ds, why);

    *contents = error ? NULL : json_loadb(ds_cstr(&ds), ds.length,
                                          JSON_ALLOW_NUL, NULL);
    *n_bytes += ds.length;
    ds_destroy(&ds);
    if (!error && !*contents) {
        error = vmn_error_errno(why, EUCLEAN, "what revision %llu changed is "
                                "not JSON", (unsigned long long) revision);
    }
    return error;
}

int
nb_log_contents(const struct northbound *nb, uint64_t revision,
                json_t **contents, struct vmn_error *why)
{
    size_t n_bytes = 0;

    return nb_read_contents(nb, revision, contents, &n_bytes, why);
}

/* Returns a member as JSON text in the arena, or NULL if it is absent. */
static const char *
member_text(const json_t *object, const char *member, struct arena *arena)
{
    const json_t *value = json_object_get(object, member);
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    const char *copy = text ? arena_strdup(arena, text) : NULL;

    free(text);
    return copy;
}

/* Hides what a client with 'rights' (NULL: all) is not shown of the object
 * itself, since it changes no such objects. */
static void
hide_secrets(const struct model_rights *rights,
             const struct schema_table *table, const json_t *object)
{
    if (table->id == VMN_TABLE_LOADBALANCER && rights
        && !(rights->tables & UINT64_C(1) << table->id)) {
        nb_hide_webhook(json_object_get(json_object_get(object, "before"),
                                        "spec"));
        nb_hide_webhook(json_object_get(json_object_get(object, "after"),
                                        "spec"));
    }
}

/* Fills in what became of an object; false if its type is unknown. */
static bool
fill_object(const struct model_rights *rights, const json_t *object,
            struct arena *arena, struct nb_logged *logged)
{
    const json_t *before = json_object_get(object, "before");
    const json_t *after = json_object_get(object, "after");
    const char *type = json_string_value(json_object_get(object, "type"));
    const struct schema_table *table = type ? schema_find_table(type) : NULL;

    if (!table) {
        return false;
    }
    hide_secrets(rights, table, object);
    *logged = (struct nb_logged) {
        .type = table->plural,
        .name = json_string_value(json_object_get(object, "name")),
        .before = member_text(object, "before", arena),
        .after = member_text(object, "after", arena),
    };
    schema_json_diff(table, before, after, SCHEMA_DIFF_MAX, arena,
                     &logged->diff);
    return true;
}

/* Returns true of any object if 'type' is NULL. */
static bool
is_wanted(const struct nb_logged *logged, const char *type, const char *name)
{
    return (!type || (!strcmp(logged->type, type) && logged->name
                      && !strcmp(logged->name, name)));
}

/* As nb_append_contents(), of 'type' and 'name' or of all objects. */
static int
append_contents(const struct northbound *nb,
                const struct model_rights *rights, uint64_t revision,
                const char *type, const char *name, struct ds *ds,
                size_t *n_bytes, struct vmn_error *why)
{
    json_t *contents;
    const json_t *object;
    struct arena arena;
    size_t i, n = 0;
    int error = nb_read_contents(nb, revision, &contents, n_bytes, why);

    if (error) {
        return error == ENOENT ? 0 : error;
    }
    arena_init(&arena);
    ds_put_cstr(ds, ",\"contents\":[");
    json_array_foreach (json_object_get(contents, "objects"), i, object) {
        struct nb_logged logged;

        if (fill_object(rights, object, &arena, &logged)
            && is_wanted(&logged, type, name)) {
            ds_put_cstr(ds, n++ ? "," : "");
            schema_struct_print(&nb_logged, &logged, ds);
        }
    }
    ds_put_format(ds, "],\"left_out\":%lld",
                  (long long) json_integer_value(
                      json_object_get(contents, "left_out")));
    arena_uninit(&arena);
    json_decref(contents);
    return 0;
}

int
nb_append_contents(const struct northbound *nb,
                   const struct model_rights *rights, uint64_t revision,
                   struct ds *ds, struct vmn_error *why)
{
    size_t n_bytes = 0;

    return append_contents(nb, rights, revision, NULL, NULL, ds, &n_bytes,
                           why);
}

/* Lists.  ---------------------------------------------------------------- */

/* Bytes of contents that are read for one list: some tens of milliseconds of
 * the loop's time.  One revision has 256 kB at most. */
#define LIST_BYTES (1024 * 1024)

/* Returns the entry, an object, with its contents, as text that the caller
 * frees; NULL with an error. */
static char *
entry_text(const struct northbound *nb, const struct model_rights *rights,
           const json_t *entry, const char *type, const char *name,
           size_t *n_bytes, struct vmn_error *why)
{
    uint64_t revision = json_integer_value(json_object_get(entry,
                                                           "revision"));
    char *text = json_dumps(entry, JSON_COMPACT);
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_buffer(&ds, text, strlen(text) - 1);
    free(text);
    if (append_contents(nb, rights, revision, type, name, &ds, n_bytes,
                        why)) {
        ds_destroy(&ds);
        return NULL;
    }
    ds_put_char(&ds, '}');
    return ds_steal_cstr(&ds);
}

int
nb_add_contents(const struct northbound *nb,
                const struct model_rights *rights, const char *type,
                const char *name, struct ds *items, uint64_t *next,
                struct vmn_error *why)
{
    char *list = xasprintf("[%s]", ds_cstr(items));
    json_t *entries = json_loads(list, JSON_ALLOW_NUL, NULL);
    struct svec texts = SVEC_EMPTY_INITIALIZER;
    size_t n_bytes = 0, n = json_array_size(entries);
    int error = 0;

    /* The newest first, as they are what is looked for. */
    while (n && n_bytes < LIST_BYTES && !error) {
        char *text = entry_text(nb, rights, json_array_get(entries, --n), type,
                                name, &n_bytes, why);

        if (text) {
            svec_add_nocopy(&texts, text);
        }
        error = text ? 0 : EIO;
    }
    if (n) {
        *next = json_integer_value(json_object_get(json_array_get(entries, n),
                                                   "revision"));
    }
    ds_clear(items);
    for (size_t i = texts.n; i-- > 0; ) {
        ds_put_format(items, "%s%s", texts.names[i], i ? "," : "");
    }
    svec_destroy(&texts);
    json_decref(entries);
    free(list);
    return error;
}
