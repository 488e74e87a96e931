/* SPDX-License-Identifier: Apache-2.0
 *
 * What a table's rows mean for other rows: one constant descriptor a table, in
 * the file of its resource (model-port.c).  The rest of the model walks these
 * and names no table.  What concerns one row alone is said by its description
 * (schema.h). */

#ifndef CONTROLLER_MODEL_MODEL_CLASS_H
#define CONTROLLER_MODEL_MODEL_CLASS_H 1

#include "controller/model/model-private.h"

struct index_sink;
struct txn;
struct usage;

/* Any slot may be NULL. */
struct model_class {
    /* Called when another version of row 'name' is the current one, or none
     * (NULL): by a request, as it is taken back, loaded or replicated. */
    void (*current)(struct model *, const char *name, const struct vmn_row *);

    /* Indexes.  Calls index_add() for each key that the row is at, beside its
     * references and its set. */
    void (*add_keys)(const struct index_sink *, const struct vmn_row *);

    /* Assigned values.  'keep' fills in what a new version inherits from the
     * previous one ('old' or NULL), 'assign' assigns what the request left
     * open; its errors go to the transaction.  'check_loaded' returns which of
     * these a stored row lacks, or NULL, and references its IDs.  'settled' is
     * called once an entry's change is durable. */
    void (*keep)(struct version *, const struct version *old);
    void (*assign)(struct txn *, struct entry *);
    const char *(*check_loaded)(struct model *, struct version *);
    void (*settled)(struct model *, struct entry *);

    /* Returns the spec of a PUT or PATCH, of which it takes ownership, with
     * what follows from the state; 'old' may be NULL.  Errors go to the
     * transaction; what the description rejects is none of its business. */
    json_t *(*complete)(struct txn *, const struct model_op *, json_t *spec,
                        const struct version *old);

    /* Checks, in this order; errors go to the transaction.  'check_written'
     * of an operation alone ('old' may be NULL); then, against the state at
     * the end of the request: 'check_request' and 'check_effect' of what the
     * request names (the latter: what can never have an effect), 'check' of
     * all that changed, and 'check_all', once, of the table as a whole. */
    void (*check_written)(struct txn *, struct model_op *,
                          const struct vmn_row *, const struct vmn_row *old);
    void (*check_request)(struct txn *, const struct entry *);
    void (*check_effect)(struct txn *, const struct entry *);
    void (*check)(struct txn *, const struct entry *);
    void (*check_all)(struct txn *);
    /* What there is, for an error about a name that is not there.  The caller
     * frees the text. */
    char *(*list)(const struct model *);

    /* Rights of accounts with a scope.  'check_rights' of what was made,
     * changed or deleted; 'check_users' of what was changed and others may
     * use.  'tier' is that in which the row decides, or NULL; 'refuse_tier'
     * reports that it is not for the account (there if 'tier' is). */
    void (*check_rights)(struct txn *, const struct entry *);
    void (*check_users)(struct txn *, const struct entry *);
    const char *(*tier)(const struct vmn_row *);
    void (*refuse_tier)(struct txn *, const struct entry *,
                        const struct vmn_row *);

    /* Quotas.  Sets what a row uses up besides itself, in a zeroed struct.
     * 'limit' is the name of the limit on how many rows there are, an int at
     * 'limit_offset' of struct vmn_quota.  'changed' is called, in place of
     * counting, for rows that say what is counted. */
    void (*count)(const struct vmn_row *, struct model_usage *used);
    const char *limit;
    size_t limit_offset;
    void (*changed)(struct usage *, const struct vmn_row *before,
                    const struct vmn_row *after);
};

/* By enum vmn_table; see tables.c. */
extern const struct model_class *const model_classes[VMN_N_TABLES];

/* Fills in what 'version', whose row is known, keeps of 'old', which may be
 * NULL. */
static inline void
version_keep(const struct model *model, struct version *version,
             const struct version *old)
{
    const struct model_class *class = model->classes[version->row->table];

    if (class->keep) {
        class->keep(version, old);
    }
    unknown_keep(version, old);
}

#endif /* controller/model/model-class.h */
