/* SPDX-License-Identifier: Apache-2.0
 *
 * Database files as such, for vmnctl: checking one, saving one, putting a
 * saved one in place.  Not for a running vmnd's own use of its database
 * (store.h).
 *
 * An int that is returned is 0, or a positive errno with an error in '*why',
 * which may be NULL (controller/schema/error.h). */

#ifndef CONTROLLER_STORE_STORE_FILE_H
#define CONTROLLER_STORE_STORE_FILE_H 1

#include <stddef.h>
#include <stdint.h>

#include "controller/schema/error.h"

/* What is in a database. */
struct store_file_info {
    uint64_t revision;          /* The newest. */
    int64_t time_ms;            /* When it was made; 0: not known. */
    size_t n_objects;           /* Of all types that users make. */
};

/* Checks the database at 'path' as far as a vmnd could find fault with it:
 * each page, indexes, references, and that every row loads.  Brings it to the
 * newest format: 'path' is a copy of the caller's own.  'name' is what it is
 * called in errors. */
int store_file_verify(const char *path, const char *name,
                      struct store_file_info *, struct vmn_error *why);

/* Makes a temporary file beside 'file', for its owner alone; the caller frees
 * its name. */
int store_file_make_temporary(const char *file, char **name,
                              struct vmn_error *why);
/* Makes 'temporary' durable and gives it the name 'file', in place of what
 * has it. */
int store_file_publish(const char *temporary, const char *file,
                       struct vmn_error *why);
/* Removes 'temporary', and what SQLite may have left beside it. */
void store_file_discard(const char *temporary);

/* Saves the database at 'database' as 'file', verified; it may be in use. */
int store_file_backup(const char *database, const char *file,
                      struct store_file_info *, struct vmn_error *why);

/* What a restore did; to be uninitialized also after an error. */
struct store_restored {
    struct store_file_info info;    /* Of the backup. */
    uint64_t revision;              /* That the state has now. */
    char *aside;                    /* Where the former database is, or NULL if
                                     * there was none.  Owned by the caller. */
    char *damage;                   /* What is wrong with that, or NULL.  Owned
                                     * by the caller. */
    size_t n_renumbered;            /* Numbers that others had meanwhile. */
    size_t n_shared;                /* Of these, VNIs that users had set, and
                                     * so were not changed. */
};
/* Verifies 'file', and puts its content in the place of 'database', of which
 * no vmnd may be in use.
 *
 * Nothing that hosts or users were told since the backup is told again with
 * another meaning: the revision goes on behind the newest, and numbers that
 * were allocated since (a VNI, a zone) stay reserved until every host has
 * acknowledged the restored state. */
int store_file_restore(const char *file, const char *database,
                       struct store_restored *, struct vmn_error *why);
void store_restored_uninit(struct store_restored *);

#endif /* controller/store/store-file.h */
