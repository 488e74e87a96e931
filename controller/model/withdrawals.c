/* SPDX-License-Identifier: Apache-2.0
 *
 * See withdrawals.h.  A row has all that was advertised before, also what
 * still is: that is compared where it is sent.  Items are collected as a JSON
 * object, {VALUE: UNTIL}. */

#include <config.h>

#include "controller/model/withdrawals.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "util.h"

#define ITEMS_MAX 64            /* The newest ones of a row. */

/* What was advertised, and until when guests have it.  -------------------- */

static void
add(const struct txn *txn, json_t *items, const char *value,
    int64_t lifetime_s)
{
    json_object_set_new(items, value, json_integer(txn->now_ms / 1000
                                                   + lifetime_s));
}

static void
add_options(const struct txn *txn, json_t *items,
            const struct vmn_dhcp_options *options)
{
    char buf[VALUE_IP_SIZE];

    for (size_t i = 0; i < options->n_dns; i++) {
        if (options->dns[i].family == 6) {
            add(txn, items, value_format_ip(&options->dns[i], buf),
                VMN_ROUTER_LIFETIME);
        }
    }
    for (size_t i = 0; i < options->n_search; i++) {
        add(txn, items, options->search[i], VMN_ROUTER_LIFETIME);
    }
    if (options->domain) {
        add(txn, items, options->domain, VMN_ROUTER_LIFETIME);
    }
}

static void
add_router(const struct txn *txn, json_t *items,
           const struct vmn_router *router)
{
    char buf[VALUE_MAC_SIZE];

    if (router) {
        add(txn, items, value_format_mac(router->mac, buf),
            VMN_ROUTER_LIFETIME);
    }
}

static void
add_network(const struct txn *txn, json_t *items, const char *name)
{
    const struct vmn_network *network = entry_row_before(
        model_find(txn->model, VMN_TABLE_NETWORK, name));
    struct vmn_names routers = model_lookup(
        txn->model, VMN_INDEX_ROUTER_BY_NETWORK, name);
    char buf[VALUE_PREFIX_SIZE + sizeof "|slaac"];

    for (size_t i = 0; i < routers.n; i++) {
        add_router(txn, items, entry_row_before(
            model_find(txn->model, VMN_TABLE_ROUTER, routers.names[i])));
    }
    for (size_t i = 0; network && i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = &network->subnets[i];

        if (subnet->cidr.ip.family == 6) {
            add(txn, items, value_format_prefix(&subnet->cidr, buf),
                VMN_PREFIX_LIFETIME);
            if (subnet->slaac) {
                add(txn, items, strcat(buf, "|slaac"), VMN_PREFIX_LIFETIME);
            }
            add_options(txn, items, &subnet->dhcp_options);
        }
    }
    if (network) {
        add_options(txn, items, &network->dhcp_options);
    }
}

/* Adds what the row of an object has already, unless it is over. */
static void
add_row(const struct txn *txn, json_t *items, const char *name)
{
    const struct vmn_withdrawal *row = model_get(
        txn->model, VMN_TABLE_WITHDRAWAL, name);

    for (size_t i = 0; row && i < row->n_items; i++) {
        char *value;
        int64_t left_s = (strtoll(row->items[i], &value, 10)
                          - txn->now_ms / 1000);

        if (left_s > 0 && *value == '|'
            && !json_object_get(items, value + 1)) {
            add(txn, items, value + 1, left_s);
        }
    }
}

/* Makes 'items', of which it takes ownership, and what there was already, the
 * row of an object: "network" or "port". */
static void
put_row(struct txn *txn, const char *type, const char *object, json_t *items)
{
    char *name = xasprintf("%ss/%s", type, object);
    struct entry *entry = model_find_or_add(txn->model, VMN_TABLE_WITHDRAWAL,
                                            name);
    struct version *version = version_create();
    json_t *spec = json_pack("{s:s, s:[]}", type, object, "items");
    json_t *list = json_object_get(spec, "items"), *until;
    const char *value;

    add_row(txn, items, name);
    json_object_foreach (items, value, until) {
        if (json_array_size(list) < ITEMS_MAX) {
            json_array_append_new(list, json_sprintf(
                "%"JSON_INTEGER_FORMAT"|%s", json_integer_value(until),
                value));
        }
    }
    version->row = schema_row_parse(schema_tables[VMN_TABLE_WITHDRAWAL], name,
                                    spec, "", &version->arena, txn->errors);
    version_keep(txn->model, version, entry->cur);
    txn_set(txn, entry, version);
    json_decref(spec);
    json_decref(items);
    free(name);
}

/* Requests.  -------------------------------------------------------------- */

/* Puts the row of a network that there still is; 'router' is one that it had,
 * or NULL. */
static void
note_network(struct txn *txn, const char *name,
             const struct vmn_router *router)
{
    if (model_get(txn->model, VMN_TABLE_NETWORK, name)) {
        json_t *items = json_object();

        add_router(txn, items, router);
        add_network(txn, items, name);
        put_row(txn, "network", name, items);
    }
}

/* Puts the rows of the networks of a router, as it was, or is. */
static void
note_router(struct txn *txn, const struct vmn_router *router,
            const struct vmn_router *before)
{
    for (size_t i = 0; router && i < router->n_interfaces; i++) {
        note_network(txn, router->interfaces[i].network, before);
    }
}

/* Puts the row of a port that had an address of IPv6. */
static void
note_port(struct txn *txn, const struct vmn_port *before)
{
    char *network = xasprintf("networks/%s", before->network);
    bool v6 = false;

    for (size_t i = 0; i < before->n_ips; i++) {
        v6 |= before->ips[i].family == 6;
    }
    if (v6) {
        json_t *items = json_object();

        add_options(txn, items, &before->dhcp_options);
        add_network(txn, items, before->network);
        add_row(txn, items, network);
        put_row(txn, "port", before->row.name, items);
    }
    free(network);
}

/* Deletes the row of an object that is gone: the reference to that is gone
 * already. */
static void
drop_left_over(struct txn *txn, struct entry *entry)
{
    const struct vmn_withdrawal *row = entry_row(entry);

    if (row && !row->network && !row->port) {
        txn_set(txn, entry, NULL);
    }
}

/* Returns true if the request changes what a row of 'table' means. */
static bool
changes(const struct entry *entry, enum vmn_table table)
{
    return (entry->table == table && entry->cur != entry->before
            && !(entry->cur && entry->before
                 && schema_row_same_meaning(entry->cur->row,
                                            entry->before->row)));
}

void
note_withdrawals(struct txn *txn)
{
    size_t n_touched = txn->n_touched;

    for (int ports = 0; ports < 2; ports++) {
        for (size_t i = 0; i < n_touched; i++) {
            struct entry *entry = txn->touched[i];
            const void *before = entry_row_before(entry);
            const void *now = entry_row(entry);

            if (ports && entry->table == VMN_TABLE_WITHDRAWAL) {
                drop_left_over(txn, entry);
            } else if (ports && before && now
                       && changes(entry, VMN_TABLE_PORT)) {
                note_port(txn, before);
            } else if (!ports && before
                       && changes(entry, VMN_TABLE_NETWORK)) {
                note_network(txn, entry->name, NULL);
            } else if (!ports && changes(entry, VMN_TABLE_ROUTER)) {
                note_router(txn, now, NULL);
                note_router(txn, before, before);
            }
            model_yield(txn->model);
        }
    }
}
