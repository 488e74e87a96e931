/* SPDX-License-Identifier: Apache-2.0
 *
 * Notifications of events on hosts. */

#ifndef CONTROLLER_FABRIC_FABRIC_WATCH_H
#define CONTROLLER_FABRIC_FABRIC_WATCH_H 1

#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/fabric-packet-sampling.h"

struct fabric;

/* A watcher's callbacks.  They are called synchronously: they may record the
 * event, read, and schedule work on the loop; they must not change anything
 * here.  Members that are NULL are not called. */
struct fabric_watch {
    /* The "state" or "reason" of fabric_host_status() may have changed. */
    void (*host)(void *aux, const char *host);
    /* The same for fabric_port_status(), which also depends on what the port's
     * host acknowledges: see 'acked'. */
    void (*port)(void *aux, const char *port);
    /* Some host's fabric_host_acked() has grown.  Once per iteration of the
     * loop. */
    void (*acked)(void *aux);
    /* All 'n' hosts that the revisions concern have acknowledged them. */
    void (*installed)(void *aux, uint64_t first, uint64_t last,
                      size_t n_hosts);
    /* A new sample was kept; not called for a repeated packet. */
    void (*sample)(void *aux, enum fabric_sample_kind,
                   const struct fabric_sample *);
    /* 'host' has the interface of 'port', which must not be bound there, for
     * 'reason'; 'expected' is the host that it belongs or is on, or NULL.
     * Limited by the host's rate. */
    void (*claim_rejected)(void *aux, const char *port, const char *host,
                          const char *expected, const char *reason);
    /* It is known what is left on 'host', which was deleted: 'text' says
     * that. */
    void (*host_deleted)(void *aux, const char *host, const char *text);
    /* An audit of the host found this number of differences. */
    void (*audited)(void *aux, const char *host, size_t n_missing,
                    size_t n_altered, size_t n_unknown);
};
/* Register and unregister 'watch', which is borrowed meanwhile, with 'aux'.
 * There are at most FABRIC_WATCHERS_MAX. */
#define FABRIC_WATCHERS_MAX 8
void fabric_add_watch(struct fabric *, const struct fabric_watch *watch,
                      void *aux);
void fabric_remove_watch(struct fabric *, const struct fabric_watch *watch,
                         void *aux);

#endif /* controller/fabric/fabric-watch.h */
