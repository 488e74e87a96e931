/* SPDX-License-Identifier: Apache-2.0
 *
 * `get --watch`; see get-watch.h.  An event only says which objects changed:
 * they are read again and shown. */

#include <config.h>

#include "controller/ctl/get-watch.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/get-output.h"
#include "controller/ctl/object-args.h"
#include "controller/ctl/object-labels.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/output.h"
#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

struct watch {
    struct ctl *ctl;
    const struct schema_table *type;
    struct sset names;          /* Those to watch; empty: all. */
    struct arena arena;         /* Owns the selector. */
    struct vmn_selector selector;
    struct sset shown;          /* Those that were shown, and exist. */
    struct ctl_column *columns; /* Of 'table', or NULL. */
    struct ctl_table *table;
};

/* Returns true if the port is on --host and in --network. */
static bool
is_there(const struct watch *w, const json_t *object)
{
    const char *host = json_string_value(json_object_get(
        json_object_get(object, "status"), "host"));
    const char *network = json_string_value(json_object_get(
        json_object_get(object, "spec"), "network"));

    return ((!w->ctl->host || (host && !strcmp(host, w->ctl->host)))
            && (!w->ctl->network
                || (network && !strcmp(network, w->ctl->network))));
}

static bool
is_asked_for(const struct watch *w, const char *name)
{
    return sset_is_empty(&w->names) || sset_contains(&w->names, name);
}

/* Output.  ---------------------------------------------------------------- */

static void
show(struct watch *w, const json_t *object)
{
    json_t *one = json_pack("[O]", object);
    json_t *typed = ctl_with_types(one, w->type);
    FILE *out = w->ctl->out;
    char *text;

    switch (w->ctl->output) {
    case CTL_JSON:
        text = json_dumps(json_array_get(typed, 0), JSON_COMPACT);
        ctl_printf_safely(out, "%s\n", text);
        free(text);
        break;
    case CTL_YAML:
        fputs("---\n", out);
        ctl_show_yaml(out, json_array_get(typed, 0), "");
        break;
    case CTL_NAME:
        ctl_show_name(out, object);
        break;
    case CTL_TABLE:
    case CTL_WIDE:
    case CTL_CUSTOM:
    default:
        ctl_get_table_add(w->ctl, w->table, json_array_get(typed, 0));
        break;
    }
    json_decref(typed);
    json_decref(one);
}

/* Prints a table once all rows of a time are in it, so that the columns
 * fit. */
static void
show_end(struct watch *w)
{
    if (w->ctl->output == CTL_TABLE || w->ctl->output == CTL_WIDE
        || w->ctl->output == CTL_CUSTOM) {
        ctl_table_print_on(w->table, w->ctl->out);
    }
}

static void
show_gone(struct watch *w, const char *name, const char *what)
{
    if (!sset_find_and_delete(&w->shown, name)) {
        return;
    }
    if (w->ctl->output == CTL_JSON) {
        fprintf(w->ctl->out, "{\"type\":\"%s\",\"name\":\"%s\",\"outcome\":"
                "\"%s\"}\n", w->type->plural, name, what);
    } else {
        show_end(w);
        fprintf(w->ctl->out, "%s%s (%s)\n",
                w->ctl->output == CTL_YAML ? "---\n# " : "", name, what);
    }
}

/* Reading.  --------------------------------------------------------------- */

/* Shows the object if it is to be watched. */
static void
show_if_watched(struct watch *w, const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));

    if (!name || !is_asked_for(w, name)) {
        return;
    } else if (!ctl_is_selected(&w->selector, object)
               || !is_there(w, object)) {
        show_gone(w, name, "no longer selected");
    } else {
        sset_add(&w->shown, name);
        show(w, object);
    }
}

static enum ctl_exit
read_one(struct watch *w, const char *name)
{
    struct ctl_reply reply;
    enum ctl_exit status;
    bool there;

    if (!is_asked_for(w, name)) {
        return CTL_DONE;
    }
    status = ctl_get_object(w->ctl, w->type->plural, name, &reply, &there);
    if (!status && there) {
        show_if_watched(w, reply.body);
        ctl_reply_uninit(&reply);
    } else if (!status) {
        show_gone(w, name, "deleted");
    }
    return status;
}

