/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/openapi.json: describes the API as OpenAPI 3.1; see openapi.h.  The
 * document is generated once, at the start, and kept as text. */

#include <config.h>

#include "controller/northbound/openapi.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/northbound-private.h"
#include "controller/commit/plan.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const char *const methods[HTTP_N_METHODS] = {
    [HTTP_GET] = "get", [HTTP_PUT] = "put", [HTTP_POST] = "post",
    [HTTP_PATCH] = "patch", [HTTP_DELETE] = "delete",
};

/* Errors.  ---------------------------------------------------------------- */

/* 'flag' is one of struct nb_operation's; 0: all calls may reply so, or those
 * with a body, as 'body' says. */
static const struct {
    const char *status;
    const char *name;           /* Name of the component. */
    unsigned flag;
    bool body;
    const char *doc;
    const char *header;         /* Header of the reply, or NULL. */
} refusals[] = {
    { "400", "BadRequest", 0, false,
      "A field, a parameter, the JSON, or the request itself is wrong.",
      NULL },
    { "401", "Unauthorized", 0, false,
      "No token or certificate, or an invalid one.", "WWW-Authenticate" },
    { "403", "Forbidden", 0, false, "The account is not allowed to do "
                                    "this.", NULL },
    { "404", "NotFound", NB_404, false, "The object was not found.", NULL },
    { "408", "TooSlow", 0, true, "The body was not complete in time.", NULL },
    { "409", "Conflict", NB_409, false,
      "It conflicts with another object, or others refer to it.", NULL },
    { "412", "Stale", NB_412, false,
      "`If-Match` or `If-None-Match` does not hold.", NULL },
    { "413", "TooLarge", NB_413, true, "A bound is exceeded.", NULL },
    { "415", "MediaType", 0, true, "The body is not JSON.", NULL },
    { "422", "KeyUsed", NB_422, false,
      "`Idempotency-Key` is that of another change.", NULL },
    { "429", "Throttled", 0, false,
      "The account makes too many calls.", "Retry-After" },
    { "503", "Unavailable", NB_503, false,
      "Nothing has changed, or, of type `uncertain`, nobody knows; try again "
      "later.", "Retry-After" },
    { "default", "Problem", 0, false, "Another error.", "Allow" },
};

/* Returns true for a status that calls without authentication do not have. */
static bool
is_of_auth(const char *status)
{
    return (!strcmp(status, "401") || !strcmp(status, "403")
            || !strcmp(status, "429"));
}

/* Returns true if a call may have the error status 'i'. */
static bool
may_be_refused(size_t i, const struct nb_operation *about, bool takes_body,
               bool open)
{
    return (refusals[i].flag & about->statuses
            || (refusals[i].body && takes_body)
            || (!refusals[i].flag && !refusals[i].body
                && !(open && is_of_auth(refusals[i].status))));
}

static json_t *
headers_of(const char *header)
{
    return json_pack("{s:o}", header, openapi_ref("headers", header));
}

static json_t *
refusal_components(struct openapi *o)
{
    json_t *responses = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        json_t *response = json_pack(
            "{s:s, s:{s:{s:o}}}", "description", refusals[i].doc, "content",
            "application/problem+json", "schema",
            openapi_of_reply(o, &nb_reply_problem));

        if (refusals[i].header) {
            json_object_set_new(response, "headers",
                                headers_of(refusals[i].header));
        }
        json_object_set_new(responses, refusals[i].name, response);
    }
    return responses;
}

static json_t *
header_components(void)
{
    static const struct {
        const char *name;
        const char *type;
        const char *doc;
    } headers[] = {
        { "ETag", "string",
          "Names what is shown, for If-None-Match, and by what is before "
          "the hyphen the version of the spec, for If-Match: "
          "\"5-41f0...\", or of a change \"5\"." },
        { HTTP_REVISION, "integer", "The revision of the state: what is read "
                                    "is not older." },
        { NB_MAY_BE_OLD, "boolean", "What is read may be older than that: "
                                    "this member of the cluster has lost the "
                                    "others." },
        { "Age", "integer", "With that, of a standby: the seconds since it "
                            "last heard the writer." },
        { "Retry-After", "integer", "How many seconds to wait before a "
                                    "retry." },
        { "Allow", "string", "Of 405, and of OPTIONS: the methods of the "
                             "path." },
        { "WWW-Authenticate", "string", "How to authenticate." },
    };
    json_t *json = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        json_object_set_new(json, headers[i].name, json_pack(
            "{s:s, s:{s:s}}", "description", headers[i].doc, "schema",
            "type", headers[i].type));
    }
    return json;
}

