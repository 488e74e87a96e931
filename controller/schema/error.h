/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors for users: a code, the field, and a sentence.  All errors of a
 * request are reported at once, in a list; a function that stops at the first
 * sets one error of its caller's. */

#ifndef CONTROLLER_SCHEMA_ERROR_H
#define CONTROLLER_SCHEMA_ERROR_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vmn_error_code {
    VMN_ERR_INVALID,            /* 400: a field is wrong. */
    VMN_ERR_NOT_FOUND,          /* 404. */
    VMN_ERR_CONFLICT,           /* 409: with another object, or referenced. */
    VMN_ERR_STALE,              /* 412: a precondition does not hold. */
    VMN_ERR_TOO_LARGE,          /* 413: a limit is exceeded. */
    VMN_ERR_FORBIDDEN,          /* 403: not allowed for this client. */
    VMN_ERR_UNAVAILABLE,        /* 503: the store, or the system, failed;
                                 * nothing changed. */
    VMN_ERR_UNCERTAIN,          /* 503: nobody knows whether it changed. */
    VMN_ERR_KEY_USED,           /* 422: the key is another request's. */
    VMN_ERR_QUOTA,              /* 403: a quota is exceeded. */
    VMN_ERR_BUSY,               /* 503: an app is busy; nothing changed. */
};

/* How far a quota is exceeded. */
struct vmn_excess {
    const char *quota;          /* Its name. */
    const char *resource;       /* "ports". */
    const char *host;           /* On which host; NULL: in all. */
    int64_t limit;
    int64_t used;               /* Before the change; negative: not known. */
    int64_t requested;          /* With the change. */
};

struct vmn_error {
    enum vmn_error_code code;
    char *pointer;              /* JSON pointer; "" is the whole. Owned. */
    char *text;                 /* A sentence without final period.  Owned. */
    struct vmn_excess *excess;  /* Of VMN_ERR_QUOTA; or NULL.  Owned. */
};

/* One error, of a function that stops at the first.  The caller owns the
 * struct: initialized by VMN_ERROR_INIT, set by at most one call that fails,
 * and released by vmn_error_uninit(), which resets it.  Callers that do not
 * need the reason pass NULL. */
#define VMN_ERROR_INIT { VMN_ERR_INVALID, NULL, NULL, NULL }
void vmn_error_set(struct vmn_error *, enum vmn_error_code,
                   const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Sets an error without a field.  Returns EINVAL. */
int vmn_error_invalid(struct vmn_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sets an error without a field, with the code that is closest to 'error', a
 * positive errno.  Returns 'error'. */
int vmn_error_errno(struct vmn_error *, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with 'text', of which it takes ownership, as the sentence; NULL:
 * strerror().  For functions with another convention.  Returns 'error'; does
 * nothing if that is 0. */
int vmn_error_take(struct vmn_error *, int error, char *text);
/* Prepends "PREFIX: " to the sentence of an error, if it is set. */
void vmn_error_prefix(struct vmn_error *, const char *prefix);
/* Removes the sentence of an error that is set and returns it: the caller
 * frees it. */
char *vmn_error_steal_text(struct vmn_error *);
void vmn_error_uninit(struct vmn_error *);

/* A bounded list of errors: above VMN_ERRORS_MAX they are only counted. */
#define VMN_ERRORS_MAX 64
struct vmn_errors {
    size_t n;                   /* Entries in 'errors'. */
    size_t n_suppressed;
    struct vmn_error errors[VMN_ERRORS_MAX];
};

void vmn_errors_init(struct vmn_errors *);
void vmn_errors_uninit(struct vmn_errors *);
void vmn_errors_add(struct vmn_errors *, enum vmn_error_code,
                    const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Adds that a change exceeds a quota. */
void vmn_errors_add_excess(struct vmn_errors *, const struct vmn_excess *);

#endif /* controller/schema/error.h */
