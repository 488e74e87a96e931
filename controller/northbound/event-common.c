/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of events that is common to a cluster; see event-common.h. */

#include <config.h>

#include "controller/northbound/event-common.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/northbound/event-audits.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/event-report.h"
#include "controller/northbound/northbound.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "random.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

/* For how long a question waits for an event.  It also shows the other member
 * that this one was the writer until then. */
#define HOLD_MS 1000
/* How often the writer is told what it lacks, as long as it does not
 * answer. */
#define TELL_MAX 20
/* Questions that wait, one of each member as a rule: of more, the oldest one
 * is answered at once. */
#define WAITS_MAX 64
/* What this member has seen so long before the former writer was heard last,
 * that one may not have told yet: members see hosts at times of their own. */
#define LATE_MS 10000
/* For how long an answer may wait for what the copy of the state lacks, and so
 * the next question: what is told meanwhile is lost if the writer ends.  A
 * writer that hands over tells for 100 ms at most. */
#define WAIT_MS 40

/* Ids have the lower bits of the writer's epoch, and begin at a number below
 * 2^31 that is drawn by lot: in case of another cluster's epochs, or of so
 * many writers that the bits are the same again.  So they have 53 bits. */
#define EPOCH_BITS 21
#define NUMBER_BITS EVENT_REPORT_NUMBER_BITS

struct event_common {
    struct northbound *nb;
    const struct event_common_ops *ops;
    struct event_log *log;      /* Owned; or NULL. */
    struct event_audits *audits; /* That the writer is to tell of; owned. */
    bool begun;                 /* It has what a writer told. */
    bool is_told;               /* And all of it, as it seems. */
    struct event_report_taken answer; /* The last one, with the newest
                                       * revision that the log tells of. */
    int n_told;                 /* The writer was told so often what it
                                 * lacks. */
    int64_t waits_ms;           /* Of time_msec(): since when the rest of the
                                 * answer waits; */
    bool asks_again;            /* and that is not taken, as the last question
                                 * asks for it in whole. */
    uint64_t late;              /* And so do others, until the copy of the
                                 * state has this revision. */
    int64_t asked_epoch;        /* Of the writer that was asked last. */
    int64_t asked_ms;           /* Of time_msec(): when the last question was,
                                 */
    int64_t heard_ms;           /* and the last one that was answered; */
    int64_t caught_up_ms;       /* and when it began to be told all. */
    bool has_clock;             /* The writer has said what time it is: */
    int64_t ahead_ms;           /* this one's clock shows so much more. */
    uint64_t n_asked;           /* Questions so far; */
    uint64_t answered;          /* the number of the last one that was
                                 * answered; */
    uint64_t complete;          /* and of the last one whose answer left
                                 * nothing to ask for. */

    /* The writer. */
    uint64_t lead;              /* Position of its first event. */
    uint64_t taken;             /* Others have told it those of the former one
                                 * up to this id; 0: none have. */
    bool handed_over;           /* It is about not to be it any more. */
    struct ovs_list waits;      /* Of struct wait. */
    struct event *send;         /* Answers those that have events. */
};

/* A question that waits for events. */
struct wait {
    struct ovs_list node;
    struct event_common *common;
    struct http_request *req;
    char *member;               /* That asks; owned, or NULL. */
    struct event_report_place place;
    struct event *timer;
};

struct event_log *
nb_event_log(const struct northbound *nb, unsigned kinds)
{
    struct event_log *common = nb->event_common->log;

    return common && kinds & ~event_standby_kinds ? common : nb->event_log;
}

bool
event_common_is_told(const struct event_common *common)
{
    return common && common->is_told;
}

uint64_t
event_common_asked(const struct event_common *common)
{
    return common->n_asked;
}

bool
event_common_has_since(const struct event_common *common, uint64_t n_asked)
{
    return common->complete > n_asked;
}

/* The writer tells.  ----------------------------------------------------- */

static void
wait_destroy(struct wait *wait)
{
    ovs_list_remove(&wait->node);
    event_free(wait->timer);
    free(wait->member);
    free(wait);
}

