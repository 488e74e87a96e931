/* SPDX-License-Identifier: Apache-2.0
 *
 * What users see of paths; see paths.h.  Changes nothing. */

#include <config.h>

#include "controller/paths/paths-private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"
#include "vmn/rows.h"

/* How old a list of hosts' ports may be, if there are newer revisions. */
#define PORTS_AGE_US (1000 * 1000)

/* Says why a path is down: which direction is broken, as far as is known. */
static void
describe_down(const struct path *path, struct paths_path *shown)
{
    const char *a = path->hosts[0]->name, *b = path->hosts[1]->name;
    bool forth = path->forth == DIRECTION_BROKEN;
    bool back = path->back == DIRECTION_BROKEN;

    if (forth && back) {
        snprintf(shown->reason, sizeof shown->reason,
                 "no probe passes, in either direction");
    } else if (forth || back) {
        snprintf(shown->reason, sizeof shown->reason,
                 "no probe from %s reaches %s", forth ? a : b, forth ? b : a);
    } else {
        snprintf(shown->reason, sizeof shown->reason, "no probe is answered");
    }
}

/* Returns what probes took, less what references of the same host took; -1: it
 * is not known.  Both are the least ones: what is above that is of the way to
 * the switch, and of who waits there, more often than between the hosts. */
static int64_t
latency_of(const struct path *path)
{
    const struct path_host *host = path->hosts[0];
    int64_t took_us = path_least_get(&path->window.took);
    int64_t reference_us = path_least_get(&host->reference);

    return (took_us >= 0 && reference_us >= 0
            ? MAX(took_us - reference_us, 0) : -1);
}

void
paths_describe(const struct path *path, struct paths_path *shown)
{
    const struct path_window *w = &path->window;
    bool swap = strcmp(path->hosts[0]->name, path->hosts[1]->name) > 0;

    *shown = (struct paths_path) {
        .host = path->hosts[swap]->name, .peer = path->hosts[!swap]->name,
        .state = path_window_state(w),
        .since_ms = path->since_ms, .checked_ms = path->checked_ms,
        .latency_us = latency_of(path),
        .mtu = path->mtu,
    };
    shown->of = path_window_count(w, &shown->lost);
    switch (shown->state) {
    case PATH_DOWN:
        describe_down(path, shown);
        break;
    case PATH_MTU:
        snprintf(shown->reason, sizeof shown->reason, "packets of %"PRIu32" "
                 "bytes, the MTU, are lost; small ones pass", path->mtu);
        break;
    case PATH_LOSSY:
        snprintf(shown->reason, sizeof shown->reason, "%u of the last %u "
                 "probes were lost", shown->lost, shown->of);
        break;
    case PATH_UNKNOWN:
    case PATH_UP:
    case PATH_N_STATES:
    default:
        break;
    }
}

const char *
paths_problem(const struct paths *p)
{
    return p->vni ? NULL : p->problem;
}

void
paths_each(const struct paths *p, const char *host, paths_each_cb *cb,
           void *aux)
{
    struct paths_path shown;
    const struct path *path;

    if (host && !shash_find(&p->hosts, host)) {
        return;
    }
    HMAP_FOR_EACH (path, node, &p->pairs) {
        if (host && strcmp(path->hosts[0]->name, host)
            && strcmp(path->hosts[1]->name, host)) {
            continue;
        }
        paths_describe(path, &shown);
        if (!cb(aux, &shown)) {
            return;
        }
    }
}

bool
paths_between(const struct paths *p, const char *host, const char *peer,
              struct paths_path *shown)
{
    const struct path_host *a = shash_find_data(&p->hosts, host);
    const struct path_host *b = shash_find_data(&p->hosts, peer);
    const struct path *path = a && b ? host_pairs_find(p, a, b) : NULL;

    if (path) {
        paths_describe(path, shown);
    }
    return path != NULL;
}

/* Ports.  ----------------------------------------------------------------- */

/* The ports of a host. */
struct host_ports {
    struct svec names;          /* Sorted. */
    struct simap domains;       /* How many of them are enabled and in a
                                 * domain, by its key. */
};

/* Returns true if the host has a part in the domain. */
static bool
is_in_domain(const struct paths *p, const char *key, const char *host)
{
    const struct path_domain *domain = shash_find_data(&p->domains, key);
    size_t index = simap_get(&p->indexes, host);

    return domain && index && bitmap_is_set(domain->hosts, index - 1);
}

/* Returns the key of the port's domain; NULL: it is in none, or disabled. */
static const char *
domain_of_port(const struct paths *p, const char *name)
{
    const struct vmn_port *port = model_get_durable(p->model, VMN_TABLE_PORT,
                                                    name, NULL);

    return (port && port->enabled ? smap_get(&p->networks, port->network)
            : NULL);
}

bool
paths_concerns_port(const struct paths *p, const struct paths_path *path,
                    const char *port)
{
    const struct vmn_binding *binding = model_get_durable(
        p->model, VMN_TABLE_BINDING, port, NULL);
    const char *host = binding ? binding->host : NULL, *key;
    bool is_peers = host && !strcmp(host, path->peer);

    if (!host || (!is_peers && strcmp(host, path->host))) {
        return false;
    }
    key = domain_of_port(p, port);
    return key && is_in_domain(p, key, is_peers ? path->host : path->peer);
}

void
paths_forget_ports(struct paths *p)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &p->ports) {
        struct host_ports *ports = node->data;

        svec_destroy(&ports->names);
        simap_destroy(&ports->domains);
        free(ports);
        shash_delete(&p->ports, node);
    }
    p->ports_us = 0;
}

