/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of questions for probes of paths, and of reports; see
 * path-report.h:
 *
 *     {"epoch": 1, "run": 1, "after": 2, "suspects": [HOST, AGE, HOST...]}
 *     {"run": 1, "seq": 2, "more": false,
 *      "results": [HOST, PEER, VALUE, AGE, HOST, PEER, VALUE, AGE...]} */

#include <config.h>

#include "controller/paths/path-report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Of a result. */
#define N_FIELDS 4

/* Sets '*number' to a member of 'json'.  Returns false unless it is an
 * integer, 0 or more. */
static bool
read_number(const json_t *json, const char *name, uint64_t *number)
{
    const json_t *value = json_object_get(json, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *number = json_integer_value(value);
    return true;
}

char *
path_ask_print(const struct path_ask *ask)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "{\"epoch\":%"PRIu64",\"run\":%"PRIu64",\"after\":%"
                  PRIu64, ask->epoch, ask->run, ask->after);
    for (size_t i = 0; i < ask->n_suspects; i++) {
        ds_put_format(&ds, "%s%"PRIu32",%"PRIu32,
                      i ? "," : ",\"suspects\":[", ask->suspects[i].host,
                      ask->suspects[i].age_ms);
    }
    ds_put_cstr(&ds, ask->n_suspects ? "]}" : "}");
    return ds_steal_cstr(&ds);
}

/* Returns true if the item of a list is an integer within these bounds, and
 * sets '*number' to it. */
static bool
read_item(const json_t *list, size_t i, json_int_t min, json_int_t max,
          uint32_t *number)
{
    const json_t *item = json_array_get(list, i);

    if (!json_is_integer(item) || json_integer_value(item) < min
        || json_integer_value(item) > max) {
        return false;
    }
    *number = (uint32_t) json_integer_value(item);
    return true;
}

/* Without 'list' there are none.  Returns false if it is something else than a
 * list of numbers of hosts and ages, or too long. */
static bool
read_suspects(const json_t *list, struct path_ask *ask)
{
    size_t n = json_array_size(list) / 2;

    ask->n_suspects = 0;
    if (list && (!json_is_array(list) || json_array_size(list) % 2
                 || n > PATH_SUSPECTS_MAX)) {
        return false;
    }
    for (; ask->n_suspects < n; ask->n_suspects++) {
        struct path_suspect *s = &ask->suspects[ask->n_suspects];

        if (!read_item(list, 2 * ask->n_suspects, 1, UINT32_MAX, &s->host)
            || !read_item(list, 2 * ask->n_suspects + 1, 0,
                          PATH_SUSPECT_AGE_MAX_MS, &s->age_ms)) {
            return false;
        }
    }
    return true;
}

const char *
path_ask_read(const void *text, size_t size, struct path_ask *ask)
{
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *fault = NULL;

    if (!json_is_object(json)) {
        fault = "it is no JSON object";
    } else if (!read_number(json, "epoch", &ask->epoch)
               || !read_number(json, "run", &ask->run)
               || !read_number(json, "after", &ask->after)) {
        fault = "'epoch', 'run' or 'after' is no number";
    } else if (!read_suspects(json_object_get(json, "suspects"), ask)) {
        fault = "'suspects' is no list of hosts and ages, or too long";
    }
    json_decref(json);
    return fault;
}

char *
path_report_print(const struct path_report *report)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "{\"run\":%"PRIu64",\"seq\":%"PRIu64",\"more\":%s,"
                  "\"results\":[", report->run, report->seq,
                  report->more ? "true" : "false");
    for (size_t i = 0; i < report->n; i++) {
        const struct path_result *result = &report->results[i];

        ds_put_format(&ds, "%s%"PRIu32",%"PRIu32",%"PRId32",%"PRIu32,
                      i ? "," : "", result->host, result->peer, result->value,
                      result->age_ms);
    }
    ds_put_cstr(&ds, "]}");
    return ds_steal_cstr(&ds);
}

/* Returns false unless N_FIELDS numbers are a result. */
static bool
read_result(const json_t *list, size_t i, struct path_result *result)
{
    json_int_t fields[N_FIELDS];

    for (size_t k = 0; k < N_FIELDS; k++) {
        const json_t *field = json_array_get(list, i * N_FIELDS + k);

        if (!json_is_integer(field)) {
            return false;
        }
        fields[k] = json_integer_value(field);
    }
    if (fields[0] < 1 || fields[0] > UINT32_MAX
        || fields[1] < 0 || fields[1] > UINT32_MAX || fields[0] == fields[1]
        || fields[2] < (fields[1] ? PATH_RESULT_LARGE_LOST : 0)
        || fields[2] > PATH_RESULT_MAX_US
        || fields[3] < 0 || fields[3] > PATH_RESULT_AGE_MAX_MS) {
        return false;
    }
    *result = (struct path_result) {
        .host = (uint32_t) fields[0], .peer = (uint32_t) fields[1],
        .value = (int32_t) fields[2], .age_ms = (uint32_t) fields[3],
    };
    return true;
}

static const char *
read_results(const json_t *list, struct path_report *report)
{
    size_t n = json_array_size(list) / N_FIELDS;

    if (!json_is_array(list) || json_array_size(list) % N_FIELDS
        || n > PATH_REPORT_RESULTS_MAX) {
        return "'results' is no list of results, or too long";
    }
    report->results = xcalloc(MAX(n, 1), sizeof *report->results);
    for (report->n = 0; report->n < n; report->n++) {
        if (!read_result(list, report->n, &report->results[report->n])) {
            free(report->results);
            return "a number of a result is out of range";
        }
    }
    return NULL;
}

const char *
path_report_read(const void *text, size_t size, struct path_report *report)
{
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *fault;

    if (!json_is_object(json)) {
        fault = "it is no JSON object";
    } else if (!read_number(json, "run", &report->run) || !report->run
               || !read_number(json, "seq", &report->seq)) {
        fault = "'run' or 'seq' is out of range";
    } else {
        report->more = json_is_true(json_object_get(json, "more"));
        fault = read_results(json_object_get(json, "results"), report);
    }
    json_decref(json);
    return fault;
}
