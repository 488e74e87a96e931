/* SPDX-License-Identifier: Apache-2.0
 *
 * The changes that a switch has not been sent yet; see backlog.h. */

#include <config.h>

#include "controller/fabric/session/backlog.h"

#include <stdlib.h>

#include "controller/engine/engine.h"
#include "util.h"

void
backlog_init(struct backlog *backlog)
{
    *backlog = (struct backlog) { .n_groups = 0 };
    hmap_init(&backlog->entries);
}

static void
entry_free(struct backlog_entry *entry)
{
    flow_item_unref(entry->key);
    flow_item_unref(entry->sent);
    free(entry);
}

void
backlog_remove(struct backlog *backlog, struct backlog_entry *entry)
{
    hmap_remove(&backlog->entries, &entry->node);
    entry_free(entry);
}

static void
forget_changes(struct backlog *backlog)
{
    free(backlog->changes);
    backlog->changes = NULL;
    backlog->n_changes = backlog->next = 0;
}

void
backlog_clear(struct backlog *backlog)
{
    struct backlog_entry *entry;

    HMAP_FOR_EACH_POP (entry, node, &backlog->entries) {
        entry_free(entry);
    }
    hmap_shrink(&backlog->entries);
    forget_changes(backlog);
    backlog->n_clears++;
    backlog->n_groups = 0;
    backlog->begun = false;
}

void
backlog_uninit(struct backlog *backlog)
{
    backlog_clear(backlog);
    hmap_destroy(&backlog->entries);
}

void
backlog_open_group(struct backlog *backlog, uint64_t before, uint64_t last)
{
    if (!backlog->n_groups++) {
        backlog->before = before;
        backlog->first = last;
    }
    backlog->last = last;
    forget_changes(backlog);
}

static struct backlog_entry *
find(const struct backlog *backlog, const struct flow_item *item)
{
    struct backlog_entry *entry;

    HMAP_FOR_EACH_WITH_HASH (entry, node, flow_key_hash(item->key_hash),
                             &backlog->entries) {
        if (flow_item_same_key(entry->key, item)) {
            return entry;
        }
    }
    return NULL;
}

bool
backlog_contains(const struct backlog *backlog,
                 const struct flow_item *item)
{
    return find(backlog, item) != NULL;
}

void
backlog_doubt(struct backlog *backlog, const struct flow_item *item)
{
    struct backlog_entry *entry = find(backlog, item);

    if (entry && entry->sent == item) {
        entry->doubtful = true;
        forget_changes(backlog);
    }
}

void
backlog_touch(struct backlog *backlog, const struct flow_item *item,
              bool sent)
{
    struct backlog_entry *entry;

    if (backlog_contains(backlog, item)) {
        return;
    }
    entry = xmalloc(sizeof *entry);
    entry->key = flow_item_ref(item);
    entry->sent = sent ? flow_item_ref(item) : NULL;
    entry->doubtful = false;
    hmap_insert(&backlog->entries, &entry->node,
                flow_key_hash(item->key_hash));
}
