/* SPDX-License-Identifier: Apache-2.0
 *
 * Output of objects; see get-output.h. */

#include <config.h>

#include "controller/ctl/get-output.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/field-path.h"
#include "controller/ctl/object-columns.h"
#include "controller/ctl/output.h"
#include "util.h"

/* Order.  ----------------------------------------------------------------- */

static int
compare_objects(const void *a, const void *b, void *path)
{
    return ctl_field_path_compare(path, *(json_t *const *) a,
                                  *(json_t *const *) b);
}

void
ctl_sort_found(const struct ctl *ctl, json_t *objects)
{
    size_t n = json_array_size(objects);
    json_t **array;

    if (!ctl->sort_by) {
        return;
    }
    array = xcalloc(MAX(n, 1), sizeof *array);
    for (size_t i = 0; i < n; i++) {
        array[i] = json_incref(json_array_get(objects, i));
    }
    qsort_r(array, n, sizeof *array, compare_objects, ctl->sort_by);
    json_array_clear(objects);
    for (size_t i = 0; i < n; i++) {
        if (!ctl->limit || i < (size_t) ctl->limit) {
            json_array_append(objects, array[i]);
        }
        json_decref(array[i]);
    }
    free(array);
}

/* Tables.  ---------------------------------------------------------------- */

json_t *
ctl_with_types(const json_t *objects, const struct schema_table *type)
{
    json_t *result = json_array();
    json_t *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        json_t *copy = json_pack("{s:s}", "type", type->plural);

        json_object_update_missing(copy, object);
        json_array_append_new(result, copy);
    }
    return result;
}

struct ctl_table *
ctl_get_table(const struct ctl *ctl, const struct schema_table *type,
              struct ctl_column **columns)
{
    struct ctl_table *table;

    *columns = (ctl->output == CTL_CUSTOM ? NULL
                : ctl_type_columns(type, ctl->output == CTL_WIDE));
    table = ctl_table_create(*columns ? *columns : ctl->custom->columns);
    if (ctl->output == CTL_TABLE) {
        ctl_table_cut_cells(table);
    }
    if (ctl->no_headers) {
        ctl_table_omit_headings(table);
    }
    return table;
}

void
ctl_get_table_add(const struct ctl *ctl, struct ctl_table *table,
                  const json_t *typed)
{
    if (ctl->output == CTL_CUSTOM) {
        json_t *row = ctl_custom_row(ctl->custom, typed);

        ctl_table_add(table, row);
        json_decref(row);
    } else {
        ctl_table_add(table, typed);
    }
}

/* Returns a copy of 'typed' whose name is "TYPE/NAME". */
static json_t *
with_full_name(const json_t *typed)
{
    json_t *copy = json_copy(CONST_CAST(json_t *, typed));
    const char *type = json_string_value(json_object_get(typed, "type"));
    const char *name = json_string_value(json_object_get(typed, "name"));

    json_object_set_new(copy, "name", json_sprintf("%s/%s", type,
                                                   name ? name : "?"));
    return copy;
}

/* Says why there is a "?" in a table of hosts. */
static void
note_hosts(struct ctl *ctl, const struct ctl_found *found,
           const json_t *hosts)
{
    const json_t *host;
    size_t i;

    if (found->type->id != VMN_TABLE_HOST || ctl->no_headers) {
        return;
    }
    json_array_foreach (hosts, i, host) {
        if (ctl_host_is_to_hold(host)) {
            fputs("\nFLOWS: \"?\" where a host has not installed all that it "
                  "is to hold.\n", ctl->out);
            break;
        }
    }
}

/* Shows a table of each type; where several were asked for, names are
 * TYPE/NAME. */
static void
show_tables(struct ctl *ctl, const struct ctl_found *found, size_t n,
            json_t *const typed[])
{
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        struct ctl_column *columns;
        struct ctl_table *table;
        json_t *object;
        size_t j;

        if (!json_array_size(typed[i])) {
            continue;
        }
        table = ctl_get_table(ctl, found[i].type, &columns);
        json_array_foreach (typed[i], j, object) {
            json_t *row = n > 1 ? with_full_name(object) : json_incref(object);

            ctl_table_add(table, row);
            json_decref(row);
        }
        fputs(any && !ctl->no_headers ? "\n" : "", ctl->out);
        any = true;
        ctl_table_print(table, ctl->out);
        ctl_table_destroy(table);
        free(columns);
        note_hosts(ctl, &found[i], typed[i]);
    }
    if (!any) {
        fprintf(ctl->err, "no %s\n", n > 1 ? "objects"
                : found[0].type->plural);
    }
}

/* Formats.  --------------------------------------------------------------- */

/* Shows one table of what --output=custom-columns names, of all types. */
static void
show_custom(struct ctl *ctl, const struct ctl_found *found,
            const json_t *all)
{
    struct ctl_column *columns;
    struct ctl_table *table = ctl_get_table(ctl, found[0].type, &columns);
    const json_t *object;
    size_t i;

    json_array_foreach (all, i, object) {
        ctl_get_table_add(ctl, table, object);
    }
    ctl_table_print(table, ctl->out);
    ctl_table_destroy(table);
    free(columns);
}

static void
show_json(struct ctl *ctl, json_t *all, bool one)
{
    if (one) {
        ctl_show_json(ctl->out, json_array_get(all, 0));
    } else {
        json_t *list = json_pack("{s:O}", "items", all);

        ctl_show_json(ctl->out, list);
        json_decref(list);
    }
}

static void
show_yaml(struct ctl *ctl, const json_t *all)
{
    const json_t *object;
    size_t i;

    json_array_foreach (all, i, object) {
        fputs(i ? "---\n" : "", ctl->out);
        ctl_show_yaml(ctl->out, object, "");
    }
}

/* Shows names; those of several types are TYPE/NAME. */
static void
show_names(struct ctl *ctl, const json_t *all, bool full)
{
    const json_t *object;
    size_t i;

    json_array_foreach (all, i, object) {
        json_t *shown = full ? with_full_name(object) : NULL;

        ctl_show_name(ctl->out, shown ? shown : object);
        json_decref(shown);
    }
}

void
ctl_show_found(struct ctl *ctl, const struct ctl_found *found, size_t n,
               bool one)
{
    json_t **typed = xcalloc(MAX(n, 1), sizeof *typed);
    json_t *all = json_array();

    for (size_t i = 0; i < n; i++) {
        typed[i] = ctl_with_types(found[i].objects, found[i].type);
        json_array_extend(all, typed[i]);
    }
    switch (ctl->output) {
    case CTL_JSON:
        show_json(ctl, all, one);
        break;
    case CTL_YAML:
        show_yaml(ctl, all);
        break;
    case CTL_NAME:
        show_names(ctl, all, n > 1);
        break;
    case CTL_CUSTOM:
        show_custom(ctl, found, all);
        break;
    case CTL_TABLE:
    case CTL_WIDE:
    default:
        show_tables(ctl, found, n, typed);
        break;
    }
    for (size_t i = 0; i < n; i++) {
        json_decref(typed[i]);
    }
    free(typed);
    json_decref(all);
}
