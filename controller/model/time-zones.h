/* SPDX-License-Identifier: Apache-2.0
 *
 * Time zones of the IANA database, as the system has it: GLib reads it.  What
 * is read of a zone stays as it is until the last struct time_zones that has
 * read it is gone, so that what follows from it does not change meanwhile. */

#ifndef CONTROLLER_MODEL_TIME_ZONES_H
#define CONTROLLER_MODEL_TIME_ZONES_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/shash.h"

struct time_zones {
    struct shash zones;         /* Of GTimeZone, by name. */
};
void time_zones_init(struct time_zones *);
void time_zones_uninit(struct time_zones *);

/* Returns true if the system knows 'name', which need not have passed any
 * check. */
bool time_zones_have(struct time_zones *, const char *name);

/* Sets '*when', in seconds since 1970 (UTC), to when clocks of zone 'name'
 * show 'local', the seconds that it would be in UTC.  Of a time that they show
 * twice it is the first; one that they skip is as much later as they are set
 * forward (RFC 5545, section 3.3.5).  NULL is UTC.  Returns false, with
 * nothing filled in, if there is no such zone, or 'local' is more than
 * TIME_ZONES_MAX_S from 1970. */
#define TIME_ZONES_MAX_S (INT64_C(1) << 40)
bool time_zones_to_utc(struct time_zones *, const char *name, int64_t local,
                       int64_t *when);

#endif /* controller/model/time-zones.h */
