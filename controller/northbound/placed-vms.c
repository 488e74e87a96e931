/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads hosts, ports and pairs of ports; see placed-vms.h. */

#include <config.h>

#include "controller/northbound/placed-vms.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "controller/fabric/fabric-status.h"
#include "controller/northbound/northbound-private.h"
#include "controller/schema/selector.h"
#include "controller/schema/status.h"
#include "proto/loop/loop.h"
#include "util.h"

/* Ports between two looks at the clock. */
#define PORTS_PER_LOOK 16
/* VMs of more sets stay: each move of one is checked against all of its
 * sets. */
#define SETS_MAX 64

/* A port that may be an end of a pair. */
struct placed_port {
    size_t vm;                  /* SIZE_MAX: its parent's. */
    const char *parent;         /* Or NULL. */
    int64_t created_ms;
};

void
placed_vms_init(struct placed_vms *p, const struct northbound *nb,
                const struct model_rights *rights)
{
    p->nb = nb;
    p->rights = rights;
    arena_init(&p->arena);
    shash_init(&p->host_index);
    shash_init(&p->members);
    shash_init(&p->named);
    shash_init(&p->sets);
    p->after = "";
}

void
placed_vms_uninit(struct placed_vms *p)
{
    for (size_t i = 0; i < p->n_vms; i++) {
        free(p->vms[i].ports);
        free(p->vms[i].apart);
    }
    free(p->vms);
    free(p->advice_vms);
    free(p->pairs);
    shash_destroy(&p->host_index);
    shash_destroy_free_data(&p->members);
    shash_destroy(&p->named);
    shash_destroy(&p->sets);
    arena_uninit(&p->arena);
}

/* Returns the number that is kept as 'name', or SIZE_MAX. */
static size_t
find_number(const struct shash *numbers, const char *name)
{
    uintptr_t number = (uintptr_t) shash_find_data(numbers, name);

    return number ? number - 1 : SIZE_MAX;
}

static void
put_number(struct shash *numbers, const char *name, size_t number)
{
    shash_add(numbers, name, (void *) (uintptr_t) (number + 1));
}

/* Hosts.  ---------------------------------------------------------------- */

/* Nothing goes to a host that is not known to be well. */
static bool
is_well(const struct placed_vms *p, const struct vmn_host *row)
{
    struct status_lag lag;
    const char *state;

    return (!row->maintenance && !row->lost
            && fabric_host_state(p->nb->fabric, row->row.name, &state, &lag)
            && (!strcmp(state, "synced") || !strcmp(state, "reconciling")));
}

static void
read_host(struct placed_vms *p, const struct vmn_host *row)
{
    struct placed_host *host = &p->hosts[p->n_hosts];

    host->name = arena_strdup(&p->arena, row->row.name);
    if (row->port_selector.text
        && !selector_parse(row->port_selector.text,
                           strlen(row->port_selector.text), &p->arena,
                           &host->port_selector, NULL)) {
        p->any_selector = true;
    }
    host->physical = arena_alloc(&p->arena, row->n_provider_bridges
                                 * sizeof *host->physical);
    for (size_t i = 0; i < row->n_provider_bridges; i++) {
        host->physical[host->n_physical++] = arena_strdup(
            &p->arena, row->provider_bridges[i].physical);
    }
    put_number(&p->host_index, host->name, p->n_hosts++);
}

void
placed_vms_read_hosts(struct placed_vms *p,
                      bool (*judge)(void *aux, const struct vmn_host *),
                      void *aux)
{
    size_t max = model_names(p->nb->model, VMN_TABLE_HOST).n;
    const struct vmn_host *row;
    const char *after = "";
    size_t at = 0;

    p->hosts = arena_alloc(&p->arena, max * sizeof *p->hosts);
    p->advice_hosts = arena_alloc(&p->arena, max * sizeof *p->advice_hosts);
    while (p->n_hosts < max
           && (row = model_walk_durable(p->nb->model, VMN_TABLE_HOST, after,
                                        &at, NULL))) {
        after = row->row.name;
        p->advice_hosts[p->n_hosts].target = judge(aux, row)
                                             && is_well(p, row);
        read_host(p, row);
    }
}

/* Where ports may be.  --------------------------------------------------- */

static bool
lists(const struct vmn_port *port, const char *host)
{
    for (size_t i = 0; i < port->n_hosts; i++) {
        if (!strcmp(port->hosts[i], host)) {
            return true;
        }
    }
    return !port->n_hosts;
}

