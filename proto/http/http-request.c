/* SPDX-License-Identifier: Apache-2.0
 *
 * A request between its head and its reply: routing, query, token, and the
 * functions that handlers call. */

#include <config.h>

#include "proto/http/http-private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/watchdog/watchdog.h"
#include "util.h"

struct http_request *
http_request_create(struct http_conn *conn)
{
    struct http_request *req = xzalloc(sizeof *req);

    req->conn = conn;
    req->server = conn->listener->server;
    req->who = xstrdup(conn->who);
    req->client = xstrdup(conn->who);
    req->limits = (struct http_limits) HTTP_LIMITS_DEFAULT;
    ds_init(&req->body);
    ds_init(&req->headers);
    return req;
}

void
http_request_free(struct http_request *req)
{
    http_head_uninit(&req->head);
    http_target_uninit(&req->target);
    for (size_t i = 0; i < req->n_params; i++) {
        free(req->params[i].value);
    }
    free(req->who);
    http_limits_release(req);
    free(req->client);
    if (req->identity) {
        req->free_identity(req->identity);
    }
    ds_destroy(&req->body);
    ds_destroy(&req->headers);
    free(req->etag);
    free(req);
}

/* Routes.  --------------------------------------------------------------- */

static void
clear_params(struct http_request *req)
{
    for (size_t i = 0; i < req->n_params; i++) {
        free(req->params[i].value);
    }
    req->n_params = 0;
}

/* Matches the path against 'pattern', and collects its parameters.  Each
 * request is compared with most patterns, which differ from its path in the
 * first letters as a rule. */
static bool
pattern_matches(struct http_request *req, const char *pattern)
{
    const char *path = req->target.path;

    clear_params(req);
    for (;;) {
        while (*pattern && *pattern != '{' && *pattern == *path) {
            pattern++;
            path++;
        }
        if (*pattern != '{') {
            return !*pattern && !*path;
        }

        size_t pattern_len = strcspn(pattern, "/");
        size_t path_len = strcspn(path, "/");
        char *value = http_percent_decode(path, path_len, false);

        if (!value || !*value || req->n_params >= HTTP_PARAMS_MAX) {
            free(value);
            return false;
        }
        req->params[req->n_params].name = pattern + 1;
        req->params[req->n_params].name_len = pattern_len - 2;
        req->params[req->n_params].value = value;
        req->n_params++;
        pattern += pattern_len;
        path += path_len;
    }
}

/* Matches the path against the route's pattern, and finds what it is about. */
static bool
route_matches(struct http_request *req, const struct http_route *route)
{
    if (!pattern_matches(req, route->pattern)) {
        return false;
    }
    req->data = route->find ? route->find(req) : route->data;
    return !route->find || req->data;
}

