/* SPDX-License-Identifier: Apache-2.0
 *
 * IPAM: finds free addresses of subnets, and counts how many are used.
 *
 * The search is round-robin: it starts after the last assigned address, so
 * that an address is reused as late as possible.  That position (a cursor) is
 * stored with the rows, and rolled back with them.  Not for which address a
 * port keeps (port-addresses.c). */

#include <config.h>

#include "controller/model/ipam.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/address-owners.h"
#include "controller/model/row-index.h"
#include "controller/model/slaac.h"
#include "controller/model/subnets.h"
#include "controller/schema/value.h"
#include "sset.h"
#include "util.h"

/* Cursors.  --------------------------------------------------------------- */

static struct address_cursor *
find_cursor(const struct entry *network, const char *subnet)
{
    for (size_t i = 0; i < network->n_cursors; i++) {
        if (!strcmp(network->cursors[i].subnet, subnet)) {
            return &network->cursors[i];
        }
    }
    return NULL;
}

static uint64_t
get_cursor(const struct entry *network, const char *subnet)
{
    const struct address_cursor *cursor = find_cursor(network, subnet);

    return cursor ? cursor->next : 0;
}

static void
set_cursor(struct entry *network, const char *subnet, uint64_t next)
{
    struct address_cursor *cursor = find_cursor(network, subnet);

    if (!cursor) {
        if (network->n_cursors >= network->allocated_cursors) {
            network->cursors = x2nrealloc(network->cursors,
                                          &network->allocated_cursors,
                                          sizeof *network->cursors);
        }
        cursor = &network->cursors[network->n_cursors++];
        ovs_strlcpy(cursor->subnet, subnet, sizeof cursor->subnet);
    }
    cursor->next = next;
}

/* Records where the search started, so that the cursor can be restored. */
static void
note_cursor(struct model *model, const struct entry *network,
            const char *subnet)
{
    struct former_cursor *former;

    if (model->n_cursors >= model->allocated_cursors) {
        model->cursors = x2nrealloc(model->cursors, &model->allocated_cursors,
                                    sizeof *model->cursors);
    }
    former = &model->cursors[model->n_cursors++];
    former->network = xstrdup(network->name);
    former->before.next = get_cursor(network, subnet);
    ovs_strlcpy(former->before.subnet, subnet, sizeof former->before.subnet);
}

void
address_undo(struct model *model, size_t n)
{
    while (model->n_cursors > n) {
        struct former_cursor *former = &model->cursors[--model->n_cursors];
        struct entry *network = model_find(model, VMN_TABLE_NETWORK,
                                           former->network);

        if (network) {
            set_cursor(network, former->before.subnet, former->before.next);
        }
        free(former->network);
    }
}

void
address_settle(struct model *model)
{
    while (model->n_cursors) {
        free(model->cursors[--model->n_cursors].network);
    }
}

/* Drops the cursors of subnets that no longer exist.  Called once a change is
 * settled, since until then it may be undone. */
void
address_forget(struct entry *network)
{
    const struct vmn_network *row = entry_row(network);
    size_t n = 0;

    for (size_t i = 0; i < network->n_cursors; i++) {
        bool used = false;

        for (size_t j = 0; row && j < row->n_subnets; j++) {
            char buf[VALUE_PREFIX_SIZE];

            used |= !strcmp(value_format_prefix(&row->subnets[j].cidr, buf),
                            network->cursors[i].subnet);
        }
        if (used) {
            network->cursors[n++] = network->cursors[i];
        }
    }
    network->n_cursors = n;
}

static void
list_add(struct model_cursors *list, const struct entry *network,
         const struct address_cursor *cursor)
{
    if (list->n >= list->allocated) {
        list->cursors = x2nrealloc(list->cursors, &list->allocated,
                                   sizeof *list->cursors);
    }
    list->cursors[list->n++] = (struct model_cursor) {
        network->name, cursor->subnet, cursor->next
    };
}

/* Adds the networks whose cursors were changed to 'list': the store replaces
 * all cursors of a network. */
static void
list_add_dirty(struct model *model, struct model_cursors *list)
{
    for (size_t i = 0; i < model->n_dirty; i++) {
        struct entry *network = model->dirty[i];

        if (network->cur && network->cur != network->durable) {
            for (size_t j = 0; j < network->n_cursors; j++) {
                list_add(list, network, &network->cursors[j]);
            }
        }
    }
}

void
model_get_cursors(struct model *model, struct model_cursors *list)
{
    struct sset seen = SSET_INITIALIZER(&seen);

    *list = (struct model_cursors) { .n = 0 };
    list_add_dirty(model, list);
    for (size_t i = 0; i < model->n_cursors; i++) {
        const struct former_cursor *former = &model->cursors[i];
        const struct entry *network = model_find(model, VMN_TABLE_NETWORK,
                                                 former->network);
        char *key = xasprintf("%s|%s", former->network,
                              former->before.subnet);

        if (entry_row(network) && network->cur == network->durable
            && sset_add(&seen, key)) {
            list_add(list, network,
                     find_cursor(network, former->before.subnet));
        }
        free(key);
    }
    sset_destroy(&seen);
}

