/* SPDX-License-Identifier: Apache-2.0
 *
 * The table (kind, key) -> number; see id-pools.h.  A kind is made by its
 * declaration or by the first stored entry, whichever comes first. */

#include <config.h>

#include "controller/model/id-pools.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"
#include "svec.h"
#include "util.h"

struct kind {
    char *name;
    uint32_t max;               /* 0: not declared yet. */
    uint32_t last;              /* Given out last: the next search starts
                                 * behind it. */
    uint32_t last_before;       /* The same, when the trial began. */
    uint64_t n_freed;           /* By id_pools_acked(). */
    struct hmap by_key;         /* Of struct id_entry. */
    struct hmap by_value;
};

/* There are as many as rules times networks, so they are small. */
struct id_entry {
    struct hmap_node key_node;
    struct hmap_node value_node;
    struct kind *kind;
    uint64_t retired;           /* Revision, if there are no references. */
    struct ovs_list node;       /* In 'retired' or 'loaded', likewise. */
    uint32_t value;
    unsigned n_refs;
    bool fresh;                 /* Nobody can have seen it yet. */

    /* In a trial. */
    bool tried;                 /* Is in 'tried'. */
    bool listed;                /* Is in 'retired' or 'loaded', with or
                                 * without references. */
    bool made;                  /* Was made in the trial. */
    char key[];
};

/* What the store has yet to be told about (kind, key). */
struct pending {
    struct hmap_node node;
    const struct kind *kind;
    uint64_t round;             /* Of the change. */
    uint32_t value;             /* 0: freed. */

    /* In a trial that wrote over it. */
    uint32_t saved_value;
    uint64_t saved_round;
    bool saved;
    char key[];
};

struct id_pools {
    struct shash kinds;         /* Of struct kind. */
    uint64_t revision;          /* For what is retired from now on. */
    struct ovs_list retired;    /* Ordered by revision. */
    struct ovs_list loaded;     /* Retired since before the start. */
    bool in_trial;
    uint64_t revision_before;   /* When the trial began. */
    size_t n_tried, allocated_tried;
    struct id_entry **tried;    /* What the trial has touched. */

    struct hmap pending;
    uint64_t round;             /* Counts id_pools_get_pending(). */
    size_t n_writes;            /* What the last of them returned. */
    struct id_write *writes;
};

struct id_pools *
id_pools_create(void)
{
    struct id_pools *pool = xzalloc(sizeof *pool);

    shash_init(&pool->kinds);
    ovs_list_init(&pool->retired);
    ovs_list_init(&pool->loaded);
    hmap_init(&pool->pending);
    pool->round = 1;
    return pool;
}

static void
number_destroy(struct id_entry *number)
{
    hmap_remove(&number->kind->by_key, &number->key_node);
    hmap_remove(&number->kind->by_value, &number->value_node);
    if (!number->n_refs) {
        ovs_list_remove(&number->node);
    }
    free(number);
}

static void
pending_destroy(struct id_pools *pool, struct pending *pending)
{
    hmap_remove(&pool->pending, &pending->node);
    free(pending);
}

void
id_pools_destroy(struct id_pools *pool)
{
    struct shash_node *node;
    struct pending *pending;

    if (!pool) {
        return;
    }
    SHASH_FOR_EACH_SAFE (node, &pool->kinds) {
        struct kind *kind = node->data;
        struct id_entry *number;

        HMAP_FOR_EACH_SAFE (number, key_node, &kind->by_key) {
            number_destroy(number);
        }
        hmap_destroy(&kind->by_key);
        hmap_destroy(&kind->by_value);
        free(kind->name);
        free(kind);
        shash_delete(&pool->kinds, node);
    }
    HMAP_FOR_EACH_SAFE (pending, node, &pool->pending) {
        pending_destroy(pool, pending);
    }
    hmap_destroy(&pool->pending);
    shash_destroy(&pool->kinds);
    free(pool->tried);
    free(pool->writes);
    free(pool);
}

static struct kind *
get_kind(struct id_pools *pool, const char *name)
{
    struct kind *kind = shash_find_data(&pool->kinds, name);

    if (!kind) {
        kind = xzalloc(sizeof *kind);
        kind->name = xstrdup(name);
        hmap_init(&kind->by_key);
        hmap_init(&kind->by_value);
        shash_add(&pool->kinds, name, kind);
    }
    return kind;
}

int
id_pools_declare(struct id_pools *pool, const char *name, uint32_t max)
{
    struct kind *kind = get_kind(pool, name);

    if (kind->max && kind->max != max) {
        return EEXIST;
    }
    kind->max = max;
    return 0;
}

