/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model holds, by a plain scan; see state-snapshot.h. */

#include <config.h>

#include "tests/property/state-snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "svec.h"
#include "tests/unit/model-util.h"
#include "util.h"

static void
snap_key(struct shash *snap, const char *name, enum vmn_index index,
         const char *format, ...) OVS_PRINTF_FORMAT(4, 5);

static void
snap_key(struct shash *snap, const char *name, enum vmn_index index,
         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *key = xvasprintf(format, args);
    va_end(args);

    char *full = xasprintf("index %d %s", index, key);
    struct svec *names = shash_find_data(snap, full);
    if (!names) {
        names = xmalloc(sizeof *names);
        svec_init(names);
        shash_add(snap, full, names);
    }
    if (!svec_contains(names, name)) {
        svec_add(names, name);
        svec_sort(names);
    }
    free(full);
    free(key);
}

/* By the selectors that state-requests.c puts. */
static void
snap_anchor(struct shash *snap, const char *name, enum vmn_index index,
            const struct vmn_selector *s)
{
    if (!s->text) {
        return;
    } else if (!strcmp(s->text, "role=a") || !strcmp(s->text, "k1=")) {
        snap_key(snap, name, index, "%s", s->text);
    } else if (!strcmp(s->text, "role in (a,b)")) {     /* However put. */
        snap_key(snap, name, index, "role");
    } else if (!strcmp(s->text, "k0,role!=a")) {
        snap_key(snap, name, index, "k0");
    } else {
        snap_key(snap, name, index, "%s", "");
    }
}

static void
snap_group(struct shash *snap, const struct vmn_group *group)
{
    const char *name = group->row.name;

    for (size_t i = 0; i < group->n_ports; i++) {
        snap_key(snap, name, VMN_INDEX_GROUP_BY_PORT, "%s", group->ports[i]);
    }
    snap_anchor(snap, name, VMN_INDEX_GROUP_BY_ANCHOR, &group->selector);
}

static void
snap_quarantine(struct shash *snap, const struct vmn_quarantine *quarantine)
{
    const char *name = quarantine->row.name;

    for (size_t i = 0; i < quarantine->n_ports; i++) {
        snap_key(snap, name, VMN_INDEX_QUARANTINE_BY_PORT, "%s",
                 quarantine->ports[i]);
    }
    if (quarantine->selector.text) {
        snap_key(snap, name, VMN_INDEX_QUARANTINE_SELECTS, "%s", "");
    }
    snap_anchor(snap, name, VMN_INDEX_QUARANTINE_BY_ANCHOR,
                &quarantine->selector);
}

static void
snap_port(struct shash *snap, const struct vmn_port *port)
{
    snap_key(snap, port->row.name, VMN_INDEX_PORT_BY_NETWORK, "%s",
             port->network);
    snap_key(snap, port->row.name, VMN_INDEX_PORT_BY_LABEL, "%s", "");
    for (size_t i = 0; i < port->labels.n; i++) {
        const struct vmn_label *l = &port->labels.labels[i];

        snap_key(snap, port->row.name, VMN_INDEX_PORT_BY_LABEL, "%s", l->key);
        snap_key(snap, port->row.name, VMN_INDEX_PORT_BY_LABEL, "%s=%s",
                 l->key, l->value);
    }
    if (port->parent) {
        snap_key(snap, port->row.name, VMN_INDEX_PORT_BY_PARENT, "%s",
                 port->parent);
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        char buf[VALUE_IP_SIZE];

        snap_key(snap, port->row.name, VMN_INDEX_PORT_BY_IP, "%s/%s",
                 port->network, value_format_ip(&port->ips[i], buf));
    }
}

static void
snap_index(struct shash *snap, const struct vmn_row *row)
{
    if (row->table == VMN_TABLE_HOST) {
        snap_key(snap, row->name, VMN_INDEX_ALL_HOSTS, "%s", "");
    } else if (row->table == VMN_TABLE_TIER) {
        snap_key(snap, row->name, VMN_INDEX_ALL_TIERS, "%s", "");
    } else if (row->table == VMN_TABLE_PORT) {
        snap_port(snap, (const struct vmn_port *) row);
    } else if (row->table == VMN_TABLE_GROUP) {
        snap_group(snap, (const struct vmn_group *) row);
    } else if (row->table == VMN_TABLE_QUARANTINE) {
        snap_quarantine(snap, (const struct vmn_quarantine *) row);
    } else if (row->table == VMN_TABLE_POLICY) {
        const struct vmn_policy *policy = (const struct vmn_policy *) row;

        for (size_t i = 0; i < policy->n_applies_to; i++) {
            snap_key(snap, row->name, VMN_INDEX_POLICY_BY_GROUP, "%s",
                     policy->applies_to[i]);
        }
    } else if (row->table == VMN_TABLE_LOADBALANCER) {
        const struct vmn_loadbalancer *lb
            = (const struct vmn_loadbalancer *) row;

        for (size_t i = 0; i < lb->n_networks; i++) {
            snap_key(snap, row->name, VMN_INDEX_LB_BY_NETWORK, "%s",
                     lb->networks[i]);
        }
    } else if (row->table == VMN_TABLE_ROUTER) {
        const struct vmn_router *router = (const struct vmn_router *) row;

        for (size_t i = 0; i < router->n_interfaces; i++) {
            snap_key(snap, row->name, VMN_INDEX_ROUTER_BY_NETWORK, "%s",
                     router->interfaces[i].network);
        }
    } else if (row->table == VMN_TABLE_DNS_ZONE) {
        const struct vmn_dns_zone *zone = (const struct vmn_dns_zone *) row;

        for (size_t i = 0; i < zone->n_networks; i++) {
            snap_key(snap, row->name, VMN_INDEX_ZONE_BY_NETWORK, "%s",
                     zone->networks[i]);
        }
    } else if (row->table == VMN_TABLE_BINDING) {
        snap_key(snap, row->name, VMN_INDEX_PORT_BY_HOST, "%s",
                 ((const struct vmn_binding *) row)->host);
    }
}

