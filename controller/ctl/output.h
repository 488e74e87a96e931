/* SPDX-License-Identifier: Apache-2.0
 *
 * Pieces of output that several commands use. */

#ifndef CONTROLLER_CTL_OUTPUT_H
#define CONTROLLER_CTL_OUTPUT_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "controller/ctl/output-table.h"

struct ctl;

/* Says what is being done, on a line that the next one replaces, if standard
 * error is a terminal; NULL: nothing any more. */
void ctl_progress(struct ctl *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes JSON in lines. */
void ctl_show_json(FILE *, const json_t *);

/* If -o asks for 'json' as it is, writes that, and returns true. */
bool ctl_show_raw(struct ctl *, const json_t *);

/* Writes YAML, each line after 'indent'. */
void ctl_show_yaml(FILE *, const json_t *, const char *indent);

/* Writes the name of an object, on a line. */
void ctl_show_name(FILE *, const json_t *object);

/* Writes "Title:   VALUE" for the value at 'path' (see ctl_path_print()), if
 * there is one. */
void ctl_show_field(FILE *, const char *title, const json_t *,
                    const char *path);
/* The same, but "Title:   -" if there is none. */
void ctl_show_field_or_dash(FILE *, const char *title, const json_t *,
                            const char *path);

/* Writes "Title:" and 'value' below it as YAML, if there is one. */
void ctl_show_section(FILE *, const char *title, const json_t *value);

/* Writes the objects in 'array' as a table with 'columns'. */
void ctl_show_table(FILE *, const struct ctl_column *columns,
                    const json_t *array);
/* The same after an empty line, or nothing at all for an empty array. */
void ctl_show_nonempty_table(FILE *, const struct ctl_column *columns,
                             const json_t *array);

/* Appends that a revision "is installed on N hosts", or that it "concerns no
 * host". */
void ctl_append_installed(struct ds *, unsigned long long int n_hosts);

#endif /* controller/ctl/output.h */
