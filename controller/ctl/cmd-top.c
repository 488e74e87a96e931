/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl top: the work that changes cause in vmnd.  Not for traffic
 * (cmd-top-traffic.c). */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "controller/ctl/output-table.h"
#include "controller/ctl/object-columns.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Default of the groups that are shown. */
#define GROUPS_DEFAULT 20
/* The groups that the server keeps. */
#define GROUPS_MAX 256
/* Classes that are shown. */
#define CLASSES_MAX 8

static json_int_t
get_count(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

/* Groups.  --------------------------------------------------------------- */

static void
print_revisions(const json_t *group, struct ds *ds)
{
    json_int_t first = get_count(group, "first_revision");
    json_int_t last = get_count(group, "revision");

    if (!last) {
        /* The state loaded at the start, or a second attempt after IDs were
         * exhausted. */
        ds_put_cstr(ds, get_count(group, "id") == 1 ? "start" : "again");
    } else if (first < last) {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT"-%"JSON_INTEGER_FORMAT,
                      first, last);
    } else {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT, last);
    }
}

/* Prints only the time of day of "2026-01-31T12:34:56.789Z". */
static void
print_time(const json_t *group, struct ds *ds)
{
    const char *text = json_string_value(json_object_get(group, "time"));
    const char *t = text ? strchr(text, 'T') : NULL;

    if (t) {
        ds_put_format(ds, "%.*s", (int) strcspn(t + 1, "Z"), t + 1);
    }
}

static void
print_who(const json_t *group, struct ds *ds)
{
    const json_t *who = json_object_get(group, "who");

    ctl_path_print(json_array_get(who, 0), "", ds);
    if (json_array_size(who) > 1) {
        ds_put_format(ds, "+%"PRIuSIZE, json_array_size(who) - 1);
    }
}

static void
print_change(const json_t *group, struct ds *ds)
{
    const json_t *change = json_array_get(json_object_get(group, "changes"),
                                          0);
    json_int_t n = get_count(group, "n_changes");

    if (change) {
        ctl_path_print(change, "/op", ds);
        ds_put_char(ds, ' ');
        ctl_path_print(change, "/type", ds);
        ds_put_char(ds, '/');
        ctl_path_print(change, "/name", ds);
    }
    if (n > 1) {
        ds_put_format(ds, " +%"JSON_INTEGER_FORMAT, n - 1);
    }
}

/* Prints "firewall 3, overlay 1": units and queries by app. */
static void
print_computed(const json_t *group, struct ds *ds)
{
    const json_t *app;
    size_t i;

    json_array_foreach (json_object_get(group, "apps"), i, app) {
        json_int_t n = get_count(app, "units") + get_count(app, "queries");

        if (n) {
            ds_put_cstr(ds, ds->length ? "," : "");
            ctl_path_print(app, "/app", ds);
            ds_put_format(ds, ":%"JSON_INTEGER_FORMAT, n);
        }
    }
}

static void
print_flows(const json_t *group, struct ds *ds)
{
    static const struct {
        const char *name;
        char sign;
    } kinds[] = { { "added", '+' }, { "changed", '~' }, { "removed", '-' } };
    const json_t *app;
    size_t i;

    for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
        json_int_t n = 0;

        json_array_foreach (json_object_get(group, "apps"), i, app) {
            n += get_count(app, kinds[kind].name);
        }
        if (n) {
            ds_put_format(ds, "%s%c%"JSON_INTEGER_FORMAT,
                          ds->length ? " " : "", kinds[kind].sign, n);
        }
    }
}

static void
print_hosts(const json_t *group, struct ds *ds)
{
    const json_t *hosts = json_object_get(group, "hosts");

    if (hosts && !get_count(hosts, "concerned")) {
        ds_put_cstr(ds, "none");
    } else if (hosts) {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT"/%"JSON_INTEGER_FORMAT,
                      get_count(hosts, "confirmed"),
                      get_count(hosts, "concerned"));
    }
}

static void
print_step(const json_t *group, const char *step, struct ds *ds)
{
    const json_t *us = json_object_get(json_object_get(group, "duration_us"),
                                       step);

    if (us) {
        ds_put_format(ds, "%.2f", json_integer_value(us) / 1000.0);
    }
}

