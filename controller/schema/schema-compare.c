/* SPDX-License-Identifier: Apache-2.0
 *
 * Compares and sorts rows and their parts, by the description; see
 * schema-row.h. */

#include <config.h>

#include "controller/schema/schema-row.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static int compare_struct(const struct schema_struct *, const char *a,
                          const char *b);

static int
compare_int64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* Compares two texts; NULL comes first. */
static int
compare_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : compare_int64(a != NULL, b != NULL);
}

static int
compare_labels(const struct vmn_labels *a, const struct vmn_labels *b)
{
    int cmp = compare_int64(a->n, b->n);

    for (size_t i = 0; !cmp && i < a->n; i++) {
        cmp = strcmp(a->labels[i].key, b->labels[i].key);
        if (!cmp) {
            cmp = strcmp(a->labels[i].value, b->labels[i].value);
        }
    }
    return cmp;
}

static int
compare_prefix(const struct vmn_prefix *a, const struct vmn_prefix *b)
{
    int cmp = memcmp(&a->ip, &b->ip, sizeof a->ip);

    return cmp ? cmp : compare_int64(a->len, b->len);
}

static int
compare_range(const struct vmn_port_range *a, const struct vmn_port_range *b)
{
    int cmp = compare_int64(a->first, b->first);

    return cmp ? cmp : compare_int64(a->last, b->last);
}

int
schema_element_compare(const struct schema_field *f, const void *a,
                       const void *b)
{
    switch (f->type) {
    case SCHEMA_BOOL:
        return compare_int64(*(const bool *) a, *(const bool *) b);
    case SCHEMA_U16:
        return compare_int64(*(const uint16_t *) a, *(const uint16_t *) b);
    case SCHEMA_U32:
        return compare_int64(*(const uint32_t *) a, *(const uint32_t *) b);
    case SCHEMA_U64:
        return compare_int64(*(const uint64_t *) a, *(const uint64_t *) b);
    case SCHEMA_INT:
    case SCHEMA_ENUM:
        return compare_int64(*(const int *) a, *(const int *) b);
    case SCHEMA_STRING:
    case SCHEMA_REF:
        return compare_text(*(const char *const *) a,
                            *(const char *const *) b);
    case SCHEMA_MAC:
        return memcmp(a, b, sizeof(struct vmn_mac));
    case SCHEMA_IP:
        return memcmp(a, b, sizeof(struct vmn_ip));
    case SCHEMA_PREFIX:
        return compare_prefix(a, b);
    case SCHEMA_RANGE:
        return compare_range(a, b);
    case SCHEMA_LABELS:
        return compare_labels(a, b);
    case SCHEMA_SELECTOR:
        return compare_text(((const struct vmn_selector *) a)->text,
                            ((const struct vmn_selector *) b)->text);
    case SCHEMA_STRUCT:
        return compare_struct(f->nested, a, b);
    case SCHEMA_ENUM_SET:
        return memcmp(a, b, schema_element_size(f));
    case SCHEMA_I64:
    case SCHEMA_SIZE:
    case SCHEMA_DOUBLE:
        break;                  /* Does not occur in rows. */
    }
    OVS_NOT_REACHED();
}

/* Compares field 'f' of two structs; 'given' is as in
 * schema_field_to_json(). */
static int
compare_field(const struct schema_field *f, const char *a, const char *b,
              bool given)
{
    size_t offset = given ? f->assigned_offset : f->offset;

    if (!(f->flags & SCHEMA_LIST)) {
        return schema_element_compare(f, a + offset, b + offset);
    }

    size_t n_offset = given ? f->assigned_n_offset : f->n_offset;
    size_t n = *(const size_t *) (const void *) (a + n_offset);
    int cmp = compare_int64(n, *(const size_t *) (const void *)
                               (b + n_offset));
    const char *as = *(const char *const *) (const void *) (a + offset);
    const char *bs = *(const char *const *) (const void *) (b + offset);
    size_t size = schema_element_size(f);

    for (size_t i = 0; !cmp && i < n; i++) {
        cmp = schema_element_compare(f, as + i * size, bs + i * size);
    }
    return cmp;
}

bool
schema_field_same(const struct schema_field *f, const void *a, const void *b)
{
    return !compare_field(f, a, b, false);
}

bool
schema_field_same_assigned(const struct schema_field *f, const void *a,
                           const void *b)
{
    return !compare_field(f, a, b, true);
}

static int
compare_struct(const struct schema_struct *s, const char *a, const char *b)
{
    int cmp = s->compare ? s->compare(a, b) : 0;

    for (const struct schema_field *f = s->fields; !cmp && f->name; f++) {
        cmp = compare_field(f, a, b, false);
    }
    return cmp;
}

bool
schema_row_same_spec(const struct vmn_row *a, const struct vmn_row *b)
{
    const struct schema_struct *s = schema_struct_of(a);

    /* By other descriptions, they are not the same. */
    return s == schema_struct_of(b)
           && !compare_struct(s, (const char *) a, (const char *) b);
}

static bool
same_given(const struct vmn_row *a, const struct vmn_row *b)
{
    const struct schema_field *f = schema_struct_of(a)->fields;

    for (; f->name; f++) {
        if (f->flags & SCHEMA_ASSIGNED
            && compare_field(f, (const char *) a, (const char *) b, true)) {
            return false;
        }
    }
    return true;
}

bool
schema_row_same(const struct vmn_row *a, const struct vmn_row *b)
{
    return schema_row_same_spec(a, b) && same_given(a, b);
}

bool
schema_row_same_meaning(const struct vmn_row *a, const struct vmn_row *b)
{
    const struct schema_field *f = schema_struct_of(a)->fields;

    if (schema_struct_of(b) != schema_struct_of(a)) {
        return false;
    }
    for (; f->name; f++) {
        if (!(f->flags & SCHEMA_REMARK) && f->type != SCHEMA_LABELS
            && compare_field(f, (const char *) a, (const char *) b, false)) {
            return false;
        }
    }
    return same_given(a, b);
}

const struct vmn_labels *
schema_row_labels(const struct vmn_row *row)
{
    const struct schema_field *f = schema_struct_of(row)->fields;

    for (; f->name; f++) {
        if (f->type == SCHEMA_LABELS) {
            return (const void *) ((const char *) row + f->offset);
        }
    }
    return NULL;
}

bool
schema_row_same_labels(const struct vmn_row *a, const struct vmn_row *b)
{
    const struct vmn_labels *as = schema_row_labels(a);

    return !as || !compare_labels(as, schema_row_labels(b));
}

static int
compare_for_sort(const void *a, const void *b, void *field)
{
    const struct schema_field *const *f = field;

    return schema_element_compare(*f, a, b);
}

size_t
schema_set_sort(const struct schema_field *f, void *elements, size_t n)
{
    size_t size = schema_element_size(f);
    char *array = elements;
    size_t n_kept = 0;

    if (f->type == SCHEMA_RANGE) {
        return vmn_ranges_merge(elements, n);
    }
    qsort_r(array, n, size, compare_for_sort, &f);
    for (size_t i = 0; i < n; i++) {
        if (!n_kept || schema_element_compare(f, array + (n_kept - 1) * size,
                                              array + i * size)) {
            if (n_kept != i) {
                memcpy(array + n_kept * size, array + i * size, size);
            }
            n_kept++;
        }
    }
    return n_kept;
}
