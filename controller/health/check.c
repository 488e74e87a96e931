/* SPDX-License-Identifier: Apache-2.0
 *
 * See check.h. */

#include <config.h>

#include "controller/health/check.h"

#include <string.h>

#include "util.h"

void
check_init(struct check *c, enum check_state state)
{
    memset(c, 0, sizeof *c);
    c->state = state;
    c->quick = state == CHECK_NEW;
}

static int64_t
window_ms(const struct check_rules *rules)
{
    return MAX(rules->interval_ms, 1) * CHECK_WINDOW;
}

/* Doublings as of now. */
static unsigned
penalty_now(const struct check *c, const struct check_rules *rules,
            int64_t now_ms)
{
    int64_t n = (now_ms - c->changed_ms) / window_ms(rules);

    return n < c->penalty ? c->penalty - n : 0;
}

unsigned
check_needed(const struct check *c, const struct check_rules *rules,
             int64_t now_ms)
{
    return (c->quick ? 1
            : rules->healthy_after << penalty_now(c, rules, now_ms));
}

/* The state changes, due to probes. */
static void
change(struct check *c, enum check_state state,
       const struct check_rules *rules, int64_t now_ms)
{
    if (!c->quick) {
        unsigned penalty = penalty_now(c, rules, now_ms);

        if (c->changed_ms && now_ms - c->changed_ms < window_ms(rules)
            && penalty < CHECK_PENALTY_MAX) {
            penalty++;
        }
        c->penalty = penalty;
        c->changed_ms = now_ms;
    }
    c->state = state;
    c->n_good = c->n_bad = 0;
}

bool
check_succeeded(struct check *c, const struct check_rules *rules,
                int64_t now_ms)
{
    c->n_bad = 0;
    if (c->state == CHECK_UP
        || ++c->n_good < check_needed(c, rules, now_ms)) {
        return false;
    }
    change(c, CHECK_UP, rules, now_ms);
    c->quick = false;
    return true;
}

bool
check_failed(struct check *c, const struct check_rules *rules,
             int64_t now_ms)
{
    c->n_good = 0;
    if (c->state == CHECK_DOWN || ++c->n_bad < rules->unhealthy_after) {
        return false;
    }
    change(c, CHECK_DOWN, rules, now_ms);
    return true;
}

bool
check_out(struct check *c)
{
    enum check_state was = c->state;

    if (was != CHECK_DOWN) {
        c->quick = true;
        c->state = CHECK_DOWN;
    }
    c->n_good = c->n_bad = 0;
    return was != CHECK_DOWN;
}
