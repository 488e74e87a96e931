/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads JSON of a known shape in place, without making values of it: an object
 * is taken apart into members, a list into elements, and texts are those in
 * the buffer.  What is not looked into is found to end, and no more: so what
 * is nested is checked as it is taken apart.  For texts of many objects, of
 * which little is needed; others are jansson's (RFC 8259). */

#ifndef CONTROLLER_SCHEMA_JSON_SLICE_H
#define CONTROLLER_SCHEMA_JSON_SLICE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Brackets within each other, at most: as jansson. */
#define JSON_SLICE_DEPTH 2048

enum json_slice_type {
    JSON_SLICE_NONE,            /* There is none. */
    JSON_SLICE_TEXT,
    JSON_SLICE_INTEGER,
    JSON_SLICE_LIST,
    JSON_SLICE_OBJECT,
    JSON_SLICE_OTHER,           /* true, false, null or a real number. */
};

struct json_slice {
    enum json_slice_type type;
    char *text;                 /* Of a text: itself, null-terminated.  Of a
                                 * list or an object: its JSON, */
    size_t length;              /* so many bytes. */
    int64_t integer;            /* Of an integer; or 0. */
};

/* Sets '*value' to the one that the text is, null-terminated after 'length'
 * bytes.  Both the text, which is changed as it is read, and 'value' must
 * outlive what is taken out of it.  Returns false if the text is not UTF-8, or
 * its value does not end, or there is something behind it. */
bool json_slice_init(struct json_slice *value, char *text, size_t length);

/* Sets 'values' to the members of an object that are called 'names', 'n' of
 * each; quickest if they are in this order.  Can be done once.  Returns false
 * if it is no object, malformed, or has two of one of these names. */
bool json_slice_members(const struct json_slice *object,
                        const char *const names[], struct json_slice values[],
                        size_t n);

/* Takes the first element out of a list; its type is JSON_SLICE_NONE if there
 * is none.  Returns false if it is no list, or malformed. */
bool json_slice_next(struct json_slice *list, struct json_slice *element);

/* Returns the text; NULL: it is none. */
static inline const char *
json_slice_text(const struct json_slice *slice)
{
    return slice->type == JSON_SLICE_TEXT ? slice->text : NULL;
}

#endif /* controller/schema/json-slice.h */
