/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl paths: latency, loss and MTU between hosts. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static void
print_latency(const json_t *path, struct ds *ds)
{
    const json_t *us = json_object_get(path, "latency_us");

    if (us) {
        ds_put_format(ds, "%.2f ms", json_number_value(us) / 1000);
    }
}

static void
print_loss(const json_t *path, struct ds *ds)
{
    json_int_t n = json_integer_value(json_object_get(path, "probes"));
    json_int_t lost = json_integer_value(json_object_get(path, "lost"));

    if (n) {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT" %%",
                      (lost * 100 + n / 2) / n);
    }
}

static const struct ctl_column columns[] = {
    { "HOST", "/host", NULL },
    { "PEER", "/peer", NULL },
    { "STATE", "/state", NULL },
    { "LATENCY", NULL, print_latency },
    { "LOSS", NULL, print_loss },
    { "MTU", "/mtu", NULL },
    { "SINCE", "/since", NULL },
    { "PORTS", "/ports", NULL },
    { "REASON", "/reason", NULL },
    { NULL, NULL, NULL },
};

static void
show(struct ctl *ctl, const json_t *body)
{
    const json_t *items = json_object_get(body, "items");
    json_int_t total = json_integer_value(json_object_get(body, "total"));
    json_int_t more = json_integer_value(json_object_get(body, "unmeasured"));
    size_t n = json_array_size(items);

    if (n) {
        ctl_show_table(ctl->out, columns, items);
        fflush(ctl->out);
    } else if (!json_is_true(json_object_get(body, "measured"))) {
        ctl_printf_safely(ctl->err, "paths are not measured: %s\n",
                          json_string_value(json_object_get(body, "reason"))
                          ? json_string_value(json_object_get(body, "reason"))
                          : "?");
    } else {
        fputs("no paths\n", ctl->err);
    }
    if (total > (json_int_t) n) {
        fprintf(ctl->err, "%"JSON_INTEGER_FORMAT" more paths: give a host, or "
                "--limit\n", total - (json_int_t) n);
    }
    if (more) {
        fprintf(ctl->err, "%"JSON_INTEGER_FORMAT" more paths are not "
                "measured\n", more);
    }
}

enum ctl_exit
ctl_cmd_paths(struct ctl *ctl, int n_args, char *const args[])
{
    static const char *const parameters[] = { "host", "peer" };
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ds_put_format(&path, "/v1/paths?limit=%ld",
                  ctl->limit ? ctl->limit : 1000L);
    for (int i = 0; i < n_args; i++) {
        ctl_append_query(&path, parameters[i], args[i]);
    }
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    ds_destroy(&path);
    if (!status) {
        if (!ctl_show_raw(ctl, reply.body)) {
            show(ctl, reply.body);
        }
        ctl_reply_uninit(&reply);
    }
    return status;
}
