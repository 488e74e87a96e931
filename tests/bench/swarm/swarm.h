/* SPDX-License-Identifier: Apache-2.0
 *
 * Many hypervisors in one process, as vmnd sees them: an OVSDB server and an
 * OpenFlow 1.5 switch each.  They do what Open vSwitch does, and on demand
 * what it should not.  No packet is ever forwarded.
 *
 * swarm.c    options, and the hosts
 * table.c    flows and groups
 * swarm-switch.c a switch's connections to its controllers
 * link.c     what is between a host and members of a cluster
 * guests.c   what guests answer their controller, and what is counted of them
 * roles.c    which controller may change a switch, and which did
 * monitor.c  what it tells of changes of flows
 * messages.c what it answers
 * bundle.c   flow mods, group mods and bundles
 * schema.c   the database's tables and columns
 * rows.c     a host's rows, and what transactions do to them
 * transact.c the operations of a transaction
 * server.c   JSON-RPC and monitors
 * vswitchd.c what a switch does about its database, and plugging
 * hostile.c  attacks on the controller
 * control.c  commands */

#ifndef TESTS_BENCH_SWARM_SWARM_H
#define TESTS_BENCH_SWARM_SWARM_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/flow/count-pair.h"
#include "openflow/openflow-1.2.h"
#include "openvswitch/list.h"
#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "tests/bench/swarm/swarm-rows.h"
#include "tests/bench/swarm/table.h"

struct bufferevent;
struct db_conn;
struct ds;
struct event;
struct event_base;
struct evconnlistener;
struct ofp_header;

/* Returns true if 'table' is one of the fabric's own: for copies to vmnd,
 * whose flows are no part of what it desires of a host, and for the flow that
 * says what it knows of the switch; or is for pairs, which the switch learns.
 * These are in no digest, and are not damaged: that is for tests of what they
 * do. */
static inline bool
swarm_is_own_table(uint8_t table)
{
    return (table == 246 || table == 247 || table == 253
            || pair_is_table(table));
}

struct counters {
    uint64_t flow_adds, flow_deletes, group_mods;
    uint64_t commits, discards, dumps, refused;
    uint64_t connects;          /* OpenFlow sessions that began. */
    uint64_t bytes_in, bytes_out; /* OpenFlow. */
    uint64_t transactions;
    uint64_t flaps;             /* Changes of an interface by an attack. */
    uint64_t packet_outs, answers; /* Of guests, if these answer. */
};

/* What a host does to its controller; see hostile.c. */
enum hostile_kind {
    HOSTILE_NONE,
    HOSTILE_ROWS,
    HOSTILE_VALUES,
    HOSTILE_NAMES,
    HOSTILE_DUMP,
    HOSTILE_PARTS,
    HOSTILE_METERS,
    HOSTILE_ECHO,
    HOSTILE_FLAP,
    HOSTILE_MTU,
};
struct hostile;

/* A change that can be taken back. */
struct undo {
    struct table *table;
    struct body *taken, *put;   /* Either may be NULL. */
};

/* One of several vmnds that are one cluster. */
struct member {
    char *name;
    char *target;               /* Where its OpenFlow server is. */
};

/* What is between a host and a member; see link.c. */
struct link {
    bool cut_in;                /* Nothing of the member's arrives. */
    bool cut_out;               /* Nothing of the host's does. */
};

/* Who has changed something: so many times, one after the other. */
struct writer {
    char *who;
    uint64_t epoch;             /* 0: none. */
    uint64_t n;
};

struct writers {
    struct writer *all;
    size_t n, allocated;
};

/* A switch's connection to one of its controllers. */
struct of_conn {
    struct ovs_list node;       /* In the host's of_conns. */
    struct host *host;
    struct bufferevent *bev;    /* NULL: not connected. */
    struct event *retry;
    char *target;               /* As the controller's row has it. */
    char *dialled;              /* Where that is. */
    const struct link *link;    /* NULL: always there. */
    int max_backoff_ms;
    bool is_wanted;             /* While rows are looked at. */
    bool is_known;              /* The controller has asked for something. */

    enum ofp12_controller_role role;
    uint64_t epoch;             /* A master's generation_id; else 0. */
    struct ofputil_async_cfg async;

    bool monitors;              /* It has a flow monitor, */
    uint8_t monitored_table;    /* of this table or OFPTT_ALL. */

    bool bundle_open;
    uint32_t bundle_id;
    struct ofpbuf bundle;       /* Messages, one after the other. */

    /* What is wrong, until it is dropped. */
    bool muted;                 /* Answers nothing. */
    bool silent;                /* Does not answer commits. */
    bool stalled;               /* Reads nothing. */
};

