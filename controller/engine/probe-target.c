/* SPDX-License-Identifier: Apache-2.0
 *
 * See probe-target.h. */

#include <config.h>

#include "controller/engine/probe-target.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/schema/value.h"
#include "util.h"

/* The longest text of a part. */
#define PART_SIZE 128

/* Cuts 'text' at its bars.  Returns false if it has not 'n' parts, or one is
 * too long. */
static bool
cut(const char *text, char parts[][PART_SIZE], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(text, "|");

        if (len >= PART_SIZE || !text[len] != (i == n - 1)) {
            return false;
        }
        memcpy(parts[i], text, len);
        parts[i][len] = '\0';
        text += len + 1;
    }
    return true;
}

static bool
take_number(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
    return str_to_uint(text, 10, value) && *value >= min && *value <= max;
}

static bool
take_name(const char *text, char name[VMN_NAME_LEN + 1])
{
    if (value_check_name(text, NULL)) {
        return false;
    }
    ovs_strlcpy(name, text, VMN_NAME_LEN + 1);
    return true;
}

/* Any Ethernet address of one neighbour, those reserved for VMN too. */
static bool
take_mac(const char *text, struct vmn_mac *mac)
{
    int n = 0;

    return (ovs_scan(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n",
                     &mac->ea[0], &mac->ea[1], &mac->ea[2], &mac->ea[3],
                     &mac->ea[4], &mac->ea[5], &n)
            && !text[n] && !(mac->ea[0] & 1));
}

const char *
probe_target_parse(const char *name, const char *text,
                   struct probe_target_text *to)
{
    char parts[VMN_PROBE_TARGET_PARTS + 1][PART_SIZE];
    struct vmn_probe_target *t = &to->target;
    uint32_t type, number;

    memset(to, 0, sizeof *to);
    if (value_check_name(name, NULL)) {
        return "it must be named with 1 to 63 of a-z, 0-9, '-' and '.', with "
               "a letter or digit at the end";
    }
    to->monitors = cut(text, parts, VMN_PROBE_TARGET_PARTS + 1);
    if (to->monitors ? strcmp(parts[VMN_PROBE_TARGET_PARTS],
                              VMN_PROBE_MONITORS)
        : !cut(text, parts, VMN_PROBE_TARGET_PARTS)) {
        return "it has not the parts of a target";
    }
    if (!take_name(parts[0], to->port)) {
        return "its port has no name of one";
    }
    if (!take_number(parts[1], VMN_PROBE_TCP, VMN_PROBE_NEIGHBOUR, &type)) {
        return "its type is none";
    }
    t->type = type;
    t->port = to->port;
    if (t->type != VMN_PROBE_THROUGH ? parts[2][0] != '\0'
        : !take_name(parts[2], to->out)) {
        return "its \"out\" is not that of its type";
    }
    t->out = to->out[0] ? to->out : NULL;
    if (!vmn_ip_from_text(parts[3], &t->source)
        || !vmn_ip_from_text(parts[4], &t->ip)
        || t->source.family != t->ip.family) {
        return "its addresses are not two of one family";
    }
    if (!take_mac(parts[5], &t->source_mac) || !take_mac(parts[6], &t->mac)) {
        return "its MAC addresses are not those of neighbours";
    }
    if (!take_number(parts[7], 0, UINT16_MAX, &number)
        || !number != (t->type == VMN_PROBE_PING
                       || t->type == VMN_PROBE_THROUGH
                       || t->type == VMN_PROBE_NEIGHBOUR)) {
        return "its destination port is not one of its type";
    }
    t->number = number;
    if (!take_number(parts[8], 100, 3600000, &t->interval_ms)
        || !take_number(parts[9], 10, t->interval_ms, &t->timeout_ms)) {
        return "its interval and timeout are out of range";
    }
    if (!take_number(parts[10], 1, 100, &t->healthy_after)
        || !take_number(parts[11], 1, 100, &t->unhealthy_after)) {
        return "its numbers of successes and failures are out of range";
    }
    return NULL;
}

bool
engine_probe_target(struct engine *engine, const char *name,
                    struct probe_target_text *to)
{
    size_t size;
    char *text = engine_peek(engine, ENGINE_QUERY_PROBE_TARGET, name, &size);
    bool ok = text && !probe_target_parse(name, text, to);

    free(text);
    return ok;
}
