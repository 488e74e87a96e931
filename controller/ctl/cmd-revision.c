/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl revision: one change, and the hosts on which it is installed.  vmnctl
 * wait: until it is.  vmnctl revisions: the log of changes. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-args.h"
#include "controller/ctl/object-history.h"
#include "controller/ctl/wait-drained.h"
#include "controller/ctl/output-diff.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/output.h"
#include "controller/ctl/port-moves.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "util.h"

static const struct ctl_column host_columns[] = {
    { "HOST", "/host", NULL },
    { "STATE", "/state", NULL },
    { "TIME", "/time", NULL },
    { "REASON", "/reason", NULL },
    { NULL, NULL, NULL },
};
static const struct ctl_column flow_count_columns[] = {
    { "APP", "/app", NULL },
    { "ADDED", "/added", NULL },
    { "CHANGED", "/changed", NULL },
    { "REMOVED", "/removed", NULL },
    { NULL, NULL, NULL },
};

/* Prints "apply 0.03, compile 0.09, ... ms". */
static void
show_duration(struct ctl *ctl, const json_t *us)
{
    static const char *const steps[] = { "apply", "compile", "store", "send",
                                         "installed" };
    const char *separator = "Took:        ";

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        if (json_object_get(us, steps[i])) {
            json_int_t step_us = json_integer_value(
                json_object_get(us, steps[i]));

            fprintf(ctl->out, "%s%s %.2f", separator, steps[i],
                    step_us / 1000.0);
            separator = ", ";
        }
    }
    if (*separator == ',') {
        fputs(" ms\n", ctl->out);
    }
}

static void
show_author(struct ctl *ctl, const json_t *revision)
{
    const char *who = json_string_value(json_object_get(revision, "who"));
    char *name = who ? ctl_author_name(ctl, who) : NULL;
    json_t *shown = json_pack("{s:s?}", "who", name);

    ctl_show_field_or_dash(ctl->out, "Who", shown, "/who");
    json_decref(shown);
    free(name);
}

/* Objects whose fields are shown without --diff. */
#define SHORT_OBJECTS 10
/* Revisions that are listed where no --limit is given. */
#define REVISIONS_DEFAULT 20

/* Shows what became of each object; without --diff, of the first ones. */
static void
show_contents(struct ctl *ctl, const json_t *revision)
{
    const json_t *contents = json_object_get(revision, "contents");
    json_int_t left_out = json_integer_value(json_object_get(revision,
                                                             "left_out"));
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *object;
    size_t n_shown = 0;
    size_t i;

    if (!contents && ctl->diff) {
        fputs("\nnothing is kept of what it changed\n", ctl->out);
    }
    json_array_foreach (contents, i, object) {
        if (!ctl->diff && !json_array_size(json_object_get(object,
                                                           "fields"))) {
            continue;
        }
        if (!ctl->diff && n_shown++ == SHORT_OBJECTS) {
            fputs("\nand more objects: see --diff\n", ctl->out);
            break;
        }
        ds_clear(&ds);
        ds_put_char(&ds, '\n');
        ctl_path_print(object, "/type", &ds);
        ds_put_char(&ds, '/');
        ctl_path_print(object, "/name", &ds);
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->out, ds_cstr(&ds));
        ctl_print_diff(ctl, object);
    }
    if (left_out && ctl->diff) {
        fprintf(ctl->out, "\nof %"JSON_INTEGER_FORMAT" objects nothing is "
                "kept\n", left_out);
    }
    ds_destroy(&ds);
}

/* Says what a receipt does not tell, and that this is not known. */
static void
show_lacks(struct ctl *ctl, const json_t *receipt)
{
    if (json_is_false(json_object_get(receipt, "recorded"))) {
        fputs("\nIts receipt was not recorded: these are all hosts as they "
              "are now, and which\nflows it changed is not known.\n",
              ctl->out);
    } else if (json_is_array(json_object_get(receipt, "hosts"))
               && !json_array_size(json_object_get(receipt, "hosts"))) {
        fputs("\nIt concerns no host's flows.\n", ctl->out);
    }
}

bool
ctl_put_taken_back(const json_t *revision, struct ds *ds)
{
    json_int_t by = json_integer_value(json_object_get(revision,
                                                       "restored_over"));

    if (by) {
        ds_put_format(ds, "taken back by %"JSON_INTEGER_FORMAT, by);
    }
    return by;
}

