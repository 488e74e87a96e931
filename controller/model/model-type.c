/* SPDX-License-Identifier: Apache-2.0
 *
 * Types that apps declare: what a row of VMN_TABLE_TYPE means for objects of
 * the type.  Objects are parsed by what the row says now; when that changes,
 * those that are there are parsed again in the same request, which is refused
 * if one does not fit. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/asked-pointer.h"
#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

static const struct vmn_type_row *
type_of(const struct vmn_row *row)
{
    return (const void *) row;
}

/* How long checks of one request may take together at a time: other requests
 * wait.  They continue when the request is applied once more. */
#define CHECKS_MAX_MS 100

/* What /v1 has besides types (a test compares them), and what vmnctl takes for
 * something else. */
static const char *const reserved[] = {
    "activity", "advice", "all", "apply", "backup", "cluster", "drops",
    "events", "health", "identities", "live-trace", "logs", "open-services",
    "openapi.json", "packets", "paths", "reachability", "ready",
    "recommendations", "rejected-hosts", "revisions", "sets", "simulate",
    "status", "summary", "top", "trace", "traffic", "undo", "usage",
};

bool
model_type_is_taken(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
        if (!strcmp(reserved[i], name)) {
            return true;
        }
    }
    for (int i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
        if (!strcmp(schema_tables[i]->plural, name)
            || !strcmp(schema_tables[i]->singular, name)) {
            return true;
        }
    }
    return false;
}

/* Reports 'singular' if another type has that name. */
static void
check_singular(struct txn *txn, const struct model_op *op,
               const struct vmn_type_row *type)
{
    struct vmn_names names = model_names(txn->model, VMN_TABLE_TYPE);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_type_row *other = model_get(
            txn->model, VMN_TABLE_TYPE, names.names[i]);

        if (strcmp(other->row.name, type->row.name)
            && (!strcmp(other->singular, type->singular)
                || !strcmp(other->row.name, type->singular)
                || !strcmp(other->singular, type->row.name))) {
            txn_op_error(txn, op, VMN_ERR_CONFLICT, "/singular",
                         "type \"%s\": \"%s\" is a name of type \"%s\"",
                         type->row.name, type->singular, other->row.name);
            return;
        }
    }
}

static void
check_written(struct txn *txn, struct model_op *op,
              const struct vmn_row *row, const struct vmn_row *old)
{
    const struct vmn_type_row *type = type_of(row);

    if (old && schema_row_same_spec(row, old)) {
        return;                 /* Whoever applies what was shown may do so. */
    } else if (!txn_may_load(txn)) {
        txn_op_error(txn, op, VMN_ERR_CONFLICT, "", "types come with the apps "
                     "that declare them");
    } else if (!schema_own_is_name_of(row->name, type->app)) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "/app", "a type of app \"%s\" "
                     "is named \"%s\", or that and more after a hyphen",
                     type->app, type->app);
    } else if (old && strcmp(type_of(old)->app, type->app)) {
        txn_op_error(txn, op, VMN_ERR_CONFLICT, "/app", "type \"%s\" is of "
                     "app \"%s\"", row->name, type_of(old)->app);
    } else if (model_type_is_taken(row->name)
               || model_type_is_taken(type->singular)) {
        txn_op_error(txn, op, VMN_ERR_CONFLICT,
                     model_type_is_taken(row->name) ? "" : "/singular",
                     "type \"%s\": \"%s\" is a name of VMN's", row->name,
                     model_type_is_taken(row->name) ? row->name
                     : type->singular);
    } else {
        check_singular(txn, op, type);
    }
}

/* Parses an object again, by what its type is declared as now. */
static void
parse_again(struct txn *txn, const struct entry *type, struct entry *entry,
            const struct schema_table *table)
{
    const struct version *old = entry->cur;
    struct version *version = version_create();
    json_t *spec = schema_row_spec(old->row);
    json_t *status = json_object();
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    version->meta.set = (old->meta.set
                         ? arena_strdup(&version->arena, old->meta.set)
                         : NULL);
    unknown_load(version, &table->row, spec, status, &old->meta, "", &errors);
    version->row = schema_row_parse_stored(table, entry->name, spec, "",
                                           &version->arena, &errors);
    json_decref(spec);
    json_decref(status);
    if (!errors.n) {
        txn_touch(txn, entry);
        txn_set(txn, entry, version);
    } else {
        txn_error(txn, type, VMN_ERR_CONFLICT, "", "%s does not fit what the "
                  "app declares now: %s%s%s",
                  txn_name(txn, entry->table, entry->name),
                  errors.errors[0].pointer, errors.errors[0].pointer[0]
                  ? ": " : "", errors.errors[0].text);
        version_destroy(txn->model, version);
    }
    vmn_errors_uninit(&errors);
}

