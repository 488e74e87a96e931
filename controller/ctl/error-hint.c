/* SPDX-License-Identifier: Apache-2.0
 *
 * Hints of what to write; see error-hint.h. */

#include <config.h>

#include "controller/ctl/error-hint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/other-tools.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* What is longer is not repeated. */
#define VALUE_LEN_MAX 64

/* Where an error is: the value that was sent, or NULL; the name of the field,
 * and whether that is a list of which it is an element. */
struct place {
    const json_t *value;
    char *field;                /* Owned; NULL: none. */
    bool is_element;
};

static bool
is_index(const char *step)
{
    return *step && step[strspn(step, "0123456789")] == '\0';
}

static void
find_place(const json_t *object, const char *pointer, struct place *place)
{
    char *copy = xstrdup(pointer ? pointer : ""), *save = NULL;

    *place = (struct place) { .value = object };
    for (char *step = strtok_r(copy, "/", &save); step;
         step = strtok_r(NULL, "/", &save)) {
        place->is_element = is_index(step);
        if (place->is_element) {
            errno = 0;
            place->value = json_array_get(place->value,
                                          strtoul(step, NULL, 10));
        } else {
            place->value = json_object_get(place->value, step);
            free(place->field);
            place->field = xstrdup(step);
        }
    }
    free(copy);
}

/* Returns the scalar as it may be written, which the caller frees; or NULL. */
static char *
scalar_text(const json_t *value)
{
    char *text = (json_is_string(value) ? xstrdup(json_string_value(value))
                  : json_is_integer(value)
                  ? xasprintf("%"JSON_INTEGER_FORMAT,
                              json_integer_value(value)) : NULL);

    if (text && (!*text || strlen(text) > VALUE_LEN_MAX)) {
        free(text);
        return NULL;
    }
    return text;
}

/* 'unknown field "ports" of a rule'. */
static void
hint_field(const char *detail, struct ds *ds)
{
    static const char begin[] = "unknown field \"";
    const char *word = detail + strlen(begin);
    const char *end = strstr(word, "\" of a");
    const char *of = end ? strchr(end + 6, ' ') : NULL;
    const char *instead;
    char *name;

    if (strncmp(detail, begin, strlen(begin)) || !of) {
        return;
    }
    name = xmemdup0(word, end - word);
    instead = ctl_other_field(of + 1, name);
    if (instead) {
        ds_put_format(ds, "; write %s", instead);
    }
    free(name);
}

/* 'must be one of "allow", "deny"'. */
static void
hint_value(const struct place *place, struct ds *ds)
{
    const char *word = json_string_value(place->value);
    const char *value = (word && place->field
                         ? ctl_other_value(place->field, word) : NULL);

    if (value) {
        ds_put_format(ds, "; did you mean \"%s\"?", value);
    }
}

/* 'must be an object', of what is written alone. */
static void
hint_element(const struct place *place, struct ds *ds)
{
    const char *member = (place->is_element && place->field
                          ? ctl_element_member(place->field) : NULL);
    char *text = member ? scalar_text(place->value) : NULL;
    const char *slash = text ? strchr(text, '/') : NULL;

    if (text && !strcmp(place->field, "services") && slash) {
        ds_put_format(ds, "; write {protocol: %.*s, ports: [%s]}",
                      (int) (slash - text), text, slash + 1);
    } else if (text && !strcmp(place->field, "peers") && slash) {
        ds_put_format(ds, "; write {cidr: %s}", text);
    } else if (text) {
        ds_put_format(ds, "; write {%s: %s}", member, text);
    }
    free(text);
}

/* 'must be a list', of what is written alone. */
static void
hint_list(const struct place *place, struct ds *ds)
{
    char *text = scalar_text(place->value);

    if (text && place->field) {
        ds_put_format(ds, "; write %s: [%s]", place->field, text);
    }
    free(text);
}

void
ctl_put_hint(const json_t *object, const char *pointer, const char *detail,
             struct ds *ds)
{
    struct place place;

    if (!detail || strstr(detail, "did you mean")) {
        return;
    }
    find_place(object, pointer, &place);
    if (!strncmp(detail, "unknown field ", 14)) {
        hint_field(detail, ds);
    } else if (!strncmp(detail, "must be one of ", 15)) {
        hint_value(&place, ds);
    } else if (!strcmp(detail, "must be an object")) {
        hint_element(&place, ds);
    } else if (!strcmp(detail, "must be a list")) {
        hint_list(&place, ds);
    }
    free(place.field);
}
