/* SPDX-License-Identifier: Apache-2.0
 *
 * The reports of hosts, and the rows that follow from them: VIF and BINDING.
 * Keeps in memory what was last submitted, so that only changes are submitted,
 * and decisions in quick succession do not wait for the store.  Not for
 * sessions with hosts (host-db.c). */

#ifndef CONTROLLER_FABRIC_OVSDB_OBSERVED_STATE_H
#define CONTROLLER_FABRIC_OVSDB_OBSERVED_STATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/fabric-private.h"
#include "controller/fabric/ovsdb/placement.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/types.h"

struct binding;
struct fabric;
struct rejected_claims;
struct svec;

/* An interface on a host that has an iface-id. */
struct observed_vif {
    struct hmap_node host_node; /* In struct observed_host's 'vifs'. */
    struct hmap_node id_node;   /* In the state's 'vifs', by iface-id. */
    struct observed_host *host;
    char *iface_id;
    char *iface;
    uint32_t ofport;            /* Never 0. */
    bool link_up;
    uint32_t tag_ofport;        /* Of a sub-port: its other end's; else 0. */
    struct eth_addr mac;        /* What the host says of its VM's; or 0. */
    int64_t unclaimed_ms;       /* When it was first seen that no port claims
                                 * it, by the wall clock; 0: one does. */
    struct ovs_list unclaimed_node; /* In its host's 'unclaimed', then. */
    bool seen;                  /* In the report that is being processed. */
    char *refused;              /* Why its port must not be bound here; NULL:
                                 * it may, or there is no decision yet. */
    uint64_t guest_seen;        /* As 'seen' of struct binding_claim. */
    bool contradicted;          /* The guest of another host that has it goes
                                 * on, though this one's was seen.  In memory
                                 * only. */
};

/* A reported interface.  Strings are borrowed. */
struct vif_report {
    const char *iface_id;
    const char *iface;
    uint32_t ofport;
    bool link_up;
    uint32_t tag_ofport;        /* 0: not of a sub-port. */
    struct eth_addr mac;        /* 0: not given. */
};

struct observed_host {
    struct hmap_node node;      /* In the state's 'hosts', by name. */
    struct observed_state *state;
    char *name;
    struct hmap vifs;           /* struct observed_vif, by iface-id. */
    struct ovs_list unclaimed;  /* Those that no port claims, in the order in
                                 * which that was seen. */
    size_t n_unclaimed;         /* Its length. */
    uint32_t underlay_mtu;      /* As last submitted; 0: never. */
    uint64_t datapath_id;       /* The same. */
    uint64_t n_changes;         /* Row changes caused by its reports. */
    bool known;                 /* It has reported since the start. */
    bool loaded;                /* Its report is in the model, or was
                                 * submitted, though 'in_barrier' or 'warm' is
                                 * set. */
    bool announced;             /* The model has its first report. */
    bool silent;
    bool switch_dead;           /* Nothing leaves by its provider bridges. */
    bool cut_off;               /* Others do not reach it. */
    bool leaving;               /* By its row: in maintenance. */
    bool lost;                  /* By its row: its reports do not count. */
    bool differs;               /* While resyncing: is to be compared. */
    struct vmn_selector accepts; /* Owns its parts. */
    struct arena accepts_arena; /* Of its parts. */
    struct model_request request; /* Submitted requests without a result. */
    unsigned int n_submitted;   /* Requests under way. */
};

/* A row of table PORT, with its binding as last submitted. */
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
    struct placement placement; /* The allowed hosts. */
    char *parent;               /* Of a sub-port; else NULL. */
    char *active;               /* Or NULL. */
    char *candidate;            /* Or NULL. */
    bool activated;             /* As in struct binding. */
    int64_t activated_ms;       /* Since when, by time_msec(). */
    int64_t contradicted_ms;    /* When the guest was first seen to go on at
                                 * 'candidate' in spite of that; or 0. */
    char *former;               /* As in struct binding, or NULL. */
    int64_t former_ms;          /* Since when, by time_msec(). */
    struct ovs_list former_node; /* In 'former' of the state, if there is
                                  * one; or empty. */
    char *cause;                /* The host whose report scheduled it, or
                                 * NULL. */
    bool submit_again;          /* The next decision, even if it is what is
                                 * there. */
};

