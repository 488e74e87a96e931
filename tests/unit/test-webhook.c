/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of web servers: which URLs, what is sent, and that nothing that a
 * server does holds a call for ever.  The servers are real ones, on loopback:
 * libevent's for replies that are in order, and one that misbehaves.  Names
 * that end in ".test" are the tests' own, and their addresses lead to
 * loopback. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/webhook/webhook-try.h"
#include "proto/webhook/webhook-url.h"
#include "proto/webhook/webhook.h"
#include "timeval.h"
#include "util.h"

#define KEY "0123456789abcdef"
/* A condition that has not come true by then never will. */
#define GIVE_UP_MS 30000

/* What the server that misbehaves does. */
enum manner {
    SILENT,                     /* Takes all, says nothing. */
    CLOSES,                     /* At once. */
    CLOSES_LATER,               /* Once it has been sent something. */
    SAYS,                       /* What the test says. */
    HEAD_FOR_EVER,              /* Fields and no end. */
    DRIPS,                      /* A byte now and then. */
    BODY_FOR_EVER,
    BODY_HANGS,                 /* Promises one, and does not send it. */
    TUNNELS,                    /* As a proxy, to the server in order. */
};

/* One request, as the server in order has seen it. */
struct seen {
    char *body, *event, *delivery, *timestamp, *signature, *type, *uri, *host;
};
#define SEEN_MAX 64

struct fixture {
    struct event_base *base;
    char *dir;
    struct webhook_options options;
    struct webhook *w;

    struct evhttp *http;
    SSL_CTX *ctx;               /* Of the server in order, or NULL. */
    uint16_t port;
    int answers[SEEN_MAX];      /* Statuses; then 200. */
    const char *retry_after;    /* Or NULL. */
    struct seen seen[SEEN_MAX];
    size_t n_seen;

    struct evconnlistener *rude;
    uint16_t rude_port;
    enum manner manner;
    const char *says;
    struct ds heard;            /* All that it was sent. */
    struct bufferevent *far;    /* The tunnel's other end, or NULL. */
    struct bufferevent *conns[SEEN_MAX];
    bool asked[SEEN_MAX];       /* They have been sent something. */
    size_t n_conns, n_open, most_open; /* All there were, and now. */
    struct event *drip;
};

/* Names.  ----------------------------------------------------------------- */

/* The system's resolver, as far as names that end in ".test" are concerned.
 * libcurl's threads ask it. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const char *name, *address; /* The only one that has an address. */
    bool hangs;                 /* Nobody is answered. */
    int n_asking;
} resolver = { .mutex = PTHREAD_MUTEX_INITIALIZER,
               .changed = PTHREAD_COND_INITIALIZER };

/* An address that leads to loopback and is not of it (RFC 5737). */
#define FAR_ADDRESS "192.0.2.1"

static void
set_name(const char *name, const char *address)
{
    pthread_mutex_lock(&resolver.mutex);
    resolver.name = name;
    resolver.address = address;
    pthread_mutex_unlock(&resolver.mutex);
}

static void
set_resolver_hangs(bool hangs)
{
    pthread_mutex_lock(&resolver.mutex);
    resolver.hangs = hangs;
    pthread_cond_broadcast(&resolver.changed);
    pthread_mutex_unlock(&resolver.mutex);
}

static int
n_asking(void)
{
    pthread_mutex_lock(&resolver.mutex);
    int n = resolver.n_asking;
    pthread_mutex_unlock(&resolver.mutex);
    return n;
}

/* In place of the C library's, for libcurl too: a program's symbols go before
 * those of its libraries. */
int
getaddrinfo(const char *name, const char *service,
            const struct addrinfo *hints, struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *,
                struct addrinfo **);
    struct timespec give_up = { .tv_sec = time(NULL) + GIVE_UP_MS / 1000 };
    size_t len = name ? strlen(name) : 0;

    *(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (len > 5 && !strcmp(name + len - 5, ".test")) {
        pthread_mutex_lock(&resolver.mutex);
        resolver.n_asking++;
        while (resolver.hangs
               && pthread_cond_timedwait(&resolver.changed, &resolver.mutex,
                                         &give_up) != ETIMEDOUT) {
            continue;
        }
        name = (resolver.name && !strcmp(resolver.name, name)
                ? resolver.address : NULL);
        resolver.n_asking--;
        pthread_mutex_unlock(&resolver.mutex);
        if (!name) {
            return EAI_NONAME;
        }
    }
    return real(name, service, hints, result);
}