static struct id_entry *
find_key(const struct kind *kind, const char *key)
{
    struct id_entry *number;

    HMAP_FOR_EACH_WITH_HASH (number, key_node, hash_string(key, 0),
                             &kind->by_key) {
        if (!strcmp(number->key, key)) {
            return number;
        }
    }
    return NULL;
}

static struct id_entry *
find_value(const struct kind *kind, uint32_t value)
{
    struct id_entry *number;

    HMAP_FOR_EACH_WITH_HASH (number, value_node, hash_int(value, 0),
                             &kind->by_value) {
        if (number->value == value) {
            return number;
        }
    }
    return NULL;
}

static struct pending *
find_pending(const struct id_pools *pool, const struct kind *kind,
             const char *key)
{
    uint32_t hash = hash_string(key, hash_pointer(kind, 0));
    struct pending *pending;

    HMAP_FOR_EACH_WITH_HASH (pending, node, hash, &pool->pending) {
        if (pending->kind == kind && !strcmp(pending->key, key)) {
            return pending;
        }
    }
    return NULL;
}

/* Notes that the store has to learn of (kind, key). */
static void
note(struct id_pools *pool, const struct kind *kind, const char *key,
     uint32_t value)
{
    struct pending *pending = find_pending(pool, kind, key);
    size_t key_size = strlen(key) + 1;

    if (pending) {
        if (pool->in_trial && !pending->saved) {
            pending->saved = true;
            pending->saved_value = pending->value;
            pending->saved_round = pending->round;
        }
        pending->value = value;
        pending->round = pool->round;
        return;
    }
    pending = xzalloc(offsetof(struct pending, key) + key_size);
    pending->kind = kind;
    memcpy(pending->key, key, key_size);
    pending->value = value;
    pending->round = pool->round;
    hmap_insert(&pool->pending, &pending->node,
                hash_string(key, hash_pointer(kind, 0)));
}

/* Notes that the trial has touched 'number'; until its end no list of retired
 * ones changes. */
static void
try_number(struct id_pools *pool, struct id_entry *number, bool listed)
{
    if (!number->tried) {
        number->tried = true;
        number->listed = listed;
        if (pool->n_tried >= pool->allocated_tried) {
            pool->tried = x2nrealloc(pool->tried,
                                        &pool->allocated_tried,
                                        sizeof *pool->tried);
        }
        pool->tried[pool->n_tried++] = number;
    }
}

/* Makes an entry without references, in no list. */
static struct id_entry *
number_create(struct id_pools *pool, struct kind *kind, const char *key,
              uint32_t value)
{
    size_t key_size = strlen(key) + 1;
    struct id_entry *number = xzalloc(offsetof(struct id_entry, key)
                                      + key_size);

    number->kind = kind;
    memcpy(number->key, key, key_size);
    number->value = value;
    number->fresh = true;
    ovs_list_init(&number->node);
    hmap_insert(&kind->by_key, &number->key_node, hash_string(key, 0));
    hmap_insert(&kind->by_value, &number->value_node, hash_int(value, 0));
    if (pool->in_trial) {
        number->made = true;
        try_number(pool, number, false);
    }
    return number;
}

/* Finds a number that no key has, from the one given out last on, so that one
 * that became free is used late.  0 if there is none. */
static uint32_t
find_free(const struct kind *kind)
{
    uint32_t value = kind->last;

    if (hmap_count(&kind->by_value) >= kind->max) {
        /* Entries above 'max' can be there from another version; then the
         * search below would be needed, but full is full enough. */
        return 0;
    }
    do {
        value = value >= kind->max ? 1 : value + 1;
    } while (find_value(kind, value));
    return value;
}

static struct id_entry *
ref(struct id_pools *pool, struct id_entry *number)
{
    if (!number->n_refs++) {
        if (pool->in_trial) {
            try_number(pool, number, true);
        } else {
            ovs_list_remove(&number->node);
            ovs_list_init(&number->node);
        }
    }
    return number;
}

struct id_entry *
id_pools_ref_again(struct id_entry *number)
{
    ovs_assert(number->n_refs);
    number->n_refs++;
    return number;
}

struct id_entry *
id_pools_ref(struct id_pools *pool, const char *kind_name, const char *key)
{
    struct kind *kind = shash_find_data(&pool->kinds, kind_name);
    struct id_entry *number;

    if (!kind || !kind->max) {
        return NULL;
    }
    number = find_key(kind, key);
    if (!number) {
        uint32_t value = find_free(kind);

        if (!value) {
            return NULL;
        }
        kind->last = value;
        number = number_create(pool, kind, key, value);
        note(pool, kind, key, value);
    }
    return ref(pool, number);
}

/* Puts an entry that has lost its last reference with the retired ones. */
static void
retire(struct id_pools *pool, struct id_entry *number)
{
    number->retired = pool->revision;
    ovs_list_push_back(&pool->retired, &number->node);
}

