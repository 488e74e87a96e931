/* SPDX-License-Identifier: Apache-2.0
 *
 * The insides of the model, shared by its .c files alone. */

#ifndef CONTROLLER_MODEL_MODEL_PRIVATE_H
#define CONTROLLER_MODEL_MODEL_PRIVATE_H 1

#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "sset.h"
#include "svec.h"

struct id_entry;
struct usage;

/* Where the search for a free address of a subnet goes on. */
struct address_cursor {
    char subnet[VALUE_PREFIX_SIZE]; /* As a prefix. */
    uint64_t next;              /* Index of the address. */
};

/* One version of a row, with all that belongs to it. */
struct version {
    struct arena arena;         /* Of 'row' and 'meta.set'. */
    struct vmn_row *row;
    struct model_meta meta;
    struct id_entry *vni;       /* Networks: a reference, or NULL. */
};

/* One name of a table. */
struct entry {
    struct hmap_node node;      /* In model_table's 'entries'. */
    enum vmn_table table;
    char *name;
    struct version *cur;        /* NULL: absent. */
    struct version *durable;    /* NULL: absent.  May be the same. */
    bool dirty;                 /* In model's 'dirty'. */
    bool was_deleted;           /* Since the model was settled. */
    size_t n_cursors, allocated_cursors;
    struct address_cursor *cursors; /* Of networks. */

    /* While a request is applied. */
    bool touched;               /* In txn's 'touched'. */
    struct version *before;     /* What 'cur' was. */
    struct model_op *op;        /* The one that names it, or NULL. */
    bool cascade;               /* Deleted; what refers to it follows. */
};

/* A sorted array of names that belong to entries. */
struct name_set {
    size_t n, allocated;
    const char **names;
};

struct model_table {
    struct hmap entries;        /* Of struct entry. */
    struct name_set all;        /* Of all entries. */
    struct name_set cur;        /* Of those with a current version. */
};

/* Indexes besides enum vmn_index; changes of these are not reported. */
enum {
    INDEX_MAC = VMN_N_INDEXES,  /* Ports by "NETWORK/MAC". */
    INDEX_ALLOWED,              /* Ports by "NETWORK/IP" and "NETWORK/MAC" of
                                 * 'allowed_addresses'; no prefixes. */
    INDEX_ROUTER_MAC,           /* Routers by "NETWORK/MAC". */
    INDEX_VIP_IP,               /* Load balancers by "NETWORK/VIP". */
    INDEX_IFACE_ID,             /* Ports. */
    INDEX_VIF_IFACE_ID,         /* Interfaces on hosts. */
    INDEX_PORT_VLAN,            /* Sub-ports by "PARENT/VLAN". */
    INDEX_TUNNEL_IP,            /* Hosts. */
    INDEX_TUNNEL_FAMILY,        /* Hosts of one family, by "4" or "6". */
    INDEX_PROVIDER,             /* Networks by "PHYSICAL/VLAN". */
    INDEX_EXTERNAL_IP,          /* Routers by "EXTERNAL-NETWORK/IP". */
    INDEX_FLOATING_IP,          /* Floating addresses by "ROUTER/IP". */
    INDEX_FLOATING_BY_LB,       /* The same by balancer. */
    INDEX_POSITION,             /* Tiers. */
    INDEX_PRIORITY,             /* Policies by "TIER/PRIORITY". */
    INDEX_SET,                  /* + table: rows by meta.set. */
    INDEX_REFS = INDEX_SET + VMN_N_TABLES,
                                /* + target table * VMN_N_TABLES + referrer's
                                 * table: referrers by target's name. */
    N_INDEXES = INDEX_REFS + VMN_N_TABLES * VMN_N_TABLES,
};

struct model {
    struct id_pools *id_pools;
    struct usage *usage;        /* Of quotas. */
    struct model_table tables[VMN_N_TABLES];
    struct hmap index;          /* Of struct index_node. */

    uint64_t revision;
    uint64_t durable_revision;

    void (*yield)(void *aux);   /* Or NULL. */
    void *yield_aux;

