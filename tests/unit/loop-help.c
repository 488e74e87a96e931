/* SPDX-License-Identifier: Apache-2.0
 *
 * What the loop's tests share; see loop-help.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <unistd.h>

#include "openvswitch/poll-loop.h"
#include "proto/loop/loop.h"
#include "socket-util.h"
#include "tests/unit/loop-help.h"
#include "util.h"

void
reader_run(void *reader_)
{
    struct reader *reader = reader_;
    char byte;

    reader->n_runs++;
    if (read(reader->fd, &byte, 1) == 1) {
        reader->n_bytes++;
    }
}

void
reader_wait(void *reader_)
{
    struct reader *reader = reader_;

    poll_fd_wait(reader->fd, POLLIN);
}

void
make_pipe(int fds[2])
{
    xpipe_nonblocking(fds);
}

void
put_byte(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

void
settle(struct loop *loop)
{
    for (int i = 0; i < 5; i++) {
        loop_turn(loop, 0);
    }
}

void
wait_nothing(void *aux OVS_UNUSED)
{
}

void
count_run(void *n_runs_)
{
    uint64_t *n_runs = n_runs_;

    ++*n_runs;
}

uint64_t
turns_of(const struct loop *loop)
{
    struct loop_stats stats;
    uint64_t n = 0;

    loop_get_stats(loop, &stats);
    for (size_t i = 0; i <= LOOP_N_BOUNDS; i++) {
        n += stats.n[i];
    }
    return n;
}
