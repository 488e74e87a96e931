/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of the names in DNS that the rules of a policy have, for its
 * status.  Not for the rest of that (object-status.c), nor for asking
 * (controller/fqdn). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fqdn/fqdns.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "sset.h"
#include "util.h"

/* To an account with a scope only whether addresses are known: the servers are
 * the operator's, and may tell vmnd what they do not tell its guests. */
static void
fill_scoped_name(const struct vmn_fqdn *row, struct status_fqdn *status)
{
    status->state = row && row->n_ips ? "resolved" : "pending";
}

static void
fill_name(const struct nb_status_query *q, const char *text,
          struct status_fqdn *status)
{
    const struct vmn_fqdn *row = model_get_durable(
        q->nb->model, VMN_TABLE_FQDN, text, NULL);
    struct fqdns_name known;

    status->name = arena_strdup(q->arena, text);
    if (q->rights && q->rights->scope.text) {
        fill_scoped_name(row, status);
        return;
    }
    status->state = row ? value_fqdn_states[row->state] : "pending";
    status->n_ips = row ? row->n_ips : 0;
    if (status->n_ips) {
        struct vmn_ip *ips = arena_alloc(q->arena,
                                         row->n_ips * sizeof *ips);

        memcpy(ips, row->ips, row->n_ips * sizeof *ips);
        status->ips = ips;
    }
    status->n_names = row ? row->n_names : 0;
    if (status->n_names) {
        status->names = arena_alloc(q->arena, (status->n_names
                                               * sizeof *status->names));
    }
    for (size_t i = 0; i < status->n_names; i++) {
        status->names[i] = arena_strdup(q->arena, row->names[i]);
    }
    if (q->nb->fqdns && fqdns_get(q->nb->fqdns, text, &known)) {
        status->answered = known.answered_ms;
        status->reason = known.why ? arena_strdup(q->arena, known.why) : NULL;
    }
}

void
nb_fill_fqdns(const struct nb_status_query *q, const struct vmn_policy *policy,
              struct status_policy *status)
{
    struct sset names = SSET_INITIALIZER(&names);
    const char **sorted;

    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(policy, i);

        for (size_t j = 0; j < rule->n_peers; j++) {
            if (vmn_peer_at(rule, j)->fqdn) {
                sset_add(&names, vmn_peer_at(rule, j)->fqdn);
            }
        }
    }
    sorted = sset_sort(&names);
    status->n_fqdns = sset_count(&names);
    status->fqdns = arena_alloc(q->arena,
                                status->n_fqdns * sizeof *status->fqdns);
    for (size_t i = 0; i < status->n_fqdns; i++) {
        status->fqdns[i] = (struct status_fqdn) { .name = NULL };
        fill_name(q, sorted[i], &status->fqdns[i]);
    }
    free(sorted);
    sset_destroy(&names);
}
