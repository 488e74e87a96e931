/* SPDX-License-Identifier: Apache-2.0
 *
 * What GET /v1/advice/placement is about: hosts, the VMs on them, what binds
 * these, and what they have sent each other, read bit by bit.
 *
 * A VM is a port with its sub-ports, or the ports on one host that have the
 * same value of a label, with theirs.  What binds sub-ports binds it.  Rows
 * may change between two parts: all is copied.
 * Not for what follows from it (controller/advice). */

#ifndef CONTROLLER_NORTHBOUND_PLACED_VMS_H
#define CONTROLLER_NORTHBOUND_PLACED_VMS_H 1

#include "controller/advice/advice.h"
#include "controller/fabric/fabric-pairs.h"
#include "controller/schema/arena.h"
#include "openvswitch/shash.h"
#include "vmn/types.h"

struct model_rights;
struct northbound;
struct vmn_host;

#define PLACED_APART_MAX 8      /* Keys. */

struct placed_host {
    const char *name;
    bool synced;                /* Or about to be: VMs may leave it. */
    const char *port_selector;  /* Or NULL. */
    size_t n_physical;
    const char **physical;      /* Networks. */
    size_t n_vms;               /* That are there. */
    bool has_capacity;          /* It says what it has, of anything. */
    uint64_t coming[ADVICE_N_KINDS]; /* What VMs need that migrate to it: it
                                      * is taken on both hosts. */
};

struct placed_vm {
    size_t n_ports, allocated_ports;
    const char **ports;         /* Without sub-ports. */
    size_t n_apart, allocated_apart;
    size_t *apart;
    bool other;                 /* Not selected. */
    bool pinned, migrating;
    size_t to;                  /* Host that it migrates to, or SIZE_MAX. */
};

/* Why VMs stay where they are, each counted once. */
struct placed_fixed {
    size_t not_selected, pinned;
    size_t many_sets;           /* They are to be apart by too many values. */
    size_t migrating;
    size_t unsynced;            /* Their host is not. */
};

struct placed_vms {
    const struct northbound *nb;
    const struct model_rights *rights; /* With a scope, or NULL. */
    struct arena arena;         /* Of what the caller sets, too: */
    const struct vmn_selector *selector; /* Of ports that may move; NULL:
                                          * all. */
    const char *together;       /* Key, or NULL. */
    bool has_together;          /* A port that counts has it. */
    size_t n_keys;
    const char *keys[PLACED_APART_MAX];
    bool has_keys[PLACED_APART_MAX]; /* A port that counts has it. */
    bool move_pinned;           /* Those with a `host`, too. */

    size_t n_hosts, allocated_hosts, allocated_advice_hosts; /* By name. */
    struct placed_host *hosts;
    struct advice_host *advice_hosts;
    size_t n_vms, allocated_vms, allocated_advice_vms;
    struct placed_vm *vms;
    struct advice_vm *advice_vms;
    size_t n_pairs, allocated_pairs;
    struct advice_pair *pairs;
    struct fabric_pair_totals totals;
    struct placed_fixed fixed;

    struct shash host_index;    /* Of hosts, + 1. */
    struct shash physicals;     /* Bitmaps of hosts that have the network. */
    struct shash selectors;     /* struct placed_selector, by the text. */
    unsigned long *scratch;     /* A bitmap of hosts. */
    struct shash members;       /* struct placed_port, by name. */
    struct shash named;         /* VMs + 1, by label and host. */
    struct shash sets;          /* Numbers + 1, by key and value. */
    const char *after;          /* The row that was read last. */
    size_t at;
};

/* To be called with zeroed memory, before options are set. */
void placed_vms_init(struct placed_vms *, const struct northbound *,
                     const struct model_rights *);
void placed_vms_uninit(struct placed_vms *);

/* Reads hosts, until the turn of the loop is over.  Returns true after the
 * last one.  'judge' says of each row whether it is a target, as far as the
 * request says so, and may change for how many VMs it says to have places;
 * UINT64_MAX: it does not say so.  Without a scope a host's capacity is what
 * its row says. */
bool placed_vms_read_hosts(struct placed_vms *,
                           bool (*judge)(void *aux, const struct vmn_host *,
                                         uint64_t *vms),
                           void *aux);
/* Then reads ports, in the same way. */
bool placed_vms_read_ports(struct placed_vms *);
/* Reads what was counted since then, all at once. */
void placed_vms_read_pairs(struct placed_vms *, int64_t since_ms);

#endif /* controller/northbound/placed-vms.h */
