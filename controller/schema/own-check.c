/* SPDX-License-Identifier: Apache-2.0
 *
 * What checks of apps say is wrong (vmn_check_fail()); see own-check.h. */

#include <config.h>

#include "controller/schema/own-check.h"

#include <stdarg.h>
#include <stdlib.h>

#include "controller/schema/error.h"
#include "unicode.h"
#include "util.h"

/* What an app says that cannot be shown. */
static const char no_text[] = "is wrong, as the app says in no UTF-8";

void
vmn_check_fail(struct vmn_check *check, const char *pointer,
               const char *format, ...)
{
    va_list args;
    char *text;

    if (check->n >= OWN_CHECK_FAULTS_MAX) {
        return;
    }
    check->n++;
    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    pointer = pointer ? pointer : "";
    vmn_errors_add(check->errors, VMN_ERR_INVALID,
                   utf8_validate(pointer, NULL) ? "" : pointer, "%.*s",
                   OWN_CHECK_TEXT_MAX,
                   utf8_validate(text, NULL) ? no_text : text);
    free(text);
}
