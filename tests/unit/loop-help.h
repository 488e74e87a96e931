/* SPDX-License-Identifier: Apache-2.0
 *
 * What the loop's tests share: a task that reads from a pipe. */

#ifndef TESTS_UNIT_LOOP_HELP_H
#define TESTS_UNIT_LOOP_HELP_H 1

#include <stdint.h>

struct loop;
struct loop_task;

/* A task that reads one byte at a time from 'fd'. */
struct reader {
    struct loop_task *task;
    int fd;
    int n_bytes;
    uint64_t n_runs;
};

void reader_run(void *reader);
void reader_wait(void *reader);

/* A pipe that does not block. */
void make_pipe(int fds[2]);
void put_byte(int fd);

/* Turns until nothing is left to do at once. */
void settle(struct loop *);

void wait_nothing(void *aux);
/* Adds 1 to a uint64_t. */
void count_run(void *n_runs);

/* Returns how many turns the loop has made. */
uint64_t turns_of(const struct loop *);

#endif /* tests/unit/loop-help.h */
