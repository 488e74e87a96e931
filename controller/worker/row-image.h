/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of rows: one block of bytes that holds a row (vmn/rows.h) and all
 * that it points to, for the worker process of an app, which opens it in
 * place.  The same for lists of names and for labels.  It is made by the
 * description of the tables (schema/schema.h) and knows none of their structs.
 *
 * Equal rows have equal images.  Left out are remarks (SCHEMA_REMARK: NULL),
 * which apps do not read, and what no field describes ("reserved": zero).
 *
 * Both sides are of one build: byte order and structs are those of this
 * machine.  Opening checks that all that the row points to is inside the
 * image and that texts end there, so that any bytes can be opened, and all
 * that was opened can be read; it does not check values (a number's range, a
 * text's form).
 * Not for what is stored or leaves the machine (JSON: schema/schema-row.h). */

#ifndef CONTROLLER_WORKER_ROW_IMAGE_H
#define CONTROLLER_WORKER_ROW_IMAGE_H 1

#include <stdbool.h>
#include <stddef.h>

#include "vmn/rows.h"

struct ofpbuf;

/* Offsets of images in buffers and their sizes are multiples of this, and so
 * must be the addresses where they are opened. */
#define ROW_IMAGE_ALIGN 8

/* Append an image to 'out', behind zeros up to the next offset that is a
 * multiple of ROW_IMAGE_ALIGN.  Return its size: it is the last bytes of
 * 'out'. */
/* 'table' is what the row's is where it is opened. */
size_t row_image_put(struct ofpbuf *out, const struct vmn_row *,
                     uint32_t table);
size_t names_image_put(struct ofpbuf *out, const struct vmn_names *);
size_t labels_image_put(struct ofpbuf *out, const struct vmn_labels *);

/* Opens the image that is the 'size' bytes at 'bytes', once, since this
 * changes them.  The row points into them, and is valid as long as they are.
 * Returns NULL if they are no image of a row of a table that apps may read. */
struct vmn_row *row_image_open(void *bytes, size_t size);

/* The same for the others.  Return false, with 'names' or 'labels' unchanged,
 * if the bytes are no image. */
bool names_image_open(void *bytes, size_t size, struct vmn_names *names);
bool labels_image_open(void *bytes, size_t size, struct vmn_labels *labels);

#endif /* controller/worker/row-image.h */
