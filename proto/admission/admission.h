/* SPDX-License-Identifier: Apache-2.0
 *
 * Connection admission: which connections a listener keeps when there are more
 * than it has room for.  All listeners (OpenFlow, OVSDB, the API) use it, so
 * that nobody is locked out by idle connections, or by half of a handshake.
 *
 * A connection is pending until its peer is authenticated.  Pending ones have
 * a limit, and a share of it for each source address.  At a limit the oldest
 * pending connection of the source that has most gives way; those of known
 * sources (addresses that the configuration names, or that have been
 * authenticated before) last.  Of IPv6 a source is a /64, but for addresses
 * that the configuration names.
 *
 * Does no input or output and reads no clock.  Not for how long a handshake
 * may take, nor for who somebody is: both are the listener's. */

#ifndef PROTO_ADMISSION_ADMISSION_H
#define PROTO_ADMISSION_ADMISSION_H 1

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "openvswitch/list.h"

struct admission;
struct admission_source;

/* Pending connections of a known source that give way last; further ones count
 * as those of any source. */
#define ADMISSION_KNOWN_PENDING 16
/* Addresses that were authenticated and are remembered without a
 * connection. */
#define ADMISSION_REMEMBERED_MAX 4096

/* Where a connection comes from. */
struct admission_peer {
    sa_family_t family;         /* AF_INET, AF_INET6 or AF_UNIX. */
    struct in6_addr addr;       /* IPv4 as a mapped address. */
    uid_t uid;                  /* Of AF_UNIX; (uid_t) -1: not known. */
};
/* The peer of socket 'fd' (-1: none) whose address is 'sa'; of AF_UNIX if that
 * is NULL. */
struct admission_peer admission_peer_make(int fd, const struct sockaddr *sa);
/* The same for text such as "tcp:192.0.2.1:6653", "ssl:[2001:db8::1]:6653" or
 * "unix#3". */
struct admission_peer admission_peer_parse(const char *name);

enum admission_state {
    ADMISSION_PENDING,          /* Not authenticated yet. */
    ADMISSION_IDLE,             /* Authenticated; may be closed to make room if
                                 * nothing pending is left. */
    ADMISSION_ACTIVE,           /* Authenticated; stays. */
    ADMISSION_N_STATES
};

/* Why a connection was refused or closed before it was authenticated. */
enum admission_reason {
    ADMISSION_LIMIT,            /* No room, and nobody who gives way. */
    ADMISSION_SOURCE_SHARE,     /* Its source has too many. */
    ADMISSION_DISPLACED,        /* Gave way to another source's. */
    ADMISSION_TIMEOUT,          /* No handshake or identification in time. */
    ADMISSION_IDENTITY,         /* Nobody who may connect. */
    ADMISSION_N_REASONS
};
/* "limit", "source_share", ... */
extern const char *const admission_reason_names[ADMISSION_N_REASONS];

/* Part of a connection.  Zeroed until it is admitted. */
struct admission_entry {
    struct ovs_list node;       /* In its source's list. */
    struct admission_source *source; /* NULL: not admitted, or no longer. */
    struct admission_peer peer;
    enum admission_state state;
    int64_t since_ms;           /* In this state. */
};

struct admission_options {
    const char *listener;       /* For logs: "OpenFlow".  Borrowed. */
    size_t max_conns;           /* Of all states. */
    size_t max_pending;
    size_t max_source_pending;  /* Of a source that is not known. */
    int grace_ms;               /* A connection that is younger does not give
                                 * way to one whose source has as many: else a
                                 * rush of honest peers would never get
                                 * through. */
    /* Closes the connection of 'entry', which is not admitted any more. */
    void (*close)(void *aux, struct admission_entry *entry);
    /* Tells whether the configuration names the address; or NULL. */
    bool (*is_known)(void *aux, const struct in6_addr *addr);
    void *aux;
};

struct admission *admission_create(const struct admission_options *);
/* All connections must have been removed. */
void admission_destroy(struct admission *);

/* Admits the connection of 'entry' from 'peer', which is pending then, and
 * returns true; this may close others.  Returns false if it is to be closed:
 * that is counted and logged. */
bool admission_admit(struct admission *, struct admission_entry *entry,
                     const struct admission_peer *peer, int64_t now_ms);
/* Changes the state of an admitted entry.  Leaving ADMISSION_PENDING makes its
 * address known.  Does nothing for one that is not admitted. */
void admission_set_state(struct admission *, struct admission_entry *,
                         enum admission_state, int64_t now_ms);
/* The connection is gone.  Does nothing for one that is not admitted. */
void admission_remove(struct admission *, struct admission_entry *);
/* Remembers the address of a peer that was authenticated. */
void admission_remember(struct admission *, const struct admission_peer *);

/* Counts and logs a connection that its listener refused. */
void admission_count(struct admission *, const struct admission_peer *,
                     enum admission_reason);

struct admission_stats {
    uint64_t n_conns;           /* Now. */
    uint64_t n_pending;         /* Of these. */
    uint64_t n_refused[ADMISSION_N_REASONS];
};
void admission_get_stats(const struct admission *, struct admission_stats *);

#endif /* proto/admission/admission.h */
