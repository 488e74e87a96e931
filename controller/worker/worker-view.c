/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading in a worker; see worker-view.h. */

#include <config.h>

#include "controller/worker/worker-view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/worker/row-image.h"
#include "controller/worker/worker-main.h"
#include "controller/worker/worker-wire.h"
#include "hash.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* What was sent along has its index; what was asked for has none. */
#define NOT_SENT UINT32_MAX

/* One thing that can be read, with its value. */
struct known {
    struct hmap_node node;
    struct worker_read read;    /* Texts in the message, or in the view's
                                 * memory. */
    uint32_t index;
    bool used;
    void *block;                /* In a message; NULL: there is none. */
    size_t size;
    /* The block, once it was opened. */
    bool opened;
    struct vmn_row *row;
    struct vmn_names names;
    struct vmn_labels labels;
};

/* Memory.  ---------------------------------------------------------------- */

#define CHUNK_SIZE 16000
/* A larger block has a chunk of its own. */
#define SHARED_SIZE_MAX 2000

struct view_chunk {
    struct view_chunk *next;
    size_t used, size;
    _Alignas(max_align_t) uint8_t data[];
};

/* Adds a chunk before '*next'. */
static struct view_chunk *
add_chunk(struct view_chunk **next, size_t size)
{
    struct view_chunk *chunk = xmalloc(sizeof *chunk + size);

    chunk->next = *next;
    chunk->used = 0;
    chunk->size = size;
    *next = chunk;
    return chunk;
}

/* Returns a chunk with room for 'size' bytes.  The first chunk of the list is
 * the one that small blocks share. */
static struct view_chunk *
find_chunk(struct vmn_view *view, size_t size)
{
    struct view_chunk *chunk = view->chunks;

    if (chunk && chunk->size - chunk->used >= size) {
        return chunk;
    }
    return (chunk && size > SHARED_SIZE_MAX ? add_chunk(&chunk->next, size)
            : add_chunk(&view->chunks, MAX(size, CHUNK_SIZE)));
}

void *
vmn_alloc(struct vmn_view *view, size_t size)
{
    struct view_chunk *chunk;
    void *p;

    if (size > SIZE_MAX / 2) {
        worker_refuse("called vmn_alloc() for %"PRIuSIZE" bytes", size);
    }
    size = ROUND_UP(size, sizeof(max_align_t));
    chunk = find_chunk(view, size);
    p = chunk->data + chunk->used;
    chunk->used += size;
    memset(p, 0, size);
    return p;
}

char *
vmn_printf(struct vmn_view *view, const char *format, ...)
{
    va_list args, again;
    char *s;
    int n;

    va_start(args, format);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    s = vmn_alloc(view, MAX(n, 0) + 1);
    vsnprintf(s, MAX(n, 0) + 1, format, again);
    va_end(again);
    va_end(args);
    return s;
}

