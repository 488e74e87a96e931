/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl draft: changes that are collected, reviewed and then made.
 * vmnctl rollback: a draft that takes a revision back. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/draft-changes.h"
#include "controller/ctl/object-args.h"
#include "controller/ctl/object-files.h"
#include "controller/ctl/output-diff.h"
#include "controller/ctl/output-plan.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/output.h"
#include "controller/ctl/reach-changes.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const char *
text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text ? text : "";
}

/* Showing.  --------------------------------------------------------------- */

static void
put_line(struct ctl *ctl, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
put_line(struct ctl *ctl, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    ctl_print_safely(ctl->out, text);
    free(text);
}

static void
print_op(const json_t *change, struct ds *ds)
{
    const char *op = text_of(change, "op");

    ds_put_cstr(ds, *op ? op : "put");
    if (json_is_true(json_object_get(change, "cascade"))) {
        ds_put_cstr(ds, " (cascade)");
    }
    if (json_is_true(json_object_get(change, "unchanged"))) {
        ds_put_cstr(ds, " (unchanged)");
    }
}

static void
print_spec(const json_t *change, struct ds *ds)
{
    const json_t *spec = json_object_get(change, "spec");
    char *text = spec ? json_dumps(spec, 0) : xstrdup("-");

    ds_put_cstr(ds, text);
    free(text);
}

static const struct ctl_column change_columns[] = {
    { "CHANGE", NULL, print_op },
    { "TYPE", "/type", NULL },
    { "NAME", "/name", NULL },
    { "BASE", "/base", NULL },
    { "SPEC", NULL, print_spec },
    { NULL, NULL, NULL },
};

/* Returns true if the conflict is not about a field, but whether there is such
 * an object, or whether it is another one. */
static bool
is_of_whole(const json_t *conflict)
{
    return !*text_of(conflict, "path");
}

/* What an object was, is, and is to be. */
static const struct {
    const char *member, *what;
} wholes[] = {
    { "base", "it was" }, { "now", "it is" },
    { "draft", "the draft makes it" },
};

/* Returns true if the conflict has values that are not there. */
static bool
leaves_out(const json_t *conflict)
{
    bool shows = false;

    for (size_t i = 0; i < ARRAY_SIZE(wholes); i++) {
        shows |= json_object_get(conflict, wholes[i].member) != NULL;
    }
    /* Of a whole object those that are there lack members. */
    return (json_is_true(json_object_get(conflict, "left_out"))
            && !(shows && is_of_whole(conflict)));
}

/* Appends a value of a conflict: "-" for none, and "..." for what is left out,
 * or is shown below. */
static void
put_value(const json_t *conflict, const char *member, struct ds *ds)
{
    const json_t *value = json_object_get(conflict, member);
    bool hidden = value ? is_of_whole(conflict) : leaves_out(conflict);
    char *text = hidden ? xstrdup("...")
                 : value ? json_dumps(value, JSON_ENCODE_ANY) : xstrdup("-");

    ds_put_cstr(ds, text);
    free(text);
}

static void
print_object(const json_t *conflict, struct ds *ds)
{
    ds_put_format(ds, "%s/%s", text_of(conflict, "type"),
                  text_of(conflict, "name"));
}

static void
print_base(const json_t *conflict, struct ds *ds)
{
    put_value(conflict, "base", ds);
}

static void
print_now(const json_t *conflict, struct ds *ds)
{
    put_value(conflict, "now", ds);
}

static void
print_draft(const json_t *conflict, struct ds *ds)
{
    put_value(conflict, "draft", ds);
}

static const struct ctl_column conflict_columns[] = {
    { "CONFLICT", NULL, print_object },
    { "FIELD", "/path", NULL },
    { "WAS", NULL, print_base },
    { "IS", NULL, print_now },
    { "DRAFT", NULL, print_draft },
    { "REVISION", "/revision", NULL },
    { "WHO", "/who", NULL },
    { NULL, NULL, NULL },
};

/* Shows what an object was that has gone, has come, or is another one.
 * Returns false if nothing is told. */
static bool
show_wholes(struct ctl *ctl, const json_t *conflict)
{
    bool shows = false;

    for (size_t i = 0; i < ARRAY_SIZE(wholes); i++) {
        const json_t *value = json_object_get(conflict, wholes[i].member);

        if (value) {
            shows = true;
            put_line(ctl, "\n%s/%s as %s%s:\n", text_of(conflict, "type"),
                     text_of(conflict, "name"), wholes[i].what,
                     json_is_true(json_object_get(conflict, "left_out"))
                     ? ", but for long fields" : "");
            ctl_show_yaml(ctl->out, value, "  ");
        }
    }
    return shows;
}

static void
show_conflicts(struct ctl *ctl, const json_t *draft)
{
    const json_t *status = json_object_get(draft, "status");
    const json_t *conflicts = json_object_get(status, "conflicts");
    const json_t *conflict;
    bool any = false;
    size_t i;

    if (json_array_size(conflicts)) {
        putc('\n', ctl->out);
        ctl_show_table(ctl->out, conflict_columns, conflicts);
        json_array_foreach (conflicts, i, conflict) {
            any |= is_of_whole(conflict) && show_wholes(ctl, conflict);
        }
        fputs(any ? "\n" : "", ctl->out);
        put_line(ctl, "changed since, so it is not applied as it is: look, "
                 "then vmnctl draft rebase %s\n", text_of(draft, "name"));
    }
}

static enum ctl_exit
get_draft(struct ctl *ctl, const char *name, struct ctl_reply *reply)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, "drafts", name);
    status = ctl_get(ctl, ds_cstr(&path), reply);
    ds_destroy(&path);
    return status;
}