const char *const http_method_names[HTTP_N_METHODS] = {
    [HTTP_GET] = "GET",     [HTTP_PUT] = "PUT",
    [HTTP_POST] = "POST",   [HTTP_PATCH] = "PATCH",
    [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
};

/* Returns true if the request is for the route, whose path it has.  OPTIONS is
 * for all routes of a path. */
static bool
method_matches(const struct http_request *req, const struct http_route *route)
{
    return (route->method == req->head.method
            || req->head.method == HTTP_OPTIONS);
}

/* Appends what the paths one name below that of the request support, such as
 * "; /v1/ports/NAME supports GET, PUT": a client that posts to a list finds
 * there how objects are created. */
static void
put_methods_below(const struct http_request *req, struct ds *ds)
{
    const struct http_server *server = req->server;
    size_t len = strlen(req->target.path);
    bool first = true;

    for (size_t i = 0; i < server->n_routes; i++) {
        const struct http_route *route = &server->routes[i];
        const char *rest = route->pattern + len;

        if (strncmp(route->pattern, req->target.path, len)
            || strcmp(rest, "/{name}")) {
            continue;
        }
        if (first) {
            ds_put_format(ds, "; %s/NAME supports ", req->target.path);
        }
        ds_put_format(ds, "%s%s", first ? "" : ", ",
                      http_method_names[route->method]);
        first = false;
    }
}

static void
reply_no_such_path(struct http_request *req)
{
    const struct http_server *server = req->server;
    char *more = (server->options.no_such_path
                  ? server->options.no_such_path(req->target.path,
                                                 server->aux)
                  : xstrdup(""));

    http_reply_problem(req, 404, "no-such-path", NULL, "%s not found%s",
                       req->target.path, more);
    free(more);
}

/* Replies with the methods of the path, by bits of 'allowed': to OPTIONS, or
 * to a method that is not among them. */
static void
reply_allowed(struct http_request *req, unsigned allowed)
{
    struct ds allow = DS_EMPTY_INITIALIZER;
    struct ds supported = DS_EMPTY_INITIALIZER;

    for (int i = 0; i < HTTP_N_METHODS; i++) {
        if (allowed & (1u << i)) {
            ds_put_format(&allow, "%s, %s", http_method_names[i],
                          i == HTTP_GET ? "HEAD, " : "");
            ds_put_format(&supported, "%s%s", supported.length ? ", " : "",
                          http_method_names[i]);
        }
    }
    ds_put_cstr(&allow, http_method_names[HTTP_OPTIONS]);
    http_reply_header(req, "Allow", ds_cstr(&allow));
    ds_destroy(&allow);
    put_methods_below(req, &supported);
    if (req->head.method == HTTP_OPTIONS) {
        http_reply_empty(req, 204);
    } else {
        http_reply_problem(req, 405, "method", NULL, "%s supports %s",
                           req->target.path, ds_cstr(&supported));
    }
    ds_destroy(&supported);
}

/* Finds the route, or replies.  Returns true if there is one. */
static bool
find_route(struct http_request *req)
{
    const struct http_server *server = req->server;
    unsigned allowed = 0;

    for (size_t i = 0; i < server->n_routes; i++) {
        const struct http_route *route = &server->routes[i];

        if (!route_matches(req, route)) {
            continue;
        }
        if (route->method == req->head.method) {
            req->route = route;
            return true;
        }
        allowed |= 1u << route->method;
    }
    clear_params(req);
    if (allowed) {
        reply_allowed(req, allowed);
    } else {
        reply_no_such_path(req);
    }
    return false;
}

/* Returns true if the space-separated list 'names' contains 'name'. */
static bool
names_have(const char *names, const char *name)
{
    size_t len = strlen(name);

    while (names && *names) {
        size_t n = strcspn(names, " ");

        if (n == len && !memcmp(names, name, n)) {
            return true;
        }
        names += n + strspn(names + n, " ");
    }
    return false;
}

/* Returns how often the query's parameter 'i' occurs before it. */
static size_t
count_before(const struct http_target *target, size_t i)
{
    size_t n = 0;

    for (size_t j = 0; j < i; j++) {
        n += !strcmp(target->query[j].name, target->query[i].name);
    }
    return n;
}

/* Checks that each parameter is known and occurs once; otherwise replies. */
static bool
check_query(struct http_request *req)
{
    const char *known = req->route->query;
    json_t *errors = json_array();

    for (size_t i = 0; i < req->target.n_query; i++) {
        const char *name = req->target.query[i].name;
        size_t n_before = count_before(&req->target, i);

        if (n_before == 1) {
            json_array_append_new(errors, http_query_error(
                name, "appears more than once"));
        } else if (!n_before && !names_have(known, name)) {
            json_array_append_new(errors, http_query_error(
                name, "unknown parameter; known: %s",
                known ? known : "none"));
        }
    }
    if (json_array_size(errors)) {
        http_reply_problem(req, 400, "invalid", errors,
                           "Invalid query parameters");
        return false;
    }
    json_decref(errors);
    return true;
}

/* What is checked before a handler is called.  ---------------------------- */

/* Checks the request's origin before it authenticates the client: a request of
 * a foreign page must not count as its user's. */
static bool
is_allowed(struct http_request *req)
{
    return http_request_check_origin(req) && http_request_authenticate(req);
}

static bool
authorize(struct http_request *req)
{
    const struct http_options *options = &req->server->options;

    return (req->route->open || !options->authorize
            || options->authorize(req, req->server->aux));
}

/* Returns the route that has the request's path and method, or NULL. */
static const struct http_route *
peek_route(struct http_request *req)
{
    const struct http_route *found = NULL;

    for (size_t i = 0; i < req->server->n_routes && !found; i++) {
        const struct http_route *route = &req->server->routes[i];

        if (method_matches(req, route) && route_matches(req, route)) {
            found = route;
        }
    }
    clear_params(req);
    return found;
}

/* Returns true if the path needs no authentication. */
static bool
is_open(struct http_request *req)
{
    for (size_t i = 0; i < req->server->n_routes; i++) {
        const struct http_route *route = &req->server->routes[i];

        if (route->open && method_matches(req, route)
            && pattern_matches(req, route->pattern)) {
            return true;
        }
    }
    return false;
}

static bool
is_json(const struct http_request *req, const char *type)
{
    size_t len = strcspn(type, "; \t");

    return ((len == 16 && !strncasecmp(type, "application/json", len))
            || (len == 28 && req->head.method == HTTP_PATCH
                && !strncasecmp(type, "application/merge-patch+json", len)));
}

/* Checks that a body is declared as JSON: a page of another origin can make a
 * browser send a body without a type, or of some other types, without a
 * preflight request.  On a unix socket, a body without a type is accepted,
 * too. */
static bool
check_body(struct http_request *req)
{
    const char *type = http_request_header(req, "Content-Type");
    bool has_body = req->head.chunked || req->head.body_size;
    bool is_local = req->conn->listener->unix_path;

    if (!req->route->takes_body) {
        if (has_body) {
            http_reply_problem(req, 400, "invalid", NULL,
                               "This request must not have a body");
        }
        return !has_body;
    }
    if (type ? !is_json(req, type) : has_body && !is_local) {
        http_reply_problem(req, 415, "media-type", NULL,
                           "Content-Type must be application/json%s, not "
                           "%s%.100s%s (with curl: -H 'Content-Type: "
                           "application/json')",
                           req->head.method == HTTP_PATCH
                           ? " or application/merge-patch+json" : "",
                           type ? "\"" : "", type ? type : "absent",
                           type ? "\"" : "");
        return false;
    }
    return true;
}

/* Replies to a target that is malformed: names the query parameter whose value
 * is. */
static void
reject_target(struct http_request *req, const struct http_fault *fault)
{
    const struct http_target *target = &req->target;
    const struct http_query *last = (target->n_query
                                     ? &target->query[target->n_query - 1]
                                     : NULL);

    if (last && last->name && last->name[0] && !last->value) {
        static const char text[] = "must be percent-encoded UTF-8 without "
                                   "control characters";

        if (req->server) {
            req->server->stats.n_bad++;
        }
        http_reply_problem(req, fault->status, "http", json_pack(
            "[o]", http_query_error(last->name, "%s", text)), "?%s %s",
            last->name, text);
    } else {
        http_reply_fault(req, fault);
    }
}

bool
http_request_accept(struct http_request *req)
{
    struct http_fault fault;

    if (!http_target_parse(&req->target, req->head.target, &fault)) {
        reject_target(req, &fault);
        return false;
    }
    if (req->server->options.relay && !req->server->relays_no_more) {
        bool passed;

        if (!http_relay_decide(req, peek_route(req), &passed)) {
            return false;
        }
        if (passed) {
            return http_relay_accept(req);
        }
    }

    /* An unauthenticated client must not learn which paths exist. */
    bool open = is_open(req);

    return ((open || is_allowed(req)) && find_route(req)
            && (!open || req->route->open || is_allowed(req))
            && authorize(req) && check_query(req) && check_body(req)
            && http_limits_take(req, req->head.body_size));
}

/* What is done with it then.  --------------------------------------------- */

void
http_request_handle(struct http_request *req)
{
    struct http_server *server = req->server;
    struct watchdog_mark mark;

    if (server->options.revision && req->head.method == HTTP_GET) {
        req->revision = server->options.revision(server->aux);
    }
    watchdog_begin(&mark, http_method_names[req->route->method],
                   req->route->pattern, NULL);
    req->route->handler(req, server->aux);
    watchdog_end(&mark);
}

/* What handlers ask.  ---------------------------------------------------- */

const char *
http_request_who(const struct http_request *req)
{
    return req->who;
}

void
http_request_set_who(struct http_request *req, char *who, void *identity,
                     void (*free_cb)(void *))
{
    free(req->who);
    req->who = who;
    req->identity = identity;
    req->free_identity = free_cb;
}

void *
http_request_identity(const struct http_request *req)
{
    return req->identity;
}

int
http_request_permission(const struct http_request *req)
{
    return req->route->permission;
}

const void *
http_request_data(const struct http_request *req)
{
    return req->data;
}

const char *
http_request_param(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->n_params; i++) {
        if (req->params[i].name_len == strlen(name)
            && !memcmp(req->params[i].name, name, strlen(name))) {
            return req->params[i].value;
        }
    }
    OVS_NOT_REACHED();          /* The route's pattern has no such
                                 * parameter. */
}

