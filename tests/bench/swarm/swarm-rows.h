/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of one host's database, changed a transaction at a time.  Columns
 * that have their default take no memory. */

#ifndef TESTS_BENCH_SWARM_ROWS_H
#define TESTS_BENCH_SWARM_ROWS_H 1

#include <stdbool.h>
#include <stddef.h>

#include "openvswitch/hmap.h"
#include "openvswitch/uuid.h"
#include "ovsdb-data.h"
#include "tests/bench/swarm/swarm-schema.h"

struct json;

/* What a row was before the change that is under way. */
struct row_before {
    bool existed;
    struct ovsdb_datum **values;
};

struct row {
    struct hmap_node node;      /* By uuid. */
    struct uuid uuid;
    int table;                  /* In the schema. */
    bool deleted;               /* In the change that is under way. */
    bool marked;                /* While unreferenced rows are looked for. */
    struct ovsdb_datum **values; /* By column; NULL: the default. */
    struct row_before *before;  /* NULL: not touched by the change. */
};

struct rows {
    const struct schema *schema;
    struct hmap all;            /* struct row. */
    struct row **touched;
    size_t n_touched, allocated_touched;
};

void rows_init(struct rows *, const struct schema *);
void rows_uninit(struct rows *);

#define ROWS_FOR_EACH(ROW, ROWS, TABLE) \
    HMAP_FOR_EACH (ROW, node, &(ROWS)->all) \
        if ((ROW)->table == (TABLE) && !(ROW)->deleted)

struct row *rows_find(const struct rows *, int table, const struct uuid *);
struct row *rows_insert(struct rows *, int table, const struct uuid *);
void rows_delete(struct rows *, struct row *);
const struct schema_table *rows_table(const struct rows *,
                                      const struct row *);

/* A copy of a column's value, which the caller owns: what is counted of it is
 * in the row itself. */
void rows_copy(const struct rows *, const struct row *, int column,
               struct ovsdb_datum *);
/* A column's value, to be read until the next change of the row. */
struct ovsdb_datum rows_get(const struct rows *, const struct row *,
                            int column);
/* Takes ownership of 'value'. */
void rows_set(struct rows *, struct row *, int column,
              struct ovsdb_datum *value);

/* By the name of the column, for what is known to be there. */
const char *rows_get_string(const struct rows *, const struct row *,
                            const char *column);
int64_t rows_get_integer(const struct rows *, const struct row *,
                         const char *column, int64_t none);
bool rows_get_boolean(const struct rows *, const struct row *,
                      const char *column);
const char *rows_get_key(const struct rows *, const struct row *,
                         const char *column, const char *key);
void rows_set_string(struct rows *, struct row *, const char *column,
                     const char *value);
void rows_set_integer(struct rows *, struct row *, const char *column,
                      int64_t value);
void rows_set_boolean(struct rows *, struct row *, const char *column,
                      bool value);
void rows_set_uuid(struct rows *, struct row *, const char *column,
                   const struct uuid *value);
void rows_set_pair(struct rows *, struct row *, const char *column,
                   const char *key, const char *value);
/* Adds a reference to, or takes it from, a set of references. */
void rows_refer(struct rows *, struct row *, const char *column,
                const struct uuid *, bool add);

/* The end of a change: removes rows that nothing refers to, and keeps what
 * was touched for the monitor.  rows_settle() forgets that. */
void rows_commit(struct rows *);
void rows_abort(struct rows *);
void rows_settle(struct rows *);

/* Runs the operations of a "transact" request, 'params' without the name of
 * the database, as one change that is left open for server_notify().  Returns
 * the result, which the caller owns. */
struct json *transact(struct rows *, const struct json *params);

#endif /* tests/bench/swarm/swarm-rows.h */
