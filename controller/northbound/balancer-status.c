/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of balancers: who serves, as the app that makes their flows
 * says itself. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <math.h>
#include <stdlib.h>

#include "controller/fabric/fabric-counters.h"
#include "simap.h"
#include "util.h"
#include "vmn/vocabulary.h"

const char *const nb_backend_states[VMN_N_LB_STATES + 1] = {
    [VMN_LB_SERVING] = "serving",   [VMN_LB_STANDBY] = "standby",
    [VMN_LB_CHECKING] = "checking", [VMN_LB_DOWN] = "down",
    [VMN_LB_DRAINING] = "draining", [VMN_LB_DRAINED] = "drained",
    [VMN_LB_IDLE] = "idle",         NULL,
};

struct vmn_lb_member *
nb_balancer_members(const struct northbound *nb, const char *name, size_t *n)
{
    size_t size = 0;
    struct vmn_lb_member *members = engine_peek(nb->engine, VMN_QUERY_BACKENDS,
                                                name, &size);

    *n = members ? size / sizeof *members : 0;
    return members;
}

void
nb_balancer_count(const struct northbound *nb, const char *name,
                  size_t *n_backends, size_t *n_serving)
{
    struct vmn_lb_member *members = nb_balancer_members(nb, name, n_backends);

    *n_serving = 0;
    for (size_t i = 0; i < *n_backends; i++) {
        *n_serving += members[i].state == VMN_LB_SERVING;
    }
    free(members);
}

/* What each that serves gets of the new connections in its domain, in percent,
 * as far as buckets go into it.  The caller frees it. */
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

/* Tenths will do. */
static json_t *
rate_to_json(double rate)
{
    return json_real(round(10 * rate) / 10);
}

static json_t *
load_to_json(const struct fabric_balancer_load *load)
{
    return json_pack(
        "{s:I, s:o, s:I, s:o, s:I, s:o, s:o}",
        "connections", (json_int_t) load->connections,
        "connections_s", rate_to_json(load->connections_s),
        "packets", (json_int_t) load->packets,
        "packets_s", rate_to_json(load->packets_s),
        "bytes", (json_int_t) load->bytes,
        "bytes_s", rate_to_json(load->bytes_s),
        "last", load->last_ms ? nb_time_json(load->last_ms) : json_null());
}

static json_t *
member_to_json(const struct northbound *nb, const char *name,
               const struct vmn_lb_member *member, double share,
               const struct fabric_balancer_load *load)
{
    json_t *health = nb_backend_health(nb, name, member->port);
    json_t *json = json_pack(
        "{s:s, s:i, s:b, s:s}", "port", member->port, "weight",
        (int) member->weight, "serving", member->state == VMN_LB_SERVING,
        "state", nb_backend_states[member->state]);

    if (share) {
        json_object_set_new(json, "share", json_real(share));
    }
    if (member->host[0]) {
        json_object_set_new(json, "host", json_string(member->host));
    }
    if (member->reason[0]) {
        json_object_set_new(json, "reason", json_string(member->reason));
    }
    if (health) {
        json_object_set_new(json, "health", health);
    }
    json_object_set_new(json, "load", load_to_json(load));
    return json;
}

void
nb_balancer_status(const struct northbound *nb, const struct vmn_row *row,
                   bool one, struct ds *ds)
{
    size_t n, n_serving = 0;
    struct vmn_lb_member *members = nb_balancer_members(nb, row->name, &n);
    json_t *json = json_object(), *backends = json_array();
    double *shares = one ? get_shares(nb, members, n) : NULL;
    struct fabric_balancer_load *loads = xcalloc(MAX(n, 1), sizeof *loads);
    struct fabric_balancer_load load;

    fabric_balancer_load(nb->fabric, row->name, members, n, &load, loads);
    for (size_t i = 0; i < n; i++) {
        n_serving += members[i].state == VMN_LB_SERVING;
        if (one && i < NB_MEMBERS_MAX) {
            json_array_append_new(backends, member_to_json(
                nb, row->name, &members[i], shares[i], &loads[i]));
        }
    }
    json_object_set_new(json, "n_backends", json_integer(n));
    json_object_set_new(json, "n_serving", json_integer(n_serving));
    json_object_set_new(json, "load", load_to_json(&load));
    if (((const struct vmn_loadbalancer *) row)->client_limit.rate) {
        json_object_set_new(json, "limited", json_integer(load.limited));
    }
    if (one) {
        json_object_set(json, "backends", backends);
    }
    if (nb->load) {
        json_t *scale = load_monitor_status(nb->load, row->name);

        if (scale) {
            json_object_set_new(json, "scale", scale);
        }
    }
    nb_append_members(ds, json);
    json_decref(backends);
    free(loads);
    free(shares);
    free(members);
}
