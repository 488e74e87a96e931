/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric with the built apps, and a real ovs-vswitchd (dummy datapath) as
 * the switch of host "h1", for the tests of the fabric's OpenFlow side. */

#ifndef TESTS_UNIT_FABRIC_OVS_FIXTURE_H
#define TESTS_UNIT_FABRIC_OVS_FIXTURE_H 1

#include "tests/unit/fabric-fixture.h"

#include <sys/types.h>

#include "controller/fabric/session/host-openflow-state.h"

/* The switch's datapath id. */
#define OVS_DPID 0x100

extern char ovs_dir[];          /* All files of a case. */
extern char *ovs_target;        /* Where the fabric listens. */
extern const char *const ovs_modules[]; /* The apps, ending with NULL. */
extern pid_t vswitchd_pid;      /* 0 while it is stopped. */

/* Runs a command of the shell, which must succeed. */
void shell(const char *format, ...) OVS_PRINTF_FORMAT(1, 2);
/* Returns what it prints, as far as 4 kB.  The caller frees it. */
char *shell_output(const char *format, ...) OVS_PRINTF_FORMAT(1, 2);

/* cmocka's. */
int ovs_setup(void **state);
int ovs_teardown(void **state);
/* The steps of ovs_setup(), for others: makes 'ovs_dir'; makes a database and
 * starts the switch, once 'ovs_target' is known. */
void ovs_make_dir(void);
void ovs_start(void);
void start_vswitchd(void);
void stop_vswitchd(void);
/* For main(): the case argv[1], or all 'n' tests.  Returns 77, "skipped",
 * where Open vSwitch is not installed. */
int ovs_run_all(char *argv[], const struct CMUnitTest *tests, size_t n);

/* Puts a row, as JSON with ' for ", or deletes it if 'spec' is NULL. */
void put_row(enum vmn_table, const char *name, const char *spec);
/* Port "pN" of network "shop", with label "tier", on a host. */
void put_shop_port(int n, const char *host, const char *tier);
/* A shop with all that the apps know. */
void fill_shop(void);

struct fabric_host *h1(void);
/* Returns whether h1 is in 'state'; fails if it is "diverged" instead. */
bool is_state(const char *state);
/* Until h1 has all, and the marker that says so. */
void until_synced(void);
/* The switch has as many flows and groups as it should, by its own count. */
void check_counts(void);

#endif /* tests/unit/fabric-ovs-fixture.h */
