/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to the SQLite provider: shared by its .c files and their tests.
 *
 * An int that is returned is 0, or a positive errno with an error in '*why',
 * which may be NULL (controller/schema/error.h). */

#ifndef CONTROLLER_STORE_STORE_PRIVATE_H
#define CONTROLLER_STORE_STORE_PRIVATE_H 1

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "controller/model/id-pools.h"
#include "controller/schema/schema.h"
#include "controller/store/store-file.h"
#include "controller/store/store.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"

/* The format that this program writes, in PRAGMA user_version.  It is
 * increased by each release whose schema has new tables or columns, so that an
 * older vmnd refuses the file; a new format needs a migration step in
 * store-schema.c. */
#define STORE_FORMAT 1
/* In PRAGMA application_id: "vmn1". */
#define STORE_APPLICATION_ID 0x766d6e31
/* Most entries of the log that one query returns. */
#define STORE_LOG_MAX 200000
/* SQL conditions for revisions made by users, or by programs on their behalf,
 * as model_is_of_people() has it; and by hosts ("host:"...), probes
 * ("healt"...) or vmnd itself.  Partial indexes have the same text, so that
 * SQLite uses them.  Comparisons alone: each entry that is written evaluates
 * all of them, and for each IN with a list SQLite makes a table and drops it
 * again. */
#define STORE_LOG_PEOPLE                                                    \
    "(who < 'host:' OR who >= 'host;') AND who <> 'vmnd' "                  \
    "AND (who < 'healt' OR who >= 'healu')"
#define STORE_LOG_OTHERS                                                    \
    "((who >= 'host:' AND who < 'host;') OR who = 'vmnd' "                  \
    "OR (who >= 'healt' AND who < 'healu'))"
/* The author of the revisions that restores of backups are. */
#define STORE_LOG_RESTORE "vmnctl restore"
/* SQL condition for changes that may have revoked a token or an account: they
 * name one, or are too many to be named. */
#define STORE_LOG_REVOKES \
    "(instr(changes, '\"type\":\"tokens\"') " \
    "OR instr(changes, '\"type\":\"accounts\"') " \
    "OR instr(changes, '{\"more\":'))"
/* SQL expression for the author of a revision: 'who' without the name of the
 * token.  'WHO' is the column. */
#define STORE_LOG_AUTHOR(WHO) \
    "substr(" WHO ", 1, instr(" WHO " || '/', '/') - 1)"

/* How much of the log an entry takes: one per started KiB of its list of
 * changes.  The SQL expression and store_log_weight() agree. */
#define STORE_LOG_WEIGHT "((length(CAST(changes AS BLOB)) + 1023) / 1024)"
int64_t store_log_weight(const char *changes);

/* store-lock.c: one process at a time.  ----------------------------------- */

struct store_lock {
    int fd;                     /* Of "PATH.lock"; -1: none is held. */
    char *name;
    bool made;                  /* Created by us. */
};
/* Takes the lock of the database at 'path', or fails if another process holds
 * it. */
int store_lock_take(struct store_lock *, const char *path,
                    struct vmn_error *why);
/* Releases the lock.  To be called also after store_lock_take() has failed.
 * With 'undo' the lock file is removed if it did not exist before. */
void store_lock_release(struct store_lock *, bool undo);

/* store-scratch.c: what a restore works on.  ------------------------------ */

/* Files beside a database, for the time of a restore. */
struct store_scratch {
    int fd;                     /* Of 'copy', locked as long as it is in
                                 * use. */
    char *copy;                 /* Path of the copy of the backup.  Owned. */
    char *former;               /* Path of the copy of the database.  Owned;
                                 * the file is another's to make. */
};
/* Names them, and makes an empty 'copy'.  A dry run may be one of several, and
 * beside a restore; for any other restore the database's lock must be held.
 * To be removed unless it fails. */
int store_scratch_make(struct store_scratch *, const char *database,
                       bool dry_run, struct vmn_error *why);
