/* SPDX-License-Identifier: Apache-2.0
 *
 * The paths between hosts that share a network: latency, loss, and whether
 * full-sized packets pass, measured through the tunnels, while an app asks for
 * that (VMN_REL_PATH_PROBES, whose flows app overlay has).  What is found is
 * kept in memory, and is measured anew after a start.
 *
 * A probe is a packet-out on one host that goes by its flow for the other
 * host, which returns it in its switch; the first one hands it to vmnd.  What
 * the way between vmnd and the first host takes is measured by a reference: a
 * packet-out that comes back without having left the switch.
 *
 * path-domains.c finds which hosts share a network, host-pairs.c has a path
 * for each two of them, path-measuring.c sends probes, in turns
 * (path-turns.h), path-window.h is what they say, paths-status.c what users
 * see of it.  Nothing that is forwarded depends on it.
 *
 * In a cluster the writer alone has a struct paths. */

#ifndef CONTROLLER_PATHS_PATHS_H
#define CONTROLLER_PATHS_PATHS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/paths/path-window.h"

struct arena;
struct commit;
struct engine;
struct event_base;
struct fabric;
struct model;
struct paths;

/* The most paths that are measured: those between all of 512 hosts. */
#define PATHS_MAX 131072

/* Borrows all arguments, which must outlive the result, except for the
 * commit's requests: commit_stop() comes first.  In a cluster the writer alone
 * has one. */
struct paths *paths_create(struct event_base *, struct model *,
                           struct engine *, struct commit *, struct fabric *);
void paths_destroy(struct paths *);

/* What is known of a path.  Strings are borrowed until the next change, but
 * for 'reason'. */
#define PATHS_REASON_SIZE 160
struct paths_path {
    const char *host, *peer;    /* By name. */
    enum path_state state;
    int64_t since_ms;           /* Wall clock. */
    int64_t checked_ms;         /* When the last probe ended; 0: none has. */
    int64_t latency_us;         /* Both ways; -1: not known. */
    unsigned lost, of;          /* Of the last small probes. */
    uint32_t mtu;               /* Of the largest network that both share,
                                 * which full-sized probes have. */
    char reason[PATHS_REASON_SIZE]; /* "": there is none. */
};

/* Called when the state of a path is another one than it was called with last;
 * not when it is known for the first time, and all is well.  PATH_UNKNOWN: it
 * was in trouble, and is not measured any more.  Returns false if it takes no
 * more now: then it is called again later, if the path is still in trouble; of
 * one that is not any more it must take it. */
typedef bool paths_changed_cb(void *aux, const struct paths_path *);
/* NULL: nobody is told. */
void paths_set_watch(struct paths *, paths_changed_cb *, void *aux);

/* Returns why paths are not measured, a constant; NULL: they are. */
const char *paths_problem(const struct paths *);

/* The least --packet-port-rate with which answers to probes are let in. */
#define PATHS_PACKET_RATE_MIN 20

/* Calls 'cb' with each path, in any order, until it returns false; those of
 * 'host' alone if it is not NULL. */
typedef bool paths_each_cb(void *aux, const struct paths_path *);
void paths_each(const struct paths *, const char *host, paths_each_cb *,
                void *aux);

/* Sets '*path' to that between the two hosts, either way.  Returns false if
 * there is none. */
bool paths_between(const struct paths *, const char *host, const char *peer,
                   struct paths_path *path);

/* Returns true if 'port', which is on one of the two hosts, is in a network
 * that the other one has a part in, or in one that routers join with such. */
bool paths_concerns_port(const struct paths *, const struct paths_path *,
                         const char *port);
/* Returns how many such ports there are; it may be as of a second ago. */
uint64_t paths_count_ports(struct paths *, const struct paths_path *);
/* Calls 'cb' with the name of each such port, sorted, until it returns false;
 * one that came within the last second may be missing.  The name is valid
 * until the next call. */
typedef bool paths_port_cb(void *aux, const char *port);
void paths_each_port(struct paths *, const struct paths_path *,
                     paths_port_cb *, void *aux);

/* For /metrics and GET /v1/paths. */
struct paths_stats {
    uint64_t n[PATH_N_STATES];  /* Paths. */
    uint64_t n_unmeasured;      /* There is no room for. */
    int64_t latency_us;         /* The largest; -1: none is known. */
    int64_t interval_us;        /* From one turn of a host to its next. */
    uint64_t n_answered, n_lost; /* Probes. */
    uint64_t n_unproven;        /* Of which nothing was concluded, since the
                                 * host itself was not heard. */
    uint64_t n_ignored;         /* Frames that were no probe's. */
};
void paths_get_stats(const struct paths *, struct paths_stats *);
/* Calls 'cb' with each host that has a path which is lossy, too small, or
 * down, and how many there are. */
typedef void paths_host_cb(void *aux, const char *host, size_t n_bad);
void paths_each_bad_host(const struct paths *, paths_host_cb *, void *aux);

/* Registers "paths/show" with unixctl. */
void paths_unixctl_init(struct paths *);

#endif /* controller/paths/paths.h */
