/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl quarantine and release: ports are cut off by an object of their own,
 * so that its deletion gives back what was. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Lists.  ---------------------------------------------------------------- */

/* "tcp/22", "udp/53-60", "icmp", or the name of a service. */
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

/* Of a quarantine by labels: what is no letter or digit becomes a hyphen, of
 * which there is none at either end.  The caller frees it. */
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

static enum ctl_exit
put_quarantine(struct ctl *ctl, const char *name, int n_ports,
               char *const ports[])
{
    json_t *spec = json_object();
    json_t *body = json_pack("{s:O}", "spec", spec);
    enum ctl_exit status;

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
    status = ctl_write(ctl, "PUT", "quarantines", name, body, NULL);
    json_decref(spec);
    json_decref(body);
    return status;
}

/* Says so unless all that the user has given can be put in JSON. */
static bool
is_text(struct ctl *ctl, size_t n, char *const texts[])
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

/* The worst of what has become of several. */
static enum ctl_exit
worse(enum ctl_exit a, enum ctl_exit b)
{
    return a == CTL_REFUSED || !b ? a : b;
}

enum ctl_exit
ctl_cmd_quarantine(struct ctl *ctl, int n_args, char *const args[])
{
    enum ctl_exit worst = CTL_DONE;

    if (!n_args && !ctl->selector) {
        return ctl_usage(ctl, "quarantine: give PORTs, or --selector");
    }
    if (!is_text(ctl, n_args, args) || !is_text(ctl, 1, &ctl->selector)
        || !is_text(ctl, 1, &ctl->name)
        || !is_text(ctl, ctl->allow.n, ctl->allow.names)
        || !is_text(ctl, ctl->allow_groups.n, ctl->allow_groups.names)) {
        return CTL_USAGE;
    }
    if (n_args && ctl->selector && !ctl->name) {
        return ctl_usage(ctl, "quarantine: PORTs and --selector together need "
                         "a --name");
    }
    if (ctl->name) {
        return put_quarantine(ctl, ctl->name, n_args, args);
    }
    if (!n_args) {
        char *name = selector_name(ctl->selector);
        enum ctl_exit status;

        status = (*name ? put_quarantine(ctl, name, 0, NULL)
                  : ctl_usage(ctl, "quarantine: this --selector needs a "
                              "--name"));
        free(name);
        return status;
    }
    for (int i = 0; i < n_args && worst != CTL_UNREACHABLE; i++) {
        enum ctl_exit status = put_quarantine(ctl, args[i], 1, &args[i]);

        worst = status == CTL_UNREACHABLE ? status : worse(worst, status);
    }
    return worst;
}

/* release.  -------------------------------------------------------------- */

/* Says why there is nothing to release. */
static enum ctl_exit
say_nothing_to_release(struct ctl *ctl, const char *name,
                       const json_t *port)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "vmnctl: no quarantine \"%s\"", name);
    if (port) {
        struct ds by = DS_EMPTY_INITIALIZER;

        ctl_path_print(port, "/status/quarantines", &by);
        ds_put_format(&ds, by.length ? "; port %s is held by %s"
                      : ", and port %s is in none%s", name, ds_cstr(&by));
        ds_destroy(&by);
    }
    ds_put_char(&ds, '\n');
    ctl_print_safely(ctl->err, ds_cstr(&ds));
    ds_destroy(&ds);
    return CTL_REFUSED;
}

/* Ends what the port's own row says. */
static enum ctl_exit
release_port(struct ctl *ctl, const char *name)
{
    json_t *body = json_pack("{s:{s:b}}", "spec", "quarantined", 0);
    enum ctl_exit status = ctl_write(ctl, "PATCH", "ports", name, body,
                                     "released");

    json_decref(body);
    return status;
}

static enum ctl_exit
release_one(struct ctl *ctl, const char *name)
{
    struct ctl_reply quarantine, port;
    bool has_quarantine, has_port, is_held;
    enum ctl_exit status;

    status = ctl_get_object(ctl, "quarantines", name, &quarantine,
                            &has_quarantine);
    if (status) {
        return status;
    }
    if (has_quarantine) {
        ctl_reply_uninit(&quarantine);
        status = ctl_write(ctl, "DELETE", "quarantines", name, NULL,
                           "deleted");
        if (status) {
            return status;
        }
    }
    status = ctl_get_object(ctl, "ports", name, &port, &has_port);
    if (status) {
        return status;
    }
    is_held = has_port && json_is_true(json_object_get(
        json_object_get(port.body, "spec"), "quarantined"));
    if (is_held) {
        status = release_port(ctl, name);
    } else if (!has_quarantine) {
        status = say_nothing_to_release(ctl, name,
                                        has_port ? port.body : NULL);
    }
    if (has_port) {
        ctl_reply_uninit(&port);
    }
    return status;
}

enum ctl_exit
ctl_cmd_release(struct ctl *ctl, int n_args, char *const args[])
{
    enum ctl_exit worst = CTL_DONE;

    for (int i = 0; i < n_args && worst != CTL_UNREACHABLE; i++) {
        enum ctl_exit status = release_one(ctl, args[i]);

        worst = status == CTL_UNREACHABLE ? status : worse(worst, status);
    }
    return worst;
}
