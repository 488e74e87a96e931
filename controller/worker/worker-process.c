/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes of workers; see worker-process.h. */

#include <config.h>

#include "controller/worker/worker-process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/landlock.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/worker/app-worker.h"
#include "controller/worker/worker-sandbox.h"
#include "controller/worker/worker-wire.h"
#include "openvswitch/ofpbuf.h"
#include "socket-util.h"
#include "timeval.h"
#include "util.h"

/* How long to wait for the worker, before its time is looked at and others get
 * theirs. */
#define SLICE_MS 10
/* A module is not larger than this. */
#define MODULE_MAX (256 << 20)
/* Characters of its name that its copy keeps (memfd_create(2)). */
#define NAME_LEN_MAX 200
/* Bytes that are read at a time. */
#define CHUNK 65536
/* What is read of /proc/PID/status. */
#define STATUS_SIZE 4096

/* Modules.  --------------------------------------------------------------- */

static int
put_bytes(int to, const char *bytes, size_t n)
{
    for (size_t done = 0; done < n; ) {
        ssize_t written = write(to, bytes + done, n - done);

        if (written < 0) {
            return errno;
        }
        done += written;
    }
    return 0;
}

static int
copy_bytes(int from, int to)
{
    size_t total = 0;

    for (;;) {
        char bytes[16384];
        ssize_t n = read(from, bytes, sizeof bytes);
        int error;

        if (n <= 0) {
            return n ? errno : 0;
        }
        total += n;
        if (total > MODULE_MAX) {
            return EFBIG;
        }
        error = put_bytes(to, bytes, n);
        if (error) {
            return error;
        }
    }
}

/* Makes a file in memory with the name of 'file', by its end if it is too
 * long: a worker sees by it whether it is a script. */