int
connect(int fd, const struct sockaddr *address, socklen_t size)
{
    struct sockaddr_storage ss;
    struct sockaddr_in *sin = (struct sockaddr_in *) &ss;

    memcpy(&ss, address, MIN(size, sizeof ss));
    if (ss.ss_family == AF_INET
        && sin->sin_addr.s_addr == inet_addr(FAR_ADDRESS)) {
        sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    return syscall(SYS_connect, fd, &ss, size);
}

static int
n_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    int n = -2;                 /* "." and "..". */

    assert_non_null(dir);
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

/* Waits for libcurl's threads, which nobody joins: so a tool that looks for
 * leaks finds none of theirs. */
static void
wait_for_resolver(void)
{
    long long int end_ms = time_msec() + GIVE_UP_MS;

    set_resolver_hangs(false);
    while (n_threads() > 1) {
        assert_true(time_msec() < end_ms);
        usleep(1000);
    }
}

/* The servers.  ----------------------------------------------------------- */

static uint16_t
port_of(evutil_socket_t fd)
{
    struct sockaddr_in sin;
    socklen_t len = sizeof sin;

    assert_int_equal(getsockname(fd, (struct sockaddr *) &sin, &len), 0);
    return ntohs(sin.sin_port);
}

static char *
header(struct evhttp_request *req, const char *name)
{
    return nullable_xstrdup(
        evhttp_find_header(evhttp_request_get_input_headers(req), name));
}

static void
request_cb(struct evhttp_request *req, void *f_)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(req);
    size_t size = evbuffer_get_length(input);
    struct fixture *f = f_;

    assert_true(f->n_seen < SEEN_MAX);
    assert_int_equal(evhttp_request_get_command(req), EVHTTP_REQ_POST);
    struct seen *seen = &f->seen[f->n_seen];
    *seen = (struct seen) {
        .body = xmemdup0((char *) evbuffer_pullup(input, size), size),
        .event = header(req, "X-VMN-Event"),
        .delivery = header(req, "X-VMN-Delivery"),
        .timestamp = header(req, "X-VMN-Timestamp"),
        .signature = header(req, "X-VMN-Signature"),
        .type = header(req, "Content-Type"),
        .host = header(req, "Host"),
        .uri = xstrdup(evhttp_request_get_uri(req)),
    };
    int status = f->answers[f->n_seen] ? f->answers[f->n_seen] : 200;
    f->n_seen++;
    if (f->retry_after) {
        evhttp_add_header(evhttp_request_get_output_headers(req),
                          "Retry-After", f->retry_after);
    }
    evhttp_send_reply(req, status, "So", NULL);
}

