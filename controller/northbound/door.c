/* SPDX-License-Identifier: Apache-2.0
 *
 * The door; see door.h.
 *
 * A token is "NAME.SECRET": its row is found by its name, and the SHA-256 of the
 * whole compared.  The secret is 32 random bytes, so no slow hash is needed to
 * keep it from being guessed. */

#include <config.h>

#include "controller/northbound/door.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/selector.h"
#include "controller/schema/value.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/token-bucket.h"
#include "openvswitch/vlog.h"
#include "proto/tls/tls.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(door);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 20);

#define SECRET_BYTES 32
/* Buckets hold so many seconds' calls; a call takes this from one. */
#define BURST_S 2
#define CALL 1000
/* Bytes of a viewer's bodies: they ask for traces and reachability, perhaps of
 * after a change. */
#define VIEWER_BODY_MAX (256 * 1024)
#define VIEWER_BODIES_MAX (1024 * 1024)
/* Connections that an account may have in use, of the 1,256 of a listener. */
#define ACCOUNT_CONNS_MAX 256
/* Accounts, and quotas, whose calls are counted.  Where there are more, all are
 * forgotten and begin anew with full buckets. */
#define CALLERS_MAX 4096

struct caller {
    struct hmap_node node;
    char *account;
    struct token_bucket bucket;
};

struct nb_door {
    struct northbound *nb;
    unsigned rate;
    struct hmap callers;        /* Of struct caller. */
    uint64_t n_refused;         /* 403. */
    uint64_t n_throttled;       /* 429. */
};

/* Whom a request is from. */
struct nb_pass {
    char *account;
    char *token;                /* Its name, or NULL: by a certificate. */
    char *sha256;               /* Of that token, or NULL. */
    enum vmn_role role;
    struct model_rights *rights; /* NULL: everything. */
};

void
nb_pass_destroy(struct nb_pass *pass)
{
    if (pass) {
        model_rights_destroy(pass->rights);
        free(pass->account);
        free(pass->token);
        free(pass->sha256);
        free(pass);
    }
}

const char *
nb_pass_account(const struct nb_pass *pass)
{
    return pass->account;
}

static void
identity_destroy(void *pass)
{
    nb_pass_destroy(pass);
}

/* Tokens.  --------------------------------------------------------------- */

/* 'text' as 64 digits. */
static void
hash_token(const char *text, char digits[VALUE_SHA256_LEN + 1])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned int n = 0;

    if (!EVP_Digest(text, strlen(text), md, &n, EVP_sha256(), NULL)) {
        out_of_memory();
    }
    for (unsigned int i = 0; i < n; i++) {
        snprintf(digits + 2 * i, 3, "%02x", md[i]);
    }
}

char *
nb_token_make(const char *name, json_t *spec)
{
    char text[4 * (SECRET_BYTES / 3 + 1) + 1], digits[VALUE_SHA256_LEN + 1];
    unsigned char secret[SECRET_BYTES];
    char *token;

    if (RAND_bytes(secret, sizeof secret) != 1) {
        VLOG_FATAL("the system gives no random numbers");
    }
    EVP_EncodeBlock((unsigned char *) text, secret, sizeof secret);
    text[strcspn(text, "=")] = '\0';
    for (char *p = text; *p; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }
    token = xasprintf("%s.%s", name, text);
    hash_token(token, digits);
    json_object_set_new(spec, "sha256", json_string(digits));
    return token;
}

static bool
is_over(const struct vmn_token *token)
{
    return token->expires && value_parse_time(token->expires) <= time_wall();
}

/* The row that 'token' is good for, or NULL with the reason, and whether it is
 * nobody's. */
static const struct vmn_token *
find_token(const struct northbound *nb, const char *token,
           const char **reason, bool *guess)
{
    const char *dot = strrchr(token, '.');
    char digits[VALUE_SHA256_LEN + 1];
    const struct vmn_token *row = NULL;

    *reason = "The token is not the right one";
    *guess = true;
    if (dot && dot - token <= VMN_NAME_LEN) {
        char *name = xmemdup0(token, dot - token);

        row = model_get_durable(nb->model, VMN_TABLE_TOKEN, name, NULL);
        free(name);
    }
    hash_token(token, digits);
    if (!row || CRYPTO_memcmp(row->sha256, digits, VALUE_SHA256_LEN)) {
        return NULL;
    }
    if (is_over(row)) {
        *reason = "The token has expired";
        *guess = false;
        return NULL;
    }
    return row;
}

