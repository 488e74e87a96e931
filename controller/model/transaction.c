/* SPDX-License-Identifier: Apache-2.0
 *
 * Applies a request: all of it or nothing.
 *
 * Operations are put into effect one after the other, deletions last, and
 * what is to be given out is given out; then everything that was touched is
 * checked against the state that came out, so the order inside of a request
 * does not matter.  With a fault anywhere, what was touched goes back. */

#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/cascade.h"
#include "controller/model/checks.h"
#include "controller/model/emptied-groups.h"
#include "controller/model/id-pools.h"
#include "controller/model/inherited-health.h"
#include "controller/model/ipam.h"
#include "controller/model/model-class.h"
#include "controller/model/quota-usage.h"
#include "controller/model/left-balancers.h"
#include "controller/model/loosening.h"
#include "controller/model/rebinding.h"
#include "controller/model/request-author.h"
#include "controller/model/request-keys.h"
#include "controller/model/request.h"
#include "controller/model/rights.h"
#include "controller/model/row-checks.h"
#include "controller/model/transaction-summary.h"
#include "controller/model/txn.h"
#include "controller/model/withdrawals.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-diff.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "util.h"

/* One operation.  --------------------------------------------------------- */

/* Returns true if the entry is a type whose app has gone. */
static bool
is_left_over(const struct txn *txn, const struct entry *entry)
{
    const struct vmn_type_row *type = (entry && entry->table == VMN_TABLE_TYPE
                                       ? entry_row(entry) : NULL);

    return type && !model_get(txn->model, VMN_TABLE_APP, type->app);
}

/* Checks what depends on the operation alone. */
static bool
check_op(struct txn *txn, const struct model_op *op,
         const struct entry *entry)
{
    const struct schema_table *table = schema_tables[op->table];
    const struct version *old = op_known(txn, op, entry);
    bool optional = op->kind == MODEL_PUT
                    || (op->kind == MODEL_DELETE && op->missing_ok);

    if (!model_table(txn->model, op->table)) {
        txn_op_error(txn, op, VMN_ERR_NOT_FOUND, "", "there is no such type");
        return false;
    }
    if (entry && entry->op && entry->op != op) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "", "names %s \"%s\" a second "
                     "time", table->singular, op->name);
        return false;
    }
    if (!check_op_shown(txn, op, old)) {
        return false;
    }
    if (!check_if_match(txn, op, old)) {
        return false;
    }
    if (table->of_daemon && !txn_may_load(txn)) {
        if (op->kind == MODEL_DELETE && (old || op->table != VMN_TABLE_TYPE)
            && !is_left_over(txn, entry)) {
            txn_op_error(txn, op, VMN_ERR_CONFLICT, "", "%s come and go with "
                         "%s", table->plural, op->table == VMN_TABLE_TYPE
                         ? "the apps that declare them"
                         : "the configuration of vmnd; disable it instead");
            return false;
        }
        optional = false;
    }
    if (op->kind == MODEL_DELETE && model_is_builtin(op->table, op->name)) {
        txn_op_error(txn, op, VMN_ERR_CONFLICT, "", "%s \"%s\" is built in",
                     table->singular, op->name);
        return false;
    }
    if (!old && !optional) {
        char *guess = model_suggestion_for(
            txn->errors, txn->model, txn->request->rights, op->table,
            op->name, op->kind == MODEL_DELETE || op->table == VMN_TABLE_HOST);

        txn_op_error(txn, op, VMN_ERR_NOT_FOUND, "",
                     "%s \"%s\" does not exist%s",
                     table->singular, op->name, guess);
        free(guess);
        return false;
    }
    return true;
}

/* Checks what the tables' descriptions cannot express. */
static void
check_row(struct txn *txn, struct model_op *op,
          const struct vmn_row *row, const struct version *old)
{
    if (model_is_builtin(row->table, row->name)
        && !schema_row_same_spec(row, old->row)) {
        txn_op_error(txn, op, VMN_ERR_CONFLICT, "",
                     "%s \"%s\" is built in, and "
                     "cannot be changed", schema_tables[row->table]->singular,
                     row->name);
    } else if (txn->model->classes[row->table]->check_written) {
        txn->model->classes[row->table]->check_written(
            txn, op, row, old ? old->row : NULL);
    }
}

/* Returns true if 'version' equals 'old'. */
static bool
is_same(const struct version *version, const struct version *old)
{
    return old && schema_row_same_spec(version->row, old->row)
           && nullable_string_is_equal(version->meta.set, old->meta.set);
}