void store_scratch_remove(struct store_scratch *);
/* Removes those that killed dry runs of restores of 'database' have left, and
 * with 'locked', which says that the database's lock is held, those of killed
 * restores. */
void store_scratch_remove_stale(const char *database, bool locked);

/* store-connect.c.  ------------------------------------------------------- */

/* Returns a positive errno for what the connection was refused last, and sets
 * '*why' to "DOING: REASON".  EUCLEAN: the database is corrupt. */
int store_error(sqlite3 *, struct vmn_error *why, const char *doing);

/* Sets what of 'db' survives a power failure: all that was committed; or in a
 * cluster, from whose database the rest comes again, all but the last
 * commits. */
void store_set_sync(sqlite3 *db, bool in_cluster);

/* Opens a connection and runs 'pragmas'.  '*db' must be closed also after an
 * error.  The error message names the file. */
int store_connect(const char *path, int flags, const char *pragmas,
                  sqlite3 **db, struct vmn_error *why);

/* Runs a statement that returns one value, which the caller frees; returns
 * NULL with '*error' set if it fails. */
char *store_get_text(sqlite3 *, const char *sql, int *error,
                     struct vmn_error *why);
/* Runs a statement that returns one integer. */
int store_get_int(sqlite3 *, const char *sql, int64_t *value,
                  struct vmn_error *why);
/* Checks that the file system supports the write-ahead log. */
int store_check_mode(sqlite3 *, const char *path, struct vmn_error *why);

/* store-verify.c.  -------------------------------------------------------- */

/* Checks the file's integrity by SQLite's means; 'all' takes longer, and
 * compares indexes with tables, too. */
int store_check_whole(sqlite3 *, const char *path, bool all,
                      struct vmn_error *why);

/* store-upgrade.c: the format of a file.  --------------------------------- */

/* A migration from format 'from' to the next.  'sql' NULL ends an array. */
struct store_step {
    int from;
    const char *sql;
};

/* Checks that the database is a vmnd's, and not newer than 'latest'; creates
 * the tables if it is empty, or applies the migrations that are missing. */
int store_format_check(sqlite3 *, const char *path, const struct store_step *,
                       int latest, struct vmn_error *why);

/* store-schema.c: what is in the file.  ----------------------------------- */

extern const struct store_step store_steps[];
extern const int store_format;  /* STORE_FORMAT. */
/* SQL that creates the tables that are no resource's. */
extern const char store_fixed_tables[];

/* Appends '"NAME" TYPE' of a field, or of the value that was given for it. */
void store_sql_column(struct ds *, const struct schema_field *, bool given);
/* Appends an index of the column, if it is a foreign key: without one,
 * deleting a row that it refers to would scan the whole table. */
void store_sql_column_index(struct ds *, const struct schema_table *,
                            const struct schema_field *);
/* Returns the statements that create a table, which the caller frees. */
char *store_sql_create(const struct schema_table *);

/* Columns of a table in the order of its statements: "name", then the fields,
 * then the assigned values, then STORE_META_COLUMNS. */
#define STORE_META_COLUMNS 5    /* revision, created_ms, updated_ms,
                                 * apply_set, unknown_fields. */
/* Of all tables of resources: model_meta's 'unknown'. */
#define STORE_UNKNOWN_COLUMN "unknown_fields TEXT"
/* Return statements on a table, as SQL that the caller frees. */
char *store_sql_upsert(const struct schema_table *);
/* As the upsert, with its parameters, but only for a row that exists and whose
 * references do not change; returns NULL if the table has none.  An upsert
 * would write the indexes of all references again. */
char *store_sql_update(const struct schema_table *);
char *store_sql_select(const struct schema_table *);

/* Returns true if the field is stored as JSON text. */
bool store_is_json(const struct schema_field *);

/* store-key.c: the key.  -------------------------------------------------- */

/* Reads the key, or creates it durably if there is none. */
int store_key_load(sqlite3 *, uint8_t key[STORE_KEY_SIZE],
                   struct vmn_error *why);

