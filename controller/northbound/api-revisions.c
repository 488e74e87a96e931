/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/revisions and one of them, with its receipt: the log of changes.  A
 * client with a scope sees what its account has made.
 * Not for the durations of a commit's steps (api-activity.c). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/northbound/volatile-revisions.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-log.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
nb_reply_unreadable_log(struct http_request *req, struct vmn_error *why)
{
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, "unavailable", NULL, "The log could not "
                       "be read: %s", why->text);
    vmn_error_uninit(why);
}

static bool
has_scope(const struct http_request *req)
{
    const struct model_rights *rights = nb_rights(req);

    return rights && rights->scope.text;
}

/* Returns a copy of the receipt's hosts without the reasons for their states,
 * which have addresses.  The caller frees it. */
static struct fabric_receipt_host *
without_reasons(const struct fabric_receipt *receipt)
{
    size_t n = receipt->n_hosts;
    struct fabric_receipt_host *hosts = xcalloc(n + 1, sizeof *hosts);

    for (size_t i = 0; i < n; i++) {
        hosts[i] = receipt->hosts[i];
        hosts[i].reason = NULL;
    }
    return hosts;
}

void
nb_append_receipt(const struct http_request *req,
                  const struct fabric_receipt *receipt, struct ds *ds)
{
    ds_put_cstr(ds, ",\"receipt\":");
    if (receipt) {
        struct fabric_receipt shown = *receipt;

        if (has_scope(req)) {
            shown.n_flows = 0;
            shown.late = NULL;
            shown.hosts = without_reasons(receipt);
        }
        schema_struct_print(&fabric_receipt_shown, &shown, ds);
        if (shown.hosts != receipt->hosts) {
            free(shown.hosts);
        }
    } else {
        ds_put_cstr(ds, "null");
    }
}

/* Appends what a revision took, as far as it is known, and its receipt, or
 * null if that is NULL. */
static void
append_receipt(const struct northbound *nb, const struct http_request *req,
               uint64_t revision, const struct fabric_receipt *receipt,
               struct ds *ds)
{
    /* What a group took depends on what others have changed in it. */
    if (!has_scope(req)) {
        nb_append_revision_us(nb, revision, receipt, ds);
    }
    nb_append_receipt(req, receipt, ds);
}

/* Replies 404 to a request for 'revision', which the restore of a backup that
 * is revision 'restore' has taken back, and which is not in the log, or is
 * waited for. */
static void
reject_taken_back(struct http_request *req, uint64_t revision,
                  uint64_t restore, bool logged)
{
    if (logged) {
        http_reply_problem(req, 404, "not-found", NULL, "Revision %"PRIu64" "
                           "was taken back by revision %"PRIu64", the restore "
                           "of a backup from before it: no host has it",
                           revision, restore);
    } else {
        http_reply_problem(req, 404, "not-found", NULL, "Revision %"PRIu64" "
                           "was never made, or is from before revision "
                           "%"PRIu64", the restore of a backup, which took it "
                           "back", revision, restore);
    }
}

/* Appends the entry of 'revision', which is not in the log, without its last
 * brace: as it is kept in memory, if it changed what is not stored; else only
 * its number. */
static void
append_unlogged(const struct northbound *nb, uint64_t revision, struct ds *ds)
{
    struct schema_log_entry entry;

    if (!volatile_revisions_find(nb->volatile_revisions, revision, &entry)) {
        entry = (struct schema_log_entry) {
            .revision = revision, .changes = "[]",
        };
    }
    ds_put_char(ds, '{');
    schema_struct_print_members(&schema_log_entry_shown, &entry, ds);
}

/* Appends the entry of 'revision', without its last brace.  A revision that is
 * not in the log has a receipt only, 'recorded': it changed what is not
 * stored, such as hosts' interfaces, or was trimmed.  Returns false after a
 * reply: if there is no such revision, or it is waited for ('waits') in vain,
 * or what there is cannot be read. */
static bool
append_entry(struct northbound *nb, struct http_request *req,
             uint64_t revision, bool recorded, bool waits, struct ds *ds)
{
    uint64_t newest = model_durable_revision(nb->model);
    struct vmn_error why = VMN_ERROR_INIT;
    uint64_t restore = nb->store_class->taken_back(nb->store, revision);
    int error = nb->store_class->log(nb->store, revision, ds, &why);
    bool logged = !error;

    if (error && error != ENOENT) {
        nb_reply_unreadable_log(req, &why);
    } else if (restore && (waits || !logged)) {
        reject_taken_back(req, revision, restore, logged);
    } else if (logged) {
        return true;
    } else if (!revision || revision > newest) {
        nb_reply_no_revision(nb, req, revision);
    } else if (!recorded) {
        http_reply_problem(req, 404, "not-found", NULL, "Nothing is kept of "
                           "revision %"PRIu64": it has left the log, or was "
                           "never made", revision);
    } else {
        append_unlogged(nb, revision, ds);
        return true;
    }
    return false;
}

