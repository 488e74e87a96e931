/* SPDX-License-Identifier: Apache-2.0
 *
 * ID pools: the table (pool, key) -> ID; see id-pools.h.  A pool is created by
 * its declaration or by the first stored entry, whichever comes first. */

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

struct id_pool {
    char *name;
    uint32_t max;               /* 0: not declared yet. */
    uint32_t last;              /* The last one allocated; the next search
                                 * starts after it. */
    uint32_t last_before;       /* 'last' when the dry run began. */
    uint64_t n_freed;           /* See id_pools_n_freed(). */
    bool refused;               /* Since then somebody got no ID. */
    struct hmap by_key;         /* Of struct id_entry. */
    struct hmap by_value;
};

/* An allocated ID.  There are as many as rules times networks: it is small. */
struct id_entry {
    struct hmap_node key_node;
    struct hmap_node value_node;
    struct id_pool *pool;
    uint64_t retired;           /* If there are no references: the revision
                                 * that released the last one. */
    struct ovs_list node;       /* In 'retired' or 'loaded', likewise. */
    uint32_t value;
    unsigned n_refs;
    bool fresh;                 /* Allocated by a change that may still be
                                 * cancelled. */

    /* Members of a dry run. */
    bool touched;               /* Is in 'touched' of struct id_pools. */
    bool listed;                /* Is in 'retired' or 'loaded', even if it has
                                 * references now. */
    bool created;               /* The dry run allocated it. */
    char key[];
};

/* A change of (pool, key) that is not written to the store yet. */
struct pending {
    struct hmap_node node;
    const struct id_pool *pool;
    uint64_t round;             /* The round in which it was changed. */
    uint32_t value;             /* 0: freed. */

    /* The values that a dry run has overwritten. */
    uint32_t saved_value;
    uint64_t saved_round;
    bool saved;
    char key[];
};

struct id_pools {
    struct shash by_name;       /* Contains struct id_pool. */
    uint64_t revision;          /* Revision of entries that are retired from
                                 * now on. */
    struct ovs_list retired;    /* Retired entries, ordered by revision. */
    struct ovs_list loaded;     /* Loaded entries that were retired before the
                                 * start. */
    bool frozen;
    bool in_dry_run;
    uint64_t revision_before;   /* 'revision' when the dry run began. */
    size_t n_touched, allocated_touched;
    struct id_entry **touched;  /* Entries that the dry run changed. */

    struct hmap pending;
    uint64_t round;             /* Number of calls of
                                 * id_pools_get_pending(). */
    size_t n_writes;            /* How many it returned last. */
    struct id_write *writes;
};

struct id_pools *
id_pools_create(void)
{
    struct id_pools *pools = xzalloc(sizeof *pools);

    shash_init(&pools->by_name);
    ovs_list_init(&pools->retired);
    ovs_list_init(&pools->loaded);
    hmap_init(&pools->pending);
    pools->round = 1;
    return pools;
}

static void
entry_destroy(struct id_entry *entry)
{
    hmap_remove(&entry->pool->by_key, &entry->key_node);
    hmap_remove(&entry->pool->by_value, &entry->value_node);
    if (!entry->n_refs) {
        ovs_list_remove(&entry->node);
    }
    free(entry);
}

static void
pending_destroy(struct id_pools *pools, struct pending *pending)
{
    hmap_remove(&pools->pending, &pending->node);
    free(pending);
}

void
id_pools_destroy(struct id_pools *pools)
{
    struct shash_node *node;
    struct pending *pending;

    if (!pools) {
        return;
    }
    SHASH_FOR_EACH_SAFE (node, &pools->by_name) {
        struct id_pool *pool = node->data;
        struct id_entry *entry;

        HMAP_FOR_EACH_SAFE (entry, key_node, &pool->by_key) {
            entry_destroy(entry);
        }
        hmap_destroy(&pool->by_key);
        hmap_destroy(&pool->by_value);
        free(pool->name);
        free(pool);
        shash_delete(&pools->by_name, node);
    }
    HMAP_FOR_EACH_SAFE (pending, node, &pools->pending) {
        pending_destroy(pools, pending);
    }
    hmap_destroy(&pools->pending);
    shash_destroy(&pools->by_name);
    free(pools->touched);
    free(pools->writes);
    free(pools);
}

