/* SPDX-License-Identifier: Apache-2.0
 *
 * A switch for tests of the fabric: speaks OpenFlow 1.5 over a unix socket,
 * keeps flows and groups, knows bundles and dumps as Open vSwitch does them,
 * and misbehaves when told to.  Not a datapath. */

#ifndef TESTS_UNIT_FAKE_SWITCH_H
#define TESTS_UNIT_FAKE_SWITCH_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/packets/packet-in-meters.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "openvswitch/ofp-ct.h"
#include "openvswitch/ofpbuf.h"

struct fake_flow {
    struct ovs_list node;
    struct ofpbuf *mod;         /* The flow_mod that added it. */
    uint8_t table;
    uint16_t priority;
    uint32_t hash;              /* Of its match. */
    uint64_t cookie;
    unsigned age;               /* Number of the commit that added it. */
    uint64_t packets, bytes;    /* As the test says; they outlive a flow mod
                                 * that replaces it. */
    int64_t created_ms;         /* The same, time_msec(), but that it is not
                                 * known of a new one: 0. */
};

struct fake_group {
    struct ovs_list node;
    struct ofpbuf *mod;
    uint32_t id;
    uint64_t packets[4];        /* Of its first buckets: what it tells, with
                                 * 100 bytes each.  0 when it is replaced. */
};

/* A copy of all flows and groups. */
struct fake_tables {
    struct ovs_list flows, groups;
};

struct fake_limit {
    uint32_t meter, rate, burst;
};

struct fake_switch {
    uint64_t datapath_id;
    int fd;                     /* -1: not connected. */
    struct ofpbuf in, out;      /* Bytes that wait to be handled, or sent. */
    struct ovs_list flows;      /* struct fake_flow. */
    struct ovs_list groups;     /* struct fake_group. */
    size_t n_limits;            /* Meters of flows' limits. */
    struct fake_limit limits[8 + PACKET_IN_METERS];
    bool open;                  /* A bundle is. */
    struct ovs_list bundle;     /* Its messages: struct ofpbuf. */

    /* What it shall do wrong.  0: nothing. */
    uint16_t refuse_priority;   /* Of a flow, when it is added. */
    uint16_t refuse_at_commit;  /* The same, when it is committed. */
    bool refuse_open;
    bool refuse_groups;         /* When they are added. */
    bool refuse_marker;         /* The same. */
    unsigned refuse_commits;    /* So many, and no message of them. */
    size_t max_flows;           /* In all tables but the marker's: what comes
                                 * then finds its table full. */
    bool meters;                /* It has some.  Else it says that it has
                                 * none. */
    bool refuse_meters;         /* But takes none. */
    bool refuse_ports;          /* It tells of none. */
    uint64_t port_bytes;        /* Received on port 1; a tenth of it sent. */
    bool deaf;                  /* Reads nothing. */
    bool refuse_monitor;        /* Of flows. */
    bool hold;                  /* Answers no barrier and no commit. */
    struct ovs_list held;       /* Messages that wait for the end of that. */

    /* What it has seen. */
    uint32_t role;              /* The last one that it was asked for, */
    uint64_t generation_id;     /* and with it. */
    bool monitored;             /* It was asked to tell of its marker. */
    unsigned n_mods;            /* Messages in bundles, markers apart. */
    unsigned n_markers, n_unmarks; /* In bundles, and outside. */
    unsigned n_questions;       /* For one table. */
    unsigned n_polls, n_polled; /* For some cookies, and flows told of. */
    unsigned n_commits, n_discards, n_dumps;
    unsigned n_group_stats;     /* Requests for a group's statistics. */
    unsigned n_meter_asks;      /* Questions for its meters. */
    unsigned n_meter_mods, n_sampling_flows; /* The meters of sampling. */
    unsigned n_packet_in_meter_flows;
    unsigned n_limit_mods;
    unsigned n_packet_outs;
    unsigned n_flushes;         /* Of connections. */
    struct ofp_ct_match flush;  /* The last one, */
    uint16_t flush_zone;        /* and its zone. */
    struct ofpbuf *packet_out;  /* The last one, or NULL. */
    struct ds order;            /* Of messages: G F (add), f g (delete), and
                                 * "." for each commit; V v of flows that match
                                 * conj_id, C of clauses. */
};

void fake_switch_init(struct fake_switch *, uint64_t datapath_id);
void fake_switch_uninit(struct fake_switch *);

void fake_switch_connect(struct fake_switch *, const char *path);
void fake_switch_disconnect(struct fake_switch *);
/* Handles what has come.  False if the connection is gone. */
bool fake_switch_run(struct fake_switch *);
/* Handles the oldest message that waits for the end of 'hold', if any. */
void fake_switch_release_one(struct fake_switch *);
/* Ends 'hold'. */
void fake_switch_release(struct fake_switch *);
/* Tells a controller that monitors it that its marker is this now; 0: that it
 * has none. */
void fake_switch_tell_marker(struct fake_switch *, uint64_t cookie);
/* Sends 'msg' to the controller, and frees it. */
void fake_switch_send(struct fake_switch *, struct ofpbuf *msg);

/* Copies its flows and groups to the second argument, which this initialises;
 * and has it come back to what such a copy has. */
void fake_switch_save(const struct fake_switch *, struct fake_tables *);
void fake_switch_restore(struct fake_switch *, const struct fake_tables *);
void fake_tables_uninit(struct fake_tables *);

/* Puts a flow (in ovs-ofctl's syntax) into its table, not by OpenFlow. */
void fake_switch_add_flow(struct fake_switch *, const char *flow);
/* Takes away the flow with this priority, not by OpenFlow. */
void fake_switch_remove(struct fake_switch *, uint16_t priority);
/* The same for a group and all flows that go through it, as if somebody else
 * had deleted it. */
void fake_switch_remove_group(struct fake_switch *, uint32_t id);
/* Flows but the marker. */
size_t fake_switch_n_flows(const struct fake_switch *);
/* The cookie of the marker (controller/fabric/session/marker.h), or 0. */
uint64_t fake_switch_marker(const struct fake_switch *);
struct fake_flow *fake_switch_find(const struct fake_switch *,
                                   uint16_t priority);

#endif /* tests/unit/fake-switch.h */
