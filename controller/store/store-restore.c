/* SPDX-License-Identifier: Apache-2.0
 *
 * Restores a backup: replaces a database by it.
 *
 * The backup is copied beside the database, verified there, and changed so
 * that no revision and no ID that was in use since the backup is used again
 * with another meaning.  The former database says which those are, if it can
 * still be read; otherwise a gap is left that is larger than what can have
 * been used. */

#include <config.h>

#include "controller/store/store-file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/store/store-private.h"
#include "dirs.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* IDs of each pool that are skipped if it is not known which were
 * allocated. */
#define IDS_GAP 4096

/* The database that is to be replaced. */
struct former {
    bool exists;
    uint64_t revision;          /* If it is undamaged. */
    char *damage;               /* What is wrong with it, or NULL.  Owned. */
};

/* The former database.  --------------------------------------------------- */

/* Reads the former database, without changing it. */
static void
read_former(const char *database, struct former *former)
{
    int64_t application = 0, format = 0;
    uint64_t revision = 0;
    sqlite3 *db = NULL;
    struct vmn_error why = VMN_ERROR_INIT;
    int error = store_connect(database, SQLITE_OPEN_READONLY, "", &db, &why);

    error = error ? error : store_check_whole(db, database, true, &why);
    error = error ? error : store_get_int(db, "PRAGMA application_id",
                                          &application, &why);
    error = error ? error : store_get_int(db, "PRAGMA user_version", &format,
                                          &why);
    if (!error && (application != STORE_APPLICATION_ID || format < 1
                   || format > STORE_FORMAT)) {
        error = vmn_error_invalid(&why, "%s is not a database of this vmnd",
                                  database);
    }
    error = error ? error : store_get_revision(db, &revision, &why);
    sqlite3_close(db);
    former->revision = revision;
    former->damage = error ? vmn_error_steal_text(&why) : NULL;
}

/* Checkpoints the former database: moves its write-ahead log into the file.
 * If that fails, the log is kept beside it. */
static void
checkpoint_former(const char *database)
{
    sqlite3 *db = NULL;

    store_connect(database, SQLITE_OPEN_READWRITE, "", &db, NULL);
    sqlite3_close(db);
}

static bool
file_has_content(const char *path, const char *suffix)
{
    char *name = xasprintf("%s%s", path, suffix);
    struct stat st;
    bool there = !stat(name, &st) && st.st_size;

    free(name);
    return there;
}

/* Finds the former database, if there is one, and reads it. */
static int
find_former(const char *file, const char *database, struct former *former,
            struct vmn_error *why)
{
    struct stat a, b;

    former->exists = (file_has_content(database, "")
                      || file_has_content(database, "-wal"));
    if (!former->exists) {
        return 0;
    }
    if (!stat(file, &a) && !stat(database, &b) && a.st_dev == b.st_dev
        && a.st_ino == b.st_ino) {
        return vmn_error_invalid(why, "%s is the database itself", file);
    }
    read_former(database, former);
    if (!former->damage) {
        checkpoint_former(database);
    }
    return 0;
}

/* IDs.  ------------------------------------------------------------------- */

static int
run_sql(sqlite3 *db, const char *sql, struct vmn_error *why)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
           : store_error(db, why, "cannot prepare the restored state");
}

/* Counts the IDs of the backup that another key has in the former database;
 * with 'set', only VNIs that users have set. */
static int
count_conflicts(sqlite3 *db, bool set, size_t *n, struct vmn_error *why)
{
    int64_t value;
    int error = store_get_int(
        db, set ? "SELECT count(*) FROM numbers m JOIN former.numbers f "
                  "USING (kind, number) WHERE m.key <> f.key "
                  "AND kind = 'vni' AND number IN"
                  " (SELECT vni FROM networks WHERE vni IS NOT NULL)"
                : "SELECT count(*) FROM numbers m JOIN former.numbers f "
                  "USING (kind, number) WHERE m.key <> f.key",
        &value, why);

    *n = value;
    return error;
}

