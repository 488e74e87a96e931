/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash map of keys, and a list of them in the order of their revisions, by
 * which they are forgotten; see request-keys.h. */

#include <config.h>

#include "controller/model/request-keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/model/txn.h"
#include "controller/schema/error.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"
#include "util.h"

struct request_keys {
    struct hmap by_key;         /* Of struct request_key. */
    struct ovs_list order;      /* The same, oldest first. */
    struct shash authors;       /* Of struct key_author. */
};

struct key_author {
    struct ovs_list keys;       /* Of struct request_key, oldest first. */
    size_t n;
};

struct request_key {
    struct hmap_node node;
    struct ovs_list in_order;
    struct ovs_list of_author;  /* In 'author'. */
    struct key_author *author;
    uint64_t revision;
    int64_t time_ms;
    char digest[MODEL_DIGEST_LEN + 1];
    size_t author_len;
    char text[];                /* The author, and the key. */
};

bool
model_key_is_valid(const char *key)
{
    size_t n = 0;

    for (; key[n]; n++) {
        if (key[n] <= ' ' || key[n] >= 0x7f) {
            return false;
        }
    }
    return n && n <= MODEL_KEY_LEN;
}

bool
model_digest_is_valid(const char *digest)
{
    return (strlen(digest) == MODEL_DIGEST_LEN
            && strspn(digest, "0123456789abcdef") == MODEL_DIGEST_LEN);
}

struct request_keys *
request_keys_create(void)
{
    struct request_keys *keys = xmalloc(sizeof *keys);

    hmap_init(&keys->by_key);
    ovs_list_init(&keys->order);
    shash_init(&keys->authors);
    return keys;
}

/* Adds the key to its author's.  Creates the author with the first key. */
static void
add_to_author(struct request_keys *keys, struct request_key *key)
{
    char *name = xmemdup0(key->text, key->author_len);
    struct key_author *author = shash_find_data(&keys->authors, name);

    if (!author) {
        author = xzalloc(sizeof *author);
        ovs_list_init(&author->keys);
        shash_add(&keys->authors, name, author);
    }
    free(name);
    key->author = author;
    author->n++;
    ovs_list_push_back(&author->keys, &key->of_author);
}

static void
remove_from_author(struct request_keys *keys, struct request_key *key)
{
    ovs_list_remove(&key->of_author);
    if (!--key->author->n) {
        char *name = xmemdup0(key->text, key->author_len);

        free(shash_find_and_delete(&keys->authors, name));
        free(name);
    }
}

static void
forget(struct request_keys *keys, struct request_key *key)
{
    hmap_remove(&keys->by_key, &key->node);
    ovs_list_remove(&key->in_order);
    remove_from_author(keys, key);
    free(key);
}

void
request_keys_destroy(struct request_keys *keys)
{
    struct request_key *key, *next;

    LIST_FOR_EACH_SAFE (key, next, in_order, &keys->order) {
        forget(keys, key);
    }
    hmap_destroy(&keys->by_key);
    shash_destroy(&keys->authors);
    free(keys);
}

/* Returns the length of the author in 'who': the name of the token is not part
 * of it, since an account may use several in turn. */
static size_t
author_len(const char *who)
{
    return strcspn(who, "/");
}

static uint32_t
hash_key(const char *who, const char *key)
{
    return hash_string(key, hash_bytes(who, author_len(who), 0));
}

static struct request_key *
find(const struct request_keys *keys, const char *who, const char *text)
{
    size_t n = author_len(who);
    struct request_key *key;

    HMAP_FOR_EACH_WITH_HASH (key, node, hash_key(who, text), &keys->by_key) {
        if (key->author_len == n && !memcmp(key->text, who, n)
            && !strcmp(key->text + n, text)) {
            return key;
        }
    }
    return NULL;
}

