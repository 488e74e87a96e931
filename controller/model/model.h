/* SPDX-License-Identifier: Apache-2.0
 *
 * The state: typed in-memory tables of immutable rows, desired and observed,
 * with indexes, validation across objects, and revisions.  Not for durability
 * (store/), nor for what is computed from the state (engine/).
 *
 * Two versions of each row may exist: the current one, which the engine
 * compiles, and the durable one, which users see.  They differ only while the
 * store is writing.  model_settle() makes the current state the durable one;
 * model_undo() rolls the current state back. */

#ifndef CONTROLLER_MODEL_MODEL_H
#define CONTROLLER_MODEL_MODEL_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/error.h"
#include "controller/schema/schema-diff.h"
#include "controller/schema/tables.h"
#include "svec.h"
#include "vmn/app.h"

struct arena;
struct ds;
struct model;
struct id_pools;

struct model *model_create(void);
void model_destroy(struct model *);

/* Sets what vmnd has to say of hosts that are to connect to it, since it does
 * not listen for them: a constant; NULL, the default: nothing. */
void model_set_no_listener(struct model *, const char *text);
const char *model_no_listener(const struct model *);

/* Has rows that only members of a cluster store (schema_table's 'replicated')
 * be stored.  To be called before anything is loaded. */
void model_set_replicated(struct model *);

/* Sets a function that is called while a large change is applied, settled or
 * undone.  It may read the durable state, and must not change the model. */
void model_set_yield(struct model *, void (*yield)(void *aux), void *aux);
/* Calls the function of model_set_yield().  For readers of a large change,
 * too. */
void model_yield(const struct model *);
/* Returns true while the current rows are those before the request that is
 * being applied: it is compared with them, which takes long. */
bool model_is_put_back(const struct model *);

/* Sets a function that decides where a port is bound that was bound to
 * 'binding', as the current rows are while a request is applied: the host may
 * be gone, and the port's row another.  It returns the spec of the port's
 * BINDING row, which the caller owns, or NULL: it is unbound.  It must only
 * read.  Without it, bindings change by requests that name them alone, and
 * with their hosts. */
typedef json_t *model_bind_cb(void *aux, const struct vmn_port *port,
                              const struct vmn_binding *binding);
void model_set_bind(struct model *, model_bind_cb *, void *aux);

/* Returns the description of a table, as this model has it: of a place for a
 * type that apps declare it may not be what schema_tables[] shows; there it is
 * NULL if the model has no such type. */
const struct schema_table *model_table(const struct model *, enum vmn_table);

/* Has schema_tables[] show the types that apps declare as this model has them:
 * to be called for the daemon's own, before it is loaded. */
void model_show_types(struct model *);

/* Sets a function that looks at an object that a request writes, of a type
 * whose app has a check: faults are added to 'faults', with pointers into the
 * object.  It may call model_yield().  '*checked' is kept in the request's
 * operation, from 0 on.  If all faults are VMN_ERR_BUSY, the request may be
 * applied once more. */
typedef void model_check_object_cb(void *aux, const struct vmn_type_row *type,
                                   const struct vmn_row *object,
                                   uint64_t *checked,
                                   struct vmn_errors *faults);
void model_set_check_object(struct model *, model_check_object_cb *,
                            void *aux);

/* Returns the ID pools, which are stored with the model and owned by it. */
struct id_pools *model_id_pools(struct model *);

/* Returns the time zones that have been asked for, which may be asked for
 * more; owned by the model. */
struct time_zones *model_time_zones(const struct model *);

/* Reading.  ------------------------------------------------------------- */

/* Metadata of a row. */
struct model_meta {
    uint64_t revision;          /* That made this version; also the ETag. */
    int64_t created_ms;         /* Wall clock, since 1970. */
    int64_t updated_ms;         /* When this version was made. */
    const char *set;            /* Of POST /v1/apply?prune=SET, or NULL. */
    const char *unknown;        /* What this version does not know of the row
                                 * and keeps (unknown-fields.c): JSON; or
                                 * NULL. */
};

/* Returns the current row, or NULL.  Valid until model_settle() or
 * model_undo() after the next model_apply(). */
const void *model_get(const struct model *, enum vmn_table, const char *name);

/* Returns the durable row, or NULL; fills in 'meta' if that is not NULL. */
const void *model_get_durable(const struct model *, enum vmn_table,
                              const char *name, struct model_meta *meta);

/* Fills in the difference between the current row and the durable one, both of
 * which must exist; see schema-diff.h. */
