/* SPDX-License-Identifier: Apache-2.0
 *
 * Cooperative multitasking; see fiber.h.  The stack is switched by
 * swapcontext(3), and tools that track stacks (AddressSanitizer, valgrind) are
 * notified. */

#include <config.h>

#include "controller/commit/fiber.h"

#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "util.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#endif

VLOG_DEFINE_THIS_MODULE(fiber);

#define STACK_SIZE (1024 * 1024)

struct fiber {
    void (*work)(void *aux);
    void *aux;
    struct event *next;         /* Starts the next slice.  A timer, so that the
                                 * loop polls its files before. */
    bool working;
    bool inside;                /* Running in a slice. */
    bool again;                 /* Scheduled again while running. */
    bool hurry;
    unsigned max_yields;        /* In a slice; 0: bounded by time. */
    unsigned n_yields;          /* In this slice. */
    int64_t end_ns;             /* End of the slice. */
    char *stack;                /* The first page is a guard page. */
    size_t guard;
    ucontext_t loop, own;
#ifdef __SANITIZE_ADDRESS__
    void *loop_fake, *own_fake;
    const void *loop_stack;
    size_t loop_stack_size;
#endif
#ifdef HAVE_VALGRIND_VALGRIND_H
    unsigned valgrind_id;
#endif
};

static int64_t
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Switching.  ------------------------------------------------------------ */

static void
to_own(struct fiber *s)
{
    s->inside = true;
    s->n_yields = 0;
    s->end_ns = now_ns() + FIBER_SLICE_US * INT64_C(1000);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&s->loop_fake, s->stack, STACK_SIZE);
#endif
    swapcontext(&s->loop, &s->own);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(s->loop_fake, NULL, NULL);
#endif
    s->inside = false;
}

static void
arrived(struct fiber *s OVS_UNUSED)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(s->own_fake, &s->loop_stack,
                                    &s->loop_stack_size);
#endif
}

static void
to_loop(struct fiber *s)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&s->own_fake, s->loop_stack,
                                   s->loop_stack_size);
#endif
    swapcontext(&s->own, &s->loop);
    arrived(s);
}

/* The function on the fiber's stack: runs the work each time that it is
 * entered again. makecontext(3) passes no pointers, so 'high' and 'low' are
 * one. */
static void
body(unsigned high, unsigned low)
{
    struct fiber *s = (struct fiber *) ((uintptr_t) high << 16 << 16
                                          | (uintptr_t) low);

    arrived(s);
    for (;;) {
        s->working = true;
        s->work(s->aux);
        s->working = false;
        to_loop(s);
    }
}

static void
schedule_slice(struct fiber *s)
{
    static const struct timeval at_once = { 0, 0 };

    event_add(s->next, &at_once);
}

static void
slice_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *s_)
{
    struct fiber *s = s_;

    to_own(s);
    if (s->working) {
        schedule_slice(s);
    } else if (s->again) {
        s->again = false;
        schedule_slice(s);
    }
}

/* Life.  ----------------------------------------------------------------- */

static void
make_stack(struct fiber *s)
{
    uintptr_t self = (uintptr_t) s;

    s->guard = sysconf(_SC_PAGESIZE);
    s->stack = mmap(NULL, s->guard + STACK_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (s->stack == MAP_FAILED
        || mprotect(s->stack, s->guard, PROT_NONE)
        || getcontext(&s->own)) {
        VLOG_FATAL("cannot make a stack (%s)", ovs_strerror(errno));
    }
    s->stack += s->guard;
    s->own.uc_stack.ss_sp = s->stack;
    s->own.uc_stack.ss_size = STACK_SIZE;
    s->own.uc_link = NULL;
    makecontext(&s->own, (void (*)(void)) body, 2,
                (unsigned) (self >> 16 >> 16), (unsigned) self);
#ifdef HAVE_VALGRIND_VALGRIND_H
    s->valgrind_id = VALGRIND_STACK_REGISTER(s->stack, s->stack + STACK_SIZE);
#endif
}

struct fiber *
fiber_create(struct event_base *base, void (*work)(void *aux), void *aux)
{
    struct fiber *s = xzalloc(sizeof *s);

    s->work = work;
    s->aux = aux;
    s->next = event_new(base, -1, 0, slice_cb, s);
    make_stack(s);
    return s;
}

void
fiber_destroy(struct fiber *s)
{
    if (s) {
        ovs_assert(!s->working);
        event_free(s->next);
#ifdef HAVE_VALGRIND_VALGRIND_H
        VALGRIND_STACK_DEREGISTER(s->valgrind_id);
#endif
        munmap(s->stack - s->guard, s->guard + STACK_SIZE);
        free(s);
    }
}

void
fiber_schedule(struct fiber *s)
{
    if (s->working) {
        s->again = true;
    } else {
        schedule_slice(s);
    }
}

bool
fiber_is_running(const struct fiber *s)
{
    return s->working;
}

static bool
is_over(struct fiber *s)
{
    return (s->max_yields ? ++s->n_yields >= s->max_yields
            : now_ns() >= s->end_ns);
}

void
fiber_yield(void *s_)
{
    struct fiber *s = s_;

    if (s->inside && !s->hurry && is_over(s)) {
        to_loop(s);
    }
}

void
fiber_set_max_yields(struct fiber *s, unsigned n)
{
    s->max_yields = n;
}

void
fiber_disable_yield(struct fiber *s)
{
    s->hurry = true;
}