static bool
has_physical(const struct placed_host *host, const char *physical)
{
    for (size_t i = 0; i < host->n_physical; i++) {
        if (!strcmp(host->physical[i], physical)) {
            return true;
        }
    }
    return false;
}

/* Returns the hosts where VM 'vm' may be: a bitmap, of all if there was
 * none. */
static unsigned long *
hosts_of(struct placed_vms *p, size_t vm)
{
    unsigned long *hosts = CONST_CAST(unsigned long *,
                                      p->advice_vms[vm].hosts);

    if (!hosts) {
        hosts = arena_alloc(&p->arena, bitmap_n_bytes(p->n_hosts));
        bitmap_set_multiple(hosts, 0, p->n_hosts, true);
        p->advice_vms[vm].hosts = hosts;
    }
    return hosts;
}

/* Leaves of the VM's hosts those where the port may be bound. */
static void
restrict_hosts(struct placed_vms *p, size_t vm, const struct vmn_port *port)
{
    const struct vmn_network *network = model_get_durable(
        p->nb->model, VMN_TABLE_NETWORK, port->network, NULL);
    const char *physical = network ? network->provider.physical : NULL;
    unsigned long *hosts;

    if (!port->n_hosts && !physical && !p->any_selector) {
        return;                 /* As of most. */
    }
    hosts = hosts_of(p, vm);
    for (size_t i = 0; i < p->n_hosts; i++) {
        const struct placed_host *host = &p->hosts[i];

        if (!lists(port, host->name)
            || (physical && !has_physical(host, physical))
            || (host->port_selector.text
                && !vmn_selector_matches(&host->port_selector,
                                         &port->labels))) {
            bitmap_set0(hosts, i);
        }
    }
}

/* Ports.  ---------------------------------------------------------------- */

static size_t
add_vm(struct placed_vms *p, size_t host)
{
    size_t i = p->n_vms;

    if (i >= p->allocated_vms) {
        p->vms = x2nrealloc(p->vms, &p->allocated_vms, sizeof *p->vms);
    }
    if (i >= p->allocated_advice_vms) {
        p->advice_vms = x2nrealloc(p->advice_vms, &p->allocated_advice_vms,
                                   sizeof *p->advice_vms);
    }
    p->vms[i] = (struct placed_vm) { .n_ports = 0 };
    p->advice_vms[i] = (struct advice_vm) { .host = host };
    p->hosts[host].n_vms++;
    return p->n_vms++;
}

/* Returns the VM of a port that is on 'host'. */
static size_t
vm_of(struct placed_vms *p, const struct vmn_port *port, size_t host)
{
    const char *value = p->together ? vmn_labels_get(&port->labels,
                                                     p->together) : NULL;
    size_t vm;
    char *name;

    if (!value) {
        return add_vm(p, host);
    }
    name = xasprintf("%s/%"PRIuSIZE, value, host);
    vm = find_number(&p->named, name);
    if (vm == SIZE_MAX) {
        vm = add_vm(p, host);
        put_number(&p->named, name, vm);
    }
    free(name);
    return vm;
}

static int
compare_sizes(const void *a_, const void *b_)
{
    const size_t *a = a_, *b = b_;

    return (*a > *b) - (*a < *b);
}

static void
add_to_set(struct placed_vms *p, struct placed_vm *vm, const char *key,
           const char *value)
{
    char *name = xasprintf("%s=%s", key, value);
    size_t set = find_number(&p->sets, name);

    if (set == SIZE_MAX) {
        set = shash_count(&p->sets);
        put_number(&p->sets, name, set);
    }
    free(name);
    if (vm->n_apart >= vm->allocated_apart) {
        vm->apart = x2nrealloc(vm->apart, &vm->allocated_apart,
                               sizeof *vm->apart);
    }
    vm->apart[vm->n_apart++] = set;
}

/* Has the VM be in each set once, in order. */
static void
finish_sets(struct placed_vm *vm)
{
    size_t n = 0;

    if (vm->n_apart < 2) {
        return;
    }
    qsort(vm->apart, vm->n_apart, sizeof *vm->apart, compare_sizes);
    for (size_t i = 1; i < vm->n_apart; i++) {
        if (vm->apart[i] != vm->apart[n]) {
            vm->apart[++n] = vm->apart[i];
        }
    }
    vm->n_apart = n + 1;
}