static struct id_pool *
get_pool(struct id_pools *pools, const char *name)
{
    struct id_pool *pool = shash_find_data(&pools->by_name, name);

    if (!pool) {
        pool = xzalloc(sizeof *pool);
        pool->name = xstrdup(name);
        hmap_init(&pool->by_key);
        hmap_init(&pool->by_value);
        shash_add(&pools->by_name, name, pool);
    }
    return pool;
}

int
id_pools_declare(struct id_pools *pools, const char *name, uint32_t max)
{
    struct id_pool *pool = get_pool(pools, name);

    if (pool->max && pool->max != max) {
        return EEXIST;
    }
    pool->max = max;
    return 0;
}

static struct id_entry *
find_key(const struct id_pool *pool, const char *key)
{
    struct id_entry *entry;

    HMAP_FOR_EACH_WITH_HASH (entry, key_node, hash_string(key, 0),
                             &pool->by_key) {
        if (!strcmp(entry->key, key)) {
            return entry;
        }
    }
    return NULL;
}

static struct id_entry *
find_value(const struct id_pool *pool, uint32_t value)
{
    struct id_entry *entry;

    HMAP_FOR_EACH_WITH_HASH (entry, value_node, hash_int(value, 0),
                             &pool->by_value) {
        if (entry->value == value) {
            return entry;
        }
    }
    return NULL;
}

static struct pending *
find_pending(const struct id_pools *pools, const struct id_pool *pool,
             const char *key)
{
    uint32_t hash = hash_string(key, hash_pointer(pool, 0));
    struct pending *pending;

    HMAP_FOR_EACH_WITH_HASH (pending, node, hash, &pools->pending) {
        if (pending->pool == pool && !strcmp(pending->key, key)) {
            return pending;
        }
    }
    return NULL;
}

/* Records that (pool, key) must be written to the store. */
static void
note(struct id_pools *pools, const struct id_pool *pool, const char *key,
     uint32_t value)
{
    struct pending *pending = find_pending(pools, pool, key);
    size_t key_size = strlen(key) + 1;

    if (pending) {
        if (pools->in_dry_run && !pending->saved) {
            pending->saved = true;
            pending->saved_value = pending->value;
            pending->saved_round = pending->round;
        }
        pending->value = value;
        pending->round = pools->round;
        return;
    }
    pending = xzalloc(offsetof(struct pending, key) + key_size);
    pending->pool = pool;
    memcpy(pending->key, key, key_size);
    pending->value = value;
    pending->round = pools->round;
    hmap_insert(&pools->pending, &pending->node,
                hash_string(key, hash_pointer(pool, 0)));
}

/* Records that the dry run has touched 'entry'.  The lists of retired entries
 * do not change before its end. */
static void
touch_entry(struct id_pools *pools, struct id_entry *entry, bool listed)
{
    if (!entry->touched) {
        entry->touched = true;
        entry->listed = listed;
        if (pools->n_touched >= pools->allocated_touched) {
            pools->touched = x2nrealloc(pools->touched,
                                        &pools->allocated_touched,
                                        sizeof *pools->touched);
        }
        pools->touched[pools->n_touched++] = entry;
    }
}

/* Creates an entry without references, in no list. */
static struct id_entry *
entry_create(struct id_pools *pools, struct id_pool *pool, const char *key,
              uint32_t value)
{
    size_t key_size = strlen(key) + 1;
    struct id_entry *entry = xzalloc(offsetof(struct id_entry, key)
                                      + key_size);

    entry->pool = pool;
    memcpy(entry->key, key, key_size);
    entry->value = value;
    entry->fresh = true;
    ovs_list_init(&entry->node);
    hmap_insert(&pool->by_key, &entry->key_node, hash_string(key, 0));
    hmap_insert(&pool->by_value, &entry->value_node, hash_int(value, 0));
    if (pools->in_dry_run) {
        entry->created = true;
        touch_entry(pools, entry, false);
    }
    return entry;
}

/* Returns an ID that no key has, or 0 if there is none.  Searches from the one
 * that was allocated last, so that a freed ID is reused as late as
 * possible. */
static uint32_t
find_free(const struct id_pool *pool)
{
    uint32_t value = pool->last;

    if (hmap_count(&pool->by_value) >= pool->max) {
        /* Entries above 'max' may come from another version.  The search below
         * might find a free ID then; the pool still counts as exhausted. */
        return 0;
    }
    do {
        value = value >= pool->max ? 1 : value + 1;
    } while (find_value(pool, value));
    return value;
}

