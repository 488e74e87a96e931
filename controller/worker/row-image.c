/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of rows; see row-image.h.
 *
 * An image is the row's struct, then what it points to, in the order of the
 * fields: of a text its characters with the final null, of a list its
 * elements, then what they point to.  Each such block is filled up with zeros
 * to ROW_IMAGE_ALIGN.  Since both sides walk the fields in the same order, it
 * needs no offsets: a block is where the previous one ended.  In place of a
 * pointer to a text is its size with the final null, or 0 for NULL; in place
 * of a pointer to a list is 0, as the number of its elements is at another
 * place of the struct.  Blocks cannot overlap, so what was checked does not
 * change any more. */

#include <config.h>

#include "controller/worker/row-image.h"

#include <stdint.h>
#include <string.h>

#include "controller/schema/schema-own.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

BUILD_ASSERT_DECL(sizeof(size_t) == sizeof(char *));
BUILD_ASSERT_DECL(sizeof(struct vmn_label) == 2 * sizeof(char *));

/* Putting.  Places are offsets in 'out', whose data moves as it grows. */

static void *
place(struct ofpbuf *out, size_t at)
{
    return (char *) out->data + at;
}

/* Appends a block of zeros and returns its place. */
static size_t
put_zeros(struct ofpbuf *out, size_t size)
{
    size_t at = out->size;

    ofpbuf_put_zeros(out, ROUND_UP(size, ROW_IMAGE_ALIGN));
    return at;
}

/* Returns the place where an image begins. */
static size_t
begin_image(struct ofpbuf *out)
{
    ofpbuf_put_zeros(out, PAD_SIZE(out->size, ROW_IMAGE_ALIGN));
    return out->size;
}

static void
put_size(struct ofpbuf *out, size_t at, size_t size)
{
    memcpy(place(out, at), &size, sizeof size);
}

static void
put_text(struct ofpbuf *out, size_t at, const char *text)
{
    if (text) {
        size_t size = strlen(text) + 1;
        size_t padded = ROUND_UP(size, ROW_IMAGE_ALIGN);
        char *block = ofpbuf_put_uninit(out, padded);

        memset(block + padded - ROW_IMAGE_ALIGN, 0, ROW_IMAGE_ALIGN);
        memcpy(block, text, size);
        put_size(out, at, size);
    }
}

static void
put_texts(struct ofpbuf *out, const char *const *texts, size_t n)
{
    size_t at = put_zeros(out, n * sizeof *texts);

    for (size_t i = 0; i < n; i++) {
        put_text(out, at + i * sizeof *texts, texts[i]);
    }
}

static void
put_labels(struct ofpbuf *out, size_t at, const struct vmn_labels *labels)
{
    put_size(out, at + offsetof(struct vmn_labels, n), labels->n);
    put_texts(out, (const char *const *) labels->labels, 2 * labels->n);
}

static void
put_selector(struct ofpbuf *out, size_t at,
             const struct vmn_selector *selector)
{
    size_t size = sizeof *selector->terms;

    put_text(out, at + offsetof(struct vmn_selector, text), selector->text);
    put_size(out, at + offsetof(struct vmn_selector, n_terms),
             selector->n_terms);
    at = put_zeros(out, selector->n_terms * size);
    for (size_t i = 0; i < selector->n_terms; i++, at += size) {
        const struct vmn_selector_term *term = &selector->terms[i];

        memcpy(place(out, at + offsetof(struct vmn_selector_term, op)),
               &term->op, sizeof term->op);
        put_text(out, at + offsetof(struct vmn_selector_term, key),
                 term->key);
        put_size(out, at + offsetof(struct vmn_selector_term, n_values),
                 term->n_values);
        put_texts(out, term->values, term->n_values);
    }
}

static void put_struct(struct ofpbuf *, size_t at,
                       const struct schema_struct *, const char *src);

/* Puts a value of 'f' that is at 'src'.  It is copied without the padding of
 * its struct, which may differ in equal rows. */
static void
put_value(struct ofpbuf *out, size_t at, const struct schema_field *f,
          const void *src)
{
    switch (f->type) {
    case SCHEMA_STRING:
    case SCHEMA_REF:
        put_text(out, at, (f->flags & SCHEMA_REMARK
                           ? NULL : *(const char *const *) src));
        break;
    case SCHEMA_LABELS:
        put_labels(out, at, src);
        break;
    case SCHEMA_SELECTOR:
        put_selector(out, at, src);
        break;
    case SCHEMA_STRUCT:
        put_struct(out, at, f->nested, src);
        break;
    case SCHEMA_BOOL:
    case SCHEMA_INT:
    case SCHEMA_U16:
    case SCHEMA_U32:
    case SCHEMA_ENUM:
    case SCHEMA_MAC:
    case SCHEMA_IP:
    case SCHEMA_PREFIX:
    case SCHEMA_RANGE:
    case SCHEMA_ENUM_SET:
    case SCHEMA_U64:
    case SCHEMA_I64:
    case SCHEMA_SIZE:
    case SCHEMA_DOUBLE:
        memcpy(place(out, at), src, schema_element_size(f));
        break;
    }
}

