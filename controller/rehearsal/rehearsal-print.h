/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rehearsal has found, as JSON and as text. */

#ifndef CONTROLLER_REHEARSAL_REHEARSAL_PRINT_H
#define CONTROLLER_REHEARSAL_REHEARSAL_PRINT_H 1

#include <jansson.h>
#include <stdio.h>

struct rehearsal;

/* Returns it as JSON, which the caller owns: docs/man/vmn-rehearse.1 has its
 * members. */
json_t *rehearsal_to_json(const struct rehearsal *);

/* Prints that JSON as text, for people. */
void rehearsal_print(FILE *, const json_t *);

#endif /* controller/rehearsal/rehearsal-print.h */