/* Allocates a new VNI to each network whose VNI another network has in the
 * former database.  One by one, since each takes the next free one. */
static int
renumber_networks(sqlite3 *db, struct vmn_error *why)
{
    static const char next[] =
        "UPDATE numbers SET number = (SELECT min(n) + 1 FROM "
        " (SELECT 0 AS n UNION SELECT number FROM numbers WHERE kind = 'vni'"
        "  UNION SELECT number FROM former.numbers WHERE kind = 'vni')"
        " WHERE n + 1 NOT IN"
        "  (SELECT number FROM numbers WHERE kind = 'vni' UNION"
        "   SELECT number FROM former.numbers WHERE kind = 'vni')) "
        "WHERE kind = 'vni' AND key = (SELECT m.key FROM numbers m"
        " JOIN former.numbers f USING (kind, number)"
        " WHERE m.key <> f.key AND kind = 'vni' AND number NOT IN"
        "  (SELECT vni FROM networks WHERE vni IS NOT NULL)"
        " LIMIT 1)";
    int error;

    do {
        error = run_sql(db, next, why);
    } while (!error && sqlite3_changes(db));
    return error ? error : run_sql(
        db, "UPDATE networks SET vni_given = n.number FROM numbers n "
        "WHERE n.kind = 'vni' AND n.key = networks.name", why);
}

/* Makes sure that no ID has two meanings on switches: IDs that the former
 * database had allocated keep their keys, as retired ones, until every host
 * has acknowledged the restored state. */
static int
keep_ids(sqlite3 *db, struct store_restored *r, struct vmn_error *why)
{
    int error = count_conflicts(db, false, &r->n_renumbered, why);

    error = error ? error : count_conflicts(db, true, &r->n_shared, why);
    error = error ? error : renumber_networks(db, why);
    /* vmnd allocates new IDs of the other pools when it compiles. */
    error = error ? error : run_sql(
        db, "DELETE FROM numbers WHERE kind <> 'vni' AND EXISTS"
        " (SELECT 1 FROM former.numbers f WHERE f.kind = numbers.kind"
        "  AND f.number = numbers.number AND f.key <> numbers.key);"
        "INSERT OR IGNORE INTO numbers SELECT * FROM former.numbers;"
        /* The keys of the others have another ID here. */
        "INSERT OR IGNORE INTO numbers"
        " SELECT kind, key || ' ' || number, number FROM former.numbers",
        why);
    return error;
}

static int
skip_ids(sqlite3 *db, struct vmn_error *why)
{
    char *sql = xasprintf(
        "INSERT OR REPLACE INTO numbers SELECT kind, ' restored',"
        " max(number) + %d FROM numbers GROUP BY kind"
        " HAVING max(number) < 4000000000", IDS_GAP);
    int error = run_sql(db, sql, why);

    free(sql);
    return error;
}

/* Revisions.  ------------------------------------------------------------- */

/* Returns the revision of the restored state, which is newer than all that
 * hosts or users have seen.  If the newest of those is not known, assumes one
 * revision per millisecond since the backup. */
static uint64_t
next_revision(const struct store_file_info *info, const struct former *former)
{
    int64_t passed_ms = time_wall_msec() - info->time_ms;

    if (former->exists && !former->damage) {
        return MAX(info->revision, former->revision) + 1;
    }
    return info->revision + 1 + (info->time_ms ? MAX(passed_ms, 0) : 0);
}

/* Copies what the former database's log has of the time since the backup: who
 * changed what, which the restore takes back.  What became of the objects
 * (contents, receipts) is not copied, so it cannot be undone. */
