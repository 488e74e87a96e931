/* SPDX-License-Identifier: Apache-2.0
 *
 * A trace as an account with a scope is told of it; see trace-scope.h.
 *
 * A place (host, stage, table) would tell where others' ports are, also by
 * being that of the account's own port.  So it is shown only of ports that
 * the account sees, and where what decides is its own. */

#include <config.h>

#include "controller/simulator/trace-scope.h"

#include <math.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/schema.h"
#include "controller/simulator/trace-endpoints.h"
#include "controller/simulator/trace.h"
#include "util.h"

struct restriction {
    const struct model *model;
    const struct model_rights *rights;
    const struct trace_endpoints *who;
    bool sees_choices;          /* 'to' is a balancer that the account sees. */
    struct arena *arena;
};

/* Returns the row of a policy and so on that decided, or NULL. */
static const struct vmn_row *
find_object(const struct restriction *r, const struct status_object *object)
{
    for (int i = 0; object && i < VMN_N_TABLES; i++) {
        if (!strcmp(schema_tables[i]->plural, object->type)) {
            return model_get(r->model, i, object->name);
        }
    }
    return NULL;
}

/* Returns true if the account has the object in its scope, and it decides
 * about ports in the scope alone. */
static bool
decides_for_own(const struct restriction *r, const struct vmn_row *row)
{
    return (row && model_in_scope(r->rights, row)
            && (row->table == VMN_TABLE_PORT || row->table == VMN_TABLE_POLICY
                || row->table == VMN_TABLE_QUARANTINE));
}

/* Replaces the policies that the account does not see by one entry.  Returns
 * true if there is one of its own. */
static bool
restrict_isolation(const struct restriction *r, struct result_owner *by)
{
    const char **names = arena_alloc(r->arena, MAX(by->n_isolated_by, 1)
                                               * sizeof *names);
    bool own = false, hidden = false;
    size_t n = 0;

    for (size_t i = 0; i < by->n_isolated_by; i++) {
        const struct vmn_row *row = model_get(r->model, VMN_TABLE_POLICY,
                                              by->isolated_by[i]);

        if (row && model_sees(r->rights, row)) {
            names[n++] = by->isolated_by[i];
            own = own || model_in_scope(r->rights, row);
        } else {
            hidden = true;
        }
    }
    if (hidden) {
        names[n++] = MODEL_OUT_OF_SCOPE;
    }
    by->isolated_by = n ? names : NULL;
    by->n_isolated_by = n;
    return own;
}

/* Leaves out what the account does not see of what quarantines the ports. */
static void
restrict_quarantine(const struct restriction *r, struct result_owner *by)
{
    const char **names = arena_alloc(r->arena, MAX(by->n_quarantined_by, 1)
                                               * sizeof *names);
    size_t n = 0;

    for (size_t i = 0; i < by->n_quarantined_by; i++) {
        const char *name = strchr(by->quarantined_by[i], '/') + 1;
        bool is_port = !strncmp(by->quarantined_by[i], "ports/", 6);
        const struct vmn_row *row = model_get(
            r->model, is_port ? VMN_TABLE_PORT : VMN_TABLE_QUARANTINE, name);

        if (row && model_sees(r->rights, row)) {
            names[n++] = by->quarantined_by[i];
        }
    }
    by->quarantined_by = n ? names : NULL;
    by->n_quarantined_by = n;
}

/* Restricts who decided.  Returns true if that is the account's own. */
static bool
restrict_owner(const struct restriction *r, struct result_owner *by)
{
    const struct vmn_row *row = find_object(r, by->object);
    /* All see hosts, but not who is where. */
    bool sees = (row && row->table != VMN_TABLE_HOST
                 && model_sees(r->rights, row));
    /* What quarantines one end is no reason to tell where the other is. */
    bool quarantined = by->n_quarantined_by;

    if (by->object && !sees) {
        by->owner = MODEL_OUT_OF_SCOPE;
        by->object = NULL;
        by->rule = -1;
    } else if (by->owner && by->owner != schema_absent) {
        /* What follows is made of names, not only of the object's. */
        by->owner = arena_printf(r->arena, "%.*s",
                                 (int) strcspn(by->owner, "/"), by->owner);
    }
    restrict_quarantine(r, by);
    return (restrict_isolation(r, by)
            || (sees && !quarantined && decides_for_own(r, row)));
}

/* Returns true if 'host' is one that the account knows to be that of an
 * end. */
static bool
knows_host(const struct restriction *r, const char *host)
{
    const struct endpoint *to = &r->who->to;

    return ((r->who->from.port && !strcmp(host, r->who->from.host))
            || (to->port && to->host && !strcmp(host, to->host)));
}

/* Restricts who gets a packet.  Returns true if the account sees that port. */
static bool
restrict_port(const struct restriction *r, struct trace_end *end)
{
    const struct vmn_row *row = (end->port
                                 ? model_get(r->model, VMN_TABLE_PORT,
                                             end->port) : NULL);

    if (row && model_sees(r->rights, row)) {
        return true;
    }
    if (end->port && end->port[0] != '@') {
        end->port = MODEL_OUT_OF_SCOPE;
    }
    end->ofport = -1;
    return false;
}