static enum ctl_exit
show(struct ctl *ctl, const char *name)
{
    struct ctl_reply reply;
    enum ctl_exit status = get_draft(ctl, name, &reply);
    const json_t *spec;

    if (status) {
        return status;
    }
    spec = json_object_get(reply.body, "spec");
    if (!ctl_show_raw(ctl, reply.body)) {
        char *who = ctl_author_name(ctl, text_of(spec, "author"));

        put_line(ctl, "Draft:        %s\n", text_of(reply.body, "name"));
        put_line(ctl, "Author:       %s\n", who);
        put_line(ctl, "Updated:      %s\n",
                 text_of(json_object_get(reply.body, "metadata"), "updated"));
        if (json_object_get(spec, "undoes")) {
            put_line(ctl, "Takes back:   revision %"JSON_INTEGER_FORMAT"\n",
                     json_integer_value(json_object_get(spec, "undoes")));
        }
        if (json_object_get(spec, "description")) {
            put_line(ctl, "Description:  %s\n",
                     text_of(spec, "description"));
        }
        ctl_show_nonempty_table(ctl->out, change_columns,
                                json_object_get(spec, "changes"));
        show_conflicts(ctl, reply.body);
        free(who);
    }
    ctl_reply_uninit(&reply);
    return CTL_DONE;
}

static const struct ctl_column draft_columns[] = {
    { "NAME", "/name", NULL },
    { "CHANGES", "/status/changes", NULL },
    { "AUTHOR", "/spec/author", NULL },
    { "UPDATED", "/metadata/updated", NULL },
    { "DESCRIPTION", "/spec/description", NULL },
    { NULL, NULL, NULL },
};

static enum ctl_exit
list(struct ctl *ctl)
{
    json_t *drafts = json_array();
    enum ctl_exit status = ctl_get_list(ctl, "drafts", drafts);

    if (!status && !ctl_show_raw(ctl, drafts)) {
        ctl_show_table(ctl->out, draft_columns, drafts);
    }
    json_decref(drafts);
    return status;
}

/* Plans.  ----------------------------------------------------------------- */

/* Returns the ETag of a draft that was read, which the caller frees. */
static char *
etag_of(const struct ctl_reply *draft)
{
    return xstrdup(text_of(json_object_get(draft->body, "metadata"), "etag"));
}

/* Applies the draft, or asks for the plan of that, if its ETag is 'tag' (NULL:
 * whatever it is). */
static enum ctl_exit
post_apply(struct ctl *ctl, const char *name, bool plan, const char *tag,
           struct ctl_reply *reply)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, "drafts", name);
    ds_put_cstr(&path, "/apply");
    if (plan) {
        ctl_append_query(&path, "dry_run", "plan");
    } else {
        ctl_append_wait(ctl, &path);
    }
    status = ctl_call_if(ctl, "POST", ds_cstr(&path), tag, reply);
    ds_destroy(&path);
    return status;
}

/* Takes the draft itself, which goes when it is applied, out of what would
 * change.  Returns the rest, borrowed. */
static json_t *
other_objects(const struct ctl_reply *plan)
{
    json_t *objects = json_object_get(plan->body, "objects"), *object;
    size_t i;

    json_array_foreach (objects, i, object) {
        if (!strcmp(text_of(object, "type"), "drafts")) {
            json_array_remove(objects, i--);
        }
    }
    return objects;
}

