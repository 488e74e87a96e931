/* SPDX-License-Identifier: Apache-2.0
 *
 * What a member of a cluster tells the writer of the probes that it sends, and
 * what the writer asks for: as JSON.  No I/O and no state: what is read comes
 * from another process and is checked here for its form; whether it fits what
 * there is, is checked by who takes it (probe-members.c).
 *
 * Results are told as they add up since the backend's probes began, and not
 * one by one: so a report may be asked for again, and lost, without harm.
 * Members of the same reports ignore what they do not know in them. */

#ifndef CONTROLLER_HEALTH_PROBE_REPORT_H
#define CONTROLLER_HEALTH_PROBE_REPORT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sset.h"

/* Of a report: backends, and hosts.  What has no room among the hosts the
 * writer probes itself. */
#define PROBE_REPORT_BACKENDS_MAX 1000
#define PROBE_REPORT_HOSTS_MAX 8192
/* Bytes of a name, and of a reason. */
#define PROBE_REPORT_NAME_MAX 255
#define PROBE_REPORT_REASON_MAX 255
/* What is longer ago is so long ago. */
#define PROBE_REPORT_AGO_MAX_MS (24 * 3600 * 1000)

/* Asking.  ---------------------------------------------------------------- */

struct probe_ask {
    uint64_t epoch;             /* Of the writer. */
    uint64_t run;               /* Of the report before; 0: there was none. */
    uint64_t after;             /* Its 'seq'. */
};

/* Returns it as JSON, which the caller frees. */
char *probe_ask_print(const struct probe_ask *);
/* Returns NULL with '*ask' filled in, or what is wrong, a constant. */
const char *probe_ask_read(const void *text, size_t size, struct probe_ask *);

/* Telling.  --------------------------------------------------------------- */

/* A report as a whole. */
struct probe_report {
    uint64_t run;               /* Of the member's process; not 0. */
    uint64_t seq;               /* All up to here is told of. */
    uint64_t revision;          /* What is probed is that of this one. */
    bool more;                  /* There is more already. */
    bool has_hosts;             /* The hosts that the member probes are other
                                 * ones than those of the report before. */
};

/* A backend whose results have changed.  Strings are borrowed. */
struct probe_report_backend {
    const char *host, *balancer, *port;
    uint64_t id;                /* Of the time since its probes began. */
    uint64_t n_ok, n_failed;    /* Since then. */
    bool ok;                    /* The last one, */
    uint32_t n;                 /* and as many in a row, at least 1. */
    int64_t ago_ms;             /* When the last one ended. */
    int64_t latency_us;         /* Of the last one that was 'ok'. */
    const char *reason;         /* Of the last one that was not. */
};

struct probe_report_out;
struct probe_report_out *probe_report_begin(void);
void probe_report_put_host(struct probe_report_out *, const char *name);
void probe_report_put_backend(struct probe_report_out *,
                              const struct probe_report_backend *);
/* Frees it, and returns its text, which the caller frees. */
char *probe_report_end(struct probe_report_out *,
                       const struct probe_report *);

/* Reads a report.  All of it is checked before anything is called: 'report',
 * with the hosts if there is a list of them, and then 'backend' with each one.
 * Returns NULL, or what is wrong, a constant. */
struct probe_report_ops {
    void (*report)(void *aux, const struct probe_report *,
                   const struct sset *hosts);
    void (*backend)(void *aux, const struct probe_report_backend *);
};
const char *probe_report_read(const void *text, size_t size,
                              const struct probe_report_ops *, void *aux);

#endif /* controller/health/probe-report.h */
