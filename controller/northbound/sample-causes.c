/* SPDX-License-Identifier: Apache-2.0
 *
 * See sample-causes.h.  Samples of one port in a row have equal causes, so
 * these are shared and counted. */

#include <config.h>

#include "controller/northbound/sample-causes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/model/model.h"
#include "controller/northbound/drop-isolation.h"
#include "controller/northbound/northbound-private.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "util.h"

/* Most names of either kind that are remembered of a sample. */
#define NAMES_MAX 100

struct cause {
    struct hmap_node node;
    unsigned n_refs;            /* Samples that have it. */
    const char *direction;      /* As in struct nb_isolation. */
    size_t n_by, n_held_by;
    char *names;                /* First these, then those, a line each. */
};

struct sample_causes {
    struct hmap causes;         /* struct cause, by names. */
    struct {
        uint64_t id;            /* Of the sample; 0: none. */
        uint64_t revision;      /* As of which the cause is. */
        struct cause *cause;
    } samples[FABRIC_SAMPLES_MAX]; /* By id. */
};

struct sample_causes *
sample_causes_create(void)
{
    struct sample_causes *c = xzalloc(sizeof *c);

    hmap_init(&c->causes);
    return c;
}

static void
unref(struct sample_causes *c, struct cause *cause)
{
    if (cause && !--cause->n_refs) {
        hmap_remove(&c->causes, &cause->node);
        free(cause->names);
        free(cause);
    }
}

void
sample_causes_destroy(struct sample_causes *c)
{
    if (c) {
        for (size_t i = 0; i < FABRIC_SAMPLES_MAX; i++) {
            unref(c, c->samples[i].cause);
        }
        hmap_destroy(&c->causes);
        free(c);
    }
}

/* Returns a reference to what equals '*wanted', whose names it takes. */
static struct cause *
ref(struct sample_causes *c, const struct cause *wanted)
{
    uint32_t hash = hash_string(wanted->names, wanted->n_by);
    struct cause *cause;

    HMAP_FOR_EACH_WITH_HASH (cause, node, hash, &c->causes) {
        if (cause->direction == wanted->direction
            && cause->n_by == wanted->n_by
            && !strcmp(cause->names, wanted->names)) {
            free(wanted->names);
            cause->n_refs++;
            return cause;
        }
    }
    cause = xmemdup(wanted, sizeof *wanted);
    cause->n_refs = 1;
    hmap_insert(&c->causes, &cause->node, hash);
    return cause;
}

static void
put_names(const char **names, size_t n, struct ds *ds)
{
    for (size_t i = 0; i < n; i++) {
        ds_put_format(ds, "%s\n", names[i]);
    }
}

void
sample_causes_note(struct sample_causes *c, const struct northbound *nb,
                   const struct fabric_sample *sample)
{
    size_t slot = sample->id % FABRIC_SAMPLES_MAX;
    struct drop_isolation isolation;
    struct ds names = DS_EMPTY_INITIALIZER;
    struct nb_sample shown;
    struct cause cause;
    struct arena arena;

    arena_init(&arena);
    nb_fill_sample(sample, FABRIC_SAMPLE_DROP, &arena, &shown);
    drop_isolation_init(&isolation, nb, &arena);
    drop_isolation_of_sample(&isolation, &shown);
    cause = (struct cause) {
        .direction = shown.isolation.direction,
        .n_by = MIN(shown.isolation.n_by, NAMES_MAX),
        .n_held_by = MIN(shown.isolation.n_held_by, NAMES_MAX),
    };
    put_names(shown.isolation.by, cause.n_by, &names);
    put_names(shown.isolation.held_by, cause.n_held_by, &names);
    cause.names = ds_steal_cstr(&names);
    unref(c, c->samples[slot].cause);
    c->samples[slot].id = sample->id;
    c->samples[slot].revision = model_revision(nb->model);
    c->samples[slot].cause = ref(c, &cause);
    drop_isolation_uninit(&isolation);
    arena_uninit(&arena);
}

/* Returns the next 'n' lines from '*line' on as a list in the arena, or
 * NULL. */
static const char **
take_names(const char **line, size_t n, struct arena *arena)
{
    const char **names = n ? arena_alloc(arena, n * sizeof *names) : NULL;

    for (size_t i = 0; i < n; i++) {
        size_t length = strcspn(*line, "\n");

        names[i] = arena_memdup0(arena, *line, length);
        *line += length + 1;
    }
    return names;
}

/* Returns true if the sample was dropped since a port is isolated, or
 * quarantined. */
static bool
has_cause(const struct nb_sample *shown)
{
    return shown->isolation.direction || shown->isolation.n_held_by;
}

/* Fills in '*isolation' as of when the sample was taken, and '*revision'.
 * Returns false if that was not noted. */
static bool
get_noted(const struct sample_causes *c, uint64_t id, struct arena *arena,
          struct nb_isolation *isolation, uint64_t *revision)
{
    const struct cause *cause = c->samples[id % FABRIC_SAMPLES_MAX].cause;
    const char *line;

    if (!cause || c->samples[id % FABRIC_SAMPLES_MAX].id != id) {
        return false;
    }
    *revision = c->samples[id % FABRIC_SAMPLES_MAX].revision;
    line = cause->names;
    *isolation = (struct nb_isolation) {
        .direction = cause->direction, .n_by = cause->n_by,
        .n_held_by = cause->n_held_by,
    };
    isolation->by = take_names(&line, cause->n_by, arena);
    isolation->held_by = take_names(&line, cause->n_held_by, arena);
    return true;
}

void
sample_causes_fill(const struct sample_causes *c, const struct northbound *nb,
                   struct arena *arena, struct nb_sample *shown)
{
    struct drop_isolation isolation;
    uint64_t revision = model_revision(nb->model);

    drop_isolation_init(&isolation, nb, arena);
    if (get_noted(c, shown->id, arena, &shown->isolation, &revision)) {
        drop_isolation_name_object(&isolation, &shown->isolation,
                                   &shown->owner);
    } else {
        drop_isolation_of_sample(&isolation, shown);
    }
    shown->cause_revision = has_cause(shown) ? revision : 0;
    drop_isolation_uninit(&isolation);
}
