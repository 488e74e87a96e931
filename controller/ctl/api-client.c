/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP client, through libcurl; see api-client.h. */

#include <config.h>

#include "controller/ctl/api-client.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "socket-util.h"
#include "util.h"

/* Timeout of connecting. */
#define CONNECT_TIMEOUT_MS 5000

/* Maximum number of servers. */
#define SERVERS_MAX 16

struct server {
    char *name;                 /* As the user gave it, for messages. */
    char *base_url;
    char *socket;               /* Path of a "unix:" server, or NULL. */
};

struct ctl_client {
    CURL *curl;
    struct server servers[SERVERS_MAX];
    size_t n_servers;
    size_t current;             /* Index of the server that answered last. */
    char *authorization;        /* The header, or NULL. */
    char *ca_cert;              /* File names, or NULL. */
    char *certificate;
    char *private_key;
    char *if_match;             /* The header, or NULL. */
    char *idempotency_key;      /* The header, or NULL. */
    char curl_error[CURL_ERROR_SIZE];
};

void
ctl_reply_uninit(struct ctl_reply *reply)
{
    json_decref(reply->body);
    free(reply->text);
    memset(reply, 0, sizeof *reply);
}

/* A token becomes part of a header: only visible characters are allowed, so
 * that it cannot begin another header. */
static bool
is_token(const char *token)
{
    for (const char *p = token; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f) {
            return false;
        }
    }
    return *token;
}

static int
add_server(struct ctl_client *client, const char *name, struct vmn_error *why)
{
    struct server *server = &client->servers[client->n_servers];
    bool is_unix = !strncmp(name, "unix:", 5);

    if (!(is_unix ? name[5] != '\0'
          : ((!strncmp(name, "tcp:", 4) || !strncmp(name, "ssl:", 4))
             && strchr(name + 4, ':') && !strpbrk(name, "/@?# ")))) {
        return vmn_error_invalid(why, "server: must be unix:PATH, "
                                 "tcp:HOST:PORT or ssl:HOST:PORT, not \"%s\"",
                                 name);
    }
    if (client->n_servers >= SERVERS_MAX) {
        return vmn_error_invalid(why, "server: more than %d servers",
                                 SERVERS_MAX);
    }
    client->n_servers++;
    server->name = xstrdup(name);
    if (is_unix) {
        server->base_url = xstrdup("http://localhost");
        server->socket = xstrdup(name + 5);
    } else {
        server->base_url = xasprintf("%s://%s", !strncmp(name, "ssl:", 4)
                                     ? "https" : "http", name + 4);
    }
    return 0;
}

static int
add_servers(struct ctl_client *client, const char *names,
            struct vmn_error *why)
{
    char *rest = xstrdup(names), *start = rest, *name;
    int error = 0;

    while (!error && (name = strsep(&rest, ","))) {
        error = add_server(client, name + strspn(name, " "), why);
    }
    free(start);
    return error;
}

static int
check_credentials(const struct ctl_credentials *cred, struct vmn_error *why)
{
    if (cred->token && !is_token(cred->token)) {
        return vmn_error_invalid(why, "the token is empty or holds characters "
                                 "other than visible ones");
    }
    if (!cred->certificate != !cred->private_key) {
        return vmn_error_invalid(why, "a certificate and its private key go "
                                 "together");
    }
    return 0;
}

struct ctl_client *
ctl_client_create(const char *servers, const struct ctl_credentials *cred,
                  struct vmn_error *why)
{
    struct ctl_client *client = xzalloc(sizeof *client);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (add_servers(client, servers, why) || check_credentials(cred, why)) {
        ctl_client_destroy(client);
        return NULL;
    }
    client->curl = curl_easy_init();
    if (!client->curl) {
        out_of_memory();
    }
    if (cred->token) {
        client->authorization = xasprintf("Authorization: Bearer %s",
                                          cred->token);
    }
    client->ca_cert = nullable_xstrdup(cred->ca_cert);
    client->certificate = nullable_xstrdup(cred->certificate);
    client->private_key = nullable_xstrdup(cred->private_key);
    return client;
}

void
ctl_client_destroy(struct ctl_client *client)
{
    if (client) {
        curl_easy_cleanup(client->curl);
        curl_global_cleanup();
        for (size_t i = 0; i < client->n_servers; i++) {
            free(client->servers[i].name);
            free(client->servers[i].base_url);
            free(client->servers[i].socket);
        }
        free(client->authorization);
        free(client->ca_cert);
        free(client->certificate);
        free(client->private_key);
        free(client->if_match);
        free(client->idempotency_key);
        free(client);
    }
}