void model_diff(const struct model *, enum vmn_table, const char *name,
                size_t max, struct arena *, struct schema_diff *);

/* Returns the names of all current rows of a table, sorted.  Valid until the
 * next model_apply() or model_undo(). */
struct vmn_names model_names(const struct model *, enum vmn_table);

/* Returns the first durable row whose name is greater than 'after' ("" for the
 * first), or NULL at the end.  O(log n). */
const void *model_next_durable(const struct model *, enum vmn_table,
                               const char *after, struct model_meta *meta);
/* The same for reading all of a table, row by row: '*at', which is 0 at first,
 * says where 'after' was found, and usually is still. */
const void *model_walk_durable(const struct model *, enum vmn_table,
                               const char *after, size_t *at,
                               struct model_meta *meta);

/* Returns the names of the current rows at 'key' of 'index', sorted.  Valid
 * until the next model_apply() or model_undo(). */
struct vmn_names model_lookup(const struct model *, enum vmn_index,
                              const char *key);

/* Returns the names of the current rows of table 'referrer' that refer to row
 * 'name' of 'target', sorted.  As model_lookup(). */
struct vmn_names model_referrers(const struct model *, enum vmn_table target,
                                 const char *name, enum vmn_table referrer);

/* Returns the names of ports that may match 'selector', sorted: all that do
 * match are among them.  As model_lookup(). */
struct vmn_names model_selector_candidates(const struct model *,
                                           const struct vmn_selector *);

/* Returns the port of 'network' that owns address 'ip' (as inet_ntop() formats
 * it), or NULL.  As model_lookup(). */
const char *model_find_address(const struct model *, const char *network,
                               const char *ip);

/* Returns the port that owns 'ip' in 'network' or in one that routers join to
 * it, or NULL. */
const char *model_find_routed_address(const struct model *,
                                      const char *network, const char *ip);

/* Calls 'cb' for 'network' and for those that routers join to it, for 'max' of
 * them at most: current rows. */
typedef void model_network_cb(void *aux, const struct vmn_network *);
void model_routed_networks(const struct model *, const char *network,
                           size_t max, model_network_cb *, void *aux);

/* Returns how many current rows have fields that this version does not
 * know. */
size_t model_count_unknown(const struct model *);

/* Returns true for built-in rows: they have revision 0, and are never changed,
 * deleted or stored. */
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

/* Usage of the addresses of a subnet that are allocated to ports. */
struct model_subnet_usage {
    uint64_t size;              /* All allocatable addresses. */
    uint64_t used;              /* Those in use or reserved. */
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
    bool creates;               /* PUT: refused if it exists. */
    bool cascade;               /* DELETE: remove the references to it from
                                 * others, and delete those that require
                                 * one. */
    uint64_t cascade_since;     /* With 'cascade': refused if it would change
                                 * or delete what came, or was changed, after
                                 * this revision; 0: it may. */
    bool missing_ok;            /* DELETE: no error if it does not exist. */
    bool sets;                  /* It is to belong to 'set', unless the request
                                 * has a prune_set.  Else it stays in its
                                 * own. */
    char *set;                  /* Owned; NULL: to none. */
    uint64_t checked;           /* model_check_object_cb(). */
    /* Filled in by model_apply(). */
    enum model_outcome outcome;
    uint64_t revision;          /* Of the row afterwards. */
    const struct schema_diff *diff; /* Of what was updated, if the request
                                     * has 'diffs'; in its arena.  Or NULL. */
    struct version *made;       /* model_op_made().  Owned; or NULL. */
};

/* What an account may see and change; see rights.c. */
struct model_rights {
    uint64_t tables;            /* Bits of enum vmn_table: what the account may
                                 * change. */
    /* If 'scope.text' is not NULL, only objects whose labels it selects, both
     * before and after the change; these act only on objects that it selects,
     * and mention only objects that the account sees. */
    struct vmn_selector scope;
    struct vmn_selector reads;  /* What it sees besides; text NULL: nothing. */
    /* With 'scope': as in struct vmn_account. */
    size_t n_tiers;
    const char *const *tiers;
    const char *iface_ids;
    struct arena *arena;        /* Of all of these.  Owned. */
};
/* Returns the rights of 'account', which is copied.  If it has a scope, tables
 * that concern the whole installation are removed from 'tables'. */
struct model_rights *model_rights_create(uint64_t tables,
                                         const struct vmn_account *account);
