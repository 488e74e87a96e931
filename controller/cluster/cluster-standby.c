/* SPDX-License-Identifier: Apache-2.0
 *
 * What a member that stands by has the writer answer: requests are passed on
 * to whichever member that is when they are sent.  And whether its own copy is
 * good enough to answer from.  Not for which requests those are, nor for who
 * may make them (controller/northbound). */

#include <config.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-private.h"
#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "proto/http/http.h"
#include "proto/loop/loop.h"
#include "proto/relay/relay.h"
#include "proto/tls/tls.h"
#include "util.h"

/* Leases for which the writer may be silent, or a batch be applied, until the
 * copy is not current any more. */
#define CURRENT_LEASES 2
/* Leases for which beats have to come without a pause before their pace does
 * not count. */
#define STEADY_LEASES 3
/* How often in a lease the newest batch is noted, at most. */
#define SEEN_PER_LEASE 16
BUILD_ASSERT_DECL(CLUSTER_SEEN_MAX > CURRENT_LEASES * SEEN_PER_LEASE + 1);
/* Leases for which there may be no writer, until it is not expected that there
 * will be one in a moment. */
#define EXPECTED_LEASES 10
/* Longest ADDRESS:PORT. */
#define LISTEN_MAX 100

/* Requests.  -------------------------------------------------------------- */

/* Returns who the writer is, if that is another member; or NULL. */
static const struct cluster_member *
find_writer(const struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const char *holder = view->lease.holder;

    return (view->current && view->has_row && strcmp(holder, c->options->name)
            ? shash_find_data(&view->members, holder) : NULL);
}

/* Appends who the writer is. */
static void
put_writer(const struct cluster *c, struct ds *ds)
{
    const struct cluster_member *writer = find_writer(c);

    if (!writer) {
        ds_put_cstr(ds, "which member is the writer is not known");
        return;
    }
    ds_put_format(ds, "the writer is \"%s\"", writer->name);
    if (*writer->address) {
        ds_put_format(ds, ", whose API is at %s", writer->address);
    }
}

static void
reply_standby(struct http_request *req, const struct cluster *c)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "This member of the cluster, \"%s\", stands by; ",
                  c->options->name);
    put_writer(c, &ds);
    if (c->problem) {
        ds_put_format(&ds, ". It could not become it: %s", c->problem);
    }
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, "standby", NULL, "%s", ds_cstr(&ds));
    ds_destroy(&ds);
}

/* The writer may be none that others can reach. */
bool
cluster_may_pass(const struct cluster *c)
{
    const struct cluster_member *writer = find_writer(c);

    return c->relay && (!writer || *writer->listen);
}

bool
cluster_hears_writer(const struct cluster *c)
{
    return (!c->writer && find_writer(c)
            && loop_now_ms(c->loop) - c->heard_ms <= c->options->lease_ms);
}

bool
cluster_can_ask_writer(const struct cluster *c)
{
    return cluster_hears_writer(c) && cluster_may_pass(c);
}

bool
cluster_expects_writer(const struct cluster *c)
{
    return (cluster_hears_writer(c)
            || (!c->writer && c->known_ms
                && loop_now_ms(c->loop) - c->known_ms
                   <= EXPECTED_LEASES * c->options->lease_ms));
}

/* A database of an older schema has nothing but what is unreachable. */
bool
cluster_writer_sees(const struct cluster *c, const char *host)
{
    const struct cluster_member *writer = find_writer(c);

    return !writer || !(sset_contains(&writer->unseen, host)
                        || sset_contains(&writer->unreachable, host));
}

bool
cluster_writer_rejects(const struct cluster *c, const char *host)
{
    const struct cluster_member *writer = find_writer(c);

    return writer && sset_contains(&writer->rejected, host);
}

bool
cluster_each_rejected(const struct cluster *c, cluster_rejected_cb *cb,
                      void *aux)
{
    const struct cluster_member *writer = find_writer(c);
    const char *host;

    if (writer) {
        SSET_FOR_EACH (host, &writer->rejected) {
            if (!cb(aux, host)) {
                return false;
            }
        }
    }
    return true;
}

/* The writer's metrics are of its process: not to be had as if they were of
 * this one. */
static bool
is_of_process(const struct http_request *req)
{
    const char *target = http_request_target(req);

    return (strcspn(target, "?") == strlen("/metrics")
            && !strncmp(target, "/metrics", strlen("/metrics")));
}