void
ctl_client_if_match(struct ctl_client *client, const char *tag)
{
    free(client->if_match);
    client->if_match = tag ? xasprintf("If-Match: \"%s\"", tag) : NULL;
}

void
ctl_client_creates(struct ctl_client *client)
{
    free(client->if_match);
    client->if_match = xstrdup("If-None-Match: *");
}

void
ctl_client_idempotency_key(struct ctl_client *client, const char *key)
{
    free(client->idempotency_key);
    client->idempotency_key = (key ? xasprintf("Idempotency-Key: \"%s\"", key)
                               : NULL);
}

/* The destination of a reply. */
struct sink {
    CURL *curl;
    struct ds text;
    int fd;                     /* For the body of a reply of status 200; -1:
                                 * none, */
    ctl_client_data_cb *take;      /* this callback instead; or NULL. */
    void *aux;
    bool begun;                 /* Bytes have gone to 'fd' or 'take'. */
    bool enough;                /* The callback has returned false. */
    int error;                  /* errno of writing to 'fd'. */
    int idle_ms;                /* How long a reply to 'fd' or 'take' may
                                 * pause. */
    long long int heard_ms;     /* When data came last, by ctl_now_ms(). */
};

long long int
ctl_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Ends a call that has paused for too long, or that the callback ends; libcurl
 * calls this once a second, at least.  Its own CURLOPT_LOW_SPEED_LIMIT is for
 * an average of bytes: it takes the few bytes of a heartbeat for nothing. */
static int
check_idle(void *sink_, curl_off_t dltotal OVS_UNUSED,
           curl_off_t dlnow OVS_UNUSED, curl_off_t ultotal OVS_UNUSED,
           curl_off_t ulnow OVS_UNUSED)
{
    struct sink *sink = sink_;
    long int status = 0;

    curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status);
    if (sink->take && status == 200) {
        sink->enough |= !sink->take(sink->aux, "", 0);
    }
    return (sink->enough
            || ctl_now_ms() - sink->heard_ms > sink->idle_ms);
}

static size_t
take_data(char *data, size_t size, size_t n, void *sink_)
{
    struct sink *sink = sink_;
    long int status = 0;

    size *= n;
    sink->heard_ms = ctl_now_ms();
    curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status);
    /* libcurl fails with CURLE_WRITE_ERROR if less is consumed. */
    if (sink->fd >= 0 && status == 200) {
        size_t written;

        sink->begun = true;
        sink->error = write_fully(sink->fd, data, size, &written);
        return sink->error ? 0 : size;
    }
    if (sink->take && status == 200) {
        sink->begun = true;
        sink->enough = !sink->take(sink->aux, data, size);
        return sink->enough ? 0 : size;
    }
    if (size > CTL_REPLY_SIZE_MAX - sink->text.length) {
        return 0;
    }
    ds_put_buffer(&sink->text, data, size);
    return size;
}

static void
set_options(struct ctl_client *client, const struct server *server,
            const char *method, const char *url, int timeout_ms,
            struct sink *sink)
{
    CURL *curl = client->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long) CONNECT_TIMEOUT_MS);
    if (sink->fd < 0 && !sink->take) {
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long) timeout_ms);
    } else {
        sink->idle_ms = timeout_ms;
        sink->heard_ms = ctl_now_ms();
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_idle);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sink);
    }
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "vmnctl/" VMN_VERSION);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    if (client->ca_cert) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_cert);
    }
    if (client->certificate) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, client->certificate);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, client->private_key);
    }
    if (server->socket) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, server->socket);
    }
}

/* Returns true if the client and the server do not accept each other's
 * certificates, of which an alert of TLS notifies the client. */
static bool
is_certificate_failure(CURLcode code, const char *text)
{
    return (code == CURLE_PEER_FAILED_VERIFICATION
            || code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CLIENTCERT
            || code == CURLE_SSL_CACERT_BADFILE
            || code == CURLE_SSL_ISSUER_ERROR || strstr(text, " alert "));
}

