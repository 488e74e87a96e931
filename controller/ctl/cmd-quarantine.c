/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl quarantine and release: isolate ports by a quarantine object, so that
 * its deletion restores what was before. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-changes.h"
#include "controller/ctl/object-columns.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Lists.  ---------------------------------------------------------------- */

/* Returns the service of "tcp/22", "udp/53-60", "icmp", or of the name of a
 * service. */
static json_t *
service_json(const char *text)
{
    static const char *const protocols[] = {
        "any", "tcp", "udp", "sctp", "icmp", "icmpv6",
    };
    const char *slash = strchr(text, '/');
    char *head = slash ? xmemdup0(text, slash - text) : xstrdup(text);
    json_t *json = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(protocols) && !json; i++) {
        if (!strcmp(head, protocols[i])) {
            json = slash ? json_pack("{s:s, s:[s]}", "protocol", head,
                                     "ports", slash + 1)
                   : json_pack("{s:s}", "protocol", head);
        }
    }
    free(head);
    return json ? json : json_pack("{s:s}", "service", text);
}

static json_t *
allow_json(const struct ctl *ctl)
{
    json_t *rule = json_pack("{s:s}", "direction", "ingress");
    json_t *peers = json_array(), *services = json_array();

    for (size_t i = 0; i < ctl->allow_groups.n; i++) {
        json_array_append_new(peers, json_pack(
            "{s:s}", "group", ctl->allow_groups.names[i]));
    }
    for (size_t i = 0; i < ctl->allow.n; i++) {
        json_array_append_new(services, service_json(ctl->allow.names[i]));
    }
    if (json_array_size(peers)) {
        json_object_set(rule, "peers", peers);
    }
    if (json_array_size(services)) {
        json_object_set(rule, "services", services);
    }
    json_decref(peers);
    json_decref(services);
    return rule;
}

/* quarantine.  ----------------------------------------------------------- */

/* Returns the name of a quarantine by labels: runs of other characters than
 * letters and digits become a hyphen, except at the ends.  The caller frees
 * it. */
static char *
selector_name(const char *selector)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (const char *p = selector; *p; p++) {
        bool plain = ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
                      || (*p >= '0' && *p <= '9'));

        if (plain) {
            ds_put_char(&ds, *p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
        } else if (ds.length && ds_last(&ds) != '-') {
            ds_put_char(&ds, '-');
        }
    }
    ds_chomp(&ds, '-');
    return ds_steal_cstr(&ds);
}

static void
add_quarantine(const struct ctl *ctl, const char *name, int n_ports,
               char *const ports[], struct ctl_changes *changes)
{
    json_t *spec = json_object();

    if (ctl->selector) {
        json_object_set_new(spec, "selector", json_string(ctl->selector));
    }
    if (n_ports) {
        json_t *list = json_array();

        for (int i = 0; i < n_ports; i++) {
            json_array_append_new(list, json_string(ports[i]));
        }
        json_object_set_new(spec, "ports", list);
    }
    if (ctl->allow.n || ctl->allow_groups.n) {
        json_object_set_new(spec, "allow", json_pack("[o]", allow_json(ctl)));
    }
    ctl_changes_add(changes, NULL, "quarantines", name, spec, NULL);
}

/* Returns true if all of the user's texts are valid UTF-8; else prints an
 * error. */
static bool
check_utf8(struct ctl *ctl, size_t n, char *const texts[])
{
    for (size_t i = 0; i < n; i++) {
        json_t *json = texts[i] ? json_string(texts[i]) : json_null();

        if (!json) {
            ctl_usage(ctl, "quarantine: \"%s\" is not valid UTF-8",
                      texts[i]);
            return false;
        }
        json_decref(json);
    }
    return true;
}

/* Adds to CHANGES one quarantine for each port, or a single one if --name or
 * --selector says so. */
static enum ctl_exit
add_quarantines(struct ctl *ctl, int n_args, char *const args[],
                struct ctl_changes *changes)
{
    char *name;

    if (ctl->name) {
        add_quarantine(ctl, ctl->name, n_args, args, changes);
    } else if (!n_args) {
        name = selector_name(ctl->selector);
        if (!*name) {
            free(name);
            return ctl_usage(ctl, "quarantine: this --selector needs a "
                             "--name");
        }
        add_quarantine(ctl, name, 0, NULL, changes);
        free(name);
    }
    for (int i = 0; i < n_args && !ctl->name; i++) {
        add_quarantine(ctl, args[i], 1, &args[i], changes);
    }
    return CTL_DONE;
}

/* Whom it cuts off.  ------------------------------------------------------ */

/* Ports that are named, and that are asked for to name them. */
#define NAMED_MAX 20
#define LISTED_MAX 1000

/* Prints "cut off: db-1, db-2 and 18 more" of the names in 'ports', or names
 * of the objects in it; there are 'n' of them, or, with 'at_least', perhaps
 * more. */