void
cluster_pass_on(struct cluster *c, struct http_request *req,
                const struct http_peer *peer)
{
    if (cluster_may_pass(c) && !is_of_process(req)) {
        relay_pass(c->relay, req, peer);
    } else {
        reply_standby(req, c);
    }
}

void
cluster_note_shown(void *cluster, uint64_t revision)
{
    struct cluster *c = cluster;

    /* What is smaller may count all the same, once that was given up. */
    if (revision >= c->shown || !cluster_shown(c)) {
        c->shown = revision;
        c->shown_ms = loop_now_ms(c->loop);
    }
}

uint64_t
cluster_own_revision(void *cluster)
{
    const struct cluster *c = cluster;

    return model_durable_revision(c->model);
}

/* What was shown longer ago than that a copy that is current has. */
uint64_t
cluster_shown(const struct cluster *c)
{
    return (loop_now_ms(c->loop) - c->shown_ms
            > (CURRENT_LEASES + 1) * c->options->lease_ms ? 0 : c->shown);
}

/* The copy.  -------------------------------------------------------------- */

/* Returns the newest batch that was seen at 'since_ms', or a sixteenth of a
 * lease later. */
static int64_t
find_seen(const struct cluster *c, int64_t since_ms)
{
    int64_t batch = c->overdue;

    for (size_t i = 0; i < c->n_seen && c->seen[i].ms <= since_ms; i++) {
        batch = c->seen[i].batch;
    }
    return batch;
}

bool
cluster_is_current(const struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    int64_t since_ms = (loop_now_ms(c->loop)
                        - CURRENT_LEASES * c->options->lease_ms);

    return (c->writer
            || (view->current && view->has_row && c->registered && !c->broken
                && !c->problem && !c->ending && c->caught_up
                && c->heard_ms > since_ms
                && c->applied >= find_seen(c, since_ms)));
}

bool
cluster_is_connected(const struct cluster *c)
{
    return cluster_db_view(c->db)->current;
}

/* Notes when the writer was heard.  A database's server that was away shows
 * old beats, as fast as it gets them, the first after a pause: one counts that
 * comes neither too soon nor too late.  A writer that has much to write beats
 * with each batch: those count that come too soon once they have come for
 * STEADY_LEASES, by when what is old has been shown. */
static void
note_beat(struct cluster *c)
{
    int64_t now_ms = loop_now_ms(c->loop);
    int64_t pause_ms = now_ms - c->beat_ms;

    if (!c->lease.seen) {
        c->caught_up = false;
        c->heard_ms = c->beat_ms = c->beats_ms = INT64_MIN / 2;
    } else if (c->lease.row.beat != c->beat
               || c->lease.row.epoch != c->beat_epoch) {
        if (pause_ms > c->options->lease_ms) {
            c->beats_ms = now_ms;
        } else if (pause_ms >= c->options->lease_ms / LEASE_BEATS / 2
                   || now_ms - c->beats_ms > STEADY_LEASES
                                             * c->options->lease_ms) {
            c->heard_ms = now_ms;
        }
        c->beat_ms = now_ms;
        c->beat = c->lease.row.beat;
        c->beat_epoch = c->lease.row.epoch;
    }
}

/* Notes that the cluster has batch 'head', if that is news.  A copy that is
 * late, and then gets on, lacks what is new by less than it was late: so it
 * does not do to know when it has lacked any. */
static void
note_head(struct cluster *c, int64_t head)
{
    int64_t now_ms = loop_now_ms(c->loop);
    int64_t since_ms = now_ms - CURRENT_LEASES * c->options->lease_ms;
    size_t n_old = 0, last;

    while (n_old < c->n_seen && c->seen[n_old].ms <= since_ms) {
        c->overdue = c->seen[n_old++].batch;
    }
    c->n_seen -= n_old;
    memmove(c->seen, &c->seen[n_old], c->n_seen * sizeof c->seen[0]);

    last = c->n_seen ? c->n_seen - 1 : 0;
    if (head <= (c->n_seen ? c->seen[last].batch : c->overdue)) {
        return;
    } else if (c->n_seen >= CLUSTER_SEEN_MAX
               || (c->n_seen && (now_ms - c->seen[last].ms
                                 < c->options->lease_ms / SEEN_PER_LEASE))) {
        c->seen[last].batch = head;
    } else {
        c->seen[c->n_seen].batch = head;
        c->seen[c->n_seen++].ms = now_ms;
    }
}

