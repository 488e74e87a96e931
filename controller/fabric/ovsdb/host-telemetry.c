/* SPDX-License-Identifier: Apache-2.0
 *
 * The telemetry that hosts send to collectors (rows of TELEMETRY), and whether
 * it is set up.  If several rows select a host for the same kind of telemetry,
 * the first by name applies; the status of the others says so.  The database's
 * part is proto/ovsdb's. */

#include <config.h>

#include "controller/fabric/ovsdb/host-telemetry.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "util.h"

static bool
has_kind(const struct vmn_telemetry *row, enum telemetry_kind kind)
{
    return (kind == TELEMETRY_SFLOW ? row->sflow.n_targets
            : row->ipfix.n_targets) != 0;
}

static bool
names_host(const struct vmn_telemetry *row, const struct vmn_host *host)
{
    return (!row->selector.text
            || vmn_selector_matches(&row->selector, &host->labels));
}

/* Returns the row that applies to 'host' for 'kind', or NULL. */
static const struct vmn_telemetry *
choose(const struct model *model, const struct vmn_host *host,
       enum telemetry_kind kind)
{
    struct vmn_names names = model_names(model, VMN_TABLE_TELEMETRY);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_telemetry *row = model_get(
            model, VMN_TABLE_TELEMETRY, names.names[i]);

        if (row && has_kind(row, kind) && names_host(row, host)) {
            return row;
        }
    }
    return NULL;
}

void
host_telemetry_uninit(struct fabric_host_db *db)
{
    struct host_telemetry *t = &db->telemetry;

    ovsdb_sflow_uninit(&t->sflow);
    ovsdb_ipfix_uninit(&t->ipfix);
    for (int i = 0; i < TELEMETRY_N_KINDS; i++) {
        free(t->chosen[i]);
    }
    memset(t, 0, sizeof *t);
}

bool
host_telemetry_update(struct fabric_host_db *db, const struct vmn_host *host)
{
    const struct model *model = db->host->fabric->model;
    const struct vmn_telemetry *sflow = choose(model, host, TELEMETRY_SFLOW);
    const struct vmn_telemetry *ipfix = choose(model, host, TELEMETRY_IPFIX);
    struct host_telemetry *t = &db->telemetry;
    bool any = (t->chosen[TELEMETRY_SFLOW] || t->chosen[TELEMETRY_IPFIX]
                || sflow || ipfix);
    enum telemetry_presence there[TELEMETRY_N_KINDS];

    memcpy(there, t->there, sizeof there);
    host_telemetry_uninit(db);
    memcpy(t->there, there, sizeof there);
    if (sflow) {
        const struct ovsdb_sflow desired = {
            .n_targets = sflow->sflow.n_targets,
            .targets = sflow->sflow.targets,
            .agent = sflow->sflow.agent,
            .sampling = sflow->sflow.sampling,
            .polling_s = sflow->sflow.polling,
            .header_size = sflow->sflow.header,
        };

        ovsdb_sflow_clone(&t->sflow, &desired);
        t->chosen[TELEMETRY_SFLOW] = xstrdup(sflow->row.name);
    }
    if (ipfix) {
        const struct ovsdb_ipfix desired = {
            .n_targets = ipfix->ipfix.n_targets,
            .targets = ipfix->ipfix.targets,
            .sampling = ipfix->ipfix.sampling,
            .obs_domain_id = ipfix->ipfix.obs_domain_id,
            .obs_point_id = ipfix->ipfix.obs_point_id,
            .cache_active_timeout_s = ipfix->ipfix.cache_active_timeout,
            .cache_max_flows = ipfix->ipfix.cache_max_flows,
        };

        ovsdb_ipfix_clone(&t->ipfix, &desired);
        t->chosen[TELEMETRY_IPFIX] = xstrdup(ipfix->row.name);
    }
    return any;
}

static enum telemetry_presence
whose(bool has, const char *owner)
{
    return (!has ? TELEMETRY_ABSENT
            : owner && !strcmp(owner, HOST_DB_OWNER) ? TELEMETRY_OURS
            : TELEMETRY_OTHERS);
}

