/* SPDX-License-Identifier: Apache-2.0
 *
 * The state: typed tables of immutable rows in memory, with indexes,
 * validation across objects, and revisions.  Desired and observed tables
 * alike.  Not for durability (store/), and not for what follows from the
 * state (engine/).
 *
 * Two versions of each row may exist: the current one, which the engine
 * compiles from, and the durable one, which is what users are shown.  They
 * differ only while the store is writing.  model_settle() makes the current
 * state the durable one; model_undo() goes back. */

#ifndef CONTROLLER_MODEL_MODEL_H
#define CONTROLLER_MODEL_MODEL_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/error.h"
#include "controller/schema/tables.h"
#include "vmn/app.h"

struct arena;
struct ds;
struct model;
struct id_pools;

struct model *model_create(void);
void model_destroy(struct model *);

/* Has 'yield' called while a large change is applied, settled or undone, where
 * others may read what is durable.  They must not change the model. */
void model_set_yield(struct model *, void (*yield)(void *aux), void *aux);
/* Calls it.  For those who read a large change, too. */
void model_yield(const struct model *);

/* The stored table (kind, key) -> number.  Owned by the model. */
struct id_pools *model_id_pools(struct model *);

/* Reading.  ------------------------------------------------------------- */

/* What is known of a row besides its content. */
struct model_meta {
    uint64_t revision;          /* That made this version; also the ETag. */
    int64_t created_ms;         /* Wall clock, since 1970. */
    int64_t updated_ms;         /* When this version was made. */
    const char *set;            /* Of POST /v1/apply?prune=SET, or NULL. */
};

/* The current row, or NULL.  Valid until model_settle() or model_undo()
 * after the next model_apply(). */
const void *model_get(const struct model *, enum vmn_table, const char *name);

/* The durable row, or NULL; 'meta', if not NULL, is filled in. */
const void *model_get_durable(const struct model *, enum vmn_table,
                              const char *name, struct model_meta *meta);

/* Names of all current rows of a table, sorted.  Valid until the next
 * model_apply() or model_undo(). */
struct vmn_names model_names(const struct model *, enum vmn_table);

/* The first durable row whose name is greater than 'after' ("" for the
 * first), or NULL at the end.  Costs O(log n). */
const void *model_next_durable(const struct model *, enum vmn_table,
                               const char *after, struct model_meta *meta);

/* Names of the current rows at 'key' of 'index', sorted.  Valid until the
 * next model_apply() or model_undo(). */
struct vmn_names model_lookup(const struct model *, enum vmn_index,
                              const char *key);

/* Names of the current rows of table 'referrer' that name row 'name' of
 * 'target', sorted.  As model_lookup(). */
struct vmn_names model_referrers(const struct model *, enum vmn_table target,
                                 const char *name, enum vmn_table referrer);

/* The port of 'network' that has address 'ip' as its own, in the form of
 * inet_ntop(), or NULL.  As model_lookup(). */
const char *model_find_address(const struct model *, const char *network,
                               const char *ip);

/* The same in 'network', or in one that routers join to it. */
const char *model_find_routed_address(const struct model *,
                                      const char *network, const char *ip);

/* True for rows that are always there: of revision 0, never changed, deleted
 * or stored. */
bool model_is_builtin(enum vmn_table, const char *name);

uint64_t model_revision(const struct model *);          /* Current. */
uint64_t model_durable_revision(const struct model *);

/* Appends a row as the API shows it: the members "name", "metadata", "spec"
 * and "status" of an object, as JSON text, without the object's braces.
 * Metadata holds "revision", "etag", "created", "updated" (not of what is
 * built in) and perhaps "set"; "status", which is last, what was assigned
 * ("mac", "ips", "vni"). */
void model_row_print(const struct vmn_row *, const struct model_meta *,
                     struct ds *);

/* How many addresses of a subnet are given out to ports that ask for none. */
struct model_subnet_usage {
    uint64_t size;              /* All of them. */
    uint64_t used;              /* Those that somebody has, or that are kept
                                 * for somebody. */
};
/* Fills in 'uses', one for each subnet of the network. */
void model_get_subnet_usage(const struct model *, const struct vmn_network *,
                            struct model_subnet_usage *uses);

/* Writing.  ------------------------------------------------------------- */