/* store-authors.c: who has how much of the log.  -------------------------- */

/* What an author may have much of: entries of the log, by STORE_LOG_WEIGHT, if
 * among people; and bytes of contents. */
enum store_share { STORE_ENTRIES, STORE_BYTES, STORE_N_SHARES };
/* What all authors have. */
struct store_authors {
    struct shash by_name;       /* struct store_author.  Owned. */
    struct store_author **heaps[STORE_N_SHARES]; /* All of them; who has most
                                                  * is first.  Owned. */
    size_t allocated;           /* Of each of the heaps. */
    int64_t entries, bytes;     /* Of all. */
    bool counted;               /* These are what the tables have. */
};
void store_authors_init(struct store_authors *);
/* Takes all zeros, too. */
void store_authors_uninit(struct store_authors *);
/* Counts from the tables.  Returns 0 or a positive errno. */
int store_authors_count(struct store_authors *, sqlite3 *,
                        struct vmn_error *why);
/* Adds to what the author of 'who' has; less than nothing takes away. */
void store_authors_add(struct store_authors *, const char *who,
                       int64_t entries, int64_t bytes);
/* Returns who has most entries, and in '*more' how many more than the next; of
 * equals the first by name.  NULL if nobody has any.  Valid until the next
 * store_authors_add(). */
const char *store_authors_most_entries(const struct store_authors *,
                                       int64_t *more);
const char *store_authors_most_bytes(const struct store_authors *);

/* store-batch.c: writing.  ------------------------------------------------ */

/* What one transaction writes. */
struct store_batch {
    struct model_pending pending;   /* Borrowed from the model. */
    size_t n_ids;
    struct id_write *ids;       /* Owned, strings included. */
    struct model_cursors cursors;   /* Owned; strings are the model's. */
    int64_t index;              /* In the cluster's order; 0: of none. */
    uint64_t revision;          /* Of the model. */
};
void store_batch_init(struct store_batch *, struct model *);
void store_batch_uninit(struct store_batch *);

/* Initializes a batch that writes the whole durable state into an empty
 * database.  Valid as long as no stored row changes.  'log' is owned by the
 * caller. */
void store_batch_init_all(struct store_batch *, struct model *,
                          struct model_log *log);
void store_batch_uninit_all(struct store_batch *);

/* Prepared statements of the writing connection. */
struct store_statements {
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *upsert[VMN_N_TABLES];
    sqlite3_stmt *update[VMN_N_TABLES];     /* NULL: there is none. */
    sqlite3_stmt *delete_[VMN_N_TABLES];
    sqlite3_stmt *id_delete, *id_insert;
    sqlite3_stmt *object_upsert, *object_delete;
    sqlite3_stmt *cursors_delete, *cursor_upsert;
    sqlite3_stmt *set_upsert, *sets_trim;
    sqlite3_stmt *log_insert, *log_delete;
    sqlite3_stmt *trimmed_upsert; /* Of STORE_REVOCATIONS_TRIMMED. */
    sqlite3_stmt *index_upsert; /* Of STORE_CLUSTER_INDEX and
                                 * STORE_CLUSTER_REVISION. */
    /* The oldest entry. */
    sqlite3_stmt *log_oldest_people, *log_oldest_others, *log_oldest_author;
    sqlite3_stmt *contents_insert, *contents_find, *contents_oldest;
    sqlite3_stmt *contents_delete;
    struct ds text;             /* Of contents; cleared after each use. */
    struct store_authors authors;
    int64_t others;             /* Weight of the entries that are not of
                                 * people. */
    int64_t trimmed;            /* The newest that this trim deleted, of
                                 * those that may have revoked something. */
    struct store_retention keep;
};
int store_statements_prepare(struct store_statements *, sqlite3 *,
                             struct vmn_error *why);
void store_statements_finalize(struct store_statements *);

/* Writes 'batch' in one transaction.  Called by the writer thread. */
int store_batch_write(const struct store_batch *, sqlite3 *,
                      struct store_statements *, struct vmn_error *why);