/* Lists the ports on each host with paths, unless that is known: it takes a
 * look at each binding, and many paths may break at once. */
static void
find_ports(struct paths *p)
{
    uint64_t revision = model_durable_revision(p->model);
    const struct vmn_binding *binding = NULL;
    int64_t now_us = time_usec();

    if (p->ports_us && (p->ports_revision == revision
                        || now_us - p->ports_us < PORTS_AGE_US)) {
        return;
    }
    paths_forget_ports(p);
    p->ports_us = now_us;
    p->ports_revision = revision;
    while ((binding = model_next_durable(
                p->model, VMN_TABLE_BINDING,
                binding ? binding->row.name : "", NULL))) {
        struct host_ports *ports;
        const char *key;

        if (!binding->host || !shash_find(&p->hosts, binding->host)) {
            continue;
        }
        ports = shash_find_data(&p->ports, binding->host);
        if (!ports) {
            ports = xmalloc(sizeof *ports);
            svec_init(&ports->names);
            simap_init(&ports->domains);
            shash_add(&p->ports, binding->host, ports);
        }
        svec_add(&ports->names, binding->row.name);
        key = domain_of_port(p, binding->row.name);
        if (key) {
            simap_increase(&ports->domains, key, 1);
        }
    }
}

uint64_t
paths_count_ports(struct paths *p, const struct paths_path *path)
{
    uint64_t n = 0;

    find_ports(p);
    for (int i = 0; i < 2; i++) {
        const struct host_ports *ports = shash_find_data(
            &p->ports, i ? path->peer : path->host);
        const struct simap_node *node;

        if (!ports) {
            continue;
        }
        SIMAP_FOR_EACH (node, &ports->domains) {
            if (is_in_domain(p, node->name, i ? path->host : path->peer)) {
                n += node->data;
            }
        }
    }
    return n;
}

void
paths_each_port(struct paths *p, const struct paths_path *path,
                paths_port_cb *cb, void *aux)
{
    static const struct svec none = SVEC_EMPTY_INITIALIZER;
    const struct svec *lists[2];
    size_t at[2] = { 0, 0 };

    find_ports(p);
    for (int i = 0; i < 2; i++) {
        const struct host_ports *ports = shash_find_data(
            &p->ports, i ? path->peer : path->host);

        lists[i] = ports ? &ports->names : &none;
    }
    while (at[0] < lists[0]->n || at[1] < lists[1]->n) {
        int i = (at[0] >= lists[0]->n
                 || (at[1] < lists[1]->n
                     && strcmp(lists[0]->names[at[0]],
                               lists[1]->names[at[1]]) > 0));
        const char *port = lists[i]->names[at[i]++];

        if (paths_concerns_port(p, path, port) && !cb(aux, port)) {
            return;
        }
    }
}

/* Statistics.  ------------------------------------------------------------ */

void
paths_get_stats(const struct paths *p, struct paths_stats *stats)
{
    const struct path *path;

    *stats = p->stats;
    stats->latency_us = -1;
    stats->interval_us = path_turns_interval_us(p->n_turns);
    HMAP_FOR_EACH (path, node, &p->pairs) {
        stats->n[path_window_state(&path->window)]++;
        stats->latency_us = MAX(stats->latency_us, latency_of(path));
    }
}

void
paths_each_bad_host(const struct paths *p, paths_host_cb *cb, void *aux)
{
    const struct shash_node *node, **nodes;
    size_t n = shash_count(&p->hosts);
    const struct path *path;

    SHASH_FOR_EACH (node, &p->hosts) {
        struct path_host *host = node->data;

        host->n_bad = 0;
    }
    HMAP_FOR_EACH (path, node, &p->pairs) {
        if (path_window_state(&path->window) > PATH_UP) {
            path->hosts[0]->n_bad++;
            path->hosts[1]->n_bad++;
        }
    }
    nodes = shash_sort(&p->hosts);
    for (size_t i = 0; i < n; i++) {
        const struct path_host *host = nodes[i]->data;

        if (host->n_bad) {
            cb(aux, host->name, host->n_bad);
        }
    }
    free(nodes);
}

/* For developers.  -------------------------------------------------------- */

static void
show_path(const struct path *path, struct ds *ds)
{
    struct paths_path shown;

    paths_describe(path, &shown);
    ds_put_format(ds, "%s %s: %s, latency %"PRId64" us, lost %u of %u, "
                  "MTU %"PRIu32"%s%s", shown.host, shown.peer,
                  path_state_names[shown.state], shown.latency_us, shown.lost,
                  shown.of, shown.mtu, shown.reason[0] ? ": " : "",
                  shown.reason);
    ds_put_char(ds, '\n');
}

static void
paths_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
           const char *argv[] OVS_UNUSED, void *p_)
{
    const struct paths *p = p_;
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct path *path;
    struct paths_stats stats;

    paths_get_stats(p, &stats);
    ds_put_format(&ds, "VNI %"PRIu32", %"PRIuSIZE" hosts with turns, one each "
                  "%"PRId64" ms; probes: %"PRIu64" answered, %"PRIu64" lost, "
                  "%"PRIu64" unproven; %"PRIu64" frames ignored\n", p->vni,
                  p->n_turns, stats.interval_us / 1000, stats.n_answered,
                  stats.n_lost, stats.n_unproven, stats.n_ignored);
    HMAP_FOR_EACH (path, node, &p->pairs) {
        show_path(path, &ds);
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
paths_unixctl_init(struct paths *p)
{
    unixctl_command_register("paths/show", "", 0, 0, paths_show, p);
}