#define STEP(NAME)                                      \
    static void                                         \
    print_##NAME(const json_t *group, struct ds *ds)    \
    {                                                   \
        print_step(group, #NAME, ds);                   \
    }
STEP(apply)
STEP(compile)
STEP(store)
STEP(send)
STEP(installed)

static const struct ctl_column group_columns[] = {
    { "REVISION", NULL, print_revisions },
    { "TIME", NULL, print_time },
    { "WHO", NULL, print_who },
    { "CHANGE", NULL, print_change },
    { "COMPUTED", NULL, print_computed },
    { "FLOWS", NULL, print_flows },
    { "HOSTS", NULL, print_hosts },
    { "APPLY", NULL, print_apply },
    { "COMPILE", NULL, print_compile },
    { "STORE", NULL, print_store },
    { "SEND", NULL, print_send },
    { "INSTALLED", NULL, print_installed },
    { NULL, NULL, NULL },
};

/* Returns the groups in reverse order: the newest first. */
static json_t *
newest_first(const json_t *groups)
{
    json_t *result = json_array();

    for (size_t i = json_array_size(groups); i; i--) {
        json_array_append(result, json_array_get(groups, i - 1));
    }
    return result;
}

/* Classes.  -------------------------------------------------------------- */

static const struct ctl_column class_columns[] = {
    { "APP", "/app", NULL },
    { "KIND", "/kind", NULL },
    { "CLASS", "/class", NULL },
    { "COMPUTED", "/here", NULL },
    { "SINCE-START", "/computed", NULL },
    { NULL, NULL, NULL },
};

/* Returns how often 'class' was computed in 'groups'. */
static json_int_t
count_class(const json_t *groups, const json_t *class)
{
    const char *app = json_string_value(json_object_get(class, "app"));
    const char *kind = json_string_value(json_object_get(class, "kind"));
    const char *name = json_string_value(json_object_get(class, "class"));
    const char *by = kind && !strcmp(kind, "query") ? "by_query" : "by_unit";
    const json_t *group, *a;
    json_int_t n = 0;
    size_t i, j;

    json_array_foreach (groups, i, group) {
        json_array_foreach (json_object_get(group, "apps"), j, a) {
            const char *s = json_string_value(json_object_get(a, "app"));

            if (app && s && name && !strcmp(s, app)) {
                n += get_count(json_object_get(a, by), name);
            }
        }
    }
    return n;
}

static int
compare_classes(const void *a_, const void *b_)
{
    const json_t *const *a = a_;
    const json_t *const *b = b_;
    json_int_t here = get_count(*b, "here") - get_count(*a, "here");
    json_int_t all = get_count(*b, "computed") - get_count(*a, "computed");

    return here ? (here < 0 ? -1 : 1) : all ? (all < 0 ? -1 : 1) : 0;
}

/* Returns the classes that were computed most in 'groups', at most 'max'. */
static json_t *
busiest(const json_t *classes, const json_t *groups, size_t max)
{
    size_t n = json_array_size(classes);
    json_t **sorted = xcalloc(MAX(n, 1), sizeof *sorted);
    json_t *result = json_array();

    for (size_t i = 0; i < n; i++) {
        sorted[i] = json_copy(json_array_get(classes, i));
        if (json_is_object(sorted[i])) {
            json_object_set_new(sorted[i], "here", json_integer(
                count_class(groups, sorted[i])));
        }
    }
    qsort(sorted, n, sizeof *sorted, compare_classes);
    for (size_t i = 0; i < n; i++) {
        if (i < max && get_count(sorted[i], "computed")) {
            json_array_append(result, sorted[i]);
        }
        json_decref(sorted[i]);
    }
    free(sorted);
    return result;
}

/* Hosts.  ---------------------------------------------------------------- */

static void
print_lag(const json_t *host, struct ds *ds)
{
    ctl_print_lag(json_object_get(host, "lag"), ds);
}

static const struct ctl_column behind_columns[] = {
    { "HOST", "/host", NULL },
    { "STATE", "/state", NULL },
    { "BEHIND", NULL, print_lag },
    { "REASON", "/reason", NULL },
    { NULL, NULL, NULL },
};

static void
show_behind(const json_t *hosts, FILE *out)
{
    const json_t *behind = json_object_get(hosts, "behind");
    json_int_t n_more = get_count(hosts, "n_behind")
                        - (json_int_t) json_array_size(behind);

    if (json_array_size(behind)) {
        ctl_show_table(out, behind_columns, behind);
        if (n_more > 0) {
            fprintf(out, "and %"JSON_INTEGER_FORMAT" more\n", n_more);
        }
        putc('\n', out);
    }
}

/* The screen.  ----------------------------------------------------------- */

static void
put_head(const json_t *body, FILE *out)
{
    const json_t *hosts = json_object_get(body, "hosts");
    json_int_t up_s = get_count(body, "uptime_s");

    fprintf(out, "up %02"JSON_INTEGER_FORMAT":%02d:%02d, "
            "revision %"JSON_INTEGER_FORMAT", %"JSON_INTEGER_FORMAT" of "
            "%"JSON_INTEGER_FORMAT" hosts synced; times in ms\n\n",
            up_s / 3600, (int) (up_s / 60 % 60), (int) (up_s % 60),
            get_count(body, "revision"), get_count(hosts, "synced"),
            get_count(hosts, "configured") - get_count(hosts, "lost"));
}

static void
show(const json_t *body, size_t max_classes, FILE *out)
{
    json_t *groups = newest_first(json_object_get(body, "items"));
    json_t *classes = busiest(json_object_get(body, "classes"), groups,
                              max_classes);

    put_head(body, out);
    show_behind(json_object_get(body, "hosts"), out);
    ctl_show_table(out, class_columns, classes);
    putc('\n', out);
    ctl_show_table(out, group_columns, groups);
    json_decref(classes);
    json_decref(groups);
}

/* Clears the terminal and prints the lines of 'text' that fit. */
static void
put_screen(FILE *out, const char *text, const struct winsize *size)
{
    fputs("\033[H\033[J", out);
    for (int row = 1; *text && row < size->ws_row; row++) {
        size_t len = strcspn(text, "\n");

        fprintf(out, "%.*s\n", (int) MIN(len, size->ws_col), text);
        text += len + (text[len] == '\n');
    }
    fflush(out);
}

static enum ctl_exit
look(struct ctl *ctl, size_t n_groups, struct ctl_reply *reply)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    char *limit = xasprintf("%"PRIuSIZE, n_groups);
    enum ctl_exit status;

    ctl_append_path(&path, "activity", NULL);
    ctl_append_query(&path, "limit", limit);
    status = ctl_get(ctl, ds_cstr(&path), reply);
    free(limit);
    ds_destroy(&path);
    return status;
}

