/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl events: prints events, one line each: what happens from now on, or
 * what has happened. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/output.h"
#include "controller/ctl/port-moves.h"
#include "controller/ctl/simulator-request.h"
#include "controller/schema/event-kinds.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static json_int_t
get_count(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static void
put_text(struct ds *ds, const json_t *data, const char *path,
         const char *before)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    ctl_path_print(data, path, &text);
    if (text.length) {
        ds_put_format(ds, "%s%s", before, ds_cstr(&text));
    }
    ds_destroy(&text);
}

/* Changes that a line names; of others it says how many there are. */
#define N_NAMED 3

/* When a change is named: one that cuts off VMs first; one of an interface
 * last, and only if there is nothing else: where a port is says more. */
enum rank { RANK_QUARANTINE, RANK_OTHER, RANK_INTERFACE, N_RANKS };

static enum rank
rank_of(const json_t *change)
{
    const char *type = json_string_value(json_object_get(change, "type"));

    return (!type || !strcmp(type, schema_tables[VMN_TABLE_VIF]->plural)
            ? RANK_INTERFACE
            : !strcmp(type, schema_tables[VMN_TABLE_QUARANTINE]->plural)
            ? RANK_QUARANTINE : RANK_OTHER);
}

/* Appends "create ports/web-1, put ports/web-2, delete groups/web, and 3
 * more". */
static void
put_changes(struct ds *ds, const json_t *changes)
{
    const json_t *last = json_array_get(changes,
                                        json_array_size(changes) - 1);
    json_int_t n = json_array_size(changes) + get_count(last, "more")
                   - (json_object_get(last, "more") != NULL);
    json_int_t named = 0;

    for (enum rank rank = 0; rank < N_RANKS; rank++) {
        const json_t *change;
        size_t i;

        json_array_foreach (changes, i, change) {
            if (named >= (rank == RANK_INTERFACE ? 1 : N_NAMED)) {
                break;
            }
            if (rank_of(change) != rank || json_object_get(change, "more")) {
                continue;
            }
            put_text(ds, change, "/op", named ? ", " : "");
            put_text(ds, change, "/type", " ");
            put_text(ds, change, "/name", "/");
            ctl_put_move(change, " ", ds);
            ctl_put_effect(change, ds);
            named++;
        }
    }
    if (n > named) {
        ds_put_format(ds, ", and %"JSON_INTEGER_FORMAT" more", n - named);
    }
}

static void
put_revision(struct ds *ds, const json_t *data)
{
    put_text(ds, data, "/revision", "");
    put_text(ds, data, "/who", " by ");
    put_text(ds, data, "/undoes", ", undo of changes in ");
    put_text(ds, data, "/draft", ", draft ");
    ds_put_cstr(ds, ": ");
    put_changes(ds, json_object_get(data, "changes"));
    put_text(ds, data, "/comment", "; ");
}

static void
put_installed(struct ds *ds, const json_t *data)
{
    json_int_t first = get_count(data, "first_revision");
    json_int_t last = get_count(data, "revision");
    json_int_t n = get_count(data, "hosts");

    if (first < last) {
        ds_put_format(ds, "%"JSON_INTEGER_FORMAT"-", first);
    }
    ds_put_format(ds, "%"JSON_INTEGER_FORMAT" ", last);
    ctl_append_installed(ds, MAX(n, 0));
}

static void
put_binding(struct ds *ds, const json_t *data)
{
    put_text(ds, data, "/port", "");
    put_text(ds, data, "/state", " ");
    put_text(ds, data, "/host", " on ");
    put_text(ds, data, "/from", json_is_string(json_object_get(data, "host"))
             ? ", moved from " : ", was on ");
    put_text(ds, data, "/candidate",
             json_is_true(json_object_get(data, "activated"))
             ? ", activated there; its interface is still on "
             : ", candidate ");
    put_text(ds, data, "/migration", ", migration ");
    put_text(ds, data, "/migration_reason", ": ");
    put_text(ds, data, "/reason", ": ");
}

/* "12 ports of h2 unknown: ...". */
static void
put_ports(struct ds *ds, const json_t *data)
{
    json_int_t n = get_count(data, "n_ports");

    ds_put_format(ds, "%"JSON_INTEGER_FORMAT" port%s", n, n == 1 ? "" : "s");
    put_text(ds, data, "/host", " of ");
    put_text(ds, data, "/state", " ");
    put_text(ds, data, "/reason", ": ");
}

