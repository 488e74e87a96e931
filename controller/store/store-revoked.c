/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens and accounts that were revoked since a backup: a restore must not
 * revive a stolen token, or give an account rights that were taken from it.
 * What was deleted stays deleted; a token with another secret, account or time
 * of expiry, and an account that has lost a right, stay as they are now.  What
 * was made or has got more rights since the backup is taken back like all
 * else, so nobody gains by a restore.  Not for other objects
 * (store-restore-loss.c).
 */

#include <config.h>

#include "controller/store/store-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/tables.h"
#include "timeval.h"
#include "util.h"

/* What becomes of a row of the backup. */
enum kept { DELETED, AS_NOW, DISABLED };

int
store_is_same_vmnd(sqlite3 *db, bool *same, struct vmn_error *why)
{
    int64_t n = 0;
    int error = store_get_int(
        db, "SELECT count(*) FROM main.secrets m JOIN former.secrets f "
        "USING (name) WHERE m.value <> f.value", &n, why);

    *same = !n;
    return error;
}

/* Sets '*named' to whether a user's revision since the backup names the
 * object, or may have changed it: a large one names only a part of what it
 * changed, and counts the rest as "more"; and one that has left the log may
 * have named any. */
static int
is_named_since(const struct store_states *states,
               const struct schema_table *table, const char *name, bool *named,
               struct vmn_error *why)
{
    static const char sql[]
        = "SELECT 1 FROM former.revisions WHERE revision > ? AND "
          STORE_LOG_PEOPLE " AND (instr(changes, ?) OR "
          "instr(changes, '{\"more\":')) LIMIT 1";
    sqlite3_stmt *stmt = NULL;
    int64_t trimmed;
    int error = store_property_get(states->db, "former",
                                   STORE_REVOCATIONS_TRIMMED, &trimmed, why);

    *named = trimmed > (int64_t) states->revision;
    if (error || *named) {
        return error;
    }

    int code = sqlite3_prepare_v2(states->db, sql, -1, &stmt, NULL);
    /* Just as the model writes it; a name of these types needs no escapes. */
    char *part = xasprintf("\"type\":\"%s\",\"name\":\"%s\"", table->plural,
                           name);

    if (code == SQLITE_OK) {
        sqlite3_bind_int64(stmt, 1, states->revision);
        sqlite3_bind_text(stmt, 2, part, -1, SQLITE_STATIC);
        code = sqlite3_step(stmt);
        *named = code == SQLITE_ROW;
    }
    error = code == SQLITE_ROW || code == SQLITE_DONE ? 0
            : store_error(states->db, why, "cannot read the former log");
    sqlite3_finalize(stmt);
    free(part);
    return error;
}

/* What is lost.  ---------------------------------------------------------- */

/* Returns why the token of the backup is not to be valid, or NULL; 'now' is
 * what there is now, or NULL. */
static const char *
token_reason(const struct store_states *states, const struct vmn_token *then,
             const struct vmn_token *now, enum kept *kept)
{
    if (!now) {
        *kept = DELETED;
        return "deleted since the backup";
    }
    *kept = model_get(states->then, VMN_TABLE_ACCOUNT, now->account)
            ? AS_NOW : DELETED;
    return (strcmp(then->sha256, now->sha256) ? "has another secret now"
            : strcmp(then->account, now->account) ? "is another account's now"
            : !nullable_string_is_equal(then->expires, now->expires)
            ? "expires at another time now" : NULL);
}

static bool
has_same_scope(const struct vmn_account *a, const struct vmn_account *b)
{
    bool same = nullable_string_is_equal(a->scope.text, b->scope.text)
                && nullable_string_is_equal(a->reads.text, b->reads.text)
                && nullable_string_is_equal(a->iface_ids, b->iface_ids)
                && a->n_tiers == b->n_tiers;

    for (size_t i = 0; same && i < a->n_tiers; i++) {
        same = !strcmp(a->tiers[i], b->tiers[i]);
    }
    return same;
}

/* Returns true if the backup has all tiers that the account names now. */
static bool
has_tiers_of(const struct store_states *states, const struct vmn_account *now)
{
    for (size_t i = 0; i < now->n_tiers; i++) {
        if (!model_get(states->then, VMN_TABLE_TIER, now->tiers[i])) {
            return false;
        }
    }
    return true;
}

/* As token_reason(), of an account.  Scopes cannot be compared, so one that is
 * limited now stays as it is. */