void
id_pools_unref(struct id_pools *pool, struct id_entry *number)
{
    if (number) {
        ovs_assert(number->n_refs);
        if (!--number->n_refs) {
            if (pool->in_trial) {
                try_number(pool, number, false);
            } else {
                retire(pool, number);
            }
        }
    }
}

void
id_pools_keep(struct id_entry *number)
{
    if (number) {
        number->fresh = false;
    }
}

void
id_pools_cancel(struct id_pools *pool, struct id_entry *number)
{
    if (!number) {
        return;
    }

    bool fresh = number->fresh;
    id_pools_unref(pool, number);
    if (fresh && !number->n_refs && !pool->in_trial) {
        note(pool, number->kind, number->key, 0);
        number_destroy(number);
    }
}

uint32_t
id_entry_value(const struct id_entry *number)
{
    return number->value;
}

int
id_pools_claim(struct id_pools *pool, const char *kind_name,
               const char *key, uint32_t value, struct id_entry **numberp,
               const char **owner)
{
    struct kind *kind = shash_find_data(&pool->kinds, kind_name);
    struct id_entry *number;

    *numberp = NULL;
    *owner = NULL;
    if (!kind || !value || value > kind->max) {
        return EINVAL;
    }
    number = find_value(kind, value);
    if (!number) {
        number = find_key(kind, key);
    }
    if (!number) {
        number = number_create(pool, kind, key, value);
        note(pool, kind, key, value);
    } else if (number->value != value || strcmp(number->key, key)) {
        *owner = number->key;
        return EEXIST;
    }
    *numberp = ref(pool, number);
    return 0;
}

uint32_t
id_pools_peek(const struct id_pools *pool, const char *kind_name,
              const char *key)
{
    const struct kind *kind = shash_find_data(&pool->kinds, kind_name);
    const struct id_entry *number = kind ? find_key(kind, key) : NULL;

    return number ? number->value : 0;
}

const char *
id_pools_key_of(const struct id_pools *pool, const char *kind_name,
                uint32_t value)
{
    const struct kind *kind = shash_find_data(&pool->kinds, kind_name);
    const struct id_entry *number = kind ? find_value(kind, value) : NULL;

    return number ? number->key : NULL;
}

void
id_pools_set_revision(struct id_pools *pool, uint64_t revision)
{
    struct id_entry *number;

    /* What was loaded and is not in use by now goes the same way: hosts may
     * hold it until they have acknowledged a state of this process. */
    pool->revision = revision;
    if (pool->in_trial) {
        return;
    }
    LIST_FOR_EACH_POP (number, node, &pool->loaded) {
        number->retired = revision;
        ovs_list_push_back(&pool->retired, &number->node);
    }
}

void
id_pools_acked(struct id_pools *pool, uint64_t revision)
{
    while (!ovs_list_is_empty(&pool->retired)) {
        struct id_entry *number = CONTAINER_OF(
            ovs_list_front(&pool->retired), struct id_entry, node);

        if (number->retired > revision) {
            break;
        }
        note(pool, number->kind, number->key, 0);
        number->kind->n_freed++;
        number_destroy(number);
    }
}

uint64_t
id_pools_n_freed(const struct id_pools *pool, const char *kind_name)
{
    const struct kind *kind = shash_find_data(&pool->kinds, kind_name);

    return kind ? kind->n_freed : 0;
}

/* A trial.  --------------------------------------------------------------- */

void
id_pools_begin_trial(struct id_pools *pool)
{
    struct shash_node *node;

    ovs_assert(!pool->in_trial);
    pool->in_trial = true;
    pool->revision_before = pool->revision;
    SHASH_FOR_EACH (node, &pool->kinds) {
        struct kind *kind = node->data;

        kind->last_before = kind->last;
    }
}

/* Takes back what the store was to learn of an entry that the trial made. */
static void
forget_pending(struct id_pools *pool, const struct id_entry *number)
{
    struct pending *pending = find_pending(pool, number->kind,
                                           number->key);

    if (pending && pending->saved) {
        pending->value = pending->saved_value;
        pending->round = pending->saved_round;
    } else if (pending) {
        pending_destroy(pool, pending);
    }
}

static void
end_trial_of(struct id_pools *pool, struct id_entry *number)
{
    number->tried = false;
    if (number->made) {
        number->made = false;
        if (!number->n_refs) {
            forget_pending(pool, number);
            number_destroy(number);
        }
    } else if (number->listed && number->n_refs) {
        ovs_list_remove(&number->node);
        ovs_list_init(&number->node);
    } else if (!number->listed && !number->n_refs) {
        retire(pool, number);
    }
}

