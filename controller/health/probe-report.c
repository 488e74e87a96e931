/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of reports of probes; see probe-report.h:
 *
 *     {"run": 1, "seq": 2, "revision": 3, "more": false, "hosts": [NAME...],
 *      "backends": [[HOST, BALANCER, PORT, ID, OK, FAILED, IN_A_ROW, AGO,
 *                    LATENCY, REASON]...]}
 *
 * IN_A_ROW is negative if the last ones have failed. */

#include <config.h>

#include "controller/health/probe-report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Of a backend. */
#define N_FIELDS 10

/* Asking.  ---------------------------------------------------------------- */

char *
probe_ask_print(const struct probe_ask *ask)
{
    return xasprintf("{\"epoch\":%"PRIu64",\"run\":%"PRIu64",\"after\":%"
                     PRIu64"}", ask->epoch, ask->run, ask->after);
}

/* Returns false unless 'value' is an integer, 0 or more. */
static bool
read_number(const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *number = json_integer_value(value);
    return true;
}

const char *
probe_ask_read(const void *text, size_t size, struct probe_ask *ask)
{
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *fault = NULL;

    if (!json_is_object(json)) {
        fault = "it is no JSON object";
    } else if (!read_number(json_object_get(json, "epoch"), &ask->epoch)
               || !read_number(json_object_get(json, "run"), &ask->run)
               || !read_number(json_object_get(json, "after"),
                               &ask->after)) {
        fault = "'epoch', 'run' or 'after' is no number";
    }
    json_decref(json);
    return fault;
}

/* Telling.  --------------------------------------------------------------- */

struct probe_report_out {
    json_t *hosts, *backends;
};

struct probe_report_out *
probe_report_begin(void)
{
    struct probe_report_out *out = xmalloc(sizeof *out);

    out->hosts = json_array();
    out->backends = json_array();
    return out;
}

void
probe_report_put_host(struct probe_report_out *out, const char *name)
{
    json_array_append_new(out->hosts, json_string(name));
}

void
probe_report_put_backend(struct probe_report_out *out,
                         const struct probe_report_backend *b)
{
    json_int_t in_a_row = MIN(b->n, INT32_MAX);
    json_t *reason = json_string(b->reason);

    json_array_append_new(out->backends, json_pack(
        "[s, s, s, I, I, I, I, I, I, o]", b->host, b->balancer, b->port,
        (json_int_t) b->id, (json_int_t) b->n_ok, (json_int_t) b->n_failed,
        b->ok ? in_a_row : -in_a_row,
        (json_int_t) MIN(b->ago_ms, PROBE_REPORT_AGO_MAX_MS),
        (json_int_t) b->latency_us, reason ? reason : json_string("")));
}

char *
probe_report_end(struct probe_report_out *out,
                 const struct probe_report *report)
{
    json_t *json = json_pack("{s:I, s:I, s:I, s:b, s:o}",
                             "run", (json_int_t) report->run,
                             "seq", (json_int_t) report->seq,
                             "revision", (json_int_t) report->revision,
                             "more", report->more,
                             "backends", out->backends);
    char *text;

    if (report->has_hosts) {
        json_object_set(json, "hosts", out->hosts);
    }
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    json_decref(out->hosts);
    free(out);
    return text;
}

/* Reading.  --------------------------------------------------------------- */

/* Returns the text, or NULL if it is none, empty unless 'may_be_empty', or
 * longer than 'max'. */
static const char *
read_text(const json_t *value, size_t max, bool may_be_empty)
{
    size_t length = json_string_length(value);

    return (json_is_string(value) && length <= max
            && (length || may_be_empty)
            && strlen(json_string_value(value)) == length
            ? json_string_value(value) : NULL);
}