static void
reply(const struct event_common *common, struct http_request *req,
      const struct event_report_place *place)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    event_report_print(common->log, place, &ds);
    http_reply_bytes(req, 200, "application/json", ds.string, ds.length);
    ds_destroy(&ds);
}

static void
wait_end(struct wait *wait)
{
    struct event_report_place place = wait->place;
    const struct event_common *common = wait->common;
    struct http_request *req = wait->req;

    wait_destroy(wait);
    http_request_set_close_cb(req, NULL, NULL);
    reply(common, req, &place);
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *wait)
{
    wait_end(wait);
}

static void
send_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *common_)
{
    struct event_common *common = common_;
    struct wait *wait, *next;

    LIST_FOR_EACH_SAFE (wait, next, node, &common->waits) {
        if (wait->place.next < common->log->next) {
            wait_end(wait);
        }
    }
}

static void
member_left(void *wait_)
{
    struct wait *wait = wait_;
    struct http_request *req = wait->req;

    wait_destroy(wait);
    http_request_drop(req);
}

static void
hold(struct event_common *common, struct http_request *req,
     const struct event_report_place *place)
{
    const struct timeval tv = { HOLD_MS / 1000, HOLD_MS % 1000 * 1000 };
    struct wait *wait;

    if (ovs_list_size(&common->waits) >= WAITS_MAX) {
        wait_end(CONTAINER_OF(ovs_list_front(&common->waits), struct wait,
                              node));
    }
    wait = xzalloc(sizeof *wait);
    wait->common = common;
    wait->req = req;
    wait->member = http_request_relay(req);
    wait->place = *place;
    wait->timer = evtimer_new(common->nb->base, timer_cb, wait);
    event_add(wait->timer, &tv);
    ovs_list_push_back(&common->waits, &wait->node);
    http_request_set_close_cb(req, member_left, wait);
}

/* Has those that wait be told, in the next turn, of all events of this one. */
static void
wake(struct event_common *common)
{
    if (!ovs_list_is_empty(&common->waits)) {
        event_active(common->send, EV_TIMEOUT, 1);
    }
    common->ops->wake(common->nb->event_readers);
}

/* Copies an entry of another log to the end. */
static void
copy_entry(struct event_common *common, const struct event_entry *entry)
{
    struct event_log *to = common->log;
    int64_t last_ms = (to->next > to->oldest
                       ? event_log_get(to, to->next - 1)->time_ms : 0);
    uint64_t revision = MAX(to->revision, entry->revision);

    /* One of a revision waits for that one, at other members. */
    to->revision = (entry->kind == EVENT_REVISION ? entry->revision
                    : revision);
    event_log_push_copy(to, entry);
    to->revision = revision;
    /* Times do not go back, and none is still to come. */
    event_log_set_time(to, MIN(MAX(entry->time_ms, last_ms),
                               time_wall_msec()));
    if (entry->kind == EVENT_REVISION) {
        common->answer.revision = MAX(common->answer.revision,
                                      entry->revision);
    }
}

void
event_common_copy(struct event_common *common)
{
    const struct event_log *own = common ? common->nb->event_log : NULL;

    if (common && common->log && !common->nb->following
        && !common->handed_over) {
        copy_entry(common, event_log_get(own, own->next - 1));
        wake(common);
    }
}

void
northbound_hand_over(struct northbound *nb)
{
    nb->event_common->handed_over = true;
}

/* Who asks for what comes next has all that there is, once nothing is being
 * stored any more, of which there will be events. */
bool
northbound_has_told(const struct northbound *nb, const char *member)
{
    const struct event_common *common = nb->event_common;
    const struct wait *wait;

    if (!commit_is_quiescent(nb->commit)) {
        return false;
    }
    LIST_FOR_EACH (wait, node, &common->waits) {
        if (nullable_string_is_equal(wait->member, member)
            && wait->place.next >= common->log->next) {
            return true;
        }
    }
    return false;
}

/* Becoming the writer.  -------------------------------------------------- */