    struct hmap changes;        /* Of struct change_node, each once. */
    struct ovs_list change_list; /* The same, oldest first. */

    /* Since the last model_settle() or model_undo(). */
    size_t n_dirty, allocated_dirty;
    struct entry **dirty;
    size_t n_garbage, allocated_garbage;
    struct version **garbage;   /* Neither current nor durable any more. */
    size_t n_logs, allocated_logs;
    struct model_log *logs;     /* 'who' and 'summary' are owned. */
    size_t n_cursors, allocated_cursors;
    struct former_cursor *cursors; /* Oldest first. */
    struct model_write *writes; /* What model_get_pending() returned. */
};

/* What a cursor of a network was before. */
struct former_cursor {
    char *network;              /* Owned. */
    struct address_cursor before;
};

/* A request that is being applied. */
struct txn {
    struct model *model;
    struct model_request *request;
    struct vmn_errors *errors;
    int64_t now_ms;
    size_t n_touched, allocated_touched;
    struct entry **touched;
    size_t n_cursors;           /* The model's, before. */
    struct rights_memo *memo;   /* While rights are checked. */
    struct svec names;          /* What txn_name() has returned. */
};

/* model.c */
struct entry *model_find(const struct model *, enum vmn_table,
                         const char *name);
struct entry *model_find_or_add(struct model *, enum vmn_table,
                                const char *name);
/* Frees an entry that has no version. */
void model_drop_if_empty(struct model *, struct entry *);
/* Makes 'version' current; the caller keeps or frees what was. */
void model_set_cur(struct model *, struct entry *, struct version *);
/* Has 'version' freed once all is settled. */
void model_add_garbage(struct model *, struct version *);
void model_note_versions(struct model *, const struct entry *,
                         const struct version *from,
                         const struct version *to);
void model_note_index(struct model *, int index, const char *key);
struct version *version_create(void);
void version_destroy(struct model *, struct version *);
/* The entry has another version than before the request. */
static inline bool
entry_is_changed(const struct entry *entry)
{
    return entry->touched && entry->cur != entry->before;
}
static inline const void *
entry_row(const struct entry *entry)
{
    return entry && entry->cur ? entry->cur->row : NULL;
}

/* row-index.c */
bool name_set_add(struct name_set *, const char *name);
bool name_set_remove(struct name_set *, const char *name);
/* The index of the first name greater than 'name'. */
size_t name_set_upper(const struct name_set *, const char *name);
/* Adds a version of an entry to all indexes, or removes it. */
void index_version(struct model *, const struct entry *,
                   const struct version *, bool add);
void index_put(struct model *, int index, const char *key, const char *name,
               bool add);
const struct name_set *index_get(const struct model *, int index,
                                 const char *key);
/* Reports the keys of indexes of enum vmn_index at which only one of the two
 * versions is.  Either may be NULL. */
void index_note_changes(struct model *, const struct version *,
                        const struct version *);
void index_destroy(struct model *);
static inline int
index_refs(enum vmn_table target, enum vmn_table referrer)
{
    return INDEX_REFS + target * VMN_N_TABLES + referrer;
}

/* assign.c */
/* Fills in what a new version keeps of the one before ('old' or NULL). */
void assign_kept(struct version *, const struct version *old);
/* Gives out what the touched entries lack.  Errors go to the transaction. */
void assign_missing(struct txn *);
/* Takes the reference to a loaded network's number.  Returns false if it
 * belongs to another. */
bool assign_load_vni(struct model *, struct version *);

/* ipam.c */
/* An address of the subnet that nobody has: what is kept for 'port', or what
 * follows from its MAC where the subnet says so, or the next one.  Family 0 if
 * there is none. */
struct vmn_ip address_find(struct model *, struct entry *network,
                           const struct vmn_subnet *,
                           const struct vmn_port *port);
/* The subnet that an address is of, or NULL. */
const struct vmn_subnet *address_subnet(const struct vmn_network *,
                                        const struct vmn_ip *);
/* Returns true if a port that asks for no address might be given 'ip', whoever
 * has it now, reserved or not. */
