/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of errors of a request; see error.h. */

#include <config.h>

#include "controller/schema/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "util.h"

void
vmn_errors_init(struct vmn_errors *errors)
{
    errors->n = 0;
    errors->n_suppressed = 0;
}

void
vmn_errors_uninit(struct vmn_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        free(errors->errors[i].pointer);
        free(errors->errors[i].text);
    }
    vmn_errors_init(errors);
}

static void
set(struct vmn_error *error, enum vmn_error_code code, const char *pointer,
    const char *format, va_list args)
{
    if (error) {
        vmn_error_uninit(error);
        error->code = code;
        error->pointer = xstrdup(pointer);
        error->text = xvasprintf(format, args);
    }
}

void
vmn_error_set(struct vmn_error *error, enum vmn_error_code code,
              const char *pointer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set(error, code, pointer, format, args);
    va_end(args);
}

int
vmn_error_invalid(struct vmn_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set(error, VMN_ERR_INVALID, "", format, args);
    va_end(args);
    return EINVAL;
}

static enum vmn_error_code
code_of(int error)
{
    switch (error) {
    case EINVAL: return VMN_ERR_INVALID;
    case ENOENT: return VMN_ERR_NOT_FOUND;
    case EBUSY:
    case EEXIST: return VMN_ERR_CONFLICT;
    case EFBIG: return VMN_ERR_TOO_LARGE;
    case EACCES:
    case EPERM: return VMN_ERR_FORBIDDEN;
    default: return VMN_ERR_UNAVAILABLE;
    }
}

int
vmn_error_errno(struct vmn_error *why, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set(why, code_of(error), "", format, args);
    va_end(args);
    return error;
}

int
vmn_error_take(struct vmn_error *why, int error, char *text)
{
    if (error) {
        vmn_error_errno(why, error, "%s", text ? text : ovs_strerror(error));
    }
    free(text);
    return error;
}

void
vmn_error_prefix(struct vmn_error *why, const char *prefix)
{
    if (why && why->text) {
        char *text = xasprintf("%s: %s", prefix, why->text);

        free(why->text);
        why->text = text;
    }
}

char *
vmn_error_steal_text(struct vmn_error *error)
{
    char *text = error->text;

    error->text = NULL;
    vmn_error_uninit(error);
    return text;
}

void
vmn_error_uninit(struct vmn_error *error)
{
    free(error->pointer);
    free(error->text);
    *error = (struct vmn_error) VMN_ERROR_INIT;
}

/* Adds an error about the field at JSON pointer 'pointer'. */
void
vmn_errors_add(struct vmn_errors *errors, enum vmn_error_code code,
               const char *pointer, const char *format, ...)
{
    if (errors->n >= VMN_ERRORS_MAX) {
        errors->n_suppressed++;
        return;
    }

    struct vmn_error *error = &errors->errors[errors->n++];
    va_list args;

    error->code = code;
    error->pointer = xstrdup(pointer ? pointer : "");
    va_start(args, format);
    error->text = xvasprintf(format, args);
    va_end(args);
}
