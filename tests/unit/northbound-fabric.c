/* SPDX-License-Identifier: Apache-2.0
 *
 * A fabric of hosts that a test speaks for, in the place of controller/fabric:
 * what northbound asks is answered from 'fake_fabric'; see
 * northbound-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-captures.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-guests.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/fabric/fabric.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "svec.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

struct fabric fake_fabric;

bool
fabric_host_status(const struct fabric *f, const char *host,
                   struct arena *arena, struct status_host *status)
{
    static struct status_unclaimed unclaimed = {
        .iface_id = "lost", .interface = "tap1", .mac = "02:00:00:00:00:01",
        .since = 1000,
    };

    *status = (struct status_host) {
        .ports = -1, .state = f->host_state ? f->host_state : "offline",
        .reason = arena_strdup(arena, host), .unclaimed = f->n_unclaimed,
        .n_unclaimed_interfaces = f->n_unclaimed ? 1 : 0,
        .unclaimed_interfaces = f->n_unclaimed ? &unclaimed : NULL,
    };
    return true;
}

bool
fabric_neighbour_unanswered(const struct fabric *f,
                            const char *host OVS_UNUSED,
                            uint32_t network OVS_UNUSED,
                            const struct vmn_ip *ip OVS_UNUSED,
                            struct fabric_unanswered *asked)
{
    *asked = f->unanswered;
    return asked->n > 0;
}

bool
fabric_host_state(const struct fabric *f, const char *host,
                  const char **state, struct status_lag *lag)
{
    bool offline = f->offline_host && !strcmp(f->offline_host, host);

    *state = f->host_state && !offline ? f->host_state : "offline";
    *lag = (struct status_lag) { .revisions = 0 };
    return true;
}

bool
fabric_host_is_unheard(const struct fabric *f, const char *host,
                       int64_t *since_ms)
{
    *since_ms = f->unheard_ms;
    return f->unheard_ms && !strcmp(host, "hv1");
}

bool
fabric_any_host_is_unheard(const struct fabric *f)
{
    return f->unheard_ms != 0;
}

bool
fabric_host_switch_is_dead(const struct fabric *f OVS_UNUSED,
                           const char *host OVS_UNUSED)
{
    return false;
}

char *
fabric_host_unheard_reason(const struct fabric *f, const char *host)
{
    return (f->unheard_ms && !strcmp(host, "hv1")
            ? xstrdup("host \"hv1\" has not been heard") : NULL);
}

char *
fabric_host_unreachable_reason(const struct fabric *f OVS_UNUSED,
                               const char *host OVS_UNUSED)
{
    return NULL;
}

char *
fabric_host_stale_reason(const struct fabric *f, const char *host)
{
    return fabric_host_unheard_reason(f, host);
}

const char *
fabric_port_state(const struct fabric *f,
                  const struct vmn_port *row OVS_UNUSED)
{
    return f->port_state ? f->port_state : "unbound";
}

bool
fabric_port_status(const struct fabric *f, const char *port OVS_UNUSED,
                   struct arena *arena OVS_UNUSED, struct status_port *status)
{
    *status = (struct status_port) {
        .state = f->port_state ? f->port_state : "unbound",
        .host = f->port_state ? "hv1" : NULL,
    };
    return true;
}

void
fabric_add_watch(struct fabric *f, const struct fabric_watch *watch,
                 void *aux)
{
    assert_true(f->n_watches < FABRIC_WATCHERS_MAX);
    f->watches[f->n_watches].watch = watch;
    f->watches[f->n_watches++].aux = aux;
}

void
fabric_remove_watch(struct fabric *f, const struct fabric_watch *watch,
                    void *aux)
{
    for (size_t i = 0; i < f->n_watches; i++) {
        if (f->watches[i].watch == watch && f->watches[i].aux == aux) {
            f->watches[i] = f->watches[--f->n_watches];
            return;
        }
    }
    fail_msg("nobody watches so");
}

size_t
fabric_unclaimed_interfaces(const struct fabric *f, struct svec *hosts)
{
    for (size_t i = 1; hosts && i <= f->n_unclaiming; i++) {
        svec_add_nocopy(hosts, xasprintf("hv%"PRIuSIZE, i));
    }
    return f->n_unclaimed;
}

size_t
fabric_unread_hosts(const struct fabric *f)
{
    return f->n_unread;
}

int64_t
fabric_counted_ms(const struct fabric *f)
{
    return f->counted_ms;
}

int64_t
fabric_count_interval(const struct fabric *f OVS_UNUSED)
{
    return 0;
}

bool
fabric_host_is_connected(const struct fabric *f OVS_UNUSED,
                         const char *host OVS_UNUSED)
{
    return false;
}

bool
fabric_host_is_live(const struct fabric *f OVS_UNUSED,
                    const char *host OVS_UNUSED)
{
    return false;
}

bool
fabric_host_answered_since(const struct fabric *f OVS_UNUSED,
                           const char *host OVS_UNUSED,
                           int64_t since_us OVS_UNUSED)
{
    return false;
}

bool
fabric_send_frame(struct fabric *f OVS_UNUSED, const char *host OVS_UNUSED,
                  uint32_t ofport OVS_UNUSED, const void *frame OVS_UNUSED,
                  size_t size OVS_UNUSED)
{
    return false;
}

void
fabric_probe_host(struct fabric *f OVS_UNUSED, const char *host OVS_UNUSED)
{
}

bool
fabric_host_heard_since(const struct fabric *f OVS_UNUSED,
                        const char *host OVS_UNUSED,
                        int64_t since_us OVS_UNUSED)
{
    return false;
}

void
fabric_set_sink(struct fabric *f OVS_UNUSED, fabric_sink_cb *sink OVS_UNUSED,
                void *aux OVS_UNUSED)
{
}

void
fabric_set_path_sink(struct fabric *f OVS_UNUSED,
                     fabric_sink_cb *sink OVS_UNUSED, void *aux OVS_UNUSED)
{
}

unsigned
fabric_packet_port_rate(const struct fabric *f OVS_UNUSED)
{
    return 0;
}

bool
fabric_send_to_host(struct fabric *f OVS_UNUSED, const char *host OVS_UNUSED,
                    uint32_t vni OVS_UNUSED, uint32_t number OVS_UNUSED,
                    const void *frame OVS_UNUSED, size_t size OVS_UNUSED)
{
    return false;
}

void
fabric_set_capture(struct fabric *f OVS_UNUSED,
                   fabric_captured_cb *cb OVS_UNUSED, void *aux OVS_UNUSED)
{
}

const struct tls *
fabric_tls(const struct fabric *f OVS_UNUSED)
{
    return NULL;
}

uint64_t
fabric_host_acked(const struct fabric *f, const char *host OVS_UNUSED)
{
    return f->acked;
}

bool
fabric_tunnel_traffic(const struct fabric *f OVS_UNUSED,
                      const char *host OVS_UNUSED,
                      struct fabric_traffic *traffic)
{
    memset(traffic, 0, sizeof *traffic);
    traffic->sent_bytes_per_s = 7;
    return true;
}

bool
fabric_get_receipt(const struct fabric *f, uint64_t revision,
                   struct arena *arena OVS_UNUSED,
                   struct fabric_receipt *receipt)
{
    *receipt = (struct fabric_receipt) {
        .revision = revision, .installed = !f->lacking,
        .recorded = revision == f->recorded,
    };
    return ((revision > 1 || receipt->recorded)
            && (!f->behind || revision < f->behind));
}

struct fabric_rejected_host *
fabric_rejected_hosts(const struct fabric *f OVS_UNUSED, struct arena *arena,
                      size_t *n)
{
    struct fabric_rejected_host *hosts = arena_alloc(arena, sizeof *hosts);

    *hosts = (struct fabric_rejected_host) {
        .address = "192.0.2.9", .protocol = "ovsdb",
        .reason = "no host \"h9\" is known that dials in", .count = 2,
        .first = 1000, .last = 2000,
    };
    *n = 1;
    return hosts;
}

struct fabric_wait *
fabric_wait(struct fabric *f, const struct fabric_wait_for *what,
            int timeout_ms, fabric_wait_cb *cb, void *aux)
{
    assert_null(f->cb);
    f->cb = cb;
    f->aux = aux;
    f->revision = what->revisions[what->n_revisions - 1];
    f->timeout_ms = timeout_ms;
    return (struct fabric_wait *) f;
}

void
fabric_wait_cancel(struct fabric_wait *wait)
{
    struct fabric *f = (struct fabric *) wait;

    f->cb = NULL;
    f->n_cancelled++;
}

bool
fabric_progress(const struct fabric *f OVS_UNUSED, uint64_t revision,
                struct fabric_progress *progress)
{
    *progress = (struct fabric_progress) {
        .n_hosts = 2, .n_confirmed = 2, .confirmed_us = INT64_MAX / 2,
    };
    return revision > 1;
}

size_t
fabric_behind(const struct fabric *f OVS_UNUSED,
              struct arena *arena OVS_UNUSED, struct fabric_behind **list)
{
    *list = xzalloc(sizeof **list);
    (*list)->host = "hv1";
    (*list)->state = "synced";
    (*list)->lag.ms = fake_fabric.lag_ms;
    return 1;
}

/* Keeps what was asked for. */
static void
keep_look(const struct fabric_filter *filter, size_t limit, bool repair)
{
    struct fabric *f = &fake_fabric;

    f->look = (struct fabric_audit_request) {
        .repair = repair, .limit = limit, .filter = *filter,
    };
    if (filter->app) {
        ovs_strlcpy(f->look_app, filter->app, sizeof f->look_app);
        f->look.filter.app = f->look_app;
    }
    if (filter->object) {
        ovs_strlcpy(f->look_object, filter->object, sizeof f->look_object);
        f->look.filter.object = f->look_object;
    }
}

