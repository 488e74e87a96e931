/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads an object's history; see object-history.h. */

#include <config.h>

#include "controller/ctl/object-history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Entries to request at once. */
#define HISTORY_PAGE 100

const struct schema_table *
ctl_history_parse(struct ctl *ctl, const char *arg, const char **name)
{
    size_t n = strcspn(arg, "/");
    const struct schema_table *table;
    char *type;

    if (!n || !arg[n] || !arg[n + 1]) {
        ctl_usage(ctl, "must be TYPE/NAME, such as ports/%s, not \"%s\"",
                  *arg && !arg[n] ? arg : "web-1", arg);
        return NULL;
    }
    type = xmemdup0(arg, n);
    table = ctl_get_type(ctl, type);
    free(type);
    *name = arg + n + 1;
    return table;
}

/* Returns true if the entry has a change of the object itself, rather than an
 * effect that another object's change had on it, or if it does not say. */
static bool
is_own(const json_t *entry, const struct schema_table *table,
       const char *name)
{
    bool has_effect = false;
    const json_t *change;
    size_t i;

    json_array_foreach (json_object_get(entry, "changes"), i, change) {
        const char *type = json_string_value(json_object_get(change, "type"));
        const char *other = json_string_value(json_object_get(change,
                                                              "name"));

        if (type && other && !strcmp(type, table->plural)
            && !strcmp(other, name)) {
            if (!json_object_get(change, "by")) {
                return true;
            }
            has_effect = true;
        }
    }
    return !has_effect;
}

enum ctl_exit
ctl_history_get(struct ctl *ctl, const struct schema_table *table,
                const char *name, size_t limit, bool contents, bool own,
                json_t *found, bool *own_only)
{
    char *before = NULL;
    enum ctl_exit status;

    do {
        struct ds path = DS_EMPTY_INITIALIZER;
        size_t n = MIN(limit - json_array_size(found), HISTORY_PAGE);
        char *n_text = xasprintf("%"PRIuSIZE, n);
        struct ctl_reply reply;
        const json_t *items;

        ctl_append_path(&path, "revisions", NULL);
        ctl_append_query(&path, "type", table->plural);
        ctl_append_query(&path, "name", name);
        if (contents) {
            ctl_append_query(&path, "contents", "true");
        }
        ctl_append_query(&path, "limit", n_text);
        free(n_text);
        if (before) {
            ctl_append_query(&path, "before", before);
        }
        free(before);
        before = NULL;
        status = ctl_get(ctl, ds_cstr(&path), &reply);
        ds_destroy(&path);
        if (status) {
            break;
        }
        items = json_object_get(reply.body, "items");
        if (own_only && json_is_true(json_object_get(reply.body,
                                                     "own_only"))) {
            *own_only = true;
        }
        for (size_t i = json_array_size(items);
             i-- > 0 && json_array_size(found) < limit; ) {
            if (!own || is_own(json_array_get(items, i), table, name)) {
                json_array_append(found, json_array_get(items, i));
            }
        }
        before = nullable_xstrdup(json_string_value(
            json_object_get(reply.body, "next")));
        ctl_reply_uninit(&reply);
    } while (before && json_array_size(found) < limit);
    free(before);
    return status;
}
