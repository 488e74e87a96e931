/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing of query parameters: numbers, flags, names, and what a change waits
 * for. */

#include <config.h>

#include "controller/northbound/auth.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "controller/flow/pipeline.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

bool
nb_parse_number(const char *text, uint64_t *value)
{
    size_t n = strspn(text, "0123456789");

    if (!n || text[n] || n > NB_DIGITS_MAX) {
        return false;
    }
    *value = strtoull(text, NULL, 10);
    return true;
}

bool
nb_query_reject(struct http_request *req, const char *name,
                const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    http_reply_problem(req, 400, "invalid",
                       json_pack("[o]", http_query_error(name, "%s", text)),
                       "?%s %s", name, text);
    free(text);
    return false;
}

bool
nb_query_number(struct http_request *req, const char *name, uint64_t min,
                uint64_t max, uint64_t def, uint64_t *value)
{
    const char *text = http_request_query(req, name);

    *value = def;
    if (!text || (nb_parse_number(text, value) && *value >= min
                  && *value <= max)) {
        return true;
    }
    return nb_query_reject(req, name, "must be a number from %"PRIu64" to %"
                           PRIu64, min, max);
}

bool
nb_query_limit(struct http_request *req, uint64_t max, uint64_t def,
               uint64_t *limit)
{
    const char *text = http_request_query(req, "limit");
    size_t n = text ? strspn(text, "0123456789") : 0;

    *limit = def;
    if (!text) {
        return true;
    }
    if (n && !text[n] && strspn(text, "0") < n) {
        *limit = (nb_parse_number(text, limit) && *limit < max ? *limit
                  : max);
        return true;
    }
    return nb_query_reject(req, "limit", "must be a number above 0; %"PRIu64
                           " is the most", max);
}

bool
nb_param_revision(struct http_request *req, uint64_t *revision)
{
    const char *text = http_request_param(req, "revision");

    if (nb_parse_number(text, revision)) {
        return true;
    }
    http_reply_problem(req, 400, "invalid", NULL, "A revision is a number of "
                       "at most %d digits, not \"%s\"", NB_DIGITS_MAX, text);
    return false;
}

bool
nb_query_bool(struct http_request *req, const char *name, bool *value)
{
    const char *text = http_request_query(req, name);

    *value = text && !strcmp(text, "true");
    if (!text || *value || !strcmp(text, "false")) {
        return true;
    }
    return nb_query_reject(req, name, "must be true or false");
}

bool
nb_query_since(struct http_request *req, int64_t *since_ms)
{
    const char *text = http_request_query(req, "since");
    struct vmn_error why = VMN_ERROR_INIT;

    *since_ms = INT64_MIN;
    if (text && value_check_time(text, &why)) {
        nb_query_reject(req, "since", "%s", why.text);
        vmn_error_uninit(&why);
        return false;
    }
    if (text) {
        *since_ms = value_parse_time(text) * 1000;
    }
    return true;
}

static const char *
type_at(const void *aux OVS_UNUSED, size_t i)
{
    return (i >= VMN_N_TABLES ? NULL
            : schema_tables[i]->observed ? "" : schema_tables[i]->plural);
}

bool
nb_query_type(struct http_request *req, const char **type)
{
    const char *text = http_request_query(req, "type");
    const struct schema_table *table = text ? schema_find_table(text) : NULL;
    const char *guess = table || !text ? NULL
                        : schema_suggest(text, type_at, NULL);

    *type = table ? table->plural : NULL;
    return (table || !text
            || nb_query_reject(req, "type", "unknown type \"%s\"%s%s%s", text,
                               guess ? "; did you mean \"" : "",
                               guess ? guess : "", guess ? "\"?" : ""));
}

