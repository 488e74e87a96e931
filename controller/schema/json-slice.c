/* SPDX-License-Identifier: Apache-2.0
 *
 * See json-slice.h. */

#include <config.h>

#include "controller/schema/json-slice.h"

#include <stdlib.h>
#include <string.h>

#include "unicode.h"
#include "util.h"

static char *
skip_space(char *p)
{
    while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') {
        p++;
    }
    return p;
}

/* Texts.  ---------------------------------------------------------------- */

/* Reads the four digits of \uXXXX.  Returns false if they are none. */
static bool
read_hex(const char *p, unsigned *code)
{
    bool ok;

    *code = hexits_value(p, strnlen(p, 4) == 4 ? 4 : 0, &ok);
    return ok && strnlen(p, 4) == 4;
}

static char *
put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char) code;
    } else if (code < 0x800) {
        *out++ = (char) (0xc0 | code >> 6);
        *out++ = (char) (0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char) (0xe0 | code >> 12);
        *out++ = (char) (0x80 | (code >> 6 & 0x3f));
        *out++ = (char) (0x80 | (code & 0x3f));
    } else {
        *out++ = (char) (0xf0 | code >> 18);
        *out++ = (char) (0x80 | (code >> 12 & 0x3f));
        *out++ = (char) (0x80 | (code >> 6 & 0x3f));
        *out++ = (char) (0x80 | (code & 0x3f));
    }
    return out;
}

/* Reads what follows \u at '*p', and moves it behind that.  A character that
 * is not in the first plane is two of them; null is none.  What is put is
 * shorter. */
static bool
read_code(char **p, char **out)
{
    unsigned code, low;

    if (!read_hex(*p, &code)) {
        return false;
    }
    *p += 4;
    if (code >= 0xd800 && code < 0xdc00) {
        if ((*p)[0] != '\\' || (*p)[1] != 'u' || !read_hex(*p + 2, &low)
            || low < 0xdc00 || low > 0xdfff) {
            return false;
        }
        *p += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (!code || (code >= 0xdc00 && code <= 0xdfff)) {
        return false;
    }
    *out = put_utf8(*out, code);
    return true;
}

/* Reads what follows a backslash. */
static bool
read_escape(char **p, char **out)
{
    static const char codes[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    char c = *(*p)++;
    const char *code;

    if (c == 'u') {
        return read_code(p, out);
    }
    code = c ? strchr(codes, c) : NULL;
    if (code) {
        *(*out)++ = means[code - codes];
    }
    return code != NULL;
}

/* Reads a text behind its quote, and puts it there without escapes. */
static bool
read_text(char **p_, struct json_slice *value)
{
    char *p = *p_, *out = p;

    value->type = JSON_SLICE_TEXT;
    value->text = p;
    while (*p != '"') {
        if (*p == '\\') {
            p++;
            if (!read_escape(&p, &out)) {
                return false;
            }
        } else if ((unsigned char) *p < ' ') {
            return false;
        } else {
            *out++ = *p++;
        }
    }
    *p_ = p + 1;
    *out = '\0';
    value->length = out - value->text;
    return true;
}

/* Returns what is behind a text, of which 'p' is behind the quote; NULL: it
 * does not end. */
static char *
skip_text(char *p)
{
    for (;;) {
        /* Not strcspn(): most texts are too short for it. */
        while (*p != '"' && *p != '\\' && *p) {
            p++;
        }
        if (*p == '"') {
            return p + 1;
        } else if (!*p || !p[1]) {
            return NULL;
        }
        p += 2;
    }
}

/* Values.  --------------------------------------------------------------- */

/* Reads the rest of a number that is no integer, of which nothing is kept. */
static bool
read_fraction(char *p, char **end)
{
    static const char digits[] = "0123456789";

    if (*p == '.') {
        p++;
        if (!strspn(p, digits)) {
            return false;
        }
        p += strspn(p, digits);
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        if (!strspn(p, digits)) {
            return false;
        }
        p += strspn(p, digits);
    }
    *end = p;
    return true;
}

static bool
read_number(char **p_, struct json_slice *value)
{
    char *p = *p_;
    bool negative = *p == '-';
    char *digits = p + negative;
    bool too_large = false;
    int64_t n = 0;

    for (p = digits; *p >= '0' && *p <= '9'; p++) {
        int digit = *p - '0';

        too_large |= n < (INT64_MIN + digit) / 10;
        /* There is one more below 0 than above. */
        n = too_large ? n : 10 * n - digit;
    }
    if (p == digits || (*digits == '0' && p > digits + 1)) {
        return false;
    }
    value->type = JSON_SLICE_INTEGER;
    if (*p == '.' || *p == 'e' || *p == 'E') {
        value->type = JSON_SLICE_OTHER;
        return read_fraction(p, p_);
    } else if (too_large || (!negative && n == INT64_MIN)) {
        return false;
    }
    value->integer = negative ? n : -n;
    *p_ = p;
    return true;
}

static bool
read_word(char **p, struct json_slice *value)
{
    static const char *const words[] = { "true", "false", "null" };

    value->type = JSON_SLICE_OTHER;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        size_t len = strlen(words[i]);

        if (!strncmp(*p, words[i], len)) {
            *p += len;
            return true;
        }
    }
    return false;
}

/* Finds the end of a list or an object. */
static bool
read_nested(char **p_, struct json_slice *value)
{
    static const bool is_frame[UINT8_MAX + 1] = {
        ['\0'] = true, ['"'] = true, ['['] = true, [']'] = true,
        ['{'] = true, ['}'] = true,
    };
    char closers[JSON_SLICE_DEPTH];
    size_t depth = 0;
    char *p = *p_;

    value->type = *p == '[' ? JSON_SLICE_LIST : JSON_SLICE_OBJECT;
    value->text = p;
    do {
        while (!is_frame[(unsigned char) *p]) {
            p++;
        }
        switch (*p++) {
        case '"':
            p = skip_text(p);
            if (!p) {
                return false;
            }
            break;
        case '[':
        case '{':
            if (depth == JSON_SLICE_DEPTH) {
                return false;
            }
            closers[depth++] = p[-1] == '[' ? ']' : '}';
            break;
        case ']':
        case '}':
            if (closers[--depth] != p[-1]) {
                return false;
            }
            break;
        default:
            return false;       /* The text ends here. */
        }
    } while (depth);
    value->length = p - value->text;
    *p_ = p;
    return true;
}

/* Reads the value at '*p', and moves that behind it and behind blanks. */
static bool
read_value(char **p, struct json_slice *value)
{
    bool ok;

    *value = (struct json_slice) { .type = JSON_SLICE_NONE };
    *p = skip_space(*p);
    switch (**p) {
    case '"':
        ++*p;
        ok = read_text(p, value);
        break;
    case '[':
    case '{':
        ok = read_nested(p, value);
        break;
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        ok = read_number(p, value);
        break;
    default:
        ok = read_word(p, value);
        break;
    }
    *p = skip_space(*p);
    return ok;
}

/* Most texts are ASCII. */
static bool
is_utf8(const char *text, size_t length)
{
    uint64_t all = 0, word = 0;
    size_t i = 0;
    char *problem;

    for (; i + sizeof word <= length; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        all |= word;
    }
    for (; i < length; i++) {
        all |= (unsigned char) text[i];
    }
    if (!(all & UINT64_C(0x8080808080808080))) {
        return true;
    }
    problem = utf8_validate(text, NULL);
    free(problem);
    return !problem;
}

bool
json_slice_init(struct json_slice *value, char *text, size_t length)
{
    return (strlen(text) == length && is_utf8(text, length)
            && read_value(&text, value) && !*text);
}

/* Returns the index of a name, which is sought from 'first' on; or 'n'. */
static size_t
find_name(const char *name, const char *const names[], size_t n, size_t first)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = (first + i) % n;

        if (!strcmp(names[at], name)) {
            return at;
        }
    }
    return n;
}

