/* SPDX-License-Identifier: Apache-2.0
 *
 * Events for accounts with a scope; see event-scope.h.
 *
 * A name is one object's only while it is there: what happened before an
 * object was created was about another that had the name.  An event has the
 * times when its objects were created, as in their rows.  One of a revision
 * has none: it is about objects that had been created by its own time, which
 * is by the same clock as theirs. */

#include <config.h>

#include "controller/northbound/event-scope.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-log.h"
#include "util.h"

/* Ports that an event names, as without a scope. */
#define PORTS_NAMED 100

#define KIND(NAME) (1u << EVENT_##NAME)
const unsigned event_scope_kinds = (KIND(REVISION) | KIND(BINDING)
                                    | KIND(PORTS) | KIND(CLAIM)
                                    | KIND(HEALTH) | KIND(STANDBY)
                                    | KIND(MONITOR) | KIND(SCALE)
                                    | KIND(GATEWAY));

/* Objects.  -------------------------------------------------------------- */

int64_t *
event_scope_created(const struct northbound *nb, enum event_kind kind,
                    const struct ds *about, size_t *n)
{
    const char *p = about->string, *end = p + about->length;
    int64_t *created;

    *n = 0;
    if (!(event_scope_kinds & 1u << kind) || kind == EVENT_REVISION) {
        return NULL;
    }
    for (; p < end; p += strlen(p + 1) + 2) {
        ++*n;
    }
    created = xcalloc(MAX(*n, 1), sizeof *created);
    p = about->string;
    for (size_t i = 0; i < *n; i++, p += strlen(p + 1) + 2) {
        struct model_meta meta;

        if (model_get_durable(nb->model, (unsigned char) *p, p + 1, &meta)) {
            created[i] = meta.created_ms;
        }
    }
    return created;
}

/* Returns when the object was created that the event names so; 0: not
 * known. */
static int64_t
find_created(const struct event_entry *entry, enum vmn_table table,
             const char *name)
{
    const char *p = entry->about.string, *end = p + entry->about.length;

    for (size_t i = 0; entry->created && p < end;
         i++, p += strlen(p + 1) + 2) {
        if (*p == (char) table && !strcmp(p + 1, name)) {
            return entry->created[i];
        }
    }
    return 0;
}

/* Returns true if the object is within the scope, and the same that the event
 * is about: that was created at 'created'; if this is 0, it was there when the
 * event happened. */
static bool
owns_as(const struct event_scope *scope, const struct event_entry *entry,
        enum vmn_table table, const char *name, int64_t created)
{
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(scope->nb->model, table,
                                                  name, &meta);

    return (row && (created ? meta.created_ms == created
                    : meta.created_ms <= entry->made_ms)
            && model_in_scope(scope->rights, row));
}

static bool
owns(const struct event_scope *scope, const struct event_entry *entry,
     enum vmn_table table, const char *name)
{
    return (name && owns_as(scope, entry, table, name,
                            find_created(entry, table, name)));
}

/* The same of the object that a member of the event names. */
static bool
owns_member(const struct event_scope *scope, const struct event_entry *entry,
            enum vmn_table table, const json_t *data, const char *member)
{
    return owns(scope, entry, table,
                json_string_value(json_object_get(data, member)));
}

/* Revisions.  ------------------------------------------------------------ */

/* Returns true if the account made the revision, since there is one of that
 * name. */
static bool
is_author(const struct event_scope *scope, const struct event_entry *entry,
          const json_t *data)
{
    const char *who = json_string_value(json_object_get(data, "who"));
    size_t len = strlen(scope->account);
    struct model_meta meta;

    return (who && !strncmp(who, "account:", 8)
            && !strncmp(who + 8, scope->account, len)
            && (!who[8 + len] || who[8 + len] == '/')
            && model_get_durable(scope->nb->model, VMN_TABLE_ACCOUNT,
                                 scope->account, &meta)
            && meta.created_ms <= entry->made_ms);
}

/* Returns true if 'change' is of an object of the account's.  Drains by
 * balancers, which may be somebody else's, do not show in ports, as
 * quarantines do. */
static bool
is_own_change(const struct event_scope *scope, const struct event_entry *entry,
              const json_t *change)
{
    const char *type = json_string_value(json_object_get(change, "type"));
    const char *op = json_string_value(json_object_get(change, "op"));
    const struct schema_table *table = type ? schema_find_table(type) : NULL;

    return (table && !table->observed && op && strcmp(op, "drain")
            && strcmp(op, "undrain")
            && owns_member(scope, entry, table->id, change, "name"));
}

/* Restricts a revision of others to what it did to the account's own objects:
 * that shows in these as well.  Returns false if it did nothing to them. */
static bool
restrict_revision(const struct event_scope *scope,
                  const struct event_entry *entry, json_t *data,
                  struct ds *about)
{
    json_t *own = json_array(), *change;
    size_t i;

