/* SPDX-License-Identifier: Apache-2.0
 *
 * What the controller gives out where nothing was asked for: VNIs, MAC
 * addresses, IP addresses.  Once given, a value stays until something else is
 * asked for. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/model/numbers.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/value.h"
#include "hash.h"
#include "simap.h"
#include "util.h"

/* Keeping.  --------------------------------------------------------------- */

static void
set_ips(struct version *version, const struct vmn_ip *ips, size_t n)
{
    struct vmn_port *port = (struct vmn_port *) version->row;
    struct vmn_ip *copy = arena_alloc(&version->arena, n * sizeof *copy);

    if (n) {
        memcpy(copy, ips, n * sizeof *copy);
    }
    port->ips = copy;
    port->n_ips = n;
}

void
given_keep(struct version *version, const struct version *old)
{
    if (version->row->table == VMN_TABLE_PORT) {
        struct vmn_port *port = (struct vmn_port *) version->row;
        const struct vmn_port *was = old ? (const struct vmn_port *) old->row
                                         : NULL;

        port->mac = !value_mac_is_none(port->want_mac) ? port->want_mac
                    : was ? was->mac : port->mac;
        if (port->n_want_ips) {
            set_ips(version, port->want_ips, port->n_want_ips);
        } else if (was && !strcmp(was->network, port->network)) {
            set_ips(version, was->ips, was->n_ips);
        }
    }
}

/* VNIs.  ------------------------------------------------------------------ */

/* A network's number is kept under its name, or, if it was asked for, under
 * "NAME=VNI": a network whose VNI changes has both for a while. */
static bool
is_key_of(const char *key, const char *network)
{
    size_t len = strlen(network);

    return !strncmp(key, network, len)
           && (key[len] == '\0' || key[len] == '=');
}

static void
refuse_vni(struct txn *txn, const struct entry *entry, uint32_t vni,
           const char *owner)
{
    int len = strcspn(owner, "=");
    char *name = xmemdup0(owner, len);
    const struct vmn_network *other = model_get(txn->model, entry->table,
                                                name);

    if (other && other->vni == vni) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                  "VNI %"PRIu32" is that of network \"%s\"", vni, name);
    } else {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                  "VNI %"PRIu32" was that of network \"%s\", and some host "
                  "has yet to confirm that it is gone", vni, name);
    }
    free(name);
}

/* Takes the number that was asked for. */
static void
claim_vni(struct txn *txn, const struct entry *entry, uint32_t vni)
{
    struct numbers *numbers = txn->model->numbers;
    struct version *version = entry->cur;
    const char *owner;
    char *key = xasprintf("%s=%"PRIu32, entry->name, vni);

    if (numbers_claim(numbers, "vni", key, vni, &version->vni, &owner)) {
        if (is_key_of(owner, entry->name)) {
            version->vni = numbers_ref(numbers, "vni", owner);
        } else {
            refuse_vni(txn, entry, vni, owner);
        }
    }
    free(key);
}

static void
assign_vni(struct txn *txn, const struct entry *entry)
{
    struct numbers *numbers = txn->model->numbers;
    struct version *version = entry->cur;
    struct vmn_network *network = (struct vmn_network *) version->row;
    struct number *former = entry->before ? entry->before->vni : NULL;

    if (former && (!network->want_vni
                   || network->want_vni == number_value(former))) {
        version->vni = numbers_ref_again(former);
    } else if (network->want_vni) {
        claim_vni(txn, entry, network->want_vni);
    } else {
        version->vni = numbers_ref(numbers, "vni", entry->name);
        if (!version->vni) {
            txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                      "no VNI is left to be given out");
        }
    }
    network->vni = version->vni ? number_value(version->vni) : 0;
}

bool
given_load_vni(struct model *model, struct version *version)
{
    struct vmn_network *network = (struct vmn_network *) version->row;
    const char *key = numbers_key_of(model->numbers, "vni", network->vni);

    if (!key || !is_key_of(key, network->row.name)) {
        return false;
    }
    version->vni = numbers_ref(model->numbers, "vni", key);
    return version->vni != NULL;
}

/* MAC addresses.  --------------------------------------------------------- */

/* Gives out a locally administered address that follows from the port's name,
 * so that a port that is made again has the same; where another port of the
 * network has it, the next try. */
