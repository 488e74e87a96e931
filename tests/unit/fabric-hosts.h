/* SPDX-License-Identifier: Apache-2.0
 *
 * Three hosts h0 to h2 with fake switches, the networks red and blue, and an
 * app made for the purpose, for the tests of the fabric's OpenFlow side: the
 * real model, engine and commit, and a fake OVSDB side that says what the test
 * wants.
 *
 * The app: a host's labels "net" and "net2" put it into the scopes of these
 * networks.  A port makes a flow whose priority is its label "prio" and whose
 * action is its label "value", in the scope of its label "scope": "all",
 * "net" or a host's name; with a label "group", through a group.  With a label
 * "drop" it drops, with "count" it is counted, with "log" told as well, with
 * "part" counted as that.  Flows of ports "lb..." are of balancer "lb". */

#ifndef TESTS_UNIT_FABRIC_HOSTS_H
#define TESTS_UNIT_FABRIC_HOSTS_H 1

#include "tests/unit/fabric-fixture.h"
#include "tests/unit/fake-switch.h"

#define N_HOSTS 3

extern struct fake_switch switches[N_HOSTS];
extern const struct vmn_app_class hosts_app;
extern char *listen_path;       /* "unix:PATH", for switches. */

/* cmocka's.  The hosts have no switch yet. */
int setup(void **state);
int setup_tight(void **state);  /* Few bundles may be under way, and few bytes
                                 * queued. */
int setup_audits(void **state); /* Each host is audited every second. */
int setup_counts(void **state); /* Counters are read every second. */
int setup_hasty(void **state);  /* Answers are due soon. */
int setup_narrow(void **state); /* Few bundles may be under way. */
int setup_parts(void **state);  /* The same, and three flows and groups fill
                                 * one. */
int setup_meagre(void **state); /* Hosts may send little. */
int setup_observing(void **state); /* Another member is the writer, of epoch
                                    * 7; with counters as above. */
int teardown(void **state);
/* For main(): the case argv[1], or all 'n' tests. */
int run_all(char *argv[], const struct CMUnitTest *tests, size_t n);

struct fabric_host *host(int i);
/* One turn of the loop and of the switches. */
void turn(void);
#define TURN_UNTIL(CONDITION) FIXTURE_TURN_UNTIL(turn, CONDITION)

/* Each is one revision, durable at the return. */
void edit(enum vmn_table, const char *name, json_t *spec);
void edit_host(int i, const char *net, const char *net2);
/* A port whose flow has priority 'prio', see the app. */
void edit_port(const char *name, const char *network, int prio,
               const char *scope, int value, bool group);
/* A port whose flows are conjunction 'id' with 'n' clauses. */
void edit_conjunction(int id, int n);
/* 'n' ports with priorities from 1000 on; 'value' -1 deletes them. */
void edit_ports(int n, const char *scope, int value);

/* Connects the switch of host 'i', which has reported, to this member if it is
 * the writer. */
void connect_only(int i);
/* The same, and waits until it is right. */
void connect_host(int i);
void disconnect_host(int i);

bool is_synced(int i);
bool is_diverged(int i);
const char *host_reason(int i);
/* A number of the host's status, "openflow". */
json_int_t openflow_figure(int i, const char *name);
/* Waits until all bundles are acknowledged by host 'i'. */
void until_acked(int i);
/* How a host is listed in the receipt of 'rev', or "none". */
const char *receipt_of(uint64_t rev, int i);
/* Fails unless the switch holds exactly what the engine wants it to, and the
 * marker that says so. */
void check_host(int i);

#endif /* tests/unit/fabric-hosts.h */
