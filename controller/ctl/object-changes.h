/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of several objects by one command, which are one transaction: all of
 * them or nothing. */

#ifndef CONTROLLER_CTL_OBJECT_CHANGES_H
#define CONTROLLER_CTL_OBJECT_CHANGES_H 1

#include <jansson.h>

#include "controller/ctl/ctl.h"
#include "controller/ctl/object-files.h"

struct ctl_changes {
    struct ctl_input input;     /* As for POST /v1/apply. */
    struct svec outcomes;       /* What is said of each; "": as it is. */
    bool valid;                 /* False: a name is not UTF-8. */
    const char *unchanged;      /* What is said of an object that was so
                                 * before; NULL: what the server says. */
    /* Prints more of the reply to a single change; NULL: there is no more. */
    void (*print_more)(struct ctl *, const json_t *reply);
};

void ctl_changes_init(struct ctl_changes *);
void ctl_changes_uninit(struct ctl_changes *);

/* Adds a change: 'op' is NULL (put), "patch" or "delete".  Takes ownership of
 * 'spec', which is NULL of a deletion.  'outcome' is what is said if anything
 * changed (NULL: what the server says). */
void ctl_changes_add(struct ctl_changes *, const char *op, const char *type,
                     const char *name, json_t *spec, const char *outcome);

/* Sends all of them with the query of --wait, --cascade or --dry-run, and
 * prints what came of it.  'command' is named where a name is wrong. */
enum ctl_exit ctl_changes_send(struct ctl *, const char *command,
                               const struct ctl_changes *);

#endif /* controller/ctl/object-changes.h */