void
vmn_log(struct vmn_view *view OVS_UNUSED, const char *format, ...)
{
    char text[VMN_LOG_LEN + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    worker_log(text);
}

static char *
copy_text(struct vmn_view *view, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(vmn_alloc(view, size), text, size);
}

void
view_init(struct vmn_view *view)
{
    memset(view, 0, sizeof *view);
    hmap_init(&view->known);
}

void
view_uninit(struct vmn_view *view)
{
    hmap_destroy(&view->known);
    while (view->chunks) {
        struct view_chunk *next = view->chunks->next;

        free(view->chunks);
        view->chunks = next;
    }
    free(view->used);
}

/* What is known.  --------------------------------------------------------- */

static uint32_t
hash_read(const struct worker_read *read)
{
    return hash_string(read->key, hash_string(read->name,
                                              read->kind << 24 | read->id));
}

static struct known *
add_known(struct vmn_view *view, const struct worker_read *read,
          uint32_t index)
{
    struct known *known = vmn_alloc(view, sizeof *known);

    known->read = *read;
    known->index = index;
    hmap_insert(&view->known, &known->node, hash_read(read));
    return known;
}

static struct known *
find_known(struct vmn_view *view, const struct worker_read *read)
{
    struct known *known;

    HMAP_FOR_EACH_WITH_HASH (known, node, hash_read(read), &view->known) {
        if (known->read.kind == read->kind && known->read.id == read->id
            && !strcmp(known->read.key, read->key)
            && !strcmp(known->read.name, read->name)) {
            return known;
        }
    }
    return NULL;
}

void
view_take_known(struct vmn_view *view, struct wire_reader *in)
{
    uint32_t n = wire_take_u32(in);

    for (uint32_t i = 0; i < n && !in->bad; i++) {
        struct worker_read read;
        struct known *known;

        wire_take_read(in, &read);
        known = add_known(view, &read, i);
        known->block = CONST_CAST(void *, wire_take_block(in, &known->size));
    }
}

static void
note_used(struct vmn_view *view, struct known *known)
{
    if (known->used || known->index == NOT_SENT) {
        return;
    }
    known->used = true;
    if (view->n_used >= view->allocated_used) {
        view->used = x2nrealloc(view->used, &view->allocated_used,
                                sizeof *view->used);
    }
    view->used[view->n_used++] = known->index;
}

/* Queries vmnd.  Keeps only the block of the answer: a message has a buffer of
 * some kilobytes, and a computation may read 100,000 values. */
static struct known *
ask(struct vmn_view *view, const struct worker_read *read)
{
    struct worker_read copy = *read;
    struct wire_reader in;
    struct ofpbuf out, *message;
    struct known *known;
    const void *block;

    ofpbuf_init(&out, 256);
    wire_begin(&out, WORKER_READ);
    wire_put_read(&out, read);
    worker_send(&out);
    ofpbuf_uninit(&out);

    message = worker_wait_answer();
    copy.name = copy_text(view, read->name);
    copy.key = copy_text(view, read->key);
    known = add_known(view, &copy, NOT_SENT);
    wire_reader_init(&in, message->data, message->size);
    wire_take(&in, sizeof(struct worker_head));
    block = wire_take_block(&in, &known->size);
    if (block) {
        known->block = vmn_alloc(view, MAX(known->size, 1));
        memcpy(known->block, block, known->size);
    }
    ofpbuf_delete(message);
    return known;
}

static struct known *
read_it(struct vmn_view *view, enum worker_read_kind kind, uint32_t id,
        const char *name, const char *key)
{
    const struct worker_read read = { kind, id, name, key };
    struct known *known;

    if (strlen(key) > WORKER_TEXT_MAX || strlen(name) > WORKER_TEXT_MAX) {
        worker_refuse("read what has a name of more than %d characters",
                      WORKER_TEXT_MAX);
    }
    known = find_known(view, &read);
    if (!known) {
        known = ask(view, &read);
    }
    note_used(view, known);
    return known;
}

/* What apps call.  -------------------------------------------------------- */

const void *
vmn_read(struct vmn_view *view, enum vmn_row_type type, const char *name)
{
    struct known *known;

    if (!name) {
        worker_refuse("called vmn_read() of type %d without a name",
                      (int) type);
    }
    known = read_it(view, WORKER_READ_ROW, type, "", name);
    if (!known->opened) {
        known->opened = true;
        known->row = (known->block
                      ? row_image_open(known->block, known->size) : NULL);
    }
    return known->row;
}

const struct vmn_labels *
vmn_labels_of(struct vmn_view *view, const struct vmn_row *row)
{
    struct known *known;

    if (!row) {
        worker_refuse("called vmn_labels_of() without a row");
    }
    known = read_it(view, WORKER_READ_LABELS, row->table, "", row->name);
    if (!known->opened) {
        known->opened = true;
        if (known->block) {
            labels_image_open(known->block, known->size, &known->labels);
        }
    }
    return &known->labels;
}

const struct vmn_health *
vmn_read_health(struct vmn_view *view, const char *loadbalancer,
                const char *port)
{
    return (loadbalancer && port
            ? vmn_read(view, VMN_ROW_HEALTH,
                       vmn_printf(view, "%s/%s", loadbalancer, port)) : NULL);
}

const struct vmn_vif *
vmn_read_vif(struct vmn_view *view, const char *host, const char *iface_id)
{
    return (host && iface_id
            ? vmn_read(view, VMN_ROW_VIF,
                       vmn_printf(view, "%s/%s", host, iface_id)) : NULL);
}

static struct vmn_names
read_names(struct vmn_view *view, enum worker_read_kind kind, uint32_t id,
           const char *name, const char *key)
{
    struct known *known = read_it(view, kind, id, name, key);

    if (!known->opened) {
        known->opened = true;
        if (known->block) {
            names_image_open(known->block, known->size, &known->names);
        }
    }
    return known->names;
}

struct vmn_names
vmn_lookup(struct vmn_view *view, enum vmn_index index, const char *key)
{
    if (!key) {
        worker_refuse("called vmn_lookup() in index %d without a key",
                      (int) index);
    }
    return read_names(view, WORKER_READ_INDEX, index, "", key);
}

struct vmn_names
vmn_relation_values(struct vmn_view *view, const char *relation,
                    const char *key)
{
    if (!relation || !key) {
        worker_refuse("called vmn_relation_values() without a relation or a "
                      "key");
    }
    return read_names(view, WORKER_READ_VALUES, 0, relation, key);
}

const void *
vmn_query(struct vmn_view *view, const char *query, const char *key,
          size_t *size)
{
    struct known *known;

    if (!query || !key) {
        worker_refuse("called vmn_query() without a query or a key");
    }
    known = read_it(view, WORKER_READ_QUERY, 0, query, key);
    *size = known->size;
    return known->block;
}

uint32_t
vmn_id_of(struct vmn_view *view, const char *pool, const char *key)
{
    struct known *known;
    uint32_t id = 0;

    if (!pool || !key) {
        worker_refuse("called vmn_id_of() without a pool or a key");
    }
    known = read_it(view, WORKER_READ_ID, 0, pool, key);
    if (known->size == sizeof id) {
        memcpy(&id, known->block, sizeof id);
    }
    return id;
}

bool
vmn_is_past(struct vmn_view *view, int64_t when)
{
    char key[24];

    snprintf(key, sizeof key, "%"PRId64, when);
    return read_it(view, WORKER_READ_PAST, 0, "", key)->block != NULL;
}

bool
vmn_time_in_zone(struct vmn_view *view, const char *timezone, int64_t local,
                 int64_t *when)
{
    const struct known *known;
    char key[24];

    snprintf(key, sizeof key, "%"PRId64, local);
    known = read_it(view, WORKER_READ_ZONED, 0, timezone ? timezone : "",
                    key);
    if (!known->block || known->size != sizeof *when) {
        return false;
    }
    memcpy(when, known->block, sizeof *when);
    return true;
}

void
vmn_value_set(struct vmn_value *value, const void *data, size_t size)
{
    free(value->data);
    value->size = MIN(size, VMN_VALUE_SIZE_MAX);
    /* An empty value is not the same as none. */
    value->data = xmalloc(MAX(value->size, 1));
    memcpy(value->data, data, value->size);
}