static const char *
account_reason(const struct store_states *states,
               const struct vmn_account *then, const struct vmn_account *now,
               enum kept *kept)
{
    if (!now) {
        *kept = DELETED;
        return "deleted since the backup";
    }
    *kept = has_tiers_of(states, now) ? AS_NOW : DISABLED;
    return (then->enabled && !now->enabled ? "disabled since the backup"
            : then->role > now->role
              || (then->certificate && !now->certificate)
              || (now->scope.text && !has_same_scope(then, now))
            ? "has other rights now" : NULL);
}

/* What is kept.  ---------------------------------------------------------- */

static const char *
sql_of(enum vmn_table table, enum kept kept)
{
    bool token = table == VMN_TABLE_TOKEN;

    return (kept == DELETED
            ? (token ? "DELETE FROM main.tokens WHERE name = ?1"
               : "DELETE FROM main.accounts WHERE name = ?1")
            : kept == DISABLED
            ? "UPDATE main.accounts SET enabled = 0, revision = ?2, "
              "updated_ms = ?3 WHERE name = ?1"
            : token
            ? "UPDATE main.tokens SET (account, expires, sha256, created_ms, "
              "revision, updated_ms) = (SELECT account, expires, sha256, "
              "created_ms, ?2, ?3 FROM former.tokens WHERE name = ?1) "
              "WHERE name = ?1"
            : "UPDATE main.accounts SET (role, enabled, certificate, scope, "
              "reads, tiers, iface_ids, created_ms, revision, updated_ms) = "
              "(SELECT role, enabled, certificate, scope, reads, tiers, "
              "iface_ids, created_ms, ?2, ?3 FROM former.accounts "
              "WHERE name = ?1) WHERE name = ?1");
}

static int
keep_row(sqlite3 *db, enum vmn_table table, const char *name, enum kept kept,
         uint64_t restore, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql_of(table, kept), -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
        if (kept != DELETED) {
            sqlite3_bind_int64(stmt, 2, restore);
            sqlite3_bind_int64(stmt, 3, time_wall_msec());
        }
        code = sqlite3_step(stmt);
    }
    int error = code == SQLITE_DONE ? 0
                : store_error(db, why, "cannot prepare the restored state");
    sqlite3_finalize(stmt);
    return error;
}

/* Finds those of 'table'.  With 'diverged' the backup is of a state that a
 * restore has taken back since, so what there is not now need not have been
 * revoked: only what the log names was. */
static int
find_of_table(const struct store_states *states, enum vmn_table table,
              bool diverged, bool keep, uint64_t restore, json_t *revoked,
              struct vmn_error *why)
{
    const struct schema_table *schema = schema_tables[table];
    struct vmn_names names = model_names(states->then, table);
    int error = 0;

    for (size_t i = 0; i < names.n && !error; i++) {
        const void *then = model_get(states->then, table, names.names[i]);
        const void *now = model_get(states->now, table, names.names[i]);
        bool named = true;
        enum kept kept;
        const char *reason = (table == VMN_TABLE_TOKEN
                              ? token_reason(states, then, now, &kept)
                              : account_reason(states, then, now, &kept));

        if (reason && diverged) {
            error = is_named_since(states, schema, names.names[i], &named,
                                   why);
        }
        if (!error && reason && named) {
            json_array_append_new(revoked, json_pack(
                "{s:s, s:s, s:s}", "type", schema->plural, "name",
                names.names[i], "reason", reason));
            error = (keep ? keep_row(states->db, table, names.names[i], kept,
                                     restore, why) : 0);
        }
    }
    return error;
}

int
store_revoked_find(const struct store_states *states, bool keep,
                   uint64_t restore, json_t *revoked, struct vmn_error *why)
{
    bool diverged = store_log_taken_back(states->log, states->revision);
    int error = find_of_table(states, VMN_TABLE_TOKEN, diverged, keep, restore,
                              revoked, why);

    error = error ? error : find_of_table(states, VMN_TABLE_ACCOUNT, diverged,
                                          keep, restore, revoked, why);
    if (!error && keep && sqlite3_exec(
            states->db, "DELETE FROM main.tokens WHERE account NOT IN "
            "(SELECT name FROM main.accounts)", NULL, NULL, NULL)
        != SQLITE_OK) {
        error = store_error(states->db, why,
                            "cannot prepare the restored state");
    }
    return error;
}
