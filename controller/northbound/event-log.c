/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring buffer of events, and filters; see event-log.h. */

#include <config.h>

#include "controller/northbound/event-log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-scope-ids.h"
#include "controller/schema/json-slice.h"
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

struct event_log *
event_log_create(uint64_t durable, bool is_member)
{
    struct event_log *log = xzalloc(sizeof *log);
    uint64_t offset = 0;

    log->oldest = log->next = log->shown = time_wall_usec();
    log->scope_ids = event_scope_ids_create();
    log->standby.first = log->next;
    log->standby.started_ms = time_wall_msec();
    log->all = log->standby;
    log->floor = durable;
    if (is_member) {
        random_bytes(&offset, sizeof offset);
        offset %= OFFSET_MAX;
    }
    event_log_set_id(log, log->next + offset);
    return log;
}

/* Ids.  ------------------------------------------------------------------ */

/* Returns the position behind the last one of a segment. */
static uint64_t
segment_end(const struct event_log *log, size_t i)
{
    return (i + 1 < log->n_segments ? log->segments[i + 1].first
            : log->next);
}

/* Forgets segments whose events are not kept, but for the last one. */
static void
forget_segments(struct event_log *log)
{
    size_t n = 0;

    while (n + 1 < log->n_segments && segment_end(log, n) <= log->oldest) {
        n++;
    }
    if (n) {
        log->n_segments -= n;
        memmove(log->segments, log->segments + n,
                log->n_segments * sizeof *log->segments);
    }
}

void
event_log_set_id(struct event_log *log, uint64_t id)
{
    struct event_segment *last = (log->n_segments
                                  ? &log->segments[log->n_segments - 1]
                                  : NULL);

    if (last && event_log_id(log, log->next) == id) {
        return;
    } else if (last && last->first == log->next) {
        last->id = id;          /* It has no event. */
        return;
    }
    while (log->n_segments >= EVENT_SEGMENTS_MAX) {
        discard_oldest(log);
        forget_segments(log);
    }
    log->segments[log->n_segments++] = (struct event_segment) {
        log->next, id,
    };
}

uint64_t
event_log_id(const struct event_log *log, uint64_t at)
{
    size_t i = log->n_segments - 1;

    while (i && at < log->segments[i].first) {
        i--;
    }
    return log->segments[i].id + (at - log->segments[i].first);
}

bool
event_log_find_id(const struct event_log *log, uint64_t id, uint64_t *next)
{
    for (size_t i = log->n_segments; i--; ) {
        const struct event_segment *segment = &log->segments[i];
        uint64_t n = id + 1 - segment->id;

        if (n <= segment_end(log, i) - segment->first) {
            *next = segment->first + n;
            return *next >= log->oldest;
        }
    }
    return false;
}

bool
event_log_find_scope_id(const struct event_log *log, uint64_t id,
                        uint64_t *next)
{
    for (size_t i = log->n_segments; i--; ) {
        const struct event_segment *segment = &log->segments[i];
        uint64_t first = MAX(segment->first, log->oldest);
        uint64_t first_id = segment->id + (first - segment->first), next_id;

        if (event_scope_id_find(log->scope_ids, id, first_id,
                                first_id + (segment_end(log, i) - first),
                                &next_id)) {
            *next = first + (next_id - first_id);
            return true;
        }
    }
    return event_scope_id_find_begun(log->scope_ids, id, next);
}

bool
event_log_expects(const struct event_log *log, uint64_t id)
{
    return id - event_log_id(log, log->next) < EVENTS_MAX;
}

uint64_t
event_log_shown(struct event_log *log, uint64_t durable)
{
    log->shown = MAX(log->shown, log->oldest);
    while (log->shown < log->next) {
        const struct event_entry *entry = event_log_get(log, log->shown);

        if (entry->kind == EVENT_REVISION && entry->revision > durable) {
            break;
        }
        log->shown++;
    }
    return log->shown;
}

