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
#include "hash.h"
#include "proto/loop/loop.h"
#include "util.h"

/* Rows between two looks at the clock. */
#define ROWS_PER_LOOK 16
/* VMs of more sets stay: each move of one is checked against all of its
 * sets. */
#define SETS_MAX 64

/* A port that may be an end of a pair. */
struct placed_port {
    size_t vm;
    int64_t created_ms;
};

/* What hosts say of which ports they get. */
struct placed_selector {
    struct vmn_selector selector;
    unsigned long *hosts;       /* That say it: a bitmap. */
};

void
placed_vms_init(struct placed_vms *p, const struct northbound *nb,
                const struct model_rights *rights)
{
    p->nb = nb;
    p->rights = rights;
    arena_init(&p->arena);
    shash_init(&p->host_index);
    shash_init(&p->physicals);
    shash_init(&p->selectors);
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
    free(p->hosts);
    free(p->advice_hosts);
    free(p->pairs);
    shash_destroy(&p->host_index);
    shash_destroy(&p->physicals);
    shash_destroy(&p->selectors);
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

/* Returns true if more is to be read in this turn of the loop, after 'n'
 * rows. */
static bool
may_go_on(const struct placed_vms *p, size_t n)
{
    const struct loop *loop = p->nb->loop;

    return n % ROWS_PER_LOOK || !loop || !loop_turn_is_over(loop);
}

/* Hosts.  ---------------------------------------------------------------- */

/* Nothing goes to a host that is not known to be well, or leaves it: nobody
 * could move a VM from there. */
static bool
is_synced(const struct placed_vms *p, const struct vmn_host *row)
{
    struct status_lag lag;
    const char *state;

    return (!row->lost
            && fabric_host_state(p->nb->fabric, row->row.name, &state, &lag)
            && (!strcmp(state, "synced") || !strcmp(state, "reconciling")));
}

/* Returns a new host. */
static struct placed_host *
add_host(struct placed_vms *p)
{
    if (p->n_hosts >= p->allocated_hosts) {
        p->hosts = x2nrealloc(p->hosts, &p->allocated_hosts,
                              sizeof *p->hosts);
    }
    if (p->n_hosts >= p->allocated_advice_hosts) {
        p->advice_hosts = x2nrealloc(p->advice_hosts,
                                     &p->allocated_advice_hosts,
                                     sizeof *p->advice_hosts);
    }
    p->advice_hosts[p->n_hosts] = (struct advice_host) { .target = false };
    p->hosts[p->n_hosts] = (struct placed_host) { .name = NULL };
    return &p->hosts[p->n_hosts++];
}

/* What hosts have is not shown to accounts with a scope. */
static void
read_capacity(struct placed_vms *p, const struct vmn_host *row)
{
    const struct vmn_resources *r = &row->capacity;
    const uint64_t capacity[ADVICE_N_KINDS] = {
        [ADVICE_VMS] = r->vms, [ADVICE_VCPUS] = r->vcpus,
        [ADVICE_MEMORY] = r->memory_mb, [ADVICE_DISK] = r->disk_gb,
    };

    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        bool told = capacity[kind] && !p->rights;

        p->hosts[p->n_hosts - 1].has_capacity |= told;
        p->advice_hosts[p->n_hosts - 1].capacity[kind]
            = told ? capacity[kind] : UINT64_MAX;
    }
}

static void
read_host(struct placed_vms *p, const struct vmn_host *row)
{
    size_t n = p->n_hosts;
    struct placed_host *host = add_host(p);

    host->name = arena_strdup(&p->arena, row->row.name);
    host->synced = is_synced(p, row);
    if (row->port_selector.text) {
        host->port_selector = arena_strdup(&p->arena,
                                           row->port_selector.text);
    }
    host->physical = arena_alloc(&p->arena, row->n_provider_bridges
                                 * sizeof *host->physical);
    for (size_t i = 0; i < row->n_provider_bridges; i++) {
        host->physical[host->n_physical++] = arena_strdup(
            &p->arena, row->provider_bridges[i].physical);
    }
    read_capacity(p, row);
    put_number(&p->host_index, host->name, n);
}

