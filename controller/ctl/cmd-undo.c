/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl undo: takes a change back.  vmnctl history: what became of an object,
 * change by change. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-args.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/output-diff.h"
#include "controller/ctl/output-plan.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/output.h"
#include "controller/ctl/port-moves.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Splits TYPE/NAME; 'name' points into it.  NULL after it has said what is
 * wrong. */
static const struct schema_table *
parse_object(struct ctl *ctl, const char *arg, const char **name)
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

/* Entries to request at once. */
#define HISTORY_PAGE 100

/* Appends to 'found' the newest 'limit' entries of the log that name the
 * object, newest first; with 'contents', what became of it, too. */
static enum ctl_exit
get_history(struct ctl *ctl, const struct schema_table *table,
            const char *name, size_t limit, bool contents, json_t *found)
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
        for (size_t i = json_array_size(items);
             i-- > 0 && json_array_size(found) < limit; ) {
            json_array_append(found, json_array_get(items, i));
        }
        before = nullable_xstrdup(json_string_value(
            json_object_get(reply.body, "next")));
        ctl_reply_uninit(&reply);
    } while (before && json_array_size(found) < limit);
    free(before);
    return status;
}

/* history.  -------------------------------------------------------------- */

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
    enum ctl_exit status = get_history(ctl, schema_tables[VMN_TABLE_BINDING],
                                       port, limit, false, moves);

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
    } else if (who && !strncmp(who, "host:", 5)) {
        ds_put_format(ds, ", as the switch of %s reports", who + 5);
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
        ctl_print_fields(ctl, object);
    }
    ds_destroy(&ds);
}

/* Shows the entries, of which the newest is the first in 'found', the newest
 * last. */
static void
show_history(struct ctl *ctl, const json_t *found, const char *type,
             const char *name)
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
            fputs("the log names no change of it\n", ctl->out);
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
           : parse_object(ctl, args[0], &name));
    size_t limit = ctl->limit ? ctl->limit : 20;
    json_t *found;
    enum ctl_exit status;

    if (!table) {
        return CTL_USAGE;
    }
    found = json_array();
    status = get_history(ctl, table, name, limit, true, found);
    if (!status && table->id == VMN_TABLE_PORT) {
        status = get_moves(ctl, name, limit, found);
    }
    if (!status) {
        show_history(ctl, found, table->plural, name);
    }
    json_decref(found);
    return status;
}

/* undo.  ----------------------------------------------------------------- */

/* Sends the request for a plan, or the change itself. */
static enum ctl_exit
post_undo(struct ctl *ctl, const char *revision,
          const struct schema_table *table, const char *name, bool plan,
          struct ctl_reply *reply)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, "revisions", revision);
    ds_put_cstr(&path, "/undo");
    if (table) {
        ctl_append_query(&path, "type", table->plural);
        ctl_append_query(&path, "name", name);
    }
    if (ctl->force) {
        ctl_append_query(&path, "force", "true");
    }
    if (plan) {
        ctl_append_query(&path, "dry_run", "plan");
    } else {
        ctl_append_wait(ctl, &path);
    }
    status = ctl_call(ctl, "POST", ds_cstr(&path), NULL, NULL, reply);
    ds_destroy(&path);
    return status;
}

/* Shows the plan, and then has it done unless that is all. */
static enum ctl_exit
undo(struct ctl *ctl, const char *revision, const struct schema_table *table,
     const char *name)
{
    struct ctl_reply reply;
    enum ctl_exit status;
    bool changes;

    status = post_undo(ctl, revision, table, name, true, &reply);
    if (status) {
        return status;
    }
    ctl_plan_show(ctl, reply.body);
    changes = ctl_plan_changes(reply.body);
    ctl_reply_uninit(&reply);
    if (ctl->dry_run || !changes) {
        return CTL_DONE;
    }
    status = post_undo(ctl, revision, table, name, false, &reply);
    if (!status) {
        fputc('\n', ctl->out);
        ctl_print_outcomes(ctl, json_object_get(reply.body, "results"));
        ctl_print_also_changed(ctl, reply.body);
        ctl_print_warnings(ctl, reply.body);
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Undoes the revision of 'entry', of one object or of all. */
static enum ctl_exit
undo_entry(struct ctl *ctl, const json_t *entry,
           const struct schema_table *table, const char *name)
{
    char *revision = xasprintf("%"JSON_INTEGER_FORMAT, json_integer_value(
        json_object_get(entry, "revision")));
    enum ctl_exit status = undo(ctl, revision, table, name);

    free(revision);
    return status;
}

/* Undoes the newest revision of a user, and says which that is. */
static enum ctl_exit
undo_latest(struct ctl *ctl)
{
    json_t *entry;
    enum ctl_exit status = ctl_get_latest_by_users(ctl, &entry);

    if (!status) {
        const char *who = json_string_value(json_object_get(entry, "who"));
        char *name = ctl_author_name(ctl, who ? who : "");
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_format(&ds, "revision %"JSON_INTEGER_FORMAT" by %s:\n\n",
                      json_integer_value(json_object_get(entry, "revision")),
                      name);
        ctl_print_safely(ctl->out, ds_cstr(&ds));
        status = undo_entry(ctl, entry, NULL, NULL);
        ds_destroy(&ds);
        free(name);
    }
    json_decref(entry);
    return status;
}

/* Undoes the last change of an object. */
static enum ctl_exit
undo_object(struct ctl *ctl, const char *arg)
{
    const char *name = NULL;
    const struct schema_table *table = parse_object(ctl, arg, &name);
    enum ctl_exit status;
    json_t *found;

    if (!table) {
        return CTL_USAGE;
    }
    found = json_array();
    status = get_history(ctl, table, name, 1, false, found);
    if (!status && !json_array_size(found)) {
        fputs("vmnctl: the log names no change of it\n", ctl->err);
        status = CTL_REFUSED;
    }
    if (!status) {
        status = undo_entry(ctl, json_array_get(found, 0), table, name);
    }
    json_decref(found);
    return status;
}

enum ctl_exit
ctl_cmd_undo(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    if (args[0][strspn(args[0], "0123456789")] == '\0') {
        return undo(ctl, args[0], NULL, NULL);
    }
    if (!strcmp(args[0], "latest")) {
        return undo_latest(ctl);
    }
    if (!strchr(args[0], '/')) {
        return ctl_usage(ctl, "undo: must be a revision (vmnctl revisions "
                         "lists them), \"latest\" or TYPE/NAME, such as "
                         "ports/%s, not \"%s\"", *args[0] ? args[0] : "web-1",
                         args[0]);
    }
    return undo_object(ctl, args[0]);
}
