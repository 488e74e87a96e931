/* SPDX-License-Identifier: Apache-2.0
 *
 * Output that several commands have in common. */

#ifndef CONTROLLER_CTL_OUTPUT_H
#define CONTROLLER_CTL_OUTPUT_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "controller/ctl/output-table.h"

struct ctl;

/* Prints what is being done, on a line that the next call replaces, if
 * standard error is a terminal; NULL clears the line. */
void ctl_progress(struct ctl *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints indented JSON. */
void ctl_show_json(FILE *, const json_t *);

/* If -o requests JSON or YAML, prints 'json' so and returns true. */
bool ctl_show_raw(struct ctl *, const json_t *);

/* Prints YAML, with each line after 'indent'. */
void ctl_show_yaml(FILE *, const json_t *, const char *indent);

/* Prints the name of an object, on a line. */
void ctl_show_name(FILE *, const json_t *object);

/* Prints "Title:   VALUE" with the value at 'path' (see ctl_path_print()), if
 * there is one. */
void ctl_show_field(FILE *, const char *title, const json_t *,
                    const char *path);
/* The same, but "Title:   -" if there is none. */
void ctl_show_field_or_dash(FILE *, const char *title, const json_t *,
                            const char *path);

/* Prints "Title:" and 'value' as YAML below, if there is one. */
void ctl_show_section(FILE *, const char *title, const json_t *value);

/* Prints the objects in 'array' as a table with 'columns'. */
void ctl_show_table(FILE *, const struct ctl_column *columns,
                    const json_t *array);
/* The same after an empty line; nothing for an empty array. */
void ctl_show_nonempty_table(FILE *, const struct ctl_column *columns,
                             const json_t *array);

/* Says how many hosts' counters 'json', an answer or a status, does not
 * have yet, if there are any. */
void ctl_show_unread(struct ctl *, const json_t *json);

/* Appends that a revision "is installed on N hosts", or that it "concerns no
 * host's flows": of what hosts' databases hold there is no receipt. */
void ctl_append_installed(struct ds *, unsigned long long int n_hosts);

#endif /* controller/ctl/output.h */
