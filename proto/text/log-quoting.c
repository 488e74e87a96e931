/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotes all messages of the log, also of libopenvswitch: many have text of a
 * host, a guest or a peer, and each message must be one line.
 *
 * The linker has callers of libopenvswitch's vlog() and the like call these
 * (--wrap, VMN_LOG_LDFLAGS of Makefile.am). */

#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/text/quoted-text.h"

/* libopenvswitch's own. */
void __real_vlog(const struct vlog_module *, enum vlog_level,
                 const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void __real_vlog_fatal(const struct vlog_module *, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

void __wrap_vlog(const struct vlog_module *, enum vlog_level,
                 const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void __wrap_vlog_rate_limit(const struct vlog_module *, enum vlog_level,
                            struct vlog_rate_limit *, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void __wrap_vlog_fatal(const struct vlog_module *, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

/* Returns the message, which the caller frees. */
static char *
quote(const char *format, va_list args)
{
    struct ds message = DS_EMPTY_INITIALIZER;
    struct ds quoted = DS_EMPTY_INITIALIZER;

    ds_put_format_valist(&message, format, args);
    /* vlog() ends the line itself. */
    while (ds_chomp(&message, '\n')) {
        continue;
    }
    text_put_quoted(&quoted, ds_cstr(&message), message.length, "");
    ds_destroy(&message);
    return ds_steal_cstr(&quoted);
}

static void
log_quoted(const struct vlog_module *module, enum vlog_level level,
           const char *format, va_list args)
{
    int save_errno = errno;
    char *message = quote(format, args);

    __real_vlog(module, level, "%s", message);
    free(message);
    errno = save_errno;
}

void
__wrap_vlog(const struct vlog_module *module, enum vlog_level level,
            const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_quoted(module, level, format, args);
    va_end(args);
}

void
__wrap_vlog_rate_limit(const struct vlog_module *module,
                       enum vlog_level level, struct vlog_rate_limit *rl,
                       const char *format, ...)
{
    va_list args;

    if (!vlog_should_drop(module, level, rl)) {
        va_start(args, format);
        log_quoted(module, level, format, args);
        va_end(args);
    }
}

void
__wrap_vlog_fatal(const struct vlog_module *module, const char *format, ...)
{
    va_list args;
    char *message;

    va_start(args, format);
    message = quote(format, args);
    va_end(args);
    __real_vlog_fatal(module, "%s", message);
}