enum model_op_kind {
    MODEL_PUT,                  /* Create or replace; 'spec' is the object. */
    MODEL_PATCH,                /* RFC 7396 on the spec. */
    MODEL_DELETE,
};

enum model_outcome {
    MODEL_UNCHANGED,
    MODEL_CREATED,
    MODEL_UPDATED,
    MODEL_DELETED,
};

struct model_op {
    enum model_op_kind kind;
    enum vmn_table table;
    char *name;                 /* Owned. */
    json_t *spec;               /* Owned; NULL for DELETE. */
    char *if_match;             /* ETag without quotes, "*", or NULL. */
    bool cascade;               /* DELETE: take the references to it out of
                                 * others; those that cannot be without go,
                                 * too. */
    bool missing_ok;            /* DELETE: absent is fine. */
    /* Filled in by model_apply(). */
    enum model_outcome outcome;
    uint64_t revision;          /* Of the row afterwards. */
};

/* What somebody may see and change; see rights.c. */
struct model_rights {
    uint64_t tables;            /* Bits of enum vmn_table, of what he may
                                 * change. */
    /* If 'scope.text' is not NULL, only objects whose labels it selects, as
     * they are before and after; these act only on objects that it selects,
     * and mention only objects that he sees. */
    struct vmn_selector scope;
    struct vmn_selector reads;  /* What he sees besides; text NULL: nothing. */
    /* With 'scope': the same as of struct vmn_account. */
    size_t n_tiers;
    const char *const *tiers;
    const char *iface_ids;
    struct arena *arena;        /* Of all of these.  Owned. */
};
/* Those of 'account', of which the rest is copied.  What is of the whole
 * installation is left out of 'tables' if it has a scope. */
struct model_rights *model_rights_create(uint64_t tables,
                                         const struct vmn_account *account);
struct model_rights *model_rights_clone(const struct model_rights *);
/* Returns true if they say the same as the account, but for 'tables'. */
bool model_rights_are_of(const struct model_rights *,
                         const struct vmn_account *);
void model_rights_destroy(struct model_rights *);
/* True if whoever has 'rights' (NULL: everything) sees 'row'.  Hosts, tiers
 * and apps are everybody's to see. */
bool model_sees(const struct model_rights *, const struct vmn_row *);

/* True if whoever has 'rights' (NULL: everything) may change 'row' in some
 * way: its type is among theirs, and it is within their scope. */
bool model_may_change(const struct model_rights *, const struct vmn_row *);

/* How much of a quota is used. */
struct model_usage {
    int64_t objects[VMN_N_TABLES];
    int64_t addresses, members, rules;
};
/* Calls 'cb' for each limit that a quota can have, with how much of it is used
 * and what it is (-1: there is none).  Nothing for a quota that is not in
 * effect yet. */
typedef void model_quota_cb(void *aux, const char *limit, int64_t used,
                            int64_t max);
void model_quota_each(const struct model *, const struct vmn_quota *,
                      model_quota_cb *, void *aux);

/* Calls 'cb' for each quota whose objects 'row' is among. */
void model_quotas_of(const struct model *, const struct vmn_row *,
                     void (*cb)(void *aux, const char *quota), void *aux);
/* True if requests with 'rights' (NULL: everything) are held to the quota. */
bool model_quota_binds(const struct vmn_quota *, const struct model_rights *);

/* Several operations as one transaction. */
struct model_request {
    char *who;                  /* "unix:uid=0", "host:hv1", "vmnd". Owned. */
    struct model_rights *rights; /* NULL: everything.  Owned. */
    bool list;                  /* Error pointers start with "/INDEX". */
    char *prune_set;            /* Or NULL.  Owned. */
    size_t n_ops;
    size_t allocated_ops;
    struct model_op *ops;       /* Owned. */
    /* Filled in by model_apply(): what else of what users ask for changed, by
     * a cascade or a prune: [{"op", "type", "name"}, ...] as in the log.  NULL
     * if nothing did.  Owned. */
    json_t *also;
};

void model_request_init(struct model_request *, const char *who);
void model_request_uninit(struct model_request *);
/* Frees the last operation; false if there is none.  For those who free a long
 * request in slices. */
bool model_request_drop_last(struct model_request *);
/* Takes ownership of 'spec'.  The op stays valid until the next call. */
struct model_op *model_request_add(struct model_request *,
                                   enum model_op_kind, enum vmn_table,
                                   const char *name, json_t *spec);

