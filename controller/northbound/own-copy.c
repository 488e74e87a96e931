/* SPDX-License-Identifier: Apache-2.0
 *
 * What a member of a cluster answers from its own copy of the state, and by
 * its own connections to hosts, while it stands by: what it is sure to have
 * as the writer has it, but for some milliseconds.  All else it passes on:
 * changes, counters and packets, hosts that it does not reach, and clients
 * that the copy does not know, such as by a token that was made a moment ago.
 * Not for when the copy is good enough, nor for how requests are passed on
 * (controller/cluster). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/fabric/fabric-counter-reports.h"
#include "controller/health/health.h"
#include "controller/northbound/event-common.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/paths/paths.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Objects.  -------------------------------------------------------------- */

/* Returns true if the guest of some port is monitored, which the writer alone
 * does: there is a row of what it found. */
static bool
has_monitors(const struct northbound *nb)
{
    static const char prefix[] = { PROBER_TARGET, '\0' };
    const struct vmn_row *row = model_next_durable(nb->model,
                                                   VMN_TABLE_HEALTH, prefix,
                                                   NULL);

    return row && row->name[0] == PROBER_TARGET;
}

/* Returns true if the writer has more to say of what is asked for than this
 * member can by its own connections to hosts. */
static bool
writer_knows_more(struct northbound *nb, const struct schema_table *table,
                  bool one)
{
    switch ((int) table->id) {
    case VMN_TABLE_HOST:
        /* One has what the writer knows of its samples. */
        return one || nb_sees_less(nb);
    case VMN_TABLE_PORT:
        /* And what was dropped of its packets. */
        return one || has_monitors(nb) || nb_sees_less(nb);
    case VMN_TABLE_ROUTER:
        /* One has what it has forwarded. */
        return one || nb_sees_less(nb);
    case VMN_TABLE_GROUP:
        /* One has how many of its ports are on hosts that are not heard. */
        return one && nb_sees_less(nb);
    case VMN_TABLE_NETWORK:
    case VMN_TABLE_OBSERVATION:
    case VMN_TABLE_DRAFT:
        return false;
    default:
        /* What flows count, how backends answer probes, how far telemetries
         * are set up, and which apps the process has that serve types. */
        return table->status != NULL;
    }
}

/* Returns true if the request is an administrator's at this machine, who is
 * not in the copy, and so cannot be one whose rights were taken away.  Another
 * one with the listener's token may be a program that does not look how old
 * the state is, and may ask another member. */
static bool
is_at_machine(const struct http_request *req)
{
    return http_request_is_local(req) && !http_request_identity(req);
}

bool
nb_may_be_old(const struct northbound *nb, const struct http_request *req)
{
    const void *about = http_request_about(req);

    /* How the process is the listener's token shows as well. */
    return (about == &nb_operation_metrics
            || (!cluster_is_current(nb->cluster)
                && (is_at_machine(req)
                    || (about == &nb_operation_status
                        && !http_request_is_relayed(req)
                        && !http_request_identity(req)))));
}

bool
nb_is_of_process(const struct northbound *nb, const struct http_request *req)
{
    const void *about = http_request_about(req);

    return (about == &nb_operation_metrics
            || (about == &nb_operation_status && nb_may_be_old(nb, req)));
}

bool
nb_shows_old(const struct http_request *req, void *nb_)
{
    const void *about = http_request_about(req);
    const struct northbound *nb = nb_;

    if (strcmp(http_request_method(req), "GET")
        && about != &nb_operation_trace) {
        return false;
    }
    return !(nb->following ? cluster_is_current(nb->cluster)
             : cluster_is_connected(nb->cluster));
}

/* Returns how long the writer has to answer what writer_knows_more() is true
 * of. */
static int
reply_ms_of(const struct schema_table *table, bool one)
{
    bool is_at_hand = (table->id == VMN_TABLE_GROUP
                       || (!one && (table->id == VMN_TABLE_HOST
                                    || table->id == VMN_TABLE_PORT
                                    || table->id == VMN_TABLE_ROUTER)));

    return is_at_hand ? 0 : NB_READS_MS;
}

bool
nb_ask_who_knows(struct northbound *nb, struct http_request *req,
                 const struct schema_table *table, bool one)
{
    return nb_ask_writer_first(nb, req, (nb->following
                                         && writer_knows_more(nb, table,
                                                              one)),
                               reply_ms_of(table, one));
}

bool
nb_ask_who_sees(struct northbound *nb, struct http_request *req, int reply_ms)
{
    return nb_ask_writer_first(nb, req, nb->following && nb_sees_less(nb),
                               reply_ms);
}

bool
nb_ask_writer_first(struct northbound *nb, struct http_request *req,
                    bool knows_more, int reply_ms)
{
    if (!nb->following) {
        return false;
    } else if (http_request_was_given_back(req)) {
        /* Meanwhile the copy may have become too old to answer from. */
        if (!cluster_is_current(nb->cluster) && !nb_may_be_old(nb, req)) {
            nb_ask_writer(nb, req);
            return true;
        }
        return false;
    } else if (!knows_more || !cluster_can_ask_writer(nb->cluster)) {
        return false;
    }
    nb->n_answered--;
    http_request_pass_or_handle(req, reply_ms);
    return true;
}

