/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker may do: compute, with the memory that it gets, and talk to
 * vmnd.  Its resources are limited (setrlimit(2)), and its system calls
 * filtered (seccomp(2)): first to what loads a module, then to what remains.
 * Not for how long it may compute: vmnd sees to that (worker-process.h). */

#ifndef CONTROLLER_WORKER_WORKER_SANDBOX_H
#define CONTROLLER_WORKER_WORKER_SANDBOX_H 1

#include <signal.h>

/* The file descriptors of a worker: the socket to vmnd, and the module. */
#define WORKER_FD 3
#define WORKER_MODULE_FD 4

/* A build with AddressSanitizer reserves terabytes of addresses, so that its
 * memory is limited by its own option. */
#ifdef __SANITIZE_ADDRESS__
#define WORKER_IS_SANITIZED 1
#else
#define WORKER_IS_SANITIZED 0
#endif
/* The environment of a worker. */
#define WORKER_SANITIZERS \
    "ASAN_OPTIONS=detect_leaks=0:hard_rss_limit_mb=768:handle_segv=0:" \
    "handle_abort=0:handle_sigfpe=0:handle_sigbus=0:handle_sigill=0:" \
    "use_sigaltstack=0"

/* Before the module is loaded, whose constructors are the app's already.
 * Returns 0, or a positive errno.  A system call that is refused raises
 * SIGSYS, for which the sandbox has no other handler than 'trapped', from then
 * on.  It does not return. */
int worker_sandbox_begin(void (*trapped)(int, siginfo_t *, void *));
/* After that. */
int worker_sandbox_close(void);

#endif /* controller/worker/worker-sandbox.h */