static struct bufferevent *
tls_bev(struct event_base *base, void *f_)
{
    struct fixture *f = f_;

    return bufferevent_openssl_socket_new(base, -1, SSL_new(f->ctx),
                                          BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static void
start_http(struct fixture *f)
{
    f->http = evhttp_new(f->base);
    evhttp_set_gencb(f->http, request_cb, f);
    if (f->ctx) {
        evhttp_set_bevcb(f->http, tls_bev, f);
    }
    f->port = port_of(evhttp_bound_socket_get_fd(
        evhttp_bind_socket_with_handle(f->http, "127.0.0.1", 0)));
}

static size_t
conn_of(const struct fixture *f, const struct bufferevent *bev)
{
    size_t i = 0;

    while (f->conns[i] != bev) {
        i++;
    }
    return i;
}

static void
rude_close(struct fixture *f, struct bufferevent *bev)
{
    f->conns[conn_of(f, bev)] = NULL;
    f->n_open--;
    bufferevent_free(bev);
}

static void
write_text(struct bufferevent *bev, const char *text)
{
    bufferevent_write(bev, text, strlen(text));
}

/* Carries what has come at one end of the tunnel to the other. */
static void
tunnel_cb(struct bufferevent *from, void *to)
{
    bufferevent_write_buffer(to, bufferevent_get_input(from));
}

static void
start_tunnel(struct fixture *f, struct bufferevent *near)
{
    struct sockaddr_in sin = { .sin_family = AF_INET,
                               .sin_port = htons(f->port) };

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->far = bufferevent_socket_new(f->base, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(f->far, tunnel_cb, NULL, NULL, near);
    bufferevent_enable(f->far, EV_READ | EV_WRITE);
    assert_int_equal(bufferevent_socket_connect(
        f->far, (struct sockaddr *) &sin, sizeof sin), 0);
    write_text(near, "HTTP/1.1 200 Connected\r\n\r\n");
}

static void
end_tunnel(struct fixture *f)
{
    if (f->far) {
        bufferevent_free(f->far);
        f->far = NULL;
    }
}

static void
rude_event_cb(struct bufferevent *bev, short what OVS_UNUSED, void *f)
{
    end_tunnel(f);
    rude_close(f, bev);
}

/* All that was written before is on its way. */
static void
rude_write_cb(struct bufferevent *bev, void *f_)
{
    struct fixture *f = f_;
    char kilobyte[1024];

    if (!f->asked[conn_of(f, bev)]) {
        return;
    }
    memset(kilobyte, 'x', sizeof kilobyte);
    if (f->manner == HEAD_FOR_EVER) {
        write_text(bev, "X-Field: and so on\r\n");
    } else if (f->manner == BODY_FOR_EVER) {
        bufferevent_write(bev, kilobyte, sizeof kilobyte);
    }
}

static void
rude_read_cb(struct bufferevent *bev, void *f_)
{
    struct evbuffer *input = bufferevent_get_input(bev);
    struct fixture *f = f_;

    if (f->far) {
        tunnel_cb(bev, f->far);
        return;
    }
    size_t size = evbuffer_get_length(input);
    ds_put_buffer(&f->heard, (char *) evbuffer_pullup(input, size), size);
    evbuffer_drain(input, size);
    f->asked[conn_of(f, bev)] = true;
    switch (f->manner) {
    case SILENT:
        break;
    case CLOSES:
    case CLOSES_LATER:
        rude_close(f, bev);
        break;
    case SAYS:
        write_text(bev, f->says);
        break;
    case TUNNELS:
        start_tunnel(f, bev);
        break;
    case HEAD_FOR_EVER:
    case DRIPS:
        write_text(bev, "HTTP/1.1 200 OK\r\n");
        break;
    case BODY_FOR_EVER:
        write_text(bev, "HTTP/1.1 200 OK\r\n\r\n");
        break;
    case BODY_HANGS:
        write_text(bev, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
        break;
    default:
        OVS_NOT_REACHED();
    }
}

static void
drip_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fixture *f = f_;

    for (size_t i = 0; f->manner == DRIPS && i < f->n_conns; i++) {
        if (f->conns[i] && f->asked[i]) {
            write_text(f->conns[i], "x");
        }
    }
}

static void
accept_cb(struct evconnlistener *listener OVS_UNUSED, evutil_socket_t fd,
          struct sockaddr *addr OVS_UNUSED, int len OVS_UNUSED, void *f_)
{
    struct fixture *f = f_;
    struct bufferevent *bev;

    assert_true(f->n_conns < SEEN_MAX);
    bev = bufferevent_socket_new(f->base, fd, BEV_OPT_CLOSE_ON_FREE);
    f->conns[f->n_conns++] = bev;
    f->n_open++;
    f->most_open = MAX(f->most_open, f->n_open);
    bufferevent_setcb(bev, rude_read_cb, rude_write_cb, rude_event_cb, f);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    if (f->manner == CLOSES) {
        rude_close(f, bev);
    }
}

static void
start_rude(struct fixture *f)
{
    static const struct timeval tv = { 0, 2000 };
    struct sockaddr_in sin = { .sin_family = AF_INET };

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->rude = evconnlistener_new_bind(
        f->base, accept_cb, f, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
        (struct sockaddr *) &sin, sizeof sin);
    f->rude_port = port_of(evconnlistener_get_fd(f->rude));
    f->drip = event_new(f->base, -1, EV_PERSIST, drip_cb, f);
    event_add(f->drip, &tv);
}

/* The fixture.  ----------------------------------------------------------- */

static char *
write_file(const struct fixture *f, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", f->dir, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
    return path;
}

static int
setup(void **state)
{
    static const struct webhook_options defaults = WEBHOOK_OPTIONS_DEFAULT;
    char dir[] = "/tmp/vmn-webhook-XXXXXX";
    struct fixture *f = xzalloc(sizeof *f);

    assert_non_null(mkdtemp(dir));
    f->dir = xstrdup(dir);
    f->base = event_base_new();
    f->options = defaults;
    /* Where no test is about it: handshakes take long under valgrind. */
    f->options.try_ms = GIVE_UP_MS;
    f->options.backoff_ms = 1;
    f->options.site_interval_ms = 0;
    ds_init(&f->heard);
    set_name("web.test", FAR_ADDRESS);
    start_rude(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    webhook_destroy(f->w);
    wait_for_resolver();
    end_tunnel(f);
    ds_destroy(&f->heard);
    if (f->http) {
        evhttp_free(f->http);
    }
    for (size_t i = 0; i < f->n_conns; i++) {
        if (f->conns[i]) {
            bufferevent_free(f->conns[i]);
        }
    }
    for (size_t i = 0; i < f->n_seen; i++) {
        struct seen *s = &f->seen[i];

        free(s->body);
        free(s->event);
        free(s->delivery);
        free(s->timestamp);
        free(s->signature);
        free(s->type);
        free(s->uri);
        free(s->host);
    }
    evconnlistener_free(f->rude);
    event_free(f->drip);
    /* What bufferevents have left to do. */
    event_base_loop(f->base, EVLOOP_NONBLOCK);
    event_base_free(f->base);
    SSL_CTX_free(f->ctx);

    char *command = xasprintf("rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    free(command);
    free(CONST_CAST(char *, f->options.proxy));
    free(CONST_CAST(char *, f->options.key_file));
    free(CONST_CAST(char *, f->options.ca_cert));
    free(f->dir);
    free(f);
    return 0;
}

/* Makes the caller; NULL: all that is on loopback may be called. */
static void
create(struct fixture *f, const char *allow)
{
    char *text = NULL, *all;

    if (!f->http) {
        start_http(f);
    }
    all = xasprintf("http://127.0.0.1:%u,http://127.0.0.1:%u,"
                    "http://127.0.0.1:1,https://web.test:%u,"
                    "https://127.0.0.1:%u,http://web.test:%u,http://no.test",
                    f->port, f->rude_port, f->port, f->port, f->port);
    f->options.allow = allow ? allow : all;
    assert_int_equal(webhook_create(&f->options, f->base, &f->w, &text), 0);
    assert_null(text);
    free(all);
}

static void
call(struct fixture *f, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *url = xvasprintf(format, args);
    va_end(args);
    webhook_call(f->w, "web", url, "scale", "{\"up\": true}");
    free(url);
}

/* The outcome of "web" once it has one. */
static struct webhook_status
outcome(struct fixture *f)
{
    long long int end_ms = time_msec() + GIVE_UP_MS;
    struct webhook_status status;

    while (webhook_get_status(f->w, "web", &status)
           && status.outcome == WEBHOOK_WAITING) {
        assert_true(time_msec() < end_ms);
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    return status;
}

static void
assert_outcome(struct fixture *f, enum webhook_outcome expected,
               unsigned n_tries, const char *reason)
{
    struct webhook_status status = outcome(f);

    if (status.outcome != expected
        || (reason && !(status.reason && strstr(status.reason, reason)))) {
        fail_msg("%s: %s", webhook_outcome_names[status.outcome],
                 status.reason ? status.reason : "no reason");
    }
    if (!reason) {
        assert_null(status.reason);
    }
    assert_int_equal(status.n_tries, n_tries);
    assert_true(status.time_ms > 0);
}

static uint64_t
n_calls(const struct fixture *f, enum webhook_outcome what)
{
    struct webhook_stats stats;

    webhook_get_stats(f->w, &stats);
    return stats.n_calls[what];
}

/* Until none is left. */
static void
drain(struct fixture *f)
{
    long long int end_ms = time_msec() + GIVE_UP_MS;

    while (n_calls(f, WEBHOOK_WAITING)) {
        assert_true(time_msec() < end_ms);
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

/* URLs.  ------------------------------------------------------------------ */

static void
url_is_taken_apart(void **state OVS_UNUSED)
{
    static const struct {
        const char *text, *authority, *target;
        bool tls;
    } cases[] = {
        { "http://a.example", "a.example", "/", false },
        { "HTTPS://A.Example:443/x?y=z", "a.example", "/x?y=z", true },
        { "https://a:8443?q", "a:8443", "/?q", true },
        { "http://192.0.2.1:80/", "192.0.2.1", "/", false },
        { "http://[2001:DB8:0::1]:99/a/b", "[2001:db8::1]:99", "/a/b",
          false },
        { "http://a/%2e%2Efoo/...", "a", "/%2e%2Efoo/...", false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct webhook_url url;

        assert_null(webhook_url_parse(&url, cases[i].text));
        char *authority = webhook_url_authority(&url);
        assert_string_equal(authority, cases[i].authority);
        assert_string_equal(url.target, cases[i].target);
        assert_int_equal(url.tls, cases[i].tls);
        free(authority);
        webhook_url_uninit(&url);
    }
}

static void
url_that_can_be_read_in_two_ways_is_refused(void **state OVS_UNUSED)
{
    static const char *const cases[] = {
        "", "http", "http:/a", "ftp://a/", "//a/", "http://", "http:///x",
        "http://user@a/", "http://a@b/", "http://a:80@b/", "http://a%40b/",
        "http://a\\b/", "http://a/b c", "http://a/\r\nX: y", "http://a/#x",
        "http://a#@b/", "http://a:0/", "http://a:65536/", "http://a:/",
        "http://a:8x/", "http://a:-1/", "http://a:1:2/", "http://[::1",
        "http://[::1]x/", "http://[1.2.3.4]/", "http://[fe80::1%25eth0]/",
        "http://2130706433/", "http://0x7f.1/", "http://127.1/",
        "http://1.2.3.256/", "http://a./", "http://.a/", "http://a..b/",
        "http://-a/", "http://a/../b", "http://a/.", "http://a/b/..",
        "http://a/%2e%2e/b", "http://a/.%2E", "http://a/..;x/b",
        "http://a/b%2fc", "http://a/b%5Cc", "http://a/%00", "http://a/%",
        "http://a/%2", "http://a/%zz", "http://\xc3\xa4/",
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct webhook_url url;
        char *fault = webhook_url_parse(&url, cases[i]);

        if (!fault) {
            fail_msg("\"%s\" is taken", cases[i]);
        }
        free(fault);
        webhook_url_uninit(&url);
    }
}

static void
prefix_allows_what_is_below_it(void **state OVS_UNUSED)
{
    static const char allowed[] = "https://a.example/hooks,"
                                  "http://b.example:8080/x/,http://[::1]";
    static const struct {
        const char *url;
        bool matches;
    } cases[] = {
        { "https://a.example/hooks", true },
        { "https://A.EXAMPLE:443/hooks/1?x", true },
        { "https://a.example/hooks?x=/", true },
        { "https://a.example/hooksy", false },
        { "https://a.example/hook", false },
        { "https://a.example/", false },
        { "https://a.example:8443/hooks", false },
        { "http://a.example:443/hooks", false },
        { "https://a.example.evil/hooks", false },
        { "https://xa.example/hooks", false },
        { "https://a.example@evil/hooks", false },
        { "https://a.example/?/hooks", false },
        { "http://b.example:8080/x/y", true },
        { "http://b.example:8080/x/", true },
        { "http://b.example:8080/x", false },
        { "http://b.example/x/y", false },
        { "http://[0:0::1]/any/thing", true },
        { "http://[::2]/", false },
        { "http://[::ffff:0:1]/", false },
    };
    struct webhook_allow allow;

    assert_null(webhook_allow_parse(&allow, allowed));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct webhook_url url;
        char *fault = webhook_url_parse(&url, cases[i].url);

        if ((!fault && webhook_allow_matches(&allow, &url))
            != cases[i].matches) {
            fail_msg("\"%s\": %d was expected", cases[i].url,
                     cases[i].matches);
        }
        free(fault);
        webhook_url_uninit(&url);
    }
    webhook_allow_uninit(&allow);
}

static void
prefixes_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "", "a.example", "https://a,", "https://a/?q", "https://a,,https://b",
        "https://a https://b",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = NULL;

        f->options.allow = cases[i];
        assert_int_not_equal(webhook_create(&f->options, f->base, &f->w,
                                            &text), 0);
        assert_non_null(text);
        assert_null(f->w);
        free(text);
    }
}

/* Calls.  ----------------------------------------------------------------- */

static void
assert_signed(const struct seen *seen, const char *key)
{
    char *text = xasprintf("%s.%s", seen->timestamp, seen->body);
    struct ds expected = DS_EMPTY_INITIALIZER;
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t size = 0;

    assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key,
                              strlen(key), (unsigned char *) text,
                              strlen(text), mac, sizeof mac, &size));
    ds_put_cstr(&expected, "sha256=");
    for (size_t i = 0; i < size; i++) {
        ds_put_format(&expected, "%02x", mac[i]);
    }
    assert_string_equal(seen->signature, ds_cstr(&expected));
    ds_destroy(&expected);
    free(text);
}

static void
call_is_delivered_and_signed(void **state)
{
    struct fixture *f = *state;

    f->options.key_file = write_file(f, "key", KEY "\n");
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/hook?a=b", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_int_equal(f->n_seen, 1);

    const struct seen *seen = &f->seen[0];
    assert_string_equal(seen->uri, "/hook?a=b");
    assert_string_equal(seen->body, "{\"up\": true}");
    assert_string_equal(seen->event, "scale");
    assert_string_equal(seen->type, "application/json");
    assert_string_equal(seen->delivery, outcome(f).delivery);
    assert_true(llabs(atoll(seen->timestamp) - time(NULL)) < GIVE_UP_MS);
    assert_signed(seen, KEY);
}

static void
key_that_is_replaced_signs_the_next_call(void **state)
{
    struct fixture *f = *state;

    f->options.key_file = write_file(f, "key", KEY "\n");
    create(f, NULL);
    /* One that cannot be used changes nothing. */
    free(write_file(f, "key", "short\n"));
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_signed(&f->seen[0], KEY);
    free(write_file(f, "key", "another-" KEY "\n"));
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_int_equal(f->n_seen, 2);
    assert_signed(&f->seen[1], "another-" KEY);
}

static void
call_without_a_key_is_not_signed(void **state)
{
    struct fixture *f = *state;

    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_null(f->seen[0].signature);
    assert_non_null(f->seen[0].timestamp);
}

static void
key_that_others_can_read_is_refused(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    f->options.key_file = write_file(f, "key", KEY "\n");
    chmod(f->options.key_file, 0644);
    assert_int_not_equal(webhook_create(&f->options, f->base, &f->w, &text),
                         0);
    assert_non_null(strstr(text, "chmod 600"));
    free(text);
}

static void
url_that_nobody_allowed_is_not_called(void **state)
{
    struct fixture *f = *state;
    char *allow, *reason;

    start_http(f);
    allow = xasprintf("http://127.0.0.1:%u/hooks", f->port);
    create(f, allow);
    call(f, "http://127.0.0.1:%u/hooksy", f->port);
    assert_outcome(f, WEBHOOK_REFUSED, 0,
                   "is not among those that --webhook-allow names");
    call(f, "http://127.0.0.1:%u@evil/", f->port);
    assert_outcome(f, WEBHOOK_REFUSED, 0, "it names a user");
    reason = webhook_check(f->w, "http://127.0.0.1/");
    assert_non_null(reason);
    free(reason);
    call(f, "http://127.0.0.1:%u/hooks/1", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_int_equal(f->n_seen, 1);
    assert_int_equal(n_calls(f, WEBHOOK_REFUSED), 2);
    free(allow);

    /* By default, none is. */
    webhook_destroy(f->w);
    f->options.allow = NULL;
    assert_int_equal(webhook_create(&f->options, f->base, &f->w, &reason), 0);
    call(f, "http://127.0.0.1:%u/hooks", f->port);
    assert_outcome(f, WEBHOOK_REFUSED, 0, "--webhook-allow");
}

static void
body_that_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    char *body = xmalloc(WEBHOOK_BODY_MAX + 2);

    memset(body, ' ', WEBHOOK_BODY_MAX + 1);
    body[WEBHOOK_BODY_MAX + 1] = '\0';
    create(f, NULL);
    char *url = xasprintf("http://127.0.0.1:%u/", f->rude_port);
    webhook_call(f->w, "web", url, "scale", body);
    assert_outcome(f, WEBHOOK_REFUSED, 0, "65536");
    free(url);
    free(body);
}

static void
what_may_pass_is_tried_again_with_the_same_delivery(void **state)
{
    static const int answers[] = { 500, 503, 408, 429 };
    struct fixture *f = *state;

    memcpy(f->answers, answers, sizeof answers);
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 5, NULL);
    assert_int_equal(f->n_seen, 5);
    for (size_t i = 1; i < f->n_seen; i++) {
        assert_string_equal(f->seen[i].delivery, f->seen[0].delivery);
        assert_string_equal(f->seen[i].body, f->seen[0].body);
    }
}

static void
tries_end(void **state)
{
    struct fixture *f = *state;

    f->options.n_tries = 3;
    for (size_t i = 0; i < SEEN_MAX; i++) {
        f->answers[i] = 502;
    }
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 3, "it answered 502");
    assert_int_equal(outcome(f).http_status, 502);
    assert_int_equal(f->n_seen, 3);

    /* By time as well: the next would be too late. */
    webhook_destroy(f->w);
    f->options.backoff_ms = 1000;
    f->options.retry_within_ms = 500;
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "it answered 502");
}

static void
what_will_not_pass_is_not_tried_again(void **state)
{
    static const int answers[] = { 400, 404, 410, 301, 302, 307 };
    struct fixture *f = *state;

    memcpy(f->answers, answers, sizeof answers);
    create(f, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        call(f, "http://127.0.0.1:%u/", f->port);
        assert_outcome(f, WEBHOOK_FAILED, 1, answers[i] < 400 ? "redirects"
                       : "it answered 4");
        assert_int_equal(outcome(f).http_status, answers[i]);
    }
    assert_int_equal(f->n_seen, ARRAY_SIZE(answers));
    assert_int_equal(n_calls(f, WEBHOOK_FAILED), ARRAY_SIZE(answers));
}

static void
retry_after_is_kept_within_bounds(void **state)
{
    struct fixture *f = *state;
    long long int begin_ms = time_msec();

    f->answers[0] = 429;
    f->retry_after = "3600";
    f->options.retry_after_max_ms = 30;
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 2, NULL);
    assert_true(time_msec() - begin_ms >= 30);

    /* An hour is more than all tries may take. */
    webhook_destroy(f->w);
    f->options.retry_after_max_ms = 3600 * 1000;
    f->answers[2] = 503;
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "503");
}

