/* SPDX-License-Identifier: Apache-2.0
 *
 * Authentication and authorization; see auth.h.
 *
 * A token is "NAME.SECRET": its row is found by its name, and the SHA-256 of
 * the whole compared.  The secret is 32 random bytes, so no slow hash is
 * needed to keep it from being guessed. */

#include <config.h>

#include "controller/northbound/auth.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/request-author.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/metrics.h"
#include "controller/northbound/rate-limit.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/tls/tls.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(auth);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 20);

#define SECRET_BYTES 32
/* Bytes of a viewer's bodies: they ask for traces and reachability, perhaps of
 * after a change. */
#define VIEWER_BODY_MAX (256 * 1024)
#define VIEWER_BODIES_MAX (1024 * 1024)
/* Connections that an account may have in use, of the 1,256 of a listener. */
#define ACCOUNT_CONNS_MAX 256

struct nb_auth {
    struct rate_limit *rate_limit; /* Owned. */
    uint64_t n_forbidden;       /* Requests replied 403. */
};

/* The principal of a request. */
struct nb_principal {
    struct model_author *author;
    struct model_rights *rights; /* NULL: everything. */
};

void
nb_principal_destroy(struct nb_principal *principal)
{
    if (principal) {
        model_rights_destroy(principal->rights);
        model_author_destroy(principal->author);
        free(principal);
    }
}

const char *
nb_principal_account(const struct nb_principal *principal)
{
    return principal->author->account;
}

const struct model_rights *
nb_principal_rights(const struct nb_principal *principal)
{
    return principal->rights;
}

static void
identity_destroy(void *principal)
{
    nb_principal_destroy(principal);
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
        VLOG_FATAL("no random numbers from the system");
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

/* The row that 'token' is good for, or NULL with the reason, and whether it is
 * nobody's. */
static const struct vmn_token *
find_token(const struct northbound *nb, const char *token,
           const char **reason, bool *guess)
{
    const char *dot = strrchr(token, '.');
    char digits[VALUE_SHA256_LEN + 1];
    const struct vmn_token *row = NULL;

    *reason = "The token is invalid";
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
    if (model_token_is_expired(row, time_wall_msec())) {
        *reason = "The token has expired";
        *guess = false;
        return NULL;
    }
    return row;
}

/* Authentication.  -------------------------------------------------------- */

/* Bits of enum vmn_table: what operators may change. */
static uint64_t
operators_tables(void)
{
    uint64_t tables = UINT64_MAX;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (schema_tables[i]->for_admins) {
            tables &= ~(UINT64_C(1) << i);
        }
    }
    return tables;
}

struct model_rights *
nb_rights_of(const struct vmn_account *account)
{
    return (account->role == VMN_ROLE_ADMIN ? NULL
            : model_rights_create(account->role == VMN_ROLE_OPERATOR
                                  ? operators_tables() : 0, account));
}

static struct nb_principal *
make_principal(const struct vmn_account *account,
               const struct vmn_token *token)
{
    struct nb_principal *principal = xzalloc(sizeof *principal);

    principal->author = xzalloc(sizeof *principal->author);
    *principal->author = (struct model_author) {
        .account = xstrdup(account->row.name),
        .token = token ? xstrdup(token->row.name) : NULL,
        .sha256 = token ? xstrdup(token->sha256) : NULL,
        .role = account->role,
    };
    principal->rights = nb_rights_of(account);
    return principal;
}

struct nb_principal *
nb_principal_create(const struct http_request *req)
{
    const struct nb_principal *principal = http_request_identity(req);
    struct nb_principal *copy;

    if (!principal) {
        return NULL;
    }
    copy = xzalloc(sizeof *copy);
    copy->author = model_author_clone(principal->author);
    copy->rights = model_rights_clone(principal->rights);
    return copy;
}

bool
nb_principal_is_valid(const struct northbound *nb,
                      const struct nb_principal *principal)
{
    return model_author_is_valid(nb->model, MODEL_DURABLE, principal->author,
                                 principal->rights, time_wall_msec());
}

bool
nb_request_is_valid(const struct northbound *nb,
                    const struct http_request *req)
{
    const struct nb_principal *principal = http_request_identity(req);

    return !principal || nb_principal_is_valid(nb, principal);
}

/* Sets the limits of the client's connections and bodies.  'account' is NULL
 * for an unrestricted client, which is exempt from the budget of all
 * bodies. */
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

/* Binds the account's principal to the request, or replies 401 and returns
 * false if 'account' is NULL. */
static bool
accept_account(struct http_request *req, const char *name,
               const struct vmn_account *account,
               const struct vmn_token *token)
{
    if (!account) {
        VLOG_INFO_RL(&rl, "%s: account \"%s\" is rejected",
                     http_request_who(req), name);
        http_reply_unauthorized(
            req, token ? "The token's account is disabled"
            : "No account matches this certificate", false);
        return false;
    }
    http_request_set_who(req, token
                         ? xasprintf("account:%s/%s", name, token->row.name)
                         : xasprintf("account:%s", name),
                         make_principal(account, token), identity_destroy);
    set_limits(req, account);
    return true;
}