/* Who it is.  ------------------------------------------------------------ */

static struct nb_pass *
make_pass(const struct vmn_account *account, const struct vmn_token *token)
{
    /* What is of the whole installation, and who may come in, is for
     * admins. */
    static const uint64_t for_admins
        = (UINT64_C(1) << VMN_TABLE_HOST | UINT64_C(1) << VMN_TABLE_APP
           | UINT64_C(1) << VMN_TABLE_ACCOUNT
           | UINT64_C(1) << VMN_TABLE_TOKEN
           | UINT64_C(1) << VMN_TABLE_TELEMETRY
           | UINT64_C(1) << VMN_TABLE_QUOTA);
    struct nb_pass *pass = xzalloc(sizeof *pass);

    pass->account = xstrdup(account->row.name);
    if (token) {
        pass->token = xstrdup(token->row.name);
        pass->sha256 = xstrdup(token->sha256);
    }
    pass->role = account->role;
    if (account->role != VMN_ROLE_ADMIN) {
        pass->rights = model_rights_create(
            account->role == VMN_ROLE_OPERATOR ? ~for_admins : 0, account);
    }
    return pass;
}

/* Whether the account is let in by what proves it. */
static bool
is_welcome(const struct vmn_account *account, bool by_token)
{
    return account && account->enabled && (by_token || account->certificate);
}

struct nb_pass *
nb_pass_create(const struct http_request *req)
{
    const struct nb_pass *pass = http_request_identity(req);
    struct nb_pass *copy;

    if (!pass) {
        return NULL;
    }
    copy = xzalloc(sizeof *copy);
    copy->account = xstrdup(pass->account);
    copy->token = nullable_xstrdup(pass->token);
    copy->sha256 = nullable_xstrdup(pass->sha256);
    copy->role = pass->role;
    copy->rights = model_rights_clone(pass->rights);
    return copy;
}

bool
nb_pass_is_good(const struct northbound *nb, const struct nb_pass *pass)
{
    const struct vmn_account *account = model_get_durable(
        nb->model, VMN_TABLE_ACCOUNT, pass->account, NULL);
    const struct vmn_token *token = pass->token ? model_get_durable(
        nb->model, VMN_TABLE_TOKEN, pass->token, NULL) : NULL;

    return (is_welcome(account, pass->token) && account->role == pass->role
            && (!pass->rights
                || model_rights_are_of(pass->rights, account))
            && (!pass->token
                || (token && !strcmp(token->sha256, pass->sha256)
                    && !strcmp(token->account, pass->account)
                    && !is_over(token))));
}

/* Sets what the client may have at a time.  'account' NULL: one who may do
 * everything, and is kept out by nobody else's bodies. */
static void
set_limits(struct http_request *req, const struct vmn_account *account)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    char *client;

    if (!account) {
        limits.bodies_max = 8 * HTTP_BODY_MAX;
        limits.exempt = true;
        client = xstrdup(http_request_who(req));
    } else {
        limits.conns_max = ACCOUNT_CONNS_MAX;
        if (account->role == VMN_ROLE_VIEWER) {
            limits.body_max = VIEWER_BODY_MAX;
            limits.bodies_max = VIEWER_BODIES_MAX;
        }
        client = xasprintf("account \"%s\"", account->row.name);
    }
    http_request_set_limits(req, client, &limits);
    free(client);
}

/* Lets the account in, or says why not.  'account' is NULL if it is not
 * welcome. */
static bool
let_in(struct http_request *req, const char *name,
       const struct vmn_account *account, const struct vmn_token *token)
{
    if (!account) {
        VLOG_INFO_RL(&rl, "%s: account \"%s\" is not let in",
                     http_request_who(req), name);
        http_reply_unauthorized(
            req, token ? "The token's account is not enabled"
            : "There is no account that this certificate proves", false);
        return false;
    }
    http_request_set_who(req, token
                         ? xasprintf("account:%s/%s", name, token->row.name)
                         : xasprintf("account:%s", name),
                         make_pass(account, token), identity_destroy);
    set_limits(req, account);
    return true;
}

