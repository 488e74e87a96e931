/* SPDX-License-Identifier: Apache-2.0
 *
 * The origin of a change; see schema-origin.h. */

#include <config.h>

#include "controller/schema/schema-origin.h"

#include <string.h>

#include "util.h"

#define HOST "host:"

const char *
schema_origin_host(const char *who)
{
    return strncmp(who, HOST, strlen(HOST)) ? NULL : who + strlen(HOST);
}

char *
schema_origin_name_host(const char *host)
{
    return xasprintf(HOST"%s", host);
}

enum schema_origin
schema_origin(const char *who)
{
    return (schema_origin_host(who) ? ORIGIN_HOST
            : !strcmp(who, ORIGIN_NAME_VMND) ? ORIGIN_VMND
            : !strcmp(who, ORIGIN_NAME_HEALTH) ? ORIGIN_HEALTH
            : ORIGIN_USER);
}
