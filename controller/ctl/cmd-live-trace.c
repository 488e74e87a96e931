/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl trace --live: the way of a packet that is sent, beside the predicted
 * one. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/live-trace-command.h"
#include "controller/ctl/output.h"
#include "controller/ctl/simulator-request.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "?";
}

static void
put_text(const json_t *json, const char *name, const char *before,
         struct ds *ds)
{
    if (json_is_string(json_object_get(json, name))) {
        ds_put_format(ds, "%s%s", before, text_of(json, name));
    }
}

/* Returns true if it ends where it leaves for a physical network. */
static bool
is_outside(const json_t *end)
{
    return json_is_string(json_object_get(end, "where"));
}

/* Appends "dropped on hv2: denied by rule, by firewall.policy/db-in", or
 * "leaves by @dc on hv2 as 192.0.2.1:33000 -> 198.51.100.1:53". */
static void
put_end(const json_t *end, struct ds *ds)
{
    ds_put_cstr(ds, is_outside(end) ? "leaves for outside"
                : text_of(end, "verdict"));
    put_text(end, "port", is_outside(end) ? " by " : " to ", ds);
    put_text(end, "host", " on ", ds);
    put_text(end, "leaves_as", " as ", ds);
    put_text(end, "reason", ": ", ds);
    put_text(end, "owner", ", by ", ds);
}

static void
put_ends(const json_t *trace, struct ds *ds)
{
    const json_t *seen = json_object_get(trace, "seen");
    bool kept = (!strcmp(text_of(seen, "verdict"), "delivered")
                 && !json_is_true(json_object_get(trace, "delivered")));

    ds_put_cstr(ds, "predicted: ");
    put_end(json_object_get(trace, "predicted"), ds);
    ds_put_cstr(ds, "\nseen:      ");
    put_end(seen, ds);
    ds_put_format(ds, "%s\n", kept ? " (where it was stopped: --deliver)"
                  : "");
}

static void
put_difference(const json_t *trace, struct ds *ds)
{
    if (json_is_true(json_object_get(trace, "agrees"))) {
        ds_put_cstr(ds, "no difference\n");
        return;
    }
    ds_put_format(ds, "FIRST DIFFERENCE: %s\n", text_of(trace, "difference"));
    if (json_is_true(json_object_get(trace, "changing"))) {
        ds_put_cstr(ds, "something has changed just then, or a host on the "
                    "way has not confirmed its flows yet: that may be why\n");
    }
}

/* Stages.  ---------------------------------------------------------------- */

static bool
same_host(const json_t *a, const json_t *b)
{
    return a && b && !strcmp(text_of(a, "host"), text_of(b, "host"));
}

static bool
is_result(const json_t *stage, const char *result)
{
    return !strcmp(text_of(stage, "result"), result);
}

static void
print_predicted(const json_t *stage, struct ds *ds)
{
    ds_put_cstr(ds, is_result(stage, "unexpected") ? "-" : "yes");
}

static void
print_seen(const json_t *stage, struct ds *ds)
{
    ds_put_cstr(ds, is_result(stage, "missing") ? "-"
                : is_result(stage, "differs") ? "DIFFERS" : "yes");
}

static void
put_list(const json_t *list, struct ds *ds)
{
    const json_t *text;
    size_t i;

    json_array_foreach (list, i, text) {
        ds_put_format(ds, "%s%s", ds->length ? ", " : "",
                      json_string_value(text) ? json_string_value(text) : "?");
    }
}

/* The API has with each stage what had changed when the packet came there:
 * gives that to the stage before of the same host to which it came, as what
 * that one "does". */
static void
note_what_stages_do(json_t *stages)
{
    json_t *before = NULL, *stage, *changes;
    size_t i;

    json_array_foreach (stages, i, stage) {
        changes = json_object_get(stage, "changes");
        if (same_host(before, stage) && json_array_size(changes)) {
            json_object_set(before, "does", changes);
        }
        before = stage;
    }
}

/* Of a stage that differs that alone is of interest. */
static void
print_what(const json_t *stage, struct ds *out)
{
    const char *mark = (json_is_true(json_object_get(stage, "first"))
                        ? "<-- FIRST DIFFERENCE" : NULL);
    const json_t *differences = json_object_get(stage, "differences");
    struct ds ds = DS_EMPTY_INITIALIZER;

    put_list(json_array_size(differences) ? differences
             : json_object_get(stage, "does"), &ds);
    if (mark) {
        ds_put_format(&ds, "%s%s", ds.length ? " " : "", mark);
    }
    ds_put_cstr(out, ds_cstr(&ds));
    ds_destroy(&ds);
}