static int
keep_log(sqlite3 *db, struct store_restored *r, struct vmn_error *why)
{
    int64_t has_comments = 0;
    int error = store_former_has_comments(db, &has_comments, why);
    const char *comment = has_comments ? ", comment" : "";
    char *sql = xasprintf(
        "INSERT OR IGNORE INTO revisions (revision, time_ms, who, changes%s)"
        " SELECT revision, time_ms, who, changes%s FROM former.revisions"
        " WHERE revision > %"PRIu64, comment, comment, r->info.revision);

    error = error ? error : run_sql(db, sql, why);
    free(sql);
    if (!error) {
        r->n_logged = sqlite3_changes(db);
    }
    return error;
}

static int
add_revision(sqlite3 *db, const char *file, const struct store_restored *r,
             struct vmn_error *why)
{
    const char *slash = strrchr(file, '/');
    json_t *summary = json_pack("[{s:s, s:s, s:s, s:I}]", "op", "restore",
                                "type", "database", "name",
                                slash ? slash + 1 : file, "revision",
                                (json_int_t) r->info.revision);
    sqlite3_stmt *stmt = NULL;
    int error = 0;

    if (sqlite3_prepare_v2(db, "INSERT INTO revisions "
                           "(revision, time_ms, who, changes) "
                           "VALUES (?, ?, ?, ?)", -1, &stmt, NULL)
        != SQLITE_OK
        || sqlite3_bind_int64(stmt, 1, r->revision) != SQLITE_OK
        || sqlite3_bind_int64(stmt, 2, time_wall_msec()) != SQLITE_OK
        || sqlite3_bind_text(stmt, 3, STORE_LOG_RESTORE, -1, SQLITE_STATIC)
           != SQLITE_OK
        || sqlite3_bind_text(stmt, 4, summary ? json_dumps(summary,
                                                           JSON_COMPACT)
                                              : xstrdup("[]"), -1, free)
           != SQLITE_OK
        || sqlite3_step(stmt) != SQLITE_DONE) {
        error = store_error(db, why, "cannot prepare the restored state");
    }
    sqlite3_finalize(stmt);
    json_decref(summary);
    return error;
}

static int
attach_former(sqlite3 *db, const char *database, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int error = 0;

    if (sqlite3_prepare_v2(db, "ATTACH ? AS former", -1, &stmt, NULL)
        != SQLITE_OK
        || sqlite3_bind_text(stmt, 1, database, -1, SQLITE_STATIC)
           != SQLITE_OK
        || sqlite3_step(stmt) != SQLITE_DONE) {
        error = store_error(db, why, "cannot read the former database");
    }
    sqlite3_finalize(stmt);
    return error;
}

/* Who is asked before changes are taken back. */
struct confirm {
    store_confirm_cb *cb;       /* Or NULL. */
    void *aux;
};

/* Asks whether to take back what users have changed since the backup, if there
 * is anything.  Returns 0, ECANCELED without an error, or a positive errno. */
static int
ask(sqlite3 *db, const struct store_restored *r, const struct confirm *confirm,
    struct vmn_error *why)
{
    struct store_loss loss = { .n_revisions = 0 };
    int error = 0;

    if (confirm->cb) {
        error = store_loss_find(db, r->info.revision, &loss, why);
        if (!error && (loss.n_revisions || loss.n_objects)
            && !confirm->cb(confirm->aux, &loss)) {
            error = ECANCELED;
        }
        json_decref(loss.revisions);
        json_decref(loss.objects);
    }
    return error;
}

/* Changes the copy of the backup into the database that vmnd is to load. */
static int
prepare(const char *copy, const char *file, const char *database,
        const struct former *former, const struct confirm *confirm,
        struct store_restored *r, struct vmn_error *why)
{
    bool known = former->exists && !former->damage;
    sqlite3 *db = NULL;
    int error = store_connect(copy, SQLITE_OPEN_READWRITE, "", &db, why);

    r->revision = next_revision(&r->info, former);
    if (known) {
        error = error ? error : attach_former(db, database, why);
        error = error ? error : ask(db, r, confirm, why);
    }
    error = error ? error : run_sql(db, "BEGIN IMMEDIATE", why);
    error = error ? error : known ? keep_ids(db, r, why)
                                  : skip_ids(db, why);
    if (known) {
        error = error ? error : keep_log(db, r, why);
    }
    error = error ? error : add_revision(db, file, r, why);
    error = error ? error : run_sql(db, "COMMIT", why);
    sqlite3_close(db);
    return error;
}