/* Runs a statement that returns no rows, once. */
bool store_statement_run(sqlite3_stmt *);

/* store-retention.c: what is kept of the log.  ---------------------------- */

/* Trims the log as 's->keep' says.  'newest_ms' is the time of the newest
 * entry.  Returns false if SQLite fails. */
bool store_log_trim(struct store_statements *s, int64_t newest_ms);

/* store-receipts.c: receipts of revisions.  ------------------------------- */

/* The writer's side, and what is queued for it. */
struct store_receipts {
    sqlite3_stmt *begin, *commit, *rollback, *size, *put, *trim;
    struct store_receipts_kept {
        int64_t bytes[2];       /* In the table; by 'of_people'. */
        int64_t trimmed[2];     /* Up to this revision there are none. */
        int64_t newest;         /* After this revision there are none. */
    } kept;
    size_t n_queue, allocated_queue;
    struct store_receipt *queue; /* Owned.  Protected by the store's mutex. */
};
int store_receipts_prepare(struct store_receipts *, sqlite3 *,
                           struct vmn_error *why);
void store_receipts_finalize(struct store_receipts *);
void store_receipts_free(struct store_receipt *, size_t n);
/* Writes receipts in a transaction of their own. */
int store_receipts_write(struct store_receipts *, sqlite3 *,
                         const struct store_receipt *, size_t n,
                         bool in_cluster, struct vmn_error *why);
/* Implements get_receipt() of struct store_class by STORE_SELECT_RECEIPT with
 * "body" or "NULL". */
#define STORE_SELECT_RECEIPT(BODY)                                      \
    "SELECT revision, first, hosts, missing, " BODY " FROM receipts "   \
    "WHERE revision >= ? ORDER BY revision LIMIT 1"
int store_receipts_read(sqlite3_stmt *, uint64_t revision,
                        struct store_receipt *);

/* store-properties.c: single numbers.  ------------------------------------ */

#define STORE_BACKUP_MS "backup_ms"             /* See struct */
#define STORE_BACKUP_REVISION "backup_revision" /* store_last_backup. */
/* The newest revision that left the log although it may have revoked tokens or
 * accounts: the log does not say what was revoked up to it. */
#define STORE_REVOCATIONS_TRIMMED "revocations_trimmed"

/* See struct store_place. */
#define STORE_CLUSTER "cluster"
#define STORE_CLUSTER_INDEX "cluster_index"
/* Of the newest batch: not all of the cluster's revisions are in the log. */
#define STORE_CLUSTER_REVISION "cluster_revision"

/* Reads a property of "main" or of an attached database; 0: it is not
 * known. */
int store_property_get(sqlite3 *, const char *schema, const char *name,
                       int64_t *value, struct vmn_error *why);
/* Has those of the restored state continue those of the attached database
 * "former". */
int store_properties_continue(sqlite3 *, struct vmn_error *why);
int store_last_backup_read(sqlite3 *, struct store_last_backup *,
                           struct vmn_error *why);
int store_last_backup_write(sqlite3 *, const struct store_last_backup *,
                            struct vmn_error *why);
int store_place_read(sqlite3 *, struct store_place *, struct vmn_error *why);
int store_place_write(sqlite3 *, const struct store_place *,
                      struct vmn_error *why);

/* store-log-contents.c: what revisions made of objects.  ------------------ */

/* Most bytes that are kept of a revision. */
#define STORE_CONTENTS_MAX (256 * 1024)
/* Appends {"objects": [{"type", "name", "before", "after"}, ...],
 * "left_out"}, with as many objects as there is room for. */
void store_contents_print(const struct model_log *, struct ds *);
/* Writes the contents of an entry of the log, which has been written.  Returns
 * false if SQLite fails. */
bool store_contents_write(const struct model_log *, struct store_statements *);
/* Deletes the contents of a revision, if there are any.  Returns false if
 * SQLite fails. */
