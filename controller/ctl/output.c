/* SPDX-License-Identifier: Apache-2.0
 *
 * Output in several formats; see output.h. */

#include <config.h>

#include "controller/ctl/output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/ctl/ctl.h"
#include "controller/ctl/yaml.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
ctl_progress(struct ctl *ctl, const char *format, ...)
{
    int fd = fileno(ctl->err);
    char *text = NULL;
    va_list args;

    if (fd < 0 || !isatty(fd) || (!format && !ctl->progress)) {
        return;
    }
    ctl->progress = format != NULL;
    if (format) {
        va_start(args, format);
        text = xvasprintf(format, args);
        va_end(args);
    }
    fputs("\r\033[K", ctl->err);
    ctl_print_safely(ctl->err, text ? text : "");
    fflush(ctl->err);
    free(text);
}

void
ctl_show_json(FILE *file, const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY);

    if (!text) {
        out_of_memory();
    }
    /* The escapes are JSON's: it means the same. */
    ctl_print_safely(file, text);
    putc('\n', file);
    free(text);
}

void
ctl_show_yaml(FILE *file, const json_t *json, const char *indent)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *line;

    ctl_yaml_print(json, &ds);
    /* Empty lines are part of texts. */
    for (line = ds_cstr(&ds); *line; line += *line == '\n') {
        size_t len = strcspn(line, "\n");

        fprintf(file, "%s%.*s\n", indent, (int) len, line);
        line += len;
    }
    ds_destroy(&ds);
}

bool
ctl_show_raw(struct ctl *ctl, const json_t *json)
{
    if (ctl->output == CTL_JSON) {
        ctl_show_json(ctl->out, json);
        return true;
    }
    if (ctl->output == CTL_YAML) {
        ctl_show_yaml(ctl->out, json, "");
        return true;
    }
    return false;
}

void
ctl_show_name(FILE *file, const json_t *object)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ctl_path_print(object, "/name", &ds);
    ds_put_char(&ds, '\n');
    ctl_print_safely(file, ds_cstr(&ds));
    ds_destroy(&ds);
}

/* Prints 'otherwise' if there is no value at 'path', or no line if that is
 * NULL, too. */
static void
show_field(FILE *file, const char *title, const json_t *json,
           const char *path, const char *otherwise)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ctl_path_print(json, path, &ds);
    if (!ds.length && otherwise) {
        ds_put_cstr(&ds, otherwise);
    }
    if (ds.length) {
        fprintf(file, "%s:%*s", title,
                MAX(1, 12 - (int) strlen(title)), "");
        ctl_print_coloured(file, title, ds_cstr(&ds));
        putc('\n', file);
    }
    ds_destroy(&ds);
}

void
ctl_show_field(FILE *file, const char *title, const json_t *json,
               const char *path)
{
    show_field(file, title, json, path, NULL);
}

void
ctl_show_field_or_dash(FILE *file, const char *title, const json_t *json,
                       const char *path)
{
    show_field(file, title, json, path, "-");
}

void
ctl_show_section(FILE *file, const char *title, const json_t *value)
{
    if (json_object_size(value) || json_array_size(value)) {
        fprintf(file, "%s:\n", title);
        ctl_show_yaml(file, value, "  ");
    }
}

void
ctl_show_table(FILE *file, const struct ctl_column *columns,
               const json_t *array)
{
    struct ctl_table *table = ctl_table_create(columns);
    const json_t *object;
    size_t i;

    json_array_foreach (array, i, object) {
        ctl_table_add(table, object);
    }
    ctl_table_print(table, file);
    ctl_table_destroy(table);
}

void
ctl_show_nonempty_table(FILE *out, const struct ctl_column *columns,
                        const json_t *array)
{
    if (json_array_size(array)) {
        putc('\n', out);
        ctl_show_table(out, columns, array);
    }
}

void
ctl_append_installed(struct ds *ds, unsigned long long int n_hosts)
{
    if (n_hosts) {
        ds_put_format(ds, "is installed on %llu host%s", n_hosts,
                      n_hosts == 1 ? "" : "s");
    } else {
        ds_put_cstr(ds, "concerns no host's flows");
    }
}

void
ctl_show_unread(struct ctl *ctl, const json_t *json)
{
    json_int_t n = json_integer_value(json_object_get(json, "unread_hosts"));

    if (n) {
        fflush(ctl->out);
        fprintf(ctl->err, "vmnd has not read the counters of %"
                JSON_INTEGER_FORMAT" %s since it started\n", n,
                n == 1 ? "host" : "hosts");
    }
}
