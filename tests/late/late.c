/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes some threads of ovs-vswitchd late: preloaded (LD_PRELOAD) by
 * tests/late/run.  $VMN_LATE is NAME:MIN-MAX: each time a thread whose name
 * begins with NAME has waited in poll(), it sleeps for MIN to MAX
 * milliseconds.  A poll() that does not wait is not delayed: by it Open
 * vSwitch looks whether a latch is set, several times a round.  Other threads,
 * and processes without the variable, are as ever. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* What $VMN_LATE says; no thread is late if 'name' is empty. */
static char name[16];
static unsigned int min_ms, max_ms;

static int (*real_poll)(struct pollfd *, nfds_t, int);

__attribute__((constructor)) static void
init(void)
{
    const char *late = getenv("VMN_LATE");

    *(void **) &real_poll = dlsym(RTLD_NEXT, "poll");
    if (late && (sscanf(late, "%15[^:]:%u-%u", name, &min_ms, &max_ms) != 3
                 || min_ms > max_ms || max_ms > 60000)) {
        fprintf(stderr, "VMN_LATE is not NAME:MIN-MAX, in milliseconds\n");
        exit(2);
    }
}

/* A thread has its name before it first polls. */
static bool
is_late(void)
{
    static __thread enum { UNKNOWN, NO, YES } late;

    if (!late) {
        char own[16] = "";

        prctl(PR_GET_NAME, own);
        late = *name && !strncmp(own, name, strlen(name)) ? YES : NO;
    }
    return late == YES;
}

static void
sleep_some(void)
{
    static __thread unsigned int seed = 1;
    unsigned int ms = min_ms + (unsigned int) rand_r(&seed)
                      % (max_ms - min_ms + 1);
    struct timespec left = { ms / 1000, ms % 1000 * 1000000L };

    while (nanosleep(&left, &left) && errno == EINTR) {
        continue;
    }
}

int
poll(struct pollfd *fds, nfds_t n_fds, int timeout_ms)
{
    int n = real_poll(fds, n_fds, timeout_ms);
    int error = errno;

    if (timeout_ms && is_late()) {
        sleep_some();
    }
    errno = error;
    return n;
}
