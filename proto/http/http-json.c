/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses JSON from clients, within limits. jansson parses; what it does not
 * limit (a depth of less than 2048, the number of values, and so memory) is
 * checked in a pass over the bytes before. */

#include <config.h>

#include "proto/http/http.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "proto/http/http-parse.h"
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

/* Returns the JSON pointer to the first number beyond 64 bits in 'json', whose
 * integers were read as real numbers; NULL if there is none.  The caller frees
 * it. */
static char *
find_large(const json_t *json)
{
    const json_t *child;
    const char *key;
    char *found = NULL;
    size_t i;

    if (json_is_real(json)) {
        return fabs(json_real_value(json)) >= 0x1p63 ? xstrdup("") : NULL;
    }
    json_object_foreach (CONST_CAST(json_t *, json), key, child) {
        char *below = find_large(child);

        if (below) {
            found = xasprintf("/%s%s", key, below);
            free(below);
            return found;
        }
    }
    json_array_foreach (json, i, child) {
        char *below = find_large(child);

        if (below) {
            found = xasprintf("/%"PRIuSIZE"%s", i, below);
            free(below);
            return found;
        }
    }
    return NULL;
}

/* Returns what is wrong with an integer in 'input' that jansson cannot hold:
 * where it is, and the bounds.  The caller frees it. */
static char *
describe_overflow(struct input *input, const json_error_t *error)
{
    char *pointer = NULL, *text;
    json_t *json;

    input->pos = 0;
    json = json_load_callback(input_read, input, JSON_DECODE_ANY
                              | JSON_DECODE_INT_AS_REAL, NULL);
    pointer = json ? find_large(json) : NULL;
    json_decref(json);
    text = xasprintf("line %d, column %d: %s%san integer must be from "
                     "-9223372036854775808 to 9223372036854775807",
                     error->line, error->column, pointer ? pointer : "",
                     pointer && *pointer ? ": " : "");
    free(pointer);
    return text;
}

json_t *
http_json_parse(const char *text, size_t size,
                const struct http_options *options, char **fault)
{
    struct input input = { .text = text, .size = size, .options = options };
    json_error_t error;

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
        *fault = describe_overflow(&input, &error);
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