static void
print_ports(struct ctl *ctl, const char *what, const json_t *ports, size_t n,
            bool at_least)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *port;
    size_t n_named = 0, i;

    json_array_foreach (ports, i, port) {
        const char *name = json_string_value(
            json_is_object(port) ? json_object_get(port, "name") : port);

        if (name && n_named < NAMED_MAX) {
            ds_put_format(&ds, "%s%s", n_named++ ? ", " : "", name);
        }
    }
    if (n > n_named) {
        ds_put_format(&ds, " and %s%"PRIuSIZE" more",
                      at_least ? "at least " : "", n - n_named);
    }
    if (n) {
        ctl_print_safely(ctl->out, what);
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->out, ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

static void
print_cut_off(struct ctl *ctl, const json_t *reply)
{
    const json_t *status = json_object_get(reply, "status");

    print_ports(ctl, "cut off: ", json_object_get(status, "members"),
                json_integer_value(json_object_get(status, "n_members")),
                false);
}

/* Asks which ports --selector selects, and adds them to 'ports'.  It is an
 * error if these are none, unless that is allowed. */
static enum ctl_exit
check_selected(struct ctl *ctl, json_t *ports)
{
    long int limit = ctl->limit;
    enum ctl_exit status;

    ctl->limit = ctl->dry_run ? LISTED_MAX : 1;
    status = ctl_get_list(ctl, "ports", ports);
    ctl->limit = limit;
    if (!status && !json_array_size(ports) && !ctl->allow_empty) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_format(&ds, "vmnctl: --selector \"%s\" matches no port; with "
                      "--allow-empty it is for ports that are created later\n",
                      ctl->selector);
        ctl_print_safely(ctl->err, ds_cstr(&ds));
        ds_destroy(&ds);
        status = CTL_REFUSED;
    }
    return status;
}

static bool
lists(const json_t *ports, const char *name)
{
    const json_t *port;
    size_t i;

    json_array_foreach (ports, i, port) {
        const char *other = json_string_value(json_object_get(port, "name"));

        if (other && !strcmp(other, name)) {
            return true;
        }
    }
    return false;
}

/* Prints whom a dry run, which has no status to tell, would cut off: the PORTs
 * and those in 'selected'. */
static void
print_would_be_cut_off(struct ctl *ctl, int n_args, char *const args[],
                       const json_t *selected)
{
    bool at_least = json_array_size(selected) >= LISTED_MAX;
    json_t *ports = json_array();
    const json_t *port;
    size_t i;

    for (int j = 0; j < n_args; j++) {
        if (!lists(ports, args[j])) {
            json_array_append_new(ports, json_pack("{s:s}", "name", args[j]));
        }
    }
    json_array_foreach (selected, i, port) {
        const char *name = json_string_value(json_object_get(port, "name"));

        if (n_args == 0 || !name || !lists(ports, name)) {
            json_array_append(ports, CONST_CAST(json_t *, port));
        }
    }
    print_ports(ctl, "would be cut off: ", ports, json_array_size(ports),
                at_least);
    json_decref(ports);
}

/* Sends the quarantines.  A dry run names whom they would cut off once it is
 * known that they are accepted. */
static enum ctl_exit
send_quarantines(struct ctl *ctl, int n_args, char *const args[],
                 struct ctl_changes *changes)
{
    json_t *selected = json_array();
    enum ctl_exit status = CTL_DONE;

    if (ctl->selector) {
        status = check_selected(ctl, selected);
        changes->print_more = print_cut_off;
    }
    if (!status) {
        status = ctl_changes_send(ctl, "quarantine", changes);
    }
    if (!status && ctl->dry_run && ctl->output == CTL_TABLE) {
        print_would_be_cut_off(ctl, n_args, args, selected);
    }
    json_decref(selected);
    return status;
}

enum ctl_exit
ctl_cmd_quarantine(struct ctl *ctl, int n_args, char *const args[])
{
    struct ctl_changes changes;
    enum ctl_exit status;

    if (!n_args && !ctl->selector) {
        return ctl_usage(ctl, "quarantine: give PORTs, or --selector");
    }
    for (int i = 0; i < n_args; i++) {
        if (strpbrk(args[i], "=!(")) {
            return ctl_usage(ctl, "quarantine: \"%s\" is no port's name; "
                             "ports with labels are meant by: vmnctl "
                             "quarantine --selector '%s'", args[i], args[i]);
        }
        if (strchr(args[i], '/')) {
            return ctl_usage(ctl, "quarantine: ports are named without their "
                             "type: %s, not \"%s\"",
                             strrchr(args[i], '/') + 1, args[i]);
        }
    }
    if (!check_utf8(ctl, n_args, args) || !check_utf8(ctl, 1, &ctl->selector)
        || !check_utf8(ctl, 1, &ctl->name)
        || !check_utf8(ctl, ctl->allow.n, ctl->allow.names)
        || !check_utf8(ctl, ctl->allow_groups.n, ctl->allow_groups.names)) {
        return CTL_USAGE;
    }
    if (n_args && ctl->selector && !ctl->name) {
        return ctl_usage(ctl, "quarantine: PORTs and --selector together need "
                         "a --name");
    }
    if (ctl->allow_empty && !ctl->selector) {
        return ctl_usage(ctl, "quarantine: --allow-empty is for --selector");
    }
    ctl_changes_init(&changes);
    status = add_quarantines(ctl, n_args, args, &changes);
    if (!status) {
        status = send_quarantines(ctl, n_args, args, &changes);
    }
    ctl_changes_uninit(&changes);
    return status;
}

