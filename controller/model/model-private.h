/* SPDX-License-Identifier: Apache-2.0
 *
 * The insides of the model, shared by its .c files alone. */

#ifndef CONTROLLER_MODEL_MODEL_PRIVATE_H
#define CONTROLLER_MODEL_MODEL_PRIVATE_H 1

#include "controller/model/gateway-hosts.h"
#include "controller/model/model.h"
#include "controller/model/name-set.h"
#include "controller/model/warnings.h"
#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct id_entry;
struct model_class;
struct request_keys;
struct usage;

/* Where the search for a free address of a subnet goes on. */
struct address_cursor {
    char subnet[VALUE_PREFIX_SIZE]; /* As a prefix. */
    uint64_t next;              /* Index of the address. */
};

/* One version of a row, with all that belongs to it. */
struct version {
    unsigned int n_refs;        /* The model's, and operations' that made it
                                 * (struct model_op). */
    struct arena arena;         /* Of 'row' and what 'meta' has. */
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
    bool follows;               /* As in struct model_write. */
    size_t n_cursors, allocated_cursors;
    struct address_cursor *cursors; /* Of networks. */

    /* While a request is applied. */
    bool touched;               /* In txn's 'touched'. */
    struct version *before;     /* What 'cur' was. */
    struct version *after;      /* What it is, while that is put back. */
    struct model_op *op;        /* The one that names it, or NULL. */
    bool cascade;               /* Deleted; what refers to it follows, */
    const struct model_op *cause; /* as this operation says, of the request. */
};

struct model_table {
    struct hmap entries;        /* Of struct entry. */
    struct name_set all;        /* Of all entries. */
    struct name_set cur;        /* Of those with a current version. */
};

struct model {
    const struct model_class *const *classes; /* By enum vmn_table. */
    struct id_pools *id_pools;
    struct usage *usage;        /* Of quotas. */
    struct time_zones *time_zones; /* That have been asked for. */
    struct model_table tables[VMN_N_TABLES];
    struct hmap index;          /* Of struct index_node. */

    uint64_t revision;
    uint64_t durable_revision;

    bool replicated;            /* model_set_replicated(). */
    bool is_put_back;           /* model_is_put_back(). */
    const char *no_listener;    /* model_set_no_listener(). */
    model_provider_fault_cb *provider_fault; /* Or NULL. */
    const void *provider_fault_aux;
    model_host_left_cb *host_left; /* Or NULL. */
    const void *host_left_aux;

    model_bind_cb *bind;        /* Or NULL. */
    void *bind_aux;

    void (*yield)(void *aux);   /* Or NULL. */
    void *yield_aux;

    /* By place: what objects of the types that apps declare are parsed by, or
     * NULL: there is no such type. */
    const struct schema_table *own[VMN_OWN_TYPES_MAX];
    bool shows_types;           /* model_show_types(). */
    model_check_object_cb *check_object; /* Or NULL. */
    void *check_object_aux;

    struct hmap changes;        /* Of struct change_node, each once. */
    struct ovs_list change_list; /* The same, oldest first. */

    /* Since the last model_settle() or model_undo(). */
    size_t n_dirty, allocated_dirty;
    struct entry **dirty;
    size_t n_garbage, allocated_garbage;
    struct version **garbage;   /* Neither current nor durable any more. */
    size_t n_logs, allocated_logs;
    struct model_log *logs;     /* Their texts are owned. */
    struct request_keys *request_keys; /* Theirs, too. */
    size_t n_cursors, allocated_cursors;
    struct former_cursor *cursors; /* Oldest first. */
    struct model_write *writes; /* What model_get_pending() returned. */
};

/* What a cursor of a network was before. */
struct former_cursor {
    char *network;              /* Owned. */
    struct address_cursor before;
};

/* rows.c */
struct entry *model_find(const struct model *, enum vmn_table,
                         const char *name);
struct entry *model_find_or_add(struct model *, enum vmn_table,
                                const char *name);
/* Frees an entry that has no version. */
void model_drop_if_empty(struct model *, struct entry *);
void entry_destroy(struct model *, struct entry *);
/* Makes 'version' current; the caller keeps or frees what was. */
void model_set_cur(struct model *, struct entry *, struct version *);
/* The same, and model_note_versions() of what was and is. */
void model_change_cur(struct model *, struct entry *, struct version *);
/* Has 'version' freed once all is settled. */
void model_add_garbage(struct model *, struct version *);
/* Notes that 'entry' went from one version to another; either may be NULL. */
void model_note_versions(struct model *, const struct entry *,
                         const struct version *from,
                         const struct version *to);
/* Notes that 'entry' differs from what is durable. */
void model_mark_dirty(struct model *, struct entry *);
/* Appends an entry to the log, which the caller fills in. */
struct model_log *model_add_log(struct model *);
struct version *version_create(void);
/* Has the model give it up: it has no VNI any more.  It is freed with its last
 * reference. */
void version_destroy(struct model *, struct version *);
struct version *version_ref(struct version *);
void version_unref(struct version *);
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

/* load-stored-rows.c */
/* Returns a version of a row; arguments as those of model_load_row().  NULL:
 * there are errors. */
struct version *model_version_parse(struct model *, enum vmn_table,
                                    const char *name, json_t *spec,
                                    json_t *status,
                                    const struct model_meta *,
                                    struct vmn_errors *);

/* unknown-fields.c */
/* Puts what 'meta' has of unknown fields into 'spec' and 'status', takes out
 * what the struct of rows does not have, and has 'version' keep it; errors are
 * those of the row at 'pointer'. */
void unknown_load(struct version *version, const struct schema_struct *,
                  json_t *spec, json_t *status, const struct model_meta *,
                  const char *pointer, struct vmn_errors *);
/* Has a new version of a row keep what 'old' (or NULL) had. */
void unknown_keep(struct version *, const struct version *old);

/* builtin-rows.c */
/* Adds the rows that are always there. */
void builtin_add(struct model *);

#endif /* controller/model/model-private.h */