/* 'at' and 'src' are the struct's; the offsets are those of the requested
 * value or of the assigned one. */
static void
put_field(struct ofpbuf *out, size_t at, const struct schema_field *f,
          const char *src, size_t offset, size_t n_offset)
{
    if (!(f->flags & SCHEMA_LIST)) {
        put_value(out, at + offset, f, src + offset);
        return;
    }

    size_t n = *(const size_t *) (const void *) (src + n_offset);
    if (!n) {
        return;
    }

    const char *elements = *(const char *const *) (const void *) (src
                                                                  + offset);
    size_t size = schema_element_size(f);
    size_t array = put_zeros(out, n * size);

    put_size(out, at + n_offset, n);
    for (size_t i = 0; i < n; i++) {
        put_value(out, array + i * size, f, elements + i * size);
    }
}

static void
put_struct(struct ofpbuf *out, size_t at, const struct schema_struct *s,
           const char *src)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        put_field(out, at, f, src, f->offset, f->n_offset);
        if (f->flags & SCHEMA_ASSIGNED) {
            put_field(out, at, f, src, f->assigned_offset,
                      f->assigned_n_offset);
        }
    }
}

size_t
row_image_put(struct ofpbuf *out, const struct vmn_row *row, uint32_t table)
{
    const struct schema_struct *s = schema_struct_of(row);
    size_t image = begin_image(out);
    size_t at = put_zeros(out, s->size);

    memcpy(place(out, at + offsetof(struct vmn_row, table)), &table,
           sizeof table);
    put_text(out, at + offsetof(struct vmn_row, name), row->name);
    put_struct(out, at, s, (const char *) row);
    return out->size - image;
}

size_t
names_image_put(struct ofpbuf *out, const struct vmn_names *names)
{
    size_t image = begin_image(out);
    size_t at = put_zeros(out, sizeof *names);

    put_size(out, at + offsetof(struct vmn_names, n), names->n);
    put_texts(out, names->names, names->n);
    return out->size - image;
}

size_t
labels_image_put(struct ofpbuf *out, const struct vmn_labels *labels)
{
    size_t image = begin_image(out);

    put_labels(out, put_zeros(out, sizeof *labels), labels);
    return out->size - image;
}

/* Opening. */

struct opening {
    char *next;                 /* The next block. */
    size_t left;                /* Bytes from there to the end of the image, a
                                 * multiple of ROW_IMAGE_ALIGN. */
    bool failed;                /* These bytes are no image. */
};

/* Returns the next block, which has 'n' elements of 'size' bytes, not 0; NULL
 * if there are none, or if they are not inside the image, which fails then. */
static void *
take(struct opening *o, size_t n, size_t size)
{
    if (!n) {
        return NULL;
    }
    if (n > o->left / size) {
        o->failed = true;
        return NULL;
    }

    char *block = o->next;
    size_t n_bytes = ROUND_UP(n * size, ROW_IMAGE_ALIGN);
    o->next += n_bytes;
    o->left -= n_bytes;
    return block;
}

/* Begins with the struct of 'size' bytes that an image starts with. */
static void *
open_begin(struct opening *o, void *bytes, size_t n_bytes, size_t size)
{
    o->next = bytes;
    o->left = n_bytes;
    o->failed = n_bytes % ROW_IMAGE_ALIGN != 0;
    return o->failed ? NULL : take(o, 1, size);
}

/* Returns true if all of the bytes were an image. */
static bool
open_end(const struct opening *o)
{
    return !o->failed && !o->left;
}

static void
open_text(struct opening *o, const char **slot)
{
    size_t size = (uintptr_t) *slot;
    const char *text = take(o, size, 1);

    if (text && text[size - 1]) {
        o->failed = true;
    }
    *slot = text;
}

static const char **
open_texts(struct opening *o, size_t n)
{
    const char **texts = take(o, n, sizeof *texts);

    for (size_t i = 0; i < n && !o->failed; i++) {
        open_text(o, &texts[i]);
    }
    return texts;
}