/* Notes when the writer was heard, and what the copy is to have. */
static void
note_progress(struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);

    note_beat(c);
    c->caught_up |= (view->current && view->has_row
                     && c->applied == view->head);
    if (view->current && view->has_row) {
        note_head(c, view->head);
    }
}

bool
cluster_can_reach(const struct cluster_member *member)
{
    const char *colon = strrchr(member->listen, ':');

    return (colon && strlen(member->listen) <= LISTEN_MAX
            && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")]
            && !member->listen[strspn(member->listen, "0123456789abcdefABCDEF"
                                      ".:[]")]
            && !value_check_name(member->name, NULL));
}

void
cluster_standby_run(struct cluster *c, int64_t now_ms, int64_t *wake_ms)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct cluster_member *writer = find_writer(c);
    bool known = writer && cluster_can_reach(writer);
    bool heard;

    note_progress(c);
    heard = cluster_hears_writer(c);
    if (heard) {
        c->known_ms = loop_now_ms(c->loop);
    }
    /* Without the database the last one that is known is still the best. */
    if (c->relay && !c->writer && view->current && view->has_row) {
        relay_set_server(c->relay, known ? writer->name : NULL,
                         known ? writer->listen : NULL);
    }
    cluster_events_run(c, known ? writer : NULL, heard, now_ms, wake_ms);
}

/* Other members.  --------------------------------------------------------- */

/* Fails if a CA that signs 'whom' signs members, too: one of them could pass
 * for a member, which has all rights. */
static int
check_ca(struct cluster *c, const char *ca_cert, const char *whom,
         struct vmn_error *why)
{
    const struct tls_options options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = ca_cert,
    };
    char *text = NULL, *shared;
    struct tls *tls;
    int error;

    if (!ca_cert) {
        return 0;
    }
    error = tls_create(&options, loop_base(c->loop), &tls, &text);
    if (error) {
        return vmn_error_take(why, error, text);
    }
    shared = tls_shared_ca(c->tls, tls);
    if (shared) {
        error = vmn_error_errno(why, EINVAL, "cluster-ca-cert: the CA \"%s\" "
                                "signs %s as well: members need one of "
                                "their own", shared, whom);
        free(shared);
    }
    tls_destroy(tls);
    return error;
}

/* For the relay. */
static bool
hears_writer(void *cluster)
{
    return cluster_hears_writer(cluster);
}

int
cluster_open_relay(struct cluster *c, const char *host_ca_cert,
                   const char *api_ca_cert, struct vmn_error *why)
{
    const struct tls_options tls_options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = c->options->ca_cert,
        .peers_are_equal = true,
    };
    const struct relay_options relay_options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = c->options->ca_cert,
        .wait_ms = RELAY_WAIT_MS,
        .is_well = hears_writer,
        .shown = cluster_note_shown,
        .revision = cluster_own_revision,
        .aux = c,
    };
    char *text = NULL;
    int error;

    if (!c->options->listen) {
        return 0;
    }
    error = tls_create(&tls_options, loop_base(c->loop), &c->tls, &text);
    if (error) {
        return vmn_error_take(why, error, text);
    }
    error = check_ca(c, host_ca_cert, "hosts", why);
    if (!error) {
        error = check_ca(c, api_ca_cert, "API clients", why);
    }
    if (!error) {
        c->relay = relay_create(loop_base(c->loop), &relay_options);
        cluster_questions_open(c);
    }
    return error;
}

/* What is under way is answered as what other members pass on. */
void
cluster_relay_to_self(struct cluster *c)
{
    if (c->relay) {
        relay_set_server(c->relay, c->options->name, c->options->listen);
    }
}

void
cluster_close_relay(struct cluster *c)
{
    cluster_close_peers(c);
    cluster_questions_close(c);
    relay_destroy(c->relay);
    c->relay = NULL;
}

/* The writer's side.  ----------------------------------------------------- */

const char *
cluster_listen(const struct cluster *c)
{
    return c->options->listen;
}

const struct tls *
cluster_tls(const struct cluster *c)
{
    return c->tls;
}

bool
cluster_knows_members(const struct cluster *c)
{
    return cluster_db_view(c->db)->has_row;
}

bool
cluster_has_member(const struct cluster *c, const char *name)
{
    return shash_find(&cluster_db_view(c->db)->members, name) != NULL;
}
