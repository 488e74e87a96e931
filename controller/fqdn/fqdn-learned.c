/* SPDX-License-Identifier: Apache-2.0
 *
 * Names with wildcards, and those of their names that guests have asked for.
 * A guest's question is where a name comes from, and nothing else: its
 * addresses are what vmnd is told by the servers that it asks itself, so no
 * guest can say that a name has an address, whatever it sends and whoever
 * answers it.  Used by fqdns.c, which asks.
 *
 * The row of a wildcard has the addresses of all of its names, but for private
 * ones: whoever may name a server below example.com shall not open these by
 * giving it such an address.  (Those of the networks that the ports of a
 * policy are in are left out where its rules are compiled: they are not the
 * same for all that have the wildcard.)
 *
 * A wildcard has two sorts of names.  Those that have had an address keep
 * their place until guests have not asked for long; with too many of them,
 * those make way that guests of the owner with the most (packet-owner.h) have
 * asked for longest ago.  Pending ones, which need not exist, have a few
 * places of their own, so that they displace no name that exists. */

#include <config.h>

#include "controller/fqdn/fqdns-private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fqdn/fqdn-rows.h"
#include "controller/model/model.h"
#include "controller/model/packet-owner.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(fqdn_learned);

/* The names that all wildcards have learned, and the pending ones besides. */
#define LEARNED_MAX 2048
#define PENDING_ALL_MAX 512
/* The pending ones of a wildcard: further ones are not taken note of. */
#define PENDING_MAX 32
/* Open questions for names of a wildcard. */
#define ASKING_MAX 8
/* For how long it is said at least that names had to make way: what guests do
 * is not to be written each time. */
#define FULL_MS 60000
/* What a row said at the start is looked at again so much later, while not
 * all of its names have been answered. */
#define KEPT_MS 1000

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

/* Which wildcards a name is of.  ------------------------------------------ */

/* A name has a dot behind each second character at the most. */
#define WILDCARDS_MAX (VALUE_DOMAIN_LEN / 2 + 2)

static void
add_wildcard(const struct fqdns *f, const char *stars, const char *rest,
             struct wildcard *found[], size_t *n)
{
    char text[VALUE_DOMAIN_LEN + 3];
    struct wildcard *w;

    snprintf(text, sizeof text, "%s%s", stars, rest);
    w = shash_find_data(&f->wildcards, text);
    if (w) {
        found[(*n)++] = w;
    }
}

/* Finds the wildcards that 'name' is of: "*.example.com" is of the names with
 * one part more, "**.example.com" of those with one or more.  Returns how many
 * there are. */
static size_t
find_wildcards(const struct fqdns *f, const char *name,
               struct wildcard *found[WILDCARDS_MAX])
{
    const char *rest = strchr(name, '.');
    size_t n = 0;

    if (shash_is_empty(&f->wildcards) || value_check_fqdn(name, NULL)
        || value_fqdn_is_wildcard(name)) {
        return 0;
    }
    add_wildcard(f, "*", rest, found, &n);
    for (; rest; rest = strchr(rest + 1, '.')) {
        add_wildcard(f, "**", rest, found, &n);
    }
    return n;
}

/* Forgetting.  ------------------------------------------------------------ */

static void
set_leave(struct fqdns *f, struct wildcard *w)
{
    int64_t at = MIN(fqdn_addresses_due(&w->kept),
                     w->full_until_ms ? w->full_until_ms : INT64_MAX);

    if (at == INT64_MAX) {
        timer_heap_unset(&f->keeping, &w->leave);
    } else {
        timer_heap_set(&f->keeping, &w->leave, at);
    }
}

/* Counts a name that comes to wildcards, or leaves them, or gets its first
 * address. */
static void
count(struct name *name, int sign)
{
    if (name->pending) {
        name->fqdns->n_pending += sign;
    } else {
        name->fqdns->n_learned += sign;
    }
}

/* Takes the name from the wildcard.  The caller has to drop it. */
static void
forget_in(struct wildcard *w, struct name *name)
{
    if (!shash_find_and_delete(&w->names, name->text)) {
        return;
    }
    w->n_pending -= name->pending;
    for (int i = 0; i < N_FAMILIES; i++) {
        if (name->families[i].charged == w) {
            learned_end_question(&name->families[i]);
        }
    }
    if (!name->pending) {
        fqdn_rows_update(name->fqdns->rows, w->text);
    }
    if (!--name->n_policies) {
        count(name, -1);
        timer_heap_unset(&name->fqdns->forgetting, &name->forget);
        fqdns_set_timers(name);
    }
}

