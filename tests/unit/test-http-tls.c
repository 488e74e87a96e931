/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS with the HTTP server (proto/http): how long handshakes may take, when
 * the client is slow, and when the server is; and that streams are sent
 * whole. */

#include <config.h>

#include "tests/unit/http-fixture.h"

#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/tls/tls.h"
#include "util.h"

#define TIMEOUT_MS 1000

/* Certificates.  --------------------------------------------------------- */

/* Writes a key and a certificate that it has signed itself to 'path', PEM. */
static void
write_certificate(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509_NAME *name = X509_get_subject_name(x509);
    FILE *stream = fopen(path, "w");

    assert_non_null(stream);
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *) "vmnd", -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_set_pubkey(x509, key);
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(stream, x509), 1);
    assert_int_equal(PEM_write_PrivateKey(stream, key, NULL, NULL, 0, NULL,
                                          NULL), 1);
    fclose(stream);
    X509_free(x509);
    EVP_PKEY_free(key);
}

/* A client.  ------------------------------------------------------------- */

struct tls_client {
    struct fixture *f;
    struct client plain;        /* Its connection. */
    SSL_CTX *ctx;
    SSL *ssl;
};

static void
tls_client_open(struct tls_client *c, struct fixture *f)
{
    c->f = f;
    client_open_tcp(&c->plain, f);
    c->ctx = SSL_CTX_new(TLS_client_method());
    c->ssl = SSL_new(c->ctx);
    SSL_set_fd(c->ssl, c->plain.fd);
    SSL_set_connect_state(c->ssl);
}

static void
tls_client_close(struct tls_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    client_close(&c->plain);
}

/* Makes a request as soon as the handshake is done.  Puts the first bytes of
 * what comes into 'reply'; none if the server closes. */
static void
tls_client_ask(struct tls_client *c, const char *request, char *reply,
               size_t size)
{
    bool asked = false;
    int n;

    for (;;) {
        n = (asked ? SSL_read(c->ssl, reply, size - 1)
             : SSL_write(c->ssl, request, strlen(request)));
        if (n > 0 && asked) {
            reply[n] = '\0';
            return;
        } else if (n > 0) {
            asked = true;
        } else if (SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ) {
            event_base_loop(c->f->base, EVLOOP_NONBLOCK);
        } else {
            reply[0] = '\0';
            return;
        }
    }
}

/* Tests.  ---------------------------------------------------------------- */

/* Replaces the fixture's server by one that TLS is spoken with over TCP. */
static void
restart_with_tls(struct fixture *f)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    char *path = xasprintf("%s/vmnd.pem", f->dir);
    const struct tls_options tls_options = {
        .private_key = path, .certificate = path, .ca_cert = path,
        .peer_optional = true,
    };
    char *text = NULL;

    write_certificate(path);
    if (tls_create(&tls_options, f->base, &f->tls, &text)) {
        fail_msg("%s", text);
    }
    unlink(path);
    free(path);
    options.tls_timeout_ms = TIMEOUT_MS;
    http_fixture_restart(f, &options);
}

static void
await_accepted(struct fixture *f)
{
    struct http_stats stats;

    do {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
        http_server_get_stats(f->server, &stats);
    } while (!stats.n_accepted); /* Or the alarm. */
}

static void
handshake_without_an_end_is_given_up(void **state)
{
    struct fixture *f = *state;
    struct http_stats stats;
    struct tls_client c;

    restart_with_tls(f);
    tls_client_open(&c, f);
    SSL_connect(c.ssl);                 /* Says hello, and no more. */
    while (!c.plain.eof) {
        client_turn(&c.plain);
    }
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_connections, 0);
    tls_client_close(&c);
}

/* A turn of ours that takes longer than a handshake may is not the client's
 * fault: it has sent all that it could. */
static void
handshake_outlives_a_long_turn(void **state)
{
    static const struct timespec turn = { TIMEOUT_MS / 1000, 200 * 1000000 };
    struct fixture *f = *state;
    struct tls_client c;
    char reply[1024];

    restart_with_tls(f);
    tls_client_open(&c, f);
    await_accepted(f);
    SSL_connect(c.ssl);
    nanosleep(&turn, NULL);             /* The turn. */
    tls_client_ask(&c, "GET /open" H "\r\n", reply, sizeof reply);
    assert_true(!strncmp(reply, "HTTP/1.1 200 OK\r\n", 17));
    tls_client_close(&c);
}

/* More than the sockets hold while nobody reads. */
#define TAIL_SIZE (8u << 20)

