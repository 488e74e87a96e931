/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to the model as short texts; see model-util.h. */

#include <config.h>

#include "tests/unit/model-util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema.h"
#include "controller/schema/selector.h"
#include "openvswitch/dynamic-string.h"
#include "hash.h"
#include "util.h"

static void
parse_line(struct model_request *request, char *line)
{
    char *save = NULL;
    char *verb = strtok_r(line, " ", &save);
    char *type = strtok_r(NULL, " ", &save);
    char *name = strtok_r(NULL, " ", &save);
    char *etag = strchr(verb, '@');
    json_t *spec = NULL;

    if (etag) {
        *etag++ = '\0';
    }
    if (save && *save) {
        for (char *p = save; *p; p++) {
            *p = *p == '\'' ? '"' : *p;
        }
        spec = json_loads(save, JSON_DECODE_ANY, NULL);
        ovs_assert(spec);
    }

    enum model_op_kind kind = !strcmp(verb, "put") ? MODEL_PUT
                              : !strcmp(verb, "patch") ? MODEL_PATCH
                              : MODEL_DELETE;
    const struct schema_table *table = schema_find_table(type);
    struct model_op *op = model_request_add(request, kind, table->id,
                                            name ? name : "", spec);
    op->cascade = !strcmp(verb, "cascade");
    op->missing_ok = !strcmp(verb, "absent");
    op->if_match = etag ? xstrdup(etag) : NULL;
}

void
model_util_parse(struct model_request *request, const char *text)
{
    char *copy = xstrdup(text);
    char *save = NULL;

    for (char *line = strtok_r(copy, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        parse_line(request, line);
    }
    free(copy);
}

char *
model_util_apply(struct model *model, const char *who,
                 const char *prune_set, const char *text,
                 uint64_t *revision)
{
    return model_util_apply_keyed(model, who, prune_set, NULL, text,
                                  revision);
}

char *
model_util_apply_keyed(struct model *model, const char *who,
                       const char *prune_set, const char *key,
                       const char *text, uint64_t *revision)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model_request request;
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    model_request_init(&request, who);
    model_util_parse(&request, text);
    request.list = request.n_ops > 1;
    request.prune_set = nullable_xstrdup(prune_set);
    request.key = nullable_xstrdup(key);
    request.digest = key ? xasprintf("%032x", hash_string(text, 0)) : NULL;
    int error = model_apply(model, &request, 1000, revision, &errors);
    ovs_assert(!error == !errors.n);
    for (size_t i = 0; i < errors.n; i++) {
        ds_put_format(&ds, "%s %s\n", errors.errors[i].pointer,
                      errors.errors[i].text);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    return ds_steal_cstr(&ds);
}

struct model_rights *
model_util_rights(const char *scope, const char *reads, const char *tier,
                  bool views)
{
    struct vmn_account account = {
        .role = VMN_ROLE_OPERATOR, .n_tiers = tier != NULL, .tiers = &tier,
    };
    uint64_t tables = views ? 0 : UINT64_MAX;
    struct model_rights *rights;
    struct arena arena;

    arena_init(&arena);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (schema_tables[i]->for_admins) {
            tables &= ~(UINT64_C(1) << i);
        }
    }
    ovs_assert((!scope || !selector_parse(scope, strlen(scope), &arena,
                                          &account.scope, NULL))
               && (!reads || !selector_parse(reads, strlen(reads), &arena,
                                             &account.reads, NULL)));
    rights = model_rights_create(tables, &account);
    arena_uninit(&arena);
    return rights;
}

char *
model_util_answer(struct model *model, struct model_request *request,
                  const char *text, bool keeps)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_util_parse(request, text);
    if (!model_apply(model, request, 1, &revision, &errors)) {
        ds_put_format(&ds, "outcome %d", request->n_ops
                      ? (int) request->ops[0].outcome : -1);
        keeps ? model_settle(model) : model_undo(model);
    }
    for (size_t i = 0; i < errors.n; i++) {
        ds_put_format(&ds, "%d %s %s;", (int) errors.errors[i].code,
                      errors.errors[i].pointer, errors.errors[i].text);
    }
    model_request_uninit(request);
    vmn_errors_uninit(&errors);
    return ds_steal_cstr(&ds);
}

static void
dump_row(struct ds *ds, const struct vmn_row *row,
         const struct model_meta *meta)
{
    ds_put_format(ds, "%s {", schema_tables[row->table]->plural);
    model_row_print(row, meta, ds);
    ds_put_cstr(ds, "}\n");
}

char *
model_util_dump(const struct model *model, bool durable)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        struct vmn_names names = model_names(model, i);
        struct model_meta meta = { .revision = 0 };
        const struct vmn_row *row;
        const char *after = "";
        size_t at = 0;

        for (size_t j = 0; !durable && j < names.n; j++) {
            dump_row(&ds, model_get(model, i, names.names[j]), &meta);
        }
        while (durable
               && (row = model_next_durable(model, i, after, &meta))) {
            ovs_assert(model_walk_durable(model, i, after, &at, &meta)
                       == row);
            dump_row(&ds, row, &meta);
            after = row->name;
        }
    }
    return ds_steal_cstr(&ds);
}

json_t *
model_util_row_status(const struct vmn_row *row)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *json;

    schema_row_print_status(row, &ds);
    json = json_loadb(ds_cstr(&ds), ds.length, 0, NULL);
    ovs_assert(json);
    ds_destroy(&ds);
    return json;
}
