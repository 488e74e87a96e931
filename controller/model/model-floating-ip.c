/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating addresses. */

#include <config.h>

#include "controller/model/checks.h"
#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/schema/value.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_floating_ip *floating
        = (const struct vmn_floating_ip *) row;
    char ip[VALUE_IP_SIZE];

    value_format_ip(&floating->ip, ip);
    index_add(sink, VMN_INDEX_FLOATING_BY_ROUTER, floating->router);
    if (floating->port) {
        index_add(sink, VMN_INDEX_FLOATING_BY_PORT, floating->port);
    } else {
        index_add(sink, INDEX_FLOATING_BY_LB, floating->load_balancer);
    }
    index_add_joined(sink, INDEX_FLOATING_IP, floating->router, '/', ip);
}

static void
count(const struct vmn_row *row OVS_UNUSED, struct model_usage *used)
{
    used->addresses = 1;
}

const struct model_class model_floating_ip = {
    .add_keys = add_keys,
    .check = check_floating_ip,
    .count = count,
    .limit = "floating_ips",
    .limit_offset = offsetof(struct vmn_quota, floating_ips),
};