void
request_keys_add(struct request_keys *keys, const struct model_log *log)
{
    struct request_key *former, *key;
    size_t n, size;

    if (!log->key) {
        return;
    }
    former = find(keys, log->who, log->key);
    if (former) {
        forget(keys, former);   /* It was too old to count. */
    }
    n = author_len(log->who);
    size = strlen(log->key) + 1;
    key = xzalloc(sizeof *key + n + size);
    key->revision = log->revision;
    key->time_ms = log->time_ms;
    ovs_strlcpy(key->digest, log->digest, sizeof key->digest);
    key->author_len = n;
    memcpy(key->text, log->who, n);
    memcpy(key->text + n, log->key, size);
    hmap_insert(&keys->by_key, &key->node, hash_key(log->who, log->key));
    ovs_list_push_back(&keys->order, &key->in_order);
    add_to_author(keys, key);
}

void
request_keys_undo(struct request_keys *keys, const struct model_log *log)
{
    struct request_key *key = (log->key ? find(keys, log->who, log->key)
                               : NULL);

    if (key && key->revision == log->revision) {
        forget(keys, key);
    }
}

static struct request_key *
oldest_of(const struct key_author *author)
{
    return CONTAINER_OF(ovs_list_front(&author->keys), struct request_key,
                        of_author);
}

/* Returns the oldest key of the author with the most: of several such authors,
 * the oldest, so that all members of a cluster forget the same keys. */
static struct request_key *
find_surplus(const struct request_keys *keys)
{
    const struct key_author *most = NULL;
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &keys->authors) {
        const struct key_author *author = node->data;

        if (!most || author->n > most->n
            || (author->n == most->n
                && oldest_of(author)->revision < oldest_of(most)->revision)) {
            most = author;
        }
    }
    return oldest_of(most);
}

void
request_keys_trim(struct request_keys *keys)
{
    struct request_key *key, *next, *newest;

    if (ovs_list_is_empty(&keys->order)) {
        return;
    }
    newest = CONTAINER_OF(ovs_list_back(&keys->order), struct request_key,
                          in_order);
    LIST_FOR_EACH_SAFE (key, next, in_order, &keys->order) {
        if (newest->time_ms - key->time_ms <= MODEL_KEYS_MS) {
            break;
        }
        forget(keys, key);
    }
    while (hmap_count(&keys->by_key) > MODEL_KEYS_MAX) {
        forget(keys, find_surplus(keys));
    }
}

uint64_t
request_keys_find(const struct request_keys *keys, const char *who,
                  const char *text, int64_t now_ms, const char **digest)
{
    const struct request_key *key = find(keys, who, text);

    if (!key || now_ms - key->time_ms > MODEL_KEYS_MS) {
        return 0;
    }
    *digest = key->digest;
    return key->revision;
}

uint64_t
request_keys_check(struct txn *txn)
{
    const struct model_request *request = txn->request;
    const char *digest;
    uint64_t revision;

    if (!request->key) {
        return 0;
    }
    revision = request_keys_find(txn->model->request_keys, request->who,
                                 request->key, txn->now_ms, &digest);
    if (revision && strcmp(digest, request->digest)) {
        vmn_errors_add(txn->errors, VMN_ERR_KEY_USED, "", "Idempotency-Key "
                       "\"%s\" is that of another request, which has made "
                       "revision %"PRIu64": each change needs a key of its "
                       "own", request->key, revision);
    } else if (!revision && request->repeats) {
        vmn_errors_add(txn->errors, VMN_ERR_UNAVAILABLE, "", "the request "
                       "that this one repeats was not stored");
    }
    return revision;
}

bool
model_has_key(const struct model *model, const char *who, const char *key,
              int64_t now_ms)
{
    const char *digest;

    return request_keys_find(model->request_keys, who, key, now_ms, &digest);
}

void
model_load_key(struct model *model, const struct model_log *log)
{
    if (model_key_is_valid(log->key) && model_digest_is_valid(log->digest)) {
        request_keys_add(model->request_keys, log);
    }
}