/* A group, and flows for several turns. */
#define N_FLOWS 250

struct fabric_flows {
    size_t n_groups, n_flows;   /* That were told. */
    char host[64];
};

struct fabric_flows *
fabric_flows_create(const struct fabric *f OVS_UNUSED, const char *host,
                    const struct fabric_filter *filter, size_t limit,
                    size_t *n_flows, size_t *n_groups)
{
    struct fabric_flows *flows = xzalloc(sizeof *flows);

    keep_look(filter, limit, false);
    ovs_strlcpy(flows->host, host, sizeof flows->host);
    *n_flows = N_FLOWS;
    *n_groups = 1;
    fake_fabric.n_flows++;
    return flows;
}

bool
fabric_flows_next_group(struct fabric_flows *flows,
                        struct arena *arena OVS_UNUSED,
                        struct fabric_group *group)
{
    *group = (struct fabric_group) { .group_id = 7, .group = "type=all",
                                     .scope = "all" };
    return !flows->n_groups++;
}

bool
fabric_flows_next_flow(struct fabric_flows *flows,
                       struct arena *arena OVS_UNUSED,
                       struct fabric_flow *flow)
{
    *flow = (struct fabric_flow) {
        .match = "ip", .actions = "drop", .cookie = "0x1",
        .owner = flows->host, .scope = "all",
    };
    return fake_fabric.endless || flows->n_flows++ < N_FLOWS;
}

