/* SPDX-License-Identifier: Apache-2.0
 *
 * See paths-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <event2/event.h>

#include "controller/commit/commit.h"
#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "controller/paths/paths-private.h"
#include "openvswitch/list.h"
#include "tests/unit/paths-fixture.h"
#include "util.h"
#include "vmn/app.h"
#include "vmn/rows.h"
#include "vmn/vocabulary.h"

/* What a switch was sent, and what comes of it. */
struct frame {
    struct ovs_list node;
    size_t at;                  /* The host where it comes up. */
    bool is_reference;
    uint8_t bytes[VMN_PATH_FRAME_MIN];
};

struct fake_host hosts[HOSTS_MAX];
size_t n_hosts;
struct fake_network networks[NETWORKS_MAX];
static size_t n_networks;
struct vmn_names domain_hosts;
bool lost[HOSTS_MAX][HOSTS_MAX];
size_t lost_from;
uint32_t vni;
uint64_t revision;
int64_t now_us;
static struct ovs_list held = OVS_LIST_INITIALIZER(&held);
static fabric_sink_cb *sink;
static void *sink_aux;
unsigned n_references, n_requests;
unsigned n_directions[HOSTS_MAX];
bool takes_none;
unsigned n_told;
enum path_state told_state;
static struct event_base *base;
struct paths *paths;

int64_t __wrap_time_usec(void);

int64_t
__wrap_time_usec(void)
{
    return now_us;
}

/* What paths asks for.  --------------------------------------------------- */

static struct fake_host *
find(const char *name)
{
    size_t i = (size_t) atoi(name + 1);

    return i < n_hosts ? &hosts[i] : NULL;
}

void
commit_add_watch(struct commit *c OVS_UNUSED, commit_sink_cb *cb OVS_UNUSED,
                 void *aux OVS_UNUSED)
{
}

void
commit_remove_watch(struct commit *c OVS_UNUSED, commit_sink_cb *cb OVS_UNUSED,
                    void *aux OVS_UNUSED)
{
}

void
commit_when_quiescent(struct commit *c OVS_UNUSED, void (*cb)(void *aux),
                      void *aux)
{
    paths = paths ? paths : aux;
    cb(aux);
}

void
commit_cancel_when_quiescent(struct commit *c OVS_UNUSED,
                             void (*cb)(void *aux) OVS_UNUSED,
                             void *aux OVS_UNUSED)
{
}

char *
engine_domain_of(struct engine *e OVS_UNUSED, const char *network)
{
    return xstrdup(network[0] == 'r' ? "@r" : network);
}

void *
engine_peek(struct engine *e OVS_UNUSED, const char *query OVS_UNUSED,
            const char *key OVS_UNUSED, size_t *size OVS_UNUSED)
{
    return NULL;
}

struct vmn_names
engine_relation_values(struct engine *e OVS_UNUSED, const char *relation,
                       const char *key)
{
    static const char *const wish[] = { "" };

    if (!strcmp(relation, VMN_REL_PATH_PROBES)) {
        return (struct vmn_names) { .names = wish, .n = 1 };
    } else if (!strcmp(relation, VMN_REL_DOMAIN_HOSTS)) {
        return domain_hosts;
    }
    for (size_t i = 0; i < n_networks; i++) {
        if (!strcmp(networks[i].row.row.name, key)) {
            return (struct vmn_names) { .names = networks[i].hosts,
                                        .n = networks[i].n };
        }
    }
    return (struct vmn_names) { .n = 0 };
}

void
fabric_add_watch(struct fabric *f OVS_UNUSED,
                 const struct fabric_watch *w OVS_UNUSED, void *aux OVS_UNUSED)
{
}

void
fabric_remove_watch(struct fabric *f OVS_UNUSED,
                    const struct fabric_watch *w OVS_UNUSED,
                    void *aux OVS_UNUSED)
{
}

uint64_t
fabric_host_acked(const struct fabric *f OVS_UNUSED, const char *host)
{
    return find(host)->acked;
}

bool
fabric_host_is_connected(const struct fabric *f OVS_UNUSED, const char *host)
{
    return !find(host)->offline;
}

bool
fabric_host_is_live(const struct fabric *f OVS_UNUSED, const char *host)
{
    return !find(host)->offline && !find(host)->reconciles;
}

bool
fabric_host_answered_since(const struct fabric *f OVS_UNUSED, const char *host,
                           int64_t since_us)
{
    return find(host)->answered_us >= since_us;
}

void
fabric_probe_host(struct fabric *f OVS_UNUSED, const char *host)
{
    if (!find(host)->mute) {
        find(host)->answered_us = now_us;
    }
}

unsigned
fabric_packet_port_rate(const struct fabric *f OVS_UNUSED)
{
    return 0;
}

void
fabric_set_path_sink(struct fabric *f OVS_UNUSED, fabric_sink_cb *cb,
                     void *aux)
{
    sink = cb;
    sink_aux = aux;
}

/* Which way it goes is seen at once, and when it comes back with deliver(). */
bool
fabric_send_to_host(struct fabric *f OVS_UNUSED, const char *host,
                    uint32_t of_vni, uint32_t number, const void *bytes_,
                    size_t size)
{
    static const struct vmn_mac request = VMN_PATH_MAC_REQUEST;
    static const struct vmn_mac reply = VMN_PATH_MAC_REPLY;
    const uint8_t *bytes = bytes_;
    size_t from = find(host) - hosts, to = number - 1;
    bool is_request = !memcmp(bytes, &request, 6);
    struct frame *frame;

    assert_int_equal(of_vni, vni);
    n_references += !number;
    n_requests += number && is_request;
    if (number && (lost[from][to] || (is_request && lost[to][from])
                   || (lost_from && size >= lost_from))) {
        return true;
    }
    frame = xzalloc(sizeof *frame);
    frame->at = number && !is_request ? to : from;
    frame->is_reference = !number;
    n_directions[frame->at] += number && !is_request;
    memcpy(frame->bytes, bytes, sizeof frame->bytes);
    memcpy(frame->bytes, &reply, 6);
    ovs_list_push_back(&held, &frame->node);
    return true;
}