struct model_rights *model_rights_clone(const struct model_rights *);
/* Returns true if they equal those of the account, except for 'tables'. */
bool model_rights_are_of(const struct model_rights *,
                         const struct vmn_account *);
void model_rights_destroy(struct model_rights *);
/* Returns true if 'rights' (NULL: all) allow to see 'row'.  All may see hosts,
 * tiers and apps. */
bool model_sees(const struct model_rights *, const struct vmn_row *);

/* Returns true if 'row' is within the scope of 'rights' (NULL, or without a
 * scope: all). */
bool model_in_scope(const struct model_rights *, const struct vmn_row *);
/* In place of a name that an account does not see.  No object has it. */
#define MODEL_OUT_OF_SCOPE "(out of scope)"

/* Which rows are searched: within a request, or what is done while it is
 * tried, the current ones; else the durable ones, since those that are current
 * may be of a request that is only tried, or that fails. */
enum model_state { MODEL_CURRENT, MODEL_DURABLE };

/* Returns "; did you mean \"web-1\" or \"web-2\"?" if 'name', which no row of
 * the table has that 'rights' (NULL: all) allow to see, is probably a slip of
 * these; else "".  The caller frees it.  Of a large table, names near it alone
 * are compared. */
char *model_suggestion(const struct model *, enum model_state,
                       const struct model_rights *, enum vmn_table,
                       const char *name);
/* The same for an error that is to be added to 'errors', by the current state:
 * "" once these are only counted, since a large request may have very many.
 * 'harms': a wrong object would be harmed, so one name alone, which would be
 * copied, is not suggested; those that share a word with 'name' are, too. */
struct vmn_errors;
char *model_suggestion_for(const struct vmn_errors *errors,
                           const struct model *, const struct model_rights *,
                           enum vmn_table, const char *name, bool harms);

/* Returns true if 'rights' (NULL: all) allow some change of 'row': its type is
 * among theirs, and it is within their scope. */
bool model_may_change(const struct model_rights *, const struct vmn_row *);

/* Returns true if 'rights' (NULL: all) allow no change of any object of the
 * type, and whether there is one is not to be told from how that is refused:
 * accounts, tokens, and types with secrets. */
bool model_refuses_type(const struct model_rights *, enum vmn_table);

/* Returns true if a client with 'rights' (NULL: all) is shown what is kept
 * secret of 'row': the URL of a balancer's webhook, which may be all that is
 * needed to call it, the same in a draft, and fields with SCHEMA_SECRET, for
 * those who may change it alone; and of a host all but its name, for accounts
 * without a scope. */
bool model_shows_secrets(const struct model_rights *, const struct vmn_row *);
/* Returns true if something may be missing of the row where its secrets are
 * not shown.  Goes by the type alone where the existence of a secret is not
 * shown either: otherwise the refusal of a change would reveal it. */
bool model_may_have_secrets(const struct vmn_row *);

/* Usage of a quota. */
struct model_usage {
    int64_t objects[VMN_N_TABLES];
    int64_t addresses, members, rules, object_labels, bytes;
    int64_t fqdns;              /* Peers of rules that are names in DNS. */
    int64_t memberships;        /* Of groups; see memberships.c. */
};
/* Calls 'cb' for each limit that a quota can have, with its usage and its
 * value (-1: no limit).  Does nothing for a quota that is not in effect
 * yet. */
typedef void model_quota_cb(void *aux, const char *limit, int64_t used,
                            int64_t max);
void model_quota_each(const struct model *, const struct vmn_quota *,
                      model_quota_cb *, void *aux);

/* Calls 'cb' for each quota that counts 'row', and for each account with such
 * a scope that could have one (model_find_quota()). */
void model_quotas_of(const struct model *, const struct vmn_row *,
                     void (*cb)(void *aux, const char *quota), void *aux);
/* Returns true if the quota limits requests with 'rights' (NULL: all). */
bool model_quota_binds(const struct vmn_quota *, const struct model_rights *);
/* Sets '*quota' to the limits of an account with a scope that no quota binds,
 * named "account/NAME" in 'name'.  Returns false for another account. */
#define MODEL_DEFAULT_QUOTA_SIZE (VMN_NAME_LEN + sizeof "account/")
bool model_default_quota(const struct model *, const struct vmn_account *,
                         struct vmn_quota *quota,
                         char name[MODEL_DEFAULT_QUOTA_SIZE]);
/* Sets '*quota' to the quota of that name, which may be that of an account
 * (model_default_quota()), whether or not it is in effect.  Returns false if
 * there is none. */
