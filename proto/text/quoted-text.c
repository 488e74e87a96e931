/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotes text from outside; see quoted-text.h. */

#include <config.h>

#include "proto/text/quoted-text.h"

#include <stdint.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

struct range {
    uint32_t first, last;       /* Code points. */
};

/* Control characters, bidirectional controls, and separators. */
static const struct range controls[] = {
    { 0x00, 0x1f }, { 0x7f, 0x9f }, { 0x61c, 0x61c }, { 0x200e, 0x200f },
    { 0x2028, 0x202e }, { 0x2066, 0x2069 },
};

/* Invisible characters: Default_Ignorable_Code_Point of Unicode 15, and the
 * anchors of annotations. */
static const struct range invisible[] = {
    { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },
    { 0x180b, 0x180f }, { 0x200b, 0x200d }, { 0x2060, 0x206f },
    { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
    { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 },
    { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

static bool
is_plain(char c)
{
    return c >= ' ' && c <= '~';
}

static bool
is_in(const struct range *ranges, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* Reads a character of UTF-8 (RFC 3629) from 'size' bytes at 's', at least
 * one.  Returns how many it takes, or 0 if there is none. */
static size_t
read_character(const char *s, size_t size, uint32_t *code)
{
    /* The least code point by number of bytes: longer forms are invalid. */
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t lead = s[0];
    size_t n = (lead < 0x80 ? 1 : lead >> 5 == 0x6 ? 2 : lead >> 4 == 0xe ? 3
                : lead >> 3 == 0x1e ? 4 : 0);

    if (!n || n > size) {
        return 0;
    }
    *code = n == 1 ? lead : lead & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        uint8_t byte = s[i];

        if (byte >> 6 != 0x2) {
            return 0;
        }
        *code = *code << 6 | (byte & 0x3f);
    }
    if (*code < least[n] || *code > 0x10ffff
        || (*code >= 0xd800 && *code <= 0xdfff)) {
        return 0;
    }
    return n;
}

bool
text_is_control(const char *text)
{
    uint32_t code;

    return (!is_plain(*text)
            && read_character(text, strnlen(text, 4) + !*text, &code)
            && is_in(controls, ARRAY_SIZE(controls), code));
}

/* Returns 'c', or what takes its place in a text of a host. */
static char
restrict_character(char c)
{
    static const char from[] = "{}<>`\\", to[] = "()()'/";
    const char *p = is_plain(c) ? strchr(from, c) : NULL;

    return p ? to[p - from] : is_plain(c) && c != '$' ? c : '?';
}

char *
text_restrict(char *text)
{
    for (char *p = text; p && *p; p++) {
        *p = restrict_character(*p);
    }
    return text;
}

bool
text_is_restricted(const char *text)
{
    while (*text && *text == restrict_character(*text)) {
        text++;
    }
    return !*text;
}

/* Appends an escape of JSON. */
static void
put_escape(struct ds *ds, uint32_t code)
{
    if (code == '\n' || code == '\r' || code == '\t') {
        ds_put_cstr(ds, code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t");
    } else if (code < 0x10000) {
        ds_put_format(ds, "\\u%04x", code);
    } else {
        code -= 0x10000;
        ds_put_format(ds, "\\u%04x\\u%04x", 0xd800 | code >> 10,
                      0xdc00 | (code & 0x3ff));
    }
}

/* Returns the size of the first character that is not to be written as it is,
 * and its code point, or 0 and its only byte if it is no UTF-8.  '*n_before'
 * is the number of bytes before it, 'size' if there is none. */
static size_t
find_unsafe(const char *text, size_t size, const char *keep,
            size_t *n_before, uint32_t *code)
{
    size_t i = 0, n;

    while (i < size) {
        if (is_plain(text[i]) || (text[i] && strchr(keep, text[i]))) {
            i++;
            continue;
        }
        *n_before = i;
        n = read_character(text + i, size - i, code);
        if (!n || is_in(controls, ARRAY_SIZE(controls), *code)
            || is_in(invisible, ARRAY_SIZE(invisible), *code)) {
            return n;
        }
        i += n;
    }
    *n_before = size;
    return 0;
}

void
text_put_quoted(struct ds *ds, const char *text, size_t size,
                const char *keep)
{
    for (;;) {
        uint32_t code = 0;
        size_t n_before;
        size_t n = find_unsafe(text, size, keep, &n_before, &code);

        ds_put_buffer(ds, text, n_before);
        if (n_before == size) {
            return;
        }
        text += n_before;
        size -= n_before;
        if (n) {
            put_escape(ds, code);
        } else {
            ds_put_format(ds, "\\x%02x", (uint8_t) *text);
            n = 1;
        }
        text += n;
        size -= n;
    }
}

bool
text_needs_quoting(const char *text)
{
    size_t size = strlen(text), n_before;
    uint32_t code;

    find_unsafe(text, size, "", &n_before, &code);
    return n_before < size;
}
