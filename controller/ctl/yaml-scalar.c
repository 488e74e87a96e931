/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of plain scalars, by the core schema (YAML 1.2.2, section 10.3.2); see
 * yaml-scalar.h. */

#include <config.h>

#include "controller/ctl/yaml-scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Length of the longest number. */
#define NUMBER_LEN_MAX 64

enum kind {
    KIND_STRING,
    KIND_NULL,
    KIND_FALSE,
    KIND_TRUE,
    KIND_INTEGER,
    KIND_REAL,
    KIND_LEADING_ZERO,          /* 010: 8 in YAML 1.1, 10 in 1.2. */
    KIND_NOT_FINITE,
};

static const struct word {
    const char *text;
    enum kind kind;
} words[] = {
    { "", KIND_NULL }, { "~", KIND_NULL }, { "null", KIND_NULL },
    { "Null", KIND_NULL }, { "NULL", KIND_NULL },
    { "true", KIND_TRUE }, { "True", KIND_TRUE }, { "TRUE", KIND_TRUE },
    { "false", KIND_FALSE }, { "False", KIND_FALSE }, { "FALSE", KIND_FALSE },
    { ".nan", KIND_NOT_FINITE }, { ".NaN", KIND_NOT_FINITE },
    { ".NAN", KIND_NOT_FINITE }, { ".inf", KIND_NOT_FINITE },
    { ".Inf", KIND_NOT_FINITE }, { ".INF", KIND_NOT_FINITE },
    { "+.inf", KIND_NOT_FINITE }, { "-.inf", KIND_NOT_FINITE },
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t
skip_digits(const char *s)
{
    size_t n = 0;

    while (is_digit(s[n])) {
        n++;
    }
    return n;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static enum kind
number_kind(const char *s)
{
    enum kind kind = KIND_INTEGER;
    const char *start;
    size_t n, n_fraction;

    s += *s == '-' || *s == '+';
    start = s;
    n = skip_digits(s);
    s += n;
    if (*s == '.') {
        kind = KIND_REAL;
        n_fraction = skip_digits(++s);
        s += n_fraction;
        n += n_fraction;
    }
    if (!n) {
        return KIND_STRING;
    }
    if (*s == 'e' || *s == 'E') {
        kind = KIND_REAL;
        s++;
        s += *s == '-' || *s == '+';
        n = skip_digits(s);
        s += n;
    }
    if (*s || !n) {
        return KIND_STRING;
    }
    if (kind == KIND_INTEGER && start[0] == '0' && start[1]) {
        return KIND_LEADING_ZERO;
    }
    return kind;
}

/* 0x and 0o forms; the core schema gives them no sign. */
static bool
is_based_integer(const char *s)
{
    if (!strncmp(s, "0x", 2)) {
        return s[2] && !s[2 + strspn(s + 2, "0123456789abcdefABCDEF")];
    }
    return !strncmp(s, "0o", 2) && s[2] && !s[2 + strspn(s + 2, "01234567")];
}

/* Copies the text to 'buf' if it is short enough for a number. */
static enum kind
classify(const char *text, size_t size, char buf[NUMBER_LEN_MAX + 1])
{
    if (size > NUMBER_LEN_MAX || memchr(text, '\0', size)) {
        return KIND_STRING;
    }
    memcpy(buf, text, size);
    buf[size] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(words[i].text, buf)) {
            return words[i].kind;
        }
    }
    return is_based_integer(buf) ? KIND_INTEGER : number_kind(buf);
}

static json_t *
make_real(const char *s, struct vmn_error *why)
{
    double value = strtod(s, NULL);

    if (!isfinite(value)) {
        vmn_error_invalid(why, "the number is too large");
        return NULL;
    }
    return json_real(value);
}

/* An integer beyond 64 bits becomes a real number, as JSON has no limit: the
 * server then names its field, and what is allowed there. */
