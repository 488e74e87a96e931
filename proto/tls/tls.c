/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS configuration; see tls.h.  Files are checked periodically.  Changed
 * files are loaded into a temporary context first; the one in use is replaced
 * only if all of them are valid. */

#include <config.h>

#include "proto/tls/tls.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "openvswitch/vlog.h"
#include "proto/loop/seen-file.h"
#include "proto/text/quoted-text.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(tls);

/* How often files are checked. */
#define CHECK_INTERVAL_S 2

enum { KEY, CERTIFICATE, CA, N_FILES };

struct tls {
    char *names[N_FILES];
    bool peer_optional, peers_are_equal;
    void (*changed)(void *aux);
    void *changed_aux;
    SSL_CTX *ctx;
    struct event *check_timer;
    struct stat seen[N_FILES];  /* As of the last try. */
    int64_t expires_s, ca_expires_s;
    bool is_own_ca;
    uint64_t n_loads, n_failures;
    char *error;                /* Of the last try, or NULL. */
};

/* Stores the state of all files; returns true if one has changed. */
static bool
update_seen(struct tls *tls)
{
    bool changed = false;

    for (int i = 0; i < N_FILES; i++) {
        changed |= seen_file_note(tls->names[i], &tls->seen[i]);
    }
    return changed;
}

/* Loads all files into 'ctx'.  Returns NULL, or a sentence that the caller
 * frees. */
static char *
load(const struct tls *tls, SSL_CTX *ctx)
{
    const char *what = NULL, *reason;
    X509_STORE *store = X509_STORE_new();

    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, tls->names[CERTIFICATE])
        != 1) {
        what = tls->names[CERTIFICATE];
    } else if (SSL_CTX_use_PrivateKey_file(ctx, tls->names[KEY],
                                           SSL_FILETYPE_PEM) != 1
               || SSL_CTX_check_private_key(ctx) != 1) {
        what = tls->names[KEY];
    } else if (!store
               || X509_STORE_load_locations(store, tls->names[CA], NULL)
                  != 1) {
        what = tls->names[CA];
    }
    if (!what) {
        SSL_CTX_set_cert_store(ctx, store);     /* Takes it. */
        return NULL;
    }
    X509_STORE_free(store);
    reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return xasprintf("%s: %s", what, reason ? reason : "cannot be used");
}

static SSL_CTX *
make_context(const struct tls *tls)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx || !SSL_CTX_set_cipher_list(ctx, TLS_CIPHERS)) {
        out_of_memory();
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER
                       | (tls->peer_optional ? 0
                          : SSL_VERIFY_FAIL_IF_NO_PEER_CERT), NULL);
    /* The default of servers; not left to OpenSSL's configuration. */
    SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
    /* Who comes back proves itself anew: its certificate may be another, or no
     * good by now. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

/* Returns when 'cert', which may be NULL, expires, in seconds since 1970, or 0
 * if that is not known. */
static int64_t
expiry_of(const X509 *cert)
{
    struct tm tm;

    return (cert && ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm)
            ? (int64_t) timegm(&tm) : 0);
}

/* Returns CA 'i' of those that 'ctx' trusts, or NULL if that is not a
 * certificate (but a revocation list, say). */
static X509 *
ca_at(const SSL_CTX *ctx, int i)
{
    STACK_OF(X509_OBJECT) *objects
        = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));

    return X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
}

static int
n_cas(const SSL_CTX *ctx)
{
    return sk_X509_OBJECT_num(
        X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx)));
}

/* Returns when the first CA that 'ctx' trusts expires, or 0 as above. */
static int64_t
ca_expiry_of(const SSL_CTX *ctx)
{
    int64_t first = 0;

    for (int i = 0; i < n_cas(ctx); i++) {
        int64_t expires_s = expiry_of(ca_at(ctx, i));

        if (expires_s && (!first || expires_s < first)) {
            first = expires_s;
        }
    }
    return first;
}

/* Returns true if 'ctx' would accept its own certificate from a peer, whatever
 * its key usage and whether it has expired or not. */
static bool
accepts_own_certificate(SSL_CTX *ctx)
{
    X509_STORE_CTX *verify = X509_STORE_CTX_new();
    STACK_OF(X509) *chain = NULL;
    bool result;

    if (!verify) {
        out_of_memory();
    }
    SSL_CTX_get0_chain_certs(ctx, &chain);
    result = (X509_STORE_CTX_init(verify, SSL_CTX_get_cert_store(ctx),
                                  SSL_CTX_get0_certificate(ctx), chain) == 1);
    if (result) {
        X509_STORE_CTX_set_flags(verify, X509_V_FLAG_NO_CHECK_TIME);
        result = X509_verify_cert(verify) == 1;
    }
    X509_STORE_CTX_free(verify);
    ERR_clear_error();
    return result;
}