/* Returns the event without its id and time; the caller frees it. */
static char *
text_without_time(const struct event_entry *entry)
{
    static const char member[] = "\"time\":\"";
    const char *text = entry->text + strcspn(entry->text, "\n");
    const char *time = strstr(text, member);
    const char *rest = time ? strchr(time + strlen(member), '"') : NULL;

    return (rest ? xasprintf("%.*s%s", (int) (time - text), text, rest)
            : xstrdup(text));
}

/* An event that the former writer has told lately. */
struct told {
    struct hmap_node node;
    char *text;                 /* Without its time; owned. */
    int64_t seen_ms;
};

/* Adds those that this member was told as that one told them. */
static void
add_told(const struct event_common *common, int64_t since_ms,
         struct hmap *told)
{
    const struct event_log *log = common->log;

    for (uint64_t at = log->next; at > log->oldest; at--) {
        const struct event_entry *entry = event_log_get(log, at - 1);
        struct told *t;

        if (entry->seen_ms < since_ms
            || entry->seen_ms <= common->caught_up_ms) {
            break;
        } else if (entry->kind < EVENT_N_KINDS
                   && entry->kind != EVENT_REVISION) {
            t = xmalloc(sizeof *t);
            t->text = text_without_time(entry);
            t->seen_ms = entry->seen_ms;
            hmap_insert(told, &t->node, hash_string(t->text, 0));
        }
    }
}

/* Returns true if the event is one of these, which it takes from them, the
 * oldest: what was told and what was seen are the same in pairs, in this
 * order, and not far from each other. */
static bool
take_pair(struct hmap *told, const struct event_entry *entry)
{
    char *text = text_without_time(entry);
    struct told *t, *first = NULL;

    HMAP_FOR_EACH_WITH_HASH (t, node, hash_string(text, 0), told) {
        if (!strcmp(t->text, text)
            && llabs(t->seen_ms - entry->seen_ms) <= LATE_MS
            && (!first || t->seen_ms < first->seen_ms)) {
            first = t;
        }
    }
    free(text);
    if (first) {
        hmap_remove(told, &first->node);
        free(first->text);
        free(first);
    }
    return first != NULL;
}

static void
copy_revision(struct event_common *common, const struct event_entry *entry)
{
    if (entry->revision > common->answer.revision) {
        copy_entry(common, entry);
    }
}

/* Appends what this member's own log has and the former writer has not told:
 * all revisions, and of the rest what was noticed since then.  To find what
 * belongs together it begins earlier. */
static void
append_own(struct event_common *common)
{
    const struct event_log *own = common->nb->event_log;
    struct hmap told = HMAP_INITIALIZER(&told);
    struct told *t;

    add_told(common, common->heard_ms - 2 * LATE_MS, &told);
    for (uint64_t at = own->oldest; at < own->next; at++) {
        const struct event_entry *entry = event_log_get(own, at);

        if (entry->kind == EVENT_REVISION) {
            copy_revision(common, entry);
        } else if (entry->seen_ms >= common->heard_ms - 3 * LATE_MS
                   && !take_pair(&told, entry)
                   && entry->seen_ms >= common->heard_ms - LATE_MS) {
            copy_entry(common, entry);
        }
    }
    HMAP_FOR_EACH_POP (t, node, &told) {
        free(t->text);
        free(t);
    }
    hmap_destroy(&told);
}

/* Appends what another member has of the former writer's events and this one
 * lacks, which follows their ids. */
static void
append_told(struct event_common *common, const struct event_log *told,
            bool gap)
{
    for (uint64_t at = told->oldest; at < told->next; at++) {
        const struct event_entry *entry = event_log_get(told, at);
        uint64_t id = event_log_id(told, at);

        if (id <= common->taken) {
            continue;
        }
        common->taken = id;
        if (entry->kind == EVENT_REVISION) {
            copy_revision(common, entry);
        } else if (entry->kind == EVENT_LOG_GAP) {
            event_log_push_gap(common->log,
                               event_log_id(common->log, common->log->next));
        } else if (entry->kind < EVENT_N_KINDS) {
            copy_entry(common, entry);
        }
    }
    if (gap) {
        event_log_push_gap(common->log,
                           event_log_id(common->log, common->log->next));
    }
}

