/* SPDX-License-Identifier: Apache-2.0
 *
 * What a member of a cluster tells the writer of the counters of the hosts
 * that it manages, as bytes, and what the writer asks for.  No I/O and no
 * state: what is read comes from another process and is checked here for its
 * form; whether it fits what there is, is checked by who takes it
 * (counter-takes.c).
 *
 * A report has all figures as they are, and no differences: it may be asked
 * for again, and lost, without harm.  It has the flows that have changed since
 * the report before; of a host that is told of as a whole ('whole'), all. */

#ifndef CONTROLLER_FABRIC_COUNTERS_COUNTER_REPORT_H
#define CONTROLLER_FABRIC_COUNTERS_COUNTER_REPORT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sset.h"

struct ofpbuf;

/* Bytes of a report; and from which on the rest is for the next one: one more
 * host fits, whatever it has. */
#define COUNTER_REPORT_MAX (4608 * 1024)
#define COUNTER_REPORT_ENOUGH (511 * 1024)
/* Flows of a host that fit. */
#define COUNTER_REPORT_FLOWS_MAX 65536
/* Packets or bytes of a flow: JSON, in which they are shown, has no larger
 * integers. */
#define COUNTER_REPORT_COUNT_MAX INT64_MAX
/* A reading that is longer ago is none. */
#define COUNTER_REPORT_AGO_MAX_MS (3600 * 1000)
/* Hosts that a request names. */
#define COUNTER_ASK_HOSTS_MAX 65536

/* A report as a whole. */
struct counter_report {
    uint64_t run;               /* Of the member's process; not 0. */
    uint64_t seq;               /* All up to here is told of. */
    bool more;                  /* There is more already. */
};

/* A reading of a host. */
struct counter_report_host {
    const char *name;
    uint32_t ago_ms;            /* When it was requested: before the report. */
    uint32_t rest_ms;           /* When it may be read again: after the
                                 * report; 0: at once. */
    uint64_t stamp_ms;          /* When it was requested, by the member's
                                 * clock: to be compared with others of the
                                 * same process. */
    bool whole;                 /* It has all flows with hits. */
    bool unsure;                /* But for some that were changing. */
    uint32_t n_flows;
};

/* A flow, or part of a group, that has hits. */
struct counter_report_flow {
    uint32_t hash;              /* Of its key: flow_item's 'key_hash'. */
    uint32_t part;              /* As of struct counter. */
    uint64_t cookie;            /* Of its owner. */
    uint32_t reason;            /* sample_reason_hash(), if it drops. */
    bool drops, log, group;
    uint32_t hit_ago_ms;        /* The last hit: before the reading's
                                 * request. */
    uint32_t age_ms;            /* Of the flow, when it was told of. */
    uint64_t packets, bytes;    /* What the switch has counted. */
    uint64_t total_packets;     /* What the member has counted since it saw */
    uint64_t total_bytes;       /* it first, of flows that it replaced too. */
};

/* Writing.  --------------------------------------------------------------- */

void counter_report_begin(struct ofpbuf *);
/* The caller appends exactly 'n_flows' flows then. */
void counter_report_put_host(struct ofpbuf *,
                             const struct counter_report_host *);
void counter_report_put_flow(struct ofpbuf *,
                             const struct counter_report_flow *);
/* Completes what was begun at the beginning of the buffer. */
void counter_report_end(struct ofpbuf *, const struct counter_report *);

/* Reading.  --------------------------------------------------------------- */

struct counter_report_ops {
    /* A host begins.  Returns false if its flows are to be passed over, and
     * 'host_end' is not called. */
    bool (*host)(void *aux, const struct counter_report *,
                 const struct counter_report_host *);
    void (*flow)(void *aux, const struct counter_report_flow *);
    void (*host_end)(void *aux, const struct counter_report_host *);
};
/* Reads a report.  All of it is checked before anything is called.  Returns
 * NULL with '*report' filled in, or what is wrong, a constant. */
const char *counter_report_read(const void *data, size_t size,
                                struct counter_report *report,
                                const struct counter_report_ops *, void *aux);

/* Asking.  ---------------------------------------------------------------- */

struct counter_ask {
    uint64_t run;               /* Of the report before; 0: there was none. */
    uint64_t after;             /* Its 'seq'. */
    struct sset often;          /* Hosts to be read more often. */
    struct sset whole;          /* Hosts to be told of as a whole. */
};

void counter_ask_init(struct counter_ask *);
void counter_ask_uninit(struct counter_ask *);
/* Returns it as JSON, which the caller frees. */
char *counter_ask_print(const struct counter_ask *);
/* Reads what counter_ask_print() has printed; 'ask' is initialised.  Returns
 * NULL, or what is wrong, a constant. */
const char *counter_ask_read(const char *text, size_t size,
                             struct counter_ask *ask);

#endif /* controller/fabric/counters/counter-report.h */
