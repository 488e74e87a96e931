/* SPDX-License-Identifier: Apache-2.0
 *
 * See addresses-seen.h.  Flows that match the port and an address, and let
 * through what they match, say when there was a packet last: those of the
 * first table that has any, where anti-spoofing is; what comes behind it
 * counts the same packets once more.  A switch is asked about one port after
 * the other: it looks through those of its flows that match an input port,
 * which takes it less than a reading of counters. */

#include <config.h>

#include "controller/fabric/session/addresses-seen.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-guests.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/audit.h"
#include "controller/fabric/session/switch-budget.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-flow.h"
#include "packets.h"
#include "proto/openflow/ofdump.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

/* Questions that wait, and answers that are kept, of a switch. */
#define WAITS_MAX 16
#define ANSWERS 4
/* How long an answer is kept: for whom it was read, and no longer. */
#define KEPT_MS 2000
/* Addresses of a port in an answer; flows that are read for it, of which a
 * port with machines behind it may have thousands; and bytes of more than that
 * which are passed over before the switch is given up. */
#define SEEN_MAX 256
#define FLOWS_MAX 16384
#define REST_MAX (16 * 1024 * 1024)

/* A port, by its number on the host as well: that may be another's next. */
struct seen_port {
    uint32_t ofport;            /* 0: none. */
    char name[VMN_NAME_LEN + 1];
};

struct seen_wait {
    struct seen_port port;
    fabric_looked_cb *cb;       /* NULL: nobody waits any more. */
    void *aux;
};

struct seen_answer {
    struct seen_port port;
    uint8_t table;              /* Of the flows. */
    int64_t read_ms;            /* time_msec(). */
    size_t n;
    struct status_seen *seen;   /* The latest first.  Owned. */
};

struct addresses_seen {
    struct ofdump *dump;        /* For the first that waits, or NULL. */
    struct ofdump_counts counts; /* Of the flow that is being read. */
    int64_t wall_ms;            /* When it was asked. */
    struct seen_answer reading;
    size_t n_waits;
    struct seen_wait waits[WAITS_MAX];
    bool ends;                  /* Its switch is gone. */
    size_t next;                /* Of 'answers'. */
    struct seen_answer answers[ANSWERS];
};

static struct addresses_seen *
state_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &addresses_seen_part);
}

static void
answer_clear(struct seen_answer *answer)
{
    free(answer->seen);
    memset(answer, 0, sizeof *answer);
}

/* Reading.  --------------------------------------------------------------- */

/* Sets '*ip' to the source that the flow matches.  Returns false if it matches
 * none. */
static bool
source_of(const struct match *match, struct vmn_ip *ip)
{
    const struct flow *flow = &match->flow, *mask = &match->wc.masks;
    uint16_t eth_type = ntohs(flow->dl_type);

    memset(ip, 0, sizeof *ip);
    if (eth_type == ETH_TYPE_IPV6
        && !ipv6_mask_is_any(&mask->ipv6_src)) {
        ip->family = 6;
        memcpy(ip->addr, &flow->ipv6_src, 16);
        return ipv6_addr_is_set(&flow->ipv6_src);
    }
    if ((eth_type == ETH_TYPE_IP || eth_type == ETH_TYPE_ARP)
        && mask->nw_src && flow->nw_src) {
        ip->family = 4;
        memcpy(ip->addr, &flow->nw_src, 4);
        return true;
    }
    return false;
}

static void
add_address(struct addresses_seen *as, const struct vmn_ip *ip)
{
    struct seen_answer *answer = &as->reading;
    int64_t last = as->wall_ms;
    struct status_seen *seen = NULL;

    if (as->counts.idle_s != UINT32_MAX) {
        last -= as->counts.idle_s * INT64_C(1000);
    }
    for (size_t i = 0; i < answer->n && !seen; i++) {
        seen = vmn_ip_equal(&answer->seen[i].ip, ip) ? &answer->seen[i] : NULL;
    }
    if (!seen) {
        if (answer->n >= SEEN_MAX) {
            return;
        }
        answer->seen = xrealloc(answer->seen,
                                (answer->n + 1) * sizeof *answer->seen);
        seen = &answer->seen[answer->n++];
        *seen = (struct status_seen) { .ip = *ip };
    }
    seen->last = MAX(seen->last, last);
    seen->packets += as->counts.packets;
}

static bool
raw_cb(void *as_, const struct ofdump_raw *raw)
{
    struct addresses_seen *as = as_;

    return !ofdump_get_counts(raw, &as->counts);
}

