/* SPDX-License-Identifier: Apache-2.0
 *
 * A request that is being applied.  For controller/model alone. */

#ifndef CONTROLLER_MODEL_TXN_H
#define CONTROLLER_MODEL_TXN_H 1

#include "controller/model/model-private.h"
#include "svec.h"

struct rights_memo;

struct txn {
    struct model *model;
    struct model_request *request;
    struct vmn_errors *errors;
    int64_t now_ms;
    size_t n_touched, allocated_touched;
    struct entry **touched;
    size_t n_cursors;           /* Of the model, before the transaction. */
    struct rights_memo *memo;   /* While rights are checked. */
    struct svec names;          /* What txn_name() has returned. */
    bool is_trial;              /* It is rolled back: see
                                 * check_draft_writers()... */
    const struct model_rights *applier; /* ...and the rights of who asks,
                                         * while the request has others. */
    int64_t checks_ms;          /* How long apps have looked at objects. */
};

/* Returns true if the request is by vmnd itself. */
bool txn_is_daemon(const struct txn *);
/* Returns true if it may create and delete apps, and write their modules. */
bool txn_may_load(const struct txn *);
/* Returns the JSON pointer to 'field' of the op's object in the request: "" or
 * "/INDEX", then 'field'.  The caller frees it, as the next. */
char *txn_op_pointer(const struct txn *, const struct model_op *,
                     const char *field);
/* Returns the same for an entry; "" if the request does not name it. */
char *txn_pointer(const struct txn *, const struct entry *,
                  const char *field);
/* Report an error about 'field' of an operation, or of an entry. */
void txn_op_error(struct txn *, const struct model_op *, enum vmn_error_code,
                  const char *field, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void txn_error(struct txn *, const struct entry *, enum vmn_error_code,
               const char *field, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Returns true if the account that makes the request may know of the object:
 * it sees it, or names it itself. */
bool txn_shows(const struct txn *, enum vmn_table, const char *name);
/* Returns 'TYPE "NAME"' for a message to the account, or that the object is
 * somebody else's, if the account may not see it.  To be used for any object
 * that a message names and that may differ from the one that it is about.  The
 * string is valid as long as the transaction. */
const char *txn_name(struct txn *, enum vmn_table, const char *name);

/* Returns the row that the entry (or NULL) had before the request, or NULL. */
const void *entry_row_before(const struct entry *);
/* Adds an entry to those that the request has touched. */
void txn_touch(struct txn *, struct entry *);
/* Makes 'version' (or NULL) current.  Takes ownership of it. */
void txn_set(struct txn *, struct entry *, struct version *);
/* Makes the rows before the request current; or, with false, those after it
 * again. */
void txn_put_back(struct txn *, bool back);
/* Returns the entries of a table that changed and exist, in the order in which
 * they were touched.  The caller frees the array. */
struct entry **txn_changed(const struct txn *, enum vmn_table, size_t *n);

#endif /* controller/model/txn.h */
