/* SPDX-License-Identifier: Apache-2.0
 *
 * When memory is given back, and that it is. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "controller/memory-trim.h"
#include "util.h"

#define MIB (1024 * 1024)
#define BLOCK_SIZE 2000
#define N_BLOCKS (100 * MIB / BLOCK_SIZE)

static int64_t
resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return (int64_t) pages * getpagesize();
}

/* Other allocators than glibc's keep what is freed as they like. */
static bool
is_plain_malloc(void)
{
#ifdef __SANITIZE_ADDRESS__
    return false;
#else
    const char *preload = getenv("LD_PRELOAD");

    return !preload || !*preload; /* Valgrind's. */
#endif
}

/* A block that is in memory: what is written is read, or the compiler would
 * leave the writing out. */
static char *
use(size_t size)
{
    char *block = xmalloc(size);

    memset(block, 1, size);
    for (size_t i = 0; i < size; i += 4096) {
        assert_int_equal(((volatile char *) block)[i], 1);
    }
    return block;
}

static void
finish(struct event_base *base)
{
    /* The next look is one event; another one means that more is to do. */
    while (event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) > 1) {
        event_base_loop(base, EVLOOP_ONCE);
    }
}

/* How often in 'n' looks something is done. */
static int
n_done(struct memory_trim *heap, struct event_base *base, int n)
{
    int n_times = 0;

    for (int i = 0; i < n; i++) {
        n_times += memory_trim_check(heap);
        finish(base);
    }
    return n_times;
}

static void
what_growth_leaves_behind_is_given_back(void **state OVS_UNUSED)
{
    struct event_base *base = event_base_new();
    struct memory_trim *heap = memory_trim_create(base);
    char **blocks = xmalloc(N_BLOCKS * sizeof *blocks);
    int64_t grown;

    assert_false(memory_trim_check(heap));
    for (size_t i = 0; i < N_BLOCKS; i++) {
        blocks[i] = xmalloc(BLOCK_SIZE);
        memset(blocks[i], 1, BLOCK_SIZE);
    }
    grown = resident();
    /* All but each hundredth, so that the end of the heap stays. */
    for (size_t i = 0; i < N_BLOCKS; i++) {
        if (i % 100 != 99) {
            free(blocks[i]);
        }
    }

    assert_false(memory_trim_check(heap));     /* It may grow on. */
    assert_true(memory_trim_check(heap));      /* It did not. */
    assert_false(memory_trim_check(heap));     /* That is under way. */
    finish(base);
    if (is_plain_malloc()) {
        assert_true(resident() < grown - 80 * MIB);
    }
    /* What others free later is given back as well, but not for ever. */
    assert_int_equal(n_done(heap, base, 100), 3);
    assert_int_equal(n_done(heap, base, 100), 0);

    char *used = use(20 * MIB);
    assert_int_equal(n_done(heap, base, 100), 0);
    char *more = use(20 * MIB);
    assert_int_equal(n_done(heap, base, 100), 4);
    free(used);
    free(more);

    for (size_t i = 99; i < N_BLOCKS; i += 100) {
        free(blocks[i]);
    }
    free(blocks);
    memory_trim_destroy(heap);
    event_base_free(base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_growth_leaves_behind_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