static void
forget(struct name *name)
{
    struct wildcard *found[WILDCARDS_MAX];
    size_t n = find_wildcards(name->fqdns, name->text, found);

    for (size_t i = 0; i < n; i++) {
        forget_in(found[i], name);
    }
}

/* Making room.  ----------------------------------------------------------- */

static const char *
owner_of(const struct name *name)
{
    return name->owner ? name->owner : "";
}

static size_t
count_of(const struct shash *counts, const struct name *name)
{
    return (uintptr_t) shash_find_data(counts, owner_of(name));
}

static void
count_owners(const struct shash *names, struct shash *counts)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, names) {
        const struct name *name = node->data;
        uintptr_t n = count_of(counts, name) + 1;

        if (!name->pending && name->n_policies) {
            shash_replace(counts, owner_of(name), (void *) n);
        }
    }
}

/* Returns the name to evict from 'names', other than 'but': of the owner with
 * the most names, the one whose last query is the oldest. */
static struct name *
choose(const struct shash *names, const struct name *but)
{
    struct shash counts = SHASH_INITIALIZER(&counts);
    const struct shash_node *node;
    struct name *chosen = NULL;
    size_t n_chosen = 0;

    count_owners(names, &counts);
    SHASH_FOR_EACH (node, names) {
        struct name *name = node->data;
        size_t n = count_of(&counts, name);

        if (name != but && !name->pending && name->n_policies
            && (!chosen || n > n_chosen
                || (n == n_chosen && name->asked_ms < chosen->asked_ms))) {
            chosen = name;
            n_chosen = n;
        }
    }
    shash_destroy(&counts);
    return chosen;
}

static void
set_full(struct fqdns *f, struct wildcard *w, const struct name *name)
{
    if (!w->full_until_ms) {
        VLOG_WARN_RL(&rl, "%s: %s made way: guests have asked for more names "
                     "than are kept", w->text, name->text);
        fqdn_rows_update(f->rows, w->text);
    }
    w->full_until_ms = time_msec() + FULL_MS;
    set_leave(f, w);
}

/* Has names of the wildcard make way, other than 'but'. */
static void
make_room_in(struct fqdns *f, struct wildcard *w, const struct name *but)
{
    struct name *name;

    while (shash_count(&w->names) - w->n_pending > VALUE_FQDN_NAMES_MAX
           && (name = choose(&w->names, but))) {
        set_full(f, w, name);
        forget_in(w, name);
        fqdns_drop(name);
    }
}

/* The same of all wildcards. */
static void
make_room(struct fqdns *f, const struct name *but)
{
    struct wildcard *found[WILDCARDS_MAX];
    struct name *name;

    while (f->n_learned > LEARNED_MAX && (name = choose(&f->learned, but))) {
        size_t n = find_wildcards(f, name->text, found);

        for (size_t i = 0; i < n; i++) {
            if (shash_find(&found[i]->names, name->text)) {
                set_full(f, found[i], name);
            }
        }
        forget(name);
        fqdns_drop(name);
    }
}

/* Learning.  -------------------------------------------------------------- */

static void
set_forget(struct name *name)
{
    struct fqdns *f = name->fqdns;

    timer_heap_set(&f->forgetting, &name->forget,
                   name->asked_ms + MAX(f->times.learned_ms, name->ttl_ms)
                   + f->times.grace_ms);
}

/* Returns true if the wildcard may have the name, which is NULL if it is
 * new. */
static bool
has_place(const struct fqdns *f, const struct wildcard *w,
          const struct name *name, bool restored)
{
    if (name && name->n_policies && !name->pending) {
        return true;
    }
    return (restored
            ? (f->n_learned < LEARNED_MAX
               && (shash_count(&w->names) - w->n_pending
                   < VALUE_FQDN_NAMES_MAX))
            : w->n_pending < PENDING_MAX && f->n_pending < PENDING_ALL_MAX);
}

/* Adds a name that the wildcard has not. */
static void
add(struct fqdns *f, struct wildcard *w, struct name *name, bool restored,
    int64_t now_ms)
{
    bool is_new = !name->n_policies++;

    if (is_new) {
        name->restored = restored;
        name->waits = !restored;
        name->pending = !restored && !name->addresses.n;
        count(name, 1);
    }
    shash_add(&w->names, name->text, name);
    w->n_pending += name->pending;
    if (is_new) {
        fqdns_ask_soon(name, now_ms);
    }
    if (name->addresses.n) {
        fqdn_rows_update_soon(f->rows, w->text);
    }
}

