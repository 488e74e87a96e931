/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts messages together and takes them apart; see worker-wire.h. */

#include <config.h>

#include "controller/worker/worker-wire.h"

#include <sched.h>
#include <string.h>

#include "util.h"

/* The size of a block that is none. */
#define NO_BLOCK UINT32_MAX

void
wire_reader_init(struct wire_reader *reader, const void *bytes, size_t size)
{
    reader->start = reader->p = bytes;
    reader->end = reader->p + size;
    reader->bad = false;
}

const void *
wire_take(struct wire_reader *reader, size_t size)
{
    const void *p = reader->p;

    if (reader->bad || size > (size_t) (reader->end - reader->p)) {
        reader->bad = true;
        return NULL;
    }
    reader->p += size;
    return p;
}

uint32_t
wire_take_u32(struct wire_reader *reader)
{
    const void *p = wire_take(reader, sizeof(uint32_t));
    uint32_t value = 0;

    if (p) {
        memcpy(&value, p, sizeof value);
    }
    return value;
}

uint64_t
wire_take_u64(struct wire_reader *reader)
{
    const void *p = wire_take(reader, sizeof(uint64_t));
    uint64_t value = 0;

    if (p) {
        memcpy(&value, p, sizeof value);
    }
    return value;
}

const char *
wire_take_text(struct wire_reader *reader)
{
    uint32_t len = wire_take_u32(reader);
    const char *text = (len <= WORKER_TEXT_MAX ? wire_take(reader, len + 1)
                        : NULL);

    if (!text || text[len] || strlen(text) != len) {
        reader->bad = true;
        return "";
    }
    return text;
}

void
wire_take_pad(struct wire_reader *reader)
{
    size_t ofs = reader->p - reader->start;

    wire_take(reader, ROUND_UP(ofs, WORKER_ALIGN) - ofs);
}

void
wire_take_read(struct wire_reader *reader, struct worker_read *read)
{
    read->kind = wire_take_u32(reader);
    read->id = wire_take_u32(reader);
    read->name = wire_take_text(reader);
    read->key = wire_take_text(reader);
    if (read->kind >= WORKER_N_READS) {
        reader->bad = true;
    }
}

const void *
wire_take_block(struct wire_reader *reader, size_t *size)
{
    uint32_t n = wire_take_u32(reader);
    const void *bytes;

    *size = 0;
    wire_take_pad(reader);
    if (reader->bad || n == NO_BLOCK) {
        return NULL;
    }
    bytes = wire_take(reader, n);
    wire_take_pad(reader);
    if (reader->bad) {
        return NULL;
    }
    *size = n;
    return bytes;
}

void
wire_put_u32(struct ofpbuf *out, uint32_t value)
{
    ofpbuf_put(out, &value, sizeof value);
}

void
wire_put_u64(struct ofpbuf *out, uint64_t value)
{
    ofpbuf_put(out, &value, sizeof value);
}

void
wire_put_text(struct ofpbuf *out, const char *text)
{
    size_t len = strnlen(text, WORKER_TEXT_MAX);
    size_t size = sizeof(uint32_t) + len + 1;

    /* ofpbuf_put() alone would copy all of it for each longer text. */
    if (ofpbuf_tailroom(out) < size) {
        ofpbuf_prealloc_tailroom(out, out->size + size);
    }
    wire_put_u32(out, len);
    ofpbuf_put(out, text, len);
    ofpbuf_put_zeros(out, 1);
}

void
wire_put_pad(struct ofpbuf *out)
{
    ofpbuf_put_zeros(out, ROUND_UP(out->size, WORKER_ALIGN) - out->size);
}

void
wire_put_read(struct ofpbuf *out, const struct worker_read *read)
{
    wire_put_u32(out, read->kind);
    wire_put_u32(out, read->id);
    wire_put_text(out, read->name);
    wire_put_text(out, read->key);
}

size_t
wire_open_block(struct ofpbuf *out)
{
    size_t opened = out->size;

    wire_put_u32(out, 0);
    wire_put_pad(out);
    return opened;
}

void
wire_close_block(struct ofpbuf *out, size_t opened)
{
    uint32_t size = out->size - ROUND_UP(opened + sizeof size, WORKER_ALIGN);

    memcpy((char *) out->data + opened, &size, sizeof size);
    wire_put_pad(out);
}

void
wire_put_block(struct ofpbuf *out, const void *bytes, size_t size)
{
    if (bytes) {
        size_t opened = wire_open_block(out);

        ofpbuf_put(out, bytes, size);
        wire_close_block(out, opened);
    } else {
        wire_put_u32(out, NO_BLOCK);
        wire_put_pad(out);
    }
}

static uint16_t
this_cpu(void)
{
    int cpu = sched_getcpu();

    return cpu < 0 ? 0 : cpu;
}

void
wire_begin(struct ofpbuf *out, enum worker_message type)
{
    struct worker_head head = { .type = type };

    ofpbuf_clear(out);
    ofpbuf_put(out, &head, sizeof head);
}

void
wire_end(struct ofpbuf *out)
{
    struct worker_head *head;

    wire_put_pad(out);
    head = out->data;           /* The padding may have moved it. */
    head->size = out->size;
    head->cpu = this_cpu();
}

unsigned
wire_tries(uint16_t cpu)
{
    return cpu == this_cpu() ? 0 : WORKER_TRIES;
}
