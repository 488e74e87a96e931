/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl's options: one table, from which the parser and the help texts are
 * generated. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/field-path.h"
#include "controller/ctl/other-tools.h"
#include "controller/schema/event-kinds.h"
#include "controller/schema/schema.h"
#include "controller/schema/value.h"
#include "util.h"

/* Maximum of --timeout and --interval. */
#define TIMEOUT_MAX_MS (300 * 1000)
/* Maximum of --since, as an age: ten years. */
#define SINCE_MAX_S (3660 * 86400L)
/* Maximum of --for. */
#define FOR_MAX_S (24 * 3600)
/* Where help on an option is, and how wide lines of help are. */
#define HELP_COLUMN 28
#define HELP_WIDTH 79

struct option_row;

/* Stores an option's value in 'ctl'; 'arg' is NULL if the option has none.
 * Returns false after it has printed an error. */
typedef bool option_set(struct ctl *ctl, const struct option_row *row,
                        const char *arg);

static option_set set_true, set_no_wait, set_text, set_comment, add_text,
    set_awaited, set_time, set_timeout, set_long_timeout, set_for, set_since,
    set_since_or_revision, set_count, set_by, set_output, set_shown, set_raw,
    set_path;

struct option_row {
    char letter;                /* Short form, or 0. */
    const char *name;
    const char *arg;            /* Name of the argument, or NULL. */
    uint64_t options;       /* Any of these CTL_OPT_* includes the
                                 * option. */
    option_set *set;
    size_t member;              /* Offset in struct ctl of the member that
                                 * 'set' sets. */
    const char *help;
};

/* The member that a row sets. */
#define MEMBER(NAME) offsetof(struct ctl, NAME)