bool address_is_given_out(const struct vmn_subnet *, const struct vmn_port *,
                          const struct vmn_ip *ip);
/* For whom an address is kept, or NULL. */
const struct vmn_reservation *address_reservation(const struct vmn_subnet *,
                                                  const struct vmn_ip *);
/* Takes back what was given out since there were 'n' notes of it in the model's
 * 'cursors'. */
void address_undo(struct model *, size_t n);
/* Forgets those notes: what they are of is settled. */
void address_settle(struct model *);
/* Forgets about subnets that a network does not have any more. */
void address_forget(struct entry *network);

/* builtin-rows.c */
/* Adds the rows that are always there. */
void builtin_add(struct model *);

/* row-checks.c */
/* Checks the touched entries against everything else, as it is now. */
void check_touched(struct txn *);
/* Checks one entry; errors go to 'pointer' and on. */
void check_refs(struct txn *, const struct entry *, const char *pointer);

/* rights.c */
/* How far is followed what acts on what, and what refers to what: groups are
 * not so many inside of each other, nor are balancers (VMN_LB_FALLBACKS_MAX),
 * but a request that is to be refused for that may say so. */
#define RIGHTS_DEPTH_MAX 24
/* What was found out while a request is checked, so that nothing is looked at
 * more than once. */
struct rights_memo {
    struct sset within;         /* "TABLE/NAME" of what acts on nothing... */
    struct sset outside;        /* ...or on something that is not within the
                                 * scope. */
    struct sset unused;         /* Groups that others do not depend on. */
    bool has_scopes;            /* The rest is filled in: */
    size_t n_scopes, allocated_scopes;
    const struct vmn_selector **scopes; /* Of other operators, neither apart
                                         * from the account's nor inside. */
};
/* Checks that whoever asks may do what is about to be done. */
void check_rights(struct txn *);
/* Returns true if 'row' is within the scope, or if there is none. */
bool rights_own(const struct model_rights *, const struct vmn_row *row);
/* The row as it was before the request, or as it is if that makes it; NULL if
 * there is none. */
const struct vmn_row *rights_row(const struct txn *, enum vmn_table,
                                 const char *name);

/* Returns true if the account, which has a scope, may change 'row': it is
 * within the scope, acts on nothing else, and decides in no tier but the
 * account's. */
bool rights_may_change(const struct txn *, const struct vmn_row *row);

/* port-rights.c; for accounts with a scope. */
/* Checks a port that was made, changed or deleted. */
void check_port_rights(struct txn *, const struct entry *port);
/* Returns true if the network of 'port' is within the scope. */
bool rights_own_network(const struct txn *, const struct vmn_row *port);

/* shared-rights.c; for accounts with a scope. */
/* Checks what the change of an object does to those of others that depend on
 * it. */
void check_shared_rights(struct txn *, const struct entry *);

/* The network's subnets and gateways are what they were. */
bool network_keeps_subnets(const struct entry *);

/* quota-limits.c */
/* Checks what is touched against the quotas of whoever asks. */
void check_quotas(struct txn *);

/* no-effect.c */
/* Reports what the request writes to 'entry' and can never have an effect. */
void check_effect(struct txn *, const struct entry *);

/* unreachable-rules.c */
/* Checks the rules of a policy against each other. */
void check_rules(struct txn *, const struct entry *);

/* router-addresses.c */
/* Gives out the MAC address of a router that has none. */
void route_assign_mac(struct txn *, struct entry *);
/* The router but 'except' that has 'ip' in the network, or NULL. */
const char *route_find_router(const struct model *, const char *network,
                              const struct vmn_ip *, const char *except);
/* Checks a router, a network with its routers, and a port or a balancer among
 * the routers of its networks, against each other. */
void check_router(struct txn *, const struct entry *);
void check_network_routers(struct txn *, const struct entry *);
/* Reports to 'field' of 'where' if 'ip' is a router's address in 'network'. */
void check_no_router_has(struct txn *, const struct entry *where,
                         const char *field, const char *network,
                         const struct vmn_ip *ip);
