/* SPDX-License-Identifier: Apache-2.0
 *
 * Single values from JSON, by the description; see schema-parse.h. */

#include <config.h>

#include "controller/schema/schema-parse.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/selector.h"
#include "controller/schema/value.h"
#include "proto/text/quoted-text.h"
#include "util.h"

size_t
parse_push(struct parse *p, const char *name)
{
    size_t length = p->pointer.length;

    ds_put_char(&p->pointer, '/');
    for (; *name; name++) {
        if (*name == '~') {
            ds_put_cstr(&p->pointer, "~0");
        } else if (*name == '/') {
            ds_put_cstr(&p->pointer, "~1");
        } else {
            ds_put_char(&p->pointer, *name);
        }
    }
    return length;
}

size_t
parse_push_index(struct parse *p, size_t index)
{
    size_t length = p->pointer.length;

    ds_put_format(&p->pointer, "/%"PRIuSIZE, index);
    return length;
}

void
parse_pop(struct parse *p, size_t length)
{
    ds_truncate(&p->pointer, length);
}

bool
parse_fault(struct parse *p, enum vmn_error_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);

    vmn_errors_add(p->errors, code, ds_cstr(&p->pointer), "%s", text);
    p->n_errors++;
    free(text);
    return false;
}

bool
parse_check(struct parse *p, int code, struct vmn_error *error)
{
    if (code) {
        parse_fault(p, error->code, "%s", error->text);
        vmn_error_uninit(error);
    }
    return !code;
}

/* Returns the text, or NULL with an error.  With 'lines', it may have several
 * lines, and tabs. */
static const char *
get_lines(struct parse *p, const json_t *json, bool lines)
{
    const char *text = json_string_value(json);

    if (!text) {
        parse_fault(p, VMN_ERR_INVALID, "must be a string");
        return NULL;
    }
    for (const char *c = text; c < text + json_string_length(json); c++) {
        if (text_is_control(c) && (!lines || !*c || !strchr("\n\r\t", *c))) {
            parse_fault(p, VMN_ERR_INVALID, "must not contain control "
                        "characters%s", lines ? ", but for line ends and tabs"
                        : "");
            return NULL;
        }
    }
    return text;
}

static const char *
get_text(struct parse *p, const json_t *json)
{
    return get_lines(p, json, false);
}

static bool
parse_integer(struct parse *p, const struct schema_field *f,
              const json_t *json, void *dst)
{
    json_int_t value = json_integer_value(json);

    if (!json_is_integer(json) || value < f->min || value > f->max) {
        return parse_fault(p, VMN_ERR_INVALID,
                           "must be an integer from %"PRId64" to %"PRId64,
                           f->min, f->max);
    }
    if (f->type == SCHEMA_U16) {
        *(uint16_t *) dst = value;
    } else if (f->type == SCHEMA_U32) {
        *(uint32_t *) dst = value;
    } else if (f->type == SCHEMA_U64) {
        *(uint64_t *) dst = value;
    } else {
        *(int *) dst = value;
    }
    return true;
}

static const char *
enum_candidate(const void *f_, size_t i)
{
    const struct schema_field *f = f_;

    return f->names[i];
}

/* Returns the value of an enum with this name, or -1 with an error. */
static int
parse_enum(struct parse *p, const struct schema_field *f, const json_t *json)
{
    const char *text = get_text(p, json);

    if (!text) {
        return -1;
    }
    for (int i = 0; f->names[i]; i++) {
        if (!strcmp(f->names[i], text)
            && (!f->allowed || f->allowed & 1u << i)) {
            return i;
        }
    }

    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *guess = schema_suggest(text, enum_candidate, f);
    for (int i = 0; f->names[i]; i++) {
        if (!f->allowed || f->allowed & 1u << i) {
            ds_put_format(&ds, "%s\"%s\"", ds.length ? ", " : "",
                          f->names[i]);
        }
    }
    if (guess && strcmp(guess, text)) {
        ds_put_format(&ds, "; did you mean \"%s\"?", guess);
    }
    parse_fault(p, VMN_ERR_INVALID, "must be one of %s", ds_cstr(&ds));
    ds_destroy(&ds);
    return -1;
}