static void
forget_callers(struct nb_door *door)
{
    struct caller *caller, *next;

    HMAP_FOR_EACH_SAFE (caller, next, node, &door->callers) {
        hmap_remove(&door->callers, &caller->node);
        free(caller->account);
        free(caller);
    }
}

static struct caller *
get_caller(struct nb_door *door, const char *account)
{
    uint32_t hash = hash_string(account, 0);
    struct caller *caller;

    HMAP_FOR_EACH_WITH_HASH (caller, node, hash, &door->callers) {
        if (!strcmp(caller->account, account)) {
            return caller;
        }
    }
    if (hmap_count(&door->callers) >= CALLERS_MAX) {
        forget_callers(door);
    }
    caller = xzalloc(sizeof *caller);
    caller->account = xstrdup(account);
    token_bucket_init(&caller->bucket, door->rate,
                      door->rate * BURST_S * CALL);
    hmap_insert(&door->callers, &caller->node, hash);
    return caller;
}

/* Takes a call from the bucket, or with 'look' only looks.  Returns false if
 * there is none in it. */
static bool
take_call(struct caller *caller, bool look)
{
    bool ok = token_bucket_withdraw(&caller->bucket, CALL);

    if (ok && look) {
        caller->bucket.tokens += CALL;
    }
    return ok;
}

/* The next quota behind 'quota' (NULL: the first one) that bounds the calls of
 * the account, or NULL. */
static const struct vmn_quota *
next_quota(const struct northbound *nb, const struct vmn_account *account,
           const struct vmn_quota *quota)
{
    while (account && account->scope.text
           && (quota = model_next_durable(nb->model, VMN_TABLE_QUOTA,
                                          quota ? quota->row.name : "",
                                          NULL))) {
        if (quota->requests >= 0
            && selector_is_within(&account->scope, &quota->scope)) {
            return quota;
        }
    }
    return NULL;
}

static bool
take_quota_call(struct nb_door *door, const struct vmn_quota *quota,
                bool look)
{
    char *key = xasprintf("quota:%s", quota->row.name);
    struct caller *caller = get_caller(door, key);

    free(key);
    token_bucket_set(&caller->bucket, quota->requests,
                     quota->requests * BURST_S * CALL);
    return take_call(caller, look);
}

static bool
refuse_call(struct nb_door *door, struct http_request *req, char *why)
{
    door->n_throttled++;
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 429, "throttled", NULL, "%s", why);
    free(why);
    return false;
}

/* Whether the account, and the quotas of its scope, let it make another call
 * now.  A call that one of these refuses costs nothing in the others: else an
 * account that is beyond its own rate would use up what it shares.
 *
 * Nor does a call that is not let in ('account' is NULL) cost anybody
 * anything: else one that was disabled, or whose certificate is no longer
 * taken, would go on using up what its tenant, or its own tokens, have left.
 * It has a rate of its own. */
static bool
is_in_time(struct northbound *nb, struct http_request *req, const char *name,
           const struct vmn_account *account)
{
    struct nb_door *door = nb->door;
    const struct vmn_quota *quota;
    char *key = account ? xstrdup(name) : xasprintf("refused:%s", name);
    bool ok = !door->rate || take_call(get_caller(door, key), true);

    if (!ok) {
        refuse_call(door, req, xasprintf(
            "Account \"%s\" makes more than %u calls a second", name,
            door->rate));
    }
    for (quota = NULL; ok && (quota = next_quota(nb, account, quota)); ) {
        if (!take_quota_call(door, quota, true)) {
            ok = refuse_call(door, req, xasprintf(
                "Quota \"%s\" has %d calls a second", quota->row.name,
                quota->requests));
        }
    }
    if (ok && door->rate) {
        take_call(get_caller(door, key), false);
    }
    for (quota = NULL; ok && (quota = next_quota(nb, account, quota)); ) {
        take_quota_call(door, quota, false);
    }
    free(key);
    return ok;
}

