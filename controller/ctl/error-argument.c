/* SPDX-License-Identifier: Apache-2.0
 *
 * What on the command line an error of the server is about; see
 * error-argument.h. */

#include <config.h>

#include "controller/ctl/error-argument.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Members of requests that are made of arguments without a name. */
static const struct {
    const char *command, *member, *argument;
} arguments[] = {
    { "trace", "from", "FROM" },
    { "trace", "to", "TO" },
    { "trace", "protocol", "SERVICE" },
    { "trace", "port", "SERVICE" },
    { "trace", "icmp_type", "SERVICE" },
    { "trace", "icmp_code", "SERVICE" },
    { "reachability", "protocol", "SERVICE" },
    { "reachability", "port", "SERVICE" },
    { "quarantine", "ports", "PORT" },
    { "capture", "ports", "PORT" },
    { "capture", "filters", "--filter" },
    { "capture", "groups", "--group" },
    { "capture", "networks", "--network" },
    { "capture", "policies", "--policy" },
    { "paths", "host", "HOST" },
    { "paths", "peer", "the second HOST" },
    { "top", "group_by", "--by" },
    { "top", "label", "--by label=KEY" },
    { "rollback", "first", "FIRST" },
};

/* Returns the option of the command whose name is the member's; NULL if it has
 * none. */
static char *
option_name(const struct ctl_command *command, const char *member)
{
    struct ctl_option_info info;
    char *name = xstrdup(member);
    char *option = NULL;

    for (char *c = name; *c; c++) {
        *c = *c == '_' ? '-' : *c;
    }
    for (size_t i = 0; !option && ctl_option_at(i, command->options, &info);
         i++) {
        option = strcmp(info.name, name) ? NULL : xasprintf("--%s", name);
    }
    free(name);
    return option;
}

char *
ctl_error_argument(const struct ctl *ctl, const char *pointer)
{
    char *member, *name = NULL;

    if (!ctl->command) {
        return NULL;
    }
    pointer += !strncmp(pointer, "/spec/", 6) ? 6 : *pointer == '/';
    member = xmemdup0(pointer, strcspn(pointer, "/"));
    for (size_t i = 0; !name && i < ARRAY_SIZE(arguments); i++) {
        if (!strcmp(arguments[i].command, ctl->command->name)
            && !strcmp(arguments[i].member, member)) {
            name = xstrdup(arguments[i].argument);
        }
    }
    name = name ? name : option_name(ctl->command, member);
    free(member);
    return name;
}
