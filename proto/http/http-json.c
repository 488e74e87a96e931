/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses JSON from clients, within limits. jansson parses; what it does not
 * limit (a depth of less than 2048, the number of values, and so memory) is
 * checked in a pass over the bytes before. */

#include <config.h>

#include "proto/http/http.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "proto/http/http-parse.h"
#include "proto/text/byte-order-mark.h"
#include "util.h"

/* Sets '*line' and '*column', both from 1, to where byte 'offset' is. */
static void
where(const char *text, size_t offset, size_t *line, size_t *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            (*line)++;
            *column = 1;
        } else {
            (*column)++;
        }
    }
}

/* Minimum number of bytes parsed between two pauses. */
#define PAUSE_BYTES 16384

static void
pause_now(const struct http_options *options)
{
    if (options && options->pause) {
        options->pause(options->pause_aux);
    }
}

static bool
within_bounds(const char *text, size_t size,
              const struct http_options *options, char **fault)
{
    size_t depth = 0, n_values = 1, line, column;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (i % PAUSE_BYTES == PAUSE_BYTES - 1) {
            pause_now(options);
        }
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = false;
            }
            continue;
        }
        if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            depth++;
            n_values++;
        } else if ((c == ']' || c == '}') && depth) {
            depth--;
        } else if (c == ',') {
            n_values++;
        }
        if (depth > HTTP_JSON_DEPTH_MAX) {
            where(text, i, &line, &column);
            *fault = xasprintf("line %"PRIuSIZE", column %"PRIuSIZE": arrays"
                               " and objects are nested deeper than %d",
                               line, column, HTTP_JSON_DEPTH_MAX);
            return false;
        }
        if (n_values > HTTP_JSON_VALUES_MAX) {
            *fault = xasprintf("there are more than %d values",
                               HTTP_JSON_VALUES_MAX);
            return false;
        }
    }
    return true;
}

/* jansson's input. */
struct input {
    const char *text;
    size_t size;
    size_t pos;
    const struct http_options *options;
};

static size_t
input_read(void *buffer, size_t size, void *input_)
{
    struct input *input = input_;

    size = MIN(size, input->size - input->pos);
    memcpy(buffer, input->text + input->pos, size);
    input->pos += size;
    pause_now(input->options);
    return size;
}

/* Longer JSON pointers are not told. */
#define POINTER_LEN_MAX 1000

/* An array or an object that a value is in. */
struct level {
    bool is_array;
    size_t index;               /* Of an array: the element. */
    const char *key;            /* Of an object: the member, as a JSON string;
                                 * NULL: none yet. */
    size_t key_size;
};

void
http_json_pointer_add(struct ds *pointer, const char *key)
{
    ds_put_char(pointer, '/');
    for (; *key; key++) {
        if (*key == '~' || *key == '/') {
            ds_put_cstr(pointer, *key == '~' ? "~0" : "~1");
        } else {
            ds_put_char(pointer, *key);
        }
    }
}

static void
add_level(struct ds *pointer, const struct level *level)
{
    if (level->is_array) {
        ds_put_format(pointer, "/%"PRIuSIZE, level->index);
    } else if (level->key) {
        json_t *key = json_loadb(level->key, level->key_size,
                                 JSON_DECODE_ANY, NULL);

        http_json_pointer_add(pointer, key ? json_string_value(key) : "");
        json_decref(key);
    }
}

/* Returns the number of bytes of the JSON string at 'text'. */
static size_t
string_size(const char *text, size_t size)
{
    size_t i = 1;

    while (i < size && text[i] != '"') {
        i += text[i] == '\\' ? 2 : 1;
    }
    return MIN(i + 1, size);
}

/* Finds what the value at the end of 'text' is in: 'text' is the beginning of
 * a JSON value, within the bounds; what it has of none is passed over.
 * Returns the number of levels. */