/* Of several rows with one name, a command has at most one. */
static const struct option_row option_rows[] = {
    { 'o', "output", "FORMAT",
      CTL_OPT_OUTPUT, set_output, MEMBER(output),
      "table (the default), wide, json, yaml, name, or "
      "custom-columns=HEADING:PATH,..." },
    { 0, "sort-by", "PATH",
      CTL_OPT_OUTPUT, set_path, MEMBER(sort_by),
      "sort by the value there: .status.host, .spec.labels.role" },
    { 0, "no-headers", NULL,
      CTL_OPT_OUTPUT, set_true, MEMBER(no_headers),
      "leave the headings of tables out" },
    { 'o', "output", "FORMAT",
      CTL_OPT_SHOWN, set_shown, MEMBER(output),
      "table (the default), json or yaml" },
    { 'o', "output", "FORMAT",
      CTL_OPT_DRY_RUN | CTL_OPT_PLAN, set_shown, MEMBER(output),
      "of the plan: table (the default), json or yaml" },
    { 'l', "selector", "SELECTOR",
      CTL_OPT_SELECTOR, set_text, MEMBER(selector),
      "only objects with these labels: role=web,env!=dev" },
    { 'l', "selector", "SELECTOR",
      CTL_OPT_ALLOW, set_text, MEMBER(selector),
      "ports with these labels, now and later: role=web" },
    { 0, "name", "NAME",
      CTL_OPT_ALLOW, set_text, MEMBER(name),
      "name of the quarantine (default: after the port or selector)" },
    { 0, "allow", "SERVICE",
      CTL_OPT_ALLOW, add_text, MEMBER(allow),
      "allow this: tcp/22, udp/53-60, icmp, or a service; repeatable" },
    { 0, "allow-group", "GROUP",
      CTL_OPT_ALLOW, add_text, MEMBER(allow_groups),
      "allow the ports and addresses of this group; repeatable" },
    { 0, "allow-empty", NULL,
      CTL_OPT_ALLOW, set_true, MEMBER(allow_empty),
      "accept a --selector that matches no port yet" },
    { 0, "limit", "N",
      CTL_OPT_LIMIT, set_count, MEMBER(limit),
      "show at most N" },
    { 'f', "file", "PATH",
      CTL_OPT_FILE, add_text, MEMBER(files),
      "a file, a folder, or - for standard input; repeatable" },
    { 'R', "recursive", NULL,
      CTL_OPT_FILE, set_true, MEMBER(recursive),
      "read subfolders too" },
    { 'p', "patch", "PATCH",
      CTL_OPT_PATCH, set_text, MEMBER(patch),
      "the patch, as YAML or JSON: {spec: {description: new}}" },
    { 0, "patch-file", "PATH",
      CTL_OPT_PATCH, set_text, MEMBER(patch_file),
      "a file with the patch, or - for standard input" },
    { 0, "prune", "SET",
      CTL_OPT_PRUNE, set_text, MEMBER(prune),
      "the set of the objects; delete others that were in it" },
    { 0, "wait", NULL,
      CTL_OPT_WAIT | CTL_OPT_NO_WAIT, set_true, MEMBER(wait),
      "wait until every host concerned has installed it" },
    { 0, "no-wait", NULL,
      CTL_OPT_NO_WAIT, set_no_wait, MEMBER(wait),
      "do not wait until it is installed (the default is to wait)" },
    { 0, "timeout", "TIME",
      CTL_OPT_WAIT | CTL_OPT_NO_WAIT, set_timeout, MEMBER(timeout_ms),
      "how long to wait: 500ms, 10s (the default), 2m" },
    { 0, "timeout", "TIME",
      CTL_OPT_AWAIT, set_long_timeout, MEMBER(timeout_ms),
      "how long to wait: 500ms, 10s (the default), 2m; until it is drained: "
      "10m (the default), 2h" },
    { 0, "for", "WHAT",
      CTL_OPT_AWAIT, set_awaited, MEMBER(drained),
      "installed (the default): all hosts concerned have it; drained: "
      "backends of a balancer are" },
    { 0, "backend", "PORT",
      CTL_OPT_AWAIT, add_text, MEMBER(backends),
      "with --for drained: this backend, instead of all that are to drain; "
      "repeatable" },
    { 0, "cascade", NULL,
      CTL_OPT_CASCADE, set_true, MEMBER(cascade),
      "also remove it from objects that refer to it" },
    { 0, "dry-run", NULL,
      CTL_OPT_DRY_RUN, set_true, MEMBER(dry_run),
      "only show what would change, down to the flows" },
    { 'm', "comment", "TEXT",
      CTL_OPT_WAIT | CTL_OPT_NO_WAIT | CTL_OPT_TOKEN | CTL_OPT_RESTORE,
      set_comment, MEMBER(comment),
      "why, for the log of changes; at most 512 bytes" },
    { 0, "diff", NULL,
      CTL_OPT_FLOWS, set_true, MEMBER(diff),
      "read the host's switch, and show what differs" },
    { 0, "diff", NULL,
      CTL_OPT_CONTENTS, set_true, MEMBER(diff),
      "show the changed fields of all objects" },
    { 0, "force", NULL,
      CTL_OPT_FORCE, set_true, MEMBER(force),
      "also undo it for objects that have changed since" },
    { 0, "force", NULL,
      CTL_OPT_REPLACE, set_true, MEMBER(force),
      "replace FILE if it is there" },
    { 'y', "yes", NULL,
      CTL_OPT_YES, set_true, MEMBER(yes),
      "do not ask, if changes since the backup are lost" },
    { 0, "with-revoked", NULL,
      CTL_OPT_RESTORE, set_true, MEMBER(with_revoked),
      "also revive tokens and rights that were revoked since" },
    { 0, "repair", NULL,
      CTL_OPT_FLOWS, set_true, MEMBER(repair),
      "with --diff: repair all differences" },
    { 0, "app", "APP",
      CTL_OPT_FLOWS | CTL_OPT_DROPS, set_text, MEMBER(app),
      "only flows of this app" },
    { 0, "stage", "STAGE",
      CTL_OPT_FLOWS, set_text, MEMBER(stage),
      "only flows in this stage's tables: acl, or firewall.acl" },
    { 0, "table", "N",
      CTL_OPT_FLOWS, set_text, MEMBER(table),
      "only flows in this table" },
    { 0, "object", "NAME",
      CTL_OPT_FLOWS, set_text, MEMBER(object),
      "only flows of this object: a port, a policy and so on" },
    { 0, "host", "HOST",
      CTL_OPT_DROPS | CTL_OPT_LOGS | CTL_OPT_EVENTS, set_text, MEMBER(host),
      "only on this host" },
    { 0, "host", "HOST",
      CTL_OPT_GET, set_text, MEMBER(host),
      "only ports on this host" },
    { 0, "network", "NETWORK",
      CTL_OPT_GET, set_text, MEMBER(network),
      "only ports in this network" },
    { 0, "network", "NETWORK",
      CTL_OPT_DROPS | CTL_OPT_LOGS | CTL_OPT_REACH | CTL_OPT_NETWORK
      | CTL_OPT_EVENTS,
      set_text, MEMBER(network),
      "only in this network" },
    { 0, "port", "PORT",
      CTL_OPT_DROPS | CTL_OPT_LOGS | CTL_OPT_EVENTS, set_text, MEMBER(port),
      "only of this port" },
    { 0, "reason", "TEXT",
      CTL_OPT_DROPS, set_text, MEMBER(reason),
      "only for this reason" },
    { 0, "policy", "POLICY",
      CTL_OPT_LOGS | CTL_OPT_EVENTS, set_text, MEMBER(policy),
      "only of this policy" },
    { 0, "loadbalancer", "NAME",
      CTL_OPT_EVENTS, set_text, MEMBER(loadbalancer),
      "only of this load balancer" },
    { 0, "since", "WHEN",
      CTL_OPT_EVENTS, set_since_or_revision, MEMBER(since),
      "past events from: 30m, 2h, 1d, \"2 hours ago\", today, yesterday, "
      "2027-01-31, "
      "2027-01-31T12:00:00Z, or a revision" },
    { 0, "since", "TIME",
      CTL_OPT_DROPS | CTL_OPT_LOGS, set_since, MEMBER(since),
      "only what is not older: 30m, 2h, 1d, today, yesterday, "
      "2027-01-31, 2027-01-31T12:00:00Z; in UTC" },
    { 0, "limit", "N",
      CTL_OPT_EVENTS, set_count, MEMBER(limit),
      "the newest N past events" },
    { 0, "follow", NULL,
      CTL_OPT_EVENTS, set_true, MEMBER(follow),
      "after past events, go on with new ones" },
    { 0, "follow", NULL,
      CTL_OPT_DROPS | CTL_OPT_LOGS, set_true, MEMBER(follow),
      "go on with packets as they come" },
    { 0, "all", NULL,
      CTL_OPT_DROPS | CTL_OPT_EVENTS, set_true, MEMBER(all),
      "also background: what is dropped in normal operation" },
    { 'w', "watch", NULL,
      CTL_OPT_GET, set_true, MEMBER(watch),
      "then show changes as they happen" },
    { 0, "kinds", "KINDS",
      CTL_OPT_EVENTS, set_text, MEMBER(kinds),
      "only these: " EVENT_KINDS_BY_COMMAS },
    { 0, "type", "TYPE",
      CTL_OPT_EVENTS, set_text, MEMBER(type),
      "of revisions, only those that changed objects of this type; bindings: "
      "where ports are" },
    { 0, "type", "TYPE",
      CTL_OPT_REVISIONS, set_text, MEMBER(type),
      "only those that changed objects of this type; bindings: where ports "
      "are" },
    { 0, "name", "NAME",
      CTL_OPT_REVISIONS, set_text, MEMBER(name),
      "with --type: only those that changed this object" },
    { 0, "who", "WHO",
      CTL_OPT_REVISIONS, set_text, MEMBER(who),
      "only those by this author: account:NAME, unix:uid=0" },
    { 0, "users", NULL,
      CTL_OPT_REVISIONS, set_true, MEMBER(users),
      "only those by users: not by hosts, probes and vmnd" },
    { 0, "since", "TIME",
      CTL_OPT_REVISIONS, set_since, MEMBER(since),
      "only those that are not older: 30m, 2h, 1d, today, yesterday, "
      "2027-01-31, 2027-01-31T12:00:00Z; in UTC" },
    { 0, "once", NULL,
      CTL_OPT_ONCE, set_true, MEMBER(once),
      "show it once, and do not clear the screen" },
    { 0, "interval", "TIME",
      CTL_OPT_ONCE | CTL_OPT_DROPS | CTL_OPT_LOGS,
      set_time, MEMBER(interval_ms),
      "how often to refresh: 500ms, 2s (the default), 1m" },
    { 0, "database", "PATH",
      CTL_OPT_DATABASE, set_text, MEMBER(database),
      "vmnd's database file (vmnd --state)" },
    { 0, "after", "PATH",
      CTL_OPT_AFTER, add_text, MEMBER(after),
      "as if the objects in this file were applied; repeatable" },
    { 0, "reply", NULL,
      CTL_OPT_REPLY, set_true, MEMBER(reply),
      "also trace the reply" },
    { 'v', "verbose", NULL,
      CTL_OPT_REPLY, set_true, MEMBER(verbose),
      "every stage that does something, not only what decides" },
    { 0, "source-ip", "ADDRESS",
      CTL_OPT_REPLY, set_text, MEMBER(source_ip),
      "of the packet: if not the port's; of outside, if not its gateway's" },
    { 0, "network", "NETWORK",
      CTL_OPT_REPLY, set_text, MEMBER(network),
      "the provider network of outside, if there are several" },
    { 0, "size", "BYTES",
      CTL_OPT_REPLY, set_count, MEMBER(size),
      "size of the packet, from its IP header on" },
    { 0, "by", "WHAT",
      CTL_OPT_REACH, set_by, MEMBER(by_port),
      "group (the default), or port" },
    { 0, "network", "NETWORK",
      CTL_OPT_RECOMMEND, set_text, MEMBER(network),
      "the network that policies are for" },
    { 0, "for", "TIME",
      CTL_OPT_RECOMMEND, set_for, MEMBER(for_s),
      "observe connections for that time first: 90s, 10m, 8h" },
    { 0, "labels", "KEYS",
      CTL_OPT_RECOMMEND, set_text, MEMBER(labels),
      "use only labels with these keys: app,tier" },
    { 0, "exact", NULL,
      CTL_OPT_RECOMMEND, set_true, MEMBER(exact),
      "allow only what was seen, port by port" },
    { 0, "enforce", NULL,
      CTL_OPT_RECOMMEND, set_true, MEMBER(enforce),
      "make policies that enforce, not shadow policies" },
    { 'o', "output", "FORMAT",
      CTL_OPT_RECOMMEND, set_raw, MEMBER(output),
      "json or yaml: the full result, instead of a file to apply" },
    { 0, "no-objects", NULL,
      CTL_OPT_SUPPORT, set_true, MEMBER(no_objects),
      "leave out all objects but hosts" },
    { 0, "unixctl", "PATH",
      CTL_OPT_SUPPORT, set_text, MEMBER(unixctl),
      "vmnd's own socket (vmnd --unixctl), if not the usual one" },
    { 0, "account", "ACCOUNT",
      CTL_OPT_TOKEN, set_text, MEMBER(account),
      "the account of the token" },
    { 0, "expires", "TIME",
      CTL_OPT_TOKEN, set_text, MEMBER(expires),
      "when it expires: 12h, 90d, 2027-01-31T12:00:00Z" },
    { 0, "out", "FILE",
      CTL_OPT_TOKEN, set_text, MEMBER(out_file),
      "write it to this new file, which only you may read" },
    { 0, "address", "ADDRESS[:PORT]",
      CTL_OPT_JOIN, set_text, MEMBER(address),
      "vmnd's address, to which the host connects (port 6640)" },
    { 0, "plain", NULL,
      CTL_OPT_JOIN, set_true, MEMBER(plain),
      "without TLS" },
    { 's', "server", "SERVER",
      CTL_OPT_GLOBAL, set_text, MEMBER(server),
      "unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT" },
    { 0, "token-file", "FILE",
      CTL_OPT_GLOBAL, set_text, MEMBER(token_file),
      "file whose first line is the token for tcp: and ssl:" },
    { 0, "ca-cert", "FILE",
      CTL_OPT_GLOBAL, set_text, MEMBER(ca_cert),
      "the CA that must have signed an ssl: server's certificate" },
    { 0, "certificate", "FILE",
      CTL_OPT_GLOBAL, set_text, MEMBER(certificate),
      "client certificate for an ssl: server, instead of a token" },
    { 0, "private-key", "FILE",
      CTL_OPT_GLOBAL, set_text, MEMBER(private_key),
      "private key of that certificate" },
    { 'h', "help", NULL,
      CTL_OPT_GLOBAL, set_true, MEMBER(help),
      "help on vmnctl or a command" },
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

/* Prints 'help', which begins in 'column', and a newline.  What would not fit
 * into HELP_WIDTH columns goes on in further lines, at HELP_COLUMN; they are
 * divided at blanks and behind commas. */
static void
print_wrapped(FILE *file, const char *help, int column)
{
    while (*help) {
        bool is_apart = *help == ' ';
        const char *word = help + is_apart;
        size_t len = strcspn(word, " ,");

        len += word[len] == ',';
        if (column + is_apart + (int) len > HELP_WIDTH) {
            fprintf(file, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
            is_apart = false;
        }
        column += fprintf(file, "%s%.*s", is_apart ? " " : "", (int) len,
                          word);
        help = word + len;
    }
    putc('\n', file);
}

void
ctl_options_help(FILE *file, uint64_t options)
{
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        char *names;
        int column;

        if (!(row->options & options)) {
            continue;
        }
        names = (row->letter
                 ? xasprintf("-%c, --%s", row->letter, row->name)
                 : xasprintf("    --%s", row->name));
        column = fprintf(file, "  %s %-*s ", names,
                         MAX(0, 24 - (int) strlen(names)),
                         row->arg ? row->arg : "");
        print_wrapped(file, row->help, column);
        free(names);
    }
}

/* Returns the values that an option accepts, separated by spaces; NULL if they
 * cannot be listed. */
static const char *
values_of(const struct option_row *row)
{
    return (row->set == set_output
            ? "table wide json yaml name custom-columns="
            : row->set == set_shown ? "table json yaml"
            : row->set == set_raw ? "json yaml"
            : row->set == set_by ? "group port"
            : row->set == set_awaited ? "installed drained"
            : !strcmp(row->name, "kinds") ? EVENT_KINDS_BY_SPACES : NULL);
}

bool
ctl_option_at(size_t i, uint64_t options, struct ctl_option_info *info)
{
    for (size_t row = 0; row < ARRAY_SIZE(option_rows); row++) {
        const struct option_row *r = &option_rows[row];

        if (r->options & options && !i--) {
            *info = (struct ctl_option_info) {
                r->letter, r->name, r->arg, values_of(r), r->help
            };
            return true;
        }
    }
    return false;
}

/* Values.  ---------------------------------------------------------------- */

static void *
member_of(struct ctl *ctl, const struct option_row *row)
{
    return (char *) ctl + row->member;
}

static bool
set_true(struct ctl *ctl, const struct option_row *row,
         const char *arg OVS_UNUSED)
{
    *(bool *) member_of(ctl, row) = true;
    return true;
}

static bool
set_no_wait(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
            const char *arg OVS_UNUSED)
{
    ctl->wait = false;
    return true;
}

static bool
set_awaited(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    ctl->drained = !strcmp(arg, "drained");
    if (!ctl->drained && strcmp(arg, "installed")) {
        ctl_usage(ctl, "--%s: must be installed or drained, not \"%s\"",
                  row->name, arg);
        return false;
    }
    return true;
}

static bool
set_text(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    char **text = member_of(ctl, row);

    free(*text);
    *text = xstrdup(arg);
    return true;
}

static bool
set_comment(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (value_check_comment(arg, &why)) {
        ctl_usage(ctl, "--%s: %s", row->name, why.text);
        vmn_error_uninit(&why);
        return false;
    }
    return set_text(ctl, row, arg);
}

static bool
add_text(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    svec_add(member_of(ctl, row), arg);
    return true;
}

/* Parses "500ms", "10s", "2m", or a number of seconds. */
static bool
set_time(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    size_t n = strspn(arg, "0123456789");
    long int value = n && n < 9 ? strtol(arg, NULL, 10) : -1;
    const char *unit = arg + n;
    long int factor = (!strcmp(unit, "ms") ? 1
                       : !*unit || !strcmp(unit, "s") ? 1000
                       : !strcmp(unit, "m") ? 60 * 1000 : 0);

    if (value < 1 || !factor || value * factor > TIMEOUT_MAX_MS) {
        ctl_usage(ctl, "--%s: must be a time such as 500ms, 10s or 2m, at "
                  "most 5m, not \"%s\"", row->name, arg);
        return false;
    }
    *(int *) member_of(ctl, row) = (int) (value * factor);
    return true;
}

static bool
set_timeout(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    ctl->timeout_given = true;
    return set_time(ctl, row, arg);
}

/* Of a drain, which may take longer than vmnd waits for anything. */
static bool
set_long_timeout(struct ctl *ctl, const struct option_row *row,
                 const char *arg)
{
    size_t n = strspn(arg, "0123456789");
    const char *unit = arg + n;
    long int factor = !strcmp(unit, "m") ? 60 : !strcmp(unit, "h") ? 3600 : 0;
    long int value = n && n < 6 ? strtol(arg, NULL, 10) : -1;

    ctl->timeout_given = true;
    if (!factor || value < 1 || value * factor * 1000 <= TIMEOUT_MAX_MS
        || value * factor > FOR_MAX_S) {
        return set_time(ctl, row, arg);
    }
    ctl->timeout_ms = (int) (value * factor * 1000);
    return true;
}

/* Parses "90s", "10m", "8h". */
static bool
set_for(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    size_t n = strspn(arg, "0123456789");
    long int value = n && n < 6 ? strtol(arg, NULL, 10) : -1;
    const char *unit = arg + n;
    long int factor = (!strcmp(unit, "s") ? 1 : !strcmp(unit, "m") ? 60
                       : !strcmp(unit, "h") ? 3600 : 0);

    if (value < 1 || !factor || value * factor > FOR_MAX_S) {
        ctl_usage(ctl, "--%s: must be a time such as 90s, 10m or 8h, at most "
                  "24h, not \"%s\"", row->name, arg);
        return false;
    }
    *(int *) member_of(ctl, row) = (int) (value * factor);
    return true;
}

/* Formats a time as VALUE_TIME_LEN characters. */
static void
put_time(time_t when, char buf[VALUE_TIME_LEN + 1])
{
    struct tm tm;

    gmtime_r(&when, &tm);
    strftime(buf, VALUE_TIME_LEN + 1, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Returns how many seconds a unit of --since has, or 0 if it is none. */
static long int
unit_seconds(const char *unit)
{
    static const struct {
        long int seconds;
        const char *names;      /* Each with a space at both sides. */
    } units[] = {
        { 1, " s sec secs second seconds " },
        { 60, " m min mins minute minutes " },
        { 3600, " h hr hrs hour hours " },
        { 86400, " d day days " },
        { 7 * 86400, " w week weeks " },
    };
    char *spaced = xasprintf(" %s ", unit);
    long int seconds = 0;

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        seconds = strstr(units[i].names, spaced) ? units[i].seconds : seconds;
    }
    free(spaced);
    return seconds;
}

/* Parses "30m", "2h", "1d", "2 hours ago", as so long ago.  Returns false if
 * it is none. */
static bool
parse_age(const char *arg, time_t *when)
{
    size_t n = strspn(arg, "0123456789");
    long int value = n && n < 9 ? strtol(arg, NULL, 10) : -1;
    const char *begin = arg + n + strspn(arg + n, " ");
    size_t len = strcspn(begin, " ");
    const char *rest = begin + len;
    char *unit = xmemdup0(begin, len);
    long int factor = unit_seconds(unit);

    free(unit);
    if (value < 0 || !factor || value > SINCE_MAX_S / factor
        || (*rest && strcmp(rest, " ago"))) {
        return false;
    }
    *when = time(NULL) - value * factor;
    return true;
}

/* Parses an age, "today", "yesterday", a day ("2027-01-31"), a minute
 * ("2027-01-31 12:00") or a time of RFC 3339, to which the others are
 * converted.  Days begin when they do in
 * UTC, as all times that are shown are. */
static bool
set_since(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    time_t when, midnight = time(NULL) / 86400 * 86400;
    char buf[VALUE_TIME_LEN + 1];

    if (parse_age(arg, &when)) {
        put_time(when, buf);
    } else if (!strcmp(arg, "today")) {
        put_time(midnight, buf);
    } else if (!strcmp(arg, "yesterday")) {
        put_time(midnight - 86400, buf);
    } else if (strlen(arg) == strlen("2027-01-31")) {
        snprintf(buf, sizeof buf, "%sT00:00:00Z", arg);
    } else if (strlen(arg) == strlen("2027-01-31 12:00")
               && (arg[10] == ' ' || arg[10] == 'T')) {
        snprintf(buf, sizeof buf, "%.10sT%.5s:00Z", arg, arg + 11);
    } else {
        ovs_strlcpy(buf, strlen(arg) < sizeof buf ? arg : "", sizeof buf);
    }
    if (value_check_time(buf, NULL)) {
        ctl_usage(ctl, "--%s: must be an age such as 30m, 2h or 1d, today, "
                  "yesterday, a day such as 2027-01-31, or a time such as "
                  "2027-01-31T12:00:00Z or \"2027-01-31 12:00\", not "
                  "\"%s\"", row->name, arg);
        return false;
    }
    return set_text(ctl, row, buf);
}

/* The same, or a revision, which stays as it is. */
static bool
set_since_or_revision(struct ctl *ctl, const struct option_row *row,
                      const char *arg)
{
    return (*arg && !arg[strspn(arg, "0123456789")]
            ? set_text(ctl, row, arg) : set_since(ctl, row, arg));
}

static bool
set_count(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    int value;

    if (!str_to_int(arg, 10, &value) || value < 1) {
        ctl_usage(ctl, "--%s: must be a number from 1, not \"%s\"",
                  row->name, arg);
        return false;
    }
    *(long int *) member_of(ctl, row) = value;
    return true;
}

static bool
set_by(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
       const char *arg)
{
    ctl->by_port = !strcmp(arg, "port");
    if (!ctl->by_port && strcmp(arg, "group")) {
        ctl_usage(ctl, "--by: must be group or port, not \"%s\"", arg);
        return false;
    }
    return true;
}

/* Sets the output format if 'arg' is one of the first 'n' formats.  Returns
 * false otherwise. */
static bool
set_format(struct ctl *ctl, const char *arg, size_t n)
{
    static const char *const formats[] = {
        [CTL_TABLE] = "table", [CTL_JSON] = "json", [CTL_YAML] = "yaml",
        [CTL_WIDE] = "wide", [CTL_NAME] = "name",
    };

    for (size_t i = 0; i < n; i++) {
        if (!strcmp(arg, formats[i])) {
            ctl->output = (enum ctl_output) i;
            return true;
        }
    }
    return false;
}

/* Takes the columns of "custom-columns=...". */
static bool
set_custom(struct ctl *ctl, const char *columns)
{
    struct vmn_error why = VMN_ERROR_INIT;

    ctl_custom_destroy(ctl->custom);
    ctl->custom = ctl_custom_parse(columns, &why);
    if (!ctl->custom) {
        ctl_usage(ctl, "--output: %s", why.text);
        vmn_error_uninit(&why);
        return false;
    }
    ctl->output = CTL_CUSTOM;
    return true;
}

/* For output of objects. */
static bool
set_output(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
           const char *arg)
{
    static const char custom[] = "custom-columns=";

    if (!strncmp(arg, custom, strlen(custom))) {
        return set_custom(ctl, arg + strlen(custom));
    }
    if (!set_format(ctl, arg, CTL_NAME + 1)) {
        ctl_usage(ctl, "--output: must be table, wide, json, yaml, name or "
                  "custom-columns=HEADING:PATH,..., not \"%s\"%s", arg,
                  strncmp(arg, "jsonpath", 8) ? ""
                  : " (-o json and jq have all of its kind)");
        return false;
    }
    return true;
}

static bool
set_path(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    struct ctl_field_path **path = member_of(ctl, row);
    struct vmn_error why = VMN_ERROR_INIT;

    if (*path) {
        ctl_field_path_uninit(*path);
        free(*path);
    }
    *path = xmalloc(sizeof **path);
    if (ctl_field_path_parse(*path, arg, &why)) {
        ctl_usage(ctl, "--%s: %s", row->name, why.text);
        vmn_error_uninit(&why);
        return false;
    }
    return true;
}

/* For output without names and additional columns. */
static bool
set_shown(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
          const char *arg)
{
    if (!set_format(ctl, arg, CTL_YAML + 1)) {
        ctl_usage(ctl, "--output: must be table, json or yaml here, not "
                  "\"%s\"", arg);
        return false;
    }
    return true;
}

/* For output that is otherwise a file for another command. */
static bool
set_raw(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
        const char *arg)
{
    if (!strcmp(arg, "table") || !set_format(ctl, arg, CTL_YAML + 1)) {
        ctl_usage(ctl, "--output: must be json or yaml here, not \"%s\"",
                  arg);
        return false;
    }
    return true;
}

/* Parsing.  -------------------------------------------------------------- */

/* The values of getopt for long options are LONG_BASE and their row; those of
 * short options are their letters, which are lower. */
#define LONG_BASE 256

/* Fills in getopt's descriptions of the rows that 'options' includes.  The
 * arrays have room for all rows. */
static void
make_getopt(uint64_t options, bool stop_at_argument, char *shorts,
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
                LONG_BASE + (int) i
            };
            if (row->letter) {
                *shorts++ = row->letter;
                if (row->arg) {
                    *shorts++ = ':';
                }
            }
        }
    }
    *shorts = '\0';
    memset(longs, 0, sizeof *longs);
}

