/* SPDX-License-Identifier: Apache-2.0
 *
 * Flushes conntrack entries on switches; see conntrack-flush.h. */

#include <config.h>

#include "controller/fabric/session/conntrack-flush.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/relation.h"
#include "controller/fabric/fabric-flush.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "hash.h"
#include "openvswitch/ofp-ct.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(conntrack_flush);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 60);

/* Messages between two barriers: fewer if they take longer than SLOW_MS, more
 * if they take less than FAST_MS. */
#define WINDOW_FIRST 8
#define WINDOW_MAX 64
#define SLOW_MS 50
#define FAST_MS 10
/* Requests of one iteration of the loop for the same hosts and revision form
 * one batch. */
#define BATCHES_MAX 4096

struct queued_flush {
    struct fabric_flush flush;
    bool cancelled;
};

/* Requests for some hosts, which struct job refers to. */
struct batch {
    struct ovs_list node;       /* In 'batches', the oldest first. */
    unsigned n_refs;
    size_t n_hosts, n_unable;   /* The latter do not support it. */
    uint64_t hosts;             /* Strong hash of all their names. */
    uint64_t after_revision;
    int64_t queued_ms;          /* time_msec(). */
    bool given_up;              /* 'flushes' were dropped. */
    size_t n, allocated;
    struct queued_flush *flushes; /* Owned. */
};

/* One host's share of a batch. */
struct job {
    struct ovs_list node;       /* In its queue's 'jobs'. */
    struct batch *batch;
    size_t next;                /* Index of the next one in its flushes. */
    bool again;                 /* It is the repetition, */
    int64_t due_ms;             /* from time_msec() on. */
};

/* Of one switch. */
struct flush_queue {
    struct ovs_list node;       /* In 'queues'. */
    struct fabric_switch *sw;
    struct ovs_list jobs;       /* Repetitions mostly after first ones. */
    bool unable;                /* The switch does not support it. */
    /* While replies are outstanding: */
    uint32_t barrier_xid;       /* Or 0. */
    uint32_t begin_xid;         /* Of the barrier before that, */
    uint32_t flush_xid;         /* and of all messages between them. */
    struct job *requested;      /* NULL: it was freed since. */
    size_t n_requested;         /* Its flushes that were processed for that. */
    size_t n_sent;              /* Of these, sent. */
    int64_t begin_ms;           /* time_msec() of the first reply: the switch
                                 * has started. */
    /* Otherwise: */
    int64_t rest_until_ms;
    size_t window;              /* Number of messages sent at a time. */
};

struct conntrack_flushes {
    struct event *run;
    struct ovs_list queues;     /* struct flush_queue, with jobs. */
    struct ovs_list batches;
    struct batch *open;         /* The newest one, until it is complete; or
                                 * NULL. */
    size_t n_batches, n_flushes; /* Totals. */
};

static void
run_soon(struct fabric *f)
{
    event_active(f->flushes->run, EV_TIMEOUT, 1);
}

/* Batches.  -------------------------------------------------------------- */

static void
batch_empty(struct conntrack_flushes *flushes, struct batch *batch)
{
    if (!batch->given_up) {
        ovs_list_remove(&batch->node);
        flushes->n_batches--;
        flushes->n_flushes -= batch->n;
        batch->given_up = true;
        if (flushes->open == batch) {
            flushes->open = NULL;
        }
        free(batch->flushes);
        batch->flushes = NULL;
    }
}

static void
batch_unref(struct conntrack_flushes *flushes, struct batch *batch)
{
    if (!--batch->n_refs) {
        batch_empty(flushes, batch);
        free(batch);
    }
}

static void
batch_add(struct conntrack_flushes *flushes, struct batch *batch,
          const struct fabric_flush *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (batch->n >= batch->allocated) {
            batch->flushes = x2nrealloc(batch->flushes, &batch->allocated,
                                        sizeof *batch->flushes);
        }
        batch->flushes[batch->n++] = (struct queued_flush) {
            .flush = wanted[i],
        };
    }
    flushes->n_flushes += n;
}

