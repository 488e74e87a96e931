/* SPDX-License-Identifier: Apache-2.0
 *
 * Notifications of what happens on hosts, as it does. */

#ifndef CONTROLLER_FABRIC_FABRIC_WATCH_H
#define CONTROLLER_FABRIC_FABRIC_WATCH_H 1

#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/fabric-packet-sampling.h"

struct fabric;

/* Who is notified of what.  All are called from wherever it happens: they may
 * keep it in mind, read, and request a turn of the loop; they must not change
 * anything here.  Those that are NULL are not called. */
struct fabric_watch {
    /* The "state" or "reason" of fabric_host_status() may be different now. */
    void (*host)(void *aux, const char *host);
    /* The same of fabric_port_status(), which depends on what the port's host
     * acknowledges as well: see 'acked'. */
    void (*port)(void *aux, const char *port);
    /* Some host's fabric_host_acked() has grown.  Once in a turn. */
    void (*acked)(void *aux);
    /* All hosts that the revisions concern, so many, have acknowledged
     * them. */
    void (*installed)(void *aux, uint64_t first, uint64_t last,
                      size_t n_hosts);
    /* A packet was kept; not of one that has come before. */
    void (*sample)(void *aux, enum fabric_sample_kind,
                   const struct fabric_sample *);
    /* 'host' has the interface of 'port', which may not be bound there, for
     * 'reason'; 'expected' is where it may, or is, or NULL.  Not more often
     * than the host's rate. */
    void (*claim_refused)(void *aux, const char *port, const char *host,
                          const char *expected, const char *reason);
    /* An audit of the host has found so many differences. */
    void (*audited)(void *aux, const char *host, size_t n_missing,
                    size_t n_altered, size_t n_unknown);
};
/* Begins, and ends, to notify 'watch', which is borrowed meanwhile, with
 * 'aux'.  There are at most FABRIC_WATCHERS_MAX. */
#define FABRIC_WATCHERS_MAX 4
void fabric_add_watch(struct fabric *, const struct fabric_watch *watch,
                      void *aux);
void fabric_remove_watch(struct fabric *, const struct fabric_watch *watch,
                         void *aux);

#endif /* controller/fabric/fabric-watch.h */
