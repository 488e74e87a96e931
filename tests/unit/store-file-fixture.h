/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the files of the SQLite store share: a database in a
 * folder of its own, a backup of it, and restores. */

#ifndef TESTS_UNIT_STORE_FILE_FIXTURE_H
#define TESTS_UNIT_STORE_FILE_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

#include "controller/store/store-file.h"
#include "controller/store/store.h"

struct db_fixture {
    char *dir, *path, *file;    /* The database, and a backup. */
    struct event_base *base;
    struct store *store;
    struct model *model;
    bool done;                  /* The last submission or copy. */
    int error;
    char *text;
    int fd;
};

/* Five objects, for db_write(). */
extern const char db_rows[];

int db_setup(void **state);
int db_teardown(void **state);
void db_open(struct db_fixture *);
void db_close(struct db_fixture *);
/* Applies 'text' of 'who' at 'now_ms', with itself as the comment, and stores
 * it.  Returns what the store says. */
int db_write_as(struct db_fixture *, const char *who, int64_t now_ms,
                const char *text);
/* The same of a user. */
int db_write(struct db_fixture *, const char *text);
/* The store's callback of a copy, for a fixture. */
void db_on_copied(void *fixture, int error, const struct vmn_error *why,
                  int fd);
/* Copies the store that is open to the fixture's file. */
void db_copy(struct db_fixture *);
/* Returns all that a vmnd would know that starts with what is there; the
 * caller frees it. */
char *db_dump(struct db_fixture *);
/* Check the log's entry of 'revision'. */
void db_check_log_has(struct db_fixture *, uint64_t revision,
                      const char *part);
void db_check_log_lacks(struct db_fixture *, uint64_t revision,
                        const char *part);

/* Without a question. */
extern const struct store_restore db_restore_plain;
/* Restores the fixture's file, which must succeed. */
void db_restore(struct db_fixture *, struct store_restored *);
/* Restores 'how', with which so many tokens and accounts stay revoked, and
 * reads the state again. */
void db_restore_with(struct db_fixture *, const struct store_restore *how,
                     size_t n_revoked);
void db_check_restore_refused(struct db_fixture *, const char *file, int error,
                              const char *part);

/* What a restore would take back, as text; for store_restore.confirm. */
struct db_loss {
    bool go_on;
    unsigned n;
    char *text;
};
bool db_on_confirm(void *loss, const struct store_loss *);
void db_check_loss(const struct db_loss *, const char *part);

void db_run_sql(const char *path, const char *sql);
/* Overwrites 'n' bytes at 'at'. */
void db_scribble(const char *path, off_t at, size_t n);

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, db_setup, db_teardown)

#endif /* tests/unit/store-file-fixture.h */
