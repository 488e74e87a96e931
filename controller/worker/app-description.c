/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions of apps; see app-description.h. */

#include <config.h>

#include "controller/worker/app-description.h"

#include <stdlib.h>
#include <string.h>

#include "controller/flow/lasting-text.h"
#include "controller/schema/schema-own.h"
#include "controller/worker/worker-wire.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofpbuf.h"
#include "proto/text/quoted-text.h"
#include "util.h"

/* As many tables as all hooks have. */
#define STAGE_TABLES_MAX 256

/* Putting.  Each element of an array begins with a 1, and a 0 ends it. ------
 */

static void
put_optional_text(struct ofpbuf *out, const char *text)
{
    wire_put_u32(out, text != NULL);
    wire_put_text(out, text ? text : "");
}

static void
put_stages(struct ofpbuf *out, const struct vmn_stage_class *stage)
{
    for (; stage && stage->name; stage++) {
        unsigned n = stage->prefixes ? MIN(stage->n_tables, STAGE_TABLES_MAX)
                     : 0;

        wire_put_u32(out, 1);
        wire_put_text(out, stage->name);
        wire_put_u32(out, stage->hook);
        wire_put_u32(out, stage->order);
        wire_put_u32(out, stage->n_tables);
        wire_put_u32(out, stage->miss);
        wire_put_u32(out, stage->scratch);
        wire_put_u32(out, stage->keeps);
        wire_put_u32(out, n);
        for (unsigned i = 0; i < n; i++) {
            wire_put_u32(out, stage->prefixes(i));
        }
    }
    wire_put_u32(out, 0);
}

static void
put_queries(struct ofpbuf *out, const struct vmn_query_class *query)
{
    for (; query && query->name; query++) {
        wire_put_u32(out, 1);
        wire_put_text(out, query->name);
        wire_put_u32(out, query->eval != NULL);
    }
    wire_put_u32(out, 0);
}

static void
put_units(struct ofpbuf *out, const struct vmn_unit_class *unit)
{
    for (; unit && unit->name; unit++) {
        wire_put_u32(out, 1);
        wire_put_text(out, unit->name);
        wire_put_u32(out, unit->each);
        wire_put_u32(out, unit->row_type);
        put_optional_text(out, unit->relation);
        wire_put_u32(out, unit->compile != NULL);
    }
    wire_put_u32(out, 0);
}

static void
put_id_pools(struct ofpbuf *out, const struct vmn_id_pool_class *pool)
{
    for (; pool && pool->name; pool++) {
        wire_put_u32(out, 1);
        wire_put_text(out, pool->name);
        wire_put_u32(out, pool->max);
    }
    wire_put_u32(out, 0);
}

static void
put_handlers(struct ofpbuf *out, const struct vmn_handler_class *handler)
{
    for (; handler && handler->name; handler++) {
        wire_put_u32(out, 1);
        wire_put_text(out, handler->name);
        wire_put_u32(out, handler->handle != NULL);
        wire_put_u32(out, handler->interval_s);
        wire_put_u32(out, handler->provider_ports);
        wire_put_u32(out, handler->to_controller);
        wire_put_u32(out, handler->tells_guest);
        wire_put_u64(out, handler->options);
    }
    wire_put_u32(out, 0);
}

/* What a type's row says is made here, where its fields are. */
static void
put_types(struct ofpbuf *out, const struct vmn_app_class *class_)
{
    const struct vmn_type_class *type = class_->types;

    for (; type && type->name; type++) {
        json_t *spec = schema_own_spec(class_, type, NULL);
        char *text = spec ? json_dumps(spec, JSON_COMPACT) : NULL;

        wire_put_u32(out, 1);
        wire_put_text(out, type->name);
        wire_put_block(out, text ? text : "", text ? strlen(text) + 1 : 1);
        wire_put_u32(out, type->check != NULL);
        free(text);
        json_decref(spec);
    }
    wire_put_u32(out, 0);
}