/* Learns a name of which the wildcard is, for a port of 'owner'; or from the
 * wildcard's row, if that is NULL. */
static void
learn(struct fqdns *f, struct wildcard *w, const char *text,
      const char *owner, int64_t now_ms)
{
    struct name *name = shash_find_data(&w->names, text);

    if (!name) {
        name = shash_find_data(&f->learned, text);
        if (!has_place(f, w, name, !owner)) {
            return;
        }
        if (!name) {
            name = fqdns_name_create(f, &f->learned, text);
            name->learned = true;
        }
        add(f, w, name, !owner, now_ms);
    }
    if (owner && !name->owner) {
        name->owner = xstrdup(owner);
    }
    name->asked_ms = now_ms;
    set_forget(name);
    make_room_in(f, w, name);
    make_room(f, name);
}

void
learned_take_question(struct fqdns *f, const struct vmn_port *port,
                      const char *name)
{
    const struct vmn_network *network = model_get(
        f->model, VMN_TABLE_NETWORK, port->network);
    struct wildcard *found[WILDCARDS_MAX];
    size_t n = find_wildcards(f, name, found);
    int64_t now_ms = time_msec();
    struct fqdn_asker asker;
    char owner[16];

    if (!n) {
        return;
    }
    snprintf(owner, sizeof owner, "%"PRIu32,
             packet_owner(f->model, network ? network->vni : 0));
    fqdn_asker_init(&asker, f, port);
    for (size_t i = 0; i < n; i++) {
        if (fqdn_asker_has(&asker, found[i])) {
            learn(f, found[i], name, owner, now_ms);
        }
    }
    fqdn_asker_uninit(&asker);
}

/* Has the rows of the name's wildcards be looked at: soon, if a guest may be
 * waiting. */
static void
update_rows(struct name *name, bool soon)
{
    struct wildcard *found[WILDCARDS_MAX];
    struct fqdns *f = name->fqdns;
    size_t n = find_wildcards(f, name->text, found);

    for (size_t i = 0; i < n; i++) {
        if (!shash_find(&found[i]->names, name->text)) {
            continue;
        } else if (soon) {
            fqdn_rows_update_soon(f->rows, found[i]->text);
        } else {
            fqdn_rows_update(f->rows, found[i]->text);
        }
    }
}

void
learned_changed(struct name *name)
{
    update_rows(name, false);
}

/* A pending name has got an address. */
static void
keep(struct name *name)
{
    struct wildcard *found[WILDCARDS_MAX];
    struct fqdns *f = name->fqdns;
    size_t n = find_wildcards(f, name->text, found);

    count(name, -1);
    name->pending = false;
    count(name, 1);
    for (size_t i = 0; i < n; i++) {
        if (shash_find(&found[i]->names, name->text)) {
            found[i]->n_pending--;
            make_room_in(f, found[i], name);
        }
    }
    make_room(f, name);
}

/* What a guest asks for need not exist.  But a name that was kept before a
 * start goes only when servers say so. */
void
learned_take_answer(struct name *name, bool is_another)
{
    if (!name->n_policies) {
        return;
    }
    if (name->pending && name->addresses.n) {
        keep(name);
    }
    if (fqdns_was_answered(name, false)) {
        if (name->restored) {
            name->restored = false;
            update_rows(name, false);
        }
    }
    if (is_another) {
        update_rows(name, name->waits);
    }
    name->waits = name->waits && !fqdns_was_asked(name);
    if (!name->addresses.n
        && fqdns_was_answered(name, !name->restored)) {
        forget(name);
    } else {
        set_forget(name);
    }
}

/* Questions.  ------------------------------------------------------------- */

/* Whoever may have names below one domain not be answered holds a few places,
 * for as long as an answer is waited for. */
bool
learned_begin_question(struct family *family)
{
    struct wildcard *found[WILDCARDS_MAX];
    struct name *name = family->name;
    size_t n = find_wildcards(name->fqdns, name->text, found);

    for (size_t i = 0; i < n; i++) {
        struct wildcard *w = found[i];

        if (shash_find(&w->names, name->text)) {
            if (w->n_asking >= ASKING_MAX) {
                return false;
            }
            w->n_asking++;
            family->charged = w;
            return true;
        }
    }
    return true;
}

void
learned_end_question(struct family *family)
{
    if (family->charged) {
        family->charged->n_asking--;
        family->charged = NULL;
    }
}

/* Wildcards.  ------------------------------------------------------------- */

/* Begins with what the row says: its addresses as if no answer had them any
 * more, and its names as if guests had just asked for them. */
