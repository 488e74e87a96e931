/* SPDX-License-Identifier: Apache-2.0
 *
 * The raw HTTP client of the tests; see http-client.h. */

#include <config.h>

#include "tests/unit/http-client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util.h"

static void
client_init(struct client *c, struct event_base *base, int fd)
{
    c->base = base;
    c->fd = fd;
    c->eof = false;
    c->status = 0;
    ds_init(&c->in);
    ds_init(&c->head);
    ds_init(&c->body);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

void
client_connect(struct client *c, struct event_base *base, const char *path)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ovs_strlcpy(sun.sun_path, path, sizeof sun.sun_path);
    assert_int_equal(connect(fd, (struct sockaddr *) &sun, sizeof sun), 0);
    client_init(c, base, fd);
}

void
client_connect_tcp(struct client *c, struct event_base *base, uint16_t port)
{
    client_connect_from(c, base, port, 1);
}

void
client_connect_from(struct client *c, struct event_base *base, uint16_t port,
                    uint8_t host)
{
    struct sockaddr_in from = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host),
    };
    struct sockaddr_in sin = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *) &from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *) &sin, sizeof sin), 0);
    client_init(c, base, fd);
}

void
client_close(struct client *c)
{
    if (c->fd >= 0) {
        close(c->fd);
    }
    ds_destroy(&c->in);
    ds_destroy(&c->head);
    ds_destroy(&c->body);
}

void
client_turn(struct client *c)
{
    char buf[65536];

    event_base_loop(c->base, EVLOOP_NONBLOCK);

    ssize_t n = recv(c->fd, buf, sizeof buf, 0);
    if (n > 0) {
        ds_put_buffer(&c->in, buf, n);
    } else if (!n || errno != EAGAIN) {
        c->eof = true;
    } else {
        struct pollfd pfd = { .fd = c->fd, .events = POLLIN };

        poll(&pfd, 1, 2);
    }
}

void
client_send(struct client *c, const char *data, size_t size)
{
    while (size) {
        ssize_t n = send(c->fd, data, size, MSG_NOSIGNAL);

        if (n > 0) {
            data += n;
            size -= n;
        } else if (errno != EAGAIN) {
            return;             /* The server closed: its good right. */
        }
        /* Once: what goes on from turn to turn has no end here. */
        event_base_loop(c->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
    }
}

void
client_say(struct client *c, const char *text)
{
    client_send(c, text, strlen(text));
}

static void
drop_front(struct ds *ds, size_t n)
{
    memmove(ds->string, ds->string + n, ds->length - n + 1);
    ds->length -= n;
}

int
client_reply(struct client *c)
{
    char *end;

    while (!(end = c->in.length ? strstr(ds_cstr(&c->in), "\r\n\r\n")
             : NULL)) {
        if (c->eof) {
            return 0;
        }
        client_turn(c);
    }

    size_t head_size = end + 4 - c->in.string;
    ds_clear(&c->head);
    ds_put_buffer(&c->head, c->in.string, head_size);
    drop_front(&c->in, head_size);

    const char *length = strstr(ds_cstr(&c->head), "Content-Length: ");
    size_t size = length ? strtoul(length + 16, NULL, 10) : 0;
    c->status = atoi(ds_cstr(&c->head) + 9);
    while (c->in.length < size && !c->eof) {
        client_turn(c);
    }
    assert_true(c->in.length >= size);
    ds_clear(&c->body);
    ds_put_buffer(&c->body, ds_cstr(&c->in), size);
    if (size) {
        drop_front(&c->in, size);
    }
    return c->status;
}

int
client_ask(struct client *c, const char *request)
{
    client_say(c, request);
    return client_reply(c);
}

void
client_wait_eof(struct client *c)
{
    while (!c->eof) {
        client_turn(c);
    }
}

void
assert_has(const struct ds *ds, const char *part)
{
    if (!ds->length || !strstr(ds->string, part)) {
        fail_msg("\"%s\" is not in \"%s\"", part,
                 ds->length ? ds->string : "");
    }
}
