/* SPDX-License-Identifier: Apache-2.0
 *
 * See volatile-revisions.h. */

#include <config.h>

#include "controller/northbound/volatile-revisions.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/schema-log.h"
#include "util.h"

struct kept {
    uint64_t revision;
    int64_t time_ms;
    char *who;                  /* Owned, as the next. */
    char *changes;              /* As struct schema_log_entry's. */
};

struct volatile_revisions {
    uint64_t n;                 /* That were added. */
    struct kept kept[VOLATILE_REVISIONS_MAX]; /* By that number. */
};

struct volatile_revisions *
volatile_revisions_create(void)
{
    return xzalloc(sizeof(struct volatile_revisions));
}

static void
kept_uninit(struct kept *kept)
{
    free(kept->who);
    free(kept->changes);
}

void
volatile_revisions_destroy(struct volatile_revisions *revisions)
{
    if (revisions) {
        for (size_t i = 0; i < VOLATILE_REVISIONS_MAX; i++) {
            kept_uninit(&revisions->kept[i]);
        }
        free(revisions);
    }
}

/* Returns the first changes of 'summary' that there is room for, and how many
 * more there are. */
static char *
cut(const char *summary)
{
    json_t *all = json_loads(summary, 0, NULL);
    json_t *some = json_array();
    size_t size = 0, i = 0;
    char *text;

    for (; i < json_array_size(all); i++) {
        json_t *change = json_array_get(all, i);

        size += json_dumpb(change, NULL, 0, JSON_COMPACT) + 1;
        if (size > VOLATILE_CHANGES_MAX) {
            break;
        }
        json_array_append(some, change);
    }
    if (i < json_array_size(all)) {
        const json_t *last = json_array_get(all, json_array_size(all) - 1);
        json_int_t more = json_integer_value(json_object_get(last, "more"));
        json_int_t left = (json_int_t) (json_array_size(all) - i);

        json_array_append_new(some, json_pack(
            "{s:I}", "more", more ? left - 1 + more : left));
    }
    text = json_dumps(some, JSON_COMPACT);
    json_decref(some);
    json_decref(all);
    return text ? text : xstrdup("[]");
}

void
volatile_revisions_add(struct volatile_revisions *revisions,
                       const struct model_log *log)
{
    struct kept *kept
        = &revisions->kept[revisions->n++ % VOLATILE_REVISIONS_MAX];

    kept_uninit(kept);
    *kept = (struct kept) {
        .revision = log->revision, .time_ms = log->time_ms,
        .who = xstrdup(log->who),
        .changes = (strlen(log->summary) <= VOLATILE_CHANGES_MAX
                    ? xstrdup(log->summary) : cut(log->summary)),
    };
}

bool
volatile_revisions_find(const struct volatile_revisions *revisions,
                        uint64_t revision, struct schema_log_entry *entry)
{
    for (size_t i = 0; i < VOLATILE_REVISIONS_MAX; i++) {
        const struct kept *kept = &revisions->kept[i];

        if (kept->who && kept->revision == revision) {
            *entry = (struct schema_log_entry) {
                .revision = revision, .time = kept->time_ms,
                .who = kept->who, .changes = kept->changes,
            };
            return true;
        }
    }
    return false;
}
