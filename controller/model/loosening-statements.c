/* SPDX-License-Identifier: Apache-2.0
 *
 * The statements about what a request loosens: each once, with the objects
 * that the client may know of; see loosening.h. */

#include <config.h>

#include "controller/model/loosening-private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "controller/model/txn.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

const void *
loosening_row_of(const struct version *version)
{
    return version ? version->row : NULL;
}

void
loosening_put(struct search *search, const char *kind, enum vmn_table table,
              const char *name, const char *pointer, const char *format, ...)
{
    struct loosened *found = search->found;
    struct loosened_item *item;
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    if (!sset_add(&search->said, text)) {
        free(text);
        return;
    }
    if (found->n >= LOOSENED_MAX) {
        found->n_more++;
        free(text);
        return;
    }
    item = &found->items[found->n++];
    item->kind = kind;
    item->text = arena_strdup(&found->arena, text);
    if (name && txn_shows(search->txn, table, name)) {
        item->type = schema_tables[table]->plural;
        item->name = arena_strdup(&found->arena, name);
        item->pointer = pointer;
    }
    free(text);
}

/* Most ports that a statement names. */
#define NAMED_MAX 4

void
loosening_put_ports(const struct search *search, const struct svec *ports,
                    struct ds *ds)
{
    size_t n_named = 0;

    for (size_t i = 0; i < ports->n && n_named < NAMED_MAX; i++) {
        if (txn_shows(search->txn, VMN_TABLE_PORT, ports->names[i])) {
            ds_put_format(ds, "%s\"%s\"", n_named ? ", "
                          : ports->n == 1 ? "port " : "ports ",
                          ports->names[i]);
            n_named++;
        }
    }
    if (!n_named) {
        ds_put_format(ds, "%"PRIuSIZE" port%s outside of this account's "
                      "scope", ports->n, ports->n == 1 ? "" : "s");
    } else if (n_named < ports->n) {
        ds_put_format(ds, " and %"PRIuSIZE" more", ports->n - n_named);
    }
}
