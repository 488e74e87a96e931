/* SPDX-License-Identifier: Apache-2.0
 *
 * Schedules audits: each host once per interval, spread evenly over it. */

#include <config.h>

#include "controller/fabric/session/audit.h"

#include <event2/event.h>

#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/audit-private.h"
#include "controller/fabric/session/audit-result.h"
#include "controller/fabric/session/switch.h"
#include "hash.h"
#include "timeval.h"
#include "util.h"

/* Bounds of the time between two ticks of the audits' timer. */
#define TICK_MAX_MS (60 * 1000)
#define TICK_MIN_MS 10

static void
set_timer(struct fabric *f)
{
    int64_t ms = f->audit_s * 1000 / MAX(hmap_count(&f->hosts), 1);
    struct timeval tv;

    ms = MAX(TICK_MIN_MS, MIN(TICK_MAX_MS, ms));
    tv.tv_sec = ms / 1000;
    tv.tv_usec = ms % 1000 * 1000;
    event_add(f->audit_timer, &tv);
}

/* Audits the host that is overdue the longest.  There are enough ticks in an
 * interval for all hosts. */
static void
tick_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fabric *f = f_;
    int64_t now = time_msec(), interval_ms = f->audit_s * 1000;
    struct fabric_switch *next = NULL;
    struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        struct fabric_switch *sw = host->sw;
        struct audits *audits = audits_of(sw);

        if (!audits->due_ms) {
            /* Spread evenly, and from start to start. */
            audits->due_ms = now + hash_string(host->name, 0) % interval_ms;
        }
        if (audit_is_possible(sw) && audits->due_ms <= now
            && (!next || audits->due_ms < audits_of(next)->due_ms)) {
            next = sw;
        }
    }
    if (next) {
        audits_of(next)->due_ms = now + interval_ms;
        audit_start(next, NULL, NULL, NULL);
    }
    set_timer(f);
}

void
audits_create(struct fabric *f, const struct fabric_options *options)
{
    f->audit_s = MIN(options->audit_s, FABRIC_AUDIT_MAX_S);
    f->audit_alarm = options->audit_alarm ? : FABRIC_AUDIT_ALARM;
    if (f->audit_s) {
        f->audit_timer = event_new(f->base, -1, 0, tick_cb, f);
        set_timer(f);
    }
}

void
audits_destroy(struct fabric *f)
{
    if (f->audit_timer) {
        event_free(f->audit_timer);
        f->audit_timer = NULL;
    }
    audit_result_uninit(&f->audited);
}
