/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors that a user is told: what kind, which field, and a sentence.  All
 * faults of a request are reported at once, in a list; a call that stops at
 * the first sets one error of its caller's. */

#ifndef CONTROLLER_SCHEMA_ERROR_H
#define CONTROLLER_SCHEMA_ERROR_H 1

#include <stdbool.h>
#include <stddef.h>

enum vmn_error_code {
    VMN_ERR_INVALID,            /* 400: a field is wrong. */
    VMN_ERR_NOT_FOUND,          /* 404. */
    VMN_ERR_CONFLICT,           /* 409: with another object, or referred. */
    VMN_ERR_STALE,              /* 412: a precondition does not hold. */
    VMN_ERR_TOO_LARGE,          /* 413: a bound is exceeded. */
    VMN_ERR_FORBIDDEN,          /* 403: that is for others. */
    VMN_ERR_UNAVAILABLE,        /* 503: the store, or the system, refused;
                                 * nothing changed. */
};

struct vmn_error {
    enum vmn_error_code code;
    char *pointer;              /* JSON pointer; "" is the whole. Owned. */
    char *text;                 /* A sentence without final period.  Owned. */
};

/* One error, of a call that stops at the first.  The struct is the caller's:
 * initialized by VMN_ERROR_INIT, set by at most one call that fails, and
 * released by vmn_error_uninit(), after which it is as initialized.  Who does
 * not ask why passes NULL. */
#define VMN_ERROR_INIT { VMN_ERR_INVALID, NULL, NULL }
void vmn_error_set(struct vmn_error *, enum vmn_error_code,
                   const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Sets an error about the whole of what was passed.  Returns EINVAL. */
int vmn_error_invalid(struct vmn_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sets an error about the whole, of the code that is nearest to 'error', a
 * positive errno.  Returns 'error'. */
int vmn_error_errno(struct vmn_error *, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with 'text', which it takes, as the sentence; NULL: what the system
 * says of 'error'.  For what has another convention.  Returns 'error'; does
 * nothing if that is 0. */
int vmn_error_take(struct vmn_error *, int error, char *text);
/* Puts "PREFIX: " before the sentence of an error, if it is set. */
void vmn_error_prefix(struct vmn_error *, const char *prefix);
/* Returns the sentence of an error that is set, and takes it from it: the
 * caller frees it. */
char *vmn_error_steal_text(struct vmn_error *);
void vmn_error_uninit(struct vmn_error *);

/* A bounded list of errors: past VMN_ERRORS_MAX the rest are only counted. */
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

#endif /* controller/schema/error.h */