void
model_get_all_cursors(struct model *model, struct model_cursors *list)
{
    const struct name_set *names = &model->tables[VMN_TABLE_NETWORK].cur;

    *list = (struct model_cursors) { .n = 0 };
    for (size_t i = 0; i < names->n; i++) {
        const struct entry *network = model_find(model, VMN_TABLE_NETWORK,
                                                 names->names[i]);

        for (size_t j = 0; j < network->n_cursors; j++) {
            list_add(list, network, &network->cursors[j]);
        }
    }
}

void
model_load_cursor(struct model *model, const struct model_cursor *cursor)
{
    struct entry *network = model_find(model, VMN_TABLE_NETWORK,
                                       cursor->network);

    if (network) {
        set_cursor(network, cursor->subnet, cursor->next);
        address_forget(network);
    }
}

void
address_replicate(struct model *model, const struct model_cursor *cursor)
{
    struct entry *network = model_find(model, VMN_TABLE_NETWORK,
                                       cursor->network);

    if (network) {
        note_cursor(model, network, cursor->subnet);
        set_cursor(network, cursor->subnet, cursor->next);
    }
}

/* What is given out.  ----------------------------------------------------- */

/* Sets '*first' and '*last' to the bounds of pool 'i' of a subnet, as indexes
 * of its addresses. */
static void
get_pool(const struct vmn_subnet *subnet, size_t i, uint64_t *first,
         uint64_t *last)
{
    value_prefix_usable(&subnet->cidr, first, last);
    if (subnet->n_pools) {
        uint64_t start = 0, end = 0;

        value_prefix_index(&subnet->cidr, &subnet->pools[i].start, &start);
        value_prefix_index(&subnet->cidr, &subnet->pools[i].end, &end);
        *first = MAX(*first, start);
        *last = subnet->cidr.ip.family == 4 ? MIN(*last, end) : end;
    }
}

/* Moves '*first' after an excluded range that contains it, and '*last' before
 * the next excluded one. */
static void
exclude(const struct vmn_subnet *subnet, uint64_t *first, uint64_t *last)
{
    for (size_t i = 0; i < subnet->n_exclude; i++) {
        uint64_t start = 0, end = 0;

        value_prefix_index(&subnet->cidr, &subnet->exclude[i].start, &start);
        value_prefix_index(&subnet->cidr, &subnet->exclude[i].end, &end);
        if (start > *first) {
            *last = MIN(*last, start - 1);
            break;
        } else if (end >= *first) {
            *first = end + 1;
        }
    }
}

/* Finds the first run of allocatable indexes that are not below 'from'.
 * Returns false if there is none. */
static bool
next_run(const struct vmn_subnet *subnet, uint64_t from, uint64_t *first,
         uint64_t *last)
{
    for (size_t i = 0; i < MAX(subnet->n_pools, 1); i++) {
        uint64_t pool_first, pool_last;

        get_pool(subnet, i, &pool_first, &pool_last);
        *first = MAX(from, pool_first);
        *last = pool_last;
        exclude(subnet, first, last);
        if (*first <= pool_last && *first <= *last) {
            return true;
        }
    }
    return false;
}

static bool
is_allocatable(const struct vmn_subnet *subnet, const struct vmn_ip *ip)
{
    uint64_t index, first, last;

    return (value_prefix_index(&subnet->cidr, ip, &index)
            && next_run(subnet, index, &first, &last) && first == index
            && memcmp(ip, &subnet->gateway, sizeof *ip));
}

bool
address_is_allocatable(const struct vmn_subnet *subnet,
                       const struct vmn_port *port, const struct vmn_ip *ip)
{
    if (subnet->slaac) {
        struct vmn_ip follows = slaac_address(&subnet->cidr, port->mac);

        return !memcmp(ip, &follows, sizeof follows);
    }
    return is_allocatable(subnet, ip);
}

/* Returns true if some object has the address. */
static bool
is_used(const struct model *model, const char *network,
        const struct vmn_ip *ip)
{
    char key[VMN_NAME_LEN + VALUE_IP_SIZE + 2], buf[VALUE_IP_SIZE];
    enum vmn_table table;

    snprintf(key, sizeof key, "%s/%s", network, value_format_ip(ip, buf));
    return index_get(model, VMN_INDEX_PORT_BY_IP, key)->n
           || index_get(model, INDEX_VIP_IP, key)->n
           || index_get(model, INDEX_ALLOWED, key)->n
           || route_find_router(model, network, ip, "")
           || external_find(model, network, ip, &table);
}

static bool
is_taken(const struct model *model, const char *network,
         const struct vmn_subnet *subnet, const struct vmn_ip *ip)
{
    return !memcmp(&subnet->gateway, ip, sizeof *ip)
           || value_ip_is_served(ip)
           || address_reservation(subnet, ip) || is_used(model, network, ip);
}

