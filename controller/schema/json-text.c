/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads plain JSON: without numbers that are no integers, \u, names that are
 * long, or that an object has twice; see json-text.h. */

#include <config.h>

#include "controller/schema/json-text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* What is nested more deeply is not plain. */
#define DEPTH_MAX 32
/* Nor is a name that is longer. */
#define NAME_MAX_LEN 127
/* An int64_t has room for all numbers of so many digits. */
#define DIGITS_MAX 18

struct reader {
    const char *p, *end;
    unsigned int depth;
    struct ds text;             /* Of a string with escapes. */
};

/* Returns NULL for what is not plain, wherever 'p' is then. */
typedef json_t *read_fn(struct reader *r);
static read_fn read_value;

/* Returns the next character that is no space, or 0, and does not take it. */
static char
peek(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t'
                             || *r->p == '\r')) {
        r->p++;
    }
    return r->p < r->end ? *r->p : '\0';
}

static bool
take(struct reader *r, char c)
{
    if (peek(r) != c) {
        return false;
    }
    r->p++;
    return true;
}

/* Strings.  --------------------------------------------------------------- */

/* Characters up to the next quote, backslash or control character, or to the
 * end.  Sets '*ascii' to false if one of them is not ASCII. */
static size_t
span_plain(const struct reader *r, bool *ascii)
{
    const char *p = r->p;
    unsigned char all = 0;

    while (p < r->end && *p != '"' && *p != '\\'
           && (unsigned char) *p >= ' ') {
        all |= (unsigned char) *p++;
    }
    *ascii &= all < 0x80;
    return p - r->p;
}

/* Takes the character behind a backslash.  Returns what it stands for, or 0 if
 * it is not plain. */
static char
take_escaped(struct reader *r)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *at = (r->p < r->end && *r->p ? strchr(escapes, *r->p) : NULL);

    if (!at) {
        return '\0';
    }
    r->p++;
    return meanings[at - escapes];
}

/* Appends the rest of a string to 'r->text', and takes its closing quote. */
static bool
take_text(struct reader *r, bool *ascii)
{
    for (;;) {
        size_t n = span_plain(r, ascii);
        char c;

        ds_put_buffer(&r->text, r->p, n);
        r->p += n;
        if (r->p >= r->end || (*r->p != '"' && *r->p != '\\')) {
            return false;
        }
        if (*r->p++ == '"') {
            return true;
        }
        c = take_escaped(r);
        if (!c) {
            return false;
        }
        ds_put_char(&r->text, c);
    }
}

/* Reads a string behind its opening quote. */
static json_t *
read_string(struct reader *r)
{
    const char *start = r->p;
    bool ascii = true;
    size_t n = span_plain(r, &ascii);

    if (start + n < r->end && start[n] == '"') {
        r->p += n + 1;
    } else {
        ds_clear(&r->text);
        if (!take_text(r, &ascii)) {
            return NULL;
        }
        start = ds_cstr(&r->text);
        n = r->text.length;
    }
    return ascii ? json_stringn_nocheck(start, n) : json_stringn(start, n);
}

/* The rest.  -------------------------------------------------------------- */

/* Reads a name with its colon into 'name'. */
static bool
read_name(struct reader *r, char name[NAME_MAX_LEN + 1])
{
    bool ascii = true;
    size_t n;

    if (!take(r, '"')) {
        return false;
    }
    n = span_plain(r, &ascii);
    if (!ascii || n > NAME_MAX_LEN || r->p + n >= r->end || r->p[n] != '"') {
        return false;
    }
    memcpy(name, r->p, n);
    name[n] = '\0';
    r->p += n + 1;
    return take(r, ':');
}

/* Reads an object behind its brace. */
static json_t *
read_object(struct reader *r)
{
    json_t *object = json_object();
    bool ok = take(r, '}');

    for (size_t n = 1; !ok && object; n++) {
        char name[NAME_MAX_LEN + 1];

        if (!read_name(r, name)
            || json_object_set_new_nocheck(object, name, read_value(r))
            || json_object_size(object) != n) {
            break;
        }
        ok = take(r, '}');
        if (!ok && !take(r, ',')) {
            break;
        }
    }
    if (!ok) {
        json_decref(object);
    }
    return ok ? object : NULL;
}

/* Reads a list behind its bracket. */
static json_t *
read_array(struct reader *r)
{
    json_t *array = json_array();
    bool ok = take(r, ']');

    while (!ok && array && !json_array_append_new(array, read_value(r))) {
        ok = take(r, ']');
        if (!ok && !take(r, ',')) {
            break;
        }
    }
    if (!ok) {
        json_decref(array);
    }
    return ok ? array : NULL;
}

static json_t *
read_integer(struct reader *r)
{
    bool negative = *r->p == '-';
    const char *start = r->p += negative;
    int64_t number = 0;

    while (r->p < r->end && *r->p >= '0' && *r->p <= '9'
           && r->p - start < DIGITS_MAX) {
        number = 10 * number + (*r->p++ - '0');
    }
    if (r->p == start || (*start == '0' && r->p - start > 1)
        || (r->p < r->end && strchr("0123456789.eE", *r->p))) {
        return NULL;
    }
    return json_integer(negative ? -number : number);
}

static bool
take_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);

    if ((size_t) (r->end - r->p) < n || memcmp(r->p, word, n)) {
        return false;
    }
    r->p += n;
    return true;
}

static json_t *
read_nested(struct reader *r, read_fn *read)
{
    json_t *json;

    if (r->depth >= DEPTH_MAX) {
        return NULL;
    }
    r->p++;
    r->depth++;
    json = read(r);
    r->depth--;
    return json;
}

static json_t *
read_value(struct reader *r)
{
    switch (peek(r)) {
    case '{': return read_nested(r, read_object);
    case '[': return read_nested(r, read_array);
    case '"': r->p++; return read_string(r);
    case 't': return take_word(r, "true") ? json_true() : NULL;
    case 'f': return take_word(r, "false") ? json_false() : NULL;
    case 'n': return take_word(r, "null") ? json_null() : NULL;
    default: return r->p < r->end ? read_integer(r) : NULL;
    }
}

json_t *
json_text_read_plain(const char *text, size_t length)
{
    struct reader r = { .p = text, .end = text + length,
                        .text = DS_EMPTY_INITIALIZER };
    char first = peek(&r);
    json_t *json = first == '{' || first == '[' ? read_value(&r) : NULL;

    ds_destroy(&r.text);
    if (json && !peek(&r) && r.p == r.end) {
        return json;
    }
    json_decref(json);
    return NULL;
}

json_t *
json_text_read(const char *text, size_t length, size_t flags)
{
    json_t *json = json_text_read_plain(text, length);

    return json ? json : json_loadb(text, length, flags, NULL);
}
