/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths to values of objects; see field-path.h. */

#include <config.h>

#include "controller/ctl/field-path.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/field-names.h"
#include "controller/ctl/output-table.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

#define STEPS_MAX 32
#define COLUMNS_MAX 64

/* Parsing.  --------------------------------------------------------------- */

static int
bad_path(const struct ctl_field_path *path, struct vmn_error *why)
{
    return vmn_error_invalid(why, "must be a path such as "
                             ".spec.labels.role, .status.ips[0] or "
                             ".spec.rules[*].action, not \"%s\"",
                             path->text);
}

/* Adds the step "[*]" or "[N]" that begins at 'p'.  Returns what is behind it,
 * or NULL. */
static const char *
parse_index(struct ctl_field_path *path, const char *p)
{
    size_t n = p[1] == '*' ? 1 : strspn(p + 1, "0123456789");

    if (!n || n > 6 || p[1 + n] != ']') {
        return NULL;
    }
    svec_add_nocopy(&path->steps, xmemdup0(p, n + 2));
    return p + n + 2;
}

/* Adds the step ".NAME" whose name begins at 'p'; as parse_index(). */
static const char *
parse_name(struct ctl_field_path *path, const char *p)
{
    struct ds name = DS_EMPTY_INITIALIZER;

    ds_put_char(&name, '.');
    for (; *p && !strchr(".[]{}()*?@$ ", *p); p++) {
        if (p[0] == '\\' && p[1]) {
            p++;
        }
        ds_put_char(&name, *p);
    }
    if (name.length < 2) {
        ds_destroy(&name);
        return NULL;
    }
    svec_add_nocopy(&path->steps, ds_steal_cstr(&name));
    return p;
}

int
ctl_field_path_parse(struct ctl_field_path *path, const char *text,
                     struct vmn_error *why)
{
    size_t len = strlen(text);
    bool braces = len > 1 && text[0] == '{' && text[len - 1] == '}';
    char *copy = xmemdup0(text + braces, len - 2 * braces);
    const char *p = copy;
    bool first = true;

    path->text = xstrdup(text);
    svec_init(&path->steps);
    while (p && *p && path->steps.n < STEPS_MAX) {
        p = (*p == '[' && !first ? parse_index(path, p)
             : *p == '.' ? parse_name(path, p + 1)
             : first ? parse_name(path, p) : NULL);
        first = false;
    }
    if (!p || *p || !path->steps.n) {
        free(copy);
        return bad_path(path, why);
    }
    free(copy);
    return 0;
}

void
ctl_field_path_uninit(struct ctl_field_path *path)
{
    free(path->text);
    svec_destroy(&path->steps);
}

/* Types.  ----------------------------------------------------------------- */

static int
no_field(const struct ctl_field_path *path, const struct schema_table *type,
         const char *step, const char *guess, struct vmn_error *why)
{
    return (guess
            ? vmn_error_invalid(why, "%s have no \"%s\" as in %s; did you "
                                "mean \"%s\"?", type->plural, step + 1,
                                path->text, guess)
            : vmn_error_invalid(why, "%s have no \"%s\" as in %s (vmnctl "
                                "explain %s has what they have)",
                                type->plural, step + 1, path->text,
                                type->plural));
}

/* Returns true if what is in a value of 'f' has names of its own. */
static bool
is_open(const struct schema_field *f)
{
    return f && (f->flags & (SCHEMA_MAP | SCHEMA_ANY)
                 || f->type == SCHEMA_LABELS);
}

/* Checks the steps within the spec or the status. */
static int
check_fields(const struct ctl_field_path *path,
             const struct schema_table *type, bool shown,
             struct vmn_error *why)
{
    struct ctl_place place = { .type = type, .shown = shown };

    for (size_t i = 1; i < path->steps.n && !is_open(place.f); i++) {
        const char *step = path->steps.names[i];

        if (*step == '[') {
            if (!place.f || !(place.f->flags & (SCHEMA_LIST | SCHEMA_TUPLE))) {
                return vmn_error_invalid(why, "%s: %s is no list",
                                         path->text, path->steps.names[i - 1]);
            }
        } else if (!ctl_place_step(&place, step + 1)) {
            return no_field(path, type, step,
                            ctl_place_guess(&place, step + 1), why);
        }
    }
    return 0;
}

int
ctl_field_path_check(const struct ctl_field_path *path,
                     const struct schema_table *type, struct vmn_error *why)
{
    static const char *const tops[] = { "type", "name", "metadata", "spec",
                                        "status" };
    const char *top = path->steps.names[0] + 1;

    for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
        if (!strcmp(top, tops[i])) {
            return (i < 3 ? 0
                    : check_fields(path, type, i == 4, why));
        }
    }
    return vmn_error_invalid(why, "\"%s\": a path begins with .name, .type, "
                             ".metadata, .spec or .status", path->text);
}