bool
json_slice_members(const struct json_slice *object,
                   const char *const names[], struct json_slice values[],
                   size_t n)
{
    struct json_slice name, value;
    size_t at, next = 0;
    char *p;

    for (size_t i = 0; i < n; i++) {
        values[i] = (struct json_slice) { .type = JSON_SLICE_NONE };
    }
    if (object->type != JSON_SLICE_OBJECT) {
        return false;
    }
    p = skip_space(object->text + 1);
    if (*p == '}') {
        return true;
    }
    for (;;) {
        if (!read_value(&p, &name) || name.type != JSON_SLICE_TEXT
            || *p++ != ':' || !read_value(&p, &value)) {
            return false;
        }
        at = find_name(name.text, names, n, next);
        if (at < n) {
            if (values[at].type) {
                return false;
            }
            values[at] = value;
            next = at + 1;
        }
        if (*p == '}') {
            return p == object->text + object->length - 1;
        } else if (*p++ != ',') {
            return false;
        }
    }
}

bool
json_slice_next(struct json_slice *list, struct json_slice *element)
{
    char *p = list->text;

    *element = (struct json_slice) { .type = JSON_SLICE_NONE };
    if (list->type != JSON_SLICE_LIST) {
        return false;
    }
    if (*p == ']') {
        return list->length == 1;
    } else if (*p++ == '[') {
        p = skip_space(p);
        if (*p == ']') {
            return p == list->text + list->length - 1;
        }
    }
    if (!read_value(&p, element) || (*p != ',' && *p != ']')
        || p >= list->text + list->length) {
        return false;
    }
    /* What is left begins with the comma, or with the end. */
    list->length -= p - list->text;
    list->text = p;
    return true;
}
