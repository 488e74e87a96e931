/* SPDX-License-Identifier: Apache-2.0
 *
 * Backs up and publishes database files; see store-file.h.  Not for verifying
 * them (store-verify.c). */

#include <config.h>

#include "controller/store/store-file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "controller/store/store-private.h"
#include "dirs.h"
#include "util.h"

/* Files.  ----------------------------------------------------------------- */

static int
file_error(const char *doing, const char *file, struct vmn_error *why)
{
    int error = errno;

    return vmn_error_errno(why, error, "cannot %s %s: %s", doing, file,
                           ovs_strerror(error));
}

int
store_make_file(const char *path, struct vmn_error *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        return file_error("open", path, why);
    }
    close(fd);
    return 0;
}

void
store_remove_file(const char *path)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char *name = xasprintf("%s%s", path, suffixes[i]);

        unlink(name);
        free(name);
    }
}

int
store_file_make_temporary(const char *file, char **name, struct vmn_error *why)
{
    *name = xasprintf("%s.XXXXXX", file);

    int fd = mkostemp(*name, O_CLOEXEC);
    if (fd < 0) {
        int error = file_error("make", *name, why);

        free(*name);
        *name = NULL;
        return error;
    }
    close(fd);
    return 0;
}

void
store_file_discard(const char *temporary)
{
    if (temporary) {
        store_remove_file(temporary);
    }
}

static int
store_sync_path(const char *path, int flags, struct vmn_error *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    int error = 0;

    if (fd < 0 || fsync(fd)) {
        error = file_error("sync", path, why);
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

static int
store_sync_folder_of(const char *path, struct vmn_error *why)
{
    char *folder = dir_name(path);
    int error = store_sync_path(folder, O_DIRECTORY, why);

    free(folder);
    return error;
}

/* As rename(), but fails with EEXIST if there is a 'to'.  Without hard links
 * in the file system, two that do so at once may replace each other's file. */
static int
rename_to_new(const char *from, const char *to)
{
    if (!link(from, to)) {
        return unlink(from);
    }
    if (errno == EEXIST || !access(to, F_OK)) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

int
store_file_work_as_owner(const char *database, const char *file,
                         struct vmn_error *why)
{
    char *folder = dir_name(database);
    struct stat st;
    int error = 0;

    if (geteuid() || stat(folder, &st) || !st.st_uid) {
        /* No root, no folder, or root's own. */
    } else if (setgroups(0, NULL) || setegid(st.st_gid)
               || seteuid(st.st_uid)) {
        error = file_error("work as the owner of", folder, why);
    } else if (faccessat(AT_FDCWD, file, R_OK, AT_EACCESS)
               && errno == EACCES) {
        error = vmn_error_errno(why, EACCES, "user %u, who owns %s, cannot "
                                "read %s: copy it to where that user can",
                                (unsigned int) st.st_uid, folder, file);
    }
    free(folder);
    return error;
}

int
store_file_check_place(const char *file, struct vmn_error *why)
{
    struct stat st;

    if (lstat(file, &st) || S_ISREG(st.st_mode)) {
        return 0;               /* Others say what else is wrong. */
    }
    return vmn_error_invalid(
        why, "%s is %s: name a file%s", file,
        S_ISDIR(st.st_mode) ? "a folder"
        : S_ISLNK(st.st_mode) ? "a link" : "not a file",
        S_ISDIR(st.st_mode) ? " in it" : "");
}

int
store_file_check_no_log(const char *file, struct vmn_error *why)
{
    char *log = xasprintf("%s-wal", file);
    int error = 0;

    if (!access(log, F_OK)) {
        error = vmn_error_errno(why, EEXIST, "%s is the log of another "
                                "database that was there: end the vmnd that "
                                "uses it, or remove %s and %s-wal", log,
                                file, file);
    }
    free(log);
    return error;
}

int
store_file_publish(const char *temporary, const char *file, bool replace,
                   struct vmn_error *why)
{
    int error = store_sync_path(temporary, 0, why);

    if (!error && (replace ? rename(temporary, file)
                   : rename_to_new(temporary, file))) {
        error = file_error("rename to", file, why);
    }
    return error ? error : store_sync_folder_of(file, why);
}

int
store_name_file(const char *name, int error, struct vmn_error *why)
{
    if (error && why && why->text && !strstr(why->text, name)) {
        vmn_error_prefix(why, name);
    }
    return error;
}

/* Backup.  ---------------------------------------------------------------- */

int
store_vacuum_into(sqlite3 *db, const char *to, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int error = 0;

    if (sqlite3_prepare_v2(db, "VACUUM INTO ?", -1, &stmt, NULL) != SQLITE_OK
        || sqlite3_bind_text(stmt, 1, to, -1, SQLITE_STATIC) != SQLITE_OK
        || sqlite3_step(stmt) != SQLITE_DONE) {
        error = store_error(db, why, "cannot copy it");
    }
    sqlite3_finalize(stmt);
    return error;
}

int
store_copy_file(const char *from, const char *to, struct vmn_error *why)
{
    struct stat st;
    sqlite3 *db = NULL;
    int error;

    if (stat(from, &st)) {
        return file_error("open", from, why);
    }
    if (!S_ISREG(st.st_mode) || !st.st_size) {
        return vmn_error_invalid(why, "%s is %s", from, S_ISREG(st.st_mode)
                                 ? "empty" : "not a file");
    }
    error = store_connect(from, SQLITE_OPEN_READONLY,
                          "PRAGMA trusted_schema = OFF", &db, why);
    error = error ? error : store_check_whole(db, from, true, why);
    error = error ? error : store_vacuum_into(db, to, why);
    sqlite3_close(db);
    return store_name_file(from, error, why);
}

int
store_file_backup(const char *database, const char *file, bool replace,
                  struct store_file_info *info, struct vmn_error *why)
{
    char *temporary;
    int error = store_file_make_temporary(file, &temporary, why);

    error = error ? error : store_copy_file(database, temporary, why);
    error = error ? error : store_file_verify(temporary, database, info,
                                              why);
    error = error ? error : store_file_publish(temporary, file, replace,
                                               why);
    if (error) {
        store_file_discard(temporary);
    }
    free(temporary);
    return error;
}

/* Where it is.  ----------------------------------------------------------- */

void
store_get_sizes(const char *path, struct store_stats *stats)
{
    char *log = xasprintf("%s-wal", path);
    struct statvfs disk;
    struct stat st;

    stats->size = stat(path, &st) ? 0 : st.st_size;
    stats->log_size = stat(log, &st) ? 0 : st.st_size;
    free(log);
    stats->disk_free = stats->disk_size = 0;
    if (!statvfs(path, &disk)) {
        stats->disk_free = (uint64_t) disk.f_bavail * disk.f_frsize;
        stats->disk_size = (uint64_t) disk.f_blocks * disk.f_frsize;
    }
}

int
store_check_not_emptied(const char *path, struct vmn_error *why)
{
    char *log = xasprintf("%s-wal", path);
    struct stat st;
    int error = 0;

    if ((stat(path, &st) || !st.st_size) && !stat(log, &st) && st.st_size) {
        error = vmn_error_errno(
            why, EUCLEAN, "%s is %s, but %s is not: it was overwritten, or "
            "moved without its log", path,
            access(path, F_OK) ? "not there" : "empty", log);
    }
    free(log);
    return error;
}
