/* SPDX-License-Identifier: Apache-2.0
 *
 * What to type in place of what is not understood; see wrong-command.h. */

#include <config.h>

#include "controller/ctl/wrong-command.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/object-types.h"
#include "controller/ctl/other-tools.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* No such command.  ------------------------------------------------------- */

/* Returns true if the command may change objects, the database or a file. */
static bool
is_changing(const struct ctl_command *command)
{
    return (command->options & (CTL_OPT_WAIT | CTL_OPT_DATABASE
                                | CTL_OPT_TOKEN)) != 0;
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

/* Returns the only command that begins with 'name', or NULL. */
static const char *
completed(const char *name)
{
    const char *found = NULL;

    for (const struct ctl_command *c = ctl_commands; c->name; c++) {
        if (!strncmp(c->name, name, strlen(name))) {
            if (found) {
                return NULL;
            }
            found = c->name;
        }
    }
    return found;
}

/* Appends the arguments, separated by blanks. */
static void
put_words(struct ds *ds, int n_args, char *const args[])
{
    for (int i = 0; i < n_args; i++) {
        ds_put_format(ds, "%s%s", i ? " " : "", args[i]);
    }
}

enum ctl_exit
ctl_no_command(struct ctl *ctl, int n_args, char *const args[])
{
    struct ds line = DS_EMPTY_INITIALIZER, more = DS_EMPTY_INITIALIZER;
    struct ds text = DS_EMPTY_INITIALIZER;
    const char *guess = misspelt(args[0]);
    enum ctl_exit status;
    int n_words = 1;

    guess = guess ? guess : completed(args[0]);
    if (ctl_other_command(n_args, args, &line, &more, &n_words)) {
        put_words(&text, n_words, args);
        ds_put_cstr(&text, "\"");
        if (line.length) {
            ds_put_format(&text, "; did you mean \"%s\"?", ds_cstr(&line));
        }
        if (more.length) {
            ds_put_format(&text, line.length ? " (%s)" : ": %s",
                          ds_cstr(&more));
        }
    } else {
        ds_put_format(&text, guess ? "%s\"; did you mean \"%s\"?"
                      : "%s\" (vmnctl --help lists them)", args[0], guess);
    }
    status = ctl_usage(ctl, "no command \"%s", ds_cstr(&text));
    ds_destroy(&text);
    ds_destroy(&more);
    ds_destroy(&line);
    return status;
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
    { "status", "vmnctl describe host" },
    { "usage", "vmnctl get quota" },
};

/* Prints what is meant by a service of several words, such as "tcp" and "80",
 * behind 'n_before' arguments.  Returns false if that is none. */
static bool
is_service_apart(struct ctl *ctl, const struct ctl_command *command,
                 int n_before, int n_args, char *const args[])
{
    char *service = (n_args > n_before + 1
                     ? ctl_guess_service(n_args - n_before, args + n_before)
                     : NULL);
    struct ds before = DS_EMPTY_INITIALIZER;

    if (service) {
        put_words(&before, n_before, args);
        ctl_usage(ctl, "%s: the service is one word: vmnctl %s %s%s%s",
                  command->name, command->name, ds_cstr(&before),
                  n_before ? " " : "", service);
    }
    ds_destroy(&before);
    free(service);
    return service != NULL;
}

/* Prints what is meant by two ports, and perhaps a service, behind
 * "reachability", which has all pairs.  Returns false if these are none. */
static bool
is_pair(struct ctl *ctl, int n_args, char *const args[])
{
    struct ds line = DS_EMPTY_INITIALIZER;

    if (n_args < 2 || n_args > 3 || strchr(args[0], '/')
        || strchr(args[1], '/')) {
        return false;
    }
    put_words(&line, n_args, args);
    ctl_usage(ctl, "reachability: has all pairs of ports, on one service; of "
              "two ports: vmnctl trace %s", ds_cstr(&line));
    ds_destroy(&line);
    return true;
}

/* Prints what is meant by the arguments of a few commands.  Returns false if
 * it does not know. */
static bool
is_meant(struct ctl *ctl, const struct ctl_command *command, int n_args,
         char *const args[])
{
    const char *name = command->name;

    if (!strcmp(name, "hosts") && n_args == 2) {
        ctl_usage(ctl, "hosts: takes no name; if there is no host %s yet, "
                  "create it first " CTL_CREATE_HOST ", then \"vmnctl host "
                  "join-command %s\"", args[1], args[1]);
        return true;
    }
    if ((!strcmp(name, "drain") || !strcmp(name, "undrain")) && n_args == 1) {
        ctl_usage(ctl, "%s: name a balancer and its backends: vmnctl %s "
                  "LOADBALANCER BACKEND... (vmnctl get loadbalancers and "
                  "vmnctl describe loadbalancer NAME list them)", name, name);
        return true;
    }
    return ((!strcmp(name, "trace")
             && is_service_apart(ctl, command, 2, n_args, args))
            || (!strcmp(name, "reachability")
                && (is_service_apart(ctl, command, 0, n_args, args)
                    || is_pair(ctl, n_args, args))));
}

enum ctl_exit
ctl_wrong_number(struct ctl *ctl, const struct ctl_command *command,
                 int n_args, char *const args[])
{
    if (command->options & CTL_OPT_FILE && command->max_args >= 0
        && n_args > command->max_args) {
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
    if (is_meant(ctl, command, n_args, args)) {
        return CTL_USAGE;
    }
    if (n_args && !command->max_args) {
        return ctl_usage(ctl, "%s: takes no arguments, such as \"%s\" (see "
                         "vmnctl %s --help)", command->name, args[0],
                         command->name);
    }
    return ctl_usage(ctl, "usage: vmnctl %s%s%s [OPTIONS] "
                     "(see vmnctl %s --help)", command->name,
                     *command->args ? " " : "", command->args,
                     command->name);
}
