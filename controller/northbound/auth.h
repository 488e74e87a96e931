/* SPDX-License-Identifier: Apache-2.0
 *
 * Authentication and authorization of API clients: who a client is, which
 * calls it may make, how often, and what it sees.  What a change may touch is
 * for the model (rights.c), which gets the rights with the request.
 *
 * Clients of the unix socket, and those with the token of the token file, may
 * do everything; others are accounts, proven by a token or a certificate. */

#ifndef CONTROLLER_NORTHBOUND_AUTH_H
#define CONTROLLER_NORTHBOUND_AUTH_H 1

#include <stdbool.h>

#include "controller/northbound/northbound-private.h"

/* What a call takes.  One that says nothing is for admins. */
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
/* 'rate' is how many calls an account may make a second; 0: any number. */
struct nb_auth *nb_auth_create(struct northbound *, unsigned rate);
void nb_auth_destroy(struct nb_auth *);

/* For http_options. */
bool nb_authenticate(struct http_request *, const struct http_peer *,
                     void *nb);
bool nb_authorize(struct http_request *, void *nb);

/* For what outlives its request: whom that was from, or NULL if that was somebody
 * who may do everything.  The caller frees it with nb_principal_destroy(). */
struct nb_principal;
struct nb_principal *nb_principal_create(const struct http_request *);
void nb_principal_destroy(struct nb_principal *);
const char *nb_principal_account(const struct nb_principal *);
/* True as long as the same client would be let in, and be allowed the same. */
bool nb_principal_is_valid(const struct northbound *,
                           const struct nb_principal *);

/* What the client of 'req' may see and change; NULL: everything. */
const struct model_rights *nb_rights(const struct http_request *);
/* Makes 'request' one of this client. */
void nb_request_init(struct model_request *request,
                     const struct http_request *);

/* Makes a secret for token 'name' and puts its hash into 'spec'.  Returns the
 * token, which the caller frees. */
char *nb_token_make(const char *name, json_t *spec);

/* Appends its part of /metrics. */
void nb_auth_append_metrics(const struct northbound *, struct ds *);

#endif /* controller/northbound/auth.h */
