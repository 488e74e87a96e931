/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets, as accounts with a scope are told of them; see packet-scope.h.
 *
 * A name is one object's only while it is there: what was dropped before an
 * object was created is of another that had the name. */

#include <config.h>

#include "controller/northbound/packet-scope.h"

#include <string.h>

#include "controller/northbound/northbound-private.h"
#include "util.h"

/* Ids are times, so that they tell nothing else; so many are in each
 * millisecond, which is more than are kept in all. */
#define IDS_PER_MS 2048
BUILD_ASSERT_DECL(IDS_PER_MS > FABRIC_SAMPLES_MAX);

/* Times of counters are known to the second. */
#define COUNTER_TIME_MS 1000

bool
packet_scope_applies(const struct model_rights *rights)
{
    return rights && rights->scope.text;
}

void
packet_scope_init(struct packet_scope *scope, const struct northbound *nb,
                  const struct model_rights *rights)
{
    *scope = (struct packet_scope) { .nb = nb, .rights = rights };
    shash_init(&scope->balanced);
}

void
packet_scope_uninit(struct packet_scope *scope)
{
    shash_destroy(&scope->balanced);
}

/* Objects.  -------------------------------------------------------------- */

/* Returns the object if it was there at 'time_ms', or NULL. */
static const struct vmn_row *
find_row(const struct northbound *nb, enum vmn_table table, const char *name,
         int64_t time_ms)
{
    const struct vmn_row *row;
    struct model_meta meta;

    row = *name ? model_get_durable(nb->model, table, name, &meta) : NULL;
    return row && meta.created_ms <= time_ms ? row : NULL;
}

static bool
owns(const struct packet_scope *scope, const struct vmn_row *row)
{
    return row && model_in_scope(scope->rights, row);
}

static bool
sees(const struct packet_scope *scope, const struct vmn_row *row)
{
    return row && model_sees(scope->rights, row);
}

static const struct vmn_row *
find_object(const struct northbound *nb, const char *type, const char *name,
            int64_t time_ms)
{
    for (int i = 0; type && i < VMN_N_TABLES; i++) {
        if (!strcmp(schema_tables[i]->plural, type)) {
            return find_row(nb, i, name, time_ms);
        }
    }
    return NULL;
}

/* Balancers.  ------------------------------------------------------------ */

static bool
has_backend(const struct vmn_loadbalancer *lb, const struct vmn_port *port)
{
    for (size_t i = 0; i < lb->n_backends; i++) {
        if (!strcmp(vmn_backend_at(lb, i)->port, port->row.name)) {
            return true;
        }
    }
    return lb->selector.text && vmn_selector_matches(&lb->selector,
                                                     &port->labels);
}

/* Returns true if the port is a backend of a balancer that the account does
 * not see: then its address is none that the account has sent to, or has got
 * an answer from. */
static bool
is_balanced(struct packet_scope *scope, const char *name)
{
    const struct model *model = scope->nb->model;
    const struct shash_node *known = shash_find(&scope->balanced, name);
    const struct vmn_loadbalancer *lb = NULL;
    const struct vmn_port *port;
    bool found = false;

    if (known) {
        return known->data != NULL;
    }
    port = model_get_durable(model, VMN_TABLE_PORT, name, NULL);
    while (port && !found
           && (lb = model_next_durable(model, VMN_TABLE_LOADBALANCER,
                                       lb ? lb->row.name : "", NULL))) {
        found = !model_sees(scope->rights, &lb->row) && has_backend(lb, port);
    }
    /* One that is no more may have been. */
    found = found || !port;
    shash_add(&scope->balanced, name, found ? scope : NULL);
    return found;
}

/* Samples.  -------------------------------------------------------------- */

static void
hide(char name[VMN_NAME_LEN + 1])
{
    ovs_strlcpy(name, MODEL_OUT_OF_SCOPE, VMN_NAME_LEN + 1);
}

/* Hides the port 'name' if there is one that the account does not see, and its
 * MAC address, which may follow from its name.  Returns true if so. */
