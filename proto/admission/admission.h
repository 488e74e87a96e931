/* SPDX-License-Identifier: Apache-2.0
 *
 * Connection admission: decides which connections a listener keeps when there
 * are more than its limit.  All listeners (OpenFlow, OVSDB, the API) use it,
 * so that idle connections and unfinished handshakes lock nobody out.
 *
 * A connection is pending until its peer is authenticated.  Pending
 * connections have a limit, and a lower one for each source address.  At a
 * limit the oldest pending connection of the source with the most is evicted;
 * those of known sources (addresses that the configuration names, or that were
 * authenticated before) last.  A source is an IPv4 address, or an IPv6 /64,
 * except for addresses that the configuration names.
 *
 * Connections to a listener of TLS have a rate, too, which sources share
 * (fair-rate.h): each costs an asymmetric operation once its peer has sent a
 * first message.
 *
 * Does no input or output, and reads the clock for that rate alone.  Not for
 * handshake timeouts, nor for authentication: the listener does both. */

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

/* Pending connections of a known source that are evicted last; further ones
 * count as those of any source. */
#define ADMISSION_KNOWN_PENDING 16
/* The 'rate' of listeners of TLS, per second. */
#define ADMISSION_TLS_RATE 200
/* Most authenticated addresses that are remembered without a connection. */
#define ADMISSION_REMEMBERED_MAX 4096

/* Where a connection comes from. */
struct admission_peer {
    sa_family_t family;         /* AF_INET, AF_INET6 or AF_UNIX. */
    struct in6_addr addr;       /* IPv4 as a mapped address. */
    uid_t uid;                  /* Of AF_UNIX; (uid_t) -1: not known. */
};
/* Returns the peer of socket 'fd' (-1: none) whose address is 'sa'; NULL means
 * AF_UNIX. */
struct admission_peer admission_peer_make(int fd, const struct sockaddr *sa);
/* The same for text such as "tcp:192.0.2.1:6653", "ssl:[2001:db8::1]:6653" or
 * "unix#3". */
struct admission_peer admission_peer_parse(const char *name);

enum admission_state {
    ADMISSION_PENDING,          /* Not authenticated yet. */
    ADMISSION_IDLE,             /* Authenticated; may be closed to make room if
                                 * nothing pending is left. */
    ADMISSION_ACTIVE,           /* Authenticated; never evicted. */
    ADMISSION_N_STATES
};

/* Why a connection was rejected or closed before it was authenticated. */
enum admission_reason {
    ADMISSION_LIMIT,            /* At the limit, and none can be evicted. */
    ADMISSION_SOURCE_SHARE,     /* Its source has too many. */
    ADMISSION_DISPLACED,        /* Evicted for another source's. */
    ADMISSION_TIMEOUT,          /* No handshake or identification in time. */
    ADMISSION_IDENTITY,         /* Not authorized to connect. */
    ADMISSION_RATE,             /* Its source has no share of the rate left. */
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
    unsigned rate;              /* New connections per second, except from
                                 * AF_UNIX; 0: unlimited. */
    int grace_ms;               /* A connection younger than this is not
                                 * evicted for one whose source has as many:
                                 * otherwise a rush of legitimate peers would
                                 * never finish its handshakes. */
    /* Closes the connection of 'entry', which is not admitted any more. */
    void (*close)(void *aux, struct admission_entry *entry);
    /* Returns true if the configuration names the address; or NULL. */
    bool (*is_known)(void *aux, const struct in6_addr *addr);
    void *aux;
};

struct admission *admission_create(const struct admission_options *);
/* All connections must have been removed. */
void admission_destroy(struct admission *);

/* Admits the connection of 'entry' from 'peer' as pending, and returns true;
 * this may close others.  Returns false if it must be closed, which is counted
 * and logged. */
bool admission_admit(struct admission *, struct admission_entry *entry,
                     const struct admission_peer *peer, int64_t now_ms);
/* Changes the state of an admitted entry.  Leaving ADMISSION_PENDING makes its
 * address known.  Does nothing if it is not admitted. */
void admission_set_state(struct admission *, struct admission_entry *,
                         enum admission_state, int64_t now_ms);
/* Removes a closed connection.  Does nothing if it is not admitted. */
void admission_remove(struct admission *, struct admission_entry *);
/* Remembers the address of a peer that was authenticated. */
void admission_remember(struct admission *, const struct admission_peer *);

/* Counts and logs a connection that its listener rejected. */
void admission_count(struct admission *, const struct admission_peer *,
                     enum admission_reason);

struct admission_stats {
    uint64_t n_conns;           /* Now. */
    uint64_t n_pending;         /* Of these. */
    uint64_t n_refused[ADMISSION_N_REASONS];
};
void admission_get_stats(const struct admission *, struct admission_stats *);

#endif /* proto/admission/admission.h */
