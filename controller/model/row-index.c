/* SPDX-License-Identifier: Apache-2.0
 *
 * Indexes over current rows: those that apps read (enum vmn_index), and those
 * that checks need.  Which keys a row is at is said by its table's class. */

#include <config.h>

#include "controller/model/row-index.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/changes.h"
#include "controller/model/model-class.h"
#include "controller/model/model-private.h"
#include "controller/schema/schema-row.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct index_node {
    struct hmap_node node;
    int index;
    char *key;
    struct name_set set;
};

static struct index_node *
find_node(const struct model *model, int index, const char *key,
          uint32_t *hash)
{
    struct index_node *node;

    *hash = hash_string(key, index);
    HMAP_FOR_EACH_WITH_HASH (node, node, *hash, &model->index) {
        if (node->index == index && !strcmp(node->key, key)) {
            return node;
        }
    }
    return NULL;
}

const struct name_set *
index_get(const struct model *model, int index, const char *key)
{
    static const struct name_set empty;
    uint32_t hash;
    const struct index_node *node = find_node(model, index, key, &hash);

    return node ? &node->set : &empty;
}

static void
node_destroy(struct model *model, struct index_node *node)
{
    hmap_remove(&model->index, &node->node);
    free(node->set.names);
    free(node->key);
    free(node);
}

/* Adds or removes 'name', which must live as long as it is in the index: it is
 * an entry's. */
void
index_put(struct model *model, int index, const char *key, const char *name,
          bool add)
{
    uint32_t hash;
    struct index_node *node = find_node(model, index, key, &hash);

    if (add) {
        if (!node) {
            node = xzalloc(sizeof *node);
            node->index = index;
            node->key = xstrdup(key);
            hmap_insert(&model->index, &node->node, hash);
        }
        name_set_add(&node->set, name);
    } else if (node) {
        name_set_remove(&node->set, name);
        if (!node->set.n) {
            node_destroy(model, node);
        }
    }
}

void
index_destroy(struct model *model)
{
    struct index_node *node;

    HMAP_FOR_EACH_SAFE (node, node, &model->index) {
        node_destroy(model, node);
    }
    hmap_destroy(&model->index);
}

const char *
index_find_other(const struct model *model, int index, const char *key,
                 const char *name)
{
    const struct name_set *names = index_get(model, index, key);

    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], name)) {
            return names->names[i];
        }
    }
    return NULL;
}

const char *
index_find_other_in(const struct model *model, int index, const char *where,
                    const char *text, const char *name)
{
    char *key = xasprintf("%s/%s", where, text);
    const char *other = index_find_other(model, index, key, name);

    free(key);
    return other;
}

/* Which keys a row is at.  ------------------------------------------------ */

/* Passes "KEY" to the sink.  Each change of a row makes all of its keys
 * several times, so printf() would be too slow. */
void
index_add(const struct index_sink *sink, int index, const char *key)
{
    sink->cb(sink->aux, index, key);
}

void
index_add_joined(const struct index_sink *sink, int index, const char *a,
                 char between, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    char buf[512];              /* Names and labels are shorter than this. */
    char *key = a_len + b_len + 2 <= sizeof buf ? buf
                : xmalloc(a_len + b_len + 2);

    memcpy(key, a, a_len);
    key[a_len] = between;
    memcpy(key + a_len + 1, b, b_len + 1);
    index_add(sink, index, key);
    if (key != buf) {
        free(key);
    }
}

/* Returns how much a term narrows down the ports that can match: see
 * VMN_INDEX_GROUP_BY_ANCHOR in app.h. */
static int
anchor_rank(const struct vmn_selector_term *term)
{
    bool asks = term->op == VMN_SEL_IN || term->op == VMN_SEL_EXISTS;

    return !asks ? 0 : term->n_values == 1 ? 2 : 1;
}