static void
apply_write(struct txn *txn, struct model_op *op)
{
    struct entry *entry = model_find(txn->model, op->table, op->name);
    struct version *old = entry ? entry->cur : NULL;

    if (!check_op(txn, op, entry)) {
        return;
    }

    struct version *version = version_create();
    size_t n_errors = txn->errors->n;
    char *pointer = txn_op_pointer(txn, op, "");
    json_t *spec = spec_of_op(op, old, txn->request->rights,
                              txn_may_load(txn));
    const char *set = set_of_op(txn, op, old);

    if (txn->model->classes[op->table]->complete) {
        spec = txn->model->classes[op->table]->complete(txn, op, spec, old);
    }
    version->row = schema_row_parse(model_table(txn->model, op->table),
                                    op->name, spec, pointer, &version->arena,
                                    txn->errors);
    json_decref(spec);
    free(pointer);
    if (version->row) {
        check_row(txn, op, version->row, old);
    }
    if (!version->row || txn->errors->n != n_errors) {
        version_destroy(txn->model, version);
        return;
    }

    if (!entry) {
        entry = model_find_or_add(txn->model, op->table, op->name);
    }
    version->meta.set = set ? arena_strdup(&version->arena, set) : NULL;
    entry->op = op;
    txn_touch(txn, entry);
    if (is_same(version, old)) {
        version_destroy(txn->model, version);
    } else {
        version_keep(txn->model, version, old);
        txn_set(txn, entry, version);
    }
}

static void
apply_delete(struct txn *txn, struct model_op *op)
{
    struct entry *entry = model_find(txn->model, op->table, op->name);

    if (check_op(txn, op, entry) && op_known(txn, op, entry)) {
        entry->op = op;
        txn_touch(txn, entry);
    }
}

/* The end of a request.  -------------------------------------------------- */

/* Of a table's rows, those that accounts with a scope leave to others: one
 * in so many.  No tenant keeps an administrator from a quarantine, say. */
#define RESERVED_ONE_IN 10

/* Returns true if the table has more rows than before the request: who
 * deletes as many as he makes takes nothing from anybody. */
static bool
adds_rows_of(const struct txn *txn, int table)
{
    size_t made = 0, deleted = 0;

    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];

        if ((int) entry->table == table) {
            made += !entry->before && entry->cur;
            deleted += entry->before && !entry->cur;
        }
    }
    return made > deleted;
}

static void
check_bounds(struct txn *txn)
{
    const struct model_rights *rights = txn->request->rights;
    bool scoped = rights && rights->scope.text;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];
        size_t n = txn->model->tables[i].cur.n;
        size_t reserved = (scoped && !table->observed
                           ? table->max_rows / RESERVED_ONE_IN : 0);

        if (n <= table->max_rows - reserved || !adds_rows_of(txn, i)) {
            continue;
        }
        if (n > table->max_rows) {
            vmn_errors_add(txn->errors, VMN_ERR_TOO_LARGE, "",
                           "there can be at most %"PRIuSIZE" %s",
                           table->max_rows, table->plural);
        } else {
            vmn_errors_add(txn->errors, VMN_ERR_TOO_LARGE, "",
                           "there are too many %s: what is left is for "
                           "accounts without a scope", table->plural);
        }
    }
}

static void
end(struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        struct entry *entry = txn->touched[i];

        entry->touched = false;
        entry->before = NULL;
        entry->op = NULL;
        entry->cascade = false;
        entry->cause = NULL;
        model_drop_if_empty(txn->model, entry);
        model_yield(txn->model);
    }
    free(txn->touched);
    svec_destroy(&txn->names);
}

static void
roll_back(struct txn *txn)
{
    for (size_t i = txn->n_touched; i-- > 0; ) {
        struct entry *entry = txn->touched[i];
        struct version *version = entry->cur;

        if (version != entry->before) {
            model_set_cur(txn->model, entry, entry->before);
            if (version) {
                id_pools_cancel(txn->model->id_pools, version->vni);
                version->vni = NULL;
            }
            version_destroy(txn->model, version);
        }
        model_yield(txn->model);
    }
    address_undo(txn->model, txn->n_cursors);
}

/* Makes a change final: sets its metadata, records it, and prepares what the
 * store is to write. */
static void
commit_entry(struct txn *txn, struct entry *entry)
{
    struct model *model = txn->model;
    struct version *before = entry->before;
    struct version *now = entry->cur;

    entry->was_deleted |= !now;
    entry->follows = !entry->op;
    if (now) {
        id_pools_keep(now->vni);
        now->meta.revision = model->revision;
        now->meta.updated_ms = txn->now_ms;
        now->meta.created_ms = before ? before->meta.created_ms
                                      : txn->now_ms;
    }
    model_note_versions(model, entry, before, now);
    usage_change(model->usage, before ? before->row : NULL,
                 now ? now->row : NULL);
    if (before && before != entry->durable) {
        model_add_garbage(model, before);
    }
    model_mark_dirty(model, entry);
}