/* Searches the indexes from 'from' to 'to' for a free address. */
static bool
search(const struct model *model, const char *network,
       const struct vmn_subnet *subnet, uint64_t from, uint64_t to,
       uint64_t *found, struct vmn_ip *ip)
{
    uint64_t first, last;

    while (from <= to && next_run(subnet, from, &first, &last)) {
        for (*found = first; *found <= MIN(last, to); ++*found) {
            *ip = value_prefix_nth(&subnet->cidr, *found);
            if (!is_taken(model, network, subnet, ip)) {
                return true;
            }
        }
        from = last + 1;
    }
    return false;
}

struct vmn_ip
address_find(struct model *model, struct entry *network,
             const struct vmn_subnet *subnet, const struct vmn_port *port)
{
    char text[VALUE_PREFIX_SIZE];
    uint64_t next, found;
    struct vmn_ip ip;

    for (size_t i = 0; i < subnet->n_reservations; i++) {
        const struct vmn_reservation *r = &subnet->reservations[i];

        if (!strcmp(r->port, port->row.name)
            && !is_used(model, network->name, &r->ip)) {
            return r->ip;
        }
    }
    if (subnet->slaac) {
        ip = slaac_address(&subnet->cidr, port->mac);
        return (!is_taken(model, network->name, subnet, &ip) ? ip
                : (struct vmn_ip) { .family = 0 });
    }
    value_format_prefix(&subnet->cidr, text);
    next = get_cursor(network, text);
    if (search(model, network->name, subnet, next, INT64_MAX, &found, &ip)
        || (next && search(model, network->name, subnet, 0, next - 1, &found,
                           &ip))) {
        note_cursor(model, network, text);
        set_cursor(network, text, found + 1);
        return ip;
    }
    return (struct vmn_ip) { .family = 0 };
}

/* How full a subnet is.  -------------------------------------------------- */

static uint64_t
count_allocatable(const struct vmn_subnet *subnet)
{
    uint64_t n = 0, from = 0, first, last;

    while (next_run(subnet, from, &first, &last)) {
        n += last - first + 1;
        from = last + 1;
    }
    /* The gateway may be among the allocatable ones. */
    if (subnet->gateway.family) {
        uint64_t index;

        n -= (value_prefix_index(&subnet->cidr, &subnet->gateway, &index)
              && next_run(subnet, index, &first, &last) && first == index);
    }
    return n;
}

/* Adds an address to the usage.  A reserved address counts as used in any
 * case, so it is not counted twice. */
static void
add_use(const struct vmn_network *network, const struct vmn_ip *ip,
        struct model_subnet_usage *uses)
{
    const struct vmn_subnet *subnet = address_subnet(network, ip);

    if (subnet && is_allocatable(subnet, ip)
        && !address_reservation(subnet, ip)) {
        uses[subnet - network->subnets].used++;
    }
}

static void
add_router_use(const struct vmn_network *network,
               const struct vmn_router *router,
               struct model_subnet_usage *uses)
{
    for (size_t i = 0; router && i < router->n_interfaces; i++) {
        const struct vmn_router_interface *interface
            = &router->interfaces[i];
        struct vmn_ip ips[VMN_ADDRESSES_MAX];

        if (!strcmp(interface->network, network->row.name)) {
            size_t n = vmn_interface_addresses(interface, network, ips);

            for (size_t j = 0; j < n; j++) {
                add_use(network, &ips[j], uses);
            }
        }
    }
}

void
model_get_subnet_usage(const struct model *model,
                       const struct vmn_network *network,
                       struct model_subnet_usage *uses)
{
    const char *name = network->row.name;
    const struct name_set *names;

    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = &network->subnets[i];

        uses[i] =
            (struct model_subnet_usage) { .size = count_allocatable(subnet) };
        for (size_t j = 0; j < subnet->n_reservations; j++) {
            uses[i].used +=
                is_allocatable(subnet, &subnet->reservations[j].ip);
        }
    }
    names = index_get(model, VMN_INDEX_PORT_BY_NETWORK, name);
    for (size_t i = 0; i < names->n; i++) {
        const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                                names->names[i]);

        for (size_t j = 0; port && j < port->n_ips; j++) {
            add_use(network, &port->ips[j], uses);
        }
    }
    names = index_get(model, VMN_INDEX_LB_BY_NETWORK, name);
    for (size_t i = 0; i < names->n; i++) {
        const struct vmn_loadbalancer *lb
            = model_get(model, VMN_TABLE_LOADBALANCER, names->names[i]);

        if (lb) {
            add_use(network, &lb->vip, uses);
        }
    }
    names = index_get(model, VMN_INDEX_ROUTER_BY_NETWORK, name);
    for (size_t i = 0; i < names->n; i++) {
        add_router_use(network, model_get(model, VMN_TABLE_ROUTER,
                                          names->names[i]), uses);
    }
}
