/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads learned connections; see learned-connections.h. */

#include <config.h>

#include "controller/fabric/packets/learned-connections.h"

#include <event2/event.h>
#include <stdlib.h>

#include "controller/fabric/fabric-learned-connections.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/host-openflow-state.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/learn-connection.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-flow.h"
#include "proto/openflow/ofdump.h"
#include "timeval.h"
#include "util.h"
#include "vmn/flow.h"

/* Seconds by which a connection may be older than requested: ages are the
 * switch's, by its own clock. */
#define SLACK_S 2
/* Maximum number of learned connections that are kept per host: those of some
 * units in a network.  More are skipped; more than twice as many are an
 * error. */
#define HOST_CONNECTIONS_MAX (4 * VMN_CONNECTIONS_MAX)

/* A host that is being read. */
struct source {
    struct ovs_list node;       /* In its switch's sources, while 'dump'. */
    struct fabric_connections_reading *reading;
    struct fabric_switch *sw;   /* While 'dump'. */
    struct ofdump *dump;        /* NULL: it is done. */
    size_t index;               /* Index in the reading's 'hosts'. */
};

struct fabric_connections_reading {
    struct event *timer;        /* The time-out, or the completion. */
    fabric_connections_cb *cb;
    void *aux;
    int64_t age_s;              /* Older ones are skipped. */
    size_t n_pending;
    struct source *sources;     /* For each host. */
    struct fabric_connections result;
    size_t allocated_connections, allocated_where;
    struct learned_connection *connections;
    uint32_t *where;
};

/* The part's state of a switch: struct source. */
static struct ovs_list *
sources_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &learned_connections_part);
}

/* Completion is reported from the loop, and never from inside a caller's
 * function. */
static void
end_soon(struct fabric_connections_reading *r)
{
    static const struct timeval at_once = { 0, 0 };

    event_add(r->timer, &at_once);
}

/* Ends the reading of a source; 'missing' is why it did not reply, or NULL. */
static void
source_end(struct source *s, const char *missing)
{
    struct fabric_connections_host *host = &s->reading->result.hosts[s->index];

    free(CONST_CAST(char *, host->missing));
    host->missing = nullable_xstrdup(missing);
    if (s->dump) {
        ovs_list_remove(&s->node);
        ofdump_destroy(s->dump);
        s->dump = NULL;
    }
    if (!--s->reading->n_pending) {
        end_soon(s->reading);
    }
}

static void
flow_cb(void *s_, const struct ofputil_flow_stats *fs,
        const void *instructions OVS_UNUSED,
        size_t instructions_size OVS_UNUSED)
{
    struct source *s = s_;
    struct fabric_connections_reading *r = s->reading;
    struct fabric_connections_host *host = &r->result.hosts[s->index];
    size_t n = r->result.n_connections;
    struct learned_connection connection;

    /* Those that are too old count as well. */
    host->full |= ++host->n >= VMN_CONNECTIONS_MAX;
    if (fs->table_id != CONNECTION_TABLE || fs->duration_sec > r->age_s
        || !learned_connection_parse(&fs->match, &connection)) {
        return;
    }
    /* A host that sends more than fits does not reduce the space of others. */
    if (n >= FABRIC_CONNECTIONS_MAX || host->n > HOST_CONNECTIONS_MAX) {
        host->full = true;
        return;
    }
    if (n >= r->allocated_connections) {
        r->connections = x2nrealloc(r->connections, &r->allocated_connections,
                              sizeof *r->connections);
    }
    if (n >= r->allocated_where) {
        r->where = x2nrealloc(r->where, &r->allocated_where,
                              sizeof *r->where);
    }
    r->connections[n] = connection;
    r->where[n] = s->index;
    r->result.n_connections++;
}

static void
done_cb(void *s_, const char *error)
{
    struct source *s = s_;
    bool too_much = ofdump_is_too_much(s->dump);
    struct fabric_switch *sw = s->sw;

    source_end(s, error);
    if (too_much) {
        switch_over_budget(sw, "its learned connections could not be read: "
                           OFDUMP_TOO_MUCH);
    }
}

static const struct ofdump_callbacks dump_callbacks = {
    .flow = flow_cb,
    .done = done_cb,
};

