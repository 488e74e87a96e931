/* SPDX-License-Identifier: Apache-2.0
 *
 * As a member that stands by: which results of its own probes, and which
 * hosts, it tells the writer that asks.  Not for who probes what, nor for what
 * the writer makes of it (probe-members.c). */

#include <config.h>

#include "controller/health/probe-members-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/health/probe-report.h"
#include "controller/model/model.h"
#include "hash.h"
#include "timeval.h"
#include "util.h"

/* A result that changes nothing is told so long after the one before. */
#define QUIET_US (5 * 1000 * 1000)
/* A member that has not heard a host leaves it out for so long: hosts change
 * hands seldom, which the writer takes a look at all backends for. */
#define LEFT_OUT_MS 5000

static void
unlist(struct probe_told *told)
{
    if (told->seq) {
        ovs_list_remove(&told->node);
        told->seq = 0;
    }
}

void
probe_members_forgotten(struct backend *b)
{
    if (b->told) {
        unlist(b->told);
    }
}

struct probe_told *
probe_told_of(struct backend *b)
{
    if (!b->told) {
        b->told = xzalloc(sizeof *b->told);
        b->told->backend = b;
    }
    return b->told;
}

static void
count(struct probe_told *told, const struct backend *b)
{
    told->n = told->n && told->ok == b->last_ok ? told->n + 1 : 1;
    told->n = MIN(told->n, INT32_MAX);
    told->ok = b->last_ok;
    told->n_ok += told->ok;
    told->n_failed += !told->ok;
    told->ended_us = time_usec();
    ovs_strlcpy(told->reason, told->ok ? "" : b->reason, sizeof told->reason);
}

/* Returns true if something may follow from the last result. */
static bool
is_news(struct health *h, const struct backend *b)
{
    struct prober_member row = { .port = b->port };

    health_read_row(h, b->lb->name, &row);
    return (b->told->n == 1
            || row.row != (b->last_ok ? BACKEND_UP : BACKEND_DOWN));
}

void
probe_members_probed(struct probe_members *pm, struct backend *b)
{
    struct probe_told *told = probe_told_of(b);

    if (told->n_begun != b->n_begun) {
        unlist(told);
        *told = (struct probe_told) {
            .n_begun = b->n_begun, .id = ++pm->n_ids, .backend = b,
        };
    }
    count(told, b);
    if (is_news(pm->health, b)
        || told->ended_us - told->listed_us >= QUIET_US) {
        unlist(told);
        told->seq = ++pm->seq;
        told->listed_us = told->ended_us;
        ovs_list_push_back(&pm->results, &told->node);
    }
}

/* Hosts are the same if the sums of their names' hashes are. */
static void
hash_cb(void *sum_, const char *host)
{
    uint32_t *sum = sum_;

    *sum += hash_string(host, 1);
}

/* Finds hosts that have not answered for longer than those that are there
 * take.  Their probes are on their way. */
static void
find_silent(struct probe_members *pm)
{
    const struct prober *p = &pm->health->prober;
    struct shash_node *node, *next;
    const struct backend *b;

    SHASH_FOR_EACH_SAFE (node, next, &pm->silent) {
        const int64_t *silent_ms = node->data;

        if (time_msec() - *silent_ms >= LEFT_OUT_MS) {
            free(node->data);
            shash_delete(&pm->silent, node);
        }
    }
    HMAP_FOR_EACH (b, probe_node, &p->probes) {
        if (prober_is_host_silent(b, time_usec())) {
            int64_t *silent_ms = shash_find_data(&pm->silent, b->host);

            if (!silent_ms) {
                silent_ms = xmalloc(sizeof *silent_ms);
                shash_add(&pm->silent, b->host, silent_ms);
            }
            *silent_ms = time_msec();
        }
    }
}

struct hosts_to_tell {
    const struct shash *silent;
    struct probe_report_out *out;   /* NULL: they are summed up. */
    uint32_t sum;
    size_t n;
};

static void
tell_host_cb(void *to_, const char *host)
{
    struct hosts_to_tell *to = to_;

    if (shash_find(to->silent, host)
        || to->n >= PROBE_REPORT_HOSTS_MAX) {
        return;
    }
    to->n++;
    if (to->out) {
        probe_report_put_host(to->out, host);
    } else {
        hash_cb(&to->sum, host);
    }
}

