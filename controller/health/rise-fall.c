/* SPDX-License-Identifier: Apache-2.0
 *
 * See rise-fall.h. */

#include <config.h>

#include "controller/health/rise-fall.h"

#include <string.h>

#include "util.h"

void
rise_fall_init(struct rise_fall *c, enum rise_fall_state state)
{
    memset(c, 0, sizeof *c);
    c->state = state;
    c->quick = state == RISE_FALL_NEW;
}

static int64_t
window_ms(const struct rise_fall_rules *rules)
{
    return MAX(rules->interval_ms, 1) * RISE_FALL_FLAP_WINDOW;
}

/* Doublings as of now. */
static unsigned
penalty_now(const struct rise_fall *c, const struct rise_fall_rules *rules,
            int64_t now_ms)
{
    int64_t n = (now_ms - c->changed_ms) / window_ms(rules);

    return n < c->penalty ? c->penalty - n : 0;
}

unsigned
rise_fall_needed(const struct rise_fall *c,
                 const struct rise_fall_rules *rules, int64_t now_ms)
{
    return (c->quick ? 1
            : rules->healthy_after << penalty_now(c, rules, now_ms));
}

/* The state changes, due to probes. */
static void
change(struct rise_fall *c, enum rise_fall_state state,
       const struct rise_fall_rules *rules, int64_t now_ms)
{
    if (!c->quick) {
        unsigned penalty = penalty_now(c, rules, now_ms);

        if (c->changed_ms && now_ms - c->changed_ms < window_ms(rules)
            && penalty < RISE_FALL_FLAP_PENALTY_MAX) {
            penalty++;
        }
        c->penalty = penalty;
        c->changed_ms = now_ms;
    }
    c->state = state;
    c->n_good = c->n_bad = 0;
}

bool
rise_fall_succeeded(struct rise_fall *c, const struct rise_fall_rules *rules,
                    int64_t now_ms)
{
    c->n_bad = 0;
    if (c->state == RISE_FALL_UP
        || ++c->n_good < rise_fall_needed(c, rules, now_ms)) {
        return false;
    }
    change(c, RISE_FALL_UP, rules, now_ms);
    c->quick = false;
    return true;
}

bool
rise_fall_failed(struct rise_fall *c, const struct rise_fall_rules *rules,
                 int64_t now_ms)
{
    c->n_good = 0;
    if (c->state == RISE_FALL_DOWN || ++c->n_bad < rules->unhealthy_after) {
        return false;
    }
    change(c, RISE_FALL_DOWN, rules, now_ms);
    return true;
}

bool
rise_fall_unavailable(struct rise_fall *c)
{
    enum rise_fall_state was = c->state;

    if (was != RISE_FALL_DOWN) {
        c->quick = true;
        c->state = RISE_FALL_DOWN;
    }
    c->n_good = c->n_bad = 0;
    return was != RISE_FALL_DOWN;
}
