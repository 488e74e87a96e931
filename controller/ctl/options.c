/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's options: one table, from which the parser and the help are made. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* getopt's values of the options that have no short form. */
enum {
    OPT_TOKEN_FILE = 256,
    OPT_LIMIT,
    OPT_PRUNE,
    OPT_WAIT,
    OPT_NO_WAIT,
    OPT_TIMEOUT,
    OPT_CASCADE,
    OPT_DRY_RUN,
    OPT_DIFF,
    OPT_MEND,
    OPT_APP,
    OPT_STAGE,
    OPT_TABLE,
    OPT_OBJECT,
    OPT_ONCE,
    OPT_INTERVAL,
    OPT_DATABASE,
};

/* Longest time that --timeout and --interval may ask for. */
#define TIMEOUT_MAX_MS (300 * 1000)

static const struct option_row {
    int value;                  /* Its letter, or OPT_*. */
    const char *name;
    const char *arg;            /* Its argument's name, or NULL. */
    unsigned int options;       /* CTL_OPT_* that bring it. */
    const char *help;
} option_rows[] = {
    { 'o', "output", "FORMAT", CTL_OPT_OUTPUT,
      "table (the default), wide, json, yaml or name" },
    { 'o', "output", "FORMAT", CTL_OPT_DRY_RUN | CTL_OPT_PLAN,
      "of the plan: table (the default), json or yaml" },
    { 'l', "selector", "SELECTOR", CTL_OPT_SELECTOR,
      "only objects with these labels: role=web,env!=dev" },
    { OPT_LIMIT, "limit", "N", CTL_OPT_LIMIT, "at most N of them" },
    { 'f', "file", "PATH", CTL_OPT_FILE,
      "a file, a folder, or - for standard input; repeatable" },
    { OPT_PRUNE, "prune", "SET", CTL_OPT_PRUNE,
      "name the objects' set, and delete what it no longer has" },
    { OPT_WAIT, "wait", NULL, CTL_OPT_WAIT,
      "until every host concerned has installed it" },
    { OPT_NO_WAIT, "no-wait", NULL, CTL_OPT_NO_WAIT,
      "do not wait until it is installed" },
    { OPT_TIMEOUT, "timeout", "TIME", CTL_OPT_WAIT | CTL_OPT_NO_WAIT,
      "how long to wait: 500ms, 10s (the default), 2m" },
    { OPT_CASCADE, "cascade", NULL, CTL_OPT_CASCADE,
      "also take it out of what refers to it" },
    { OPT_DRY_RUN, "dry-run", NULL, CTL_OPT_DRY_RUN,
      "only show what would change, down to the flows" },
    { OPT_DIFF, "diff", NULL, CTL_OPT_FLOWS,
      "read the host's switch, and show what differs" },
    { OPT_MEND, "mend", NULL, CTL_OPT_FLOWS,
      "with --diff: have it mended, all of it" },
    { OPT_APP, "app", "APP", CTL_OPT_FLOWS, "only flows of this app" },
    { OPT_STAGE, "stage", "STAGE", CTL_OPT_FLOWS,
      "only flows in this stage's tables: acl, or firewall.acl" },
    { OPT_TABLE, "table", "N", CTL_OPT_FLOWS, "only flows in this table" },
    { OPT_OBJECT, "object", "NAME", CTL_OPT_FLOWS,
      "only flows that are there for this port, policy and so on" },
    { OPT_ONCE, "once", NULL, CTL_OPT_ONCE,
      "show it once, and do not clear the screen" },
    { OPT_INTERVAL, "interval", "TIME", CTL_OPT_ONCE,
      "how often to look: 500ms, 2s (the default), 1m" },
    { OPT_DATABASE, "database", "PATH", CTL_OPT_DATABASE,
      "the file that vmnd has its state in (vmnd --state)" },
    { 's', "server", "SERVER", CTL_OPT_GLOBAL,
      "unix:PATH or tcp:HOST:PORT" },
    { OPT_TOKEN_FILE, "token-file", "FILE", CTL_OPT_GLOBAL,
      "file whose first line is the token for tcp:" },
    { 'h', "help", NULL, CTL_OPT_GLOBAL, "help on vmnctl or a command" },
};

enum ctl_exit
ctl_usage(struct ctl *ctl, const char *format, ...)
{
    va_list args;

    fputs("vmnctl: ", ctl->err);
    va_start(args, format);
    vfprintf(ctl->err, format, args);
    va_end(args);
    putc('\n', ctl->err);
    return CTL_USAGE;
}

void
ctl_options_help(FILE *file, unsigned int options)
{
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        char *names;

        if (!(row->options & options)) {
            continue;
        }
        names = (row->value < 256
                 ? xasprintf("-%c, --%s", row->value, row->name)
                 : xasprintf("    --%s", row->name));
        fprintf(file, "  %s %-*s %s\n", names,
                MAX(0, 24 - (int) strlen(names)), row->arg ? row->arg : "",
                row->help);
        free(names);
    }
}

static bool
parse_output(struct ctl *ctl, const char *arg)
{
    static const char *const formats[] = {
        [CTL_TABLE] = "table", [CTL_WIDE] = "wide", [CTL_JSON] = "json",
        [CTL_YAML] = "yaml", [CTL_NAME] = "name",
    };

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (!strcmp(arg, formats[i])) {
            ctl->output = (enum ctl_output) i;
            return true;
        }
    }
    ctl_usage(ctl, "--output: want table, wide, json, yaml or name, not "
              "\"%s\"", arg);
    return false;
}