static void
nobody_there_is_tried_again(void **state)
{
    struct fixture *f = *state;

    f->options.n_tries = 2;
    create(f, NULL);
    call(f, "http://127.0.0.1:1/");
    assert_outcome(f, WEBHOOK_FAILED, 2, "Connection refused");
    assert_int_equal(outcome(f).http_status, 0);
}

static void
server_that_misbehaves_is_left_in_time(void **state)
{
    static const struct {
        enum manner manner;
        const char *reason;     /* NULL: it has said that all is well. */
    } cases[] = {
        { SILENT, "it did not answer in time" },
        { CLOSES, "" },
        { CLOSES_LATER, "" },
        { HEAD_FOR_EVER, "not one of HTTP/1" },
        { DRIPS, "it did not answer in time" },
        { BODY_FOR_EVER, NULL },
        { BODY_HANGS, NULL },
    };
    struct fixture *f = *state;

    f->options.n_tries = 2;
    f->options.linger_ms = 20;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool waits = cases[i].manner == SILENT || cases[i].manner == DRIPS;

        f->manner = cases[i].manner;
        f->options.try_ms = waits ? 50 : GIVE_UP_MS;
        create(f, NULL);
        call(f, "http://127.0.0.1:%u/", f->rude_port);
        if (cases[i].reason) {
            assert_outcome(f, WEBHOOK_FAILED, 2, cases[i].reason);
        } else {
            assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
        }
        webhook_destroy(f->w);
        f->w = NULL;
    }
}

