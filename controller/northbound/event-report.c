/* SPDX-License-Identifier: Apache-2.0
 *
 * Events from member to member, as text; see event-report.h.
 *
 * Objects that an event is about go by the names of their types, and kinds by
 * theirs, since numbers differ between versions.  A kind that is not known
 * here keeps its place, so that the ids of those behind it are right. */

#include <config.h>

#include "controller/northbound/event-report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-scope-ids.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* The kind of what is a gap to all. */
#define GAP_KIND "gap"
/* Ids fit into 53 bits. */
#define ID_MAX (INT64_C(1) << 53)

/* Sets '*value' to a member, which must be an integer from 0 to 'max'. */
static bool
get_number(const json_t *object, const char *member, int64_t max,
           int64_t *value)
{
    const json_t *number = json_object_get(object, member);

    *value = json_integer_value(number);
    return json_is_integer(number) && *value >= 0 && *value <= max;
}

/* Questions.  ------------------------------------------------------------ */

/* Returns true if the id is of the writer before this one, and behind what
 * this one was told of it. */
static bool
is_beyond(const struct event_log *log, uint64_t lead, uint64_t after)
{
    return (lead > log->oldest
            && after - event_log_id(log, lead - 1) - 1 < EVENTS_MAX);
}

/* Finds where to go on for a member with an id that is not known. */
static void
find_beyond(const struct event_log *log, uint64_t lead, uint64_t told,
            uint64_t after, struct event_report_place *place)
{
    bool is_told = told && after <= told;

    if (is_beyond(log, lead, after)) {
        place->lacks = !is_told;
        place->last_id = told ? told : event_log_id(log, lead - 1);
        place->next = lead;
    } else {
        place->gap = true;
        place->next = log->oldest;
    }
}

const char *
event_report_find(const struct event_log *log, uint64_t lead, uint64_t told,
                  const void *ask, size_t size,
                  struct event_report_place *place)
{
    json_t *question = json_loadb(ask, size, 0, NULL);
    int64_t id = 0, own = 0;
    bool has = json_object_get(question, "after");
    bool has_own = json_object_get(question, "own");
    const char *fault = (!json_is_object(question)
                         || (has && !get_number(question, "after", INT64_MAX,
                                                &id))
                         || (has_own && !get_number(question, "own",
                                                    INT64_MAX, &own))
                         ? "it is no question about events" : NULL);

    *place = (struct event_report_place) { .next = log->oldest };
    if (!fault && has && !event_log_find_id(log, id, &place->next)) {
        find_beyond(log, lead, told, id, place);
    }
    if (!fault && has_own) {
        place->has_own = true;
        place->own = own;
    }
    json_decref(question);
    return fault;
}

/* Answers.  -------------------------------------------------------------- */

static const char *
kind_name(int kind)
{
    return (kind < EVENT_N_KINDS ? event_kind_name(kind)
            : kind == EVENT_LOG_GAP ? GAP_KIND : "unknown");
}

/* Sets what the event is about: types and names in turn, and when each was
 * created. */
static void
set_about(json_t *event, const struct event_entry *entry)
{
    const char *p = ds_cstr_ro(&entry->about);
    const char *end = p + entry->about.length;
    json_t *about = json_array(), *created = json_array();

    for (size_t i = 0; p < end; i++, p += strlen(p + 1) + 2) {
        const struct schema_table *table
            = schema_tables[(unsigned char) *p];

        if (table) {
            json_array_append_new(about, json_string(table->plural));
            json_array_append_new(about, json_string(p + 1));
            json_array_append_new(created, json_integer(
                entry->created ? entry->created[i] : 0));
        }
    }
    json_object_set_new(event, "about", about);
    if (entry->created) {
        json_object_set_new(event, "created", created);
    } else {
        json_decref(created);
    }
}

/* Prints where an event is that the member has itself. */
static void
print_own(const struct event_log *log, uint64_t at, struct ds *ds)
{
    const struct event_entry *entry = event_log_get(log, at);

    ds_put_format(ds, "{\"own\":%"PRIu64",\"id\":%"PRIu64
                  ",\"time\":%"PRId64"}", entry->revision,
                  event_log_id(log, at), entry->time_ms);
}