/* Returns the row of getopt's value 'value'. */
static const struct option_row *
find_row(uint64_t options, int value)
{
    if (value >= LONG_BASE) {
        return &option_rows[value - LONG_BASE];
    }
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];

        if (row->letter == value && row->options & options) {
            return row;
        }
    }
    OVS_NOT_REACHED();
}

/* Returns the word of 'argv' by which the long option was given that getopt
 * has just read. */
static const char *
given_word(char *const argv[])
{
    /* An argument that is a word of its own comes behind the option. */
    return argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];
}

/* Returns whether the long option 'word' is the whole name of 'row'.  getopt
 * takes the beginning of a name as well, so that an option that a command does
 * not have, such as --to, would be one that it has, such as --token-file. */
static bool
is_whole_name(const char *word, const struct option_row *row)
{
    return strcspn(word, "=") == strlen("--") + strlen(row->name);
}

static const char *
option_candidate(const void *options, size_t i)
{
    struct ctl_option_info info;

    return (ctl_option_at(i, *(const uint64_t *) options, &info) ? info.name
            : NULL);
}

/* Prints an error about option 'word', and the one of the command's that is
 * probably meant, if 'guesses' says so. */
static bool
no_such_option(struct ctl *ctl, const struct ctl_command *command,
               const char *word, const char *why, bool guesses)
{
    uint64_t options = CTL_OPT_GLOBAL | (command ? command->options : 0);
    char *name = xmemdup0(word, strcspn(word, "="));
    const char *instead = guesses ? ctl_other_option(command, word) : NULL;
    const char *guess = (guesses && !instead && !strncmp(name, "--", 2)
                         ? schema_suggest(name + 2, option_candidate,
                                          &options) : NULL);

    ctl_usage(ctl, "%s: %s%s%s%s%s%s%s%s (see vmnctl %s%s--help)", word, why,
              command ? " for " : "", command ? command->name : "",
              guess ? "; did you mean \"--" : "", guess ? guess : "",
              guess ? "\"?" : "", instead ? ": " : "",
              instead ? instead : "", command ? command->name : "",
              command ? " " : "");
    free(name);
    return false;
}

