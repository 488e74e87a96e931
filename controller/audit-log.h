/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log outside of vmnd: each revision by a user, or by a program on
 * behalf of one, is written to syslog, to the journal or to a file once it is
 * durable.  So it is known who changed what even if vmnd's machine or database
 * can no longer be trusted.  Not for what hosts report, and not for the log
 * that the API shows (store/). */

#ifndef CONTROLLER_AUDIT_LOG_H
#define CONTROLLER_AUDIT_LOG_H 1

#include <stdint.h>

struct audit_log;
struct commit;
struct model;
struct vmn_error;

struct audit_log_stats {
    uint64_t n_written;         /* Entries. */
    uint64_t n_lost;            /* Entries that could not be written. */
};

/* Checks the value of the option audit-log: "syslog" or "journal", optionally
 * followed by ":" and the path of another socket than the usual one; the
 * absolute path of a file; or NULL.  Returns 0, or EINVAL with an error. */
int audit_log_check(const char *where, struct vmn_error *why);

/* Writes the log from then on.  Returns 0, or a positive errno with an
 * error. */
int audit_log_create(const char *where, struct commit *, struct model *,
                     struct audit_log **, struct vmn_error *why);
/* To be called before the commit is destroyed. */
void audit_log_destroy(struct audit_log *);

/* Writes an entry for what 'who' does that is no revision; 'what' is a
 * sentence's worth of text.  'log' may be NULL. */
void audit_log_note(struct audit_log *log, const char *who, const char *what);

/* If 'log' is NULL, all values are 0. */
void audit_log_get_stats(const struct audit_log *log,
                         struct audit_log_stats *);

#endif /* controller/audit-log.h */