void
fabric_flows_destroy(struct fabric_flows *flows)
{
    free(flows);
    fake_fabric.n_flows--;
}

const char *
fabric_audit(struct fabric *f, const char *host OVS_UNUSED,
             const struct fabric_audit_request *look, fabric_audit_cb *cb,
             void *aux)
{
    if (f->not_now) {
        return f->not_now;
    }
    f->audit_cb = cb;
    f->audit_aux = aux;
    f->auditing = true;
    keep_look(&look->filter, look->limit, look->repair);
    f->n_audits++;
    return NULL;
}

void
fabric_audit_forget(struct fabric *f, fabric_audit_cb *cb OVS_UNUSED,
                    void *aux OVS_UNUSED)
{
    f->auditing = false;
    f->n_forgotten++;
}

const struct status_audit *
fabric_audited(const struct fabric *f OVS_UNUSED)
{
    static struct status_audit_owner owner = {
        .name = "overlay", .missing = 3,
    };
    static const struct status_audit audited = {
        .n_owners = 1, .owners = &owner,
    };

    return &audited;
}

void
fabric_rejected_claims(const struct fabric *fabric OVS_UNUSED,
                       fabric_rejected_claims_cb *cb, void *aux)
{
    cb(aux, "hv2", "hv1", 3);
}

void
fabric_over_budget(const struct fabric *f OVS_UNUSED,
                   fabric_over_budget_cb *cb, void *aux)
{
    cb(aux, "hv1", "ovsdb", 2);
}

const char *const fabric_states[FABRIC_N_STATES] = {
    "synced", "diverged", "reconciling", "connecting", "offline", "rejected",
    "unheard", "lost",
};

const char *
fabric_port_at(const struct fabric *f OVS_UNUSED, const char *host,
               uint32_t ofport)
{
    return !strcmp(host, "hv1") && ofport == 7 ? "web-1" : NULL;
}

bool
fabric_port_is_at(const struct fabric *f, const char *name, const char *host,
                  uint32_t ofport)
{
    const char *there = fabric_port_at(f, host, ofport);

    return there && !strcmp(there, name);
}

void
fabric_get_stats(const struct fabric *f OVS_UNUSED, struct fabric_stats *s)
{
    memset(s, 0, sizeof *s);
    s->n_hosts = 3;
    s->n_connected = s->n_heard = fake_fabric.n_connected;
    s->n_synced = fake_fabric.n_synced;
    s->n_unclaimed = fake_fabric.n_unclaimed;
}

void
fabric_unsynced_hosts(const struct fabric *f, struct svec *hosts)
{
    for (size_t i = f->n_synced; i < 3; i++) {
        svec_add_nocopy(hosts, xasprintf("hv%"PRIuSIZE" (offline)", i + 1));
    }
}

bool
fabric_get_admission(const struct fabric *f OVS_UNUSED,
                     enum fabric_listener which OVS_UNUSED,
                     struct admission_stats *stats OVS_UNUSED)
{
    return false;
}

bool
fabric_look_at_port(struct fabric *f OVS_UNUSED, const char *port OVS_UNUSED,
                    fabric_looked_cb *cb OVS_UNUSED, void *aux OVS_UNUSED)
{
    return false;
}

void
fabric_forget_port(struct fabric *f OVS_UNUSED,
                   fabric_looked_cb *cb OVS_UNUSED, void *aux OVS_UNUSED)
{
}

void
fabric_guest_status(const struct fabric *f, const char *port OVS_UNUSED,
                    struct arena *arena OVS_UNUSED,
                    struct status_port *status)
{
    status->leases = f->lease;
    status->n_leases = f->lease != NULL;
}
