/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that are always there, whatever the store holds.  They are in every
 * model from its beginning, as of revision 0, and never change. */

#include <config.h>

#include <jansson.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "util.h"

static const struct {
    const char *name;
    int position;
    const char *description;
} tiers[] = {
    { "emergency", VMN_TIER_EMERGENCY, "Before all else, even quarantine" },
    { "security", VMN_TIER_SECURITY, "What nobody below may undo" },
    { "platform", VMN_TIER_PLATFORM, "What all need: DNS, backup, metrics" },
    { "application", VMN_TIER_APPLICATION,
      "Closes what it selects, as Kubernetes does" },
    { "baseline", VMN_TIER_BASELINE, "For what nobody else decides" },
};

bool
model_is_builtin(enum vmn_table table, const char *name)
{
    for (size_t i = 0; table == VMN_TABLE_TIER && i < ARRAY_SIZE(tiers); i++) {
        if (!strcmp(tiers[i].name, name)) {
            return true;
        }
    }
    return false;
}

void
builtin_add(struct model *model)
{
    const struct model_meta meta = { .revision = 0 };
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    for (size_t i = 0; i < ARRAY_SIZE(tiers); i++) {
        json_t *spec = json_pack("{s:i, s:s}", "position", tiers[i].position,
                                 "description", tiers[i].description);

        model_load_row(model, VMN_TABLE_TIER, tiers[i].name, spec, NULL,
                       &meta, &errors);
        json_decref(spec);
    }
    ovs_assert(!errors.n);
    vmn_errors_uninit(&errors);
}
