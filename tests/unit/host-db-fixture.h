/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the fabric's OVSDB side share: two hosts with real
 * ovsdb-servers and, where it matters, real ovs-vswitchds with dummy
 * datapaths; a fabric that they belong to; edits, and what is to be seen of
 * them.  However long a session is away, and most hosts have no switch that
 * would connect, its host is not silent until a test sets "silent_ms": tests
 * take longer on a slow machine. */

#ifndef TESTS_UNIT_HOST_DB_FIXTURE_H
#define TESTS_UNIT_HOST_DB_FIXTURE_H 1

#include "tests/unit/fabric-fixture.h"

#include <stdlib.h>

#include "controller/fabric/fabric.h"
#include "tests/unit/ovs-sandbox.h"

#define N_HOSTS 2

extern struct ovs_sandbox sandboxes[N_HOSTS];
extern struct fabric_options options;
/* What the app asks for at each host by VMN_REL_COPY_TUNNELS, up to NULL; set
 * before host_db_setup().  NULL: nothing. */
extern const char *const *host_db_copies;

#define UNTIL(CONDITION) FIXTURE_TURN_UNTIL(fixture_turn, CONDITION)

void change(enum vmn_table table, const char *name, json_t *spec);
void put_host(int i, const char *bridge, bool adopt);
void put_port(const char *name, const char *host, const char *iface_id);

/* Runs ovs-vsctl on host 'I', without waiting for its switch. */
#define VSCTL(I, ...) free(ovs_sandbox_vsctl(&sandboxes[I], __VA_ARGS__))

void add_vif(int i, const char *iface, const char *iface_id, int ofport);
bool bound(const char *port, const char *active, const char *candidate);
const struct vmn_vif *get_vif(const char *name);
bool reported(const char *host);
bool has_interface(int i, const char *name);
bool status_is(const char *host, const char *key, const char *value);
bool reason_has(const char *host, const char *part);
bool port_state_is(const char *port, const char *state);
void host_db_settle(void);
int host_db_setup(void **state);
int host_db_teardown(void **state);
void start_hosts(void);
void stop_vmnd(void);
void start_vmnd(void);
void restart_vmnd(void);
void assert_got(const char *get, const char *expected);

#endif /* tests/unit/host-db-fixture.h */
