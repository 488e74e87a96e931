/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks what the loop's thread is busy with; see watchdog.h.
 *
 * The marks are that thread's, on its stack, and change while this one reads
 * them.  So they are copied by process_vm_readv(2), which fails where nothing
 * is mapped any more, and what was copied counts only if no mark has been set
 * or taken back meanwhile. */

#include <config.h>

#include "proto/watchdog/watchdog.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(watchdog);

#define PERIOD_MS 100
/* Kinds of work of one iteration that are told apart. */
#define WORKS_MAX 8
/* Characters of one. */
#define WORK_LEN 255
/* Of a part of it. */
#define PART_LEN 79
/* Of those, as many are told. */
#define TOLD_MAX 4
/* Iterations that are kept. */
#define KEPT_MAX 8
/* An iteration that lasts so long is told before it ends, and again whenever
 * that has doubled. */
#define STUCK_PERIODS 20

__thread struct watchdog_work watchdog_work;

struct work {
    char text[WORK_LEN + 1];
    unsigned n;                 /* Seen so many times. */
};

struct long_turn {
    int64_t end_ms;             /* time_wall_msec(). */
    long long int ms;
    char *text;
};

struct watchdog {
    pthread_t thread;
    int quit_fd;                /* Eventfd: the thread is to end. */
    struct watchdog_work *work; /* Of the thread that is watched. */
    clockid_t clock;            /* CPU time of that thread. */
    pid_t pid;
    atomic_ullong turn;         /* Of the loop. */

    /* The thread's own. */
    int64_t cpu_ms;             /* Of 'clock', when it last looked, */
    int64_t looked_ms;          /* at this time_msec(). */

    pthread_mutex_t mutex;      /* Protects what follows. */
    uint64_t seen_turn;         /* 'turn' that 'works' are of. */
    struct work works[WORKS_MAX];
    size_t n_works;
    unsigned n_other;           /* Seen at work without a mark, or with one of
                                 * too many. */
    unsigned n_seen;            /* All of it. */
    struct long_turn long_turns[KEPT_MAX]; /* A ring. */
    size_t n_long;              /* Of those that ever were. */
};

/* Looking.  --------------------------------------------------------------- */

/* Copies from the memory of this process, as much of it as is there; returns
 * its size. */
static size_t
copy_memory(const struct watchdog *w, const void *from, void *to, size_t size)
{
    struct iovec local = { to, size };
    struct iovec remote = { CONST_CAST(void *, from), size };
    ssize_t n = process_vm_readv(w->pid, &local, 1, &remote, 1, 0);

    return n < 0 ? 0 : (size_t) n;
}

/* Copies a text of up to PART_LEN characters; "" if it is NULL or is not
 * there. */
static void
copy_text(const struct watchdog *w, const char *from, char to[PART_LEN + 1])
{
    /* A page at a time: the next one need not be there. */
    size_t in_page = 4096 - (uintptr_t) from % 4096;
    size_t n = from ? copy_memory(w, from, to, MIN(PART_LEN, in_page)) : 0;

    if (n == in_page && n < PART_LEN && !memchr(to, '\0', n)) {
        n += copy_memory(w, from + n, to + n, PART_LEN - n);
    }
    to[n] = '\0';
}

/* Sets 'text' to what the thread has marked.  Returns false if it has not, or
 * if that has changed meanwhile. */
static bool
read_mark(const struct watchdog *w, char text[WORK_LEN + 1])
{
    char kind[PART_LEN + 1], what[PART_LEN + 1], object[PART_LEN + 1];
    const struct watchdog_mark *at;
    struct watchdog_mark mark;
    unsigned int before, after;

    atomic_read_explicit(&w->work->n_changes, &before, memory_order_acquire);
    atomic_read_explicit(&w->work->mark, &at, memory_order_acquire);
    if (!at || copy_memory(w, at, &mark, sizeof mark) != sizeof mark) {
        return false;
    }
    copy_text(w, mark.kind, kind);
    copy_text(w, mark.what, what);
    copy_text(w, mark.object, object);
    atomic_thread_fence(memory_order_acquire);
    atomic_read_relaxed(&w->work->n_changes, &after);
    if (after != before) {
        return false;
    }
    snprintf(text, WORK_LEN + 1, "%s %s%s%s%s", kind, what,
             *object ? " of \"" : "", object, *object ? "\"" : "");
    return true;
}

static int64_t
cpu_ms(const struct watchdog *w)
{
    struct timespec ts;

    return (clock_gettime(w->clock, &ts) ? 0
            : ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000);
}

/* Returns true if the thread has computed, rather than slept, since this was
 * last asked.  Where the machine is busy it gets a part of the time alone. */
static bool
has_computed(struct watchdog *w)
{
    int64_t used = w->cpu_ms, since = w->looked_ms;

    w->cpu_ms = cpu_ms(w);
    w->looked_ms = time_msec();
    return w->cpu_ms - used > (w->looked_ms - since) / 10;
}

/* Counts work by its text; NULL: other work. */
static void
count(struct watchdog *w, const char *text)
{
    size_t i = 0;

    while (text && i < w->n_works && strcmp(w->works[i].text, text)) {
        i++;
    }
    w->n_seen++;
    if (!text || i >= WORKS_MAX) {
        w->n_other++;
        return;
    }
    if (i == w->n_works) {
        ovs_strlcpy(w->works[i].text, text, sizeof w->works[i].text);
        w->works[i].n = 0;
        w->n_works++;
    }
    w->works[i].n++;
}