void
host_telemetry_check(struct fabric_host_db *db,
                     const struct ovsdb_snapshot *snapshot)
{
    enum telemetry_presence *there = db->telemetry.there;

    there[TELEMETRY_SFLOW] = there[TELEMETRY_IPFIX] = TELEMETRY_ABSENT;
    for (size_t i = 0; i < snapshot->n_bridges; i++) {
        const struct ovsdb_bridge *bridge = &snapshot->bridges[i];

        if (!strcmp(bridge->name, db->bridge)) {
            there[TELEMETRY_SFLOW] = whose(bridge->has_sflow,
                                           bridge->sflow_owner);
            there[TELEMETRY_IPFIX] = whose(bridge->has_ipfix,
                                           bridge->ipfix_owner);
        }
    }
}

/* For people.  ----------------------------------------------------------- */

/* Returns the state of 'kind' of telemetry 'name' on the host, a constant;
 * with a sentence in '*reason', which the caller frees, unless it is
 * "active". */
static const char *
find_state(const struct fabric_host_db *db, const char *name,
           enum telemetry_kind kind, char **reason)
{
    static const char *const words[] = {
        [TELEMETRY_SFLOW] = "sFlow", [TELEMETRY_IPFIX] = "IPFIX",
    };
    const char *chosen = db->telemetry.chosen[kind];
    enum telemetry_presence there = db->telemetry.there[kind];
    struct ovsdb_status status;

    ovsdb_session_get_status(db->session, &status);
    if (chosen && strcmp(chosen, name)) {
        *reason = xasprintf("telemetry \"%s\" sets up %s there", chosen,
                            words[kind]);
        return "blocked";
    } else if (!chosen) {
        *reason = xstrdup("it is about to be set up");
        return "pending";
    } else if (!db->connected) {
        *reason = xstrdup("the host's database is not connected");
        return "pending";
    } else if (db->refused) {
        *reason = xstrdup(db->reason ? db->reason : "the host is rejected");
        return "blocked";
    } else if (there == TELEMETRY_OTHERS) {
        *reason = xasprintf("bridge \"%s\" has %s already, which was not set "
                            "up by %s", db->bridge, words[kind],
                            HOST_DB_OWNER);
        return "blocked";
    } else if (there == TELEMETRY_OURS && status.config == OVSDB_CONFIG_DONE) {
        return "active";
    }
    *reason
        = xstrdup(status.config == OVSDB_CONFIG_FAILED && status.config_reason
                      ? status.config_reason
                      : "it is about to be set up");
    return "pending";
}

/* Fills in the status of the telemetry on 'host', which the row names.
 * Returns true if everything that the row configures is active there. */
static bool
host_status(const struct fabric_host *host, const struct vmn_telemetry *row,
            struct arena *arena, struct status_telemetry_host *status)
{
    const char **const states[] = {
        [TELEMETRY_SFLOW] = &status->sflow,
        [TELEMETRY_IPFIX] = &status->ipfix,
    };
    bool active = true;

    *status = (struct status_telemetry_host) { .host = host->name };
    for (int i = 0; i < TELEMETRY_N_KINDS; i++) {
        char *reason = NULL;

        if (!has_kind(row, i)) {
            continue;
        }
        *states[i] = find_state(host->db, row->row.name, i, &reason);
        active &= !reason;
        if (reason && !status->reason) {
            status->reason = arena_strdup(arena, reason);
        }
        free(reason);
    }
    return active;
}

void
fabric_telemetry_status(const struct fabric *f,
                        const struct vmn_telemetry *row, size_t max,
                        struct arena *arena, struct status_telemetry *status)
{
    struct vmn_names names = model_names(f->model, VMN_TABLE_HOST);

    *status = (struct status_telemetry) {
        .hosts = max ? arena_alloc(arena, MIN(max, names.n)
                                          * sizeof *status->hosts) : NULL,
    };
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_host *host_row = model_get_durable(
            f->model, VMN_TABLE_HOST, names.names[i], NULL);
        const struct fabric_host *host = fabric_find_host(f, names.names[i]);
        struct status_telemetry_host one;

        if (!host_row || !host || !host->db || !names_host(row, host_row)) {
            continue;
        }
        status->n_hosts++;
        status->n_active += host_status(host, row, arena, &one);
        if (status->n_listed < max) {
            status->hosts[status->n_listed++] = one;
        }
    }
}