static enum ctl_exit
show_once(struct ctl *ctl)
{
    struct ctl_reply reply;
    enum ctl_exit status = look(ctl, ctl->limit ? ctl->limit : GROUPS_DEFAULT,
                                &reply);

    if (!status) {
        if (!ctl_show_raw(ctl, reply.body)) {
            show(reply.body, CLASSES_MAX, ctl->out);
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}

static enum ctl_exit
refresh(struct ctl *ctl, const struct winsize *size)
{
    size_t n = ctl->limit ? ctl->limit : MIN(size->ws_row, GROUPS_MAX);
    struct ctl_reply reply;
    enum ctl_exit status = look(ctl, n, &reply);
    char *text = NULL;
    size_t text_size;

    if (!status) {
        FILE *file = open_memstream(&text, &text_size);

        /* Most of the screen is for groups. */
        show(reply.body, MIN(CLASSES_MAX, size->ws_row / 4), file);
        fclose(file);
        put_screen(ctl->out, text, size);
        free(text);
        ctl_reply_uninit(&reply);
    }
    return status;
}

enum ctl_exit
ctl_cmd_top(struct ctl *ctl, int n_args, char *const args[])
{
    struct winsize size;
    enum ctl_exit status;

    if (n_args) {
        return (strcmp(args[0], "traffic")
                ? ctl_usage(ctl, "top: shows \"traffic\", or without an "
                            "argument what vmnd does; not \"%s\"", args[0])
                : ctl_top_traffic(ctl));
    }
    if (ctl->group_by || ctl->sort || ctl->network || ctl->port
        || ctl->since) {
        return ctl_usage(ctl, "top: --by, --sort, --network, --port and "
                         "--since are for: vmnctl top traffic");
    }
    if (ctl->limit > GROUPS_MAX) {
        return ctl_usage(ctl, "top: --limit: at most %d groups are kept",
                         GROUPS_MAX);
    }
    if (ctl->once || ctl->output == CTL_JSON || ctl->output == CTL_YAML
        || !isatty(fileno(ctl->out))) {
        return show_once(ctl);
    }
    do {
        const struct timespec interval = {
            ctl->interval_ms / 1000, ctl->interval_ms % 1000 * 1000000L,
        };

        if (ioctl(fileno(ctl->out), TIOCGWINSZ, &size) || !size.ws_row
            || !size.ws_col) {
            size = (struct winsize) { .ws_row = 24, .ws_col = 80 };
        }
        status = refresh(ctl, &size);
        nanosleep(&interval, NULL);
    } while (!status);
    return status;
}