/* Most operations in a request. */
#define MODEL_OPS_MAX 20000

/* Checks and applies 'request' to the current state: all of it, or, with
 * 'errors' filled in, nothing.  '*revision' is the new revision, or the newest
 * among the named objects if nothing changed.  Returns 0, or EINVAL.
 *
 * Observed tables are written the same way (by the fabric), and only VIF rows
 * stay out of the store.  Only 'who' "vmnd" may make, delete or describe apps;
 * others may change their 'enabled'.  That users do not write observed tables
 * is for the caller to see to (schema_table's 'observed'). */
int model_apply(struct model *, struct model_request *, int64_t now_ms,
                uint64_t *revision, struct vmn_errors *errors);

/* What changed in the current state since the last call, each once: all but
 * remarks (SCHEMA_REMARK), from which nothing follows.  Engine's input.  The
 * caller frees the array with model_changes_uninit(). */
enum model_change_kind {
    MODEL_CHANGE_ROW,           /* It came, went, or means something else. */
    MODEL_CHANGE_LABELS,        /* The labels of a row that stayed. */
    MODEL_CHANGE_INDEX,
};
struct model_change {
    enum model_change_kind kind;
    int id;                     /* enum vmn_table or enum vmn_index. */
    const char *key;            /* Row name or index key. */
};
struct model_changes {
    size_t n;
    struct model_change *changes;
};
void model_take_changes(struct model *, struct model_changes *);
void model_changes_uninit(struct model_changes *);

/* True if the current state differs from the durable one. */
bool model_is_unsettled(const struct model *);
/* Calls 'cb' for each row of 'table' in which it does, stored or not. */
void model_each_unsettled(const struct model *, enum vmn_table table,
                          void (*cb)(void *aux, const char *name), void *aux);
void model_settle(struct model *);
void model_undo(struct model *);

/* For the store.  ------------------------------------------------------- */

/* One row that is to be written: its new version, or NULL where it is gone.
 * Rows stay valid until model_settle() or model_undo(), and may be read by
 * the writer's thread until then. */
struct model_write {
    enum vmn_table table;
    const char *name;
    const struct vmn_row *row;
    struct model_meta meta;
    bool anew;                  /* It was deleted in between, and made anew:
                                 * what hung on it went along. */
};

/* One revision, for the log. */
struct model_log {
    uint64_t revision;
    int64_t time_ms;
    const char *who;
    const char *summary;        /* JSON: [{"op","type","name"}, ...]. */
    bool stored;                /* False: it only touched volatile rows. */
};

/* All stored rows and revisions that are unsettled.  Borrowed from the model
 * until it settles or undoes. */
struct model_pending {
    size_t n_writes;
    const struct model_write *writes;
    size_t n_logs;
    const struct model_log *logs;
};
void model_get_pending(struct model *, struct model_pending *);
/* True if one of the rows to be stored is of the table. */
bool model_pending_has(const struct model_pending *, enum vmn_table);
/* True if there is a row to be stored. */
bool model_has_pending(const struct model *);

/* Where a network's subnets go on giving out addresses: stored beside the
 * rows, so that a restart does not give out again what was just given back.
 * Those of a network that is written take the place of all that it had. */
struct model_cursor {
    const char *network;
    const char *subnet;         /* As a prefix. */
    uint64_t next;              /* The index of an address. */
};
struct model_cursors {
    size_t n, allocated;
    struct model_cursor *cursors; /* The caller frees it. */
};
/* What is unsettled; and all there is.  Strings are borrowed. */
void model_get_cursors(struct model *, struct model_cursors *);
void model_get_all_cursors(struct model *, struct model_cursors *);
/* Puts one back at start, after the rows.  What is of no subnet is ignored. */
void model_load_cursor(struct model *, const struct model_cursor *);

/* Puts a row back at start.  'spec' and 'status' are as model_row_print()
 * shows them ('status' holds given-out values).  References are checked by
 * model_load_done(), which also settles.  Returns 0 or EINVAL. */
int model_load_row(struct model *, enum vmn_table, const char *name,
                   const json_t *spec, const json_t *status,
                   const struct model_meta *, struct vmn_errors *);
int model_load_done(struct model *, uint64_t revision, struct vmn_errors *);

#endif /* controller/model/model.h */