bool
nb_authenticate(struct http_request *req, const struct http_peer *peer,
                void *nb_)
{
    struct northbound *nb = nb_;
    const struct vmn_token *token = NULL;
    const struct vmn_account *account;
    const char *reason = NULL;
    const char *name;

    if (peer->trusted) {
        set_limits(req, NULL);
        return true;
    }
    if (peer->token) {
        bool guess;

        token = find_token(nb, peer->token, &reason, &guess);
        if (!token) {
            VLOG_INFO_RL(&rl, "%s: %s", http_request_who(req), reason);
            http_reply_unauthorized(req, reason, guess);
            return false;
        }
    }
    name = token ? token->account : peer->certificate;
    account = model_get_durable(nb->model, VMN_TABLE_ACCOUNT, name, NULL);
    account = is_welcome(account, token) ? account : NULL;
    return (is_in_time(nb, req, name, account)
            && let_in(req, name, account, token));
}

/* What it may do.  ------------------------------------------------------- */

const struct model_rights *
nb_rights(const struct http_request *req)
{
    const struct nb_pass *pass = http_request_identity(req);

    return pass ? pass->rights : NULL;
}

void
nb_request_init(struct model_request *request, const struct http_request *req)
{
    model_request_init(request, http_request_who(req));
    request->rights = model_rights_clone(nb_rights(req));
}

/* Why the client may not make this call, or NULL. */
static const char *
why_not(const struct http_request *req, const struct nb_pass *pass)
{
    const struct schema_table *table = http_request_data(req);
    bool scoped = pass->rights && pass->rights->scope.text;

    if (pass->role == VMN_ROLE_ADMIN) {
        return NULL;
    } else if (table && (table->id == VMN_TABLE_ACCOUNT
                         || table->id == VMN_TABLE_TOKEN)) {
        return "is for admins";
    }
    switch ((enum nb_need) http_request_need(req)) {
    case NB_NEED_ANY:
    case NB_NEED_OBJECTS:
        return NULL;
    case NB_NEED_VIEW:
        return scoped ? "is for accounts without a scope" : NULL;
    case NB_NEED_CHANGE:
        return pass->role == VMN_ROLE_VIEWER ? "is for operators" : NULL;
    case NB_NEED_OPERATE:
        return (pass->role == VMN_ROLE_VIEWER ? "is for operators"
                : scoped ? "is for accounts without a scope" : NULL);
    case NB_NEED_ADMIN:
    default:
        return "is for admins";
    }
}

bool
nb_authorize(struct http_request *req, void *nb_)
{
    const struct nb_pass *pass = http_request_identity(req);
    const char *reason = pass ? why_not(req, pass) : NULL;
    struct northbound *nb = nb_;

    if (reason) {
        nb->door->n_refused++;
        http_reply_problem(req, 403, "forbidden", NULL, "This call %s",
                           reason);
    }
    return !reason;
}

/* Life.  ----------------------------------------------------------------- */

struct nb_door *
nb_door_create(struct northbound *nb, unsigned rate)
{
    struct nb_door *door = xzalloc(sizeof *door);

    door->nb = nb;
    door->rate = rate;
    hmap_init(&door->callers);
    return door;
}

void
nb_door_destroy(struct nb_door *door)
{
    if (door) {
        forget_callers(door);
        hmap_destroy(&door->callers);
        free(door);
    }
}

/* Metrics.  -------------------------------------------------------------- */

void
nb_door_put_metrics(const struct northbound *nb, struct ds *ds)
{
    ds_put_format(ds, "# HELP vmn_http_forbidden_total API requests that were "
                  "not for their account.\n"
                  "# TYPE vmn_http_forbidden_total counter\n"
                  "vmn_http_forbidden_total %"PRIu64"\n"
                  "# HELP vmn_http_throttled_total API requests beyond their "
                  "account's rate.\n"
                  "# TYPE vmn_http_throttled_total counter\n"
                  "vmn_http_throttled_total %"PRIu64"\n", nb->door->n_refused,
                  nb->door->n_throttled);
}