/* Parameters.  ----------------------------------------------------------- */

/* Adds a parameter; as a reference to a component if many calls have it. */
static void
add_parameter(struct openapi *o, json_t *array, const char *name,
              json_t *parameter)
{
    json_t *known = json_object_get(o->parameters, name);

    if (!known) {
        json_object_set(o->parameters, name, parameter);
    }
    if (!known || json_equal(known, parameter)) {
        json_array_append_new(array, openapi_ref("parameters", name));
        json_decref(parameter);
    } else {
        json_array_append_new(array, parameter);
    }
}

/* Adds the path parameter 'name', which is a text, if the route has it. */
static void
add_text_parameter(struct openapi *o, const struct http_route *route,
                   json_t *array, const char *name)
{
    char *segment = xasprintf("{%s}", name);

    if (strstr(route->pattern, segment)) {
        add_parameter(o, array, name, json_pack(
            "{s:s, s:s, s:b, s:{s:s}}", "name", name, "in", "path",
            "required", true, "schema", "type", "string"));
    }
    free(segment);
}

/* Adds the parameters in the path. */
static void
add_path_parameters(struct openapi *o, const struct http_route *route,
                    json_t *array)
{
    const struct schema_table *table = (route->data ? route->data
                                        : schema_tables[VMN_TABLE_HOST]);

    if (strstr(route->pattern, "{name}")) {
        char *ref = xasprintf("%sName", table->kind);

        json_array_append_new(array, json_pack(
            "{s:s, s:s, s:b, s:o}", "name", "name", "in", "path", "required",
            true, "schema", openapi_ref("schemas", ref)));
        free(ref);
    }
    add_text_parameter(o, route, array, "file");
    add_text_parameter(o, route, array, "member");
    if (strstr(route->pattern, "{revision}")) {
        add_parameter(o, array, "revision", json_pack(
            "{s:s, s:s, s:b, s:{s:s, s:i}}", "name", "revision", "in", "path",
            "required", true, "schema", "type", "integer", "minimum", 1));
    }
}

/* Adds 'fields' as parameters in the query or in headers. */
static void
add_parameters(struct openapi *o, const struct schema_field *fields,
               const char *in, json_t *array)
{
    for (const struct schema_field *f = fields; f && f->name; f++) {
        add_parameter(o, array, f->name, json_pack(
            "{s:s, s:s, s:b, s:s, s:o}", "name", f->name, "in", in,
            "required", (f->flags & SCHEMA_REQUIRED) != 0, "description",
            f->doc, "schema", openapi_of_parameter(f)));
    }
}

static json_t *
parameters_of(struct openapi *o, const struct http_route *route)
{
    const struct nb_operation *about = route->about;
    json_t *array = json_array();

    add_path_parameters(o, route, array);
    add_parameters(o, about->params, "query", array);
    if (route->method == HTTP_GET && !route->open) {
        add_parameters(o, nb_param_at_least, "query", array);
    }
    add_parameters(o, about->headers, "header", array);
    return array;
}

/* Bodies.  --------------------------------------------------------------- */

static json_t *
type_ref(const struct schema_table *table, const char *suffix)
{
    char *name = xasprintf("%s%s", table->kind, suffix);
    json_t *ref = openapi_ref("schemas", name);

    free(name);
    return ref;
}

/* Returns the examples of 'table' by name; appends them to 'list' as objects
 * of POST /v1/apply. */
static json_t *
examples_of(const struct schema_table *table, json_t *list)
{
    const struct schema_example *example = table->examples;
    json_t *examples = json_object();

    for (; example && example->name; example++) {
        json_t *spec = json_loads(example->spec, 0, NULL);

        ovs_assert(spec);
        json_object_set_new(examples, example->name, json_pack(
            "{s:{s:O}}", "value", "spec", spec));
        if (list) {
            json_array_append_new(list, json_pack(
                "{s:s, s:s, s:O}", "type", table->plural, "name",
                example->name, "spec", spec));
        }
        json_decref(spec);
    }
    return examples;
}