/* "3 of 3", "concerns no host's flows", "taken back by 6" (the restore of a
 * backup), or nothing if that is not known. */
static void
print_progress(const json_t *revision, struct ds *ds)
{
    const json_t *hosts = json_object_get(revision, "hosts");
    json_int_t concerned = json_integer_value(json_object_get(hosts,
                                                              "concerned"));

    if (ctl_put_taken_back(revision, ds)) {
        return;
    }
    if (concerned) {
        ctl_path_print(hosts, "/confirmed", ds);
        ds_put_format(ds, " of %"JSON_INTEGER_FORMAT, concerned);
    } else if (hosts) {
        ctl_append_installed(ds, 0);
    }
}

/* Appends the query of 'limit' entries, before revision 'before' or NULL. */
static void
put_query(const struct ctl *ctl, size_t limit, const char *before,
          struct ds *path)
{
    const struct schema_table *table = ctl->type ? schema_find_table(ctl->type)
                                                 : NULL;
    char *text = xasprintf("%"PRIuSIZE, limit);

    ctl_append_path(path, "revisions", NULL);
    ctl_append_query(path, "limit", text);
    free(text);
    if (ctl->type) {
        ctl_append_query(path, "type", table ? table->plural : ctl->type);
    }
    if (ctl->name) {
        ctl_append_query(path, "name", ctl->name);
    }
    if (ctl->who) {
        ctl_append_query(path, "who", ctl->who);
    }
    if (ctl->users) {
        ctl_append_query(path, "users", "true");
    }
    if (ctl->since) {
        ctl_append_query(path, "since", ctl->since);
    }
    if (before) {
        ctl_append_query(path, "before", before);
    }
}

/* Replaces "items" of 'body', a later page, by those before followed by
 * these. */
static void
put_in_front(json_t *body, const json_t *items)
{
    json_t *all = json_copy(CONST_CAST(json_t *, items));

    json_array_extend(all, json_object_get(body, "items"));
    json_object_set_new(body, "items", all);
}

/* Gets the newest 'limit' entries, page by page where the log is filtered. */
static enum ctl_exit
get_revisions(struct ctl *ctl, size_t limit, struct ctl_reply *reply)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    put_query(ctl, limit, NULL, &path);
    status = ctl_get(ctl, ds_cstr(&path), reply);
    while (!status) {
        size_t n = json_array_size(json_object_get(reply->body, "items"));
        const char *next = json_string_value(json_object_get(reply->body,
                                                             "next"));
        struct ctl_reply page;

        if (!next || n >= limit) {
            break;
        }
        ds_clear(&path);
        put_query(ctl, limit - n, next, &path);
        status = ctl_get(ctl, ds_cstr(&path), &page);
        if (status) {
            ctl_reply_uninit(reply);
            break;
        }
        put_in_front(reply->body, json_object_get(page.body, "items"));
        json_object_del(reply->body, "next");
        if (json_object_get(page.body, "next")) {
            json_object_set(reply->body, "next",
                            json_object_get(page.body, "next"));
        }
        ctl_reply_uninit(&page);
    }
    ds_destroy(&path);
    return status;
}

/* An undo may be of some objects of that revision alone: the changes say of
 * which. */
static void
show_undoes(struct ctl *ctl, const json_t *revision)
{
    json_int_t undoes = json_integer_value(json_object_get(revision,
                                                           "undoes"));

    if (undoes) {
        fprintf(ctl->out, "Undoes:      changes in %"JSON_INTEGER_FORMAT"\n",
                undoes);
    }
}

/* Names the draft that it applied, and who created that. */
static void
show_draft(struct ctl *ctl, const json_t *revision)
{
    const char *draft = json_string_value(json_object_get(revision, "draft"));
    const char *author = json_string_value(json_object_get(revision,
                                                           "draft_author"));

    if (draft) {
        char *name = ctl_author_name(ctl, author ? author : "?");
        char *line = xasprintf("Draft:       %s, by %s\n", draft, name);

        ctl_print_safely(ctl->out, line);
        free(line);
        free(name);
    }
}

