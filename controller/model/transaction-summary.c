/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request has changed, and what that does to ports, as the text that
 * the log has of its revision.  Not for the objects' contents before and after
 * (struct model_log_change). */

#include <config.h>

#include "controller/model/transaction-summary.h"

#include "controller/model/migration-end.h"
#include "controller/model/port-effects.h"
#include "controller/model/request.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-log.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/value.h"

/* Most objects of a revision that its log entry names; the rest are
 * counted. */
#define SUMMARY_MAX 1000

enum model_outcome
txn_outcome(const struct entry *entry)
{
    return (!entry->before ? MODEL_CREATED
            : !entry->cur ? MODEL_DELETED : MODEL_UPDATED);
}

/* Appends how the port's migration has ended, if it has. */
static void
put_migration_end(struct ds *text, const struct model *model,
                  const struct entry *entry, const struct vmn_binding *before,
                  const struct vmn_binding *now)
{
    const char *left;
    const char *ended = migration_ended(before, now, &left);

    if (ended) {
        char *reason = migration_end_reason(
            model, entry->name, left, now->candidate,
            migration_has_interface(model, entry->name, left));

        ds_put_format(text, ",\"migration\":\"%s\",\"migration_reason\":",
                      ended);
        schema_print_string(text, reason);
        free(reason);
    }
}

/* Appends where the port was and is whose binding 'entry' is. */
static void
put_hosts(struct ds *text, const struct model *model,
          const struct entry *entry)
{
    const struct vmn_binding *before
        = entry->before ? (const void *) entry->before->row : NULL;
    const struct vmn_binding *now = entry_row(entry);

    if (before) {
        ds_put_cstr(text, ",\"from\":");
        schema_print_string(text, before->host);
    }
    if (now) {
        ds_put_cstr(text, ",\"to\":");
        schema_print_string(text, now->host);
    }
    if (now && now->candidate) {
        ds_put_cstr(text, ",\"candidate\":");
        schema_print_string(text, now->candidate);
    }
    if (now && now->activated) {
        ds_put_cstr(text, ",\"activated\":true");
    }
    if (before && before->former && now && !now->former) {
        ds_put_cstr(text, ",\"former\":");
        schema_print_string(text, before->former);
    }
    put_migration_end(text, model, entry, before, now);
}

/* By hand, though schema_changed_shown describes it: of a large request that
 * is a part of the time. */
void
txn_summary_add(struct txn_summary *summary, const struct model *model,
                const struct entry *entry)
{
    struct ds *text = &summary->text;
    size_t i = summary->n++;

    if (i < SUMMARY_MAX) {
        ds_put_cstr(text, i ? ",{\"op\":\"" : "[{\"op\":\"");
        ds_put_cstr(text, model_outcome_op(txn_outcome(entry)));
        ds_put_cstr(text, "\",\"type\":\"");
        ds_put_cstr(text, schema_tables[entry->table]->plural);
        ds_put_cstr(text, "\",\"name\":");
        schema_print_string(text, entry->name);
        if (entry->table == VMN_TABLE_BINDING) {
            put_hosts(text, model, entry);
        }
        ds_put_char(text, '}');
    }
}

/* The text while effects are appended. */
struct effects_text {
    const struct txn *txn;
    struct txn_summary *summary;
};

/* Appends what the change of an object, 'by', does to a port.  The author
 * reads it: an account is not told of objects that it does not see. */
static void
put_effect(void *effects_, const char *op, const char *port,
           enum vmn_table table, const char *by)
{
    struct effects_text *effects = effects_;
    struct ds *text = &effects->summary->text;

    if (effects->summary->n++ < SUMMARY_MAX) {
        ds_put_format(text, ",{\"op\":\"%s\",\"type\":\"%s\",\"name\":",
                      op, schema_tables[VMN_TABLE_PORT]->plural);
        schema_print_string(text, port);
        if (txn_shows(effects->txn, table, by)) {
            ds_put_format(text, ",\"by\":\"%s/%s\"",
                          schema_tables[table]->plural, by);
        }
        ds_put_char(text, '}');
    }
}

char *
txn_summary_end(struct txn_summary *summary, const struct txn *txn)
{
    struct effects_text effects = { .txn = txn, .summary = summary };
    struct ds *text = &summary->text;

    port_effects(txn, put_effect, &effects);
    if (summary->n > SUMMARY_MAX) {
        const struct schema_changed changed = {
            .more = summary->n - SUMMARY_MAX };

        ds_put_char(text, ',');
        schema_struct_print(&schema_changed_shown, &changed, text);
    }
    ds_put_char(text, ']');
    return ds_steal_cstr(text);
}
