/* SPDX-License-Identifier: Apache-2.0
 *
 * Who of a cluster's members probes what is on a host: the one that manages
 * it.  It tells the writer what its probes have found, as bytes
 * (probe-report.c); the writer asks, and is the one for whom something follows
 * from results.  What nobody tells it of it probes itself.
 *
 * Not for how the two speak with each other (controller/cluster), what a
 * member that stands by tells (probe-telling.c), nor probes (prober.c).
 *
 * A member probes while it is the master of the host's switch and the writer
 * has asked within WANTED_MS.  The writer takes over when it was not told for
 * TOLD_MS, which is longer, and gives up when it is told that another one
 * probes.  Who has probed a host until now goes on, or is waited for, for that
 * time after the shares have changed.  Two probe for a moment then; and while
 * a member tells nothing of a backend, or does not hear a host. */

#include <config.h>

#include "controller/health/probe-members-private.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/health/probe-report.h"
#include "controller/model/model.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(probe_members);

#define WANTED_MS 3000
#define TOLD_MS 5000
/* Between two looks at who probes what. */
#define LOOK_MS 500
#define SLEPT_MS 2000
/* While there is nothing to probe, members are asked so often. */
#define IDLE_MS 1000
/* A result that the writer could not take yet it asks for again after that,
 * and then after twice as long, up to a limit. */
#define AGAIN_MS 1000
#define AGAIN_MAX_MS 16000
/* How often the writer looks for backends of which it is told nothing.  It
 * probes these if there was nothing for so many intervals, and for so long. */
#define UNTOLD_MS 5000
#define UNTOLD_INTERVALS 3
#define UNTOLD_MIN_MS 20000

/* Another member, as the writer knows it. */
struct teller {
    uint64_t run, seq;          /* Of its last report; 0: none. */
    int64_t asked_ms;           /* When it was asked last, */
    int64_t heard_ms;           /* and for its last report. */
    int64_t again_ms;           /* When it is asked for all again, as something
                                 * could not be taken; 0: never. */
    int delay_ms;               /* After which time that was. */
    struct sset hosts;          /* That it probes. */
};

/* Who probes what is on a host. */
enum whose {
    WHOSE_OWN,                  /* This process. */
    WHOSE_AWAITED,              /* Another member: who does has not said so
                                 * yet. */
    WHOSE_OTHERS,               /* Another member. */
};

/* A host with what is to be probed. */
struct place {
    enum whose whose;
};

/* Who probes.  ------------------------------------------------------------ */

static bool
is_fresh(const struct teller *teller)
{
    return (teller->heard_ms
            && time_msec() - teller->heard_ms < TOLD_MS);
}

/* Returns what is known of the other member that manages the host; NULL: that
 * has told nothing, or is this one. */
static struct teller *
teller_of(const struct probe_members *pm, const char *host)
{
    const char *manager = pm->sharing->manager(pm->aux, host);

    return manager ? shash_find_data(&pm->tellers, manager) : NULL;
}

/* Has a member be asked for all that it has found once more. */
static void
ask_again(struct teller *teller, int delay_ms)
{
    teller->delay_ms = delay_ms;
    teller->again_ms = time_msec() + delay_ms;
}

/* 'was': the answer so far. */
static enum whose
find_others(const struct probe_members *pm, const char *host, enum whose was)
{
    const struct teller *teller = teller_of(pm, host);

    if (!teller && !pm->sharing->manager(pm->aux, host)) {
        return WHOSE_OWN;
    } else if (teller && is_fresh(teller)
               && sset_contains(&teller->hosts, host)) {
        return WHOSE_OTHERS;
    }
    return (was != WHOSE_OWN && time_msec() < pm->patient_until_ms
            ? WHOSE_AWAITED : WHOSE_OWN);
}

static enum whose
find_whose(const struct probe_members *pm, const char *host, enum whose was)
{
    const struct health *h = pm->health;

    return (!h->follows ? find_others(pm, host, was)
            : pm->wanted && fabric_host_is_mastered(h->fabric, host)
            ? WHOSE_OWN : WHOSE_OTHERS);
}

