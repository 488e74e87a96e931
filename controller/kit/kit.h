/* SPDX-License-Identifier: Apache-2.0
 *
 * vmn-app, the program of those who write apps: it makes a new one, tests it,
 * prints its flows and measures it, without hosts, root or vmnd.  Its commands
 * return what the program exits with: 0, 1 (a test has failed, or something
 * cannot be done, which was said), or 2 (wrong usage, likewise). */

#ifndef CONTROLLER_KIT_KIT_H
#define CONTROLLER_KIT_KIT_H 1

#include <stdbool.h>
#include <stdio.h>

struct kit_arguments {
    const char *app_dir;        /* --app-dir. */
    const char *host;           /* --host; NULL: all. */
    bool lua;                   /* --lua. */
    int rounds;                 /* --rounds. */
    int n;                      /* What is behind the command. */
    char *const *words;
};

int kit_new(const struct kit_arguments *);
int kit_test(const struct kit_arguments *);
int kit_flows(const struct kit_arguments *);
int kit_bench(const struct kit_arguments *);

/* Prints the units that have failed, and the flows that conflict, for people:
 * what they want is not what follows. */
struct kit_world;
void kit_warn_of_problems(const struct kit_world *);

/* Prints "vmn-app: " and the error, and frees it; returns 1. */
struct vmn_error;
int kit_fail(struct vmn_error *);

#endif /* controller/kit/kit.h */