bool model_find_quota(const struct model *, const char *name,
                      struct vmn_quota *quota);

/* A row that a request changed besides those that it names. */
struct model_also {
    enum model_outcome outcome;
    enum vmn_table table;
    char *name;                 /* Owned. */
    const struct schema_diff *diff; /* As of struct model_op. */
};
/* So many of them are named. */
#define MODEL_ALSO_MAX 1000

/* A port that a request unbinds. */
struct model_unbound {
    char *port, *host;          /* Owned. */
    const char *field;          /* By which one of the port's spec, as
                                 * "/host"; "": by something else. */
};

/* A migration of a port that a request ends, though it does not say so of the
 * port: by what becomes of a host. */
struct model_ended_migration {
    char *port, *from, *to;     /* Owned. */
    const char *how;            /* As of migration_ended(). */
    char *reason;               /* Owned. */
    bool was_heard;             /* Its guest runs on 'to', as far as is
                                 * known. */
};

/* What a backend is to a balancer, as far as the rows say. */
enum model_backend_part {
    MODEL_BACKEND_NONE,         /* It has no connections. */
    MODEL_BACKEND_IDLE,         /* It is given none, and may have old ones, or
                                 * nobody knows. */
    MODEL_BACKEND_STANDBY,      /* It is given some while too few others
                                 * serve, which the app decides. */
    MODEL_BACKEND_SERVING,
};

/* A port that a request deletes, and a balancer that it was a backend of until
 * then. */
struct model_left_backend {
    char *balancer, *port;      /* Owned. */
    const char *field;          /* Of the balancer's spec, by which. */
    enum model_backend_part part;
};
/* So many of them are remembered. */
#define MODEL_LEFT_BACKENDS_MAX 20

/* An account that must have the right to make what another one requests. */
struct model_writer {
    struct model_author *author; /* As it was; of no token. */
    struct model_rights *rights;
};

/* How a request is checked for what it loosens (loosening.h). */
enum model_loosening {
    MODEL_LOOSENING_BOUNDED,    /* As far as that takes little time. */
    MODEL_LOOSENING_FULL,
    MODEL_LOOSENING_REFUSED,    /* The same; and it must loosen nothing. */
};

/* Returns true if 'who' is a user or a user's program: not a host, a probe or
 * vmnd. */
bool model_is_of_people(const char *who);

/* A transaction of several operations. */
struct model_request {
    char *who;                  /* "unix:uid=0", "host:hv1", "vmnd". Owned. */
    struct model_rights *rights; /* NULL: all.  Owned. */
    struct model_author *author; /* The account that must be as it was when
                                  * the request is applied (request-author.h);
                                  * NULL: it is of none.  Owned. */
    bool loads;                 /* It loads and removes apps: it writes their
                                 * modules. */
    bool has_bases;             /* The bases of drafts in it are vmnd's. */
    bool list;                  /* Error pointers start with "/INDEX". */
    bool diffs;                 /* Fill in the differences of updates. */
    bool shows;                 /* Keep what operations make, for
                                 * model_op_made(). */
    enum model_loosening loosening;
    char *prune_set;            /* Or NULL.  Owned. */
    char *comment;              /* The user's, for the log; or NULL.  Owned. */
    uint64_t undoes;            /* For the log: the revision that it takes
                                 * back, or 0. */
    struct svec left_out;       /* What it does not do or show of that, as
                                 * sentences to warn of. */
    char *draft;                /* For the log: the draft that it applies, and
                                 * who created that; or NULL.  Owned. */
    char *draft_author;
    /* Accounts that have written that draft, of limited rights: each must have
     * the right to make these changes as well.  Owned. */
    size_t n_writers;
    struct model_writer *writers;
    /* What a repeated request is recognised by (Idempotency-Key): a request
     * of the same author with this key, which a revision has already, is not
     * applied again.  NULL: it has none.  Owned, as the next. */
    char *key;
    char *digest;               /* With 'key': of all that is requested;
                                 * with another one it is refused. */
    bool repeats;               /* With 'key': it is refused unless it is a
                                 * repeated one. */
    size_t n_ops;
    size_t allocated_ops;
    struct model_op *ops;       /* Owned. */
    size_t n_checked;           /* Objects that apps have checked, whenever it
                                 * was applied. */
    /* Filled in by model_apply(): the key is that of a revision, and nothing
     * was applied. */
    bool repeated;
    /* Further changes of users' objects, by a cascade or a prune.  Owned. */
    size_t n_also;              /* Of all; MODEL_ALSO_MAX are in 'also'. */
    size_t allocated_also;
    struct model_also *also;
    struct svec emptied_groups; /* Groups whose selector some ports do not
                                 * match any more, or that list no port any
                                 * more: the first 100. */
    struct loosened *loosened;  /* What it loosens.  Owned; or NULL. */
    size_t n_left_backends;
    struct model_left_backend left_backends[MODEL_LEFT_BACKENDS_MAX];
    size_t n_unbound, allocated_unbound;
    struct model_unbound *unbound; /* Ports that are bound to no host any
                                    * more. */
    size_t n_ended, allocated_ended;
    struct model_ended_migration *ended; /* Of ports that still are. */
    struct arena *arena;        /* Of differences.  Owned; or NULL. */
    size_t n_fields;            /* In all of them. */
};

