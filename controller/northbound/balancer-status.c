/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of balancers: their backends, as the app that makes their flows
 * reports them, with health, load and scaling. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/balancer-members.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-status.h"
#include "controller/model/warnings.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "simap.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Maximum number of hosts that a warning names. */
#define NAMED_MAX 3

const char *const nb_backend_states[VMN_N_LB_STATES + 1] = {
    [VMN_LB_SERVING] = "serving",   [VMN_LB_STANDBY] = "standby",
    [VMN_LB_CHECKING] = "checking", [VMN_LB_DOWN] = "down",
    [VMN_LB_DRAINING] = "draining", [VMN_LB_DRAINED] = "drained",
    [VMN_LB_IDLE] = "idle",         NULL,
};

struct vmn_lb_member *
nb_balancer_members(const struct northbound *nb, const char *name, size_t *n)
{
    return engine_balancer_members(nb->engine, name, n);
}

/* Returns true if the flows send to the backend, and nobody knows whether it
 * is there. */
static bool
serves_unheard(const struct northbound *nb,
               const struct vmn_lb_member *member)
{
    int64_t since_ms;

    return (member->state == VMN_LB_SERVING
            && fabric_host_is_unheard(nb->fabric, member->host, &since_ms));
}

void
nb_balancer_count(const struct northbound *nb, const char *name,
                  struct nb_summary_balancer *count)
{
    struct vmn_lb_member *members = nb_balancer_members(nb, name,
                                                        &count->backends);

    count->serving = count->unknown = count->drained = count->standby = 0;
    for (size_t i = 0; i < count->backends; i++) {
        enum vmn_lb_state state = members[i].state;

        count->serving += state == VMN_LB_SERVING;
        count->drained += (state == VMN_LB_DRAINING
                           || state == VMN_LB_DRAINED);
        count->standby += state == VMN_LB_STANDBY;
        count->unknown += serves_unheard(nb, &members[i]);
    }
    free(members);
}

/* Returns one of the backends that do not serve, and should, or NULL. */
static const struct vmn_lb_member *
find_dead(const struct vmn_lb_member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum vmn_lb_state state = members[i].state;

        if (state == VMN_LB_CHECKING || state == VMN_LB_DOWN
            || state == VMN_LB_IDLE) {
            return &members[i];
        }
    }
    return NULL;
}

/* Returns the hosts of backends that serve and are not heard, the first
 * NAMED_MAX by the backends' order, as text that the caller frees. */
static char *
name_unheard(const struct northbound *nb, const struct vmn_lb_member *members,
             size_t n)
{
    struct sset hosts = SSET_INITIALIZER(&hosts);
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        if (serves_unheard(nb, &members[i])
            && sset_add(&hosts, members[i].host)
            && sset_count(&hosts) <= NAMED_MAX) {
            ds_put_format(&ds, "%s%s", ds.length ? ", " : "",
                          members[i].host);
        }
    }
    if (sset_count(&hosts) > NAMED_MAX) {
        ds_put_format(&ds, " and %"PRIuSIZE" more",
                      sset_count(&hosts) - NAMED_MAX);
    }
    sset_destroy(&hosts);
    return ds_steal_cstr(&ds);
}

/* Warns of backends that are sent connections, whether or not they are there:
 * those of probed balancers are taken out after a while. */
static void
warn_of_unheard(const struct northbound *nb, const struct vmn_loadbalancer *lb,
                const struct vmn_lb_member *members, size_t n,
                struct model_warnings *warnings)
{
    size_t n_unheard = 0;
    char *hosts;

    for (size_t i = 0; i < n && !lb->health.type; i++) {
        n_unheard += serves_unheard(nb, &members[i]);
    }
    if (!n_unheard) {
        return;
    }
    hosts = name_unheard(nb, members, n);
    model_warnings_put(
        warnings, &lb->row, "/health", "%"PRIuSIZE" of its %"PRIuSIZE
        " backend%s %s on hosts that are not heard (%s), and nothing probes "
        "%s: new connections are still sent there", n_unheard, n,
        n == 1 ? "" : "s", n_unheard == 1 ? "is" : "are", hosts,
        n_unheard == 1 ? "it" : "them");
    free(hosts);
}

