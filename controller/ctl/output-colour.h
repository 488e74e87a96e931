/* SPDX-License-Identifier: Apache-2.0
 *
 * Colours that distinguish good from bad states, on terminals only. */

#ifndef CONTROLLER_CTL_OUTPUT_COLOUR_H
#define CONTROLLER_CTL_OUTPUT_COLOUR_H 1

#include <stdbool.h>
#include <stdio.h>

/* Returns true if 'file' is a terminal, unless NO_COLOR is set in the
 * environment (no-color.org) or the terminal is "dumb". */
bool ctl_colour_on(FILE *);

/* Returns the escape sequence of the colour of 'text' in a column or field
 * with this heading, or NULL if it has none.  CTL_COLOUR_END resets it. */
const char *ctl_colour_of(const char *heading, const char *text);
#define CTL_COLOUR_END "\033[0m"

#endif /* controller/ctl/output-colour.h */
