/* SPDX-License-Identifier: Apache-2.0
 *
 * Which paths there are, and what is concluded from what comes back of their
 * probes: hosts, switches and time are the test's. */

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
#include "util.h"
#include "vmn/app.h"
#include "vmn/rows.h"
#include "vmn/vocabulary.h"

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

#define HOSTS_MAX 400
#define NETWORKS_MAX 4

struct fake_host {
    struct vmn_host row;
    char name[8];
    uint64_t acked;
    bool offline, reconciles;
    bool mute;                  /* Answers no echo. */
    bool stalled;               /* Nothing that it has to say comes. */
    int64_t answered_us;
};

/* What a switch was sent, and what comes of it. */
struct frame {
    struct ovs_list node;
    size_t at;                  /* The host where it comes up. */
    bool is_reference;
    uint8_t bytes[VMN_PATH_FRAME_MIN];
};

static struct fake_host hosts[HOSTS_MAX];
static size_t n_hosts;
/* In the order of their names.  Networks of a domain have the same letter
 * first; those that begin with "r" are joined by a router. */
static struct {
    struct vmn_network row;
    size_t n;
    const char *hosts[HOSTS_MAX];
} networks[NETWORKS_MAX];
static size_t n_networks;
static struct vmn_names domain_hosts; /* Of the routed one. */
static bool lost[HOSTS_MAX][HOSTS_MAX]; /* From one to another. */
static size_t lost_from;        /* Frames that are larger are lost, if any. */
static uint32_t vni;
static uint64_t revision;
static int64_t now_us;
static struct ovs_list held = OVS_LIST_INITIALIZER(&held);
static fabric_sink_cb *sink;
static void *sink_aux;
static unsigned n_references;
static bool takes_none;         /* The watch. */
static unsigned n_told;
static enum path_state told_state;
static struct event_base *base;
static struct paths *paths;

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
    if (number && (lost[from][to] || (is_request && lost[to][from])
                   || (lost_from && size >= lost_from))) {
        return true;
    }
    frame = xzalloc(sizeof *frame);
    frame->at = number && !is_request ? to : from;
    frame->is_reference = !number;
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

static void
add_hosts(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct fake_host *host = &hosts[n_hosts++];

        snprintf(host->name, sizeof host->name, "h%03u", (unsigned) i);
        host->row.row.name = host->name;
        host->acked = revision;
    }
}

/* Adds a network of hosts 'first' to 'last'. */
static void
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

static void
begin(void)
{
    paths_create(base, NULL, NULL, NULL, NULL);
    paths_set_watch(paths, watch_cb, NULL);
}

static int
setup(void **state OVS_UNUSED)
{
    memset(hosts, 0, sizeof hosts);
    memset(lost, 0, sizeof lost);
    n_hosts = n_networks = 0;
    lost_from = n_references = n_told = 0;
    takes_none = false;
    domain_hosts.n = 0;
    vni = 77;
    revision = 5;
    now_us = INT64_C(1000000000);
    paths = NULL;
    base = event_base_new();
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    struct frame *frame;

    LIST_FOR_EACH_POP (frame, node, &held) {
        free(frame);
    }
    paths_destroy(paths);
    event_base_free(base);
    return 0;
}

