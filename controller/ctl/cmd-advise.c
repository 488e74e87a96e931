/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl advise placement: which VMs to move so that less goes between hosts,
 * and what each move saves.  Not for moving them (cmd-migrate.c). */

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

static void
print_saved(const json_t *move, struct ds *ds)
{
    ctl_put_bytes(ds, ctl_count(move, "saved_bytes"));
}

static const struct ctl_column columns[] = {
    { "STEP", "/step", NULL },
    { "PORTS", "/ports/*", NULL },
    { "FROM", "/from", NULL },
    { "TO", "/to", NULL },
    { "SAVES", NULL, print_saved },
    { NULL, NULL, NULL },
};

/* "memory_mb 4096, vcpus 2" */
static void
print_missing(const json_t *move, struct ds *ds)
{
    const char *kind, *sep = "";
    json_t *n;

    json_object_foreach (json_object_get(move, "missing"), kind, n) {
        ds_put_format(ds, "%s%s %"JSON_INTEGER_FORMAT, sep, kind,
                      json_integer_value(n));
        sep = ", ";
    }
}

static const struct ctl_column no_room_columns[] = {
    { "NO ROOM FOR", "/ports/*", NULL },
    { "ON", "/to", NULL },
    { "IS ON", "/from", NULL },
    { "WOULD SAVE", NULL, print_saved },
    { "MISSING", NULL, print_missing },
    { NULL, NULL, NULL },
};

/* Moves that would break a capacity. */
static void
put_no_room(const json_t *body, FILE *out)
{
    const json_t *moves = json_object_get(body, "no_room");
    json_int_t others = (ctl_count(body, "all_no_room")
                         - (json_int_t) json_array_size(moves));

    if (json_array_size(moves)) {
        putc('\n', out);
        ctl_show_table(out, no_room_columns, moves);
    }
    if (others > 0) {
        fprintf(out, "and %"JSON_INTEGER_FORMAT" %s\n", others,
                others == 1 ? "other" : "others");
    }
}

/* "1.2M bytes since TIME would have gone between hosts; with these moves 0.1M,
 * 92 % less; at most 20 VMs on a host" */
static void
put_head(const json_t *body, FILE *out)
{
    const char *since = json_string_value(json_object_get(body, "since"));
    json_int_t now = ctl_count(body, "cross_host_bytes");
    json_int_t then = ctl_count(body, "predicted_bytes");
    size_t n = json_array_size(json_object_get(body, "moves"));
    json_int_t n_sized = ctl_count(body, "hosts_with_capacity");
    struct ds ds = DS_EMPTY_INITIALIZER;

    ctl_put_bytes(&ds, now);
    ds_put_format(&ds, " bytes%s%s would have gone between hosts",
                  since ? " since " : "", since ? since : "");
    if (n) {
        ds_put_format(&ds, "; with %s ", n == 1 ? "this move" : "these moves");
        ctl_put_bytes(&ds, then);
        ds_put_format(&ds, ", %.0f %% less",
                      now ? 100.0 * (double) (now - then) / (double) now : 0);
    }
    ds_put_format(&ds, "; at most %"JSON_INTEGER_FORMAT" VMs on a host",
                  ctl_count(body, "capacity"));
    if (n_sized) {
        ds_put_format(&ds, ", or its capacity (%"JSON_INTEGER_FORMAT" %s)",
                      n_sized, n_sized == 1 ? "host" : "hosts");
    }
    fprintf(out, "%s\n", ds_cstr(&ds));
    ds_destroy(&ds);
}

static void
put_unsized(struct ctl *ctl, const json_t *body)
{
    json_int_t n = ctl_count(body, "unsized");

    if (n) {
        fprintf(ctl->err, "%"JSON_INTEGER_FORMAT" of %"JSON_INTEGER_FORMAT
                " VMs do not say what they need (`resources` of ports)\n",
                n, ctl_count(body, "vms"));
    }
}

static void
put_unused_key(struct ctl *ctl, const char *who, const json_t *key)
{
    const char *text = json_string_value(key);
    char *line;

    if (text) {
        line = xasprintf("warning: %s has a label \"%s\", so it changes "
                         "nothing\n", who, text);
        ctl_print_safely(ctl->err, line);
        free(line);
    }
}

