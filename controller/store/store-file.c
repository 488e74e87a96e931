/* SPDX-License-Identifier: Apache-2.0
 *
 * Database files: saving and publishing them; see store-file.h.  Whether one
 * is sound is for store-verify.c. */

#include <config.h>

#include "controller/store/store-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/store/store-private.h"
#include "dirs.h"
#include "util.h"

/* Files.  ----------------------------------------------------------------- */

static int
file_error(const char *doing, const char *file, char **text)
{
    int error = errno;

    *text = xasprintf("cannot %s %s: %s", doing, file, ovs_strerror(error));
    return error;
}

int
store_make_file(const char *path, char **text)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        return file_error("open", path, text);
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
store_file_make_temporary(const char *file, char **name, char **text)
{
    *name = xasprintf("%s.XXXXXX", file);

    int fd = mkostemp(*name, O_CLOEXEC);
    if (fd < 0) {
        int error = file_error("make", *name, text);

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

int
store_sync_path(const char *path, int flags, char **text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    int error = 0;

    if (fd < 0 || fsync(fd)) {
        error = file_error("sync", path, text);
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

int
store_sync_folder_of(const char *path, char **text)
{
    char *folder = dir_name(path);
    int error = store_sync_path(folder, O_DIRECTORY, text);

    free(folder);
    return error;
}

int
store_file_publish(const char *temporary, const char *file, char **text)
{
    int error = store_sync_path(temporary, 0, text);

    if (!error && rename(temporary, file)) {
        error = file_error("rename to", file, text);
    }
    return error ? error : store_sync_folder_of(file, text);
}

int
store_name_file(const char *name, int error, char **text)
{
    if (error && *text && !strstr(*text, name)) {
        char *sentence = xasprintf("%s: %s", name, *text);

        free(*text);
        *text = sentence;
    }
    return error;
}

/* Saving.  ---------------------------------------------------------------- */

int
store_vacuum_into(sqlite3 *db, const char *to, char **text)
{
    sqlite3_stmt *stmt = NULL;
    int error = 0;

    if (sqlite3_prepare_v2(db, "VACUUM INTO ?", -1, &stmt, NULL) != SQLITE_OK
        || sqlite3_bind_text(stmt, 1, to, -1, SQLITE_STATIC) != SQLITE_OK
        || sqlite3_step(stmt) != SQLITE_DONE) {
        error = store_error(db, text, "cannot copy it");
    }
    sqlite3_finalize(stmt);
    return error;
}

int
store_copy_file(const char *from, const char *to, char **text)
{
    struct stat st;
    sqlite3 *db = NULL;
    int error;

    if (stat(from, &st)) {
        return file_error("open", from, text);
    }
    if (!S_ISREG(st.st_mode) || !st.st_size) {
        *text = xasprintf("%s is %s", from, S_ISREG(st.st_mode)
                          ? "empty" : "not a file");
        return EINVAL;
    }
    error = store_connect(from, SQLITE_OPEN_READONLY,
                          "PRAGMA trusted_schema = OFF", &db, text);
    error = error ? error : store_check_whole(db, from, true, text);
    error = error ? error : store_vacuum_into(db, to, text);
    sqlite3_close(db);
    return store_name_file(from, error, text);
}

int
store_file_backup(const char *database, const char *file,
                  struct store_file_info *info, char **text)
{
    char *temporary;
    int error = store_file_make_temporary(file, &temporary, text);

    *text = error ? *text : NULL;
    error = error ? error : store_copy_file(database, temporary, text);
    error = error ? error : store_file_verify(temporary, database, info,
                                              text);
    error = error ? error : store_file_publish(temporary, file, text);
    if (error) {
        store_file_discard(temporary);
    }
    free(temporary);
    return error;
}