/* Reads all objects, and shows those that were deleted, too. */
static enum ctl_exit
read_all(struct watch *w)
{
    json_t *objects = json_array(), *object;
    struct sset before = SSET_INITIALIZER(&before);
    enum ctl_exit status = ctl_get_list(w->ctl, w->type->plural, objects);
    const char *name;
    size_t i;

    sset_clone(&before, &w->shown);
    sset_clear(&w->shown);
    json_array_foreach (objects, i, object) {
        show_if_watched(w, object);
    }
    SSET_FOR_EACH (name, &before) {
        if (!status && !sset_contains(&w->shown, name)) {
            sset_add(&w->shown, name);
            show_gone(w, name, "deleted");
        }
    }
    sset_destroy(&before);
    json_decref(objects);
    return status;
}

/* Reads the objects that a revision changed. */
static enum ctl_exit
read_changes(struct watch *w, const json_t *changes)
{
    enum ctl_exit status = CTL_DONE;
    const json_t *change;
    size_t i;

    json_array_foreach (changes, i, change) {
        const char *type = json_string_value(json_object_get(change, "type"));
        const char *name = json_string_value(json_object_get(change, "name"));

        if (!status && !name) {
            status = read_all(w);       /* There are too many to name. */
        } else if (!status && type && !strcmp(type, w->type->plural)) {
            status = read_one(w, name);
        }
    }
    return status;
}

/* The state of all ports of a host is another one: those that the event names,
 * or all if there are more. */
static enum ctl_exit
read_ports(struct watch *w, const json_t *data)
{
    const json_t *ports = json_object_get(data, "ports");
    enum ctl_exit status = CTL_DONE;
    const json_t *port;
    size_t i;

    if (json_integer_value(json_object_get(data, "n_ports"))
        > (json_int_t) json_array_size(ports)) {
        return read_all(w);
    }
    json_array_foreach (ports, i, port) {
        if (!status && json_is_string(port)) {
            status = read_one(w, json_string_value(port));
        }
    }
    return status;
}

static enum ctl_exit
event_cb(struct ctl *ctl OVS_UNUSED, const char *kind,
         const char *id OVS_UNUSED, const json_t *data, void *w_)
{
    enum ctl_exit status = CTL_DONE;
    struct watch *w = w_;
    const char *name;

    if (!strcmp(kind, "start") || !strcmp(kind, "reset")) {
        status = read_all(w);
    } else if (!strcmp(kind, "revision")) {
        status = read_changes(w, json_object_get(data, "changes"));
    } else if (!strcmp(kind, "ports")) {
        status = read_ports(w, data);
    } else {
        name = json_string_value(json_object_get(
            data, !strcmp(kind, "host") ? "host" : "port"));
        status = name ? read_one(w, name) : CTL_DONE;
    }
    show_end(w);
    return status;
}

enum ctl_exit
ctl_watch(struct ctl *ctl, const struct ctl_named *named)
{
    const struct schema_table *type = named->type;
    const char *selector = ctl->selector ? ctl->selector : "";
    struct watch w = { .ctl = ctl, .type = type };
    enum ctl_exit status;
    struct vmn_error error = VMN_ERROR_INIT;
    char *query;
    int code;

    arena_init(&w.arena);
    code = selector_parse(selector, strlen(selector), &w.arena, &w.selector,
                          &error);
    if (code || ctl->limit) {
        status = (code ? ctl_usage(ctl, "--selector: %s", error.text)
                  : ctl_usage(ctl, "get: --limit cannot be combined with "
                              "--watch"));
        vmn_error_uninit(&error);
        arena_uninit(&w.arena);
        return status;
    }
    sset_init(&w.names);
    sset_init(&w.shown);
    for (size_t i = 0; i < named->names.n; i++) {
        sset_add(&w.names, named->names.names[i]);
    }
    w.table = (ctl->output == CTL_JSON || ctl->output == CTL_YAML
               || ctl->output == CTL_NAME ? NULL
               : ctl_get_table(ctl, type, &w.columns));
    query = xasprintf("?kinds=revision%s&type=%s",
                      type->id == VMN_TABLE_HOST ? ",host"
                      : type->id == VMN_TABLE_PORT ? ",binding,ports" : "",
                      type->plural);
    status = ctl_follow_events(ctl, query, event_cb, &w);
    free(query);
    ctl_table_destroy(w.table);
    free(w.columns);
    sset_destroy(&w.names);
    sset_destroy(&w.shown);
    arena_uninit(&w.arena);
    return status;
}