/* Called when sub-ports may have been added to or removed from the host
 * 'name'. */
typedef void observed_trunks_cb(struct fabric *, const char *name);
/* Called once for host 'name': the model has its complete first report, and
 * apps have computed what follows from it. */
typedef void observed_announced_cb(struct fabric *, const char *name);

struct observed_state {
    struct fabric *fabric;
    observed_trunks_cb *trunks_cb;
    observed_announced_cb *announced_cb;
    struct hmap hosts;          /* struct observed_host, by name. */
    struct hmap vifs;           /* struct observed_vif, by iface-id. */
    size_t n_unclaimed;         /* Of these, those that no port claims. */
    struct hmap ports;          /* struct observed_port, by name. */
    struct hmap ports_by_id;    /* The same, by iface-id. */
    struct hmap by_active;      /* Those that have one, by 'active'. */
    struct hmap by_candidate;   /* Those that have one, by 'candidate'. */
    struct hmap by_parent;      /* Sub-ports, by 'parent'. */
    struct ovs_list due;        /* struct observed_port: a decision is
                                 * scheduled. */
    struct ovs_list moving;     /* struct observed_port: its candidate takes
                                 * over once it is ready. */
    struct ovs_list former;     /* struct observed_port with a former host, in
                                 * the order of 'former_ms'. */
    struct event *former_over;  /* Decides when the first one's time is
                                 * over. */
    bool in_barrier;            /* Nothing is submitted until observed_load()
                                 * is done. */
    bool warm;                  /* The model may have interfaces from before
                                 * the start: what a host reports first is
                                 * compared with them. */
    bool gathering;             /* It has none: no host is told to be right
                                 * before all have reported, since what one
                                 * gets may follow from others'. */
    bool comparing;             /* That is to be done in a quiescent state. */
    uint64_t n_guests_seen;     /* Gives struct observed_vif's 'guest_seen'
                                 * their order. */
    struct event *flush;        /* Submits at the end of this iteration. */
    struct event *resync;       /* Compares with the model, after a delay. */
    bool resyncing;             /* Nothing is submitted until that is done. */
    int resync_ms;              /* Next delay. */
    struct model_request request; /* Changes without a host. */
    struct ovs_list submitted;  /* struct submission. */
    struct rejected_claims *rejected_claims;
};

/* observed-state.c and observed-hosts.c.  -------------------------------- */

/* Reads the ports and bindings from the model. */
struct observed_state *observed_state_create(struct fabric *,
                                             observed_trunks_cb *,
                                             observed_announced_cb *);
void observed_state_destroy(struct observed_state *);

/* Adds a new host; nothing is known of it, and it is not silent. */
struct observed_host *observed_host_add(struct observed_state *,
                                        const char *name);
/* Removes a host whose row was deleted, and its observed rows from the
 * model. */
void observed_host_remove(struct observed_host *);
/* Replaces the interfaces of the host by 'n' reports with distinct
 * iface-ids. */
void observed_host_report(struct observed_host *, const struct vif_report *,
                          size_t n);
/* The same of one interface: others stay as they are.  It is no report of the
 * host, which has to follow if there was none. */
void observed_host_report_one(struct observed_host *,
                              const struct vif_report *);
/* Handles that one interface is not there any more, if it was. */
void observed_host_report_gone(struct observed_host *, const char *iface_id);
/* Sets the MTU of the interface with its tunnel addresses; 0 means unknown and
 * changes nothing. */
void observed_host_set_underlay(struct observed_host *, uint32_t mtu);
/* Sets the datapath ID of the host's bridge, which is stored. */
void observed_host_set_datapath(struct observed_host *, uint64_t id);
/* Sets whether the host counts as silent: claims of other hosts then take
 * precedence. */