const char *
http_request_query(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->target.n_query; i++) {
        if (!strcmp(req->target.query[i].name, name)) {
            return req->target.query[i].value;
        }
    }
    return NULL;
}

const char *
http_request_header(const struct http_request *req, const char *name)
{
    return http_head_find(&req->head, name);
}

const char *
http_request_method(const struct http_request *req)
{
    return req->head.head ? "HEAD" : http_method_names[req->head.method];
}

const char *
http_request_target(const struct http_request *req)
{
    return req->head.target;
}

bool
http_request_is_relayed(const struct http_request *req)
{
    return req->conn && req->conn->listener->relayed;
}

const char *
http_request_client(const struct http_request *req)
{
    const char *client = (http_request_is_relayed(req)
                          ? http_request_header(req, HTTP_RELAYED_CLIENT)
                          : req->conn ? req->conn->who : NULL);

    return client ? client : req->who;
}

size_t
http_request_body_size(const struct http_request *req)
{
    return req->body.length;
}

const char *
http_request_body(const struct http_request *req)
{
    return req->body.string;
}

static bool
is_among(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (!strcmp(name, *names)) {
            return true;
        }
    }
    return false;
}

void
http_request_print(const struct http_request *req, const char *const *except,
                   struct ds *ds)
{
    ds_put_format(ds, "%s %s\n", http_method_names[req->head.method],
                  req->target.path);
    /* Decoded text has no line breaks. */
    for (size_t i = 0; i < req->target.n_query; i++) {
        const struct http_query *query = &req->target.query[i];

        if (!is_among(query->name, except)) {
            ds_put_format(ds, "%s=%s\n", query->name, query->value);
        }
    }
}

