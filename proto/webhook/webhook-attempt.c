/* SPDX-License-Identifier: Apache-2.0
 *
 * One attempt; see webhook-attempt.h.  The head of the reply decides.  Its
 * body is read for a moment, so that a server may write it and does not see
 * its connection reset; what it says does not matter.
 *
 * Each attempt has a handle, a connection and a lookup of its own: nothing is
 * shared between URLs, and an address or a CA that changes counts with the
 * next one (CAs within the hour, since reading them takes long). */

#include <config.h>

#include "proto/webhook/webhook-attempt.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "openvswitch/vlog.h"
#include "proto/loop/loop-curl.h"
#include "proto/tls/tls.h"
#include "proto/webhook/webhook-url.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(webhook_attempt);

/* Seconds for which CAs are used that were read once. */
#define CA_CACHE_S 3600
/* Longest Retry-After that is honoured, in seconds. */
#define RETRY_AFTER_MAX_S (24 * 3600)

struct webhook_attempt {
    const struct webhook_client *client;
    const struct webhook_url *url;
    struct loop_curl_transfer transfer;
    struct curl_slist *headers;
    webhook_attempt_cb *done;
    void *aux;
    struct event *linger;       /* Ends the wait for the reply's body. */

    size_t n_head, n_body;      /* Bytes received. */
    bool has_reply;             /* The head is complete, and the body is being
                                 * read. */
    char *refused;              /* An address that was not allowed, or NULL. */
    char detail[CURL_ERROR_SIZE]; /* libcurl's, for the log only. */
};

/* The end.  --------------------------------------------------------------- */

static void
attempt_destroy(struct webhook_attempt *attempt)
{
    curl_easy_cleanup(attempt->transfer.easy);
    curl_slist_free_all(attempt->headers);
    event_free(attempt->linger);
    free(attempt->refused);
    free(attempt);
}

void
webhook_attempt_cancel(struct webhook_attempt *attempt)
{
    if (attempt) {
        loop_curl_remove(attempt->client->curl, &attempt->transfer);
        attempt_destroy(attempt);
    }
}

/* Returns true if the transfer has reached the point whose time is 'info', one
 * of CURLINFO_..._TIME_T. */
static bool
has_come_to(const struct webhook_attempt *attempt, CURLINFO info)
{
    curl_off_t us = 0;

    return !curl_easy_getinfo(attempt->transfer.easy, info, &us) && us > 0;
}

/* Returns why there was no connection, or no valid certificate.  The caller
 * frees it. */
static char *
connection_fault(const struct webhook_attempt *attempt, CURLcode code)
{
    CURL *easy = attempt->transfer.easy;
    long verify = X509_V_OK, error = 0;

    switch ((int) code) {
    case CURLE_COULDNT_CONNECT:
        if (attempt->refused) {
            return xasprintf("its name has the address %s, which is called "
                             "only by a URL that has the address itself",
                             attempt->refused);
        }
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
        return xasprintf("cannot connect: %s",
                         error ? ovs_strerror((int) error) : "no connection");
    case CURLE_PEER_FAILED_VERIFICATION:
        /* Apart from the chain, libcurl itself compares names. */
        curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verify);
        return xasprintf("its certificate is not trusted: %s",
                         verify == X509_V_OK
                         || verify == X509_V_ERR_UNSPECIFIED
                         ? "it is for another host"
                         : X509_verify_cert_error_string(verify));
    case CURLE_SSL_CACERT_BADFILE:
        return xasprintf("%s cannot be used", attempt->client->ca_cert
                         ? attempt->client->ca_cert
                         : "the system's file of CAs, or SSL_CERT_FILE,");
    default:
        return xasprintf("TLS failed: %s", curl_easy_strerror(code));
    }
}

/* Returns why there was no reply, without the URL, which may be secret.  The
 * caller frees it. */
static char *
fault_of(const struct webhook_attempt *attempt, CURLcode code)
{
    long proxy_status = 0;

    curl_easy_getinfo(attempt->transfer.easy, CURLINFO_HTTP_CONNECTCODE,
                      &proxy_status);
    if (proxy_status >= 300) {
        return xasprintf("the proxy answered %ld", proxy_status);
    }
    switch ((int) code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return xstrdup("its name was not found");
    case CURLE_COULDNT_RESOLVE_PROXY:
        return xstrdup("the proxy's name was not found");
    case CURLE_OPERATION_TIMEDOUT:
        return xstrdup(has_come_to(attempt, CURLINFO_PRETRANSFER_TIME_T)
                       ? "it did not reply in time"
                       : has_come_to(attempt, CURLINFO_NAMELOOKUP_TIME_T)
                       ? "cannot connect: timed out"
                       : "its name was not found in time");
    case CURLE_COULDNT_CONNECT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
        return connection_fault(attempt, code);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return xstrdup("it closed the connection");
    case CURLE_WRITE_ERROR:             /* Set by take_head(). */
    case CURLE_UNSUPPORTED_PROTOCOL:    /* HTTP/0.9, for which any reply
                                         * passes. */
    case CURLE_WEIRD_SERVER_REPLY:
        return xstrdup("its reply is not HTTP/1");
    case CURLE_OK:
        return xstrdup("its reply has headers without end");
    default:
        return xstrdup(curl_easy_strerror(code));
    }
}

