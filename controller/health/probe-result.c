/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows for a backend from the results of its probes.  Not for probes
 * (prober.c), nor for when it is up or down (backend-up-down.c). */

#include <config.h>

#include "controller/health/prober-private.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(health);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);

const char *const backend_state_names[BACKEND_N_STATES] = {
    [BACKEND_CHECKING] = "checking", [BACKEND_UP] = "up",
    [BACKEND_DOWN] = "down", [BACKEND_DRAINED] = "drained",
    [BACKEND_IDLE] = "idle",
};

static struct up_down_rules
rules_of(const struct backend *b)
{
    const struct prober_settings *s = &b->lb->settings;

    return (struct up_down_rules) {
        .interval_ms = s->interval_ms,
        .healthy_after = s->healthy_after,
        .unhealthy_after = s->unhealthy_after,
    };
}

static enum backend_state
state_of(const struct backend *b)
{
    static const enum backend_state states[] = {
        [UP_DOWN_NEW] = BACKEND_CHECKING, [UP_DOWN_UP] = BACKEND_UP,
        [UP_DOWN_DOWN] = BACKEND_DOWN,
    };

    return (b->drain.is_over ? BACKEND_DRAINED
            : b->idle && !(b->drain.goes_on && b->lb->settings.probes)
            ? BACKEND_IDLE
            : states[b->check.state]);
}

static void
log_state(const struct backend *b, enum backend_state state)
{
    bool is_target = b->lb->name[0] == PROBER_TARGET;

    VLOG_INFO_RL(&rl, "%s %s: %s %s is %s%s%s%s",
                 is_target ? "probe target" : "loadbalancer",
                 b->lb->name + is_target, is_target ? "port" : "backend",
                 b->port, backend_state_names[state],
                 b->reason[0] ? " (" : "", b->reason,
                 b->reason[0] ? ")" : "");
}

void
prober_report_state(struct backend *b)
{
    enum backend_state state = state_of(b);
    struct backend_change *change;

    if (state == b->shown) {
        return;
    }
    log_state(b, state);
    b->shown = state;
    b->since_ms = time_wall_msec();
    b->prober->stats.n_changes++;
    if (!b->history) {
        b->history = xcalloc(BACKEND_HISTORY, sizeof *b->history);
    }
    change = &b->history[b->n_changes++ % BACKEND_HISTORY];
    change->time_ms = b->since_ms;
    change->state = state;
    ovs_strzcpy(change->reason, b->reason, sizeof change->reason);
    b->prober->ops->changed(b->prober->aux, b, false);
}

void
prober_add_result(struct backend *b, bool ok, const char *reason,
                  int64_t now_us)
{
    struct up_down_rules rules = rules_of(b);

    b->checked_ms = time_wall_msec();
    if (ok) {
        b->n_ok++;
        b->latency_us = MAX(now_us - b->begun_us, 1);
        up_down_succeeded(&b->check, &rules, now_us / 1000);
    } else {
        b->n_failed++;
        ovs_strzcpy(b->reason, reason, sizeof b->reason);
        up_down_failed(&b->check, &rules, now_us / 1000);
    }
    if (ok && b->check.state == UP_DOWN_UP) {
        b->reason[0] = '\0';
    }
    prober_report_state(b);
    b->prober->ops->probed(b->prober->aux, b);
}