static void
source_begin(struct source *s, struct fabric *f, const struct match *match)
{
    const char *name = s->reading->result.hosts[s->index].name;
    struct fabric_host *host = fabric_find_host(f, name);
    struct fabric_switch *sw = host ? host->sw : NULL;
    const char *reason;

    if (!sw) {
        source_end(s, "there is no such host");
    } else if (!sw->conn) {
        host_openflow_state_name(sw, &reason);
        source_end(s, reason);
    } else {
        struct ofdump_budget budget
            = switch_budget_of_table(sw, HOST_CONNECTIONS_MAX);

        switch_expect(sw);
        s->sw = sw;
        s->dump = ofdump_create_table(sw->conn, &budget, CONNECTION_TABLE,
                                      match, &dump_callbacks, s);
        ovs_list_push_back(sources_of(sw), &s->node);
    }
}

static void
reading_destroy(struct fabric_connections_reading *r)
{
    for (size_t i = 0; i < r->result.n_hosts; i++) {
        free(CONST_CAST(char *, r->result.hosts[i].name));
        free(CONST_CAST(char *, r->result.hosts[i].missing));
    }
    event_free(r->timer);
    free(r->result.hosts);
    free(r->sources);
    free(r->connections);
    free(r->where);
    free(r);
}

static void
stop(struct fabric_connections_reading *r, const char *reason)
{
    for (size_t i = 0; i < r->result.n_hosts; i++) {
        if (r->sources[i].dump) {
            source_end(&r->sources[i], reason);
        }
    }
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *r_)
{
    struct fabric_connections_reading *r = r_;

    stop(r, "its switch has not answered in time");
    event_del(r->timer);
    r->result.connections = r->connections;
    r->result.where = r->where;
    r->cb(r->aux, &r->result);
    reading_destroy(r);
}

struct fabric_connections_reading *
fabric_read_connections(struct fabric *f, uint32_t vni,
                        const struct vmn_names *hosts, int64_t since_ms,
                        fabric_connections_cb *cb, void *aux)
{
    static const struct timeval timeout = {
        FABRIC_CONNECTIONS_TIMEOUT_MS / 1000, 0
    };
    struct fabric_connections_reading *r = xzalloc(sizeof *r);
    struct match match;

    match_init_catchall(&match);
    match_set_reg(&match, 0, vni);
    r->cb = cb;
    r->aux = aux;
    r->age_s = MAX(0, time_wall_msec() - since_ms) / 1000 + SLACK_S;
    r->timer = event_new(f->base, -1, 0, timer_cb, r);
    event_add(r->timer, &timeout);
    r->result.n_hosts = hosts->n;
    r->result.hosts = xcalloc(MAX(1, hosts->n), sizeof *r->result.hosts);
    r->sources = xcalloc(MAX(1, hosts->n), sizeof *r->sources);
    r->n_pending = hosts->n + 1;    /* Keeps the reading from ending before all
                                     * have started. */
    for (size_t i = 0; i < hosts->n; i++) {
        r->result.hosts[i].name = xstrdup(hosts->names[i]);
        r->sources[i].reading = r;
        r->sources[i].index = i;
        source_begin(&r->sources[i], f, &match);
    }
    if (!--r->n_pending) {
        end_soon(r);
    }
    return r;
}

void
fabric_connections_cancel(struct fabric_connections_reading *r)
{
    if (r) {
        stop(r, "");
        reading_destroy(r);
    }
}

/* As a part of the session.  --------------------------------------------- */

static void
init(struct fabric_switch *sw OVS_UNUSED, void *sources)
{
    ovs_list_init(sources);
}

static void
disconnected(struct fabric_switch *sw OVS_UNUSED, void *sources_)
{
    struct ovs_list *sources = sources_;
    struct source *s, *next;

    LIST_FOR_EACH_SAFE (s, next, node, sources) {
        source_end(s, "its switch has disconnected");
    }
}

static enum switch_message
message(struct fabric_switch *sw OVS_UNUSED, void *sources_,
        enum ofptype type, const struct ofp_header *oh)
{
    struct ovs_list *sources = sources_;
    struct source *s;

    LIST_FOR_EACH (s, node, sources) {
        if (ofdump_message(s->dump, type, oh)) {
            return SWITCH_MESSAGE_ANSWER;
        }
    }
    return SWITCH_MESSAGE_OTHER;
}

static bool
is_owed(const struct fabric_switch *sw OVS_UNUSED, const void *sources)
{
    return !ovs_list_is_empty(sources);
}

const struct switch_part_class learned_connections_part = {
    .name = "learned connections",
    .state_size = sizeof(struct ovs_list),
    .init = init,
    .disconnected = disconnected,
    .message = message,
    .is_owed = is_owed,
};