static bool
parse_limit(struct ctl *ctl, const char *arg)
{
    int value;

    if (!str_to_int(arg, 10, &value) || value < 1) {
        ctl_usage(ctl, "--limit: want a number from 1, not \"%s\"", arg);
        return false;
    }
    ctl->limit = value;
    return true;
}

/* "500ms", "10s", "2m", or a number of seconds, of option 'name'. */
static bool
parse_time(struct ctl *ctl, const char *name, const char *arg, int *ms)
{
    size_t n = strspn(arg, "0123456789");
    long int value = n && n < 9 ? strtol(arg, NULL, 10) : -1;
    const char *unit = arg + n;
    long int factor = (!strcmp(unit, "ms") ? 1
                       : !*unit || !strcmp(unit, "s") ? 1000
                       : !strcmp(unit, "m") ? 60 * 1000 : 0);

    if (value < 1 || !factor || value * factor > TIMEOUT_MAX_MS) {
        ctl_usage(ctl, "--%s: want a time such as 500ms, 10s or 2m, at "
                  "most 5m, not \"%s\"", name, arg);
        return false;
    }
    *ms = (int) (value * factor);
    return true;
}

static void
set_string(char **target, const char *arg)
{
    free(*target);
    *target = xstrdup(arg);
}

static bool
apply_option(struct ctl *ctl, int value, const char *arg)
{
    switch (value) {
    case 'o':
        return parse_output(ctl, arg);
    case 'l':
        set_string(&ctl->selector, arg);
        return true;
    case OPT_LIMIT:
        return parse_limit(ctl, arg);
    case 'f':
        svec_add(&ctl->files, arg);
        return true;
    case OPT_PRUNE:
        set_string(&ctl->prune, arg);
        return true;
    case OPT_DATABASE:
        set_string(&ctl->database, arg);
        return true;
    case OPT_WAIT:
        ctl->wait = true;
        return true;
    case OPT_NO_WAIT:
        ctl->wait = false;
        return true;
    case OPT_TIMEOUT:
        ctl->timeout_given = true;
        return parse_time(ctl, "timeout", arg, &ctl->timeout_ms);
    case OPT_CASCADE:
        ctl->cascade = true;
        return true;
    case OPT_DIFF:
        ctl->diff = true;
        return true;
    case OPT_MEND:
        ctl->mend = true;
        return true;
    case OPT_APP:
        set_string(&ctl->app, arg);
        return true;
    case OPT_STAGE:
        set_string(&ctl->stage, arg);
        return true;
    case OPT_TABLE:
        set_string(&ctl->table, arg);
        return true;
    case OPT_OBJECT:
        set_string(&ctl->object, arg);
        return true;
    case OPT_ONCE:
        ctl->once = true;
        return true;
    case OPT_INTERVAL:
        return parse_time(ctl, "interval", arg, &ctl->interval_ms);
    case OPT_DRY_RUN:
        ctl->dry_run = true;
        return true;
    case 's':
        set_string(&ctl->server, arg);
        return true;
    case OPT_TOKEN_FILE:
        set_string(&ctl->token_file, arg);
        return true;
    case 'h':
    default:
        ctl->help = true;
        return true;
    }
}

/* Fills in getopt's two forms of the rows that 'options' brings.  The arrays
 * have room for all rows. */
static void
make_getopt(unsigned int options, bool stop_at_argument, char *shorts,
            struct option *longs)
{
    if (stop_at_argument) {
        *shorts++ = '+';
    }
    *shorts++ = ':';
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];

        if (row->options & options) {
            *longs++ = (struct option) {
                row->name, row->arg ? required_argument : no_argument, NULL,
                row->value
            };
            if (row->value < 256) {
                *shorts++ = (char) row->value;
                if (row->arg) {
                    *shorts++ = ':';
                }
            }
        }
    }
    *shorts = '\0';
    memset(longs, 0, sizeof *longs);
}

bool
ctl_options_parse(struct ctl *ctl, const struct ctl_command *command,
                  int argc, char *argv[], int *first)
{
    struct option longs[ARRAY_SIZE(option_rows) + 1];
    char shorts[2 * ARRAY_SIZE(option_rows) + 3];
    int value;

    make_getopt(CTL_OPT_GLOBAL | (command ? command->options : 0), !command,
                shorts, longs);
    opterr = 0;
    optind = 0;                 /* Start anew, also for glibc's own state. */
    while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (value == '?' || value == ':') {
            ctl_usage(ctl, "%s: %s%s%s (see vmnctl %s%s--help)",
                      argv[optind - 1],
                      value == ':' ? "this option needs an argument"
                      : "no such option",
                      command ? " for " : "", command ? command->name : "",
                      command ? command->name : "", command ? " " : "");
            return false;
        }
        if (!apply_option(ctl, value, optarg)) {
            return false;
        }
    }
    if (ctl->timeout_given && !ctl->wait && !ctl->help) {
        ctl_usage(ctl, "--timeout is how long to wait: %s",
                  command->options & CTL_OPT_WAIT
                  ? "give --wait too" : "it does not go with --no-wait");
        return false;
    }
    *first = optind;
    return true;
}
