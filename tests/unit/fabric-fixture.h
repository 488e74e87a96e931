/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric on the real model, engine and commit, for its tests, with a store
 * that is durable at once.  With fake-db.c, its OVSDB side does nothing. */

#ifndef TESTS_UNIT_FABRIC_FIXTURE_H
#define TESTS_UNIT_FABRIC_FIXTURE_H 1

#include "tests/unit/toy-fixture.h"

#include <time.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-meters.h"
#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/audit.h"
#include "controller/fabric/session/reconcile.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-listener.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "proto/loop/loop.h"

extern struct commit *commit;
extern struct fabric *fabric;
extern struct loop *loop;
extern uint64_t revision;       /* Of the last edit. */
extern int fixture_store_errors; /* So many groups are refused next. */

/* A condition that has not come true by then never will. */
#define FIXTURE_GIVE_UP_S 120

#define FIXTURE_TURN_UNTIL(TURN, CONDITION)                     \
    do {                                                        \
        time_t give_up__ = time(NULL) + FIXTURE_GIVE_UP_S;      \
        while (!(CONDITION)) {                                  \
            (TURN)();                                           \
            assert_true(time(NULL) < give_up__);                \
        }                                                       \
    } while (0)

/* Listens for switches at 'target'.  With an app, or with modules (the
 * names of apps of the tree, ending with NULL), or both.  'pki' is a folder
 * with key.pem, cert.pem and ca.pem, or NULL. */
void fixture_start(const char *target, const char *pki,
                   const struct vmn_app_class *app,
                   const char *const *modules);
/* The same with all options. */
void fixture_start_with(const struct fabric_options *,
                        const struct vmn_app_class *app,
                        const char *const *modules);
void fixture_stop(void);
/* Destroys the fabric, as vmnd does when it stops: not while a group of
 * requests, which may have yielded, is within it. */
void fixture_stop_fabric(void);
/* Makes the fabric anew, after fixture_stop_fabric(). */
void fixture_start_fabric(const struct fabric_options *);
/* A commit as that of a vmnd that has just started. */
void fixture_start_commit(void);

/* Waits for one revision. */
struct fabric_wait *wait_for_revision(struct fabric *, uint64_t revision,
                                      int timeout_ms, fabric_wait_cb *,
                                      void *aux);

/* The receipt of a revision, read back.  The caller owns it. */
json_t *fixture_receipt(uint64_t revision);

/* The status of an object of the fabric, as JSON, or NULL.  The caller owns
 * it. */
json_t *fixture_host_status(const char *host);
json_t *fixture_port_status(const char *port);
json_t *fixture_telemetry_status(const struct vmn_telemetry *);

/* One turn of the loop. */
void fixture_turn(void);
/* Puts ('spec') or deletes a row, and calls 'turn' until it is durable. */
void fixture_edit(enum vmn_table, const char *name, json_t *spec,
                  void (*turn)(void));
/* The same for many operations.  Consumes 'request'. */
void fixture_submit(struct model_request *request, void (*turn)(void));

#endif /* tests/unit/fabric-fixture.h */