static void
print_after(const json_t *ended, struct ds *ds)
{
    const json_t *after = json_object_get(ended, "after");
    const char *reason = text_of(after, "reason");

    ds_put_cstr(ds, after ? text_of(after, "verdict") : "its port is gone");
    if (*reason) {
        ds_put_format(ds, ": %s", reason);
    }
}

static const struct ctl_column ended_columns[] = {
    { "CONNECTION FROM", "/from", NULL },
    { "TO", "/to", NULL },
    { "SERVICE", "/service", NULL },
    { "AFTER", NULL, print_after },
    { NULL, NULL, NULL },
};

/* Prints what is known of connections, and what is not. */
static void
show_connections(struct ctl *ctl, const json_t *connections)
{
    json_int_t n = json_integer_value(json_object_get(connections,
                                                      "n_ended"));
    json_int_t unchecked = json_integer_value(json_object_get(connections,
                                                              "unchecked"));

    putc('\n', ctl->out);
    if (!json_array_size(json_object_get(connections, "networks"))) {
        put_line(ctl, "connections: no network is observed, so it is not "
                 "known which there are (vmnctl explain observations)\n");
        return;
    }
    put_line(ctl, "connections: %"JSON_INTEGER_FORMAT" observed; "
             "%"JSON_INTEGER_FORMAT" would be let through no more",
             json_integer_value(json_object_get(connections, "observed")), n);
    if (unchecked) {
        put_line(ctl, "; %"JSON_INTEGER_FORMAT" not compared", unchecked);
    }
    putc('\n', ctl->out);
    ctl_show_nonempty_table(ctl->out, ended_columns,
                            json_object_get(connections, "ended"));
}

/* Prints what becomes of reachability: services without changes in one
 * line. */
static void
show_effects(struct ctl *ctl, const json_t *effects)
{
    struct ds same = DS_EMPTY_INITIALIZER;
    const json_t *service;
    size_t i;

    json_array_foreach (json_object_get(effects, "services"), i, service) {
        const json_t *changes = json_object_get(service, "changes");

        if (json_array_size(changes)) {
            put_line(ctl, "\nreachability on %s:\n",
                     text_of(service, "service"));
            ctl_show_reach_changes(ctl, changes);
        } else {
            ds_put_format(&same, "%s%s", same.length ? ", " : "",
                          text_of(service, "service"));
        }
    }
    if (same.length) {
        put_line(ctl, "\nreachability is as before on: %s\n",
                 ds_cstr(&same));
    }
    ds_destroy(&same);
    show_connections(ctl, json_object_get(effects, "connections"));
}

/* Gets the effects; '*there' is false if they are not for this account. */
static enum ctl_exit
get_effects(struct ctl *ctl, const char *name, struct ctl_reply *reply,
            bool *there)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, "drafts", name);
    ds_put_cstr(&path, "/effects");
    status = ctl_get_except(ctl, ds_cstr(&path), 403, reply, there);
    ds_destroy(&path);
    return status;
}

/* Gets the effects of the draft whose ETag is 'tag', which was planned. */
static enum ctl_exit
get_effects_of(struct ctl *ctl, const char *name, const char *tag,
               struct ctl_reply *effects, bool *there)
{
    enum ctl_exit status = get_effects(ctl, name, effects, there);

    if (!status && *there && strcmp(text_of(effects->body, "etag"), tag)) {
        fprintf(ctl->err, "vmnctl: draft \"%s\" was changed meanwhile: plan "
                "it again\n", name);
        status = CTL_REFUSED;
    }
    return status;
}

/* Shows the plan of the draft whose ETag is 'tag'. */
static enum ctl_exit
plan_of(struct ctl *ctl, const char *name, const char *tag)
{
    struct ctl_reply reply, effects;
    enum ctl_exit status = post_apply(ctl, name, true, tag, &reply);
    bool there = false;

    if (status) {
        return status;
    }
    status = get_effects_of(ctl, name, tag, &effects, &there);
    if (!status && ctl->output != CTL_TABLE) {
        json_t *both = json_pack("{s:s, s:O, s:O*}", "etag", tag,
                                 "plan", reply.body,
                                 "effects", there ? effects.body : NULL);

        ctl_show_raw(ctl, both);
        json_decref(both);
    } else if (!status) {
        other_objects(&reply);
        ctl_plan_show(ctl, reply.body);
        if (there) {
            show_effects(ctl, effects.body);
        } else {
            put_line(ctl, "\nreachability and connections are not for this "
                     "account to see\n");
        }
    }
    if (there) {
        ctl_reply_uninit(&effects);
    }
    ctl_reply_uninit(&reply);
    return status;
}