/* Returns the difference that the entry's update made, as far as it is to be
 * reported, or NULL. */
static const struct schema_diff *
get_diff(struct model_request *request, const struct entry *entry)
{
    return (request->diffs && entry->before && entry->cur
            && entry->before != entry->cur
            && request->n_fields < SCHEMA_DIFF_TOTAL_MAX
            ? request_diff(request, entry->before, entry->cur) : NULL);
}

/* Notes what became of 'entry', whose change is final, for the log. */
static void
log_change(struct model_log *log, const struct entry *entry)
{
    const struct schema_table *table = schema_tables[entry->table];
    const struct version *before = entry->before, *now = entry->cur;

    if (!table->stored || table->observed) {
        return;
    }
    if (table->unlogged) {
        return;
    }
    if (table->authenticates || log->n_changes >= MODEL_LOG_CHANGES_MAX) {
        log->n_more++;
        return;
    }
    if (log->n_changes >= log->allocated_changes) {
        log->changes = x2nrealloc(log->changes, &log->allocated_changes,
                                  sizeof *log->changes);
    }
    log->changes[log->n_changes++] = (struct model_log_change) {
        .table = entry->table,
        .name = now ? now->row->name : before->row->name,
        .before = { before ? before->row : NULL,
                    before ? before->meta.set : NULL },
        .after = { now ? now->row : NULL, now ? now->meta.set : NULL },
    };
}

/* Begins the entry of a revision in the log. */
static struct model_log *
add_log(struct txn *txn)
{
    struct model_log *log = model_add_log(txn->model);

    *log = (struct model_log) {
        .revision = txn->model->revision, .time_ms = txn->now_ms,
        .who = xstrdup(txn->request->who),
        .comment = nullable_xstrdup(txn->request->comment),
        .undoes = txn->request->undoes,
        .draft = nullable_xstrdup(txn->request->draft),
        .draft_author = nullable_xstrdup(txn->request->draft_author),
        .set = nullable_xstrdup(txn->request->prune_set),
        .key = nullable_xstrdup(txn->request->key),
        .digest = nullable_xstrdup(txn->request->digest),
    };
    return log;
}

/* Remembers which groups the change of 'entry' takes ports out of. */
static void
note_left_groups(struct txn *txn, const struct entry *entry)
{
    const void *now = entry->cur ? entry->cur->row : NULL;

    if (entry->table == VMN_TABLE_PORT && entry->before) {
        emptied_groups_add_of_port(txn->model, txn->request,
                                   (const void *) entry->before->row, now);
    } else if (entry->table == VMN_TABLE_GROUP && entry->before && now) {
        emptied_groups_add(txn->request,
                           (const void *) entry->before->row, now);
    }
}

static void
commit(struct txn *txn)
{
    struct model *model = txn->model;
    struct txn_summary summary = { .text = DS_EMPTY_INITIALIZER };
    struct model_log *log;

    model->revision++;
    id_pools_set_revision(model->id_pools, model->revision);
    log = add_log(txn);
    note_unbound(txn);
    note_left_balancers(txn);
    for (size_t i = 0; i < txn->n_touched; i++) {
        struct entry *entry = txn->touched[i];

        if (entry->cur != entry->before) {
            txn_summary_add(&summary, model, entry);
            if (!entry->op && !schema_tables[entry->table]->observed) {
                const struct schema_diff *diff
                    = get_diff(txn->request, entry);

                model_request_add_also(txn->request, txn_outcome(entry),
                                       entry->table, entry->name, diff);
            }
            note_left_groups(txn, entry);
            log->stored |= schema_tables[entry->table]->stored;
            commit_entry(txn, entry);
            log_change(log, entry);
        }
        model_yield(model);
    }
    log->summary = txn_summary_end(&summary, txn);
    if (log->stored) {
        request_keys_add(model->request_keys, log);
    }
}

/* Fills in the outcome of each operation.  Returns the request's revision: its
 * own if it changed anything, even what it does not name; otherwise the newest
 * of the objects that it names. */
