/* SPDX-License-Identifier: Apache-2.0
 *
 * A raw HTTP client for tests: it sends what it is told and runs the server's
 * event loop until the reply is there.  Not a well-behaved one. */

#ifndef TESTS_UNIT_HTTP_CLIENT_H
#define TESTS_UNIT_HTTP_CLIENT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/dynamic-string.h"

struct event_base;

struct client {
    struct event_base *base;    /* The server's. */
    int fd;
    struct ds in;               /* Not yet taken. */
    bool eof;
    int status;                 /* Of the last reply. */
    struct ds head, body;       /* Of the last reply. */
};

void client_connect(struct client *, struct event_base *, const char *path);
void client_connect_tcp(struct client *, struct event_base *, uint16_t port);
/* The same from 127.0.0.'host'. */
void client_connect_from(struct client *, struct event_base *, uint16_t port,
                         uint8_t host);
void client_close(struct client *);

void client_send(struct client *, const char *data, size_t size);
void client_say(struct client *, const char *text);
/* One turn of the loop, and what has come. */
void client_turn(struct client *);
/* Waits for a whole reply.  Returns its status, or 0 if the server closed
 * without one. */
int client_reply(struct client *);
/* Both. */
int client_ask(struct client *, const char *request);
void client_wait_eof(struct client *);

/* Fails the test unless 'part' is in 'ds'. */
void assert_has(const struct ds *, const char *part);

#endif /* tests/unit/http-client.h */
