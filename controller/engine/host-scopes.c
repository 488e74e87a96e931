/* SPDX-License-Identifier: Apache-2.0
 *
 * Scopes by host; see host-scopes.h. */

#include <config.h>

#include "controller/engine/host-scopes.h"

#include <stdlib.h>

#include "controller/engine/scope.h"
#include "util.h"

void
host_scopes_init(struct host_scopes *table)
{
    shash_init(&table->hosts);
}

void
host_scopes_uninit(struct host_scopes *table)
{
    shash_destroy(&table->hosts);
}

static struct host_scope *
find(const struct hmap *scopes, const struct engine_scope *scope)
{
    struct host_scope *member;

    HMAP_FOR_EACH_WITH_HASH (member, node, scope->hmap_node.hash, scopes) {
        if (member->scope == scope) {
            return member;
        }
    }
    return NULL;
}

void
host_scopes_add(struct host_scopes *table, const char *host,
                struct engine_scope *scope)
{
    struct hmap *scopes = shash_find_data(&table->hosts, host);
    struct host_scope *member;

    if (!scopes) {
        scopes = xmalloc(sizeof *scopes);
        hmap_init(scopes);
        shash_add(&table->hosts, host, scopes);
    } else if (find(scopes, scope)) {
        return;
    }
    member = xmalloc(sizeof *member);
    member->scope = scope;
    hmap_insert(scopes, &member->node, scope->hmap_node.hash);
}

void
host_scopes_remove(struct host_scopes *table, const char *host,
                   struct engine_scope *scope)
{
    struct shash_node *node = shash_find(&table->hosts, host);
    struct hmap *scopes = node ? node->data : NULL;
    struct host_scope *member = scopes ? find(scopes, scope) : NULL;

    if (!member) {
        return;
    }
    hmap_remove(scopes, &member->node);
    free(member);
    if (hmap_is_empty(scopes)) {
        shash_delete(&table->hosts, node);
        hmap_destroy(scopes);
        free(scopes);
    }
}

const struct hmap *
host_scopes_get(const struct host_scopes *table, const char *host)
{
    return shash_find_data(&table->hosts, host);
}