/* A row of Controller. */
struct controller {
    const char *target;
    int max_backoff_ms;
};

struct host {
    struct swarm *swarm;
    char *name;                 /* Also its system-id. */
    uint64_t datapath_id;
    struct counters counters;
    struct link *links;         /* To each member. */

    /* Switch. */
    struct ovs_list of_conns;   /* struct of_conn: its controllers. */
    bool has_generation;
    uint64_t generation_id;     /* The newest that a controller has said. */
    struct writers writers;     /* Of accepted bundles: targets. */
    struct table flows, groups;
    size_t n_group_users;       /* Flows that name groups. */
    uint32_t n_in_table[UINT8_MAX + 1]; /* Flows. */

    struct hostile *hostile;    /* Owned. */

    /* What it shall do wrong. */
    bool cut;                   /* Does not connect. */
    int slow_ms;                /* Reads nothing for so long after a commit. */
    bool rests;                 /* Reads nothing now, for that reason. */
    struct event *slow;         /* Runs meanwhile. */
    unsigned refuse_adds;       /* So many flows, when they are added to a
                                 * bundle: a bad action, or */
    unsigned refuse_ports;      /* a bad port. */
    unsigned refuse_commits;    /* So many commits, and no message of them. */
    unsigned full_in;           /* The how manieth flow from now on finds its
                                 * table full; 0: none. */
    uint32_t *max_in_table;     /* For each table, or NULL.  Owned. */

    /* Database. */
    struct evconnlistener **listeners; /* For each member; at least one. */
    struct rows rows;
    struct ovs_list db_conns;   /* struct db_conn: its clients. */
    struct writers db_writers;  /* Of what changed it: members. */
    struct event *status;       /* Runs before its controllers' are noted. */
    size_t n_ports;             /* Of its bridge. */
};

struct swarm {
    struct event_base *base;
    struct store store;
    struct schema *schema;
    char *directory;            /* Of the databases' sockets. */
    char *target_override;      /* Connect there, whatever the database says,
                                 * or NULL. */
    struct member *members;
    size_t n_members;           /* 0: nobody tells controllers apart. */
    bool guests_answer;
    unsigned hit_percent;       /* Of flows, whose packets are counted. */
    int64_t start_ms;           /* By time_msec(). */
    int64_t last_commit_us;     /* CLOCK_MONOTONIC: the last that changed
                                 * any host; 0: none. */
    size_t n_hosts;
    struct host *hosts;
    struct evconnlistener *control;
    _Alignas(8) uint8_t scratch[UINT16_MAX + 1]; /* A message. */
};

/* Sum of all hosts' counters. */
void swarm_count(const struct swarm *, struct counters *);

/* swarm-switch.c.  ------------------------------------------------------- */

void switch_init(struct host *);
void switch_uninit(struct host *);
/* Connects to these controllers and no others. */
void switch_set_controllers(struct host *, const struct controller *,
                            size_t n);
struct of_conn *switch_find_controller(const struct host *,
                                       const char *target);
/* Whether it is connected to any controller. */
bool switch_is_connected(const struct host *);
/* Cuts connections, all or one; they come back by themselves. */
void switch_drop(struct host *);
void switch_drop_one(struct of_conn *);
void switch_stall_one(struct of_conn *, bool stalled);
/* Has all connections do what is to be done now about bytes. */
void switch_set_flow(struct host *);
/* A commit was done: rests if it is slow. */
void switch_tire(struct host *);
/* Takes ownership of 'msg'. */
void switch_send(struct of_conn *, struct ofpbuf *msg);
void switch_send_error(struct of_conn *, enum ofperr,
                       const struct ofp_header *);

/* link.c.  --------------------------------------------------------------- */

/* Return NULL if there is no such member. */
struct link *link_of_member(struct host *, const char *name);
struct link *link_of_target(struct host *, const char *target);
void link_set(struct host *, struct link *, bool cut_in, bool cut_out);
/* Has a connection by 'link' (or NULL) send as the link lets it, and read if
 * 'may_read'. */
void link_set_flow(const struct link *, struct bufferevent *, bool may_read);

/* roles.c.  -------------------------------------------------------------- */

/* The connection is a new one. */
void role_reset(struct of_conn *);
void role_request(struct of_conn *, const struct ofp_header *);
void role_set_async(struct of_conn *, const struct ofp_header *);
/* Whether the controller wants to be told of this. */
bool role_receives(const struct of_conn *, enum ofputil_async_msg_type,
                   unsigned reason);
