/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts, networks, switches and time as tests of paths (controller/paths) say
 * they are, in the place of the other rooms. */

#ifndef TESTS_UNIT_PATHS_FIXTURE_H
#define TESTS_UNIT_PATHS_FIXTURE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/paths/paths.h"
#include "vmn/app.h"
#include "vmn/rows.h"

struct event;
struct event_base;

#define HOSTS_MAX 520              /* More than all paths are measured of. */
#define NETWORKS_MAX 4

struct fake_host {
    struct vmn_host row;
    char name[8];
    uint64_t acked;
    bool offline, reconciles;
    bool mute;                  /* Answers no echo. */
    bool stalled;               /* Nothing that it has to say comes. */
    int64_t answered_us;
};

struct fake_network {
    struct vmn_network row;
    size_t n;
    const char *hosts[HOSTS_MAX];
};

extern struct fake_host hosts[HOSTS_MAX];
extern size_t n_hosts;
/* In the order of their names.  Networks of a domain have the same letter
 * first; those that begin with "r" are joined by a router. */
extern struct fake_network networks[NETWORKS_MAX];
extern struct vmn_names domain_hosts; /* Of the routed one. */
extern bool lost[HOSTS_MAX][HOSTS_MAX]; /* From one to another. */
extern size_t lost_from;        /* Frames that are larger are lost, if any. */
extern uint32_t vni;
extern uint64_t revision;
extern int64_t now_us;
extern unsigned n_references, n_requests; /* That were sent. */
extern unsigned n_directions[HOSTS_MAX]; /* Frames that came up there. */
extern bool takes_none;         /* The watch. */
extern unsigned n_told;
extern enum path_state told_state;
extern struct paths *paths;

/* For cmocka. */
int setup(void **state);
int teardown(void **state);

/* Hosts are called "h000" and so on. */
void add_hosts(size_t n);
/* Adds a network of hosts 'first' to 'last'. */
void add_network(const char *name, uint32_t mtu, size_t first, size_t last);
/* Creates 'paths'; see paths_create(). */
void begin(void);
/* Has the timer be due. */
void fire(struct event *timer);
/* Has pairs be found anew. */
void refresh(void);
/* Has what hosts that are not stalled have to say come up: references alone,
 * or all. */
void deliver(bool references);
/* What they have to say never comes. */
void drop_held(void);
/* Each host has so many turns, of a second.  What it says comes at once. */
void take_turns(unsigned n);

/* What is known of the path, which there is; and of all. */
struct paths_path get(const char *host, const char *peer);
struct paths_stats stats(void);

#endif /* tests/unit/paths-fixture.h */
