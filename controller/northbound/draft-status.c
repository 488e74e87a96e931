/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of a draft: which of the fields that it changes have been changed
 * since, by whom, and in which revision.  Not for applying it
 * (api-drafts.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/draft-conflicts.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-diff.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(northbound_draft);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);

/* Conflicts that are listed, and those of which it is looked for who deleted
 * the object: the log is searched for that. */
#define CONFLICTS_MAX 100
#define SEARCHED_MAX 10
/* What is shown of an object as a whole, in bytes of JSON. */
#define WHOLE_MAX (8 * SCHEMA_DIFF_VALUE_MAX)

int64_t
nb_log_entry_ms(const json_t *entry)
{
    const char *time = json_string_value(json_object_get(entry, "time"));
    char seconds[VALUE_TIME_LEN + 1];
    int64_t time_s;

    if (!time || strlen(time) < VALUE_TIME_LEN) {
        return 0;
    }
    snprintf(seconds, sizeof seconds, "%.*sZ", VALUE_TIME_LEN - 1, time);
    time_s = value_parse_time(seconds);
    return (time_s <= 0 ? 0
            : time_s * 1000 + (time[VALUE_TIME_LEN - 1] == '.'
                               ? atoi(&time[VALUE_TIME_LEN]) : 0));
}

/* Sets who made the revision, and when, as its entry of the log says. */
static void
fill_author(const json_t *entry, struct arena *arena,
            struct status_draft_conflict *status)
{
    const char *who = json_string_value(json_object_get(entry, "who"));

    status->revision = json_integer_value(json_object_get(entry,
                                                          "revision"));
    status->who = who ? arena_strdup(arena, who) : NULL;
    status->time = nb_log_entry_ms(entry);
}

json_t *
nb_find_log_entry(const struct northbound *nb, uint64_t revision,
                  const char *type, const char *name)
{
    const struct store_log_filter filter = {
        .revision = revision, .type = revision ? NULL : type,
        .name = revision ? NULL : name, .since_ms = INT64_MIN,
    };
    struct vmn_error why = VMN_ERROR_INIT;
    struct ds text = DS_EMPTY_INITIALIZER;
    json_t *entry = NULL;
    uint64_t next;

    if (nb->store_class->filter_logs(nb->store, &filter, UINT64_MAX, 1, &text,
                                     &next, &why)) {
        VLOG_WARN_RL(&rl, "%s", why.text);
        vmn_error_uninit(&why);
    } else if (text.length) {
        entry = json_loadb(ds_cstr(&text), text.length, JSON_ALLOW_NUL, NULL);
    }
    ds_destroy(&text);
    return entry;
}

static const char *
json_text(const json_t *value, struct arena *arena)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *copy = arena_strdup(arena, text);

    free(text);
    return copy;
}

