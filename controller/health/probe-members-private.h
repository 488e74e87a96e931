/* SPDX-License-Identifier: Apache-2.0
 *
 * What probe-members.c and probe-telling.c share.  Not for other files. */

#ifndef CONTROLLER_HEALTH_PROBE_MEMBERS_PRIVATE_H
#define CONTROLLER_HEALTH_PROBE_MEMBERS_PRIVATE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/health/health-private.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"

/* Of a backend: to a member that stands by, what is to be told; to the writer,
 * what it has taken. */
struct probe_told {
    struct ovs_list node;       /* In 'results', the last one told last. */
    uint64_t seq;               /* 0: not in it. */
    unsigned n_begun;           /* Of the backend. */
    uint64_t run, id;           /* Since its probes began, */
    uint64_t n_ok, n_failed;    /* there were so many. */
    bool ok;                    /* The last 'n' in a row. */
    uint32_t n;
    int64_t ended_us, listed_us;
    char reason[PROBER_REASON_SIZE];
    struct backend *backend;
};

struct probe_members {
    struct health *health;
    const struct health_sharing *sharing;
    void *aux;
    struct event *timer;
    struct shash places;        /* By host. */
    uint64_t generation, epoch; /* A member: of who has asked. */

    /* The writer. */
    int64_t patient_until_ms;   /* Who has not told yet is waited for. */
    int64_t looked_ms;          /* When it was looked at all hosts last, */
    int64_t searched_ms;        /* and at all backends. */
    struct shash tellers;       /* By name. */

    /* A member that stands by. */
    int64_t wanted_ms;          /* When the writer has asked last; 0: not
                                 * yet. */
    bool wanted;                /* That is not too long ago. */
    uint64_t run, seq, n_ids;
    uint32_t mastered;          /* A hash of the hosts that it is the master
                                 * of, */
    uint32_t hosts;             /* and of those that it says it probes, */
    uint64_t hosts_seq;         /* since this one. */
    struct shash silent;        /* Hosts that it leaves out, by name: when they
                                 * were silent last, an int64_t. */
    struct ovs_list results;
};

/* Looks at all hosts, and has those be refreshed that another one probes
 * now. */
void probe_members_look(struct probe_members *);
/* Returns what is told, or taken, of the backend. */
struct probe_told *probe_told_of(struct backend *);

#endif /* controller/health/probe-members-private.h */