/* Loads the files into the context in use.  Returns true if they are valid. */
static bool
reload(struct tls *tls)
{
    SSL_CTX *trial = make_context(tls);
    char *error = load(tls, trial);

    SSL_CTX_free(trial);
    if (!error) {
        error = load(tls, tls->ctx);
    }
    free(tls->error);
    tls->error = error;
    if (error) {
        tls->n_failures++;
        return false;
    }
    tls->n_loads++;
    tls->expires_s = expiry_of(SSL_CTX_get0_certificate(tls->ctx));
    tls->ca_expires_s = ca_expiry_of(tls->ctx);
    tls->is_own_ca = accepts_own_certificate(tls->ctx);
    return true;
}

/* Logs a warning that peers' certificates and ours are of one CA. */
static void
warn_of_own_ca(const struct tls *tls)
{
    if (tls->is_own_ca && !tls->peers_are_equal) {
        VLOG_WARN("%s contains the CA of our own certificate, %s: who trusts "
                  "that CA accepts these peers as us",
                  tls->names[CA], tls->names[CERTIFICATE]);
    }
}

static void
check_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *tls_)
{
    struct tls *tls = tls_;

    if (!update_seen(tls)) {
        return;
    }
    if (!reload(tls)) {
        VLOG_ERR("certificates have changed and cannot be used; the previous "
                 "ones stay in use: %s", tls->error);
        return;
    }
    VLOG_INFO("certificates have changed: connections from now on use %s",
              tls->names[CERTIFICATE]);
    warn_of_own_ca(tls);
    if (tls->changed) {
        tls->changed(tls->changed_aux);
    }
}

int
tls_create(const struct tls_options *options, struct event_base *base,
           struct tls **tlsp, char **text)
{
    static const struct timeval tv = { CHECK_INTERVAL_S, 0 };
    struct tls *tls = xzalloc(sizeof *tls);

    tls->names[KEY] = xstrdup(options->private_key);
    tls->names[CERTIFICATE] = xstrdup(options->certificate);
    tls->names[CA] = xstrdup(options->ca_cert);
    tls->peer_optional = options->peer_optional;
    tls->peers_are_equal = options->peers_are_equal;
    tls->changed = options->changed;
    tls->changed_aux = options->changed_aux;
    tls->ctx = make_context(tls);
    *tlsp = NULL;
    update_seen(tls);
    if (!reload(tls)) {
        *text = xstrdup(tls->error);
        tls_destroy(tls);
        return EINVAL;
    }
    warn_of_own_ca(tls);
    tls->check_timer = event_new(base, -1, EV_PERSIST, check_cb, tls);
    event_add(tls->check_timer, &tv);
    *tlsp = tls;
    return 0;
}

void
tls_destroy(struct tls *tls)
{
    if (tls) {
        if (tls->check_timer) {
            event_free(tls->check_timer);
        }
        SSL_CTX_free(tls->ctx);
        for (int i = 0; i < N_FILES; i++) {
            free(tls->names[i]);
        }
        free(tls->error);
        free(tls);
    }
}

SSL_CTX *
tls_context(const struct tls *tls)
{
    return tls->ctx;
}

void
tls_get_info(const struct tls *tls, struct tls_info *info)
{
    *info = (struct tls_info) {
        .expires_s = tls->expires_s,
        .ca_expires_s = tls->ca_expires_s,
        .is_own_ca = tls->is_own_ca,
        .n_loads = tls->n_loads,
        .n_failures = tls->n_failures,
        .error = tls->error,
    };
}

/* Returns true if 'a' and 'b' are the same CA, which may have several
 * certificates of one key. */
static bool
is_same_ca(const X509 *a, const X509 *b)
{
    return (!X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b))
            && EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1);
}

char *
tls_shared_ca(const struct tls *a, const struct tls *b)
{
    for (int i = 0; i < n_cas(a->ctx); i++) {
        X509 *ca = ca_at(a->ctx, i);

        for (int j = 0; ca && j < n_cas(b->ctx); j++) {
            X509 *other = ca_at(b->ctx, j);

            if (other && is_same_ca(ca, other)) {
                char name[TLS_NAME_MAX + 1];

                X509_NAME_oneline(X509_get_subject_name(ca), name,
                                  sizeof name);
                return xstrdup(name);
            }
        }
    }
    return NULL;
}

char *
tls_peer_name(const SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    char name[TLS_NAME_MAX + 1];
    int len;

    if (!cert || SSL_get_verify_result(ssl) != X509_V_OK) {
        return NULL;
    }
    len = X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
                                    NID_commonName, NULL, 0);
    if (len <= 0 || len > TLS_NAME_MAX
        || X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
                                     NID_commonName, name, sizeof name) != len
        || strlen(name) != (size_t) len) {
        return NULL;
    }
    /* It stays no name of a host or an account if it was none. */
    text_restrict(name);
    return xstrdup(name);
}
