/* SPDX-License-Identifier: Apache-2.0
 *
 * The reasons of flows that drop packets, by the hash that a sample of such a
 * packet contains (flow/sample-action.h). */

#include <config.h>

#include "controller/engine/engine-private.h"
#include "controller/flow/sample-action.h"

/* There are a few dozen, so a list is sufficient. */
void
engine_add_drop_reason(struct engine *engine, const char *reason,
                       bool background)
{
    for (size_t i = 0; i < engine->n_reasons; i++) {
        if (engine->reasons[i].text == reason) {
            return;
        }
    }
    if (engine->n_reasons < ARRAY_SIZE(engine->reasons)) {
        engine->reasons[engine->n_reasons].text = reason;
        engine->reasons[engine->n_reasons].background = background;
        engine->reasons[engine->n_reasons++].hash = sample_reason_hash(reason);
    }
}

const char *
engine_find_drop_reason(const struct engine *engine, uint32_t kind)
{
    for (size_t i = 0; i < engine->n_reasons; i++) {
        if (engine->reasons[i].hash == (kind & SAMPLE_REASON_MASK)) {
            return engine->reasons[i].text;
        }
    }
    return NULL;
}

bool
engine_is_background(const struct engine *engine, const char *reason)
{
    for (size_t i = 0; i < engine->n_reasons; i++) {
        if (engine->reasons[i].text == reason) {
            return engine->reasons[i].background;
        }
    }
    return false;
}
