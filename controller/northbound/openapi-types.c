/* SPDX-License-Identifier: Apache-2.0
 *
 * Structs and fields of the schema as JSON Schema (2020-12, as in OpenAPI
 * 3.1); see openapi.h. */

#include <config.h>

#include "controller/northbound/openapi.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/schema/value.h"
#include "util.h"

#define NAME "[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?"
#define LABEL "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
#define DOMAIN(CHARS, ENDS)                                             \
    "^[" ENDS "]([" CHARS "]{0,61}[" ENDS "])?"                         \
    "(\\.[" ENDS "]([" CHARS "]{0,61}[" ENDS "])?)*$"
#define LINK "^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$"

/* Patterns that match what the check functions of strings accept, or a little
 * more. */
static const struct {
    int (*check)(const char *, struct vmn_error *);
    const char *pattern;
} patterns[] = {
    { value_check_name, "^" NAME "$" },
    { value_check_iface_id, "^[A-Za-z0-9._-]{1,63}$" },
    { value_check_sha256, "^[0-9a-f]{64}$" },
    { value_check_time, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:"
                        "[0-9]{2}Z$" },
    { value_check_physical, "^[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?$" },
    { value_check_bridge, LINK },
    { value_check_interface, LINK },
    { value_check_domain, DOMAIN("A-Za-z0-9_-", "A-Za-z0-9_") },
    { value_check_lower_domain, DOMAIN("a-z0-9_-", "a-z0-9_") },
    { value_check_ovsdb, "^(inbound|(tcp|ssl):.+:[1-9][0-9]{0,4}|unix:/.*)$" },
};

json_t *
openapi_ref(const char *section, const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%s",
                                                   section, name));
}

static json_t *
text_matching(const char *pattern, const char *doc)
{
    return json_pack("{s:s, s:s, s:s*}", "type", "string", "pattern", pattern,
                     "description", doc);
}

char *
openapi_camel(const char *plural)
{
    char *camel = xstrdup(plural);
    char *to = camel;
    bool up = true;

    for (const char *c = plural; *c; c++) {
        if (*c != '-') {
            *to++ = up ? toupper((unsigned char) *c) : *c;
        }
        up = *c == '-';
    }
    *to = '\0';
    return camel;
}

/* Values.  --------------------------------------------------------------- */

/* The purpose of a schema. */
enum how {
    ASKED,                      /* Request bodies. */
    PATCHED,                    /* Merge patches. */
    SHOWN,                      /* Replies. */
};

static json_t *struct_schema(struct openapi *, const struct schema_struct *,
                             enum how);

static json_t *
enum_schema(const struct schema_field *f)
{
    json_t *names = json_array();

    for (int i = 0; f->names[i]; i++) {
        if (!f->allowed || f->allowed & 1u << i) {
            json_array_append_new(names, json_string(f->names[i]));
        }
    }
    return json_pack("{s:s, s:o}", "type", "string", "enum", names);
}

static json_t *
string_schema(const struct schema_field *f, enum how how)
{
    json_t *schema = json_pack("{s:s}", "type", "string");
    const char *pattern = f->pattern;

    for (size_t i = 0; f->check && i < ARRAY_SIZE(patterns); i++) {
        if (patterns[i].check == f->check) {
            pattern = patterns[i].pattern;
        }
    }
    if (f->max) {
        json_object_set_new(schema, "maxLength", json_integer(f->max));
    }
    if (how == ASKED && (f->flags & (SCHEMA_REQUIRED | SCHEMA_LIST)
                         || f->min > 0)) {
        json_object_set_new(schema, "minLength", json_integer(1));
    }
    if (pattern) {
        json_object_set_new(schema, "pattern", json_string(pattern));
    }
    return schema;
}

static json_t *
integer_schema(const struct schema_field *f)
{
    json_t *schema = json_pack("{s:s}", "type", f->type == SCHEMA_DOUBLE
                               ? "number" : "integer");

    json_object_set_new(schema, "minimum", json_integer(f->min));
    if (f->max) {
        json_object_set_new(schema, "maximum", json_integer(f->max));
    }
    return schema;
}

