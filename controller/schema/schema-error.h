/* SPDX-License-Identifier: Apache-2.0
 *
 * How 'finish' functions report errors; only for these. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_ERROR_H
#define CONTROLLER_SCHEMA_SCHEMA_ERROR_H 1

#include <stdarg.h>
#include <stdlib.h>

#include "controller/schema/error.h"
#include "util.h"

/* Reports an error in 'field' of the object at 'pointer'. */
static inline void OVS_PRINTF_FORMAT(4, 5)
add_error(struct vmn_errors *errors, const char *pointer, const char *field,
      const char *format, ...)
{
    char *where = xasprintf("%s/%s", pointer, field);
    va_list args;

    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    vmn_errors_add(errors, VMN_ERR_INVALID, where, "%s", text);
    free(text);
    free(where);
}

#endif /* controller/schema/schema-error.h */