bool store_contents_delete(struct store_statements *, int64_t revision);
/* Deletes the oldest contents of who has most, until there are no more than
 * 's->keep' says.  Returns false if SQLite fails. */
bool store_contents_trim(struct store_statements *);

/* store-load.c: reading.  ------------------------------------------------- */
/* Finds the newest revision that the file tells of.  One that changed nothing
 * that is stored has a receipt only; its number must not be given to another
 * change after a restart. */
int store_get_revision(sqlite3 *, uint64_t *revision, struct vmn_error *why);
int store_load(sqlite3 *, const char *path, struct model *,
               struct vmn_error *why);

/* store-file.c: files as such (see store-file.h, too).  ------------------- */

/* Creates the file, readable by its owner alone, if it does not exist: SQLite
 * would let everyone read it. */
int store_make_file(const char *path, struct vmn_error *why);
/* Fails if the file is empty but has a write-ahead log: SQLite would take it
 * for a new database, and delete the log. */
int store_check_not_emptied(const char *path, struct vmn_error *why);
/* Fills in the sizes of the database, and the file system that it is on. */
void store_get_sizes(const char *path, struct store_stats *);
/* Removes a database, and files that SQLite may have left beside it. */
void store_remove_file(const char *path);
/* Writes the state that the connection sees into 'to', which is empty. */
int store_vacuum_into(sqlite3 *, const char *to, struct vmn_error *why);
/* Checks 'from', which may be in use, and writes its state into 'to'. */
int store_copy_file(const char *from, const char *to, struct vmn_error *why);
/* Makes sure that the error message names the file; returns 'error'. */
int store_name_file(const char *name, int error, struct vmn_error *why);

/* store-continue.c: what a restored state takes over.  -------------------- */

/* Returns the revision of the restored state, which is newer than all that
 * hosts or users have seen; 'former' is the newest of the former database.  If
 * that is not 'known', assumes one revision per millisecond since the
 * backup. */
uint64_t store_next_revision(const struct store_file_info *, bool known,
                             uint64_t former);
/* Changes the copy of the backup into the database that vmnd is to load, as
 * revision 'r->revision', with IDs and the log of the attached database
 * "former" if it is 'known'.  'file' is the backup, 'revoked' the tokens and
 * accounts that are not as in it if 'r->n_revoked'. */
int store_continue(sqlite3 *, const char *file, const char *comment,
                   bool known, const json_t *revoked, struct store_restored *r,
                   struct vmn_error *why);

/* store-map-hosts.c: hosts that are other machines.  ---------------------- */

/* Has hosts of 'db', a copy of backup 'file', be others, in revision
 * 'r->revision', and fills in 'r->hosts'.  Changes nothing if it fails:
 * EINVAL, if the map is wrong. */
int store_map_hosts(sqlite3 *db, const char *file,
                    const struct store_host_map maps[], size_t n,
                    struct store_restored *r, struct vmn_error *why);

/* store-restore-loss.c: what a restore takes back.  ----------------------- */

/* The two states. */
struct store_states {
    sqlite3 *db;                /* "main" is the copy of the backup, "former" a
                                 * copy of what it is to replace. */
    const struct store_log *log; /* Of what it is to replace. */
    struct model *then, *now;   /* Of the backup, and of that. */
    uint64_t revision;          /* Of the backup. */
};
/* Adds to 'loss' the revisions of users since the backup that no restore has
 * taken back already, and the objects that differ; at most 'max' of each. */
int store_loss_find(const struct store_states *, size_t max,
                    struct store_loss *, struct vmn_error *why);
/* The same of the revisions alone; 'states->now' is not used. */
int store_loss_find_revisions(const struct store_states *, size_t max,
                              struct store_loss *, struct vmn_error *why);

/* store-revoked.c: tokens and accounts that a restore would revive.  ------ */

/* Finds tokens and accounts to which the backup gives back what they have lost
 * since, and appends them to 'revoked' as struct store_loss has them; if
 * 'keep', has them stay as they are now, by changes of the backup's copy that
 * are of 'restore', the revision of the restored state. */