static void
put_end(struct ds *ds, const json_t *end)
{
    const json_t *port = json_object_get(end, "port");

    put_text(ds, end, json_is_string(port) ? "/port"
             : json_object_get(end, "ip") ? "/ip" : "/mac", " ");
    put_text(ds, end, "/number", ":");
}

static void
put_packet(struct ds *ds, const json_t *data)
{
    put_text(ds, data, "/host", "");
    put_end(ds, json_object_get(data, "src"));
    ds_put_cstr(ds, " ->");
    put_end(ds, json_object_get(data, "dst"));
    put_text(ds, data, "/protocol", " ");
    put_text(ds, data, "/verdict", ": ");
    put_text(ds, data, "/reason", ": ");
    put_text(ds, data, "/object/type", ", by ");
    put_text(ds, data, "/object/name", "/");
    put_text(ds, data, "/rule", " rule ");
    if (!json_is_object(json_object_get(data, "object"))) {
        /* Of several causes none is the object. */
        ctl_append_isolation(data, ", in ", ", by ", "", ds);
        ctl_append_quarantine(data, ", by ", "", ds);
    }
}

static void
put_scale(struct ds *ds, const json_t *data)
{
    put_text(ds, data, "/loadbalancer", "");
    put_text(ds, data, "/direction", " ");
    put_text(ds, data, "/value", ": ");
    put_text(ds, data, "/metric", " ");
    put_text(ds, data, "/threshold",
             " a second for each backend, against ");
    put_text(ds, data, "/serving", "; ");
    put_text(ds, data, "/backends", " of ");
    ds_put_cstr(ds, " serve");
}

/* "r moved to h2 from h1", "r lost its gateway h1: ...". */
static void
put_gateway(struct ds *ds, const json_t *data)
{
    put_text(ds, data, "/router", "");
    if (json_is_string(json_object_get(data, "host"))) {
        bool back = json_equal(json_object_get(data, "host"),
                               json_object_get(data, "before"));

        put_text(ds, data, "/host", back ? " has its gateway again: "
                 : " moved to ");
        put_text(ds, data, back ? "/none" : "/before", " from ");
    } else {
        put_text(ds, data, "/before", " lost its gateway ");
        put_text(ds, data, "/reason", ": ");
    }
}

/* "from web-1 to db-1: it was not seen at stage x on h2". */
static void
put_trace(struct ds *ds, const json_t *data)
{
    bool port = json_is_string(json_object_get(data, "to_port"));

    put_text(ds, data, "/from", "from ");
    put_text(ds, data, port ? "/to_port" : "/to_ip", " to ");
    put_text(ds, data, "/difference", ": ");
}

/* A part of a line: the member at 'path', and the text before it. */
struct part {
    const char *path, *before;
};
#define PARTS(...) { .parts = (const struct part[]) { __VA_ARGS__, { 0 } } }

/* What is printed of an event of each kind: these members, or what 'put'
 * appends. */
static const struct {
    const struct part *parts;
    void (*put)(struct ds *, const json_t *);
} lines[EVENT_N_KINDS] = {
    [EVENT_REVISION] = { .put = put_revision },
    [EVENT_INSTALLED] = { .put = put_installed },
    [EVENT_HOST] = PARTS({ "/host", "" }, { "/state", " " },
                         { "/reason", ": " }),
    [EVENT_BINDING] = { .put = put_binding },
    [EVENT_PORTS] = { .put = put_ports },
    [EVENT_CLAIM] = PARTS({ "/port", "" }, { "/host", " rejected on " },
                          { "/expected", ", expected on " },
                          { "/reason", ": " }),
    [EVENT_DROP] = { .put = put_packet },
    [EVENT_LOG] = { .put = put_packet },
    [EVENT_AUDIT] = PARTS({ "/host", "" }, { "/missing", ": missing " },
                          { "/altered", ", altered " },
                          { "/unknown", ", unknown " }),
    [EVENT_HEALTH] = PARTS({ "/loadbalancer", "" }, { "/port", ": " },
                           { "/state", " " }, { "/reason", ": " }),
    [EVENT_STANDBY] = PARTS({ "/loadbalancer", "" }, { "/port", ": " },
                            { "/state", " " }, { "/reason", ": " }),
    [EVENT_SCALE] = { .put = put_scale },
    [EVENT_GATEWAY] = { .put = put_gateway },
    [EVENT_APP] = PARTS({ "/app", "" }, { "/state", " " },
                        { "/failure", ": " },
                        { "/computed", "; it computed " }),
    [EVENT_MONITOR] = PARTS({ "/port", "" }, { "/state", " " },
                            { "/reason", ": " }),
    [EVENT_TRACE] = { .put = put_trace },
    [EVENT_PATH] = PARTS({ "/host", "" }, { "/peer", " and " },
                         { "/state", " " }, { "/reason", ": " },
                         { "/ports", "; ports: " }),
};

