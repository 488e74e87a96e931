/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows in, flows out: the real engine and model with the built apps, for tests
 * of apps.  Rows come as JSON, flows go out as text. */

#ifndef TESTS_UNIT_APPS_FIXTURE_H
#define TESTS_UNIT_APPS_FIXTURE_H 1

#include <stdint.h>

#include "openvswitch/dynamic-string.h"
#include "vmn/rows.h"

struct apphost;
struct apps_fixture;
struct engine;
struct model;
struct pipeline;
struct vmn_packet_in;
struct vmn_packets_out;

/* Loads 'apps' (names, ending with NULL). */
struct apps_fixture *apps_fixture_create(const char *const *apps);
void apps_fixture_destroy(struct apps_fixture *);

/* Applies 'json', one transaction: an object of objects by "TYPE/NAME", as in
 * {"ports/a": {"network": "n"}, "bindings/a": {"host": "h"}, "ports/b": null},
 * with ' for ".  Type is a table's plural; null deletes.  Runs the engine.
 * Fails the test if the model refuses. */
void apps_fixture_apply(struct apps_fixture *, const char *json);
/* The same, when it is 'now_ms' (since 1970) for the model; above, 1. */
void apps_fixture_apply_at(struct apps_fixture *, const char *json,
                           int64_t now_ms);
/* Has there be the types of objects that 'app', which is loaded, declares.
 * schema_tables[] shows those of one fixture at a time. */
void apps_fixture_declare_types(struct apps_fixture *, const char *app);

/* Gives every second rule of a policy, from 1 on, another action, in the row
 * itself: that of a policy whose rules change so often was stored before such
 * ones were refused.  Computes nothing. */
void apps_fixture_change_rules(struct apps_fixture *, const char *policy,
                               enum vmn_action);

/* The flows that 'host' is to hold, a line each, sorted:
 * "APP.STAGE/TABLE PRIORITY MATCH actions=ACTIONS" with names of stages in
 * place of table numbers in front, or, if 'plain', as ovs-ofctl reads them. */
void apps_fixture_flows(struct apps_fixture *, const char *host, bool plain,
                        struct ds *);
/* Those of them that are counted, but for drops, which always are. */
void apps_fixture_counted(struct apps_fixture *, const char *host,
                          struct ds *);
/* The same for groups, as ovs-ofctl reads them. */
void apps_fixture_groups(struct apps_fixture *, const char *host,
                         struct ds *);

/* Fails the test unless the engine reports no problem, a compile from nothing
 * gives the same, and all of it survives a restart of a switch by Open
 * vSwitch's scripts (ovs-text.h). */
void apps_fixture_check(struct apps_fixture *);
/* The text of all problems of the engine.  The caller frees it. */
char *apps_fixture_problems(struct apps_fixture *);

/* Has handler "APP.NAME" answer a packet: '*out' gets what it sends.  Fails
 * the test if there is no such handler, or it makes a mistake. */
void apps_fixture_handle(struct apps_fixture *, const char *handler,
                         const struct vmn_packet_in *,
                         struct vmn_packets_out *out);

/* Copies 'text' with each {KIND:KEY} replaced by that number in hexadecimal,
 * {VNI:NETWORK} by the network's, and {TABLE:APP.STAGE/N} by the table's
 * number (in decimal).  The caller frees it. */
char *apps_fixture_expand(struct apps_fixture *, const char *text);

/* Loads app 'name' from the file, and waits for that (apphost_prepare()). */
struct apphost_file;
struct vmn_error;
int apps_fixture_prepare(struct apps_fixture *, const char *name,
                         const struct apphost_file *, struct vmn_error *why);

/* What it is made of, for those who ask that. */
struct engine *apps_fixture_engine(struct apps_fixture *);
struct model *apps_fixture_model(struct apps_fixture *);
struct apphost *apps_fixture_apphost(struct apps_fixture *);
const struct pipeline *apps_fixture_pipeline(const struct apps_fixture *);

/* Number of flows added and withdrawn by the last apply. */
unsigned apps_fixture_n_changes(const struct apps_fixture *);
/* Units and queries that it computed. */
unsigned apps_fixture_n_computed(const struct apps_fixture *);

#endif /* tests/unit/apps-fixture.h */