/* release.  -------------------------------------------------------------- */

/* Appends what quarantines the port, as far as the account is told. */
static void
put_held_by(const char *name, const json_t *port, struct ds *ds)
{
    struct ds by = DS_EMPTY_INITIALIZER;
    struct ds parent = DS_EMPTY_INITIALIZER;

    ctl_path_print(port, "/status/quarantines", &by);
    ctl_path_print(port, "/spec/parent", &parent);
    if (by.length) {
        ds_put_format(ds, "; port %s is held by %s", name, ds_cstr(&by));
    } else if (!ctl_port_is_quarantined(port)) {
        ds_put_format(ds, ", and port %s is in none", name);
    } else if (parent.length) {
        ds_put_format(ds, "; port %s is quarantined as its parent, port %s, "
                      "is, or by what is not within this account's scope",
                      name, ds_cstr(&parent));
    } else {
        ds_put_format(ds, "; port %s is in a quarantine that is not within "
                      "this account's scope", name);
    }
    ds_destroy(&parent);
    ds_destroy(&by);
}

/* Prints why there is nothing to release. */
static enum ctl_exit
print_nothing_to_release(struct ctl *ctl, const char *name,
                         const json_t *port)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "vmnctl: no quarantine \"%s\"", name);
    if (port) {
        put_held_by(name, port, &ds);
    }
    ds_put_char(&ds, '\n');
    ctl_print_safely(ctl->err, ds_cstr(&ds));
    ds_destroy(&ds);
    return CTL_REFUSED;
}

/* Adds to CHANGES the deletion of the quarantine NAME and the clearing of
 * `quarantined` of the port NAME, whichever apply; if neither does, prints
 * why and fails. */
static enum ctl_exit
add_release(struct ctl *ctl, const char *name, struct ctl_changes *changes)
{
    struct ctl_reply quarantine, port;
    bool has_quarantine, has_port;
    enum ctl_exit status;

    status = ctl_get_object(ctl, "quarantines", name, &quarantine,
                            &has_quarantine);
    if (status) {
        return status;
    }
    if (has_quarantine) {
        ctl_reply_uninit(&quarantine);
        ctl_changes_add(changes, "delete", "quarantines", name, NULL,
                        "deleted");
    }
    status = ctl_get_object(ctl, "ports", name, &port, &has_port);
    if (status) {
        return status;
    }
    if (has_port && json_is_true(json_object_get(
            json_object_get(port.body, "spec"), "quarantined"))) {
        ctl_changes_add(changes, "patch", "ports", name,
                        json_pack("{s:b}", "quarantined", 0), "released");
    } else if (!has_quarantine) {
        status = print_nothing_to_release(ctl, name,
                                          has_port ? port.body : NULL);
    }
    if (has_port) {
        ctl_reply_uninit(&port);
    }
    return status;
}

/* Prints a warning if the port NAME, if there is one, is quarantined still:
 * what was released need not be all that holds it. */
static void
warn_if_still_held(struct ctl *ctl, const char *name)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct ctl_reply port;
    bool has_port;

    if (ctl_get_object(ctl, "ports", name, &port, &has_port) || !has_port) {
        return;
    }
    if (ctl_port_is_quarantined(port.body)) {
        ds_put_format(&ds, "vmnctl: warning: still quarantined");
        put_held_by(name, port.body, &ds);
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->err, ds_cstr(&ds));
    }
    ctl_reply_uninit(&port);
    ds_destroy(&ds);
}

enum ctl_exit
ctl_cmd_release(struct ctl *ctl, int n_args, char *const args[])
{
    enum ctl_exit worst = CTL_DONE;
    struct ctl_changes changes;

    ctl_changes_init(&changes);
    for (int i = 0; i < n_args && worst != CTL_UNREACHABLE; i++) {
        enum ctl_exit status = add_release(ctl, args[i], &changes);

        worst = status ? status : worst;
    }
    if (!worst) {
        worst = ctl_changes_send(ctl, "release", &changes);
        for (int i = 0; i < n_args && !worst && !ctl->dry_run; i++) {
            warn_if_still_held(ctl, args[i]);
        }
    }
    ctl_changes_uninit(&changes);
    return worst;
}
