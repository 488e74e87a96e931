/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses the body of a request into a struct; see request-body.h. */

#include <config.h>

#include "controller/northbound/request-body.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

#define TEXT_LEN_MAX 255

/* The state of parsing a body. */
struct reader {
    struct arena *arena;
    struct vmn_errors *errors;
};

static void OVS_PRINTF_FORMAT(3, 4)
reject(const struct reader *reader, const char *name, const char *format, ...)
{
    char *pointer = xasprintf("/%s", name);
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    vmn_errors_add(reader->errors, VMN_ERR_INVALID, pointer, "%s", text);
    free(text);
    free(pointer);
}

/* Returns the text of 'value', borrowed; NULL with an error if it is not a
 * string of a valid length. */
static const char *
get_text(const struct reader *reader, const struct schema_field *f,
         const json_t *value)
{
    const char *text = json_string_value(value);
    size_t max = f->type == SCHEMA_STRING && f->max ? f->max : TEXT_LEN_MAX;

    if (!text || !*text || strlen(text) > max) {
        reject(reader, f->name, "must be a string of 1 to %"PRIuSIZE" "
               "characters", max);
        return NULL;
    }
    return text;
}

static void
read_text(const struct reader *reader, const struct schema_field *f,
          const json_t *value, const char **dst)
{
    const char *text = get_text(reader, f, value);
    struct vmn_error why = VMN_ERROR_INIT;

    if (text && f->check && f->check(text, &why)) {
        reject(reader, f->name, "%s", why.text);
        vmn_error_uninit(&why);
        text = NULL;
    }
    *dst = text ? arena_strdup(reader->arena, text) : NULL;
}

static void
read_integer(const struct reader *reader, const struct schema_field *f,
             const json_t *value, void *dst)
{
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < f->min || number > f->max) {
        reject(reader, f->name, "must be a number from %"PRId64" to %"PRId64,
               f->min, f->max);
    } else if (f->type == SCHEMA_U16) {
        *(uint16_t *) dst = number;
    } else if (f->type == SCHEMA_U32) {
        *(uint32_t *) dst = number;
    } else {
        *(int *) dst = number;
    }
}

/* Adds an error that lists the valid names: 'must be "a", "b" or "c"'. */
static void
reject_name(const struct reader *reader, const struct schema_field *f)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int i = 0; f->names[i]; i++) {
        ds_put_format(&ds, "%s\"%s\"",
                      !i ? "" : f->names[i + 1] ? ", " : " or ", f->names[i]);
    }
    reject(reader, f->name, "must be %s", ds_cstr(&ds));
    ds_destroy(&ds);
}

static void
read_enum(const struct reader *reader, const struct schema_field *f,
          const json_t *value, int *dst)
{
    const char *text = json_string_value(value);

    for (int i = 0; text && f->names[i]; i++) {
        if (!strcmp(text, f->names[i])) {
            *dst = i;
            return;
        }
    }
    reject_name(reader, f);
}

static void
read_bool(const struct reader *reader, const struct schema_field *f,
          const json_t *value, bool *dst)
{
    if (json_is_boolean(value)) {
        *dst = json_is_true(value);
    } else {
        reject(reader, f->name, "must be true or false");
    }
}

/* Parses an IP address of any kind, or a MAC address, by the field's type. */
static void
read_address(const struct reader *reader, const struct schema_field *f,
             const json_t *value, void *dst)
{
    const char *text = get_text(reader, f, value);
    struct vmn_error error = VMN_ERROR_INIT;

    if (text && (f->type == SCHEMA_IP ? value_parse_any_ip(text, dst, &error)
                 : value_parse_mac(text, dst, &error))) {
        reject(reader, f->name, "%s", error.text);
        vmn_error_uninit(&error);
    }
}

static void
read_member(const struct reader *reader, const struct schema_field *f,
            const json_t *value, void *dst)
{
    switch (f->type) {
    case SCHEMA_STRING:
    case SCHEMA_REF:
        read_text(reader, f, value, dst);
        break;
    case SCHEMA_INT:
    case SCHEMA_U16:
    case SCHEMA_U32:
        read_integer(reader, f, value, dst);
        break;
    case SCHEMA_ENUM:
        read_enum(reader, f, value, dst);
        break;
    case SCHEMA_BOOL:
        read_bool(reader, f, value, dst);
        break;
    case SCHEMA_IP:
    case SCHEMA_MAC:
        read_address(reader, f, value, dst);
        break;
    case SCHEMA_PREFIX:
    case SCHEMA_RANGE:
    case SCHEMA_LABELS:
    case SCHEMA_SELECTOR:
    case SCHEMA_STRUCT:
    case SCHEMA_ENUM_SET:
    case SCHEMA_U64:
    case SCHEMA_I64:
    case SCHEMA_SIZE:
    case SCHEMA_DOUBLE:
        OVS_NOT_REACHED();      /* No body has such a member. */
    }
}

void
nb_body_read(const json_t *body, const struct schema_struct *s,
             struct arena *arena, void *struct_, struct vmn_errors *errors)
{
    const struct reader reader = { arena, errors };
    const char *name;
    json_t *value;

    json_object_foreach (CONST_CAST(json_t *, body), name, value) {
        const struct schema_field *f = schema_find_field(s, name);

        if (!f) {
            reject(&reader, name, "unknown field");
        } else if (f->type != SCHEMA_STRUCT) {
            read_member(&reader, f, value, (char *) struct_ + f->offset);
        }
    }
    for (const struct schema_field *f = s->fields; f->name; f++) {
        const struct schema_field *other
            = f->unless ? schema_find_field(s, f->unless) : NULL;

        /* If both of a pair are absent, the first is required. */
        if (f->flags & SCHEMA_REQUIRED && !json_object_get(body, f->name)
            && (!other || (f < other
                           && !json_object_get(body, other->name)))) {
            reject(&reader, f->name, "is required");
        }
    }
}
