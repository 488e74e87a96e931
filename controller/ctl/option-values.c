/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of vmnctl's options, checked and stored.  command-options.c has
 * the options. */

#include <config.h>

#include "controller/ctl/option-values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/ctl.h"
#include "controller/ctl/field-path.h"
#include "controller/schema/value.h"
#include "svec.h"
#include "util.h"

/* Maximum of --timeout and --interval. */
#define TIMEOUT_MAX_MS (300 * 1000)
/* Maximum of --since, as an age: ten years. */
#define SINCE_MAX_S (3660 * 86400L)
/* Maximum of --for, and of that of a capture, in hours. */
#define FOR_MAX_H 24
#define CAPTURE_MAX_H 1

static void *
member_of(struct ctl *ctl, const struct option_row *row)
{
    return (char *) ctl + row->member;
}

bool
option_set_true(struct ctl *ctl, const struct option_row *row,
                const char *arg OVS_UNUSED)
{
    *(bool *) member_of(ctl, row) = true;
    return true;
}

bool
option_set_no_wait(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
                   const char *arg OVS_UNUSED)
{
    ctl->wait = false;
    return true;
}

bool
option_set_awaited(struct ctl *ctl, const struct option_row *row,
                   const char *arg)
{
    ctl->drained = !strcmp(arg, "drained");
    if (!ctl->drained && strcmp(arg, "installed")) {
        ctl_usage(ctl, "--%s: must be installed or drained, not \"%s\"",
                  row->name, arg);
        return false;
    }
    return true;
}

bool
option_set_text(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    char **text = member_of(ctl, row);

    free(*text);
    *text = xstrdup(arg);
    return true;
}

bool
option_set_comment(struct ctl *ctl, const struct option_row *row,
                   const char *arg)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (value_check_comment(arg, &why)) {
        ctl_usage(ctl, "--%s: %s", row->name, why.text);
        vmn_error_uninit(&why);
        return false;
    }
    return option_set_text(ctl, row, arg);
}

bool
option_add_text(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    svec_add(member_of(ctl, row), arg);
    return true;
}

/* Parses "500ms", "10s", "2m", or a number of seconds. */
bool
option_set_time(struct ctl *ctl, const struct option_row *row, const char *arg)
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

bool
option_set_timeout(struct ctl *ctl, const struct option_row *row,
                   const char *arg)
{
    ctl->timeout_given = true;
    return option_set_time(ctl, row, arg);
}

/* Of a drain, which may take longer than vmnd waits for anything. */
bool
option_set_long_timeout(struct ctl *ctl, const struct option_row *row,
                        const char *arg)
{
    size_t n = strspn(arg, "0123456789");
    const char *unit = arg + n;
    long int factor = !strcmp(unit, "m") ? 60 : !strcmp(unit, "h") ? 3600 : 0;
    long int value = n && n < 6 ? strtol(arg, NULL, 10) : -1;

    ctl->timeout_given = true;
    if (!factor || value < 1 || value * factor * 1000 <= TIMEOUT_MAX_MS
        || value * factor > FOR_MAX_H * 3600) {
        return option_set_time(ctl, row, arg);
    }
    ctl->timeout_ms = (int) (value * factor * 1000);
    return true;
}

/* Parses "90s", "10m", "8h".  A capture ends sooner. */
bool
option_set_for(struct ctl *ctl, const struct option_row *row, const char *arg)
{
    size_t n = strspn(arg, "0123456789");
    long int number = n ? strtol(arg, NULL, 10) : -1;
    int max_h = (row->options & CTL_OPT_CAPTURE ? CAPTURE_MAX_H : FOR_MAX_H);
    long int value = MIN(number, max_h * 3600 + 1);
    const char *unit = arg + n;
    long int factor = (!strcmp(unit, "s") ? 1 : !strcmp(unit, "m") ? 60
                       : !strcmp(unit, "h") ? 3600 : 0);

    if (value < 1 || !factor) {
        ctl_usage(ctl, "--%s: must be a time such as 90s, 10m or 8h, not "
                  "\"%s\"", row->name, arg);
        return false;
    } else if (value * factor > max_h * 3600) {
        ctl_usage(ctl, "--%s: must be at most %dh, not \"%s\"", row->name,
                  max_h, arg);
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
 * converted.  Days begin when they do in UTC, as all times that are shown
 * are. */
bool
option_set_since(struct ctl *ctl, const struct option_row *row,
                 const char *arg)
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
    return option_set_text(ctl, row, buf);
}

/* The same, or a revision, which stays as it is. */
bool
option_set_since_or_revision(struct ctl *ctl, const struct option_row *row,
                             const char *arg)
{
    return (*arg && !arg[strspn(arg, "0123456789")]
            ? option_set_text(ctl, row, arg)
            : option_set_since(ctl, row, arg));
}

bool
option_set_count(struct ctl *ctl, const struct option_row *row,
                 const char *arg)
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

bool
option_set_by(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
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
bool
option_set_output(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
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

bool
option_set_path(struct ctl *ctl, const struct option_row *row, const char *arg)
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
bool
option_set_shown(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
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
bool
option_set_raw(struct ctl *ctl, const struct option_row *row OVS_UNUSED,
               const char *arg)
{
    if (!strcmp(arg, "table") || !set_format(ctl, arg, CTL_YAML + 1)) {
        ctl_usage(ctl, "--output: must be json or yaml here, not \"%s\"",
                  arg);
        return false;
    }
    return true;
}
