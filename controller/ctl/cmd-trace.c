/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl trace: the way of a packet through the network. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-files.h"
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

enum ctl_exit
ctl_set_after(struct ctl *ctl, json_t *body)
{
    enum ctl_exit status = CTL_DONE;
    struct vmn_error why = VMN_ERROR_INIT;
    struct ctl_input input;

    ctl_input_init(&input);
    for (size_t i = 0; i < ctl->after.n && !status; i++) {
        if (ctl_input_load(&input, ctl->after.names[i], ctl->in, &why)) {
            status = ctl_usage(ctl, "%s", why.text);
            vmn_error_uninit(&why);
        }
    }
    if (!status && ctl->after.n) {
        json_object_set(body, "after", input.objects);
    }
    ctl_input_uninit(&input);
    return status;
}

static bool
put_number(json_t *body, const char *name, const char *text)
{
    int number;

    if (!str_to_int(text, 10, &number)) {
        return false;
    }
    json_object_set_new(body, name, json_integer(number));
    return true;
}

static bool
is_one_of(const char *text, const char *const words[], size_t n)
{
    while (n && strcmp(text, words[n - 1])) {
        n--;
    }
    return n > 0;
}

bool
ctl_set_service(json_t *body, const char *service)
{
    static const char *const with_ports[] = { "tcp", "udp", "sctp" };
    static const char *const with_types[] = { "icmp", "icmpv6" };
    char *copy = xstrdup(service), *rest = copy;
    const char *protocol = strsep(&rest, "/");
    bool icmp = is_one_of(protocol, with_types, ARRAY_SIZE(with_types));
    bool ok = icmp || (is_one_of(protocol, with_ports, ARRAY_SIZE(with_ports))
                       && rest);

    if (ok && rest) {
        ok = put_number(body, icmp ? "icmp_type" : "port",
                        strsep(&rest, "/"));
    }
    if (ok && rest) {
        ok = icmp && put_number(body, "icmp_code", rest);
    }
    json_object_set_new(body, "protocol", json_string(protocol));
    free(copy);
    return ok;
}

void
ctl_append_rule(const json_t *json, const char *before, struct ds *ds)
{
    const json_t *rule = json_object_get(json, "rule");

    if (rule) {
        ds_put_format(ds, "%srule %"JSON_INTEGER_FORMAT" of %s", before,
                      json_integer_value(rule),
                      text_of(json_object_get(json, "object"), "name"));
    }
}

void
ctl_print_unheard(struct ctl *ctl, const json_t *reply)
{
    const json_t *warning;
    size_t i;

    json_array_foreach (json_object_get(reply, "warnings"), i, warning) {
        char *line = xasprintf("warning: %s\n",
                               json_is_string(warning)
                               ? json_string_value(warning) : "");

        ctl_print_safely(ctl->out, line);
        free(line);
    }
}

void
ctl_append_isolation(const json_t *json, const char *before,
                     const char *after, struct ds *ds)
{
    const json_t *policies = json_object_get(json, "isolated_by");
    const json_t *policy;
    size_t i;

    if (!json_array_size(policies)) {
        return;
    }
    ds_put_format(ds, "%s%s, by ", before, text_of(json, "direction"));
    json_array_foreach (policies, i, policy) {
        ds_put_format(ds, "%s%s", i ? ", " : "", json_string_value(policy));
    }
    ds_put_cstr(ds, after);
}

/* Steps.  ---------------------------------------------------------------- */

/* Appends "ip_dst 10.0.0.100 -> 10.0.0.2", without registers. */
static void
put_changes(const json_t *step, struct ds *ds)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_object_get(step, "changes"), name, value) {
        if (strncmp(name, "reg", 3)) {
            const char *from = json_string_value(json_array_get(value, 0));
            const char *to = json_string_value(json_array_get(value, 1));

            ds_put_format(ds, "%s%s %s -> %s", ds->length ? ", " : "", name,
                          from ? from : "?", to ? to : "?");
        }
    }
}

static void
print_what(const json_t *step, struct ds *out)
{
    const char *kind = text_of(step, "kind");
    const json_t *reason = json_object_get(step, "reason");
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!strcmp(kind, "conntrack")) {
        ds_put_format(&ds, "conntrack: %s%s", text_of(step, "state"),
                      json_is_true(json_object_get(step, "commit"))
                      ? ", committed" : "");
    } else if (!strcmp(kind, "tunnel")) {
        ds_put_format(&ds, "tunnel to %s", text_of(step, "to"));
    } else if (!strcmp(kind, "provider")) {
        ds_put_format(&ds, "physical network to %s", text_of(step, "to"));
    } else if (!strcmp(kind, "group")) {
        ds_put_cstr(&ds, "group");
    } else if (reason) {
        ds_put_format(&ds, "drop: %s", text_of(step, "reason"));
    }
    ctl_append_rule(step, ds.length ? ", " : "", &ds);
    put_changes(step, &ds);
    ds_put_cstr(out, ds_cstr(&ds));
    ds_destroy(&ds);
}

static const struct ctl_column step_columns[] = {
    { "HOST", "/host", NULL },
    { "STAGE", "/stage", NULL },
    { "TABLE", "/table", NULL },
    { "OWNER", "/owner", NULL },
    { "RESULT", NULL, print_what },
    { NULL, NULL, NULL },
};

/* Returns false for flows of priority 1 or less: they are a stage's defaults,
 * or only lead to the next table. */
static bool
is_relevant(const json_t *step)
{
    const json_t *priority = json_object_get(step, "priority");

    return (!priority || json_integer_value(priority) > 1
            || json_object_get(step, "reason"));
}

