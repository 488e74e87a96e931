/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl sets: shows the sets of `apply --prune`, and what belongs to them.
 * An object's metadata says its set: all objects are read. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/server-types.h"
#include "controller/ctl/output.h"
#include "util.h"

/* Adds an object to what 'sets' has of its set, if it is in one. */
static void
add_object(json_t *sets, const char *type, const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *set = json_string_value(json_object_get(
        json_object_get(object, "metadata"), "set"));
    json_t *members;

    if (!name || !set) {
        return;
    }
    members = json_object_get(sets, set);
    if (!members) {
        members = json_array();
        json_object_set_new(sets, set, members);
    }
    json_array_append_new(members, json_pack("{s:s, s:s}", "type", type,
                                             "name", name));
}

/* Fills in {SET: [{"type", "name"}, ...]} of the objects that the account may
 * see. */
static enum ctl_exit
read_sets(struct ctl *ctl, json_t *sets)
{
    const struct schema_table *type;

    ctl_server_types_load();
    ctl->passes_over = true;
    for (size_t i = 0; (type = ctl_type_at(i)); i++) {
        json_t *objects = json_array();
        enum ctl_exit status = ctl_get_list(ctl, type->plural, objects);
        const json_t *object;
        size_t j;

        json_array_foreach (objects, j, object) {
            add_object(sets, type->plural, object);
        }
        json_decref(objects);
        if (status && (status != CTL_REFUSED || ctl->n_refused)) {
            return status;
        }
    }
    return CTL_DONE;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Returns [{"set", "n_objects", "objects"}, ...], by name. */
static json_t *
sorted_sets(json_t *sets)
{
    const char **names = xcalloc(MAX(json_object_size(sets), 1),
                                 sizeof *names);
    json_t *items = json_array(), *members;
    const char *name;
    size_t n = 0;

    json_object_foreach (sets, name, members) {
        names[n++] = name;
    }
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 0; i < n; i++) {
        members = json_object_get(sets, names[i]);
        json_array_append_new(items, json_pack(
            "{s:s, s:I, s:O}", "set", names[i], "n_objects",
            (json_int_t) json_array_size(members), "objects", members));
    }
    free(names);
    return items;
}

static const struct ctl_column set_columns[] = {
    { "SET", "/set", NULL },
    { "OBJECTS", "/n_objects", NULL },
    { NULL, NULL, NULL },
};

static const struct ctl_column member_columns[] = {
    { "TYPE", "/type", NULL },
    { "NAME", "/name", NULL },
    { NULL, NULL, NULL },
};

static void
show_sets(struct ctl *ctl, json_t *sets)
{
    json_t *items = sorted_sets(sets);
    json_t *all = json_pack("{s:O}", "items", items);

    if (ctl_show_raw(ctl, all)) {
        /* Done. */
    } else if (!json_array_size(items)) {
        fputs("no sets\n", ctl->err);
    } else {
        ctl_show_table(ctl->out, set_columns, items);
    }
    json_decref(all);
    json_decref(items);
}

/* Shows what belongs to one set. */
static enum ctl_exit
show_set(struct ctl *ctl, const json_t *sets, const char *name)
{
    json_t *members = json_object_get(sets, name);
    json_t *set;

    if (!members) {
        fprintf(ctl->err, "vmnctl: nothing belongs to a set \"%s\"\n", name);
        return CTL_REFUSED;
    }
    set = json_pack("{s:s, s:I, s:O}", "set", name, "n_objects",
                    (json_int_t) json_array_size(members), "objects",
                    members);
    if (!ctl_show_raw(ctl, set)) {
        ctl_show_table(ctl->out, member_columns, members);
    }
    json_decref(set);
    return CTL_DONE;
}

enum ctl_exit
ctl_cmd_sets(struct ctl *ctl, int n_args, char *const args[])
{
    json_t *sets = json_object();
    enum ctl_exit status = read_sets(ctl, sets);

    if (!status && n_args) {
        status = show_set(ctl, sets, args[0]);
    } else if (!status) {
        show_sets(ctl, sets);
    }
    json_decref(sets);
    return status;
}