static void
open_labels(struct opening *o, struct vmn_labels *labels)
{
    struct vmn_label *pairs = take(o, labels->n, sizeof *pairs);

    for (size_t i = 0; i < labels->n && !o->failed; i++) {
        open_text(o, &pairs[i].key);
        open_text(o, &pairs[i].value);
    }
    labels->labels = pairs;
}

static void
open_selector(struct opening *o, struct vmn_selector *selector)
{
    open_text(o, &selector->text);

    struct vmn_selector_term *terms = take(o, selector->n_terms,
                                           sizeof *terms);
    for (size_t i = 0; i < selector->n_terms && !o->failed; i++) {
        open_text(o, &terms[i].key);
        terms[i].values = open_texts(o, terms[i].n_values);
    }
    selector->terms = terms;
}

static void open_struct(struct opening *, const struct schema_struct *,
                        char *dst);

static void
open_value(struct opening *o, const struct schema_field *f, void *dst)
{
    switch (f->type) {
    case SCHEMA_STRING:
    case SCHEMA_REF:
        open_text(o, dst);      /* NULL, if it was left out. */
        break;
    case SCHEMA_LABELS:
        open_labels(o, dst);
        break;
    case SCHEMA_SELECTOR:
        open_selector(o, dst);
        break;
    case SCHEMA_STRUCT:
        open_struct(o, f->nested, dst);
        break;
    case SCHEMA_BOOL:
    case SCHEMA_INT:
    case SCHEMA_U16:
    case SCHEMA_U32:
    case SCHEMA_ENUM:
    case SCHEMA_MAC:
    case SCHEMA_IP:
    case SCHEMA_PREFIX:
    case SCHEMA_RANGE:
    case SCHEMA_ENUM_SET:
    case SCHEMA_U64:
    case SCHEMA_I64:
    case SCHEMA_SIZE:
    case SCHEMA_DOUBLE:
        break;                  /* As it is. */
    }
}

static void
open_field(struct opening *o, const struct schema_field *f, char *dst,
           size_t offset, size_t n_offset)
{
    if (!(f->flags & SCHEMA_LIST)) {
        open_value(o, f, dst + offset);
        return;
    }

    size_t n = *(const size_t *) (const void *) (dst + n_offset);
    size_t size = n ? schema_element_size(f) : 0;
    char *elements = take(o, n, size);

    *(char **) (void *) (dst + offset) = elements;
    for (size_t i = 0; i < n && !o->failed; i++) {
        open_value(o, f, elements + i * size);
    }
}

static void
open_struct(struct opening *o, const struct schema_struct *s, char *dst)
{
    for (const struct schema_field *f = s->fields; f->name && !o->failed;
         f++) {
        open_field(o, f, dst, f->offset, f->n_offset);
        if (f->flags & SCHEMA_ASSIGNED) {
            open_field(o, f, dst, f->assigned_offset, f->assigned_n_offset);
        }
    }
}

/* Returns the struct of the row that these bytes begin with, or NULL if it is
 * of no table that apps may read. */
static const struct schema_struct *
row_struct(const void *bytes, size_t size)
{
    const struct vmn_row *row = bytes;

    return (size >= sizeof *row && row->table < VMN_N_TABLES
            && schema_tables[row->table]->row_type
            ? &schema_tables[row->table]->row : NULL);
}

struct vmn_row *
row_image_open(void *bytes, size_t size)
{
    const struct schema_struct *s = row_struct(bytes, size);
    struct opening o;
    struct vmn_row *row = s ? open_begin(&o, bytes, size, s->size) : NULL;

    if (!row) {
        return NULL;
    }
    if (schema_is_own(row->table)) {
        ((struct vmn_object *) (void *) row)->shape
            = &schema_tables[row->table]->lasting->row;
    }
    open_text(&o, &row->name);
    open_struct(&o, s, (char *) row);
    return open_end(&o) && row->name ? row : NULL;
}

bool
names_image_open(void *bytes, size_t size, struct vmn_names *names)
{
    struct opening o;
    struct vmn_names *image = open_begin(&o, bytes, size, sizeof *image);

    if (!image) {
        return false;
    }
    image->names = open_texts(&o, image->n);
    if (!open_end(&o)) {
        return false;
    }
    *names = *image;
    return true;
}

bool
labels_image_open(void *bytes, size_t size, struct vmn_labels *labels)
{
    struct opening o;
    struct vmn_labels *image = open_begin(&o, bytes, size, sizeof *image);

    if (!image) {
        return false;
    }
    open_labels(&o, image);
    if (!open_end(&o)) {
        return false;
    }
    *labels = *image;
    return true;
}