static size_t
find_levels(const char *text, size_t size,
            struct level levels[HTTP_JSON_DEPTH_MAX])
{
    bool is_key = false;
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        struct level *level = n ? &levels[n - 1] : NULL;

        if (text[i] == '"') {
            size_t string = string_size(text + i, size - i);

            if (level && is_key) {
                level->key = text + i;
                level->key_size = string;
            }
            i += string - 1;
        } else if (text[i] == '[' || text[i] == '{') {
            is_key = text[i] == '{';
            levels[n++] = (struct level) { .is_array = !is_key };
        } else if (level && (text[i] == ']' || text[i] == '}')) {
            n--;
        } else if (level && text[i] == ',') {
            is_key = !level->is_array;
            level->index++;
        } else if (text[i] == ':') {
            is_key = false;
        }
    }
    return n;
}

/* Returns what is wrong with a number in 'text' that jansson cannot hold:
 * where it is, and the bounds.  The caller frees it. */
static char *
describe_overflow(const char *text, size_t size, const json_error_t *error)
{
    struct level levels[HTTP_JSON_DEPTH_MAX];
    size_t end = MIN((size_t) error->position, size), start = end;
    struct ds pointer = DS_EMPTY_INITIALIZER;
    size_t n = find_levels(text, end, levels);
    bool is_real = false;
    char *fault;

    while (start && strchr("0123456789+-.eE", text[start - 1])) {
        start--;
        is_real = is_real || strchr(".eE", text[start]);
    }
    for (size_t i = 0; i < n; i++) {
        add_level(&pointer, &levels[i]);
    }
    if (pointer.length > POINTER_LEN_MAX) {
        ds_clear(&pointer);
    }
    fault = xasprintf("line %d, column %d: %s%s%s", error->line,
                      error->column, ds_cstr(&pointer),
                      pointer.length ? ": " : "", is_real
                      ? "a number must be from -1.7e308 to 1.7e308"
                      : "an integer must be from -9223372036854775808 to "
                        "9223372036854775807");
    ds_destroy(&pointer);
    return fault;
}

json_t *
http_json_parse(const char *text, size_t size,
                const struct http_options *options, char **fault)
{
    struct input input = { .options = options };
    size_t mark = text_skip_bom(text, size);
    json_error_t error;

    text += mark;
    size -= mark;
    input.text = text;
    input.size = size;
    *fault = NULL;
    if (size > HTTP_BODY_MAX) {
        *fault = xasprintf("it is larger than %u bytes", HTTP_BODY_MAX);
        return NULL;
    }
    if (!size) {
        *fault = xstrdup("it is empty");
        return NULL;
    }
    if (!within_bounds(text, size, options, fault)) {
        return NULL;
    }

    json_t *json = json_load_callback(input_read, &input,
                                      JSON_REJECT_DUPLICATES
                                      | JSON_DECODE_ANY, &error);
    if (!json && json_error_code(&error) == json_error_numeric_overflow) {
        *fault = describe_overflow(text, size, &error);
    } else if (!json) {
        *fault = xasprintf("line %d, column %d: %s",
                           error.line, error.column,
                           json_error_code(&error)
                           == json_error_null_character
                           ? "a string must not contain \\u0000" : error.text);
    }
    return json;
}

json_t *
http_json_string(const char *text)
{
    json_t *json = json_string(text);

    if (!json) {
        char *copy = xstrdup(text);

        for (char *p = copy; *p; p++) {
            if ((unsigned char) *p >= 0x80) {
                *p = '?';
            }
        }
        json = json_string(copy);
        free(copy);
    }
    return json;
}

json_t *
http_query_error(const char *name, const char *format, ...)
{
    json_t *error = json_object();
    va_list args;

    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);

    json_object_set_new(error, "pointer", json_string(""));
    json_object_set_new(error, "parameter", http_json_string(name));
    json_object_set_new(error, "detail", http_json_string(text));
    free(text);
    return error;
}