void
id_pools_end_trial(struct id_pools *pool)
{
    struct shash_node *node;
    struct pending *pending;

    pool->in_trial = false;
    pool->revision = pool->revision_before;
    for (size_t i = 0; i < pool->n_tried; i++) {
        end_trial_of(pool, pool->tried[i]);
    }
    pool->n_tried = 0;
    HMAP_FOR_EACH (pending, node, &pool->pending) {
        pending->saved = false;
    }
    SHASH_FOR_EACH (node, &pool->kinds) {
        struct kind *kind = node->data;

        kind->last = kind->last_before;
    }
}

/* The store.  ------------------------------------------------------------- */

void
id_pools_get_pending(struct id_pools *pool, size_t *n,
                     const struct id_write **writes)
{
    struct pending *pending;

    free(pool->writes);
    pool->n_writes = 0;
    pool->writes = xmalloc(MAX(hmap_count(&pool->pending), 1)
                              * sizeof *pool->writes);
    HMAP_FOR_EACH (pending, node, &pool->pending) {
        pool->writes[pool->n_writes++] = (struct id_write) {
            pending->kind->name, pending->key, pending->value
        };
    }
    /* What changes while this is being written belongs to the next round. */
    pool->round++;
    *n = pool->n_writes;
    *writes = pool->writes;
}

bool
id_pools_has_pending(const struct id_pools *pool)
{
    return !hmap_is_empty(&pool->pending);
}

void
id_pools_written(struct id_pools *pool)
{
    struct pending *pending;

    HMAP_FOR_EACH_SAFE (pending, node, &pool->pending) {
        if (pending->round < pool->round) {
            pending_destroy(pool, pending);
        }
    }
    /* A large state leaves as much room behind as it has numbers. */
    hmap_shrink(&pool->pending);
    free(pool->writes);
    pool->writes = NULL;
    pool->n_writes = 0;
}

struct id_write *
id_pools_get_all(const struct id_pools *pool, size_t *n)
{
    struct id_write *writes = NULL;
    struct shash_node *node;
    size_t allocated = 0;

    *n = 0;
    SHASH_FOR_EACH (node, &pool->kinds) {
        const struct kind *kind = node->data;
        const struct id_entry *number;

        HMAP_FOR_EACH (number, key_node, &kind->by_key) {
            if (*n >= allocated) {
                writes = x2nrealloc(writes, &allocated, sizeof *writes);
            }
            writes[(*n)++] = (struct id_write) {
                kind->name, number->key, number->value
            };
        }
    }
    return writes;
}

int
id_pools_load(struct id_pools *pool, const char *kind_name,
              const char *key, uint32_t value)
{
    struct kind *kind = get_kind(pool, kind_name);
    struct id_entry *number;

    if (!value) {
        return EINVAL;
    }
    if (find_key(kind, key) || find_value(kind, value)) {
        return EEXIST;
    }
    number = number_create(pool, kind, key, value);
    number->fresh = false;
    ovs_list_push_back(&pool->loaded, &number->node);
    kind->last = MAX(kind->last, value);
    return 0;
}

/* Looking.  --------------------------------------------------------------- */

static void
format_entries(const struct kind *kind, struct svec *lines)
{
    const struct id_entry *number;

    svec_add_nocopy(lines, xasprintf("%s: max %"PRIu32", last %"PRIu32,
                                     kind->name, kind->max, kind->last));
    HMAP_FOR_EACH (number, key_node, &kind->by_key) {
        svec_add_nocopy(lines, xasprintf(
            "%s \"%s\": %"PRIu32", %u references", kind->name, number->key,
            number->value, number->n_refs));
    }
}

static void
format_list(const struct ovs_list *list, const char *title, struct ds *ds)
{
    const struct id_entry *number;

    LIST_FOR_EACH (number, node, list) {
        ds_put_format(ds, "%s: %s \"%s\" in %"PRIu64"\n", title,
                      number->kind->name, number->key, number->retired);
    }
}

void
id_pools_format(const struct id_pools *pool, struct ds *ds)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    const struct pending *pending;
    struct shash_node *node;
    const char *line;
    size_t i;

    SHASH_FOR_EACH (node, &pool->kinds) {
        format_entries(node->data, &lines);
    }
    HMAP_FOR_EACH (pending, node, &pool->pending) {
        svec_add_nocopy(&lines, xasprintf(
            "to write: %s \"%s\" %"PRIu32", round %"PRIu64,
            pending->kind->name, pending->key, pending->value,
            pending->round));
    }
    svec_sort(&lines);
    SVEC_FOR_EACH (i, line, &lines) {
        ds_put_format(ds, "%s\n", line);
    }
    svec_destroy(&lines);
    format_list(&pool->retired, "retired", ds);
    format_list(&pool->loaded, "not used since the start", ds);
    ds_put_format(ds, "revision %"PRIu64"\n", pool->revision);
}
