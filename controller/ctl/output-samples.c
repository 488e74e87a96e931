/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of packets: requests for them, and their columns; see
 * output-samples.h. */

#include <config.h>

#include "controller/ctl/output-samples.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/ctl.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
ctl_sample_object(const json_t *drop, struct ds *ds)
{
    ctl_path_print(drop, "/object/type", ds);
    if (ds->length) {
        ds_put_char(ds, '/');
        ctl_path_print(drop, "/object/name", ds);
    }
}

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

/* Appends the false part too if the source is spoofed: the neighbour that it
 * announces, or perhaps the MAC address. */
void
ctl_sample_src(const json_t *sample, struct ds *ds)
{
    const json_t *src = json_object_get(sample, "src");
    const json_t *announced = json_object_get(sample, "announced");
    const char *reason = json_string_value(json_object_get(sample, "reason"));

    print_end(src, ds);
    if (reason && !strcmp(reason, "spoofed") && json_object_get(src, "ip")) {
        ds_put_cstr(ds, " (");
        if (announced) {
            ds_put_cstr(ds, "announces ");
            ctl_path_print(announced, "/ip", ds);
            ds_put_cstr(ds, " at ");
        }
        ctl_path_print(announced ? announced : src, "/mac", ds);
        ds_put_char(ds, ')');
    }
}

void
ctl_sample_dst(const json_t *sample, struct ds *ds)
{
    const json_t *connected = json_object_get(sample, "connection_dst");

    print_end(json_object_get(sample, "dst"), ds);
    if (connected) {
        ds_put_cstr(ds, " (sent to ");
        print_end(connected, ds);
        ds_put_char(ds, ')');
    }
}

void
ctl_sample_count(const json_t *sample, struct ds *ds)
{
    json_int_t n = json_integer_value(json_object_get(sample, "suppressed"));

    ctl_path_print(sample, "/count", ds);
    if (n) {
        ds_put_format(ds, " (+%"JSON_INTEGER_FORMAT")", n);
    }
}

/* Appends the filters of the command line, and the limit; 0: none. */
static void
put_filters(const struct ctl *ctl, long int limit, struct ds *path)
{
    const struct {
        const char *name, *value;
    } filters[] = {
        { "host", ctl->host }, { "app", ctl->app },
        { "reason", ctl->reason }, { "network", ctl->network },
        { "port", ctl->port }, { "policy", ctl->policy },
        { "background", ctl->all ? "true" : NULL }, { "since", ctl->since },
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

enum ctl_exit
ctl_samples_get(struct ctl *ctl, const char *what, json_int_t after,
                long int limit, struct ctl_reply *reply)
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

enum ctl_exit
ctl_samples_follow(struct ctl *ctl, const char *what, const char *member,
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
    while (!(status = ctl_samples_get(ctl, what, after, ctl->limit,
                                        &reply))) {
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

                ctl_printf_safely(ctl->out, "%s\n", text);
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