static unsigned long *
new_bitmap(struct placed_vms *p)
{
    return arena_alloc(&p->arena, bitmap_n_bytes(p->n_hosts));
}

static void
index_selector(struct placed_vms *p, size_t i)
{
    const char *text = p->hosts[i].port_selector;
    struct placed_selector *s = shash_find_data(&p->selectors, text);

    if (!s) {
        s = arena_alloc(&p->arena, sizeof *s);
        if (selector_parse(text, strlen(text), &p->arena, &s->selector,
                           NULL)) {
            return;             /* Rows have none that is malformed. */
        }
        s->hosts = new_bitmap(p);
        shash_add(&p->selectors, text, s);
    }
    bitmap_set1(s->hosts, i);
}

/* Once all hosts are there: which of them have a physical network, and which
 * have the same selector, so that ports need not be held against each host. */
static void
index_hosts(struct placed_vms *p)
{
    p->scratch = new_bitmap(p);
    for (size_t i = 0; i < p->n_hosts; i++) {
        const struct placed_host *host = &p->hosts[i];

        for (size_t k = 0; k < host->n_physical; k++) {
            unsigned long *hosts = shash_find_data(&p->physicals,
                                                   host->physical[k]);

            if (!hosts) {
                hosts = new_bitmap(p);
                shash_add(&p->physicals, host->physical[k], hosts);
            }
            bitmap_set1(hosts, i);
        }
        if (host->port_selector) {
            index_selector(p, i);
        }
    }
}

bool
placed_vms_read_hosts(struct placed_vms *p,
                      bool (*judge)(void *aux, const struct vmn_host *,
                                    uint64_t *vms),
                      void *aux)
{
    const char *after = p->after;
    const struct vmn_host *row;
    size_t n = 0;

    while ((row = model_walk_durable(p->nb->model, VMN_TABLE_HOST, after,
                                     &p->at, NULL))) {
        struct advice_host *host;

        after = row->row.name;
        read_host(p, row);
        host = &p->advice_hosts[p->n_hosts - 1];
        host->target = judge(aux, row, &host->capacity[ADVICE_VMS])
                       && p->hosts[p->n_hosts - 1].synced
                       && !row->maintenance;
        if (!may_go_on(p, ++n)) {
            p->after = arena_strdup(&p->arena, after);
            return false;
        }
    }
    index_hosts(p);
    p->after = "";
    p->at = 0;
    return true;
}

/* Where ports may be.  --------------------------------------------------- */

/* Leaves of the VM's hosts those that are in 'hosts', NULL: none; or, with
 * 'except', those that are not. */
static void
keep_hosts(struct placed_vms *p, size_t vm, const unsigned long *hosts,
           bool except)
{
    unsigned long *kept = CONST_CAST(unsigned long *,
                                     p->advice_vms[vm].hosts);

    if (!kept) {
        kept = new_bitmap(p);
        bitmap_set_multiple(kept, 0, p->n_hosts, true);
        p->advice_vms[vm].hosts = kept;
    }
    for (size_t i = 0; i < bitmap_n_longs(p->n_hosts); i++) {
        unsigned long these = hosts ? hosts[i] : 0;

        kept[i] &= except ? ~these : these;
    }
}