/* Makes room for 'n' more, of FABRIC_FLUSHES_MAX. */
static struct batch *
batch_create(struct conntrack_flushes *flushes, size_t n)
{
    struct batch *batch = xzalloc(sizeof *batch);

    batch->n_refs = 1;
    batch->queued_ms = time_msec();
    while (flushes->n_batches >= BATCHES_MAX
           || flushes->n_flushes + n > FABRIC_FLUSHES_MAX) {
        VLOG_WARN_RL(&rl, "too many connections to flush: the oldest are left "
                          "to expire");
        batch_empty(flushes, CONTAINER_OF(ovs_list_front(&flushes->batches),
                                          struct batch, node));
    }
    ovs_list_push_back(&flushes->batches, &batch->node);
    flushes->n_batches++;
    return batch;
}

static uint64_t
hash_names(const struct vmn_names *names)
{
    uint32_t a = names->n, b = ~a;

    for (size_t i = 0; i < names->n; i++) {
        a = hash_string(names->names[i], a);
        b = hash_string(names->names[i], b);
    }
    return (uint64_t) a << 32 | b;
}

/* Jobs.  ----------------------------------------------------------------- */

/* Frees a job.  If 'n_left' is not NULL, adds the number of flushes that were
 * not sent for the first time. */
static void
job_free(struct flush_queue *q, struct job *job, uint64_t *n_left)
{
    if (n_left && !job->again) {
        *n_left += job->batch->n - job->next;
    }
    if (q->requested == job) {
        q->requested = NULL;
    }
    ovs_list_remove(&job->node);
    batch_unref(q->sw->host->fabric->flushes, job->batch);
    free(job);
}

static struct flush_queue *
queue_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &conntrack_flush_part);
}

/* Adds the queue to those that are processed, or removes it. */
static void
queue_update(struct flush_queue *q)
{
    ovs_list_remove(&q->node);
    if (ovs_list_is_empty(&q->jobs)) {
        ovs_list_init(&q->node);
    } else {
        ovs_list_push_back(&q->sw->host->fabric->flushes->queues, &q->node);
    }
}

static void
queue_clear(struct flush_queue *q, uint64_t *n_left)
{
    struct job *job, *next;

    LIST_FOR_EACH_SAFE (job, next, node, &q->jobs) {
        job_free(q, job, n_left);
    }
    queue_update(q);
}

static void
queue_add(struct flush_queue *q, struct batch *batch)
{
    struct job *job = xzalloc(sizeof *job);

    job->batch = batch;
    batch->n_refs++;
    ovs_list_push_back(&q->jobs, &job->node);
    queue_update(q);
}

/* Sending.  -------------------------------------------------------------- */

/* IPv4 addresses are mapped. */
static void
to_in6(const struct vmn_ip *ip, struct in6_addr *addr)
{
    if (ip->family == 4) {
        addr->s6_addr[10] = addr->s6_addr[11] = 0xff;
        memcpy(&addr->s6_addr[12], ip->addr, 4);
    } else if (ip->family) {
        memcpy(addr, ip->addr, sizeof *addr);
    }
}

static uint8_t
ip_proto(enum vmn_protocol protocol)
{
    return (protocol == VMN_PROTO_TCP ? IPPROTO_TCP
            : protocol == VMN_PROTO_UDP ? IPPROTO_UDP : IPPROTO_SCTP);
}

static void
append_flush(struct ofpbuf *b, const struct fabric_flush *flush, uint32_t xid)
{
    struct ofp_ct_match match;

    memset(&match, 0, sizeof match);
    match.ip_proto = ip_proto(flush->protocol);
    to_in6(&flush->vip, &match.tuple_orig.dst);
    match.tuple_orig.dst_port = htons(flush->port);
    to_in6(&flush->backend, &match.tuple_reply.src);
    match.tuple_reply.src_port = htons(flush->backend_port);
    ofmsg_put_ct_flush(b, &match, flush->zone, xid);
}

