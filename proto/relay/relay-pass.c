/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of the other server, by libcurl, and its reply: a short one is
 * passed back once it is complete, so that a connection that breaks is no
 * reply; any other as it comes. */

#include <config.h>

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "openvswitch/vlog.h"
#include "proto/http/http.h"
#include "proto/relay/relay-private.h"
#include "proto/tls/tls.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(relay_pass);

/* Bytes of a reply's head. */
#define HEAD_MAX (64 * 1024)
/* Bytes of a body that is passed back at once. */
#define SHORT_MAX (1024 * 1024)
/* Bytes queued for a client from which on no more are read for it. */
#define QUEUE_MAX (256 * 1024)
/* Milliseconds for a connection, with its handshake: a busy server is slow,
 * and of a dead one there will be word that another is in its place. */
#define CONNECT_MS 10000L

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);

/* Seconds after which a silent connection is asked whether it lives, and
 * between two tries. */
#define KEEPALIVE_S 5

/* The request.  ----------------------------------------------------------- */

/* Appends a copy of 'line'. */
static void
add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (!longer) {
        out_of_memory();
    }
    *list = longer;
}

/* An empty 'value' is one all the same; libcurl writes that in its own way. */
static void
add_header(struct curl_slist **list, const char *name, const char *value)
{
    char *line = (*value ? xasprintf("%s: %s", name, value)
                  : xasprintf("%s;", name));

    add_line(list, line);
    free(line);
}

/* Has libcurl leave a header out that it would write by itself. */
static void
add_no_header(struct curl_slist **list, const char *name)
{
    char *line = xasprintf("%s:", name);

    add_line(list, line);
    free(line);
}

static void
pass_header(struct pass *pass, const char *name)
{
    const char *value = http_request_header(pass->req, name);

    if (value) {
        add_header(&pass->headers, name, value);
    }
}

/* 'name' in visible ASCII. */
static char *
percent_encode(const char *name)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (const unsigned char *p = (const unsigned char *) name; *p; p++) {
        if (isalnum(*p) && *p < 0x80) {
            ds_put_char(&ds, *p);
        } else {
            ds_put_format(&ds, "%%%02X", *p);
        }
    }
    return ds_steal_cstr(&ds);
}

static void
add_peer(struct pass *pass, const struct http_peer *peer)
{
    add_header(&pass->headers, HTTP_RELAYED_CLIENT,
               http_request_client(pass->req));
    if (peer->trusted) {
        add_header(&pass->headers, HTTP_RELAYED_AS, HTTP_RELAYED_TRUSTED);
    } else if (peer->certificate) {
        char *name = percent_encode(peer->certificate);
        char *as = xasprintf(HTTP_RELAYED_CERTIFICATE "%s", name);

        add_header(&pass->headers, HTTP_RELAYED_AS, as);
        free(as);
        free(name);
    }
}

/* Passes on of what type the body is.  Without one, the other server accepts
 * it only of who is local, which for that server nobody is. */
static void
add_type(struct pass *pass, const struct http_peer *peer)
{
    const char *type = http_request_header(pass->req, "Content-Type");

    if (!type && peer->local && http_request_body_size(pass->req)) {
        type = "application/json";
    }
    if (type) {
        add_header(&pass->headers, "Content-Type", type);
    } else {
        add_no_header(&pass->headers, "Content-Type");
    }
}

void
pass_init_headers(struct pass *pass, const struct http_peer *peer)
{
    static const char *const names[] = {
        "Accept", "Accept-Encoding", "Authorization", "If-Match",
        "If-None-Match", "Idempotency-Key", "Last-Event-ID",
    };
    const char *own_key = http_request_header(pass->req, "Idempotency-Key");

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        /* The listener's own token is no other server's. */
        if (!peer->trusted || strcmp(names[i], "Authorization")) {
            pass_header(pass, names[i]);
        }
    }
    add_type(pass, peer);
    if (!own_key && !relay_is_reading(pass->req)) {
        struct uuid uuid;
        char *key;

        uuid_generate(&uuid);
        key = xasprintf("\"" UUID_FMT "\"", UUID_ARGS(&uuid));
        add_header(&pass->headers, "Idempotency-Key", key);
        free(key);
    }
    add_peer(pass, peer);
    add_no_header(&pass->headers, "Expect");
}