static void
assign_mac(struct txn *txn, struct entry *entry)
{
    struct vmn_port *port = (struct vmn_port *) entry->cur->row;

    for (uint32_t try = 0; value_mac_is_none(port->mac); try++) {
        char buf[VALUE_MAC_SIZE];
        ovs_u128 hash;

        hash_bytes128(port->row.name, strlen(port->row.name), try, &hash);
        struct vmn_mac mac = { { 0x02, hash.u64.lo >> 32, hash.u64.lo >> 24,
                                 hash.u64.lo >> 16, hash.u64.lo >> 8,
                                 hash.u64.lo } };
        char *key = xasprintf("%s/%s", port->network,
                              value_format_mac(mac, buf));
        if (!index_get(txn->model, INDEX_MAC, key)->n) {
            port->mac = mac;
            index_put(txn->model, INDEX_MAC, key, entry->name, true);
        }
        free(key);
    }
}

/* IP addresses.  ---------------------------------------------------------- */

static bool
is_taken(const struct model *model, const char *network,
         const struct vmn_subnet *subnet, uint32_t addr)
{
    struct vmn_ip ip = value_ip_from_u32(addr);
    char key[VMN_NAME_LEN + VALUE_IP_SIZE + 2], buf[VALUE_IP_SIZE];

    snprintf(key, sizeof key, "%s/%s", network, value_format_ip(&ip, buf));
    return (subnet->gateway.family
            && value_ip_to_u32(&subnet->gateway) == addr)
           || index_get(model, INDEX_IP, key)->n
           || index_get(model, INDEX_VIP_IP, key)->n;
}

/* The addresses of a subnet that can be given out. */
static void
usable_bounds(const struct vmn_prefix *cidr, uint32_t *first, uint32_t *last)
{
    value_prefix_bounds(cidr, first, last);
    if (cidr->len <= 30) {
        ++*first;
        --*last;
    }
}

/* Where the search for a free address of 'subnet' starts: behind the one given
 * out last, so that an address is used again late. */
static void
set_next_ip(struct entry *network, const struct vmn_subnet *subnet,
            uint32_t addr)
{
    char key[VALUE_PREFIX_SIZE];

    if (!network->next_ips) {
        network->next_ips = xmalloc(sizeof *network->next_ips);
        simap_init(network->next_ips);
    }
    simap_put(network->next_ips, value_format_prefix(&subnet->cidr, key),
              addr);
}

static uint32_t
get_next_ip(const struct entry *network, const struct vmn_subnet *subnet)
{
    char key[VALUE_PREFIX_SIZE];

    return network->next_ips
           ? simap_get(network->next_ips,
                       value_format_prefix(&subnet->cidr, key)) : 0;
}

/* Notes where the search started, in case that it is undone. */
static void
note_next_ip(struct model *model, const struct entry *network,
             const struct vmn_subnet *subnet)
{
    char key[VALUE_PREFIX_SIZE];

    if (model->n_next_ips >= model->allocated_next_ips) {
        model->next_ips = x2nrealloc(model->next_ips,
                                     &model->allocated_next_ips,
                                     sizeof *model->next_ips);
    }
    model->next_ips[model->n_next_ips++] = (struct former_next_ip) {
        .network = xstrdup(network->name),
        .subnet = xstrdup(value_format_prefix(&subnet->cidr, key)),
        .addr = get_next_ip(network, subnet),
    };
}

static void
drop_last_note(struct model *model)
{
    struct former_next_ip *former = &model->next_ips[--model->n_next_ips];

    free(former->network);
    free(former->subnet);
}

void
given_undo(struct model *model, size_t n)
{
    while (model->n_next_ips > n) {
        struct former_next_ip *former
            = &model->next_ips[model->n_next_ips - 1];
        struct entry *network = model_find(model, VMN_TABLE_NETWORK,
                                           former->network);

        if (network && network->next_ips && former->addr) {
            simap_put(network->next_ips, former->subnet, former->addr);
        } else if (network && network->next_ips) {
            simap_find_and_delete(network->next_ips, former->subnet);
        }
        drop_last_note(model);
    }
}

void
given_settle(struct model *model)
{
    while (model->n_next_ips) {
        drop_last_note(model);
    }
}

