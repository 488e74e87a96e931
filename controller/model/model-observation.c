/* SPDX-License-Identifier: Apache-2.0
 *
 * Observations of a network. */

#include <config.h>

#include "controller/model/model-class.h"

const struct model_class model_observation = {
    .limit = "observations",
    .limit_offset = offsetof(struct vmn_quota, observations),
};