static struct id_entry *
ref(struct id_pools *pools, struct id_entry *entry)
{
    if (!entry->n_refs++) {
        if (pools->in_dry_run) {
            touch_entry(pools, entry, true);
        } else {
            ovs_list_remove(&entry->node);
            ovs_list_init(&entry->node);
        }
    }
    return entry;
}

struct id_entry *
id_pools_ref_again(struct id_entry *entry)
{
    ovs_assert(entry->n_refs);
    entry->n_refs++;
    return entry;
}

/* Has those ask again who were refused an ID. */
static void
offer(struct id_pool *pool)
{
    pool->n_freed += pool->refused;
    pool->refused = false;
}

void
id_pools_set_frozen(struct id_pools *pools, bool frozen)
{
    struct shash_node *node;

    pools->frozen = frozen;
    SHASH_FOR_EACH (node, &pools->by_name) {
        offer(node->data);
    }
}

struct id_entry *
id_pools_ref(struct id_pools *pools, const char *pool_name, const char *key)
{
    struct id_pool *pool = shash_find_data(&pools->by_name, pool_name);
    struct id_entry *entry;

    if (!pool || !pool->max) {
        return NULL;
    }
    entry = find_key(pool, key);
    if (!entry) {
        uint32_t value = pools->frozen ? 0 : find_free(pool);

        if (!value) {
            pool->refused = true;
            return NULL;
        }
        pool->last = value;
        entry = entry_create(pools, pool, key, value);
        note(pools, pool, key, value);
    }
    return ref(pools, entry);
}

/* Appends an entry that has lost its last reference to the retired ones. */
static void
retire(struct id_pools *pools, struct id_entry *entry)
{
    entry->retired = pools->revision;
    ovs_list_push_back(&pools->retired, &entry->node);
}

void
id_pools_unref(struct id_pools *pools, struct id_entry *entry)
{
    if (entry) {
        ovs_assert(entry->n_refs);
        if (!--entry->n_refs) {
            if (pools->in_dry_run) {
                touch_entry(pools, entry, false);
            } else {
                retire(pools, entry);
            }
        }
    }
}

void
id_pools_keep(struct id_entry *entry)
{
    if (entry) {
        entry->fresh = false;
    }
}

void
id_pools_cancel(struct id_pools *pools, struct id_entry *entry)
{
    if (!entry) {
        return;
    }

    bool fresh = entry->fresh;
    id_pools_unref(pools, entry);
    if (fresh && !entry->n_refs && !pools->in_dry_run) {
        note(pools, entry->pool, entry->key, 0);
        entry_destroy(entry);
    }
}

uint32_t
id_entry_value(const struct id_entry *entry)
{
    return entry->value;
}

const char *
id_entry_key(const struct id_entry *entry, const char **pool)
{
    *pool = entry->pool->name;
    return entry->key;
}

int
id_pools_claim(struct id_pools *pools, const char *pool_name,
               const char *key, uint32_t value, struct id_entry **entryp,
               const char **owner)
{
    struct id_pool *pool = shash_find_data(&pools->by_name, pool_name);
    struct id_entry *entry;

    *entryp = NULL;
    *owner = NULL;
    if (!pool || !value || value > pool->max) {
        return EINVAL;
    }
    entry = find_value(pool, value);
    if (!entry) {
        entry = find_key(pool, key);
    }
    if (!entry) {
        entry = entry_create(pools, pool, key, value);
        note(pools, pool, key, value);
    } else if (entry->value != value || strcmp(entry->key, key)) {
        *owner = entry->key;
        return EEXIST;
    }
    *entryp = ref(pools, entry);
    return 0;
}

uint32_t
id_pools_peek(const struct id_pools *pools, const char *pool_name,
              const char *key)
{
    const struct id_pool *pool = shash_find_data(&pools->by_name, pool_name);
    const struct id_entry *entry = pool ? find_key(pool, key) : NULL;

    return entry ? entry->value : 0;
}

const char *
id_pools_key_of(const struct id_pools *pools, const char *pool_name,
                uint32_t value)
{
    const struct id_pool *pool = shash_find_data(&pools->by_name, pool_name);
    const struct id_entry *entry = pool ? find_value(pool, value) : NULL;

    return entry ? entry->key : NULL;
}

void
id_pools_set_revision(struct id_pools *pools, uint64_t revision)
{
    struct id_entry *entry;

    /* Entries that were loaded and are not in use by now are retired, too:
     * switches may hold their IDs until all hosts have acknowledged a revision
     * of this process. */
    pools->revision = revision;
    if (pools->in_dry_run) {
        return;
    }
    LIST_FOR_EACH_POP (entry, node, &pools->loaded) {
        entry->retired = revision;
        ovs_list_push_back(&pools->retired, &entry->node);
    }
}