/* Returns the role as a row of Controller has it. */
const char *role_name(const struct of_conn *);

/* 'who' has changed something. */
void writers_note(struct writers *, const char *who, uint64_t epoch);
/* Puts them out as JSON, [[WHO, EPOCH, HOW OFTEN], ...]. */
void writers_put(const struct writers *, struct ds *out);
void writers_uninit(struct writers *);

/* guests.c.  ------------------------------------------------------------- */

/* A packet-out: guests answer it, if they are to. */
void guests_receive(struct of_conn *, const struct ofp_header *);
/* Has the switch count what 'ips' (IPv4) send in a network to its port with
 * this number, as if it had learned it by a flow of app traffic.  Returns NULL
 * or a sentence. */
const char *guests_talk(struct host *, uint32_t vni, uint32_t ofport,
                        char **ips, size_t n);
/* Returns how many packets have hit a flow by now. */
uint64_t guests_packets(const struct swarm *, const struct body *);

/* monitor.c.  ------------------------------------------------------------ */

void monitor_request(struct of_conn *, const struct ofp_header *);
/* Tells controllers that want it of changes, which 'by' has made, or nobody
 * (NULL). */
void monitor_report(struct host *, const struct undo *, size_t n,
                    const struct of_conn *by, ovs_be32 xid);

/* messages.c.  ----------------------------------------------------------- */

void switch_handle(struct of_conn *, const struct ofp_header *);

/* bundle.c.  ------------------------------------------------------------- */

void bundle_control(struct of_conn *, const struct ofp_header *);
void bundle_add(struct of_conn *, const struct ofp_header *);
/* A flow mod or group mod outside of a bundle. */
void bundle_single(struct of_conn *, const struct ofp_header *);
void bundle_forget(struct of_conn *);
/* A flow that the switch adds by itself, as a flow mod.  Returns false if it
 * is refused. */
bool bundle_learn(struct host *, const struct ofp_header *);
/* Makes 'n' flows disappear, or different. */
size_t bundle_lose(struct host *, size_t n);
/* The same for groups, and with each all flows that name it. */
size_t bundle_lose_groups(struct host *, size_t n);
size_t bundle_spoil(struct host *, size_t n);

/* server.c.  ------------------------------------------------------------- */

/* Listens, for each member at a socket of its own.  Returns 0 or a positive
 * errno. */
int server_open(struct host *);
void server_close(struct host *);
void server_drop(struct host *);
/* Sends a client's monitor an update, as JSON text, that is in no row here. */
void server_send_update(struct db_conn *, const char *updates);
/* Has hostile_db_drained() called for each client that has a monitor. */
void server_drained(struct host *);
/* Has all connections do what is to be done now about bytes. */
void server_set_flow(struct host *);
/* Tells all monitors what the change that ends here has done. */
void server_notify(struct host *);

/* vswitchd.c.  ----------------------------------------------------------- */

/* Does what a switch does when its database has changed. */
void vswitchd_run(struct host *);
/* Has what is known of controllers written into their rows, a little
 * later. */
void vswitchd_note_controllers(struct host *);
/* Returns the epoch of the controller that configured the bridge, as vmnd
 * writes it there; 0: it has none. */
uint64_t vswitchd_epoch(const struct host *);
void vswitchd_init(struct host *);
void vswitchd_uninit(struct host *);
/* Adds, or removes, interfaces with these iface-ids on the bridge.  Returns
 * NULL or a sentence. */
const char *vswitchd_plug(struct host *, char **ids, size_t n);
const char *vswitchd_unplug(struct host *, char **ids, size_t n);

/* Sets the MTU that an interface with this iface-id has. */
void vswitchd_set_mtu(struct host *, const char *id, int64_t mtu);

/* hostile.c.  ------------------------------------------------------------ */

void hostile_init(struct host *);
void hostile_uninit(struct host *);
/* Begins an attack, "none" for none; some need an 'iface_id'.  Returns NULL or
 * a sentence. */
const char *hostile_set(struct host *, const char *kind,
                        const char *iface_id);
/* A client of the database has read all.  '*attacked' is its own, and false at
 * first. */
void hostile_db_drained(struct host *, struct db_conn *, bool *attacked);
/* A connection of the switch is new, or its other side has read all. */
void hostile_of_connected(struct host *);
void hostile_of_drained(struct of_conn *);
/* Answers a request, if the attack is such an answer. */
bool hostile_answer(struct of_conn *, enum ofptype, const struct ofp_header *);

/* control.c.  ------------------------------------------------------------ */

int control_open(struct swarm *, const char *path);

#endif /* tests/bench/swarm/swarm.h */
