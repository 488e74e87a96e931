/* SPDX-License-Identifier: Apache-2.0
 *
 * What a revision made of objects, as the log keeps it: for GET
 * /v1/revisions/{revision}, and for taking it back.  Not for the entries of
 * the log (api-revisions.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <errno.h>
#include <stdlib.h>

#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

int
nb_log_contents(const struct northbound *nb, uint64_t revision,
                json_t **contents, struct vmn_error *why)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int error = nb->store_class->log_contents(nb->store, revision, &ds, why);

    *contents = error ? NULL : json_loadb(ds_cstr(&ds), ds.length,
                                          JSON_ALLOW_NUL, NULL);
    ds_destroy(&ds);
    if (!error && !*contents) {
        error = vmn_error_errno(why, EUCLEAN, "what revision %llu changed is "
                                "not JSON", (unsigned long long) revision);
    }
    return error;
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

/* Fills in what became of an object; false if its type is unknown. */
static bool
fill_object(const json_t *object, struct arena *arena,
            struct nb_logged *logged)
{
    const json_t *before = json_object_get(object, "before");
    const json_t *after = json_object_get(object, "after");
    const char *type = json_string_value(json_object_get(object, "type"));
    const struct schema_table *table = type ? schema_find_table(type) : NULL;

    if (!table) {
        return false;
    }
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

int
nb_append_contents(const struct northbound *nb, uint64_t revision,
                   struct ds *ds, struct vmn_error *why)
{
    json_t *contents;
    const json_t *object;
    struct arena arena;
    size_t i, n = 0;
    int error = nb_log_contents(nb, revision, &contents, why);

    if (error) {
        return error == ENOENT ? 0 : error;
    }
    arena_init(&arena);
    ds_put_cstr(ds, ",\"contents\":[");
    json_array_foreach (json_object_get(contents, "objects"), i, object) {
        struct nb_logged logged;

        if (fill_object(object, &arena, &logged)) {
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