/* The reply.  ------------------------------------------------------------- */

static bool
is_named(const char *line, size_t len, const char *name)
{
    return len == strlen(name) && !strncasecmp(line, name, len);
}

/* Headers that this server writes itself, or that are of the connection
 * between the two. */
static bool
is_own(const char *line, size_t len)
{
    static const char *const names[] = {
        "Connection", "Content-Length", "Date", "Keep-Alive",
        "Strict-Transport-Security", "Transfer-Encoding",
        "X-Content-Type-Options",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (is_named(line, len, names[i])) {
            return true;
        }
    }
    return false;
}

static bool
is_visible(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p < ' ' || *p >= 0x7f) {
            return false;
        }
    }
    return true;
}

/* Takes a header line, without its end. */
static void
take_header(struct pass *pass, const char *line)
{
    size_t len = strcspn(line, ":");
    const char *value;
    long long int size;

    if (!line[len] || !is_visible(line)) {
        return;
    }
    value = line + len + 1 + strspn(line + len + 1, " \t");
    if (is_named(line, len, "Content-Type")) {
        free(pass->content_type);
        pass->content_type = xstrdup(value);
    } else if (is_named(line, len, "Content-Length")) {
        pass->size = str_to_llong(value, 10, &size) && size >= 0 ? size : -1;
    } else if (is_named(line, len, "Cache-Control")) {
        pass->cacheable = !strcmp(value, "no-cache");
    } else if (is_named(line, len, HTTP_RELAYED_GUESS)) {
        pass->guess = true;
    } else if (is_named(line, len, HTTP_RELAYED_OK)) {
        pass->authenticated = true;
    } else if (!is_own(line, len)) {
        add_line(&pass->reply_headers, line);
    }
}

/* Gives the client's reply the headers of the other server's. */
static void
copy_headers(struct pass *pass)
{
    static const char csp[] = "Content-Security-Policy";

    if (pass->cacheable) {
        http_reply_allow_caching(pass->req);
    }
    for (struct curl_slist *h = pass->reply_headers; h; h = h->next) {
        size_t len = strcspn(h->data, ":");

        /* What is not cacheable gets one here. */
        if (pass->cacheable || !is_named(h->data, len, csp)) {
            const char *value = h->data + len + 1;
            char *name = xmemdup0(h->data, len);

            http_reply_header(pass->req, name, value + strspn(value, " \t"));
            free(name);
        }
    }
    if (pass->authenticated) {
        http_request_relayed_ok(pass->req);
    }
    http_request_set_close_cb(pass->req, NULL, NULL);
    pass->relay->stats.n_passed++;
}

static void
on_drained(void *pass_)
{
    struct pass *pass = pass_;

    if (pass->paused) {
        pass->paused = false;
        curl_easy_pause(pass->transfer.easy, CURLPAUSE_CONT);
    }
}

static void
on_closed(void *pass_, bool stuck OVS_UNUSED)
{
    struct pass *pass = pass_;

    pass->stream = NULL;
    relay_pass_done(pass);
}

static const char *
content_type(const struct pass *pass)
{
    return pass->content_type ? pass->content_type
           : "application/octet-stream";
}

/* Begins to pass the reply back as it comes.  Returns false if there is
 * nobody, or it is all there already. */
static bool
begin_stream(struct pass *pass)
{
    static const struct http_stream_ops ops = { on_drained, on_closed };

    copy_headers(pass);
    pass->stream = http_reply_sized_stream(pass->req, pass->status,
                                           content_type(pass), pass->size,
                                           &ops, pass);
    pass->req = NULL;
    return pass->stream != NULL;
}

char *
pass_refusal(const struct pass *pass, const char *otherwise)
{
    json_t *problem = json_loadb(ds_cstr_ro(&pass->body), pass->body.length,
                                 0, NULL);
    const char *detail = json_string_value(json_object_get(problem,
                                                           "detail"));
    char *refusal = xstrdup(detail ? detail : otherwise);

    json_decref(problem);
    return refusal;
}

