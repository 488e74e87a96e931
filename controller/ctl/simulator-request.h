/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnctl trace and reachability have in common. */

#ifndef CONTROLLER_CTL_SIMULATOR_REQUEST_H
#define CONTROLLER_CTL_SIMULATOR_REQUEST_H 1

#include <jansson.h>
#include <stdbool.h>

#include "controller/ctl/ctl.h"

struct ds;

/* Adds the objects of the files of --after to 'body', as "after". */
enum ctl_exit ctl_set_after(struct ctl *, json_t *body);

/* Adds SERVICE, such as "tcp/80", "icmp", "icmp/8" or "icmpv6/1/4", to 'body':
 * "protocol", and "port" or "icmp_type" and "icmp_code".  Returns false if it
 * is invalid. */
bool ctl_set_service(json_t *body, const char *service);

/* Appends 'before' and "rule 2 of web" (counted from 0), if 'json' names a
 * rule. */
void ctl_append_rule(const json_t *, const char *before, struct ds *);

/* If a port is isolated: appends 'before', in which direction, 'by' and which
 * policies do so ("ingress, by db-in, web"), and 'after'. */
void ctl_append_isolation(const json_t *, const char *before, const char *by,
                          const char *after, struct ds *);

/* If ports are quarantined: appends 'before', by what ("quarantines/case-7,
 * ports/web-1"), of which the first three are named, and 'after'. */
void ctl_append_quarantine(const json_t *, const char *before,
                           const char *after, struct ds *);

/* Prints "warnings" of a reply: hosts that are not heard.  Before all else, as
 * what follows may not be so. */
void ctl_print_unheard(struct ctl *, const json_t *reply);

#endif /* controller/ctl/simulator-request.h */