static int
create_copy(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    size_t len = strlen(name);

    return memfd_create(name + (len > NAME_LEN_MAX ? len - NAME_LEN_MAX : 0),
                        MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* Returns 'fd', of a file in memory that was written with that result, or a
 * negative errno; nobody can write to it from then on. */
static int
seal(int fd, int error)
{
    if (!error && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK
                                         | F_SEAL_GROW | F_SEAL_SEAL)) {
        error = errno;
    }
    if (error && fd >= 0) {
        close(fd);
    }
    return error ? -error : fd;
}

int
worker_module_copy(const char *file)
{
    int from = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat s;
    int error, to;

    if (from < 0) {
        return -errno;
    }
    if (fstat(from, &s) || !S_ISREG(s.st_mode)) {
        close(from);
        return -EINVAL;
    }
    to = create_copy(file);
    error = to < 0 ? errno : copy_bytes(from, to);
    close(from);
    return seal(to, error);
}

int
worker_module_make(const char *file, const void *content, size_t size)
{
    int to = create_copy(file);

    return seal(to, to < 0 ? errno : put_bytes(to, content, size));
}

/* Starting.  -------------------------------------------------------------- */

/* The other end gets what the sandbox expects, and nothing else of ours: all
 * our files close when another program is started. */
static int
spawn(pid_t *pid, const char *program, int fd, int module_fd)
{
    char *argv[] = { CONST_CAST(char *, "vmn-app-worker"), NULL };
    char *envp[] = { CONST_CAST(char *, WORKER_SANITIZERS), NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    int error;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, fd, WORKER_FD);
    posix_spawn_file_actions_adddup2(&files, module_fd, WORKER_MODULE_FD);

    posix_spawnattr_init(&attributes);
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    error = posix_spawn(pid, program, &files, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* Makes a copy of a file descriptor that is above those of the worker, so that
 * these can be set in any order; closes 'fd'.  Returns it, or -1. */
static int
move_up(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, WORKER_MODULE_FD + 1);

    close(fd);
    return moved;
}

/* Opens what the process's state and time are read from.  It waits for our
 * first message meanwhile: later it is hidden (PR_SET_DUMPABLE), where /proc
 * hides such processes. */
static int
watch(struct worker_process *process)
{
    char path[32];
    int error = clock_getcpuclockid(process->pid, &process->cpu_clock);

    if (error) {
        return error;
    }
    snprintf(path, sizeof path, "/proc/%ld/status", (long) process->pid);
    process->status_fd = open(path, O_RDONLY | O_CLOEXEC);
    return process->status_fd < 0 ? errno : 0;
}

int
worker_process_start(struct worker_process *process, const char *program,
                     int module_fd)
{
    int fds[2], module, error;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) {
        return errno;
    }
    set_nonblocking(fds[0]);
    fds[1] = move_up(fds[1]);
    module = fcntl(module_fd, F_DUPFD_CLOEXEC, WORKER_MODULE_FD + 1);
    if (fds[1] < 0 || module < 0) {
        error = errno;
    } else {
        error = spawn(&process->pid, program, fds[1], module);
    }
    if (fds[1] >= 0) {
        close(fds[1]);
    }
    if (module >= 0) {
        close(module);
    }
    if (!error) {
        error = watch(process);
        if (error) {
            kill(process->pid, SIGKILL);
            waitpid(process->pid, NULL, 0);
        }
    }
    if (error) {
        close(fds[0]);
        process->pid = 0;
        return error;
    }
    process->fd = fds[0];
    process->closed = false;
    return 0;
}

/* Time.  ------------------------------------------------------------------ */

static int64_t
cpu_ms(const struct worker_process *process)
{
    struct timespec now = { .tv_sec = 0 };

    clock_gettime(process->cpu_clock, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Reads what /proc says of the process into 'text'. */
static void
read_status(const struct worker_process *process, char *text, size_t size)
{
    ssize_t n = pread(process->status_fd, text, size - 1, 0);

    text[MAX(n, 0)] = '\0';
}

/* Returns the number in line 'name' of /proc/PID/status, or -1. */
static int
status_number(const char *status, const char *name)
{
    const char *line = strstr(status, name);
    int number;

    return line && ovs_scan(line + strlen(name), "%d", &number) ? number : -1;
}

/* Returns true if the process waits by itself: it is neither stopped, nor
 * waits for a processor or a disk. */
static bool
is_asleep(const struct worker_process *process)
{
    char status[STATUS_SIZE];

    read_status(process, status, sizeof status);
    return strstr(status, "\nState:\tS") != NULL;
}

bool
worker_process_is_filtered(const struct worker_process *process, int n)
{
    char status[STATUS_SIZE];
    int ours;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    struct worker_process self = { .status_fd = fd };

    read_status(&self, status, sizeof status);
    ours = status_number(status, "\nSeccomp_filters:");
    if (fd >= 0) {
        close(fd);
    }
    read_status(process, status, sizeof status);
    return (ours >= 0
            && status_number(status, "\nSeccomp_filters:") == ours + n
            && status_number(status, "\nNoNewPrivs:") == 1);
}

bool
worker_files_are_confined(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0,
                   LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

void
worker_timer_start(struct worker_timer *timer, int cpu_limit_ms,
                   int sleep_ms, int64_t end_ms)
{
    timer->cpu_ms = cpu_limit_ms;
    timer->sleep_ms = sleep_ms;
    timer->reads_us = 0;
    timer->end_ms = end_ms;
    timer->next_ms = time_msec() + SLICE_MS;
    timer->slept_ms = 0;
    timer->measured = false;
}

void
worker_timer_forget(struct worker_timer *timer)
{
    timer->measured = false;
}

char *
worker_timer_check(const struct worker_process *process,
                   struct worker_timer *timer)
{
    int64_t now = time_msec(), late_ms = now - timer->next_ms;

    if (late_ms < 0) {
        return NULL;
    }
    timer->next_ms = now + SLICE_MS;
    if (!timer->measured) {
        timer->measured = true;
        timer->start_cpu_ms = cpu_ms(process);
    } else if (cpu_ms(process) - timer->start_cpu_ms
               > timer->cpu_ms + timer->reads_us / 1000) {
        return xasprintf("took more than %d ms of processor time",
                         timer->cpu_ms);
    }
    if (is_asleep(process)) {
        timer->slept_ms += SLICE_MS + MIN(late_ms, SLICE_MS);
        if (timer->slept_ms > timer->sleep_ms) {
            return xasprintf("took more than %d ms", timer->sleep_ms);
        }
    }
    return NULL;
}

/* Messages.  -------------------------------------------------------------- */

static bool
is_for_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Returns how many bytes the message in 'in' lacks, as far as that is known; 0
 * if it is whole.  '*dropped' bytes are not missing: those beyond the head are
 * added to it, if the message is too large.  Sets '*bad' if it is none. */
static size_t
missing(struct worker_talk *talk, bool *bad)
{
    struct ofpbuf *in = talk->in;
    struct worker_head head;

    if (in->size < sizeof head) {
        return sizeof head - in->size;
    }
    memcpy(&head, in->data, sizeof head);
    if (head.size < sizeof head || head.size > WORKER_MESSAGE_MAX
        || head.size % WORKER_ALIGN
        || head.size - talk->n_dropped < in->size) {
        *bad = true;
        return 0;
    }
    if (talk->max && head.size > talk->max) {
        talk->n_dropped += in->size - sizeof head;
        in->size = sizeof head;
    }
    return head.size - talk->n_dropped - in->size;
}

static char *
send_some(struct worker_process *process, struct worker_talk *talk)
{
    const struct ofpbuf *out = talk->out;
    ssize_t n = send(process->fd, (const char *) out->data + talk->n_sent,
                     out->size - talk->n_sent, MSG_NOSIGNAL);

    if (n < 0 && !is_for_later(errno)) {
        process->closed = true;
        return xasprintf("does not receive (%s)", ovs_strerror(errno));
    }
    talk->n_sent += MAX(n, 0);
    return NULL;
}

/* Receives some of the 'left' bytes that a message lacks.  Sets '*none' if
 * there are none yet. */
static char *
receive_some(struct worker_process *process, struct ofpbuf *in, size_t left,
             bool *none)
{
    ssize_t n;

    ofpbuf_prealloc_tailroom(in, MAX(left, CHUNK));
    n = recv(process->fd, ofpbuf_tail(in), MAX(left, CHUNK), 0);
    *none = n < 0 && is_for_later(errno);
    if (n > 0) {
        in->size += n;
    } else if (!*none) {
        process->closed = true;
        return (n ? xasprintf("does not send (%s)", ovs_strerror(errno))
                : xstrdup("has ended"));
    }
    return NULL;
}

char *
worker_process_step(struct worker_process *process, struct worker_talk *talk)
{
    char *why = (talk->n_sent < talk->out->size ? send_some(process, talk)
                 : NULL);
    bool bad = false, none = false;
    size_t left;

    while (!why && (left = missing(talk, &bad))) {
        why = receive_some(process, talk->in, talk->n_dropped ? CHUNK : left,
                           &none);
        if (none) {
            return NULL;
        }
    }
    if (bad) {
        return xstrdup("sent what is no message");
    }
    if (!why) {
        talk->whole = true;
        process->cpu = ((const struct worker_head *) talk->in->data)->cpu;
    }
    return why;
}

/* Waits for a moment until more can be sent or received. */
static void
wait_some(const struct worker_process *process,
          const struct worker_talk *talk)
{
    struct pollfd file = {
        .fd = process->fd,
        .events = (talk->n_sent < talk->out->size ? POLLIN | POLLOUT
                   : POLLIN),
    };

    poll(&file, 1, SLICE_MS);
}

char *
worker_process_talk(struct worker_process *process, struct worker_talk *talk,
                    struct worker_timer *timer)
{
    unsigned tries = wire_tries(process->cpu);

    for (;;) {
        char *why = worker_process_step(process, talk);

        if (!why && !talk->whole) {
            why = worker_timer_check(process, timer);
        }
        if (why || talk->whole || time_msec() >= timer->end_ms) {
            return why;
        }
        if (tries) {
            tries--;
            continue;
        }
        wait_some(process, talk);
        if (timer->yield) {
            timer->yield(timer->aux);
        }
    }
}

/* Ending.  ---------------------------------------------------------------- */

static char *
describe_end(int status)
{
    int number = WTERMSIG(status);

    if (!WIFSIGNALED(status)) {
        return xasprintf("ended with status %d", WEXITSTATUS(status));
    }
    return xasprintf("was ended by signal %d (%s)", number,
                     strsignal(number));
}

/* Returns true if a process may cause the signal by what it computes: it can
 * send itself no other one (worker-sandbox.c). */
static bool
is_own_signal(int number)
{
    switch (number) {
    case SIGABRT: case SIGBUS: case SIGFPE: case SIGILL: case SIGPIPE:
    case SIGSEGV: case SIGSYS: case SIGTRAP: case SIGXFSZ:
        return true;
    default:
        return false;
    }
}

bool
worker_process_has_ended(const struct worker_process *process)
{
    siginfo_t info = { .si_pid = 0 };

    return !waitid(P_PID, process->pid, &info, WEXITED | WNOHANG | WNOWAIT)
           && info.si_pid;
}

char *
worker_process_end(struct worker_process *process)
{
    char *how = NULL;
    int status = 0;

    if (!process->pid) {
        return NULL;
    }
    close(process->fd);
    close(process->status_fd);
    process->fd = process->status_fd = -1;
    process->killed = false;
    /* A process that is about to end keeps its status. */
    kill(process->pid, SIGKILL);
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    if (process->closed) {
        how = describe_end(status);
        process->killed = (WIFSIGNALED(status)
                           && !is_own_signal(WTERMSIG(status)));
    }
    process->pid = 0;
    return how;
}
