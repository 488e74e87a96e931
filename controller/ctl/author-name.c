/* SPDX-License-Identifier: Apache-2.0
 *
 * The names of those who make changes, for people; see api-call.h.  The log
 * has the number of a local user: a name may be another user's tomorrow. */

#include <config.h>

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/ctl/api-call.h"
#include "util.h"

char *
ctl_author_name(const struct ctl *ctl, const char *who)
{
    static const char prefix[] = "unix:uid=";
    const char *number = who + strlen(prefix);
    struct passwd entry, *found = NULL;
    char buf[4096];
    int uid;

    if (strncmp(ctl->server, "unix:", 5)
        || strncmp(who, prefix, strlen(prefix))
        || !str_to_int(number, 10, &uid)
        || getpwuid_r(uid, &entry, buf, sizeof buf, &found) || !found) {
        return xstrdup(who);
    }
    return xasprintf("%s (%s)", who, found->pw_name);
}

void
ctl_name_author(const struct ctl *ctl, json_t *revision)
{
    const char *who = json_string_value(json_object_get(revision, "who"));

    if (who) {
        char *name = ctl_author_name(ctl, who);

        json_object_set_new(revision, "who", json_string(name));
        free(name);
    }
}

void
ctl_name_authors(const struct ctl *ctl, json_t *revisions)
{
    json_t *revision;
    size_t i;

    json_array_foreach (revisions, i, revision) {
        ctl_name_author(ctl, revision);
    }
}
