/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox of workers; see worker-sandbox.h. */

#include <config.h>

#include "controller/worker/worker-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "controller/worker/app-worker.h"
#include "util.h"

/* System calls of a worker that computes.  Each is about its own memory, its
 * own end, or files that are open already. */
static const int computing[] = {
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(writev),
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
    SCMP_SYS(futex), SCMP_SYS(getcpu), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
};

/* What abort() and the sanitizers' reports need.  A signal can only be sent to
 * oneself: see allow_own_signals(). */
static const int reporting[] = {
    SCMP_SYS(rt_sigaction), SCMP_SYS(getpid), SCMP_SYS(gettid),
    SCMP_SYS(sigaltstack),
};

/* What dlopen() needs besides. */
static const int loading[] = {
    SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(lseek),
    SCMP_SYS(pread64), SCMP_SYS(access), SCMP_SYS(readlink),
    SCMP_SYS(getcwd), SCMP_SYS(prctl), SCMP_SYS(seccomp),
    SCMP_SYS(statx), SCMP_SYS(readlinkat), SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime), SCMP_SYS(setrlimit), SCMP_SYS(prlimit64),
};

/* What the sanitizers' runtime does now and then. */
static const int sanitizing[] = {
    SCMP_SYS(mprotect), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep), SCMP_SYS(getrusage), SCMP_SYS(open),
    SCMP_SYS(openat), SCMP_SYS(close), SCMP_SYS(readlink), SCMP_SYS(fstat),
    SCMP_SYS(newfstatat), SCMP_SYS(lseek), SCMP_SYS(clone), SCMP_SYS(clone3),
    SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(prctl),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(getrlimit), SCMP_SYS(prlimit64),
};

static int
allow(scmp_filter_ctx filter, const int calls[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);

        if (error) {
            return error;
        }
    }
    return 0;
}

/* Memory that may be written, or executed, but not both: and once the module
 * is loaded, none to be executed. */
static int
allow_memory(scmp_filter_ctx filter, bool executable)
{
    int error = seccomp_rule_add(
        filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

    if (!error && executable) {
        error = seccomp_rule_add(
            filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE, 0));
        if (!error) {
            error = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
                                     SCMP_SYS(mprotect), 0);
        }
    }
    return error;
}

static int
allow_own_signals(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t) getpid()));
}

/* Files may be read while modules are loaded: their libraries are. */
static int
allow_reading(scmp_filter_ctx filter)
{
    return seccomp_rule_add(
        filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
        SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
}

static int
load_filter(bool is_loading)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int error;

    if (!filter) {
        return ENOMEM;
    }
    error = allow(filter, computing, ARRAY_SIZE(computing));
    error = error ? error : allow(filter, reporting, ARRAY_SIZE(reporting));
    error = error ? error : allow_memory(filter, is_loading);
    error = error ? error : allow_own_signals(filter);
    if (!error && is_loading) {
        error = allow(filter, loading, ARRAY_SIZE(loading));
        error = error ? error : allow_reading(filter);
    }
    if (!error && WORKER_IS_SANITIZED) {
        error = allow(filter, sanitizing, ARRAY_SIZE(sanitizing));
    }
    error = error ? error : seccomp_load(filter);
    seccomp_release(filter);
    return -error;
}

static int
limit(int resource, rlim_t value)
{
    const struct rlimit both = { .rlim_cur = value, .rlim_max = value };

    return setrlimit(resource, &both) ? errno : 0;
}

int
worker_sandbox_begin(void)
{
    int error;

    /* It ends with vmnd, also in the middle of a computation. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_DUMPABLE, 0)
        || close_range(WORKER_MODULE_FD + 1, ~0u, 0)) {
        return errno;
    }
    error = limit(RLIMIT_CORE, 0);
    error = error ? error : WORKER_IS_SANITIZED ? 0 : limit(RLIMIT_FSIZE, 0);
    error = error ? error : limit(RLIMIT_NOFILE, 64);
    if (!error && !WORKER_IS_SANITIZED) {
        error = limit(RLIMIT_AS, (rlim_t) WORKER_MEMORY_MIB << 20);
    }
    return error ? error : load_filter(true);
}

int
worker_sandbox_close(void)
{
    int error;

    close(WORKER_MODULE_FD);
    error = WORKER_IS_SANITIZED ? 0 : limit(RLIMIT_NOFILE, WORKER_FD + 1);
#ifdef PR_SET_TSC
    /* Without it, the processor's counter is a clock that no filter sees.
     * Where that cannot be taken away, it stays. */
    if (!error && !WORKER_IS_SANITIZED) {
        prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
    }
#endif
    return error ? error : load_filter(false);
}