static void
show_leg(struct ctl *ctl, const json_t *leg)
{
    struct ctl_table *table = ctl_table_create(step_columns);
    const json_t *step;
    size_t i;

    json_array_foreach (json_object_get(leg, "steps"), i, step) {
        if (is_relevant(step)) {
            ctl_table_add(table, step);
        }
    }
    fprintf(ctl->out, "\n%s:\n", text_of(leg, "kind"));
    ctl_table_print(table, ctl->out);
    ctl_table_destroy(table);
}

/* Outcomes.  ------------------------------------------------------------- */

/* Appends " on hv2"; nothing where that is not for the account to know. */
static void
put_host(const json_t *at, struct ds *ds)
{
    if (json_is_string(json_object_get(at, "host"))) {
        ds_put_format(ds, " on %s", text_of(at, "host"));
    }
}

/* Appends the reply of an app to the sender, if there is one. */
static void
format_reply(const json_t *answer, struct ds *ds)
{
    const json_t *at = json_object_get(answer, "at");

    if (!answer) {
        return;
    }
    ds_put_format(ds, "answered by %s", text_of(answer, "message"));
    if (at) {
        ds_put_format(ds, ": %s", text_of(answer, "verdict"));
        if (!strcmp(text_of(at, "kind"), "delivered")) {
            ds_put_format(ds, " to %s", text_of(at, "port"));
        }
        put_host(at, ds);
        if (strcmp(text_of(answer, "verdict"), "delivered")) {
            ds_put_format(ds, ", %s", text_of(at, "reason"));
        }
    }
    ds_put_char(ds, '\n');
}

/* Appends "web-1 delivered on hv2", or where, by what and why the packet was
 * dropped. */
static void
put_outcome(const json_t *outcome, struct ds *ds)
{
    const json_t *at = json_object_get(outcome, "at");
    const char *verdict = text_of(outcome, "verdict");

    if (!strcmp(verdict, "delivered")) {
        ds_put_format(ds, "delivered to %s", text_of(at, "port"));
        put_host(at, ds);
        ds_put_char(ds, '\n');
        return;
    }
    if (!strcmp(text_of(at, "kind"), "delivered")) {
        /* Another port has the address. */
        ds_put_format(ds, "%s delivered to %s", text_of(outcome, "packet"),
                      text_of(at, "port"));
        put_host(at, ds);
        ds_put_cstr(ds, ", which is not who it is for\n");
        return;
    }
    ds_put_format(ds, "%s %s", text_of(outcome, "packet"), verdict);
    put_host(at, ds);
    ds_put_format(ds, ": %s\nby %s", text_of(at, "reason"),
                  text_of(at, "owner"));
    if (json_is_string(json_object_get(at, "host"))) {
        ds_put_format(ds, " in %s", text_of(at, "stage"));
    }
    ctl_append_rule(at, ": ", ds);
    ds_put_char(ds, '\n');
    ctl_append_isolation(at, "isolated in ", "\n", ds);
    format_reply(json_object_get(outcome, "answer"), ds);
}


/* Appends which of 'n' outcomes it is, and for how many connections; an
 * account with a scope is not told that of others' balancers. */
static void
put_share(const json_t *outcome, size_t i, size_t n, struct ds *ds)
{
    const json_t *share = json_object_get(outcome, "share");

    ds_put_format(ds, "%soutcome %zu of %zu", i ? "\n" : "", i + 1, n);
    if (json_is_number(share)) {
        ds_put_format(ds, ", for %.0f %% of connections",
                      100 * json_number_value(share));
    }
    ds_put_cstr(ds, ": ");
}

static void
show_trace(struct ctl *ctl, const json_t *trace)
{
    const json_t *outcomes = json_object_get(trace, "outcomes");
    size_t n = json_array_size(outcomes);
    const json_t *outcome, *leg;
    size_t i, j;

    ctl_print_unheard(ctl, trace);
    json_array_foreach (outcomes, i, outcome) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        if (n > 1) {
            put_share(outcome, i, n, &ds);
        }
        put_outcome(outcome, &ds);
        ctl_print_safely(ctl->out, ds_cstr(&ds));
        ds_destroy(&ds);
        json_array_foreach (json_object_get(outcome, "legs"), j, leg) {
            show_leg(ctl, leg);
        }
    }
    if (json_is_false(json_object_get(trace, "complete"))) {
        fputs("\nthere are more outcomes\n", ctl->out);
    }
}

enum ctl_exit
ctl_cmd_trace(struct ctl *ctl, int n_args OVS_UNUSED, char *const args[])
{
    json_t *body = json_pack("{s:s, s:s, s:b}", "from", args[0], "to",
                             args[1], "reply", (int) ctl->reply);
    struct ctl_reply reply;
    enum ctl_exit status;

    if (!body || !ctl_set_service(body, args[2])) {
        json_decref(body);
        return ctl_usage(ctl,
                         "trace: want tcp/PORT, udp/PORT, sctp/PORT, icmp, "
                         "icmp/TYPE, icmp/TYPE/CODE or the same of icmpv6, "
                         "not \"%s\"", args[2]);
    }
    if (ctl->size) {
        json_object_set_new(body, "size", json_integer(ctl->size));
    }
    status = ctl_set_after(ctl, body);
    if (!status) {
        status = ctl_call(ctl, "POST", "/v1/trace", body, NULL, &reply);
    }
    json_decref(body);
    if (status) {
        return ctl_comparison_exit(status);
    }
    if (!ctl_show_raw(ctl, reply.body)) {
        show_trace(ctl, reply.body);
    }
    status = (strcmp(text_of(reply.body, "verdict"), "delivered")
              ? CTL_DIFFERS : CTL_DONE);
    ctl_reply_uninit(&reply);
    return status;
}