/* Replies 401 to a guess, which delays the next ones. */
static void
reply_guess(struct pass *pass)
{
    char *detail = pass_refusal(pass, "The token is invalid");

    http_request_set_close_cb(pass->req, NULL, NULL);
    pass->relay->stats.n_passed++;
    http_reply_unauthorized(pass->req, detail, true);
    free(detail);
}

static bool
has_body(const struct pass *pass)
{
    return pass->status != 304 && pass->status != 204;
}

void
pass_reply(struct pass *pass)
{
    if (pass->status == 401 && pass->guess) {
        reply_guess(pass);
    } else if (!has_body(pass)) {
        copy_headers(pass);
        http_reply_empty(pass->req, pass->status);
    } else {
        copy_headers(pass);
        http_reply_bytes(pass->req, pass->status, content_type(pass),
                         ds_cstr(&pass->body), pass->body.length);
    }
    pass->req = NULL;
}

/* The end.  --------------------------------------------------------------- */

static void
forget_reply(struct pass *pass)
{
    pass->status = 0;
    pass->head_size = 0;
    pass->size = -1;
    pass->cacheable = pass->guess = pass->authenticated = false;
    pass->paused = false;
    curl_slist_free_all(pass->reply_headers);
    pass->reply_headers = NULL;
    free(pass->content_type);
    pass->content_type = NULL;
    ds_clear(&pass->body);
}

static void
set_connecting(struct pass *pass, bool connecting)
{
    if (pass->connecting != connecting) {
        pass->connecting = connecting;
        if (connecting) {
            pass->relay->n_connecting++;
        } else {
            pass->relay->n_connecting--;
        }
    }
}

static void
end_transfer(struct pass *pass)
{
    set_connecting(pass, false);
    curl_easy_cleanup(pass->transfer.easy);
    pass->transfer.easy = NULL;
    curl_slist_free_all(pass->connect_to);
    pass->connect_to = NULL;
}

void
pass_stop(struct pass *pass)
{
    if (pass->transfer.easy) {
        loop_curl_remove(pass->relay->curl, &pass->transfer);
        end_transfer(pass);
    }
    forget_reply(pass);
}

static bool
is_misdirected(const struct pass *pass)
{
    return pass->status == HTTP_MISDIRECTED;
}

/* Notes why there was no reply, and whether the request may have been carried
 * out. */
static void
note_fault(struct pass *pass, CURLcode code)
{
    const struct relay *relay = pass->relay;
    const char *what = "cannot be reached";
    curl_off_t us = 0;

    curl_easy_getinfo(pass->transfer.easy, CURLINFO_PRETRANSFER_TIME_T, &us);
    if (is_misdirected(pass)) {
        what = "does not answer it";
    } else if (us > 0) {
        pass->in_doubt = true;
    }
    free(pass->fault);
    pass->fault = xasprintf("member \"%s\" at %s %s%s%s",
                            relay->name ? relay->name : "",
                            relay->address ? relay->address : "", what,
                            code ? ": " : "",
                            code ? curl_easy_strerror(code) : "");
    VLOG_DBG_RL(&rl, "%s", pass->fault);
}

static void
done_cb(void *pass_, CURLcode code)
{
    struct pass *pass = pass_;
    bool complete = (code == CURLE_OK && pass->status
                     && !is_misdirected(pass));

    if (pass->stream) {
        if (complete) {
            http_stream_end(pass->stream);
        } else {
            http_stream_close(pass->stream);
        }
        pass->stream = NULL;
    } else if (!pass->req) {
        /* begin_stream() was all. */
    } else if (complete && pass->status == 503 && !relay_is_reading(pass->req)
               && relay_pass_hold(pass)) {
        end_transfer(pass);
        return;
    } else if (complete) {
        pass_reply(pass);
    } else {
        note_fault(pass, code);
        end_transfer(pass);
        relay_pass_failed(pass);
        return;
    }
    end_transfer(pass);
    relay_pass_done(pass);
}

