/* SPDX-License-Identifier: Apache-2.0
 *
 * Assigns VNIs to networks that request none. */

#include <config.h>

#include "controller/model/vni.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/id-pools.h"
#include "controller/model/txn.h"
#include "util.h"

/* Returns true if 'key' is one of the network's in the ID pool: its name, or,
 * for a VNI that was requested, "NAME=VNI".  A network whose VNI changes has
 * both for a while. */
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
                  "VNI %"PRIu32" is that of %s", vni,
                  txn_name(txn, VMN_TABLE_NETWORK, name));
    } else if (!strncmp(owner, "router/", 7)) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                  "VNI %"PRIu32" is between %s and its gateway", vni,
                  txn_name(txn, VMN_TABLE_ROUTER, owner + 7));
    } else if (!strncmp(owner, "port/", 5)) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                  "VNI %"PRIu32" is, or was until just now, that of what is "
                  "behind %s", vni,
                  txn_name(txn, VMN_TABLE_PORT, owner + 5));
    } else {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                  "VNI %"PRIu32" was that of %s, and some host has yet to "
                  "confirm that it is gone", vni,
                  txn_name(txn, VMN_TABLE_NETWORK, name));
    }
    free(name);
}

/* Allocates the requested VNI. */
static void
claim_vni(struct txn *txn, const struct entry *entry, uint32_t vni)
{
    struct id_pools *pool = txn->model->id_pools;
    struct version *version = entry->cur;
    const char *owner;
    char *key = xasprintf("%s=%"PRIu32, entry->name, vni);

    if (id_pools_claim(pool, "vni", key, vni, &version->vni, &owner)) {
        if (is_key_of(owner, entry->name)) {
            version->vni = id_pools_ref(pool, "vni", owner);
        } else {
            refuse_vni(txn, entry, vni, owner);
        }
    }
    free(key);
}

void
vni_assign(struct txn *txn, struct entry *entry)
{
    struct id_pools *pool = txn->model->id_pools;
    struct version *version = entry->cur;
    struct vmn_network *network = (struct vmn_network *) version->row;
    struct id_entry *former = entry->before ? entry->before->vni : NULL;

    if (former && (!network->want_vni
                   || network->want_vni == id_entry_value(former))) {
        version->vni = id_pools_ref_again(former);
    } else if (network->want_vni) {
        claim_vni(txn, entry, network->want_vni);
    } else {
        version->vni = id_pools_ref(pool, "vni", entry->name);
        if (!version->vni) {
            txn_error(txn, entry, VMN_ERR_CONFLICT, "/vni",
                      "no VNI is left");
        }
    }
    network->vni = version->vni ? id_entry_value(version->vni) : 0;
}

bool
vni_load(struct model *model, struct version *version)
{
    struct vmn_network *network = (struct vmn_network *) version->row;
    const char *key = id_pools_key_of(model->id_pools, "vni", network->vni);

    if (!key || !is_key_of(key, network->row.name)) {
        return false;
    }
    version->vni = id_pools_ref(model->id_pools, "vni", key);
    return version->vni != NULL;
}