/* Returns a free address of the subnet, or family 0. */
static struct vmn_ip
find_ip(struct model *model, struct entry *network,
        const struct vmn_subnet *subnet)
{
    uint32_t next = get_next_ip(network, subnet);
    uint32_t first, last;

    usable_bounds(&subnet->cidr, &first, &last);
    if (next < first || next > last) {
        next = first;
    }
    for (uint64_t i = 0; i <= last - first; i++) {
        uint32_t addr = next;

        next = addr == last ? first : addr + 1;
        if (!is_taken(model, network->name, subnet, addr)) {
            note_next_ip(model, network, subnet);
            set_next_ip(network, subnet, next);
            return value_ip_from_u32(addr);
        }
    }
    return (struct vmn_ip) { .family = 0 };
}

static const struct vmn_subnet *
find_subnet(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (value_prefix_contains(&network->subnets[i].cidr, ip)) {
            return &network->subnets[i];
        }
    }
    return NULL;
}

/* Appends to 'ips' one address for each subnet that has none there yet, as
 * long as there are less than 'max'. */
static size_t
fill_ips(struct txn *txn, struct entry *entry, struct entry *network_entry,
         struct vmn_ip *ips, size_t n, size_t max)
{
    const struct vmn_network *network = entry_row(network_entry);
    size_t n_kept = n;

    for (size_t i = 0; i < network->n_subnets && n < max; i++) {
        const struct vmn_subnet *subnet = &network->subnets[i];
        bool have = false;

        for (size_t j = 0; j < n_kept; j++) {
            have |= value_prefix_contains(&subnet->cidr, &ips[j]);
        }
        if (!have) {
            struct vmn_ip ip = find_ip(txn->model, network_entry, subnet);
            char buf[VALUE_PREFIX_SIZE];

            if (!ip.family) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "/ips",
                          "no address of %s of network \"%s\" is left",
                          value_format_prefix(&subnet->cidr, buf),
                          network->row.name);
            } else {
                ips[n++] = ip;
            }
        }
    }
    return n;
}

static void
assign_ips(struct txn *txn, struct entry *entry)
{
    struct vmn_port *port = (struct vmn_port *) entry->cur->row;
    struct entry *network_entry = model_find(txn->model, VMN_TABLE_NETWORK,
                                             port->network);
    const struct vmn_network *network = entry_row(network_entry);
    const struct schema_field *f = schema_find_field(
        &schema_tables[VMN_TABLE_PORT].row, "ips");
    size_t n = 0;

    if (port->n_want_ips || !network) {
        return;                 /* Without a network: check_refs() tells. */
    }

    struct vmn_ip *ips = xmalloc((port->n_ips + network->n_subnets + 1)
                                 * sizeof *ips);
    for (size_t i = 0; i < port->n_ips; i++) {
        if (find_subnet(network, &port->ips[i])) {
            ips[n++] = port->ips[i];
        }
    }
    n = fill_ips(txn, entry, network_entry, ips, n, f->max_items);
    n = schema_set_sort(f, ips, n);
    index_version(txn->model, entry, entry->cur, false);
    set_ips(entry->cur, ips, n);
    index_version(txn->model, entry, entry->cur, true);
    free(ips);
}

void
given_loaded(struct model *model, const struct vmn_port *port)
{
    struct entry *entry = model_find(model, VMN_TABLE_NETWORK,
                                     port->network);
    const struct vmn_network *network = entry_row(entry);

    for (size_t i = 0; network && i < port->n_ips; i++) {
        const struct vmn_subnet *subnet = find_subnet(network,
                                                      &port->ips[i]);
        uint32_t next = value_ip_to_u32(&port->ips[i]) + 1;

        if (subnet && !port->n_want_ips
            && next > get_next_ip(entry, subnet)) {
            set_next_ip(entry, subnet, next);
        }
    }
}

void
given_assign(struct txn *txn)
{
    /* Ports need their networks' subnets, not their VNIs: one pass does. */
    for (size_t i = 0; i < txn->n_touched; i++) {
        struct entry *entry = txn->touched[i];

        /* What only lost a reference to something that was deleted keeps
         * what it has; it must not be refused for what it may lack. */
        if (!entry->cur || entry->cur == entry->before || !entry->op) {
            continue;
        }
        if (entry->table == VMN_TABLE_NETWORK) {
            assign_vni(txn, entry);
        } else if (entry->table == VMN_TABLE_PORT) {
            assign_mac(txn, entry);
            assign_ips(txn, entry);
        }
        model_pause(txn->model);
    }
}
