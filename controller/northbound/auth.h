/* SPDX-License-Identifier: Apache-2.0
 *
 * Authentication and authorization of API clients: who a client is, which
 * calls it may make, and what it sees.  Not for how often (rate-limit.h), nor
 * for what a change may touch: the model (rights.c) checks that, and gets the
 * rights with the request.
 *
 * Clients of the unix socket, and those with the token of the token file, may
 * do everything; others are accounts, proven by a token or a certificate. */

#ifndef CONTROLLER_NORTHBOUND_AUTH_H
#define CONTROLLER_NORTHBOUND_AUTH_H 1

#include <stdbool.h>

#include "controller/northbound/northbound-private.h"

/* The permission that a call requires.  The default is admin. */
enum nb_permission {
    NB_PERMISSION_ADMIN,
    NB_PERMISSION_ANY,     /* Any account. */
    NB_PERMISSION_OBJECTS, /* The same; it shows only what that sees. */
    NB_PERMISSION_VIEW,    /* Any without a scope: it shows the whole
                            * network. */
    NB_PERMISSION_CHANGE,  /* Operators; of what, the model says. */
    NB_PERMISSION_OPERATE, /* Operators without a scope. */
};

struct nb_auth;
/* 'rate' is how many requests an account may make per second; 0: unlimited. */
struct nb_auth *nb_auth_create(unsigned rate);
void nb_auth_destroy(struct nb_auth *);

/* For http_options. */
bool nb_authenticate(struct http_request *, const struct http_peer *,
                     void *nb);
bool nb_authorize(struct http_request *, void *nb);

/* Returns true if the client is known here, or has sent nothing that says who
 * it is. */
bool nb_knows_peer(const struct northbound *, const struct http_peer *);

/* Returns a copy of the request's principal, for what outlives the request; or
 * NULL if it is unrestricted.  The caller frees it with
 * nb_principal_destroy(). */
struct nb_principal;
struct nb_principal *nb_principal_create(const struct http_request *);
void nb_principal_destroy(struct nb_principal *);
const char *nb_principal_account(const struct nb_principal *);
/* Returns what it may see and change, which it owns; NULL: everything. */
const struct model_rights *nb_principal_rights(const struct nb_principal *);
/* Returns true while the principal would still be authenticated, with the same
 * rights. */
bool nb_principal_is_valid(const struct northbound *,
                           const struct nb_principal *);

/* Returns true if the client of 'req' would still be authenticated, with the
 * same rights. */
bool nb_request_is_valid(const struct northbound *,
                         const struct http_request *);

/* Of the log of changes, a client with a scope sees what its account has made,
 * since there is an account of that name.  Returns true for such a client,
 * with the author, which the caller frees, and the time in '*since_ms'. */
bool nb_sees_own_changes(const struct northbound *,
                         const struct http_request *, char **author,
                         int64_t *since_ms);
/* Returns what the client of 'req' may see and change; NULL: everything. */
const struct model_rights *nb_rights(const struct http_request *);
/* Returns the rights of an account, which the caller destroys; NULL: all. */
struct model_rights *nb_rights_of(const struct vmn_account *);
/* Initializes 'request' with the client's name and rights, and the comment
 * that the query has of it. */
void nb_request_init(struct model_request *request,
                     const struct http_request *);

/* Generates a secret for token 'name' and sets its hash in 'spec'.  Returns
 * the token, which the caller frees. */
char *nb_token_make(const char *name, json_t *spec);

/* Appends the metrics of authentication and rate limits. */
void nb_auth_append_metrics(const struct northbound *, struct ds *);

#endif /* controller/northbound/auth.h */
