/* SPDX-License-Identifier: Apache-2.0
 *
 * The table (kind, key) -> number; see numbers.h.  A kind is made by its
 * declaration or by the first stored entry, whichever comes first. */

#include <config.h>

#include "controller/model/numbers.h"

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
    uint64_t n_freed;           /* By numbers_acked(). */
    struct hmap by_key;         /* Of struct number. */
    struct hmap by_value;
};

/* There are as many as rules times networks, so they are small. */
struct number {
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

struct numbers {
    struct shash kinds;         /* Of struct kind. */
    uint64_t revision;          /* For what is retired from now on. */
    struct ovs_list retired;    /* Ordered by revision. */
    struct ovs_list loaded;     /* Retired since before the start. */
    bool in_trial;
    uint64_t revision_before;   /* When the trial began. */
    size_t n_tried, allocated_tried;
    struct number **tried;      /* What the trial has touched. */

    struct hmap pending;
    uint64_t round;             /* Counts numbers_get_pending(). */
    size_t n_writes;            /* What the last of them returned. */
    struct number_write *writes;
};

struct numbers *
numbers_create(void)
{
    struct numbers *numbers = xzalloc(sizeof *numbers);

    shash_init(&numbers->kinds);
    ovs_list_init(&numbers->retired);
    ovs_list_init(&numbers->loaded);
    hmap_init(&numbers->pending);
    numbers->round = 1;
    return numbers;
}

static void
number_destroy(struct number *number)
{
    hmap_remove(&number->kind->by_key, &number->key_node);
    hmap_remove(&number->kind->by_value, &number->value_node);
    if (!number->n_refs) {
        ovs_list_remove(&number->node);
    }
    free(number);
}

static void
pending_destroy(struct numbers *numbers, struct pending *pending)
{
    hmap_remove(&numbers->pending, &pending->node);
    free(pending);
}

void
numbers_destroy(struct numbers *numbers)
{
    struct shash_node *node;
    struct pending *pending;

    if (!numbers) {
        return;
    }
    SHASH_FOR_EACH_SAFE (node, &numbers->kinds) {
        struct kind *kind = node->data;
        struct number *number;

        HMAP_FOR_EACH_SAFE (number, key_node, &kind->by_key) {
            number_destroy(number);
        }
        hmap_destroy(&kind->by_key);
        hmap_destroy(&kind->by_value);
        free(kind->name);
        free(kind);
        shash_delete(&numbers->kinds, node);
    }
    HMAP_FOR_EACH_SAFE (pending, node, &numbers->pending) {
        pending_destroy(numbers, pending);
    }
    hmap_destroy(&numbers->pending);
    shash_destroy(&numbers->kinds);
    free(numbers->tried);
    free(numbers->writes);
    free(numbers);
}

static struct kind *
get_kind(struct numbers *numbers, const char *name)
{
    struct kind *kind = shash_find_data(&numbers->kinds, name);

    if (!kind) {
        kind = xzalloc(sizeof *kind);
        kind->name = xstrdup(name);
        hmap_init(&kind->by_key);
        hmap_init(&kind->by_value);
        shash_add(&numbers->kinds, name, kind);
    }
    return kind;
}

int
numbers_declare(struct numbers *numbers, const char *name, uint32_t max)
{
    struct kind *kind = get_kind(numbers, name);

    if (kind->max && kind->max != max) {
        return EEXIST;
    }
    kind->max = max;
    return 0;
}

static struct number *
find_key(const struct kind *kind, const char *key)
{
    struct number *number;

    HMAP_FOR_EACH_WITH_HASH (number, key_node, hash_string(key, 0),
                             &kind->by_key) {
        if (!strcmp(number->key, key)) {
            return number;
        }
    }
    return NULL;
}

static struct number *
find_value(const struct kind *kind, uint32_t value)
{
    struct number *number;

    HMAP_FOR_EACH_WITH_HASH (number, value_node, hash_int(value, 0),
                             &kind->by_value) {
        if (number->value == value) {
            return number;
        }
    }
    return NULL;
}

static struct pending *
find_pending(const struct numbers *numbers, const struct kind *kind,
             const char *key)
{
    uint32_t hash = hash_string(key, hash_pointer(kind, 0));
    struct pending *pending;

    HMAP_FOR_EACH_WITH_HASH (pending, node, hash, &numbers->pending) {
        if (pending->kind == kind && !strcmp(pending->key, key)) {
            return pending;
        }
    }
    return NULL;
}

/* Notes that the store has to learn of (kind, key). */
static void
note(struct numbers *numbers, const struct kind *kind, const char *key,
     uint32_t value)
{
    struct pending *pending = find_pending(numbers, kind, key);
    size_t key_size = strlen(key) + 1;

    if (pending) {
        if (numbers->in_trial && !pending->saved) {
            pending->saved = true;
            pending->saved_value = pending->value;
            pending->saved_round = pending->round;
        }
        pending->value = value;
        pending->round = numbers->round;
        return;
    }
    pending = xzalloc(offsetof(struct pending, key) + key_size);
    pending->kind = kind;
    memcpy(pending->key, key, key_size);
    pending->value = value;
    pending->round = numbers->round;
    hmap_insert(&numbers->pending, &pending->node,
                hash_string(key, hash_pointer(kind, 0)));
}

/* Notes that the trial has touched 'number'; until its end no list of retired
 * ones changes. */
static void
try_number(struct numbers *numbers, struct number *number, bool listed)
{
    if (!number->tried) {
        number->tried = true;
        number->listed = listed;
        if (numbers->n_tried >= numbers->allocated_tried) {
            numbers->tried = x2nrealloc(numbers->tried,
                                        &numbers->allocated_tried,
                                        sizeof *numbers->tried);
        }
        numbers->tried[numbers->n_tried++] = number;
    }
}

/* Makes an entry without references, in no list. */
static struct number *
number_create(struct numbers *numbers, struct kind *kind, const char *key,
              uint32_t value)
{
    size_t key_size = strlen(key) + 1;
    struct number *number = xzalloc(offsetof(struct number, key) + key_size);

    number->kind = kind;
    memcpy(number->key, key, key_size);
    number->value = value;
    number->fresh = true;
    ovs_list_init(&number->node);
    hmap_insert(&kind->by_key, &number->key_node, hash_string(key, 0));
    hmap_insert(&kind->by_value, &number->value_node, hash_int(value, 0));
    if (numbers->in_trial) {
        number->made = true;
        try_number(numbers, number, false);
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

static struct number *
ref(struct numbers *numbers, struct number *number)
{
    if (!number->n_refs++) {
        if (numbers->in_trial) {
            try_number(numbers, number, true);
        } else {
            ovs_list_remove(&number->node);
            ovs_list_init(&number->node);
        }
    }
    return number;
}

struct number *
numbers_ref_again(struct number *number)
{
    ovs_assert(number->n_refs);
    number->n_refs++;
    return number;
}

struct number *
numbers_ref(struct numbers *numbers, const char *kind_name, const char *key)
{
    struct kind *kind = shash_find_data(&numbers->kinds, kind_name);
    struct number *number;

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
        number = number_create(numbers, kind, key, value);
        note(numbers, kind, key, value);
    }
    return ref(numbers, number);
}

/* Puts an entry that has lost its last reference with the retired ones. */
static void
retire(struct numbers *numbers, struct number *number)
{
    number->retired = numbers->revision;
    ovs_list_push_back(&numbers->retired, &number->node);
}

void
numbers_unref(struct numbers *numbers, struct number *number)
{
    if (number) {
        ovs_assert(number->n_refs);
        if (!--number->n_refs) {
            if (numbers->in_trial) {
                try_number(numbers, number, false);
            } else {
                retire(numbers, number);
            }
        }
    }
}

void
numbers_keep(struct number *number)
{
    if (number) {
        number->fresh = false;
    }
}

void
numbers_cancel(struct numbers *numbers, struct number *number)
{
    if (!number) {
        return;
    }

    bool fresh = number->fresh;
    numbers_unref(numbers, number);
    if (fresh && !number->n_refs && !numbers->in_trial) {
        note(numbers, number->kind, number->key, 0);
        number_destroy(number);
    }
}

uint32_t
number_value(const struct number *number)
{
    return number->value;
}

int
numbers_claim(struct numbers *numbers, const char *kind_name,
              const char *key, uint32_t value, struct number **numberp,
              const char **owner)
{
    struct kind *kind = shash_find_data(&numbers->kinds, kind_name);
    struct number *number;

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
        number = number_create(numbers, kind, key, value);
        note(numbers, kind, key, value);
    } else if (number->value != value || strcmp(number->key, key)) {
        *owner = number->key;
        return EEXIST;
    }
    *numberp = ref(numbers, number);
    return 0;
}

uint32_t
numbers_peek(const struct numbers *numbers, const char *kind_name,
             const char *key)
{
    const struct kind *kind = shash_find_data(&numbers->kinds, kind_name);
    const struct number *number = kind ? find_key(kind, key) : NULL;

    return number ? number->value : 0;
}

const char *
numbers_key_of(const struct numbers *numbers, const char *kind_name,
               uint32_t value)
{
    const struct kind *kind = shash_find_data(&numbers->kinds, kind_name);
    const struct number *number = kind ? find_value(kind, value) : NULL;

    return number ? number->key : NULL;
}

void
numbers_set_revision(struct numbers *numbers, uint64_t revision)
{
    struct number *number;

    /* What was loaded and is not in use by now goes the same way: hosts may
     * hold it until they have acknowledged a state of this process. */
    numbers->revision = revision;
    if (numbers->in_trial) {
        return;
    }
    LIST_FOR_EACH_POP (number, node, &numbers->loaded) {
        number->retired = revision;
        ovs_list_push_back(&numbers->retired, &number->node);
    }
}

void
numbers_acked(struct numbers *numbers, uint64_t revision)
{
    while (!ovs_list_is_empty(&numbers->retired)) {
        struct number *number = CONTAINER_OF(
            ovs_list_front(&numbers->retired), struct number, node);

        if (number->retired > revision) {
            break;
        }
        note(numbers, number->kind, number->key, 0);
        number->kind->n_freed++;
        number_destroy(number);
    }
}

uint64_t
numbers_n_freed(const struct numbers *numbers, const char *kind_name)
{
    const struct kind *kind = shash_find_data(&numbers->kinds, kind_name);

    return kind ? kind->n_freed : 0;
}

/* A trial.  -------------------------------------------------------------- */

void
numbers_begin_trial(struct numbers *numbers)
{
    struct shash_node *node;

    ovs_assert(!numbers->in_trial);
    numbers->in_trial = true;
    numbers->revision_before = numbers->revision;
    SHASH_FOR_EACH (node, &numbers->kinds) {
        struct kind *kind = node->data;

        kind->last_before = kind->last;
    }
}

/* Takes back what the store was to learn of an entry that the trial made. */
static void
forget_pending(struct numbers *numbers, const struct number *number)
{
    struct pending *pending = find_pending(numbers, number->kind,
                                           number->key);

    if (pending && pending->saved) {
        pending->value = pending->saved_value;
        pending->round = pending->saved_round;
    } else if (pending) {
        pending_destroy(numbers, pending);
    }
}

static void
end_trial_of(struct numbers *numbers, struct number *number)
{
    number->tried = false;
    if (number->made) {
        number->made = false;
        if (!number->n_refs) {
            forget_pending(numbers, number);
            number_destroy(number);
        }
    } else if (number->listed && number->n_refs) {
        ovs_list_remove(&number->node);
        ovs_list_init(&number->node);
    } else if (!number->listed && !number->n_refs) {
        retire(numbers, number);
    }
}

void
numbers_end_trial(struct numbers *numbers)
{
    struct shash_node *node;
    struct pending *pending;

    numbers->in_trial = false;
    numbers->revision = numbers->revision_before;
    for (size_t i = 0; i < numbers->n_tried; i++) {
        end_trial_of(numbers, numbers->tried[i]);
    }
    numbers->n_tried = 0;
    HMAP_FOR_EACH (pending, node, &numbers->pending) {
        pending->saved = false;
    }
    SHASH_FOR_EACH (node, &numbers->kinds) {
        struct kind *kind = node->data;

        kind->last = kind->last_before;
    }
}

/* The store.  ------------------------------------------------------------ */

void
numbers_get_pending(struct numbers *numbers, size_t *n,
                    const struct number_write **writes)
{
    struct pending *pending;

    free(numbers->writes);
    numbers->n_writes = 0;
    numbers->writes = xmalloc(MAX(hmap_count(&numbers->pending), 1)
                              * sizeof *numbers->writes);
    HMAP_FOR_EACH (pending, node, &numbers->pending) {
        numbers->writes[numbers->n_writes++] = (struct number_write) {
            pending->kind->name, pending->key, pending->value
        };
    }
    /* What changes while this is being written belongs to the next round. */
    numbers->round++;
    *n = numbers->n_writes;
    *writes = numbers->writes;
}

bool
numbers_has_pending(const struct numbers *numbers)
{
    return !hmap_is_empty(&numbers->pending);
}

void
numbers_written(struct numbers *numbers)
{
    struct pending *pending;

    HMAP_FOR_EACH_SAFE (pending, node, &numbers->pending) {
        if (pending->round < numbers->round) {
            pending_destroy(numbers, pending);
        }
    }
    /* A large state leaves as much room behind as it has numbers. */
    hmap_shrink(&numbers->pending);
    free(numbers->writes);
    numbers->writes = NULL;
    numbers->n_writes = 0;
}

struct number_write *
numbers_get_all(const struct numbers *numbers, size_t *n)
{
    struct number_write *writes = NULL;
    struct shash_node *node;
    size_t allocated = 0;

    *n = 0;
    SHASH_FOR_EACH (node, &numbers->kinds) {
        const struct kind *kind = node->data;
        const struct number *number;

        HMAP_FOR_EACH (number, key_node, &kind->by_key) {
            if (*n >= allocated) {
                writes = x2nrealloc(writes, &allocated, sizeof *writes);
            }
            writes[(*n)++] = (struct number_write) {
                kind->name, number->key, number->value
            };
        }
    }
    return writes;
}

int
numbers_load(struct numbers *numbers, const char *kind_name,
             const char *key, uint32_t value)
{
    struct kind *kind = get_kind(numbers, kind_name);
    struct number *number;

    if (!value) {
        return EINVAL;
    }
    if (find_key(kind, key) || find_value(kind, value)) {
        return EEXIST;
    }
    number = number_create(numbers, kind, key, value);
    number->fresh = false;
    ovs_list_push_back(&numbers->loaded, &number->node);
    kind->last = MAX(kind->last, value);
    return 0;
}

/* Looking.  -------------------------------------------------------------- */

static void
format_entries(const struct kind *kind, struct svec *lines)
{
    const struct number *number;

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
    const struct number *number;

    LIST_FOR_EACH (number, node, list) {
        ds_put_format(ds, "%s: %s \"%s\" in %"PRIu64"\n", title,
                      number->kind->name, number->key, number->retired);
    }
}

void
numbers_format(const struct numbers *numbers, struct ds *ds)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    const struct pending *pending;
    struct shash_node *node;
    const char *line;
    size_t i;

    SHASH_FOR_EACH (node, &numbers->kinds) {
        format_entries(node->data, &lines);
    }
    HMAP_FOR_EACH (pending, node, &numbers->pending) {
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
    format_list(&numbers->retired, "retired", ds);
    format_list(&numbers->loaded, "not used since the start", ds);
    ds_put_format(ds, "revision %"PRIu64"\n", numbers->revision);
}
