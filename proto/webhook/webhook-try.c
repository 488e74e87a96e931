/* SPDX-License-Identifier: Apache-2.0
 *
 * One try; see webhook-try.h.  The head of the reply decides.  Its body is
 * read for a moment, so that a server may write it and does not see its
 * connection reset; what it says does not matter.
 *
 * Each try has a handle, a connection and a lookup of its own: nothing is
 * shared between URLs, and an address or a CA that changes counts with the
 * next one (CAs within the hour, since reading them takes long). */

#include <config.h>

#include "proto/webhook/webhook-try.h"

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
#include "proto/webhook/webhook-url.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(webhook_try);

/* For how long the CAs that were read are used, in seconds. */
#define CA_CACHE_S 3600
/* Longest time that Retry-After is taken to say, in seconds. */
#define RETRY_AFTER_MAX_S (24 * 3600)

struct webhook_try {
    const struct webhook_tries *tries;
    const struct webhook_url *url;
    struct loop_curl_transfer transfer;
    struct curl_slist *headers;
    webhook_tried *tried;
    void *aux;
    struct event *linger;       /* Ends the wait for the reply's body. */

    size_t n_head, n_body;      /* Bytes that were read. */
    bool has_reply;             /* The head is whole; the body is read. */
    char *refused;              /* An address that was not connected to, or
                                 * NULL. */
    char detail[CURL_ERROR_SIZE]; /* libcurl's, for the log alone. */
};

/* The end.  --------------------------------------------------------------- */

static void
try_destroy(struct webhook_try *try)
{
    curl_easy_cleanup(try->transfer.easy);
    curl_slist_free_all(try->headers);
    event_free(try->linger);
    free(try->refused);
    free(try);
}

void
webhook_try_cancel(struct webhook_try *try)
{
    if (try) {
        loop_curl_remove(try->tries->curl, &try->transfer);
        try_destroy(try);
    }
}

/* Whether the transfer came to a point whose time is 'info', one of
 * CURLINFO_..._TIME_T. */
static bool
has_come_to(const struct webhook_try *try, CURLINFO info)
{
    curl_off_t us = 0;

    return !curl_easy_getinfo(try->transfer.easy, info, &us) && us > 0;
}

/* Why there was no connection, or no certificate to believe. */
static char *
connection_fault(const struct webhook_try *try, CURLcode code)
{
    CURL *easy = try->transfer.easy;
    long verify = X509_V_OK, error = 0;

    switch ((int) code) {
    case CURLE_COULDNT_CONNECT:
        if (try->refused) {
            return xasprintf("its name has the address %s, which is called "
                             "only by a URL that has the address itself",
                             try->refused);
        }
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
        return xasprintf("cannot connect: %s",
                         error ? ovs_strerror((int) error) : "no connection");
    case CURLE_PEER_FAILED_VERIFICATION:
        /* What is not about the chain is libcurl's own comparison of names. */
        curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verify);
        return xasprintf("its certificate is not believed: %s",
                         verify == X509_V_OK
                         || verify == X509_V_ERR_UNSPECIFIED
                         ? "it is for another host"
                         : X509_verify_cert_error_string(verify));
    case CURLE_SSL_CACERT_BADFILE:
        return xasprintf("%s cannot be used", try->tries->ca_cert
                         ? try->tries->ca_cert
                         : "the system's file of CAs, or SSL_CERT_FILE,");
    default:
        return xasprintf("TLS failed: %s", curl_easy_strerror(code));
    }
}

/* Says why there was no reply, without what was called: that may be secret.
 * The caller frees it. */
static char *
fault_of(const struct webhook_try *try, CURLcode code)
{
    long proxy_status = 0;

    curl_easy_getinfo(try->transfer.easy, CURLINFO_HTTP_CONNECTCODE,
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
        return xstrdup(has_come_to(try, CURLINFO_PRETRANSFER_TIME_T)
                       ? "it did not answer in time"
                       : has_come_to(try, CURLINFO_NAMELOOKUP_TIME_T)
                       ? "cannot connect: timed out"
                       : "its name was not found in time");
    case CURLE_COULDNT_CONNECT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
        return connection_fault(try, code);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return xstrdup("it closed the connection");
    case CURLE_WRITE_ERROR:             /* By take_head(). */
    case CURLE_UNSUPPORTED_PROTOCOL:    /* HTTP/0.9, which anything is. */
    case CURLE_WEIRD_SERVER_REPLY:
        return xstrdup("its answer is not one of HTTP/1");
    case CURLE_OK:
        return xstrdup("its answer has no end of its head");
    default:
        return xstrdup(curl_easy_strerror(code));
    }
}

