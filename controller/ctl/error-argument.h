/* SPDX-License-Identifier: Apache-2.0
 *
 * Names what on the command line an error of the server is about: who typed
 * "--host" has not seen the request that it became.  Not for what came from a
 * file: there the JSON pointer is the name (api-call.c). */

#ifndef CONTROLLER_CTL_ERROR_ARGUMENT_H
#define CONTROLLER_CTL_ERROR_ARGUMENT_H 1

#include "controller/ctl/ctl.h"

/* Returns the option or argument of the command, such as "--host" or "PORT",
 * that became 'pointer' (a JSON pointer into the body, or the name of a query
 * parameter); NULL if none is known to.  The caller frees it. */
char *ctl_error_argument(const struct ctl *, const char *pointer);

#endif /* controller/ctl/error-argument.h */
