/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's side of TLS, for calls of servers of others: they show a
 * certificate of a CA that this machine believes, for the name that was called.
 * We show none.  Not for connections themselves. */

#ifndef PROTO_TLS_TLS_CLIENT_H
#define PROTO_TLS_TLS_CLIENT_H 1

#include <stdbool.h>

struct ssl_ctx_st;
struct ssl_st;

/* Believes the CAs in the PEM file 'ca_cert', or those of the system if it is
 * NULL (OpenSSL's, which SSL_CERT_FILE and SSL_CERT_DIR may move).  NULL with a
 * sentence in '*text', which the caller frees, if that cannot be used.  The
 * caller frees it with SSL_CTX_free(). */
struct ssl_ctx_st *tls_client_context(const char *ca_cert, char **text);

/* For a connection to 'host', a name or an address ('is_address'), which the
 * peer's certificate must be for.  NULL if there is no memory, or if it is no
 * host. */
struct ssl_st *tls_client_new(struct ssl_ctx_st *, const char *host,
                              bool is_address);

/* Why the peer's certificate was not believed, or NULL.  Static. */
const char *tls_client_refusal(const struct ssl_st *);

#endif /* proto/tls/tls-client.h */