/* Sends the next messages of the job, between two barriers: the time between
 * their replies is the switch's own processing time. */
static void
request(struct flush_queue *q, struct job *job)
{
    const struct batch *batch = job->batch;
    struct fabric_switch *sw = q->sw;
    size_t i = job->next;
    struct ofpbuf b;

    ofpbuf_init(&b, 1024);
    q->begin_xid = ofconn_next_xid(sw->conn);
    q->flush_xid = ofconn_next_xid(sw->conn);
    q->barrier_xid = ofconn_next_xid(sw->conn);
    q->n_sent = 0;
    ofmsg_put_barrier(&b, q->begin_xid);
    while (i < batch->n && q->n_sent < q->window) {
        const struct queued_flush *next = &batch->flushes[i++];

        if (!next->cancelled) {
            append_flush(&b, &next->flush, q->flush_xid);
            q->n_sent++;
        }
    }
    ofmsg_put_barrier(&b, q->barrier_xid);
    q->requested = job;
    q->n_requested = i - job->next;
    q->begin_ms = time_msec();
    switch_expect(sw);
    ofconn_send(sw->conn, b.data, b.size);
    ofpbuf_uninit(&b);
}

/* Handles the completion of a part of the job. */
static void
advance(struct flush_queue *q, struct job *job)
{
    job->next += q->n_requested;
    if (job->next < job->batch->n && !job->batch->given_up) {
        return;
    } else if (job->again || job->batch->given_up) {
        job_free(q, job, &q->sw->host->fabric->stats.n_flushes_lost);
        return;
    }
    job->again = true;
    job->next = 0;
    job->due_ms = time_msec() + q->sw->host->fabric->flush_again_ms;
    ovs_list_remove(&job->node);
    ovs_list_push_back(&q->jobs, &job->node);
}

static void
answered(struct flush_queue *q)
{
    int64_t now = time_msec(), took_ms = now - q->begin_ms;

    q->barrier_xid = 0;
    q->rest_until_ms = now + took_ms;
    if (took_ms > SLOW_MS) {
        q->window = MAX(1, q->window / 2);
    } else if (took_ms < FAST_MS) {
        q->window = MIN(WINDOW_MAX, q->window * 2);
    }
    if (q->requested) {
        if (!q->requested->again) {
            q->sw->host->fabric->stats.n_flushes += q->n_sent;
        }
        advance(q, q->requested);
        q->requested = NULL;
    }
    queue_update(q);
    run_soon(q->sw->host->fabric);
}

static void
refused(struct flush_queue *q, const struct ofp_header *oh)
{
    struct fabric *f = q->sw->host->fabric;

    if (!q->unable) {
        VLOG_WARN_RL(&rl, "%s: connections are left to expire: its switch "
                          "cannot flush them (%s)", q->sw->host->name,
                     ofmsg_error_name(oh));
        q->unable = true;
        queue_clear(q, &f->stats.n_flushes_refused);
    }
}

/* When.  ----------------------------------------------------------------- */

/* Returns the next job that is due, or NULL; then sets '*wake_ms' to when one
 * may be due, if that is earlier.  Drops jobs that are obsolete. */
static struct job *
next_job(struct flush_queue *q, int64_t now, int64_t *wake_ms)
{
    struct fabric *f = q->sw->host->fabric;
    struct job *job, *next;

    LIST_FOR_EACH_SAFE (job, next, node, &q->jobs) {
        if (job->batch->given_up
            || now - job->batch->queued_ms > f->flush_keep_ms) {
            job_free(q, job, &f->stats.n_flushes_lost);
        } else if (!q->sw->conn || q->barrier_xid) {
            continue;
        } else if (job->again ? job->due_ms > now
                   : switch_acked(q->sw) < job->batch->after_revision) {
            if (job->again) {
                *wake_ms = MIN(*wake_ms, job->due_ms);
            }
        } else if (q->rest_until_ms > now) {
            *wake_ms = MIN(*wake_ms, q->rest_until_ms);
        } else {
            return job;
        }
    }
    return NULL;
}

