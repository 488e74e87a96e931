/* SPDX-License-Identifier: Apache-2.0
 *
 * Telemetry of bridges (sFlow, IPFIX): writes it into a host's database where
 * it differs; for ovsdb-config.c.  A row that others have created stays as it
 * is, and a bridge has one row of a kind, so vmnd's is then omitted. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "util.h"

/* Copies.  --------------------------------------------------------------- */

static const char *const *
clone_targets(const char *const *targets, size_t n)
{
    char **copy = n ? xcalloc(n, sizeof *copy) : NULL;

    for (size_t i = 0; i < n; i++) {
        copy[i] = xstrdup(targets[i]);
    }
    return (const char *const *) copy;
}

static void
free_targets(const char *const *targets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(CONST_CAST(char *, targets[i]));
    }
    free(CONST_CAST(char **, targets));
}

void
ovsdb_sflow_clone(struct ovsdb_sflow *to, const struct ovsdb_sflow *from)
{
    *to = *from;
    to->targets = clone_targets(from->targets, from->n_targets);
    to->agent = nullable_xstrdup(from->agent);
}

void
ovsdb_ipfix_clone(struct ovsdb_ipfix *to, const struct ovsdb_ipfix *from)
{
    *to = *from;
    to->targets = clone_targets(from->targets, from->n_targets);
}

void
ovsdb_sflow_uninit(struct ovsdb_sflow *sflow)
{
    free_targets(sflow->targets, sflow->n_targets);
    free(CONST_CAST(char *, sflow->agent));
}

void
ovsdb_ipfix_uninit(struct ovsdb_ipfix *ipfix)
{
    free_targets(ipfix->targets, ipfix->n_targets);
}

/* Columns.  -------------------------------------------------------------- */

/* Returns true if both have the same targets, in any order; each has no
 * duplicates. */
static bool
same_targets(char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
    size_t n = 0;

    for (size_t i = 0; i < n_a; i++) {
        for (size_t j = 0; j < n_b; j++) {
            n += !strcmp(a[i], b[j]);
        }
    }
    return n == n_a && n == n_b;
}

/* Returns true if the column, which has 'n' values, holds 'desired', or is
 * empty if that is 0. */
static bool
same_number(const int64_t *values, size_t n, uint32_t desired)
{
    return desired ? n && values[0] == desired : !n;
}

/* Sets column COLUMN of 'row' to NUMBER, if it differs. */
#define ENSURE_NUMBER(TABLE, COLUMN, NUMBER)                            \
    if (!same_number(row->COLUMN, row->n_##COLUMN, NUMBER)) {           \
        int64_t value_ = NUMBER;                                        \
                                                                        \
        ovsrec_##TABLE##_set_##COLUMN(row, &value_, value_ != 0);       \
        changed = true;                                                 \
    }

/* Configures the columns, of which a new row has none.  Returns true if it
 * changed the row. */
static bool
ensure_sflow_columns(const struct ovsrec_sflow *row,
                     const struct ovsdb_sflow *desired)
{
    bool changed = false;

    if (!same_targets(row->targets, row->n_targets, desired->targets,
                      desired->n_targets)) {
        ovsrec_sflow_set_targets(row, CONST_CAST(const char **,
                                                 desired->targets),
                                 desired->n_targets);
        changed = true;
    }
    if (!nullable_string_is_equal(row->agent, desired->agent)) {
        ovsrec_sflow_set_agent(row, desired->agent);
        changed = true;
    }
    ENSURE_NUMBER(sflow, sampling, desired->sampling);
    ENSURE_NUMBER(sflow, polling, desired->polling_s);
    ENSURE_NUMBER(sflow, header, desired->header_size);
    return changed;
}

static bool
ensure_ipfix_columns(const struct ovsrec_ipfix *row,
                     const struct ovsdb_ipfix *desired)
{
    bool changed = false;

    if (!same_targets(row->targets, row->n_targets, desired->targets,
                      desired->n_targets)) {
        ovsrec_ipfix_set_targets(row, CONST_CAST(const char **,
                                                 desired->targets),
                                 desired->n_targets);
        changed = true;
    }
    ENSURE_NUMBER(ipfix, sampling, desired->sampling);
    ENSURE_NUMBER(ipfix, obs_domain_id, desired->obs_domain_id);
    ENSURE_NUMBER(ipfix, obs_point_id, desired->obs_point_id);
    ENSURE_NUMBER(ipfix, cache_active_timeout,
                  desired->cache_active_timeout_s);
    ENSURE_NUMBER(ipfix, cache_max_flows, desired->cache_max_flows);
    return changed;
}

/* Rows.  What no bridge refers to any more, the database removes.  -------- */

static bool
ensure_sflow(struct ovsdb_idl_txn *txn, const struct ovsdb_desired *desired,
             const struct ovsrec_bridge *bridge, bool enabled)
{
    const struct ovsrec_sflow *row = bridge->sflow;

    if (row && !ovsdb_is_ours(desired, &row->external_ids)) {
        return false;
    } else if (!enabled) {
        if (row) {
            ovsrec_bridge_set_sflow(bridge, NULL);
        }
        return row != NULL;
    } else if (row) {
        return ensure_sflow_columns(row, &desired->sflow);
    }

    struct smap mark = SMAP_CONST1(&mark, OVSDB_OWNER_KEY, desired->owner);
    row = ovsrec_sflow_insert(txn);
    ovsrec_sflow_set_external_ids(row, &mark);
    ensure_sflow_columns(row, &desired->sflow);
    ovsrec_bridge_set_sflow(bridge, row);
    return true;
}

static bool
ensure_ipfix(struct ovsdb_idl_txn *txn, const struct ovsdb_desired *desired,
             const struct ovsrec_bridge *bridge, bool enabled)
{
    const struct ovsrec_ipfix *row = bridge->ipfix;

    if (row && !ovsdb_is_ours(desired, &row->external_ids)) {
        return false;
    } else if (!enabled) {
        if (row) {
            ovsrec_bridge_set_ipfix(bridge, NULL);
        }
        return row != NULL;
    } else if (row) {
        return ensure_ipfix_columns(row, &desired->ipfix);
    }

    struct smap mark = SMAP_CONST1(&mark, OVSDB_OWNER_KEY, desired->owner);
    row = ovsrec_ipfix_insert(txn);
    ovsrec_ipfix_set_external_ids(row, &mark);
    ensure_ipfix_columns(row, &desired->ipfix);
    ovsrec_bridge_set_ipfix(bridge, row);
    return true;
}

bool
ovsdb_config_telemetry(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn,
                       const struct ovsdb_desired *desired)
{
    const struct ovsrec_bridge *bridge;
    bool changed = false;

    OVSREC_BRIDGE_FOR_EACH (bridge, idl) {
        bool mine = !strcmp(bridge->name, desired->bridge);

        changed |= ensure_sflow(txn, desired, bridge,
                                mine && desired->sflow.n_targets);
        changed |= ensure_ipfix(txn, desired, bridge,
                                mine && desired->ipfix.n_targets);
    }
    return changed;
}
