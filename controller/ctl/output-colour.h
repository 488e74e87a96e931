/* SPDX-License-Identifier: Apache-2.0
 *
 * Colours of words that tell good from bad, on terminals alone. */

#ifndef CONTROLLER_CTL_OUTPUT_COLOUR_H
#define CONTROLLER_CTL_OUTPUT_COLOUR_H 1

#include <stdbool.h>
#include <stdio.h>

/* True if 'file' is a terminal that is to have colours: not with NO_COLOR in
 * the environment (no-color.org), nor on a "dumb" one. */
bool ctl_colour_on(FILE *);

/* What begins the colour of 'text' in a column or field with this heading, or
 * NULL: it has none.  CTL_COLOUR_END ends it. */
const char *ctl_colour_of(const char *heading, const char *text);
#define CTL_COLOUR_END "\033[0m"

#endif /* controller/ctl/output-colour.h */