static void
wake_at(struct conntrack_flushes *flushes, int64_t when_ms)
{
    int64_t ms = MAX(0, when_ms - time_msec());
    const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    event_add(flushes->run, &tv);
}

/* Processes each queue once, over several iterations of the loop if that takes
 * long. */
static void
run_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *f_)
{
    struct fabric *f = f_;
    struct conntrack_flushes *flushes = f->flushes;
    int64_t now = time_msec(), wake_ms = INT64_MAX;

    flushes->open = NULL;
    for (size_t n = ovs_list_size(&flushes->queues); n; n--) {
        struct flush_queue *q = CONTAINER_OF(ovs_list_front(&flushes->queues),
                                             struct flush_queue, node);
        struct job *job = next_job(q, now, &wake_ms);

        if (job) {
            request(q, job);
        }
        queue_update(q);
        if (n > 1 && loop_turn_is_over(f->loop)) {
            wake_ms = 0;
            break;
        }
    }
    if (wake_ms != INT64_MAX) {
        wake_at(flushes, wake_ms);
    }
}

void
conntrack_flush_acked(struct fabric *f)
{
    if (!ovs_list_is_empty(&f->flushes->queues)) {
        run_soon(f);
    }
}

/* For others.  ----------------------------------------------------------- */

/* Adds a complete batch to the queues of its hosts. */
static void
give_to_hosts(struct fabric *f, const struct vmn_names *hosts,
              struct batch *batch)
{
    for (size_t i = 0; i < hosts->n; i++) {
        struct fabric_host *host = fabric_find_host(f, hosts->names[i]);
        struct flush_queue *q = host ? queue_of(host->sw) : NULL;

        if (q && q->unable) {
            batch->n_unable++;
        } else if (q) {
            queue_add(q, batch);
        }
    }
}

void
fabric_flush(struct fabric *f, const struct vmn_names *hosts,
             const struct fabric_flush *wanted, size_t n,
             uint64_t after_revision)
{
    struct conntrack_flushes *flushes = f->flushes;
    struct batch *batch = flushes->open;
    uint64_t hash = hash_names(hosts);

    if (n > FABRIC_FLUSHES_MAX) {
        f->stats.n_flushes_lost += (n - FABRIC_FLUSHES_MAX) * hosts->n;
        n = FABRIC_FLUSHES_MAX;
    }
    if (!n) {
        return;
    }
    if (batch && batch->hosts == hash && batch->n_hosts == hosts->n
        && batch->after_revision == after_revision
        && flushes->n_flushes + n <= FABRIC_FLUSHES_MAX) {
        batch_add(flushes, batch, wanted, n);
        f->stats.n_flushes_refused += n * batch->n_unable;
        return;
    }
    batch = batch_create(flushes, n);
    batch->after_revision = after_revision;
    batch->hosts = hash;
    batch->n_hosts = hosts->n;
    batch_add(flushes, batch, wanted, n);
    give_to_hosts(f, hosts, batch);
    f->stats.n_flushes_refused += n * batch->n_unable;
    flushes->open = batch;
    batch_unref(flushes, batch);
    run_soon(f);
}

void
fabric_flush_domain(struct fabric *f, const char *domain,
                    const struct fabric_flush *wanted, size_t n,
                    uint64_t after_revision)
{
    const struct vmn_scope scope = vmn_scope_domain(domain);
    struct vmn_names hosts = engine_relation_values(f->engine, scope.relation,
                                                    scope.key);

    fabric_flush(f, &hosts, wanted, n, after_revision);
}

