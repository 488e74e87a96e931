/* SPDX-License-Identifier: Apache-2.0
 *
 * learn() actions; see learn-action.h. */

#include <config.h>

#include "controller/flow/learn-action.h"

#include "byte-order.h"
#include "controller/flow/flow-item.h"
#include "openflow/openflow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

struct ofpact_learn *
learn_action_begin(struct ofpbuf *ofpacts, uint8_t table, uint32_t limit)
{
    struct ofpact_learn *learn = ofpact_put_LEARN(ofpacts);

    learn->idle_timeout = learn->hard_timeout = OFP_FLOW_PERMANENT;
    learn->priority = 1;
    learn->table_id = table;
    learn->flags = NX_LEARN_F_DELETE_LEARNED;
    learn->limit = limit;
    return learn;
}

static struct ofpact_learn_spec *
put_spec(struct ofpbuf *ofpacts, enum mf_field_id id, size_t extra)
{
    size_t size = ROUND_UP(sizeof(struct ofpact_learn_spec) + extra,
                           OFPACT_ALIGNTO);
    struct ofpact_learn_spec *spec = ofpbuf_put_zeros(ofpacts, size);
    const struct mf_field *field = mf_from_id(id);

    spec->n_bits = field->n_bits;
    spec->dst.field = field;
    spec->dst.n_bits = field->n_bits;
    spec->dst_type = NX_LEARN_DST_MATCH;
    return spec;
}

void
learn_action_match_other(struct ofpbuf *ofpacts, enum mf_field_id id,
                         enum mf_field_id from)
{
    struct ofpact_learn_spec *spec = put_spec(ofpacts, id, 0);

    spec->src = spec->dst;
    spec->src.field = mf_from_id(from);
    spec->src_type = NX_LEARN_SRC_FIELD;
}

void
learn_action_match_copy(struct ofpbuf *ofpacts, enum mf_field_id id)
{
    learn_action_match_other(ofpacts, id, id);
}

/* Appends a spec that loads 'value' into field 'id'. */
static struct ofpact_learn_spec *
put_value(struct ofpbuf *ofpacts, enum mf_field_id id, uint32_t value)
{
    unsigned n_bytes = mf_from_id(id)->n_bytes;
    struct ofpact_learn_spec *spec
        = put_spec(ofpacts, id, OFPACT_ALIGN(n_bytes));
    uint8_t *bytes = (uint8_t *) (spec + 1);

    spec->src_type = NX_LEARN_SRC_IMMEDIATE;
    for (unsigned i = 0; i < n_bytes; i++) {
        bytes[n_bytes - 1 - i] = value >> (8 * i);
    }
    return spec;
}

void
learn_action_match_value(struct ofpbuf *ofpacts, enum mf_field_id id, uint32_t
                         value)
{
    put_value(ofpacts, id, value);
}

void
learn_action_match_app(struct ofpbuf *ofpacts, uint16_t app)
{
    learn_action_match_value(ofpacts, MFF_IN_PORT, app);
}

void
learn_action_load_value(struct ofpbuf *ofpacts, enum mf_field_id id, uint32_t
                        value)
{
    put_value(ofpacts, id, value)->dst_type = NX_LEARN_DST_LOAD;
}

void
learn_action_load(struct ofpbuf *ofpacts, enum mf_field_id id,
                  enum mf_field_id from)
{
    struct ofpact_learn_spec *spec = put_spec(ofpacts, id, 0);

    spec->src = spec->dst;
    spec->src.field = mf_from_id(from);
    spec->src_type = NX_LEARN_SRC_FIELD;
    spec->dst_type = NX_LEARN_DST_LOAD;
}

void
learn_action_end(struct ofpbuf *ofpacts, size_t ofs)
{
    struct ofpact_learn *learn = ofpbuf_at_assert(ofpacts, ofs,
                                                  sizeof *learn);

    ofpacts->header = learn;
    ofpact_finish_LEARN(ofpacts, &learn);
}

void
learn_action_set_cookie(struct ofpbuf *ofpacts, uint64_t cookie)
{
    struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts->data, ofpacts->size) {
        if (a->type == OFPACT_LEARN) {
            struct ofpact_learn *learn = ofpact_get_LEARN(a);

            learn->cookie = htonll(pair_is_table(learn->table_id)
                                   ? cookie | FLOW_COOKIE_COUNTED : cookie);
        }
    }
}
