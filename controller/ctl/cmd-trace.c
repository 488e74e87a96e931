/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl trace: the way of a packet through the network. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/live-trace-command.h"
#include "controller/ctl/other-tools.h"
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

static bool
is_one_of(const char *text, const char *const words[], size_t n)
{
    while (n && strcmp(text, words[n - 1])) {
        n--;
    }
    return n > 0;
}

/* Steps.  ---------------------------------------------------------------- */

/* Returns true if a field is an address of the packet, or a port number. */
static bool
is_address(const char *field)
{
    static const char *const fields[] = {
        "ip_src", "ip_dst", "ipv6_src", "ipv6_dst", "tcp_src", "tcp_dst",
        "udp_src", "udp_dst",
    };

    return is_one_of(field, fields, ARRAY_SIZE(fields));
}

/* Appends "ip_dst 10.0.0.100 -> 10.0.0.2", without registers; if 'short_', of
 * addresses and ports alone. */
static void
put_changes(const json_t *step, bool short_, struct ds *ds)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_object_get(step, "changes"), name, value) {
        if (short_ ? is_address(name) : strncmp(name, "reg", 3) != 0) {
            const char *from = json_string_value(json_array_get(value, 0));
            const char *to = json_string_value(json_array_get(value, 1));

            ds_put_format(ds, "%s%s %s -> %s", ds->length ? ", " : "", name,
                          from ? from : "?", to ? to : "?");
        }
    }
}

static bool
is_shadow(const json_t *step)
{
    return json_is_true(json_object_get(step, "shadow"));
}

/* Appends what leaves the decision to others: a rule that passes, and what is
 * in shadow mode. */
static void
put_leaves(const json_t *step, struct ds *ds)
{
    const char *action = text_of(step, "rule_action");

    if (is_shadow(step)) {
        ds_put_format(ds, "%sin shadow mode: would %s", ds->length ? ", " : "",
                      json_object_get(step, "rule") ? action : "isolate");
    } else if (!strcmp(action, "pass")) {
        ds_put_cstr(ds, ": pass");
    }
}

static void
put_what(const json_t *step, bool short_, struct ds *out)
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
    } else if (!strcmp(kind, "function")) {
        ds_put_format(&ds, "through %s", text_of(step, "to"));
    } else if (!strcmp(kind, "group")) {
        ds_put_cstr(&ds, "group");
    } else if (reason) {
        ds_put_format(&ds, "drop: %s", text_of(step, "reason"));
    }
    ctl_append_rule(step, ds.length ? ", " : "", &ds);
    put_leaves(step, &ds);
    put_changes(step, short_, &ds);
    ds_put_cstr(out, ds_cstr(&ds));
    ds_destroy(&ds);
}

static void
print_what(const json_t *step, struct ds *out)
{
    put_what(step, false, out);
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

/* Shows each step that does something. */
static void
show_steps(struct ctl *ctl, const json_t *leg)
{
    struct ctl_table *table = ctl_table_create(step_columns);
    const json_t *step;
    size_t i;

    json_array_foreach (json_object_get(leg, "steps"), i, step) {
        if (is_relevant(step)) {
            ctl_table_add(table, step);
        }
    }
    ctl_table_print(table, ctl->out);
    ctl_table_destroy(table);
}

/* What decides.  ---------------------------------------------------------- */

static const struct ctl_column decision_columns[] = {
    { "HOST", "/host", NULL },
    { "BY", "/by", NULL },
    { "RESULT", "/result", NULL },
    { NULL, NULL, NULL },
};

/* Appends "route to 10.1.0.0/24" for a step of a router that found one. */
static void
put_route(const json_t *step, struct ds *ds)
{
    static const char *const fields[] = { "nw_dst=", "ipv6_dst=" };

    const char *match = text_of(step, "match");

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const char *dst = strstr(match, fields[i]);

        if (dst) {
            dst += strlen(fields[i]);
            ds_put_format(ds, "route to %.*s", (int) strcspn(dst, ","), dst);
            return;
        }
    }
}

/* Appends what a step decides; nothing if it only leads on. */
static void
put_decision(const json_t *step, const char *type, struct ds *ds)
{
    const json_t *object = json_object_get(step, "object");

    if (json_object_get(step, "rule") || json_object_get(step, "reason")
        || json_object_get(step, "to") || json_object_get(step, "changes")
        || is_shadow(step)) {
        put_what(step, true, ds);
    }
    if (!ds->length && object && !strcmp(type, "routers")
        && !strcmp(text_of(step, "stage"), "router.route")) {
        put_route(step, ds);
    }
}

/* Shows what decides about the packet, host by host: rules, routes, changes of
 * addresses, ways to other hosts, and the drop. */
