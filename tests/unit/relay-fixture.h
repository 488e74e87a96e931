/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of the relay share: a server that receives requests, and one
 * behind it, to which they are passed on, and which breaks off, sleeps and is
 * replaced. */

#ifndef TESTS_UNIT_RELAY_FIXTURE_H
#define TESTS_UNIT_RELAY_FIXTURE_H 1

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/http/http.h"
#include "proto/relay/relay.h"
#include "tests/unit/http-client.h"

#define H " HTTP/1.1\r\nHost: h\r\n"
/* How long a request waits that waits in vain; others wait for PATIENCE_MS. */
#define WAIT_MS 2000
/* Bytes of a reply that is passed back as it comes. */
#define BIG (3u << 20)

struct fixture {
    struct event_base *base;
    char dir[64];
    char *pem;                      /* Key, certificate and CA in one. */
    struct tls *tls;
    struct http_server *back;       /* Behind; or NULL. */
    char *address;                  /* Of it. */
    uint16_t port;                  /* The same. */
    struct http_server *front;
    struct relay *relay;
    struct client client;
    struct http_request *held[2];   /* By the former, and the new one. */
    bool is_new;                    /* That one has come. */
    int n_breaks;                   /* Replies that it still breaks off. */
    int n_refusals;                 /* Requests that it still refuses. */
    int n_misdirected;              /* That are still sent to the wrong one. */
    int n_strangers;                /* That come before it knows from whom. */
    bool refuses_hold;
    char key[64];                   /* The last idempotency key. */
    char if_match[16];              /* The last, or "none". */
};

/* Writes a key and a certificate for "m" that it has signed itself. */
void write_certificate(const char *path);
void load_tls(struct fixture *f);
/* Has a server behind, or another one. */
void start_back(struct fixture *f);
void stop_back(struct fixture *f);
/* Makes a relay, in place of the one that there is. */
void make_relay(struct fixture *f, int64_t wait_ms);
int relay_setup(void **state);
int relay_teardown(void **state);
/* Has requests be passed on to the server behind. */
void use_back(struct fixture *f);
struct relay_stats stats_of(const struct fixture *f);
/* Waits until the last server holds a request. */
void await_held(struct fixture *f);
/* Has a new server beside the former, which is not asked any more.  Returns
 * that. */
struct http_server *replace_back(struct fixture *f);

#endif /* tests/unit/relay-fixture.h */