int store_revoked_find(const struct store_states *, bool keep,
                       uint64_t restore, json_t *revoked,
                       struct vmn_error *why);
/* Sets '*same' to whether the two databases are states of one vmnd: they have
 * the same key, as far as both have one. */
int store_is_same_vmnd(sqlite3 *, bool *same, struct vmn_error *why);

/* store-backup.c: copies of the database in use.  ---------------------------
 */

struct store_copier;

/* 'done' is called with the result of each store_copier_start(). */
struct store_copier *store_copier_create(const char *path,
                                         struct event_base *,
                                         store_copied_cb *done, void *aux);
/* Aborts a copy in progress; 'done' is not called. */
void store_copier_destroy(struct store_copier *);
/* Starts to copy the file, or to write 'memory' (borrowed until 'done').  Only
 * one copy may be in progress. */
int store_copier_start(struct store_copier *, const struct store_batch *memory,
                       struct vmn_error *why);
bool store_copier_is_running(const struct store_copier *);

/* store-log.c: the log of changes.  --------------------------------------- */

/* A reader of the log of changes. */
struct store_log {
    sqlite3 *db;                /* Owned, as all of this. */
    sqlite3_stmt *one, *many, *newest, *back, *contents, *set, *count;
    sqlite3_stmt *receipt, *progress; /* With its body, and without. */
    store_log_more_cb *more;    /* Or NULL. */
    void *more_aux;
    size_t n_restores;          /* That the log names when it is opened:
                                 * restores are made while nobody uses it. */
    struct store_log_restore *restores; /* Newest first.  Owned. */
};
/* The restore of a backup, with what it took back. */
struct store_log_restore {
    uint64_t revision;
    uint64_t after;             /* It took revisions back that are later than
                                 * this one. */
};
/* Opens 'path', which has been checked.  What is in '*log' must be zero, and
 * be closed even after an error.  Returns 0, or a positive errno with a
 * sentence. */
int store_log_open(struct store_log *log, const char *path,
                   struct vmn_error *why);
void store_log_close(struct store_log *);
/* Implements set_revision() of struct store_class. */
int store_log_set(struct store_log *, const char *set, uint64_t *revision,
                  struct vmn_error *why);
/* Implements taken_back() of struct store_class. */
uint64_t store_log_taken_back(const struct store_log *, uint64_t revision);
/* Implement log(), logs(), each_log(), count_logs(), newest_logs() and
 * filter_logs() of struct store_class. */
int store_log_one(struct store_log *, uint64_t revision, struct ds *,
                  struct vmn_error *why);
int store_log_after(struct store_log *, uint64_t after, uint64_t before,
                    size_t limit, struct ds *, struct vmn_error *why);
int store_log_each(struct store_log *, uint64_t after, size_t limit,
                   store_log_entry_cb *cb, void *aux, struct vmn_error *why);
int store_log_count(struct store_log *, uint64_t after, size_t max, size_t *n,
                    struct vmn_error *why);
int store_log_newest(struct store_log *, uint64_t before, size_t limit,
                     struct ds *, struct vmn_error *why);
int store_log_find(struct store_log *, const struct store_log_filter *,
                     uint64_t before, size_t limit,
                        struct ds *, uint64_t *next, struct vmn_error *why);
/* store-log-contents.c: implements log_contents(). */
int store_contents_read(struct store_log *, uint64_t revision, struct ds *,
                        struct vmn_error *why);

/* store-objects.c: objects of the types that apps declare. */
bool store_objects_prepare(struct store_statements *, sqlite3 *);
/* Writes an object, or deletes it. */
bool store_object_write(const struct model_write *,
                        struct store_statements *);
/* Loads all, after the types. */
int store_objects_load(sqlite3 *, struct model *, struct vmn_errors *,
                       struct vmn_error *why);

#endif /* controller/store/store-private.h */
