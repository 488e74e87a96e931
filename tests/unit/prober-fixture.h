/* SPDX-License-Identifier: Apache-2.0
 *
 * A prober of controller/health whose clock, host and server are the test's:
 * the server answers pings. */

#ifndef TESTS_UNIT_PROBER_FIXTURE_H
#define TESTS_UNIT_PROBER_FIXTURE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/health/prober.h"

struct prober_world {
    struct prober prober;
    int64_t now_us;
    bool online;                /* Frames can be sent. */
    bool cut;                   /* And get nowhere, without a word. */
    int64_t heard_us;           /* When the host answered last. */
    unsigned n_probed;
    bool answers;               /* And are answered... */
    int64_t delay_us;           /* ...after so long. */
    size_t n_sent;
    int64_t sent_us[4096];
    uint8_t last[256];          /* The last frame, and where it went. */
    size_t last_size;
    char host[32];
    uint32_t ofport;
    bool has_answer;            /* One is on its way. */
    int64_t answer_us;
    char told[256];             /* States that were told. */
    int64_t quiet_us;           /* Since when nobody sends anything. */
};

/* Probes by ping each second; a drain lasts 5 s. */
extern const struct prober_settings default_settings;

struct prober_world *prober_world_create(void);
void prober_world_destroy(struct prober_world *);

/* A backend on host "h1". */
struct prober_member member_of(const char *port);
/* Sets the balancer's only backend; NULL: it has none. */
void set_member(struct prober_world *, const struct prober_member *);

/* Answers the ping that was sent last, as from 'in_port' of 'host'. */
void answer_ping(struct prober_world *, const char *host, uint32_t in_port);

/* Lets time go by. */
void pass_until(struct prober_world *, int64_t end_us);
void pass_ms(struct prober_world *, int64_t ms);

#endif /* tests/unit/prober-fixture.h */