static enum whose
get_whose(struct probe_members *pm, const char *host)
{
    struct place *place = shash_find_data(&pm->places, host);

    if (!place) {
        place = xmalloc(sizeof *place);
        place->whose = find_whose(pm, host, WHOSE_AWAITED);
        shash_add(&pm->places, host, place);
    }
    return place->whose;
}

bool
probe_members_is_elsewhere(struct probe_members *pm, const char *host)
{
    return get_whose(pm, host) != WHOSE_OWN;
}

bool
probe_members_is_heard(struct probe_members *pm, const char *host)
{
    return !pm->health->follows && get_whose(pm, host) == WHOSE_OTHERS;
}

bool
probe_members_is_unheard(const struct probe_members *pm, const char *host)
{
    const struct teller *teller = (pm->health->follows ? NULL
                                   : teller_of(pm, host));

    return teller && is_fresh(teller) && !sset_contains(&teller->hosts, host);
}

/* Has who has not spoken yet be waited for. */
static void
be_patient(struct probe_members *pm)
{
    pm->patient_until_ms = time_msec() + TOLD_MS;
}

/* The host is probed by others, or here, from now on.  What its member has
 * said while this one did it has not taken. */
static void
change_hands(struct probe_members *pm, struct place *place, const char *host,
             enum whose whose)
{
    struct teller *teller;

    VLOG_DBG("%s is probed %s", host,
             whose == WHOSE_OWN ? "here" : "elsewhere");
    if (!pm->health->follows && whose == WHOSE_OTHERS
        && place->whose == WHOSE_OWN && (teller = teller_of(pm, host))) {
        ask_again(teller, AGAIN_MS);
    }
    place->whose = whose;
    sset_add(&pm->health->hosts, host);
}

/* A writer that slept has not heard the others: whatever comes first when it
 * wakes up, it waits for these. */
void
probe_members_look(struct probe_members *pm)
{
    struct health *h = pm->health;
    struct shash_node *node, *next;

    if (time_msec() - pm->looked_ms > SLEPT_MS) {
        be_patient(pm);
    }
    pm->looked_ms = time_msec();
    pm->wanted = (pm->wanted_ms && time_msec() - pm->wanted_ms < WANTED_MS);
    SHASH_FOR_EACH_SAFE (node, next, &pm->places) {
        struct place *place = node->data;
        enum whose whose = find_whose(pm, node->name, place->whose);

        if (!model_get_durable(h->model, VMN_TABLE_HOST, node->name, NULL)) {
            free(node->data);
            shash_delete(&pm->places, node);
        } else if (whose != place->whose) {
            change_hands(pm, place, node->name, whose);
        }
    }
    if (!sset_is_empty(&h->hosts)) {
        health_schedule_refresh(h);
    }
}

/* Has this one probe what is said to be probed elsewhere, but of which nothing
 * is told: the member may not have it yet, or not be able to.  Counts looks,
 * and not time, in which this one may have slept. */
static void
find_untold(struct probe_members *pm)
{
    struct health *h = pm->health;
    const struct balancer *lb;
    struct backend *b;

    HMAP_FOR_EACH (lb, node, &h->prober.balancers) {
        int64_t max_ms = (UNTOLD_MIN_MS
                          + UNTOLD_INTERVALS * lb->settings.interval_ms);

        HMAP_FOR_EACH (b, node, &lb->backends) {
            if (b->elsewhere
                && ++b->n_untold > max_ms / UNTOLD_MS) {
                b->untold = true;
                sset_add(&h->balancers, lb->name);
            }
        }
    }
    if (!sset_is_empty(&h->balancers)) {
        health_schedule_refresh(h);
    }
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *pm_)
{
    struct probe_members *pm = pm_;

    probe_members_look(pm);
    if (!pm->health->follows
        && time_msec() - pm->searched_ms >= UNTOLD_MS) {
        pm->searched_ms = time_msec();
        find_untold(pm);
    }
}