/* Returns all examples as one transaction. */
static json_t *
apply_example(void)
{
    json_t *list = json_array();

    for (int i = 0; i < VMN_N_TABLES; i++) {
        json_decref(examples_of(schema_tables[i], list));
    }
    return json_pack("{s:{s:{s:o}}}", "all", "value", "objects", list);
}

static json_t *
body_of(struct openapi *o, const struct http_route *route)
{
    const struct nb_operation *about = route->about;
    const struct schema_table *table = route->data;
    json_t *media = json_object(), *content;

    if (about->kind == NB_PUT) {
        json_object_set_new(media, "schema", type_ref(table, "Put"));
        json_object_set_new(media, "examples", examples_of(table, NULL));
    } else if (about->kind == NB_PATCH) {
        json_object_set_new(media, "schema", type_ref(table, "Patch"));
    } else {
        json_object_set_new(media, "schema",
                            openapi_of_body(o, about->body));
        if (about->example) {
            json_object_set_new(media, "example",
                                json_loads(about->example, 0, NULL));
        } else if (about->body == &nb_body_apply) {
            json_object_set_new(media, "examples", apply_example());
        }
    }
    content = json_pack("{s:O}", "application/json", media);
    if (about->kind == NB_PATCH) {
        json_object_set(content, "application/merge-patch+json", media);
    }
    json_decref(media);
    return json_pack("{s:b, s:o}", "required", true, "content", content);
}

/* Replies.  -------------------------------------------------------------- */

/* Returns the schema of a reply that is a change or a plan, as its "kind"
 * says. */
static json_t *
change_or_plan(json_t *change, json_t *plan)
{
    return json_pack("{s:[O, O], s:{s:s, s:{s:O, s:O}}}", "oneOf", change,
                     plan, "discriminator", "propertyName", "kind", "mapping",
                     "change", json_object_get(change, "$ref"),
                     "plan", json_object_get(plan, "$ref"));
}

/* Returns the schema of a reply of status 200; that of a change may be a
 * plan. */
static json_t *
reply_schema(struct openapi *o, const struct http_route *route)
{
    const struct nb_operation *about = route->about;
    const struct schema_table *table = route->data;
    json_t *first, *second, *schema;

    if (about->kind == NB_LIST) {
        return type_ref(table, "List");
    } else if (about->kind == NB_GET) {
        return type_ref(table, "");
    } else if (about->kind == NB_CALL && !about->replies[1]) {
        return openapi_of_reply(o, about->replies[0]);
    }
    first = (about->kind == NB_CALL
             ? openapi_of_reply(o, about->replies[0])
             : about->kind == NB_DELETE
             ? openapi_of_reply(o, &nb_reply_deleted)
             : type_ref(table, "Change"));
    if (about->kind == NB_CALL && about->replies[1] != &plan_shown) {
        return json_pack("{s:[o, o]}", "anyOf", first,
                         openapi_of_reply(o, about->replies[1]));
    }
    second = openapi_of_reply(o, &plan_shown);
    schema = change_or_plan(first, second);
    json_decref(first);
    json_decref(second);
    return schema;
}

static json_t *
response(const char *doc, const char *media, json_t *schema, bool etag)
{
    json_t *json = json_pack("{s:s, s:{s:{s:o}}}", "description", doc,
                             "content", media, "schema", schema);

    if (etag) {
        json_object_set_new(json, "headers", headers_of("ETag"));
    }
    return json;
}

/* Adds the replies of success; of a change, also that it is not installed
 * yet. */