static json_t *
ref_schema(const struct schema_field *f, enum how how)
{
    char *name = xasprintf("%sName", schema_tables[f->ref]->kind);
    json_t *ref = openapi_ref("schemas", name);

    free(name);
    return (f->pattern && how == ASKED
            ? json_pack("{s:[o, {s:s, s:s}]}", "anyOf", ref, "type",
                        "string", "pattern", f->pattern) : ref);
}

/* A struct that has a name becomes a component, once. */
static json_t *
nested_schema(struct openapi *o, const struct schema_struct *s, enum how how)
{
    if (!isupper((unsigned char) s->name[0])) {
        return struct_schema(o, s, how);
    }
    if (!json_object_get(o->schemas, s->name)) {
        /* Added before its fields, since it may be nested in itself. */
        json_object_set_new(o->schemas, s->name, json_null());
        json_object_set_new(o->schemas, s->name, struct_schema(o, s, how));
    }
    return openapi_ref("schemas", s->name);
}

static json_t *field_schema(struct openapi *, const struct schema_field *,
                            enum how);

/* An array with a place for each field. */
static json_t *
tuple_schema(struct openapi *o, const struct schema_struct *s, enum how how)
{
    json_t *items = json_array();
    size_t n;

    for (const struct schema_field *f = s->fields; f->name; f++) {
        json_array_append_new(items, field_schema(o, f, how));
    }
    n = json_array_size(items);
    return json_pack("{s:s, s:o, s:b, s:I}", "type", "array", "prefixItems",
                     items, "items", false, "minItems", (json_int_t) n);
}

/* Returns the schema of one value of 'f'. */
static json_t *
value_schema(struct openapi *o, const struct schema_field *f, enum how how)
{
    if (f->flags & SCHEMA_ANY) {
        /* Of rows it is an object, and its size is bounded. */
        return f->max ? json_pack("{s:s}", "type", "object") : json_object();
    } else if (f->flags & SCHEMA_TIME) {
        return json_pack("{s:s, s:s}", "type", "string", "format",
                         "date-time");
    }
    switch (f->type) {
    case SCHEMA_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case SCHEMA_INT:
    case SCHEMA_U16:
    case SCHEMA_U32:
    case SCHEMA_U64:
    case SCHEMA_I64:
    case SCHEMA_SIZE:
    case SCHEMA_DOUBLE:
        return integer_schema(f);
    case SCHEMA_ENUM:
        return enum_schema(f);
    case SCHEMA_ENUM_SET:
        return json_pack("{s:s, s:o, s:b}", "type", "array", "items",
                         enum_schema(f), "uniqueItems", true);
    case SCHEMA_STRING:
        return string_schema(f, how);
    case SCHEMA_REF:
        return ref_schema(f, how);
    case SCHEMA_MAC:
        return openapi_ref("schemas", "Mac");
    case SCHEMA_IP:
        return (f->flags & SCHEMA_IPV4
                ? json_pack("{s:s, s:s}", "type", "string", "format", "ipv4")
                : openapi_ref("schemas", "Address"));
    case SCHEMA_PREFIX:
        return openapi_ref("schemas", "Prefix");
    case SCHEMA_RANGE:
        return openapi_ref("schemas", "PortRange");
    case SCHEMA_LABELS:
        return openapi_ref("schemas", "Labels");
    case SCHEMA_SELECTOR:
        return openapi_ref("schemas", "Selector");
    case SCHEMA_STRUCT:
        return (f->flags & SCHEMA_TUPLE ? tuple_schema
                : nested_schema)(o, f->nested, how);
    }
    OVS_NOT_REACHED();
}

static json_t *
list_schema(struct openapi *o, const struct schema_field *f, enum how how)
{
    /* A merge patch replaces lists as a whole. */
    json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items",
                               value_schema(o, f, how == PATCHED ? ASKED
                                                                 : how));

    if (f->min_items) {
        json_object_set_new(schema, "minItems", json_integer(f->min_items));
    }
    if (f->max_items) {
        json_object_set_new(schema, "maxItems", json_integer(f->max_items));
    }
    return schema;
}