void
nb_warn_of_balancer(const struct northbound *nb,
                    const struct vmn_loadbalancer *lb,
                    struct model_warnings *warnings)
{
    size_t n, n_serving = 0;
    struct vmn_lb_member *members = nb_balancer_members(nb, lb->row.name, &n);
    const struct vmn_lb_member *dead = find_dead(members, n);

    for (size_t i = 0; i < n; i++) {
        n_serving += members[i].state == VMN_LB_SERVING;
    }
    if (dead && !n_serving) {
        model_warnings_put(
            warnings, &lb->row, lb->selector.text ? "/selector" : "/backends",
            "none of its %"PRIuSIZE" %s serves: \"%s\" is %s%s%s", n,
            n == 1 ? "backend" : "backends", dead->port,
            nb_backend_states[dead->state],
            dead->reason[0] ? ", " : "", dead->reason);
    }
    warn_of_unheard(nb, lb, members, n, warnings);
    free(members);
}

/* Returns the percentage of new connections that each serving backend gets in
 * its domain, as the buckets of groups approximate it.  The caller frees the
 * array. */
static double *
get_shares(const struct northbound *nb, const struct vmn_lb_member *members,
           size_t n)
{
    double *shares = xcalloc(MAX(n, 1), sizeof *shares);
    struct simap totals = SIMAP_INITIALIZER(&totals);
    char **domains = xcalloc(MAX(n, 1), sizeof *domains);

    for (size_t i = 0; i < n; i++) {
        if (members[i].state == VMN_LB_SERVING) {
            domains[i] = engine_domain_of(nb->engine, members[i].network);
            simap_increase(&totals, domains[i], members[i].weight);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (domains[i]) {
            shares[i] = 100.0 * members[i].weight
                        / simap_get(&totals, domains[i]);
            shares[i] = round(10 * shares[i]) / 10;
        }
        free(domains[i]);
    }
    free(domains);
    simap_destroy(&totals);
    return shares;
}

/* Rounds to tenths. */
static double
in_tenths(double rate)
{
    return round(10 * rate) / 10;
}

static struct status_load
load_status(const struct fabric_balancer_load *load)
{
    return (struct status_load){
        .connections = load->connections,
        .connections_per_s = in_tenths(load->connections_per_s),
        .packets = load->packets,
        .packets_per_s = in_tenths(load->packets_per_s),
        .bytes = load->bytes,
        .bytes_per_s = in_tenths(load->bytes_per_s),
        .last = load->last_ms,
    };
}

/* Returns the results of a backend's health probes, or NULL. */
static struct status_backend_health *
backend_health(const struct northbound *nb, const char *balancer,
               const char *port, struct arena *arena)
{
    struct status_backend_health *health = arena_alloc(arena, sizeof *health);

    return (health_backend_status(nb->health, balancer, port, arena, health)
            ? health : NULL);
}

/* Returns how far a backend's drain is, or NULL. */
static struct status_backend_drain *
backend_drain(const struct northbound *nb, const char *balancer,
              const char *port, struct arena *arena)
{
    struct status_backend_drain *drain = arena_alloc(arena, sizeof *drain);

    return (health_drain_status(nb->health, balancer, port, drain)
            ? drain : NULL);
}

/* Returns how the drain of a backend that is drained ended, or NULL. */
static const char *
drain_result(const struct northbound *nb, const char *balancer,
             const struct vmn_lb_member *member)
{
    return (member->state == VMN_LB_DRAINED
            ? health_drain_result(nb->health, balancer, member->port) : NULL);
}

/* Has the reason say why a drain is over. */
static void
put_drained(struct arena *arena, struct status_backend *b)
{
    if (b->health && b->health->reason
        && !strcmp(b->state, nb_backend_states[VMN_LB_DRAINED])
        && !strcmp(b->health->state, b->state)) {
        b->reason = arena_printf(arena, "it is drained: %s",
                                 b->health->reason);
    }
}

/* Returns a copy of 'text', or NULL if that is empty. */
static const char *
copy_unless_empty(struct arena *arena, const char *text)
{
    return text[0] ? arena_strdup(arena, text) : NULL;
}

/* Fills in that a backend serves since its last state is kept, and why, if so:
 * its host is not heard. */
static void
put_kept(const struct status_port *port, bool unheard, struct arena *arena,
         struct status_backend *b)
{
    const struct status_backend_health *health = b->health;
    const char *why = unheard ? port->reason : health ? health->reason : NULL;
    bool probed = health && strcmp(health->state, "idle");

    b->kept_until = b->serving && health ? health->kept_until : 0;
    b->kept = b->serving && (b->kept_until || unheard);
    if (!b->kept || b->reason || !why) {
        return;
    }
    if (b->kept_until) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_strftime_msec(&ds, "%Y-%m-%dT%H:%M:%SZ", b->kept_until, true);
        b->reason = arena_printf(arena, "%s; its last state is kept until %s",
                                 why, ds_cstr(&ds));
        ds_destroy(&ds);
    } else {
        b->reason = arena_printf(
            arena, "%s; its last state is kept%s", why,
            probed ? "" : " as long as that lasts, as it is not probed");
    }
}

