/* SPDX-License-Identifier: Apache-2.0
 *
 * What a draft would do to who can reach whom, and to connections that were
 * observed.  The structs are what GET /v1/drafts/{name}/effects answers, where
 * members are called as in JSON.  Only for api-draft-effects.c, the files
 * beside it, and what describes them; the services also for rehearsals. */

#ifndef CONTROLLER_NORTHBOUND_DRAFT_EFFECTS_H
#define CONTROLLER_NORTHBOUND_DRAFT_EFFECTS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/flow/learn-connection.h"
#include "controller/model/model.h"
#include "controller/simulator/reachability-matrix.h"

struct northbound;

/* Services that are compared, each of which takes two matrices. */
#define EFFECT_SERVICES_MAX 16
/* Observed connections that are looked at, and those that are listed. */
#define EFFECT_CONNECTIONS_MAX 50000
#define EFFECT_ENDED_MAX 100

/* draft-services.c: the services that a draft may have an effect on. */
struct effect_service {
    enum trace_protocol protocol;
    uint16_t port;              /* 0 of ICMP. */
};
struct effect_services {
    size_t n;
    struct effect_service list[EFFECT_SERVICES_MAX];
    uint64_t n_more;            /* Others, as far as they were looked at. */
};
/* Adds a service, once. */
void effect_services_add(struct effect_services *, enum trace_protocol,
                         uint16_t port);
/* Adds pings, and the services that the draft's changes name, before or after,
 * as far as there is room; of a range its first port alone. */
void effect_services_of(struct effect_services *, const struct model *,
                        const struct vmn_draft *);
/* Adds those of all policies, as far as there is room, and time until
 * 'end_ms'.  Yields. */
void effect_services_of_policies(struct effect_services *,
                                 const struct northbound *,
                                 long long int end_ms);
/* The same of the policies of any model, with no bound on the time: for who
 * has nobody to wait for him. */
void effect_services_of_model(struct effect_services *, const struct model *);
/* Returns the service, such as "tcp/443", which the caller frees. */
char *effect_service_text(const struct effect_service *);
/* Returns false if pings are the only such thing of this connection that is no
 * ping, or it is of a protocol that is not compared. */
bool effect_service_of(const struct learned_connection *,
                       struct effect_service *);

/* What becomes of one service. */
struct effect_change {
    const char *service;
    size_t n_changes;
    struct reach_change *changes;
};

/* A connection that was observed, and would not be let through any more. */
struct effect_ended {
    const char *from, *to, *service;
    const struct reach_verdict *before, *after;
};

/* What is known of connections. */
struct effect_connections {
    size_t n_networks;
    const char **networks;      /* Observed ones. */
    uint64_t more_networks;     /* For which there was no time. */
    uint64_t observed;          /* In these. */
    uint64_t unchecked;         /* Of them, those that are not compared. */
    size_t n_unread;
    const char **unread;        /* Hosts that could not be read. */
    uint64_t n_all;             /* That would end. */
    size_t n_ended;
    struct effect_ended *ended; /* The first. */
};

struct draft_effects {
    const char *etag;           /* Of the draft that it is about. */
    uint64_t revision;          /* The state that it is based on. */
    size_t n_services;
    struct effect_change *services;
    uint64_t more_services;
    struct effect_connections connections;
    size_t n_warnings;
    const char **warnings;
};

/* The matrices of all services, in one state. */
struct effect_matrices {
    struct reach_matrix *of[EFFECT_SERVICES_MAX];
};

/* observed-ends.c: which connections a change ends. */
struct effect_seen {
    size_t n, allocated;
    struct learned_connection *connections;
    uint64_t n_more;            /* That were observed besides. */
};
/* Fills in, in 'arena', which of 'seen' are let through by 'before' and not by
 * 'after'. */
void effect_connections_compare(const struct northbound *,
                                const struct effect_services *,
                                const struct effect_seen *seen,
                                const struct effect_matrices *before,
                                const struct effect_matrices *after,
                                struct arena *, struct effect_connections *);

#endif /* controller/northbound/draft-effects.h */