/* What is kept.  --------------------------------------------------------- */

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

int64_t
event_log_kept_ms(const struct event_log *log, unsigned kinds)
{
    const struct event_span *span = event_log_span(log, kinds);

    return (log->oldest <= span->first || log->oldest == log->next
            ? span->started_ms : event_log_get(log, log->oldest)->time_ms);
}

bool
event_log_knows(const struct event_log *log, bool scoped, uint64_t id,
                unsigned kinds, uint64_t *next)
{
    return ((scoped ? event_log_find_scope_id(log, id, next)
             : event_log_find_id(log, id, next))
            && *next >= event_log_begin(log, kinds));
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
        event_scope_ids_destroy(log->scope_ids);
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
event_log_push(struct event_log *log, int kind, struct ds *data,
               struct ds *about, bool about_all, bool background)
{
    struct event_entry *entry;

    while (log->next - log->oldest >= EVENTS_MAX
           || (log->n_bytes > EVENTS_BYTES_MAX && log->oldest < log->next)) {
        discard_oldest(log);
    }
    forget_segments(log);
    entry = &log->ring[log->next % EVENTS_MAX];
    entry->kind = kind;
    entry->about_all = about_all;
    entry->background = background;
    entry->about = *about;
    entry->text = (kind < EVENT_N_KINDS
                   ? event_text(kind, event_log_id(log, log->next), data)
                   : xstrdup(""));
    entry->size = strlen(entry->text);
    entry->time_ms = entry->made_ms = time_wall_msec();
    entry->seen_ms = time_msec();
    entry->revision = log->revision;
    entry->created = NULL;
    entry->created_size = 0;
    log->n_bytes += entry->size + about->length;
    log->next++;
    ds_destroy(data);
}

const struct event_entry *
event_log_find_revision(const struct event_log *log, uint64_t revision)
{
    uint64_t from = log->oldest, to = log->next;

    /* Revisions do not fall from event to event. */
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;

        if (event_log_get(log, middle)->revision < revision) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    for (; from < log->next; from++) {
        const struct event_entry *entry = event_log_get(log, from);

        if (entry->revision != revision) {
            break;
        } else if (entry->kind == EVENT_REVISION) {
            return entry;
        }
    }
    return NULL;
}

void
event_log_push_copy(struct event_log *log, const struct event_entry *entry)
{
    static const char before[] = "\ndata: ";
    const char *text = strstr(entry->text, before) + strlen(before);
    struct ds data = DS_EMPTY_INITIALIZER, about = DS_EMPTY_INITIALIZER;

    ds_put_buffer(&data, text, strcspn(text, "\n"));
    ds_put_buffer(&about, ds_cstr_ro(&entry->about), entry->about.length);
    event_log_push(log, entry->kind, &data, &about, entry->about_all,
                   entry->background);
    event_log_set_created(log, (entry->created
                                ? xmemdup(entry->created, entry->created_size)
                                : NULL),
                          entry->created_size / sizeof *entry->created);
    event_log_set_made(log, entry->made_ms);
    event_log_set_time(log, entry->time_ms);
}

void
event_log_push_gap(struct event_log *log, uint64_t id)
{
    struct ds none = DS_EMPTY_INITIALIZER, about = DS_EMPTY_INITIALIZER;

    event_log_set_id(log, id);
    event_log_push(log, EVENT_LOG_GAP, &none, &about, false, false);
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
event_log_set_time(struct event_log *log, int64_t time_ms)
{
    log->ring[(log->next - 1) % EVENTS_MAX].time_ms = time_ms;
}

void
event_log_begin_as(struct event_log *log, uint64_t id, int64_t kept_ms,
                   uint64_t floor)
{
    event_log_set_id(log, id);
    log->floor = log->revision = floor;
    log->all.started_ms = log->standby.started_ms = kept_ms;
    log->all.before = log->standby.before = floor;
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
