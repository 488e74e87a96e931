/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of calls of web servers share; see webhook-fixture.h. */

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
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "proto/webhook/webhook.h"
#include "tests/unit/webhook-fixture.h"
#include "timeval.h"
#include "util.h"

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

void
set_name(const char *name, const char *address)
{
    pthread_mutex_lock(&resolver.mutex);
    resolver.name = name;
    resolver.address = address;
    pthread_mutex_unlock(&resolver.mutex);
}

void
set_resolver_hangs(bool hangs)
{
    pthread_mutex_lock(&resolver.mutex);
    resolver.hangs = hangs;
    pthread_cond_broadcast(&resolver.changed);
    pthread_mutex_unlock(&resolver.mutex);
}

int
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

void
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

void
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

char *
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

int
webhook_setup(void **state)
{
    static const struct webhook_options defaults = WEBHOOK_OPTIONS_DEFAULT;
    char dir[] = "/tmp/vmn-webhook-XXXXXX";
    struct fixture *f = xzalloc(sizeof *f);

    assert_non_null(mkdtemp(dir));
    f->dir = xstrdup(dir);
    f->base = event_base_new();
    f->options = defaults;
    /* Where no test is about it: handshakes take long under valgrind. */
    f->options.attempt_ms = GIVE_UP_MS;
    f->options.backoff_ms = 1;
    f->options.url_interval_ms = 0;
    ds_init(&f->heard);
    set_name("web.test", FAR_ADDRESS);
    start_rude(f);
    *state = f;
    return 0;
}

int
webhook_teardown(void **state)
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
void
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

void
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
struct webhook_status
outcome(struct fixture *f)
{
    long long int end_ms = time_msec() + GIVE_UP_MS;
    struct webhook_status status;

    while (webhook_get_status(f->w, "web", &status)
           && status.outcome == WEBHOOK_PENDING) {
        assert_true(time_msec() < end_ms);
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    return status;
}

void
assert_outcome(struct fixture *f, enum webhook_outcome expected,
               unsigned n_attempts, const char *reason)
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
    assert_int_equal(status.n_attempts, n_attempts);
    assert_true(status.time_ms > 0);
}

uint64_t
n_calls(const struct fixture *f, enum webhook_outcome what)
{
    struct webhook_stats stats;

    webhook_get_stats(f->w, &stats);
    return stats.n_calls[what];
}

/* TLS.  ------------------------------------------------------------------- */

EVP_PKEY *server_key;    /* Made once. */
