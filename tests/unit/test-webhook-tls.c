/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of web servers by HTTPS: which certificates are believed. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/webhook/webhook.h"
#include "tests/unit/webhook-fixture.h"
#include "util.h"

/* Makes a server's certificate for web.test that is its own CA. */
static void
use_tls(struct fixture *f)
{
    X509 *cert = X509_new();
    X509V3_CTX v3;

    if (!server_key) {
        server_key = EVP_EC_gen("P-256");
    }
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, server_key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
                               MBSTRING_ASC, (const unsigned char *) "web",
                               -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509V3_set_ctx(&v3, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(
        NULL, &v3, NID_subject_alt_name, "DNS:web.test");
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(cert, server_key, EVP_sha256()));

    f->ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(f->ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(f->ctx, server_key), 1);

    f->options.ca_cert = write_file(f, "ca.pem", "");
    FILE *file = fopen(f->options.ca_cert, "w");
    assert_int_equal(PEM_write_X509(file, cert), 1);
    fclose(file);
    X509_free(cert);
}

static void
https_is_for_whom_the_certificate_names(void **state)
{
    struct fixture *f = *state;

    use_tls(f);
    f->options.n_attempts = 2;
    create(f, NULL);
    call(f, "https://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    call(f, "https://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 2, "its certificate is not trusted: it "
                   "is for another host");
    assert_int_equal(f->n_seen, 1);

    /* Who does not speak it. */
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 2, "");
    assert_int_equal(f->n_seen, 1);
}

static void
https_takes_a_ca_that_is_believed(void **state)
{
    struct fixture *f = *state;

    use_tls(f);
    char *ca = CONST_CAST(char *, f->options.ca_cert);
    f->options.ca_cert = NULL;  /* The system's. */
    f->options.n_attempts = 1;
    setenv("SSL_CERT_DIR", "/none", 1);
    create(f, NULL);
    call(f, "https://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 1,
                   "its certificate is not trusted: self-signed");
    webhook_destroy(f->w);
    setenv("SSL_CERT_FILE", "/none", 1);
    create(f, NULL);
    call(f, "https://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "SSL_CERT_FILE, cannot be used");
    assert_int_equal(f->n_seen, 0);

    webhook_destroy(f->w);
    setenv("SSL_CERT_FILE", ca, 1);
    create(f, NULL);
    call(f, "https://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_int_equal(f->n_seen, 1);
    free(ca);

    /* What cannot be read is no reason to believe anybody. */
    webhook_destroy(f->w);
    f->options.ca_cert = write_file(f, "empty.pem", "");
    f->options.n_attempts = 2;
    create(f, NULL);
    call(f, "https://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 2, "empty.pem");
    assert_int_equal(f->n_seen, 1);
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
}

static void
https_goes_through_a_proxy(void **state)
{
    struct fixture *f = *state;

    use_tls(f);
    f->manner = TUNNELS;
    f->options.proxy = xasprintf("http://127.0.0.1:%u", f->rude_port);
    create(f, NULL);
    call(f, "https://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_int_equal(f->n_seen, 1);
    assert_null(strstr(ds_cstr(&f->heard), "POST"));
}

static void
https_to_who_hangs_ends_in_time(void **state)
{
    struct fixture *f = *state;
    char *allow = xasprintf("https://127.0.0.1:%u", f->rude_port);

    f->manner = SILENT;
    f->options.n_attempts = 1;
    f->options.attempt_ms = 50;
    create(f, allow);
    call(f, "https://127.0.0.1:%u/", f->rude_port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "timed out");
    webhook_destroy(f->w);
    f->w = NULL;

    f->manner = SAYS;
    f->says = "220 mail.example ESMTP\r\n";
    f->options.attempt_ms = GIVE_UP_MS;
    create(f, allow);
    call(f, "https://127.0.0.1:%u/", f->rude_port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "TLS failed");
    free(allow);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(https_is_for_whom_the_certificate_names),
        TEST(https_takes_a_ca_that_is_believed),
        TEST(https_goes_through_a_proxy),
        TEST(https_to_who_hangs_ends_in_time),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);

    EVP_PKEY_free(server_key);
    return n_failed;
}
