/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts and queries that depend on each other in a circle: which apps,
 * relations and queries are in it.  The search goes over what the graph has of
 * readers, only once a run has computed a node too often.  Not for finding out
 * that there is a circle (engine.c). */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>

#include "hmapx.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "sset.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(fact_circle);

/* Nodes that a search looks at. */
#define SEARCH_MAX 100000

/* A node that the search has come to. */
struct step {
    struct node *node;
    size_t from;                /* The step before it. */
};

struct search {
    struct engine *engine;
    struct hmapx seen;          /* Of struct node. */
    size_t n, allocated;
    struct step *steps;         /* The first one is where it began. */
};

/* Returns true if 'node' closes the circle. */
static bool
search_add(struct search *search, struct node *node, size_t from)
{
    if (search->n && node == search->steps[0].node) {
        return true;
    }
    if (search->n < SEARCH_MAX && hmapx_add(&search->seen, node)) {
        if (search->n >= search->allocated) {
            search->steps = x2nrealloc(search->steps, &search->allocated,
                                       sizeof *search->steps);
        }
        search->steps[search->n++] = (struct step) { node, from };
    }
    return false;
}

/* Adds what depends on the node of step 'i'; returns true at the end of the
 * circle. */
static bool
search_step(struct search *search, size_t i)
{
    struct node *node = search->steps[i].node;
    uint32_t edge = node->readers;
    struct node *reader;

    while ((reader = graph_next_reader(&search->engine->graph, &edge))) {
        if (search_add(search, reader, i)) {
            return true;
        }
    }
    if (node->kind == NODE_UNIT) {
        const struct unit_node *unit = unit_node_cast(node);

        for (size_t j = 0; j < unit->n_values; j++) {
            if (search_add(search, &unit->values[j].rel->node, i)) {
                return true;
            }
        }
    }
    return false;
}

static const char *
app_of(const struct engine *engine, struct node *node)
{
    return (node->kind == NODE_UNIT
            ? unit_class(engine, unit_node_cast(node))->app->class_->name
            : node->kind == NODE_QUERY
            ? engine->query_classes[node->id].app->class_->name : NULL);
}

static void
put_node(struct ds *out, const struct engine *engine, struct node *node)
{
    if (node->kind == NODE_UNIT) {
        ds_put_format(out, "unit %s", unit_node_cast(node)->name);
    } else if (node->kind == NODE_QUERY) {
        ds_put_format(out, "query %s at \"%s\"",
                      engine->query_classes[node->id].name, node->key);
    } else {
        ds_put_format(out, "relation %s at \"%s\"",
                      engine->relation_names[node->id], node->key);
    }
}

/* Appends the circle whose last step is 'last', beginning with the first. */
static void
put_circle(struct ds *out, const struct search *search, size_t last)
{
    struct sset apps = SSET_INITIALIZER(&apps);
    size_t *path = NULL;
    const char **names;
    size_t n = 0, allocated = 0;

    for (size_t i = last; ; i = search->steps[i].from) {
        const char *app = app_of(search->engine, search->steps[i].node);

        if (n >= allocated) {
            path = x2nrealloc(path, &allocated, sizeof *path);
        }
        path[n++] = i;
        if (app) {
            sset_add(&apps, app);
        }
        if (!i) {
            break;
        }
    }
    names = sset_sort(&apps);
    ds_put_format(out, "facts go in a circle, of %s ",
                  sset_count(&apps) > 1 ? "apps" : "app");
    for (size_t i = 0; i < sset_count(&apps); i++) {
        ds_put_format(out, "%s%s", i ? ", " : "", names[i]);
    }
    ds_put_cstr(out, ": ");
    while (n) {
        put_node(out, search->engine, search->steps[path[--n]].node);
        ds_put_cstr(out, " -> ");
    }
    put_node(out, search->engine, search->steps[0].node);
    free(names);
    free(path);
    sset_destroy(&apps);
}

void
circle_report(struct engine *engine, struct node *node)
{
    struct search search = { .engine = engine };
    struct ds text = DS_EMPTY_INITIALIZER;
    size_t i = 0;

    hmapx_init(&search.seen);
    search_add(&search, node, 0);
    while (i < search.n && !search_step(&search, i)) {
        i++;
    }
    if (i < search.n) {
        put_circle(&text, &search, i);
    } else {
        ds_put_cstr(&text, "what it depends on goes in a circle");
    }
    hmapx_destroy(&search.seen);
    free(search.steps);
    if (node->kind == NODE_UNIT) {
        unit_set_failed(engine, unit_node_cast(node), ds_steal_cstr(&text));
    } else {
        VLOG_ERR("%s: %s; left as it is",
                 engine->query_classes[node->id].name, ds_cstr(&text));
        ds_destroy(&text);
    }
}
