/* SPDX-License-Identifier: Apache-2.0
 *
 * What vmnd would have hosts do by the state in a file; see
 * rehearsal-world.h. */

#include <config.h>

#include "controller/rehearsal/rehearsal-world.h"

#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/flow/pipeline.h"
#include "controller/model/model.h"
#include "controller/options.h"
#include "controller/schema/schema-origin.h"
#include "controller/schema/schema.h"
#include "openvswitch/shash.h"
#include "util.h"

/* Apps.  ------------------------------------------------------------------ */

/* Loads VMN's own apps first, as vmnd does. */
static int
load_apps(struct rehearsal_world *world, const struct options *options,
          struct vmn_error *why)
{
    char *worker = apphost_find_worker();
    int error = 0;

    world->apphost = apphost_create(worker, false);
    free(worker);
    for (int own = 1; own >= 0; own--) {
        for (size_t i = 0; !error && i < options->n_apps; i++) {
            if (apphost_is_own(options->apps[i]) == own) {
                error = apphost_load(world->apphost, options->app_dir,
                                     options->apps[i], why);
            }
        }
    }
    return error;
}

/* Adds apps whose files are in the state, and has all of them at the places in
 * the pipeline that they had. */
static int
place_apps(struct rehearsal_world *world, struct vmn_error *why)
{
    const struct pipeline *pipeline = apphost_pipeline(world->apphost);
    struct vmn_names names = model_names(world->model, VMN_TABLE_APP);
    int error = 0;

    for (size_t i = 0; !error && i < names.n; i++) {
        const struct vmn_app_row *row = model_get(world->model, VMN_TABLE_APP,
                                                  names.names[i]);

        if (row->module.digest && !pipeline_find(pipeline, row->row.name)) {
            const struct apphost_file file = {
                .name = row->module.file, .code = row->code,
                .digest = row->module.digest,
            };

            error = apphost_add_file(world->apphost, row->row.name, &file,
                                     why);
        }
    }
    for (size_t i = 0; !error && i < names.n; i++) {
        const struct vmn_app_row *row = model_get(world->model, VMN_TABLE_APP,
                                                  names.names[i]);

        if (row->module.file) {
            apphost_want_place(world->apphost, row->row.name, &row->module);
        }
    }
    apphost_settle(world->apphost);
    return error;
}

struct rehearsal_world *
rehearsal_world_create(const char *file, const char *name,
                       const struct options *options, struct vmn_error *why)
{
    struct rehearsal_world *world = xzalloc(sizeof *world);
    int error;

    world->model = model_create();
    model_show_types(world->model);
    error = store_file_load(file, name, world->model, why);
    error = error ? error : load_apps(world, options, why);
    error = error ? error : place_apps(world, why);
    if (error) {
        rehearsal_world_destroy(world);
        return NULL;
    }
    world->engine = engine_create(world->model,
                                  apphost_pipeline(world->apphost));
    return world;
}

void
rehearsal_world_destroy(struct rehearsal_world *world)
{
    if (world) {
        engine_destroy(world->engine);
        model_destroy(world->model);
        apphost_destroy(world->apphost);
        free(world);
    }
}

/* VMs.  ------------------------------------------------------------------- */

static int
apply(struct rehearsal_world *world, struct model_request *request,
      struct vmn_error *why)
{
    struct vmn_errors errors;
    uint64_t revision;
    int error;

    vmn_errors_init(&errors);
    error = model_apply(world->model, request, 1, &revision, &errors);
    if (error) {
        vmn_error_invalid(why, "%s: %s",
                          errors.n ? errors.errors[0].pointer : "",
                          errors.n ? errors.errors[0].text : "refused");
    }
    model_request_uninit(request);
    vmn_errors_uninit(&errors);
    return error;
}

int
rehearsal_world_move(struct rehearsal_world *world, const struct model *taken,
                     const struct store_host_map maps[], size_t n,
                     struct vmn_error *why)
{
    struct vmn_names names = model_names(taken, VMN_TABLE_BINDING);
    struct model_request request;

    model_request_init(&request, ORIGIN_NAME_VMND);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_binding *binding = model_get(
            taken, VMN_TABLE_BINDING, names.names[i]);
        const struct store_host_map *map = store_find_host_map(
            maps, n, binding->host);

        if (map && model_get(world->model, VMN_TABLE_PORT, names.names[i])
            && !model_get(world->model, VMN_TABLE_BINDING, names.names[i])) {
            model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING,
                              names.names[i],
                              json_pack("{s:s}", "host", map->to));
        }
    }
    return apply(world, &request, why);
}

/* The numbers of ports on each host: 1 to 'ofports' of it. */
static int
next_ofport(struct shash *ofports, const char *host)
{
    int *last = shash_find_data(ofports, host);

    if (!last) {
        last = xzalloc(sizeof *last);
        shash_add(ofports, host, last);
    }
    return ++*last;
}

static void
add_vif(struct model_request *request, struct shash *ofports,
        const char *host, const char *iface_id, bool is_sub_port)
{
    char *name = xasprintf("%s/%s", host, iface_id);
    int ofport = next_ofport(ofports, host);
    json_t *vif = json_pack(
        "{s:s, s:s, s:o, s:i, s:b}", "host", host, "iface_id", iface_id,
        "iface", json_sprintf("if%d", ofport), "ofport", ofport, "link_up",
        1);

    if (is_sub_port) {
        json_object_set_new(vif, "tag_ofport",
                            json_integer(next_ofport(ofports, host)));
    }
    model_request_add(request, MODEL_PUT, VMN_TABLE_VIF, name, vif);
    free(name);
}

/* Adds an interface for each port that is bound. */
static void
add_guests(struct rehearsal_world *world, struct model_request *request,
           struct shash *ofports)
{
    struct vmn_names names = model_names(world->model, VMN_TABLE_PORT);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = model_get(world->model, VMN_TABLE_PORT,
                                                names.names[i]);
        const struct vmn_binding *binding = model_get(
            world->model, VMN_TABLE_BINDING, names.names[i]);

        if (binding && binding->host) {
            add_vif(request, ofports, binding->host, port->iface_id,
                    port->parent != NULL);
            world->n_placed++;
        } else if (port->enabled) {
            world->n_unplaced++;
        }
    }
}

/* Adds the interface to each physical network that a host is on. */
static void
add_providers(const struct rehearsal_world *world,
              struct model_request *request, struct shash *ofports)
{
    struct vmn_names names = model_names(world->model, VMN_TABLE_HOST);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_host *host = model_get(world->model, VMN_TABLE_HOST,
                                                names.names[i]);

        for (size_t j = 0; j < host->n_provider_bridges; j++) {
            char *id = xasprintf("@%s", host->provider_bridges[j].physical);

            add_vif(request, ofports, host->row.name, id, false);
            free(id);
        }
    }
}

int
rehearsal_world_run(struct rehearsal_world *world, struct vmn_error *why)
{
    struct shash ofports = SHASH_INITIALIZER(&ofports);
    struct model_request request;
    int error;

    model_request_init(&request, ORIGIN_NAME_VMND);
    add_guests(world, &request, &ofports);
    add_providers(world, &request, &ofports);
    shash_destroy_free_data(&ofports);
    error = apply(world, &request, why);
    if (!error) {
        engine_delta_destroy(engine_run(world->engine));
        model_settle(world->model);
    }
    return error;
}
