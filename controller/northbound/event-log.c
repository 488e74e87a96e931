/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring buffer of events, and filters; see event-log.h. */

#include <config.h>

#include "controller/northbound/event-log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "timeval.h"
#include "util.h"

#define KIND(NAME) (1u << EVENT_##NAME)
const unsigned event_standby_kinds = (KIND(REVISION) | KIND(INSTALLED)
                                      | KIND(HOST) | KIND(PORTS)
                                      | KIND(BINDING) | KIND(GATEWAY));

/* Ids fit into 53 bits, so that JavaScript has them exactly: positions take 51
 * until the year 2041. */
#define OFFSET_MAX (UINT64_C(1) << 52)

const enum vmn_table event_of_tables[EVENT_N_OF] = {
    [EVENT_OF_HOST] = VMN_TABLE_HOST,
    [EVENT_OF_NETWORK] = VMN_TABLE_NETWORK,
    [EVENT_OF_PORT] = VMN_TABLE_PORT,
    [EVENT_OF_POLICY] = VMN_TABLE_POLICY,
    [EVENT_OF_LOADBALANCER] = VMN_TABLE_LOADBALANCER,
};

struct event_log *
event_log_create(uint64_t durable, bool is_member)
{
    struct event_log *log = xzalloc(sizeof *log);

    log->oldest = log->next = time_wall_usec();
    log->standby.first = log->next;
    log->standby.started_ms = time_wall_msec();
    log->all = log->standby;
    log->floor = durable;
    if (is_member) {
        random_bytes(&log->offset, sizeof log->offset);
        log->offset %= OFFSET_MAX;
    }
    return log;
}

void
event_log_lead(struct event_log *log, uint64_t durable)
{
    if (!log->revision) {
        log->standby.before = durable;
    }
    log->revision = MAX(log->revision, durable);
    log->all = (struct event_span) {
        .first = log->next, .started_ms = time_wall_msec(),
        .before = log->revision,
    };
}

const struct event_span *
event_log_span(const struct event_log *log, unsigned kinds)
{
    return kinds & ~event_standby_kinds ? &log->all : &log->standby;
}

uint64_t
event_log_begin(const struct event_log *log, unsigned kinds)
{
    return MAX(event_log_span(log, kinds)->first, log->oldest);
}

bool
event_log_knows(const struct event_log *log, uint64_t id, unsigned kinds)
{
    uint64_t next = id - log->offset + 1;

    return (id >= log->offset && next >= event_log_begin(log, kinds)
            && next <= log->next);
}

uint64_t
event_log_told(const struct event_log *log, uint64_t at)
{
    return at > log->oldest ? event_log_get(log, at - 1)->revision
           : log->floor;
}

bool
event_log_find(const struct event_log *log, uint64_t revision,
               uint64_t durable, uint64_t *at)
{
    if (revision < log->floor || revision > MAX(log->revision, durable)) {
        return false;
    }
    *at = log->oldest;
    while (*at < log->next && event_log_get(log, *at)->revision <= revision) {
        ++*at;
    }
    return true;
}

static void
discard_oldest(struct event_log *log)
{
    struct event_entry *entry = &log->ring[log->oldest++ % EVENTS_MAX];

    log->n_bytes -= entry->size + entry->about.length + entry->created_size;
    log->floor = MAX(log->floor, entry->revision);
    ds_destroy(&entry->about);
    free(entry->created);
    free(entry->text);
}

void
event_log_destroy(struct event_log *log)
{
    if (log) {
        while (log->oldest < log->next) {
            discard_oldest(log);
        }
        free(log);
    }
}

const struct event_entry *
event_log_get(const struct event_log *log, uint64_t at)
{
    return &log->ring[at % EVENTS_MAX];
}

char *
event_text(enum event_kind kind, uint64_t id, const struct ds *data)
{
    return xasprintf("id: %"PRIu64"\nevent: %s\ndata: %s\n\n", id,
                     event_kind_name(kind), ds_cstr_ro(data));
}

void
event_log_push(struct event_log *log, enum event_kind kind, struct ds *data,
               struct ds *about, bool about_all, bool background)
{
    struct event_entry *entry;