static void
show_decisions(struct ctl *ctl, const json_t *leg)
{
    struct ctl_table *table = ctl_table_create(decision_columns);
    const char *type = "", *name = "", *chain = NULL;
    json_t *rows = json_array();
    const json_t *step, *row;
    size_t i;

    json_array_foreach (json_object_get(leg, "steps"), i, step) {
        const char *kind = text_of(step, "kind");
        const json_t *object = json_object_get(step, "object");
        struct ds result = DS_EMPTY_INITIALIZER;
        char *by;

        if (!strcmp(kind, "lookup")) {
            type = json_is_object(object) ? text_of(object, "type") : "";
            name = json_is_object(object) ? text_of(object, "name") : "";
            chain = !strcmp(type, "chains") ? name : chain;
        }
        put_decision(step, type, &result);
        by = (chain && !strcmp(kind, "function")
              ? xasprintf("chains/%s", chain)
              : !*type || json_object_get(step, "to") ? xstrdup("-")
              : xasprintf("%s/%s", type, name));
        if (result.length && strcmp(kind, "conntrack")) {
            json_array_append_new(rows, json_pack(
                "{s:s, s:s, s:s}", "host", text_of(step, "host"), "by", by,
                "result", ds_cstr(&result)));
        }
        free(by);
        ds_destroy(&result);
    }
    json_array_foreach (rows, i, row) {
        ctl_table_add(table, row);
    }
    if (json_array_size(rows)) {
        ctl_table_print(table, ctl->out);
    } else {
        fputs("no policy, route or balancer decides\n", ctl->out);
    }
    ctl_table_destroy(table);
    json_decref(rows);
}

static void
show_leg(struct ctl *ctl, const json_t *leg)
{
    fprintf(ctl->out, "\n%s:\n", text_of(leg, "kind"));
    if (ctl->verbose) {
        show_steps(ctl, leg);
    } else {
        show_decisions(ctl, leg);
    }
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
    const json_t *payload = json_object_get(answer, "payload");

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
    if (payload) {
        /* Whatever it is, the terminal gets ASCII. */
        char *text = json_dumps(payload, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

        ds_put_format(ds, "it carries %s\n", text);
        free(text);
    } else if (json_object_get(answer, "payload_hex")) {
        ds_put_format(ds, "it carries, in hexadecimal, %s\n",
                      text_of(answer, "payload_hex"));
    }
}

/* Returns true if the packet has come back to its sender, since the network
 * itself answers it: a ping.  Other packets that are delivered to the sender
 * are for a balancer whose backend the sender is. */
static bool
is_answered(const json_t *trace, const json_t *outcome)
{
    const json_t *from = json_object_get(trace, "from");
    const json_t *leg = json_array_get(json_object_get(outcome, "legs"), 0);
    const char *port = text_of(json_object_get(outcome, "at"), "port");

    return (!strcmp(text_of(outcome, "packet"), "request")
            && !strncmp(text_of(leg, "packet"), "icmp", 4)
            && json_is_null(json_object_get(json_object_get(trace, "to"),
                                            "port"))
            && !json_object_get(json_object_get(trace, "to"), "network")
            && (json_object_get(from, "network") ? port[0] == '@'
                : !strcmp(text_of(from, "port"), port)));
}

/* Appends that the packet leaves for a physical network, "@NAME": whether
 * anybody gets it is not known. */
static void
put_outside(const json_t *outcome, struct ds *ds)
{
    const json_t *at = json_object_get(outcome, "at");
    const char *host = json_string_value(json_object_get(at, "host"));
    const char *port = text_of(at, "port");

    if (strcmp(text_of(outcome, "packet"), "request")) {
        ds_put_cstr(ds, "delivered, and its answer ");
    }
    ds_put_cstr(ds, "sent outside");
    if (host) {
        ds_put_format(ds, " by %s", host);
    }
    ds_put_format(ds, ", to physical network \"%s\": what is beyond is not "
                  "known\n", port[0] == '@' ? port + 1 : port);
}

/* Appends what an app's handler did with a packet that is delivered: answered
 * it, or passed it on. */
static void
put_handled(const json_t *trace, const json_t *outcome, struct ds *ds)
{
    const json_t *at = json_object_get(outcome, "at");
    const char *from = text_of(json_object_get(trace, "from"), "port");

    if (!strcmp(text_of(at, "port"), from)
        && !strcmp(text_of(outcome, "packet"), "request")) {
        format_reply(json_object_get(outcome, "answer"), ds);
        return;
    }
    ds_put_format(ds, "delivered to %s", text_of(at, "port"));
    put_host(at, ds);
    ds_put_cstr(ds, ", passed on by an app\n");
}

/* Appends "web-1 delivered on hv2", or where, by what and why the packet was
 * dropped. */
static void
put_outcome(const json_t *trace, const json_t *outcome, struct ds *ds)
{
    const json_t *at = json_object_get(outcome, "at");
    const char *verdict = text_of(outcome, "verdict");

    if (!strcmp(verdict, "delivered") && json_object_get(outcome, "answer")) {
        put_handled(trace, outcome, ds);
        return;
    }
    if (!strcmp(verdict, "delivered") && is_answered(trace, outcome)) {
        ds_put_format(ds, "answered by the network itself, to %s",
                      text_of(at, "port"));
        put_host(at, ds);
        ds_put_char(ds, '\n');
        return;
    }
    if (!strcmp(verdict, "delivered")
        && !strcmp(text_of(at, "where"), "outside")) {
        put_outside(outcome, ds);
        return;
    }
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
    ds_put_format(ds, ": %s\n", text_of(at, "reason"));
    if (!strcmp(verdict, "unreachable")) {
        return;
    }
    ds_put_format(ds, "by %s", text_of(at, "owner"));
    if (json_is_string(json_object_get(at, "host"))) {
        ds_put_format(ds, " in %s", text_of(at, "stage"));
    }
    ctl_append_rule(at, ": ", ds);
    ds_put_char(ds, '\n');
    ctl_append_isolation(at, "isolated in ", ", by ", "\n", ds);
    ctl_append_quarantine(at, "quarantined by ", "\n", ds);
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

/* Appends an end, such as "web-1 (10.0.0.1) on hv1", or "outside (192.0.2.1),
 * by network street". */
static void
put_end(const json_t *end, struct ds *ds)
{
    const char *network = json_string_value(json_object_get(end, "network"));
    const char *port = json_string_value(json_object_get(end, "port"));

    if (port || network) {
        ds_put_format(ds, "%s (%s)", port ? port : "outside",
                      text_of(end, "ip"));
    } else {
        ds_put_cstr(ds, text_of(end, "ip"));
    }
    put_host(end, ds);
    if (network) {
        ds_put_format(ds, " by network %s", network);
    }
}

/* Prints between whom the packet is. */
static void
show_ends(struct ctl *ctl, const json_t *trace)
{
    const json_t *from = json_object_get(trace, "from");
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (from) {
        ds_put_cstr(&ds, "from ");
        put_end(from, &ds);
        ds_put_cstr(&ds, " to ");
        put_end(json_object_get(trace, "to"), &ds);
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->out, ds_cstr(&ds));
    }
    ds_destroy(&ds);
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
        put_outcome(trace, outcome, &ds);
        ctl_print_safely(ctl->out, ds_cstr(&ds));
        ds_destroy(&ds);
        if (!i) {
            show_ends(ctl, trace);
        }
        json_array_foreach (json_object_get(outcome, "legs"), j, leg) {
            show_leg(ctl, leg);
        }
    }
    if (json_is_false(json_object_get(trace, "complete"))) {
        fputs("\nthere are more outcomes\n", ctl->out);
    }
}