/* Of the command line what has no effect. */
static void
put_unused(struct ctl *ctl, const json_t *body)
{
    const json_t *unused = json_object_get(body, "unused_labels");
    json_t *key;
    size_t i;

    json_array_foreach (unused, i, key) {
        put_unused_key(ctl, "no VM that counts here", key);
    }
    put_unused_key(ctl, "no host",
                   json_object_get(body, "unused_capacity_label"));
    if (ctl->host_selector && !ctl_count(body, "hosts")) {
        fprintf(ctl->err, "warning: --host-selector selects no host that VMs "
                "may go to\n");
    }
}

static void
put_fixed(struct ctl *ctl, const json_t *body)
{
    static const struct {
        const char *name, *why;
    } reasons[] = {
        { "not_selected", "not selected" },
        { "pinned", "pinned by their `host` (--move-pinned)" },
        { "many_sets", "to be apart by more than 64 values of labels" },
        { "migrating", "on the move already" },
        { "unsynced", "their host is not synced" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        json_int_t n = ctl_count(body, reasons[i].name);

        if (n) {
            fprintf(ctl->err, "%"JSON_INTEGER_FORMAT" of %"JSON_INTEGER_FORMAT
                    " VMs stay: %s\n", n, ctl_count(body, "vms"),
                    reasons[i].why);
        }
    }
}

/* What the advice lacks. */
static void
put_limits(struct ctl *ctl, const json_t *body)
{
    json_int_t unlisted = ctl_count(body, "unlisted_bytes");
    json_int_t unread = ctl_count(body, "unread_hosts");
    json_int_t full = ctl_count(body, "full_hosts");
    bool known = ctl_count(body, "pairs");

    put_unused(ctl, body);
    put_fixed(ctl, body);
    put_unsized(ctl, body);
    if (known && !json_is_true(json_object_get(body, "optimal"))) {
        fprintf(ctl->err, "other moves may save more: not all were tried\n");
    }
    if (unlisted) {
        fprintf(ctl->err, "pairs that are not kept may have up to %"
                JSON_INTEGER_FORMAT" bytes each\n", unlisted);
    }
    if (full) {
        fprintf(ctl->err, "%"JSON_INTEGER_FORMAT" %s more pairs than %s\n",
                full, full == 1 ? "host has" : "hosts have",
                full == 1 ? "its switch counts" : "their switches count");
    }
    if (unread) {
        fprintf(ctl->err, "vmnd has not read the counters of %"
                JSON_INTEGER_FORMAT" %s since it started\n", unread,
                unread == 1 ? "host" : "hosts");
    }
    if (!known) {
        fprintf(ctl->err, "no two VMs were counted: app traffic counts for "
                "networks that an object of type traffic-counts lists\n");
    }
}

static void
show(struct ctl *ctl, const json_t *body)
{
    const json_t *moves = json_object_get(body, "moves");

    put_head(body, ctl->out);
    if (json_array_size(moves)) {
        putc('\n', ctl->out);
        ctl_show_table(ctl->out, columns, moves);
    } else {
        fprintf(ctl->out, "%s\n", ctl_count(body, "pairs")
                ? "nothing to move" : "not known: nothing was counted");
    }
    put_no_room(body, ctl->out);
    fflush(ctl->out);
    put_limits(ctl, body);
}

/* All that is given is for the server to judge. */
static void
put_query(const struct ctl *ctl, struct ds *path)
{
    const struct {
        const char *name, *value;
    } params[] = {
        { "since", ctl->since },
        { "capacity", ctl->capacity },
        { "capacity_label", ctl->capacity_label },
        { "apart", ctl->apart },
        { "together", ctl->together },
        { "selector", ctl->selector },
        { "host_selector", ctl->host_selector },
        { "move_pinned", ctl->move_pinned ? "true" : NULL },
        { "move_cost", ctl->move_cost },
        { "max_moves", ctl->max_moves },
    };

    for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
        if (params[i].value) {
            ctl_append_query(path, params[i].name, params[i].value);
        }
    }
}

enum ctl_exit
ctl_cmd_advise(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    if (strcmp(args[0], "placement")) {
        return ctl_usage(ctl, "advise: must be placement, not \"%s\"",
                         args[0]);
    }
    ds_put_cstr(&path, "/v1/advice/placement");
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
