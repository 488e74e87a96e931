/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl reachability: which ports can reach which on a service. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/other-tools.h"
#include "controller/ctl/output.h"
#include "controller/ctl/reach-changes.h"
#include "controller/ctl/reached-services.h"
#include "controller/ctl/simulator-request.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* With more columns a list is printed instead of a matrix. */
#define COLUMNS_MAX 12

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "?";
}

/* Returns "web-1 and 4 more", which the caller frees. */
static char *
name_of_ports(const json_t *ports)
{
    const char *first = json_string_value(json_array_get(ports, 0));
    size_t n = json_array_size(ports);

    return (n > 1 ? xasprintf("%s+%"PRIuSIZE, first ? first : "?", n - 1)
            : xstrdup(first ? first : "?"));
}

/* Returns the name of a row or column: that of a group, or of a class of
 * ports. */
static char *
name_of(const json_t *reply, size_t i)
{
    const json_t *groups = json_object_get(reply, "groups");
    const char *group = json_string_value(json_array_get(groups, i));

    /* "-" would be nobody. */
    return (groups ? xstrdup(!group ? "?" : strcmp(group, "-") ? group
                             : "(no group)")
            : name_of_ports(json_object_get(json_array_get(json_object_get(
                reply, "classes"), i), "ports")));
}

static size_t
count_names(const json_t *reply)
{
    const json_t *groups = json_object_get(reply, "groups");

    return json_array_size(groups ? groups
                           : json_object_get(reply, "classes"));
}

/* Replaces the ids of classes by names. */
static json_t *
named_cell(const json_t *reply, const json_t *cell)
{
    static const char *const sides[] = { "from", "to" };
    json_t *copy = json_deep_copy(cell);

    for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
        const json_t *side = json_object_get(cell, sides[i]);

        if (json_is_string(side) && !strcmp(json_string_value(side), "-")) {
            json_object_set_new(copy, sides[i], json_string("(no group)"));
        } else if (json_is_integer(side)) {
            char *name = name_of(reply, json_integer_value(side));

            json_object_set_new(copy, sides[i], json_string(name));
            free(name);
        }
    }
    return copy;
}

static const char *
short_verdict(const char *verdict)
{
    return (!strcmp(verdict, "delivered") ? "yes"
            : !strcmp(verdict, "dropped") ? "no"
            : !strcmp(verdict, "mixed") ? "mixed" : "?");
}

/* Tables.  --------------------------------------------------------------- */

/* Returns what stands where there is no cell, of names 'i' and 'j': "self" if
 * both are one port, "apart" if no router joins them. */
static const char *
no_verdict(const json_t *reply, size_t i, size_t j)
{
    const json_t *groups = json_object_get(reply, "groups"), *pair;
    size_t k;

    if (!groups) {
        return i == j ? "self" : "apart";
    }
    json_array_foreach (json_object_get(reply, "alone"), k, pair) {
        if (json_equal(json_object_get(pair, "from"),
                       json_array_get(groups, i))
            && json_equal(json_object_get(pair, "to"),
                          json_array_get(groups, j))) {
            return "self";
        }
    }
    return "apart";
}

/* Says what the words mean that the matrix has in place of verdicts. */
static void
show_words(struct ctl *ctl, bool self, bool apart)
{
    if (self) {
        fputs("self: one port, and nobody else to ask\n", ctl->out);
    }
    if (apart) {
        fputs("apart: no router joins their networks\n", ctl->out);
    }
}

/* Fills in the words in place of verdicts that 'rows' lack, and explains
 * them. */
static void
show_no_verdicts(struct ctl *ctl, const json_t *reply, char *const names[],
                 size_t n, json_t *rows, const struct ctl_column columns[])
{
    bool self = false, apart = false;

    for (size_t i = 0; i < n * n; i++) {
        json_t *to = json_object_get(json_array_get(rows, i / n), "to");

        if (!json_object_get(to, names[i % n])) {
            const char *word = no_verdict(reply, i / n, i % n);

            json_object_set_new(to, names[i % n], json_string(word));
            self = self || !strcmp(word, "self");
            apart = apart || strcmp(word, "self");
        }
    }
    ctl_show_table(ctl->out, columns, rows);
    show_words(ctl, self, apart);
}