/* libcurl's callbacks.  --------------------------------------------------- */

static bool
is_stream(const struct pass *pass)
{
    return pass->size < 0 || pass->size > SHORT_MAX
           || !strcmp(http_request_method(pass->req), "HEAD");
}

/* There is a connection, and the request is about to be sent. */
static int
on_connected(void *pass, char *to OVS_UNUSED, char *from OVS_UNUSED,
             int to_port OVS_UNUSED, int from_port OVS_UNUSED)
{
    set_connecting(pass, false);
    return CURL_PREREQFUNC_OK;
}

/* Receives a line of the head, which an empty one ends, or of what follows the
 * body, which is not passed on. */
static size_t
take_head(char *data, size_t one OVS_UNUSED, size_t size, void *pass_)
{
    struct pass *pass = pass_;
    long status = 0;
    char *line;

    pass->head_size += size;
    if (pass->status || pass->head_size > HEAD_MAX) {
        return pass->status ? size : 0;
    }
    curl_easy_getinfo(pass->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 599) {
        return status < 200 ? size : 0;
    }
    line = xmemdup0(data, size);
    line[strcspn(line, "\r\n")] = '\0';
    if (*line) {
        take_header(pass, line);
    } else {
        pass->status = (int) status;
    }
    free(line);
    if (pass->status && has_body(pass) && is_stream(pass)
        && !is_misdirected(pass) && !begin_stream(pass)) {
        return 0;
    }
    return size;
}

static size_t
take_body(char *data, size_t one OVS_UNUSED, size_t size, void *pass_)
{
    struct pass *pass = pass_;

    if (pass->stream) {
        if (http_stream_queued(pass->stream) > QUEUE_MAX) {
            pass->paused = true;
            return CURL_WRITEFUNC_PAUSE;
        }
        http_stream_write(pass->stream, data, size);
        return size;
    }
    if (pass->body.length + size > SHORT_MAX) {
        return 0;
    }
    ds_put_buffer(&pass->body, data, size);
    return size;
}

/* The call.  -------------------------------------------------------------- */

/* Sets the PEM files, which are read as the transfer begins. */
static void
set_tls(CURL *easy, const struct relay_options *options)
{
    curl_easy_setopt(easy, CURLOPT_SSLKEY, options->private_key);
    curl_easy_setopt(easy, CURLOPT_SSLCERT, options->certificate);
    curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_cert);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    /* libcurl would believe a CA for a day that was replaced. */
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, TLS_CIPHERS);
}

/* The URL has the server's name, so that libcurl checks its certificate for
 * that, and CURLOPT_CONNECT_TO its address. */
static void
set_target(struct pass *pass)
{
    const struct relay *relay = pass->relay;
    CURL *easy = pass->transfer.easy;
    const char *port = strrchr(relay->address, ':') + 1;
    char *url = xasprintf("https://%s:%s%s", relay->name, port,
                          http_request_target(pass->req));
    char *to = xasprintf("%s:%s:%s", relay->name, port, relay->address);

    add_line(&pass->connect_to, to);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, pass->connect_to);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long) KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long) KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    set_tls(easy, &relay->options);
    free(url);
    free(to);
}

static void
set_request(const struct pass *pass)
{
    const char *method = http_request_method(pass->req);
    size_t size = http_request_body_size(pass->req);
    CURL *easy = pass->transfer.easy;

    if (size) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) size);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS,
                         http_request_body(pass->req));
    }
    if (!strcmp(method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, pass->headers);
}

void
pass_send(struct pass *pass)
{
    CURL *easy = curl_easy_init();

    if (!easy) {
        out_of_memory();
    }
    forget_reply(pass);
    pass->transfer = (struct loop_curl_transfer) {
        .easy = easy, .done = done_cb, .aux = pass,
    };
    set_target(pass);
    set_request(pass);
    set_connecting(pass, true);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, pass);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, pass);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, pass);
    loop_curl_add(pass->relay->curl, &pass->transfer);
}