/* Notes 'json', which it takes over, of 'row'. */
static void
snap_json(struct shash *snap, const char *what, const struct vmn_row *row,
          json_t *json)
{
    char *key = xasprintf("%s %d %s", what, row->table, row->name);
    struct svec *value = xmalloc(sizeof *value);

    svec_init(value);
    svec_add_nocopy(value, json_dumps(json, JSON_ENCODE_ANY | JSON_SORT_KEYS));
    shash_add_once(snap, key, value);
    json_decref(json);
    free(key);
}

/* Labels by themselves, and the rest without what is for people. */
static void
snap_row(struct shash *snap, const struct vmn_row *row)
{
    json_t *spec = schema_row_spec(row);
    json_t *labels = json_incref(json_object_get(spec, "labels"));

    json_object_del(spec, "labels");
    json_object_del(spec, "description");
    snap_json(snap, "labels", row, labels ? labels : json_object());
    snap_json(snap, "row", row, json_pack("{s:o, s:o}", "spec", spec, "status",
                                          model_util_row_status(row)));
    snap_index(snap, row);
}

void
snap_init(struct shash *snap, struct model *model)
{
    shash_init(snap);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        struct vmn_names names = model_names(model, i);

        for (size_t j = 0; j < names.n; j++) {
            snap_row(snap, model_get(model, i, names.names[j]));
        }
    }
}

void
snap_uninit(struct shash *snap)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, snap) {
        svec_destroy(node->data);
    }
    shash_destroy_free_data(snap);
}

void
check_indexes(struct model *model, const struct shash *snap,
              const struct shash *old)
{
    const struct shash *both[] = { snap, old };
    struct svec empty = SVEC_EMPTY_INITIALIZER;
    struct shash_node *node;

    for (size_t i = 0; i < 2; i++) {
        SHASH_FOR_EACH (node, both[i]) {
            const struct svec *want = shash_find_data(snap, node->name);
            int index, offset;

            if (sscanf(node->name, "index %d %n", &index, &offset) != 1) {
                continue;
            }
            want = want ? want : &empty;
            struct vmn_names got = model_lookup(model, index,
                                                node->name + offset);
            assert_int_equal(got.n, want->n);
            for (size_t j = 0; j < got.n; j++) {
                assert_string_equal(got.names[j], want->names[j]);
            }
        }
    }
}

/* Checks that what was accepted would be accepted again. */
static void
check_reads_back(const struct vmn_row *row)
{
    json_t *spec = schema_row_spec(row);
    struct vmn_errors errors;
    struct arena arena;

    arena_init(&arena);
    vmn_errors_init(&errors);
    struct vmn_row *copy = schema_row_parse(schema_tables[row->table],
                                            row->name, spec, "", &arena,
                                            &errors);
    if (!copy || !schema_row_same_spec(row, copy)) {
        fail_msg("%s: %s: %s", row->name, json_dumps(spec, 0),
                 errors.n ? errors.errors[0].text : "differs");
    }
    json_decref(spec);
    vmn_errors_uninit(&errors);
    arena_uninit(&arena);
}

void
check_changes(struct model *model, const struct shash *old,
              const struct shash *new)
{
    static const char *const kinds[] = {
        [MODEL_CHANGE_ROW] = "row",
        [MODEL_CHANGE_LABELS] = "labels",
        [MODEL_CHANGE_INDEX] = "index",
    };
    const struct shash *both[] = { old, new };
    struct sset noted = SSET_INITIALIZER(&noted);
    struct model_changes changes;
    struct shash_node *node;

    model_take_changes(model, &changes);
    for (size_t i = 0; i < changes.n; i++) {
        const struct model_change *c = &changes.changes[i];
        char *name = xasprintf("%s %d %s", kinds[c->kind], c->id, c->key);
        const struct vmn_row *row = (c->kind == MODEL_CHANGE_INDEX ? NULL
                                     : model_get(model, c->id, c->key));

        if (row) {
            check_reads_back(row);
        }
        assert_true(sset_add(&noted, name));
        if (!shash_find(old, name) && !shash_find(new, name)) {
            fail_msg("%s was noted and never was", name);
        }
        free(name);
    }
    for (size_t i = 0; i < 2; i++) {
        SHASH_FOR_EACH (node, both[i]) {
            const struct svec *a = shash_find_data(old, node->name);
            const struct svec *b = shash_find_data(new, node->name);
            bool same = a && b && svec_equal(a, b);

            /* Of a row that comes or goes, that is all there is to say. */
            same |= (!a || !b) && !strncmp(node->name, "labels", 6);

            if (same && sset_contains(&noted, node->name)) {
                fail_msg("%s was noted and is the same", node->name);
            } else if (!same && !sset_contains(&noted, node->name)) {
                fail_msg("%s changed and was not noted", node->name);
            }
        }
    }
    sset_destroy(&noted);
    model_changes_uninit(&changes);
}