void
index_add_anchor(const struct index_sink *sink, int index,
                 const struct vmn_selector *selector)
{
    const struct vmn_selector_term *best = NULL;

    for (size_t i = 0; i < selector->n_terms; i++) {
        const struct vmn_selector_term *term = &selector->terms[i];

        if (anchor_rank(term) > (best ? anchor_rank(best) : 0)) {
            best = term;
        }
    }
    if (!best) {
        index_add(sink, index, "");
    } else if (best->n_values == 1) {
        index_add_joined(sink, index, best->key, '=', best->values[0]);
    } else {
        index_add(sink, index, best->key);
    }
}

static void
add_ref(void *sink_, enum vmn_table target, const char *name,
        const struct schema_field *f OVS_UNUSED,
        const char *pointer OVS_UNUSED)
{
    const struct index_sink *sink = sink_;

    index_add(sink, index_refs(target, sink->row->table), name);
}

/* Passes the keys of 'version' in indexes below 'end' to 'cb', and maybe
 * others. */
static void
add_keys(const struct model *model, const struct version *version, int end,
         index_cb *cb, void *aux)
{
    const struct vmn_row *row = version->row;
    const struct model_class *class = model->classes[row->table];
    struct index_sink sink = { cb, aux, row };

    if (class->add_keys) {
        class->add_keys(&sink, row);
    }
    if (end <= INDEX_SET) {
        return;
    }
    if (version->meta.set) {
        index_add(&sink, INDEX_SET + row->table, version->meta.set);
    }
    if (version->meta.unknown) {
        index_add(&sink, INDEX_UNKNOWN + row->table, "");
    }
    schema_row_refs(row, add_ref, &sink);
}

struct putter {
    struct model *model;
    const char *name;           /* Borrowed from the entry. */
    bool add;
    bool note;                  /* Report keys of enum vmn_index. */
};

static void
put_difference(void *putter_, int index, const char *key, bool add)
{
    const struct putter *putter = putter_;

    index_put(putter->model, index, key, putter->name, add);
    if (putter->note && index < VMN_N_INDEXES) {
        changes_add(putter->model, MODEL_CHANGE_INDEX, index, key);
    }
}

static void
put_key(void *putter_, int index, const char *key)
{
    const struct putter *putter = putter_;

    put_difference(putter_, index, key, putter->add);
}

void
index_version(struct model *model, const struct entry *entry,
              const struct version *version, bool add)
{
    struct putter putter = { model, entry->name, add, false };

    add_keys(model, version, N_INDEXES, put_key, &putter);
}

/* What differs.  ---------------------------------------------------------- */

/* Keys of a version, as add_keys() passes them: in the same order for all
 * versions of a row, and some twice. */
struct index_keys {
    size_t n, allocated;
    struct index_key {
        int index;
        size_t at;              /* Of its text in 'text'. */
        const char *text;       /* Once all are collected. */
    } *keys;
    struct ds text;
    int end;                    /* Keys of lower indexes are collected. */
};

static void
collect_key(void *keys_, int index, const char *key)
{
    struct index_keys *keys = keys_;

    if (index < keys->end) {
        if (keys->n >= keys->allocated) {
            keys->keys = x2nrealloc(keys->keys, &keys->allocated,
                                    sizeof *keys->keys);
        }
        keys->keys[keys->n++] = (struct index_key) {
            .index = index, .at = keys->text.length,
        };
        ds_put_buffer(&keys->text, key, strlen(key) + 1);
    }
}

static int
compare_keys(const void *a_, const void *b_)
{
    const struct index_key *a = a_;
    const struct index_key *b = b_;

    return a->index != b->index ? (a->index < b->index ? -1 : 1)
                                : strcmp(a->text, b->text);
}

/* Collects the keys of 'version' (NULL: none) in indexes below 'end'.  The
 * caller frees them by free_keys(). */
static void
collect_keys(const struct model *model, const struct version *version,
             int end, struct index_keys *keys)
{
    *keys = (struct index_keys) { .text = DS_EMPTY_INITIALIZER, .end = end };
    if (!version) {
        return;
    }
    /* Enough for most. */
    keys->allocated = 32;
    keys->keys = xmalloc(keys->allocated * sizeof *keys->keys);
    ds_reserve(&keys->text, 500);
    add_keys(model, version, end, collect_key, keys);
    for (size_t i = 0; i < keys->n; i++) {
        keys->keys[i].text = ds_cstr(&keys->text) + keys->keys[i].at;
    }
}

