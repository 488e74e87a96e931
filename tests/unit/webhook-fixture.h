/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of calls of web servers share: servers on loopback,
 * libevent's for replies that are in order, and one that misbehaves; a
 * resolver for names that end in ".test", which are the tests' own; and the
 * fixture that calls them. It takes the place of the system's getaddrinfo()
 * and connect() in the program. */

#ifndef TESTS_UNIT_WEBHOOK_FIXTURE_H
#define TESTS_UNIT_WEBHOOK_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <openssl/x509v3.h>

#include "openvswitch/dynamic-string.h"
#include "proto/webhook/webhook.h"

/* A condition that has not come true by then never will. */
#define GIVE_UP_MS 120000

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

/* An address that leads to loopback and is not of it (RFC 5737). */
#define FAR_ADDRESS "192.0.2.1"

void set_name(const char *name, const char *address);
void set_resolver_hangs(bool hangs);
int n_asking(void);
void start_http(struct fixture *f);
void rude_close(struct fixture *f, struct bufferevent *bev);
char *write_file(const struct fixture *f, const char *name, const char *text);
int webhook_setup(void **state);
int webhook_teardown(void **state);
void create(struct fixture *f, const char *allow);
void call(struct fixture *f, const char *format, ...);
struct webhook_status outcome(struct fixture *f);
void assert_outcome(struct fixture *f, enum webhook_outcome expected,
                    unsigned n_attempts, const char *reason);
uint64_t n_calls(const struct fixture *f, enum webhook_outcome what);

extern EVP_PKEY *server_key;

#define TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, webhook_setup, webhook_teardown)

#endif /* tests/unit/webhook-fixture.h */