static bool
parse_enum_set(struct parse *p, const struct schema_field *f,
               const json_t *json, bool *set)
{
    size_t n_errors = p->n_errors;
    const json_t *element;
    size_t i;

    if (!json_is_array(json)) {
        return parse_fault(p, VMN_ERR_INVALID, "must be a list");
    }
    if (json_array_size(json) > 64) {
        return parse_fault(p, VMN_ERR_TOO_LARGE, "must have at most 64 "
                           "elements");
    }
    json_array_foreach (json, i, element) {
        size_t length = parse_push_index(p, i);
        int value = parse_enum(p, f, element);

        if (value >= 0) {
            set[value] = true;
        }
        parse_pop(p, length);
    }
    return p->n_errors == n_errors;
}

/* Keeps an object as it is, whatever it says, with its members sorted. */
static bool
parse_any(struct parse *p, const struct schema_field *f, const json_t *json,
          const char **dst)
{
    size_t size = json_is_object(json)
                  ? json_dumpb(json, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS)
                  : 0;
    char *text;

    if (!size) {
        return parse_fault(p, VMN_ERR_INVALID, "must be an object");
    }
    if (size > (size_t) f->max) {
        return parse_fault(p, VMN_ERR_TOO_LARGE,
                           "must have at most %"PRId64" bytes", f->max);
    }
    text = arena_alloc(p->arena, size + 1);
    json_dumpb(json, text, size, JSON_COMPACT | JSON_SORT_KEYS);
    text[size] = '\0';
    *dst = text;
    return true;
}

static bool
parse_string(struct parse *p, const struct schema_field *f,
             const json_t *json, const char **dst)
{
    struct vmn_error error = VMN_ERROR_INIT;
    const char *text = get_lines(p, json, f->flags & SCHEMA_LINES);

    if (!text) {
        return false;
    }
    if (strlen(text) > (size_t) f->max) {
        return parse_fault(p, VMN_ERR_INVALID,
                           "must have at most %"PRId64" bytes", f->max);
    }
    if (f->check && !parse_check(p, f->check(text, &error), &error)) {
        return false;
    }
    /* An empty description counts as none.  In a list there is no such: an
     * app would find NULL there, and the database what is no JSON. */
    *dst = *text ? arena_strdup(p->arena, text) : NULL;
    if (!*text) {
        return (!(f->flags & (SCHEMA_REQUIRED | SCHEMA_LIST)) && f->min <= 0)
               || parse_fault(p, VMN_ERR_INVALID, "must not be empty");
    }
    return p->stored || (int64_t) strlen(text) >= f->min
           || parse_fault(p, VMN_ERR_INVALID,
                          "must have at least %"PRId64" bytes", f->min);
}

static bool
parse_ref(struct parse *p, const struct schema_field *f, const json_t *json,
          const char **dst)
{
    const char *text = get_text(p, json);

    if (!text) {
        return false;
    }
    if (schema_tables[f->ref]->check_name(text, NULL)) {
        return parse_fault(p, VMN_ERR_INVALID, "must be the name of a %s",
                           schema_singular(f->ref));
    }
    *dst = arena_strdup(p->arena, text);
    return true;
}

static bool
parse_prefix(struct parse *p, const struct schema_field *f,
             const json_t *json, struct vmn_prefix *prefix)
{
    /* Prefixes that are stored as bare addresses are read again. */
    bool zero_ok = (f->flags & SCHEMA_BARE_ADDRESS) != 0;
    struct vmn_error error = VMN_ERROR_INIT;
    const char *text = get_text(p, json);

    return text
           && parse_check(p, value_parse_prefix(text, zero_ok, prefix, &error),
                          &error);
}

static bool
parse_ip(struct parse *p, const struct schema_field *f, const json_t *json,
         struct vmn_ip *ip)
{
    struct vmn_error error = VMN_ERROR_INIT;
    const char *text = get_text(p, json);

    if (!text || !parse_check(p, value_parse_ip(text, ip, &error), &error)) {
        return false;
    }
    if (f->flags & SCHEMA_UNSERVED && value_ip_is_served(ip)) {
        return parse_fault(p, VMN_ERR_INVALID, "%s is the address of a server "
                           "of VMN's own", text);
    }
    return ip->family == 4 || !(f->flags & SCHEMA_IPV4)
           || parse_fault(p, VMN_ERR_INVALID,
                          "must be IPv4: IPv6 is not supported here yet");
}