static void
show_matrix(struct ctl *ctl, const json_t *reply, const json_t *cells)
{
    size_t n = count_names(reply);
    struct ctl_column columns[COLUMNS_MAX + 2];
    char *names[COLUMNS_MAX], *paths[COLUMNS_MAX];
    json_t *rows = json_array();
    const json_t *cell;
    size_t i;

    memset(columns, 0, sizeof columns);
    columns[0] = (struct ctl_column) { "FROM \\ TO", "/name", NULL };
    for (i = 0; i < n; i++) {
        names[i] = name_of(reply, i);
        paths[i] = xasprintf("/to/%s", names[i]);
        columns[i + 1] = (struct ctl_column) { names[i], paths[i], NULL };
        json_array_append_new(rows, json_pack("{s:s, s:{}}", "name",
                                              names[i], "to"));
    }
    json_array_foreach (cells, i, cell) {
        for (size_t j = 0; j < n; j++) {
            if (!strcmp(names[j], text_of(cell, "from"))) {
                json_object_set_new(
                    json_object_get(json_array_get(rows, j), "to"),
                    text_of(cell, "to"), json_string(
                        short_verdict(text_of(cell, "verdict"))));
            }
        }
    }
    show_no_verdicts(ctl, reply, names, n, rows, columns);
    for (i = 0; i < n; i++) {
        free(names[i]);
        free(paths[i]);
    }
    json_decref(rows);
}

static void
print_rule(const json_t *cell, struct ds *ds)
{
    ctl_append_rule(cell, "", ds);
}

/* Appends "quarantined (web-2 to app-1, and 3 other pairs)" for each reason of
 * a cell whose ports differ. */
static void
put_exceptions(const json_t *cell, struct ds *ds)
{
    const json_t *exception;
    size_t i;

    json_array_foreach (json_object_get(cell, "exceptions"), i, exception) {
        json_int_t n = json_integer_value(json_object_get(exception,
                                                          "n_pairs"));

        ds_put_format(ds, "%s%s (%s to %s", i ? ", " : "",
                      text_of(exception, "reason"),
                      text_of(exception, "from"), text_of(exception, "to"));
        if (n > 1) {
            ds_put_format(ds, ", and %"JSON_INTEGER_FORMAT" other pair%s",
                          n - 1, n == 2 ? "" : "s");
        }
        ds_put_char(ds, ')');
    }
}

/* Prints "isolated"; "ipv6: isolated" for a cell whose parts differ. */
static void
print_reason(const json_t *cell, struct ds *ds)
{
    static const char *const parts[] = {
        "across_hosts", "same_host", "ipv4", "ipv6",
    };
    const char *reason = json_string_value(json_object_get(cell, "reason"));

    if (json_object_get(cell, "exceptions")) {
        put_exceptions(cell, ds);
        return;
    }
    if (reason) {
        ds_put_cstr(ds, reason);
    }
    ctl_append_isolation(cell, " (", ", by ", ")", ds);
    ctl_append_quarantine(cell, " by ", "", ds);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        const json_t *inner = json_object_get(cell, parts[i]);
        struct ds part = DS_EMPTY_INITIALIZER;

        if (inner) {
            print_reason(inner, &part);
        }
        if (part.length) {
            ds_put_format(ds, "%s%s: %s", ds->length ? ", " : "", parts[i],
                          ds_cstr(&part));
        }
        ds_destroy(&part);
    }
}

static const struct ctl_column cell_columns[] = {
    { "FROM", "/from", NULL },
    { "TO", "/to", NULL },
    { "VERDICT", "/verdict", NULL },
    { "REASON", NULL, print_reason },
    { "OWNER", "/owner", NULL },
    { "RULE", NULL, print_rule },
    { NULL, NULL, NULL },
};

