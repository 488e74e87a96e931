/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients of GET /v1/events, which take events one by one. */

#ifndef TESTS_UNIT_EVENTS_FIXTURE_H
#define TESTS_UNIT_EVENTS_FIXTURE_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/northbound-fixture.h"

/* One event, as it came. */
struct told {
    uint64_t id;
    char kind[16];
    json_t *data;
};

void told_uninit(struct told *);

/* Opens a stream at 'path' and takes its head. */
void listen_at(struct fixture *, struct client *, const char *path,
               const char *headers);
/* Takes the next event; false if the stream ends. */
bool next_event(struct client *, struct told *);
/* Takes the next event, which must be of 'kind'. */
void expect(struct client *, const char *kind, struct told *);
/* The same, for who needs no more of it than one member. */
void expect_member(struct client *, const char *kind, const char *member,
                   const char *want);
/* The type and name of the first object that a revision changed. */
void expect_change(struct client *, const char *type, const char *name);
void expect_start(struct client *, const char *kind, struct fixture *);

#endif /* tests/unit/events-fixture.h */