static const struct ctl_column stage_columns[] = {
    { "HOST", "/host", NULL },
    { "STAGE", "/stage", NULL },
    { "PREDICTED", NULL, print_predicted },
    { "SEEN", NULL, print_seen },
    { "WHAT", NULL, print_what },
    { NULL, NULL, NULL },
};

/* Returns true for a host's first and last stage, for those that change the
 * packet, and for those that differ and the one before; of several that are
 * missing or unexpected one after the other, for the first. */
static bool
is_relevant(const json_t *before, const json_t *stage, const json_t *after)
{
    return (!same_host(before, stage) || !same_host(stage, after)
            || json_array_size(json_object_get(stage, "does"))
            || is_result(stage, "differs")
            || (is_result(stage, "same") && !is_result(after, "same"))
            || strcmp(text_of(stage, "result"), text_of(before, "result")));
}

static void
show_stages(struct ctl *ctl, json_t *stages)
{
    struct ctl_table *table = ctl_table_create(stage_columns);
    bool differs = false;
    json_t *stage;
    size_t i;

    note_what_stages_do(stages);
    json_array_foreach (stages, i, stage) {
        if (!differs && !is_result(stage, "same")) {
            json_object_set_new(stage, "first", json_true());
            differs = true;
        }
        if (ctl->verbose
            || is_relevant(i ? json_array_get(stages, i - 1) : NULL, stage,
                           json_array_get(stages, i + 1))) {
            ctl_table_add(table, stage);
        }
    }
    if (i) {
        fputc('\n', ctl->out);
        ctl_table_print(table, ctl->out);
    }
    ctl_table_destroy(table);
}

static void
show(struct ctl *ctl, const json_t *trace)
{
    const json_t *from = json_object_get(trace, "from");
    const json_t *to = json_object_get(trace, "to");
    struct ds ds = DS_EMPTY_INITIALIZER;

    ctl_print_unheard(ctl, trace);
    put_difference(trace, &ds);
    put_ends(trace, &ds);
    ds_put_format(&ds, "from %s (%s)",
                  json_is_string(json_object_get(from, "port"))
                  ? text_of(from, "port") : "outside", text_of(from, "ip"));
    put_text(from, "network", " by network ", &ds);
    put_text(from, "host", " on ", &ds);
    put_text(to, "port", " to ", &ds);
    ds_put_format(&ds, json_is_string(json_object_get(to, "port")) ? " (%s)"
                  : " to %s", text_of(to, "ip"));
    put_text(to, "network", " by network ", &ds);
    ds_put_char(&ds, '\n');
    ctl_print_safely(ctl->out, ds_cstr(&ds));
    ds_destroy(&ds);
    show_stages(ctl, json_object_get(trace, "stages"));
}

/* The command.  ----------------------------------------------------------- */

/* Returns an option that is of traces that are simulated alone, or NULL. */
static const char *
find_foreign_option(const struct ctl *ctl)
{
    return (ctl->reply ? "--reply" : ctl->size ? "--size"
            : ctl->payload ? "--payload" : ctl->after.n ? "--after" : NULL);
}

enum ctl_exit
ctl_trace_live(struct ctl *ctl, json_t *body)
{
    const char *option = find_foreign_option(ctl);
    struct ctl_reply reply;
    enum ctl_exit status;

    if (option) {
        return ctl_usage(ctl, "trace: %s cannot be combined with --live",
                         option);
    }
    json_object_del(body, "reply");
    if (ctl->deliver) {
        json_object_set_new(body, "deliver", json_true());
    }
    if (ctl->network) {
        json_object_set_new(body, "network", json_string(ctl->network));
    }
    status = ctl_call(ctl, "POST", "/v1/live-trace", body, NULL, &reply);
    if (status) {
        return ctl_comparison_exit(status);
    }
    if (!ctl_show_raw(ctl, reply.body)) {
        show(ctl, reply.body);
    }
    status = (json_is_true(json_object_get(reply.body, "agrees"))
              ? CTL_DONE : CTL_DIFFERS);
    ctl_reply_uninit(&reply);
    return status;
}