/* Leaves of the VM's hosts those where the port may be bound. */
static void
restrict_hosts(struct placed_vms *p, size_t vm, const struct vmn_port *port)
{
    const struct vmn_network *network = model_get_durable(
        p->nb->model, VMN_TABLE_NETWORK, port->network, NULL);
    const struct shash_node *node;

    if (port->n_hosts) {
        memset(p->scratch, 0, bitmap_n_bytes(p->n_hosts));
        for (size_t i = 0; i < port->n_hosts; i++) {
            size_t host = find_number(&p->host_index, port->hosts[i]);

            if (host != SIZE_MAX) {
                bitmap_set1(p->scratch, host);
            }
        }
        keep_hosts(p, vm, p->scratch, false);
    }
    if (network && network->provider.physical) {
        keep_hosts(p, vm, shash_find_data(&p->physicals,
                                          network->provider.physical), false);
    }
    SHASH_FOR_EACH (node, &p->selectors) {
        const struct placed_selector *s = node->data;

        if (!vmn_selector_matches(&s->selector, &port->labels)) {
            keep_hosts(p, vm, s->hosts, true);
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
    p->vms[i] = (struct placed_vm) { .to = SIZE_MAX };
    p->advice_vms[i] = (struct advice_vm) {
        .host = host, .needs = { [ADVICE_VMS] = 1 } };
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
    p->has_together = true;
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

/* Has what binds the port, or sub-port, bind its VM. */
static void
bind_vm(struct placed_vms *p, size_t vm, const struct vmn_port *port)
{
    for (size_t i = 0; i < p->n_keys; i++) {
        const char *value = vmn_labels_get(&port->labels, p->keys[i]);

        if (value) {
            p->has_keys[i] = true;
            add_to_set(p, &p->vms[vm], p->keys[i], value);
        }
    }
    restrict_hosts(p, vm, port);
}

/* Each port says all that its VM needs, or nothing. */
static void
add_needs(struct placed_vms *p, size_t vm, const struct vmn_resources *r)
{
    uint64_t *needs = p->advice_vms[vm].needs;

    needs[ADVICE_VCPUS] = MAX(needs[ADVICE_VCPUS], r->vcpus);
    needs[ADVICE_MEMORY] = MAX(needs[ADVICE_MEMORY], r->memory_mb);
    needs[ADVICE_DISK] = MAX(needs[ADVICE_DISK], r->disk_gb);
}

/* 'to' is a host, or NULL. */
static void
note_migration(const struct placed_vms *p, struct placed_vm *vm,
               const char *to)
{
    size_t host = to ? find_number(&p->host_index, to) : SIZE_MAX;

    vm->migrating |= to != NULL;
    vm->to = host != SIZE_MAX ? host : vm->to;
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
    vm->other |= p->selector && !vmn_selector_matches(p->selector,
                                                      &port->labels);
    vm->pinned |= port->host && !p->move_pinned;
    note_migration(p, vm, port->migration.to);
    note_migration(p, vm, binding->candidate);
    add_needs(p, i, &port->resources);
    bind_vm(p, i, port);
}

static void
add_member(struct placed_vms *p, const struct vmn_port *port, size_t vm,
           const struct model_meta *meta)
{
    struct placed_port *member = xmalloc(sizeof *member);

    *member = (struct placed_port) { vm, meta->created_ms };
    shash_add(&p->members, port->row.name, member);
}

/* Reads a port that is no sub-port, unless it was.  Returns its VM, or
 * SIZE_MAX if it is of none. */
static size_t
read_vm_port(struct placed_vms *p, const struct vmn_port *port,
             const struct model_meta *meta)
{
    const struct placed_port *known = shash_find_data(&p->members,
                                                      port->row.name);
    const struct vmn_binding *binding;
    size_t host, vm;

    if (known || (p->rights && !model_in_scope(p->rights, &port->row))) {
        return known ? known->vm : SIZE_MAX;
    }
    binding = model_get_durable(p->nb->model, VMN_TABLE_BINDING,
                                port->row.name, NULL);
    host = binding && binding->host
           ? find_number(&p->host_index, binding->host) : SIZE_MAX;
    if (host == SIZE_MAX) {
        return SIZE_MAX;
    }
    vm = vm_of(p, port, host);
    add_port(p, vm, port, binding);
    add_member(p, port, vm, meta);
    return vm;
}

/* A sub-port may come before its parent. */
static void
read_port(struct placed_vms *p, const struct vmn_port *port,
          const struct model_meta *meta)
{
    const struct vmn_port *parent;
    struct model_meta parent_meta;
    size_t vm;

    if (!port->parent) {
        read_vm_port(p, port, meta);
        return;
    }
    parent = model_get_durable(p->nb->model, VMN_TABLE_PORT, port->parent,
                               &parent_meta);
    if (!parent || parent->parent
        || (p->rights && !model_in_scope(p->rights, &port->row))) {
        return;
    }
    vm = read_vm_port(p, parent, &parent_meta);
    if (vm != SIZE_MAX) {
        bind_vm(p, vm, port);
        add_member(p, port, vm, meta);
    }
}

/* Counts what the VM needs on the host that it migrates to. */
static void
add_coming(struct placed_vms *p, const struct placed_vm *vm,
           const struct advice_vm *advice)
{
    if (vm->to == SIZE_MAX || vm->to == advice->host) {
        return;
    }
    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        p->hosts[vm->to].coming[kind] += advice->needs[kind];
    }
}

/* Once all ports of each VM are there. */
static void
finish_vms(struct placed_vms *p)
{
    for (size_t i = 0; i < p->n_vms; i++) {
        struct placed_vm *vm = &p->vms[i];
        struct advice_vm *advice = &p->advice_vms[i];
        size_t *why;

        finish_sets(vm);
        add_coming(p, vm, advice);
        advice->apart = vm->apart;
        advice->n_apart = vm->n_apart;
        why = (vm->other ? &p->fixed.not_selected
               : vm->pinned ? &p->fixed.pinned
               : vm->n_apart > SETS_MAX ? &p->fixed.many_sets
               : vm->migrating ? &p->fixed.migrating
               : !p->hosts[advice->host].synced ? &p->fixed.unsynced : NULL);
        advice->fixed = why != NULL;
        if (why) {
            ++*why;
        }
    }
}

bool
placed_vms_read_ports(struct placed_vms *p)
{
    const struct vmn_port *port;
    const char *after = p->after;
    struct model_meta meta;
    size_t n = 0;

    while ((port = model_walk_durable(p->nb->model, VMN_TABLE_PORT, after,
                                      &p->at, &meta))) {
        after = port->row.name;
        read_port(p, port, &meta);
        if (!may_go_on(p, ++n)) {
            p->after = arena_strdup(&p->arena, after);
            return false;
        }
    }
    finish_vms(p);
    return true;
}

/* Pairs.  ---------------------------------------------------------------- */

/* An end of pairs, by the pointer to its name: that of a port is the same in
 * all of them, of which there may be many. */
struct end {
    struct hmap_node node;
    const char *name;
    size_t vm;                  /* SIZE_MAX: of none. */
};

struct pair_reader {
    struct placed_vms *p;
    struct hmap ends;
    struct arena arena;         /* Of these. */
};

/* Returns the VM of the port that is 'name' still; SIZE_MAX if it is none. */
static size_t
find_vm(struct pair_reader *reader, const char *name, bool gone,
        int64_t created_ms)
{
    uint32_t hash = hash_pointer(name, 0);
    const struct placed_port *port;
    struct end *end;

    HMAP_FOR_EACH_WITH_HASH (end, node, hash, &reader->ends) {
        if (end->name == name) {
            return end->vm;
        }
    }
    port = name && !gone ? shash_find_data(&reader->p->members, name) : NULL;
    end = arena_alloc(&reader->arena, sizeof *end);
    end->name = name;
    end->vm = port && port->created_ms == created_ms ? port->vm : SIZE_MAX;
    hmap_insert(&reader->ends, &end->node, hash);
    return end->vm;
}

static void
pair_cb(void *reader_, const struct fabric_pair *pair)
{
    struct pair_reader *reader = reader_;
    struct placed_vms *p = reader->p;
    size_t a = find_vm(reader, pair->src, pair->src_gone,
                       pair->src_created_ms);
    size_t b = find_vm(reader, pair->dst, pair->dst_gone,
                       pair->dst_created_ms);

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
    struct pair_reader reader = { .p = p };

    hmap_init(&reader.ends);
    arena_init(&reader.arena);
    fabric_pairs(p->nb->fabric, since_ms, pair_cb, &reader, &p->totals);
    hmap_destroy(&reader.ends);
    arena_uninit(&reader.arena);
}