/* What libcurl makes of a reply, as far as it matters. */
static void
replies_are_understood(void **state)
{
    static const struct {
        const char *says;
        enum webhook_outcome outcome;
        const char *reason;     /* NULL: none. */
    } cases[] = {
        { "HTTP/1.1 200 OK\r\n\r\nbody", WEBHOOK_DELIVERED, NULL },
        { "HTTP/1.0 204\r\n\r\n", WEBHOOK_DELIVERED, NULL },
        { "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", WEBHOOK_DELIVERED,
          NULL },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "2\r\nok\r\n0\r\nX-Trailer: x\r\n\r\n", WEBHOOK_DELIVERED,
          NULL },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "rubbish\r\n", WEBHOOK_DELIVERED, NULL },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 So\r\n\r\n",
          WEBHOOK_FAILED, "it answered 404" },
        { "HTTP/1.1 103 x\r\nLink: x\r\n\r\nHTTP/1.1 404 So\r\n\r\n",
          WEBHOOK_FAILED, "it answered 404" },
        { "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
          WEBHOOK_FAILED, "it answered 307" },
        { "HTTP/1.1 401 x\r\nWWW-Authenticate: Negotiate\r\n\r\n",
          WEBHOOK_FAILED, "it answered 401" },
        { "220 mail.example ESMTP\r\n", WEBHOOK_FAILED,
          "not one of HTTP/1" },
    };
    struct fixture *f = *state;

    f->manner = SAYS;
    f->options.n_tries = 1;
    f->options.linger_ms = 20;
    create(f, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        f->says = cases[i].says;
        call(f, "http://127.0.0.1:%u/", f->rude_port);
        assert_outcome(f, cases[i].outcome, 1, cases[i].reason);
    }
    assert_int_equal(f->n_conns, ARRAY_SIZE(cases));
}