/* Prints that 'service' is none, and what is probably meant. */
static enum ctl_exit
wrong_service(struct ctl *ctl, const char *service, char *const args[])
{
    json_t *scratch = json_object();
    bool swapped = ctl_set_service(scratch, args[1]);
    char *guess = ctl_guess_service(1, &args[2]);
    enum ctl_exit status;

    json_decref(scratch);
    if (swapped) {
        free(guess);
        return ctl_usage(ctl, "trace: the service comes last: vmnctl trace %s "
                         "%s %s", args[0], service, args[1]);
    }
    if (guess) {
        status = ctl_usage(ctl, service[strspn(service, "0123456789")]
                           ? "trace: no service \"%s\"; did you mean \"vmnctl "
                           "trace %s %s %s\"?"
                           : "trace: \"%s\" of which protocol? vmnctl trace "
                           "%s %s %s", service, args[0], args[1], guess);
        free(guess);
        return status;
    }
    return ctl_usage(ctl, "trace: must be tcp/PORT, udp/PORT, sctp/PORT, "
                     "icmp, icmp/TYPE, icmp/TYPE/CODE or the same of icmpv6, "
                     "not \"%s\"", service);
}

static void
set_text(json_t *body, const char *name, const char *text)
{
    if (text) {
        json_object_set_new(body, name, json_string(text));
    }
}

enum ctl_exit
ctl_cmd_trace(struct ctl *ctl, int n_args, char *const args[])
{
    json_t *body = json_pack("{s:s, s:s, s:b}", "from", args[0], "to",
                             args[1], "reply", (int) ctl->reply);
    const char *service = n_args > 2 ? args[2] : "icmp";
    struct ctl_reply reply;
    enum ctl_exit status;

    if (!body || !ctl_set_service(body, service)) {
        json_decref(body);
        return wrong_service(ctl, service, args);
    }
    if (ctl->payload && json_object_set_new(body, "payload",
                                            json_string(ctl->payload))) {
        json_decref(body);
        return ctl_usage(ctl, "trace: --payload: must be UTF-8 (payload_hex "
                         "of POST /v1/trace takes any bytes)");
    }
    if (ctl->size) {
        json_object_set_new(body, "size", json_integer(ctl->size));
    }
    if (ctl->dscp) {
        json_object_set_new(body, "dscp", json_integer(ctl->dscp));
    }
    set_text(body, "source_ip", ctl->source_ip);
    if (ctl->live) {
        status = ctl_trace_live(ctl, body);
        json_decref(body);
        return status;
    }
    if (ctl->deliver) {
        json_decref(body);
        return ctl_usage(ctl, "trace: --deliver takes --live: otherwise no "
                         "packet is sent");
    }
    set_text(body, "network", ctl->network);
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