/* Says which restore has taken the revision back, if one has. */
static void
show_taken_back(struct ctl *ctl, const json_t *revision)
{
    json_int_t by = json_integer_value(json_object_get(revision,
                                                       "restored_over"));

    if (by) {
        fprintf(ctl->out, "Taken back:  by revision %"JSON_INTEGER_FORMAT", "
                "the restore of a backup from before it: no host has it\n",
                by);
    }
}

/* Returns true if the account is not shown the changes of others. */
static bool
is_own_only(const struct ctl_reply *reply)
{
    return json_is_true(json_object_get(reply->body, "own_only"));
}

enum ctl_exit
ctl_get_latest_by_users(struct ctl *ctl, json_t **revision)
{
    struct ctl_reply reply;
    enum ctl_exit status;

    *revision = NULL;
    ctl->users = true;
    status = get_revisions(ctl, 1, &reply);
    if (!status) {
        const json_t *items = json_object_get(reply.body, "items");

        *revision = json_incref(json_array_get(items, 0));
        if (!*revision) {
            fputs(is_own_only(&reply)
                  ? "vmnctl: this account has changed nothing yet\n"
                  : "vmnctl: no user has changed anything yet\n", ctl->err);
            status = CTL_REFUSED;
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Appends the path of revision 'name': a number, or "latest". */
static enum ctl_exit
put_path(struct ctl *ctl, const char *name, struct ds *path)
{
    enum ctl_exit status = CTL_DONE;
    struct ctl_reply reply;
    char *number;

    if (strcmp(name, "latest")) {
        ctl_append_path(path, "revisions", name);
        return CTL_DONE;
    }
    /* Of an account with a scope the first page may have none. */
    status = get_revisions(ctl, 1, &reply);
    if (!status) {
        const json_t *newest = json_array_get(
            json_object_get(reply.body, "items"), 0);

        if (newest) {
            number = xasprintf("%"JSON_INTEGER_FORMAT, json_integer_value(
                json_object_get(newest, "revision")));
            ctl_append_path(path, "revisions", number);
            free(number);
        } else {
            fputs(is_own_only(&reply)
                  ? "vmnctl: this account has changed nothing yet\n"
                  : "vmnctl: nothing was changed yet\n", ctl->err);
            status = CTL_REFUSED;
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Waits until the revision is installed. */
static enum ctl_exit
wait_installed(struct ctl *ctl, const char *revision)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status = put_path(ctl, revision, &path);
    struct ctl_reply reply;

    if (!status) {
        ctl_append_wait(ctl, &path);
        status = ctl_get(ctl, ds_cstr(&path), &reply);
    }
    ds_destroy(&path);
    if (!status) {
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* How long anything but a drain is waited for at most. */
#define INSTALL_MAX_MS (300 * 1000)

enum ctl_exit
ctl_cmd_wait(struct ctl *ctl, int n_args, char *const args[])
{
    const struct schema_table *type;
    const char *name = args[0];
    bool of_host = false;

    if (!ctl->drained) {
        if (ctl->backends.n || n_args > 1 || strchr(args[0], '/')) {
            return ctl_usage(ctl, "wait: a revision is installed (vmnctl wait "
                             "N); of an object, --for drained of a balancer "
                             "or a host is waited for: vmnctl wait "
                             "loadbalancers/NAME --for drained");
        }
        if (ctl->timeout_ms > INSTALL_MAX_MS) {
            return ctl_usage(ctl, "--timeout: must be at most 5m, unless with "
                             "--for drained");
        }
        return wait_installed(ctl, args[0]);
    }
    if (n_args > 1 || strchr(args[0], '/')) {
        type = ctl_args_one(ctl, "wait", n_args, args, &name);
        if (!type || (type->id != VMN_TABLE_LOADBALANCER
                      && type->id != VMN_TABLE_HOST)) {
            return (!type ? CTL_USAGE
                    : ctl_usage(ctl, "wait: hosts and backends of "
                                "loadbalancers are drained, not %s",
                                type->plural));
        }
        of_host = type->id == VMN_TABLE_HOST;
    }
    if (of_host && ctl->backends.n) {
        return ctl_usage(ctl, "--backend is of loadbalancers");
    }
    return (of_host ? ctl_wait_host_drained(ctl, name)
            : ctl_wait_drained(ctl, name));
}

enum ctl_exit
ctl_cmd_revision(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status = put_path(ctl, args[0], &path);
    struct ctl_reply reply;

    if (status) {
        ds_destroy(&path);
        return status;
    }
    if (ctl->diff || ctl->output == CTL_TABLE) {
        ctl_append_query(&path, "contents", "true");
    }
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (status) {
        return status;
    }
    if (!ctl_show_raw(ctl, reply.body)) {
        const json_t *receipt = json_object_get(reply.body, "receipt");

        ctl_show_field(ctl->out, "Revision", reply.body, "/revision");
        ctl_show_field_or_dash(ctl->out, "Time", reply.body, "/time");
        show_author(ctl, reply.body);
        ctl_show_field(ctl->out, "Comment", reply.body, "/comment");
        show_undoes(ctl, reply.body);
        show_draft(ctl, reply.body);
        show_taken_back(ctl, reply.body);
        ctl_show_field(ctl->out, "Installed", receipt, "/installed");
        show_duration(ctl, json_object_get(reply.body, "duration_us"));
        ctl_show_nonempty_table(ctl->out, ctl_object_columns,
                                json_object_get(reply.body, "changes"));
        show_contents(ctl, reply.body);
        ctl_show_nonempty_table(ctl->out, host_columns,
                                json_object_get(receipt, "hosts"));
        show_lacks(ctl, receipt);
        ctl_show_nonempty_table(ctl->out, flow_count_columns,
                                json_object_get(receipt, "flows"));
    }
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}

/* Returns how many objects a revision has changed: it may list fewer. */
static json_int_t
count_changes(const json_t *changes)
{
    size_t n = json_array_size(changes);
    const json_t *more = n ? json_object_get(json_array_get(changes, n - 1),
                                             "more") : NULL;

    return n - (more != NULL) + json_integer_value(more);
}

/* Prints "put ports/web-1, delete ports/web-2 and 3 more", of an undo behind
 * "undo of changes in 41: ": it may be of some of these alone. */
static void
print_changes(const json_t *revision, struct ds *ds)
{
    const json_t *changes = json_object_get(revision, "changes");
    const json_t *undoes = json_object_get(revision, "undoes");
    const json_t *change;
    size_t i;

    if (json_object_get(revision, "draft")) {
        ds_put_cstr(ds, "draft ");
        ctl_path_print(revision, "/draft", ds);
        ds_put_cstr(ds, ": ");
    }
    if (undoes) {
        ds_put_format(ds, "undo of changes in %"JSON_INTEGER_FORMAT": ",
                      json_integer_value(undoes));
    }
    json_array_foreach (changes, i, change) {
        if ((i == 2 && count_changes(changes) > 3)
            || json_object_get(change, "more")) {
            ds_put_format(ds, " and %"JSON_INTEGER_FORMAT" more",
                          count_changes(changes) - (json_int_t) i);
            break;
        }
        ds_put_cstr(ds, i ? ", " : "");
        ctl_path_print(change, "/op", ds);
        ds_put_char(ds, ' ');
        ctl_path_print(change, "/type", ds);
        ds_put_char(ds, '/');
        ctl_path_print(change, "/name", ds);
        ctl_put_move(change, " ", ds);
        ctl_put_effect(change, ds);
    }
}

#define REVISION_COLUMNS                        \
    { "REVISION", "/revision", NULL },          \
    { "TIME", "/time", NULL },                  \
    { "WHO", "/who", NULL },                    \
    { "INSTALLED", NULL, print_progress },      \
    { "CHANGES", NULL, print_changes }

static const struct ctl_column revision_columns[] = {
    REVISION_COLUMNS, { NULL, NULL, NULL },
};
static const struct ctl_column commented_columns[] = {
    REVISION_COLUMNS, { "COMMENT", "/comment", NULL }, { NULL, NULL, NULL },
};

/* Returns the columns for 'items': with comments if there are any. */
static const struct ctl_column *
columns_for(const json_t *items)
{
    const json_t *item;
    size_t i;

    json_array_foreach (items, i, item) {
        if (json_object_get(item, "comment")) {
            return commented_columns;
        }
    }
    return revision_columns;
}

/* Returns true if the change is of --type and --name, as far as they are
 * given. */
static bool
is_asked(const struct ctl *ctl, const json_t *change)
{
    const struct schema_table *table = ctl->type ? schema_find_table(ctl->type)
                                                 : NULL;
    const char *wanted = table ? table->plural : ctl->type;
    const char *type = json_string_value(json_object_get(change, "type"));
    const char *name = json_string_value(json_object_get(change, "name"));

    return (type && name && (!wanted || !strcmp(type, wanted))
            && (!ctl->name || !strcmp(name, ctl->name)));
}

/* Puts the changes of each item that are of --type and --name first: those are
 * shown. */
static void
put_asked_first(const struct ctl *ctl, json_t *items)
{
    json_t *item;
    size_t i, j;

    json_array_foreach (items, i, item) {
        json_t *changes = json_object_get(item, "changes"), *change;
        json_t *asked = json_array(), *others = json_array();

        json_array_foreach (changes, j, change) {
            json_array_append(is_asked(ctl, change) ? asked : others, change);
        }
        json_array_extend(asked, others);
        json_object_set_new(item, "changes", asked);
        json_decref(others);
    }
}

void
ctl_show_revisions(struct ctl *ctl, json_t *items)
{
    if (ctl->type || ctl->name) {
        put_asked_first(ctl, items);
    }
    ctl_name_authors(ctl, items);
    ctl_show_table(ctl->out, columns_for(items), items);
}

static bool
is_empty(const struct ctl_reply *reply)
{
    return !json_array_size(json_object_get(reply->body, "items"));
}

/* Replaces an empty 'reply' by that for the first author of --who's name that
 * the log has entries of, if there is one. */
static enum ctl_exit
try_authors(struct ctl *ctl, size_t limit, struct ctl_reply *reply)
{
    struct svec authors = SVEC_EMPTY_INITIALIZER;
    enum ctl_exit status = CTL_DONE;
    char *who = ctl->who;

    ctl_find_authors(ctl, who, &authors);
    for (size_t i = 0; i < authors.n && !status && is_empty(reply); i++) {
        ctl_reply_uninit(reply);
        ctl->who = authors.names[i];
        status = get_revisions(ctl, limit, reply);
    }
    ctl->who = who;
    svec_destroy(&authors);
    return status;
}

/* Gets the newest entries by --who as people say it.  It is an error that
 * there is nobody of that name, neither now nor in the log. */
static enum ctl_exit
get_by_author(struct ctl *ctl, size_t limit, struct ctl_reply *reply)
{
    char *type = ctl->type, *name = ctl->name, *since = ctl->since;
    bool users = ctl->users, known;
    enum ctl_exit status;
    struct ctl_reply any;

    status = get_revisions(ctl, limit, reply);
    if (!status && is_empty(reply)) {
        status = try_authors(ctl, limit, reply);
    }
    if (status || !is_empty(reply)) {
        return status;
    }
    /* Whatever else is asked for. */
    ctl->type = ctl->name = ctl->since = NULL;
    ctl->users = false;
    status = CTL_DONE;
    known = false;
    if (type || since || users) {
        status = get_revisions(ctl, 1, &any);
        if (!status && is_empty(&any)) {
            status = try_authors(ctl, 1, &any);
        }
        if (!status) {
            known = !is_empty(&any);
            ctl_reply_uninit(&any);
        }
    }
    ctl->type = type;
    ctl->name = name;
    ctl->since = since;
    ctl->users = users;
    status = status || known ? status : ctl_check_author(ctl, ctl->who);
    if (status) {
        ctl_reply_uninit(reply);
    }
    return status;
}

enum ctl_exit
ctl_cmd_revisions(struct ctl *ctl, int n_args OVS_UNUSED,
                  char *const args[] OVS_UNUSED)
{
    size_t limit = ctl->limit ? ctl->limit : REVISIONS_DEFAULT;
    struct ctl_reply reply;
    enum ctl_exit status;

    status = (ctl->who ? get_by_author : get_revisions)(ctl, limit, &reply);
    if (status) {
        return status;
    }
    if (!ctl_show_raw(ctl, reply.body)) {
        ctl_show_revisions(ctl, json_object_get(reply.body, "items"));
        if (!ctl->limit && json_object_get(reply.body, "next")) {
            fprintf(ctl->out, "\nOnly the newest %d are shown: --limit N "
                    "shows more.\n", REVISIONS_DEFAULT);
        }
        if (is_own_only(&reply)) {
            fputs(CTL_OWN_CHANGES_ONLY, ctl->out);
        }
    }
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}