void
id_pools_acked(struct id_pools *pools, uint64_t revision)
{
    while (!pools->frozen && !ovs_list_is_empty(&pools->retired)) {
        struct id_entry *entry = CONTAINER_OF(
            ovs_list_front(&pools->retired), struct id_entry, node);

        if (entry->retired > revision) {
            break;
        }
        note(pools, entry->pool, entry->key, 0);
        entry->pool->n_freed++;
        entry_destroy(entry);
    }
}

uint64_t
id_pools_n_freed(const struct id_pools *pools, const char *pool_name)
{
    const struct id_pool *pool = shash_find_data(&pools->by_name, pool_name);

    return pool ? pool->n_freed : 0;
}

/* Dry runs.  -------------------------------------------------------------- */

void
id_pools_begin_dry_run(struct id_pools *pools)
{
    struct shash_node *node;

    ovs_assert(!pools->in_dry_run);
    pools->in_dry_run = true;
    pools->revision_before = pools->revision;
    SHASH_FOR_EACH (node, &pools->by_name) {
        struct id_pool *pool = node->data;

        pool->last_before = pool->last;
    }
}

/* Drops the pending write of an entry that the dry run created. */
static void
forget_pending(struct id_pools *pools, const struct id_entry *entry)
{
    struct pending *pending = find_pending(pools, entry->pool,
                                           entry->key);

    if (pending && pending->saved) {
        pending->value = pending->saved_value;
        pending->round = pending->saved_round;
    } else if (pending) {
        pending_destroy(pools, pending);
    }
}

static void
end_dry_run_of(struct id_pools *pools, struct id_entry *entry)
{
    entry->touched = false;
    if (entry->created) {
        entry->created = false;
        if (!entry->n_refs) {
            forget_pending(pools, entry);
            entry_destroy(entry);
        }
    } else if (entry->listed && entry->n_refs) {
        ovs_list_remove(&entry->node);
        ovs_list_init(&entry->node);
    } else if (!entry->listed && !entry->n_refs) {
        retire(pools, entry);
    }
}

void
id_pools_end_dry_run(struct id_pools *pools)
{
    struct shash_node *node;
    struct pending *pending;

    pools->in_dry_run = false;
    pools->revision = pools->revision_before;
    for (size_t i = 0; i < pools->n_touched; i++) {
        end_dry_run_of(pools, pools->touched[i]);
    }
    pools->n_touched = 0;
    HMAP_FOR_EACH (pending, node, &pools->pending) {
        pending->saved = false;
    }
    SHASH_FOR_EACH (node, &pools->by_name) {
        struct id_pool *pool = node->data;

        pool->last = pool->last_before;
    }
}

/* The store.  ------------------------------------------------------------- */

void
id_pools_get_pending(struct id_pools *pools, size_t *n,
                     const struct id_write **writes)
{
    struct pending *pending;

    free(pools->writes);
    pools->n_writes = 0;
    pools->writes = xmalloc(MAX(hmap_count(&pools->pending), 1)
                              * sizeof *pools->writes);
    HMAP_FOR_EACH (pending, node, &pools->pending) {
        pools->writes[pools->n_writes++] = (struct id_write) {
            pending->pool->name, pending->key, pending->value
        };
    }
    /* Changes from now on belong to the next round. */
    pools->round++;
    *n = pools->n_writes;
    *writes = pools->writes;
}

bool
id_pools_has_pending(const struct id_pools *pools)
{
    return !hmap_is_empty(&pools->pending);
}

void
id_pools_written(struct id_pools *pools)
{
    struct pending *pending;

    HMAP_FOR_EACH_SAFE (pending, node, &pools->pending) {
        if (pending->round < pools->round) {
            pending_destroy(pools, pending);
        }
    }
    /* After a large state was loaded, the table has room for all of its
     * IDs. */
    hmap_shrink(&pools->pending);
    free(pools->writes);
    pools->writes = NULL;
    pools->n_writes = 0;
}

