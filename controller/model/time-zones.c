/* SPDX-License-Identifier: Apache-2.0
 *
 * See time-zones.h. */

#include <config.h>

#include "controller/model/time-zones.h"

#include <glib.h>

#include "controller/schema/value.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(time_zones);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

/* No zone's clocks are set twice within so many seconds of a time. */
#define MARGIN (24 * 60 * 60)

void
time_zones_init(struct time_zones *tz)
{
    shash_init(&tz->zones);
}

void
time_zones_uninit(struct time_zones *tz)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &tz->zones) {
        g_time_zone_unref(node->data);
    }
    shash_destroy(&tz->zones);
}

/* Returns NULL if there is no such zone.  What has passed the check is the
 * name of a file at the most: no rule ("EST5EDT,M3.2.0"), which GLib would
 * take as well, nor one outside of the database. */
static GTimeZone *
find(struct time_zones *tz, const char *name)
{
    GTimeZone *zone = shash_find_data(&tz->zones, name);

    if (!zone && !value_check_time_zone(name, NULL)) {
        zone = g_time_zone_new_identifier(name);
        if (zone) {
            shash_add(&tz->zones, name, zone);
        } else {
            VLOG_WARN_RL(&rl, "%s is no time zone that this system has: is "
                         "its package tzdata there?", name);
        }
    }
    return zone;
}

bool
time_zones_have(struct time_zones *tz, const char *name)
{
    return find(tz, name) != NULL;
}

/* Returns by how much clocks are ahead of UTC at 'when', in seconds. */
static int64_t
get_offset(GTimeZone *zone, int64_t when)
{
    return g_time_zone_get_offset(zone, g_time_zone_find_interval(
        zone, G_TIME_TYPE_UNIVERSAL, when));
}

bool
time_zones_to_utc(struct time_zones *tz, const char *name, int64_t local,
                  int64_t *when)
{
    GTimeZone *zone;
    int64_t before, after;

    if (local < -TIME_ZONES_MAX_S || local > TIME_ZONES_MAX_S) {
        return false;
    }
    if (!name) {
        *when = local;
        return true;
    }
    zone = find(tz, name);
    if (!zone) {
        return false;
    }
    /* Where clocks are set in between, they show it before that, after that,
     * twice, or not at all. */
    before = get_offset(zone, local - MARGIN);
    after = get_offset(zone, local + MARGIN);
    if (before != after && get_offset(zone, local - before) != before
        && get_offset(zone, local - after) == after) {
        before = after;
    }
    *when = local - before;
    return true;
}
