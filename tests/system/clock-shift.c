/* SPDX-License-Identifier: Apache-2.0
 *
 * Shifts the wall clock of one process, and no other clock: preloaded
 * (LD_PRELOAD) by test_clock.py.  The shift, in seconds, is an int64_t in the
 * file that $VMN_CLOCK_SHIFT names, which the test writes while the process
 * runs. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;

__attribute__((constructor)) static void
init(void)
{
    const char *path = getenv("VMN_CLOCK_SHIFT");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        void *page = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);

        shift = page != MAP_FAILED ? page : NULL;
        close(fd);
    }
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
    int error = syscall(SYS_clock_gettime, clock, now);

    if (!error && shift
        && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += *shift;
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