void
health_set_shares(struct health *h, uint64_t generation)
{
    struct probe_members *pm = h ? h->members : NULL;
    struct shash_node *node;

    if (pm && pm->generation != generation) {
        pm->generation = generation;
        be_patient(pm);
        /* Some may have spoken of hosts that have become theirs. */
        SHASH_FOR_EACH (node, &pm->tellers) {
            ask_again(node->data, AGAIN_MS);
        }
        probe_members_look(pm);
    }
}

void
probe_members_count_hosts(const struct probe_members *pm, size_t *here,
                          size_t *elsewhere)
{
    const struct shash_node *node;

    *here = *elsewhere = 0;
    SHASH_FOR_EACH (node, &pm->places) {
        const struct place *place = node->data;

        *(place->whose == WHOSE_OWN ? here : elsewhere) += 1;
    }
}

/* The writer.  ------------------------------------------------------------ */

char *
health_ask_probes(struct health *h, const char *member)
{
    struct probe_members *pm = h ? h->members : NULL;
    struct teller *teller;
    struct probe_ask ask;

    if (!pm || h->follows) {
        return NULL;
    }
    teller = shash_find_data(&pm->tellers, member);
    if (!teller) {
        teller = xzalloc(sizeof *teller);
        sset_init(&teller->hosts);
        shash_add(&pm->tellers, member, teller);
    }
    if (hmap_is_empty(&h->prober.balancers) && is_fresh(teller)
        && time_msec() - teller->asked_ms < IDLE_MS) {
        return NULL;
    }
    teller->asked_ms = time_msec();
    if (teller->again_ms && teller->asked_ms >= teller->again_ms) {
        teller->again_ms = 0;
        teller->seq = 0;
    }
    ask = (struct probe_ask) {
        .epoch = pm->epoch, .run = teller->run, .after = teller->seq,
    };
    return probe_ask_print(&ask);
}

/* An answer that is being taken. */
struct taking {
    struct probe_members *pm;
    struct teller *teller;
    int64_t asked_ms;
    struct probe_report report;
};

static void
report_cb(void *taking_, const struct probe_report *report,
          const struct sset *hosts)
{
    struct taking *taking = taking_;
    struct teller *teller = taking->teller;
    bool was_fresh = is_fresh(teller);

    taking->report = *report;
    if (report->has_hosts || report->run != teller->run) {
        sset_destroy(&teller->hosts);
        sset_clone(&teller->hosts, hosts);
    }
    teller->run = report->run;
    teller->seq = report->seq;
    teller->heard_ms = taking->asked_ms;
    if (report->has_hosts || !was_fresh) {
        probe_members_look(taking->pm);
    }
}

/* Sets the result to what the report has more than was taken of it.  Returns
 * false if there is nothing. */
static bool
subtract(const struct taking *taking, struct probe_told *told,
         const struct probe_report_backend *t, struct prober_result *result)
{
    if (told->run != taking->report.run || told->id != t->id) {
        told->run = taking->report.run;
        told->id = t->id;
        told->n_ok = told->n_failed = 0;
    }
    if (t->n_ok < told->n_ok || t->n_failed < told->n_failed) {
        return false;           /* No member says that. */
    }
    *result = (struct prober_result) {
        .ok = t->ok, .ago_ms = t->ago_ms,
        .latency_us = t->latency_us, .reason = t->reason,
        .n_ok = t->n_ok - told->n_ok, .n_failed = t->n_failed - told->n_failed,
    };
    result->n = MIN(t->n, t->ok ? result->n_ok : result->n_failed);
    return result->n != 0;
}

/* Takes what the report has of a backend that it is of. */
static void
take_told(const struct taking *taking, struct backend *b,
          const struct probe_report_backend *t)
{
    struct probe_told *told = probe_told_of(b);
    struct prober_result result;
    bool is_news = subtract(taking, told, t, &result);

    b->n_untold = 0;
    if (is_news) {
        told->n_ok = t->n_ok;
        told->n_failed = t->n_failed;
    }
    /* What was before a probe from here says nothing after it. */
    if (is_news && time_usec() - t->ago_ms * 1000 > b->ended_us) {
        prober_take_result(b, &result, time_usec());
    }
}