static void
free_keys(struct index_keys *keys)
{
    free(keys->keys);
    ds_destroy(&keys->text);
}

/* Sorts the keys from the one at 'from' on, and returns the end of the
 * distinct ones, which are before the others then. */
static size_t
sort_keys(struct index_keys *keys, size_t from, size_t end)
{
    size_t n = from;

    if (end - from > 1) {
        qsort(&keys->keys[from], end - from, sizeof *keys->keys,
              compare_keys);
    }
    for (size_t i = from; i < end; i++) {
        if (n == from || compare_keys(&keys->keys[n - 1], &keys->keys[i])) {
            keys->keys[n++] = keys->keys[i];
        }
    }
    return n;
}

/* Returns true if 'key' is among those from 'from' on to before 'end'. */
static bool
has_key(const struct index_keys *keys, size_t from, size_t end,
        const struct index_key *key)
{
    for (size_t i = from; i < end; i++) {
        if (!compare_keys(&keys->keys[i], key)) {
            return true;
        }
    }
    return false;
}

/* Two versions of a row differ in a few keys as a rule, so those with which
 * both begin and end are not sorted.  If more than so many are left all are:
 * each that differs is looked for among the others. */
#define UNSORTED_FEW 16

/* Finds with how many keys both begin, and end. */
static void
find_same(const struct index_keys *a, const struct index_keys *b,
          size_t *n_first, size_t *n_last)
{
    size_t n = MIN(a->n, b->n), first = 0, last = 0;

    while (first < n && !compare_keys(&a->keys[first], &b->keys[first])) {
        first++;
    }
    while (last < n - first && !compare_keys(&a->keys[a->n - 1 - last],
                                             &b->keys[b->n - 1 - last])) {
        last++;
    }
    if (a->n + b->n - 2 * (first + last) > UNSORTED_FEW) {
        first = last = 0;
    }
    *n_first = first;
    *n_last = last;
}

/* Passes each key of an index below 'end' at which only one of the versions
 * is, either of which may be NULL, to 'cb', with true if that is 'b'. */
static void
each_difference(const struct model *model, const struct version *a,
                const struct version *b, int end,
                void (*cb)(void *aux, int index, const char *key, bool add),
                void *aux)
{
    struct index_keys as, bs;
    size_t n_first, n_last;

    collect_keys(model, a, end, &as);
    collect_keys(model, b, end, &bs);
    find_same(&as, &bs, &n_first, &n_last);

    size_t i = n_first, end_as = sort_keys(&as, i, as.n - n_last);
    size_t j = n_first, end_bs = sort_keys(&bs, j, bs.n - n_last);

    while (i < end_as || j < end_bs) {
        int cmp = i >= end_as ? 1 : j >= end_bs ? -1
                  : compare_keys(&as.keys[i], &bs.keys[j]);
        const struct index_key *key = cmp <= 0 ? &as.keys[i] : &bs.keys[j];

        if (cmp && !has_key(&as, 0, n_first, key)
            && !has_key(&as, as.n - n_last, as.n, key)) {
            cb(aux, key->index, key->text, cmp > 0);
        }
        i += cmp <= 0;
        j += cmp >= 0;
    }
    free_keys(&as);
    free_keys(&bs);
}

void
index_change(struct model *model, const struct entry *entry,
             const struct version *from, const struct version *to, bool note)
{
    struct putter putter = { model, entry->name, to != NULL, note };

    if (from && to) {
        each_difference(model, from, to, N_INDEXES, put_difference, &putter);
    } else if (from || to) {
        add_keys(model, from ? from : to, N_INDEXES, put_key, &putter);
    }
}

static void
note_difference(void *model, int index, const char *key, bool add OVS_UNUSED)
{
    changes_add(model, MODEL_CHANGE_INDEX, index, key);
}

void
index_note_changes(struct model *model, const struct version *a,
                   const struct version *b)
{
    each_difference(model, a, b, VMN_N_INDEXES, note_difference, model);
}
