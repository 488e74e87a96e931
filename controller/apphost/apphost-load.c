/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads of apps in the background: vmnd serves others while a worker loads its
 * app.  Not for the app's place in the pipeline (apphost-live.c). */

#include <config.h>

#include "controller/apphost/apphost.h"

#include <stdlib.h>

#include "controller/apphost/apphost-private.h"
#include "controller/schema/error.h"
#include "controller/worker/app-worker.h"
#include "util.h"

struct apphost_load {
    struct ovs_list node;       /* In struct apphost's 'loads'. */
    struct apphost *host;
    struct app_worker *worker;
    char *name;                 /* Of the app. */
    char *file, *digest;        /* As in struct apphost_file. */
    apphost_load_cb *done;
    void *aux;
};

struct apphost_load *
apphost_prepare(struct apphost *host, const char *name,
                const struct apphost_file *file, apphost_load_cb *done,
                void *aux, struct vmn_error *why)
{
    struct app_worker *worker;
    struct apphost_load *load;

    if (ovs_list_size(&host->loads) >= APPHOST_LOADS_MAX) {
        vmn_error_set(why, VMN_ERR_UNAVAILABLE, "", "%d other apps are being "
                      "loaded; try again", APPHOST_LOADS_MAX);
        return NULL;
    }
    worker = apphost_create_worker(host, name, file, app_worker_begin, why);
    if (!worker) {
        return NULL;
    }
    load = xmalloc(sizeof *load);
    *load = (struct apphost_load) {
        .host = host, .worker = worker, .name = xstrdup(name),
        .file = xstrdup(file->name), .digest = xstrdup(file->digest),
        .done = done, .aux = aux,
    };
    ovs_list_push_back(&host->loads, &load->node);
    if (host->busy) {
        host->busy(host->busy_aux);
    }
    return load;
}

void
apphost_cancel_prepare(struct apphost_load *load)
{
    if (load) {
        ovs_list_remove(&load->node);
        app_worker_destroy(load->worker);
        free(load->name);
        free(load->file);
        free(load->digest);
        free(load);
    }
}

void
apphost_cancel_loads(struct apphost *host)
{
    while (!ovs_list_is_empty(&host->loads)) {
        apphost_cancel_prepare(CONTAINER_OF(ovs_list_front(&host->loads),
                                            struct apphost_load, node));
    }
}

/* Ends a load that is complete, or has failed, for which 'why' is set. */
static void
end_load(struct apphost_load *load, enum app_worker_outcome outcome,
         struct vmn_error *why)
{
    const struct apphost_file file = {
        .name = load->file, .digest = load->digest,
    };
    apphost_load_cb *done = load->done;
    void *aux = load->aux;
    bool ok = false;

    if (outcome == APP_WORKER_DONE) {
        ok = !apphost_remember(load->host, load->name, &file, load->worker,
                               why);
        load->worker = NULL;
    }
    apphost_cancel_prepare(load);
    done(aux, ok ? NULL : why->text);
}

/* One load ends at a time: its callback may cancel others. */
void
apphost_run_loads(struct apphost *host)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct apphost_load *load;

    LIST_FOR_EACH (load, node, &host->loads) {
        enum app_worker_outcome outcome = app_worker_load(load->worker, &why);

        if (outcome != APP_WORKER_AWAY) {
            end_load(load, outcome, &why);
            vmn_error_uninit(&why);
            return;
        }
    }
}
