/* SPDX-License-Identifier: Apache-2.0
 *
 * As the writer, asks each member that manages hosts for what it has read of
 * their counters, once a second at most but for what did not fit in an answer,
 * by the connections on which members pass requests on.  A member that does
 * not answer, or is of a version that does not know what it is asked, is asked
 * less often; who reads its hosts then is the fabric's matter, and so is when
 * there is nothing to ask.  Not for what is asked and answered, which is bytes
 * here (controller/fabric). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-private.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/relay/relay-call.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cluster_counters);

/* Between two requests to a member; if it has more to say, so often in a row
 * at most; after one that failed; and after one that it did not know. */
#define ASK_MS 1000
#define MORE_MS 100
#define MORE_MAX 20
#define FAILED_MS 2000
#define UNKNOWN_MS 10000
/* For how long a request may take. */
#define CONNECT_MS 2000
#define REPLY_MS 5000

/* A member that is asked. */
struct counting {
    struct cluster *cluster;
    char *name;                 /* Owned. */
    bool busy;                  /* A request is under way, */
    int64_t asked_ms;           /* since then. */
    int64_t again_ms;           /* Not before. */
    int n_more;                 /* Requests since it said so first. */
    bool failed;                /* The last one has, as was said. */
};

static bool
is_manager(const struct cluster *c, const char *name)
{
    for (size_t i = 0; i < c->shares.n; i++) {
        if (!strcmp(c->shares.shares[i].name, name)) {
            return strcmp(name, c->options->name) != 0;
        }
    }
    return false;
}

static struct counting *
get_counting(struct cluster *c, const char *name)
{
    struct counting *counting = shash_find_data(&c->countings, name);

    if (!counting) {
        counting = xzalloc(sizeof *counting);
        counting->cluster = c;
        counting->name = xstrdup(name);
        shash_add(&c->countings, name, counting);
    }
    return counting;
}

static void
forget(struct cluster *c, struct shash_node *node)
{
    struct counting *counting = node->data;

    shash_delete(&c->countings, node);
    free(counting->name);
    free(counting);
}

/* Forgets members that manage nothing any more. */
static void
forget_others(struct cluster *c)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &c->countings) {
        const struct counting *counting = node->data;

        if (!counting->busy && !is_manager(c, node->name)) {
            forget(c, node);
        }
    }
}

/* Returns what is wrong with the answer, which the caller frees; NULL:
 * nothing. */
static char *
take(struct counting *counting, int status, const void *body, size_t size,
     const char *fault, bool *more)
{
    struct cluster *c = counting->cluster;
    const char *wrong;

    *more = false;
    if (!status) {
        return xstrdup(fault);
    } else if (status != 200) {
        return xasprintf("it answers with status %d%s", status,
                         status == 421 || status == 404
                         ? ": it is of another version, or cannot do it now"
                         : "");
    }
    wrong = c->callbacks->take_counters(c->aux, counting->name, body, size,
                                        counting->asked_ms, more);
    return wrong ? xstrdup(wrong) : NULL;
}

static void
answered(void *counting_, int status, const void *body, size_t size,
         const char *fault)
{
    struct counting *counting = counting_;
    struct cluster *c = counting->cluster;
    int64_t now_ms = loop_now_ms(c->loop);
    char *wrong = NULL;
    bool more = false;

    counting->busy = false;
    if (c->writer && !c->ending) {
        wrong = take(counting, status, body, size, fault, &more);
    }
    if (wrong) {
        VLOG(counting->failed ? VLL_DBG : VLL_INFO, "member \"%s\" does not "
             "tell counters of its hosts, which are read here: %s",
             counting->name, wrong);
        counting->again_ms = now_ms + (status ? UNKNOWN_MS : FAILED_MS);
    } else {
        counting->n_more = more ? counting->n_more + 1 : 0;
        more = counting->n_more % (MORE_MAX + 1) != 0;
        counting->again_ms = MAX(counting->asked_ms
                                 + (more ? MORE_MS : ASK_MS),
                                 now_ms + (more ? MORE_MS / 2 : 0));
    }
    counting->failed = wrong != NULL;
    free(wrong);
    cluster_run(c);
}

static void
ask(struct cluster *c, struct counting *counting,
    const struct cluster_member *member, int64_t now_ms)
{
    char *json = c->callbacks->ask_counters(c->aux, counting->name);

    counting->again_ms = now_ms + ASK_MS;
    if (json) {
        counting->busy = true;
        counting->asked_ms = now_ms;
        relay_call_post(c->caller, member->name, member->listen,
                        CLUSTER_COUNTERS_PATH, json, answered, counting);
        free(json);
    }
}

void
cluster_counters_run(struct cluster *c, int64_t now_ms, int64_t *wake_ms)
{
    const struct cluster_view *view = cluster_db_view(c->db);

    if (!c->writer || c->ending || c->resigning || !c->caller) {
        return;
    }
    forget_others(c);
    for (size_t i = 0; i < c->shares.n; i++) {
        const char *name = c->shares.shares[i].name;
        const struct cluster_member *member = shash_find_data(&view->members,
                                                              name);
        struct counting *counting;

        if (!member || !is_manager(c, name) || !cluster_can_reach(member)) {
            continue;
        }
        counting = get_counting(c, name);
        if (!counting->busy && now_ms >= counting->again_ms) {
            ask(c, counting, member, now_ms);
        }
        if (!counting->busy) {
            *wake_ms = MIN(*wake_ms, counting->again_ms);
        }
    }
}

void
cluster_counters_close(struct cluster *c)
{
    struct shash_node *node;

    relay_caller_destroy(c->caller);
    c->caller = NULL;
    SHASH_FOR_EACH_SAFE (node, &c->countings) {
        forget(c, node);
    }
}

void
cluster_counters_open(struct cluster *c)
{
    const struct relay_caller_options options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = c->options->ca_cert,
        .client = "vmnd",
        .connect_ms = CONNECT_MS, .reply_ms = REPLY_MS,
        .reply_max = CLUSTER_COUNTERS_MAX,
    };

    c->caller = relay_caller_create(loop_base(c->loop), &options);
}
