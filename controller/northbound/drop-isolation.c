/* SPDX-License-Identifier: Apache-2.0
 *
 * See drop-isolation.h.  A flow that isolates is of a routing domain and a
 * direction, which its owner names ("firewall.isolated/DOMAIN|ingress"), and
 * its counter is of all ports there. */

#include <config.h>

#include "controller/northbound/drop-isolation.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/northbound/northbound-private.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-rule.h"
#include "controller/simulator/isolation.h"
#include "sset.h"
#include "util.h"

/* With more ports than these the policies and quarantines of counters are not
 * searched for. */
#define PORTS_MAX 20000
/* At most so many quarantines are named. */
#define HELD_BY_MAX 100

void
drop_isolation_init(struct drop_isolation *d, const struct northbound *nb,
                    struct arena *arena)
{
    *d = (struct drop_isolation) { .nb = nb, .arena = arena };
    shash_init(&d->domains);
    shash_init(&d->found);
    shash_init(&d->held);
}

/* Frees a map of struct ssets. */
static void
uninit_sets(struct shash *sets)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, sets) {
        sset_destroy(node->data);
        free(node->data);
    }
    shash_destroy(sets);
}

/* Returns the set at 'key', which is added if there is none. */
static struct sset *
get_set(struct shash *sets, const char *key)
{
    struct sset *set = shash_find_data(sets, key);

    if (!set) {
        set = xmalloc(sizeof *set);
        sset_init(set);
        shash_add(sets, key, set);
    }
    return set;
}

void
drop_isolation_uninit(struct drop_isolation *d)
{
    uninit_sets(&d->found);
    uninit_sets(&d->held);
    shash_destroy_free_data(&d->domains);
}

int
drop_isolation_direction(const char *reason, const char *owner,
                         const char **key)
{
    const char *slash = owner ? strchr(owner, '/') : NULL;
    const char *bar = slash ? strrchr(slash, '|') : NULL;

    if (bar && !strcmp(reason, "isolated")) {
        *key = slash + 1;
        for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
            if (!strcmp(bar + 1, schema_direction_names[i])) {
                return i;
            }
        }
    }
    return -1;
}

static void
fill(struct drop_isolation *d, const struct sset *policies, int direction,
     struct nb_isolation *isolation)
{
    const char **names = sset_sort(policies);

    isolation->direction = schema_direction_names[direction];
    isolation->n_by = sset_count(policies);
    isolation->by = arena_alloc(d->arena, MAX(isolation->n_by, 1)
                                          * sizeof *isolation->by);
    for (size_t i = 0; i < isolation->n_by; i++) {
        isolation->by[i] = arena_strdup(d->arena, names[i]);
    }
    free(names);
}

/* Returns the routing domain of the network. */
static const char *
get_domain(struct drop_isolation *d, const char *network)
{
    struct shash_node *node = shash_find(&d->domains, network);

    return (node ? node
            : shash_add(&d->domains, network,
                        engine_domain_of(d->nb->engine, network)))->data;
}

/* Adds the policies that isolate the port to those of its domain. */
static void
add_port(struct drop_isolation *d, const struct vmn_port *port)
{
    const char *domain = get_domain(d, port->network);

    for (int i = 0; domain && i < VMN_N_DIRECTIONS; i++) {
        char *key = xasprintf("%s|%s", domain, schema_direction_names[i]);

        isolation_of_port(d->nb->engine, d->nb->model, port->row.name, i,
                          get_set(&d->found, key));
        free(key);
    }
}

static void
read_ports(struct drop_isolation *d)
{
    struct vmn_names names = model_names(d->nb->model, VMN_TABLE_PORT);

    d->read = true;
    for (size_t i = 0; i < names.n && names.n <= PORTS_MAX; i++) {
        const struct vmn_port *port = model_get(d->nb->model, VMN_TABLE_PORT,
                                                names.names[i]);

        if (port) {
            add_port(d, port);
        }
    }
}

/* Quarantine.  ----------------------------------------------------------- */

/* Returns the routing domain whose quarantined ports the flow of 'owner' drops
 * packets of, or NULL: that is not why. */
static const char *
parse_held(const char *reason, const char *owner)
{
    const char *slash = owner ? strchr(owner, '/') : NULL;

    return slash && !strcmp(reason, "quarantined") ? slash + 1 : NULL;
}

