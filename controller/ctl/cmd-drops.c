/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl drops: which packets were dropped, where, and why.  vmnctl logs:
 * which packets matched rules with a log. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <time.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/describe.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Prints "policies/db-in". */
static void
print_object(const json_t *drop, struct ds *ds)
{
    ctl_path_print(drop, "/object/type", ds);
    if (ds->length) {
        ds_put_char(ds, '/');
        ctl_path_print(drop, "/object/name", ds);
    }
}

static const struct ctl_column counter_columns[] = {
    { "HOST", "/host", NULL },
    { "REASON", "/reason", NULL },
    { "PACKETS", "/packets", NULL },
    { "BYTES", "/bytes", NULL },
    { "LAST", "/last", NULL },
    { "OBJECT", NULL, print_object },
    { "RULE", "/rule", NULL },
    { "OWNER", "/owner", NULL },
    { NULL, NULL, NULL },
};

/* Prints "web-1 10.0.0.1:80". */
static void
print_end(const json_t *end, struct ds *ds)
{
    size_t start = ds->length;

    ctl_path_print(end, "/port", ds);
    if (ds->length > start) {
        ds_put_char(ds, ' ');
    }
    start = ds->length;
    ctl_path_print(end, "/ip", ds);
    if (ds->length == start) {
        ctl_path_print(end, "/mac", ds);
    }
    if (json_object_get(end, "l4_port")) {
        ds_put_char(ds, ':');
        ctl_path_print(end, "/l4_port", ds);
    }
}

static void
print_src(const json_t *sample, struct ds *ds)
{
    print_end(json_object_get(sample, "src"), ds);
}

static void
print_dst(const json_t *sample, struct ds *ds)
{
    print_end(json_object_get(sample, "dst"), ds);
}

/* Prints "3 (+17)": repetitions, and samples that were suppressed. */
static void
print_count(const json_t *sample, struct ds *ds)
{
    json_int_t n = json_integer_value(json_object_get(sample, "suppressed"));

    ctl_path_print(sample, "/count", ds);
    if (n) {
        ds_put_format(ds, " (+%"JSON_INTEGER_FORMAT")", n);
    }
}

static const struct ctl_column sample_columns[] = {
    { "TIME", "/time", NULL },
    { "HOST", "/host", NULL },
    { "FROM", NULL, print_src },
    { "TO", NULL, print_dst },
    { "PROTOCOL", "/protocol", NULL },
    { "REASON", "/reason", NULL },
    { "OBJECT", NULL, print_object },
    { "RULE", "/rule", NULL },
    { "COUNT", NULL, print_count },
    { NULL, NULL, NULL },
};

/* "deny"; "would deny" of a policy that decided nothing. */
static void
print_verdict(const json_t *event, struct ds *ds)
{
    if (json_is_true(json_object_get(event, "shadow"))) {
        ds_put_cstr(ds, "would ");
    }
    ctl_path_print(event, "/verdict", ds);
}

static const struct ctl_column log_columns[] = {
    { "TIME", "/time", NULL },
    { "HOST", "/host", NULL },
    { "FROM", NULL, print_src },
    { "TO", NULL, print_dst },
    { "PROTOCOL", "/protocol", NULL },
    { "VERDICT", NULL, print_verdict },
    { "OBJECT", NULL, print_object },
    { "RULE", "/rule", NULL },
    { "COUNT", NULL, print_count },
    { NULL, NULL, NULL },
};

/* Rules with a log: their verdicts, and how many were logged. */
static const struct ctl_column log_rule_columns[] = {
    { "POLICY", "/policy", NULL },
    { "RULE", "/rule", NULL },
    { "EVENTS", "/events", NULL },
    { "LOGGED", "/logged", NULL },
    { "SUPPRESSED", "/suppressed", NULL },
    { NULL, NULL, NULL },
};

/* Of counters and of samples of drops, if no other number is given: a screen,
 * with the newest. */
#define DROPS_SHOWN 20