static void
add_default(const struct schema_field *f, json_t *schema)
{
    if (schema_field_has_default(f)) {
        json_object_set_new(
            schema, "default",
            f->type == SCHEMA_BOOL ? json_boolean(f->def)
            : f->type == SCHEMA_ENUM ? json_string(f->names[f->def])
            : f->def_text ? json_string(f->def_text) : json_integer(f->def));
    }
}

static json_t *
field_schema(struct openapi *o, const struct schema_field *f, enum how how)
{
    json_t *schema = (f->flags & SCHEMA_LIST ? list_schema(o, f, how)
                      : value_schema(o, f, how));

    if (f->flags & SCHEMA_MAP) {
        schema = json_pack("{s:s, s:o}", "type", "object",
                           "additionalProperties", schema);
    }
    if (how == PATCHED || f->flags & SCHEMA_NULLABLE) {
        schema = json_pack("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
    }
    json_object_set_new(schema, "description", json_string(f->doc));
    if (how == ASKED) {
        add_default(f, schema);
    }
    return schema;
}

json_t *
openapi_of_parameter(const struct schema_field *f)
{
    json_t *schema = value_schema(NULL, f, ASKED);

    add_default(f, schema);
    return schema;
}

/* Structs.  -------------------------------------------------------------- */

/* Adds to 'dependent' that 'other' must not be there where 'name' is. */
static void
exclude(json_t *dependent, const char *name, const char *other)
{
    json_t *schema = json_object_get(dependent, name);

    if (!schema) {
        schema = json_pack("{s:{}, s:b}", "properties",
                           "additionalProperties", true);
        json_object_set_new(dependent, name, schema);
    }
    json_object_set_new(json_object_get(schema, "properties"), other,
                        json_pack("{s:{}}", "not"));
}

/* Adds which fields of 's' exclude each other, or which of two or three is
 * required. */
static void
add_conditions(const struct schema_struct *s, json_t *schema)
{
    json_t *dependent = json_object();

    for (const struct schema_field *f = s->fields; f->name; f++) {
        const struct schema_field *other
            = f->unless ? schema_find_field(s, f->unless) : NULL;

        if (!other) {
            continue;
        }
        if (!(f->flags & other->flags & SCHEMA_REQUIRED)
            || !other->unless || strcmp(other->unless, f->name)) {
            exclude(dependent, f->name, other->name);
        } else if (f < other) {
            json_object_set_new(schema, "oneOf", json_pack(
                "[{s:[s]}, {s:[s]}]", "required", f->name, "required",
                other->name));
            if (f->third) {
                json_array_append_new(
                    json_object_get(schema, "oneOf"),
                    json_pack("{s:[s]}", "required", f->third));
            }
        }
    }
    if (json_object_size(dependent)) {
        json_object_set(schema, "dependentSchemas", dependent);
    }
    json_decref(dependent);
}

/* Adds 'fields' to an object's schema; with 'given', only the fields of a row
 * that are allocated. */
static void
add_fields(struct openapi *o, const struct schema_field *fields, enum how how,
           bool given, json_t *schema)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *required = json_object_get(schema, "required");

    for (const struct schema_field *f = fields; f && f->name; f++) {
        if (given && !(f->flags & SCHEMA_ASSIGNED)) {
            continue;
        }
        json_object_set_new(properties, f->name, field_schema(o, f, how));
        if (f->flags & SCHEMA_REQUIRED && !f->unless && how != PATCHED) {
            json_array_append_new(required, json_string(f->name));
        }
    }
}

static json_t *
object_begin(void)
{
    return json_pack("{s:s, s:[], s:{}}", "type", "object", "required",
                     "properties");
}

/* Removes an empty list of required members, which JSON Schema does not
 * allow. */
static json_t *
object_end(json_t *schema)
{
    if (!json_array_size(json_object_get(schema, "required"))) {
        json_object_del(schema, "required");
    }
    return schema;
}