/* What drops lets nothing through: it says nothing of the guest. */
static void
flow_cb(void *as_, const struct ofputil_flow_stats *fs,
        const void *instructions OVS_UNUSED, size_t instructions_size)
{
    struct addresses_seen *as = as_;
    struct vmn_ip ip;

    if (!instructions_size || !source_of(&fs->match, &ip)
        || fs->table_id > as->reading.table) {
        return;
    }
    if (fs->table_id < as->reading.table) {
        as->reading.table = fs->table_id;
        as->reading.n = 0;
    }
    if (as->counts.packets) {
        add_address(as, &ip);
    }
}

static int
compare_seen(const void *a_, const void *b_)
{
    const struct status_seen *a = a_, *b = b_;
    int order = (a->last < b->last) - (a->last > b->last);

    return order ? order : memcmp(&a->ip, &b->ip, sizeof a->ip);
}

static bool
is_same_port(const struct seen_port *a, const struct seen_port *b)
{
    return a->ofport == b->ofport && !strcmp(a->name, b->name);
}

/* Ends the first question, and all others of the same port, or all: moves them
 * to 'ended', which has room for all, and returns how many. */
static size_t
take_ended(struct addresses_seen *as, bool all,
           struct seen_wait ended[WAITS_MAX])
{
    const struct seen_port port = as->waits[0].port;
    size_t n = 0, left = 0;

    ofdump_destroy(as->dump);
    as->dump = NULL;
    for (size_t i = 0; i < as->n_waits; i++) {
        if (all || is_same_port(&as->waits[i].port, &port)) {
            ended[n++] = as->waits[i];
        } else {
            as->waits[left++] = as->waits[i];
        }
    }
    as->n_waits = left;
    return n;
}

static void
call(const struct seen_wait *ended, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ended[i].cb) {
            ended[i].cb(ended[i].aux);
        }
    }
}

/* Switches say how many whole seconds ago a packet was the last: a reading of
 * the same packets keeps the time of the one before. */
static void
keep_times(const struct seen_answer *before, struct seen_answer *answer)
{
    for (size_t i = 0; i < before->n; i++) {
        for (size_t j = 0; j < answer->n; j++) {
            if (before->seen[i].packets == answer->seen[j].packets
                && vmn_ip_equal(&before->seen[i].ip, &answer->seen[j].ip)) {
                answer->seen[j].last = before->seen[i].last;
            }
        }
    }
}

static void
done_cb(void *as_, const char *error)
{
    struct addresses_seen *as = as_;
    struct seen_answer *answer = &as->answers[as->next];

    if (error) {
        answer_clear(&as->reading);
        return;
    }
    for (size_t i = 0; i < ANSWERS; i++) {
        if (is_same_port(&as->answers[i].port, &as->reading.port)) {
            keep_times(&as->answers[i], &as->reading);
        }
    }
    if (as->reading.n) {
        qsort(as->reading.seen, as->reading.n, sizeof *as->reading.seen,
              compare_seen);
    }
    as->reading.read_ms = time_msec();
    answer_clear(answer);
    *answer = as->reading;
    memset(&as->reading, 0, sizeof as->reading);
    as->next = (as->next + 1) % ANSWERS;
}

static const struct ofdump_callbacks callbacks = {
    .raw = raw_cb, .flow = flow_cb, .done = done_cb,
};

/* Asks for the first that waits. */
static void
ask(struct fabric_switch *sw, struct addresses_seen *as)
{
    struct ofdump_budget budget = switch_budget_of_table(sw, FLOWS_MAX);
    struct match match;

    match_init_catchall(&match);
    match_set_in_port(&match,
                      u16_to_ofp((uint16_t) as->waits[0].port.ofport));
    answer_clear(&as->reading);
    as->reading.port = as->waits[0].port;
    as->reading.table = UINT8_MAX;
    as->wall_ms = time_wall_msec();
    budget.rest = REST_MAX;
    switch_expect(sw);
    as->dump = ofdump_create_table(sw->conn, &budget, OFMSG_ALL_TABLES,
                                   &match, &callbacks, as);
}

/* For others.  ------------------------------------------------------------ */

static bool
is_readable(const struct fabric_switch *sw)
{
    return ((sw->state == SWITCH_LIVE || sw->state == SWITCH_OBSERVED)
            && !sw->bundles.frozen && !audit_is_running(sw));
}

/* Returns the switch of the host that the port is on, and its number there; or
 * NULL. */
