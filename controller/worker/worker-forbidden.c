/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of the C library that an app must not call: in a worker they are
 * these, which say so and end it.  That is for authors; what an app gets at in
 * other ways the sandbox refuses (worker-sandbox.h).
 *
 * Their types do not matter, so no header of theirs is included. */

#include "controller/worker/worker-main.h"

#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"

#define FORBID(NAME, WHY)                                       \
    void NAME(void);                                            \
    void                                                        \
    NAME(void)                                                  \
    {                                                           \
        worker_refuse("called " #NAME "(): an app " WHY);    \
    }

#define CLOCK "reads no clock"
/* Lua mixes the time into its hashes when it begins; it gets the same one each
 * time. */
#define FORBID_LATER(NAME, WHY)                                         \
    long NAME(void *);                                                  \
    long                                                                \
    NAME(void *p)                                                       \
    {                                                                   \
        if (worker_has_begun() || p) {                                  \
            worker_refuse("called " #NAME "(): an app " WHY);           \
        }                                                               \
        return 0;                                                       \
    }
FORBID_LATER(time, CLOCK)
FORBID(gettimeofday, CLOCK)
FORBID(clock_gettime, CLOCK)
FORBID(clock, CLOCK)

#define RANDOM "has no random numbers"
#ifndef __SANITIZE_ADDRESS__    /* Its runtime calls it. */
FORBID(getrandom, RANDOM)
#endif
FORBID(getentropy, RANDOM)
FORBID(rand, RANDOM)
FORBID(random, RANDOM)
FORBID(drand48, RANDOM)
FORBID(lrand48, RANDOM)

#define FILES "opens no file"
FORBID(open, FILES)
FORBID(open64, FILES)
FORBID(openat, FILES)
FORBID(openat64, FILES)
FORBID(creat, FILES)
FORBID(fopen, FILES)
FORBID(fopen64, FILES)
FORBID(opendir, FILES)

#define NETWORK "has no network"
FORBID(socket, NETWORK)
FORBID(connect, NETWORK)
FORBID(getaddrinfo, NETWORK)

#define PROCESS "starts no process"
FORBID(fork, PROCESS)
FORBID(vfork, PROCESS)
FORBID(posix_spawn, PROCESS)
FORBID(execve, PROCESS)
FORBID(system, PROCESS)
FORBID(popen, PROCESS)

FORBID(pthread_create, "starts no thread")
FORBID(kill, "sends no signal")

#define WAIT "does not wait"
FORBID(sleep, WAIT)
FORBID(usleep, WAIT)
FORBID(nanosleep, WAIT)
FORBID(poll, WAIT)
FORBID(select, WAIT)