/* Returns "create", "update" or "delete", as the log says it. */
const char *model_outcome_op(enum model_outcome);

void model_request_init(struct model_request *, const char *who);
void model_request_uninit(struct model_request *);
/* Frees the last operation; returns false if there is none.  For freeing a
 * long request in time slices. */
bool model_request_drop_last(struct model_request *);
/* Returns the row as the operation of a request that 'shows' has made it, or
 * has found it unchanged, and fills in 'meta': also if another request has
 * changed it since.  NULL: it was deleted, or the request is a repeated one.
 * Valid as long as the operation. */
const struct vmn_row *model_op_made(const struct model_op *,
                                    struct model_meta *meta);
/* Takes ownership of 'spec'.  The op stays valid until the next call. */
struct model_op *model_request_add(struct model_request *,
                                   enum model_op_kind, enum vmn_table,
                                   const char *name, json_t *spec);

/* A type that an app declares. */
struct model_declared {
    const char *name;
    const char *spec;           /* As JSON. */
};

/* Returns true if a type of an app may not have that name: VMN has a type of
 * it, or /v1 something else, or vmnctl takes it for that. */
bool model_type_is_taken(const char *name);

/* Adds that the types of app 'app' are to be the 'n' ones of 'declared':
 * people's descriptions and labels stay, and so do types that it does not
 * declare any more, while there are objects of them. */
void model_request_set_types(struct model_request *, const struct model *,
                             const char *app,
                             const struct model_declared *declared, size_t n);

/* Most operations in a request. */
#define MODEL_OPS_MAX 20000

/* Checks 'request' and applies it to the current state as a whole.  Sets
 * '*revision' to the new revision, or to the newest among the named objects if
 * nothing changed; of a repeated request to the revision of the first one, and
 * all outcomes are MODEL_UNCHANGED.  Returns 0; or EINVAL with 'errors' filled
 * in and nothing applied.
 *
 * Observed tables are written in the same way (by the fabric); only VIF rows
 * are not stored.  Only 'who' "vmnd" may create, delete or describe apps;
 * others may change their 'enabled'.  The caller must make sure that users do
 * not write observed tables (schema_table's 'observed'). */
int model_apply(struct model *, struct model_request *, int64_t now_ms,
                uint64_t *revision, struct vmn_errors *errors);

/* The changes of the current state since the last call, each once, except
 * those of remarks (SCHEMA_REMARK), which have no effect.  Input of the
 * engine.  The caller frees the array with model_changes_uninit(). */
