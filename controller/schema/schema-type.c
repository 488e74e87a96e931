/* SPDX-License-Identifier: Apache-2.0
 *
 * Resource types that apps declare, as resources; see schema.h.  Not for what
 * follows from one (schema-own.h). */

#include <config.h>

#include <limits.h>
#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "util.h"

const char *const schema_own_type_names[] = {
    "bool", "int", "text", "enum", "ref", "mac", "ip", "prefix", "port_range",
    "selector", "struct", NULL
};
BUILD_ASSERT_DECL(ARRAY_SIZE(schema_own_type_names) == VMN_FIELD_STRUCT + 2);

#define FLAG(MEMBER, DOC)                                               \
    { .name = #MEMBER, .type = SCHEMA_BOOL, AT(vmn_type_field, MEMBER), \
      .flags = SCHEMA_HIDE_DEFAULT, .doc = DOC }
#define NUMBER(NAME, MEMBER, DOC)                                       \
    { .name = NAME, .type = SCHEMA_INT, AT(vmn_type_field, MEMBER),     \
      .flags = SCHEMA_HIDE_DEFAULT, .min = INT_MIN, .max = INT_MAX,     \
      .doc = DOC }

static const struct schema_struct field = {
    .name = "field", .size = sizeof(struct vmn_type_field),
    .fields = FIELDS {
        { .name = "name", .type = SCHEMA_STRING, AT(vmn_type_field, name),
          .flags = SCHEMA_REQUIRED, .min = 1, .max = 31,
          .check = value_check_field_name, .doc = "Its name." },
        { .name = "type", .type = SCHEMA_ENUM, AT(vmn_type_field, type),
          .flags = SCHEMA_REQUIRED, .names = schema_own_type_names,
          .doc = "Its type, or that of each element." },
        FLAG(required, "Whether it must be there."),
        FLAG(list, "Whether it is a list."),
        FLAG(set, "Whether it is a list whose order does not matter."),
        FLAG(key, "Whether elements differ in it."),
        FLAG(mentions, "Whether the object has no effect on what it names."),
        FLAG(secret, "Whether it is shown to who may change the object "
             "alone."),
        FLAG(lines, "Whether it is a text that may have several lines."),
        FLAG(administrators, "Whether accounts with a scope may not set it."),
        FLAG(or_all, "Whether a selector is of all where it is absent, so "
             "that accounts with a scope have to set it."),
        NUMBER("min", min, "The least number, length, or names in a list."),
        NUMBER("max", max, "The largest; both 0: any, or 1,024."),
        NUMBER("default", def, "Its default, of an enum the place among "
               "`values`."),
        { .name = "max_items", .type = SCHEMA_U32,
          AT(vmn_type_field, max_items), .flags = SCHEMA_HIDE_DEFAULT,
          .max = 100000,
          .doc = "The most elements of the list; 0: 1,000." },
        { .name = "default_text", .type = SCHEMA_STRING,
          AT(vmn_type_field, def_text), .max = 1024,
          .doc = "The default of a text." },
        { .name = "values", .type = SCHEMA_STRING, .flags = SCHEMA_LIST,
          LIST_AT(vmn_type_field, values), .max = 31, .max_items = 32,
          .check = value_check_name,
          .doc = "The values of an enum." },
        { .name = "ref", .type = SCHEMA_STRING, AT(vmn_type_field, ref),
          .max = 31, .doc = "The type of the object that it names: one of "
                            "VMN's own, or of the app's." },
        { .name = "struct", .type = SCHEMA_STRING, AT(vmn_type_field, of),
          .max = 31, .doc = "Which of `structs` it is." },
        { .name = "doc", .type = SCHEMA_STRING, AT(vmn_type_field, doc),
          .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024,
          .doc = "What it is for." },
        { .name = NULL },
    },
};

static const struct schema_struct structure = {
    .name = "struct", .size = sizeof(struct vmn_type_struct),
    .fields = FIELDS {
        { .name = "name", .type = SCHEMA_STRING, AT(vmn_type_struct, name),
          .flags = SCHEMA_REQUIRED, .min = 1, .max = 31,
          .check = value_check_field_name, .doc = "Its name." },
        { .name = "fields", .type = SCHEMA_STRUCT,
          .flags = SCHEMA_LIST | SCHEMA_REQUIRED,
          LIST_AT(vmn_type_struct, fields), .min_items = 1,
          .max_items = VMN_OWN_FIELDS_MAX, .nested = &field,
          .doc = "Its fields." },
        { .name = NULL },
    },
};

/* The first of enum vmn_field_type. */
static const char *const status_types[] = { "bool", "int", "text", NULL };
BUILD_ASSERT_DECL(VMN_FIELD_BOOL == 0 && VMN_FIELD_INT == 1
                  && VMN_FIELD_TEXT == 2);

