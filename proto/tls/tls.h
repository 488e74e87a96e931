/* SPDX-License-Identifier: Apache-2.0
 *
 * Our certificate, and whom we believe: what TLS servers for one kind of peers
 * share.  Files that are replaced are taken up without a restart, by
 * connections that come from then on.  Not for connections themselves
 * (ofstream.c, http-conn.c). */

#ifndef PROTO_TLS_TLS_H
#define PROTO_TLS_TLS_H 1

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct ssl_ctx_st;
struct ssl_st;
struct tls;

/* Longest name of a certificate, in bytes. */
#define TLS_NAME_MAX 255
/* A listener counts the time for a handshake in so many parts, each from when
 * the one before was seen to be over.  So a turn of our own that is long
 * counts as one part, and whoever did his part meanwhile is not dropped for
 * it. */
#define TLS_HANDSHAKE_PARTS 4

struct tls_options {
    const char *private_key;    /* PEM files. */
    const char *certificate;    /* May be a chain, ours first. */
    const char *ca_cert;        /* May hold several CAs.  Peers must show a
                                 * certificate of one of them, */
    bool peer_optional;         /* or none at all. */
    /* Called when files have changed and are good, if not NULL. */
    void (*changed)(void *aux);
    void *changed_aux;
};

/* Each listener's purpose has its own: it believes its own CAs alone.  Where a
 * peer's certificate states what it may be used for (extended key usage), that
 * must include a TLS client.
 * Returns 0, or a positive errno with a sentence in '*text' (caller frees). */
int tls_create(const struct tls_options *, struct event_base *,
               struct tls **, char **text);
void tls_destroy(struct tls *);

/* For SSL_new(): the same for as long as 'tls' exists. */
struct ssl_ctx_st *tls_context(const struct tls *);

struct tls_info {
    int64_t expires_s;          /* When ours does: seconds since 1970. */
    int64_t ca_expires_s;       /* When the first of the CAs does. */
    bool is_own_ca;             /* A CA that is believed has signed our own
                                 * certificate: to who believes our CA alone,
                                 * peers are as good as we are. */
    uint64_t n_loads;           /* 1: what there was at the start. */
    uint64_t n_failures;        /* Files that were no good: the former ones
                                 * are used on. */
    const char *error;          /* Of the newest, or NULL if it was good. */
};
void tls_get_info(const struct tls *, struct tls_info *);

/* Returns the name of a CA that both believe, or NULL if there is none.  The
 * caller frees it. */
char *tls_shared_ca(const struct tls *, const struct tls *);

/* The common name of the peer's certificate, which was verified; NULL if it has
 * shown none, or if the name is empty, too long, or holds a zero.  The caller
 * frees it. */
char *tls_peer_name(const struct ssl_st *);

#endif /* proto/tls/tls.h */
