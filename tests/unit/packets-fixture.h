/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of packets that apps handle share: an app with packet
 * handlers, hosts with fake switches, and packets that those send up. */

#ifndef TESTS_UNIT_PACKETS_FIXTURE_H
#define TESTS_UNIT_PACKETS_FIXTURE_H 1

#include "tests/unit/fabric-fixture.h"

#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofpbuf.h"
#include "tests/unit/fake-switch.h"

#define N_HOSTS 2
#define PORT_RATE 10
#define HOST_RATE 25

/* The app.  Its handler does what the argument says. --------------------- */

enum what {
    ECHO,                       /* Sends the packet back. */
    TO_PORT,                    /* To the port whose name is in the packet. */
    TO_STAGE,
    TO_NEXT,
    TO_HOOK,                    /* Of the second stage, from another port. */
    NOTHING,                    /* "unwanted". */
    SILENT,                     /* Neither a packet nor a reason. */
    TWICE,
    TOO_MANY,                   /* Mistakes from here on. */
    TOO_SHORT,
    TOO_LONG,
    TO_NO_STAGE,
    TO_NO_TABLE,
    TO_LAST_NEXT,
    TO_NO_PORT,
    QUERY_CIRCLE,
    NO_NUMBER,
    N_WHATS,
    SLOW = 100,                 /* Takes 3 ms. */
};

/* What the handler was last told. */
struct seen {
    unsigned n;
    struct vmn_packet_in in;    /* Pointers are of no use any more. */
    char port[64], vif[64], host[64], text[64];
    char row[64];               /* Label "punt" of port a, as read. */
    char query[64];             /* Value of toy.about at a. */
    size_t n_facts;             /* Of toy.names at "k". */
    size_t n_names;             /* Ports of network red. */
};

extern struct seen seen;
/* How often it was called for a port that leads to a physical network. */
extern unsigned n_announced;
/* For which ports since they had come to a host, a line each. */
extern char arrivals[256];
extern struct fake_switch fakes[N_HOSTS];
extern char *path;

struct fabric_host *new_host(int i);
void packets_turn(void);

#define TURN_UNTIL(CONDITION) FIXTURE_TURN_UNTIL(packets_turn, CONDITION)

void edit_row(enum vmn_table table, const char *name, json_t *spec);
void edit_port_row(const char *name, const char *punt);
void plug_host(const char *name, const char *on, int ofport);
bool has_synced(int i);
int packets_setup(void **state);
int packets_setup_standby(void **state);
int packets_setup_limited(void **state);
int packets_teardown(void **state);
/* The same in a network; others are in network 0x77. */
void send_up_in(uint32_t network, const char *handler, int i,
                uint32_t in_port, uint32_t identity, enum what,
                const char *text, size_t size);
void send_up_of(const char *handler, int i, uint32_t in_port,
                uint32_t identity, enum what what, const char *text,
                size_t size);
void send_up_to(const char *handler, int i, uint32_t in_port, enum what what,
                const char *text, size_t size);
void send_up(int i, uint32_t in_port, enum what what, const char *text,
             size_t size);
unsigned dropped(const char *who, const char *reason);
void get_packet_out(int i, struct ofputil_packet_out *po,
                    struct ofpbuf *ofpacts);
void assert_output(int i, uint32_t ofport, const char *text);

/* The controller's own.  -------------------------------------------------- */

struct told {
    unsigned n;
    char host[16], text[64];
    uint32_t in_port;
};

void told_cb(void *told_, const char *on, uint32_t in_port,
             const uint8_t *frame, size_t size);

#endif /* tests/unit/packets-fixture.h */