static bool
parse_range(struct parse *p, const json_t *json, struct vmn_port_range *range)
{
    struct vmn_error error = VMN_ERROR_INIT;

    if (json_is_integer(json)) {
        json_int_t port = json_integer_value(json);

        if (port < 1 || port > UINT16_MAX) {
            return parse_fault(p, VMN_ERR_INVALID, "must be a port from 1 to "
                               "65535");
        }
        range->first = range->last = port;
        return true;
    }

    const char *text = get_text(p, json);
    return text && parse_check(p, value_parse_range(text, range, &error),
                               &error);
}

static int
compare_labels(const void *a_, const void *b_)
{
    const struct vmn_label *a = a_;
    const struct vmn_label *b = b_;

    return strcmp(a->key, b->key);
}

static bool
parse_labels(struct parse *p, const struct schema_field *f,
             const json_t *json, struct vmn_labels *labels)
{
    struct vmn_error error = VMN_ERROR_INIT;
    size_t n_errors = p->n_errors;

    if (!json_is_object(json)) {
        return parse_fault(p, VMN_ERR_INVALID, "must be an object of strings");
    }
    if (json_object_size(json) > f->max_items) {
        return parse_fault(p, VMN_ERR_TOO_LARGE, "must have at most %"PRIuSIZE
                           " labels", f->max_items);
    }

    size_t n = 0;
    struct vmn_label *array = arena_alloc(p->arena, json_object_size(json)
                                                    * sizeof *array);
    for (void *iter = json_object_iter(CONST_CAST(json_t *, json)); iter;
         iter = json_object_iter_next(CONST_CAST(json_t *, json), iter)) {
        const char *key = json_object_iter_key(iter);
        size_t length = parse_push(p, key);
        const char *value;

        parse_check(p, value_check_label_key(key, &error), &error);
        value = get_text(p, json_object_iter_value(iter));
        if (value
            && parse_check(p, value_check_label_value(value, &error),
                           &error)) {
            array[n].key = arena_strdup(p->arena, key);
            array[n++].value = arena_strdup(p->arena, value);
        }
        parse_pop(p, length);
    }
    qsort(array, n, sizeof *array, compare_labels);
    labels->n = n;
    labels->labels = array;
    return p->n_errors == n_errors;
}

bool
parse_scalar(struct parse *p, const struct schema_field *f,
             const json_t *json, void *dst)
{
    struct vmn_error error = VMN_ERROR_INIT;
    const char *text;
    int value;

    switch (f->type) {
    case SCHEMA_BOOL:
        if (!json_is_boolean(json)) {
            return parse_fault(p, VMN_ERR_INVALID, "must be true or false");
        }
        *(bool *) dst = json_is_true(json);
        return true;
    case SCHEMA_INT:
    case SCHEMA_U16:
    case SCHEMA_U32:
    case SCHEMA_U64:
        return parse_integer(p, f, json, dst);
    case SCHEMA_ENUM:
        value = parse_enum(p, f, json);
        *(int *) dst = value < 0 ? 0 : value;
        return value >= 0;
    case SCHEMA_STRING:
        return (f->flags & SCHEMA_ANY ? parse_any : parse_string)(p, f, json,
                                                                  dst);
    case SCHEMA_REF:
        return parse_ref(p, f, json, dst);
    case SCHEMA_MAC:
        text = get_text(p, json);
        return text && parse_check(p, value_parse_mac(text, dst, &error),
                                   &error);
    case SCHEMA_IP:
        return parse_ip(p, f, json, dst);
    case SCHEMA_PREFIX:
        return parse_prefix(p, f, json, dst);
    case SCHEMA_RANGE:
        return parse_range(p, json, dst);
    case SCHEMA_LABELS:
        return parse_labels(p, f, json, dst);
    case SCHEMA_SELECTOR:
        text = get_text(p, json);
        return text
               && parse_check(p, selector_parse(text,
                                                json_string_length(json),
                                                p->arena, dst, &error),
                              &error);
    case SCHEMA_ENUM_SET:
        return parse_enum_set(p, f, json, dst);
    case SCHEMA_STRUCT:
    case SCHEMA_I64:
    case SCHEMA_SIZE:
    case SCHEMA_DOUBLE:
        break;
    }
    OVS_NOT_REACHED();
}