/* Sets the error of a call without a reply.  Returns its errno. */
static int
set_failure(const struct ctl_client *client, CURLcode code, int timeout_ms,
            const struct sink *sink, struct vmn_error *why)
{
    const char *text = (client->curl_error[0] ? client->curl_error
                        : curl_easy_strerror(code));
    const char *server = client->servers[client->current].name;
    long int os_errno = 0;
    curl_off_t sent_us = 0;

    curl_easy_getinfo(client->curl, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    if (is_certificate_failure(code, text)) {
        return vmn_error_errno(why, EPROTO, "the call to vmnd at %s failed: "
                               "%s", server, text);
    }
    if (!sent_us) {
        /* libcurl's message would be about "localhost port 80" for a unix
         * socket. */
        curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &os_errno);
        return vmn_error_errno(
            why, ECONNREFUSED, "cannot reach vmnd at %s: %s", server,
            os_errno ? ovs_strerror((int) os_errno) : text);
    }
    switch ((int) code) {
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_ABORTED_BY_CALLBACK:
        return vmn_error_errno(
            why, ETIMEDOUT, "vmnd at %s did not answer within %.1f s",
            server, timeout_ms / 1000.0);
    case CURLE_WRITE_ERROR:
        if (sink->error) {
            return vmn_error_errno(why, sink->error,
                                   "cannot write what vmnd sends: %s",
                                   ovs_strerror(sink->error));
        }
        return vmn_error_errno(why, EFBIG,
                               "the answer is larger than %d bytes",
                               CTL_REPLY_SIZE_MAX);
    default:
        return vmn_error_errno(why, ECONNRESET,
                               "the call to vmnd at %s failed: %s", server,
                               text);
    }
}

static struct curl_slist *
add_header(struct curl_slist *headers, const char *header)
{
    headers = curl_slist_append(headers, header);
    if (!headers) {
        out_of_memory();
    }
    return headers;
}

static CURLcode
perform(struct ctl_client *client, const json_t *body, const char *type)
{
    struct curl_slist *headers = NULL;
    char *type_header = NULL;
    char *data = NULL;
    CURLcode code;

    headers = add_header(headers, "Accept: application/json");
    /* Avoids the round trip of "100 Continue" for large bodies. */
    headers = add_header(headers, "Expect:");
    if (client->authorization) {
        headers = add_header(headers, client->authorization);
    }
    if (client->if_match) {
        headers = add_header(headers, client->if_match);
    }
    if (client->idempotency_key) {
        headers = add_header(headers, client->idempotency_key);
    }
    if (body) {
        data = json_dumps(body, JSON_COMPACT);
        if (!data) {
            out_of_memory();
        }
        type_header = xasprintf("Content-Type: %s", type);
        headers = add_header(headers, type_header);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) strlen(data));
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, data);
    }
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    client->curl_error[0] = '\0';
    code = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    free(type_header);
    free(data);
    return code;
}

/* Takes what the headers have. */
static void
take_headers(struct ctl_client *client, struct ctl_reply *reply)
{
    curl_off_t retry_after_s = 0;
    struct curl_header *header;

    /* A member of a cluster says so that has lost the others. */
    reply->may_be_old = !curl_easy_header(client->curl, "Vmn-May-Be-Old", 0,
                                          CURLH_HEADER, -1, &header);
    if (!curl_easy_header(client->curl, "Vmn-Revision", 0, CURLH_HEADER, -1,
                          &header)) {
        ovs_strlcpy(reply->revision, header->value, sizeof reply->revision);
    }
    curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    reply->retry_after_s = (int) MIN(retry_after_s, INT_MAX);
}

/* Calls one server, whose reply goes to 'sink' and 'reply'.  Returns 0, or a
 * positive errno with an error. */
static int
call_one(struct ctl_client *client, const char *method, const char *path,
         const json_t *body, const char *type, int timeout_ms,
         struct sink *sink, struct ctl_reply *reply, struct vmn_error *why)
{
    const struct server *server = &client->servers[client->current];
    char *url = xasprintf("%s%s", server->base_url, path);
    long int status = 0;
    CURLcode code;

