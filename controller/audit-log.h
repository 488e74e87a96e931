/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit trail outside of vmnd: each revision that a person, or a program
 * in somebody's name, has made is written to syslog, to the journal or to a
 * file once it is durable, one entry each.  So who changed what is known even
 * where vmnd's own machine, or its database, is not to be trusted any more.
 * Not for what hosts report, and not the log that the API shows (store/). */

#ifndef CONTROLLER_AUDIT_LOG_H
#define CONTROLLER_AUDIT_LOG_H 1

#include <stdint.h>

struct audit_log;
struct commit;
struct model;
struct vmn_error;

struct audit_log_stats {
    uint64_t n_written;         /* Entries. */
    uint64_t n_lost;            /* Those that could not be written. */
};

/* Checks what an audit log is to be: "syslog" or "journal", perhaps with ":" and
 * the path of a socket that is not the usual one; the absolute path of a file;
 * or NULL.  Returns 0, or EINVAL with an error. */
int audit_log_check(const char *where, struct vmn_error *why);

/* Writes from now on.  Returns 0, or a positive errno with an error. */
int audit_log_create(const char *where, struct commit *, struct model *,
                     struct audit_log **, struct vmn_error *why);
/* Before the commit. */
void audit_log_destroy(struct audit_log *);

/* 'log' may be NULL: all is 0. */
void audit_log_get_stats(const struct audit_log *log,
                         struct audit_log_stats *);

#endif /* controller/audit-log.h */
