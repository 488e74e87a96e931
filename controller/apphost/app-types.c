/* SPDX-License-Identifier: Apache-2.0
 *
 * The resource types that an app declares: checks them, and has for each one
 * the object of VMN_TABLE_TYPE that says the same (struct pipeline_type).  Not
 * for what becomes of these (model/model-type.c). */

#include <config.h>

#include "controller/apphost/app-types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/flow/pipeline.h"
#include "controller/schema/schema-own.h"
#include "controller/worker/app-description.h"
#include "controller/worker/app-worker.h"
#include "util.h"

/* Parses a type's spec as the model will, and fills in its place. */
static int
check_spec(const struct vmn_app_class *class_,
           const struct vmn_type_class *type, const json_t *spec,
           struct pipeline_type *to, struct vmn_error *why)
{
    const struct schema_table *table;
    struct vmn_errors errors;
    int error = 0;

    vmn_errors_init(&errors);
    table = schema_own_parse(type->name, spec, &errors);
    if (!table) {
        error = vmn_error_invalid(why, "type %s: %s: %s", type->name,
                                  errors.errors[0].pointer,
                                  errors.errors[0].text);
    } else {
        to->table = table->id;
        to->shape = &table->lasting->row;
        error = (type->row ? schema_own_check_layout(class_, type, table, why)
                 : 0);
    }
    vmn_errors_uninit(&errors);
    return error;
}

/* Returns true if 'name' is that of a type of the app which is declared before
 * the next one, or is that. */
static bool
is_declared(const struct pipeline_app *app, const struct vmn_type_class *next,
            const char *name)
{
    for (size_t i = 0; i < app->n_types; i++) {
        if (!strcmp(app->types[i].class_->name, name)) {
            return true;
        }
    }
    return !strcmp(next->name, name);
}

/* Types of the app that fields name objects of come before those that have the
 * fields: so a type's place is the same in the app's process, which relies on
 * this check. */
static int
check_refs(const struct pipeline_app *app, const struct vmn_type_class *type,
           const json_t *fields, struct vmn_error *why)
{
    const json_t *field;
    size_t i;

    json_array_foreach (fields, i, field) {
        const char *name = json_string_value(json_object_get(field, "ref"));

        if (name && schema_own_is_ref(name, app->class_->name)
            && !is_declared(app, type, name)) {
            return vmn_error_invalid(
                why, "type %s: field \"%s\" names objects of type \"%s\", "
                "which the app does not declare before it", type->name,
                json_string_value(json_object_get(field, "name")), name);
        }
    }
    return 0;
}

static int
check_all_refs(const struct pipeline_app *app,
               const struct vmn_type_class *type, const json_t *spec,
               struct vmn_error *why)
{
    int error = check_refs(app, type, json_object_get(spec, "fields"), why);
    const json_t *struct_;
    size_t i;

    json_array_foreach (json_object_get(spec, "structs"), i, struct_) {
        error = error ? error
                : check_refs(app, type, json_object_get(struct_, "fields"),
                             why);
    }
    return error;
}

/* What the app adds to the status has names and relations of its own. */
static int
check_status(const struct pipeline_app *app, const struct vmn_type_class *type,
             const json_t *spec, struct vmn_error *why)
{
    const json_t *all = json_object_get(spec, "status_members");
    const json_t *member;
    size_t i;

    json_array_foreach (all, i, member) {
        const char *name = json_string_value(json_object_get(member, "name"));
        const char *relation = json_string_value(json_object_get(
                                                     member, "relation"));
        bool taken = name && schema_own_status_is_taken(name);

        for (size_t j = 0; name && j < i; j++) {
            const char *other = json_string_value(json_object_get(
                json_array_get(all, j), "name"));

            taken |= other && !strcmp(name, other);
        }
        if (taken) {
            return vmn_error_invalid(why, "type %s: there is another member "
                                     "\"%s\" of the status", type->name,
                                     name);
        }
        if (relation && !schema_own_is_of_app(relation, app->class_->name)) {
            return vmn_error_invalid(
                why, "type %s: \"%s\" of the status: relation \"%s\" is to be "
                "one of the app: its name, a dot, and more", type->name,
                name ? name : "", relation);
        }
    }
    return 0;
}

static int
add_type(struct pipeline_app *app, const struct vmn_type_class *type,
         const char *text, struct vmn_error *why)
{
    struct pipeline_type *to = &app->types[app->n_types];
    json_t *spec;
    int error;

    if (!schema_own_is_name_of(type->name, app->class_->name)) {
        return vmn_error_invalid(why, "type %s: its name is to be \"%s\", or "
                                 "that and more after a hyphen", type->name,
                                 app->class_->name);
    }
    spec = (text ? json_loads(text, 0, NULL)
            : schema_own_spec(app->class_, type, why));
    if (!spec) {
        return text ? vmn_error_invalid(why, "type %s cannot be read",
                                        type->name) : EINVAL;
    }
    error = check_all_refs(app, type, spec, why);
    error = error ? error : check_status(app, type, spec, why);
    error = error ? error : check_spec(app->class_, type, spec, to, why);
    if (error) {
        json_decref(spec);
        return error;
    }
    to->class_ = type;
    to->spec = json_dumps(spec, JSON_COMPACT);
    json_decref(spec);
    app->n_types++;
    return 0;
}

int
app_types_init(struct pipeline_app *app, struct vmn_error *why)
{
    const struct vmn_type_class *type = app->class_->types;
    const char *const *texts
        = (app->worker ? app_worker_description(app->worker)->types : NULL);

    for (size_t i = 0; type && type[i].name; i++) {
        if (i >= VMN_APP_TYPES_MAX) {
            return vmn_error_invalid(why, "it declares more than %d types",
                                     VMN_APP_TYPES_MAX);
        }
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(type[i].name, type[j].name)) {
                return vmn_error_invalid(why, "it declares type %s twice",
                                         type[i].name);
            }
        }
        if (add_type(app, &type[i], texts ? texts[i] : NULL, why)) {
            return EINVAL;
        }
    }
    return 0;
}

void
app_types_uninit(struct pipeline_app *app)
{
    for (size_t i = 0; i < app->n_types; i++) {
        free(app->types[i].spec);
    }
    app->n_types = 0;
}
