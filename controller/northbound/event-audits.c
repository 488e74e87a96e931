/* SPDX-License-Identifier: Apache-2.0
 *
 * Audits that the writer of a cluster is to tell of; see event-audits.h. */

#include <config.h>

#include "controller/northbound/event-audits.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-log.h"
#include "controller/northbound/replies.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* Of a member, and of a question. */
#define AUDITS_MAX 256
/* An audit that is sent again is not older. */
#define AGAIN_MS 60000

struct event_audits {
    struct nb_event_audit audits[AUDITS_MAX]; /* The oldest first; 'host' is
                                               * owned. */
    size_t n;
    size_t n_asked;             /* Of them, in the last question. */
};

static void
discard(struct event_audits *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(CONST_CAST(char *, all->audits[i].host));
    }
    all->n -= n;
    memmove(all->audits, all->audits + n, all->n * sizeof *all->audits);
    all->n_asked -= MIN(n, all->n_asked);
}

struct event_audits *
event_audits_create(void)
{
    return xzalloc(sizeof(struct event_audits));
}

void
event_audits_destroy(struct event_audits *all)
{
    if (all) {
        discard(all, all->n);
        free(all);
    }
}

void
event_audits_add(struct event_audits *all, const struct nb_event_audit *event)
{
    if (all->n == AUDITS_MAX) {
        discard(all, 1);
    }
    all->audits[all->n] = *event;
    all->audits[all->n++].host = xstrdup(event->host);
}

char *
event_audits_put(struct event_audits *all, char *question)
{
    size_t len = strlen(question);
    json_t *audits;
    char *text, *with;

    all->n_asked = all->n;
    if (!all->n) {
        return question;
    }
    audits = json_array();
    for (size_t i = 0; i < all->n; i++) {
        const struct nb_event_audit *e = &all->audits[i];

        json_array_append_new(audits, json_pack(
            "{s:s, s:I, s:I, s:I, s:I}", "host", e->host,
            "time", (json_int_t) e->time, "missing", (json_int_t) e->missing,
            "altered", (json_int_t) e->altered,
            "unknown", (json_int_t) e->unknown));
    }
    text = json_dumps(audits, JSON_COMPACT);
    with = xasprintf("%.*s%s\"audits\":%s}", (int) len - 1, question,
                     len > 2 ? "," : "", text);
    free(text);
    free(question);
    json_decref(audits);
    return with;
}

void
event_audits_told(struct event_audits *all)
{
    discard(all, all->n_asked);
}

/* The writer.  ------------------------------------------------------------ */

/* Returns true if the log has the event: its time is that of one audit. */
static bool
is_told(const struct event_log *log, const struct nb_event_audit *event)
{
    static const char before[] = "\ndata: ";
    int64_t since_ms = time_msec() - AGAIN_MS;
    struct ds text = DS_EMPTY_INITIALIZER;
    bool told = false;

    schema_struct_print(&nb_event_audit, event, &text);
    for (uint64_t at = log->next; !told && at > log->oldest; at--) {
        const struct event_entry *entry = event_log_get(log, at - 1);
        const char *data;

        if (entry->seen_ms < since_ms) {
            break;
        } else if (entry->kind == EVENT_AUDIT) {
            data = strstr(entry->text, before) + strlen(before);
            told = (strcspn(data, "\n") == text.length
                    && !memcmp(data, text.string, text.length));
        }
    }
    ds_destroy(&text);
    return told;
}

void
event_audits_lead(struct event_audits *all, const struct event_log *log,
                  event_audits_tell_cb *tell, struct northbound *nb)
{
    for (size_t i = 0; i < all->n; i++) {
        if (!is_told(log, &all->audits[i])) {
            tell(nb, &all->audits[i]);
        }
    }
    discard(all, all->n);
}

static bool
get_number(const json_t *audit, const char *member, int64_t *value)
{
    const json_t *number = json_object_get(audit, member);

    *value = json_integer_value(number);
    return json_is_integer(number) && *value >= 0;
}

static bool
take_one(const struct event_log *log, const json_t *audit,
         event_audits_tell_cb *tell, struct northbound *nb)
{
    const char *host = json_string_value(json_object_get(audit, "host"));
    int64_t time, missing, altered, unknown;

    if (!host || value_check_name(host, NULL)
        || !get_number(audit, "time", &time)
        || !get_number(audit, "missing", &missing)
        || !get_number(audit, "altered", &altered)
        || !get_number(audit, "unknown", &unknown)) {
        return false;
    }

    const struct nb_event_audit event = {
        host, time, missing, altered, unknown,
    };
    if (!is_told(log, &event)) {
        tell(nb, &event);
    }
    return true;
}

const char *
event_audits_take(const struct event_log *log, const void *question,
                  size_t size, event_audits_tell_cb *tell,
                  struct northbound *nb)
{
    json_t *json = json_loadb(question, size, 0, NULL);
    const json_t *audits = json_object_get(json, "audits"), *audit;
    const char *fault = ((audits && !json_is_array(audits))
                         || json_array_size(audits) > AUDITS_MAX
                         ? "it has no list of audits, or too many" : NULL);
    size_t i;

    if (!fault) {
        json_array_foreach (audits, i, audit) {
            if (!take_one(log, audit, tell, nb)) {
                fault = "an audit is malformed";
                break;
            }
        }
    }
    json_decref(json);
    return fault;
}
