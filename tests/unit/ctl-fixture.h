/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl run against a server that plays back a script, for its tests. */

#ifndef TESTS_UNIT_CTL_FIXTURE_H
#define TESTS_UNIT_CTL_FIXTURE_H 1

#include "controller/ctl/ctl.h"

/* One call that the server expects, and how it answers. */
struct step {
    const char *request;        /* "GET /v1/ports", or "GET /v1/ports\n" and a
                                 * header that it has.  What ends with "*" is
                                 * how it begins, with any body.  NULL ends
                                 * them. */
    const char *body;           /* Of the request, as JSON; NULL: none. */
    int status;                 /* 0: the connection breaks before it; the next
                                 * request, at any server, must be the same,
                                 * its Idempotency-Key too.  503 has
                                 * Retry-After. */
    const char *answer;
};

struct run {
    int status;
    char *out;
    char *err;
};

void run_uninit(struct run *);

/* Runs vmnctl with the words of 'line', which have no spaces inside. */
void run(struct run *, const char *server, const char *in, const char *line);

/* Runs vmnctl against 'steps', all of which must happen. */
void play(struct run *, const struct step *steps, const char *in,
          const char *line);
void assert_play(const struct step *steps, const char *in, const char *line,
                 int status, const char *out, const char *err);

/* Runs vmnctl with a list of 'n' servers, of which each plays back a script;
 * a server whose script is NULL is away. */
void play_several(struct run *, const struct step *const scripts[], size_t n,
                  const char *in, const char *line);

/* Runs vmnctl where there is no server. */
void assert_alone(const char *in, const char *line, int status,
                  const char *err_part);

#endif /* tests/unit/ctl-fixture.h */
