/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of the last groups of revisions: who changed what, how many units
 * and queries of each class were computed, how many flows resulted, and the
 * duration of each step. commit-group.c records them; northbound shows them.
 * Not for acknowledgements by hosts (fabric/session/receipts.c). */

#ifndef CONTROLLER_COMMIT_ACTIVITY_H
#define CONTROLLER_COMMIT_ACTIVITY_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct activity;
struct arena;
struct engine;
struct engine_delta;
struct model_request;
struct schema_entry;
struct schema_struct;

/* Maximum number of groups that are kept. */
#define ACTIVITY_MAX 256
/* Maximum number of changes, and of authors, that are named per group. */
#define ACTIVITY_NAMES_MAX 8

/* The steps of a group; each is measured from the end of the previous one. */
enum activity_step {
    ACTIVITY_APPLY,             /* Applying the requests to the model. */
    ACTIVITY_COMPILE,           /* Computing what has become stale. */
    ACTIVITY_STORE,             /* Until the group is durable. */
    ACTIVITY_SEND,              /* Sending bundles to hosts. */
    ACTIVITY_N_STEPS
};

struct activity_change {
    char *op;                   /* "create", "update", "delete".  Owned, as */
    char *type;                 /* the next: a type's plural. */
    char *name;
};

/* Changes of flows and groups. */
struct activity_app {
    const char *name;           /* Valid as long as the pipeline. */
    unsigned added, changed, removed;
};

struct activity_group {
    uint64_t id;                /* From 1, without a gap. */
    uint64_t first_revision;    /* Above 'last_revision': the loaded state,
                                 * which is not a revision. */
    uint64_t last_revision;
    int64_t time_ms;            /* Wall clock. */
    int64_t begin_us;           /* time_usec(). */
    int64_t step_us[ACTIVITY_N_STEPS];
    size_t n_requests;
    size_t n_who;               /* Number of those named. */
    char *who[ACTIVITY_NAMES_MAX]; /* Owned. */
    size_t n_changes;           /* Total; at most ACTIVITY_NAMES_MAX are
                                 * named. */
    struct activity_change changes[ACTIVITY_NAMES_MAX];
    size_t n_apps;
    struct activity_app *apps;
    uint32_t *computed;         /* By number of class; engine_get_class(). */
};

/* Creates an empty log.  'engine' must outlive it. */
struct activity *activity_create(const struct engine *);
void activity_destroy(struct activity *);

/* Recording.  A group that is begun again before its end is not recorded. */
void activity_begin(struct activity *, int64_t time_ms);
void activity_add_request(struct activity *, const struct model_request *);
/* Apps have come: their classes are recorded as well. */
void activity_grow(struct activity *);
/* Records the end of 'step'. */
void activity_step(struct activity *, enum activity_step);
/* Records the end of ACTIVITY_COMPILE, with its result. */
void activity_compiled(struct activity *, const struct engine_delta *);
/* Keeps the group, which has succeeded. */
void activity_end(struct activity *, uint64_t first_revision,
                  uint64_t last_revision);

/* Gets the IDs of the oldest group that is kept, and of the newest (0: none
 * yet). */
void activity_range(const struct activity *, uint64_t *oldest,
                    uint64_t *newest);
/* Returns the group with an ID in that range. */
const struct activity_group *activity_get(const struct activity *,
                                          uint64_t id);
/* Returns the group that 'revision' is in, or NULL if it is not kept. */
const struct activity_group *activity_find(const struct activity *,
                                           uint64_t revision);
/* A group as it is shown.  Members are called as in JSON. */
struct activity_item_change {
    const char *op, *type, *name;
};

struct activity_item_app {
    const char *app;
    uint64_t units, queries;    /* That were computed. */
    size_t n_by_unit, n_by_query;
    struct schema_entry *by_unit, *by_query; /* The same by class. */
    uint32_t added, changed, removed;
};

/* In microseconds; -1: unknown. */
struct activity_item_steps {
    int64_t apply, compile, store, send, installed;
};

struct activity_item_hosts {
    uint64_t concerned, confirmed;
};

struct activity_item {
    uint64_t id;
    int64_t time;               /* Wall clock, in ms. */
    uint64_t first_revision, revision; /* 0: the loaded state. */
    uint64_t requests;
    size_t n_who;
    char *const *who;
    uint64_t n_changes;
    size_t n_listed;
    struct activity_item_change *changes;
    size_t n_apps;
    struct activity_item_app *apps;
    struct activity_item_steps duration_us;
    struct activity_item_hosts *hosts; /* Or NULL. */
};
extern const struct schema_struct activity_item_shown, activity_steps_shown,
    activity_hosts_shown;

/* Fills in all members except the hosts' ('hosts', 'installed'), in
 * 'arena'. */
void activity_show(const struct activity *, const struct activity_group *,
                   struct arena *arena, struct activity_item *);

#endif /* controller/commit/activity.h */