static void
print_event(const struct event_log *log, uint64_t at, struct ds *ds)
{
    static const char before[] = "\ndata: ";
    const struct event_entry *entry = event_log_get(log, at);
    const char *data = strstr(entry->text, before);
    json_t *event = json_pack(
        "{s:I, s:s, s:I, s:I, s:I, s:b, s:b}",
        "id", (json_int_t) event_log_id(log, at),
        "kind", kind_name(entry->kind),
        "time", (json_int_t) entry->time_ms,
        "made", (json_int_t) entry->made_ms,
        "revision", (json_int_t) entry->revision,
        "all", entry->about_all, "background", entry->background);
    char *text;

    set_about(event, entry);
    if (data) {
        data += strlen(before);
        json_object_set_new(event, "data", json_stringn(data,
                                                        strcspn(data, "\n")));
    }
    text = json_dumps(event, JSON_COMPACT);
    ds_put_cstr(ds, text);
    free(text);
    json_decref(event);
}

void
event_report_print(const struct event_log *log,
                   const struct event_report_place *place, struct ds *ds)
{
    const uint8_t *key = event_scope_ids_key(log->scope_ids);
    uint64_t end = place->end ? place->end : log->next;
    uint64_t at = MAX(place->next, log->oldest);
    size_t n_own = 0;
    bool first = true;

    ds_put_format(ds, "{\"now\":%lld,\"key\":\"", time_wall_msec());
    for (size_t i = 0; i < EVENT_SCOPE_KEY_SIZE; i++) {
        ds_put_format(ds, "%02x", key[i]);
    }
    ds_put_format(ds, "\",\"gap\":%s,\"base\":%"PRIu64",\"kept\":%"PRId64
                  ",\"floor\":%"PRIu64",\"events\":[",
                  place->gap || at != place->next ? "true" : "false",
                  event_log_id(log, at - 1), event_log_kept_ms(log, 0),
                  log->floor);
    for (; (at < end && ds->length < EVENT_REPORT_BYTES
            && n_own < EVENT_REPORT_OWN); at++) {
        const struct event_entry *entry = event_log_get(log, at);

        ds_put_cstr(ds, first ? "" : ",");
        if (place->has_own && entry->kind == EVENT_REVISION
            && entry->revision > place->own) {
            print_own(log, at, ds);
            n_own++;
        } else {
            print_event(log, at, ds);
        }
        first = false;
    }
    ds_put_format(ds, "],\"more\":%s", at < end ? "true" : "false");
    if (at == log->next) {
        ds_put_format(ds, ",\"next\":%"PRIu64, event_log_id(log, at));
    }
    if (place->lacks) {
        ds_put_format(ds, ",\"lacks\":%"PRIu64, place->last_id);
    }
    ds_put_char(ds, '}');
}

/* Sets '*place' to the events behind the one with id 'lacks', of the same
 * writer.  What that has told behind a jump of its ids is a gap. */
static void
find_lacked(const struct event_log *log, uint64_t lacks,
            struct event_report_place *place)
{
    *place = (struct event_report_place) { .next = log->oldest };
    place->gap = !event_log_find_id(log, lacks, &place->next);
    place->end = place->next;
    while (!place->gap && place->end < log->next
           && (event_log_id(log, place->end)
               == lacks + 1 + (place->end - place->next))) {
        place->end++;
    }
    place->gap |= (place->end < log->next
                   && (event_log_id(log, place->end)
                       >> EVENT_REPORT_NUMBER_BITS
                       == lacks >> EVENT_REPORT_NUMBER_BITS));
}

char *
event_report_ask(const struct event_log *log, const struct event_log *own,
                 bool has, uint64_t lacks)
{
    struct event_report_place place;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char(&ds, '{');
    if (own) {
        ds_put_format(&ds, "\"own\":%"PRIu64, own->floor);
    }
    if (has) {
        ds_put_format(&ds, "%s\"after\":%"PRIu64, own ? "," : "",
                      event_log_id(log, log->next - 1));
    }
    if (has && lacks) {
        find_lacked(log, lacks, &place);
        ds_put_cstr(&ds, ",\"told\":");
        event_report_print(log, &place, &ds);
    }
    ds_put_char(&ds, '}');
    return ds_steal_cstr(&ds);
}

/* Taking them.  ---------------------------------------------------------- */

