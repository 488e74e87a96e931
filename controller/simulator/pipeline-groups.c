/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenFlow groups; see pipeline-pass.h.  A group that selects by a hash takes
 * one of the buckets that do different things, another one each time that the
 * exchange is repeated (simulator_next()).  Of one that fails over the first
 * bucket is taken that leads to no host with a problem: which ports are up,
 * switches alone know, and apps put first what they take for the one that
 * is. */

#include <config.h>

#include "controller/simulator/pipeline-pass.h"

#include <string.h>

#include "openvswitch/ofp-group.h"
#include "util.h"

/* Executes a bucket's actions as a set, in the order of sets, on a copy. */
static void
do_bucket(struct pipeline_context *ctx, const struct ofputil_bucket *bucket)
{
    struct ofpbuf set = ofpbuf_const_initializer(bucket->ofpacts,
                                                 bucket->ofpacts_len);
    struct sim_packet before = *ctx->packet;
    struct ofpbuf list;

    ofpbuf_init(&list, 256);
    ofpacts_execute_action_set(&list, &set);
    pipeline_do_actions(ctx, list.data, list.size);
    ofpbuf_uninit(&list);
    *ctx->packet = before;
}

static bool
same_bucket(const struct ofputil_bucket *a, const struct ofputil_bucket *b)
{
    return rule_same_actions(a->ofpacts, a->ofpacts_len, b->ofpacts,
                             b->ofpacts_len);
}

/* Returns the first bucket that does the same. */
static const struct ofputil_bucket *
first_like(const struct ofputil_group_mod *group,
           const struct ofputil_bucket *bucket)
{
    const struct ofputil_bucket *b;

    LIST_FOR_EACH (b, list_node, &group->buckets) {
        if (same_bucket(b, bucket)) {
            return b;
        }
    }
    return bucket;
}

/* Chooses among the buckets that do different things the next one that this
 * exchange is to take. */
static const struct ofputil_bucket *
choose(struct pipeline_context *ctx, const struct ofputil_group_mod *group)
{
    struct simulator *sim = ctx->sim;
    const struct ofputil_bucket *b, *taken = NULL;
    double weight = 0, total = 0;
    struct choice *choice;
    uint32_t n = 0, wanted;

    if (sim->n_choices >= SIM_CHOICES_MAX) {
        return NULL;
    }
    choice = &sim->choices[sim->n_choices];
    wanted = sim->n_choices < sim->n_known ? choice->taken : 0;
    LIST_FOR_EACH (b, list_node, &group->buckets) {
        if (b->weight && first_like(group, b) == b) {
            taken = n == wanted ? b : taken;
            n++;
        }
    }
    if (!taken) {
        return NULL;
    }
    LIST_FOR_EACH (b, list_node, &group->buckets) {
        total += b->weight;
        weight += same_bucket(b, taken) ? b->weight : 0;
    }
    *choice = (struct choice) { wanted, n, weight / total };
    sim->n_choices++;
    return taken;
}

/* Returns true if an end since 'n_ends' is at a host or path with a
 * problem. */
static bool
is_unreachable(const struct simulator *sim, size_t n_ends)
{
    for (size_t i = n_ends; i < sim->n_ends; i++) {
        if (sim->ends[i].kind == SIM_UNREACHABLE) {
            return true;
        }
    }
    return false;
}

/* Executes the first bucket that leads to no host with a problem, or else the
 * last one.  What the ones before did is forgotten. */
static void
fail_over(struct pipeline_context *ctx, const struct ofputil_group_mod *group)
{
    struct simulator *sim = ctx->sim;
    const size_t n_steps = sim->n_steps, n_ends = sim->n_ends;
    const struct pipeline_context before = *ctx;
    const struct ofputil_bucket *bucket;

    LIST_FOR_EACH (bucket, list_node, &group->buckets) {
        sim->n_steps = n_steps;
        sim->n_ends = n_ends;
        ctx->n_events = before.n_events;
        ctx->n_punts = before.n_punts;
        ctx->stop = before.stop;
        sim->steps[n_steps - 1].option = bucket->bucket_id;
        do_bucket(ctx, bucket);
        if (!is_unreachable(sim, n_ends)) {
            break;
        }
    }
}

void
pipeline_do_group(struct pipeline_context *ctx, uint32_t group_id)
{
    const struct sim_net *net = &ctx->sim->net;
    const struct ofputil_group_mod *group = net->group(net->aux,
                                                       ctx->pass->host,
                                                       group_id);
    const struct ofputil_bucket *bucket;
    struct sim_step *step;

    if (!group) {
        pipeline_add_end(ctx, SIM_LOST, "the group is not there");
        return;
    }
    step = pipeline_add_step(ctx, SIM_GROUP, ctx->flow);
    step->number = group_id;
    step->option = UINT32_MAX;
    if (group->type == OFPGT11_ALL || group->type == OFPGT11_INDIRECT) {
        LIST_FOR_EACH (bucket, list_node, &group->buckets) {
            do_bucket(ctx, bucket);
        }
    } else if (group->type == OFPGT11_SELECT) {
        bucket = choose(ctx, group);
        if (bucket) {
            step->option = bucket->bucket_id;
            do_bucket(ctx, bucket);
        } else if (ctx->sim->n_choices >= SIM_CHOICES_MAX) {
            pipeline_fail(ctx, SIM_UNKNOWN,
                          "more groups select than are simulated");
        } else {
            pipeline_add_end(ctx, SIM_LOST, "the group has no bucket");
        }
    } else if (!ovs_list_is_empty(&group->buckets)) {
        fail_over(ctx, group);
    } else {
        pipeline_add_end(ctx, SIM_LOST, "the group has no bucket");
    }
}
