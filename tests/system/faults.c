/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives one process a wall clock that is off, and no other clock, and a disk
 * that is slow: preloaded (LD_PRELOAD) by faults.py.  What the file that
 * $VMN_FAULTS names says, a test changes while the process runs. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* As in the file. */
struct faults {
    int64_t shift_s;            /* Of the wall clock. */
    int64_t sync_ms;            /* Before each fsync() and fdatasync(). */
};

static const volatile struct faults *faults;

__attribute__((constructor)) static void
init(void)
{
    const char *path = getenv("VMN_FAULTS");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        void *page = mmap(NULL, sizeof *faults, PROT_READ, MAP_SHARED, fd, 0);

        faults = page != MAP_FAILED ? page : NULL;
        close(fd);
    }
}

/* The clock.  ------------------------------------------------------------- */

int
clock_gettime(clockid_t clock, struct timespec *now)
{
    int error = syscall(SYS_clock_gettime, clock, now);

    if (!error && faults
        && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += faults->shift_s;
    }
    return error;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec ts;

    (void) zone;
    clock_gettime(CLOCK_REALTIME, &ts);
    now->tv_sec = ts.tv_sec;
    now->tv_usec = ts.tv_nsec / 1000;
    return 0;
}

time_t
time(time_t *now)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    if (now) {
        *now = ts.tv_sec;
    }
    return ts.tv_sec;
}

/* The disk.  -------------------------------------------------------------- */

static void
be_slow(void)
{
    int64_t ms = faults ? faults->sync_ms : 0;

    if (ms > 0) {
        struct timespec rest = { ms / 1000, ms % 1000 * 1000000 };

        while (nanosleep(&rest, &rest)) {
            /* A signal. */
        }
    }
}

int
fsync(int fd)
{
    be_slow();
    return (int) syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
    be_slow();
    return (int) syscall(SYS_fdatasync, fd);
}