static void
read_row(struct fqdns *f, struct wildcard *w, int64_t now_ms)
{
    const struct vmn_fqdn *row = model_get(f->model, VMN_TABLE_FQDN, w->text);

    for (int family = 4; row && family <= 6; family += 2) {
        fqdn_addresses_take(&w->kept, family, row->ips, row->n_ips, 0,
                            &f->times, now_ms);
        fqdn_addresses_take(&w->kept, family, NULL, 0, 0, &f->times, now_ms);
    }
    set_leave(f, w);
    for (size_t i = 0; row && i < row->n_names; i++) {
        learn(f, w, row->names[i], NULL, now_ms);
    }
}

void
learned_use(struct fqdns *f, const char *text, const char *policy)
{
    struct wildcard *w = shash_find_data(&f->wildcards, text);

    if (!w) {
        w = xzalloc(sizeof *w);
        w->text = xstrdup(text);
        sset_init(&w->policies);
        shash_init(&w->names);
        shash_add(&f->wildcards, text, w);
        read_row(f, w, time_msec());
    }
    sset_add(&w->policies, policy);
    fqdn_rows_update(f->rows, text);
}

static void
wildcard_free(struct fqdns *f, struct wildcard *w)
{
    timer_heap_unset(&f->keeping, &w->leave);
    fqdn_addresses_uninit(&w->kept);
    shash_destroy(&w->names);
    sset_destroy(&w->policies);
    free(w->text);
    free(w);
}

void
learned_unuse(struct fqdns *f, const char *text, const char *policy)
{
    struct wildcard *w = shash_find_data(&f->wildcards, text);
    struct shash_node *node, *next;

    if (!w || !sset_find_and_delete(&w->policies, policy)
        || !sset_is_empty(&w->policies)) {
        return;
    }
    SHASH_FOR_EACH_SAFE (node, next, &w->names) {
        struct name *name = node->data;

        forget_in(w, name);
        fqdns_drop(name);
    }
    shash_find_and_delete(&f->wildcards, text);
    fqdn_rows_update(f->rows, text);
    wildcard_free(f, w);
}

/* Time.  ------------------------------------------------------------------ */

static int64_t
first_at(const struct timer_heap *heap)
{
    const struct timer *first = timer_heap_first(heap);

    return first ? first->at : INT64_MAX;
}

/* Returns true if servers have not said what one of the wildcard's names of
 * the start is: until then its row stays as it was. */
static bool
has_restored(const struct wildcard *w)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &w->names) {
        const struct name *name = node->data;

        if (name->restored) {
            return true;
        }
    }
    return false;
}

static void
expire_wildcard(struct fqdns *f, struct wildcard *w, int64_t now_ms)
{
    if (w->full_until_ms && w->full_until_ms <= now_ms) {
        w->full_until_ms = 0;
        fqdn_rows_update(f->rows, w->text);
    }
    if (has_restored(w)) {
        timer_heap_set(&f->keeping, &w->leave, now_ms + KEPT_MS);
        return;
    }
    if (fqdn_addresses_expire(&w->kept, now_ms)) {
        fqdn_rows_update(f->rows, w->text);
    }
    set_leave(f, w);
}

int64_t
learned_due(const struct fqdns *f)
{
    return MIN(first_at(&f->keeping), first_at(&f->forgetting));
}

void
learned_expire(struct fqdns *f, int64_t now_ms)
{
    while (first_at(&f->keeping) <= now_ms) {
        struct wildcard *w = CONTAINER_OF(timer_heap_first(&f->keeping),
                                          struct wildcard, leave);

        expire_wildcard(f, w, now_ms);
    }
    while (first_at(&f->forgetting) <= now_ms) {
        struct name *name = CONTAINER_OF(timer_heap_first(&f->forgetting),
                                         struct name, forget);

        forget(name);
        timer_heap_unset(&f->forgetting, &name->forget);
        fqdns_drop(name);
    }
}

/* Life.  ------------------------------------------------------------------ */

void
learned_init(struct fqdns *f)
{
    shash_init(&f->learned);
    shash_init(&f->wildcards);
    timer_heap_init(&f->forgetting);
    timer_heap_init(&f->keeping);
}

void
learned_uninit(struct fqdns *f)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &f->wildcards) {
        wildcard_free(f, node->data);
    }
    shash_destroy(&f->wildcards);
    SHASH_FOR_EACH (node, &f->learned) {
        fqdns_name_free(node->data);
    }
    shash_destroy(&f->learned);
    timer_heap_uninit(&f->forgetting);
    timer_heap_uninit(&f->keeping);
}