static bool
get_key(const json_t *answer, uint8_t key[EVENT_SCOPE_KEY_SIZE])
{
    const char *text = json_string_value(json_object_get(answer, "key"));
    bool ok;

    if (!text || strlen(text) != 2 * EVENT_SCOPE_KEY_SIZE) {
        return false;
    }
    for (size_t i = 0; i < EVENT_SCOPE_KEY_SIZE; i++) {
        key[i] = hexits_value(text + 2 * i, 2, &ok);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* Appends to 'about' and 'created' what an event is about, of types that are
 * known here.  Returns how many those are, or SIZE_MAX if it is malformed. */
static size_t
get_about(const json_t *event, struct ds *about, int64_t **created)
{
    const json_t *pairs = json_object_get(event, "about");
    const json_t *times = json_object_get(event, "created");
    size_t n = json_array_size(pairs) / 2, n_known = 0;

    *created = NULL;
    if (!json_is_array(pairs) || json_array_size(pairs) % 2
        || (times && (!json_is_array(times) || json_array_size(times) != n))) {
        return SIZE_MAX;
    }
    *created = times ? xcalloc(MAX(n, 1), sizeof **created) : NULL;
    for (size_t i = 0; i < n; i++) {
        const char *type = json_string_value(json_array_get(pairs, 2 * i));
        const char *name = json_string_value(json_array_get(pairs,
                                                            2 * i + 1));
        const struct schema_table *table = (type ? schema_find_table(type)
                                            : NULL);

        if (!type || !name) {
            return SIZE_MAX;
        } else if (table && *name) {
            event_about(about, table->id, name);
            if (times) {
                (*created)[n_known] = json_integer_value(
                    json_array_get(times, i));
            }
            n_known++;
        }
    }
    return n_known;
}

/* Returns the kind of an event; -1: there is none. */
static int
get_kind(const json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "kind"));
    int kind;

    if (!name) {
        return -1;
    } else if (!strcmp(name, GAP_KIND)) {
        return EVENT_LOG_GAP;
    }
    kind = event_kind_from_name(name, strlen(name));
    return kind == EVENT_N_KINDS ? EVENT_LOG_UNKNOWN : kind;
}

/* Appends one event, of which it has all. */
static bool
take_whole(struct event_log *log, const json_t *event, uint64_t *revision)
{
    const char *text = json_string_value(json_object_get(event, "data"));
    struct ds data = DS_EMPTY_INITIALIZER, about = DS_EMPTY_INITIALIZER;
    int64_t id, time_ms, made_ms, newest, *created = NULL;
    int kind = get_kind(event);
    size_t n;

    if (kind < 0 || !get_number(event, "id", ID_MAX, &id)
        || !get_number(event, "time", INT64_MAX, &time_ms)
        || !get_number(event, "made", INT64_MAX, &made_ms)
        || !get_number(event, "revision", INT64_MAX, &newest)
        || (kind < EVENT_N_KINDS && !text)
        || (text && strpbrk(text, "\r\n"))
        || (n = get_about(event, &about, &created)) == SIZE_MAX) {
        ds_destroy(&about);
        free(created);
        return false;
    }
    ds_put_cstr(&data, text ? text : "");
    log->revision = newest;
    event_log_set_id(log, id);
    event_log_push(log, kind, &data, &about,
                   json_is_true(json_object_get(event, "all")),
                   json_is_true(json_object_get(event, "background")));
    event_log_set_created(log, created, created ? n : 0);
    event_log_set_made(log, made_ms);
    event_log_set_time(log, time_ms);
    if (kind == EVENT_REVISION) {
        *revision = MAX(*revision, (uint64_t) newest);
    }
    return true;
}

/* What became of an event. */
enum taken {
    TAKEN,
    WAITS,                      /* For its revision. */
    GONE,                       /* That was here, and is not any more. */
    MALFORMED,
};

/* Appends the event of a revision that this member has in its log 'own'. */
static enum taken
take_own(struct event_log *log, const struct event_log *own,
         const json_t *event, uint64_t *revision)
{
    const struct event_entry *entry;
    int64_t id, time_ms, newest;

    if (!own || !get_number(event, "own", INT64_MAX, &newest)
        || !get_number(event, "id", ID_MAX, &id)
        || !get_number(event, "time", INT64_MAX, &time_ms)) {
        return MALFORMED;
    } else if ((uint64_t) newest > own->revision) {
        return WAITS;
    }
    entry = event_log_find_revision(own, newest);
    if (!entry) {
        return (uint64_t) newest <= own->floor ? GONE : MALFORMED;
    }
    log->revision = newest;
    event_log_set_id(log, id);
    event_log_push_copy(log, entry);
    event_log_set_time(log, time_ms);
    *revision = MAX(*revision, (uint64_t) newest);
    return TAKEN;
}