static enum ctl_exit
plan(struct ctl *ctl, const char *name)
{
    struct ctl_reply draft;
    enum ctl_exit status = get_draft(ctl, name, &draft);

    if (!status) {
        char *tag = etag_of(&draft);

        ctl_reply_uninit(&draft);
        status = plan_of(ctl, name, tag);
        if (!status && ctl->output == CTL_TABLE) {
            put_line(ctl, "\nto make just this: vmnctl draft apply %s --etag "
                     "%s\n", name, tag);
        }
        free(tag);
    }
    return status;
}

static enum ctl_exit
diff(struct ctl *ctl, const char *name)
{
    struct ctl_reply reply;
    enum ctl_exit status = post_apply(ctl, name, true, NULL, &reply);
    json_t *objects, *object;
    bool changes;
    size_t i;

    if (status) {
        return ctl_comparison_exit(status);
    }
    objects = other_objects(&reply);
    changes = ctl_plan_changes(reply.body) && json_array_size(objects);
    if (!ctl_show_raw(ctl, objects)) {
        json_array_foreach (objects, i, object) {
            ctl_print_outcome(ctl, text_of(object, "type"),
                              text_of(object, "name"),
                              text_of(object, "op"));
            ctl_print_diff(ctl, object);
        }
    }
    ctl_reply_uninit(&reply);
    return changes ? CTL_DIFFERS : CTL_DONE;
}

/* Applies the draft if its ETag is 'tag' (NULL: whatever it is). */
static enum ctl_exit
apply_of(struct ctl *ctl, const char *name, const char *tag)
{
    struct ctl_reply reply;
    enum ctl_exit status = post_apply(ctl, name, false, tag, &reply);

    if (!status) {
        json_t *results = json_object_get(reply.body, "results"), *first;

        /* The draft itself is the first one. */
        first = json_array_get(results, 0);
        if (!strcmp(text_of(first, "type"), "drafts")) {
            json_object_set_new(first, "outcome", json_string("applied"));
        }
        ctl_print_outcomes(ctl, results);
        ctl_print_also_changed(ctl, reply.body);
        ctl_print_warnings(ctl, reply.body);
        status = ctl_report_receipt(ctl, &reply);
        ctl_reply_uninit(&reply);
    }
    return status;
}

static enum ctl_exit
apply(struct ctl *ctl, const char *name)
{
    return apply_of(ctl, name, ctl->etag);
}

/* Changing.  -------------------------------------------------------------- */

static enum ctl_exit
create(struct ctl *ctl, const char *name)
{
    enum ctl_exit status = CTL_DONE;
    struct vmn_error why = VMN_ERROR_INIT;
    struct ctl_input input;

    ctl_input_init(&input);
    input.recursive = ctl->recursive;
    for (size_t i = 0; i < ctl->files.n && !status; i++) {
        if (ctl_input_load(&input, ctl->files.names[i], ctl->in, &why)) {
            status = ctl_usage(ctl, "%s", why.text);
            vmn_error_uninit(&why);
        }
    }
    if (!status) {
        status = ctl_draft_create(ctl, name, input.objects);
    }
    ctl_input_uninit(&input);
    return status;
}

static enum ctl_exit
delete_draft(struct ctl *ctl, const char *name)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, "drafts", name);
    ctl_append_wait(ctl, &path);
    status = ctl_call(ctl, "DELETE", ds_cstr(&path), NULL, NULL, &reply);
    if (!status) {
        ctl_print_outcome(ctl, "drafts", name, "deleted");
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}

static enum ctl_exit
drop(struct ctl *ctl, const char *draft, int n_args, char *const args[])
{
    enum ctl_exit status = CTL_DONE;
    struct ctl_args objects;

    if (!ctl_args_parse_named(ctl, "draft drop", n_args, args, &objects)) {
        status = CTL_USAGE;
    }
    for (size_t i = 0; i < objects.n && !status; i++) {
        const struct ctl_named *named = &objects.named[i];

        for (size_t j = 0; j < named->names.n && !status; j++) {
            status = ctl_draft_drop(ctl, draft, named->type->plural,
                                    named->names.names[j]);
        }
    }
    ctl_args_uninit(&objects);
    return status;
}

static const struct {
    const char *name;
    enum ctl_exit (*run)(struct ctl *, const char *draft);
} actions[] = {
    { "create", create }, { "show", show }, { "diff", diff },
    { "plan", plan }, { "apply", apply }, { "rebase", ctl_draft_rebase },
    { "delete", delete_draft },
};

