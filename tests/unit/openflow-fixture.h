/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of proto/openflow share: a server, and at the other end of a
 * socketpair a switch that says what the test wants. */

#ifndef TESTS_UNIT_OPENFLOW_FIXTURE_H
#define TESTS_UNIT_OPENFLOW_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <event2/event.h>

#include "openvswitch/ofpbuf.h"
#include "proto/loop/loop.h"
#include "proto/openflow/ofconn.h"

/* A condition that has not come true by then never will.  Long: no result
 * depends on it but a failing one. */
#define GIVE_UP_S 120

struct fixture {
    struct loop *loop;
    struct event_base *base;    /* The loop's. */
    struct ofserver *server;
    int fd;                     /* The fake switch. */
    struct ofpbuf in;           /* What it has received. */

    /* Seen by the callbacks. */
    struct ofconn *conn;
    struct ofconn_features features;
    unsigned n_connected, n_messages, n_closed;
    enum ofptype last_type;
    uint32_t last_xid;
    char *reason;
    bool close_in_message;
    bool unidentified;          /* It is not known whose switches come. */

    struct ofdump *dump;
    unsigned n_flows, n_groups, n_done;
    char *dump_error;
    size_t charge;              /* For each flow of a dump. */
    size_t rest;                /* Of its budget. */
    bool dump_whole;
    unsigned n_released;
};

extern const struct ofconn_callbacks callbacks;

void start(struct fixture *f, const char *target,
           const struct ofconn_options *options);
/* The same with the test's own callbacks. */
void start_with(struct fixture *f, const char *target,
                const struct ofconn_options *options,
                const struct ofconn_callbacks *own);
void plug(struct fixture *f);
int openflow_setup(void **state);
int openflow_teardown(void **state);
bool of_turn(struct fixture *f);

#define TURN_UNTIL(F, CONDITION)                                \
    do {                                                        \
        time_t give_up__ = time(NULL) + GIVE_UP_S;              \
        while (!(CONDITION)) {                                  \
            of_turn(F);                                         \
            assert_true(time(NULL) < give_up__);                \
        }                                                       \
    } while (0)

void until_eof(struct fixture *f);
bool whole(const struct fixture *f, size_t *size);
struct ofp_header *receive(struct fixture *f);
ovs_be32 expect(struct fixture *f, enum ofptype wanted);
void send_bytes(struct fixture *f, const void *bytes, size_t size);
void send_msg(struct fixture *f, struct ofpbuf *msg);
struct ofpbuf *features_reply(ovs_be32 xid, uint8_t auxiliary_id);
void handshake(struct fixture *f);

#endif /* tests/unit/openflow-fixture.h */
