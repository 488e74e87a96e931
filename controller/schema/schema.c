/* SPDX-License-Identifier: Apache-2.0
 *
 * Lookups in the description of the resources; see schema.h. */

#include <config.h>

#include "controller/schema/schema.h"

#include <string.h>

#include "controller/schema/schema-own.h"
#include "util.h"

#define TABLE(ID, NAME) extern const struct schema_table schema_##NAME;
VMN_TABLES(TABLE, TABLE)
#undef TABLE

#define TABLE(ID, NAME) [VMN_TABLE_##ID] = &schema_##NAME,
#define OWN(I) [VMN_TABLE_OWN_FIRST + (I)] = &schema_own_places[I]
#define OWN_4(I) OWN(I), OWN((I) + 1), OWN((I) + 2), OWN((I) + 3)
#define OWN_16(I) OWN_4(I), OWN_4((I) + 4), OWN_4((I) + 8), OWN_4((I) + 12)
const struct schema_table *const schema_tables[VMN_N_TABLES] = {
    VMN_TABLES(TABLE, TABLE)
    OWN_16(0), OWN_16(16)
};
#undef TABLE

const struct schema_struct *
schema_struct_of(const struct vmn_row *row)
{
    return (schema_is_own(row->table)
            ? ((const struct vmn_object *) (const void *) row)->shape
            : &schema_tables[row->table]->row);
}

const struct schema_table *
schema_find_table(const char *name)
{
    for (size_t i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];

        if (schema_is_there(table) && (!strcmp(name, table->plural)
                                       || !strcmp(name, table->singular))) {
            return table;
        }
    }
    return NULL;
}

enum vmn_table
schema_table_of(enum vmn_row_type type)
{
    size_t i = 0;

    while (i < VMN_TABLE_OWN_FIRST
           && (!type || schema_tables[i]->row_type != type)) {
        i++;
    }
    return i < VMN_TABLE_OWN_FIRST ? i : VMN_N_TABLES;
}

const struct schema_field *
schema_find_field(const struct schema_struct *s, const char *name)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        if (!strcmp(f->name, name)) {
            return f;
        }
    }
    return NULL;
}

/* Returns the edit distance between 'a' and 'b', both of at most SUGGEST_LEN
 * characters: insertions, deletions, substitutions, and transpositions of
 * neighbours. */
#define SUGGEST_LEN 32
static unsigned
edit_distance(const char *a, const char *b)
{
    unsigned d[SUGGEST_LEN + 1][SUGGEST_LEN + 1];
    size_t n_a = strlen(a), n_b = strlen(b);

    for (size_t j = 0; j <= n_b; j++) {
        d[0][j] = j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        d[i][0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            unsigned change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

            d[i][j] = MIN(change, MIN(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2]
                && a[i - 2] == b[j - 1]) {
                d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[n_a][n_b];
}

const char *
schema_suggest(const char *name,
               const char *(*candidate)(const void *aux, size_t i),
               const void *aux)
{
    /* A misspelling is one edit, or two in a longer name. */
    return schema_suggest_within(name, strlen(name) < 6 ? 1 : 2, candidate,
                                 aux);
}

const char *
schema_suggest_within(const char *name, unsigned max_distance,
                      const char *(*candidate)(const void *aux, size_t i),
                      const void *aux)
{
    unsigned best_distance = max_distance + 1;
    const char *best = NULL;
    const char *s;

    if (strlen(name) > SUGGEST_LEN) {
        return NULL;
    }
    for (size_t i = 0; (s = candidate(aux, i)) != NULL; i++) {
        unsigned distance = strlen(s) <= SUGGEST_LEN
                            ? edit_distance(name, s) : UINT32_MAX;

        /* "x" is not meant as "ip", although few edits apart. */
        if (distance < best_distance && distance < strlen(s)) {
            best_distance = distance;
            best = s;
        }
    }
    return best;
}

size_t
schema_element_size(const struct schema_field *f)
{
    switch (f->type) {
    case SCHEMA_BOOL: return sizeof(bool);
    case SCHEMA_INT: return sizeof(int);
    case SCHEMA_U16: return sizeof(uint16_t);
    case SCHEMA_U32: return sizeof(uint32_t);
    case SCHEMA_ENUM: return sizeof(int);
    case SCHEMA_STRING:
    case SCHEMA_REF: return sizeof(const char *);
    case SCHEMA_MAC: return sizeof(struct vmn_mac);
    case SCHEMA_IP: return sizeof(struct vmn_ip);
    case SCHEMA_PREFIX: return sizeof(struct vmn_prefix);
    case SCHEMA_RANGE: return sizeof(struct vmn_port_range);
    case SCHEMA_LABELS: return sizeof(struct vmn_labels);
    case SCHEMA_SELECTOR: return sizeof(struct vmn_selector);
    case SCHEMA_STRUCT: return f->nested->size;
    case SCHEMA_U64: return sizeof(uint64_t);
    case SCHEMA_I64: return sizeof(int64_t);
    case SCHEMA_SIZE: return sizeof(size_t);
    case SCHEMA_DOUBLE: return sizeof(double);
    case SCHEMA_ENUM_SET: break;
    }

    size_t n = 0;
    while (f->names[n]) {
        n++;
    }
    return n * sizeof(bool);
}
