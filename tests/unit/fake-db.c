/* SPDX-License-Identifier: Apache-2.0
 *
 * An OVSDB side of the fabric that does nothing, for tests of its OpenFlow
 * side: they call fabric_host_set_datapath() and the like in its place. */

#include <config.h>

#include "tests/unit/fake-db.h"

#include <stdlib.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/deleted-host-db.h"
#include "controller/fabric/ovsdb/host-bfd.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "util.h"

const char *fake_db_state;
char *fake_db_guest_seen;
const char *fake_db_guest_expected;
uint32_t fake_db_guest_ofport = 2, fake_db_guest_next_ofport = 2;

int
fabric_db_create(struct fabric *f OVS_UNUSED,
                 const struct fabric_options *options OVS_UNUSED,
                 struct vmn_error *why OVS_UNUSED)
{
    return 0;
}

void
fabric_db_hold(struct fabric *f OVS_UNUSED)
{
}

void
fabric_db_manage(struct fabric *f OVS_UNUSED,
                 const struct fabric_others *others OVS_UNUSED)
{
}

void
fabric_db_begin(struct fabric *f OVS_UNUSED)
{
}

void
fabric_db_destroy(struct fabric *f OVS_UNUSED)
{
}

size_t
fabric_db_n_ipsec(const struct fabric *f OVS_UNUSED)
{
    return 0;
}

bool
fabric_db_set_peers(struct fabric *f OVS_UNUSED,
                    struct vmn_names names OVS_UNUSED)
{
    return false;
}

bool
fabric_db_set_uses(struct fabric *f OVS_UNUSED, const bool uses[] OVS_UNUSED)
{
    return false;
}

void
fabric_db_host_update(struct fabric_host *host OVS_UNUSED,
                      const struct vmn_host *row OVS_UNUSED)
{
}

void
fabric_db_host_destroy(struct fabric_host *host OVS_UNUSED)
{
}

const char *
fabric_db_state(const struct fabric_host *host OVS_UNUSED)
{
    return fake_db_state;
}

const char *
fabric_db_state_reason(const struct fabric_host *host OVS_UNUSED,
                       struct arena *arena OVS_UNUSED, int64_t *since_ms)
{
    *since_ms = FAKE_DB_SINCE_MS;
    return "its database";
}

const char *
fabric_db_provider_reason(const struct fabric_host *host OVS_UNUSED,
                          const char *physical OVS_UNUSED)
{
    return NULL;
}

void
fabric_db_blame(const struct fabric_host *host OVS_UNUSED,
                const char *state OVS_UNUSED, struct arena *arena OVS_UNUSED,
                const char **reason OVS_UNUSED)
{
}

void
fabric_db_host_status(const struct fabric_host *host OVS_UNUSED,
                      struct arena *arena OVS_UNUSED,
                      struct status_host *status OVS_UNUSED)
{
}

bool
fabric_db_get_admission(const struct fabric *f OVS_UNUSED,
                        struct admission_stats *stats OVS_UNUSED)
{
    return false;
}

void
fabric_db_set_certificates(const struct fabric_db *db OVS_UNUSED)
{
}

void
fabric_db_group(struct fabric *f OVS_UNUSED,
                const struct commit_group *group OVS_UNUSED,
                bool hosts_changed OVS_UNUSED)
{
}

void
fabric_db_guests_expected(const struct fabric *f OVS_UNUSED, const char *host,
                          fabric_guest_cb *cb, void *aux)
{
    if (fake_db_guest_expected && !strcmp(host, "h0")) {
        cb(aux, fake_db_guest_expected, fake_db_guest_expected,
           fake_db_guest_ofport);
        fake_db_guest_ofport = fake_db_guest_next_ofport;
    }
}

void
fabric_db_guest_seen(struct fabric *f OVS_UNUSED, const char *host,
                     const char *iface_id)
{
    free(fake_db_guest_seen);
    fake_db_guest_seen = xasprintf("%s/%s", host, iface_id);
}

size_t
fabric_db_n_candidates(const struct fabric *f OVS_UNUSED)
{
    return 0;
}

size_t
fabric_unclaimed_interfaces(const struct fabric *f OVS_UNUSED,
                            struct svec *hosts OVS_UNUSED)
{
    return 0;
}

void
fabric_db_switch_changed(struct fabric_host *host OVS_UNUSED)
{
}

char *
fabric_host_unheard_reason(const struct fabric *f OVS_UNUSED,
                           const char *host OVS_UNUSED)
{
    return NULL;
}

bool
fabric_host_is_unheard(const struct fabric *f OVS_UNUSED,
                       const char *host OVS_UNUSED, int64_t *since_ms)
{
    *since_ms = 0;
    return false;
}

bool
fabric_host_switch_is_dead(const struct fabric *f OVS_UNUSED,
                           const char *host OVS_UNUSED)
{
    return false;
}

bool
fabric_db_port_binding(const struct fabric *f OVS_UNUSED,
                       const char *port OVS_UNUSED, uint64_t *revision)
{
    *revision = 0;
    return true;
}

uint64_t
fabric_db_n_over_budget(const struct fabric_host *host OVS_UNUSED)
{
    return 0;
}

void
fabric_db_acked(struct fabric *f OVS_UNUSED)
{
}

const char *
fabric_port_state(const struct fabric *f OVS_UNUSED,
                  const struct vmn_port *row OVS_UNUSED)
{
    return NULL;
}

bool
fabric_port_status(const struct fabric *f OVS_UNUSED,
                   const char *port OVS_UNUSED,
                   struct arena *arena OVS_UNUSED, struct status_port *status)
{
    memset(status, 0, sizeof *status);
    return false;
}

bool
deleted_host_db_is_connected(const struct fabric_host *host OVS_UNUSED)
{
    return false;
}

void
deleted_host_db_leave(struct fabric_host *host OVS_UNUSED)
{
}

void
deleted_host_db_clean(struct fabric_host *host OVS_UNUSED)
{
}

enum deleted_host_db
deleted_host_db_state(const struct fabric_host *host OVS_UNUSED,
                      const char **reason)
{
    *reason = NULL;
    return DELETED_HOST_DB_AWAY;
}

void
host_bfd_get_stats(const struct fabric_host_db *db OVS_UNUSED,
                   struct fabric_stats *stats OVS_UNUSED)
{
}