bool
nb_sees_revision(const struct northbound *nb, struct http_request *req,
                 uint64_t revision)
{
    struct store_log_filter filter = { .revision = revision };
    struct vmn_error why = VMN_ERROR_INIT;
    struct ds entry = DS_EMPTY_INITIALIZER;
    uint64_t next;
    char *author;
    bool sees;
    int error;

    if (!nb_sees_own_changes(nb, req, &author, &filter.since_ms)) {
        return true;
    }
    filter.author = author;
    error = (revision
             ? nb->store_class->filter_logs(nb->store, &filter, UINT64_MAX, 1,
                                            &entry, &next, &why) : 0);
    sees = !error && entry.length;
    if (error) {
        nb_reply_unreadable_log(req, &why);
    } else if (!sees) {
        http_reply_problem(req, 404, "not-found", NULL, "This account has "
                           "made no revision %"PRIu64, revision);
    }
    ds_destroy(&entry);
    free(author);
    return sees;
}

/* Replies with 'revision', whose receipt is 'receipt', or NULL; with 'status'
 * if there is such a revision, which is not waited for in vain if 'waits'. */
static void
reply_revision(struct northbound *nb, struct http_request *req,
               uint64_t revision, bool contents, bool waits,
               const struct fabric_receipt *receipt, int status)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!append_entry(nb, req, revision, receipt && receipt->recorded, waits,
                      &ds)) {
        ds_destroy(&ds);
        return;
    }
    if (contents) {
        http_reply_secret(req); /* The URL of a webhook, say. */
    }
    if (contents
        && nb_append_contents(nb, nb_rights(req), revision, &ds, &why)) {
        nb_reply_unreadable_log(req, &why);
        ds_destroy(&ds);
        return;
    }
    if (waits && nb_append_entry_failures(nb, nb_rights(req), &ds)) {
        status = 202;
    }
    append_receipt(nb, req, revision, receipt, &ds);
    ds_put_cstr(&ds, "}\n");
    http_reply_body(req, status, "application/json", &ds);
}

/* Appends to an entry of a list how many hosts it concerns and how many have
 * it, if that is known. */
static void
append_progress(void *nb_, uint64_t revision, struct ds *ds)
{
    struct northbound *nb = nb_;
    struct activity_item_hosts hosts;
    struct fabric_progress p;

    if (fabric_progress(nb->fabric, revision, &p)) {
        hosts.concerned = p.n_hosts;
        hosts.confirmed = p.n_confirmed;
        schema_print_name(ds, "hosts");
        schema_struct_print(&activity_hosts_shown, &hosts, ds);
    }
}

void
nb_revisions_init(struct northbound *nb)
{
    if (nb->store_class->set_log_more) {
        nb->store_class->set_log_more(nb->store, append_progress, nb);
    }
}

void
nb_revisions_uninit(struct northbound *nb)
{
    if (nb->store_class->set_log_more) {
        nb->store_class->set_log_more(nb->store, NULL, NULL);
    }
}

/* A request that waits until a revision is installed. */
struct revision_wait {
    struct northbound *nb;
    struct http_request *req;
    uint64_t revision;
    bool contents;
    struct fabric_wait *wait;
};

static void
wait_ended(void *wait_, bool installed, const struct fabric_receipt *receipt)
{
    struct revision_wait *wait = wait_;

    reply_revision(wait->nb, wait->req, wait->revision, wait->contents, true,
                   receipt, installed ? 200 : 202);
    free(wait);
}

static void
wait_left(void *wait_)
{
    struct revision_wait *wait = wait_;

    http_request_drop(wait->req);
    fabric_wait_cancel(wait->wait);
    free(wait);
}

/* Has the request wait, if there is such a revision: else replies. */
static void
start_wait(struct northbound *nb, struct http_request *req, uint64_t revision,
           bool contents, int timeout_ms)
{
    const struct fabric_wait_for what = {
        .n_revisions = 1, .revisions = &revision,
    };
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (append_entry(nb, req, revision, true, true, &ds)) {
        struct revision_wait *wait = xmalloc(sizeof *wait);

        *wait = (struct revision_wait) { nb, req, revision, contents, NULL };
        wait->wait = fabric_wait(nb->fabric, &what, timeout_ms, wait_ended,
                                 wait);
        http_request_set_close_cb(req, wait_left, wait);
    }
    ds_destroy(&ds);
}

/* A receipt that was not recorded is not waited for: it is of all hosts.  A
 * revision is in the log before the fabric hears of it, which has no receipt
 * of it until then. */
void
nb_get_revision(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct fabric_receipt receipt;
    struct nb_wait wait;
    struct arena arena;
    uint64_t revision;
    bool contents;

    if (!nb_query_bool(req, "contents", &contents)
        || !nb_query_wait(req, &wait)
        || !nb_param_revision(req, &revision)
        || !nb_sees_revision(nb, req, revision)) {
        return;
    }
    arena_init(&arena);
    /* No host has what a restore took back. */
    bool taken_back = nb->store_class->taken_back(nb->store, revision) != 0;
    bool known = !taken_back && fabric_get_receipt(nb->fabric, revision,
                                                   &arena, &receipt);
    bool pending = known ? receipt.recorded && !receipt.installed
                   : !taken_back;

    if (wait.installed && pending) {
        start_wait(nb, req, revision, contents, wait.timeout_ms);
    } else {
        reply_revision(nb, req, revision, contents, wait.installed,
                       known ? &receipt : NULL,
                       wait.installed && !(known && receipt.installed)
                       ? 202 : 200);
    }
    arena_uninit(&arena);
}