/* Reports a port whose MAC address is a router's in 'network'. */
void check_no_router_has_mac(struct txn *, const struct entry *where,
                             const char *network, struct vmn_mac);

/* reserved-mac.c */
void check_reserved_macs(struct txn *, const struct entry *);
/* allowed-addresses.c */
/* Checks what is new in a port's 'allowed_addresses' against what others
 * have. */
void check_allowed(struct txn *, const struct entry *port);
/* Reports to 'field' of 'where' if a port of 'network' is allowed 'ip': another
 * one than 'where', if that is a port. */
void check_is_not_allowed(struct txn *, const struct entry *where,
                          const char *field, const char *network,
                          const struct vmn_ip *ip);
/* Checks what is new of a port's own addresses against what others are
 * allowed. */
void check_port_is_not_allowed(struct txn *, const struct entry *port);

/* trunk-ports.c */
void check_port_trunk(struct txn *, const struct entry *where,
                      const struct vmn_port *);

/* provider-network.c */
void check_provider(struct txn *, const struct entry *network);
void check_port_external(struct txn *, const struct entry *where,
                         const struct vmn_port *,
                         const struct vmn_network *);
/* Reports to 'field' of 'where' if 'network' is a provider network, and so
 * cannot have 'what' ("ports"). */
void check_is_overlay(struct txn *, const struct entry *where,
                      const char *field, const char *network,
                      const char *what);

/* external-addresses.c */
void check_external(struct txn *, const struct entry *router);
void check_floating_ip(struct txn *, const struct entry *floating);
/* What changed beneath external addresses: a network, or a port. */
void check_network_external(struct txn *, const struct entry *network);
void check_port_floating(struct txn *, const struct entry *port);
void check_vip_others(struct txn *, const struct entry *,
                      const struct vmn_loadbalancer *, const char *network);
void check_lb_floating(struct txn *, const struct entry *lb);
/* The router or floating address that has 'ip' in the external network, and
 * '*table' of which it is; or NULL. */
const char *external_find(const struct model *, const char *network,
                          const struct vmn_ip *ip, enum vmn_table *table);

/* routing-domain.c */
/* Checks that a balancer's virtual IP is its own in all that routers join to its
 * networks. */
void check_vip_domain(struct txn *, const struct entry *,
                      const struct vmn_loadbalancer *);
/* Checks what was touched for subnets that overlap inside of a domain. */
void check_domains(struct txn *);

/* virtual-ip.c */
/* Reports a balancer's virtual IP that is a host's own, whatever network. */
void check_vip_loopback(struct txn *, const struct entry *balancer);
/* Reports to 'field' of 'where' if the virtual IP of 'balancer' is an address
 * of a subnet of 'network' that no host may have. */
void check_vip_fits(struct txn *, const struct entry *where,
                    const char *field, const struct entry *balancer,
                    const struct entry *network);

/* group-nesting.c */
/* Checks how the groups that were touched are inside of each other. */
void check_nesting(struct txn *);

/* transaction.c */
void txn_error(struct txn *, const struct entry *, enum vmn_error_code,
               const char *field, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Returns true if the account that makes the request may know of the object:
 * it sees it, or names it itself. */
bool txn_shows(const struct txn *, enum vmn_table, const char *name);
/* Returns 'TYPE "NAME"' for a text that the account gets, or that it is
 * somebody else's, if that is not for it to know.  Any object that a text
 * names and that may be another than the one that the text is about goes
 * through here.  The string lives as long as the transaction. */
const char *txn_name(struct txn *, enum vmn_table, const char *name);
/* Allocated; the caller frees it. */
char *txn_pointer(const struct txn *, const struct entry *,
                  const char *field);
void txn_set(struct txn *, struct entry *, struct version *);

/* cascade.c */
void delete_asked(struct txn *);

/* request.c */
/* What the op asks for as a whole object, with what PATCH and apps keep of
 * 'old'.  The caller owns it. */
json_t *spec_of_op(const struct model_op *, const struct version *old,
                   bool is_daemon);

#endif /* controller/model/model-private.h */