/* Has all objects of the type be as it is declared now. */
static void
assign(struct txn *txn, struct entry *type)
{
    enum vmn_table place = schema_own_place(type->name);
    const struct schema_table *table = model_table(txn->model, place);
    const struct name_set *names = &txn->model->tables[place].cur;

    for (size_t i = 0; i < names->n && txn->errors->n < 16; i++) {
        struct entry *entry = model_find(txn->model, place, names->names[i]);

        if (schema_struct_of(entry->cur->row) != &table->row) {
            parse_again(txn, type, entry, table);
        }
        model_yield(txn->model);
    }
}

/* What types refer to.  --------------------------------------------------- */

/* For schema_own_each_ref(). */
struct refs_check {
    struct txn *txn;
    const struct entry *entry;  /* The type that refers. */
};

static bool
check_type_ref(void *check_, const char *type, const char *pointer)
{
    const struct refs_check *check = check_;

    if (!model_get(check->txn->model, VMN_TABLE_TYPE, type)) {
        txn_error(check->txn, check->entry, VMN_ERR_CONFLICT, pointer,
                  "there is no type \"%s\"", type);
    }
    return true;
}

static bool
is_other(void *name, const char *type, const char *pointer OVS_UNUSED)
{
    return strcmp(name, type) != 0;
}

/* Returns true if fields of 'type' may name objects of type 'name'. */
static bool
refers_to(const struct vmn_type_row *type, const char *name)
{
    return !schema_own_each_ref(type, is_other, CONST_CAST(char *, name));
}

/* What a type's fields may name objects of is there as long as it is. */
static void
check_type_refs(struct txn *txn, const struct entry *entry)
{
    struct vmn_names names = model_names(txn->model, VMN_TABLE_TYPE);
    struct refs_check check = { txn, entry };

    if (entry->cur) {
        schema_own_each_ref(type_of(entry->cur->row), check_type_ref, &check);
        return;
    }
    for (size_t i = 0; i < names.n; i++) {
        if (refers_to(type_of(model_get(txn->model, VMN_TABLE_TYPE,
                                        names.names[i])), entry->name)) {
            txn_error(txn, entry, VMN_ERR_CONFLICT, "", "type \"%s\" refers "
                      "to it; delete that first", names.names[i]);
        }
    }
}

/* A type goes after its objects. */
static void
check_all(struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];
        enum vmn_table place;

        if (entry->table != VMN_TABLE_TYPE) {
            continue;
        }
        check_type_refs(txn, entry);
        place = entry->cur ? VMN_N_TABLES : schema_own_place(entry->name);
        if (place != VMN_N_TABLES && txn->model->tables[place].cur.n) {
            txn_error(txn, entry, VMN_ERR_CONFLICT, "", "there are %"PRIuSIZE
                      " objects of this type; delete these first",
                      txn->model->tables[place].cur.n);
        }
    }
}

/* Objects are parsed by what the row says from now on. */
static void
current(struct model *model, const char *name, const struct vmn_row *row)
{
    struct vmn_errors errors;
    const struct schema_table *table = NULL;
    enum vmn_table place = schema_own_place(name);

    vmn_errors_init(&errors);
    if (row) {
        table = schema_own_table(type_of(row), "", &errors);
    }
    vmn_errors_uninit(&errors);
    if (place != VMN_N_TABLES) {
        model->own[place - VMN_TABLE_OWN_FIRST] = table;
        if (model->shows_types && table) {
            schema_own_show(table);
        } else if (model->shows_types
                   && !model_find(model, VMN_TABLE_TYPE, name)->durable) {
            schema_own_hide(place);
        }
    }
}

/* A type that has gone is shown until then: what has been deleted with it is
 * to be written, and told. */
static void
settled(struct model *model, struct entry *entry)
{
    enum vmn_table place = schema_own_place(entry->name);

    if (model->shows_types && place != VMN_N_TABLES
        && !model->own[place - VMN_TABLE_OWN_FIRST]) {
        schema_own_hide(place);
    }
}

void
model_show_types(struct model *model)
{
    model->shows_types = true;
}

const struct schema_table *
model_table(const struct model *model, enum vmn_table table)
{
    return (!schema_is_own(table) ? schema_tables[table]
            : model->own[table - VMN_TABLE_OWN_FIRST]);
}

const struct model_class model_type = {
    .check_written = check_written,
    .assign = assign,
    .check_all = check_all,
    .current = current,
    .settled = settled,
};

static void
add_type(struct model_request *request, const struct model *model,
         const struct model_declared *declared)
{
    const struct vmn_row *row = model_get(model, VMN_TABLE_TYPE,
                                          declared->name);
    json_t *spec = json_loads(declared->spec, 0, NULL);
    json_t *old = row ? schema_row_spec(row) : NULL;

    if (old) {
        json_object_set(spec, "description", json_object_get(old,
                                                             "description"));
        json_object_set(spec, "labels", json_object_get(old, "labels"));
    }
    model_request_add(request, MODEL_PUT, VMN_TABLE_TYPE, declared->name,
                      spec);
    json_decref(old);
}