static size_t
json_size(const json_t *value)
{
    return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* Returns the value as JSON text in the arena; NULL: there is none, or it is
 * too long. */
static const char *
value_text(const json_t *value, struct arena *arena, bool *left_out)
{
    if (value && json_size(value) > SCHEMA_DIFF_VALUE_MAX) {
        *left_out = true;
        return NULL;
    }
    return value ? json_text(value, arena) : NULL;
}

/* The same of a spec: of its members those that are too long are left out, as
 * they would be by themselves. */
static const char *
whole_text(const json_t *whole, bool hides, struct arena *arena,
           bool *left_out)
{
    json_t *shown = whole ? json_object() : NULL, *copy;
    const char *name, *text;
    size_t room = WHOLE_MAX;
    json_t *value;

    json_object_foreach (CONST_CAST(json_t *, whole), name, value) {
        size_t size = json_size(value);

        if (size > SCHEMA_DIFF_VALUE_MAX || size > room) {
            *left_out = true;
        } else {
            room -= size;
            json_object_set(shown, name, value);
        }
    }
    copy = json_deep_copy(shown);
    json_decref(shown);
    if (hides) {
        nb_hide_webhook(copy);
    }
    text = copy ? json_text(copy, arena) : NULL;
    json_decref(copy);
    return text;
}

/* Returns true if a balancer's conflict is shown without the URLs of
 * webhooks, as the draft is. */
static bool
hides_webhooks(const struct nb_status_query *q, const struct vmn_draft *draft,
               const char *type)
{
    return (!model_shows_secrets(q->rights, &draft->row)
            && !strcmp(type, schema_tables[VMN_TABLE_LOADBALANCER]->plural));
}

/* Returns true if the field may have the URL of a webhook, or is of a type
 * that has gone, and the draft is not shown with it. */
static bool
is_secret(const struct nb_status_query *q, const struct vmn_draft *draft,
          const struct status_draft_conflict *status)
{
    return ((!model_shows_secrets(q->rights, &draft->row)
             && !schema_find_table(status->type))
            || (hides_webhooks(q, draft, status->type)
                && !strncmp(status->path, "/spec/scale", 11)));
}

/* Fills in the values: of a field, or of the object as a whole. */
static void
fill_values(const struct nb_status_query *q, const struct vmn_draft *draft,
            const struct draft_conflict *conflict,
            struct status_draft_conflict *status)
{
    bool hides = hides_webhooks(q, draft, status->type);
    const struct {
        const json_t *value;
        const char **text;
    } values[] = {
        { conflict->base, &status->base },
        { conflict->now, &status->now },
        { conflict->wanted, &status->draft },
    };

    if (conflict->left_out || is_secret(q, draft, status)) {
        status->left_out = true;
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        *values[i].text = (!*status->path
                           ? whole_text(values[i].value, hides, q->arena,
                                        &status->left_out)
                           : value_text(values[i].value, q->arena,
                                        &status->left_out));
    }
}

void
nb_fill_draft_conflict(const struct nb_status_query *q,
                       const struct vmn_draft *draft,
                       const struct draft_conflict *conflict, size_t i,
                       const struct status_draft_conflict *last,
                       struct status_draft_conflict *status)
{
    const struct vmn_draft_change *change = &draft->changes[conflict->change];

    *status = (struct status_draft_conflict) {
        .change = conflict->change, .type = change->type,
        .name = change->name, .path = arena_strdup(q->arena, conflict->path),
        .revision = conflict->revision,
    };
    fill_values(q, draft, conflict, status);
    /* An account with a scope is not told who the others are. */
    if (last && last->change == conflict->change) {
        status->revision = last->revision;
        status->who = last->who;
        status->time = last->time;
    } else if ((conflict->revision || i < SEARCHED_MAX)
        && (!q->rights || !q->rights->scope.text)) {
        json_t *entry = nb_find_log_entry(q->nb, conflict->revision,
                                          change->type, change->name);

        if (entry) {
            fill_author(entry, q->arena, status);
        }
        json_decref(entry);
    }
}

/* The conflicts, while they are collected. */
struct collection {
    const struct nb_status_query *q;
    const struct vmn_draft *draft;
    struct status_draft *status;
};

static void
collect(void *collection_, const struct draft_conflict *conflict)
{
    struct collection *c = collection_;
    struct status_draft *status = c->status;

    if (!status->conflicts) {
        status->conflicts = arena_alloc(c->q->arena, CONFLICTS_MAX
                                        * sizeof *status->conflicts);
    }
    if (status->n_all++ < CONFLICTS_MAX) {
        size_t i = status->n_conflicts++;

        nb_fill_draft_conflict(c->q, c->draft, conflict, i,
                               i ? &status->conflicts[i - 1] : NULL,
                               &status->conflicts[i]);
    }
}

bool
nb_fill_draft(const struct nb_status_query *q, const struct vmn_row *row,
              void *status_)
{
    const struct vmn_draft *draft = (const void *) row;
    struct status_draft *status = status_;
    struct collection collection = { q, draft, status };

    for (size_t i = 0; i < draft->n_changes; i++) {
        status->changes += !draft->changes[i].unchanged;
    }
    if (q->one) {
        draft_conflicts(q->nb->model, q->rights, draft, collect, &collection);
    }
    return true;
}
