/* SPDX-License-Identifier: Apache-2.0
 *
 * A real ovsdb-server, and on request a real ovs-vswitchd, in a directory of
 * their own, for tests.  What fails here ends the test. */

#ifndef TESTS_UNIT_OVS_SANDBOX_H
#define TESTS_UNIT_OVS_SANDBOX_H 1

#include <stdbool.h>
#include <sys/types.h>

struct ovs_sandbox {
    char *dir;                  /* All its files. */
    char *remote;               /* "unix:DIR/db.sock". */
    bool clustered;             /* A database of another schema than Open
                                 * vSwitch's. */
    pid_t server;               /* 0 while stopped. */
    pid_t vswitchd;
};

/* Makes an empty database whose system-id is 'system_id'. */
void ovs_sandbox_create(struct ovs_sandbox *, const char *system_id);
/* The same, with the installed schema as the sed script of that name makes
 * it. */
void ovs_sandbox_create_with_schema(struct ovs_sandbox *,
                                    const char *system_id,
                                    const char *script);
/* Makes an empty database of another schema, as JSON, which is that of a
 * cluster of one server. */
void ovs_sandbox_create_clustered(struct ovs_sandbox *, const char *schema);
/* Converts it to another schema, as "ovsdb-client convert". */
void ovs_sandbox_convert(const struct ovs_sandbox *, const char *schema);
/* Returns true if the installed schema has 'column' somewhere. */
bool ovs_sandbox_schema_has(const char *column);
/* Ends its processes and removes its files. */
void ovs_sandbox_destroy(struct ovs_sandbox *);

void ovs_sandbox_start_server(struct ovs_sandbox *);
void ovs_sandbox_stop_server(struct ovs_sandbox *);
/* With dummy datapaths: no privilege is needed, and system devices are
 * dummies as well. */
void ovs_sandbox_start_vswitchd(struct ovs_sandbox *);
void ovs_sandbox_stop_vswitchd(struct ovs_sandbox *);

/* Runs ovs-vsctl, without waiting for ovs-vswitchd, with the arguments in
 * 'format', split at spaces; an empty string is written as '_'.  Returns its
 * output without the final newline; the caller frees it.  What it wrote has
 * been sent to all clients of the server then, but they may not have read
 * it. */
char *ovs_sandbox_vsctl(const struct ovs_sandbox *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Waits until all clients have been sent what was written before.  For who
 * writes by other means than ovs_sandbox_vsctl(). */
void ovs_sandbox_settle(const struct ovs_sandbox *);

/* Runs a program with up to 'n' arguments; returns its status. */
int ovs_sandbox_exec(const struct ovs_sandbox *, char **argv, char **output);
/* Returns the output of a shell command, which the caller frees.  One that
 * fails ends the test. */
char *ovs_sandbox_shell(const struct ovs_sandbox *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* tests/unit/ovs-sandbox.h */
