/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of types that apps declare, and of their objects: what is known
 * of any of them, and what the app publishes of one, in the relations that its
 * type names.  Not for other types (object-status.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/relation.h"
#include "controller/engine/handler-counts.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Types.  ---------------------------------------------------------------- */

static bool
declares(const struct pipeline_app *app, const char *type)
{
    enum vmn_table place = schema_own_place(type);
    int i = place == VMN_N_TABLES ? -1 : pipeline_type_of(app, place);

    return (i >= 0 && schema_tables[place]->lasting
            && app->types[i].shape == &schema_tables[place]->lasting->row);
}

/* Returns why the app of 'type' does nothing with its objects, or NULL. */
static const char *
find_unserved(const struct nb_status_query *q, const struct vmn_type_row *type)
{
    const struct pipeline_app *app = pipeline_find(
        apphost_pipeline(q->nb->apphost), type->app);
    const struct vmn_app_row *row = model_get_durable(
        q->nb->model, VMN_TABLE_APP, type->app, NULL);

    return (!app || app->removed || app->absent || !row
            ? arena_printf(q->arena, "app %s is not loaded", type->app)
            : !row->enabled
            ? arena_printf(q->arena, "app %s is disabled", type->app)
            : declares(app, type->row.name) ? NULL
            : arena_printf(q->arena, "app %s does not declare it so",
                           type->app));
}

const char *
nb_object_unserved(const struct northbound *nb, enum vmn_table table,
                   struct arena *arena, const char **app)
{
    const struct nb_status_query q = { nb, NULL, true, arena };
    const struct vmn_type_row *type
        = (schema_is_own(table)
           ? model_get_durable(nb->model, VMN_TABLE_TYPE,
                               schema_tables[table]->plural, NULL) : NULL);

    *app = type ? type->app : NULL;
    return type ? find_unserved(&q, type) : NULL;
}

bool
nb_fill_type(const struct nb_status_query *q, const struct vmn_row *row,
             void *status_)
{
    struct status_type *status = status_;

    status->objects = model_names(q->nb->model,
                                  schema_own_place(row->name)).n;
    status->reason = find_unserved(q, (const void *) row);
    status->served = !status->reason;
    return true;
}

/* What objects' flows count.  --------------------------------------------- */

struct part_counts {
    const struct nb_status_query *q;
    struct vmn_names names;     /* "PART|NAME". */
    struct status_own_object *status;
    size_t allocated;
};

/* Most parts that are listed; the sum has all. */
#define PARTS_MAX 1000

/* Returns what the app calls the part, or NULL. */
static const char *
name_of_part(const struct part_counts *counts, uint32_t part)
{
    char prefix[16];
    size_t len = snprintf(prefix, sizeof prefix, "%"PRIu32"|", part);

    size_t first = 0, end = counts->names.n; /* They are sorted. */

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (strncmp(counts->names.names[middle], prefix, len) < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return (first < counts->names.n
            && !strncmp(counts->names.names[first], prefix, len)
            ? arena_strdup(counts->q->arena, counts->names.names[first] + len)
            : NULL);
}

/* Returns what the app publishes as names of parts of the object. */
static struct vmn_names
names_of_parts(const struct nb_status_query *q,
               const struct vmn_type_row *type, const struct vmn_row *row)
{
    char *relation = xasprintf("%s.part-names", type->app);
    char *key = xasprintf("%s/%s", type->row.name, row->name);
    struct vmn_names names = engine_relation_values(q->nb->engine, relation,
                                                    key);

    free(key);
    free(relation);
    return names;
}

static struct status_part *
find_part(struct part_counts *counts, uint32_t part, const char *reason)
{
    struct status_own_object *status = counts->status;
    struct status_part *parts;

    for (size_t i = 0; i < status->n_parts; i++) {
        if (status->parts[i].part == part
            && nullable_string_is_equal(status->parts[i].reason, reason)) {
            return &status->parts[i];
        }
    }
    if (status->n_parts == PARTS_MAX) {
        return NULL;
    }
    if (status->n_parts == counts->allocated) {
        counts->allocated = MAX(8, 2 * counts->allocated);
        parts = arena_alloc(counts->q->arena, counts->allocated
                                              * sizeof *parts);
        if (status->n_parts) {
            memcpy(parts, status->parts, status->n_parts * sizeof *parts);
        }
        status->parts = parts;
    }
    parts = &status->parts[status->n_parts++];
    *parts = (struct status_part) {
        .part = part,
        .name = part ? name_of_part(counts, part) : NULL,
        .reason = reason ? arena_strdup(counts->q->arena, reason) : NULL,
    };
    return parts;
}

static void
add_count(struct status_count *count, const struct fabric_load *load)
{
    count->packets += load->packets;
    count->bytes += load->bytes;
    count->last = MAX(count->last, load->last_ms);
}

static void
add_part_count(void *counts_, uint32_t part, const char *reason,
               const struct fabric_load *load)
{
    struct part_counts *counts = counts_;
    struct status_part *one = (counts->q->one
                               ? find_part(counts, part, reason) : NULL);

    add_count(&counts->status->count, load);
    if (one) {
        add_count(&one->count, load);
    }
}

/* Adds what a handler of the app has counted. */
static void
add_handler_count(void *counts, const struct handler_count *count)
{
    const struct fabric_load load = {
        .packets = count->packets, .bytes = count->bytes,
        .last_ms = count->last_ms,
    };

    add_part_count(counts, count->part, NULL, &load);
}

/* What the app finds out.  ------------------------------------------------ */

static bool
take_number(const char *text, int64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoll(text, &end, 10);
    return !errno && end != text && !*end && !isspace((unsigned char) text[0]);
}

static int
compare_numbers(const void *a_, const void *b_)
{
    const int64_t *a = a_;
    const int64_t *b = b_;

    return *a < *b ? -1 : *a > *b;
}

/* Appends the values that are numbers, the least first, and 'max' at most.
 * Returns how many. */
static size_t
put_numbers(struct vmn_names values, size_t max, struct ds *ds)
{
    int64_t numbers[SCHEMA_OWN_VALUES_MAX];
    size_t n = 0, n_put = 0;

    for (size_t i = 0; i < values.n && n < SCHEMA_OWN_VALUES_MAX; i++) {
        n += take_number(values.names[i], &numbers[n]);
    }
    qsort(numbers, n, sizeof *numbers, compare_numbers);
    for (size_t i = 0; i < n && n_put < max; i++) {
        if (!i || numbers[i] != numbers[i - 1]) {
            ds_put_format(ds, "%s%"PRId64, n_put ? "," : "", numbers[i]);
            n_put++;
        }
    }
    return n_put;
}

/* Appends a value as JSON.  Returns false, and appends nothing, if it is none
 * of the type. */
static bool
put_value(const struct schema_field *f, const char *value, struct ds *ds)
{
    if (f->type != SCHEMA_BOOL) {
        schema_print_text(value, ds);
    } else if (!strcmp(value, "true") || !strcmp(value, "false")) {
        ds_put_cstr(ds, value);
    } else {
        return false;
    }
    return true;
}

/* The same of other values, in the order that they have. */
static size_t
put_values(const struct schema_field *f, struct vmn_names values, size_t max,
           struct ds *ds)
{
    size_t n = 0;

    for (size_t i = 0; i < values.n && n < max; i++) {
        size_t length = ds->length;

        ds_put_cstr(ds, n ? "," : "");
        if (put_value(f, values.names[i], ds)) {
            n++;
        } else {
            ds_truncate(ds, length);
        }
    }
    return n;
}

/* Returns the values of a member as JSON, in 'arena'; NULL: none. */
static const char *
member_json(const struct schema_field *f, struct vmn_names values,
            struct arena *arena)
{
    bool list = f->flags & SCHEMA_LIST;
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t max = list ? SCHEMA_OWN_VALUES_MAX : 1;
    const char *text = NULL;
    size_t n;

    ds_put_cstr(&ds, list ? "[" : "");
    n = (f->type == SCHEMA_I64 ? put_numbers(values, max, &ds)
         : put_values(f, values, max, &ds));
    ds_put_cstr(&ds, list ? "]" : "");
    if (n || list) {
        text = arena_strdup(arena, ds_cstr(&ds));
    }
    ds_destroy(&ds);
    return text;
}

static void
fill_members(const struct nb_status_query *q, const struct vmn_row *row,
             char *status)
{
    const struct schema_table *table = schema_tables[row->table];
    const char *const *relation = table->relations;

    for (const struct schema_field *f = table->status->fields; f->name; f++) {
        if (f->flags & SCHEMA_PRINTED) {
            *(const char **) (void *) (status + f->offset) = member_json(
                f, engine_relation_values(q->nb->engine, *relation++,
                                          row->name), q->arena);
        }
    }
}

bool
nb_fill_own_object(const struct nb_status_query *q, const struct vmn_row *row,
                   void *status_)
{
    const struct vmn_type_row *type = model_get_durable(
        q->nb->model, VMN_TABLE_TYPE, schema_tables[row->table]->plural, NULL);
    struct status_own_object *status = status_;
    struct part_counts counts = { .q = q, .status = status };

    if (type && q->one) {
        counts.names = names_of_parts(q, type, row);
    }
    status->unserved = type ? find_unserved(q, type) : NULL;
    fabric_parts(q->nb->fabric, row->table, row->name, add_part_count,
                 &counts);
    engine_handler_counts(q->nb->engine, row->table, row->name,
                          add_handler_count, &counts);
    status->unread_hosts = fabric_unread_hosts(q->nb->fabric);
    /* Of a cluster's members the writer alone reads what flows count. */
    status->counted = (q->one && !q->nb->following
                       ? fabric_counted_ms(q->nb->fabric) : 0);
    fill_members(q, row, status_);
    return true;
}