/* Returns true unless what is told is of a backend that the writer does not
 * have yet as the member does, or not yet as one that others probe. */
static bool
backend_is_taken(const struct taking *taking,
                 const struct probe_report_backend *t)
{
    struct probe_members *pm = taking->pm;
    struct health *h = pm->health;
    struct backend *b = prober_find(&h->prober, t->balancer, t->port);

    if (get_whose(pm, t->host) == WHOSE_OWN
        || (t->balancer[0] == PROBER_TARGET
            && sset_contains(&h->refused, t->balancer + 1))) {
        return true;
    } else if (!b || strcmp(b->host, t->host)
               || taking->report.revision < b->begun_revision) {
        return false;
    } else if (b->untold) {
        b->untold = false;
        sset_add(&h->balancers, b->lb->name);
        health_schedule_refresh(h);
        return false;
    } else if (b->elsewhere) {
        take_told(taking, b, t);
    }
    return b->elsewhere;
}

static void
backend_cb(void *taking_, const struct probe_report_backend *t)
{
    const struct taking *taking = taking_;
    struct teller *teller = taking->teller;

    if (teller_of(taking->pm, t->host) == teller
        && !backend_is_taken(taking, t) && !teller->again_ms) {
        ask_again(teller, teller->delay_ms
                  ? MIN(2 * teller->delay_ms, AGAIN_MAX_MS) : AGAIN_MS);
    }
}

const char *
health_take_probes(struct health *h, const char *member, const void *answer,
                   size_t size, int64_t asked_ms, bool *more)
{
    static const struct probe_report_ops ops = { report_cb, backend_cb };
    struct taking taking = {
        .pm = h->members, .asked_ms = asked_ms,
    };
    const char *fault;

    *more = false;
    taking.teller = (taking.pm && !h->follows
                     ? shash_find_data(&taking.pm->tellers, member) : NULL);
    if (!taking.teller) {
        return "it was not asked";
    }
    fault = probe_report_read(answer, size, &ops, &taking);
    *more = !fault && taking.report.more;
    if (!fault && !*more && !taking.teller->again_ms) {
        taking.teller->delay_ms = 0;    /* All was taken. */
    }
    return fault;
}

/* Life.  ------------------------------------------------------------------ */

void
probe_members_lead(struct probe_members *pm, uint64_t epoch)
{
    pm->epoch = epoch;
    pm->wanted = false;
    be_patient(pm);
    shash_destroy_free_data(&pm->places);
    shash_init(&pm->places);
}

struct probe_members *
probe_members_create(struct health *h, const struct health_sharing *sharing,
                     void *aux)
{
    static const struct timeval each = { 0, LOOK_MS * 1000 };
    struct probe_members *pm = xzalloc(sizeof *pm);

    pm->health = h;
    pm->sharing = sharing;
    pm->aux = aux;
    pm->run = MAX(random_uint64() >> 11, 1);
    pm->looked_ms = time_msec();
    pm->timer = event_new(h->base, -1, EV_PERSIST, timer_cb, pm);
    event_add(pm->timer, &each);
    shash_init(&pm->places);
    shash_init(&pm->tellers);
    shash_init(&pm->silent);
    ovs_list_init(&pm->results);
    return pm;
}

void
probe_members_destroy(struct probe_members *pm)
{
    struct shash_node *node;

    if (!pm) {
        return;
    }
    SHASH_FOR_EACH (node, &pm->tellers) {
        struct teller *teller = node->data;

        sset_destroy(&teller->hosts);
    }
    shash_destroy_free_data(&pm->tellers);
    shash_destroy_free_data(&pm->places);
    shash_destroy_free_data(&pm->silent);
    event_free(pm->timer);
    free(pm);
}
