/* SPDX-License-Identifier: Apache-2.0
 *
 * The flows and groups that an app wants, as lines:
 *
 *     mailguard.mail priority=10,tcp,reg0=0x7,reg3=0x1,tp_dst=25 actions=drop
 *     (direct mail) on overlay.network-hosts:shop
 *
 * (one line), a group as "group N type=..., on ...".  Tables have the names of
 * their stages: numbers differ with the apps that are loaded. */

#ifndef CONTROLLER_KIT_KIT_FLOWS_H
#define CONTROLLER_KIT_KIT_FLOWS_H 1

#include <jansson.h>
#include <stdbool.h>

#include "svec.h"

struct ds;
struct kit_world;

/* Appends the lines of the app under test, of all scopes, or of those of
 * 'host' if that is not NULL; sorted. */
void kit_flows_list(const struct kit_world *, const char *host,
                    struct svec *lines);

/* Compares the lines with 'expected', a text of lines or an array of them, in
 * any order, blanks being of no account, but for one that a line begins with:
 * it goes on with the one before; appends each that is missing ("- ")
 * or too much ("+ ") to 'ds'.  Returns true if there is none. */
bool kit_flows_match(const struct kit_world *, const json_t *expected,
                     struct ds *ds);

#endif /* controller/kit/kit-flows.h */