void
app_description_put(struct ofpbuf *out, const struct vmn_app_class *class_)
{
    put_optional_text(out, class_->name);
    put_optional_text(out, class_->description);
    put_stages(out, class_->stages);
    put_queries(out, class_->queries);
    put_units(out, class_->units);
    put_id_pools(out, class_->id_pools);
    put_handlers(out, class_->handlers);
    wire_put_u32(out, class_->flow_owner != NULL);
    wire_put_u64(out, class_->options);
    put_types(out, class_);
}

/* Taking.  ---------------------------------------------------------------- */

/* The functions of a class that is in another process: the engine has them
 * called there. */
static void
no_eval(struct vmn_view *view OVS_UNUSED, const char *key OVS_UNUSED,
        struct vmn_value *value OVS_UNUSED)
{
}

static void
no_compile(struct vmn_view *view OVS_UNUSED, const char *key OVS_UNUSED,
           struct vmn_emit *emit OVS_UNUSED)
{
}

static void
no_handle(struct vmn_view *view OVS_UNUSED,
          const struct vmn_packet_in *in OVS_UNUSED,
          struct vmn_packets_out *out OVS_UNUSED)
{
}

static void
no_check(const void *row OVS_UNUSED, struct vmn_check *check OVS_UNUSED)
{
}

static bool
no_flow_owner(struct vmn_view *view OVS_UNUSED, const char *unit OVS_UNUSED,
              const char *key OVS_UNUSED, uint32_t part OVS_UNUSED,
              struct vmn_flow_owner *owner OVS_UNUSED)
{
    return false;
}

/* Copies a text for people, which may have several lines, to 'arena'. */
static const char *
copy_text(const char *text, struct arena *arena)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *copy;

    text_put_quoted(&ds, text, strlen(text), "\n\t");
    copy = arena_strdup(arena, ds_cstr(&ds));
    ds_destroy(&ds);
    return copy;
}

static const char *
take_text(struct wire_reader *in, struct arena *arena)
{
    return copy_text(wire_take_text(in), arena);
}

static const char *
take_optional_text(struct wire_reader *in, struct arena *arena)
{
    bool present = wire_take_u32(in);
    const char *text = wire_take_text(in);

    return present ? copy_text(text, arena) : NULL;
}

/* Returns true if another element follows, the 'i'th. */
static bool
take_element(struct wire_reader *in, size_t i)
{
    uint32_t more = wire_take_u32(in);

    if (more && i >= APP_DESCRIPTION_ELEMENTS_MAX) {
        in->bad = true;
    }
    return more && !in->bad;
}

/* An array with room for all of its elements and the one that ends it. */
static void *
alloc_elements(struct arena *arena, size_t size)
{
    return arena_alloc(arena, (APP_DESCRIPTION_ELEMENTS_MAX + 1) * size);
}

static void
take_prefixes(struct wire_reader *in, struct app_description *description,
              size_t stage, unsigned n_tables)
{
    uint32_t n = wire_take_u32(in);
    uint32_t *prefixes;

    if (!n) {
        return;
    }
    if (n != n_tables || n > STAGE_TABLES_MAX) {
        in->bad = true;
        return;
    }
    prefixes = arena_alloc(&description->arena, n * sizeof *prefixes);
    for (uint32_t i = 0; i < n; i++) {
        prefixes[i] = wire_take_u32(in);
    }
    description->prefixes[stage] = prefixes;
}

static void
take_stages(struct wire_reader *in, struct app_description *description)
{
    struct arena *arena = &description->arena;
    struct vmn_stage_class *stages = alloc_elements(arena, sizeof *stages);

    description->prefixes = alloc_elements(arena,
                                           sizeof *description->prefixes);
    for (size_t i = 0; take_element(in, i); i++) {
        stages[i].name = take_text(in, arena);
        stages[i].hook = wire_take_u32(in);
        stages[i].order = (int) wire_take_u32(in);
        stages[i].n_tables = wire_take_u32(in);
        stages[i].miss = wire_take_u32(in);
        stages[i].scratch = wire_take_u32(in);
        stages[i].keeps = wire_take_u32(in);
        take_prefixes(in, description, i, stages[i].n_tables);
    }
    description->class_.stages = stages;
}