enum ctl_exit
ctl_cmd_draft(struct ctl *ctl, int n_args, char *const args[])
{
    if (!strcmp(args[0], "list")) {
        return (n_args == 1 ? list(ctl)
                : ctl_usage(ctl, "draft list: takes no name"));
    }
    if (!strcmp(args[0], "drop")) {
        return (n_args >= 3 ? drop(ctl, args[1], n_args - 2, args + 2)
                : ctl_usage(ctl, "draft drop: give a draft and TYPE/NAME of "
                            "what it is not to change any more"));
    }
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (strcmp(args[0], actions[i].name)) {
            continue;
        }
        if (n_args != 2) {
            return ctl_usage(ctl, "draft %s: give the name of one draft",
                             args[0]);
        }
        if (ctl->files.n && strcmp(args[0], "create")) {
            return ctl_usage(ctl, "draft %s: takes no -f (vmnctl apply "
                             "--draft %s -f FILE)", args[0], args[1]);
        }
        if (ctl->etag && strcmp(args[0], "apply")) {
            return ctl_usage(ctl, "draft %s: --etag goes with apply",
                             args[0]);
        }
        return actions[i].run(ctl, args[1]);
    }
    return ctl_usage(ctl, "draft: must be create, show, diff, plan, apply, "
                     "rebase, drop, delete or list, not \"%s\"", args[0]);
}

/* Rollback.  -------------------------------------------------------------- */

/* Makes the draft 'name' that takes the revision back, or those from 'first'
 * (unless it is NULL) to it. */
static enum ctl_exit
draft_undo(struct ctl *ctl, const char *first, const char *revision,
           const char *name)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, "revisions", revision);
    ds_put_cstr(&path, "/undo");
    ctl_append_query(&path, "draft", name);
    if (first) {
        ctl_append_query(&path, "first", first);
    }
    status = ctl_call(ctl, "POST", ds_cstr(&path), NULL, NULL, &reply);
    ds_destroy(&path);
    if (!status) {
        ctl_print_outcome(ctl, "drafts", name,
                          text_of(reply.body, "outcome"));
        ctl_print_warnings(ctl, reply.body);
        ctl_reply_uninit(&reply);
    }
    return status;
}

/* Shows the draft's plan; or, where that is refused, the conflicts.  Sets
 * '*tag' to the ETag of what was shown, which the caller frees. */
static enum ctl_exit
review(struct ctl *ctl, const char *name, char **tag)
{
    struct ctl_reply reply;
    enum ctl_exit status = get_draft(ctl, name, &reply);
    bool conflicts;

    if (status) {
        return status;
    }
    conflicts = json_array_size(json_object_get(json_object_get(
        reply.body, "status"), "conflicts"));
    if (conflicts) {
        show_conflicts(ctl, reply.body);
    }
    *tag = etag_of(&reply);
    ctl_reply_uninit(&reply);
    return conflicts ? CTL_REFUSED : plan_of(ctl, name, *tag);
}

/* Takes the range FIRST-LAST, or the one revision, apart.  Returns false if
 * 'arg' is neither; the caller frees '*first', which may be NULL. */
static bool
parse_range(const char *arg, char **first, const char **last)
{
    size_t n = strspn(arg, "0123456789");

    *first = arg[n] == '-' ? xmemdup0(arg, n) : NULL;
    *last = *first ? &arg[n + 1] : arg;
    return n && **last && !(*last)[strspn(*last, "0123456789")];
}

enum ctl_exit
ctl_cmd_rollback(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    enum ctl_exit status;
    char *first, *name, *tag = NULL;
    const char *last;

    if (!parse_range(args[0], &first, &last)) {
        free(first);
        return ctl_usage(ctl, "rollback: must be a revision (vmnctl revisions "
                         "lists them), or FIRST-LAST, not \"%s\"", args[0]);
    }
    if (first && strtoull(first, NULL, 10) > strtoull(last, NULL, 10)) {
        free(first);
        return ctl_usage(ctl, "rollback: FIRST must not be after LAST in "
                         "FIRST-LAST, not \"%s\"", args[0]);
    }
    if (ctl->wait && !ctl->apply) {
        free(first);
        return ctl_usage(ctl, "rollback: --wait goes with --apply");
    }
    name = (ctl->draft ? xstrdup(ctl->draft)
            : xasprintf("rollback-%s", args[0]));
    status = draft_undo(ctl, first, last, name);
    if (!status) {
        status = review(ctl, name, &tag);
    }
    if (!status && ctl->apply) {
        putc('\n', ctl->out);
        status = apply_of(ctl, name, tag);
    } else if (!status) {
        put_line(ctl, "\nnothing is changed yet: vmnctl draft apply %s --etag "
                 "%s\n", name, tag);
    }
    free(first);
    free(name);
    free(tag);
    return status;
}