static uint64_t
set_outcomes(struct txn *txn, bool changed)
{
    uint64_t newest = 0;

    for (size_t i = 0; i < txn->request->n_ops; i++) {
        struct model_op *op = &txn->request->ops[i];

        op->outcome = MODEL_UNCHANGED;
        op->diff = NULL;
        op->revision = 0;
        model_yield(txn->model);
    }
    for (size_t i = 0; i < txn->n_touched; i++) {
        struct entry *entry = txn->touched[i];
        struct model_op *op = entry->op;

        model_yield(txn->model);
        if (!op) {
            continue;
        }
        if (entry->cur != entry->before) {
            op->outcome = txn_outcome(entry);
        }
        op->diff = get_diff(txn->request, entry);
        op->made = (txn->request->shows && entry->cur
                    ? version_ref(entry->cur) : NULL);
        op->revision = entry->cur ? entry->cur->meta.revision
                                  : txn->model->revision;
        newest = MAX(newest, op->revision);
    }
    return changed || !newest ? txn->model->revision : newest;
}

static bool
has_changed(const struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        if (txn->touched[i]->cur != txn->touched[i]->before) {
            return true;
        }
    }
    return false;
}

static void
assign_missing(struct txn *txn)
{
    /* Ports need their networks' subnets, but not their VNIs, so one pass is
     * enough. */
    for (size_t i = 0; i < txn->n_touched; i++) {
        struct entry *entry = txn->touched[i];
        const struct model_class *class = txn->model->classes[entry->table];

        /* A row that only lost a reference to a deleted row keeps what it has,
         * and must not be refused for what it may lack. */
        if (!entry->cur || entry->cur == entry->before || !entry->op) {
            continue;
        }
        if (class->assign) {
            class->assign(txn, entry);
        }
        model_yield(txn->model);
    }
}

/* Deletes, and assigns values, then checks rights.  What prevents a deletion,
 * and the reason why a value cannot be assigned, may disclose objects of
 * others (what refers to a group since, a network's subnets), so an account
 * without the right to make the change gets the errors about rights only. */
static void
complete_and_check_rights(struct txn *txn)
{
    struct vmn_errors *errors = txn->errors;
    struct vmn_errors lacks;

    vmn_errors_init(&lacks);
    txn->errors = &lacks;
    delete_asked(txn);
    assign_missing(txn);
    txn->errors = errors;
    check_rights(txn);
    if (!errors->n) {
        *errors = lacks;
    } else {
        vmn_errors_uninit(&lacks);
    }
}

static void
apply_ops(struct txn *txn)
{
    struct model_request *request = txn->request;

    for (size_t i = 0; i < request->n_ops; i++) {
        struct model_op *op = &request->ops[i];

        if (txn->is_trial && op->table == VMN_TABLE_DRAFT) {
            continue;           /* It goes by the rights of who applies it. */
        }
        if (op->kind == MODEL_DELETE) {
            apply_delete(txn, op);
        } else {
            apply_write(txn, op);
        }
        model_yield(txn->model);
    }
    /* Later checks would only repeat these errors. */
    if (!txn->errors->n) {
        complete_and_check_rights(txn);
    }
    if (!txn->errors->n) {
        rebind_ports(txn);
        inherit_health(txn);
        note_withdrawals(txn);
    }
    /* An account that may not make the change must not learn what else
     * prevents it. */
    if (!txn->errors->n) {
        check_touched(txn);
        check_bounds(txn);
        check_memberships(txn);
        check_quotas(txn);
    }
}

/* Adds that a writer of the draft may not make its changes, for the reasons in
 * 'lacks'.  An account with a scope is not told what is in that one's way,
 * which may be another's. */
static void
refuse_writer(const struct txn *txn, const struct model_writer *writer,
              const struct vmn_errors *lacks)
{
    const struct model_rights *rights = txn->request->rights;
    bool tells = !rights || !rights->scope.text;

    for (size_t i = 0; i < lacks->n && txn->errors->n < VMN_ERRORS_MAX; i++) {
        vmn_errors_add(txn->errors, VMN_ERR_FORBIDDEN,
                       lacks->errors[i].pointer, "is not for account \"%s\" "
                       "to change, which has written the draft%s%s",
                       writer->author->account, tells ? ": " : "",
                       tells ? lacks->errors[i].text : "");
    }
}

/* Tries the request as by each of those who have written the draft that it
 * applies, whose rights may be less than those of who applies it. */
static void
check_draft_writers(struct txn *txn)
{
    struct model_request *request = txn->request;
    struct model_rights *own = request->rights;

    for (size_t i = 0; i < request->n_writers && !txn->errors->n; i++) {
        struct vmn_errors lacks;
        struct txn trial = {
            .model = txn->model, .request = request, .errors = &lacks,
            .now_ms = txn->now_ms, .n_cursors = txn->model->n_cursors,
            .names = SVEC_EMPTY_INITIALIZER, .is_trial = true,
            .applier = own,
        };

        vmn_errors_init(&lacks);
        request->rights = request->writers[i].rights;
        apply_ops(&trial);
        roll_back(&trial);
        end(&trial);
        request->rights = own;
        refuse_writer(txn, &request->writers[i], &lacks);
        vmn_errors_uninit(&lacks);
    }
}

