/* SPDX-License-Identifier: Apache-2.0
 *
 * An SQLite VFS over the default one; see fault-vfs.h. */

#include <config.h>

#include "tests/unit/fault-vfs.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real;         /* Behind this struct. */
};

static sqlite3_vfs vfs;
static sqlite3_vfs *real_vfs;
static atomic_int countdown;    /* 0: off. */
static atomic_bool reads;       /* It is of reads. */
static atomic_bool stays;
static atomic_bool failed;
static atomic_int n_syncs;

void
fault_vfs_fail_nth(int n, bool stay)
{
    atomic_store(&reads, false);
    atomic_store(&countdown, n);
    atomic_store(&stays, stay);
    atomic_store(&failed, false);
}

void
fault_vfs_fail_nth_read(int n, bool stay)
{
    atomic_store(&countdown, 0);
    fault_vfs_fail_nth(n, stay);
    atomic_store(&reads, true);
}

int
fault_vfs_n_syncs(void)
{
    return atomic_load(&n_syncs);
}

bool
fault_vfs_has_failed(void)
{
    return atomic_load(&failed);
}

static bool
fails(bool read)
{
    if (read != atomic_load(&reads)) {
        return false;
    }
    if (!atomic_load(&countdown)) {
        return atomic_load(&failed) && atomic_load(&stays);
    }
    if (atomic_fetch_sub(&countdown, 1) == 1) {
        atomic_store(&failed, true);
        return true;
    }
    return false;
}

static sqlite3_file *
real(sqlite3_file *file)
{
    return ((struct fault_file *) file)->real;
}

static int
fault_close(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}

static int
fault_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return fails(true) ? SQLITE_IOERR_READ
                       : real(f)->pMethods->xRead(real(f), p, n, at);
}

static int
fault_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    return fails(false) ? SQLITE_FULL
                        : real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int
fault_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return fails(false) ? SQLITE_IOERR_TRUNCATE
                        : real(f)->pMethods->xTruncate(real(f), size);
}

static int
fault_sync(sqlite3_file *f, int flags)
{
    atomic_fetch_add(&n_syncs, 1);
    return fails(false) ? SQLITE_IOERR_FSYNC
                        : real(f)->pMethods->xSync(real(f), flags);
}

static int
fault_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real(f)->pMethods->xFileSize(real(f), size);
}

static int
fault_lock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xLock(real(f), level);
}

static int
fault_unlock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xUnlock(real(f), level);
}

static int
fault_check_lock(sqlite3_file *f, int *out)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int
fault_control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int
fault_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

static int
fault_device(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int
fault_shm_map(sqlite3_file *f, int page, int size, int extend,
              void volatile **p)
{
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, p);
}

static int
fault_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void
fault_shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}

static int
fault_shm_unmap(sqlite3_file *f, int delete_)
{
    return real(f)->pMethods->xShmUnmap(real(f), delete_);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_lock,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_device,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static int
fault_open(sqlite3_vfs *v OVS_UNUSED, const char *name, sqlite3_file *f,
           int flags, int *out)
{
    struct fault_file *file = (struct fault_file *) f;
    int code;

    file->real = (sqlite3_file *) (void *) (file + 1);
    code = real_vfs->xOpen(real_vfs, name, file->real, flags, out);
    file->base.pMethods = file->real->pMethods ? &methods : NULL;
    return code;
}

void
fault_vfs_register(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "fault";
    vfs.szOsFile = sizeof(struct fault_file) + real_vfs->szOsFile;
    vfs.xOpen = fault_open;
    fault_vfs_fail_nth(0, false);
    sqlite3_vfs_register(&vfs, 1);
}

void
fault_vfs_unregister(void)
{
    sqlite3_vfs_unregister(&vfs);
    sqlite3_vfs_register(real_vfs, 1);
}