static void
finish(struct webhook_try *try, CURLcode code)
{
    CURL *easy = try->transfer.easy;
    struct webhook_result result = { 0, NULL, 0 };
    webhook_tried *tried = try->tried;
    curl_off_t retry_after_s = 0;
    void *aux = try->aux;
    char *fault = NULL;
    long status = 0;

    if (try->has_reply) {
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_s);
        retry_after_s = MIN(MAX(retry_after_s, 0), RETRY_AFTER_MAX_S);
        result.status = (int) status;
        result.retry_after_ms = (unsigned) retry_after_s * 1000;
    } else {
        VLOG_DBG("%s: %s", try->url->host, try->detail);
        fault = fault_of(try, code);
        result.fault = fault;
    }
    try_destroy(try);
    tried(aux, &result);
    free(fault);
}

static void
done_cb(void *try, CURLcode code)
{
    finish(try, code);
}

static void
linger_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *try_)
{
    struct webhook_try *try = try_;

    loop_curl_remove(try->tries->curl, &try->transfer);
    finish(try, CURLE_OK);
}

/* libcurl's callbacks.  --------------------------------------------------- */

/* Notes an address that is not connected to; of IPv4 or IPv6. */
static void
note_refused(struct webhook_try *try, const struct sockaddr *address)
{
    const struct sockaddr_in6 *sin6 = ALIGNED_CAST(const void *, address);
    const struct sockaddr_in *sin = ALIGNED_CAST(const void *, address);
    bool ipv6 = address->sa_family == AF_INET6;
    char text[INET6_ADDRSTRLEN] = "";

    inet_ntop(address->sa_family,
              ipv6 ? (const void *) &sin6->sin6_addr : &sin->sin_addr, text,
              sizeof text);
    free(try->refused);
    try->refused = xstrdup(text);
}

/* Opens a socket to an address, once the name is looked up: so the one that
 * is looked at is the one that is connected to. */
static curl_socket_t
open_socket(void *try_, curlsocktype purpose OVS_UNUSED,
            struct curl_sockaddr *address)
{
    struct webhook_try *try = try_;

    if (!try->tries->proxy
        && !webhook_url_may_reach(try->url, &address->addr)) {
        note_refused(try, &address->addr);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

/* Takes a line of a head, of an interim reply's and a proxy's, too (that has
 * no CURLINFO_RESPONSE_CODE).  The head of the reply itself ends with an empty
 * line. */
static size_t
take_head(char *line, size_t one OVS_UNUSED, size_t size, void *try_)
{
    struct webhook_try *try = try_;
    long status = 0;

    try->n_head += size;
    if (try->n_head > WEBHOOK_HEAD_MAX) {
        return 0;
    }
    curl_easy_getinfo(try->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (size && (*line == '\r' || *line == '\n') && status >= 200
        && !try->has_reply) {
        unsigned ms = try->tries->linger_ms;
        struct timeval tv = { .tv_sec = ms / 1000,
                              .tv_usec = ms % 1000 * 1000 };

        try->has_reply = true;
        event_add(try->linger, &tv);
    }
    return size;
}

/* Throws away what has come of the body, up to a bound. */
static size_t
take_body(char *data OVS_UNUSED, size_t one OVS_UNUSED, size_t size,
          void *try_)
{
    struct webhook_try *try = try_;

    try->n_body += size;
    return try->n_body < WEBHOOK_BODY_READ_MAX ? size : 0;
}

/* The beginning.  --------------------------------------------------------- */

/* Whom to believe: 'ca_cert', or OpenSSL's variables, or what libcurl was
 * built with.  A folder of CAs is not looked into unless it is named: with
 * one, libcurl would read the CAs anew each time. */
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
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

/* What libcurl would take from elsewhere, or do beyond one request, is set to
 * nothing. */
static void
set_bounds(CURL *easy, const struct webhook_tries *tries)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    /* "" keeps http_proxy and no_proxy of the environment out of it. */
    curl_easy_setopt(easy, CURLOPT_PROXY, tries->proxy ? tries->proxy : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) tries->timeout_ms);
}

static void
set_request(struct webhook_try *try, const char *body)
{
    const struct webhook_url *url = try->url;
    char *authority = webhook_url_authority(url);
    char *text = xasprintf("http%s://%s%s", url->tls ? "s" : "", authority,
                           url->target);
    CURL *easy = try->transfer.easy;

    curl_easy_setopt(easy, CURLOPT_URL, text);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "vmnd/" VMN_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, try->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) strlen(body));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    free(text);
    free(authority);
}

struct webhook_try *
webhook_try_start(const struct webhook_tries *tries,
                  const struct webhook_url *url, struct curl_slist *headers,
                  const char *body, webhook_tried *tried, void *aux)
{
    struct webhook_try *try = xzalloc(sizeof *try);
    CURL *easy = curl_easy_init();

    if (!easy) {
        out_of_memory();
    }
    try->tries = tries;
    try->url = url;
    try->headers = headers;
    try->tried = tried;
    try->aux = aux;
    try->linger = evtimer_new(tries->base, linger_cb, try);
    try->transfer = (struct loop_curl_transfer) {
        .easy = easy, .done = done_cb, .aux = try,
    };
    set_request(try, body);
    set_bounds(easy, tries);
    set_tls(easy, tries->ca_cert);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, try->detail);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, try);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, try);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, try);
    loop_curl_add(tries->curl, &try->transfer);
    return try;
}