static void
fire(struct event *timer)
{
    event_active(timer, EV_TIMEOUT, 0);
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
refresh(void)
{
    do {
        fire(paths->refresh_timer);
    } while (paths->finding);
}

/* Has what hosts that are not stalled have to say come up: references alone,
 * or all. */
static void
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

/* Each host has so many turns, of a second.  What it says comes at once. */
static void
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

static struct paths_path
get(const char *host, const char *peer)
{
    struct wanted wanted = { .host = host, .peer = peer };

    paths_each(paths, NULL, find_cb, &wanted);
    assert_int_equal(wanted.n, 1);
    return wanted.found;
}

static struct paths_stats
stats(void)
{
    struct paths_stats s;

    paths_get_stats(paths, &s);
    return s;
}

/* Measuring.  ------------------------------------------------------------- */

static void
begin_with_two(void)
{
    add_hosts(2);
    add_network("net", 1500, 0, 1);
    begin();
    take_turns(40);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(n_told, 0);
}

static void
path_breaks_and_recovers(void **state OVS_UNUSED)
{
    begin_with_two();
    assert_int_equal(get("h000", "h001").latency_us, 0);
    lost[0][1] = true;
    take_turns(10);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    assert_string_equal(get("h000", "h001").reason,
                        "no probe from h000 reaches h001");
    assert_int_equal(n_told, 1);
    lost[0][1] = false;
    take_turns(10);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(n_told, 2);
    assert_int_equal(stats().n_unproven, 0);
}

/* That frames of a direction do not come is no matter of the path while the
 * one who was to hand them up does not answer. */
static void
silent_host_has_no_broken_direction(void **state OVS_UNUSED)
{
    begin_with_two();
    hosts[0].mute = hosts[1].mute = true;
    hosts[0].answered_us = hosts[1].answered_us = now_us;
    lost[0][1] = lost[1][0] = true;
    take_turns(10);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    assert_string_equal(get("h000", "h001").reason, "no probe is answered");
    hosts[0].mute = hosts[1].mute = false;
    take_turns(10);
    assert_string_equal(get("h000", "h001").reason,
                        "no probe passes, in either direction");
}

/* The link to all hosts stands still for three seconds, again and again: what
 * was sent goes on all at once, so the references are back before what went by
 * the other host. */
static void
stalled_link_is_no_loss(void **state OVS_UNUSED)
{
    begin_with_two();
    for (unsigned i = 0; i < 10; i++) {
        hosts[0].stalled = hosts[1].stalled = true;
        take_turns(3);
        hosts[0].stalled = hosts[1].stalled = false;
        deliver(true);
        deliver(false);
        take_turns(1);
    }
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(get("h000", "h001").lost, 0);
    assert_true(stats().n_unproven > 0);
    assert_int_equal(stats().n_lost, 0);
    assert_int_equal(n_told, 0);
}

static void
host_that_is_reconciled_is_not_probed(void **state OVS_UNUSED)
{
    begin_with_two();
    hosts[0].reconciles = true;
    lost[0][1] = lost[1][0] = true;
    take_turns(10);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(get("h000", "h001").lost, 0);
}

static void
what_is_not_proven_for_long_is_unknown(void **state OVS_UNUSED)
{
    begin_with_two();
    lost[0][1] = true;
    take_turns(10);
    assert_int_equal(n_told, 1);
    hosts[0].stalled = hosts[1].stalled = true;
    take_turns(20);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    take_turns(100);
    assert_int_equal(get("h000", "h001").state, PATH_UNKNOWN);
    assert_int_equal(n_told, 2);
    assert_int_equal(told_state, PATH_UNKNOWN);
    hosts[0].stalled = hosts[1].stalled = false;
    take_turns(20);
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    assert_int_equal(n_told, 3);
}

static void
host_has_one_turn_at_a_time(void **state OVS_UNUSED)
{
    unsigned before;

    begin_with_two();
    before = n_references;
    for (unsigned i = 0; i < 5; i++) {
        now_us += 1000;
        fire(paths->turn_timer);
    }
    assert_int_equal(n_references, before);
    take_turns(1);
    assert_int_equal(n_references, before + 1);
}

static void
what_is_not_taken_is_told_later(void **state OVS_UNUSED)
{
    begin_with_two();
    takes_none = true;
    lost[0][1] = true;
    take_turns(10);
    assert_int_equal(n_told, 0);

    /* It never was, for who is told. */
    lost[0][1] = false;
    take_turns(10);
    assert_int_equal(n_told, 0);

    lost[0][1] = true;
    take_turns(20);
    takes_none = false;
    take_turns(3);
    assert_int_equal(n_told, 1);
    assert_int_equal(told_state, PATH_DOWN);

    /* The path goes. */
    hosts[1].offline = true;
    refresh();
    assert_int_equal(n_told, 2);
    assert_int_equal(told_state, PATH_UNKNOWN);
    assert_int_equal(stats().n[PATH_DOWN], 0);
}

/* Pairs.  ----------------------------------------------------------------- */

static size_t
n_paths(void)
{
    return hmap_count(&paths->pairs);
}

static void
pairs_wait_for_their_flows(void **state OVS_UNUSED)
{
    add_hosts(2);
    add_network("net", 1500, 0, 1);
    hosts[0].acked = revision - 1;
    begin();
    assert_int_equal(n_paths(), 0);
    hosts[0].acked = revision;
    hosts[1].reconciles = true;
    refresh();
    assert_int_equal(n_paths(), 0);
    hosts[1].reconciles = false;
    revision++;
    refresh();
    assert_int_equal(n_paths(), 1);
    /* Later revisions do not matter. */
    revision++;
    refresh();
    assert_int_equal(n_paths(), 1);
    assert_false(paths->waits);
}

static void
mtu_is_of_what_both_have(void **state OVS_UNUSED)
{
    static const char *names[] = { "h000", "h001", "h002", "h003", "h004" };

    add_hosts(5);
    add_network("ra", 9000, 0, 1);
    add_network("rb", 1500, 2, 3);
    add_network("x", 1400, 1, 2);
    add_network("y", 1600, 1, 2);
    domain_hosts = (struct vmn_names) { .names = names, .n = 5 };
    begin();
    assert_int_equal(n_paths(), 10);
    assert_int_equal(get("h000", "h001").mtu, 9000);
    assert_int_equal(get("h002", "h003").mtu, 1500);
    assert_int_equal(get("h000", "h003").mtu, 1500);
    assert_int_equal(get("h001", "h002").mtu, 1600);
    /* A gateway, which has a part in no network. */
    assert_int_equal(get("h000", "h004").mtu, 1500);

    /* A large one that another two share concerns nobody else. */
    networks[0].n = 0;
    refresh();
    assert_int_equal(get("h000", "h003").mtu, 1500);
    assert_int_equal(get("h000", "h001").mtu, 1500);
}

static void
another_vni_begins_anew(void **state OVS_UNUSED)
{
    begin_with_two();
    vni = 78;
    refresh();
    assert_int_equal(n_paths(), 1);
    assert_int_equal(get("h000", "h001").state, PATH_UNKNOWN);
    assert_int_equal(get("h000", "h001").of, 0);
    take_turns(5);
    assert_int_equal(get("h000", "h001").state, PATH_UP);
}

/* Many hosts that share several networks: each pair is one, and counts once
 * among those that there is no room for. */
static void
paths_are_bounded(void **state OVS_UNUSED)
{
    const size_t n = HOSTS_MAX;

    add_hosts(n);
    add_network("a", 1500, 0, n - 1);
    add_network("b", 1500, 0, n - 1);
    add_network("c", 1500, 10, n - 1);
    begin();
    while (paths->finding) {
        refresh();
    }
    assert_int_equal(n_paths(), PATHS_MAX);
    assert_int_equal(stats().n_unmeasured, n * (n - 1) / 2 - PATHS_MAX);
    refresh();
    assert_int_equal(stats().n_unmeasured, n * (n - 1) / 2 - PATHS_MAX);

    networks[1].n = networks[2].n = 0;
    networks[0].n = 100;
    refresh();
    assert_int_equal(n_paths(), 100 * 99 / 2);
    assert_int_equal(stats().n_unmeasured, 0);
    assert_int_equal(shash_count(&paths->hosts), 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(path_breaks_and_recovers),
        T(silent_host_has_no_broken_direction),
        T(stalled_link_is_no_loss),
        T(host_that_is_reconciled_is_not_probed),
        T(what_is_not_proven_for_long_is_unknown),
        T(host_has_one_turn_at_a_time),
        T(what_is_not_taken_is_told_later),
        T(pairs_wait_for_their_flows),
        T(mtu_is_of_what_both_have),
        T(another_vni_begins_anew),
        T(paths_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
