/* SPDX-License-Identifier: Apache-2.0
 *
 * What to write instead, for errors of the server about fields and values that
 * other tools have; by what was sent.  The words are in other-fields.c. */

#ifndef CONTROLLER_CTL_ERROR_HINT_H
#define CONTROLLER_CTL_ERROR_HINT_H 1

#include <jansson.h>

struct ds;

/* Appends "; write ..." to an error whose text is 'detail', if that is known.
 * 'object' is what was sent, and 'pointer' the JSON pointer into it; or
 * NULL. */
void ctl_put_hint(const json_t *object, const char *pointer,
                  const char *detail, struct ds *);

#endif /* controller/ctl/error-hint.h */
