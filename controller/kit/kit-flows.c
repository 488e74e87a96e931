/* SPDX-License-Identifier: Apache-2.0
 *
 * The flows and groups that an app wants; see kit-flows.h. */

#include <config.h>

#include "controller/kit/kit-flows.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/flow/flow-text.h"
#include "controller/flow/pipeline.h"
#include "controller/kit/kit-world.h"
#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct collection {
    const struct kit_world *world;
    struct svec *lines;
};

/* Appends "APP.STAGE", with "+N" for its N-th table but the first, or the
 * number of a table that is no stage's. */
static void
put_table(const struct pipeline *pipeline, int table, struct ds *s)
{
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];
            int n = table - stage->first_table;

            if (n >= 0 && n < (int) stage->class_->n_tables) {
                ds_put_format(s, "%s.%s", app->class_->name,
                              stage->class_->name);
                if (n) {
                    ds_put_format(s, "+%d", n);
                }
                return;
            }
        }
    }
    ds_put_format(s, "%d", table);
}

/* Appends 'actions', with names of tables in place of their numbers. */
static void
put_actions(const struct pipeline *pipeline, const char *actions,
            struct ds *s)
{
    static const char *const before[] = { "goto_table:", "resubmit(,",
                                          "table=" };

    while (*actions) {
        for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
            size_t len = strlen(before[i]);

            if (!strncmp(actions, before[i], len)
                && isdigit((unsigned char) actions[len])) {
                char *end;
                int table = strtol(actions + len, &end, 10);

                ds_put_cstr(s, before[i]);
                put_table(pipeline, table, s);
                actions = end;
            }
        }
        if (*actions) {
            ds_put_char(s, *actions++);
        }
    }
}

static void
put_flow(const struct kit_world *world, const struct flow_item *item,
         struct ds *s)
{
    const struct pipeline *pipeline = apphost_pipeline(world->apphost);
    const char *reason = flow_item_drop_reason(item);
    char *match, *actions;

    flow_text_of_flow(item, &match, &actions);
    put_table(pipeline, item->table, s);
    ds_put_format(s, " priority=%u%s%s actions=", item->priority,
                  *match ? "," : "", match);
    put_actions(pipeline, actions, s);
    if (reason) {
        ds_put_format(s, " (%s)", reason);
    }
    free(match);
    free(actions);
}

static void
collect(void *collection_, const struct flow_item *item)
{
    struct collection *collection = collection_;
    const struct kit_world *world = collection->world;
    const char *owner = engine_item_owner(world->engine, item);
    size_t len = strlen(world->app);
    struct ds s = DS_EMPTY_INITIALIZER;

    if (!owner || strncmp(owner, world->app, len) || owner[len] != '.') {
        return;
    }
    if (item->kind == FLOW_ITEM_FLOW) {
        put_flow(world, item, &s);
    } else {
        char *group = flow_text_of_group(item);

        ds_put_format(&s, "group %"PRIu32" ", item->group_id);
        put_actions(apphost_pipeline(world->apphost), group, &s);
        free(group);
    }
    ds_put_format(&s, " on %s", engine_scope_name(item->scope));
    svec_add_nocopy(collection->lines, ds_steal_cstr(&s));
}

void
kit_flows_list(const struct kit_world *world, const char *host,
               struct svec *lines)
{
    struct collection collection = { world, lines };
    struct vmn_names hosts = model_names(world->model, VMN_TABLE_HOST);

    for (size_t i = 0; world->app && i < hosts.n; i++) {
        if (!host || !strcmp(host, hosts.names[i])) {
            engine_host_items(world->engine, hosts.names[i], collect,
                              &collection);
        }
    }
    /* What several hosts have is one flow. */
    svec_sort_unique(lines);
}

/* Expected ones.  --------------------------------------------------------- */

/* Appends 'text' to 's' with single blanks only. */
static void
put_squeezed(const char *text, size_t len, struct ds *s)
{
    for (size_t i = 0; i < len; i++) {
        if (!isspace((unsigned char) text[i])) {
            ds_put_char(s, text[i]);
        } else if (s->length && ds_last(s) != ' ') {
            ds_put_char(s, ' ');
        }
    }
    ds_chomp(s, ' ');
}

/* Appends the line to 'lines', and empties it, unless it is empty or a
 * comment. */
static void
finish_line(struct ds *line, struct svec *lines)
{
    if (line->length && ds_cstr(line)[0] != '#') {
        svec_add(lines, ds_cstr(line));
    }
    ds_clear(line);
}

/* A line that begins with a blank goes on with the one before. */
static void
add_lines(struct svec *lines, const char *text)
{
    struct ds line = DS_EMPTY_INITIALIZER;

    while (*text) {
        size_t len = strcspn(text, "\n");

        if (!isspace((unsigned char) *text)) {
            finish_line(&line, lines);
        } else {
            ds_put_char(&line, ' ');
        }
        put_squeezed(text, len, &line);
        text += len + (text[len] == '\n');
    }
    finish_line(&line, lines);
    ds_destroy(&line);
}

/* One line, whatever it begins with. */
static void
add_line(struct svec *lines, const char *text)
{
    struct ds line = DS_EMPTY_INITIALIZER;

    put_squeezed(text, strlen(text), &line);
    finish_line(&line, lines);
    ds_destroy(&line);
}

bool
kit_flows_match(const struct kit_world *world, const json_t *expected,
                struct ds *ds)
{
    struct svec wanted = SVEC_EMPTY_INITIALIZER;
    struct svec listed = SVEC_EMPTY_INITIALIZER;
    struct svec found = SVEC_EMPTY_INITIALIZER;
    struct svec missing, more;
    const json_t *line;
    const char *text;
    size_t i;
    bool same;

    if (json_is_string(expected)) {
        add_lines(&wanted, json_string_value(expected));
    }
    json_array_foreach (expected, i, line) {
        add_line(&wanted, json_string_value(line));
    }
    svec_sort_unique(&wanted);
    kit_flows_list(world, NULL, &listed);
    SVEC_FOR_EACH (i, text, &listed) {
        add_line(&found, text);
    }
    svec_sort_unique(&found);
    svec_diff(&wanted, &found, &missing, NULL, &more);
    SVEC_FOR_EACH (i, text, &missing) {
        ds_put_format(ds, "- %s\n", text);
    }
    SVEC_FOR_EACH (i, text, &more) {
        ds_put_format(ds, "+ %s\n", text);
    }
    same = !missing.n && !more.n;
    svec_destroy(&missing);
    svec_destroy(&more);
    svec_destroy(&wanted);
    svec_destroy(&listed);
    svec_destroy(&found);
    return same;
}
