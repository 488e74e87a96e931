/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the owner of packets by their VNI; see packet-owner.h.  Not for the
 * rates of owners (proto/admission/fair-rate.h). */

#include <config.h>

#include "controller/model/packet-owner.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/id-pools.h"
#include "controller/model/model-private.h"
#include "controller/model/quota-usage.h"
#include "hash.h"
#include "util.h"

/* Returns the object whose VNI has 'key' in the ID pool, or NULL. */
static const struct vmn_row *
find_object(const struct model *model, const char *key)
{
    static const struct {
        const char *prefix;
        enum vmn_table table;
    } kinds[] = {
        { "router/", VMN_TABLE_ROUTER },
        { "port/", VMN_TABLE_PORT },
        { "", VMN_TABLE_NETWORK },
    };
    size_t i = 0;

    while (strncmp(key, kinds[i].prefix, strlen(kinds[i].prefix))) {
        i++;
    }
    key += strlen(kinds[i].prefix);

    char *name = xmemdup0(key, strcspn(key, "="));
    const struct vmn_row *row = model_get(model, kinds[i].table, name);

    free(name);
    return row;
}

/* Returns the tenant that has 'row', which may be NULL, or 'none'. */
static uint32_t
tenant_of(const struct model *model, const struct vmn_row *row, uint32_t none)
{
    const char *scope = row ? usage_scope_of(model->usage, row) : NULL;

    return scope ? UINT32_C(1) << 31 | hash_string(scope, 0) : none;
}

uint32_t
packet_owner(const struct model *model, uint32_t vni)
{
    const char *key = id_pools_key_of(model->id_pools, "vni", vni);

    return tenant_of(model, key ? find_object(model, key) : NULL, vni);
}

uint32_t
packet_owner_of(const struct model *model, enum vmn_table table,
                const char *name)
{
    return tenant_of(model, model_get(model, table, name), 0);
}