uint32_t
id_pools_peek(const struct id_pools *pools OVS_UNUSED, const char *pool,
              const char *key)
{
    return (!strcmp(pool, VMN_ID_POOL_VNI) ? vni
            : (uint32_t) (find(key) - hosts) + 1);
}

struct id_pools *
model_id_pools(struct model *m OVS_UNUSED)
{
    return NULL;
}

uint64_t
model_durable_revision(const struct model *m OVS_UNUSED)
{
    return revision;
}

const void *
model_get_durable(const struct model *m OVS_UNUSED,
                  enum vmn_table table OVS_UNUSED, const char *name OVS_UNUSED,
                  struct model_meta *meta OVS_UNUSED)
{
    return NULL;
}

const void *
model_next_durable(const struct model *m OVS_UNUSED, enum vmn_table table,
                   const char *after, struct model_meta *meta OVS_UNUSED)
{
    if (table == VMN_TABLE_HOST) {
        for (size_t i = 0; i < n_hosts; i++) {
            if (strcmp(hosts[i].name, after) > 0) {
                return &hosts[i].row;
            }
        }
    } else if (table == VMN_TABLE_NETWORK) {
        for (size_t i = 0; i < n_networks; i++) {
            if (strcmp(networks[i].row.row.name, after) > 0) {
                return &networks[i].row;
            }
        }
    }
    return NULL;
}

/* A world.  --------------------------------------------------------------- */

void
add_hosts(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct fake_host *host = &hosts[n_hosts++];

        snprintf(host->name, sizeof host->name, "h%03u", (unsigned) i);
        host->row.row.name = host->name;
        host->acked = revision;
    }
}

void
add_network(const char *name, uint32_t mtu, size_t first, size_t last)
{
    networks[n_networks].row = (struct vmn_network) {
        .row.name = name, .vni = 1000 + n_networks, .mtu = mtu,
    };
    networks[n_networks].n = last - first + 1;
    for (size_t i = first; i <= last; i++) {
        networks[n_networks].hosts[i - first] = hosts[i].name;
    }
    n_networks++;
}

static bool
watch_cb(void *aux OVS_UNUSED, const struct paths_path *path)
{
    if (takes_none && path->state > PATH_UP) {
        return false;
    }
    n_told++;
    told_state = path->state;
    return true;
}

void
begin(void)
{
    paths_create(base, NULL, NULL, NULL, NULL);
    paths_set_watch(paths, watch_cb, NULL);
}

int
setup(void **state OVS_UNUSED)
{
    memset(hosts, 0, sizeof hosts);
    memset(lost, 0, sizeof lost);
    n_hosts = n_networks = 0;
    lost_from = n_references = n_requests = n_told = 0;
    memset(n_directions, 0, sizeof n_directions);
    takes_none = false;
    domain_hosts.n = 0;
    vni = 77;
    revision = 5;
    now_us = INT64_C(1000000000);
    paths = NULL;
    base = event_base_new();
    return 0;
}

void
drop_held(void)
{
    struct frame *frame;

    LIST_FOR_EACH_POP (frame, node, &held) {
        free(frame);
    }
}

int
teardown(void **state OVS_UNUSED)
{
    drop_held();
    paths_destroy(paths);
    event_base_free(base);
    return 0;
}

void
fire(struct event *timer)
{
    event_active(timer, EV_TIMEOUT, 0);
    event_base_loop(base, EVLOOP_NONBLOCK);
}

void
refresh(void)
{
    do {
        fire(paths->refresh_timer);
    } while (paths->finding);
}

void
deliver(bool references)
{
    struct frame *frame, *next;

    LIST_FOR_EACH_SAFE (frame, next, node, &held) {
        if (!hosts[frame->at].stalled
            && (!references || frame->is_reference)) {
            ovs_list_remove(&frame->node);
            sink(sink_aux, hosts[frame->at].name, 0, frame->bytes,
                 sizeof frame->bytes);
            free(frame);
        }
    }
}

void
take_turns(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        for (size_t k = 0; k < paths->n_turns; k++) {
            now_us += path_turns_interval_us(paths->n_turns) / paths->n_turns;
            fire(paths->turn_timer);
            now_us += 100;
            deliver(false);
        }
    }
}

struct wanted {
    const char *host, *peer;
    struct paths_path found;
    unsigned n;
};

static bool
find_cb(void *wanted_, const struct paths_path *path)
{
    struct wanted *wanted = wanted_;

    if (!strcmp(path->host, wanted->host)
        && !strcmp(path->peer, wanted->peer)) {
        wanted->found = *path;
        wanted->n++;
    }
    return true;
}

struct paths_path
get(const char *host, const char *peer)
{
    struct wanted wanted = { .host = host, .peer = peer };

    paths_each(paths, NULL, find_cb, &wanted);
    assert_int_equal(wanted.n, 1);
    return wanted.found;
}

struct paths_stats
stats(void)
{
    struct paths_stats s;

    paths_get_stats(paths, &s);
    return s;
}