/* Returns true if one of the types 'of' refers to type 'name'. */
static bool
is_referred_to(const struct model *model, const char *name,
               const struct sset *of)
{
    const char *other;

    SSET_FOR_EACH (other, of) {
        if (refers_to(type_of(model_get(model, VMN_TABLE_TYPE, other)),
                      name)) {
            return true;
        }
    }
    return false;
}

static bool
is_declared(const char *name, const struct model_declared *declared, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(declared[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Adds to 'kept' the types of 'app' that are no longer declared and stay: for
 * their objects, or for another type that stays and refers to them. */
static void
find_kept(const struct model *model, const char *app,
          const struct model_declared *declared, size_t n, struct sset *kept)
{
    struct vmn_names names = model_names(model, VMN_TABLE_TYPE);
    size_t before;

    do {
        before = sset_count(kept);
        for (size_t i = 0; i < names.n; i++) {
            const struct vmn_type_row *type = model_get(model, VMN_TABLE_TYPE,
                                                        names.names[i]);

            if (!strcmp(type->app, app)
                && !is_declared(names.names[i], declared, n)
                && (model_names(model, schema_own_place(names.names[i])).n
                    || is_referred_to(model, names.names[i], kept))) {
                sset_add(kept, names.names[i]);
            }
        }
    } while (sset_count(kept) > before);
}

void
model_request_set_types(struct model_request *request,
                        const struct model *model, const char *app,
                        const struct model_declared *declared, size_t n)
{
    struct vmn_names names = model_names(model, VMN_TABLE_TYPE);
    struct sset kept = SSET_INITIALIZER(&kept);

    find_kept(model, app, declared, n, &kept);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_type_row *type = model_get(model, VMN_TABLE_TYPE,
                                                    names.names[i]);

        if (!strcmp(type->app, app)
            && !is_declared(names.names[i], declared, n)
            && !sset_contains(&kept, names.names[i])) {
            model_request_add(request, MODEL_DELETE, VMN_TABLE_TYPE,
                              names.names[i], NULL);
        }
    }
    sset_destroy(&kept);
    for (size_t i = 0; i < n; i++) {
        add_type(request, model, &declared[i]);
    }
}

/* Objects.  --------------------------------------------------------------- */

/* Reports what the app says, at the places that the request has, where
 * elements of a set may be in another order than in the row that the app has
 * seen. */
static void
report_faults(struct txn *txn, const struct model_op *op,
              const struct vmn_row *row, const struct vmn_errors *faults)
{
    json_t *kept = faults->n ? schema_row_spec(row) : NULL;

    for (size_t i = 0; i < faults->n; i++) {
        char *pointer = asked_pointer(faults->errors[i].pointer,
                                      &schema_tables[row->table]->row, kept,
                                      op->spec);

        txn_op_error(txn, op, faults->errors[i].code, pointer, "%s",
                     faults->errors[i].text);
        free(pointer);
    }
    json_decref(kept);
}

static void
check_object(struct txn *txn, struct model_op *op,
             const struct vmn_row *row, const struct vmn_row *old OVS_UNUSED)
{
    const struct model *model = txn->model;
    const struct vmn_type_row *type = model_get(
        model, VMN_TABLE_TYPE, schema_tables[row->table]->plural);
    uint64_t before = op->checked;
    struct vmn_errors faults;

    if (!type || !type->checks || !model->check_object) {
        return;
    }
    if (txn->checks_ms > CHECKS_MAX_MS) {
        txn_op_error(txn, op, VMN_ERR_BUSY, "", "app %s has taken too long "
                     "to look at what is written: write fewer objects at a "
                     "time", type->app);
        return;
    }
    txn->checks_ms -= time_msec();
    vmn_errors_init(&faults);
    model->check_object(model->check_object_aux, type, row, &op->checked,
                        &faults);
    txn->checks_ms += time_msec();
    txn->request->n_checked += op->checked != before;
    report_faults(txn, op, row, &faults);
    vmn_errors_uninit(&faults);
}

void
model_set_check_object(struct model *model, model_check_object_cb *check,
                       void *aux)
{
    model->check_object = check;
    model->check_object_aux = aux;
}

/* Quotas know no type by its name: what any of them says is a rule, with as
 * many members as its lists have elements. */
static void
count_object(const struct vmn_row *row, struct model_usage *used)
{
    used->rules = 1;
    used->members = schema_row_elements(row);
}

const struct model_class model_object = {
    .check_written = check_object,
    .count = count_object,
};