/* Replacing the file.  ---------------------------------------------------- */

/* Links 'from' as 'to', if 'keep', or renames it.  Renames it, too, if the
 * file system has no hard links. */
static int
link_or_rename(const char *from, const char *to, bool keep,
               struct vmn_error *why)
{
    if ((keep && !link(from, to)) || !rename(from, to) || errno == ENOENT) {
        return 0;
    }

    int error = errno;
    return vmn_error_errno(why, error, "cannot rename %s to %s: %s", from, to,
                           ovs_strerror(error));
}

/* Saves the former database under another name.  It keeps its own name, too,
 * until it is replaced: a vmnd that started in between would create a new
 * database.  Its write-ahead log does not, since SQLite would take it for the
 * new file's. */
static int
save_former(const char *database, char **namep, struct vmn_error *why)
{
    char *time = xastrftime_msec("%Y%m%dT%H%M%S.###Z", time_wall_msec(),
                                 true);
    char *saved = xasprintf("%s.before-restore-%s", database, time);
    char *log = xasprintf("%s-wal", database);
    char *saved_log = xasprintf("%s-wal", saved);
    char *index = xasprintf("%s-shm", database);
    int error = link_or_rename(database, saved, true, why);

    error = error ? error : link_or_rename(log, saved_log, false, why);
    unlink(index);
    free(index);
    free(saved_log);
    free(log);
    free(time);
    *namep = saved;
    return error;
}

/* Changes the owner of the copy to that of the former database, or else of its
 * directory: vmnd may run as another user. */
static int
chown_copy(const char *copy, const char *database, struct vmn_error *why)
{
    char *folder = dir_name(database);
    struct stat st;
    int error = 0;

    if (!geteuid() && (!stat(database, &st) || !stat(folder, &st))
        && chown(copy, st.st_uid, st.st_gid)) {
        error = errno;
        vmn_error_errno(why, error, "cannot give %s to user %u: %s", copy,
                        (unsigned) st.st_uid, ovs_strerror(error));
    }
    free(folder);
    return error;
}

static int
restore(const char *file, const char *database, const char *copy,
        const struct confirm *confirm, struct store_restored *r,
        struct vmn_error *why)
{
    struct former former = { .exists = false };
    int error = find_former(file, database, &former, why);

    error = error ? error : store_make_file(copy, why);
    error = error ? error : store_copy_file(file, copy, why);
    error = error ? error : store_file_verify(copy, file, &r->info, why);
    error = error ? error : prepare(copy, file, database, &former, confirm,
                                    r, why);
    if (!error) {
        struct store_file_info prepared;

        error = store_file_verify(copy, file, &prepared, why);
    }
    error = error ? error : chown_copy(copy, database, why);
    if (!error && former.exists) {
        error = save_former(database, &r->former, why);
    }
    error = error ? error : store_file_publish(copy, database, true, why);
    r->damage = former.damage;
    r->log_cut = former.damage != NULL;
    return error;
}

int
store_file_restore(const char *file, const char *database,
                   store_confirm_cb *cb, void *aux, struct store_restored *r,
                   struct vmn_error *why)
{
    const struct confirm confirm = { cb, aux };
    char *copy = xasprintf("%s.restore", database);
    struct store_lock lock;
    int error;

    memset(r, 0, sizeof *r);
    error = store_lock_take(&lock, database, why);
    if (!error) {
        store_remove_file(copy);
        error = restore(file, database, copy, &confirm, r, why);
        store_remove_file(copy);
    }
    store_lock_release(&lock, true);
    free(copy);
    return error;
}

void
store_restored_uninit(struct store_restored *r)
{
    free(r->former);
    free(r->damage);
    memset(r, 0, sizeof *r);
}