/* Takes where the events begin, and what is common to all. */
static const char *
take_begin(struct event_log *log, bool has, const json_t *answer,
           uint64_t *revision)
{
    uint8_t key[EVENT_SCOPE_KEY_SIZE];
    int64_t base, kept_ms, floor;

    if (!get_key(answer, key)) {
        return "it has no key of ids";
    } else if (!get_number(answer, "base", ID_MAX, &base)
               || !get_number(answer, "kept", INT64_MAX, &kept_ms)
               || !get_number(answer, "floor", INT64_MAX, &floor)) {
        return "it does not say where the events begin";
    }
    event_scope_ids_set_key(log->scope_ids, key);
    if (!has) {
        event_log_begin_as(log, base + 1, kept_ms, floor);
        *revision = MAX(*revision, (uint64_t) floor);
    } else if (json_is_true(json_object_get(answer, "gap"))) {
        event_log_push_gap(log, base);
    }
    return NULL;
}

/* Takes the events of an answer from 'taken->at' on, up to the first one that
 * has to wait, if 'own' is not NULL, or is to be asked for again. */
static const char *
take_events(struct event_log *log, const struct event_log *own,
            const json_t *answer, struct event_report_taken *taken)
{
    const json_t *events = json_object_get(answer, "events");
    size_t n = json_array_size(events);
    int64_t next_id;

    for (; taken->at < n; taken->at++) {
        const json_t *event = json_array_get(events, taken->at);
        enum taken what = (json_object_get(event, "own")
                           ? take_own(log, own, event, &taken->revision)
                           : take_whole(log, event, &taken->revision)
                           ? TAKEN : MALFORMED);

        if (what == WAITS) {
            return NULL;
        } else if (what == GONE) {
            taken->at = n;
            taken->more = true;
            return NULL;
        } else if (what == MALFORMED) {
            return "an event is malformed";
        }
    }
    /* There may be none of another writer yet. */
    if (get_number(answer, "next", ID_MAX, &next_id)) {
        event_log_set_id(log, next_id);
    }
    return NULL;
}

static const char *
take_answer(struct event_log *log, const struct event_log *own, bool has,
            const json_t *answer, struct event_report_taken *taken)
{
    const char *fault = (!json_is_array(json_object_get(answer, "events"))
                         ? "it is no answer about events"
                         : take_begin(log, has, answer, &taken->revision));
    int64_t last_id;

    taken->more = json_is_true(json_object_get(answer, "more"));
    taken->lacks = (get_number(answer, "lacks", ID_MAX, &last_id) ? last_id
                    : 0);
    taken->at = 0;
    return fault ? fault : take_events(log, own, answer, taken);
}

/* Drops the rest, unless there is any. */
static const char *
end_taking(struct event_report_taken *taken, const char *fault)
{
    if (fault || (taken->at
                  >= json_array_size(json_object_get(taken->rest,
                                                     "events")))) {
        event_report_drop(taken);
    }
    return fault;
}

const char *
event_report_take(struct event_log *log, const struct event_log *own,
                  bool has, const void *text, size_t size,
                  struct event_report_taken *taken)
{
    json_t *answer = json_loadb(text, size, 0, NULL);

    taken->rest = answer;
    /* Earlier versions do not say it. */
    if (!get_number(answer, "now", INT64_MAX, &taken->now_ms)) {
        taken->now_ms = 0;
    }
    return end_taking(taken, take_answer(log, own, has, answer, taken));
}

const char *
event_report_go_on(struct event_log *log, const struct event_log *own,
                   struct event_report_taken *taken)
{
    return end_taking(taken, take_events(log, own, taken->rest, taken));
}

void
event_report_drop(struct event_report_taken *taken)
{
    json_decref(taken->rest);
    taken->rest = NULL;
}

const char *
event_report_told(const void *ask, size_t size, struct event_log **told,
                  bool *gap)
{
    json_t *question = json_loadb(ask, size, 0, NULL);
    const json_t *events = json_object_get(question, "told");
    struct event_report_taken taken = { .more = false };
    const char *fault = NULL;

    *told = events ? event_log_create(0, true) : NULL;
    if (events) {
        fault = take_answer(*told, NULL, false, events, &taken);
    }
    *gap = taken.more || json_is_true(json_object_get(events, "gap"));
    json_decref(question);
    return fault;
}
