/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk of the server of the cluster's database, which is a program beside
 * this one: once it is full, that server takes no part any more, also when
 * there is room again.  Not for that of this member's own file
 * (controller/store). */

#include <config.h>

#include "controller/cluster/cluster-private.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "util.h"

/* Between two looks, which wait for a disk that does not answer. */
#define DISK_MS 10000

/* Returns true if the folder is there, and how large its file system is. */
static bool
look(const struct cluster *c, uint64_t *free, uint64_t *size)
{
    struct statvfs disk;

    *free = *size = 0;
    if (!c->options->database_dir
        || statvfs(c->options->database_dir, &disk)) {
        return false;
    }
    *free = (uint64_t) disk.f_bavail * disk.f_frsize;
    *size = (uint64_t) disk.f_blocks * disk.f_frsize;
    return *size > 0;
}

bool
cluster_get_disk(const struct cluster *c, uint64_t *free, uint64_t *size)
{
    struct stat own, theirs;

    return (look(c, free, size)
            && !stat(c->options->database_dir, &theirs)
            && !stat(c->options->state, &own)
            && own.st_dev != theirs.st_dev);
}

int64_t
cluster_disk_used(struct cluster *c, int64_t now_ms)
{
    uint64_t free, size;

    if (!c->disk_ms || now_ms >= c->disk_ms + DISK_MS) {
        c->disk_ms = now_ms;
        c->disk = (look(c, &free, &size)
                   ? MAX(100 - (int64_t) (100.0 * free / size), 1) : 0);
    }
    return c->disk;
}
