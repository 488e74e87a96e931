/* SPDX-License-Identifier: Apache-2.0
 *
 * Indexes over current rows.  For controller/model alone; apps and others read
 * those of enum vmn_index by model_lookup(). */

#ifndef CONTROLLER_MODEL_ROW_INDEX_H
#define CONTROLLER_MODEL_ROW_INDEX_H 1

#include "controller/model/model-private.h"

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
    INDEX_OVSDB,                /* Hosts that are dialled. */
    INDEX_TUNNEL_FAMILY,        /* Hosts of one family, by "4" or "6". */
    INDEX_PROVIDER,             /* Networks by "PHYSICAL/VLAN". */
    INDEX_EXTERNAL_IP,          /* Routers by "EXTERNAL-NETWORK/IP". */
    INDEX_FLOATING_IP,          /* Floating addresses by "ROUTER/IP". */
    INDEX_FLOATING_BY_LB,       /* The same by balancer. */
    INDEX_POSITION,             /* Tiers. */
    INDEX_PRIORITY,             /* Policies by "TIER/PRIORITY". */
    INDEX_SET,                  /* + table: rows by meta.set. */
    INDEX_UNKNOWN = INDEX_SET + VMN_N_TABLES,
                                /* + table: rows with unknown fields, at
                                 * "". */
    INDEX_REFS = INDEX_UNKNOWN + VMN_N_TABLES,
                                /* + target table * VMN_N_TABLES + referrer's
                                 * table: referrers by target's name. */
    N_INDEXES = INDEX_REFS + VMN_N_TABLES * VMN_N_TABLES,
};

static inline int
index_refs(enum vmn_table target, enum vmn_table referrer)
{
    return INDEX_REFS + target * VMN_N_TABLES + referrer;
}

/* Reading.  The set of an index at 'key', which may be empty. */
const struct name_set *index_get(const struct model *, int index,
                                 const char *key);
/* The other name at 'key', or NULL if 'name' has it alone. */
const char *index_find_other(const struct model *, int index,
                             const char *key, const char *name);
/* The same for the key "WHERE/TEXT". */
const char *index_find_other_in(const struct model *, int index,
                                const char *where, const char *text,
                                const char *name);

/* Adds 'name', which is an entry's, or removes it. */
void index_put(struct model *, int index, const char *key, const char *name,
               bool add);
/* Adds a version of an entry to all indexes, or removes it. */
void index_version(struct model *, const struct entry *,
                   const struct version *, bool add);
/* Has an entry that is in all indexes as its version 'from' be there as 'to';
 * NULL: it is in none.  What both have is left alone: the sets may be long.
 * 'note': reports keys as index_note_changes() would. */
void index_change(struct model *, const struct entry *,
                  const struct version *from, const struct version *to,
                  bool note);
/* Reports the keys of indexes of enum vmn_index at which only one of the two
 * versions is.  Either may be NULL. */
void index_note_changes(struct model *, const struct version *,
                        const struct version *);
void index_destroy(struct model *);

/* For struct model_class's 'add_keys': where a row's keys go. */
typedef void index_cb(void *aux, int index, const char *key);
struct index_sink {
    index_cb *cb;
    void *aux;
    const struct vmn_row *row;
};
void index_add(const struct index_sink *, int index, const char *key);
/* A key of two texts with a character between them. */
void index_add_joined(const struct index_sink *, int index, const char *a,
                      char between, const char *b);
/* The label that all that 'selector' selects have, as app.h says. */
void index_add_anchor(const struct index_sink *, int index,
                      const struct vmn_selector *);

#endif /* controller/model/row-index.h */
