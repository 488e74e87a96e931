/* SPDX-License-Identifier: Apache-2.0
 *
 * See relay-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/relay-fixture.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "proto/tls/tls.h"
#include "tests/unit/listening.h"
#include "tests/unit/turn-until.h"
#include "util.h"

void
write_certificate(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509_NAME *name = X509_get_subject_name(x509);
    FILE *stream = fopen(path, "w");
    X509_EXTENSION *san;
    X509V3_CTX v3;

    assert_non_null(stream);
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *) "m", -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_set_pubkey(x509, key);
    X509V3_set_ctx(&v3, x509, x509, NULL, NULL, 0);
    san = X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, "DNS:m");
    X509_add_ext(x509, san, -1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(stream, x509), 1);
    assert_int_equal(PEM_write_PrivateKey(stream, key, NULL, NULL, 0, NULL,
                                          NULL), 1);
    fclose(stream);
    X509_free(x509);
    EVP_PKEY_free(key);
}

/* The server behind.  ----------------------------------------------------- */

static bool
believe(const char *certificate, void *aux OVS_UNUSED)
{
    return !strcmp(certificate, "m");
}

static bool
know_relays(void *fixture)
{
    struct fixture *f = fixture;

    if (f->n_strangers) {
        f->n_strangers--;
        return false;
    }
    return true;
}

static bool
authenticate(struct http_request *req OVS_UNUSED,
             const struct http_peer *peer OVS_UNUSED, void *aux OVS_UNUSED)
{
    return true;
}

/* Says who has asked, and for what. */
static void
handle_echo(struct http_request *req, void *fixture_)
{
    const char *key = http_request_header(req, "Idempotency-Key");
    const char *if_match = http_request_header(req, "If-Match");
    struct fixture *f = fixture_;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ovs_strlcpy(f->key, key ? key : "", sizeof f->key);
    ovs_strlcpy(f->if_match, if_match ? if_match : "none",
                sizeof f->if_match);
    if (f->n_misdirected) {
        f->n_misdirected--;
        http_reply_problem(req, HTTP_MISDIRECTED, NULL, NULL, "not me");
        return;
    }
    if (f->n_refusals) {
        f->n_refusals--;
        http_reply_problem(req, 503, NULL, NULL, "not now");
        return;
    }
    ds_put_format(&ds, "%s %s %s %.*s", http_request_who(req),
                  http_request_method(req), http_request_target(req),
                  (int) http_request_body_size(req), http_request_body(req));
    http_reply_header(req, "X-More", "yes");
    http_reply_header(req, "X-Empty", "");
    http_reply_header(req, "X-Odd", ": a:b");
    http_reply_body(req, 200, "text/plain", &ds);
}

static void
on_drained(void *aux OVS_UNUSED)
{
}

static void
on_closed(void *aux OVS_UNUSED, bool stuck OVS_UNUSED)
{
}

static const struct http_stream_ops stream_ops = { on_drained, on_closed };

/* Says that 10 bytes follow, and breaks off after 5; or not. */
static void
handle_short(struct http_request *req, void *fixture_)
{
    struct http_stream *stream = http_reply_sized_stream(
        req, 200, "text/plain", 10, &stream_ops, NULL);
    struct fixture *f = fixture_;

    assert_non_null(stream);
    if (f->n_breaks) {
        f->n_breaks--;
        http_stream_write(stream, "01234", 5);
        http_stream_end(stream);
    } else {
        http_stream_write(stream, "0123456789", 10);
        http_stream_end(stream);
    }
}

static void
handle_big(struct http_request *req, void *fixture OVS_UNUSED)
{
    char *bytes = xmalloc(BIG);

    memset(bytes, 'x', BIG);
    http_reply_bytes(req, 200, "text/plain", bytes, BIG);
    free(bytes);
}

static void
on_gone(void *held_)
{
    struct http_request **held = held_;

    http_request_drop(*held);
    *held = NULL;
}

static void
handle_hold(struct http_request *req, void *fixture_)
{
    struct fixture *f = fixture_;

    if (f->refuses_hold) {
        http_reply_problem(req, 503, NULL, NULL, "not now");
        return;
    }
    f->held[f->is_new] = req;
    http_request_set_close_cb(req, on_gone, &f->held[f->is_new]);
}