static const struct schema_struct status_member = {
    .name = "status_member", .size = sizeof(struct vmn_type_status),
    .fields = FIELDS {
        { .name = "name", .type = SCHEMA_STRING, AT(vmn_type_status, name),
          .flags = SCHEMA_REQUIRED, .min = 1, .max = 31,
          .check = value_check_field_name, .doc = "Its name." },
        { .name = "type", .type = SCHEMA_ENUM, AT(vmn_type_status, type),
          .flags = SCHEMA_REQUIRED, .names = status_types,
          .doc = "Its type, or that of each element." },
        { .name = "list", .type = SCHEMA_BOOL, AT(vmn_type_status, list),
          .flags = SCHEMA_HIDE_DEFAULT, .doc = "Whether it is a list." },
        { .name = "relation", .type = SCHEMA_STRING,
          AT(vmn_type_status, relation), .flags = SCHEMA_REQUIRED,
          .min = 1, .max = 255,
          .doc = "The app's relation whose values at an object's name it "
                 "shows." },
        { .name = "doc", .type = SCHEMA_STRING, AT(vmn_type_status, doc),
          .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024,
          .doc = "What it says." },
        { .name = NULL },
    },
};

static int
check_singular(const char *text, struct vmn_error *error)
{
    return (strchr(text, '.')
            ? vmn_error_invalid(error, "must be a name without '.'")
            : value_check_name(text, error));
}

/* What the fields together say must make sense, too. */
static void
finish(void *row, const json_t *json OVS_UNUSED, const char *pointer,
       struct vmn_errors *errors)
{
    schema_own_check(row, pointer, errors);
}

const struct schema_table schema_type = {
    .id = VMN_TABLE_TYPE, .plural = "types", .singular = "type",
    .kind = "Type", .stored = true, .unscoped = true,
    .max_rows = VMN_OWN_TYPES_MAX, .named_as = VMN_N_TABLES,
    .check_name = value_check_name,
    .everyone_sees = true, .of_daemon = true, .for_admins = true,
    .doc = "A type that an app declares; its objects are at `/v1/NAME`.",
    .status = &schema_status_type,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "APP", .path = "/spec/app" },
        { .heading = "OBJECTS", .path = "/status/objects" },
        { .heading = "SERVED", .path = "/status/served" },
        { .heading = "DOC", .path = "/spec/doc" },
        { .heading = NULL },
    },
    .row = {
        .name = "type", .size = sizeof(struct vmn_type_row),
        .finish = finish,
        .fields = FIELDS {
            COMMON(vmn_type_row),
            { .name = "app", .type = SCHEMA_STRING, AT(vmn_type_row, app),
              .flags = SCHEMA_REQUIRED, .min = 1, .max = 31,
              .check = value_check_name,
              .doc = "The app that declares it." },
            { .name = "singular", .type = SCHEMA_STRING,
              AT(vmn_type_row, singular),
              .flags = SCHEMA_REQUIRED, .min = 1, .max = 31,
              .check = check_singular,
              .doc = "What one object of it is called." },
            { .name = "doc", .type = SCHEMA_STRING, AT(vmn_type_row, doc),
              .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024,
              .doc = "What it is for." },
            { .name = "single", .type = SCHEMA_BOOL, AT(vmn_type_row, single),
              .flags = SCHEMA_HIDE_DEFAULT,
              .doc = "Whether there is one object of it, `default`." },
            { .name = "checks", .type = SCHEMA_BOOL, AT(vmn_type_row, checks),
              .flags = SCHEMA_HIDE_DEFAULT,
              .doc = "Whether the app looks at each object that is "
                     "written." },
            { .name = "max_objects", .type = SCHEMA_U32,
              AT(vmn_type_row, max_objects), .min = 1, .max = 100000,
              .def = 10000, .doc = "The most objects of it." },
            { .name = "structs", .type = SCHEMA_STRUCT, .flags = SCHEMA_LIST,
              LIST_AT(vmn_type_row, structs),
              .max_items = VMN_OWN_STRUCTS_MAX, .nested = &structure,
              .doc = "What its fields consist of, each after those that it "
                     "consists of." },
            { .name = "fields", .type = SCHEMA_STRUCT, .flags = SCHEMA_LIST,
              LIST_AT(vmn_type_row, fields),
              .max_items = VMN_OWN_FIELDS_MAX, .nested = &field,
              .doc = "Its fields, beside `description` and `labels`." },
            { .name = "status_members", .type = SCHEMA_STRUCT,
              .flags = SCHEMA_LIST,
              LIST_AT(vmn_type_row, status),
              .max_items = VMN_OWN_STATUS_MAX, .nested = &status_member,
              .doc = "What the status of an object has of what the app finds "
                     "out." },
            { .name = NULL },
        },
    },
};
