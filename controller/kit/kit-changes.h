/* SPDX-License-Identifier: Apache-2.0
 *
 * The changes that a step of a test makes, as a request to the model:
 *
 *     apply:                  # Objects, as vmnctl apply takes them.
 *     - {type: networks, name: shop, spec: {...}}
 *     delete: [ports/web-1]
 *     placement: {web-1: h1, web-2: null}   # On which hosts VMs are.
 *     health: {web/web-1: down}             # What probes have found.
 *
 * A host that is placed on and is no object gets to be one.  Not for applying
 * them (kit-world.h). */

#ifndef CONTROLLER_KIT_KIT_CHANGES_H
#define CONTROLLER_KIT_KIT_CHANGES_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/model/model.h"
#include "svec.h"

struct kit_world;

struct kit_changes {
    struct kit_world *world;
    struct model_request request;
    struct svec places;         /* Where in the step each operation is from. */
    struct vmn_errors errors;   /* Of model_apply(). */
};

void kit_changes_init(struct kit_changes *, struct kit_world *);
void kit_changes_uninit(struct kit_changes *);

/* Fills the request by 'step', and has the world know where VMs are.  Returns
 * false with 'errors', whose pointers are into the step. */
bool kit_changes_read(struct kit_changes *, const json_t *step,
                      struct vmn_errors *errors);

/* Adds the errors of model_apply() to 'errors', with pointers into the
 * step. */
void kit_changes_tell(const struct kit_changes *, struct vmn_errors *errors);

#endif /* controller/kit/kit-changes.h */
