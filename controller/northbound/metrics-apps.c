/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of apps. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <stddef.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/flow/pipeline.h"
#include "controller/northbound/metrics.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Appends the processes that apps run in: whether they are there, or how often
 * they have ended. */
static void
put_workers(const struct pipeline *pipeline, const struct status_app *statuses,
            size_t n, bool ends, struct ds *ds)
{
    for (size_t i = 0; i < n; i++) {
        const struct status_app_worker *worker = statuses[i].worker;

        if (worker) {
            ds_put_format(ds, "%s{app=\"%s\"} %"PRIu64"\n",
                          ends ? "vmn_app_worker_ends_total"
                          : "vmn_app_worker_up",
                          pipeline->apps[i].class_->name,
                          ends ? worker->ends : worker->pid != 0);
        }
    }
}

struct unit_counts {
    struct ds *ds;
    bool bytes;
};

static void
put_unit_count(void *counts_, const char *app, const char *unit,
               const struct fabric_count *count)
{
    const struct unit_counts *counts = counts_;

    ds_put_format(counts->ds, "vmn_app_%s_total{app=\"%s\",unit=\"%s\"} "
                  "%"PRIu64"\n", counts->bytes ? "bytes" : "packets", app,
                  unit, counts->bytes ? count->bytes : count->packets);
}

/* Appends what flows of apps' units have counted. */
static void
put_counts(const struct northbound *nb, struct ds *ds)
{
    metrics_family(ds, "vmn_app_packets_total", "counter",
                   "Packets of counted flows, and of those that drop, by app "
                   "and unit.");
    fabric_unit_counts(nb->fabric, NULL, put_unit_count,
                       &(struct unit_counts) { ds, false });
    metrics_family(ds, "vmn_app_bytes_total", "counter",
                   "Bytes of counted flows, and of those that drop, by app "
                   "and unit.");
    fabric_unit_counts(nb->fabric, NULL, put_unit_count,
                       &(struct unit_counts) { ds, true });
}

/* Appends units, flows, groups and problems of each app. */
void
metrics_append_apps(const struct northbound *nb, struct ds *ds)
{
    static const struct {
        size_t offset;          /* Of a uint64_t in struct status_app. */
        const char *name, *help;
    } families[] = {
        { offsetof(struct status_app, units), "vmn_app_units",
          "Units, by app." },
        { offsetof(struct status_app, flows), "vmn_app_flows",
          "Flows in the desired state, by app." },
        { offsetof(struct status_app, groups), "vmn_app_groups",
          "Groups in the desired state, by app." },
        { offsetof(struct status_app, problems), "vmn_app_problems",
          "Units that failed or contradict another one, by app." },
    };
    const struct pipeline *pipeline = apphost_pipeline(nb->apphost);
    size_t n_apps = pipeline ? pipeline->n_apps : 0;
    struct status_app *statuses = xcalloc(MAX(n_apps, 1), sizeof *statuses);
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; i < n_apps; i++) {
        engine_app_status(nb->engine, pipeline->apps[i].class_->name, &arena,
                          &statuses[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        metrics_family(ds, families[i].name, "gauge", families[i].help);
        for (size_t j = 0; j < n_apps; j++) {
            const void *value = ((const char *) &statuses[j]
                                 + families[i].offset);

            if (!pipeline->apps[j].removed) {
                ds_put_format(ds, "%s{app=\"%s\"} %"PRIu64"\n",
                              families[i].name,
                              pipeline->apps[j].class_->name,
                              *(const uint64_t *) value);
            }
        }
    }
    metrics_family(ds, "vmn_app_worker_up", "gauge",
                   "Whether the process that an app runs in is there.");
    put_workers(pipeline, statuses, n_apps, false, ds);
    metrics_family(ds, "vmn_app_worker_ends_total", "counter",
                   "Ends of the process that an app runs in.");
    put_workers(pipeline, statuses, n_apps, true, ds);
    put_counts(nb, ds);
    arena_uninit(&arena);
    free(statuses);
}