static void
add_done(struct openapi *o, const struct http_route *route, json_t *responses)
{
    const struct nb_operation *about = route->about;
    bool is_read = about->kind == NB_GET || about->kind == NB_LIST;
    bool etag = (is_read || about->kind == NB_PUT
                 || about->kind == NB_PATCH);

    if (about->media) {
        json_t *schema = json_pack("{s:s}", "type", "string");

        if (about->replies[0]) {
            json_object_set_new(schema, "contentMediaType",
                                json_string(about->media));
            json_object_set_new(schema, "contentSchema",
                                openapi_of_reply(o, about->replies[0]));
            json_object_set_new(schema, "description", json_sprintf(
                "The data of each event is JSON: the schema `%s` has what it "
                "is by the event's kind.", about->replies[0]->name));
        }
        json_object_set_new(responses, "200", response(
            "The answer.", about->media, schema, false));
        return;
    }
    json_object_set_new(responses, "200", response(
        about->statuses & NB_202 ? "Done, or the plan." : "The answer.",
        "application/json", reply_schema(o, route), etag));
    if (is_read) {
        json_object_set_new(responses, "304", json_pack(
            "{s:s, s:o}", "description",
            "The reply would have a tag of If-None-Match.", "headers",
            headers_of("ETag")));
    }
    if (about->kind == NB_PUT) {
        json_object_set_new(responses, "201", response(
            "Created.", "application/json", type_ref(route->data, "Change"),
            true));
    }
    if (about->statuses & NB_202) {
        json_t *schema = (about->kind == NB_CALL
                          ? openapi_of_reply(o, about->replies[0])
                          : about->kind == NB_DELETE
                          ? openapi_of_reply(o, &nb_reply_deleted)
                          : type_ref(route->data, "Change"));

        json_object_set_new(responses, "202", response(
            "Stored, and not yet installed on all hosts: see `receipt`.",
            "application/json", schema, etag));
    }
}

static void
add_revision_header(json_t *responses, bool reads)
{
    const char *status;
    json_t *reply;

    json_object_foreach (responses, status, reply) {
        json_t *headers = headers_of(HTTP_REVISION);

        if (reads) {
            json_object_set_new(headers, NB_MAY_BE_OLD, openapi_ref(
                "headers", NB_MAY_BE_OLD));
            json_object_set_new(headers, "Age",
                                openapi_ref("headers", "Age"));
        }
        json_object_update(headers, json_object_get(reply, "headers"));
        json_object_set_new(reply, "headers", headers);
    }
}

static json_t *
responses_of(struct openapi *o, const struct http_route *route)
{
    json_t *responses = json_object();

    add_done(o, route, responses);
    if (!route->open) {
        add_revision_header(responses, route->method == HTTP_GET);
    }
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        if (may_be_refused(i, route->about, route->takes_body, route->open)) {
            json_object_set_new(responses, refusals[i].status, openapi_ref(
                "responses", refusals[i].name));
        }
    }
    return responses;
}

/* Calls.  ---------------------------------------------------------------- */

/* Returns an operationId, such as "listPorts" or "getPort".  The caller frees
 * it. */
static char *
id_of(const struct nb_operation *about, const struct schema_table *table)
{
    char *camel, *id;

    if (!table) {
        return xstrdup(about->id);
    }
    camel = openapi_camel(table->plural);
    id = xasprintf("%s%s", about->id,
                   about->kind == NB_LIST ? camel : table->kind);
    free(camel);
    return id;
}

char *
nb_operation_sentence(const struct nb_operation *about,
                      const struct schema_table *table)
{
    const char *place = strstr(about->summary, "%s");
    char *what, *summary;

    if (!table || !place) {
        return xstrdup(about->summary);
    }
    what = (about->kind == NB_LIST ? xstrdup(table->plural)
            : xasprintf("%s %s", strchr("aeio", table->singular[0])
                        ? "an" : "a", table->singular));
    summary = xasprintf("%.*s%s%s", (int) (place - about->summary),
                        about->summary, what, place + 2);
    free(what);
    return summary;
}

static void
add_call(struct openapi *o, const struct http_route *route)
{
    const struct schema_table *table = route->data;
    json_t *path = json_object_get(o->paths, route->pattern);
    char *summary = nb_operation_sentence(route->about, table);
    char *id = id_of(route->about, table);
    json_t *call = json_pack(
        "{s:s, s:s, s:[s], s:o}", "operationId", id, "summary", summary,
        "tags", table ? table->plural : "vmnd", "parameters",
        parameters_of(o, route));

    free(id);
    free(summary);
    if (route->takes_body) {
        json_object_set_new(call, "requestBody", body_of(o, route));
    }
    json_object_set_new(call, "responses", responses_of(o, route));
    if (route->open) {
        json_object_set_new(call, "security", json_array());
    }
    if (!path) {
        path = json_object();
        json_object_set_new(o->paths, route->pattern, path);
    }
    json_object_set_new(path, methods[route->method], call);
}