/* Adds a port to its VM. */
static void
add_port(struct placed_vms *p, size_t i, const struct vmn_port *port,
         const struct vmn_binding *binding)
{
    struct placed_vm *vm = &p->vms[i];

    if (vm->n_ports >= vm->allocated_ports) {
        vm->ports = x2nrealloc(vm->ports, &vm->allocated_ports,
                               sizeof *vm->ports);
    }
    vm->ports[vm->n_ports++] = arena_strdup(&p->arena, port->row.name);
    for (size_t k = 0; k < p->n_keys; k++) {
        const char *value = vmn_labels_get(&port->labels, p->keys[k]);

        if (value) {
            add_to_set(p, vm, p->keys[k], value);
        }
    }
    vm->other |= p->selector && !vmn_selector_matches(p->selector,
                                                      &port->labels);
    vm->pinned |= port->host && !p->move_pinned;
    vm->migrating |= port->migration.to || binding->candidate;
    restrict_hosts(p, i, port);
}

static void
read_port(struct placed_vms *p, const struct vmn_port *port,
          const struct model_meta *meta)
{
    const struct vmn_binding *binding = model_get_durable(
        p->nb->model, VMN_TABLE_BINDING, port->row.name, NULL);
    size_t host = binding && binding->host
                  ? find_number(&p->host_index, binding->host) : SIZE_MAX;
    struct placed_port *member;
    size_t vm = SIZE_MAX;

    if ((p->rights && !model_in_scope(p->rights, &port->row))
        || (!port->parent && host == SIZE_MAX)) {
        return;
    }
    if (!port->parent) {
        vm = vm_of(p, port, host);
        add_port(p, vm, port, binding);
    }
    member = xmalloc(sizeof *member);
    *member = (struct placed_port) {
        .vm = vm, .created_ms = meta->created_ms,
        .parent = port->parent ? arena_strdup(&p->arena, port->parent) : NULL,
    };
    shash_add(&p->members, port->row.name, member);
}

/* Once all ports of each VM are there. */
static void
finish_vms(struct placed_vms *p)
{
    for (size_t i = 0; i < p->n_vms; i++) {
        struct placed_vm *vm = &p->vms[i];
        struct advice_vm *advice = &p->advice_vms[i];

        finish_sets(vm);
        vm->pinned |= vm->n_apart > SETS_MAX;
        advice->apart = vm->apart;
        advice->n_apart = vm->n_apart;
        advice->fixed = vm->other || vm->pinned || vm->migrating;
        p->fixed.not_selected += vm->other;
        p->fixed.pinned += vm->pinned && !vm->other;
        p->fixed.migrating += vm->migrating && !vm->other && !vm->pinned;
    }
}

bool
placed_vms_read_ports(struct placed_vms *p)
{
    const struct loop *loop = p->nb->loop;
    const struct vmn_port *port;
    const char *after = p->after;
    struct model_meta meta;
    size_t n = 0;

    while ((port = model_walk_durable(p->nb->model, VMN_TABLE_PORT, after,
                                      &p->at, &meta))) {
        after = port->row.name;
        read_port(p, port, &meta);
        if (++n % PORTS_PER_LOOK == 0 && loop && loop_turn_is_over(loop)) {
            p->after = arena_strdup(&p->arena, after);
            return false;
        }
    }
    finish_vms(p);
    return true;
}

/* Pairs.  ---------------------------------------------------------------- */

/* Returns the VM of the port that is 'name' still; SIZE_MAX if it is none. */
static size_t
find_vm(const struct placed_vms *p, const char *name, bool gone,
        int64_t created_ms)
{
    const struct placed_port *port
        = name && !gone ? shash_find_data(&p->members, name) : NULL;

    if (!port || port->created_ms != created_ms) {
        return SIZE_MAX;
    }
    if (port->parent) {
        port = shash_find_data(&p->members, port->parent);
    }
    return port ? port->vm : SIZE_MAX;
}

static void
pair_cb(void *p_, const struct fabric_pair *pair)
{
    struct placed_vms *p = p_;
    size_t a = find_vm(p, pair->src, pair->src_gone, pair->src_created_ms);
    size_t b = find_vm(p, pair->dst, pair->dst_gone, pair->dst_created_ms);

    if (a == SIZE_MAX || b == SIZE_MAX || a == b) {
        return;
    }
    if (p->n_pairs >= p->allocated_pairs) {
        p->pairs = x2nrealloc(p->pairs, &p->allocated_pairs, sizeof *p->pairs);
    }
    p->pairs[p->n_pairs++] = (struct advice_pair) { a, b, pair->bytes };
}

void
placed_vms_read_pairs(struct placed_vms *p, int64_t since_ms)
{
    fabric_pairs(p->nb->fabric, since_ms, pair_cb, p, &p->totals);
}
