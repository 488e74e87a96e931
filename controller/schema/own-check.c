/* SPDX-License-Identifier: Apache-2.0
 *
 * What checks of apps say is wrong (vmn_check_fail()); see own-check.h. */

#include <config.h>

#include "controller/schema/own-check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/error.h"
#include "unicode.h"
#include "util.h"

/* What an app says that cannot be shown. */
static const char no_text[] = "is wrong, as the app says in no UTF-8";

static bool
is_utf8(const char *text)
{
    char *problem = utf8_validate(text, NULL);

    free(problem);
    return !problem;
}

/* Cuts 'text' off behind a character. */
static void
cut(char *text)
{
    size_t len = strnlen(text, OWN_CHECK_TEXT_MAX + 1);

    if (len > OWN_CHECK_TEXT_MAX) {
        for (len--; len && (text[len] & 0xc0) == 0x80; len--) {
            continue;
        }
        text[len] = '\0';
    }
}

void
vmn_check_fail(struct vmn_check *check, const char *pointer,
               const char *format, ...)
{
    va_list args;
    char *text, *at;

    if (check->n >= OWN_CHECK_FAULTS_MAX) {
        return;
    }
    check->n++;
    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    pointer = pointer ? pointer : "";
    at = xasprintf("%s%s", *pointer && *pointer != '/' ? "/" : "", pointer);
    cut(text);
    vmn_errors_add(check->errors, VMN_ERR_INVALID,
                   is_utf8(at) && strlen(at) <= OWN_CHECK_TEXT_MAX
                   ? at : "", "%s", is_utf8(text) ? text : no_text);
    free(at);
    free(text);
}
