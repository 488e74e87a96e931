/* SPDX-License-Identifier: Apache-2.0
 *
 * The output of a unit's compile function so far: drafts of flows and groups,
 * and relation values. flow.c, flow-match.c and action.c fill it in; unit.c
 * compares it with the unit's previous output. */

#ifndef CONTROLLER_FLOW_EMIT_H
#define CONTROLLER_FLOW_EMIT_H 1

#include <stdarg.h>

#include "controller/flow/flow-item.h"
#include "controller/flow/pipeline.h"
#include "openvswitch/list.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/compiler.h"
#include "vmn/app.h"

/* Limits of one unit, so that a faulty app cannot exhaust the daemon. */
#define EMIT_FLOWS_MAX 200000
#define EMIT_VALUES_MAX 20000
#define EMIT_BUCKETS_MAX 4096
/* Bytes of the actions of a flow or a bucket, and of a whole message's. */
#define EMIT_ACTIONS_MAX 64000

struct vmn_actions {
    struct vmn_emit *emit;
    struct ofpbuf ofpacts;
    const struct pipeline_stage *stage; /* Where the actions are done. */
    uint8_t table;              /* Of the flow; 0 in a bucket. */
    bool in_bucket;
    bool ended;                 /* No more actions may follow. */
    bool has_conjunction;
    bool has_other;
    const char *drop_reason;
    bool background;            /* The drop is background. */
    struct flow_limit limit;    /* Meter 0: none. */
};

struct vmn_flow {
    struct ovs_list node;       /* In emit's 'flows'. */
    struct vmn_scope scope;     /* Strings in the view's arena. */
    uint8_t table;
    uint16_t priority;
    struct match match;
    uint64_t matched;           /* A set of enum vmn_field (oxm.h). */
    bool counted, log;
    uint32_t part;              /* vmn_flow_count_part(), or 0. */
    struct vmn_actions actions;
};

struct emit_bucket {
    struct ovs_list node;
    uint32_t id;
    uint16_t weight;
    uint32_t part;              /* vmn_bucket_count_part(), or 0. */
    uint32_t watch;             /* vmn_bucket_watch(), or 0. */
    struct vmn_actions actions;
};

struct vmn_group_msg {
    struct ovs_list node;       /* In emit's 'groups'. */
    struct vmn_emit *emit;
    struct vmn_scope scope;
    enum vmn_group_type type;
    uint32_t id;
    unsigned hash_family;       /* SELECT: hashes the IP source of packets of
                                 * this family alone; 0: by dp_hash. */
    size_t n_buckets;
    struct ovs_list buckets;
};

/* A value that a unit is about to publish: 'value' at 'key' of a relation, in
 * the view's memory. */
struct emit_value {
    uint16_t relation;
    const char *key;
    const char *value;
};

/* A pool of flows that no unit uses at the moment, with their buffers for
 * actions: they are large, and there is one for each flow that a unit
 * emits. */
struct emit_pool {
    size_t n;
    struct ovs_list flows;
};
void emit_pool_init(struct emit_pool *);
void emit_pool_uninit(struct emit_pool *);

/* Services of the engine that runs the app's function, with its view: memory
 * that is valid as long as the view, ID allocation (vmn_id_of()), recording a
 * failure, whether there is one, charging the app for bytes that are kept (or
 * a failure, if these are too many), and the first table of the first stage at
 * a hook or behind it (-1: there is none). */
struct emit_services {
    void *(*alloc)(struct vmn_view *, size_t size);
    uint32_t (*number)(struct vmn_view *, const char *kind, const char *key);
    void (*fail)(struct vmn_view *, const char *format, va_list);
    bool (*failed)(const struct vmn_view *);
    bool (*charge)(struct vmn_view *, size_t);
    int (*table_of_hook)(const struct vmn_view *, enum vmn_hook);
};

struct vmn_emit {
    const struct emit_services *services;
    struct vmn_view *view;      /* For 'services'; opaque here. */
    const struct pipeline_app *app;
    uint16_t app_number;        /* PIPELINE_ID_POOL_APP; 0: not read yet. */
    struct emit_pool *pool;
    struct vmn_scope scope;     /* Of the last flow: the next one's is mostly
                                 * equal. */
    size_t n_flows;
    struct ovs_list flows;
    struct ovs_list groups;
    size_t n_values, allocated_values;
    struct emit_value *values;
};

void emit_init(struct vmn_emit *, const struct emit_services *,
               struct vmn_view *, const struct pipeline_app *,
               struct emit_pool *);
