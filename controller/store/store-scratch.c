/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that a restore makes beside the database, for as long as it runs, and
 * the removal of those that a killed one has left.  A dry run's are named by
 * its process, or a number behind that; a lock on them, not that number, which
 * means nothing in another container, says that they are in use. */

#include <config.h>

#include "controller/store/store-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirs.h"
#include "svec.h"
#include "util.h"

/* Names that are collected at once: what others leave in the folder must not
 * fill the memory. */
#define STALE_MAX 1000
/* So many names of a dry run's files are tried. */
#define DRY_RUNS_MAX 100

static char *
former_name(const char *copy)
{
    return xasprintf("%s.former", copy);
}

/* Removes both files.  'copy', whose lock is held, last: without it nobody
 * would find the other. */
static void
remove_both(const char *copy)
{
    char *former = former_name(copy);

    store_remove_file(former);
    store_remove_file(copy);
    free(former);
}

/* Opens and locks 'copy', which may be removed in between by another that
 * takes it for stale.  Returns 0 or a positive errno. */
static int
open_locked(const char *copy, int flags, int *fd)
{
    struct stat ours, now;
    int error;

    *fd = open(copy, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (*fd < 0) {
        return errno;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB)) {
        error = (errno == EWOULDBLOCK ? EBUSY
                 : errno == EINTR ? EAGAIN : errno);
    } else if (!fstat(*fd, &ours) && !stat(copy, &now)
               && ours.st_dev == now.st_dev && ours.st_ino == now.st_ino) {
        return 0;
    } else {
        error = EAGAIN;
    }
    close(*fd);
    *fd = -1;
    return error;
}

/* Makes 'copy' and locks it.  Returns 0 or a positive errno. */
static int
make_locked(struct store_scratch *scratch, char *copy)
{
    int error;

    scratch->copy = copy;
    scratch->former = former_name(copy);
    do {
        error = open_locked(copy, O_CREAT, &scratch->fd);
    } while (error == EAGAIN);
    return error;
}

static void
free_names(struct store_scratch *scratch)
{
    free(scratch->former);
    free(scratch->copy);
}

int
store_scratch_make(struct store_scratch *scratch, const char *database,
                   bool dry_run, struct vmn_error *why)
{
    long int number = getpid();
    int error;

    if (!dry_run) {
        error = make_locked(scratch, xasprintf("%s.restore-part", database));
    } else {
        /* A process of another container may have the same number. */
        for (int i = 0; ; i++) {
            error = make_locked(scratch, xasprintf("%s.restore-dry-run-%ld",
                                                   database, number + i));
            if (error != EBUSY || i + 1 >= DRY_RUNS_MAX) {
                break;
            }
            free_names(scratch);
        }
    }
    if (error) {
        vmn_error_errno(why, error, "cannot make %s: %s", scratch->copy,
                        ovs_strerror(error));
        free_names(scratch);
    }
    return error;
}

void
store_scratch_remove(struct store_scratch *scratch)
{
    remove_both(scratch->copy);
    close(scratch->fd);
    free_names(scratch);
}

/* Returns the length of what 'name' has of 'base' and a number, or 0 if it
 * does not begin so, and goes on with a suffix. */
static size_t
stale_length(const char *name, const char *base)
{
    size_t n = strlen(base), n_digits;

    if (strncmp(name, base, n)) {
        return 0;
    }
    n_digits = strspn(name + n, "0123456789");
    return (n_digits && (!name[n + n_digits] || name[n + n_digits] == '.'
                         || name[n + n_digits] == '-')
            ? n + n_digits : 0);
}

/* Adds to 'names' what there is of dry runs' files in 'folder', each name as
 * often as it has files. */
static void
find_dry_runs(const char *folder, const char *base, struct svec *names)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    while (dir && names->n < STALE_MAX && (entry = readdir(dir))) {
        size_t n = stale_length(entry->d_name, base);

        if (n) {
            svec_add_nocopy(names, xasprintf("%s/%.*s", folder, (int) n,
                                             entry->d_name));
        }
    }
    if (dir) {
        closedir(dir);
    }
}

void
store_scratch_remove_stale(const char *database, bool locked)
{
    struct svec names = SVEC_EMPTY_INITIALIZER;
    char *folder = dir_name(database);
    char *file = base_name(database);
    char *base = xasprintf("%s.restore-dry-run-", file);

    find_dry_runs(folder, base, &names);
    svec_sort_unique(&names);
    for (size_t i = 0; i < names.n; i++) {
        int fd;

        if (!open_locked(names.names[i], O_CREAT, &fd)) {
            remove_both(names.names[i]);
            close(fd);
        }
    }
    if (locked) {
        char *copy = xasprintf("%s.restore-part", database);

        remove_both(copy);
        free(copy);
    }
    svec_destroy(&names);
    free(base);
    free(file);
    free(folder);
}
