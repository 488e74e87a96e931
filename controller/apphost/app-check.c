/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks an app's descriptor: its names, stages, units, queries, ID pools and
 * handlers; see app-check.h.  Not for its size and ABI (app-class.c). */

#include <config.h>

#include "controller/apphost/app-check.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "controller/apphost/app-class.h"
#include "controller/apphost/stage-tables.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/error.h"
#include "controller/schema/schema.h"
#include "util.h"

/* All bits of enum vmn_prefix_field. */
#define PREFIXES 0xffu

/* All of VMN_APP_*. */
#define OPTIONS (VMN_APP_WITHDRAW | VMN_APP_DENIES)

static bool
is_name(const char *s)
{
    size_t len = s ? strlen(s) : 0;

    if (!len || len > 31 || !islower((unsigned char) s[0])) {
        return false;
    }
    for (size_t i = 1; i < len; i++) {
        if (!islower((unsigned char) s[i]) && !isdigit((unsigned char) s[i])
            && s[i] != '-') {
            return false;
        }
    }
    return true;
}

/* What an app and its parts are named, for errors. */
#define NAME_RULE "[a-z][a-z0-9-]* of at most 31 characters"

BUILD_ASSERT_DECL(!offsetof(struct vmn_stage_class, name)
                  && !offsetof(struct vmn_unit_class, name)
                  && !offsetof(struct vmn_query_class, name)
                  && !offsetof(struct vmn_handler_class, name));

/* Checks the names in an array of 'what', of 'size' bytes each, which begin
 * with the name; the last one has none. */
static int
check_names(const char *what, const void *array, size_t size,
            struct vmn_error *why)
{
    const char *end = array;
    const char *name;

    for (; end && (name = *(const char *const *) end); end += size) {
        if (!is_name(name)) {
            return vmn_error_invalid(why, "%s name \"%s\" is not "NAME_RULE,
                                     what, name);
        }
        for (const char *p = array; p < end; p += size) {
            if (!strcmp(*(const char *const *) p, name)) {
                return vmn_error_invalid(why, "%s \"%s\" is declared twice",
                                         what, name);
            }
        }
    }
    return 0;
}

static int
check_scratch(const struct vmn_stage_class *stage, struct vmn_error *why)
{
    if (stage->scratch & ~(STAGE_SCRATCH_ALL | STAGE_UNDECLARED)) {
        return vmn_error_invalid(why, "stage %s: \"scratch\" 0x%"PRIx32" has "
                                 "others than registers 10 to 15",
                                 stage->name, stage->scratch);
    }
    if (stage->keeps & ~STAGE_SCRATCH_ALL) {
        return vmn_error_invalid(why, "stage %s: \"keeps\" 0x%"PRIx32" has "
                                 "others than registers 10 to 15",
                                 stage->name, stage->keeps);
    }
    return 0;
}

static int
check_stages(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_stage_class *stage = class_->stages;

    for (; stage && stage->name; stage++) {
        if ((unsigned) stage->hook >= VMN_N_HOOKS) {
            return vmn_error_invalid(why, "stage %s: there is no hook %d",
                                     stage->name, (int) stage->hook);
        }
        if (!stage->n_tables
            || stage->n_tables > stage_tables_of_hook(stage->hook)) {
            return vmn_error_invalid(why, "stage %s has %u tables; 1 to %u "
                                     "are possible", stage->name,
                                     stage->n_tables,
                                     stage_tables_of_hook(stage->hook));
        }
        if (check_scratch(stage, why)) {
            return EINVAL;
        }
    }
    return 0;
}

int
app_check_prefixes(const struct pipeline_stage *stage, struct vmn_error *why)
{
    for (unsigned i = 0; stage->prefixes && i < stage->class_->n_tables;
         i++) {
        uint32_t bits = stage->prefixes[i];

        if (bits & ~PREFIXES || count_1bits(bits) > VMN_PREFIXES_MAX) {
            return vmn_error_invalid(
                why, "stage %s: prefixes 0x%"PRIx32" of table %u; at most %d "
                "of VMN_PREFIX_* are possible", stage->class_->name, bits, i,
                VMN_PREFIXES_MAX);
        }
    }
    return 0;
}

/* Returns true if it is of a type that the app declares. */
static bool
is_own_type(const struct vmn_app_class *class_, enum vmn_row_type type)
{
    const struct vmn_type_class *t = class_->types;
    unsigned i = 0;

    while (t && t[i].name && VMN_ROW_OWN(i) != type) {
        i++;
    }
    return t && t[i].name;
}