static void
finish(struct webhook_attempt *attempt, CURLcode code)
{
    CURL *easy = attempt->transfer.easy;
    struct webhook_result result = { 0, NULL, 0 };
    webhook_attempt_cb *done = attempt->done;
    curl_off_t retry_after_s = 0;
    void *aux = attempt->aux;
    char *fault = NULL;
    long status = 0;

    if (attempt->has_reply) {
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_s);
        retry_after_s = MIN(MAX(retry_after_s, 0), RETRY_AFTER_MAX_S);
        result.status = (int) status;
        result.retry_after_ms = (unsigned) retry_after_s * 1000;
    } else {
        VLOG_DBG("%s: %s", attempt->url->host, attempt->detail);
        fault = fault_of(attempt, code);
        result.fault = fault;
    }
    attempt_destroy(attempt);
    done(aux, &result);
    free(fault);
}

static void
done_cb(void *attempt, CURLcode code)
{
    finish(attempt, code);
}

static void
linger_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *attempt_)
{
    struct webhook_attempt *attempt = attempt_;

    loop_curl_remove(attempt->client->curl, &attempt->transfer);
    finish(attempt, CURLE_OK);
}

/* libcurl's callbacks.  --------------------------------------------------- */

/* Records an address that is not allowed; IPv4 or IPv6. */
static void
note_refused(struct webhook_attempt *attempt, const struct sockaddr *address)
{
    const struct sockaddr_in6 *sin6 = ALIGNED_CAST(const void *, address);
    const struct sockaddr_in *sin = ALIGNED_CAST(const void *, address);
    bool ipv6 = address->sa_family == AF_INET6;
    char text[INET6_ADDRSTRLEN] = "";

    inet_ntop(address->sa_family,
              ipv6 ? (const void *) &sin6->sin6_addr : &sin->sin_addr, text,
              sizeof text);
    free(attempt->refused);
    attempt->refused = xstrdup(text);
}

/* Opens a socket to an address that the name resolved to, if it is allowed.
 * So the address that is checked is the one that is connected to. */
static curl_socket_t
open_socket(void *attempt_, curlsocktype purpose OVS_UNUSED,
            struct curl_sockaddr *address)
{
    struct webhook_attempt *attempt = attempt_;

    if (!attempt->client->proxy
        && !webhook_url_may_reach(attempt->url, &address->addr)) {
        note_refused(attempt, &address->addr);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

/* Receives a line of a head, also of an interim reply's or a proxy's (for
 * which there is no CURLINFO_RESPONSE_CODE).  An empty line ends the head of
 * the reply itself. */
static size_t
take_head(char *line, size_t one OVS_UNUSED, size_t size, void *attempt_)
{
    struct webhook_attempt *attempt = attempt_;
    long status = 0;

    attempt->n_head += size;
    if (attempt->n_head > WEBHOOK_HEAD_MAX) {
        return 0;
    }
    curl_easy_getinfo(attempt->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (size && (*line == '\r' || *line == '\n') && status >= 200
        && !attempt->has_reply) {
        unsigned ms = attempt->client->linger_ms;
        struct timeval tv = { .tv_sec = ms / 1000,
                              .tv_usec = ms % 1000 * 1000 };

        attempt->has_reply = true;
        event_add(attempt->linger, &tv);
    }
    return size;
}

/* Discards the reply's body, up to a bound. */
static size_t
take_body(char *data OVS_UNUSED, size_t one OVS_UNUSED, size_t size,
          void *attempt_)
{
    struct webhook_attempt *attempt = attempt_;

    attempt->n_body += size;
    return attempt->n_body < WEBHOOK_BODY_READ_MAX ? size : 0;
}

/* The beginning.  --------------------------------------------------------- */

/* Sets the trusted CAs: 'ca_cert', or OpenSSL's variables, or libcurl's
 * default.  A directory of CAs is not used unless it is named: with one,
 * libcurl would read the CAs anew each time. */
static void
set_tls(CURL *easy, const char *ca_cert)
{
    const char *file = ca_cert, *dir = NULL;

    if (!ca_cert) {
        file = secure_getenv(X509_get_default_cert_file_env());
        dir = secure_getenv(X509_get_default_cert_dir_env());
    }
    if (file || dir) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, file);
    }
    curl_easy_setopt(easy, CURLOPT_CAPATH, dir);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long) CA_CACHE_S);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, TLS_CIPHERS);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

/* Disables what libcurl would take from its environment, or do beyond one
 * request. */
static void
set_bounds(CURL *easy, const struct webhook_client *client)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    /* "" overrides http_proxy and no_proxy of the environment. */
    curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy ? client->proxy : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) client->timeout_ms);
}

static void
set_request(struct webhook_attempt *attempt, const char *body)
{
    const struct webhook_url *url = attempt->url;
    char *authority = webhook_url_authority(url);
    char *text = xasprintf("http%s://%s%s", url->tls ? "s" : "", authority,
                           url->target);
    CURL *easy = attempt->transfer.easy;

    curl_easy_setopt(easy, CURLOPT_URL, text);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "vmnd/" VMN_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, attempt->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) strlen(body));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    free(text);
    free(authority);
}

struct webhook_attempt *
webhook_attempt_start(const struct webhook_client *client,
                      const struct webhook_url *url,
                      struct curl_slist *headers, const char *body,
                      webhook_attempt_cb *done, void *aux)
{
    struct webhook_attempt *attempt = xzalloc(sizeof *attempt);
    CURL *easy = curl_easy_init();

    if (!easy) {
        out_of_memory();
    }
    attempt->client = client;
    attempt->url = url;
    attempt->headers = headers;
    attempt->done = done;
    attempt->aux = aux;
    attempt->linger = evtimer_new(client->base, linger_cb, attempt);
    attempt->transfer = (struct loop_curl_transfer) {
        .easy = easy, .done = done_cb, .aux = attempt,
    };
    set_request(attempt, body);
    set_bounds(easy, client);
    set_tls(easy, client->ca_cert);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, attempt->detail);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, attempt);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, attempt);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, attempt);
    loop_curl_add(client->curl, &attempt->transfer);
    return attempt;
}