void emit_uninit(struct vmn_emit *);

/* Adds a flow that matches everything and does nothing.  'stage' may be
 * NULL. */
struct vmn_flow *emit_flow(struct vmn_emit *, struct vmn_scope,
                           const struct pipeline_stage *stage, uint8_t table,
                           uint16_t priority);

/* Marks the unit as failed; the first reason is kept. */
void emit_fail(struct vmn_emit *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns true if the unit has failed.  Nothing that it emits is used then. */
bool emit_has_failed(const struct vmn_emit *);

/* Returns a copy that is valid as long as the view; NULL for NULL. */
const char *emit_strdup(struct vmn_emit *, const char *);

/* Checks a complete flow; returns false (with emit_fail()) if a switch would
 * reject it. */
bool emit_check_flow(struct vmn_flow *);
/* Checks a group in the same way; also that a switch would execute all actions
 * of its buckets. */
bool emit_check_group(const struct vmn_group_msg *);

/* Returns the table number of (stage, table) of the app, or -1 with
 * emit_fail(). */
int emit_table(struct vmn_emit *, unsigned stage, unsigned table);

/* Initializes all members except 'ofpacts', which is an empty buffer
 * already. */
void actions_init(struct vmn_actions *, struct vmn_emit *,
                  const struct pipeline_stage *, uint8_t table,
                  bool in_bucket);
/* Begins an action.  Returns false if none may follow. */
bool actions_begin(struct vmn_actions *);
/* Returns false, with emit_fail(), if the actions are too many already. */
bool actions_have_room(struct vmn_actions *);
/* Begins an action with a limit, which becomes the flow's: of 1 to 'max'
 * 'what' a second and at once.  Returns false, with emit_fail(), if it is
 * another one, or the flow has one. */
bool actions_begin_limit(struct vmn_actions *, const char *key,
                         struct flow_limit, uint32_t max, const char *what);
/* Appends what drops that is beyond the flow's limit. */
void actions_put_meter(struct vmn_actions *);
/* Returns true if 'table' of the app's stage 'stage' comes after the flow's
 * own, or calls emit_fail(). */
bool actions_is_later(struct vmn_actions *, unsigned stage, int table);
/* Returns the table after the stage, or calls emit_fail() and returns -1. */
int actions_next_table(struct vmn_actions *);
/* Appends what sends a packet from table 'from' to one that follows it in the
 * pipeline, whose number may be lower. */
void resubmit_put_next(struct ofpbuf *ofpacts, int from, int table);

/* Returns true if the match's prerequisites are met, or calls emit_fail().
 * Fields without them would be left out of the message silently, and the flow
 * would match more than intended. */
bool flow_match_is_complete(struct vmn_flow *);
/* The same for 'mf' alone; 'what' is done to it, such as "setting". */
bool flow_has_prerequisites(struct vmn_flow *, const struct mf_field *mf,
                            const char *what);

/* Returns true if there is such a field, or calls emit_fail(). */
bool field_exists(struct vmn_emit *, enum vmn_field);
/* Returns the libopenvswitch field, for values of 'size' bytes in wire order;
 * that of VMN_F_IN_PORT for one that does not exist. */
const struct mf_field *field_get(enum vmn_field);
/* Return a field's name as apps write it; of one that is none of theirs, Open
 * vSwitch's. */
const char *field_name(enum vmn_field);
const char *field_name_of(const struct mf_field *);
/* Makes a mask of all bits NULL where a field takes none; false (with
 * emit_fail()) if it is another one.  '*mask' may be NULL. */
bool field_mask(struct vmn_emit *, enum vmn_field,
                const union mf_value **mask);

static inline bool
field_is_register(enum vmn_field field)
{
    return field >= VMN_F_REG0 && field <= VMN_F_REG15;
}

/* Returns all bits of a field. */
static inline struct mf_subfield
field_subfield(enum vmn_field field)
{
    const struct mf_field *mf = field_get(field);

    return (struct mf_subfield) { .field = mf, .ofs = 0,
                                  .n_bits = mf->n_bits };
}

/* Encodes 'value' at the width of 'field', in wire order; false (with
 * emit_fail()) if it does not fit. */
bool field_value(struct vmn_emit *, enum vmn_field, uint64_t value,
                 union mf_value *);
/* Encodes an address for 'field'; false (with emit_fail()) if the field holds
 * no addresses of that family. */
bool field_ip(struct vmn_emit *, enum vmn_field, const struct vmn_ip *,
              union mf_value *);

#endif /* controller/flow/emit.h */