static const char *
read_backend(const json_t *json, struct probe_report_backend *b)
{
    json_int_t in_a_row = json_integer_value(json_array_get(json, 6));
    uint64_t ago_ms, latency_us;

    if (!json_is_array(json) || json_array_size(json) < N_FIELDS) {
        return "a backend has too few fields";
    }
    b->host = read_text(json_array_get(json, 0), PROBE_REPORT_NAME_MAX, false);
    b->balancer = read_text(json_array_get(json, 1), PROBE_REPORT_NAME_MAX,
                            false);
    b->port = read_text(json_array_get(json, 2), PROBE_REPORT_NAME_MAX, false);
    b->reason = read_text(json_array_get(json, 9), PROBE_REPORT_REASON_MAX,
                          true);
    if (!b->host || !b->balancer || !b->port || !b->reason) {
        return "a name or the reason of a backend is none";
    }
    if (!read_number(json_array_get(json, 3), &b->id)
        || !read_number(json_array_get(json, 4), &b->n_ok)
        || !read_number(json_array_get(json, 5), &b->n_failed)
        || !read_number(json_array_get(json, 7), &ago_ms)
        || !read_number(json_array_get(json, 8), &latency_us)
        || ago_ms > PROBE_REPORT_AGO_MAX_MS
        || latency_us > PROBE_REPORT_AGO_MAX_MS * UINT64_C(1000)) {
        return "a number of a backend is out of range";
    }
    b->ok = in_a_row > 0;
    b->ago_ms = ago_ms;
    b->latency_us = latency_us;
    if (!in_a_row || in_a_row > INT32_MAX || in_a_row < -INT32_MAX) {
        return "a backend has no results in a row";
    }
    b->n = b->ok ? in_a_row : -in_a_row;
    return (b->n > (b->ok ? b->n_ok : b->n_failed)
            ? "a backend has more results in a row than results" : NULL);
}

static const char *
read_hosts(const json_t *array, struct sset *hosts)
{
    const json_t *host;
    size_t i;

    if (!json_is_array(array)
        || json_array_size(array) > PROBE_REPORT_HOSTS_MAX) {
        return "'hosts' is no list, or too long";
    }
    json_array_foreach (array, i, host) {
        const char *name = read_text(host, PROBE_REPORT_NAME_MAX, false);

        if (!name) {
            return "'hosts' has what is no name of a host";
        }
        sset_add(hosts, name);
    }
    return NULL;
}

static const char *
read_report(const json_t *json, struct probe_report *report,
            struct sset *hosts)
{
    const json_t *list = json_object_get(json, "hosts");

    if (!json_is_object(json)) {
        return "it is no JSON object";
    }
    *report = (struct probe_report) {
        .more = json_is_true(json_object_get(json, "more")),
        .has_hosts = list != NULL,
    };
    if (!read_number(json_object_get(json, "run"), &report->run)
        || !read_number(json_object_get(json, "seq"), &report->seq)
        || !read_number(json_object_get(json, "revision"), &report->revision)
        || !report->run) {
        return "'run', 'seq' or 'revision' is out of range";
    }
    return list ? read_hosts(list, hosts) : NULL;
}

/* Checks all backends. */
static const char *
check(const json_t *backends)
{
    struct probe_report_backend b;
    const char *fault = NULL;
    const json_t *backend;
    size_t i;

    if (!json_is_array(backends)
        || json_array_size(backends) > PROBE_REPORT_BACKENDS_MAX) {
        return "'backends' is no list, or too long";
    }
    json_array_foreach (backends, i, backend) {
        fault = fault ? fault : read_backend(backend, &b);
    }
    return fault;
}

const char *
probe_report_read(const void *text, size_t size,
                  const struct probe_report_ops *ops, void *aux)
{
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *backends = json_object_get(json, "backends");
    struct sset hosts = SSET_INITIALIZER(&hosts);
    struct probe_report report;
    const char *fault = read_report(json, &report, &hosts);
    const json_t *backend;
    size_t i;

    fault = fault ? fault : check(backends);
    if (!fault) {
        ops->report(aux, &report, &hosts);
        json_array_foreach (backends, i, backend) {
            struct probe_report_backend b;

            read_backend(backend, &b);
            ops->backend(aux, &b);
        }
    }
    sset_destroy(&hosts);
    json_decref(json);
    return fault;
}