void
load_tls(struct fixture *f)
{
    const struct tls_options options = {
        .private_key = f->pem, .certificate = f->pem, .ca_cert = f->pem,
        .peers_are_equal = true,
    };
    char *text = NULL;

    if (tls_create(&options, f->base, &f->tls, &text)) {
        fail_msg("%s", text);
    }
}

void
start_back(struct fixture *f)
{
    static const struct http_route routes[] = {
        { .method = HTTP_GET, .pattern = "/echo", .handler = handle_echo,
          .query = "q" },
        { .method = HTTP_PUT, .pattern = "/echo", .handler = handle_echo,
          .takes_body = true },
        { .method = HTTP_GET, .pattern = "/short", .handler = handle_short },
        { .method = HTTP_GET, .pattern = "/big", .handler = handle_big },
        { .method = HTTP_GET, .pattern = "/hold", .handler = handle_hold },
        { .method = HTTP_PUT, .pattern = "/hold", .handler = handle_hold },
    };
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    char *text = NULL;

    options.tls_timeout_ms = PATIENCE_MS;
    options.may_relay = believe;
    options.knows_relays = know_relays;
    options.authenticate = authenticate;
    f->back = http_server_create(f->base, &options, routes,
                                 ARRAY_SIZE(routes), f);
    if (http_listen_relayed(f->back, "127.0.0.1:0", f->tls, &text)) {
        fail_msg("%s", text);
    }
    free(f->address);
    f->port = listening_port_but(f->port);
    f->address = xasprintf("127.0.0.1:%u", f->port);
}

void
stop_back(struct fixture *f)
{
    http_server_destroy(f->back);
    f->back = NULL;
    f->port = 0;
    assert_null(f->held[0]);
}

/* The one in front.  ------------------------------------------------------ */

static void
relay_cb(struct http_request *req, const struct http_peer *peer,
         void *fixture_)
{
    struct fixture *f = fixture_;

    relay_pass(f->relay, req, peer);
}

/* With the fixture's certificates. */
void
make_relay(struct fixture *f, int64_t wait_ms)
{
    const struct relay_options options = {
        .private_key = f->pem, .certificate = f->pem, .ca_cert = f->pem,
        .wait_ms = wait_ms,
    };

    relay_destroy(f->relay);
    f->relay = relay_create(f->base, &options);
}

int
relay_setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    char *text = NULL, *path;

    f->base = event_base_new();
    ovs_strlcpy(f->dir, "/tmp/vmn-relay-XXXXXX", sizeof f->dir);
    assert_non_null(mkdtemp(f->dir));
    f->pem = xasprintf("%s/m.pem", f->dir);
    write_certificate(f->pem);
    load_tls(f);
    start_back(f);
    make_relay(f, PATIENCE_MS);
    options.relay = relay_cb;
    f->front = http_server_create(f->base, &options, NULL, 0, f);
    path = xasprintf("%s/sock", f->dir);
    if (http_listen_unix(f->front, path, NULL, &text)) {
        fail_msg("%s", text);
    }
    client_connect(&f->client, f->base, path);
    free(path);
    *state = f;
    return 0;
}

int
relay_teardown(void **state)
{
    struct fixture *f = *state;

    client_close(&f->client);
    relay_destroy(f->relay);
    http_server_destroy(f->front);
    http_server_destroy(f->back);
    tls_destroy(f->tls);
    event_base_free(f->base);
    unlink(f->pem);
    rmdir(f->dir);
    free(f->pem);
    free(f->address);
    free(f);
    return 0;
}

void
use_back(struct fixture *f)
{
    relay_set_server(f->relay, "m", f->address);
}

struct relay_stats
stats_of(const struct fixture *f)
{
    struct relay_stats stats;

    relay_get_stats(f->relay, &stats);
    return stats;
}

void
await_held(struct fixture *f)
{
    while (!f->held[f->is_new]) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

/* Has a new server beside the former, which is not asked any more.  Returns
 * that. */
struct http_server *
replace_back(struct fixture *f)
{
    struct http_server *former = f->back;

    f->is_new = true;
    start_back(f);
    use_back(f);
    return former;
}