/* Prints that an option was given a value, which takes none. */
static bool
no_value(struct ctl *ctl, const struct option_row *row)
{
    ctl_usage(ctl, "--%s: this option takes no value%s", row->name,
              strcmp(row->name, "wait") ? ""
              : "; --timeout TIME is how long to wait");
    return false;
}

bool
ctl_options_parse(struct ctl *ctl, const struct ctl_command *command,
                  int argc, char *argv[], int *first)
{
    struct option longs[ARRAY_SIZE(option_rows) + 1];
    char shorts[2 * ARRAY_SIZE(option_rows) + 3];
    uint64_t options = CTL_OPT_GLOBAL | (command ? command->options : 0);
    int value;

    make_getopt(options, !command, shorts, longs);
    opterr = 0;
    optind = 0;                 /* Resets getopt, including glibc's internal
                                 * state. */
    while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (value == '?' && optopt >= LONG_BASE) {
            return no_value(ctl, &option_rows[optopt - LONG_BASE]);
        }
        if (value == '?' && optopt) {
            char word[] = { '-', (char) optopt, '\0' };

            return no_such_option(ctl, command, word, "no such option", true);
        }
        if (value == '?' || value == ':') {
            return no_such_option(ctl, command, argv[optind - 1],
                                  value == ':'
                                  ? "this option needs an argument"
                                  : "no such option", value == '?');
        }

        const struct option_row *row = find_row(options, value);

        if (value >= LONG_BASE && !is_whole_name(given_word(argv), row)) {
            return no_such_option(ctl, command, given_word(argv),
                                  "no such option", true);
        }
        if (!row->set(ctl, row, optarg)) {
            return false;
        }
    }
    if (ctl->timeout_given && !ctl->wait && !ctl->help) {
        ctl_usage(ctl, "--timeout is how long to wait: %s",
                  command->options & CTL_OPT_NO_WAIT
                  ? "it cannot be combined with "
                    "--no-wait" : "give --wait too");
        return false;
    }
    *first = optind;
    return true;
}