/* A writer that is not heard may be well, where this member alone is cut off
 * from the database. */
bool
nb_ask_before_old(struct northbound *nb, struct http_request *req)
{
    static const void *const own[] = {
        /* Of the process, and what passed for current when it came. */
        &nb_operation_metrics, &nb_operation_status, &nb_operation_cluster,
        &nb_operation_events, &nb_operation_audit,
    };

    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        if (http_request_about(req) == own[i]) {
            return false;
        }
    }
    if (!is_at_machine(req) || cluster_is_current(nb->cluster)
        || !cluster_may_pass(nb->cluster)) {
        return false;
    }
    nb->n_answered--;
    http_request_pass_or_handle(req, 0);
    return true;
}

/* Events.  --------------------------------------------------------------- */

/* Sets '*kinds' to those that the request names: all, if it names none.
 * Returns false if it names others. */
static bool
get_kinds(const struct http_request *req, unsigned *kinds)
{
    const char *text = http_request_query(req, "kinds");

    *kinds = text ? 0 : (1u << EVENT_N_KINDS) - 1;
    for (const char *p = text; p; p = *p ? p + 1 : NULL) {
        size_t len = strcspn(p, ",");
        enum event_kind kind = event_kind_from_name(p, len);

        if (kind == EVENT_N_KINDS) {
            return false;
        }
        *kinds |= 1u << kind;
        p += len;
    }
    return true;
}

bool
nb_wants_revisions(const struct http_request *req)
{
    unsigned kinds;

    return get_kinds(req, &kinds) && kinds == 1u << EVENT_REVISION;
}

/* Returns true if the request asks for the past, of which one that has been
 * there for longer may have more. */
static bool
wants_past(const struct http_request *req)
{
    return (http_request_query(req, "since")
            || http_request_query(req, "limit")
            || http_request_query(req, "follow"));
}

/* Returns true if this member tells of all that the request asks for; or of
 * what it can, if there is nobody else to ask. */
static bool
tells_of(const struct northbound *nb, const struct http_request *req,
         const struct vmn_account *account)
{
    const char *header = http_request_header(req, "Last-Event-ID");
    const char *text = header ? header : http_request_query(req, "after");
    bool scoped = (account && account->role != VMN_ROLE_ADMIN
                   && account->scope.text);
    const struct event_log *log;
    bool is_common;
    uint64_t after, next;
    unsigned kinds;

    if (!get_kinds(req, &kinds)) {
        return false;
    }
    log = nb_event_log(nb, kinds);
    is_common = log != nb->event_log;
    if (is_common && !event_common_is_told(nb->event_common)) {
        return false;
    } else if (!cluster_can_ask_writer(nb->cluster)) {
        return true;
    } else if (wants_past(req) && !is_common) {
        return false;
    }
    /* The writer may know an id that is not of this member; and has no others
     * without a scope of those that are common. */
    return (!text || kinds == 1u << EVENT_REVISION || (is_common && !scoped)
            || (nb_parse_number(text, &after)
                && event_log_knows(log, scoped, after, kinds, &next)));
}

/* All.  ------------------------------------------------------------------ */

/* Returns true if this member answers a request whose client it knows, and
 * whose route it may.  Where the copy may be old, it answers administrators at
 * its machine, who are told so, what only reads: also if most of the cluster
 * is lost. */
static bool
is_own(struct northbound *nb, const struct http_request *req,
       const struct http_route *route, const struct http_peer *peer,
       const struct vmn_account *account)
{
    /* How the process is it says however old the copy is. */
    if (route->handler == nb_get_metrics
        || (route->handler == nb_get_status && peer->trusted)) {
        return true;
    } else if (!cluster_is_current(nb->cluster)) {
        return (peer->local
                && route->handler != nb_get_events
                && route->handler != nb_post_audit);
    }
    return (route->handler != nb_get_events
            || tells_of(nb, req, account));
}

bool
nb_passes_on(const struct http_request *req, const struct http_route *route,
             const struct http_peer *peer, void *nb_)
{
    const struct vmn_account *account;
    struct northbound *nb = nb_;
    bool own;

    if (!nb->following) {
        return false;
    }
    if (http_request_is_relayed(req) && !http_request_is_here(req)) {
        return true;
    }
    /* At its own machine a member says what it sees of the cluster. */
    if (route && route->handler == nb_get_cluster && peer->trusted) {
        return false;
    }
    own = (route && route->own && nb_knows_peer(nb, peer, &account)
           && is_own(nb, req, route, peer, account));
    nb->n_answered += own;
    return !own;
}

