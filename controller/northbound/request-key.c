/* SPDX-License-Identifier: Apache-2.0
 *
 * The header Idempotency-Key of changes (the draft of the IETF's working group
 * httpapi, draft-ietf-httpapi-idempotency-key-header): a request with the key
 * of one that has made a revision already is not applied again, but answered
 * with that revision.  Not for keeping keys (controller/model/request-keys.c)
 * nor for recognising repeated requests (controller/model/transaction.c). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(northbound_key);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);

/* Bytes of a body that are hashed before others have their turn. */
#define HASHED_AT_ONCE 65536

/* Taking the key.  -------------------------------------------------------- */

static void
update(EVP_MD_CTX *ctx, const void *data, size_t size)
{
    if (!EVP_DigestUpdate(ctx, data, size)) {
        out_of_memory();
    }
}

/* Adds a header that is part of what is requested. */
static void
update_header(EVP_MD_CTX *ctx, const struct http_request *req,
              const char *name)
{
    const char *value = http_request_header(req, name);

    if (value) {
        update(ctx, name, strlen(name) + 1);
        update(ctx, value, strlen(value) + 1);
    }
}

/* Returns a digest of all that is requested, which the caller frees: half of a
 * SHA-256, since nobody gains by a collision with a request of their own.  How
 * long is waited for the answer is no part of it.  Yields. */
static char *
digest_of(const struct northbound *nb, const struct http_request *req)
{
    static const char *const waits[] = { "wait", "timeout", NULL };
    size_t size = http_request_body_size(req);
    const char *body = http_request_body(req);
    struct ds head = DS_EMPTY_INITIALIZER;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char md[EVP_MAX_MD_SIZE];
    char *digest = xmalloc(MODEL_DIGEST_LEN + 1);

    if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL)) {
        out_of_memory();
    }
    http_request_print(req, waits, &head);
    update(ctx, ds_cstr(&head), head.length + 1);
    ds_destroy(&head);
    update_header(ctx, req, "If-Match");
    update_header(ctx, req, "If-None-Match");
    update(ctx, "", 1);
    for (size_t i = 0; i < size; i += HASHED_AT_ONCE) {
        update(ctx, body + i, MIN(size - i, HASHED_AT_ONCE));
        commit_yield(nb->commit);
    }
    if (!EVP_DigestFinal_ex(ctx, md, NULL)) {
        out_of_memory();
    }
    EVP_MD_CTX_free(ctx);
    for (int i = 0; i < MODEL_DIGEST_LEN / 2; i++) {
        snprintf(digest + 2 * i, 3, "%02x", md[i]);
    }
    return digest;
}

bool
nb_take_key(const struct northbound *nb, struct http_request *req,
            const struct nb_wait *wait, struct model_request *request)
{
    char *key;

    if (!http_request_idempotency_key(req, &key)) {
        return false;
    }
    if (key && !model_key_is_valid(key)) {
        http_reply_problem(req, 400, "invalid", NULL, "Idempotency-Key must "
                           "be 1 to %d visible ASCII characters, in double "
                           "quotes or without any", MODEL_KEY_LEN);
        free(key);
        return false;
    }
    if (key && !wait->plan) {
        request->key = key;
        request->digest = digest_of(nb, req);
    } else {
        free(key);              /* A plan may be made as often as one likes. */
    }
    return true;
}

/* Answering a repeated request.  ------------------------------------------ */

/* Returns the log's entry of the revision, which the caller owns, or NULL. */
static json_t *
get_entry(const struct northbound *nb, uint64_t revision)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct ds text = DS_EMPTY_INITIALIZER;
    json_t *entry = NULL;
    int error = nb->store_class->log(nb->store, revision, &text, &why);

    if (!error) {
        ds_put_char(&text, '}');
        entry = json_loads(ds_cstr(&text), 0, NULL);
    } else if (error != ENOENT) {
        VLOG_WARN_RL(&rl, "%s", why.text);
        vmn_error_uninit(&why);
    }
    ds_destroy(&text);
    return entry;
}

/* Returns the outcome that the log calls 'op', or MODEL_UNCHANGED. */
static enum model_outcome
outcome_of(const char *op)
{
    static const enum model_outcome outcomes[] = {
        MODEL_CREATED, MODEL_UPDATED, MODEL_DELETED,
    };

    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
        if (op && !strcmp(op, model_outcome_op(outcomes[i]))) {
            return outcomes[i];
        }
    }
    return MODEL_UNCHANGED;
}

/* Adds operations for what the log names, of a request that applied a draft,
 * which is gone. */
static void
recall_ops(struct model_request *request, const json_t *changes,
           uint64_t revision)
{
    const json_t *change;
    size_t i;

    json_array_foreach (changes, i, change) {
        const char *op = json_string_value(json_object_get(change, "op"));
        const char *type = json_string_value(json_object_get(change, "type"));
        const char *name = json_string_value(json_object_get(change, "name"));
        const struct schema_table *table = type ? schema_find_table(type)
                                           : NULL;

        if (op && table && !table->observed && name
            && outcome_of(op) != MODEL_UNCHANGED) {
            model_request_add(request, outcome_of(op) == MODEL_DELETED
                              ? MODEL_DELETE : MODEL_PUT, table->id, name,
                              NULL)->revision = revision;
        }
    }
}

/* Drops operations for objects that are not there, and that the log does not
 * name: those that a forced undo left out, as they were deleted before.  One
 * that was found unchanged and was deleted since goes with them. */
static void
drop_left_out(const struct northbound *nb, struct model_request *request)
{
    size_t n = 0;

    for (size_t i = 0; i < request->n_ops; i++) {
        struct model_op op = request->ops[i];

        if (op.outcome != MODEL_UNCHANGED
            || model_get_durable(nb->model, op.table, op.name, NULL)) {
            request->ops[i] = request->ops[n];
            request->ops[n++] = op;
        }
    }
    while (request->n_ops > n) {
        model_request_drop_last(request);
    }
}

void
nb_recall_outcomes(const struct northbound *nb,
                   struct model_request *request, uint64_t revision)
{
    json_t *entry = get_entry(nb, revision);
    struct shash ops = SHASH_INITIALIZER(&ops); /* By "TYPE/NAME". */
    const json_t *change;
    size_t i;

    if (request->draft && !request->n_ops) {
        recall_ops(request, json_object_get(entry, "changes"), revision);
    }
    json_array_foreach (json_object_get(entry, "changes"), i, change) {
        const char *op = json_string_value(json_object_get(change, "op"));
        const char *type = json_string_value(json_object_get(change, "type"));
        const char *name = json_string_value(json_object_get(change, "name"));

        if (op && type && name && outcome_of(op) != MODEL_UNCHANGED) {
            char *object = xasprintf("%s/%s", type, name);

            shash_add_once(&ops, object, op);
            free(object);
        }
    }
    for (i = 0; i < request->n_ops; i++) {
        struct model_op *op = &request->ops[i];
        char *object = xasprintf("%s/%s", schema_tables[op->table]->plural,
                                 op->name);

        op->outcome = outcome_of(shash_find_data(&ops, object));
        free(object);
    }
    if (entry && request->undoes) {
        drop_left_out(nb, request);
    }
    shash_destroy(&ops);
    json_decref(entry);
}
