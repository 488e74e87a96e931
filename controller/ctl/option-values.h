/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of vmnctl's options: what a row of the table of options
 * (command-options.c) has, and the functions that check a value and store it.
 * Not for which command has which option. */

#ifndef CONTROLLER_CTL_OPTION_VALUES_H
#define CONTROLLER_CTL_OPTION_VALUES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl;
struct option_row;

/* Stores an option's value in 'ctl'; 'arg' is NULL if the option has none.
 * Returns false after it has printed an error. */
typedef bool option_set(struct ctl *ctl, const struct option_row *row,
                        const char *arg);

struct option_row {
    char letter;                /* Short form, or 0. */
    const char *name;
    const char *arg;            /* Name of the argument, or NULL. */
    uint64_t options;           /* Any of these CTL_OPT_* includes the
                                 * option. */
    option_set *set;
    size_t member;              /* Offset in struct ctl of the member that
                                 * 'set' sets. */
    const char *help;
};

option_set option_set_true, option_set_no_wait, option_set_text,
    option_set_comment, option_add_text, option_set_awaited, option_set_time,
    option_set_timeout, option_set_long_timeout, option_set_for,
    option_set_since, option_set_since_or_revision, option_set_count,
    option_set_by, option_set_output, option_set_shown, option_set_raw,
    option_set_path;

#endif /* controller/ctl/option-values.h */
