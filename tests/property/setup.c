/* SPDX-License-Identifier: Apache-2.0
 *
 * What the property tests have in common; see setup.h. */

#include <config.h>

#include "tests/property/setup.h"

#include <stdio.h>
#include <stdlib.h>

#include "controller/apphost/apphost.h"
#include "controller/model/model.h"
#include "controller/schema/error.h"
#include "tests/unit/app-loader.h"

static uint64_t rng_state;

void
seed_random(unsigned seed)
{
    rng_state = UINT64_C(0x9e3779b97f4a7c15) ^ seed;
}

uint64_t
random_state(void)
{
    return rng_state;
}

void
set_random_state(uint64_t state)
{
    rng_state = state;
}

/* xorshift64*. */
unsigned
rnd(unsigned n)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return (rng_state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}

bool
chance(unsigned percent)
{
    return rnd(100) < percent;
}

struct apphost *
load_apps(void)
{
    static const char *const apps[] = { "overlay", "firewall",
                                        "loadbalancer", "router",
                                        "gateway" };
    struct apphost *host = apphost_create(NULL, false);
    struct vmn_error error = VMN_ERROR_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(apps); i++) {
        if (load_built_app(host, apps[i], &error)) {
            printf("# %s\n", error.text);
            exit(1);
        }
    }
    return host;
}

bool
apply_request(struct model *model, struct model_request *request)
{
    struct vmn_errors errors;
    uint64_t revision;
    bool ok;

    vmn_errors_init(&errors);
    ok = !model_apply(model, request, 0, &revision, &errors);
    for (size_t i = 0; i < errors.n && getenv("ORACLE_VERBOSE"); i++) {
        printf("# refused: %s %s\n", errors.errors[i].pointer,
               errors.errors[i].text);
    }
    vmn_errors_uninit(&errors);
    return ok;
}