json_t *
http_request_json(struct http_request *req)
{
    char *fault;
    json_t *json = http_json_parse(ds_cstr(&req->body), req->body.length,
                                   req->server ? &req->server->options : NULL,
                                   &fault);

    if (!json) {
        json_t *error = json_object();

        json_object_set_new(error, "pointer", json_string(""));
        json_object_set_new(error, "detail", http_json_string(fault));
        if (req->server) {
            req->server->stats.n_bad++;
        }
        http_reply_problem(req, 400, "json", json_pack("[o]", error),
                           "The body is not valid JSON: %s", fault);
        free(fault);
    }
    return json;
}

size_t
http_etag_len(const char *p)
{
    size_t weak = strncmp(p, "W/", 2) ? 0 : 2;
    size_t n = weak;

    if (p[n] != '"') {
        return 0;
    }
    for (n++; p[n] != '"'; n++) {
        if (p[n] <= ' ' || p[n] == 0x7f) {
            return 0;
        }
    }
    return n + 1;
}

bool
http_request_has_etag(const struct http_request *req, const char *etag)
{
    const char *p = http_request_header(req, "If-None-Match");
    size_t want = strlen(etag);

    if (p && !strcmp(p, "*")) {
        return true;
    }
    while (p && *p) {
        size_t len = http_etag_len(p);
        size_t weak = len && p[0] == 'W' ? 2 : 0;

        if (len && len - weak == want + 2
            && !memcmp(p + weak + 1, etag, want)) {
            return true;
        }
        p += len ? len : strcspn(p, ",");
        p += strspn(p, ", \t");
    }
    return false;
}

/* Returns true if the weight in the parameters at 'p', up to a comma, is
 * zero. */
static bool
has_zero_weight(const char *p)
{
    size_t len = strcspn(p, ",");
    const char *q = memmem(p, len, "q=", 2);

    if (!q) {
        return false;
    }
    q += 2;
    q += strspn(q, "0.");
    return *q < '1' || *q > '9';
}

bool
http_request_accepts(const struct http_request *req, const char *coding)
{
    const char *p = http_request_header(req, "Accept-Encoding");
    bool any = false;

    while (p && *p) {
        size_t len = strcspn(p, ",; \t");

        if (len == strlen(coding) && !strncasecmp(p, coding, len)) {
            return !has_zero_weight(p + len);
        } else if (len == 1 && *p == '*') {
            any = !has_zero_weight(p + len);
        }
        p += strcspn(p, ",");
        p += strspn(p, ", \t");
    }
    return any;
}

void
http_request_set_close_cb(struct http_request *req,
                          void (*close_cb)(void *aux), void *aux)
{
    req->close_cb = close_cb;
    req->close_aux = aux;
}