static struct fabric_switch *
find_switch(const struct fabric *f, const char *port, uint32_t *ofport)
{
    const struct vmn_port *row = model_get_durable(f->model, VMN_TABLE_PORT,
                                                   port, NULL);
    const struct vmn_binding *binding = model_get_durable(
        f->model, VMN_TABLE_BINDING, port, NULL);
    const struct fabric_host *host
        = binding && binding->host ? fabric_find_host(f, binding->host) : NULL;
    const struct vmn_vif *vif;
    char *name;

    if (!row || !host) {
        return NULL;
    }
    name = xasprintf("%s/%s", binding->host, row->iface_id);
    vif = model_get_durable(f->model, VMN_TABLE_VIF, name, NULL);
    free(name);
    *ofport = vif ? vif->ofport : 0;
    return vif ? host->sw : NULL;
}

bool
fabric_look_at_port(struct fabric *f, const char *port, fabric_looked_cb *cb,
                    void *aux)
{
    struct seen_wait wait = { .cb = cb, .aux = aux };
    struct fabric_switch *sw = find_switch(f, port, &wait.port.ofport);
    struct addresses_seen *as;

    if (!sw || !is_readable(sw)) {
        return false;
    }
    as = state_of(sw);
    if (as->n_waits >= WAITS_MAX || as->ends) {
        return false;
    }
    ovs_strzcpy(wait.port.name, port, sizeof wait.port.name);
    as->waits[as->n_waits++] = wait;
    if (!as->dump) {
        ask(sw, as);
    }
    return true;
}

void
fabric_forget_port(struct fabric *f, fabric_looked_cb *cb, void *aux)
{
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct addresses_seen *as = state_of(host->sw);
        size_t left = 0;

        for (size_t i = 0; i < as->n_waits; i++) {
            struct seen_wait wait = as->waits[i];

            if (wait.cb == cb && wait.aux == aux) {
                wait.cb = NULL;
            }
            /* The switch answers the first one in any case. */
            if (wait.cb || !i) {
                as->waits[left++] = wait;
            }
        }
        as->n_waits = left;
    }
}

void
addresses_seen_put(const struct fabric_host *host, const char *port,
                   uint32_t ofport, struct arena *arena,
                   struct status_port *status)
{
    const struct addresses_seen *as = host ? state_of(host->sw) : NULL;

    for (size_t i = 0; as && i < ANSWERS; i++) {
        /* The newest one first. */
        const struct seen_answer *answer
            = &as->answers[(as->next + ANSWERS - 1 - i) % ANSWERS];

        if (answer->port.ofport == ofport && ofport
            && !strcmp(answer->port.name, port)
            && time_msec() - answer->read_ms <= KEPT_MS) {
            status->n_seen = answer->n;
            status->seen = arena_alloc(arena,
                                       answer->n * sizeof *answer->seen);
            if (answer->n) {
                memcpy(status->seen, answer->seen,
                       answer->n * sizeof *answer->seen);
            }
            return;
        }
    }
}

/* As a part of the session.  --------------------------------------------- */

static enum switch_message
message(struct fabric_switch *sw, void *as_, enum ofptype type,
        const struct ofp_header *oh)
{
    struct addresses_seen *as = as_;
    struct seen_wait ended[WAITS_MAX];
    bool endless;
    size_t n;

    if (!as->dump || !ofdump_message(as->dump, type, oh)) {
        return SWITCH_MESSAGE_OTHER;
    }
    if (as->reading.port.ofport) {
        return SWITCH_MESSAGE_ANSWER; /* done_cb() was not called yet. */
    }
    endless = ofdump_is_too_much(as->dump) && !ofdump_is_whole(as->dump);
    n = take_ended(as, false, ended);
    if (endless) {
        switch_over_budget(sw, "the flows of a port could not be read: "
                           OFDUMP_TOO_MUCH);
    } else if (as->n_waits) {
        ask(sw, as);
    }
    call(ended, n);
    return SWITCH_MESSAGE_ANSWER;
}

static bool
is_owed(const struct fabric_switch *sw OVS_UNUSED, const void *as_)
{
    const struct addresses_seen *as = as_;

    return as->dump != NULL;
}

static void
disconnected(struct fabric_switch *sw OVS_UNUSED, void *as_)
{
    struct addresses_seen *as = as_;
    struct seen_wait ended[WAITS_MAX];
    size_t n = take_ended(as, true, ended);

    answer_clear(&as->reading);
    for (size_t i = 0; i < ANSWERS; i++) {
        answer_clear(&as->answers[i]); /* Numbers may be others' next time. */
    }
    as->ends = true;            /* Who is called may ask again. */
    call(ended, n);
    as->ends = false;
}

const struct switch_part_class addresses_seen_part = {
    .name = "addresses seen",
    .state_size = sizeof(struct addresses_seen),
    .disconnected = disconnected,
    .message = message,
    .is_owed = is_owed,
};
