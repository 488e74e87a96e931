/* SPDX-License-Identifier: Apache-2.0
 *
 * What to type in place of what is not understood; see wrong-command.h. */

#include <config.h>

#include "controller/ctl/wrong-command.h"

#include <string.h>

#include "controller/ctl/object-types.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Commands of other tools, and what they are here: a command, which gets the
 * same arguments if 'keeps' says so; or a sentence. */
static const struct {
    const char *word, *command;
    bool keeps;
    const char *sentence;
} words[] = {
    { "show", "get", true, NULL },
    { "list", "get", true, NULL },
    { "ls", "get", true, NULL },
    { "log", "logs", false, NULL },
    { "watch", "events", false, NULL },
    { "ping", "trace", true, NULL },
    { "reach", "reachability", true, NULL },
    { "create", "apply -f FILE", false, NULL },
    { "add", "apply -f FILE", false, NULL },
    { "set", "patch", false, NULL },
    { "remove", "delete", false, NULL },
    { "rm", "delete", false, NULL },
    { "del", "delete", false, NULL },
    { "plan", "diff -f FILE", false, NULL },
    { "restart", NULL, false, "vmnd is a service: systemctl restart vmnd" },
    { "start", NULL, false, "vmnd is a service: systemctl start vmnd" },
    { "stop", NULL, false, "vmnd is a service: systemctl stop vmnd" },
    { "GET", NULL, false, "calls of the API are for curl; objects are shown "
      "by vmnctl get TYPE NAME" },
    { "POST", NULL, false, "calls of the API are for curl; objects are made "
      "by vmnctl apply -f FILE" },
    { "PUT", NULL, false, "calls of the API are for curl; objects are made "
      "by vmnctl apply -f FILE" },
    { "PATCH", NULL, false, "calls of the API are for curl; objects are "
      "changed by vmnctl patch TYPE NAME" },
    { "DELETE", NULL, false, "calls of the API are for curl; objects are "
      "deleted by vmnctl delete TYPE NAME" },
};

/* No such command.  ------------------------------------------------------- */

/* Returns true if the command may change objects, the database or a file. */
static bool
is_changing(const struct ctl_command *command)
{
    return (command->options & (CTL_OPT_WAIT | CTL_OPT_NO_WAIT
                                | CTL_OPT_DATABASE | CTL_OPT_TOKEN)) != 0;
}

static const char *
reader_at(const void *aux OVS_UNUSED, size_t i)
{
    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        if (!is_changing(c) && !i--) {
            return c->name;
        }
    }
    return NULL;
}

static const char *
command_at(const void *aux OVS_UNUSED, size_t i)
{
    return ctl_commands[i].name;
}

/* Returns the command that is meant by a misspelling, or NULL.  Of one that
 * changes something, one edit. */
static const char *
misspelt(const char *name)
{
    const char *near = schema_suggest_within(name, 1, command_at, NULL);

    return near ? near : schema_suggest(name, reader_at, NULL);
}

/* Prints 'no command "show"; did you mean "vmnctl get ports web-1"?', with
 * 'n_args' arguments. */
static enum ctl_exit
did_you_mean(struct ctl *ctl, const char *word, const char *command,
             int n_args, char *const args[])
{
    struct ds line = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ds_put_format(&line, "vmnctl %s", command);
    for (int i = 0; i < n_args; i++) {
        ds_put_format(&line, " %s", args[i]);
    }
    status = ctl_usage(ctl, "no command \"%s\"; did you mean \"%s\"?", word,
                       ds_cstr(&line));
    ds_destroy(&line);
    return status;
}

enum ctl_exit
ctl_no_command(struct ctl *ctl, int n_args, char *const args[])
{
    const char *guess;

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(args[0], words[i].word)) {
            continue;
        }
        return (words[i].sentence
                ? ctl_usage(ctl, "no command \"%s\": %s", args[0],
                            words[i].sentence)
                : did_you_mean(ctl, args[0], words[i].command,
                               words[i].keeps ? n_args - 1 : 0, args + 1));
    }
    if (ctl_type_find(args[0])) {
        return did_you_mean(ctl, args[0], "get", n_args, args);
    }
    guess = misspelt(args[0]);
    return (guess
            ? ctl_usage(ctl, "no command \"%s\"; did you mean \"%s\"?",
                        args[0], guess)
            : ctl_usage(ctl, "no command \"%s\" (vmnctl --help lists them)",
                        args[0]));
}

/* Wrong arguments.  ------------------------------------------------------- */

/* What commands that take fewer arguments are often given, and what that is
 * written as. */
static const struct {
    const char *command, *instead;
} extras[] = {
    { "hosts", "vmnctl get hosts" },
    { "apps", "vmnctl get apps" },
    { "logs", "vmnctl logs --port" },
    { "drops", "vmnctl drops --port" },
    { "events", "vmnctl events --port" },
    { "identities", "vmnctl identities --network" },
    { "revisions", "vmnctl revision" },
};

enum ctl_exit
ctl_wrong_number(struct ctl *ctl, const struct ctl_command *command,
                 int n_args, char *const args[])
{
    if (command->options & CTL_OPT_FILE && n_args > command->max_args) {
        return ctl_usage(ctl, "%s: files go behind -f: vmnctl %s -f %s",
                         command->name, command->name, args[0]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(extras) && n_args == 1; i++) {
        if (!strcmp(command->name, extras[i].command)) {
            return ctl_usage(ctl, "%s: takes no name; did you mean \"%s "
                             "%s\"? (see vmnctl %s --help)", command->name,
                             extras[i].instead, args[0], command->name);
        }
    }
    return ctl_usage(ctl, "usage: vmnctl %s%s%s [OPTIONS] "
                     "(see vmnctl %s --help)", command->name,
                     *command->args ? " " : "", command->args,
                     command->name);
}
