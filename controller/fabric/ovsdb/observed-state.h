/* SPDX-License-Identifier: Apache-2.0
 *
 * What hosts have reported, and what follows from it for the model: VIF and
 * BINDING rows.  Keeps in memory what it has last submitted, so that only
 * changes are, and decisions that follow each other at once do not wait for
 * the store.  Not for sessions with hosts (host-db.c). */

#ifndef CONTROLLER_FABRIC_OVSDB_OBSERVED_STATE_H
#define CONTROLLER_FABRIC_OVSDB_OBSERVED_STATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/ovsdb/placement.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct binding;
struct fabric;
struct rejected_claims;
struct svec;

/* An interface on a host that carries an iface-id. */
struct observed_vif {
    struct hmap_node host_node; /* In struct observed_host's 'vifs'. */
    struct hmap_node id_node;   /* In the state's 'vifs', by iface-id. */
    struct observed_host *host;
    char *iface_id;
    char *iface;
    uint32_t ofport;            /* Never 0. */
    bool link_up;
    uint32_t tag_ofport;        /* Of a sub-port: of its other end; else 0. */
    bool seen;                  /* In the report that is being taken in. */
    char *refused;              /* Why its port may not be bound here; NULL: it
                                 * may, or it was not decided. */
};

/* What a host reports of an interface.  Strings are borrowed. */
struct vif_report {
    const char *iface_id;
    const char *iface;
    uint32_t ofport;
    bool link_up;
    uint32_t tag_ofport;        /* 0: not a sub-port's. */
};

struct observed_host {
    struct hmap_node node;      /* In the state's 'hosts', by name. */
    struct observed_state *state;
    char *name;
    struct hmap vifs;           /* struct observed_vif, by iface-id. */
    uint32_t underlay_mtu;      /* As it was last submitted; 0: never. */
    uint64_t datapath_id;       /* The same. */
    uint64_t n_changes;         /* Of rows, that it has reported. */
    bool known;                 /* Has reported since the start. */
    bool loaded;                /* What it has is in the model, or on its way
                                 * there, though 'in_barrier' is on. */
    bool announced;             /* The fabric knows that it is in the model. */
    bool silent;
    bool differs;               /* While resyncing: is to be compared. */
    struct vmn_selector accepts; /* Ports that may be bound here. */
    struct arena accepts_arena; /* Of its parts. */
    struct model_request request; /* To be submitted. */
    unsigned int n_submitted;   /* Requests under way. */
};

/* A row of table PORT, with its binding as it was last submitted. */
struct observed_port {
    struct hmap_node name_node; /* In struct observed_state's 'ports'. */
    struct hmap_node id_node;   /* In 'ports_by_id', by iface-id. */
    struct hmap_node active_node; /* In 'by_active', if 'active'. */
    struct hmap_node candidate_node; /* In 'by_candidate', if 'candidate'. */
    struct hmap_node parent_node; /* In 'by_parent', if 'parent'. */
    struct ovs_list due_node;   /* In 'due', or empty. */
    struct ovs_list moving_node; /* In 'moving', or empty. */
    char *name;
    char *iface_id;
    struct placement placement; /* Where it may be. */
    char *parent;               /* Of a sub-port; else NULL. */
    char *active;               /* Or NULL. */
    char *candidate;            /* Or NULL. */
    char *cause;                /* The host that made it due, or NULL. */
};

/* Called when sub-ports may have come to the host 'name', or gone from it. */
typedef void observed_trunks_cb(struct fabric *, const char *name);

struct observed_state {
    struct fabric *fabric;
    observed_trunks_cb *trunks_cb;
    struct hmap hosts;          /* struct observed_host, by name. */
    struct hmap vifs;           /* struct observed_vif, by iface-id. */
    struct hmap ports;          /* struct observed_port, by name. */
    struct hmap ports_by_id;    /* The same, by iface-id. */
    struct hmap by_active;      /* Those that have one, by 'active'. */
    struct hmap by_candidate;   /* Those that have one, by 'candidate'. */
    struct hmap by_parent;      /* Sub-ports, by 'parent'. */
    struct ovs_list due;        /* struct observed_port: to be decided anew. */
    struct ovs_list moving;     /* struct observed_port: its candidate takes
                                 * over once it is ready. */
    bool in_barrier;            /* Nothing is submitted until observed_load()
                                 * is done. */
    struct event *flush;        /* Later in this turn. */
    struct event *resync;       /* Later, to compare with the model. */
    bool resyncing;             /* Until that is done, nothing is submitted. */
    int resync_ms;              /* Next delay. */
    struct model_request request; /* To be submitted for no host. */
    struct ovs_list submitted;  /* struct submission. */
    struct rejected_claims *rejected_claims;
};

/* observed-state.c and observed-hosts.c.  -------------------------------- */