bool
drop_isolation_concerns(const char *reason, const char *owner)
{
    const char *key;

    return (drop_isolation_direction(reason, owner, &key) >= 0
            || parse_held(reason, owner));
}

static void
read_held(struct drop_isolation *d)
{
    struct vmn_names names = model_names(d->nb->model, VMN_TABLE_PORT);

    d->read_held = true;
    for (size_t i = 0; i < names.n && names.n <= PORTS_MAX; i++) {
        const struct vmn_port *port = model_get(d->nb->model, VMN_TABLE_PORT,
                                                names.names[i]);
        const char *domain = port ? get_domain(d, port->network) : NULL;

        if (domain) {
            quarantine_of_port(d->nb->engine, d->nb->model, port->row.name,
                               get_set(&d->held, domain));
        }
    }
}

static void
fill_held(struct drop_isolation *d, const struct sset *by,
          struct nb_isolation *isolation)
{
    const char **names = sset_sort(by);

    isolation->n_held_by = MIN(sset_count(by), HELD_BY_MAX);
    isolation->held_by = (isolation->n_held_by
                          ? arena_alloc(d->arena, isolation->n_held_by
                                                  * sizeof *names) : NULL);
    for (size_t i = 0; i < isolation->n_held_by; i++) {
        isolation->held_by[i] = arena_strdup(d->arena, names[i]);
    }
    free(names);
}

/* Counters and samples.  ------------------------------------------------- */

void
drop_isolation_of_counter(struct drop_isolation *d, const char *reason,
                          const char *owner, struct nb_isolation *isolation)
{
    const struct sset *policies;
    const char *key;
    int direction = drop_isolation_direction(reason, owner, &key);

    if (direction >= 0) {
        if (!d->read) {
            read_ports(d);
        }
        isolation->direction = schema_direction_names[direction];
        policies = shash_find_data(&d->found, key);
        if (policies) {
            fill(d, policies, direction, isolation);
        }
    } else if ((key = parse_held(reason, owner))) {
        const struct sset *by;

        if (!d->read_held) {
            read_held(d);
        }
        by = shash_find_data(&d->held, key);
        if (by) {
            fill_held(d, by, isolation);
        }
    }
}

/* Sets the object of 'owner' to "TYPE/NAME", or to a policy if 'by' has no
 * type. */
static void
set_object(struct drop_isolation *d, const char *by,
           struct nb_flow_owner *owner)
{
    const char *slash = strchr(by, '/');

    owner->object = arena_alloc(d->arena, sizeof *owner->object);
    owner->object->type = (slash ? arena_printf(d->arena, "%.*s",
                                                (int) (slash - by), by)
                           : "policies");
    owner->object->name = arena_strdup(d->arena, slash ? slash + 1 : by);
}

void
drop_isolation_name_object(struct drop_isolation *d,
                           const struct nb_isolation *isolation,
                           struct nb_flow_owner *owner)
{
    size_t n = isolation->direction ? isolation->n_by : isolation->n_held_by;

    if (isolation->direction || n) {
        owner->object = NULL;
    }
    if (n == 1) {
        set_object(d, isolation->direction ? isolation->by[0]
                   : isolation->held_by[0], owner);
    }
}

void
drop_isolation_of_sample(struct drop_isolation *d, struct nb_sample *sample)
{
    struct sset policies = SSET_INITIALIZER(&policies);
    const char *key, *port;
    int direction = drop_isolation_direction(sample->reason,
                                             sample->owner.owner, &key);

    if (direction >= 0) {
        port = (direction == VMN_EGRESS ? sample->src.port
                : sample->dst.port);
        if (port) {
            isolation_of_port(d->nb->engine, d->nb->model, port, direction,
                              &policies);
        }
        fill(d, &policies, direction, &sample->isolation);
    } else if (parse_held(sample->reason, sample->owner.owner)) {
        if (sample->src.port) {
            quarantine_of_port(d->nb->engine, d->nb->model, sample->src.port,
                               &policies);
        }
        if (sample->dst.port) {
            quarantine_of_port(d->nb->engine, d->nb->model, sample->dst.port,
                               &policies);
        }
        fill_held(d, &policies, &sample->isolation);
    }
    drop_isolation_name_object(d, &sample->isolation, &sample->owner);
    sset_destroy(&policies);
}
