/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl history: what became of an object, change by change. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-args.h"
#include "controller/ctl/object-history.h"
#include "controller/ctl/output-diff.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/output.h"
#include "controller/ctl/port-moves.h"
#include "controller/schema/schema-origin.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static json_int_t
revision_of(const json_t *entry)
{
    return json_integer_value(json_object_get(entry, "revision"));
}

/* Merges 'moves' into 'found', each newest first and each revision once, and
 * leaves the newest 'limit'. */
static void
merge_moves(json_t *found, json_t *moves, size_t limit)
{
    size_t i = 0;

    while (json_array_size(moves)) {
        json_t *move = json_array_get(moves, 0);

        while (i < json_array_size(found)
               && revision_of(json_array_get(found, i))
                  > revision_of(move)) {
            i++;
        }
        if (i >= json_array_size(found)
            || revision_of(json_array_get(found, i)) != revision_of(move)) {
            json_array_insert(found, i, move);
        }
        json_array_remove(moves, 0);
    }
    while (json_array_size(found) > limit) {
        json_array_remove(found, json_array_size(found) - 1);
    }
}

/* Adds where the port was. */
static enum ctl_exit
get_moves(struct ctl *ctl, const char *port, size_t limit, json_t *found)
{
    json_t *moves = json_array();
    enum ctl_exit status = ctl_history_get(ctl,
                                           schema_tables[VMN_TABLE_BINDING],
                                           port, limit, false, false, moves,
                                           NULL);

    if (!status) {
        merge_moves(found, moves, limit);
    }
    json_decref(moves);
    return status;
}

static bool
is_object(const json_t *object, const char *type, const char *name)
{
    const char *its_type = json_string_value(json_object_get(object, "type"));
    const char *its_name = json_string_value(json_object_get(object, "name"));

    return (its_type && its_name && !strcmp(its_type, type)
            && !strcmp(its_name, name));
}

/* Appends what an entry says of where the port was, and who says so. */
static void
put_move(const json_t *entry, const json_t *change, const char *name,
         struct ds *ds)
{
    const char *who = json_string_value(json_object_get(entry, "who"));
    size_t length = ds->length;

    if (!is_object(change, schema_tables[VMN_TABLE_BINDING]->plural, name)) {
        return;
    }
    ctl_put_move(change, "  ", ds);
    if (ds->length == length) {             /* Of an older vmnd's log. */
        ds_put_cstr(ds, "  binding: ");
        ctl_path_print(change, "/op", ds);
    } else if (who && schema_origin_host(who)) {
        ds_put_format(ds, ", as the switch of %s reports",
                      schema_origin_host(who));
    }
}

/* Appends what an undo takes back, and which restore has taken the entry
 * back. */
static void
put_mark(const json_t *entry, struct ds *ds)
{
    const json_t *undoes = json_object_get(entry, "undoes");

    if (undoes) {
        ds_put_format(ds, "  (undo of %"JSON_INTEGER_FORMAT")",
                      json_integer_value(undoes));
    }
    if (json_object_get(entry, "draft")) {
        ds_put_cstr(ds, "  (draft ");
        ctl_path_print(entry, "/draft", ds);
        ds_put_char(ds, ')');
    }
    if (json_object_get(entry, "restored_over")) {
        ds_put_cstr(ds, "  (");
        ctl_put_taken_back(entry, ds);
        ds_put_char(ds, ')');
    }
}

/* Shows one entry: a line, and the fields. */
static void
show_entry(struct ctl *ctl, const json_t *entry, const char *type,
           const char *name)
{
    bool of_port = !strcmp(type, schema_tables[VMN_TABLE_PORT]->plural);
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *object;
    size_t i;

    ctl_path_print(entry, "/revision", &ds);
    ds_put_cstr(&ds, "  ");
    ctl_path_print(entry, "/time", &ds);
    ds_put_cstr(&ds, "  ");
    ctl_path_print(entry, "/who", &ds);
    json_array_foreach (json_object_get(entry, "changes"), i, object) {
        if (is_object(object, type, name)) {
            ds_put_cstr(&ds, "  ");
            ctl_path_print(object, "/op", &ds);
            ctl_put_effect(object, &ds);
        } else if (of_port) {
            put_move(entry, object, name, &ds);
        }
    }
    put_mark(entry, &ds);
    if (json_object_get(entry, "comment")) {
        ds_put_cstr(&ds, "\n  ");
        ctl_path_print(entry, "/comment", &ds);
    }
    ds_put_char(&ds, '\n');
    ctl_print_safely(ctl->out, ds_cstr(&ds));
    json_array_foreach (json_object_get(entry, "contents"), i, object) {
        ctl_print_diff(ctl, object);
    }
    ds_destroy(&ds);
}

/* Shows the entries, of which the newest is the first in 'found', the newest
 * last.  'own_only' is whether there may be others that the server does not
 * list for this account. */
static void
show_history(struct ctl *ctl, const json_t *found, const char *type,
             const char *name, bool own_only)
{
    json_t *items = json_array();
    json_t *json = json_pack("{s:o}", "items", items);
    json_t *entry;
    size_t i;

    for (i = json_array_size(found); i-- > 0; ) {
        json_array_append(items, json_array_get(found, i));
    }
    if (!ctl_show_raw(ctl, json)) {
        ctl_name_authors(ctl, items);
        json_array_foreach (items, i, entry) {
            show_entry(ctl, entry, type, name);
        }
        if (!json_array_size(items)) {
            fprintf(ctl->out, "the log has no change of %s/%s%s\n", type,
                    name, own_only ? " by this account" : "");
        }
        if (own_only) {
            fputs(CTL_OWN_CHANGES_ONLY, ctl->out);
        }
    }
    json_decref(json);
}

enum ctl_exit
ctl_cmd_history(struct ctl *ctl, int n_args, char *const args[])
{
    const char *name;
    const struct schema_table *table
        = (n_args == 2 ? ctl_args_one(ctl, "history", n_args, args, &name)
           : ctl_history_parse(ctl, args[0], &name));
    size_t limit = ctl->limit ? ctl->limit : 20;
    bool own_only = false;
    json_t *found;
    enum ctl_exit status;

    if (!table) {
        return CTL_USAGE;
    }
    found = json_array();
    status = ctl_history_get(ctl, table, name, limit, true, false, found,
                             &own_only);
    if (!status && table->id == VMN_TABLE_PORT) {
        status = get_moves(ctl, name, limit, found);
    }
    if (!status) {
        show_history(ctl, found, table->plural, name, own_only);
    }
    json_decref(found);
    return status;
}