/* The range of revisions in a request. */
struct span {
    uint64_t after, before, limit;
    bool filtered;
    bool contents;              /* Of the object of the filter. */
    struct store_log_filter filter;
    char *author;               /* All that the client sees; or NULL. */
};

/* Parses what the entries are filtered by.  Both 'type' and 'name' identify an
 * object, which need not exist any more.  Replies and returns false if it is
 * invalid. */
static bool
query_filter(struct http_request *req, struct span *span)
{
    span->filter = (struct store_log_filter) {
        .name = http_request_query(req, "name"),
        .who = http_request_query(req, "who"),
    };
    if (!nb_query_type(req, &span->filter.type)) {
        return false;
    }
    if (span->filter.name && !span->filter.type) {
        return nb_query_reject(req, "name", "requires \"type\"");
    }
    if (!nb_query_since(req, &span->filter.since_ms)) {
        return false;
    }
    if (span->contents && !span->filter.name) {
        return nb_query_reject(req, "contents", "requires \"name\"");
    }
    if (!nb_query_bool(req, "users", &span->filter.of_people)) {
        return false;
    }
    span->filtered = (span->filter.type || span->filter.who
                      || span->filter.since_ms != INT64_MIN
                      || span->filter.of_people);
    return true;
}

/* Restricts the entries to what the client sees.  Replies and returns false if
 * it asks for them in a way that these cannot be listed. */
static bool
restrict_span(const struct northbound *nb, struct http_request *req,
              struct span *span)
{
    int64_t since_ms;

    if (!nb_sees_own_changes(nb, req, &span->author, &since_ms)) {
        return true;
    }
    span->filtered = true;
    span->filter.author = span->author;
    span->filter.since_ms = MAX(span->filter.since_ms, since_ms);
    return (!http_request_query(req, "after")
            || nb_query_reject(req, "after", "is for accounts without a "
                               "scope: use \"before\""));
}

/* Parses the query.  Replies and returns false if it is invalid. */
static bool
query_span(const struct northbound *nb, struct http_request *req,
           struct span *span)
{
    if (!nb_query_number(req, "after", 0, UINT64_MAX, 0, &span->after)
        || !nb_query_number(req, "before", 1, UINT64_MAX, UINT64_MAX,
                            &span->before)
        || !nb_query_limit(req, NB_LIMIT_MAX, NB_LIMIT_DEFAULT, &span->limit)
        || !nb_query_bool(req, "contents", &span->contents)
        || !query_filter(req, span) || !restrict_span(nb, req, span)) {
        return false;
    }
    if (span->filtered && http_request_query(req, "after")) {
        return nb_query_reject(req, "after", "cannot be combined with "
                               "\"type\", \"name\", \"who\", \"users\" or "
                               "\"since\": use \"before\"");
    }
    if (!span->filtered && http_request_query(req, "before")) {
        return nb_query_reject(req, "before", "requires \"type\", \"who\", "
                               "\"users\" or \"since\"");
    }
    return true;
}

void
nb_get_revisions(struct http_request *req, void *nb_)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct ds items = DS_EMPTY_INITIALIZER;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct northbound *nb = nb_;
    uint64_t next = 0, end;
    char before[24];
    struct span span;
    int error;

    /* Not what is being stored: a next writer may not have it, and a client
     * that asks that one next would see the log go back. */
    end = model_durable_revision(nb->model) + 1;
    span.author = NULL;
    if (!query_span(nb, req, &span)) {
        free(span.author);
        return;
    }

    if (span.filtered) {
        error = nb->store_class->filter_logs(nb->store, &span.filter,
                                             MIN(span.before, end), span.limit,
                                             &items, &next, &why);
    } else if (http_request_query(req, "after")) {
        error = nb->store_class->logs(nb->store, span.after, end, span.limit,
                                      &items, &why);
    } else {
        error = nb->store_class->newest_logs(nb->store, end, span.limit,
                                             &items, &why);
    }
    if (!error && span.contents) {
        http_reply_secret(req);
        error = nb_add_contents(nb, nb_rights(req), span.filter.type,
                                span.filter.name, &items, &next, &why);
    }
    free(span.author);
    if (error) {
        nb_reply_unreadable_log(req, &why);
        ds_destroy(&items);
        return;
    }
    ds_put_format(&ds, "{\"items\":[%s", ds_cstr(&items));
    ds_destroy(&items);
    snprintf(before, sizeof before, "%"PRIu64, next);
    ds_put_char(&ds, ']');
    schema_struct_print_members(
        &nb_list_end,
        &(const struct nb_list_end) {
            model_durable_revision(nb->model), next ? before : NULL,
        }, &ds);
    if (has_scope(req)) {
        ds_put_cstr(&ds, ",\"own_only\":true");
    }
    ds_put_cstr(&ds, "}\n");
    http_reply_body(req, 200, "application/json", &ds);
}