static void
retry_after_is_understood(void **state)
{
    static const struct {
        const char *says;
        bool waits;             /* Longer than all tries may take. */
    } cases[] = {
        { "7200", true }, { " 7200 ", true },
        { "Fri, 01 Jan 2100 00:00:00 GMT", true },
        { "Sun, 06 Nov 1994 08:49:37 GMT", false },
        { "0", false }, { "-7200", false }, { "", false }, { "x", false },
        { "99999999999999999999", false },
    };
    struct fixture *f = *state;

    f->manner = SAYS;
    f->options.n_tries = 2;
    f->options.linger_ms = 20;
    f->options.retry_after_max_ms = 3600 * 1000;
    create(f, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *says = xasprintf("HTTP/1.1 503 x\r\nRetry-After: %s\r\n"
                               "Content-Length: 0\r\n\r\n",
                               cases[i].says);

        f->says = says;
        call(f, "http://127.0.0.1:%u/", f->rude_port);
        assert_outcome(f, WEBHOOK_FAILED, cases[i].waits ? 1 : 2, "503");
        free(says);
    }
}

/* Heads of interim replies count as well: they could go on for ever. */
static void
heads_are_bounded_in_all(void **state)
{
    struct fixture *f = *state;
    struct ds says = DS_EMPTY_INITIALIZER;

    while (says.length < WEBHOOK_HEAD_MAX) {
        ds_put_cstr(&says, "HTTP/1.1 103 x\r\nLink: x\r\n\r\n");
    }
    ds_put_cstr(&says, "HTTP/1.1 200 OK\r\n\r\n");
    f->manner = SAYS;
    f->says = ds_cstr(&says);
    f->options.n_tries = 1;
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->rude_port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "not one of HTTP/1");
    ds_destroy(&says);
}

/* Has the server that misbehaves close 'n' connections once 'at_a_time' of
 * them wait for it, until all have been made. */
static void
close_in_rounds(struct fixture *f, size_t n, size_t at_a_time)
{
    long long int end_ms = time_msec() + GIVE_UP_MS;

    f->most_open = 0;
    for (size_t end = f->n_conns + n; f->n_conns < end; ) {
        size_t next = f->n_conns + MIN(at_a_time, end - f->n_conns);

        while (f->n_conns < next) {
            assert_true(time_msec() < end_ms);
            event_base_loop(f->base, EVLOOP_ONCE);
        }
        for (size_t i = 0; i < f->n_conns; i++) {
            if (f->conns[i]) {
                rude_close(f, f->conns[i]);
            }
        }
    }
    drain(f);
}

