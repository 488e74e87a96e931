/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl explain: describes types and fields, from the schema by which the
 * server checks requests.  Needs no server. */

#include <config.h>

#include "controller/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "controller/ctl/api-call.h"
#include "controller/ctl/field-names.h"
#include "controller/ctl/output.h"
#include "controller/ctl/object-types.h"
#include "controller/ctl/server-types.h"
#include "openvswitch/dynamic-string.h"
#include "proto/text/quoted-text.h"
#include "util.h"

/* Maximum length of a line. */
#define WIDTH 78

/* Prints 'doc', which may be an app's, in lines, each indented by 'indent'
 * spaces. */
static void
put_text(FILE *out, int indent, const char *doc)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *text;
    int column = 0;

    text_put_quoted(&ds, doc, strlen(doc), "");
    text = ds_cstr(&ds);
    while (*text) {
        int len = strcspn(text, " ");

        if (column && column + 1 + len > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        column += fprintf(out, "%*s%.*s", column ? 1 : indent, "", len, text);
        text += len + strspn(text + len, " ");
    }
    fputc('\n', out);
    ds_destroy(&ds);
}

static void
put_field(FILE *out, const struct schema_field *f, bool shown)
{
    char *type = schema_type_text(f);
    char *absent = shown ? xstrdup("") : schema_default_text(f);

    fprintf(out, "  %s: %s%s%s\n", f->name, type, *absent ? "; " : "",
            absent);
    put_text(out, 6, f->doc);
    free(type);
    free(absent);
}

static void
put_fields(FILE *out, const struct schema_struct *s, bool shown)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        put_field(out, f, shown);
    }
}

static void
put_status(FILE *out, const struct schema_table *type)
{
    fputs("\nstatus, what is observed:\n", out);
    for (const struct schema_field *f = type->row.fields; f->name; f++) {
        if (f->flags & SCHEMA_ASSIGNED) {
            put_field(out, f, true);
        }
    }
    if (type->status) {
        put_fields(out, type->status, true);
    }
}

static bool
has_status(const struct schema_table *type)
{
    for (const struct schema_field *f = type->row.fields; f->name; f++) {
        if (f->flags & SCHEMA_ASSIGNED) {
            return true;
        }
    }
    return type->status != NULL;
}

static void
explain_type(struct ctl *ctl, const struct schema_table *type)
{
    const struct schema_example *example = type->examples;
    const char *short_name = ctl_type_short_name(type);

    fprintf(ctl->out, "%s (%s%s%s)\n", type->plural, type->singular,
            short_name ? ", " : "", short_name ? short_name : "");
    put_text(ctl->out, 0, type->doc);
    fprintf(ctl->out, "At most %"PRIuSIZE".\n\nspec, what is asked for:\n",
            type->max_rows);
    put_fields(ctl->out, &type->row, false);
    if (has_status(type)) {
        put_status(ctl->out, type);
    }
    for (; example && example->name; example++) {
        json_t *object = json_pack("{s:s, s:s, s:o}", "type", type->plural,
                                   "name", example->name, "spec",
                                   json_loads(example->spec, 0, NULL));

        fputs("\nExample:\n", ctl->out);
        ctl_show_yaml(ctl->out, object, "  ");
        json_decref(object);
    }
}

/* What a path of names refers to, and the path. */
struct place {
    struct ctl_place at;
    struct ds path;
};

static enum ctl_exit
no_field(struct ctl *ctl, const struct place *place, const char *name)
{
    const char *guess = ctl_place_guess(&place->at, name);

    if (guess) {
        return ctl_usage(ctl, "explain: %s has no field \"%s\"; did you mean "
                         "\"%s\"?", ds_cstr_ro(&place->path), name, guess);
    }
    return ctl_usage(ctl, "explain: %s has no field \"%s\"",
                     ds_cstr_ro(&place->path), name);
}

/* Descends to the field 'name', which may end with "[]".  Returns false if
 * there is none. */
static bool
step(struct place *place, char *name)
{
    bool is_top = !place->at.f && !strchr(ds_cstr_ro(&place->path), '.');

    name[strcspn(name, "[")] = '\0';
    if (is_top && (!strcmp(name, "spec") || !strcmp(name, "status"))) {
        place->at.shown = !strcmp(name, "status");
    } else if (!ctl_place_step(&place->at, name)) {
        return false;
    }
    ds_put_format(&place->path, ".%s", name);
    return true;
}

static void
explain_place(struct ctl *ctl, const struct place *place)
{
    const struct schema_struct *fields = ctl_place_fields(&place->at);

    if (!place->at.f && !place->at.shown) {
        explain_type(ctl, place->at.type);
        return;
    }
    fprintf(ctl->out, "%s\n", ds_cstr_ro(&place->path));
    if (!place->at.f) {
        put_status(ctl->out, place->at.type);
        return;
    }
    put_field(ctl->out, place->at.f, place->at.shown);
    if (fields) {
        fputs("\nIts fields:\n", ctl->out);
        put_fields(ctl->out, fields, place->at.shown);
    }
}

/* Lists the types of objects, and those of what is observed, which are in the
 * log alone. */
static void
list_types(struct ctl *ctl)
{
    const struct schema_table *type;

    ctl_server_types_load();
    for (size_t i = 0; (type = ctl_type_at(i)); i++) {
        char *line = xasprintf("%-15s %s\n", type->plural, type->doc);

        ctl_print_safely(ctl->out, line);
        free(line);
    }
    fputs("\nObserved, and in the log (vmnctl revisions, events) alone:\n",
          ctl->out);
    for (size_t i = 0; i < VMN_N_TABLES; i++) {
        type = schema_tables[i];
        if (type->observed && type->stored) {
            fprintf(ctl->out, "%-15s %s\n", type->plural, type->doc);
        }
    }
}

enum ctl_exit
ctl_cmd_explain(struct ctl *ctl, int n_args, char *const args[])
{
    struct place place = { .at = { .type = NULL },
                           .path = DS_EMPTY_INITIALIZER };
    enum ctl_exit status = CTL_USAGE;
    char *copy, *name, *save = NULL;

    if (!n_args) {
        list_types(ctl);
        return CTL_DONE;
    }
    copy = xstrdup(args[0]);
    name = strtok_r(copy, ".", &save);
    place.at.type = name ? schema_find_table(name) : NULL;
    if (!place.at.type || !place.at.type->stored) {
        place.at.type = ctl_get_type(ctl, name ? name : "");
    }
    if (place.at.type) {
        ds_put_cstr(&place.path, place.at.type->plural);
        while ((name = strtok_r(NULL, ".", &save)) && step(&place, name)) {
            continue;
        }
        if (!name) {
            explain_place(ctl, &place);
            status = CTL_DONE;
        } else {
            status = no_field(ctl, &place, name);
        }
    }
    ds_destroy(&place.path);
    free(copy);
    return status;
}
