/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of errors of a request; see error.h. */

#include <config.h>

#include "controller/schema/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

void
vmn_errors_init(struct vmn_errors *errors)
{
    errors->n = 0;
    errors->n_suppressed = 0;
}

static void
excess_free(struct vmn_excess *excess)
{
    if (excess) {
        free(CONST_CAST(char *, excess->quota));
        free(CONST_CAST(char *, excess->host));
        free(CONST_CAST(char *, excess->resource));
        free(excess);
    }
}

void
vmn_errors_uninit(struct vmn_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        free(errors->errors[i].pointer);
        free(errors->errors[i].text);
        excess_free(errors->errors[i].excess);
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
    excess_free(error->excess);
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

    *error = (struct vmn_error) {
        .code = code,
        .pointer = xstrdup(pointer ? pointer : ""),
    };
    va_start(args, format);
    error->text = xvasprintf(format, args);
    va_end(args);
}

/* Returns 'quota "shop" exceeded: 3 of 3 ports used', which the caller
 * frees. */
static char *
excess_text(const struct vmn_excess *e)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "quota \"%s\" exceeded: ", e->quota);
    if (e->used < 0) {
        ds_put_format(&ds, "%"PRId64" of %"PRId64" %s with this change",
                      e->requested, e->limit, e->resource);
    } else {
        ds_put_format(&ds, "%"PRId64" of %"PRId64" %s used", e->used,
                      e->limit, e->resource);
        if (e->requested != e->used + 1) {
            ds_put_format(&ds, ", %"PRId64" with this change", e->requested);
        }
    }
    if (e->host) {
        ds_put_format(&ds, ", on host \"%s\"", e->host);
    }
    return ds_steal_cstr(&ds);
}

void
vmn_errors_add_excess(struct vmn_errors *errors,
                      const struct vmn_excess *excess)
{
    char *text = excess_text(excess);

    vmn_errors_add(errors, VMN_ERR_QUOTA, "", "%s", text);
    free(text);
    if (!errors->n_suppressed) {
        struct vmn_excess *copy = xmemdup(excess, sizeof *excess);

        copy->quota = xstrdup(excess->quota);
        copy->resource = xstrdup(excess->resource);
        copy->host = nullable_xstrdup(excess->host);
        errors->errors[errors->n - 1].excess = copy;
    }
}