/* Applies the request if its author may, and those who wrote its draft. */
static void
apply_with_writers(struct txn *txn)
{
    struct vmn_errors *errors = txn->errors;
    struct vmn_errors lacks;

    if (!txn->request->n_writers) {
        apply_ops(txn);
        return;
    }
    vmn_errors_init(&lacks);
    txn->errors = &lacks;
    check_draft_writers(txn);
    txn->errors = errors;
    apply_ops(txn);
    if (!errors->n) {
        *errors = lacks;
    } else {
        vmn_errors_uninit(&lacks);
    }
}

/* Fills in the outcomes of a repeated request, which has made 'revision'
 * already: the revisions of its objects are those of now, as far as its author
 * sees them. */
static void
set_repeated(struct txn *txn, uint64_t revision)
{
    txn->request->repeated = true;
    for (size_t i = 0; i < txn->request->n_ops; i++) {
        struct model_op *op = &txn->request->ops[i];
        const struct entry *entry = model_find(txn->model, op->table,
                                               op->name);

        op->outcome = MODEL_UNCHANGED;
        op->diff = NULL;
        op->revision = (entry && entry->cur
                        && model_sees(txn->request->rights, entry->cur->row)
                        ? entry->cur->meta.revision : revision);
        model_yield(txn->model);
    }
}

/* Checks the request as such.  Rights that were taken since it was received,
 * even by the request before it in the same group, are not used any more. */
static void
check_request(struct txn *txn)
{
    const struct model_request *request = txn->request;

    if (request->author
        && !model_author_is_valid(txn->model, MODEL_CURRENT, request->author,
                                  request->rights, txn->now_ms)) {
        vmn_errors_add(txn->errors, VMN_ERR_FORBIDDEN, "",
                       "the account or the token of this request was deleted "
                       "or changed, or the token has expired, while it "
                       "waited");
        return;
    }
    for (size_t i = 0; i < request->n_writers; i++) {
        const struct model_writer *writer = &request->writers[i];

        if (!model_author_keeps_rights(txn->model, MODEL_CURRENT,
                                       writer->author, writer->rights)) {
            vmn_errors_add(txn->errors, VMN_ERR_CONFLICT, "",
                           "an account that has written the draft was deleted "
                           "or changed while this waited: send it again");
        }
    }
    if (txn->request->n_ops > MODEL_OPS_MAX) {
        vmn_errors_add(txn->errors, VMN_ERR_TOO_LARGE, "",
                       "must have at most %d objects", MODEL_OPS_MAX);
    }
    if (txn->request->prune_set) {
        struct vmn_error error = VMN_ERROR_INIT;

        if (value_check_name(txn->request->prune_set, &error)) {
            vmn_errors_add(txn->errors, VMN_ERR_INVALID, "",
                           "the name of the set to prune %s", error.text);
        }
        vmn_error_uninit(&error);
    }
}

/* Notes what the request loosens, and refuses it if it must not. */
static void
check_loosening(struct txn *txn)
{
    struct model_request *request = txn->request;

    request->loosened = loosening_find(txn);
    if (request->loosened && request->loosening == MODEL_LOOSENING_REFUSED) {
        loosening_refuse(txn, request->loosened);
    }
}

int
model_apply(struct model *model, struct model_request *request,
            int64_t now_ms, uint64_t *revision, struct vmn_errors *errors)
{
    struct txn txn = {
        .model = model, .request = request, .errors = errors,
        .now_ms = now_ms, .n_cursors = model->n_cursors,
        .names = SVEC_EMPTY_INITIALIZER,
    };
    uint64_t former;

    request->repeated = false;
    model_request_clear_also(request);
    request_drop_diffs(request);
    request_drop_made(request);
    check_request(&txn);
    former = errors->n ? 0 : request_keys_check(&txn);
    if (!errors->n && !former) {
        apply_with_writers(&txn);
    }
    if (!errors->n && !former) {
        check_loosening(&txn);
    }
    if (errors->n) {
        roll_back(&txn);
    } else if (former) {
        set_repeated(&txn, former);
        *revision = former;
    } else {
        bool changed = has_changed(&txn);

        if (changed) {
            commit(&txn);
        }
        *revision = set_outcomes(&txn, changed);
    }
    end(&txn);
    usage_refresh(model->usage, model);
    return errors->n ? EINVAL : 0;
}