static bool
restrict_end(struct packet_scope *scope, int64_t time_ms, char *name,
             struct eth_addr *mac, bool *no_address)
{
    if (!*name || sees(scope, find_row(scope->nb, VMN_TABLE_PORT, name,
                                       time_ms))) {
        return false;
    }
    *no_address = is_balanced(scope, name);
    memset(mac, 0, sizeof *mac);
    hide(name);
    return true;
}

/* Returns true if the port is there, is seen and is on the host. */
static bool
is_on(const struct packet_scope *scope, const char *port, const char *host)
{
    const struct vmn_binding *binding
        = *port ? model_get_durable(scope->nb->model, VMN_TABLE_BINDING, port,
                                    NULL) : NULL;

    return binding && binding->host && !strcmp(binding->host, host);
}

static void
restrict_owner(const struct packet_scope *scope, struct fabric_sample *s)
{
    const struct vmn_row *row = find_object(scope->nb, s->type, s->name,
                                            s->time_ms);

    if (s->type && (!sees(scope, row) || row->table == VMN_TABLE_HOST)) {
        ovs_strlcpy(s->owner, MODEL_OUT_OF_SCOPE, sizeof s->owner);
        s->type = NULL;
        s->name[0] = '\0';
        s->rule = -1;
    } else {
        s->owner[strcspn(s->owner, "/")] = '\0';
    }
}

/* Returns true if the flow that dropped the packet is of a routing domain, and
 * so no object of it is why: what isolates or quarantines may be others'. */
static bool
is_of_domain(const struct fabric_sample *s)
{
    return (s->reason && (!strcmp(s->reason, "isolated")
                          || !strcmp(s->reason, "quarantined")));
}

static bool
is_for(const struct packet_scope *scope, enum fabric_sample_kind kind,
       const struct fabric_sample *s)
{
    const struct northbound *nb = scope->nb;

    if (!owns(scope, find_row(nb, VMN_TABLE_PORT, s->src_port, s->time_ms))
        && !owns(scope, find_row(nb, VMN_TABLE_PORT, s->dst_port,
                                 s->time_ms))) {
        return false;
    }
    return (kind != FABRIC_SAMPLE_LOG
            || owns(scope, find_object(nb, s->type, s->name, s->time_ms)));
}

bool
packet_scope_restrict(struct packet_scope *scope,
                      enum fabric_sample_kind kind, struct fabric_sample *s,
                      bool *no_src, bool *no_dst)
{
    bool hidden;

    *no_src = *no_dst = false;
    if (!is_for(scope, kind, s)) {
        return false;
    }
    s->id = MAX(scope->newest + 1, (uint64_t) s->time_ms * IDS_PER_MS);
    scope->newest = s->id;
    hidden = restrict_end(scope, s->time_ms, s->src_port, &s->eth_src,
                          no_src);
    hidden = restrict_end(scope, s->time_ms, s->dst_port, &s->eth_dst,
                          no_dst) || hidden;
    s->announces &= !*no_src;
    /* Where it was dropped may be where the other end is. */
    if (hidden || (!is_on(scope, s->src_port, s->host)
                   && !is_on(scope, s->dst_port, s->host))) {
        hide(s->host);
    }
    if (s->network[0]
        && !sees(scope, find_row(scope->nb, VMN_TABLE_NETWORK, s->network,
                                 s->time_ms))) {
        hide(s->network);
    }
    restrict_owner(scope, s);
    if (kind == FABRIC_SAMPLE_DROP) {
        s->n_suppressed = 0;    /* Others' packets count, too. */
        if (is_of_domain(s)) {
            s->type = NULL;
            s->name[0] = '\0';
        }
    }
    return true;
}

/* Counters.  ------------------------------------------------------------- */

bool
packet_scope_sees_counter(const struct northbound *nb,
                          const struct model_rights *rights,
                          const struct engine_flow_owner *about,
                          int64_t last_ms)
{
    const struct vmn_row *row = find_object(nb, about->type, about->name,
                                            last_ms + COUNTER_TIME_MS);

    return (row && model_in_scope(rights, row)
            && (row->table == VMN_TABLE_PORT
                || row->table == VMN_TABLE_POLICY));
}