/* Returns true if members of this version ask each other that. */
static bool
is_question(const struct http_request *req)
{
    const char *path = http_request_target(req);

    return (!strcmp(path, CLUSTER_EVENTS_PATH)
            || !strcmp(path, CLUSTER_COUNTERS_PATH)
            || !strcmp(path, CLUSTER_PROBES_PATH)
            || !strcmp(path, CLUSTER_PATHS_PATH)
            || !strcmp(path, CLUSTER_PART_PATH));
}

/* Refuses what another member has passed on, and must not go round: that one
 * asks again, by when the writer may be another one, or the copy have what it
 * lacks.  The writer passes nothing on, and a later version may ask it what is
 * not known here. */
static bool
check_way(const struct northbound *nb, struct http_request *req)
{
    if (!http_request_is_relayed(req)
        || (!nb->following && !http_request_is_here(req))) {
        return true;
    }
    if (!nb->following && !is_question(req)) {
        http_reply_problem(req, 404, "not-found", NULL,
                           "This version knows no such question of members");
        return false;
    }
    http_reply_problem(req, HTTP_MISDIRECTED, "standby", NULL,
                       "This member of the cluster %s, and does not answer it "
                       "now", nb->following ? "stands by" : "is its writer");
    return false;
}

static void
answer_counters(const struct northbound *nb, struct http_request *req)
{
    struct ofpbuf answer;
    const char *fault;

    ofpbuf_init(&answer, 0);
    fault = fabric_tell_counters(nb->fabric, http_request_body(req),
                                 http_request_body_size(req), &answer);
    if (fault) {
        http_reply_problem(req, 400, "invalid", NULL, "%s", fault);
    } else {
        http_reply_bytes(req, 200, "application/octet-stream", answer.data,
                         answer.size);
    }
    ofpbuf_uninit(&answer);
}

/* Replies with an answer that is JSON, which it frees, or what is wrong. */
static void
reply_answer(struct http_request *req, const char *fault, char *answer)
{
    if (fault) {
        http_reply_problem(req, 400, "invalid", NULL, "%s", fault);
    } else {
        http_reply_bytes(req, 200, "application/json", answer,
                         strlen(answer));
    }
    free(answer);
}

static void
answer_probes(const struct northbound *nb, struct http_request *req)
{
    char *answer;
    const char *fault = health_tell_probes(nb->prober, http_request_body(req),
                                           http_request_body_size(req),
                                           &answer);

    reply_answer(req, fault, answer);
}

static void
answer_paths(const struct northbound *nb, struct http_request *req)
{
    char *answer;
    const char *fault = paths_answer(nb->path_prober, http_request_body(req),
                                     http_request_body_size(req), &answer);

    reply_answer(req, fault, answer);
}

static void
answer_part(const struct northbound *nb, struct http_request *req)
{
    char *answer;
    const char *fault = nb_tell_part(nb, http_request_body(req),
                                     http_request_body_size(req), &answer);

    reply_answer(req, fault, answer);
}

/* Answers what a member asks by itself, the writer or of the writer, and no
 * client can: what a member passes on for one is for this member alone
 * (HTTP_RELAYED_HERE) only if a route has it, and these are none. */
static bool
answer_member(const struct northbound *nb, struct http_request *req,
              const struct http_peer *peer)
{
    const char *path = http_request_target(req);

    if (!peer->trusted || !http_request_is_relayed(req)
        || !http_request_is_here(req)
        || strcmp(http_request_method(req), "POST")) {
        return false;
    } else if (!strcmp(path, CLUSTER_EVENTS_PATH)) {
        event_common_answer(nb->event_common, req);
    } else if (!strcmp(path, CLUSTER_COUNTERS_PATH) && nb->following) {
        answer_counters(nb, req);
    } else if (!strcmp(path, CLUSTER_PROBES_PATH) && nb->following) {
        answer_probes(nb, req);
    } else if (!strcmp(path, CLUSTER_PATHS_PATH) && nb->following) {
        answer_paths(nb, req);
    } else if (!strcmp(path, CLUSTER_PART_PATH)) {
        answer_part(nb, req);
    } else {
        return false;
    }
    return true;
}

void
nb_pass_on(struct http_request *req, const struct http_peer *peer, void *nb_)
{
    const char *member = http_request_passed_to(req);
    struct northbound *nb = nb_;

    if (answer_member(nb, req, peer) || !check_way(nb, req)) {
        return;
    }
    if (member) {
        cluster_pass_to(nb->cluster, member, req, peer);
    } else {
        cluster_pass_on(nb->cluster, req, peer);
    }
}

bool
nb_ask_manager(struct northbound *nb, struct http_request *req,
               const char *host)
{
    const char *manager = (nb->cluster
                           ? cluster_host_manager(nb->cluster, host) : NULL);

    if (!manager || cluster_manages_host(nb->cluster, host)
        || http_request_is_here(req)) {
        return false;
    }
    nb->n_answered -= nb->following;
    http_request_pass_to(req, manager);
    return true;
}

void
nb_ask_writer(struct northbound *nb, struct http_request *req)
{
    nb->n_answered--;
    http_request_pass_on(req);
}