/* Restricts an end.  Returns true if its place is shown. */
static bool
restrict_end(const struct restriction *r, struct trace_end *end)
{
    bool own = restrict_owner(r, &end->by);
    bool shown = (!strcmp(end->kind, "delivered") ? restrict_port(r, end)
                  : (own || (r->who->to.port && r->who->from.port))
                    && end->host && knows_host(r, end->host));

    if (!strcmp(end->kind, "unreachable")) {
        end->reason = "a port, a host or a path on the way is down";
    }
    if (!shown) {
        end->host = NULL;
        end->stage = NULL;
        end->table = -1;
    }
    return shown;
}

/* Restricts an answer, which may say anything: what it carries is shown if one
 * of the account's own ports gets it, and that an app has failed without the
 * app's words. */
static void
restrict_answer(const struct restriction *r, struct trace_answer *answer)
{
    static const char failed[] = "nothing: the app failed";

    if (answer->message
        && !strncmp(answer->message, failed, strlen(failed))) {
        answer->message = failed;
    }
    if (!restrict_end(r, answer->at)
        || strcmp(answer->at->kind, "delivered")) {
        answer->payload = answer->payload_hex = NULL;
    }
}

/* Restricts whence a packet from outside comes: not by which host, which is
 * that of others' gateways, nor by which network if the account does not see
 * that. */
static void
restrict_outside(const struct restriction *r, struct trace *trace)
{
    const struct vmn_network *network = r->who->from.outside;

    if (network) {
        trace->from.host = NULL;
        if (!model_sees(r->rights, &network->row)) {
            trace->from.network = MODEL_OUT_OF_SCOPE;
        }
    }
}

static bool
same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool
same_list(size_t n_a, const char **a, size_t n_b, const char **b)
{
    bool same = n_a == n_b;

    for (size_t i = 0; same && i < n_a; i++) {
        same = !strcmp(a[i], b[i]);
    }
    return same;
}

static bool
same_owner(const struct result_owner *a, const struct result_owner *b)
{
    if (!same_text(a->owner, b->owner) || a->rule != b->rule
        || !a->object != !b->object || !same_text(a->direction, b->direction)
        || !same_list(a->n_isolated_by, a->isolated_by,
                      b->n_isolated_by, b->isolated_by)
        || !same_list(a->n_quarantined_by, a->quarantined_by,
                      b->n_quarantined_by, b->quarantined_by)) {
        return false;
    }
    return !a->object || (!strcmp(a->object->type, b->object->type)
                          && !strcmp(a->object->name, b->object->name));
}

/* Returns true if nothing that is shown of the outcomes differs, but for their
 * shares. */
static bool
same_outcome(const struct trace_outcome *a, const struct trace_outcome *b)
{
    return (!strcmp(a->verdict, b->verdict) && !strcmp(a->packet, b->packet)
            && !strcmp(a->at.kind, b->at.kind)
            && same_text(a->at.port, b->at.port)
            && same_text(a->at.host, b->at.host)
            && same_text(a->at.reason, b->at.reason)
            && same_owner(&a->at.by, &b->at.by)
            && !a->answer == !b->answer
            && (!a->answer
                || (!strcmp(a->answer->message, b->answer->message)
                    && same_text(a->answer->payload, b->answer->payload)
                    && same_text(a->answer->payload_hex,
                                 b->answer->payload_hex)
                    && same_text(a->answer->verdict, b->answer->verdict))));
}

/* Unites outcomes that are told in the same words, and leaves out whatever
 * tells how many there were. */
static void
unite_outcomes(struct trace *trace)
{
    size_t n = 0;

    for (size_t i = 0; i < trace->n_outcomes; i++) {
        size_t j = 0;

        while (j < n && !same_outcome(&trace->outcomes[i],
                                      &trace->outcomes[j])) {
            j++;
        }
        if (j == n) {
            trace->outcomes[n++] = trace->outcomes[i];
        }
    }
    trace->n_outcomes = n;
    for (size_t i = 0; i < n; i++) {
        trace->outcomes[i].share = n > 1 ? (double) NAN : 1;
    }
    trace->complete = true;
}

void
trace_restrict(struct trace *trace, const struct model *model,
               const struct trace_request *request,
               const struct trace_endpoints *who, struct arena *arena)
{
    const struct vmn_row *balancer = model_get(model, VMN_TABLE_LOADBALANCER,
                                               request->to);
    struct restriction r = {
        .model = model, .rights = request->rights, .who = who,
        .sees_choices = (!who->to.port && balancer
                         && model_sees(request->rights, balancer)),
        .arena = arena,
    };

    if (!request->rights || !request->rights->scope.text) {
        return;
    }
    restrict_outside(&r, trace);
    for (size_t i = 0; i < trace->n_outcomes; i++) {
        struct trace_outcome *outcome = &trace->outcomes[i];

        outcome->legs = NULL;
        outcome->n_legs = 0;
        restrict_end(&r, &outcome->at);
        if (outcome->answer && outcome->answer->at) {
            restrict_answer(&r, outcome->answer);
        }
    }
    if (!r.sees_choices) {
        unite_outcomes(trace);
    }
}
