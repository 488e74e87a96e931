/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring buffer of events, and filters; see event-log.h. */

#include <config.h>

#include "controller/northbound/event-log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/json-slice.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

/* Ids of accounts with a scope have the time, in units of 64 us, and so many
 * bits drawn by lot. */
#define SCOPE_TICK_US 64
#define SCOPE_LOT_BITS 8
#define SCOPE_TICK (UINT64_C(1) << SCOPE_LOT_BITS)

const enum vmn_table event_of_tables[EVENT_N_OF] = {
    [EVENT_OF_HOST] = VMN_TABLE_HOST,
    [EVENT_OF_NETWORK] = VMN_TABLE_NETWORK,
    [EVENT_OF_PORT] = VMN_TABLE_PORT,
    [EVENT_OF_POLICY] = VMN_TABLE_POLICY,
    [EVENT_OF_LOADBALANCER] = VMN_TABLE_LOADBALANCER,
};

static void
discard_oldest(struct event_log *log)
{
    struct event_entry *entry = &log->ring[log->oldest++ % EVENTS_MAX];

    log->n_bytes -= entry->size + entry->about.length + entry->created_size;
    log->floor = MAX(log->floor, entry->revision);
    log->discarded = entry->scope_id;
    ds_destroy(&entry->about);
    free(entry->created);
    free(entry->text);
}

static uint64_t
scope_id_now(const struct event_log *log)
{
    return (uint64_t) time_wall_usec() / SCOPE_TICK_US * SCOPE_TICK + log->lot;
}

struct event_log *
event_log_create(uint64_t durable)
{
    struct event_log *log = xzalloc(sizeof *log);

    log->first = log->oldest = log->next = time_wall_usec();
    log->started_ms = time_wall_msec();
    log->before = log->floor = durable;
    log->lot = random_uint32() % SCOPE_TICK;
    log->discarded = scope_id_now(log);
    return log;
}

/* Ids.  ------------------------------------------------------------------ */

bool
event_log_find_id(const struct event_log *log, uint64_t id, uint64_t *next)
{
    *next = id + 1;
    return *next >= log->oldest && *next <= log->next;
}

/* Returns the id of the last event before position 'at'. */
static uint64_t
scope_id_before(const struct event_log *log, uint64_t at)
{
    return (at > log->oldest ? event_log_get(log, at - 1)->scope_id
            : log->discarded);
}

uint64_t
event_log_scope_id(const struct event_log *log, uint64_t at)
{
    uint64_t last = scope_id_before(log, at);

    /* Not that of the event before, which may be another account's. */
    return (at < log->next ? event_log_get(log, at)->scope_id - SCOPE_TICK
            : MAX(last, scope_id_now(log)));
}

bool
event_log_find_scope_id(const struct event_log *log, uint64_t id,
                        uint64_t *next)
{
    uint64_t from = log->oldest, to = log->next;

    if (id % SCOPE_TICK != log->lot || id < log->discarded
        || id > event_log_scope_id(log, log->next)) {
        return false;
    }
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;

        if (event_log_get(log, middle)->scope_id <= id) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    *next = from;
    return true;
}

/* What is kept.  --------------------------------------------------------- */

int64_t
event_log_kept_ms(const struct event_log *log)
{
    return (log->oldest <= log->first || log->oldest == log->next
            ? log->started_ms : event_log_get(log, log->oldest)->time_ms);
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
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_reserve(&ds, data->length + 64);
    ds_put_format(&ds, "id: %"PRIu64"\nevent: %s\ndata: ", id,
                  event_kind_name(kind));
    ds_put_buffer(&ds, data->string, data->length);
    ds_put_cstr(&ds, "\n\n");
    return ds_steal_cstr(&ds);
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
    entry->text = event_text(kind, log->next, data);
    entry->size = strlen(entry->text);
    entry->time_ms = entry->made_ms = time_wall_msec();
    entry->scope_id = MAX(scope_id_before(log, log->next) + SCOPE_TICK,
                          scope_id_now(log));
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
        log->before = durable;
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
    static const char *const members[] = { "type", "name" };
    size_t length = strlen(changes);
    char *copy = xmemdup0(changes, length);
    struct json_slice list, change, values[ARRAY_SIZE(members)];
    bool valid = json_slice_init(&list, copy, length), more = false;

    *authenticates = false;
    while (valid && json_slice_next(&list, &change) && change.type) {
        bool ok = json_slice_members(&change, members, values,
                                     ARRAY_SIZE(members));
        const char *type = ok ? json_slice_text(&values[0]) : NULL;
        const char *name = ok ? json_slice_text(&values[1]) : NULL;
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
    free(copy);
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