enum model_change_kind {
    MODEL_CHANGE_ROW,           /* Created, deleted, or changed in meaning. */
    MODEL_CHANGE_LABELS,        /* The labels of a row changed. */
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

/* Has revisions go on after 'revision', if it is newer.  The state must be
 * settled. */
void model_skip_revisions(struct model *, uint64_t revision);

/* Returns true if the current state differs from the durable one. */
bool model_is_unsettled(const struct model *);
/* Calls 'cb' for each row of 'table' that differs, stored or not. */
void model_each_unsettled(const struct model *, enum vmn_table table,
                          void (*cb)(void *aux, const char *name), void *aux);
void model_settle(struct model *);
void model_undo(struct model *);

/* For the store.  ------------------------------------------------------- */

/* A row that must be written: its new version, or NULL if it was deleted.
 * Rows stay valid until model_settle() or model_undo(), and may be read by the
 * writer thread until then. */
struct model_write {
    enum vmn_table table;
    const char *name;
    const struct vmn_row *row;
    struct model_meta meta;
    bool recreated;             /* Was deleted and created again in between:
                                 * rows that depended on it were deleted. */
    bool follows;               /* Its last change followed from others, and
                                 * no operation named it. */
};

/* A revision's change of an object of the users', except those that define who
 * may use the API.  Rows are valid as those of struct model_write. */
struct model_log_change {
    enum vmn_table table;
    const char *name;
    struct schema_version before, after; /* Without a row: there was or is
                                          * none. */
};
/* So many are kept of a revision. */
#define MODEL_LOG_CHANGES_MAX 1000

/* One revision, for the log. */
struct model_log {
    uint64_t revision;
    int64_t time_ms;
    const char *who;
    const char *comment;        /* The user's, or NULL. */
    uint64_t undoes;            /* The revision that it takes back, or 0. */
    const char *draft;          /* That it applied, or NULL; and */
    const char *draft_author;   /* with it, who created that. */
    const char *summary;        /* JSON: struct schema_log_entry's
                                 * 'changes'. */
    const char *set;            /* That it pruned, or NULL. */
    const char *contents;       /* What store_contents_print() printed where
                                 * it was made, if another member of the
                                 * cluster made it and it has any; or NULL. */
    const char *key;            /* As in struct model_request, or NULL; and */
    const char *digest;         /* with it. */
    bool stored;                /* False: it changed only volatile rows. */
    size_t n_changes, allocated_changes;
    struct model_log_change *changes;   /* Owned by the model. */
    size_t n_more;              /* Changes that are not among these. */
};

/* All stored rows and revisions that are not settled.  Borrowed from the model
 * until model_settle() or model_undo(). */
struct model_pending {
    size_t n_writes;
    const struct model_write *writes;
    size_t n_logs;
    const struct model_log *logs;
};
void model_get_pending(struct model *, struct model_pending *);
/* Returns the oldest revision that is not settled, as its rows or the log say;
 * the next one, if neither does. */
uint64_t model_first_unsettled(const struct model *);
/* Returns true if one of the rows to be stored is of the table. */
bool model_pending_has(const struct model_pending *, enum vmn_table);
/* Returns true if there is a row to be stored. */
bool model_has_pending(const struct model *);

/* Where the allocation of addresses of a network's subnets continues: stored
 * beside the rows, so that a restart does not reuse addresses that were just
 * released.  The cursors of a network that is written replace all that it
 * had. */
struct model_cursor {
    const char *network;
    const char *subnet;         /* As a prefix. */
    uint64_t next;              /* The index of an address. */
};
struct model_cursors {
    size_t n, allocated;
    struct model_cursor *cursors; /* The caller frees it. */
};
/* Return the cursors that are not settled; and all cursors.  Strings are
 * borrowed. */
void model_get_cursors(struct model *, struct model_cursors *);
void model_get_all_cursors(struct model *, struct model_cursors *);
/* Loads a cursor at the start, after the rows.  Ignores one without a
 * subnet. */
void model_load_cursor(struct model *, const struct model_cursor *);

/* Keys of requests.  Those of the newest revisions are kept, as long as they
 * are not older than MODEL_KEYS_MS. */
#define MODEL_KEYS_MAX 100000
#define MODEL_KEYS_MS (INT64_C(24) * 3600 * 1000)
#define MODEL_KEY_LEN 64        /* Bytes at most. */
#define MODEL_DIGEST_LEN 32     /* Hexadecimal digits. */
/* Returns true for 1 to MODEL_KEY_LEN visible ASCII characters. */
bool model_key_is_valid(const char *key);
bool model_digest_is_valid(const char *digest);
/* Returns true if a revision of the author of 'who' has the key. */
bool model_has_key(const struct model *, const char *who, const char *key,
                   int64_t now_ms);
/* Loads the key of a revision at the start, oldest first: 'revision',
 * 'time_ms', 'who', 'key' and 'digest'.  Ignores one that is not valid. */
void model_load_key(struct model *, const struct model_log *);

/* Loads a row at the start.  'spec' and 'status' are as model_row_print()
 * prints them ('status' has assigned values); 'meta->unknown' is put into
 * them, and what of all that is not known is kept.  References are checked by
 * model_load_done(), which also settles.  Returns 0 or EINVAL. */
int model_load_row(struct model *, enum vmn_table, const char *name,
                   json_t *spec, json_t *status,
                   const struct model_meta *, struct vmn_errors *);
int model_load_done(struct model *, uint64_t revision, struct vmn_errors *);

#endif /* controller/model/model.h */