static void
print_kind(const json_t *class, struct ds *ds)
{
    char *name = name_of_ports(json_object_get(class, "ports"));

    ds_put_cstr(ds, name);
    free(name);
}

static const struct ctl_column kind_columns[] = {
    { "KIND", NULL, print_kind },
    { "PORTS", "/ports", NULL },
    { NULL, NULL, NULL },
};

/* Names all ports of the kinds that have several. */
static void
show_kinds(struct ctl *ctl, const json_t *classes)
{
    json_t *several = json_array();
    json_t *class;
    size_t i;

    json_array_foreach (classes, i, class) {
        if (json_array_size(json_object_get(class, "ports")) > 1) {
            json_array_append(several, class);
        }
    }
    ctl_show_nonempty_table(ctl->out, kind_columns, several);
    json_decref(several);
}

/* Names the ports that nothing can reach. */
static void
show_absent(struct ctl *ctl, const json_t *reply)
{
    size_t n = json_array_size(json_object_get(reply, "absent"));
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (n) {
        ds_put_format(&ds, "\n%"PRIuSIZE" port%s on no host, on one that is "
                      "unreachable, or disabled: ", n,
                      n == 1 ? " is" : "s are");
        ctl_path_print(reply, "/absent", &ds);
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->out, ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* Names the ports that row "(no group)" is about, or the first of them. */
static void
show_ungrouped(struct ctl *ctl, const json_t *reply)
{
    json_int_t n = json_integer_value(json_object_get(reply, "n_ungrouped"));
    size_t n_named = json_array_size(json_object_get(reply, "ungrouped"));
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (n) {
        ds_put_format(&ds, "\n%"JSON_INTEGER_FORMAT" port%s in no group: ",
                      n, n == 1 ? " is" : "s are");
        ctl_path_print(reply, "/ungrouped", &ds);
        if (n > (json_int_t) n_named) {
            ds_put_format(&ds, " and %"JSON_INTEGER_FORMAT" more",
                          n - (json_int_t) n_named);
        }
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->out, ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* Returns a way as a cell: from "outside (192.0.2.1)" or "web-1+2" to
 * "floating-ips/web (192.0.2.100)". */
static json_t *
way_as_cell(const json_t *way)
{
    json_int_t n = json_integer_value(json_object_get(way, "n_ports"));
    const char *source = json_string_value(json_object_get(way, "source"));
    const char *to = json_string_value(json_object_get(way, "destination"));
    json_t *cell = json_copy(CONST_CAST(json_t *, way));
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, text_of(way, "from"));
    if (n > 1) {
        ds_put_format(&ds, "+%"JSON_INTEGER_FORMAT, n - 1);
    } else if (!n && source) {
        ds_put_format(&ds, " (%s)", source);
    }
    json_object_set_new(cell, "from", json_string(ds_cstr(&ds)));
    ds_clear(&ds);
    if (!strcmp(text_of(way, "type"), "networks")) {
        ds_put_cstr(&ds, "outside");
        if (!strcmp(text_of(way, "verdict"), "delivered")) {
            /* As "vmnctl trace" says: nobody knows who gets it. */
            json_object_set_new(cell, "verdict", json_string("sent outside"));
        }
    } else {
        ds_put_format(&ds, "%s/%s", text_of(way, "type"),
                      text_of(way, "name"));
    }
    if (to) {
        ds_put_format(&ds, " (%s)", to);
    }
    json_object_set_new(cell, "to", json_string(ds_cstr(&ds)));
    ds_destroy(&ds);
    return cell;
}

/* Shows who reaches what is no port: floating addresses, virtual IPs, and who
 * is outside. */
static void
show_ways(struct ctl *ctl, const json_t *reply)
{
    json_t *cells = json_array();
    const json_t *way;
    size_t i;

    json_array_foreach (json_object_get(reply, "ways"), i, way) {
        json_array_append_new(cells, way_as_cell(way));
    }
    ctl_show_nonempty_table(ctl->out, cell_columns, cells);
    if (json_is_true(json_object_get(reply, "more_ways"))) {
        fputs("there are more: ask for one network\n", ctl->out);
    }
    json_decref(cells);
}

/* Says how to see which pairs of ports of two groups pass, if a cell has
 * exceptions: of these only the first is named. */
static void
show_mixed(struct ctl *ctl, const json_t *refused)
{
    const json_t *cell;
    bool mixed = false;
    size_t i;

    json_array_foreach (refused, i, cell) {
        mixed |= json_object_get(cell, "exceptions") != NULL;
    }
    if (mixed) {
        fputs("in brackets: pairs that do not pass, one for each reason; --by "
              "port has all\n", ctl->out);
    }
}

static bool
passes(const json_t *cell)
{
    return !strcmp(text_of(cell, "verdict"), "delivered");
}

/* Shows all cells: those of 'refused', and then the others, as they are
 * sorted. */
static void
show_list(struct ctl *ctl, const json_t *cells, const json_t *refused)
{
    json_t *rows = json_copy(CONST_CAST(json_t *, refused));
    const json_t *cell;
    size_t i;

    json_array_foreach (cells, i, cell) {
        if (passes(cell)) {
            json_array_append(rows, CONST_CAST(json_t *, cell));
        }
    }
    ctl_show_table(ctl->out, cell_columns, rows);
    if (json_array_size(refused)
        && json_array_size(refused) < json_array_size(rows)) {
        fprintf(ctl->out, "the first %"PRIuSIZE" of %"PRIuSIZE" do not pass, "
                "or not always; the others do\n", json_array_size(refused),
                json_array_size(rows));
    }
    json_decref(rows);
}

static void
show_reply(struct ctl *ctl, const json_t *reply)
{
    json_t *cells = json_array(), *refused = json_array();
    const json_t *cell;
    size_t i;

    json_array_foreach (json_object_get(reply, "cells"), i, cell) {
        json_t *named = named_cell(reply, cell);

        json_array_append_new(cells, named);
        if (!passes(named)) {
            json_array_append(refused, named);
        }
    }
    if (!count_names(reply)) {
        fprintf(ctl->out, "no port%s%s%s is on a host: there is nobody to ask "
                "(those outside: vmnctl trace outside TO SERVICE)\n",
                ctl->network ? " of network \"" : "",
                ctl->network ? ctl->network : "", ctl->network ? "\"" : "");
    } else if (count_names(reply) <= COLUMNS_MAX) {
        show_matrix(ctl, reply, cells);
        ctl_show_nonempty_table(ctl->out, cell_columns, refused);
    } else {
        show_list(ctl, cells, refused);
    }
    show_mixed(ctl, refused);
    show_ways(ctl, reply);
    show_kinds(ctl, json_object_get(reply, "classes"));
    show_ungrouped(ctl, reply);
    show_absent(ctl, reply);
    json_decref(cells);
    json_decref(refused);
}

/* Changes.  --------------------------------------------------------------- */

/* Appends "dropped: isolated (firewall.isolated/shop|ingress)". */
static void
put_cell(const json_t *cell, struct ds *ds)
{
    const char *owner = json_string_value(json_object_get(cell, "owner"));
    struct ds reason = DS_EMPTY_INITIALIZER;

    ds_put_cstr(ds, text_of(cell, "verdict"));
    print_reason(cell, &reason);
    if (reason.length) {
        ds_put_format(ds, ": %s", ds_cstr(&reason));
    }
    ds_destroy(&reason);
    if (owner) {
        ds_put_format(ds, " (%s", owner);
        ctl_append_rule(cell, ", ", ds);
        ds_put_char(ds, ')');
    }
}

static void
print_before(const json_t *change, struct ds *ds)
{
    put_cell(json_object_get(change, "before"), ds);
}

static void
print_after(const json_t *change, struct ds *ds)
{
    put_cell(json_object_get(change, "after"), ds);
}

static const struct ctl_column change_columns[] = {
    { "FROM", "/from", NULL },
    { "TO", "/to", NULL },
    { "BEFORE", NULL, print_before },
    { "AFTER", NULL, print_after },
    { NULL, NULL, NULL },
};

void
ctl_show_reach_changes(struct ctl *ctl, const json_t *changes)
{
    if (json_array_size(changes)) {
        ctl_show_table(ctl->out, change_columns, changes);
    } else {
        fputs("no reachability would change\n", ctl->out);
    }
}

/* The command.  ---------------------------------------------------------- */

static void
put_path(const struct ctl *ctl, const json_t *service, struct ds *path)
{
    const json_t *port = json_object_get(service, "port");

    ds_put_cstr(path, "/v1/reachability");
    ctl_append_query(path, "protocol", text_of(service, "protocol"));
    if (port) {
        char *text = xasprintf("%"JSON_INTEGER_FORMAT,
                               json_integer_value(port));

        ctl_append_query(path, "port", text);
        free(text);
    }
    if (ctl->network) {
        ctl_append_query(path, "network", ctl->network);
    }
    if (!ctl->after.n) {
        ctl_append_query(path, "by", ctl->by_port ? "port" : "group");
    }
}

/* Prints that 'service' is none, and what is probably meant. */
static enum ctl_exit
wrong_service(struct ctl *ctl, char *const service[])
{
    char *guess = ctl_guess_service(1, service);
    enum ctl_exit status;

    status = (guess && !service[0][strspn(service[0], "0123456789")]
              ? ctl_usage(ctl, "reachability: \"%s\" of which protocol? "
                          "vmnctl reachability %s", service[0], guess)
              : guess
              ? ctl_usage(ctl, "reachability: no service \"%s\"; did you mean "
                          "\"vmnctl reachability %s\"?", service[0], guess)
              : ctl_usage(ctl, "reachability: must be tcp/PORT, udp/PORT, "
                          "sctp/PORT, icmp or icmpv6, not \"%s\"",
                          service[0]));
    free(guess);
    return status;
}

enum ctl_exit
ctl_cmd_reachability(struct ctl *ctl, int n_args,
                     char *const args[])
{
    json_t *service = json_object(), *body = json_object();
    struct ds path = DS_EMPTY_INITIALIZER;
    struct ctl_reply reply;
    enum ctl_exit status;

    if (!n_args || ctl->from || ctl->to) {
        json_decref(service);
        json_decref(body);
        return (n_args ? ctl_usage(ctl, "reachability: --from and --to take "
                                   "no SERVICE (vmnctl trace FROM TO %s)",
                                   args[0])
                : ctl_open_services(ctl));
    }
    if (!ctl_set_service(service, args[0])
        || json_object_get(service, "icmp_type")) {
        status = wrong_service(ctl, args);
    } else {
        status = ctl_set_after(ctl, body);
    }
    if (!status) {
        put_path(ctl, service, &path);
        status = (ctl->after.n
                  ? ctl_call(ctl, "POST", ds_cstr(&path), body, NULL, &reply)
                  : ctl_get(ctl, ds_cstr(&path), &reply));
    }
    ds_destroy(&path);
    json_decref(service);
    json_decref(body);
    if (status) {
        return ctl_comparison_exit(status);
    }

    const json_t *changes = json_object_get(reply.body, "changes");

    if (ctl_show_raw(ctl, reply.body)) {
        /* Nothing else changes. */
    } else if (ctl->after.n) {
        ctl_print_unheard(ctl, reply.body);
        ctl_show_reach_changes(ctl, changes);
    } else {
        ctl_print_unheard(ctl, reply.body);
        show_reply(ctl, reply.body);
    }
    status = json_array_size(changes) ? CTL_DIFFERS : CTL_DONE;
    ctl_reply_uninit(&reply);
    return status;
}
