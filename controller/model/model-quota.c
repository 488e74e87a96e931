/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotas: each has a counter of what it is about. */

#include <config.h>

#include "controller/model/model-class.h"
#include "controller/model/quota-usage.h"

const struct model_class model_quota = {
    .changed = usage_quota_changed,
};
