/* SPDX-License-Identifier: Apache-2.0
 *
 * "PATH.lock": makes sure that only one process uses the database at PATH.  It
 * contains the process ID, for the error messages of others. */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/* Opens the lock file, and creates it if it does not exist. */
static int
open_lock(struct store_lock *lock)
{
    static const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;

    lock->fd = open(lock->name, flags | O_CREAT | O_EXCL, 0600);
    lock->made = lock->fd >= 0;
    if (lock->fd < 0 && errno == EEXIST) {
        lock->fd = open(lock->name, flags);
    }
    return lock->fd < 0 ? errno : 0;
}

/* Locks the open file.  A process that fails later removes the lock file that
 * it created: then the open file is no longer the one that others find. */
static int
lock_file(struct store_lock *lock)
{
    struct stat ours, now;

    if (flock(lock->fd, LOCK_EX | LOCK_NB)) {
        return EBUSY;
    }
    return (!fstat(lock->fd, &ours) && !stat(lock->name, &now)
            && ours.st_dev == now.st_dev && ours.st_ino == now.st_ino
            ? 0 : ENOENT);
}

static int
write_pid(struct store_lock *lock, struct vmn_error *why)
{
    char pid[16];

    snprintf(pid, sizeof pid, "%ld\n", (long) getpid());
    if (ftruncate(lock->fd, 0)
        || pwrite(lock->fd, pid, strlen(pid), 0) < 0) {
        int error = errno;

        return vmn_error_errno(why, error, "cannot write %s: %s", lock->name,
                               ovs_strerror(error));
    }
    return 0;
}

int
store_lock_take(struct store_lock *lock, const char *path,
                struct vmn_error *why)
{
    char pid[16] = "";
    int error;

    lock->name = xasprintf("%s.lock", path);
    error = open_lock(lock);
    if (error) {
        return vmn_error_errno(why, error, "cannot open %s: %s", lock->name,
                               ovs_strerror(error));
    }
    error = lock_file(lock);
    lock->made &= !error;       /* Only who holds it may remove it. */
    if (error == EBUSY) {
        ssize_t n = read(lock->fd, pid, sizeof pid - 1);

        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        vmn_error_errno(why, error, "%s is in use by the vmnd with "
                        "process ID %s", path, *pid ? pid : "unknown");
    } else if (error) {
        vmn_error_errno(why, error, "%s went away: another vmnd is trying to "
                        "start", lock->name);
    } else {
        error = write_pid(lock, why);
    }
    return error;
}

void
store_lock_release(struct store_lock *lock, bool undo)
{
    if (undo && lock->made) {
        unlink(lock->name);     /* While it is held. */
    }
    if (lock->name && lock->fd >= 0) {
        close(lock->fd);
    }
    free(lock->name);
    *lock = (struct store_lock) { .fd = -1 };
}