static bool
is_same_ip(const struct vmn_ip *a, const struct vmn_ip *b)
{
    return (a->family == b->family
            && (!a->family
                || !memcmp(a->addr, b->addr, a->family == 4 ? 4 : 16)));
}

static bool
is_same(const struct fabric_flush *a, const struct fabric_flush *b)
{
    return (a->zone == b->zone && a->protocol == b->protocol
            && a->port == b->port && a->backend_port == b->backend_port
            && is_same_ip(&a->vip, &b->vip)
            && is_same_ip(&a->backend, &b->backend));
}

void
fabric_flush_cancel(struct fabric *f, const struct fabric_flush *flush)
{
    struct batch *batch;

    LIST_FOR_EACH (batch, node, &f->flushes->batches) {
        for (size_t i = 0; i < batch->n; i++) {
            struct queued_flush *queued = &batch->flushes[i];

            queued->cancelled |= is_same(&queued->flush, flush);
        }
    }
}

/* Life.  ----------------------------------------------------------------- */

void
conntrack_flush_create(struct fabric *f)
{
    f->flushes = xzalloc(sizeof *f->flushes);
    ovs_list_init(&f->flushes->queues);
    ovs_list_init(&f->flushes->batches);
    f->flushes->run = event_new(f->base, -1, 0, run_cb, f);
}

void
conntrack_flush_destroy(struct fabric *f)
{
    if (f->flushes) {
        event_free(f->flushes->run);
        free(f->flushes);
        f->flushes = NULL;
    }
}

/* As a part of the session.  --------------------------------------------- */

static void
init(struct fabric_switch *sw, void *q_)
{
    struct flush_queue *q = q_;

    q->sw = sw;
    q->window = WINDOW_FIRST;
    ovs_list_init(&q->jobs);
    ovs_list_init(&q->node);
}

static void
connected(struct fabric_switch *sw, void *q_)
{
    struct flush_queue *q = q_;

    q->unable = false;
    q->window = WINDOW_FIRST;
    if (!ovs_list_is_empty(&q->jobs)) {
        run_soon(sw->host->fabric);
    }
}

/* As the writer, which alone has something to flush; a role of equal suffices
 * for that. */
static void
observed(struct fabric_switch *sw, void *q)
{
    connected(sw, q);
}

static void
disconnected(struct fabric_switch *sw OVS_UNUSED, void *q_)
{
    struct flush_queue *q = q_;

    q->barrier_xid = 0;
    q->requested = NULL;
    q->rest_until_ms = 0;
}

static void
destroy(struct fabric_switch *sw OVS_UNUSED, void *q)
{
    queue_clear(q, NULL);
}

static enum switch_message
message(struct fabric_switch *sw OVS_UNUSED, void *q_, enum ofptype type,
        const struct ofp_header *oh)
{
    bool is_end = type == OFPTYPE_BARRIER_REPLY || type == OFPTYPE_ERROR;
    uint32_t xid = ntohl(oh->xid);
    struct flush_queue *q = q_;

    if (!q->barrier_xid) {
        return SWITCH_MESSAGE_OTHER;
    } else if (type == OFPTYPE_ERROR && xid == q->flush_xid) {
        refused(q, oh);
    } else if (is_end && xid == q->begin_xid) {
        q->begin_ms = time_msec();
    } else if (is_end && xid == q->barrier_xid) {
        answered(q);
    } else {
        return SWITCH_MESSAGE_OTHER;
    }
    return SWITCH_MESSAGE_ANSWER;
}

static bool
is_owed(const struct fabric_switch *sw OVS_UNUSED, const void *q_)
{
    const struct flush_queue *q = q_;

    return q->barrier_xid;
}

const struct switch_part_class conntrack_flush_part = {
    .name = "conntrack flush",
    .state_size = sizeof(struct flush_queue),
    .init = init,
    .connected = connected,
    .observed = observed,
    .disconnected = disconnected,
    .destroy = destroy,
    .message = message,
    .is_owed = is_owed,
};