void observed_host_set_silent(struct observed_host *, bool silent);
/* Sets whether the host's switch is known not to run, while its database
 * answers: other hosts then replace its gateways, but its ports stay bound. */
void observed_host_set_switch_dead(struct observed_host *, bool dead);
/* Sets whether other hosts that watch it do not reach the host any more: they
 * then replace its gateways. */
void observed_host_set_cut_off(struct observed_host *, bool cut_off);
/* Sets whether the host is in maintenance: claims of others come first. */
void observed_host_set_leaving(struct observed_host *, bool leaving);
/* Sets whether the host is lost: what it reports is not in the model then, and
 * its ports are bound elsewhere, or nowhere. */
void observed_host_set_lost(struct observed_host *, bool lost);
/* Sets which ports may be bound on the host: those that 'accepts' selects. */
void observed_host_set_accepts(struct observed_host *,
                               const struct vmn_selector *accepts);
/* Adds the iface-ids of sub-ports whose parent is on the host, or may be next,
 * to 'iface_ids'. */
void observed_host_subports(const struct observed_host *,
                            struct svec *iface_ids);
const struct observed_vif *observed_host_find_vif(const struct observed_host *,
                                                  const char *iface_id);

/* Handles a created, changed or deleted row of port 'name'.  'anew': it was
 * deleted in between, with its binding. */
void observed_port_update(struct observed_state *, const char *name,
                          bool anew);
/* Handles that the model has decided by observed_bind() where the port is
 * bound: as 'row' says, or nowhere, if that is NULL. */
void observed_port_rebound(struct observed_state *, const char *name,
                           const struct vmn_binding *row);
/* The same as observed_port_update() for all ports.  Yields. */
void observed_update_all_ports(struct observed_state *);

/* Returns the iface-id of the port's interface; "", which no interface has, if
 * it must not have one. */
const char *observed_iface_id(const struct vmn_port *);
const struct observed_port *observed_find_port(const struct observed_state *,
                                               const char *name);
struct observed_host *observed_find_host(const struct observed_state *,
                                         const char *name);
/* Adds the hosts that have the port's interface but must not have the port to
 * 'hosts'. */
void observed_refused_hosts(const struct observed_state *,
                            const struct observed_port *,
                            struct svec *hosts);
/* Returns the number of ports that two allowed hosts claim. */
size_t observed_n_candidates(const struct observed_state *);

/* For observed-hosts.c: schedule decisions for the ports of an interface, or
 * of a host, caused by a report of host 'cause' (or NULL); notify that the
 * status of an interface's ports may have changed; and find a port that has
 * the host as its active one or its candidate. */
void observed_iface_due(struct observed_state *, const char *iface_id,
                        const char *cause);
void observed_host_ports_due(struct observed_host *, const char *cause);
void observed_notify_iface(const struct observed_state *,
                           const char *iface_id);
struct observed_port *observed_find_active(const struct observed_state *,
                                           const char *host);
struct observed_port *observed_find_candidate(const struct observed_state *,
                                              const char *host);
/* Frees a host without notifications. */
void observed_host_destroy(struct observed_host *);

/* For observed-commit.c: parse a datapath ID (0 if 'text' is none), set a
 * port's binding in memory, schedule a decision for it (caused by a report of
 * host 'cause', or NULL), and record whether its candidate is about to take
 * over. */
uint64_t observed_parse_datapath(const char *text);
void observed_port_set_binding(struct observed_state *, struct observed_port *,
                               const struct binding *);
void observed_port_due(struct observed_state *, struct observed_port *,
                       const char *cause);
void observed_port_set_moving(struct observed_state *, struct observed_port *,
                              bool moving);

/* observed-commit.c.  ---------------------------------------------------- */

void observed_commit_init(struct observed_state *);
void observed_commit_uninit(struct observed_state *);
/* Ends 'in_barrier': adds the interfaces that were reported so far to the
 * model as a part of its initial state.  Nothing may have been compiled yet.
 * Yields. */
void observed_load(void *state);
/* Hosts are not observed any more, but managed: submits what they have
 * reported. */