/* Tells of the hosts that this member probes, if they are others than the
 * writer knows, and returns true.  Those that it does not hear it leaves to
 * the writer. */
static bool
tell_hosts(struct probe_members *pm, uint64_t after,
           struct probe_report_out *out)
{
    const struct fabric *fabric = pm->health->fabric;
    struct hosts_to_tell to = { .silent = &pm->silent, .sum = 1 };
    bool is_news;

    find_silent(pm);
    fabric_each_mastered(fabric, tell_host_cb, &to);
    if (to.sum != pm->hosts) {
        pm->hosts = to.sum;
        pm->hosts_seq = ++pm->seq;
    }
    is_news = pm->hosts_seq > after;
    if (is_news) {
        to.out = out;
        to.n = 0;
        fabric_each_mastered(fabric, tell_host_cb, &to);
    }
    return is_news;
}

static void
tell_backend(const struct probe_told *told, struct probe_report_out *out)
{
    const struct backend *b = told->backend;

    probe_report_put_backend(out, &(struct probe_report_backend) {
        .host = b->host, .balancer = b->lb->name, .port = b->port,
        .id = told->id, .n_ok = told->n_ok, .n_failed = told->n_failed,
        .ok = told->ok, .n = told->n,
        .ago_ms = MAX(0, time_usec() - told->ended_us) / 1000,
        .latency_us = b->latency_us, .reason = told->reason,
    });
}

/* Returns the list's first result after that. */
static struct ovs_list *
first_after(struct probe_members *pm, uint64_t after)
{
    struct ovs_list *first = &pm->results;

    while (first->prev != &pm->results
           && CONTAINER_OF(first->prev, struct probe_told, node)->seq
              > after) {
        first = first->prev;
    }
    return first;
}

static char *
tell(struct probe_members *pm, uint64_t after)
{
    const struct health *h = pm->health;
    struct probe_report_out *out = probe_report_begin();
    struct probe_report report = {
        .run = pm->run,
        .revision = (h->refresh_due || !sset_is_empty(&h->balancers)
                     ? h->refreshed : model_durable_revision(h->model)),
    };
    size_t n = 0;

    report.has_hosts = tell_hosts(pm, after, out);
    report.seq = pm->seq;
    for (struct ovs_list *node = first_after(pm, after);
         node != &pm->results; node = node->next) {
        const struct probe_told *told = CONTAINER_OF(node, struct probe_told,
                                                     node);

        if (n >= PROBE_REPORT_BACKENDS_MAX) {
            report.more = true;
            break;
        }
        report.seq = told->seq;
        if (!told->backend->elsewhere
            && told->n_begun == told->backend->n_begun) {
            n++;
            tell_backend(told, out);
        }
    }
    if (!report.more) {
        report.seq = pm->seq;
    }
    return probe_report_end(out, &report);
}

/* The writer has asked.  Looks at once at what this has to do now. */
static void
heed_ask(struct probe_members *pm)
{
    uint32_t mastered = 1;

    fabric_each_mastered(pm->health->fabric, hash_cb, &mastered);
    pm->wanted_ms = time_msec();
    if (!pm->wanted || mastered != pm->mastered) {
        pm->mastered = mastered;
        probe_members_look(pm);
    }
}

const char *
health_tell_probes(struct health *h, const void *text, size_t size,
                   char **answer)
{
    struct probe_members *pm = h ? h->members : NULL;
    struct probe_ask ask;
    const char *fault;

    *answer = NULL;
    if (!pm || !h->follows) {
        return "this member is the writer";
    }
    fault = probe_ask_read(text, size, &ask);
    if (!fault && ask.epoch < pm->epoch) {
        fault = "a former writer asks";
    } else if (!fault && !h->begun) {
        fault = "this member has just been started";
    }
    if (!fault) {
        pm->epoch = ask.epoch;
        heed_ask(pm);
        *answer = tell(pm, ask.run == pm->run ? ask.after : 0);
    }
    return fault;
}