    memset(reply, 0, sizeof *reply);
    reply->server = server->name;
    sink->curl = client->curl;
    set_options(client, server, method, url, timeout_ms, sink);
    code = perform(client, body, type);
    free(url);
    if (code && !sink->enough) {
        ds_destroy(&sink->text);
        ds_init(&sink->text);
        return set_failure(client, code, timeout_ms, sink, why);
    }
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    reply->status = (int) status;
    take_headers(client, reply);
    reply->size = sink->text.length;
    reply->text = ds_steal_cstr(&sink->text);
    reply->body = json_loadb(reply->text, reply->size,
                             JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return 0;
}

bool
ctl_reply_is_problem(const struct ctl_reply *reply, const char *kind)
{
    const char *type = json_string_value(json_object_get(reply->body,
                                                         "type"));

    return (type && !strncmp(type, "urn:vmn:problem:", 16)
            && !strcmp(type + 16, kind));
}

/* Returns the errno of a failure that another server may not have: of a server
 * that was not reached, did not reply, or has no writer.  Returns 0 for every
 * other result, and for a request that may have been carried out and is not
 * safe to repeat. */
static int
failure_of(const struct ctl_client *client, const char *method, int error,
           const struct ctl_reply *reply, const struct sink *sink)
{
    bool repeatable = (!sink->begun && (client->idempotency_key
                                        || !strcmp(method, "GET")));

    if (!error && reply->status == 503 && reply->retry_after_s
        && !ctl_reply_is_problem(reply, "busy")) {
        error = (ctl_reply_is_problem(reply, "uncertain") ? ECONNRESET
                 : EAGAIN);
    }
    if (error == ETIMEDOUT) {
        error = ECONNRESET;
    }
    return (error == ECONNREFUSED || error == EAGAIN
            || (error == ECONNRESET && repeatable) ? error : 0);
}

/* Appends why a server of several has failed, and frees that. */
static void
add_failure(struct ds *failures, int error, struct ctl_reply *reply,
            struct vmn_error *why)
{
    const char *detail;

    if (error) {
        ds_put_format(failures, "\n  %s", why->text);
        vmn_error_uninit(why);
    } else {
        detail = json_string_value(json_object_get(reply->body, "detail"));
        ds_put_format(failures, "\n  vmnd at %s: %s (HTTP %d)", reply->server,
                      detail ? detail : "unavailable", reply->status);
        ctl_reply_uninit(reply);
    }
}

/* Calls the servers in turn, beginning with the one that answered last, until
 * one has a reply other than that it has no writer.  Returns as
 * ctl_client_call(). */
static int
call(struct ctl_client *client, const char *method, const char *path,
     const json_t *body, const char *type, int timeout_ms, struct sink *sink,
     struct ctl_reply *reply, struct vmn_error *why)
{
    struct ds failures = DS_EMPTY_INITIALIZER;
    struct vmn_error one = VMN_ERROR_INIT;
    int worst = ECONNREFUSED, retry_after_s = 0;
    int error, failure;

    for (size_t n = client->n_servers;; n--) {
        error = call_one(client, method, path, body, type, timeout_ms, sink,
                         reply, &one);
        failure = (client->n_servers > 1
                   ? failure_of(client, method, error, reply, sink) : 0);
        if (!failure) {
            break;
        }
        worst = (worst == ECONNRESET || failure == ECONNREFUSED ? worst
                 : failure);
        retry_after_s = MAX(retry_after_s, reply->retry_after_s);
        add_failure(&failures, error, reply, &one);
        client->current = (client->current + 1) % client->n_servers;
        if (n == 1) {
            error = vmn_error_errno(&one, worst, "no server replied");
            reply->retry_after_s = retry_after_s;
            break;
        }
    }
    if (error) {
        vmn_error_errno(why, error, "%s%s", one.text, ds_cstr(&failures));
        vmn_error_uninit(&one);
    }
    ds_destroy(&failures);
    return error;
}

int
ctl_client_call(struct ctl_client *client, const char *method,
                const char *path, const json_t *body, const char *type,
                int timeout_ms, struct ctl_reply *reply,
                struct vmn_error *why)
{
    struct sink sink = { .text = DS_EMPTY_INITIALIZER, .fd = -1 };

    return call(client, method, path, body, type, timeout_ms, &sink, reply,
                why);
}

int
ctl_client_download(struct ctl_client *client, const char *path,
                    int idle_timeout_ms, int fd, struct ctl_reply *reply,
                    struct vmn_error *why)
{
    struct sink sink = { .text = DS_EMPTY_INITIALIZER, .fd = fd };

    return call(client, "GET", path, NULL, NULL, idle_timeout_ms, &sink,
                reply, why);
}

int
ctl_client_stream(struct ctl_client *client, const char *path,
                  int idle_timeout_ms, ctl_client_data_cb *take, void *aux,
                  struct ctl_reply *reply, struct vmn_error *why)
{
    struct sink sink = { .text = DS_EMPTY_INITIALIZER, .fd = -1,
                         .take = take, .aux = aux };

    return call(client, "GET", path, NULL, NULL, idle_timeout_ms, &sink,
                reply, why);
}
