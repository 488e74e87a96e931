/* SPDX-License-Identifier: Apache-2.0
 *
 * The door: who a client is, which calls it may make, how often, and what it
 * sees.  What a change may touch is for the model (rights.c), which is
 * given the rights with the request.
 *
 * Whoever comes by the unix socket, or with the token of the token file, may do
 * everything; others are accounts, proven by a token or a certificate. */

#ifndef CONTROLLER_NORTHBOUND_DOOR_H
#define CONTROLLER_NORTHBOUND_DOOR_H 1

#include <stdbool.h>

#include "controller/northbound/northbound-private.h"

/* What a call takes.  One that says nothing is for admins. */
enum nb_need {
    NB_NEED_ADMIN,
    NB_NEED_ANY,                /* Any account. */
    NB_NEED_OBJECTS,            /* The same; it shows only what that sees. */
    NB_NEED_VIEW,               /* Any without a scope: it shows the whole
                                 * network. */
    NB_NEED_CHANGE,             /* Operators; of what, the model says. */
    NB_NEED_OPERATE,            /* Operators without a scope. */
};

struct nb_door;
/* 'rate' is how many calls an account may make a second; 0: any number. */
struct nb_door *nb_door_create(struct northbound *, unsigned rate);
void nb_door_destroy(struct nb_door *);

/* For http_options. */
bool nb_authenticate(struct http_request *, const struct http_peer *,
                     void *nb);
bool nb_authorize(struct http_request *, void *nb);

/* For what outlives its request: whom that was from, or NULL if that was somebody
 * who may do everything.  The caller frees it with nb_pass_destroy(). */
struct nb_pass;
struct nb_pass *nb_pass_create(const struct http_request *);
void nb_pass_destroy(struct nb_pass *);
const char *nb_pass_account(const struct nb_pass *);
/* True as long as the same client would be let in, and be allowed the same. */
bool nb_pass_is_good(const struct northbound *, const struct nb_pass *);

/* What the client of 'req' may see and change; NULL: everything. */
const struct model_rights *nb_rights(const struct http_request *);
/* Makes 'request' one of this client. */
void nb_request_init(struct model_request *request,
                     const struct http_request *);

/* Makes a secret for token 'name' and puts its hash into 'spec'.  Returns the
 * token, which the caller frees. */
char *nb_token_make(const char *name, json_t *spec);

/* Appends its part of /metrics. */
void nb_door_put_metrics(const struct northbound *, struct ds *);

#endif /* controller/northbound/door.h */