bool
nb_knows_peer(const struct northbound *nb, const struct http_peer *peer)
{
    const struct vmn_token *token = NULL;
    const char *reason, *name = peer->certificate;
    bool guess;

    if (peer->trusted || !(peer->token || name)) {
        return true;
    }
    if (peer->token) {
        token = find_token(nb, peer->token, &reason, &guess);
        if (!token) {
            return false;
        }
        name = token->account;
    }
    return model_account_is_allowed(
        model_get_durable(nb->model, VMN_TABLE_ACCOUNT, name, NULL), token);
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
        if (token->expires) {
            event_readers_expect_expiry(nb->event_readers);
        }
    }
    name = token ? token->account : peer->certificate;
    account = model_get_durable(nb->model, VMN_TABLE_ACCOUNT, name, NULL);
    account = model_account_is_allowed(account, token) ? account : NULL;
    return (rate_limit_allows(nb->auth->rate_limit, nb, req, name, account)
            && accept_account(req, name, account, token));
}

/* Authorization.  --------------------------------------------------------- */

const struct model_rights *
nb_rights(const struct http_request *req)
{
    const struct nb_principal *principal = http_request_identity(req);

    return principal ? principal->rights : NULL;
}

static bool
is_scoped(const struct nb_principal *principal)
{
    return principal->rights && principal->rights->scope.text;
}

bool
nb_sees_own_changes(const struct northbound *nb,
                    const struct http_request *req, char **author,
                    int64_t *since_ms)
{
    const struct nb_principal *principal = http_request_identity(req);
    struct model_meta meta;

    if (!principal || !is_scoped(principal)) {
        return false;
    }
    *since_ms = (model_get_durable(nb->model, VMN_TABLE_ACCOUNT,
                                   principal->author->account, &meta)
                 ? meta.created_ms : INT64_MAX);
    *author = xasprintf("account:%s", principal->author->account);
    return true;
}

void
nb_request_init(struct model_request *request, const struct http_request *req)
{
    const struct nb_principal *principal = http_request_identity(req);

    model_request_init(request, http_request_who(req));
    request->rights = model_rights_clone(nb_rights(req));
    request->author = (principal ? model_author_clone(principal->author)
                       : NULL);
    request->diffs = true;
    request->comment = nullable_xstrdup(http_request_query(req, "comment"));
}

/* Returns why the client is not allowed to make this call, or NULL. */
static const char *
forbidden_reason(const struct http_request *req,
                 const struct nb_principal *principal)
{
    const struct schema_table *table = http_request_data(req);
    bool scoped = is_scoped(principal);
    bool is_viewer = principal->author->role == VMN_ROLE_VIEWER;

    if (principal->author->role == VMN_ROLE_ADMIN) {
        return NULL;
    } else if (table && table->authenticates) {
        return "requires the role admin";
    }
    switch ((enum nb_permission) http_request_permission(req)) {
    case NB_PERMISSION_ANY:
    case NB_PERMISSION_OBJECTS:
        return NULL;
    case NB_PERMISSION_VIEW:
        return scoped ? "requires an account without a scope" : NULL;
    case NB_PERMISSION_CHANGE:
        return is_viewer ? "requires the role operator" : NULL;
    case NB_PERMISSION_OPERATE:
        return (is_viewer ? "requires the role operator"
                : scoped ? "requires an account without a scope" : NULL);
    case NB_PERMISSION_ADMIN:
    default:
        return "requires the role admin";
    }
}

bool
nb_authorize(struct http_request *req, void *nb_)
{
    const struct nb_principal *principal = http_request_identity(req);
    const char *reason = principal ? forbidden_reason(req, principal) : NULL;
    struct northbound *nb = nb_;

    if (reason) {
        nb->auth->n_forbidden++;
        http_reply_problem(req, 403, "forbidden", NULL, "This request %s",
                           reason);
    }
    return !reason;
}

/* Creation and destruction.  ---------------------------------------------- */

struct nb_auth *
nb_auth_create(unsigned rate)
{
    struct nb_auth *auth = xzalloc(sizeof *auth);

    auth->rate_limit = rate_limit_create(rate);
    return auth;
}

void
nb_auth_destroy(struct nb_auth *auth)
{
    if (auth) {
        rate_limit_destroy(auth->rate_limit);
        free(auth);
    }
}

/* Metrics.  -------------------------------------------------------------- */

void
nb_auth_append_metrics(const struct northbound *nb, struct ds *ds)
{
    metrics_family(ds, "vmn_http_requests_forbidden_total", "counter",
                   "API requests that their account is not allowed to make.");
    ds_put_format(ds, "vmn_http_requests_forbidden_total %"PRIu64"\n",
                  nb->auth->n_forbidden);
    rate_limit_append_metrics(nb->auth->rate_limit, ds);
}
