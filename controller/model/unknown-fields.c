/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of rows that this version does not know: a member of the cluster that
 * is of a newer version has set them, and they are kept for it, and for the
 * time when this one is upgraded.  They are no part of the row, so nothing
 * follows from them, and whoever changes the object leaves them as they
 * are. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/row-checks.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-unknown.h"
#include "util.h"

/* Most bytes of those of a row.  Changes of the object do not add any. */
#define UNKNOWN_MAX (1024 * 1024)
/* The same with the elements of lists that they are in, which are those of a
 * request: as text, as it is in a batch or a file. */
#define KEPT_MAX (16 * UNKNOWN_MAX)

/* Sets what the version keeps: 'unknown', which this frees and which is empty
 * if all is known. */
static void
set_unknown(struct version *version, json_t *unknown)
{
    char *text = (json_object_size(unknown)
                  ? json_dumps(unknown, JSON_COMPACT | JSON_SORT_KEYS)
                  : NULL);

    version->meta.unknown = text ? arena_strdup(&version->arena, text) : NULL;
    free(text);
    json_decref(unknown);
}

/* Returns true if what was set can be read again: it may be too deep, since
 * there are more levels around it than there were. */
static bool
is_readable(const struct version *version)
{
    const char *text = version->meta.unknown;
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    bool readable = !text || json;

    json_decref(json);
    return readable;
}

static void
take(const struct schema_struct *s, json_t *object, json_t *unknown,
     const char *name)
{
    json_t *taken = schema_unknown_take(s, object);

    if (taken) {
        json_object_set_new(unknown, name, taken);
    }
}

/* Puts what was kept, 'text', back. */
static void
put_kept(const char *text, json_t *spec, json_t *status, const char *pointer,
         struct vmn_errors *errors)
{
    json_t *kept = strlen(text) <= KEPT_MAX ? json_loads(text, 0, NULL) : NULL;

    if (!json_is_object(kept)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                       "has kept what is no JSON object of at most %d bytes",
                       KEPT_MAX);
    }
    schema_unknown_put(spec, json_object_get(kept, "spec"));
    schema_unknown_put(status, json_object_get(kept, "status"));
    json_decref(kept);
}

void
unknown_load(struct version *version, const struct schema_struct *s,
             json_t *spec, json_t *status, const struct model_meta *meta,
             const char *pointer, struct vmn_errors *errors)
{
    json_t *unknown = json_object();

    version->meta.unknown = NULL;
    if (meta->unknown) {
        put_kept(meta->unknown, spec, status, pointer, errors);
    }
    take(s, spec, unknown, "spec");
    take(s, status, unknown, "status");
    if (schema_unknown_size(json_object_get(unknown, "spec"))
        + schema_unknown_size(json_object_get(unknown, "status"))
        > UNKNOWN_MAX) {
        vmn_errors_add(errors, VMN_ERR_TOO_LARGE, pointer,
                       "has more than %d bytes of fields that this version "
                       "does not know", UNKNOWN_MAX);
    }
    set_unknown(version, unknown);
    if (!is_readable(version)) {
        vmn_errors_add(errors, VMN_ERR_TOO_LARGE, pointer,
                       "has fields that this version does not know, with too "
                       "many levels");
    }
}

void
unknown_keep(struct version *version, const struct version *old)
{
    json_t *kept, *unknown, *spec, *status;

    if (!old || !old->meta.unknown) {
        return;
    }
    kept = json_loads(old->meta.unknown, 0, NULL);
    unknown = json_object();
    spec = schema_row_spec(version->row);
    status = json_object_get(kept, "status");
    schema_unknown_put(spec, json_object_get(kept, "spec"));
    take(schema_struct_of(version->row), spec, unknown, "spec");
    if (status) {
        json_object_set(unknown, "status", status);
    }
    set_unknown(version, unknown);
    json_decref(spec);
    json_decref(kept);
}

size_t
model_count_unknown(const struct model *model)
{
    size_t n = 0;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        n += index_get(model, INDEX_UNKNOWN + i, "")->n;
    }
    return n;
}

/* Returns true if 'text', JSON without spaces, has 'string', with its quotes,
 * as a value. */
static bool
has_value(const char *text, const char *string)
{
    for (; (text = strstr(text, string)) != NULL; text++) {
        if (text[strlen(string)] != ':') {
            return true;
        }
    }
    return false;
}

void
check_unknown_referrers(struct txn *txn, const struct entry *entry)
{
    const struct schema_table *table = schema_tables[entry->table];
    char *string = xasprintf("\"%s\"", entry->name);

    for (int i = 0; !table->observed && !table->of_daemon && i < VMN_N_TABLES;
         i++) {
        const struct name_set *names = index_get(txn->model,
                                                 INDEX_UNKNOWN + i, "");

        for (size_t j = 0; j < names->n; j++) {
            const struct entry *other = model_find(txn->model, i,
                                                   names->names[j]);

            if (has_value(other->cur->meta.unknown, string)) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "",
                          "%s \"%s\" may be referenced by %s, in a field that "
                          "this version of vmnd does not know",
                          table->singular, entry->name,
                          txn_name(txn, i, names->names[j]));
            }
            model_yield(txn->model);
        }
    }
    free(string);
}