/* Appends the backends, at most NB_MEMBERS_MAX. */
static void
list_backends(const struct northbound *nb, const struct vmn_loadbalancer *lb,
              const struct vmn_lb_member *members, size_t n,
              const struct fabric_balancer_load *loads, struct arena *arena,
              struct status_loadbalancer *status)
{
    double *shares = get_shares(nb, members, n);

    status->n_listed = MIN(n, NB_MEMBERS_MAX);
    status->backends = arena_alloc(arena, status->n_listed
                                          * sizeof *status->backends);
    for (size_t i = 0; i < status->n_listed; i++) {
        const struct vmn_lb_member *m = &members[i];
        const char *reason = copy_unless_empty(arena, m->reason);
        struct status_port port;

        fabric_port_status(nb->fabric, m->port, arena, &port);
        status->backends[i] = (struct status_backend) {
            .port = arena_strdup(arena, m->port),
            .port_state = port.state, .weight = m->weight,
            .state = nb_backend_states[m->state],
            .serving = m->state == VMN_LB_SERVING,
            .share = shares[i] > 0 ? shares[i] : NAN,
            .host = copy_unless_empty(arena, m->host),
            .reason = reason,
            .unprobed = m->state == VMN_LB_SERVING && !lb->health.type,
            .health = backend_health(nb, lb->row.name, m->port, arena),
            .drain = backend_drain(nb, lb->row.name, m->port, arena),
            .drain_result = drain_result(nb, lb->row.name, m),
            .load = load_status(&loads[i]),
        };
        put_kept(&port, serves_unheard(nb, m), arena, &status->backends[i]);
        put_drained(arena, &status->backends[i]);
    }
    free(shares);
}

/* Returns the balancer's load compared with its thresholds, or NULL. */
static struct status_scale *
scale_status(const struct northbound *nb, const char *balancer,
             struct arena *arena)
{
    struct status_scale *scale = arena_alloc(arena, sizeof *scale);

    return (nb->load && load_monitor_get_status(nb->load, balancer, arena,
                                                scale)
            ? scale : NULL);
}

bool
nb_fill_balancer(const struct nb_status_query *q, const struct vmn_row *row,
                 void *status_)
{
    const struct vmn_loadbalancer *lb = (const void *) row;
    struct status_loadbalancer *status = status_;
    size_t n;
    struct vmn_lb_member *members = nb_balancer_members(q->nb, row->name, &n);
    struct fabric_balancer_load *loads = arena_alloc(q->arena,
                                                     n * sizeof *loads);
    struct fabric_balancer_load load;

    fabric_balancer_load(q->nb->fabric, row->name, members, n, &load, loads);
    status->n_backends = n;
    for (size_t i = 0; i < n; i++) {
        status->n_serving += members[i].state == VMN_LB_SERVING;
        status->n_unknown += serves_unheard(q->nb, &members[i]);
    }
    status->load = load_status(&load);
    status->unread_hosts = fabric_unread_hosts(q->nb->fabric);
    status->limited = lb->client_limit.rate ? (int64_t) load.limited : -1;
    status->scale = scale_status(q->nb, row->name, q->arena);
    if (q->one) {
        list_backends(q->nb, lb, members, n, loads, q->arena, status);
    }
    free(members);
    return true;
}
