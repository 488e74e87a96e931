/* SPDX-License-Identifier: Apache-2.0
 *
 * See backend-up-down.h. */

#include <config.h>

#include "controller/health/backend-up-down.h"

#include <string.h>

#include "util.h"

void
up_down_init(struct up_down *c, enum up_down_state state)
{
    memset(c, 0, sizeof *c);
    c->state = state;
    c->quick = state == UP_DOWN_NEW;
}

static int64_t
window_ms(const struct up_down_rules *rules)
{
    return MAX(rules->interval_ms, 1) * UP_DOWN_FLAP_WINDOW;
}

/* Returns how often the required number of successes is doubled at
 * 'now_ms'. */
static unsigned
penalty_now(const struct up_down *c, const struct up_down_rules *rules,
            int64_t now_ms)
{
    int64_t n = (now_ms - c->changed_ms) / window_ms(rules);

    return n < c->penalty ? c->penalty - n : 0;
}

/* Returns how many successes in a row bring it up. */
static unsigned
up_down_needed(const struct up_down *c,
               const struct up_down_rules *rules, int64_t now_ms)
{
    return (c->quick ? 1
            : rules->healthy_after << penalty_now(c, rules, now_ms));
}

/* Changes the state because of probes. */
static void
change(struct up_down *c, enum up_down_state state,
       const struct up_down_rules *rules, int64_t now_ms)
{
    if (!c->quick) {
        unsigned penalty = penalty_now(c, rules, now_ms);

        if (c->changed_ms && now_ms - c->changed_ms < window_ms(rules)
            && penalty < UP_DOWN_FLAP_PENALTY_MAX) {
            penalty++;
        }
        c->penalty = penalty;
        c->changed_ms = now_ms;
    }
    c->state = state;
    c->n_good = c->n_bad = 0;
}

bool
up_down_succeeded(struct up_down *c, const struct up_down_rules *rules,
                    int64_t now_ms)
{
    c->n_bad = 0;
    c->unasked = false;
    if (c->state == UP_DOWN_UP
        || ++c->n_good < up_down_needed(c, rules, now_ms)) {
        return false;
    }
    change(c, UP_DOWN_UP, rules, now_ms);
    c->quick = false;
    return true;
}

bool
up_down_failed(struct up_down *c, const struct up_down_rules *rules,
                 int64_t now_ms)
{
    c->n_good = 0;
    if (c->unasked && ++c->n_bad >= rules->unhealthy_after) {
        c->unasked = false;
    }
    if (c->state == UP_DOWN_DOWN || ++c->n_bad < rules->unhealthy_after) {
        return false;
    }
    change(c, UP_DOWN_DOWN, rules, now_ms);
    return true;
}

void
up_down_interrupted(struct up_down *c)
{
    c->n_good = c->n_bad = 0;
}

bool
up_down_unavailable(struct up_down *c)
{
    enum up_down_state was = c->state;

    if (was != UP_DOWN_DOWN) {
        c->quick = c->unasked = true;
        c->state = UP_DOWN_DOWN;
    }
    c->n_good = c->n_bad = 0;
    return was != UP_DOWN_DOWN;
}