bool
nb_query_object(struct http_request *req, const struct northbound *nb,
                const char *name, enum vmn_table table, const char **value)
{
    const struct vmn_row *row;
    char *guess;

    *value = http_request_query(req, name);
    if (!*value) {
        return true;
    }
    row = model_get_durable(nb->model, table, *value, NULL);
    if (row && model_sees(nb_rights(req), row)) {
        return true;            /* Otherwise the client may not know of it. */
    }
    guess = model_suggestion(nb->model, MODEL_DURABLE, nb_rights(req), table,
                             *value);
    nb_query_reject(req, name, "%s \"%s\" not found%s",
                    schema_tables[table]->singular, *value, guess);
    free(guess);
    return false;
}

bool
nb_query_app(struct http_request *req, const struct northbound *nb,
             const char **app)
{
    const struct pipeline *pipeline = apphost_pipeline(nb->apphost);
    struct ds ds = DS_EMPTY_INITIALIZER;

    *app = http_request_query(req, "app");
    for (size_t i = 0; *app && i < pipeline->n_apps; i++) {
        const char *name = pipeline->apps[i].class_->name;

        if (pipeline->apps[i].removed) {
            continue;
        } else if (!strcmp(name, *app)) {
            ds_destroy(&ds);
            return true;
        }
        ds_put_format(&ds, "%s%s", ds.length ? ", " : "", name);
    }
    if (*app) {
        nb_query_reject(req, "app", "must be a loaded app: "
                        "%s", ds_cstr(&ds));
    }
    ds_destroy(&ds);
    return !*app;
}

/* Parses "500ms", "10s", "2m", or a number of seconds, to milliseconds. */
static bool
parse_duration(const char *text, int *ms)
{
    static const struct {
        const char *unit;
        int ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 },
                  { "", 1000 } };
    size_t n = strspn(text, "0123456789");

    if (!n || n > 6) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (!strcmp(text + n, units[i].unit)) {
            long long int total = atoll(text) * units[i].ms;

            *ms = total;
            return total > 0 && total <= NB_TIMEOUT_MAX_MS;
        }
    }
    return false;
}

/* Sets '*value' to whether the parameter is 'word' or, what other APIs call
 * it, "true".  Replies 400 and returns false if it is neither, nor "false". */
static bool
query_word(struct http_request *req, const char *name, const char *word,
           bool *value)
{
    const char *text = http_request_query(req, name);

    *value = text && (!strcmp(text, word) || !strcmp(text, "true"));
    if (!text || *value || !strcmp(text, "false")) {
        return true;
    }
    return nb_query_reject(req, name, "must be \"%s\", true or false", word);
}

/* Checks the comment, which nb_request_init() takes. */
static bool
query_comment(struct http_request *req)
{
    const char *comment = http_request_query(req, "comment");
    struct vmn_error why = VMN_ERROR_INIT;

    if (comment && value_check_comment(comment, &why)) {
        nb_query_reject(req, "comment", "%s", why.text);
        vmn_error_uninit(&why);
        return false;
    }
    return true;
}

bool
nb_query_wait(struct http_request *req, struct nb_wait *wait)
{
    const char *timeout = http_request_query(req, "timeout");

    wait->timeout_ms = NB_TIMEOUT_DEFAULT_MS;
    if (!query_comment(req)) {
        return false;
    }
    if (!query_word(req, "wait", "installed", &wait->installed)
        || !query_word(req, "dry_run", "plan", &wait->plan)
        || !nb_query_bool(req, "refuse_loosening",
                          &wait->refuse_loosening)) {
        return false;
    }
    if (wait->plan && wait->installed) {
        return nb_query_reject(req, "wait", "cannot be combined with dry_run: "
                               "a plan installs nothing");
    }
    if (timeout && !wait->installed) {
        return nb_query_reject(req, "timeout",
                               "requires wait=installed");
    }
    if (timeout && !parse_duration(timeout, &wait->timeout_ms)) {
        return nb_query_reject(req, "timeout", "must be a time such as "
                               "500ms, 10s or 2m, of at most %ds",
                               NB_TIMEOUT_MAX_MS / 1000);
    }
    return true;
}
