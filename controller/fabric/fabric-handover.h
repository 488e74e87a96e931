/* SPDX-License-Identifier: Apache-2.0
 *
 * What is open to hosts while a member of a cluster stands by, and that the
 * fabric goes on with: listeners, connections, sessions.  Private to
 * controller/fabric.  In hosts/handover.c. */

#ifndef CONTROLLER_FABRIC_FABRIC_HANDOVER_H
#define CONTROLLER_FABRIC_FABRIC_HANDOVER_H 1

#include "openvswitch/shash.h"

struct ofserver;
struct ovsdb_listener;
struct ovsdb_schemas;
struct ovsdb_session;
struct tls;

/* Of a host's database. */
struct handover_session {
    char *remote;               /* As in the host's row.  Owned. */
    struct ovsdb_session *session; /* Owned. */
};

/* Owns all of it; who takes something sets it to NULL. */
struct fabric_handover {
    struct tls *tls;            /* Of the server; NULL: there is none. */
    struct ofserver *server;
    struct ovsdb_listener *listener; /* Or NULL. */
    struct ovsdb_schemas *schemas; /* Of the sessions. */
    struct shash sessions;      /* Of struct handover_session, by host. */
};

struct fabric_handover *handover_create(void);
void handover_destroy(struct fabric_handover *);
void handover_session_destroy(struct handover_session *);
/* Returns the session of host 'name', which the caller owns then; NULL if it
 * has none, or one with another remote. */
struct ovsdb_session *handover_take_session(struct fabric_handover *,
                                            const char *name,
                                            const char *remote);

#endif /* controller/fabric/fabric-handover.h */
