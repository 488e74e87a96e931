/* SPDX-License-Identifier: Apache-2.0
 *
 * What may pass since apps that deny traffic (VMN_APP_DENIES) deny less: the
 * app is disabled, removed or gets other code, an object of its types changes,
 * or a port leaves what an object selects; see loosening.h.  What an object
 * denies is the app's to know, so any change of one counts. */

#include <config.h>

#include "controller/model/loosening-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/txn.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
loosening_find_app(struct search *search, const struct entry *entry)
{
    const struct vmn_app_row *before = loosening_row_of(entry->before);
    const struct vmn_app_row *now = loosening_row_of(entry->cur);
    const char *how;

    if (!before || !before->enabled || !before->module.denies) {
        return;
    }
    how = (!now ? "is removed, and denies nothing any more"
           : !now->enabled ? "is disabled, and denies nothing any more"
           : nullable_string_is_equal(before->module.digest,
                                      now->module.digest) ? NULL
           : "has other code, and may deny less");
    if (how) {
        loosening_put(search, "enforcement", VMN_TABLE_APP, entry->name,
                      now && !now->enabled ? "/spec/enabled" : NULL, "%s %s",
                      txn_name(search->txn, VMN_TABLE_APP, entry->name), how);
    }
}

/* Returns the type of the objects of 'table' if its app denies traffic before
 * the request and after it; NULL: it does not, or the app itself changes. */
static const struct vmn_type_row *
denying_type(const struct search *search, enum vmn_table table)
{
    struct vmn_names names = model_names(search->txn->model, VMN_TABLE_TYPE);
    const struct vmn_type_row *type = NULL;
    const char *digest = NULL;

    for (size_t i = 0; i < names.n && !type; i++) {
        if (schema_own_place(names.names[i]) == table) {
            type = model_get(search->txn->model, VMN_TABLE_TYPE,
                             names.names[i]);
        }
    }
    for (int at = BEFORE; at < N_MOMENTS && type; at++) {
        const struct vmn_app_row *app = judge_row(
            &search->judge, VMN_TABLE_APP, type->app, at);

        if (!app || !app->enabled || !app->module.denies
            || (at == AFTER && !nullable_string_is_equal(
                digest, app->module.digest))) {
            return NULL;
        }
        digest = app->module.digest;
    }
    return type;
}

/* Appends the names of the fields that differ. */
static void
put_changed(const struct vmn_row *before, const struct vmn_row *now,
            struct ds *ds)
{
    json_t *was = schema_row_spec(before), *is = schema_row_spec(now);
    const struct schema_field *f = schema_struct_of(now)->fields;
    bool any = false;

    for (; f->name; f++) {
        const json_t *a = json_object_get(was, f->name);
        const json_t *b = json_object_get(is, f->name);

        if (!(f->flags & SCHEMA_REMARK) && f->type != SCHEMA_LABELS
            && (a || b) && !(a && b && json_equal(a, b))) {
            ds_put_format(ds, "%s%s", any ? ", " : "", f->name);
            any = true;
        }
    }
    json_decref(was);
    json_decref(is);
}

/* Returns 'row' (NULL: none) if the object has an effect: NULL if it is
 * disabled or a shadow. */
static const struct vmn_row *
effective(const struct vmn_row *row)
{
    const struct schema_field *f = row ? schema_struct_of(row)->fields : NULL;

    for (; f && f->name; f++) {
        struct schema_scalar value;

        if (((f->type == SCHEMA_BOOL && !strcmp(f->name, "enabled"))
             || (f->type == SCHEMA_ENUM && !strcmp(f->name, "mode")))
            && !(f->flags & SCHEMA_LIST)
            && schema_field_get(f, row, false, &value)
            && (value.text ? !strcmp(value.text, "shadow") : !value.number)) {
            return NULL;
        }
    }
    return row;
}

/* Returns true if objects of the type come one before another. */
static bool
is_ordered(const struct vmn_type_row *type)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        if (!strcmp(type->fields[i].name, "priority")) {
            return true;
        }
    }
    return false;
}

/* Returns true if another object of the type was there before the request. */
static bool
had_objects(struct search *search, enum vmn_table table, const char *name)
{
    struct vmn_names names = model_names(search->txn->model, table);

    for (size_t i = 0; i < names.n && judge_step(&search->judge, 1); i++) {
        if (strcmp(names.names[i], name)
            && effective(judge_row(&search->judge, table, names.names[i],
                                   BEFORE))
            && txn_shows(search->txn, table, names.names[i])) {
            return true;
        }
    }
    return false;
}

