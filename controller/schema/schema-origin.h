/* SPDX-License-Identifier: Apache-2.0
 *
 * The origin of a change, by the name in its request and in its entry of the
 * log.  Not for accounts, and what they may do (controller/northbound). */

#ifndef CONTROLLER_SCHEMA_SCHEMA_ORIGIN_H
#define CONTROLLER_SCHEMA_SCHEMA_ORIGIN_H 1

enum schema_origin {
    ORIGIN_USER,                /* Or a program on a user's behalf:
                                 * "account:NAME", "unix:uid=0". */
    ORIGIN_HOST,                /* "host:NAME": what the host reports. */
    ORIGIN_HEALTH,              /* ORIGIN_NAME_HEALTH: the results of
                                 * probes. */
    ORIGIN_VMND,                /* ORIGIN_NAME_VMND. */
};

#define ORIGIN_NAME_HEALTH "health"
#define ORIGIN_NAME_VMND "vmnd"

/* Returns the origin of a change whose name is 'who'. */
enum schema_origin schema_origin(const char *who);
/* Returns the host whose reports have the name 'who', a part of that, or
 * NULL. */
const char *schema_origin_host(const char *who);
/* Returns the name of changes that 'host' reports, which the caller frees. */
char *schema_origin_name_host(const char *host);

#endif /* controller/schema/schema-origin.h */
