/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificate, private key and trusted CAs of the TLS servers for one kind of
 * peers.  Replaced files are reloaded without a restart, and used for new
 * connections.  Not for connections themselves (ofstream.c, http-conn.c). */

#ifndef PROTO_TLS_TLS_H
#define PROTO_TLS_TLS_H 1

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct ssl_ctx_st;
struct ssl_st;
struct tls;

/* OpenSSL's list of the ciphers of TLS 1.2 that listeners and connections
 * accept: AEAD with ephemeral keys.  None of them is of an earlier version.
 * Those of TLS 1.3 are all AEAD. */
#define TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"

/* Longest name of a certificate, in bytes. */
#define TLS_NAME_MAX 255
/* A listener divides a handshake's timeout into so many parts, each of which
 * starts when the end of the one before was noticed.  So a long turn of the
 * loop counts as one part, and does not time out a peer that has answered
 * meanwhile. */
#define TLS_HANDSHAKE_PARTS 4

struct tls_options {
    const char *private_key;    /* PEM files. */
    const char *certificate;    /* May be a chain, the server's first. */
    const char *ca_cert;        /* May contain several CAs.  Peers must present
                                 * a certificate of one of them, */
    bool peer_optional;         /* or none at all. */
    bool peers_are_equal;       /* They have certificates as ours is, of the
                                 * same CA. */
    /* Called when changed files have been loaded, if not NULL. */
    void (*changed)(void *aux);
    void *changed_aux;
};

/* Creates a TLS configuration.  Each kind of listener has its own, and trusts
 * only its own CAs.  If a peer's certificate has an extended key usage, that
 * must include TLS client authentication.  Returns 0, or a positive errno with
 * a sentence in '*text' (caller frees). */
int tls_create(const struct tls_options *, struct event_base *,
               struct tls **, char **text);
void tls_destroy(struct tls *);

/* Returns the context for SSL_new(): the same one as long as 'tls' exists. */
struct ssl_ctx_st *tls_context(const struct tls *);

struct tls_info {
    int64_t expires_s;          /* Our certificate: seconds since 1970. */
    int64_t ca_expires_s;       /* The first CA that expires. */
    bool is_own_ca;             /* A trusted CA has signed our own certificate:
                                 * clients that trust that CA cannot tell peers
                                 * from us. */
    uint64_t n_loads;           /* 1: the files at the start. */
    uint64_t n_failures;        /* Failed reloads: the former files remain in
                                 * use. */
    const char *error;          /* Of the last reload; NULL: it succeeded. */
};
void tls_get_info(const struct tls *, struct tls_info *);

/* Returns the name of a CA that both trust, or NULL if there is none.  The
 * caller frees it. */
char *tls_shared_ca(const struct tls *, const struct tls *);

/* Returns the common name of the peer's verified certificate; NULL if it has
 * presented none, or if the name is empty, too long, or contains a null byte.
 * The caller frees it. */
char *tls_peer_name(const struct ssl_st *);

#endif /* proto/tls/tls.h */
