/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's side of TLS; see tls-client.h. */

#include <config.h>

#include "proto/tls/tls-client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "util.h"

SSL_CTX *
tls_client_context(const char *ca_cert, char **text)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    const char *reason;

    if (!ctx) {
        out_of_memory();
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    ERR_clear_error();
    if (ca_cert ? SSL_CTX_load_verify_locations(ctx, ca_cert, NULL) == 1
        : SSL_CTX_set_default_verify_paths(ctx) == 1) {
        return ctx;
    }
    reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    *text = xasprintf("%s: %s", ca_cert ? ca_cert : "the system's CAs",
                      reason ? reason : "cannot be used");
    SSL_CTX_free(ctx);
    return NULL;
}

SSL *
tls_client_new(SSL_CTX *ctx, const char *host, bool is_address)
{
    SSL *ssl = SSL_new(ctx);
    bool ok;

    if (!ssl) {
        return NULL;
    }
    if (is_address) {
        ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    } else {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        ok = (SSL_set1_host(ssl, host) == 1
              && SSL_set_tlsext_host_name(ssl, host) == 1);
    }
    if (!ok) {
        ERR_clear_error();
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

const char *
tls_client_refusal(const SSL *ssl)
{
    long result = SSL_get_verify_result(ssl);

    return (result == X509_V_OK ? NULL
            : X509_verify_cert_error_string(result));
}
