/* SPDX-License-Identifier: Apache-2.0
 *
 * As the writer, asks each member that manages hosts for what it has read of
 * their counters, and for what its probes have found of backends and of paths
 * between hosts, at most once in some time but for what did not fit in an
 * answer, by the connections on which members pass requests on.  A member that
 * does not answer, or is of a version that does not know what it is asked, is
 * asked less often; who does its work then is the fabric's matter, or that of
 * health or paths, and so is when there is nothing to ask.  Not for what is
 * asked and answered, which is bytes here (controller/fabric,
 * controller/health, controller/paths). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-private.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/relay/relay-call.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cluster_questions);

/* Between two requests to a member if it has more to say, so often in a row at
 * most. */
#define MORE_MS 100
#define MORE_MAX 20
#define CONNECT_MS 2000

/* What is asked. */
enum question { QUESTION_COUNTERS, QUESTION_PROBES, QUESTION_PATHS };
#define N_QUESTIONS 3

static const struct {
    const char *what;           /* For logs: what is done here instead. */
    const char *path;
    int each_ms;                /* Between two requests to a member, */
    int idle_ms;                /* or if there was nothing to ask; */
    int failed_ms;              /* after one that failed, */
    int unknown_ms;             /* or that it did not know. */
    int reply_ms;               /* For how long a request may take. */
} questions[N_QUESTIONS] = {
    [QUESTION_COUNTERS] = {
        "tell counters of its hosts, which are read here",
        CLUSTER_COUNTERS_PATH, 1000, 1000, 2000, 10000, CLUSTER_REPLY_MS,
    },
    /* A member stops to probe when it was not asked for 3 s: one request that
     * is lost, with the wait for the next one, is less. */
    [QUESTION_PROBES] = {
        "tell of probes on its hosts, which are sent from here",
        CLUSTER_PROBES_PATH, 250, 1000, 500, 2000, 1500,
    },
    /* So it is with paths. */
    [QUESTION_PATHS] = {
        "tell of the paths of its hosts, which are measured from here",
        CLUSTER_PATHS_PATH, 250, 1000, 500, 2000, 1500,
    },
};

/* A member that is asked something. */
struct asking {
    struct cluster *cluster;
    char *name;                 /* Owned. */
    enum question question;
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

static struct asking *
get_asking(struct cluster *c, const char *name, enum question question)
{
    char *key = xasprintf("%d %s", question, name);
    struct asking *asking = shash_find_data(&c->askings, key);

    if (!asking) {
        asking = xzalloc(sizeof *asking);
        asking->cluster = c;
        asking->name = xstrdup(name);
        asking->question = question;
        shash_add(&c->askings, key, asking);
    }
    free(key);
    return asking;
}

static void
forget(struct cluster *c, struct shash_node *node)
{
    struct asking *asking = node->data;

    shash_delete(&c->askings, node);
    free(asking->name);
    free(asking);
}

/* Forgets members that manage nothing any more. */
static void
forget_others(struct cluster *c)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &c->askings) {
        const struct asking *asking = node->data;

        if (!asking->busy && !is_manager(c, asking->name)) {
            forget(c, node);
        }
    }
}

/* Returns what is wrong with the answer, which the caller frees; NULL:
 * nothing. */
static char *
take(struct asking *asking, int status, const void *body, size_t size,
     const char *fault, bool *more)
{
    struct cluster *c = asking->cluster;
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
    wrong = (asking->question == QUESTION_COUNTERS
             ? c->callbacks->take_counters(c->aux, asking->name, body, size,
                                           asking->asked_ms, more)
             : asking->question == QUESTION_PROBES
             ? c->callbacks->take_probes(c->aux, asking->name, body, size,
                                         asking->asked_ms, more)
             : c->callbacks->take_paths(c->aux, asking->name, body, size,
                                        asking->asked_ms, more));
    return wrong ? xstrdup(wrong) : NULL;
}

static void
answered(void *asking_, int status, const void *body, size_t size,
         const char *fault)
{
    struct asking *asking = asking_;
    struct cluster *c = asking->cluster;
    int64_t now_ms = loop_now_ms(c->loop);
    char *wrong = NULL;
    bool more = false;

    asking->busy = false;
    if (c->writer && !c->ending) {
        wrong = take(asking, status, body, size, fault, &more);
    }
    if (wrong) {
        VLOG(asking->failed ? VLL_DBG : VLL_INFO,
             "member \"%s\" does not %s: %s", asking->name,
             questions[asking->question].what, wrong);
        asking->again_ms = now_ms + (status
                                      ? questions[asking->question].unknown_ms
                                      : questions[asking->question].failed_ms);
    } else {
        asking->n_more = more ? asking->n_more + 1 : 0;
        more = asking->n_more % (MORE_MAX + 1) != 0;
        asking->again_ms = MAX(asking->asked_ms
                                 + (more ? MORE_MS
                                    : questions[asking->question].each_ms),
                                 now_ms + (more ? MORE_MS / 2 : 0));
    }
    asking->failed = wrong != NULL;
    free(wrong);
    cluster_run(c);
}

static void
ask(struct cluster *c, struct asking *asking,
    const struct cluster_member *member, int64_t now_ms)
{
    char *json = (asking->question == QUESTION_COUNTERS
                  ? c->callbacks->ask_counters(c->aux, asking->name)
                  : asking->question == QUESTION_PROBES
                  ? c->callbacks->ask_probes(c->aux, asking->name)
                  : c->callbacks->ask_paths(c->aux, asking->name));

    asking->again_ms = now_ms + questions[asking->question].idle_ms;
    if (json) {
        asking->busy = true;
        asking->asked_ms = now_ms;
        relay_call_post(c->caller, member->name, member->listen,
                        questions[asking->question].path, json,
                        questions[asking->question].reply_ms, answered,
                        asking);
        free(json);
    }
}

/* Asks a member what is due. */
static void
run_member(struct cluster *c, const struct cluster_member *member,
           int64_t now_ms, int64_t *wake_ms)
{
    for (int i = 0; i < N_QUESTIONS; i++) {
        struct asking *asking = get_asking(c, member->name, i);

        if (!asking->busy && now_ms >= asking->again_ms) {
            ask(c, asking, member, now_ms);
        }
        if (!asking->busy) {
            *wake_ms = MIN(*wake_ms, asking->again_ms);
        }
    }
}

void
cluster_questions_run(struct cluster *c, int64_t now_ms, int64_t *wake_ms)
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

        if (member && is_manager(c, name) && cluster_can_reach(member)) {
            run_member(c, member, now_ms, wake_ms);
        }
    }
}

void
cluster_questions_close(struct cluster *c)
{
    struct shash_node *node;

    relay_caller_destroy(c->caller);
    c->caller = NULL;
    free(c->events.of);
    c->events.of = NULL;
    SHASH_FOR_EACH_SAFE (node, &c->askings) {
        forget(c, node);
    }
}

void
cluster_questions_open(struct cluster *c)
{
    const struct relay_caller_options options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = c->options->ca_cert,
        .client = "vmnd",
        .connect_ms = CONNECT_MS,
        .reply_max = CLUSTER_ANSWER_MAX,
    };

    c->caller = relay_caller_create(loop_base(c->loop), &options);
}