void
event_common_each_newest(const struct northbound *nb, unsigned kinds,
                         event_common_newest_cb *cb, void *aux)
{
    const struct event_log *log = nb->event_common->log;
    struct sset seen = SSET_INITIALIZER(&seen);

    for (uint64_t at = log ? log->next : 0; log && at > log->oldest; at--) {
        const struct event_entry *entry = event_log_get(log, at - 1);
        const char *about = ds_cstr_ro(&entry->about);
        char *key;

        if (entry->kind >= EVENT_N_KINDS || !(kinds & 1u << entry->kind)
            || !entry->about.length) {
            continue;
        }
        key = xasprintf("%d %s", entry->kind, about + 1);
        if (sset_add_and_free(&seen, key)) {
            json_t *data = json_loads(strstr(entry->text, "\ndata: ") + 7,
                                      JSON_DISABLE_EOF_CHECK, NULL);

            cb(aux, entry->kind, about + 1, data);
            json_decref(data);
        }
    }
    sset_destroy(&seen);
}

void
event_common_lead(struct event_common *common, int64_t epoch, bool whole)
{
    uint64_t id = ((uint64_t) epoch << NUMBER_BITS
                   | random_uint32() >> 1) & ((UINT64_C(1)
                                               << (EPOCH_BITS + NUMBER_BITS))
                                              - 1);
    struct event_log *log = common->log;

    if (!log) {
        return;
    }
    /* The copy has all there is.  What an answer still waits for is not. */
    common->asks_again = false;
    event_common_follow(common);
    event_report_drop(&common->answer);
    whole = whole && common->is_told && common->complete == common->answered;
    common->lead = log->next;
    if (common->begun && !whole) {
        event_log_push_gap(log, id++);
    }
    event_log_set_id(log, id);
    if (common->begun) {
        append_own(common);
        common->ops->compare(common->nb);
    } else {
        event_log_begin_as(log, id, time_wall_msec(),
                           model_durable_revision(common->nb->model));
    }
    event_audits_lead(common->audits, log, common->ops->audited, common->nb);
    common->begun = common->is_told = true;
    wake(common);
}

/* Takes what a member may tell that has more of the former writer's events. */
static const char *
take_told(struct event_common *common, const struct http_request *req)
{
    struct event_log *told;
    const char *fault;
    bool gap;

    fault = event_report_told(http_request_body(req),
                              http_request_body_size(req), &told, &gap);
    if (!fault && told) {
        append_told(common, told, gap);
        common->ops->compare(common->nb);
        wake(common);
    }
    event_log_destroy(told);
    return fault;
}

void
event_common_answer(struct event_common *common, struct http_request *req)
{
    struct event_report_place place;
    const char *fault;

    if (!common || !common->log || common->nb->following) {
        http_reply_problem(req, HTTP_MISDIRECTED, "standby", NULL,
                           "This member of the cluster is not its writer");
        return;
    }
    fault = take_told(common, req);
    if (!fault) {
        fault = event_audits_take(common->log, http_request_body(req),
                                  http_request_body_size(req),
                                  common->ops->audited, common->nb);
    }
    if (!fault) {
        fault = event_report_find(common->log, common->lead, common->taken,
                                  http_request_body(req),
                                  http_request_body_size(req), &place);
    }
    if (fault) {
        http_reply_problem(req, 400, "invalid", NULL, "%s", fault);
        return;
    }
    if (place.gap || place.lacks || place.next < common->log->next) {
        reply(common, req, &place);
    } else {
        hold(common, req, &place);
        if (common->handed_over) {
            cluster_note_told(common->nb->cluster);
        }
    }
}

/* Standing by.  ---------------------------------------------------------- */

/* The writer whose answer waits is none any more, and the next one may not
 * have all of it. */
static void
give_up_rest(struct event_common *common)
{
    struct event_log *log = common->log;

    event_report_drop(&common->answer);
    event_log_push_gap(log, event_log_id(log, log->next));
    common->ops->wake(common->nb->event_readers);
}