    while (log->next - log->oldest >= EVENTS_MAX
           || (log->n_bytes > EVENTS_BYTES_MAX && log->oldest < log->next)) {
        discard_oldest(log);
    }
    entry = &log->ring[log->next % EVENTS_MAX];
    entry->kind = kind;
    entry->about_all = about_all;
    entry->background = background;
    entry->about = *about;
    entry->text = event_text(kind, log->next + log->offset, data);
    entry->size = strlen(entry->text);
    entry->time_ms = entry->made_ms = time_wall_msec();
    entry->revision = log->revision;
    entry->created = NULL;
    entry->created_size = 0;
    log->n_bytes += entry->size + about->length;
    log->next++;
    ds_destroy(data);
}

void
event_log_set_created(struct event_log *log, int64_t *created, size_t n)
{
    struct event_entry *entry = &log->ring[(log->next - 1) % EVENTS_MAX];

    entry->created = created;
    entry->created_size = n * sizeof *created;
    log->n_bytes += entry->created_size;
}

void
event_log_set_made(struct event_log *log, int64_t made_ms)
{
    log->ring[(log->next - 1) % EVENTS_MAX].made_ms = made_ms;
}

void
event_log_note_revision(struct event_log *log, uint64_t revision,
                        uint64_t durable)
{
    if (!log->revision) {
        log->standby.before = log->all.before = durable;
    }
    log->revision = MAX(log->revision, revision);
}

void
event_about(struct ds *about, enum vmn_table table, const char *name)
{
    if (name && *name) {
        ds_put_char(about, table);
        ds_put_buffer(about, name, strlen(name) + 1);
    }
}

/* Appends the port's network to 'about'.  Returns false if it is not known,
 * since the port has been gone for some time.  One that was just deleted is as
 * it was before. */
static bool
about_network(const struct model *model, const char *name, struct ds *about)
{
    const struct vmn_port *port = model_get(model, VMN_TABLE_PORT, name);

    port = port ? port : model_get_durable(model, VMN_TABLE_PORT, name, NULL);
    event_about(about, VMN_TABLE_NETWORK, port ? port->network : NULL);
    return port != NULL;
}

bool
event_about_changes(const struct northbound *nb, const char *changes,
                    struct ds *about, bool *authenticates)
{
    json_t *list = json_loads(changes, 0, NULL), *change;
    bool more = false;
    size_t i;

    *authenticates = false;
    json_array_foreach (list, i, change) {
        const char *type = json_string_value(json_object_get(change, "type"));
        const char *name = json_string_value(json_object_get(change, "name"));
        const struct schema_table *table = type ? schema_find_table(type)
                                                : NULL;

        if (!table || !name) {
            more = true;
            continue;
        }
        event_about(about, table->id, name);
        *authenticates |= table->authenticates;
        if (table->id == VMN_TABLE_PORT
            && !about_network(nb->model, name, about)) {
            more = true;
        }
    }
    json_decref(list);
    return more;
}

/* Returns true if the event concerns the object 'name' of 'table', or any
 * object of 'table' if 'name' is NULL. */
static bool
is_about(const struct event_entry *entry, enum vmn_table table,
         const char *name)
{
    const char *p = entry->about.string;
    const char *end = p + entry->about.length;

    while (p < end) {
        if (*p == (char) table && (!name || !strcmp(p + 1, name))) {
            return true;
        }
        p += strlen(p + 1) + 2;
    }
    return entry->about_all;
}

/* The same as event_matches(), of background too. */
static bool
matches_otherwise(const struct event_entry *entry,
                  const struct event_filter *filter)
{
    if (!(filter->kinds & (1u << entry->kind))
        || (filter->type >= 0 && entry->kind == EVENT_REVISION
            && !is_about(entry, filter->type, NULL))) {
        return false;
    }
    for (size_t i = 0; i < EVENT_N_OF; i++) {
        if (filter->of[i]
            && !is_about(entry, event_of_tables[i], filter->of[i])) {
            return false;
        }
    }
    return true;
}

bool
event_matches(const struct event_entry *entry,
              const struct event_filter *filter)
{
    return ((filter->background || !entry->background)
            && matches_otherwise(entry, filter));
}

bool
event_is_hidden(const struct event_entry *entry,
                const struct event_filter *filter)
{
    return (!filter->background && entry->background
            && matches_otherwise(entry, filter));
}