static void
take_queries(struct wire_reader *in, struct app_description *description)
{
    struct arena *arena = &description->arena;
    struct vmn_query_class *queries = alloc_elements(arena, sizeof *queries);

    for (size_t i = 0; take_element(in, i); i++) {
        queries[i].name = take_text(in, arena);
        queries[i].eval = wire_take_u32(in) ? no_eval : NULL;
    }
    description->class_.queries = queries;
}

static void
take_units(struct wire_reader *in, struct app_description *description)
{
    struct arena *arena = &description->arena;
    struct vmn_unit_class *units = alloc_elements(arena, sizeof *units);

    for (size_t i = 0; take_element(in, i); i++) {
        units[i].name = take_text(in, arena);
        units[i].each = wire_take_u32(in);
        units[i].row_type = wire_take_u32(in);
        units[i].relation = take_optional_text(in, arena);
        units[i].compile = wire_take_u32(in) ? no_compile : NULL;
    }
    description->class_.units = units;
}

static void
take_id_pools(struct wire_reader *in, struct app_description *description)
{
    struct arena *arena = &description->arena;
    struct vmn_id_pool_class *pools = alloc_elements(arena, sizeof *pools);

    for (size_t i = 0; take_element(in, i); i++) {
        pools[i].name = take_text(in, arena);
        pools[i].max = wire_take_u32(in);
    }
    description->class_.id_pools = pools;
}

static void
take_handlers(struct wire_reader *in, struct app_description *description)
{
    struct arena *arena = &description->arena;
    struct vmn_handler_class *handlers = alloc_elements(arena,
                                                        sizeof *handlers);

    for (size_t i = 0; take_element(in, i); i++) {
        handlers[i].name = take_text(in, arena);
        handlers[i].handle = wire_take_u32(in) ? no_handle : NULL;
        handlers[i].interval_s = wire_take_u32(in);
        handlers[i].provider_ports = wire_take_u32(in);
        handlers[i].to_controller = wire_take_u32(in);
        handlers[i].tells_guest = wire_take_u32(in);
        handlers[i].options = wire_take_u64(in);
    }
    description->class_.handlers = handlers;
}

/* Takes a text of any length. */
static const char *
take_block_text(struct wire_reader *in, struct arena *arena)
{
    size_t size = 0;
    const char *text = wire_take_block(in, &size);

    if (!text || !size || text[size - 1]) {
        in->bad = true;
        return "";
    }
    return arena_strdup(arena, text);
}

static void
take_types(struct wire_reader *in, struct app_description *description)
{
    struct arena *arena = &description->arena;
    struct vmn_type_class *types = alloc_elements(arena, sizeof *types);

    description->types = alloc_elements(arena, sizeof *description->types);
    for (size_t i = 0; take_element(in, i); i++) {
        types[i].name = take_text(in, arena);
        description->types[i] = take_block_text(in, arena);
        types[i].check = wire_take_u32(in) ? no_check : NULL;
    }
    description->class_.types = types;
}

bool
app_description_take(struct wire_reader *in,
                     struct app_description *description)
{
    const struct vmn_app_class head = { VMN_APP_HEAD };
    struct vmn_app_class *class_ = &description->class_;

    arena_init(&description->arena);
    *class_ = head;
    class_->name = take_optional_text(in, &description->arena);
    if (class_->name) {         /* Others keep it. */
        class_->name = lasting_text(class_->name);
    }
    class_->description = take_optional_text(in, &description->arena);
    take_stages(in, description);
    take_queries(in, description);
    take_units(in, description);
    take_id_pools(in, description);
    take_handlers(in, description);
    class_->flow_owner = wire_take_u32(in) ? no_flow_owner : NULL;
    class_->options = wire_take_u64(in);
    take_types(in, description);
    if (in->bad) {
        app_description_uninit(description);
        return false;
    }
    return true;
}

void
app_description_uninit(struct app_description *description)
{
    arena_uninit(&description->arena);
}