static json_t *
struct_schema(struct openapi *o, const struct schema_struct *s, enum how how)
{
    json_t *schema = object_begin();

    add_fields(o, s->fields, how, false, schema);
    if (how == ASKED) {
        add_conditions(s, schema);
    }
    if (how != SHOWN) {
        json_object_set_new(schema, "additionalProperties", json_false());
    }
    return object_end(schema);
}

json_t *
openapi_of_body(struct openapi *o, const struct schema_struct *s)
{
    return nested_schema(o, s, ASKED);
}

json_t *
openapi_of_reply(struct openapi *o, const struct schema_struct *s)
{
    return nested_schema(o, s, SHOWN);
}

/* Types.  ---------------------------------------------------------------- */

/* Adds the component "KINDsuffix". */
static void
add(struct openapi *o, const struct schema_table *table, const char *suffix,
    json_t *schema)
{
    char *name = xasprintf("%s%s", table->kind, suffix);

    json_object_set_new(o->schemas, name, object_end(schema));
    free(name);
}

static json_t *
ref_to(const struct schema_table *table, const char *suffix)
{
    char *name = xasprintf("%s%s", table->kind, suffix);
    json_t *ref = openapi_ref("schemas", name);

    free(name);
    return ref;
}

/* Adds a property that is not a field. */
static void
add_property(json_t *schema, const char *name, json_t *value, bool required)
{
    json_object_set_new(json_object_get(schema, "properties"), name, value);
    if (required) {
        json_array_append_new(json_object_get(schema, "required"),
                              json_string(name));
    }
}

static void
add_address(json_t *schema, const struct schema_table *table, bool required)
{
    add_property(schema, "type", json_pack("{s:s}", "const", table->plural),
                 required);
    add_property(schema, "name", ref_to(table, "Name"), required);
}

/* Returns the schema of an object in a request; 'spec' is the suffix of a
 * component.  An object that was read may be sent back, so the members that a
 * reply adds are allowed. */
static json_t *
sent_schema(const struct schema_table *table, const char *spec,
            bool has_address)
{
    static const char *const passed_over[] = { "metadata", "status" };
    json_t *schema = object_begin();

    add_address(schema, table, has_address);
    add_property(schema, "spec", ref_to(table, spec), true);
    for (size_t i = 0; i < ARRAY_SIZE(passed_over); i++) {
        add_property(schema, passed_over[i], json_pack(
            "{s:s, s:b, s:s}", "type", "object", "readOnly", true,
            "description", "Read-only; ignored in requests."), false);
    }
    json_object_set_new(schema, "additionalProperties", json_false());
    return schema;
}

/* Returns the schema of the spec as it is shown.  That of a host is empty for
 * accounts with a scope. */
static json_t *
shown_spec(const struct schema_table *table)
{
    json_t *spec = ref_to(table, "Spec");

    if (table->id != VMN_TABLE_HOST) {
        return spec;
    }
    return json_pack("{s:[o, {s:s, s:s, s:i}]}", "anyOf", spec, "type",
                     "object", "description", "For accounts with a scope.",
                     "maxProperties", 0);
}

static json_t *
object_schema(struct openapi *o, const struct schema_table *table)
{
    json_t *schema = object_begin();
    json_t *status = ref_to(table, "Status");
    json_t *metadata = openapi_of_reply(o, &nb_reply_metadata);

    json_object_set_new(schema, "description", json_string(table->doc));
    add_address(schema, table, true);
    json_object_set_new(metadata, "readOnly", json_true());
    json_object_set_new(status, "readOnly", json_true());
    add_property(schema, "metadata", metadata, true);
    add_property(schema, "spec", shown_spec(table), true);
    add_property(schema, "status", status, true);
    return schema;
}

static json_t *
list_of(struct openapi *o, const struct schema_table *table)
{
    json_t *schema = object_begin();

    add_property(schema, "items", json_pack(
        "{s:s, s:o}", "type", "array", "items", ref_to(table, "")), true);
    add_fields(o, nb_list_end.fields, SHOWN, false, schema);
    return schema;
}