/* 'limit' is 0 for none. */
static void
put_filters(const struct ctl *ctl, long int limit, struct ds *path)
{
    const struct {
        const char *name, *value;
    } filters[] = {
        { "host", ctl->host }, { "app", ctl->app },
        { "reason", ctl->reason }, { "network", ctl->network },
        { "port", ctl->port }, { "policy", ctl->policy },
        { "background", ctl->all ? "true" : NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        if (filters[i].value) {
            ctl_append_query(path, filters[i].name, filters[i].value);
        }
    }
    if (limit) {
        char *text = xasprintf("%ld", limit);

        ctl_append_query(path, "limit", text);
        free(text);
    }
}

/* Says that 'n_shown' of what 'what' calls are not all. */
static void
say_rest(struct ctl *ctl, const char *what, size_t n_shown, json_int_t n)
{
    if (n > (json_int_t) n_shown) {
        fprintf(ctl->err, "%"PRIuSIZE" of %"JSON_INTEGER_FORMAT" %s, the "
                "newest; --limit N shows more\n", n_shown, n, what);
    }
}

/* Returns how many hosts' counters have not been read yet. */
static json_int_t
unread_hosts(const json_t *body)
{
    return json_integer_value(json_object_get(body, "unread_hosts"));
}

/* Says of how many hosts nothing is counted yet. */
static void
say_unread(struct ctl *ctl, const json_t *body)
{
    json_int_t n = unread_hosts(body);

    if (n) {
        fprintf(ctl->err, "vmnd has not read the counters of %"
                JSON_INTEGER_FORMAT" %s since it started\n", n,
                n == 1 ? "host" : "hosts");
    }
}

/* Says how much background was left out. */
static void
say_hidden(struct ctl *ctl, const json_t *body)
{
    const json_t *hidden = json_object_get(body, "hidden");
    json_int_t counters = json_integer_value(json_object_get(hidden,
                                                             "counters"));
    json_int_t packets = json_integer_value(json_object_get(hidden,
                                                            "packets"));
    json_int_t samples = json_integer_value(json_object_get(hidden,
                                                            "samples"));

    if (counters || samples) {
        fprintf(ctl->err, "hidden as background: %"JSON_INTEGER_FORMAT
                " packets of %"JSON_INTEGER_FORMAT" counters, %"
                JSON_INTEGER_FORMAT" samples; --all shows them\n", packets,
                counters, samples);
    }
}

/* Counters are by what the flows are for, and samples by who was concerned: so
 * there may be the one without the other. */
static void
show(struct ctl *ctl, const json_t *body)
{
    const json_t *counters = json_object_get(body, "counters");
    const json_t *samples = json_object_get(body, "samples");
    size_t n_counters = json_array_size(counters);
    size_t n_samples = json_array_size(samples);

    if (n_counters) {
        ctl_show_table(ctl->out, counter_columns, counters);
    } else if (n_samples && ctl->port) {
        fprintf(ctl->err, "no flow of port %s has dropped any; others "
                "dropped these, from or to it:\n", ctl->port);
    } else if (n_samples) {
        fputs("no counters; packets that were dropped:\n", ctl->err);
    } else {
        fputs(unread_hosts(body) ? "no drops are known yet\n" : "no drops\n",
              ctl->err);
    }
    fflush(ctl->err);
    if (n_counters) {
        ctl_show_nonempty_table(ctl->out, sample_columns, samples);
    } else if (n_samples) {
        ctl_show_table(ctl->out, sample_columns, samples);
    }
    fflush(ctl->out);
    say_rest(ctl, "counters", n_counters, json_integer_value(
                 json_object_get(body, "matching")));
    say_rest(ctl, "packets", n_samples, json_integer_value(
                 json_object_get(body, "samples_matching")));
    say_hidden(ctl, body);
    say_unread(ctl, body);
}

void
ctl_describe_drops(struct ctl *ctl, const json_t *body)
{
    ctl_describe_table(ctl, "Drops", counter_columns,
                       json_object_get(body, "counters"));
    ctl_describe_table(ctl, "Packets that were dropped lately", sample_columns,
                       json_object_get(body, "samples"));
}

/* Gets the samples of 'what' after the id 'after', at most 'limit' of them (0:
 * as many as the server gives). */
static enum ctl_exit
get(struct ctl *ctl, const char *what, json_int_t after, long int limit,
    struct ctl_reply *reply)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    enum ctl_exit status;

    ctl_append_path(&path, what, NULL);
    put_filters(ctl, limit, &path);
    if (after) {
        char *text = xasprintf("%"JSON_INTEGER_FORMAT, after);

        ctl_append_query(&path, "after", text);
        free(text);
    }
    status = ctl_get(ctl, ds_cstr(&path), reply);
    ds_destroy(&path);
    return status;
}

/* Prints new samples, one line each, until it is interrupted. */
static enum ctl_exit
follow(struct ctl *ctl, const char *what, const char *member,
       const struct ctl_column *columns)
{
    const struct timespec interval = {
        ctl->interval_ms / 1000, ctl->interval_ms % 1000 * 1000000L,
    };
    json_int_t after = 0, newest;
    struct ctl_reply reply;
    enum ctl_exit status;

    if (ctl->output == CTL_YAML) {
        return ctl_usage(ctl, "%s: --follow supports only -o table and "
                         "json", what);
    }
    while (!(status = get(ctl, what, after, ctl->limit, &reply))) {
        const json_t *items = json_object_get(reply.body, member);
        const json_t *item;
        size_t i;

        newest = json_integer_value(json_object_get(reply.body, "newest"));
        if (newest < after) {
            after = 0;          /* vmnd was restarted. */
            ctl_reply_uninit(&reply);
            continue;
        }
        after = newest;
        if (ctl->output == CTL_JSON) {
            json_array_foreach (items, i, item) {
                char *text = json_dumps(item, JSON_COMPACT);

                fprintf(ctl->out, "%s\n", text);
                free(text);
            }
        } else if (json_array_size(items)) {
            ctl_show_table(ctl->out, columns, items);
        }
        fflush(ctl->out);
        ctl_reply_uninit(&reply);
        nanosleep(&interval, NULL);
    }
    return status;
}

enum ctl_exit
ctl_cmd_drops(struct ctl *ctl, int n_args OVS_UNUSED,
              char *const args[] OVS_UNUSED)
{
    struct ctl_reply reply;
    enum ctl_exit status;

    if (ctl->follow) {
        return follow(ctl, "drops", "samples", sample_columns);
    }
    status = get(ctl, "drops", 0, (ctl->limit || ctl->output != CTL_TABLE
                                   ? ctl->limit : DROPS_SHOWN), &reply);
    if (!status) {
        if (!ctl_show_raw(ctl, reply.body)) {
            show(ctl, reply.body);
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}

enum ctl_exit
ctl_cmd_logs(struct ctl *ctl, int n_args OVS_UNUSED,
             char *const args[] OVS_UNUSED)
{
    struct ctl_reply reply;
    enum ctl_exit status;

    if (ctl->follow) {
        return follow(ctl, "logs", "items", log_columns);
    }
    status = get(ctl, "logs", 0, ctl->limit, &reply);
    if (!status) {
        const json_t *items = json_object_get(reply.body, "items");

        if (ctl_show_raw(ctl, reply.body)) {
        } else if (json_array_size(items)) {
            ctl_show_table(ctl->out, log_columns, items);
            ctl_show_nonempty_table(ctl->out, log_rule_columns,
                                    json_object_get(reply.body, "rules"));
        } else {
            fputs("no events\n", ctl->err);
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}