    json_array_foreach (json_object_get(data, "changes"), i, change) {
        if (is_own_change(scope, entry, change)) {
            const char *type = json_string_value(json_object_get(change,
                                                                 "type"));
            const char *name = json_string_value(json_object_get(change,
                                                                 "name"));

            json_array_append_new(own, json_pack(
                "{s:O, s:s, s:s}", "op", json_object_get(change, "op"),
                "type", type, "name", name));
            event_about(about, schema_find_table(type)->id, name);
        }
    }
    json_object_set_new(data, "who", json_null());
    json_object_del(data, "comment");
    json_object_del(data, "undoes");
    json_object_del(data, "draft");
    json_object_del(data, "draft_author");
    json_object_del(data, "restored_over");
    json_object_set_new(data, "changes", own);
    return json_array_size(own) > 0;
}

/* Ports of a host.  ------------------------------------------------------ */

/* Adds a port to the event if it is the account's, and, unless 'created' is 0,
 * was created then. */
static void
add_port(const struct event_scope *scope, const struct event_entry *entry,
         const char *name, int64_t created, json_t *ports, size_t *n,
         struct ds *about)
{
    const struct vmn_port *port;

    if (!owns_as(scope, entry, VMN_TABLE_PORT, name, created)) {
        return;
    }
    if (++*n <= PORTS_NAMED) {
        json_array_append_new(ports, json_string(name));
    }
    port = model_get_durable(scope->nb->model, VMN_TABLE_PORT, name, NULL);
    event_about(about, VMN_TABLE_PORT, name);
    event_about(about, VMN_TABLE_NETWORK, port->network);
}

/* Restricts an event of all ports of a host to those of the account.  Of a
 * host with more ports than an event is about, those that are there now.
 * Returns false if it has none there. */
static bool
restrict_ports(const struct event_scope *scope,
               const struct event_entry *entry, json_t *data,
               struct ds *about)
{
    const char *host = json_string_value(json_object_get(data, "host"));
    const char *p = entry->about.string;
    const char *end = p + entry->about.length;
    json_t *ports = json_array();
    size_t n = 0;

    event_about(about, VMN_TABLE_HOST, host);
    for (size_t i = 0; p < end; i++, p += strlen(p + 1) + 2) {
        if (*p == (char) VMN_TABLE_PORT) {
            add_port(scope, entry, p + 1,
                     entry->created ? entry->created[i] : 0, ports, &n,
                     about);
        }
    }
    if (entry->about_all && host) {
        struct vmn_names names = model_lookup(
            scope->nb->model, VMN_INDEX_PORT_BY_HOST, host);

        for (size_t i = 0; i < names.n; i++) {
            add_port(scope, entry, names.names[i], 0, ports, &n, about);
        }
    }
    json_object_del(data, "reason");
    json_object_set_new(data, "n_ports", json_integer(n));
    json_object_set_new(data, "ports", ports);
    return n > 0;
}

/* All kinds.  ------------------------------------------------------------ */

/* Restricts 'data', and sets '*about' to what the event concerns of what is
 * told (empty: what the entry says).  Returns false if the account is not told
 * of it. */
static bool
restrict_event(const struct event_scope *scope,
               const struct event_entry *entry, json_t *data,
               struct ds *about)
{
    switch ((int) entry->kind) {
    case EVENT_REVISION:
        return (is_author(scope, entry, data)
                || restrict_revision(scope, entry, data, about));
    case EVENT_BINDING:
    case EVENT_MONITOR:
        return owns_member(scope, entry, VMN_TABLE_PORT, data, "port");
    case EVENT_PORTS:
        return restrict_ports(scope, entry, data, about);
    case EVENT_CLAIM:
        /* A reason may be of how a host is set up. */
        json_object_set_new(data, "reason", json_string(MODEL_OUT_OF_SCOPE));
        return owns_member(scope, entry, VMN_TABLE_PORT, data, "port");
    case EVENT_HEALTH:
    case EVENT_STANDBY:
        return (owns_member(scope, entry, VMN_TABLE_LOADBALANCER, data,
                            "loadbalancer")
                && owns_member(scope, entry, VMN_TABLE_PORT, data, "port"));
    case EVENT_SCALE:
        return owns_member(scope, entry, VMN_TABLE_LOADBALANCER, data,
                           "loadbalancer");
    case EVENT_GATEWAY:
        json_object_del(data, "reason"); /* Of hosts' configurations. */
        return owns_member(scope, entry, VMN_TABLE_ROUTER, data, "router");
    default:
        return false;
    }
}

static char *
to_text(const struct event_entry *entry, const json_t *data)
{
    char *json = json_dumps(data, JSON_COMPACT);
    char *text = xasprintf("event: %s\ndata: %s\n\n",
                           event_kind_name(entry->kind), json);

    free(json);
    return text;
}

char *
event_scope_text(const struct event_scope *scope,
                 const struct event_entry *entry,
                 const struct event_filter *filter)
{
    static const char before[] = "\ndata: ";
    const char *text = strstr(entry->text, before);
    struct ds about = DS_EMPTY_INITIALIZER;
    char *shown = NULL;
    json_t *data;

    if (!text || entry->background
        || !(event_scope_kinds & filter->kinds & 1u << entry->kind)) {
        return NULL;
    }
    data = json_loads(text + strlen(before), 0, NULL);
    if (data && restrict_event(scope, entry, data, &about)) {
        struct event_entry told = *entry;

        if (about.length) {
            told.about = about;
            told.about_all = false;
        }
        if (event_matches(&told, filter)) {
            shown = to_text(entry, data);
        }
    }
    json_decref(data);
    ds_destroy(&about);
    return shown;
}
