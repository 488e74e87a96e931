/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps that have failed for objects, as clients are shown it: in the status of
 * an object, and in the reply to a change.  Not for the problems of the system
 * (system-health.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>

#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Objects that a reply lists. */
#define FAILURES_MAX 100

/* A unit's key may be another tenant's object, and what failed is said of
 * that. */
bool
nb_find_failure(const struct northbound *nb,
                const struct model_rights *rights, enum vmn_table table,
                const char *name, struct nb_failure *shown)
{
    struct engine_failure failure;

    if (!engine_find_failure(nb->engine, table, name, &failure)) {
        return false;
    }
    *shown = (struct nb_failure) {
        .app = failure.app, .unit = failure.unit, .units = failure.n_units,
        .detail = failure.detail,
    };
    if (nb_hides_hosts(rights)) {
        shown->unit = NULL;
        shown->units = 0;
        shown->detail = "the app has failed";
    }
    return true;
}

/* Finds why the object is not in effect: an app has failed for it, or that of
 * its type is not there. */
static bool
find_reason(const struct northbound *nb, const struct model_rights *rights,
            const struct nb_object_name *object, struct arena *arena,
            struct nb_failure *failure)
{
    const char *app;
    const char *unserved = nb_object_unserved(nb, object->table, arena, &app);

    if (unserved) {
        *failure = (struct nb_failure) { app, NULL, 0, unserved };
    }
    return (unserved || nb_find_failure(nb, rights, object->table,
                                        object->name, failure));
}

bool
nb_append_failures(const struct northbound *nb,
                   const struct model_rights *rights,
                   const struct nb_object_name *objects, size_t n,
                   struct ds *ds)
{
    struct arena arena;
    size_t n_found = 0;

    arena_init(&arena);
    for (size_t i = 0; i < n && n_found < FAILURES_MAX; i++) {
        struct nb_object_failure found = {
            schema_tables[objects[i].table]->plural, objects[i].name,
            { NULL, NULL, 0, NULL },
        };

        if (find_reason(nb, rights, &objects[i], &arena, &found.failure)) {
            ds_put_cstr(ds, n_found++ ? "," : ",\"failures\":[");
            schema_struct_print(&nb_object_failure, &found, ds);
        }
    }
    if (n_found) {
        ds_put_char(ds, ']');
    }
    arena_uninit(&arena);
    return n_found;
}

bool
nb_append_entry_failures(const struct northbound *nb,
                         const struct model_rights *rights, struct ds *entry)
{
    char *text = xasprintf("%s}", ds_cstr(entry));
    json_t *json = json_loads(text, JSON_ALLOW_NUL, NULL), *change;
    const json_t *changes = json_object_get(json, "changes");
    struct nb_object_name *objects
        = xcalloc(MAX(json_array_size(changes), 1), sizeof *objects);
    size_t n = 0, i;
    bool any;

    json_array_foreach (changes, i, change) {
        const char *type = json_string_value(json_object_get(change, "type"));
        const char *name = json_string_value(json_object_get(change, "name"));
        const struct schema_table *table = type ? schema_find_table(type)
                                           : NULL;

        if (table && name) {
            objects[n++] = (struct nb_object_name) {
                table->id, CONST_CAST(char *, name),
            };
        }
    }
    any = nb_append_failures(nb, rights, objects, n, entry);
    free(objects);
    json_decref(json);
    free(text);
    return any;
}
