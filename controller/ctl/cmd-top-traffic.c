/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl top traffic: who sends how much to whom, as switches have counted
 * it.  Not for the work in vmnd (cmd-top.c). */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output.h"
#include "controller/ctl/output-cell.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Default of the pairs, and of the talkers, that are shown. */
#define PAIRS_DEFAULT 20
#define TALKERS_MAX 5

#define BYTES(NAME)                                     \
    static void                                         \
    print_##NAME(const json_t *item, struct ds *ds)     \
    {                                                   \
        ctl_put_bytes(ds, ctl_count(item, #NAME));          \
    }
BYTES(bytes)
BYTES(cross_host_bytes)
BYTES(sent_bytes)
BYTES(received_bytes)

static void
put_name(const json_t *item, const char *name, const char *deleted,
         struct ds *ds)
{
    const char *text = json_string_value(json_object_get(item, name));

    ds_put_format(ds, "%s%s", text ? text : "",
                  json_is_true(json_object_get(item, deleted))
                  ? " (deleted)" : "");
}

static void
print_src(const json_t *pair, struct ds *ds)
{
    put_name(pair, "src", "src_deleted", ds);
}

static void
print_dst(const json_t *pair, struct ds *ds)
{
    put_name(pair, "dst", "dst_deleted", ds);
}

static void
print_talker(const json_t *talker, struct ds *ds)
{
    put_name(talker, "name", "deleted", ds);
}

/* "hv1 > hv2", or "hv1" of both. */
static void
print_hosts(const json_t *pair, struct ds *ds)
{
    const char *src = json_string_value(json_object_get(pair, "src_host"));
    const char *dst = json_string_value(json_object_get(pair, "dst_host"));

    if (src && dst && !strcmp(src, dst)) {
        ds_put_cstr(ds, src);
    } else if (src || dst) {
        ds_put_format(ds, "%s > %s", src ? src : "?", dst ? dst : "?");
    }
}

static const struct ctl_column port_columns[] = {
    { "FROM", NULL, print_src },
    { "TO", NULL, print_dst },
    { "BYTES", NULL, print_bytes },
    { "PACKETS", "/packets", NULL },
    { "CROSS-HOST", NULL, print_cross_host_bytes },
    { "HOSTS", NULL, print_hosts },
    { NULL, NULL, NULL },
};

static const struct ctl_column group_columns[] = {
    { "FROM", NULL, print_src },
    { "TO", NULL, print_dst },
    { "BYTES", NULL, print_bytes },
    { "PACKETS", "/packets", NULL },
    { "CROSS-HOST", NULL, print_cross_host_bytes },
    { NULL, NULL, NULL },
};

static const struct ctl_column talker_columns[] = {
    { "TALKER", NULL, print_talker },
    { "SENT", NULL, print_sent_bytes },
    { "RECEIVED", NULL, print_received_bytes },
    { NULL, NULL, NULL },
};

static void
put_head(const json_t *body, FILE *out)
{
    const char *since = json_string_value(json_object_get(body, "since"));
    json_int_t same = ctl_count(body, "same_host_bytes");
    json_int_t cross = ctl_count(body, "cross_host_bytes");
    double share = json_number_value(json_object_get(body,
                                                     "cross_host_share"));
    struct ds ds = DS_EMPTY_INITIALIZER;

    ctl_put_bytes(&ds, ctl_count(body, "bytes"));
    ds_put_cstr(&ds, " bytes");
    if (since) {
        ds_put_format(&ds, " since %s", since);
    }
    if (same + cross) {
        ds_put_format(&ds, ", %.0f %% of those between ports from host to "
                      "host", 100 * share);
    }
    fprintf(out, "%s\n\n", ds_cstr(&ds));
    ds_destroy(&ds);
}

/* What the figures lack. */
static void
put_limits(struct ctl *ctl, const json_t *body)
{
    size_t n_shown = json_array_size(json_object_get(body, "pairs"));
    json_int_t n = ctl_count(body, "matching");
    json_int_t unlisted = ctl_count(body, "unlisted_bytes");
    json_int_t unread = ctl_count(body, "unread_hosts");
    json_int_t full = ctl_count(body, "full_hosts");

    if (n > (json_int_t) n_shown) {
        fprintf(ctl->err, "%"PRIuSIZE" of %"JSON_INTEGER_FORMAT" pairs; "
                "--limit N shows more\n", n_shown, n);
    }
    if (unlisted) {
        fprintf(ctl->err, "pairs that are not kept may have up to %"
                JSON_INTEGER_FORMAT" bytes each\n", unlisted);
    }
    if (unread) {
        fprintf(ctl->err, "vmnd has not read the counters of %"
                JSON_INTEGER_FORMAT" %s since it started\n", unread,
                unread == 1 ? "host" : "hosts");
    }
    if (full) {
        fprintf(ctl->err, "%"JSON_INTEGER_FORMAT" %s more pairs than %s\n",
                full, full == 1 ? "host has" : "hosts have",
                full == 1 ? "its switch counts" : "their switches count");
    }
    if (!n) {
        fprintf(ctl->err, "nothing was counted: app traffic counts for "
                "networks that an object of type traffic-counts lists\n");
    }
}

static void
show(struct ctl *ctl, const json_t *body)
{
    const char *by = json_string_value(json_object_get(body, "group_by"));
    const json_t *talkers = json_object_get(body, "talkers");
    json_t *first = json_array();

    for (size_t i = 0; i < json_array_size(talkers) && i < TALKERS_MAX; i++) {
        json_array_append(first, json_array_get(talkers, i));
    }
    put_head(body, ctl->out);
    ctl_show_table(ctl->out, talker_columns, first);
    putc('\n', ctl->out);
    ctl_show_table(ctl->out, by && !strcmp(by, "port") ? port_columns
                   : group_columns, json_object_get(body, "pairs"));
    fflush(ctl->out);
    put_limits(ctl, body);
    json_decref(first);
}

/* "label=KEY" is a label's key, all else is for the server to judge. */
static void
put_query(const struct ctl *ctl, struct ds *path)
{
    static const char prefix[] = "label=";
    const char *by = ctl->group_by;
    char *limit = xasprintf("%ld", ctl->limit ? ctl->limit : PAIRS_DEFAULT);

    if (by && !strncmp(by, prefix, strlen(prefix))) {
        ctl_append_query(path, "group_by", "label");
        ctl_append_query(path, "label", by + strlen(prefix));
    } else if (by) {
        ctl_append_query(path, "group_by", by);
    }
    if (ctl->network) {
        ctl_append_query(path, "network", ctl->network);
    }
    if (ctl->port) {
        ctl_append_query(path, "port", ctl->port);
    }
    if (ctl->since) {
        ctl_append_query(path, "since", ctl->since);
    }
    if (ctl->sort) {
        ctl_append_query(path, "sort", ctl->sort);
    }
    ctl_append_query(path, "limit", limit);
    free(limit);
}

enum ctl_exit
ctl_top_traffic(struct ctl *ctl)
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    ctl_append_path(&path, "traffic", NULL);
    put_query(ctl, &path);
    status = ctl_get(ctl, ds_cstr(&path), &reply);
    if (!status) {
        if (!ctl_show_raw(ctl, reply.body)) {
            show(ctl, reply.body);
        }
        ctl_reply_uninit(&reply);
    }
    ds_destroy(&path);
    return status;
}