static json_t *
make_integer(const char *s, struct vmn_error *why)
{
    bool octal = !strncmp(s, "0o", 2);
    int base = octal ? 8 : !strncmp(s, "0x", 2) ? 16 : 10;
    long long int value;

    errno = 0;
    value = strtoll(octal ? s + 2 : s, NULL, base);
    if (errno && base == 10) {
        return make_real(s, why);
    } else if (errno) {
        vmn_error_invalid(why, "the integer does not fit into 64 bits");
        return NULL;
    }
    return json_integer(value);
}

json_t *
ctl_yaml_scalar(const char *text, size_t size, struct vmn_error *why)
{
    char buf[NUMBER_LEN_MAX + 1];
    json_t *value;

    switch (classify(text, size, buf)) {
    case KIND_NULL:
        return json_null();
    case KIND_FALSE:
        return json_false();
    case KIND_TRUE:
        return json_true();
    case KIND_INTEGER:
        return make_integer(buf, why);
    case KIND_REAL:
        return make_real(buf, why);
    case KIND_LEADING_ZERO:
        vmn_error_invalid(why, "a number with a leading zero is ambiguous: "
                          "write it without, or put quotes round it if it is "
                          "a string");
        return NULL;
    case KIND_NOT_FINITE:
        vmn_error_invalid(why, "JSON has no infinite numbers: put quotes "
                          "round it if it is a string");
        return NULL;
    case KIND_STRING:
    default:
        value = json_stringn(text, size);
        if (!value) {
            vmn_error_invalid(why, "not valid UTF-8");
        }
        return value;
    }
}

/* Returns true for an IPv4 address or a version, which no reader takes for a
 * number. */
static bool
is_dotted(const char *s, size_t size)
{
    const char *dot = memchr(s, '.', size);

    return (dot && memchr(dot + 1, '.', s + size - dot - 1)
            && !memchr(s, '_', size) && !memchr(s, ':', size));
}

/* Returns true if 's' consists of characters in 'set'. */
static bool
consists_of(const char *s, size_t size, const char *set)
{
    for (size_t i = 0; i < size; i++) {
        if (!s[i] || !strchr(set, s[i])) {
            return false;
        }
    }
    return true;
}

/* Returns true for 0b101, -0x_1F, 0o17 and the like, which readers of YAML 1.1
 * (http://yaml.org/type/int.html) take for integers. */
static bool
is_old_based_integer(const char *s, size_t size)
{
    size_t sign = size && (s[0] == '-' || s[0] == '+');

    return (size >= sign + 2 && s[sign] == '0'
            && strchr("bBoOxX", s[sign + 1]) && s[sign + 1]
            && consists_of(s + sign + 2, size - sign - 2,
                           "0123456789abcdefABCDEF_-+"));
}

/* Returns true for what looks like a date or a time stamp
 * (http://yaml.org/type/timestamp.html). */
static bool
is_timestamp(const char *s, size_t size)
{
    return (size >= 6 && consists_of(s, 4, "0123456789") && s[4] == '-'
            && consists_of(s, size, "0123456789-:.+tTzZ \t"));
}

/* Returns true for words that some reader takes for a boolean, null, a number
 * or a merge key, in any case of letters. */
static bool
is_word(const char *s, size_t size)
{
    static const char *const old_words[] = {
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "=",
        "<<", ".inf", "+.inf", "-.inf", ".nan", "+.nan", "-.nan",
    };

    for (size_t i = 0; i < ARRAY_SIZE(old_words); i++) {
        if (strlen(old_words[i]) == size
            && !strncasecmp(s, old_words[i], size)) {
            return true;
        }
    }
    return false;
}

bool
ctl_yaml_is_plain(const char *text, size_t size)
{
    char buf[NUMBER_LEN_MAX + 1];

    if (!size || classify(text, size, buf) != KIND_STRING
        || is_word(text, size) || is_old_based_integer(text, size)
        || is_timestamp(text, size)) {
        return false;
    }
    /* Decimal and sexagesimal numbers of YAML 1.1 (12:30 is 750, 1_000 is
     * 1000), and real ones (1_0.5e+3). */
    return ((!consists_of(text, size, "0123456789_:+-.")
             || is_dotted(text, size))
            && !(strchr("0123456789+-.", text[0])
                 && consists_of(text, size, "0123456789_+-.eE")
                 && !is_dotted(text, size)));
}