/* Values.  ---------------------------------------------------------------- */

static void
print_from(const struct ctl_field_path *path, size_t i, const json_t *json,
           struct ds *ds)
{
    const char *step = i < path->steps.n ? path->steps.names[i] : NULL;
    const json_t *element;
    size_t j;

    if (!step) {
        ctl_path_print(json, "", ds);
    } else if (*step == '.') {
        print_from(path, i + 1, json_object_get(json, step + 1), ds);
    } else if (step[1] != '*') {
        print_from(path, i + 1, json_array_get(json, atoi(step + 1)), ds);
    } else {
        json_array_foreach (json, j, element) {
            ds_put_cstr(ds, j ? "," : "");
            print_from(path, i + 1, element, ds);
        }
    }
}

/* Appends the value in 'object', those of [*] joined by ",".  Appends nothing
 * if there is none. */
static void
print_value(const struct ctl_field_path *path, const json_t *object,
            struct ds *ds)
{
    print_from(path, 0, object, ds);
}

/* Returns true if 'text' is a number, which is then '*value'. */
static bool
is_number(const char *text, double *value)
{
    char *end;

    errno = 0;
    *value = strtod(text, &end);
    return !errno && end != text && !*end;
}

int
ctl_field_path_compare(const struct ctl_field_path *path, const json_t *a,
                       const json_t *b)
{
    struct ds a_text = DS_EMPTY_INITIALIZER, b_text = DS_EMPTY_INITIALIZER;
    double a_value, b_value;
    int order;

    print_value(path, a, &a_text);
    print_value(path, b, &b_text);
    if (!a_text.length || !b_text.length) {
        order = !a_text.length - !b_text.length;
    } else if (is_number(ds_cstr(&a_text), &a_value)
               && is_number(ds_cstr(&b_text), &b_value)) {
        order = (a_value > b_value) - (a_value < b_value);
    } else {
        order = strverscmp(ds_cstr(&a_text), ds_cstr(&b_text));
    }
    ds_destroy(&a_text);
    ds_destroy(&b_text);
    return order;
}

/* Columns.  --------------------------------------------------------------- */

/* Adds the column "HEADING:PATH". */
static int
add_column(struct ctl_custom *custom, const char *text, struct vmn_error *why)
{
    const char *colon = strchr(text, ':');
    struct ctl_column *column = &custom->columns[custom->n];

    if (!colon || colon == text || custom->n >= COLUMNS_MAX) {
        return vmn_error_invalid(why, "must be at most %d columns, each "
                                 "HEADING:PATH, not \"%s\"", COLUMNS_MAX,
                                 text);
    }
    column->heading = xmemdup0(text, colon - text);
    column->path = xasprintf("/%"PRIuSIZE, custom->n);
    return ctl_field_path_parse(&custom->paths[custom->n++], colon + 1, why);
}

struct ctl_custom *
ctl_custom_parse(const char *text, struct vmn_error *why)
{
    struct ctl_custom *custom = xzalloc(sizeof *custom);
    char *copy = xstrdup(text), *save = NULL;
    int error = 0;

    custom->paths = xcalloc(COLUMNS_MAX, sizeof *custom->paths);
    custom->columns = xcalloc(COLUMNS_MAX + 1, sizeof *custom->columns);
    for (char *word = strtok_r(copy, ",", &save); word && !error;
         word = strtok_r(NULL, ",", &save)) {
        error = add_column(custom, word, why);
    }
    if (!error && !custom->n) {
        error = vmn_error_invalid(why, "must be HEADING:PATH,...");
    }
    free(copy);
    if (error) {
        ctl_custom_destroy(custom);
        return NULL;
    }
    return custom;
}

void
ctl_custom_destroy(struct ctl_custom *custom)
{
    if (custom) {
        for (size_t i = 0; i < custom->n; i++) {
            ctl_field_path_uninit(&custom->paths[i]);
            free(CONST_CAST(char *, custom->columns[i].heading));
            free(CONST_CAST(char *, custom->columns[i].path));
        }
        free(custom->paths);
        free(custom->columns);
        free(custom);
    }
}

json_t *
ctl_custom_row(const struct ctl_custom *custom, const json_t *object)
{
    json_t *row = json_object();

    for (size_t i = 0; i < custom->n; i++) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        print_value(&custom->paths[i], object, &ds);
        json_object_set_new(row, custom->columns[i].path + 1,
                            json_string(ds_cstr(&ds)));
        ds_destroy(&ds);
    }
    return row;
}