char *
northbound_ask_events(struct northbound *nb, int64_t epoch)
{
    struct event_common *common = nb->event_common;
    const struct event_log *own = nb->event_log;

    common->asks_again = false;
    event_common_follow(common);
    if (common->answer.rest) {
        if (time_msec() - common->waits_ms < WAIT_MS) {
            return NULL;
        }
        common->asks_again = true;
        if (epoch != common->asked_epoch) {
            give_up_rest(common);
        }
    }
    common->asked_epoch = epoch;
    common->asked_ms = time_msec();
    common->n_asked++;
    common->n_told = common->answer.lacks ? common->n_told + 1 : 0;
    /* While the copy is late all is told, so that no answer has to wait. */
    if (common->asks_again || own->revision < common->late) {
        own = NULL;
    }
    /* What it does not take it is told to be a gap. */
    return event_audits_put(
        common->audits, event_report_ask(common->log, own, common->begun,
                                         common->n_told > TELL_MAX ? UINT64_MAX
                                         : common->answer.lacks));
}

bool
event_common_clock(const struct event_common *common, int64_t *ahead_ms)
{
    *ahead_ms = common->nb->following ? common->ahead_ms : 0;
    return !common->nb->following || common->has_clock;
}

void
event_common_note_audit(struct event_common *common,
                        const struct nb_event_audit *event)
{
    event_audits_add(common->audits, event);
}

/* Notes that an answer was taken in full. */
static void
note_taken(struct event_common *common)
{
    if (!common->answer.rest && !common->answer.more) {
        common->complete = common->answered;
        if (!common->is_told) {
            common->is_told = true;
            common->caught_up_ms = time_msec();
        }
    }
}

const char *
northbound_take_events(struct northbound *nb, const void *answer, size_t size,
                       bool *more)
{
    struct event_common *common = nb->event_common;
    uint64_t next = common->log->next;
    bool asked_again = common->asks_again;
    const char *fault;

    *more = false;
    if (!nb->following) {
        return NULL;            /* It tells its own ones by now. */
    }
    /* It has what is left of the one before, too. */
    event_report_drop(&common->answer);
    common->asks_again = false;
    common->answered = common->n_asked;
    fault = event_report_take(common->log, nb->event_log, common->begun,
                              answer, size, &common->answer);
    common->waits_ms = time_msec();
    if (asked_again) {
        common->late = common->answer.revision;
    }
    if (common->answer.now_ms) {
        common->has_clock = true;
        common->ahead_ms = time_wall_msec() - common->answer.now_ms;
    }
    if (!fault || common->log->next > next) {
        common->begun = true;
    }
    if (!fault) {
        common->heard_ms = common->asked_ms;
        event_audits_told(common->audits);
        note_taken(common);
    }
    *more = common->answer.more && !common->answer.rest;
    common->ops->wake(nb->event_readers);
    return fault;
}

void
event_common_follow(struct event_common *common)
{
    /* What does not fit is asked for again. */
    if (common->answer.rest && !common->asks_again
        && !event_report_go_on(common->log, common->nb->event_log,
                               &common->answer)) {
        note_taken(common);
    }
}

void
northbound_lack_events(struct northbound *nb)
{
    struct event_common *common = nb->event_common;

    if (common->is_told) {
        common->is_told = false;
        common->ops->end(nb->event_readers);
    }
}

/* Creation and destruction.  --------------------------------------------- */

struct event_common *
event_common_create(struct northbound *nb, const struct event_common_ops *ops)
{
    struct event_common *common = xzalloc(sizeof *common);

    common->nb = nb;
    common->ops = ops;
    common->audits = event_audits_create();
    ovs_list_init(&common->waits);
    if (nb->cluster || nb->following) {
        common->log = event_log_create(0, true);
        common->send = event_new(nb->base, -1, 0, send_cb, common);
    }
    return common;
}

void
event_common_destroy(struct event_common *common)
{
    struct wait *wait;

    if (!common) {
        return;
    }
    while (!ovs_list_is_empty(&common->waits)) {
        wait = CONTAINER_OF(ovs_list_front(&common->waits), struct wait,
                            node);
        wait_end(wait);
    }
    if (common->send) {
        event_free(common->send);
    }
    event_audits_destroy(common->audits);
    event_report_drop(&common->answer);
    event_log_destroy(common->log);
    free(common);
}
