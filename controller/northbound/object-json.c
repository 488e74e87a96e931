/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects as the API shows them: the row, and the status (object-status.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/draft-contents.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

bool
nb_hides_hosts(const struct model_rights *rights)
{
    return rights && rights->scope.text;
}

/* Prints the name of a host, without its configuration and history. */
static void
put_host_name(const struct vmn_row *row, struct ds *ds)
{
    ds_put_cstr(ds, "\"name\":");
    schema_print_string(ds, row->name);
    ds_put_cstr(ds, ",\"metadata\":{\"revision\":0,\"etag\":\"0\"},"
                "\"spec\":{},\"status\":{}");
}

/* Prints the row, of any type that has no function of its own here, without
 * its fields that are secret. */
static void
put_without_secrets(const struct vmn_row *row, const struct model_meta *meta,
                    struct ds *ds)
{
    const struct schema_struct *s = schema_struct_of(row);
    struct vmn_row *copy = xmemdup(row, s->size);

    for (const struct schema_field *f = s->fields; f->name; f++) {
        if (f->flags & SCHEMA_SECRET) {
            *(const char **) ((char *) copy + f->offset) = NULL;
        }
    }
    model_row_print(copy, meta, ds);
    free(copy);
}

bool
nb_hide_webhook(json_t *spec)
{
    json_t *scale = json_object_get(spec, "scale");

    return (json_is_string(json_object_get(scale, "webhook"))
            && !json_object_set_new(scale, "webhook",
                                    json_string(SCHEMA_REDACTED)));
}

/* Returns a spec of a balancer without the URL of its webhook, in 'arena'. */
static const char *
without_webhook(const char *text, struct arena *arena)
{
    json_t *spec = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
    char *copy;

    if (nb_hide_webhook(spec)) {
        copy = json_dumps(spec, JSON_COMPACT | JSON_SORT_KEYS);
        text = arena_strdup(arena, copy);
        free(copy);
    }
    json_decref(spec);
    return text;
}

/* Returns true if drafts may still change what this one does: its app may have
 * declared the type anew, with a secret field.  Of a type that has gone, with
 * its app, it is not known. */
static bool
is_of_drafts(const struct vmn_draft_change *change)
{
    const struct schema_table *table = schema_find_table(change->type);

    return table && draft_may_have(table);
}

/* Prints a draft without what is not shown of the objects that it changes. */
static void
put_draft_without_secrets(const struct vmn_row *row,
                          const struct model_meta *meta, struct ds *ds)
{
    struct vmn_draft draft = *(const struct vmn_draft *) row;
    struct vmn_draft_change *changes
        = xcalloc(MAX(draft.n_changes, 1), sizeof *changes);
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; i < draft.n_changes; i++) {
        struct vmn_draft_change *change = &changes[i];

        *change = draft.changes[i];
        if (!is_of_drafts(change)) {
            change->spec = change->base_spec = NULL;
        } else if (!strcmp(change->type,
                    schema_tables[VMN_TABLE_LOADBALANCER]->plural)) {
            change->spec = without_webhook(change->spec, &arena);
            change->base_spec = without_webhook(change->base_spec, &arena);
        }
    }
    draft.changes = changes;
    model_row_print(&draft.row, meta, ds);
    arena_uninit(&arena);
    free(changes);
}

static void
put_balancer_without_webhook(const struct vmn_row *row,
                             const struct model_meta *meta, struct ds *ds)
{
    struct vmn_loadbalancer lb = *(const struct vmn_loadbalancer *) row;

    if (lb.scale.webhook) {
        lb.scale.webhook = SCHEMA_REDACTED;
    }
    model_row_print(&lb.row, meta, ds);
}

/* Prints 'row' as a client with 'rights' sees it; nobody sees the code of an
 * app, which is large. */
static void
put_row(const struct model_rights *rights, const struct vmn_row *row,
        const struct model_meta *meta, struct ds *ds)
{
    if (row->table == VMN_TABLE_APP) {
        struct vmn_app_row app = *(const struct vmn_app_row *) row;

        app.code = NULL;
        model_row_print(&app.row, meta, ds);
    } else if (model_shows_secrets(rights, row)) {
        model_row_print(row, meta, ds);
    } else if (row->table == VMN_TABLE_HOST) {
        put_host_name(row, ds);
    } else if (row->table == VMN_TABLE_LOADBALANCER) {
        put_balancer_without_webhook(row, meta, ds);
    } else if (row->table == VMN_TABLE_DRAFT) {
        put_draft_without_secrets(row, meta, ds);
    } else {
        put_without_secrets(row, meta, ds);
    }
}

/* Hidden fields of hosts are not secrets. */
bool
nb_shows_secret(const struct model_rights *rights, const struct vmn_row *row)
{
    return (row->table != VMN_TABLE_HOST && model_may_have_secrets(row)
            && model_shows_secrets(rights, row));
}

void
nb_append_object(const struct northbound *nb,
                 const struct model_rights *rights, const struct vmn_row *row,
                 const struct model_meta *meta, bool one, struct ds *ds)
{
    ds_put_cstr(ds, "{\"type\":\"");
    ds_put_cstr(ds, schema_tables[row->table]->plural);
    ds_put_cstr(ds, "\",");
    put_row(rights, row, meta, ds);
    ds_truncate(ds, ds->length - 1);
    nb_print_status(nb, rights, row, one, ds);
    ds_put_char(ds, '}');
}