static int
check_units(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_unit_class *unit = class_->units;

    for (; unit && unit->name; unit++) {
        if (!unit->compile) {
            return vmn_error_invalid(why, "unit %s has no compile function",
                                     unit->name);
        }
        if (unit->each == VMN_EACH_ROW
            && !is_own_type(class_, unit->row_type)
            && schema_table_of(unit->row_type) == VMN_N_TABLES) {
            return vmn_error_invalid(why, "unit %s: \"row_type\" %d is none "
                                     "of an app's", unit->name,
                                     (int) unit->row_type);
        }
        if (unit->each == VMN_EACH_KEY
            && (!unit->relation || !strchr(unit->relation, '.'))) {
            return vmn_error_invalid(why, "unit %s: relation \"%s\" is not "
                                     "named \"APP.NAME\"", unit->name,
                                     unit->relation ? unit->relation : "");
        }
    }
    return 0;
}

static int
check_queries(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_query_class *query = class_->queries;

    for (; query && query->name; query++) {
        if (!query->eval) {
            return vmn_error_invalid(why, "query %s has no eval function",
                                     query->name);
        }
    }
    return 0;
}

static int
check_id_pools(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_id_pool_class *pool = class_->id_pools;
    size_t len = strlen(class_->name);

    for (; pool && pool->name; pool++) {
        if (strncmp(pool->name, class_->name, len)
            || pool->name[len] != '.') {
            return vmn_error_invalid(why, "ID pool \"%s\" does not begin "
                                     "with \"%s.\"", pool->name,
                                     class_->name);
        }
        if (!pool->max) {
            return vmn_error_invalid(why, "ID pool \"%s\" has no IDs",
                                     pool->name);
        }
    }
    return 0;
}

static int
check_handlers(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_handler_class *handlers = class_->handlers;

    for (size_t i = 0; handlers && handlers[i].name; i++) {
        if (!handlers[i].handle) {
            return vmn_error_invalid(why, "handler %s has no handle function",
                                     handlers[i].name);
        }
        if (handlers[i].options
            & ~(VMN_HANDLER_HTTP | VMN_HANDLER_ARRIVALS
                | VMN_HANDLER_NAMES | VMN_HANDLER_MESSAGES
                | VMN_HANDLER_FORGETS)) {
            return vmn_error_invalid(why, "handler %s has options that this "
                                     "vmnd does not know", handlers[i].name);
        }
        if (handlers[i].options & VMN_HANDLER_MESSAGES
            && !(handlers[i].options & VMN_HANDLER_HTTP)) {
            return vmn_error_invalid(why, "handler %s has "
                                     "VMN_HANDLER_MESSAGES without "
                                     "VMN_HANDLER_HTTP", handlers[i].name);
        }
        if (handlers[i].options & VMN_HANDLER_HTTP
            && (handlers[i].interval_s || handlers[i].to_controller
                || handlers[i].tells_guest
                || handlers[i].options & VMN_HANDLER_ARRIVALS)) {
            return vmn_error_invalid(why, "handler %s answers HTTP, so it has "
                                     "no interval_s, to_controller or "
                                     "tells_guest, and is not called for "
                                     "arrivals",
                                     handlers[i].name);
        }
        if (handlers[i].options & VMN_HANDLER_ARRIVALS
            && (handlers[i].provider_ports || handlers[i].to_controller
                || handlers[i].tells_guest)) {
            return vmn_error_invalid(why, "handler %s is called for ports "
                                     "that have come to a host, so it has no "
                                     "provider_ports, to_controller or "
                                     "tells_guest", handlers[i].name);
        }
        if (handlers[i].options & VMN_HANDLER_NAMES
            && (handlers[i].options != VMN_HANDLER_NAMES
                || handlers[i].interval_s || handlers[i].to_controller
                || handlers[i].tells_guest)) {
            return vmn_error_invalid(why, "handler %s is for questions of "
                                     "DNS, so it has no interval_s, "
                                     "to_controller, tells_guest or "
                                     "other options",
                                     handlers[i].name);
        }
    }
    return 0;
}

int
app_check(const struct vmn_app_class *class_, const struct pipeline *loaded,
          struct vmn_error *why)
{
    int error;

    if (!is_name(class_->name) || !strcmp(class_->name, "vmn")) {
        return vmn_error_invalid(why, "app name \"%s\" is not "NAME_RULE
                                 ", or is reserved",
                                 class_->name ? class_->name : "");
    }
    if (pipeline_find(loaded, class_->name)) {
        return vmn_error_invalid(why, "an app named %s is loaded already",
                                 class_->name);
    }
    if (class_->options & ~OPTIONS) {
        return vmn_error_invalid(why, "\"options\" 0x%"PRIx64" has some that "
                                 "are newer than this vmnd",
                                 class_->options);
    }
    error = check_names("stage", class_->stages, sizeof *class_->stages, why);
    error = error ? error : check_names("unit", class_->units,
                                        sizeof *class_->units, why);
    error = error ? error : check_names("query", class_->queries,
                                        sizeof *class_->queries, why);
    error = error ? error : check_names("handler", class_->handlers,
                                        sizeof *class_->handlers, why);
    error = error ? error : check_stages(class_, why);
    error = error ? error : check_units(class_, why);
    error = error ? error : check_queries(class_, why);
    error = error ? error : check_id_pools(class_, why);
    return error ? error : check_handlers(class_, why);
}