/* Ends a stream in the turn in which some of it was written, before the
 * server's callback for that. */
struct ending {
    struct fixture *f;
    struct event *event;        /* In each turn, behind what is written. */
    size_t queued;              /* Before some was written. */
};

static void
ending_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *e_)
{
    static const struct timeval next_turn = { 0, 0 };
    struct ending *e = e_;
    struct http_stream *stream = e->f->stream;
    size_t queued = stream ? http_stream_queued(stream) : 0;

    if (queued >= e->queued) {
        event_add(e->event, &next_turn);
        return;
    }

    char *tail = xmalloc(TAIL_SIZE);
    memset(tail, 'x', TAIL_SIZE);
    http_stream_write(stream, tail, TAIL_SIZE);
    http_stream_end(stream);
    e->f->stream = NULL;
    free(tail);
}

/* Reads up to the end of TLS.  Returns the number of bytes, and sets '*whole'
 * to whether the server said that this is the end. */
static size_t
tls_client_read_all(struct tls_client *c, bool *whole)
{
    static char buf[65536];
    size_t total = 0;

    for (;;) {
        int n = SSL_read(c->ssl, buf, sizeof buf);

        if (n > 0) {
            total += n;
        } else if (SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ) {
            event_base_loop(c->f->base, EVLOOP_NONBLOCK);
        } else {
            *whole = SSL_get_error(c->ssl, n) == SSL_ERROR_ZERO_RETURN;
            return total;
        }
    }
}

static void
stream_that_ends_while_it_is_written_is_sent_whole(void **state)
{
    static const struct timeval next_turn = { 0, 0 };
    struct ending ending = { .f = *state };
    struct fixture *f = *state;
    struct tls_client c;
    char head[1024];
    bool whole;

    restart_with_tls(f);
    tls_client_open(&c, f);
    ending.event = event_new(f->base, -1, 0, ending_cb, &ending);
    tls_client_ask(&c, "GET /stream" H "\r\n", head, sizeof head);
    assert_true(!strncmp(head, "HTTP/1.1 200 OK\r\n", 17));
    assert_non_null(f->stream);
    http_stream_write(f->stream, "x", 1);
    ending.queued = http_stream_queued(f->stream);
    event_add(ending.event, &next_turn);
    assert_int_equal(tls_client_read_all(&c, &whole), 1 + TAIL_SIZE);
    assert_true(whole);
    event_free(ending.event);
    tls_client_close(&c);
}

/* Nothing is left to be written then, whose end would close the connection. */
static void
stream_that_ends_with_an_empty_queue_is_closed(void **state)
{
    struct fixture *f = *state;
    struct tls_client c;
    char head[1024];
    bool whole;

    restart_with_tls(f);
    tls_client_open(&c, f);
    tls_client_ask(&c, "GET /stream" H "\r\n", head, sizeof head);
    assert_non_null(f->stream);
    while (http_stream_queued(f->stream)) {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    http_stream_end(f->stream);
    f->stream = NULL;
    assert_int_equal(tls_client_read_all(&c, &whole), 0);
    assert_true(whole);
    tls_client_close(&c);
}

/* Returns the ciphersuite that a client with this list gets, or NULL. */
static const char *
cipher_of(struct fixture *f, const char *ciphers)
{
    struct tls_client c;
    const char *name = NULL;
    char reply[100];

    tls_client_open(&c, f);
    SSL_set_max_proto_version(c.ssl, TLS1_2_VERSION);
    assert_int_equal(SSL_set_cipher_list(c.ssl, ciphers), 1);
    tls_client_ask(&c, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", reply,
                   sizeof reply);
    if (reply[0]) {
        name = SSL_get_cipher_name(c.ssl);
    }
    tls_client_close(&c);
    return name;
}

static void
ciphers_without_aead_are_refused(void **state)
{
    struct fixture *f = *state;

    restart_with_tls(f);
    assert_null(cipher_of(f, "ECDHE-ECDSA-AES256-SHA384"));
    assert_null(cipher_of(f, "ECDHE-ECDSA-AES128-SHA"));
    assert_string_equal(cipher_of(f, "HIGH"), "ECDHE-ECDSA-AES256-GCM-SHA384");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(ciphers_without_aead_are_refused),
        HTTP_TEST(handshake_without_an_end_is_given_up),
        HTTP_TEST(handshake_outlives_a_long_turn),
        HTTP_TEST(stream_that_ends_while_it_is_written_is_sent_whole),
        HTTP_TEST(stream_that_ends_with_an_empty_queue_is_closed),
    };

    return http_fixture_run(tests);
}