static void
number_at_a_time_is_bounded(void **state)
{
    struct fixture *f = *state;

    f->options.n_tries = 1;
    create(f, NULL);
    for (int i = 0; i < 20; i++) {
        call(f, "http://127.0.0.1:%u/%d", f->rude_port, i);
    }
    close_in_rounds(f, 20, f->options.n_active);
    assert_int_equal(n_calls(f, WEBHOOK_FAILED), 20);
    assert_int_equal(f->n_conns, 20);
    assert_int_equal(f->most_open, f->options.n_active);

    /* One URL does not take the places of the others. */
    for (int i = 0; i < 6; i++) {
        call(f, "http://127.0.0.1:%u/", f->rude_port);
    }
    close_in_rounds(f, 6, WEBHOOK_SITE_ACTIVE_MAX);
    assert_int_equal(f->n_conns, 26);
    assert_int_equal(f->most_open, WEBHOOK_SITE_ACTIVE_MAX);
}

static void
queue_is_bounded_and_the_oldest_goes(void **state)
{
    struct fixture *f = *state;

    f->options.n_waiting = 4;
    create(f, NULL);
    webhook_call(f->w, "other", "http://127.0.0.1:1/", "scale", "{}");
    for (int i = 0; i < 10; i++) {
        char *url = xasprintf("http://127.0.0.1:%u/", f->port);
        char *body = xasprintf("%d", i);
        char *owner = xasprintf("owner%d", i);

        webhook_call(f->w, owner, url, "scale", body);
        free(owner);
        free(body);
        free(url);
    }
    assert_int_equal(n_calls(f, WEBHOOK_DROPPED), 7);
    assert_int_equal(n_calls(f, WEBHOOK_WAITING), 4);

    struct webhook_status status;
    assert_true(webhook_get_status(f->w, "owner0", &status));
    assert_int_equal(status.outcome, WEBHOOK_DROPPED);
    assert_non_null(strstr(status.reason, "more than 4"));
    /* It was not one of its URL. */
    assert_true(webhook_get_status(f->w, "other", &status));
    assert_int_equal(status.outcome, WEBHOOK_WAITING);
    while (f->n_seen < 3) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(atoi(f->seen[i].body) >= 7);
    }
}

static void
rate_of_a_url_is_bounded(void **state)
{
    struct fixture *f = *state;
    long long int begin_ms = time_msec();

    f->options.site_interval_ms = 20;
    f->options.site_burst = 2;
    create(f, NULL);
    for (int i = 0; i < 5; i++) {
        call(f, "http://127.0.0.1:%u/", f->port);
    }
    drain(f);
    assert_int_equal(f->n_seen, 5);
    assert_true(time_msec() - begin_ms >= 60);
}

static void
owner_that_is_forgotten_has_no_status(void **state)
{
    struct webhook_status status;
    struct fixture *f = *state;

    create(f, NULL);
    assert_false(webhook_get_status(f->w, "web", &status));
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_true(webhook_get_status(f->w, "web", &status));
    webhook_forget(f->w, "web");
    webhook_forget(f->w, "web");
    drain(f);
    assert_int_equal(f->n_seen, 1);
    assert_false(webhook_get_status(f->w, "web", &status));
}

/* Names.  ----------------------------------------------------------------- */