/* Reads the ports and bindings that the model holds. */
struct observed_state *observed_state_create(struct fabric *,
                                             observed_trunks_cb *);
void observed_state_destroy(struct observed_state *);

/* Adds a host that has just been made; nothing is known of it, and it is not
 * silent. */
struct observed_host *observed_host_add(struct observed_state *,
                                        const char *name);
/* Removes a host whose row is gone, and with it its rows in the model. */
void observed_host_remove(struct observed_host *);
/* Replaces what the host has by 'n' reports with distinct iface-ids. */
void observed_host_report(struct observed_host *, const struct vif_report *,
                          size_t n);
/* Sets the MTU of the interface that its tunnels go by; 0 is for not known,
 * and changes nothing: what was reported last holds on. */
void observed_host_set_underlay(struct observed_host *, uint32_t mtu);
/* Sets the datapath id of the host's bridge, which is kept for it from now
 * on. */
void observed_host_set_datapath(struct observed_host *, uint64_t id);
/* Sets whether the host counts as silent: its claims give way then. */
void observed_host_set_silent(struct observed_host *, bool silent);
/* Sets which ports may be bound on the host: those that 'accepts' selects. */
void observed_host_set_accepts(struct observed_host *,
                               const struct vmn_selector *accepts);
/* Adds to 'iface_ids' those of the sub-ports whose parent is there, or may be
 * next. */
void observed_host_subports(const struct observed_host *,
                            struct svec *iface_ids);
const struct observed_vif *observed_host_find_vif(const struct observed_host *,
                                                  const char *iface_id);

/* Follows the row of port 'name', which has changed, has come or has gone.
 * 'anew': it was gone in between, with its binding. */
void observed_port_update(struct observed_state *, const char *name,
                          bool anew);
/* The same for all ports.  Yields. */
void observed_update_all_ports(struct observed_state *);

const struct observed_port *observed_find_port(const struct observed_state *,
                                               const char *name);
struct observed_host *observed_find_host(const struct observed_state *,
                                         const char *name);
/* Adds to 'hosts' those that have the port's interface and may not. */
void observed_refused_hosts(const struct observed_state *,
                            const struct observed_port *,
                            struct svec *hosts);
/* Returns the number of ports that two hosts claim, and may. */
size_t observed_n_candidates(const struct observed_state *);

/* For observed-hosts.c: have the ports of an interface, or of a host, decided
 * anew because of the report of host 'cause' (or NULL), announce that the
 * ports of an interface may have another status, and find a port that has the
 * host as its active one or its candidate. */
void observed_iface_due(struct observed_state *, const char *iface_id,
                        const char *cause);
void observed_host_ports_due(struct observed_host *, const char *cause);
void observed_notify_iface(const struct observed_state *,
                           const char *iface_id);
struct observed_port *observed_find_active(const struct observed_state *,
                                           const char *host);
struct observed_port *observed_find_candidate(const struct observed_state *,
                                              const char *host);
/* Frees a host, of which nothing is announced. */
void observed_host_destroy(struct observed_host *);

/* For observed-commit.c: parse a datapath id (0 if 'text' is none), set a
 * port's binding in memory, have it decided anew (because of the report of
 * host 'cause', or NULL), and note whether its candidate is about to take
 * over. */
uint64_t observed_parse_datapath(const char *text);
void observed_port_set_binding(struct observed_state *, struct observed_port *,
                               const char *active, const char *candidate);
void observed_port_due(struct observed_state *, struct observed_port *,
                       const char *cause);
void observed_port_set_moving(struct observed_state *, struct observed_port *,
                              bool moving);

/* observed-commit.c.  ---------------------------------------------------- */

void observed_commit_init(struct observed_state *);
void observed_commit_uninit(struct observed_state *);
/* Ends 'in_barrier': adds the interfaces that were reported so far to the
 * model as a part of the state that it was loaded with.  Nothing may have been
 * compiled yet.  Yields. */
void observed_load(void *state);
/* Has what changed submitted later in this turn. */
void observed_commit_schedule(struct observed_state *);
/* Have the row of an interface, or of a host's underlay, written or deleted
 * later in this turn. */
void observed_submit_vif(struct observed_vif *);
void observed_submit_underlay(struct observed_host *);
void observed_submit_vif_delete(struct observed_vif *);
/* Submits the binding of 'port' later in this turn, with what host 'cause' has
 * reported (NULL: with what no host has). */
void observed_submit_binding(struct observed_state *,
                             struct observed_host *cause, const char *port,
                             const struct binding *);

/* port-bindings.c.  ------------------------------------------------------ */

/* Decides the bindings of ports that are due.  Returns false if some are left
 * for the next turn. */
bool observed_decide_due(struct observed_state *);
/* Has the ports decided anew that wait for a host, since some have
 * acknowledged more. */
void observed_acked(struct observed_state *);

#endif /* controller/fabric/ovsdb/observed-state.h */
