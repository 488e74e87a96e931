/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox of workers; see worker-sandbox.h. */

#include <config.h>

#include "controller/worker/worker-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(sigaltstack),
};

/* What dlopen() needs besides. */
static const int loading[] = {
    SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(lseek),
    SCMP_SYS(pread64), SCMP_SYS(access), SCMP_SYS(readlink),
    SCMP_SYS(getcwd), SCMP_SYS(seccomp), SCMP_SYS(statx),
    SCMP_SYS(readlinkat), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime),
    SCMP_SYS(setrlimit), SCMP_SYS(close_range),
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
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t) getpid()),
                            SCMP_A2(SCMP_CMP_EQ, SIGABRT));
}

/* The handler of SIGSYS stays: see worker_sandbox_begin(). */
static int
allow_handlers(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), 1,
                            SCMP_A0(SCMP_CMP_NE, SIGSYS));
}

/* What makes the sandbox narrower, and of limits only our own. */
static int
allow_narrowing(scmp_filter_ctx filter)
{
    static const int options[] = { PR_SET_NO_NEW_PRIVS, PR_SET_TSC,
                                   PR_SET_SECCOMP };
    int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64),
                                 1, SCMP_A0(SCMP_CMP_EQ, 0));

    for (size_t i = 0; i < ARRAY_SIZE(options) && !error; i++) {
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                 SCMP_A0(SCMP_CMP_EQ, options[i]));
    }
    return error;
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
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int error;

    if (!filter) {
        return ENOMEM;
    }
    error = allow(filter, computing, ARRAY_SIZE(computing));
    error = error ? error : allow(filter, reporting, ARRAY_SIZE(reporting));
    error = error ? error : allow_memory(filter, is_loading);
    error = error ? error : allow_own_signals(filter);
    error = error ? error : allow_handlers(filter);
    if (!error && is_loading) {
        error = allow(filter, loading, ARRAY_SIZE(loading));
        error = error ? error : allow_narrowing(filter);
        error = error ? error : allow_reading(filter);
    }
    if (!error && WORKER_IS_SANITIZED) {
        error = allow(filter, sanitizing, ARRAY_SIZE(sanitizing));
    }
    error = error ? error : seccomp_load(filter);
    seccomp_release(filter);
    return -error;
}

/* Files.  A module's constructors run while files may be opened: no others
 * than libraries, if the kernel has Landlock (landlock(7)).  The module itself
 * is in no folder, which Landlock lets pass. ----------------------------- */

#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE)
#define ALL_RIGHTS (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1)

/* open() is not to be called here (worker-forbidden.c). */
static int
open_file(const char *path, int flags)
{
    return syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC);
}

static void
allow_path(int ruleset, const char *path)
{
    struct landlock_path_beneath_attr rule = {
        .parent_fd = open_file(path, O_PATH) };
    struct stat s;

    if (rule.parent_fd < 0 || fstat(rule.parent_fd, &s)) {
        return;
    }
    rule.allowed_access = FILE_RIGHTS;
    if (S_ISDIR(s.st_mode)) {
        rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    }
    /* What cannot be allowed is not. */
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule,
            0);
    close(rule.parent_fd);
}

static int
confine_files(void)
{
    static const char *const paths[] = {
        "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
        "/etc/ld.so.cache",
    };
    const struct landlock_ruleset_attr rules = {
        .handled_access_fs = ALL_RIGHTS };
    int ruleset = syscall(SYS_landlock_create_ruleset, &rules, sizeof rules,
                          0);
    int error = 0;

    if (ruleset < 0) {
        return 0;               /* The kernel has none. */
    }
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        allow_path(ruleset, paths[i]);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        || syscall(SYS_landlock_restrict_self, ruleset, 0)) {
        error = errno;
    }
    close(ruleset);
    return error;
}

/* If memory runs out, this is to end before all others. */
static void
volunteer(void)
{
    int fd = open_file("/proc/self/oom_score_adj", O_WRONLY);

    if (fd >= 0) {
        if (write(fd, "1000", 4) != 4) {
            /* Then it does not. */
        }
        close(fd);
    }
}

static int
limit(int resource, rlim_t value)
{
    const struct rlimit both = { .rlim_cur = value, .rlim_max = value };

    return setrlimit(resource, &both) ? errno : 0;
}

static int
compare_bytes(const void *a, const void *b)
{
    return *(const unsigned char *) a - *(const unsigned char *) b;
}

/* Sorts something, for glibc to have asked how much memory there is
 * (sysinfo(2)): before release 2.39 the first qsort() of more than 1,024 bytes
 * does so, and an app's would end the worker. */
static void
prepare_qsort(void)
{
    unsigned char bytes[4096] = { 1 };

    qsort(bytes, sizeof bytes, 1, compare_bytes);
}

int
worker_sandbox_begin(void (*trapped)(int, siginfo_t *, void *))
{
    const struct sigaction action = {
        .sa_sigaction = trapped, .sa_flags = SA_SIGINFO,
    };
    const rlim_t memory = (rlim_t) WORKER_MEMORY_MIB << 20;
    int error;

    volunteer();
    prepare_qsort();
    /* It ends with vmnd, also in the middle of a computation. */
    if (sigaction(SIGSYS, &action, NULL)
        || prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_DUMPABLE, 0)
        || close_range(WORKER_MODULE_FD + 1, ~0u, 0)) {
        return errno;
    }
    error = WORKER_IS_SANITIZED ? 0 : confine_files();
    error = error ? error : limit(RLIMIT_CORE, 0);
    error = error ? error : limit(RLIMIT_NOFILE, 64);
    if (!error && !WORKER_IS_SANITIZED) {
        error = limit(RLIMIT_FSIZE, 0);
        error = error ? error : limit(RLIMIT_AS, memory);
    }
    return error ? error : load_filter(true);
}

int
worker_sandbox_close(void)
{
    int error = close_range(WORKER_MODULE_FD, ~0u, 0) ? errno : 0;

    if (!error && !WORKER_IS_SANITIZED) {
        error = limit(RLIMIT_NOFILE, WORKER_FD + 1);
    }
#ifdef PR_SET_TSC
    /* Without it, the processor's counter is a clock that no filter sees.
     * Where that cannot be taken away, it stays. */
    if (!error && !WORKER_IS_SANITIZED) {
        prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
    }
#endif
    return error ? error : load_filter(false);
}
