/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables and columns of the Open_vSwitch database, from its schema. */

#ifndef TESTS_BENCH_SWARM_SCHEMA_H
#define TESTS_BENCH_SWARM_SCHEMA_H 1

#include <stdbool.h>
#include <stddef.h>

#include "ovsdb-types.h"

struct json;

struct schema_column {
    char *name;
    struct ovsdb_type type;
    bool is_unique;             /* An index, by itself. */
};

struct schema_table {
    char *name;
    bool is_root;               /* Its rows stay without a reference. */
    size_t n_columns;
    struct schema_column *columns;
};

struct schema {
    struct json *json;          /* All of it, as a client gets it. */
    size_t n_tables;
    struct schema_table *tables;
};

/* Returns NULL with a sentence in '*error' (caller frees). */
struct schema *schema_load(const char *file, char **error);
void schema_destroy(struct schema *);

/* The number of a table or column, or -1. */
int schema_find_table(const struct schema *, const char *name);
int schema_find_column(const struct schema_table *, const char *name);

#endif /* tests/bench/swarm/swarm-schema.h */