static int
compare_works(const void *a_, const void *b_)
{
    const struct work *a = a_, *b = b_;

    return a->n < b->n ? 1 : a->n > b->n ? -1 : strcmp(a->text, b->text);
}

/* Appends what was counted, most of it first. */
static void
format_works(struct watchdog *w, struct ds *text)
{
    unsigned n_other = w->n_other;

    qsort(w->works, w->n_works, sizeof w->works[0], compare_works);
    for (size_t i = 0; i < w->n_works; i++) {
        if (i >= TOLD_MAX) {
            n_other += w->works[i].n;
            continue;
        }
        ds_put_format(text, "%s%.1f s %s", i ? ", " : "",
                      w->works[i].n * (PERIOD_MS / 1000.0), w->works[i].text);
    }
    if (n_other) {
        ds_put_format(text, "%s%.1f s other work", w->n_works ? ", " : "",
                      n_other * (PERIOD_MS / 1000.0));
    }
}

static uint64_t
current_turn(struct watchdog *w)
{
    unsigned long long int turn;

    atomic_read_relaxed(&w->turn, &turn);
    return turn;
}

/* Returns true if 'n' is STUCK_PERIODS, twice that, and so on. */
static bool
is_to_be_told(unsigned n)
{
    return !(n % STUCK_PERIODS) && IS_POW2(n / STUCK_PERIODS);
}

static void
look(struct watchdog *w)
{
    bool computed = has_computed(w);
    char text[WORK_LEN + 1];
    bool marked = read_mark(w, text);
    uint64_t turn = current_turn(w);

    pthread_mutex_lock(&w->mutex);
    if (turn != w->seen_turn) {
        /* What was computed may have been in the former one. */
        w->seen_turn = turn;
        w->n_works = w->n_other = w->n_seen = 0;
        computed = false;
    }
    if (marked || computed) {
        count(w, marked ? text : NULL);
        if (is_to_be_told(w->n_seen)) {
            struct ds ds = DS_EMPTY_INITIALIZER;

            format_works(w, &ds);
            VLOG_WARN("an iteration of the loop goes on: %s", ds_cstr(&ds));
            ds_destroy(&ds);
        }
    }
    pthread_mutex_unlock(&w->mutex);
}

static void *
watchdog_main(void *w_)
{
    struct watchdog *w = w_;
    struct pollfd fd = { .fd = w->quit_fd, .events = POLLIN };

    while (poll(&fd, 1, PERIOD_MS) <= 0) {
        look(w);
    }
    return NULL;
}

/* Starting and ending.  --------------------------------------------------- */

static int
start_thread(struct watchdog *w)
{
    sigset_t all, old;
    int error;

    sigfillset(&all);           /* Signals are the loop's. */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&w->thread, NULL, watchdog_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

struct watchdog *
watchdog_create(void)
{
    struct watchdog *w = xzalloc(sizeof *w);
    int error;

    w->work = &watchdog_work;
    w->pid = getpid();
    atomic_init(&w->turn, 0);
    pthread_mutex_init(&w->mutex, NULL);
    w->quit_fd = eventfd(0, EFD_CLOEXEC);
    error = w->quit_fd < 0 ? errno : 0;
    if (!error) {
        error = pthread_getcpuclockid(pthread_self(), &w->clock);
    }
    if (!error) {
        w->cpu_ms = cpu_ms(w);
        w->looked_ms = time_msec();
        error = start_thread(w);
    }
    if (error) {
        VLOG_WARN("cannot watch the loop: %s", ovs_strerror(error));
        if (w->quit_fd >= 0) {
            close(w->quit_fd);
        }
        pthread_mutex_destroy(&w->mutex);
        free(w);
        return NULL;
    }
    return w;
}

void
watchdog_destroy(struct watchdog *w)
{
    uint64_t one = 1;

    if (!w) {
        return;
    }
    ignore(write(w->quit_fd, &one, sizeof one));
    pthread_join(w->thread, NULL);
    close(w->quit_fd);
    pthread_mutex_destroy(&w->mutex);
    for (size_t i = 0; i < KEPT_MAX; i++) {
        free(w->long_turns[i].text);
    }
    free(w);
}

/* Iterations.  ------------------------------------------------------------ */

void
watchdog_turn(struct watchdog *w)
{
    if (w) {
        atomic_store_relaxed(&w->turn, current_turn(w) + 1);
    }
}

void
watchdog_turn_was_long(struct watchdog *w, long long int ms, struct ds *text)
{
    struct long_turn *kept;
    size_t start = text->length;

    if (!w) {
        return;
    }
    pthread_mutex_lock(&w->mutex);
    if (w->seen_turn == current_turn(w)) {
        format_works(w, text);
    }
    kept = &w->long_turns[w->n_long++ % KEPT_MAX];
    kept->end_ms = time_wall_msec();
    kept->ms = ms;
    free(kept->text);
    kept->text = xmemdup0(ds_cstr(text) + start, text->length - start);
    pthread_mutex_unlock(&w->mutex);
}

void
watchdog_show(struct watchdog *w, struct ds *ds)
{
    if (!w) {
        return;
    }
    pthread_mutex_lock(&w->mutex);
    for (size_t i = 0; i < MIN(w->n_long, KEPT_MAX); i++) {
        const struct long_turn *turn
            = &w->long_turns[(w->n_long - 1 - i) % KEPT_MAX];
        char *when = xastrftime_msec("%Y-%m-%d %H:%M:%S", turn->end_ms, true);

        ds_put_format(ds, "long, until %s UTC: %lld ms%s%s\n", when, turn->ms,
                      *turn->text ? ": " : "", turn->text);
        free(when);
    }
    pthread_mutex_unlock(&w->mutex);
}