void observed_manage(struct observed_state *);
/* Returns true if the model has the complete first report of 'host'. */
bool observed_is_committed(const struct observed_host *);
/* Has the first complete report of 'host' compared, if 'warm' is set. */
void observed_compare_first(struct observed_host *);
/* Submits the deletion of rows that 'host' does not have any more. */
void observed_submit_stale(struct observed_host *);
/* Schedules the submission of changes for the end of this iteration of the
 * loop. */
void observed_commit_schedule(struct observed_state *);
/* Schedule the write or deletion of the row of an interface, or of a host's
 * underlay. */
void observed_submit_vif(struct observed_vif *);
void observed_submit_underlay(struct observed_host *);
void observed_submit_vif_delete(struct observed_vif *);
/* Schedules the submission of the binding of 'port', in the request of host
 * 'cause' (NULL: of none). */
void observed_submit_binding(struct observed_state *,
                             struct observed_host *cause, const char *port,
                             const struct binding *);
/* Returns the spec of the BINDING row, which the caller owns; NULL: there is
 * to be none. */
json_t *observed_binding_spec(const struct binding *);
/* Returns the binding of a row, whose strings it borrows; of NULL, none. */
struct binding observed_binding_of_row(const struct vmn_binding *);

/* former-hosts.c.  ------------------------------------------------------- */

void former_hosts_init(struct observed_state *);
void former_hosts_uninit(struct observed_state *);
/* Sets the host that the guest of 'port' has left, or NULL.  Its time begins
 * if it is another one than before. */
void former_host_set(struct observed_state *, struct observed_port *,
                     const char *former);
/* Returns 'former', which 'port' is to have, or NULL if its time is over. */
const char *former_host_until_over(const struct observed_state *,
                                   const struct observed_port *,
                                   const char *former);
/* Schedules decisions for the ports whose guest has left 'host', caused by a
 * report of host 'cause' (or NULL). */
void former_hosts_of_host_due(struct observed_state *, const char *host,
                              const char *cause);
/* Schedules decisions for the ports whose time is over, and waits for the next
 * one's; but who observes decides nothing. */
void former_hosts_check(struct observed_state *);

/* guest-seen.c.  --------------------------------------------------------- */

/* Calls 'cb' for each port whose candidate 'host' is, and has the interface,
 * until its guest is seen there; but for sub-ports. */
void observed_guests_expected(const struct observed_state *,
                              const char *host, fabric_guest_cb *cb,
                              void *aux);
/* Forgets where the guest of 'port', which is bound to 'active' (NULL: no
 * host), was seen elsewhere; on silent hosts only if 'of_silent'. */
void observed_guests_forget(const struct observed_state *,
                            const struct observed_port *, const char *active,
                            bool of_silent);
/* The row of 'port' asks from now on that its guest migrates to 'host': what
 * its claim was rejected for before does not count any more. */
void observed_guest_expected_at(const struct observed_state *,
                                const struct observed_port *,
                                const char *host);
/* Handles that the guest with interface 'iface_id' on 'host' has sent
 * something, though its port is bound to another host. */
void observed_guest_seen(struct observed_state *, const char *host,
                         const char *iface_id);

/* port-bindings.c.  ------------------------------------------------------ */

/* As model_bind_cb: decides by what hosts have reported, and by the model's
 * current rows. */
json_t *observed_bind(void *state, const struct vmn_port *,
                      const struct vmn_binding *);
/* Adds the hosts that have the port's interface but must not have the port to
 * 'hosts', as observed_refused_hosts() does, whether that was decided or not:
 * who observes decides nothing. */
void observed_find_refused(const struct observed_state *,
                           const struct observed_port *, struct svec *hosts);
/* Makes the scheduled decisions.  Returns false if some are left for the next
 * iteration. */
bool observed_decide_due(struct observed_state *);
/* Schedules decisions for the ports that wait for a host, since hosts have
 * acknowledged newer revisions. */
void observed_acked(struct observed_state *);

#endif /* controller/fabric/ovsdb/observed-state.h */