static void
name_is_looked_up(void **state)
{
    struct fixture *f = *state;

    create(f, NULL);
    call(f, "http://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    char *host = xasprintf("web.test:%u", f->port);
    assert_string_equal(f->seen[0].host, host);
    free(host);
}

static void
name_that_nobody_knows_is_no_address(void **state)
{
    struct fixture *f = *state;

    f->options.n_tries = 2;
    create(f, NULL);
    call(f, "http://no.test/");
    assert_outcome(f, WEBHOOK_FAILED, 2, "its name was not found");

    /* It is somebody's by now. */
    set_name("no.test", "127.0.0.1");
    call(f, "http://no.test/");
    assert_outcome(f, WEBHOOK_FAILED, 2, "127.0.0.1");
}

static void
lookup_that_hangs_holds_up_nothing(void **state)
{
    struct fixture *f = *state;

    set_resolver_hangs(true);
    f->options.n_tries = 1;
    f->options.try_ms = 50;
    create(f, NULL);
    call(f, "http://no.test/");
    assert_outcome(f, WEBHOOK_FAILED, 1, "its name was not found in time");
    assert_int_equal(n_asking(), 1);

    /* Nor does it hold up the end. */
    call(f, "http://no.test/");
    while (n_asking() < 2) {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    webhook_destroy(f->w);
    f->w = NULL;
    assert_int_equal(n_asking(), 2);
}

/* An attacker who answers for a name that may be called (DNS rebinding). */
static void
name_that_comes_to_mean_this_machine_does_not_reach_it(void **state)
{
    static const char *const addresses[] = {
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    };
    struct fixture *f = *state;

    f->options.n_tries = 1;
    create(f, NULL);
    call(f, "http://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        set_name("web.test", addresses[i]);
        call(f, "http://web.test:%u/", f->port);
        assert_outcome(f, WEBHOOK_FAILED, 1,
                       "is called only by a URL that has the address itself");
        assert_non_null(strstr(outcome(f).reason, addresses[i]));
    }
    assert_int_equal(f->n_seen, 1);
    set_name("web.test", FAR_ADDRESS);
    call(f, "http://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
}

static void
localhost_is_this_machine(void **state)
{
    struct fixture *f = *state;

    start_http(f);
    char *allow = xasprintf("http://localhost:%u,http://a.localhost:%u",
                            f->port, f->port);
    create(f, allow);
    call(f, "http://localhost:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    call(f, "http://a.localhost:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    free(allow);
}

/* Proxies.  --------------------------------------------------------------- */

static void
proxies_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "", "proxy.test", "https://proxy.test", "socks5://proxy.test",
        "http://user:secret@proxy.test", "http://proxy.test/x",
        "http://proxy.test?x", "http://proxy.test:99999",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = NULL;

        f->options.proxy = cases[i];
        assert_int_equal(webhook_create(&f->options, f->base, &f->w, &text),
                         EINVAL);
        assert_non_null(text);
        free(text);
    }
    f->options.proxy = NULL;
}

static void
environment_names_no_proxy(void **state)
{
    struct fixture *f = *state;

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    create(f, NULL);
    call(f, "http://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void
proxy_is_asked_for_every_call(void **state)
{
    struct fixture *f = *state;

    f->manner = SAYS;
    f->says = "HTTP/1.1 202 Taken\r\nContent-Length: 0\r\n\r\n";
    f->options.proxy = xasprintf("http://127.0.0.1:%u", f->rude_port);
    setenv("no_proxy", "*", 1);
    create(f, NULL);
    /* The name is the proxy's matter, and has no address here. */
    call(f, "http://no.test/x?y");
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    assert_int_equal(outcome(f).http_status, 202);
    assert_non_null(strstr(ds_cstr(&f->heard),
                           "POST http://no.test/x?y HTTP/1.1\r\n"));
    unsetenv("no_proxy");
}

static void
proxy_that_refuses_is_said(void **state)
{
    struct fixture *f = *state;

    f->manner = SAYS;
    f->says = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
    f->options.n_tries = 2;
    f->options.proxy = xasprintf("http://127.0.0.1:%u", f->rude_port);
    create(f, NULL);
    call(f, "https://web.test:%u/secret", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 2, "the proxy answered 403");
    assert_int_equal(outcome(f).http_status, 0);

    /* It is not shown what the call says. */
    assert_non_null(strstr(ds_cstr(&f->heard), "CONNECT web.test:"));
    assert_null(strstr(ds_cstr(&f->heard), "secret"));
    assert_null(strstr(ds_cstr(&f->heard), "X-VMN-"));

    /* What it answers is not taken for the server's reply. */
    f->says = "HTTP/1.1 200 Connected\r\n\r\n";
    call(f, "https://web.test:%u/secret", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 2, "TLS failed");
}

/* TLS.  ------------------------------------------------------------------- */

static EVP_PKEY *server_key;    /* Made once. */

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
    f->options.n_tries = 2;
    create(f, NULL);
    call(f, "https://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_DELIVERED, 1, NULL);
    call(f, "https://127.0.0.1:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 2, "its certificate is not believed: it "
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
    f->options.n_tries = 1;
    setenv("SSL_CERT_DIR", "/none", 1);
    create(f, NULL);
    call(f, "https://web.test:%u/", f->port);
    assert_outcome(f, WEBHOOK_FAILED, 1,
                   "its certificate is not believed: self-signed");
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
    f->options.n_tries = 2;
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
    f->options.n_tries = 1;
    f->options.try_ms = 50;
    create(f, allow);
    call(f, "https://127.0.0.1:%u/", f->rude_port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "timed out");
    webhook_destroy(f->w);
    f->w = NULL;

    f->manner = SAYS;
    f->says = "220 mail.example ESMTP\r\n";
    f->options.try_ms = GIVE_UP_MS;
    create(f, allow);
    call(f, "https://127.0.0.1:%u/", f->rude_port);
    assert_outcome(f, WEBHOOK_FAILED, 1, "TLS failed");
    free(allow);
}

/* The end.  --------------------------------------------------------------- */

static void
calls_end_with_their_caller(void **state)
{
    struct fixture *f = *state;

    for (int turns = 0; turns < 8; turns++) {
        f->manner = turns % 2 ? SILENT : BODY_HANGS;
        create(f, NULL);
        call(f, "http://127.0.0.1:%u/", f->rude_port);
        call(f, "http://127.0.0.1:1/");
        call(f, "http://no.test/");
        for (int i = 0; i < turns; i++) {
            event_base_loop(f->base, EVLOOP_ONCE);
        }
        webhook_destroy(f->w);
        f->w = NULL;
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_is_taken_apart),
        cmocka_unit_test(url_that_can_be_read_in_two_ways_is_refused),
        cmocka_unit_test(prefix_allows_what_is_below_it),
        TEST(prefixes_that_are_none_are_refused),
        TEST(call_is_delivered_and_signed),
        TEST(key_that_is_replaced_signs_the_next_call),
        TEST(call_without_a_key_is_not_signed),
        TEST(key_that_others_can_read_is_refused),
        TEST(url_that_nobody_allowed_is_not_called),
        TEST(body_that_is_too_long_is_refused),
        TEST(what_may_pass_is_tried_again_with_the_same_delivery),
        TEST(tries_end),
        TEST(what_will_not_pass_is_not_tried_again),
        TEST(retry_after_is_kept_within_bounds),
        TEST(nobody_there_is_tried_again),
        TEST(server_that_misbehaves_is_left_in_time),
        TEST(replies_are_understood),
        TEST(retry_after_is_understood),
        TEST(heads_are_bounded_in_all),
        TEST(number_at_a_time_is_bounded),
        TEST(queue_is_bounded_and_the_oldest_goes),
        TEST(rate_of_a_url_is_bounded),
        TEST(owner_that_is_forgotten_has_no_status),
        TEST(name_is_looked_up),
        TEST(name_that_nobody_knows_is_no_address),
        TEST(lookup_that_hangs_holds_up_nothing),
        TEST(name_that_comes_to_mean_this_machine_does_not_reach_it),
        TEST(localhost_is_this_machine),
        TEST(proxies_that_are_none_are_refused),
        TEST(environment_names_no_proxy),
        TEST(proxy_is_asked_for_every_call),
        TEST(proxy_that_refuses_is_said),
        TEST(https_is_for_whom_the_certificate_names),
        TEST(https_takes_a_ca_that_is_believed),
        TEST(https_goes_through_a_proxy),
        TEST(https_to_who_hangs_ends_in_time),
        TEST(calls_end_with_their_caller),
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