static void
put_data(struct ds *ds, enum event_kind kind, const json_t *data)
{
    const struct part *part = lines[kind].parts;

    for (; part && part->path; part++) {
        put_text(ds, data, part->path, part->before);
    }
    if (lines[kind].put) {
        lines[kind].put(ds, data);
    }
}

static void
print_line(struct ctl *ctl, const char *kind, const json_t *data)
{
    enum event_kind known = event_kind_from_name(kind, strlen(kind));
    const char *time = json_string_value(json_object_get(data, "time"));
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!strcmp(kind, "reset")) {
        fputs("vmnctl: vmnd has started anew, or events since then are no "
              "longer kept\n", ctl->err);
    }
    ds_put_format(&ds, "%s  %-9s  ", time ? time : "-", kind);
    if (known != EVENT_N_KINDS) {
        json_t *shown = json_copy(CONST_CAST(json_t *, data));

        ctl_name_author(ctl, shown);
        put_data(&ds, known, shown);
        json_decref(shown);
    }
    if (time) {
        ds_put_char(&ds, '\n');
        ctl_print_safely(ctl->out, ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* Says that less is kept than was asked for. */
static void
print_kept(struct ctl *ctl, const char *since)
{
    fflush(ctl->out);
    fprintf(ctl->err, "vmnctl: events are kept since %s alone; \"vmnctl "
            "revisions\" has older changes\n", since);
}

/* How many events there were. */
struct counts {
    size_t n_shown, n_hidden;
};

/* Says how many drops were hidden so far. */
static void
print_hidden(struct ctl *ctl, size_t n)
{
    fflush(ctl->out);
    fprintf(ctl->err, "hidden as background: %"PRIuSIZE" drop%s (--all shows "
            "them)\n", n, n == 1 ? "" : "s");
}

/* Returns true if the event is a drop of background, which is not shown.
 * While events are followed that is said of the 1st, the 10th, the 100th... */
static bool
is_hidden(struct ctl *ctl, const char *kind, const json_t *data,
          struct counts *counts)
{
    size_t n;

    if (ctl->all || strcmp(kind, "drop")
        || !json_is_true(json_object_get(data, "background"))) {
        return false;
    }
    n = ++counts->n_hidden;
    while (n % 10 == 0) {
        n /= 10;
    }
    if (n == 1 && (ctl->follow || (!ctl->since && !ctl->limit))) {
        print_hidden(ctl, counts->n_hidden);
    }
    return true;
}

/* Counts the drops that vmnd has hidden itself, as the start of the past says.
 * While events are followed that is said before the past. */
static void
add_hidden(struct ctl *ctl, const json_t *data, struct counts *counts)
{
    json_int_t n = get_count(data, "hidden");

    if (n > 0) {
        counts->n_hidden += (size_t) n;
        if (ctl->follow) {
            print_hidden(ctl, counts->n_hidden);
        }
    }
}

static enum ctl_exit
event_cb(struct ctl *ctl, const char *kind, const char *id,
         const json_t *data, void *counts_)
{
    const char *kept = json_string_value(json_object_get(data, "kept_since"));
    struct counts *counts = counts_;

    if (is_hidden(ctl, kind, data, counts)) {
        return CTL_DONE;
    }

    if (kept) {
        print_kept(ctl, kept);
    }
    if (!strcmp(kind, "start")) {
        add_hidden(ctl, data, counts);
    }
    counts->n_shown += strcmp(kind, "start") && strcmp(kind, "reset");
    if (ctl->output == CTL_JSON) {
        json_t *json = json_pack("{s:s, s:s, s:O}", "id", id, "event", kind,
                                 "data", data);
        char *text = json_dumps(json, JSON_COMPACT);

        ctl_printf_safely(ctl->out, "%s\n", text);
        json_decref(json);
        free(text);
    } else {
        print_line(ctl, kind, data);
    }
    return CTL_DONE;
}

/* What events are filtered by, and of which objects there must be one. */
struct filter {
    const char *name, *value, *type;
};

/* Prints an error if an object that events are filtered by does not exist:
 * who misspells it would wait for ever. */
static enum ctl_exit
check_filters(struct ctl *ctl, const struct filter *filters, size_t n)
{
    enum ctl_exit status = CTL_DONE;

    for (size_t i = 0; i < n && !status; i++) {
        struct ds path = DS_EMPTY_INITIALIZER;
        struct ctl_reply reply;

        if (!filters[i].type || !filters[i].value) {
            continue;
        }
        ctl_append_path(&path, filters[i].type, filters[i].value);
        status = ctl_get(ctl, ds_cstr(&path), &reply);
        ds_destroy(&path);
        if (!status) {
            ctl_reply_uninit(&reply);
        }
    }
    return status;
}

/* Appends what of the past is asked for.  Returns true if that is all. */
static bool
put_past(const struct ctl *ctl, struct ds *query)
{
    bool ends = (ctl->since || ctl->limit) && !ctl->follow;

    /* What is hidden must not count in a limit; else it is hidden here, where
     * it is counted. */
    if (ctl->all || !ctl->limit) {
        ctl_append_query(query, "background", "true");
    }
    if (ctl->since) {
        ctl_append_query(query, "since", ctl->since);
    }
    if (ctl->limit) {
        char *limit = xasprintf("%ld", ctl->limit);

        ctl_append_query(query, "limit", limit);
        free(limit);
    }
    if (ends) {
        ctl_append_query(query, "follow", "false");
    }
    return ends;
}

/* Returns the type that revisions are filtered by, also one that is in the log
 * alone, or NULL after it has printed what is wrong. */
static const struct schema_table *
get_type(struct ctl *ctl)
{
    const struct schema_table *type = schema_find_table(ctl->type);

    return type ? type : ctl_get_type(ctl, ctl->type);
}

enum ctl_exit
ctl_cmd_events(struct ctl *ctl, int n_args OVS_UNUSED,
               char *const args[] OVS_UNUSED)
{
    const struct schema_table *type = ctl->type ? get_type(ctl) : NULL;
    const struct filter filters[] = {
        { "kinds", ctl->kinds, NULL },
        { "type", type ? type->plural : NULL, NULL },
        { "host", ctl->host, "hosts" },
        { "network", ctl->network, "networks" },
        { "port", ctl->port, "ports" },
        { "policy", ctl->policy, "policies" },
        { "loadbalancer", ctl->loadbalancer, "loadbalancers" },
    };
    struct ds query = DS_EMPTY_INITIALIZER;
    enum ctl_exit status = CTL_DONE;
    struct counts counts = { 0, 0 };
    bool ends;

    if (ctl->type && !type) {
        return CTL_USAGE;
    }
    if (ctl->output == CTL_YAML) {
        return ctl_usage(ctl, "events: -o is table or json");
    }
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        if (filters[i].value) {
            ctl_append_query(&query, filters[i].name, filters[i].value);
        }
    }
    /* The past may be about what is gone. */
    ends = put_past(ctl, &query);
    if (!ends) {
        status = check_filters(ctl, filters, ARRAY_SIZE(filters));
    }
    if (!status) {
        status = ctl_follow_events(ctl, query.length ? ds_cstr(&query) : "",
                                   event_cb, &counts);
    }
    if (ends && counts.n_hidden) {
        print_hidden(ctl, counts.n_hidden);
    }
    if (!status && ends && !counts.n_shown) {
        status = check_filters(ctl, filters, ARRAY_SIZE(filters));
    }
    ds_destroy(&query);
    return status;
}
