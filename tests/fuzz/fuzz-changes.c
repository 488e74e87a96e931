/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes batches as members of a cluster pass them on: one that is applied
 * makes a state that can be settled. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "controller/model/model.h"
#include "controller/store/store-changes.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A state for it to change, which is itself a batch. */
static const char before[] =
    "{\"format\":1,\"revision\":2,\"ids\":[[\"vni\",\"n\",1]],\"rows\":["
    "{\"type\":\"networks\",\"name\":\"n\",\"spec\":{\"subnets\":["
    "{\"cidr\":\"10.0.0.0/24\"}]},\"status\":{\"vni\":1},\"revision\":1,"
    "\"created\":1,\"updated\":1},"
    "{\"type\":\"ports\",\"name\":\"p\",\"spec\":{\"network\":\"n\"},"
    "\"status\":{\"mac\":\"02:00:00:00:00:01\",\"ips\":[\"10.0.0.2\"],"
    "\"iface_id\":\"p\"},\"revision\":2,\"created\":1,\"updated\":1}],"
    "\"cursors\":[[\"n\",\"10.0.0.0/24\",3]],\"logs\":[]}";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup0((const char *) data, size);
    struct model *model = model_create();
    struct model_changes changes;
    struct vmn_error why = VMN_ERROR_INIT;

    ovs_assert(!store_changes_apply(before, model, &why));
    model_settle(model);
    if (!store_changes_apply(text, model, &why)) {
        ovs_assert(model_revision(model) >= 2);
        model_settle(model);
        model_take_changes(model, &changes);
        model_changes_uninit(&changes);
    }
    vmn_error_uninit(&why);
    model_destroy(model);
    free(text);
    return 0;
}