/* Adds a call of each type that apps declare. */
static void
add_own_calls(struct openapi *o, const struct http_route *route)
{
    const char *rest = strchr(route->pattern, '}') + 1;

    for (int i = VMN_TABLE_OWN_FIRST; i <= VMN_TABLE_OWN_LAST; i++) {
        if (schema_is_there(schema_tables[i])) {
            struct http_route own = *route;
            char *pattern = xasprintf("/v1/%s%s", schema_tables[i]->plural,
                                      rest);

            own.pattern = pattern;
            own.data = schema_tables[i];
            add_call(o, &own);
            free(pattern);
        }
    }
}

/* The document.  --------------------------------------------------------- */

static json_t *
tags(void)
{
    json_t *array = json_array();

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];

        if (!table->observed) {
            json_array_append_new(array, json_pack(
                "{s:s, s:s}", "name", table->plural, "description",
                table->doc));
        }
    }
    json_array_append_new(array, json_pack(
        "{s:s, s:s}", "name", "vmnd", "description",
        "The system as a whole, and its state."));
    return array;
}

static json_t *
security_schemes(void)
{
    return json_pack(
        "{s:{s:s, s:s, s:s}, s:{s:s, s:s}}", "token", "type", "http",
        "scheme", "bearer", "description",
        "Over TCP.  On the unix socket its file's owner and mode decide.",
        "certificate", "type", "mutualTLS", "description",
        "Over TLS: a certificate whose common name is an account's.");
}

char *
openapi_make(const struct http_route *routes, size_t n)
{
    struct openapi o = { json_object(), json_object(), json_object() };
    json_t *refused, *document;
    char *text;

    openapi_add_values(&o);
    refused = refusal_components(&o);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (!schema_tables[i]->observed) {
            openapi_add_type(&o, schema_tables[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (routes[i].find) {
            add_own_calls(&o, &routes[i]);
        } else if (routes[i].about) {
            add_call(&o, &routes[i]);
        }
    }
    document = json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s, s:s}],"
        " s:[{}, {s:[]}, {s:[]}], s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o}}",
        "openapi", "3.1.0",
        "info", "title", "VMN", "version", VMN_VERSION, "description",
        "Networks of virtual machines on Open vSwitch: desired and observed "
        "state.  docs/api.md explains it.",
        "license", "name", "Apache-2.0", "identifier", "Apache-2.0",
        "servers", "url", "/", "description",
        "The server of this document: a unix socket, or TCP.",
        "security", "token", "certificate", "tags", tags(), "paths", o.paths,
        "components", "schemas", o.schemas, "responses", refused, "parameters",
        o.parameters, "headers", header_components(), "securitySchemes",
        security_schemes());
    ovs_assert(document);
    text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    return text;
}

/* Returns a number that is another one when the types of apps are others. */
static uint32_t
own_types_hash(void)
{
    uint32_t hash = 0;

    for (int i = VMN_TABLE_OWN_FIRST; i <= VMN_TABLE_OWN_LAST; i++) {
        const struct schema_field *fields = schema_tables[i]->row.fields;

        hash = hash_bytes(&fields, sizeof fields, hash);
    }
    return hash;
}

void
openapi_update(struct northbound *nb)
{
    uint32_t hash = own_types_hash();

    if (!nb->openapi || nb->openapi_types != hash) {
        free(nb->openapi);
        nb->openapi = openapi_make(nb->routes, nb->n_routes);
        nb->openapi_types = hash;
    }
}

void
nb_get_openapi(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct ds ds = DS_EMPTY_INITIALIZER;

    openapi_update(nb);
    ds_put_cstr(&ds, nb->openapi);
    ds_put_char(&ds, '\n');
    http_reply_body(req, 200, "application/json", &ds);
}
