/* SPDX-License-Identifier: Apache-2.0
 *
 * Yielding during long computations of the engine; see engine_set_yield(). */

#include <config.h>

#include "controller/engine/engine-private.h"

void
engine_set_yield(struct engine *engine, void (*yield)(void *aux), void *aux)
{
    engine->yield = yield;
    engine->yield_aux = aux;
}

void
engine_yield(const struct engine *engine)
{
    if (engine->yield) {
        engine->yield(engine->yield_aux);
    }
}
