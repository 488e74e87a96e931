/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads what is to be undone from the log: of one revision, or of several
 * together.  Not for what is made of it (api-undo.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "controller/northbound/auth.h"
#include "controller/northbound/undo-range.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Bounds of what is undone together: the log is read, and its JSON parsed, in
 * one go. */
#define RANGE_MAX 100           /* Revisions. */
#define RANGE_BYTES (4 * 1024 * 1024)
#define SCANS_MAX 20            /* Parts of the log that are searched. */

/* From the first to the last one. */
struct range {
    const struct northbound *nb;
    uint64_t first, last;
};

/* Appends those of a list of entries, oldest first, that are within the
 * range. */
static void
append_entries(const struct range *range, const char *list, json_t *entries)
{
    char *text = xasprintf("[%s]", list);
    json_t *found = json_loads(text, JSON_ALLOW_NUL, NULL);

    for (size_t i = json_array_size(found); i-- > 0; ) {
        json_t *entry = json_array_get(found, i);

        if ((uint64_t) json_integer_value(json_object_get(entry, "revision"))
            >= range->first) {
            json_array_append(entries, entry);
        }
    }
    json_decref(found);
    free(text);
}

/* Returns true if a restore of a backup has taken the revision back, after a
 * reply. */
static bool
is_taken_back(const struct range *range, struct http_request *req,
              uint64_t revision)
{
    uint64_t restore = range->nb->store_class->taken_back(range->nb->store,
                                                         revision);

    if (restore) {
        http_reply_problem(req, 409, "conflict", NULL, "Revision %"PRIu64" is "
                           "not in effect: revision %"PRIu64", the restore of "
                           "a backup, has taken it back", revision, restore);
    }
    return restore != 0;
}

/* Appends the log's entries of the range that the client sees, the newest
 * first; '*is_too_long' is set if there are more than RANGE_MAX, or they were
 * to be searched for in too many parts.  Returns false after a reply. */
static bool
find_entries(const struct range *range, struct http_request *req,
             json_t *entries, bool *is_too_long)
{
    struct store_log_filter filter = { .since_ms = INT64_MIN };
    struct vmn_error why = VMN_ERROR_INIT;
    uint64_t before = range->last + 1;
    char *author = NULL;
    int error = 0, n_scans = 0;

    if (nb_sees_own_changes(range->nb, req, &author, &filter.since_ms)) {
        filter.author = author;
    }
    while (!error && before > range->first && n_scans++ < SCANS_MAX
           && json_array_size(entries) <= RANGE_MAX) {
        size_t most = RANGE_MAX + 1 - json_array_size(entries);
        struct ds ds = DS_EMPTY_INITIALIZER;

        error = range->nb->store_class->filter_logs(
            range->nb->store, &filter, before, most, &ds, &before, &why);
        if (!error) {
            append_entries(range, ds_cstr(&ds), entries);
        }
        ds_destroy(&ds);
    }
    *is_too_long = (json_array_size(entries) > RANGE_MAX
                    || n_scans > SCANS_MAX);
    free(author);
    if (error) {
        nb_reply_unreadable_log(req, &why);
    }
    return !error;
}

/* Returns how many objects the entry names that the log keeps, as long as
 * there is room. */
static json_int_t
count_kept(const json_t *entry)
{
    const json_t *change;
    json_int_t n = 0;
    size_t i;

    json_array_foreach (json_object_get(entry, "changes"), i, change) {
        const char *type = json_string_value(json_object_get(change, "type"));
        const struct schema_table *table = type ? schema_find_table(type)
                                           : NULL;

        n += (!json_object_get(change, "by")
              && (!table || (table->stored && !table->observed
                             && !table->unlogged)));
    }
    return n;
}

/* Adds what is kept of a revision to 'sum', and the size of that to
 * '*n_bytes'.  Returns false after a reply. */
static bool
add_revision(const struct range *range, struct http_request *req,
             const json_t *entry, json_t *sum, size_t *n_bytes,
             json_int_t *left_out)
{
    uint64_t revision = json_integer_value(json_object_get(entry,
                                                           "revision"));
    struct vmn_error why = VMN_ERROR_INIT;
    json_t *contents;
    int error;

    if (is_taken_back(range, req, revision)) {
        return false;
    }
    error = nb_read_contents(range->nb, revision, &contents, n_bytes, &why);
    if (error && error != ENOENT) {
        nb_reply_unreadable_log(req, &why);
        return false;
    }
    if (error) {
        *left_out += count_kept(entry);
    } else {
        undo_range_add(sum, contents, revision);
        *left_out += json_integer_value(json_object_get(contents,
                                                        "left_out"));
        json_decref(contents);
    }
    if (*n_bytes > RANGE_BYTES) {
        http_reply_problem(req, 413, "too-large", NULL, "What revisions "
                           "%"PRIu64" to %"PRIu64" changed is more than is "
                           "put into one draft: take them back in parts",
                           range->first, range->last);
        return false;
    }
    return true;
}

/* Replies that the range is too long, or that nothing of it is there. */
static void
reply_extent(const struct range *range, struct http_request *req,
             bool is_too_long)
{
    if (is_too_long) {
        http_reply_problem(req, 413, "too-large", NULL, "There is too much of "
                           "the log from revision %"PRIu64" to %"PRIu64": "
                           "take back at most %d revisions together",
                           range->first, range->last, RANGE_MAX);
    } else {
        http_reply_problem(req, 404, "not-found", NULL, "The log has no "
                           "revision from %"PRIu64" to %"PRIu64, range->first,
                           range->last);
    }
}

/* Returns what the revisions of the range have changed together, as contents
 * of one, or NULL after a reply. */
static json_t *
read_range(const struct range *range, struct http_request *req)
{
    json_t *entries = json_array(), *sum, *found;
    json_int_t left_out = 0;
    size_t n, n_bytes = 0;
    bool is_too_long;

    if (!find_entries(range, req, entries, &is_too_long)) {
        json_decref(entries);
        return NULL;
    }
    n = json_array_size(entries);
    if (!n || is_too_long) {
        reply_extent(range, req, is_too_long);
        json_decref(entries);
        return NULL;
    }
    sum = json_object();
    while (n && add_revision(range, req, json_array_get(entries, n - 1), sum,
                             &n_bytes, &left_out)) {
        n--;
    }
    found = (n ? NULL : json_pack("{s:o, s:I}", "objects",
                                  undo_range_objects(sum), "left_out",
                                  left_out));
    json_decref(sum);
    json_decref(entries);
    return found;
}

/* Returns what the revision has changed, or NULL after a reply. */
static json_t *
read_one(const struct range *range, struct http_request *req)
{
    struct vmn_error why = VMN_ERROR_INIT;
    json_t *contents;
    int error;

    if (is_taken_back(range, req, range->last)) {
        return NULL;
    }
    error = nb_log_contents(range->nb, range->last, &contents, &why);
    if (error == ENOENT) {
        http_reply_problem(req, 404, "not-found", NULL, "Nothing is kept of "
                           "what revision %"PRIu64" changed: it is a report "
                           "of a host, or has left the log (GET "
                           "/v1/revisions?users=true, vmnctl revisions "
                           "--users: those that can be undone)", range->last);
    } else if (error) {
        nb_reply_unreadable_log(req, &why);
    }
    return error ? NULL : contents;
}

json_t *
nb_undo_contents(const struct northbound *nb, struct http_request *req,
                 uint64_t first, uint64_t last)
{
    const struct range range = { .nb = nb, .first = first, .last = last };

    return (first < last ? read_range(&range, req) : read_one(&range, req));
}
