/* SPDX-License-Identifier: Apache-2.0
 *
 * Which revisions a change is waited for.  One that changed something: its
 * own, and the bindings that follow at once from what hosts had reported of
 * its ports.  One that changed nothing, since all was so already: those of all
 * that it names, and of what was pruned from its set before.  Not for the wait
 * itself (controller/fabric/session/receipt-waits.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-receipts.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(northbound_wait);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);

/* Sets whose newest revision is known here.  Of others, as of all after a
 * start, the store is asked. */
#define SETS_MAX 1024

static uint64_t
set_revision(const struct northbound *nb, const struct model_request *request)
{
    const char *set = request->prune_set;
    const uint64_t *known = set ? shash_find_data(&nb->sets, set) : NULL;
    struct vmn_error why = VMN_ERROR_INIT;
    uint64_t revision = 0;

    if (known || !set || !nb->store_class->set_revision) {
        return known ? *known : 0;
    }
    if (nb->store_class->set_revision(nb->store, set, &revision, &why)) {
        VLOG_WARN_RL(&rl, "set %s: %s", set, why.text);
        vmn_error_uninit(&why);
    }
    return revision;
}

static void
forget_oldest_set(struct northbound *nb)
{
    struct shash_node *node, *oldest = NULL;

    SHASH_FOR_EACH (node, &nb->sets) {
        if (!oldest || *(uint64_t *) node->data
                       < *(uint64_t *) oldest->data) {
            oldest = node;
        }
    }
    free(oldest->data);
    shash_delete(&nb->sets, oldest);
}

void
nb_note_set(struct northbound *nb, const struct commit_result *result)
{
    const char *set = result->request->prune_set;

    if (set && result->changed) {
        if (!shash_find(&nb->sets, set)
            && shash_count(&nb->sets) >= SETS_MAX) {
            forget_oldest_set(nb);
        }
        free(shash_replace(&nb->sets, set,
                           xmemdup(&result->revision,
                                   sizeof result->revision)));
    }
}

uint64_t
nb_change_revision(const struct northbound *nb,
                   const struct commit_result *result)
{
    uint64_t of_set = result->changed ? 0 : set_revision(nb, result->request);

    return MAX(result->revision, of_set);
}

static int
compare_revisions(const void *a_, const void *b_)
{
    const uint64_t *a = a_;
    const uint64_t *b = b_;

    return *a < *b ? -1 : *a > *b;
}

/* Fills in 'revisions', ascending and each once, which has room for one of
 * each operation and one more.  Returns how many there are. */
static size_t
get_revisions(const struct northbound *nb, const struct commit_result *result,
              uint64_t *revisions)
{
    const struct model_request *request = result->request;
    size_t n = 0, n_different = 0;

    revisions[n++] = nb_change_revision(nb, result);
    for (size_t i = 0; !result->changed && i < request->n_ops; i++) {
        if (request->ops[i].revision) {
            revisions[n++] = request->ops[i].revision;
        }
    }
    qsort(revisions, n, sizeof *revisions, compare_revisions);
    for (size_t i = 0; i < n; i++) {
        if (!i || revisions[i] != revisions[n_different - 1]) {
            revisions[n_different++] = revisions[i];
        }
    }
    return n_different;
}

static size_t
get_ports(const struct model_request *request, const char **ports)
{
    size_t n = 0;

    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];

        if (op->table == VMN_TABLE_PORT && op->kind != MODEL_DELETE) {
            ports[n++] = op->name;
        }
    }
    return n;
}

struct fabric_wait *
nb_wait_installed(struct northbound *nb, const struct commit_result *result,
                  int timeout_ms, fabric_wait_cb *cb, void *aux)
{
    const struct model_request *request = result->request;
    uint64_t *revisions = xcalloc(request->n_ops + 1, sizeof *revisions);
    const char **ports = xcalloc(request->n_ops + 1, sizeof *ports);
    const struct fabric_wait_for what = {
        get_revisions(nb, result, revisions), revisions,
        get_ports(request, ports), ports,
    };
    struct fabric_wait *wait = fabric_wait(nb->fabric, &what, timeout_ms, cb,
                                           aux);

    free(revisions);
    free(ports);
    return wait;
}

void
nb_sets_init(struct northbound *nb)
{
    shash_init(&nb->sets);
}

void
nb_sets_uninit(struct northbound *nb)
{
    shash_destroy_free_data(&nb->sets);
}