struct id_write *
id_pools_get_all(const struct id_pools *pools, size_t *n)
{
    struct id_write *writes = NULL;
    struct shash_node *node;
    size_t allocated = 0;

    *n = 0;
    SHASH_FOR_EACH (node, &pools->by_name) {
        const struct id_pool *pool = node->data;
        const struct id_entry *entry;

        HMAP_FOR_EACH (entry, key_node, &pool->by_key) {
            if (*n >= allocated) {
                writes = x2nrealloc(writes, &allocated, sizeof *writes);
            }
            writes[(*n)++] = (struct id_write) {
                pool->name, entry->key, entry->value
            };
        }
    }
    return writes;
}

/* Returns true if the ID was asked for.  The search for others does not go on
 * among such IDs: who asks for them, Neutron say, will ask for more there. */
static bool
was_claimed(const struct id_entry *entry)
{
    const char *end = strrchr(entry->key, '=');
    uint32_t value;

    return end && ovs_scan(end, "=%"SCNu32, &value) && value == entry->value;
}

int
id_pools_load(struct id_pools *pools, const char *pool_name,
              const char *key, uint32_t value)
{
    struct id_pool *pool = get_pool(pools, pool_name);
    struct id_entry *entry;

    if (!value) {
        return EINVAL;
    }
    if (find_key(pool, key) || find_value(pool, value)) {
        return EEXIST;
    }
    entry = entry_create(pools, pool, key, value);
    entry->fresh = false;
    ovs_list_push_back(&pools->loaded, &entry->node);
    if (!was_claimed(entry)) {
        pool->last = MAX(pool->last, value);
    }
    return 0;
}

/* Replication.  ----------------------------------------------------------- */

/* Removes the entry unless it is as in 'write'.  Returns false if it is in
 * use. */
static bool
remove_former(struct id_pools *pools, const struct id_write *write)
{
    struct id_pool *pool = get_pool(pools, write->pool);
    struct id_entry *entry = find_key(pool, write->key);

    if (!entry || entry->value == write->value) {
        return true;
    }
    if (entry->n_refs) {
        return false;
    }
    note(pools, pool, entry->key, 0);
    pool->n_freed++;
    entry_destroy(entry);
    return true;
}

int
id_pools_replicate(struct id_pools *pools, const struct id_write *writes,
                   size_t n)
{
    /* An ID may pass from one key to another. */
    for (size_t i = 0; i < n; i++) {
        if (!remove_former(pools, &writes[i])) {
            return EINVAL;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct id_write *w = &writes[i];
        struct id_pool *pool = get_pool(pools, w->pool);

        if (!w->value || find_key(pool, w->key)) {
            continue;
        }
        if (id_pools_load(pools, w->pool, w->key, w->value)) {
            return EINVAL;
        }
        note(pools, pool, w->key, w->value);
        offer(pool);
    }
    return 0;
}

/* Formatting.  ------------------------------------------------------------ */

static void
format_entries(const struct id_pool *pool, struct svec *lines)
{
    const struct id_entry *entry;

    svec_add_nocopy(lines, xasprintf("%s: max %"PRIu32", last %"PRIu32,
                                     pool->name, pool->max, pool->last));
    HMAP_FOR_EACH (entry, key_node, &pool->by_key) {
        svec_add_nocopy(lines, xasprintf(
            "%s \"%s\": %"PRIu32", %u references", pool->name, entry->key,
            entry->value, entry->n_refs));
    }
}

static void
format_list(const struct ovs_list *list, const char *title, struct ds *ds)
{
    const struct id_entry *entry;

    LIST_FOR_EACH (entry, node, list) {
        ds_put_format(ds, "%s: %s \"%s\" in %"PRIu64"\n", title,
                      entry->pool->name, entry->key, entry->retired);
    }
}

void
id_pools_format(const struct id_pools *pools, struct ds *ds)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    const struct pending *pending;
    struct shash_node *node;
    const char *line;
    size_t i;

    SHASH_FOR_EACH (node, &pools->by_name) {
        format_entries(node->data, &lines);
    }
    HMAP_FOR_EACH (pending, node, &pools->pending) {
        svec_add_nocopy(&lines, xasprintf(
            "to write: %s \"%s\" %"PRIu32", round %"PRIu64,
            pending->pool->name, pending->key, pending->value,
            pending->round));
    }
    svec_sort(&lines);
    SVEC_FOR_EACH (i, line, &lines) {
        ds_put_format(ds, "%s\n", line);
    }
    svec_destroy(&lines);
    format_list(&pools->retired, "retired", ds);
    format_list(&pools->loaded, "not used since the start", ds);
    ds_put_format(ds, "revision %"PRIu64"\n", pools->revision);
}