static json_t *
status_schema(struct openapi *o, const struct schema_table *table)
{
    json_t *schema = object_begin();

    add_fields(o, table->row.fields, SHOWN, true, schema);
    add_fields(o, table->status ? table->status->fields : NULL, SHOWN, false,
               schema);
    add_fields(o, nb_common_status.fields, SHOWN, false, schema);
    return schema;
}

void
openapi_add_type(struct openapi *o, const struct schema_table *table)
{
    json_t *changed;
    char *doc = xasprintf("The name of %s %s.",
                          strchr("aeio", table->singular[0]) ? "an" : "a",
                          table->singular);

    add(o, table, "Name", text_matching("^" NAME "$", doc));
    free(doc);
    add(o, table, "Spec", struct_schema(o, &table->row, ASKED));
    if (table->id != VMN_TABLE_TYPE) {
        add(o, table, "SpecPatch", struct_schema(o, &table->row, PATCHED));
    }
    add(o, table, "Status", status_schema(o, table));
    add(o, table, "", object_schema(o, table));
    add(o, table, "List", list_of(o, table));
    add(o, table, "Object", sent_schema(table, "Spec", true));
    if (table->id == VMN_TABLE_TYPE) {
        return;                 /* They come with apps: nobody writes one. */
    }
    add(o, table, "Put", sent_schema(table, "Spec", false));
    add(o, table, "Patch", sent_schema(table, "SpecPatch", false));
    changed = object_schema(o, table);
    add_fields(o, nb_reply_change, SHOWN, false, changed);
    add(o, table, "Change", changed);
}

static json_t *
labels_schema(void)
{
    return json_pack(
        "{s:s, s:s, s:i, s:{s:s, s:i}, s:{s:s, s:s}}", "type", "object",
        "description", "Keys and values.", "maxProperties", 64,
        "propertyNames",
        "pattern", "^(" NAME "/)?" LABEL "$", "maxLength",
        VALUE_LABEL_KEY_LEN,
        "additionalProperties",
        "type", "string", "pattern", "^(" LABEL ")?$");
}

/* Returns the schema of an object of any type, for POST /v1/apply. */
static json_t *
any_object_schema(void)
{
    json_t *mapping = json_object(), *refs = json_array();

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];

        if (!table->observed) {
            json_t *ref = ref_to(table, "Object");

            json_object_set(mapping, table->plural,
                            json_object_get(ref, "$ref"));
            json_array_append_new(refs, ref);
        }
    }
    return json_pack("{s:s, s:o, s:{s:s, s:o}}",
                     "description", "An object of any type.", "oneOf", refs,
                     "discriminator", "propertyName", "type", "mapping",
                     mapping);
}

void
openapi_add_values(struct openapi *o)
{
    json_t *schemas = o->schemas;

    json_object_set_new(schemas, nb_any_object.name, any_object_schema());
    openapi_add_operations(schemas);
    json_object_set_new(schemas, "Labels", labels_schema());
    json_object_set_new(schemas, "Selector", json_pack(
        "{s:s, s:s}", "type", "string", "description",
        "Conditions on labels that must all hold: `role=web,env!=dev`, "
        "`role in (web,app)`, `!role`; the empty one selects everything."));
    json_object_set_new(schemas, "Mac", text_matching(
        "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$", "A MAC address."));
    json_object_set_new(schemas, "Address", json_pack(
        "{s:s, s:[{s:s, s:s}, {s:s, s:s}]}", "description",
        "An address of IPv4 or IPv6.", "anyOf", "type", "string", "format",
        "ipv4", "type", "string", "format", "ipv6"));
    json_object_set_new(schemas, "Prefix", text_matching(
        "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$",
        "A prefix of IPv4 or IPv6, 10.0.0.0/24 or fd00::/64, or an address "
        "for a prefix of one."));
    json_object_set_new(schemas, "PortRange", json_pack(
        "{s:s, s:[{s:s, s:i, s:i}, {s:s, s:s}]}", "description",
        "A port, or a range of ports: 80, \"8000-8010\".", "anyOf",
        "type", "integer", "minimum", 1, "maximum", 65535,
        "type", "string", "pattern", "^[0-9]{1,5}(-[0-9]{1,5})?$"));
}