void
loosening_find_object(struct search *search, const struct entry *entry)
{
    const struct vmn_row *before = effective(loosening_row_of(entry->before));
    const struct vmn_row *now = loosening_row_of(entry->cur);
    const struct vmn_type_row *type = denying_type(search, entry->table);
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!type) {
        return;
    }
    if (before && now) {
        ds_put_cstr(&ds, "has changed, and may deny less: ");
        put_changed(before, now, &ds);
    } else if (before) {
        ds_put_cstr(&ds, "is deleted, and denies nothing any more");
    } else if (effective(now) && type->single) {
        ds_put_format(&ds, "is new, and app \"%s\" may deny less",
                      type->app);
    } else if (effective(now) && is_ordered(type)
               && had_objects(search, entry->table, entry->name)) {
        ds_put_format(&ds, "is new, and may come before another %s",
                      type->singular);
    }
    if (ds.length) {
        loosening_put(search, "enforcement", entry->table, entry->name, NULL,
                      "%s %s", txn_name(search->txn, entry->table,
                                        entry->name), ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* Ports.  ----------------------------------------------------------------- */

/* Ports that the request has changed, and an object that may deny something
 * to them. */
struct guard {
    struct search *search;
    const struct vmn_row *row;
    bool is_single;
    struct svec left, joined;   /* Ports that it concerns otherwise. */
};

static bool
selects(const struct schema_field *f, const struct vmn_row *row,
        const struct vmn_port *port)
{
    const struct vmn_selector *selector
        = (const void *) ((const char *) row + f->offset);

    return !selector->text || vmn_selector_matches(selector, &port->labels);
}

/* Returns the network that the field of the row names; NULL: none. */
static const char *
network_of(const struct schema_field *f, const struct vmn_row *row)
{
    const char *name = NULL;

    if (f->type == SCHEMA_REF && f->ref == VMN_TABLE_NETWORK
        && f->reach != SCHEMA_MENTIONS && !(f->flags & SCHEMA_LIST)) {
        memcpy(&name, (const char *) row + f->offset, sizeof name);
    }
    return name;
}

/* Networks that routers join to one, which are looked at. */
#define JOINED_MAX 100

struct network_search {
    const char *name;
    bool found;
};

static void
network_cb(void *aux, const struct vmn_network *network)
{
    struct network_search *s = aux;

    s->found |= !strcmp(network->row.name, s->name);
}

/* Returns true if the object is about other networks than the port's, and
 * those that routers join to it. */
static bool
is_elsewhere(const struct guard *guard, const struct vmn_port *port)
{
    const struct schema_field *f = schema_struct_of(guard->row)->fields;

    for (; f->name; f++) {
        struct network_search s = { .name = network_of(f, guard->row) };

        if (s.name && strcmp(s.name, port->network)) {
            judge_step(&guard->search->judge, JOINED_MAX);
            model_routed_networks(guard->search->txn->model, port->network,
                                  JOINED_MAX, network_cb, &s);
            if (!s.found) {
                return true;
            }
        }
    }
    return false;
}

/* Notes whether the port comes to what a field of the object is about, or
 * leaves it. */
static void
compare_field(struct guard *guard, const struct schema_field *f,
              const struct vmn_port *before, const struct vmn_port *now)
{
    const char *network = network_of(f, guard->row);
    bool was = false, is = false;

    if (f->type == SCHEMA_SELECTOR && f->reach != SCHEMA_MENTIONS) {
        was = selects(f, guard->row, before);
        is = selects(f, guard->row, now);
    } else if (network) {
        was = !strcmp(network, before->network);
        is = !strcmp(network, now->network);
    }
    if (was && !is) {
        svec_add(&guard->left, now->row.name);
    } else if (is && !was && guard->is_single) {
        svec_add(&guard->joined, now->row.name);
    }
}

static void
put_guard(struct guard *guard, struct svec *ports, const char *how,
          const char *then)
{
    struct search *search = guard->search;
    struct ds ds = DS_EMPTY_INITIALIZER;

    svec_sort_unique(ports);
    if (ports->n) {
        loosening_put_ports(search, ports, &ds);
        loosening_put(search, "enforcement", guard->row->table,
                      guard->row->name, NULL, "%s %s %s%s",
                      txn_name(search->txn, guard->row->table,
                               guard->row->name), how, ds_cstr(&ds), then);
    }
    ds_destroy(&ds);
    svec_destroy(ports);
}

/* Compares what the object is about, which the request has not changed. */
static void
compare_object(struct search *search, const struct vmn_row *row,
               bool is_single, const struct svec *ports)
{
    struct guard guard = { search, row, is_single, SVEC_EMPTY_INITIALIZER,
                           SVEC_EMPTY_INITIALIZER };

    for (size_t i = 0; i < ports->n && judge_step(&search->judge, 1); i++) {
        const struct vmn_port *before = judge_row(
            &search->judge, VMN_TABLE_PORT, ports->names[i], BEFORE);
        const struct vmn_port *now = judge_row(
            &search->judge, VMN_TABLE_PORT, ports->names[i], AFTER);
        const struct schema_field *f = schema_struct_of(row)->fields;

        for (; f->name && !is_elsewhere(&guard, before); f++) {
            compare_field(&guard, f, before, now);
        }
    }
    put_guard(&guard, &guard.left, "does not concern", " any more");
    put_guard(&guard, &guard.joined, "concerns", ", and may exempt it");
}

/* Adds the objects that name a port which is taken out of use: what passes
 * through it, such as the function of a chain, may pass without it. */
static void
compare_named(struct search *search, enum vmn_table table, const char *port)
{
    struct vmn_names names = model_referrers(search->txn->model,
                                             VMN_TABLE_PORT, port, table);

    for (size_t i = 0; i < names.n && judge_step(&search->judge, 1); i++) {
        if (effective(judge_row(&search->judge, table, names.names[i],
                                AFTER))) {
            loosening_put(search, "enforcement", table, names.names[i], NULL,
                          "%s names %s, which is out of use, and may deny "
                          "less",
                          txn_name(search->txn, table, names.names[i]),
                          txn_name(search->txn, VMN_TABLE_PORT, port));
        }
    }
}

static void
compare_table(struct search *search, enum vmn_table table, bool is_single,
              const struct svec *moved, const struct svec *out)
{
    const struct model *model = search->txn->model;
    struct vmn_names names = { .n = 0 };

    for (size_t i = 0; i < out->n; i++) {
        compare_named(search, table, out->names[i]);
    }
    if (moved->n) {
        names = model_names(model, table);
    }
    for (size_t i = 0; i < names.n && judge_step(&search->judge, 1); i++) {
        const struct vmn_row *now = model_get(model, table, names.names[i]);

        if (effective(now)
            && now == judge_row(&search->judge, table, names.names[i],
                                BEFORE)) {
            compare_object(search, now, is_single, moved);
            model_yield(model);
        }
    }
}

/* Adds to 'moved' the ports whose labels or networks differ, and to 'out'
 * those that are disabled or quarantined. */
static void
find_ports(const struct search *search, struct svec *moved, struct svec *out)
{
    for (size_t i = 0; i < search->txn->n_touched; i++) {
        const struct entry *entry = search->txn->touched[i];
        const struct vmn_port *before = loosening_row_of(entry->before);
        const struct vmn_port *now = loosening_row_of(entry->cur);

        if (entry->table != VMN_TABLE_PORT || !before || !now) {
            continue;
        }
        if (!schema_row_same_labels(&before->row, &now->row)
            || strcmp(before->network, now->network)) {
            svec_add(moved, entry->name);
        }
        if ((before->enabled && !now->enabled)
            || (!before->quarantined && now->quarantined)) {
            svec_add(out, entry->name);
        }
    }
}

void
loosening_compare_guards(struct search *search)
{
    struct svec moved = SVEC_EMPTY_INITIALIZER, out = SVEC_EMPTY_INITIALIZER;

    find_ports(search, &moved, &out);
    for (int table = VMN_TABLE_OWN_FIRST;
         (moved.n || out.n) && table <= VMN_TABLE_OWN_LAST; table++) {
        const struct vmn_type_row *type = denying_type(search, table);

        if (type) {
            compare_table(search, table, type->single, &moved, &out);
        }
    }
    svec_destroy(&moved);
    svec_destroy(&out);
}
