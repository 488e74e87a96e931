/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client asks of GET /v1/events, but for the past (event-replay.c). */

#include <config.h>

#include "controller/northbound/event-query.h"

#include <string.h>

#include "controller/northbound/auth.h"
#include "controller/northbound/event-scope.h"
#include "util.h"

bool
event_query_has_scope(const struct http_request *req)
{
    const struct model_rights *rights = nb_rights(req);

    return rights && rights->scope.text;
}

/* Parses "host,revision" into bits, of which a client with a scope has some.
 * Replies 400 and returns false if it is invalid. */
static bool
query_kinds(struct http_request *req, unsigned *kinds)
{
    const char *text = http_request_query(req, "kinds");
    unsigned allowed = (event_query_has_scope(req) ? event_scope_kinds
                        : (1u << EVENT_N_KINDS) - 1);

    *kinds = allowed;
    if (!text) {
        return true;
    }
    *kinds = 0;
    for (const char *p = text; ; p++) {
        size_t len = strcspn(p, ",");
        enum event_kind kind = event_kind_from_name(p, len);

        if (kind == EVENT_N_KINDS) {
            return nb_query_reject(
                req, "kinds", "must be some of "EVENT_KINDS_BY_COMMAS
                ", with commas between them, not \"%s\"", text);
        }
        if (!(allowed & 1u << kind)) {
            return nb_query_reject(
                req, "kinds", "\"%s\" is for accounts without a scope%s",
                event_kind_name(kind),
                kind == EVENT_DROP ? ": GET /v1/drops has those of one's own "
                "ports" : kind == EVENT_LOG ? ": GET /v1/logs has those of "
                "one's own policies" : "");
        }
        *kinds |= 1u << kind;
        p += len;
        if (!*p) {
            return true;
        }
    }
}

static bool
query_type(struct http_request *req, int *type)
{
    const char *text = http_request_query(req, "type");
    const struct schema_table *table = text ? schema_find_table(text) : NULL;

    *type = table ? (int) table->id : -1;
    /* Of what is not stored no revision is told. */
    if (text && (!table || !table->stored)) {
        return nb_query_reject(req, "type", "must be a type of objects, such "
                               "as \"ports\", not \"%s\"", text);
    }
    return true;
}

/* Sets '*after' to the id after which the client resumes, and '*given' to
 * whether it names one.  A browser that reconnects sends the header
 * Last-Event-ID along with its original query, so the header takes
 * precedence. */
static bool
query_after(struct http_request *req, uint64_t *after, bool *given)
{
    const char *header = http_request_header(req, "Last-Event-ID");
    const char *text = header ? header : http_request_query(req, "after");

    *given = text != NULL;
    if (text && !nb_parse_number(text, after)) {
        if (!header) {
            return nb_query_reject(req, "after", "must be the id of an event,"
                                   " not \"%s\"", text);
        }
        http_reply_problem(req, 400, "invalid", NULL,
                           "Last-Event-ID must be the id of an event, which "
                           "is a number");
        return false;
    }
    return true;
}

/* Objects need not exist: they may be created later. */
static void
query_filter(struct http_request *req, struct event_filter *filter)
{
    static const char *const parameters[EVENT_N_OF] = {
        [EVENT_OF_HOST] = "host", [EVENT_OF_NETWORK] = "network",
        [EVENT_OF_PORT] = "port", [EVENT_OF_POLICY] = "policy",
        [EVENT_OF_LOADBALANCER] = "loadbalancer",
    };

    for (size_t i = 0; i < EVENT_N_OF; i++) {
        filter->of[i] = nullable_xstrdup(
            http_request_query(req, parameters[i]));
    }
}

bool
event_query_parse(struct http_request *req, struct event_query *query)
{
    struct event_filter *filter = &query->filter;

    memset(query, 0, sizeof *query);
    if (!query_kinds(req, &filter->kinds) || !query_type(req, &filter->type)
        || !nb_query_bool(req, "background", &filter->background)
        || !query_after(req, &query->after, &query->resumes)) {
        return false;
    }
    query_filter(req, filter);
    return true;
}
